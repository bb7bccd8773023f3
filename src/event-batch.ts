// Events on their way through an engine: records in linear memory (EVENT_*), each with its context, time, CPU
// and task, and after the run its r0. Sources write contexts straight into linear memory and add them here.

import { EventRecord, TaskRecord } from "../assembly/shared/layout.ts";
import type { Runtime } from "./runtime.ts";
import { type TracedTask, taskKey, writeTask } from "./task.ts";

const TWO_32 = 0x1_0000_0000;

export class EventBatch {
  readonly runtime: Runtime;
  /** Events that fit. */
  readonly capacity: number;
  /** Address of the first record. */
  readonly address: number;
  /** True when all events bring their time, which may be 0: none of them gets the clock's. */
  readonly isTimed: boolean;
  #count = 0;
  /** Bytes of the shortest context that was added since `clear`. */
  #leastContext = Number.POSITIVE_INFINITY;
  /** Record address of the program that all events are for, or 0 when they differ or are for none yet. */
  #program = 0;
  /** Task records, which lie behind the event records: at most one per event. */
  #taskCount = 0;
  /** Their addresses. */
  readonly #tasks = new Map<string, number>();

  constructor(runtime: Runtime, capacity: number, isTimed = false) {
    this.runtime = runtime;
    this.capacity = capacity;
    this.isTimed = isTimed;
    this.address = runtime.heap.allocate(capacity * (EventRecord.SIZE + TaskRecord.SIZE));
  }

  get count(): number {
    return this.#count;
  }

  get leastContext(): number {
    return this.#leastContext;
  }

  get isFull(): boolean {
    return this.#count === this.capacity;
  }

  /**
   * Adds an event; gives its index. `context` is an address in guest memory, `timeNs` nanoseconds as a number (0: the
   * clock at the run, unless the batch is timed), `task` what `task` gave (default: the idle task), `program` the record
   * of the program to run, for batches over several programs. Throws a RangeError when the batch is full.
   */
  add(context: number, size: number, timeNs = 0, cpu = 0, task = this.runtime.idleTask, program = 0): number {
    if (this.#count === this.capacity)
      throw new RangeError(`batch: expected at most ${this.capacity} events, got one more`);
    const { view } = this.runtime.memory;
    const at = this.address + this.#count * EventRecord.SIZE;
    view.setUint32(at + EventRecord.CONTEXT, context, true);
    view.setUint32(at + EventRecord.CONTEXT_SIZE, size, true);
    view.setUint32(at + EventRecord.TIME, timeNs % TWO_32, true);
    view.setUint32(at + EventRecord.TIME + 4, timeNs / TWO_32, true);
    view.setUint32(at + EventRecord.TASK, task, true);
    view.setUint32(at + EventRecord.CPU, cpu, true);
    view.setUint32(at + EventRecord.PROGRAM, program, true);
    this.#program = 0;
    if (size < this.#leastContext) this.#leastContext = size;
    return this.#count++;
  }

  /**
   * Address of a record of `task`, for `add`; good until the batch is cleared. Throws a RangeError when there are more
   * distinct tasks than events fit.
   */
  task(task: TracedTask): number {
    const key = taskKey(task);
    const known = this.#tasks.get(key);
    if (known !== undefined) return known;
    const index = this.#taskCount;
    if (index === this.capacity)
      throw new RangeError(`batch: expected at most ${this.capacity} tasks, got one more`);
    const address = this.address + this.capacity * EventRecord.SIZE + index * TaskRecord.SIZE;
    writeTask(this.runtime.memory, address, task);
    this.#tasks.set(key, address);
    this.#taskCount++;
    return address;
  }

  /** Lets go of what finds tasks again, for a batch that is kept but not added to; events keep their tasks. */
  forgetTasks(): void {
    this.#tasks.clear();
  }

  /** Forgets all events and tasks; the contexts are the caller's. */
  clear(): void {
    this.#count = 0;
    this.#leastContext = Number.POSITIVE_INFINITY;
    this.#taskCount = 0;
    this.#tasks.clear();
    this.#program = 0;
  }

  /** Names the program that all events are for. */
  aim(program: number): void {
    if (this.#program === program) return;
    const { view } = this.runtime.memory;
    const end = this.address + this.#count * EventRecord.SIZE;
    for (let at = this.address; at < end; at += EventRecord.SIZE)
      view.setUint32(at + EventRecord.PROGRAM, program, true);
    this.#program = program;
  }

  /** Gives every event without a time this one; of a timed batch none is without. */
  stamp(time: bigint): void {
    if (this.isTimed) return;
    const { view } = this.runtime.memory;
    const end = this.address + this.#count * EventRecord.SIZE;
    for (let at = this.address + EventRecord.TIME; at < end; at += EventRecord.SIZE) {
      if (view.getInt32(at, true) === 0 && view.getInt32(at + 4, true) === 0)
        view.setBigUint64(at, time, true);
    }
  }

  /** Moves every event's time by `delta` nanoseconds. */
  shift(delta: number): void {
    const { view } = this.runtime.memory;
    const end = this.address + this.#count * EventRecord.SIZE;
    for (let at = this.address + EventRecord.TIME; at < end; at += EventRecord.SIZE) {
      const time = view.getUint32(at, true) + view.getUint32(at + 4, true) * TWO_32 + delta;
      view.setUint32(at, time % TWO_32, true);
      view.setUint32(at + 4, time / TWO_32, true);
    }
  }

  /** Forgets the events from `count` on. */
  truncate(count: number): void {
    this.#count = Math.min(this.#count, count);
  }

  /** Address of the context of event `index`. */
  context(index: number): number {
    return this.runtime.memory.load32(this.address + index * EventRecord.SIZE + EventRecord.CONTEXT);
  }

  /** r0 of event `index` after a run, unsigned. */
  result(index: number): bigint {
    return this.runtime.memory.loadU64(this.address + index * EventRecord.SIZE + EventRecord.RESULT);
  }

  /** The lower 32 bits of r0 of event `index`, unsigned: all that most program types mean. */
  verdict(index: number): number {
    return this.runtime.memory.load32(this.address + index * EventRecord.SIZE + EventRecord.RESULT) >>> 0;
  }

  /** Gives the records' memory back. */
  free(): void {
    this.runtime.heap.free(this.address);
  }
}
