// Jumps to labels. They are emitted with 32-bit displacements; finish() finds those for which 8 bits are enough,
// and moves the code together. Labels are numbers from 0 up.
//
//     work   labels: 8 bytes each          jumps, in the order of the code: 20 bytes each
//            | position + 1 | jumps before |   | end | label | long | size | saved |   ...

import { Emitted } from "../shared/native";
import { addressOf, beginCode, byte, isFull, position, truncate, word } from "./emit";

/** A label: where it is (0: nowhere yet, else position + 1), and how many jumps stand before it. */
const enum Label { POSITION = 0, JUMPS = 4, SIZE = 8 }

/**
 * A jump: where it ends as emitted, its label, its sizes as emitted and as it will be, and how many bytes the jumps
 * before it lose.
 */
const enum Jump { END = 0, LABEL = 4, LONG = 8, LENGTH = 12, SAVED = 16, SIZE = 20 }

/** Bytes of a jump with an 8-bit displacement. */
const SHORT = 2;
/** Rounds of growing after which the rest is decided at once: code could be built that needs one per jump. */
const ROUNDS = 32;

let labels: usize = 0;
let jumps: usize = 0;
let jumpsEnd: usize = 0;
let nextJump: usize = 0;
let jumpsFull: bool = false;
/** What all jumps lose; known when the code is finished. */
let saved: i32 = 0;

/** Code goes from `from` to `to`; what is known of `count` labels and of the jumps to them lies from `work` to `workEnd`. */
export function begin(from: usize, to: usize, count: i32, work: usize, workEnd: usize): void {
  beginCode(from, to);
  labels = work;
  jumps = work + <usize>count * Label.SIZE;
  jumpsEnd = workEnd;
  nextJump = jumps;
  saved = 0;
  jumpsFull = jumps > workEnd;
  if (!jumpsFull) memory.fill(labels, 0, jumps - labels);
}

/** Label `label` is here. */
export function bind(label: i32): void {
  if (jumpsFull) return;
  const entry = labels + <usize>label * Label.SIZE;
  store<i32>(entry, position() + 1, Label.POSITION);
  store<u32>(entry, <u32>((nextJump - jumps) / Jump.SIZE), Label.JUMPS);
}

/**
 * Notes that the instruction of `long` bytes whose last four are still to come leads to `label`, and leaves room for
 * them; `length` is what it will have at least.
 */
function refer(label: i32, long: i32, length: i32): void {
  word(0);
  if (nextJump + Jump.SIZE > jumpsEnd) jumpsFull = true;
  if (jumpsFull) return;
  store<i32>(nextJump, position(), Jump.END);
  store<i32>(nextJump, label, Jump.LABEL);
  store<i32>(nextJump, long, Jump.LONG);
  store<i32>(nextJump, length, Jump.LENGTH);
  store<i32>(nextJump, 0, Jump.SAVED);
  nextJump += Jump.SIZE;
}

/** After the opcode of a jump that is `long` bytes with a displacement of 32 bits, and two with one of 8. */
export function referShort(label: i32, long: i32): void { refer(label, long, SHORT); }
/** After the opcode of an instruction that has a displacement of 32 bits always. */
export function referLong(label: i32, long: i32): void { refer(label, long, long); }

// ---- relaxing ------------------------------------------------------------------------------------------

@inline function targetOf(jump: usize): usize { return labels + <usize>load<u32>(jump, Jump.LABEL) * Label.SIZE; }
@inline function fits8(distance: i32): bool { return distance == <i32><i8>distance; }
@inline function isLong(jump: usize): bool { return load<i32>(jump, Jump.LENGTH) == load<i32>(jump, Jump.LONG); }

/** Sums up what the jumps before each one lose. */
function sumSaved(): void {
  saved = 0;
  for (let jump = jumps; jump != nextJump; jump += Jump.SIZE) {
    store<i32>(jump, saved, Jump.SAVED);
    saved += load<i32>(jump, Jump.LONG) - load<i32>(jump, Jump.LENGTH);
  }
}

/** Where a bound label is, after sumSaved(). */
function finalPosition(entry: usize): i32 {
  const jump = jumps + <usize>load<u32>(entry, Label.JUMPS) * Jump.SIZE;
  return load<i32>(entry, Label.POSITION) - 1 - (jump == nextJump ? saved : load<i32>(jump, Jump.SAVED));
}

/** How far a jump leads from its end, after sumSaved(). */
function distanceOf(jump: usize): i32 {
  const own = load<i32>(jump, Jump.LONG) - load<i32>(jump, Jump.LENGTH);
  return finalPosition(targetOf(jump)) - (load<i32>(jump, Jump.END) - load<i32>(jump, Jump.SAVED) - own);
}

/** Makes those jumps long whose 8 bits do not reach; true when there were any. */
function growJumps(): bool {
  let grown = false;
  for (let jump = jumps; jump != nextJump; jump += Jump.SIZE) {
    if (isLong(jump) || fits8(distanceOf(jump))) continue;
    store<i32>(jump, load<i32>(jump, Jump.LONG), Jump.LENGTH);
    grown = true;
  }
  return grown;
}

/** Makes every jump long that would have to be if all were. */
function growUncertain(): void {
  for (let jump = jumps; jump != nextJump; jump += Jump.SIZE) {
    const distance = load<i32>(targetOf(jump), Label.POSITION) - 1 - load<i32>(jump, Jump.END);
    if (!fits8(distance)) store<i32>(jump, load<i32>(jump, Jump.LONG), Jump.LENGTH);
  }
}

/** Writes a jump in its final form at the end of the code, which lies before where it was emitted. */
function writeJump(jump: usize, distance: i32): void {
  const long = load<i32>(jump, Jump.LONG);
  const from = addressOf(load<i32>(jump, Jump.END) - long);
  if (isLong(jump)) {
    memory.copy(addressOf(position()), from, long - 4);
    truncate(position() + long - 4);
    word(distance);
    return;
  }
  // 0F 8x cd becomes 7x cb, E9 cd becomes EB cb.
  const opcode = <i32>load<u8>(from);
  byte(opcode == 0x0f ? <i32>load<u8>(from, 1) - 0x10 : 0xeb);
  byte(distance);
}

/** Moves the code together and fills in the displacements. */
function moveTogether(): void {
  const end = position();
  let from = 0;
  truncate(0);
  for (let jump = jumps; ; jump += Jump.SIZE) {
    const isLast = jump == nextJump;
    const to = isLast ? end : load<i32>(jump, Jump.END) - load<i32>(jump, Jump.LONG);
    memory.copy(addressOf(position()), addressOf(from), to - from);
    truncate(position() + to - from);
    if (isLast) return;
    writeJump(jump, distanceOf(jump));
    from = load<i32>(jump, Jump.END);
  }
}

function isAnyUnbound(): bool {
  for (let jump = jumps; jump != nextJump; jump += Jump.SIZE) {
    if (load<i32>(targetOf(jump), Label.POSITION) == 0) return true;
  }
  return false;
}

/** Ends the code: jumps get their final forms and displacements. After it, position() is the code's size. */
export function finish(): Emitted {
  if (isFull()) return Emitted.CODE_FULL;
  if (jumpsFull) return Emitted.JUMPS_FULL;
  if (isAnyUnbound()) return Emitted.UNBOUND;
  let rounds = 0;
  sumSaved();
  while (growJumps()) {
    if (++rounds == ROUNDS) growUncertain();
    sumSaved();
  }
  moveTogether();
  return Emitted.OK;
}

/** Where a label is, in finished code; -1 when it was not bound. */
export function labelPosition(label: i32): i32 {
  const entry = labels + <usize>label * Label.SIZE;
  return load<i32>(entry, Label.POSITION) == 0 ? -1 : finalPosition(entry);
}
