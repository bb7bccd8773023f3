// Compiled by asc into the core and by tsc for engines without Wasm: i32 arithmetic over `Mem` only.
// What a checked program may touch: its stack, its context, the values of its maps. One table of regions per
// program (`REGION_*`), the region last hit remembered as a window, because accesses come in runs.

import { Arg, Exit } from "../shared/codes.ts";
import {
  At,
  EventRecord,
  HelperEntry,
  MapHeader,
  Probed,
  ProbeRegion,
  ProgramRecord,
  Region,
  Right,
} from "../shared/layout.ts";

/** True when all of `at .. at + size` lies in `low .. high`; size is not negative and below 2^30. */
function inside(m: Mem, at: i32, size: i32, low: i32, high: i32): bool {
  return !m.below(at, low) && !m.below(high, (at + size) | 0) && !m.below((at + size) | 0, at);
}

/** Where the window for a right is kept: low end, then high end. */
function windowOf(right: i32): i32 {
  return right === Right.READ ? At.READ_WINDOW_LOW : At.WRITE_WINDOW_LOW;
}

/**
 * True when the running program may do `right` (one of them) with those bytes; addresses of 2^32 and more are the
 * caller's to refuse.
 */
export function mayAccess(m: Mem, at: i32, size: i32, right: i32): bool {
  if (inside(m, at, size, m.load32(At.STACK_LOW), m.load32(At.STACK_TOP))) return true;
  const window = windowOf(right);
  if (inside(m, at, size, m.load32(window), m.load32(window + 4))) return true;
  return searchRegions(m, at, size, right);
}

function searchRegions(m: Mem, at: i32, size: i32, right: i32): bool {
  const program = m.load32(At.PROGRAM);
  let region = m.load32(program + ProgramRecord.REGIONS);
  const end = (region + m.mul(m.load32(program + ProgramRecord.REGION_COUNT), Region.SIZE)) | 0;
  for (; region !== end; region += Region.SIZE) {
    let low = m.load32(region + Region.START);
    let high = m.load32(region + Region.END);
    if (!inside(m, at, size, low, high)) continue;
    const stride = m.load32(region + Region.STRIDE);
    if (stride !== 0) {
      low = (at - m.rem(at - low, stride)) | 0;
      high = (low + m.load32(region + Region.VALUE_SIZE)) | 0;
      if (!inside(m, at, size, low, high)) return false;
    }
    if ((m.load32(region + Region.RIGHTS) & right) === 0) return false;
    const window = windowOf(right);
    m.store32(window, low);
    m.store32(window + 4, high);
    return true;
  }
  return false;
}

/** True when the running program was given the map whose header is at `at`. */
function ownsMap(m: Mem, at: i32): bool {
  const program = m.load32(At.PROGRAM);
  let region = m.load32(program + ProgramRecord.REGIONS);
  const end = (region + m.mul(m.load32(program + ProgramRecord.REGION_COUNT), Region.SIZE)) | 0;
  for (; region !== end; region += Region.SIZE) {
    if (m.load32(region + Region.MAP) === at) return at !== 0;
  }
  return false;
}

/** Address of the last byte + 1 of the probe region that holds `at`, or 0: a binary search, regions are sorted. */
export function probeRegionEnd(m: Mem, at: i32): i32 {
  const regions = m.load32(At.PROBE_REGIONS);
  let low = 0;
  let high = m.load32(At.PROBE_COUNT);
  while (low < high) {
    const middle = (low + high) >>> 1;
    const region = (regions + m.mul(middle, ProbeRegion.SIZE)) | 0;
    if (m.below(at, m.load32(region))) high = middle;
    else if (!m.below(at, m.load32(region + 4))) low = middle + 1;
    else return m.load32(region + 4);
  }
  return 0;
}

/**
 * A load through a pointer to a kernel object, which nobody can promise to be there: what probe reads may not read is 0.
 * `dst` is the address of a register, `imm` says the rest (Probed).
 */
export function loadProbed(m: Mem, dst: i32, off: i32, imm: i32): void {
  const src = At.REGS + (imm & Probed.SRC_MASK);
  const size = (imm >> Probed.SIZE_SHIFT) & Probed.SIZE_MASK;
  const base = m.load32(src);
  const at = (base + off) | 0;
  // The sum has 64 bits: off is small, and carries into the upper half or borrows from it.
  const carry = off >= 0 ? (m.below(at, base) ? 1 : 0) : m.below(base, at) ? -1 : 0;
  const end = m.load32(src + 4) + carry === 0 ? probeRegionEnd(m, at) : 0;
  m.store64(dst, 0, 0);
  if (end === 0 || m.below((end - at) | 0, size)) return;
  m.copy(dst, at, size);
  if ((imm & Probed.SIGNED) === 0) return;
  const unused = 32 - 8 * size;
  const value = (m.load32(dst) << unused) >> unused;
  m.store64(dst, value, value >> 31);
}

/** Memory argument `at` of `size` bytes. */
function memoryArgument(m: Mem, at: i32, high: i32, size: i32, right: i32): bool {
  return size === 0 || (high === 0 && size > 0 && size < 0x40000000 && mayAccess(m, at, size, right));
}

function argumentFits(m: Mem, kind: i32, register: i32, map: i32): bool {
  const low = m.load32(register);
  const high = m.load32(register + 4);
  switch (kind) {
    case Arg.MAP:
      return high === 0 && ownsMap(m, low);
    case Arg.MAP_KEY:
      return memoryArgument(m, low, high, m.load32(map + MapHeader.KEY_SIZE), Right.READ);
    case Arg.MAP_VALUE:
      return memoryArgument(m, low, high, m.load32(map + MapHeader.VALUE_SIZE), Right.READ);
    case Arg.MEM_READ:
      return memoryArgument(m, low, high, m.load32(register + 8), Right.READ);
    case Arg.MEM_WRITE:
      return memoryArgument(m, low, high, m.load32(register + 8), Right.WRITE);
    case Arg.SIZE:
      return high === 0 && low > 0 && low < 0x40000000;
    case Arg.SIZE_OR_ZERO:
      return high === 0 && low >= 0 && low < 0x40000000;
    case Arg.CONTEXT:
      return high === 0 && low === m.load32(m.load32(At.EVENT) + EventRecord.CONTEXT);
    default:
      return true;
  }
}

/**
 * Tests r1.. against a helper's argument classes. Exit.OK, or Exit.HELPER_ARGUMENT with the argument's
 * number (1..5) and value left in At.TRAP_DETAIL and At.TRAP_ADDRESS.
 */
export function checkArguments(m: Mem, classes: i32): i32 {
  let register = At.R1;
  let map = 0;
  for (let left = classes; left !== 0; left >>>= HelperEntry.ARG_BITS) {
    const kind = left & ((1 << HelperEntry.ARG_BITS) - 1);
    // A size is tested with the memory before it, so that the memory's own test can rely on it.
    const next = (left >>> HelperEntry.ARG_BITS) & ((1 << HelperEntry.ARG_BITS) - 1);
    if ((kind === Arg.MEM_READ || kind === Arg.MEM_WRITE) && !argumentFits(m, next, register + 8, map)) {
      return refuse(m, register + 8);
    }
    if (!argumentFits(m, kind, register, map)) return refuse(m, register);
    if (kind === Arg.MAP) map = m.load32(register);
    register += 8;
  }
  return Exit.OK;
}

function refuse(m: Mem, register: i32): i32 {
  m.store32(At.TRAP_DETAIL, (register - At.R1) / 8 + 1);
  m.store32(At.TRAP_ADDRESS, m.load32(register));
  m.store32(At.TRAP_ADDRESS + 4, m.load32(register + 4));
  return Exit.HELPER_ARGUMENT;
}
