// The data files of test/conformance on every engine, in checked mode and, where a verified program could be that
// way, in unchecked mode; that they leave out no instruction and no fused pair; and that the reader of their format
// says what is wrong with a file, and where.

import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, it } from "vitest";
import { Code, ProgramRecord } from "../assembly/shared/layout.ts";
import { Op } from "../assembly/shared/opcodes.ts";
import type { Executable } from "../dist/src/engine/engine.js";
import { decodeAt, type Insn, isFault, readSlot, SLOT_SIZE } from "../dist/src/isa/insn.js";
import { INSN_ROWS } from "../dist/src/isa/table.js";
import {
  type DataCase,
  parseDataFile,
  placeOfCase,
  programBytes,
  readDataFiles,
} from "./support/data-files.ts";
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
