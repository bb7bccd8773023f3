// Pointers into the kernel that lie in map values: loaded and stored whole, exchanged by bpf_kptr_xchg
// (check_map_kptr_access and process_kptr_func in kernel/bpf/verifier.c).

import { inRcuSection } from "../calls/sections.ts";
import { Mode } from "../code.ts";
import type { Env } from "../env.ts";
import { checkUnmodified } from "../insns/access.ts";
import type { Stored } from "../insns/stack-access.ts";
import { Flag, type Register, typeName } from "../register.ts";
import { EACCES, EINVAL } from "../rejection.ts";
import type { Scalar } from "../scalars/scalar.ts";
import { checkConstantOffset } from "./field-arguments.ts";
import { isKptr, type MapField, mapFields } from "./map-fields.ts";
import { structPointer } from "./struct-access.ts";
import { isNamedStruct } from "./struct-arguments.ts";

/** The kptr that a load or store at that offset of a value is of; undefined where there is none. */
export function kptrAt({ map, scalar }: Register, off: number): MapField | undefined {
  if (map === undefined || !scalar.isConstant) return undefined;
  const at = off + Number(scalar.signedValue);
  return mapFields(map).find((field) => field.off === at && isKptr(field));
}

/** An access that touches a kptr is of all of it, by an instruction. */
export function checkKptrPlace(
  env: Env,
  field: MapField,
  scalar: Scalar,
  off: number,
  size: number,
  isDirect: boolean,
): void {
  if (!isDirect) env.reject(EACCES, "kptr cannot be accessed indirectly by helper");
  if (!scalar.isConstant) env.reject(EACCES, "kptr access cannot have variable offset");
  const at = off + Number(scalar.signedValue);
  if (at !== field.off) env.reject(EACCES, `kptr access misaligned expected=${field.off} off=${at}`);
  if (size !== 8) env.reject(EACCES, "kptr access size must be BPF_DW");
}

export function accessKptr(env: Env, field: MapField, dst: number, stored: Stored | undefined): void {
  const { code, slot } = env;
  if (code.mode(slot) !== Mode.MEM) {
    env.reject(EACCES, "kptr in map can only be accessed using BPF_MEM instruction mode");
  }
  if (stored === undefined) {
    if (dst >= 0) env.setRegister(dst, loadedKptr(env, field));
    return;
  }
  if (field.name !== "kptr") env.reject(EACCES, "store to referenced kptr disallowed");
  if (stored.number >= 0) checkKptrType(env, field, stored.number);
  else if (stored.imm !== 0) {
    env.reject(EACCES, `BPF_ST imm must be 0 when storing to kptr at off=${field.off}`);
  }
}

/** Structs of the kernel that are freed only after all who might see them have looked away. */
const RCU_PROTECTED: ReadonlySet<string> = new Set([
  ...["prog_test_ref_kfunc", "cgroup", "bpf_cpumask", "task_struct", "bpf_crypto_ctx"],
]);

/** Trusted as long as RCU keeps the object, where it is one that RCU does keep; by then the field holds a reference. */
function loadedKptr(env: Env, { name, struct = "" }: MapField): Register {
  const isKept = name === "kptr_percpu" || (name === "kptr_ref" && RCU_PROTECTED.has(struct));
  const trust = isKept && inRcuSection(env) ? Flag.RCU : Flag.UNTRUSTED;
  return structPointer(env, struct, trust | Flag.MAYBE_NULL, env.takeId());
}

/** A register that goes into the field points to the field's struct, or is null. */
function checkKptrType(env: Env, field: MapField, number: number): void {
  const register = env.register(number);
  if (register.isNull) return;
  const mayBeUntrusted = field.name === "kptr";
  const allowed = Flag.MAYBE_NULL | Flag.TRUSTED | Flag.RCU | (mayBeUntrusted ? Flag.UNTRUSTED : 0);
  const isPointer = register.kind === "btf" && (register.flags & ~allowed) === 0;
  if (isPointer) {
    checkUnmodified(env, register, number, true);
    if (isNamedStruct(env, register, field.struct ?? "", !mayBeUntrusted)) return;
  }
  const type = `${typeName(register)}${isPointer ? register.struct : ""}`;
  const other = mayBeUntrusted ? ` or untrusted_ptr_${field.struct}` : "";
  env.reject(EACCES, `invalid kptr access, R${number} type=${type} expected=ptr_${field.struct}${other}`);
}

/** r1 of bpf_kptr_xchg: a field that holds a reference. */
export function checkKptrExchange(env: Env, destination: Register, number: number): MapField {
  const { map } = destination;
  if (map?.btf === undefined) {
    env.reject(EINVAL, `map '${map?.name}' has to have BTF in order to use bpf_kptr_xchg`);
  }
  checkConstantOffset(env, destination, number, "kptr");
  const fields = mapFields(map).filter(isKptr);
  if (fields.length === 0) env.reject(EINVAL, `R${number} has no valid kptr`);
  const at = destination.wholeOffset;
  const field = fields.find((each) => each.off === at);
  if (field === undefined) env.reject(EACCES, `off=${at} doesn't point to kptr`);
  if (field.name === "kptr") env.reject(EACCES, `off=${at} kptr isn't referenced kptr`);
  return field;
}

/** r2 of bpf_kptr_xchg against the field. */
export const checkExchanged = (env: Env, field: MapField, number: number): void =>
  checkKptrType(env, field, number);
