// Takes an event's print format apart: the string that printk's conversions are in, and the C expressions
// that they print. Gives a PrintFormat, which print/printer.ts runs forwards (record to text) and
// print/inverse.ts backwards (text to record).
// Follows Documentation/core-api/printk-formats.rst and Documentation/trace/events.rst.

import { LoadError } from "../errors.ts";
import { quote, type TracepointFormat } from "./format.ts";
import { type Expression, ExpressionParser } from "./print/c-expression.ts";
import { unescapeC } from "./print/c-lexer.ts";

/** One conversion of a print format, such as `%-16s` or `%pS`, with what it prints. */
export interface Conversion {
  readonly kind: "conversion";
  /** As written, for messages. */
  readonly text: string;
  /** Any of `-`, `+`, ` `, `#`, `0`. */
  readonly flags: string;
  /** Least characters; an expression where the string says `*`. */
  readonly width: number | Expression | undefined;
  /** Least digits of a number, most characters of a string. */
  readonly precision: number | Expression | undefined;
  /** `hh`, `h`, `l`, `ll`, `z`, `t`, `j`, `L` or nothing. */
  readonly length: string;
  /** `d`, `i`, `u`, `x`, `X`, `o`, `c`, `s` or `p`. */
  readonly letter: string;
  /** What follows `%p`: `S`, `M`, `I4`, `hN` and so on; nothing for a plain pointer. */
  readonly extension: string;
  readonly argument: Expression;
}

/** Text between conversions, one char per byte. */
export interface Literal {
  readonly kind: "literal";
  readonly text: string;
}

/** A print format as a sequence of literals and conversions. */
export interface PrintFormat {
  readonly pieces: readonly (Literal | Conversion)[];
  /** 32 or 64: how wide `long` is in the kernel that wrote the format. */
  readonly longBits: 32 | 64;
}

/** More conversions than the kernel's own formats have. */
const MAX_PIECES = 1024;

/**
 * Parses the print format of an event.
 * Throws a LoadError (`bad-format`) that names the event where it does not parse.
 */
export function parsePrintFormat(format: TracepointFormat): PrintFormat {
  const place = `print format of ${format.name}`;
  const { text, end } = readFormatString(format.printFmt, place);
  const args = new ExpressionParser(format.printFmt, end, place).parseArguments();
  return { pieces: splitConversions(text, args, place), longBits: longBitsOf(format) };
}

/** A kernel with 32-bit longs shows it by the size of the first long or pointer in a record. */
function longBitsOf(format: TracepointFormat): 32 | 64 {
  const field = format.fields.find(
    ({ elementType, dataLoc }) => dataLoc === "none" && /^(?:unsigned )?long$|\*$/.test(elementType),
  );
  return field?.elementSize === 4 ? 32 : 64;
}

/** The C string that the print format starts with, adjacent strings joined, and where it ends. */
function readFormatString(source: string, place: string): { text: string; end: number } {
  let inside = "";
  let at = 0;
  for (;;) {
    while (/\s/.test(source[at] ?? "")) at++;
    if (source[at] !== '"') break;
    const close = closingQuote(source, at + 1);
    if (close < 0) throw new LoadError("bad-format", place, `expected a closing quote, got the end`);
    inside += source.slice(at + 1, close);
    at = close + 1;
  }
  if (at === 0 || (at < source.length && source[at] !== ",")) {
    throw new LoadError("bad-format", place, `expected a C string, got ${quote(source.slice(at, at + 20))}`);
  }
  return { text: unescapeC(inside), end: at };
}

/**
 * Where the string ends whose inside starts at `start`, or -1. Some kernels lose the backslash of a quote
 * inside the string, so only a quote counts that a comma, another string or the end follows.
 */
function closingQuote(source: string, start: number): number {
  const next = /\\[\s\S]|"(?=\s*(?:,\s*[^\s"%]|"|$))/g;
  next.lastIndex = start;
  for (let match = next.exec(source); match !== null; match = next.exec(source)) {
    if (match[0] === '"') return match.index;
  }
  return source.indexOf('"', start);
}

const CONVERSION = /%(?:%|([-+ #0]*)(\*|\d+)?(?:\.(\*|-?\d+)?)?(hh|h|ll|l|z|t|j|L|q)?([a-zA-Z]))/g;

/** Parts of the format string matched by CONVERSION. */
type ConversionMatch = [string, string?, string?, string?, string?, string?];

function splitConversions(text: string, args: Expression[], place: string): (Literal | Conversion)[] {
  const pieces: (Literal | Conversion)[] = [];
  let literal = "";
  let last = 0;
  for (const match of text.matchAll(CONVERSION)) {
    const at = match.index;
    // An extension of an earlier %p may reach over what looks like a conversion; there is none in practice.
    literal += text.slice(last, at);
    last = at + match[0].length;
    if (match[0] === "%%") {
      literal += "%";
      continue;
    }
    let extension = "";
    if (match[5] === "p") {
      extension = /^[A-Za-z0-9]*/.exec(text.slice(last, last + 32))?.[0] ?? "";
      last += extension.length;
    }
    if (literal !== "") pieces.push({ kind: "literal", text: literal });
    literal = "";
    pieces.push(readConversion(match as unknown as ConversionMatch, extension, args, place));
    if (pieces.length > MAX_PIECES) {
      throw new LoadError("bad-format", place, `expected at most ${MAX_PIECES} conversions, got more`);
    }
  }
  literal += text.slice(last);
  if (literal !== "") pieces.push({ kind: "literal", text: literal });
  return pieces;
}

/** Builds a conversion; takes the arguments that it uses off the front of `args`. */
function readConversion(
  match: ConversionMatch,
  extension: string,
  args: Expression[],
  place: string,
): Conversion {
  const [text, flags = "", width, precision, length = "", letter = ""] = match;
  const full = `${text}${extension}`;
  if (!"diuxXocsp".includes(letter)) {
    throw new LoadError("bad-format", place, `expected a conversion that the kernel has, got ${quote(full)}`);
  }
  const take = (): Expression => {
    const argument = args.shift();
    if (argument === undefined) {
      throw new LoadError("bad-format", place, `expected an argument for ${quote(full)}, got none`);
    }
    return argument;
  };
  const number = (digits: string | undefined) =>
    digits === "*" ? take() : digits === undefined ? undefined : Math.min(Number(digits), 1024);
  // "%." means a precision of 0; the order of taking is the order of C's arguments.
  return {
    kind: "conversion",
    text: full,
    flags,
    width: number(width),
    precision: precision === undefined && text.includes(".") ? 0 : number(precision),
    length,
    letter,
    extension,
    argument: take(),
  };
}
