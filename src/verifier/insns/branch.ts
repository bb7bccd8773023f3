// What a jump on a condition tells: which way it must go, and what is known on each way of the registers that it
// compared — bounds of numbers, that a pointer is not null, how much of a packet is there (check_cond_jmp_op in
// kernel/bpf/verifier.c).

import { holdsSockets, holdsXdpSockets } from "../calls/map-functions.ts";
import { Class } from "../code.ts";
import type { Env } from "../env.ts";
import { markPrecise } from "../explore/precision.ts";
import { mayHoldLock } from "../objects/field-arguments.ts";
import {
  AT_PACKET_END,
  BEYOND_PACKET_END,
  Flag,
  isTrusted,
  Register,
  type RegisterKind,
} from "../register.ts";
import { EACCES, EINVAL } from "../rejection.ts";
import { Scalar } from "../scalars/scalar.ts";
import { applyAlu } from "../scalars/scalar-alu.ts";
import { branchTaken, type JumpOp, refineBranch, refineSelf } from "../scalars/scalar-branch.ts";
import {
  frameOfPlace,
  isRegisterPlace,
  registerOfPlace,
  registerPlace,
  type State,
  slotOfPlace,
  slotPlace,
} from "../state.ts";
import { consistent } from "./arithmetic.ts";
import { checkReads, isHiddenPointer } from "./registers.ts";
import { pushStep } from "./stack-access.ts";

/** By the operation's number (code >> 4). */
const JUMP_OPS: readonly (JumpOp | undefined)[] = [
  ...([undefined, "eq", "gt", "ge", "set", "ne", "sgt", "sge"] as const),
  ...([undefined, undefined, "lt", "le", "slt", "sle"] as const),
];

/** The same comparison with its sides changed. */
const FLIPPED: Readonly<Record<JumpOp, JumpOp>> = {
  eq: "eq",
  ne: "ne",
  set: "set",
  gt: "lt",
  ge: "le",
  lt: "gt",
  le: "ge",
  sgt: "slt",
  sge: "sle",
  slt: "sgt",
  sle: "sge",
};

/** No packet is longer. */
const MAX_PACKET_OFF = 0xffff;
/** Registers of one id that are followed; further ones lose it. */
const MAX_LINKED = 6;

const isAnyPacket = ({ kind }: Register): boolean =>
  kind === "pkt" || kind === "pkt_meta" || kind === "pkt_end";

/** What to do after the jump: only one way, or both. */
interface Branching {
  readonly next: number;
  /** The other way, with what is known on it. */
  readonly other: { readonly slot: number; readonly state: State } | undefined;
}

/** What a jump compares. */
interface Comparison {
  readonly op: JumpOp;
  readonly is32: boolean;
  /** The registers; `src` is -1 where the right side is a constant of the instruction. */
  readonly dst: number;
  readonly src: number;
  /** What both sides are before the jump. */
  readonly left: Register;
  readonly right: Register;
}

export function checkConditional(env: Env): Branching {
  const { code, slot } = env;
  const { opcode, dst, src, off, imm } = code.fields(slot);
  const op = JUMP_OPS[opcode >> 4];
  if (op === undefined) {
    env.reject(EINVAL, `invalid BPF_JMP/JMP32 opcode ${(opcode & 0xf0).toString(16)}`);
  }
  const is32 = (opcode & 7) === Class.JMP32;
  const usesSource = (opcode & 8) !== 0;
  checkOperands(env, opcode, dst, src, imm);
  const left = env.register(dst);
  const right = usesSource ? env.register(src) : Register.immediate(imm);
  const taken = decide(op, left, right, is32);
  const target = slot + off + 1;
  if (taken !== undefined) {
    if (!left.isPointer) markPrecise(env, dst);
    if (usesSource && !right.isPointer) markPrecise(env, src);
    return { next: taken ? target : slot + 1, other: undefined };
  }
  const linked = noteLinked(
    env,
    usesSource && right.kind === "scalar" ? right.id : 0,
    left.kind === "scalar" ? left.id : 0,
  );
  const other = env.state.copy();
  const comparison = { op, is32, dst, src: usesSource ? src : -1, left, right };
  refineNumbers(env.state, other, comparison);
  if (linked !== undefined) {
    for (const state of [env.state, other]) {
      if (usesSource && right.kind === "scalar" && right.id !== 0) syncLinked(state, src, linked);
      if (left.kind === "scalar" && left.id !== 0) syncLinked(state, dst, linked);
    }
  }
  refinePointers(env, other, comparison);
  return { next: slot + 1, other: { slot: target, state: other } };
}

function checkOperands(env: Env, opcode: number, dst: number, src: number, imm: number): void {
  checkReads(env, dst);
  if ((opcode & 8) === 0) {
    if (src !== 0) env.reject(EINVAL, "BPF_JMP/JMP32 uses reserved fields");
    return;
  }
  if (imm !== 0) env.reject(EINVAL, "BPF_JMP/JMP32 uses reserved fields");
  checkReads(env, src);
  const arePackets = isAnyPacket(env.register(dst)) && isAnyPacket(env.register(src));
  if (!arePackets && isHiddenPointer(env, src)) env.reject(EACCES, `R${src} pointer comparison prohibited`);
}

/** True or false when the jump always goes one way. */
function decide(op: JumpOp, left: Register, right: Register, is32: boolean): boolean | undefined {
  if (isAnyPacket(left) && isAnyPacket(right) && !is32) return decidePacket(op, left, right);
  if (left.kind === "scalar" && right.kind === "scalar")
    return branchTaken(op, left.scalar, right.scalar, is32);
  let [pointer, number, way] = [left, right, op];
  if (right.kind !== "scalar") [pointer, number, way] = [right, left, FLIPPED[op]];
  if (number.kind !== "scalar" || !number.scalar.isConstant || number.scalar.value !== 0n) return undefined;
  if (!isNeverNull(pointer)) return undefined;
  return way === "eq" ? false : way === "ne" ? true : undefined;
}

const NEVER_NULL: ReadonlySet<RegisterKind> = new Set<RegisterKind>([
  ...(["sock", "tcp_sock", "sock_common", "xdp_sock", "map_value", "map_key", "map_ptr"] as const),
]);

function isNeverNull(register: Register): boolean {
  const { kind, flags } = register;
  if ((flags & Flag.MAYBE_NULL) !== 0) return false;
  if (kind === "mem") return (flags & Flag.UNTRUSTED) === 0;
  return NEVER_NULL.has(kind) || (kind === "btf" && isTrusted(register));
}

/** A packet pointer that an earlier comparison found at the end, or behind it. */
function decidePacket(op: JumpOp, left: Register, right: Register): boolean | undefined {
  let [packet, way] = [left, op];
  if (left.kind === "pkt_end") [packet, way] = [right, FLIPPED[op]];
  else if (right.kind !== "pkt_end") return undefined;
  if (packet.range >= 0) return undefined;
  const isBeyond = packet.range === BEYOND_PACKET_END;
  if (way === "le" || way === "gt") return isBeyond ? way === "gt" : undefined;
  if (way === "lt" || way === "ge") return way === "ge";
  return undefined;
}

// ---- numbers that are one number ----

/** Places of the registers and slots with an id, as precision's steps have them; undefined where it is only one. */
function noteLinked(env: Env, first: number, second: number): readonly number[] | undefined {
  const places: number[] = [];
  for (const id of [first, second]) if (id !== 0) collectLinked(env, id, places);
  if (places.length > 1) pushStep(env).linked = places;
  return places.length > 0 ? places : undefined;
}

/** Of the registers only those that are still read: what is known of others serves nobody. */
function collectLinked(env: Env, id: number, places: number[]): void {
  const { state } = env;
  for (let number = state.frames.length - 1; number >= 0; number--) {
    const { registers, stack } = state.frames[number];
    const live = env.flow.liveRegisters[state.frames[number + 1]?.callSite ?? env.slot];
    for (let index = 0; index < 10; index++) {
      const register = registers[index];
      if ((live & (1 << index)) === 0 || register.kind !== "scalar" || register.id !== id) continue;
      if (places.length < MAX_LINKED) places.push(registerPlace(number, index));
      else registers[index] = register.withoutId();
    }
    for (let index = 0; index < stack.length; index++) {
      const slot = stack[index];
      if (!slot.isScalarSpill || slot.register.id !== id) continue;
      if (places.length < MAX_LINKED) places.push(slotPlace(number, index));
      else stack[index] = slot.withRegister(slot.register.withoutId());
    }
  }
}

/** What is known of register `number` is known of all that are the same number, or a constant away from it. */
function syncLinked(state: State, number: number, places: readonly number[]): void {
  const known = state.registers[number];
  const learn = (register: Register): Register => {
    if (register === known || register.kind !== "scalar" || register.id !== known.id) return register;
    const widths = register.delta | known.delta;
    // What was added to 32 bits is no distance between numbers of 64.
    if (widths === (32 | 64)) return register;
    if (widths === 0 || register.off === known.off) return known;
    const distance = Scalar.constant(BigInt(register.off - known.off));
    const sum = applyAlu("add", known.scalar, distance, true);
    return register.with({
      scalar: widths === 32 ? sum.zeroExtend32() : sum,
      isPrecise: known.isPrecise,
    });
  };
  for (const place of places) {
    const { registers, stack } = state.frames[frameOfPlace(place)];
    if (isRegisterPlace(place)) {
      const number = registerOfPlace(place);
      registers[number] = learn(registers[number]);
    } else {
      const index = slotOfPlace(place);
      stack[index] = stack[index].withRegister(learn(stack[index].register));
    }
  }
}

function refineNumbers(
  fallThrough: State,
  other: State,
  { op, is32, dst, src, left, right }: Comparison,
): void {
  if (left.kind !== "scalar" || right.kind !== "scalar") return;
  for (const [state, taken] of [
    [fallThrough, false],
    [other, true],
  ] as const) {
    // Of a register compared with itself, one number is known.
    if (src === dst) {
      state.registers[dst] = left.withScalar(consistent(refineSelf(op, left.scalar, is32, taken)));
      continue;
    }
    const { a, b } = refineBranch(op, left.scalar, right.scalar, is32, taken);
    state.registers[dst] = left.withScalar(consistent(a));
    if (src >= 0) state.registers[src] = right.withScalar(consistent(b));
  }
}

// ---- pointers ----

function refinePointers(env: Env, other: State, { op, is32, dst, src, right }: Comparison): void {
  const isWhole = src >= 0 && !is32;
  if (isWhole) liftNull(env.state, other, op, dst, src);
  const isEquality = src < 0 && !is32 && (op === "eq" || op === "ne");
  if (isEquality && env.register(dst).mayBeNull && right.isNull) {
    markNull(env.state, dst, op === "ne");
    markNull(other, dst, op === "eq");
    return;
  }
  const isBounded = isWhole && refinePackets(env.state, other, op, dst, src);
  if (!isBounded && isHiddenPointer(env, dst)) {
    env.reject(EACCES, `R${dst} pointer comparison prohibited`);
  }
}

/** A pointer that equals one that is never null is not null either. */
function liftNull(state: State, other: State, op: JumpOp, dst: number, src: number): void {
  const [left, right] = [state.registers[dst], state.registers[src]];
  if (!left.isPointer || !right.isPointer || left.mayBeNull === right.mayBeNull) return;
  if (left.kind === "btf" || right.kind === "btf") return;
  const equal = op === "eq" ? other : op === "ne" ? state : undefined;
  if (equal === undefined) return;
  const number = left.mayBeNull ? dst : src;
  equal.registers[number] = notNull(equal.registers[number]);
}

/** The pointer, once it is known not to be null. */
function notNull(register: Register): Register {
  const flags = register.flags & ~Flag.MAYBE_NULL;
  const { map } = register;
  if (register.kind === "map_value" && map !== undefined) {
    if (map.innerMap !== undefined) {
      return register.with({ kind: "map_ptr", flags, map: map.innerMap, mapUid: register.id });
    }
    if (holdsSockets(map)) return register.with({ kind: "sock", flags });
    if (holdsXdpSockets(map)) return register.with({ kind: "xdp_sock", flags });
  }
  return register.with({ flags });
}

/** All that share the register's id are null, or are not. */
function markNull(state: State, number: number, isNull: boolean): void {
  const { id, refId } = state.registers[number];
  if (refId !== 0 && refId === id && isNull) {
    state.references = state.references.filter((reference) => reference.id !== id);
  }
  state.mapRegisters((register) => {
    if (!register.mayBeNull || register.id !== id) return register;
    if (isNull) return Register.ZERO;
    const live = notNull(register);
    return mayHoldLock(live) ? live : live.with({ id: 0 });
  });
}

/** A packet pointer compared with the end of the packet, or one into the metadata with its start. */
function refinePackets(state: State, other: State, op: JumpOp, dst: number, src: number): boolean {
  const [left, right] = [state.registers[dst], state.registers[src]];
  const isEnd = (end: Register, pointer: Register): boolean =>
    (pointer.kind === "pkt" && end.kind === "pkt_end") ||
    (pointer.kind === "pkt_meta" &&
      end.kind === "pkt" &&
      end.off === 0 &&
      end.id === 0 &&
      end.scalar.isConstant);
  let [pointer, number, way] = [left, dst, op];
  if (!isEnd(right, left)) {
    if (!isEnd(left, right)) return false;
    [pointer, number, way] = [right, src, FLIPPED[op]];
  }
  switch (way) {
    case "gt":
      extendRange(state, pointer, false);
      markEnd(other, number, true);
      return true;
    case "lt":
      extendRange(other, pointer, true);
      markEnd(state, number, false);
      return true;
    case "ge":
      extendRange(state, pointer, true);
      markEnd(other, number, false);
      return true;
    case "le":
      extendRange(other, pointer, false);
      markEnd(state, number, true);
      return true;
    default:
      return false;
  }
}

/** So much of the packet is there; `isStrict`: the pointer is before the end, not at it. */
function extendRange(state: State, pointer: Register, isStrict: boolean): void {
  const { off, scalar, kind, id } = pointer;
  if (off < 0 || (off === 0 && isStrict)) return;
  if (scalar.umax > BigInt(MAX_PACKET_OFF) || Number(scalar.umax) + off > MAX_PACKET_OFF) return;
  const range = isStrict ? off + 1 : off;
  state.mapRegisters((register) =>
    register.kind === kind && register.id === id && register.range < range
      ? register.with({ range })
      : register,
  );
}

function markEnd(state: State, number: number, isBeyond: boolean): void {
  const register = state.registers[number];
  if (register.kind !== "pkt") return;
  state.registers[number] = register.with({ range: isBeyond ? BEYOND_PACKET_END : AT_PACKET_END });
}
