// What the log's second level begins with: the functions, and for each instruction the loop that it is part of and
// the registers that are still read (compute_scc and compute_live_registers in kernel/bpf/verifier.c).

import { type Code, Opcode } from "./code.ts";
import type { Env } from "./env.ts";
import type { LogBuffer } from "./log.ts";
import { formatSlotInsn } from "./print-insn.ts";

export function writeFunctions(log: LogBuffer, functions: readonly number[]): void {
  for (const [index, start] of functions.entries()) log.write(`func#${index} @${start}\n`);
}

export function writeLiveRegisters(env: Env, log: LogBuffer): void {
  const { code, flow } = env;
  const loops = findLoops(code);
  log.write("Live regs before insn:\n");
  for (let slot = 0; slot < code.length; slot++) {
    const loop = loops[slot] === 0 ? "    " : `${`${loops[slot]}`.padStart(3)} `;
    let live = "";
    for (let index = 0; index < 10; index++) {
      live += (flow.liveRegisters[slot] & (1 << index)) !== 0 ? `${index}` : ".";
    }
    log.write(`${loop}${`${slot}`.padStart(3)}: ${live} ${formatSlotInsn(code, slot)}\n`);
    if (code.isWide(slot)) slot++;
  }
}

/** Within a function; a call goes on behind itself. */
function successorsOf(code: Code, slot: number): number[] {
  if (code.code[slot] === Opcode.EXIT) return [];
  if (code.isJumpAlways(slot)) return [code.target(slot)];
  const next = slot + (code.isWide(slot) ? 2 : 1);
  return code.isConditional(slot) ? [next, code.target(slot)] : [next];
}

/** Of each slot the number of its loop, counted as they are found; 0: none. Strongly connected parts, after Tarjan. */
function findLoops(code: Code): Uint32Array {
  const loops = new Uint32Array(code.length);
  const order = new Uint32Array(code.length);
  const low = new Uint32Array(code.length);
  const isDone = 0xffffffff;
  const open: number[] = [];
  let [nextOrder, nextLoop] = [1, 1];
  const close = (slot: number): void => {
    const isLoop = open.at(-1) !== slot || successorsOf(code, slot).includes(slot);
    for (let member = -1; member !== slot; ) {
      member = open.pop() as number;
      low[member] = isDone;
      if (isLoop) loops[member] = nextLoop;
    }
    if (isLoop) nextLoop++;
  };
  for (let start = 0; start < code.length; start++) {
    const path = order[start] === 0 ? [start] : [];
    while (path.length > 0) {
      const slot = path[path.length - 1];
      if (order[slot] === 0) {
        order[slot] = low[slot] = nextOrder++;
        open.push(slot);
      }
      const successors = successorsOf(code, slot).filter((next) => next < code.length);
      const unseen = successors.find((next) => order[next] === 0);
      if (unseen !== undefined) {
        path.push(unseen);
        continue;
      }
      for (const next of successors) low[slot] = Math.min(low[slot], low[next]);
      if (low[slot] === order[slot]) close(slot);
      path.pop();
    }
    // The second slot of a wide instruction is none of its own.
    if (code.isWide(start)) start++;
  }
  return loops;
}
