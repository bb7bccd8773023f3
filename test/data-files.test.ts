// The reader of data files (test/support/data-files.ts) says what is wrong with a file, and in which line: a case that
// is read as something else than was written would pass without testing anything.

import { describe, expect, it } from "vitest";
import { parseDataFile } from "./support/data-files.ts";

describe("a data file", () => {
  it.each([
    [
      "text in front of the first section",
      "exit\n-- asm\nexit",
      "f:1: expected a section in front of the text",
    ],
    ["an unknown section", "-- asm\nexit\n-- reslut\n0", "f:3: expected a known section, got -- reslut"],
    ["a section twice", "-- asm\nexit\n-- result\n0\n-- result\n1", "f:5: expected -- result once in a case"],
    ["no program", "-- result\n0", "f:1: expected -- asm or -- raw, got neither"],
    ["no outcome", "-- asm\nexit", "f:1: expected either -- result or -- error"],
    [
      "two outcomes",
      "-- asm\nexit\n-- result\n0\n-- error trap read",
      "f:1: expected either -- result or -- error",
    ],
    ["no number", "-- asm\nexit\n-- result\nzero", "f:3: expected a number, got 'zero'"],
    ["a number too large", "-- asm\nexit\n-- result\n0x10000000000000000", "expected 64 bits"],
    [
      "half a byte",
      "-- asm\nexit\n-- result\n0\n-- mem\n0",
      "f:6: expected pairs of hexadecimal digits, got '0'",
    ],
    [
      "less memory after",
      "-- asm\nexit\n-- result\n0\n-- mem\n0102\n-- mem after\n01",
      "as much memory after",
    ],
    [
      "text below a mere header",
      "-- case a\nexit\n-- asm\nexit\n-- result\n0",
      "f:2: expected nothing but a header",
    ],
    [
      "a title twice",
      "-- case a\n-- asm\nexit\n-- result 0\n-- case a\n-- asm\nexit\n-- result 0",
      "f:5: expected a new title",
    ],
    ["an empty table", "-- asm\nexit\n-- table result", "f:3: expected rows below -- table, got none"],
    ["a row too short", "-- asm\nr0 = $a\nexit\n-- table a result\n1", "f:5: expected 2 cells, got 1"],
    [
      "a column without use",
      "-- asm\nexit\n-- table a result\n1 2",
      "f:4: expected a use of the table's column a",
    ],
    [
      "a result of a map that is none",
      "-- asm\nexit\n-- result\n0\n-- map m after",
      "f:5: expected a map of the case",
    ],
    [
      "no entry",
      "-- asm\nexit\n-- result\n0\n-- map m type=hash key=1 value=1 max=1\n01",
      "f:6: expected KEY = VALUE",
    ],
    [
      "an entry of another size",
      "-- asm\nexit\n-- result\n0\n-- map m type=hash key=1 value=1 max=1\n01 = 0203",
      "f:6: expected 1 = 1 bytes, got 1 = 2",
    ],
    ["no file at all", "", "f:1: expected a case, got none"],
  ])("is refused for %s", (_, text, message) => {
    expect(() => parseDataFile("f", text)).toThrow(message);
  });

  it("gives one case per row, with the row's cells in every place", () => {
    const text =
      "-- asm\nr0 = $a\n*(u8 *)(r1 + 0) = $a\nexit\n-- mem\n00\n-- mem after\n0$a\n-- table a result\n1 1\n2 2 # two\n";
    const cases = parseDataFile("f", text);
    expect(cases.map(({ line, result, memoryAfter }) => [line, result, ...memoryAfter])).toEqual([
      [10, 1n, 1],
      [11, 2n, 2],
    ]);
    expect(cases[1].asm).toContain("r0 = 2");
  });
});
