// Loads and stores through pointers: by the pointer's kind, whether the memory is the program's to touch, and what a
// load gives (check_mem_access in kernel/bpf/verifier.c). The stack has a file of its own.

import { Bpf } from "../../../assembly/shared/codes.ts";
import { isReadOnly } from "../calls/map-functions.ts";
import { accessSize, Class, Mode } from "../code.ts";
import {
  type ContextAccess,
  contextRead,
  contextWrite,
  FLOW_KEYS_SIZE,
  type SocketKind,
  socketRead,
} from "../contexts/contexts.ts";
import { loadTraced } from "../contexts/traced-context.ts";
import { type Env, MAX_VAR_OFF } from "../env.ts";
import { accessKptr, checkKptrPlace, kptrAt } from "../objects/kptr.ts";
import { isKptr, mapFields } from "../objects/map-fields.ts";
import { accessMapStruct, accessStruct, structPointer } from "../objects/struct-access.ts";
import { Flag, Register, typeName } from "../register.ts";
import { EACCES, EINVAL } from "../rejection.ts";
import { Scalar } from "../scalars/scalar.ts";
import { checkReads, checkWrites, isHiddenPointer } from "./registers.ts";
import { checkStackBounds, readStack, type Stored, writeStack } from "./stack-access.ts";

/** An access that an instruction makes, or a helper for it. */
export interface Access {
  /** Register with the pointer. */
  readonly number: number;
  /** The instruction's offset. */
  readonly off: number;
  readonly size: number;
  /** Where a load goes: -1 nowhere. */
  readonly dst: number;
  /** What a store writes; undefined for a load. */
  readonly stored: Stored | undefined;
  readonly isSigned: boolean;
  /** Must be aligned, whatever the program's flags say: atomics must. */
  readonly isStrict?: boolean;
}

export function checkAccess(env: Env, access: Access): void {
  const { number, size, dst, stored, isSigned } = access;
  const pointer = env.register(number);
  env.accessKind = pointer.kind;
  const mayFault = pointer.kind === "btf" || (pointer.flags & Flag.UNTRUSTED) !== 0;
  if (mayFault && stored === undefined && dst >= 0) env.probedLoads.add(env.slot);
  checkAlignment(env, pointer, access.off, size, access.isStrict === true);
  const off = access.off + pointer.off;
  accessByKind(env, pointer, { number, off, size, dst, stored, isSigned });
  if (stored !== undefined || dst < 0 || size === 8) return;
  const result = env.register(dst);
  if (result.kind !== "scalar") return;
  const { scalar } = result;
  env.setRegister(
    dst,
    result.withScalar(
      isSigned ? scalar.signExtend(size as 1 | 2 | 4, 8) : scalar.truncate(size as 1 | 2 | 4),
    ),
  );
}

function accessByKind(env: Env, pointer: Register, access: Access): void {
  const { number, off, size, stored } = access;
  switch (pointer.kind) {
    case "map_key":
      if (stored !== undefined) env.reject(EACCES, `write to change key R${number} not allowed`);
      checkRegion(env, number, off, size, pointer.map?.keySize ?? 0);
      return load(env, access, Register.UNKNOWN);
    case "map_value":
      return accessMapValue(env, pointer, access);
    case "mem":
    case "buf":
      return accessMemory(env, pointer, access);
    case "ctx":
      return accessContext(env, access);
    case "fp":
      checkStackBounds(env, number, off, size, stored !== undefined);
      if (stored === undefined) return readStack(env, number, off, size, access.dst);
      return writeStack(env, number, off, size, stored);
    case "pkt":
    case "pkt_meta":
      return accessPacket(env, access);
    case "flow_keys":
      checkLeak(env, access, "flow keys");
      if (off < 0 || off + size > FLOW_KEYS_SIZE) {
        env.reject(EACCES, `invalid access to flow keys off=${off} size=${size}`);
      }
      return load(env, access, Register.UNKNOWN);
    case "sock":
    case "sock_common":
    case "tcp_sock":
    case "xdp_sock":
      return accessSocket(env, pointer, access);
    case "tp_buffer":
      checkBuffer(env, pointer, access, "tracepoint");
      return load(env, access, Register.UNKNOWN);
    case "map_ptr":
      if (!pointer.mayBeNull) return accessMapStruct(env, pointer, access);
      return env.reject(EACCES, `R${number} invalid mem access '${typeName(pointer)}'`);
    default:
      if (pointer.kind === "btf" && !pointer.mayBeNull) return accessStruct(env, pointer, access);
      return env.reject(EACCES, `R${number} invalid mem access '${typeName(pointer)}'`);
  }
}

function load(env: Env, { dst, stored }: Access, register: Register): void {
  if (stored === undefined && dst >= 0) env.setRegister(dst, register);
}

function checkLeak(env: Env, { stored }: Access, into: string): void {
  if (stored === undefined || stored.number < 0 || !isHiddenPointer(env, stored.number)) return;
  env.reject(EACCES, `R${stored.number} leaks addr into ${into}`);
}

const ALIGNED_NAMES: Readonly<Record<string, string>> = {
  flow_keys: "flow keys ",
  map_key: "key ",
  map_value: "value ",
  ctx: "context ",
  fp: "stack ",
  sock: "sock ",
  sock_common: "sock_common ",
  tcp_sock: "tcp_sock ",
  xdp_sock: "xdp_sock ",
};

export function checkAlignment(
  env: Env,
  pointer: Register,
  off: number,
  size: number,
  isForced: boolean,
): void {
  if (size === 1) return;
  const { kind, scalar } = pointer;
  const isStrict = env.isStrict || isForced || kind === "fp";
  if (!isStrict) return;
  if (pointer.isPacket) {
    const ipAlign = 2;
    if (scalar.tnum.add(constantTnum(ipAlign + pointer.off + off)).isAligned(size)) return;
    env.reject(
      EACCES,
      `misaligned packet access off ${ipAlign}+${scalar.tnum}+${pointer.off}+${off} size ${size}`,
    );
  }
  if (scalar.tnum.add(constantTnum(pointer.off + off)).isAligned(size)) return;
  const name = ALIGNED_NAMES[kind] ?? "";
  env.reject(EACCES, `misaligned ${name}access off ${scalar.tnum}+${pointer.off}+${off} size ${size}`);
}

const constantTnum = (value: number) => Scalar.constant(BigInt(value)).tnum;

/** [off, off + size), with the pointer's variable part, lies in a region of `limit` bytes. */
export function checkRegion(
  env: Env,
  number: number,
  off: number,
  size: number,
  limit: number,
  mayBeEmpty = false,
): void {
  const { scalar } = env.register(number);
  if (scalar.smin < 0n) {
    const low = BigInt(off) + scalar.smin;
    if (low !== BigInt.asIntN(32, low) || low < 0n) rejectNegative(env, number);
  }
  checkWithin(env, number, BigInt(off) + scalar.smin, size, limit, mayBeEmpty, "min");
  if (scalar.umax >= BigInt(MAX_VAR_OFF)) {
    env.reject(EACCES, `R${number} unbounded memory access, make sure to bounds check any such access`);
  }
  checkWithin(env, number, BigInt(off) + scalar.umax, size, limit, mayBeEmpty, "max");
}

function rejectNegative(env: Env, number: number): never {
  env.reject(
    EACCES,
    `R${number} min value is negative, either use unsigned index or do a if (index >=0) check.`,
  );
}

function checkWithin(
  env: Env,
  number: number,
  off: bigint,
  size: number,
  limit: number,
  mayBeEmpty: boolean,
  end: "min" | "max",
): void {
  const problem = outside(env.register(number), number, off, size, limit, mayBeEmpty);
  if (problem === undefined) return;
  env.reject(EACCES, `${problem}\nR${number} ${end} value is outside of the allowed memory range`);
}

/** The kernel's words for an access outside of a region; undefined when it is inside. */
function outside(
  pointer: Register,
  number: number,
  off: bigint,
  size: number,
  limit: number,
  mayBeEmpty: boolean,
): string | undefined {
  const hasSize = size > 0 || (size === 0 && mayBeEmpty);
  if (off >= 0n && hasSize && off + BigInt(size) <= BigInt(limit)) return undefined;
  // The kernel keeps offsets in an int.
  const at = BigInt.asIntN(32, off);
  switch (pointer.kind) {
    case "map_key":
      return `invalid access to map key, key_size=${limit} off=${at} size=${size}`;
    case "map_value":
      return `invalid access to map value, value_size=${limit} off=${at} size=${size}`;
    case "pkt":
    case "pkt_meta":
    case "pkt_end":
      return `invalid access to packet, off=${at} size=${size}, R${number}(id=${pointer.id},off=${at},r=${limit})`;
    default:
      return `invalid access to memory, mem_size=${limit} off=${at} size=${size}`;
  }
}

function accessMapValue(env: Env, pointer: Register, access: Access): void {
  const { number, off, size, stored, dst } = access;
  const { map } = pointer;
  if (map === undefined || pointer.mayBeNull) {
    env.reject(EACCES, `R${number} invalid mem access '${typeName(pointer)}'`);
  }
  checkLeak(env, access, "map");
  checkMapRights(env, pointer, off, size, stored !== undefined);
  checkMapValue(env, number, off, size, false, true);
  const field = kptrAt(pointer, off);
  if (field !== undefined) return accessKptr(env, field, dst, stored);
  if (stored !== undefined || dst < 0) return;
  const value = constantOf(pointer, off, size);
  if (value === undefined) load(env, access, Register.UNKNOWN);
  else {
    const isSigned = access.isSigned && size < 8;
    env.setRegister(
      dst,
      Register.constant(isSigned ? BigInt.asUintN(64, BigInt.asIntN(size * 8, value)) : value),
    );
  }
}

export function checkMapRights(
  env: Env,
  { map }: Register,
  off: number,
  size: number,
  isWrite: boolean,
): void {
  if (map === undefined) return;
  if (isWrite && isReadOnly(map)) {
    env.reject(EACCES, `write into map forbidden, value_size=${map.valueSize} off=${off} size=${size}`);
  }
  if (!isWrite && (map.flags & Bpf.F_WRONLY_PROG) !== 0) {
    env.reject(EACCES, `read from map forbidden, value_size=${map.valueSize} off=${off} size=${size}`);
  }
}

/** An access inside a map's value, and outside of the fields that are not for programs. */
export function checkMapValue(
  env: Env,
  number: number,
  off: number,
  size: number,
  mayBeEmpty: boolean,
  isDirect = false,
): void {
  const { map, scalar } = env.register(number);
  if (map === undefined) return;
  checkRegion(env, number, off, size, map.valueSize, mayBeEmpty);
  for (const field of mapFields(map)) {
    const reaches = BigInt(field.off) < scalar.umax + BigInt(off + size);
    if (!reaches || scalar.smin + BigInt(off) >= BigInt(field.off + field.size)) continue;
    if (!isKptr(field)) env.reject(EACCES, `${field.name} cannot be accessed directly by load/store`);
    checkKptrPlace(env, field, scalar, off, size, isDirect);
  }
}

/** A value that nobody can change any more. */
function constantOf(pointer: Register, off: number, size: number): bigint | undefined {
  const { map, scalar } = pointer;
  if (map?.contents === undefined || map.frozen !== true || !scalar.isConstant) return undefined;
  if ((map.flags & Bpf.F_RDONLY_PROG) === 0) return undefined;
  const at = off + Number(scalar.signedValue);
  let value = 0n;
  for (let index = size - 1; index >= 0; index--)
    value = (value << 8n) | BigInt(map.contents[at + index] ?? 0);
  return value;
}

function accessMemory(env: Env, pointer: Register, access: Access): void {
  const { number, off, size, stored } = access;
  if (pointer.mayBeNull) env.reject(EACCES, `R${number} invalid mem access '${typeName(pointer)}'`);
  if (stored !== undefined && (pointer.flags & Flag.READ_ONLY) !== 0) {
    env.reject(EACCES, `R${number} cannot write into ${typeName(pointer)}`);
  }
  checkLeak(env, access, "mem");
  if (pointer.kind === "buf") {
    checkBuffer(env, pointer, access, (pointer.flags & Flag.READ_ONLY) !== 0 ? "rdonly" : "rdwr");
  }
  // What is not trusted is read where it can be, as bpf_probe_read does.
  if ((pointer.flags & Flag.UNTRUSTED) === 0) checkRegion(env, number, off, size, pointer.memSize);
  load(env, access, Register.UNKNOWN);
}

/** A pointer that must be as it was given: no offset, nothing added. */
export function checkUnmodified(env: Env, pointer: Register, number: number, mayHaveOffset = false): void {
  const type = typeName(pointer);
  if (pointer.off < 0) {
    env.reject(EACCES, `negative offset ${type} ptr R${number} off=${pointer.off} disallowed`);
  }
  if (!mayHaveOffset && pointer.off !== 0) {
    env.reject(EACCES, `dereference of modified ${type} ptr R${number} off=${pointer.off} disallowed`);
  }
  const { tnum } = pointer.scalar;
  if (!pointer.scalar.isConstant || pointer.scalar.value !== 0n) {
    env.reject(EACCES, `variable ${type} access var_off=${tnum} disallowed`);
  }
}

function accessContext(env: Env, access: Access): void {
  const { number, off, size, stored } = access;
  const pointer = env.register(number);
  if (stored !== undefined && stored.number >= 0 && isHiddenPointer(env, stored.number)) {
    env.reject(EACCES, `R${stored.number} leaks addr into ctx`);
  }
  checkUnmodified(env, pointer, number);
  const { target } = env;
  if (target !== undefined) return load(env, access, loadTraced(env, target, access));
  const found = stored === undefined ? contextRead(env.kind, off, size) : contextWrite(env.kind, off, size);
  if (found === undefined || (access.isSigned && found.value !== "scalar")) {
    env.reject(EACCES, `invalid bpf_context access off=${off} size=${size}`);
  }
  if (env.contextSize < off + size) env.contextSize = off + size;
  load(env, access, contextRegister(env, found));
}

function contextRegister(env: Env, { value, struct = "" }: ContextAccess): Register {
  switch (value) {
    case "scalar":
      return Register.UNKNOWN;
    case "pkt":
    case "pkt_end":
    case "pkt_meta":
    case "flow_keys":
    case "tp_buffer":
    case "sock":
    case "sock_common":
      return Register.pointer(value);
    case "sock_or_null":
    case "sock_common_or_null": {
      const kind = value === "sock_or_null" ? "sock" : "sock_common";
      return Register.pointer(kind, { flags: Flag.MAYBE_NULL, id: env.takeId() });
    }
    case "btf":
      return structPointer(env, struct, Flag.TRUSTED);
    case "btf_or_null":
      return structPointer(env, struct, Flag.TRUSTED | Flag.MAYBE_NULL, env.takeId());
  }
}

function accessPacket(env: Env, access: Access): void {
  const { number, off, size, stored } = access;
  if (stored !== undefined && !env.traits.packetWrite) env.reject(EACCES, "cannot write into packet");
  checkLeak(env, access, "packet");
  checkPacket(env, number, off, size, false);
  load(env, access, Register.UNKNOWN);
}

export function checkPacket(env: Env, number: number, off: number, size: number, mayBeEmpty: boolean): void {
  const pointer = env.register(number);
  if (pointer.scalar.smin < 0n) rejectNegative(env, number);
  const suffix = `R${number} offset is outside of the packet`;
  if (pointer.range < 0) env.reject(EINVAL, suffix);
  const hasSize = size > 0 || (size === 0 && mayBeEmpty);
  if (off >= 0 && hasSize && off + size <= pointer.range) return;
  const { id, range } = pointer;
  env.reject(
    EACCES,
    `invalid access to packet, off=${off} size=${size}, R${number}(id=${id},off=${off},r=${range})\n${suffix}`,
  );
}

function accessSocket(env: Env, pointer: Register, access: Access): void {
  const { number, off, size, stored } = access;
  if (pointer.mayBeNull) env.reject(EACCES, `R${number} invalid mem access '${typeName(pointer)}'`);
  if (stored !== undefined) env.reject(EACCES, `R${number} cannot write into ${typeName(pointer)}`);
  if (pointer.scalar.smin < 0n) rejectNegative(env, number);
  if (socketRead(pointer.kind as SocketKind, off, size) === undefined) {
    env.reject(EACCES, `R${number} invalid ${typeName(pointer)} access off=${off} size=${size}`);
  }
  load(env, access, Register.UNKNOWN);
}

/** How much of a buffer there is is known when the program is attached: any constant offset will do. */
function checkBuffer(env: Env, pointer: Register, { number, off, size }: Access, kind: string): void {
  if (off < 0) env.reject(EACCES, `R${number} invalid ${kind} buffer access: off=${off}, size=${size}`);
  if (!pointer.scalar.isConstant || pointer.scalar.value !== 0n) {
    env.reject(
      EACCES,
      `R${number} invalid variable buffer offset: off=${off}, var_off=${pointer.scalar.tnum}`,
    );
  }
}

// ---- the instructions ----

export function checkLoad(env: Env): void {
  const { code, slot } = env;
  const [opcode, dst, src] = [code.code[slot], code.dst[slot], code.src[slot]];
  checkReads(env, src);
  checkWrites(env, dst);
  const size = accessSize(opcode);
  const isSigned = code.mode(slot) === Mode.MEMSX;
  checkAccess(env, { number: src, off: code.off[slot], size, dst, stored: undefined, isSigned });
}

export function checkStore(env: Env): void {
  const { code, slot } = env;
  const [opcode, dst, src, imm] = [code.code[slot], code.dst[slot], code.src[slot], code.imm[slot]];
  const isRegister = (opcode & 7) === Class.STX;
  if (isRegister) {
    if (imm !== 0) env.reject(EINVAL, "BPF_STX uses reserved fields");
    checkReads(env, src);
  } else if (src !== 0) env.reject(EINVAL, "BPF_ST uses reserved fields");
  checkReads(env, dst);
  const stored: Stored = isRegister ? { number: src, imm: undefined } : { number: -1, imm };
  checkAccess(env, {
    number: dst,
    off: code.off[slot],
    size: accessSize(opcode),
    dst: -1,
    stored,
    isSigned: false,
  });
}
