// Every kernel function of the running kernel, called by programs of many types with registers of many kinds: our
// verdict and message against the kernel's. What our table says of each is so checked, as far as calls show it.

import { afterAll, describe, expect, it } from "vitest";
import { KernelSession } from "../dist/src/kernel.js";
import type { ProgramType } from "../dist/src/program-types.js";
import { KFUNC_NAMES } from "../dist/src/verifier/prototypes/kfunc-table.js";
import { type KfuncCase, kernelVerdict, ourVerdict } from "./support/kfunc-programs.ts";
import { liveBtf, noLiveKernel } from "./support/live-kernel.ts";

/** One type of each hook that the kernel registers functions for, and two of none. */
const TYPES: readonly ProgramType[] = [
  ...(["sched_cls", "sched_act", "xdp", "tracepoint", "syscall", "cgroup_skb", "cgroup_sock_addr"] as const),
  ...(["sk_skb", "socket_filter", "lwt_in", "netfilter", "kprobe", "raw_tracepoint", "sk_msg"] as const),
];
const ATTACH_TYPES: Readonly<Record<string, number>> = { cgroup_sock_addr: 8, netfilter: 45 };
const SLEEPABLE = 16;

const all = (value: string): string => [1, 2, 3, 4, 5].map((number) => `r${number} = ${value}`).join("\n");
const stack = (number: number, off = -64): string => `r${number} = r10\nr${number} += ${off}`;
/** What the call finds in r1 to r5; r1 is the context where nothing is put there. */
const REGISTERS: Readonly<Record<string, string>> = {
  "nothing but the context": "",
  null: all("0"),
  "a number": all("5"),
  "the stack": [1, 2, 3, 4, 5].map((number) => stack(number)).join("\n"),
  "memory and its size, twice": [stack(1), "r2 = 8", stack(3), "r4 = 8", "r5 = 0"].join("\n"),
  "the context, and memory and its size, twice": [stack(2), "r3 = 8", stack(4), "r5 = 8"].join("\n"),
  "the context, and room for a dynptr": ["r2 = 0", stack(3, -16), "r4 = 0", "r5 = 0"].join("\n"),
  "an object on the stack": [stack(1), "r2 = 0", "r3 = 0", "r4 = 0", "r5 = 0"].join("\n"),
};

/** Names of the functions that the running kernel marks as such. */
function liveFunctions(): string[] {
  const btf = liveBtf();
  const names: string[] = [];
  for (let id = 1; id < btf.count; id++) {
    if (btf.kind(id) !== "decl_tag") continue;
    const tag = btf.type(id);
    if (tag.kind === "decl_tag" && tag.name === "bpf_kfunc") names.push(btf.type(tag.type).name);
  }
  return names;
}

if (noLiveKernel !== undefined) console.log(`skipped: ${noLiveKernel}`);

describe("the table of kernel functions", () => {
  it("names each once", () => {
    expect(new Set(KFUNC_NAMES).size).toBe(KFUNC_NAMES.length);
    expect(KFUNC_NAMES.length).toBeGreaterThan(190);
  });
});

describe.skipIf(noLiveKernel !== undefined)("the running kernel's verdict on calls of each function", () => {
  const session = noLiveKernel === undefined ? new KernelSession() : undefined;
  afterAll(() => session?.close());

  it.each(TYPES)("is ours for programs of type %s", { timeout: 120_000 }, (type) => {
    const differences: string[] = [];
    let programs = 0;
    for (const name of liveFunctions()) {
      for (const [what, setup] of Object.entries(REGISTERS)) {
        const each: KfuncCase = {
          name: `${name} with ${what}`,
          type,
          attachType: ATTACH_TYPES[type] ?? 0,
          flags: type === "syscall" ? SLEEPABLE : 0,
          text: `${setup}\ncall kfunc#${name}\nr0 = 0\nexit`,
        };
        const kernel = kernelVerdict(session as KernelSession, each);
        const ours = ourVerdict(liveBtf(), each);
        programs++;
        if (ours !== kernel) differences.push(`${each.name}: ${ours}; the kernel: ${kernel}`);
      }
    }
    expect(differences).toEqual([]);
    expect(programs).toBeGreaterThan(1000);
  });
});
