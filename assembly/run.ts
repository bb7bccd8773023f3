// One crossing for many events: sets registers and stack up for each event of a batch, runs its program and
// stores r0. Stops at the first trap; the results before it stand.

import { Checked, interpret, Verified } from "./interpreter";
import { enterProgram } from "./portable/frames";
import { Exit } from "./shared/codes";
import { EVENT_PROGRAM, EVENT_RESULT, EVENT_SIZE, FLAG_CHECKED, PROGRAM_FLAGS, REG_R0, TRAP_EVENT } from "./shared/layout";

/** Runs `count` events from `events` on; the exit code of the one that ended it, its index in TRAP_EVENT. */
export function run(events: usize, count: i32): i32 {
  let event = events;
  for (let index = 0; index < count; index++) {
    const program = load<i32>(event, EVENT_PROGRAM);
    const flags = load<i32>(program, PROGRAM_FLAGS);
    enterProgram(mem(), <i32>event, program, flags);
    const exit = flags & FLAG_CHECKED ? interpret<Checked>(program) : interpret<Verified>(program);
    if (exit != Exit.OK) {
      store<i32>(TRAP_EVENT, index);
      return exit;
    }
    store<u64>(event, load<u64>(REG_R0), EVENT_RESULT);
    event += EVENT_SIZE;
  }
  store<i32>(TRAP_EVENT, count);
  return Exit.OK;
}
