// Compiled by asc into the core and by tsc for engines without Wasm: i32 arithmetic over `Mem` only.
// The data plane of hash maps: buckets of chained elements, all memory taken when the map is made.
// Follows kernel/bpf/hashtab.c where a program can tell: an update of a present key puts a new element at
// the head of its chain (who still holds the old value writes into the air), deleted elements are
// reused last in first out, and a key that is not there makes iteration start again.
//
//   buckets: | head, lock | head, lock | …        elements: | next, hash, key…, value… | …
//               |                                              ^
//               +----------------------------------------------+

import { Bpf, Errno } from "../../shared/codes.ts";
import { Bucket, Element, MapHeader } from "../../shared/layout.ts";

/** Multiply and fold one word in. */
export function mix(m: Mem, hash: i32, word: i32): i32 {
  const product = m.mul(hash ^ word, 0x9e3779b1 | 0);
  return product ^ (product >>> 15);
}

/** Murmur3's finish, so that every bit reaches the bucket index. */
export function finish(m: Mem, hash: i32): i32 {
  const product = m.mul(hash ^ (hash >>> 16), 0x85ebca6b | 0);
  return product ^ (product >>> 13);
}

/** Hash of a key of any size: by words, then by bytes. */
function hashOf(m: Mem, map: i32, key: i32): i32 {
  let hash = m.load32(map + MapHeader.SEED);
  let at = key;
  let left = m.load32(map + MapHeader.KEY_SIZE);
  while (left >= 4) {
    hash = mix(m, hash, m.load32(at));
    at += 4;
    left -= 4;
  }
  while (left > 0) {
    hash = mix(m, hash, m.load8(at));
    at++;
    left--;
  }
  return finish(m, hash);
}

/** The bucket for a hash. */
export function bucketOf(m: Mem, map: i32, hash: i32): i32 {
  return (
    (m.load32(map + MapHeader.BUCKETS) + m.mul(hash & m.load32(map + MapHeader.BUCKET_MASK), Bucket.SIZE)) | 0
  );
}

/** The element with that key, or 0. */
function find(m: Mem, map: i32, key: i32, hash: i32): i32 {
  const size = m.load32(map + MapHeader.KEY_SIZE);
  let element = m.load32(bucketOf(m, map, hash) + Bucket.HEAD);
  while (element !== 0) {
    if (m.load32(element + Element.HASH) === hash && m.equal(element + Element.KEY, key, size))
      return element;
    element = m.load32(element + Element.NEXT);
  }
  return 0;
}

/** Takes `element` out of its bucket's chain. */
function unlink(m: Mem, bucket: i32, element: i32): void {
  const next = m.load32(element + Element.NEXT);
  let at = m.load32(bucket + Bucket.HEAD);
  if (at === element) {
    m.store32(bucket + Bucket.HEAD, next);
    return;
  }
  while (m.load32(at + Element.NEXT) !== element) at = m.load32(at + Element.NEXT);
  m.store32(at + Element.NEXT, next);
}

/** An element for a new key; the caller has seen that the map is not full, so there is one. */
function takeElement(m: Mem, map: i32): i32 {
  const free = m.load32(map + MapHeader.FREE);
  if (free !== 0) {
    m.store32(map + MapHeader.FREE, m.load32(free + Element.NEXT));
    return free;
  }
  const fresh = m.load32(map + MapHeader.FRESH);
  m.store32(map + MapHeader.FRESH, fresh + 1);
  return (m.load32(map + MapHeader.ELEMENTS) + m.mul(fresh, m.load32(map + MapHeader.STRIDE))) | 0;
}

/** Address of the value under the key at `key`, or 0. Keys of one and two words, which are most, need no further call. */
export function hashLookup(m: Mem, map: i32, key: i32): i32 {
  const size = m.load32(map + MapHeader.KEY_SIZE);
  let element = 0;
  if (size === 8 || size === 4) {
    const first = m.load32(key);
    const last = m.load32(key + size - 4);
    let hash = mix(m, m.load32(map + MapHeader.SEED), first);
    if (size === 8) hash = mix(m, hash, last);
    element = m.load32(bucketOf(m, map, finish(m, hash)) + Bucket.HEAD);
    while (element !== 0) {
      const at = element + Element.KEY;
      if (m.load32(at) === first && m.load32(at + size - 4) === last) break;
      element = m.load32(element + Element.NEXT);
    }
  } else {
    element = find(m, map, key, hashOf(m, map, key));
  }
  return element === 0 ? 0 : (element + m.load32(map + MapHeader.VALUE_OFFSET)) | 0;
}

/** Puts a value under a key; 0 or a negative error number. `flags` are the lower half, the upper is zero. */
export function hashUpdate(m: Mem, map: i32, key: i32, value: i32, flags: i32): i32 {
  if (m.below(Bpf.EXIST, flags & ~Bpf.F_LOCK)) return -Errno.EINVAL;
  // No map has a lock in its values yet.
  if ((flags & Bpf.F_LOCK) !== 0) return -Errno.EINVAL;
  const hash = hashOf(m, map, key);
  const old = find(m, map, key, hash);
  if (old !== 0 && flags === Bpf.NOEXIST) return -Errno.EEXIST;
  if (old === 0 && flags === Bpf.EXIST) return -Errno.ENOENT;
  let element = 0;
  if (old !== 0) {
    element = m.load32(map + MapHeader.SPARE);
  } else {
    const count = m.load32(map + MapHeader.COUNT);
    if (count === m.load32(map + MapHeader.MAX_ENTRIES)) return -Errno.E2BIG;
    m.store32(map + MapHeader.COUNT, count + 1);
    element = takeElement(m, map);
  }
  m.copy(element + Element.KEY, key, m.load32(map + MapHeader.KEY_SIZE));
  m.copy(element + m.load32(map + MapHeader.VALUE_OFFSET), value, m.load32(map + MapHeader.VALUE_SIZE));
  m.store32(element + Element.HASH, hash);
  const bucket = bucketOf(m, map, hash);
  if (old !== 0) {
    unlink(m, bucket, old);
    m.store32(map + MapHeader.SPARE, old);
  }
  m.store32(element + Element.NEXT, m.load32(bucket + Bucket.HEAD));
  m.store32(bucket + Bucket.HEAD, element);
  return 0;
}

/** Removes a key; 0 or -Errno.ENOENT. The element's bytes stay as they are until it is used again. */
export function hashDelete(m: Mem, map: i32, key: i32): i32 {
  const hash = hashOf(m, map, key);
  const element = find(m, map, key, hash);
  if (element === 0) return -Errno.ENOENT;
  unlink(m, bucketOf(m, map, hash), element);
  m.store32(element + Element.NEXT, m.load32(map + MapHeader.FREE));
  m.store32(map + MapHeader.FREE, element);
  m.store32(map + MapHeader.COUNT, m.load32(map + MapHeader.COUNT) - 1);
  return 0;
}

/** Writes the key after the one at `key`; the first one where `key` is 0 or not in the map. */
export function hashNextKey(m: Mem, map: i32, key: i32, out: i32): i32 {
  let bucket = m.load32(map + MapHeader.BUCKETS);
  const end = (bucket + m.mul((m.load32(map + MapHeader.BUCKET_MASK) + 1) | 0, Bucket.SIZE)) | 0;
  let element = 0;
  if (key !== 0) {
    const hash = hashOf(m, map, key);
    const known = find(m, map, key, hash);
    if (known !== 0) {
      element = m.load32(known + Element.NEXT);
      bucket = bucketOf(m, map, hash) + Bucket.SIZE;
    }
  }
  while (element === 0) {
    if (bucket === end) return -Errno.ENOENT;
    element = m.load32(bucket + Bucket.HEAD);
    bucket += Bucket.SIZE;
  }
  m.copy(out, element + Element.KEY, m.load32(map + MapHeader.KEY_SIZE));
  return 0;
}
