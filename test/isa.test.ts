// The instruction table, and everything that is derived from it: decoding, encoding, both dialects of text.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  assemble,
  assembleCode,
  decode,
  decodeAt,
  disassemble,
  encode,
  formatInsn,
  formatLine,
  INSN_ROWS,
  type Insn,
  type InsnRow,
  insnRow,
  isFault,
  LoadError,
  makeInsn,
} from "../dist/src/index.js";
import { failure } from "./support/failure.ts";

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

/** Any instruction of a row: every operand anything that its field holds. */
function anyInsn(row: InsnRow): fc.Arbitrary<Insn> {
  const fields = {
    dst: fc.integer({ min: 0, max: 10 }),
    src: fc.integer({ min: 0, max: 10 }),
    off: fc.integer({ min: -0x8000, max: 0x7fff }),
    imm: fc.oneof(fc.integer(), fc.constantFrom(0, 1, -1, 0x7fffffff, -0x80000000)),
    next: fc.integer(),
  };
  const operands = Object.fromEntries([...row.operands].map((field) => [field, fields[field]]));
  return fc.record(operands).map((values) => makeInsn(row, values));
}

const anyProgram = fc.array(fc.constantFrom(...INSN_ROWS).chain(anyInsn), { minLength: 1, maxLength: 20 });

describe("the instruction table", () => {
  it("names every row once", () => {
    expect(new Set(INSN_ROWS.map(({ name }) => name)).size).toBe(INSN_ROWS.length);
  });

  it("tells the rows of one opcode byte apart by their fixed fields", () => {
    for (const a of INSN_ROWS) {
      for (const b of INSN_ROWS) {
        if (a === b || a.code !== b.code) continue;
        const differs = (["src", "off", "imm"] as const).some(
          (field) => !a.operands.has(field) && !b.operands.has(field) && a.fixed[field] !== b.fixed[field],
        );
        // The one exception: helper calls leave src fixed, kfunc calls too, and both are told apart by it.
        expect(differs, `${a.name} and ${b.name}`).toBe(true);
      }
    }
  });

  it("gives every row that means something else an operation of its own", () => {
    const shared = new Map<number, string[]>();
    for (const { op, name } of INSN_ROWS) shared.set(op, [...(shared.get(op) ?? []), name]);
    const groups = [...shared.values()].filter((names) => names.length > 1).map((names) => names.join(" "));
    expect(groups.sort()).toEqual([
      "addr_space_cast_kernel addr_space_cast_user",
      "be16 bswap16",
      "be32 bswap32",
      "be64 bswap64",
      "call_helper call_kfunc",
      "lddw lddw_map_fd lddw_map_value lddw_btf_id lddw_func lddw_map_idx lddw_map_idx_value",
    ]);
  });
});

describe("any instruction", () => {
  it.each(INSN_ROWS.map((row): [string, InsnRow] => [row.name, row]))(
    "%s comes back from its bytes",
    (_, row) => {
      fc.assert(
        fc.property(anyInsn(row), (insn) => {
          const [back, ...rest] = decode(encode([insn]));
          expect(rest).toEqual([]);
          expect(back).toEqual(insn);
        }),
        { numRuns: 50 },
      );
    },
  );

  it.each(INSN_ROWS.map((row): [string, InsnRow] => [row.name, row]))(
    "%s comes back from its text",
    (_, row) => {
      fc.assert(
        fc.property(anyInsn(row), (insn) => {
          const bytes = hex(encode([insn]));
          expect(hex(assembleCode(formatLine(insn)))).toBe(bytes);
          // Mnemonics tell all but what jump and call texts leave open without an opcode byte.
          expect(hex(assembleCode(formatInsn(insn, { dialect: "mnemonic" })))).toBe(bytes);
        }),
        { numRuns: 50 },
      );
    },
  );

  it("comes back from the listing of a whole program", () => {
    fc.assert(
      fc.property(anyProgram, (insns) => {
        const bytes = encode(insns);
        expect(hex(assembleCode(disassemble(bytes)))).toBe(hex(bytes));
        expect(hex(encode(decode(bytes)))).toBe(hex(bytes));
      }),
    );
  });

  it("either decodes to itself or is refused, whatever the bytes are", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 8, maxLength: 16 }), (bytes) => {
        const result = decodeAt(bytes.subarray(0, bytes.length & ~7), 0);
        if (isFault(result)) expect(result.message).toMatch(/expected .+, got /);
        else expect(hex(encode([result]))).toBe(hex(bytes.subarray(0, result.row.wide ? 16 : 8)));
      }),
      { numRuns: 20_000 },
    );
  });
});

describe("decoding refuses", () => {
  it.each<[string, string, string, RegExp]>([
    ["an opcode that is none", "ff00000000000000", "unknown-opcode", /^insn 0: .*unknown opcode 0xff/],
    ["a reserved src", "0710000001000000", "reserved-field", /^insn 0: .*expected src = 0, got 1/],
    ["a reserved imm of a register form", "0f10000001000000", "reserved-field", /expected imm = 0, got 1/],
    ["an off that no variant has", "3710050001000000", "reserved-field", /^insn 0: opcode 0x37/],
    [
      "a width that no swap has",
      "d400000015000000",
      "reserved-field",
      /expected imm = one of 16, 32, 64, got 21/,
    ],
    [
      "an atomic that is none",
      "db10000077000000",
      "reserved-field",
      /^insn 0: opcode 0xdb: expected imm = one of/,
    ],
    ["a register above r10", "b70b000000000000", "reserved-field", /expected dst = r0..r10, got r11/],
    ["a pseudo source that is none", "18700000000000000000000000000000", "reserved-field", /expected src = /],
    [
      "a wide instruction at the end",
      "1800000001000000",
      "reserved-field",
      /expected a second slot, got the end/,
    ],
    [
      "a second slot with more than an imm",
      "18000000010000000100000000000000",
      "reserved-field",
      /only an imm/,
    ],
    [
      "a second imm of a map load",
      "18100000010000000000000001000000",
      "reserved-field",
      /expected imm = 0 in its second slot, got 1/,
    ],
    ["half a slot", "b700", "truncated", /expected a multiple of 8 bytes, got 2/],
  ])("%s", (_, text, code, message) => {
    const error = failure(() => decode(new Uint8Array(Buffer.from(text, "hex"))));
    expect(error.code).toBe(code);
    expect(error.message).toMatch(message);
  });

  it("operands that do not fit when encoding", () => {
    expect(() => makeInsn(insnRow("add64_imm"), { dst: 11 })).toThrow(RangeError);
    expect(() => makeInsn(insnRow("add64_imm"), { dst: 0, imm: 2 ** 31 })).toThrow(
      /expected imm in -2147483648..2147483647/,
    );
    expect(() => makeInsn(insnRow("add64_imm"), { dst: 0, src: 1 })).toThrow(TypeError);
    expect(() => insnRow("add65_imm")).toThrow(/expected the name of an instruction/);
  });
});

describe("the assembler", () => {
  const slots = (text: string): string[] => hex(assembleCode(text)).match(/.{16}/g) ?? [];

  it("takes both dialects, mixed, with labels, comments and listings' prefixes", () => {
    const text = `
      ; a comment
      start:  r1 = 5            // another
        jeq %r1, 5, done        # and one more
        12: (07) r1 += -1 /* in between */
        goto start
      done:
        mov %r0, %r1
        exit`;
    expect(slots(text)).toEqual([
      "b701000005000000",
      "1501020005000000",
      "07010000ffffffff",
      "0500fcff00000000",
      "bf10000000000000",
      "9500000000000000",
    ]);
  });

  it("writes what clang writes for 32-bit registers and stores", () => {
    expect(slots("w1 = *(u32 *)(r2 + 4)")).toEqual(["6121040000000000"]);
    expect(slots("r8 = w3")).toEqual(["bc38000000000000"]);
    expect(slots("w2 = atomic_fetch_add((u32 *)(r1 + 0), w2)")).toEqual(["c321000001000000"]);
    expect(slots("w0 = cmpxchg32_32(r1 + 8, w0, w3)")).toEqual(["c3310800f1000000"]);
    expect(slots("r3 = xchg_64(r1 - 8, r3)")).toEqual(["db31f8ffe1000000"]);
  });

  it("tells a move from a wide load by `ll`, by the opcode byte, or by size", () => {
    expect(slots("r1 = 5")).toEqual(["b701000005000000"]);
    expect(slots("r1 = 5 ll")).toEqual(["1801000005000000", "0000000000000000"]);
    expect(slots("(18) r1 = 0x5")).toEqual(["1801000005000000", "0000000000000000"]);
    expect(slots("r1 = 0x123456789")).toEqual(["1801000089674523", "0000000001000000"]);
    expect(slots("lddw %r1, -1")).toEqual(["18010000ffffffff", "00000000ffffffff"]);
  });

  it("takes hexadecimal immediates as bit patterns, decimal ones as numbers", () => {
    expect(slots("r1 = 0xffffffff")).toEqual(["b7010000ffffffff"]);
    expect(slots("w1 = 4294967295")).toEqual(["b4010000ffffffff"]);
    expect(failure(() => assembleCode("r1 += 4294967295")).message).toMatch(
      /line 1, column 7: expected a 32-bit immediate/,
    );
  });

  it("finds helpers by name, functions by label, and the first exit by the label exit", () => {
    expect(slots("call bpf_ktime_get_ns\ncall ktime_get_ns#5\ncall 5")).toEqual(
      Array(3).fill("8500000005000000"),
    );
    expect(slots("call f\nexit\nf: exit")).toEqual([
      "8510000001000000",
      "9500000000000000",
      "9500000000000000",
    ]);
    expect(slots("jeq %r1, 0, exit\nr0 = 0\nexit\nexit")[0]).toBe("1501010000000000");
    expect(slots("r1 = f ll\nexit\nf: exit")[0]).toBe("1841000002000000");
  });

  it("keeps sections apart and says what they need from elsewhere", () => {
    const { sections, globals } = assemble(
      '.section xdp,"ax",@progbits\n.globl main\nmain: call helper_function\nr1 = counts ll\nexit\n.text\nhelper_function: exit',
    );
    expect(sections.map(({ name, labels }) => [name, [...labels]])).toEqual([
      ["xdp", [["main", 0]]],
      [".text", [["helper_function", 0]]],
    ]);
    expect(sections[0].references.map(({ kind, symbol, offset }) => [kind, symbol, offset])).toEqual([
      ["call", "helper_function", 0],
      ["wide", "counts", 8],
    ]);
    expect([...globals]).toEqual(["main"]);
  });

  it.each<[string, string, RegExp]>([
    [
      "an unknown instruction",
      "frobnicate r1",
      /^line 1, column 1: expected an instruction, got 'frobnicate'/,
    ],
    ["an unknown operation", "r1 ?= 5", /^line 1, column 4: expected .*, got '\?'/],
    ["a missing operand", "\nadd %r1,", /^line 2, column 9: expected .*, got the end of the line/],
    ["too much", "exit now", /^line 1, column 6: expected the end of the line, got 'now'/],
    ["a register that does not exist", "r11 = 5", /^line 1, column 1: expected an instruction, got 'r11'/],
    ["a 64-bit register where 32 bits are meant", "w1 += r2", /^line 1, column 7: expected .*, got 'r2'/],
    ["an offset that does not fit", "r1 = *(u8 *)(r2 + 40000)", /^line 1, column 17: expected an offset/],
    [
      "a label that is nowhere",
      "if r1 == 0 goto nowhere",
      /^line 1, column 17: expected a label of this section, got 'nowhere'/,
    ],
    ["a label twice", "a: exit\na: exit", /^line 2, column 1: expected a new label, got 'a' again/],
    [
      "a function that is nowhere",
      "call nobody",
      /^line 1, column 6: expected a helper or a function, got 'nobody'/,
    ],
    ["data among code", ".long 5", /^line 1, column 1: expected a directive of code, got '.long'/],
    ["a character that is none", "r1 = `5", /^line 1, column 6: expected assembly, got "`"/],
    [
      "different operands where they must be the same",
      "r1 = be16 r2",
      /^line 1, column 11: expected the same operand again, got 'r2'/,
    ],
    ["an opcode byte that does not go with the text", "(07) r1 = 5", /^line 1, column 9: expected /],
  ])("refuses %s with line and column", (_, text, message) => {
    const error = failure(() => assembleCode(text));
    expect(error).toBeInstanceOf(LoadError);
    expect(error.message).toMatch(message);
  });

  it("says when a jump is too far, and reaches there with gotol", () => {
    const far = "r0 = 0\n".repeat(40_000);
    expect(failure(() => assembleCode(`goto end\n${far}end: exit`)).message).toMatch(
      /expected 'end' within 32767 slots/,
    );
    expect(slots(`gotol end\n${far}end: exit`)[0]).toBe("06000000409c0000");
  });

  it("gives a LoadError or bytes for any text", () => {
    const words = fc.constantFrom(
      "r1",
      "w2",
      "%r3",
      "=",
      "+=",
      "5",
      "0x",
      "(",
      "u64",
      "*",
      "goto",
      "if",
      "call",
      "ll",
      ":",
      "x",
      ".",
      "\n",
      '"',
    );
    fc.assert(
      fc.property(fc.array(fc.oneof(words, fc.string({ maxLength: 5 })), { maxLength: 12 }), (parts) => {
        try {
          assembleCode(parts.join(" "));
        } catch (error) {
          expect(error).toBeInstanceOf(LoadError);
        }
      }),
      { numRuns: 5000 },
    );
  });
});

describe("the disassembler", () => {
  it("prints as the kernel's verifier log and bpftool print", () => {
    const cases: [string, string][] = [
      ["b700000005000000", "   0: (b7) r0 = 5"],
      ["b4010000ffffffff", "   0: (b4) w1 = -1"],
      ["7911080000000000", "   0: (79) r1 = *(u64 *)(r1 +8)"],
      ["8112fcff00000000", "   0: (81) r2 = *(s32 *)(r1 -4)"],
      ["720af8ff07000000", "   0: (72) *(u8 *)(r10 -8) = 7"],
      ["5501fdffffffffff", "   0: (55) if r1 != 0xffffffff goto pc-3"],
      ["6602010005000000", "   0: (66) if w2 s> 0x5 goto pc+1"],
      ["8500000001000000", "   0: (85) call bpf_map_lookup_elem#1"],
      ["85100000feffffff", "   0: (85) call pc-2"],
      ["85000000e8030000", "   0: (85) call unknown#1000"],
      ["db21000000000000", "   0: (db) lock *(u64 *)(r1 +0) += r2"],
      ["c321000041000000", "   0: (c3) r2 = atomic_fetch_or((u32 *)(r1 +0), r2)"],
      ["db21f8fff1000000", "   0: (db) r0 = atomic64_cmpxchg((u64 *)(r1 -8), r0, r2)"],
      ["dc01000010000000", "   0: (dc) r1 = be16 r1"],
      ["3f21010000000000", "   0: (3f) r1 s/= r2"],
      ["bf21100000000000", "   0: (bf) r1 = (s16)r2"],
      ["300000000e000000", "   0: (30) r0 = *(u8 *)skb[14]"],
      ["0600000005000000", "   0: (06) gotol pc+5"],
      ["e500050000000000", "   0: (e5) may_goto pc+5"],
    ];
    for (const [bytes, text] of cases)
      expect(disassemble(new Uint8Array(Buffer.from(bytes, "hex")))).toBe(`${text}\n`);
    // src 1 in byte 1: a map's address.
    expect(disassemble(new Uint8Array(Buffer.from("18110000070000000000000000000000", "hex")))).toBe(
      "   0: (18) r1 = map[id:7]\n",
    );
  });
});
