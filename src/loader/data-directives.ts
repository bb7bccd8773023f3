// The data directives of the GNU assembler that clang's `-S` output for BPF uses: numbers, strings, padding,
// alignment, and numbers that are a symbol's address or the distance between two labels.

import { LoadError } from "../errors.ts";
import { placeOf, type Token, unquote } from "../isa/lexer.ts";

/** A place in data that waits for the address of a symbol. */
export interface DataReference {
  /** Byte offset in the section. */
  readonly offset: number;
  readonly kind: "data32" | "data64";
  readonly symbol: string;
  readonly addend: number;
  readonly line: number;
  readonly column: number;
}

/** Bytes of a number, by directive. */
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

/** Of one section: enough for any kernel, little enough for any host. */
const MAX_BYTES = 1 << 26;
const MAX_ALIGNMENT = 4096;

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

function syntaxError(line: number, token: Token, expected: string): LoadError {
  return new LoadError(
    "bad-syntax",
    placeOf(line, token.column),
    `expected ${expected}, got '${token.text}'`,
  );
}

/** The bytes of one section of data while it is being read. */
export class DataSection {
  #buffer = new Uint8Array(256);
  #length = 0;
  #pending: PendingValue[] = [];

  get length(): number {
    return this.#length;
  }

  /** Takes one directive; false when it is none of data. Throws a LoadError when its arguments do not parse. */
  directive(name: Token, args: readonly Token[], line: number): boolean {
    const size = Object.hasOwn(SIZES, name.text) ? SIZES[name.text] : undefined;
    if (size !== undefined) {
      this.#numbers(size, args, line);
      return true;
    }
    switch (name.text) {
      case ".ascii":
      case ".asciz":
      case ".string":
        for (const token of args.filter((arg) => arg.kind === "string")) {
          this.#append(unquote(token.text));
          if (name.text !== ".ascii") this.fill(1);
        }
        return true;
      case ".zero":
      case ".skip":
      case ".space":
        this.#fillDirective(args, line);
        return true;
      case ".p2align":
        this.#alignDirective(args[0], 2 ** Number(args[0].text), line);
        return true;
      case ".align":
      case ".balign":
        this.#alignDirective(args[0], Number(args[0].text), line);
        return true;
      default:
        return false;
    }
  }

  /** Appends `count` bytes of one value. */
  fill(count: number, value = 0): void {
    this.#reserve(count);
    this.#buffer.fill(value, this.#length, this.#length + count);
    this.#length += count;
  }

  /** Pads with zeros to a multiple of `alignment`. */
  align(alignment: number): void {
    this.fill((alignment - (this.#length % alignment)) % alignment);
  }

  /** `.zero COUNT` or `.zero COUNT, VALUE`. */
  #fillDirective(args: readonly Token[], line: number): void {
    const [count, comma, value] = args;
    const length = Number(count.text);
    if (count.kind !== "number" || this.#length + length > MAX_BYTES)
      throw syntaxError(line, count, "a number of bytes");
    if (comma.text !== ",") this.fill(length);
    else if (value.kind === "number") this.fill(length, Number(value.text));
    else throw syntaxError(line, value, "a byte");
  }

  #alignDirective(token: Token, alignment: number, line: number): void {
    if (!Number.isInteger(alignment) || alignment < 1 || alignment > MAX_ALIGNMENT) {
      throw syntaxError(line, token, `an alignment of at most ${MAX_ALIGNMENT}`);
    }
    this.align(alignment);
  }

  #append(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#buffer.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  #reserve(count: number): void {
    if (this.#length + count <= this.#buffer.length) return;
    const larger = new Uint8Array(Math.max(this.#buffer.length * 2, this.#length + count));
    larger.set(this.#buffer);
    this.#buffer = larger;
  }

  #put(at: number, size: number, value: bigint): void {
    for (let i = 0; i < size; i++) this.#buffer[at + i] = Number((value >> BigInt(8 * i)) & 255n);
  }

  /** A comma-separated list; each value a sum of numbers and at most two symbols. */
  #numbers(size: number, args: readonly Token[], line: number): void {
    let at = 0;
    do {
      let sign = 1n;
      let value = 0n;
      let symbol: string | undefined;
      let minus: string | undefined;
      const { column } = args[at];
      for (; args[at].kind !== "end" && args[at].text !== ","; at++) {
        const token = args[at];
        if (token.text === "-") sign = -sign;
        else if (token.kind === "number") {
          value += sign * BigInt(token.text);
          sign = 1n;
        } else if (token.kind === "name" || token.kind === "register") {
          if (sign === 1n) symbol = token.text;
          else minus = token.text;
          sign = 1n;
        } else if (token.text !== "+") throw syntaxError(line, token, "a number or a name");
      }
      const offset = this.#length;
      this.fill(size);
      this.#put(offset, size, value);
      if (symbol === undefined) continue;
      const base = { offset, size, symbol, addend: Number(value), line, column };
      this.#pending.push(minus === undefined ? base : { ...base, minus });
    } while (args[at++].text === ",");
  }

  /** The finished bytes; distances between this section's labels are filled in, addresses become references. */
  finish(labels: ReadonlyMap<string, number>): { bytes: Uint8Array; references: DataReference[] } {
    const references: DataReference[] = [];
    for (const { offset, size, symbol, minus, addend, line, column } of this.#pending) {
      if (minus === undefined) {
        references.push({ offset, kind: size === 8 ? "data64" : "data32", symbol, addend, line, column });
        continue;
      }
      const from = labels.get(minus);
      const to = labels.get(symbol);
      if (from === undefined || to === undefined) {
        const problem = `expected labels of one section, got ${symbol}-${minus}`;
        throw new LoadError("bad-syntax", placeOf(line, column), problem);
      }
      this.#put(offset, size, BigInt(to - from + addend));
    }
    return { bytes: this.#buffer.slice(0, this.#length), references };
  }
}
