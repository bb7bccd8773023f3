// The values that a program may leave in r0. Follows Linux 6.18, kernel/bpf/verifier.c (check_return_code).
// What only BTF can tell is not here: `lsm` hooks that return errors or booleans (compared as 32 bits), `lsm`
// and `struct_ops` functions without a result, and pointers that a `struct_ops` function returns.

import { type AttachType, sockAddrTypes } from "../../attach-types.ts";
import type { ProgramType } from "../../program-types.ts";

interface ReturnRow {
  readonly types: readonly ProgramType[];
  /** Attach types that the row is for; every one when missing. */
  readonly attach?: readonly AttachType[];
  readonly min: number;
  readonly max: number;
}

/** The first row that fits holds; a program that none fits may return anything. */
export const RETURN_ROWS: readonly ReturnRow[] = [
  // The two bits beside permission: congestion seen by the queue, privileged ports without the capability.
  { types: ["cgroup_skb"], attach: ["cgroup_inet_egress"], min: 0, max: 3 },
  { types: ["cgroup_sock_addr"], attach: sockAddrTypes("", "bind"), min: 0, max: 3 },
  // Nothing to forbid: the message is there, the name is known.
  {
    types: ["cgroup_sock_addr"],
    attach: sockAddrTypes("", "recvmsg", "getpeername", "getsockname"),
    min: 1,
    max: 1,
  },
  {
    types: [
      "cgroup_skb",
      "cgroup_sock",
      "cgroup_sock_addr",
      "cgroup_sockopt",
      "cgroup_sysctl",
      "cgroup_device",
      "sock_ops",
      "sk_lookup",
      "netfilter",
    ],
    min: 0,
    max: 1,
  },
  // Whether the session's second half shall run.
  { types: ["kprobe"], attach: ["trace_kprobe_session", "trace_uprobe_session"], min: 0, max: 1 },
  { types: ["tracing"], attach: ["trace_fentry", "trace_fexit"], min: 0, max: 0 },
  { types: ["tracing"], attach: ["trace_iter"], min: 0, max: 1 },
  { types: ["lsm"], attach: ["lsm_cgroup"], min: 0, max: 1 },
];
