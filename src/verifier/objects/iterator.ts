// Open-coded iterators: objects on the stack that a program starts, asks for one element after the other, and ends.
// The kernel's promise is that there is a last element, so that loops over them need no bound (process_iter_arg and
// process_iter_next_call in kernel/bpf/verifier.c).

import { releaseReference, takeReference } from "../calls/references.ts";
import { inRcuSection } from "../calls/sections.ts";
import type { Env, Fork } from "../env.ts";
import { frameOf } from "../insns/stack-access.ts";
import { Flag, Register } from "../register.ts";
import { EINVAL, EPROTO } from "../rejection.ts";
import { Byte, type Frame, StackSlot, type State } from "../state.ts";
import { claimSlots, type IteratorObject, placeOf } from "./stack-object.ts";

/** What a call does with an iterator. */
interface IteratorUse {
  /** Its struct. */
  readonly struct: string;
  /** Slots of it. */
  readonly slots: number;
  readonly does: "new" | "next" | "destroy" | "use";
  /** Its elements are kept by RCU. */
  readonly needsRcu: boolean;
  /** Name of the called function. */
  readonly name: string;
}

/** An iterator argument of a call. Gives the reference that it holds. */
export function checkIterator(env: Env, number: number, use: IteratorUse): number {
  const register = env.register(number);
  if (register.kind !== "fp") {
    env.reject(EINVAL, `arg#${number - 1} expected pointer to an iterator on stack`);
  }
  if (use.does === "new") return startIterator(env, register, number, use);
  const frame = frameOf(env, register);
  const what = `expected an initialized ${typeOf(use)} as arg #${number - 1}`;
  const { slot, problem } = placeOf(frame, register, "iter", use.slots);
  if (problem !== undefined) env.reject(EINVAL, `${problem}\n${what}`);
  for (let index = 0; index < use.slots; index++) {
    const { object, isAll } = frame.slot(slot - index);
    if (object?.kind === "iter" && object.guard === "stale") {
      env.reject(EPROTO, `expected an RCU CS when using ${use.name}`);
    }
    const isRight =
      isAll === Byte.ITER &&
      object?.kind === "iter" &&
      object.struct === use.struct &&
      (index === 0) === (object.refId !== 0);
    if (!isRight) env.reject(EINVAL, what);
  }
  for (let index = 0; index < use.slots; index++) env.stackLiveness.markRead(frame.number, slot - index);
  const { refId } = frame.slot(slot).object as IteratorObject;
  if (use.does === "destroy") {
    releaseReference(env, refId);
    for (let index = 0; index < use.slots; index++) {
      frame.stack[slot - index] = StackSlot.INVALID;
      env.stackLiveness.markWritten(frame.number, slot - index);
    }
  }
  return refId;
}

const typeOf = ({ struct }: IteratorUse): string => `iter_${struct.replace(/^bpf_iter_/, "")}`;

function startIterator(env: Env, register: Register, number: number, use: IteratorUse): number {
  const frame = frameOf(env, register);
  const what = `expected uninitialized ${typeOf(use)} as arg #${number - 1}`;
  const before = placeOf(frame, register, "iter", use.slots);
  if (before.problem !== undefined) env.reject(EINVAL, `${before.problem}\n${what}`);
  for (let index = 0; before.slot >= 0 && index < use.slots; index++) {
    const slot = frame.slot(before.slot - index);
    for (let byte = 0; byte < 8; byte++) if (slot.byte(byte) === Byte.ITER) env.reject(EINVAL, what);
  }
  const slot = claimSlots(env, number, "iter", use.slots);
  const refId = takeReference(env);
  const guard = !use.needsRcu ? "none" : inRcuSection(env) ? "rcu" : "stale";
  for (let index = 0; index < use.slots; index++) {
    const object: IteratorObject = {
      kind: "iter",
      struct: use.struct,
      refId: index === 0 ? refId : 0,
      isActive: true,
      depth: 0,
      guard,
    };
    frame.setSlot(slot - index, StackSlot.holding(Byte.ITER, object));
    env.stackLiveness.markWritten(frame.number, slot - index);
  }
  return refId;
}

/** The iterator that a register points to, once it is known that it does. */
function iteratorAt(state: State, register: Register): [frame: Frame, slot: number, object: IteratorObject] {
  const frame = state.frames[register.frame];
  const { slot = 0 } = placeOf(frame, register, "iter", 1);
  return [frame, slot, frame.slot(slot).object as IteratorObject];
}

/** What the iterator in r1 gives is kept by RCU. */
export const givesRcuPointers = (env: Env): boolean =>
  iteratorAt(env.state, env.register(1))[2].guard === "rcu";

/** The iterator that r1 points to may have a next element. */
export const isIterating = (state: State): boolean => iteratorAt(state, state.registers[1])[2].isActive;

/**
 * After a call for the next element, whose result is in r0: there is none on this way, there is one on the other.
 * `pointer` is the register that pointed to the iterator.
 */
export function splitAtNext(env: Env, pointer: Register): Fork | undefined {
  const [frame, slot, object] = iteratorAt(env.state, pointer);
  let fork: Fork | undefined;
  if (object.isActive) {
    const state = env.state.copy();
    setIterator(state.frames[frame.number], slot, { ...object, depth: object.depth + 1 });
    const element = state.registers[0];
    state.registers[0] = element.with({ flags: element.flags & ~Flag.MAYBE_NULL });
    fork = { slot: env.slot + 1, state };
  }
  setIterator(frame, slot, { ...object, isActive: false });
  env.setRegister(0, Register.ZERO);
  return fork;
}

function setIterator(frame: Frame, slot: number, object: IteratorObject): void {
  frame.setSlot(slot, StackSlot.holding(Byte.ITER, object));
}
