// Where bpf_trace_printk writes: what the kernel shows in trace_pipe. Read it as it comes (`listen`), pull
// it (`read`), or iterate over it asynchronously. Lines that nobody takes are kept up to a bound, then the
// oldest are dropped and counted, as a ring buffer does.

import type { Task } from "./task.ts";

/** One line, with the event that printed it. */
export interface TraceLine {
  /** Without a final newline if the program wrote none. */
  readonly text: string;
  /** Nanoseconds. */
  readonly time: bigint;
  readonly cpu: number;
  readonly task: Task;
}

export type TraceListener = (line: TraceLine) => void;

const CAPACITY = 65536;

export class TraceOutput implements AsyncIterable<TraceLine> {
  readonly #listeners = new Set<TraceListener>();
  #lines: TraceLine[] = [];
  #wake: (() => void) | undefined;
  /** Lines dropped because nobody took them in time. */
  dropped = 0;

  /** Calls `listener` with every line from now on, at once; returns how to stop. Lines taken so are not kept. */
  listen(listener: TraceListener): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Takes the lines kept so far. */
  read(): TraceLine[] {
    const lines = this.#lines;
    this.#lines = [];
    return lines;
  }

  /** For the helper: one more line. */
  write(line: TraceLine): void {
    for (const listener of this.#listeners) listener(line);
    if (this.#listeners.size > 0) return;
    if (this.#lines.length >= CAPACITY) {
      this.#lines.splice(0, CAPACITY / 2);
      this.dropped += CAPACITY / 2;
    }
    this.#lines.push(line);
    this.#wake?.();
  }

  /** Lines as they come, without end; leave the loop to stop. */
  async *[Symbol.asyncIterator](): AsyncGenerator<TraceLine, void, undefined> {
    for (;;) {
      yield* this.read();
      if (this.#lines.length > 0) continue;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      this.#wake = undefined;
    }
  }
}

/** The line as trace_pipe prints it: `            curl-1234    [001] .....    12.345678: bpf_trace_printk: text`. */
export function formatTraceLine(line: TraceLine): string {
  const comm = line.task.comm.padStart(16);
  const pid = `${line.task.pid}`.padEnd(7);
  const micros = (line.time / 1000n).toString().padStart(7, "0");
  const seconds = micros.slice(0, -6).padStart(5);
  const cpu = `${line.cpu}`.padStart(3, "0");
  const text = line.text.replace(/\n$/, "");
  return `${comm}-${pid} [${cpu}] ..... ${seconds}.${micros.slice(-6)}: bpf_trace_printk: ${text}`;
}
