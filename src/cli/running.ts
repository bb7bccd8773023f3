// What `run`, `map` and `bench` share: the options that say what to run on what, and running it on one engine.

import { type ReplayProgress, type ReplayStats, replayTrace } from "../attach/replay.ts";
import { TracepointTable } from "../attach/tracepoint.ts";
import { type Collection, instantiate } from "../engine/collection.ts";
import type { CheckedOptions, EngineName, Executable } from "../engine/engine.ts";
import { LoadError } from "../errors.ts";
import { fromHex } from "../harness/hex.ts";
import type { ObjectFile } from "../loader/object-file.ts";
import type { Program } from "../program.ts";
import { Runtime } from "../runtime.ts";
import { hasTestRun, seesPacket, testRun } from "../test-run/test-run.ts";
import type { TraceLine } from "../trace-output.ts";
import { readBytes, readCount, UsageError } from "./command.ts";
import { choosePrograms, loadFile, openTrace, readProgramType, type TraceInput } from "./input.ts";
import { KernelTypes } from "./kernel-types.ts";

/** Options of parseArgs for everything that runs a program. */
export const RUN_OPTIONS = {
  engine: { type: "string" },
  type: { type: "string" },
  program: { type: "string" },
  replay: { type: "string" },
  formats: { type: "string" },
  symbols: { type: "string" },
  events: { type: "string" },
  "keep-going": { type: "boolean" },
  data: { type: "string" },
  repeat: { type: "string" },
  checked: { type: "boolean" },
  limit: { type: "string" },
  "kernel-btf": { type: "string" },
  set: { type: "string", multiple: true },
} as const;

export const RUN_USAGE = `  --engine NAME     ts, wasm, jit or auto (the fastest interpreter that runs here; the default)
  --type TYPE       program type, where the file does not say (raw, xdp, tracepoint …)
  --program NAME    the program to run; default: all (with --replay), or the only one
  --replay FILE     run over a recorded trace in ftrace's text form
  --formats DIR     SYSTEM/EVENT/format files; default: the folder events beside the trace
  --symbols FILE    kallsyms lines; default: the trace's name with the ending .symbols
  --events N        stop after N events, repeating the trace as needed
  --keep-going      count lines of the trace that cannot be read instead of stopping
  --data HEX|@FILE  run once instead: on this packet, or, for types without one, on this context; of type raw: r1 is the
                    memory's address, r2 its length
                    (of types with an __sk_buff only tc's see the packet's Ethernet header, as in BPF_PROG_TEST_RUN)
  --repeat N        with --data: run N times
  --checked         do not verify: test every access at run time (programs of type raw: always)
  --limit N         with --checked: instructions after which a run is stopped
  --kernel-btf FILE types of the kernel that the programs are verified for; default: this machine's
  --set NAME=VALUE  value of a global variable, before anything runs
`;

/** The values that parseArgs gives for RUN_OPTIONS. */
export interface RunValues {
  readonly engine?: string | undefined;
  readonly type?: string | undefined;
  readonly program?: string | undefined;
  readonly replay?: string | undefined;
  readonly formats?: string | undefined;
  readonly symbols?: string | undefined;
  readonly events?: string | undefined;
  readonly "keep-going"?: boolean | undefined;
  readonly data?: string | undefined;
  readonly repeat?: string | undefined;
  readonly checked?: boolean | undefined;
  readonly limit?: string | undefined;
  readonly "kernel-btf"?: string | undefined;
  readonly set?: string[] | undefined;
}

/** What to run, read from files and arguments. */
export interface RunInput {
  readonly object: ObjectFile;
  readonly trace: TraceInput | undefined;
  readonly data: Uint8Array | undefined;
  readonly events: number | undefined;
  readonly repeat: number;
  /** Undefined: verified. */
  readonly checked: CheckedOptions | undefined;
  readonly kernelTypes: KernelTypes;
  readonly keepGoing: boolean;
  readonly program: string | undefined;
  readonly variables: Readonly<Record<string, unknown>>;
}

/** One engine's run. */
export interface Outcome {
  readonly engine: EngineName;
  readonly collection: Collection;
  /** With a trace. */
  readonly stats?: ReplayStats;
  /** With data: the last run's r0, the memory after it, and the mean duration. */
  readonly result?: { readonly retval: bigint; readonly data: Uint8Array; readonly nanoseconds: number };
}

export interface Observers {
  readonly onProgress?: (progress: ReplayProgress) => void;
  readonly onTrace?: (line: TraceLine) => void;
}

function readData(text: string | undefined): Uint8Array | undefined {
  if (text === undefined) return undefined;
  if (text.startsWith("@")) return new Uint8Array(readBytes(text.slice(1)));
  const bytes = fromHex(text);
  if (bytes === undefined)
    throw new UsageError(`--data: expected hexadecimal digits in pairs, got "${text}"`);
  return bytes;
}

function readVariables(settings: readonly string[]): Record<string, unknown> {
  const variables: Record<string, unknown> = {};
  for (const setting of settings) {
    const equals = setting.indexOf("=");
    if (equals < 1) throw new UsageError(`--set: expected NAME=VALUE, got "${setting}"`);
    const text = setting.slice(equals + 1);
    try {
      variables[setting.slice(0, equals)] = /^-?(\d+|0x[0-9a-f]+)$/i.test(text)
        ? readInteger(text)
        : JSON.parse(text);
    } catch {
      variables[setting.slice(0, equals)] = text;
    }
  }
  return variables;
}

const readInteger = (text: string): bigint => (text.startsWith("-") ? -BigInt(text.slice(1)) : BigInt(text));

/** Options that mean nothing without a trace. */
const TRACE_OPTIONS = ["formats", "symbols", "events", "keep-going"] as const;

/** Throws a UsageError for options that do not go together. */
function checkTogether(values: RunValues): void {
  if (values.replay !== undefined) {
    if (values.data !== undefined) throw new UsageError("expected --replay or --data, got both");
    if (values.repeat === undefined) return;
    throw new UsageError("--repeat: expected --data with it; with --replay --events N repeats the trace");
  }
  const lone = TRACE_OPTIONS.find((name) => values[name] !== undefined);
  if (lone !== undefined) throw new UsageError(`--${lone}: expected --replay with it`);
}

/** Without a trace one program runs; types that see packets need one. Throws a UsageError where it is not so. */
function checkSingle([first, second]: readonly Program[], object: ObjectFile, hasData: boolean): void {
  if (second !== undefined) {
    const names = [...object.programs.keys()].join(" or ");
    throw new UsageError(`--program: expected ${names}, got none: without --replay one program runs`);
  }
  if (!hasData && first !== undefined && seesPacket(first.type)) {
    throw new UsageError(`--data: expected a packet for ${first.name} (${first.type}), got none`);
  }
}

/** Reads all that the options name. */
export function readRunInput(file: string, values: RunValues): RunInput {
  checkTogether(values);
  const object = loadFile(file, readProgramType(values.type));
  const programs = choosePrograms(object, values.program);
  if (values.replay === undefined) checkSingle(programs, object, values.data !== undefined);
  const isChecked = values.checked === true || programs.every(({ type }) => type === "raw");
  if (values.limit !== undefined && !isChecked) {
    throw new UsageError("--limit: expected --checked with it: a verified program ends by itself");
  }
  const limit = readCount(values.limit, "limit");
  const trace =
    values.replay === undefined ? undefined : openTrace(values.replay, values.formats, values.symbols);
  return {
    object,
    trace,
    data: readData(values.data),
    events: readCount(values.events, "events"),
    repeat: readCount(values.repeat, "repeat") ?? 1,
    checked: isChecked ? (limit === undefined ? {} : { limit }) : undefined,
    kernelTypes: new KernelTypes(values["kernel-btf"]),
    keepGoing: values["keep-going"] === true,
    program: values.program,
    variables: readVariables(values.set ?? []),
  };
}

/** Makes the object on one engine and runs it; the caller closes the collection. */
export async function runOn(
  engine: EngineName | "auto",
  input: RunInput,
  observers: Observers = {},
): Promise<Outcome> {
  const runtime = new Runtime();
  if (observers.onTrace !== undefined) runtime.trace.listen(observers.onTrace);
  const { object, trace, checked, program, variables } = input;
  const kernelBtf = checked === undefined ? input.kernelTypes.btf : undefined;
  const collection = instantiate(runtime, object, {
    engine,
    variables,
    ...(checked === undefined ? {} : { checked }),
    ...(kernelBtf === undefined ? {} : { verify: { kernelBtf } }),
    ...(program === undefined ? {} : { programs: [program] }),
  });
  const first = [...collection.programs.values()][0] as Executable;
  if (trace === undefined)
    return { engine: first.engine, collection, result: runOnData(collection.program, input) };
  const tracepoints = new TracepointTable(runtime);
  for (const format of trace.formats) tracepoints.define(format);
  for (const executable of collection.programs.values()) tracepoints.attach(executable);
  const stats = await replayTrace(trace.source, tracepoints, {
    place: trace.file,
    keepGoing: input.keepGoing,
    ...(input.events === undefined ? {} : { events: input.events }),
    ...(trace.symbols === undefined ? {} : { symbols: trace.symbols }),
    ...(observers.onProgress === undefined ? {} : { onProgress: observers.onProgress }),
  });
  return { engine: first.engine, collection, stats };
}

function runOnData(executable: Executable, input: RunInput): NonNullable<Outcome["result"]> {
  const { repeat } = input;
  // A copy: the next engine starts from what was given, too.
  const data = Uint8Array.from(input.data ?? []);
  if (input.checked === undefined) {
    const { name, type } = executable.program;
    if (!hasTestRun(type)) {
      const problem = "expected a type that Linux runs by itself (BPF_PROG_TEST_RUN), got";
      throw new LoadError("unsupported", `program ${name}`, `${problem} ${type}: check judges it`);
    }
    const result = testRun(executable, { data }, { repeat });
    return { retval: BigInt(result.returned), data: result.data, nanoseconds: result.duration };
  }
  let retval = 0n;
  const started = performance.now();
  for (let round = 0; round < repeat; round++) retval = executable.run(data);
  return { retval, data, nanoseconds: ((performance.now() - started) * 1e6) / repeat };
}
