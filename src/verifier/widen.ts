// Loops that end by themselves, whatever the program does in them: iterators and callbacks. A number that differs from
// one round to the next without having mattered is forgotten, so that the rounds become alike (widen_imprecise_scalars
// in kernel/bpf/verifier.c).

import { Register } from "./register.ts";
import type { State } from "./state.ts";

/** The state that was kept at the round before this one, at the same place of the same calls. */
export function previousRound(current: State, slot: number): State | undefined {
  for (let state = current.parent?.parent; state !== undefined; state = state.parent) {
    if (state.slot === slot && state.branches > 0 && isSamePlace(state, current)) return state;
  }
  return undefined;
}

function isSamePlace({ frames }: State, current: State): boolean {
  return (
    frames.length === current.frames.length &&
    frames.every(({ callSite }, index) => callSite === current.frames[index].callSite)
  );
}

/** Forgets numbers that are not those of the round before. */
export function widenNumbers(before: State, current: State): void {
  for (const [number, frame] of before.frames.entries()) {
    const now = current.frames[number];
    for (let index = 0; index < 11; index++) {
      now.registers[index] = widened(frame.registers[index], now.registers[index]);
    }
    const depth = Math.min(frame.stack.length, now.stack.length);
    for (let index = 0; index < depth; index++) {
      const [old, slot] = [frame.stack[index], now.stack[index]];
      if (old.isSpill && slot.isSpill) {
        now.stack[index] = slot.withRegister(widened(old.register, slot.register));
      }
    }
  }
}

function widened(old: Register, current: Register): Register {
  if (old.kind !== "scalar" || current.kind !== "scalar" || old.isPrecise || current.isPrecise) {
    return current;
  }
  const isSame =
    old.scalar.equals(current.scalar) &&
    old.hasDelta === current.hasDelta &&
    old.off === current.off &&
    (old.id === 0) === (current.id === 0);
  return isSame ? current : Register.UNKNOWN;
}
