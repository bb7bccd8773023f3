// Assembly text as a program: sections, maps, data and functions by directive, and what is wrong with it, by line and column.

import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { disassemble } from "../dist/src/isa/disassembler.js";
import { loadAssembly } from "../dist/src/loader/assembly.js";
import { loadObject } from "../dist/src/loader/object.js";
import type { ObjectFile } from "../dist/src/loader/object-file.js";
import { checkProgram } from "../dist/src/loader/validate.js";
import { MAP_TYPE_NAMES } from "../dist/src/map-type-names.js";
import type { MapSpec, Program } from "../dist/src/program.js";
import { failure } from "./support/failure.ts";

function only(file: ObjectFile): Program {
  expect([...file.failures.values()]).toEqual([]);
  expect(file.programs.size).toBe(1);
  const program = [...file.programs.values()][0] as Program;
  checkProgram(program);
  return program;
}

describe("a text of bare instructions", () => {
  it("is one program of type raw", () => {
    const program = only(loadAssembly("r0 = r2\nexit"));
    expect(program).toMatchObject({ name: "program", type: "raw", license: "", slots: 2 });
  });

  it("is called as the caller says, else after its first label", () => {
    expect(only(loadAssembly("main: exit", { name: "mine" })).name).toBe("mine");
    expect(only(loadAssembly("main: exit")).name).toBe("main");
  });

  it("has the type and licence that the caller gives", () => {
    const program = only(loadAssembly("r0 = 0\nexit", { type: "xdp", license: "GPL" }));
    expect([program.type, program.license, program.isGpl]).toEqual(["xdp", "GPL", true]);
  });

  it("has the type that the caller gives for its name", () => {
    expect(only(loadAssembly("main: exit", { types: { main: "tracepoint" } })).type).toBe("tracepoint");
  });

  it("may be called as one of its variables", () => {
    const program = only(loadAssembly("r1 = x ll\nr0 = 0\nexit\n.data\nx: .long 1", { name: "x" }));
    expect([program.name, program.maps[0]?.offset]).toEqual(["x", 0]);
  });

  it("knows the functions that it calls, and its own lines", () => {
    const text = "  r1 = 5\n  call twice\n  exit\ntwice:\n  r0 = r1 ; the argument\n  r0 += r1\n  exit";
    const program = only(loadAssembly(text, { name: "sum.s" }));
    expect(program.functions.map(({ name, slot }) => [name, slot])).toEqual([
      ["sum.s", 0],
      ["twice", 3],
    ]);
    expect(program.lineAt(3)).toEqual({
      slot: 3,
      file: "sum.s",
      line: 5,
      column: 0,
      text: "  r0 = r1 ; the argument",
    });
  });

  it("may be a listing with opcode bytes", () => {
    const listing = "0: (b7) r0 = 7\n1: (18) r1 = 0x1122334455667788\n3: (95) exit\n";
    expect(disassemble(only(loadAssembly(listing)).insns)).toMatch(/r1 = 0x1122334455667788/);
  });
});

describe("directives of our own", () => {
  it("declare maps, which lddw then loads by name, and a licence", () => {
    const file = loadAssembly(
      `.license "Dual BSD/GPL"
       .map counts type=hash key=4 value=8 max=1024 flags=0x1   ; a comment
       .map ring type=27 max=4096
       .section xdp
       r1 = counts ll
       r1 = ring ll
       r0 = 0
       exit`,
    );
    const program = only(file);
    expect([program.type, program.license, program.name]).toEqual(["xdp", "Dual BSD/GPL", "xdp"]);
    const counts = { name: "counts", type: 1, keySize: 4, valueSize: 8, maxEntries: 1024, flags: 1 };
    expect(file.maps.get("counts")).toEqual(counts);
    expect(file.maps.get("ring")).toMatchObject({ type: 27, keySize: 0, valueSize: 0, maxEntries: 4096 });
    expect(program.maps).toEqual([
      { slot: 0, map: counts },
      { slot: 2, map: file.maps.get("ring") },
    ]);
  });

  it("take every map type by the kernel's name", () => {
    for (const [number, name] of MAP_TYPE_NAMES.entries()) {
      if (number === 0) continue;
      expect(loadAssembly(`.map m type=${name}\nexit`).maps.get("m")?.type).toBe(number);
    }
  });

  it("find maps that the caller brings along", () => {
    const map = { name: "given", type: 2, keySize: 4, valueSize: 8, maxEntries: 1, flags: 0 };
    const program = only(loadAssembly("r1 = given ll\nr0 = 0\nexit", { maps: { given: map } }));
    expect(program.maps[0]?.map).toBe(map);
  });

  it.each<[string, string, RegExp]>([
    ["a map without type", ".map m key=4", /^line 1, column 1: expected type=… for the map, got 'm key=4'/],
    ["an unknown type", "\n.map m type=tree", /^line 2, column 1: expected a map type, got 'tree'/],
    [
      "an unknown setting",
      ".map m type=hash size=4",
      /expected one of type=, key=, value=, max=, flags=, got 'size=4'/,
    ],
    ["no number", ".map m type=hash key=x", /expected a number for key, got 'x'/],
    ["no name", ".map 5 type=hash", /expected a map's name after .map, got '5'/],
    [
      "the same map twice",
      ".map m type=hash\n.map m type=hash",
      /^line 2, .*expected a new map, got 'm' again/,
    ],
    ["a licence without quotes", ".license GPL", /expected a quoted licence, got 'GPL'/],
  ])("are refused: %s", (_, text, message) => {
    const error = failure(() => loadAssembly(`${text}\nexit`));
    expect([error.code, error.message]).toEqual(["bad-syntax", expect.stringMatching(message)]);
  });
});

describe("sections, functions and data", () => {
  it("give a program per global function of a section, and functions of .text", () => {
    const file = loadAssembly(`
      .text
      .globl helper
    helper:
      r0 = 1
      exit
      .section socket
      .globl first
      .globl second
    first:
      call helper
      exit
    second:
      r1 = helper ll
      r0 = 2
      exit`);
    expect(
      [...file.programs.values()].map(({ name, type, functions }) => [
        name,
        type,
        functions.map((f) => f.name),
      ]),
    ).toEqual([
      ["first", "socket_filter", ["first", "helper"]],
      ["second", "socket_filter", ["second", "helper"]],
    ]);
    for (const program of file.programs.values()) checkProgram(program);
  });

  it("give variables with alignment, fill and addresses", () => {
    const file = loadAssembly(`
      r1 = wide ll
      r2 = text ll
      r0 = 0
      exit
      .data
      .globl small
    small: .byte 1
      .p2align 3
    wide: .quad 0x1122334455667788
    filled: .zero 3, 0xff
      .section .rodata
    text: .asciz "hi"
      .balign 4
    after: .long 7
      .local zeros
      .comm zeros,16,8`);
    const program = only(file);
    expect([...(file.maps.get(".data")?.contents ?? [])]).toEqual([
      ...[1, 0, 0, 0, 0, 0, 0, 0],
      ...[0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11],
      ...[255, 255, 255],
    ]);
    expect(file.maps.get(".rodata")).toMatchObject({ valueSize: 8, flags: 128, frozen: true });
    expect(file.maps.get(".bss")).toMatchObject({ valueSize: 16, contents: new Uint8Array(16) });
    expect(program.maps.map(({ slot, map, offset }) => [slot, map.name, offset])).toEqual([
      [0, ".data", 8],
      [2, ".rodata", 0],
    ]);
    const places = [...file.variables.values()].map(({ name, offset, size }) => [name, offset, size]);
    expect(places).toEqual([
      ["small", 0, 8],
      ["wide", 8, 8],
      ["filled", 16, 3],
      ["text", 0, 4],
      ["after", 4, 4],
      ["zeros", 0, 16],
    ]);
  });

  it("fail for the program that names what is nowhere", () => {
    const { failures } = loadAssembly("r1 = nowhere ll\nexit");
    expect(failures.get("program")?.message).toMatch(
      /insn 0: symbol nowhere: expected a symbol of the object/,
    );
  });

  it.each<[string, string, RegExp]>([
    [
      "an instruction among data",
      ".data\nr0 = 1",
      /^line 2, column 1: expected data in section .data, got 'r0'/,
    ],
    ["data that does not parse", ".data\n.long ?", /^line 2, column 7: /],
    [
      "a label twice",
      ".data\nx: .long 1\n.section .rodata\nx: .long 2",
      /^line 4, column 1: expected a new label, got 'x'/,
    ],
    ["a label in code and data", "x: exit\n.data\nx: .long 1", /^label x: expected it in one section/],
    [
      "an alignment that is none",
      ".data\n.balign 3000000",
      /^line 2, column 9: expected an alignment of at most 4096, got '3000000'/,
    ],
    ["a jump to nowhere", "goto nowhere", /^line 1, column 6: expected a label/],
    [
      "too large a fill",
      ".data\n.zero 99999999, 1",
      /^line 2, column 7: expected a number of bytes, got '99999999'/,
    ],
  ])("are refused: %s", (_, text, message) => {
    expect(failure(() => loadAssembly(text)).message).toMatch(message);
  });

  it("that call what is nowhere fail one by one", () => {
    const text = ".section xdp\ngood: exit\n.section tc\nbad: call nobody\nexit";
    const { programs, failures } = loadAssembly(text);
    expect([...programs.keys()]).toEqual(["good"]);
    expect(failures.get("bad")?.message).toMatch(/nobody/);
  });
});

/** Everything of an object that does not depend on how it was read. */
function essence(file: ObjectFile) {
  const plain = (map: MapSpec | undefined): unknown =>
    map && {
      ...map,
      btf: undefined,
      innerMap: plain(map.innerMap),
      initialSlots: map.initialSlots?.map((slot) => ({ ...slot, map: slot.map?.name })),
    };
  return {
    license: file.license,
    version: file.version,
    btf: file.btf?.bytes,
    maps: [...file.maps].toSorted().map(([key, map]) => [key, plain(map)]),
    variables: [...file.variables]
      .toSorted()
      .map(([name, v]) => [name, v.map.name, v.offset, v.size, v.typeId]),
    failures: [...file.failures].map(([name, error]) => [name, error.code]),
    programs: [...file.programs.values()].map((program) => ({
      ...[program.name, program.type, program.section, program.attachTo, program.license],
      code: disassemble(program.insns),
      maps: program.maps.map(({ slot, map, offset }) => [slot, map.name, offset]),
      functions: program.functions,
      lines: program.lines,
    })),
  };
}

describe("what clang prints with -S", () => {
  const objects = fileURLToPath(new URL("objects/", import.meta.url));

  it("loads as the object file that it makes of the same source", () => {
    const text = readFileSync(join(objects, "counters.clang19.s"), "utf8");
    const bytes = new Uint8Array(readFileSync(join(objects, "counters.clang19.o")));
    const expected = essence(loadObject(bytes, { name: "counters" }));
    expect(expected.programs.length).toBe(4);
    expect(essence(loadAssembly(text, { name: "counters" }))).toEqual(expected);
  });

  for (const compiler of ["clang-14", "clang-19"]) {
    const present = existsSync(`/usr/bin/${compiler}`);
    if (!present) console.log(`skipped: ${compiler} is not installed`);
    it.skipIf(!present).each(["counters", "legacy"])(
      `loads so with ${compiler} here and now: %s`,
      (source) => {
        const folder = mkdtempSync(join(tmpdir(), "assembly-"));
        try {
          const flags = ["-target", "bpf", "-mcpu=v3", "-O2", "-g", join(objects, `${source}.bpf.c`), "-o"];
          execFileSync(compiler, ["-c", ...flags, join(folder, "x.o")]);
          execFileSync(compiler, ["-S", ...flags, join(folder, "x.s")]);
          const fromObject = loadObject(new Uint8Array(readFileSync(join(folder, "x.o"))), { name: "x" });
          const fromText = loadAssembly(readFileSync(join(folder, "x.s"), "utf8"), { name: "x" });
          expect(fromObject.programs.size).toBeGreaterThan(0);
          expect(essence(fromText)).toEqual(essence(fromObject));
        } finally {
          rmSync(folder, { recursive: true });
        }
      },
    );
  }
});
