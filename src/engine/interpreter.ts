// What the two interpreters share: single runs and batches over prepared programs. They differ only in
// `execute`, which runs events from an address on and gives an exit code.

import { Exit } from "../../assembly/shared/codes.ts";
import { At, EventRecord } from "../../assembly/shared/layout.ts";
import { EventBatch } from "../event-batch.ts";
import type { Program } from "../program.ts";
import type { GuestBuffer, Runtime } from "../runtime.ts";
import type { BatchResult, Engine, EngineName, Executable, MapBindings, RunOptions } from "./engine.ts";
import { type PreparedProgram, prepareProgram } from "./prepare.ts";
import { trapError } from "./trap.ts";

/** Runs the events whose records lie from `events` to `end`; Exit.OK, or why the one at At.EVENT ended it. */
export type Execute = (events: number, end: number) => number;

/** Default of CheckedOptions.limit: enough for any sane filter, short of a second on the slowest engine. */
const DEFAULT_LIMIT = 100_000_000;

/**
 * Events per crossing. V8 has no on-stack replacement for Wasm: a loop that is entered once stays in the
 * baseline tier, one that is entered anew takes the optimised code over as soon as it is there.
 */
const CHUNK = 2048;

export class InterpretedProgram implements Executable {
  readonly engine: EngineName;
  readonly program: Program;
  readonly runtime: Runtime;
  readonly record: number;
  readonly #prepared: PreparedProgram;
  readonly #execute: Execute;
  readonly #limit: number;
  /** For single runs: one record, and room for a context given as bytes. */
  readonly #single: EventBatch;
  #context: GuestBuffer;
  #closed = false;

  constructor(
    engine: EngineName,
    runtime: Runtime,
    prepared: PreparedProgram,
    execute: Execute,
    program: Program,
    limit: number,
  ) {
    this.engine = engine;
    this.program = program;
    this.runtime = runtime;
    this.record = prepared.record;
    this.#prepared = prepared;
    this.#execute = execute;
    this.#limit = limit;
    this.#single = new EventBatch(runtime, 1);
    this.#context = runtime.allocateBuffer(64);
  }

  run(context: Uint8Array | GuestBuffer = NO_CONTEXT, options: RunOptions = {}): bigint {
    const { runtime } = this;
    const { memory, tasks } = runtime;
    const isBytes = context instanceof Uint8Array;
    const buffer = isBytes ? this.#stage(context) : context;
    const size = isBytes ? context.length : context.size;
    const time = options.time ?? (this.#prepared.readsTime ? runtime.clock() : 0n);
    const task = options.task === undefined ? undefined : tasks.addressOf(options.task);
    const batch = this.#single;
    batch.clear();
    batch.add(buffer.address, size, 0, options.cpu ?? 0, task, this.record);
    memory.storeU64(batch.address + EventRecord.TIME, time);
    const { trap } = this.#runEvents(batch.address, 1, 0);
    if (isBytes) context.set(memory.u8.subarray(buffer.address, buffer.address + size));
    if (trap !== undefined) throw trap;
    return batch.result(0);
  }

  runBatch(batch: EventBatch): BatchResult {
    batch.aim(this.record);
    if (this.#prepared.readsTime) batch.stamp(this.runtime.clock());
    for (let done = 0; done < batch.count; done += CHUNK) {
      const result = this.#runEvents(
        batch.address + done * EventRecord.SIZE,
        Math.min(CHUNK, batch.count - done),
        done,
      );
      if (result.trap !== undefined) return result;
    }
    return { completed: batch.count };
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#prepared.release();
    this.#single.free();
    this.runtime.freeBuffer(this.#context);
  }

  #runEvents(address: number, count: number, before: number): BatchResult {
    const { runtime } = this;
    if (this.#closed)
      throw new TypeError(`program ${this.program.name}: expected an open program, got a closed one`);
    const saved = runtime.beginRun();
    try {
      const exit = this.#execute(address, address + count * EventRecord.SIZE);
      if (exit === Exit.OK) return { completed: before + count };
      const completed = before + (runtime.memory.load32(At.EVENT) - address) / EventRecord.SIZE;
      return { completed, trap: trapError(runtime, this.program, exit, this.#limit, completed) };
    } finally {
      runtime.endRun(saved);
    }
  }

  /** Copies a context in; the block grows to the largest one seen. */
  #stage(bytes: Uint8Array): GuestBuffer {
    const { runtime } = this;
    if (bytes.length > this.#context.size) {
      runtime.freeBuffer(this.#context);
      this.#context = runtime.allocateBuffer(bytes.length);
    }
    runtime.memory.write(this.#context.address, bytes);
    return this.#context;
  }
}

const NO_CONTEXT = new Uint8Array(0);

/** Makes an interpreter's `execute` for one more prepared program. */
export type Attach = (runtime: Runtime, program: Program, prepared: PreparedProgram) => Execute;

/** An engine out of what is particular to an interpreter. */
export function interpreterEngine(
  name: EngineName,
  unavailable: Engine["unavailable"],
  attach: Attach,
): Engine {
  const make = (runtime: Runtime, program: Program, maps: MapBindings, checked: boolean, limit: number) => {
    const prepared = prepareProgram(runtime, program, maps, { checked, limit });
    return new InterpretedProgram(
      name,
      runtime,
      prepared,
      attach(runtime, program, prepared),
      program,
      limit,
    );
  };
  return {
    name,
    unavailable,
    prepare: (runtime, { program }, maps) => make(runtime, program, maps, false, 0),
    prepareChecked(runtime, program, maps, options = {}) {
      const limit = options.limit ?? DEFAULT_LIMIT;
      if (!Number.isSafeInteger(limit) || limit < 1) {
        throw new RangeError(`limit: expected a whole number from 1 to 2^53 - 1, got ${limit}`);
      }
      return make(runtime, program, maps, true, limit);
    },
  };
}
