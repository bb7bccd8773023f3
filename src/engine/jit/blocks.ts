// Functions of a program as graphs of basic blocks: what the verifier saw no run reach is left out, and a branch that
// went one way in every run is none.

import { InternalError } from "../../errors.ts";
import type { Insn } from "../../isa/insn.ts";
import { slotCount } from "../../isa/insn.ts";
import { INSN_ROWS, type InsnRow } from "../../isa/table.ts";
import { JumpWays, type Program, type Proof } from "../../program.ts";
import type { FlowGraph } from "./reducible.ts";

/** Instructions that run one after the other, by their index in `Program.decoded`. */
export interface Block {
  readonly first: number;
  /** The last one, included. */
  readonly last: number;
}

/** A function; block 0 is its entry. */
export interface FunctionBlocks extends FlowGraph {
  /** Its first slot. */
  readonly slot: number;
  readonly blocks: readonly Block[];
}

/** What may come after an instruction, by slot: none, one, or where the jump leads and what stands behind it. */
type Ways = readonly [] | readonly [number] | readonly [number, number];

const NO_WAY: Ways = [];

/** The jumps that have a condition: `may_goto` is one. */
const CONDITIONAL: ReadonlySet<InsnRow> = new Set(
  INSN_ROWS.filter(({ name }) => /^j\w+(32|64)_(imm|reg)$|^may_goto$/.test(name)),
);

/** The program's control flow. */
export class ControlFlow {
  readonly #insns: readonly Insn[];
  readonly #proof: Proof;
  /** By slot: the index of the instruction that starts there, or -1. */
  readonly #indexes: Int32Array;
  /** First slots of the functions that are called, the entry first, in the order in which they were found. */
  readonly functions: readonly FunctionBlocks[];

  constructor(program: Program, proof: Proof) {
    this.#insns = program.decoded;
    this.#proof = proof;
    this.#indexes = new Int32Array(program.slots).fill(-1);
    for (const [index, { slot }] of this.#insns.entries()) this.#indexes[slot] = index;
    const slots = new Set([0]);
    const functions: FunctionBlocks[] = [];
    // A set's iterator comes to what is added meanwhile.
    for (const slot of slots) functions.push(this.#blocksOf(slot, slots));
    this.functions = functions;
  }

  #waysOf(insn: Insn): Ways {
    const { row, slot, off, imm } = insn;
    const next = slot + slotCount(insn);
    if (row.name === "exit") return NO_WAY;
    if (row.name === "ja") return [next + off];
    if (row.name === "gotol") return [next + imm];
    if (!CONDITIONAL.has(row)) return [next];
    const ways = this.#proof.jumps[slot];
    if (off === 0 || ways === JumpWays.FALLS_THROUGH) return [next];
    return ways === JumpWays.JUMPS ? [next + off] : [next + off, next];
  }

  /** The blocks of the function at `entry`; the functions that it calls are added to `called`. */
  #blocksOf(entry: number, called: Set<number>): FunctionBlocks {
    const ways = new Map<number, Ways>();
    const starts = new Set([entry]);
    const pending = [entry];
    for (let slot = pending.pop(); slot !== undefined; slot = pending.pop()) {
      if (ways.has(slot)) continue;
      const insn = this.#insns[this.#indexes[slot]];
      if (insn === undefined) throw new InternalError(`jit: expected an instruction at slot ${slot}`);
      if (insn.row.name === "call_local") called.add(slot + 1 + insn.imm);
      const found = this.#waysOf(insn);
      ways.set(slot, found);
      const next = slot + slotCount(insn);
      for (const target of found) {
        pending.push(target);
        if (target !== next || found.length === 2) starts.add(target);
      }
    }
    return this.#cut(entry, ways, starts);
  }

  /** Cuts what control reaches into blocks at `starts`. */
  #cut(entry: number, ways: ReadonlyMap<number, Ways>, starts: Set<number>): FunctionBlocks {
    const reached = [...ways.keys()].sort((a, b) => a - b);
    // What jumps end begins a block even where nothing jumps to it: control came there some way.
    const order = [entry, ...reached.filter((slot) => slot !== entry && starts.has(slot))];
    const nodes = new Map(order.map((slot, node) => [slot, node]));
    const blocks: Block[] = [];
    const successors: number[][] = [];
    for (const start of order) {
      const first = this.#indexes[start];
      let last = first;
      for (;;) {
        const insn = this.#insns[last];
        const targets = ways.get(insn.slot) as Ways;
        const next = insn.slot + slotCount(insn);
        const goesOn = targets.length === 1 && targets[0] === next && !nodes.has(next);
        if (goesOn) {
          last++;
          continue;
        }
        successors.push(targets.map((target) => nodes.get(target) as number));
        break;
      }
      blocks.push({ first, last });
    }
    return { slot: entry, blocks, successors };
  }
}
