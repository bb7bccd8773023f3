// How keys and values look in JavaScript: through BTF where the map has types; without them numbers for 1, 2
// and 4 bytes, bigints for 8, bytes for the rest.

import type { Btf } from "../btf/btf.ts";

export interface Codec<T> {
  decode(bytes: Uint8Array): T;
  /** Throws a TypeError or RangeError that names `path` when the value does not fit. */
  encode(value: T, path: string): Uint8Array;
}

function unsignedCodec(size: number): Codec<number | bigint> {
  const limit = 1n << BigInt(size * 8);
  return {
    decode(bytes) {
      const view = new DataView(bytes.buffer, bytes.byteOffset, size);
      if (size === 8) return view.getBigUint64(0, true);
      return size === 4 ? view.getUint32(0, true) : size === 2 ? view.getUint16(0, true) : view.getUint8(0);
    },
    encode(value, path) {
      if (typeof value !== "number" && typeof value !== "bigint") {
        throw new TypeError(`${path}: expected a number, got ${typeof value}`);
      }
      if (typeof value === "number" && !Number.isSafeInteger(value)) {
        throw new RangeError(`${path}: expected a whole number, got ${value}`);
      }
      const wanted = BigInt(value);
      if (wanted >= limit || wanted < -(limit >> 1n))
        throw new RangeError(`${path}: expected ${size * 8} bits, got ${value}`);
      const bytes = new Uint8Array(8);
      new DataView(bytes.buffer).setBigUint64(0, BigInt.asUintN(64, wanted), true);
      return bytes.subarray(0, size);
    },
  };
}

const bytesCodec: Codec<Uint8Array> = {
  decode: (bytes) => bytes,
  encode(value, path) {
    if (!(value instanceof Uint8Array))
      throw new TypeError(`${path}: expected a Uint8Array, got ${typeof value}`);
    return value;
  },
};

/** The codec for a type of `btf`, or for a size where there is no type. */
export function codecOf<T>(_btf: Btf | undefined, _typeId: number | undefined, size: number): Codec<T> {
  const codec = size === 1 || size === 2 || size === 4 || size === 8 ? unsignedCodec(size) : bytesCodec;
  return codec as unknown as Codec<T>;
}
