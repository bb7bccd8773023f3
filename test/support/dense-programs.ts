// Random programs without calls in which every register but r10 holds data: each row of arithmetic, jumps and memory, with
// every pair of registers sooner or later, and a result into which all registers and the stack go.

import { encode, INSN_ROWS, type Insn, type InsnRow, makeInsn } from "../../dist/src/index.js";
import { Random } from "./random.ts";

type Operands = Partial<Record<"dst" | "src" | "off" | "imm" | "next", number>>;

const rows = (pattern: RegExp): InsnRow[] => INSN_ROWS.filter(({ name }) => pattern.test(name));

const BY_NAME = new Map(INSN_ROWS.map((row) => [row.name, row]));
const ALU = [
  ...rows(/^(add|sub|mul|div|sdiv|mod|smod|or|and|xor|lsh|rsh|arsh|mov)(32|64)_(imm|reg)$/),
  ...rows(/^(neg|movsx|le|be|bswap|addr_space)/),
  ...rows(/^lddw$/),
];
const JUMPS = rows(/^(j|gotol)/);
const LOADS = rows(/^(ldxs?|load_acquire_)(b|h|w|dw)$/);
const STORES = rows(/^(stx?|store_release_)(b|h|w|dw)$|^(atomic_|fetch_|xchg|cmpxchg)/);

/** All that can stand in a program. */
export const DENSE_ROWS: readonly InsnRow[] = [...ALU, ...JUMPS, ...LOADS, ...STORES];

const STACK = 64;
const REGISTERS = 10;

class Dense {
  readonly random: Random;
  readonly insns: Insn[] = [];
  #slots = 0;

  constructor(seed: number) {
    this.random = new Random(seed);
  }

  emit(row: InsnRow | string, operands: Operands): void {
    const which = typeof row === "string" ? (BY_NAME.get(row) as InsnRow) : row;
    this.insns.push(makeInsn(which, operands, this.#slots));
    this.#slots += which.wide ? 2 : 1;
  }

  /** A number that is often an edge: near 0, near the ends of its halves. */
  constant(dst: number): void {
    const { random } = this;
    const imm = random.imm();
    this.emit("lddw", { dst, imm, next: random.pick([0, -1, imm >> 31, random.imm()]) });
  }

  alu(row: InsnRow): void {
    const { random } = this;
    const dst = random.below(REGISTERS);
    const operands: Operands = {};
    if (row.operands.has("dst")) operands.dst = dst;
    if (row.operands.has("src")) operands.src = random.chance(0.2) ? dst : random.below(REGISTERS);
    if (row.operands.has("imm")) operands.imm = this.immFor(row);
    if (row.operands.has("next")) operands.next = random.imm();
    this.emit(row, operands);
  }

  immFor({ name }: InsnRow): number {
    const { random } = this;
    if (/sh(32|64)_imm$/.test(name)) return random.below(name.includes("64") ? 64 : 32);
    const imm = random.chance(0.3) ? random.between(-130, 130) : random.imm();
    return /(div|mod)/.test(name) && imm === 0 ? 1 : imm;
  }

  /** Over one instruction that shows whether it was taken; mostly with operands that are nearly the same. */
  jump(row: InsnRow): void {
    const { random } = this;
    const [dst, src] = [random.below(REGISTERS), random.below(REGISTERS)];
    const imm = this.immFor(row);
    if (random.chance(0.6)) {
      for (const register of [dst, src])
        this.emit("lddw", { dst: register, imm, next: random.pick([0, -1, 1]) });
    }
    const operands: Operands = { dst, src, imm };
    if (row.operands.has("off")) operands.off = 1;
    else operands.imm = 1;
    this.emit(row, pick(operands, row));
    this.emit("xor64_imm", { dst: random.below(REGISTERS), imm: random.bits() | 1 });
  }

  /** Through any register, which holds the frame pointer for as long. */
  memory(row: InsnRow, isLoad: boolean): void {
    const { random } = this;
    const base = random.below(REGISTERS + 1);
    if (base !== 10) this.emit("mov64_reg", { dst: base, src: 10 });
    const off = -random.between(8, STACK);
    const other = random.below(REGISTERS);
    const operands: Operands = isLoad ? { dst: other, src: base, off } : { dst: base, src: other, off };
    this.emit(row, pick({ ...operands, imm: random.imm() }, row));
  }

  statement(): void {
    const { random } = this;
    const row = random.pick(DENSE_ROWS);
    if (ALU.includes(row)) this.alu(row);
    else if (JUMPS.includes(row)) this.jump(row);
    else this.memory(row, LOADS.includes(row));
  }

  /** Every register and every byte of the stack has its part in r0. */
  fold(): void {
    const mix = (src: number): void => {
      this.emit("mul64_imm", { dst: 0, imm: 0x5bd1e995 });
      this.emit("xor64_reg", { dst: 0, src });
    };
    for (let src = 1; src < REGISTERS; src++) mix(src);
    for (let at = 8; at <= STACK; at += 8) {
      this.emit("ldxdw", { dst: 1, src: 10, off: -at });
      mix(1);
    }
  }
}

function pick(operands: Operands, row: InsnRow): Operands {
  return Object.fromEntries(Object.entries(operands).filter(([field]) => row.operands.has(field as never)));
}

/** The program of a seed, and the names of its rows. */
export function denseProgram(seed: number, statements = 24): { bytes: Uint8Array; names: Set<string> } {
  const dense = new Dense(seed);
  for (let at = 8; at <= STACK; at += 8) dense.emit("stdw", { dst: 10, off: -at, imm: dense.random.imm() });
  for (let dst = 0; dst < REGISTERS; dst++) dense.constant(dst);
  for (let count = 0; count < statements; count++) dense.statement();
  dense.fold();
  dense.emit("exit", {});
  return { bytes: encode(dense.insns), names: new Set(dense.insns.map(({ row }) => row.name)) };
}
