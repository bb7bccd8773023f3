// The kernel's own sample programs (support/selftests.ts), judged by us and by the running kernel. Objects that need
// the kernel's types or functions when they are loaded stay out; those that are left are written down in
// objects/selftests.clang-14.txt.
//
//   TRACEBEE_CLANG         which compiler: clang-14 (default) or clang-19
//   TRACEBEE_WRITE_LISTS   1: writes the compiler's list again

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, it } from "vitest";
import { kernelUnavailable } from "../dist/src/kernel.js";
import { loadSample, needsKernel, type Outcome, SampleJudge } from "./support/sample-verdicts.ts";
import { compileSelftests, selftestsMissing } from "./support/selftests.ts";

const COMPILER = process.env.TRACEBEE_CLANG ?? "clang-14";
const LIST = fileURLToPath(new URL(`objects/selftests.${COMPILER}.txt`, import.meta.url));
/** Without a cache all samples are compiled first. */
const TIMEOUT = 900_000;
/** Equal verdicts among the programs that both judge. */
const LEAST_EQUAL = 0.93;

/** Programs of which our verdict is another than the kernel's, by the reason. */
const DIFFERENCES: Readonly<Record<string, readonly string[]>> = {};

const missing = selftestsMissing(COMPILER) ?? kernelUnavailable();
if (missing !== undefined) console.log(`skipped: no ${missing}`);

const count = (causes: readonly string[]): Record<string, number> => {
  const counts: Record<string, number> = {};
  for (const cause of causes) counts[cause] = (counts[cause] ?? 0) + 1;
  return counts;
};

describe.skipIf(missing !== undefined)(`the kernel's sample programs, by ${COMPILER}`, () => {
  const usable: string[] = [];
  let outcomes: readonly Outcome[] = [];

  beforeAll(async () => {
    const judge = new SampleJudge();
    const found: Outcome[] = [];
    for (const [name, path] of await compileSelftests(COMPILER)) {
      const object = loadSample(name, path);
      if (object === undefined || needsKernel(object)) continue;
      usable.push(name);
      found.push(...judge.judgeObject(name, object));
    }
    outcomes = found;
    if (process.env.TRACEBEE_WRITE_LISTS === "1") writeFileSync(LIST, `${usable.join("\n")}\n`);
  }, TIMEOUT);

  it("are in the objects of the list", () => {
    expect(existsSync(LIST), "TRACEBEE_WRITE_LISTS=1 makes the list").toBe(true);
    expect(usable).toEqual(readFileSync(LIST, "utf8").trim().split("\n"));
  });

  it("are judged as the kernel judges them", () => {
    const judged = outcomes.filter(({ notJudged }) => notJudged === undefined);
    const same = judged.filter(({ isSame }) => isSame).length;
    const accepted = judged.filter(({ kernel }) => kernel === "accepted").length;
    console.log(`${judged.length} programs, ${accepted} accepted by the kernel, ${same} judged alike`);
    expect(accepted).toBeGreaterThan(0.5 * judged.length);
    expect(same / judged.length).toBeGreaterThanOrEqual(LEAST_EQUAL);
  });

  it("are judged differently only for the reasons of the table", () => {
    const expected = new Set(Object.values(DIFFERENCES).flat());
    const found = outcomes.filter(({ notJudged, isSame }) => notJudged === undefined && !isSame);
    const unknown = found.filter(({ name }) => !expected.has(name));
    expect(unknown.map(({ name, ours, kernel }) => `${name}: ${ours}; the kernel: ${kernel}`)).toEqual([]);
    const names = new Set(found.map(({ name }) => name));
    expect([...expected].filter((name) => !names.has(name))).toEqual([]);
  });

  it("are judged by the kernel but for what it cannot judge here", () => {
    const causes = outcomes.flatMap(({ notJudged }) => notJudged ?? []);
    console.log("not judged by the kernel:", count(causes));
    expect(outcomes.length - causes.length).toBeGreaterThan(450);
  });
});
