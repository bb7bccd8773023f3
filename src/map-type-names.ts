// The kernel's map types by number (`enum bpf_map_type`, uapi/linux/bpf.h), as bpftool prints them. Names only: how a
// map of a type is made is a row of maps/map-types.ts.

/** `enum bpf_map_type` of Linux 6.18 in lower case, as bpftool writes it; the index is the number. */
// biome-ignore format: a flat list
export const MAP_TYPE_NAMES: readonly string[] = [
  "unspec", "hash", "array", "prog_array", "perf_event_array", "percpu_hash", "percpu_array", "stack_trace",
  "cgroup_array", "lru_hash", "lru_percpu_hash", "lpm_trie", "array_of_maps", "hash_of_maps", "devmap", "sockmap",
  "cpumap", "xskmap", "sockhash", "cgroup_storage", "reuseport_sockarray", "percpu_cgroup_storage", "queue",
  "stack", "sk_storage", "devmap_hash", "struct_ops", "ringbuf", "inode_storage", "task_storage", "bloom_filter",
  "user_ringbuf", "cgrp_storage", "arena",
];
