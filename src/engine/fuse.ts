// Pairs of instructions that the interpreters run as one: picked from what clang's output of the kernel's
// selftests holds most, inner loops counting more. The first slot's operation is replaced, the second slot stays
// as it is, so that a jump between the two still works and slots keep their numbers. Verified code only: a
// checked run counts and tests every instruction by itself.

import { Code } from "../../assembly/shared/layout.ts";
import { Op } from "../../assembly/shared/opcodes.ts";

interface Pair {
  readonly fused: Op;
  /** The second works on the first one's dst, which stays in a local in between; no other operand of it may be that dst. */
  readonly sameDst: boolean;
}

// biome-ignore format: one row per line
const PAIRS: readonly (readonly [first: Op, second: Op, fused: Op, sameDst: boolean])[] = [
  [Op.MOV64_REG, Op.ADD64_IMM, Op.MOV64_REG__ADD64_IMM, true],
  [Op.MOV64_REG, Op.ADD64_REG, Op.MOV64_REG__ADD64_REG, true],
  [Op.MOV64_REG, Op.LSH64_IMM, Op.MOV64_REG__LSH64_IMM, true],
  [Op.MOV64_REG, Op.RSH64_IMM, Op.MOV64_REG__RSH64_IMM, true],
  [Op.MOV64_REG, Op.AND64_IMM, Op.MOV64_REG__AND64_IMM, true],
  [Op.MOV32_REG, Op.AND32_IMM, Op.MOV32_REG__AND32_IMM, true],
  [Op.MOV32_REG, Op.LSH32_IMM, Op.MOV32_REG__LSH32_IMM, true],
  [Op.MOV32_REG, Op.RSH32_IMM, Op.MOV32_REG__RSH32_IMM, true],
  [Op.MOV32_REG, Op.ADD32_IMM, Op.MOV32_REG__ADD32_IMM, true],
  [Op.LSH64_IMM, Op.ARSH64_IMM, Op.LSH64_IMM__ARSH64_IMM, true],
  [Op.LSH64_IMM, Op.RSH64_IMM, Op.LSH64_IMM__RSH64_IMM, true],
  [Op.LSH64_IMM, Op.OR64_REG, Op.LSH64_IMM__OR64_REG, true],
  [Op.LSH32_IMM, Op.OR32_REG, Op.LSH32_IMM__OR32_REG, true],
  [Op.LDX_B, Op.LSH64_IMM, Op.LDX_B__LSH64_IMM, true],
  [Op.LDX_W, Op.LSH64_IMM, Op.LDX_W__LSH64_IMM, true],
  [Op.LDX_B, Op.LSH32_IMM, Op.LDX_B__LSH32_IMM, true],
  [Op.LDX_H, Op.LSH32_IMM, Op.LDX_H__LSH32_IMM, true],
  [Op.LDX_B, Op.JEQ32_IMM, Op.LDX_B__JEQ32_IMM, true],
  [Op.LDX_B, Op.JNE32_IMM, Op.LDX_B__JNE32_IMM, true],
  [Op.LDX_B, Op.JEQ64_IMM, Op.LDX_B__JEQ64_IMM, true],
  [Op.LDX_B, Op.JNE64_IMM, Op.LDX_B__JNE64_IMM, true],
  [Op.LDX_H, Op.JEQ32_IMM, Op.LDX_H__JEQ32_IMM, true],
  [Op.LDX_H, Op.JNE32_IMM, Op.LDX_H__JNE32_IMM, true],
  [Op.LDX_H, Op.JEQ64_IMM, Op.LDX_H__JEQ64_IMM, true],
  [Op.LDX_H, Op.JNE64_IMM, Op.LDX_H__JNE64_IMM, true],
  [Op.LDX_W, Op.JEQ32_IMM, Op.LDX_W__JEQ32_IMM, true],
  [Op.LDX_W, Op.JNE32_IMM, Op.LDX_W__JNE32_IMM, true],
  [Op.LDX_W, Op.JEQ64_IMM, Op.LDX_W__JEQ64_IMM, true],
  [Op.LDX_W, Op.JNE64_IMM, Op.LDX_W__JNE64_IMM, true],
  [Op.LDX_DW, Op.JEQ64_IMM, Op.LDX_DW__JEQ64_IMM, true],
  [Op.LDX_DW, Op.JNE64_IMM, Op.LDX_DW__JNE64_IMM, true],
  [Op.AND32_IMM, Op.JEQ32_IMM, Op.AND32_IMM__JEQ32_IMM, true],
  [Op.AND32_IMM, Op.JNE32_IMM, Op.AND32_IMM__JNE32_IMM, true],
  [Op.AND64_IMM, Op.JEQ64_IMM, Op.AND64_IMM__JEQ64_IMM, true],
  [Op.AND64_IMM, Op.JNE64_IMM, Op.AND64_IMM__JNE64_IMM, true],
  [Op.ADD64_IMM, Op.JNE64_IMM, Op.ADD64_IMM__JNE64_IMM, true],
  [Op.ADD64_IMM, Op.JNE64_REG, Op.ADD64_IMM__JNE64_REG, true],
  [Op.ADD64_IMM, Op.JLT64_REG, Op.ADD64_IMM__JLT64_REG, true],
  [Op.ADD32_IMM, Op.JNE32_IMM, Op.ADD32_IMM__JNE32_IMM, true],
  [Op.ADD32_IMM, Op.JNE32_REG, Op.ADD32_IMM__JNE32_REG, true],
  [Op.XOR64_REG, Op.MUL64_IMM, Op.XOR64_REG__MUL64_IMM, true],
  [Op.XOR32_REG, Op.MUL32_IMM, Op.XOR32_REG__MUL32_IMM, true],
  [Op.MUL64_REG, Op.ADD64_REG, Op.MUL64_REG__ADD64_REG, true],
  [Op.ADD64_REG, Op.LDX_B, Op.ADD64_REG__LDX_B, false],
  [Op.ADD64_REG, Op.LDX_H, Op.ADD64_REG__LDX_H, false],
  [Op.ADD64_REG, Op.LDX_W, Op.ADD64_REG__LDX_W, false],
  [Op.ADD64_REG, Op.LDX_DW, Op.ADD64_REG__LDX_DW, false],
  [Op.RSH64_IMM, Op.XOR64_REG, Op.RSH64_IMM__XOR64_REG, false],
  [Op.RSH32_IMM, Op.XOR32_REG, Op.RSH32_IMM__XOR32_REG, false],
  [Op.LDX_W, Op.LDX_W, Op.LDX_W__LDX_W, false],
  [Op.LDX_DW, Op.LDX_DW, Op.LDX_DW__LDX_DW, false],
  [Op.LDX_B, Op.LDX_B, Op.LDX_B__LDX_B, false],
  [Op.LDX_DW, Op.LDX_W, Op.LDX_DW__LDX_W, false],
  [Op.STX_DW, Op.STX_DW, Op.STX_DW__STX_DW, false],
  [Op.LDX_DW, Op.STX_DW, Op.LDX_DW__STX_DW, false],
  [Op.LDX_W, Op.STX_W, Op.LDX_W__STX_W, false],
  [Op.MOV64_REG, Op.MOV64_REG, Op.MOV64_REG__MOV64_REG, false],
  [Op.MOV64_REG, Op.MOV64_IMM, Op.MOV64_REG__MOV64_IMM, false],
  [Op.MOV64_REG, Op.MOV32_IMM, Op.MOV64_REG__MOV32_IMM, false],
  [Op.MOV32_IMM, Op.MOV32_IMM, Op.MOV32_IMM__MOV32_IMM, false],
  [Op.MOV32_IMM, Op.STX_W, Op.MOV32_IMM__STX_W, false],
  [Op.MOV64_IMM, Op.CALL_HELPER, Op.MOV64_IMM__CALL_HELPER, false],
  [Op.MOV32_IMM, Op.CALL_HELPER, Op.MOV32_IMM__CALL_HELPER, false],
  [Op.LDDW, Op.CALL_HELPER, Op.LDDW__CALL_HELPER, false],
  [Op.CALL_HELPER, Op.JEQ64_IMM, Op.CALL_HELPER__JEQ64_IMM, false],
  [Op.CALL_HELPER, Op.JNE64_IMM, Op.CALL_HELPER__JNE64_IMM, false],
  [Op.JEQ32_IMM, Op.JEQ32_IMM, Op.JEQ32_IMM__JEQ32_IMM, false],
  [Op.JEQ64_IMM, Op.JEQ64_IMM, Op.JEQ64_IMM__JEQ64_IMM, false],
  [Op.ADD64_IMM, Op.MOV64_REG, Op.ADD64_IMM__MOV64_REG, false],
  [Op.ADD64_REG, Op.ADD64_REG, Op.ADD64_REG__ADD64_REG, false],
  [Op.ADD64_REG, Op.MOV64_REG, Op.ADD64_REG__MOV64_REG, false],
  [Op.LDDW, Op.CALL_LOOKUP, Op.LDDW__CALL_LOOKUP, false],
  [Op.CALL_LOOKUP, Op.JEQ64_IMM, Op.CALL_LOOKUP__JEQ64_IMM, false],
  [Op.CALL_LOOKUP, Op.JNE64_IMM, Op.CALL_LOOKUP__JNE64_IMM, false],
  [Op.MOV64_IMM, Op.EXIT, Op.MOV64_IMM__EXIT, false],
  [Op.MOV32_IMM, Op.EXIT, Op.MOV32_IMM__EXIT, false],
  [Op.MOV32_IMM, Op.JA, Op.MOV32_IMM__JA, false],
  [Op.JNE32_IMM, Op.LDX_B, Op.JNE32_IMM__LDX_B, false],
  [Op.JEQ64_IMM, Op.JA, Op.JEQ64_IMM__JA, false],
  [Op.JEQ32_IMM, Op.JA, Op.JEQ32_IMM__JA, false],
  [Op.MOV64_IMM, Op.ATOMIC_ADD64, Op.MOV64_IMM__ATOMIC_ADD64, false],
];

const BY_OPS = new Map<number, Pair>(
  PAIRS.map(([first, second, fused, sameDst]) => [(first << 8) | second, { fused, sameDst }]),
);

/** True when the operation reads a register that Code.IMM names. */
const readsSrc = (op: number): boolean => REG_SECONDS.has(op);
const REG_SECONDS = new Set<number>([
  Op.ADD64_REG, Op.OR64_REG, Op.OR32_REG, Op.JNE64_REG, Op.JLT64_REG, Op.JNE32_REG,
]); // biome-ignore format: a list

/** The fused operation of the two prepared slots at `at` and `next`, or undefined; `second` is the latter's own operation. */
export function fusedOp(view: DataView, at: number, next: number, second: Op): Op | undefined {
  const pair = BY_OPS.get((view.getUint8(at) << 8) | second);
  if (pair === undefined || !pair.sameDst) return pair?.fused;
  const dst = view.getUint8(at + Code.DST);
  if (view.getUint8(next + Code.DST) !== dst) return undefined;
  if (readsSrc(second) && view.getInt32(next + Code.IMM, true) === dst) return undefined;
  return pair.fused;
}
