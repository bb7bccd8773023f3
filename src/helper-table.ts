// The helpers of one runtime: rows by id, and for those in use a dense index that prepared code calls by.
// The table's machine half lies in linear memory (HELPER_*), where every engine reads argument classes and
// finds the helpers that the core runs itself; the others are called here.

import { type Arg, CoreHelper, Exit } from "../assembly/shared/codes.ts";
import { At, HelperEntry } from "../assembly/shared/layout.ts";
import type { Runtime } from "./runtime.ts";

/** What a helper returns, as the kernel's `enum bpf_return_type` tells it apart. */
export type HelperReturn = "integer" | "void" | "map_value_or_null";

/** One helper: a row of helpers/, or one that a user defined. */
export interface HelperRow {
  readonly id: number;
  /** Without the `bpf_` prefix. */
  readonly name: string;
  /** Classes of r1.. in order; at most five. */
  readonly args: readonly Arg[];
  readonly returns: HelperReturn;
  /** Only programs with a GPL-compatible licence may call it. */
  readonly gplOnly?: boolean;
  /** True when its result depends on the time of the event. */
  readonly readsTime?: boolean;
  /** True when it reads the packet of a `__sk_buff` (At.PACKET_START). */
  readonly readsPacket?: boolean;
  /** The core's function, for helpers that need no JavaScript. */
  readonly core?: CoreHelper;
  /** Runs it: arguments are in the registers REG_R1.., the result goes to r0 and is returned. */
  readonly body?: (runtime: Runtime) => bigint | number;
}

export class HelperTable {
  readonly #runtime: Runtime;
  readonly #rows: HelperRow[] = [];
  readonly #indexes = new Map<HelperRow, number>();
  readonly #defined = new Map<number, HelperRow>();
  #capacity = 0;
  /** What the last helper body threw; taken by the engine when a run ends with Exit.HOST. */
  #thrown: unknown;

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
  }

  /** Adds a helper of the user's own, or puts it in a kernel helper's place, for programs loaded from now on. */
  define(row: HelperRow): void {
    this.#defined.set(row.id, row);
    const { memory } = this.#runtime;
    // A `callx` finds helpers by id: the one that was replaced must not be found any more.
    for (const [index, old] of this.#rows.entries()) {
      if (old.id === row.id)
        memory.store32(memory.load32(At.HELPERS) + index * HelperEntry.SIZE + HelperEntry.ID, 0);
    }
  }

  /** The user's own helpers, by id. */
  get defined(): ReadonlyMap<number, HelperRow> {
    return this.#defined;
  }

  /** The index of helper `row` in the table; entered on first use. */
  indexOf(row: HelperRow): number {
    const known = this.#indexes.get(row);
    if (known !== undefined) return known;
    const { memory, heap } = this.#runtime;
    const index = this.#rows.length;
    if (index === this.#capacity) {
      const old = memory.load32(At.HELPERS);
      this.#capacity = Math.max(32, this.#capacity * 2);
      const table = heap.allocate(this.#capacity * HelperEntry.SIZE);
      memory.copy(table, old, index * HelperEntry.SIZE);
      memory.store32(At.HELPERS, table);
      if (old !== 0) heap.free(old);
    }
    const entry = memory.load32(At.HELPERS) + index * HelperEntry.SIZE;
    const classes = row.args.reduce(
      (bits, arg, position) => bits | (arg << (position * HelperEntry.ARG_BITS)),
      0,
    );
    memory.store32(entry + HelperEntry.ARGS, classes);
    memory.store32(entry + HelperEntry.CORE, row.core ?? CoreHelper.HOST);
    memory.store32(entry + HelperEntry.ID, row.id);
    memory.store32(At.HELPER_COUNT, index + 1);
    this.#rows.push(row);
    this.#indexes.set(row, index);
    return index;
  }

  /** The row at an index that `indexOf` gave. */
  at(index: number): HelperRow {
    return this.#rows[index] as HelperRow;
  }

  /** Runs helper `index` on the register file. Exit.OK, or Exit.HOST when it threw (see `takeThrown`). */
  call(index: number): number {
    try {
      const result = (this.at(index).body as (runtime: Runtime) => bigint | number)(this.#runtime);
      const { memory } = this.#runtime;
      if (typeof result === "bigint") memory.storeU64(At.R0, BigInt.asUintN(64, result));
      else {
        memory.store32(At.R0, result);
        memory.store32(At.R0 + 4, Math.floor(result / 0x100000000));
      }
      return Exit.OK;
    } catch (error) {
      this.#thrown = error;
      return Exit.HOST;
    }
  }

  /** What the helper that ended the last run threw. */
  takeThrown(): unknown {
    const thrown = this.#thrown;
    this.#thrown = undefined;
    return thrown;
  }
}
