// The bounds of a scalar while an operation works on them, and their deduction: each of the five views of one
// 64-bit value (its bits, unsigned and signed ranges of all 64 and of the low 32 bits) narrows the others.
// Follows reg_bounds_sync and its parts (kernel/bpf/verifier.c, Linux 6.18) rule by rule and in the
// same order: the log prints the outcome, and each further rule would change it.

import { isBelow, isLess, lower32, S32_MAX, S32_MIN, upper32 } from "./scalar-words.ts";
import { Tnum } from "./tnum.ts";

/** All bounds, as int32: halves of the 64-bit ones, bits of the unsigned 32-bit ones. Ranges are inclusive. */
export interface BoundFields {
  readonly tnum: Tnum;
  readonly uminHigh: number;
  readonly uminLow: number;
  readonly umaxHigh: number;
  readonly umaxLow: number;
  readonly sminHigh: number;
  readonly sminLow: number;
  readonly smaxHigh: number;
  readonly smaxLow: number;
  readonly u32minBits: number;
  readonly u32maxBits: number;
  readonly s32min: number;
  readonly s32max: number;
}

/** Bounds under construction, mutable and meant for reuse; unbounded at first. */
export class Bounds implements BoundFields {
  tnum: Tnum = Tnum.UNKNOWN;
  uminHigh = 0;
  uminLow = 0;
  umaxHigh = -1;
  umaxLow = -1;
  sminHigh = S32_MIN;
  sminLow = 0;
  smaxHigh = S32_MAX;
  smaxLow = -1;
  u32minBits = 0;
  u32maxBits = -1;
  s32min = S32_MIN;
  s32max = S32_MAX;

  /** Takes over the bounds of a scalar. */
  load(from: BoundFields): this {
    this.tnum = from.tnum;
    this.uminHigh = from.uminHigh;
    this.uminLow = from.uminLow;
    this.umaxHigh = from.umaxHigh;
    this.umaxLow = from.umaxLow;
    this.sminHigh = from.sminHigh;
    this.sminLow = from.sminLow;
    this.smaxHigh = from.smaxHigh;
    this.smaxLow = from.smaxLow;
    this.u32minBits = from.u32minBits;
    this.u32maxBits = from.u32maxBits;
    this.s32min = from.s32min;
    this.s32max = from.s32max;
    return this;
  }

  /** Forgets all ranges; the bits stay. */
  forgetRanges(): this {
    this.forget64();
    this.forget32();
    return this;
  }

  forget64(): void {
    this.forgetUnsigned64();
    this.forgetSigned64();
  }

  forget32(): void {
    this.forgetUnsigned32();
    this.forgetSigned32();
  }

  forgetUnsigned64(): void {
    this.setUnsigned(0, 0, -1, -1);
  }

  forgetSigned64(): void {
    this.setSigned(S32_MIN, 0, S32_MAX, -1);
  }

  forgetUnsigned32(): void {
    this.u32minBits = 0;
    this.u32maxBits = -1;
  }

  forgetSigned32(): void {
    this.s32min = S32_MIN;
    this.s32max = S32_MAX;
  }

  /** Sets every bound to one value. */
  setConstant(high: number, low: number): this {
    this.tnum = new Tnum(high, low, 0, 0);
    this.setUnsigned(high, low, high, low);
    this.setSigned(high, low, high, low);
    this.setRange32(low);
    return this;
  }

  /** Sets every bound of the low 32 bits to one value. */
  setConstant32(low: number): void {
    this.tnum = this.tnum.withSubreg(new Tnum(0, low, 0, 0));
    this.setRange32(low);
  }

  private setRange32(low: number): void {
    this.u32minBits = low;
    this.u32maxBits = low;
    this.s32min = low;
    this.s32max = low;
  }

  /** Sets the unsigned 64-bit range. */
  setUnsigned(minHigh: number, minLow: number, maxHigh: number, maxLow: number): void {
    this.uminHigh = minHigh;
    this.uminLow = minLow;
    this.umaxHigh = maxHigh;
    this.umaxLow = maxLow;
  }

  /** Sets the signed 64-bit range. */
  setSigned(minHigh: number, minLow: number, maxHigh: number, maxLow: number): void {
    this.sminHigh = minHigh;
    this.sminLow = minLow;
    this.smaxHigh = maxHigh;
    this.smaxLow = maxLow;
  }

  raiseUmin(high: number, low: number): void {
    if (isBelow(this.uminHigh, this.uminLow, high, low)) {
      this.uminHigh = high;
      this.uminLow = low;
    }
  }

  lowerUmax(high: number, low: number): void {
    if (isBelow(high, low, this.umaxHigh, this.umaxLow)) {
      this.umaxHigh = high;
      this.umaxLow = low;
    }
  }

  raiseSmin(high: number, low: number): void {
    if (isLess(this.sminHigh, this.sminLow, high, low)) {
      this.sminHigh = high;
      this.sminLow = low;
    }
  }

  lowerSmax(high: number, low: number): void {
    if (isLess(high, low, this.smaxHigh, this.smaxLow)) {
      this.smaxHigh = high;
      this.smaxLow = low;
    }
  }

  /** Narrows the unsigned 32-bit range to what it shares with another. */
  narrowU32(minBits: number, maxBits: number): void {
    this.u32minBits = upper32(this.u32minBits, minBits);
    this.u32maxBits = lower32(this.u32maxBits, maxBits);
  }

  /** Narrows the signed 32-bit range to what it shares with another. */
  narrowS32(min: number, max: number): void {
    this.s32min = min > this.s32min ? min : this.s32min;
    this.s32max = max < this.s32max ? max : this.s32max;
  }

  /** Clears the upper half: the 64-bit bounds become those of the low 32 bits. */
  zeroExtend(): void {
    this.tnum = this.tnum.subreg();
    this.setUnsigned(0, this.u32minBits, 0, this.u32maxBits);
    if (this.s32min >= 0 && this.s32max >= 0) {
      this.setSigned(0, this.s32min, 0, this.s32max);
    } else {
      this.setSigned(0, 0, 0, -1);
    }
  }

  /** Clears all above the low bytes and brings the views in line. */
  truncate(bytes: 1 | 2 | 4): this {
    const keep = bytes === 4 ? -1 : (1 << (bytes * 8)) - 1;
    this.tnum = this.tnum.truncate(bytes);
    if (this.uminHigh === this.umaxHigh && (this.uminLow & ~keep) === (this.umaxLow & ~keep)) {
      this.setUnsigned(0, this.uminLow & keep, 0, this.umaxLow & keep);
    } else {
      this.setUnsigned(0, 0, 0, keep);
    }
    this.setSigned(0, this.uminLow, 0, this.umaxLow);
    if (bytes < 4) {
      this.forget32();
    }
    return this.sync();
  }

  /** Brings all views in line with each other. */
  sync(): this {
    if (this.isConstant()) {
      return this;
    }
    this.learnFromBits();
    if (!this.deduceSmall()) {
      this.deduce();
      this.deduce();
      this.deduce();
    }
    this.learnBits();
    this.learnFromBits();
    return this;
  }

  /** Ranges from the bits. */
  learnFromBits(): void {
    this.learn32FromBits();
    const { valueHigh, valueLow, maskHigh, maskLow } = this.tnum;
    const topLow = valueLow | maskLow;
    this.raiseSmin(valueHigh | (maskHigh & S32_MIN), valueLow);
    this.lowerSmax(valueHigh | (maskHigh & S32_MAX), topLow);
    this.raiseUmin(valueHigh, valueLow);
    this.lowerUmax(valueHigh | maskHigh, topLow);
    this.learnSingleMember();
  }

  /** Where the unsigned range holds a single member of the tnum, that is the value. */
  private learnSingleMember(): void {
    const { tnum, uminHigh, uminLow, umaxHigh, umaxLow } = this;
    const next = tnum.memberAbove(uminHigh, uminLow);
    const isNextAbove = isBelow(umaxHigh, umaxLow, next.valueHigh, next.valueLow);
    if ((uminHigh & ~tnum.maskHigh) === tnum.valueHigh && (uminLow & ~tnum.maskLow) === tnum.valueLow) {
      if (isNextAbove) {
        this.setConstant(uminHigh, uminLow);
      }
      return;
    }
    const topHigh = tnum.valueHigh | tnum.maskHigh;
    const topLow = tnum.valueLow | tnum.maskLow;
    if (next.valueHigh === topHigh && next.valueLow === topLow) {
      this.setConstant(topHigh, topLow);
    } else if (!isNextAbove) {
      const second = tnum.memberAbove(next.valueHigh, next.valueLow);
      if (isBelow(umaxHigh, umaxLow, second.valueHigh, second.valueLow)) {
        this.setConstant(next.valueHigh, next.valueLow);
      }
    }
  }

  /** 32-bit ranges from the low bits. */
  learn32FromBits(): void {
    const { valueLow, maskLow } = this.tnum;
    this.narrowS32(valueLow | (maskLow & S32_MIN), valueLow | (maskLow & S32_MAX));
    this.narrowU32(valueLow, valueLow | maskLow);
  }

  /** Bits from the unsigned ranges. */
  private learnBits(): void {
    const { tnum } = this;
    const all = tnum.intersect(Tnum.rangeOfHalves(this.uminHigh, this.uminLow, this.umaxHigh, this.umaxLow));
    const low = all.subreg().intersect(Tnum.rangeOfHalves(0, this.u32minBits, 0, this.u32maxBits));
    const known = all.withSubreg(low);
    this.tnum = known.equals(tnum) ? tnum : known;
  }

  /** Whether all views agree on one value. */
  private isConstant(): boolean {
    const { valueHigh, valueLow } = this.tnum;
    return (
      this.tnum.isConstant &&
      this.uminLow === valueLow &&
      this.umaxLow === valueLow &&
      this.uminHigh === valueHigh &&
      this.umaxHigh === valueHigh &&
      this.sminLow === valueLow &&
      this.smaxLow === valueLow &&
      this.sminHigh === valueHigh &&
      this.smaxHigh === valueHigh &&
      this.u32minBits === valueLow &&
      this.u32maxBits === valueLow &&
      this.s32min === valueLow &&
      this.s32max === valueLow
    );
  }

  /**
   * Short cut for the most common values, which are 0..2^31-1 in both 64-bit ranges: there all ranges mean the same,
   * and the rounds give each what they share. False where they share nothing or it does not apply.
   */
  private deduceSmall(): boolean {
    if ((this.uminHigh | this.umaxHigh | this.sminHigh | this.smaxHigh) !== 0) {
      return false;
    }
    if ((this.uminLow | this.umaxLow | this.sminLow | this.smaxLow | this.u32minBits) < 0) {
      return false;
    }
    const { u32maxBits } = this;
    const u32max = u32maxBits < 0 ? S32_MAX : u32maxBits;
    const min = Math.max(this.uminLow, this.sminLow, this.u32minBits, this.s32min);
    const max = Math.min(this.umaxLow, this.smaxLow, u32max, this.s32max);
    if (min > max) {
      return false;
    }
    this.setUnsigned(0, min, 0, max);
    this.setSigned(0, min, 0, max);
    this.u32minBits = min;
    this.u32maxBits = max;
    this.s32min = min;
    this.s32max = max;
    return true;
  }

  /** One round of ranges from ranges. */
  private deduce(): void {
    this.deduce32();
    this.deduce64();
    this.deduceMixed();
  }

  private deduce32(): void {
    const { uminHigh, uminLow, umaxHigh, umaxLow, sminHigh, sminLow, smaxHigh, smaxLow } = this;
    // One upper half for the whole range: its low halves are a range too.
    if (uminHigh === umaxHigh) {
      this.narrowU32(uminLow, umaxLow);
      if (uminLow <= umaxLow) {
        this.narrowS32(uminLow, umaxLow);
      }
    }
    if (sminHigh === smaxHigh) {
      if (sminLow >>> 0 <= smaxLow >>> 0) {
        this.narrowU32(sminLow, smaxLow);
      }
      if (sminLow <= smaxLow) {
        this.narrowS32(sminLow, smaxLow);
      }
    }
    // Two neighbouring upper halves, the low ones going from negative through -1 and 0 to positive.
    if (((uminHigh + 1) | 0) === umaxHigh && uminLow < 0 && umaxLow >= 0) {
      this.narrowS32(uminLow, umaxLow);
    }
    if (((sminHigh + 1) | 0) === smaxHigh && sminLow < 0 && smaxLow >= 0) {
      this.narrowS32(sminLow, smaxLow);
    }
    // A range on one side of the sign boundary means the same signed and unsigned.
    if (this.u32minBits <= this.u32maxBits) {
      this.narrowS32(this.u32minBits, this.u32maxBits);
    }
    if (this.s32min >>> 0 <= this.s32max >>> 0) {
      this.narrowU32(this.s32min, this.s32max);
      return;
    }
    // As in deduce64: a signed range across -1 | 0 is two pieces, of which the unsigned range may miss one.
    if (this.u32maxBits >>> 0 < this.s32min >>> 0) {
      this.s32min = this.u32minBits;
      this.u32maxBits = lower32(this.u32maxBits, this.s32max);
    } else if (this.s32max >>> 0 < this.u32minBits >>> 0) {
      this.s32max = this.u32maxBits;
      this.u32minBits = upper32(this.u32minBits, this.s32min);
    }
  }

  private deduce64(): void {
    if (!isLess(this.umaxHigh, this.umaxLow, this.uminHigh, this.uminLow)) {
      this.raiseSmin(this.uminHigh, this.uminLow);
      this.lowerSmax(this.umaxHigh, this.umaxLow);
    }
    if (!isBelow(this.smaxHigh, this.smaxLow, this.sminHigh, this.sminLow)) {
      this.raiseUmin(this.sminHigh, this.sminLow);
      this.lowerUmax(this.smaxHigh, this.smaxLow);
      return;
    }
    // The signed range crosses -1 | 0, so it is two pieces of the unsigned line, one at either end. Where the
    // unsigned range misses one of them, the value is in the other.
    if (isBelow(this.umaxHigh, this.umaxLow, this.sminHigh, this.sminLow)) {
      this.sminHigh = this.uminHigh;
      this.sminLow = this.uminLow;
      this.lowerUmax(this.smaxHigh, this.smaxLow);
    } else if (isBelow(this.smaxHigh, this.smaxLow, this.uminHigh, this.uminLow)) {
      this.smaxHigh = this.umaxHigh;
      this.smaxLow = this.umaxLow;
      this.raiseUmin(this.sminHigh, this.sminLow);
    }
  }

  private deduceMixed(): void {
    // At each end the upper half is known, so the 32-bit range narrows the low half there.
    this.uminLow = upper32(this.uminLow, this.u32minBits);
    this.umaxLow = lower32(this.umaxLow, this.u32maxBits);
    this.sminLow = upper32(this.sminLow, this.u32minBits);
    this.smaxLow = lower32(this.smaxLow, this.u32maxBits);
    // An int32 in 64 bits whose low half is not negative is that low half.
    const fitsInt32 =
      (this.sminHigh >= 0 || (this.sminHigh === -1 && this.sminLow < 0)) &&
      (this.smaxHigh < 0 || (this.smaxHigh === 0 && this.smaxLow >= 0));
    if (this.s32min >= 0 && fitsInt32) {
      this.setSigned(0, this.s32min, this.s32max >> 31, this.s32max);
      this.setUnsigned(0, this.s32min, this.s32max >> 31, this.s32max);
      this.tnum = this.tnum.intersect(
        Tnum.rangeOfHalves(this.sminHigh, this.sminLow, this.smaxHigh, this.smaxLow),
      );
    }
  }
}
