// One child process of the engine benches: measures every workload on one engine and mode with benny, and prints
// what it found as one line of JSON. Results are checked before they are timed.
//
//   node dist/bench/interpreters.js ts|wasm|jit|native verified|checked

import benny from "benny";
import {
  BpfMap,
  ENGINES,
  type EngineName,
  EventBatch,
  type Executable,
  type MapSpec,
  Runtime,
} from "../src/index.ts";
import { vouch } from "../src/verifier/vouch.ts";
import { makeWorkloads, type Workload } from "./workloads.ts";

/** What a child reports of a workload. */
export interface Measurement {
  readonly workload: string;
  readonly nsPerEvent: number;
  readonly samples: number;
  /** Sum of all r0 of one batch, decimal. */
  readonly sum: string;
}

interface Prepared {
  readonly workload: Workload;
  readonly run: () => void;
  readonly sum: bigint;
}

function prepareEngine(workload: Workload, engine: EngineName, mode: string): Prepared {
  const runtime = new Runtime();
  const { program, map, contexts, events, contextSize } = workload;
  const maps = new Map<MapSpec, BpfMap>(map === undefined ? [] : [[map, new BpfMap(runtime, map)]]);
  const executable: Executable =
    mode === "checked"
      ? ENGINES[engine].prepareChecked(runtime, program, maps)
      : ENGINES[engine].prepare(runtime, vouch(program), maps);
  const { address } = runtime.allocateBuffer(contexts.length);
  runtime.memory.write(address, contexts);
  const batch = new EventBatch(runtime, events);
  for (let event = 0; event < events; event++) batch.add(address + event * contextSize, contextSize);
  const run = () => {
    const { trap } = executable.runBatch(batch);
    if (trap !== undefined) throw trap;
  };
  run();
  let sum = 0n;
  for (let event = 0; event < events; event++) sum += batch.result(event);
  return { workload, run, sum };
}

function prepareNative(workload: Workload): Prepared {
  return { workload, run: () => void workload.native(), sum: workload.native() };
}

async function measure({ workload, run, sum }: Prepared): Promise<Measurement> {
  const expected = workload.native();
  if (sum !== expected) throw new Error(`${workload.name}: expected a sum of ${expected}, got ${sum}`);
  // The engines' compilers take over after some rounds: what is wanted is the steady state.
  const until = performance.now() + 400;
  while (performance.now() < until) run();
  const summary = await benny.suite(
    workload.name,
    benny.add(workload.name, run, { minSamples: 5, maxTime: 1 }),
  );
  const [{ details, samples }] = summary.results;
  return {
    workload: workload.name,
    nsPerEvent: (details.mean * 1e9) / workload.events,
    samples,
    sum: BigInt.asUintN(64, sum).toString(),
  };
}

const [engine = "wasm", mode = "verified"] = process.argv.slice(2);
const results: Measurement[] = [];
for (const workload of makeWorkloads()) {
  const prepared =
    engine === "native" ? prepareNative(workload) : prepareEngine(workload, engine as EngineName, mode);
  results.push(await measure(prepared));
}
console.log(JSON.stringify(results));
