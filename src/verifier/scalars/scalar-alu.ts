// What arithmetic makes of scalars: the bounds of a result from those of the operands. Follows
// adjust_scalar_min_max_vals and its parts (kernel/bpf/verifier.c, Linux 6.18): each view has its own rule,
// then all of them are brought in line. Pointer arithmetic is elsewhere.

import { Scalar } from "./scalar.ts";
import { Bounds } from "./scalar-bounds.ts";
import { mulRanges } from "./scalar-product.ts";
import {
  differenceHigh,
  isBelow,
  isLess,
  leftHigh,
  leftLow,
  lower32,
  rightHigh,
  rightLow,
  S32_MAX,
  S32_MIN,
  signedRightHigh,
  signedRightLow,
  sumHigh,
  TWO32,
  upper32,
} from "./scalar-words.ts";
import type { Tnum } from "./tnum.ts";

export type AluOp =
  | "add"
  | "sub"
  | "mul"
  | "div"
  | "mod"
  | "sdiv"
  | "smod"
  | "or"
  | "and"
  | "xor"
  | "lsh"
  | "rsh"
  | "arsh"
  | "neg";

/** The result under construction. */
const result = new Bounds();

/**
 * The scalar that `dst op= src` leaves in dst; `neg` takes no notice of src. 32-bit operations clear the upper
 * half. Unknown for division and for shifts by an amount that is not a constant below the width.
 */
export function applyAlu(op: AluOp, dst: Scalar, src: Scalar, is64: boolean): Scalar {
  const bits = resultBits(op, dst, src, is64);
  if (bits === undefined) {
    return Scalar.UNKNOWN;
  }
  if (bits.isConstant && hasExactRange(dst) && (op === "neg" || hasExactRange(src))) {
    return Scalar.ofHalves(is64 ? bits.valueHigh : 0, bits.valueLow);
  }
  if (op === "neg") {
    result.setConstant(0, 0);
    result.tnum = bits;
    sub(result, dst);
  } else {
    result.load(dst);
    result.tnum = bits;
    setRanges(op, result, src, is64);
  }
  if (!is64) {
    result.zeroExtend();
  }
  return Scalar.from(result.sync(), dst);
}

/** Whether the value is a constant whose ranges follow its bits. */
function hasExactRange(value: Scalar): boolean {
  return value.uminLow === value.umaxLow && value.uminHigh === value.umaxHigh;
}

/** The bits of a result, found apart from its ranges; undefined where nothing can be said of either. */
function resultBits(op: AluOp, dst: Scalar, src: Scalar, is64: boolean): Tnum | undefined {
  switch (op) {
    case "add":
      return dst.tnum.add(src.tnum);
    case "sub":
      return dst.tnum.sub(src.tnum);
    case "neg":
      return dst.tnum.neg();
    case "mul":
      return dst.tnum.mul(src.tnum);
    case "and":
      return dst.tnum.and(src.tnum);
    case "or":
      return dst.tnum.or(src.tnum);
    case "xor":
      return dst.tnum.xor(src.tnum);
    case "lsh":
    case "rsh":
    case "arsh":
      return isShiftKnown(src, is64) ? shiftBits(op, dst.tnum, src.tnum.valueLow, is64) : undefined;
    default:
      return undefined;
  }
}

/** Whether the amount of a shift is a constant below the width. */
function isShiftKnown(src: Scalar, is64: boolean): boolean {
  // A 32-bit shift too asks for the whole register to be below the width.
  const isKnown = is64 ? src.isConstant : src.isConstant32;
  return isKnown && src.umaxHigh === 0 && src.umaxLow >>> 0 < (is64 ? 64 : 32);
}

function shiftBits(op: "lsh" | "rsh" | "arsh", dst: Tnum, bits: number, is64: boolean): Tnum {
  switch (op) {
    case "lsh":
      return is64 ? dst.lshift(bits) : dst.subreg().lshift(bits).subreg();
    case "rsh":
      return is64 ? dst.rshift(bits) : dst.subreg().rshift(bits);
    case "arsh":
      return dst.arshift(bits, is64 ? 64 : 32);
  }
}

/** The ranges of a result, from those of dst before and of src; the bits are those of the result already. */
function setRanges(op: AluOp, dst: Bounds, src: Scalar, is64: boolean): void {
  switch (op) {
    case "add":
      add(dst, src);
      break;
    case "sub":
      sub(dst, src);
      break;
    case "mul":
      mulRanges(dst, src);
      break;
    case "and":
      and(dst, src);
      break;
    case "or":
      or(dst, src);
      break;
    case "xor":
      xor(dst);
      break;
    case "lsh":
    case "rsh":
    case "arsh":
      shift(op, dst, src.tnum.valueLow, is64);
      break;
  }
}

/** The two values of a scalar that is 0 or -1, each explored on its own. */
interface SignFork {
  /** Goes on with the instruction. */
  readonly ones: Scalar;
  /** Comes back to the instruction later. */
  readonly zero: Scalar;
}

/**
 * How the destination of `&=` or `|=` with a constant forks, when it is 0 or -1 in all 64 bits or else in the low
 * 32, as compilers make of a sign (`s>>= 63`) to select one of two values. Undefined for all others.
 */
export function forkSign(dst: Scalar): SignFork | undefined {
  const { sminHigh, sminLow, smaxHigh, smaxLow } = dst;
  if (sminHigh === -1 && sminLow === -1 && smaxHigh === 0 && smaxLow === 0) {
    return { ones: Scalar.ofHalves(-1, -1), zero: Scalar.ofHalves(0, 0) };
  }
  if (dst.s32min === -1 && dst.s32max === 0) {
    return { ones: withLowHalf(dst, -1), zero: withLowHalf(dst, 0) };
  }
  return undefined;
}

/** Only the 32-bit views change; the others follow with the next operation. */
function withLowHalf(value: Scalar, low: number): Scalar {
  result.load(value);
  result.setConstant32(low);
  return Scalar.from(result, value);
}

/**
 * The scalar that a byte order instruction leaves: the low `bits` bits with their bytes reversed, or as they
 * are (a conversion to the byte order of the machine), the bits above them cleared.
 */
export function changeByteOrder(value: Scalar, bits: 16 | 32 | 64, isReversed: boolean): Scalar {
  result.load(value);
  if (isReversed) {
    // Reversal scatters a range: all that remains is what the bits say.
    result.forgetRanges();
    result.tnum = value.tnum.swapBytes(bits);
  }
  if (bits < 64) {
    result.truncate(bits === 16 ? 2 : 4);
  }
  return Scalar.from(result.sync(), value);
}

function add(dst: Bounds, src: Scalar): void {
  addSigned(dst, src);
  addUnsigned(dst, src);
  const s32min = dst.s32min + src.s32min;
  const s32max = dst.s32max + src.s32max;
  if (s32min < S32_MIN || s32min > S32_MAX || s32max < S32_MIN || s32max > S32_MAX) {
    dst.forgetSigned32();
  } else {
    dst.s32min = s32min;
    dst.s32max = s32max;
  }
  const u32min = (dst.u32minBits >>> 0) + src.u32min;
  const u32max = (dst.u32maxBits >>> 0) + src.u32max;
  if (u32min < TWO32 && u32max >= TWO32) {
    dst.forgetUnsigned32();
  } else {
    dst.u32minBits = u32min | 0;
    dst.u32maxBits = u32max | 0;
  }
}

function addSigned(dst: Bounds, src: Scalar): void {
  const minHigh = sumHigh(dst.sminHigh, dst.sminLow, src.sminHigh, src.sminLow);
  const maxHigh = sumHigh(dst.smaxHigh, dst.smaxLow, src.smaxHigh, src.smaxLow);
  // A sum overflows when its sign is that of neither operand.
  const minOverflows = (dst.sminHigh ^ minHigh) & (src.sminHigh ^ minHigh);
  const maxOverflows = (dst.smaxHigh ^ maxHigh) & (src.smaxHigh ^ maxHigh);
  if ((minOverflows | maxOverflows) < 0) {
    dst.forgetSigned64();
  } else {
    dst.setSigned(minHigh, (dst.sminLow + src.sminLow) | 0, maxHigh, (dst.smaxLow + src.smaxLow) | 0);
  }
}

function addUnsigned(dst: Bounds, src: Scalar): void {
  const minHigh = sumHigh(dst.uminHigh, dst.uminLow, src.uminHigh, src.uminLow);
  const minLow = (dst.uminLow + src.uminLow) | 0;
  const maxHigh = sumHigh(dst.umaxHigh, dst.umaxLow, src.umaxHigh, src.umaxLow);
  const maxLow = (dst.umaxLow + src.umaxLow) | 0;
  const minOverflows = isBelow(minHigh, minLow, dst.uminHigh, dst.uminLow);
  const maxOverflows = isBelow(maxHigh, maxLow, dst.umaxHigh, dst.umaxLow);
  // When both ends wrap around, so does everything between them, and the range stands.
  if (!minOverflows && maxOverflows) {
    dst.forgetUnsigned64();
  } else {
    dst.setUnsigned(minHigh, minLow, maxHigh, maxLow);
  }
}

function sub(dst: Bounds, src: Scalar): void {
  subSigned(dst, src);
  subUnsigned(dst, src);
  const s32min = dst.s32min - src.s32max;
  const s32max = dst.s32max - src.s32min;
  if (s32min < S32_MIN || s32min > S32_MAX || s32max < S32_MIN || s32max > S32_MAX) {
    dst.forgetSigned32();
  } else {
    dst.s32min = s32min;
    dst.s32max = s32max;
  }
  const u32min = (dst.u32minBits >>> 0) - src.u32max;
  const u32max = (dst.u32maxBits >>> 0) - src.u32min;
  if (u32min < 0 && u32max >= 0) {
    dst.forgetUnsigned32();
  } else {
    dst.u32minBits = u32min | 0;
    dst.u32maxBits = u32max | 0;
  }
}

function subSigned(dst: Bounds, src: Scalar): void {
  const minHigh = differenceHigh(dst.sminHigh, dst.sminLow, src.smaxHigh, src.smaxLow);
  const maxHigh = differenceHigh(dst.smaxHigh, dst.smaxLow, src.sminHigh, src.sminLow);
  // A difference overflows when the operands' signs differ and its own is not that of the first.
  const minOverflows = (dst.sminHigh ^ src.smaxHigh) & (dst.sminHigh ^ minHigh);
  const maxOverflows = (dst.smaxHigh ^ src.sminHigh) & (dst.smaxHigh ^ maxHigh);
  if ((minOverflows | maxOverflows) < 0) {
    dst.forgetSigned64();
  } else {
    dst.setSigned(minHigh, (dst.sminLow - src.smaxLow) | 0, maxHigh, (dst.smaxLow - src.sminLow) | 0);
  }
}

function subUnsigned(dst: Bounds, src: Scalar): void {
  const minHigh = differenceHigh(dst.uminHigh, dst.uminLow, src.umaxHigh, src.umaxLow);
  const minLow = (dst.uminLow - src.umaxLow) | 0;
  const maxHigh = differenceHigh(dst.umaxHigh, dst.umaxLow, src.uminHigh, src.uminLow);
  const maxLow = (dst.umaxLow - src.uminLow) | 0;
  const minUnderflows = isBelow(dst.uminHigh, dst.uminLow, src.umaxHigh, src.umaxLow);
  const maxUnderflows = isBelow(dst.umaxHigh, dst.umaxLow, src.uminHigh, src.uminLow);
  if (minUnderflows && !maxUnderflows) {
    dst.forgetUnsigned64();
  } else {
    dst.setUnsigned(minHigh, minLow, maxHigh, maxLow);
  }
}

function and(dst: Bounds, src: Scalar): void {
  // Never below the bits known to be set, never above the smaller operand.
  const { valueHigh, valueLow } = dst.tnum;
  dst.u32minBits = valueLow;
  dst.u32maxBits = lower32(dst.u32maxBits, src.u32maxBits);
  dst.uminHigh = valueHigh;
  dst.uminLow = valueLow;
  dst.lowerUmax(src.umaxHigh, src.umaxLow);
  copySigned(dst);
}

function or(dst: Bounds, src: Scalar): void {
  // Never below the greater operand, never above all bits that may be set.
  const { valueHigh, valueLow, maskHigh, maskLow } = dst.tnum;
  dst.u32minBits = upper32(dst.u32minBits, src.u32minBits);
  dst.u32maxBits = valueLow | maskLow;
  dst.raiseUmin(src.uminHigh, src.uminLow);
  dst.umaxHigh = valueHigh | maskHigh;
  dst.umaxLow = valueLow | maskLow;
  copySigned(dst);
}

function xor(dst: Bounds): void {
  const { valueHigh, valueLow, maskHigh, maskLow } = dst.tnum;
  dst.u32minBits = valueLow;
  dst.u32maxBits = valueLow | maskLow;
  dst.setUnsigned(valueHigh, valueLow, valueHigh | maskHigh, valueLow | maskLow);
  copySigned(dst);
}

/** Signed ranges from unsigned ones that do not cross the sign boundary; any value from others. */
function copySigned(dst: Bounds): void {
  const { uminHigh, uminLow, umaxHigh, umaxLow } = dst;
  if (dst.u32minBits <= dst.u32maxBits) {
    dst.s32min = dst.u32minBits;
    dst.s32max = dst.u32maxBits;
  } else {
    dst.forgetSigned32();
  }
  if (isLess(umaxHigh, umaxLow, uminHigh, uminLow)) {
    dst.forgetSigned64();
  } else {
    dst.setSigned(uminHigh, uminLow, umaxHigh, umaxLow);
  }
  dst.learnFromBits();
}

function shift(op: "lsh" | "rsh" | "arsh", dst: Bounds, bits: number, is64: boolean): void {
  if (is64) {
    if (op === "lsh") {
      lsh64(dst, bits);
    } else if (op === "rsh") {
      rsh64(dst, bits);
    } else {
      arsh64(dst, bits);
    }
    dst.learnFromBits();
    return;
  }
  if (op === "lsh") {
    lsh32(dst, bits);
  } else if (op === "rsh") {
    rsh32(dst, bits);
  } else {
    arsh32(dst, bits);
  }
  dst.forget64();
  dst.learn32FromBits();
}

function lsh64(dst: Bounds, bits: number): void {
  // `<<= 32` is the first half of a sign extension of the low half: its signed range moves up unchanged.
  if (bits === 32) {
    dst.setSigned(dst.s32min, 0, dst.s32max, 0);
  } else {
    dst.forgetSigned64();
  }
  if (isBelow(leftHigh(0, 1, 63 - bits), leftLow(1, 63 - bits), dst.umaxHigh, dst.umaxLow)) {
    dst.forgetUnsigned64();
  } else {
    dst.setUnsigned(
      leftHigh(dst.uminHigh, dst.uminLow, bits),
      leftLow(dst.uminLow, bits),
      leftHigh(dst.umaxHigh, dst.umaxLow, bits),
      leftLow(dst.umaxLow, bits),
    );
  }
  lsh32(dst, bits);
}

function lsh32(dst: Bounds, bits: number): void {
  dst.forgetSigned32();
  if (bits > 31 || dst.u32maxBits >>> 0 > (1 << (31 - bits)) >>> 0) {
    dst.forgetUnsigned32();
  } else {
    dst.u32minBits <<= bits;
    dst.u32maxBits <<= bits;
  }
}

function rsh64(dst: Bounds, bits: number): void {
  dst.forgetSigned64();
  dst.setUnsigned(
    rightHigh(dst.uminHigh, bits),
    rightLow(dst.uminHigh, dst.uminLow, bits),
    rightHigh(dst.umaxHigh, bits),
    rightLow(dst.umaxHigh, dst.umaxLow, bits),
  );
  dst.forget32();
}

function rsh32(dst: Bounds, bits: number): void {
  dst.forgetSigned32();
  dst.u32minBits = (dst.u32minBits >>> bits) | 0;
  dst.u32maxBits = (dst.u32maxBits >>> bits) | 0;
}

function arsh64(dst: Bounds, bits: number): void {
  dst.setSigned(
    signedRightHigh(dst.sminHigh, bits),
    signedRightLow(dst.sminHigh, dst.sminLow, bits),
    signedRightHigh(dst.smaxHigh, bits),
    signedRightLow(dst.smaxHigh, dst.smaxLow, bits),
  );
  dst.forgetUnsigned64();
  dst.forget32();
}

function arsh32(dst: Bounds, bits: number): void {
  dst.s32min >>= bits;
  dst.s32max >>= bits;
  dst.forgetUnsigned32();
}
