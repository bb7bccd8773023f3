// One instruction's bytes: a form and its operands in, prefixes, opcode, ModRM, SIB, displacement and immediate out,
// into a buffer that begin() names. Knows no mnemonic: the named forms are in encoder.ts. Follows the Intel SDM,
// volume 2, chapter 2.
//
// Every instruction makes sure of its room first. When there is none, the rest is written over the buffer's last
// bytes and isFull() says so: no form has to look.

import { Reg, Width } from "../shared/native";

/**
 * What is fixed in an instruction: its opcode byte, and these bits around it. Map and prefix have the numbers that VEX
 * gives them.
 *
 *     15       14        13    12   11..10        9..8           7..0
 *     BYTE_RM  BYTE_REG  LOCK  W    66, F3 or F2  0F, 0F38, 0F3A opcode
 */
export const enum Form {
  MAP_0F = 0x100,
  MAP_0F38 = 0x200,
  MAP_0F3A = 0x300,
  P66 = 0x400,
  PF3 = 0x800,
  PF2 = 0xc00,
  W = Width.BITS64,
  LOCK = 0x2000,
  /** The register, or the register in r/m, is a byte: SPL, BPL, SIL and DIL need a REX. */
  BYTE_REG = 0x4000,
  BYTE_RM = 0x8000,
}

/**
 * An r/m operand: a register, or `[base + index << scale + disp]`.
 *
 *     43      42         41..40  39..36  35..32         31..0
 *     DIRECT  HAS_INDEX  scale   index   base/register  disp
 */
export type Rm = u64;

const enum RmBit { BASE = 32, INDEX = 36, SCALE = 40, HAS_INDEX = 42, DIRECT = 43 }

/** The register itself. */
export function reg(register: i32): Rm { return (<u64>1 << RmBit.DIRECT) | (<u64>register << RmBit.BASE); }
/** Memory at `[base + disp]`. */
export function at(base: i32, disp: i32): Rm { return (<u64>base << RmBit.BASE) | <u64><u32>disp; }
/** Memory at `[base + (index << scale) + disp]`; every register but RSP can be the index. */
export function atIndex(base: i32, index: i32, scale: i32, disp: i32): Rm {
  return at(base, disp) | (<u64>1 << RmBit.HAS_INDEX) | (<u64>index << RmBit.INDEX) | (<u64>scale << RmBit.SCALE);
}

@inline function isDirect(rm: Rm): bool { return (rm >> RmBit.DIRECT & 1) != 0; }
@inline function hasIndex(rm: Rm): bool { return (rm >> RmBit.HAS_INDEX & 1) != 0; }
@inline function baseOf(rm: Rm): i32 { return <i32>(rm >> RmBit.BASE) & 15; }
@inline function indexOf(rm: Rm): i32 { return <i32>(rm >> RmBit.INDEX) & 15; }
@inline function scaleOf(rm: Rm): i32 { return <i32>(rm >> RmBit.SCALE) & 3; }

// ---- the buffer --------------------------------------------------------------------------------------

/** Bytes of the longest instruction, rounded up: what each makes sure of. */
const ROOM: usize = 16;

let start: usize = 0;
let last: usize = 0;
let here: usize = 0;
let full: bool = false;

/** Code goes from `from` to `to`, which are ROOM bytes apart at least. */
export function beginCode(from: usize, to: usize): void {
  start = from;
  here = from;
  last = to - ROOM;
  full = false;
}

/** True when the buffer was too small: its content is worth nothing. */
export function isFull(): bool { return full; }
/** Bytes emitted so far. */
export function position(): i32 { return <i32>(here - start); }
/** Where in memory byte `offset` of the code is. */
export function addressOf(offset: i32): usize { return start + offset; }
/** Drops what lies behind `offset`. */
export function truncate(offset: i32): void { here = start + offset; }

function makeRoom(): void {
  if (here <= last) return;
  full = true;
  here = last;
}

// Immediates follow what emit() wrote, in the room that it made.
export function byte(value: i32): void { store<u8>(here++, <u8>value); }
export function half(value: i32): void { store<u16>(here, <u16>value); here += 2; }
export function word(value: i32): void { store<u32>(here, value); here += 4; }
export function quad(value: i64): void { store<u64>(here, value); here += 8; }

// ---- instructions --------------------------------------------------------------------------------------

/** LOCK, the mandatory prefix, REX and the bytes of the opcode map; `bits` are R, X and B of REX. */
function prefixes(form: i32, bits: i32, needsRex: bool): void {
  if (form & Form.LOCK) byte(0xf0);
  const mandatory = form & Form.PF2;
  if (mandatory != 0) byte(mandatory == Form.P66 ? 0x66 : mandatory == Form.PF3 ? 0xf3 : 0xf2);
  if (form & Form.W) bits |= 8;
  if (bits != 0 || needsRex) byte(0x40 | bits);
  const map = form & Form.MAP_0F3A;
  if (map != 0) byte(0x0f);
  if (map > Form.MAP_0F) byte(map == Form.MAP_0F38 ? 0x38 : 0x3a);
}

/** ModRM, SIB and displacement. */
function operands(register: i32, rm: Rm): void {
  const field = (register & 7) << 3;
  const base = baseOf(rm);
  if (isDirect(rm)) {
    byte(0xc0 | field | (base & 7));
    return;
  }
  const disp = <i32>rm;
  // RBP and R13 without displacement would mean something else, RSP and R12 stand for a SIB.
  const mod = disp == 0 && (base & 7) != Reg.RBP ? 0 : disp == <i32><i8>disp ? 0x40 : 0x80;
  if (hasIndex(rm)) {
    byte(mod | field | 4);
    byte((scaleOf(rm) << 6) | ((indexOf(rm) & 7) << 3) | (base & 7));
  } else {
    byte(mod | field | (base & 7));
    if ((base & 7) == Reg.RSP) byte(0x24);
  }
  if (mod == 0x40) byte(disp);
  else if (mod == 0x80) word(disp);
}

/** R, X and B of an instruction with ModRM. */
@inline function extensions(register: i32, rm: Rm): i32 {
  return ((register >> 3) << 2) | (hasIndex(rm) ? (indexOf(rm) >> 3) << 1 : 0) | (baseOf(rm) >> 3);
}

/** An instruction with ModRM; `register` is its register operand, or the digit that belongs to its opcode. */
export function emit(form: i32, register: i32, rm: Rm): void {
  makeRoom();
  const isLowByte = (form & Form.BYTE_REG) != 0 && register >= Reg.RSP;
  const isLowByteRm = (form & Form.BYTE_RM) != 0 && isDirect(rm) && baseOf(rm) >= Reg.RSP;
  prefixes(form, extensions(register, rm), isLowByte || isLowByteRm);
  byte(form);
  operands(register, rm);
}

/** An instruction whose opcode holds its register. */
export function emitPlus(form: i32, register: i32): void {
  makeRoom();
  prefixes(form, register >> 3, false);
  byte(form + (register & 7));
}

/** An instruction without operands, or with none but immediates. */
export function emitBare(form: i32): void {
  makeRoom();
  prefixes(form, 0, false);
  byte(form);
}

/** A VEX instruction; `second` is the register operand that ModRM has no place for, 0 when there is none. */
export function emitVex(form: i32, register: i32, rm: Rm, second: i32): void {
  makeRoom();
  const inverted = ~extensions(register, rm) & 7;
  byte(0xc4);
  byte((inverted << 5) | (form >> 8 & 3));
  byte((form & Form.W ? 0x80 : 0) | ((~second & 15) << 3) | (form >> 10 & 3));
  byte(form);
  operands(register, rm);
}

/** An instruction on memory at a displacement from its own end, which is to follow as a word. */
export function emitRipRelative(form: i32, register: i32): void {
  makeRoom();
  prefixes(form, (register >> 3) << 2, false);
  byte(form);
  byte(((register & 7) << 3) | Reg.RBP);
}

/** One NOP of 1 to 9 bytes, made longer by a prefix and a displacement as the manual's table of them has it. */
export function emitNop(size: i32): void {
  makeRoom();
  const isPrefixed = size == 2 || size == 6 || size == 9;
  if (isPrefixed) byte(0x66);
  const rest = isPrefixed ? size - 1 : size;
  if (rest == 1) {
    byte(0x90);
    return;
  }
  half(0x1f0f);
  const mod = rest == 3 ? 0 : rest < 7 ? 0x40 : 0x80;
  const hasSib = rest == 5 || rest == 8;
  byte(mod | (hasSib ? Reg.RSP : Reg.RAX));
  if (hasSib) byte(0);
  if (mod == 0x40) byte(0);
  else if (mod == 0x80) word(0);
}
