// ELF objects byte by byte: headers, sections and symbols that lie are refused with their place.

import { describe, expect, it } from "vitest";
import { assembleCode } from "../dist/src/isa/assembler.js";
import { loadObject } from "../dist/src/loader/object.js";
import type { ObjectFile } from "../dist/src/loader/object-file.js";
import { buildElf, type ElfSpec } from "./support/elf-builder.ts";
import { failure } from "./support/failure.ts";

const exit = assembleCode("r0 = 0\nexit");
const loadsMap = assembleCode("r1 = 0 ll\nr0 = 0\nexit");

/** A socket filter that loads a map, with everything right unless overridden. */
const good: ElfSpec = {
  sections: [
    { name: "socket", code: true, bytes: loadsMap },
    { name: "maps", bytes: Uint8Array.from([2, 4, 8, 1, 0].flatMap((n) => [n, 0, 0, 0])) },
    { name: "license", bytes: new TextEncoder().encode("GPL\0") },
  ],
  symbols: [
    { name: "filter", section: "socket" },
    { name: "table", section: "maps", type: 1, size: 20 },
  ],
  relocations: [{ section: "socket", offset: 0, type: 1, symbol: "table" }],
};
const elf = (change: Partial<ElfSpec>): Uint8Array => buildElf({ ...good, ...change });
const code = (text: string) => ({ name: "socket", code: true, bytes: assembleCode(text) });
const load = (change: Partial<ElfSpec>): ObjectFile => loadObject(elf(change));
const edited = (edit: (view: DataView, bytes: Uint8Array) => void): Uint8Array => {
  const bytes = buildElf(good);
  edit(new DataView(bytes.buffer), bytes);
  return bytes;
};
/** Offset of the header of section `index`, in the order of `good`, from 1. */
const headerAt = (index: number): number =>
  Number(new DataView(buildElf(good).buffer).getBigUint64(40, true)) + 64 * index;

describe("an ELF object", () => {
  it("loads when everything is right", () => {
    const { programs, maps, license } = loadObject(buildElf(good));
    expect(license).toBe("GPL");
    expect(maps.get("table")).toEqual({
      name: "table",
      type: 2,
      keySize: 4,
      valueSize: 8,
      maxEntries: 1,
      flags: 0,
    });
    expect(programs.get("filter")).toMatchObject({ type: "socket_filter", slots: 4 });
    expect(programs.get("filter")?.maps).toEqual([{ slot: 0, map: maps.get("table") }]);
  });

  it.each<[string, Uint8Array, string, RegExp]>([
    ["other bytes", Uint8Array.of(1, 2, 3, 4), "bad-magic", /^header: expected an ELF file/],
    ["a file of the magic alone", buildElf(good).subarray(0, 5), "truncated", /^header: expected 64 bytes/],
    ["32-bit files", edited((_, bytes) => bytes.set([1], 4)), "wrong-machine", /64-bit ELF/],
    ["big-endian files", edited((_, bytes) => bytes.set([2], 5)), "wrong-machine", /little-endian ELF/],
    [
      "another machine",
      edited((view) => view.setUint16(18, 62, true)),
      "wrong-machine",
      /EM_BPF, 247, got 62/,
    ],
    ["executables", edited((view) => view.setUint16(16, 2, true)), "unsupported", /relocatable object/],
    [
      "section headers of another size",
      edited((v) => v.setUint16(58, 40, true)),
      "bad-elf",
      /of 64 bytes, got 40/,
    ],
    [
      "section headers beyond the end",
      edited((v) => v.setUint16(60, 60000, true)),
      "truncated",
      /section headers/,
    ],
    [
      "section headers far away",
      edited((v) => v.setBigUint64(40, 1n << 60n, true)),
      "truncated",
      /section headers/,
    ],
    [
      "a section beyond the end",
      edited((v) => v.setBigUint64(headerAt(1) + 24, 99999n, true)),
      "truncated",
      /section socket: /,
    ],
    [
      "a section of many gigabytes",
      edited((v) => v.setBigUint64(headerAt(1) + 32, 1n << 40n, true)),
      "bad-elf",
      /the file's size/,
    ],
    [
      "a name beyond the strings",
      edited((v) => v.setUint32(headerAt(2), 99999, true)),
      "bad-elf",
      /^section 2: expected a name/,
    ],
    ["names in no string table", edited((v) => v.setUint16(62, 1, true)), "bad-elf", /string table/],
    [
      "symbols of another size",
      edited((v) => v.setBigUint64(headerAt(4) + 56, 16n, true)),
      "bad-elf",
      /entries of 24 bytes, got 16/,
    ],
    [
      "a relocation of no symbol",
      edited((v) => v.setUint32(Number(v.getBigUint64(headerAt(6) + 24, true)) + 12, 77, true)),
      "bad-relocation",
      /relocation 0: expected a symbol below 3, got 77/,
    ],
    ["relocations with addends", edited((v) => v.setUint32(headerAt(6) + 4, 4, true)), "unsupported", /RELA/],
  ])("is refused as a whole: %s", (_, bytes, wanted, message) => {
    const error = failure(() => loadObject(bytes));
    expect(error.message).toMatch(message);
    expect(error.code).toBe(wanted);
  });

  it.each<[string, Partial<ElfSpec>, string, RegExp]>([
    [
      "code of half an instruction",
      { sections: [{ name: "socket", code: true, bytes: new Uint8Array(12) }] },
      "truncated",
      /section socket: expected a multiple of 8/,
    ],
    [
      "a function beyond its section",
      { symbols: [{ name: "f", section: "socket", size: 400 }], relocations: [] },
      "bad-elf",
      /symbol f: expected it inside the 32 bytes/,
    ],
    [
      "a function at half an instruction",
      { symbols: [{ name: "f", section: "socket", value: 4 }], relocations: [] },
      "bad-elf",
      /whole slots/,
    ],
    [
      "functions over each other",
      {
        symbols: [
          { name: "f", section: "socket", size: 32 },
          { name: "g", section: "socket", value: 16 },
        ],
        relocations: [],
      },
      "bad-elf",
      /symbol f: expected a function that ends at 16/,
    ],
    [
      "a function without instructions",
      { symbols: [{ name: "f", section: "socket", value: 32 }], relocations: [] },
      "bad-elf",
      /an empty one/,
    ],
    [
      "two programs of one name",
      {
        sections: [...good.sections, { name: "xdp", code: true, bytes: exit }],
        symbols: [...(good.symbols ?? []), { name: "filter", section: "xdp" }],
      },
      "bad-elf",
      /one program of that name/,
    ],
    [
      "two maps at one place",
      {
        symbols: [
          { name: "f", section: "socket" },
          { name: "a", section: "maps", type: 1 },
          { name: "b", section: "maps", type: 1 },
        ],
        relocations: [],
      },
      "bad-map",
      /struct bpf_map_def of 20 bytes, got 0/,
    ],
    [
      "a map definition that is too short",
      {
        sections: [code("exit"), { name: "maps", bytes: new Uint8Array(12) }],
        symbols: [{ name: "m", section: "maps", type: 1 }],
        relocations: [],
      },
      "bad-map",
      /of 20 bytes, got 12/,
    ],
    [
      "BTF maps without BTF",
      {
        sections: [code("exit"), { name: ".maps", bytes: new Uint8Array(32) }],
        symbols: [],
        relocations: [],
      },
      "bad-map",
      /section .maps: expected BTF in the object, got none/,
    ],
    [
      "a version that is no number",
      { sections: [code("exit"), { name: "version", bytes: exit }], symbols: [], relocations: [] },
      "bad-elf",
      /section version: expected a number of 4 bytes/,
    ],
    [
      "BTF that is none",
      { sections: [code("exit"), { name: ".BTF", bytes: new Uint8Array(40) }], symbols: [], relocations: [] },
      "bad-magic",
      /^section \.BTF: header: expected magic/,
    ],
  ])("is refused as a whole: %s", (_, change, wanted, message) => {
    const error = failure(() => load(change));
    expect(error.message).toMatch(message);
    expect(error.code).toBe(wanted);
  });

  it.each<[string, Partial<ElfSpec>, RegExp]>([
    [
      "a relocation of unknown type",
      { relocations: [{ section: "socket", offset: 0, type: 99, symbol: "table" }] },
      /R_BPF_64_64 at a lddw, got type 99/,
    ],
    [
      "a relocation at another instruction",
      { relocations: [{ section: "socket", offset: 16, type: 1, symbol: "table" }] },
      /insn 2: relocation: expected it at a lddw or a call/,
    ],
    [
      "a relocation in a lddw",
      { relocations: [{ section: "socket", offset: 8, type: 1, symbol: "table" }] },
      /the first slot of a lddw, got the second/,
    ],
    [
      "an address behind a variable's section",
      {
        sections: [
          code("r1 = 100 ll\nexit"),
          { name: ".data", bytes: new Uint8Array(8) },
          ...good.sections.slice(1),
        ],
        symbols: [
          { name: "filter", section: "socket" },
          { name: "v", section: ".data", type: 1, size: 8 },
        ],
        relocations: [{ section: "socket", offset: 0, type: 1, symbol: "v" }],
      },
      /symbol v: expected an offset in 0\.\.8, got 100/,
    ],
    [
      "an address in the licence",
      {
        symbols: [
          { name: "filter", section: "socket" },
          { name: "table", section: "maps", type: 1 },
          { name: "l", section: "license", type: 1 },
        ],
        relocations: [{ section: "socket", offset: 0, type: 1, symbol: "l" }],
      },
      /symbol l: expected a map or a variable, got byte 0 of section license/,
    ],
    [
      "a call of a map",
      {
        sections: [code("call pc+0\nexit"), ...good.sections.slice(1)],
        relocations: [{ section: "socket", offset: 0, type: 10, symbol: "table" }],
      },
      /a local call of a function, got one of 'table'/,
    ],
    [
      "a call out of the section",
      {
        sections: [code("call pc+100\nexit"), ...good.sections.slice(1)],
        symbols: [
          { name: "filter", section: "socket" },
          { name: "table", section: "maps", type: 1 },
        ],
        relocations: [],
      },
      /insn 0: relocation: expected the start of a function, got slot 101 of section socket/,
    ],
    [
      "a map load without a relocation",
      { sections: [code("r1 = map[fd:3]\nr0 = 0\nexit"), ...good.sections.slice(1)], relocations: [] },
      /one for a lddw that loads a map, got none/,
    ],
  ])("fails for one program: %s", (_, change, message) => {
    const { programs, failures } = load(change);
    expect([...programs.keys()]).toEqual([]);
    expect(failures.get("filter")?.code).toBe("bad-relocation");
    expect(failures.get("filter")?.message).toMatch(message);
  });

  /** A program that calls into .text by section and addend, at these slots, and a function behind itself. */
  const linked = (call: number, address: number): ObjectFile =>
    load({
      sections: [
        {
          name: "xdp",
          code: true,
          bytes: assembleCode(`call pc+${call - 1}\nr1 = ${8 * address} ll\ncall pc+1\nexit\nr0 = 5\nexit`),
        },
        { name: ".text", code: true, bytes: assembleCode("r0 = 1\nr0 = 2\nexit\nr0 = 3\nexit") },
      ],
      symbols: [
        { name: "main", section: "xdp", size: 40 },
        { name: "near", section: "xdp", value: 40, size: 16, global: false },
        { name: "one", section: ".text", size: 8, global: false },
        { name: "two", section: ".text", value: 8, size: 16, global: false },
        { name: "three", section: ".text", value: 24, size: 16, global: false },
        { name: "", section: ".text", type: 3, global: false },
      ],
      relocations: [
        { section: "xdp", offset: 0, type: 10, symbol: "" },
        { section: "xdp", offset: 8, type: 1, symbol: "" },
      ],
    });

  it("links static functions by section and addend, and by distance within a section", () => {
    const main = linked(3, 1).programs.get("main");
    expect(main?.functions.map(({ name, slot }) => [name, slot])).toEqual([
      ["main", 0],
      ["three", 5],
      ["two", 7],
      ["near", 9],
    ]);
    const uses = main?.decoded.filter(({ row }) => /call_local|lddw_func/.test(row.name));
    expect(uses?.map(({ slot, imm }) => slot + 1 + imm)).toEqual([5, 7, 9]);
  });

  it("takes the calls of GNU as for what they mean, which repeat the symbol's value", () => {
    const { programs } = load({
      sections: [
        { name: "xdp", code: true, bytes: assembleCode("call pc+15\nexit") },
        { name: ".text", code: true, bytes: assembleCode("r0 = 1\nexit\nr0 = 2\nexit") },
      ],
      symbols: [
        { name: "main", section: "xdp" },
        { name: "first", section: ".text" },
        { name: "second", section: ".text", value: 16 },
      ],
      relocations: [{ section: "xdp", offset: 0, type: 10, symbol: "second" }],
    });
    expect(programs.get("main")?.functions.map(({ name }) => name)).toEqual(["main", "second"]);
  });

  it("refuses calls and addresses into the middle of a function", () => {
    const message = (file: ObjectFile) => file.failures.get("main")?.message;
    const expected = "relocation: expected the start of a function, got slot 2 of section .text";
    expect(message(linked(2, 1))).toBe(`program main: section xdp, insn 0: ${expected}`);
    expect(message(linked(3, 2))).toBe(`program main: section xdp, insn 1: ${expected}`);
  });

  it("takes global functions of .text as programs when there are no others", () => {
    const bytes = assembleCode("r0 = 1\nexit\nr0 = 2\nexit");
    const sections = [{ name: ".text", code: true, bytes }];
    const symbols = [
      { name: "first", section: ".text", size: 16 },
      { name: "second", section: ".text", value: 16, size: 16 },
    ];
    expect([...load({ sections, symbols, relocations: [] }).programs.keys()]).toEqual(["first", "second"]);
    const more = [...sections, { name: "xdp", code: true, bytes: exit }];
    const own = [...symbols, { name: "main", section: "xdp" }];
    expect([...load({ sections: more, symbols: own, relocations: [] }).programs.keys()]).toEqual(["main"]);
  });

  it("takes the bytes of a section without symbols for one program", () => {
    const { programs } = load({
      sections: [{ name: "xdp", code: true, bytes: exit }],
      symbols: [],
      relocations: [],
    });
    expect(programs.get("xdp")).toMatchObject({ type: "xdp", slots: 2 });
  });

  it("refuses zeroed data that no machine has, for the program that uses it", () => {
    const size = 2 ** 40;
    const { failures, mapFailures } = load({
      sections: [good.sections[0] as (typeof good.sections)[0], { name: ".bss", type: 8, size }],
      symbols: [
        { name: "filter", section: "socket" },
        { name: "table", section: ".bss", type: 1, size: 8 },
      ],
    });
    expect(mapFailures.get(".bss")?.message).toBe(
      `section .bss: expected at most 67108864 zeroed bytes, got ${size}`,
    );
    expect(failures.get("filter")?.code).toBe("unsupported");
  });

  it("bounds the work for functions that many programs share", () => {
    const large = new Uint8Array(8 * 200_000).fill(0);
    large.set(assembleCode("exit"), large.length - 8);
    const names = Array.from({ length: 40 }, (_, i) => `alias${i}`);
    const { programs, failures } = load({
      sections: [{ name: "xdp", code: true, bytes: large }],
      symbols: names.map((name) => ({ name, section: "xdp", size: large.length })),
      relocations: [],
    });
    expect(programs.size).toBe(20);
    expect(failures.get("alias39")?.message).toMatch(/at most 4000000 in all programs, got more with/);
  });
});
