// bpf_trace_printk(fmt, fmt_size, a1, a2, a3): one line into the runtime's trace output. Gives the number of
// characters, or -Errno.EINVAL for a format that the kernel refuses (print.ts), which prints nothing.

import { probeRegionEnd } from "../../assembly/portable/access.ts";
import { Errno } from "../../assembly/shared/codes.ts";
import { At, EventRecord } from "../../assembly/shared/layout.ts";
import type { GuestMemory } from "../memory.ts";
import type { Runtime } from "../runtime.ts";
import { readTask } from "../task.ts";
import { formatPrint, type PrintMemory } from "./print.ts";

const latin1 = new TextDecoder("latin1");

/** Guest memory as the conversions see it: what probe reads may read. */
function printMemory(memory: GuestMemory): PrintMemory {
  const readable = (address: bigint): number => {
    if (address >= 1n << 32n) return 0;
    const at = Number(address);
    const end = probeRegionEnd(memory, at);
    return end === 0 ? 0 : end - at;
  };
  return {
    readString(address, limit) {
      const room = readable(address);
      if (room === 0) return undefined;
      const bytes = memory.read(Number(address), Math.min(room, limit));
      const end = bytes.indexOf(0);
      if (end === -1 && room < limit) return undefined;
      return latin1.decode(bytes.subarray(0, end === -1 ? limit - 1 : end));
    },
    readBytes: (address, size) => (readable(address) < size ? undefined : memory.read(Number(address), size)),
  };
}

/** The helper's body; see the file's head. */
export function tracePrintk(runtime: Runtime): number {
  const { memory } = runtime;
  const bytes = memory.read(memory.load32(At.R1), memory.load32(At.R2));
  const end = bytes.indexOf(0);
  if (end === -1) return -Errno.EINVAL;
  const args = [0, 8, 16].map((offset) => memory.loadU64(At.R3 + offset));
  const text = formatPrint(latin1.decode(bytes.subarray(0, end)), args, printMemory(memory));
  if (typeof text === "number") return text;
  const event = memory.load32(At.EVENT);
  const nul = text.indexOf("\0");
  runtime.trace.write({
    // A `%c` may print a NUL: it counts, but ends what is shown.
    text: nul === -1 ? text : text.slice(0, nul),
    time: memory.loadU64(event + EventRecord.TIME),
    cpu: memory.load32(event + EventRecord.CPU),
    task: readTask(memory, memory.load32(event + EventRecord.TASK)),
  });
  return text.length;
}
