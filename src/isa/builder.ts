// Programs written in TypeScript, an instruction a line, in the macro style of the kernel's samples
// (`BPF_MOV64_IMM(BPF_REG_0, 0)` is `MOV64_IMM(R0, 0)`). Jumps and local calls name labels or give a distance
// in slots; maps are whatever the caller wants back with the slot that loads them.
//
//   const code = buildCode([
//     MOV64_IMM(R0, 0),
//     JMP_IMM("jeq", R1, 0, "out"),
//     MOV64_IMM(R0, 1),
//     label("out"),
//     EXIT(),
//   ]);

import { LoadError } from "../errors.ts";
import { kernelHelperId } from "./assembler.ts";
import { encode, type Insn, makeInsn, slotCount } from "./insn.ts";
import { type Field, insnRow } from "./table.ts";

/** A register; R10 is the frame pointer. */
export type Reg = number & { readonly __register: unique symbol };

export const R0 = 0 as Reg;
export const R1 = 1 as Reg;
export const R2 = 2 as Reg;
export const R3 = 3 as Reg;
export const R4 = 4 as Reg;
export const R5 = 5 as Reg;
export const R6 = 6 as Reg;
export const R7 = 7 as Reg;
export const R8 = 8 as Reg;
export const R9 = 9 as Reg;
export const R10 = 10 as Reg;

/** Bytes of an access: 1, 2, 4, 8. */
export type Size = "b" | "h" | "w" | "dw";
export type AluOp =
  | "add"
  | "sub"
  | "mul"
  | "div"
  | "sdiv"
  | "mod"
  | "smod"
  | "or"
  | "and"
  | "xor"
  | "lsh"
  | "rsh"
  | "arsh"
  | "mov";
export type JmpOp =
  | "jeq"
  | "jne"
  | "jgt"
  | "jge"
  | "jlt"
  | "jle"
  | "jset"
  | "jsgt"
  | "jsge"
  | "jslt"
  | "jsle";
export type AtomicOp =
  | "atomic_add"
  | "atomic_or"
  | "atomic_and"
  | "atomic_xor"
  | "fetch_add"
  | "fetch_or"
  | "fetch_and"
  | "fetch_xor"
  | "xchg"
  | "cmpxchg";
/** A label, or a distance in slots from the next instruction. */
export type Target = string | number;

/** One element of a program under construction; `M` is the type that stands for a map. */
export type Item<M = never> =
  | { readonly kind: "label"; readonly name: string }
  | { readonly kind: "insn"; readonly insn: Insn; readonly target?: JumpTarget; readonly map?: M };

interface JumpTarget {
  readonly field: Field;
  readonly to: string;
}

/** A slot whose `lddw` loads a map, or the address of byte `offset` of its first value. */
export interface MapUse<M> {
  readonly slot: number;
  readonly map: M;
  readonly offset?: number;
}

export interface BuiltCode<M> {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly maps: readonly MapUse<M>[];
  /** Label to slot. */
  readonly labels: ReadonlyMap<string, number>;
}

type Operands = Partial<Record<Field, number>>;

const item = (name: string, operands: Operands = {}): Item => ({
  kind: "insn",
  insn: makeInsn(insnRow(name), operands),
});

function jump(name: string, operands: Operands, field: Field, target: Target): Item {
  if (typeof target === "number") return item(name, { ...operands, [field]: target });
  return { kind: "insn", insn: makeInsn(insnRow(name), operands), target: { field, to: target } };
}

function wide(value: bigint | number): Operands {
  if (typeof value === "number" && !Number.isSafeInteger(value))
    throw new RangeError(`LD_IMM64: expected a bigint, or a whole number that is exact, got ${value}`);
  const bits = BigInt(value);
  if (bits < -(1n << 63n) || bits >= 1n << 64n)
    throw new RangeError(`LD_IMM64: expected 64 bits, got ${value}`);
  return { imm: Number(BigInt.asIntN(32, bits)), next: Number(BigInt.asIntN(32, bits >> 32n)) };
}

/** A 32-bit immediate, given as a signed number or as a bit pattern; others are left for `makeInsn` to refuse. */
const pattern32 = (imm: number): number => (imm > 0x7fffffff && imm <= 0xffffffff ? imm - 2 ** 32 : imm);

export const label = (name: string): Item => ({ kind: "label", name });

export const ALU64_IMM = (op: AluOp, dst: Reg, imm: number): Item => item(`${op}64_imm`, { dst, imm });
export const ALU64_REG = (op: AluOp, dst: Reg, src: Reg): Item => item(`${op}64_reg`, { dst, src });
export const ALU32_IMM = (op: AluOp, dst: Reg, imm: number): Item =>
  item(`${op}32_imm`, { dst, imm: pattern32(imm) });
export const ALU32_REG = (op: AluOp, dst: Reg, src: Reg): Item => item(`${op}32_reg`, { dst, src });
export const MOV64_IMM = (dst: Reg, imm: number): Item => ALU64_IMM("mov", dst, imm);
export const MOV64_REG = (dst: Reg, src: Reg): Item => ALU64_REG("mov", dst, src);
export const MOV32_IMM = (dst: Reg, imm: number): Item => ALU32_IMM("mov", dst, imm);
export const MOV32_REG = (dst: Reg, src: Reg): Item => ALU32_REG("mov", dst, src);
/** Sign-extends the low `bits` of src to 64 bits. */
export const MOVSX64_REG = (dst: Reg, src: Reg, bits: 8 | 16 | 32): Item =>
  item(`movsx64_${bits}`, { dst, src });
/** Sign-extends the low `bits` of src to 32 bits and zeroes the upper half. */
export const MOVSX32_REG = (dst: Reg, src: Reg, bits: 8 | 16): Item => item(`movsx32_${bits}`, { dst, src });
export const NEG64 = (dst: Reg): Item => item("neg64", { dst });
export const NEG32 = (dst: Reg): Item => item("neg32", { dst });
/** To or from little or big endian, or an unconditional swap. */
export const ENDIAN = (to: "le" | "be" | "bswap", dst: Reg, bits: 16 | 32 | 64): Item =>
  item(`${to}${bits}`, { dst });

export const LDX_MEM = (size: Size, dst: Reg, src: Reg, off: number): Item =>
  item(`ldx${size}`, { dst, src, off });
/** A sign-extending load. */
export const LDX_MEMSX = (size: "b" | "h" | "w", dst: Reg, src: Reg, off: number): Item =>
  item(`ldxs${size}`, { dst, src, off });
export const STX_MEM = (size: Size, dst: Reg, src: Reg, off: number): Item =>
  item(`stx${size}`, { dst, src, off });
export const ST_MEM = (size: Size, dst: Reg, off: number, imm: number): Item =>
  item(`st${size}`, { dst, off, imm });
export const ATOMIC_OP = (size: "w" | "dw", op: AtomicOp, dst: Reg, src: Reg, off: number): Item =>
  item(`${op}${size === "w" ? 32 : 64}`, { dst, src, off });
export const LOAD_ACQUIRE = (size: Size, dst: Reg, src: Reg, off: number): Item =>
  item(`load_acquire_${size}`, { dst, src, off });
export const STORE_RELEASE = (size: Size, dst: Reg, src: Reg, off: number): Item =>
  item(`store_release_${size}`, { dst, src, off });
/** r0 = packet bytes at a constant offset, in host order; the context must be in r6. */
export const LD_ABS = (size: "b" | "h" | "w", imm: number): Item => item(`ldabs${size}`, { imm });
/** r0 = packet bytes at src + imm, in host order; the context must be in r6. */
export const LD_IND = (size: "b" | "h" | "w", src: Reg, imm: number): Item =>
  item(`ldind${size}`, { src, imm });
/** A 64-bit constant, signed or unsigned. */
export const LD_IMM64 = (dst: Reg, value: bigint | number): Item => item("lddw", { dst, ...wide(value) });
/** The address of a map, for helpers. */
export const LD_MAP = <M>(dst: Reg, map: M): Item<M> => ({
  kind: "insn",
  insn: makeInsn(insnRow("lddw_map_fd"), { dst }),
  map,
});
/** The address of byte `off` of the first value of an array map. */
export const LD_MAP_VALUE = <M>(dst: Reg, map: M, off: number): Item<M> => ({
  kind: "insn",
  insn: makeInsn(insnRow("lddw_map_value"), { dst, next: off }),
  map,
});
/**
 * A 64-bit immediate that a kernel would fill in: `imm` is the fd or index of a map or a BTF type's id, `next` the
 * offset in the map's value, or the fd of the BTF.
 */
export const LD_PSEUDO = (
  kind: "map_fd" | "map_value" | "btf_id" | "map_idx" | "map_idx_value",
  dst: Reg,
  imm: number,
  next = 0,
): Item => item(`lddw_${kind}`, { dst, imm, next });
/** The address of a function of the same program. */
export const LD_FUNC = (dst: Reg, target: Target): Item => jump("lddw_func", { dst }, "imm", target);
export const ADDR_SPACE_CAST = (dst: Reg, src: Reg, to: "kernel" | "user"): Item =>
  item(`addr_space_cast_${to}`, { dst, src });

export const JMP_IMM = (op: JmpOp, dst: Reg, imm: number, target: Target): Item =>
  jump(`${op}64_imm`, { dst, imm }, "off", target);
export const JMP_REG = (op: JmpOp, dst: Reg, src: Reg, target: Target): Item =>
  jump(`${op}64_reg`, { dst, src }, "off", target);
export const JMP32_IMM = (op: JmpOp, dst: Reg, imm: number, target: Target): Item =>
  jump(`${op}32_imm`, { dst, imm: pattern32(imm) }, "off", target);
export const JMP32_REG = (op: JmpOp, dst: Reg, src: Reg, target: Target): Item =>
  jump(`${op}32_reg`, { dst, src }, "off", target);
export const JMP_A = (target: Target): Item => jump("ja", {}, "off", target);
/** An unconditional jump of 32-bit reach (`gotol`). */
export const JMP32_A = (target: Target): Item => jump("gotol", {}, "imm", target);
export const MAY_GOTO = (target: Target): Item => jump("may_goto", {}, "off", target);
/** Calls a helper by id or by the kernel's name, with or without `bpf_`. */
export const CALL = (helper: number | string): Item => {
  const id = typeof helper === "number" ? helper : kernelHelperId(helper);
  if (id === undefined) throw new TypeError(`CALL: expected a helper of the kernel, got "${helper}"`);
  return item("call_helper", { imm: id });
};
/** Calls a function of the same program. */
export const CALL_LOCAL = (target: Target): Item => jump("call_local", {}, "imm", target);
/** Calls a kernel function by its BTF id; `fdIndex` tells which BTF. */
export const CALL_KFUNC = (btfId: number, fdIndex = 0): Item =>
  item("call_kfunc", { imm: btfId, off: fdIndex });
export const CALLX = (dst: Reg): Item => item("callx", { dst });
export const EXIT = (): Item => item("exit");

/**
 * Lays the items out, resolves labels and encodes.
 * Throws a LoadError for a label that is missing, defined twice, or out of a jump's reach.
 */
export function buildCode<M = never>(items: readonly Item<M>[]): BuiltCode<M> {
  const labels = new Map<string, number>();
  let slot = 0;
  for (const entry of items) {
    if (entry.kind === "insn") slot += slotCount(entry.insn);
    else if (labels.has(entry.name))
      throw new LoadError("bad-jump", `label ${entry.name}`, "expected it once, got it twice");
    else labels.set(entry.name, slot);
  }
  const maps: MapUse<M>[] = [];
  const insns: Insn[] = [];
  slot = 0;
  for (const entry of items) {
    if (entry.kind === "label") continue;
    const { insn, target, map } = entry;
    insns.push(target === undefined ? insn : resolve(insn, target, slot, labels));
    if (map !== undefined)
      maps.push(insn.row.name === "lddw_map_value" ? { slot, map, offset: insn.next } : { slot, map });
    slot += slotCount(insn);
  }
  return { bytes: encode(insns), maps, labels };
}

function resolve(insn: Insn, target: JumpTarget, slot: number, labels: ReadonlyMap<string, number>): Insn {
  const to = labels.get(target.to);
  if (to === undefined)
    throw new LoadError("bad-jump", `insn ${slot}`, `expected a label of the program, got "${target.to}"`);
  const distance = to - slot - 1;
  if (target.field === "off" && (distance < -0x8000 || distance > 0x7fff)) {
    const problem = `expected "${target.to}" within 32767 slots, got a distance of ${distance}`;
    throw new LoadError("bad-jump", `insn ${slot}`, problem);
  }
  return { ...insn, slot, [target.field]: distance };
}
