// Prototypes of the helpers that belong to no subsystem: maps, time, numbers, locks, callbacks, ring buffers,
// dynptrs, strings and local storage (kernel/bpf/helpers.c and its neighbours).

import * as T from "./notation.ts";
import { proto } from "./notation.ts";

const {
  ANY,
  CTX,
  FUNC,
  INT,
  KEY,
  MAP,
  MEM_IN,
  MEM_OUT,
  SIZE,
  SIZE_OR_ZERO,
  STACK_OR_NULL,
  STRING,
  TIMER,
  VOID,
} = T;

// biome-ignore format: one row per line
export const CORE_PROTOTYPES: readonly T.PrototypeRow[] = [
  // Maps
  proto(1, "map_lookup_elem", [MAP, KEY], T.MAP_VALUE_OR_NULL, { packet: true }),
  proto(2, "map_update_elem", [MAP, KEY, T.VALUE, ANY], INT, { packet: true, changesMap: true }),
  proto(3, "map_delete_elem", [MAP, KEY], INT, { packet: true, changesMap: true }),
  proto(12, "tail_call", [CTX, MAP, ANY], VOID, { maps: ["prog_array"], changesPacket: true }),
  proto(87, "map_push_elem", [MAP, T.VALUE, ANY], INT, { packet: true, maps: ["queue", "stack", "bloom_filter"], changesMap: true }),
  proto(88, "map_pop_elem", [MAP, T.VALUE_OUT], INT, { maps: ["queue", "stack"], changesMap: true }),
  proto(89, "map_peek_elem", [MAP, T.VALUE_OUT], INT, { maps: ["queue", "stack", "bloom_filter"] }),
  proto(164, "for_each_map_elem", [MAP, FUNC, STACK_OR_NULL, ANY], INT),
  proto(195, "map_lookup_percpu_elem", [MAP, KEY, ANY], T.MAP_VALUE_OR_NULL, { packet: true, maps: ["percpu_array", "percpu_hash", "lru_percpu_hash"] }),

  // Clocks, numbers, the CPU
  proto(5, "ktime_get_ns", [], INT),
  proto(7, "get_prandom_u32", [], INT),
  proto(8, "get_smp_processor_id", [], T.CPU),
  proto(42, "get_numa_node_id", [], INT),
  proto(118, "jiffies64", [], INT),
  proto(125, "ktime_get_boot_ns", [], INT),
  proto(153, "per_cpu_ptr", [T.PERCPU, ANY], T.PERCPU_MEM_OR_NULL),
  proto(154, "this_cpu_ptr", [T.PERCPU], T.PERCPU_MEM),
  proto(160, "ktime_get_coarse_ns", [], INT),
  proto(208, "ktime_get_tai_ns", [], INT),

  // The current task
  proto(14, "get_current_pid_tgid", [], INT),
  proto(15, "get_current_uid_gid", [], INT),
  proto(16, "get_current_comm", [MEM_OUT, SIZE], INT),
  proto(80, "get_current_cgroup_id", [], INT),
  proto(120, "get_ns_current_pid_tgid", [ANY, ANY, MEM_OUT, SIZE], INT),
  proto(123, "get_current_ancestor_cgroup_id", [ANY], INT),

  // Locks, kernel pointers in maps, callbacks, timers
  proto(93, "spin_lock", [T.SPIN_LOCK], VOID),
  proto(94, "spin_unlock", [T.SPIN_LOCK], VOID),
  proto(169, "timer_init", [TIMER, MAP, ANY], INT, { gpl: true }),
  proto(170, "timer_set_callback", [TIMER, FUNC], INT, { gpl: true }),
  proto(171, "timer_start", [TIMER, ANY, ANY], INT, { gpl: true }),
  proto(172, "timer_cancel", [TIMER], INT, { gpl: true }),
  proto(181, "loop", [ANY, FUNC, STACK_OR_NULL, ANY], INT),
  proto(194, "kptr_xchg", [T.KPTR_DEST, T.KPTR_OR_NULL_RELEASE], T.KPTR_OR_NULL),

  // Ring buffers
  proto(130, "ringbuf_output", [MAP, MEM_IN, SIZE_OR_ZERO, ANY], INT, { maps: ["ringbuf"] }),
  proto(131, "ringbuf_reserve", [MAP, T.ALLOC_SIZE, ANY], T.RECORD_OR_NULL, { maps: ["ringbuf"] }),
  proto(132, "ringbuf_submit", [T.RECORD_RELEASE, ANY], VOID),
  proto(133, "ringbuf_discard", [T.RECORD_RELEASE, ANY], VOID),
  proto(134, "ringbuf_query", [MAP, ANY], INT, { maps: ["ringbuf"] }),
  proto(198, "ringbuf_reserve_dynptr", [MAP, ANY, ANY, T.RINGBUF_DYNPTR_OUT], INT, { maps: ["ringbuf"] }),
  proto(199, "ringbuf_submit_dynptr", [T.RINGBUF_DYNPTR_RELEASE, ANY], VOID),
  proto(200, "ringbuf_discard_dynptr", [T.RINGBUF_DYNPTR_RELEASE, ANY], VOID),
  proto(209, "user_ringbuf_drain", [MAP, FUNC, STACK_OR_NULL, ANY], INT, { maps: ["user_ringbuf"] }),

  // Dynptrs
  proto(197, "dynptr_from_mem", [MEM_OUT, SIZE_OR_ZERO, ANY, T.LOCAL_DYNPTR_OUT], INT),
  proto(201, "dynptr_read", [MEM_OUT, SIZE_OR_ZERO, T.DYNPTR, ANY, ANY], INT),
  proto(202, "dynptr_write", [T.DYNPTR, ANY, MEM_IN, SIZE_OR_ZERO, ANY], INT),
  proto(203, "dynptr_data", [T.DYNPTR, ANY, T.ALLOC_SIZE], T.DYNPTR_MEM_OR_NULL),

  // Strings
  proto(105, "strtol", [MEM_IN, SIZE, ANY, T.NUMBER_OUT], INT),
  proto(106, "strtoul", [MEM_IN, SIZE, ANY, T.NUMBER_OUT], INT),
  proto(165, "snprintf", [T.MEM_INOUT_OR_NULL, SIZE_OR_ZERO, STRING, T.MEM_IN_OR_NULL, SIZE_OR_ZERO], INT, { gpl: true }),
  proto(182, "strncmp", [MEM_IN, SIZE, STRING], INT),

  // Local storage
  proto(81, "get_local_storage", [MAP, ANY], T.MAP_VALUE, { maps: ["cgroup_storage", "percpu_cgroup_storage"] }),
  proto(145, "inode_storage_get", [MAP, T.btfOrNull("inode"), T.VALUE_OR_NULL, ANY], T.MAP_VALUE_OR_NULL, { maps: ["inode_storage"] }),
  proto(146, "inode_storage_delete", [MAP, T.btfOrNull("inode")], INT, { maps: ["inode_storage"] }),
  proto(156, "task_storage_get", [MAP, T.btfOrNull("task_struct"), T.VALUE_OR_NULL, ANY], T.MAP_VALUE_OR_NULL, { maps: ["task_storage"] }),
  proto(157, "task_storage_delete", [MAP, T.btfOrNull("task_struct")], INT, { maps: ["task_storage"] }),
  proto(210, "cgrp_storage_get", [MAP, T.btfOrNull("cgroup"), T.VALUE_OR_NULL, ANY], T.MAP_VALUE_OR_NULL, { maps: ["cgrp_storage"] }),
  proto(211, "cgrp_storage_delete", [MAP, T.btfOrNull("cgroup")], INT, { maps: ["cgrp_storage"] }),

  // bpf(2) from a program
  proto(166, "sys_bpf", [ANY, MEM_IN, SIZE], INT),
  proto(167, "btf_find_by_name_kind", [MEM_IN, SIZE, ANY, ANY], INT),
  proto(168, "sys_close", [ANY], INT),
  proto(179, "kallsyms_lookup_name", [MEM_IN, SIZE_OR_ZERO, ANY, T.NUMBER_OUT], INT),
];
