// Compiled by asc into the core and by tsc for engines without Wasm: i32 arithmetic over `Mem` only.
// One operation for every map type: picks the type's data plane. `map` is the address of a header.

import { Errno, MapType } from "../../shared/codes.ts";
import { MapHeader } from "../../shared/layout.ts";
import { arrayLookup, arrayNextKey, arrayUpdate } from "./array.ts";
import { hashDelete, hashLookup, hashNextKey, hashUpdate } from "./hash.ts";

/** Address of the value under the key at `key`, or 0. */
export function mapLookup(m: Mem, map: i32, key: i32): i32 {
  if (m.load32(map + MapHeader.TYPE) === MapType.HASH) return hashLookup(m, map, key);
  return arrayLookup(m, map, key);
}

/** Stores the value at `value` under the key at `key`; 0 or a negative error number. */
export function mapUpdate(m: Mem, map: i32, key: i32, value: i32, flags: i32, flagsHigh: i32): i32 {
  if (flagsHigh !== 0) return -Errno.EINVAL;
  if (m.load32(map + MapHeader.TYPE) === MapType.HASH) return hashUpdate(m, map, key, value, flags);
  return arrayUpdate(m, map, key, value, flags);
}

/** Removes the key at `key`; 0 or a negative error number. */
export function mapDelete(m: Mem, map: i32, key: i32): i32 {
  if (m.load32(map + MapHeader.TYPE) === MapType.HASH) return hashDelete(m, map, key);
  return -Errno.EINVAL;
}

/** Writes the key after the one at `key` (0: the first) to `out`; 0 or -ENOENT. */
export function mapNextKey(m: Mem, map: i32, key: i32, out: i32): i32 {
  if (m.load32(map + MapHeader.TYPE) === MapType.HASH) return hashNextKey(m, map, key, out);
  return arrayNextKey(m, map, key, out);
}
