// What each iterator of the kernel hands to its programs beside `meta`: by function and index of the argument, where
// it is not simply trusted (the `ctx_arg_info` of each iterator's registration, Linux 6.18).

import { Flag } from "../register.ts";

type Argument =
  | { readonly kind: "btf"; readonly flags: number }
  | { readonly kind: "buf"; readonly flags: number; readonly size: number };

const OR_NULL: Argument = { kind: "btf", flags: Flag.MAYBE_NULL };
const TRUSTED_OR_NULL: Argument = { kind: "btf", flags: Flag.MAYBE_NULL | Flag.TRUSTED };
/** How much of it a program may touch is checked when it is attached to a map. */
const OPEN = (1 << 29) - 1;
const KEY: Argument = { kind: "buf", flags: Flag.MAYBE_NULL | Flag.READ_ONLY, size: OPEN };
const VALUE: Argument = { kind: "buf", flags: Flag.MAYBE_NULL, size: OPEN };

export const ITERATOR_ARGUMENTS: Readonly<Record<string, readonly (Argument | undefined)[]>> = {
  bpf_iter_bpf_link: [undefined, OR_NULL],
  bpf_iter_bpf_map: [undefined, TRUSTED_OR_NULL],
  bpf_iter_bpf_map_elem: [undefined, undefined, KEY, VALUE],
  bpf_iter_bpf_prog: [undefined, OR_NULL],
  bpf_iter_bpf_sk_storage_map: [undefined, undefined, OR_NULL, VALUE],
  bpf_iter_cgroup: [undefined, TRUSTED_OR_NULL],
  bpf_iter_dmabuf: [undefined, OR_NULL],
  bpf_iter_ipv6_route: [undefined, OR_NULL],
  bpf_iter_kmem_cache: [undefined, TRUSTED_OR_NULL],
  bpf_iter_ksym: [undefined, OR_NULL],
  bpf_iter_netlink: [undefined, OR_NULL],
  bpf_iter_sockmap: [undefined, undefined, KEY, OR_NULL],
  bpf_iter_task: [undefined, TRUSTED_OR_NULL],
  bpf_iter_task_file: [undefined, OR_NULL, undefined, OR_NULL],
  bpf_iter_task_vma: [undefined, OR_NULL, OR_NULL],
  bpf_iter_tcp: [undefined, TRUSTED_OR_NULL],
  bpf_iter_udp: [undefined, TRUSTED_OR_NULL],
  bpf_iter_unix: [undefined, OR_NULL],
};
