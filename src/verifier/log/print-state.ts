// Registers, stack slots and whole frames as the kernel's log prints them (print_reg_state and print_verifier_state
// in kernel/bpf/log.c).

import { offsetOf } from "../insns/stack-access.ts";
import { type Register, typeName } from "../register.ts";
import type { Scalar } from "../scalars/scalar.ts";
import type { Tnum } from "../scalars/tnum.ts";
import { Byte, type Frame, type StackSlot, type State } from "../state.ts";

const hex = (value: bigint): string => `0x${BigInt.asUintN(64, value).toString(16)}`;

/** Small numbers are decimal, others hexadecimal and without a sign. */
const formatUnsigned = (value: bigint): string => (value <= 0xffffn ? `${value}` : hex(value));
const isSmall = (value: bigint): boolean => value >= -0x8000n && value <= 0x7fffn;
const formatSigned = (value: bigint): string => (isSmall(value) ? `${value}` : hex(value));

function formatTnum({ value, mask }: Tnum): string {
  return mask === 0n ? formatUnsigned(value) : `(${hex(value)}; ${hex(mask)})`;
}

const S64_MAX = (1n << 63n) - 1n;
const S64_MIN = -(1n << 63n);
const U64_MAX = (1n << 64n) - 1n;

/** In the order of the log; even ones are lower bounds, odd ones upper bounds. */
const RANGE_NAMES = ["smin", "smax", "umin", "umax", "smin32", "smax32", "umin32", "umax32"];
const UNBOUNDED: readonly bigint[] = [
  ...[S64_MIN, S64_MAX, 0n, U64_MAX],
  ...[-0x80000000n, 0x7fffffffn, 0n, 0xffffffffn],
];

/** A 32-bit bound without the sign extension that would make its hexadecimal form another number's. */
const signed32 = (value: number): bigint => (isSmall(BigInt(value)) ? BigInt(value) : BigInt(value >>> 0));

/** The bounds that say something; equal ones share their value. */
function formatRanges(scalar: Scalar): string[] {
  const { smin, smax, umin, umax, s32min, s32max, u32min, u32max } = scalar;
  const bare = [smin, smax, umin, umax, BigInt(s32min), BigInt(s32max), BigInt(u32min), BigInt(u32max)];
  const values = bare.slice();
  values[4] = signed32(s32min);
  values[5] = signed32(s32max);
  const isLeftOut = bare.map((value, index) => value === UNBOUNDED[index]);
  const parts: string[] = [];
  for (let first = 0; first < values.length; first++) {
    if (isLeftOut[first]) continue;
    let names = `${RANGE_NAMES[first]}=`;
    for (let other = first + 2; other < values.length; other += 2) {
      if (isLeftOut[other] || BigInt.asUintN(64, values[other]) !== BigInt.asUintN(64, values[first]))
        continue;
      if (values[other] < 0n !== values[first] < 0n) continue;
      isLeftOut[other] = true;
      names += `${RANGE_NAMES[other]}=`;
    }
    const isSigned = first % 4 < 2;
    parts.push(names + (isSigned ? formatSigned(values[first]) : formatUnsigned(values[first])));
  }
  return parts;
}

const HAS_MAP = new Set(["map_ptr", "map_key", "map_value"]);
const MAX_NAME = 15;

/** What stands in brackets behind the type. */
function formatFields(register: Register): string[] {
  const { kind, id, delta, off, refId, map, range, memSize, scalar } = register;
  const parts: string[] = [];
  if (id !== 0) parts.push(`id=${id}${delta !== 0 ? `${off < 0 ? "" : "+"}${off}` : ""}`);
  if (refId !== 0) parts.push(`ref_obj_id=${refId}`);
  if (HAS_MAP.has(kind) && map !== undefined) {
    if (map.name !== "") parts.push(`map=${map.name.slice(0, MAX_NAME)}`);
    parts.push(`ks=${map.keySize}`, `vs=${map.valueSize}`);
  }
  if (kind !== "scalar" && off !== 0) parts.push(`off=${formatSigned(BigInt(off))}`);
  if (register.isPacket) parts.push(`r=${formatUnsigned(BigInt.asUintN(64, BigInt(range)))}`);
  if (kind === "mem") parts.push(`sz=${formatUnsigned(BigInt(memSize))}`);
  if (kind === "dynptr") parts.push("type=local");
  if (!scalar.tnum.isConstant) {
    parts.push(...formatRanges(scalar));
    if (!scalar.tnum.isUnknown) parts.push(`var_off=${formatTnum(scalar.tnum)}`);
  } else if (scalar.value !== 0n) parts.push(`imm=${formatSigned(scalar.signedValue)}`);
  return parts;
}

/** A register's value; `frame`: the one that it is printed for. */
export function formatRegister(register: Register, frame = 0): string {
  const { kind, scalar } = register;
  if (kind === "scalar") {
    const prefix = register.isPrecise ? "P" : "";
    if (scalar.tnum.isConstant) return prefix + formatSigned(scalar.signedValue);
    return `${prefix}scalar(${formatFields(register).join(",")})`;
  }
  let type = `${typeName(register)}${register.struct}`;
  if (kind === "fp") {
    if (register.frame !== frame) type += `[${register.frame}]`;
    if (scalar.isConstant) return type + formatSigned(scalar.signedValue + BigInt(register.off));
  }
  return `${type}(${formatFields(register).join(",")})`;
}

const BYTE_CHARACTERS: Readonly<Record<Byte, string>> = {
  [Byte.INVALID]: "?",
  [Byte.SPILL]: "r",
  [Byte.MISC]: "m",
  [Byte.ZERO]: "0",
  [Byte.DYNPTR]: "d",
  [Byte.ITER]: "i",
  [Byte.IRQ_FLAG]: "f",
};

/** A slot's bytes, the highest address first; a stored register stands for its bytes. */
function formatSlot(slot: StackSlot, frame: number): string {
  let text = "";
  for (let index = 7; index >= 0; index--) {
    const byte = slot.byte(index);
    if (slot.isSpill && byte === Byte.SPILL) return text + formatRegister(slot.register, frame);
    text += BYTE_CHARACTERS[byte] ?? "?";
  }
  return text;
}

/** What is to be printed of a frame. */
export interface Selection {
  hasRegister(number: number): boolean;
  hasSlot(index: number): boolean;
}

const EVERYTHING: Selection = { hasRegister: () => true, hasSlot: () => true };

/** A frame's registers and stack, with a blank before each; no line end. */
export function formatFrame(state: State, frame: Frame, selection: Selection = EVERYTHING): string {
  let text = frame.number > 0 ? ` frame${frame.number}:` : "";
  for (const [number, register] of frame.registers.entries()) {
    if (register.kind === "none" || !selection.hasRegister(number)) continue;
    text += ` R${number}=${formatRegister(register, frame.number)}`;
  }
  for (let index = 0; index < frame.stack.length; index++) {
    const slot = frame.stack[index];
    if (slot.bytes === 0 || !selection.hasSlot(index)) continue;
    const object = formatObject(frame, index);
    if (slot.byte(0) === Byte.DYNPTR) index++;
    if (object !== undefined) text += object;
    else text += ` fp${offsetOf(index)}=${formatSlot(slot, frame.number)}`;
  }
  return text + formatReferences(state, frame);
}

/** Where slices have their dynptr's id, a dynptr has a mark of its first slot. */
const FIRST_SLOT = "dynptr_id=1";

/** An object of the kernel's, printed once, for the slot with its lowest address. */
function formatObject(frame: Frame, index: number): string | undefined {
  const { object } = frame.slot(index);
  const name = (at: number): string => ` fp${offsetOf(at)}`;
  if (object?.kind === "dynptr") {
    const { id, refId } = object;
    const parts = [`id=${id}`, refId !== 0 ? `ref_id=${refId}` : "", FIRST_SLOT].filter(Boolean);
    return `${name(object.isFirst ? index : index + 1)}=dynptr_${object.type}(${parts.join(",")})`;
  }
  if (object?.kind !== "iter") return undefined;
  if (object.refId === 0) return "";
  const { struct, refId, isActive, depth } = object;
  const type = struct.replace(/^bpf_iter_/, "");
  return `${name(index)}=iter_${type}(ref_id=${refId},state=${isActive ? "active" : "drained"},depth=${depth})`;
}

function formatReferences({ references }: State, { callback }: Frame): string {
  const ids = references.map(({ id }) => id).filter((id) => id !== 0);
  const refs = ids.length > 0 && references[0].id !== 0 ? ` refs=${ids.join(",")}` : "";
  if (callback === undefined) return refs;
  return `${refs}${callback.asyncEntry === 0 ? " cb" : " async_cb"}`;
}
