// The enums of assembly/shared, read off their files: a const enum is folded away and cannot be walked.

import { readFileSync } from "node:fs";

const ENUM = /^export const enum (\w+) \{\n([\s\S]*?)^\}/gm;
const MEMBER = /^ {2}(\w+) = (-?\w+),$/gm;

/** Members and their values, by enum, of a file there. */
export function readEnums(file: string): ReadonlyMap<string, ReadonlyMap<string, number>> {
  const text = readFileSync(new URL(`../../assembly/shared/${file}`, import.meta.url), "utf8");
  const members = (body: string): Map<string, number> =>
    new Map([...body.matchAll(MEMBER)].map(([, name, value]) => [name, Number(value)]));
  return new Map([...text.matchAll(ENUM)].map(([, name, body]) => [name, members(body)]));
}

/** The operations of prepared code. */
export const OPS = readEnums("opcodes.ts").get("Op") as ReadonlyMap<string, number>;
