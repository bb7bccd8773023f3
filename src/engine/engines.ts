// All engines by name, and the choice of one.

import type { Engine, EngineName } from "./engine.ts";
import { tsEngine } from "./interpreter-ts.ts";
import { wasmEngine } from "./interpreter-wasm.ts";

/** From the slowest to the fastest. */
export const ENGINES: Readonly<Record<EngineName, Engine>> = { ts: tsEngine, wasm: wasmEngine };

/**
 * The engine of that name; `auto` takes the fastest that can run here. Throws a TypeError for a name that is none,
 * and where the engine cannot run: none is ever put in another's place.
 */
export function selectEngine(name: EngineName | "auto"): Engine {
  if (name === "auto") {
    const usable = Object.values(ENGINES).filter((engine) => engine.unavailable() === undefined);
    return usable[usable.length - 1] as Engine;
  }
  const engine = Object.hasOwn(ENGINES, name) ? ENGINES[name] : undefined;
  if (engine === undefined) {
    throw new TypeError(`engine: expected auto, ${Object.keys(ENGINES).join(" or ")}, got "${name}"`);
  }
  const problem = engine.unavailable();
  if (problem !== undefined) throw new TypeError(`engine ${name}: ${problem}`);
  return engine;
}
