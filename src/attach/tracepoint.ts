// Tracepoints: named places with a schema, at which programs run on the event's record. Events come from user code
// (`fire`) or from a recorded trace (replay.ts). A runtime's tracepoints live in one table.

import { EventRecord } from "../../assembly/shared/layout.ts";
import type { Executable } from "../engine/engine.ts";
import { EventBatch } from "../event-batch.ts";
import type { GuestBuffer, Runtime } from "../runtime.ts";
import type { Task } from "../task.ts";
import { parseFormat, type TracepointFormat } from "./format.ts";
import { type Link, makeLink } from "./link.ts";
import { type FieldValue, RecordWriter } from "./record.ts";

/** When, where and by whom an event happened; default: now, on CPU 0, by the idle task. */
export interface EventOptions {
  /** Nanoseconds. */
  readonly time?: bigint;
  readonly cpu?: number;
  readonly task?: Task;
}

/** An event that was fired while its tracepoint was enabled; the record is a copy. */
export interface RecordedEvent extends EventOptions {
  readonly tracepoint: Tracepoint;
  readonly record: Uint8Array;
}

/** What of a fired event every attached program needs. */
interface Staging {
  readonly batch: EventBatch;
  readonly record: GuestBuffer;
}

export class Tracepoint {
  readonly runtime: Runtime;
  readonly format: TracepointFormat;
  /** `system:name`, or the name alone where the format does not tell its system. */
  readonly name: string;
  readonly #writer: RecordWriter;
  /** In the order in which their programs run. */
  #links: readonly Link[] = [];
  readonly #listeners = new Set<(event: RecordedEvent) => void>();
  /** Undefined while a fired event uses it: one fired from inside makes its own. */
  #staging: Staging | undefined;
  #isActive = false;

  constructor(runtime: Runtime, format: TracepointFormat) {
    this.runtime = runtime;
    this.format = format;
    this.name = format.system === undefined ? format.name : `${format.system}:${format.name}`;
    this.#writer = new RecordWriter(format);
  }

  /** False when firing would do nothing: ask before computing what to fire. */
  get isActive(): boolean {
    return this.#isActive;
  }

  /** The programs attached, in the order in which they run. */
  get programs(): readonly Executable[] {
    return this.#links.map(({ program }) => program);
  }

  /**
   * Runs `program` at every event from now on, after those attached before. Throws a TypeError for one of another
   * runtime, one that is closed, and one that reads past the event's fields (the kernel: EACCES).
   */
  attach(program: Executable): Link {
    if (program.runtime !== this.runtime) {
      throw new TypeError(
        `${this.name}: expected a program of the same runtime, got ${program.program.name}`,
      );
    }
    if (!program.isOpen) {
      throw new TypeError(
        `${this.name}: expected an open program, got ${program.program.name}, which is closed`,
      );
    }
    if (program.contextSize > this.format.size) {
      throw new TypeError(
        `${this.name}: expected a program that reads at most the ${this.format.size} bytes of its fields, ` +
          `got ${program.program.name}, which reads ${program.contextSize}`,
      );
    }
    const link = makeLink(program, this.name, () => {
      this.#links = this.#links.filter((each) => each !== link);
      this.#update();
    });
    this.#links = [...this.#links, link];
    this.#update();
    return link;
  }

  /** Hands a copy of every event fired from now on to `listener`, after the programs ran; returns how to stop. */
  enable(listener: (event: RecordedEvent) => void): () => void {
    this.#listeners.add(listener);
    this.#isActive = true;
    return () => {
      this.#listeners.delete(listener);
      this.#update();
    };
  }

  /**
   * Fires an event with these fields; those not given are zero. Gives what the kernel makes of the programs' results:
   * the bits that all of them set (lower 32 bits), and 1 with none attached; 0 means that a filter said no.
   * Throws a TrapError when a program traps (those after it do not run), a TypeError or RangeError for wrong fields.
   */
  fire(fields: Readonly<Record<string, FieldValue>>, options: EventOptions = {}): number {
    if (!this.#isActive) return 1;
    const staging = this.#staging ?? this.#makeStaging();
    this.#staging = undefined;
    try {
      return this.#fireOn(staging, fields, options);
    } finally {
      if (this.#staging === undefined) this.#staging = staging;
      else this.#freeStaging(staging);
    }
  }

  #fireOn(
    { batch, record }: Staging,
    fields: Readonly<Record<string, FieldValue>>,
    options: EventOptions,
  ): number {
    const { runtime } = this;
    const size = this.#writer.write(runtime.memory, record.address, fields, options.task?.pid);
    batch.clear();
    const task = options.task === undefined ? undefined : batch.task(options.task);
    batch.add(record.address, size, 0, options.cpu ?? 0, task);
    if (options.time !== undefined) runtime.memory.storeU64(batch.address + EventRecord.TIME, options.time);
    let verdict = 1;
    // A program may detach itself or another one, which makes a new list: this is the one of the moment of firing.
    for (const { program } of this.#links) {
      const { trap } = program.runBatch(batch);
      if (trap !== undefined) throw trap;
      verdict = (verdict & batch.verdict(0)) >>> 0;
    }
    for (const listener of this.#listeners) {
      listener({ ...options, tracepoint: this, record: runtime.memory.read(record.address, size) });
    }
    return verdict;
  }

  /** Takes off all programs and listeners and frees what firing took; done by the table. */
  close(): void {
    for (const link of this.#links) link.detach();
    this.#listeners.clear();
    this.#update();
    if (this.#staging !== undefined) this.#freeStaging(this.#staging);
    this.#staging = undefined;
  }

  #update(): void {
    this.#isActive = this.#links.length > 0 || this.#listeners.size > 0;
  }

  #makeStaging(): Staging {
    return {
      batch: new EventBatch(this.runtime, 1),
      record: this.runtime.allocateBuffer(this.#writer.capacity),
    };
  }

  #freeStaging({ batch, record }: Staging): void {
    batch.free();
    this.runtime.freeBuffer(record);
  }
}

/** The tracepoints of one runtime, by `system:name`. */
export class TracepointTable implements Iterable<Tracepoint> {
  readonly runtime: Runtime;
  readonly #tracepoints = new Map<string, Tracepoint>();

  constructor(runtime: Runtime) {
    this.runtime = runtime;
  }

  /**
   * Adds a tracepoint from its format, or from the text of its tracefs `format` file and the name of its system.
   * Throws a LoadError when the text does not parse, a TypeError when there is one of that name.
   */
  define(format: TracepointFormat): Tracepoint;
  define(formatFile: string, system: string): Tracepoint;
  define(format: TracepointFormat | string, system?: string): Tracepoint {
    const parsed =
      typeof format === "string" ? parseFormat(format, system === undefined ? {} : { system }) : format;
    const tracepoint = new Tracepoint(this.runtime, parsed);
    if (this.#tracepoints.has(tracepoint.name)) {
      throw new TypeError(`tracepoints: expected a new name, got "${tracepoint.name}" again`);
    }
    this.#tracepoints.set(tracepoint.name, tracepoint);
    return tracepoint;
  }

  /** The tracepoint of that name; a TypeError that lists what there is when there is none. */
  get(name: string): Tracepoint {
    const found = this.#tracepoints.get(name);
    if (found !== undefined) return found;
    const known = [...this.#tracepoints.keys()].slice(0, 8).join(", ") || "none";
    throw new TypeError(`tracepoints: expected one of ${known}, got "${name}"`);
  }

  has(name: string): boolean {
    return this.#tracepoints.has(name);
  }

  /** Attaches a program to the tracepoint that its section names. Throws a TypeError when there is none. */
  attach(program: Executable): Link {
    const { attachTo, name, section } = program.program;
    if (attachTo === undefined)
      throw new TypeError(`program ${name}: expected a section that names a tracepoint, got "${section}"`);
    return this.get(attachTo).attach(program);
  }

  [Symbol.iterator](): Iterator<Tracepoint> {
    return this.#tracepoints.values();
  }

  close(): void {
    for (const tracepoint of this.#tracepoints.values()) tracepoint.close();
    this.#tracepoints.clear();
  }
}
