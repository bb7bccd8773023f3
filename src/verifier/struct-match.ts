// Whether a pointer to one struct of the kernel's will do for another: the same one, or one that has the other at that
// place, however deep (btf_struct_ids_match in kernel/bpf/btf.c).

import type { Btf } from "../btf/btf.ts";

/** Structs that programs know by a name of their own, and what they are. */
const PROJECTIONS: Readonly<Record<string, string>> = { __sk_buff: "sk_buff", xdp_md: "xdp_buff" };

/** The first is how programs see the second. */
export const isProjection = (seen: string, real: string): boolean =>
  Object.hasOwn(PROJECTIONS, seen) && PROJECTIONS[seen] === real;

/** Types that differ in what was done to the object so far are never taken for each other. */
const INIT = "___init";
const areStages = (one: string, other: string): boolean =>
  one.endsWith(INIT) !== other.endsWith(INIT) && one.replace(INIT, "") === other.replace(INIT, "");

/** A pointer `off` bytes into struct `held` is one to struct `wanted`. `isStrict`: only its very start is. */
export function structMatches(
  btf: Btf | undefined,
  held: string,
  off: number,
  wanted: string,
  isStrict: boolean,
): boolean {
  if (off === 0 && held === wanted) return true;
  if (isStrict || areStages(held, wanted) || btf === undefined) return false;
  const type = btf.findByName(held, "struct");
  return type !== undefined && hasAt(btf, type.id, off, wanted, 0);
}

const MAX_NESTING = 16;

function hasAt(btf: Btf, id: number, off: number, wanted: string, depth: number): boolean {
  const type = btf.resolve(id);
  if (depth > MAX_NESTING) return false;
  if (type.kind === "array") {
    const size = btf.sizeOf(type.type);
    return size > 0 && off < size * type.length && hasAt(btf, type.type, off % size, wanted, depth + 1);
  }
  if (type.kind !== "struct" && type.kind !== "union") return false;
  if (off === 0 && type.name === wanted) return true;
  if (off < 0 || off >= type.size) return false;
  return type.members.some(({ type: member, bitOffset }) => {
    const at = off - (bitOffset >> 3);
    const { kind } = btf.resolve(member);
    const isNested = kind === "struct" || kind === "union" || kind === "array";
    return isNested && at >= 0 && at < btf.sizeOf(member) && hasAt(btf, member, at, wanted, depth + 1);
  });
}
