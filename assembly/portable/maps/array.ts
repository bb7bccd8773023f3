// Compiled by asc into the core and by tsc for engines without Wasm: i32 arithmetic over `Mem` only.
// The data plane of array maps: values side by side, MapHeader.STRIDE apart, zero from the start. Follows
// kernel/bpf/arraymap.c: an index past the end has no value, nothing can be deleted.

import { Bpf, Errno } from "../../shared/codes.ts";
import { MapHeader } from "../../shared/layout.ts";

/** Address of the value at the index that `key` points to, or 0. */
export function arrayLookup(m: Mem, map: i32, key: i32): i32 {
  const index = m.load32(key);
  if (!m.below(index, m.load32(map + MapHeader.MAX_ENTRIES))) return 0;
  return (m.load32(map + MapHeader.VALUES) + m.mul(index, m.load32(map + MapHeader.STRIDE))) | 0;
}

/** Copies a value in; 0 or a negative error number. `flags` are the lower half, the upper is zero. */
export function arrayUpdate(m: Mem, map: i32, key: i32, value: i32, flags: i32): i32 {
  if (m.below(Bpf.EXIST, flags & ~Bpf.F_LOCK)) return -Errno.EINVAL;
  const to = arrayLookup(m, map, key);
  if (to === 0) return -Errno.E2BIG;
  if ((flags & Bpf.NOEXIST) !== 0) return -Errno.EEXIST;
  // No map has a lock in its values yet.
  if ((flags & Bpf.F_LOCK) !== 0) return -Errno.EINVAL;
  m.copy(to, value, m.load32(map + MapHeader.VALUE_SIZE));
  return 0;
}

/** Writes the index after the one that `key` points to; 0 where `key` is 0 or not an index. */
export function arrayNextKey(m: Mem, map: i32, key: i32, out: i32): i32 {
  const entries = m.load32(map + MapHeader.MAX_ENTRIES);
  let index = 0;
  if (key !== 0 && m.below(m.load32(key), entries)) {
    index = (m.load32(key) + 1) | 0;
    if (index === entries) return -Errno.ENOENT;
  }
  m.store32(out, index);
  return 0;
}
