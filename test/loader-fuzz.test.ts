// Damaged input: whatever the bytes, loading ends in a result or in a LoadError, soon. Every mutant follows from
// the seed and its number, both of which a failure prints.

import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { type Btf, parseBtf } from "../dist/src/btf/btf.js";
import { codecOf } from "../dist/src/btf/codec.js";
import { parseBtfExt } from "../dist/src/btf/ext.js";
import { LoadError } from "../dist/src/errors.js";
import { loadAssembly } from "../dist/src/loader/assembly.js";
import { readElf } from "../dist/src/loader/elf.js";
import { load } from "../dist/src/loader/load.js";
import { checkProgram } from "../dist/src/loader/validate.js";
import { BtfBuilder } from "./support/btf-builder.ts";
import { Random } from "./support/random.ts";

const SEED = Number(process.env.TRACEBEE_SEED ?? 1);
/** Times as many mutants, for long runs by hand. */
const SCALE = Number(process.env.TRACEBEE_FUZZ_SCALE ?? 1);
/** A mutant that takes longer has found a loop or an allocation without bound. */
const MAX_MS = 5000;

/** Numbers that counts, sizes and offsets lie about. */
const LIES = [0, 1, 2, 7, 8, 0xff, 0x100, 0xffff, 0x10000, 0x7fffffff, 0x80000000, 0xfffffff8, 0xffffffff];

type Mutation = (bytes: Uint8Array<ArrayBuffer>, random: Random) => Uint8Array<ArrayBuffer>;

function word(bytes: Uint8Array, at: number, value: number): void {
  for (let i = 0; i < 4 && at + i < bytes.length; i++) bytes[at + i] = (value >>> (8 * i)) & 255;
}

const flipBytes: Mutation = (bytes, random) => {
  for (let count = 1 + random.below(8); count > 0; count--)
    bytes[random.below(bytes.length)] = random.below(256);
  return bytes;
};

const flipBits: Mutation = (bytes, random) => {
  for (let count = 1 + random.below(4); count > 0; count--) {
    const at = random.below(bytes.length);
    bytes[at] = (bytes[at] as number) ^ (1 << random.below(8));
  }
  return bytes;
};

const truncate: Mutation = (bytes, random) => bytes.slice(0, random.below(bytes.length));

const lieAnywhere: Mutation = (bytes, random) => {
  word(bytes, 4 * random.below(bytes.length / 4), random.pick(LIES));
  return bytes;
};

/** Words that differ a little from the right ones get further than wild ones. */
const nudge: Mutation = (bytes, random) => {
  const at = 4 * random.below(bytes.length / 4 - 1);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (at + 4 <= bytes.length) view.setInt32(at, view.getInt32(at, true) + random.below(33) - 16, true);
  return bytes;
};

const copyBlock: Mutation = (bytes, random) => {
  const from = random.below(bytes.length);
  const length = 1 + random.below(64);
  bytes.copyWithin(random.below(bytes.length), from, from + length);
  return bytes;
};

/** A field of a section header: name, type, flags, offset, size, link, info or entry size. */
const lieAboutSection: Mutation = (bytes, random) => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const start = Number(view.getBigUint64(40, true));
  const at =
    start + 64 * random.below(view.getUint16(60, true)) + random.pick([0, 4, 8, 24, 32, 36, 40, 44, 56]);
  const value =
    random.below(3) === 0 ? random.below(bytes.length) : random.pick([...LIES, 3, 4, 9, 64, 4096]);
  word(bytes, at, value);
  return bytes;
};

/** Some bytes of one section, symbols and relocations included, in the place where they are. */
function insideSection(inner: Mutation): Mutation {
  return (bytes, random) => {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const header = Number(view.getBigUint64(40, true)) + 64 * random.below(view.getUint16(60, true));
    const start = view.getUint32(header + 24, true);
    const size = view.getUint32(header + 32, true);
    if (size === 0 || start + size > bytes.length) return flipBytes(bytes, random);
    const part = bytes.slice(start, start + size);
    bytes.set(inner(part, random).subarray(0, size), start);
    return bytes;
  };
}

const GENERIC = [flipBytes, flipBits, truncate, lieAnywhere, nudge, copyBlock];
const IN_SECTIONS = [flipBits, nudge, lieAnywhere].map(insideSection);
const FOR_OBJECTS = [
  ...GENERIC,
  lieAboutSection,
  lieAboutSection,
  ...IN_SECTIONS,
  ...IN_SECTIONS,
  ...IN_SECTIONS,
];

/** Everything that a user might ask of type information. */
function exerciseBtf(btf: Btf): void {
  for (let id = 0; id < btf.count; id++) {
    btf.typeName(id);
    for (const ask of [() => btf.sizeOf(id), () => btf.resolve(id), () => decodeZeros(btf, id)]) attempt(ask);
  }
  btf.findByName("int", "int");
}

function decodeZeros(btf: Btf, id: number): void {
  const codec = codecOf(btf, id);
  if (codec.size <= 4096) codec.decode(new Uint8Array(codec.size));
}

/** Runs what may fail with a LoadError, and with nothing else; true when it did not. */
function attempt(run: () => void): boolean {
  try {
    run();
    return true;
  } catch (error) {
    if (error instanceof LoadError && error.message.includes("expected ")) return false;
    throw error;
  }
}

function exerciseObject(bytes: Uint8Array): void {
  const { programs, variables, failures, mapFailures, btf } = load(bytes, { name: "fuzz.o" });
  for (const error of [...failures.values(), ...mapFailures.values()])
    expect(error).toBeInstanceOf(LoadError);
  for (const program of programs.values()) {
    attempt(() => checkProgram(program));
    for (const { slot, map, offset = 0 } of program.maps) {
      if (slot + 1 >= program.slots || offset < 0 || map === undefined) throw new Error("a map use outside");
    }
    for (const { slot } of program.functions)
      if (slot < 0 || slot >= program.slots) throw new Error("a function outside");
    program.lineAt(program.slots - 1);
  }
  for (const { typeId, map, offset, size } of variables.values()) {
    if (offset + size > map.valueSize) throw new Error("a variable outside");
    if (btf !== undefined && typeId !== undefined) attempt(() => decodeZeros(btf, typeId));
  }
}

/** Runs `exercise` on `count` mutants of each of `originals`; gives how many loaded. */
function fuzz(
  name: string,
  originals: readonly Uint8Array<ArrayBuffer>[],
  mutations: readonly Mutation[],
  count: number,
  exercise: (bytes: Uint8Array) => void,
): number {
  let loaded = 0;
  for (const [which, original] of originals.entries()) {
    for (let number = 0; number < count * SCALE; number++) {
      const random = new Random(SEED * 0x9e3779b1 + which * 0x85ebca6b + number);
      let bytes = original.slice();
      const label = `${name} ${which}, mutant ${number} of seed ${SEED}`;
      const start = performance.now();
      try {
        bytes = random.pick(mutations)(bytes, random);
        for (let extra = random.below(3); extra > 0; extra--) bytes = random.pick(GENERIC)(bytes, random);
        if (attempt(() => exercise(bytes))) loaded++;
      } catch (error) {
        throw new Error(label, { cause: error });
      }
      expect(performance.now() - start, label).toBeLessThan(MAX_MS);
    }
  }
  return loaded;
}

const object = (name: string): Uint8Array<ArrayBuffer> =>
  Uint8Array.from(readFileSync(new URL(`objects/${name}.o`, import.meta.url)));
const objects = ["counters.clang14", "counters.clang19", "legacy.clang19", "unsupported.clang14"].map(object);
const sectionOf = (bytes: Uint8Array, name: string): Uint8Array<ArrayBuffer> => {
  const found = [...readElf(bytes).sections.values()].find((section) => section.name === name);
  return Uint8Array.from(found?.bytes ?? []);
};

/** Small blobs get deeper: a change hits something that matters more often. */
function smallBtf(): Uint8Array<ArrayBuffer> {
  const b = new BtfBuilder();
  const int = b.int("int", 4, 1);
  const char = b.int("char", 1, 1);
  const inner = b.struct("union", "", 8, [
    ["i", int, 0],
    ["name", b.array(char, 8), 0],
  ]);
  const outer = b.struct("struct", "outer", 24, [
    ["bits", int, 0, 3],
    ["", inner, 64],
    ["next", b.refer("ptr", 6), 128],
  ]);
  const alias = b.refer("typedef", b.refer("const", outer), "alias");
  b.refer("func", b.proto(alias, [["x", int]]), "f");
  b.datasec(".data", 24, [[b.variable("v", alias), 0, 24]]);
  b.enum64("e", [["A", 1n << 40n]]);
  b.refer("ptr", b.refer("type_tag", outer, "user"));
  return b.bytes();
}

const TIMEOUT = 60_000 * SCALE;

describe("damaged input", () => {
  it("of ELF objects loads or ends in a LoadError", { timeout: TIMEOUT }, () => {
    const loaded = fuzz("object", objects, FOR_OBJECTS, 2500, exerciseObject);
    // Some damage must be harmless and some not, or the mutations reach nothing.
    expect(loaded).toBeGreaterThan(1000);
    expect(loaded).toBeLessThan(2500 * objects.length * SCALE);
  });

  it("of BTF parses or ends in a LoadError, and so does all that is asked of it", {
    timeout: TIMEOUT,
  }, () => {
    const blobs = [
      smallBtf(),
      sectionOf(objects[0] as Uint8Array, ".BTF"),
      sectionOf(objects[2] as Uint8Array, ".BTF"),
    ];
    const loaded = fuzz("btf", blobs, GENERIC, 3000, (bytes) => exerciseBtf(parseBtf(bytes)));
    expect(loaded).toBeGreaterThan(1000);
    expect(loaded).toBeLessThan(3000 * blobs.length * SCALE);
  });

  it("of .BTF.ext parses or ends in a LoadError", { timeout: TIMEOUT }, () => {
    const [first] = objects as [Uint8Array];
    const btf = parseBtf(sectionOf(first, ".BTF"));
    const loaded = fuzz(
      "ext",
      [sectionOf(first, ".BTF.ext")],
      GENERIC,
      1500,
      (bytes) => void parseBtfExt(bytes, btf),
    );
    expect(loaded).toBeGreaterThan(100);
  });

  it("of assembly loads or ends in a LoadError", { timeout: TIMEOUT }, () => {
    const text = `.license "GPL"\n.map m type=hash key=4 value=8 max=10\n.section xdp,"ax"\n.globl f\nf: r1 = m ll\n
      r2 = v ll\nif r1 == 0 goto out\ncall g\nout: exit\n.text\ng: r0 = *(u32 *)(r1 + 8)\nexit\n
      .data\n.p2align 3\nv: .quad 5\n.asciz "abc"\n.zero 4,1\n`;
    const original = new TextEncoder().encode(text);
    const decoder = new TextDecoder();
    const loaded = fuzz("assembly", [original], [flipBytes, flipBits, truncate, copyBlock], 1500, (bytes) => {
      for (const program of loadAssembly(decoder.decode(bytes)).programs.values())
        attempt(() => checkProgram(program));
    });
    expect(loaded).toBeGreaterThan(10);
  });
});
