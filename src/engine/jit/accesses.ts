// Loads, stores, atomics and packet loads in Wasm. One thread owns the memory, so atomics are plain.

import { At } from "../../../assembly/shared/layout.ts";
import type { Insn } from "../../isa/insn.ts";
import { INSN_ROWS, type InsnRow } from "../../isa/table.ts";
import { type MemoryOp, type PlainOp, ValueType, Wasm } from "../../wasm/opcodes.ts";
import { type Lowering, swap16, swap32 } from "./arithmetic.ts";
import type { FunctionWriter } from "./function-writer.ts";

const LOADS: Readonly<Record<string, MemoryOp>> = {
  b: Wasm.I64_LOAD8_U,
  h: Wasm.I64_LOAD16_U,
  w: Wasm.I64_LOAD32_U,
  dw: Wasm.I64_LOAD,
};

const SIGNED_LOADS: Readonly<Record<string, MemoryOp>> = {
  b: Wasm.I64_LOAD8_S,
  h: Wasm.I64_LOAD16_S,
  w: Wasm.I64_LOAD32_S,
};

const STORES: Readonly<Record<string, MemoryOp>> = {
  b: Wasm.I64_STORE8,
  h: Wasm.I64_STORE16,
  w: Wasm.I64_STORE32,
  dw: Wasm.I64_STORE,
};

const BYTES: Readonly<Record<string, number>> = { b: 1, h: 2, w: 4, dw: 8 };

const SIGN_EXTENSIONS: Readonly<Record<string, PlainOp>> = {
  b: Wasm.I64_EXTEND8_S,
  h: Wasm.I64_EXTEND16_S,
  w: Wasm.I64_EXTEND32_S,
};

function load(op: MemoryOp): Lowering {
  return (to, { dst, src, off }) => {
    const offset = to.base(src, off);
    to.code.memory(op, offset);
    to.set64(dst);
  };
}

function store(op: MemoryOp): Lowering {
  return (to, { row, dst, src, off, imm }) => {
    const offset = to.base(dst, off);
    if (row.operands.has("src")) to.get64(src);
    else to.code.i64Const(imm);
    to.code.memory(op, offset);
  };
}

/** Pushes the address of an atomic's memory twice, above what it gives: the offset that both accesses add. */
function pushTwice(to: FunctionWriter, { dst, off }: Insn): number {
  const offset = to.base(dst, off);
  const at = to.temporary("at", ValueType.I32);
  to.code.localTee(at);
  to.code.localGet(at);
  return offset;
}

/** An atomic that is an operator; with `fetches`, src becomes what was there before. */
function atomic(op: PlainOp, size: string, fetches: boolean): Lowering {
  return (to, insn) => {
    const { code } = to;
    const offset = pushTwice(to, insn);
    code.memory(LOADS[size], offset);
    const old = fetches ? to.temporary("old", ValueType.I64) : 0;
    if (fetches) code.localTee(old);
    to.get64(insn.src);
    code.op(op);
    code.memory(STORES[size], offset);
    if (!fetches) return;
    code.localGet(old);
    to.set64(insn.src);
  };
}

function exchange(size: string): Lowering {
  return (to, insn) => {
    const { code } = to;
    const offset = pushTwice(to, insn);
    const old = to.temporary("old", ValueType.I64);
    code.memory(LOADS[size], offset);
    code.localSet(old);
    to.get64(insn.src);
    code.memory(STORES[size], offset);
    code.localGet(old);
    to.set64(insn.src);
  };
}

/** Stores src where memory holds r0; r0 becomes what was there before. */
function compareExchange(size: string): Lowering {
  return (to, insn) => {
    const { code } = to;
    const old = to.temporary("old", ValueType.I64);
    code.memory(LOADS[size], to.base(insn.dst, insn.off));
    code.localTee(old);
    if (size === "w") {
      to.get32(0);
      code.op(Wasm.I64_EXTEND_I32_U);
    } else to.get64(0);
    code.op(Wasm.I64_EQ);
    code.if();
    const offset = to.base(insn.dst, insn.off);
    to.get64(insn.src);
    code.memory(STORES[size], offset);
    code.end();
    code.localGet(old);
    to.set64(0);
  };
}

// biome-ignore format: a table
const ATOMIC_OPERATORS: Readonly<Record<string, PlainOp>> = {
  add: Wasm.I64_ADD, or: Wasm.I64_OR, and: Wasm.I64_AND, xor: Wasm.I64_XOR,
};

function loweringOf({ name }: InsnRow): Lowering | undefined {
  const [, access, size] = /^(ldxs?|stx?|load_acquire_|store_release_)(b|h|w|dw)$/.exec(name) ?? [];
  if (access !== undefined) {
    if (access === "ldxs") return load(SIGNED_LOADS[size]);
    return access.startsWith("l") ? load(LOADS[size]) : store(STORES[size]);
  }
  const [, kind, operator, bits] = /^(atomic|fetch)_([a-z]+)(32|64)$/.exec(name) ?? [];
  if (kind !== undefined) {
    return atomic(ATOMIC_OPERATORS[operator], bits === "32" ? "w" : "dw", kind === "fetch");
  }
  const width = name.endsWith("32") ? "w" : "dw";
  if (name.startsWith("xchg")) return exchange(width);
  return name.startsWith("cmpxchg") ? compareExchange(width) : undefined;
}

/** By row; loads from packets are written by `writePacketLoad`, since they call the core. */
export const ACCESSES: ReadonlyMap<InsnRow, Lowering> = new Map(
  INSN_ROWS.flatMap((row) => {
    const lowering = loweringOf(row);
    return lowering === undefined ? [] : [[row, lowering] as const];
  }),
);

/** A load through a pointer to what may be gone: the core's `loadProbed` gives 0 then. */
export function writeProbedLoad(to: FunctionWriter, { row, dst, src, off }: Insn, loadProbed: number): void {
  const [, signed, size] = /^ldx(s?)(b|h|w|dw)$/.exec(row.name) ?? [];
  const { code } = to;
  to.get64(src);
  code.i64Const(off);
  code.op(Wasm.I64_ADD);
  code.i32Const(BYTES[size]);
  code.call(loadProbed);
  if (signed === "s") code.op(SIGN_EXTENSIONS[size]);
  to.set64(dst);
}

const PACKET_LOADS: Readonly<Record<string, MemoryOp>> = {
  b: Wasm.I64_LOAD8_U,
  h: Wasm.I64_LOAD16_U,
  w: Wasm.I32_LOAD,
};

/** Pops a packet byte's address and pushes what is there, from network order. */
function loadPacket(to: FunctionWriter, size: string): void {
  const { code } = to;
  code.memory(PACKET_LOADS[size], 0);
  if (size === "b") return;
  if (size === "h") code.op(Wasm.I32_WRAP_I64);
  (size === "h" ? swap16 : swap32)(to);
  code.op(Wasm.I64_EXTEND_I32_U);
}

/**
 * LD_ABS and LD_IND: r0 becomes packet bytes in host order; where the packet does not reach, the function ends with 0.
 * `packetAt` is the core's, for offsets that may count from a header; others are compared with the packet's end here.
 */
export function writePacketLoad(to: FunctionWriter, { row, src, imm }: Insn, packetAt: number): void {
  const { code } = to;
  const size = row.name.at(-1) as string;
  const isIndirect = row.operands.has("src");
  const at = to.temporary("at", ValueType.I32);
  if (isIndirect || imm < 0) {
    if (isIndirect) {
      to.get32(src);
      code.i32Const(imm);
      code.op(Wasm.I32_ADD);
    } else code.i32Const(imm);
    code.i32Const(BYTES[size]);
    code.call(packetAt);
    code.localTee(at);
    code.op(Wasm.I32_EQZ);
  } else {
    code.i32Const(imm);
    to.loadAt(Wasm.I32_LOAD, At.PACKET_END);
    to.loadAt(Wasm.I32_LOAD, At.PACKET_START);
    code.localTee(at);
    code.op(Wasm.I32_SUB);
    code.i32Const(BYTES[size]);
    code.op(Wasm.I32_SUB);
    code.op(Wasm.I32_GT_S);
  }
  code.if();
  code.i64Const(0);
  to.set64(0);
  to.leave();
  code.end();
  code.localGet(at);
  if (!isIndirect && imm > 0) {
    code.i32Const(imm);
    code.op(Wasm.I32_ADD);
  }
  loadPacket(to, size);
  to.set64(0);
}

/** The rows that `writePacketLoad` writes. */
export const PACKET_ROWS: ReadonlySet<InsnRow> = new Set(
  INSN_ROWS.filter(({ name }) => /^ld(abs|ind)/.test(name)),
);
