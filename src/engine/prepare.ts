// From a program to what both interpreters run: code in linear memory with one operation byte per slot,
// register offsets in place of register numbers, map addresses and helper indexes filled in; the regions
// that a checked run may touch; and the record that ties them together (PROGRAM_*, CODE_*, REGION_*).

import { Bpf, CoreHelper } from "../../assembly/shared/codes.ts";
import {
  Code,
  Limit,
  Probed,
  ProgramFlag,
  ProgramRecord,
  Region,
  Right,
} from "../../assembly/shared/layout.ts";
import { Op } from "../../assembly/shared/opcodes.ts";
import { atPlace, LoadError } from "../errors.ts";
import type { HelperRow } from "../helper-table.ts";
import { HELPER_ROWS } from "../helpers/table.ts";
import { kernelHelperName } from "../isa/disassembler.ts";
import type { Insn } from "../isa/insn.ts";
import { SLOT_SIZE } from "../isa/insn.ts";
import { INSN_ROWS, type InsnRow } from "../isa/table.ts";
import { checkProgram } from "../loader/validate.ts";
import type { BpfMap } from "../maps/map.ts";
import type { Program, ProgramMapUse, Proof } from "../program.ts";
import type { ProgramType } from "../program-types.ts";
import type { Runtime } from "../runtime.ts";
import type { MapBindings } from "./engine.ts";
import { fusedOp } from "./fuse.ts";

/** What an engine makes of a program before it can run. */
export interface ReadyProgram {
  /** Address of the record. */
  readonly record: number;
  /** True when its result depends on the time of the event. */
  readonly readsTime: boolean;
  /** Frees the memory and lets go of the maps. */
  readonly release: () => void;
}

export interface PreparedProgram extends ReadyProgram {
  /** Address of the code, SLOT_SIZE bytes per slot. */
  readonly code: number;
}

/** Checked, with the instructions that a run may execute, or with what was proved. */
export type PrepareMode = { readonly limit: number } | { readonly proof: Proof };

/** Program types whose context is a `__sk_buff`. */
const SKB_TYPES: ReadonlySet<ProgramType> = new Set<ProgramType>([
  ...(["socket_filter", "sched_cls", "sched_act", "cgroup_skb", "sk_skb"] as const),
  ...(["lwt_in", "lwt_out", "lwt_xmit", "lwt_seg6local"] as const),
]);

/** LD_ABS and LD_IND of every size. */
const PACKET_LOADS: ReadonlySet<InsnRow> = new Set(INSN_ROWS.filter(({ name }) => /^ld(abs|ind)/.test(name)));

/** The row of a helper: the user's own, or the kernel's. */
export function helperRow(runtime: Runtime, id: number): HelperRow | undefined {
  return runtime.helpers.defined.get(id) ?? HELPER_ROWS.get(id);
}

/** The index of a called helper in the runtime's table; a LoadError where there is no such helper. */
export function helperIndex(runtime: Runtime, insn: Insn): number {
  const row = helperRow(runtime, insn.imm);
  if (row === undefined) {
    const name = kernelHelperName(insn.imm) ?? "unknown";
    throw new LoadError(
      "unsupported",
      `insn ${insn.slot}`,
      `expected a helper of this runtime, got ${name}#${insn.imm} (defineHelper can supply it)`,
    );
  }
  return runtime.helpers.indexOf(row);
}

/** The 64-bit constant that an `lddw` loads, as its lower and upper half. */
export function wideValue(
  insn: Insn,
  use: ProgramMapUse | undefined,
  maps: MapBindings,
): readonly [number, number] {
  const source = insn.row.fixed.src;
  if (use !== undefined) {
    const map = boundMap(use, maps);
    return [use.offset === undefined ? map.address : map.layout.valuesStart + use.offset, 0];
  }
  if (source === 0) return [insn.imm, insn.next];
  if (insn.row.name === "lddw_func") return [insn.slot + insn.imm + 1, Code.POINTER_HIGH];
  const expected =
    insn.row.name === "lddw_btf_id"
      ? "no BTF variable (they come with CO-RE)"
      : "the program to name its map";
  throw new LoadError("unsupported", `insn ${insn.slot}`, `expected ${expected}, got src = ${source}`);
}

function boundMap(use: ProgramMapUse, maps: MapBindings): BpfMap {
  const map = maps.get(use.map);
  if (map === undefined)
    throw new TypeError(`insn ${use.slot}: expected map ${use.map.name} among the bound maps`);
  return map;
}

/** Writes one instruction in prepared form. */
function writeInsn(
  runtime: Runtime,
  code: number,
  insn: Insn,
  use: ProgramMapUse | undefined,
  maps: MapBindings,
): void {
  const { row, dst, src, off, imm } = insn;
  // Looked up first: entering a helper into the table may move memory.
  const index = row.name === "call_helper" ? helperIndex(runtime, insn) : 0;
  const { view } = runtime.memory;
  const at = code + insn.slot * SLOT_SIZE;
  const readsSrc = row.operands.has("src");
  // Where an instruction has a src and an imm, dst is implied (LD_IND: r0) and gives its byte to src.
  const both = readsSrc && row.operands.has("imm");
  view.setUint8(at, row.op);
  view.setUint8(at + Code.DST, (both ? src : dst) * 8);
  view.setInt16(at + Code.OFF, off, true);
  if (row.name === "call_helper") view.setInt32(at + Code.IMM, index, true);
  else if (row.wide) {
    const [low, high] = wideValue(insn, use, maps);
    view.setInt32(at + Code.IMM, low, true);
    view.setInt32(at + SLOT_SIZE + Code.IMM, high, true);
  } else view.setInt32(at + Code.IMM, readsSrc && !both ? src * 8 : imm, true);
}

/** Gives the calls that programs make most an operation of their own. */
function specialiseCalls(runtime: Runtime, code: number, program: Program): void {
  const { view } = runtime.memory;
  for (const { row, slot, imm } of program.decoded) {
    if (row.name !== "call_helper" || helperRow(runtime, imm)?.core !== CoreHelper.MAP_LOOKUP_ELEM) continue;
    view.setUint8(code + slot * SLOT_SIZE, Op.CALL_LOOKUP);
  }
}

/** Bytes by the size bits of an opcode: w, h, b, dw. */
const SIZES = [4, 2, 1, 8];
const MODE_SIGNED = 0x80;

/** Loads through pointers to kernel objects fault to 0. */
function probeLoads(runtime: Runtime, code: number, program: Program, { probedLoads }: Proof): void {
  if (probedLoads.size === 0) return;
  const { view } = runtime.memory;
  for (const { row, slot, src } of program.decoded) {
    if (!probedLoads.has(slot)) continue;
    const at = code + slot * SLOT_SIZE;
    const bytes = SIZES[(row.code >> 3) & 3];
    const signed = (row.code & 0xe0) === MODE_SIGNED ? Probed.SIGNED : 0;
    view.setUint8(at, Op.LDX_PROBED);
    view.setInt32(at + Code.IMM, (src * 8) | (bytes << Probed.SIZE_SHIFT) | signed, true);
  }
}

/** Replaces the operations of pairs that have a fused one. Backwards, so that each slot is looked at before it changes. */
function fusePairs(runtime: Runtime, code: number, program: Program): void {
  const { view } = runtime.memory;
  const { decoded } = program;
  /** The operation of the slot behind, before it was fused itself. */
  let own = view.getUint8(code + decoded[decoded.length - 1].slot * SLOT_SIZE);
  for (let index = decoded.length - 2; index >= 0; index--) {
    const at = code + decoded[index].slot * SLOT_SIZE;
    const next = code + decoded[index + 1].slot * SLOT_SIZE;
    const fused = fusedOp(view, at, next, own);
    own = view.getUint8(at);
    if (fused !== undefined) view.setUint8(at, fused);
  }
}

/** The context's region comes first and is filled in by each run; then one per map, also those only passed to helpers. */
function writeRegions(runtime: Runtime, maps: readonly BpfMap[]): { address: number; count: number } {
  const count = maps.length + 1;
  const address = runtime.heap.allocate(count * Region.SIZE);
  const { memory } = runtime;
  memory.store32(address + Region.RIGHTS, Right.READ | Right.WRITE);
  for (const [index, map] of maps.entries()) {
    const at = address + (index + 1) * Region.SIZE;
    const { flags } = map.spec;
    const readOnly = (flags & Bpf.F_RDONLY_PROG) !== 0;
    const writeOnly = (flags & Bpf.F_WRONLY_PROG) !== 0;
    memory.store32(at + Region.START, map.layout.valuesStart);
    memory.store32(at + Region.END, map.layout.valuesEnd);
    memory.store32(at + Region.STRIDE, map.layout.stride);
    memory.store32(at + Region.VALUE_SIZE, map.spec.valueSize);
    memory.store32(
      at + Region.RIGHTS,
      readOnly ? Right.READ : writeOnly ? Right.WRITE : Right.READ | Right.WRITE,
    );
    memory.store32(at + Region.MAP, map.address);
  }
  return { address, count };
}

/** Bytes of stack that a program of which nothing is proved may read before it wrote them: none when it never uses r10. */
function unprovedStack(program: Program): number {
  const usesStack = program.decoded.some(({ row, dst, src }) => {
    return (row.operands.has("src") && src === 10) || (row.operands.has("dst") && dst === 10);
  });
  return usesStack ? Limit.FRAME_STACK : 0;
}

/** The ProgramFlag bits that follow from what a verified program is. */
export function verifiedFlags(runtime: Runtime, program: Program): number {
  return (
    (program.type === "raw" ? ProgramFlag.RAW : 0) | (readsPacket(runtime, program) ? ProgramFlag.SKB : 0)
  );
}

/** The maps of a program, each once. Throws a TypeError for one that is not bound, or is of another runtime. */
export function boundMaps(runtime: Runtime, program: Program, maps: MapBindings): readonly BpfMap[] {
  const found = [...new Set(program.maps.map((use) => boundMap(use, maps)))];
  const foreign = found.find((map) => map.runtime !== runtime);
  if (foreign !== undefined) throw new TypeError(`map ${foreign.name}: expected a map of the same runtime`);
  return found;
}

/** True when a program's result depends on the time of the event. */
export function readsTime(runtime: Runtime, program: Program): boolean {
  return program.decoded.some(
    ({ row, imm }) =>
      row.name === "callx" || (row.name === "call_helper" && helperRow(runtime, imm)?.readsTime === true),
  );
}

/** True when the packet of the program's `__sk_buff` must be at hand: an instruction or a helper reads it. */
function readsPacket(runtime: Runtime, program: Program): boolean {
  if (!SKB_TYPES.has(program.type)) return false;
  return program.decoded.some(
    ({ row, imm }) =>
      PACKET_LOADS.has(row) || (row.name === "call_helper" && helperRow(runtime, imm)?.readsPacket === true),
  );
}

/**
 * Prepares a program for the interpreters. Throws a LoadError for a program that is not well formed or calls
 * what this runtime does not have.
 */
export function prepareProgram(
  runtime: Runtime,
  program: Program,
  maps: MapBindings,
  mode: PrepareMode,
): PreparedProgram {
  return atPlace(`program ${program.name}`, () => prepare(runtime, program, maps, mode));
}

function prepare(runtime: Runtime, program: Program, maps: MapBindings, mode: PrepareMode): PreparedProgram {
  checkProgram(program);
  const { heap, memory } = runtime;
  const uses = new Map(program.maps.map((use) => [use.slot, use]));
  const held = boundMaps(runtime, program, maps);
  // A callx may name any helper, so all of them must be in the table.
  if (program.decoded.some(({ row }) => row.name === "callx")) {
    for (const row of HELPER_ROWS.values()) runtime.helpers.indexOf(helperRow(runtime, row.id) ?? row);
    for (const row of runtime.helpers.defined.values()) runtime.helpers.indexOf(row);
  }
  const code = heap.allocate(program.insns.length);
  try {
    for (const insn of program.decoded) writeInsn(runtime, code, insn, uses.get(insn.slot), maps);
  } catch (error) {
    heap.free(code);
    throw error;
  }
  const isChecked = "limit" in mode;
  if (!isChecked) {
    specialiseCalls(runtime, code, program);
    probeLoads(runtime, code, program, mode.proof);
    fusePairs(runtime, code, program);
  }
  const regions = writeRegions(runtime, held);
  const record = heap.allocate(ProgramRecord.SIZE);
  memory.store32(record + ProgramRecord.CODE, code);
  memory.store32(record + ProgramRecord.SLOTS, program.slots);
  memory.store32(record + ProgramRecord.REGIONS, regions.address);
  memory.store32(record + ProgramRecord.REGION_COUNT, regions.count);
  const limit = isChecked ? mode.limit : 0;
  const zeroed = isChecked ? unprovedStack(program) : Math.max(0, ...mode.proof.unwrittenStack);
  memory.store32(record + ProgramRecord.LIMIT_LOW, limit % 0x1_0000_0000);
  memory.store32(record + ProgramRecord.LIMIT_HIGH, limit / 0x1_0000_0000);
  memory.store32(record + ProgramRecord.ZEROED_STACK, zeroed);
  const flags =
    (zeroed > 0 ? ProgramFlag.ZERO_STACK : 0) |
    // What a checked program is given as context may be anything: no address in it can be trusted.
    (isChecked
      ? ProgramFlag.CHECKED | (program.type === "raw" ? ProgramFlag.RAW : 0)
      : verifiedFlags(runtime, program));
  memory.store32(record + ProgramRecord.FLAGS, flags);
  for (const map of held) map.hold();
  const release = () => {
    for (const block of [code, regions.address, record]) heap.free(block);
    for (const map of held) map.close();
  };
  return { record, code, readsTime: readsTime(runtime, program), release };
}
