// What the trace tests share: format files nobody here wrote, the recording in examples/, a target that
// keeps events, records with random contents.

import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { type FormatField, parseFormat, type TracepointFormat } from "../../dist/src/attach/format.js";
import type { RecordTarget, TraceEvent } from "../../dist/src/attach/trace-event.js";
import { readOracleBytes } from "./oracles.ts";
import type { Random } from "./random.ts";

const ROOT = new URL("../..", import.meta.url).pathname;
/** The formats in a file that has `=== path` before each. */
export function splitFormats(text: string): TracepointFormat[] {
  return text
    .split(/^=== /m)
    .slice(1)
    .map((part) => {
      const newline = part.indexOf("\n");
      const path = part.slice(0, newline);
      const system = path.split("/").at(-3) as string;
      return parseFormat(part.slice(newline + 1), { place: path, system });
    });
}

/** The formats of Linux 4.4, 959 of them. */
export function oldFormats(): TracepointFormat[] | undefined {
  const bytes = readOracleBytes("traces/formats-linux-4.4.txt.gz");
  return bytes === undefined ? undefined : splitFormats(new TextDecoder().decode(bytes));
}

const LIST_FORMATS = `mount -t tracefs tracefs /mnt && cd /mnt &&
  awk 'FNR == 1 { print "=== " FILENAME } { print }' events/*/*/format`;

/** The formats of the running kernel, read in a mount namespace of their own; undefined where that may not be. */
export function liveFormats(): TracepointFormat[] | undefined {
  try {
    const options = { encoding: "utf8", stdio: "pipe", maxBuffer: 1 << 26 } as const;
    return splitFormats(execFileSync("unshare", ["--mount", "sh", "-c", LIST_FORMATS], options));
  } catch (error) {
    console.log(`skipped: the running kernel's formats (${String(error).split("\n")[0]})`);
    return undefined;
  }
}

const RECORDINGS = `${ROOT}examples/recordings/`;

/** The recording in examples/: its trace, the formats of its events, and symbols. */
export function recording(): { trace: Uint8Array; formats: TracepointFormat[]; symbols: string } {
  const read = (name: string) => readFileSync(`${RECORDINGS}${name}`, "utf8");
  return {
    trace: new Uint8Array(readFileSync(`${RECORDINGS}kfree_skb.trace`)),
    formats: readdirSync(`${RECORDINGS}events`).flatMap((system) =>
      readdirSync(`${RECORDINGS}events/${system}`).map((name) =>
        parseFormat(read(`events/${system}/${name}/format`), { place: name, system }),
      ),
    ),
    symbols: read("kfree_skb.symbols"),
  };
}

export interface KeptEvent {
  readonly name: string;
  readonly record: Uint8Array;
  readonly text: string;
  readonly header: readonly (string | number)[];
}

/** A target that keeps a copy of every event; its memory moves at every record, as memory that grows does. */
export class KeepingTarget implements RecordTarget {
  bytes = new Uint8Array(0);
  view = new DataView(this.bytes.buffer);
  readonly events: KeptEvent[] = [];

  reserve(size: number): number {
    this.bytes = new Uint8Array(size + 24).fill(0xee);
    this.view = new DataView(this.bytes.buffer);
    return 16;
  }

  commit(event: TraceEvent): void {
    const { format, offset, size, cpu, pid, tgid, timeNs, line, comm, text } = event;
    const outside = [...this.bytes.subarray(0, offset), ...this.bytes.subarray(offset + size)];
    if (outside.some((byte) => byte !== 0xee)) throw new Error(`${format.name}: written outside the record`);
    const record = this.bytes.slice(offset, offset + size);
    this.events.push({ name: format.name, record, text, header: [comm, pid, tgid, cpu, timeNs, line] });
  }
}

/** A target that looks at nothing. */
export class CountingTarget implements RecordTarget {
  readonly bytes = new Uint8Array(1 << 17);
  readonly view = new DataView(this.bytes.buffer);
  count = 0;

  reserve(): number {
    return 0;
  }

  commit(): void {
    this.count++;
  }
}

/** What a field holds: its own bytes, or those that it gives the place of. */
export function fieldBytes(record: Uint8Array, field: FormatField): Uint8Array {
  if (field.dataLoc === "none") return record.subarray(field.offset, field.offset + field.size);
  const location = new DataView(record.buffer, record.byteOffset).getUint32(field.offset, true);
  const base = field.dataLoc === "data_loc" ? 0 : field.offset + 4;
  const at = base + (location & 0xffff);
  return record.subarray(at, at + (location >>> 16));
}

function randomElement(random: Random, field: FormatField): number[] {
  const size = field.elementSize;
  if (field.elementType === "bool") return [random.below(2)];
  if (field.elementType === "char") return [97 + random.below(26)];
  const bytes = new Array<number>(size).fill(0);
  switch (random.below(4)) {
    case 0:
      bytes[0] = random.below(12);
      return bytes;
    case 1:
      return bytes.map(() => random.below(256));
    case 2: {
      const bit = random.below(8 * size);
      bytes[bit >> 3] = 1 << (bit & 7);
      return bytes;
    }
    default:
      return bytes.fill(255);
  }
}

/** Bytes behind the fixed fields: a word with its zero, or some elements. */
function randomDynamic(random: Random, field: FormatField): number[] {
  if (field.elementSize === 1) {
    return [...new TextEncoder().encode(random.word(random.below(12))), 0];
  }
  const elements = field.elementSize === 8 ? 1 + random.below(2) : random.below(5);
  return Array.from({ length: elements * field.elementSize }, () => random.below(256));
}

/** A record of the format with random contents, as the kernel would lay it out. */
export function randomRecord(random: Random, format: TracepointFormat): Uint8Array {
  const bytes = new Uint8Array(format.size + 1024);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, format.id, true);
  let end = format.size;
  for (const field of format.fields) {
    if (field.dataLoc !== "none") {
      const data = randomDynamic(random, field);
      const offset = field.dataLoc === "data_loc" ? end : end - field.offset - 4;
      view.setUint32(field.offset, (data.length << 16) | offset, true);
      bytes.set(data, end);
      end += data.length;
    } else if (field.isArray && field.elementType === "char") {
      const word = random.word(random.below(Math.max(1, field.size)));
      bytes.set(new TextEncoder().encode(word), field.offset);
    } else {
      for (let i = 0; i + field.elementSize <= field.size; i += Math.max(1, field.elementSize)) {
        bytes.set(randomElement(random, field), field.offset + i);
      }
    }
  }
  return bytes.subarray(0, (end + 7) & ~7);
}
