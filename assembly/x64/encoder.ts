// The x86-64 instructions that the compiler uses. Each function is one form; its comment is the line of the Intel SDM,
// volume 2, that defines it, and its parameters are the operands of that line in their order, after the width where
// there is one of 32 and one of 64 bits and the condition where the line has `cc`. The test of this file reads the
// comments: they are what the bytes are compared with.
//
// Where a constructor chooses among forms, its comment is a sentence instead. No flag is touched that the
// instruction named would not touch.

import { Condition, Reg, Width } from "../shared/native";
import {
  byte, emit, emitBare, emitNop, emitPlus, emitRipRelative, emitVex, Form, half, quad, reg, Rm, word,
} from "./emit";
import { referLong, referShort } from "./labels";

// What users of the encoder need besides its forms.
export { at, atIndex, position, reg } from "./emit";
export { begin, bind, finish, labelPosition } from "./labels";

@inline function fits8(value: i32): bool { return value == <i32><i8>value; }

// ---- moves ---------------------------------------------------------------------------------------------
/** 88 /r MOV r/m8, r8 */
export function movRmReg8(dst: Rm, src: Reg): void { emit(0x88 | Form.BYTE_REG | Form.BYTE_RM, src, dst); }
/** 89 /r MOV r/m16, r16 */
export function movRmReg16(dst: Rm, src: Reg): void { emit(0x89 | Form.P66, src, dst); }
/** 89 /r MOV r/m32, r32; REX.W + 89 /r MOV r/m64, r64 */
export function movRmReg(w: Width, dst: Rm, src: Reg): void { emit(0x89 | w, src, dst); }
/** 8A /r MOV r8, r/m8 */
export function movRegRm8(dst: Reg, src: Rm): void { emit(0x8a | Form.BYTE_REG | Form.BYTE_RM, dst, src); }
/** 8B /r MOV r16, r/m16 */
export function movRegRm16(dst: Reg, src: Rm): void { emit(0x8b | Form.P66, dst, src); }
/** 8B /r MOV r32, r/m32; REX.W + 8B /r MOV r64, r/m64 */
export function movRegRm(w: Width, dst: Reg, src: Rm): void { emit(0x8b | w, dst, src); }
/** C6 /0 ib MOV r/m8, imm8 */
export function movRmImm8(dst: Rm, imm: i32): void { emit(0xc6 | Form.BYTE_RM, 0, dst); byte(imm); }
/** C7 /0 iw MOV r/m16, imm16 */
export function movRmImm16(dst: Rm, imm: i32): void { emit(0xc7 | Form.P66, 0, dst); half(imm); }
/** C7 /0 id MOV r/m32, imm32; REX.W + C7 /0 id MOV r/m64, imm32 */
export function movRmImm32(w: Width, dst: Rm, imm: i32): void { emit(0xc7 | w, 0, dst); word(imm); }
/** B8+rd id MOV r32, imm32 */
export function movRegImm32(dst: Reg, imm: i32): void { emitPlus(0xb8, dst); word(imm); }
/** REX.W + B8+rd io MOV r64, imm64 */
export function movRegImm64(dst: Reg, imm: i64): void { emitPlus(0xb8 | Form.W, dst); quad(imm); }
/** The shortest MOV that makes all 64 bits of `dst` the given number. */
export function movImm(dst: Reg, imm: i64): void {
  if (imm >>> 32 == 0) movRegImm32(dst, <i32>imm);
  else if (imm == <i64><i32>imm) movRmImm32(Width.BITS64, reg(dst), <i32>imm);
  else movRegImm64(dst, imm);
}
/** 0F B6 /r MOVZX r32, r/m8 */
export function movzxRegRm8(dst: Reg, src: Rm): void { emit(0xb6 | Form.MAP_0F | Form.BYTE_RM, dst, src); }
/** 0F B7 /r MOVZX r32, r/m16 */
export function movzxRegRm16(dst: Reg, src: Rm): void { emit(0xb7 | Form.MAP_0F, dst, src); }
/** 0F BE /r MOVSX r32, r/m8; REX.W + 0F BE /r MOVSX r64, r/m8 */
export function movsxRegRm8(w: Width, dst: Reg, src: Rm): void { emit(0xbe | Form.MAP_0F | Form.BYTE_RM | w, dst, src); }
/** 0F BF /r MOVSX r32, r/m16; REX.W + 0F BF /r MOVSX r64, r/m16 */
export function movsxRegRm16(w: Width, dst: Reg, src: Rm): void { emit(0xbf | Form.MAP_0F | w, dst, src); }
/** REX.W + 63 /r MOVSXD r64, r/m32 */
export function movsxdRegRm(dst: Reg, src: Rm): void { emit(0x63 | Form.W, dst, src); }
/** 0F 38 F0 /r MOVBE r16, m16 */
export function movbeRegMem16(dst: Reg, src: Rm): void { emit(0xf0 | Form.MAP_0F38 | Form.P66, dst, src); }
/** 0F 38 F0 /r MOVBE r32, m32; REX.W + 0F 38 F0 /r MOVBE r64, m64 */
export function movbeRegMem(w: Width, dst: Reg, src: Rm): void { emit(0xf0 | Form.MAP_0F38 | w, dst, src); }
/** 0F 38 F1 /r MOVBE m16, r16 */
export function movbeMemReg16(dst: Rm, src: Reg): void { emit(0xf1 | Form.MAP_0F38 | Form.P66, src, dst); }
/** 0F 38 F1 /r MOVBE m32, r32; REX.W + 0F 38 F1 /r MOVBE m64, r64 */
export function movbeMemReg(w: Width, dst: Rm, src: Reg): void { emit(0xf1 | Form.MAP_0F38 | w, src, dst); }
/** 8D /r LEA r32, m; REX.W + 8D /r LEA r64, m */
export function lea(w: Width, dst: Reg, src: Rm): void { emit(0x8d | w, dst, src); }
/** 0F 40+cc /r CMOVcc r32, r/m32; REX.W + 0F 40+cc /r CMOVcc r64, r/m64 */
export function cmov(w: Width, cc: Condition, dst: Reg, src: Rm): void { emit((0x40 + cc) | Form.MAP_0F | w, dst, src); }
/** 0F 90+cc SETcc r/m8 */
export function setcc(cc: Condition, dst: Rm): void { emit((0x90 + cc) | Form.MAP_0F | Form.BYTE_RM, 0, dst); }
/** 50+rd PUSH r64 */
export function push(src: Reg): void { emitPlus(0x50, src); }
/** FF /6 PUSH r/m64 */
export function pushRm(src: Rm): void { emit(0xff, 6, src); }
/** 6A ib PUSH imm8 */
export function pushImm8(imm: i32): void { emitBare(0x6a); byte(imm); }
/** 68 id PUSH imm32 */
export function pushImm32(imm: i32): void { emitBare(0x68); word(imm); }
/** 58+rd POP r64 */
export function pop(dst: Reg): void { emitPlus(0x58, dst); }
/** 8F /0 POP r/m64 */
export function popRm(dst: Rm): void { emit(0x8f, 0, dst); }

// ---- arithmetic and logic ------------------------------------------------------------------------------
/** 03 /r ADD r32, r/m32; REX.W + 03 /r ADD r64, r/m64 */
export function addRegRm(w: Width, dst: Reg, src: Rm): void { emit(0x03 | w, dst, src); }
/** 01 /r ADD r/m32, r32; REX.W + 01 /r ADD r/m64, r64 */
export function addRmReg(w: Width, dst: Rm, src: Reg): void { emit(0x01 | w, src, dst); }
/** 83 /0 ib ADD r/m32, imm8; REX.W + 83 /0 ib ADD r/m64, imm8 */
export function addRmImm8(w: Width, dst: Rm, imm: i32): void { emit(0x83 | w, 0, dst); byte(imm); }
/** 81 /0 id ADD r/m32, imm32; REX.W + 81 /0 id ADD r/m64, imm32 */
export function addRmImm32(w: Width, dst: Rm, imm: i32): void { emit(0x81 | w, 0, dst); word(imm); }
/** 05 id ADD EAX, imm32; REX.W + 05 id ADD RAX, imm32 */
export function addAxImm32(w: Width, imm: i32): void { emitBare(0x05 | w); word(imm); }
/** The shortest ADD of a register and a number, which is sign-extended. */
export function addImm(w: Width, dst: Reg, imm: i32): void {
  if (fits8(imm)) addRmImm8(w, reg(dst), imm);
  else if (dst == Reg.RAX) addAxImm32(w, imm);
  else addRmImm32(w, reg(dst), imm);
}
/** 0B /r OR r32, r/m32; REX.W + 0B /r OR r64, r/m64 */
export function orRegRm(w: Width, dst: Reg, src: Rm): void { emit(0x0b | w, dst, src); }
/** 09 /r OR r/m32, r32; REX.W + 09 /r OR r/m64, r64 */
export function orRmReg(w: Width, dst: Rm, src: Reg): void { emit(0x09 | w, src, dst); }
/** 83 /1 ib OR r/m32, imm8; REX.W + 83 /1 ib OR r/m64, imm8 */
export function orRmImm8(w: Width, dst: Rm, imm: i32): void { emit(0x83 | w, 1, dst); byte(imm); }
/** 81 /1 id OR r/m32, imm32; REX.W + 81 /1 id OR r/m64, imm32 */
export function orRmImm32(w: Width, dst: Rm, imm: i32): void { emit(0x81 | w, 1, dst); word(imm); }
/** 0D id OR EAX, imm32; REX.W + 0D id OR RAX, imm32 */
export function orAxImm32(w: Width, imm: i32): void { emitBare(0x0d | w); word(imm); }
/** The shortest OR of a register and a number, which is sign-extended. */
export function orImm(w: Width, dst: Reg, imm: i32): void {
  if (fits8(imm)) orRmImm8(w, reg(dst), imm);
  else if (dst == Reg.RAX) orAxImm32(w, imm);
  else orRmImm32(w, reg(dst), imm);
}
/** 23 /r AND r32, r/m32; REX.W + 23 /r AND r64, r/m64 */
export function andRegRm(w: Width, dst: Reg, src: Rm): void { emit(0x23 | w, dst, src); }
/** 21 /r AND r/m32, r32; REX.W + 21 /r AND r/m64, r64 */
export function andRmReg(w: Width, dst: Rm, src: Reg): void { emit(0x21 | w, src, dst); }
/** 83 /4 ib AND r/m32, imm8; REX.W + 83 /4 ib AND r/m64, imm8 */
export function andRmImm8(w: Width, dst: Rm, imm: i32): void { emit(0x83 | w, 4, dst); byte(imm); }
/** 81 /4 id AND r/m32, imm32; REX.W + 81 /4 id AND r/m64, imm32 */
export function andRmImm32(w: Width, dst: Rm, imm: i32): void { emit(0x81 | w, 4, dst); word(imm); }
/** 25 id AND EAX, imm32; REX.W + 25 id AND RAX, imm32 */
export function andAxImm32(w: Width, imm: i32): void { emitBare(0x25 | w); word(imm); }
/** The shortest AND of a register and a number, which is sign-extended. */
export function andImm(w: Width, dst: Reg, imm: i32): void {
  if (fits8(imm)) andRmImm8(w, reg(dst), imm);
  else if (dst == Reg.RAX) andAxImm32(w, imm);
  else andRmImm32(w, reg(dst), imm);
}
/** 2B /r SUB r32, r/m32; REX.W + 2B /r SUB r64, r/m64 */
export function subRegRm(w: Width, dst: Reg, src: Rm): void { emit(0x2b | w, dst, src); }
/** 29 /r SUB r/m32, r32; REX.W + 29 /r SUB r/m64, r64 */
export function subRmReg(w: Width, dst: Rm, src: Reg): void { emit(0x29 | w, src, dst); }
/** 83 /5 ib SUB r/m32, imm8; REX.W + 83 /5 ib SUB r/m64, imm8 */
export function subRmImm8(w: Width, dst: Rm, imm: i32): void { emit(0x83 | w, 5, dst); byte(imm); }
/** 81 /5 id SUB r/m32, imm32; REX.W + 81 /5 id SUB r/m64, imm32 */
export function subRmImm32(w: Width, dst: Rm, imm: i32): void { emit(0x81 | w, 5, dst); word(imm); }
/** 2D id SUB EAX, imm32; REX.W + 2D id SUB RAX, imm32 */
export function subAxImm32(w: Width, imm: i32): void { emitBare(0x2d | w); word(imm); }
/** The shortest SUB of a register and a number, which is sign-extended. */
export function subImm(w: Width, dst: Reg, imm: i32): void {
  if (fits8(imm)) subRmImm8(w, reg(dst), imm);
  else if (dst == Reg.RAX) subAxImm32(w, imm);
  else subRmImm32(w, reg(dst), imm);
}
/** 33 /r XOR r32, r/m32; REX.W + 33 /r XOR r64, r/m64 */
export function xorRegRm(w: Width, dst: Reg, src: Rm): void { emit(0x33 | w, dst, src); }
/** 31 /r XOR r/m32, r32; REX.W + 31 /r XOR r/m64, r64 */
export function xorRmReg(w: Width, dst: Rm, src: Reg): void { emit(0x31 | w, src, dst); }
/** 83 /6 ib XOR r/m32, imm8; REX.W + 83 /6 ib XOR r/m64, imm8 */
export function xorRmImm8(w: Width, dst: Rm, imm: i32): void { emit(0x83 | w, 6, dst); byte(imm); }
/** 81 /6 id XOR r/m32, imm32; REX.W + 81 /6 id XOR r/m64, imm32 */
export function xorRmImm32(w: Width, dst: Rm, imm: i32): void { emit(0x81 | w, 6, dst); word(imm); }
/** 35 id XOR EAX, imm32; REX.W + 35 id XOR RAX, imm32 */
export function xorAxImm32(w: Width, imm: i32): void { emitBare(0x35 | w); word(imm); }
/** The shortest XOR of a register and a number, which is sign-extended. */
export function xorImm(w: Width, dst: Reg, imm: i32): void {
  if (fits8(imm)) xorRmImm8(w, reg(dst), imm);
  else if (dst == Reg.RAX) xorAxImm32(w, imm);
  else xorRmImm32(w, reg(dst), imm);
}
/** 3B /r CMP r32, r/m32; REX.W + 3B /r CMP r64, r/m64 */
export function cmpRegRm(w: Width, dst: Reg, src: Rm): void { emit(0x3b | w, dst, src); }
/** 39 /r CMP r/m32, r32; REX.W + 39 /r CMP r/m64, r64 */
export function cmpRmReg(w: Width, dst: Rm, src: Reg): void { emit(0x39 | w, src, dst); }
/** 83 /7 ib CMP r/m32, imm8; REX.W + 83 /7 ib CMP r/m64, imm8 */
export function cmpRmImm8(w: Width, dst: Rm, imm: i32): void { emit(0x83 | w, 7, dst); byte(imm); }
/** 81 /7 id CMP r/m32, imm32; REX.W + 81 /7 id CMP r/m64, imm32 */
export function cmpRmImm32(w: Width, dst: Rm, imm: i32): void { emit(0x81 | w, 7, dst); word(imm); }
/** 3D id CMP EAX, imm32; REX.W + 3D id CMP RAX, imm32 */
export function cmpAxImm32(w: Width, imm: i32): void { emitBare(0x3d | w); word(imm); }
/** The shortest CMP of a register and a number, which is sign-extended. */
export function cmpImm(w: Width, dst: Reg, imm: i32): void {
  if (fits8(imm)) cmpRmImm8(w, reg(dst), imm);
  else if (dst == Reg.RAX) cmpAxImm32(w, imm);
  else cmpRmImm32(w, reg(dst), imm);
}
/** 80 /7 ib CMP r/m8, imm8 */
export function cmpRm8Imm8(dst: Rm, imm: i32): void { emit(0x80 | Form.BYTE_RM, 7, dst); byte(imm); }
/** 81 /7 iw CMP r/m16, imm16 */
export function cmpRm16Imm16(dst: Rm, imm: i32): void { emit(0x81 | Form.P66, 7, dst); half(imm); }
/** 85 /r TEST r/m32, r32; REX.W + 85 /r TEST r/m64, r64 */
export function testRmReg(w: Width, dst: Rm, src: Reg): void { emit(0x85 | w, src, dst); }
/** F6 /0 ib TEST r/m8, imm8 */
export function testRm8Imm8(dst: Rm, imm: i32): void { emit(0xf6 | Form.BYTE_RM, 0, dst); byte(imm); }
/** F7 /0 id TEST r/m32, imm32; REX.W + F7 /0 id TEST r/m64, imm32 */
export function testRmImm32(w: Width, dst: Rm, imm: i32): void { emit(0xf7 | w, 0, dst); word(imm); }
/** A9 id TEST EAX, imm32; REX.W + A9 id TEST RAX, imm32 */
export function testAxImm32(w: Width, imm: i32): void { emitBare(0xa9 | w); word(imm); }
/** F7 /2 NOT r/m32; REX.W + F7 /2 NOT r/m64 */
export function notRm(w: Width, dst: Rm): void { emit(0xf7 | w, 2, dst); }
/** F7 /3 NEG r/m32; REX.W + F7 /3 NEG r/m64 */
export function negRm(w: Width, dst: Rm): void { emit(0xf7 | w, 3, dst); }
/** F7 /4 MUL r/m32; REX.W + F7 /4 MUL r/m64 */
export function mulRm(w: Width, src: Rm): void { emit(0xf7 | w, 4, src); }
/** F7 /5 IMUL r/m32; REX.W + F7 /5 IMUL r/m64 */
export function imulRm(w: Width, src: Rm): void { emit(0xf7 | w, 5, src); }
/** F7 /6 DIV r/m32; REX.W + F7 /6 DIV r/m64 */
export function divRm(w: Width, src: Rm): void { emit(0xf7 | w, 6, src); }
/** F7 /7 IDIV r/m32; REX.W + F7 /7 IDIV r/m64 */
export function idivRm(w: Width, src: Rm): void { emit(0xf7 | w, 7, src); }
/** 0F AF /r IMUL r32, r/m32; REX.W + 0F AF /r IMUL r64, r/m64 */
export function imulRegRm(w: Width, dst: Reg, src: Rm): void { emit(0xaf | Form.MAP_0F | w, dst, src); }
/** 6B /r ib IMUL r32, r/m32, imm8; REX.W + 6B /r ib IMUL r64, r/m64, imm8 */
export function imulRegRmImm8(w: Width, dst: Reg, src: Rm, imm: i32): void { emit(0x6b | w, dst, src); byte(imm); }
/** 69 /r id IMUL r32, r/m32, imm32; REX.W + 69 /r id IMUL r64, r/m64, imm32 */
export function imulRegRmImm32(w: Width, dst: Reg, src: Rm, imm: i32): void { emit(0x69 | w, dst, src); word(imm); }
/** The shorter IMUL by a number, which is sign-extended. */
export function imulImm(w: Width, dst: Reg, src: Rm, imm: i32): void {
  if (fits8(imm)) imulRegRmImm8(w, dst, src, imm);
  else imulRegRmImm32(w, dst, src, imm);
}
/** 99 CDQ */
export function cdq(): void { emitBare(0x99); }
/** REX.W + 99 CQO */
export function cqo(): void { emitBare(0x99 | Form.W); }

// ---- shifts, rotations, byte order -------------------------------------------------------------------------
/** C1 /0 ib ROL r/m32, imm8; REX.W + C1 /0 ib ROL r/m64, imm8 */
export function rolRmImm(w: Width, dst: Rm, imm: i32): void { emit(0xc1 | w, 0, dst); byte(imm); }
/** D1 /0 ROL r/m32, 1; REX.W + D1 /0 ROL r/m64, 1 */
export function rolRm1(w: Width, dst: Rm): void { emit(0xd1 | w, 0, dst); }
/** D3 /0 ROL r/m32, CL; REX.W + D3 /0 ROL r/m64, CL */
export function rolRmCl(w: Width, dst: Rm): void { emit(0xd3 | w, 0, dst); }
/** The shorter ROL of a register by a number. */
export function rolImm(w: Width, dst: Reg, imm: i32): void {
  if (imm == 1) rolRm1(w, reg(dst));
  else rolRmImm(w, reg(dst), imm);
}
/** C1 /1 ib ROR r/m32, imm8; REX.W + C1 /1 ib ROR r/m64, imm8 */
export function rorRmImm(w: Width, dst: Rm, imm: i32): void { emit(0xc1 | w, 1, dst); byte(imm); }
/** D1 /1 ROR r/m32, 1; REX.W + D1 /1 ROR r/m64, 1 */
export function rorRm1(w: Width, dst: Rm): void { emit(0xd1 | w, 1, dst); }
/** D3 /1 ROR r/m32, CL; REX.W + D3 /1 ROR r/m64, CL */
export function rorRmCl(w: Width, dst: Rm): void { emit(0xd3 | w, 1, dst); }
/** The shorter ROR of a register by a number. */
export function rorImm(w: Width, dst: Reg, imm: i32): void {
  if (imm == 1) rorRm1(w, reg(dst));
  else rorRmImm(w, reg(dst), imm);
}
/** C1 /4 ib SHL r/m32, imm8; REX.W + C1 /4 ib SHL r/m64, imm8 */
export function shlRmImm(w: Width, dst: Rm, imm: i32): void { emit(0xc1 | w, 4, dst); byte(imm); }
/** D1 /4 SHL r/m32, 1; REX.W + D1 /4 SHL r/m64, 1 */
export function shlRm1(w: Width, dst: Rm): void { emit(0xd1 | w, 4, dst); }
/** D3 /4 SHL r/m32, CL; REX.W + D3 /4 SHL r/m64, CL */
export function shlRmCl(w: Width, dst: Rm): void { emit(0xd3 | w, 4, dst); }
/** The shorter SHL of a register by a number. */
export function shlImm(w: Width, dst: Reg, imm: i32): void {
  if (imm == 1) shlRm1(w, reg(dst));
  else shlRmImm(w, reg(dst), imm);
}
/** C1 /5 ib SHR r/m32, imm8; REX.W + C1 /5 ib SHR r/m64, imm8 */
export function shrRmImm(w: Width, dst: Rm, imm: i32): void { emit(0xc1 | w, 5, dst); byte(imm); }
/** D1 /5 SHR r/m32, 1; REX.W + D1 /5 SHR r/m64, 1 */
export function shrRm1(w: Width, dst: Rm): void { emit(0xd1 | w, 5, dst); }
/** D3 /5 SHR r/m32, CL; REX.W + D3 /5 SHR r/m64, CL */
export function shrRmCl(w: Width, dst: Rm): void { emit(0xd3 | w, 5, dst); }
/** The shorter SHR of a register by a number. */
export function shrImm(w: Width, dst: Reg, imm: i32): void {
  if (imm == 1) shrRm1(w, reg(dst));
  else shrRmImm(w, reg(dst), imm);
}
/** C1 /7 ib SAR r/m32, imm8; REX.W + C1 /7 ib SAR r/m64, imm8 */
export function sarRmImm(w: Width, dst: Rm, imm: i32): void { emit(0xc1 | w, 7, dst); byte(imm); }
/** D1 /7 SAR r/m32, 1; REX.W + D1 /7 SAR r/m64, 1 */
export function sarRm1(w: Width, dst: Rm): void { emit(0xd1 | w, 7, dst); }
/** D3 /7 SAR r/m32, CL; REX.W + D3 /7 SAR r/m64, CL */
export function sarRmCl(w: Width, dst: Rm): void { emit(0xd3 | w, 7, dst); }
/** The shorter SAR of a register by a number. */
export function sarImm(w: Width, dst: Reg, imm: i32): void {
  if (imm == 1) sarRm1(w, reg(dst));
  else sarRmImm(w, reg(dst), imm);
}
/** C1 /0 ib ROL r/m16, imm8 */
export function rolRm16Imm(dst: Rm, imm: i32): void { emit(0xc1 | Form.P66, 0, dst); byte(imm); }
/** C1 /1 ib ROR r/m16, imm8 */
export function rorRm16Imm(dst: Rm, imm: i32): void { emit(0xc1 | Form.P66, 1, dst); byte(imm); }
/** VEX.LZ.66.0F38.W0 F7 /r SHLX r32, r/m32, r32; VEX.LZ.66.0F38.W1 F7 /r SHLX r64, r/m64, r64 */
export function shlx(w: Width, dst: Reg, src: Rm, count: Reg): void { emitVex(0xf7 | Form.MAP_0F38 | Form.P66 | w, dst, src, count); }
/** VEX.LZ.F2.0F38.W0 F7 /r SHRX r32, r/m32, r32; VEX.LZ.F2.0F38.W1 F7 /r SHRX r64, r/m64, r64 */
export function shrx(w: Width, dst: Reg, src: Rm, count: Reg): void { emitVex(0xf7 | Form.MAP_0F38 | Form.PF2 | w, dst, src, count); }
/** VEX.LZ.F3.0F38.W0 F7 /r SARX r32, r/m32, r32; VEX.LZ.F3.0F38.W1 F7 /r SARX r64, r/m64, r64 */
export function sarx(w: Width, dst: Reg, src: Rm, count: Reg): void { emitVex(0xf7 | Form.MAP_0F38 | Form.PF3 | w, dst, src, count); }
/** VEX.LZ.F2.0F3A.W0 F0 /r ib RORX r32, r/m32, imm8; VEX.LZ.F2.0F3A.W1 F0 /r ib RORX r64, r/m64, imm8 */
export function rorx(w: Width, dst: Reg, src: Rm, imm: i32): void { emitVex(0xf0 | Form.MAP_0F3A | Form.PF2 | w, dst, src, 0); byte(imm); }
/** 0F C8+rd BSWAP r32; REX.W + 0F C8+rd BSWAP r64 */
export function bswapReg(w: Width, dst: Reg): void { emitPlus(0xc8 | Form.MAP_0F | w, dst); }

// ---- atomics: XCHG with memory locks by itself ------------------------------------------------------------
/** 87 /r XCHG r/m32, r32; REX.W + 87 /r XCHG r/m64, r64 */
export function xchgRmReg(w: Width, dst: Rm, src: Reg): void { emit(0x87 | w, src, dst); }
/** F0 + 0F C1 /r LOCK XADD m32, r32; F0 + REX.W + 0F C1 /r LOCK XADD m64, r64 */
export function lockXadd(w: Width, dst: Rm, src: Reg): void { emit(0xc1 | Form.MAP_0F | Form.LOCK | w, src, dst); }
/** F0 + 0F B1 /r LOCK CMPXCHG m32, r32; F0 + REX.W + 0F B1 /r LOCK CMPXCHG m64, r64 */
export function lockCmpxchg(w: Width, dst: Rm, src: Reg): void { emit(0xb1 | Form.MAP_0F | Form.LOCK | w, src, dst); }
/** F0 + 01 /r LOCK ADD m32, r32; F0 + REX.W + 01 /r LOCK ADD m64, r64 */
export function lockAdd(w: Width, dst: Rm, src: Reg): void { emit(0x01 | Form.LOCK | w, src, dst); }
/** F0 + 09 /r LOCK OR m32, r32; F0 + REX.W + 09 /r LOCK OR m64, r64 */
export function lockOr(w: Width, dst: Rm, src: Reg): void { emit(0x09 | Form.LOCK | w, src, dst); }
/** F0 + 21 /r LOCK AND m32, r32; F0 + REX.W + 21 /r LOCK AND m64, r64 */
export function lockAnd(w: Width, dst: Rm, src: Reg): void { emit(0x21 | Form.LOCK | w, src, dst); }
/** F0 + 31 /r LOCK XOR m32, r32; F0 + REX.W + 31 /r LOCK XOR m64, r64 */
export function lockXor(w: Width, dst: Rm, src: Reg): void { emit(0x31 | Form.LOCK | w, src, dst); }
/** 0F C1 /r XADD r/m32, r32; REX.W + 0F C1 /r XADD r/m64, r64 */
export function xadd(w: Width, dst: Rm, src: Reg): void { emit(0xc1 | Form.MAP_0F | w, src, dst); }
/** 0F B1 /r CMPXCHG r/m32, r32; REX.W + 0F B1 /r CMPXCHG r/m64, r64 */
export function cmpxchg(w: Width, dst: Rm, src: Reg): void { emit(0xb1 | Form.MAP_0F | w, src, dst); }

// ---- the way of control -----------------------------------------------------------------------------------
/** FF /4 JMP r/m64 */
export function jmpRm(target: Rm): void { emit(0xff, 4, target); }
/** FF /2 CALL r/m64 */
export function callRm(target: Rm): void { emit(0xff, 2, target); }
/** C3 RET */
export function ret(): void { emitBare(0xc3); }
/** 0F 0B UD2 */
export function ud2(): void { emitBare(0x0b | Form.MAP_0F); }
/** EB cb JMP rel8, or E9 cd JMP rel32 where that does not reach. */
export function jmp(label: i32): void { emitBare(0xe9); referShort(label, 5); }
/** 70+cc cb Jcc rel8, or 0F 80+cc cd Jcc rel32 where that does not reach. */
export function jcc(cc: Condition, label: i32): void { emitBare((0x80 + cc) | Form.MAP_0F); referShort(label, 6); }
/** E8 cd CALL rel32. */
export function call(label: i32): void { emitBare(0xe8); referLong(label, 5); }
/** REX.W + 8D /r LEA r64, m of a label, relative to RIP. */
export function leaLabel(dst: Reg, label: i32): void { emitRipRelative(0x8d | Form.W, dst); referLong(label, 7); }
/** `bytes` bytes of NOP, in as few instructions as the manual recommends: 90 NOP, 66 90, 0F 1F /0 NOP r/m32 up to nine. */
export function nop(bytes: i32): void {
  for (; bytes > 9; bytes -= 9) emitNop(9);
  if (bytes > 0) emitNop(bytes);
}
