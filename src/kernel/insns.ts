// A program's instructions as the kernel is given them: each `lddw` of a map holds a file descriptor.

import type { Btf } from "../btf/btf.ts";
import { SLOT_SIZE } from "../isa/insn.ts";
import { insnRow } from "../isa/table.ts";
import type { MapSpec, Program } from "../program.ts";

const SRC_MAP = insnRow("lddw_map_fd").fixed.src;
const SRC_MAP_VALUE = insnRow("lddw_map_value").fixed.src;

/** A copy in which the `lddw`s that load maps name them by file descriptor, and calls of kernel functions their ids. */
export function encodeMapLoads(
  program: Program,
  fdOf: (spec: MapSpec) => number,
  btf: Btf | undefined,
): Uint8Array {
  const bytes = Uint8Array.from(program.insnsFor(btf));
  const view = new DataView(bytes.buffer);
  for (const { slot, map, offset } of program.maps) {
    const at = slot * SLOT_SIZE;
    const src = offset === undefined ? SRC_MAP : SRC_MAP_VALUE;
    view.setUint8(at + 1, (view.getUint8(at + 1) & 15) | (src << 4));
    view.setInt32(at + 4, fdOf(map), true);
    // A wide instruction that is cut short is the kernel's to refuse.
    if (at + 2 * SLOT_SIZE > bytes.length) continue;
    if (offset !== undefined) view.setInt32(at + SLOT_SIZE + 4, offset, true);
  }
  return bytes;
}
