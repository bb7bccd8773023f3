// Compiled by asc into the core and by tsc for engines without Wasm: i32 arithmetic over `Mem` only.
// Where a run starts and what a local call saves: registers, stack, packet and the window of checked access,
// the same for both interpreters.

import {
  EVENT,
  EVENT_CONTEXT,
  EVENT_CONTEXT_SIZE,
  FLAG_CHECKED,
  FLAG_RAW,
  FLAG_ZERO_STACK,
  FRAME_MAY_GOTO,
  FRAME_REGS,
  FRAME_RETURN,
  FRAME_SIZE,
  FRAME_STACK,
  FRAMES,
  PACKET_END,
  PACKET_START,
  PROGRAM,
  PROGRAM_REGIONS,
  REG_R0,
  REG_R1,
  REG_R2,
  REG_R6,
  REG_R10,
  REGION_END,
  REGION_START,
  STACK_BASE,
  STACK_LOW,
  STACK_TOP,
  WINDOW_HIGH,
  WINDOW_LOW,
} from "../shared/layout.ts";

/** r6..r9 and r10: what a local call must find again. */
const SAVED_BYTES = 40;

/** Sets registers and stack up for the event at `event`; see src/engine/engine.ts for what they promise. */
export function enterProgram(m: Mem, event: i32, program: i32, flags: i32): void {
  const context = m.load32(event + EVENT_CONTEXT);
  const end = (context + m.load32(event + EVENT_CONTEXT_SIZE)) | 0;
  const top = m.load32(STACK_BASE);
  m.store32(EVENT, event);
  m.store32(REG_R1, context);
  m.store32(REG_R1 + 4, 0);
  m.store32(REG_R10, top);
  m.store32(REG_R10 + 4, 0);
  m.store32(FRAMES + FRAME_MAY_GOTO, 0);
  if ((flags & FLAG_ZERO_STACK) !== 0) m.fill(top - FRAME_STACK, 0, FRAME_STACK);
  if ((flags & FLAG_CHECKED) !== 0) {
    const regions = m.load32(program + PROGRAM_REGIONS);
    m.store32(REG_R0, 0);
    m.store32(REG_R0 + 4, 0);
    m.fill(REG_R2, 0, REG_R10 - REG_R2);
    m.store32(PROGRAM, program);
    m.store32(STACK_TOP, top);
    m.store32(STACK_LOW, top - FRAME_STACK);
    m.store32(WINDOW_LOW, 0);
    m.store32(WINDOW_HIGH, 0);
    m.store32(regions + REGION_START, context);
    m.store32(regions + REGION_END, end);
  }
  if ((flags & FLAG_RAW) !== 0) {
    m.store32(REG_R2, end - context);
    m.store32(REG_R2 + 4, 0);
    m.store32(PACKET_START, context);
    m.store32(PACKET_END, end);
  }
}

/** Opens the frame of a local call: `returnTo` and the caller's registers are saved at `frame`, r10 is the new frame's top. */
export function pushFrame(m: Mem, frame: i32, returnTo: i32, flags: i32): void {
  m.store32(frame + FRAME_RETURN, returnTo);
  m.copy(frame + FRAME_REGS, REG_R6, SAVED_BYTES);
  m.store32(frame + FRAME_SIZE + FRAME_MAY_GOTO, 0);
  const top = m.load32(REG_R10) - FRAME_STACK;
  m.store32(REG_R10, top);
  m.store32(STACK_LOW, top - FRAME_STACK);
  if ((flags & FLAG_ZERO_STACK) !== 0) m.fill(top - FRAME_STACK, 0, FRAME_STACK);
}

/** Closes it; gives what `pushFrame` was told to return to. */
export function popFrame(m: Mem, frame: i32): i32 {
  m.copy(REG_R6, frame + FRAME_REGS, SAVED_BYTES);
  m.store32(STACK_LOW, m.load32(REG_R10) - FRAME_STACK);
  return m.load32(frame + FRAME_RETURN);
}

/** Address of `size` packet bytes at `offset`, or 0 where the packet does not reach. */
export function packetAt(m: Mem, offset: i32, size: i32): i32 {
  const start = m.load32(PACKET_START);
  const length = m.load32(PACKET_END) - start;
  return offset < 0 || offset > length - size ? 0 : (start + offset) | 0;
}
