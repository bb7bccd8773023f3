// Calls of kernel functions: what the verifier accepts and how it words what it refuses. Each program is judged with a
// small BTF that is made here, and where the machine's kernel can be asked, with that kernel's and by it.

import { afterAll, describe, expect, it } from "vitest";
import { KernelSession } from "../dist/src/kernel.js";
import { ARGUMENT_CASES } from "./support/kfunc-cases-arguments.ts";
import { DYNPTR_CASES } from "./support/kfunc-cases-dynptrs.ts";
import { ITERATOR_CASES } from "./support/kfunc-cases-iterators.ts";
import { OBJECT_CASES } from "./support/kfunc-cases-objects.ts";
import { SECTION_CASES } from "./support/kfunc-cases-sections.ts";
import { type KfuncCase, kernelVerdict, ourVerdict, SMALL_BTF } from "./support/kfunc-programs.ts";
import { liveBtf, noLiveKernel } from "./support/live-kernel.ts";

const GROUPS: Readonly<Record<string, readonly KfuncCase[]>> = {
  arguments: ARGUMENT_CASES,
  dynptrs: DYNPTR_CASES,
  iterators: ITERATOR_CASES,
  "objects of their own": OBJECT_CASES,
  sections: SECTION_CASES,
};

if (noLiveKernel !== undefined) console.log(`skipped: the running kernel's verdicts: ${noLiveKernel}`);

describe.each(Object.entries(GROUPS))("programs with %s", (_, cases) => {
  const session = noLiveKernel === undefined ? new KernelSession() : undefined;
  afterAll(() => session?.close());

  it.each(cases.map((each) => [each.name, each] as const))("%s", (_name, each) => {
    const expected = each.message ?? "accepted";
    const check = (verdict: string) =>
      typeof expected === "string" ? expect(verdict).toBe(expected) : expect(verdict).toMatch(expected);
    check(ourVerdict(SMALL_BTF, each));
    if (session === undefined) return;
    check(kernelVerdict(session, each));
    check(ourVerdict(liveBtf(), each));
  });
});
