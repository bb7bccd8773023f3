#!/usr/bin/env node
// The command line: finds the command and hands it the rest of the arguments. What a command does is the library's
// business; here are only words in and words out. Exit status: 0 done, 1 the input was refused or trapped, 2 wrong usage.

import { readFileSync } from "node:fs";
import { LoadError, TrapError, VerifierError } from "../errors.ts";
import { MapError } from "../maps/map.ts";
import { TestInputError } from "../test-run/context.ts";
import { asm } from "./asm.ts";
import { batch } from "./batch.ts";
import { bench } from "./bench.ts";
import { check } from "./check.ts";
import { ChildFailure, type Command, UsageError } from "./command.ts";
import { conformance } from "./conformance.ts";
import { dis } from "./dis.ts";
import { map } from "./map.ts";
import { run } from "./run.ts";

const COMMANDS: readonly Command[] = [run, check, map, asm, dis, bench, batch, conformance];

function usage(): string {
  const lines = COMMANDS.map(({ name, summary }) => `  ${name.padEnd(14)}${summary}`);
  return [
    "tracebee: run, test and measure eBPF programs",
    "",
    "usage: tracebee COMMAND [ARGUMENT...]",
    "",
    ...lines,
    "",
    "tracebee COMMAND --help tells more; tracebee --version tells the version.",
    "",
  ].join("\n");
}

/** Read when it is asked for: the package's own file is three folders up from the built one. */
function version(): string {
  const file = new URL("../../../package.json", import.meta.url);
  return (JSON.parse(readFileSync(file, "utf8")) as { version: string }).version;
}

/** Errors that are about the input, not about tracebee: their message is all that the user needs. */
function isAboutInput(error: unknown): error is Error {
  if (error instanceof LoadError || error instanceof VerifierError) return true;
  if (error instanceof TrapError || error instanceof MapError || error instanceof TestInputError) return true;
  if (error instanceof TypeError || error instanceof RangeError) return true;
  return error instanceof Error && "code" in error && /^E[A-Z]+$/.test(String(error.code));
}

async function main(args: readonly string[]): Promise<number> {
  const [name, ...rest] = args;
  if (name === undefined || name === "--help" || name === "-h" || name === "help") {
    const isAsked = name !== undefined;
    (isAsked ? process.stdout : process.stderr).write(usage());
    return isAsked ? 0 : 2;
  }
  if (name === "--version" || name === "-V" || name === "version") {
    process.stdout.write(`tracebee ${version()}\n`);
    return 0;
  }
  const command = COMMANDS.find((candidate) => candidate.name === name);
  if (command === undefined) {
    process.stderr.write(`tracebee: expected a command, got "${name}"\n\n${usage()}`);
    return 2;
  }
  if (rest.includes("--help") || rest.includes("-h")) {
    process.stdout.write(command.usage);
    return 0;
  }
  try {
    return await command.run(rest);
  } catch (error) {
    if (error instanceof UsageError) {
      const [synopsis] = command.usage.split("\n");
      process.stderr.write(
        `tracebee ${name}: ${error.message}\n\n${synopsis}\ntracebee ${name} --help tells more.\n`,
      );
      return 2;
    }
    if (error instanceof ChildFailure) return error.status;
    if (!isAboutInput(error) || process.env.TRACEBEE_DEBUG !== undefined) throw error;
    const reason = error instanceof VerifierError ? error.explanation : error.message;
    process.stderr.write(`tracebee ${name}: ${reason}\n`);
    return 1;
  }
}

/** A reader that has seen enough (`| head`) is no error; a full disk is one. */
function endWithOutput({ code, message }: NodeJS.ErrnoException): never {
  if (code === "EPIPE") process.exit(0);
  process.stderr.write(`tracebee: standard output: ${message}\n`);
  process.exit(1);
}

process.stdout.on("error", endWithOutput);
// Nobody is left to be told.
process.stderr.on("error", () => process.exit(1));
process.exitCode = await main(process.argv.slice(2));
