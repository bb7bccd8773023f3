// How one number, truth value, string or bitfield is read from bytes and written to them. Little-endian, any
// alignment. Says what it expected when a value does not fit; where in the whole value that was, codec.ts adds.

/** A decoded value: numbers up to 32 bits and floats, bigints, booleans, strings, bytes, lists and structs. */
export type BtfValue =
  | number
  | bigint
  | boolean
  | string
  | Uint8Array
  | BtfValue[]
  | { [member: string]: BtfValue };

/** Reads and writes values of one type at a byte offset; the caller has checked that `size` bytes are there. */
export interface ValueCodec {
  /** Bytes. */
  readonly size: number;
  /** Scalars in one value: bounds the work of reading it. */
  readonly scalars: number;
  read(view: DataView, at: number): BtfValue;
  /** Writes into zeroed bytes. Throws a Mismatch. */
  write(view: DataView, at: number, value: unknown): void;
}

/** A value that its type cannot hold; the path to it grows on the way out. */
export class Mismatch {
  path = "";
  readonly expected: string;
  readonly value: unknown;
  /** The value is of the right kind, only out of range. */
  readonly isRange: boolean;

  constructor(expected: string, value: unknown, isRange: boolean) {
    this.expected = expected;
    this.value = value;
    this.isRange = isRange;
  }
}

/** A value as messages show it: short, on one line. */
export function show(value: unknown): string {
  switch (typeof value) {
    case "string": {
      const text = JSON.stringify(value);
      return text.length <= 40 ? text : `${text.slice(0, 37)}..."`;
    }
    case "bigint":
    case "number":
    case "boolean":
    case "undefined":
      return String(value);
    case "object":
      if (value === null) return "null";
      if (Array.isArray(value)) return `an array of ${value.length}`;
      return ArrayBuffer.isView(value) ? `${value.byteLength} bytes` : "an object";
    default:
      return `a ${typeof value}`;
  }
}

/** `value` when it is an integer in low..high; throws a Mismatch otherwise. */
function integerIn(low: number | bigint, high: number | bigint, value: unknown): number | bigint {
  const isNumeric = typeof value === "bigint" || typeof value === "number";
  if (!isNumeric || (typeof value === "number" && !Number.isInteger(value))) {
    throw new Mismatch(`an integer in ${low}..${high}`, value, isNumeric);
  }
  if (value < low || value > high) throw new Mismatch(`${low}..${high}`, value, true);
  return value;
}

/** A bigint as the type that values of so many bits have. */
const sized = (value: bigint, bits: number): number | bigint => (bits <= 32 ? Number(value) : value);

function lowest(bits: number, isSigned: boolean): number | bigint {
  return sized(isSigned ? -(1n << BigInt(bits - 1)) : 0n, bits);
}

function highest(bits: number, isSigned: boolean): number | bigint {
  return sized((1n << BigInt(isSigned ? bits - 1 : bits)) - 1n, bits);
}

/** The unsigned number in `size` bytes at `at`. */
function readBytes(view: DataView, at: number, size: number): bigint {
  let value = 0n;
  for (let i = size - 1; i >= 0; i--) value = (value << 8n) | BigInt(view.getUint8(at + i));
  return value;
}

function writeBytes(view: DataView, at: number, size: number, value: bigint): void {
  for (let i = 0; i < size; i++) view.setUint8(at + i, Number((value >> BigInt(8 * i)) & 255n));
}

type Read = (view: DataView, at: number) => number | bigint;

const READ_UNSIGNED: Readonly<Record<number, Read>> = {
  1: (view, at) => view.getUint8(at),
  2: (view, at) => view.getUint16(at, true),
  4: (view, at) => view.getUint32(at, true),
  8: (view, at) => view.getBigUint64(at, true),
};

const READ_SIGNED: Readonly<Record<number, Read>> = {
  1: (view, at) => view.getInt8(at),
  2: (view, at) => view.getInt16(at, true),
  4: (view, at) => view.getInt32(at, true),
  8: (view, at) => view.getBigInt64(at, true),
};

/** Both signs: a DataView takes any number modulo its width. */
const WRITE: Readonly<Record<number, (view: DataView, at: number, value: number | bigint) => void>> = {
  1: (view, at, value) => view.setUint8(at, Number(value)),
  2: (view, at, value) => view.setUint16(at, Number(value), true),
  4: (view, at, value) => view.setUint32(at, Number(value), true),
  8: (view, at, value) => view.setBigUint64(at, BigInt(value), true),
};

/** What an integer may be given as: the numbers of its type, or (`anyPattern`) of both signs. */
interface IntegerOptions {
  readonly isSigned: boolean;
  readonly anyPattern?: boolean;
}

/** An integer of `size` bytes (1..16): a number up to 4, else a bigint. */
export function integerCodec(size: number, options: IntegerOptions): ValueCodec {
  const { isSigned, anyPattern = false } = options;
  const bits = 8 * size;
  const low = lowest(bits, isSigned || anyPattern);
  const high = highest(bits, isSigned && !anyPattern);
  const read = (isSigned ? READ_SIGNED : READ_UNSIGNED)[size];
  const write = WRITE[size] ?? ((view, at, value) => writeBytes(view, at, size, BigInt(value)));
  return {
    size,
    scalars: 1,
    read: read ?? ((view, at) => narrowed(readBytes(view, at, size), bits, isSigned)),
    write: (view, at, value) => write(view, at, integerIn(low, high, value)),
  };
}

/** The low `bits` of `value` as a number, or a bigint where a number has not enough of them. */
function narrowed(value: bigint, bits: number, isSigned: boolean): number | bigint {
  return sized(isSigned ? BigInt.asIntN(bits, value) : BigInt.asUintN(bits, value), bits);
}

/** A truth value of `size` bytes; false and true may be given as 0 and 1, too. */
export function booleanCodec(size: number): ValueCodec {
  return {
    size,
    scalars: 1,
    read: (view, at) => readBytes(view, at, size) !== 0n,
    write: (view, at, value) => writeBytes(view, at, size, truth(value)),
  };
}

function truth(value: unknown): bigint {
  if (typeof value === "boolean") return value ? 1n : 0n;
  if (value === 0 || value === 1 || value === 0n || value === 1n) return BigInt(value);
  throw new Mismatch("true or false", value, false);
}

/** What the bits of a bitfield stand for. */
export type BitfieldMeaning = "signed" | "unsigned" | "boolean" | "pattern";

/**
 * A bitfield of `bits` bits (1..128) that starts `bitOffset` (0..7) bits into its first byte. Writing keeps
 * the bits around it.
 */
export function bitfieldCodec(bitOffset: number, bits: number, meaning: BitfieldMeaning): ValueCodec {
  const size = Math.ceil((bitOffset + bits) / 8);
  const shift = BigInt(bitOffset);
  const mask = BigInt(highest(bits, false));
  const low = lowest(bits, meaning === "signed" || meaning === "pattern");
  const high = highest(bits, meaning === "signed");
  return {
    size,
    scalars: 1,
    read(view, at) {
      const field = (readBytes(view, at, size) >> shift) & mask;
      return meaning === "boolean" ? field !== 0n : narrowed(field, bits, meaning === "signed");
    },
    write(view, at, value) {
      const field = meaning === "boolean" ? truth(value) : BigInt(integerIn(low, high, value)) & mask;
      const around = readBytes(view, at, size) & ~(mask << shift);
      writeBytes(view, at, size, around | (field << shift));
    },
  };
}

/** A float or a double; other sizes (half, long double) are their bytes. */
export function floatCodec(size: number): ValueCodec {
  if (size !== 4 && size !== 8) return bytesCodec(size);
  return {
    size,
    scalars: 1,
    read: (view, at) => (size === 4 ? view.getFloat32(at, true) : view.getFloat64(at, true)),
    write(view, at, value) {
      if (typeof value !== "number" && typeof value !== "bigint")
        throw new Mismatch("a number", value, false);
      if (size === 4) view.setFloat32(at, Number(value), true);
      else view.setFloat64(at, Number(value), true);
    },
  };
}

function bytesAt(view: DataView, at: number, size: number): Uint8Array {
  return new Uint8Array(view.buffer as ArrayBuffer, view.byteOffset + at, size);
}

/** Exactly `size` bytes, as they are. */
function bytesCodec(size: number): ValueCodec {
  return {
    size,
    scalars: 1,
    read: (view, at) => bytesAt(view, at, size).slice(),
    write(view, at, value) {
      if (!(value instanceof Uint8Array)) throw new Mismatch(`a Uint8Array of ${size}`, value, false);
      if (value.length !== size) throw new Mismatch(`${size} bytes`, value, true);
      bytesAt(view, at, size).set(value);
    },
  };
}

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
const encoder = new TextEncoder();

/**
 * `char[size]`: UTF-8 up to the first NUL, or to the end when there is none; bytes that are no UTF-8 read as
 * U+FFFD. Written from a string or from bytes, at most `size` of them, the rest zero.
 */
export function stringCodec(size: number): ValueCodec {
  return {
    size,
    scalars: 1 + size / 64,
    read(view, at) {
      const bytes = bytesAt(view, at, size);
      const end = bytes.indexOf(0);
      // A copy: decoders refuse shared memory.
      return decoder.decode(bytes.slice(0, end === -1 ? size : end));
    },
    write(view, at, value) {
      if (typeof value !== "string" && !(value instanceof Uint8Array)) {
        throw new Mismatch("a string or a Uint8Array", value, false);
      }
      const bytes = typeof value === "string" ? encoder.encode(value) : value;
      if (bytes.length > size) throw new Mismatch(`at most ${size} bytes`, value, true);
      bytesAt(view, at, size).set(bytes);
    },
  };
}
