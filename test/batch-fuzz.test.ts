// Lines of the batch format damaged at random, as text and as JSON: every one gets an answer that says what it may say
// and says the same on every engine, and the harness goes on as before.

import { describe, expect, it } from "vitest";
import { BatchHarness } from "../dist/src/harness/batch.js";
import { type Answer, bytes, code, type Line, rawLine } from "./support/batch-lines.ts";
import { CHECKING_ENGINES } from "./support/engines.ts";
import { Random } from "./support/random.ts";

const ENTRIES = [
  ["00000000", bytes(7, 8)],
  ["01000000", bytes(8, 8)],
];
const HASH = { type: 1, key: 4, value: 8, max: 16, flags: 0, entries: ENTRIES };
const ARRAY = { type: 2, key: 4, value: 8, max: 2, entries: ENTRIES };
const COUNT =
  "*(u32 *)(r10 - 4) = 1\nr2 = r10\nr2 += -4\nr1 = map[fd:0]\ncall 1\nif r0 == 0 goto out\n" +
  "r1 = *(u64 *)(r0 + 0)\nr1 += 1\n*(u64 *)(r0 + 0) = r1\nr0 = r1\nout: exit";
const STORE =
  "*(u32 *)(r10 - 4) = 1\n*(u64 *)(r10 - 16) = 5\nr2 = r10\nr2 += -4\nr3 = r10\nr3 += -16\nr4 = 0\n" +
  "r1 = map[idx:1]\ncall 2\nr0 = 0\nexit";

const GOOD: readonly Line[] = [
  rawLine("r0 = *(u8 *)(r1 + 0)\nr2 = *(u8 *)(r1 + 1)\nr0 += r2\n*(u8 *)(r1 + 0) = r0\nexit", {
    data: "2002ff",
  }),
  rawLine(COUNT, { relo: [[3, 0]], maps: [HASH], license: "GPL" }),
  rawLine(STORE, { relo: [[8, 0]], maps: [ARRAY, HASH], flags: 1, caps: "bpf" }),
  rawLine("r0 = 5\nagain: r0 += -1\nif r0 != 0 goto again\ncall f\nexit\nf: r0 = 3\nexit", { limit: 50 }),
  rawLine("r0 = map[fd:0][0]+4\nr0 = *(u32 *)(r0 + 0)\nexit", { data: undefined, ctx: "00", maps: [ARRAY] }),
  { type: "raw", insns: code("r0 = 2\nexit"), attach: "lo" },
  { type: "xdp", insns: code("r0 = 2\nexit"), attach: "lo" },
  { type: "xdp", insns: code("r0 = 2\nexit"), data: "00" },
  {
    type: "xdp",
    insns: code(
      "r2 = *(u32 *)(r1 + 0)\nr3 = *(u32 *)(r1 + 4)\nr4 = r2\nr4 += 2\nr0 = 1\nif r4 > r3 goto out\n" +
        "r0 = *(u16 *)(r2 + 0)\nout: exit",
    ),
    data: "20".repeat(16),
  },
  { type: "socket_filter", insns: code("r6 = r1\nr0 = *(u16 *)skb[2]\nexit"), data: "07".repeat(20) },
  { type: "raw_tracepoint", insns: code("r0 = *(u64 *)(r1 + 8)\nexit"), ctx: "07".repeat(20) },
];

/** Values that stand for wrong kinds, wrong sizes and edges. */
const ODD: readonly unknown[] = [
  null,
  true,
  0,
  -1,
  1.5,
  1e300,
  2 ** 31,
  2 ** 32,
  2 ** 53,
  "",
  "0",
  "00",
  "zz",
  "95".repeat(8),
  "raw",
  "\u2028",
  "\ud800",
  [],
  [[]],
  [[0, 0]],
  [["", ""]],
  {},
  { type: 2 },
  HASH,
  [HASH, ARRAY],
  [null],
  "__proto__",
];

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** A copy with one value in it, at any depth, replaced, dropped, or put in twice. */
function withChange(value: Json, random: Random): Json {
  if (typeof value === "string" && random.chance(0.6)) return withEdits(value, random);
  if (typeof value !== "object" || value === null || random.chance(0.15)) return random.pick(ODD) as Json;
  if (Array.isArray(value)) {
    const at = random.below(value.length);
    if (value.length === 0 || random.chance(0.2)) return [...value, random.pick(ODD) as Json];
    if (random.chance(0.2)) return value.toSpliced(at, 1);
    if (random.chance(0.2)) return value.toSpliced(at, 0, value[at] as Json);
    return value.with(at, withChange(value[at] as Json, random));
  }
  const name = random.pick([...Object.keys(value), "id", "limit", "maps", "relo"]);
  return { ...value, [name]: withChange(value[name] ?? null, random) };
}

/** A text with up to three stretches of it changed, cut out, repeated or moved. */
function withEdits(text: string, random: Random): string {
  let result = text;
  for (let edits = random.between(1, 3); edits > 0; edits--) {
    const at = random.below(result.length);
    const end = Math.min(result.length, at + random.between(1, random.chance(0.8) ? 2 : 40));
    const piece = result.slice(at, end);
    const instead = random.pick([
      random.pick('0123456789abcdef{}[]",:-.eE \\\u0000\u2028'),
      "",
      piece + piece,
      result.slice(end, end + piece.length),
    ]);
    result = result.slice(0, at) + instead + result.slice(end);
  }
  return result;
}

/** The line with a few digits of its instructions changed: still hexadecimal, often still a program. */
function withOtherInsns(line: Line, random: Random): Json {
  const digits = [...(line.insns as string)];
  for (let count = random.between(1, 3); count > 0; count--) {
    digits[random.below(digits.length)] = random.pick("0123456789abcdef");
  }
  return { ...line, insns: digits.join("") } as Json;
}

/** A damaged line; a program that runs is stopped soon, and a map is small or too large to be made. */
function damaged(random: Random): string {
  const line: Line = { id: random.bits(), limit: 200, ...random.pick(GOOD) };
  let value = line as Json;
  if (random.chance(0.4)) value = withOtherInsns(line, random);
  else if (random.chance(0.6)) value = withChange(value, random);
  let text = JSON.stringify(value);
  if (random.chance(0.2)) text = withEdits(text, random);
  const fields = parsed(text);
  if (fields === undefined) return text;
  const { limit, maps } = fields;
  if (limit === undefined || (Number.isSafeInteger(limit) && (limit as number) > 200)) fields.limit = 200;
  for (const map of Array.isArray(maps) ? maps : []) {
    if (typeof map === "object" && map !== null && Number((map as Line).max) > 1e6)
      (map as { max: number }).max = 1e9;
  }
  return JSON.stringify(fields);
}

/** The fields of a line, where it is an object. */
function parsed(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}

/** Says what of an answer the format does not allow; undefined when all is well. */
function complaint(text: string, answer: Answer): string | undefined {
  if (text.includes("\n")) return "more than a line";
  const { id, verdict, message, insn, processed, retval, trap, data_out, ctx_out, maps, error, ...others } =
    answer;
  if (Object.keys(others).length > 0) return `has ${Object.keys(others).join()}`;
  // Errors that are not ours have other words: they are bugs. The verifier's messages are the kernel's.
  for (const words of [processed === undefined ? message : undefined, error, trap?.message]) {
    if (words !== undefined && !/: expected |: E[A-Z0-9]+$/.test(words)) return `says ${words}`;
  }
  if (insn !== undefined && (verdict !== "reject" || !Number.isInteger(insn))) return "insn without a reject";
  if ((verdict === "reject") !== (message !== undefined)) return "reject without a message";
  const ran = retval !== undefined || trap !== undefined;
  if (ran !== (maps !== undefined) || ran !== (data_out !== undefined)) return "half a run";
  if (ran && (verdict === undefined || verdict === "reject" || error !== undefined))
    return "a run that is none";
  if (verdict === "unverified" && processed !== undefined) return "judged, but not verified";
  if (verdict === "accept" && (processed === undefined || trap !== undefined)) return "half a verdict";
  if (ctx_out !== undefined && (!ran || verdict !== "accept")) return "a context that is none";
  if (retval !== undefined && (trap !== undefined || !isReturned(retval, verdict))) return "retval";
  if (verdict === undefined && error === undefined) return "nothing at all";
  return undefined;
}

/** Digits of 64 bits from raw programs, a number of 32 from verified ones. */
function isReturned(retval: unknown, verdict: string | undefined): boolean {
  if (verdict !== "accept") return typeof retval === "string" && /^[0-9a-f]{16}$/.test(retval);
  return Number.isInteger(retval) && (retval as number) >= 0 && (retval as number) < 2 ** 32;
}

/** What kind of answer it is, to count them. */
function kindOf({ verdict, retval, trap, error }: Answer): string {
  if (retval !== undefined) return verdict === "accept" ? "verified run" : "run";
  if (trap !== undefined) return "trap";
  if (verdict === undefined) return "error";
  return error === undefined ? verdict : "not run";
}

describe("damaged lines", () => {
  it("each get one answer, the same on every engine, and harm nobody after them", () => {
    const harnesses = CHECKING_ENGINES.map((engine) => new BatchHarness(engine));
    const good = JSON.stringify({ id: "good", ...GOOD[1] });
    const [expected] = harnesses.map((harness) => harness.answer(good));
    const kinds = new Map<string, number>();
    for (let seed = 1; seed <= 15_000; seed++) {
      const line = damaged(new Random(seed));
      const texts = harnesses.map((harness) => harness.answer(line));
      const answer = JSON.parse(texts[0] as string) as Answer;
      const place = `seed ${seed}: ${line}\n${texts.join("\n")}`;
      expect(complaint(texts[0] as string, answer), place).toBeUndefined();
      // JSON has one undefined, the missing value: compared as text, so that null is not taken for it.
      expect(JSON.stringify(answer.id), place).toBe(JSON.stringify(parsed(line)?.id));
      // Every harness was given the same lines, so addresses in answers are the same too.
      for (const text of texts) expect(text, place).toBe(texts[0]);
      for (const harness of harnesses) expect(harness.answer(good), place).toBe(expected);
      kinds.set(kindOf(answer), (kinds.get(kindOf(answer)) ?? 0) + 1);
    }
    // Damage that only ever breaks the JSON would test nothing behind it.
    for (const kind of [
      "run",
      "verified run",
      "trap",
      "error",
      "reject",
      "unverified",
      "accept",
      "not run",
    ]) {
      expect(kinds.get(kind) ?? 0, kind).toBeGreaterThan(100);
    }
  });
});
