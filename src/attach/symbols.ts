// The kernel's symbols: what `%pS` prints from an address, and which address such a text means. Takes lines
// as /proc/kallsyms has them (`address type name [module]`); gives addresses as two 32-bit halves where it
// is hot, as a bigint elsewhere.
// Follows Documentation/core-api/printk-formats.rst, "Symbols/Function Pointers".

import { LoadError } from "../errors.ts";
import { ByteTable } from "./byte-table.ts";
import { quote } from "./format.ts";

/** A symbol, and where in it an address lies. */
export interface SymbolAt {
  readonly name: string;
  readonly module: string | undefined;
  /** Bytes from the symbol's start. */
  readonly offset: number;
  /** Bytes to the next symbol; 0 for the last one, whose end nothing tells. */
  readonly size: number;
}

interface KernelSymbol {
  readonly name: string;
  readonly module: string | undefined;
  readonly address: bigint;
  /** Known from a text, for an invented symbol only. */
  readonly size: number;
}

/** Where invented addresses start, and how far apart they are: no kernel has code there. */
const INVENTED_START = 0xfffff00000000000n;
const INVENTED_STEP = 0x1000000;
const MAX_INVENTED = 65536;

/** Texts whose address is remembered; when there are more, remembering starts again. */
const CACHED_TEXTS = 16384;

/** Bytes that a symbol's name, its offset and its size are made of. */
export const SYMBOL_BYTES = new Uint8Array(256);
for (const char of "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.$@+/") {
  SYMBOL_BYTES[char.charCodeAt(0)] = 1;
}

const SYMBOL_TEXT = /^([^\s+]+)(?:\+0x([0-9a-f]{1,13})(?:\/0x([0-9a-f]{1,13}))?)?(?: \[([^\]]+)\])?$/;

/** Symbols by name and by address. */
export class SymbolTable {
  readonly #symbols: KernelSymbol[] = [];
  readonly #byName = new Map<string, KernelSymbol[]>();
  /** By address, of equals the first; undefined after an addition. */
  #sorted: KernelSymbol[] | undefined;
  readonly #invents: boolean;
  #invented = 0;
  readonly #texts = new ByteTable(CACHED_TEXTS);
  readonly #textLow = new Int32Array(CACHED_TEXTS);
  readonly #textHigh = new Int32Array(CACHED_TEXTS);
  /** The address that `resolve` found last: its halves, 32 bits each. */
  low = 0;
  high = 0;
  /** Where the text ended that `resolveWord` read last. */
  textEnd = 0;

  /**
   * An empty table. With `invent`, a symbol that is not in it gets an address of its own (from
   * 0xfffff00000000000 on, outside all kernel code), the same for the table's life: enough to count by
   * location when a trace came without its kernel's symbols.
   */
  constructor(options: { readonly invent?: boolean } = {}) {
    this.#invents = options.invent ?? false;
  }

  /**
   * The table that lines of /proc/kallsyms give.
   * Throws a LoadError (`bad-trace`) that names the line; also when every address is 0, which is what the
   * kernel shows to users that may not see them.
   */
  static parse(
    text: string,
    options: { readonly place?: string; readonly invent?: boolean } = {},
  ): SymbolTable {
    const table = new SymbolTable(options);
    const place = options.place ?? "symbols";
    let seen = false;
    let lineNumber = 0;
    for (const line of text.split("\n")) {
      lineNumber++;
      if (/^\s*(?:#.*)?$/.test(line)) continue;
      const match = /^\s*([0-9a-fA-F]{1,16}) [A-Za-z?] (\S+)(?:\s+\[([^\]]+)\])?\s*$/.exec(line);
      if (match === null) {
        const where = `${place}: line ${lineNumber}`;
        throw new LoadError("bad-trace", where, `expected "address type name", got ${quote(line)}`);
      }
      const address = BigInt(`0x${match[1]}`);
      seen ||= address !== 0n;
      table.add(match[2] as string, address, match[3]);
    }
    if (!seen && table.count > 0) {
      throw new LoadError("bad-trace", place, "expected addresses, got only zeros (kptr_restrict)");
    }
    return table;
  }

  /** Symbols in the table. */
  get count(): number {
    return this.#symbols.length;
  }

  /** Adds a symbol; of several with one address the first gives the address its name. */
  add(name: string, address: bigint, module?: string): void {
    this.#insert({ name, module, address: BigInt.asUintN(64, address), size: 0 });
  }

  #insert(symbol: KernelSymbol): void {
    this.#symbols.push(symbol);
    const named = this.#byName.get(symbol.name);
    if (named === undefined) this.#byName.set(symbol.name, [symbol]);
    else named.push(symbol);
    this.#sorted = undefined;
    this.#texts.clear();
  }

  /**
   * Finds the address that a text such as `ip_rcv_core+0x1b4/0x3c0 [module]` means, for `low` and `high`.
   * False when the name is not known, and nothing is invented.
   */
  resolve(bytes: Uint8Array, from: number, to: number): boolean {
    const text = this.#texts.find(bytes, from, to);
    return text < 0 ? this.#resolveNew(bytes, from, to) : this.#recall(text);
  }

  /**
   * The same for the text that starts at `from` and has no module's name behind it; where it ends is left
   * in `textEnd`.
   */
  resolveWord(bytes: Uint8Array, from: number, end: number): boolean {
    const text = this.#texts.findWord(bytes, from, end, SYMBOL_BYTES);
    this.textEnd = this.#texts.wordEnd;
    return text < 0 ? this.#resolveNew(bytes, from, this.textEnd) : this.#recall(text);
  }

  #recall(text: number): true {
    this.low = this.#textLow[text] as number;
    this.high = this.#textHigh[text] as number;
    return true;
  }

  #resolveNew(bytes: Uint8Array, from: number, to: number): boolean {
    const address = this.addressOf(new TextDecoder().decode(bytes.subarray(from, to)));
    if (address === undefined) return false;
    this.low = Number(BigInt.asIntN(32, address));
    this.high = Number(BigInt.asIntN(32, address >> 32n));
    if (this.#texts.count === CACHED_TEXTS) this.#texts.clear();
    const text = this.#texts.intern(bytes, from, to);
    if (text >= 0) {
      this.#textLow[text] = this.low;
      this.#textHigh[text] = this.high;
    }
    return true;
  }

  /** The address that a text such as `ip_rcv_core+0x1b4/0x3c0` means; undefined when nobody knows. */
  addressOf(text: string): bigint | undefined {
    const match = SYMBOL_TEXT.exec(text);
    if (match === null) return undefined;
    const offset = Number.parseInt(match[2] ?? "0", 16);
    const size = Number.parseInt(match[3] ?? "0", 16);
    const symbol = this.#choose(match[1] as string, offset, size, match[4]);
    if (symbol !== undefined) return BigInt.asUintN(64, symbol.address + BigInt(offset));
    if (!this.#invents || this.#invented >= MAX_INVENTED || offset >= INVENTED_STEP) return undefined;
    const address = INVENTED_START + BigInt(this.#invented++) * BigInt(INVENTED_STEP);
    this.#insert({ name: match[1] as string, module: match[4], address, size: size || INVENTED_STEP });
    return address + BigInt(offset);
  }

  /** Static functions share names: the size that the text gives tells them apart. */
  #choose(name: string, offset: number, size: number, module: string | undefined): KernelSymbol | undefined {
    const named = this.#byName.get(name) ?? [];
    if (named.length <= 1) return named[0];
    const inModule = named.filter((symbol) => symbol.module === module);
    const candidates = inModule.length > 0 ? inModule : named;
    return (
      candidates.find((symbol) => size > 0 && this.#sizeOf(symbol) === size) ??
      candidates.find((symbol) => offset < this.#sizeOf(symbol)) ??
      candidates[0]
    );
  }

  #sizeOf(symbol: KernelSymbol): number {
    return this.lookup(symbol.address)?.size ?? 0;
  }

  /** The symbol that an address lies in; undefined below the first one. */
  lookup(address: bigint): SymbolAt | undefined {
    this.#sorted ??= [...this.#symbols].sort((a, b) =>
      a.address < b.address ? -1 : a.address > b.address ? 1 : 0,
    );
    const sorted = this.#sorted;
    // The first symbol above the address, by halving.
    let low = 0;
    let high = sorted.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((sorted[middle] as KernelSymbol).address <= address) low = middle + 1;
      else high = middle;
    }
    if (low === 0) return undefined;
    const next = sorted[low];
    let index = low - 1;
    while (index > 0 && sorted[index - 1]?.address === sorted[index]?.address) index--;
    const { name, module, address: start, size } = sorted[index] as KernelSymbol;
    const distance = next === undefined ? 0 : Number(next.address - start);
    return { name, module, offset: Number(address - start), size: size > 0 ? size : distance };
  }

  /**
   * What `%pS` prints for an address, or `%ps` without the offset; undefined when it lies in no symbol
   * whose end is known.
   */
  describe(address: bigint, withOffset: boolean): string | undefined {
    const found = this.lookup(address);
    if (found === undefined || found.offset >= found.size) return undefined;
    const { name, module, offset, size } = found;
    const place = withOffset ? `+0x${offset.toString(16)}/0x${size.toString(16)}` : "";
    return `${name}${place}${module === undefined ? "" : ` [${module}]`}`;
  }
}
