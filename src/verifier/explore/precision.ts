// Finds the numbers that a decision rests on, and marks them where they came from: a kept state whose number is
// marked is only as good as a new one whose number lies within its bounds; of the others, any number will do. Goes
// back along the steps of a way, instruction by instruction, through all states that it was kept in
// (mark_chain_precision in kernel/bpf/verifier.c).

import { Alu, Class, type Code, Opcode } from "../code.ts";
import type { Env } from "../env.ts";
import type { PrecisionNotes } from "../observe.ts";
import { EFAULT } from "../rejection.ts";
import {
  type Frame,
  frameOfPlace,
  isRegisterPlace,
  registerOfPlace,
  type State,
  type Step,
  slotOfPlace,
} from "../state.ts";

const ARGS = 0x3e;

/** Numbers that are wanted, per frame: registers as bits, stack slots by index. */
class Wanted {
  readonly registers: number[] = [0];
  readonly stack: Set<number>[] = [new Set()];
  frame: number;

  constructor(frame: number) {
    this.frame = frame;
    for (let index = 1; index <= frame; index++) this.#grow(index);
  }

  #grow(frame: number): void {
    this.registers[frame] ??= 0;
    this.stack[frame] ??= new Set();
  }

  get isEmpty(): boolean {
    for (let frame = 0; frame <= this.frame; frame++) {
      if (this.registers[frame] !== 0 || this.stack[frame].size > 0) return false;
    }
    return true;
  }

  has(register: number): boolean {
    return (this.registers[this.frame] & (1 << register)) !== 0;
  }

  add(register: number, frame = this.frame): void {
    this.registers[frame] |= 1 << register;
  }

  hasPlace(place: number): boolean {
    const frame = frameOfPlace(place);
    if (!isRegisterPlace(place)) return this.stack[frame]?.has(slotOfPlace(place)) === true;
    return (this.registers[frame] & (1 << registerOfPlace(place))) !== 0;
  }

  addPlace(place: number): void {
    const frame = frameOfPlace(place);
    if (isRegisterPlace(place)) this.add(registerOfPlace(place), frame);
    else this.stack[frame].add(slotOfPlace(place));
  }

  remove(register: number, frame = this.frame): void {
    this.registers[frame] &= ~(1 << register);
  }

  get args(): number {
    return this.registers[this.frame] & ARGS;
  }

  enter(): void {
    this.frame++;
    this.#grow(this.frame);
  }

  /** To the caller; what the function itself was asked for is no more. */
  leave(): void {
    this.registers[this.frame] = 0;
    this.stack[this.frame].clear();
    this.frame--;
  }

  clear(): void {
    for (let frame = 0; frame < this.registers.length; frame++) {
      this.registers[frame] = 0;
      this.stack[frame].clear();
    }
  }
}

/** Too little is known of the way: everything must count. */
const GIVE_UP = Symbol();

/** A step's linked registers are of one number: one wanted, all wanted. */
function joinLinked(wanted: Wanted, step: Step | undefined): void {
  const linked = step?.linked;
  if (linked === undefined) return;
  if (!linked.some((place) => wanted.hasPlace(place))) return;
  for (const place of linked) wanted.addPlace(place);
}

/** Replaces what is wanted after the instruction by what is wanted before it. */
function stepBack(
  env: Env,
  slot: number,
  later: number,
  step: Step | undefined,
  wanted: Wanted,
): undefined | typeof GIVE_UP {
  const { code } = env;
  joinLinked(wanted, step);
  const result = stepBackOver(env, code, slot, later, step, wanted);
  joinLinked(wanted, step);
  return result;
}

function stepBackOver(
  env: Env,
  code: Code,
  slot: number,
  later: number,
  step: Step | undefined,
  wanted: Wanted,
): undefined | typeof GIVE_UP {
  const opcode = code.code[slot];
  const [dst, src] = [code.dst[slot], code.src[slot]];
  const usesSource = (opcode & 8) !== 0;
  switch (opcode & 7) {
    case Class.ALU:
    case Class.ALU64: {
      const op = opcode >> 4;
      if (!wanted.has(dst) || op === Alu.END || op === Alu.NEG) return undefined;
      if (op === Alu.MOV) wanted.remove(dst);
      if (usesSource && src !== 10) wanted.add(src);
      return undefined;
    }
    case Class.LDX:
      return backOverLoad(dst, step, wanted);
    case Class.ST:
    case Class.STX:
      if (code.isLoadAcquire(slot)) return backOverLoad(dst, step, wanted);
      return backOverStore(opcode, dst, src, step, wanted);
    case Class.LD:
      // The second half of a wide instruction says nothing.
      if (opcode === 0 || !wanted.has(dst)) return undefined;
      wanted.remove(dst);
      return opcode === Opcode.LDDW ? undefined : GIVE_UP;
    default:
      return backOverJump(env, code, slot, later, wanted);
  }
}

function backOverLoad(dst: number, step: Step | undefined, wanted: Wanted): undefined {
  if (!wanted.has(dst)) return;
  wanted.remove(dst);
  // A number from elsewhere than the stack comes from nowhere that is tracked.
  if (step === undefined || step.stackAccess < 0) return;
  wanted.addPlace(step.stackAccess);
}

function backOverStore(
  opcode: number,
  dst: number,
  src: number,
  step: Step | undefined,
  wanted: Wanted,
): undefined | typeof GIVE_UP {
  // A pointer as a wanted number: it was made by subtracting pointers, say.
  if (wanted.has(dst)) return GIVE_UP;
  if (step === undefined || step.stackAccess < 0) return undefined;
  const stack = wanted.stack[frameOfPlace(step.stackAccess)];
  if (!stack?.delete(slotOfPlace(step.stackAccess))) return undefined;
  if ((opcode & 7) === Class.STX) wanted.add(src);
  return undefined;
}

function backOverJump(
  env: Env,
  code: Code,
  slot: number,
  later: number,
  wanted: Wanted,
): undefined | typeof GIVE_UP {
  const opcode = code.code[slot];
  if (opcode === Opcode.CALL) return backOverCall(env, code, slot, later, wanted);
  if (opcode === Opcode.EXIT) {
    // Backwards, an exit enters the function; only a call's r0 comes from there, a callback's goes to its helper.
    if (later >= 0 && env.flow.callsBack[later] === 1) wanted.registers[wanted.frame] &= ~ARGS;
    const isCall = later - 1 >= 0 && code.isLocalCall(later - 1);
    const wantsResult = isCall && wanted.has(0);
    wanted.remove(0);
    wanted.enter();
    if (wantsResult) wanted.add(0);
    return undefined;
  }
  if (!code.isConditional(slot) || opcode === Opcode.MAY_GOTO || (opcode & 8) === 0) return undefined;
  const [dst, src] = [code.dst[slot], code.src[slot]];
  if (!wanted.has(dst) && !wanted.has(src)) return undefined;
  wanted.add(dst);
  wanted.add(src);
  return undefined;
}

function backOverCall(
  env: Env,
  code: Code,
  slot: number,
  later: number,
  wanted: Wanted,
): undefined | typeof GIVE_UP {
  const isLocal = code.isLocalCall(slot);
  if (isLocal && later !== slot + 1) {
    // Into the function from its caller: its arguments are the caller's.
    const { args } = wanted;
    if (wanted.frame === 0) return GIVE_UP;
    wanted.leave();
    wanted.registers[wanted.frame] |= args;
    return undefined;
  }
  if (env.flow.callsBack[slot] === 1 && later !== slot + 1 && wanted.frame > 0) {
    wanted.leave();
    return undefined;
  }
  wanted.remove(0);
  wanted.registers[wanted.frame] &= ~ARGS;
  return undefined;
}

/** The step before slot `at`, and how many steps of the way are then left. */
function previous(state: State, at: number, left: number): { at: number; left: number } | undefined {
  if (at === state.firstSlot) {
    if (left === 0) return undefined;
    if (left === 1 && state.steps[0].slot === at) return undefined;
  }
  if (left > 0 && state.steps[left - 1].slot === at)
    return { at: state.steps[left - 1].previous, left: left - 1 };
  return { at: at - 1, left };
}

/**
 * Marks number `register` of the current frame wherever it came from. True when that changed a kept state. A pointer
 * in a number's place, such as bpf_loop's count, is refused as the kernel does it.
 */
export function markPrecise(env: Env, register: number): boolean {
  const wanted = new Wanted(env.state.frames.length - 1);
  if (env.registers[register].kind !== "scalar") {
    env.reject(EFAULT, "verifier bug: backtracking misuse");
  }
  wanted.add(register);
  return markBack(env, env.state, wanted, env.slot);
}

/** Marks the number in a slot of the stack. */
export function markSlotPrecise(env: Env, frame: number, index: number): boolean {
  const wanted = new Wanted(env.state.frames.length - 1);
  wanted.stack[frame].add(index);
  return markBack(env, env.state, wanted, env.slot);
}

/** Marks what was wanted of `kept` in the way of `state`, which ends at `slot`, where `kept` went on. */
export function propagatePrecision(env: Env, kept: State, state: State, slot: number): boolean {
  const wanted = new Wanted(kept.frames.length - 1);
  for (const frame of kept.frames) {
    for (let register = 0; register < 10; register++) {
      if (frame.registers[register].isPrecise && frame.registers[register].kind === "scalar") {
        wanted.add(register, frame.number);
      }
    }
    for (const [index, slot] of frame.stack.entries()) {
      if (slot.isScalarSpill && slot.register.isPrecise) wanted.stack[frame.number].add(index);
    }
  }
  if (wanted.isEmpty) return false;
  env.observer?.precision?.propagates(wanted);
  return markBack(env, state, wanted, slot);
}

function markBack(env: Env, start: State, wanted: Wanted, slot: number): boolean {
  const notes = env.observer?.precision;
  let changed = false;
  let last = slot;
  let later = -1;
  let isFirst = true;
  let state: State = start;
  for (;;) {
    let left = state.steps.length;
    notes?.begins(wanted, last, state.firstSlot, later);
    if (last < 0) {
      markEntry(state, wanted);
      return changed;
    }
    for (let at = last; ; ) {
      const step = left > 0 && state.steps[left - 1].slot === at ? state.steps[left - 1] : undefined;
      if (!isFirst) notes?.goesBack(wanted, at);
      if (!isFirst && stepBack(env, at, later, step, wanted) === GIVE_UP) {
        return markEverything(start) || changed;
      }
      isFirst = false;
      if (wanted.isEmpty) return changed;
      later = at;
      const before = previous(state, at, left);
      if (before === undefined) break;
      ({ at, left } = before);
      if (at < 0) break;
    }
    const { parent } = state;
    if (parent === undefined) break;
    if (markIn(parent, wanted, notes)) changed = true;
    if (wanted.isEmpty) return changed;
    later = state.firstSlot;
    last = parent.lastSlot;
    state = parent;
  }
  if (!wanted.isEmpty) changed = markEverything(start) || changed;
  return changed;
}

/** Arguments of a function that is verified by itself come from nowhere. */
function markEntry(state: State, wanted: Wanted): void {
  const frame = state.frames[0];
  for (let register = 1; register <= 5; register++) {
    if (wanted.has(register)) frame.registers[register] = frame.registers[register].precise(true);
  }
  wanted.clear();
}

/** Marks what is wanted in a kept state; what was marked before, or is no number, is wanted no more. */
function markIn(state: State, wanted: Wanted, notes: PrecisionNotes | undefined): boolean {
  let changed = false;
  for (let number = wanted.frame; number >= 0; number--) {
    const frame = state.frames[number];
    if (frame === undefined) {
      wanted.registers[number] = 0;
      wanted.stack[number].clear();
      continue;
    }
    for (let register = 0; register < 10; register++) {
      if ((wanted.registers[number] & (1 << register)) === 0) continue;
      const held = frame.registers[register];
      if (held.kind !== "scalar" || held.isPrecise) wanted.remove(register, number);
      else {
        frame.registers[register] = held.precise(true);
        changed = true;
      }
    }
    for (const index of [...wanted.stack[number]]) {
      const slot = frame.slot(index);
      if (!slot.isScalarSpill || slot.register.isPrecise) wanted.stack[number].delete(index);
      else {
        frame.stack[index] = slot.withRegister(slot.register.precise(true));
        changed = true;
      }
    }
    notes?.marks(state, number, wanted);
  }
  return changed;
}

/** All numbers of all states on the way here count from now on. True when some did not before. */
export function markEverything(start: State): boolean {
  let changed = false;
  for (let state = start.parent; state !== undefined; state = state.parent) {
    for (const frame of state.frames) if (markFrame(frame, true)) changed = true;
  }
  return changed;
}

function markFrame(frame: Frame, isPrecise: boolean): boolean {
  const { registers, stack } = frame;
  let changed = false;
  for (let index = 0; index < 10; index++) {
    const marked = registers[index].precise(isPrecise);
    if (marked === registers[index]) continue;
    registers[index] = marked;
    changed = true;
  }
  for (let index = 0; index < stack.length; index++) {
    const slot = stack[index];
    if (!slot.isScalarSpill || slot.register.isPrecise === isPrecise) continue;
    stack[index] = slot.withRegister(slot.register.precise(isPrecise));
    changed = true;
  }
  return changed;
}

/** Nothing that the state's numbers decide from here on is known yet. */
export function forgetPrecision(state: State): void {
  for (const frame of state.frames) markFrame(frame, false);
}
