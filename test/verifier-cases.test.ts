// The kernel's own verifier/*.c, judged and run by Linux 6.18: verdicts, messages, and what the accepted ones return on
// every engine. What is not the same stands in a table with its reason, and the table fails when it no longer holds.

import { describe, expect, it } from "vitest";
import { BpfMap, ENGINES, LoadError, type MapSpec, Runtime } from "../dist/src/index.js";
import { testRun } from "../dist/src/test-run/test-run.js";
import { judge, type Verdict } from "../dist/src/verifier/verify.js";
import { ENGINE_NAMES } from "./support/engines.ts";
import { kernelBtf } from "./support/kernel-btf.ts";
import {
  caseName,
  finalMessage,
  type KernelVerdict,
  loadCase,
  readSuite,
  type Suite,
  type SuiteCase,
} from "./support/verifier-suite.ts";

const suite = readSuite();
const judgeable = suite?.cases.filter(({ env, k618 }) => env === "ok" && k618.verdict !== undefined) ?? [];

type Caps = "all" | "bpf";
const kernelVerdict = (each: SuiteCase, caps: Caps): KernelVerdict | undefined =>
  caps === "all" ? each.k618 : each.k618_capbpf;

type Outcome = Pick<Verdict, "isAccepted" | "message" | "program">;

const verdicts = new Map<string, Outcome>();

/** Judged at the first call. */
function verdictOn(each: SuiteCase, caps: Caps): Outcome {
  const key = `${caps} ${caseName(each)}`;
  const known = verdicts.get(key);
  if (known !== undefined) return known;
  const made = makeVerdict(each, caps);
  verdicts.set(key, made);
  return made;
}

function makeVerdict(each: SuiteCase, caps: Caps): Outcome {
  try {
    const { program } = loadCase(suite as Suite, each);
    const flags = kernelVerdict(each, caps)?.pflags ?? each.flags;
    const attachTo = each.kfunc === null ? {} : { attachTo: each.kfunc };
    return judge(program, {
      attachType: each.expected_attach_type,
      caps,
      flags,
      kernelBtf,
      ...attachTo,
    });
  } catch (error) {
    // A map that is not there, which the loader notices first.
    if (!(error instanceof LoadError) || error.code !== "bad-relocation") throw error;
    return { isAccepted: false, message: error.message, program: undefined };
  }
}

const SPECULATION = "rejected for a way that only a processor's speculation takes";

/** Cases that are judged differently here, by file and number, with the reason. */
const OTHER_VERDICT: Readonly<Record<Caps, ReadonlyMap<string, string>>> = {
  all: new Map(),
  bpf: new Map([
    ["atomic_bounds.c#0", SPECULATION],
    ["calls.c#26", SPECULATION],
    ["value_ptr_arith.c#10", SPECULATION],
    ["value_ptr_arith.c#11", SPECULATION],
  ]),
};

const STACK = "returns stack that was never written";
const ADDRESS = "returns an address";

/** Runs whose result is another one here, by file and number, with the reason. */
const OTHER_RESULT: ReadonlyMap<string, string> = new Map([
  ["basic_stack.c#2", STACK],
  ["raw_stack.c#0", STACK],
  ["calls.c#33", ADDRESS],
  ["calls.c#79", ADDRESS],
  ["direct_packet_access.c#19", "writes a byte of an address into the packet"],
  ["direct_packet_access.c#22", "takes the upper bits of an address for an offset in the packet"],
  ["search_pruning.c#0", ADDRESS],
  ["search_pruning.c#1", ADDRESS],
  ["spill_fill.c#0", ADDRESS],
  ["spill_fill.c#5", ADDRESS],
  ["spill_fill.c#6", ADDRESS],
  ["unpriv.c#0", ADDRESS],
]);

const placeOf = (each: SuiteCase): string => `${each.src.replace("verifier/", "")}#${each.idx}`;

const lastLine = (text: string): string => text.slice(text.lastIndexOf("\n") + 1);

describe.skipIf(suite === undefined)("the kernel's verifier cases", () => {
  it("are there", () => {
    expect(judgeable.length).toBe(1359);
  });

  it.each(["all", "bpf"] as const)("get the kernel's verdict for capabilities %s", (caps) => {
    const wrong = judgeable.flatMap((each) => {
      const kernel = kernelVerdict(each, caps);
      if (kernel?.verdict === undefined) return [];
      const name = caseName(each);
      const { isAccepted, message } = verdictOn(each, caps);
      const isSame = isAccepted === (kernel.verdict === "ACCEPT");
      if (isSame !== OTHER_VERDICT[caps].has(placeOf(each))) return [];
      return [isSame ? `${name}: listed, but the same` : `${name}: ${isAccepted ? "accepted" : message}`];
    });
    expect(wrong).toEqual([]);
  });

  it("are rejected in the kernel's words", () => {
    const rejected = judgeable.filter(
      (each) => each.k618.verdict === "REJECT" && !verdictOn(each, "all").isAccepted,
    );
    const same = rejected.filter(
      (each) => lastLine(verdictOn(each, "all").message) === finalMessage(each, each.k618),
    );
    expect(same.length / rejected.length).toBeGreaterThan(0.9);
    console.log(`messages: ${same.length} of ${rejected.length} the same`);
  });

  it.each(ENGINE_NAMES)("return what they returned there on engine %s", (engine) => {
    const runtime = new Runtime();
    const wrong: string[] = [];
    const counts: Record<string, number> = { same: 0, address: 0 };
    for (const each of judgeable) {
      if (each.k618.runs?.some(({ retval }) => retval !== undefined) !== true) continue;
      if (!verdictOn(each, "all").isAccepted) continue;
      try {
        const isSame = runCase(runtime, engine, each);
        if (isSame) counts.same++;
        if (!isSame && showsAddress(engine, each)) counts.address++;
        else if (isSame === OTHER_RESULT.has(placeOf(each)))
          wrong.push(`${caseName(each)}: same is ${isSame}`);
      } catch (error) {
        const missing = missingPart(error);
        counts[missing] = (counts[missing] ?? 0) + 1;
      }
    }
    expect(wrong).toEqual([]);
    expect(counts.same).toBeGreaterThan(500);
    expect(counts.address).toBeLessThan(5);
    console.log(`verifier cases run on ${engine}: ${JSON.stringify(counts)}`);
  });
});

/** The helper or the type of map that a program cannot run without. Throws what says anything else. */
function missingPart(error: unknown): string {
  const text = error instanceof Error ? error.message : "";
  const helper = /expected a helper of this runtime, got (\w+)#/.exec(text);
  const map = /expected type .*, got \d+ \((\w+)\)/.exec(text);
  const part = helper?.[1] ?? map?.[1];
  if (part === undefined) throw error;
  return part;
}

/**
 * True when a case that did not give the kernel's result does so where its memory begins at a multiple of 256, as the
 * kernel's packets do: it shows the lowest byte of an address, which is the engine's own.
 */
function showsAddress(engine: (typeof ENGINE_NAMES)[number], each: SuiteCase): boolean {
  return Array.from({ length: 32 }, (_, step) => step * 8).some((bytes) => {
    const runtime = new Runtime();
    if (bytes > 0) runtime.allocateBuffer(bytes);
    return runCase(runtime, engine, each);
  });
}

/** Runs a case on each of its packets; true when results and packets are the kernel's. */
function runCase(runtime: Runtime, engine: (typeof ENGINE_NAMES)[number], each: SuiteCase): boolean {
  const { maps: specs } = loadCase(suite as Suite, each);
  const { program } = verdictOn(each, "all");
  if (program === undefined) throw new Error(`${caseName(each)} was not accepted`);
  const maps: BpfMap[] = [];
  try {
    for (const spec of specs) maps.push(makeMap(runtime, spec));
    // The verdict's program has specs of its own: the same, by name.
    const bindings = new Map(
      program.program.maps.map(({ map }) => [map, maps.find(({ name }) => name === map.name) as BpfMap]),
    );
    const executable = ENGINES[engine].prepare(runtime, program, bindings);
    try {
      return (each.k618.runs ?? []).every((run, index) => {
        const data = new Uint8Array(Buffer.from(each.retvals[index].data, "hex"));
        const result = testRun(executable, { data });
        return result.returned === run.retval && Buffer.from(result.data).toString("hex") === run.data_out;
      });
    } finally {
      executable.close();
    }
  } finally {
    for (const map of maps) map.close();
  }
}

/** A map, filled as the suite fills those of that name. */
function makeMap(runtime: Runtime, spec: MapSpec): BpfMap {
  const map = new BpfMap(runtime, spec);
  if (spec.name !== "map_array_48b" && spec.name !== "map_array_ro") return map;
  const value = new Uint8Array(48);
  const view = new DataView(value.buffer);
  view.setUint32(0, 28, true);
  view.setUint32(28, 0xabcdef12, true);
  map.tryUpdateBytes(new Uint8Array(4), value);
  return map;
}
