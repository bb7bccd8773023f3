// One runtime's linear memory, and the JavaScript side of `Mem`: the handle through which the sources in
// assembly/portable reach it (assembly/memory.ts is the Wasm side). Guest addresses are offsets in it.

import { Limit } from "../assembly/shared/layout.ts";

declare global {
  /** 32 bits, signed; what AssemblyScript calls them. */
  type i32 = number;
  type bool = boolean;

  /** What the portable sources may do with memory: little-endian, any alignment, unsigned where it says so. */
  interface Mem {
    load8(at: i32): i32;
    load16(at: i32): i32;
    load32(at: i32): i32;
    store8(at: i32, value: i32): void;
    store16(at: i32, value: i32): void;
    store32(at: i32, value: i32): void;
    /** A 64-bit word, by its halves. */
    store64(at: i32, low: i32, high: i32): void;
    copy(to: i32, from: i32, size: i32): void;
    fill(at: i32, value: i32, size: i32): void;
    equal(a: i32, b: i32, size: i32): bool;
    mul(a: i32, b: i32): i32;
    below(a: i32, b: i32): bool;
    rem(a: i32, b: i32): i32;
  }
}

const PAGE = 65536;
/**
 * 16 MiB to start with. Pages that nobody touches cost nothing, and memory that never grows never detaches a buffer:
 * once one is detached, V8 tests every access of every typed array of the process for it.
 */
const INITIAL_PAGES = 256;

/** The backing store: a WebAssembly.Memory where there is one, else (no Wasm at all) a resizable buffer. */
function allocateStore(pages: number): WebAssembly.Memory | ArrayBuffer {
  if (typeof WebAssembly === "object" && typeof WebAssembly.Memory === "function") {
    return new WebAssembly.Memory({ initial: pages, maximum: Math.ceil(Limit.MEMORY / PAGE) });
  }
  return new ArrayBuffer(pages * PAGE);
}

/** What this package's types say of a WebAssembly.Memory: not every user's environment has a type of that name. */
export interface WasmMemory {
  readonly buffer: ArrayBuffer;
  grow(pages: number): number;
}

/**
 * Linear memory that grows. The views are replaced whenever it does: take `u8`, `i32` or `view` anew after
 * anything that may allocate, never keep one.
 */
export class GuestMemory implements Mem {
  declare u8: Uint8Array<ArrayBuffer>;
  declare i32: Int32Array<ArrayBuffer>;
  declare view: DataView<ArrayBuffer>;
  #store: WebAssembly.Memory | ArrayBuffer;

  constructor() {
    // Test runners walk the enumerable properties of what they compare or print: not through every byte of memory.
    const hidden = { writable: true, enumerable: false, value: undefined };
    Object.defineProperties(this, { u8: hidden, i32: hidden, view: hidden });
    this.#store = allocateStore(INITIAL_PAGES);
    this.#refresh();
  }

  /** The WebAssembly.Memory itself, for engines that are Wasm; a TypeError where there is no Wasm. */
  get wasm(): WasmMemory {
    if (this.#store instanceof ArrayBuffer)
      throw new TypeError("expected WebAssembly, got an environment without it");
    return this.#store;
  }

  /** Bytes in all. */
  get size(): number {
    return this.u8.length;
  }

  /** Makes memory reach at least to `end`; a RangeError past the limit, or when the host has no more. */
  growTo(end: number): void {
    if (end <= this.size) return;
    if (end > Limit.MEMORY) {
      throw new RangeError(`linear memory: expected at most ${Limit.MEMORY} bytes, got a need of ${end}`);
    }
    // Half as much again, so that many small maps do not each replace every view.
    const wanted = Math.min(Limit.MEMORY, Math.max(end, this.size + (this.size >>> 1)));
    const pages = Math.ceil(wanted / PAGE);
    if (this.#store instanceof ArrayBuffer) {
      const larger = new ArrayBuffer(pages * PAGE);
      new Uint8Array(larger).set(this.u8);
      this.#store = larger;
    } else {
      this.#store.grow(pages - this.size / PAGE);
    }
    this.#refresh();
  }

  #refresh(): void {
    const buffer = this.#store instanceof ArrayBuffer ? this.#store : this.#store.buffer;
    this.u8 = new Uint8Array(buffer);
    this.i32 = new Int32Array(buffer);
    this.view = new DataView(buffer);
  }

  load8(at: i32): i32 {
    return this.u8[at] as number;
  }
  load16(at: i32): i32 {
    return this.view.getUint16(at, true);
  }
  load32(at: i32): i32 {
    return this.view.getInt32(at, true);
  }
  store8(at: i32, value: i32): void {
    this.u8[at] = value;
  }
  store16(at: i32, value: i32): void {
    this.view.setUint16(at, value, true);
  }
  store32(at: i32, value: i32): void {
    this.view.setInt32(at, value, true);
  }
  store64(at: i32, low: i32, high: i32): void {
    this.view.setInt32(at, low, true);
    this.view.setInt32(at + 4, high, true);
  }
  copy(to: i32, from: i32, size: i32): void {
    const { u8 } = this;
    if (size > 64) u8.copyWithin(to, from, from + size);
    else if (to > from) for (let i = size - 1; i >= 0; i--) u8[to + i] = u8[from + i] as number;
    else for (let i = 0; i < size; i++) u8[to + i] = u8[from + i] as number;
  }
  fill(at: i32, value: i32, size: i32): void {
    this.u8.fill(value, at, at + size);
  }
  equal(a: i32, b: i32, size: i32): bool {
    const { u8 } = this;
    for (let i = 0; i < size; i++) if (u8[a + i] !== u8[b + i]) return false;
    return true;
  }
  mul(a: i32, b: i32): i32 {
    return Math.imul(a, b);
  }
  below(a: i32, b: i32): bool {
    return a >>> 0 < b >>> 0;
  }
  rem(a: i32, b: i32): i32 {
    return ((a >>> 0) % (b >>> 0)) | 0;
  }

  /** A 64-bit number, unsigned. */
  loadU64(at: number): bigint {
    return this.view.getBigUint64(at, true);
  }
  storeU64(at: number, value: bigint): void {
    this.view.setBigUint64(at, value, true);
  }
  /** A copy of a stretch of memory. */
  read(at: number, size: number): Uint8Array<ArrayBuffer> {
    return this.u8.slice(at, at + size);
  }
  write(at: number, bytes: Uint8Array): void {
    this.u8.set(bytes, at);
  }
}
