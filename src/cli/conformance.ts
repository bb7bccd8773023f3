// tracebee conformance: the plugin that the bpf_conformance runner calls, once per case.

import { text } from "node:stream/consumers";
import { runConformanceCase } from "../harness/conformance.ts";
import { type Command, readArgs, readEngine, UsageError } from "./command.ts";

const USAGE = `usage: tracebee conformance [MEMORY] [--engine NAME] <PROGRAM

A plugin for bpf_conformance: the program as hexadecimal text on standard input, its memory as hexadecimal text in
the first argument; prints r0 in hexadecimal. A program that is refused or traps ends with status 1 and a message.

  --engine NAME     ts, wasm or auto
`;

export const conformance: Command = {
  name: "conformance",
  summary: "run one case of bpf_conformance",
  usage: USAGE,
  async run(args) {
    const { values, positionals } = readArgs(args, { engine: { type: "string" } });
    const [memory = "", extra] = positionals;
    if (extra !== undefined) throw new UsageError(`expected one argument, got "${extra}" too`);
    const program = await text(process.stdin);
    process.stdout.write(`${runConformanceCase(program, memory, readEngine(values.engine))}\n`);
    return 0;
  },
};
