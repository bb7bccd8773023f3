// The Wasm boundary: the AssemblyScript core, compiled once per process and instantiated once per runtime on
// the runtime's memory. Everything crosses as i32; 64-bit values stay in linear memory.

import type { Runtime } from "../runtime.ts";
import { CORE_WASM_BASE64 } from "./core-bytes.ts";

/** What assembly/index.ts exports. */
export interface Core {
  run(events: number, end: number): number;
}

let compiled: WebAssembly.Module | undefined;
const instances = new WeakMap<Runtime, Core>();

/** The core's bytes, decoded. */
export function coreBytes(): Uint8Array<ArrayBuffer> {
  const text = atob(CORE_WASM_BASE64);
  return Uint8Array.from(text, (char) => char.charCodeAt(0));
}

/** Why no Wasm can run here, or undefined. */
export function wasmUnavailable(): string | undefined {
  if (typeof WebAssembly !== "object") return "this environment has no WebAssembly";
  try {
    compiled ??= new WebAssembly.Module(coreBytes());
    return undefined;
  } catch (error) {
    return `WebAssembly does not compile here (${error instanceof Error ? error.message : error})`;
  }
}

/** The core on a runtime's memory. Throws a TypeError where there is no Wasm. */
export function coreOf(runtime: Runtime): Core {
  const known = instances.get(runtime);
  if (known !== undefined) return known;
  const problem = wasmUnavailable();
  if (problem !== undefined) throw new TypeError(`engine wasm: ${problem}`);
  const imports = {
    env: { memory: runtime.memory.wasm as WebAssembly.Memory },
    host: { call: (index: number) => runtime.helpers.call(index) },
  };
  const core = new WebAssembly.Instance(compiled as WebAssembly.Module, imports).exports as unknown as Core;
  instances.set(runtime, core);
  return core;
}
