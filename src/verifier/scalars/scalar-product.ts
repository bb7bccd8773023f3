// The ranges of a product of scalars (scalar_min_max_mul and its 32-bit twin of kernel/bpf/verifier.c, Linux
// 6.18). Most products are small enough for doubles; the others are computed as bigints.

import type { Scalar } from "./scalar.ts";
import type { Bounds } from "./scalar-bounds.ts";
import {
  highOf,
  lowOf,
  S32_MAX,
  S32_MIN,
  signedBigint,
  signedDouble,
  TWO32,
  unsignedBigint,
  unsignedDouble,
} from "./scalar-words.ts";

/** Up to here products of doubles are exact. */
const EXACT = Number.MAX_SAFE_INTEGER;
/** From here on a rounded product, or a distance of two, is more than 64 bits hold. */
const SURE_OVERFLOW = 2 ** 65;

/** Sets the ranges of `dst` to those of its product with `src`; each is given up where it may overflow. */
export function mulRanges(dst: Bounds, src: Scalar): void {
  mulUnsigned32(dst, src);
  mulSigned32(dst, src);
  mulUnsigned64(dst, src);
  mulSigned64(dst, src);
}

function mulUnsigned32(dst: Bounds, src: Scalar): void {
  const max = (dst.u32maxBits >>> 0) * src.u32max;
  if (max >= TWO32) {
    dst.forgetUnsigned32();
  } else {
    dst.u32minBits = Math.imul(dst.u32minBits, src.u32minBits);
    dst.u32maxBits = max | 0;
  }
}

function mulSigned32(dst: Bounds, src: Scalar): void {
  const a = dst.s32min * src.s32min;
  const b = dst.s32min * src.s32max;
  const c = dst.s32max * src.s32min;
  const d = dst.s32max * src.s32max;
  const min = Math.min(a, b, c, d);
  const max = Math.max(a, b, c, d);
  if (min < S32_MIN || max > S32_MAX) {
    dst.forgetSigned32();
  } else {
    dst.s32min = min | 0;
    dst.s32max = max | 0;
  }
}

function mulUnsigned64(dst: Bounds, src: Scalar): void {
  const max = unsignedDouble(dst.umaxHigh, dst.umaxLow) * unsignedDouble(src.umaxHigh, src.umaxLow);
  if (max <= EXACT) {
    const min = unsignedDouble(dst.uminHigh, dst.uminLow) * unsignedDouble(src.uminHigh, src.uminLow);
    dst.setUnsigned((min / TWO32) | 0, min | 0, (max / TWO32) | 0, max | 0);
    return;
  }
  if (max >= SURE_OVERFLOW) {
    dst.forgetUnsigned64();
    return;
  }
  const umax = unsignedBigint(dst.umaxHigh, dst.umaxLow) * src.umax;
  if (umax >= 1n << 64n) {
    dst.forgetUnsigned64();
    return;
  }
  const umin = unsignedBigint(dst.uminHigh, dst.uminLow) * src.umin;
  dst.setUnsigned(highOf(umin), lowOf(umin), highOf(umax), lowOf(umax));
}

function mulSigned64(dst: Bounds, src: Scalar): void {
  const dstMin = signedDouble(dst.sminHigh, dst.sminLow);
  const dstMax = signedDouble(dst.smaxHigh, dst.smaxLow);
  const srcMin = signedDouble(src.sminHigh, src.sminLow);
  const srcMax = signedDouble(src.smaxHigh, src.smaxLow);
  const a = dstMin * srcMin;
  const b = dstMin * srcMax;
  const c = dstMax * srcMin;
  const d = dstMax * srcMax;
  const min = Math.min(a, b, c, d);
  const max = Math.max(a, b, c, d);
  if (min >= -EXACT && max <= EXACT) {
    dst.setSigned(Math.floor(min / TWO32) | 0, min | 0, Math.floor(max / TWO32) | 0, max | 0);
  } else if (max - min >= SURE_OVERFLOW) {
    dst.forgetSigned64();
  } else {
    mulWideSigned64(dst, src);
  }
}

function mulWideSigned64(dst: Bounds, src: Scalar): void {
  const dstMin = signedBigint(dst.sminHigh, dst.sminLow);
  const dstMax = signedBigint(dst.smaxHigh, dst.smaxLow);
  const { smin: srcMin, smax: srcMax } = src;
  let min = dstMin * srcMin;
  let max = min;
  for (const product of [dstMin * srcMax, dstMax * srcMin, dstMax * srcMax]) {
    min = product < min ? product : min;
    max = product > max ? product : max;
  }
  if (min < -(1n << 63n) || max >= 1n << 63n) {
    dst.forgetSigned64();
  } else {
    dst.setSigned(highOf(min), lowOf(min), highOf(max), lowOf(max));
  }
}
