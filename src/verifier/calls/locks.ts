// Locks in map values and in the program's own objects: which is taken, which is given back, and what is only good
// while one is held (process_spin_lock and acquire_lock_state in kernel/bpf/verifier.c).

import type { Env } from "../env.ts";
import { endedRegister } from "../insns/registers.ts";
import { checkField, fieldsOf } from "../objects/field-arguments.ts";
import { Flag, type Register } from "../register.ts";
import { EACCES, EINVAL } from "../rejection.ts";
import type { Reference } from "../state.ts";

/** What a call does with a lock. */
interface LockUse {
  readonly takes: boolean;
  readonly type: NonNullable<Reference["lock"]>;
}

/** Which map or type an object is of. */
const ownerOf = ({ map, btf }: Register): unknown => map ?? btf;

const isSameLock = (held: Reference, register: Register, type?: LockUse["type"]): boolean =>
  held.kind === "lock" &&
  held.id === register.id &&
  held.owner === ownerOf(register) &&
  (type === undefined || held.lock === type);

/** The lock that a register is the address of. */
export function changeLock(env: Env, number: number, { takes, type }: LockUse): void {
  const register = env.register(number);
  const name = type === "bpf_spin" ? "bpf_spin" : "bpf_res_spin";
  if (type === "bpf_spin" && env.frame.callback?.orders === true) {
    env.reject(EACCES, "can't spin_{lock,unlock} in rbtree cb");
  }
  checkField(env, register, number, `${name}_lock`);
  const { state } = env;
  const isHeld = state.holds("lock");
  if (takes) {
    if (isHeld && type === "bpf_spin" && state.references.some(({ lock }) => lock === "bpf_spin")) {
      env.reject(EINVAL, "Locking two bpf_spin_locks are not allowed");
    }
    const isSame = (held: Reference): boolean => isSameLock(held, register, "bpf_res_spin");
    if (isHeld && type !== "bpf_spin" && state.references.some(isSame)) {
      env.reject(EINVAL, "Acquiring the same lock again, AA deadlock detected");
    }
    const taken: Reference = {
      kind: "lock",
      id: register.id,
      slot: env.slot,
      owner: ownerOf(register),
      lock: type,
    };
    state.references = [...state.references, taken];
    return;
  }
  if (!isHeld) env.reject(EINVAL, `${name}_unlock without taking a lock`);
  const held = state.references.findLast((each) => isSameLock(each, register, type));
  if (held === undefined) env.reject(EINVAL, `${name}_unlock of different lock`);
  if (state.references.findLast(({ kind }) => kind === "lock") !== held) {
    env.reject(EINVAL, `${name}_unlock cannot be out of order`);
  }
  state.references = state.references.filter((reference) => reference !== held);
  forgetBorrowed(env);
}

/** What is reached through a list or a tree is good only while its lock is held. */
function forgetBorrowed(env: Env): void {
  env.state.mapRegisters((register) => {
    const isBorrowed = (register.flags & Flag.NON_OWN_REF) !== 0;
    return isBorrowed ? endedRegister(env) : register;
  });
}

/** That the lock beside a list or a tree is held. */
export function checkGuarded(env: Env, register: Register, what: string): void {
  const lock = fieldsOf(register).find(({ name }) => name === "bpf_spin_lock");
  const must = `bpf_spin_lock at off=${lock?.off ?? -22} must be held for ${what}`;
  if (!env.state.holds("lock")) env.reject(EINVAL, must);
  if (env.state.references.some((held) => isSameLock(held, register))) return;
  env.reject(EINVAL, `held lock and object are not in the same allocation\n${must}`);
}
