// Programs as raw instructions, and the structure that every engine relies on.

import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { assembleCode } from "../dist/src/isa/assembler.js";
import { load } from "../dist/src/loader/load.js";
import { loadRaw } from "../dist/src/loader/raw.js";
import { checkProgram } from "../dist/src/loader/validate.js";
import { type MapSpec, Program, type ProgramInit } from "../dist/src/program.js";
import { failure } from "./support/failure.ts";

const map = (name: string): MapSpec => ({
  name,
  type: 2,
  keySize: 4,
  valueSize: 16,
  maxEntries: 1,
  flags: 0,
});
const maps = [map("a"), map("b")];

describe("loadRaw", () => {
  const code = assembleCode(`
    r1 = map[fd:1]
    r2 = map[fd:0][0]+8
    r3 = map[idx:1]
    r4 = map[idx:0]+4
    r5 = 1 ll
    exit`);

  it("binds maps by index, with the offset in the value where the load has one", () => {
    const program = loadRaw(code, { name: "p", type: "socket_filter", license: "GPL", maps });
    expect(program).toMatchObject({ name: "p", type: "socket_filter", license: "GPL" });
    expect(program.maps).toEqual([
      { slot: 0, map: maps[1] },
      { slot: 2, map: maps[0], offset: 8 },
      { slot: 4, map: maps[1] },
      { slot: 6, map: maps[0], offset: 4 },
    ]);
    expect(program.maps[0]?.map).toBe(maps[1]);
  });

  it("binds maps by relocation before it looks at the index", () => {
    const { maps: uses } = loadRaw(code, {
      type: "raw",
      maps,
      relo: [
        [0, 0],
        [4, 0],
      ],
    });
    expect(uses.map(({ slot, map: { name } }) => [slot, name])).toEqual([
      [0, "a"],
      [2, "a"],
      [4, "a"],
      [6, "a"],
    ]);
  });

  it("keeps instructions that are none, for the verifier to judge", () => {
    const broken = assembleCode("r0 = 0\nexit");
    broken[0] = 0xff;
    expect(loadRaw(broken, { type: "xdp" }).insns[0]).toBe(0xff);
    const cut = assembleCode("r1 = map[fd:0]").subarray(0, 8);
    expect(loadRaw(cut, { type: "xdp", maps }).maps).toEqual([{ slot: 0, map: maps[0] }]);
  });

  it.each<[string, () => unknown, RegExp]>([
    [
      "an index of no map",
      () => loadRaw(code, { type: "raw", maps: [map("a")] }),
      /^program program: insn 0: expected a map index in 0\.\.0, got index 1$/,
    ],
    [
      "maps where there are none",
      () => loadRaw(code, { type: "raw" }),
      /insn 0: expected maps for the program, got index 1/,
    ],
    [
      "a relocation at another instruction",
      () => loadRaw(code, { type: "raw", maps, relo: [[8, 0]] }),
      /insn 8: expected a lddw that loads a map/,
    ],
    [
      "a relocation beyond the end",
      () => loadRaw(code, { type: "raw", maps, relo: [[800, 0]] }),
      /insn 800: /,
    ],
    [
      "a relocation to no map",
      () => loadRaw(code, { type: "raw", maps, relo: [[0, 2]] }),
      /insn 0: expected a map index in 0\.\.1, got index 2/,
    ],
    [
      "half an instruction",
      () => loadRaw(code.subarray(0, 12), { type: "raw", maps }),
      /expected a multiple of 8 bytes, got 12/,
    ],
    ["nothing", () => loadRaw(new Uint8Array(0), { type: "raw" }), /expected instructions, got none/],
  ])("refuses %s", (_, run, message) => {
    expect(failure(run).message).toMatch(message);
  });
});

describe("load", () => {
  it("tells objects, texts and instruction bytes apart", () => {
    const elf = readFileSync(new URL("objects/counters.clang19.o", import.meta.url));
    expect([...load(new Uint8Array(elf)).programs.keys()]).toContain("count");
    expect(load("r0 = 0\nexit").programs.get("program")?.type).toBe("raw");
    const bytes = assembleCode("r1 = map[fd:0]\nexit");
    const { programs, maps: all } = load(bytes, {
      name: "bare",
      type: "xdp",
      license: "GPL",
      maps: { m: map("m") },
    });
    expect(programs.get("bare")).toMatchObject({ type: "xdp", license: "GPL", slots: 3 });
    expect(programs.get("bare")?.maps[0]?.map).toBe(all.get("m"));
  });

  it("refuses what is none of these", () => {
    expect(failure(() => load(Uint8Array.of(1, 2, 3), { name: "x" })).message).toMatch(
      /^x: expected an ELF object, or instr.* got 3/,
    );
    expect(failure(() => load(new Uint8Array(0))).code).toBe("bad-magic");
    expect(failure(() => load("not assembly")).code).toBe("bad-syntax");
  });
});

describe("checkProgram", () => {
  const program = (text: string, init: Partial<ProgramInit> = {}): Program =>
    new Program({ name: "p", type: "raw", insns: assembleCode(text), ...init });

  it.each([
    ["jumps in both directions", "a: r0 = 0\nif r1 == 0 goto b\ngoto a\nb: exit"],
    ["a gotol at the end", "a: r0 = 0\nif r0 == 0 goto a\nexit\ngotol a"],
    ["calls of functions in any order", "call f\nexit\ng: exit\nf: call g\nexit"],
    ["addresses of functions", "r2 = f ll\nr0 = 0\nexit\nf: exit"],
    ["an end that is run off but never reached", "r0 = 0\nexit\nr0 = 1"],
    ["a jump over a wide instruction", "if r1 == 0 goto +2\nr0 = 1 ll\nexit"],
  ])("accepts %s", (_, text) => {
    checkProgram(program(text));
  });

  it.each<[string, string, string, string]>([
    [
      "a jump before the start",
      "goto -2\nexit",
      "bad-jump",
      "insn 0: expected an instruction of the program, got slot -1 in 'goto pc-2'",
    ],
    [
      "a jump behind the end",
      "r0 = 0\nif r0 > 1 goto +5\nexit",
      "bad-jump",
      "insn 1: expected an instruction of the program, got slot 7 in 'if r0 > 0x1 goto pc+5'",
    ],
    [
      "a jump into a wide instruction",
      "goto +1\nr0 = 1 ll\nexit",
      "bad-jump",
      "insn 0: expected an instruction of the program, got the middle of one, slot 2 in 'goto pc+1'",
    ],
    [
      "a gotol too far",
      "gotol +100000\nexit",
      "bad-jump",
      "insn 0: expected an instruction of the program, got slot 100001 in 'gotol pc+100000'",
    ],
    [
      "a may_goto too far",
      "may_goto +9\nexit",
      "bad-jump",
      "insn 0: expected an instruction of the program, got slot 10 in 'may_goto pc+9'",
    ],
    [
      "a call too far",
      "call pc+7\nexit",
      "bad-jump",
      "insn 0: expected an instruction of the program, got slot 8 in 'call pc+7'",
    ],
    [
      "a function address too far",
      "r1 = subprog[+7]\nexit",
      "bad-jump",
      "insn 0: expected an instruction of the program, got slot 8 in 'r1 = subprog[+7]'",
    ],
    [
      "an end that is run off",
      "r0 = 0",
      "bad-program",
      "insn 0: expected an exit or a jump as a function's last instruction, got the end of the program after it in 'r0 = 0'",
    ],
    [
      "a jump on a condition at the end",
      "a: r0 = 1\nif r0 == 0 goto a",
      "bad-program",
      "insn 1: expected an exit or a jump as a function's last instruction, got the end of the program after it in 'if r0 == 0x0 goto pc-2'",
    ],
    [
      "a callx at the end",
      "r0 = 8\ncallx r0",
      "bad-program",
      "insn 1: expected an exit or a jump as a function's last instruction, got the end of the program after it in 'callx r0'",
    ],
    [
      "a function that runs into another",
      "call f\nr0 = 0\nf: exit",
      "bad-program",
      "insn 1: expected an exit or a jump as a function's last instruction, got the function at slot 2 after it in 'r0 = 0'",
    ],
    [
      "a kernel function",
      "call kfunc#12\nexit",
      "unsupported",
      "insn 0: expected a helper or a function of the program, got a kernel function, which no engine has, in 'call kfunc#12'",
    ],
    [
      "a map that is not named",
      "r1 = map[fd:0]\nexit",
      "bad-relocation",
      "insn 0: expected the program to name the map, got none for the load in 'r1 = map[id:0]'",
    ],
  ])("refuses %s", (_, text, code, message) => {
    const error = failure(() => checkProgram(program(text)));
    expect([error.code, error.message]).toEqual([code, message]);
  });

  it("refuses bytes that do not decode", () => {
    const insns = assembleCode("r0 = 0\nexit");
    insns[0] = 0xff;
    expect(failure(() => checkProgram(new Program({ name: "p", type: "raw", insns }))).message).toBe(
      "insn 0: expected an instruction, got unknown opcode 0xff",
    );
    const reserved = assembleCode("r0 = 0\nexit");
    reserved[11] = 1;
    expect(failure(() => checkProgram(new Program({ name: "p", type: "raw", insns: reserved }))).code).toBe(
      "reserved-field",
    );
  });

  it("refuses functions and maps that the program names at other places", () => {
    const text = "r0 = 1 ll\nexit";
    const functions = [
      { slot: 0, name: "p" },
      { slot: 1, name: "inside" },
    ];
    expect(failure(() => checkProgram(program(text, { functions }))).message).toBe(
      "function inside: expected it to start at an instruction, got slot 1",
    );
    expect(failure(() => checkProgram(program(text, { maps: [{ slot: 2, map: map("a") }] }))).message).toBe(
      "insn 2: expected a map only where one is loaded, got one in 'exit'",
    );
  });
});
