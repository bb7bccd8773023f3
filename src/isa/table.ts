// One row per instruction: everything mechanical about the ISA is derived from here.
//
// Follows RFC 9669 (every conformance group) and Linux 6.18's additions (`may_goto`, load-acquire and
// store-release, address-space casts, kfunc calls); `callx` is an extension, for checked programs only.
// Decoder, encoder, reserved-field checks, disassembler and both assembler dialects read these rows; what
// an instruction *does* stands in the engines, under the row's `op`.
//
// A text template is a line of assembly with operands in place of its fields. A field that no operand
// of a row's first template names must hold the row's constant, or zero. The operands:
//
//   $D $S   dst, src as a 64-bit register        $d $s   the same as a 32-bit register (w0..w10)
//   $I      imm, decimal                         $X      imm, hexadecimal (comparisons)
//   $O      off, always signed                   $Q      imm of both slots as one 64-bit number
//   $J      off as a jump target                 $L $F   imm as a jump target, as a function
//   $P      imm as a function, relative            $N      imm of the second slot
//   $H      imm as a helper                        $K      imm and off as a kfunc

import { Op } from "../../assembly/shared/opcodes.ts";

/** Conformance groups: RFC 9669 §2.4, then what only Linux has, then our extension. */
export type Group =
  | "base32"
  | "base64"
  | "divmul32"
  | "divmul64"
  | "atomic32"
  | "atomic64"
  | "packet"
  | "linux"
  | "callx";

/** The fields of an instruction; `next` is the imm of a wide instruction's second slot. */
export type Field = "dst" | "src" | "off" | "imm" | "next";

export interface InsnRow {
  /** Unique name, e.g. `add64_imm`, `ldxw`, `fetch_add32`. */
  readonly name: string;
  /** The opcode byte, RFC 9669 §3. */
  readonly code: number;
  readonly group: Group;
  /** What the interpreters switch on: `code`, or a number of its own where `code` is shared. */
  readonly op: Op;
  /** Fields that are operands; every other field holds its value in `fixed`. */
  readonly operands: ReadonlySet<Field>;
  readonly fixed: Readonly<Record<Field, number>>;
  /** Text templates of the pseudo-C dialect; the first is what the disassembler prints. */
  readonly pseudoC: readonly string[];
  /** Text templates of the mnemonic dialect; the first is what the disassembler prints. */
  readonly mnemonic: readonly string[];
  /** True for `lddw`: two slots, the second holding nothing but an imm. */
  readonly wide: boolean;
}

/** The field that each operand of a template stands for. */
export const OPERAND_FIELD: Readonly<Record<string, Field>> = {
  D: "dst",
  d: "dst",
  S: "src",
  s: "src",
  I: "imm",
  X: "imm",
  Q: "imm",
  L: "imm",
  F: "imm",
  P: "imm",
  H: "imm",
  K: "imm",
  O: "off",
  J: "off",
  N: "next",
};

/** Opcode byte of the one wide instruction. */
export const LDDW_CODE = 0x18;

interface Extra extends Partial<Record<Field, number>> {
  readonly op?: Op;
}

function row(
  name: string,
  code: number,
  group: Group,
  pseudoC: string | string[],
  mnemonic: string | string[],
  extra: Extra = {},
): InsnRow {
  const { op = code as Op, ...constants } = extra;
  const templates = [pseudoC].flat();
  const operands = new Set<Field>();
  for (const [, letter] of (templates[0] as string).matchAll(/\$([A-Za-z])/g)) {
    operands.add(OPERAND_FIELD[letter as string] as Field);
    if (letter === "Q") operands.add("next");
    if (letter === "K") operands.add("off");
  }
  const fixed = { dst: 0, src: 0, off: 0, imm: 0, next: 0, ...constants };
  const wide = code === LDDW_CODE;
  return { name, code, group, op, operands, fixed, pseudoC: templates, mnemonic: [mnemonic].flat(), wide };
}

/** Every instruction that tracebee knows. */
// biome-ignore format: one row per line
export const INSN_ROWS: readonly InsnRow[] = [
  // 32-bit arithmetic
  row("add32_imm", 0x04, "base32", "$d += $I", "add32 $D, $I"),
  row("add32_reg", 0x0c, "base32", "$d += $s", "add32 $D, $S"),
  row("sub32_imm", 0x14, "base32", "$d -= $I", "sub32 $D, $I"),
  row("sub32_reg", 0x1c, "base32", "$d -= $s", "sub32 $D, $S"),
  row("mul32_imm", 0x24, "divmul32", "$d *= $I", "mul32 $D, $I"),
  row("mul32_reg", 0x2c, "divmul32", "$d *= $s", "mul32 $D, $S"),
  row("div32_imm", 0x34, "divmul32", "$d /= $I", "div32 $D, $I"),
  row("div32_reg", 0x3c, "divmul32", "$d /= $s", "div32 $D, $S"),
  row("or32_imm", 0x44, "base32", "$d |= $I", "or32 $D, $I"),
  row("or32_reg", 0x4c, "base32", "$d |= $s", "or32 $D, $S"),
  row("and32_imm", 0x54, "base32", "$d &= $I", "and32 $D, $I"),
  row("and32_reg", 0x5c, "base32", "$d &= $s", "and32 $D, $S"),
  row("lsh32_imm", 0x64, "base32", "$d <<= $I", "lsh32 $D, $I"),
  row("lsh32_reg", 0x6c, "base32", "$d <<= $s", "lsh32 $D, $S"),
  row("rsh32_imm", 0x74, "base32", "$d >>= $I", "rsh32 $D, $I"),
  row("rsh32_reg", 0x7c, "base32", "$d >>= $s", "rsh32 $D, $S"),
  row("mod32_imm", 0x94, "divmul32", "$d %= $I", "mod32 $D, $I"),
  row("mod32_reg", 0x9c, "divmul32", "$d %= $s", "mod32 $D, $S"),
  row("xor32_imm", 0xa4, "base32", "$d ^= $I", "xor32 $D, $I"),
  row("xor32_reg", 0xac, "base32", "$d ^= $s", "xor32 $D, $S"),
  row("mov32_imm", 0xb4, "base32", "$d = $I", "mov32 $D, $I"),
  row("mov32_reg", 0xbc, "base32", ["$d = $s", "$D = $s"], "mov32 $D, $S"),
  row("arsh32_imm", 0xc4, "base32", "$d s>>= $I", "arsh32 $D, $I"),
  row("arsh32_reg", 0xcc, "base32", "$d s>>= $s", "arsh32 $D, $S"),
  row("neg32", 0x84, "base32", "$d = -$d", "neg32 $D"),
  row("sdiv32_imm", 0x34, "divmul32", "$d s/= $I", "sdiv32 $D, $I", { off: 1, op: Op.SDIV32_IMM }),
  row("sdiv32_reg", 0x3c, "divmul32", "$d s/= $s", "sdiv32 $D, $S", { off: 1, op: Op.SDIV32_REG }),
  row("smod32_imm", 0x94, "divmul32", "$d s%= $I", "smod32 $D, $I", { off: 1, op: Op.SMOD32_IMM }),
  row("smod32_reg", 0x9c, "divmul32", "$d s%= $s", "smod32 $D, $S", { off: 1, op: Op.SMOD32_REG }),
  row("movsx32_8", 0xbc, "base32", "$d = (s8)$s", "movsx832 $D, $S", { off: 8, op: Op.MOVSX32_B }),
  row("movsx32_16", 0xbc, "base32", "$d = (s16)$s", "movsx1632 $D, $S", { off: 16, op: Op.MOVSX32_H }),

  // 64-bit arithmetic
  row("add64_imm", 0x07, "base64", "$D += $I", "add $D, $I"),
  row("add64_reg", 0x0f, "base64", "$D += $S", "add $D, $S"),
  row("sub64_imm", 0x17, "base64", "$D -= $I", "sub $D, $I"),
  row("sub64_reg", 0x1f, "base64", "$D -= $S", "sub $D, $S"),
  row("mul64_imm", 0x27, "divmul64", "$D *= $I", "mul $D, $I"),
  row("mul64_reg", 0x2f, "divmul64", "$D *= $S", "mul $D, $S"),
  row("div64_imm", 0x37, "divmul64", "$D /= $I", "div $D, $I"),
  row("div64_reg", 0x3f, "divmul64", "$D /= $S", "div $D, $S"),
  row("or64_imm", 0x47, "base64", "$D |= $I", "or $D, $I"),
  row("or64_reg", 0x4f, "base64", "$D |= $S", "or $D, $S"),
  row("and64_imm", 0x57, "base64", "$D &= $I", "and $D, $I"),
  row("and64_reg", 0x5f, "base64", "$D &= $S", "and $D, $S"),
  row("lsh64_imm", 0x67, "base64", "$D <<= $I", "lsh $D, $I"),
  row("lsh64_reg", 0x6f, "base64", "$D <<= $S", "lsh $D, $S"),
  row("rsh64_imm", 0x77, "base64", "$D >>= $I", "rsh $D, $I"),
  row("rsh64_reg", 0x7f, "base64", "$D >>= $S", "rsh $D, $S"),
  row("mod64_imm", 0x97, "divmul64", "$D %= $I", "mod $D, $I"),
  row("mod64_reg", 0x9f, "divmul64", "$D %= $S", "mod $D, $S"),
  row("xor64_imm", 0xa7, "base64", "$D ^= $I", "xor $D, $I"),
  row("xor64_reg", 0xaf, "base64", "$D ^= $S", "xor $D, $S"),
  row("mov64_imm", 0xb7, "base64", "$D = $I", "mov $D, $I"),
  row("mov64_reg", 0xbf, "base64", "$D = $S", "mov $D, $S"),
  row("arsh64_imm", 0xc7, "base64", "$D s>>= $I", "arsh $D, $I"),
  row("arsh64_reg", 0xcf, "base64", "$D s>>= $S", "arsh $D, $S"),
  row("neg64", 0x87, "base64", "$D = -$D", "neg $D"),
  row("sdiv64_imm", 0x37, "divmul64", "$D s/= $I", "sdiv $D, $I", { off: 1, op: Op.SDIV64_IMM }),
  row("sdiv64_reg", 0x3f, "divmul64", "$D s/= $S", "sdiv $D, $S", { off: 1, op: Op.SDIV64_REG }),
  row("smod64_imm", 0x97, "divmul64", "$D s%= $I", "smod $D, $I", { off: 1, op: Op.SMOD64_IMM }),
  row("smod64_reg", 0x9f, "divmul64", "$D s%= $S", "smod $D, $S", { off: 1, op: Op.SMOD64_REG }),
  row("movsx64_8", 0xbf, "base64", "$D = (s8)$S", "movsx864 $D, $S", { off: 8, op: Op.MOVSX64_B }),
  row("movsx64_16", 0xbf, "base64", "$D = (s16)$S", "movsx1664 $D, $S", { off: 16, op: Op.MOVSX64_H }),
  row("movsx64_32", 0xbf, "base64", "$D = (s32)$S", "movsx3264 $D, $S", { off: 32, op: Op.MOVSX64_W }),

  // address spaces (Linux; arenas)
  row("addr_space_cast_kernel", 0xbf, "linux", ["$D = addr_space_cast($S, 0, 1)", "$D = addr_space_cast($S, 0x0, 0x1)"], "addr_space_cast $D, $S, 0, 1", { off: 1, imm: 1, op: Op.ADDR_SPACE_CAST }),
  row("addr_space_cast_user", 0xbf, "linux", ["$D = addr_space_cast($S, 1, 0)", "$D = addr_space_cast($S, 0x1, 0x0)"], "addr_space_cast $D, $S, 1, 0", { off: 1, imm: 0x10000, op: Op.ADDR_SPACE_CAST }),

  // byte order
  row("le16", 0xd4, "base32", "$D = le16 $D", "le16 $D", { imm: 16, op: Op.LE16 }),
  row("le32", 0xd4, "base32", "$D = le32 $D", "le32 $D", { imm: 32, op: Op.LE32 }),
  row("le64", 0xd4, "base64", "$D = le64 $D", "le64 $D", { imm: 64, op: Op.LE64 }),
  row("be16", 0xdc, "base32", "$D = be16 $D", "be16 $D", { imm: 16, op: Op.SWAP16 }),
  row("be32", 0xdc, "base32", "$D = be32 $D", "be32 $D", { imm: 32, op: Op.SWAP32 }),
  row("be64", 0xdc, "base64", "$D = be64 $D", "be64 $D", { imm: 64, op: Op.SWAP64 }),
  row("bswap16", 0xd7, "base64", "$D = bswap16 $D", ["bswap16 $D", "swap16 $D"], { imm: 16, op: Op.SWAP16 }),
  row("bswap32", 0xd7, "base64", "$D = bswap32 $D", ["bswap32 $D", "swap32 $D"], { imm: 32, op: Op.SWAP32 }),
  row("bswap64", 0xd7, "base64", "$D = bswap64 $D", ["bswap64 $D", "swap64 $D"], { imm: 64, op: Op.SWAP64 }),

  // jumps on 64-bit comparisons
  row("jeq64_imm", 0x15, "base64", "if $D == $X goto $J", "jeq $D, $X, $J"),
  row("jeq64_reg", 0x1d, "base64", "if $D == $S goto $J", "jeq $D, $S, $J"),
  row("jgt64_imm", 0x25, "base64", "if $D > $X goto $J", "jgt $D, $X, $J"),
  row("jgt64_reg", 0x2d, "base64", "if $D > $S goto $J", "jgt $D, $S, $J"),
  row("jge64_imm", 0x35, "base64", "if $D >= $X goto $J", "jge $D, $X, $J"),
  row("jge64_reg", 0x3d, "base64", "if $D >= $S goto $J", "jge $D, $S, $J"),
  row("jset64_imm", 0x45, "base64", "if $D & $X goto $J", "jset $D, $X, $J"),
  row("jset64_reg", 0x4d, "base64", "if $D & $S goto $J", "jset $D, $S, $J"),
  row("jne64_imm", 0x55, "base64", "if $D != $X goto $J", "jne $D, $X, $J"),
  row("jne64_reg", 0x5d, "base64", "if $D != $S goto $J", "jne $D, $S, $J"),
  row("jsgt64_imm", 0x65, "base64", "if $D s> $X goto $J", "jsgt $D, $X, $J"),
  row("jsgt64_reg", 0x6d, "base64", "if $D s> $S goto $J", "jsgt $D, $S, $J"),
  row("jsge64_imm", 0x75, "base64", "if $D s>= $X goto $J", "jsge $D, $X, $J"),
  row("jsge64_reg", 0x7d, "base64", "if $D s>= $S goto $J", "jsge $D, $S, $J"),
  row("jlt64_imm", 0xa5, "base64", "if $D < $X goto $J", "jlt $D, $X, $J"),
  row("jlt64_reg", 0xad, "base64", "if $D < $S goto $J", "jlt $D, $S, $J"),
  row("jle64_imm", 0xb5, "base64", "if $D <= $X goto $J", "jle $D, $X, $J"),
  row("jle64_reg", 0xbd, "base64", "if $D <= $S goto $J", "jle $D, $S, $J"),
  row("jslt64_imm", 0xc5, "base64", "if $D s< $X goto $J", "jslt $D, $X, $J"),
  row("jslt64_reg", 0xcd, "base64", "if $D s< $S goto $J", "jslt $D, $S, $J"),
  row("jsle64_imm", 0xd5, "base64", "if $D s<= $X goto $J", "jsle $D, $X, $J"),
  row("jsle64_reg", 0xdd, "base64", "if $D s<= $S goto $J", "jsle $D, $S, $J"),

  // jumps on 32-bit comparisons
  row("jeq32_imm", 0x16, "base32", "if $d == $X goto $J", "jeq32 $D, $X, $J"),
  row("jeq32_reg", 0x1e, "base32", "if $d == $s goto $J", "jeq32 $D, $S, $J"),
  row("jgt32_imm", 0x26, "base32", "if $d > $X goto $J", "jgt32 $D, $X, $J"),
  row("jgt32_reg", 0x2e, "base32", "if $d > $s goto $J", "jgt32 $D, $S, $J"),
  row("jge32_imm", 0x36, "base32", "if $d >= $X goto $J", "jge32 $D, $X, $J"),
  row("jge32_reg", 0x3e, "base32", "if $d >= $s goto $J", "jge32 $D, $S, $J"),
  row("jset32_imm", 0x46, "base32", "if $d & $X goto $J", "jset32 $D, $X, $J"),
  row("jset32_reg", 0x4e, "base32", "if $d & $s goto $J", "jset32 $D, $S, $J"),
  row("jne32_imm", 0x56, "base32", "if $d != $X goto $J", "jne32 $D, $X, $J"),
  row("jne32_reg", 0x5e, "base32", "if $d != $s goto $J", "jne32 $D, $S, $J"),
  row("jsgt32_imm", 0x66, "base32", "if $d s> $X goto $J", "jsgt32 $D, $X, $J"),
  row("jsgt32_reg", 0x6e, "base32", "if $d s> $s goto $J", "jsgt32 $D, $S, $J"),
  row("jsge32_imm", 0x76, "base32", "if $d s>= $X goto $J", "jsge32 $D, $X, $J"),
  row("jsge32_reg", 0x7e, "base32", "if $d s>= $s goto $J", "jsge32 $D, $S, $J"),
  row("jlt32_imm", 0xa6, "base32", "if $d < $X goto $J", "jlt32 $D, $X, $J"),
  row("jlt32_reg", 0xae, "base32", "if $d < $s goto $J", "jlt32 $D, $S, $J"),
  row("jle32_imm", 0xb6, "base32", "if $d <= $X goto $J", "jle32 $D, $X, $J"),
  row("jle32_reg", 0xbe, "base32", "if $d <= $s goto $J", "jle32 $D, $S, $J"),
  row("jslt32_imm", 0xc6, "base32", "if $d s< $X goto $J", "jslt32 $D, $X, $J"),
  row("jslt32_reg", 0xce, "base32", "if $d s< $s goto $J", "jslt32 $D, $S, $J"),
  row("jsle32_imm", 0xd6, "base32", "if $d s<= $X goto $J", "jsle32 $D, $X, $J"),
  row("jsle32_reg", 0xde, "base32", "if $d s<= $s goto $J", "jsle32 $D, $S, $J"),

  // other jumps, calls, exit
  row("ja", 0x05, "base64", "goto $J", "ja $J"),
  row("gotol", 0x06, "base32", "gotol $L", ["gotol $L", "ja32 $L"]),
  row("call_helper", 0x85, "base64", "call $H", "call $H"),
  row("call_local", 0x85, "base64", "call $F", ["call local $F"], { src: 1, op: Op.CALL_LOCAL }),
  row("call_kfunc", 0x85, "linux", "call $K", "call $K", { src: 2 }),
  row("callx", 0x8d, "callx", ["callx $D"], ["callx $D", "call $D"]),
  row("exit", 0x95, "base64", "exit", "exit"),
  row("may_goto", 0xe5, "linux", "may_goto $J", "may_goto $J"),

  // 64-bit immediates: two slots
  row("lddw", 0x18, "base64", ["$D = $Q", "$D = $Q ll"], "lddw $D, $Q"),
  row("lddw_map_fd", 0x18, "base64", ["$D = map[id:$I]", "$D = map[fd:$I]"], "lddw $D, map_by_fd($I)", { src: 1 }),
  row("lddw_map_value", 0x18, "base64", ["$D = map[id:$I][0]+$N", "$D = map[fd:$I][0]+$N"], "lddw $D, map_val(map_by_fd($I))+$N", { src: 2 }),
  row("lddw_btf_id", 0x18, "base64", "$D = btf[id:$I][fd:$N]", "lddw $D, var_addr($I)+$N", { src: 3 }),
  row("lddw_func", 0x18, "base64", "$D = subprog[$P]", "lddw $D, code_addr($P)", { src: 4 }),
  row("lddw_map_idx", 0x18, "base64", "$D = map[idx:$I]", "lddw $D, map_by_idx($I)", { src: 5 }),
  row("lddw_map_idx_value", 0x18, "base64", "$D = map[idx:$I]+$N", "lddw $D, map_val(map_by_idx($I))+$N", { src: 6 }),

  // loads and stores
  row("ldxb", 0x71, "base32", ["$D = *(u8 *)($S $O)", "$d = *(u8 *)($S $O)"], "ldxb $D, [$S$O]"),
  row("ldxh", 0x69, "base32", ["$D = *(u16 *)($S $O)", "$d = *(u16 *)($S $O)"], "ldxh $D, [$S$O]"),
  row("ldxw", 0x61, "base32", ["$D = *(u32 *)($S $O)", "$d = *(u32 *)($S $O)"], "ldxw $D, [$S$O]"),
  row("ldxdw", 0x79, "base64", "$D = *(u64 *)($S $O)", "ldxdw $D, [$S$O]"),
  row("ldxsb", 0x91, "base64", "$D = *(s8 *)($S $O)", "ldxsb $D, [$S$O]"),
  row("ldxsh", 0x89, "base64", "$D = *(s16 *)($S $O)", "ldxsh $D, [$S$O]"),
  row("ldxsw", 0x81, "base64", "$D = *(s32 *)($S $O)", "ldxsw $D, [$S$O]"),
  row("stb", 0x72, "base32", "*(u8 *)($D $O) = $I", "stb [$D$O], $I"),
  row("sth", 0x6a, "base32", "*(u16 *)($D $O) = $I", "sth [$D$O], $I"),
  row("stw", 0x62, "base32", "*(u32 *)($D $O) = $I", "stw [$D$O], $I"),
  row("stdw", 0x7a, "base64", "*(u64 *)($D $O) = $I", "stdw [$D$O], $I"),
  row("stxb", 0x73, "base32", ["*(u8 *)($D $O) = $S", "*(u8 *)($D $O) = $s"], "stxb [$D$O], $S"),
  row("stxh", 0x6b, "base32", ["*(u16 *)($D $O) = $S", "*(u16 *)($D $O) = $s"], "stxh [$D$O], $S"),
  row("stxw", 0x63, "base32", ["*(u32 *)($D $O) = $S", "*(u32 *)($D $O) = $s"], "stxw [$D$O], $S"),
  row("stxdw", 0x7b, "base64", "*(u64 *)($D $O) = $S", "stxdw [$D$O], $S"),

  // 32-bit atomics
  row("atomic_add32", 0xc3, "atomic32", ["lock *(u32 *)($D $O) += $S", "lock *(u32 *)($D $O) += $s"], "lock add32 [$D$O], $S", { imm: 0x00, op: Op.ATOMIC_ADD32 }),
  row("atomic_or32", 0xc3, "atomic32", ["lock *(u32 *)($D $O) |= $S", "lock *(u32 *)($D $O) |= $s"], "lock or32 [$D$O], $S", { imm: 0x40, op: Op.ATOMIC_OR32 }),
  row("atomic_and32", 0xc3, "atomic32", ["lock *(u32 *)($D $O) &= $S", "lock *(u32 *)($D $O) &= $s"], "lock and32 [$D$O], $S", { imm: 0x50, op: Op.ATOMIC_AND32 }),
  row("atomic_xor32", 0xc3, "atomic32", ["lock *(u32 *)($D $O) ^= $S", "lock *(u32 *)($D $O) ^= $s"], "lock xor32 [$D$O], $S", { imm: 0xa0, op: Op.ATOMIC_XOR32 }),
  row("fetch_add32", 0xc3, "atomic32", ["$S = atomic_fetch_add((u32 *)($D $O), $S)", "$s = atomic_fetch_add((u32 *)($D $O), $s)"], "lock fetch add32 [$D$O], $S", { imm: 0x01, op: Op.FETCH_ADD32 }),
  row("fetch_or32", 0xc3, "atomic32", ["$S = atomic_fetch_or((u32 *)($D $O), $S)", "$s = atomic_fetch_or((u32 *)($D $O), $s)"], "lock fetch or32 [$D$O], $S", { imm: 0x41, op: Op.FETCH_OR32 }),
  row("fetch_and32", 0xc3, "atomic32", ["$S = atomic_fetch_and((u32 *)($D $O), $S)", "$s = atomic_fetch_and((u32 *)($D $O), $s)"], "lock fetch and32 [$D$O], $S", { imm: 0x51, op: Op.FETCH_AND32 }),
  row("fetch_xor32", 0xc3, "atomic32", ["$S = atomic_fetch_xor((u32 *)($D $O), $S)", "$s = atomic_fetch_xor((u32 *)($D $O), $s)"], "lock fetch xor32 [$D$O], $S", { imm: 0xa1, op: Op.FETCH_XOR32 }),
  row("xchg32", 0xc3, "atomic32", ["$S = atomic_xchg((u32 *)($D $O), $S)", "$s = xchg32_32($D $O, $s)"], "lock xchg32 [$D$O], $S", { imm: 0xe1, op: Op.XCHG32 }),
  row("cmpxchg32", 0xc3, "atomic32", ["r0 = atomic_cmpxchg((u32 *)($D $O), r0, $S)", "w0 = cmpxchg32_32($D $O, w0, $s)"], "lock cmpxchg32 [$D$O], $S", { imm: 0xf1, op: Op.CMPXCHG32 }),

  // 64-bit atomics
  row("atomic_add64", 0xdb, "atomic64", ["lock *(u64 *)($D $O) += $S"], "lock add [$D$O], $S", { imm: 0x00, op: Op.ATOMIC_ADD64 }),
  row("atomic_or64", 0xdb, "atomic64", ["lock *(u64 *)($D $O) |= $S"], "lock or [$D$O], $S", { imm: 0x40, op: Op.ATOMIC_OR64 }),
  row("atomic_and64", 0xdb, "atomic64", ["lock *(u64 *)($D $O) &= $S"], "lock and [$D$O], $S", { imm: 0x50, op: Op.ATOMIC_AND64 }),
  row("atomic_xor64", 0xdb, "atomic64", ["lock *(u64 *)($D $O) ^= $S"], "lock xor [$D$O], $S", { imm: 0xa0, op: Op.ATOMIC_XOR64 }),
  row("fetch_add64", 0xdb, "atomic64", ["$S = atomic64_fetch_add((u64 *)($D $O), $S)", "$S = atomic_fetch_add((u64 *)($D $O), $S)"], "lock fetch add [$D$O], $S", { imm: 0x01, op: Op.FETCH_ADD64 }),
  row("fetch_or64", 0xdb, "atomic64", ["$S = atomic64_fetch_or((u64 *)($D $O), $S)", "$S = atomic_fetch_or((u64 *)($D $O), $S)"], "lock fetch or [$D$O], $S", { imm: 0x41, op: Op.FETCH_OR64 }),
  row("fetch_and64", 0xdb, "atomic64", ["$S = atomic64_fetch_and((u64 *)($D $O), $S)", "$S = atomic_fetch_and((u64 *)($D $O), $S)"], "lock fetch and [$D$O], $S", { imm: 0x51, op: Op.FETCH_AND64 }),
  row("fetch_xor64", 0xdb, "atomic64", ["$S = atomic64_fetch_xor((u64 *)($D $O), $S)", "$S = atomic_fetch_xor((u64 *)($D $O), $S)"], "lock fetch xor [$D$O], $S", { imm: 0xa1, op: Op.FETCH_XOR64 }),
  row("xchg64", 0xdb, "atomic64", ["$S = atomic64_xchg((u64 *)($D $O), $S)", "$S = xchg_64($D $O, $S)"], "lock xchg [$D$O], $S", { imm: 0xe1, op: Op.XCHG64 }),
  row("cmpxchg64", 0xdb, "atomic64", ["r0 = atomic64_cmpxchg((u64 *)($D $O), r0, $S)", "r0 = cmpxchg_64($D $O, r0, $S)"], "lock cmpxchg [$D$O], $S", { imm: 0xf1, op: Op.CMPXCHG64 }),

  // load-acquire and store-release (Linux)
  row("load_acquire_b", 0xd3, "linux", ["$D = load_acquire((u8 *)($S $O))", "$d = load_acquire((u8 *)($S $O))"], "ldacqb $D, [$S$O]", { imm: 0x100, op: Op.LOAD_ACQ_B }),
  row("load_acquire_h", 0xcb, "linux", ["$D = load_acquire((u16 *)($S $O))", "$d = load_acquire((u16 *)($S $O))"], "ldacqh $D, [$S$O]", { imm: 0x100, op: Op.LOAD_ACQ_H }),
  row("load_acquire_w", 0xc3, "linux", ["$D = load_acquire((u32 *)($S $O))", "$d = load_acquire((u32 *)($S $O))"], "ldacqw $D, [$S$O]", { imm: 0x100, op: Op.LOAD_ACQ_W }),
  row("load_acquire_dw", 0xdb, "linux", ["$D = load_acquire((u64 *)($S $O))"], "ldacqdw $D, [$S$O]", { imm: 0x100, op: Op.LOAD_ACQ_DW }),
  row("store_release_b", 0xd3, "linux", ["store_release((u8 *)($D $O), $S)", "store_release((u8 *)($D $O), $s)"], "strelb [$D$O], $S", { imm: 0x110, op: Op.STORE_REL_B }),
  row("store_release_h", 0xcb, "linux", ["store_release((u16 *)($D $O), $S)", "store_release((u16 *)($D $O), $s)"], "strelh [$D$O], $S", { imm: 0x110, op: Op.STORE_REL_H }),
  row("store_release_w", 0xc3, "linux", ["store_release((u32 *)($D $O), $S)", "store_release((u32 *)($D $O), $s)"], "strelw [$D$O], $S", { imm: 0x110, op: Op.STORE_REL_W }),
  row("store_release_dw", 0xdb, "linux", ["store_release((u64 *)($D $O), $S)"], "streldw [$D$O], $S", { imm: 0x110, op: Op.STORE_REL_DW }),

  // legacy packet access
  row("ldabsb", 0x30, "packet", "r0 = *(u8 *)skb[$I]", "ldabsb $I"),
  row("ldabsh", 0x28, "packet", "r0 = *(u16 *)skb[$I]", "ldabsh $I"),
  row("ldabsw", 0x20, "packet", "r0 = *(u32 *)skb[$I]", "ldabsw $I"),
  row("ldindb", 0x50, "packet", "r0 = *(u8 *)skb[$S + $I]", "ldindb $S, $I"),
  row("ldindh", 0x48, "packet", "r0 = *(u16 *)skb[$S + $I]", "ldindh $S, $I"),
  row("ldindw", 0x40, "packet", "r0 = *(u32 *)skb[$S + $I]", "ldindw $S, $I"),
];

const BY_NAME = new Map(INSN_ROWS.map((entry) => [entry.name, entry]));
const BY_CODE: readonly (readonly InsnRow[])[] = Array.from({ length: 256 }, (_, code) =>
  INSN_ROWS.filter((entry) => entry.code === code),
);

/** The row of that name; a TypeError when there is none. */
export function insnRow(name: string): InsnRow {
  const found = BY_NAME.get(name);
  if (found === undefined) throw new TypeError(`insnRow: expected the name of an instruction, got "${name}"`);
  return found;
}

/** All rows with that opcode byte: none for a byte that is no instruction, several where another field decides. */
export function rowsOfCode(code: number): readonly InsnRow[] {
  return BY_CODE[code] ?? [];
}
