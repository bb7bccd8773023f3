// A test run: which program types have one here, and what each is given. `raw` programs are the engines' own affair.

import type { Executable, RunOptions } from "../engine/engine.ts";
import type { ProgramType } from "../program-types.ts";
import type { Runtime } from "../runtime.ts";
import type { TestContext, TestInput } from "./context.ts";
import { makeFlowDissector } from "./flow-dissector.ts";
import { isPlain, makePlain } from "./plain.ts";
import { makeSkb } from "./skb.ts";
import { makeXdp } from "./xdp.ts";

/** Types that are given a packet; the others with a test run are given their context's bytes. */
const PACKET_TYPES: ReadonlyMap<ProgramType, (runtime: Runtime, input: TestInput) => TestContext> = new Map([
  ...(
    ["socket_filter", "sched_cls", "sched_act", "cgroup_skb", "lwt_in", "lwt_out", "lwt_xmit"] as const
  ).map((type) => [type, (runtime: Runtime, input: TestInput) => makeSkb(runtime, type, input)] as const),
  ["xdp", makeXdp],
  ["flow_dissector", makeFlowDissector],
]);

export const seesPacket = (type: ProgramType): boolean => PACKET_TYPES.has(type);

export const hasTestRun = (type: ProgramType): boolean => PACKET_TYPES.has(type) || isPlain(type);

export interface TestRunOptions extends RunOptions {
  /** How often the program runs on the same context, as the run before left it; default 1. */
  readonly repeat?: number;
}

/** What the last run left. */
export interface TestResult {
  /** What the program returned: the lower 32 bits of r0, unsigned. */
  readonly returned: number;
  readonly data: Uint8Array;
  readonly context: Uint8Array | undefined;
  /** Nanoseconds of a run in the mean. */
  readonly duration: number;
}

/**
 * Runs a verified program on what the caller gives: a packet and perhaps a context for types that see packets, for
 * the others the context's bytes, as either. Throws a TestInputError for what the kernel refuses, a TypeError for a
 * program of a type without a test run.
 */
export function testRun(
  executable: Executable,
  input: TestInput,
  { repeat = 1, ...options }: TestRunOptions = {},
): TestResult {
  const { runtime, program } = executable;
  if (!hasTestRun(program.type)) {
    throw new TypeError(`program ${program.name}: expected a type that runs by itself, got ${program.type}`);
  }
  const make = PACKET_TYPES.get(program.type);
  const context =
    make === undefined
      ? makePlain(runtime, program.type, input.ctx ?? input.data ?? new Uint8Array(0))
      : make(runtime, input);
  try {
    let result = 0n;
    const started = performance.now();
    for (let round = 0; round < repeat; round++) result = executable.run(context.buffer, options);
    const duration = ((performance.now() - started) * 1e6) / repeat;
    const returned = Number(BigInt.asUintN(32, result));
    return { returned, data: context.readData(), context: context.readContext(), duration };
  } finally {
    context.free();
  }
}
