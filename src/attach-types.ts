// Where a program may be attached: names and numbers of `enum bpf_attach_type` (uapi/linux/bpf.h, Linux 6.18)
// without `BPF_`, which of them a section name asks for (as libbpf documents it), and which the kernel takes
// with a program type when a program is loaded.

/** Name to number. */
export const ATTACH_TYPES = {
  cgroup_inet_ingress: 0,
  cgroup_inet_egress: 1,
  cgroup_inet_sock_create: 2,
  cgroup_sock_ops: 3,
  sk_skb_stream_parser: 4,
  sk_skb_stream_verdict: 5,
  cgroup_device: 6,
  sk_msg_verdict: 7,
  cgroup_inet4_bind: 8,
  cgroup_inet6_bind: 9,
  cgroup_inet4_connect: 10,
  cgroup_inet6_connect: 11,
  cgroup_inet4_post_bind: 12,
  cgroup_inet6_post_bind: 13,
  cgroup_udp4_sendmsg: 14,
  cgroup_udp6_sendmsg: 15,
  lirc_mode2: 16,
  flow_dissector: 17,
  cgroup_sysctl: 18,
  cgroup_udp4_recvmsg: 19,
  cgroup_udp6_recvmsg: 20,
  cgroup_getsockopt: 21,
  cgroup_setsockopt: 22,
  trace_raw_tp: 23,
  trace_fentry: 24,
  trace_fexit: 25,
  modify_return: 26,
  lsm_mac: 27,
  trace_iter: 28,
  cgroup_inet4_getpeername: 29,
  cgroup_inet6_getpeername: 30,
  cgroup_inet4_getsockname: 31,
  cgroup_inet6_getsockname: 32,
  xdp_devmap: 33,
  cgroup_inet_sock_release: 34,
  xdp_cpumap: 35,
  sk_lookup: 36,
  xdp: 37,
  sk_skb_verdict: 38,
  sk_reuseport_select: 39,
  sk_reuseport_select_or_migrate: 40,
  perf_event: 41,
  trace_kprobe_multi: 42,
  lsm_cgroup: 43,
  struct_ops: 44,
  netfilter: 45,
  tcx_ingress: 46,
  tcx_egress: 47,
  trace_uprobe_multi: 48,
  cgroup_unix_connect: 49,
  cgroup_unix_sendmsg: 50,
  cgroup_unix_recvmsg: 51,
  cgroup_unix_getpeername: 52,
  cgroup_unix_getsockname: 53,
  netkit_primary: 54,
  netkit_peer: 55,
  trace_kprobe_session: 56,
  trace_uprobe_session: 57,
} as const;

export type AttachType = keyof typeof ATTACH_TYPES;

/** Sections whose whole name, target included, says where to attach. */
const BY_NAME: Readonly<Record<string, AttachType>> = {
  "sk_reuseport/migrate": "sk_reuseport_select_or_migrate",
  "tc/ingress": "tcx_ingress",
  "tc/egress": "tcx_egress",
  "tcx/ingress": "tcx_ingress",
  "tcx/egress": "tcx_egress",
  "netkit/primary": "netkit_primary",
  "netkit/peer": "netkit_peer",
  "xdp/devmap": "xdp_devmap",
  "xdp.frags/devmap": "xdp_devmap",
  "xdp/cpumap": "xdp_cpumap",
  "xdp.frags/cpumap": "xdp_cpumap",
  "sk_skb/stream_parser": "sk_skb_stream_parser",
  "sk_skb/stream_verdict": "sk_skb_stream_verdict",
  "sk_skb/verdict": "sk_skb_verdict",
  "cgroup_skb/ingress": "cgroup_inet_ingress",
  "cgroup_skb/egress": "cgroup_inet_egress",
  "cgroup/sock": "cgroup_inet_sock_create",
  "cgroup/sock_create": "cgroup_inet_sock_create",
  "cgroup/sock_release": "cgroup_inet_sock_release",
  "cgroup/post_bind4": "cgroup_inet4_post_bind",
  "cgroup/post_bind6": "cgroup_inet6_post_bind",
  "cgroup/bind4": "cgroup_inet4_bind",
  "cgroup/bind6": "cgroup_inet6_bind",
  "cgroup/connect4": "cgroup_inet4_connect",
  "cgroup/connect6": "cgroup_inet6_connect",
  "cgroup/connect_unix": "cgroup_unix_connect",
  "cgroup/sendmsg4": "cgroup_udp4_sendmsg",
  "cgroup/sendmsg6": "cgroup_udp6_sendmsg",
  "cgroup/sendmsg_unix": "cgroup_unix_sendmsg",
  "cgroup/recvmsg4": "cgroup_udp4_recvmsg",
  "cgroup/recvmsg6": "cgroup_udp6_recvmsg",
  "cgroup/recvmsg_unix": "cgroup_unix_recvmsg",
  "cgroup/getpeername4": "cgroup_inet4_getpeername",
  "cgroup/getpeername6": "cgroup_inet6_getpeername",
  "cgroup/getpeername_unix": "cgroup_unix_getpeername",
  "cgroup/getsockname4": "cgroup_inet4_getsockname",
  "cgroup/getsockname6": "cgroup_inet6_getsockname",
  "cgroup/getsockname_unix": "cgroup_unix_getsockname",
  "cgroup/sysctl": "cgroup_sysctl",
  "cgroup/getsockopt": "cgroup_getsockopt",
  "cgroup/setsockopt": "cgroup_setsockopt",
  "cgroup/dev": "cgroup_device",
};

/** Sections of which what precedes the first slash says it. */
const BY_KIND: Readonly<Record<string, AttachType>> = {
  sk_reuseport: "sk_reuseport_select",
  "kprobe.multi": "trace_kprobe_multi",
  "kretprobe.multi": "trace_kprobe_multi",
  "kprobe.session": "trace_kprobe_session",
  "uprobe.multi": "trace_uprobe_multi",
  "uprobe.multi.s": "trace_uprobe_multi",
  "uretprobe.multi": "trace_uprobe_multi",
  "uretprobe.multi.s": "trace_uprobe_multi",
  "uprobe.session": "trace_uprobe_session",
  "uprobe.session.s": "trace_uprobe_session",
  tp_btf: "trace_raw_tp",
  fentry: "trace_fentry",
  "fentry.s": "trace_fentry",
  fexit: "trace_fexit",
  "fexit.s": "trace_fexit",
  fmod_ret: "modify_return",
  "fmod_ret.s": "modify_return",
  iter: "trace_iter",
  "iter.s": "trace_iter",
  lsm: "lsm_mac",
  "lsm.s": "lsm_mac",
  lsm_cgroup: "lsm_cgroup",
  xdp: "xdp",
  "xdp.frags": "xdp",
  sockops: "cgroup_sock_ops",
  sk_msg: "sk_msg_verdict",
  lirc_mode2: "lirc_mode2",
  flow_dissector: "flow_dissector",
  sk_lookup: "sk_lookup",
  netfilter: "netfilter",
};

/** The expected attach type of programs in a section; undefined when the name asks for none (the number 0). */
export function sectionAttachType(section: string): AttachType | undefined {
  const name = section.replace(/^\?/, "");
  if (Object.hasOwn(BY_NAME, name)) return BY_NAME[name];
  const kind = name.replace(/\/.*$/s, "");
  return Object.hasOwn(BY_KIND, kind) ? BY_KIND[kind] : undefined;
}

/** BPF_F_* of loading a program. */
export const enum ProgramFlags {
  STRICT_ALIGNMENT = 1,
  TEST_STATE_FREQ = 8,
  SLEEPABLE = 16,
  XDP_HAS_FRAGS = 32,
}

/** The flags of BPF_PROG_LOAD that a section name asks for: `.s` sleepable, `.frags` packets in pieces. */
export function sectionLoadFlags(section: string): number {
  const kind = section.replace(/^\?/, "").replace(/\/.*$/s, "");
  if (kind === "syscall" || kind.endsWith(".s")) return ProgramFlags.SLEEPABLE;
  return kind === "xdp.frags" ? ProgramFlags.XDP_HAS_FRAGS : 0;
}

/**
 * What a program's section says of how it is to be loaded; zeros where it says nothing. Programs of type syscall are
 * sleepable whatever their section: Linux loads no others.
 */
export function sectionLoad({ section, type }: { readonly section: string; readonly type: string }): {
  readonly attachType: number;
  readonly flags: number;
} {
  const name = sectionAttachType(section);
  const flags = type === "syscall" ? ProgramFlags.SLEEPABLE : sectionLoadFlags(section);
  return { attachType: name === undefined ? 0 : ATTACH_TYPES[name], flags };
}

const SOCK_ADDR_TYPES: readonly AttachType[] = [
  ...(["cgroup_inet4_bind", "cgroup_inet6_bind"] as const),
  ...(["cgroup_inet4_connect", "cgroup_inet6_connect", "cgroup_unix_connect"] as const),
  ...(["cgroup_udp4_sendmsg", "cgroup_udp6_sendmsg", "cgroup_unix_sendmsg"] as const),
  ...(["cgroup_udp4_recvmsg", "cgroup_udp6_recvmsg", "cgroup_unix_recvmsg"] as const),
  ...(["cgroup_inet4_getpeername", "cgroup_inet6_getpeername", "cgroup_unix_getpeername"] as const),
  ...(["cgroup_inet4_getsockname", "cgroup_inet6_getsockname", "cgroup_unix_getsockname"] as const),
];

/** Attach types of `cgroup_sock_addr` for addresses of one family, or of any, and for one of these operations. */
export function sockAddrTypes(
  family: "4" | "6" | "_unix" | "",
  ...operations: readonly string[]
): AttachType[] {
  return SOCK_ADDR_TYPES.filter((name) =>
    operations.some((operation) => name.endsWith(`${family}_${operation}`)),
  );
}

/** Program types that are loaded for certain attach types only; the first stands in where 0 is given. */
const LOADED_FOR: Readonly<
  Record<string, { readonly attach: readonly AttachType[]; readonly hasDefault?: true }>
> = {
  cgroup_skb: { attach: ["cgroup_inet_ingress", "cgroup_inet_egress"] },
  cgroup_sock: {
    attach: [
      "cgroup_inet_sock_create",
      "cgroup_inet_sock_release",
      "cgroup_inet4_post_bind",
      "cgroup_inet6_post_bind",
    ],
    hasDefault: true,
  },
  cgroup_sock_addr: {
    attach: SOCK_ADDR_TYPES,
  },
  cgroup_sockopt: { attach: ["cgroup_getsockopt", "cgroup_setsockopt"] },
  sk_reuseport: { attach: ["sk_reuseport_select", "sk_reuseport_select_or_migrate"], hasDefault: true },
  sk_lookup: { attach: ["sk_lookup"] },
  netfilter: { attach: ["netfilter"] },
  // Only the number 0, which happens to be this one's: they are attached to nothing of the list.
  syscall: { attach: ["cgroup_inet_ingress"] },
  ext: { attach: ["cgroup_inet_ingress"] },
};

/**
 * The attach type that the kernel takes a program of that type to be for, given the expected one of its load;
 * undefined when it refuses to load the two together (EINVAL).
 */
export function loadAttachType(type: string, expected: number): number | undefined {
  if (!Object.hasOwn(LOADED_FOR, type)) return expected;
  const { attach, hasDefault } = LOADED_FOR[type];
  if (hasDefault && expected === 0) return ATTACH_TYPES[attach[0]];
  return attach.some((name) => ATTACH_TYPES[name] === expected) ? expected : undefined;
}
