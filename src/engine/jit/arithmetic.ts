// Arithmetic, byte order and comparisons in Wasm. Wasm's shifts take their amounts modulo the width as BPF's do; its
// divisions trap where BPF's give 0, the dividend, or the smallest number again (RFC 9669 §4.1).

import type { Insn } from "../../isa/insn.ts";
import { INSN_ROWS, type InsnRow } from "../../isa/table.ts";
import { type PlainOp, ValueType, Wasm } from "../../wasm/opcodes.ts";
import type { FunctionWriter } from "./function-writer.ts";

/** Writes what an instruction does. */
export type Lowering = (to: FunctionWriter, insn: Insn) => void;

type Width = 32 | 64;

// biome-ignore format: a table
const OPERATORS: Readonly<Record<string, readonly [on32: PlainOp, on64: PlainOp]>> = {
  add: [Wasm.I32_ADD, Wasm.I64_ADD],
  sub: [Wasm.I32_SUB, Wasm.I64_SUB],
  mul: [Wasm.I32_MUL, Wasm.I64_MUL],
  or: [Wasm.I32_OR, Wasm.I64_OR],
  and: [Wasm.I32_AND, Wasm.I64_AND],
  xor: [Wasm.I32_XOR, Wasm.I64_XOR],
  lsh: [Wasm.I32_SHL, Wasm.I64_SHL],
  rsh: [Wasm.I32_SHR_U, Wasm.I64_SHR_U],
  arsh: [Wasm.I32_SHR_S, Wasm.I64_SHR_S],
  div: [Wasm.I32_DIV_U, Wasm.I64_DIV_U],
  mod: [Wasm.I32_REM_U, Wasm.I64_REM_U],
  sdiv: [Wasm.I32_DIV_S, Wasm.I64_DIV_S],
  smod: [Wasm.I32_REM_S, Wasm.I64_REM_S],
};

// biome-ignore format: a table
const COMPARISONS: Readonly<Record<string, readonly [on32: PlainOp, not32: PlainOp, on64: PlainOp, not64: PlainOp]>> = {
  jeq: [Wasm.I32_EQ, Wasm.I32_NE, Wasm.I64_EQ, Wasm.I64_NE],
  jne: [Wasm.I32_NE, Wasm.I32_EQ, Wasm.I64_NE, Wasm.I64_EQ],
  jgt: [Wasm.I32_GT_U, Wasm.I32_LE_U, Wasm.I64_GT_U, Wasm.I64_LE_U],
  jge: [Wasm.I32_GE_U, Wasm.I32_LT_U, Wasm.I64_GE_U, Wasm.I64_LT_U],
  jlt: [Wasm.I32_LT_U, Wasm.I32_GE_U, Wasm.I64_LT_U, Wasm.I64_GE_U],
  jle: [Wasm.I32_LE_U, Wasm.I32_GT_U, Wasm.I64_LE_U, Wasm.I64_GT_U],
  jsgt: [Wasm.I32_GT_S, Wasm.I32_LE_S, Wasm.I64_GT_S, Wasm.I64_LE_S],
  jsge: [Wasm.I32_GE_S, Wasm.I32_LT_S, Wasm.I64_GE_S, Wasm.I64_LT_S],
  jslt: [Wasm.I32_LT_S, Wasm.I32_GE_S, Wasm.I64_LT_S, Wasm.I64_GE_S],
  jsle: [Wasm.I32_LE_S, Wasm.I32_GT_S, Wasm.I64_LE_S, Wasm.I64_GT_S],
};

function push(to: FunctionWriter, register: number, width: Width): void {
  if (width === 32) to.get32(register);
  else to.get64(register);
}

function pop(to: FunctionWriter, register: number, width: Width): void {
  if (width === 32) to.set32(register);
  else to.set64(register);
}

function constant({ code }: FunctionWriter, value: number, width: Width): void {
  if (width === 32) code.i32Const(value);
  else code.i64Const(value);
}

/** Pushes src or imm, whichever the instruction has. */
function pushOperand(to: FunctionWriter, { row, src, imm }: Insn, width: Width): void {
  if (row.operands.has("src")) push(to, src, width);
  else constant(to, imm, width);
}

const isZero = (width: Width): PlainOp => (width === 32 ? Wasm.I32_EQZ : Wasm.I64_EQZ);
const typeOf = (width: Width): ValueType => (width === 32 ? ValueType.I32 : ValueType.I64);

/** A division by an immediate: its special cases are decided now. */
function divideByConstant(to: FunctionWriter, { dst, imm }: Insn, name: string, width: Width): void {
  const [on32, on64] = OPERATORS[name];
  const isRemainder = name.endsWith("mod");
  if (imm === 0) {
    // The dividend is its own remainder; a move of the lower half still clears the upper one.
    if (isRemainder) push(to, dst, width);
    else constant(to, 0, width);
  } else if (imm === -1 && name === "sdiv") {
    constant(to, 0, width);
    push(to, dst, width);
    to.code.op(width === 32 ? Wasm.I32_SUB : Wasm.I64_SUB);
  } else {
    push(to, dst, width);
    constant(to, imm, width);
    to.code.op(width === 32 ? on32 : on64);
  }
  pop(to, dst, width);
}

function divideByRegister(to: FunctionWriter, { dst, src }: Insn, name: string, width: Width): void {
  const { code } = to;
  const [on32, on64] = OPERATORS[name];
  push(to, src, width);
  code.op(isZero(width));
  code.if(typeOf(width));
  if (name.endsWith("mod")) push(to, dst, width);
  else constant(to, 0, width);
  code.op(Wasm.ELSE);
  if (name === "sdiv") {
    push(to, src, width);
    constant(to, -1, width);
    code.op(width === 32 ? Wasm.I32_EQ : Wasm.I64_EQ);
    code.if(typeOf(width));
    constant(to, 0, width);
    push(to, dst, width);
    code.op(width === 32 ? Wasm.I32_SUB : Wasm.I64_SUB);
    code.op(Wasm.ELSE);
  }
  push(to, dst, width);
  push(to, src, width);
  code.op(width === 32 ? on32 : on64);
  if (name === "sdiv") code.end();
  code.end();
  pop(to, dst, width);
}

function arithmetic(name: string, width: Width): Lowering {
  const [on32, on64] = OPERATORS[name];
  if (/(div|mod)$/.test(name)) {
    return (to, insn) => {
      if (insn.row.operands.has("src")) divideByRegister(to, insn, name, width);
      else divideByConstant(to, insn, name, width);
    };
  }
  return (to, insn) => {
    push(to, insn.dst, width);
    pushOperand(to, insn, width);
    to.code.op(width === 32 ? on32 : on64);
    pop(to, insn.dst, width);
  };
}

function move(width: Width): Lowering {
  return (to, insn) => {
    // As one constant, not one that is extended.
    if (insn.row.operands.has("src")) push(to, insn.src, width);
    else if (width === 32) {
      to.code.i64Const(insn.imm, 0);
      to.set64(insn.dst);
      return;
    } else to.code.i64Const(insn.imm);
    pop(to, insn.dst, width);
  };
}

function negate(width: Width): Lowering {
  return (to, { dst }) => {
    constant(to, 0, width);
    push(to, dst, width);
    to.code.op(width === 32 ? Wasm.I32_SUB : Wasm.I64_SUB);
    pop(to, dst, width);
  };
}

function signExtend(width: Width, op: PlainOp): Lowering {
  return (to, { dst, src }) => {
    push(to, src, width);
    to.code.op(op);
    pop(to, dst, width);
  };
}

/** Pops an i32 and pushes it with its bytes in reverse. */
export function swap32(to: FunctionWriter): void {
  const { code } = to;
  const value = to.temporary("swapped", ValueType.I32);
  code.localTee(value);
  code.i32Const(8);
  code.op(Wasm.I32_ROTL);
  code.i32Const(0x00ff00ff);
  code.op(Wasm.I32_AND);
  code.localGet(value);
  code.i32Const(24);
  code.op(Wasm.I32_ROTL);
  code.i32Const(0xff00ff00);
  code.op(Wasm.I32_AND);
  code.op(Wasm.I32_OR);
}

/** Pops an i32 and pushes its two lower bytes in reverse. */
export function swap16(to: FunctionWriter): void {
  swap32(to);
  to.code.i32Const(16);
  to.code.op(Wasm.I32_SHR_U);
}

/** Swaps neighbours of `shift` bits each, in an i64 that is in `value`. */
function swapNeighbours(to: FunctionWriter, value: number, shift: number, mask: number): void {
  const { code } = to;
  code.localGet(value);
  code.i64Const(shift);
  code.op(Wasm.I64_SHR_U);
  code.i64Const(mask, mask);
  code.op(Wasm.I64_AND);
  code.localGet(value);
  code.i64Const(mask, mask);
  code.op(Wasm.I64_AND);
  code.i64Const(shift);
  code.op(Wasm.I64_SHL);
  code.op(Wasm.I64_OR);
}

function swap64(to: FunctionWriter): void {
  const { code } = to;
  const value = to.temporary("swapped64", ValueType.I64);
  code.localSet(value);
  swapNeighbours(to, value, 8, 0x00ff00ff);
  code.localSet(value);
  swapNeighbours(to, value, 16, 0x0000ffff);
  code.i64Const(32);
  code.op(Wasm.I64_ROTL);
}

/** Swaps or cuts dst; memory is little-endian. */
function byteOrder(bits: number, swaps: boolean): Lowering {
  return (to, { dst }) => {
    if (bits === 64) {
      if (!swaps) return;
      to.get64(dst);
      swap64(to);
      to.set64(dst);
      return;
    }
    to.get32(dst);
    if (swaps) (bits === 16 ? swap16 : swap32)(to);
    else if (bits === 16) {
      to.code.i32Const(0xffff);
      to.code.op(Wasm.I32_AND);
    }
    to.set32(dst);
  };
}

const SIGN_EXTENSIONS: Readonly<Record<string, Lowering>> = {
  movsx32_8: signExtend(32, Wasm.I32_EXTEND8_S),
  movsx32_16: signExtend(32, Wasm.I32_EXTEND16_S),
  movsx64_8: signExtend(64, Wasm.I64_EXTEND8_S),
  movsx64_16: signExtend(64, Wasm.I64_EXTEND16_S),
  movsx64_32: signExtend(64, Wasm.I64_EXTEND32_S),
};

/** What is not arithmetic has none. */
function loweringOf({ name }: InsnRow): Lowering | undefined {
  const [, operator, bits] = /^([a-z]+)(32|64)_(?:imm|reg)$/.exec(name) ?? [];
  const width = Number(bits) as Width;
  if (operator === "mov") return move(width);
  if (operator !== undefined && Object.hasOwn(OPERATORS, operator)) return arithmetic(operator, width);
  const [, sort, size] = /^(le|be|bswap)(\d\d)$/.exec(name) ?? [];
  if (sort !== undefined) return byteOrder(Number(size), sort !== "le");
  if (name === "neg32" || name === "neg64") return negate(name === "neg32" ? 32 : 64);
  // The address spaces are one here, and its addresses have 32 bits.
  if (name.startsWith("addr_space_cast")) return move(32);
  return SIGN_EXTENSIONS[name];
}

/** By row; loads, stores, jumps and calls are elsewhere. */
export const ARITHMETIC: ReadonlyMap<InsnRow, Lowering> = new Map(
  INSN_ROWS.flatMap((row) => {
    const lowering = loweringOf(row);
    return lowering === undefined ? [] : [[row, lowering] as const];
  }),
);

interface Comparison {
  readonly operator: string;
  readonly width: Width;
}

const COMPARISON_ROWS: ReadonlyMap<InsnRow, Comparison> = new Map(
  INSN_ROWS.flatMap((row) => {
    const [, operator, bits] = /^(j[a-z]+)(32|64)_(?:imm|reg)$/.exec(row.name) ?? [];
    return operator === undefined ? [] : [[row, { operator, width: Number(bits) as Width }] as const];
  }),
);

/** Pushes an i32 that is not 0 where the jump's condition holds; where it does not, when it is `negated`. */
export function writeComparison(to: FunctionWriter, insn: Insn, negated: boolean): void {
  const { code } = to;
  const { operator, width } = COMPARISON_ROWS.get(insn.row) as Comparison;
  push(to, insn.dst, width);
  if (operator === "jset") {
    pushOperand(to, insn, width);
    code.op(width === 32 ? Wasm.I32_AND : Wasm.I64_AND);
    if (negated) code.op(isZero(width));
    else if (width === 64) {
      code.i64Const(0);
      code.op(Wasm.I64_NE);
    }
    return;
  }
  const isEqual = operator === (negated ? "jne" : "jeq");
  if (isEqual && !insn.row.operands.has("src") && insn.imm === 0) {
    code.op(isZero(width));
    return;
  }
  pushOperand(to, insn, width);
  const [on32, not32, on64, not64] = COMPARISONS[operator];
  if (width === 32) code.op(negated ? not32 : on32);
  else code.op(negated ? not64 : on64);
}
