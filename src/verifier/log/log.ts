// The text of a verification, as a growing buffer that can be cut back: where a way ends and another is taken up, the
// kernel's level 1 drops what the abandoned one said (kernel/bpf/log.c). Knows nothing of what the lines mean.

/** BPF_LOG_*: the way to a rejection; every instruction and state; figures at the end. */
export const enum LogLevel {
  NONE = 0,
  WAY = 1,
  ALL = 2,
  STATS = 4,
}

/** Characters that are kept; of a longer log the end stays, as in the kernel's rotating buffer. */
const MAX_LENGTH = 1 << 24;
/** Pieces that are made one: a million small strings keep the garbage collector busy. */
const BLOCK = 1024;

export class LogBuffer {
  readonly level: number;
  /** The lines that say why not are there already. */
  hasReason = false;
  readonly #limit: number;
  /** Pieces, and the position behind each, counted from the log's beginning. */
  #pieces: string[] = [];
  #ends: number[] = [];
  /** How many of the pieces are blocks. */
  #blocks = 0;
  /** Position that the first kept piece begins at. */
  #start = 0;

  constructor(level: number, limit: number = MAX_LENGTH) {
    this.level = level;
    this.#limit = limit;
  }

  /** Every instruction is wanted, not just those of the way to a rejection. */
  get isDetailed(): boolean {
    return (this.level & LogLevel.ALL) !== 0;
  }

  /** Characters written and not cut off again. */
  get position(): number {
    return this.#ends.at(-1) ?? this.#start;
  }

  write(text: string): void {
    if (text === "") return;
    const end = this.position + text.length;
    this.#pieces.push(text);
    this.#ends.push(end);
    if (this.#pieces.length - this.#blocks >= 2 * BLOCK) this.#join();
    if (end - this.#start > 2 * this.#limit) this.#forget(end - this.#limit);
  }

  /** The oldest small pieces as one. */
  #join(): void {
    const from = this.#blocks++;
    const end = this.#ends[from + BLOCK - 1];
    this.#ends.splice(from, BLOCK, end);
    this.#pieces.splice(from, BLOCK, this.#pieces.slice(from, from + BLOCK).join(""));
  }

  /** Cuts off what stands behind `position`. */
  reset(position: number): void {
    const [pieces, ends] = [this.#pieces, this.#ends];
    while (ends.length > 0 && (ends.at(-2) ?? this.#start) >= position) {
      pieces.pop();
      ends.pop();
    }
    this.#blocks = Math.min(this.#blocks, pieces.length);
    const last = ends.length - 1;
    if (last < 0) this.#start = Math.min(this.#start, position);
    else if (ends[last] > position) {
      pieces[last] = pieces[last].slice(0, position - ends[last]);
      ends[last] = position;
    }
  }

  /** Nothing was found on any way: only where each instruction is wanted does the text stay. */
  dropWays(): void {
    if (!this.isDetailed) this.reset(0);
  }

  #forget(position: number): void {
    const count = this.#ends.findIndex((end) => end > position);
    this.#start = this.#ends[count - 1] ?? this.#start;
    this.#pieces = this.#pieces.slice(count);
    this.#ends = this.#ends.slice(count);
    this.#blocks = Math.max(0, this.#blocks - count);
  }

  toString(): string {
    return this.#pieces.join("");
  }
}
