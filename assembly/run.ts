// One crossing for many events, grouped into stretches that are for the same program: the interpreter's loop goes
// from event to event by itself. Stops at the first trap; the results before it stand.

import { Checked, interpret, Verified } from "./interpreter";
import { beginEvents, enterEvent } from "./portable/frames";
import { Exit } from "./shared/codes";
import { At, EventRecord, ProgramFlag } from "./shared/layout";

/** Runs the events whose records lie from `events` to `end`; the exit code of the one at At.EVENT, which ended it. */
export function run(events: i32, end: i32): i32 {
  beginEvents(mem(), end);
  for (let event = events; event != end; event = load<i32>(At.EVENT) + EventRecord.SIZE) {
    store<i32>(At.PROGRAM, load<i32>(event, EventRecord.PROGRAM));
    const flags = enterEvent(mem(), event);
    const exit = flags & ProgramFlag.CHECKED ? interpret<Checked>() : interpret<Verified>();
    if (exit != Exit.OK) return exit;
  }
  return Exit.OK;
}
