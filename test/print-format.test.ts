// Event formats as the kernel prints them, and printed text turned back into the record's bytes.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type FormatField, parseFormat, type TracepointFormat } from "../dist/src/attach/format.js";
import { EventPrinter } from "../dist/src/attach/print/printer.js";
import { RecordInverse } from "../dist/src/attach/print/record-inverse.js";
import { parsePrintFormat } from "../dist/src/attach/print-format.js";
import { SymbolTable } from "../dist/src/attach/symbols.js";
import { LoadError } from "../dist/src/errors.js";
import { failure } from "./support/failure.ts";
import { Random } from "./support/random.ts";
import { fieldBytes, liveFormats, oldFormats, randomRecord, recording } from "./support/traces.ts";

const SIZES: Record<string, [size: number, signed: number]> = {
  int: [4, 1],
  "unsigned int": [4, 0],
  u8: [1, 0],
  u16: [2, 0],
  u32: [4, 0],
  u64: [8, 0],
  s64: [8, 1],
  long: [8, 1],
  "unsigned long": [8, 0],
  bool: [1, 0],
  char: [1, 0],
  "void *": [8, 0],
};

/** A format with fields given as "type name", laid out one after the other as C does. */
function formatOf(fields: string, printFmt: string): TracepointFormat {
  let at = 8;
  const lines = fields.split(/, */).map((declaration) => {
    const [, location, type = "", length] =
      /^(__(?:data|rel)_loc )?(.*?) ?\w+(?:\[(\d+)\])?$/.exec(declaration) ?? [];
    const [element, signed] = SIZES[type.replace("[]", "")] ?? [4, 0];
    const align = location === undefined ? element : 4;
    at = Math.ceil(at / align) * align;
    const size = location === undefined ? element * Number(length ?? 1) : 4;
    at += size;
    return `\tfield:${declaration};\toffset:${at - size};\tsize:${size};\tsigned:${signed};`;
  });
  return parseFormat(`name: sample
ID: 77
format:
\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;
${lines.join("\n")}

print fmt: ${printFmt}
`);
}

type Fill = Record<string, number | bigint | string | number[]>;

/** A record with fields set: numbers, bytes, or text with its zero. */
function recordOf(format: TracepointFormat, fill: Fill): Uint8Array {
  const bytes = new Uint8Array(1024);
  const view = new DataView(bytes.buffer);
  let end = format.size;
  view.setUint16(0, format.id, true);
  for (const [name, value] of Object.entries(fill)) {
    const field = format.fields.find((each) => each.name === name) as FormatField;
    if (typeof value === "number" || typeof value === "bigint") {
      for (let i = 0; i < field.size; i++) {
        bytes[field.offset + i] = Number((BigInt(value) >> BigInt(8 * i)) & 255n);
      }
      continue;
    }
    const data = typeof value === "string" ? [...new TextEncoder().encode(value), 0] : value;
    if (field.dataLoc === "none") {
      bytes.set(data.slice(0, field.size), field.offset);
      continue;
    }
    const offset = field.dataLoc === "data_loc" ? end : end - field.offset - 4;
    view.setUint32(field.offset, (data.length << 16) | offset, true);
    bytes.set(data, end);
    end += data.length;
  }
  return bytes.slice(0, (end + 7) & ~7);
}

const printOf = (format: TracepointFormat, record: Uint8Array, symbols?: SymbolTable) =>
  new EventPrinter(format, symbols === undefined ? {} : { symbols }).print(
    new DataView(record.buffer, record.byteOffset, record.length),
    0,
    record.length,
  );

const bytesOf = (text: string) => new TextEncoder().encode(text);

/** The record that a text gives; undefined when it does not match. */
function invert(inverse: RecordInverse, text: string): Uint8Array | undefined {
  const bytes = bytesOf(text);
  if (!inverse.match(bytes, 0, bytes.length)) return undefined;
  const record = new Uint8Array(inverse.size).fill(0xaa);
  inverse.store(record, new DataView(record.buffer), 0);
  return record;
}

describe("a print format", () => {
  it("splits into text and conversions with their arguments", () => {
    const format = formatOf("int a, u64 b", '"a=%-5d%% " "b=%#llx.", REC->a, (unsigned long long)REC->b');
    expect(parsePrintFormat(format).pieces).toMatchObject([
      { kind: "literal", text: "a=" },
      { letter: "d", flags: "-", width: 5, argument: { kind: "field", name: "a" } },
      { kind: "literal", text: "% b=" },
      { letter: "x", flags: "#", length: "ll", argument: { kind: "cast", type: "unsigned long long" } },
      { kind: "literal", text: "." },
    ]);
  });

  it("reads a quote inside the string that lost its backslash", () => {
    const format = formatOf("int a", '"instr="%d" end", REC->a');
    expect(printOf(format, recordOf(format, { a: 5 }))).toBe('instr="5" end');
  });

  it.each([
    ["no string", "REC->a", "expected a C string"],
    ["no closing quote", '"%d, REC->a', "expected a closing quote"],
    ["too few arguments", '"%d %d", REC->a', 'expected an argument for "%d", got none'],
    ["a conversion of nobody", '"%k", REC->a', "expected a conversion that the kernel has"],
    ["an expression that stops", '"%d", (REC->a +', "expected an expression"],
    ["a bracket that does not close", '"%d", ({ int a', 'expected "}"'],
    ["nothing C has", '"%d", `', "expected a C expression at character 7"],
    ["nesting without end", `"%d", ${"(".repeat(5000)}`, "expected at most 100 nested expressions"],
    ["a chain without end", `"%d", REC->a${" + 1".repeat(5000)}`, "expected at most 400 operators in a row"],
  ])("fails on %s", (_, printFmt, message) => {
    const error = failure(() => parsePrintFormat(formatOf("int a", printFmt)));
    expect(error.code).toBe("bad-format");
    expect(error.message).toContain(`print format of sample: ${message}`);
  });

  it("prints what expressions amount to, by C's rules of types", () => {
    const format = formatOf(
      "int a, unsigned int b, u8 c, u64 d",
      '"%d %u %d %d %lld %lu %d %d %d %x", REC->a / 2, REC->a, REC->a < 0, REC->b > REC->a, ' +
        "(long long)REC->a, (unsigned long)REC->c << 40, (int)(u8)(REC->c + 1), " +
        "REC->d >> 63 ? 1 : 2, !REC->a + !!REC->b, ~REC->c",
    );
    const record = recordOf(format, { a: -7, b: 5, c: 255, d: 1n << 63n });
    expect(printOf(format, record)).toBe(
      "-3 4294967289 1 0 -7 280375465082880 0 1 1 ffffff00".replace("280375465082880", `${255n << 40n}`),
    );
  });
});

/** What is printed, and what comes back: fields, print format, contents, text. */
const BOTH_WAYS: [fields: string, printFmt: string, fill: Fill, text: string][] = [
  ["int a", '"a=%d", REC->a', { a: -5 }, "a=-5"],
  ["u64 a", '"%llu", REC->a', { a: 2n ** 64n - 1n }, "18446744073709551615"],
  ["s64 a", '"%lld|", REC->a', { a: -(2n ** 63n) }, "-9223372036854775808|"],
  ["u64 a", '"%llu", REC->a', { a: 2n ** 53n + 1n }, "9007199254740993"],
  ["u16 a", '"[%6u]", REC->a', { a: 77 }, "[    77]"],
  ["u16 a", '"[%-6u]", REC->a', { a: 77 }, "[77    ]"],
  ["u16 a, u16 b", '"%04x%04x", REC->a, REC->b', { a: 0xab, b: 0x1234 }, "00ab1234"],
  ["u32 a", '"%#x %#x", REC->a, REC->a', { a: 0 }, "0x0 0x0"],
  ["u32 a", '"0%o", REC->a', { a: 0o755 }, "0755"],
  ["u8 a", '"%.2x!", REC->a', { a: 7 }, "07!"],
  ["u32 a", '"%xbytes", REC->a', { a: 0x1b }, "1bbytes"],
  ["char c", '"<%c>", REC->c', { c: 120 }, "<x>"],
  ["void * p", '"p=%p", REC->p', { p: 0xffff888012345678n }, "p=ffff888012345678"],
  ["char comm[16]", '"%s|", REC->comm', { comm: "a b-c" }, "a b-c|"],
  ["char comm[8]", '"[%-8s]", REC->comm', { comm: "ab" }, "[ab      ]"],
  [
    "__data_loc char[] name, int a",
    '"dev=%s a=%d", __get_str(name), REC->a',
    { name: "lo", a: 3 },
    "dev=lo a=3",
  ],
  ["__rel_loc char[] name, int a", '"%s:%d", __get_rel_str(name), REC->a', { name: "lo", a: 3 }, "lo:3"],
  [
    "__data_loc char[] a, __data_loc char[] b",
    '"%s %s", __get_str(b), __get_str(a)',
    { a: "x", b: "yy" },
    "yy x",
  ],
  ["u32 dev", '"%d,%d", REC->dev >> 20, REC->dev & ((1U << 20) - 1)', { dev: 0x800005 }, "8,5"],
  ["u64 a", '"%u %u", (u32)(REC->a >> 32), (u32)REC->a', { a: 0x100000002n }, "1 2"],
  ["u32 a", '"%u", REC->a - 1', { a: 0 }, "4294967295"],
  ["u32 a", '"%d", -REC->a', { a: 9 }, "-9"],
  ["u32 a", '"%x", ~REC->a', { a: 0xff }, "ffffff00"],
  ["u32 a, u32 b", '"%u %u", REC->a, REC->a - REC->b', { a: 10, b: 3 }, "10 7"],
  ["bool a", '"%s", REC->a ? "on" : "off"', { a: 1 }, "on"],
  ["bool a", '"%d", !REC->a', { a: 0 }, "1"],
  [
    "u8 a",
    '"%s%s", REC->a & 0x7f ? __print_flags(REC->a & 0x7f, "|", { 1, "S" }, { 2, "D" }) : "R", ' +
      'REC->a & 0x80 ? "+" : ""',
    { a: 0x83 },
    "S|D+",
  ],
  ["u32 a", '"%s", __print_symbolic(REC->a, { 1, "A" }, { 2, "AB" })', { a: 2 }, "AB"],
  ["u32 a", '"%sC", __print_symbolic(REC->a, { 1, "A" }, { 2, "AB" })', { a: 1 }, "AC"],
  ["u32 a", '"%s.", __print_symbolic(REC->a, { 1, "A" })', { a: 0xdead }, "0xdead."],
  ["u32 a", '"%-5s|", __print_symbolic(REC->a, { 1, "A" })', { a: 1 }, "A    |"],
  [
    "u64 a",
    '"%s", __print_flags(REC->a, "|", { 1UL << 40, "HI" }, { 2, "LO" })',
    { a: (5n << 40n) | 2n },
    "HI|LO|0x40000000000",
  ],
  ["u32 a", '"%s", __print_flags(REC->a, "", { 1, "a" }, { 2, "ab" }, { 4, "b" })', { a: 6 }, "abb"],
  ["u32 a", '"<%s>", __print_flags(REC->a, "|", { 1, "a" })', { a: 0 }, "<>"],
  ["u8 mac[6]", '"%pM", REC->mac', { mac: [2, 0, 0, 0xaa, 0, 1] }, "02:00:00:aa:00:01"],
  ["u8 ip[4]", '"%pI4", REC->ip', { ip: [10, 0, 255, 1] }, "10.0.255.1"],
  ["u8 ip[16]", '"%pI6c", REC->ip', { ip: [0xfd, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2] }, "fd00:1::2"],
  [
    "u8 ip[16]",
    '"%pI6c", REC->ip',
    { ip: [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 1, 2, 3, 4] },
    "::ffff:1.2.3.4",
  ],
  [
    "u8 ip[16]",
    '"%pI6", REC->ip',
    { ip: [0xfd, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2] },
    "fd00:0001:0000:0000:0000:0000:0000:0002",
  ],
  [
    "u8 id[16]",
    '"%pU", REC->id',
    { id: Array.from({ length: 16 }, (_, i) => i) },
    "00010203-0405-0607-0809-0a0b0c0d0e0f",
  ],
  [
    "u8 id[16]",
    '"%pUL", REC->id',
    { id: Array.from({ length: 16 }, (_, i) => i) },
    "03020100-0504-0706-0809-0A0B0C0D0E0F",
  ],
  ["u8 buf[4]", '"%s;", __print_hex(REC->buf, 4)', { buf: [1, 0xff, 0, 9] }, "01 ff 00 09;"],
  ["u8 buf[4]", '"%*phN", 4, REC->buf', { buf: [1, 0xff, 0, 9] }, "01ff0009"],
  ["u8 buf[4]", '"%4phC", REC->buf', { buf: [1, 0xff, 0, 9] }, "01:ff:00:09"],
  [
    "__data_loc u64[] a",
    '"%s", __print_array(__get_dynamic_array(a), __get_dynamic_array_len(a) / sizeof(u64), sizeof(u64))',
    { a: [1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0] },
    "{0x1,0x100}",
  ],
  ["__data_loc cpumask_t m", '"%s", __get_cpumask(m)', { m: [3, 0, 0, 0, 1, 0, 0, 0] }, "00000001,00000003"],
  ["unsigned long m[1]", '"%*pbl", 64, REC->m', { m: [0x8f, 1, 0, 0, 0, 0, 0, 0] }, "0-3,7-8"],
];

describe("a conversion", () => {
  it.each(BOTH_WAYS)(
    "of %s by %s prints a record, and the text gives the record back",
    (fields, printFmt, fill, text) => {
      const format = formatOf(fields, printFmt);
      const record = recordOf(format, fill);
      expect(printOf(format, record)).toBe(text);
      const inverse = new RecordInverse(format);
      expect([...inverse.unrecovered, ...inverse.partial]).toEqual([]);
      expect(invert(inverse, text)).toEqual(record);
    },
  );

  const symbols = SymbolTable.parse(
    "ffffffff81000000 T first\nffffffff81000100 t second\nffffffffc0000000 t third\t[mod]\nffffffffc0000010 t end\t[mod]\n",
  );

  it.each([
    ["first+0x10/0x100", 0xffffffff81000010n],
    ["third+0x4/0x10 [mod]", 0xffffffffc0000004n],
    ["0xdeadbeef", 0xdeadbeefn],
    ["0x0", 0n],
  ])("prints the address behind %s as that symbol, and back", (text, address) => {
    const format = formatOf("void * a, int b", '"at %pS [%d]", REC->a, REC->b');
    const record = recordOf(format, { a: address, b: 4 });
    expect(printOf(format, record, symbols)).toBe(`at ${text} [4]`);
    const inverse = new RecordInverse(format, { symbols });
    expect(inverse.partial).toEqual([]);
    expect(invert(inverse, `at ${text} [4]`)).toEqual(record);
  });

  it("takes pointers as other kernels and trace-cmd print them", () => {
    const format = formatOf("void * a", '"a=%p", REC->a');
    const inverse = new RecordInverse(format);
    const address = (text: string) => {
      const record = invert(inverse, text);
      return record === undefined ? undefined : new DataView(record.buffer).getBigUint64(8, true);
    };
    expect(address("a=0xffff8880abcdef00")).toBe(0xffff8880abcdef00n);
    expect(address("a=          (null)")).toBe(0n);
    expect(address("a=(____ptrval____)")).toBe(0n);
    expect(address("a=10000000000000000")).toBeUndefined();
  });

  it("tells the address that a dynamic event prints as a symbol", () => {
    const format = formatOf("unsigned long __probe_ip, u32 a", '"(%lx) a=%d", REC->__probe_ip, REC->a');
    const record = invert(new RecordInverse(format, { symbols }), "(second+0x0/0x100) a=7") as Uint8Array;
    expect(new DataView(record.buffer).getBigUint64(8, true)).toBe(0xffffffff81000100n);
  });

  it("prints an IPv6 socket address and gives back what is printed of it", () => {
    const format = formatOf("u8 a[28]", '"%pISpc", REC->a');
    const ip = [0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
    const record = recordOf(format, { a: [10, 0, 0x1f, 0x90, 0, 0, 0, 0, ...ip] });
    expect(printOf(format, record)).toBe("[fe80::1]:8080");
    const inverse = new RecordInverse(format);
    expect(inverse.partial).toEqual(["a"]);
    expect(invert(inverse, "[fe80::1]:8080")).toEqual(record);
    const four = recordOf(format, { a: [2, 0, 0, 80, 127, 0, 0, 1] });
    expect(invert(inverse, "127.0.0.1:80")).toEqual(four);
  });
});

describe("a text", () => {
  it("is cut where the rest fits, when a string has in it what follows it", () => {
    const format = formatOf("char comm[16], int pid", '"comm=%s pid=%d", REC->comm, REC->pid');
    const record = invert(new RecordInverse(format), "comm=a pid=b pid=7") as Uint8Array;
    expect(printOf(format, record)).toBe("comm=a pid=b pid=7");
    expect(record[24]).toBe(7);
  });

  it.each([
    ["a=1", "another name"],
    ["b=", "no number"],
    ["b=1x", "something left over"],
    ["b=4294967296", "a number too large"],
    ["b=-2147483649", "a number too small"],
    ["", "nothing at all"],
  ])("that is not of the format (%s: %s) does not match", (text) => {
    expect(invert(new RecordInverse(formatOf("u32 b", '"b=%u", REC->b')), text)).toBeUndefined();
  });

  it("longer than its field does not match", () => {
    const inverse = new RecordInverse(formatOf("char a[4]", '"%s", REC->a'));
    expect(invert(inverse, "abcd")?.subarray(8, 12)).toEqual(bytesOf("abcd"));
    expect(invert(inverse, "abcde")).toBeUndefined();
  });

  it("may have lost the spaces that end its print format", () => {
    const inverse = new RecordInverse(formatOf("int a", '"a %d ", REC->a'));
    expect(invert(inverse, "a 5 ")).toEqual(invert(inverse, "a 5"));
    expect(invert(inverse, "a 5")).toBeDefined();
  });

  it("with a symbol that no table has names it", () => {
    const symbols = SymbolTable.parse("1000 T known\n");
    const inverse = new RecordInverse(formatOf("void * a", '"%pS", REC->a'), { symbols });
    expect(invert(inverse, "unknown+0x1/0x2")).toBeUndefined();
    expect(inverse.unknownSymbol).toBe("unknown+0x1/0x2");
  });

  it("that could be cut in countless ways gives up", () => {
    const fields = Array.from({ length: 12 }, (_, i) => `char f${i}[255]`).join(", ");
    const args = Array.from({ length: 12 }, (_, i) => `REC->f${i}`).join(", ");
    const printFmt = `"${"%s ".repeat(12)}end", ${args}`;
    expect(invert(new RecordInverse(formatOf(fields, printFmt)), "x ".repeat(400))).toBeUndefined();
  });
});

describe("what a text does not tell", () => {
  it.each([
    ["char * s, int a", '"%s %d", REC->s, REC->a', ["s"], []],
    ["int a, int b", '"%d", REC->a', ["b"], []],
    ["int a", '"%s", REC->a ? "yes" : "no"', [], ["a"]],
    ["u64 a", '"%x", REC->a', [], ["a"]],
    ["int a", '"%d", REC->a / 1000', [], ["a"]],
    ["int a", '"%s", __print_symbolic(REC->a, { UNKNOWN, "x" })', [], ["a"]],
    ["int a", '"%s", __print_symbolic(REC->a, { 1, "x" }, { 2, "x" })', [], ["a"]],
    ["int a", '"%u", jiffies_to_msecs(REC->a)', ["a"], []],
    ["void * a", '"%pS", REC->a', ["a"], []],
    ["int a, int b", '"%d", REC->a + REC->b', ["a", "b"], []],
  ])("is listed: %s by %s", (fields, printFmt, unrecovered, partial) => {
    const inverse = new RecordInverse(formatOf(fields, printFmt));
    expect(inverse.unrecovered).toEqual(unrecovered);
    expect(inverse.partial).toEqual(partial);
  });

  it("is told by enumerators that the caller knows", () => {
    const format = formatOf("int a", '"%s", __print_symbolic(REC->a, { TCP_LISTEN, "LISTEN" })');
    const constants = new Map([["TCP_LISTEN", 10n]]);
    const inverse = new RecordInverse(format, { constants });
    expect(inverse.partial).toEqual([]);
    expect(invert(inverse, "LISTEN")).toEqual(recordOf(format, { a: 10 }));
  });

  it("stays zero in the record", () => {
    const format = formatOf("int a, char * s, int b", '"%s %d", REC->s, REC->b');
    expect(invert(new RecordInverse(format), "some text 9")).toEqual(recordOf(format, { b: 9 }));
  });

  it("prints as a question mark when the record does not hold it either", () => {
    const format = formatOf("char * s, int a", '"%s %d", REC->s, REC->a');
    const printer = new EventPrinter(format);
    const record = recordOf(format, { s: 0x1234, a: 1 });
    expect(printer.print(new DataView(record.buffer), 0, record.length)).toBe("? 1");
    expect(printer.incomplete).toBe(true);
  });
});

/** Prints random records of every format and inverts the text; gives how many give back every field. */
function checkRoundTrips(formats: readonly TracepointFormat[], symbols: SymbolTable): number {
  const random = new Random(20);
  let complete = 0;
  for (const format of formats) {
    const printer = new EventPrinter(format, { symbols });
    const inverse = new RecordInverse(format, { symbols });
    const unsure = new Set([...inverse.unrecovered, ...inverse.partial]);
    if (unsure.size === 0) complete++;
    for (let i = 0; i < 12; i++) {
      const record = randomRecord(random, format);
      const view = new DataView(record.buffer, record.byteOffset, record.length);
      const text = printer.printBytes(view, 0, record.length);
      if (printer.incomplete) continue;
      const bytes = Uint8Array.from(text, (char) => char.charCodeAt(0));
      if (!inverse.match(bytes, 0, bytes.length)) throw new Error(`${format.name}: no match for ${text}`);
      const back = new Uint8Array(inverse.size).fill(0xaa);
      inverse.store(back, new DataView(back.buffer), 0);
      for (const field of format.fields) {
        if (unsure.has(field.name)) continue;
        if (`${fieldBytes(back, field)}` === `${fieldBytes(record, field)}`) continue;
        throw new Error(
          `${format.name}.${field.name}: ${fieldBytes(record, field)}, not ${fieldBytes(back, field)}: ${text}`,
        );
      }
    }
  }
  return complete;
}

describe("printing random records and inverting the text", () => {
  const symbols = SymbolTable.parse(recording().symbols);

  it("gives back every field that counts as recovered, for every format of Linux 4.4", ({ skip }) => {
    const formats = oldFormats();
    if (formats === undefined) return skip("no oracles");
    expect(checkRoundTrips(formats, symbols)).toBeGreaterThanOrEqual(767);
  });

  it("gives back every field that counts as recovered, for every format of the running kernel", ({
    skip,
  }) => {
    const formats = liveFormats();
    if (formats === undefined) return skip("no tracefs");
    expect(checkRoundTrips(formats, symbols)).toBeGreaterThan(formats.length / 2);
  });
});

describe("a print format nobody would write", () => {
  const SEEDS = recording().formats.map(({ printFmt }) => printFmt.slice(0, 400));

  it("gives a LoadError, or something that prints and inverts, whatever is changed in it", () => {
    const change = fc.tuple(
      fc.nat(400),
      fc.nat(6),
      fc.constantFrom("(", ")", '"', "%", "?", ":", "{", "[", "*", "9", "REC->"),
    );
    fc.assert(
      fc.property(
        fc.constantFrom(...SEEDS),
        fc.array(change, { minLength: 1, maxLength: 3 }),
        (seed, changes) => {
          let printFmt = seed;
          for (const [at, cut, put] of changes)
            printFmt = printFmt.slice(0, at) + put + printFmt.slice(at + cut);
          const format = formatOf(
            "void * skbaddr, void * location, int reason, __data_loc char[] name",
            '"x"',
          );
          try {
            const changed = { ...format, printFmt };
            const record = recordOf(format, { skbaddr: 1, name: "lo" });
            const text = printOf(changed, record);
            invert(new RecordInverse(changed), text);
          } catch (error) {
            expect(error).toBeInstanceOf(LoadError);
          }
        },
      ),
      { numRuns: 3000 },
    );
  });

  it("with choices within choices compiles all the same", () => {
    const nested = Array.from({ length: 60 }, (_, i) => `REC->a == ${i} ? "v${i}" : `).join("");
    const format = formatOf("u32 a", `"%s", ${nested}__print_symbolic(REC->a, { 99, "many" })`);
    const record = recordOf(format, { a: 31 });
    expect(printOf(format, record)).toBe("v31");
    expect(invert(new RecordInverse(format), "v31")).toEqual(record);
  });

  it("with very many conversions and flags runs to its end", () => {
    const numbers = `"${"%d ".repeat(500)}", ${Array.from({ length: 500 }, () => "REC->a").join(", ")}`;
    expect(invert(new RecordInverse(formatOf("int a", numbers)), "7 ".repeat(500))?.[8]).toBe(7);
    const flags = Array.from({ length: 3000 }, () => '{ 1, "a" }').join(", ");
    const format = formatOf("int a", `"%s", __print_flags(REC->a, "|", ${flags})`);
    expect(
      invert(new RecordInverse(format), Array.from({ length: 3000 }, () => "a").join("|")),
    ).toBeUndefined();
  });
});
