// The operations of prepared code by name, read off their file: a const enum cannot be walked.

import { readFileSync } from "node:fs";

const LINE = /^ {2}(\w+) = 0x(..),$/gm;
const source = readFileSync(new URL("../../assembly/shared/opcodes.ts", import.meta.url), "utf8");

export const OPS: ReadonlyMap<string, number> = new Map(
  [...source.matchAll(LINE)].map(([, name, number]): [string, number] => [name, Number.parseInt(number, 16)]),
);
