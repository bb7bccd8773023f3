// The command line as a child process.

import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync } from "node:fs";

interface PackageFile {
  readonly version: string;
  readonly bin: { readonly tracebee: string };
}

export const PACKAGE = JSON.parse(readFileSync("package.json", "utf8")) as PackageFile;

/** How a child process ended. */
export interface Ended {
  /** Exit status; undefined when a signal ended it. */
  readonly status: number | undefined;
  readonly stdout: Buffer;
  readonly stderr: string;
}

/** Starts `tracebee` with pipes, but for its standard output where a file descriptor is given. */
export function start(args: readonly string[], stdout: "pipe" | number = "pipe"): ChildProcess {
  return spawn(process.execPath, [PACKAGE.bin.tracebee, ...args], { stdio: ["pipe", stdout, "pipe"] });
}

/** Waits for the end of a process, and collects what it writes. */
export function end(child: ChildProcess): Promise<Ended> {
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  child.stdout?.on("data", (chunk: Buffer) => stdout.push(chunk));
  child.stderr?.on("data", (chunk: Buffer) => stderr.push(chunk));
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (status) => {
      resolve({
        status: status ?? undefined,
        stdout: Buffer.concat(stdout),
        stderr: Buffer.concat(stderr).toString("utf8"),
      });
    });
  });
}

/** Runs `tracebee` with nothing on its standard input, or with this. */
export async function tracebee(
  args: readonly string[],
  input = "",
): Promise<Ended & { readonly text: string }> {
  const child = start(args);
  // A process that ends without reading closes the pipe: no concern of ours.
  child.stdin?.on("error", () => {});
  child.stdin?.end(input);
  const ended = await end(child);
  return { ...ended, text: ended.stdout.toString("utf8") };
}

/** Does something with every item, a few at a time: processes mostly wait for their start. */
export async function eachOf<T>(items: readonly T[], action: (item: T) => Promise<void>): Promise<void> {
  const queue = [...items];
  const work = async () => {
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) await action(item);
  };
  await Promise.all(Array.from({ length: 3 }, work));
}
