// The steps that find a print format's conversions in the text that it printed, from left to right: each
// takes what it knows how to read, notes what it found in a slot, and asks the next step to go on; where
// the text can be cut in more than one way it tries them in turn.
// Gives numbers and places in the text; what they say of the record's fields is inverse.ts's business.

/** What a run of the steps reads and finds. */
export class Scan {
  bytes: Uint8Array = new Uint8Array(0);
  /** The next byte to read, and the end of the text. */
  at = 0;
  end = 0;
  /** Per slot: the halves of a number, the number of a branch, or start and end of a stretch of text. */
  readonly low: Int32Array<ArrayBuffer>;
  readonly high: Int32Array<ArrayBuffer>;
  /** Bytes that may still be looked at again: a text that fits no way gives up instead of trying for ever. */
  budget = 0;
  /** A symbol that is in no table: where it starts and ends; `from` is -1 when there was none. */
  unknownFrom = -1;
  unknownTo = -1;

  constructor(slots: number) {
    this.low = new Int32Array(slots);
    this.high = new Int32Array(slots);
  }
}

/** The budget for one text: about a millisecond. */
export const SCAN_BUDGET = 1_000_000;

/**
 * A step; `match` is true when it and all steps after it fit the text from `scan.at` on. The text ends at
 * `scan.end` or at the first line break that the print format does not have, and `scan.at` is there then.
 */
export abstract class Step {
  abstract match(scan: Scan): boolean;
}

const NEWLINE = 0x0a;
const RETURN = 0x0d;
const SPACE = 0x20;
const MINUS = 0x2d;

/** The line ends here; spaces may be left, which some tools add. */
export class EndStep extends Step {
  match(scan: Scan): boolean {
    const { bytes, end } = scan;
    let { at } = scan;
    while (at < end && bytes[at] !== NEWLINE) {
      if (bytes[at] !== SPACE && bytes[at] !== RETURN) return false;
      at++;
    }
    scan.at = at;
    return true;
  }
}

/** Where the line ends that `at` is in. */
function endOfLine(bytes: Uint8Array, at: number, end: number): number {
  let to = at;
  while (to < end && bytes[to] !== NEWLINE) to++;
  return to > at && bytes[to - 1] === RETURN ? to - 1 : to;
}

/** Text as it stands in the print format. */
export class LiteralStep extends Step {
  readonly text: Uint8Array;
  readonly #next: Step;
  /** Length without spaces at the end of the whole print format. */
  readonly #needed: number;

  constructor(text: string, next: Step) {
    super();
    this.text = Uint8Array.from(text, (char) => char.charCodeAt(0));
    this.#next = next;
    this.#needed = next instanceof EndStep ? text.trimEnd().length : text.length;
  }

  match(scan: Scan): boolean {
    const { text } = this;
    const { bytes, at, end } = scan;
    for (let i = 0; i < text.length; i++) {
      if (at + i < end && bytes[at + i] === text[i]) continue;
      scan.budget -= i;
      // Spaces at the line's end are what editors cut off.
      if (i < this.#needed) return false;
      scan.at = at + i;
      return this.#next.match(scan);
    }
    scan.at = at + text.length;
    return this.#next.match(scan);
  }
}

/** The value of a hex digit, 16 for what is none. */
const HEX = new Uint8Array(256).fill(16);
for (let digit = 0; digit < 16; digit++) {
  const char = digit.toString(16);
  HEX[char.charCodeAt(0)] = digit;
  HEX[char.toUpperCase().charCodeAt(0)] = digit;
}

/** The value of a hex digit, 16 for what is none. */
export function hexDigit(byte: number): number {
  return HEX[byte] as number;
}

/** Reads hex digits from `scan.at` on into a slot; false when there is none, or more than sixteen. */
export function scanHex(scan: Scan, slot: number, maxDigits: number): boolean {
  const { bytes, end } = scan;
  let { at } = scan;
  const last = Math.min(end, at + maxDigits);
  let low = 0;
  let high = 0;
  // Eight digits at a time stay within 32 bits.
  const firstEnd = Math.min(last, at + 8);
  const start = at;
  while (at < firstEnd) {
    const digit = HEX[bytes[at] as number] as number;
    if (digit > 15) break;
    low = (low << 4) | digit;
    at++;
  }
  if (at === firstEnd) {
    while (at < last) {
      const digit = HEX[bytes[at] as number] as number;
      if (digit > 15) break;
      high = (high << 4) | (low >>> 28);
      low = (low << 4) | digit;
      at++;
    }
  }
  if (at === start || at - start > 16) return false;
  scan.low[slot] = low;
  scan.high[slot] = high;
  scan.at = at;
  return true;
}

/**
 * Reads hex digits into a slot and goes on; where what follows may start with a digit too, fewer of them
 * when all are too many.
 */
export function matchHex(scan: Scan, slot: number, maxDigits: number, next: Step): boolean {
  const start = scan.at;
  if (!scanHex(scan, slot, maxDigits)) return false;
  const greedy = scan.at - start;
  if (next.match(scan)) return true;
  if (!(next instanceof LiteralStep) || (HEX[next.text[0] as number] as number) > 15) return false;
  for (let digits = greedy - 1; digits > 0 && --scan.budget >= 0; digits--) {
    scan.at = start;
    if (scanHex(scan, slot, digits) && next.match(scan)) return true;
  }
  return false;
}

/** True when the bytes at `at` are `0x` and at least one digit. */
export function isHexPrefix(bytes: Uint8Array, at: number, end: number): boolean {
  return (
    at + 2 < end &&
    bytes[at] === 0x30 &&
    ((bytes[at + 1] as number) | 0x20) === 0x78 &&
    (HEX[bytes[at + 2] as number] as number) < 16
  );
}

/** Where a fixed word ends that starts at `at`; -1 when it does not stand there. */
export function endOfWord(bytes: Uint8Array, at: number, end: number, word: string): number {
  if (at + word.length > end) return -1;
  for (let i = 0; i < word.length; i++) if (bytes[at + i] !== word.charCodeAt(i)) return -1;
  return at + word.length;
}

/** How a NumberStep reads its digits. */
export interface NumberShape {
  readonly base: 8 | 10 | 16;
  /** True when `0x` before it makes it hex. */
  readonly mayBeHex: boolean;
  /** Bits that the conversion prints. */
  readonly bits: number;
  /** Characters up to which the kernel filled it with spaces, and on which side it stands. */
  readonly width: number;
  readonly left: boolean;
  readonly maxDigits: number;
}

/** `%d`, `%u`, `%x`, `%o`: a number into a slot, sign-extended to 64 bits when it is negative. */
export class NumberStep extends Step {
  readonly shape: NumberShape;
  /** What the conversion can print, with or without a sign. */
  readonly #mostPositive: number;
  readonly #mostNegative: number;
  readonly #slot: number;
  readonly #next: Step;

  constructor(shape: NumberShape, slot: number, next: Step) {
    super();
    this.shape = shape;
    this.#mostPositive = 2 ** shape.bits - 1;
    this.#mostNegative = 2 ** (shape.bits - 1);
    this.#slot = slot;
    this.#next = next;
  }

  match(scan: Scan): boolean {
    const { width, left, maxDigits } = this.shape;
    const { bytes, end } = scan;
    const start = scan.at;
    if (width > 0 && !left) while (scan.at < end && bytes[scan.at] === SPACE) scan.at++;
    const hasPrefix = isHexPrefix(bytes, scan.at, end);
    const base = hasPrefix && this.shape.mayBeHex ? 16 : this.shape.base;
    if (base === 16) {
      if (hasPrefix) scan.at += 2;
      if (!left) return matchHex(scan, this.#slot, maxDigits, this.#next);
      if (!scanHex(scan, this.#slot, maxDigits)) return false;
    } else if (base === 10 ? !this.#scanDecimal(scan) : !this.#scanOctal(scan)) {
      return false;
    }
    if (left) while (scan.at < end && scan.at - start < width && bytes[scan.at] === SPACE) scan.at++;
    return this.#next.match(scan);
  }

  #scanDecimal(scan: Scan): boolean {
    const { bytes } = scan;
    let { at } = scan;
    const negative = bytes[at] === MINUS;
    if (negative || bytes[at] === 0x2b) at++;
    const start = at;
    const end = Math.min(scan.end, at + this.shape.maxDigits);
    let value = 0;
    while (at < end) {
      const digit = (bytes[at] as number) - 0x30;
      if (digit < 0 || digit > 9) break;
      value = value * 10 + digit;
      at++;
    }
    if (at === start) return false;
    scan.at = at;
    if (value <= Number.MAX_SAFE_INTEGER) {
      if (value > (negative ? this.#mostNegative : this.#mostPositive)) return false;
      const low = value | 0;
      const high = value < 0x100000000 ? 0 : Math.floor(value / 0x100000000) | 0;
      scan.low[this.#slot] = negative ? -low : low;
      scan.high[this.#slot] = negative ? ~high + (low === 0 ? 1 : 0) : high;
      return true;
    }
    return this.#storeLarge(scan, start, at, negative);
  }

  #storeLarge(scan: Scan, start: number, end: number, negative: boolean): boolean {
    let magnitude = 0n;
    for (let at = start; at < end; at++)
      magnitude = magnitude * 10n + BigInt((scan.bytes[at] as number) - 0x30);
    if (magnitude > (negative ? 1n << 63n : (1n << 64n) - 1n)) return false;
    const value = negative ? -magnitude : magnitude;
    scan.low[this.#slot] = Number(BigInt.asIntN(32, value));
    scan.high[this.#slot] = Number(BigInt.asIntN(32, value >> 32n));
    return true;
  }

  #scanOctal(scan: Scan): boolean {
    const { bytes, end } = scan;
    const start = scan.at;
    let low = 0;
    let high = 0;
    while (scan.at < end) {
      const digit = (bytes[scan.at] as number) - 0x30;
      if (digit < 0 || digit > 7) break;
      high = (high << 3) | (low >>> 29);
      low = (low << 3) | digit;
      scan.at++;
    }
    scan.low[this.#slot] = low;
    scan.high[this.#slot] = high;
    return scan.at > start && scan.at - start <= 23;
  }
}

/** Notes where a text starts that is filled with spaces; skips those before it. */
export class PadStartStep extends Step {
  readonly #slot: number;
  readonly #left: boolean;
  readonly #next: Step;

  constructor(slot: number, left: boolean, next: Step) {
    super();
    this.#slot = slot;
    this.#left = left;
    this.#next = next;
  }

  match(scan: Scan): boolean {
    scan.low[this.#slot] = scan.at;
    if (!this.#left) while (scan.at < scan.end && scan.bytes[scan.at] === SPACE) scan.at++;
    return this.#next.match(scan);
  }
}

/** Skips the spaces behind a text that is filled up to a width. */
export class PadEndStep extends Step {
  readonly #slot: number;
  readonly #width: number;
  readonly #next: Step;

  constructor(slot: number, width: number, next: Step) {
    super();
    this.#slot = slot;
    this.#width = width;
    this.#next = next;
  }

  match(scan: Scan): boolean {
    const end = Math.min(scan.end, (scan.low[this.#slot] as number) + this.#width);
    while (scan.at < end && scan.bytes[scan.at] === SPACE) scan.at++;
    return this.#next.match(scan);
  }
}

/** `%c`: one byte into a slot. */
export class CharStep extends Step {
  readonly #slot: number;
  readonly #next: Step;

  constructor(slot: number, next: Step) {
    super();
    this.#slot = slot;
    this.#next = next;
  }

  match(scan: Scan): boolean {
    if (scan.at >= scan.end || scan.bytes[scan.at] === NEWLINE) return false;
    scan.low[this.#slot] = scan.bytes[scan.at++] as number;
    scan.high[this.#slot] = 0;
    return this.#next.match(scan);
  }
}

/** What a TextStep may take. */
export interface TextShape {
  /** Bytes at most. */
  readonly maxLength: number;
  /** Width up to which the kernel filled the text with spaces, and on which side it stands. */
  readonly width: number;
  readonly left: boolean;
}

/** `%s`: text up to the first place where what comes next fits, into a slot; its length into another. */
export class TextStep extends Step {
  readonly shape: TextShape;
  readonly #slot: number;
  readonly #lengthSlot: number;
  readonly #next: Step;

  constructor(shape: TextShape, slot: number, lengthSlot: number, next: Step) {
    super();
    this.shape = shape;
    this.#slot = slot;
    this.#lengthSlot = lengthSlot;
    this.#next = next;
  }

  match(scan: Scan): boolean {
    const { bytes } = scan;
    const start = scan.at;
    const next = this.#next;
    if (next instanceof EndStep) return this.#take(scan, start, endOfLine(bytes, start, scan.end));
    // The first byte of what comes next, where that is known: everything else is skipped fast.
    const mark = next instanceof LiteralStep ? (next.text[0] as number) : -1;
    const last = Math.min(scan.end, start + Math.max(this.shape.maxLength, this.shape.width));
    for (let at = start; at <= last; at++) {
      if (mark >= 0) {
        const from = at;
        while (at < last && bytes[at] !== mark && bytes[at] !== NEWLINE) at++;
        scan.budget -= at - from;
      }
      if (--scan.budget < 0) return false;
      if (this.#take(scan, start, at)) return true;
      if (bytes[at] === NEWLINE) return false;
    }
    return false;
  }

  #take(scan: Scan, from: number, to: number): boolean {
    const { bytes } = scan;
    const { width, left, maxLength } = this.shape;
    let start = from;
    let end = to;
    if (width > 0 && end - start === width) {
      if (left) while (end > start && bytes[end - 1] === SPACE) end--;
      else while (end > start && bytes[start] === SPACE) start++;
    }
    if (end - start > maxLength) return false;
    scan.low[this.#slot] = start;
    scan.high[this.#slot] = end;
    scan.low[this.#lengthSlot] = end - start;
    scan.high[this.#lengthSlot] = 0;
    scan.at = to;
    return this.#next.match(scan);
  }
}

/** One of several ways to go on; the number of the one that fits goes into a slot. */
export class ChoiceStep extends Step {
  readonly #slot: number;
  /** The numbers of the branches in the order in which they are tried, with their steps. */
  readonly #branches: readonly (readonly [number, Step])[];

  constructor(slot: number, branches: readonly (readonly [number, Step])[]) {
    super();
    this.#slot = slot;
    this.#branches = branches;
  }

  match(scan: Scan): boolean {
    const start = scan.at;
    for (const [branch, step] of this.#branches) {
      if (--scan.budget < 0) return false;
      scan.at = start;
      scan.low[this.#slot] = branch;
      if (step.match(scan)) {
        // A nested choice of the other branch may share nothing, but this slot is ours alone.
        scan.low[this.#slot] = branch;
        return true;
      }
    }
    return false;
  }
}
