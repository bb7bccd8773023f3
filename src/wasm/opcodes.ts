// The instructions of Wasm that are emitted here, and the types of their operands. Names and numbers are those of the
// WebAssembly core specification, 5.3 and 5.4.

export const enum ValueType {
  I32 = 0x7f,
  I64 = 0x7e,
}

/** The type of a block that takes and leaves nothing. */
export const EMPTY_BLOCK = 0x40;

/** Instructions without immediates, and those whose immediates a method of CodeWriter writes. */
export const enum Wasm {
  UNREACHABLE = 0x00,
  BLOCK = 0x02,
  LOOP = 0x03,
  IF = 0x04,
  ELSE = 0x05,
  END = 0x0b,
  BR = 0x0c,
  BR_IF = 0x0d,
  BR_TABLE = 0x0e,
  RETURN = 0x0f,
  CALL = 0x10,
  DROP = 0x1a,
  SELECT = 0x1b,
  LOCAL_GET = 0x20,
  LOCAL_SET = 0x21,
  LOCAL_TEE = 0x22,
  I32_LOAD = 0x28,
  I64_LOAD = 0x29,
  I64_LOAD8_S = 0x30,
  I64_LOAD8_U = 0x31,
  I64_LOAD16_S = 0x32,
  I64_LOAD16_U = 0x33,
  I64_LOAD32_S = 0x34,
  I64_LOAD32_U = 0x35,
  I32_STORE = 0x36,
  I64_STORE = 0x37,
  I64_STORE8 = 0x3c,
  I64_STORE16 = 0x3d,
  I64_STORE32 = 0x3e,
  I32_CONST = 0x41,
  I64_CONST = 0x42,
  I32_EQZ = 0x45,
  I32_EQ = 0x46,
  I32_NE = 0x47,
  I32_LT_S = 0x48,
  I32_LT_U = 0x49,
  I32_GT_S = 0x4a,
  I32_GT_U = 0x4b,
  I32_LE_S = 0x4c,
  I32_LE_U = 0x4d,
  I32_GE_S = 0x4e,
  I32_GE_U = 0x4f,
  I64_EQZ = 0x50,
  I64_EQ = 0x51,
  I64_NE = 0x52,
  I64_LT_S = 0x53,
  I64_LT_U = 0x54,
  I64_GT_S = 0x55,
  I64_GT_U = 0x56,
  I64_LE_S = 0x57,
  I64_LE_U = 0x58,
  I64_GE_S = 0x59,
  I64_GE_U = 0x5a,
  I32_ADD = 0x6a,
  I32_SUB = 0x6b,
  I32_MUL = 0x6c,
  I32_DIV_S = 0x6d,
  I32_DIV_U = 0x6e,
  I32_REM_S = 0x6f,
  I32_REM_U = 0x70,
  I32_AND = 0x71,
  I32_OR = 0x72,
  I32_XOR = 0x73,
  I32_SHL = 0x74,
  I32_SHR_S = 0x75,
  I32_SHR_U = 0x76,
  I32_ROTL = 0x77,
  I64_ADD = 0x7c,
  I64_SUB = 0x7d,
  I64_MUL = 0x7e,
  I64_DIV_S = 0x7f,
  I64_DIV_U = 0x80,
  I64_REM_S = 0x81,
  I64_REM_U = 0x82,
  I64_AND = 0x83,
  I64_OR = 0x84,
  I64_XOR = 0x85,
  I64_SHL = 0x86,
  I64_SHR_S = 0x87,
  I64_SHR_U = 0x88,
  I64_ROTL = 0x89,
  I32_WRAP_I64 = 0xa7,
  I64_EXTEND_I32_S = 0xac,
  I64_EXTEND_I32_U = 0xad,
  I32_EXTEND8_S = 0xc0,
  I32_EXTEND16_S = 0xc1,
  I64_EXTEND8_S = 0xc2,
  I64_EXTEND16_S = 0xc3,
  I64_EXTEND32_S = 0xc4,
  /** Before the number of an instruction that one byte does not name. */
  PREFIX = 0xfc,
}

/** The number behind Wasm.PREFIX. */
export const enum Prefixed {
  MEMORY_FILL = 11,
}

/** Loads and stores: the address is on the stack (below what is stored). */
export type MemoryOp =
  | Wasm.I32_LOAD
  | Wasm.I64_LOAD
  | Wasm.I64_LOAD8_S
  | Wasm.I64_LOAD8_U
  | Wasm.I64_LOAD16_S
  | Wasm.I64_LOAD16_U
  | Wasm.I64_LOAD32_S
  | Wasm.I64_LOAD32_U
  | Wasm.I32_STORE
  | Wasm.I64_STORE
  | Wasm.I64_STORE8
  | Wasm.I64_STORE16
  | Wasm.I64_STORE32;

/** Instructions that are a byte and nothing more. */
export type PlainOp = Exclude<
  Wasm,
  | MemoryOp
  | Wasm.BLOCK
  | Wasm.LOOP
  | Wasm.IF
  | Wasm.BR
  | Wasm.BR_IF
  | Wasm.BR_TABLE
  | Wasm.CALL
  | Wasm.LOCAL_GET
  | Wasm.LOCAL_SET
  | Wasm.LOCAL_TEE
  | Wasm.I32_CONST
  | Wasm.I64_CONST
  | Wasm.PREFIX
>;
