// The differential suite is able to fail: a fault planted in any one operation's arm, on a copy of either interpreter, is
// found by it. "Planted" means that the arm does nothing, or what a similar operation does.

import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, it } from "vitest";
import { ENGINES, INSN_ROWS, Runtime } from "../dist/src/index.js";
import { DifferentialRunner, type Variant } from "./support/differential.js";
import { OPS } from "./support/enums.js";
import { type FaultyEngines, makeFaultyEngines } from "./support/faulty-engines.js";
import { type GeneratedProgram, generateProgram } from "./support/program-generator.js";

/** Programs that are tried before a fault counts as not found. */
const ATTEMPTS = 400;

const NAMES = new Map([...OPS].map(([name, number]) => [number, name]));

/** Which rows make the generator produce an operation, side by side: one, or for a fused pair two. */
function rowsOf(op: string): string[] {
  const rowOf = (name: string): string => {
    if (name === "CALL_LOOKUP") return "lookup";
    const row = INSN_ROWS.find((candidate) => candidate.op === OPS.get(name));
    if (row === undefined) throw new Error(`no row for ${name}`);
    return row.name;
  };
  return op.split("__").map(rowOf);
}

/** An operation much like `op`: another width, another sign, another operand; itself when there is none. */
function similar(op: string): number {
  // A loaded byte or half word is below 2^16, and so is an immediate that equals it in 32 bits: the same in 64.
  if (/^LDX_[BH]__J(EQ|NE)/.test(op)) return OPS.get(op) as number;
  if (op === "MAY_GOTO") return OPS.get("JA") as number;
  const candidates = [
    op.replace("64", "32"),
    op.replace("32", "64"),
    op.replace(/^(S?)(DIV|MOD)/, (_, sign: string, rest: string) => (sign === "S" ? rest : `S${rest}`)),
    op.replace(/^J(S?)G/, (_, sign: string) => (sign === "S" ? "JG" : "JSG")),
    op.replace(/^J(S?)L/, (_, sign: string) => (sign === "S" ? "JL" : "JSL")),
    op.replace("LDX_", "LDXS_"),
    op.replace("LDXS_", "LDX_"),
    op.replace(/_ADD/, "_XOR"),
    op.replace(/_(OR|AND|XOR)(32|64)$/, "_ADD$2"),
  ];
  const found = candidates.find((name) => name !== op && OPS.has(name));
  return OPS.get(found ?? op) as number;
}

let faulty: FaultyEngines;

beforeAll(async () => {
  faulty = await makeFaultyEngines();
}, 120_000);

/** A runner that compares a copy of one engine, in both modes, with nothing planted yet. */
function makeRunner(engine: "ts" | "wasm"): DifferentialRunner {
  const { library } = faulty;
  const runtime = new library.Runtime();
  // The sound one is the other interpreter of the same copy: the table of faults is each engine's own.
  const sound = engine === "ts" ? "wasm" : "ts";
  const variants: Variant[] = [
    { name: sound, engine: library.ENGINES[sound], checked: false },
    { name: `faulty ${engine}`, engine: library.ENGINES[engine], checked: false },
    { name: `faulty ${engine} checked`, engine: library.ENGINES[engine], checked: true },
  ];
  faulty.reset(runtime);
  return new DifferentialRunner(runtime, variants, library);
}

const programs = new Map<string, GeneratedProgram[]>();

/** Programs that hold what makes `op`, found once for both engines. */
function programsFor(op: string, count: number): GeneratedProgram[] {
  const known = programs.get(op) ?? [];
  programs.set(op, known);
  while (known.length < count) known.push(generateProgram(known.length + 1, true, rowsOf(op)));
  return known;
}

/** True when the suite notices that `op` does what `instead` does. */
function isFound(runner: DifferentialRunner, engine: "ts" | "wasm", op: string, instead: number): boolean {
  const number = OPS.get(op) as number;
  faulty.plant(engine, runner.runtime, number, instead);
  try {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      if (runner.compare(programsFor(op, attempt + 1)[attempt]) !== undefined) return true;
    }
    return false;
  } catch {
    // A broken engine may throw anything.
    return true;
  } finally {
    faulty.plant(engine, runner.runtime, number, number);
  }
}

describe.each(["ts", "wasm"] as const)("a fault in the engine %s", (engine) => {
  it("is not found where there is none", () => {
    const runner = makeRunner(engine);
    for (let seed = 1; seed <= 500; seed++)
      expect(runner.compare(generateProgram(seed, true))).toBeUndefined();
  });

  it("is found in whichever arm it is planted", { timeout: 600_000 }, () => {
    const runner = makeRunner(engine);
    const missed: string[] = [];
    for (const [op] of OPS) {
      // LE64 is the arm that does nothing, so for itself it is no fault.
      const nothing = op === "LE64" ? (OPS.get("NEG64") as number) : (OPS.get("LE64") as number);
      // A may_goto falls through but for its 8388609th time, which test/conformance has.
      if (op !== "MAY_GOTO" && !isFound(runner, engine, op, nothing)) missed.push(`${op} doing nothing`);
      const other = similar(op);
      if (other !== OPS.get(op) && !isFound(runner, engine, op, other))
        missed.push(`${op} as ${NAMES.get(other)}`);
    }
    expect(missed).toEqual([]);
  });
});

describe("every operation", () => {
  it("has an arm in both interpreters", () => {
    const sources = ["assembly/interpreter.ts", "src/engine/interpreter-ts.ts"];
    for (const source of sources) {
      const text = readFileSync(new URL(`../${source}`, import.meta.url), "utf8");
      const arms = [...text.matchAll(/case Op\.(\w+):/g)].map(([, name]) => name);
      expect(new Set(arms)).toEqual(new Set(OPS.keys()));
      expect(arms.length).toBe(OPS.size);
    }
    expect(ENGINES.ts.name).toBe("ts");
    expect(new Runtime().memory.size).toBeGreaterThan(0);
  });
});
