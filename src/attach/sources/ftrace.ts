// The ftrace text source: takes what `cat trace`, `cat trace_pipe` and `trace-cmd report` print, in chunks
// of any size, and gives each event's record, written straight into memory that the caller supplies, in the
// order of the lines. Runs in constant memory. Reading files is the caller's business, and so is what
// becomes of the events. Not read: the `latency-format` layout, and events without a format.
// Follows Documentation/trace/ftrace.rst and Documentation/trace/events.rst.

import { LoadError } from "../../errors.ts";
import { ByteTable } from "../byte-table.ts";
import { quote, type TracepointFormat } from "../format.ts";
import { fieldsPrintFormat, syscallPrintFormat } from "../print/other-forms.ts";
import type { PrintOptions } from "../print/printer.ts";
import { commonOffset, RecordInverse } from "../print/record-inverse.ts";
import { type RecordTarget, TraceEvent } from "../trace-event.ts";
import { LineHeader, parseHeader } from "./ftrace-line.ts";

/** How to read a trace. */
export interface FtraceOptions extends PrintOptions {
  /** The formats of the events to read; of several with one name the last counts. */
  readonly formats: Iterable<TracepointFormat>;
  readonly target: RecordTarget;
  /** What to do with events that have no format: leave them out (the default) or fail. */
  readonly unknownEvents?: "skip" | "error";
  /** Counts lines that cannot be read instead of failing at the first. */
  readonly keepGoing?: boolean;
  /** Names the trace in messages. */
  readonly place?: string;
  /** Bytes of the longest line, 65536 unless given; the kernel prints 8192 at most. */
  readonly maxLine?: number;
}

/** What a parser has seen so far. */
export interface FtraceStats {
  readonly lines: number;
  /** Records given to the target. */
  readonly events: number;
  /** Events left out because they have no format: how many of each name, `(others)` past the first 1024. */
  readonly skipped: ReadonlyMap<string, number>;
  /** Lines that go on with the event before them: stack traces, and free text with line breaks. */
  readonly continuations: number;
  /** Lines that could not be read, with `keepGoing`, and what was wrong with the first. */
  readonly malformed: number;
  readonly firstError: LoadError | undefined;
  /** Places where the kernel says that it lost events, and how many as far as it tells. */
  readonly gaps: number;
  readonly lost: number;
}

/** An event that can be read; its inverse is compiled when the first one comes. */
interface EventKind {
  readonly format: TracepointFormat;
  /** True for the form in which ftrace prints system calls, whatever their print format says. */
  readonly isSyscall: boolean;
  /** True for what trace_printk and its kind write: text that may go on in the next lines. */
  readonly isFreeText: boolean;
  inverse: RecordInverse | undefined;
  /** The inverse for a plain list of fields; null when there can be none. */
  fieldsInverse: RecordInverse | null | undefined;
  /** Offsets of common fields; -1 for one that the format does not have. */
  readonly flagsOffset: number;
  readonly preemptOffset: number;
  readonly pidOffset: number;
}

const NEWLINE = 0x0a;
const RETURN = 0x0d;
const SPACE = 0x20;
const HASH = 0x23;
const OPEN_PAREN = 0x28;
const COLON = 0x3a;

/** Names of events that are counted each by itself. */
const MAX_SKIPPED_NAMES = 1024;

/** What events without a name are counted as: stack traces, function calls. */
const UNNAMED = new TextEncoder().encode("(no event)");

/** Bytes that an event's name is made of. */
const NAME_BYTES = new Uint8Array(256);
for (const char of "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.$") {
  NAME_BYTES[char.charCodeAt(0)] = 1;
}

/**
 * Reads ftrace text chunk by chunk: `push` every chunk, then `end`.
 * Both throw a LoadError (`bad-trace`) that names the line where the text is no trace, and whatever the
 * target throws; after that the parser is of no more use.
 */
export class FtraceParser {
  readonly #options: FtraceOptions;
  readonly #target: RecordTarget;
  readonly #place: string;
  readonly #maxLine: number;
  readonly #header = new LineHeader();
  readonly #event = new TraceEvent();
  /** What stands in front of events' texts, and the kind of event of each. */
  readonly #names: ByteTable;
  readonly #kinds: EventKind[] = [];
  readonly #byName = new Map<string, EventKind>();
  readonly #skippedNames = new ByteTable(MAX_SKIPPED_NAMES);
  readonly #skipped: [name: string, count: number][] = [];
  #skippedOthers = 0;
  /** The start of a line whose end has not come yet. */
  #carry = new Uint8Array(4096);
  #carried = 0;
  /** True while the rest of a line that is too long is passed over. */
  #discarding = false;
  /** True after an event whose text may go on in the next lines. */
  #skipping = false;
  #lines = 0;
  #events = 0;
  #continuations = 0;
  #malformed = 0;
  #firstError: LoadError | undefined;
  #gaps = 0;
  #lost = 0;

  constructor(options: FtraceOptions) {
    this.#options = options;
    this.#target = options.target;
    this.#place = options.place ?? "trace";
    this.#maxLine = options.maxLine ?? 65536;
    const formats = [...options.formats];
    this.#names = new ByteTable(Math.max(64, 4 * formats.length));
    for (const format of formats) this.#addFormat(format);
  }

  #addFormat(format: TracepointFormat): void {
    const kindOf = (isSyscall: boolean): EventKind => ({
      format,
      isSyscall,
      isFreeText: /^(?:print|bprint|bputs)$/.test(format.name),
      inverse: undefined,
      fieldsInverse: undefined,
      flagsOffset: commonOffset(format, "common_flags", 1),
      preemptOffset: commonOffset(format, "common_preempt_count", 1),
      pidOffset: commonOffset(format, "common_pid", 4),
    });
    const kind = kindOf(false);
    this.#byName.set(format.name, kind);
    this.#addName(format.name, kind);
    // ftrace prints `sys_openat(dfd: ...` and `sys_openat -> 0x3`, trace-cmd what the print format says.
    const syscall = /^sys_(enter|exit)_(\w+)$/.exec(format.name);
    if (syscall === null) return;
    this.#addName(syscall[1] === "enter" ? `sys_${syscall[2]}(` : `sys_${syscall[2]} ->`, kindOf(true));
  }

  #addName(name: string, kind: EventKind): void {
    const bytes = new TextEncoder().encode(name);
    const index = this.#names.intern(bytes, 0, bytes.length);
    // Only names too long to be an event's find the table full.
    if (index >= 0) this.#kinds[index] = kind;
  }

  /** What has been read so far. */
  get stats(): FtraceStats {
    const others = this.#skippedOthers;
    return {
      lines: this.#lines,
      events: this.#events,
      skipped: new Map(others > 0 ? [...this.#skipped, ["(others)", others]] : this.#skipped),
      continuations: this.#continuations,
      malformed: this.#malformed,
      firstError: this.#firstError,
      gaps: this.#gaps,
      lost: this.#lost,
    };
  }

  /**
   * How the events of a name are read, to ask which fields stay unknown; undefined without a format.
   * Throws a LoadError (`bad-format`) where the print format does not parse.
   */
  inverseOf(name: string): RecordInverse | undefined {
    const kind = this.#byName.get(name);
    return kind === undefined ? undefined : this.#compile(kind);
  }

  #compile(kind: EventKind): RecordInverse {
    const { format, isSyscall } = kind;
    const printFormat = isSyscall ? { printFormat: syscallPrintFormat(format) } : {};
    kind.inverse ??= new RecordInverse(format, { ...this.#options, ...printFormat });
    return kind.inverse;
  }

  /** Reads a chunk. It is not kept, except for a copy of its last line when that goes on in the next. */
  push(source: Uint8Array): void {
    // Node's Buffer brings its own, slower methods, and the hot path is faster with one kind of array.
    const chunk = new Uint8Array(source.buffer, source.byteOffset, source.length);
    let at = this.#discarding ? this.#discard(chunk) : 0;
    while (this.#carried > 0 && at < chunk.length) {
      const newline = chunk.indexOf(NEWLINE, at);
      const stop = newline < 0 ? chunk.length : newline + 1;
      this.#keep(chunk, at, stop);
      at = stop;
      if (newline < 0) break;
      const used = this.#parse(this.#carry, 0, this.#carried, false);
      this.#carry.copyWithin(0, used, this.#carried);
      this.#carried -= used;
    }
    if (at < chunk.length) this.#keep(chunk, this.#parse(chunk, at, chunk.length, false), chunk.length);
    if (this.#carried > this.#maxLine) this.#dropLine();
  }

  /** Reads what is left when no more chunks come. */
  end(): void {
    if (this.#carried === 0) return;
    if (this.#carry[this.#carried - 1] !== NEWLINE) this.#keep(Uint8Array.of(NEWLINE), 0, 1);
    this.#parse(this.#carry, 0, this.#carried, true);
    this.#carried = 0;
  }

  /** Where the line ends that is being passed over; the chunk's end when it goes on. */
  #discard(chunk: Uint8Array): number {
    const newline = chunk.indexOf(NEWLINE);
    if (newline < 0) return chunk.length;
    this.#discarding = false;
    return newline + 1;
  }

  /** Gives up on a line that is too long, after the whole lines before it that wait for more. */
  #dropLine(): void {
    const start = this.#carry.lastIndexOf(NEWLINE, this.#carried - 1) + 1;
    this.#parse(this.#carry, 0, start, true);
    this.#carried = 0;
    this.#discarding = true;
    this.#failLong(1);
  }

  #keep(chunk: Uint8Array, from: number, to: number): void {
    const needed = this.#carried + to - from;
    if (needed > this.#carry.length) {
      const larger = new Uint8Array(Math.max(needed, 2 * this.#carry.length));
      larger.set(this.#carry.subarray(0, this.#carried));
      this.#carry = larger;
    }
    this.#carry.set(chunk.subarray(from, to), this.#carried);
    this.#carried = needed;
  }

  /** Reads all whole lines; gives where the first one starts that is not whole. */
  #parse(bytes: Uint8Array, start: number, end: number, isLast: boolean): number {
    // Everything below may rely on a line break before `whole`.
    const whole = end === start ? start : bytes.lastIndexOf(NEWLINE, end - 1) + 1;
    let at = start;
    while (at < whole) {
      const next = this.#line(bytes, at, whole, isLast);
      if (next < 0) return at;
      at = next;
    }
    return at;
  }

  /** Reads one line; gives where the next one starts, -1 when the event goes on in lines that are to come. */
  #line(bytes: Uint8Array, start: number, end: number, isLast: boolean): number {
    const header = this.#header;
    if (bytes[start] === HASH || !parseHeader(bytes, start, end, header)) {
      return this.#otherLine(bytes, start);
    }
    let index = this.#names.findWord(bytes, header.nameStart, end, NAME_BYTES);
    const nameEnd = this.#names.wordEnd;
    let textStart = nameEnd + 1;
    const after = bytes[nameEnd];
    if (after === OPEN_PAREN || after === SPACE) {
      textStart += after === SPACE ? 2 : 0;
      index = textStart < end ? this.#names.find(bytes, header.nameStart, textStart) : -1;
    } else if (after !== COLON) {
      index = -1;
    }
    if (index < 0) return this.#skip(bytes, start, nameEnd);
    const kind = this.#kinds[index] as EventKind;
    const inverse = kind.inverse ?? this.#compile(kind);
    if (inverse.newlines > 0 && !isLast && !hasLines(bytes, textStart, end, inverse.newlines + 1)) return -1;
    let from = textStart;
    while (bytes[from] === SPACE) from++;
    // Spaces that the print format itself starts with belong to the text; trace-cmd adds others.
    from -= Math.min(inverse.leadingSpaces, Math.max(0, from - textStart - 1));
    this.#skipping = kind.isFreeText;
    if (!inverse.match(bytes, from, end)) return this.#otherForm(kind, inverse, bytes, start, from, end);
    return this.#take(kind, inverse, bytes, start, from);
  }

  /** The same for text that is not as the print format says: `trace-cmd report -R` lists the fields. */
  #otherForm(
    kind: EventKind,
    inverse: RecordInverse,
    bytes: Uint8Array,
    start: number,
    from: number,
    end: number,
  ): number {
    if (kind.fieldsInverse === undefined) {
      const printFormat = fieldsPrintFormat(kind.format);
      kind.fieldsInverse = printFormat === undefined ? null : new RecordInverse(kind.format, { printFormat });
    }
    const fields = kind.fieldsInverse;
    if (fields === null || !fields.match(bytes, from, end))
      return this.#mismatch(inverse, bytes, start, from);
    return this.#take(kind, fields, bytes, start, from);
  }

  /** Hands over the event that an inverse matched; gives where the next line starts. */
  #take(kind: EventKind, inverse: RecordInverse, bytes: Uint8Array, start: number, from: number): number {
    const next = inverse.textEnd + 1;
    if (next - start <= this.#maxLine + 1) this.#emit(kind, inverse, bytes, from);
    else this.#failLong(1 + inverse.newlines);
    return next;
  }

  #emit(kind: EventKind, inverse: RecordInverse, bytes: Uint8Array, textStart: number): void {
    const target = this.#target;
    const header = this.#header;
    const event = this.#event;
    const offset = target.reserve(inverse.size);
    const { view } = target;
    inverse.store(target.bytes, view, offset);
    if (kind.flagsOffset >= 0) view.setUint8(offset + kind.flagsOffset, header.flags);
    if (kind.preemptOffset >= 0) view.setUint8(offset + kind.preemptOffset, header.preemptCount);
    if (kind.pidOffset >= 0) view.setInt32(offset + kind.pidOffset, header.pid, true);
    event.format = kind.format;
    event.offset = offset;
    event.size = inverse.size;
    event.cpu = header.cpu;
    event.pid = header.pid;
    event.tgid = header.tgid;
    event.timeNs = header.timeNs;
    event.line = this.#lines + 1;
    event.bytes = bytes;
    event.commStart = header.commStart;
    event.commEnd = header.commEnd;
    event.textStart = textStart;
    event.textEnd = bytes[inverse.textEnd - 1] === RETURN ? inverse.textEnd - 1 : inverse.textEnd;
    this.#lines += 1 + inverse.newlines;
    this.#events++;
    target.commit(event);
  }

  #mismatch(inverse: RecordInverse, bytes: Uint8Array, start: number, from: number): number {
    const newline = bytes.indexOf(NEWLINE, from);
    if (this.#isLong(start, newline)) return newline + 1;
    this.#lines++;
    this.#fail(() => {
      const symbol = inverse.unknownSymbol;
      const { name } = inverse.format;
      return symbol === undefined
        ? `expected text as the format of ${name} prints it, got ${textOf(bytes, from, newline)}`
        : `expected a symbol of the table for ${name}, got ${quote(symbol)}`;
    });
    // What else there is of an event with several lines is no mistake of its own.
    this.#skipping = inverse.newlines > 0;
    return newline + 1;
  }

  /** Counts an event without a format. */
  #skip(bytes: Uint8Array, start: number, nameEnd: number): number {
    const from = this.#header.nameStart;
    const newline = bytes.indexOf(NEWLINE, from);
    if (this.#isLong(start, newline)) return newline + 1;
    this.#lines++;
    this.#skipping = true;
    const isNamed = nameEnd > from && bytes[nameEnd] === COLON;
    if (this.#options.unknownEvents === "error") {
      this.#fail(() => `expected an event that has a format, got ${textOf(bytes, from, newline)}`);
      return newline + 1;
    }
    const key = isNamed ? bytes.subarray(from, nameEnd) : UNNAMED;
    const index = this.#skippedNames.intern(key, 0, key.length);
    const entry = this.#skipped[index];
    if (index < 0) this.#skippedOthers++;
    else if (entry === undefined) this.#skipped[index] = [new TextDecoder().decode(key), 1];
    else entry[1]++;
    return newline + 1;
  }

  /** Reads a line that is no event's. */
  #otherLine(bytes: Uint8Array, from: number): number {
    const newline = bytes.indexOf(NEWLINE, from);
    if (this.#isLong(from, newline)) return newline + 1;
    this.#lines++;
    if (bytes[from] === HASH) return newline + 1;
    const text = new TextDecoder().decode(bytes.subarray(from, Math.min(newline, from + 200)));
    const lost = /^CPU:\d+ \[(?:LOST (?:(\d+) )?EVENTS|(?:(\d+) )?EVENTS DROPPED)\]/.exec(text);
    if (lost !== null) {
      this.#gaps++;
      this.#lost += Number(lost[1] ?? lost[2] ?? 0);
    } else if (text.trim() === "" || /^(?:version = \d+|cpus=\d+|CPU \d+ is empty)\s*$/.test(text)) {
      // Line breaks that end a print format, and what trace-cmd writes before the events.
    } else if (this.#skipping || /^ ?=> /.test(text)) {
      this.#continuations++;
    } else {
      this.#fail(() => `expected "task-pid [cpu] time: event: text", got ${quote(text)}`);
    }
    return newline + 1;
  }

  /** True for a line that is too long, which is counted as such. */
  #isLong(start: number, newline: number): boolean {
    if (newline - start <= this.#maxLine) return false;
    this.#failLong(1);
    return true;
  }

  #failLong(lines: number): void {
    this.#lines += lines;
    this.#fail(() => `expected lines of at most ${this.#maxLine} bytes, got a longer one`);
  }

  /** Reports the line that was counted last, or counts it as unreadable. */
  #fail(problem: () => string): void {
    const { keepGoing = false } = this.#options;
    this.#malformed++;
    if (keepGoing && this.#firstError !== undefined) return;
    this.#firstError = new LoadError("bad-trace", `${this.#place}: line ${this.#lines}`, problem());
    if (!keepGoing) throw this.#firstError;
  }
}

/** True when at least so many lines end between `from` and `end`. */
function hasLines(bytes: Uint8Array, from: number, end: number, lines: number): boolean {
  let at = from;
  for (let i = 0; i < lines; i++) {
    at = bytes.indexOf(NEWLINE, at) + 1;
    if (at === 0 || at > end) return false;
  }
  return true;
}

function textOf(bytes: Uint8Array, from: number, to: number): string {
  return quote(new TextDecoder().decode(bytes.subarray(from, Math.min(to, from + 200))));
}

/**
 * Reads a whole trace from chunks as they come, such as a Node stream, the body of a fetch, or an array.
 * Throws what the parser throws.
 */
export async function readFtrace(
  source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  parser: FtraceParser,
): Promise<void> {
  for await (const chunk of source) parser.push(chunk);
  parser.end();
}
