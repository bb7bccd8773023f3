// The instructions of a program as parallel arrays: what the verifier reads a million times. One entry per slot.

import type { Btf } from "../btf/btf.ts";
import type { Program } from "../program.ts";

export const enum Class {
  LD = 0,
  LDX = 1,
  ST = 2,
  STX = 3,
  ALU = 4,
  JMP = 5,
  JMP32 = 6,
  ALU64 = 7,
}

/** Arithmetic operations: the upper four bits of an opcode. */
export const enum Alu {
  ADD = 0,
  SUB = 1,
  DIV = 3,
  OR = 4,
  AND = 5,
  LSH = 6,
  RSH = 7,
  NEG = 8,
  MOD = 9,
  XOR = 10,
  MOV = 11,
  ARSH = 12,
  /** Byte order. */
  END = 13,
}

/** Opcodes with something special about them. */
export const enum Opcode {
  LDDW = 0x18,
  JA = 0x05,
  GOTOL = 0x06,
  CALL = 0x85,
  CALLX = 0x8d,
  EXIT = 0x95,
  MAY_GOTO = 0xe5,
}

/** How a load or store reaches memory: bits of its opcode. */
export const enum Mode {
  ABS = 0x20,
  IND = 0x40,
  MEM = 0x60,
  /** With the sign extended. */
  MEMSX = 0x80,
  ATOMIC = 0xc0,
}

/** What an `lddw` loads: its source field. */
export const enum Wide {
  NUMBER = 0,
  MAP_FD = 1,
  MAP_VALUE_FD = 2,
  /** The address of a kernel's variable or function. */
  SYMBOL = 3,
  /** The address of one of the program's functions. */
  FUNCTION = 4,
  MAP_INDEX = 5,
  MAP_VALUE_INDEX = 6,
}

/** Atomic operations that something is special about: the immediate. */
export const enum Atomic {
  /** One bit of others: the old value goes to the source register. */
  FETCH = 1,
  XCHG = 0xe1,
  CMPXCHG = 0xf1,
  LOAD_ACQUIRE = 0x100,
  STORE_RELEASE = 0x110,
}

/** Bytes by the size bits of an opcode: w, h, b, dw. */
const SIZES = [4, 2, 1, 8] as const;
/** Bytes that a load or store is of. */
export const accessSize = (opcode: number): 1 | 2 | 4 | 8 => SIZES[(opcode >> 3) & 3];

export const PSEUDO_CALL = 1;
export const PSEUDO_KFUNC_CALL = 2;

/** The fields of one instruction. */
export interface Fields {
  readonly opcode: number;
  readonly dst: number;
  readonly src: number;
  readonly off: number;
  readonly imm: number;
}

export class Code {
  readonly length: number;
  readonly code: Uint8Array;
  readonly dst: Uint8Array;
  readonly src: Uint8Array;
  readonly off: Int16Array;
  readonly imm: Int32Array;
  readonly #program: Program;
  readonly #kernelBtf: Btf | undefined;

  /** With the kernel's BTF, calls of its functions and addresses of its variables are what it says. */
  constructor(program: Program, kernelBtf?: Btf) {
    const { slots } = program;
    const insns = program.insnsFor(kernelBtf);
    this.#program = program;
    this.#kernelBtf = kernelBtf;
    const view = new DataView(insns.buffer, insns.byteOffset, insns.byteLength);
    this.length = slots;
    this.code = new Uint8Array(slots);
    this.dst = new Uint8Array(slots);
    this.src = new Uint8Array(slots);
    this.off = new Int16Array(slots);
    this.imm = new Int32Array(slots);
    for (let slot = 0; slot < slots; slot++) {
      this.code[slot] = view.getUint8(slot * 8);
      this.dst[slot] = view.getUint8(slot * 8 + 1) & 15;
      this.src[slot] = view.getUint8(slot * 8 + 1) >> 4;
      this.off[slot] = view.getInt16(slot * 8 + 2, true);
      this.imm[slot] = view.getInt32(slot * 8 + 4, true);
    }
  }

  fields(slot: number): Fields {
    return {
      opcode: this.code[slot],
      dst: this.dst[slot],
      src: this.src[slot],
      off: this.off[slot],
      imm: this.imm[slot],
    };
  }

  class(slot: number): Class {
    return this.code[slot] & 7;
  }

  /** The kernel's function that is called there, as far as it can be told. */
  kernelFunction(slot: number): string | undefined {
    const named = this.#program.kernelCalls.find((call) => call.slot === slot)?.name;
    const btf = this.#kernelBtf;
    const id = this.imm[slot];
    if (named !== undefined || btf === undefined || id <= 0 || id >= btf.count) return named;
    const type = btf.type(id);
    return "name" in type && type.name !== "" ? type.name : undefined;
  }

  /** Of a load or store. */
  mode(slot: number): Mode {
    return this.code[slot] & 0xe0;
  }

  isAtomic(slot: number): boolean {
    return (this.code[slot] & 0xe7) === (Mode.ATOMIC | Class.STX);
  }

  /** An atomic operation, but a load. */
  isLoadAcquire(slot: number): boolean {
    return this.isAtomic(slot) && this.imm[slot] === Atomic.LOAD_ACQUIRE;
  }

  isWide(slot: number): boolean {
    return this.code[slot] === Opcode.LDDW;
  }

  /** A jump on a condition, or may_goto. */
  isConditional(slot: number): boolean {
    const code = this.code[slot];
    const kind = code & 7;
    if (kind !== Class.JMP && kind !== Class.JMP32) return false;
    const op = code & 0xf0;
    return op !== 0x00 && op !== 0x80 && op !== 0x90;
  }

  isJumpAlways(slot: number): boolean {
    const code = this.code[slot];
    return code === Opcode.JA || code === Opcode.GOTOL;
  }

  /** Where a jump leads. */
  target(slot: number): number {
    return slot + 1 + (this.code[slot] === Opcode.GOTOL ? this.imm[slot] : this.off[slot]);
  }

  isCall(slot: number): boolean {
    return this.code[slot] === Opcode.CALL;
  }

  isLocalCall(slot: number): boolean {
    return this.code[slot] === Opcode.CALL && this.src[slot] === PSEUDO_CALL;
  }

  isFunctionLoad(slot: number): boolean {
    return this.code[slot] === Opcode.LDDW && this.src[slot] === Wide.FUNCTION;
  }
}
