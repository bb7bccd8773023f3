// tracebee batch: JSON lines in, JSON lines out (harness/batch.ts, docs/batch.md).

import { BatchHarness } from "../harness/batch.ts";
import { type Command, readArgs, readEngine, UsageError } from "./command.ts";
import { KernelTypes } from "./kernel-types.ts";

const USAGE = `usage: tracebee batch [--engine NAME] [--kernel-btf FILE] <LINES >ANSWERS

Judges and runs programs, one JSON object a line; answers with one JSON object a line. docs/batch.md has the format.
A line that makes no sense is answered with "error", and the next one runs. Blank lines are passed over.

  --engine NAME     ts, wasm or auto
  --kernel-btf FILE the types of the kernel that programs are judged for; default: this machine's, where it tells them
`;

export const batch: Command = {
  name: "batch",
  summary: "judge and run programs given as JSON lines",
  usage: USAGE,
  async run(args) {
    const { values, positionals } = readArgs(args, {
      engine: { type: "string" },
      "kernel-btf": { type: "string" },
    });
    if (positionals.length > 0) throw new UsageError(`expected no file, got "${positionals[0]}"`);
    const harness = new BatchHarness(readEngine(values.engine), new KernelTypes(values["kernel-btf"]));
    const { stdout } = process;
    for await (const answer of harness.answers(process.stdin)) {
      if (!stdout.write(`${answer}\n`)) await new Promise((resolve) => stdout.once("drain", resolve));
    }
    return 0;
  },
};
