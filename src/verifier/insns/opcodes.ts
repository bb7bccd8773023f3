// Each instruction by itself, before any is explored: that there is one of that opcode, and what a wide one loads
// (resolve_pseudo_ldimm64 in kernel/bpf/verifier.c).

import type { Btf } from "../../btf/btf.ts";
import { INSN_ROWS } from "../../isa/table.ts";
import { MAP_TYPES } from "../../map-type-names.ts";
import type { MapSpec, Program, ProgramMapUse } from "../../program.ts";
import { Class, type Code, Mode, Opcode, Wide } from "../code.ts";
import { MAX_VAR_OFF } from "../env.ts";
import { checkSymbol } from "../objects/kernel-symbols.ts";
import { EBADF, EINVAL, ENOTSUPP, reject } from "../rejection.ts";

/** What the kernel's table of opcodes has: all instructions but the one that is an extension here. */
const KNOWN_OPCODES: ReadonlySet<number> = new Set(
  INSN_ROWS.map(({ code }) => code).filter((code) => code !== Opcode.CALLX),
);

export function checkOpcodes(program: Program, code: Code, kernelBtf: Btf | undefined): void {
  const uses = new Map(program.maps.map((use) => [use.slot, use]));
  for (let slot = 0; slot < code.length; slot++) {
    if (code.class(slot) === Class.LDX) checkLoad(code, slot);
    const opcode = code.code[slot];
    if (opcode === Opcode.LDDW) {
      checkWide(code, slot);
      if (code.src[slot] === Wide.SYMBOL) checkSymbol(slot, program, kernelBtf, code.imm[slot]);
      checkMap(code, slot, uses.get(slot));
      slot++;
    } else if (!KNOWN_OPCODES.has(opcode)) {
      reject(slot, EINVAL, `unknown opcode ${opcode.toString(16).padStart(2, "0")}`);
    }
  }
}

function checkLoad(code: Code, slot: number): void {
  const mode = code.mode(slot);
  const isReserved = (mode !== Mode.MEM && mode !== Mode.MEMSX) || code.imm[slot] !== 0;
  if (isReserved) reject(slot, EINVAL, "BPF_LDX uses reserved fields");
}

function checkWide(code: Code, slot: number): void {
  const next = slot + 1;
  const isBroken =
    next >= code.length ||
    code.code[next] !== 0 ||
    code.dst[next] !== 0 ||
    code.src[next] !== 0 ||
    code.off[next] !== 0;
  if (isBroken) reject(slot, EINVAL, "invalid bpf_ld_imm64 insn");
  const src = code.src[slot];
  const isMap = src === Wide.MAP_FD || src === Wide.MAP_INDEX;
  const isWrong = src > Wide.MAP_VALUE_INDEX || (isMap && code.imm[next] !== 0);
  if (isWrong) reject(slot, EINVAL, "unrecognized bpf_ld_imm64 insn");
}

const NAMES_MAP: ReadonlySet<number> = new Set([
  ...[Wide.MAP_FD, Wide.MAP_VALUE_FD, Wide.MAP_INDEX, Wide.MAP_VALUE_INDEX],
]);

function checkMap(code: Code, slot: number, use: ProgramMapUse | undefined): void {
  if (NAMES_MAP.has(code.src[slot]) && use === undefined) {
    reject(slot, EBADF, `fd ${code.imm[slot]} is not pointing to valid bpf_map`);
  }
  if (use?.offset !== undefined) checkDirectValue(slot, use.map, use.offset);
}

/** The address of a byte of a map's value: of an array's only one. */
function checkDirectValue(slot: number, { type, maxEntries, valueSize }: MapSpec, offset: number): void {
  const off = offset >>> 0;
  if (off >= MAX_VAR_OFF) reject(slot, EINVAL, `direct value offset of ${off} is not allowed`);
  if (type !== MAP_TYPES.array) reject(slot, EINVAL, "no direct value access support for this map type");
  if (maxEntries === 1 && off < valueSize) return;
  const errno = maxEntries === 1 ? EINVAL : ENOTSUPP;
  reject(slot, errno, `invalid access to map value pointer, value_size=${valueSize} off=${off}`);
}
