// The data files of test/conformance on every engine, in checked mode and, where a verified program could be that
// way, in unchecked mode; and that they leave out no instruction and no fused pair.

import { describe, expect, it } from "vitest";
import { Code, ProgramRecord } from "../assembly/shared/layout.ts";
import type { Executable } from "../dist/src/engine/engine.js";
import { decodeAt, type Insn, isFault, SLOT_SIZE } from "../dist/src/isa/insn.js";
import { INSN_ROWS } from "../dist/src/isa/table.js";
import { type DataCase, placeOfCase, programBytes, readDataFiles } from "./support/data-files.ts";
import { OPS } from "./support/enums.ts";
import { allPlaces, expectedOutcome, type Outcome, type Place, runCase, suits } from "./support/run-case.ts";

const FOLDER = new URL("conformance/", import.meta.url).pathname;
const files = readDataFiles(FOLDER);
const allCases = [...files.values()].flat();

/** Cases that differ only in the row of their table, by title. */
function byTitle(cases: readonly DataCase[]): Map<string, DataCase[]> {
  const groups = new Map<string, DataCase[]>();
  for (const each of cases) groups.set(each.title, [...(groups.get(each.title) ?? []), each]);
  return groups;
}

/** Runs every case in every place that it suits; by case and place what came out and what should have. */
function runAll(cases: readonly DataCase[], places: readonly Place[]) {
  const actual: Record<string, Outcome> = {};
  const expected: Record<string, Outcome> = {};
  for (const dataCase of cases) {
    for (const place of places.filter(({ mode }) => suits(dataCase, mode))) {
      const name = `${placeOfCase(dataCase)}, ${place.engine} ${place.mode}`;
      actual[name] = runCase(dataCase, place);
      expected[name] = expectedOutcome(dataCase);
    }
  }
  return { actual, expected };
}

for (const [file, cases] of files) {
  describe(file, () => {
    const places = allPlaces();
    it.each([...byTitle(cases)].map(([title, rows]) => [title || "does what it says", rows] as const))(
      "%s",
      (_, rows) => {
        const { actual, expected } = runAll(rows, places);
        expect(actual).toEqual(expected);
      },
    );
  });
}

const [checked, unchecked] = allPlaces() as [Place, Place];

/** Every instruction of a case that decodes; none where its assembly is none. */
function instructions(dataCase: DataCase): Insn[] {
  const bytes = dataCase.error === "bad-syntax" ? new Uint8Array(0) : programBytes(dataCase);
  const insns: Insn[] = [];
  for (let slot = 0; slot < bytes.length / SLOT_SIZE; slot++) {
    const insn = decodeAt(bytes, slot);
    if (isFault(insn)) continue;
    insns.push(insn);
    if (insn.row.wide) slot++;
  }
  return insns;
}

/** Puts slots in place of an instruction, as many as it has. */
function replaced(dataCase: DataCase, { slot }: Insn, slots: readonly (readonly number[])[]): Uint8Array {
  const bytes = Uint8Array.from(programBytes(dataCase));
  for (const [index, each] of slots.entries()) bytes.set(each, (slot + index) * SLOT_SIZE);
  return bytes;
}

const NOTHING = [0x05, 0, 0, 0, 0, 0, 0, 0];
/** A store to where the stack of the first frame ends. */
const TRAP = [0x72, 0x0a, 0xff, 0x7f, 0, 0, 0, 0];
/** What has no effect on memory that is little-endian anyway: that it runs is all that can be seen. */
const WITHOUT_EFFECT = new Set(["le64"]);
/** What no program may have: all that can be seen is that it is refused for it. */
const NEVER_LOADED = new Set(["call_kfunc", "lddw_btf_id"]);

/** True when the case is no longer right with something else in the instruction's place. */
function isNoticed(dataCase: DataCase, insn: Insn): boolean {
  const { row } = insn;
  const expected = expectedOutcome(dataCase);
  const isRefused = expected.error !== undefined && !expected.error.startsWith("trap");
  if (isRefused !== NEVER_LOADED.has(row.name)) return false;
  const filling = WITHOUT_EFFECT.has(row.name) ? TRAP : NOTHING;
  const bytes = replaced(dataCase, insn, row.wide ? [filling, NOTHING] : [filling]);
  const { result, error } = runCase(dataCase, checked, { bytes, limit: 100_000 });
  const isLoaded = error === undefined || error.startsWith("trap");
  return isLoaded && (result !== expected.result || error !== expected.error);
}

describe("the data files", () => {
  it("notice when an instruction of the table has no effect", () => {
    const users = allCases.flatMap((dataCase) => instructions(dataCase).map((insn) => ({ dataCase, insn })));
    const unnoticed = INSN_ROWS.filter((row) => {
      return !users.some(({ dataCase, insn }) => insn.row === row && isNoticed(dataCase, insn));
    });
    expect(unnoticed.map(({ name }) => name)).toEqual([]);
  });

  it("run every operation that only prepared code has", () => {
    const fused = [...OPS].filter(([name]) => name.includes("__") || name === "CALL_LOOKUP");
    expect(fused.length).toBeGreaterThan(0);
    const missing = new Map(fused.map(([name, op]) => [op, name]));
    for (const dataCase of allCases.filter((each) => suits(each, "unchecked"))) {
      for (const [slot, op] of preparedOps(dataCase)) {
        if (!missing.has(op)) continue;
        const onReady = (executable: Executable) => setOp(executable, slot, 0);
        if (runCase(dataCase, unchecked, { onReady }).error === `trap opcode at ${slot}`) missing.delete(op);
      }
    }
    expect([...missing.values()]).toEqual([]);
  });
});

function codeOf({ runtime, record }: Executable): number {
  return runtime.memory.load32(record + ProgramRecord.CODE);
}

function setOp(executable: Executable, slot: number, op: number): void {
  executable.runtime.memory.store8(codeOf(executable) + slot * SLOT_SIZE + Code.OP, op);
}

/** Slot and operation of a case's prepared code. */
function preparedOps(dataCase: DataCase): [number, number][] {
  let ops: [number, number][] = [];
  const onReady = (executable: Executable) => {
    const { memory } = executable.runtime;
    const start = codeOf(executable) + Code.OP;
    ops = instructions(dataCase).map(({ slot }) => [slot, memory.load8(start + slot * SLOT_SIZE)]);
  };
  runCase(dataCase, unchecked, { onReady });
  return ops;
}
