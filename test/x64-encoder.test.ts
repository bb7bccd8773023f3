// The encoder of the native compiler against LLVM: what it emits is disassembled, compared with what the manual's line
// above the constructor says, assembled again by LLVM, and disassembled once more.

import { describe, expect, it } from "vitest";
import { assemble, disassemble, llvmMissing } from "./support/llvm-mc.ts";
import { Random } from "./support/random.ts";
import { bytesOf, formOf, makeEncoder } from "./support/x64-encoder.ts";
import {
  DISPLACEMENTS,
  INDEXES,
  immediate,
  makeCase,
  memory,
  normalise,
  readForms,
  registerName,
  shapeFault,
} from "./support/x64-forms.ts";

const CASES_PER_FORM = 150;
const WIDTHS = [
  [0, 32],
  [0x1000, 64],
] as const;

interface Case {
  readonly emit: () => void;
  readonly text: string;
}

const encoder = makeEncoder();
const { forms, others } = readForms();
const missing = llvmMissing();
if (missing !== undefined) console.log(`skipped: ${missing}`);

/** The constructors that choose among forms. */
const SHORTEST = /^(mov|add|or|and|sub|xor|cmp|imul|rol|ror|shl|shr|sar)Imm$/;

describe("the forms", () => {
  it("all have a line of the manual, but for jumps to labels and those that choose", () => {
    expect(forms.length).toBeGreaterThan(170);
    expect(others.filter((name) => !SHORTEST.test(name))).toEqual(["jmp", "jcc", "call", "leaLabel", "nop"]);
    const rest = ["begin", "bind", "finish", "position", "labelPosition", "reg", "at", "atIndex", "memory"];
    const known = new Set([...forms.map(({ name }) => name), ...others, ...rest]);
    expect(Object.keys(encoder).toSorted()).toEqual([...known].toSorted());
  });

  it("have the bytes of that line", () => {
    const random = new Random(1);
    const faults: string[] = [];
    for (const form of forms) {
      for (let run = 0; run < CASES_PER_FORM; run++) {
        const { emit, text } = makeCase(encoder, random, form);
        const bytes = bytesOf(encoder, emit);
        const fault = shapeFault(form, bytes);
        if (fault !== undefined) faults.push(`${form.line}: ${text}: [${bytes}]: ${fault}`);
      }
    }
    expect(faults).toEqual([]);
  });
});

/** The instructions mean their texts; LLVM's own bytes for the same texts are given back. */
function expectMeant(cases: readonly Case[]): { own: Uint8Array[]; llvm: Uint8Array[] } {
  const own = cases.map(({ emit }) => bytesOf(encoder, emit));
  const wanted = cases.map(({ text }) => normalise(text));
  const texts = disassemble(own);
  const wrong = (found: readonly string[]): string[] =>
    found.flatMap((text, index) =>
      text === wanted[index] ? [] : [`expected ${wanted[index]}, got ${text}`],
    );
  expect(wrong(texts.map(normalise))).toEqual([]);
  const llvm = assemble(cases.map(({ text }) => text));
  expect(wrong(disassemble(llvm).map(normalise))).toEqual([]);
  return { own, llvm };
}

describe.skipIf(missing !== undefined)("what is emitted", () => {
  it("means what the manual's line says, and so does what LLVM makes of the same text", () => {
    const random = new Random(2);
    expectMeant(
      forms.flatMap((form) => Array.from({ length: CASES_PER_FORM }, () => makeCase(encoder, random, form))),
    );
  });

  it("addresses memory with every base, index, scale and kind of displacement, as shortly as LLVM", () => {
    const indexes = [
      undefined,
      ...INDEXES.flatMap((index) => [0, 1, 2, 3].map((scale) => [index, scale] as const)),
    ];
    const cases: Case[] = [];
    for (let base = 0; base < 16; base++) {
      for (const index of indexes) {
        for (const disp of DISPLACEMENTS) {
          const { argument, text } = memory(encoder, 64, base, disp, index);
          const other = (base + disp) & 15;
          cases.push({
            emit: () => formOf(encoder, "movRegRm")(0x1000, other, argument as bigint),
            text: `mov ${registerName(other, 64)}, ${text}`,
          });
        }
      }
    }
    expect(cases.length).toBeGreaterThan(10_000);
    const { own, llvm } = expectMeant(cases);
    expect(
      own.flatMap((bytes, index) => (bytes.length > llvm[index].length ? [cases[index].text] : [])),
    ).toEqual([]);
  });

  it("is never longer than LLVM's where a constructor chooses", () => {
    const random = new Random(3);
    const cases: Case[] = [];
    const one = (name: string): Case => {
      const dst = random.below(16);
      const [width, bits] = random.pick(WIDTHS);
      const mnemonic = name.replace("Imm", "");
      if (name === "movImm") {
        const value = immediate(random, 64);
        const text = `mov ${registerName(dst, value >> 32n === 0n ? 32 : 64)}, ${value}`;
        return { emit: () => formOf(encoder, name)(dst, value), text };
      }
      if (name === "imulImm") {
        const value = Number(immediate(random, 32));
        const { argument, text } = memory(encoder, bits, random.below(16), 0);
        return {
          emit: () => formOf(encoder, name)(width, dst, argument as bigint, value),
          text: `imul ${registerName(dst, bits)}, ${text}, ${value}`,
        };
      }
      const value = /^(ro|s[ha])/.test(name) ? random.below(bits) : Number(immediate(random, 32));
      return {
        emit: () => formOf(encoder, name)(width, dst, value),
        text: `${mnemonic} ${registerName(dst, bits)}, ${value}`,
      };
    };
    const choosers = others.filter((name) => SHORTEST.test(name));
    expect(choosers.length).toBe(13);
    for (const name of choosers) for (let run = 0; run < 400; run++) cases.push(one(name));
    const { own, llvm } = expectMeant(cases);
    expect(
      own.flatMap((bytes, index) => (bytes.length > llvm[index].length ? [cases[index].text] : [])),
    ).toEqual([]);
  });

  it("is as many NOPs as the manual recommends for any number of bytes", () => {
    const sizes = Array.from({ length: 40 }, (_, index) => index + 1);
    const sleds = sizes.map((size) => bytesOf(encoder, () => encoder.nop(size)));
    expect(sleds.map(({ length }) => length)).toEqual(sizes);
    const texts = disassemble(sleds).map((text) => text.split("; "));
    expect(texts.map(({ length }) => length)).toEqual(sizes.map((size) => Math.ceil(size / 9)));
    expect(texts.flat().filter((text) => !/^(nop( d?word ptr .*)?|xchg ax, ax)$/.test(text))).toEqual([]);
    expect(bytesOf(encoder, () => encoder.nop(0)).length).toBe(0);
  });
});
