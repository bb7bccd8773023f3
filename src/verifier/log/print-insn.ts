// One instruction as the verifier's log prints it: with its opcode byte, whatever its reserved fields hold
// (print_bpf_insn in kernel/bpf/disasm.c).

import { formatInsn } from "../../isa/disassembler.ts";
import { type Field, type InsnRow, rowsOfCode } from "../../isa/table.ts";
import { type Code, Opcode, PSEUDO_KFUNC_CALL, Wide } from "../code.ts";

const FIXED_FIELDS: readonly Field[] = ["src", "off", "imm", "dst"];

const MOV64 = 0xbf;
/** Offset of a move that the kernel makes an address of this CPU's data of (BPF_ADDR_PERCPU). */
const PER_CPU = -1;
/** Offset of a move between address spaces (BPF_ADDR_SPACE_CAST). */
const SPACE_CAST = 1;

/** The row that the fields break least of. */
function closestRow(code: Code, slot: number): InsnRow | undefined {
  let best: InsnRow | undefined;
  let fewest = Number.POSITIVE_INFINITY;
  for (const row of rowsOfCode(code.code[slot])) {
    let broken = 0;
    for (const field of FIXED_FIELDS) {
      const value = code[field as "off"][slot];
      if (!row.operands.has(field) && value !== row.fixed[field]) broken++;
    }
    if (broken < fewest) [best, fewest] = [row, broken];
  }
  return best;
}

/** `(79) r1 = *(u64 *)(r0 +0)`. Addresses that only a run has, those of maps, are 0. */
export function formatSlotInsn(code: Code, slot: number): string {
  const opcode = code.code[slot];
  const byte = `(${opcode.toString(16).padStart(2, "0")})`;
  if (opcode === Opcode.LDDW) return `${byte} r${code.dst[slot]} = 0x${constantOf(code, slot).toString(16)}`;
  if (opcode === Opcode.CALL && code.src[slot] > PSEUDO_KFUNC_CALL) {
    return `${byte} call unknown#${code.imm[slot]}`;
  }
  if (opcode === Opcode.CALL && code.src[slot] === PSEUDO_KFUNC_CALL) {
    return `${byte} call ${code.kernelFunction(slot) ?? "kfunc"}#${code.imm[slot]}`;
  }
  if (opcode === MOV64 && code.off[slot] === PER_CPU) {
    return `${byte} r${code.dst[slot]} = &(void __percpu *)(r${code.src[slot]})`;
  }
  if (opcode === MOV64 && code.off[slot] === SPACE_CAST) {
    const imm = code.imm[slot];
    return `${byte} r${code.dst[slot]} = addr_space_cast(r${code.src[slot]}, ${imm >>> 16}, ${imm & 0xffff})`;
  }
  const row = closestRow(code, slot);
  if (row === undefined) return `BUG_${opcode.toString(16).padStart(2, "0")}`;
  const [dst, src, off, imm] = [code.dst[slot], code.src[slot], code.off[slot], code.imm[slot]];
  return `${byte} ${formatInsn({ row, slot, dst, src, off, imm, next: 0 })}`;
}

function constantOf(code: Code, slot: number): bigint {
  const src = code.src[slot];
  const isAddress = src !== Wide.NUMBER && src !== Wide.FUNCTION;
  if (isAddress) return 0n;
  const high = slot + 1 < code.length ? code.imm[slot + 1] : 0;
  return (BigInt(high >>> 0) << 32n) | BigInt(code.imm[slot] >>> 0);
}
