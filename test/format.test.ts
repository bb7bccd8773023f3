// The kernel's `format` files of events: every field of real ones, and what is wrong with damaged ones.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseFormat } from "../dist/src/attach/format.js";
import { LoadError } from "../dist/src/errors.js";
import { failure } from "./support/failure.ts";
import { COMMON_FIELDS } from "./support/format-text.ts";
import { liveFormats, oldFormats, recording } from "./support/traces.ts";

const COMMON = `name: sample
ID: 77
${COMMON_FIELDS}`;
const field = (declaration: string, offset: number, size: number, signed = 0) =>
  `\tfield:${declaration};\toffset:${offset};\tsize:${size};\tsigned:${signed};\n`;
const sample = (fields: string, printFmt = '"x"') => `${COMMON}${fields}\nprint fmt: ${printFmt}\n`;
const only = (declaration: string, size: number) =>
  parseFormat(sample(field(declaration, 8, size))).fields[0];

describe("a format file", () => {
  it("gives name, id, fields and print format", () => {
    const text = sample(field("void * skbaddr", 8, 8) + field("long ret", 16, 8, 1), '"%p\\n", REC->skbaddr');
    const format = parseFormat(text, { system: "skb" });
    expect(format).toMatchObject({ system: "skb", name: "sample", id: 77, size: 24 });
    expect(format.printFmt).toBe('"%p\\n", REC->skbaddr');
    expect(format.commonFields.map(({ name }) => name)).toEqual([
      "common_type",
      "common_flags",
      "common_preempt_count",
      "common_pid",
    ]);
    expect(format.fields.map(({ name, type, offset, signed }) => [name, type, offset, signed])).toEqual([
      ["skbaddr", "void *", 8, false],
      ["ret", "long", 16, true],
    ]);
  });

  it("tells arrays from other fields, with elements by type or by length", () => {
    expect(only("unsigned int len", 4)).toMatchObject({ isArray: false, length: 1, elementSize: 4 });
    expect(only("char comm[16]", 16)).toMatchObject({ type: "char[16]", length: 16, elementSize: 1 });
    expect(only("unsigned long args[6]", 48)).toMatchObject({ length: 6, elementSize: 8 });
    expect(only("unsigned long args[6]", 24)).toMatchObject({ length: 6, elementSize: 4 });
    expect(only("u32 rates[NUM_BANDS]", 12)).toMatchObject({ length: 3, elementSize: 4 });
    expect(only("char name[32 + 1]", 33)).toMatchObject({ elementType: "char", length: 33 });
    expect(only("u32 buf[]", 0)).toMatchObject({ isArray: true, length: 0, size: 0 });
  });

  it("tells where values are that lie behind the fixed fields", () => {
    expect(only("__data_loc char[] name", 4)).toMatchObject({
      type: "__data_loc char[]",
      elementType: "char",
      dataLoc: "data_loc",
      isArray: true,
    });
    expect(only("__rel_loc u64[] data", 4)).toMatchObject({ dataLoc: "rel_loc", elementSize: 8 });
    expect(only("__data_loc cpumask_t mask", 4)).toMatchObject({ dataLoc: "data_loc", elementSize: 8 });
  });

  it("keeps line breaks inside the print format", () => {
    expect(parseFormat(sample("", '"one\ntwo %d", REC->common_pid')).printFmt).toBe(
      '"one\ntwo %d", REC->common_pid',
    );
  });

  it("does without the sign that old kernels do not tell", () => {
    const text = sample("\tfield:unsigned int a;\toffset:8;\tsize:4;\n\tfield:int b;\toffset:12;\tsize:4;\n");
    expect(parseFormat(text).fields.map(({ signed }) => signed)).toEqual([false, true]);
  });

  it("parses for every event of Linux 4.4", ({ skip }) => {
    const formats = oldFormats();
    if (formats === undefined) return skip("no oracles");
    expect(formats.length).toBe(959);
    for (const { name, fields, size } of formats) {
      expect(name).toMatch(/^\w+$/);
      expect(Math.max(8, ...fields.map((each) => each.offset + each.size))).toBe(size);
    }
  });

  it("parses for every event of the running kernel", ({ skip }) => {
    const formats = liveFormats();
    if (formats === undefined) return skip("no tracefs");
    expect(formats.length).toBeGreaterThan(100);
  });
});

describe("a text that is no format file", () => {
  it.each([
    ["no name", sample("").replace("name: sample\n", ""), 'format: expected a line "name: ...", got none'],
    ["no id", sample("").replace("ID: 77\n", ""), 'format: expected a line "ID: ...", got none'],
    ["no print format", COMMON, 'format: expected a line "print fmt: ...", got none'],
    ["a field that stops", sample("\tfield:int a;\toffset:8;\n"), "format: line 9: expected"],
    ["a field without a name", sample(field("int", 8, 4)), "format: line 9: expected"],
    [
      "a field too far away",
      sample(field("int a", 65536, 4)),
      "format: line 9: expected a field within 65536",
    ],
    ["a location of 8 bytes", sample(field("__data_loc char[] a", 8, 8)), "format: line 9: expected 4 bytes"],
    ["two fields of one name", sample(field("int a", 8, 4) + field("int a", 12, 4)), "expected one field a"],
    ["an id too large", sample("").replace("77", "65536"), "format: line 2: expected an ID of 16 bits"],
  ])("fails with its line: %s", (_, text, message) => {
    const error = failure(() => parseFormat(text));
    expect(error.code).toBe("bad-format");
    expect(error.message).toContain(message);
  });

  it("names the file it is told", () => {
    expect(failure(() => parseFormat("", { place: "skb/kfree_skb" })).message).toMatch(/^skb\/kfree_skb: /);
  });

  it("gives a LoadError or a format, whatever is changed in it", () => {
    const good = sample(field("char comm[16]", 8, 16) + field("__data_loc char[] name", 24, 4));
    const change = fc.tuple(
      fc.nat(good.length),
      fc.nat(8),
      fc.string({ unit: "binary-ascii", maxLength: 4 }),
    );
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 4 }), (changes) => {
        let text = good;
        for (const [at, cut, put] of changes) text = text.slice(0, at) + put + text.slice(at + cut);
        try {
          parseFormat(text);
        } catch (error) {
          expect(error).toBeInstanceOf(LoadError);
        }
      }),
      { numRuns: 2000 },
    );
  });
});

describe("the recorded formats", () => {
  it("have the layout that examples/dropmon.bpf.c counts on", () => {
    const format = recording().formats.find(({ name }) => name === "kfree_skb");
    expect(format?.fields.map(({ name, offset, size }) => [name, offset, size])).toEqual([
      ["skbaddr", 8, 8],
      ["location", 16, 8],
      ["rx_sk", 24, 8],
      ["protocol", 32, 2],
      ["reason", 36, 4],
    ]);
  });
});
