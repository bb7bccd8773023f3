// 64-bit numbers as pairs of int32 (`high`, `low`), the form in which the verifier's hot paths hold them: V8
// keeps int32 fields unboxed, where each BigInt would be an object of its own. Both halves are signed
// numbers of bits; what they mean is up to the function's name.

export const S32_MIN = -0x8000_0000;
export const S32_MAX = 0x7fff_ffff;
/** 2^32, the weight of a high half. */
export const TWO32 = 0x1_0000_0000;

/** a < b of unsigned 64-bit numbers. */
export function isBelow(aHigh: number, aLow: number, bHigh: number, bLow: number): boolean {
  return aHigh === bHigh ? aLow >>> 0 < bLow >>> 0 : aHigh >>> 0 < bHigh >>> 0;
}

/** a < b of signed 64-bit numbers. */
export function isLess(aHigh: number, aLow: number, bHigh: number, bLow: number): boolean {
  return aHigh === bHigh ? aLow >>> 0 < bLow >>> 0 : aHigh < bHigh;
}

/** The smaller of two unsigned 32-bit numbers given as int32. */
export function lower32(a: number, b: number): number {
  return a >>> 0 < b >>> 0 ? a : b;
}

/** The greater of two unsigned 32-bit numbers given as int32. */
export function upper32(a: number, b: number): number {
  return a >>> 0 > b >>> 0 ? a : b;
}

/** High half of a + b. */
export function sumHigh(aHigh: number, aLow: number, bHigh: number, bLow: number): number {
  const carry = (aLow + bLow) >>> 0 < aLow >>> 0 ? 1 : 0;
  return (aHigh + bHigh + carry) | 0;
}

/** High half of a - b. */
export function differenceHigh(aHigh: number, aLow: number, bHigh: number, bLow: number): number {
  const borrow = aLow >>> 0 < bLow >>> 0 ? 1 : 0;
  return (aHigh - bHigh - borrow) | 0;
}

/** High half of a number shifted left by 0..63 bits. */
export function leftHigh(high: number, low: number, bits: number): number {
  if (bits >= 32) {
    return low << (bits - 32);
  }
  return bits === 0 ? high : (high << bits) | (low >>> (32 - bits));
}

/** Low half of a number shifted left by 0..63 bits. */
export function leftLow(low: number, bits: number): number {
  return bits >= 32 ? 0 : low << bits;
}

/** High half of a number shifted right by 0..63 bits, zeros coming in. */
export function rightHigh(high: number, bits: number): number {
  return bits >= 32 ? 0 : (high >>> bits) | 0;
}

/** Low half of a number shifted right by 0..63 bits, zeros coming in. */
export function rightLow(high: number, low: number, bits: number): number {
  if (bits >= 32) {
    return (high >>> (bits - 32)) | 0;
  }
  return bits === 0 ? low : (low >>> bits) | (high << (32 - bits));
}

/** High half of a number shifted right by 0..63 bits, copies of its sign coming in. */
export function signedRightHigh(high: number, bits: number): number {
  return high >> (bits >= 32 ? 31 : bits);
}

/** Low half of a number shifted right by 0..63 bits, copies of its sign coming in. */
export function signedRightLow(high: number, low: number, bits: number): number {
  return bits >= 32 ? high >> (bits - 32) : rightLow(high, low, bits);
}

/** The pair as an unsigned number; exact below 2^53, rounded above. */
export function unsignedDouble(high: number, low: number): number {
  return (high >>> 0) * TWO32 + (low >>> 0);
}

/** The pair as a signed number; exact within ±2^53, rounded outside. */
export function signedDouble(high: number, low: number): number {
  return high * TWO32 + (low >>> 0);
}

/** The pair as an unsigned bigint. */
export function unsignedBigint(high: number, low: number): bigint {
  if (high >>> 21 === 0) {
    return BigInt(high * TWO32 + (low >>> 0));
  }
  return (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0);
}

/** The pair as a signed bigint. */
export function signedBigint(high: number, low: number): bigint {
  if (high >> 20 === high >> 31) {
    return BigInt(high * TWO32 + (low >>> 0));
  }
  return (BigInt(high) << 32n) | BigInt(low >>> 0);
}

/** Upper half of a bigint's low 64 bits. */
export function highOf(value: bigint): number {
  return Number(BigInt.asIntN(32, value >> 32n));
}

/** Lower half of a bigint's low 64 bits. */
export function lowOf(value: bigint): number {
  return Number(BigInt.asIntN(32, value));
}
