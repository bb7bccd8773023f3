// The C floor: compiles floor/interpreter.c with gcc -O2 where there is a gcc, and runs a workload's program on it.

import { execFileSync } from "node:child_process";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Workload } from "./workloads.ts";

/** The compiled interpreter, or undefined with the reason printed. */
export function compileFloor(): string | undefined {
  const source = fileURLToPath(new URL("../../bench/floor/interpreter.c", import.meta.url));
  const binary = join(mkdtempSync(join(tmpdir(), "tracebee-bench-")), "interpreter");
  try {
    execFileSync("gcc", ["-O2", "-o", binary, source], { stdio: "pipe" });
    return binary;
  } catch (error) {
    console.log(`no C floor: ${error instanceof Error ? error.message.split("\n")[0] : error}`);
    return undefined;
  }
}

/** Nanoseconds per event of each of five rounds, and the sum of all results of one pass. */
export interface FloorResult {
  readonly nsPerEvent: readonly number[];
  readonly sum: bigint;
}

const ROUNDS = 5;
const TWO_64 = 1n << 64n;

export function runFloor(binary: string, workload: Workload, repeats: number): FloorResult {
  const { program, contexts, events, contextSize, map } = workload;
  const job = new Uint8Array(40 + program.insns.length + contexts.length);
  const view = new DataView(job.buffer);
  const words = (at: number, values: readonly number[]): void => {
    for (const [index, value] of values.entries()) view.setUint32(at + index * 4, value, true);
  };
  words(0, [program.slots, events, contextSize, 1]);
  view.setBigUint64(16, BigInt(repeats), true);
  words(24, [map?.keySize ?? 0, map?.valueSize ?? 0, map?.maxEntries ?? 0]);
  job.set(program.insns, 40);
  for (const { slot } of program.maps) job[40 + slot * 8 + 1] |= 0x10;
  job.set(contexts, 40 + program.insns.length);
  const file = `${binary}.job`;
  writeFileSync(file, job);
  const { nsPerEvent, sum } = JSON.parse(execFileSync(binary, [file], { encoding: "utf8" })) as {
    nsPerEvent: number[];
    sum: string;
  };
  // All passes give the same, so one pass's sum is checked by multiplication (modulo 2^64), not by division.
  return { nsPerEvent, sum: (BigInt(sum) % TWO_64) as bigint };
}

/** True when the floor's sum over all its passes is that many times the sum of one pass. */
export function floorAgrees(result: FloorResult, onePass: bigint, repeats: number): boolean {
  return (onePass * BigInt(repeats) * BigInt(ROUNDS)) % TWO_64 === result.sum;
}
