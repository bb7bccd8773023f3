// tracebee dis: the instructions of a program as `bpftool prog dump xlated` prints them, under their source lines.

import { atPlace } from "../errors.ts";
import { type Dialect, formatInsn, formatLine } from "../isa/disassembler.ts";
import type { Program } from "../program.ts";
import { type Command, expectFile, readArgs, UsageError } from "./command.ts";
import { choosePrograms, loadFile, readProgramType } from "./input.ts";

const USAGE = `usage: tracebee dis FILE [--program NAME] [--dialect pseudo-c|mnemonic]

Prints a program's instructions, in the pseudo-C of bpftool (the default) or as mnemonics. Both assemble back.

  --program NAME    this program only; default: all of the file
  --dialect NAME    pseudo-c or mnemonic
  --type TYPE       program type, where the file does not say
`;

function listing(program: Program, dialect: Dialect): string {
  const functions = new Map(program.functions.map(({ slot, name }) => [slot, name]));
  const lines = new Map(program.lines.map((line) => [line.slot, line]));
  let text = "";
  for (const insn of program.decoded) {
    const name = functions.get(insn.slot);
    const source = lines.get(insn.slot);
    if (name !== undefined) text += `${name}:\n`;
    if (source !== undefined && source.text.trim() !== "") text += `; ${source.text.trim()}\n`;
    text += dialect === "mnemonic" ? `  ${formatInsn(insn, { dialect })}\n` : `${formatLine(insn)}\n`;
  }
  return text;
}

export const dis: Command = {
  name: "dis",
  summary: "disassemble a program",
  usage: USAGE,
  run(args) {
    const { values, positionals } = readArgs(args, {
      program: { type: "string" },
      dialect: { type: "string", default: "pseudo-c" },
      type: { type: "string" },
    });
    const { dialect } = values;
    if (dialect !== "pseudo-c" && dialect !== "mnemonic") {
      throw new UsageError(`--dialect: expected pseudo-c or mnemonic, got "${dialect}"`);
    }
    const file = expectFile(positionals, "a program");
    const object = loadFile(file, readProgramType(values.type));
    const programs = choosePrograms(object, values.program);
    const texts = programs.map((program) => atPlace(file, () => listing(program, dialect)));
    process.stdout.write(texts.join("\n"));
    return 0;
  },
};
