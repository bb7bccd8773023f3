// Special fields as calls get them: that a register is the address of the field of that name, in a map's value or in
// an object of the program's own (process_timer_func and process_spin_lock in kernel/bpf/verifier.c).

import type { Env } from "../env.ts";
import { Flag, type Register } from "../register.ts";
import { EINVAL } from "../rejection.ts";
import { type MapField, mapFields, structFields } from "./map-fields.ts";

/** The special fields of what a register points to. */
export function fieldsOf({ kind, map, flags, btf, typeId }: Register): readonly MapField[] {
  if (kind === "map_value" && map !== undefined) return mapFields(map);
  const isOwn = kind === "btf" && (flags & Flag.ALLOC) !== 0 && btf !== undefined;
  return isOwn ? structFields(btf, typeId) : [];
}

/** Whether what a register points to has a lock in it: then its id tells it from others of its kind. */
export const mayHoldLock = (register: Register): boolean => fieldsOf(register).some(isLock);

export const isLock = ({ name }: MapField): boolean =>
  name === "bpf_spin_lock" || name === "bpf_res_spin_lock";

export function checkConstantOffset(env: Env, { scalar }: Register, number: number, what: string): void {
  if (scalar.isConstant) return;
  env.reject(EINVAL, `R${number} doesn't have constant offset. ${what} has to be at the constant offset`);
}

/** The register is the address of the one field of that name. */
export function checkField(env: Env, register: Register, number: number, name: string): void {
  const { map } = register;
  checkConstantOffset(env, register, number, name);
  if (map !== undefined && map.btf === undefined) {
    env.reject(EINVAL, `map '${map.name}' has to have BTF in order to use ${name}`);
  }
  const field = fieldsOf(register).find((each) => each.name === name);
  if (field === undefined) {
    const owner = map === undefined ? "local 'kptr'" : `map '${map.name}'`;
    env.reject(EINVAL, `${owner} has no valid ${name}`);
  }
  const at = register.wholeOffset;
  if (at === field.off) return;
  env.reject(EINVAL, `off ${at} doesn't point to 'struct ${name}' that is at ${field.off}`);
}

/** The field that the register is the address of, of those of that name. */
export function fieldAt(env: Env, register: Register, number: number, name: string): MapField {
  checkConstantOffset(env, register, number, name);
  const off = register.wholeOffset;
  const field = fieldsOf(register).find((each) => each.name === name && each.off === off);
  if (field === undefined) env.reject(EINVAL, `${name} not found at offset=${off}`);
  return field;
}
