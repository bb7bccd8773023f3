// Labels of the native compiler's encoder: jumps lead where they should in the shortest form that reaches, and a buffer
// that is too small is said to be.

import { describe, expect, it } from "vitest";
import { Emitted } from "../assembly/shared/native.ts";
import { disassemble, llvmMissing } from "./support/llvm-mc.ts";
import { Random } from "./support/random.ts";
import { CODE, codeBytes, type Encoder, MEMORY_END, makeEncoder, WORK } from "./support/x64-encoder.ts";
import { conditionName } from "./support/x64-forms.ts";

const encoder = makeEncoder();

type Kind = "jmp" | "jcc" | "call" | "lea";

/** What a program is made of: bytes to skip, a label, or something that leads to one; `number` is a condition or register. */
type Item =
  | { readonly is: "nop"; readonly bytes: number }
  | { readonly is: "label"; readonly label: number }
  | { readonly is: Kind; readonly label: number; readonly number: number };

const nop = (bytes: number): Item => ({ is: "nop", bytes });
const label = (number: number): Item => ({ is: "label", label: number });
const jump = (is: Kind, to: number, number = 0): Item => ({ is, label: to, number });

function emitItem(to: Encoder, item: Item): void {
  if (item.is === "nop") to.nop(item.bytes);
  else if (item.is === "label") to.bind(item.label);
  else if (item.is === "jmp") to.jmp(item.label);
  else if (item.is === "jcc") to.jcc(item.number, item.label);
  else if (item.is === "call") to.call(item.label);
  else to.leaLabel(item.number, item.label);
}

const labelsIn = (items: readonly Item[]): number => items.filter(({ is }) => is === "label").length;

/** Emits them; gives what finish() gave. */
function emitAll(items: readonly Item[], to = WORK, workEnd = MEMORY_END): number {
  encoder.begin(CODE, to, labelsIn(items), WORK, workEnd);
  for (const item of items) emitItem(encoder, item);
  return encoder.finish();
}

/** A jump as its bytes have it. */
interface Read {
  readonly size: number;
  readonly displacement: number;
}

/** Reads the bytes of `item` at `at`; throws when they are something else. */
function readItem(code: DataView, at: number, item: Exclude<Item, { is: "nop" | "label" }>): Read {
  const first = code.getUint8(at);
  const expectByte = (offset: number, value: number): void => expect(code.getUint8(at + offset)).toBe(value);
  const near = (size: number): Read => ({ size, displacement: code.getInt32(at + size - 4, true) });
  const short = (): Read => ({ size: 2, displacement: code.getInt8(at + 1) });
  switch (item.is) {
    case "jmp":
      if (first === 0xeb) return short();
      expectByte(0, 0xe9);
      return near(5);
    case "jcc":
      if (first === 0x70 + item.number) return short();
      expectByte(0, 0x0f);
      expectByte(1, 0x80 + item.number);
      return near(6);
    case "call":
      expectByte(0, 0xe8);
      return near(5);
    case "lea":
      expectByte(0, item.number < 8 ? 0x48 : 0x4c);
      expectByte(1, 0x8d);
      expectByte(2, ((item.number & 7) << 3) | 5);
      return near(7);
  }
}

/** Walks the finished code: everything is where it should be; gives the sizes of the jumps. */
function expectLinked(items: readonly Item[]): number[] {
  const bytes = codeBytes(encoder);
  const code = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const found: [Item & { label: number }, Read, end: number][] = [];
  let at = 0;
  for (const item of items) {
    if (item.is === "label") expect(encoder.labelPosition(item.label)).toBe(at);
    else if (item.is === "nop") at += item.bytes;
    else {
      const read = readItem(code, at, item);
      at += read.size;
      found.push([item, read, at]);
    }
  }
  expect(at).toBe(bytes.length);
  for (const [item, { displacement }, end] of found) {
    expect(end + displacement).toBe(encoder.labelPosition(item.label));
  }
  return found.map(([, { size }]) => size);
}

/** Jumps in their long form that would reach with the short one. */
function needlesslyLong(items: readonly Item[]): Item[] {
  const sizes = expectLinked(items);
  let at = 0;
  const jumps = items.filter((item) => item.is !== "label" && item.is !== "nop");
  const found: Item[] = [];
  for (const item of items) {
    if (item.is === "nop") at += item.bytes;
    if (item.is === "nop" || item.is === "label") continue;
    const size = sizes[jumps.indexOf(item)];
    at += size;
    if (size === 2 || item.is === "call" || item.is === "lea") continue;
    const target = encoder.labelPosition(item.label);
    const distance = target >= at ? target - at : target - (at - size + 2);
    if (distance >= -128 && distance <= 127) found.push(item);
  }
  return found;
}

/** Labels everywhere, jumps among them, near and far. */
function randomItems(random: Random): Item[] {
  const labels = random.between(1, 20);
  const places: Item[] = [];
  const count = random.between(1, 60);
  for (let index = 0; index < count; index++) {
    const kind = random.pick(["nop", "nop", "jmp", "jcc", "jcc", "call", "lea"] as const);
    if (kind === "nop")
      places.push(nop(random.chance(0.1) ? random.between(100, 300) : random.between(1, 20)));
    else places.push(jump(kind, random.below(labels), random.below(16)));
  }
  for (let index = 0; index < labels; index++)
    places.splice(random.below(places.length + 1), 0, label(index));
  return places;
}

describe("jumps", () => {
  it("are short up to 127 bytes ahead and 128 back, each from its end", () => {
    for (const [kind, long] of [
      ["jmp", 5],
      ["jcc", 6],
    ] as const) {
      for (const number of kind === "jmp" ? [0] : [0, 5, 15]) {
        for (let gap = 120; gap <= 132; gap++) {
          const ahead = [jump(kind, 0, number), nop(gap), label(0)];
          expect(emitAll(ahead)).toBe(Emitted.OK);
          expect(expectLinked(ahead)).toEqual([gap <= 127 ? 2 : long]);
          const back = [label(0), nop(gap), jump(kind, 0, number)];
          expect(emitAll(back)).toBe(Emitted.OK);
          expect(expectLinked(back)).toEqual([gap + 2 <= 128 ? 2 : long]);
        }
      }
    }
  });

  it("lead to their labels, and none is longer than it must be", () => {
    const random = new Random(1);
    const sizes = new Set<number>();
    for (let run = 0; run < 1000; run++) {
      const items = randomItems(random);
      expect(emitAll(items)).toBe(Emitted.OK);
      expect(needlesslyLong(items)).toEqual([]);
      for (const size of expectLinked(items)) sizes.add(size);
    }
    expect([...sizes].toSorted()).toEqual([2, 5, 6, 7]);
  });

  it("lead to their labels where each that grows makes others grow", () => {
    // Each reaches over 42 others, to its limit; the last does not reach.
    const count = 3000;
    const items: Item[] = [];
    for (let index = 0; index < count; index++) {
      items.push(label(index), jump("jcc", Math.min(index + 43, count), 4), nop(1));
    }
    items.push(nop(127), label(count));
    expect(emitAll(items)).toBe(Emitted.OK);
    expect(new Set(expectLinked(items))).toEqual(new Set([6]));
  });

  it.skipIf(llvmMissing() !== undefined)("are what a disassembler takes them for", () => {
    const jumps: Uint8Array[] = [];
    const texts: string[] = [];
    const add = (items: readonly Item[], from: number, gap: number, text: string): void => {
      expect(emitAll(items)).toBe(Emitted.OK);
      jumps.push(codeBytes(encoder, from, encoder.position() - gap));
      texts.push(text);
    };
    for (const gap of [5, 200]) {
      for (let condition = 0; condition < 16; condition++) {
        const name = `j${conditionName(condition)} ${gap}`;
        add([jump("jcc", 0, condition), nop(gap), label(0)], 0, gap, name);
      }
      add([jump("jmp", 0), nop(gap), label(0)], 0, gap, `jmp ${gap}`);
      add([jump("lea", 0, 9), nop(gap), label(0)], 0, gap, `lea r9, [rip + ${gap}]`);
      add([label(0), nop(gap), jump("call", 0)], gap, 0, `call -${gap + 5}`);
    }
    expect(disassemble(jumps)).toEqual(texts);
  });

  it("must have a label that was bound", () => {
    encoder.begin(CODE, WORK, 2, WORK, MEMORY_END);
    encoder.bind(0);
    encoder.jmp(1);
    expect(encoder.labelPosition(0)).toBe(0);
    expect(encoder.labelPosition(1)).toBe(-1);
    expect(encoder.finish()).toBe(Emitted.UNBOUND);
  });
});

describe("a buffer that is too small", () => {
  const GUARD = 64;
  const memory = new Uint8Array(encoder.memory.buffer);

  it("is said to be, and nothing is written past its end", () => {
    const items = randomItems(new Random(7));
    expect(emitAll(items)).toBe(Emitted.OK);
    const needed = encoder.position();
    const results = new Set<number>();
    for (let size = 16; size < needed + 400; size++) {
      memory.fill(0xaa, CODE + size, CODE + size + GUARD);
      const result = emitAll(items, CODE + size);
      results.add(result);
      if (size < needed) expect(result).toBe(Emitted.CODE_FULL);
      if (result === Emitted.OK) expectLinked(items);
      expect([...memory.subarray(CODE + size, CODE + size + GUARD)]).toEqual(Array(GUARD).fill(0xaa));
    }
    expect([...results].toSorted()).toEqual([Emitted.OK, Emitted.CODE_FULL]);
  });

  it("of labels and jumps is said to be, and nothing is written past its end", () => {
    const items = randomItems(new Random(8));
    const jumps = items.filter(({ is }) => is !== "nop" && is !== "label").length;
    expect(jumps).toBeGreaterThan(3);
    const needed = labelsIn(items) * 8 + jumps * 20;
    for (let size = 0; size <= needed; size += 4) {
      memory.fill(0xaa, WORK + size, WORK + size + GUARD);
      expect(emitAll(items, WORK, WORK + size)).toBe(size < needed ? Emitted.JUMPS_FULL : Emitted.OK);
      expect([...memory.subarray(WORK + size, WORK + size + GUARD)]).toEqual(Array(GUARD).fill(0xaa));
    }
  });
});
