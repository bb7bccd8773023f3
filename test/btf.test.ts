// BTF: what is read of real objects and of the kernel, what it prints as C, and damaged blobs.

import { describe, expect, it } from "vitest";
import { type BtfType, parseBtf } from "../dist/src/btf/btf.js";
import { parseBtfExt } from "../dist/src/btf/ext.js";
import { LoadError } from "../dist/src/errors.js";
import { BtfBuilder } from "./support/btf-builder.ts";
import { failure } from "./support/failure.ts";
import { liveBtf, noLiveBtf } from "./support/live-kernel.ts";
import { readOracle } from "./support/oracles.ts";

const SIGNED = 1;
const CHAR = 2;
const BOOL = 4;

function edited(bytes: Uint8Array, edit: (view: DataView) => void): Uint8Array {
  const copy = bytes.slice();
  edit(new DataView(copy.buffer));
  return copy;
}

/** One of each kind. */
function everyKind() {
  const b = new BtfBuilder();
  const id = {
    int: b.int("int", 4, SIGNED),
    char: b.int("char", 1, SIGNED | CHAR),
    bool: b.int("_Bool", 1, BOOL),
    ptr: b.refer("ptr", 1),
    array: b.array(2, 16, 1),
    struct: b.struct("struct", "s", 8, [
      ["a", 1, 0, 0],
      ["b", 1, 32, 5],
    ]),
    union: b.struct("union", "", 4, [["u", 1, 0]]),
    enum: b.enum("e", 4, [["E_BIG", 0xffffffff]]),
    signedEnum: b.enum("se", 4, [["E_LESS", -1]], true),
    fwd: b.fwd("later", true),
    typedef: b.refer("typedef", 6, "s_t"),
    volatile: b.refer("volatile", 1),
    const: b.refer("const", 11),
    restrict: b.refer("restrict", 4),
    proto: b.proto(1, [
      ["x", 1],
      ["", 0],
    ]),
    func: b.refer("func", 15, "f"),
    var: b.variable("v", 1),
    datasec: b.datasec(".data", 4, [[17, 0, 4]]),
    float: b.float("double", 8),
    declTag: b.tag("tagged", 6, 1),
    typeTag: b.refer("type_tag", 6, "user"),
    enum64: b.enum64("e64", [["WIDE", 1n << 40n]]),
  };
  return { id, btf: parseBtf(b.bytes()) };
}

describe("parseBtf", () => {
  it("gives every kind of type with its fields", () => {
    const { id, btf } = everyKind();
    expect(btf.count).toBe(23);
    const expected: Record<number, Partial<Record<string, unknown>>> = {
      0: { kind: "void", name: "void" },
      [id.int]: { kind: "int", name: "int", size: 4, bits: 32, isSigned: true, isChar: false, isBool: false },
      [id.char]: { kind: "int", name: "char", size: 1, isChar: true },
      [id.bool]: { kind: "int", isBool: true, isSigned: false },
      [id.ptr]: { kind: "ptr", type: id.int, name: "" },
      [id.array]: { kind: "array", type: id.char, indexType: id.int, length: 16 },
      [id.struct]: {
        kind: "struct",
        size: 8,
        members: [
          { name: "a", type: id.int, bitOffset: 0, bitSize: 0 },
          { name: "b", type: id.int, bitOffset: 32, bitSize: 5 },
        ],
      },
      [id.union]: { kind: "union", name: "", members: [{ name: "u", type: 1, bitOffset: 0, bitSize: 0 }] },
      [id.enum]: { kind: "enum", isSigned: false, values: [{ name: "E_BIG", value: 0xffffffff }] },
      [id.signedEnum]: { kind: "enum", isSigned: true, values: [{ name: "E_LESS", value: -1 }] },
      [id.fwd]: { kind: "fwd", isUnion: true },
      [id.typedef]: { kind: "typedef", name: "s_t", type: id.struct },
      [id.volatile]: { kind: "volatile", type: id.int },
      [id.const]: { kind: "const", type: id.typedef },
      [id.restrict]: { kind: "restrict", type: id.ptr },
      [id.proto]: {
        kind: "func_proto",
        type: id.int,
        params: [
          { name: "x", type: id.int },
          { name: "", type: 0 },
        ],
      },
      [id.func]: { kind: "func", name: "f", type: id.proto, linkage: "global" },
      [id.var]: { kind: "var", name: "v", type: id.int, linkage: "global" },
      [id.datasec]: { kind: "datasec", size: 4, vars: [{ type: id.var, offset: 0, size: 4 }] },
      [id.float]: { kind: "float", size: 8 },
      [id.declTag]: { kind: "decl_tag", name: "tagged", type: id.struct, component: 1 },
      [id.typeTag]: { kind: "type_tag", name: "user", type: id.struct, isAttribute: false },
      [id.enum64]: { kind: "enum64", size: 8, values: [{ name: "WIDE", value: 1n << 40n }] },
    };
    for (const [type, fields] of Object.entries(expected)) {
      expect(btf.type(Number(type))).toMatchObject({ id: Number(type), ...fields });
      expect(btf.kind(Number(type))).toBe(fields.kind);
    }
  });

  it("takes a header that is longer than the one it knows", () => {
    const b = new BtfBuilder();
    b.int("int", 4);
    const bytes = b.bytes();
    const longer = new Uint8Array([...bytes.subarray(0, 24), ...new Uint8Array(8), ...bytes.subarray(24)]);
    new DataView(longer.buffer).setUint32(4, 32, true);
    expect(parseBtf(longer).type(1)).toMatchObject({ kind: "int", name: "int" });
  });

  const b = new BtfBuilder();
  const int = b.int("int", 4);
  b.struct("struct", "s", 4, [["m", int, 0]]);
  const good = b.bytes();
  const put32 = (at: number, value: number) => edited(good, (view) => view.setUint32(at, value, true));
  it.each<[string, Uint8Array, string, RegExp]>([
    ["an empty blob", new Uint8Array(0), "truncated", /header: expected 24 bytes, got 0/],
    ["another magic", put32(0, 0x01000000), "bad-magic", /magic 0xeb9f, got 0x0/],
    ["big-endian BTF", edited(good, (v) => v.setUint16(0, 0xeb9f)), "unsupported", /got big-endian/],
    ["another version", edited(good, (v) => v.setUint8(2, 2)), "unsupported", /version 1, got 2/],
    ["a header that is too short", put32(4, 20), "bad-btf", /hdr_len in 24\.\./],
    ["a header beyond the end", put32(4, 0xffffffff), "bad-btf", /hdr_len/],
    ["types beyond the end", put32(12, 0xfffffffc), "truncated", /types inside/],
    ["strings beyond the end", put32(20, 0xffffffff), "truncated", /strings inside/],
    ["strings over types", put32(16, 0), "bad-btf", /apart/],
    [
      "strings without NUL at the end",
      good.map((byte, i) => (i === good.length - 1 ? 65 : byte)),
      "bad-btf",
      /NUL/,
    ],
    ["no strings", put32(20, 0), "bad-btf", /NUL as first and last byte, got none/],
    ["a kind that is none", put32(28, 31 << 24), "bad-btf", /type 1: expected a kind in 1\.\.19, got 31/],
    ["kind 0", put32(28, 0), "bad-btf", /type 1: expected a kind/],
    ["more members than bytes", put32(44, (4 << 24) | 0xffff), "truncated", /type 2: expected 786432 bytes/],
    ["half a record", put32(12, 24), "truncated", /type 2: expected 12 bytes, got 8/],
    ["a name beyond the strings", put32(24, 1000), "bad-btf", /type 1: expected a name offset below/],
    [
      "a member's type beyond the types",
      put32(56, 3),
      "bad-btf",
      /type 2: expected a type id below 3, got 3/,
    ],
  ])("refuses %s", (_, bytes, code, message) => {
    const error = failure(() => parseBtf(bytes));
    expect(error.code).toBe(code);
    expect(error.message).toMatch(message);
  });

  it.each<[string, (b: BtfBuilder) => void]>([
    ["ptr", (b) => b.refer("ptr", 9)],
    ["typedef", (b) => b.refer("typedef", 9, "t")],
    ["type_tag", (b) => b.refer("type_tag", 9, "t")],
    ["func", (b) => b.refer("func", 9, "f")],
    ["func_proto result", (b) => b.proto(9, [])],
    ["func_proto parameter", (b) => b.proto(0, [["a", 9]])],
    ["array element", (b) => b.array(9, 1, 1)],
    ["array index", (b) => b.array(1, 1, 9)],
    ["union member", (b) => b.struct("union", "u", 1, [["m", 9, 0]])],
    ["var", (b) => b.variable("v", 9)],
    ["datasec variable", (b) => b.datasec(".data", 0, [[9, 0, 0]])],
    ["decl_tag", (b) => b.tag("t", 9)],
  ])("refuses a reference of a %s to a type that is not there", (_, add) => {
    const b = new BtfBuilder();
    b.int("int", 4);
    add(b);
    expect(failure(() => parseBtf(b.bytes())).message).toMatch(/^type 2: expected an? .* below 3, got 9$/);
  });
});

describe("Btf", () => {
  it("finds types by name, and by name and kind", () => {
    const b = new BtfBuilder();
    const struct = b.struct("struct", "foo", 0, []);
    const typedef = b.refer("typedef", struct, "foo");
    const btf = parseBtf(b.bytes());
    expect(btf.findByName("foo")?.id).toBe(struct);
    expect(btf.findByName("foo", "typedef")?.id).toBe(typedef);
    expect(btf.findByName("foo", "union")).toBeUndefined();
    expect(btf.findByName("bar")).toBeUndefined();
    expect(btf.idsByName("foo")).toEqual([struct, typedef]);
  });

  it("resolves names and qualifiers away", () => {
    const { id, btf } = everyKind();
    expect(btf.resolve(id.const).id).toBe(id.struct);
    expect(btf.resolve(id.typeTag).id).toBe(id.struct);
    expect(btf.resolve(id.restrict).id).toBe(id.ptr);
    expect(btf.resolve(0).kind).toBe("void");
  });

  it("knows the size of every type that has one", () => {
    const { id, btf } = everyKind();
    const sizes = { int: 4, ptr: 8, array: 16, struct: 8, union: 4, enum: 4, const: 8, var: 4, datasec: 4 };
    for (const [name, size] of Object.entries(sizes)) expect(btf.sizeOf(id[name as "int"]), name).toBe(size);
    expect([id.float, id.enum64, id.volatile].map((type) => btf.sizeOf(type))).toEqual([8, 8, 4]);
    for (const type of [0, id.fwd, id.proto, id.func, id.declTag]) {
      expect(failure(() => btf.sizeOf(type)).code).toBe("bad-btf");
    }
  });

  it("multiplies the lengths of nested arrays", () => {
    const b = new BtfBuilder();
    const short = b.int("short", 2, SIGNED);
    const rows = b.array(b.array(short, 3), 5);
    expect(parseBtf(b.bytes()).sizeOf(rows)).toBe(30);
  });

  it("ends in a LoadError where types lead in a circle", () => {
    const b = new BtfBuilder();
    b.refer("typedef", 2, "a");
    b.refer("const", 1);
    b.array(3, 2, 3);
    const btf = parseBtf(b.bytes());
    expect(failure(() => btf.resolve(1)).message).toMatch(/^type 1: .*circle/);
    expect(failure(() => btf.sizeOf(2)).code).toBe("bad-btf");
    expect(failure(() => btf.sizeOf(3)).code).toBe("bad-btf");
    expect(btf.typeName(1)).toBe("a");
    expect(btf.typeName(3)).toMatch(/^\.\.\.\[2\]\[2\]/);
  });

  it("refuses ids and string offsets of the caller that are not there with a RangeError", () => {
    const { btf } = everyKind();
    for (const id of [-1, 23, 1.5, Number.NaN]) expect(() => btf.type(id)).toThrow(RangeError);
    for (const offset of [-1, 1e9, Number.NaN]) expect(() => btf.string(offset)).toThrow(RangeError);
  });

  it("prints types as C writes them", () => {
    const b = new BtfBuilder();
    const int = b.int("int", 4, SIGNED);
    const char = b.int("char", 1, SIGNED);
    const foo = b.struct("struct", "foo", 0, []);
    const constChar = b.refer("const", char);
    const ptr = (type: number): number => b.refer("ptr", type);
    const cases: [number, string][] = [
      [0, "void"],
      [ptr(0), "void *"],
      [ptr(foo), "struct foo *"],
      [ptr(ptr(foo)), "struct foo **"],
      [b.array(char, 16), "char[16]"],
      [b.array(b.array(int, 3), 2), "int[2][3]"],
      [ptr(constChar), "const char *"],
      [b.refer("const", ptr(constChar)), "const char *const"],
      [ptr(b.refer("const", ptr(char))), "char *const *"],
      [b.refer("const", b.refer("volatile", int)), "const volatile int"],
      [ptr(b.array(int, 4)), "int (*)[4]"],
      [b.array(ptr(int), 4), "int *[4]"],
      [ptr(b.proto(int, [["a", ptr(foo)]])), "int (*)(struct foo *)"],
      [ptr(b.proto(0, [])), "void (*)(void)"],
      [
        ptr(
          b.proto(ptr(char), [
            ["f", constChar],
            ["", 0],
          ]),
        ),
        "char *(*)(const char, ...)",
      ],
      [b.array(ptr(b.proto(ptr(b.array(int, 2)), [])), 3), "int (*(*[3])(void))[2]"],
      [b.refer("func", b.proto(int, [["x", int]]), "callee"), "int callee(int)"],
      [b.variable("table", b.array(int, 8)), "int table[8]"],
      [ptr(b.refer("type_tag", foo, "rcu")), 'struct foo __attribute__((btf_type_tag("rcu"))) *'],
      [b.struct("union", "", 0, []), "union {...}"],
      [b.enum("color", 4, []), "enum color"],
      [b.fwd("bar"), "struct bar"],
      [b.refer("restrict", ptr(int)), "int *restrict"],
    ];
    const btf = parseBtf(b.bytes());
    for (const [id, text] of cases) expect(btf.typeName(id)).toBe(text);
  });

  it("cuts names that would have no end", () => {
    const b = new BtfBuilder();
    b.refer("ptr", 2);
    b.proto(
      1,
      Array.from({ length: 50 }, (_, i): [string, number] => [`p${i}`, 1]),
    );
    expect(parseBtf(b.bytes()).typeName(1)).toContain("...");
  });
});

describe("parseBtfExt", () => {
  const b = new BtfBuilder();
  const func = b.refer("func", b.proto(0, []), "main");
  const at = Object.fromEntries([".text", "a.c", "int x;", "0:1"].map((text) => [text, b.string(text)]));
  const btf = parseBtf(b.bytes());
  const words = (...list: number[]): number[] =>
    list.flatMap((w) => [w & 255, (w >> 8) & 255, (w >> 16) & 255, w >>> 24]);
  const section = at[".text"] as number;
  const functions = words(8, section, 1, 16, func);
  const lines = words(
    16,
    section,
    2,
    0,
    at["a.c"] as number,
    at["int x;"] as number,
    (7 << 10) | 3,
    8,
    0,
    0,
    0,
  );
  const core = words(16, section, 1, 8, func, at["0:1"] as number, 2);
  const header = [0x9f, 0xeb, 1, 0].concat(
    words(
      32,
      0,
      functions.length,
      functions.length,
      lines.length,
      functions.length + lines.length,
      core.length,
    ),
  );
  const blob = Uint8Array.from([...header, ...functions, ...lines, ...core]);

  it("gives functions, lines and CO-RE relocations by section", () => {
    const ext = parseBtfExt(blob, btf);
    expect(ext.functions.get(".text")).toEqual([{ offset: 16, type: func }]);
    expect(ext.lines.get(".text")).toEqual([
      { offset: 0, file: "a.c", text: "int x;", line: 7, column: 3 },
      { offset: 8, file: "", text: "", line: 0, column: 0 },
    ]);
    expect(ext.relocations.get(".text")).toEqual([{ offset: 8, type: func, access: "0:1", kind: 2 }]);
  });

  const put32 = (offset: number, value: number) =>
    edited(blob, (view) => view.setUint32(offset, value, true));
  it.each<[string, Uint8Array, RegExp]>([
    ["a part beyond the end", put32(12, 1000), /^func_info: expected it inside/],
    [
      "records that are too small",
      put32(32 + functions.length, 8),
      /^line_info: expected records of 16 bytes/,
    ],
    ["more records than bytes", put32(32 + 8, 0x10000000), /^func_info: expected 2147483648 bytes/],
    [
      "a type that is not there",
      put32(32 + 16, 99),
      /^func_info: section \.text, record 0: expected a type id/,
    ],
    [
      "a string that is not there",
      put32(32 + functions.length + 16, 9999),
      /^line_info: section \.text, record 0/,
    ],
    ["another magic", put32(0, 0), /^header: expected magic/],
  ])("refuses %s", (_, bytes, message) => {
    expect(failure(() => parseBtfExt(bytes, btf)).message).toMatch(message);
  });
});

describe("BTF of the running kernel", () => {
  if (noLiveBtf !== undefined) console.log(`skipped: ${noLiveBtf}`);
  it.skipIf(noLiveBtf !== undefined)(
    "decodes type by type, with the layout that the kernel's own headers give",
    () => {
      const btf = liveBtf();
      expect(btf.count).toBeGreaterThan(10_000);
      const ids = Array.from({ length: btf.count }, (_, id) => id);
      expect(ids.filter((id) => btf.type(id).id !== id || btf.typeName(id) === "")).toEqual([]);
      const list = btf.findByName("list_head", "struct") as BtfType & { kind: "struct" };
      expect(list.members.map(({ name, type, bitOffset }) => [name, btf.typeName(type), bitOffset])).toEqual([
        ["next", "struct list_head *", 0],
        ["prev", "struct list_head *", 64],
      ]);
      expect(btf.sizeOf(btf.findByName("sockaddr_in6", "struct")?.id ?? 0)).toBe(28);
    },
  );
});

describe("the kernel's own BTF cases", () => {
  const oracle = readOracle<{
    raw: { descr: string; btf: string; k618_load: number; log: string }[];
  }>("btf-cases.json.gz");
  it.skipIf(oracle === undefined)("parse with the kernel's view of kinds and names, and none crashes", () => {
    let compared = 0;
    for (const { descr, btf: hex, k618_load: verdict, log } of oracle?.raw ?? []) {
      const bytes = new Uint8Array(Buffer.from(hex, "hex"));
      if (verdict !== 0) {
        try {
          parseBtf(bytes);
        } catch (error) {
          expect(error, descr).toBeInstanceOf(LoadError);
        }
        continue;
      }
      const btf = parseBtf(bytes);
      for (const [, id] of log.matchAll(/^\[(\d+)\]/gm)) {
        const { kind, name } = btf.type(Number(id));
        expect(log, descr).toContain(`[${id}] ${kind.toUpperCase()} ${name === "" ? "(anon)" : name} `);
        compared++;
      }
    }
    expect(compared).toBeGreaterThan(200);
  });
});
