// Random programs on all engines, checked and unchecked: everything that shows must be the same.

import { describe, expect, it } from "vitest";
import { ENGINES, Runtime } from "../dist/src/index.js";
import { DifferentialRunner, type Variant } from "./support/differential.js";
import { generateProgram } from "./support/program-generator.js";

/** More by TRACEBEE_PROGRAMS, from another seed by TRACEBEE_SEED. */
const PROGRAMS = Number(process.env.TRACEBEE_PROGRAMS ?? 100_000);
const SEED = Number(process.env.TRACEBEE_SEED ?? 1);

const VARIANTS: readonly Variant[] = [
  { name: "ts checked", engine: ENGINES.ts, checked: true },
  { name: "wasm checked", engine: ENGINES.wasm, checked: true },
  { name: "ts", engine: ENGINES.ts, checked: false },
  { name: "wasm", engine: ENGINES.wasm, checked: false },
  { name: "jit", engine: ENGINES.jit, checked: false },
];

describe("random programs", () => {
  it(`do the same on every engine and in every mode (${PROGRAMS} of them)`, { timeout: 900_000 }, () => {
    const counts = { loops: 0, maps: 0, accesses: 0, traps: 0 };
    let runner = new DifferentialRunner(new Runtime(), VARIANTS);
    for (let index = 0; index < PROGRAMS; index++) {
      // A new address space now and then: what a run leaves behind cannot hide anything for long.
      if (index % 5000 === 4999) runner = new DifferentialRunner(new Runtime(), VARIANTS);
      const program = generateProgram(SEED + index, index % 4 !== 3);
      const difference = runner.compare(program);
      if (difference !== undefined) throw new Error(difference);
      counts.loops += Number(program.hasLoop);
      counts.maps += Number(program.hasMapCall);
      counts.accesses += Number(program.hasAccess);
      if (!program.isTame && index % 40 === 3 && runner.outcome(program, VARIANTS[0]).text.startsWith("trap"))
        counts.traps++;
    }
    for (const share of [counts.loops, counts.maps, counts.accesses]) {
      expect(share / PROGRAMS).toBeGreaterThanOrEqual(0.3);
    }
    expect(counts.traps / (PROGRAMS / 40)).toBeGreaterThan(0.1);
  });
});
