// Which helpers work on which types of map (check_map_func_compatibility in kernel/bpf/verifier.c). From either side:
// some types take only certain helpers, some helpers only certain types.

import { Bpf } from "../../../assembly/shared/codes.ts";
import type { MapSpec } from "../../program.ts";
import type { Env } from "../env.ts";
import type { ProgramKind } from "../prototypes/prototype.ts";
import { EACCES, EINVAL, ENOTSUPP } from "../rejection.ts";

/** `enum bpf_map_type` values that rows below name. */
const T = {
  HASH: 1,
  ARRAY: 2,
  PROG_ARRAY: 3,
  PERF_EVENT_ARRAY: 4,
  PERCPU_HASH: 5,
  PERCPU_ARRAY: 6,
  STACK_TRACE: 7,
  CGROUP_ARRAY: 8,
  LRU_HASH: 9,
  LRU_PERCPU_HASH: 10,
  ARRAY_OF_MAPS: 12,
  HASH_OF_MAPS: 13,
  DEVMAP: 14,
  SOCKMAP: 15,
  CPUMAP: 16,
  XSKMAP: 17,
  SOCKHASH: 18,
  CGROUP_STORAGE: 19,
  REUSEPORT_SOCKARRAY: 20,
  PERCPU_CGROUP_STORAGE: 21,
  QUEUE: 22,
  STACK: 23,
  SK_STORAGE: 24,
  DEVMAP_HASH: 25,
  RINGBUF: 27,
  INODE_STORAGE: 28,
  TASK_STORAGE: 29,
  BLOOM_FILTER: 30,
  USER_RINGBUF: 31,
  CGRP_STORAGE: 32,
} as const;

/** Helpers, without `bpf_`, that a map of the type may be given; any where there is no row. */
const HELPERS_OF_TYPE: Readonly<Record<number, readonly string[]>> = {
  [T.PROG_ARRAY]: ["tail_call"],
  [T.PERF_EVENT_ARRAY]: [
    "perf_event_read",
    "perf_event_output",
    "skb_output",
    "perf_event_read_value",
    "xdp_output",
  ],
  [T.RINGBUF]: [
    ...["ringbuf_output", "ringbuf_reserve", "ringbuf_query", "ringbuf_reserve_dynptr"],
    ...["ringbuf_submit_dynptr", "ringbuf_discard_dynptr"],
  ],
  [T.USER_RINGBUF]: ["user_ringbuf_drain"],
  [T.STACK_TRACE]: ["get_stackid"],
  [T.CGROUP_ARRAY]: ["skb_under_cgroup", "current_task_under_cgroup"],
  [T.CGROUP_STORAGE]: ["get_local_storage"],
  [T.PERCPU_CGROUP_STORAGE]: ["get_local_storage"],
  [T.DEVMAP]: ["redirect_map", "map_lookup_elem"],
  [T.DEVMAP_HASH]: ["redirect_map", "map_lookup_elem"],
  [T.CPUMAP]: ["redirect_map"],
  [T.XSKMAP]: ["redirect_map", "map_lookup_elem"],
  [T.ARRAY_OF_MAPS]: ["map_lookup_elem"],
  [T.HASH_OF_MAPS]: ["map_lookup_elem"],
  [T.SOCKMAP]: [
    ...["sk_redirect_map", "sock_map_update", "msg_redirect_map", "sk_select_reuseport", "map_lookup_elem"],
  ],
  [T.SOCKHASH]: [
    ...[
      "sk_redirect_hash",
      "sock_hash_update",
      "msg_redirect_hash",
      "sk_select_reuseport",
      "map_lookup_elem",
    ],
  ],
  [T.REUSEPORT_SOCKARRAY]: ["sk_select_reuseport"],
  [T.QUEUE]: ["map_peek_elem", "map_pop_elem", "map_push_elem"],
  [T.STACK]: ["map_peek_elem", "map_pop_elem", "map_push_elem"],
  [T.SK_STORAGE]: ["sk_storage_get", "sk_storage_delete", "kptr_xchg"],
  [T.INODE_STORAGE]: ["inode_storage_get", "inode_storage_delete", "kptr_xchg"],
  [T.TASK_STORAGE]: ["task_storage_get", "task_storage_delete", "kptr_xchg"],
  [T.CGRP_STORAGE]: ["cgrp_storage_get", "cgrp_storage_delete", "kptr_xchg"],
  [T.BLOOM_FILTER]: ["map_peek_elem", "map_push_elem"],
};

/** Types that a helper may be given; any where there is no row. */
const TYPES_OF_HELPER: Readonly<Record<string, readonly number[]>> = {
  tail_call: [T.PROG_ARRAY],
  perf_event_read: [T.PERF_EVENT_ARRAY],
  perf_event_output: [T.PERF_EVENT_ARRAY],
  perf_event_read_value: [T.PERF_EVENT_ARRAY],
  skb_output: [T.PERF_EVENT_ARRAY],
  xdp_output: [T.PERF_EVENT_ARRAY],
  ringbuf_output: [T.RINGBUF],
  ringbuf_reserve: [T.RINGBUF],
  ringbuf_query: [T.RINGBUF],
  ringbuf_reserve_dynptr: [T.RINGBUF],
  ringbuf_submit_dynptr: [T.RINGBUF],
  ringbuf_discard_dynptr: [T.RINGBUF],
  user_ringbuf_drain: [T.USER_RINGBUF],
  get_stackid: [T.STACK_TRACE],
  current_task_under_cgroup: [T.CGROUP_ARRAY],
  skb_under_cgroup: [T.CGROUP_ARRAY],
  redirect_map: [T.DEVMAP, T.DEVMAP_HASH, T.CPUMAP, T.XSKMAP],
  sk_redirect_map: [T.SOCKMAP],
  msg_redirect_map: [T.SOCKMAP],
  sock_map_update: [T.SOCKMAP],
  sk_redirect_hash: [T.SOCKHASH],
  msg_redirect_hash: [T.SOCKHASH],
  sock_hash_update: [T.SOCKHASH],
  get_local_storage: [T.CGROUP_STORAGE, T.PERCPU_CGROUP_STORAGE],
  sk_select_reuseport: [T.REUSEPORT_SOCKARRAY, T.SOCKMAP, T.SOCKHASH],
  map_pop_elem: [T.QUEUE, T.STACK],
  map_peek_elem: [T.QUEUE, T.STACK, T.BLOOM_FILTER],
  map_push_elem: [T.QUEUE, T.STACK, T.BLOOM_FILTER],
  map_lookup_percpu_elem: [T.PERCPU_ARRAY, T.PERCPU_HASH, T.LRU_PERCPU_HASH],
  sk_storage_get: [T.SK_STORAGE],
  sk_storage_delete: [T.SK_STORAGE],
  inode_storage_get: [T.INODE_STORAGE],
  inode_storage_delete: [T.INODE_STORAGE],
  task_storage_get: [T.TASK_STORAGE],
  task_storage_delete: [T.TASK_STORAGE],
  cgrp_storage_get: [T.CGRP_STORAGE],
  cgrp_storage_delete: [T.CGRP_STORAGE],
};

/** Where nobody can hold the lock of a socket that the program comes by. */
const CHANGE_SOCKET_MAPS = new Set([
  ...["socket_filter", "sched_cls", "sched_act", "xdp", "sk_reuseport", "flow_dissector", "sk_lookup"],
]);
const TRACE_ITER = 28;

/** Socket maps may be changed by the general helpers in some types of program only (may_update_sockmap). */
function mayChangeSockets({ type, attachType }: ProgramKind, name: string): boolean {
  if (name !== "map_update_elem" && name !== "map_delete_elem") return false;
  if (type === "sock_ops") return name === "map_delete_elem";
  return CHANGE_SOCKET_MAPS.has(type) || (type === "tracing" && attachType === TRACE_ITER);
}

/** Types that a helper may go through, entry by entry. */
const HAS_EACH: ReadonlySet<number> = new Set([
  ...[T.HASH, T.ARRAY, T.PERCPU_HASH, T.PERCPU_ARRAY, T.LRU_HASH, T.LRU_PERCPU_HASH],
]);

export function checkMapFunction(env: Env, map: MapSpec, id: number, name: string): void {
  if (name === "for_each_map_elem" && !HAS_EACH.has(map.type)) {
    env.reject(ENOTSUPP, "callback function not allowed for map");
  }
  const allowed = HELPERS_OF_TYPE[map.type];
  const types = TYPES_OF_HELPER[name];
  const isRight =
    (allowed === undefined ||
      allowed.includes(name) ||
      (holdsSockets(map) && mayChangeSockets(env.kind, name))) &&
    (types === undefined || types.includes(map.type));
  if (!isRight) env.reject(EINVAL, `cannot pass map_type ${map.type} into func bpf_${name}#${id}`);
}

/** Array and per-CPU array: a constant key within them is always there. */
export const hasEveryKey = ({ type }: MapSpec): boolean => type === T.ARRAY || type === T.PERCPU_ARRAY;

/** Lookups of socket maps give sockets that must be released. */
export const holdsSockets = ({ type }: MapSpec): boolean => type === T.SOCKMAP || type === T.SOCKHASH;

export const isFilter = ({ type }: MapSpec): boolean => type === T.BLOOM_FILTER;

/** Lookups of these give sockets for packets, which are nobody's to release. */
export const holdsXdpSockets = ({ type }: MapSpec): boolean => type === T.XSKMAP;

/** Programs must not write to its values: so it was made, or they are the kernel's own fields. */
export const isReadOnly = ({ type, flags }: MapSpec): boolean =>
  (flags & Bpf.F_RDONLY_PROG) !== 0 || type === T.DEVMAP || type === T.DEVMAP_HASH;

const CHANGES_MAP = new Set(["map_update_elem", "map_delete_elem", "map_push_elem", "map_pop_elem"]);

/** A map that programs may only read is not changed by their helpers either (record_func_map). */
export function checkMapChange(env: Env, map: MapSpec, name: string): void {
  if (CHANGES_MAP.has(name) && isReadOnly(map)) env.reject(EACCES, "write into map forbidden");
}
