// Compiled by asc into the core and by tsc for engines without Wasm: i32 arithmetic over `Mem` only.
// Where a run starts and what a local call saves: registers, stack, packet and the window of checked access,
// the same for both interpreters.

import {
  EVENT,
  EVENTS_END,
  EVENT_CONTEXT,
  EVENT_CONTEXT_SIZE,
  EVENT_PROGRAM,
  EVENT_RESULT,
  EVENT_SIZE,
  FLAG_CHECKED,
  FLAG_RAW,
  FLAG_ZERO_STACK,
  FRAME,
  FRAMES,
  FRAME_MAY_GOTO,
  FRAME_REGS,
  FRAME_RETURN,
  FRAME_SIZE,
  FRAME_STACK,
  MAX_FRAMES,
  MAY_GOTO_LIMIT,
  PACKET_END,
  PACKET_START,
  PROGRAM,
  PROGRAM_FLAGS,
  PROGRAM_REGIONS,
  READ_WINDOW_LOW,
  REGION_END,
  REGION_START,
  REG_R0,
  REG_R1,
  REG_R10,
  REG_R2,
  REG_R6,
  STACK_BASE,
  STACK_LOW,
  STACK_TOP,
  WRITE_WINDOW_LOW,
} from "../shared/layout.ts";

/** Where the innermost frame that a chain of calls may have is saved. */
const LAST_FRAME = FRAMES + (MAX_FRAMES - 1) * FRAME_SIZE;
/** r6..r9 and r10: what a local call must find again. */
const SAVED_BYTES = 40;

/** What all events of a crossing start from: where they end, and the frame pointer at the top of this run's stack. */
export function beginEvents(m: Mem, end: i32): void {
  const top = m.load32(STACK_BASE);
  m.store32(EVENTS_END, end);
  m.store32(FRAME, FRAMES);
  m.store64(REG_R10, top, 0);
  m.store32(STACK_TOP, top);
  m.store32(STACK_LOW, top - FRAME_STACK);
}

// The next four are small on purpose: the optimiser inlines them into the loop, where a call would cost more
// than all they do.

/** The context of `event` into r1. */
export function enterContext(m: Mem, event: i32): void {
  m.store32(EVENT, event);
  m.store64(REG_R1, m.load32(event + EVENT_CONTEXT), 0);
  m.store32(FRAMES + FRAME_MAY_GOTO, 0);
}

/** For raw programs: the context's length into r2, and the context as the packet. */
export function enterRaw(m: Mem, event: i32): void {
  const context = m.load32(event + EVENT_CONTEXT);
  const size = m.load32(event + EVENT_CONTEXT_SIZE);
  m.store64(REG_R2, size, 0);
  m.store32(PACKET_START, context);
  m.store32(PACKET_END, context + size);
}

/** Stores the result of the event that just ended; gives the next one. */
export function finishEvent(m: Mem): i32 {
  const event = m.load32(EVENT);
  m.store64(event + EVENT_RESULT, m.load32(REG_R0), m.load32(REG_R0 + 4));
  return event + EVENT_SIZE;
}

/** True when there is an event at `event` and it is for the program that is running. */
export function isNext(m: Mem, event: i32): bool {
  return event !== m.load32(EVENTS_END) && m.load32(event + EVENT_PROGRAM) === m.load32(PROGRAM);
}

/** Sets registers and stack up for the event at `event`, PROGRAM being its program; gives the program's flags. */
export function enterEvent(m: Mem, event: i32): i32 {
  const flags = m.load32(m.load32(PROGRAM) + PROGRAM_FLAGS);
  enterContext(m, event);
  if ((flags & FLAG_CHECKED) !== 0) enterChecked(m, event);
  if ((flags & FLAG_RAW) !== 0) enterRaw(m, event);
  return flags;
}

/** Registers that the program did not get are zeros, as is its stack; its context becomes its first region. */
export function enterChecked(m: Mem, event: i32): void {
  const program = m.load32(PROGRAM);
  const context = m.load32(event + EVENT_CONTEXT);
  const regions = m.load32(program + PROGRAM_REGIONS);
  if ((m.load32(program + PROGRAM_FLAGS) & FLAG_ZERO_STACK) !== 0) m.fill(m.load32(STACK_LOW), 0, FRAME_STACK);
  m.store64(REG_R0, 0, 0);
  m.fill(REG_R2, 0, REG_R10 - REG_R2);
  m.store64(READ_WINDOW_LOW, 0, 0);
  m.store64(WRITE_WINDOW_LOW, 0, 0);
  m.store32(regions + REGION_START, context);
  m.store32(regions + REGION_END, context + m.load32(event + EVENT_CONTEXT_SIZE));
}

/**
 * Opens the frame of a local call: `returnTo` and the caller's registers are saved, r10 is the new frame's top. False
 * when there are as many frames as a chain of calls may have.
 */
export function pushFrame(m: Mem, returnTo: i32): bool {
  const frame = m.load32(FRAME);
  if (frame === LAST_FRAME) return false;
  m.store32(frame + FRAME_RETURN, returnTo);
  m.copy(frame + FRAME_REGS, REG_R6, SAVED_BYTES);
  m.store32(frame + FRAME_SIZE + FRAME_MAY_GOTO, 0);
  m.store32(FRAME, frame + FRAME_SIZE);
  const top = m.load32(REG_R10) - FRAME_STACK;
  m.store64(REG_R10, top, 0);
  m.store32(STACK_LOW, top - FRAME_STACK);
  const flags = m.load32(m.load32(PROGRAM) + PROGRAM_FLAGS);
  if ((flags & FLAG_ZERO_STACK) !== 0) m.fill(top - FRAME_STACK, 0, FRAME_STACK);
  return true;
}

/** Closes it; gives what `pushFrame` was told to return to. */
export function popFrame(m: Mem): i32 {
  const frame = m.load32(FRAME) - FRAME_SIZE;
  m.copy(REG_R6, frame + FRAME_REGS, SAVED_BYTES);
  m.store32(FRAME, frame);
  m.store32(STACK_LOW, m.load32(REG_R10) - FRAME_STACK);
  return m.load32(frame + FRAME_RETURN);
}

/** True when a `may_goto` of this frame still falls through: it has done so fewer than MAY_GOTO_LIMIT times. */
export function mayStay(m: Mem): bool {
  const counter = m.load32(FRAME) + FRAME_MAY_GOTO;
  const count = m.load32(counter);
  if (count === MAY_GOTO_LIMIT) return false;
  m.store32(counter, count + 1);
  return true;
}

/** Address of `size` packet bytes at `offset`, or 0 where the packet does not reach. */
export function packetAt(m: Mem, offset: i32, size: i32): i32 {
  const start = m.load32(PACKET_START);
  const length = m.load32(PACKET_END) - start;
  return offset < 0 || offset > length - size ? 0 : (start + offset) | 0;
}
