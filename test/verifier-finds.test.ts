// Programs on which our verdict, or the way to it, was once another than the kernel's: each as Linux 6.18 judged it, with
// the instructions that it looked at. A file per find: what it is about, the program, verdict, message, count.

import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { ProgramType } from "../dist/src/index.js";
import { judge } from "../dist/src/verifier/verify.js";
import { programOf } from "./support/verifier-generator.ts";

interface Find {
  readonly about: string;
  readonly type: ProgramType;
  /** Hex. */
  readonly insns: string;
  /** Slots that load maps, with the map's place in GENERATOR_MAPS. */
  readonly relo: readonly (readonly [slot: number, map: number])[];
  readonly isAccepted: boolean;
  /** The last line, or the one that names an endless loop; empty when accepted. */
  readonly message: string;
  readonly processed: number;
}

const folder = new URL("verifier-finds/", import.meta.url);
const finds = readdirSync(folder)
  .filter((name) => name.endsWith(".json"))
  .map((name): Find => JSON.parse(readFileSync(new URL(name, folder), "utf8")));

/** CPUs of the machine that the kernel judged on. */
const CPUS = 2;

describe("what was found beside the kernel", () => {
  it("is there", () => {
    expect(finds.length).toBeGreaterThan(0);
  });

  it.each(finds)("is judged alike: $about", ({ type, insns, relo, isAccepted, message, processed }) => {
    const bytes = new Uint8Array(Buffer.from(insns, "hex"));
    const verdict = judge(programOf({ type, bytes, relo }), { cpus: CPUS });
    expect(verdict.isAccepted).toBe(isAccepted);
    expect(verdict.message.split("\n")).toContain(message);
    expect(verdict.processed).toBe(processed);
  });
});
