// From prepared code to a native function that runs a program on many events, for code that a verifier has proved:
//
//     void run(void *base, u32 first, u32 end)     base: where the runtime's memory lies; events: their records' addresses
//
// One pass emits, labels.ts relaxes the jumps. Takes programs without calls and packet loads; says which instruction it
// does not take. The function keeps to the System V convention.

import { At, Code, EventRecord } from "../shared/layout";
import { Condition, Emitted, Job, JobFlag, Reg, Width } from "../shared/native";
import { Op } from "../shared/opcodes";
import {
  addImm, at, atIndex, begin, bind, cmpRegRm, finish, jcc, movRegRm, movRmReg, pop, position, push, reg, ret,
} from "./encoder";
import { beginProgram, lower, OwnLabel, resetMayGoto } from "./lower";
import { BASE, native, SCRATCH } from "./registers";

/** BPF registers that live in registers a function must give back: r6 to r10. */
const FIRST_SAVED = 6;
const LAST_SAVED = 10;

let code: usize = 0;
let slots: i32 = 0;
let flags: i32 = 0;

@inline function opOf(slot: i32): u32 { return load<u8>(code + (<usize>slot << 3)); }

/** Bits of the saved registers that occur in the program; one that is only a part of a number does no harm. */
function usedRegisters(): u32 {
  let used: u32 = 0;
  for (let pc = code, end = code + (<usize>slots << 3); pc != end; pc += 8) {
    used |= 1 << (load<u8>(pc, Code.DST) >> 3);
    const source = load<u32>(pc, Code.IMM) >> 3;
    if (source <= <u32>LAST_SAVED) used |= 1 << source;
  }
  return used;
}

function hasMayGoto(): bool {
  for (let slot = 0; slot < slots; slot++) if (opOf(slot) == Op.MAY_GOTO) return true;
  return false;
}

// Below what is saved lie the address of the event that runs, and that of the end of the events.
const EVENT = 0;
const EVENTS_END = 8;

function prologue(used: u32): void {
  push(BASE);
  for (let bpf = FIRST_SAVED; bpf <= LAST_SAVED; bpf++) if (used >> bpf & 1) push(native(bpf));
  // The caller's registers: base in RDI, events from RSI to RDX.
  push(Reg.RDX);
  push(Reg.RSI);
  movRegRm(Width.BITS64, BASE, reg(Reg.RDI));
  movRegRm(Width.BITS32, SCRATCH, reg(Reg.RSI));
  bind(slots + OwnLabel.NEXT);
  movRegRm(Width.BITS32, native(1), atIndex(BASE, SCRATCH, 0, EventRecord.CONTEXT));
  if (flags & JobFlag.RAW) movRegRm(Width.BITS32, native(2), atIndex(BASE, SCRATCH, 0, EventRecord.CONTEXT_SIZE));
  if (used >> 10 & 1) movRegRm(Width.BITS32, native(10), at(BASE, At.STACK_BASE));
  if (hasMayGoto()) resetMayGoto();
}

function epilogue(used: u32): void {
  bind(slots + OwnLabel.EXIT);
  movRegRm(Width.BITS32, SCRATCH, at(Reg.RSP, EVENT));
  movRmReg(Width.BITS64, atIndex(BASE, SCRATCH, 0, EventRecord.RESULT), native(0));
  addImm(Width.BITS32, SCRATCH, EventRecord.SIZE);
  movRmReg(Width.BITS32, at(Reg.RSP, EVENT), SCRATCH);
  cmpRegRm(Width.BITS32, SCRATCH, at(Reg.RSP, EVENTS_END));
  jcc(Condition.NE, slots + OwnLabel.NEXT);
  addImm(Width.BITS64, Reg.RSP, 16);
  for (let bpf = LAST_SAVED; bpf >= FIRST_SAVED; bpf--) if (used >> bpf & 1) pop(native(bpf));
  pop(BASE);
  ret();
}

/** Compiles what the Job at `job` says; position() is then the size of the code. Gives Emitted, UNSUPPORTED with its slot. */
export function compile(job: usize): i32 {
  code = load<u32>(job, Job.CODE);
  slots = load<i32>(job, Job.SLOTS);
  flags = load<i32>(job, Job.FLAGS);
  const labels = slots + OwnLabel.INSIDE + slots * OwnLabel.PER_SLOT;
  begin(load<u32>(job, Job.OUT), load<u32>(job, Job.OUT_END), labels, load<u32>(job, Job.WORK), load<u32>(job, Job.WORK_END));
  beginProgram(slots, (flags & JobFlag.BMI2) != 0);
  const used = usedRegisters();
  prologue(used);
  for (let slot = 0; slot < slots; slot++) {
    bind(slot);
    if (!lower(code + (<usize>slot << 3), slot)) return Emitted.UNSUPPORTED | (slot << 8);
    if (opOf(slot) == Op.LDDW) slot++;
  }
  epilogue(used);
  return finish();
}

export { position } from "./encoder";
