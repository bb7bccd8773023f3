// Who wants to see how a program is explored: the log, or whoever explains a rejection. Told by the explorer at each
// instruction; without an observer nothing is paid.

import type { State } from "./state.ts";

export interface Observer {
  /** Where what was noted so far ends, for a way that is put off at the current instruction. */
  readonly position: number;
  /** The instruction at `env.slot` is looked at next. */
  before(): void;
  /** It was, and the program goes on at `next`; -1 at the end of a way. */
  after(next: number): void;
  /** A kept state covers the current one. */
  covered(): void;
  /** The current state is the kept one again, exactly: the loop never ends. */
  loops(kept: State): void;
  /** A way that was put off is taken up; `env` has its state already. */
  resume(position: number): void;
}
