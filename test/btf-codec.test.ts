// Values as their BTF types say: bytes to JavaScript and back, and refusals that name the member.

import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseBtf } from "../dist/src/btf/btf.js";
import { type BtfValue, codecOf, enumName, enumValue } from "../dist/src/btf/codec.js";
import { LoadError } from "../dist/src/errors.js";
import { loadObject } from "../dist/src/loader/object.js";
import { BtfBuilder, type MemberSpec } from "./support/btf-builder.ts";

const SIGNED = 1;
const BOOL = 4;

/** A codec for the type that `make` adds, and what it needs besides. */
function codec(make: (b: BtfBuilder) => number) {
  const b = new BtfBuilder();
  const id = make(b);
  return codecOf(parseBtf(b.bytes()), id);
}

const key = codec((b) => {
  const u8 = b.int("unsigned char", 1);
  const port = b.refer("typedef", b.int("unsigned short", 2), "__u16");
  return b.struct("struct", "key", 8, [
    ["addr", b.array(u8, 4), 0],
    ["port", port, 48],
  ]);
});

describe("decoding", () => {
  it("gives numbers up to 32 bits and bigints beyond", () => {
    const bytes = new Uint8Array(16).fill(0xff);
    const values = [1, 2, 4, 8, 16].flatMap((size) =>
      [0, SIGNED].map((encoding) => codec((b) => b.int("t", size, encoding)).decode(bytes)),
    );
    expect(values).toEqual([
      255,
      -1,
      65535,
      -1,
      4294967295,
      -1,
      (1n << 64n) - 1n,
      -1n,
      (1n << 128n) - 1n,
      -1n,
    ]);
  });

  it("reads char arrays as strings up to their NUL, and other bytes as numbers", () => {
    const bytes = new TextEncoder().encode("héj\0xx");
    expect(codec((b) => b.array(b.int("char", 1, SIGNED), 6)).decode(bytes)).toBe("héj");
    expect(codec((b) => b.array(b.int("char", 1), 3)).decode(bytes)).toBe("hé");
    expect(codec((b) => b.array(b.array(b.int("char", 1), 3), 2)).decode(bytes)).toEqual(["hé", "j"]);
    expect(codec((b) => b.array(b.int("unsigned char", 1), 3)).decode(bytes)).toEqual([104, 195, 169]);
    expect(codec((b) => b.int("char", 1, SIGNED)).decode(bytes)).toBe(104);
  });

  it("makes the members of anonymous structs and unions members of the outer struct", () => {
    const decoded = codec((b) => {
      const u32 = b.int("unsigned int", 4);
      const inner = b.struct("struct", "", 8, [
        ["low", u32, 0],
        ["high", u32, 32],
      ]);
      const u64 = b.int("unsigned long", 8);
      const either = b.struct("union", "", 8, [
        ["", inner, 0],
        ["raw", u64, 0],
      ]);
      return b.struct("struct", "s", 16, [
        ["id", u32, 0],
        ["", either, 64],
      ]);
    }).decode(Uint8Array.from([7, 0, 0, 0, 9, 9, 9, 9, 1, 0, 0, 0, 2, 0, 0, 0]));
    expect(decoded).toEqual({ id: 7, low: 1, high: 2, raw: (2n << 32n) | 1n });
  });

  it("reads bitfields of both signs, of bools, and across bytes", () => {
    const bits = codec((b) => {
      const int = b.int("int", 4, SIGNED);
      const u64 = b.int("unsigned long", 8);
      const bool = b.int("_Bool", 1, BOOL);
      return b.struct("struct", "bits", 8, [
        ["flag", bool, 0, 1],
        ["small", int, 1, 3],
        ["across", u64, 6, 40],
      ]);
    });
    const value = { flag: true, small: -3, across: 0xabcdef0123n };
    const bytes = bits.encode(value);
    const word = new DataView(bytes.buffer).getBigUint64(0, true);
    expect(word).toBe(1n | (5n << 1n) | (0xabcdef0123n << 6n));
    expect(bits.decode(bytes)).toEqual(value);
  });

  it("reads bitfields of compilers that give each an int type of its own", () => {
    const b = new BtfBuilder();
    const nibble = b.int("int", 4, 0, 4, 4);
    const id = b.struct("struct", "old", 4, [
      ["second", nibble, 0],
      ["third", nibble, 4],
    ]);
    expect(codecOf(parseBtf(b.bytes()), id).decode(Uint8Array.of(0x20, 0x03, 0, 0))).toEqual({
      second: 2,
      third: 3,
    });
  });

  it("reads pointers, floats, bools and enums", () => {
    const all = codec((b) => {
      const members: MemberSpec[] = [
        ["p", b.refer("ptr", 0), 0],
        ["d", b.float("double", 8), 64],
        ["f", b.float("float", 4), 128],
        ["e", b.enum("e", 4, [["A", 3]]), 160],
        ["less", b.enum("l", 4, [["M", -1]], true), 192],
        ["wide", b.enum64("w", [["W", 1n << 40n]]), 256],
        ["yes", b.int("_Bool", 1, BOOL), 320],
      ];
      return b.struct("struct", "all", 48, members);
    });
    const value = { p: 1n << 63n, d: -0.1, f: 1.5, e: 3, less: -1, wide: 1n << 40n, yes: true };
    expect(all.decode(all.encode(value))).toEqual(value);
  });

  it("reads at an offset, and refuses bytes that end too early", () => {
    const u16 = codec((b) => b.int("unsigned short", 2));
    expect(u16.decode(Uint8Array.of(1, 2, 3), 1)).toBe(0x302);
    expect(() => u16.decode(Uint8Array.of(1, 2, 3), 2)).toThrow(/^expected 2 bytes at 2, got 3 in all$/);
    expect(() => u16.decode(Uint8Array.of(1, 2, 3), -1)).toThrow(RangeError);
  });

  it("gives own properties whatever the members are called", () => {
    const odd = codec((b) => {
      const int = b.int("int", 4);
      return b.struct("struct", "odd", 8, [
        ["__proto__", int, 0],
        ["constructor", int, 32],
      ]);
    });
    const value = odd.decode(Uint8Array.of(1, 0, 0, 0, 2, 0, 0, 0)) as object;
    expect(Object.entries(value)).toEqual([
      ["__proto__", 1],
      ["constructor", 2],
    ]);
    expect(odd.encode({})).toEqual(new Uint8Array(8));
  });
});

describe("encoding", () => {
  it("leaves padding and members that are not given zero", () => {
    expect([...key.encode({ addr: [1, 2, 3, 4], port: 0x506 })]).toEqual([1, 2, 3, 4, 0, 0, 6, 5]);
    expect([...key.encode({ port: 1 })]).toEqual([0, 0, 0, 0, 0, 0, 1, 0]);
  });

  it("takes numbers and bigints where either fits, and typed arrays for arrays", () => {
    expect(key.encode({ addr: [1n, 2, 3n, 4], port: 5n })).toEqual(
      key.encode({ addr: [1, 2, 3, 4], port: 5 }),
    );
    expect(key.encode({ addr: Uint8Array.of(1, 2, 3, 4) })).toEqual(key.encode({ addr: [1, 2, 3, 4] }));
    expect([...codec((b) => b.int("long", 8, SIGNED)).encode(-2)]).toEqual([254, ...new Array(7).fill(255)]);
  });

  it("takes strings and bytes for char arrays, padded with NUL", () => {
    const name = codec((b) => b.array(b.int("char", 1), 4));
    expect([...name.encode("ab")]).toEqual([97, 98, 0, 0]);
    expect([...name.encode("abcd")]).toEqual([97, 98, 99, 100]);
    expect([...name.encode(Uint8Array.of(1, 0, 2))]).toEqual([1, 0, 2, 0]);
    expect(() => name.encode("héhé")).toThrow(new RangeError('value: expected at most 4 bytes, got "héhé"'));
  });

  it("writes the members of a union that are given", () => {
    const either = codec((b) => {
      const u32 = b.int("unsigned int", 4);
      return b.struct("union", "u", 4, [
        ["word", u32, 0],
        ["bytes", b.array(b.int("unsigned char", 1), 4), 0],
      ]);
    });
    expect([...either.encode({ word: 0x01020304 })]).toEqual([4, 3, 2, 1]);
    expect([...either.encode({ bytes: [1, 2, 3, 4] })]).toEqual([1, 2, 3, 4]);
    expect(either.decode(Uint8Array.of(1, 2, 3, 4))).toEqual({ word: 0x04030201, bytes: [1, 2, 3, 4] });
  });

  it("takes negative enumerators of compilers that know no signed enums", () => {
    const verdict = codec((b) => b.enum("verdict", 4, [["DROP", 0xffffffff]]));
    expect([...verdict.encode(-1)]).toEqual([255, 255, 255, 255]);
    expect(() => verdict.encode(2 ** 32)).toThrow(RangeError);
  });

  it.each<[string, unknown, typeof RangeError | typeof TypeError, string]>([
    [
      "a number that is too large",
      { addr: [0, 1, 2, 300] },
      RangeError,
      "key.addr[3]: expected 0..255, got 300",
    ],
    ["a negative number", { port: -1 }, RangeError, "key.port: expected 0..65535, got -1"],
    ["a fraction", { port: 1.5 }, RangeError, "key.port: expected an integer in 0..65535, got 1.5"],
    ["NaN", { port: Number.NaN }, RangeError, "key.port: expected an integer in 0..65535, got NaN"],
    [
      "a string for a number",
      { port: "80" },
      TypeError,
      'key.port: expected an integer in 0..65535, got "80"',
    ],
    ["too few elements", { addr: [1] }, RangeError, "key.addr: expected an array of 4, got an array of 1"],
    ["no array", { addr: 5 }, TypeError, "key.addr: expected an array of 4, got 5"],
    ["an unknown member", { prot: 1 }, TypeError, 'key: expected one of the members addr, port, got "prot"'],
    ["no object", 7, TypeError, "key: expected an object with addr, port, got 7"],
    ["null", null, TypeError, "key: expected an object with addr, port, got null"],
    ["an array for a struct", [1], TypeError, "key: expected an object with addr, port, got an array of 1"],
  ])("refuses %s, naming the path", (_, value, type, message) => {
    expect(() => key.encode(value, "key")).toThrow(new type(message));
  });

  it("refuses what is no truth value, no number, or too much for a bitfield", () => {
    const bits = codec((b) => {
      const members: MemberSpec[] = [
        ["b", b.int("_Bool", 1, BOOL), 0, 1],
        ["n", b.int("int", 4, SIGNED), 1, 3],
      ];
      return b.struct("struct", "bits", 4, members);
    });
    expect(bits.decode(bits.encode({ b: 1, n: -4 }))).toEqual({ b: true, n: -4 });
    expect(() => bits.encode({ b: 2 })).toThrow(new TypeError("value.b: expected true or false, got 2"));
    expect(() => bits.encode({ n: 4 })).toThrow(new RangeError("value.n: expected -4..3, got 4"));
    const double = codec((b) => b.float("double", 8));
    expect(() => double.encode("1")).toThrow(TypeError);
  });
});

describe("codecOf", () => {
  const refusals: [string, (b: BtfBuilder) => number, RegExp][] = [
    ["void", () => 0, /expected a type that has values, got void/],
    ["a function", (b) => b.refer("func", b.proto(0, []), "f"), /got void f\(void\)/],
    ["a struct that is only declared", (b) => b.fwd("later"), /got struct later/],
    [
      "a struct inside itself",
      (b) => b.struct("struct", "s", 8, [["s", 1, 0]]),
      /inside each other, got more/,
    ],
    ["an array of itself", (b) => b.array(1, 1, 1), /inside each other, got more/],
    [
      "anonymous structs inside themselves",
      (b) => b.struct("struct", "", 8, [["", 1, 0]]),
      /inside each other/,
    ],
    [
      "a member beyond its struct",
      (b) => b.struct("struct", "s", 2, [["m", b.int("i", 4), 0]]),
      /inside its 2 bytes/,
    ],
    ["an int without bits", (b) => b.int("i", 4, 0, 0), /expected 32 bits outside of structs, got 0/],
    ["an int of 20 bytes", (b) => b.int("i", 20, 0, 128), /a size of 1\.\.16 bytes, got 20/],
    ["an array of 4 billion", (b) => b.array(b.int("i", 4), 0xffffffff), /at most 16777216 scalars/],
    ["as many structs of nothing", (b) => b.array(b.struct("struct", "e", 0, []), 0xffffffff), /scalars/],
    [
      "a struct of 4 billion bytes",
      (b) => b.struct("struct", "s", 0xffffffff, []),
      /at most 1073741824 bytes/,
    ],
    [
      "a bitfield of a struct",
      (b) => b.struct("struct", "s", 4, [["m", b.struct("struct", "e", 0, []), 0, 3]]),
      /bitfield/,
    ],
  ];
  it.each(refusals)("refuses %s with a LoadError", (_, make, message) => {
    const b = new BtfBuilder();
    const id = make(b);
    const btf = parseBtf(b.bytes());
    expect(() => codecOf(btf, id)).toThrow(LoadError);
    expect(() => codecOf(btf, id)).toThrow(message);
  });

  it("refuses at once what would take hours: structs of many structs of many structs", () => {
    const b = new BtfBuilder();
    const char = b.int("char", 1);
    let type = char;
    for (let level = 0; level < 6; level++) {
      const members = Array.from({ length: 1000 }, (_, i): MemberSpec => [`m${i}`, type, 0]);
      type = b.struct("union", "", 1, members);
    }
    const named = type;
    type = char;
    for (let level = 0; level < 20; level++) {
      const members = Array.from({ length: 500 }, (): MemberSpec => ["", type, 0]);
      type = b.struct("union", "", 1, members);
    }
    const btf = parseBtf(b.bytes());
    expect(() => codecOf(btf, named)).toThrow(/scalars/);
    expect(() => codecOf(btf, type)).toThrow(/members/);
  });

  it("names the values of enums", () => {
    const b = new BtfBuilder();
    const small = b.refer("typedef", 2, "alias");
    const e = b.enum("e", 4, [
      ["ZERO", 0],
      ["ONE", 1],
      ["UNO", 1],
    ]);
    const wide = b.enum64("w", [["BIG", 1n << 40n]]);
    const btf = parseBtf(b.bytes());
    expect([enumName(btf, small, 1), enumName(btf, e, 2), enumName(btf, wide, 1n << 40n)]).toEqual([
      "ONE",
      undefined,
      "BIG",
    ]);
    expect([enumValue(btf, e, "UNO"), enumValue(btf, e, "TWO"), enumValue(btf, wide, "BIG")]).toEqual([
      1,
      undefined,
      1n << 40n,
    ]);
  });
});

describe("a compiler's structs", () => {
  it.each(["clang14", "clang19"])("decode to the values that the source of %s gives them", (compiler) => {
    const bytes = readFileSync(new URL(`objects/counters.${compiler}.o`, import.meta.url));
    const object = loadObject(new Uint8Array(bytes));
    const read = (name: string): BtfValue => {
      const variable = object.variables.get(name);
      if (variable?.typeId === undefined || object.btf === undefined) throw new Error(`no variable ${name}`);
      return codecOf(object.btf, variable.typeId).decode(
        variable.map.contents as Uint8Array,
        variable.offset,
      );
    };
    expect(read("settings")).toEqual({
      enabled: 1,
      level: 5,
      bias: -3,
      verdict: 7,
      raw: 0x5566778811223344n,
      low: 0x11223344,
      high: 0x55667788,
      strict: true,
      ratio: 2.5,
      label: 0n,
      table: [
        [1, 2, 3],
        [4, 5, 6],
      ],
    });
    expect([read("greeting"), read("sampling"), read("custom"), read("seen")]).toEqual([
      "hello",
      10,
      -42n,
      0n,
    ]);
    const data = object.maps.get(".rodata");
    const section = codecOf(object.btf ?? parseBtf(new Uint8Array()), data?.valueType ?? 0);
    expect(section.decode(data?.contents as Uint8Array)).toMatchObject({ greeting: "hello", sampling: 10 });
  });
});

describe("round trips", () => {
  /** A type, added to a builder, and values of it; `size` in bytes. */
  interface TypeModel {
    readonly size: number;
    readonly add: (b: BtfBuilder) => number;
    readonly value: fc.Arbitrary<unknown>;
  }

  const integer = (size: number, isSigned: boolean): TypeModel => {
    const low = isSigned ? -(1n << BigInt(8 * size - 1)) : 0n;
    const high = low + (1n << BigInt(8 * size)) - 1n;
    const value = fc.bigInt(low, high);
    return {
      size,
      add: (b) => b.int("int", size, isSigned ? SIGNED : 0),
      value: size <= 4 ? value.map(Number) : value,
    };
  };
  const scalars: TypeModel[] = [
    ...[1, 2, 4, 8, 16].flatMap((size) => [integer(size, true), integer(size, false)]),
    { size: 1, add: (b) => b.int("_Bool", 1, BOOL), value: fc.boolean() },
    { size: 8, add: (b) => b.float("double", 8), value: fc.double({ noNaN: true }) },
    { size: 4, add: (b) => b.float("float", 4), value: fc.float({ noNaN: true }) },
    { size: 8, add: (b) => b.refer("ptr", 0), value: fc.bigInt(0n, (1n << 64n) - 1n) },
    { size: 4, add: (b) => b.enum("e", 4, [["A", 1]], true), value: fc.integer() },
    {
      size: 12,
      add: (b) => b.array(b.int("char", 1), 12),
      value: fc.string({
        maxLength: 12,
        unit: fc.integer({ min: 1, max: 127 }).map((c) => String.fromCharCode(c)),
      }),
    },
  ];
  const arrayOf = (element: TypeModel, length: number): TypeModel => ({
    size: element.size * length,
    add: (b) => b.array(element.add(b), length),
    value: fc.array(element.value, { minLength: length, maxLength: length }),
  });
  const structOf = (members: readonly { gap: number; type: TypeModel }[]): TypeModel => {
    let size = 0;
    const placed = members.map(({ gap, type }, index) => {
      const at = size + gap;
      size = at + type.size;
      return { name: `m${index}`, at, type };
    });
    return {
      size,
      add: (b) => {
        const types = placed.map(({ type }) => type.add(b));
        const list = placed.map(({ name, at }, i): MemberSpec => [name, types[i] as number, 8 * at]);
        return b.struct("struct", "s", size, list);
      },
      value: fc.record(Object.fromEntries(placed.map(({ name, type }) => [name, type.value]))),
    };
  };
  const { type: model } = fc.letrec<{ type: TypeModel }>((tie) => ({
    type: fc.oneof(
      { depthSize: "small", withCrossShrink: true },
      fc.constantFrom(...scalars),
      fc
        .tuple(tie("type"), fc.integer({ min: 1, max: 4 }))
        .map(([element, length]) => arrayOf(element, length)),
      fc
        .array(fc.record({ gap: fc.integer({ min: 0, max: 5 }), type: tie("type") }), {
          minLength: 1,
          maxLength: 5,
        })
        .map(structOf),
    ),
  }));

  it("give back every value of every type", () => {
    const sample = model.chain((type) => fc.tuple(fc.constant(type), type.value));
    fc.assert(
      fc.property(sample, ([type, value]) => {
        const coder = codec((b) => type.add(b));
        expect(coder.size).toBe(type.size);
        const bytes = coder.encode(value);
        expect(bytes.length).toBe(type.size);
        expect(coder.decode(bytes)).toEqual(value);
        expect(coder.encode(coder.decode(bytes))).toEqual(bytes);
      }),
      { numRuns: 500 },
    );
  });

  it("give back every bitfield, whatever lies around it", () => {
    const widths = fc.array(fc.tuple(fc.integer({ min: 1, max: 64 }), fc.boolean()), {
      minLength: 1,
      maxLength: 8,
    });
    fc.assert(
      fc.property(widths, fc.infiniteStream(fc.bigInt(0n, (1n << 64n) - 1n)), (fields, stream) => {
        let offset = 0;
        const value: Record<string, number | bigint> = {};
        const coder = codec((b) => {
          const members = fields.map(([width, isSigned], i): MemberSpec => {
            const bits = stream.next().value as bigint;
            const exact = isSigned ? BigInt.asIntN(width, bits) : BigInt.asUintN(width, bits);
            value[`f${i}`] = width <= 32 ? Number(exact) : exact;
            const at = offset;
            offset += width;
            return [`f${i}`, b.int("t", 8, isSigned ? SIGNED : 0), at, width];
          });
          return b.struct("struct", "bits", Math.ceil(offset / 8), members);
        });
        expect(coder.decode(coder.encode(value))).toEqual(value);
      }),
    );
  });
});
