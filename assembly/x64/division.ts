// Division: the machine divides RDX:RAX only, and traps where RFC 9669 §4.1 has results: a divisor of 0 gives 0 (a
// remainder: the dividend), and the smallest number divided by -1 is itself (a remainder: 0).

import { Condition, Reg, Width } from "../shared/native";
import {
  bind, cdq, cmpRmImm8, cqo, divRm, idivRm, jcc, jmp, movRegRm, negRm, reg, testRmReg, xorRmReg,
} from "./encoder";
import { SCRATCH, SCRATCH2, SCRATCH3 } from "./registers";

/** What is wanted: the quotient or the remainder, of signed or unsigned numbers. */
export const enum Division { DIV = 0, MOD = 1, SIGNED = 2, SDIV = 2, SMOD = 3 }

/** Labels that a division uses, from the one it is given. */
const enum Way { ZERO = 0, MINUS_ONE = 1, DONE = 2 }

/** `dst` becomes its quotient or remainder by the number in SCRATCH. */
export function divide(kind: Division, w: Width, dst: Reg, label: i32): void {
  const isSigned = (kind & Division.SIGNED) != 0;
  const isRemainder = (kind & Division.MOD) != 0;
  if (dst != Reg.RDX) movRegRm(Width.BITS64, SCRATCH3, reg(Reg.RDX));
  if (dst != Reg.RAX) {
    movRegRm(Width.BITS64, SCRATCH2, reg(Reg.RAX));
    movRegRm(w, Reg.RAX, reg(dst));
  }
  testRmReg(w, reg(SCRATCH), SCRATCH);
  jcc(Condition.E, label + Way.ZERO);
  if (isSigned) {
    cmpRmImm8(w, reg(SCRATCH), -1);
    jcc(Condition.E, label + Way.MINUS_ONE);
    if (w == Width.BITS64) cqo();
    else cdq();
    idivRm(w, reg(SCRATCH));
  } else {
    xorRmReg(Width.BITS32, reg(Reg.RDX), Reg.RDX);
    divRm(w, reg(SCRATCH));
  }
  jmp(label + Way.DONE);
  bind(label + Way.ZERO);
  if (isRemainder) movRegRm(w, Reg.RDX, reg(Reg.RAX));
  else xorRmReg(Width.BITS32, reg(Reg.RAX), Reg.RAX);
  if (isSigned) {
    jmp(label + Way.DONE);
    bind(label + Way.MINUS_ONE);
    if (isRemainder) xorRmReg(Width.BITS32, reg(Reg.RDX), Reg.RDX);
    else negRm(w, reg(Reg.RAX));
  }
  bind(label + Way.DONE);
  const result: Reg = isRemainder ? Reg.RDX : Reg.RAX;
  if (dst != result) movRegRm(w, dst, reg(result));
  if (dst != Reg.RAX) movRegRm(Width.BITS64, Reg.RAX, reg(SCRATCH2));
  if (dst != Reg.RDX) movRegRm(Width.BITS64, Reg.RDX, reg(SCRATCH3));
}
