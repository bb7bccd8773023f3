// Instructions to text, by the templates of the table: the pseudo-C dialect as `bpftool prog dump xlated`
// and the kernel's verifier log print it, or the mnemonic dialect of the conformance files. What is
// printed here with its opcode byte in front, the assembler reads back to the same bytes.

import { HELPER_NAMES } from "./helper-names.ts";
import { decode, type Insn, wideImm } from "./insn.ts";

export type Dialect = "pseudo-c" | "mnemonic";

export interface DisassembleOptions {
  /** Default `pseudo-c`. */
  readonly dialect?: Dialect;
  /** Name of a helper id; default: the kernel's names, `unknown` for others. Not used by the mnemonic dialect. */
  readonly helperName?: (id: number) => string | undefined;
}

const signed = (value: number): string => (value < 0 ? `${value}` : `+${value}`);
const hex32 = (value: number): string => `0x${(value >>> 0).toString(16)}`;

/** The kernel's name of a helper id, with its `bpf_` prefix. */
export function kernelHelperName(id: number): string | undefined {
  const name = HELPER_NAMES[id];
  return name === undefined ? undefined : `bpf_${name}`;
}

type Print = (insn: Insn, options: DisassembleOptions) => string;

const printKfunc: Print = (insn) => `kfunc#${insn.imm}${insn.off === 0 ? "" : `@${insn.off}`}`;

const PSEUDO_C: Readonly<Record<string, Print>> = {
  D: (insn) => `r${insn.dst}`,
  d: (insn) => `w${insn.dst}`,
  S: (insn) => `r${insn.src}`,
  s: (insn) => `w${insn.src}`,
  I: (insn) => `${insn.imm}`,
  X: (insn) => hex32(insn.imm),
  Q: (insn) => `0x${wideImm(insn).toString(16)}`,
  N: (insn) => `${insn.next}`,
  O: (insn) => signed(insn.off),
  J: (insn) => `pc${signed(insn.off)}`,
  L: (insn) => `pc${signed(insn.imm)}`,
  F: (insn) => `pc${signed(insn.imm)}`,
  P: (insn) => signed(insn.imm),
  H: (insn, options) => `${(options.helperName ?? kernelHelperName)(insn.imm) ?? "unknown"}#${insn.imm}`,
  K: printKfunc,
};

const MNEMONIC: Readonly<Record<string, Print>> = {
  ...PSEUDO_C,
  D: (insn) => `%r${insn.dst}`,
  S: (insn) => `%r${insn.src}`,
  X: (insn) => `${insn.imm}`,
  J: (insn) => signed(insn.off),
  L: (insn) => signed(insn.imm),
  F: (insn) => signed(insn.imm),
  H: (insn) => `${insn.imm}`,
};

/** One instruction as text, without slot number and opcode byte. */
export function formatInsn(insn: Insn, options: DisassembleOptions = {}): string {
  const mnemonic = options.dialect === "mnemonic";
  const template = (mnemonic ? insn.row.mnemonic : insn.row.pseudoC)[0] as string;
  const print = mnemonic ? MNEMONIC : PSEUDO_C;
  return template.replace(/\$([A-Za-z])/g, (_, letter: string) => (print[letter] as Print)(insn, options));
}

/** One instruction as a line of `bpftool prog dump xlated`: `   3: (07) r1 += 8`. */
export function formatLine(insn: Insn, options: DisassembleOptions = {}): string {
  const code = insn.row.code.toString(16).padStart(2, "0");
  return `${`${insn.slot}`.padStart(4)}: (${code}) ${formatInsn(insn, options)}`;
}

/** A whole program as lines; throws a LoadError where an instruction does not decode. */
export function disassemble(bytes: Uint8Array, options: DisassembleOptions = {}): string {
  return decode(bytes)
    .map((insn) => `${formatLine(insn, options)}\n`)
    .join("");
}
