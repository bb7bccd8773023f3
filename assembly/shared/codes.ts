// Read by asc and by tsc: integers only. The small numbers that the core and its host exchange.

/** Why a run ended: the low byte of what the core returns; engine/trap.ts turns it into an error. */
export const enum Exit {
  OK = 0,
  /** A load from memory that the program was not given. */
  READ = 1,
  /** A store or an atomic to such memory. */
  WRITE = 2,
  /** The instruction limit was reached. */
  LIMIT = 3,
  /** A byte that no arm takes. */
  OPCODE = 4,
  /** More local calls inside each other than MAX_FRAMES. */
  CALL_DEPTH = 5,
  /** A `callx` to something that is neither a function nor a helper. */
  CALL_TARGET = 6,
  /** A helper was given an argument that it must not have. */
  HELPER_ARGUMENT = 7,
  /** A helper written in JavaScript threw. */
  HOST = 8,
}

/** Classes of helper arguments, as the kernel's `enum bpf_arg_type` tells them apart. */
export const enum Arg {
  NONE = 0,
  ANYTHING = 1,
  /** The header of one of the program's maps. */
  MAP = 2,
  /** Readable memory of the size of that map's keys, or of its values. */
  MAP_KEY = 3,
  MAP_VALUE = 4,
  /** Readable or writable memory whose size is the next argument. */
  MEM_READ = 5,
  MEM_WRITE = 6,
  /** That size: not zero, or zero allowed. */
  SIZE = 7,
  SIZE_OR_ZERO = 8,
  /** The context, unchanged. */
  CONTEXT = 9,
}

/** Helpers that the core runs itself; the number in the helper table's entry. */
export const enum CoreHelper {
  HOST = 0,
  MAP_LOOKUP_ELEM = 1,
  MAP_UPDATE_ELEM = 2,
  MAP_DELETE_ELEM = 3,
  KTIME_GET_NS = 4,
  GET_SMP_PROCESSOR_ID = 5,
  GET_PRANDOM_U32 = 6,
  GET_CURRENT_PID_TGID = 7,
  GET_CURRENT_UID_GID = 8,
  GET_CURRENT_COMM = 9,
  PROBE_READ = 10,
  PROBE_READ_STR = 11,
}

/** `enum bpf_map_type`. */
export const enum MapType {
  HASH = 1,
  ARRAY = 2,
}

/** Flags of maps (uapi/linux/bpf.h), without their BPF_ prefix. */
export const enum Bpf {
  // of updates
  ANY = 0,
  NOEXIST = 1,
  EXIST = 2,
  F_LOCK = 4,
  // of creation
  F_NO_PREALLOC = 1,
  F_NUMA_NODE = 4,
  F_RDONLY = 8,
  F_WRONLY = 16,
  F_ZERO_SEED = 64,
  F_RDONLY_PROG = 128,
  F_WRONLY_PROG = 256,
  F_MMAPABLE = 1024,
  F_INNER_MAP = 4096,
}

/** Offsets of packet loads that count from a header, not from the data (uapi/linux/filter.h: SKF_NET_OFF, SKF_LL_OFF). */
export const enum PacketOffset {
  NETWORK = -1048576,
  LINK = -2097152,
}

/** Error numbers (asm-generic/errno-base.h); functions return them negative. */
export const enum Errno {
  EPERM = 1,
  ENOENT = 2,
  E2BIG = 7,
  ENOMEM = 12,
  EFAULT = 14,
  EEXIST = 17,
  EINVAL = 22,
  ENOSPC = 28,
  ENOTSUPP = 524,
}
