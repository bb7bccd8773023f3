// A small seeded generator (mulberry32), so that a failing case can be named by its seed.

export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** 32 random bits, unsigned. */
  bits(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  }

  /** A whole number from `low` to `high`, both included. */
  between(low: number, high: number): number {
    return low + (this.bits() % (high - low + 1));
  }

  /** A whole number from 0 up to `end`, which is not among them; 0 where there is none. */
  below(end: number): number {
    return end < 1 ? 0 : this.bits() % Math.floor(end);
  }

  /** `length` letters, digits and underscores. */
  word(length: number): string {
    return Array.from({ length }, () => this.pick("abcdefghijklmnopqrstuvwxyz0123456789_")).join("");
  }

  chance(probability: number): boolean {
    return this.bits() < probability * 0x1_0000_0000;
  }

  pick<T>(list: ArrayLike<T>): T {
    return list[this.bits() % list.length];
  }

  /** A 32-bit immediate, signed: often one where operations have edges. */
  imm(): number {
    if (this.chance(0.5)) {
      return this.pick([
        0, 1, -1, 2, 7, 8, 31, 32, 33, 63, 64, 127, 128, 255, 256, 0x7fff, 0x8000, 0xffff, 0x7fffffff,
        -0x80000000,
      ]);
    }
    return this.bits() | 0;
  }
}
