// A scalar as the verifier knows it: the bits (tnum) and four ranges (unsigned and signed, of all 64 and of
// the low 32 bits) of a value that is no pointer. Immutable, so states share them. What instructions make
// of scalars is in scalar-alu.ts, what branches teach about them in scalar-branch.ts.

import { type BoundFields, Bounds } from "./scalar-bounds.ts";
import {
  highOf,
  isBelow,
  isLess,
  lowOf,
  S32_MAX,
  S32_MIN,
  signedBigint,
  unsignedBigint,
} from "./scalar-words.ts";
import { Tnum } from "./tnum.ts";

/** Bounds to make a scalar of; what is absent is unbounded. */
export interface ScalarParts {
  readonly tnum?: Tnum;
  readonly umin?: bigint;
  readonly umax?: bigint;
  readonly smin?: bigint;
  readonly smax?: bigint;
  readonly u32min?: number;
  readonly u32max?: number;
  readonly s32min?: number;
  readonly s32max?: number;
}

/** How the bounds of a scalar contradict each other, in the words of the kernel's warning. */
type Violation =
  | "range bounds violation"
  | "const tnum out of sync with range bounds"
  | "const subreg tnum out of sync with range bounds";

const SMALL_CONSTANT_MIN = -256;
const SMALL_CONSTANT_MAX = 1024;
const smallConstants: (Scalar | undefined)[] = [];

/** Scratch of the operations here; none of them is entered again while it works. */
const scratch = new Bounds();

/** An immutable abstract value. The fields are those of `BoundFields`; the getters give them as numbers. */
export class Scalar implements BoundFields {
  /** Any 64-bit value. */
  static readonly UNKNOWN = new Scalar(new Bounds());

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

  /** Copies the bounds as they are; `of` and `from` are the usual ways to make a scalar. */
  private constructor(bounds: BoundFields) {
    this.tnum = bounds.tnum;
    this.uminHigh = bounds.uminHigh;
    this.uminLow = bounds.uminLow;
    this.umaxHigh = bounds.umaxHigh;
    this.umaxLow = bounds.umaxLow;
    this.sminHigh = bounds.sminHigh;
    this.sminLow = bounds.sminLow;
    this.smaxHigh = bounds.smaxHigh;
    this.smaxLow = bounds.smaxLow;
    this.u32minBits = bounds.u32minBits;
    this.u32maxBits = bounds.u32maxBits;
    this.s32min = bounds.s32min;
    this.s32max = bounds.s32max;
  }

  /** The scalar with exactly these bounds; `like`, UNKNOWN or a shared constant where it has the same. */
  static from(bounds: BoundFields, like?: Scalar): Scalar {
    if (like !== undefined && sameBounds(like, bounds)) {
      return like;
    }
    if (bounds.tnum.isConstant && violationOf(bounds) === undefined) {
      return Scalar.ofHalves(bounds.tnum.valueHigh, bounds.tnum.valueLow);
    }
    return bounds.tnum.isUnknown && sameBounds(Scalar.UNKNOWN, bounds) ? Scalar.UNKNOWN : new Scalar(bounds);
  }

  /** One value, taken modulo 2^64. */
  static constant(value: bigint): Scalar {
    return Scalar.ofHalves(highOf(value), lowOf(value));
  }

  /** One value, given as int32 halves. */
  static ofHalves(high: number, low: number): Scalar {
    if (high === low >> 31 && low >= SMALL_CONSTANT_MIN && low <= SMALL_CONSTANT_MAX) {
      smallConstants[low - SMALL_CONSTANT_MIN] ??= new Scalar(scratch.setConstant(high, low));
      return smallConstants[low - SMALL_CONSTANT_MIN] as Scalar;
    }
    return new Scalar(scratch.setConstant(high, low));
  }

  /** Every value from `min` to `max`, unsigned. */
  static unsigned(min: bigint, max: bigint): Scalar {
    return Scalar.of({ umin: min, umax: max });
  }

  /** Every value from `min` to `max`, signed. */
  static signed(min: bigint, max: bigint): Scalar {
    return Scalar.of({ smin: min, smax: max });
  }

  /** The scalar with these bounds and all that follows from them. */
  static of(parts: ScalarParts): Scalar {
    return Scalar.from(loadParts(parts).sync());
  }

  /** The scalar with these bounds and nothing deduced, as a log shows one. */
  static exactly(parts: ScalarParts): Scalar {
    return Scalar.from(loadParts(parts));
  }

  /** Least unsigned value. */
  get umin(): bigint {
    return unsignedBigint(this.uminHigh, this.uminLow);
  }

  /** Greatest unsigned value. */
  get umax(): bigint {
    return unsignedBigint(this.umaxHigh, this.umaxLow);
  }

  /** Least signed value. */
  get smin(): bigint {
    return signedBigint(this.sminHigh, this.sminLow);
  }

  /** Greatest signed value. */
  get smax(): bigint {
    return signedBigint(this.smaxHigh, this.smaxLow);
  }

  /** Least unsigned value of the low 32 bits. */
  get u32min(): number {
    return this.u32minBits >>> 0;
  }

  /** Greatest unsigned value of the low 32 bits. */
  get u32max(): number {
    return this.u32maxBits >>> 0;
  }

  /** Whether one value is left, by its bits (the ranges follow them). */
  get isConstant(): boolean {
    return this.tnum.isConstant;
  }

  /** Whether the low 32 bits are one value. */
  get isConstant32(): boolean {
    return this.tnum.isConstant32;
  }

  /** The value of a constant, unsigned. */
  get value(): bigint {
    return unsignedBigint(this.tnum.valueHigh, this.tnum.valueLow);
  }

  /** The value of a constant, signed. */
  get signedValue(): bigint {
    return signedBigint(this.tnum.valueHigh, this.tnum.valueLow);
  }

  /** Whether nothing at all is known. */
  get isUnknown(): boolean {
    return this === Scalar.UNKNOWN;
  }

  /** Whether the bounds contradict each other: no value has them, so the branch they come from is dead. */
  get isBroken(): boolean {
    return this.violation !== undefined;
  }

  /** How the bounds contradict each other, if they do. */
  get violation(): Violation | undefined {
    return violationOf(this);
  }

  /** The same bits without any range: what the kernel goes on with once it has found a contradiction. */
  withoutRanges(): Scalar {
    return Scalar.from(scratch.load(this).forgetRanges(), this);
  }

  /** Whether every bound lies within that of `old`, so that what was proved of `old` holds for this. */
  isWithin(old: Scalar): boolean {
    return (
      this === old ||
      (!isBelow(this.uminHigh, this.uminLow, old.uminHigh, old.uminLow) &&
        !isBelow(old.umaxHigh, old.umaxLow, this.umaxHigh, this.umaxLow) &&
        !isLess(this.sminHigh, this.sminLow, old.sminHigh, old.sminLow) &&
        !isLess(old.smaxHigh, old.smaxLow, this.smaxHigh, this.smaxLow) &&
        this.u32min >= old.u32min &&
        this.u32max <= old.u32max &&
        this.s32min >= old.s32min &&
        this.s32max <= old.s32max &&
        this.tnum.isSubsetOf(old.tnum))
    );
  }

  equals(other: Scalar): boolean {
    return this === other || sameBounds(this, other);
  }

  /** Whether the low 64 bits of `value` satisfy every bound. */
  contains(value: bigint): boolean {
    const high = highOf(value);
    const low = lowOf(value);
    return (
      !isBelow(high, low, this.uminHigh, this.uminLow) &&
      !isBelow(this.umaxHigh, this.umaxLow, high, low) &&
      !isLess(high, low, this.sminHigh, this.sminLow) &&
      !isLess(this.smaxHigh, this.smaxLow, high, low) &&
      low >>> 0 >= this.u32min &&
      low >>> 0 <= this.u32max &&
      low >= this.s32min &&
      low <= this.s32max &&
      this.tnum.contains(value)
    );
  }

  /** The low 32 bits, the upper ones cleared, as a move of w-registers leaves them. */
  zeroExtend32(): Scalar {
    if (this.tnum.isConstant) {
      return this.tnum.valueHigh === 0 ? this : Scalar.ofHalves(0, this.tnum.valueLow);
    }
    scratch.load(this).zeroExtend();
    return Scalar.from(scratch.sync(), this);
  }

  /** The low bytes, all above them cleared, as a load or spill of that width leaves them. */
  truncate(bytes: 1 | 2 | 4 | 8): Scalar {
    if (bytes === 8) {
      return this;
    }
    return Scalar.from(scratch.load(this).truncate(bytes), this);
  }

  /** The low bytes sign-extended to 4 bytes (above them zero) or to 8. */
  signExtend(bytes: 1 | 2 | 4, to: 4 | 8): Scalar {
    scratch.load(this);
    if (to === 8) {
      signExtendTo64(scratch, 32 - bytes * 8);
      return Scalar.from(scratch, this);
    }
    signExtendTo32(scratch, 32 - bytes * 8);
    scratch.zeroExtend();
    return Scalar.from(scratch.sync(), this);
  }

  /** The bounds that say something, for messages of tests and tools; the log has its own format. */
  toString(): string {
    const { smin, smax, umin, umax, s32min, s32max, u32min, u32max, tnum } = this;
    return `s64 ${smin}..${smax}, u64 ${umin}..${umax}, s32 ${s32min}..${s32max}, u32 ${u32min}..${u32max}, bits ${tnum}`;
  }
}

/** `bits` (24, 16, 0) is what the sign bit is away from the top of its 32-bit half. */
function signExtendTo64(bounds: Bounds, bits: number): void {
  const { tnum } = bounds;
  if (tnum.isConstant) {
    const low = (tnum.valueLow << bits) >> bits;
    setInt32(bounds, low, low);
    return;
  }
  const first = (bounds.sminLow << bits) >> bits;
  const second = (bounds.smaxLow << bits) >> bits;
  const sameTop =
    bounds.sminHigh === bounds.smaxHigh &&
    (bits === 0 || ((bounds.sminLow ^ bounds.smaxLow) & ~(-1 >>> bits)) === 0);
  if (sameTop && first >= 0 === second >= 0) {
    setInt32(bounds, Math.min(first, second), Math.max(first, second));
    return;
  }
  const min = S32_MIN >> bits;
  bounds.tnum = Tnum.UNKNOWN;
  bounds.forgetRanges();
  bounds.setSigned(-1, min, 0, ~min);
  bounds.s32min = min;
  bounds.s32max = ~min;
}

/** Sets every range to that of a sign-extended int32 whose sign is known. */
function setInt32(bounds: Bounds, min: number, max: number): void {
  bounds.setSigned(min >> 31, min, max >> 31, max);
  bounds.setUnsigned(min >> 31, min, max >> 31, max);
  bounds.s32min = min;
  bounds.s32max = max;
  bounds.u32minBits = min;
  bounds.u32maxBits = max;
  bounds.tnum = Tnum.rangeOfHalves(min >> 31, min, max >> 31, max);
}

/** As `signExtendTo64`, of the 32-bit views alone; the 64-bit ones are left to a zero extension. */
function signExtendTo32(bounds: Bounds, bits: number): void {
  const { tnum } = bounds;
  if (tnum.isConstant) {
    setInt32(bounds, (tnum.valueLow << bits) >> bits, (tnum.valueLow << bits) >> bits);
    return;
  }
  const first = (bounds.s32min << bits) >> bits;
  const second = (bounds.s32max << bits) >> bits;
  const sameTop = ((bounds.s32min ^ bounds.s32max) & ~(-1 >>> bits)) === 0;
  if (sameTop && first >= 0 === second >= 0) {
    setInt32(bounds, Math.min(first, second), Math.max(first, second));
    return;
  }
  bounds.tnum = Tnum.UNKNOWN;
  bounds.forgetUnsigned32();
  bounds.s32min = S32_MIN >> bits;
  bounds.s32max = ~(S32_MIN >> bits);
}

function loadParts(parts: ScalarParts): Bounds {
  const { umin = 0n, umax = -1n, smin = -(1n << 63n), smax = (1n << 63n) - 1n } = parts;
  scratch.tnum = parts.tnum ?? Tnum.UNKNOWN;
  scratch.setUnsigned(highOf(umin), lowOf(umin), highOf(umax), lowOf(umax));
  scratch.setSigned(highOf(smin), lowOf(smin), highOf(smax), lowOf(smax));
  scratch.u32minBits = (parts.u32min ?? 0) | 0;
  scratch.u32maxBits = (parts.u32max ?? -1) | 0;
  scratch.s32min = parts.s32min ?? S32_MIN;
  scratch.s32max = parts.s32max ?? S32_MAX;
  return scratch;
}

function sameBounds(a: BoundFields, b: BoundFields): boolean {
  return (
    a.umaxLow === b.umaxLow &&
    a.uminLow === b.uminLow &&
    a.umaxHigh === b.umaxHigh &&
    a.uminHigh === b.uminHigh &&
    a.sminLow === b.sminLow &&
    a.smaxLow === b.smaxLow &&
    a.sminHigh === b.sminHigh &&
    a.smaxHigh === b.smaxHigh &&
    a.u32minBits === b.u32minBits &&
    a.u32maxBits === b.u32maxBits &&
    a.s32min === b.s32min &&
    a.s32max === b.s32max &&
    a.tnum.equals(b.tnum)
  );
}

function violationOf(bounds: BoundFields): Violation | undefined {
  const { uminHigh, uminLow, umaxHigh, umaxLow, sminHigh, sminLow, smaxHigh, smaxLow } = bounds;
  const { u32minBits, u32maxBits, s32min, s32max, tnum } = bounds;
  if (
    isBelow(umaxHigh, umaxLow, uminHigh, uminLow) ||
    isLess(smaxHigh, smaxLow, sminHigh, sminLow) ||
    u32minBits >>> 0 > u32maxBits >>> 0 ||
    s32min > s32max
  ) {
    return "range bounds violation";
  }
  const { valueHigh: high, valueLow: low } = tnum;
  if (
    tnum.isConstant &&
    (uminHigh !== high ||
      uminLow !== low ||
      umaxHigh !== high ||
      umaxLow !== low ||
      sminHigh !== high ||
      sminLow !== low ||
      smaxHigh !== high ||
      smaxLow !== low)
  ) {
    return "const tnum out of sync with range bounds";
  }
  if (tnum.isConstant32 && (u32minBits !== low || u32maxBits !== low || s32min !== low || s32max !== low)) {
    return "const subreg tnum out of sync with range bounds";
  }
  return undefined;
}
