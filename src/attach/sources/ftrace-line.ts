// The part of a line of ftrace text that stands before the event: task, CPU, flags and time. Takes bytes,
// fills one reused LineHeader; makes no strings. The columns, of which flags and TGID are optional:
//
//          comm-pid     (  tgid) [cpu] flags  seconds.fraction: event: text
//   kworker/0:1-23      (     23) [000] d..2.  2931.828573: sched_switch: prev_comm=...
//
// Follows Documentation/trace/ftrace.rst, "Output format".

/** What stands before the event's name. */
export class LineHeader {
  /** Where the task's name is in the bytes. */
  commStart = 0;
  commEnd = 0;
  pid = 0;
  /** -1 when the line does not tell. */
  tgid = -1;
  cpu = 0;
  /** `common_flags` and `common_preempt_count` of the record, as far as the flags' column tells. */
  flags = 0;
  preemptCount = 0;
  /** Nanoseconds; where the clock counts something else (`counter`, `x86-tsc`) what it counts. */
  timeNs = 0;
  /** Where the event's name starts. */
  nameStart = 0;
}

const NEWLINE = 0x0a;
const SPACE = 0x20;
const OPEN_PAREN = 0x28;
const CLOSE_PAREN = 0x29;
const MINUS = 0x2d;
const DOT = 0x2e;
const ZERO = 0x30;
const COLON = 0x3a;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;

/** The kernel's TRACE_FLAG_* bits. */
const IRQS_OFF = 0x01;
const NEED_RESCHED_LAZY = 0x02;
const NEED_RESCHED = 0x04;
const HARDIRQ = 0x08;
const SOFTIRQ = 0x10;
const PREEMPT_RESCHED = 0x20;
const NMI = 0x40;
const BH_OFF = 0x80;

/** What each character means in the first three columns of the flags. */
const FLAG_COLUMNS: readonly Uint8Array[] = [
  flagColumn({ d: IRQS_OFF, b: BH_OFF, D: IRQS_OFF | BH_OFF }),
  flagColumn({
    N: NEED_RESCHED | PREEMPT_RESCHED,
    n: NEED_RESCHED,
    p: PREEMPT_RESCHED,
    l: NEED_RESCHED_LAZY,
    L: NEED_RESCHED_LAZY | PREEMPT_RESCHED,
    b: NEED_RESCHED_LAZY | NEED_RESCHED,
    B: NEED_RESCHED_LAZY | NEED_RESCHED | PREEMPT_RESCHED,
  }),
  flagColumn({ h: HARDIRQ, s: SOFTIRQ, H: HARDIRQ | SOFTIRQ, z: NMI, Z: NMI | HARDIRQ }),
];

function flagColumn(meanings: Readonly<Record<string, number>>): Uint8Array {
  const column = new Uint8Array(256);
  for (const [char, flags] of Object.entries(meanings)) column[char.charCodeAt(0)] = flags;
  return column;
}

/** 10 to the power of the index. */
const POWERS = [1, 10, 100, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9];

/**
 * Fills `header` from the line in `bytes` from `start` up to a line break, which must come before `end`;
 * false when it is no event's line.
 */
export function parseHeader(bytes: Uint8Array, start: number, end: number, header: LineHeader): boolean {
  // A task's name may hold anything, brackets too: the first bracket around a CPU that everything else
  // fits to is the one.
  for (let bracket = start; bracket < end; bracket++) {
    const byte = bytes[bracket];
    if (byte === NEWLINE) return false;
    if (byte !== OPEN_BRACKET) continue;
    const after = parseCpu(bytes, bracket + 1, end, header);
    if (
      after > 0 &&
      parseTask(bytes, start, bracket, header) &&
      parseFlagsAndTime(bytes, after, end, header)
    ) {
      return true;
    }
  }
  return false;
}

/** `002]`: gives where it ends, 0 when it does not stand there. */
function parseCpu(bytes: Uint8Array, start: number, end: number, header: LineHeader): number {
  let at = start;
  let cpu = 0;
  for (; at < end && at - start < 6; at++) {
    const digit = (bytes[at] as number) - ZERO;
    if (digit < 0 || digit > 9) break;
    cpu = cpu * 10 + digit;
  }
  if (at === start || at >= end || bytes[at] !== CLOSE_BRACKET) return 0;
  header.cpu = cpu;
  return at + 1;
}

/** `  comm-pid  (tgid) ` from `start` up to `end`, read from its end. */
function parseTask(bytes: Uint8Array, start: number, end: number, header: LineHeader): boolean {
  let at = end - 1;
  while (at > start && bytes[at] === SPACE) at--;
  header.tgid = -1;
  if (bytes[at] === CLOSE_PAREN) {
    at = parseTgid(bytes, start, at - 1, header);
    while (at > start && bytes[at] === SPACE) at--;
  }
  let pid = 0;
  let scale = 1;
  const last = at;
  while (at > start) {
    const digit = (bytes[at] as number) - ZERO;
    if (digit < 0 || digit > 9) break;
    pid += digit * scale;
    scale *= 10;
    at--;
  }
  if (at === last || at <= start || bytes[at] !== MINUS || pid > 0x7fffffff) return false;
  header.pid = pid;
  header.commEnd = at;
  let from = start;
  while (from < at && bytes[from] === SPACE) from++;
  header.commStart = from;
  return from < at;
}

/** Characters between the parentheses around a TGID, and some to spare. */
const MAX_TGID = 16;

/** `(  1234` or `(-----`, read from its end; gives what stands before it. */
function parseTgid(bytes: Uint8Array, start: number, last: number, header: LineHeader): number {
  let at = last;
  let tgid = 0;
  let scale = 1;
  for (; at > start && last - at < MAX_TGID && bytes[at] !== OPEN_PAREN; at--) {
    const digit = (bytes[at] as number) - ZERO;
    if (digit >= 0 && digit <= 9) {
      tgid += digit * scale;
      scale *= 10;
    }
  }
  if (scale > 1 && tgid <= 0x7fffffff) header.tgid = tgid;
  return at - 1;
}

/** ` d..2. 2931.828573: ` up to the event's name. */
function parseFlagsAndTime(bytes: Uint8Array, start: number, end: number, header: LineHeader): boolean {
  let at = start;
  while (at < end && bytes[at] === SPACE) at++;
  header.flags = 0;
  header.preemptCount = 0;
  const first = (bytes[at] as number) - ZERO;
  if (at < end && (first < 0 || first > 9)) {
    at = parseFlags(bytes, at, end, header);
    while (at < end && bytes[at] === SPACE) at++;
  }
  return parseTime(bytes, at, end, header);
}

function parseFlags(bytes: Uint8Array, start: number, end: number, header: LineHeader): number {
  let at = start;
  for (; at < end && bytes[at] !== SPACE && bytes[at] !== NEWLINE; at++) {
    const column = at - start;
    const byte = bytes[at] as number;
    if (column < 3) {
      header.flags |= (FLAG_COLUMNS[column] as Uint8Array)[byte] as number;
    } else if (column < 5 && byte !== DOT) {
      // Depths in hex: preemption in the lower half, disabled migration in the upper.
      const digit = byte <= 0x39 ? byte - ZERO : (byte | 0x20) - 0x57;
      header.preemptCount |= (digit & 15) << (column === 3 ? 0 : 4);
    }
  }
  return at;
}

function parseTime(bytes: Uint8Array, start: number, end: number, header: LineHeader): boolean {
  let at = start;
  let units = 0;
  while (at < end) {
    const digit = (bytes[at] as number) - ZERO;
    if (digit < 0 || digit > 9) break;
    units = units * 10 + digit;
    at++;
  }
  if (at === start || at >= end) return false;
  header.timeNs = units;
  if (bytes[at] === DOT) {
    const point = ++at;
    let fraction = 0;
    while (at < end) {
      const digit = (bytes[at] as number) - ZERO;
      if (digit < 0 || digit > 9) break;
      fraction = fraction * 10 + digit;
      at++;
    }
    const digits = at - point;
    if (digits === 0 || digits > 9) return false;
    header.timeNs = units * 1e9 + fraction * (POWERS[9 - digits] as number);
  }
  if (at >= end || bytes[at] !== COLON) return false;
  at++;
  while (at < end && bytes[at] === SPACE) at++;
  header.nameStart = at;
  return at < end && bytes[at] !== NEWLINE;
}
