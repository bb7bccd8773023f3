// What conditional jumps say about scalars: whether a jump is decided already, and what either way of one that
// is not teaches about both operands. Follows is_scalar_branch_taken and regs_refine_cond_op
// (kernel/bpf/verifier.c, Linux 6.18). Comparisons of pointers are elsewhere.

import { Scalar } from "./scalar.ts";
import { Bounds } from "./scalar-bounds.ts";
import {
  differenceHigh,
  isBelow,
  isLess,
  lower32,
  S32_MAX,
  S32_MIN,
  sumHigh,
  upper32,
} from "./scalar-words.ts";
import { Tnum } from "./tnum.ts";

export type JumpOp = "eq" | "ne" | "gt" | "ge" | "lt" | "le" | "sgt" | "sge" | "slt" | "sle" | "set";

/** The conditions that hold on either way of a jump: those of jumps, and the opposite of `set`. */
type Condition = JumpOp | "clear";

/** Whether `a op b` jumps, for every pair of values of the two or for none; undefined where both happen. */
export function branchTaken(op: JumpOp, a: Scalar, b: Scalar, is32: boolean): boolean | undefined {
  switch (op) {
    case "eq":
      return areEqual(a, b, is32);
    case "ne":
      return not(areEqual(a, b, is32));
    case "set":
      return haveCommonBit(a, b, is32);
    case "lt":
      return isSurelyBelow(a, b, is32);
    case "ge":
      return not(isSurelyBelow(a, b, is32));
    case "gt":
      return isSurelyBelow(b, a, is32);
    case "le":
      return not(isSurelyBelow(b, a, is32));
    case "slt":
      return isSurelyLess(a, b, is32);
    case "sge":
      return not(isSurelyLess(a, b, is32));
    case "sgt":
      return isSurelyLess(b, a, is32);
    case "sle":
      return not(isSurelyLess(b, a, is32));
  }
}

function not(decided: boolean | undefined): boolean | undefined {
  return decided === undefined ? undefined : !decided;
}

function areEqual(a: Scalar, b: Scalar, is32: boolean): boolean | undefined {
  if (is32) {
    if (a.isConstant32 && b.isConstant32) {
      return a.tnum.valueLow === b.tnum.valueLow;
    }
    return overlap32(a, b) && a.tnum.subreg().overlaps(b.tnum.subreg()) ? undefined : false;
  }
  if (a.isConstant && b.isConstant) {
    return a.tnum.equals(b.tnum);
  }
  return overlap64(a, b) && overlap32(a, b) && a.tnum.overlaps(b.tnum) ? undefined : false;
}

function overlap64(a: Scalar, b: Scalar): boolean {
  return (
    !isBelow(b.umaxHigh, b.umaxLow, a.uminHigh, a.uminLow) &&
    !isBelow(a.umaxHigh, a.umaxLow, b.uminHigh, b.uminLow) &&
    !isLess(b.smaxHigh, b.smaxLow, a.sminHigh, a.sminLow) &&
    !isLess(a.smaxHigh, a.smaxLow, b.sminHigh, b.sminLow)
  );
}

function overlap32(a: Scalar, b: Scalar): boolean {
  return a.u32min <= b.u32max && a.u32max >= b.u32min && a.s32min <= b.s32max && a.s32max >= b.s32min;
}

function haveCommonBit(a: Scalar, b: Scalar, is32: boolean): boolean | undefined {
  const isConstant = is32 ? b.isConstant32 : b.isConstant;
  const [other, bits] = isConstant ? [a.tnum, b.tnum] : [b.tnum, a.tnum];
  if (!(is32 ? bits.isConstant32 : bits.isConstant)) {
    return undefined;
  }
  const high = is32 ? 0 : bits.valueHigh;
  const low = bits.valueLow;
  if (((other.valueHigh & high) | (other.valueLow & low)) !== 0) {
    return true;
  }
  return ((other.maskHigh & high) | (other.maskLow & low)) === 0 ? false : undefined;
}

function isSurelyBelow(a: Scalar, b: Scalar, is32: boolean): boolean | undefined {
  if (is32) {
    return a.u32max < b.u32min ? true : a.u32min >= b.u32max ? false : undefined;
  }
  if (isBelow(a.umaxHigh, a.umaxLow, b.uminHigh, b.uminLow)) {
    return true;
  }
  return isBelow(a.uminHigh, a.uminLow, b.umaxHigh, b.umaxLow) ? undefined : false;
}

function isSurelyLess(a: Scalar, b: Scalar, is32: boolean): boolean | undefined {
  if (is32) {
    return a.s32max < b.s32min ? true : a.s32min >= b.s32max ? false : undefined;
  }
  if (isLess(a.smaxHigh, a.smaxLow, b.sminHigh, b.sminLow)) {
    return true;
  }
  return isLess(a.sminHigh, a.sminLow, b.smaxHigh, b.smaxLow) ? undefined : false;
}

const OPPOSITE: Readonly<Record<JumpOp, Condition>> = {
  eq: "ne",
  ne: "eq",
  gt: "le",
  ge: "lt",
  lt: "ge",
  le: "gt",
  sgt: "sle",
  sge: "slt",
  slt: "sge",
  sle: "sgt",
  set: "clear",
};

/** Both operands under construction. */
const first = new Bounds();
const second = new Bounds();

/**
 * Both operands of `a op b` where the jump was taken, or where it was not. The results may be broken (no pair
 * of values goes that way, which the bounds had not shown before): `Scalar.violation` tells.
 */
export function refineBranch(
  op: JumpOp,
  a: Scalar,
  b: Scalar,
  is32: boolean,
  taken: boolean,
): { a: Scalar; b: Scalar } {
  first.load(a);
  second.load(b);
  refine(taken ? op : OPPOSITE[op], first, second, is32);
  return { a: Scalar.from(first.sync(), a), b: Scalar.from(second.sync(), b) };
}

/** The operand of a jump that compares a register with itself, which the kernel refines like any other two. */
export function refineSelf(op: JumpOp, a: Scalar, is32: boolean, taken: boolean): Scalar {
  first.load(a);
  refine(taken ? op : OPPOSITE[op], first, first, is32);
  return Scalar.from(first.sync().sync(), a);
}

function refine(condition: Condition, first: Bounds, second: Bounds, is32: boolean): void {
  switch (condition) {
    case "eq":
      refineEqual(first, second, is32);
      break;
    case "ne":
    case "set":
    case "clear":
      if (is32 ? second.tnum.isConstant32 : second.tnum.isConstant) {
        refineByConstant(condition, first, second.tnum, is32);
      } else if (is32 ? first.tnum.isConstant32 : first.tnum.isConstant) {
        refineByConstant(condition, second, first.tnum, is32);
      }
      break;
    case "lt":
      refineBelow(first, second, 1, is32);
      break;
    case "le":
      refineBelow(first, second, 0, is32);
      break;
    case "gt":
      refineBelow(second, first, 1, is32);
      break;
    case "ge":
      refineBelow(second, first, 0, is32);
      break;
    case "slt":
      refineLess(first, second, 1, is32);
      break;
    case "sle":
      refineLess(first, second, 0, is32);
      break;
    case "sgt":
      refineLess(second, first, 1, is32);
      break;
    case "sge":
      refineLess(second, first, 0, is32);
      break;
  }
}

function refineEqual(first: Bounds, second: Bounds, is32: boolean): void {
  if (is32) {
    refineEqual32(first, second);
  } else {
    refineEqual64(first, second);
  }
}

function refineEqual32(first: Bounds, second: Bounds): void {
  first.narrowU32(second.u32minBits, second.u32maxBits);
  first.narrowS32(second.s32min, second.s32max);
  second.narrowU32(first.u32minBits, first.u32maxBits);
  second.narrowS32(first.s32min, first.s32max);
  const low = first.tnum.subreg().intersect(second.tnum.subreg());
  first.tnum = first.tnum.withSubreg(low);
  second.tnum = second.tnum.withSubreg(low);
}

function refineEqual64(first: Bounds, second: Bounds): void {
  first.raiseUmin(second.uminHigh, second.uminLow);
  first.lowerUmax(second.umaxHigh, second.umaxLow);
  first.raiseSmin(second.sminHigh, second.sminLow);
  first.lowerSmax(second.smaxHigh, second.smaxLow);
  second.setUnsigned(first.uminHigh, first.uminLow, first.umaxHigh, first.umaxLow);
  second.setSigned(first.sminHigh, first.sminLow, first.smaxHigh, first.smaxLow);
  first.tnum = first.tnum.intersect(second.tnum);
  second.tnum = first.tnum;
}

function refineByConstant(
  condition: "ne" | "set" | "clear",
  bounds: Bounds,
  bits: Tnum,
  is32: boolean,
): void {
  const high = is32 ? 0 : bits.valueHigh;
  const low = bits.valueLow;
  if (condition === "ne") {
    if (is32) {
      excludeEdge32(bounds, low);
    } else {
      excludeEdge64(bounds, high, low);
    }
    return;
  }
  if (condition === "set") {
    // One bit of several may be set: that teaches nothing.
    if (isSingleBit(high, low)) {
      bounds.tnum = bounds.tnum.or(new Tnum(high, low, 0, 0));
    }
    return;
  }
  // All these bits are clear. The ranges are found anew from the bits, so that a dead branch whose bits say
  // otherwise shows no contradiction.
  bounds.forgetRanges();
  bounds.tnum = bounds.tnum.and(new Tnum(~high, ~low, 0, 0));
}

function isSingleBit(high: number, low: number): boolean {
  return high === 0 ? low !== 0 && (low & (low - 1)) === 0 : low === 0 && (high & (high - 1)) === 0;
}

/** A value that is not the bound at an end of a range moves that end by one. */
function excludeEdge32(bounds: Bounds, low: number): void {
  if (bounds.u32minBits === low) {
    bounds.u32minBits = (low + 1) | 0;
  }
  if (bounds.u32maxBits === low) {
    bounds.u32maxBits = (low - 1) | 0;
  }
  if (bounds.s32min === low) {
    bounds.s32min = (low + 1) | 0;
  }
  if (bounds.s32max === low) {
    bounds.s32max = (low - 1) | 0;
  }
}

function excludeEdge64(bounds: Bounds, high: number, low: number): void {
  const nextLow = (low + 1) | 0;
  const nextHigh = sumHigh(high, low, 0, 1);
  const previousLow = (low - 1) | 0;
  const previousHigh = differenceHigh(high, low, 0, 1);
  if (bounds.uminHigh === high && bounds.uminLow === low) {
    bounds.uminHigh = nextHigh;
    bounds.uminLow = nextLow;
  }
  if (bounds.umaxHigh === high && bounds.umaxLow === low) {
    bounds.umaxHigh = previousHigh;
    bounds.umaxLow = previousLow;
  }
  if (bounds.sminHigh === high && bounds.sminLow === low) {
    bounds.sminHigh = nextHigh;
    bounds.sminLow = nextLow;
  }
  if (bounds.smaxHigh === high && bounds.smaxLow === low) {
    bounds.smaxHigh = previousHigh;
    bounds.smaxLow = previousLow;
  }
}

/** lesser + gap <= greater of unsigned values; the gap is 0 or 1. */
function refineBelow(lesser: Bounds, greater: Bounds, gap: number, is32: boolean): void {
  if (is32) {
    lesser.u32maxBits = lower32(lesser.u32maxBits, (greater.u32maxBits - gap) | 0);
    greater.u32minBits = upper32((lesser.u32minBits + gap) | 0, greater.u32minBits);
    return;
  }
  lesser.lowerUmax(differenceHigh(greater.umaxHigh, greater.umaxLow, 0, gap), (greater.umaxLow - gap) | 0);
  greater.raiseUmin(sumHigh(lesser.uminHigh, lesser.uminLow, 0, gap), (lesser.uminLow + gap) | 0);
}

/** lesser + gap <= greater of signed values; the gap is 0 or 1. */
function refineLess(lesser: Bounds, greater: Bounds, gap: number, is32: boolean): void {
  if (is32) {
    lesser.narrowS32(S32_MIN, (greater.s32max - gap) | 0);
    greater.narrowS32((lesser.s32min + gap) | 0, S32_MAX);
    return;
  }
  lesser.lowerSmax(differenceHigh(greater.smaxHigh, greater.smaxLow, 0, gap), (greater.smaxLow - gap) | 0);
  greater.raiseSmin(sumHigh(lesser.sminHigh, lesser.sminLow, 0, gap), (lesser.sminLow + gap) | 0);
}
