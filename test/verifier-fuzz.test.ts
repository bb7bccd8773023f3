// 20,000 generated programs as Linux 6.18 judged and ran them: the same verdicts, and of what both accept the same
// result, packet and maps on every engine. By default every fifth; all with TRACEBEE_FUZZ=all.

import { describe, expect, it } from "vitest";
import { BpfMap, ENGINES, loadRaw, type MapSpec, type ProgramType, Runtime } from "../dist/src/index.js";
import { testRun } from "../dist/src/test-run/test-run.js";
import { judge, type Verdict } from "../dist/src/verifier/verify.js";
import { ENGINE_NAMES } from "./support/engines.ts";
import { readOracleBytes } from "./support/oracles.ts";
import { Random } from "./support/random.ts";
import { fillStack, randomStack, withoutZeroing } from "./support/stacks.ts";

interface FuzzCase {
  readonly seed: number;
  readonly type: ProgramType;
  readonly insns: string;
  readonly relo: readonly (readonly [number, number])[];
  readonly verdict: "ACCEPT" | "REJECT";
  readonly msg?: string;
  readonly verdict_capbpf?: "ACCEPT" | "REJECT";
  readonly retval?: number;
  /** `=`: as it was. */
  readonly data_out?: string;
  readonly arr?: string;
  readonly hash?: Readonly<Record<string, string>>;
  readonly deterministic?: boolean;
}

const isWhole = process.env.TRACEBEE_FUZZ === "all";
const packed = readOracleBytes("fuzz-cases.jsonl.gz");
const cases: FuzzCase[] = (packed === undefined ? "" : new TextDecoder().decode(packed))
  .split("\n")
  .filter((line, index) => line !== "" && (isWhole || index % 5 === 0))
  .map((line) => JSON.parse(line));

const ARRAY: MapSpec = { name: "arr", type: 2, keySize: 4, valueSize: 16, maxEntries: 4, flags: 0 };
const HASH: MapSpec = { name: "hash", type: 1, keySize: 8, valueSize: 16, maxEntries: 8, flags: 0 };
const PACKET =
  "ffffffffffff00112233445508004500003200010000400600000a0000010a00000200501f90000000010000000250100200" +
  "000000006465666768696a6b6c6d";

/** Cases whose verdict is another one here, with the reason. */
const OTHER_VERDICT: ReadonlyMap<number, string> = new Map();

/** Runs whose result is another one here, though they read no stack that they did not write. */
const OTHER_RESULT: ReadonlyMap<number, string> = new Map([
  [336, "multiplies a byte of stack that was never written"],
  [1446, "compares the context's address with a number"],
  [2021, "writes half of an address into the packet"],
  [7157, "tests bits of stack that was never written"],
  [11872, "returns the CPU, which was 1"],
  [18566, "writes a byte of an address into the packet"],
]);

/** Keys of the hash that the kernel was asked for after a run. */
const RECORDED_KEYS = 4;

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
const fromHex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, "hex"));
const number = (size: number, value: number): Uint8Array => Uint8Array.of(value, ...new Uint8Array(size - 1));
const filled = (byte: number): Uint8Array => new Uint8Array(16).fill(byte);

const loadFuzz = ({ type, insns, relo }: FuzzCase) =>
  loadRaw(fromHex(insns), { type, license: "GPL", maps: [ARRAY, HASH], relo });

const judged = new Map<number, Verdict>();

/** Judged at the first call. */
function verdictOn(each: FuzzCase): Verdict {
  const known = judged.get(each.seed) ?? judge(loadFuzz(each));
  judged.set(each.seed, known);
  return known;
}

const lastLine = (text: string): string => text.slice(text.lastIndexOf("\n") + 1);

/** What stack that was never written may hold. */
const STACKS = [1, 2, 3, 4, 5, 6, 7, 8].map((seed) => randomStack(new Random(seed)));

interface Stack {
  readonly bytes?: Uint8Array;
  /** Engines are told that no run reads what it did not write: what they would zero stays. */
  readonly isTrusted?: boolean;
}

/** All that can be seen of a run, as text. */
function runFuzz(
  runtime: Runtime,
  engine: (typeof ENGINE_NAMES)[number],
  each: FuzzCase,
  { bytes, isTrusted = false }: Stack = {},
): string {
  const { program: verified } = verdictOn(each);
  if (verified === undefined) throw new Error(`seed ${each.seed} was not accepted`);
  const program = isTrusted ? withoutZeroing(verified) : verified;
  const array = new BpfMap(runtime, ARRAY);
  const hash = new BpfMap(runtime, HASH);
  try {
    for (let key = 0; key < 4; key++) array.tryUpdateBytes(number(4, key), filled(key + 1));
    for (let key = 0; key < 2; key++) hash.tryUpdateBytes(number(8, key), filled(0x10 + key));
    const bindings = new Map([
      [ARRAY, array],
      [HASH, hash],
    ]);
    const executable = ENGINES[engine].prepare(runtime, program, bindings);
    try {
      if (bytes !== undefined) fillStack(runtime, bytes);
      const { returned, data } = testRun(executable, { data: fromHex(PACKET) });
      const entries = Array.from({ length: RECORDED_KEYS }, (_, key) => {
        const value = hash.lookupBytes(number(8, key));
        return value === undefined ? [] : [`${key}=${hex(value)}`];
      });
      const values = [...array.entriesBytes()].map(([, value]) => hex(value));
      return [returned, hex(data), values.join(""), ...entries.flat()].join(" ");
    } finally {
      executable.close();
    }
  } finally {
    array.close();
    hash.close();
  }
}

/** True when a program's result depends on where memory lies: the same engine gives another when it is moved. */
function showsAddress(each: FuzzCase): boolean {
  const results = [0, 24, 104, 1000].map((bytes) => {
    const runtime = new Runtime({ clock: () => 1_000_000_000n });
    if (bytes > 0) runtime.allocateBuffer(bytes);
    return runFuzz(runtime, "wasm", each);
  });
  return new Set(results).size > 1;
}

/** The same as the kernel recorded it. */
function recorded({ retval, data_out, arr, hash = {} }: FuzzCase): string {
  const entries = Object.keys(hash)
    .sort()
    .map((key) => `${key}=${hash[key]}`);
  return [retval, data_out === "=" ? PACKET : data_out, arr, ...entries].join(" ");
}

describe.skipIf(packed === undefined)("generated programs", { timeout: 600_000 }, () => {
  it("are there", () => {
    expect(cases.length).toBe(isWhole ? 20_000 : 4_000);
  });

  it("get the kernel's verdict", () => {
    const wrong = cases.flatMap((each) => {
      const { seed, verdict, msg } = each;
      const { isAccepted, message } = verdictOn(each);
      const isSame = isAccepted === (verdict === "ACCEPT");
      if (isSame !== OTHER_VERDICT.has(seed)) return [];
      return [
        `${seed}: expected ${msg ?? verdict}, got ${message || "ACCEPT"}${isSame ? ", though listed" : ""}`,
      ];
    });
    expect(wrong).toEqual([]);
  });

  it("are rejected in the kernel's words", () => {
    const rejected = cases.filter(({ seed, verdict }) => verdict === "REJECT" && !OTHER_VERDICT.has(seed));
    const same = rejected.filter((each) => lastLine(verdictOn(each).message) === each.msg);
    expect(same.length / rejected.length).toBeGreaterThan(0.95);
  });

  it.each(ENGINE_NAMES)("give the kernel's results on engine %s", (engine) => {
    const runtime = new Runtime({ clock: () => 1_000_000_000n });
    const wrong: string[] = [];
    const counts = { same: 0, readsStack: 0, listed: 0 };
    for (const each of cases) {
      const { seed, deterministic } = each;
      if (deterministic !== true || !verdictOn(each).isAccepted) continue;
      const result = runFuzz(runtime, engine, each);
      if (result === recorded(each)) {
        counts.same++;
        if (OTHER_RESULT.has(seed)) wrong.push(`${seed}: listed, but the same`);
      } else if (OTHER_RESULT.has(seed)) counts.listed++;
      // What the kernel's stack held is not known: such a run is the kernel's only for one content.
      else if (
        STACKS.some((bytes) => runFuzz(runtime, engine, each, { bytes, isTrusted: true }) !== result)
      ) {
        counts.readsStack++;
      } else wrong.push(`${seed}: expected ${recorded(each)}, got ${result}`);
    }
    expect(wrong).toEqual([]);
    const all = counts.same + counts.readsStack + counts.listed;
    expect(counts.same / all).toBeGreaterThan(0.93);
    console.log(`fuzz runs on ${engine}: ${JSON.stringify(counts)}`);
  });

  it.each(ENGINE_NAMES)("give the same results whatever lay in the stack, on engine %s", (engine) => {
    const runtime = new Runtime({ clock: () => 1_000_000_000n });
    let dependent = 0;
    for (const each of cases) {
      const { program } = verdictOn(each);
      if (program === undefined) continue;
      const result = runFuzz(runtime, engine, each);
      const [bytes] = STACKS;
      expect(runFuzz(runtime, engine, each, { bytes }), `seed ${each.seed}`).toBe(result);
      if (runFuzz(runtime, engine, each, { bytes, isTrusted: true }) === result) continue;
      dependent++;
      expect(Math.max(...program.proof.unwrittenStack)).toBeGreaterThan(0);
    }
    expect(dependent).toBeGreaterThan(cases.length / 100);
  });

  it("give the same results on every engine, deterministic or not", () => {
    const runtimes = ENGINE_NAMES.map(() => new Runtime({ clock: () => 1_000_000_000n }));
    let count = 0;
    let addresses = 0;
    for (const each of cases) {
      if (each.verdict !== "ACCEPT" || !verdictOn(each).isAccepted) continue;
      const results = ENGINE_NAMES.map((engine, index) => runFuzz(runtimes[index], engine, each));
      const isSame = results.every((result) => result === results[0]);
      // Engines take different blocks of memory for themselves: what shows an address may differ by that.
      if (!isSame && showsAddress(each)) {
        addresses++;
        continue;
      }
      for (const result of results) expect(result, `seed ${each.seed}`).toBe(results[0]);
      count++;
    }
    expect(count).toBeGreaterThan(cases.length / 2);
    expect(addresses).toBeLessThan(cases.length / 50);
  });
});

describe.skipIf(packed === undefined)("generated programs, for CAP_BPF alone", { timeout: 600_000 }, () => {
  it("leak no pointer that the kernel does not let leak", () => {
    const both = cases.filter(
      ({ verdict_capbpf }, index) => verdict_capbpf !== undefined && (isWhole || index % 4 === 0),
    );
    const unsafe: string[] = [];
    let same = 0;
    for (const each of both) {
      const { isAccepted, message } = judge(loadFuzz(each), { caps: "bpf" });
      if (isAccepted === (each.verdict_capbpf === "ACCEPT")) same++;
      else if (isAccepted) unsafe.push(`${each.seed} ${message}`);
    }
    expect(unsafe).toEqual([]);
    expect(same / both.length).toBeGreaterThan(0.995);
  });
});
