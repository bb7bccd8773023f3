// What a verified program is run on here: a context in the runtime's memory with all that it points to, made as
// the kernel's BPF_PROG_TEST_RUN makes it. Reading it back after the run gives what that would give.

import type { GuestBuffer, Runtime } from "../runtime.ts";
import type { ContextStruct } from "../verifier/contexts/field.ts";

/** Bytes that the caller gives. */
export interface TestInput {
  /** The packet, from its link layer's header on. */
  readonly data?: Uint8Array | undefined;
  /** The context's own bytes. */
  readonly ctx?: Uint8Array | undefined;
}

/** A context, ready for one run. */
export interface TestContext {
  /** What r1 is to point to. */
  readonly buffer: GuestBuffer;
  /** The packet, or, of a program that sees none, the context, as the run left it. */
  readData(): Uint8Array;
  /** The context as the run left it, where the caller gave one beside a packet. */
  readContext(): Uint8Array | undefined;
  free(): void;
}

/** What BPF_PROG_TEST_RUN refuses with EINVAL, and why. */
export class TestInputError extends Error {
  override readonly name = "TestInputError";
}

/** A packet's shortest form: an Ethernet header. */
export const ETHERNET_HEADER = 14;

/** Fails where a context's bytes say something that the kernel does not let the caller say. */
export function expectZero(bytes: Uint8Array, from: number, to: number): void {
  const at = bytes.subarray(from, to).findIndex((byte) => byte !== 0);
  if (at !== -1) {
    throw new TestInputError(`ctx: expected zero at offset ${from + at}, got ${bytes[from + at]}`);
  }
}

/** A packet of `size` bytes or more, the caller's. */
export function expectPacket(data: Uint8Array | undefined, size: number): Uint8Array {
  if (data !== undefined && data.length >= size) return data;
  const got = data === undefined ? "none" : `${data.length}`;
  throw new TestInputError(`data: expected a packet of at least ${size} bytes, got ${got}`);
}

/** A context cut or filled up with zeros to `size` bytes; what is cut off must be zero. */
export function fitContext(ctx: Uint8Array, size: number): Uint8Array {
  expectZero(ctx, size, ctx.length);
  const bytes = new Uint8Array(size);
  bytes.set(ctx.subarray(0, size));
  return bytes;
}

/** Where the fields of a context struct start, by name. */
export function fieldOffsets(struct: ContextStruct): (name: string) => number {
  const offsets = new Map(struct.fields.map(({ name, offset }) => [name, offset]));
  return (name) => {
    const offset = offsets.get(name);
    if (offset === undefined) throw new RangeError(`field: expected one of ${struct.name}, got ${name}`);
    return offset;
  };
}

/** Blocks of guest memory that are given back together. */
export class Blocks {
  readonly runtime: Runtime;
  readonly #buffers: GuestBuffer[] = [];

  constructor(runtime: Runtime) {
    this.runtime = runtime;
  }

  /** Zeroed memory of that size. */
  allocate(size: number): GuestBuffer {
    const buffer = this.runtime.allocateBuffer(size);
    this.#buffers.push(buffer);
    return buffer;
  }

  /** Bytes, with so much room before and behind; gives the address of the first. */
  place(bytes: Uint8Array, headroom: number, tailroom: number): number {
    const { address } = this.allocate(headroom + bytes.length + tailroom);
    this.runtime.memory.write(address + headroom, bytes);
    return address + headroom;
  }

  free(): void {
    for (const buffer of this.#buffers.splice(0)) this.runtime.freeBuffer(buffer);
  }
}
