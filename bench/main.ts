// `npm run bench`: every engine in a process of its own, rounds interleaved, medians and their ratios. Writes the
// figures with the machine they are from to bench/results/ and into README.md, and prints them as tables.

import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { cpus, release } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { formatTable } from "../src/cli/tables.ts";
import { compileFloor, floorAgrees, runFloor } from "./floor.ts";
import type { Measurement } from "./interpreters.ts";
import {
  FLOOR,
  interpreterTable,
  type ReplayRow,
  type Report,
  replayTable,
  type Table,
  type VerificationRow,
  verificationTable,
  withFigures,
} from "./report.ts";
import type { Verification } from "./verifier.ts";
import { makeWorkloads } from "./workloads.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const ROUNDS = Number(process.env.TRACEBEE_BENCH_ROUNDS ?? 5);

const ENGINE_ROWS = [
  { label: "jit", args: ["jit", "verified"] },
  { label: "wasm", args: ["wasm", "verified"] },
  { label: "wasm checked", args: ["wasm", "checked"] },
  { label: "ts", args: ["ts", "verified"] },
  { label: "ts checked", args: ["ts", "checked"] },
  { label: "native JavaScript", args: ["native"] },
] as const;

const REPLAY_EVENTS = 1_000_000;

/** C passes per round, so that a round takes some tenths of a second. */
const FLOOR_REPEATS: Readonly<Record<string, number>> = { alu: 20, filter: 5000, flow: 1500, dropmon: 8000 };

function child(script: string, args: readonly string[]): string {
  const path = fileURLToPath(new URL(`./${script}.js`, import.meta.url));
  const output = execFileSync(process.execPath, [path, ...args], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
  });
  return output.trim().split("\n").at(-1) as string;
}

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1];

/** ns per event by row label and workload, a list of rounds each. */
type Samples = Map<string, Map<string, number[]>>;

function record(samples: Samples, label: string, workload: string, ns: number): void {
  const row = samples.get(label) ?? new Map<string, number[]>();
  samples.set(label, row);
  row.set(workload, [...(row.get(workload) ?? []), ns]);
}

function measureInterpreters(): Samples {
  const samples: Samples = new Map();
  const workloads = makeWorkloads();
  const floor = compileFloor();
  for (let round = 1; round <= ROUNDS; round++) {
    process.stderr.write(`interpreters: round ${round} of ${ROUNDS}\n`);
    const sums = new Map<string, bigint>();
    for (const { label, args } of ENGINE_ROWS) {
      for (const { workload, nsPerEvent, sum } of JSON.parse(child("interpreters", args)) as Measurement[]) {
        record(samples, label, workload, nsPerEvent);
        sums.set(workload, BigInt(sum));
      }
    }
    for (const workload of floor === undefined ? [] : workloads) {
      const repeats = FLOOR_REPEATS[workload.name];
      const result = runFloor(floor as string, workload, repeats);
      if (!floorAgrees(result, sums.get(workload.name) as bigint, repeats)) {
        throw new Error(`${workload.name}: the C floor computes something else`);
      }
      for (const ns of result.nsPerEvent) record(samples, FLOOR, workload.name, ns);
    }
  }
  return samples;
}

function measureReplay(): ReplayRow[] {
  const cases = ["wasm", "ts"].flatMap((engine) => ["keep", "parse"].map((mode) => ({ engine, mode })));
  const rounds = cases.map((each) => ({ ...each, elapsed: [] as number[], execution: [] as number[] }));
  for (let round = 1; round <= ROUNDS; round++) {
    process.stderr.write(`replay: round ${round} of ${ROUNDS}\n`);
    for (const each of rounds) {
      const { elapsedMs, executionMs } = JSON.parse(
        child("replay", [each.engine, each.mode, String(REPLAY_EVENTS)]),
      ) as ReplayRow;
      each.elapsed.push(elapsedMs);
      each.execution.push(executionMs);
    }
  }
  return rounds.map(({ engine, mode, elapsed, execution }) => ({
    engine,
    mode,
    elapsedMs: median(elapsed),
    executionMs: median(execution),
  }));
}

function measureVerifier(): VerificationRow[] {
  const rounds: Verification[][] = [];
  const kernelRounds: Verification[][] = [];
  for (let round = 1; round <= ROUNDS; round++) {
    process.stderr.write(`verifier: round ${round} of ${ROUNDS}\n`);
    rounds.push(JSON.parse(child("verifier", ["tracebee"])) as Verification[]);
    kernelRounds.push(JSON.parse(child("verifier", ["kernel"])) as Verification[]);
  }
  const middle = (all: readonly Verification[][], index: number): number =>
    median(all.map((round) => round[index].microseconds));
  return rounds[0].map(({ program, size, processed }, index) => {
    const kernel = kernelRounds[0][index];
    return {
      ...{ program, size, processed, microseconds: middle(rounds, index) },
      ...(kernel && {
        kernel: { processed: kernel.processed, microseconds: middle(kernelRounds, index) },
      }),
    };
  });
}

const { version } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as { version: string };
const interpreters = measureInterpreters();
const replay = measureReplay();
const verification = measureVerifier();
const report: Report = {
  date: new Date().toISOString().slice(0, 10),
  tracebee: version,
  node: process.version,
  cpu: cpus()[0]?.model ?? "unknown",
  system: `${process.platform} ${release().split("-")[0]}`,
  rounds: ROUNDS,
  nsPerEvent: Object.fromEntries(
    [...interpreters].map(([label, row]) => [
      label,
      Object.fromEntries([...row].map(([name, ns]) => [name, median(ns)])),
    ]),
  ),
  replayEvents: REPLAY_EVENTS,
  replay,
  verification,
};
const folder = join(ROOT, "bench/results");
mkdirSync(folder, { recursive: true });
writeFileSync(join(folder, "interpreters.json"), `${JSON.stringify(report, undefined, 2)}\n`);
const readme = join(ROOT, "README.md");
writeFileSync(readme, withFigures(readFileSync(readme, "utf8"), report));
const print = ({ head, rows }: Table): void => console.log(formatTable(head, rows));
console.log(`\n${report.cpu}, Node ${report.node}, medians of ${ROUNDS} interleaved rounds\n`);
print(interpreterTable(report));
console.log(`dropmon: ${REPLAY_EVENTS.toLocaleString("en-US")} recorded events\n`);
print(replayTable(report));
console.log("Verification\n");
print(verificationTable(verification));
