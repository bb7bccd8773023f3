// 64-bit operations of the TypeScript interpreter on pairs of int32 in the register file: `d` is the index of
// the lower half of dst, the upper one follows; `low` and `high` are the other operand. Division by
// zero, the smallest number by -1 and shift amounts are as in RFC 9669 §4.1.

const TWO_32 = 0x1_0000_0000;
/** Upper halves below this make numbers below 2^53, which doubles divide exactly. */
const EXACT_HIGH = 0x20_0000;

/** Upper 32 bits of the unsigned product of two int32. */
export function mulHigh(a: number, b: number): number {
  const aLow = a & 0xffff;
  const aHigh = a >>> 16;
  const bLow = b & 0xffff;
  const bHigh = b >>> 16;
  const middle = (Math.imul(aHigh, bLow) >>> 0) + (Math.imul(aLow, bLow) >>> 16);
  const other = (Math.imul(aLow, bHigh) >>> 0) + (middle & 0xffff);
  return (Math.imul(aHigh, bHigh) + (middle >>> 16) + (other >>> 16)) | 0;
}

export function lsh64(i32: Int32Array, d: number, amount: number): void {
  const n = amount & 63;
  if (n === 0) return;
  const low = i32[d];
  i32[d + 1] = n < 32 ? (i32[d + 1] << n) | (low >>> (32 - n)) : low << (n - 32);
  i32[d] = n < 32 ? low << n : 0;
}

export function rsh64(i32: Int32Array, d: number, amount: number): void {
  const n = amount & 63;
  if (n === 0) return;
  const high = i32[d + 1];
  i32[d] = n < 32 ? (i32[d] >>> n) | (high << (32 - n)) : high >>> (n - 32);
  i32[d + 1] = n < 32 ? high >>> n : 0;
}

export function arsh64(i32: Int32Array, d: number, amount: number): void {
  const n = amount & 63;
  if (n === 0) return;
  const high = i32[d + 1];
  i32[d] = n < 32 ? (i32[d] >>> n) | (high << (32 - n)) : high >> (n - 32);
  i32[d + 1] = n < 32 ? high >> n : high >> 31;
}

export function swap16(value: number): number {
  return ((value & 0xff) << 8) | ((value >>> 8) & 0xff);
}

export function swap32(value: number): number {
  return (value << 24) | ((value & 0xff00) << 8) | ((value >>> 8) & 0xff00) | (value >>> 24);
}

const isExact = (high: number): boolean => high >>> 0 < EXACT_HIGH;
const toDouble = (low: number, high: number): number => (high >>> 0) * TWO_32 + (low >>> 0);
const toBig = (low: number, high: number): bigint => (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0);

function put(i32: Int32Array, d: number, value: number): void {
  i32[d] = value % TWO_32;
  i32[d + 1] = value / TWO_32;
}

function putBig(i32: Int32Array, d: number, value: bigint): void {
  i32[d] = Number(value & 0xffffffffn);
  i32[d + 1] = Number((value >> 32n) & 0xffffffffn);
}

export function div64(i32: Int32Array, d: number, low: number, high: number): void {
  if ((low | high) === 0) put(i32, d, 0);
  else if (isExact(i32[d + 1]) && isExact(high)) {
    put(i32, d, Math.floor(toDouble(i32[d], i32[d + 1]) / toDouble(low, high)));
  } else putBig(i32, d, toBig(i32[d], i32[d + 1]) / toBig(low, high));
}

export function mod64(i32: Int32Array, d: number, low: number, high: number): void {
  if ((low | high) === 0) return;
  if (isExact(i32[d + 1]) && isExact(high)) {
    put(i32, d, toDouble(i32[d], i32[d + 1]) % toDouble(low, high));
  } else putBig(i32, d, toBig(i32[d], i32[d + 1]) % toBig(low, high));
}

function negate(i32: Int32Array, d: number): void {
  const low = i32[d];
  i32[d + 1] = ~i32[d + 1] + (low === 0 ? 1 : 0);
  i32[d] = -low;
}

/** Lower and upper half of the operand's magnitude. */
const magnitudeLow = (low: number, high: number): number => (high < 0 ? -low | 0 : low);
const magnitudeHigh = (low: number, high: number): number =>
  high < 0 ? (~high + (low === 0 ? 1 : 0)) | 0 : high;

export function sdiv64(i32: Int32Array, d: number, low: number, high: number): void {
  const dividendIsNegative = i32[d + 1] < 0;
  if (dividendIsNegative) negate(i32, d);
  div64(i32, d, magnitudeLow(low, high), magnitudeHigh(low, high));
  if (dividendIsNegative !== high < 0) negate(i32, d);
}

/** The remainder has the sign of the dividend. */
export function smod64(i32: Int32Array, d: number, low: number, high: number): void {
  const dividendIsNegative = i32[d + 1] < 0;
  if (dividendIsNegative) negate(i32, d);
  mod64(i32, d, magnitudeLow(low, high), magnitudeHigh(low, high));
  if (dividendIsNegative) negate(i32, d);
}
