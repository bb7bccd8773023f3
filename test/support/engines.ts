// One way to run a text of assembly on every engine and in every mode, and to get one answer: what they agree on.

import {
  assembleCode,
  type BpfMap,
  type CheckedOptions,
  ENGINES,
  type EngineName,
  type Executable,
  loadRaw,
  type MapSpec,
  type Program,
  type RunOptions,
  Runtime,
} from "../../dist/src/index.js";
import { vouch } from "../../dist/src/verifier/vouch.js";

export const ENGINE_NAMES = Object.keys(ENGINES) as EngineName[];

/** Engines that run programs which nobody has verified; the others only compile what was. */
export const CHECKING_ENGINES: readonly EngineName[] = ENGINE_NAMES.filter(
  (name) => ENGINES[name].runsChecked,
);

/** A program checked, or as if it were verified where the engine has no checked mode. */
export function prepareProgram(
  engine: EngineName,
  runtime: Runtime,
  program: Program,
  bindings: ReadonlyMap<MapSpec, BpfMap>,
  options: CheckedOptions = {},
): Executable {
  return CHECKING_ENGINES.includes(engine)
    ? ENGINES[engine].prepareChecked(runtime, program, bindings, options)
    : ENGINES[engine].prepare(runtime, vouch(program), bindings);
}

/**
 * An executable of a text, in a runtime of its own or the one given: checked, or as if it were verified where the engine
 * has no checked mode.
 */
export function prepare(
  engine: EngineName,
  text: string,
  options: { runtime?: Runtime; maps?: readonly BpfMap[]; limit?: number } = {},
): Executable {
  const { runtime = new Runtime(), maps = [], limit } = options;
  const specs: MapSpec[] = maps.map(({ spec }) => spec);
  const program = loadRaw(assembleCode(text), { name: "test", type: "raw", maps: specs });
  const bindings = new Map(maps.map((map) => [map.spec, map]));
  return prepareProgram(engine, runtime, program, bindings, limit === undefined ? {} : { limit });
}

/** Runs a text on every engine; all must give the same r0 and leave the same memory. */
export function runOnAll(text: string, memory = new Uint8Array(0), options: RunOptions = {}): bigint {
  const results = ENGINE_NAMES.map((engine) => {
    const copy = memory.slice();
    const r0 = prepare(engine, text).run(copy, options);
    return { r0, copy };
  });
  const [first, ...others] = results;
  for (const { r0, copy } of others) {
    if (r0 !== first.r0 || copy.join() !== first.copy.join()) {
      throw new Error(
        `engines differ: ${results.map((each) => `${each.r0} ${each.copy.join()}`).join(" and ")}`,
      );
    }
  }
  memory.set(first.copy);
  return first.r0;
}

/** The error that a call throws; an Error when it throws none. */
export function thrown(call: () => unknown): Error & Record<string, unknown> {
  try {
    call();
  } catch (error) {
    return error as Error & Record<string, unknown>;
  }
  throw new Error("expected an error, got none");
}
