// The builder, `tracebee/builder`: programs written in TypeScript, an instruction a line.

import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Item, Reg } from "../dist/src/builder.js";
import * as b from "../dist/src/builder.js";
import {
  assembleCode,
  BpfMap,
  disassemble,
  encode,
  formatInsn,
  INSN_ROWS,
  type InsnRow,
  type MapSpec,
  makeInsn,
  Runtime,
} from "../dist/src/index.js";
import { ENGINE_NAMES, prepareProgram, thrown } from "./support/engines.ts";
import { failure } from "./support/failure.ts";

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
const REGISTERS = [b.R0, b.R1, b.R2, b.R3, b.R4, b.R5, b.R6, b.R7, b.R8, b.R9, b.R10];

/** Values for every field of an instruction. */
interface Fields {
  readonly dst: Reg;
  readonly src: Reg;
  readonly off: number;
  readonly imm: number;
  readonly next: number;
}

const anyFields: fc.Arbitrary<Fields> = fc.record({
  dst: fc.constantFrom(...REGISTERS),
  src: fc.constantFrom(...REGISTERS),
  off: fc.integer({ min: -0x8000, max: 0x7fff }),
  imm: fc.oneof(fc.integer(), fc.constantFrom(0, 1, -1, 0x7fffffff, -0x80000000)),
  next: fc.oneof(fc.integer(), fc.constantFrom(0, 1, -1, 0x7fffffff, -0x80000000)),
});

type Write = (fields: Fields, parts: readonly string[]) => Item;

const bits = (text: string | undefined) => Number(text) as 8 | 16 | 32 | 64;

/** How to write the rows whose names a pattern fits: the pattern's groups are what the call is told. */
const WRITERS: readonly (readonly [RegExp, Write])[] = [
  [/^(\w+)64_imm$/, ({ dst, imm, off }, [op]) => aluOrJump(op, b.ALU64_IMM, b.JMP_IMM, dst, imm, off)],
  [/^(\w+)64_reg$/, ({ dst, src, off }, [op]) => aluOrJump(op, b.ALU64_REG, b.JMP_REG, dst, src, off)],
  [/^(\w+)32_imm$/, ({ dst, imm, off }, [op]) => aluOrJump(op, b.ALU32_IMM, b.JMP32_IMM, dst, imm, off)],
  [/^(\w+)32_reg$/, ({ dst, src, off }, [op]) => aluOrJump(op, b.ALU32_REG, b.JMP32_REG, dst, src, off)],
  [/^neg64$/, ({ dst }) => b.NEG64(dst)],
  [/^neg32$/, ({ dst }) => b.NEG32(dst)],
  [/^movsx64_(\d+)$/, ({ dst, src }, [width]) => b.MOVSX64_REG(dst, src, bits(width) as 8)],
  [/^movsx32_(\d+)$/, ({ dst, src }, [width]) => b.MOVSX32_REG(dst, src, bits(width) as 8)],
  [/^(le|be|bswap)(\d+)$/, ({ dst }, [to, width]) => b.ENDIAN(to as "le", dst, bits(width) as 16)],
  [/^addr_space_cast_(\w+)$/, ({ dst, src }, [to]) => b.ADDR_SPACE_CAST(dst, src, to as "user")],
  [/^ldx(b|h|w|dw)$/, ({ dst, src, off }, [size]) => b.LDX_MEM(size as b.Size, dst, src, off)],
  [/^ldxs(b|h|w)$/, ({ dst, src, off }, [size]) => b.LDX_MEMSX(size as "b", dst, src, off)],
  [/^stx(b|h|w|dw)$/, ({ dst, src, off }, [size]) => b.STX_MEM(size as b.Size, dst, src, off)],
  [/^st(b|h|w|dw)$/, ({ dst, off, imm }, [size]) => b.ST_MEM(size as b.Size, dst, off, imm)],
  [
    /^((?:atomic|fetch)_\w+|xchg|cmpxchg)(32|64)$/,
    ({ dst, src, off }, [op, width]) =>
      b.ATOMIC_OP(width === "32" ? "w" : "dw", op as b.AtomicOp, dst, src, off),
  ],
  [/^load_acquire_(\w+)$/, ({ dst, src, off }, [size]) => b.LOAD_ACQUIRE(size as b.Size, dst, src, off)],
  [/^store_release_(\w+)$/, ({ dst, src, off }, [size]) => b.STORE_RELEASE(size as b.Size, dst, src, off)],
  [/^ldabs(b|h|w)$/, ({ imm }, [size]) => b.LD_ABS(size as "b", imm)],
  [/^ldind(b|h|w)$/, ({ src, imm }, [size]) => b.LD_IND(size as "b", src, imm)],
  [/^lddw$/, ({ dst, imm, next }) => b.LD_IMM64(dst, (BigInt(next) << 32n) | BigInt(imm >>> 0))],
  [/^lddw_func$/, ({ dst, imm }) => b.LD_FUNC(dst, imm)],
  [/^lddw_(map_fd|map_idx)$/, ({ dst, imm }, [kind]) => b.LD_PSEUDO(kind as "map_fd", dst, imm)],
  [
    /^lddw_(map_value|map_idx_value|btf_id)$/,
    ({ dst, imm, next }, [kind]) => b.LD_PSEUDO(kind as "btf_id", dst, imm, next),
  ],
  [/^ja$/, ({ off }) => b.JMP_A(off)],
  [/^gotol$/, ({ imm }) => b.JMP32_A(imm)],
  [/^may_goto$/, ({ off }) => b.MAY_GOTO(off)],
  [/^call_helper$/, ({ imm }) => b.CALL(imm)],
  [/^call_local$/, ({ imm }) => b.CALL_LOCAL(imm)],
  [/^call_kfunc$/, ({ imm, off }) => b.CALL_KFUNC(imm, off)],
  [/^callx$/, ({ dst }) => b.CALLX(dst)],
  [/^exit$/, () => b.EXIT()],
];

/** Names of jumps start with a `j`, those of arithmetic do not. */
function aluOrJump<Source extends Reg | number>(
  op: string | undefined,
  alu: (op: b.AluOp, dst: Reg, source: Source) => Item,
  jump: (op: b.JmpOp, dst: Reg, source: Source, target: b.Target) => Item,
  dst: Reg,
  source: Source,
  off: number,
): Item {
  return op?.startsWith("j") ? jump(op as b.JmpOp, dst, source, off) : alu(op as b.AluOp, dst, source);
}

function write(row: InsnRow, fields: Fields): Item {
  for (const [pattern, writer] of WRITERS) {
    const match = pattern.exec(row.name);
    if (match !== null) return writer(fields, match.slice(1));
  }
  throw new Error(`no way to write ${row.name}`);
}

describe("an instruction of the table", () => {
  it.each(INSN_ROWS.map((row): [string, InsnRow] => [row.name, row]))(
    "can be written, with any operands: %s",
    (_, row) => {
      fc.assert(
        fc.property(anyFields, (fields) => {
          const { bytes } = b.buildCode([write(row, fields)]);
          const operands = Object.fromEntries([...row.operands].map((field) => [field, fields[field]]));
          const insn = makeInsn(row, operands);
          expect(hex(bytes)).toBe(hex(encode([insn])));
          expect(hex(bytes)).toBe(hex(assembleCode(formatInsn(insn, { dialect: "mnemonic" }))));
        }),
        { numRuns: 40 },
      );
    },
  );

  it("has short names for moves", () => {
    const text = "r1 = -1\nr2 = r1\nw3 = 7\nw4 = w3";
    const items = [
      b.MOV64_IMM(b.R1, -1),
      b.MOV64_REG(b.R2, b.R1),
      b.MOV32_IMM(b.R3, 7),
      b.MOV32_REG(b.R4, b.R3),
    ];
    expect(hex(b.buildCode(items).bytes)).toBe(hex(assembleCode(text)));
  });

  it("takes helpers by name, wide constants as numbers or bigints, 32-bit patterns unsigned", () => {
    const items = [
      b.CALL("map_lookup_elem"),
      b.CALL("bpf_ktime_get_ns"),
      b.LD_IMM64(b.R1, 0xffff_ffff_ffff_fffen),
      b.LD_IMM64(b.R1, -2),
      b.LD_IMM64(b.R2, 0x1234_5678_9abc),
      b.ALU32_IMM("and", b.R3, 0xffff_0000),
      b.JMP32_IMM("jgt", b.R3, 0xffff_fffe, 0),
    ];
    const text = `call 1\ncall 5\nr1 = -2 ll\nr1 = -2 ll\nr2 = 0x123456789abc ll
      w3 &= 0xffff0000\nif w3 > 0xfffffffe goto pc+0`;
    expect(hex(b.buildCode(items).bytes)).toBe(hex(assembleCode(text)));
  });
});

describe("labels", () => {
  it("are reached forwards and backwards by every kind of jump and call, over wide instructions", () => {
    const { bytes, labels } = b.buildCode([
      b.label("start"),
      b.LD_IMM64(b.R6, 1n << 40n),
      b.JMP_IMM("jeq", b.R1, 5, "end"),
      b.JMP_REG("jsgt", b.R1, b.R2, "start"),
      b.JMP32_IMM("jne", b.R1, -5, "end"),
      b.JMP32_REG("jset", b.R1, b.R2, "start"),
      b.MAY_GOTO("end"),
      b.JMP_A("end"),
      b.JMP32_A("start"),
      b.LD_FUNC(b.R3, "twice"),
      b.CALL_LOCAL("twice"),
      b.label("end"),
      b.label("also the end"),
      b.EXIT(),
      b.label("twice"),
      b.ALU64_REG("add", b.R1, b.R1),
      b.MOV64_REG(b.R0, b.R1),
      b.EXIT(),
    ]);
    const text = `
      start: r6 = 0x10000000000 ll
        if r1 == 5 goto end
        if r1 s> r2 goto start
        if w1 != -5 goto end
        if w1 & w2 goto start
        may_goto end
        goto end
        gotol start
        r3 = twice ll
        call twice
      end: exit
      twice: r1 += r1
        r0 = r1
        exit`;
    expect(disassemble(bytes)).toBe(disassemble(assembleCode(text)));
    expect([...labels]).toEqual([
      ["start", 0],
      ["end", 12],
      ["also the end", 12],
      ["twice", 13],
    ]);
  });

  it("may be called anything, and give way to distances", () => {
    const { bytes } = b.buildCode([b.JMP_A("my label: 1"), b.JMP_A(-2), b.label("my label: 1"), b.EXIT()]);
    expect(hex(bytes)).toBe(hex(assembleCode("goto pc+1\ngoto pc-2\nexit")));
  });

  it("reach 32767 slots, and further with the long jump", () => {
    const far = (slots: number, jump: Item) => [
      jump,
      ...Array.from({ length: slots }, () => b.MOV64_IMM(b.R0, 0)),
      b.label("far"),
      b.EXIT(),
    ];
    expect(hex(b.buildCode(far(32_767, b.JMP_A("far"))).bytes.subarray(0, 8))).toBe("0500ff7f00000000");
    const error = failure(() => b.buildCode(far(32_768, b.JMP_A("far"))));
    expect(error.code).toBe("bad-jump");
    expect(error.message).toBe('insn 0: expected "far" within 32767 slots, got a distance of 32768');
    expect(hex(b.buildCode(far(32_768, b.JMP32_A("far"))).bytes.subarray(0, 8))).toBe("0600000000800000");
    const back = (slots: number) => [b.label("far"), ...far(slots, b.EXIT()).slice(0, -2), b.JMP_A("far")];
    expect(hex(b.buildCode(back(32_766)).bytes.subarray(-8))).toBe("0500008000000000");
    expect(failure(() => b.buildCode(back(32_767))).message).toMatch(/^insn 32768: .*distance of -32769$/);
  });

  it("must be there, and once only", () => {
    const missing = failure(() => b.buildCode([b.LD_IMM64(b.R1, 0), b.JMP_A("nowhere"), b.EXIT()]));
    expect([missing.code, missing.message]).toEqual([
      "bad-jump",
      'insn 2: expected a label of the program, got "nowhere"',
    ]);
    const double = failure(() => b.buildCode([b.label("twice"), b.EXIT(), b.label("twice")]));
    expect([double.code, double.message]).toEqual([
      "bad-jump",
      "label twice: expected it once, got it twice",
    ]);
  });
});

describe("what does not fit", () => {
  it.each<[string, () => unknown, new (message: string) => Error, RegExp]>([
    [
      "a register",
      () => b.MOV64_IMM(11 as Reg, 0),
      RangeError,
      /^mov64_imm: expected dst in 0\.\.10, got 11$/,
    ],
    ["a 64-bit immediate", () => b.MOV64_IMM(b.R0, 0xffff_ffff), RangeError, /^mov64_imm: expected imm in /],
    ["a 32-bit immediate", () => b.MOV32_IMM(b.R0, 2 ** 32), RangeError, /^mov32_imm: .*got 4294967296$/],
    [
      "a negative one",
      () => b.ALU32_IMM("add", b.R0, -(2 ** 31) - 1),
      RangeError,
      /^add32_imm: expected imm/,
    ],
    ["a fraction", () => b.ALU32_IMM("add", b.R0, 1.5), RangeError, /^add32_imm: .*got 1\.5$/],
    ["no number", () => b.JMP32_IMM("jeq", b.R0, Number.NaN, 0), RangeError, /^jeq32_imm: .*got NaN$/],
    ["a comparison", () => b.JMP32_IMM("jeq", b.R0, 2 ** 40, 0), RangeError, /^jeq32_imm: expected imm/],
    ["an offset", () => b.LDX_MEM("dw", b.R0, b.R1, 32_768), RangeError, /^ldxdw: expected off in /],
    ["a distance", () => b.JMP_A(-32_769), RangeError, /^ja: expected off in /],
    ["65 bits", () => b.LD_IMM64(b.R0, 1n << 64n), RangeError, /^LD_IMM64: expected 64 bits, got /],
    ["-65 bits", () => b.LD_IMM64(b.R0, -(1n << 63n) - 1n), RangeError, /^LD_IMM64: expected 64 bits, got /],
    // A literal of this size has lost its lower bits before anybody could look at it.
    ["a rounded number", () => b.LD_IMM64(b.R0, 2 ** 60 + 1), RangeError, /^LD_IMM64: expected a bigint/],
    ["a wide fraction", () => b.LD_IMM64(b.R0, 0.5), RangeError, /^LD_IMM64: expected a bigint/],
    ["a helper", () => b.CALL("bpf_make_coffee"), TypeError, /^CALL: expected a helper of the kernel/],
    ["an operation", () => b.ALU64_IMM("pow" as never, b.R0, 2), TypeError, /"pow64_imm"$/],
    ["a width", () => b.ENDIAN("be", b.R0, 24 as never), TypeError, /"be24"$/],
    [
      "half of a wide one",
      () => b.LD_PSEUDO("map_fd", b.R0, 1, 2),
      TypeError,
      /^lddw_map_fd: expected next = 0/,
    ],
  ])("is refused where it is written: %s", (_, call, kind, message) => {
    const error = thrown(call);
    expect(error).toBeInstanceOf(kind);
    expect(error.message).toMatch(message);
  });
});

describe.each(ENGINE_NAMES)("a built program (%s)", (engine) => {
  const spec: MapSpec = { name: "counts", type: 2, keySize: 4, valueSize: 8, maxEntries: 4, flags: 0 };

  it("runs with its maps: by address for helpers, by value for itself", () => {
    const program = b.buildProgram({ name: "counter", section: "tracepoint/skb/kfree_skb", license: "GPL" }, [
      b.ST_MEM("w", b.R10, -4, 2),
      b.LD_MAP(b.R1, spec),
      b.MOV64_REG(b.R2, b.R10),
      b.ALU64_IMM("add", b.R2, -4),
      b.CALL("map_lookup_elem"),
      b.JMP_IMM("jne", b.R0, 0, "found"),
      b.EXIT(),
      b.label("found"),
      b.MOV64_IMM(b.R1, 5),
      b.ATOMIC_OP("dw", "atomic_add", b.R0, b.R1, 0),
      b.LD_MAP_VALUE(b.R3, spec, 16),
      b.LDX_MEM("dw", b.R1, b.R3, 0),
      b.CALL_LOCAL("double"),
      b.EXIT(),
      b.label("double"),
      b.MOV64_REG(b.R0, b.R1),
      b.ALU64_REG("add", b.R0, b.R1),
      b.EXIT(),
    ]);
    expect(program).toMatchObject({
      name: "counter",
      type: "tracepoint",
      attachTo: "skb:kfree_skb",
      license: "GPL",
      maps: [
        { slot: 1, map: spec },
        { slot: 10, map: spec, offset: 16 },
      ],
    });
    const runtime = new Runtime();
    const map = new BpfMap<number, bigint>(runtime, spec);
    const ready = prepareProgram(engine, runtime, program, new Map([[spec, map as BpfMap]]));
    expect([ready.run(), ready.run()]).toEqual([10n, 20n]);
    expect(map.get(2)).toBe(10n);
  });

  it("may be of a type alone", () => {
    const program = b.buildProgram({ type: "raw" }, [b.MOV64_REG(b.R0, b.R2), b.EXIT()]);
    expect(program).toMatchObject({ name: "program", type: "raw", license: "", section: "" });
    expect(prepareProgram(engine, new Runtime(), program, new Map()).run(new Uint8Array(9))).toBe(9n);
  });
});

describe("a program without", () => {
  it("type and section is refused, and so is one whose section says nothing", () => {
    expect(() => b.buildProgram({}, [b.EXIT()])).toThrow(
      /^program program: expected a type or a section, got neither$/,
    );
    const error = thrown(() => b.buildProgram({ name: "p", section: "my/own" }, [b.EXIT()]));
    expect(error).toBeInstanceOf(TypeError);
    expect(error.message).toBe('program p: expected a type or a section, got "my/own", which names no type');
    expect(b.buildProgram({ type: "xdp", section: "my/own" }, [b.EXIT()]).type).toBe("xdp");
  });

  it("instructions is refused", () => {
    expect(failure(() => b.buildProgram({ type: "raw" }, [b.label("lonely")])).code).toBe("bad-program");
  });
});

describe("the subpath tracebee/builder", () => {
  it("is this module", () => {
    const { resolve } = createRequire(import.meta.url);
    const here = fileURLToPath(new URL("../dist/src/builder.js", import.meta.url));
    expect(resolve("tracebee/builder")).toBe(here);
  });
});
