// Our verdicts and the running kernel's on random programs (support/verifier-generator.ts). Whatever we accept and the
// kernel rejects for safety fails, and is shown as small as it gets, with the seed that makes it again. Of programs that
// our engines can run, results, packets and maps must be the kernel's as well.
//
//   TRACEBEE_PROGRAMS   how many programs; default 1500; a fifth as many are run
//   TRACEBEE_SEED       the first seed; default 1
//   TRACEBEE_CAPS       all (default) or bpf: what the loader may do

import { describe, expect, it } from "vitest";
import { KernelSession, kernelUnavailable } from "../dist/src/kernel.js";
import { judge } from "../dist/src/verifier/verify.js";
import {
  type Caps,
  differenceOf,
  groupOf,
  judgeBoth,
  minimiseDifference,
  showDifference,
  type Verdicts,
} from "./support/verifier-difference.ts";
import { type GeneratedCase, generateCase, programOf } from "./support/verifier-generator.ts";
import { RunComparison } from "./support/verifier-runs.ts";

const PROGRAMS = Number(process.env.TRACEBEE_PROGRAMS ?? 1500);
const FIRST_SEED = Number(process.env.TRACEBEE_SEED ?? 1);
const CAPS = (process.env.TRACEBEE_CAPS ?? "all") as Caps;
/** The kernel loads nothing but socket filters for CAP_BPF alone that the generator makes; most leak a pointer. */
const TYPE = CAPS === "bpf" ? "socket_filter" : undefined;
const [LEAST, MOST] = CAPS === "bpf" ? [0.05, 0.9] : [0.3, 0.9];
/** Shown of each failing test. */
const MAX_SHOWN = 5;

interface Found {
  readonly generated: GeneratedCase;
  readonly verdicts: Verdicts;
}

const missing = kernelUnavailable();
if (missing !== undefined) console.log(`skipped: ${missing}`);

function judgeAll(session: KernelSession): Found[] {
  return Array.from({ length: PROGRAMS }, (_, index) => {
    const generated = generateCase(FIRST_SEED + index, TYPE);
    return { generated, verdicts: judgeBoth(session, programOf(generated), CAPS) };
  });
}

describe.skipIf(missing !== undefined)("the running kernel's verdicts on random programs", () => {
  const session = new KernelSession();
  let found: readonly Found[] = [];

  const show = (kind: ReturnType<typeof differenceOf>): string[] => {
    const groups = new Map<string, Found>();
    for (const each of found) {
      if (differenceOf(each.verdicts) === kind && !groups.has(groupOf(each.verdicts)))
        groups.set(groupOf(each.verdicts), each);
    }
    return [...groups.values()].slice(0, MAX_SHOWN).map(({ generated }) => {
      const code = minimiseDifference(session, generated, CAPS);
      return showDifference(code, judgeBoth(session, programOf(code), CAPS), generated.seed);
    });
  };

  it("are given on a fair mix", { timeout: 60_000 + 200 * PROGRAMS }, () => {
    found = judgeAll(session);
    const accepted = found.filter(({ verdicts }) => verdicts.kernel).length;
    const same = found.filter(({ verdicts }) => verdicts.kernel === verdicts.ours).length;
    console.log(`${found.length} programs, ${accepted} accepted by the kernel, ${same} judged alike`);
    expect(accepted / found.length).toBeGreaterThan(LEAST);
    expect(accepted / found.length).toBeLessThan(MOST);
  });

  it("come from us as verdicts, never as errors", () => {
    expect(show("crash")).toEqual([]);
  });

  it("are never softer than the kernel's", () => {
    expect(show("unsafe")).toEqual([]);
  });
});

/** Programs of which none may leak an address have nothing to run for. */
const RUNS = CAPS === "all" ? Math.ceil(PROGRAMS / 5) : 0;

describe.skipIf(missing !== undefined || RUNS === 0)(
  "the running kernel's results of random programs",
  () => {
    it("are those of every engine", { timeout: 60_000 + 500 * RUNS }, () => {
      const session = new KernelSession();
      const comparison = new RunComparison();
      const counts = { same: 0, varies: 0, leaks: 0, missing: 0 };
      const wrong: string[] = [];
      for (let seed = FIRST_SEED; seed < FIRST_SEED + RUNS; seed++) {
        const program = programOf(generateCase(seed, undefined, true));
        const verdict = judge(program);
        const loaded = session.load(program).program;
        if (loaded !== undefined && verdict.program !== undefined) {
          const outcome = comparison.compare(session, loaded, verdict.program);
          if (typeof outcome === "string") counts[outcome]++;
          else wrong.push(`seed ${seed}\n  ours:   ${outcome.ours}\n  kernel: ${outcome.kernel}`);
        }
        loaded?.close();
      }
      session.close();
      console.log(`runs beside the kernel: ${JSON.stringify(counts)}`);
      expect(wrong.slice(0, MAX_SHOWN)).toEqual([]);
      expect(counts.same).toBeGreaterThan(
        0.85 * (counts.same + counts.varies + counts.leaks + counts.missing),
      );
      expect(counts.same).toBeGreaterThan(RUNS / 3);
    });
  },
);
