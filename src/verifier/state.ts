// The abstract state of a run at one instruction: frames with registers and stack, references that must be given
// back, locks that are held. Copied at every branch; frames hold immutable registers and slots, so that a copy is
// two short arrays per frame.

import type { LoopVisit } from "./explore/loop-visits.ts";
import type { StackObject } from "./objects/stack-object.ts";
import { Register } from "./register.ts";

/** What a byte of the stack holds. */
export const enum Byte {
  /** Nobody wrote it. */
  INVALID = 0,
  /** Part of a register that was stored whole. */
  SPILL = 1,
  MISC = 2,
  ZERO = 3,
  /** Part of an object that only calls may touch (stack-object.ts). */
  DYNPTR = 4,
  ITER = 5,
  IRQ_FLAG = 6,
}

const ALL_BYTES = 0x11111111;

/**
 * Eight bytes of stack: the lowest address first, four bits each; the register that was stored there, or the object
 * that all of the bytes are part of.
 */
export class StackSlot {
  readonly bytes: number;
  readonly register: Register;
  readonly object: StackObject | undefined;

  constructor(bytes: number, register: Register, object: StackObject | undefined = undefined) {
    this.bytes = bytes >>> 0;
    this.register = register;
    this.object = object;
  }

  static readonly INVALID = new StackSlot(0, Register.NONE);

  static filled(byte: Byte): StackSlot {
    return new StackSlot(byte * ALL_BYTES, Register.NONE);
  }

  static spilled(register: Register): StackSlot {
    return new StackSlot(Byte.SPILL * ALL_BYTES, register);
  }

  static holding(byte: Byte, object: StackObject): StackSlot {
    return new StackSlot(byte * ALL_BYTES, Register.NONE, object);
  }

  byte(index: number): Byte {
    return (this.bytes >>> (index * 4)) & 15;
  }

  withByte(index: number, byte: Byte): StackSlot {
    const cleared = this.bytes & ~(15 << (index * 4));
    return new StackSlot(cleared | (byte << (index * 4)), this.register);
  }

  withRegister(register: Register): StackSlot {
    return register === this.register ? this : new StackSlot(this.bytes, register);
  }

  /** A register was stored here, or its lower part. */
  get isSpill(): boolean {
    return (this.bytes & 15) === Byte.SPILL;
  }

  /** A whole register was. */
  get isWholeSpill(): boolean {
    return this.bytes >>> 28 === Byte.SPILL;
  }

  /** A number was stored here, or its lower part. */
  get isScalarSpill(): boolean {
    return (this.bytes & 15) === Byte.SPILL && this.register.kind === "scalar";
  }

  get isWholeScalar(): boolean {
    return this.bytes >>> 28 === Byte.SPILL && this.register.kind === "scalar";
  }

  /** Some byte was never written. */
  get isPartlyInvalid(): boolean {
    // A nibble is zero where subtracting one from it borrows.
    return ((this.bytes - 0x11111111) & ~this.bytes & 0x88888888) !== 0;
  }

  get isAll(): Byte | undefined {
    const first = this.bytes & 15;
    return this.bytes === (first * ALL_BYTES) >>> 0 ? first : undefined;
  }
}

/** A reference, a lock or a state of interrupts that was saved: what must be given back. */
export interface Reference {
  readonly kind: "pointer" | "lock" | "irq";
  readonly id: number;
  /** Instruction that took it. */
  readonly slot: number;
  /** Map or object of a lock. */
  readonly owner?: unknown;
  /** Which kind of lock. */
  readonly lock?: "bpf_spin" | "bpf_res_spin" | "bpf_res_spin_irq";
}

/** How a function that a helper calls must end. */
interface Callback {
  readonly helper: number;
  readonly min: bigint;
  readonly max: bigint;
  /** 0 while its caller waits; else how many functions were handed over to run later, one by the other. */
  readonly asyncEntry: number;
  /** It orders the nodes of a tree, whose lock its caller holds. */
  readonly orders?: boolean;
}

export class Frame {
  readonly registers: Register[];
  /** By distance from the frame's end: 0 is the slot at fp-8. */
  readonly stack: StackSlot[];
  /** Slot of the call; -1 in the first frame. */
  readonly callSite: number;
  readonly number: number;
  /** Index of the function. */
  readonly subprogram: number;
  callback: Callback | undefined;
  /** How deep callbacks were entered from here (`callback_depth`). */
  callbackDepth: number;

  constructor(
    number: number,
    subprogram: number,
    callSite: number,
    registers: Register[] = new Array<Register>(11).fill(Register.NONE),
    stack: StackSlot[] = [],
  ) {
    this.number = number;
    this.subprogram = subprogram;
    this.callSite = callSite;
    this.registers = registers;
    this.stack = stack;
    this.callback = undefined;
    this.callbackDepth = 0;
  }

  copy(): Frame {
    const copy = new Frame(
      this.number,
      this.subprogram,
      this.callSite,
      this.registers.slice(),
      this.stack.slice(),
    );
    copy.callback = this.callback;
    copy.callbackDepth = this.callbackDepth;
    return copy;
  }

  /** Slot `index`, counted from the frame's end; INVALID where the stack is not that deep yet. */
  slot(index: number): StackSlot {
    return this.stack[index] ?? StackSlot.INVALID;
  }

  setSlot(index: number, slot: StackSlot): void {
    while (this.stack.length <= index) this.stack.push(StackSlot.INVALID);
    this.stack[index] = slot;
  }
}

/** Where a number is, as one: a register, or a stack slot by its index, of a frame. */
export const registerPlace = (frame: number, register: number): number => frame * 128 + register;
export const slotPlace = (frame: number, index: number): number => frame * 128 + 16 + index;
export const frameOfPlace = (place: number): number => place >> 7;
/** The register; from 16 on it is a stack slot's index, and 16. */
const inFrame = (place: number): number => place & 127;
export const isRegisterPlace = (place: number): boolean => inFrame(place) < 16;
export const registerOfPlace = inFrame;
export const slotOfPlace = (place: number): number => inFrame(place) - 16;

/** One step of the way to a state, for going back when a number turns out to matter. */
export interface Step {
  readonly slot: number;
  readonly previous: number;
  /** Place of the stack slot that the instruction read or wrote; -1: none. */
  stackAccess: number;
  /** Places of the registers and slots that shared a number's id. */
  linked: readonly number[] | undefined;
}

export class State {
  frames: Frame[];
  references: readonly Reference[] = [];
  /** Sections that were entered: of RCU, without preemption; the id of the last saved state of interrupts. */
  isUnderRcu = false;
  preemptDepth = 0;
  irqId = 0;
  /** The program as a whole may not sleep, but this function may. */
  isSleepable = false;
  /** Where the way that this state's steps describe begins, and the state that it began with. */
  parent: State | undefined = undefined;
  firstSlot = 0;
  lastSlot = 0;
  steps: Step[] = [];
  /** Slot that a stored state is of. */
  slot = 0;
  /** Ways that go on from here and have not ended. */
  branches = 0;
  /** How often may_goto was taken on the way (`may_goto_depth`), and bpf_loop's bodies unrolled. */
  mayGotoDepth = 0;
  callbackUnrollDepth = 0;
  isCleaned = false;
  /** No longer compared with others; ways may still come from here. */
  isDiscarded = false;
  /** How many states are kept on the way here. */
  depth = 0;
  /** Of a kept state: the visit of a loop that it is part of. */
  loopVisit: LoopVisit | undefined = undefined;

  constructor(frames: Frame[]) {
    this.frames = frames;
  }

  get frame(): Frame {
    return this.frames[this.frames.length - 1];
  }

  get registers(): Register[] {
    return this.frame.registers;
  }

  /** What the way on needs; steps are not copied. */
  copy(): State {
    const copy = new State(this.frames.map((frame) => frame.copy()));
    copy.references = this.references;
    copy.isUnderRcu = this.isUnderRcu;
    copy.preemptDepth = this.preemptDepth;
    copy.irqId = this.irqId;
    copy.isSleepable = this.isSleepable;
    copy.parent = this.parent;
    copy.firstSlot = this.firstSlot;
    copy.lastSlot = this.lastSlot;
    copy.mayGotoDepth = this.mayGotoDepth;
    copy.callbackUnrollDepth = this.callbackUnrollDepth;
    copy.depth = this.depth;
    return copy;
  }

  /** Every register, and every one in a stack slot, may be replaced. */
  mapRegisters(change: (register: Register) => Register): void {
    for (const { registers, stack } of this.frames) {
      for (let index = 0; index < registers.length; index++) registers[index] = change(registers[index]);
      for (let index = 0; index < stack.length; index++) {
        const slot = stack[index];
        if (slot.isSpill) stack[index] = slot.withRegister(change(slot.register));
      }
    }
  }

  holds(kind: Reference["kind"]): boolean {
    return this.references.some((reference) => reference.kind === kind);
  }
}
