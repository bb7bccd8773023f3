// Steps for what a print format prints by name: rows of __print_symbolic, bits of __print_flags, pointers
// and the kernel's symbols. Part of the run of steps that scan.ts describes.

import { ByteTable } from "../byte-table.ts";
import { SYMBOL_BYTES, type SymbolTable } from "../symbols.ts";
import type { NamedValue } from "./printer.ts";
import { EndStep, endOfWord, isHexPrefix, LiteralStep, matchHex, type Scan, Step, scanHex } from "./scan.ts";

/** The rows of a table as bytes, grouped by their first byte, the longest first. */
class NameTable {
  readonly names: readonly Uint8Array[];
  readonly low: Int32Array<ArrayBuffer>;
  readonly high: Int32Array<ArrayBuffer>;
  readonly #byFirst: readonly (readonly number[] | undefined)[];
  /** Rows without a name. */
  readonly #empty: readonly number[];

  constructor(rows: readonly NamedValue[]) {
    this.names = rows.map(({ name }) => Uint8Array.from(name, (char) => char.charCodeAt(0)));
    this.low = Int32Array.from(rows, ({ value }) => Number(BigInt.asIntN(32, value ?? 0n)));
    this.high = Int32Array.from(rows, ({ value }) => Number(BigInt.asIntN(32, (value ?? 0n) >> 32n)));
    const byFirst: number[][] = [];
    const order = [...rows.keys()].sort((a, b) => this.#length(b) - this.#length(a));
    for (const row of order) {
      const first = this.names[row]?.[0];
      if (first === undefined) continue;
      byFirst[first] ??= [];
      byFirst[first].push(row);
    }
    this.#byFirst = byFirst;
    this.#empty = order.filter((row) => this.#length(row) === 0);
  }

  #length(row: number): number {
    return (this.names[row] as Uint8Array).length;
  }

  /** Rows whose name may stand at `at`, the longest first. */
  candidates(bytes: Uint8Array, at: number, end: number): readonly number[] {
    return (at < end ? this.#byFirst[bytes[at] as number] : undefined) ?? this.#empty;
  }

  /** Where the row's name ends that starts at `at`; -1 when it does not stand there. */
  endAt(row: number, bytes: Uint8Array, at: number, end: number): number {
    const name = this.names[row] as Uint8Array;
    if (at + name.length > end) return -1;
    for (let i = 0; i < name.length; i++) if (bytes[at + i] !== name[i]) return -1;
    return at + name.length;
  }
}

/** `__print_symbolic`: a name of the table, or `0x` and a number that has none, into a slot. */
export class NameStep extends Step {
  readonly #table: NameTable;
  /** The same names, for texts that end at a byte no name contains. */
  readonly #words: ByteTable;
  /** The row that stands for each of the words. */
  readonly #wordRows: number[] = [];
  /** 1 for every byte but the one that ends a word; nothing where there is no such byte. */
  readonly #inWord: Uint8Array | undefined;
  readonly #slot: number;
  readonly #next: Step;

  constructor(rows: readonly NamedValue[], slot: number, next: Step) {
    super();
    this.#table = new NameTable(rows);
    this.#words = new ByteTable(Math.max(16, rows.length * 2));
    this.#slot = slot;
    this.#next = next;
    const mark = next instanceof LiteralStep ? (next.text[0] as number) : next instanceof EndStep ? 0x20 : -1;
    const inName = this.#table.names.some((name) => name.length === 0 || name.includes(mark));
    if (!inName && mark >= 0) {
      this.#inWord = new Uint8Array(256).fill(1);
      this.#inWord[mark] = 0;
      this.#inWord[0x0a] = 0;
      this.#inWord[0x0d] = 0;
    }
    for (const [row, name] of this.#table.names.entries()) {
      const word = this.#words.intern(name, 0, name.length);
      // A name that the table is too small for is found the slow way.
      if (word >= 0) this.#wordRows[word] ??= row;
    }
  }

  match(scan: Scan): boolean {
    const { bytes, at, end } = scan;
    if (this.#inWord !== undefined) {
      const word = this.#words.findWord(bytes, at, end, this.#inWord);
      if (word >= 0) return this.#take(scan, this.#wordRows[word] as number, this.#words.wordEnd);
    }
    for (const row of this.#table.candidates(bytes, at, end)) {
      const to = this.#table.endAt(row, bytes, at, end);
      if (to < 0 || --scan.budget < 0) continue;
      if (this.#take(scan, row, to)) return true;
    }
    if (!isHexPrefix(bytes, at, end)) return false;
    scan.at = at + 2;
    return matchHex(scan, this.#slot, 16, this.#next);
  }

  #take(scan: Scan, row: number, to: number): boolean {
    scan.low[this.#slot] = this.#table.low[row] as number;
    scan.high[this.#slot] = this.#table.high[row] as number;
    scan.at = to;
    return this.#next.match(scan);
  }
}

/** More names than a number has bits, since some have none. */
const MAX_FLAGS = 100;

/** `__print_flags`: names of bits in the order of the table, then what is left as `0x` and a number. */
export class FlagsStep extends Step {
  readonly #table: NameTable;
  readonly #delimiter: Uint8Array;
  readonly #slot: number;
  readonly #next: Step;

  constructor(rows: readonly NamedValue[], delimiter: string, slot: number, next: Step) {
    super();
    this.#table = new NameTable(rows);
    this.#delimiter = Uint8Array.from(delimiter, (char) => char.charCodeAt(0));
    this.#slot = slot;
    this.#next = next;
  }

  match(scan: Scan): boolean {
    return this.#matchFrom(scan, -1, 0, 0, 0);
  }

  /** The rest of the flags after the row `last` and `count` names, with what those amount to. */
  #matchFrom(scan: Scan, last: number, low: number, high: number, count: number): boolean {
    const { bytes, at: start, end } = scan;
    let at = start;
    if (count > 0) {
      for (const byte of this.#delimiter) if (at >= end || bytes[at++] !== byte) at = -1;
    }
    if (at >= 0 && count < MAX_FLAGS) {
      for (const row of this.#table.candidates(bytes, at, end)) {
        const to = row > last ? this.#table.endAt(row, bytes, at, end) : -1;
        if (to < 0 || --scan.budget < 0) continue;
        scan.at = to;
        const rowLow = low | (this.#table.low[row] as number);
        if (this.#matchFrom(scan, row, rowLow, high | (this.#table.high[row] as number), count + 1))
          return true;
      }
      if (isHexPrefix(bytes, at, end)) {
        scan.at = at + 2;
        if (scanHex(scan, this.#slot, 16)) {
          const slot = this.#slot;
          if (this.#finish(scan, low | (scan.low[slot] as number), high | (scan.high[slot] as number)))
            return true;
        }
      }
    }
    scan.at = start;
    return this.#finish(scan, low, high);
  }

  #finish(scan: Scan, low: number, high: number): boolean {
    const { at } = scan;
    scan.low[this.#slot] = low;
    scan.high[this.#slot] = high;
    if (this.#next.match(scan)) return true;
    scan.at = at;
    return false;
  }
}

const SPACE = 0x20;

/** What kernels print instead of a pointer that is null or may not be shown. */
const NO_POINTER = ["(null)", "(nil)", "(____ptrval____)", "(ptrval)"];

/** Reads a pointer without value into a slot; false when none stands there. */
function scanNoPointer(scan: Scan, slot: number): boolean {
  if (scan.bytes[scan.at] !== 0x28) return false;
  for (const word of NO_POINTER) {
    const to = endOfWord(scan.bytes, scan.at, scan.end, word);
    if (to < 0) continue;
    scan.at = to;
    scan.low[slot] = 0;
    scan.high[slot] = 0;
    return true;
  }
  return false;
}

/** `%p`: hex digits, hashed or not, with or without `0x`, into a slot. */
export class PointerStep extends Step {
  readonly #slot: number;
  readonly #next: Step;

  constructor(slot: number, next: Step) {
    super();
    this.#slot = slot;
    this.#next = next;
  }

  match(scan: Scan): boolean {
    const { bytes, end } = scan;
    while (scan.at < end && bytes[scan.at] === SPACE) scan.at++;
    if (isHexPrefix(bytes, scan.at, end)) scan.at += 2;
    return (scanHex(scan, this.#slot, 16) || scanNoPointer(scan, this.#slot)) && this.#next.match(scan);
  }
}

/**
 * `%pS` and its kind: a symbol's address by the table, or an address in hex, into a slot.
 * Without a table every symbol gives 0.
 */
export class SymbolStep extends Step {
  readonly #symbols: SymbolTable | undefined;
  readonly #slot: number;
  readonly #next: Step;

  constructor(symbols: SymbolTable | undefined, slot: number, next: Step) {
    super();
    this.#symbols = symbols;
    this.#slot = slot;
    this.#next = next;
  }

  match(scan: Scan): boolean {
    const { bytes, at, end } = scan;
    const slot = this.#slot;
    if (isHexPrefix(bytes, at, end)) {
      scan.at = at + 2;
      return scanHex(scan, slot, 16) && this.#next.match(scan);
    }
    if (scanNoPointer(scan, slot)) return this.#next.match(scan);
    const symbols = this.#symbols;
    const isKnown = symbols?.resolveWord(bytes, at, end) ?? true;
    const to = symbols?.textEnd ?? endOfSymbol(bytes, at, end);
    if (to === at) return false;
    const moduleEnd = endOfModule(bytes, to, end);
    if (moduleEnd > to && this.#takeModule(scan, at, moduleEnd)) return true;
    if (!isKnown) {
      scan.unknownFrom = at;
      scan.unknownTo = to;
      return false;
    }
    // Looking for a module may have found another address.
    if (moduleEnd > to) symbols?.resolve(bytes, at, to);
    return this.#take(scan, to);
  }

  /** What stands in brackets behind a symbol is its module, or belongs to the print format. */
  #takeModule(scan: Scan, from: number, to: number): boolean {
    return (this.#symbols?.resolve(scan.bytes, from, to) ?? true) && this.#take(scan, to);
  }

  #take(scan: Scan, to: number): boolean {
    scan.low[this.#slot] = this.#symbols?.low ?? 0;
    scan.high[this.#slot] = this.#symbols?.high ?? 0;
    scan.at = to;
    return this.#next.match(scan);
  }
}

function endOfSymbol(bytes: Uint8Array, at: number, end: number): number {
  let to = at;
  while (to < end && SYMBOL_BYTES[bytes[to] as number] === 1) to++;
  return to;
}

/** Where ` [module]` ends that starts at `at`; -1 when there is none. */
function endOfModule(bytes: Uint8Array, at: number, end: number): number {
  if (at + 3 >= end || bytes[at] !== SPACE || bytes[at + 1] !== 0x5b) return -1;
  let to = at + 2;
  while (to < end && (SYMBOL_BYTES[bytes[to] as number] === 1 || bytes[to] === 0x2d)) to++;
  return to > at + 2 && bytes[to] === 0x5d ? to + 1 : -1;
}
