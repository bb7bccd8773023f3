// How much stack the functions of a program take together, once it is known how deep each one's own is
// (check_max_stack_depth in kernel/bpf/verifier.c).

import { type Env, MAX_FRAMES, MAX_STACK } from "../env.ts";
import { E2BIG, EACCES, reject } from "../rejection.ts";

/** As for a kernel that compiles programs, where a frame without a stack takes none. */
const round = (bytes: number): number => (bytes + 15) & ~15;

/** All frames of the deepest chain of calls fit the stack. */
export function checkDepth(env: Env): void {
  const calls = env.flow.functions.map((_, index) => callsOf(env, index));
  /** Places in chains that were looked at: another chain to the same place fares the same. */
  const seen = new Set<string>();
  const visit = (index: number, depth: number, frames: number): void => {
    const own = round(env.stackDepth[index]) + (env.traits.privateStack ? 0 : depth);
    if (own > MAX_STACK) {
      reject(-1, EACCES, `combined stack size of ${frames} calls is ${own}. Too large`);
    }
    const place = `${index} ${own} ${frames}`;
    if (seen.has(place)) return;
    seen.add(place);
    for (const [target, slot] of calls[index]) {
      if (frames >= MAX_FRAMES) reject(slot, E2BIG, `the call stack of ${frames} frames is too deep !`);
      visit(target, own, frames + 1);
    }
  };
  for (const index of [0, ...env.asyncFunctions].sort((a, b) => a - b)) visit(index, 0, 1);
}

/** The functions that a function calls, or gives to a helper to run on top of it, each with the first place of it. */
function callsOf({ code, flow, asyncFunctions }: Env, index: number): ReadonlyMap<number, number> {
  const { functions } = flow;
  const targets = new Map<number, number>();
  for (let slot = functions[index]; slot < (functions[index + 1] ?? code.length); slot++) {
    if (!code.isLocalCall(slot) && !code.isFunctionLoad(slot)) continue;
    const target = flow.functionAt(slot + 1 + code.imm[slot]);
    if (!code.isLocalCall(slot) && asyncFunctions.has(target)) continue;
    if (!targets.has(target)) targets.set(target, slot);
  }
  return targets;
}
