// The messages that the verifier rejects programs with, read from its own sources: the texts in the arguments of
// reject() and its kin, and in the constants that these arguments name.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../../src/verifier", import.meta.url));

const CALL = /\b(?:reject|fault|PrototypeProblem|Rejection)\(|\{ problem: /g;
/** A comment, a string, a template, a bracket or anything else. */
const TOKEN = /\/\/.*|\/\*[\s\S]*?\*\/|"(?:[^"\\]|\\.)*"|[`(){}[\];]|[A-Za-z_]\w*|[\s\S]/y;

/** Where the template that begins at `at` ends, and its text with a number in the place of what is put in. */
function readTemplate(source: string, at: number): { end: number; text: string } {
  let text = "";
  for (let index = at + 1; ; index++) {
    if (source[index] === "`") return { end: index + 1, text };
    if (source[index] === "\\") text += source[++index] === "n" ? "\n" : source[index];
    else if (source.startsWith("${", index)) {
      const end = readTo(source, index + 2).end;
      text += "1";
      index = end - 1;
    } else text += source[index];
  }
}

interface Found {
  readonly end: number;
  readonly texts: readonly string[];
  readonly names: readonly string[];
}

/** The texts and names up to the bracket, or the end of the statement, that closes what begins at `start`. */
function readTo(source: string, start: number): Found {
  const [texts, names]: [string[], string[]] = [[], []];
  let depth = 0;
  for (let at = start; at < source.length; ) {
    TOKEN.lastIndex = at;
    const token = TOKEN.exec(source)?.[0] ?? "";
    at += token.length;
    if (token.startsWith('"')) texts.push(JSON.parse(token));
    else if (token === "`") {
      const template = readTemplate(source, at - 1);
      texts.push(template.text);
      at = template.end;
    } else if (/^[A-Za-z_]/.test(token)) names.push(token);
    else if ("([{".includes(token)) depth++;
    else if (")]}".includes(token) && depth-- === 0) return { end: at, texts, names };
    else if (token === ";" && depth === 0) return { end: at, texts, names };
  }
  return { end: source.length, texts, names };
}

function messagesOf(source: string): string[] {
  const values = new Map<string, string[]>();
  for (const match of source.matchAll(/\b(?:const|let) (\w+)[^=;(]*= /g)) {
    const found = readTo(source, match.index + match[0].length);
    values.set(match[1], [...(values.get(match[1]) ?? []), ...found.texts]);
  }
  return [...source.matchAll(CALL)].flatMap((match) => {
    const { texts, names } = readTo(source, match.index + match[0].length);
    return [...texts, ...names.flatMap((name) => values.get(name) ?? [])];
  });
}

/** Every line of a rejection, with the file that it is in; numbers stand where something is put in. */
export function verifierMessages(): ReadonlyMap<string, string> {
  const messages = new Map<string, string>();
  for (const name of readdirSync(ROOT, { recursive: true, encoding: "utf8" })) {
    if (!name.endsWith(".ts")) continue;
    for (const message of messagesOf(readFileSync(join(ROOT, name), "utf8"))) {
      for (const line of message.split("\n")) {
        // Single words are parts of messages.
        if (/[a-z]\w*\W.*[a-z]{2}/i.test(line)) messages.set(line.trim(), name);
      }
    }
  }
  return messages;
}
