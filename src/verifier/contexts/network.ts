// Contexts of programs that see packets, but not as an `__sk_buff`: XDP, reuseport groups, netfilter.
// Follows Linux 6.18, net/core/filter.c and net/netfilter/nf_bpf_link.c.

import { type ContextRow, type ContextStruct, field, NARROW, pointer, u32 } from "./field.ts";

const XDP: ContextStruct = {
  name: "xdp_md",
  size: 24,
  fields: [
    pointer("data", 0, 4, "pkt"),
    pointer("data_end", 4, 4, "pkt_end"),
    pointer("data_meta", 8, 4, "pkt_meta"),
    u32("ingress_ifindex", 12),
    u32("rx_queue_index", 16),
    u32("egress_ifindex", 20),
  ],
};

const REUSEPORT: ContextStruct = {
  name: "sk_reuseport_md",
  size: 56,
  fields: [
    pointer("data", 0, 8, "pkt"),
    pointer("data_end", 8, 8, "pkt_end"),
    u32("len", 16, NARROW),
    // Big-endian and of two bytes inside the kernel: it has no first byte to load alone.
    field("eth_protocol", 20, 4, [2, 4]),
    u32("ip_protocol", 24, NARROW),
    u32("bind_inany", 28, NARROW),
    u32("hash", 32),
    pointer("sk", 40, 8, "sock"),
    pointer("migrating_sk", 48, 8, "sock_common_or_null"),
  ],
};

const NETFILTER: ContextStruct = {
  name: "bpf_nf_ctx",
  size: 16,
  fields: [pointer("state", 0, 8, "btf", "nf_hook_state"), pointer("skb", 8, 8, "btf", "sk_buff")],
};

export const NETWORK_ROWS: readonly ContextRow[] = [
  // Only behind a devmap is it known where the packet leaves.
  { types: ["xdp"], attach: ["xdp_devmap"], struct: XDP },
  { types: ["xdp"], struct: XDP, without: ["egress_ifindex"] },
  { types: ["sk_reuseport"], struct: REUSEPORT },
  { types: ["netfilter"], struct: NETFILTER },
];
