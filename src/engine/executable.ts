// What the engines share: single runs and batches of ready programs, which events name by the address of their record.
// Engines differ in `execute`, which runs events from one address to another and gives an exit code.

import { Exit } from "../../assembly/shared/codes.ts";
import { At, EventRecord } from "../../assembly/shared/layout.ts";
import { EventBatch } from "../event-batch.ts";
import type { Program } from "../program.ts";
import type { GuestBuffer, Runtime } from "../runtime.ts";
import { programTraits } from "../verifier/contexts/contexts.ts";
import type { BatchResult, EngineName, Executable, RunOptions } from "./engine.ts";
import type { PrepareMode, ReadyProgram } from "./prepare.ts";
import { trapError } from "./trap.ts";

/** Runs the events whose records lie from `events` to `end`; Exit.OK, or why the one at At.EVENT ended it. */
export type Execute = (events: number, end: number) => number;

/**
 * Events per crossing. V8 has no on-stack replacement for Wasm: a loop that is entered once stays in the
 * baseline tier, one that is entered anew takes the optimised code over as soon as it is there.
 */
const CHUNK = 2048;

const NO_CONTEXT = new Uint8Array(0);

/** Programs ready to run in one runtime, by the address of their record: who is meant by an event of a mixed batch. */
class ReadyPrograms {
  readonly #programs = new Map<number, RecordExecutable>();
  /** Bytes of context that suffice for all of them, and for those that were here before. */
  #contextSize = 0;

  add(program: RecordExecutable): void {
    this.#programs.set(program.record, program);
    this.#contextSize = Math.max(this.#contextSize, program.contextSize);
  }

  delete(record: number): void {
    this.#programs.delete(record);
  }

  get(record: number): RecordExecutable | undefined {
    return this.#programs.get(record);
  }

  /** Throws a RangeError for an event whose context is shorter than its program was proved to need. */
  checkContexts(batch: EventBatch): void {
    if (batch.leastContext >= this.#contextSize) return;
    const { memory } = batch.runtime;
    for (let index = 0; index < batch.count; index++) {
      const at = batch.address + index * EventRecord.SIZE;
      const program = this.get(memory.load32(at + EventRecord.PROGRAM));
      program?.checkContext(memory.load32(at + EventRecord.CONTEXT_SIZE), `event ${index}: `);
    }
  }
}

const readyPrograms = new WeakMap<Runtime, ReadyPrograms>();

/** What a single run needs: one event record, and room for a context given as bytes. */
class Stage {
  readonly batch: EventBatch;
  context: GuestBuffer;

  constructor(runtime: Runtime) {
    this.batch = new EventBatch(runtime, 1);
    this.context = runtime.allocateBuffer(64);
  }

  /** Copies a context in; the block grows to the largest one seen. */
  fill(bytes: Uint8Array): GuestBuffer {
    const { runtime } = this.batch;
    if (bytes.length > this.context.size) {
      runtime.freeBuffer(this.context);
      this.context = runtime.allocateBuffer(bytes.length);
    }
    runtime.memory.write(this.context.address, bytes);
    return this.context;
  }

  free(): void {
    this.batch.runtime.freeBuffer(this.context);
    this.batch.free();
  }
}

/** A program ready to run, on whichever engine `execute` is of. */
export class RecordExecutable implements Executable {
  readonly engine: EngineName;
  readonly program: Program;
  readonly runtime: Runtime;
  readonly record: number;
  readonly readsTime: boolean;
  readonly limit: number;
  readonly contextSize: number;
  /** False where a context holds addresses, which nobody but its maker can vouch for. */
  readonly #takesBytes: boolean;
  readonly #ready: ReadyProgram;
  readonly #execute: Execute;
  /** Undefined while a single run uses it: a run of the same program inside makes its own. */
  #stage: Stage | undefined;
  #closed = false;

  constructor(
    engine: EngineName,
    runtime: Runtime,
    ready: ReadyProgram,
    execute: Execute,
    program: Program,
    mode: PrepareMode,
  ) {
    this.engine = engine;
    this.program = program;
    this.runtime = runtime;
    this.record = ready.record;
    this.readsTime = ready.readsTime;
    const isChecked = "limit" in mode;
    this.limit = isChecked ? mode.limit : 0;
    this.contextSize = isChecked ? 0 : mode.proof.contextSize;
    this.#takesBytes = this.contextSize === 0 || !programTraits(program.type).contextPoints;
    this.#ready = ready;
    this.#execute = execute;
    this.#stage = new Stage(runtime);
    const all = readyPrograms.get(runtime) ?? new ReadyPrograms();
    readyPrograms.set(runtime, all);
    all.add(this);
  }

  get isOpen(): boolean {
    return !this.#closed;
  }

  run(context: Uint8Array | GuestBuffer = NO_CONTEXT, options: RunOptions = {}): bigint {
    const stage = this.#stage ?? new Stage(this.runtime);
    this.#stage = undefined;
    try {
      return this.#runOn(stage, context, options);
    } finally {
      if (this.#stage === undefined && !this.#closed) this.#stage = stage;
      else stage.free();
    }
  }

  #runOn(stage: Stage, context: Uint8Array | GuestBuffer, options: RunOptions): bigint {
    const { runtime } = this;
    const { batch } = stage;
    const isBytes = context instanceof Uint8Array;
    if (isBytes && !this.#takesBytes) {
      throw new TypeError(
        `program ${this.program.name}: expected a context that was made for ${this.program.type} (see testRun), got bytes`,
      );
    }
    this.checkContext(isBytes ? context.length : context.size);
    const { address } = isBytes ? stage.fill(context) : context;
    const size = isBytes ? context.length : context.size;
    const time = options.time ?? (this.readsTime ? runtime.clock() : 0n);
    batch.clear();
    const task = options.task === undefined ? undefined : batch.task(options.task);
    batch.add(address, size, 0, options.cpu ?? 0, task, this.record);
    runtime.memory.storeU64(batch.address + EventRecord.TIME, time);
    const { trap } = this.#asRun(() => this.#runRecords(batch.address, 1, 0));
    if (isBytes) context.set(runtime.memory.u8.subarray(address, address + size));
    if (trap !== undefined) throw trap;
    return batch.result(0);
  }

  runBatch(batch: EventBatch): BatchResult {
    batch.aim(this.record);
    return this.runEvents(batch);
  }

  runEvents(batch: EventBatch): BatchResult {
    if (this.readsTime) batch.stamp(this.runtime.clock());
    readyPrograms.get(this.runtime)?.checkContexts(batch);
    // One run for all chunks: a program of the batch that another one closes stays until the batch is through.
    return this.#asRun(() => {
      for (let done = 0; done < batch.count; done += CHUNK) {
        const count = Math.min(CHUNK, batch.count - done);
        const result = this.#runRecords(batch.address + done * EventRecord.SIZE, count, done);
        if (result.trap !== undefined) return result;
      }
      return { completed: batch.count };
    });
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#stage?.free();
    this.#stage = undefined;
    this.runtime.whenIdle(() => {
      readyPrograms.get(this.runtime)?.delete(this.record);
      this.#ready.release();
    });
  }

  /** Throws a RangeError for a context that is too short. */
  checkContext(size: number, place = ""): void {
    if (size >= this.contextSize) return;
    throw new RangeError(
      `${place}program ${this.program.name}: expected a context of at least ${this.contextSize} bytes, got ${size}`,
    );
  }

  /** Does `work` as a run: with a stack of its own, and nothing freed that it may use. */
  #asRun(work: () => BatchResult): BatchResult {
    if (this.#closed)
      throw new TypeError(`program ${this.program.name}: expected an open program, got a closed one`);
    const saved = this.runtime.beginRun();
    try {
      return work();
    } finally {
      this.runtime.endRun(saved);
    }
  }

  /** Runs `count` records from `address` on, before which the batch has `before`. */
  #runRecords(address: number, count: number, before: number): BatchResult {
    const { runtime } = this;
    const exit = this.#execute(address, address + count * EventRecord.SIZE);
    if (exit === Exit.OK) return { completed: before + count };
    const event = runtime.memory.load32(At.EVENT);
    const completed = before + (event - address) / EventRecord.SIZE;
    const record = runtime.memory.load32(event + EventRecord.PROGRAM);
    const { program, limit } = readyPrograms.get(runtime)?.get(record) ?? this;
    return { completed, trap: trapError(runtime, program, exit, limit, completed) };
  }
}
