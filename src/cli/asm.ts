// tracebee asm: assembly text to instruction bytes.

import { writeFileSync } from "node:fs";
import { atPlace } from "../errors.ts";
import { toHex } from "../harness/hex.ts";
import { assembleCode } from "../isa/assembler.ts";
import { type Command, expectFile, readArgs, readBytes } from "./command.ts";

const USAGE = `usage: tracebee asm FILE [-o OUT] [--hex]

Assembles one stretch of code (pseudo-C or mnemonics) to instruction bytes.

  -o, --output OUT  write there; default: standard output
  --hex             hexadecimal text, a line per instruction
`;

export const asm: Command = {
  name: "asm",
  summary: "assemble a text to instruction bytes",
  usage: USAGE,
  run(args) {
    const { values, positionals } = readArgs(args, {
      output: { type: "string", short: "o" },
      hex: { type: "boolean" },
    });
    const file = expectFile(positionals, "a file with assembly");
    const text = readBytes(file).toString("utf8");
    const bytes = atPlace(file, () => assembleCode(text));
    const lines = toHex(bytes).match(/.{16}/g) ?? [];
    const output = values.hex === true ? lines.map((line) => `${line}\n`).join("") : bytes;
    if (values.output !== undefined) writeFileSync(values.output, output);
    else process.stdout.write(output);
    return 0;
  },
};
