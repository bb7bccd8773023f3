// What arithmetic does to registers: numbers through the scalar domain, pointers by adding to their offsets, and what
// may not be done with a pointer (check_alu_op and adjust_ptr_min_max_vals in kernel/bpf/verifier.c).

import { Alu, Class } from "../code.ts";
import { type Env, MAX_VAR_OFF } from "../env.ts";
import { markPrecise } from "../explore/precision.ts";
import { Flag, Register, type RegisterKind, typeName } from "../register.ts";
import { EACCES, EINVAL } from "../rejection.ts";
import { Scalar } from "../scalars/scalar.ts";
import { type AluOp, applyAlu, changeByteOrder, forkSign } from "../scalars/scalar-alu.ts";
import type { State } from "../state.ts";
import { checkReads, checkWrites, isHiddenPointer } from "./registers.ts";
import { checkMoved, closeWindow, openWindow } from "./sanitize.ts";
import { withScalarId } from "./stack-access.ts";

/** By the operation's number. */
const OPERATORS: readonly string[] = [
  ...["+=", "-=", "*=", "/=", "|=", "&=", "<<=", ">>=", "neg", "%=", "^=", "=", "s>>=", "endian"],
];
const ALU_OPS: readonly (AluOp | undefined)[] = [
  ...(["add", "sub", "mul", "div", "or", "and", "lsh", "rsh", "neg", "mod", "xor"] as const),
  ...([undefined, "arsh"] as const),
];

const S64_MIN = -(1n << 63n);
const S64_MAX = (1n << 63n) - 1n;
const U32_MAX = 0xffff_ffffn;
const U64_MAX = (1n << 64n) - 1n;

/** Checks an arithmetic instruction. Gives the state of a second way through it, where there is one. */
export function checkAlu(env: Env): State | undefined {
  const { code, slot } = env;
  const operation = code.code[slot] >> 4;
  if (operation === Alu.NEG || operation === Alu.END) checkUnary(env, operation === Alu.NEG);
  else if (operation === Alu.MOV) checkMove(env);
  else if (operation > Alu.END) env.reject(EINVAL, `invalid BPF_ALU opcode ${(operation << 4).toString(16)}`);
  else return checkBinary(env, operation);
  return undefined;
}

function checkUnary(env: Env, isNegation: boolean): void {
  const { code, slot } = env;
  const { opcode, dst, src, off, imm } = code.fields(slot);
  if (isNegation) {
    if ((opcode & 8) !== 0 || src !== 0 || off !== 0 || imm !== 0) {
      env.reject(EINVAL, "BPF_NEG uses reserved fields");
    }
  } else {
    const isReserved =
      src !== 0 ||
      off !== 0 ||
      (imm !== 16 && imm !== 32 && imm !== 64) ||
      ((opcode & 7) === Class.ALU64 && (opcode & 8) !== 0);
    if (isReserved) env.reject(EINVAL, "BPF_END uses reserved fields");
  }
  checkReads(env, dst);
  if (isHiddenPointer(env, dst)) env.reject(EACCES, `R${dst} pointer arithmetic prohibited`);
  checkWrites(env, dst);
  const register = env.register(dst);
  if (isNegation && register.kind === "scalar") {
    const result = applyAlu("neg", register.scalar, register.scalar, (opcode & 7) === Class.ALU64);
    env.setRegister(dst, register.withScalar(result).withoutId());
  } else if (register.kind === "scalar") {
    // le* leave a little-endian machine's bytes where they are.
    const isReversed = (opcode & 8) !== 0 || (opcode & 7) === Class.ALU64;
    const result = changeByteOrder(register.scalar, imm as 16 | 32 | 64, isReversed);
    env.setRegister(dst, register.withScalar(result).withoutId());
  } else env.setRegister(dst, Register.UNKNOWN);
}

function checkMove(env: Env): void {
  const { code, slot } = env;
  const { opcode, dst, src, off, imm } = code.fields(slot);
  const is64 = (opcode & 7) === Class.ALU64;
  if ((opcode & 8) === 0) {
    if (src !== 0 || off !== 0) env.reject(EINVAL, "BPF_MOV uses reserved fields");
    checkWrites(env, dst);
    env.setRegister(dst, is64 ? Register.immediate(imm) : Register.immediate(imm, 0));
    return;
  }
  if (is64 && off === 1) {
    if (imm !== 1 && imm !== 1 << 16) {
      env.reject(EINVAL, "addr_space_cast insn can only convert between address space 1 and 0");
    }
    env.reject(EINVAL, "addr_space_cast insn can only be used in a program that has an associated arena");
  }
  if ((off !== 0 && off !== 8 && off !== 16 && !(is64 && off === 32)) || imm !== 0) {
    env.reject(EINVAL, "BPF_MOV uses reserved fields");
  }
  checkReads(env, src);
  checkWrites(env, dst);
  if (is64) moveWhole(env, dst, src, off);
  else moveHalf(env, dst, src, off);
}

/** rX = rY, or the sign extension of its lower bits. */
function moveWhole(env: Env, dst: number, src: number, bits: number): void {
  let register = env.register(src);
  if (bits === 0) {
    register = withScalarId(env, register);
    env.setRegister(src, register);
    env.setRegister(dst, register);
  } else if (register.kind !== "scalar") {
    if (isHiddenPointer(env, src)) env.reject(EACCES, `R${src} sign-extension part of pointer`);
    env.setRegister(dst, Register.UNKNOWN);
  } else extendSign(env, dst, src, register, bits, 8);
}

function moveHalf(env: Env, dst: number, src: number, bits: number): void {
  let register = env.register(src);
  if (register.kind !== "scalar") {
    if (isHiddenPointer(env, src)) env.reject(EACCES, `R${src} partial copy of pointer`);
    env.setRegister(dst, Register.number(Scalar.UNKNOWN.zeroExtend32()));
  } else if (bits === 0) {
    const isShort = register.scalar.umax <= 0xffff_ffffn;
    if (isShort) {
      register = withScalarId(env, register);
      env.setRegister(src, register);
    } else register = register.withoutId();
    env.setRegister(dst, register.withScalar(register.scalar.zeroExtend32()));
  } else extendSign(env, dst, src, register, bits, 4);
}

function extendSign(env: Env, dst: number, src: number, register: Register, bits: number, to: 4 | 8): void {
  const isPlain = register.scalar.umax < 1n << BigInt(bits - 1);
  let source = register;
  if (isPlain) {
    source = withScalarId(env, register);
    env.setRegister(src, source);
  } else source = source.withoutId();
  env.setRegister(dst, source.withScalar(source.scalar.signExtend((bits >> 3) as 1 | 2 | 4, to)));
}

function checkBinary(env: Env, operation: number): State | undefined {
  const { code, slot } = env;
  const { opcode, dst, src, off, imm } = code.fields(slot);
  const usesSource = (opcode & 8) !== 0;
  const isDivision = operation === Alu.DIV || operation === Alu.MOD;
  if ((usesSource ? imm !== 0 : src !== 0) || (off !== 0 && !(off === 1 && isDivision))) {
    env.reject(EINVAL, "BPF_ALU uses reserved fields");
  }
  if (usesSource) checkReads(env, src);
  checkReads(env, dst);
  if (isDivision && !usesSource && imm === 0) env.reject(EINVAL, "div by zero");
  const is64 = (opcode & 7) === Class.ALU64;
  if ((operation === Alu.LSH || operation === Alu.RSH || operation === Alu.ARSH) && !usesSource) {
    if (imm < 0 || imm >= (is64 ? 64 : 32)) env.reject(EINVAL, `invalid shift ${imm}`);
  }
  checkWrites(env, dst);
  const fork = forkAtSign(env, operation, dst, usesSource ? src : -1);
  adjust(env, operation, dst, usesSource ? src : -1, is64);
  return fork;
}

/** Of a number that is 0 or -1, both values are followed where a mask selects by it: the state with 0. */
function forkAtSign(env: Env, operation: number, dst: number, src: number): State | undefined {
  if (operation !== Alu.AND && operation !== Alu.OR) return undefined;
  const register = env.register(dst);
  if (register.kind !== "scalar") return undefined;
  if (src >= 0 && !env.register(src).isConstant) return undefined;
  const fork = forkSign(register.scalar);
  if (fork === undefined) return undefined;
  const other = env.state.copy();
  other.registers[dst] = register.withScalar(fork.zero);
  env.setRegister(dst, register.withScalar(fork.ones));
  return other;
}

/** Which of the operands are pointers decides what happens. */
function adjust(env: Env, operation: number, dst: number, src: number, is64: boolean): void {
  const left = env.register(dst);
  const right = src >= 0 ? env.register(src) : Register.immediate(env.code.imm[env.slot]);
  if (src >= 0 && right.kind !== "scalar") {
    if (left.kind !== "scalar") {
      if (operation === Alu.SUB && env.allowsLeaks) {
        env.setRegister(dst, Register.UNKNOWN);
        return;
      }
      env.reject(EACCES, `R${dst} pointer ${OPERATORS[operation]} pointer prohibited`);
    }
    markPrecise(env, dst);
    adjustPointer(env, operation, dst, right, left, true, is64);
    return;
  }
  if (left.kind !== "scalar") {
    if (src >= 0) markPrecise(env, src);
    adjustPointer(env, operation, dst, left, right, false, is64);
    return;
  }
  if (src >= 0 && left.isPrecise) markPrecise(env, src);
  adjustNumber(env, operation, dst, left, right, is64);
}

/** A number whose bounds contradict each other keeps its bits only. */
export function consistent(scalar: Scalar): Scalar {
  return scalar.isBroken ? scalar.withoutRanges() : scalar;
}

function adjustNumber(
  env: Env,
  operation: number,
  dst: number,
  left: Register,
  right: Register,
  is64: boolean,
): void {
  let op = ALU_OPS[operation] as AluOp;
  if (env.code.off[env.slot] === 1) op = op === "div" ? "sdiv" : "smod";
  const result = left.withScalar(consistent(applyAlu(op, left.scalar, right.scalar, is64)));
  const distance = left.id === 0 ? undefined : distanceOf(env, operation, left, right, is64);
  if (distance === undefined) env.setRegister(dst, result.withoutId());
  else env.setRegister(dst, result.with({ delta: is64 ? 64 : 32, off: distance }));
}

/** How far a sum or difference with a constant lies from other numbers of its id, where that can be kept. */
function distanceOf(
  { code, slot }: Env,
  operation: number,
  left: Register,
  right: Register,
  is64: boolean,
): number | undefined {
  if (operation > Alu.SUB || left.delta !== 0) return undefined;
  const isItself = (code.code[slot] & 8) !== 0 && code.src[slot] === code.dst[slot];
  if (isItself || (!is64 && left.scalar.umax > U32_MAX)) return undefined;
  const { tnum } = is64 ? right.scalar : right.scalar.zeroExtend32();
  if (!tnum.isConstant) return undefined;
  const value = is64 ? BigInt.asIntN(64, tnum.value) : BigInt.asIntN(32, tnum.value);
  const distance = operation === Alu.ADD ? value : -value;
  return BigInt.asIntN(32, value) === value && BigInt.asIntN(32, distance) === distance
    ? Number(distance)
    : undefined;
}

/** Bounds of a sum or difference; all there is where one could overflow. */
function offsetBounds(a: Scalar, b: Scalar, isSum: boolean): Scalar {
  const [smin, smax] = isSum ? [a.smin + b.smin, a.smax + b.smax] : [a.smin - b.smax, a.smax - b.smin];
  const [umin, umax] = isSum ? [a.umin + b.umin, a.umax + b.umax] : [a.umin - b.umax, a.umax - b.umin];
  const isSigned = smin >= S64_MIN && smax <= S64_MAX;
  const isUnsigned = umin >= 0n && umax <= U64_MAX;
  return Scalar.of({
    tnum: isSum ? a.tnum.add(b.tnum) : a.tnum.sub(b.tnum),
    smin: isSigned ? smin : S64_MIN,
    smax: isSigned ? smax : S64_MAX,
    umin: isUnsigned ? umin : 0n,
    umax: isUnsigned ? umax : U64_MAX,
  });
}

/** Pointers that may be moved at all; how far, their kind says where memory is accessed. */
const FREE_KINDS: ReadonlySet<RegisterKind> = new Set<RegisterKind>([
  ...(["ctx", "map_value", "map_key", "fp", "pkt_meta", "pkt", "tp_buffer"] as const),
  ...(["btf", "mem", "buf", "func", "dynptr"] as const),
]);

function checkPointerKind(env: Env, operation: number, dst: number, pointer: Register, offset: Scalar): void {
  if (pointer.mayBeNull) {
    env.reject(EACCES, `R${dst} pointer arithmetic on ${typeName(pointer)} prohibited, null-check it first`);
  }
  const isFree =
    FREE_KINDS.has(pointer.kind) ||
    (pointer.kind === "flow_keys" && offset.isConstant) ||
    ((pointer.kind === "map_ptr" || pointer.kind === "flow_keys") &&
      offset.isConstant &&
      offset.value === 0n &&
      operation === Alu.ADD);
  if (!isFree) env.reject(EACCES, `R${dst} pointer arithmetic on ${typeName(pointer)} prohibited`);
}

/** `pointer` op `offset` into `dst`, which is the number when `isReversed`. */
function adjustPointer(
  env: Env,
  operation: number,
  dst: number,
  pointer: Register,
  offset: Register,
  isReversed: boolean,
  is64: boolean,
): void {
  const number = offset.scalar;
  if (number.isBroken) {
    env.setRegister(dst, Register.UNKNOWN);
    return;
  }
  if (!is64) {
    if (operation === Alu.SUB && env.allowsLeaks) {
      env.setRegister(dst, Register.UNKNOWN);
      return;
    }
    env.reject(EACCES, `R${dst} 32-bit pointer arithmetic prohibited`);
  }
  checkPointerKind(env, operation, dst, pointer, number);
  if (pointer.kind === "mem" && (pointer.flags & Flag.UNTRUSTED) !== 0) {
    // Where it leads to matters to nobody: it is read where it can be.
    env.setRegister(dst, isReversed ? Register.UNKNOWN : pointer);
    return;
  }
  checkSaneOffset(env, pointer, offset);
  checkSaneOffset(env, pointer, pointer);
  const src = (env.code.code[env.slot] & 8) === 0 ? -1 : env.code.src[env.slot];
  const move = { isSum: operation === Alu.ADD, dst, src, isReversed, offset: number };
  const window = operation <= Alu.SUB ? openWindow(env, pointer, move) : undefined;
  let result = pointer;
  if (operation === Alu.ADD) result = addToPointer(env, pointer, number);
  else if (operation === Alu.SUB) {
    if (isReversed) env.reject(EACCES, `R${dst} tried to subtract pointer from scalar`);
    if (pointer.kind === "fp") env.reject(EACCES, `R${dst} subtraction from stack pointer prohibited`);
    result = subtractFromPointer(env, pointer, number);
  } else if (operation === Alu.OR || operation === Alu.AND || operation === Alu.XOR) {
    env.reject(EACCES, `R${dst} bitwise operator ${OPERATORS[operation]} on pointer prohibited`);
  } else env.reject(EACCES, `R${dst} pointer arithmetic with ${OPERATORS[operation]} operator prohibited`);
  checkSaneOffset(env, pointer, result);
  checkMoved(env, dst, result);
  if (window !== undefined) closeWindow(env, result, window, move);
  env.setRegister(dst, result);
}

const fitsOffset = (off: bigint): boolean => BigInt.asIntN(32, off) === off;

function addToPointer(env: Env, pointer: Register, number: Scalar): Register {
  if (number.isConstant && fitsOffset(BigInt(pointer.off) + number.signedValue)) {
    return pointer.with({ off: pointer.off + Number(number.signedValue) });
  }
  const scalar = offsetBounds(pointer.scalar, number, true);
  if (!pointer.isPacket) return pointer.with({ scalar });
  return pointer.with({ scalar, id: env.takeId(), range: 0 });
}

function subtractFromPointer(env: Env, pointer: Register, number: Scalar): Register {
  if (number.isConstant && fitsOffset(BigInt(pointer.off) - number.signedValue)) {
    return pointer.with({ off: pointer.off - Number(number.signedValue) });
  }
  const scalar = offsetBounds(pointer.scalar, number, false);
  if (!pointer.isPacket) return pointer.with({ scalar });
  const changes = { scalar, id: env.takeId() };
  return number.smin < 0n ? pointer.with({ ...changes, range: 0 }) : pointer.with(changes);
}

/** Offsets stay far from where they could overflow. */
function checkSaneOffset(env: Env, pointer: Register, register: Register): void {
  const { scalar } = register;
  const limit = BigInt(MAX_VAR_OFF);
  const type = typeName(pointer);
  if (scalar.isConstant) {
    const value = scalar.signedValue;
    if (value >= limit || value <= -limit) {
      env.reject(EINVAL, `math between ${type} pointer and ${value} is not allowed`);
    }
  }
  if (register.off >= MAX_VAR_OFF || register.off <= -MAX_VAR_OFF) {
    env.reject(EINVAL, `${type} pointer offset ${register.off} is not allowed`);
  }
  if (scalar.smin === S64_MIN) {
    env.reject(EINVAL, `math between ${type} pointer and register with unbounded min value is not allowed`);
  }
  if (scalar.smin >= limit || scalar.smin <= -limit) {
    env.reject(EINVAL, `value ${scalar.smin} makes ${type} pointer be out of bounds`);
  }
}
