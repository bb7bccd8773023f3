// The owner of one address space: its memory and heap, its maps, helpers and tasks, its clock and its random
// numbers. Programs of one runtime share maps; runtimes share nothing. With clock and seed given, a run
// is repeatable bit for bit.

import { At, Code, TaskRecord } from "../assembly/shared/layout.ts";
import { Op } from "../assembly/shared/opcodes.ts";
import { Heap } from "./heap.ts";
import { HelperTable } from "./helper-table.ts";
import { GuestMemory } from "./memory.ts";
import { IDLE_TASK, writeTask } from "./task.ts";
import { TraceOutput } from "./trace-output.ts";

export interface RuntimeOptions {
  /** Nanoseconds since some start, never going back; default: the host's monotonic clock. */
  readonly clock?: () => bigint;
  /** Seed of bpf_get_prandom_u32 and of the hash functions, 32 bits; default: the same in every runtime. */
  readonly seed?: number;
}

/** A buffer of guest memory that the host fills and programs may probe. */
export interface GuestBuffer {
  readonly address: number;
  readonly size: number;
}

/** Runs inside runs (a helper that fires an event) that the stack has room for. */
const MAX_NESTED_RUNS = 16;
/** Stack of one run: eight frames of 512 bytes. */
const RUN_STACK = 4096;

const monotonicClock = (): bigint => BigInt(Math.round(performance.now() * 1e6));

export class Runtime {
  readonly memory = new GuestMemory();
  readonly heap = new Heap(this.memory);
  readonly helpers = new HelperTable(this);
  /** Output of bpf_trace_printk. */
  readonly trace = new TraceOutput();
  readonly clock: () => bigint;
  readonly seed: number;
  /** Address of the idle task's record, for events that say nothing of their own. */
  readonly idleTask: number;
  readonly #stacks: number;
  #depth = 0;
  #whenIdle: (() => void)[] = [];
  #nextId = 1;

  constructor(options: RuntimeOptions = {}) {
    this.clock = options.clock ?? monotonicClock;
    this.seed = (options.seed ?? 0x7ace_bee5) >>> 0;
    this.seedRandom(this.seed);
    this.memory.store8(At.EXIT_STUB + Code.OP, Op.EXIT);
    this.idleTask = this.heap.allocate(TaskRecord.SIZE);
    writeTask(this.memory, this.idleTask, IDLE_TASK);
    this.#stacks = this.heap.allocate(RUN_STACK * MAX_NESTED_RUNS, true);
  }

  /** Starts the random sequence anew (splitmix32 spreads the seed over the generator's state). */
  seedRandom(seed: number): void {
    let state = seed >>> 0;
    for (let word = 0; word < 4; word++) {
      state = (state + 0x9e3779b9) | 0;
      let mixed = Math.imul(state ^ (state >>> 16), 0x21f0aaad);
      mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
      this.memory.store32(At.RANDOM + word * 4, mixed ^ (mixed >>> 15));
    }
  }

  /** Memory for a context, a packet or a kernel object: zeroed, readable by probe reads, given back with `freeBuffer`. */
  allocateBuffer(size: number): GuestBuffer {
    return { address: this.heap.allocate(size, true), size };
  }

  freeBuffer(buffer: GuestBuffer): void {
    this.heap.free(buffer.address);
  }

  /** A new id for a map or a program, unique in this runtime, from 1. */
  takeId(): number {
    return this.#nextId++;
  }

  /**
   * Begins a run: gives it a stack of its own. Inside another run, the state of that run is saved; hand the result
   * to `endRun`. Throws a RangeError when runs are nested deeper than the stacks reach.
   */
  beginRun(): Uint8Array | undefined {
    const { memory } = this;
    if (this.#depth === MAX_NESTED_RUNS) {
      throw new RangeError(`run: expected at most ${MAX_NESTED_RUNS} runs inside each other, got one more`);
    }
    const saved = this.#depth === 0 ? undefined : memory.read(At.RUN_STATE, At.RUN_STATE_END - At.RUN_STATE);
    this.#depth++;
    memory.store32(At.STACK_BASE, this.#stacks + RUN_STACK * this.#depth);
    return saved;
  }

  /** Ends a run, however it went. */
  endRun(saved: Uint8Array | undefined): void {
    const { memory } = this;
    this.#depth--;
    memory.store32(At.STACK_BASE, this.#stacks + RUN_STACK * this.#depth);
    if (saved !== undefined) memory.write(At.RUN_STATE, saved);
    if (this.#depth > 0 || this.#whenIdle.length === 0) return;
    const actions = this.#whenIdle;
    this.#whenIdle = [];
    for (const action of actions) action();
  }

  /** Does `action` now, or at the end of the outermost run: for giving back what a running program may still use. */
  whenIdle(action: () => void): void {
    if (this.#depth === 0) action();
    else this.#whenIdle.push(action);
  }
}
