// What compiled programs (src/engine/jit) call in the core, from Wasm to Wasm: arguments come as values, not in
// the register file, but for `callHelper`.

import { probeRegionEnd } from "./portable/access";
import { packetAt as findPacket } from "./portable/frames";
import { callCoreHelper, nextRandom } from "./portable/helpers";
import { bucketOf, finish, mix } from "./portable/maps/hash";
import { mapDelete as removeKey, mapLookup as findValue, mapUpdate as putValue } from "./portable/maps/map";
import { Bucket, Element, MapHeader } from "./shared/layout";

export function mapLookup(map: i32, key: i32): i32 { return findValue(mem(), map, key); }

export function mapUpdate(map: i32, key: i32, value: i32, flags: i64): i32 {
  return putValue(mem(), map, key, value, <i32>flags, <i32>(flags >> 32));
}

export function mapDelete(map: i32, key: i32): i32 { return removeKey(mem(), map, key); }

/** The value under a key of four bytes in a hash, or 0. */
export function hashLookup4(map: i32, key: i32): i32 {
  const hash = mix(mem(), load<i32>(map, MapHeader.SEED), key);
  let element: usize = load<u32>(bucketOf(mem(), map, finish(mem(), hash)), Bucket.HEAD);
  while (element != 0 && load<i32>(element, Element.KEY) != key) element = load<u32>(element, Element.NEXT);
  // The value starts at the next multiple of eight.
  return element == 0 ? 0 : <i32>element + Element.KEY + 8;
}

/** The same for a key of eight bytes. */
export function hashLookup8(map: i32, key: i64): i32 {
  const hash = mix(mem(), mix(mem(), load<i32>(map, MapHeader.SEED), <i32>key), <i32>(key >> 32));
  let element: usize = load<u32>(bucketOf(mem(), map, finish(mem(), hash)), Bucket.HEAD);
  while (element != 0 && load<i64>(element, Element.KEY) != key) element = load<u32>(element, Element.NEXT);
  return element == 0 ? 0 : <i32>element + Element.KEY + 8;
}

/** Runs one of the core's helpers on the register file; Exit.OK, or why the run must end. */
export function callHelper(which: i32): i32 { return callCoreHelper(mem(), which); }

export function random(): i32 { return nextRandom(mem()); }

/** Address of `size` packet bytes at `offset`, or 0 where the packet does not reach. */
export function packetAt(offset: i32, size: i32): i32 { return findPacket(mem(), offset, size); }

/** `size` bytes at an address that may be gone, as an unsigned number: what probe reads may not read is 0. */
export function loadProbed(address: i64, size: i32): i64 {
  if (address >> 32 != 0) return 0;
  const at = <i32>address;
  const end = probeRegionEnd(mem(), at);
  if (end == 0 || <u32>(end - at) < <u32>size) return 0;
  if (size == 8) return load<i64>(<usize>at);
  if (size == 4) return <i64>load<u32>(<usize>at);
  return size == 2 ? <i64>load<u16>(<usize>at) : <i64>load<u8>(<usize>at);
}
