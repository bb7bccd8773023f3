// The engine `wasm`: the AssemblyScript interpreter (assembly/interpreter.ts) with i64 registers.

import { coreOf, wasmUnavailable } from "./core.ts";
import type { Engine } from "./engine.ts";
import { interpreterEngine } from "./interpreter.ts";

export const wasmEngine: Engine = interpreterEngine(
  "wasm",
  wasmUnavailable,
  (runtime) => coreOf(runtime).run,
);
