// Who wants to see how a program is explored: the log, or whoever explains a rejection. Told by the explorer at each
// instruction; without an observer nothing is paid.

import type { LoopVisit } from "./explore/loop-visits.ts";
import type { State } from "./state.ts";

export interface Observer {
  /** Where what was noted so far ends, for a way that is put off at the current instruction. */
  readonly position: number;
  /** The first instruction of a function that is verified by itself is looked at next. */
  begins(): void;
  /** The instruction at `env.slot` is looked at next. */
  before(): void;
  /** It was, and the program goes on at `next`, -1 at the end of a way; other ways may part here. */
  after(next: number, parts: boolean): void;
  /** The current state is kept, as a copy that is marked, and rid of what nobody reads, as more is known. */
  keeps?(kept: State): void;
  /** A kept state covers the current one. */
  covered(): void;
  /** The current state is the kept one again, exactly: the loop never ends. */
  loops(kept: State): void;
  /** The first way into a loop, a way that ends on another one inside of it, or the end of all its ways. */
  loop?(event: "enter" | "backedge" | "exit", visit: LoopVisit): void;
  /** Told how precision is traced back, where that is wanted. */
  readonly precision?: PrecisionNotes | undefined;
  /** A way that was put off is taken up; `env` has its state already. */
  resume(position: number): void;
}

/** Numbers whose origin is sought, by frame: registers as bits, stack slots by index. */
export interface WantedNumbers {
  readonly frame: number;
  readonly registers: readonly number[];
  readonly stack: readonly ReadonlySet<number>[];
}

export interface PrecisionNotes {
  /** What a kept state needs is sought in the way that ended at it. */
  propagates(wanted: WantedNumbers): void;
  /** The steps of a state are gone through from slot `last` to slot `first`; `later`: the slot behind, or -1. */
  begins(wanted: WantedNumbers, last: number, first: number, later: number): void;
  /** So much is wanted behind the instruction at `slot`. */
  goesBack(wanted: WantedNumbers, slot: number): void;
  /** What is left was marked in `frame` of a kept state. */
  marks(state: State, frame: number, wanted: WantedNumbers): void;
}
