// What the verifier knows of one register, or of a spilled one: a number with its bounds, or a pointer of some kind
// with a fixed and a variable offset. Immutable, shared freely between states.

import type { Btf } from "../btf/btf.ts";
import type { MapSpec } from "../program.ts";
import { Scalar } from "./scalars/scalar.ts";

/** `enum bpf_reg_type` without its flags. */
export type RegisterKind =
  | "none"
  | "scalar"
  | "ctx"
  | "map_ptr"
  | "map_value"
  | "map_key"
  | "fp"
  | "pkt"
  | "pkt_meta"
  | "pkt_end"
  | "flow_keys"
  | "sock"
  | "sock_common"
  | "tcp_sock"
  | "xdp_sock"
  | "tp_buffer"
  | "btf"
  | "mem"
  | "buf"
  | "func"
  | "dynptr";

/** Flags of a pointer's type; `or_null` is one of them. */
export const enum Flag {
  NONE = 0,
  MAYBE_NULL = 1,
  READ_ONLY = 2,
  /** Memory that a helper allocated, and that another one must give back. */
  RINGBUF = 4,
  TRUSTED = 8,
  UNTRUSTED = 16,
  RCU = 32,
  /** An object that the program allocated (`MEM_ALLOC`). */
  ALLOC = 256,
  PERCPU = 512,
  /** Memory of user space. */
  USER = 1024,
  /** An allocated object that something else owns. */
  NON_OWN_REF = 2048,
  /** A slice of a dynptr of that type. */
  DYNPTR_LOCAL = 0x1000,
  DYNPTR_RINGBUF = 0x2000,
  DYNPTR_SKB = 0x4000,
  DYNPTR_XDP = 0x8000,
  DYNPTR_SKB_META = 0x10000,
}

/** Flags of an object that stays as long as the program holds it. */
export const TRUST = Flag.TRUSTED | Flag.ALLOC | Flag.NON_OWN_REF;

/** A packet pointer that is not before the end, or even behind it. */
export const AT_PACKET_END = -1;
export const BEYOND_PACKET_END = -2;

interface Fields {
  readonly kind: RegisterKind;
  readonly flags: number;
  /** The number; of a pointer the variable part of its offset, zero when there is none. */
  readonly scalar: Scalar;
  /** The fixed part of a pointer's offset; of a scalar with a `delta` its distance from others of its id. */
  readonly off: number;
  /** Registers of one id hold the same number, or may be null together, or point into one packet; 0: no other. */
  readonly id: number;
  /** Reference that must be released through this pointer; 0: none. */
  readonly refId: number;
  /** Packet pointers: bytes behind the variable part that are known to be there; AT_PACKET_END, BEYOND_PACKET_END. */
  readonly range: number;
  readonly map: MapSpec | undefined;
  /** Distinguishes values of inner maps that came from different lookups. */
  readonly mapUid: number;
  /** Frame that a stack pointer points into. */
  readonly frame: number;
  /** Bytes of a `mem` region. */
  readonly memSize: number;
  /** Dynptr that a `mem` region is part of; 0: none. */
  readonly dynptrId: number;
  /** Name of a `btf` pointer's struct, and the struct itself where its BTF is known. */
  readonly struct: string;
  readonly btf: Btf | undefined;
  readonly typeId: number;
  /** Instruction slot of a `func`. */
  readonly subprogram: number;
  /** A scalar that decides about safety: pruning must compare its bounds. */
  readonly isPrecise: boolean;
  /** The scalar is `off` more than the others of its id, by an addition of so many bits; 0: it is the same number. */
  readonly delta: 0 | 32 | 64;
}

const ZERO = Scalar.constant(0n);

const DEFAULTS: Fields = {
  kind: "none",
  flags: 0,
  scalar: ZERO,
  off: 0,
  id: 0,
  refId: 0,
  range: 0,
  map: undefined,
  mapUid: 0,
  frame: 0,
  memSize: 0,
  dynptrId: 0,
  struct: "",
  btf: undefined,
  typeId: 0,
  subprogram: -1,
  isPrecise: false,
  delta: 0,
};

/** A register that nobody else has seen yet. */
type Mutable = { -readonly [Name in keyof Register]: Register[Name] };

/** Small numbers, which programs use most, are one register each. */
const [SMALLEST_SHARED, LARGEST_SHARED] = [-64, 512];
const shared: Register[] = [];

export class Register implements Fields {
  readonly kind: RegisterKind;
  readonly flags: number;
  readonly scalar: Scalar;
  readonly off: number;
  readonly id: number;
  readonly refId: number;
  readonly range: number;
  readonly map: MapSpec | undefined;
  readonly mapUid: number;
  readonly frame: number;
  readonly memSize: number;
  readonly dynptrId: number;
  readonly struct: string;
  readonly btf: Btf | undefined;
  readonly typeId: number;
  readonly subprogram: number;
  readonly isPrecise: boolean;
  readonly delta: 0 | 32 | 64;

  private constructor(fields: Fields) {
    this.kind = fields.kind;
    this.flags = fields.flags;
    this.scalar = fields.scalar;
    this.off = fields.off;
    this.id = fields.id;
    this.refId = fields.refId;
    this.range = fields.range;
    this.map = fields.map;
    this.mapUid = fields.mapUid;
    this.frame = fields.frame;
    this.memSize = fields.memSize;
    this.dynptrId = fields.dynptrId;
    this.struct = fields.struct;
    this.btf = fields.btf;
    this.typeId = fields.typeId;
    this.subprogram = fields.subprogram;
    this.isPrecise = fields.isPrecise;
    this.delta = fields.delta;
  }

  /** Nothing is known: not even that anybody wrote it. */
  static readonly NONE = new Register(DEFAULTS);
  static readonly UNKNOWN = new Register({ ...DEFAULTS, kind: "scalar", scalar: Scalar.UNKNOWN });
  static readonly ZERO = new Register({ ...DEFAULTS, kind: "scalar" });

  static number(scalar: Scalar, isPrecise = false): Register {
    const made: Mutable = new Register(Register.ZERO);
    made.scalar = scalar;
    made.isPrecise = isPrecise;
    return made;
  }

  static constant(value: bigint): Register {
    return Register.number(Scalar.constant(value));
  }

  /**
   * One number, given as int32 halves: by default an instruction's immediate, which is extended by its sign.
   * Not by way of BigInts: V8 11 dies compiling a choice between two `BigInt(int32)` whose halves are then taken.
   */
  static immediate(low: number, high = low >> 31): Register {
    if (high !== low >> 31 || low < SMALLEST_SHARED || low > LARGEST_SHARED) {
      return Register.number(Scalar.ofHalves(high, low));
    }
    const index = low - SMALLEST_SHARED;
    shared[index] ??= Register.number(Scalar.ofHalves(high, low));
    return shared[index];
  }

  static pointer(kind: RegisterKind, fields: Partial<Fields> = {}): Register {
    return Register.NONE.with({ ...fields, kind });
  }

  /** The same with other fields. */
  with(changes: Partial<Fields>): Register {
    // A copy, then the few fields that change: to read all of them from objects of many shapes takes longer.
    return Object.assign(new Register(this), changes);
  }

  withScalar(scalar: Scalar): Register {
    if (scalar === this.scalar) return this;
    const made: Mutable = new Register(this);
    made.scalar = scalar;
    return made;
  }

  /** A number that no other register is known to share. */
  withoutId(): Register {
    if (this.kind !== "scalar" || this.id === 0) return this;
    const made: Mutable = new Register(this);
    made.id = 0;
    made.off = 0;
    made.delta = 0;
    return made;
  }

  /** As pruning must compare it, or need not. */
  precise(isPrecise: boolean): Register {
    if (this.kind !== "scalar" || this.isPrecise === isPrecise) return this;
    const made: Mutable = new Register(this);
    made.isPrecise = isPrecise;
    return made;
  }

  get isPointer(): boolean {
    return this.kind !== "scalar" && this.kind !== "none";
  }

  get mayBeNull(): boolean {
    return (this.flags & Flag.MAYBE_NULL) !== 0;
  }

  get isConstant(): boolean {
    return this.kind === "scalar" && this.scalar.isConstant;
  }

  /** Of a pointer whose offset does not vary: both parts of it. */
  get wholeOffset(): number {
    return this.off + Number(this.scalar.signedValue);
  }

  get isNull(): boolean {
    return this.isConstant && this.scalar.value === 0n;
  }

  /** Packet pointers, those to the end not among them. */
  get isPacket(): boolean {
    return this.kind === "pkt" || this.kind === "pkt_meta";
  }
}

/** A pointer to an object that cannot go away, and to nothing less. */
export const isTrusted = ({ refId, flags }: Register): boolean =>
  refId !== 0 || ((flags & TRUST) !== 0 && (flags & ~TRUST) === 0);

/** Flags that stand in front of a type's name, in the order of the kernel's log. */
const PREFIXES: readonly (readonly [flag: Flag, text: string])[] = [
  [Flag.READ_ONLY, "rdonly_"],
  [Flag.RINGBUF, "ringbuf_"],
  [Flag.USER, "user_"],
  [Flag.PERCPU, "percpu_"],
  [Flag.RCU, "rcu_"],
  [Flag.UNTRUSTED, "untrusted_"],
  [Flag.TRUSTED, "trusted_"],
];

const BASE_NAMES: Partial<Record<RegisterKind, string>> = { none: "?", dynptr: "dynptr_ptr", btf: "ptr_" };

/** The type's name in messages, as the kernel prints it; of a `btf` pointer without its struct. */
export function typeName({ kind, flags }: Pick<Register, "kind" | "flags">): string {
  let prefix = "";
  if (flags !== 0) for (const [flag, text] of PREFIXES) if ((flags & flag) !== 0) prefix += text;
  const suffix = (flags & Flag.MAYBE_NULL) === 0 ? "" : kind === "btf" ? "or_null_" : "_or_null";
  return `${prefix}${BASE_NAMES[kind] ?? kind}${suffix}`;
}
