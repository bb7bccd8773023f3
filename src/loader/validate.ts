// What every engine relies on in a program, whether it was verified or not: each instruction decodes, control
// stays inside, no function can run off its end, every map load has its map. Says nothing about what the program
// does; the verifier says it again, in the kernel's words, for the programs that it looks at. RFC 9669 §3, §4.3.

import { LoadError } from "../errors.ts";
import { formatInsn } from "../isa/disassembler.ts";
import { type Insn, slotCount } from "../isa/insn.ts";
import { INSN_ROWS, type InsnRow, insnRow } from "../isa/table.ts";
import type { Program } from "../program.ts";

/** Instructions that end a function: nothing behind them is reached from them. */
const ENDS: ReadonlySet<InsnRow> = new Set(["exit", "ja", "gotol"].map(insnRow));
const KFUNC = insnRow("call_kfunc");
const CALL_LOCAL = insnRow("call_local");
const LOAD_FUNCTION = insnRow("lddw_func");
/** Loads of a map or of a place in its value: they mean nothing without the program naming the map. */
const LOADS_MAP: ReadonlySet<InsnRow> = new Set(
  ["lddw_map_fd", "lddw_map_value", "lddw_map_idx", "lddw_map_idx_value"].map(insnRow),
);

/** The instruction that starts at each slot; none in the second slot of a wide one. */
type InsnAt = readonly (Insn | undefined)[];

/** The field that holds the distance to another instruction, by the operand in the row's template. */
const DISTANCE_FIELD = new Map<InsnRow, "off" | "imm">();
for (const row of INSN_ROWS) {
  const template = row.pseudoC[0] as string;
  if (template.includes("$J")) DISTANCE_FIELD.set(row, "off");
  else if (/\$[LFP]/.test(template)) DISTANCE_FIELD.set(row, "imm");
}

function fault(
  code: "bad-jump" | "bad-program" | "bad-relocation" | "unsupported",
  insn: Insn,
  problem: string,
) {
  return new LoadError(code, `insn ${insn.slot}`, `${problem} in '${formatInsn(insn)}'`);
}

/**
 * Checks the structure of a program. Throws a LoadError that names the instruction by slot and text:
 * `unknown-opcode`, `reserved-field`, `bad-jump` (a jump, call or function address that leaves the program or
 * lands inside a wide instruction), `bad-program` (a function that can run off its end), `bad-relocation` (a map
 * load without its map), `unsupported` (kfunc calls).
 */
export function checkProgram(program: Program): void {
  const insns = program.decoded;
  const startsAt: (Insn | undefined)[] = new Array(program.slots).fill(undefined);
  for (const insn of insns) startsAt[insn.slot] = insn;
  const functions = new Set<number>([0]);
  for (const insn of insns) {
    const { row } = insn;
    if (row === KFUNC) {
      const name = program.kernelCalls.find(({ slot }) => slot === insn.slot)?.name;
      const got = name === undefined ? "a kernel function" : `the kernel function ${name}`;
      const problem = `expected a helper or a function of the program, got ${got}, which no engine has,`;
      throw fault("unsupported", insn, problem);
    }
    const field = DISTANCE_FIELD.get(row);
    if (field === undefined) continue;
    const target = insn.slot + 1 + insn[field];
    if (startsAt[target] === undefined) {
      const got =
        target >= 0 && target < program.slots ? `the middle of one, slot ${target}` : `slot ${target}`;
      throw fault("bad-jump", insn, `expected an instruction of the program, got ${got}`);
    }
    if (row === CALL_LOCAL || row === LOAD_FUNCTION) functions.add(target);
  }
  for (const { slot, name } of program.functions) {
    if (startsAt[slot] === undefined) {
      const problem = `expected it to start at an instruction, got slot ${slot}`;
      throw new LoadError("bad-program", `function ${name}`, problem);
    }
    functions.add(slot);
  }
  checkEnds(insns, startsAt, functions);
  checkMapLoads(program);
}

/** The instruction in front of each function, and the last of all, must not run on where control may reach it. */
function checkEnds(insns: readonly Insn[], startsAt: InsnAt, functions: ReadonlySet<number>): void {
  let reached: ReadonlySet<Insn> | undefined;
  for (const [index, insn] of insns.entries()) {
    const next = insn.slot + slotCount(insn);
    const isLast = index === insns.length - 1;
    if ((!isLast && !functions.has(next)) || ENDS.has(insn.row)) continue;
    reached ??= reachable(startsAt, functions);
    if (!reached.has(insn)) continue;
    const got = isLast ? "the end of the program" : `the function at slot ${next}`;
    throw fault(
      "bad-program",
      insn,
      `expected an exit or a jump as a function's last instruction, got ${got} after it`,
    );
  }
}

/** What control may reach from the functions' starts. */
function reachable(startsAt: InsnAt, functions: ReadonlySet<number>): ReadonlySet<Insn> {
  const reached = new Set<Insn>();
  const slots = [...functions];
  for (let slot = slots.pop(); slot !== undefined; slot = slots.pop()) {
    const insn = startsAt[slot];
    if (insn === undefined || reached.has(insn)) continue;
    reached.add(insn);
    if (!ENDS.has(insn.row)) slots.push(slot + slotCount(insn));
    const field = DISTANCE_FIELD.get(insn.row);
    if (field !== undefined) slots.push(slot + 1 + insn[field]);
  }
  return reached;
}

function checkMapLoads(program: Program): void {
  const uses = new Set(program.maps.map(({ slot }) => slot));
  for (const insn of program.decoded) {
    const { row, slot } = insn;
    if (LOADS_MAP.has(row) && !uses.has(slot)) {
      throw fault("bad-relocation", insn, "expected the program to name the map, got none for the load");
    }
    if (!row.wide && uses.has(slot)) {
      throw fault("bad-relocation", insn, "expected a map only where one is loaded, got one");
    }
  }
}
