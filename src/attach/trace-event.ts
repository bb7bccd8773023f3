// An event of a recorded trace on its way from a source to whoever runs programs on it, and the memory that
// its record is written into. Sources fill, targets take; neither makes an object for each event.

import type { TracepointFormat } from "./format.ts";

/** An event while it is handed over: one object for all events of a source, filled anew for each. */
export class TraceEvent {
  format!: TracepointFormat;
  /** Where the record starts in the target, and its bytes, a multiple of eight. */
  offset = 0;
  size = 0;
  cpu = 0;
  pid = 0;
  /** The process's id; -1 when the trace does not tell. */
  tgid = -1;
  /**
   * Nanoseconds by the trace's clock, exact below 2^53 (104 days since boot); where the clock counts
   * something else (`counter`, `x86-tsc`) what it counts.
   */
  timeNs = 0;
  /** Number of the line, from 1. */
  line = 0;
  /** The bytes that the line is in; they are good only until the target's `commit` returns. */
  bytes: Uint8Array = new Uint8Array(0);
  /** Where the task's name is in them, and the event's own text. */
  commStart = 0;
  commEnd = 0;
  textStart = 0;
  textEnd = 0;

  /** The task's name. Makes a string, so not for every event of millions. */
  get comm(): string {
    return new TextDecoder().decode(this.bytes.subarray(this.commStart, this.commEnd));
  }

  /** The event's text, as it stands in the trace. */
  get text(): string {
    return new TextDecoder().decode(this.bytes.subarray(this.textStart, this.textEnd));
  }
}

/** Where records go. */
export interface RecordTarget {
  /**
   * Room for a record of `size` bytes; gives its offset in `bytes`. Whatever is there is overwritten, and
   * `bytes` and `view` may be others than before.
   */
  reserve(size: number): number;
  readonly bytes: Uint8Array;
  readonly view: DataView;
  /** Takes the event whose record was written at `event.offset`. */
  commit(event: TraceEvent): void;
}
