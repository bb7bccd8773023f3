// Tracked numbers: what is known of the single bits of a 64-bit value. A bit set in `mask` is unknown; every
// other bit is as in `value`, which is 0 where `mask` is 1. Operations give the kernel's results bit for bit
// (kernel/bpf/tnum.c, Linux 6.18); each contains every result its operands' members can have.

import {
  differenceHigh,
  highOf,
  isBelow,
  leftHigh,
  leftLow,
  lowOf,
  rightHigh,
  rightLow,
  signedRightHigh,
  signedRightLow,
  sumHigh,
  unsignedBigint,
} from "./scalar-words.ts";

/** All bits from the highest set one of `bits` downwards. */
function fillBelow(bits: number): number {
  return bits === 0 ? 0 : (-1 >>> Math.clz32(bits)) | 0;
}

/** The four bytes of a half in reverse order. */
function reverseBytes(half: number): number {
  return (half << 24) | ((half & 0xff00) << 8) | ((half >>> 8) & 0xff00) | (half >>> 24);
}

/** An immutable tracked number. The halves are int32; `value` and `mask` are the same as unsigned bigints. */
export class Tnum {
  /** Any 64-bit value. */
  static readonly UNKNOWN = new Tnum(0, 0, -1, -1);
  static readonly ZERO = new Tnum(0, 0, 0, 0);

  readonly valueHigh: number;
  readonly valueLow: number;
  readonly maskHigh: number;
  readonly maskLow: number;

  /** From int32 halves. No bit may be set in both value and mask. */
  constructor(valueHigh: number, valueLow: number, maskHigh: number, maskLow: number) {
    this.valueHigh = valueHigh;
    this.valueLow = valueLow;
    this.maskHigh = maskHigh;
    this.maskLow = maskLow;
  }

  /** One value, of which the low 64 bits count. */
  static constant(value: bigint): Tnum {
    return new Tnum(highOf(value), lowOf(value), 0, 0);
  }

  /** From bigints of which the low 64 bits count; bits set in `mask` are cleared in `value`. */
  static of(value: bigint, mask: bigint): Tnum {
    const known = value & ~mask;
    return new Tnum(highOf(known), lowOf(known), highOf(mask), lowOf(mask));
  }

  /** The smallest tnum with every value from `min` to `max`, unsigned. */
  static range(min: bigint, max: bigint): Tnum {
    return Tnum.rangeOfHalves(highOf(min), lowOf(min), highOf(max), lowOf(max));
  }

  /** `range` of bounds given as int32 halves. */
  static rangeOfHalves(minHigh: number, minLow: number, maxHigh: number, maxLow: number): Tnum {
    const maskHigh = fillBelow(minHigh ^ maxHigh);
    const maskLow = maskHigh === 0 ? fillBelow(minLow ^ maxLow) : -1;
    return maskHigh === -1
      ? Tnum.UNKNOWN
      : new Tnum(minHigh & ~maskHigh, minLow & ~maskLow, maskHigh, maskLow);
  }

  /** Known bits, unsigned. */
  get value(): bigint {
    return unsignedBigint(this.valueHigh, this.valueLow);
  }

  /** Unknown bits, unsigned. */
  get mask(): bigint {
    return unsignedBigint(this.maskHigh, this.maskLow);
  }

  get isConstant(): boolean {
    return this.maskHigh === 0 && this.maskLow === 0;
  }

  /** Whether the low 32 bits are all known. */
  get isConstant32(): boolean {
    return this.maskLow === 0;
  }

  get isUnknown(): boolean {
    return this.maskHigh === -1 && this.maskLow === -1;
  }

  add(other: Tnum): Tnum {
    const valueLow = (this.valueLow + other.valueLow) | 0;
    const valueHigh = sumHigh(this.valueHigh, this.valueLow, other.valueHigh, other.valueLow);
    const maskLow = (this.maskLow + other.maskLow) | 0;
    const maskHigh = sumHigh(this.maskHigh, this.maskLow, other.maskHigh, other.maskLow);
    // The sum of all unknown bits set, against that of none set: where they differ a carry is unknown.
    const topLow = (valueLow + maskLow) | 0;
    const topHigh = sumHigh(valueHigh, valueLow, maskHigh, maskLow);
    const unknownHigh = (topHigh ^ valueHigh) | this.maskHigh | other.maskHigh;
    const unknownLow = (topLow ^ valueLow) | this.maskLow | other.maskLow;
    return new Tnum(valueHigh & ~unknownHigh, valueLow & ~unknownLow, unknownHigh, unknownLow);
  }

  sub(other: Tnum): Tnum {
    const valueLow = (this.valueLow - other.valueLow) | 0;
    const valueHigh = differenceHigh(this.valueHigh, this.valueLow, other.valueHigh, other.valueLow);
    // The greatest difference against the least one: where they differ a borrow is unknown.
    const topLow = (valueLow + this.maskLow) | 0;
    const topHigh = sumHigh(valueHigh, valueLow, this.maskHigh, this.maskLow);
    const bottomLow = (valueLow - other.maskLow) | 0;
    const bottomHigh = differenceHigh(valueHigh, valueLow, other.maskHigh, other.maskLow);
    const unknownHigh = (topHigh ^ bottomHigh) | this.maskHigh | other.maskHigh;
    const unknownLow = (topLow ^ bottomLow) | this.maskLow | other.maskLow;
    return new Tnum(valueHigh & ~unknownHigh, valueLow & ~unknownLow, unknownHigh, unknownLow);
  }

  neg(): Tnum {
    return Tnum.ZERO.sub(this);
  }

  and(other: Tnum): Tnum {
    const valueHigh = this.valueHigh & other.valueHigh;
    const valueLow = this.valueLow & other.valueLow;
    return new Tnum(
      valueHigh,
      valueLow,
      (this.valueHigh | this.maskHigh) & (other.valueHigh | other.maskHigh) & ~valueHigh,
      (this.valueLow | this.maskLow) & (other.valueLow | other.maskLow) & ~valueLow,
    );
  }

  or(other: Tnum): Tnum {
    const valueHigh = this.valueHigh | other.valueHigh;
    const valueLow = this.valueLow | other.valueLow;
    return new Tnum(
      valueHigh,
      valueLow,
      (this.maskHigh | other.maskHigh) & ~valueHigh,
      (this.maskLow | other.maskLow) & ~valueLow,
    );
  }

  xor(other: Tnum): Tnum {
    const maskHigh = this.maskHigh | other.maskHigh;
    const maskLow = this.maskLow | other.maskLow;
    return new Tnum(
      (this.valueHigh ^ other.valueHigh) & ~maskHigh,
      (this.valueLow ^ other.valueLow) & ~maskLow,
      maskHigh,
      maskLow,
    );
  }

  mul(other: Tnum): Tnum {
    if (this.isConstant && other.isConstant) {
      return Tnum.constant(this.value * other.value);
    }
    if (this.isUnknown || other.isUnknown) {
      const zeros = (this.isUnknown ? other : this).trailingZeros();
      return zeros === 64 ? Tnum.ZERO : Tnum.UNKNOWN.lshift(zeros);
    }
    // Long multiplication. Where a bit of the left factor is unknown, both continuations are merged.
    let product = Tnum.ZERO;
    for (let bit = this.trailingZeros(), end = this.width(); bit < end; bit++) {
      const value = rightLow(this.valueHigh, this.valueLow, bit);
      const mask = rightLow(this.maskHigh, this.maskLow, bit);
      if ((value & 1) !== 0) {
        product = product.add(other.lshift(bit));
      } else if ((mask & 1) !== 0) {
        product = product.union(product.add(other.lshift(bit)));
      }
    }
    return product;
  }

  /** One more than the number of the highest bit that may be set. */
  private width(): number {
    const high = this.valueHigh | this.maskHigh;
    return high === 0 ? 32 - Math.clz32(this.valueLow | this.maskLow) : 64 - Math.clz32(high);
  }

  /** How many of the lowest bits are known to be zero. */
  private trailingZeros(): number {
    const low = this.valueLow | this.maskLow;
    const half = low === 0 ? this.valueHigh | this.maskHigh : low;
    // Of a number and its negative, only the lowest set bit is in both.
    return (low === 0 ? 32 : 0) + (half === 0 ? 32 : 31 - Math.clz32(half & -half));
  }

  /** Shifted left by 0..63 bits. */
  lshift(bits: number): Tnum {
    return new Tnum(
      leftHigh(this.valueHigh, this.valueLow, bits),
      leftLow(this.valueLow, bits),
      leftHigh(this.maskHigh, this.maskLow, bits),
      leftLow(this.maskLow, bits),
    );
  }

  /** Shifted right by 0..63 bits, zeros coming in. */
  rshift(bits: number): Tnum {
    return new Tnum(
      rightHigh(this.valueHigh, bits),
      rightLow(this.valueHigh, this.valueLow, bits),
      rightHigh(this.maskHigh, bits),
      rightLow(this.maskHigh, this.maskLow, bits),
    );
  }

  /** Shifted right, copies of the sign coming in; with width 32 the low half alone, the upper one cleared. */
  arshift(bits: number, width: 32 | 64): Tnum {
    if (width === 32) {
      return new Tnum(0, this.valueLow >> bits, 0, this.maskLow >> bits);
    }
    return new Tnum(
      signedRightHigh(this.valueHigh, bits),
      signedRightLow(this.valueHigh, this.valueLow, bits),
      signedRightHigh(this.maskHigh, bits),
      signedRightLow(this.maskHigh, this.maskLow, bits),
    );
  }

  /** The low 16, 32 or 64 bits with their bytes reversed, all above them zero. */
  swapBytes(bits: 16 | 32 | 64): Tnum {
    const valueHigh = reverseBytes(this.valueLow);
    const maskHigh = reverseBytes(this.maskLow);
    if (bits === 64) {
      return new Tnum(valueHigh, reverseBytes(this.valueHigh), maskHigh, reverseBytes(this.maskHigh));
    }
    return bits === 32
      ? new Tnum(0, valueHigh, 0, maskHigh)
      : new Tnum(0, valueHigh >>> 16, 0, maskHigh >>> 16);
  }

  /** What both say; meaningless unless they overlap. */
  intersect(other: Tnum): Tnum {
    const maskHigh = this.maskHigh & other.maskHigh;
    const maskLow = this.maskLow & other.maskLow;
    const valueHigh = (this.valueHigh | other.valueHigh) & ~maskHigh;
    const valueLow = (this.valueLow | other.valueLow) & ~maskLow;
    return this.orNew(valueHigh, valueLow, maskHigh, maskLow);
  }

  /** The smallest tnum with the members of both. */
  union(other: Tnum): Tnum {
    const maskHigh = (this.valueHigh ^ other.valueHigh) | this.maskHigh | other.maskHigh;
    const maskLow = (this.valueLow ^ other.valueLow) | this.maskLow | other.maskLow;
    return this.orNew(this.valueHigh & ~maskHigh, this.valueLow & ~maskLow, maskHigh, maskLow);
  }

  /** The low 1, 2, 4 or 8 bytes, all above them zero. */
  truncate(bytes: number): Tnum {
    if (bytes >= 8) {
      return this;
    }
    const keep = bytes >= 4 ? -1 : (1 << (bytes * 8)) - 1;
    return this.orNew(0, this.valueLow & keep, 0, this.maskLow & keep);
  }

  /** The low 32 bits, the upper ones zero. */
  subreg(): Tnum {
    return this.orNew(0, this.valueLow, 0, this.maskLow);
  }

  /** The upper 32 bits, the low ones zero. */
  clearSubreg(): Tnum {
    return this.orNew(this.valueHigh, 0, this.maskHigh, 0);
  }

  /** The upper 32 bits of this with the low ones of `sub`. */
  withSubreg(sub: Tnum): Tnum {
    return this.orNew(this.valueHigh, sub.valueLow, this.maskHigh, sub.maskLow);
  }

  /** Whether every member is a multiple of `bytes`, a power of two or 0 (which asks nothing). */
  isAligned(bytes: number): boolean {
    return bytes === 0 || ((this.valueLow | this.maskLow) & (bytes - 1)) === 0;
  }

  /** Whether every member is one of `other`. */
  isSubsetOf(other: Tnum): boolean {
    return (
      (this.maskHigh & ~other.maskHigh) === 0 &&
      (this.maskLow & ~other.maskLow) === 0 &&
      (this.valueHigh & ~other.maskHigh) === other.valueHigh &&
      (this.valueLow & ~other.maskLow) === other.valueLow
    );
  }

  /** Whether some value is a member of both. */
  overlaps(other: Tnum): boolean {
    return (
      ((this.valueHigh ^ other.valueHigh) & ~this.maskHigh & ~other.maskHigh) === 0 &&
      ((this.valueLow ^ other.valueLow) & ~this.maskLow & ~other.maskLow) === 0
    );
  }

  /** Whether the low 64 bits of `value` are a member. */
  contains(value: bigint): boolean {
    return (
      (highOf(value) & ~this.maskHigh) === this.valueHigh && (lowOf(value) & ~this.maskLow) === this.valueLow
    );
  }

  /**
   * The least member above an unsigned value given as int32 halves, as a constant; the greatest member where no
   * member is above it.
   */
  memberAbove(high: number, low: number): Tnum {
    const { valueHigh, valueLow, maskHigh, maskLow } = this;
    if (!isBelow(high, low, valueHigh | maskHigh, valueLow | maskLow)) {
      return new Tnum(valueHigh | maskHigh, valueLow | maskLow, 0, 0);
    }
    if (isBelow(high, low, valueHigh, valueLow)) {
      return new Tnum(valueHigh, valueLow, 0, 0);
    }
    // The unknown bits count upwards as one number. Where the distance from the least member has bits outside
    // the mask, everything below them is filled up, so that the step carries past them.
    const distanceHigh = differenceHigh(high, low, valueHigh, valueLow);
    const distanceLow = (low - valueLow) | 0;
    const fillHigh = fillBelow(distanceHigh & ~maskHigh);
    const fillLow = fillHigh === 0 ? fillBelow(distanceLow & ~maskLow) : -1;
    const filledHigh = distanceHigh | fillHigh | ~maskHigh;
    const filledLow = distanceLow | fillLow | ~maskLow;
    const nextHigh = sumHigh(filledHigh, filledLow, 0, 1) & maskHigh;
    return new Tnum(valueHigh | nextHigh, valueLow | ((filledLow + 1) & maskLow), 0, 0);
  }

  equals(other: Tnum): boolean {
    return (
      this === other ||
      (this.valueLow === other.valueLow &&
        this.maskLow === other.maskLow &&
        this.valueHigh === other.valueHigh &&
        this.maskHigh === other.maskHigh)
    );
  }

  /** As the verifier's log prints it: `(value; mask)` in hexadecimal, a constant alone. */
  toString(): string {
    if (this.isConstant) return this.value === 0n ? "0" : `0x${this.value.toString(16)}`;
    return `(0x${this.value.toString(16)}; 0x${this.mask.toString(16)})`;
  }

  /** Itself where the halves are its own, so that unchanged values stay shared. */
  private orNew(valueHigh: number, valueLow: number, maskHigh: number, maskLow: number): Tnum {
    return valueLow === this.valueLow &&
      maskLow === this.maskLow &&
      valueHigh === this.valueHigh &&
      maskHigh === this.maskHigh
      ? this
      : new Tnum(valueHigh, valueLow, maskHigh, maskLow);
  }
}
