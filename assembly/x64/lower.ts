// From one instruction of prepared code to machine code: one line per operation, one native instruction where the
// machine has one. Flags hold nothing between two instructions.
//
// Loads and stores are at [r12 + guest address + off]: the verifier has proved that it is the program's memory. Atomics
// are plain, because that memory is not shared.

import { At, Code, Limit, SavedFrame } from "../shared/layout";
import { Condition, Reg, Width } from "../shared/native";
import { Op } from "../shared/opcodes";
import { divide, Division } from "./division";
import {
  addImm, addRmImm8, addRmReg, andImm, andRmReg, at, bswapReg, cmpImm, cmpRmImm32, cmpRmReg, cmpxchg, imulImm, imulRegRm, jcc, jmp,
  movImm, movRegImm32, movRegRm, movRmImm16, movRmImm32, movRmImm8, movRmReg, movRmReg16, movRmReg8, movsxRegRm16, movsxRegRm8,
  movsxdRegRm, movzxRegRm16, movzxRegRm8, negRm, orImm, orRmReg, reg, rolRm16Imm, sarImm, sarRmCl, sarx, shlImm, shlRmCl,
  shlx, shrImm, shrRmCl, shrx, subImm, subRmReg, testAxImm32, testRmImm32, testRmReg, xadd, xorImm, xorRmReg,
} from "./encoder";
import { Rm } from "./emit";
import { BASE, dst, guest, imm, off, SCRATCH, SCRATCH2, src } from "./registers";

const W32: Width = Width.BITS32;
const W64: Width = Width.BITS64;

/** Labels besides those of the slots: where `exit` leads, where the next event begins, and those inside of an instruction. */
export const enum OwnLabel { EXIT = 0, NEXT = 1, INSIDE = 2, PER_SLOT = 3 }

/** What lowering knows of the program. */
let slots: i32 = 0;
let hasBmi2: bool = false;

/** Before the first instruction of a program. */
export function beginProgram(count: i32, bmi2: bool): void {
  slots = count;
  hasBmi2 = bmi2;
}

// ---- groups of operations ------------------------------------------------------------------------------------

function moveImm64(register: i32, value: i64): void {
  if (value == 0) xorRmReg(W32, reg(register), register);
  else movImm(register, value);
}

function moveImm32(register: i32, value: i32): void {
  if (value == 0) xorRmReg(W32, reg(register), register);
  else movRegImm32(register, value);
}

const enum Shift { LEFT, RIGHT, ARITHMETIC }

/** By a number: what counts of it are its lower five or six bits. */
function shiftImm(shift: Shift, w: Width, register: i32, count: i32): void {
  count &= w == W64 ? 63 : 31;
  if (count == 0) {
    // The upper half goes even so.
    if (w == W32) movRegRm(W32, register, reg(register));
  } else if (shift == Shift.LEFT) shlImm(w, register, count);
  else if (shift == Shift.RIGHT) shrImm(w, register, count);
  else sarImm(w, register, count);
}

/** By a register, which without BMI2 must be CL. */
function shiftReg(shift: Shift, w: Width, register: i32, count: i32): void {
  if (hasBmi2) {
    if (shift == Shift.LEFT) shlx(w, register, reg(register), count);
    else if (shift == Shift.RIGHT) shrx(w, register, reg(register), count);
    else sarx(w, register, reg(register), count);
    return;
  }
  if (count != Reg.RCX) {
    movRegRm(W64, SCRATCH, reg(Reg.RCX));
    movRegRm(W64, Reg.RCX, reg(count));
  }
  // What was in RCX is in SCRATCH while the count is there.
  const isMoved = count != Reg.RCX && register == Reg.RCX;
  const target = reg(isMoved ? SCRATCH : register);
  if (shift == Shift.LEFT) shlRmCl(w, target);
  else if (shift == Shift.RIGHT) shrRmCl(w, target);
  else sarRmCl(w, target);
  if (count != Reg.RCX) movRegRm(W64, Reg.RCX, reg(SCRATCH));
}

function divideImm(kind: Division, w: Width, pc: usize, inside: i32): void {
  movImm(SCRATCH, imm(pc));
  divide(kind, w, dst(pc), inside);
}

function divideReg(kind: Division, w: Width, pc: usize, inside: i32): void {
  movRegRm(w, SCRATCH, reg(src(pc)));
  divide(kind, w, dst(pc), inside);
}

function jumpImm(cc: Condition, w: Width, pc: usize, target: i32): void {
  if (imm(pc) == 0) testRmReg(w, reg(dst(pc)), dst(pc));
  else cmpImm(w, dst(pc), imm(pc));
  jcc(cc, target);
}

function jumpReg(cc: Condition, w: Width, pc: usize, target: i32): void {
  cmpRmReg(w, reg(dst(pc)), src(pc));
  jcc(cc, target);
}

function jumpSetImm(w: Width, pc: usize, target: i32): void {
  if (dst(pc) == Reg.RAX) testAxImm32(w, imm(pc));
  else testRmImm32(w, reg(dst(pc)), imm(pc));
  jcc(Condition.NE, target);
}

function jumpSetReg(w: Width, pc: usize, target: i32): void {
  testRmReg(w, reg(dst(pc)), src(pc));
  jcc(Condition.NE, target);
}

/** Falls through Limit.MAY_GOTO times in a run. */
function mayGoto(target: i32): void {
  const counter = at(BASE, At.FRAMES + SavedFrame.MAY_GOTO);
  cmpRmImm32(W32, counter, Limit.MAY_GOTO);
  jcc(Condition.E, target);
  addRmImm8(W32, counter, 1);
}

/** Before the first instruction of an event, where there is a `may_goto`. */
export function resetMayGoto(): void { movRmImm32(W32, at(BASE, At.FRAMES + SavedFrame.MAY_GOTO), 0); }

/** The old value of `memory` into `register`, whose own goes there. */
function exchange(w: Width, memory: Rm, register: i32): void {
  movRegRm(w, SCRATCH, memory);
  movRmReg(w, memory, register);
  movRegRm(w, register, reg(SCRATCH));
}

/** As exchange, but that what goes there was computed from both in SCRATCH2. */
function fetch(op: u32, w: Width, pc: usize): void {
  const memory = guest(dst(pc), pc);
  const register = src(pc);
  movRegRm(w, SCRATCH, memory);
  movRegRm(w, SCRATCH2, reg(SCRATCH));
  if (op == Op.FETCH_OR32 || op == Op.FETCH_OR64) orRmReg(w, reg(SCRATCH2), register);
  else if (op == Op.FETCH_AND32 || op == Op.FETCH_AND64) andRmReg(w, reg(SCRATCH2), register);
  else xorRmReg(w, reg(SCRATCH2), register);
  movRmReg(w, memory, SCRATCH2);
  movRegRm(w, register, reg(SCRATCH));
}

function compareExchange(w: Width, pc: usize): void {
  cmpxchg(w, guest(dst(pc), pc), src(pc));
  // Where they were equal, RAX was left alone.
  if (w == W32) movRegRm(W32, Reg.RAX, reg(Reg.RAX));
}

// ---- operations ------------------------------------------------------------------------------------------------

/** Lowers the instruction of `slot` at `pc`; false where there is no lowering for it. */
export function lower(pc: usize, slot: i32): bool {
  const op: u32 = load<u8>(pc);
  const target = slot + 1 + off(pc);
  const inside = slots + OwnLabel.INSIDE + slot * OwnLabel.PER_SLOT;
  switch (op) {

    // 64-bit arithmetic
    case Op.ADD64_IMM: addImm(W64, dst(pc), imm(pc)); break;
    case Op.ADD64_REG: addRmReg(W64, reg(dst(pc)), src(pc)); break;
    case Op.SUB64_IMM: subImm(W64, dst(pc), imm(pc)); break;
    case Op.SUB64_REG: subRmReg(W64, reg(dst(pc)), src(pc)); break;
    case Op.OR64_IMM: orImm(W64, dst(pc), imm(pc)); break;
    case Op.OR64_REG: orRmReg(W64, reg(dst(pc)), src(pc)); break;
    case Op.AND64_IMM: andImm(W64, dst(pc), imm(pc)); break;
    case Op.AND64_REG: andRmReg(W64, reg(dst(pc)), src(pc)); break;
    case Op.XOR64_IMM: xorImm(W64, dst(pc), imm(pc)); break;
    case Op.XOR64_REG: xorRmReg(W64, reg(dst(pc)), src(pc)); break;
    case Op.MUL64_IMM: imulImm(W64, dst(pc), reg(dst(pc)), imm(pc)); break;
    case Op.MUL64_REG: imulRegRm(W64, dst(pc), reg(src(pc))); break;
    case Op.MOV64_IMM: moveImm64(dst(pc), imm(pc)); break;
    case Op.MOV64_REG: movRegRm(W64, dst(pc), reg(src(pc))); break;
    case Op.NEG64: negRm(W64, reg(dst(pc))); break;
    case Op.LSH64_IMM: shiftImm(Shift.LEFT, W64, dst(pc), imm(pc)); break;
    case Op.LSH64_REG: shiftReg(Shift.LEFT, W64, dst(pc), src(pc)); break;
    case Op.RSH64_IMM: shiftImm(Shift.RIGHT, W64, dst(pc), imm(pc)); break;
    case Op.RSH64_REG: shiftReg(Shift.RIGHT, W64, dst(pc), src(pc)); break;
    case Op.ARSH64_IMM: shiftImm(Shift.ARITHMETIC, W64, dst(pc), imm(pc)); break;
    case Op.ARSH64_REG: shiftReg(Shift.ARITHMETIC, W64, dst(pc), src(pc)); break;
    case Op.DIV64_IMM: divideImm(Division.DIV, W64, pc, inside); break;
    case Op.DIV64_REG: divideReg(Division.DIV, W64, pc, inside); break;
    case Op.MOD64_IMM: divideImm(Division.MOD, W64, pc, inside); break;
    case Op.MOD64_REG: divideReg(Division.MOD, W64, pc, inside); break;
    case Op.SDIV64_IMM: divideImm(Division.SDIV, W64, pc, inside); break;
    case Op.SDIV64_REG: divideReg(Division.SDIV, W64, pc, inside); break;
    case Op.SMOD64_IMM: divideImm(Division.SMOD, W64, pc, inside); break;
    case Op.SMOD64_REG: divideReg(Division.SMOD, W64, pc, inside); break;
    case Op.MOVSX64_B: movsxRegRm8(W64, dst(pc), reg(src(pc))); break;
    case Op.MOVSX64_H: movsxRegRm16(W64, dst(pc), reg(src(pc))); break;
    case Op.MOVSX64_W: movsxdRegRm(dst(pc), reg(src(pc))); break;

    // 32-bit arithmetic
    case Op.ADD32_IMM: addImm(W32, dst(pc), imm(pc)); break;
    case Op.ADD32_REG: addRmReg(W32, reg(dst(pc)), src(pc)); break;
    case Op.SUB32_IMM: subImm(W32, dst(pc), imm(pc)); break;
    case Op.SUB32_REG: subRmReg(W32, reg(dst(pc)), src(pc)); break;
    case Op.OR32_IMM: orImm(W32, dst(pc), imm(pc)); break;
    case Op.OR32_REG: orRmReg(W32, reg(dst(pc)), src(pc)); break;
    case Op.AND32_IMM: andImm(W32, dst(pc), imm(pc)); break;
    case Op.AND32_REG: andRmReg(W32, reg(dst(pc)), src(pc)); break;
    case Op.XOR32_IMM: xorImm(W32, dst(pc), imm(pc)); break;
    case Op.XOR32_REG: xorRmReg(W32, reg(dst(pc)), src(pc)); break;
    case Op.MUL32_IMM: imulImm(W32, dst(pc), reg(dst(pc)), imm(pc)); break;
    case Op.MUL32_REG: imulRegRm(W32, dst(pc), reg(src(pc))); break;
    case Op.MOV32_IMM: moveImm32(dst(pc), imm(pc)); break;
    case Op.MOV32_REG: movRegRm(W32, dst(pc), reg(src(pc))); break;
    case Op.NEG32: negRm(W32, reg(dst(pc))); break;
    case Op.LSH32_IMM: shiftImm(Shift.LEFT, W32, dst(pc), imm(pc)); break;
    case Op.LSH32_REG: shiftReg(Shift.LEFT, W32, dst(pc), src(pc)); break;
    case Op.RSH32_IMM: shiftImm(Shift.RIGHT, W32, dst(pc), imm(pc)); break;
    case Op.RSH32_REG: shiftReg(Shift.RIGHT, W32, dst(pc), src(pc)); break;
    case Op.ARSH32_IMM: shiftImm(Shift.ARITHMETIC, W32, dst(pc), imm(pc)); break;
    case Op.ARSH32_REG: shiftReg(Shift.ARITHMETIC, W32, dst(pc), src(pc)); break;
    case Op.DIV32_IMM: divideImm(Division.DIV, W32, pc, inside); break;
    case Op.DIV32_REG: divideReg(Division.DIV, W32, pc, inside); break;
    case Op.MOD32_IMM: divideImm(Division.MOD, W32, pc, inside); break;
    case Op.MOD32_REG: divideReg(Division.MOD, W32, pc, inside); break;
    case Op.SDIV32_IMM: divideImm(Division.SDIV, W32, pc, inside); break;
    case Op.SDIV32_REG: divideReg(Division.SDIV, W32, pc, inside); break;
    case Op.SMOD32_IMM: divideImm(Division.SMOD, W32, pc, inside); break;
    case Op.SMOD32_REG: divideReg(Division.SMOD, W32, pc, inside); break;
    case Op.MOVSX32_B: movsxRegRm8(W32, dst(pc), reg(src(pc))); break;
    case Op.MOVSX32_H: movsxRegRm16(W32, dst(pc), reg(src(pc))); break;

    // byte order, and the cast between address spaces, which here are one
    case Op.LE16: movzxRegRm16(dst(pc), reg(dst(pc))); break;
    case Op.LE32: movRegRm(W32, dst(pc), reg(dst(pc))); break;
    case Op.LE64: break;
    case Op.SWAP16: rolRm16Imm(reg(dst(pc)), 8); movzxRegRm16(dst(pc), reg(dst(pc))); break;
    case Op.SWAP32: bswapReg(W32, dst(pc)); break;
    case Op.SWAP64: bswapReg(W64, dst(pc)); break;
    case Op.ADDR_SPACE_CAST: movRegRm(W32, dst(pc), reg(src(pc))); break;
    case Op.LDDW: moveImm64(dst(pc), <i64>load<u32>(pc, Code.IMM) | (<i64>load<u32>(pc, 8 + Code.IMM) << 32)); break;

    // jumps
    case Op.JEQ64_IMM: jumpImm(Condition.E, W64, pc, target); break;
    case Op.JEQ64_REG: jumpReg(Condition.E, W64, pc, target); break;
    case Op.JNE64_IMM: jumpImm(Condition.NE, W64, pc, target); break;
    case Op.JNE64_REG: jumpReg(Condition.NE, W64, pc, target); break;
    case Op.JGT64_IMM: jumpImm(Condition.A, W64, pc, target); break;
    case Op.JGT64_REG: jumpReg(Condition.A, W64, pc, target); break;
    case Op.JGE64_IMM: jumpImm(Condition.AE, W64, pc, target); break;
    case Op.JGE64_REG: jumpReg(Condition.AE, W64, pc, target); break;
    case Op.JLT64_IMM: jumpImm(Condition.B, W64, pc, target); break;
    case Op.JLT64_REG: jumpReg(Condition.B, W64, pc, target); break;
    case Op.JLE64_IMM: jumpImm(Condition.BE, W64, pc, target); break;
    case Op.JLE64_REG: jumpReg(Condition.BE, W64, pc, target); break;
    case Op.JSGT64_IMM: jumpImm(Condition.G, W64, pc, target); break;
    case Op.JSGT64_REG: jumpReg(Condition.G, W64, pc, target); break;
    case Op.JSGE64_IMM: jumpImm(Condition.GE, W64, pc, target); break;
    case Op.JSGE64_REG: jumpReg(Condition.GE, W64, pc, target); break;
    case Op.JSLT64_IMM: jumpImm(Condition.L, W64, pc, target); break;
    case Op.JSLT64_REG: jumpReg(Condition.L, W64, pc, target); break;
    case Op.JSLE64_IMM: jumpImm(Condition.LE, W64, pc, target); break;
    case Op.JSLE64_REG: jumpReg(Condition.LE, W64, pc, target); break;
    case Op.JSET64_IMM: jumpSetImm(W64, pc, target); break;
    case Op.JSET64_REG: jumpSetReg(W64, pc, target); break;
    case Op.JEQ32_IMM: jumpImm(Condition.E, W32, pc, target); break;
    case Op.JEQ32_REG: jumpReg(Condition.E, W32, pc, target); break;
    case Op.JNE32_IMM: jumpImm(Condition.NE, W32, pc, target); break;
    case Op.JNE32_REG: jumpReg(Condition.NE, W32, pc, target); break;
    case Op.JGT32_IMM: jumpImm(Condition.A, W32, pc, target); break;
    case Op.JGT32_REG: jumpReg(Condition.A, W32, pc, target); break;
    case Op.JGE32_IMM: jumpImm(Condition.AE, W32, pc, target); break;
    case Op.JGE32_REG: jumpReg(Condition.AE, W32, pc, target); break;
    case Op.JLT32_IMM: jumpImm(Condition.B, W32, pc, target); break;
    case Op.JLT32_REG: jumpReg(Condition.B, W32, pc, target); break;
    case Op.JLE32_IMM: jumpImm(Condition.BE, W32, pc, target); break;
    case Op.JLE32_REG: jumpReg(Condition.BE, W32, pc, target); break;
    case Op.JSGT32_IMM: jumpImm(Condition.G, W32, pc, target); break;
    case Op.JSGT32_REG: jumpReg(Condition.G, W32, pc, target); break;
    case Op.JSGE32_IMM: jumpImm(Condition.GE, W32, pc, target); break;
    case Op.JSGE32_REG: jumpReg(Condition.GE, W32, pc, target); break;
    case Op.JSLT32_IMM: jumpImm(Condition.L, W32, pc, target); break;
    case Op.JSLT32_REG: jumpReg(Condition.L, W32, pc, target); break;
    case Op.JSLE32_IMM: jumpImm(Condition.LE, W32, pc, target); break;
    case Op.JSLE32_REG: jumpReg(Condition.LE, W32, pc, target); break;
    case Op.JSET32_IMM: jumpSetImm(W32, pc, target); break;
    case Op.JSET32_REG: jumpSetReg(W32, pc, target); break;
    case Op.JA: jmp(target); break;
    case Op.JA32: jmp(slot + 1 + imm(pc)); break;
    case Op.MAY_GOTO: mayGoto(target); break;
    // The last instruction falls through to where it leads.
    case Op.EXIT: if (slot != slots - 1) jmp(slots + OwnLabel.EXIT); break;

    // memory: loads and stores are ordered as acquire and release by themselves
    case Op.LDX_B: case Op.LOAD_ACQ_B: movzxRegRm8(dst(pc), guest(src(pc), pc)); break;
    case Op.LDX_H: case Op.LOAD_ACQ_H: movzxRegRm16(dst(pc), guest(src(pc), pc)); break;
    case Op.LDX_W: case Op.LOAD_ACQ_W: movRegRm(W32, dst(pc), guest(src(pc), pc)); break;
    case Op.LDX_DW: case Op.LOAD_ACQ_DW: movRegRm(W64, dst(pc), guest(src(pc), pc)); break;
    case Op.LDXS_B: movsxRegRm8(W64, dst(pc), guest(src(pc), pc)); break;
    case Op.LDXS_H: movsxRegRm16(W64, dst(pc), guest(src(pc), pc)); break;
    case Op.LDXS_W: movsxdRegRm(dst(pc), guest(src(pc), pc)); break;
    case Op.ST_B: movRmImm8(guest(dst(pc), pc), imm(pc)); break;
    case Op.ST_H: movRmImm16(guest(dst(pc), pc), imm(pc)); break;
    case Op.ST_W: movRmImm32(W32, guest(dst(pc), pc), imm(pc)); break;
    case Op.ST_DW: movRmImm32(W64, guest(dst(pc), pc), imm(pc)); break;
    case Op.STX_B: case Op.STORE_REL_B: movRmReg8(guest(dst(pc), pc), src(pc)); break;
    case Op.STX_H: case Op.STORE_REL_H: movRmReg16(guest(dst(pc), pc), src(pc)); break;
    case Op.STX_W: case Op.STORE_REL_W: movRmReg(W32, guest(dst(pc), pc), src(pc)); break;
    case Op.STX_DW: case Op.STORE_REL_DW: movRmReg(W64, guest(dst(pc), pc), src(pc)); break;
    case Op.ATOMIC_ADD64: addRmReg(W64, guest(dst(pc), pc), src(pc)); break;
    case Op.ATOMIC_OR64: orRmReg(W64, guest(dst(pc), pc), src(pc)); break;
    case Op.ATOMIC_AND64: andRmReg(W64, guest(dst(pc), pc), src(pc)); break;
    case Op.ATOMIC_XOR64: xorRmReg(W64, guest(dst(pc), pc), src(pc)); break;
    case Op.FETCH_ADD64: xadd(W64, guest(dst(pc), pc), src(pc)); break;
    case Op.FETCH_OR64: case Op.FETCH_AND64: case Op.FETCH_XOR64: fetch(op, W64, pc); break;
    case Op.XCHG64: exchange(W64, guest(dst(pc), pc), src(pc)); break;
    case Op.CMPXCHG64: compareExchange(W64, pc); break;
    case Op.ATOMIC_ADD32: addRmReg(W32, guest(dst(pc), pc), src(pc)); break;
    case Op.ATOMIC_OR32: orRmReg(W32, guest(dst(pc), pc), src(pc)); break;
    case Op.ATOMIC_AND32: andRmReg(W32, guest(dst(pc), pc), src(pc)); break;
    case Op.ATOMIC_XOR32: xorRmReg(W32, guest(dst(pc), pc), src(pc)); break;
    case Op.FETCH_ADD32: xadd(W32, guest(dst(pc), pc), src(pc)); break;
    case Op.FETCH_OR32: case Op.FETCH_AND32: case Op.FETCH_XOR32: fetch(op, W32, pc); break;
    case Op.XCHG32: exchange(W32, guest(dst(pc), pc), src(pc)); break;
    case Op.CMPXCHG32: compareExchange(W32, pc); break;

    default: return false;
  }
  return true;
}
