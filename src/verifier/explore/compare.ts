// Whether a state may be dropped because a kept one covers it: all that is live in the kept one is at least as wide
// as in the other (states_equal, regsafe and stacksafe in kernel/bpf/verifier.c).

import type { Env } from "../env.ts";
import { offsetOf } from "../insns/stack-access.ts";
import type { StackObject } from "../objects/stack-object.ts";
import { Register } from "../register.ts";
import { Byte, type Frame, type Reference, StackSlot, type State } from "../state.ts";

/** How alike states must be. */
type Likeness =
  /** What was not marked precise may differ. */
  | "covers"
  /** Every number must lie within the kept one's bounds, and the stack hold the same kinds of bytes. */
  | "within"
  /** Nothing may differ: a loop that changes nothing never ends. */
  | "exact";

/** Which id of the one state stands for which of the other. */
class IdMap {
  /** Numbers must be the same, not only inside of the kept ones. */
  readonly isStrict: boolean;
  readonly #forward = new Map<number, number>();
  readonly #backward = new Map<number, number>();
  #fresh = -1;

  constructor(isStrict: boolean) {
    this.isStrict = isStrict;
  }

  matches(old: number, current: number): boolean {
    if ((old === 0) !== (current === 0)) return false;
    if (old === 0) return true;
    const known = this.#forward.get(old);
    if (known !== undefined) return known === current;
    if (this.#backward.has(current)) return false;
    this.#forward.set(old, current);
    this.#backward.set(current, old);
    return true;
  }

  /** Numbers without an id are numbers of their own. */
  matchesNumbers(old: number, current: number): boolean {
    return this.matches(old === 0 ? this.#fresh-- : old, current === 0 ? this.#fresh-- : current);
  }
}

export function covers(env: Env, old: State, current: State, likeness: Likeness): boolean {
  if (old.frames.length !== current.frames.length) return false;
  const ids = new IdMap(env.comparesNumbersExactly);
  if (!sameReferences(old.references, current.references, ids)) return false;
  if (old.isUnderRcu !== current.isUnderRcu || old.preemptDepth !== current.preemptDepth) return false;
  if (!ids.matches(old.irqId, current.irqId) || old.isSleepable !== current.isSleepable) return false;
  for (const [number, frame] of old.frames.entries()) {
    const other = current.frames[number];
    if (frame.callSite !== other.callSite || frame.callback?.helper !== other.callback?.helper) return false;
    const slot = old.frames[number + 1]?.callSite ?? old.slot;
    if (!coversFrame(env, frame, other, env.flow.liveRegisters[slot], ids, likeness)) return false;
  }
  if (env.allowsLeaks) noteUnwritten(env, old, current);
  return true;
}

/** Bytes that are written on the kept state's way, and may be read behind it, but not on the way of the other. */
function noteUnwritten(env: Env, old: State, current: State): void {
  for (const [number, { stack }] of old.frames.entries()) {
    const frame = current.frames[number];
    for (let index = 0; index < stack.length; index++) {
      if (stack[index].bytes !== 0 && frame.slot(index).isPartlyInvalid) {
        env.noteUnwritten(frame, offsetOf(index));
      }
    }
  }
}

function sameReferences(old: readonly Reference[], current: readonly Reference[], ids: IdMap): boolean {
  if (old.length !== current.length) return false;
  return old.every((reference, index) => {
    const other = current[index];
    return (
      reference.kind === other.kind &&
      reference.owner === other.owner &&
      reference.lock === other.lock &&
      ids.matches(reference.id, other.id)
    );
  });
}

function coversFrame(
  env: Env,
  old: Frame,
  current: Frame,
  live: number,
  ids: IdMap,
  likeness: Likeness,
): boolean {
  if (old.callbackDepth > current.callbackDepth) return false;
  for (let index = 0; index < 11; index++) {
    if ((live & (1 << index)) === 0) continue;
    if (!coversRegister(old.registers[index], current.registers[index], ids, likeness)) return false;
  }
  return coversStack(env, old, current, ids, likeness);
}

function sameFixed(old: Register, current: Register): boolean {
  return (
    old.flags === current.flags &&
    old.off === current.off &&
    old.map === current.map &&
    old.mapUid === current.mapUid &&
    old.memSize === current.memSize &&
    old.dynptrId === current.dynptrId &&
    old.struct === current.struct &&
    old.btf === current.btf &&
    old.typeId === current.typeId &&
    old.subprogram === current.subprogram &&
    old.frame === current.frame
  );
}

function sameExactly(old: Register, current: Register, ids: IdMap): boolean {
  return (
    old.kind === current.kind &&
    sameFixed(old, current) &&
    old.range === current.range &&
    old.delta === current.delta &&
    old.scalar.equals(current.scalar) &&
    ids.matches(old.id, current.id) &&
    ids.matches(old.refId, current.refId)
  );
}

function coversRegister(old: Register, current: Register, ids: IdMap, likeness: Likeness): boolean {
  if (likeness === "exact") return sameExactly(old, current, ids);
  if (old.kind === "none") return true;
  if (old.kind !== current.kind) return false;
  switch (old.kind) {
    case "scalar":
      if (ids.isStrict) {
        return old.scalar.equals(current.scalar) && ids.matchesNumbers(old.id, current.id);
      }
      if (!old.isPrecise && likeness === "covers") return true;
      if (old.delta !== current.delta || (old.delta !== 0 && old.off !== current.off)) return false;
      return current.scalar.isWithin(old.scalar) && ids.matchesNumbers(old.id, current.id);
    case "map_key":
    case "map_value":
    case "mem":
    case "buf":
    case "tp_buffer":
      return (
        sameFixed(old, current) &&
        current.scalar.isWithin(old.scalar) &&
        ids.matches(old.id, current.id) &&
        ids.matches(old.refId, current.refId)
      );
    case "pkt":
    case "pkt_meta":
      if (old.range < 0 || current.range < 0 ? old.range !== current.range : old.range > current.range) {
        return false;
      }
      return (
        old.off === current.off && ids.matches(old.id, current.id) && current.scalar.isWithin(old.scalar)
      );
    default:
      return sameExactly(old, current, ids);
  }
}

/** What a load of the whole slot gives, where that is a number. */
function numberOf(env: Env, slot: StackSlot): Register | undefined {
  if (slot.isWholeScalar && slot.isSpill && slot.bytes === 0x11111111) return slot.register;
  for (let index = 0; index < 8; index++) {
    const byte = slot.byte(index);
    if (byte !== Byte.MISC && !(byte === Byte.INVALID && env.allowsLeaks)) return undefined;
  }
  return Register.UNKNOWN;
}

function coversStack(env: Env, old: Frame, current: Frame, ids: IdMap, likeness: Likeness): boolean {
  for (let index = 0; index < old.stack.length; index++) {
    const slot = old.stack[index];
    const other = current.stack[index];
    if (likeness !== "covers" && (other === undefined || other.bytes !== slot.bytes)) return false;
    if (slot.bytes === 0) continue;
    if (!coversSlot(env, slot, other, ids, likeness)) return false;
  }
  return true;
}

function coversSlot(
  env: Env,
  old: StackSlot,
  current: StackSlot | undefined,
  ids: IdMap,
  likeness: Likeness,
): boolean {
  if (old.isAll === Byte.MISC && env.allowsLeaks) return true;
  if (current === undefined) {
    for (let index = 0; index < 8; index++) {
      const byte = old.byte(index);
      if (byte !== Byte.INVALID && !(byte === Byte.MISC && env.allowsLeaks)) return false;
    }
    return true;
  }
  const [number, other] = [numberOf(env, old), numberOf(env, current)];
  if (number !== undefined && other !== undefined) return coversRegister(number, other, ids, likeness);
  for (let index = 0; index < 8; index++) {
    const byte = old.byte(index);
    const there = current.byte(index);
    if (byte === Byte.INVALID || (byte === Byte.MISC && env.allowsLeaks)) continue;
    if (byte === Byte.MISC && there === Byte.ZERO) continue;
    if (byte !== there) return false;
  }
  if (old.isSpill) return coversRegister(old.register, current.register, ids, likeness);
  return old.object === undefined || sameObject(old.object, current.object, ids);
}

/** How deep iterators are is not compared: they come to an end by themselves. */
function sameObject(old: StackObject, current: StackObject | undefined, ids: IdMap): boolean {
  if (current === undefined || !ids.matches(old.refId, current.refId)) return false;
  switch (old.kind) {
    case "dynptr":
      return current.kind === "dynptr" && old.type === current.type && old.isFirst === current.isFirst;
    case "iter":
      return current.kind === "iter" && old.struct === current.struct && old.isActive === current.isActive;
    case "irq_flag":
      return current.kind === "irq_flag" && old.savedBy === current.savedBy;
  }
}

/** True when some iterator has gone on since: a state that is otherwise the same is no endless loop. */
export function hasIterated(old: State, current: State): boolean {
  return old.frames.some(({ stack }, number) =>
    stack.some(({ object }, index) => {
      if (object?.kind !== "iter" || !object.isActive) return false;
      const now = current.frames[number].slot(index).object;
      return now?.kind === "iter" && now.depth !== object.depth;
    }),
  );
}

/**
 * Forgets numbers that differ from those of `old`, a state one round of a loop earlier, unless something rests on
 * them: a loop that only counts must not be followed round by round (widen_imprecise_scalars).
 */
export function widen(env: Env, old: State, current: State): void {
  const ids = new IdMap(env.comparesNumbersExactly);
  const wider = (before: Register, now: Register): Register => {
    if (before.kind !== "scalar" || now.kind !== "scalar" || before.isPrecise || now.isPrecise) return now;
    return sameExactly(before, now, ids) ? now : Register.UNKNOWN;
  };
  for (const { number, registers, stack } of old.frames.toReversed()) {
    const frame = current.frames[number];
    for (let index = 0; index < 11; index++) {
      frame.registers[index] = wider(registers[index], frame.registers[index]);
    }
    const depth = Math.min(stack.length, frame.stack.length);
    for (let index = 0; index < depth; index++) {
      const [before, now] = [stack[index], frame.stack[index]];
      if (before.isSpill && now.isSpill) {
        frame.stack[index] = now.withRegister(wider(before.register, now.register));
      }
    }
  }
}

/** True when not even a register that nobody reads has changed: cheaper than comparing states, and asked first. */
export function mayLoop(old: State, current: State): boolean {
  if (old.frames.length !== current.frames.length) return false;
  return old.registers.every((register, index) => {
    const other = current.registers[index];
    return (
      register === other ||
      (register.kind === other.kind &&
        sameFixed(register, other) &&
        register.range === other.range &&
        register.delta === other.delta &&
        register.id === other.id &&
        register.refId === other.refId &&
        register.scalar.equals(other.scalar))
    );
  });
}

/** Forgets what is not read any more behind a kept state, so that it covers more. */
export function clean(env: Env, state: State): void {
  state.isCleaned = true;
  for (const frame of state.frames) {
    const slot = state.frames[frame.number + 1]?.callSite ?? state.slot;
    const live = env.flow.liveRegisters[slot];
    for (let index = 0; index < 10; index++) {
      if ((live & (1 << index)) === 0) frame.registers[index] = Register.NONE;
    }
    for (let index = 0; index < frame.stack.length; index++) {
      if (!env.stackLiveness.isLive(state, state.slot, frame.number, index)) {
        frame.stack[index] = StackSlot.INVALID;
      }
    }
  }
}
