// What every command is, and how its arguments are read.

import { readFileSync, statSync } from "node:fs";
import { type ParseArgsConfig, parseArgs } from "node:util";
import type { EngineName } from "../engine/engine.ts";
import { ENGINES } from "../engine/engines.ts";
import { LoadError } from "../errors.ts";

export interface Command {
  readonly name: string;
  readonly summary: string;
  readonly usage: string;
  /** Gives the exit status. */
  readonly run: (args: string[]) => number | Promise<number>;
}

/** Wrong arguments: the message is followed by the command's usage. */
export class UsageError extends Error {}

/** Another process has failed and has said why: all that is left to do is to end with its status. */
export class ChildFailure extends Error {
  readonly status: number;

  constructor(status: number) {
    super(`expected status 0, got ${status}`);
    this.status = status;
  }
}

type Options = NonNullable<ParseArgsConfig["options"]>;

/** parseArgs of node:util, with a UsageError where it does not like the arguments. */
export function readArgs<const T extends Options>(
  args: string[],
  options: T,
): ReturnType<typeof parseArgs<{ args: string[]; options: T; allowPositionals: true; strict: true }>> {
  try {
    return parseArgs({ args, options, allowPositionals: true, strict: true });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

/** A whole number given as an option, with `_` and exponents allowed: 1_000_000, 1e6. */
export function readCount(text: string | undefined, option: string): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text.replaceAll("_", ""));
  if (!Number.isSafeInteger(value) || value < 1) {
    throw new UsageError(`--${option}: expected a whole number from 1 on, got "${text}"`);
  }
  return value;
}

/** An engine's name, or `auto`. */
export function readEngine(text: string | undefined): EngineName | "auto" {
  if (text === undefined || text === "auto") return "auto";
  if (Object.hasOwn(ENGINES, text)) return text as EngineName;
  throw new UsageError(`--engine: expected auto, ${Object.keys(ENGINES).join(", ")}, got "${text}"`);
}

/** A list of engines: names with commas, or `all` for every one that can run here, and checked where that is wanted. */
export function readEngines(text: string | undefined, isChecked: boolean): (EngineName | "auto")[] {
  if (text !== "all") return (text ?? "auto").split(",").map(readEngine);
  return Object.values(ENGINES)
    .filter((engine) => engine.unavailable() === undefined && (engine.runsChecked || !isChecked))
    .map((engine) => engine.name);
}

/** The only positional argument. */
export function expectFile(positionals: readonly string[], what = "a file"): string {
  const [first, second] = positionals;
  if (first === undefined) throw new UsageError(`expected ${what}, got none`);
  if (second !== undefined) throw new UsageError(`expected ${what}, got "${second}" too`);
  return first;
}

/** Throws a LoadError that names the folder: what Node says of reading one names nothing. */
export function expectNoFolder(file: string): void {
  if (statSync(file).isDirectory()) throw new LoadError("bad-magic", file, "expected a file, got a folder");
}

/** A file's bytes. Throws what Node throws where there is none, a LoadError for a folder. */
export function readBytes(file: string): Buffer {
  expectNoFolder(file);
  return readFileSync(file);
}
