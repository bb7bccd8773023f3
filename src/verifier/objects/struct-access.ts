// Loads through pointers to the kernel's structs, whose fields BTF tells: what they give, and how far that can be
// trusted (check_ptr_to_btf_access and check_ptr_to_map_access in kernel/bpf/verifier.c).

import type { Btf } from "../../btf/btf.ts";
import { mapTypes } from "../../map-type-names.ts";
import { isStruct } from "../btf-types.ts";
import { inRcuSection } from "../calls/sections.ts";
import type { Env } from "../env.ts";
import type { Access } from "../insns/access.ts";
import { Flag, isTrusted, Register, TRUST } from "../register.ts";
import { EACCES, EINVAL, EOPNOTSUPP, EPERM } from "../rejection.ts";
import { structFields } from "./map-fields.ts";
import { type Place, placeAt } from "./struct-walk.ts";

/** A pointer to the kernel's struct of that name. */
export function structPointer({ kernelBtf }: Env, struct: string, flags: number, id = 0): Register {
  const found = kernelBtf?.findByName(struct, "struct");
  const type = found === undefined ? {} : { btf: kernelBtf, typeId: found.id };
  return Register.pointer("btf", { flags, struct, id, ...type });
}

/** The same of a struct that is known by its id. */
export function pointerToType(btf: Btf, typeId: number, flags: number, id = 0): Register {
  return Register.pointer("btf", { flags, struct: btf.type(typeId).name, btf, typeId, id });
}

/** An access through `pointer`, which is not null. */
export function accessStruct(env: Env, pointer: Register, access: Access): void {
  const { struct, btf } = pointer;
  checkPlace(env, pointer, access);
  if (access.stored !== undefined && (pointer.flags & Flag.ALLOC) === 0) {
    env.reject(EACCES, "only read is supported");
  }
  if (btf === undefined)
    env.reject(EACCES, `struct ${struct} is not known: its fields need the kernel's BTF`);
  if ((pointer.flags & Flag.ALLOC) !== 0) checkPlainField(env, btf, pointer.typeId, access);
  const place = placeAt(btf, pointer.typeId, access.off, access.size);
  if (place.kind === "fault") env.reject(place.errno, place.message);
  if (access.stored !== undefined || access.dst < 0) return;
  if (place.kind === "pointer" && (pointer.flags & Flag.ALLOC) !== 0) {
    env.setRegister(access.dst, Register.UNKNOWN);
    return;
  }
  const flags = place.kind === "pointer" ? trustOf(env, pointer, btf, place) : 0;
  env.setRegister(access.dst, loaded(env, btf, place, flags));
}

/** Fields of the program's own objects that only calls may touch. */
function checkPlainField(env: Env, btf: Btf, typeId: number, { off, size }: Access): void {
  const field = structFields(btf, typeId).find((each) => off < each.off + each.size && each.off < off + size);
  if (field !== undefined) env.reject(EACCES, `direct access to ${field.name} is disallowed`);
}

/** What every access through such a pointer must be. */
function checkPlace(env: Env, { struct, flags, scalar, btf }: Register, { number, off }: Access): void {
  if (!env.allowsLeaks) {
    env.reject(EPERM, `'struct ${struct}' access is allowed only to CAP_PERFMON and CAP_SYS_ADMIN`);
  }
  if (!env.program.isGpl && btf === env.kernelBtf) {
    env.reject(EINVAL, `Cannot access kernel 'struct ${struct}' from non-GPL compatible program`);
  }
  const who = `R${number} is ptr_${struct}`;
  if (off < 0) env.reject(EACCES, `${who} invalid negative access: off=${off}`);
  if (!scalar.isConstant || scalar.value !== 0n) {
    env.reject(EACCES, `${who} invalid variable offset: off=${off}, var_off=${scalar.tnum}`);
  }
  if ((flags & Flag.USER) !== 0) env.reject(EACCES, `${who} access user memory: off=${off}`);
  if ((flags & Flag.PERCPU) !== 0) env.reject(EACCES, `${who} access percpu memory: off=${off}`);
}

/** What a load at that place gives. */
function loaded(env: Env, btf: Btf, place: Place, flags: number): Register {
  switch (place.kind) {
    case "pointer":
      return pointerToType(btf, place.typeId, flags, (flags & Flag.MAYBE_NULL) === 0 ? 0 : env.takeId());
    case "other_pointer":
      return Register.pointer("mem", { flags: Flag.READ_ONLY | Flag.UNTRUSTED });
    default:
      return Register.UNKNOWN;
  }
}

type PointerPlace = Extract<Place, { readonly kind: "pointer" }>;

/** Flags of a pointer that was read from the struct that `pointer` leads to. */
function trustOf(env: Env, pointer: Register, btf: Btf, place: PointerPlace): number {
  const { flags } = place;
  if ((pointer.flags & Flag.UNTRUSTED) !== 0) return Flag.UNTRUSTED;
  if (!isTrusted(pointer) && (pointer.flags & Flag.RCU) === 0) return flags & ~(TRUST | Flag.RCU);
  const isSafe = (suffix: string): boolean => isListed(btf, pointer, place, suffix);
  if (isSafe("__safe_trusted")) return flags | Flag.TRUSTED;
  if (isSafe("__safe_trusted_or_null")) return flags | Flag.TRUSTED | Flag.MAYBE_NULL;
  if (!inRcuSection(env) || pointer.mayBeNull) return Flag.UNTRUSTED;
  if (isSafe("__safe_rcu")) return flags | Flag.RCU;
  if (isSafe("__safe_rcu_or_null")) return (flags | Flag.RCU | Flag.MAYBE_NULL) & ~Flag.UNTRUSTED;
  if ((flags & Flag.RCU) !== 0) return flags | Flag.MAYBE_NULL;
  if ((flags & (Flag.PERCPU | Flag.USER)) !== 0) return flags;
  return flags & ~(TRUST | Flag.RCU);
}

/** The kernel lists fields that stay good as structs of its BTF, named after the one that has the field. */
function isListed(
  btf: Btf,
  { typeId }: Register,
  { typeId: target, field }: PointerPlace,
  suffix: string,
): boolean {
  const { name, kind } = btf.type(typeId);
  const list = btf.findByName(name + suffix, kind);
  if (list === undefined || !isStruct(list)) return false;
  return list.members.some(({ name: listed, type }) => {
    const pointer = btf.type(type);
    return listed === field && pointer.kind === "ptr" && btf.resolve(pointer.type).id === target;
  });
}

/** The kernel's struct behind a map, by the map's type. */
const MAP_STRUCTS: ReadonlyMap<number, string> = new Map(
  Object.entries({
    bpf_array: mapTypes(
      ...(["array", "prog_array", "perf_event_array", "percpu_array"] as const),
      ...(["cgroup_array", "array_of_maps"] as const),
    ),
    bpf_htab: mapTypes("hash", "percpu_hash", "lru_hash", "lru_percpu_hash", "hash_of_maps"),
    bpf_local_storage_map: mapTypes("sk_storage", "inode_storage", "task_storage", "cgrp_storage"),
    bpf_cgroup_storage_map: mapTypes("cgroup_storage", "percpu_cgroup_storage"),
    bpf_queue_stack: mapTypes("queue", "stack"),
    bpf_dtab: mapTypes("devmap", "devmap_hash"),
    bpf_ringbuf_map: mapTypes("ringbuf", "user_ringbuf"),
    bpf_stack_map: mapTypes("stack_trace"),
    lpm_trie: mapTypes("lpm_trie"),
    bpf_stab: mapTypes("sockmap"),
    bpf_cpu_map: mapTypes("cpumap"),
    xsk_map: mapTypes("xskmap"),
    bpf_shtab: mapTypes("sockhash"),
    reuseport_array: mapTypes("reuseport_sockarray"),
    bpf_struct_ops_map: mapTypes("struct_ops"),
    bpf_bloom_filter: mapTypes("bloom_filter"),
    bpf_arena: mapTypes("arena"),
  }).flatMap(([struct, types]) => [...types].map((type): [number, string] => [type, struct])),
);

/** A load of a field of the map itself. */
export function accessMapStruct(env: Env, { map }: Register, access: Access): void {
  const { number, off, size, dst } = access;
  const struct = MAP_STRUCTS.get(map?.type ?? 0);
  if (struct === undefined) env.reject(EOPNOTSUPP, `map_ptr access not supported for map type ${map?.type}`);
  if (!env.allowsLeaks) {
    env.reject(EPERM, `'struct ${struct}' access is allowed only to CAP_PERFMON and CAP_SYS_ADMIN`);
  }
  if (off < 0) env.reject(EACCES, `R${number} is ${struct} invalid negative access: off=${off}`);
  if (access.stored !== undefined) env.reject(EACCES, `only read from ${struct} is supported`);
  const { kernelBtf } = env;
  const found = kernelBtf?.findByName(struct, "struct");
  if (kernelBtf === undefined || found === undefined) {
    env.reject(EOPNOTSUPP, "map_ptr access not supported without CONFIG_DEBUG_INFO_BTF");
  }
  const place = placeAt(kernelBtf, found.id, off, size);
  if (place.kind === "fault") env.reject(place.errno, place.message);
  if (dst < 0) return;
  const flags = place.kind === "pointer" ? place.flags : 0;
  env.setRegister(dst, loaded(env, kernelBtf, place, flags));
}
