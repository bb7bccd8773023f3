// Follows every way through a program, instruction by instruction, each with a state of its own; drops a way where a
// kept state covers it. Knows nothing of what instructions mean: step() does (do_check and is_state_visited in
// kernel/bpf/verifier.c).

import { Opcode } from "./code.ts";
import { clean, covers, mayLoop } from "./compare.ts";
import { type Env, MAX_INSNS } from "./env.ts";
import { forgetPrecision, propagatePrecision } from "./precision.ts";
import { E2BIG, EINVAL } from "./rejection.ts";
import { pushStep } from "./stack-access.ts";
import type { State } from "./state.ts";
import { type StepResult, step } from "./step.ts";

/** More ways than that wait for no sensible program (BPF_COMPLEXITY_LIMIT_JMP_SEQ). */
const MAX_PENDING = 8192;
/** Steps of a way after which a state is kept in any case. */
const MAX_STEPS = 40;

/** A kept state, and how often it helped. */
interface Kept {
  readonly state: State;
  hits: number;
  misses: number;
}

export class Explorer {
  readonly #env: Env;
  /** Kept states by bucket. */
  readonly #kept = new Map<number, Kept[]>();

  constructor(env: Env) {
    this.#env = env;
  }

  /** Explores all that follows from `start` at `slot`. Rejects what may not be. */
  explore(start: State, slot: number): void {
    const env = this.#env;
    start.firstSlot = slot;
    start.lastSlot = -1;
    env.state = start;
    env.state.branches = 1;
    env.slot = slot;
    env.previousSlot = -1;
    for (;;) {
      const isOver = this.#advance();
      if (!isOver) continue;
      this.#endWay(env.state);
      const next = env.pending.pop();
      if (next === undefined) {
        env.log?.dropWays();
        return;
      }
      env.state = next.state;
      env.slot = next.slot;
      env.previousSlot = next.previousSlot;
      env.observer?.resume(next.position);
    }
  }

  /** One instruction; true when the way ends. */
  #advance(): boolean {
    const env = this.#env;
    const { flow, slot } = env;
    env.step = undefined;
    if (slot >= env.code.length) env.reject(EINVAL, `invalid insn idx ${slot} insn_cnt ${env.code.length}`);
    if (++env.insnsProcessed > MAX_INSNS) {
      env.reject(E2BIG, `BPF program is too large. Processed ${env.insnsProcessed} insn`);
    }
    if (flow.prunePoints[slot] === 1 && this.#isCovered()) {
      env.observer?.covered();
      return true;
    }
    if (flow.jumpPoints[slot] === 1) pushStep(env);
    env.observer?.before();
    const result: StepResult = step(env);
    env.observer?.after(result.next);
    env.stackLiveness.commit(env.state, slot);
    for (const way of result.others) this.#push(way.state, way.slot);
    if (result.next < 0) return true;
    env.previousSlot = slot;
    env.slot = result.next;
    return false;
  }

  /** A way to be explored later. */
  #push(state: State, slot: number): void {
    const env = this.#env;
    if (env.pending.length >= MAX_PENDING) {
      env.reject(E2BIG, `The sequence of ${MAX_PENDING + 1} jumps is too complex.`);
    }
    state.branches = 1;
    state.steps = env.state.steps.slice();
    if (state.parent !== undefined) state.parent.branches++;
    env.pending.push({ state, slot, previousSlot: env.slot, position: env.observer?.position ?? 0 });
  }

  /** A way has ended: so have those that had no other way left. */
  #endWay(state: State): void {
    state.branches = 0;
    for (let kept = state.parent; kept !== undefined; kept = kept.parent) {
      if (--kept.branches > 0) return;
    }
  }

  /** True when a kept state covers this one; else keeps this one, where that may help. */
  #isCovered(): boolean {
    const env = this.#env;
    const { slot, state, flow } = env;
    const isForced = env.keepsEveryState || flow.checkpoints[slot] === 1 || state.steps.length > MAX_STEPS;
    let keeps =
      isForced || (env.jumpsProcessed - env.jumpsAtState >= 2 && env.insnsProcessed - env.insnsAtState >= 8);
    const all = this.#kept.get(this.#bucket()) ?? [];
    const count = all.length;
    for (let index = all.length - 1; index >= 0; index--) {
      const kept = all[index];
      if (kept.state.slot !== slot) continue;
      if (kept.state.branches > 0) {
        if (this.#coversLoop(kept.state)) {
          this.#drop(kept);
          openLoop(state, kept.state);
          return true;
        }
        const isNear =
          env.jumpsProcessed - env.jumpsAtState < 20 && env.insnsProcessed - env.insnsAtState < 100;
        if (!isForced && isNear) keeps = false;
      } else {
        const { isOpenLoop } = kept.state;
        if (!kept.state.isCleaned && !isOpenLoop) clean(env, kept.state);
        const likeness = isOpenLoop ? "within" : "covers";
        if (covers(env, kept.state, state, likeness)) {
          this.#drop(kept);
          return true;
        }
      }
      if (keeps) kept.misses++;
      const patience = flow.checkpoints[slot] === 1 && kept.state.branches > 0 ? 64 : 3;
      if (kept.misses > kept.hits * patience + patience) {
        all.splice(index, 1);
        env.keptStates--;
      }
    }
    if (env.maxStatesPerInsn < count) env.maxStatesPerInsn = count;
    if (keeps) this.#keep(all);
    return false;
  }

  /** What mattered behind the kept state matters on the way here as well. */
  #drop(kept: Kept): void {
    const env = this.#env;
    kept.hits++;
    if (env.flow.jumpPoints[env.slot] === 1) pushStep(env);
    propagatePrecision(env, kept.state, env.state);
  }

  /** A state on the way here itself: a loop that changes nothing, or one that may be left to itself. */
  #coversLoop(kept: State): boolean {
    const env = this.#env;
    const { state, slot, flow } = env;
    if (env.code.code[slot] === Opcode.MAY_GOTO) {
      return kept.mayGotoDepth !== state.mayGotoDepth && covers(env, kept, state, "within");
    }
    if (flow.callsBack[slot] === 1) return covers(env, kept, state, "within");
    const isSamePlace =
      kept.mayGotoDepth === state.mayGotoDepth && kept.callbackUnrollDepth === state.callbackUnrollDepth;
    if (isSamePlace && mayLoop(kept, state) && covers(env, kept, state, "exact")) {
      env.observer?.loops(kept);
      env.reject(EINVAL, `infinite loop detected at insn ${slot}`);
    }
    return false;
  }

  #keep(all: Kept[]): void {
    const env = this.#env;
    const { state, slot } = env;
    env.insnsAtState = env.insnsProcessed;
    env.jumpsAtState = env.jumpsProcessed;
    env.totalStates++;
    env.keptStates++;
    if (env.peakStates < env.keptStates) env.peakStates = env.keptStates;
    forgetPrecision(state);
    const kept = state.copy();
    kept.slot = slot;
    kept.branches = 1;
    kept.lastSlot = env.previousSlot;
    kept.steps = state.steps;
    kept.parent = state.parent;
    kept.firstSlot = state.firstSlot;
    // The way from here on is the state's own: it goes back to the kept one.
    state.parent = kept;
    state.firstSlot = slot;
    state.lastSlot = env.previousSlot;
    state.steps = [];
    all.push({ state: kept, hits: 0, misses: 0 });
    this.#kept.set(this.#bucket(), all);
  }

  /** Where states of this slot and this caller are kept, with others that share the number as in the kernel. */
  #bucket(): number {
    const { code, slot, frame } = this.#env;
    return ((slot ^ frame.callSite) >>> 0) % code.length;
  }
}

/** From `kept` to here is a loop that was not followed to its end: what its states need is not all known. */
function openLoop(state: State, kept: State): void {
  for (let each = state.parent; each !== undefined; each = each.parent) {
    each.isOpenLoop = true;
    if (each === kept) return;
  }
}
