// Remembers the way that the verifier is on: the registers and the stack before each instruction. What belongs to
// ways that ended is forgotten, so that at a rejection the way to it is left.

import type { Env } from "../env.ts";
import type { Observer } from "../observe.ts";
import type { Register } from "../register.ts";
import type { StackSlot } from "../state.ts";

/** What was known before an instruction. */
export interface Moment {
  readonly slot: number;
  /** Number of the frame that it ran in. */
  readonly frame: number;
  readonly registers: readonly Register[];
  readonly stack: readonly StackSlot[];
}

/** Instructions that are remembered; of a longer way the last ones. */
const MAX_MOMENTS = 20_000;

export class Way implements Observer {
  readonly #env: Env;
  #moments: Moment[] = [];
  #forgotten = 0;

  constructor(env: Env) {
    this.#env = env;
  }

  get moments(): readonly Moment[] {
    return this.#moments;
  }

  get position(): number {
    return this.#forgotten + this.#moments.length;
  }

  begins(): void {
    this.resume(0);
  }

  before(): void {
    const { slot, frame } = this.#env;
    if (this.#moments.length >= 2 * MAX_MOMENTS) {
      this.#moments = this.#moments.slice(-MAX_MOMENTS);
      this.#forgotten += MAX_MOMENTS;
    }
    this.#moments.push({
      slot,
      frame: frame.number,
      registers: frame.registers.slice(),
      stack: frame.stack.slice(),
    });
  }

  after(): void {}

  covered(): void {}

  loops(): void {}

  resume(position: number): void {
    this.#moments.length = Math.max(0, position - this.#forgotten);
  }
}
