// Remembers the way that the verifier is on: the registers before each instruction. What belongs to
// ways that ended is forgotten, so that at a rejection the way to it is left.

import type { Env } from "../env.ts";
import type { Observer } from "../observe.ts";
import type { Register } from "../register.ts";

/** What was known before an instruction. */
export interface Moment {
  readonly slot: number;
  /** Number of the frame that it ran in. */
  readonly frame: number;
  readonly registers: readonly Register[];
}

/**
 * Instructions that are remembered; of a longer way the last ones. Of more, what was known of each would outlive the
 * garbage collector's first generation, which takes longer than the verification itself.
 */
const MAX_MOMENTS = 2000;

/** Many instructions change no register: their moments share what was known. */
function hasSame(one: readonly Register[], other: readonly Register[]): boolean {
  for (let index = 0; index < one.length; index++) if (one[index] !== other[index]) return false;
  return true;
}

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

  /** False where its beginning is forgotten. */
  get isWhole(): boolean {
    return this.#forgotten === 0;
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
    const last = this.#moments.at(-1);
    const isSame = last?.frame === frame.number && hasSame(last.registers, frame.registers);
    const registers = isSame ? last.registers : frame.registers.slice();
    this.#moments.push({ slot, frame: frame.number, registers });
  }

  after(): void {}

  covered(): void {}

  loops(): void {}

  resume(position: number): void {
    if (position < this.#forgotten) {
      this.#forgotten = position;
      this.#moments = [];
    } else this.#moments.length = position - this.#forgotten;
  }
}
