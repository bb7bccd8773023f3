// Numbers byte strings without making a JavaScript string of each: names of events and tasks, symbols with
// offsets, words of symbolic tables. Takes a stretch of bytes, gives a small integer that stays the same.

/** FNV-1a over a stretch of bytes, 32 bits, signed. */
function hashBytes(bytes: Uint8Array, from: number, to: number): number {
  let hash = 0x811c9dc5 | 0;
  for (let at = from; at < to; at++) hash = Math.imul(hash ^ (bytes[at] as number), 0x01000193);
  return hash ^ (hash >>> 15);
}

/**
 * A hash table from byte strings to the order in which they came: 0, 1, 2 and so on.
 * It holds at most `capacity` strings and 64 times as many bytes; what comes then finds it full, so that
 * hostile input cannot make it grow without end.
 */
export class ByteTable {
  readonly capacity: number;
  #slots: Int32Array<ArrayBuffer>;
  #hashes: Int32Array<ArrayBuffer>;
  /** Entry i is `#bytes[#starts[i] .. #starts[i + 1]]`. */
  #starts: Int32Array<ArrayBuffer>;
  #bytes: Uint8Array<ArrayBuffer>;
  #count = 0;
  /** What `findWord` found last; -1 for nothing. */
  #last = -1;
  /** Where the word ended that `findWord` read last. */
  wordEnd = 0;

  constructor(capacity: number) {
    this.capacity = capacity;
    this.#slots = new Int32Array(32).fill(-1);
    this.#hashes = new Int32Array(16);
    this.#starts = new Int32Array(17);
    this.#bytes = new Uint8Array(256);
  }

  /** Strings in the table. */
  get count(): number {
    return this.#count;
  }

  /** The number of a byte string; -1 when it is not in the table. */
  find(bytes: Uint8Array, from: number, to: number): number {
    return this.#probe(bytes, from, to, hashBytes(bytes, from, to));
  }

  /**
   * Reads the word at `from`, as far as its bytes are 1 in `isPart` (256 entries), up to `end`; gives its
   * number, -1 when it is not in the table, and leaves where it ended in `wordEnd`.
   */
  findWord(bytes: Uint8Array, from: number, end: number, isPart: Uint8Array): number {
    // Events come in bursts: the last word is often the next one, and comparing is cheaper than hashing.
    if (this.#last >= 0 && this.#isLast(bytes, from, end, isPart)) return this.#last;
    // The same hash as hashBytes gives, in the loop that looks for the end.
    let hash = 0x811c9dc5 | 0;
    let at = from;
    while (at < end) {
      const byte = bytes[at] as number;
      if (isPart[byte] !== 1) break;
      hash = Math.imul(hash ^ byte, 0x01000193);
      at++;
    }
    this.wordEnd = at;
    this.#last = this.#probe(bytes, from, at, hash ^ (hash >>> 15));
    return this.#last;
  }

  /** True when the word at `from` is the one that `findWord` found last; sets `wordEnd` if so. */
  #isLast(bytes: Uint8Array, from: number, end: number, isPart: Uint8Array): boolean {
    const start = this.#starts[this.#last] as number;
    const length = (this.#starts[this.#last + 1] as number) - start;
    const to = from + length;
    if (to > end) return false;
    const known = this.#bytes;
    for (let i = 0; i < length; i++) if (known[start + i] !== bytes[from + i]) return false;
    if (to < end && isPart[bytes[to] as number] === 1) return false;
    this.wordEnd = to;
    return true;
  }

  /** The number of a byte string, which is added when it is new; -1 when the table is full. */
  intern(bytes: Uint8Array, from: number, to: number): number {
    const hash = hashBytes(bytes, from, to);
    const found = this.#probe(bytes, from, to, hash);
    if (found >= 0) return found;
    const start = this.#starts[this.#count] as number;
    if (this.#count >= this.capacity || start + to - from > this.capacity * 64) return -1;
    if (this.#count === this.#hashes.length) this.#grow();
    if (start + to - from > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(2 * this.#bytes.length, start + to - from));
      larger.set(this.#bytes);
      this.#bytes = larger;
    }
    this.#bytes.set(bytes.subarray(from, to), start);
    this.#starts[this.#count + 1] = start + to - from;
    this.#hashes[this.#count] = hash;
    this.#place(this.#count, hash);
    return this.#count++;
  }

  /** Forgets everything. */
  clear(): void {
    this.#slots.fill(-1);
    this.#count = 0;
    this.#last = -1;
  }

  #probe(bytes: Uint8Array, from: number, to: number, hash: number): number {
    const mask = this.#slots.length - 1;
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const entry = this.#slots[slot] as number;
      if (entry < 0) return -1;
      if (this.#hashes[entry] === hash && this.#equals(entry, bytes, from, to)) return entry;
    }
  }

  #equals(entry: number, bytes: Uint8Array, from: number, to: number): boolean {
    const start = this.#starts[entry] as number;
    if ((this.#starts[entry + 1] as number) - start !== to - from) return false;
    for (let i = 0; i < to - from; i++) if (this.#bytes[start + i] !== bytes[from + i]) return false;
    return true;
  }

  #place(entry: number, hash: number): void {
    const mask = this.#slots.length - 1;
    let slot = hash & mask;
    while ((this.#slots[slot] as number) >= 0) slot = (slot + 1) & mask;
    this.#slots[slot] = entry;
  }

  #grow(): void {
    const hashes = new Int32Array(2 * this.#hashes.length);
    hashes.set(this.#hashes);
    this.#hashes = hashes;
    const starts = new Int32Array(hashes.length + 1);
    starts.set(this.#starts);
    this.#starts = starts;
    this.#slots = new Int32Array(2 * hashes.length).fill(-1);
    for (let entry = 0; entry < this.#count; entry++) this.#place(entry, hashes[entry] as number);
  }
}
