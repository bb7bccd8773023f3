// LLVM's assembler and disassembler, one process for as many instructions as one likes.

import { spawnSync } from "node:child_process";

const TOOL = "llvm-mc-19";
const COMMON = ["--triple=x86_64", "--output-asm-variant=1"];
/** HLT, which no form is, stands between the instructions: one whose bytes mean two is found out. */
const SEPARATOR = "hlt";

/** Why there is none, or undefined. */
export function llvmMissing(): string | undefined {
  return spawnSync(TOOL, ["--version"]).status === 0 ? undefined : `${TOOL} is not installed`;
}

function run(args: readonly string[], input: string): string {
  const { stdout, stderr, error } = spawnSync(TOOL, [...COMMON, ...args], {
    input,
    encoding: "utf8",
    maxBuffer: 1 << 30,
  });
  if (error !== undefined) throw error;
  if (stderr !== "") throw new Error(`${TOOL}: ${stderr.slice(0, 2000)}`);
  return stdout;
}

const hex = (byte: number): string => `0x${byte.toString(16)}`;

/** What each instruction's bytes mean, in Intel's syntax; several instructions are joined by `; `, a prefix by a space. */
export function disassemble(instructions: readonly Uint8Array[]): string[] {
  const input = instructions.map((bytes) => `[${[...bytes].map(hex).join(" ")}]\n[0xf4]\n`).join("");
  const lines = run(["--disassemble"], input)
    .split("\n")
    .map((line) => line.trim().replace(/\s+/g, " "))
    .filter((line) => line !== "" && !line.startsWith("."));
  const texts = lines.join("; ").split(`; ${SEPARATOR}`);
  if (texts.pop() !== "") throw new Error(`${TOOL}: the output does not end in ${SEPARATOR}`);
  return texts.map((text) => text.replace(/^; /, "").replace(/^lock; /, "lock "));
}

/** The bytes that LLVM chooses for each instruction. */
export function assemble(texts: readonly string[]): Uint8Array[] {
  const input = `${texts.join("\n")}\n`;
  const output = run(["--assemble", "--x86-asm-syntax=intel", "--show-encoding"], input);
  const found = [...output.matchAll(/# encoding: \[([^\]]*)\]/g)].map(([, bytes]) =>
    Uint8Array.from(bytes.split(","), Number),
  );
  if (found.length !== texts.length) {
    throw new Error(`${TOOL}: expected ${texts.length} instructions, got ${found.length}`);
  }
  return found;
}
