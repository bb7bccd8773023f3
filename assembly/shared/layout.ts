// Read by asc and by tsc: integers only. Where things lie in a runtime's linear memory, which both
// sides of the Wasm boundary read and write. A test reads every offset back from the built Wasm.
//
//   0         65536                                            at most 2 GiB
//   +---------+-------------------------------------------------+
//   | page 0: | heap: stacks, contexts, packets, map headers and |
//   | core    | values, kernel objects, prepared programs        |
//   +---------+-------------------------------------------------+
//   never a guest address; the core keeps its state there

/** Guest addresses start here; below it nothing is ever mapped for a program. */
export const GUEST_START = 65536;
/** Linear memory never grows past this, so that an address is a positive i32. */
export const MEMORY_LIMIT = 0x7fff0000;

// ---- the state of a run, in page 0: a run inside a run must leave it as it was --------------------

/** Where it starts, and ends. */
export const RUN_STATE = 4096;
export const RUN_STATE_END = 4736;

/** r0..r10, eight bytes each. */
export const REGS = 4096;
export const REG_R0 = 4096;
export const REG_R1 = 4104;
export const REG_R2 = 4112;
export const REG_R3 = 4120;
export const REG_R4 = 4128;
export const REG_R5 = 4136;
export const REG_R6 = 4144;
export const REG_R10 = 4176;
/** u32: slot of the instruction that trapped. */
export const TRAP_SLOT = 4192;
/** u32: what the reason needs to say more: bytes of an access, index of an argument, a helper. */
export const TRAP_DETAIL = 4196;
/** u64: the address that was refused. */
export const TRAP_ADDRESS = 4200;
/** u32: address of the record of the event that is running, or that trapped. */
export const EVENT = 4208;
/** u32: where the records of the events of this crossing end. */
export const EVENTS_END = 4212;
/** u32: address of the record of the program that is running. */
export const PROGRAM = 4216;
/** u32: address of the frame that it is in; FRAMES is the outermost. */
export const FRAME = 4220;
/** u32: the stack that may be accessed now: from the current frame's end to the first frame's top. */
export const STACK_LOW = 4224;
export const STACK_TOP = 4228;
/** u32: what the last load, and the last store, of a checked run fell into: a map's value, the context. */
export const READ_WINDOW_LOW = 4232;
export const READ_WINDOW_HIGH = 4236;
export const WRITE_WINDOW_LOW = 4240;
export const WRITE_WINDOW_HIGH = 4244;
/** u32: the packet that LD_ABS and LD_IND read. */
export const PACKET_START = 4248;
export const PACKET_END = 4252;
/** Saved frames of local calls, MAX_FRAMES of FRAME_SIZE bytes. */
export const FRAMES = 4352;

// ---- the state of the runtime, in page 0 ------------------------------------------------------------

/** u32 x 4: state of the random number generator (xoshiro128**). */
export const RANDOM = 4736;
/** u32: address and number of the helper table's entries. */
export const HELPERS = 4752;
export const HELPER_COUNT = 4756;
/** u32: address and number of the regions that probe reads may read. */
export const PROBE_REGIONS = 4760;
export const PROBE_COUNT = 4764;
/** u32: top of the stack that runs use. */
export const STACK_BASE = 4768;
/** u64: instructions that checked runs have executed so far. */
export const EXECUTED = 4776;
/** One slot of prepared code that holds `exit`: where a packet access past the end goes on. */
export const EXIT_STUB = 4784;

// ---- limits -------------------------------------------------------------------------------------

/** Bytes of stack in a frame, and frames in a chain of local calls (the kernel's MAX_BPF_STACK, MAX_CALL_FRAMES). */
export const FRAME_STACK = 512;
export const MAX_FRAMES = 8;
/** How often the `may_goto`s of one frame jump on before they fall out (the kernel's BPF_MAX_LOOPS). */
export const MAY_GOTO_LIMIT = 8388608;

// ---- a saved frame ------------------------------------------------------------------------------

/** u32: where to go on; u32: the may_goto count; u64 x 5: r6..r9 and r10 of the caller. */
export const FRAME_SIZE = 48;
export const FRAME_RETURN = 0;
export const FRAME_MAY_GOTO = 4;
export const FRAME_REGS = 8;

// ---- a prepared program -------------------------------------------------------------------------

/** Record: u32 address of its code, slots, address and number of its regions, flags. */
export const PROGRAM_SIZE = 32;
export const PROGRAM_CODE = 0;
export const PROGRAM_SLOTS = 4;
export const PROGRAM_REGIONS = 8;
export const PROGRAM_REGION_COUNT = 12;
export const PROGRAM_FLAGS = 16;
export const PROGRAM_LIMIT_LOW = 20;
export const PROGRAM_LIMIT_HIGH = 24;

/** Flags: every access is tested; the stack may be read before it is written, so it starts as zeros;
 *  r2 is the length of the context and LD_ABS reads the context (raw programs). */
export const FLAG_CHECKED = 1;
export const FLAG_ZERO_STACK = 2;
export const FLAG_RAW = 4;

/** One slot of prepared code: u8 op, u8 offset of dst in the register file, i16 off, i32 imm or offset of src. */
export const CODE_OP = 0;
export const CODE_DST = 1;
export const CODE_OFF = 2;
export const CODE_IMM = 4;
/** Upper half of what loading a function's address gives; the lower half is its slot. */
export const CODE_POINTER_HIGH = 0x0bfc0de0;

// ---- regions that a checked program may access ---------------------------------------------------

/** u32 start, end; for maps the distance of two values, their size, and the map's header; rights. */
export const REGION_SIZE = 24;
export const REGION_START = 0;
export const REGION_END = 4;
export const REGION_STRIDE = 8;
export const REGION_VALUE_SIZE = 12;
export const REGION_RIGHTS = 16;
export const REGION_MAP = 20;
export const RIGHT_READ = 1;
export const RIGHT_WRITE = 2;

/** u32 start, end: a range that probe reads may read. */
export const PROBE_REGION_SIZE = 8;

// ---- an event of a batch ------------------------------------------------------------------------

/**
 *   0 u32 context   4 u32 its bytes   8 u64 time, ns   16 u32 task   20 u32 CPU   24 u64 r0, after the run
 *  32 u32 program  36 u32 unused
 */
export const EVENT_SIZE = 40;
export const EVENT_CONTEXT = 0;
export const EVENT_CONTEXT_SIZE = 4;
export const EVENT_TIME = 8;
export const EVENT_TASK = 16;
export const EVENT_CPU = 20;
export const EVENT_RESULT = 24;
export const EVENT_PROGRAM = 32;

/** A task: u32 pid (the thread's), tgid (the process's), uid, gid; 16 bytes of comm. */
export const TASK_SIZE = 32;
export const TASK_PID = 0;
export const TASK_TGID = 4;
export const TASK_UID = 8;
export const TASK_GID = 12;
export const TASK_COMM = 16;
export const TASK_COMM_SIZE = 16;

// ---- helpers ------------------------------------------------------------------------------------

/** Entry of the helper table: u32 argument classes (5 bits each, r1 lowest), u32 core function or 0, u32 id. */
export const HELPER_SIZE = 16;
export const HELPER_ARGS = 0;
export const HELPER_CORE = 4;
export const HELPER_ID = 8;
export const ARG_BITS = 5;

// ---- maps ---------------------------------------------------------------------------------------

/** Header of a map, the address that programs hold; all u32. */
export const MAP_HEADER_SIZE = 80;
export const MAP_TYPE = 0;
export const MAP_KEY_SIZE = 4;
export const MAP_VALUE_SIZE = 8;
export const MAP_MAX_ENTRIES = 12;
export const MAP_FLAGS = 16;
export const MAP_ID = 20;
/** Address of the first value. */
export const MAP_VALUES = 24;
/** Bytes from one value to the next. */
export const MAP_STRIDE = 28;
/** Hash: entries in use. */
export const MAP_COUNT = 32;
/** Hash: address of the buckets, their number less one, the seed of the hash function. */
export const MAP_BUCKETS = 36;
export const MAP_BUCKET_MASK = 40;
export const MAP_SEED = 44;
/** Hash: head of the list of free elements, elements never used so far, the spare for replacements. */
export const MAP_FREE = 48;
export const MAP_FRESH = 52;
export const MAP_SPARE = 56;
/** Hash: address of the first element; where in an element its value is. */
export const MAP_ELEMENTS = 60;
export const MAP_VALUE_OFFSET = 64;

/** A bucket: u32 head of its chain, u32 lock. */
export const BUCKET_SIZE = 8;
export const BUCKET_HEAD = 0;
export const BUCKET_LOCK = 4;

/** An element: u32 next, u32 hash, then the key, then at the next multiple of eight the value. */
export const ELEMENT_NEXT = 0;
export const ELEMENT_HASH = 4;
export const ELEMENT_KEY = 8;
