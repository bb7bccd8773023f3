// Follows every way through a program, instruction by instruction, each with a state of its own; drops a way where a
// kept state covers it. Knows nothing of what instructions mean: step() does (do_check and is_state_visited in
// kernel/bpf/verifier.c).

import { JumpWays } from "../../program.ts";
import { Opcode } from "../code.ts";
import { type Env, type Fork, MAX_INSNS } from "../env.ts";
import { pushStep } from "../insns/stack-access.ts";
import { type StepResult, step } from "../insns/step.ts";
import { isIterating } from "../objects/iterator.ts";
import { E2BIG, EINVAL, ENOMEM } from "../rejection.ts";
import type { State } from "../state.ts";
import { clean, covers, hasIterated, mayLoop, widen } from "./compare.ts";
import { LoopVisits } from "./loop-visits.ts";
import { forgetPrecision, propagatePrecision } from "./precision.ts";

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
  readonly #loops: LoopVisits;
  /** Kept states by bucket. */
  readonly #kept = new Map<number, Kept[]>();

  constructor(env: Env) {
    this.#env = env;
    this.#loops = new LoopVisits(env);
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
    env.reached[slot] = 1;
    if (result.rounds !== undefined) this.#widen(result);
    for (const way of result.others) {
      noteJump(env, way.slot);
      this.#push(way);
    }
    env.observer?.after(result.next, result.others.length > 0);
    env.stackLiveness.commit(env.state, slot);
    if (result.next < 0) return true;
    noteJump(env, result.next);
    env.previousSlot = slot;
    env.slot = result.next;
    return false;
  }

  /** Before another round of a loop: numbers that change from round to round are forgotten where they may be. */
  #widen({ rounds, next }: StepResult): void {
    const env = this.#env;
    if (rounds === undefined) return;
    const isOwnWay = rounds === env.state;
    // A may_goto's own state is kept right here: the round before is the one before that.
    const from = isOwnWay ? rounds : rounds.parent;
    const slot = isOwnWay ? next : env.slot;
    if (from === undefined) return;
    const all = this.#kept.get(this.#bucket(slot, from));
    const before = all?.findLast(
      ({ state }) =>
        state.slot === slot && state.branches > 0 && state.depth < from.depth && sameCalls(state, from),
    );
    if (before !== undefined) widen(env, before.state, rounds);
  }

  /** A way to be explored later. */
  #push({ state, slot, isEntry }: Fork): void {
    const env = this.#env;
    if (env.pending.length >= MAX_PENDING) {
      env.reject(ENOMEM, `The sequence of ${MAX_PENDING + 1} jumps is too complex.`);
    }
    state.branches = 1;
    state.steps = isEntry === true ? [] : env.state.steps.slice();
    if (state.parent !== undefined) state.parent.branches++;
    const previousSlot = isEntry === true ? -1 : env.slot;
    env.pending.push({ state, slot, previousSlot, position: env.observer?.position ?? 0 });
  }

  /** A way has ended: so have those that had no other way left. */
  #endWay(state: State): void {
    state.branches = 0;
    for (let kept = state.parent; kept !== undefined; kept = kept.parent) {
      if (--kept.branches > 0) return;
      this.#loops.exit(kept);
      if (kept.isDiscarded && !this.#loops.isHeld(kept)) this.#env.keptStates--;
    }
  }

  /** True when a kept state covers this one; else keeps this one, where that may help. */
  #isCovered(): boolean {
    const env = this.#env;
    const { slot, state, flow } = env;
    const isForced = env.keepsEveryState || flow.checkpoints[slot] === 1 || state.steps.length > MAX_STEPS;
    let keeps =
      isForced || (env.jumpsProcessed - env.jumpsAtState >= 2 && env.insnsProcessed - env.insnsAtState >= 8);
    const bucket = this.#bucket(slot, state);
    const all = this.#kept.get(bucket) ?? [];
    const count = all.length;
    for (let index = all.length - 1; index >= 0; index--) {
      const kept = all[index];
      if (kept.state.slot !== slot) continue;
      if (kept.state.branches > 0) {
        if (this.#coversLoop(kept.state)) {
          this.#drop(kept, true);
          return true;
        }
        const isNear =
          env.jumpsProcessed - env.jumpsAtState < 20 && env.insnsProcessed - env.insnsAtState < 100;
        if (!isForced && isNear) keeps = false;
      } else {
        const isOpen = this.#loops.isOpen(kept.state);
        if (!kept.state.isCleaned && !isOpen) clean(env, kept.state);
        if (covers(env, kept.state, state, isOpen ? "within" : "covers")) {
          this.#drop(kept, isOpen);
          return true;
        }
      }
      if (keeps) kept.misses++;
      const patience = flow.checkpoints[slot] === 1 && kept.state.branches > 0 ? 64 : 3;
      if (kept.misses > kept.hits * patience + patience) {
        all.splice(index, 1);
        this.#discard(kept.state);
      }
    }
    if (env.maxStatesPerInsn < count) env.maxStatesPerInsn = count;
    if (keeps) {
      this.#keep(all);
      this.#kept.set(bucket, all);
    }
    return false;
  }

  /** What mattered behind the kept state matters on the way here as well. */
  #drop(kept: Kept, isLoop: boolean): void {
    const env = this.#env;
    kept.hits++;
    if (env.flow.jumpPoints[env.slot] === 1) pushStep(env);
    propagatePrecision(env, kept.state, env.state, env.slot);
    if (!isLoop) return;
    this.#loops.addBackedge(kept.state, env.state);
    this.#notePeak();
  }

  /** It helps seldom: it is not compared any more. */
  #discard(state: State): void {
    state.isDiscarded = true;
    if (state.branches === 0 && !this.#loops.isHeld(state)) this.#env.keptStates--;
  }

  /** A state on the way here itself: a loop that changes nothing, or one that may be left to itself. */
  #coversLoop(kept: State): boolean {
    const env = this.#env;
    const { state, slot, flow } = env;
    if (kept.frames[0].callback?.asyncEntry !== state.frames[0].callback?.asyncEntry) return false;
    if (flow.iterates[slot] === 1) return covers(env, kept, state, "within") && isIterating(state);
    if (env.code.code[slot] === Opcode.MAY_GOTO && kept.mayGotoDepth !== state.mayGotoDepth) {
      if (covers(env, kept, state, "within")) return true;
    }
    if (flow.callsBack[slot] === 1) return covers(env, kept, state, "within");
    const isSamePlace =
      kept.mayGotoDepth === state.mayGotoDepth && kept.callbackUnrollDepth === state.callbackUnrollDepth;
    const isSame = isSamePlace && mayLoop(kept, state) && covers(env, kept, state, "exact");
    if (isSame && !hasIterated(kept, state)) {
      env.observer?.loops(kept);
      env.reject(EINVAL, `infinite loop detected at insn ${slot}`);
    }
    return false;
  }

  #notePeak(): void {
    const { count } = this.#loops;
    this.#env.peakStates = Math.max(this.#env.peakStates, this.#env.keptStates + count);
  }

  #keep(all: Kept[]): void {
    const env = this.#env;
    const { state, slot } = env;
    env.insnsAtState = env.insnsProcessed;
    env.jumpsAtState = env.jumpsProcessed;
    env.totalStates++;
    env.keptStates++;
    this.#notePeak();
    forgetPrecision(state);
    const kept = state.copy();
    kept.slot = slot;
    kept.branches = 1;
    kept.lastSlot = env.previousSlot;
    kept.steps = state.steps;
    this.#loops.enter(kept);
    env.observer?.keeps?.(kept);
    // The way from here on is the state's own: it goes back to the kept one.
    state.parent = kept;
    state.depth++;
    state.firstSlot = slot;
    state.lastSlot = env.previousSlot;
    state.steps = [];
    all.push({ state: kept, hits: 0, misses: 0 });
  }

  /** Where states of this slot and this caller are kept, with others that share the number as in the kernel. */
  #bucket(slot: number, { frame }: State): number {
    return ((slot ^ frame.callSite) >>> 0) % this.#env.code.length;
  }
}

/** A way goes on from this instruction to `next`. */
function noteJump(env: Env, next: number): void {
  env.jumps[env.slot] |= next === env.slot + 1 ? JumpWays.FALLS_THROUGH : JumpWays.JUMPS;
}

/** True when both came the same way through calls. */
function sameCalls(one: State, other: State): boolean {
  return (
    one.frames.length === other.frames.length &&
    one.frames.every((frame, index) => frame.callSite === other.frames[index].callSite)
  );
}
