// Writes the record of an event that user code fires: the values given by name, at the offsets of the event's
// format, strings and arrays of varying length behind the fixed part as the kernel lays them out.

import type { GuestMemory } from "../memory.ts";
import type { FormatField, TracepointFormat } from "./format.ts";

/** What a field may be given as: a number, text or bytes for arrays, a list of numbers for arrays of them. */
export type FieldValue = number | bigint | boolean | string | Uint8Array | readonly (number | bigint)[];

/** The kernel stores no record larger than this (PERF_MAX_TRACE_SIZE). */
const MAX_RECORD = 8192;

const roundUp = (bytes: number): number => Math.ceil(bytes / 8) * 8;

const encoder = new TextEncoder();

const quote = (value: unknown): string => (typeof value === "string" ? JSON.stringify(value) : String(value));

/** An integer, truth value or pointer as the unsigned bits of `size` bytes; both readings of the sign are fine. */
function integerBits(value: unknown, size: number, place: string): bigint {
  if (typeof value === "boolean") return value ? 1n : 0n;
  if (typeof value !== "bigint" && !Number.isSafeInteger(value)) {
    throw new TypeError(`${place}: expected a whole number, got ${quote(value)}`);
  }
  const bits = BigInt(value as number | bigint);
  const width = BigInt(size * 8);
  if (bits >= 1n << width || bits < -(1n << (width - 1n))) {
    throw new RangeError(`${place}: expected a number of ${width} bits, got ${quote(value)}`);
  }
  return BigInt.asUintN(size * 8, bits);
}

function writeInteger(memory: GuestMemory, at: number, size: number, value: unknown, place: string): void {
  let bits = integerBits(value, size, place);
  for (let index = 0; index < size; index++, bits >>= 8n) memory.store8(at + index, Number(bits & 0xffn));
}

/** The bytes of an array field; text gets its NUL. */
function arrayBytes(field: FormatField, value: FieldValue, place: string): Uint8Array {
  if (typeof value === "string") return encoder.encode(`${value}\0`);
  if (value instanceof Uint8Array) return value;
  if (!Array.isArray(value))
    throw new TypeError(`${place}: expected text, bytes or a list, got ${quote(value)}`);
  const size = field.elementSize;
  const bytes = new Uint8Array(value.length * size);
  for (const [index, element] of value.entries()) {
    let bits = integerBits(element, size, `${place}[${index}]`);
    for (let byte = 0; byte < size; byte++, bits >>= 8n) bytes[index * size + byte] = Number(bits & 0xffn);
  }
  return bytes;
}

/** Writes records of one event. */
export class RecordWriter {
  readonly format: TracepointFormat;
  /** Bytes that the largest record takes: formats may declare more than the kernel stores. */
  readonly capacity: number;
  readonly #fields: ReadonlyMap<string, FormatField>;

  constructor(format: TracepointFormat) {
    this.format = format;
    this.capacity = Math.max(MAX_RECORD, roundUp(format.size));
    this.#fields = new Map([...format.commonFields, ...format.fields].map((field) => [field.name, field]));
  }

  /**
   * Writes a record at `at`, where `capacity` bytes are free; fields that are not given are zero, but for the event's
   * type and `pid`, that of the task. Gives its size, a multiple of eight. Throws a TypeError for a field that the
   * event does not have, a TypeError or RangeError for a value that does not fit.
   */
  write(memory: GuestMemory, at: number, values: Readonly<Record<string, FieldValue>>, pid = 0): number {
    const { format } = this;
    let end = format.size;
    memory.fill(at, 0, roundUp(end));
    this.#common(memory, at, "common_type", format.id);
    this.#common(memory, at, "common_pid", pid);
    for (const name in values) {
      const field = this.#fields.get(name);
      if (field === undefined)
        throw new TypeError(`${format.name}: expected one of its fields, got "${name}"`);
      end = this.#field(memory, at, end, field, values[name]);
    }
    return roundUp(end);
  }

  #common(memory: GuestMemory, at: number, name: string, value: number): void {
    const field = this.#fields.get(name);
    if (field !== undefined) writeInteger(memory, at + field.offset, field.size, value, name);
  }

  /** Writes one field; gives the end of the record. */
  #field(memory: GuestMemory, at: number, end: number, field: FormatField, value: FieldValue): number {
    const place = `${this.format.name}.${field.name}`;
    if (field.dataLoc === "none" && !field.isArray) {
      writeInteger(memory, at + field.offset, field.size, value, place);
      return end;
    }
    const bytes = arrayBytes(field, value, place);
    if (field.dataLoc === "none" && field.size > 0) {
      // Text may fill its array to the last byte, as comm does not but other fields do.
      const length = typeof value === "string" ? Math.min(bytes.length, field.size) : bytes.length;
      if (length > field.size)
        throw new RangeError(`${place}: expected at most ${field.size} bytes, got ${length}`);
      memory.write(at + field.offset, bytes.subarray(0, length));
      return end;
    }
    if (end + bytes.length > this.capacity) {
      throw new RangeError(
        `${place}: expected a record of at most ${this.capacity} bytes, got ${end + bytes.length}`,
      );
    }
    memory.fill(at + end, 0, roundUp(end + bytes.length) - end);
    memory.write(at + end, bytes);
    if (field.dataLoc !== "none") {
      const base = field.dataLoc === "rel_loc" ? field.offset + field.size : 0;
      memory.store32(at + field.offset, (bytes.length << 16) | (end - base));
    }
    return end + bytes.length;
  }
}
