// Makes a program of bare instruction bytes, for tests and for users who write their own code: no file format,
// only maps to bind. Names are as in libbpf: `relo` lists the `lddw` that load maps.

import type { Btf } from "../btf/btf.ts";
import { plainBytes } from "../btf/bytes.ts";
import { atPlace, LoadError } from "../errors.ts";
import { readSlot, SLOT_SIZE } from "../isa/insn.ts";
import { insnRow, LDDW_CODE } from "../isa/table.ts";
import { type MapSpec, Program, type ProgramFunction, type ProgramMapUse } from "../program.ts";
import type { ProgramType } from "../program-types.ts";

/** What bare instructions do not say themselves. */
export interface RawOptions {
  readonly name?: string;
  readonly type: ProgramType;
  readonly license?: string;
  /** The maps that the program uses. */
  readonly maps?: readonly MapSpec[];
  /** Pairs of the slot of a `lddw` and the index in `maps` of the map that it loads. */
  readonly relo?: readonly (readonly [slot: number, mapIndex: number])[];
  /** Types, and the functions that they are of, by their first slots. */
  readonly btf?: Btf;
  readonly functions?: readonly ProgramFunction[];
}

/** Pseudo sources of a `lddw` that loads a map's address, and of one that loads an address in its first value. */
const LOADS_MAP: ReadonlySet<number> = sources("lddw_map_fd", "lddw_map_idx");
const LOADS_VALUE: ReadonlySet<number> = sources("lddw_map_value", "lddw_map_idx_value");

function sources(...names: string[]): ReadonlySet<number> {
  return new Set(names.map((name) => insnRow(name).fixed.src));
}

/**
 * Makes a program of instruction bytes, which are kept, not copied. A `lddw` with src 1, 2, 5 or 6 loads the map
 * that `relo` gives it, or the one whose index in `maps` is its imm; with src 2 and 6 the second slot's imm is
 * the offset in the map's value. Apart from that, instructions are not looked at: they may be invalid.
 * Throws a LoadError: `bad-relocation` where there is no such map, no such `lddw`, or a map too many; what `Program` throws.
 */
export function loadRaw(bytes: Uint8Array, options: RawOptions): Program {
  const { name = "program", type, license = "", maps = [], relo = [], btf, functions } = options;
  const uses = atPlace(`program ${name}`, () => findUses(bytes, maps, relo));
  return new Program({
    ...{ name, type, license, insns: plainBytes(bytes), maps: uses },
    ...(btf === undefined ? {} : { btf }),
    ...(functions === undefined ? {} : { functions }),
  });
}

function findUses(
  bytes: Uint8Array,
  maps: readonly MapSpec[],
  relo: NonNullable<RawOptions["relo"]>,
): ProgramMapUse[] {
  const given = new Map<number, number>();
  for (const [slot, index] of relo) {
    if (given.has(slot)) throw badRelocation(slot, "expected one map for it, got two");
    given.set(slot, index);
  }
  const uses: ProgramMapUse[] = [];
  const slots = Math.floor(bytes.length / SLOT_SIZE);
  for (let slot = 0; slot < slots; slot++) {
    const { code, src, imm } = readSlot(bytes, slot);
    if (code !== LDDW_CODE) continue;
    const isValue = LOADS_VALUE.has(src);
    if (isValue || LOADS_MAP.has(src)) {
      const map = mapOf(slot, given.get(slot) ?? imm, maps);
      const offset = slot + 1 < slots ? readSlot(bytes, slot + 1).imm : 0;
      uses.push(isValue ? { slot, map, offset } : { slot, map });
      given.delete(slot);
    }
    slot++;
  }
  const [lost] = given.keys();
  if (lost !== undefined) throw badRelocation(lost, "expected a lddw that loads a map, got another");
  return uses;
}

const badRelocation = (slot: number, problem: string): LoadError =>
  new LoadError("bad-relocation", `insn ${slot}`, problem);

function mapOf(slot: number, index: number, maps: readonly MapSpec[]): MapSpec {
  const map = maps[index];
  if (map !== undefined) return map;
  const expected = maps.length === 0 ? "maps for the program" : `a map index in 0..${maps.length - 1}`;
  throw badRelocation(slot, `expected ${expected}, got index ${index}`);
}
