// Runs the programs attached to a runtime's tracepoints over a recorded trace, in the order of the recording, in
// batches: sources write records straight into linear memory, one crossing runs a few thousand of them. Memory stays
// constant for a trace of any size; a short one is kept as parsed records, so that repeating it does not parse again.

import type { EngineName, Executable } from "../engine/engine.ts";
import { EventBatch } from "../event-batch.ts";
import type { Runtime } from "../runtime.ts";
import type { Task } from "../task.ts";
import { FtraceParser, type FtraceStats } from "./sources/ftrace.ts";
import type { SymbolTable } from "./symbols.ts";
import type { RecordTarget, TraceEvent } from "./trace-event.ts";
import type { Tracepoint, TracepointTable } from "./tracepoint.ts";

/** A trace that can be read from the start, several times: a file, an array. */
export type TraceSource = () => AsyncIterable<Uint8Array> | Iterable<Uint8Array>;

export interface ReplayProgress {
  /** Events run so far. */
  readonly events: number;
  /** Bytes of the source read so far, over all passes. */
  readonly bytes: number;
}

export interface ReplayOptions {
  /** Stop after this many events, repeating the trace as often as that takes; default: one pass. */
  readonly events?: number;
  /** Addresses for the symbols that the trace names. */
  readonly symbols?: SymbolTable;
  /** Counts lines that cannot be read instead of failing at the first. */
  readonly keepGoing?: boolean;
  /** Names the trace in messages. */
  readonly place?: string;
  /** Bytes of parsed records to keep for repeating; default 64 MiB, 0 parses anew in every pass. */
  readonly keep?: number;
  readonly onProgress?: (progress: ReplayProgress) => void;
}

export interface ReplayStats {
  /** Events that ran at least one program. */
  readonly events: number;
  /** Programs run: more than events where several are attached to one tracepoint. */
  readonly runs: number;
  /** Passes over the trace, the last of which may have been cut short. */
  readonly passes: number;
  /** Bytes of the source that were read. */
  readonly bytes: number;
  /** Milliseconds in all, and in programs alone; the rest is reading and parsing. */
  readonly elapsedMs: number;
  readonly executionMs: number;
  /** What the parser saw in its last pass. */
  readonly source: FtraceStats;
}

/** Events of a batch, and bytes of their records: a few thousand make the crossing's cost vanish and stay in cache. */
const BATCH_EVENTS = 4096;
const BATCH_BYTES = 1 << 20;
const KEEP_BYTES = 64 << 20;

/** Tasks of a block that are found again fast; a power of two. */
const RECENT_TASKS = 64;

const decoder = new TextDecoder();

interface RecentTask {
  readonly pid: number;
  readonly tgid: number;
  readonly comm: Uint8Array;
  readonly address: number;
}

/** A batch with the memory its records lie in. */
class Block {
  readonly batch: EventBatch;
  readonly address: number;
  readonly #runtime: Runtime;
  /** By the lower bits of the pid. */
  readonly recent: (RecentTask | undefined)[] = new Array(RECENT_TASKS).fill(undefined);
  used = 0;

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
    this.batch = new EventBatch(runtime, BATCH_EVENTS);
    this.address = runtime.allocateBuffer(BATCH_BYTES).address;
  }

  clear(): void {
    this.batch.clear();
    this.recent.fill(undefined);
    this.used = 0;
  }

  free(): void {
    this.batch.free();
    this.#runtime.freeBuffer({ address: this.address, size: BATCH_BYTES });
  }
}

/** Takes records from a source and runs them. */
class Replayer implements RecordTarget {
  readonly #runtime: Runtime;
  readonly #tracepoints: ReadonlyMap<object, Tracepoint>;
  readonly #runner: Executable;
  readonly #limit: number;
  readonly #keep: number;
  readonly #report: () => void;
  /** Full blocks of this pass, or undefined once they are too many to keep. */
  #kept: Block[] | undefined = [];
  #block: Block;
  events = 0;
  runs = 0;
  executionMs = 0;
  #firstTime = Number.NaN;
  #lastTime = 0;
  #shift = 0;

  constructor(tracepoints: TracepointTable, options: ReplayOptions, report: () => void) {
    const active = [...tracepoints].filter((tracepoint) => tracepoint.programs.length > 0);
    this.#runtime = tracepoints.runtime;
    this.#tracepoints = new Map(active.map((tracepoint) => [tracepoint.format, tracepoint]));
    this.#runner = oneEngine(active.flatMap((tracepoint) => tracepoint.programs));
    this.#limit = options.events ?? Number.POSITIVE_INFINITY;
    this.#keep = options.keep ?? KEEP_BYTES;
    this.#report = report;
    this.#block = new Block(this.#runtime);
  }

  get formats() {
    return [...this.#tracepoints.values()].map((tracepoint) => tracepoint.format);
  }

  get isDone(): boolean {
    return this.events >= this.#limit;
  }

  get bytes(): Uint8Array {
    return this.#runtime.memory.u8;
  }

  get view(): DataView {
    return this.#runtime.memory.view;
  }

  reserve(size: number): number {
    if (this.#block.used + size > BATCH_BYTES) this.flush();
    return this.#block.address + this.#block.used;
  }

  commit(event: TraceEvent): void {
    if (this.isDone) return;
    const { programs } = this.#tracepoints.get(event.format) as Tracepoint;
    if (this.#block.batch.count + programs.length > BATCH_EVENTS) {
      // The record is in the old block already: run what came before it, then move it.
      const record = this.#runtime.memory.read(event.offset, event.size);
      this.flush();
      event.offset = this.#block.address;
      this.#runtime.memory.write(event.offset, record);
    }
    const block = this.#block;
    const time = event.timeNs + this.#shift;
    if (Number.isNaN(this.#firstTime)) this.#firstTime = time;
    this.#lastTime = time;
    const task = this.#taskOf(event);
    for (const program of programs)
      block.batch.add(event.offset, event.size, time, event.cpu, task, program.record);
    block.used += event.size;
    this.events++;
  }

  /** Runs what is waiting; keeps the block for repeating, or empties it. */
  flush(): void {
    this.#run(this.#block);
    if (this.#kept !== undefined && (this.#kept.length + 1) * BATCH_BYTES <= this.#keep) {
      this.#kept.push(this.#block);
      this.#block = new Block(this.#runtime);
      return;
    }
    this.#discard();
    this.#block.clear();
  }

  /** Ends a pass; the next one follows it in time. */
  endPass(): void {
    this.flush();
    this.#shift += this.#passLength;
    this.#firstTime = Number.NaN;
  }

  /** From the first event to the last, and the mean distance of two events more. */
  get #passLength(): number {
    const length = this.#lastTime - this.#firstTime;
    return Number.isNaN(length) ? 0 : Math.round(length * (1 + 1 / Math.max(1, this.events)));
  }

  /** Runs kept records again until the limit; false when they were too many to keep. */
  repeatKept(): boolean {
    if (this.#kept === undefined) return false;
    const blocks = this.#kept.filter((block) => block.batch.count > 0);
    const delta = this.#shift;
    while (!this.isDone && blocks.length > 0) {
      for (const block of blocks) {
        if (this.isDone) break;
        block.batch.shift(delta);
        this.events += this.#cut(block.batch, this.#limit - this.events);
        this.#run(block);
      }
    }
    return true;
  }

  free(): void {
    this.#discard();
    this.#block.free();
  }

  /** Counts the events of a batch, which is cut after `wanted` of them: records of one event share their context. */
  #cut(batch: EventBatch, wanted: number): number {
    let events = 0;
    let last = 0;
    for (let index = 0; index < batch.count; index++) {
      const context = batch.context(index);
      if (context === last) continue;
      if (events === wanted) {
        batch.truncate(index);
        break;
      }
      events++;
      last = context;
    }
    return events;
  }

  #run({ batch }: Block): void {
    if (batch.count === 0) return;
    const start = performance.now();
    const { completed, trap } = this.#runner.runEvents(batch);
    this.executionMs += performance.now() - start;
    this.runs += completed;
    this.#report();
    if (trap !== undefined) throw trap;
  }

  #discard(): void {
    for (const block of this.#kept ?? []) block.free();
    this.#kept = undefined;
  }

  /** Address of the task's record; one seen lately in this block is found by comparing bytes, without a string. */
  #taskOf({ pid, tgid, bytes, commStart, commEnd }: TraceEvent): number {
    const { recent, batch } = this.#block;
    const slot = pid & (RECENT_TASKS - 1);
    const seen = recent[slot];
    const length = commEnd - commStart;
    if (seen !== undefined && seen.pid === pid && seen.tgid === tgid && seen.comm.length === length) {
      let index = 0;
      while (index < length && bytes[commStart + index] === seen.comm[index]) index++;
      if (index === length) return seen.address;
    }
    const comm = bytes.slice(commStart, commEnd);
    const task: Task = { pid, comm: decoder.decode(comm), ...(tgid >= 0 ? { tgid } : {}) };
    const address = batch.task(task);
    recent[slot] = { pid, tgid, comm, address };
    return address;
  }
}

/** All programs of a replay run in one crossing, so on one engine: gives one of them to start it. */
function oneEngine(programs: readonly Executable[]): Executable {
  const [first] = programs;
  if (first === undefined)
    throw new TypeError("replay: expected a program attached to a tracepoint, got none");
  const names = new Set<EngineName>(programs.map((program) => program.engine));
  if (names.size > 1)
    throw new TypeError(`replay: expected programs of one engine, got ${[...names].join(" and ")}`);
  return first;
}

/**
 * Replays a trace in ftrace's text form. Events of tracepoints without a program are passed over.
 * Throws a TrapError when a program traps, a LoadError where the trace does not parse, a TypeError when no program is
 * attached, programs are of different engines, or `events` are wanted and the trace has none.
 */
export async function replayTrace(
  source: TraceSource,
  tracepoints: TracepointTable,
  options: ReplayOptions = {},
): Promise<ReplayStats> {
  const started = performance.now();
  let bytes = 0;
  let passes = 0;
  const replayer: Replayer = new Replayer(tracepoints, options, () => {
    options.onProgress?.({ events: replayer.events, bytes });
  });
  const { symbols, keepGoing, place } = options;
  let stats: FtraceStats | undefined;
  try {
    do {
      const before = replayer.events;
      const parser = new FtraceParser({
        formats: replayer.formats,
        target: replayer,
        ...(symbols === undefined ? {} : { symbols }),
        ...(keepGoing === undefined ? {} : { keepGoing }),
        ...(place === undefined ? {} : { place }),
      });
      for await (const chunk of source()) {
        bytes += chunk.length;
        parser.push(chunk);
        if (replayer.isDone) break;
      }
      if (!replayer.isDone) parser.end();
      replayer.endPass();
      stats = parser.stats;
      passes++;
      if (options.events === undefined) break;
      if (replayer.events === before) {
        throw new TypeError(`${place ?? "trace"}: expected events of attached tracepoints, got none`);
      }
    } while (!replayer.isDone && !replayer.repeatKept());
  } finally {
    replayer.free();
  }
  const { events, runs, executionMs } = replayer;
  return {
    events,
    runs,
    passes,
    bytes,
    elapsedMs: performance.now() - started,
    executionMs,
    source: stats as FtraceStats,
  };
}
