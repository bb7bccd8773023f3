// Atomic operations on memory: which operands they have, and where they may work (check_atomic in
// kernel/bpf/verifier.c).

import { Atomic, accessSize } from "../code.ts";
import type { Env } from "../env.ts";
import { Register, type RegisterKind, typeName } from "../register.ts";
import { EACCES, EINVAL } from "../rejection.ts";
import { checkAccess } from "./access.ts";
import { checkReads, checkWrites, isHiddenPointer } from "./registers.ts";
import { UNKNOWN_VALUE } from "./stack-access.ts";

/** Add, or, and, xor, each with and without its old value; exchanges. */
const CHANGES = new Set([0x00, 0x01, 0x40, 0x41, 0x50, 0x51, 0xa0, 0xa1, Atomic.XCHG, Atomic.CMPXCHG]);

/** What is no memory of the program's alone. */
const NO_ATOMICS: ReadonlySet<RegisterKind> = new Set<RegisterKind>([
  ...(["ctx", "pkt", "pkt_meta", "flow_keys", "sock", "sock_common", "tcp_sock", "xdp_sock"] as const),
]);

const hex = (value: number): string => (value >>> 0).toString(16).padStart(2, "0");

export function checkAtomic(env: Env): void {
  const { code, slot } = env;
  switch (code.imm[slot]) {
    case Atomic.LOAD_ACQUIRE:
      return loadAcquire(env);
    case Atomic.STORE_RELEASE:
      return storeRelease(env);
    default:
      return change(env);
  }
}

function change(env: Env): void {
  const { code, slot } = env;
  const { opcode, dst, src, off, imm } = code.fields(slot);
  if (!CHANGES.has(imm)) env.reject(EINVAL, `BPF_ATOMIC uses invalid atomic opcode ${hex(imm)}`);
  const size = accessSize(opcode);
  if (size < 4) env.reject(EINVAL, "invalid atomic operand size");
  checkReads(env, src);
  checkReads(env, dst);
  const comparesR0 = imm === Atomic.CMPXCHG;
  if (comparesR0) {
    checkReads(env, 0);
    if (isHiddenPointer(env, 0)) env.reject(EACCES, "R0 leaks addr into mem");
  }
  if (isHiddenPointer(env, src)) env.reject(EACCES, `R${src} leaks addr into mem`);
  checkKind(env, dst, "stores into");
  const result = (imm & Atomic.FETCH) === 0 ? -1 : comparesR0 ? 0 : src;
  if (result >= 0) {
    checkWrites(env, result);
    // Overwritten before anything is looked at: it cannot be the pointer as well.
    env.setRegister(result, Register.UNKNOWN);
  }
  const access = { number: dst, off, size, stored: undefined, isSigned: false, isStrict: true };
  checkAccess(env, { ...access, dst: -1 });
  if (result >= 0) checkAccess(env, { ...access, dst: result });
  checkAccess(env, { ...access, dst: -1, stored: UNKNOWN_VALUE });
}

/** As a load, where atomics may be. */
function loadAcquire(env: Env): void {
  const { opcode, dst, src, off } = env.code.fields(env.slot);
  checkReads(env, src);
  checkWrites(env, dst);
  checkKind(env, src, "loads from");
  const size = accessSize(opcode);
  checkAccess(env, { number: src, off, size, dst, stored: undefined, isSigned: false, isStrict: true });
}

/** As a store, where atomics may be. */
function storeRelease(env: Env): void {
  const { opcode, dst, src, off } = env.code.fields(env.slot);
  checkReads(env, dst);
  checkReads(env, src);
  checkKind(env, dst, "stores into");
  const [size, stored] = [accessSize(opcode), { number: src, imm: undefined }];
  checkAccess(env, { number: dst, off, size, dst: -1, stored, isSigned: false, isStrict: true });
}

function checkKind(env: Env, number: number, does: "stores into" | "loads from"): void {
  const register = env.register(number);
  if (!NO_ATOMICS.has(register.kind)) return;
  env.reject(EACCES, `BPF_ATOMIC ${does} R${number} ${typeName(register)} is not allowed`);
}
