// The batch format: every field of a line, every field of an answer, on both engines; what docs/batch.md promises
// besides; lines that make no sense.

import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { BatchHarness } from "../dist/src/harness/batch.js";
import {
  type Answer,
  answersTo,
  asker,
  bytes,
  code,
  type Line,
  rawLine,
  withoutAddresses,
} from "./support/batch-lines.ts";
import { CHECKING_ENGINES } from "./support/engines.ts";

const HASH = { type: 1, key: 4, value: 8, max: 16 };
const ARRAY = { type: 2, key: 4, value: 8, max: 2 };
const WRITE_ONLY = 16;
const READ_ONLY = 8;

/** A lddw with any source, which assembly writes only with what belongs to it. */
const lddw = (source: number, low: number, high = 0): string =>
  `18${source}1${"0000"}${bytes(low, 4)}${"00000000"}${bytes(high, 4)}`;

describe.each(CHECKING_ENGINES)("a program on %s", (engine) => {
  const ask = asker(engine);

  it("comes back under its id, whatever JSON that is", () => {
    const ids = [0, -1.5, "", "a b", "\u2028", null, true, [1, [2]], { a: { b: [] } }];
    for (const id of ids) expect(ask({ id, ...rawLine("exit") })).toHaveProperty("id", id);
    expect(ask(rawLine("exit"))).not.toHaveProperty("id");
  });

  it("is only judged when it is given neither data nor a context", () => {
    const insns = code("r0 = 1\nexit");
    expect(ask({ type: "raw", insns })).toEqual({ verdict: "unverified" });
    for (const type of ["socket_filter", "xdp", "sched_cls", "kprobe", "cgroup_device"]) {
      expect(ask({ id: type, type, insns })).toEqual({ id: type, verdict: "accept", processed: 2 });
    }
  });

  it("starts with r1 and r2 for its memory, r10 on a stack of zeros, all else 0", () => {
    const sum = "r0 = *(u8 *)(r1 + 0)\nr3 = *(u8 *)(r1 + 1)\nr0 += r3\nr2 <<= 8\nr0 |= r2\nexit";
    expect(ask(rawLine(sum, { data: "0102ff" })).retval).toBe("0000000000000303");
    const registers = "r0 |= r3\nr0 |= r4\nr0 |= r5\nr0 |= r6\nr0 |= r7\nr0 |= r8\nr0 |= r9\nexit";
    expect(ask(rawLine(registers)).retval).toBe("0".repeat(16));
    const stack = Array.from({ length: 64 }, (_, word) => `r1 = *(u64 *)(r10 - ${8 * word + 8})\nr0 |= r1`);
    const fill = Array.from({ length: 64 }, (_, word) => `*(u64 *)(r10 - ${8 * word + 8}) = -1`);
    expect(ask(rawLine([...stack, ...fill, "exit"].join("\n"))).retval).toBe("0".repeat(16));
    expect(ask(rawLine([...stack, "exit"].join("\n"))).retval).toBe("0".repeat(16));
    expect(ask(rawLine("r0 = *(u64 *)(r10 - 520)\nexit")).trap?.code).toBe("read");
  });

  it("gives all 64 bits of r0, and its memory as it left it", () => {
    expect(ask(rawLine("r0 = -2\nexit"))).toEqual({
      verdict: "unverified",
      retval: "fffffffffffffffe",
      data_out: "",
      maps: [],
    });
    expect(ask(rawLine("r0 = 0x8000000000000001 ll\nexit")).retval).toBe("8000000000000001");
    const store = rawLine("*(u16 *)(r1 + 1) = 0xbeef\nr0 = r2\nexit", { data: "00 11\n2233" });
    expect(ask(store)).toMatchObject({ retval: "0000000000000004", data_out: "00efbe33" });
    expect(ask({ ...store, data: undefined, ctx: "AAbbCC" })).toMatchObject({
      retval: "0000000000000003",
      data_out: "aaefbe",
    });
  });

  const refused: readonly [name: string, line: Line, insn: number | undefined, message: RegExp][] = [
    ["none", { insns: "" }, undefined, /expected instructions, got none/],
    ["no instruction", { insns: `${code("r0 = 0")}ff00000000000000` }, 1, /insn 1: .*unknown opcode 0xff/],
    ["a reserved field", { insns: "9501000000000000" }, 0, /insn 0/],
    ["a jump out of it", { insns: "0500010000000000" }, 0, /insn 0: .*slot 2/],
    ["no end", { insns: code("r0 = 0") }, 0, /insn 0: expected an exit/],
    ["half a wide instruction", { insns: lddw(0, 1).slice(0, 16) }, 0, /insn 0/],
    ["a kernel function", { insns: `8520000001000000${code("exit")}` }, 0, /kernel function/],
    ["a map where there is none", { insns: lddw(1, 0) + code("exit") }, 0, /expected maps for the program/],
    ["a map past the list", { insns: lddw(1, 1) + code("exit"), maps: [ARRAY] }, 0, /in 0\.\.0, got index 1/],
  ];
  it.each(refused)("is refused and does not run: %s", (_, line, insn, message) => {
    const answer = ask({ ...rawLine("exit"), ...line, data: "00" });
    expect(answer).toEqual({
      verdict: "reject",
      message: expect.stringMatching(message),
      ...(insn === undefined ? {} : { insn }),
    });
    expect(ask({ ...rawLine("exit"), ...line, data: undefined })).toEqual(answer);
  });

  const trapped: readonly [code: string, text: string, insn: number][] = [
    ["read", "r0 = *(u32 *)(r1 + 1)\nexit", 2],
    ["read", "r0 = *(u8 *)(r0 + 0)\nexit", 2],
    ["write", "*(u8 *)(r1 - 1) = 1\nexit", 2],
    ["write", "lock *(u32 *)(r10 + 0) += r1\nexit", 2],
    ["limit", "again: r0 += 1\ngoto again", 2],
    ["call-depth", "call f\nexit\nf: call f\nexit", 4],
    ["call-target", "r0 = 12345678\ncallx r0\nexit", 3],
    ["helper-argument", "r1 = 0\nr2 = 0\ncall 1\nexit", 4],
  ];
  it.each(trapped)("stops at what it may not do: %s in '%s'", (trap, text, insn) => {
    const before = "*(u8 *)(r1 + 3) = 0x77\nr6 = r1\n";
    const answer = ask(rawLine(before + text, { data: "00112233", limit: 1000, maps: [ARRAY] }));
    expect(answer).toEqual({
      verdict: "unverified",
      trap: { code: trap, insn, message: expect.stringMatching(new RegExp(`insn ${insn}\\b.*: expected`)) },
      data_out: "00112277",
      maps: [
        [
          ["00000000", "0".repeat(16)],
          ["01000000", "0".repeat(16)],
        ],
      ],
    });
  });

  it("runs as many instructions as its limit says, and not one more", () => {
    const loop = "r0 = 10\nagain: r0 += -1\nif r0 != 0 goto again\nexit";
    expect(ask(rawLine(loop, { limit: 22 })).retval).toBe("0".repeat(16));
    expect(ask(rawLine(loop, { limit: 21 })).trap?.code).toBe("limit");
  });

  it("of a type whose context cannot be made here is not run, and says so", () => {
    for (const memory of [{ data: "00" }, { ctx: "00" }]) {
      const answer = ask({ type: "sk_msg", insns: code("r0 = 1\nexit"), ...memory });
      expect(answer).toEqual({
        verdict: "accept",
        processed: 2,
        error: expect.stringMatching(/^type: .*got sk_msg$/),
      });
    }
  });

  it("that calls what is not here is not run, and says so", () => {
    const line = rawLine("call 200\nexit");
    expect(ask(line)).toEqual({ verdict: "unverified", error: expect.stringContaining("insn 0") });
    expect(ask({ ...line, data: undefined })).toEqual({ verdict: "unverified" });
    const variable = ask({ ...line, insns: lddw(3, 1) + code("exit") });
    expect(variable).toEqual({ verdict: "unverified", error: expect.stringContaining("BTF variable") });
  });
});

describe.each(CHECKING_ENGINES)("maps on %s", (engine) => {
  const ask = asker(engine);
  /** Looks up key 0 of the map in r1; r0 is its value, or -1. */
  const lookup =
    "*(u32 *)(r10 - 4) = 0\nr2 = r10\nr2 += -4\ncall 1\nif r0 == 0 goto none\nr0 = *(u64 *)(r0 + 0)\nexit\n" +
    "none: r0 = -1\nexit";
  const maps = [7, 8, 9].map((value) => ({ ...ARRAY, entries: [["00000000", bytes(value, 8)]] }));

  it.each([1, 5])("are loaded by an lddw with source %i, as relo says or else by its imm", (source) => {
    const by = (imm: number, relo: [number, number][]) =>
      ask({ ...rawLine("exit"), insns: lddw(source, imm) + code(lookup), maps, relo }).retval;
    expect(by(0, [])).toBe("0000000000000007");
    expect(by(2, [])).toBe("0000000000000009");
    expect(by(2, [[0, 1]])).toBe("0000000000000008");
    expect(by(99, [[0, 2]])).toBe("0000000000000009");
  });

  it.each([2, 6])("give an address in their first value to an lddw with source %i", (source) => {
    const value = [{ ...ARRAY, max: 1, entries: [["00000000", "0011223344556677"]] }, ...maps];
    const by = (imm: number, offset: number, relo: [number, number][]) =>
      ask({
        ...rawLine("exit"),
        insns: lddw(source, imm, offset) + code("r0 = *(u8 *)(r1 + 0)\nexit"),
        maps: value,
        relo,
      });
    expect(by(0, 3, []).retval).toBe("0000000000000033");
    expect(by(1, 0, []).retval).toBe("0000000000000007");
    expect(by(3, 7, [[0, 0]]).retval).toBe("0000000000000077");
    expect(by(0, 8, []).trap?.code).toBe("read");
  });

  it("hold their entries before the run, and are given back after it", () => {
    const entries = [
      ["01000000", bytes(41, 8)],
      ["00ff0000", bytes(5, 8)],
      ["01000000", bytes(42, 8)],
    ];
    const count = lookup.replace("= 0\n", "= 1\n").replace("exit\n", "r0 += 1\nexit\n");
    const insns = lddw(1, 0) + code(count);
    const answer = ask({ ...rawLine("exit"), insns, maps: [{ ...HASH, entries }, ARRAY] });
    expect(answer.retval).toBe(bytes(43, 8).match(/../g)?.reverse().join(""));
    // Of a hash in the order of the keys' digits, of an array all elements.
    expect(answer.maps).toEqual([
      [
        ["00ff0000", bytes(5, 8)],
        ["01000000", bytes(42, 8)],
      ],
      [
        ["00000000", bytes(0, 8)],
        ["01000000", bytes(0, 8)],
      ],
    ]);
  });

  it("show what the program wrote, also before a trap", () => {
    const update =
      "*(u32 *)(r10 - 4) = 3\n*(u64 *)(r10 - 16) = 6\nr2 = r10\nr2 += -4\nr3 = r10\nr3 += -16\nr4 = 0\ncall 2\n";
    for (const end of ["exit", "r0 = *(u8 *)(r0 + 0)\nexit"]) {
      const answer = ask({ ...rawLine("exit"), insns: lddw(1, 0) + code(update + end), maps: [HASH] });
      expect(answer.maps).toEqual([[["03000000", bytes(6, 8)]]]);
      expect(answer.trap === undefined).toBe(end === "exit");
    }
  });

  it("are null in the answer when the host may not read them", () => {
    const answer = ask(rawLine("r0 = 0\nexit", { maps: [{ ...HASH, flags: WRITE_ONLY }, ARRAY] }));
    expect(answer.maps?.map((map) => map === null)).toEqual([true, false]);
  });

  const impossible: readonly [name: string, map: Line, error: RegExp][] = [
    ["of a type that is not here", { ...HASH, type: 3 }, /maps\[0\].*type/],
    ["of no type", { ...HASH, type: 9999 }, /maps\[0\].*type/],
    ["without a size", { ...HASH, key: 0 }, /maps\[0\].*keySize/],
    ["an array with another key", { ...ARRAY, key: 8 }, /maps\[0\].*key of 4 bytes/],
    ["with a flag that its type does not have", { ...ARRAY, flags: 1 }, /maps\[0\].*flags/],
    ["too large", { ...HASH, max: 0xffff_ffff }, /maps\[0\]/],
    ["fuller than it can be", { ...HASH, max: 1, entries: entriesUpTo(2) }, /maps\[0\]\.entries\[1\].*E2BIG/],
    ["past an array's end", { ...ARRAY, entries: entriesUpTo(3) }, /maps\[0\]\.entries\[2\].*E2BIG/],
    ["that may not be written", { ...HASH, flags: READ_ONLY, entries: entriesUpTo(1) }, /EPERM/],
  ];
  it.each(impossible)("cannot be had: %s; judging does without them", (_, map, error) => {
    const line = rawLine("exit", { maps: [map] });
    expect(ask(line)).toEqual({ verdict: "unverified", error: expect.stringMatching(error) });
    expect(ask({ ...line, data: undefined })).toEqual({ verdict: "unverified" });
  });

  it("fit into an answer up to a number of digits in all", () => {
    const digits = 2 * (ARRAY.key + ARRAY.value);
    const most = Math.floor(16_777_216 / digits);
    const full = ask(
      rawLine("exit", {
        maps: [
          { ...ARRAY, max: most - 1 },
          { ...ARRAY, max: 1 },
        ],
      }),
    );
    expect(full.maps?.[0]).toHaveLength(most - 1);
    const over = ask(
      rawLine("exit", {
        maps: [
          { ...ARRAY, max: most },
          { ...ARRAY, max: 1 },
        ],
      }),
    );
    expect(over).toEqual({
      verdict: "unverified",
      error: expect.stringMatching(/^maps\[1\].*16777216 digits/),
    });
  });
});

function entriesUpTo(count: number): string[][] {
  return Array.from({ length: count }, (_, index) => [bytes(index, 4), bytes(index, 8)]);
}

describe("a line that makes no sense", () => {
  const ask = asker("wasm");
  const good = rawLine("exit", { id: 7 });
  const wrong: readonly [field: string, change: Line, error: RegExp][] = [
    ["type", { type: undefined }, /^type: expected a program type, got nothing$/],
    ["type", { type: "constructor" }, /^type: .*got "constructor"$/],
    ["type", { type: 6 }, /^type: .*got 6$/],
    ["insns", { insns: undefined }, /^insns: expected hexadecimal digits in pairs, got nothing$/],
    ["insns", { insns: "950" }, /^insns: /],
    ["insns", { insns: "9500" }, /^insns: expected a multiple of 8 bytes, got 2$/],
    ["insns", { insns: "zz" }, /^insns: /],
    ["insns", { insns: ["95"] }, /^insns: .*got a list$/],
    ["data", { data: 5 }, /^data: /],
    ["data", { data: null }, /^data: .*got null$/],
    ["data", { data: "0x00" }, /^data: /],
    ["ctx", { ctx: "00" }, /^ctx: expected data or ctx for raw, got both$/],
    ["ctx", { ctx: {}, data: undefined }, /^ctx: .*got an object$/],
    ["limit", { limit: 0 }, /^limit: expected a whole number in 1\.\.9007199254740991, got 0$/],
    ["limit", { limit: 1.5 }, /^limit: /],
    ["limit", { limit: 2 ** 53 }, /^limit: /],
    ["limit", { limit: "9" }, /^limit: /],
    ["license", { license: 1 }, /^license: expected a string, got 1$/],
    ["attach", { attach: [] }, /^attach: /],
    ["flags", { flags: -1 }, /^flags: /],
    ["flags", { flags: 2 ** 32 }, /^flags: /],
    ["caps", { caps: "none" }, /^caps: expected "all" or "bpf", got "none"$/],
    ["relo", { relo: {} }, /^relo: expected a list, got an object$/],
    ["relo", { relo: [[0, 0]] }, /^relo\[0\]: expected maps on the line/],
    ["relo", { relo: [[0, 1]], maps: [HASH] }, /^relo\[0\]: map: .*0\.\.0, got 1$/],
    ["relo", { relo: [[-1, 0]], maps: [HASH] }, /^relo\[0\]: insn: /],
    ["relo", { relo: [0], maps: [HASH] }, /^relo\[0\]: expected a list of two, got 0$/],
    ["relo", { relo: [[0, 0, 0]], maps: [HASH] }, /^relo\[0\]: expected a list of two/],
    ["relo", { relo: [[0, 0]], maps: [HASH] }, /^relo: .*insn 0: expected a lddw that loads a map/],
    ["relo", { relo: [[5, 0]], maps: [HASH] }, /^relo: .*insn 5/],
    ["maps", { maps: {} }, /^maps: expected a list/],
    ["maps", { maps: [HASH, 4] }, /^maps\[1\]: expected an object, got 4$/],
    ["maps", { maps: [{ ...HASH, type: "hash" }] }, /^maps\[0\]\.type: /],
    ["maps", { maps: [{ ...HASH, key: undefined }] }, /^maps\[0\]\.key: .*got nothing$/],
    ["maps", { maps: [{ ...HASH, value: -8 }] }, /^maps\[0\]\.value: /],
    ["maps", { maps: [{ ...HASH, max: 2 ** 32 }] }, /^maps\[0\]\.max: /],
    ["maps", { maps: [{ ...HASH, flags: 0.5 }] }, /^maps\[0\]\.flags: /],
    ["maps", { maps: [{ ...HASH, entries: 1 }] }, /^maps\[0\]\.entries: /],
    ["maps", { maps: [{ ...HASH, entries: [["00"]] }] }, /^maps\[0\]\.entries\[0\]: expected a list of two/],
    [
      "maps",
      { maps: [{ ...HASH, entries: [["00", ""]] }] },
      /^maps\[0\]\.entries\[0\]: key: expected 4 bytes, got 1/,
    ],
    [
      "maps",
      { maps: [{ ...HASH, entries: [["00000000", ""]] }] },
      /^maps\[0\]\.entries\[0\]: value: expected 8 bytes/,
    ],
  ];
  it.each(wrong)("is answered with an error that names the field: %s, %o", (_, change, error) => {
    expect(ask({ ...good, ...change })).toEqual({ id: 7, error: expect.stringMatching(error) });
    expect(ask(good)).toMatchObject({ id: 7, retval: "0".repeat(16) });
  });

  const noObject = [
    "",
    " ",
    "{",
    "null",
    "3",
    '"x"',
    "[]",
    "{}{}",
    '{"id":1}}',
    "\u0000",
    "[".repeat(300_000),
  ];
  it.each(noObject.map((text) => [text.slice(0, 20), text]))("is answered without an id: %o", (_, text) => {
    expect(ask(text)).toEqual({ error: expect.stringMatching(/^line: expected (JSON|an object), got /) });
  });

  it("may have an id that is nested too deep to be written again", () => {
    const depth = 200_000;
    const line = `{"id":${"[".repeat(depth)}${"]".repeat(depth)}}`;
    expect(ask(line)).toEqual({ error: expect.stringMatching(/^id: /) });
  });

  it("is not made of fields that the format does not know", () => {
    expect(ask({ ...good, comment: { any: "thing" } }).retval).toBe("0".repeat(16));
  });
});

describe.each(CHECKING_ENGINES)("what one line leaves behind on %s", (engine) => {
  const address = rawLine("r0 = r1\nexit", { id: "address" });
  /** Lines of every outcome; each takes memory and ends in a way of its own. */
  const kinds: readonly Line[] = [
    rawLine("r0 = 5\nexit", { data: "00".repeat(5000) }),
    rawLine("r0 = *(u8 *)(r1 + 0)\nexit", { maps: [HASH, ARRAY] }),
    rawLine("again: goto again", { limit: 100, maps: [HASH] }),
    rawLine("call 200\nexit", { maps: [ARRAY] }),
    rawLine("exit", { maps: [HASH, { ...HASH, type: 3 }] }),
    rawLine("exit", { maps: [{ ...ARRAY, entries: entriesUpTo(3) }] }),
    rawLine("exit", { maps: [ARRAY, { ...HASH, max: 0xffff_ffff }] }),
    rawLine("goto +3\nexit"),
    { type: "xdp", insns: code("exit"), data: "00" },
    { type: 7 },
  ];

  it("does not pile up: memory lies where it lay, after thousands of lines", () => {
    const ask = asker(engine);
    for (const line of kinds) ask(line);
    const first = ask(address);
    expect(first.retval).not.toBe("0".repeat(16));
    for (let round = 0; round < 500; round++) {
      for (const line of kinds) ask(line);
      expect(ask(address)).toEqual(first);
    }
  });

  it("is no memory, however large its maps were", () => {
    const ask = asker(engine);
    // Two of them do not fit into one address space.
    const large = rawLine("exit", { maps: [{ ...HASH, value: 1_300_000, max: 999 }] });
    for (let round = 0; round < 4; round++) expect(ask(large).maps).toEqual([[]]);
  });

  it("is not seen by the next: random numbers, time, task, CPU, maps, stack", () => {
    const ask = asker(engine);
    const random = rawLine("call 7\nr6 = r0\ncall 7\nr6 <<= 32\nr0 |= r6\nexit");
    const drawn = ask(random).retval;
    expect(drawn).toMatch(/^(?!(.{8})\1)[0-9a-f]{16}$/);
    expect(ask(random).retval).toBe(drawn);
    const ktime = rawLine("call 5\nexit");
    expect(ask(ktime).retval).toBe((1_000_000_000).toString(16).padStart(16, "0"));
    expect(ask(rawLine("call 14\nr6 = r0\ncall 8\nr0 |= r6\nexit")).retval).toBe("0".repeat(16));
    const comm = "r1 = r10\nr1 += -16\nr2 = 16\ncall 16\nr0 = *(u64 *)(r10 - 16)\nexit";
    expect(
      Buffer.from(String(ask(rawLine(comm)).retval), "hex")
        .reverse()
        .toString(),
    ).toBe("swapper/");
    const empty = rawLine("exit", { maps: [HASH] });
    expect(ask({ ...empty, maps: [{ ...HASH, entries: entriesUpTo(9) }] }).maps?.[0]).toHaveLength(9);
    expect(ask(empty).maps).toEqual([[]]);
  });
});

describe("the harness", () => {
  it("refuses an engine that is none", () => {
    expect(() => new BatchHarness("warp" as "ts")).toThrow(/^engine: expected auto, .*got "warp"$/);
  });

  it("takes the fields meant for the verifier with raw programs too, for which they change nothing", () => {
    const ask = asker("wasm");
    const plain: Answer = ask(rawLine("r0 = 1\nexit"));
    const fields = { license: "GPL", attach: "lo", flags: 0xffff_ffff, caps: "bpf" };
    expect(plain.retval).toBe("0000000000000001");
    expect(ask(rawLine("r0 = 1\nexit", fields))).toEqual(plain);
    expect(ask(rawLine("r0 = 1\nexit", { caps: "all", license: "" }))).toEqual(plain);
  });

  it("judges programs of a million slots, and refuses one more", () => {
    const ask = asker("wasm");
    const insns = (slots: number) => "b700000000000000".repeat(slots - 1) + code("exit");
    expect(ask({ type: "raw", insns: insns(1_000_000) })).toEqual({ verdict: "unverified" });
    expect(ask({ type: "raw", insns: insns(1_000_001) })).toEqual({
      verdict: "reject",
      message: expect.stringMatching(/at most 1000000 instructions, got 1000001/),
    });
  });
});

describe("lines of some input", () => {
  const line = (id: unknown): string => JSON.stringify(rawLine("r0 = 1\nexit", { id }));
  const idsOf = (answers: readonly Answer[]) =>
    answers.map(({ id, error }) => (error === undefined ? id : error));

  it("end with a newline, not with what else Unicode takes for one, wherever chunks are cut", async () => {
    const separators = "a\u2028b\u2029c\u0085d\u00e9\ud83d\udc1d";
    const text = `\n${line(1)}\r\n  \n\r\n${line(separators)}\n\t\n{"id":3\n${line(4)}`;
    const expected = [1, separators, expect.stringContaining("expected JSON"), 4];
    const whole = Buffer.from(text);
    expect(idsOf(await answersTo("wasm", [whole]))).toEqual(expected);
    const single = Array.from(whole, (byte) => Uint8Array.of(byte));
    expect(idsOf(await answersTo("wasm", single))).toEqual(expected);
    const ended = [whole.subarray(0, 10), whole.subarray(10), "", "\n", "\n"];
    expect(idsOf(await answersTo("wasm", ended))).toEqual(expected);
    expect(await answersTo("wasm", ["", "\n", " "])).toEqual([]);
  });

  it("may be of any length up to 64 MiB; the ones behind a longer one are read all the same", async () => {
    const most = 1 << 26;
    const padded = (size: number) => [line(size), " ".repeat(size - line(size).length), "\n"];
    const chunks = [line("first"), "\n", ...padded(most), ...padded(most + 1), line("last")];
    const tooLong = `line: expected at most ${most} bytes, got more`;
    expect(idsOf(await answersTo("wasm", chunks))).toEqual(["first", most, tooLong, "last"]);
  });
});

describe("the example in docs/batch.md", () => {
  const text = readFileSync("docs/batch.md", "utf8");
  const block = (name: string) => new RegExp(`\`\`\`jsonl ${name}\\n([^\`]+)\`\`\``).exec(text)?.[1] ?? "";

  it.each(CHECKING_ENGINES)("gives the answers that stand there (%s)", async (engine) => {
    const answers = await answersTo(engine, [block("lines")]);
    const promised = block("answers").trim().split("\n");
    expect(promised.length).toBeGreaterThan(4);
    const expected = promised.map((each) => JSON.parse(each) as Answer);
    expect(answers.map(withoutAddresses)).toEqual(expected.map(withoutAddresses));
  });
});
