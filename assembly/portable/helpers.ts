// Compiled by asc into the core and by tsc for engines without Wasm: i32 arithmetic over `Mem` only.
// The helpers that every engine runs without leaving for JavaScript. Each takes its arguments from the
// register file at REGS and puts its result into r0. What they promise stands in src/helpers/ (their
// rows) and in the kernel's kernel/bpf/helpers.c and kernel/trace/bpf_trace.c.

import { Bpf, CoreHelper, Errno, Exit } from "../shared/codes.ts";
import { At, EventRecord, HelperEntry, MapHeader, TaskRecord } from "../shared/layout.ts";
import { probeRegionEnd } from "./access.ts";
import { mapDelete, mapLookup, mapUpdate } from "./maps/map.ts";

function giveWords(m: Mem, low: i32, high: i32): void {
  m.store64(At.R0, low, high);
}

/** An int: sign-extended, so that errors are negative in 64 bits too. */
function giveInt(m: Mem, value: i32): void {
  giveWords(m, value, value >> 31);
}

/** A map that programs may not use this way (Bpf.F_RDONLY_PROG, Bpf.F_WRONLY_PROG) is a bad first argument. */
function refuseMap(m: Mem): i32 {
  m.store32(At.TRAP_DETAIL, 1);
  m.store32(At.TRAP_ADDRESS, m.load32(At.R1));
  m.store32(At.TRAP_ADDRESS + 4, 0);
  return Exit.HELPER_ARGUMENT;
}

function forbids(m: Mem, flag: i32): bool {
  return (m.load32(m.load32(At.R1) + MapHeader.FLAGS) & flag) !== 0;
}

/** The next 32 random bits (xoshiro128**). */
export function nextRandom(m: Mem): i32 {
  const s0 = m.load32(At.RANDOM);
  let s1 = m.load32(At.RANDOM + 4);
  let s2 = m.load32(At.RANDOM + 8);
  let s3 = m.load32(At.RANDOM + 12);
  let result = m.mul(s1, 5);
  result = m.mul((result << 7) | (result >>> 25), 9);
  const shifted = s1 << 9;
  s2 ^= s0;
  s3 ^= s1;
  s1 ^= s2;
  m.store32(At.RANDOM, s0 ^ s3);
  m.store32(At.RANDOM + 4, s1);
  m.store32(At.RANDOM + 8, s2 ^ shifted);
  m.store32(At.RANDOM + 12, (s3 << 11) | (s3 >>> 21));
  return result | 0;
}

/** True when every byte of the address in the register pair is one that probe reads may read. */
function probeReadable(m: Mem, register: i32, size: i32): bool {
  const at = m.load32(register);
  if (m.load32(register + 4) !== 0) return false;
  const end = probeRegionEnd(m, at);
  return end !== 0 && !m.below((end - at) | 0, size);
}

/** bpf_probe_read(dst, size, unsafe): a fault leaves zeros and gives -Errno.EFAULT. */
function probeRead(m: Mem): void {
  const to = m.load32(At.R1);
  const size = m.load32(At.R2);
  if (size === 0 || probeReadable(m, At.R3, size)) {
    m.copy(to, m.load32(At.R3), size);
    giveInt(m, 0);
    return;
  }
  m.fill(to, 0, size);
  giveInt(m, -Errno.EFAULT);
}

/** bpf_probe_read_str(dst, size, unsafe): bytes copied, the NUL counted; always ends in NUL; zeros and -Errno.EFAULT on a fault. */
function probeReadStr(m: Mem): void {
  const to = m.load32(At.R1);
  const size = m.load32(At.R2);
  const from = m.load32(At.R3);
  const end = m.load32(At.R3 + 4) === 0 ? probeRegionEnd(m, from) : 0;
  for (let done = 0; done < size; done++) {
    if (!m.below((from + done) | 0, end)) {
      m.fill(to, 0, size);
      giveInt(m, -Errno.EFAULT);
      return;
    }
    const byte = m.load8(from + done);
    m.store8(to + done, done === size - 1 ? 0 : byte);
    if (byte === 0 || done === size - 1) {
      giveInt(m, done + 1);
      return;
    }
  }
  giveInt(m, 0);
}

/** bpf_get_current_comm(buf, size): the name cut to size - 1 bytes, padded with NULs. */
function getCurrentComm(m: Mem): void {
  const to = m.load32(At.R1);
  const size = m.load32(At.R2);
  const comm = m.load32(m.load32(At.EVENT) + EventRecord.TASK) + TaskRecord.COMM;
  m.fill(to, 0, size);
  for (let done = 0; done < size - 1 && done < TaskRecord.COMM_SIZE; done++) {
    const byte = m.load8(comm + done);
    if (byte === 0) break;
    m.store8(to + done, byte);
  }
  giveInt(m, size === 0 ? -Errno.EINVAL : 0);
}

function mapHelper(m: Mem, which: i32): i32 {
  const map = m.load32(At.R1);
  const key = m.load32(At.R2);
  if (which === CoreHelper.MAP_LOOKUP_ELEM) {
    if (forbids(m, Bpf.F_WRONLY_PROG)) return refuseMap(m);
    giveWords(m, mapLookup(m, map, key), 0);
    return Exit.OK;
  }
  if (forbids(m, Bpf.F_RDONLY_PROG)) return refuseMap(m);
  if (which === CoreHelper.MAP_UPDATE_ELEM) {
    giveInt(m, mapUpdate(m, map, key, m.load32(At.R3), m.load32(At.R4), m.load32(At.R4 + 4)));
  } else {
    giveInt(m, mapDelete(m, map, key));
  }
  return Exit.OK;
}

/** Runs one of the core's helpers on the register file. Exit.OK, or why the run must end. */
export function callCoreHelper(m: Mem, which: i32): i32 {
  const event = m.load32(At.EVENT);
  const task = m.load32(event + EventRecord.TASK);
  switch (which) {
    case CoreHelper.KTIME_GET_NS:
      giveWords(m, m.load32(event + EventRecord.TIME), m.load32(event + EventRecord.TIME + 4));
      return Exit.OK;
    case CoreHelper.GET_SMP_PROCESSOR_ID:
      giveWords(m, m.load32(event + EventRecord.CPU), 0);
      return Exit.OK;
    case CoreHelper.GET_PRANDOM_U32:
      giveWords(m, nextRandom(m), 0);
      return Exit.OK;
    case CoreHelper.GET_CURRENT_PID_TGID:
      giveWords(m, m.load32(task + TaskRecord.PID), m.load32(task + TaskRecord.TGID));
      return Exit.OK;
    case CoreHelper.GET_CURRENT_UID_GID:
      giveWords(m, m.load32(task + TaskRecord.UID), m.load32(task + TaskRecord.GID));
      return Exit.OK;
    case CoreHelper.GET_CURRENT_COMM:
      getCurrentComm(m);
      return Exit.OK;
    case CoreHelper.PROBE_READ:
      probeRead(m);
      return Exit.OK;
    case CoreHelper.PROBE_READ_STR:
      probeReadStr(m);
      return Exit.OK;
    default:
      return mapHelper(m, which);
  }
}

/** The index in the helper table of the helper with that id, or -1. */
export function helperIndex(m: Mem, id: i32): i32 {
  const table = m.load32(At.HELPERS);
  const count = m.load32(At.HELPER_COUNT);
  if (id === 0) return -1;
  for (let index = 0; index < count; index++) {
    if (m.load32(table + m.mul(index, HelperEntry.SIZE) + HelperEntry.ID) === id) return index;
  }
  return -1;
}
