// The kernel functions of Linux 6.18 that programs may call: what each does with references, RCU and sleep, which the
// kernel's BTF does not say, and which program types it is registered for. Signatures come from that BTF (kfunc.ts).
// A function without a row here may not be called.

import { ATTACH_TYPES } from "../../attach-types.ts";
import type { ProgramKind } from "./prototype.ts";

/** What a function does: `KF_*` of linux/btf.h, and what the kernel's verifier knows of functions by their names. */
export const enum KfuncFlag {
  ACQUIRE = 1,
  RELEASE = 2,
  RET_NULL = 4,
  TRUSTED_ARGS = 8,
  SLEEPABLE = 16,
  RCU = 32,
  RCU_PROTECTED = 64,
  ITER_NEW = 128,
  ITER_NEXT = 256,
  ITER_DESTROY = 512,
  /** May be called while a lock is held: of lists and trees, which locks guard, and of iterators. */
  UNDER_LOCK = 1024,
  /** Takes a lock, or fails to. */
  TRIES_LOCK = 2048,
  /** Takes an object into a list or a tree. */
  LINKS = 4096,
  /** May move the packet's bytes. */
  CHANGES_PACKET = 8192,
}

const FLAG_WORDS: Readonly<Record<string, number>> = {
  acquire: KfuncFlag.ACQUIRE,
  release: KfuncFlag.RELEASE,
  null: KfuncFlag.RET_NULL,
  trusted: KfuncFlag.TRUSTED_ARGS,
  sleeps: KfuncFlag.SLEEPABLE,
  rcu: KfuncFlag.RCU,
  rcu_protected: KfuncFlag.RCU_PROTECTED,
  new: KfuncFlag.ITER_NEW,
  next: KfuncFlag.ITER_NEXT,
  destroy: KfuncFlag.ITER_DESTROY,
  locked: KfuncFlag.UNDER_LOCK,
  tries_lock: KfuncFlag.TRIES_LOCK,
  links: KfuncFlag.LINKS,
  changes_packet: KfuncFlag.CHANGES_PACKET,
};

/** Where functions are registered: program types that the kernel does not tell apart there are one hook. */
type Hook =
  | "tc"
  | "act"
  | "xdp"
  | "tracing"
  | "struct_ops"
  | "syscall"
  | "cgroup"
  | "sk_skb"
  | "socket_filter"
  | "lwt"
  | "netfilter"
  | "kprobe";

/** `bpf_prog_type_to_kfunc_hook`; types without a row have what every program has. */
const HOOKS: Readonly<Record<string, Hook>> = {
  sched_cls: "tc",
  sched_act: "act",
  xdp: "xdp",
  tracing: "tracing",
  tracepoint: "tracing",
  perf_event: "tracing",
  lsm: "tracing",
  struct_ops: "struct_ops",
  syscall: "syscall",
  cgroup_skb: "cgroup",
  cgroup_sock: "cgroup",
  cgroup_device: "cgroup",
  cgroup_sock_addr: "cgroup",
  cgroup_sockopt: "cgroup",
  cgroup_sysctl: "cgroup",
  sock_ops: "cgroup",
  sk_skb: "sk_skb",
  socket_filter: "socket_filter",
  lwt_in: "lwt",
  lwt_out: "lwt",
  lwt_xmit: "lwt",
  lwt_seg6local: "lwt",
  netfilter: "netfilter",
  kprobe: "kprobe",
};

interface Family {
  /** Every program's when missing. */
  readonly hooks?: readonly Hook[];
  /** A condition of the functions' own. */
  readonly when?: (program: ProgramKind) => boolean;
  /** A function per line, with its flags. */
  readonly rows: string;
}

const EVERYWHERE: Family = {
  rows: `
    __bpf_trap
    bpf_rdonly_cast
    bpf_cast_to_kern_ctx
    bpf_rcu_read_lock
    bpf_rcu_read_unlock
    bpf_preempt_disable
    bpf_preempt_enable
    bpf_local_irq_save
    bpf_local_irq_restore
    bpf_res_spin_lock null locked tries_lock
    bpf_res_spin_unlock locked
    bpf_res_spin_lock_irqsave null locked tries_lock
    bpf_res_spin_unlock_irqrestore locked
    bpf_map_sum_elem_count trusted
    bpf_get_kmem_cache
    bpf_modify_return_test_tp

    bpf_dynptr_slice null
    bpf_dynptr_slice_rdwr null
    bpf_dynptr_adjust
    bpf_dynptr_is_null
    bpf_dynptr_is_rdonly
    bpf_dynptr_size
    bpf_dynptr_clone
    bpf_dynptr_copy
    bpf_dynptr_memset
    bpf_probe_read_kernel_dynptr
    bpf_probe_read_kernel_str_dynptr
    bpf_probe_read_user_dynptr
    bpf_probe_read_user_str_dynptr
    bpf_copy_from_user_dynptr sleeps
    bpf_copy_from_user_str_dynptr sleeps
    bpf_copy_from_user_task_dynptr sleeps trusted
    bpf_copy_from_user_task_str_dynptr sleeps trusted
    bpf_copy_from_user_str sleeps
    bpf_copy_from_user_task_str sleeps
    bpf_cgroup_read_xattr rcu
    bpf_stream_vprintk_impl trusted locked

    bpf_iter_num_new new locked
    bpf_iter_num_next next null locked
    bpf_iter_num_destroy destroy locked
    bpf_iter_bits_new new
    bpf_iter_bits_next next null
    bpf_iter_bits_destroy destroy
    bpf_iter_task_new new trusted rcu_protected
    bpf_iter_task_next next null
    bpf_iter_task_destroy destroy
    bpf_iter_task_vma_new new rcu
    bpf_iter_task_vma_next next null
    bpf_iter_task_vma_destroy destroy
    bpf_iter_css_new new trusted rcu_protected
    bpf_iter_css_next next null
    bpf_iter_css_destroy destroy
    bpf_iter_css_task_new new trusted
    bpf_iter_css_task_next next null
    bpf_iter_css_task_destroy destroy
    bpf_iter_kmem_cache_new new sleeps
    bpf_iter_kmem_cache_next next null sleeps
    bpf_iter_kmem_cache_destroy destroy sleeps
    bpf_iter_dmabuf_new new sleeps
    bpf_iter_dmabuf_next next null sleeps
    bpf_iter_dmabuf_destroy destroy sleeps

    bpf_strcmp
    bpf_strcasecmp
    bpf_strchr
    bpf_strchrnul
    bpf_strnchr
    bpf_strrchr
    bpf_strlen
    bpf_strnlen
    bpf_strspn
    bpf_strcspn
    bpf_strstr
    bpf_strnstr

    bpf_wq_init
    bpf_wq_set_callback_impl
    bpf_wq_start
    bpf_task_work_schedule_signal_impl trusted
    bpf_task_work_schedule_resume_impl trusted

    bpf_arena_alloc_pages trusted sleeps
    bpf_arena_free_pages trusted sleeps
    bpf_arena_reserve_pages trusted sleeps

    bpf_xdp_metadata_rx_timestamp trusted
    bpf_xdp_metadata_rx_hash trusted
    bpf_xdp_metadata_rx_vlan_tag trusted
  `,
};

/** Objects, lists and trees of the program's own, tasks, control groups, keys. */
const OBJECTS: Family = {
  hooks: ["tc", "xdp", "tracing", "struct_ops", "syscall", "cgroup"],
  rows: `
    bpf_obj_new_impl acquire null
    bpf_percpu_obj_new_impl acquire null
    bpf_obj_drop_impl release
    bpf_percpu_obj_drop_impl release
    bpf_refcount_acquire_impl acquire null rcu locked
    bpf_list_push_front_impl locked links
    bpf_list_push_back_impl locked links
    bpf_list_pop_front acquire null locked
    bpf_list_pop_back acquire null locked
    bpf_list_front null locked
    bpf_list_back null locked
    bpf_rbtree_add_impl locked links
    bpf_rbtree_remove acquire null locked
    bpf_rbtree_first null locked
    bpf_rbtree_root null locked
    bpf_rbtree_left null locked
    bpf_rbtree_right null locked
    bpf_task_acquire acquire rcu null
    bpf_task_release release
    bpf_task_from_pid acquire null
    bpf_task_from_vpid acquire null
    bpf_task_under_cgroup rcu
    bpf_task_get_cgroup1 acquire rcu null
    bpf_cgroup_acquire acquire rcu null
    bpf_cgroup_release release
    bpf_cgroup_ancestor acquire rcu null
    bpf_cgroup_from_id acquire null
    bpf_lookup_user_key acquire null sleeps
    bpf_lookup_system_key acquire null
    bpf_key_put release
    bpf_send_signal_task trusted
    bpf_throw
  `,
};

const CPU_MASKS: Family = {
  hooks: ["tracing", "struct_ops", "syscall"],
  rows: `
    bpf_cpumask_create acquire null
    bpf_cpumask_release release
    bpf_cpumask_acquire acquire trusted
    bpf_cpumask_first rcu
    bpf_cpumask_first_zero rcu
    bpf_cpumask_first_and rcu
    bpf_cpumask_set_cpu rcu
    bpf_cpumask_clear_cpu rcu
    bpf_cpumask_test_cpu rcu
    bpf_cpumask_test_and_set_cpu rcu
    bpf_cpumask_test_and_clear_cpu rcu
    bpf_cpumask_setall rcu
    bpf_cpumask_clear rcu
    bpf_cpumask_and rcu
    bpf_cpumask_or rcu
    bpf_cpumask_xor rcu
    bpf_cpumask_equal rcu
    bpf_cpumask_intersects rcu
    bpf_cpumask_subset rcu
    bpf_cpumask_empty rcu
    bpf_cpumask_full rcu
    bpf_cpumask_copy rcu
    bpf_cpumask_any_distribute rcu
    bpf_cpumask_any_and_distribute rcu
    bpf_cpumask_weight rcu
    bpf_cpumask_populate rcu
  `,
};

const CONNECTIONS: Family = {
  hooks: ["tc", "xdp"],
  rows: `
    bpf_xdp_ct_alloc acquire null
    bpf_xdp_ct_lookup acquire null
    bpf_skb_ct_alloc acquire null
    bpf_skb_ct_lookup acquire null
    bpf_ct_insert_entry acquire null release
    bpf_ct_release release
    bpf_ct_set_timeout trusted
    bpf_ct_change_timeout trusted
    bpf_ct_set_status trusted
    bpf_ct_change_status trusted
    bpf_ct_set_nat_info trusted
  `,
};

const TCP_CONGESTION: Family = {
  hooks: ["struct_ops"],
  rows: `
    tcp_reno_ssthresh
    tcp_reno_cong_avoid
    tcp_reno_undo_cwnd
    tcp_slow_start
    tcp_cong_avoid_ai
    cubictcp_init
    cubictcp_recalc_ssthresh
    cubictcp_cong_avoid
    cubictcp_state
    cubictcp_cwnd_event
    cubictcp_acked
    bbr_init
    bbr_main
    bbr_sndbuf_expand
    bbr_undo_cwnd
    bbr_cwnd_event
    bbr_ssthresh
    bbr_min_tso_segs
    bbr_set_state
  `,
};

const isIterator = ({ attachType }: ProgramKind): boolean => attachType === ATTACH_TYPES.trace_iter;
const isSession = ({ attachType }: ProgramKind): boolean =>
  attachType === ATTACH_TYPES.trace_kprobe_session || attachType === ATTACH_TYPES.trace_uprobe_session;

const FAMILIES: readonly Family[] = [
  EVERYWHERE,
  OBJECTS,
  CPU_MASKS,
  CONNECTIONS,
  TCP_CONGESTION,
  {
    hooks: ["socket_filter", "tc", "act", "cgroup", "lwt", "sk_skb", "tracing", "netfilter"],
    rows: "bpf_dynptr_from_skb trusted",
  },
  { hooks: ["tc", "act"], rows: "bpf_dynptr_from_skb_meta trusted" },
  { hooks: ["tc"], rows: "bpf_sk_assign_tcp_reqsk trusted" },
  {
    hooks: ["tc", "act", "xdp"],
    rows: `
      bpf_crypto_encrypt rcu
      bpf_crypto_decrypt rcu
    `,
  },
  {
    hooks: ["syscall"],
    rows: `
      bpf_crypto_ctx_create acquire null sleeps
      bpf_crypto_ctx_release release
      bpf_crypto_ctx_acquire acquire rcu null
    `,
  },
  {
    hooks: ["xdp"],
    rows: `
      bpf_dynptr_from_xdp
      bpf_xdp_pull_data changes_packet
      bpf_xdp_get_xfrm_state null acquire
      bpf_xdp_xfrm_state_release release
    `,
  },
  {
    hooks: ["cgroup"],
    rows: `
      bpf_sock_addr_set_sun_path
      bpf_sock_ops_enable_tx_tstamp trusted
    `,
  },
  {
    hooks: ["tracing"],
    rows: `
      css_rstat_updated
      css_rstat_flush sleeps
    `,
  },
  { hooks: ["tracing"], when: isIterator, rows: "bpf_sock_destroy trusted" },
  {
    hooks: ["tracing"],
    when: ({ type }) => type === "lsm",
    rows: `
      bpf_get_task_exe_file acquire trusted null
      bpf_put_file release
      bpf_path_d_path trusted
      bpf_get_dentry_xattr sleeps trusted
      bpf_get_file_xattr sleeps trusted
    `,
  },
  {
    hooks: ["kprobe"],
    when: isSession,
    rows: `
      bpf_session_is_return
      bpf_session_cookie
    `,
  },
  {
    hooks: ["tc", "tracing", "syscall"],
    rows: `
      bpf_kfunc_call_test_release release
      bpf_kfunc_call_memb_release release
    `,
  },
];

interface Row {
  readonly flags: number;
  readonly family: Family;
}

const ROWS: ReadonlyMap<string, Row> = new Map(
  FAMILIES.flatMap((family) =>
    family.rows
      .trim()
      .split(/\n\s*/)
      .map((line): [string, Row] => {
        const [name, ...words] = line.split(" ");
        const flags = words.reduce((sum, word) => sum | (FLAG_WORDS[word] as number), 0);
        return [name as string, { flags, family }];
      }),
  ),
);

/** Names of all rows. */
export const KFUNC_NAMES: readonly string[] = [...ROWS.keys()];

/** The function's KfuncFlags, added up; undefined when it has no row. */
export function kfuncFlags(name: string): number | undefined {
  return ROWS.get(name)?.flags;
}

/** Whether a program of that kind may call the function. */
export function mayCallKfunc(name: string, program: ProgramKind): boolean {
  const family = ROWS.get(name)?.family;
  if (family === undefined) return false;
  const { hooks, when } = family;
  if (hooks !== undefined && !hooks.includes(HOOKS[program.type] as Hook)) return false;
  return when === undefined || when(program);
}
