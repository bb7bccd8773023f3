// The data directives of the GNU assembler that clang's `-S` output for BPF uses: numbers, strings,
// padding, and numbers that are a symbol's address or the distance between two labels.

import { LoadError } from "../errors.ts";
import type { SymbolReference } from "./assembler.ts";
import { placeOf, type Token, unquote } from "./lexer.ts";

const SIZES: Readonly<Record<string, number>> = {
  ".byte": 1,
  ".2byte": 2,
  ".short": 2,
  ".hword": 2,
  ".4byte": 4,
  ".long": 4,
  ".int": 4,
  ".8byte": 8,
  ".quad": 8,
};

const IGNORED = new Set([
  ".file", ".loc", ".type", ".size", ".ident", ".weak", ".local", ".hidden", ".protected", ".addrsig", ".addrsig_sym",
  ".p2align", ".align", ".balign", ".altmacro", ".noaltmacro", ".set",
]); // biome-ignore format: a flat list

/** Directives that say nothing about bytes (debug places, symbol attributes) or nothing that BPF needs. */
export function isIgnoredDirective(name: string): boolean {
  return IGNORED.has(name) || name.startsWith(".cfi_");
}

/** A number that needs labels: `symbol + addend`, or the distance `symbol - minus + addend`. */
interface PendingValue {
  readonly offset: number;
  readonly size: number;
  readonly symbol: string;
  readonly minus?: string;
  readonly addend: number;
  readonly line: number;
  readonly column: number;
}

/** The bytes of one section of data while it is being read. */
export class DataSection {
  #bytes: number[] = [];
  #pending: PendingValue[] = [];

  get length(): number {
    return this.#bytes.length;
  }

  /** Takes one directive; false when it is none of data. Throws a LoadError when its arguments do not parse. */
  directive(name: Token, args: readonly Token[], line: number): boolean {
    const size = SIZES[name.text];
    if (size !== undefined) {
      this.#numbers(size, args, line);
      return true;
    }
    switch (name.text) {
      case ".ascii":
      case ".asciz":
      case ".string":
        for (const token of args.filter((arg) => arg.kind === "string")) {
          for (const byte of unquote(token.text)) this.#bytes.push(byte);
          if (name.text !== ".ascii") this.#bytes.push(0);
        }
        return true;
      case ".zero":
      case ".skip":
      case ".space":
        this.#zeros(args[0] as Token, line);
        return true;
      default:
        return false;
    }
  }

  #zeros(count: Token, line: number): void {
    const length = Number(count.text);
    if (count.kind !== "number" || length > 1 << 28) {
      throw new LoadError(
        "bad-syntax",
        placeOf(line, count.column),
        `expected a number of bytes, got '${count.text}'`,
      );
    }
    for (let i = 0; i < length; i++) this.#bytes.push(0);
  }

  #put(size: number, value: bigint): void {
    for (let i = 0; i < size; i++) this.#bytes.push(Number((value >> BigInt(8 * i)) & 255n));
  }

  /** A comma-separated list; each value a sum of numbers and at most two symbols. */
  #numbers(size: number, args: readonly Token[], line: number): void {
    let at = 0;
    do {
      let sign = 1n;
      let value = 0n;
      const symbols: string[] = [];
      let minus: string | undefined;
      const column = (args[at] as Token).column;
      for (; args[at]?.kind !== "end" && args[at]?.text !== ","; at++) {
        const token = args[at] as Token;
        if (token.text === "-") sign = -sign;
        else if (token.kind === "number") {
          value += sign * BigInt(token.text);
          sign = 1n;
        } else if (token.kind === "name" || token.kind === "register") {
          if (sign === 1n) symbols.push(token.text);
          else minus = token.text;
          sign = 1n;
        } else if (token.text !== "+") {
          throw new LoadError(
            "bad-syntax",
            placeOf(line, token.column),
            `expected a number or a name, got '${token.text}'`,
          );
        }
      }
      if (symbols.length > 0) {
        const [symbol] = symbols as [string];
        const base = { offset: this.#bytes.length, size, symbol, addend: Number(value), line, column };
        this.#pending.push(minus === undefined ? base : { ...base, minus });
      }
      this.#put(size, value);
    } while (args[at++]?.text === ",");
  }

  /**
   * The finished bytes; distances between this section's labels are filled in, addresses become references.
   */
  finish(labels: ReadonlyMap<string, number>): { bytes: Uint8Array; references: SymbolReference[] } {
    const bytes = Uint8Array.from(this.#bytes);
    const references: SymbolReference[] = [];
    for (const { offset, size, symbol, minus, addend, line, column } of this.#pending) {
      if (minus === undefined) {
        references.push({ offset, kind: size === 8 ? "data64" : "data32", symbol, addend, line, column });
        continue;
      }
      const from = labels.get(minus);
      const to = labels.get(symbol);
      if (from === undefined || to === undefined) {
        throw new LoadError(
          "bad-syntax",
          placeOf(line, column),
          `expected labels of one section, got ${symbol}-${minus}`,
        );
      }
      let value = BigInt(to - from + addend);
      for (let i = 0; i < size; i++, value >>= 8n) bytes[offset + i] = Number(value & 255n);
    }
    return { bytes, references };
  }
}
