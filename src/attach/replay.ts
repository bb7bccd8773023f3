// Runs the programs attached to a runtime's tracepoints over a recorded trace, in the order of the recording, in
// batches: sources write records straight into linear memory, one crossing runs a few thousand of them. Memory stays
// constant for a trace of any size; a short one is kept as parsed records, so that repeating it does not parse again.

import type { EngineName, Executable } from "../engine/engine.ts";
import { EventBatch } from "../event-batch.ts";
import type { Runtime } from "../runtime.ts";
import type { TracepointFormat } from "./format.ts";
import { FtraceParser, type FtraceStats } from "./sources/ftrace.ts";
import type { SymbolTable } from "./symbols.ts";
import type { RecordTarget, TraceEvent } from "./trace-event.ts";
import type { TracepointTable } from "./tracepoint.ts";

/** A trace that can be read from the start, several times: a file, an array. */
export type TraceSource = () => AsyncIterable<Uint8Array> | Iterable<Uint8Array>;

export interface ReplayProgress {
  /** Events run so far. */
  readonly events: number;
  /** Bytes of the source read so far, over all passes. */
  readonly bytes: number;
}

export interface ReplayOptions {
  /** Stop after this many events, at least 1, repeating the trace as often as that takes; default: one pass. */
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
  /** What the parser saw in the last pass that it read; passes over kept records are not read again. */
  readonly source: FtraceStats;
}

/** Events of a batch, and bytes of their records: a few thousand make the crossing's cost vanish and stay in cache. */
const BATCH_EVENTS = 4096;
const BATCH_BYTES = 1 << 20;
const KEEP_BYTES = 64 << 20;

/** Tasks of a block that are found again fast; a power of two. */
const RECENT_TASKS = 64;

/** Thrown through the parser when it has read all events that are wanted: what follows is not looked at. */
const ENOUGH = new Error("all events that were asked for have been read");

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
    this.batch = new EventBatch(runtime, BATCH_EVENTS, true);
    this.address = runtime.allocateBuffer(BATCH_BYTES).address;
  }

  clear(): void {
    this.batch.clear();
    this.recent.fill(undefined);
    this.used = 0;
  }

  /** Drops what only filling needs: thousands of names in each of many blocks would not be little. */
  seal(): void {
    this.batch.forgetTasks();
    this.recent.fill(undefined);
  }

  free(): void {
    this.batch.free();
    this.#runtime.freeBuffer({ address: this.address, size: BATCH_BYTES });
  }
}

/** Takes records from a source and runs them. */
class Replayer implements RecordTarget {
  readonly #runtime: Runtime;
  /** The programs of each event: those that were attached when the replay began. */
  readonly #programs: ReadonlyMap<TracepointFormat, readonly Executable[]>;
  readonly #runner: Executable;
  readonly #limit: number;
  readonly #keep: number;
  readonly #report: () => void;
  /** Full blocks of the first pass, or undefined where none are kept or they became too many. */
  #kept: Block[] | undefined;
  #block: Block;
  events = 0;
  runs = 0;
  passes = 0;
  executionMs = 0;
  /** Events of this pass, and the times between which they lie. */
  #passEvents = 0;
  #firstTime = Number.POSITIVE_INFINITY;
  #lastTime = Number.NEGATIVE_INFINITY;
  /** What this pass adds to the times of the trace. */
  #shift = 0;

  constructor(tracepoints: TracepointTable, options: ReplayOptions, report: () => void) {
    const active = [...tracepoints].filter((tracepoint) => tracepoint.programs.length > 0);
    this.#runtime = tracepoints.runtime;
    this.#programs = new Map(active.map(({ format, programs }) => [format, programs]));
    this.#runner = oneEngine([...this.#programs.values()].flat());
    this.#limit = options.events ?? Number.POSITIVE_INFINITY;
    this.#keep = options.keep ?? KEEP_BYTES;
    // A single pass repeats nothing.
    this.#kept = options.events === undefined ? undefined : [];
    this.#report = report;
    this.#block = new Block(this.#runtime);
  }

  get formats() {
    return this.#programs.keys();
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

  /** Throws ENOUGH after the last event that is wanted. */
  commit(event: TraceEvent): void {
    const programs = this.#programs.get(event.format) as readonly Executable[];
    if (this.#block.batch.count + programs.length > BATCH_EVENTS) {
      // The record is in the old block already: run what came before it, then move it.
      const record = this.#runtime.memory.read(event.offset, event.size);
      this.flush();
      event.offset = this.#block.address;
      this.#runtime.memory.write(event.offset, record);
    }
    const block = this.#block;
    const time = event.timeNs + this.#shift;
    if (time < this.#firstTime) this.#firstTime = time;
    if (time > this.#lastTime) this.#lastTime = time;
    const task = this.#taskOf(event);
    for (const program of programs)
      block.batch.add(event.offset, event.size, time, event.cpu, task, program.record);
    block.used += event.size;
    this.#passEvents++;
    this.events++;
    if (this.isDone) throw ENOUGH;
  }

  /** Runs what is waiting; keeps the block for repeating, or empties it. */
  flush(): void {
    this.#run(this.#block);
    if (this.#kept !== undefined && (this.#kept.length + 1) * BATCH_BYTES <= this.#keep) {
      const next = new Block(this.#runtime);
      this.#block.seal();
      this.#kept.push(this.#block);
      this.#block = next;
      return;
    }
    this.#discard();
    this.#block.clear();
  }

  /** Ends a pass; the next one follows it in time. */
  endPass(): void {
    this.flush();
    this.passes++;
    if (this.#passEvents === 0) return;
    // From the first event to the last, and the mean distance of two events more.
    const length = this.#lastTime - this.#firstTime;
    this.#shift += Math.round(length + length / Math.max(1, this.#passEvents - 1));
    this.#passEvents = 0;
    this.#firstTime = Number.POSITIVE_INFINITY;
    this.#lastTime = Number.NEGATIVE_INFINITY;
  }

  /** Runs kept records again until the limit; false when they were too many to keep. */
  repeatKept(): boolean {
    if (this.#kept === undefined) return false;
    const blocks = this.#kept.filter((block) => block.batch.count > 0);
    const delta = this.#shift;
    while (!this.isDone && blocks.length > 0) {
      this.passes++;
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
    for (const programs of this.#programs.values()) for (const program of programs) checkOpen(program);
    const start = performance.now();
    const { completed, trap } = this.#runner.runEvents(batch);
    this.executionMs += performance.now() - start;
    this.runs += completed;
    if (trap !== undefined) throw trap;
    this.#report();
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
    const address = batch.task({ pid, comm, ...(tgid >= 0 ? { tgid } : {}) });
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

/** A closed program's memory may be somebody else's by now. */
function checkOpen({ isOpen, program }: Executable): void {
  if (!isOpen) throw new TypeError(`replay: expected open programs, got ${program.name}, which is closed`);
}

/** Reads a trace once, or until all events that are wanted are there; gives what the parser saw. */
async function readPass(
  replayer: Replayer,
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  options: ReplayOptions,
  onChunk: (bytes: number) => void,
): Promise<FtraceStats> {
  const { symbols, keepGoing, place } = options;
  const parser = new FtraceParser({
    formats: replayer.formats,
    target: replayer,
    ...(symbols === undefined ? {} : { symbols }),
    ...(keepGoing === undefined ? {} : { keepGoing }),
    ...(place === undefined ? {} : { place }),
  });
  try {
    for await (const chunk of chunks) {
      onChunk(chunk.length);
      parser.push(chunk);
    }
    parser.end();
  } catch (error) {
    if (error !== ENOUGH) throw error;
  }
  replayer.endPass();
  return parser.stats;
}

/**
 * Replays a trace in ftrace's text form through the programs that are attached now: what is attached or detached
 * meanwhile changes nothing. Events of tracepoints without a program are passed over.
 * Throws a TrapError when a program traps, a LoadError where the trace does not parse, a TypeError when no program is
 * attached, programs are of different engines or closed meanwhile, or `events` are wanted and the trace has none, a
 * RangeError for a number of events that is none.
 */
export async function replayTrace(
  source: TraceSource,
  tracepoints: TracepointTable,
  options: ReplayOptions = {},
): Promise<ReplayStats> {
  const { place = "trace", events: wanted, onProgress } = options;
  if (wanted !== undefined && !(Number.isSafeInteger(wanted) && wanted >= 1)) {
    throw new RangeError(`replay: expected at least 1 event, got ${wanted}`);
  }
  const started = performance.now();
  let bytes = 0;
  const replayer: Replayer = new Replayer(tracepoints, options, () => {
    onProgress?.({ events: replayer.events, bytes });
  });
  let stats: FtraceStats;
  try {
    do {
      const before = replayer.events;
      stats = await readPass(replayer, source(), options, (length) => {
        bytes += length;
      });
      if (wanted === undefined) break;
      if (replayer.events === before) {
        throw new TypeError(`${place}: expected events of attached tracepoints, got none`);
      }
    } while (!replayer.isDone && !replayer.repeatKept());
  } finally {
    replayer.free();
  }
  const { events, runs, passes, executionMs } = replayer;
  return {
    events,
    runs,
    passes,
    bytes,
    elapsedMs: performance.now() - started,
    executionMs,
    source: stats,
  };
}
