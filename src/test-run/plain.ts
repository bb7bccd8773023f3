// Contexts that point nowhere: arguments of a raw tracepoint, registers at a probe, bytes for a `syscall` program.
// They are what the caller gives, in plain memory.

import type { ProgramType } from "../program-types.ts";
import type { Runtime } from "../runtime.ts";
import { programTraits } from "../verifier/contexts/contexts.ts";
import type { TestContext } from "./context.ts";

export function isPlain(type: ProgramType): boolean {
  if (type === "raw" || type === "unspec") return false;
  const { contextSize, contextPoints } = programTraits(type);
  return contextSize > 0 && !contextPoints;
}

/** Makes such a context of the caller's bytes, zeros behind them as far as a program may reach. */
export function makePlain(runtime: Runtime, type: ProgramType, bytes: Uint8Array): TestContext {
  const buffer = runtime.allocateBuffer(Math.max(bytes.length, programTraits(type).contextSize));
  const { memory } = runtime;
  memory.write(buffer.address, bytes);
  return {
    buffer,
    readData: () => memory.read(buffer.address, bytes.length),
    readContext: () => undefined,
    free: () => runtime.freeBuffer(buffer),
  };
}
