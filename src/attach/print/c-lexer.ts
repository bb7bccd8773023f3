// Splits the C text of a print format into tokens: numbers, names, strings, characters, operators.
// Gives an array that ends in a token of kind `end`; knows no grammar.

import { LoadError } from "../../errors.ts";
import { quote } from "../format.ts";

/** What a token is; `end` stands behind the last one. */
export type CTokenKind = "number" | "name" | "string" | "character" | "operator" | "end";

/** A token of a print format's C text. */
export interface CToken {
  readonly kind: CTokenKind;
  /** As written; for strings and characters what they stand for, one char per byte. */
  readonly text: string;
  /** First character in the text, from 0. */
  readonly at: number;
}

const PATTERNS: readonly (readonly [CTokenKind | "space", RegExp])[] = [
  ["space", /[ \t\r\n\f]+/y],
  ["number", /0[xX][0-9a-fA-F]+[uUlL]*|\d+[uUlL]*/y],
  ["name", /[A-Za-z_$][\w$]*/y],
  ["string", /"(?:[^"\\]|\\[\s\S])*"/y],
  ["character", /'(?:[^'\\]|\\[\s\S])+'/y],
  ["operator", /->|<<|>>|<=|>=|==|!=|&&|\|\||\.\.\.|[-+*/%&|^~!<>?:()[\]{},.;=#@]/y],
];

const ESCAPES: Readonly<Record<string, string>> = {
  n: "\n",
  t: "\t",
  r: "\r",
  a: "\x07",
  b: "\b",
  f: "\f",
  v: "\v",
  "0": "\0",
  "\n": "",
};

/** Text as bytes, one char per byte: UTF-8 for what is not ASCII. */
export function toByteString(text: string): string {
  let bytes = "";
  for (const byte of new TextEncoder().encode(text)) bytes += String.fromCharCode(byte);
  return bytes;
}

/** What the inside of a C string stands for, one char per byte. */
export function unescapeC(inside: string): string {
  return toByteString(inside).replace(
    /\\(?:x([0-9a-fA-F]{1,2})|([0-7]{1,3})|([\s\S]))/g,
    (_, hex, octal, one) =>
      hex !== undefined
        ? String.fromCharCode(Number.parseInt(hex, 16))
        : octal !== undefined
          ? String.fromCharCode(Number.parseInt(octal, 8) & 255)
          : (ESCAPES[one] ?? one),
  );
}

/** The tokens of `text` from `start` on. Throws a LoadError (`bad-format`) where no token starts. */
export function tokenizeC(text: string, start: number, place: string): CToken[] {
  const tokens: CToken[] = [];
  let at = start;
  scan: while (at < text.length) {
    for (const [kind, pattern] of PATTERNS) {
      pattern.lastIndex = at;
      const found = pattern.exec(text)?.[0];
      if (found === undefined) continue;
      const inside = kind === "string" || kind === "character" ? unescapeC(found.slice(1, -1)) : found;
      if (kind !== "space") tokens.push({ kind, text: inside, at });
      at += found.length;
      continue scan;
    }
    const got = quote(text.slice(at, at + 20));
    throw new LoadError(
      "bad-format",
      place,
      `expected a C expression at character ${at + 1} of the print format, got ${got}`,
    );
  }
  tokens.push({ kind: "end", text: "", at: text.length });
  return tokens;
}
