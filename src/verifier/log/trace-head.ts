// What the log's second level begins with: the functions, and for each instruction the loop that it is part of and
// the registers that are still read (compute_scc and compute_live_registers in kernel/bpf/verifier.c).

import type { Env } from "../env.ts";
import type { LogBuffer } from "./log.ts";
import { formatSlotInsn } from "./print-insn.ts";

export function writeFunctions(log: LogBuffer, functions: readonly number[]): void {
  for (const [index, start] of functions.entries()) log.write(`func#${index} @${start}\n`);
}

export function writeLiveRegisters(env: Env, log: LogBuffer): void {
  const { code, flow } = env;
  const { loops, jumpLoops } = flow;
  log.write("Live regs before insn:\n");
  for (let slot = 0; slot < code.length; slot++) {
    // A callback's loop has no number in the kernel's log.
    const isNumbered = loops[slot] !== 0 && loops[slot] <= jumpLoops;
    const loop = isNumbered ? `${`${loops[slot]}`.padStart(3)} ` : "    ";
    let live = "";
    for (let index = 0; index < 10; index++) {
      live += (flow.liveRegisters[slot] & (1 << index)) !== 0 ? `${index}` : ".";
    }
    log.write(`${loop}${`${slot}`.padStart(3)}: ${live} ${formatSlotInsn(code, slot)}\n`);
    if (code.isWide(slot)) slot++;
  }
}
