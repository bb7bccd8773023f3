// Prototypes of the helpers that work on packets: skb and XDP contents, tunnels, redirection, routes,
// lightweight tunnels and SYN cookies (net/core/filter.c).

import * as T from "./notation.ts";
import { fixedIn, proto } from "./notation.ts";

const { ANY, CTX, INT, KEY, MAP, MEM_IN, MEM_IN_OR_NULL, MEM_OUT, SIZE, SIZE_OR_ZERO, SOCK } = T;

const IPV4_HEADER = fixedIn(20);
const IPV6_HEADER = fixedIn(40);
const TCP_HEADER = fixedIn(20);

// biome-ignore format: one row per line
export const PACKET_PROTOTYPES: readonly T.PrototypeRow[] = [
  // Contents
  proto(9, "skb_store_bytes", [CTX, ANY, MEM_IN, SIZE, ANY], INT, { changesPacket: true }),
  proto(26, "skb_load_bytes", [CTX, ANY, MEM_OUT, SIZE], INT),
  proto(31, "skb_change_proto", [CTX, ANY, ANY], INT, { changesPacket: true }),
  proto(32, "skb_change_type", [CTX, ANY], INT),
  proto(38, "skb_change_tail", [CTX, ANY, ANY], INT, { changesPacket: true }),
  proto(39, "skb_pull_data", [CTX, ANY], INT, { changesPacket: true }),
  proto(43, "skb_change_head", [CTX, ANY, ANY], INT, { changesPacket: true }),
  proto(50, "skb_adjust_room", [CTX, ANY, ANY, ANY], INT, { changesPacket: true }),
  proto(68, "skb_load_bytes_relative", [CTX, ANY, MEM_OUT, SIZE, ANY], INT),
  proto(97, "skb_ecn_set_ce", [CTX], INT),
  proto(44, "xdp_adjust_head", [CTX, ANY], INT, { changesPacket: true }),
  proto(54, "xdp_adjust_meta", [CTX, ANY], INT, { changesPacket: true }),
  proto(65, "xdp_adjust_tail", [CTX, ANY], INT, { changesPacket: true }),
  proto(188, "xdp_get_buff_len", [CTX], INT),
  proto(188, "xdp_get_buff_len@btf", [T.btf("xdp_buff")], INT),
  proto(189, "xdp_load_bytes", [CTX, ANY, MEM_OUT, SIZE], INT),
  proto(190, "xdp_store_bytes", [CTX, ANY, MEM_IN, SIZE], INT),

  // Checksums and hashes
  proto(10, "l3_csum_replace", [CTX, ANY, ANY, ANY, ANY], INT, { changesPacket: true }),
  proto(11, "l4_csum_replace", [CTX, ANY, ANY, ANY, ANY], INT, { changesPacket: true }),
  proto(28, "csum_diff", [MEM_IN_OR_NULL, SIZE_OR_ZERO, MEM_IN_OR_NULL, SIZE_OR_ZERO, ANY], INT, { packet: true }),
  proto(34, "get_hash_recalc", [CTX], INT),
  proto(40, "csum_update", [CTX, ANY], INT),
  proto(41, "set_hash_invalid", [CTX], INT),
  proto(48, "set_hash", [CTX, ANY], INT),
  proto(135, "csum_level", [CTX, ANY], INT),

  // Metadata
  proto(17, "get_cgroup_classid", [], INT),
  proto(17, "get_cgroup_classid@skb", [CTX], INT),
  proto(18, "skb_vlan_push", [CTX, ANY, ANY], INT, { changesPacket: true }),
  proto(19, "skb_vlan_pop", [CTX], INT, { changesPacket: true }),
  proto(20, "skb_get_tunnel_key", [CTX, MEM_OUT, SIZE, ANY], INT),
  proto(21, "skb_set_tunnel_key", [CTX, MEM_IN, SIZE, ANY], INT),
  proto(24, "get_route_realm", [CTX], INT),
  proto(29, "skb_get_tunnel_opt", [CTX, MEM_OUT, SIZE], INT),
  proto(30, "skb_set_tunnel_opt", [CTX, MEM_IN, SIZE], INT),
  proto(33, "skb_under_cgroup", [CTX, MAP, ANY], INT, { maps: ["cgroup_array"] }),
  proto(66, "skb_get_xfrm_state", [CTX, ANY, MEM_OUT, SIZE, ANY], INT),
  proto(79, "skb_cgroup_id", [CTX], INT),
  proto(83, "skb_ancestor_cgroup_id", [CTX, ANY], INT),
  proto(151, "skb_cgroup_classid", [CTX], INT),
  proto(192, "skb_set_tstamp", [CTX, ANY, ANY], INT),

  // Where it goes
  proto(13, "clone_redirect", [CTX, ANY, ANY], INT, { changesPacket: true }),
  proto(23, "redirect", [ANY, ANY], INT),
  proto(51, "redirect_map", [MAP, ANY, ANY], INT, { maps: ["devmap", "devmap_hash", "cpumap", "xskmap"] }),
  proto(52, "sk_redirect_map", [CTX, MAP, ANY, ANY], INT, { maps: ["sockmap"] }),
  proto(69, "fib_lookup", [CTX, T.MEM_INOUT, SIZE, ANY], INT, { gpl: true }),
  proto(72, "sk_redirect_hash", [CTX, MAP, KEY, ANY], INT, { maps: ["sockhash"] }),
  proto(152, "redirect_neigh", [ANY, MEM_IN_OR_NULL, SIZE_OR_ZERO, ANY], INT),
  proto(155, "redirect_peer", [ANY, ANY], INT),
  proto(163, "check_mtu", [CTX, ANY, T.U32_INOUT, ANY, ANY], INT, { gpl: true }),

  // Lightweight tunnels
  proto(73, "lwt_push_encap", [CTX, ANY, MEM_IN, SIZE], INT, { changesPacket: true }),
  proto(74, "lwt_seg6_store_bytes", [CTX, ANY, MEM_IN, SIZE], INT, { changesPacket: true }),
  proto(75, "lwt_seg6_adjust_srh", [CTX, ANY, ANY], INT, { changesPacket: true }),
  proto(76, "lwt_seg6_action", [CTX, ANY, MEM_IN, SIZE], INT, { changesPacket: true }),

  // SYN cookies
  proto(100, "tcp_check_syncookie", [SOCK, MEM_IN, SIZE, MEM_IN, SIZE], INT, { gpl: true, packet: true }),
  proto(110, "tcp_gen_syncookie", [SOCK, MEM_IN, SIZE, MEM_IN, SIZE], INT, { gpl: true, packet: true }),
  proto(204, "tcp_raw_gen_syncookie_ipv4", [IPV4_HEADER, MEM_IN, SIZE_OR_ZERO], INT, { gpl: true, packet: true }),
  proto(205, "tcp_raw_gen_syncookie_ipv6", [IPV6_HEADER, MEM_IN, SIZE_OR_ZERO], INT, { gpl: true, packet: true }),
  proto(206, "tcp_raw_check_syncookie_ipv4", [IPV4_HEADER, TCP_HEADER], INT, { gpl: true, packet: true }),
  proto(207, "tcp_raw_check_syncookie_ipv6", [IPV6_HEADER, TCP_HEADER], INT, { gpl: true, packet: true }),
];
