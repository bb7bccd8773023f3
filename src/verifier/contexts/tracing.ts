// Contexts of events: registers at a probe, the record of a tracepoint, arguments of a raw one; and of the
// programs that a system call runs. Follows Linux 6.18, kernel/trace/bpf_trace.c and kernel/bpf/syscall.c.
//
// `tracing`, `lsm`, `struct_ops` and `ext` have no row: r1 is an array of 8-byte arguments whose number
// and types come from the BTF of the function (tracepoint, hook, member, program) that they attach to.

import { ANY, type ContextRow, type ContextStruct, field, run, WORD } from "./field.ts";

/** `struct pt_regs` of x86-64, under the names that asm/ptrace.h gives to users. */
const REGISTERS = [
  ...["r15", "r14", "r13", "r12", "rbp", "rbx", "r11", "r10", "r9", "r8"],
  ...["rax", "rcx", "rdx", "rsi", "rdi", "orig_rax", "rip", "cs", "eflags", "rsp", "ss"],
];

const KPROBE: ContextStruct = {
  name: "bpf_user_pt_regs_t",
  size: 168,
  fields: run(0, 8, ANY, REGISTERS),
};

const PERF_EVENT: ContextStruct = {
  name: "bpf_perf_event_data",
  size: 184,
  fields: [...run(0, 8, [8], REGISTERS), ...run(168, 8, ANY, ["sample_period", "addr"])],
};

/** PERF_MAX_TRACE_SIZE: no record is longer; how long one is, is checked when a program is attached. */
const LONGEST_RECORD = 8192;
/** The kernel's own pointer, in front of the record. */
const HIDDEN = 8;

// Linux lets negative offsets pass here, by a comparison of signed with unsigned. Nothing of the event is
// there, so they are refused.
const TRACEPOINT: ContextStruct = {
  name: "__u64",
  size: LONGEST_RECORD,
  fields: [field("record", HIDDEN, 8, ANY, { count: LONGEST_RECORD / 8 - 1 })],
};

/** MAX_BPF_FUNC_ARGS: how many of them a tracepoint has, is checked when a program is attached. */
const MOST_ARGUMENTS = 12;

const RAW_TRACEPOINT: ContextStruct = {
  name: "bpf_raw_tracepoint_args",
  size: 8 * MOST_ARGUMENTS,
  fields: [field("args", 0, 8, ANY, { count: MOST_ARGUMENTS })],
};

const WRITABLE_RAW_TRACEPOINT: ContextStruct = {
  name: "bpf_raw_tracepoint_args",
  size: 8 * MOST_ARGUMENTS,
  fields: [
    field("args", 0, 8, [8], { value: "tp_buffer" }),
    // What remains when the access at offset 0 is the buffer: parts of the pointer included.
    field("args", 1, 1, ANY, { count: 8 * MOST_ARGUMENTS - 1 }),
  ],
};

/** Bytes that the caller of BPF_PROG_RUN passes; it must pass at least what the program accesses. */
const SYSCALL: ContextStruct = {
  name: "void",
  size: 0xffff,
  fields: [field("ctx", 0, 1, ANY, { count: 0xffff })],
};

/** A pulse or a pause of an infrared remote control. */
const LIRC: ContextStruct = { name: "__u32", size: 4, fields: [field("sample", 0, 4, WORD)] };

export const TRACING_ROWS: readonly ContextRow[] = [
  { types: ["kprobe"], struct: KPROBE },
  { types: ["perf_event"], struct: PERF_EVENT },
  { types: ["tracepoint"], struct: TRACEPOINT },
  { types: ["raw_tracepoint"], struct: RAW_TRACEPOINT },
  { types: ["raw_tracepoint_writable"], struct: WRITABLE_RAW_TRACEPOINT },
  { types: ["syscall"], struct: SYSCALL, stores: { ctx: ANY } },
  { types: ["lirc_mode2"], struct: LIRC, stores: { sample: WORD } },
];
