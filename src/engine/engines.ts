// All engines by name, and the choice of one.

import type { Engine, EngineName } from "./engine.ts";
import { tsEngine } from "./interpreter-ts.ts";
import { wasmEngine } from "./interpreter-wasm.ts";
import { jitEngine } from "./jit/jit.ts";

/** From the slowest to the fastest. */
export const ENGINES: Readonly<Record<EngineName, Engine>> = {
  ts: tsEngine,
  wasm: wasmEngine,
  jit: jitEngine,
};

/** What `auto` takes, the last first: engines that run whatever any engine runs. */
const AUTOMATIC: readonly Engine[] = [tsEngine, wasmEngine];

/**
 * The engine of that name; `auto` takes the fastest interpreter that can run here. Throws a TypeError for a name that is none,
 * and where the engine cannot run: none is ever put in another's place.
 */
export function selectEngine(name: EngineName | "auto"): Engine {
  if (name === "auto") {
    return AUTOMATIC.findLast((engine) => engine.unavailable() === undefined) as Engine;
  }
  const engine = Object.hasOwn(ENGINES, name) ? ENGINES[name] : undefined;
  if (engine === undefined) {
    const names = ["auto", ...Object.keys(ENGINES)];
    const last = names.pop();
    throw new TypeError(`engine: expected ${names.join(", ")} or ${last}, got "${name}"`);
  }
  const problem = engine.unavailable();
  if (problem !== undefined) throw new TypeError(`engine ${name}: ${problem}`);
  return engine;
}
