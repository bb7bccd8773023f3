// A place to replay traces in: a runtime, tracepoints and programs that write down all that they see of an event.

import { readFileSync } from "node:fs";
import {
  defineHelper,
  type EngineName,
  type Executable,
  instantiate,
  load,
  type ReplayOptions,
  type ReplayStats,
  Runtime,
  replayTrace,
  SymbolTable,
  TracepointTable,
  type TraceSource,
} from "../../dist/src/index.js";
import { prepare } from "./engines.ts";
import { COMMON_FIELDS } from "./format-text.ts";
import { recording } from "./traces.ts";

const formatOf = (name: string, id: number): string => `name: ${name}
ID: ${id}
${COMMON_FIELDS}	field:u64 value;	offset:8;	size:8;	signed:0;

print fmt: "value=%llu", REC->value
`;

/** What a program saw of an event. */
export interface Seen {
  /** Number of the program. */
  readonly who: number;
  readonly value: bigint;
  readonly time: bigint;
  readonly cpu: number;
  readonly pid: number;
  readonly tgid: number;
  /** The bytes before the first NUL, each a character. */
  comm: string;
}

/** Tells the host of value, time, task and CPU, then of the task's name. */
const watcher = (who: number): string => `
  r6 = *(u64 *)(r1 + 8)
  call ktime_get_ns
  r7 = r0
  call get_current_pid_tgid
  r8 = r0
  call get_smp_processor_id
  r4 = r0
  r5 = ${who}
  r1 = r6
  r2 = r7
  r3 = r8
  call 6000
  r1 = r10
  r1 += -16
  r2 = 16
  call get_current_comm
  r1 = r10
  r1 += -16
  r2 = 16
  call 6001
  r0 = 0
  exit`;

/** Two tracepoints, `test:tick` and `test:tock`, each with a number called `value`. */
export class Stand {
  readonly engine: EngineName;
  readonly runtime = new Runtime();
  readonly tracepoints = new TracepointTable(this.runtime);
  readonly seen: Seen[] = [];
  #programs = 0;

  constructor(engine: EngineName) {
    this.engine = engine;
    this.tracepoints.define(formatOf("tick", 900), "test");
    this.tracepoints.define(formatOf("tock", 901), "test");
    defineHelper(this.runtime, {
      id: 6000,
      name: "see",
      args: ["u64", "u64", "u64", "u32", "u32"],
      body: (value, time, task, cpu, who) => {
        const [pid, tgid] = [Number(task & 0xffff_ffffn), Number(task >> 32n)];
        this.seen.push({ who, value, time, cpu, pid, tgid, comm: "" });
      },
    });
    defineHelper(this.runtime, {
      id: 6001,
      name: "see_comm",
      args: ["mem", "size"],
      body: (bytes) => {
        const last = this.seen[this.seen.length - 1] as Seen;
        last.comm = Buffer.from(bytes.subarray(0, bytes.indexOf(0))).toString("latin1");
      },
    });
  }

  /** Attaches a program that writes down what it sees; gives its number. */
  watch(event: string): number {
    const who = this.#programs++;
    this.attach(event, watcher(who));
    return who;
  }

  attach(event: string, code: string, engine = this.engine): Executable {
    const program = prepare(engine, code, { runtime: this.runtime });
    this.tracepoints.get(`test:${event}`).attach(program);
    return program;
  }

  replay(trace: string | TraceSource, options: ReplayOptions = {}): Promise<ReplayStats> {
    const source = typeof trace === "string" ? inChunks(encode(trace), trace.length + 1) : trace;
    return replayTrace(source, this.tracepoints, options);
  }
}

export const encode = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text);

/** A source that gives the bytes in pieces of `size`. */
export function inChunks(bytes: Uint8Array, size: number): TraceSource {
  return function* chunks() {
    for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
  };
}

export interface LineFields {
  readonly event?: string;
  readonly value?: bigint | number;
  readonly comm?: string;
  readonly pid?: number;
  readonly tgid?: number;
  readonly cpu?: number;
  /** Microseconds. */
  readonly time?: number;
}

/** A line of a trace, with its line break. */
export function line(fields: LineFields = {}): string {
  const { event = "tick", value = 0, comm = "task", pid = 1, tgid, cpu = 0, time = 1_000_000 } = fields;
  const group = tgid === undefined ? "" : ` (${String(tgid).padStart(7)})`;
  const seconds = `${Math.floor(time / 1e6)}.${String(time % 1e6).padStart(6, "0")}`;
  return `${comm.padStart(16)}-${pid}${group} [${String(cpu).padStart(3, "0")}] d..2. ${seconds}: ${event}: value=${value}\n`;
}

/** Lines with values from 0 on, `step` microseconds apart. */
export function ticks(count: number, step = 10): string {
  return Array.from({ length: count }, (_, value) => line({ value, time: 1_000_000 + value * step })).join(
    "",
  );
}

/** The recording of dropped packets, and examples/dropmon.bpf.o counting them on an engine. */
export function dropMonitor(engine: EngineName) {
  const { trace, formats, symbols: text } = recording();
  const symbols = SymbolTable.parse(text);
  const runtime = new Runtime();
  const tracepoints = new TracepointTable(runtime);
  for (const format of formats) tracepoints.define(format);
  const object = load(new Uint8Array(readFileSync(new URL("../../examples/dropmon.bpf.o", import.meta.url))));
  const collection = instantiate(runtime, object, { engine });
  const link = tracepoints.attach(collection.program);
  const drops = (): Map<string, number> => {
    const entries = [...(collection.maps.get("drops") ?? [])] as [bigint, bigint][];
    return new Map(
      entries.map(([address, count]) => [symbols.describe(address, true) as string, Number(count)]),
    );
  };
  return { runtime, tracepoints, collection, link, symbols, trace, drops };
}
