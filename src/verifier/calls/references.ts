// What a program holds and must give back: references, locks, sections in which it may not sleep or be preempted. All
// of it is gone where a program ends (acquire_reference and check_resource_leak in kernel/bpf/verifier.c).

import type { Env } from "../env.ts";
import { endedRegister } from "../insns/registers.ts";
import { EINVAL } from "../rejection.ts";

/** A new reference; its id. */
export function takeReference(env: Env): number {
  const id = env.takeId();
  env.state.references = [...env.state.references, { kind: "pointer", id, slot: env.slot }];
  return id;
}

/** Gives a reference back: no register holds it any more. False when nobody had taken it. */
export function releaseReference(env: Env, id: number): boolean {
  const { state } = env;
  if (!state.references.some((reference) => reference.kind === "pointer" && reference.id === id)) {
    return false;
  }
  state.references = state.references.filter((reference) => reference.id !== id);
  state.mapRegisters((held) => (held.refId === id ? endedRegister(env) : held));
  return true;
}

/** At the end of a program, or where it may end, nothing may be held. */
export function checkNothingHeld(env: Env, what: string): void {
  const { references, irqId, isUnderRcu, preemptDepth } = env.state;
  const inside = (section: string): never =>
    env.reject(EINVAL, `${what} cannot be used inside ${section}-ed region`);
  if (references.some(({ kind }) => kind === "lock")) inside("bpf_spin_lock");
  const leaks = references.filter(({ kind }) => kind === "pointer");
  if (leaks.length > 0) {
    env.reject(
      EINVAL,
      [
        ...leaks.map(({ id, slot }) => `Unreleased reference id=${id} alloc_insn=${slot}`),
        `${what} would lead to reference leak`,
      ].join("\n"),
    );
  }
  if (irqId !== 0) inside("bpf_local_irq_save");
  if (isUnderRcu) inside("bpf_rcu_read_lock");
  if (preemptDepth > 0) inside("bpf_preempt_disable");
}
