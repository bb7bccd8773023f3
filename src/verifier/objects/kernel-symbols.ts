// Variables and functions of the kernel that an `lddw` names by their id in the kernel's BTF, and what is behind those
// of which every CPU has its own (check_pseudo_btf_id in kernel/bpf/verifier.c).

import type { Btf, BtfType } from "../../btf/btf.ts";
import type { Program } from "../../program.ts";
import { isStruct, sizeOf } from "../btf-types.ts";
import type { Env } from "../env.ts";
import { Flag, Register } from "../register.ts";
import { EINVAL, ENOENT, reject } from "../rejection.ts";
import { pointerToType } from "./struct-access.ts";

const PERCPU_SECTION = ".data..percpu";

/** Rejects an id that is no variable and no function, before any instruction is explored. */
export function checkSymbol(slot: number, program: Program, btf: Btf | undefined, id: number): void {
  const name = program.kernelVariables.find((variable) => variable.slot === slot)?.name;
  if (btf === undefined) {
    reject(slot, EINVAL, `kernel symbol ${name ?? `#${id}`} is not known: it needs the kernel's BTF`);
  }
  const missing = id === 0 && name !== undefined ? `the kernel has no ${name}\n` : "";
  if (id < 0 || id >= btf.count) reject(slot, ENOENT, `ldimm64 insn specifies invalid btf_id ${id}.`);
  const { kind } = btf.type(id);
  if (kind !== "var" && kind !== "func") {
    reject(slot, EINVAL, `${missing}pseudo btf_id ${id} in ldimm64 isn't KIND_VAR or KIND_FUNC`);
  }
}

/** What the `lddw` gives. */
export function symbolRegister(env: Env, id: number): Register {
  const btf = env.kernelBtf as Btf;
  const symbol = btf.type(id);
  if (symbol.kind !== "var") return Register.pointer("mem", { flags: Flag.READ_ONLY });
  const type = withoutQualifiers(btf, symbol.type);
  if (isPerCpu(btf, id)) return pointerToType(btf, type.id, Flag.PERCPU);
  if (isStruct(type)) return pointerToType(btf, type.id, 0);
  return Register.pointer("mem", { flags: Flag.READ_ONLY, memSize: memorySize(env, btf, type) });
}

/** Struct names are those of the structs themselves, whatever typedef the variable is declared with. */
function withoutQualifiers(btf: Btf, id: number): BtfType {
  const type = btf.resolve(id);
  return isStruct(type) ? type : btf.type(id);
}

const perCpuVariables = new WeakMap<Btf, ReadonlySet<number>>();

function isPerCpu(btf: Btf, id: number): boolean {
  let known = perCpuVariables.get(btf);
  if (known === undefined) {
    const section = btf.findByName(PERCPU_SECTION, "datasec");
    known = new Set(section?.kind === "datasec" ? section.vars.map(({ type }) => type) : []);
    perCpuVariables.set(btf, known);
  }
  return known.has(id);
}

function memorySize(env: Env, btf: Btf, type: BtfType): number {
  const size = sizeOf(btf, type.id);
  if (size !== undefined) return size;
  return env.reject(EINVAL, `unable to resolve the size of type '${btf.resolve(type.id).name}': -22`);
}

/** One CPU's own object of those that `variable` stands for. */
export function perCpuObject(env: Env, variable: Register | undefined, flags: number): Register {
  const btf = variable?.btf;
  if (btf === undefined || variable === undefined) {
    env.reject(EINVAL, "Helper has invalid btf_id in R1");
  }
  const type = btf.resolve(variable.typeId);
  if (isStruct(type)) return pointerToType(btf, type.id, flags & ~Flag.READ_ONLY);
  const memSize = memorySize(env, btf, type);
  return Register.pointer("mem", { flags: flags | Flag.READ_ONLY, memSize });
}
