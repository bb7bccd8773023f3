// Which helpers work on which types of map (check_map_func_compatibility in kernel/bpf/verifier.c): a helper's row names
// the types that it works on; here is what the types themselves keep to.

import { Bpf } from "../../../assembly/shared/codes.ts";
import { ATTACH_TYPES } from "../../attach-types.ts";
import { MAP_TYPES, mapTypes } from "../../map-type-names.ts";
import type { MapSpec } from "../../program.ts";
import type { Env } from "../env.ts";
import type { HelperPrototype, ProgramKind } from "../prototypes/prototype.ts";
import { EACCES, EINVAL, ENOTSUPP } from "../rejection.ts";

/** Types that may be given only to helpers whose rows name them. */
const NAMED_ONLY = mapTypes(
  ...(["prog_array", "perf_event_array", "stack_trace", "cgroup_array", "array_of_maps"] as const),
  ...(["hash_of_maps", "devmap", "sockmap", "cpumap", "xskmap", "sockhash", "cgroup_storage"] as const),
  ...(["reuseport_sockarray", "percpu_cgroup_storage", "queue", "stack", "sk_storage"] as const),
  ...(["devmap_hash", "ringbuf", "inode_storage", "task_storage", "bloom_filter", "user_ringbuf"] as const),
  "cgrp_storage",
);
/** Those of them in which a program may look something up. */
const LOOKED_UP = mapTypes(
  ...(["devmap", "devmap_hash", "xskmap", "array_of_maps", "hash_of_maps", "sockmap", "sockhash"] as const),
);
/** Types that for_each_map_elem goes through, entry by entry. */
const HAS_EACH = mapTypes(
  ...(["hash", "array", "percpu_hash", "percpu_array", "lru_hash", "lru_percpu_hash"] as const),
);

/** Where nobody can hold the lock of a socket that the program comes by. */
const CHANGE_SOCKET_MAPS = new Set([
  ...["socket_filter", "sched_cls", "sched_act", "xdp", "sk_reuseport", "flow_dissector", "sk_lookup"],
]);

/** Socket maps may be changed by the general helpers in some types of program only (may_update_sockmap). */
function mayChangeSockets({ type, attachType }: ProgramKind, name: string): boolean {
  if (name !== "map_update_elem" && name !== "map_delete_elem") return false;
  if (type === "sock_ops") return name === "map_delete_elem";
  return CHANGE_SOCKET_MAPS.has(type) || (type === "tracing" && attachType === ATTACH_TYPES.trace_iter);
}

/** The types that the helper's row names are all it may be given, and some types take no other helpers. */
function fits(env: Env, map: MapSpec, { name, mapTypes: types }: HelperPrototype): boolean {
  if (types !== undefined) return types.includes(map.type);
  if (!NAMED_ONLY.has(map.type)) return true;
  if (name === "map_lookup_elem") return LOOKED_UP.has(map.type);
  return holdsSockets(map) && mayChangeSockets(env.kind, name);
}

export function checkMapFunction(env: Env, map: MapSpec, prototype: HelperPrototype): void {
  const { id, name } = prototype;
  if (name === "for_each_map_elem" && !HAS_EACH.has(map.type)) {
    env.reject(ENOTSUPP, "callback function not allowed for map");
  }
  if (fits(env, map, prototype)) return;
  env.reject(EINVAL, `cannot pass map_type ${map.type} into func bpf_${name}#${id}`);
}

/** Array and per-CPU array: a constant key within them is always there. */
export const hasEveryKey = ({ type }: MapSpec): boolean =>
  type === MAP_TYPES.array || type === MAP_TYPES.percpu_array;

/** Lookups of socket maps give sockets that must be released. */
export const holdsSockets = ({ type }: MapSpec): boolean =>
  type === MAP_TYPES.sockmap || type === MAP_TYPES.sockhash;

export const isFilter = ({ type }: MapSpec): boolean => type === MAP_TYPES.bloom_filter;

/** Lookups of these give sockets for packets, which are nobody's to release. */
export const holdsXdpSockets = ({ type }: MapSpec): boolean => type === MAP_TYPES.xskmap;

/** Programs must not write to its values: so it was made, or they are the kernel's own fields. */
export const isReadOnly = ({ type, flags }: MapSpec): boolean =>
  (flags & Bpf.F_RDONLY_PROG) !== 0 || type === MAP_TYPES.devmap || type === MAP_TYPES.devmap_hash;

/** A map that programs may only read is not changed by their helpers either (record_func_map). */
export function checkMapChange(env: Env, map: MapSpec, { changesMap }: HelperPrototype): void {
  if (changesMap && isReadOnly(map)) env.reject(EACCES, "write into map forbidden");
}
