// The forms of the encoder as their comments state them: lines of the Intel SDM such as
// `REX.W + 81 /0 id ADD r/m64, imm32`. From a line follow the operands that the constructor takes, the text that a
// disassembler must show for them, and the shape of the bytes.

import type { Random } from "./random.ts";
import { type Encoder, FORMS_SOURCE, formOf } from "./x64-encoder.ts";

/** One line of the manual, and the constructor that stands below it. */
export interface Form {
  readonly line: string;
  readonly name: string;
  /** Words before the mnemonic: `REX.W + 81 /0 id`. */
  readonly opcode: string;
  readonly mnemonic: string;
  readonly operands: readonly string[];
  /** The constructor's first parameters: width where it has one of two lines, then the condition. */
  readonly hasWidth: boolean;
  readonly isWide: boolean;
}

const DOCUMENTED = /^\/\*\* (.*) \*\/\nexport function (\w+)\((.*?)\): void/gm;
const OPCODE =
  /^((?:F0 \+ )?(?:REX\.W \+ |VEX\.\S+ )?(?:[0-9A-F]{2}(?:\+rd|\+cc)? )+(?:\/[r0-7] )?(?:i[bwdo] )*)([A-Z].*)$/;
const WIDTH_64 = 0x1000;

/** The forms, and the names of the other constructors: those that choose, and jumps to labels. */
export function readForms(): { forms: Form[]; others: string[] } {
  const forms: Form[] = [];
  const others: string[] = [];
  for (const [, comment, name, parameters] of FORMS_SOURCE.matchAll(DOCUMENTED)) {
    const lines = comment.split("; ").map((line) => line.match(OPCODE));
    if (lines.includes(null) || /\brel8|\brel32|label/.test(comment)) {
      others.push(name);
      continue;
    }
    const hasWidth = parameters.startsWith("w: Width");
    for (const match of lines) {
      const [line, opcode, instruction] = match as RegExpMatchArray;
      const [, mnemonic, operands] = instruction.match(/^((?:LOCK )?\w+) ?(.*)$/) as RegExpMatchArray;
      forms.push({
        line,
        name,
        opcode: opcode.trim(),
        mnemonic,
        operands: operands === "" ? [] : operands.split(", "),
        hasWidth,
        isWide: /REX\.W|\.W1/.test(opcode),
      });
    }
  }
  return { forms, others };
}

// ---- operands ------------------------------------------------------------------------------------------

const NAMES: Readonly<Record<number, readonly string[]>> = {
  64: ["rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi"],
  32: ["eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi"],
  16: ["ax", "cx", "dx", "bx", "sp", "bp", "si", "di"],
  8: ["al", "cl", "dl", "bl", "spl", "bpl", "sil", "dil"],
};
const SUFFIX: Readonly<Record<number, string>> = { 64: "", 32: "d", 16: "w", 8: "b" };
const POINTERS: Readonly<Record<number, string>> = { 64: "qword", 32: "dword", 16: "word", 8: "byte" };

/** A register's name at a width. */
export function registerName(register: number, bits: number): string {
  return register < 8 ? NAMES[bits][register] : `r${register}${SUFFIX[bits]}`;
}

/** What an operand is called with, and its text. */
export interface Operand {
  readonly argument?: number | bigint;
  readonly text: string;
}

/** Displacements at which encodings change. */
export const DISPLACEMENTS = [0, 1, -1, 127, 128, -128, -129, 0x7fffffff, -0x80000000, 8, -512];

function displacement(random: Random): number {
  return random.chance(0.2) ? random.bits() | 0 : random.pick(DISPLACEMENTS);
}

const RSP = 4;
/** The registers that may be an index. */
export const INDEXES = Array.from({ length: 16 }, (_, register) => register).filter((each) => each !== RSP);

/** `[base + disp]`, or with an index and the binary logarithm of its scale; `bits` is 0 for LEA's operand. */
export function memory(
  encoder: Encoder,
  bits: number,
  base: number,
  disp: number,
  index?: readonly [register: number, scale: number],
): Operand {
  const size = bits === 0 ? "" : `${POINTERS[bits]} ptr `;
  const shown = disp === 0 ? "" : disp < 0 ? ` - ${-disp}` : ` + ${disp}`;
  if (index === undefined) {
    return { argument: encoder.at(base, disp), text: `${size}[${registerName(base, 64)}${shown}]` };
  }
  const [register, scale] = index;
  const scaled = `${scale === 0 ? "" : `${1 << scale}*`}${registerName(register, 64)}`;
  return {
    argument: encoder.atIndex(base, register, scale, disp),
    text: `${size}[${registerName(base, 64)} + ${scaled}${shown}]`,
  };
}

function randomMemory(encoder: Encoder, random: Random, bits: number): Operand {
  const index = random.chance(0.6) ? ([random.pick(INDEXES), random.below(4)] as const) : undefined;
  return memory(encoder, bits, random.below(16), displacement(random), index);
}

/** A number of `bits` bits, often one at an edge, signed or not. */
export function immediate(random: Random, bits: number): bigint {
  const random64 = (BigInt(random.bits()) << 32n) | BigInt(random.bits());
  if (random.chance(0.4)) return BigInt.asIntN(bits, random64);
  const power = 1n << BigInt(random.pick([0, 7, 8, 15, 16, 31, 32, 63].filter((each) => each < bits)));
  return BigInt.asIntN(bits, random.pick([power, power - 1n, -power, -power - 1n, power + 1n]));
}

/** Where the manual shows a number in a place that has no operand of the constructor. */
const FIXED: Readonly<Record<string, string>> = { "1": "1", CL: "cl", EAX: "eax", RAX: "rax" };

function makeOperand(encoder: Encoder, random: Random, kind: string): Operand {
  const fixed = FIXED[kind];
  if (fixed !== undefined) return { text: fixed };
  const [, shape, digits] = kind.match(/^(r\/m|r|m|imm)(\d*)$/) as RegExpMatchArray;
  const bits = Number(digits);
  if (shape === "imm") {
    const value = immediate(random, bits);
    return { argument: bits === 64 ? value : Number(value), text: String(value) };
  }
  if (shape === "m" || (shape === "r/m" && random.chance(0.6))) return randomMemory(encoder, random, bits);
  const register = random.below(16);
  return {
    argument: shape === "r" ? register : encoder.reg(register),
    text: registerName(register, bits),
  };
}

const CONDITIONS = ["o", "no", "b", "ae", "e", "ne", "be", "a", "s", "ns", "p", "np", "l", "ge", "le", "g"];

/** The name of a condition by its number. */
export const conditionName = (condition: number): string => CONDITIONS[condition];

/** A call of a form's constructor with random operands, and what the bytes must mean. */
export function makeCase(encoder: Encoder, random: Random, form: Form): { emit: () => void; text: string } {
  const condition = /cc$/.test(form.mnemonic) ? random.below(16) : undefined;
  const operands = form.operands.map((kind) => makeOperand(encoder, random, kind));
  const values = operands.flatMap(({ argument }) => (argument === undefined ? [] : [argument]));
  const leading = [
    ...(form.hasWidth ? [form.isWide ? WIDTH_64 : 0] : []),
    ...(condition === undefined ? [] : [condition]),
  ];
  const mnemonic = form.mnemonic.toLowerCase().replace(/cc$/, conditionName(condition ?? 0));
  return {
    emit: () => formOf(encoder, form.name)(...leading, ...values),
    text: `${mnemonic} ${operands.map(({ text }) => text).join(", ")}`.trim(),
  };
}

// ---- texts -----------------------------------------------------------------------------------------------

/** Bits of the operation that a text shows: of its first register or memory. */
function bitsOf(operand: string): number {
  const pointer = Object.keys(POINTERS).find((bits) => operand.startsWith(`${POINTERS[Number(bits)]} ptr`));
  if (pointer !== undefined) return Number(pointer);
  for (const bits of [64, 32, 16, 8]) {
    for (let register = 0; register < 16; register++)
      if (registerName(register, bits) === operand) return bits;
  }
  return 64;
}

const SHIFTS = /^(rol|ror|shl|shr|sar|rorx)$/;

/**
 * A text in the one way of writing that both sides are brought to: numbers unsigned at the width of their operation, XCHG
 * and its like by their names, one shift by 1.
 */
export function normalise(text: string): string {
  const [, name, rest] = text.match(/^((?:lock )?\w+) ?(.*)$/) as RegExpMatchArray;
  const operands = rest === "" ? [] : rest.split(", ");
  const bits = operands.length === 0 ? 0 : bitsOf(operands[0]);
  const mnemonic = name === "movabs" ? "mov" : name;
  const numbers = operands.map((operand) =>
    /^-?\d+$/.test(operand)
      ? String(BigInt.asUintN(SHIFTS.test(mnemonic) ? 8 : bits, BigInt(operand)))
      : operand,
  );
  if (SHIFTS.test(mnemonic) && numbers.length === 1) numbers.push("1");
  // Two registers change places: which is named first is the disassembler's choice.
  if (mnemonic === "xchg" && !rest.includes("[")) numbers.sort();
  return `${mnemonic} ${numbers.join(", ")}`.trim();
}

// ---- bytes -------------------------------------------------------------------------------------------------

const IMMEDIATE_BYTES: Readonly<Record<string, number>> = { ib: 1, iw: 2, id: 4, io: 8 };

/** What in the bytes differs from the manual's line, or undefined. VEX prefixes are looked at by the disassembler alone. */
export function shapeFault(form: Form, bytes: Uint8Array): string | undefined {
  const words = form.opcode.split(" ").filter((word) => word !== "+");
  if (words[0].startsWith("VEX")) return bytes[0] === 0xc4 ? undefined : "no VEX";
  let next = 0;
  if (words[0] === "F0" && form.mnemonic.startsWith("LOCK ")) {
    words.shift();
    if (bytes[next++] !== 0xf0) return "no LOCK";
  }
  if (/16$/.test(form.operands[0] ?? "")) {
    if (bytes[next++] !== 0x66) return "no 66";
  }
  const rex = (bytes[next] & 0xf0) === 0x40 ? bytes[next++] : 0;
  if (((rex & 8) !== 0) !== (words[0] === "REX.W")) return "REX.W";
  if (words[0] === "REX.W") words.shift();
  for (; words.length > 0 && /^[0-9A-F]{2}/.test(words[0]); words.shift()) {
    const opcode = Number.parseInt(words[0], 16);
    const mask = words[0].endsWith("+rd") ? 0xf8 : words[0].endsWith("+cc") ? 0xf0 : 0xff;
    if ((bytes[next++] & mask) !== opcode) return `opcode ${words[0]}`;
  }
  const modrm = words[0]?.startsWith("/") ? (words.shift() as string) : undefined;
  if (modrm !== undefined) {
    if (modrm !== "/r" && ((bytes[next] >> 3) & 7) !== Number(modrm[1])) return modrm;
    next += addressBytes(bytes[next], bytes[next + 1]);
  } else if (/^SET/.test(form.mnemonic)) next += addressBytes(bytes[next], bytes[next + 1]);
  for (const word of words) next += IMMEDIATE_BYTES[word];
  return next === bytes.length ? undefined : `${bytes.length} bytes, not ${next}`;
}

/** Bytes of ModRM, SIB and displacement. */
function addressBytes(modrm: number, sib: number): number {
  const mod = modrm >> 6;
  if (mod === 3) return 1;
  const hasSib = (modrm & 7) === 4;
  const isAbsolute = mod === 0 && ((hasSib ? sib : modrm) & 7) === 5;
  return 1 + (hasSib ? 1 : 0) + (mod === 1 ? 1 : mod === 2 || isAbsolute ? 4 : 0);
}
