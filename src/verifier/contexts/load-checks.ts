// How a program is loaded, by its type: the attach type that was asked for, whether it may sleep, and which maps go
// with it (bpf_prog_load_check_attach in kernel/bpf/syscall.c, check_map_prog_compatibility in kernel/bpf/verifier.c).

import { loadAttachType } from "../../attach-types.ts";
import { mapTypes } from "../../map-type-names.ts";
import type { MapSpec, Program } from "../../program.ts";
import { mapFields } from "../objects/map-fields.ts";
import type { ProgramKind } from "../prototypes/prototype.ts";
import { EINVAL, reject } from "../rejection.ts";
import { maySleepAsAsked, programTraits } from "./contexts.ts";

/** The kernel loads each type for some attach types only; of a few, for none unless BTF says where. */
export function checkAttachType(type: string, attachType: number): void {
  if (type === "raw")
    reject(-1, EINVAL, "a raw program has no context that is known: it can only run checked");
  if (type === "unspec" || loadAttachType(type, attachType) === undefined) {
    reject(-1, EINVAL, `a program of type ${type} cannot have the expected attach type ${attachType}`);
  }
}

/** The program's type goes with how it was asked to run, and with its maps. */
export function checkKind(program: Program, kind: ProgramKind): void {
  if (!maySleepAsAsked(kind)) {
    if (kind.type === "syscall") reject(-1, EINVAL, "Syscall programs can only be sleepable");
    const types = "fentry/fexit/fmod_ret, lsm, iter, uprobe, and struct_ops";
    reject(-1, EINVAL, `Only ${types} programs can be sleepable`);
  }
  for (const map of new Set(program.maps.map((use) => use.map))) checkMap(map, kind);
}

/** Map types that programs which sleep may use. */
const SLEEPABLE_MAPS = mapTypes(
  ...(["hash", "array", "percpu_hash", "percpu_array", "lru_hash", "lru_percpu_hash", "lpm_trie"] as const),
  ...(["array_of_maps", "hash_of_maps", "queue", "stack", "sk_storage", "ringbuf"] as const),
  ...(["inode_storage", "task_storage", "user_ringbuf", "cgrp_storage", "arena"] as const),
);

function checkMap(map: MapSpec, { type, isSleepable }: ProgramKind): void {
  const { noSpinLock, isTracing } = programTraits(type);
  const fields = mapFields(map);
  if (noSpinLock && fields.some(({ name }) => name === "bpf_spin_lock")) {
    const who = type === "socket_filter" ? "socket filter" : "tracing";
    reject(-1, EINVAL, `${who} progs cannot use bpf_spin_lock yet`);
  }
  if (isTracing && fields.some(({ name }) => name === "bpf_timer")) {
    reject(-1, EINVAL, "tracing progs cannot use bpf_timer yet");
  }
  if (isSleepable && !SLEEPABLE_MAPS.has(map.type)) {
    reject(-1, EINVAL, "Sleepable programs can only use array, hash, ringbuf and local storage maps");
  }
}
