// Runs a print format forwards: takes an event's record, gives the text that ftrace prints for it after the
// event's name. What the record does not hold (kernel variables, strings behind pointers) prints as "?".
// Follows Documentation/trace/events.rst and the helpers that include/trace/ defines for print formats.

import type { TracepointFormat } from "../format.ts";
import { type Conversion, type PrintFormat, parsePrintFormat } from "../print-format.ts";
import type { SymbolTable } from "../symbols.ts";
import type { Expression } from "./c-expression.ts";
import { evaluate, evaluateInteger, type Scope, Unprintable, type Value } from "./evaluate.ts";
import * as printf from "./printf.ts";

/** What printing an event may need besides its record. */
export interface PrintOptions {
  /** For `%pS` and its kind; addresses print as numbers without. */
  readonly symbols?: SymbolTable;
  /** Values of the enumerators that print formats name, where the kernel did not put in their numbers. */
  readonly constants?: ReadonlyMap<string, bigint>;
}

/** Prints the records of one kind of event. */
export class EventPrinter {
  readonly format: TracepointFormat;
  /** True when the text that was printed last has a "?" for something that the record does not hold. */
  incomplete = false;
  readonly #printFormat: PrintFormat;
  readonly #options: PrintOptions;
  /** The rows of tables, which are the same for every record. */
  readonly #tables: Tables = new Map();

  /** Throws a LoadError (`bad-format`) where the print format does not parse. */
  constructor(format: TracepointFormat, options: PrintOptions = {}) {
    this.format = format;
    this.#printFormat = parsePrintFormat(format);
    this.#options = options;
  }

  /**
   * The text of the record of `size` bytes at `at`, as UTF-8 decodes it. Line breaks that the print format
   * ends in are left out, as ftrace's own ends the line.
   */
  print(view: DataView, at: number, size: number): string {
    const text = this.printBytes(view, at, size);
    const bytes = Uint8Array.from(text, (char) => char.charCodeAt(0));
    return new TextDecoder().decode(bytes);
  }

  /** The same text with one char per byte, so that nothing is lost of bytes that are no UTF-8. */
  printBytes(view: DataView, at: number, size: number): string {
    const { format } = this;
    const { longBits } = this.#printFormat;
    this.incomplete = false;
    const scope: Scope = { format, longBits, view, at, size, constants: this.#options.constants };
    return this.#printFormat.pieces
      .map((piece) => (piece.kind === "literal" ? piece.text : this.#convert(piece, scope)))
      .join("")
      .replace(/\n+$/, "");
  }

  #convert(conversion: Conversion, scope: Scope): string {
    try {
      return convert(conversion, conversion.argument, scope, this.#options.symbols, this.#tables);
    } catch (error) {
      if (!(error instanceof Unprintable)) throw error;
      this.incomplete = true;
      return "?";
    }
  }
}

/** Tables of names that were evaluated before, by the arguments that they stand in. */
type Tables = Map<readonly Expression[], NamedValue[]>;

/** A conversion's width and precision for one record: those given by `*` are evaluated. */
function specOf(conversion: Conversion, scope: Scope): printf.Spec {
  const number = (given: number | Expression | undefined, missing: number) =>
    given === undefined
      ? missing
      : typeof given === "number"
        ? given
        : Math.max(-1, Math.min(65536, Number(BigInt.asIntN(32, evaluateInteger(given, scope)))));
  return {
    flags: conversion.flags,
    width: number(conversion.width, 0),
    precision: number(conversion.precision, -1),
  };
}

/** What a conversion prints for an expression; throws Unprintable when the record does not tell. */
export function convert(
  conversion: Conversion,
  argument: Expression,
  scope: Scope,
  symbols: SymbolTable | undefined,
  tables: Tables = new Map(),
): string {
  const spec = specOf(conversion, scope);
  if (conversion.letter === "s") return printf.formatText(textOf(argument, scope, tables), spec);
  if (conversion.letter === "p") return convertPointer(conversion, argument, spec, scope, symbols);
  const value = evaluateInteger(argument, scope);
  if (conversion.letter === "c") return printf.pad(String.fromCharCode(Number(value & 255n)), spec);
  return printf.formatNumber(narrow(value, conversion, scope.longBits), conversion.letter, spec);
}

/** Bits that a conversion prints of its number. */
export function conversionBits(conversion: Conversion, longBits: 32 | 64): 8 | 16 | 32 | 64 {
  switch (conversion.length) {
    case "hh":
      return 8;
    case "h":
      return 16;
    case "":
      return 32;
    case "l":
    case "z":
    case "t":
      return longBits;
    default:
      return 64;
  }
}

function narrow(value: bigint, conversion: Conversion, longBits: 32 | 64): bigint {
  const bits = conversionBits(conversion, longBits);
  const signed = conversion.letter === "d" || conversion.letter === "i";
  return signed ? BigInt.asIntN(bits, value) : BigInt.asUintN(bits, value);
}

/** The text that a `%s` argument stands for, one char per byte. */
function textOf(argument: Expression, scope: Scope, tables: Tables): string {
  if (argument.kind === "conditional") {
    const test = evaluate(argument.test, scope);
    const taken = test.kind !== "integer" || test.value !== 0n ? argument.whenTrue : argument.whenFalse;
    return textOf(taken, scope, tables);
  }
  const called = argument.kind === "call" ? printCall(argument, scope, tables) : undefined;
  if (called !== undefined) return called;
  const value = evaluate(argument, scope);
  if (value.kind === "text") return value.text;
  if (value.kind === "integer") {
    if (value.value === 0n) return "(null)";
    throw new Unprintable("a string behind a pointer");
  }
  return cString(bytesOf(value, scope));
}

/** Bytes up to the first zero, one char each. */
function cString(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return Array.from(end < 0 ? bytes : bytes.subarray(0, end), (byte) => String.fromCharCode(byte)).join("");
}

function bytesOf(value: Value, scope: Scope, size?: number): Uint8Array {
  if (value.kind !== "memory") throw new Unprintable("bytes behind a pointer");
  if (size !== undefined && (size < 0 || size > value.size))
    throw new Unprintable("bytes outside their field");
  return new Uint8Array(scope.view.buffer, scope.view.byteOffset + value.at, size ?? value.size);
}

/** The helpers that print formats call for text; undefined for others. */
function printCall(call: Expression & { kind: "call" }, scope: Scope, tables: Tables): string | undefined {
  const argument = (index: number): Expression => {
    const given = call.args[index];
    if (given === undefined) throw new Unprintable(`an argument of ${call.name}`);
    return given;
  };
  const number = (index: number) => Number(evaluateInteger(argument(index), scope));
  const value = () => BigInt.asUintN(64, evaluateInteger(argument(0), scope));
  const rows = (from: number) => {
    const known = tables.get(call.args) ?? tableRows(call.args.slice(from), scope);
    tables.set(call.args, known);
    return known;
  };
  switch (call.name) {
    case "__print_symbolic":
    case "__print_symbolic_u64":
      return printSymbolic(value(), rows(1));
    case "__print_flags":
    case "__print_flags_u64": {
      const delimiter = argument(1);
      return printFlags(value(), delimiter.kind === "string" ? delimiter.text : "", rows(2));
    }
    case "__print_hex":
    case "__print_hex_str": {
      const bytes = bytesOf(evaluate(argument(0), scope), scope, number(1));
      return printf.formatHex(bytes, call.name === "__print_hex" ? " " : "");
    }
    case "__print_array": {
      const count = number(1);
      const size = number(2);
      if (![1, 2, 4, 8].includes(size)) throw new Unprintable("an array of such elements");
      const bytes = bytesOf(evaluate(argument(0), scope), scope, count * size);
      const elements = Array.from({ length: count }, (_, i) => `0x${littleEndian(bytes, i * size, size)}`);
      return `{${elements.join(",")}}`;
    }
    case "__get_bitmask":
    case "__get_cpumask":
    case "__get_rel_bitmask":
    case "__get_rel_cpumask": {
      const bytes = bytesOf(evaluate(call, scope), scope);
      return printf.formatBitmap(bytes, 8 * bytes.length);
    }
    default:
      return undefined;
  }
}

function littleEndian(bytes: Uint8Array, at: number, size: number): string {
  let value = 0n;
  for (let i = size - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[at + i] as number);
  return value.toString(16);
}

/** A row `{ value, "name" }` of a table of names. */
export interface NamedValue {
  /** Unsigned, 64 bits; undefined for an enumerator whose value is not known. */
  readonly value: bigint | undefined;
  readonly name: string;
}

/** The rows of `__print_symbolic` and `__print_flags`; rows of another shape are left out. */
export function tableRows(rows: readonly Expression[], scope: Scope): NamedValue[] {
  return rows.flatMap((row): NamedValue[] => {
    const [key, name] = row.kind === "list" ? row.items : [];
    if (key === undefined || name?.kind !== "string") return [];
    try {
      return [{ value: BigInt.asUintN(64, evaluateInteger(key, scope)), name: name.text }];
    } catch (error) {
      if (error instanceof Unprintable) return [{ value: undefined, name: name.text }];
      throw error;
    }
  });
}

function printSymbolic(value: bigint, table: readonly NamedValue[]): string {
  const found = table.find((row) => row.value === value);
  if (found !== undefined) return found.name;
  // Any of the unknown enumerators may be the one.
  if (table.some((row) => row.value === undefined)) throw new Unprintable("an enumerator");
  return `0x${value.toString(16)}`;
}

function printFlags(value: bigint, delimiter: string, table: readonly NamedValue[]): string {
  let left = value;
  const names: string[] = [];
  for (const { value: mask, name } of table) {
    if (left === 0n) break;
    if (mask === undefined) throw new Unprintable("an enumerator");
    if ((left & mask) !== mask) continue;
    names.push(name);
    left &= ~mask;
  }
  if (left !== 0n) names.push(`0x${left.toString(16)}`);
  return names.join(delimiter);
}

/** `%p` and its extensions. */
function convertPointer(
  conversion: Conversion,
  argument: Expression,
  spec: printf.Spec,
  scope: Scope,
  symbols: SymbolTable | undefined,
): string {
  const { extension } = conversion;
  const value = () => BigInt.asUintN(scope.longBits, evaluateInteger(argument, scope));
  const bytes = (size: number) => bytesOf(evaluate(argument, scope), scope, size);
  if (/^[SsFfB]/.test(extension)) {
    const address = value();
    const name = symbols?.describe(address, /^[SFB]/.test(extension));
    return printf.pad(name ?? `0x${address.toString(16)}`, spec);
  }
  if (/^[Mm]/.test(extension)) return printf.formatMac(bytes(6), extension);
  if (/^[Ii]4/.test(extension)) return printf.formatIp4(bytes(4), extension[0] === "i");
  if (/^I6c/.test(extension)) return printf.formatIp6(bytes(16));
  if (/^[Ii]6/.test(extension)) return printf.formatIp6Full(bytes(16), extension[0] === "I" ? ":" : "");
  if (/^IS/.test(extension)) {
    const memory = bytesOf(evaluate(argument, scope), scope);
    if (memory.length < 8) throw new Unprintable("a socket address");
    return printf.formatSockaddr(memory, extension);
  }
  if (/^U/.test(extension)) return printf.formatUuid(bytes(16), extension);
  if (/^h/.test(extension)) {
    const separator = { C: ":", D: "-", N: "" }[extension[1] ?? ""] ?? " ";
    return printf.formatHex(bytes(Math.min(64, spec.width)), separator);
  }
  if (/^b/.test(extension)) {
    const memory = bytesOf(evaluate(argument, scope), scope);
    const bits = Math.min(spec.width, 8 * memory.length);
    return extension[1] === "l" ? printf.formatBitmapList(memory, bits) : printf.formatBitmap(memory, bits);
  }
  if (/^a/.test(extension)) {
    const memory = bytesOf(evaluate(argument, scope), scope, 8);
    return `0x${littleEndian(memory, 0, 8).padStart(16, "0")}`;
  }
  if (extension === "" || /^[Kx]/.test(extension)) return printf.formatPointer(value(), scope.longBits);
  throw new Unprintable(`%p${extension}`);
}
