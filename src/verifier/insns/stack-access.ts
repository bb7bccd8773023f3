// Loads and stores of the stack: which bytes a run may read, what a stored register becomes, and what of it comes
// back (check_stack_read and check_stack_write in kernel/bpf/verifier.c).

import { type Env, MAX_STACK, MAX_VAR_OFF } from "../env.ts";
import { markPrecise } from "../explore/precision.ts";
import { overwriteDynptr } from "../objects/dynptr.ts";
import { Register } from "../register.ts";
import { EACCES, EFAULT, EINVAL } from "../rejection.ts";
import { Byte, type Frame, StackSlot, slotPlace } from "../state.ts";

/** The stack slot that holds byte `off` (negative, from the frame's end), and which of its bytes that is. */
export const slotOf = (off: number): number => (-off - 1) >> 3;
export const byteOf = (off: number): number => off & 7;

/** Where a stack slot begins. */
export const offsetOf = (slot: number): number => -8 * (slot + 1);

/** The frame that a stack pointer points into. */
export const frameOf = (env: Env, pointer: Register): Frame => env.state.frames[pointer.frame];

/** Notes that this instruction touched a slot as a whole, so that precision can follow a number through it. */
function noteStackAccess(env: Env, frame: Frame, slot: number): void {
  pushStep(env).stackAccess = slotPlace(frame.number, slot);
}

/** The step of this instruction, made when it has none yet. */
export function pushStep(env: Env): NonNullable<Env["step"]> {
  if (env.step === undefined) {
    env.step = { slot: env.slot, previous: env.previousSlot, stackAccess: -1, linked: undefined };
    env.state.steps.push(env.step);
  }
  return env.step;
}

/** All of [off, off + size) lies in the frame. `off` is without the pointer's variable part, with its fixed one. */
export function checkStackBounds(
  env: Env,
  number: number,
  off: number,
  size: number,
  isWrite: boolean,
): void {
  const pointer = env.register(number);
  const { scalar } = pointer;
  const extra = isWrite ? " write to" : " read from";
  let [low, high] = [0, 0];
  if (scalar.isConstant) {
    low = Number(scalar.signedValue) + off;
    high = low + size;
  } else {
    if (scalar.smax >= BigInt(MAX_VAR_OFF) || scalar.smin <= BigInt(-MAX_VAR_OFF)) {
      env.reject(EACCES, `invalid unbounded variable-offset${extra} stack R${number}`);
    }
    low = Number(scalar.smin) + off;
    high = Number(scalar.smax) + off + size;
  }
  const lowest = isWrite || env.allowsLeaks ? -MAX_STACK : -allocated(frameOf(env, pointer));
  const errno = low < lowest || low > -1 ? EACCES : high > 0 ? EINVAL : size < 0 ? EFAULT : 0;
  if (errno !== 0) {
    env.reject(
      errno,
      scalar.isConstant
        ? `invalid${extra} stack R${number} off=${low} size=${size}`
        : `invalid variable-offset${extra} stack R${number} var_off=${scalar.tnum} off=${off} size=${size}`,
    );
  }
  growStack(env, frameOf(env, pointer), -low);
}

const allocated = (frame: Frame): number => frame.stack.length * 8;

/** The function's frame is at least that deep. */
function growStack(env: Env, frame: Frame, bytes: number): void {
  const slots = (bytes + 7) >> 3;
  while (frame.stack.length < slots) frame.stack.push(StackSlot.INVALID);
  const depth = env.stackDepth;
  if (depth[frame.subprogram] < bytes) depth[frame.subprogram] = bytes;
}

/** How many of a number's bits may be set. */
function widthOf(register: Register): number {
  return register.scalar.umax.toString(2).length;
}

const isNarrow = (register: Register, bytes: number): boolean =>
  bytes === 8 || register.scalar.umax < 1n << BigInt(bytes * 8);

/** A number that goes to two places gets an id, so that what is learnt of one is known of the other. */
export function withScalarId(env: Env, register: Register): Register {
  if (register.kind !== "scalar" || register.scalar.isConstant) return register;
  // What differs by a constant from others of its id starts an id of its own.
  if (register.id !== 0 && register.delta === 0) return register;
  return register.with({ id: env.takeId(), delta: 0, off: 0 });
}

/** A load; `dst` is -1 where only the right to read is asked for. */
export function readStack(env: Env, number: number, off: number, size: number, dst: number): void {
  const pointer = env.register(number);
  const frame = frameOf(env, pointer);
  const { scalar } = pointer;
  if (scalar.isConstant) {
    readFixed(env, frame, off + Number(scalar.signedValue), size, dst);
    return;
  }
  if (dst < 0) {
    env.reject(
      EACCES,
      `variable offset stack pointer cannot be passed into helper function; var_off=${scalar.tnum} off=${off} size=${size}`,
    );
  }
  checkVariableOffset(env, number, off);
  checkInitialized(env, number, off, size, false, false);
  const [low, high] = [Number(scalar.smin) + off, Number(scalar.smax) + off];
  setReadResult(env, frame, low, high + size, dst);
}

function checkVariableOffset(env: Env, number: number, off: number): void {
  if (env.allowsLeaks) return;
  const { tnum } = env.register(number).scalar;
  env.reject(
    EACCES,
    `R${number} variable offset stack access prohibited for !root, var_off=${tnum} off=${off}`,
  );
}

function readFixed(env: Env, frame: Frame, off: number, size: number, dst: number): void {
  const index = slotOf(off);
  const slot = frame.slot(index);
  env.stackLiveness.markRead(frame.number, index);
  if (!slot.isSpill) {
    checkReadable(env, frame, slot, off, size);
    if (dst >= 0) setReadResult(env, frame, off, off + size, dst);
    return;
  }
  if (size === 8 && slot.isWholeSpill) {
    if (dst >= 0) {
      const register = withScalarId(env, slot.register);
      frame.stack[index] = slot.withRegister(register);
      env.setRegister(dst, register);
    } else if (!env.allowsLeaks && slot.register.isPointer) {
      env.reject(EACCES, `leaking pointer from stack off ${off}`);
    }
    noteStackAccess(env, frame, index);
    return;
  }
  if (slot.register.kind !== "scalar") env.reject(EACCES, "invalid size of register fill");
  if (dst < 0) return;
  readPart(env, frame, index, off, size, dst);
}

/** A load of part of a stored number, or of more than was stored of it. */
function readPart(env: Env, frame: Frame, index: number, off: number, size: number, dst: number): void {
  const slot = frame.slot(index);
  let spillSize = 1;
  while (spillSize < 8 && slot.byte(spillSize) === Byte.SPILL) spillSize++;
  if (size <= spillSize && byteOf(off) === 0) {
    let { register } = slot;
    if (size === 4 && spillSize === 4 && isNarrow(register, 4)) {
      register = withScalarId(env, register);
      frame.stack[index] = slot.withRegister(register);
    }
    env.setRegister(dst, widthOf(register) > size * 8 ? register.withoutId() : register);
    noteStackAccess(env, frame, index);
    return;
  }
  const counts = checkReadable(env, frame, slot, off, size);
  if (counts.spilled === size && slot.register.isNull) {
    env.setRegister(dst, Register.ZERO);
    noteStackAccess(env, frame, index);
  } else env.setRegister(dst, counts.zero === size ? Register.ZERO : Register.UNKNOWN);
}

function checkReadable(
  env: Env,
  frame: Frame,
  slot: StackSlot,
  off: number,
  size: number,
): { spilled: number; zero: number } {
  const counts = { spilled: 0, zero: 0 };
  for (let index = 0; index < size; index++) {
    const byte = slot.byte(byteOf(off) + index);
    if (byte === Byte.SPILL) counts.spilled++;
    else if (byte === Byte.ZERO) counts.zero++;
    else if (byte === Byte.INVALID && env.allowsLeaks) env.noteUnwritten(frame, off);
    else if (byte !== Byte.MISC) {
      env.reject(EACCES, `invalid read from stack off ${off}+${index} size ${size}`);
    }
  }
  return counts;
}

/** Zero where all the bytes are, else anything. */
function setReadResult(env: Env, frame: Frame, low: number, high: number, dst: number): void {
  let isZero = true;
  for (let off = low; off < high; off++) {
    env.stackLiveness.markRead(frame.number, slotOf(off));
    if (frame.slot(slotOf(off)).byte(byteOf(off)) !== Byte.ZERO) isZero = false;
  }
  env.setRegister(dst, isZero ? Register.ZERO : Register.UNKNOWN);
}

/** What a store writes: a register, or a constant of the instruction. */
export interface Stored {
  /** The register; -1 for something that is not known. */
  readonly number: number;
  readonly imm: number | undefined;
}

export const UNKNOWN_VALUE: Stored = { number: -1, imm: undefined };

export function writeStack(env: Env, pointerNumber: number, off: number, size: number, stored: Stored): void {
  const pointer = env.register(pointerNumber);
  const frame = frameOf(env, pointer);
  const { scalar } = pointer;
  if (scalar.isConstant) writeFixed(env, frame, off + Number(scalar.signedValue), size, stored);
  else {
    checkVariableOffset(env, pointerNumber, off);
    writeVariable(env, frame, Number(scalar.smin) + off, Number(scalar.smax) + off + size, stored);
  }
}

/** A register as it lies in a slot: its lower bytes, and what the others were. */
function save(old: StackSlot, register: Register, size: number): StackSlot {
  if (size === 8) return StackSlot.spilled(register);
  let bytes = 0;
  for (let index = 0; index < 8; index++) {
    let byte: Byte = Byte.SPILL;
    if (index >= size) {
      byte = old.byte(index);
      if (byte !== Byte.ZERO && byte !== Byte.INVALID) byte = Byte.MISC;
    }
    bytes |= byte << (index * 4);
  }
  return new StackSlot(bytes, register);
}

function writeFixed(env: Env, frame: Frame, off: number, size: number, stored: Stored): void {
  const index = slotOf(off);
  let slot = frame.slot(index);
  const { number, imm } = stored;
  let register = number >= 0 ? env.register(number) : undefined;
  checkCorruption(env, slot, size);
  overwriteDynptr(env, frame, index);
  slot = frame.slot(index);
  if (size === 8 && byteOf(off) === 0) env.stackLiveness.markWritten(frame.number, index);
  if (register?.kind === "scalar" && byteOf(off) === 0) {
    const fits = isNarrow(register, size);
    if (fits) {
      register = withScalarId(env, register);
      env.setRegister(number, register);
    }
    frame.setSlot(index, save(slot, fits ? register : register.withoutId(), size));
    noteStackAccess(env, frame, index);
  } else if (register === undefined && imm !== undefined && byteOf(off) === 0) {
    frame.setSlot(index, save(slot, Register.immediate(imm), size));
    noteStackAccess(env, frame, index);
  } else if (register !== undefined && register.kind !== "scalar") {
    if (size !== 8) env.reject(EACCES, "invalid size of register spill");
    if (frame !== env.frame && register.kind === "fp") {
      env.reject(EINVAL, "cannot spill pointers to stack into stack frame of the caller");
    }
    frame.setSlot(index, StackSlot.spilled(register));
    noteStackAccess(env, frame, index);
  } else writeBytes(env, frame, off, size, stored);
}

/** Part of a pointer must not be written over, or what is left of it could be read as a number. */
function checkCorruption(env: Env, slot: StackSlot, size: number): void {
  if (env.allowsLeaks || size === 8 || !slot.isSpill || slot.register.kind === "scalar") return;
  env.reject(EACCES, "attempt to corrupt spilled pointer on stack");
}

/** Bytes that are no whole register: zero, or anything. */
function writeBytes(env: Env, frame: Frame, off: number, size: number, { number, imm }: Stored): void {
  const index = slotOf(off);
  let slot = scrubbed(frame.slot(index));
  let byte: Byte = Byte.MISC;
  if (number >= 0 ? env.register(number).isNull : imm === 0) {
    byte = Byte.ZERO;
    if (number >= 0) markPrecise(env, number);
  }
  for (let at = 0; at < size; at++) slot = slot.withByte(byteOf(off) + at, byte);
  frame.setSlot(index, slot);
}

const isObject = (byte: Byte): boolean => byte === Byte.SPILL || byte === Byte.ITER || byte === Byte.IRQ_FLAG;

/** A slot that no longer holds a register or an object: all its bytes may be anything, zeros beside it too. */
function scrubbed(slot: StackSlot, keepsZeros = false): StackSlot {
  let bytes = slot.bytes;
  const isScrubbed = (byte: Byte): boolean =>
    isObject(byte) || (byte === Byte.ZERO && !keepsZeros && isObject(slot.byte(0)));
  for (let index = 0; index < 8; index++) {
    if (isScrubbed(slot.byte(index))) bytes = (bytes & ~(15 << (index * 4))) | (Byte.MISC << (index * 4));
  }
  return new StackSlot(bytes, Register.NONE);
}

function writeVariable(env: Env, frame: Frame, low: number, high: number, { number, imm }: Stored): void {
  const isZero = number >= 0 ? env.register(number).isNull : imm === 0;
  let keepsZero = false;
  for (let off = low; off < high; off++) overwriteDynptr(env, frame, slotOf(off));
  for (let off = low; off < high; off++) {
    const index = slotOf(off);
    const slot = frame.slot(index);
    const byte = slot.byte(byteOf(off));
    if (!env.allowsLeaks && byte !== Byte.MISC && byte !== Byte.ZERO) {
      env.reject(EINVAL, `spilled ptr in range of var-offset stack write; insn ${env.slot}, ptr off: ${off}`);
    }
    // From here on it counts as written, though only some of the bytes are.
    if (byte === Byte.INVALID) env.noteUnwritten(frame, off);
    if (isZero && byte === Byte.SPILL && slot.isScalarSpill && slot.register.isNull) {
      keepsZero = true;
      continue;
    }
    const isStillZero = isZero && byte === Byte.ZERO;
    if (isStillZero) keepsZero = true;
    frame.setSlot(index, scrubbed(slot, true).withByte(byteOf(off), isStillZero ? Byte.ZERO : Byte.MISC));
  }
  if (keepsZero && number >= 0) markPrecise(env, number);
}

/**
 * The bytes that a helper reads, or fills, are there. `isRaw`: the helper fills them, whatever they were.
 * `clobbers`: what it fills is unknown afterwards.
 */
export function checkInitialized(
  env: Env,
  number: number,
  off: number,
  size: number,
  isRaw: boolean,
  clobbers: boolean,
): void {
  const pointer = env.register(number);
  const frame = frameOf(env, pointer);
  const { scalar } = pointer;
  if (size === 0) env.reject(EACCES, "invalid zero-sized read");
  let [low, high] = [off, off];
  if (scalar.isConstant) low = high = off + Number(scalar.signedValue);
  else {
    checkVariableOffset(env, number, off);
    low = Number(scalar.smin) + off;
    high = Number(scalar.smax) + off;
  }
  if (isRaw && low === high) {
    for (let at = low; at < high + size; at++) {
      const isDynptr = frame.slot(slotOf(at)).byte(byteOf(at)) === Byte.DYNPTR;
      if (isDynptr) env.reject(EACCES, `potential write to dynptr at off=${at} disallowed`);
    }
    // What a helper fills needs no value, but no register there survives.
    for (let at = low; at < high + size; at++) {
      checkCorruption(env, frame.slot(slotOf(at)), 1);
      frame.setSlot(slotOf(at), scrubbed(frame.slot(slotOf(at))).withByte(byteOf(at), Byte.MISC));
    }
    return;
  }
  for (let at = low; at < high + size; at++) {
    const slot = frame.slot(slotOf(at));
    const byte = slot.byte(byteOf(at));
    const isPlain =
      byte === Byte.MISC ||
      byte === Byte.ZERO ||
      (byte === Byte.INVALID && env.allowsLeaks) ||
      (byte === Byte.SPILL && (slot.register.kind === "scalar" || env.allowsLeaks));
    if (!isPlain) {
      env.reject(
        EACCES,
        low === high
          ? `invalid read from stack R${number} off ${low}+${at - low} size ${size}`
          : `invalid read from stack R${number} var_off ${scalar.tnum}+${at - low} size ${size}`,
      );
    }
    if (byte === Byte.INVALID) env.noteUnwritten(frame, at);
    if (clobbers) {
      frame.setSlot(slotOf(at), scrubbed(slot).withByte(byteOf(at), Byte.MISC));
    }
    env.stackLiveness.markRead(frame.number, slotOf(at));
  }
}
