// Compiled by asc into the core and by tsc for engines without Wasm: i32 arithmetic over `Mem` only.
// Where a run starts and what a local call saves: registers, stack, packet and the window of checked access,
// the same for both interpreters.

import { PacketOffset } from "../shared/codes.ts";
import {
  At,
  EventRecord,
  Limit,
  ProgramFlag,
  ProgramRecord,
  Region,
  SavedFrame,
  Skb,
} from "../shared/layout.ts";

/** Where the innermost frame that a chain of calls may have is saved. */
const LAST_FRAME = At.FRAMES + (Limit.FRAMES - 1) * SavedFrame.SIZE;
/** r6..r9 and r10: what a local call must find again. */
const SAVED_BYTES = 40;

/** What all events of a crossing start from: where they end, and the frame pointer at the top of this run's stack. */
export function beginEvents(m: Mem, end: i32): void {
  const top = m.load32(At.STACK_BASE);
  m.store32(At.EVENTS_END, end);
  m.store32(At.FRAME, At.FRAMES);
  m.store64(At.R10, top, 0);
  m.store32(At.STACK_TOP, top);
  m.store32(At.STACK_LOW, top - Limit.FRAME_STACK);
}

// The next four are small on purpose: the optimiser inlines them into the loop, where a call would cost more
// than all they do.

/** The context of `event` into r1. */
export function enterContext(m: Mem, event: i32): void {
  m.store32(At.EVENT, event);
  m.store64(At.R1, m.load32(event + EventRecord.CONTEXT), 0);
  m.store32(At.FRAMES + SavedFrame.MAY_GOTO, 0);
}

/** For raw programs: the context's length into r2, and the context as the packet. */
export function enterRaw(m: Mem, event: i32): void {
  const context = m.load32(event + EventRecord.CONTEXT);
  const size = m.load32(event + EventRecord.CONTEXT_SIZE);
  m.store64(At.R2, size, 0);
  m.store32(At.PACKET_START, context);
  m.store32(At.PACKET_END, context + size);
}

/** For programs that read their packet: where it lies. */
export function enterSkb(m: Mem, event: i32): void {
  const skb = m.load32(event + EventRecord.CONTEXT);
  m.store32(At.PACKET_START, m.load32(skb + Skb.DATA));
  m.store32(At.PACKET_END, m.load32(skb + Skb.DATA_END));
}

/** Stores the result of the event that just ended; gives the next one. */
export function finishEvent(m: Mem): i32 {
  const event = m.load32(At.EVENT);
  m.store64(event + EventRecord.RESULT, m.load32(At.R0), m.load32(At.R0 + 4));
  return event + EventRecord.SIZE;
}

/** True when there is an event at `event` and it is for the program that is running. */
export function isNext(m: Mem, event: i32): bool {
  return event !== m.load32(At.EVENTS_END) && m.load32(event + EventRecord.PROGRAM) === m.load32(At.PROGRAM);
}

/** Sets registers and stack up for the event at `event`, At.PROGRAM being its program; gives the program's flags. */
export function enterEvent(m: Mem, event: i32): i32 {
  const flags = m.load32(m.load32(At.PROGRAM) + ProgramRecord.FLAGS);
  enterContext(m, event);
  if ((flags & ProgramFlag.CHECKED) !== 0) enterChecked(m, event);
  if ((flags & ProgramFlag.SPECIAL) !== 0) enterSpecial(m, event, flags);
  return flags;
}

/** Does what those of `flags` ask for that few programs have. */
export function enterSpecial(m: Mem, event: i32, flags: i32): void {
  if ((flags & ProgramFlag.ZERO_STACK) !== 0) zeroStack(m, m.load32(At.R10));
  if ((flags & ProgramFlag.RAW) !== 0) enterRaw(m, event);
  if ((flags & ProgramFlag.SKB) !== 0) enterSkb(m, event);
}

/** Zeros where the frame below `top` may be read before it is written. */
function zeroStack(m: Mem, top: i32): void {
  const bytes = m.load32(m.load32(At.PROGRAM) + ProgramRecord.ZEROED_STACK);
  m.fill(top - bytes, 0, bytes);
}

/** Registers that the program did not get are zeros; its context is its first region, its packet empty. */
export function enterChecked(m: Mem, event: i32): void {
  const program = m.load32(At.PROGRAM);
  const context = m.load32(event + EventRecord.CONTEXT);
  const regions = m.load32(program + ProgramRecord.REGIONS);
  m.store64(At.R0, 0, 0);
  m.fill(At.R2, 0, At.R10 - At.R2);
  m.store64(At.READ_WINDOW_LOW, 0, 0);
  m.store64(At.WRITE_WINDOW_LOW, 0, 0);
  m.store64(At.PACKET_START, 0, 0);
  m.store32(regions + Region.START, context);
  m.store32(regions + Region.END, context + m.load32(event + EventRecord.CONTEXT_SIZE));
}

/**
 * Opens the frame of a local call: `returnTo` and the caller's registers are saved, r10 is the new frame's top. False
 * when there are as many frames as a chain of calls may have.
 */
export function pushFrame(m: Mem, returnTo: i32): bool {
  const frame = m.load32(At.FRAME);
  if (frame === LAST_FRAME) return false;
  m.store32(frame + SavedFrame.RETURN, returnTo);
  m.copy(frame + SavedFrame.REGS, At.R6, SAVED_BYTES);
  m.store32(frame + SavedFrame.SIZE + SavedFrame.MAY_GOTO, 0);
  m.store32(At.FRAME, frame + SavedFrame.SIZE);
  const top = m.load32(At.R10) - Limit.FRAME_STACK;
  m.store64(At.R10, top, 0);
  m.store32(At.STACK_LOW, top - Limit.FRAME_STACK);
  if ((m.load32(m.load32(At.PROGRAM) + ProgramRecord.FLAGS) & ProgramFlag.ZERO_STACK) !== 0)
    zeroStack(m, top);
  return true;
}

/** Closes it; gives what `pushFrame` was told to return to. */
export function popFrame(m: Mem): i32 {
  const frame = m.load32(At.FRAME) - SavedFrame.SIZE;
  m.copy(At.R6, frame + SavedFrame.REGS, SAVED_BYTES);
  m.store32(At.FRAME, frame);
  m.store32(At.STACK_LOW, m.load32(At.R10) - Limit.FRAME_STACK);
  return m.load32(frame + SavedFrame.RETURN);
}

/** True when a `may_goto` of this frame still falls through: it has done so fewer than Limit.MAY_GOTO times. */
export function mayStay(m: Mem): bool {
  const counter = m.load32(At.FRAME) + SavedFrame.MAY_GOTO;
  const count = m.load32(counter);
  if (count === Limit.MAY_GOTO) return false;
  m.store32(counter, count + 1);
  return true;
}

/** Address of `size` packet bytes at `offset`, or 0 where the packet does not reach. */
export function packetAt(m: Mem, offset: i32, size: i32): i32 {
  if (offset < 0) return headerAt(m, offset, size);
  const start = m.load32(At.PACKET_START);
  const length = m.load32(At.PACKET_END) - start;
  return offset > length - size ? 0 : (start + offset) | 0;
}

/** The same for an offset that counts from one of the headers of an `Skb`. */
function headerAt(m: Mem, offset: i32, size: i32): i32 {
  const flags = m.load32(m.load32(At.PROGRAM) + ProgramRecord.FLAGS);
  if ((flags & ProgramFlag.SKB) === 0 || offset < PacketOffset.LINK) return 0;
  const skb = m.load32(m.load32(At.EVENT) + EventRecord.CONTEXT);
  const at =
    offset < PacketOffset.NETWORK
      ? m.load32(skb + Skb.LINK_HEADER) + (offset - PacketOffset.LINK)
      : m.load32(skb + Skb.NETWORK_HEADER) + (offset - PacketOffset.NETWORK);
  return m.below(m.load32(At.PACKET_END), (at + size) | 0) ? 0 : at | 0;
}
