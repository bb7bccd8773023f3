// Contexts that point nowhere: arguments of a raw tracepoint, registers at a probe, bytes for a `syscall` program.
// They are what the caller gives, in plain memory.

import type { ProgramType } from "../../program-types.ts";
import type { Runtime } from "../../runtime.ts";
import { CGROUP_ROWS } from "../../verifier/contexts/cgroup.ts";
import { NETWORK_ROWS } from "../../verifier/contexts/network.ts";
import { SOCK_ROWS } from "../../verifier/contexts/sock.ts";
import { TRACING_ROWS } from "../../verifier/contexts/tracing.ts";
import type { TestContext } from "./context.ts";

/** Bytes that programs of a type may access; of types none of whose attach points see a pointer. */
const SIZES: ReadonlyMap<ProgramType, number> = (() => {
  const sizes = new Map<ProgramType, number>();
  const pointing = new Set<ProgramType>();
  for (const { types, struct } of [...CGROUP_ROWS, ...NETWORK_ROWS, ...SOCK_ROWS, ...TRACING_ROWS]) {
    const hasPointer = struct.fields.some(({ access }) => access.value !== "scalar");
    for (const type of types) {
      if (hasPointer) pointing.add(type);
      sizes.set(type, Math.max(sizes.get(type) ?? 0, struct.size));
    }
  }
  for (const type of pointing) sizes.delete(type);
  return sizes;
})();

export const isPlain = (type: ProgramType): boolean => SIZES.has(type);

/** Makes such a context of the caller's bytes, zeros behind them as far as a program may reach. */
export function makePlain(runtime: Runtime, type: ProgramType, bytes: Uint8Array): TestContext {
  const buffer = runtime.allocateBuffer(Math.max(bytes.length, SIZES.get(type) ?? 0));
  const { memory } = runtime;
  memory.write(buffer.address, bytes);
  return {
    buffer,
    readData: () => memory.read(buffer.address, bytes.length),
    readContext: () => undefined,
    free: () => runtime.freeBuffer(buffer),
  };
}
