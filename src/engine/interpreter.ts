// What the two interpreters share: both run prepared programs, checked or verified, and differ only in `execute`.

import type { Program } from "../program.ts";
import type { Runtime } from "../runtime.ts";
import type { Engine, EngineName, MapBindings } from "./engine.ts";
import { type Execute, RecordExecutable } from "./executable.ts";
import { type PrepareMode, prepareProgram } from "./prepare.ts";

export type { Execute } from "./executable.ts";

/** Default of CheckedOptions.limit: enough for any sane filter, short of a second on the slowest engine. */
const DEFAULT_LIMIT = 100_000_000;

/** Makes an interpreter's `execute` for a runtime. */
export type Attach = (runtime: Runtime) => Execute;

/** An engine out of what is particular to an interpreter. */
export function interpreterEngine(
  name: EngineName,
  unavailable: Engine["unavailable"],
  attach: Attach,
): Engine {
  const make = (runtime: Runtime, program: Program, maps: MapBindings, mode: PrepareMode) => {
    const execute = attach(runtime);
    const prepared = prepareProgram(runtime, program, maps, mode);
    return new RecordExecutable(name, runtime, prepared, execute, program, mode);
  };
  return {
    name,
    runsChecked: true,
    unavailable,
    prepare: (runtime, { program, proof }, maps) => make(runtime, program, maps, { proof }),
    prepareChecked(runtime, program, maps, options = {}) {
      const limit = options.limit ?? DEFAULT_LIMIT;
      if (!Number.isSafeInteger(limit) || limit < 1) {
        throw new RangeError(`limit: expected a whole number from 1 to 2^53 - 1, got ${limit}`);
      }
      return make(runtime, program, maps, { limit });
    },
  };
}
