// One crossing for many events, grouped into stretches that are for the same program: the interpreter's loop goes
// from event to event by itself. Stops at the first trap; the results before it stand.

import { Checked, interpret, Verified } from "./interpreter";
import { beginEvents, enterEvent } from "./portable/frames";
import { Exit } from "./shared/codes";
import { EVENT, EVENT_PROGRAM, EVENT_SIZE, FLAG_CHECKED, PROGRAM } from "./shared/layout";

/** Runs the events whose records lie from `events` to `end`; the exit code of the one at EVENT, which ended it. */
export function run(events: i32, end: i32): i32 {
  beginEvents(mem(), end);
  for (let event = events; event != end; event = load<i32>(EVENT) + EVENT_SIZE) {
    store<i32>(PROGRAM, load<i32>(event, EVENT_PROGRAM));
    const flags = enterEvent(mem(), event);
    const exit = flags & FLAG_CHECKED ? interpret<Checked>() : interpret<Verified>();
    if (exit != Exit.OK) return exit;
  }
  return Exit.OK;
}
