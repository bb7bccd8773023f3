// Loops whose rounds nobody counts end where a state is like one that it came from. What numbers such a loop rests on is
// known only when all ways through it were followed: until then its states are compared strictly, and then what was
// marked in the one state is marked on the way to the other, as often as that changes anything (bpf_scc_visit and
// propagate_backedges in kernel/bpf/verifier.c).

import type { Env } from "../env.ts";
import type { State } from "../state.ts";
import { markEverything, propagatePrecision } from "./precision.ts";

/** A way that ended because `kept` is like it. */
interface Backedge {
  readonly state: State;
  readonly kept: State;
  /** The kernel keeps it as well: it ends elsewhere than at a callback. */
  readonly counts: boolean;
}

/** One loop, as one chain of calls leads to it. */
export interface LoopVisit {
  /** Call sites and the loop's number. */
  readonly chain: readonly number[];
  /** The first kept state inside; undefined when all ways from it have ended. */
  entry: State | undefined;
  backedges: Backedge[];
}

/** Rounds of marking after which everything is marked (MAX_BACKEDGE_ITERS). */
const MAX_ROUNDS = 64;

export class LoopVisits {
  readonly #env: Env;
  readonly #visits = new Map<string, LoopVisit>();
  /** Backedges that the kernel keeps as well. */
  count = 0;

  constructor(env: Env) {
    this.#env = env;
  }

  /** A state is kept: it may be the first one in its loop. */
  enter(kept: State): void {
    const chain = this.#chainOf(kept);
    if (chain === undefined) return;
    const key = chain.join();
    let visit = this.#visits.get(key);
    if (visit === undefined) {
      visit = { chain, entry: undefined, backedges: [] };
      this.#visits.set(key, visit);
    }
    kept.loopVisit = visit;
    if (visit.entry !== undefined) return;
    visit.entry = kept;
    this.#env.observer?.loop?.("enter", visit);
  }

  /** The calls that lead to the outermost loop that a state is in; undefined where it is in none. */
  #chainOf({ frames, slot }: State): readonly number[] | undefined {
    const { loops } = this.#env.flow;
    const chain: number[] = [];
    for (const { number } of frames) {
      const at = frames[number + 1]?.callSite ?? slot;
      chain.push(loops[at] === 0 ? at : loops[at]);
      if (loops[at] !== 0) return chain;
    }
    return undefined;
  }

  /** The current way ends: `kept` is like it, and not all is known that rests on it. */
  addBackedge(kept: State, state: State): void {
    const visit = kept.loopVisit;
    if (visit === undefined) return;
    const copy = state.copy();
    copy.steps = state.steps.slice();
    copy.slot = this.#env.slot;
    const counts = this.#counts(kept);
    visit.backedges.push({ state: copy, kept, counts });
    if (!counts) return;
    this.count++;
    this.#env.observer?.loop?.("backedge", visit);
  }

  #counts(kept: State): boolean {
    const { loopVisit, slot } = kept;
    const { callsBack, jumpLoops } = this.#env.flow;
    // Of a state whose ways have all ended the kernel may know no reason to wait.
    if (kept.branches === 0 && !this.isHeld(kept)) return false;
    return callsBack[slot] === 0 && (loopVisit?.chain.at(-1) ?? 0) <= jumpLoops;
  }

  /** True while what the ways from a kept state rest on may be marked in part only. */
  isOpen(kept: State): boolean {
    return kept.loopVisit !== undefined && kept.loopVisit.backedges.length > 0;
  }

  /** True while the kernel, too, has to keep a state for the ways that rest on it. */
  isHeld(kept: State): boolean {
    return kept.loopVisit?.backedges.some(({ counts }) => counts) === true;
  }

  /** All ways from a kept state have ended. */
  exit(kept: State): void {
    const visit = kept.loopVisit;
    if (visit === undefined || visit.entry !== kept) return;
    this.#env.observer?.loop?.("exit", visit);
    visit.entry = undefined;
    this.count -= visit.backedges.filter(({ counts }) => counts).length;
    this.#settle(visit);
    visit.backedges = [];
  }

  /** What the kernel does not do is not in its log. */
  #propagate(kept: State, state: State, isLogged: boolean): boolean {
    const env = this.#env;
    const { observer } = env;
    if (!isLogged) env.observer = undefined;
    const changed = propagatePrecision(env, kept, state, state.slot);
    env.observer = observer;
    return changed;
  }

  #settle({ backedges }: LoopVisit): void {
    for (let round = 0; round <= MAX_ROUNDS; round++) {
      let changed = false;
      // The kernel's list has the youngest first.
      for (const { state, kept, counts } of backedges.toReversed()) {
        if (this.#propagate(kept, state, counts)) changed = true;
      }
      if (!changed) return;
    }
    for (const { state } of backedges) markEverything(state);
  }
}
