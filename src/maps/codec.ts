// How keys and values look in JavaScript: through BTF where the map has types; without them numbers for 1, 2
// and 4 bytes, bigints for 8, bytes for the rest.

import type { Btf } from "../btf/btf.ts";
import { codecOf as btfCodec } from "../btf/codec.ts";

export interface Codec<T> {
  decode(bytes: Uint8Array): T;
  /** Throws a TypeError or RangeError that starts with `name` when the value does not fit. */
  encode(value: T, name: string): Uint8Array;
}

/** Plain numbers of `size` bytes: unsigned out, signed or unsigned in. */
function numberCodec(size: 1 | 2 | 4 | 8): Codec<number | bigint> {
  const limit = 1n << BigInt(size * 8);
  return {
    decode(bytes) {
      const view = new DataView(bytes.buffer, bytes.byteOffset, size);
      if (size === 8) return view.getBigUint64(0, true);
      return size === 4 ? view.getUint32(0, true) : size === 2 ? view.getUint16(0, true) : view.getUint8(0);
    },
    encode(value, name) {
      if (typeof value !== "bigint" && !Number.isSafeInteger(value)) {
        if (typeof value !== "number") throw new TypeError(`${name}: expected a number, got ${typeof value}`);
        throw new RangeError(`${name}: expected a whole number, got ${value}`);
      }
      const wanted = BigInt(value);
      if (wanted >= limit || wanted < -(limit >> 1n)) {
        throw new RangeError(`${name}: expected a number of ${size * 8} bits, got ${value}`);
      }
      const bytes = new Uint8Array(8);
      new DataView(bytes.buffer).setBigUint64(0, BigInt.asUintN(64, wanted), true);
      return bytes.subarray(0, size);
    },
  };
}

const bytesCodec: Codec<Uint8Array> = {
  decode: (bytes) => bytes,
  encode(value, name) {
    if (!(value instanceof Uint8Array))
      throw new TypeError(`${name}: expected a Uint8Array, got ${typeof value}`);
    return value;
  },
};

/** The codec for a type of `btf`, or for a size where there is no type (or one that does not have that size). */
export function codecOf<T>(btf: Btf | undefined, typeId: number | undefined, size: number): Codec<T> {
  if (btf !== undefined && typeId !== undefined && typeId !== 0) {
    const codec = btfCodec(btf, typeId);
    if (codec.size === size) return codec as unknown as Codec<T>;
  }
  const plain = size === 1 || size === 2 || size === 4 || size === 8 ? numberCodec(size) : bytesCodec;
  return plain as unknown as Codec<T>;
}
