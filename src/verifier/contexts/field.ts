// The words in which contexts are described: fields of a struct, and rows that say which program types see
// which of them. The structs are those of uapi/linux/bpf.h; what a row permits is Linux 6.18's.
//
// Three things hold for every context and are therefore said nowhere else: an access is of 1, 2, 4 or 8 bytes,
// its offset is a multiple of its size, and it lies within one field. A sign-extending load may be made of
// scalars only.

import type { AttachType } from "../../attach-types.ts";
import type { ProgramType } from "../../program-types.ts";

/** What a register holds after it was loaded from a context. */
export type ContextValue =
  | "scalar"
  | "pkt"
  | "pkt_end"
  | "pkt_meta"
  | "sock"
  | "sock_or_null"
  | "sock_common"
  | "sock_common_or_null"
  /** Buffer of a writable raw tracepoint: its size is the tracepoint's, checked when it is attached. */
  | "tp_buffer"
  | "flow_keys"
  /** Trusted pointer to the kernel's struct of that name. */
  | "btf"
  | "btf_or_null";

/** A permitted access. */
export interface ContextAccess {
  /** Name in the uapi struct. */
  readonly field: string;
  readonly value: ContextValue;
  /** Kernel struct that a `btf` value points to. */
  readonly struct?: string;
  /** Bytes of the field, or of one element of an array; a narrower load reads a part of it. */
  readonly fieldSize: number;
}

/** A field and the loads that it allows to programs which see it. */
export interface ContextField {
  readonly name: string;
  readonly offset: number;
  /** Bytes of the field, or of one element. */
  readonly unit: number;
  /** Bytes in all. */
  readonly bytes: number;
  /** Sizes that may be loaded. */
  readonly loads: readonly number[];
  /** Loads narrower than the field may only be of its first bytes. */
  readonly atStart: boolean;
  readonly access: ContextAccess;
}

export interface ContextStruct {
  /** C name of what r1 points to, as BTF has it. */
  readonly name: string;
  /** One more than the last byte that any program may access. */
  readonly size: number;
  readonly fields: readonly ContextField[];
}

/** A struct as some program types see it. */
export interface ContextRow {
  readonly types: readonly ProgramType[];
  /** Attach types that the row is for; every one when missing. */
  readonly attach?: readonly AttachType[];
  readonly struct: ContextStruct;
  /** The only fields that may be loaded. */
  readonly only?: readonly string[];
  /** Fields that may not be loaded. */
  readonly without?: readonly string[];
  /** Fields that may be stored to, with the sizes. */
  readonly stores?: Readonly<Record<string, readonly number[]>>;
}

export const WORD = [4];
export const DOUBLE_WORD = [8];
/** A `u32` or any part of it. */
export const NARROW = [1, 2, 4];
export const ANY = [1, 2, 4, 8];

interface FieldOptions {
  readonly count?: number;
  readonly atStart?: boolean;
  readonly value?: ContextValue;
  readonly struct?: string;
}

/** `count` elements of `unit` bytes from `offset` on. */
export function field(
  name: string,
  offset: number,
  unit: number,
  loads: readonly number[],
  { count = 1, atStart = false, value = "scalar", struct }: FieldOptions = {},
): ContextField {
  const access = { field: name, value, fieldSize: unit, ...(struct !== undefined && { struct }) };
  return { name, offset, unit, bytes: unit * count, loads, atStart, access };
}

/** A `u32`, loaded whole unless told otherwise. */
export const u32 = (name: string, offset: number, loads = WORD): ContextField =>
  field(name, offset, 4, loads);

/** A `u32` of which a narrower load may take the first bytes only. */
export const u32AtStart = (name: string, offset: number): ContextField =>
  field(name, offset, 4, NARROW, { atStart: true });

export const u32Array = (name: string, offset: number, count: number, loads = WORD): ContextField =>
  field(name, offset, 4, loads, { count });

/** Several fields of the same size, one after the other. */
export const run = (
  offset: number,
  unit: number,
  loads: readonly number[],
  names: readonly string[],
): ContextField[] => names.map((name, index) => field(name, offset + index * unit, unit, loads));

/** A pointer, loaded whole: 8 bytes, or 4 where the struct has a `u32` for it. */
export const pointer = (
  name: string,
  offset: number,
  size: 4 | 8,
  value: ContextValue,
  struct?: string,
): ContextField => field(name, offset, size, [size], { value, ...(struct !== undefined && { struct }) });

/** The field that an access of `size` bytes at `off` is of, if it may be made. */
export function fieldOfAccess(
  fields: readonly ContextField[],
  off: number,
  size: number,
): ContextField | undefined {
  if (off % size !== 0) return undefined;
  for (const each of fields) {
    if (off < each.offset || off + size > each.offset + each.bytes || !each.loads.includes(size)) continue;
    if (each.atStart && (off - each.offset) % each.unit !== 0) continue;
    return each;
  }
  return undefined;
}
