// Our verdicts and the running kernel's on random programs (support/verifier-generator.ts). Whatever we accept and the
// kernel rejects for safety fails, and is shown as small as it gets, with the seed that makes it again.
//
//   TRACEBEE_PROGRAMS   how many programs; default 1500
//   TRACEBEE_SEED       the first seed; default 1
//   TRACEBEE_CAPS       all (default) or bpf: what the loader may do

import { describe, expect, it } from "vitest";
import { KernelSession, kernelUnavailable } from "../dist/src/kernel.js";
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
