// One child process of the verifier bench: how long programs of several shapes take to be verified, here or by the
// machine's own kernel, and how many instructions each looks at for it. Prints one line of JSON.
//
//   node dist/bench/verifier.js tracebee|kernel

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { judge, load, type Program } from "../src/index.ts";
import { KernelSession, kernelUnavailable } from "../src/kernel.ts";

/** What a child reports of a program. */
export interface Verification {
  readonly program: string;
  /** Slots. */
  readonly size: number;
  /** Instructions looked at, over all ways. */
  readonly processed: number;
  /** Median of a second's verifications, or of three that take longer. */
  readonly microseconds: number;
}

const text = (name: string, lines: readonly string[]): Program =>
  [...load(lines.join("\n"), { name, type: "xdp", license: "GPL" }).programs.values()][0] as Program;

/** Arithmetic, spills and fills, one after the other. */
function straight(): Program {
  const lines = ["call get_prandom_u32", "r1 = r0", "r2 = 3"];
  for (let index = 0; lines.length < 3998; index++) {
    const at = -8 - 8 * (index % 32);
    lines.push("r1 += r2", "r1 &= 0xffff", `*(u64 *)(r10 ${at}) = r1`, `r2 = *(u64 *)(r10 ${at})`);
  }
  return text("straight", [...lines.slice(0, 3998), "r0 = 1", "exit"]);
}

/** Decisions on unknown numbers, each of which makes a way of its own until it joins the other again. */
function decisions(): Program {
  const lines = ["r7 = 0"];
  for (let index = 0; index < 1000; index++) {
    lines.push("call get_prandom_u32", `if r0 > ${index} goto +1`, `r7 += ${index}`, "r7 &= 0xffff");
  }
  return text("decisions", [...lines, "r0 = 1", "exit"]);
}

/** A loop whose rounds are followed one by one, with an array on the stack. */
function loop(): Program {
  return text("loop", [
    "r6 = 0",
    "*(u64 *)(r10 - 64) = r6",
    "again:",
    "call get_prandom_u32",
    "r0 &= 7",
    "r1 = r10",
    "r1 += -64",
    "r1 += r0",
    "*(u8 *)(r1 + 0) = 1",
    "r6 += 1",
    "if r6 < 10000 goto again",
    "r0 = 1",
    "exit",
  ]);
}

/** A packet that is parsed header by header. */
function packet(): Program {
  const lines = ["r2 = *(u32 *)(r1 + 4)", "r6 = *(u32 *)(r1 + 0)"];
  for (let index = 0; index < 60; index++) {
    lines.push("r3 = r6", "r3 += 20", "if r3 > r2 goto out", "r4 = *(u8 *)(r6 + 0)", "r4 &= 15", "r4 <<= 2");
    lines.push(`if r4 == ${index % 16} goto out`, "r6 += r4", "r5 = *(u16 *)(r3 - 2)", "r0 ^= r5");
  }
  return text("packet", ["r0 = 0", ...lines, "out:", "r0 = 2", "exit"]);
}

function dropmon(): Program {
  const file = fileURLToPath(new URL("../../examples/dropmon.bpf.o", import.meta.url));
  return [...load(new Uint8Array(readFileSync(file))).programs.values()][0] as Program;
}

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1];

function measure(program: Program, verify: () => number): Verification {
  const processed = verify();
  const times: number[] = [];
  // The compilers take over after some rounds: what is wanted is the steady state.
  const until = performance.now() + 500;
  while (performance.now() < until) verify();
  const end = performance.now() + 1000;
  while (times.length < 3 || performance.now() < end) {
    const began = performance.now();
    verify();
    times.push((performance.now() - began) * 1000);
  }
  return { program: program.name, size: program.slots, processed, microseconds: median(times) };
}

function judgeHere(program: Program): number {
  const { isAccepted, message, processed } = judge(program);
  if (!isAccepted) throw new Error(`${program.name}: ${message}`);
  return processed;
}

/** Loads and unloads the program; without a log, which would take its own time. */
function judgeInKernel(session: KernelSession, program: Program, logLevel: number): number {
  const verdict = session.load(program, { logLevel });
  if (!verdict.isAccepted) throw new Error(`${program.name}: errno ${verdict.errno}, ${verdict.message}`);
  verdict.program?.close();
  return Number(/processed (\d+) insns/.exec(verdict.log)?.[1] ?? 0);
}

const programs = [straight(), decisions(), loop(), packet(), dropmon()];
if (process.argv[2] !== "kernel") {
  console.log(JSON.stringify(programs.map((program) => measure(program, () => judgeHere(program)))));
} else if (kernelUnavailable() !== undefined) {
  console.log("[]");
} else {
  const session = new KernelSession();
  const results = programs.map((program) => {
    const processed = judgeInKernel(session, program, 4);
    return { ...measure(program, () => judgeInKernel(session, program, 0)), processed };
  });
  session.close();
  console.log(JSON.stringify(results));
}
