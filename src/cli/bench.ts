// tracebee bench: how fast a program is on each engine. Every engine runs in a process of its own (one engine's heap
// and compiler do not disturb another's), rounds interleaved, medians compared.

import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { EngineName } from "../engine/engine.ts";
import { ChildFailure, type Command, expectFile, readArgs, readCount, readEngines } from "./command.ts";
import { RUN_OPTIONS, RUN_USAGE, readRunInput } from "./running.ts";
import { formatCount, formatTable, toJson } from "./tables.ts";

/** Runs of a measurement on memory: one alone would measure how the engine starts. */
const DEFAULT_REPEAT = 1000;

const USAGE = `usage: tracebee bench FILE [--rounds N] [OPTION of run...]

Measures a program on a trace (--replay) or on some memory (--data; --repeat is ${DEFAULT_REPEAT} by default) on every
engine, each in a process of its own, rounds interleaved; prints medians.

  --rounds N        measurements per engine; default 5
  --json            all measurements as JSON
${RUN_USAGE}`;

interface Measurement {
  readonly engine: EngineName | "auto";
  /** Of the program alone. */
  readonly nsPerRun: number;
  /** Of everything, with a trace. */
  readonly eventsPerSecond: number | undefined;
}

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1];

/** One measurement, in a process of its own. Throws a ChildFailure when that fails. */
function measure(engine: EngineName | "auto", args: readonly string[]): Measurement {
  const main = fileURLToPath(new URL("./main.js", import.meta.url));
  const { status, stdout } = spawnSync(
    process.execPath,
    [main, "run", "--json", `--engine=${engine}`, ...args],
    { maxBuffer: 1 << 30, encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] },
  );
  if (status !== 0) throw new ChildFailure(status ?? 1);
  const report = JSON.parse(stdout) as Record<string, number>;
  if (report.nanoseconds !== undefined)
    return { engine, nsPerRun: report.nanoseconds, eventsPerSecond: undefined };
  const nsPerRun = (report.executionMs * 1e6) / report.runs;
  return { engine, nsPerRun, eventsPerSecond: (report.events * 1000) / report.elapsedMs };
}

export const bench: Command = {
  name: "bench",
  summary: "compare the engines on a program",
  usage: USAGE,
  run(args) {
    const options = { ...RUN_OPTIONS, rounds: { type: "string" }, json: { type: "boolean" } } as const;
    const { values, positionals } = readArgs(args, options);
    const file = expectFile(positionals, "a program");
    // What is wrong with the input is said once, here, and not by a process that is to measure it.
    const { checked } = readRunInput(file, values);
    const { rounds: _rounds, json: _json, engine: _engine, ...runValues } = values;
    const repeat = runValues.repeat ?? (runValues.replay === undefined ? `${DEFAULT_REPEAT}` : undefined);
    const passed = [...writeOptions({ ...runValues, repeat }), "--", file];
    const engines = readEngines(values.engine ?? "all", checked !== undefined);
    const rounds = readCount(values.rounds, "rounds") ?? 5;
    const measurements: Measurement[] = [];
    for (let round = 0; round < rounds; round++) {
      for (const engine of engines) measurements.push(measure(engine, passed));
    }
    if (values.json === true) {
      process.stdout.write(`${toJson(measurements)}\n`);
      return 0;
    }
    const of = (engine: string, pick: (each: Measurement) => number): number =>
      median(measurements.filter((each) => each.engine === engine).map(pick));
    const base = of(engines[0], (each) => each.nsPerRun);
    const rows = engines.map((engine) => {
      const ns = of(engine, (each) => each.nsPerRun);
      const rate = of(engine, (each) => each.eventsPerSecond ?? 1e9 / each.nsPerRun);
      return [engine, ns.toFixed(1), `${(base / ns).toFixed(2)}x`, formatCount(Math.round(rate))];
    });
    process.stdout.write(
      formatTable(["engine", "ns/run", `speed, ${engines[0]} = 1`, "events/s in all"], rows),
    );
    return 0;
  },
};

/** Options as parseArgs reads them, turned back into arguments. */
function writeOptions(values: Readonly<Record<string, string | boolean | string[] | undefined>>): string[] {
  return Object.entries(values).flatMap(([name, value]) => {
    if (typeof value === "boolean" || value === undefined) return value === true ? [`--${name}`] : [];
    return [value].flat().map((each) => `--${name}=${each}`);
  });
}
