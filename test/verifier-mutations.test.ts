// Programs with something wrong in them: the verifier gives a verdict, or the loader refuses them, whatever the bytes
// are. Mutated from generated programs and from the kernel's own cases, where they are there.
//
//   TRACEBEE_FUZZ_SCALE   times as many; default 1
//   TRACEBEE_SEED         the first seed; default 1

import { describe, expect, it } from "vitest";
import { judgeMutated } from "./support/program-mutator.ts";

const COUNT = 3000 * Number(process.env.TRACEBEE_FUZZ_SCALE ?? 1);
const FIRST_SEED = Number(process.env.TRACEBEE_SEED ?? 1);
/** What the kernel looks at before it gives up, and the one instruction more. */
const MOST = 1_000_001;

describe("mutated programs", () => {
  it("get a verdict, or are refused as they are loaded", { timeout: 300_000 + 20 * COUNT }, () => {
    const counts = { accepted: 0, rejected: 0, unloadable: 0, broken: 0 };
    const broken: string[] = [];
    let most = 0;
    for (let seed = FIRST_SEED; seed < FIRST_SEED + COUNT; seed++) {
      const { kind, text, processed } = judgeMutated(seed);
      counts[kind]++;
      most = Math.max(most, processed);
      if (kind === "broken") broken.push(text);
    }
    console.log(`mutated programs: ${JSON.stringify(counts)}`);
    expect(broken.slice(0, 5)).toEqual([]);
    expect(most).toBeLessThanOrEqual(MOST);
    // Otherwise it is the loader that is tested.
    expect(counts.accepted).toBeGreaterThan(COUNT / 20);
    expect(counts.rejected).toBeGreaterThan(COUNT / 3);
  });
});
