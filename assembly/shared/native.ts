// Read by asc and by tsc: integers only. What the native compiler (x64/) and its host both name.

/** General registers, as ModRM, SIB and REX number them. */
export const enum Reg {
  RAX = 0,
  RCX = 1,
  RDX = 2,
  RBX = 3,
  RSP = 4,
  RBP = 5,
  RSI = 6,
  RDI = 7,
  R8 = 8,
  R9 = 9,
  R10 = 10,
  R11 = 11,
  R12 = 12,
  R13 = 13,
  R14 = 14,
  R15 = 15,
}

/** Width of an operation; the 64 is the encoder's own bit for REX.W (x64/emit.ts). */
export const enum Width {
  BITS32 = 0,
  BITS64 = 0x1000,
}

/** Conditions, as Jcc, SETcc and CMOVcc number them. */
export const enum Condition {
  O = 0,
  NO = 1,
  B = 2,
  AE = 3,
  E = 4,
  NE = 5,
  BE = 6,
  A = 7,
  S = 8,
  NS = 9,
  P = 10,
  NP = 11,
  L = 12,
  GE = 13,
  LE = 14,
  G = 15,
}

/** What became of code that was emitted. */
export const enum Emitted {
  OK = 0,
  /** The buffer was too small. */
  CODE_FULL = 1,
  /** There were more jumps than records for them. */
  JUMPS_FULL = 2,
  /** A jump leads to a label that was never bound. */
  UNBOUND = 3,
  /** An instruction that the compiler does not take; its slot is in the bits above the lowest byte. */
  UNSUPPORTED = 4,
}

/**
 * What compile() is given. Code and room are addresses in the compiler's own memory: prepared code as engine/prepare.ts
 * writes it for checked runs (no fused pairs), where the machine code goes, and room for labels and jumps.
 */
export const enum Job {
  SIZE = 28,
  CODE = 0,
  SLOTS = 4,
  FLAGS = 8,
  OUT = 12,
  OUT_END = 16,
  WORK = 20,
  WORK_END = 24,
}

/** Bits of Job.FLAGS. */
export const enum JobFlag {
  /** The machine has SHLX and its like. */
  BMI2 = 1,
  /** r2 is the context's length. */
  RAW = 2,
}
