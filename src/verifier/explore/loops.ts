// The loops of a program: the instructions from which jumps lead back to themselves, function by function, and the
// calls of helpers that call back any number of times (compute_scc in kernel/bpf/verifier.c, after Tarjan).

import { type Code, Opcode } from "../code.ts";

interface Loops {
  /** Of each slot the number of its loop, counted as they are found; 0: none. Of those of callbacks only, the last ones. */
  readonly loops: Uint32Array;
  /** How many are made of jumps. */
  readonly jumpLoops: number;
}

/** Within a function; a call goes on behind itself. */
function successorsOf(code: Code, slot: number): number[] {
  if (code.code[slot] === Opcode.EXIT) return [];
  if (code.isJumpAlways(slot)) return [code.target(slot)];
  const next = slot + (code.isWide(slot) ? 2 : 1);
  return code.isConditional(slot) ? [next, code.target(slot)] : [next];
}

/** `callsBack`: 1 where a helper calls back. */
export function findLoops(code: Code, callsBack: Uint8Array): Loops {
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
  const jumpLoops = nextLoop - 1;
  for (let slot = 0; slot < code.length; slot++) {
    if (callsBack[slot] === 1 && loops[slot] === 0) loops[slot] = nextLoop++;
  }
  return { loops, jumpLoops };
}
