// Which program type may call which helper, as Linux 6.18's `get_func_proto` callbacks decide: each type is a list
// of groups. The first group that names a helper decides its variant (`name@variant` of the prototype tables), so
// a type's own group stands before the common ones. Never allowed on the kernel that the tests' matrix is of, and
// so in no group: override_return (no error injection built in) and probe_write_user (locked down).

import { ATTACH_TYPES, type AttachType } from "../../attach-types.ts";
import type { ProgramType } from "../../program-types.ts";
import type { HookRule, ProgramKind } from "./prototype.ts";

/** Helpers that come together, and what else they ask of the program. */
interface HelperGroup {
  /** Each with its variant, as `name` or `name@variant`. */
  readonly helpers: readonly string[];
  /** The program's loader needs CAP_PERFMON. */
  readonly perfmon?: true;
  /** Which programs of the type have it; all when missing. */
  readonly when?: (program: ProgramKind) => boolean;
}

type When = (program: ProgramKind) => boolean;

const names = (text: string): readonly string[] => text.trim().split(/\s+/);
const group = (text: string, when?: When): HelperGroup => ({ helpers: names(text), ...(when && { when }) });
const perfmonGroup = (text: string): HelperGroup => ({ helpers: names(text), perfmon: true });

const attachedTo =
  (...types: readonly AttachType[]): When =>
  ({ attachType }) =>
    types.some((type) => ATTACH_TYPES[type] === attachType);
const attachedElsewhere =
  (...types: readonly AttachType[]): When =>
  (program) =>
    !attachedTo(...types)(program);

// Every type

const MAPS = group(`
  map_lookup_elem map_update_elem map_delete_elem map_push_elem map_pop_elem map_peek_elem
  map_lookup_percpu_elem for_each_map_elem tail_call
`);
const CLOCKS_AND_NUMBERS = group(`
  ktime_get_ns ktime_get_boot_ns ktime_get_tai_ns jiffies64 get_prandom_u32 get_smp_processor_id
  get_numa_node_id per_cpu_ptr this_cpu_ptr
`);
const RING_BUFFERS_AND_DYNPTRS = group(`
  ringbuf_output ringbuf_reserve ringbuf_submit ringbuf_discard ringbuf_query user_ringbuf_drain
  ringbuf_reserve_dynptr ringbuf_submit_dynptr ringbuf_discard_dynptr
  dynptr_from_mem dynptr_read dynptr_write dynptr_data
`);
const LOCKS_AND_CALLBACKS = group(`
  spin_lock spin_unlock timer_init timer_set_callback timer_start timer_cancel loop kptr_xchg
`);
const STRINGS = group("strtol strtoul strncmp");
const CURRENT_TASK = group(`
  get_current_pid_tgid get_ns_current_pid_tgid get_current_uid_gid get_cgroup_classid
  get_current_cgroup_id get_current_ancestor_cgroup_id current_task_under_cgroup
  task_storage_get task_storage_delete cgrp_storage_get cgrp_storage_delete
`);
const INSPECTION = perfmonGroup(`
  trace_printk trace_vprintk snprintf snprintf_btf
  get_current_comm get_current_task get_current_task_btf task_pt_regs get_task_stack get_branch_snapshot
  probe_read_user probe_read_kernel probe_read_user_str probe_read_kernel_str copy_from_user copy_from_user_task
  perf_event_read perf_event_read_value send_signal send_signal_thread find_vma
`);
const BASE: readonly HelperGroup[] = [
  MAPS,
  CLOCKS_AND_NUMBERS,
  RING_BUFFERS_AND_DYNPTRS,
  LOCKS_AND_CALLBACKS,
  STRINGS,
  CURRENT_TASK,
  INSPECTION,
];

// Networking

const COARSE_CLOCK = group("ktime_get_coarse_ns");
const SOCKET_CASTS = names(`
  skc_to_tcp6_sock skc_to_tcp_sock skc_to_tcp_timewait_sock skc_to_tcp_request_sock skc_to_udp6_sock
  skc_to_unix_sock skc_to_mptcp_sock
`);
const NETWORK: readonly HelperGroup[] = [{ helpers: SOCKET_CASTS, perfmon: true }, COARSE_CLOCK, ...BASE];

const PERF_OUTPUT = group("perf_event_output");
const SKB_LOAD = group("skb_load_bytes");
const SKB_LOAD_RELATIVE = group("skb_load_bytes_relative");
const SOCKET_COOKIE = group("get_socket_cookie");
const SOCKET_UID = group("get_socket_uid");
const NETNS_COOKIE = group("get_netns_cookie");
const SOCKET_LOOKUP = group("sk_lookup_tcp sk_lookup_udp skc_lookup_tcp sk_release");
const SOCKET_STORAGE = group("sk_storage_get sk_storage_delete");
const SOCKET_VIEWS = group("sk_fullsock tcp_sock get_listener_sock skb_ecn_set_ce");
const SKB_CGROUP = group("skb_cgroup_id skb_ancestor_cgroup_id");
const CSUM_DIFF = group("csum_diff");
const ROUTING = group("redirect fib_lookup check_mtu");
const SYN_COOKIES = group(`
  tcp_check_syncookie tcp_gen_syncookie tcp_raw_gen_syncookie_ipv4 tcp_raw_gen_syncookie_ipv6
  tcp_raw_check_syncookie_ipv4 tcp_raw_check_syncookie_ipv6
`);
const SKB_ROUTE = group("get_cgroup_classid@skb get_route_realm get_hash_recalc skb_under_cgroup");
/** What tc and the transmitting lightweight tunnel may do to a packet. */
const SKB_CHANGES = group(`
  skb_store_bytes skb_pull_data skb_change_tail skb_change_head l3_csum_replace l4_csum_replace
  csum_update csum_level set_hash_invalid clone_redirect
  skb_get_tunnel_key skb_set_tunnel_key skb_get_tunnel_opt skb_set_tunnel_opt
`);
const TC_ONLY = group(`
  skb_vlan_push skb_vlan_pop skb_change_proto skb_change_type skb_adjust_room set_hash skb_set_tstamp
  skb_get_xfrm_state skb_cgroup_classid redirect_neigh redirect_peer sk_assign
`);

const SOCKET_FILTER = [
  PERF_OUTPUT,
  SKB_LOAD,
  SKB_LOAD_RELATIVE,
  SOCKET_COOKIE,
  SOCKET_UID,
  NETNS_COOKIE,
  ...NETWORK,
];
const TC = [
  TC_ONLY,
  SKB_CHANGES,
  SKB_ROUTE,
  CSUM_DIFF,
  ROUTING,
  SYN_COOKIES,
  SKB_CGROUP,
  SOCKET_LOOKUP,
  SOCKET_VIEWS,
  SOCKET_STORAGE,
  ...SOCKET_FILTER,
];
const XDP = [
  group(`
    xdp_adjust_head xdp_adjust_meta xdp_adjust_tail xdp_get_buff_len xdp_load_bytes xdp_store_bytes redirect_map
  `),
  PERF_OUTPUT,
  CSUM_DIFF,
  ROUTING,
  SYN_COOKIES,
  SOCKET_LOOKUP,
  ...NETWORK,
];
const LWT = [SKB_ROUTE, CSUM_DIFF, SKB_LOAD, group("skb_pull_data"), PERF_OUTPUT, ...NETWORK];
const LWT_IN = [group("lwt_push_encap"), ...LWT];
const LWT_XMIT = [group("lwt_push_encap redirect"), SKB_CHANGES, ...LWT];
const LWT_SEG6LOCAL = [group("lwt_seg6_store_bytes lwt_seg6_adjust_srh lwt_seg6_action"), ...LWT];
const SK_SKB = [
  group(`
    skb_store_bytes skb_pull_data skb_change_tail skb_change_head skb_adjust_room sk_redirect_map sk_redirect_hash
  `),
  SKB_LOAD,
  SOCKET_COOKIE,
  SOCKET_UID,
  SOCKET_LOOKUP,
  PERF_OUTPUT,
  ...NETWORK,
];
const SK_MSG = [
  group(`
    msg_redirect_map msg_redirect_hash msg_apply_bytes msg_cork_bytes msg_pull_data msg_push_data msg_pop_data
  `),
  SOCKET_STORAGE,
  NETNS_COOKIE,
  PERF_OUTPUT,
  ...NETWORK,
];
const FLOW_DISSECTOR = [SKB_LOAD, ...NETWORK];
const SK_LOOKUP = [group("sk_assign@sk_lookup sk_release"), PERF_OUTPUT, ...NETWORK];
const SK_REUSEPORT = [
  group("sk_select_reuseport get_socket_cookie@btf"),
  SKB_LOAD,
  SKB_LOAD_RELATIVE,
  COARSE_CLOCK,
  ...BASE,
];

// Control groups

const LOCAL_STORAGE = group("get_local_storage");
/** Hooks whose return value nobody reads have no helper for it. */
const RETURN_VALUE = group(
  "get_retval set_retval",
  attachedElsewhere(
    "cgroup_inet_ingress",
    "cgroup_inet_egress",
    "cgroup_sock_ops",
    "cgroup_udp4_recvmsg",
    "cgroup_udp6_recvmsg",
    "cgroup_inet4_getpeername",
    "cgroup_inet6_getpeername",
    "cgroup_inet4_getsockname",
    "cgroup_inet6_getsockname",
    "cgroup_unix_recvmsg",
    "cgroup_unix_getpeername",
    "cgroup_unix_getsockname",
  ),
);
const SOCKET_OPTIONS = group("setsockopt getsockopt");

const CGROUP_SKB = [
  group("sk_cgroup_id sk_ancestor_cgroup_id"),
  LOCAL_STORAGE,
  SKB_CGROUP,
  SOCKET_LOOKUP,
  SOCKET_VIEWS,
  SOCKET_STORAGE,
  ...SOCKET_FILTER,
];
const CGROUP_SOCK = [
  group("sk_storage_get@ctx"),
  SOCKET_COOKIE,
  NETNS_COOKIE,
  LOCAL_STORAGE,
  group("get_retval set_retval"),
  PERF_OUTPUT,
  COARSE_CLOCK,
  ...BASE,
];
const CGROUP_SOCK_ADDR = [
  group("bind", attachedTo("cgroup_inet4_connect", "cgroup_inet6_connect")),
  group("sk_lookup_tcp@sock_addr sk_lookup_udp@sock_addr skc_lookup_tcp@sock_addr sk_release"),
  SOCKET_OPTIONS,
  SOCKET_COOKIE,
  SOCKET_STORAGE,
  NETNS_COOKIE,
  LOCAL_STORAGE,
  RETURN_VALUE,
  PERF_OUTPUT,
  ...NETWORK,
];
const SOCK_OPS = [
  group(`
    sock_ops_cb_flags_set sock_map_update sock_hash_update tcp_sock load_hdr_opt store_hdr_opt reserve_hdr_opt
  `),
  SOCKET_OPTIONS,
  SOCKET_COOKIE,
  SOCKET_STORAGE,
  NETNS_COOKIE,
  LOCAL_STORAGE,
  RETURN_VALUE,
  PERF_OUTPUT,
  ...NETWORK,
];
const CGROUP_DEVICE = [LOCAL_STORAGE, RETURN_VALUE, PERF_OUTPUT, ...BASE];
const CGROUP_SYSCTL = [
  group("sysctl_get_name sysctl_get_current_value sysctl_get_new_value sysctl_set_new_value"),
  LOCAL_STORAGE,
  RETURN_VALUE,
  PERF_OUTPUT,
  COARSE_CLOCK,
  ...BASE,
];
const CGROUP_SOCKOPT = [
  group("setsockopt@btf getsockopt@btf", attachedTo("cgroup_setsockopt")),
  group("tcp_sock"),
  SOCKET_STORAGE,
  NETNS_COOKIE,
  LOCAL_STORAGE,
  RETURN_VALUE,
  PERF_OUTPUT,
  ...BASE,
];

// Tracing

const OLD_PROBE_READS = group("probe_read probe_read_str");
const TRACING_OUTPUT = group("perf_event_output get_stackid get_stack");
const PROBED_MULTI = group(
  "get_func_ip@multi",
  attachedTo("trace_kprobe_multi", "trace_kprobe_session", "trace_uprobe_multi", "trace_uprobe_session"),
);
const FUNC_IP = group("get_func_ip");
const PROBE = [OLD_PROBE_READS, TRACING_OUTPUT, FUNC_IP, group("get_attach_cookie"), ...BASE];
const KPROBE = [PROBED_MULTI, ...PROBE];
const PERF_EVENT = [group("get_stackid@perf_event perf_prog_read_value read_branch_records"), ...PROBE];

const throughTrampoline: When = (program) =>
  program.type === "lsm" || attachedTo("trace_fentry", "trace_fexit", "modify_return")(program);
const hasCookie: When = (program) => attachedTo("trace_raw_tp")(program) || throughTrampoline(program);

/** What programs typed by BTF share: tracing, lsm, and syscall, which is served by the same callback. */
const TYPED: readonly HelperGroup[] = [
  group("skb_output xdp_output xdp_get_buff_len@btf"),
  group("get_socket_cookie@btf sk_storage_get@btf sk_storage_delete@btf sock_from_file d_path"),
  { helpers: SOCKET_CASTS },
  OLD_PROBE_READS,
  TRACING_OUTPUT,
  FUNC_IP,
];
const TRACING = [
  group("get_func_arg get_func_arg_cnt", throughTrampoline),
  group("get_func_ret", attachedTo("trace_fexit", "modify_return")),
  group("get_attach_cookie", hasCookie),
  group("seq_printf seq_write seq_printf_btf", attachedTo("trace_iter")),
  group(
    "setsockopt@btf getsockopt@btf",
    (program) => program.attachTo === "bpf_iter_tcp" || program.attachTo === "bpf_iter_unix",
  ),
  ...TYPED,
  ...BASE,
];
const LSM = [
  group("inode_storage_get inode_storage_delete sk_storage_get sk_storage_delete bprm_opts_set"),
  group("ima_inode_hash ima_file_hash", (program) => program.isSleepable),
  group("get_local_storage get_retval set_retval", attachedTo("lsm_cgroup")),
  group("setsockopt@btf getsockopt@btf", attachedTo("lsm_cgroup")),
  group("get_func_arg get_func_arg_cnt get_attach_cookie"),
  ...TYPED,
  ...BASE,
];
const SYSCALL = [
  perfmonGroup("sys_bpf"),
  group("btf_find_by_name_kind sys_close kallsyms_lookup_name"),
  ...TYPED,
  ...BASE,
];

/** A TCP congestion control's; other structs of operations have less. */
const STRUCT_OPS = [
  group("tcp_send_ack sk_storage_get sk_storage_delete setsockopt@btf getsockopt@btf ktime_get_coarse_ns"),
  ...BASE,
];
const LIRC_MODE2 = [group("rc_repeat rc_keydown rc_pointer_rel"), ...BASE];

/** Groups of each type, the deciding one first. A program that extends another (`ext`) has those of its target. */
export const ALLOWED_HELPERS: Readonly<Partial<Record<ProgramType, readonly HelperGroup[]>>> = {
  socket_filter: SOCKET_FILTER,
  kprobe: KPROBE,
  sched_cls: TC,
  sched_act: TC,
  tracepoint: PROBE,
  xdp: XDP,
  perf_event: PERF_EVENT,
  cgroup_skb: CGROUP_SKB,
  cgroup_sock: CGROUP_SOCK,
  lwt_in: LWT_IN,
  lwt_out: LWT,
  lwt_xmit: LWT_XMIT,
  sock_ops: SOCK_OPS,
  sk_skb: SK_SKB,
  cgroup_device: CGROUP_DEVICE,
  sk_msg: SK_MSG,
  raw_tracepoint: PROBE,
  cgroup_sock_addr: CGROUP_SOCK_ADDR,
  lwt_seg6local: LWT_SEG6LOCAL,
  lirc_mode2: LIRC_MODE2,
  sk_reuseport: SK_REUSEPORT,
  flow_dissector: FLOW_DISSECTOR,
  cgroup_sysctl: CGROUP_SYSCTL,
  raw_tracepoint_writable: PROBE,
  cgroup_sockopt: CGROUP_SOCKOPT,
  tracing: TRACING,
  struct_ops: STRUCT_OPS,
  lsm: LSM,
  sk_lookup: SK_LOOKUP,
  syscall: SYSCALL,
  netfilter: BASE,
};

/** Functions outside LSM and iterators from whose probes `d_path` may be called: their path is safe to walk. */
const D_PATH_FUNCTIONS = new Set(
  names(`
    security_file_permission security_inode_getattr security_file_open security_path_truncate
    vfs_truncate vfs_fallocate dentry_open vfs_getattr filp_close
  `),
);

/**
 * Whether a program's hook satisfies a prototype's rule. Which LSM hooks may sleep is not known here: a program
 * that may sleep attaches to no other, one that may not is refused although its hook might have allowed it.
 */
export function hookAllows(rule: HookRule, program: ProgramKind): boolean {
  const { type, attachTo = "" } = program;
  switch (rule) {
    case "d_path":
      if (type === "tracing" && attachedTo("trace_iter")(program)) return true;
      return type === "lsm" ? program.isSleepable : D_PATH_FUNCTIONS.has(attachTo);
    case "sleepable_lsm":
      return type === "lsm" && program.isSleepable;
    case "outside_sk_storage":
      if (attachedTo("trace_iter", "trace_raw_tp")(program)) return true;
      return attachedTo("trace_fentry", "trace_fexit")(program) && !attachTo.startsWith("bpf_sk_storage");
  }
}
