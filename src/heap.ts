// Who owns which bytes of a runtime's memory: best fit over free ranges that are merged when neighbours
// come free, so that programs and maps can come and go for days. Blocks that guests may hold pointers
// into are also listed in linear memory, sorted, for the probe reads of every engine.

import { At, Limit, ProbeRegion } from "../assembly/shared/layout.ts";
import { InternalError } from "./errors.ts";
import type { GuestMemory } from "./memory.ts";

const ALIGNMENT = 16;

interface Block {
  readonly size: number;
  /** What was asked for; `size` is that, rounded up. */
  readonly asked: number;
  readonly visible: boolean;
}

interface FreeRange {
  start: number;
  end: number;
}

export class Heap {
  readonly memory: GuestMemory;
  readonly #blocks = new Map<number, Block>();
  /** Sorted by address, never touching each other; the last may be cut from fresh memory. */
  #free: FreeRange[] = [];
  #end = Limit.GUEST_START;
  /** Starts of visible blocks, sorted; mirrored into linear memory with their ends. */
  #visible: number[] = [];
  #tableCapacity = 0;

  constructor(memory: GuestMemory) {
    this.memory = memory;
  }

  /** Bytes handed out and not given back. */
  get used(): number {
    let sum = 0;
    for (const block of this.#blocks.values()) sum += block.size;
    return sum;
  }

  /**
   * Zeroed memory of `size` bytes at a multiple of 16. `visible` blocks may be read by probe reads.
   * Throws a RangeError when the memory's limit does not allow it.
   */
  allocate(size: number, visible = false): number {
    if (!Number.isSafeInteger(size) || size < 0 || size > Limit.MEMORY) {
      throw new RangeError(`allocate: expected 0..${Limit.MEMORY} bytes, got ${size}`);
    }
    const rounded = Math.max(ALIGNMENT, Math.ceil(size / ALIGNMENT) * ALIGNMENT);
    const start = this.#take(rounded);
    this.#blocks.set(start, { size: rounded, asked: size, visible });
    if (visible && size > 0) this.#show(start);
    return start;
  }

  /** Gives a block back. */
  free(start: number): void {
    const block = this.#blocks.get(start);
    if (block === undefined) throw new InternalError(`free: no block at ${start}`);
    this.#blocks.delete(start);
    if (block.visible && block.asked > 0) this.#hide(start);
    this.#release(start, start + block.size);
  }

  #take(size: number): number {
    let best = -1;
    for (const [index, range] of this.#free.entries()) {
      const room = range.end - range.start;
      if (room < size) continue;
      const bestRange = this.#free[best];
      if (bestRange === undefined || room < bestRange.end - bestRange.start) best = index;
    }
    const range = this.#free[best];
    if (range === undefined) {
      const start = this.#end;
      this.memory.growTo(start + size);
      this.#end = start + size;
      return start;
    }
    const start = range.start;
    range.start += size;
    if (range.start === range.end) this.#free.splice(best, 1);
    this.memory.fill(start, 0, size);
    return start;
  }

  #release(start: number, end: number): void {
    const at = lowerBound(this.#free.length, (index) => (this.#free[index] as FreeRange).start < start);
    const before = this.#free[at - 1];
    const after = this.#free[at];
    const joinsBefore = before !== undefined && before.end === start;
    const joinsAfter = after !== undefined && after.start === end;
    if (joinsBefore && joinsAfter) {
      before.end = after.end;
      this.#free.splice(at, 1);
    } else if (joinsBefore) before.end = end;
    else if (joinsAfter) after.start = start;
    else this.#free.splice(at, 0, { start, end });
  }

  #show(start: number): void {
    const at = lowerBound(this.#visible.length, (index) => (this.#visible[index] as number) < start);
    this.#visible.splice(at, 0, start);
    this.#writeTable(at);
  }

  #hide(start: number): void {
    const at = this.#visible.indexOf(start);
    this.#visible.splice(at, 1);
    this.#writeTable(at);
  }

  /** Writes the table from entry `from` on; moves it to a larger block first when it is full. */
  #writeTable(from: number): void {
    const { memory } = this;
    let table = memory.load32(At.PROBE_REGIONS);
    let first = from;
    if (this.#visible.length > this.#tableCapacity) {
      const old = table;
      this.#tableCapacity = Math.max(64, this.#tableCapacity * 2);
      table = this.allocate(this.#tableCapacity * ProbeRegion.SIZE);
      memory.store32(At.PROBE_REGIONS, table);
      if (old !== 0) this.free(old);
      first = 0;
    }
    for (let index = first; index < this.#visible.length; index++) {
      const start = this.#visible[index] as number;
      const block = this.#blocks.get(start) as Block;
      memory.store32(table + index * ProbeRegion.SIZE, start);
      memory.store32(table + index * ProbeRegion.SIZE + 4, start + block.asked);
    }
    memory.store32(At.PROBE_COUNT, this.#visible.length);
  }
}

/** The first index of a sorted list for which `isBefore` does not hold. */
function lowerBound(length: number, isBefore: (index: number) => boolean): number {
  let low = 0;
  let high = length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (isBefore(middle)) low = middle + 1;
    else high = middle;
  }
  return low;
}
