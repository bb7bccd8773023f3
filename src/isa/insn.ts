// An instruction as the rest of tracebee sees it, and its way from and to bytes (RFC 9669 §3).
// Programs are sequences of 8-byte slots; a wide instruction (`lddw`) takes two. Jumps count slots.
//
//   byte  0       1              2..3          4..7
//         opcode  src:4 | dst:4  off (int16)   imm (int32)         all little-endian

import { LoadError } from "../errors.ts";
import { type Field, type InsnRow, rowsOfCode } from "./table.ts";

/** Bytes of one slot. */
export const SLOT_SIZE = 8;

/** One decoded instruction. Fields hold what the bytes hold, signed where the RFC says signed. */
export interface Insn {
  readonly row: InsnRow;
  /** Index of its first slot in the program. */
  readonly slot: number;
  /** Register number 0..10. */
  readonly dst: number;
  /** Register number 0..10, or a pseudo source. */
  readonly src: number;
  /** Signed 16 bits. */
  readonly off: number;
  /** Signed 32 bits. */
  readonly imm: number;
  /** imm of the second slot of a wide instruction, signed 32 bits; 0 otherwise. */
  readonly next: number;
}

/** The raw fields of one slot, before any row is chosen. */
export interface Slot {
  readonly code: number;
  readonly dst: number;
  readonly src: number;
  readonly off: number;
  readonly imm: number;
}

/** What is wrong with an instruction's encoding. `field` is missing when no row has the opcode. */
export interface EncodingFault {
  readonly slot: number;
  readonly code: number;
  readonly field?: Field | "register" | "second slot";
  readonly message: string;
}

/** Number of slots an instruction takes. */
export function slotCount(insn: Insn): 1 | 2 {
  return insn.row.wide ? 2 : 1;
}

/** The 64-bit number that a `lddw` holds in its two slots, as unsigned. */
export function wideImm(insn: Insn): bigint {
  return (BigInt(insn.next >>> 0) << 32n) | BigInt(insn.imm >>> 0);
}

/** Reads the fields of slot `slot`; the bytes must reach that far. */
export function readSlot(bytes: Uint8Array, slot: number): Slot {
  const at = slot * SLOT_SIZE;
  const registers = bytes[at + 1] as number;
  return {
    code: bytes[at] as number,
    dst: registers & 15,
    src: registers >> 4,
    off: (((bytes[at + 2] as number) | ((bytes[at + 3] as number) << 8)) << 16) >> 16,
    imm:
      (bytes[at + 4] as number) |
      ((bytes[at + 5] as number) << 8) |
      ((bytes[at + 6] as number) << 16) |
      ((bytes[at + 7] as number) << 24),
  };
}

function writeSlot(view: DataView, slot: number, fields: Slot): void {
  const at = slot * SLOT_SIZE;
  view.setUint8(at, fields.code);
  view.setUint8(at + 1, (fields.src << 4) | fields.dst);
  view.setInt16(at + 2, fields.off, true);
  view.setInt32(at + 4, fields.imm, true);
}

const CHECKED_FIELDS: readonly Field[] = ["src", "off", "imm", "dst"];

/** True when every field of `fields` that the row fixes holds its value. */
function fits(row: InsnRow, fields: Slot): boolean {
  return CHECKED_FIELDS.every(
    (field) => row.operands.has(field) || fields[field as "dst"] === row.fixed[field],
  );
}

const hex = (byte: number): string => `0x${byte.toString(16).padStart(2, "0")}`;

/** Explains why no row of a known opcode byte takes these fields: the row that comes closest, and its first bad field. */
function reservedFault(rows: readonly InsnRow[], slot: number, fields: Slot): EncodingFault {
  const badField = (row: InsnRow) =>
    CHECKED_FIELDS.findIndex(
      (field) => !row.operands.has(field) && fields[field as "dst"] !== row.fixed[field],
    );
  const closest = rows.reduce((best, row) => (badField(row) > badField(best) ? row : best));
  const field = CHECKED_FIELDS[badField(closest)] as Field;
  const allowed = [...new Set(rows.filter((row) => !row.operands.has(field)).map((row) => row.fixed[field]))];
  const expected = allowed.length === 1 ? `${allowed[0]}` : `one of ${allowed.join(", ")}`;
  const got = fields[field as "dst"];
  return {
    slot,
    code: fields.code,
    field,
    message: `opcode ${hex(fields.code)}: expected ${field} = ${expected}, got ${got}`,
  };
}

/**
 * Decodes the instruction at `slot`. Gives the instruction, or what is wrong with its encoding: an opcode
 * that is none, a reserved field that is not zero, a register above r10, a wide instruction cut short.
 */
export function decodeAt(bytes: Uint8Array, slot: number): Insn | EncodingFault {
  const fields = readSlot(bytes, slot);
  const rows = rowsOfCode(fields.code);
  if (rows.length === 0) {
    return {
      slot,
      code: fields.code,
      message: `expected an instruction, got unknown opcode ${hex(fields.code)}`,
    };
  }
  const row = rows.find((candidate) => fits(candidate, fields));
  if (row === undefined) return reservedFault(rows, slot, fields);
  for (const field of ["dst", "src"] as const) {
    if (row.operands.has(field) && fields[field] > 10) {
      const message = `opcode ${hex(fields.code)}: expected ${field} = r0..r10, got r${fields[field]}`;
      return { slot, code: fields.code, field: "register", message };
    }
  }
  let next = 0;
  if (row.wide) {
    const fault = secondSlotFault(bytes, slot, row);
    if (fault !== undefined) return { slot, code: fields.code, field: "second slot", message: fault };
    next = readSlot(bytes, slot + 1).imm;
  }
  return { row, slot, dst: fields.dst, src: fields.src, off: fields.off, imm: fields.imm, next };
}

function secondSlotFault(bytes: Uint8Array, slot: number, row: InsnRow): string | undefined {
  if ((slot + 2) * SLOT_SIZE > bytes.length)
    return "wide instruction: expected a second slot, got the end of the program";
  const second = readSlot(bytes, slot + 1);
  if (second.code !== 0 || second.dst !== 0 || second.src !== 0 || second.off !== 0) {
    return "wide instruction: expected a second slot with only an imm, got other fields set";
  }
  if (!row.operands.has("next") && second.imm !== 0) {
    return `wide instruction with src = ${row.fixed.src}: expected imm = 0 in its second slot, got ${second.imm}`;
  }
  return undefined;
}

/** Tells a fault from an instruction. */
export function isFault(result: Insn | EncodingFault): result is EncodingFault {
  return "message" in result;
}

/**
 * Decodes a whole program, in order, one element per instruction (not per slot).
 * Throws a LoadError naming the slot of the first instruction whose encoding is not valid.
 */
export function decode(bytes: Uint8Array): Insn[] {
  if (bytes.length % SLOT_SIZE !== 0) {
    throw new LoadError(
      "truncated",
      "program",
      `expected a multiple of ${SLOT_SIZE} bytes, got ${bytes.length}`,
    );
  }
  const insns: Insn[] = [];
  for (let slot = 0; slot < bytes.length / SLOT_SIZE; ) {
    const result = decodeAt(bytes, slot);
    if (isFault(result)) {
      const code = result.field === undefined ? "unknown-opcode" : "reserved-field";
      throw new LoadError(code, `insn ${slot}`, result.message);
    }
    insns.push(result);
    slot += slotCount(result);
  }
  return insns;
}

const RANGES: Readonly<Record<Field, readonly [number, number]>> = {
  dst: [0, 10],
  src: [0, 10],
  off: [-0x8000, 0x7fff],
  imm: [-0x80000000, 0x7fffffff],
  next: [-0x80000000, 0x7fffffff],
};

/**
 * Makes an instruction of `row` from its operands; fields not given are the row's constants.
 * Throws a RangeError when a value does not fit its field, a TypeError when the row fixes the field otherwise.
 */
export function makeInsn(row: InsnRow, operands: Partial<Record<Field, number>>, slot = 0): Insn {
  const fields = { ...row.fixed };
  for (const [name, value] of Object.entries(operands)) {
    const field = name as Field;
    if (!row.operands.has(field) && value !== row.fixed[field]) {
      throw new TypeError(`${row.name}: expected ${field} = ${row.fixed[field]}, got ${value}`);
    }
    const [low, high] = RANGES[field];
    if (!Number.isInteger(value) || value < low || value > high) {
      throw new RangeError(`${row.name}: expected ${field} in ${low}..${high}, got ${value}`);
    }
    fields[field] = value;
  }
  return { row, slot, ...fields };
}

/** Encodes instructions back to back; their `slot` is not looked at. */
export function encode(insns: readonly Insn[]): Uint8Array<ArrayBuffer> {
  const slots = insns.reduce((sum, insn) => sum + slotCount(insn), 0);
  const bytes = new Uint8Array(slots * SLOT_SIZE);
  const view = new DataView(bytes.buffer);
  let slot = 0;
  for (const insn of insns) {
    const { row } = insn;
    const checked = makeInsn(row, {
      dst: insn.dst,
      src: insn.src,
      off: insn.off,
      imm: insn.imm,
      next: insn.next,
    });
    writeSlot(view, slot++, { code: row.code, ...checked });
    if (row.wide) writeSlot(view, slot++, { code: 0, dst: 0, src: 0, off: 0, imm: checked.next });
  }
  return bytes;
}
