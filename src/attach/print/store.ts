// Writes what the steps of scan.ts found into a record: one small object per piece of a field. Numbers are
// written in halves of 32 bits without bigints wherever a field is printed as it is; only arithmetic needs
// more. A store that stands in a branch of a choice works only when that branch was found.

import type { Expression } from "./c-expression.ts";
import { evaluateInteger, type Scope, Unprintable } from "./evaluate.ts";
import type { Scan } from "./scan.ts";
import { ByteSink, type BytesReader } from "./scan-bytes.ts";

/** A choice's slot, and the branch that must have been found. */
export interface Guard {
  readonly slot: number;
  readonly branch: number;
}

/** Writes one piece of a record. */
export abstract class Store {
  readonly #guards: readonly Guard[];
  /** False for a store that works for every text. */
  readonly isGuarded: boolean;

  constructor(guards: readonly Guard[]) {
    this.#guards = guards;
    this.isGuarded = guards.length > 0;
  }

  /** True when the branches were found in which the store stands. */
  isActive(scan: Scan): boolean {
    for (const { slot, branch } of this.#guards) if (scan.low[slot] !== branch) return false;
    return true;
  }

  abstract store(scan: Scan, view: DataView, bytes: Uint8Array, at: number): void;
}

/** Writes the lower `size` bytes of a 64-bit number in halves. */
function writeHalves(view: DataView, at: number, size: number, low: number, high: number): void {
  if (size === 8) {
    view.setInt32(at, low, true);
    view.setInt32(at + 4, high, true);
  } else if (size === 4) view.setInt32(at, low, true);
  else if (size === 2) view.setInt16(at, low, true);
  else view.setInt8(at, low);
}

/** A number that is printed as it is. */
export class NumberStore extends Store {
  readonly #slot: number;
  readonly #offset: number;
  readonly #size: number;

  constructor(guards: readonly Guard[], slot: number, offset: number, size: number) {
    super(guards);
    this.#slot = slot;
    this.#offset = offset;
    this.#size = size;
  }

  store(scan: Scan, view: DataView, _bytes: Uint8Array, at: number): void {
    const low = scan.low[this.#slot] as number;
    writeHalves(view, at + this.#offset, this.#size, low, scan.high[this.#slot] as number);
  }
}

/** Some bits of a field of at most 32 bits: the number, shifted left by `shift` (right when negative). */
export class BitsStore extends Store {
  readonly #slot: number;
  readonly #offset: number;
  readonly #size: number;
  readonly #shift: number;
  readonly #mask: number;

  constructor(
    guards: readonly Guard[],
    slot: number,
    offset: number,
    size: number,
    shift: number,
    mask: number,
  ) {
    super(guards);
    this.#slot = slot;
    this.#offset = offset;
    this.#size = size;
    this.#shift = shift;
    this.#mask = mask;
  }

  store(scan: Scan, view: DataView, _bytes: Uint8Array, base: number): void {
    const at = base + this.#offset;
    const low = scan.low[this.#slot] as number;
    const shift = this.#shift;
    const value =
      shift >= 0 ? low << shift : (low >>> -shift) | ((scan.high[this.#slot] as number) << (32 + shift));
    const old =
      this.#size === 4
        ? view.getInt32(at, true)
        : this.#size === 2
          ? view.getInt16(at, true)
          : view.getInt8(at);
    writeHalves(view, at, this.#size, (old & ~this.#mask) | (value & this.#mask), 0);
  }
}

/** The number in a slot, signed, 64 bits. */
function slotValue(scan: Scan, slot: number): bigint {
  return (BigInt(scan.high[slot] as number) << 32n) | BigInt((scan.low[slot] as number) >>> 0);
}

/** A 64-bit number in halves. */
interface Halves {
  readonly low: number;
  readonly high: number;
}

function halvesOf(value: bigint): Halves {
  return { low: Number(BigInt.asIntN(32, value)), high: Number(BigInt.asIntN(32, value >> 32n)) };
}

/** Replaces the bits of a field of 1, 2, 4 or 8 bytes that the mask has. */
function writeMasked(view: DataView, at: number, size: number, value: Halves, mask: Halves): void {
  let old: number;
  if (size >= 4) old = view.getInt32(at, true);
  else old = size === 2 ? view.getInt16(at, true) : view.getInt8(at);
  const low = (old & ~mask.low) | (value.low & mask.low);
  let high = 0;
  if (size === 8) high = (view.getInt32(at + 4, true) & ~mask.high) | (value.high & mask.high);
  writeHalves(view, at, size, low, high);
}

/** True when every byte of a field is zero. */
function isZero(view: DataView, at: number, size: number): boolean {
  for (let i = 0; i < size; i++) if (view.getUint8(at + i) !== 0) return false;
  return true;
}

/** A number that arithmetic stands between it and the field; undoes the arithmetic. */
export class ArithmeticStore extends Store {
  readonly #slot: number;
  readonly #offset: number;
  readonly #size: number;
  readonly #undo: (value: bigint) => bigint;
  readonly #mask: Halves;

  constructor(
    guards: readonly Guard[],
    slot: number,
    offset: number,
    size: number,
    undo: (value: bigint) => bigint,
    mask: bigint,
  ) {
    super(guards);
    this.#slot = slot;
    this.#offset = offset;
    this.#size = size;
    this.#undo = undo;
    this.#mask = halvesOf(mask);
  }

  store(scan: Scan, view: DataView, _bytes: Uint8Array, at: number): void {
    const value = this.#undo(slotValue(scan, this.#slot));
    writeMasked(view, at + this.#offset, this.#size, halvesOf(value), this.#mask);
  }
}

/** What a branch says of a field: some of its bits. */
export class ConstantStore extends Store {
  readonly #offset: number;
  readonly #size: number;
  readonly #value: Halves;
  readonly #mask: Halves;

  constructor(guards: readonly Guard[], offset: number, size: number, value: bigint, mask: bigint) {
    super(guards);
    this.#offset = offset;
    this.#size = size;
    this.#value = halvesOf(value);
    this.#mask = halvesOf(mask);
  }

  store(_scan: Scan, view: DataView, _bytes: Uint8Array, at: number): void {
    writeMasked(view, at + this.#offset, this.#size, this.#value, this.#mask);
  }
}

/** What a branch says of a field of which only this is known: it is not zero. */
export class NonZeroStore extends Store {
  readonly #offset: number;
  readonly #size: number;
  readonly #value: Halves;

  constructor(guards: readonly Guard[], offset: number, size: number, value: bigint) {
    super(guards);
    this.#offset = offset;
    this.#size = size;
    this.#value = halvesOf(value);
  }

  store(_scan: Scan, view: DataView, _bytes: Uint8Array, at: number): void {
    if (!isZero(view, at + this.#offset, this.#size)) return;
    writeHalves(view, at + this.#offset, this.#size, this.#value.low, this.#value.high);
  }
}

/** Text into a `char` array. */
export class TextStore extends Store {
  readonly #slot: number;
  readonly #offset: number;
  readonly #size: number;

  constructor(guards: readonly Guard[], slot: number, offset: number, size: number) {
    super(guards);
    this.#slot = slot;
    this.#offset = offset;
    this.#size = size;
  }

  store(scan: Scan, _view: DataView, bytes: Uint8Array, at: number): void {
    const from = scan.low[this.#slot] as number;
    const length = Math.min(this.#size, (scan.high[this.#slot] as number) - from);
    for (let i = 0; i < length; i++) bytes[at + this.#offset + i] = scan.bytes[from + i] as number;
  }
}

/** Several bytes in another notation into a field. */
export class BytesStore extends Store {
  readonly #slot: number;
  readonly #reader: BytesReader;
  readonly #offset: number;
  readonly #size: number;
  readonly #sink = new ByteSink();

  constructor(guards: readonly Guard[], slot: number, reader: BytesReader, offset: number, size: number) {
    super(guards);
    this.#slot = slot;
    this.#reader = reader;
    this.#offset = offset;
    this.#size = size;
  }

  store(scan: Scan, _view: DataView, bytes: Uint8Array, at: number): void {
    const sink = this.#sink;
    sink.length = 0;
    this.#reader(scan.bytes, scan.low[this.#slot] as number, scan.high[this.#slot] as number, sink);
    const length = Math.min(this.#size, sink.length);
    for (let i = 0; i < length; i++) bytes[at + this.#offset + i] = sink.bytes[i] as number;
  }
}

/**
 * A value behind the fixed fields. The inverse gives it its place before it stores the record:
 *
 *   +--------------+---------------------------+---------+---------+
 *   | fixed fields | length << 16 | offset     | value   | value   |
 *   +--------------+---------------------------+---------+---------+
 *                    the field itself, 4 bytes   in the order of the fields, no gaps
 */
export abstract class DynamicStore extends Store {
  /** Where the field is that holds the location. */
  readonly fieldOffset: number;
  readonly #relative: boolean;
  /** Bytes from the record's start; set for each record. */
  protected place = 0;
  protected length = 0;

  constructor(guards: readonly Guard[], fieldOffset: number, relative: boolean) {
    super(guards);
    this.fieldOffset = fieldOffset;
    this.#relative = relative;
  }

  /** Takes the place behind `end` bytes of record; gives the new end. */
  reserve(scan: Scan, end: number): number {
    this.place = end;
    this.length = this.measure(scan);
    return end + this.length;
  }

  /** Bytes that the value takes. */
  protected abstract measure(scan: Scan): number;
  protected abstract write(scan: Scan, bytes: Uint8Array, at: number): void;

  store(scan: Scan, view: DataView, bytes: Uint8Array, at: number): void {
    const offset = this.#relative ? this.place - this.fieldOffset - 4 : this.place;
    view.setUint32(at + this.fieldOffset, ((this.length << 16) | (offset & 0xffff)) >>> 0, true);
    this.write(scan, bytes, at + this.place);
  }
}

/** A string with its zero. */
export class DynamicTextStore extends DynamicStore {
  readonly #slot: number;

  constructor(guards: readonly Guard[], slot: number, fieldOffset: number, relative: boolean) {
    super(guards, fieldOffset, relative);
    this.#slot = slot;
  }

  protected override measure(scan: Scan): number {
    return (scan.high[this.#slot] as number) - (scan.low[this.#slot] as number) + 1;
  }

  protected override write(scan: Scan, bytes: Uint8Array, at: number): void {
    const from = scan.low[this.#slot] as number;
    for (let i = 0; i < this.length - 1; i++) bytes[at + i] = scan.bytes[from + i] as number;
    bytes[at + this.length - 1] = 0;
  }
}

/** An array in another notation. */
export class DynamicBytesStore extends DynamicStore {
  readonly #slot: number;
  readonly #reader: BytesReader;
  readonly #sink = new ByteSink();

  constructor(
    guards: readonly Guard[],
    slot: number,
    reader: BytesReader,
    fieldOffset: number,
    relative: boolean,
  ) {
    super(guards, fieldOffset, relative);
    this.#slot = slot;
    this.#reader = reader;
  }

  protected override measure(scan: Scan): number {
    const sink = this.#sink;
    sink.length = 0;
    this.#reader(scan.bytes, scan.low[this.#slot] as number, scan.high[this.#slot] as number, sink);
    return sink.length;
  }

  protected override write(_scan: Scan, bytes: Uint8Array, at: number): void {
    bytes.set(this.#sink.bytes.subarray(0, this.length), at);
  }
}

/** A number that sums one field that is not known with others that are: evaluates the others. */
export class RemainderStore extends Store {
  readonly #slot: number;
  readonly #offset: number;
  readonly #size: number;
  readonly #expression: Expression;
  readonly #sign: 1n | -1n;
  readonly #scope: Omit<Scope, "view" | "at" | "size">;
  readonly #recordSize: number;

  constructor(
    slot: number,
    field: { readonly offset: number; readonly size: number },
    expression: Expression,
    sign: 1n | -1n,
    scope: Omit<Scope, "view" | "at" | "size">,
  ) {
    super([]);
    this.#slot = slot;
    this.#offset = field.offset;
    this.#size = field.size;
    this.#expression = expression;
    this.#sign = sign;
    this.#scope = scope;
    this.#recordSize = scope.format.size;
  }

  store(scan: Scan, view: DataView, _bytes: Uint8Array, at: number): void {
    try {
      const others = evaluateInteger(this.#expression, { ...this.#scope, view, at, size: this.#recordSize });
      const { low, high } = halvesOf((slotValue(scan, this.#slot) - others) * this.#sign);
      writeHalves(view, at + this.#offset, this.#size, low, high);
    } catch (error) {
      // A division by a field that is zero here: the field stays zero, as if it had not been printed.
      if (!(error instanceof Unprintable)) throw error;
    }
  }
}
