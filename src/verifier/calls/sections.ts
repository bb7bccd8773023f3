// Sections of a program in which it may not sleep, may not be preempted, or may not be interrupted; and what those of
// RCU keep alive (check_kfunc_call and process_irq_flag in kernel/bpf/verifier.c).

import type { Env } from "../env.ts";
import { frameOf } from "../insns/stack-access.ts";
import { claimSlots, type IrqFlagObject, placeOf } from "../objects/stack-object.ts";
import { Flag, type Register } from "../register.ts";
import { EACCES, EINVAL } from "../rejection.ts";
import { Byte, StackSlot } from "../state.ts";

/** RCU keeps what is found here: in a section, under a lock, and in all of a program that does not sleep. */
export function inRcuSection(env: Env): boolean {
  return env.state.isUnderRcu || env.state.holds("lock") || !env.maySleep;
}

/** The name of a section that the program is in, for a call that may sleep; the kernel looks in this order. */
export function sleeplessSection({ state }: Env): string | undefined {
  if (state.isUnderRcu) return "rcu_read_lock";
  if (state.preemptDepth > 0) return "non-preemptible";
  return state.irqId !== 0 ? "IRQ-disabled" : undefined;
}

export function enterRcu(env: Env, name: string): void {
  if (env.state.isUnderRcu) env.reject(EINVAL, `nested rcu read lock (kernel function ${name})`);
  env.state.isUnderRcu = true;
}

/** Behind the section nothing keeps what was found in it. */
export function leaveRcu(env: Env, name: string): void {
  const { state } = env;
  if (!state.isUnderRcu) env.reject(EINVAL, `unmatched rcu read unlock (kernel function ${name})`);
  state.isUnderRcu = false;
  state.mapRegisters(distrusted);
  for (const frame of state.frames) {
    for (const [index, { object }] of frame.stack.entries()) {
      if (object?.kind !== "iter" || object.guard !== "rcu") continue;
      frame.stack[index] = StackSlot.holding(Byte.ITER, { ...object, guard: "stale" });
    }
  }
}

function distrusted(register: Register): Register {
  if ((register.flags & Flag.RCU) === 0) return register;
  return register.with({ flags: (register.flags & ~(Flag.RCU | Flag.MAYBE_NULL)) | Flag.UNTRUSTED });
}

export function enablePreemption(env: Env, name: string): void {
  const { state } = env;
  if (state.preemptDepth === 0) {
    env.reject(EINVAL, `unmatched attempt to enable preemption (kernel function ${name})`);
  }
  state.preemptDepth--;
}

/** What a call does with a saved state of interrupts. */
interface IrqFlagUse {
  readonly saves: boolean;
  readonly by: IrqFlagObject["savedBy"];
}

/** The argument that a state of interrupts is saved in, or restored from. */
export function checkIrqFlag(env: Env, number: number, use: IrqFlagUse): void {
  const register = env.register(number);
  if (register.kind !== "fp") {
    env.reject(EINVAL, `arg#${number - 1} doesn't point to an irq flag on stack`);
  }
  if (use.saves) saveInterrupts(env, register, number, use);
  else restoreInterrupts(env, register, number, use);
}

function saveInterrupts(env: Env, register: Register, number: number, { by }: IrqFlagUse): void {
  const frame = frameOf(env, register);
  const what = `expected uninitialized irq flag as arg#${number - 1}`;
  const before = placeOf(frame, register, "irq_flag", 1);
  if (before.problem !== undefined) env.reject(EINVAL, `${before.problem}\n${what}`);
  const old = frame.slot(before.slot);
  for (let byte = 0; before.slot >= 0 && byte < 8; byte++) {
    if (old.byte(byte) === Byte.IRQ_FLAG) env.reject(EINVAL, what);
  }
  const slot = claimSlots(env, number, "irq_flag", 1);
  const { state } = env;
  const id = env.takeId();
  state.references = [...state.references, { kind: "irq", id, slot: env.slot }];
  state.irqId = id;
  frame.setSlot(slot, StackSlot.holding(Byte.IRQ_FLAG, { kind: "irq_flag", refId: id, savedBy: by }));
  env.stackLiveness.markWritten(frame.number, slot);
}

/** The last one saved is the first to be restored. */
function restoreInterrupts(env: Env, register: Register, number: number, { by }: IrqFlagUse): void {
  const { state } = env;
  const frame = frameOf(env, register);
  const { slot, problem } = placeOf(frame, register, "irq_flag", 1);
  const what = `expected an initialized irq flag as arg#${number - 1}`;
  if (problem !== undefined) env.reject(EINVAL, `${problem}\n${what}`);
  const { object, isAll } = frame.slot(slot);
  if (object?.kind !== "irq_flag" || isAll !== Byte.IRQ_FLAG) env.reject(EINVAL, what);
  env.stackLiveness.markRead(frame.number, slot);
  if (object.savedBy !== by) {
    const { savedBy } = object;
    env.reject(EINVAL, `irq flag acquired by ${savedBy} kfuncs cannot be restored with ${by} kfuncs`);
  }
  if (object.refId !== state.irqId) {
    const taken = state.references.find(({ id }) => id === state.irqId)?.slot;
    env.reject(
      EACCES,
      `cannot restore irq state out of order, expected id=${state.irqId} acquired at insn_idx=${taken}`,
    );
  }
  state.references = state.references.filter(({ id }) => id !== object.refId);
  state.irqId = state.references.findLast(({ kind }) => kind === "irq")?.id ?? 0;
  frame.stack[slot] = StackSlot.INVALID;
  env.stackLiveness.markWritten(frame.number, slot);
}
