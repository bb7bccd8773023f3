// Maps of objects: legacy sections, BTF definitions, global data; each refusal with its map.

import { describe, expect, it } from "vitest";
import { assembleCode } from "../dist/src/isa/assembler.js";
import { dataMapName } from "../dist/src/loader/global-data.js";
import { loadObject } from "../dist/src/loader/object.js";
import { BtfBuilder } from "./support/btf-builder.ts";
import { buildElf } from "./support/elf-builder.ts";
import { failure } from "./support/failure.ts";

describe("BTF-defined maps", () => {
  /** An object with one map, whose struct has these members. */
  function definition(
    members: (b: BtfBuilder, uint: (n: number) => number, type: (id: number) => number) => [string, number][],
  ) {
    const b = new BtfBuilder();
    const int = b.int("int", 4, 1);
    const list = members(
      b,
      (n) => b.refer("ptr", b.array(int, n)),
      (id) => b.refer("ptr", id),
    );
    const struct = b.struct(
      "struct",
      "",
      8 * list.length,
      list.map(([name, id], i) => [name, id, 64 * i]),
    );
    b.datasec(".maps", 0, [[b.variable("m", struct), 0, 8 * list.length]]);
    const elf = buildElf({
      sections: [
        { name: "socket", code: true, bytes: assembleCode("r1 = 0 ll\nr0 = 0\nexit") },
        { name: ".maps", bytes: new Uint8Array(8 * list.length) },
        { name: ".BTF", flags: 0, bytes: b.bytes() },
      ],
      symbols: [
        { name: "filter", section: "socket" },
        { name: "m", section: ".maps", type: 1, size: 8 * list.length },
      ],
      relocations: [{ section: "socket", offset: 0, type: 1, symbol: "m" }],
    });
    return loadObject(elf);
  }

  it("take sizes from types, numbers from array lengths and from enumerators", () => {
    const { maps } = definition((b, uint, type) => {
      const extra = b.enum64("", [["__unique_value0", 0x1000_0000_0000n]]);
      return [
        ["type", uint(33)],
        ["max_entries", uint(100)],
        ["map_flags", uint(1024)],
        ["map_extra", extra],
        ["numa_node", uint(1)],
        ["key", type(b.int("short", 2))],
        ["value_size", uint(24)],
      ];
    });
    expect(maps.get("m")).toMatchObject({
      name: "m",
      type: 33,
      maxEntries: 100,
      flags: 1024,
      extra: 0x1000_0000_0000n,
      numaNode: 1,
      keySize: 2,
      valueSize: 24,
    });
  });

  it.each<[string, Parameters<typeof definition>[0], RegExp]>([
    ["no type", (_, uint) => [["max_entries", uint(1)]], /map m: expected a member 'type', got none/],
    [
      "two sizes",
      (b, uint, type) => [
        ["type", uint(1)],
        ["key_size", uint(8)],
        ["key", type(b.int("short", 2))],
      ],
      /member key: expected one size, 8, got 2/,
    ],
    [
      "a number that is a pointer",
      (b, uint) => [
        ["type", b.refer("ptr", 1)],
        ["max_entries", uint(1)],
      ],
      /member type: expected a number made by __uint or __ulong, got int \*/,
    ],
    [
      "a type that is a number",
      (_, uint) => [
        ["type", uint(1)],
        ["key", 1],
      ],
      /member key: expected a type made by __type, got int/,
    ],
    [
      "pinning of an unknown kind",
      (_, uint) => [
        ["type", uint(1)],
        ["pinning", uint(2)],
      ],
      /member pinning: .*got 2/,
    ],
    [
      "a key without size",
      (b, uint, type) => [
        ["type", uint(1)],
        ["key", type(b.fwd("later"))],
      ],
      /member key: type \d+: expected a type that has a size, got struct later/,
    ],
  ])("are refused with %s", (_, members, message) => {
    const error = failure(() => definition(members));
    expect(error.message).toMatch(message);
    expect(error.message).toMatch(/^section \.maps: map m: /);
  });

  it("fail for the programs that use them when they have members of later versions", () => {
    const { maps, mapFailures, failures } = definition((_, uint) => [
      ["type", uint(1)],
      ["novelty", uint(1)],
    ]);
    expect(maps.size).toBe(0);
    expect(mapFailures.get("m")?.message).toMatch(
      /^map m: member novelty: expected a member that map definitions have/,
    );
    expect(failures.get("filter")?.code).toBe("unsupported");
  });
});

describe("a map of maps", () => {
  /** One with two slots, the first of which points at `target`. */
  function outer(target: string, type = 1, at = 24) {
    const b = new BtfBuilder();
    const int = b.int("int", 4, 1);
    const number = (n: number): number => b.refer("ptr", b.array(int, n));
    const inner = b.struct("struct", "inner", 16, [
      ["type", number(2), 0],
      ["max_entries", number(1), 64],
    ]);
    const map = b.struct("struct", "", 24, [
      ["type", number(12), 0],
      ["max_entries", number(2), 64],
      ["key_size", number(4), 128],
      ["values", b.array(b.refer("ptr", inner), 0), 192],
    ]);
    b.datasec(".maps", 0, [
      [b.variable("outer", map), 0, 40],
      [b.variable("first", inner), 0, 16],
    ]);
    const maps = { name: ".maps", bytes: new Uint8Array(type === 8 ? 0 : 56), type, size: 56 };
    const elf = buildElf({
      sections: [
        maps,
        { name: "xdp", code: true, bytes: assembleCode("exit") },
        { name: ".BTF", flags: 0, bytes: b.bytes() },
      ],
      symbols: [
        { name: "outer", section: ".maps", type: 1, size: 40 },
        { name: "first", section: ".maps", type: 1, value: 40, size: 16 },
        { name: "program", section: "xdp" },
        { name: "elsewhere" },
      ],
      relocations: [{ section: ".maps", offset: at, type: 2, symbol: target }],
    });
    return loadObject(elf);
  }

  it("fails for itself alone when it points at a map of another object", () => {
    const { maps, mapFailures } = outer("elsewhere");
    expect([...maps.keys()]).toEqual(["first"]);
    expect(mapFailures.get("outer")?.message).toBe(
      "map outer: symbol elsewhere: expected a map or a program of the object, got an extern one",
    );
  });

  it("says which map each slot starts with", () => {
    const { maps } = outer("first");
    expect(maps.get("outer")?.initialSlots).toEqual([{ index: 0, map: maps.get("first") }]);
    expect(maps.get("outer")?.innerMap).toMatchObject({ type: 2, maxEntries: 1 });
    expect(maps.get("outer")?.valueSize).toBe(4);
  });

  it.each<[string, () => unknown, RegExp]>([
    [
      "points at a program",
      () => outer("program"),
      /relocation at 24: map outer: expected a map of this section, got 'program'/,
    ],
    ["is pointed into", () => outer("first", 1, 28), /map outer: expected a whole element of 'values'/],
    [
      "has pointers before its values",
      () => outer("first", 1, 8),
      /map outer: expected a pointer in 'values', got one before/,
    ],
    ["has no bytes for its pointers", () => outer("first", 8), /expected a whole element of 'values'/],
    [
      "is another one's, which has no values",
      () => outer("first", 1, 48),
      /map first: expected a pointer in 'values', got one before/,
    ],
  ])("is refused when it %s", (_, run, message) => {
    expect(failure(run).message).toMatch(message);
  });
});

describe("sections of maps", () => {
  it("are refused when there are two of one name", () => {
    const data = { name: ".data", bytes: new Uint8Array(8) };
    const error = failure(() => loadObject(buildElf({ sections: [data, data] })));
    expect(error.message).toBe("section .data: expected one section of that name, got two");
  });
});

describe("variables", () => {
  it("have the offsets of their symbols, and are sorted by them in the BTF", () => {
    const b = new BtfBuilder();
    const int = b.int("int", 4, 1);
    const [late, early] = [b.variable("late", int), b.variable("early", int, 0)];
    b.datasec(".data", 0, [
      [late, 0, 4],
      [early, 0, 4],
    ]);
    const elf = buildElf({
      sections: [
        { name: ".data", bytes: Uint8Array.from([0, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0]) },
        { name: ".BTF", flags: 0, bytes: b.bytes() },
      ],
      symbols: [
        { name: "late", section: ".data", type: 1, value: 8, size: 4 },
        { name: "early", section: ".data", type: 1, value: 4, size: 4, global: false },
      ],
    });
    const { btf, variables } = loadObject(elf);
    expect([...variables.values()].map(({ name, offset }) => [name, offset])).toEqual([
      ["early", 4],
      ["late", 8],
    ]);
    expect(btf?.findByName(".data")).toMatchObject({
      size: 12,
      vars: [
        { type: early, offset: 4, size: 4 },
        { type: late, offset: 8, size: 4 },
      ],
    });
  });

  it("are found by their symbols where there is no BTF", () => {
    const elf = buildElf({
      sections: [{ name: ".rodata", bytes: new Uint8Array(12) }],
      symbols: [{ name: "constant", section: ".rodata", type: 1, value: 4, size: 8 }],
    });
    const { variables, maps } = loadObject(elf);
    expect(variables.get("constant")).toEqual({
      name: "constant",
      map: maps.get(".rodata"),
      offset: 4,
      size: 8,
    });
  });
});

describe("names of data maps", () => {
  it("are made as libbpf makes them", () => {
    const names = [
      [".rodata", "my_object_name.o"],
      [".bss", "my_object_name.o"],
      [".kconfig", "my_object_name"],
      [".data", "/some/where/short.bpf.o"],
      [".rodata.abracadabra", "obj.o"],
      [".data", "odd-name!"],
      [".rodata", ""],
    ].map(([section, object]) => dataMapName(object as string, section as string));
    expect(names).toEqual([
      "my_objec.rodata",
      "my_objec.bss",
      "my_obje.kconfig",
      "short.data",
      ".rodata.abracad",
      "odd_name.data",
      ".rodata",
    ]);
  });
});
