// What a program's BTF tells the kernel of single instructions: where functions begin, and source lines for the log
// (struct bpf_func_info and bpf_line_info in uapi/linux/bpf.h).

import type { Btf } from "../btf/btf.ts";
import { SLOT_SIZE } from "../isa/insn.ts";
import type { Program, SourceLine } from "../program.ts";
import { pinnedBytes } from "./syscall.ts";

/** Instruction, type. */
const FUNC_INFO_SIZE = 8;
/** Instruction, file, text, line and column. */
const LINE_INFO_SIZE = 16;
const COLUMN_BITS = 10;

/** Which function is which: without it the kernel takes global functions for static ones. */
export function functionInfo({ functions }: Program): object | undefined {
  if (functions.some(({ typeId }) => typeId === undefined)) return undefined;
  const records = pinnedBytes(functions.length * FUNC_INFO_SIZE);
  const view = new DataView(records.buffer);
  for (const [index, { slot, typeId = 0 }] of functions.entries()) {
    view.setUint32(index * FUNC_INFO_SIZE, slot, true);
    view.setUint32(index * FUNC_INFO_SIZE + 4, typeId, true);
  }
  return { func_info: records, func_info_rec_size: FUNC_INFO_SIZE, func_info_cnt: functions.length };
}

/** Source lines whose texts are strings of the BTF; nothing where a function begins without one, which the kernel refuses. */
export function lineInfo(program: Program, btf: Btf): object {
  const lines = linesToTell(program, btf);
  const starts = new Set(lines.map(({ slot }) => slot));
  if (!program.functions.every(({ slot }) => starts.has(slot))) return {};
  const records = pinnedBytes(lines.length * LINE_INFO_SIZE);
  const view = new DataView(records.buffer);
  for (const [index, { slot, file, text, line, column }] of lines.entries()) {
    const words = [
      slot,
      btf.stringOffset(file) ?? 0,
      btf.stringOffset(text) ?? 0,
      (line << COLUMN_BITS) | column,
    ];
    for (const [word, value] of words.entries()) {
      view.setUint32(index * LINE_INFO_SIZE + 4 * word, value, true);
    }
  }
  return { line_info: records, line_info_rec_size: LINE_INFO_SIZE, line_info_cnt: lines.length };
}

/** One for an instruction at most, and none for the second half of a wide one. */
function linesToTell({ lines, insns }: Program, btf: Btf): SourceLine[] {
  let last = -1;
  return lines.filter(({ slot, file, text }) => {
    const isNew = slot > last && insns[slot * SLOT_SIZE] !== 0;
    if (!isNew || btf.stringOffset(file) === undefined || btf.stringOffset(text) === undefined) return false;
    last = slot;
    return true;
  });
}
