// Pointers to the kernel's structs as arguments: that a register is one to the struct that is wanted, or to one that
// begins with it (check_reg_type in kernel/bpf/verifier.c).

import type { Btf } from "../../btf/btf.ts";
import type { Env } from "../env.ts";
import { checkUnmodified } from "../insns/access.ts";
import { Flag, type Register, typeName } from "../register.ts";
import { EACCES } from "../rejection.ts";
import { containsStruct } from "./struct-walk.ts";

/** A struct of the kernel. */
interface StructType {
  readonly btf: Btf;
  readonly typeId: number;
}

const FLAGS: ReadonlySet<number> = new Set([0, Flag.TRUSTED, Flag.RCU]);

/** A register that must point to a struct; null will do only where it was told apart from the start. */
export function checkStructArgument(env: Env, number: number, wanted: StructType, nullable: boolean): void {
  const register = env.register(number);
  const flags = nullable ? register.flags & ~Flag.MAYBE_NULL : register.flags;
  if (register.kind !== "btf" || !FLAGS.has(flags)) {
    env.reject(EACCES, `R${number} type=${typeName(register)} expected=ptr_, trusted_ptr_, rcu_ptr_`);
  }
  checkStruct(env, number, wanted, false);
  checkUnmodified(env, register, number, true);
}

/** That the struct is the wanted one, or has it at the register's offset unless `isStrict`. */
function checkStruct(env: Env, number: number, wanted: StructType, isStrict: boolean): void {
  const register = env.register(number);
  if (pointsTo(env, register, wanted, isStrict)) return;
  const name = wanted.btf.type(wanted.typeId).name;
  env.reject(EACCES, `R${number} is of type ${register.struct} but ${name} is expected`);
}

/** Structs that begin with a `sock_common`, and which helpers give. */
const SOCKETS: ReadonlySet<string> = new Set([
  ...["sock", "tcp_sock", "tcp6_sock", "tcp_timewait_sock", "tcp_request_sock", "udp6_sock", "unix_sock"],
  "mptcp_sock",
]);

/** The same of a struct of the kernel's BTF. */
export function checkNamedStruct(env: Env, number: number, name: string, isStrict: boolean): void {
  const register = env.register(number);
  if (isNamedStruct(env, register, name, isStrict)) return;
  env.reject(EACCES, `R${number} is of type ${register.struct} but ${name} is expected`);
}

/** True for a pointer to the kernel's struct of that name, or to one that has it there; without BTF names must do. */
export function isNamedStruct(env: Env, register: Register, name: string, isStrict: boolean): boolean {
  const { kernelBtf } = env;
  const found = kernelBtf?.findByName(name, "struct");
  if (kernelBtf !== undefined && found !== undefined) {
    return pointsTo(env, register, { btf: kernelBtf, typeId: found.id }, isStrict);
  }
  const { struct, off } = register;
  return off === 0 && (struct === name || (name === "sock_common" && SOCKETS.has(struct)));
}

/** Without the struct's BTF its name must do. */
function pointsTo(
  { log }: Env,
  { btf, typeId, struct, off }: Register,
  wanted: StructType,
  isStrict: boolean,
): boolean {
  if (btf === undefined) return off === 0 && struct === wanted.btf.type(wanted.typeId).name;
  return containsStruct(btf, typeId, off, wanted, isStrict, (problem) => log?.write(`${problem}\n`));
}
