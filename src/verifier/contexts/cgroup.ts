// Contexts of the hooks of a control group other than packets and sockets themselves: addresses, socket
// options, sysctls, devices. Follows Linux 6.18, net/core/filter.c and kernel/bpf/cgroup.c.

import { type AttachType, sockAddrTypes } from "../../attach-types.ts";
import { ANY, type ContextRow, type ContextStruct, NARROW, pointer, u32, u32Array, WORD } from "./field.ts";

const SOCK_ADDR: ContextStruct = {
  name: "bpf_sock_addr",
  size: 72,
  fields: [
    u32("user_family", 0),
    u32("user_ip4", 4, NARROW),
    u32Array("user_ip6", 8, 4, ANY),
    u32("user_port", 24, NARROW),
    u32("family", 28),
    u32("type", 32),
    u32("protocol", 36),
    u32("msg_src_ip4", 40, NARROW),
    u32Array("msg_src_ip6", 44, 4, ANY),
    pointer("sk", 64, 8, "sock"),
  ],
};
const ADDRESSES = ["user_ip4", "user_ip6", "msg_src_ip4", "msg_src_ip6"];
/** Stores to an IPv6 address: a quarter or a half of it. */
const WORDS = [4, 8];

/** A row for hooks that see those of the address fields which they may also change. */
function sockAddrRow(
  attach: readonly AttachType[],
  addresses: Readonly<Record<string, readonly number[]>>,
): ContextRow {
  return {
    types: ["cgroup_sock_addr"],
    attach,
    struct: SOCK_ADDR,
    without: ADDRESSES.filter((name) => !Object.hasOwn(addresses, name)),
    stores: { user_port: WORD, ...addresses },
  };
}

const SOCKOPT: ContextStruct = {
  name: "bpf_sockopt",
  size: 40,
  fields: [
    pointer("sk", 0, 8, "sock"),
    pointer("optval", 8, 8, "pkt"),
    pointer("optval_end", 16, 8, "pkt_end"),
    u32("level", 24),
    u32("optname", 28),
    u32("optlen", 32),
    u32("retval", 36),
  ],
};

const SYSCTL: ContextStruct = {
  name: "bpf_sysctl",
  size: 8,
  fields: [u32("write", 0, NARROW), u32("file_pos", 4, NARROW)],
};

const DEVICE: ContextStruct = {
  name: "bpf_cgroup_dev_ctx",
  size: 12,
  fields: [u32("access_type", 0, NARROW), u32("major", 4), u32("minor", 8)],
};

/** Operations with one address, not two. */
const OF_ONE_ADDRESS = ["bind", "connect", "recvmsg", "getpeername", "getsockname"];

export const CGROUP_ROWS: readonly ContextRow[] = [
  sockAddrRow(sockAddrTypes("4", ...OF_ONE_ADDRESS), { user_ip4: WORD }),
  sockAddrRow(sockAddrTypes("6", ...OF_ONE_ADDRESS), { user_ip6: WORDS }),
  sockAddrRow(sockAddrTypes("4", "sendmsg"), { user_ip4: WORD, msg_src_ip4: WORD }),
  sockAddrRow(sockAddrTypes("6", "sendmsg"), { user_ip6: WORDS, msg_src_ip6: WORDS }),
  // The path of a Unix socket is in no field: kfuncs read and change it.
  sockAddrRow(sockAddrTypes("_unix", "sendmsg", ...OF_ONE_ADDRESS), {}),
  {
    types: ["cgroup_sockopt"],
    attach: ["cgroup_getsockopt"],
    struct: SOCKOPT,
    stores: { optlen: WORD, retval: WORD },
  },
  {
    types: ["cgroup_sockopt"],
    attach: ["cgroup_setsockopt"],
    struct: SOCKOPT,
    without: ["retval"],
    stores: { level: WORD, optname: WORD, optlen: WORD },
  },
  { types: ["cgroup_sysctl"], struct: SYSCTL, stores: { file_pos: WORD } },
  { types: ["cgroup_device"], struct: DEVICE },
];
