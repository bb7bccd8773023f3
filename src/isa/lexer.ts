// Splits one line of assembly into tokens, for both dialects and for the table's own templates.
// Comments start with `;`, `//`, or a `#` that does not follow a name (`call bpf_ktime_get_ns#5` is none).

import { LoadError } from "../errors.ts";

export type TokenKind = "register" | "name" | "number" | "operator" | "string" | "operand" | "end";

export interface Token {
  readonly kind: TokenKind;
  readonly text: string;
  /** First column of the token, from 1. */
  readonly column: number;
}

const PATTERNS: readonly (readonly [TokenKind | "skip", RegExp])[] = [
  ["skip", /[ \t\r\f]+/y],
  ["skip", /;.*|\/\/.*|\/\*.*?\*\/|(?<![\w\])])#.*/y],
  ["operand", /\$[A-Za-z]\b/y],
  ["register", /%?[rw](?:10|[0-9])\b|%?fp\b/y],
  ["operator", /s(?:>>=|>=|<=|>|<|\/=|%=)/y],
  ["number", /0[xX][0-9a-fA-F]+\b|[0-9]+\b/y],
  ["name", /[A-Za-z_.$][\w.$]*/y],
  ["string", /"(?:[^"\\]|\\.)*"/y],
  ["operator", /<<=|>>=|[-+*/%|&^=!<>]=|[-+*/%|&^=!<>()[\],:#@{}~?]/y],
];

/**
 * The tokens of one line, ended by one of kind `end`.
 * Throws a LoadError (`bad-syntax`) at a character that starts no token.
 */
export function tokenize(line: string, lineNumber: number): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  scan: while (at < line.length) {
    for (const [kind, pattern] of PATTERNS) {
      pattern.lastIndex = at;
      const text = pattern.exec(line)?.[0];
      if (text === undefined) continue;
      if (kind !== "skip") tokens.push({ kind, text, column: at + 1 });
      at += text.length;
      continue scan;
    }
    throw new LoadError(
      "bad-syntax",
      placeOf(lineNumber, at + 1),
      `expected assembly, got ${JSON.stringify(line[at])}`,
    );
  }
  tokens.push({ kind: "end", text: "the end of the line", column: line.length + 1 });
  return tokens;
}

/** How messages name a place in a text. */
export function placeOf(line: number, column: number): string {
  return `line ${line}, column ${column}`;
}

/** The characters that a quoted string of C or of the GNU assembler stands for, as bytes. */
export function unquote(literal: string): Uint8Array {
  const bytes: number[] = [];
  const simple: Record<string, number> = {
    n: 10,
    t: 9,
    r: 13,
    b: 8,
    f: 12,
    v: 11,
    a: 7,
    "\\": 92,
    '"': 34,
    "'": 39,
  };
  const source = new TextEncoder().encode(literal.slice(1, -1));
  for (let at = 0; at < source.length; at++) {
    if (source[at] !== 92) {
      bytes.push(source[at] as number);
      continue;
    }
    const rest = new TextDecoder().decode(source.subarray(at + 1, at + 4));
    const octal = /^[0-7]{1,3}/.exec(rest)?.[0];
    const hex = /^x[0-9a-fA-F]{1,2}/.exec(rest)?.[0];
    if (octal !== undefined) bytes.push(Number.parseInt(octal, 8) & 255);
    else if (hex !== undefined) bytes.push(Number.parseInt(hex.slice(1), 16));
    else bytes.push(simple[rest[0] as string] ?? rest.charCodeAt(0) & 255);
    at += (octal ?? hex ?? " ").length;
  }
  return Uint8Array.from(bytes);
}
