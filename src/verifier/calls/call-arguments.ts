// The arguments of a helper's call: that each register is of a kind that the helper takes, that memory handed to it
// is there and as large as it is told (check_func_arg in kernel/bpf/verifier.c).

import { Bpf } from "../../../assembly/shared/codes.ts";
import type { MapSpec } from "../../program.ts";
import { type Env, MAX_VAR_OFF } from "../env.ts";
import { markPrecise, markSlotPrecise } from "../explore/precision.ts";
import {
  checkAccess,
  checkAlignment,
  checkMapRights,
  checkMapValue,
  checkPacket,
  checkRegion,
  checkUnmodified,
} from "../insns/access.ts";
import { checkReads, isHiddenPointer } from "../insns/registers.ts";
import { byteOf, checkInitialized, checkStackBounds, slotOf, UNKNOWN_VALUE } from "../insns/stack-access.ts";
import { checkDynptr, checkReleasable, SLICE_MASK } from "../objects/dynptr.ts";
import { checkField } from "../objects/field-arguments.ts";
import { checkExchanged, checkKptrExchange } from "../objects/kptr.ts";
import type { MapField } from "../objects/map-fields.ts";
import type { DynptrObject } from "../objects/stack-object.ts";
import { accessStruct } from "../objects/struct-access.ts";
import { checkNamedStruct } from "../objects/struct-arguments.ts";
import { SOCK, VALUE } from "../prototypes/notation.ts";
import type { ArgKind, ArgType, HelperPrototype } from "../prototypes/prototype.ts";
import { Flag, type Register, type RegisterKind, typeName } from "../register.ts";
import { EACCES, EINVAL, Rejection } from "../rejection.ts";
import { Byte } from "../state.ts";
import { hasEveryKey, holdsSockets, isFilter } from "./map-functions.ts";

/** What the arguments of a call say together. */
export class CallFacts {
  readonly prototype: HelperPrototype;
  map: MapSpec | undefined = undefined;
  mapUid = 0;
  /** The reference that an argument holds. */
  refId = 0;
  /** Argument that is given back, as register. */
  releases = 0;
  /** Constant key of a lookup. */
  key: number | undefined = undefined;
  /** Upper bound of what a helper with a size fills. */
  maxSize: bigint | undefined = undefined;
  /** Size of memory that the helper makes. */
  memSize = 0;
  subprogram = -1;
  /** Pointer to a per-CPU object. */
  perCpu: Register | undefined = undefined;
  /** Field that a reference goes into. */
  kptr: MapField | undefined = undefined;
  /** The dynptr that an argument is. */
  dynptr: DynptrObject | undefined = undefined;

  constructor(prototype: HelperPrototype) {
    this.prototype = prototype;
  }
}

/** A kind of register, with exactly those flags. */
interface Expected {
  readonly kind: RegisterKind;
  readonly flags: number;
  /** The kernel's messages name it, but no such register will do. */
  readonly isRefused?: true;
}

const expected = (kind: RegisterKind, flags = 0): Expected => ({ kind, flags });

const STACK = expected("fp");
const MEMORY: readonly Expected[] = [
  STACK,
  expected("pkt"),
  expected("pkt_meta"),
  expected("map_key"),
  expected("map_value"),
  expected("mem"),
  expected("mem", Flag.RINGBUF),
  expected("buf"),
  expected("btf", Flag.TRUSTED),
];
const SOCKETS: readonly Expected[] = [
  expected("sock_common"),
  expected("sock"),
  expected("tcp_sock"),
  expected("xdp_sock"),
];
const STRUCTS: readonly Expected[] = [expected("btf"), expected("btf", Flag.TRUSTED)];
const NUMBER: readonly Expected[] = [expected("scalar")];
const MAP_VALUE: readonly Expected[] = [expected("map_value")];

/** The kinds of register that an argument may be, in the kernel's order. */
const EXPECTED: Readonly<Record<ArgKind, readonly Expected[]>> = {
  anything: [],
  const_map_ptr: [expected("map_ptr")],
  map_key: MEMORY,
  map_value: MEMORY,
  mem: MEMORY,
  const_size: NUMBER,
  const_size_or_zero: NUMBER,
  const_alloc_size_or_zero: NUMBER,
  ctx: [expected("ctx")],
  spin_lock: [...MAP_VALUE, expected("btf", Flag.ALLOC)],
  sock_common: SOCKETS,
  btf_id_sock_common: [...SOCKETS, ...STRUCTS],
  socket: [expected("sock")],
  btf_id: [...STRUCTS, expected("btf", Flag.RCU)],
  ringbuf_mem: [expected("mem", Flag.RINGBUF)],
  percpu_btf_id: [
    expected("btf", Flag.PERCPU),
    expected("btf", Flag.PERCPU | Flag.RCU),
    expected("btf", Flag.PERCPU | Flag.TRUSTED),
  ],
  func: [expected("func")],
  stack: [STACK],
  const_str: MAP_VALUE,
  timer: MAP_VALUE,
  kptr_xchg_dest: [...MAP_VALUE, { ...expected("btf", Flag.ALLOC), isRefused: true }],
  dynptr: [STACK, expected("dynptr")],
};

export function checkArgument(env: Env, facts: CallFacts, index: number): void {
  const number = index + 1;
  checkReads(env, number);
  const type = argumentType(env, facts, index);
  const register = env.register(number);
  if (type.kind === "anything") {
    if (isHiddenPointer(env, number)) env.reject(EACCES, `R${number} leaks addr into helper function`);
    return;
  }
  const { packetHelpers, anyPacketHelper } = env.traits;
  if (register.isPacket && !anyPacketHelper && !(packetHelpers && facts.prototype.packetAccess)) {
    env.reject(EACCES, "helper access to the packet is not allowed");
  }
  const isNull = register.isNull && type.nullable === true;
  if (!isNull) {
    checkKind(env, facts, register, number, type);
    checkOffset(env, register, number, type);
    if (register.kind === "ctx") env.noteWholeContext();
  }
  if (type.release === true) {
    if (type.kind === "dynptr") checkReleasable(env, number);
    else if (register.refId === 0 && !register.isNull) {
      env.reject(EINVAL, `R${number} must be referenced when passed to release function`);
    }
    facts.releases = number;
  }
  if (register.refId !== 0 && type.kind !== "kptr_xchg_dest") {
    if (facts.refId !== 0) {
      env.reject(EACCES, `more than one arg with ref_obj_id R${number} ${register.refId} ${facts.refId}`);
    }
    facts.refId = register.refId;
  }
  checkMeaning(env, facts, register, number, type, isNull);
}

/** Socket maps take sockets as values; the bloom filter's peek reads the value that it is asked for. */
function argumentType(env: Env, { prototype, map }: CallFacts, index: number): ArgType {
  const type = prototype.args[index];
  if (type.kind !== "map_value" || map === undefined) return type;
  if (holdsSockets(map)) {
    const isPlain = type.nullable !== true && type.uninit !== true && type.write !== true;
    if (!isPlain) env.reject(EINVAL, "invalid arg_type for sockmap/sockhash");
    return SOCK;
  }
  return isFilter(map) && prototype.name === "map_peek_elem" ? VALUE : type;
}

function checkKind(env: Env, facts: CallFacts, register: Register, number: number, type: ArgType): void {
  const wanted = EXPECTED[type.kind];
  let flags = register.flags;
  if (type.readOnly === true) flags &= ~Flag.READ_ONLY;
  if (type.nullable === true) flags &= ~Flag.MAYBE_NULL;
  if (type.kind === "mem") flags &= ~SLICE_MASK;
  const found = wanted.find((each) => each.kind === register.kind && each.flags === flags);
  if (found !== undefined && found.isRefused !== true) {
    return register.kind === "btf" ? checkStructKind(env, facts, number, type) : undefined;
  }
  const names = wanted.map(typeName).join(", ");
  env.reject(EACCES, `R${number} type=${typeName(register)} expected=${names}`);
}

/** Pointers to structs: memory that is only read, or the struct that the helper is for. */
function checkStructKind(env: Env, facts: CallFacts, number: number, type: ArgType): void {
  const register = env.register(number);
  const helper = facts.prototype.name;
  if (type.kind === "btf_id" || type.kind === "btf_id_sock_common") {
    const isRelease = type.release === true;
    if (register.mayBeNull && (type.nullable !== true || isRelease)) {
      env.reject(EACCES, `Possibly NULL pointer passed to helper arg${number}`);
    }
    if (facts.kptr !== undefined) return checkExchanged(env, facts.kptr, number);
    const struct = type.kind === "btf_id" ? type.struct : "sock_common";
    if (struct !== undefined) checkNamedStruct(env, number, struct, isRelease && type.kind === "btf_id");
  } else if (EXPECTED[type.kind] === MEMORY && type.readOnly !== true) {
    env.reject(
      EACCES,
      `bpf_${helper}() may write into memory pointed by R${number} type=${typeName(register)}`,
    );
  }
}

const FREE_OFFSETS = new Set<RegisterKind>([
  ...(["fp", "pkt", "pkt_meta", "map_key", "map_value", "mem", "buf", "scalar"] as const),
]);

export function checkOffset(env: Env, register: Register, number: number, type: ArgType): void {
  if (type.release === true) {
    if (type.kind === "dynptr") return;
    if (register.off !== 0) {
      env.reject(
        EINVAL,
        `R${number} must have zero offset when passed to release func or trusted arg to kfunc`,
      );
    }
    checkUnmodified(env, register, number);
    return;
  }
  checkUnchanged(env, number);
}

function checkMeaning(
  env: Env,
  facts: CallFacts,
  register: Register,
  number: number,
  type: ArgType,
  isNull: boolean,
): void {
  switch (type.kind) {
    case "const_map_ptr":
      checkSameMap(env, facts, register);
      facts.map = register.map;
      facts.mapUid = register.mapUid;
      return;
    case "map_key":
      if (facts.map === undefined) env.reject(EACCES, "invalid map_ptr to access map->key");
      checkHelperMemory(env, number, facts.map.keySize, { isWrite: false });
      if (hasEveryKey(facts.map)) facts.key = constantKey(env, register, facts.map.keySize);
      return;
    case "map_value":
      if (isNull) return;
      if (facts.map === undefined) env.reject(EACCES, "invalid map_ptr to access map->value");
      checkHelperMemory(env, number, facts.map.valueSize, useOf(type));
      return;
    case "mem":
      if (type.size === undefined) return;
      checkHelperMemory(env, number, type.size, useOf(type));
      if (type.aligned === true) checkAlignment(env, register, 0, type.size, true);
      return;
    case "const_size":
    case "const_size_or_zero":
      checkSize(env, facts, register, number, type.kind === "const_size_or_zero");
      return;
    case "const_alloc_size_or_zero":
      if (!register.scalar.isConstant) env.reject(EACCES, `R${number} is not a known constant'`);
      facts.memSize = Number(register.scalar.value);
      markPrecise(env, number);
      return;
    case "percpu_btf_id":
      facts.perCpu = register;
      return;
    case "func":
      facts.subprogram = register.subprogram;
      return;
    case "const_str":
      checkString(env, register, number);
      return;
    case "kptr_xchg_dest":
      facts.kptr = checkKptrExchange(env, register, number);
      return;
    case "timer":
      checkField(env, register, number, "bpf_timer");
      facts.map = register.map;
      facts.mapUid = register.mapUid;
      return;
    case "dynptr":
      facts.dynptr = checkDynptr(env, number, {
        isNew: type.uninit === true,
        type: type.dynptr,
        isReadOnly: type.readOnly,
      });
      return;
    default:
  }
}

const useOf = ({ write, uninit }: ArgType): MemoryUse => ({
  isWrite: write === true,
  isRaw: uninit === true,
});

/** A timer is started with the map that it lies in: of inner maps, with the one of the same lookup. */
function checkSameMap(env: Env, { map, mapUid }: CallFacts, other: Register): void {
  if (map === undefined || (map === other.map && mapUid === other.mapUid)) return;
  env.reject(
    EINVAL,
    `timer pointer in R1 map_uid=${mapUid} doesn't match map pointer in R2 map_uid=${other.mapUid}`,
  );
}

/** The key of a lookup, where the stack holds a number that is known. */
function constantKey(env: Env, register: Register, size: number): number | undefined {
  if (register.kind !== "fp" || !register.scalar.isConstant) return undefined;
  const off = register.wholeOffset;
  const frame = env.state.frames[register.frame];
  const index = slotOf(off);
  const slot = frame.slot(index);
  const countOf = (byte: Byte): number => {
    let end = byteOf(off);
    while (end < 8 && slot.byte(end) === byte) end++;
    return end - byteOf(off);
  };
  if (countOf(Byte.ZERO) >= size) return 0;
  if (!slot.isSpill || slot.register.kind !== "scalar" || countOf(Byte.SPILL) !== size) return undefined;
  if (!slot.register.scalar.isConstant) return undefined;
  markSlotPrecise(env, frame.number, index);
  return Number(slot.register.scalar.value);
}

/** Register `number` is the size of the memory that the register before it points to; it may be zero. */
export function checkSizedMemory(env: Env, number: number, isWrite: boolean): void {
  checkSizeOf(env, number, true);
  checkHelperMemory(env, number - 1, Number(env.register(number).scalar.umax), { isWrite, mayBeEmpty: true });
  markPrecise(env, number);
}

function checkSize(env: Env, facts: CallFacts, register: Register, number: number, mayBeZero: boolean): void {
  const { scalar } = register;
  const memory = facts.prototype.args[number - 2];
  facts.maxSize = scalar.umax;
  checkSizeOf(env, number, mayBeZero);
  const isRaw = memory.uninit === true && scalar.isConstant;
  const use = { isWrite: memory.write === true, mayBeEmpty: mayBeZero, isRaw };
  checkHelperMemory(env, number - 1, Number(scalar.umax), use);
  markPrecise(env, number);
}

function checkSizeOf(env: Env, number: number, mayBeZero: boolean): void {
  const { scalar } = env.register(number);
  if (scalar.smin < 0n) {
    env.reject(EACCES, `R${number} min value is negative, either use unsigned or 'var &= const'`);
  }
  if (scalar.umin === 0n && !mayBeZero) {
    env.reject(EACCES, `R${number} invalid zero-sized read: u64=[${scalar.umin},${scalar.umax}]`);
  }
  if (scalar.umax >= BigInt(MAX_VAR_OFF)) {
    env.reject(EACCES, `R${number} unbounded memory access, use 'var &= const' or 'if (var < const)'`);
  }
}

/** A pointer as it was given, where its kind asks for that. */
export function checkUnchanged(env: Env, number: number): void {
  const register = env.register(number);
  if (!FREE_OFFSETS.has(register.kind)) checkUnmodified(env, register, number, register.kind === "btf");
}

/** Memory that a function may read and write `size` bytes of; null will do. */
export function checkMemoryArgument(env: Env, number: number, size: number): void {
  const register = env.register(number);
  if (register.isNull) return;
  env.setRegister(number, register.with({ flags: register.flags & ~Flag.MAYBE_NULL }));
  try {
    checkReadWriteMemory(env, number, size);
  } catch (error) {
    if (!(error instanceof Rejection)) throw error;
    env.reject(EINVAL, error.message);
  } finally {
    env.setRegister(number, register);
  }
}

/** Memory that a call may both read and write; there may be none of it. */
export function checkReadWriteMemory(env: Env, number: number, size: number): void {
  checkHelperMemory(env, number, size, { isWrite: false, mayBeEmpty: true });
  checkHelperMemory(env, number, size, { isWrite: true, mayBeEmpty: true });
}

/** What a call does with memory that it is handed. */
interface MemoryUse {
  /** It writes to it; else it only reads. */
  readonly isWrite: boolean;
  /** A size of 0 will do. */
  readonly mayBeEmpty?: boolean;
  /** It fills it, so it need not hold anything. */
  readonly isRaw?: boolean;
}

/** Memory that a call reads, or writes: `size` bytes from the address in a register on. */
function checkHelperMemory(env: Env, number: number, size: number, use: MemoryUse): void {
  const { isWrite, mayBeEmpty = false, isRaw = false } = use;
  const register = env.register(number);
  const { off, kind } = register;
  const isReadOnly = isWrite && (register.flags & Flag.READ_ONLY) !== 0;
  if (isReadOnly) env.reject(EACCES, `R${number} cannot write into ${typeName(register)}`);
  switch (kind) {
    case "pkt":
    case "pkt_meta":
      return checkPacket(env, number, off, size, mayBeEmpty);
    case "map_key":
      if (isWrite) env.reject(EACCES, `R${number} cannot write into ${typeName(register)}`);
      return checkRegion(env, number, off, size, register.map?.keySize ?? 0);
    case "map_value":
      checkMapRights(env, register, off, size, isWrite);
      return checkMapValue(env, number, off, size, mayBeEmpty);
    case "mem":
    case "buf":
      return checkRegion(env, number, off, size, register.memSize, mayBeEmpty);
    case "fp":
      if (size === 0 && mayBeEmpty) return checkStackBounds(env, number, off, 0, isWrite);
      checkStackBounds(env, number, off, size, isWrite);
      return checkInitialized(env, number, off, size, isRaw, isWrite);
    case "btf":
      return accessStruct(env, register, { number, off, size, dst: -1, stored: undefined, isSigned: false });
    case "ctx":
      if (HAS_BARE_CONTEXT.has(env.kind.type)) return checkContextMemory(env, number, size, isWrite);
      break;
    default:
      if (mayBeEmpty && size === 0 && register.isNull) return;
  }
  env.reject(EACCES, `R${number} type=${typeName(register)} expected=fp`);
}

/** Types whose context is memory as it is, not fields that the kernel translates. */
const HAS_BARE_CONTEXT = new Set([
  ...["kprobe", "tracepoint", "raw_tracepoint", "raw_tracepoint_writable", "tracing", "lsm", "struct_ops"],
  ...["syscall", "cgroup_device", "lirc_mode2", "netfilter"],
]);

/** The last byte of it is within the context. */
function checkContextMemory(env: Env, number: number, size: number, isWrite: boolean): void {
  if (size === 0) return;
  const stored = isWrite ? UNKNOWN_VALUE : undefined;
  checkAccess(env, { number, off: size - 1, size: 1, dst: -1, stored, isSigned: false });
}

/** A text that cannot change: in a frozen map, ended by a zero. */
export function checkString(env: Env, register: Register, number: number): void {
  const { map, scalar, off, wholeOffset } = register;
  if (map === undefined || (map.flags & Bpf.F_RDONLY_PROG) === 0)
    env.reject(EACCES, `R${number} does not point to a readonly map'`);
  if (!scalar.isConstant) env.reject(EACCES, `R${number} is not a constant address'`);
  if (map.contents === undefined) env.reject(EACCES, "no direct value access support for this map type");
  checkMapValue(env, number, off, map.valueSize - wholeOffset, false);
  if (!map.contents.subarray(wholeOffset).includes(0)) {
    env.reject(EINVAL, "string is not zero-terminated");
  }
}
