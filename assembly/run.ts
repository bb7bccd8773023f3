// One crossing for many events: sets the registers and the stack up for each event of a batch, runs its
// program and stores r0. Stops at the first trap; the results before it stand.

import { Exit } from "./shared/codes";
import {
  EVENT, EVENT_CONTEXT, EVENT_CONTEXT_SIZE, EVENT_PROGRAM, EVENT_RESULT, EVENT_SIZE, FLAG_CHECKED, FLAG_RAW,
  FLAG_ZERO_STACK, FRAME_STACK, PACKET_END, PACKET_START, PROGRAM, PROGRAM_FLAGS, PROGRAM_REGIONS, REG_R0, REG_R1,
  REG_R10, REG_R2, REGION_END, REGION_START, STACK_BASE, STACK_LOW, STACK_TOP, TRAP_EVENT, WINDOW_HIGH, WINDOW_LOW,
} from "./shared/layout";
import { Checked, interpret, Verified } from "./interpreter";

/** What every run starts from; see engine/engine.ts for what the registers promise. */
function enter(event: usize, program: usize, flags: u32): void {
  const context = load<u32>(event, EVENT_CONTEXT);
  const top = load<u32>(STACK_BASE);
  store<u32>(EVENT, <u32>event);
  store<u64>(REG_R1, context);
  store<u64>(REG_R10, top);
  if (flags & FLAG_ZERO_STACK) memory.fill(top - FRAME_STACK, 0, FRAME_STACK);
  if (flags & FLAG_RAW) {
    store<u64>(REG_R2, load<u32>(event, EVENT_CONTEXT_SIZE));
    store<u32>(PACKET_START, context);
    store<u32>(PACKET_END, context + load<u32>(event, EVENT_CONTEXT_SIZE));
  }
  if (flags & FLAG_CHECKED) {
    const regions: usize = load<u32>(program, PROGRAM_REGIONS);
    store<u64>(REG_R0, 0);
    if (!(flags & FLAG_RAW)) store<u64>(REG_R2, 0);
    memory.fill(REG_R2 + 8, 0, REG_R10 - REG_R2 - 8);
    store<u32>(PROGRAM, <u32>program);
    store<u32>(STACK_TOP, top);
    store<u32>(STACK_LOW, top - FRAME_STACK);
    store<u32>(WINDOW_LOW, 0);
    store<u32>(WINDOW_HIGH, 0);
    store<u32>(regions, context, REGION_START);
    store<u32>(regions, context + load<u32>(event, EVENT_CONTEXT_SIZE), REGION_END);
  }
}

/** Runs `count` events from `events` on; the exit code of the one that ended it, its index in TRAP_EVENT. */
export function run(events: usize, count: u32): i32 {
  let event = events;
  for (let index: u32 = 0; index < count; index++) {
    const program: usize = load<u32>(event, EVENT_PROGRAM);
    const flags = load<u32>(program, PROGRAM_FLAGS);
    enter(event, program, flags);
    const exit = flags & FLAG_CHECKED ? interpret<Checked>(program) : interpret<Verified>(program);
    if (exit != Exit.OK) {
      store<u32>(TRAP_EVENT, index);
      return exit;
    }
    store<u64>(event, load<u64>(REG_R0), EVENT_RESULT);
    event += EVENT_SIZE;
  }
  store<u32>(TRAP_EVENT, count);
  return Exit.OK;
}
