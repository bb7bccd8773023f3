// Read by asc and by tsc: integers only, as const enums, which both compilers fold into the code (a `const` of another
// module costs JavaScript a load, and a test, at every use). Where things lie in a runtime's linear memory, which both
// sides of the Wasm boundary read and write. A test reads the offsets back from the built Wasm.
//
//   0         65536                                            at most 2 GiB
//   +---------+-------------------------------------------------+
//   | page 0: | heap: stacks, contexts, packets, map headers and |
//   | core    | values, kernel objects, prepared programs        |
//   +---------+-------------------------------------------------+
//   never a guest address; the core keeps its state there

export const enum Limit {
  /** Guest addresses start here; below it nothing is ever mapped for a program. */
  GUEST_START = 65536,
  /** Linear memory never grows past this, so that an address is a positive i32. */
  MEMORY = 0x7fff0000,
  /** Bytes of stack in a frame, and frames in a chain of local calls (the kernel's MAX_BPF_STACK, MAX_CALL_FRAMES). */
  FRAME_STACK = 512,
  FRAMES = 8,
  /** How often the `may_goto`s of one frame fall through before they jump (the kernel's BPF_MAX_LOOPS). */
  MAY_GOTO = 8388608,
}

/** Addresses in page 0. */
export const enum At {
  // ---- the state of a run: a run inside a run must leave it as it was ----

  /** Where it starts, and ends. */
  RUN_STATE = 4096,
  RUN_STATE_END = 4736,
  /** r0..r10, eight bytes each. */
  REGS = 4096,
  R0 = 4096,
  R1 = 4104,
  R2 = 4112,
  R3 = 4120,
  R4 = 4128,
  R5 = 4136,
  R6 = 4144,
  R10 = 4176,
  /** u32: slot of the instruction that trapped. */
  TRAP_SLOT = 4192,
  /** u32: what the reason needs to say more: bytes of an access, index of an argument. */
  TRAP_DETAIL = 4196,
  /** u64: the address that was refused. */
  TRAP_ADDRESS = 4200,
  /** u32: address of the record of the event that is running, or that trapped. */
  EVENT = 4208,
  /** u32: where the records of the events of this crossing end. */
  EVENTS_END = 4212,
  /** u32: address of the record of the program that is running. */
  PROGRAM = 4216,
  /** u32: address of the frame that it is in; FRAMES is the outermost. */
  FRAME = 4220,
  /** u32: the stack that may be accessed now: from the current frame's end to the first frame's top. */
  STACK_LOW = 4224,
  STACK_TOP = 4228,
  /** u32: what the last load, and the last store, of a checked run fell into: a map's value, the context. */
  READ_WINDOW_LOW = 4232,
  READ_WINDOW_HIGH = 4236,
  WRITE_WINDOW_LOW = 4240,
  WRITE_WINDOW_HIGH = 4244,
  /** u32: the packet that LD_ABS, LD_IND and helpers read; empty where the program has none. */
  PACKET_START = 4248,
  PACKET_END = 4252,
  /** Saved frames of local calls, Limit.FRAMES of SavedFrame.SIZE bytes. */
  FRAMES = 4352,

  // ---- the state of the runtime ----

  /** u32 x 4: state of the random number generator (xoshiro128**). */
  RANDOM = 4736,
  /** u32: address and number of the helper table's entries. */
  HELPERS = 4752,
  HELPER_COUNT = 4756,
  /** u32: address and number of the regions that probe reads may read. */
  PROBE_REGIONS = 4760,
  PROBE_COUNT = 4764,
  /** u32: top of the stack that runs use. */
  STACK_BASE = 4768,
  /** u64: instructions that checked runs have executed so far. */
  EXECUTED = 4776,
  /** One slot of prepared code that holds `exit`: where a packet access past the end goes on. */
  EXIT_STUB = 4784,
}

/** A saved frame: u32 where to go on, u32 the may_goto count of the frame, u64 x 5 the caller's r6..r9 and r10. */
export const enum SavedFrame {
  SIZE = 48,
  RETURN = 0,
  MAY_GOTO = 4,
  REGS = 8,
}

/**
 * A prepared program: u32 address of its code, slots, address and number of its regions, flags; u64 limit; u32 how many
 * bytes of each frame, from its top down, start as zeros.
 */
export const enum ProgramRecord {
  SIZE = 32,
  CODE = 0,
  SLOTS = 4,
  REGIONS = 8,
  REGION_COUNT = 12,
  FLAGS = 16,
  LIMIT_LOW = 20,
  LIMIT_HIGH = 24,
  ZEROED_STACK = 28,
}

export const enum ProgramFlag {
  /** Every access is tested and instructions are counted. */
  CHECKED = 1,
  /** The stack may be read before it is written, so some of it starts as zeros (ProgramRecord.ZEROED_STACK). */
  ZERO_STACK = 2,
  /** r2 is the length of the context, and LD_ABS reads the context (raw programs). */
  RAW = 4,
  /** The context is a whole `Skb`, and instructions or helpers of the program read its packet. */
  SKB = 8,
  /** The last three: a run needs more than its context in r1 to start. */
  SPECIAL = 14,
}

/** One slot of prepared code: u8 op, u8 offset of dst in the register file, i16 off, i32 imm or offset of src. */
export const enum Code {
  OP = 0,
  DST = 1,
  OFF = 2,
  IMM = 4,
  /** Upper half of what loading a function's address gives; the lower half is its slot. */
  POINTER_HIGH = 0x0bfc0de0,
}

/** The imm of a prepared LDX_PROBED: offset of src in the register file, how many bytes it loads, whether a sign is extended. */
export const enum Probed {
  SRC_MASK = 0xff,
  SIZE_SHIFT = 8,
  SIZE_MASK = 15,
  SIGNED = 0x1000,
}

/** What a checked program may access: u32 start, end; for maps the distance of two values, their size, the header. */
export const enum Region {
  SIZE = 24,
  START = 0,
  END = 4,
  STRIDE = 8,
  VALUE_SIZE = 12,
  RIGHTS = 16,
  MAP = 20,
}

export const enum Right {
  READ = 1,
  WRITE = 2,
}

/** A range that probe reads may read: u32 start, end. */
export const enum ProbeRegion {
  SIZE = 8,
  START = 0,
  END = 4,
}

/**
 * An event of a batch:
 *
 *    0 u32 context   4 u32 its bytes   8 u64 time, ns   16 u32 task   20 u32 CPU   24 u64 r0, after the run
 *   32 u32 program  36 u32 unused
 */
export const enum EventRecord {
  SIZE = 40,
  CONTEXT = 0,
  CONTEXT_SIZE = 4,
  TIME = 8,
  TASK = 16,
  CPU = 20,
  RESULT = 24,
  PROGRAM = 32,
}

/**
 * A `__sk_buff` (uapi/linux/bpf.h) and, where no program may look, what the kernel's `sk_buff` knows besides:
 *
 *    0 … 76 u32 data  80 u32 data_end …  192 u32 link layer's header, 196 u32 network layer's header, 200 unused
 *
 * all four addresses; both headers end where the data ends.
 */
export const enum Skb {
  SIZE = 208,
  DATA = 76,
  DATA_END = 80,
  LINK_HEADER = 192,
  NETWORK_HEADER = 196,
}

/** A task: u32 pid (the thread's), tgid (the process's), uid, gid; 16 bytes of comm. */
export const enum TaskRecord {
  SIZE = 32,
  PID = 0,
  TGID = 4,
  UID = 8,
  GID = 12,
  COMM = 16,
  COMM_SIZE = 16,
}

/** Entry of the helper table: u32 argument classes (ARG_BITS each, r1 lowest), u32 core function or 0, u32 id. */
export const enum HelperEntry {
  SIZE = 16,
  ARGS = 0,
  CORE = 4,
  ID = 8,
  ARG_BITS = 5,
}

/** Header of a map, the address that programs hold; all u32. */
export const enum MapHeader {
  SIZE = 80,
  TYPE = 0,
  KEY_SIZE = 4,
  VALUE_SIZE = 8,
  MAX_ENTRIES = 12,
  FLAGS = 16,
  ID = 20,
  /** Address of the first value. */
  VALUES = 24,
  /** Bytes from one value to the next. */
  STRIDE = 28,
  /** Hash: entries in use. */
  COUNT = 32,
  /** Hash: address of the buckets, their number less one, the seed of the hash function. */
  BUCKETS = 36,
  BUCKET_MASK = 40,
  SEED = 44,
  /** Hash: head of the list of free elements, elements never used so far, the spare for replacements. */
  FREE = 48,
  FRESH = 52,
  SPARE = 56,
  /** Hash: address of the first element; where in an element its value is. */
  ELEMENTS = 60,
  VALUE_OFFSET = 64,
}

/** A bucket: u32 head of its chain, u32 lock. */
export const enum Bucket {
  SIZE = 8,
  HEAD = 0,
  LOCK = 4,
}

/** An element: u32 next, u32 hash, then the key, then at the next multiple of eight the value. */
export const enum Element {
  NEXT = 0,
  HASH = 4,
  KEY = 8,
}
