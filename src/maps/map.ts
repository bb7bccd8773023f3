// A map as the host sees it: bytes in and out with the kernel's semantics and errors, and, where the types of
// key and value are known, JavaScript values. The data plane is the one that programs use
// (assembly/portable/maps), so host and programs see the same bytes at the same time.

import { mapDelete, mapLookup, mapNextKey, mapUpdate } from "../../assembly/portable/maps/map.ts";
import { Bpf, Errno, MapType } from "../../assembly/shared/codes.ts";
import { MapHeader } from "../../assembly/shared/layout.ts";
import { MAP_TYPE_NAMES } from "../map-type-names.ts";
import type { MapSpec } from "../program.ts";
import type { Runtime } from "../runtime.ts";
import { type Codec, codecOf } from "./codec.ts";
import { checkMapSpec, type MapLayout, type MapTypeRow } from "./map-types.ts";

/** The kernel's errno names that map operations give. */
const ERRNO_NAMES: Readonly<Record<number, string>> = {
  [Errno.EPERM]: "EPERM",
  [Errno.ENOENT]: "ENOENT",
  [Errno.E2BIG]: "E2BIG",
  [Errno.EEXIST]: "EEXIST",
  [Errno.EINVAL]: "EINVAL",
  [Errno.ENOTSUPP]: "ENOTSUPP",
};

/** A map refused an operation; `code` is the kernel's errno name, e.g. `Errno.E2BIG` for a full map. */
export class MapError extends Error {
  override readonly name = "MapError";
  readonly code: string;
  readonly errno: number;

  constructor(map: string, operation: string, errno: number) {
    const code = ERRNO_NAMES[errno] ?? `errno ${errno}`;
    super(`map ${map}: ${operation}: ${code}`);
    this.code = code;
    this.errno = errno;
  }
}

/** The maps of each runtime, by the address of their header. */
const mapsOf = new WeakMap<Runtime, Map<number, BpfMap>>();

/** The map whose header is at `address`. */
export function mapAt(runtime: Runtime, address: number): BpfMap {
  const map = mapsOf.get(runtime)?.get(address);
  if (map === undefined) throw new RangeError(`expected the address of a map, got ${address}`);
  return map;
}

/**
 * One map. `K` and `V` are what keys and values look like in JavaScript: decoded through BTF where the map has
 * types, numbers (bigints from 8 bytes on) for sizes 1, 2, 4 and 8 without them, else bytes.
 */
export class BpfMap<K = unknown, V = unknown> {
  readonly runtime: Runtime;
  readonly spec: MapSpec;
  readonly row: MapTypeRow;
  /** Unique in the runtime. */
  readonly id: number;
  /** Address of the header: what programs get as the map's pointer. */
  readonly address: number;
  /** Where values lie, for checked access. */
  readonly layout: MapLayout;
  readonly #keys: Codec<K>;
  readonly #values: Codec<V>;
  /** Staging for the host's keys and values: key, next key, value. */
  readonly #staging: number;
  #frozen = false;
  #holders = 1;

  /** Throws a RangeError when the kernel would refuse the definition, or memory does not suffice. */
  constructor(runtime: Runtime, spec: MapSpec) {
    this.row = checkMapSpec(spec);
    this.runtime = runtime;
    this.spec = spec;
    const { memory, heap } = runtime;
    this.address = heap.allocate(MapHeader.SIZE, true);
    this.#staging = heap.allocate(2 * this.#keyRoom + spec.valueSize);
    try {
      this.layout = this.row.layOut(runtime, this.address, spec);
    } catch (error) {
      heap.free(this.address);
      heap.free(this.#staging);
      throw error instanceof RangeError
        ? new RangeError(`map ${spec.name}: ${error.message}`, { cause: error })
        : error;
    }
    this.id = runtime.takeId();
    memory.store32(this.address + MapHeader.TYPE, this.row.type);
    memory.store32(this.address + MapHeader.KEY_SIZE, spec.keySize);
    memory.store32(this.address + MapHeader.VALUE_SIZE, spec.valueSize);
    memory.store32(this.address + MapHeader.MAX_ENTRIES, spec.maxEntries);
    memory.store32(this.address + MapHeader.FLAGS, spec.flags);
    memory.store32(this.address + MapHeader.ID, this.id);
    this.#keys = codecOf<K>(spec.btf, spec.keyType, spec.keySize);
    this.#values = codecOf<V>(spec.btf, spec.valueType, spec.valueSize);
    if (spec.contents !== undefined) memory.write(this.layout.valuesStart, spec.contents);
    this.#frozen = spec.frozen ?? false;
    const known = mapsOf.get(runtime) ?? new Map<number, BpfMap>();
    mapsOf.set(runtime, known.set(this.address, this as BpfMap));
  }

  get name(): string {
    return this.spec.name;
  }

  /** The kernel's name of its type, as bpftool prints it. */
  get typeName(): string {
    return MAP_TYPE_NAMES[this.spec.type];
  }

  get #keyRoom(): number {
    return Math.ceil(this.spec.keySize / 8) * 8;
  }

  /** True when the host may not write any more. */
  get isFrozen(): boolean {
    return this.#frozen;
  }

  /** From now on the host may not write any more (BPF_MAP_FREEZE); programs may. */
  freeze(): void {
    this.#frozen = true;
  }

  /** Throws a TypeError once nobody holds the map: its memory may be somebody else's by now. */
  checkOpen(): void {
    if (this.#holders === 0) throw new TypeError(`map ${this.name}: expected an open map, got a closed one`);
  }

  /** One more holder, a program say; the map's memory lives until the last one closes it. */
  hold(): this {
    this.checkOpen();
    this.#holders++;
    return this;
  }

  /** Gives the map up; its memory is freed when nobody holds it any more. */
  close(): void {
    if (this.#holders === 0 || --this.#holders > 0) return;
    mapsOf.get(this.runtime)?.delete(this.address);
    const { heap } = this.runtime;
    for (const block of [this.address, this.#staging, ...this.layout.blocks]) heap.free(block);
  }

  // ---- bytes, with the kernel's errors ----

  /** A copy of the value under `key`, or undefined. Throws a MapError (Errno.EPERM) for a write-only map. */
  lookupBytes(key: Uint8Array): Uint8Array<ArrayBuffer> | undefined {
    this.#mayRead("lookup");
    const at = mapLookup(this.runtime.memory, this.address, this.#stage(key, 0, this.spec.keySize, "key"));
    return at === 0 ? undefined : this.runtime.memory.read(at, this.spec.valueSize);
  }

  /**
   * Stores a value; `flags` as BPF_ANY, BPF_NOEXIST, BPF_EXIST. 0, or the kernel's errno, negative: -Errno.E2BIG (full,
   * or past an array's end), -Errno.EEXIST, -Errno.ENOENT, -Errno.EINVAL, -Errno.EPERM (frozen or read-only).
   */
  tryUpdateBytes(key: Uint8Array, value: Uint8Array, flags: bigint | number = 0): number {
    if (this.#frozen || (this.spec.flags & Bpf.F_RDONLY) !== 0) return -Errno.EPERM;
    const keyAt = this.#stage(key, 0, this.spec.keySize, "key");
    const valueAt = this.#stage(value, 2 * this.#keyRoom, this.spec.valueSize, "value");
    const bits = BigInt.asUintN(64, BigInt(flags));
    const low = Number(bits & 0xffffffffn) | 0;
    return mapUpdate(this.runtime.memory, this.address, keyAt, valueAt, low, Number(bits >> 32n) | 0);
  }

  /** Removes a key. 0, or the kernel's errno, negative: -Errno.ENOENT, -Errno.EINVAL (an array), -Errno.EPERM. */
  tryDeleteBytes(key: Uint8Array): number {
    if (this.#frozen || (this.spec.flags & Bpf.F_RDONLY) !== 0) return -Errno.EPERM;
    return mapDelete(this.runtime.memory, this.address, this.#stage(key, 0, this.spec.keySize, "key"));
  }

  /**
   * Removes a key; gives a copy of its value, or undefined when it was not there. Throws a MapError: ENOTSUPP for an array,
   * EPERM for a map that the host may not read and write.
   */
  takeBytes(key: Uint8Array): Uint8Array<ArrayBuffer> | undefined {
    const mustNot = Bpf.F_RDONLY | Bpf.F_WRONLY;
    if (this.#frozen || (this.spec.flags & mustNot) !== 0) throw new MapError(this.name, "take", Errno.EPERM);
    if (this.row.type === MapType.ARRAY) throw new MapError(this.name, "take", Errno.ENOTSUPP);
    const value = this.lookupBytes(key);
    if (value !== undefined) this.tryDeleteBytes(key);
    return value;
  }

  /** The key after `key`; the first one without `key`, and for a hash also when `key` is gone. Undefined at the end. */
  nextKeyBytes(key?: Uint8Array): Uint8Array<ArrayBuffer> | undefined {
    this.#mayRead("get_next_key");
    const keyAt = key === undefined ? 0 : this.#stage(key, 0, this.spec.keySize, "key");
    const out = this.#staging + this.#keyRoom;
    if (mapNextKey(this.runtime.memory, this.address, keyAt, out) !== 0) return undefined;
    return this.runtime.memory.read(out, this.spec.keySize);
  }

  // ---- JavaScript values ----

  /** The value under `key`, or undefined. */
  get(key: K): V | undefined {
    const bytes = this.lookupBytes(this.#keys.encode(key, "key"));
    return bytes === undefined ? undefined : this.#values.decode(bytes);
  }

  has(key: K): boolean {
    return this.lookupBytes(this.#keys.encode(key, "key")) !== undefined;
  }

  /** Stores a value; throws a MapError with the kernel's errno name when the map refuses it. */
  set(key: K, value: V, flags: bigint | number = 0): this {
    const result = this.tryUpdateBytes(
      this.#keys.encode(key, "key"),
      this.#values.encode(value, "value"),
      flags,
    );
    if (result < 0) throw new MapError(this.name, "update", -result);
    return this;
  }

  /** Removes a key; false when it was not there, a MapError when the map does not allow it. */
  delete(key: K): boolean {
    const result = this.tryDeleteBytes(this.#keys.encode(key, "key"));
    if (result === -Errno.ENOENT) return false;
    if (result < 0) throw new MapError(this.name, "delete", -result);
    return true;
  }

  /** Removes a key and gives its value, or undefined; errors as `takeBytes`. */
  take(key: K): V | undefined {
    const bytes = this.takeBytes(this.#keys.encode(key, "key"));
    return bytes === undefined ? undefined : this.#values.decode(bytes);
  }

  /** Every key and value as bytes. A key that is removed meanwhile makes a hash start again, as in the kernel. */
  *entriesBytes(): Generator<[Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>]> {
    for (let key = this.nextKeyBytes(); key !== undefined; key = this.nextKeyBytes(key)) {
      const value = this.lookupBytes(key);
      if (value !== undefined) yield [key, value];
    }
  }

  *entries(): Generator<[K, V]> {
    for (const [key, value] of this.entriesBytes())
      yield [this.#keys.decode(key), this.#values.decode(value)];
  }

  [Symbol.iterator](): Generator<[K, V]> {
    return this.entries();
  }

  #mayRead(operation: string): void {
    this.checkOpen();
    if ((this.spec.flags & Bpf.F_WRONLY) !== 0) throw new MapError(this.name, operation, Errno.EPERM);
  }

  /** Copies a key or value to the staging block; gives its address there. */
  #stage(bytes: Uint8Array, offset: number, size: number, what: string): number {
    this.checkOpen();
    if (bytes.length !== size) {
      throw new RangeError(`map ${this.name}: expected a ${what} of ${size} bytes, got ${bytes.length}`);
    }
    this.runtime.memory.write(this.#staging + offset, bytes);
    return this.#staging + offset;
  }
}
