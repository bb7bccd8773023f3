// Prototypes of the helpers that work on sockets: lookup, casts, options, cookies, storage, sock_ops and sk_msg
// programs, and those of cgroup hooks (net/core/filter.c, net/core/sock_map.c, kernel/bpf/cgroup.c).

import * as T from "./notation.ts";
import { proto } from "./notation.ts";

const { ANY, CTX, INT, KEY, MAP, MEM_IN, MEM_OUT, SIZE, SIZE_OR_ZERO, SOCK, SOCK_COMMON } = T;

// biome-ignore format: one row per line
export const SOCKET_PROTOTYPES: readonly T.PrototypeRow[] = [
  // Lookup and references
  proto(84, "sk_lookup_tcp", [CTX, MEM_IN, SIZE_OR_ZERO, ANY, ANY], T.NEW_SOCKET_OR_NULL, { packet: true }),
  proto(84, "sk_lookup_tcp@sock_addr", [CTX, MEM_IN, SIZE_OR_ZERO, ANY, ANY], T.NEW_SOCKET_OR_NULL),
  proto(85, "sk_lookup_udp", [CTX, MEM_IN, SIZE_OR_ZERO, ANY, ANY], T.NEW_SOCKET_OR_NULL, { packet: true }),
  proto(85, "sk_lookup_udp@sock_addr", [CTX, MEM_IN, SIZE_OR_ZERO, ANY, ANY], T.NEW_SOCKET_OR_NULL),
  proto(86, "sk_release", [T.SOCK_RELEASE], INT),
  proto(95, "sk_fullsock", [SOCK_COMMON], T.SAME_SOCKET_OR_NULL),
  proto(96, "tcp_sock", [SOCK_COMMON], T.SAME_TCP_SOCK_OR_NULL),
  proto(98, "get_listener_sock", [SOCK_COMMON], T.SOCKET_OR_NULL),
  proto(99, "skc_lookup_tcp", [CTX, MEM_IN, SIZE_OR_ZERO, ANY, ANY], T.NEW_SOCK_COMMON_OR_NULL, { packet: true }),
  proto(99, "skc_lookup_tcp@sock_addr", [CTX, MEM_IN, SIZE_OR_ZERO, ANY, ANY], T.NEW_SOCK_COMMON_OR_NULL),
  proto(124, "sk_assign", [CTX, SOCK, ANY], INT),
  proto(124, "sk_assign@sk_lookup", [CTX, T.SOCKET_ARG_OR_NULL, ANY], INT),

  // Casts to the protocol's own struct
  proto(136, "skc_to_tcp6_sock", [SOCK], T.castTo("tcp6_sock")),
  proto(137, "skc_to_tcp_sock", [SOCK], T.castTo("tcp_sock")),
  proto(138, "skc_to_tcp_timewait_sock", [SOCK], T.castTo("tcp_timewait_sock")),
  proto(139, "skc_to_tcp_request_sock", [SOCK], T.castTo("tcp_request_sock")),
  proto(140, "skc_to_udp6_sock", [SOCK], T.castTo("udp6_sock")),
  proto(178, "skc_to_unix_sock", [SOCK], T.castTo("unix_sock")),
  proto(196, "skc_to_mptcp_sock", [SOCK_COMMON], T.castTo("mptcp_sock")),

  // Who it is
  proto(46, "get_socket_cookie", [CTX], INT),
  proto(46, "get_socket_cookie@btf", [T.SOCK_OR_NULL], INT),
  proto(47, "get_socket_uid", [CTX], INT),
  proto(122, "get_netns_cookie", [T.CTX_OR_NULL], INT),
  proto(128, "sk_cgroup_id", [SOCK], INT),
  proto(129, "sk_ancestor_cgroup_id", [SOCK, ANY], INT),

  // Options and state
  proto(49, "setsockopt", [CTX, ANY, ANY, MEM_IN, SIZE], INT),
  proto(49, "setsockopt@btf", [SOCK, ANY, ANY, MEM_IN, SIZE], INT),
  proto(57, "getsockopt", [CTX, ANY, ANY, MEM_OUT, SIZE], INT),
  proto(57, "getsockopt@btf", [SOCK, ANY, ANY, MEM_OUT, SIZE], INT),
  proto(64, "bind", [CTX, MEM_IN, SIZE], INT),
  proto(116, "tcp_send_ack", [T.btf("tcp_sock"), ANY], INT),

  // Storage
  proto(107, "sk_storage_get", [MAP, SOCK, T.VALUE_OR_NULL, ANY], T.MAP_VALUE_OR_NULL, { maps: ["sk_storage"] }),
  proto(107, "sk_storage_get@ctx", [MAP, CTX, T.VALUE_OR_NULL, ANY], T.MAP_VALUE_OR_NULL, { maps: ["sk_storage"] }),
  proto(107, "sk_storage_get@btf", [MAP, T.btfOrNull("sock_common"), T.VALUE_OR_NULL, ANY], T.MAP_VALUE_OR_NULL, { hooks: "outside_sk_storage", maps: ["sk_storage"] }),
  proto(108, "sk_storage_delete", [MAP, SOCK], INT, { maps: ["sk_storage"] }),
  proto(108, "sk_storage_delete@btf", [MAP, T.btfOrNull("sock_common")], INT, { hooks: "outside_sk_storage", maps: ["sk_storage"] }),

  // Socket maps and reuseport groups
  proto(53, "sock_map_update", [CTX, MAP, KEY, ANY], INT, { packet: true, maps: ["sockmap"] }),
  proto(70, "sock_hash_update", [CTX, MAP, KEY, ANY], INT, { packet: true, maps: ["sockhash"] }),
  proto(82, "sk_select_reuseport", [CTX, MAP, KEY, ANY], INT, { maps: ["reuseport_sockarray", "sockmap", "sockhash"] }),

  // Messages
  proto(60, "msg_redirect_map", [CTX, MAP, ANY, ANY], INT, { maps: ["sockmap"] }),
  proto(61, "msg_apply_bytes", [CTX, ANY], INT),
  proto(62, "msg_cork_bytes", [CTX, ANY], INT),
  proto(63, "msg_pull_data", [CTX, ANY, ANY, ANY], INT, { changesPacket: true }),
  proto(71, "msg_redirect_hash", [CTX, MAP, KEY, ANY], INT, { maps: ["sockhash"] }),
  proto(90, "msg_push_data", [CTX, ANY, ANY, ANY], INT, { changesPacket: true }),
  proto(91, "msg_pop_data", [CTX, ANY, ANY, ANY], INT, { changesPacket: true }),

  // TCP's callbacks
  proto(59, "sock_ops_cb_flags_set", [CTX, ANY], INT),
  proto(142, "load_hdr_opt", [CTX, T.MEM_INOUT, SIZE, ANY], INT),
  proto(143, "store_hdr_opt", [CTX, MEM_IN, SIZE, ANY], INT, { changesPacket: true }),
  proto(144, "reserve_hdr_opt", [CTX, ANY, ANY], INT),

  // Control groups
  proto(101, "sysctl_get_name", [CTX, T.MEM_INOUT, SIZE, ANY], INT),
  proto(102, "sysctl_get_current_value", [CTX, MEM_OUT, SIZE], INT),
  proto(103, "sysctl_get_new_value", [CTX, MEM_OUT, SIZE], INT),
  proto(104, "sysctl_set_new_value", [CTX, MEM_IN, SIZE], INT),
  proto(186, "get_retval", [], INT),
  proto(187, "set_retval", [ANY], INT),
];
