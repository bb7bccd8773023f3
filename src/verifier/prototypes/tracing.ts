// Prototypes of the helpers of tracing programs: probes, perf events, stacks, tasks, iterators' output and LSM
// hooks (kernel/trace/bpf_trace.c, kernel/bpf/stackmap.c, kernel/bpf/bpf_lsm.c), and of the infrared remotes.

import * as T from "./notation.ts";
import { btf, proto } from "./notation.ts";

const { ANY, CTX, INT, MAP, MEM_IN, MEM_IN_OR_NULL, MEM_OUT, SIZE, SIZE_OR_ZERO } = T;

// biome-ignore format: one row per line
export const TRACING_PROTOTYPES: readonly T.PrototypeRow[] = [
  // Memory of the kernel and of processes
  proto(4, "probe_read", [MEM_OUT, SIZE_OR_ZERO, ANY], INT, { gpl: true }),
  proto(36, "probe_write_user", [ANY, MEM_IN, SIZE], INT, { gpl: true }),
  proto(45, "probe_read_str", [MEM_OUT, SIZE_OR_ZERO, ANY], T.LENGTH, { gpl: true }),
  proto(112, "probe_read_user", [MEM_OUT, SIZE_OR_ZERO, ANY], INT, { gpl: true }),
  proto(113, "probe_read_kernel", [MEM_OUT, SIZE_OR_ZERO, ANY], INT, { gpl: true }),
  proto(114, "probe_read_user_str", [MEM_OUT, SIZE_OR_ZERO, ANY], T.LENGTH, { gpl: true }),
  proto(115, "probe_read_kernel_str", [MEM_OUT, SIZE_OR_ZERO, ANY], T.LENGTH, { gpl: true }),
  proto(148, "copy_from_user", [MEM_OUT, SIZE_OR_ZERO, ANY], INT, { sleeps: true }),
  proto(191, "copy_from_user_task", [MEM_OUT, SIZE_OR_ZERO, ANY, btf("task_struct"), ANY], INT, { gpl: true, sleeps: true }),

  // Text
  proto(6, "trace_printk", [MEM_IN, SIZE], INT, { gpl: true }),
  proto(126, "seq_printf", [btf("seq_file"), MEM_IN, SIZE, MEM_IN_OR_NULL, SIZE_OR_ZERO], INT, { gpl: true }),
  proto(127, "seq_write", [btf("seq_file"), MEM_IN, SIZE_OR_ZERO], INT, { gpl: true }),
  proto(149, "snprintf_btf", [T.MEM_INOUT, SIZE, MEM_IN, SIZE, ANY], INT),
  proto(150, "seq_printf_btf", [btf("seq_file"), MEM_IN, SIZE_OR_ZERO, ANY], INT, { gpl: true }),
  proto(177, "trace_vprintk", [MEM_IN, SIZE, MEM_IN_OR_NULL, SIZE_OR_ZERO], INT, { gpl: true }),

  // Perf events
  proto(22, "perf_event_read", [MAP, ANY], INT, { gpl: true, maps: ["perf_event_array"] }),
  proto(25, "perf_event_output", [CTX, MAP, ANY, MEM_IN, SIZE_OR_ZERO], INT, { gpl: true, maps: ["perf_event_array"] }),
  proto(55, "perf_event_read_value", [MAP, ANY, MEM_OUT, SIZE], INT, { gpl: true, maps: ["perf_event_array"] }),
  proto(56, "perf_prog_read_value", [CTX, MEM_OUT, SIZE], INT, { gpl: true }),
  proto(111, "skb_output", [btf("sk_buff"), MAP, ANY, MEM_IN, SIZE_OR_ZERO], INT, { gpl: true, maps: ["perf_event_array"] }),
  proto(119, "read_branch_records", [CTX, T.MEM_INOUT_OR_NULL, SIZE_OR_ZERO, ANY], INT, { gpl: true }),
  proto(121, "xdp_output", [btf("xdp_buff"), MAP, ANY, MEM_IN, SIZE_OR_ZERO], INT, { gpl: true, maps: ["perf_event_array"] }),
  proto(176, "get_branch_snapshot", [MEM_OUT, SIZE_OR_ZERO], INT, { gpl: true }),

  // Stacks
  proto(27, "get_stackid", [CTX, MAP, ANY], INT, { gpl: true, maps: ["stack_trace"] }),
  proto(27, "get_stackid@perf_event", [CTX, MAP, ANY], INT, { maps: ["stack_trace"] }),
  proto(67, "get_stack", [CTX, MEM_OUT, SIZE_OR_ZERO, ANY], T.LENGTH, { gpl: true }),
  proto(141, "get_task_stack", [btf("task_struct"), MEM_OUT, SIZE_OR_ZERO, ANY], T.LENGTH),

  // Tasks
  proto(35, "get_current_task", [], INT, { gpl: true }),
  proto(37, "current_task_under_cgroup", [MAP, ANY], INT, { maps: ["cgroup_array"] }),
  proto(109, "send_signal", [ANY], INT),
  proto(117, "send_signal_thread", [ANY], INT),
  proto(158, "get_current_task_btf", [], T.toTrustedBtf("task_struct"), { gpl: true }),
  proto(175, "task_pt_regs", [btf("task_struct")], T.toBtf("pt_regs"), { gpl: true }),
  proto(180, "find_vma", [btf("task_struct"), ANY, T.FUNC, T.STACK_OR_NULL, ANY], INT),

  // The probed function
  proto(58, "override_return", [CTX, ANY], INT, { gpl: true }),
  proto(173, "get_func_ip", [CTX], INT, { gpl: true }),
  proto(173, "get_func_ip@multi", [CTX], INT),
  proto(174, "get_attach_cookie", [CTX], INT),
  proto(183, "get_func_arg", [CTX, ANY, T.NUMBER_OUT], INT),
  proto(184, "get_func_ret", [CTX, T.NUMBER_OUT], INT),
  proto(185, "get_func_arg_cnt", [CTX], INT),

  // Files and LSM hooks
  proto(147, "d_path", [btf("path"), T.MEM_INOUT, SIZE_OR_ZERO], INT, { hooks: "d_path" }),
  proto(159, "bprm_opts_set", [btf("linux_binprm"), ANY], INT),
  proto(161, "ima_inode_hash", [btf("inode"), MEM_OUT, SIZE], INT, { sleeps: true, hooks: "sleepable_lsm" }),
  proto(162, "sock_from_file", [btf("file")], T.toBtfOrNull("socket")),
  proto(193, "ima_file_hash", [btf("file"), MEM_OUT, SIZE], INT, { sleeps: true, hooks: "sleepable_lsm" }),

  // Infrared remotes
  proto(77, "rc_repeat", [CTX], INT, { gpl: true }),
  proto(78, "rc_keydown", [CTX, ANY, ANY, ANY], INT, { gpl: true }),
  proto(92, "rc_pointer_rel", [CTX, ANY, ANY], INT, { gpl: true }),
];
