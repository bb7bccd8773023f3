// Program types, and which of them a section name asks for. Names and numbers are the kernel's (`enum
// bpf_prog_type`, uapi/linux/bpf.h); the section names are those that libbpf documents. `raw` is ours: r1
// is the address of some memory, r2 its length, r0 all of 64 bits, as the conformance cases run.

/** Name to number; `raw` exists only here. */
export const PROGRAM_TYPES = {
  raw: -1,
  unspec: 0,
  socket_filter: 1,
  kprobe: 2,
  sched_cls: 3,
  sched_act: 4,
  tracepoint: 5,
  xdp: 6,
  perf_event: 7,
  cgroup_skb: 8,
  cgroup_sock: 9,
  lwt_in: 10,
  lwt_out: 11,
  lwt_xmit: 12,
  sock_ops: 13,
  sk_skb: 14,
  cgroup_device: 15,
  sk_msg: 16,
  raw_tracepoint: 17,
  cgroup_sock_addr: 18,
  lwt_seg6local: 19,
  lirc_mode2: 20,
  sk_reuseport: 21,
  flow_dissector: 22,
  cgroup_sysctl: 23,
  raw_tracepoint_writable: 24,
  cgroup_sockopt: 25,
  tracing: 26,
  struct_ops: 27,
  ext: 28,
  lsm: 29,
  sk_lookup: 30,
  syscall: 31,
  netfilter: 32,
} as const;

export type ProgramType = keyof typeof PROGRAM_TYPES;

/** What a section name says about its programs. */
export interface SectionMeaning {
  readonly type: ProgramType;
  /** Where to attach, e.g. `skb:kfree_skb`; missing when the name does not say. */
  readonly attachTo?: string;
}

/**
 * Section name up to the first `/` (or all of it) to type. A trailing `+` in libbpf's list (the target may
 * follow) is implied everywhere: what follows the slash is the attach point.
 */
const SECTIONS: Readonly<Record<string, ProgramType>> = {
  socket: "socket_filter",
  sk_reuseport: "sk_reuseport",
  kprobe: "kprobe",
  kretprobe: "kprobe",
  "kprobe.multi": "kprobe",
  "kretprobe.multi": "kprobe",
  "kprobe.session": "kprobe",
  uprobe: "kprobe",
  "uprobe.s": "kprobe",
  uretprobe: "kprobe",
  "uretprobe.s": "kprobe",
  "uprobe.multi": "kprobe",
  "uretprobe.multi": "kprobe",
  ksyscall: "kprobe",
  kretsyscall: "kprobe",
  usdt: "kprobe",
  "usdt.s": "kprobe",
  tc: "sched_cls",
  tcx: "sched_cls",
  netkit: "sched_cls",
  classifier: "sched_cls",
  action: "sched_act",
  tracepoint: "tracepoint",
  tp: "tracepoint",
  raw_tracepoint: "raw_tracepoint",
  raw_tp: "raw_tracepoint",
  "raw_tracepoint.w": "raw_tracepoint_writable",
  "raw_tp.w": "raw_tracepoint_writable",
  tp_btf: "tracing",
  fentry: "tracing",
  "fentry.s": "tracing",
  fexit: "tracing",
  "fexit.s": "tracing",
  fmod_ret: "tracing",
  "fmod_ret.s": "tracing",
  iter: "tracing",
  "iter.s": "tracing",
  lsm: "lsm",
  "lsm.s": "lsm",
  lsm_cgroup: "lsm",
  freplace: "ext",
  syscall: "syscall",
  xdp: "xdp",
  "xdp.frags": "xdp",
  perf_event: "perf_event",
  lwt_in: "lwt_in",
  lwt_out: "lwt_out",
  lwt_xmit: "lwt_xmit",
  lwt_seg6local: "lwt_seg6local",
  sockops: "sock_ops",
  sk_skb: "sk_skb",
  sk_msg: "sk_msg",
  lirc_mode2: "lirc_mode2",
  flow_dissector: "flow_dissector",
  cgroup_skb: "cgroup_skb",
  cgroup: "cgroup_sock_addr",
  sk_lookup: "sk_lookup",
  netfilter: "netfilter",
  struct_ops: "struct_ops",
  "struct_ops.s": "struct_ops",
  raw: "raw",
};

/** `cgroup/…` names several types; by what follows the slash. */
const CGROUP_SECTIONS: Readonly<Record<string, ProgramType>> = {
  skb: "cgroup_skb",
  sock: "cgroup_sock",
  sock_create: "cgroup_sock",
  sock_release: "cgroup_sock",
  post_bind4: "cgroup_sock",
  post_bind6: "cgroup_sock",
  dev: "cgroup_device",
  sysctl: "cgroup_sysctl",
  getsockopt: "cgroup_sockopt",
  setsockopt: "cgroup_sockopt",
};

/** What a program in that section is, or undefined for a section that holds none by its name. */
export function sectionMeaning(section: string): SectionMeaning | undefined {
  const name = section.replace(/^\?/, "");
  const slash = name.indexOf("/");
  const kind = slash === -1 ? name : name.slice(0, slash);
  const rest = slash === -1 ? "" : name.slice(slash + 1);
  let type = Object.hasOwn(SECTIONS, kind) ? SECTIONS[kind] : undefined;
  if (type === undefined) return undefined;
  if (kind === "cgroup" && Object.hasOwn(CGROUP_SECTIONS, rest)) type = CGROUP_SECTIONS[rest] as ProgramType;
  if (rest === "") return { type };
  // `tracepoint/skb/kfree_skb` is the event that tracefs calls `skb:kfree_skb`.
  return { type, attachTo: type === "tracepoint" ? rest.replace("/", ":") : rest };
}
