// Contexts that are a `struct __sk_buff`: one layout, of which each program type sees some fields.
// Follows Linux 6.18, net/core/filter.c (bpf_skb_is_valid_access and its callers).

import {
  ANY,
  type ContextRow,
  type ContextStruct,
  DOUBLE_WORD,
  field,
  NARROW,
  pointer,
  run,
  u32,
  u32Array,
  WORD,
} from "./field.ts";

const SKB: ContextStruct = {
  name: "__sk_buff",
  size: 192,
  fields: [
    ...run(0, 4, NARROW, [
      "len",
      "pkt_type",
      "mark",
      "queue_mapping",
      "protocol",
      "vlan_present",
      "vlan_tci",
      "vlan_proto",
      "priority",
      "ingress_ifindex",
      "ifindex",
      "tc_index",
    ]),
    u32Array("cb", 48, 5, ANY),
    u32("hash", 68, NARROW),
    u32("tc_classid", 72, NARROW),
    pointer("data", 76, 4, "pkt"),
    pointer("data_end", 80, 4, "pkt_end"),
    u32("napi_id", 84, NARROW),
    u32("family", 88, NARROW),
    u32("remote_ip4", 92),
    u32("local_ip4", 96),
    u32Array("remote_ip6", 100, 4),
    u32Array("local_ip6", 116, 4),
    u32("remote_port", 132, NARROW),
    u32("local_port", 136, NARROW),
    pointer("data_meta", 140, 4, "pkt_meta"),
    pointer("flow_keys", 144, 8, "flow_keys"),
    field("tstamp", 152, 8, DOUBLE_WORD),
    u32("wire_len", 160, NARROW),
    u32("gso_segs", 164, NARROW),
    pointer("sk", 168, 8, "sock_common_or_null"),
    u32("gso_size", 176, NARROW),
    field("tstamp_type", 180, 1, [1]),
    field("hwtstamp", 184, 8, DOUBLE_WORD),
  ],
};

/** Fields of the socket that a packet belongs to. */
const SOCKET = ["family", "remote_ip4", "local_ip4", "remote_ip6", "local_ip6", "remote_port", "local_port"];
const TIMES = ["tstamp", "hwtstamp"];
/** Fields of traffic control alone. */
const TRAFFIC = ["tc_classid", "data_meta", "wire_len", "tstamp_type"];

export const SKB_ROWS: readonly ContextRow[] = [
  {
    types: ["socket_filter"],
    struct: SKB,
    without: ["flow_keys", "data", "data_end", ...SOCKET, ...TIMES, ...TRAFFIC],
    stores: { cb: ANY },
  },
  {
    types: ["sched_cls", "sched_act"],
    struct: SKB,
    without: ["flow_keys", ...SOCKET],
    stores: {
      mark: WORD,
      queue_mapping: WORD,
      priority: WORD,
      tc_index: WORD,
      cb: ANY,
      tc_classid: WORD,
      tstamp: DOUBLE_WORD,
    },
  },
  {
    types: ["cgroup_skb"],
    struct: SKB,
    without: ["flow_keys", ...TRAFFIC],
    stores: { mark: WORD, priority: WORD, cb: ANY, tstamp: DOUBLE_WORD },
  },
  {
    types: ["lwt_in", "lwt_out", "lwt_xmit", "lwt_seg6local"],
    struct: SKB,
    without: ["flow_keys", ...SOCKET, ...TIMES, ...TRAFFIC],
    stores: { mark: WORD, priority: WORD, cb: ANY },
  },
  {
    types: ["sk_skb"],
    struct: SKB,
    without: ["flow_keys", "mark", ...TIMES, ...TRAFFIC],
    stores: { priority: WORD, tc_index: WORD },
  },
  { types: ["flow_dissector"], struct: SKB, only: ["data", "data_end", "flow_keys"] },
];
