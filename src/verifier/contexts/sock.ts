// Contexts that speak of a socket, and the structs that a socket pointer found in a context gives to read.
// Follows Linux 6.18, net/core/filter.c (bpf_sock_is_valid_access and its neighbours).

import {
  type ContextField,
  type ContextRow,
  type ContextStruct,
  DOUBLE_WORD,
  field,
  NARROW,
  pointer,
  run,
  u32,
  u32Array,
  u32AtStart,
} from "./field.ts";

const SOCK: ContextStruct = {
  name: "bpf_sock",
  size: 80,
  fields: [
    u32("bound_dev_if", 0),
    u32AtStart("family", 4),
    u32AtStart("type", 8),
    u32AtStart("protocol", 12),
    u32("mark", 16),
    u32("priority", 20),
    u32("src_ip4", 24, NARROW),
    u32Array("src_ip6", 28, 4, NARROW),
    u32AtStart("src_port", 44),
    // Two bytes, which programs older than that may load as four.
    field("dst_port", 48, 2, [1, 2]),
    u32("dst_port", 48),
    u32("dst_ip4", 52, NARROW),
    u32Array("dst_ip6", 56, 4, NARROW),
    u32AtStart("state", 72),
    u32AtStart("rx_queue_mapping", 76),
  ],
};

/** State of a TCP connection, under the names that `bpf_tcp_sock` and `bpf_sock_ops` share. */
const TCP_COUNTERS = [
  "snd_ssthresh",
  "rcv_nxt",
  "snd_nxt",
  "snd_una",
  "mss_cache",
  "ecn_flags",
  "rate_delivered",
  "rate_interval_us",
  "packets_out",
  "retrans_out",
  "total_retrans",
  "segs_in",
  "data_segs_in",
  "segs_out",
  "data_segs_out",
  "lost_out",
  "sacked_out",
];
const TCP_BYTES = ["bytes_received", "bytes_acked"];

const SOCK_OPS: ContextStruct = {
  name: "bpf_sock_ops",
  size: 224,
  fields: [
    u32("op", 0),
    u32("reply", 4),
    u32Array("args", 4, 4),
    u32("family", 20),
    u32("remote_ip4", 24),
    u32("local_ip4", 28),
    u32Array("remote_ip6", 32, 4),
    u32Array("local_ip6", 48, 4),
    ...run(
      64,
      4,
      [4],
      [
        "remote_port",
        "local_port",
        "is_fullsock",
        "snd_cwnd",
        "srtt_us",
        "bpf_sock_ops_cb_flags",
        "state",
        "rtt_min",
        ...TCP_COUNTERS,
        "sk_txhash",
      ],
    ),
    ...run(168, 8, DOUBLE_WORD, TCP_BYTES),
    pointer("sk", 184, 8, "sock_or_null"),
    pointer("skb_data", 192, 8, "pkt"),
    pointer("skb_data_end", 200, 8, "pkt_end"),
    u32("skb_len", 208),
    u32AtStart("skb_tcp_flags", 212),
    field("skb_hwtstamp", 216, 8, DOUBLE_WORD),
  ],
};

const SK_MSG: ContextStruct = {
  name: "sk_msg_md",
  size: 80,
  fields: [
    pointer("data", 0, 8, "pkt"),
    pointer("data_end", 8, 8, "pkt_end"),
    u32("family", 16),
    u32("remote_ip4", 20),
    u32("local_ip4", 24),
    u32Array("remote_ip6", 28, 4),
    u32Array("local_ip6", 44, 4),
    ...run(60, 4, [4], ["remote_port", "local_port", "size"]),
    pointer("sk", 72, 8, "sock"),
  ],
};

const SK_LOOKUP: ContextStruct = {
  name: "bpf_sk_lookup",
  size: 72,
  fields: [
    pointer("sk", 0, 8, "sock_or_null"),
    u32("family", 8, NARROW),
    u32("protocol", 12, NARROW),
    u32("remote_ip4", 16, NARROW),
    u32Array("remote_ip6", 20, 4, NARROW),
    // Two bytes and two of padding; all of them may be read.
    u32("remote_port", 36, NARROW),
    u32("local_ip4", 40, NARROW),
    u32Array("local_ip6", 44, 4, NARROW),
    u32("local_port", 60, NARROW),
    u32("ingress_ifindex", 64, NARROW),
  ],
};

/** Fields that a socket has before it is bound, and no longer gives once it is. */
const UNBOUND = ["bound_dev_if", "mark", "priority"];
const SOURCE = ["src_ip4", "src_ip6", "src_port"];

export const SOCK_ROWS: readonly ContextRow[] = [
  {
    types: ["cgroup_sock"],
    attach: ["cgroup_inet_sock_create", "cgroup_inet_sock_release"],
    struct: SOCK,
    without: SOURCE,
    stores: { bound_dev_if: [4], mark: [4], priority: [4] },
  },
  {
    types: ["cgroup_sock"],
    attach: ["cgroup_inet4_post_bind"],
    struct: SOCK,
    without: [...UNBOUND, "src_ip6"],
  },
  {
    types: ["cgroup_sock"],
    attach: ["cgroup_inet6_post_bind"],
    struct: SOCK,
    without: [...UNBOUND, "src_ip4"],
  },
  { types: ["sock_ops"], struct: SOCK_OPS, stores: { reply: [4], sk_txhash: [4] } },
  { types: ["sk_msg"], struct: SK_MSG },
  { types: ["sk_lookup"], struct: SK_LOOKUP },
];

/** Kinds of pointers to sockets that programs may read through. */
export type SocketKind = "sock" | "sock_common" | "tcp_sock" | "xdp_sock";

/** A `sock_common` may be a request or a time-wait socket, which have no more than this. */
const FULL_SOCKET_ONLY = new Set(["type", "protocol", "mark", "priority"]);

/** Fields behind each kind of socket pointer; nothing of them may be written. */
export const SOCKET_FIELDS: Readonly<Record<SocketKind, readonly ContextField[]>> = {
  sock: SOCK.fields,
  sock_common: SOCK.fields.filter(({ name }) => !FULL_SOCKET_ONLY.has(name)),
  tcp_sock: [
    ...run(0, 4, [4], ["snd_cwnd", "srtt_us", "rtt_min", ...TCP_COUNTERS]),
    ...run(80, 8, DOUBLE_WORD, TCP_BYTES),
    ...run(96, 4, [4], ["dsack_dups", "delivered", "delivered_ce", "icsk_retransmits"]),
  ],
  xdp_sock: [u32("queue_id", 0)],
};
