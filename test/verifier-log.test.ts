// The verifier's log, line by line as Linux 6.18 writes it: programs of our own with their exact logs, the kernel's own
// cases with the logs that it wrote, and what our explanations say on top of that.

import { readFileSync } from "node:fs";
import { release } from "node:os";
import { describe, expect, it } from "vitest";
import {
  LoadError,
  loadRaw,
  type MapSpec,
  Program,
  type ProgramType,
  parseBtf,
  type SourceLine,
} from "../dist/src/index.js";
import { assembleCode } from "../dist/src/isa/assembler.js";
import { possibleCpus } from "../dist/src/kernel/map.js";
import { KernelSession, kernelUnavailable } from "../dist/src/kernel.js";
import { ASSERTION_NAMES, findAssertion } from "../dist/src/verifier/log/assertions.js";
import { type Explanation, formatExplanation } from "../dist/src/verifier/log/explain.js";
import { LogBuffer } from "../dist/src/verifier/log/log.js";
import { judge } from "../dist/src/verifier/verify.js";
import { BtfBuilder } from "./support/btf-builder.ts";
import { kernelBtf } from "./support/kernel-btf.ts";
import { LOG_CASES } from "./support/log-cases.ts";
import { generateCase, programOf } from "./support/verifier-generator.ts";
import { verifierMessages } from "./support/verifier-messages.ts";
import { caseName, loadCase, readSuite, type SuiteCase } from "./support/verifier-suite.ts";

const counts: MapSpec = { name: "counts", type: 2, keySize: 4, valueSize: 48, maxEntries: 4, flags: 0 };

/** A program from assembly in which `map` is the address of `counts`. */
function assembleProgram(text: string, type: ProgramType = "socket_filter"): Program {
  const relo: [number, number][] = [];
  let slot = 0;
  const lines = text
    .trim()
    .split("\n")
    .map((line) => {
      if (line.endsWith("= map")) relo.push([slot++, 0]);
      slot++;
      return line.replace(/= map$/, "= map[fd:0]");
    });
  return loadRaw(assembleCode(lines.join("\n")), { type, license: "GPL", maps: [counts], relo, name: "t" });
}

/** Addresses, times and the kernel's own tracing of stack liveness differ from run to run, or are not ours. */
function comparable(log: string): string {
  return log
    .replace(/^(\(\d+[^)]*\) (frame|live).*)\n/gm, "")
    .replace(/(\(18\) r\d+ = 0x)[0-9a-f]+ */g, "$1… ")
    .replace(/verification time \d+/, "verification time N")
    .trimEnd();
}

describe("the log of a program", () => {
  for (const { name, level, type, text, log } of LOG_CASES) {
    it(`shows ${name}, at level ${level}`, () => {
      const ours = judge(assembleProgram(text, type), { logLevel: level }).log;
      expect(ours.replace(/verification time \d+/, "verification time N")).toBe(log);
    });
  }

  it("is empty where none is asked for", () => {
    expect(judge(assembleProgram("r0 = r2\nexit")).log).toBe("");
  });

  it("has a source line where it changes, without its folder", () => {
    const { type, insns } = assembleProgram("r0 = 1\nr0 += 2\nr0 = r3\nexit");
    const line = (slot: number, number: number, column: number, text: string): SourceLine => {
      return { slot, file: "/src/deep/count.c", line: number, column, text };
    };
    const lines = [
      line(0, 7, 3, "\tint n = 1;"),
      line(1, 7, 9, "\tint n = 1;"),
      line(2, 9, 2, "\treturn r;"),
    ];
    const { log } = judge(new Program({ name: "t", type, insns, lines }), { logLevel: 1 });
    expect(log.split("\n").slice(0, 6)).toEqual([
      "0: R1=ctx() R10=fp0",
      "; int n = 1; @ count.c:7",
      "0: (b7) r0 = 1                        ; R0=1",
      "1: (07) r0 += 2                       ; R0=3",
      "; return r; @ count.c:9",
      "2: (bf) r0 = r3",
    ]);
  });
});

describe("the log's buffer", () => {
  it("cuts back to a position inside a piece, and goes on there", () => {
    const log = new LogBuffer(1);
    log.write("one\n");
    log.write("two\n");
    const position = log.position;
    log.reset(position - 1);
    log.write(" ;\nthree\n");
    log.reset(position);
    expect(`${log}`).toBe("one\ntwo ");
    log.reset(0);
    log.write("four");
    expect(`${log}`).toBe("four");
  });

  it("cuts back into what it made one piece of", () => {
    const log = new LogBuffer(1);
    const lines = Array.from({ length: 10_000 }, (_, index) => `line ${index}\n`);
    const positions = lines.map((line) => {
      log.write(line);
      return log.position;
    });
    for (const kept of [9_000, 5_000, 1_500, 10]) {
      log.reset(positions[kept - 1]);
      expect(`${log}`).toBe(lines.slice(0, kept).join(""));
      for (const line of lines.slice(kept)) log.write(line);
      expect(`${log}`).toBe(lines.join(""));
    }
  });

  it("keeps the end of what is too long", () => {
    const log = new LogBuffer(1, 100);
    for (let index = 0; index < 1000; index++) log.write(`${index}\n`);
    expect(`${log}`.length).toBeLessThanOrEqual(204);
    expect(`${log}`.endsWith("998\n999\n")).toBe(true);
    log.reset(0);
    expect(log.position).toBe(0);
  });
});

/** A longer log may have been cut. */
const MAX_LOG = 1 << 24;

const missing = kernelUnavailable() ?? (release().startsWith("6.18.") ? undefined : "no Linux 6.18");

describe.skipIf(missing !== undefined)("the running kernel's log", () => {
  const session = new KernelSession();

  it.each(LOG_CASES)("is the same of $name", ({ level, type, text }) => {
    const program = assembleProgram(text, type);
    const verdict = session.load(program, { logLevel: level });
    verdict.program?.close();
    expect(comparable(judge(program, { logLevel: level }).log)).toBe(comparable(verdict.log));
  });

  it.each([
    [5, 0.98],
    [6, 0.95],
  ])("is the same of random programs, at level %i", { timeout: 300_000 }, (logLevel, least) => {
    let [same, all] = [0, 0];
    for (let seed = 1; seed <= 150; seed++) {
      const program = programOf(generateCase(seed));
      const verdict = session.load(program, { logLevel });
      verdict.program?.close();
      const ours = judge(program, { logLevel, cpus: possibleCpus() });
      if (ours.isAccepted !== verdict.isAccepted || verdict.log.length > MAX_LOG) continue;
      all++;
      if (comparable(ours.log) === comparable(verdict.log)) same++;
    }
    console.log(`logs of random programs at level ${logLevel}: ${same} of ${all} the same`);
    expect(all).toBeGreaterThan(130);
    expect(same / all).toBeGreaterThan(least);
  });

  it("has the source lines of a program with BTF", () => {
    const types = new BtfBuilder();
    const prototype = types.refer("func_proto", types.int("int", 4, 1));
    const main = types.record(12, "main", 1, prototype);
    const [file, first, second] = ["/src/count.c", "\tint n = 1;", "\treturn rest;"];
    for (const text of [file, first, second]) types.string(text);
    const { insns, license, type } = assembleProgram("r0 = 1\nr0 += 2\nr0 = r3\nexit");
    const lines = [
      { slot: 0, file, line: 7, column: 3, text: first },
      { slot: 1, file, line: 7, column: 9, text: first },
      { slot: 2, file, line: 9, column: 2, text: second },
    ];
    const functions = [{ slot: 0, name: "main", typeId: main }];
    const btf = parseBtf(types.bytes());
    const program = new Program({ name: "t", type, license, insns, lines, functions, btf });
    const verdict = session.load(program, { logLevel: 1 });
    expect(verdict.log).toContain("; return rest; @ count.c:9\n");
    expect(comparable(judge(program, { logLevel: 1 }).log)).toBe(comparable(verdict.log));
  });
});

const suite = readSuite();

/** Undefined where the bytes are none that the loader takes. */
function loadable(each: SuiteCase): Program | undefined {
  try {
    return loadCase(suite as NonNullable<typeof suite>, each).program;
  } catch (error) {
    if (error instanceof LoadError) return undefined;
    throw error;
  }
}

function suiteLogs(each: SuiteCase): { ours: string; theirs: string } | undefined {
  const { k618, env } = each;
  if (env !== "ok" || k618.verdict === undefined || !k618.log) return undefined;
  // A million instructions, whose recorded log was cut off by its buffer.
  if (each.descr === "infinite loop after a conditional jump") return undefined;
  const program = loadable(each);
  if (program === undefined) return undefined;
  const verdict = judge(program, {
    attachType: each.expected_attach_type,
    flags: k618.pflags ?? each.flags,
    logLevel: k618.log.startsWith("func#0 @0") ? 2 : 5,
    kernelBtf,
    ...(each.kfunc === null ? {} : { attachTo: each.kfunc }),
  });
  if (verdict.isAccepted !== (k618.verdict === "ACCEPT")) return undefined;
  // Few of the recorded maps have names.
  const [ours, theirs] = [verdict.log, k618.log].map((log) => comparable(log.replace(/map=\w+,/g, "")));
  return { ours, theirs };
}

describe.skipIf(suite === undefined)("the logs of the kernel's own cases", () => {
  it("are the same", { timeout: 600_000 }, () => {
    const wrong: string[] = [];
    let same = 0;
    for (const each of suite?.cases ?? []) {
      const logs = suiteLogs(each);
      if (logs === undefined) continue;
      if (logs.ours === logs.theirs) same++;
      else wrong.push(caseName(each));
    }
    expect(wrong).toEqual([]);
    expect(same).toBeGreaterThan(1330);
  });
});

function explanation(text: string, type: ProgramType = "socket_filter"): Explanation {
  return judge(assembleProgram(text, type)).explain() as Explanation;
}

const LOOKUP = "*(u32 *)(r10 -4) = 9\nr2 = r10\nr2 += -4\nr1 = map\ncall 1\n";

describe("the explanation of a rejection", () => {
  it("is none where the program is accepted", () => {
    expect(judge(assembleProgram("r0 = 0\nexit")).explain()).toBeUndefined();
  });

  it("names the null check that is missing, and where the pointer came from", () => {
    const report = explanation(`${LOOKUP}r6 = r0\nr0 = *(u64 *)(r6 +0)\nexit`);
    expect(report).toMatchObject({ assertion: "pointer-not-null", errno: 13, place: { slot: 7 } });
    expect(report.register).toEqual({ name: "r6", state: "map_value_or_null(id=1,map=counts,ks=4,vs=48)" });
    expect(report.causes.map(({ slot, kind }) => [slot, kind])).toEqual([
      [5, "origin"],
      [6, "copied"],
    ]);
    expect(report.remedy).toContain("null check");
  });

  it("shows the way that did not bound a packet pointer far enough", () => {
    const text = "r2 = *(u32 *)(r1 +0)\nr3 = *(u32 *)(r1 +4)\nr4 = r2\nr4 += 14\nif r4 > r3 goto +2\n";
    const report = explanation(`${text}r0 = *(u8 *)(r2 +14)\nexit\nr0 = 0\nexit`, "xdp");
    expect(report.assertion).toBe("packet-bounds");
    expect(report.causes.map(({ slot, text: what, state }) => [slot, what, state])).toEqual([
      [0, "loaded through r1, ctx()", "pkt(r=0)"],
      [4, "false on this way", "pkt(r=14)"],
    ]);
    expect(report.remedy).toContain("data_end");
  });

  it("tells where an index lost its bound", () => {
    const text = `${LOOKUP}if r0 == 0x0 goto +5\nr1 = *(u32 *)(r0 +0)\nr1 &= 15\nr1 <<= 40\nr0 += r1\nr0 = *(u8 *)(r0 +0)\n`;
    const report = explanation(`${text}r0 = 0\nexit`);
    expect(report.assertion).toBe("index-bounds");
    expect(report.causes.filter(({ kind }) => kind === "bound-lost").map(({ slot }) => slot)).toEqual([
      9, 10,
    ]);
    expect(report.remedy).toContain("i &= N - 1");
  });

  it("says that a call ended a register", () => {
    const report = explanation("r3 = 1\ncall 7\nr0 = r3\nexit");
    expect(report).toMatchObject({ assertion: "register-initialized", register: { state: "not written" } });
    expect(report.causes.map(({ slot, kind }) => [slot, kind])).toEqual([[1, "ended"]]);
    expect(report.remedy).toContain("r6 to r9");
  });

  it("follows a value through calls and the stack", () => {
    const report = explanation(
      "r1 = 7\ncall pc+2\nr0 = *(u8 *)(r0 +0)\nexit\n*(u64 *)(r10 -8) = r1\nr0 = *(u64 *)(r10 -8)\nexit",
    );
    expect(report.causes.map(({ slot, kind }) => [slot, kind])).toEqual([
      ...[[0, "origin"] as const, [1, "passed"] as const],
      ...[[4, "stored"] as const, [5, "loaded"] as const, [6, "passed"] as const],
    ]);
  });

  it("shows where the reference was taken that nobody gives back", () => {
    const leak = LOG_CASES.find(({ name }) => name === "a socket that is not given back");
    const report = explanation(leak?.text ?? "", "sched_cls");
    expect(report.assertion).toBe("reference-released");
    expect(report.causes.map(({ slot }) => slot)).toEqual([11]);
  });

  it.each([
    ["stack-initialized", "r2 = r10\nr2 += -4\nr1 = map\ncall 1\nr0 = 0\nexit"],
    ["stack-bounds", "*(u64 *)(r10 -520) = 0\nr0 = 0\nexit"],
    ["loop-progress", "r0 = 0\nr1 = 0\nr2 = 0\nif r1 == 0x0 goto -2\nexit"],
    ["code-reachable", "r0 = 0\nexit\nr0 = 1\nexit"],
    ["control-flow", "r0 = 0"],
    ["context-field", "r0 = *(u64 *)(r1 +3)\nexit"],
    ["pointer-arithmetic", "r1 *= 2\nr0 = 0\nexit"],
    ["object-bounds", `${LOOKUP}if r0 == 0x0 goto +1\nr0 = *(u64 *)(r0 +48)\nr0 = 0\nexit`],
    ["helper-allowed", "r0 = 0\ncall 44\nexit"],
  ])("names the rule %s", (assertion, text) => {
    const caps = assertion === "stack-initialized" ? "bpf" : "all";
    const report = judge(assembleProgram(text), { caps }).explain();
    expect(report?.assertion, report?.message).toBe(assertion);
    expect(JSON.parse(JSON.stringify(report))).toEqual(report);
  });

  it("has a rule for every message of the verifier", () => {
    const messages = [...verifierMessages()];
    expect(messages.length).toBeGreaterThan(300);
    expect(messages.filter(([message]) => findAssertion(message, false).name === "other")).toEqual([]);
  });

  it("has its rules in the documentation", () => {
    const page = readFileSync(new URL("../docs/explanation.md", import.meta.url), "utf8");
    const names = [...page.matchAll(/^\| `([a-z-]+)` \| .* \|$/gm)].map(([, name]) => name);
    expect(names).toEqual(expect.arrayContaining([...ASSERTION_NAMES]));
  });

  it("has a sentence for each rule, and a remedy for nearly all", () => {
    const rules = [...verifierMessages().keys()].map((message) => findAssertion(message, false));
    for (const { name, rule } of rules) expect(`${name}: ${rule}`).toMatch(/^[a-z-]+: \S.* .*[^.]$/);
    const without = new Set(rules.filter(({ remedy }) => remedy === undefined).map(({ name }) => name));
    expect([...without].sort()).toEqual(["control-flow", "encoding", "verifier-internal"]);
  });

  it.each([
    ["stack-bounds", "invalid read from stack R1 off=-8 size=16"],
    ["stack-initialized", "invalid read from stack R1 off -8+4 size 8"],
    ["kernel-symbol", "kernel function bpf_kptr_thing is not known"],
    ["helper-allowed", "program of this type cannot use helper bpf_dynptr_read#201"],
    ["map-type", "tracing progs cannot use bpf_timer yet"],
    ["reference-released", "BPF_EXIT instruction in main prog would lead to reference leak"],
    ["lock-discipline", "bpf_spin_unlock of different lock"],
    ["section-closed", "tail_call cannot be used inside bpf_rcu_read_lock-ed region"],
  ])("tells %s from what has much the same words", (name, message) => {
    expect(findAssertion(message, false).name).toBe(name);
  });

  it("takes an argument by its number for a register", () => {
    const report = explanation("r3 = r10\nr3 += -16\nr1 = r3\nr2 = 0\nr4 = 0\nr5 = 0\ncall 202\nexit");
    expect(report).toMatchObject({
      assertion: "dynptr-state",
      register: { name: "r1", state: "fp-16" },
    });
  });

  it("follows what a helper hands on to its callback", () => {
    const call =
      "*(u64 *)(r10 -8) = 0\nr6 = r10\nr6 += -8\nr1 = 3\nr2 = subprog[+6]\nr3 = r6\nr4 = 0\ncall 181\n";
    const program = assembleProgram(`${call}r0 = 0\nexit\nr0 = *(u8 *)(r2 +8)\nexit`);
    const report = judge(program, { assumesStaticFunctions: true }).explain();
    expect(report?.causes.map(({ slot, kind }) => [slot, kind])).toEqual([
      [1, "copied"],
      [2, "computed"],
      [6, "copied"],
      [8, "passed"],
    ]);
  });

  it("goes back no further than it remembers, and says so", () => {
    const loop = "r8 += 1\nr8 &= 0xffff\nr6 += 1\nif r6 < 1000 goto -4\n";
    const report = explanation(`r9 = 7\nr6 = 0\nr8 = 0\n${loop}r0 = *(u8 *)(r9 +0)\nexit`);
    expect(report.register).toEqual({ name: "r9", state: "7" });
    expect(report.causes.map(({ text }) => text)).toEqual([
      expect.stringMatching(/^set before the last \d+ instructions of the way$/),
    ]);
  });

  it("needs no second look where no register is to blame", () => {
    const verdict = judge(assembleProgram("r6 = 0\nr6 += 1\nif r6 < 900000 goto -2\nr0 = 0\nexit"));
    const began = verdict.processed;
    const report = verdict.explain();
    expect([began, report?.assertion, report?.causes]).toEqual([1_000_001, "effort-limit", []]);
    expect(report?.state).toContain("R6=");
  });

  it("is text with the source line and a caret below its column", () => {
    const { type, insns } = assembleProgram("r0 = 1\nr0 = r3\nexit");
    const lines = [{ slot: 0, file: "a/count.c", line: 7, column: 9, text: "  return rest;  " }];
    const report = judge(new Program({ name: "count", type, insns, lines })).explain() as Explanation;
    expect(formatExplanation(report).split("\n")).toEqual([
      "count is rejected at 1: (bf) r0 = r3, in count",
      "  R3 !read_ok",
      "  --> count.c:7:9",
      "  7 | return rest;",
      "    |       ^",
      "rule: a register is written before it is read [register-initialized]",
      "r3: not written",
      "how it came to this:",
      "  0: (b7) r0 = 1  ; return rest; @ count.c:7",
      "      nothing wrote r3 on this way",
      "remedy: write r3 on every way that leads here",
    ]);
  });
});
