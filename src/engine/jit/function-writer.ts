// One function of a program while it is being written: BPF registers as locals of 64 bits, the stack frame in linear
// memory, the ways out. A batch's loop has the entry function inside it; the others are Wasm functions
// of their own, which take the address of their frame and r1 to r5 and give r0.

import { At, Limit } from "../../../assembly/shared/layout.ts";
import { CodeWriter } from "../../wasm/code.ts";
import type { FunctionType } from "../../wasm/module.ts";
import { type MemoryOp, ValueType, Wasm } from "../../wasm/opcodes.ts";

/** What a program's own functions are to Wasm: i32 address of the frame, r1 to r5; r0. */
export const FUNCTION_TYPE: FunctionType = {
  parameters: [ValueType.I32, ...[ValueType.I64, ValueType.I64, ValueType.I64, ValueType.I64, ValueType.I64]],
  results: [ValueType.I64],
};

/** The batch: i32 addresses of its first event and of its end; where it stopped. */
export const BATCH_TYPE: FunctionType = {
  parameters: [ValueType.I32, ValueType.I32],
  results: [ValueType.I32],
};

const FRAME_POINTER = 10;

export class FunctionWriter {
  readonly code: CodeWriter;
  /** True for the entry, whose ways out lead on in the batch's loop. */
  readonly isBatch: boolean;
  /** Address of the lowest byte of the stack frame, so that every offset from it is positive. */
  readonly frame: number;
  readonly #registers: (number | undefined)[];
  readonly #temporaries = new Map<string, number>();
  /** Blocks open around the one that an event's end leaves. */
  #outer = 0;

  constructor(isBatch: boolean) {
    this.isBatch = isBatch;
    this.code = new CodeWriter((isBatch ? BATCH_TYPE : FUNCTION_TYPE).parameters.length);
    this.#registers = isBatch ? [] : [undefined, 1, 2, 3, 4, 5];
    this.frame = isBatch ? this.code.local(ValueType.I32) : 0;
  }

  /** The address of the event that runs, for the batch: its first parameter, which its loop moves on. */
  get event(): number {
    return 0;
  }

  /** A local for what lives no longer than an instruction, or than the name says. */
  temporary(name: string, type: ValueType): number {
    const known = this.#temporaries.get(name);
    if (known !== undefined) return known;
    const local = this.code.local(type);
    this.#temporaries.set(name, local);
    return local;
  }

  #register(register: number): number {
    const known = this.#registers[register];
    if (known !== undefined) return known;
    const local = this.code.local(ValueType.I64);
    this.#registers[register] = local;
    return local;
  }

  /** Pushes a register. */
  get64(register: number): void {
    const { code } = this;
    if (register !== FRAME_POINTER) {
      code.localGet(this.#register(register));
      return;
    }
    this.get32(register);
    code.op(Wasm.I64_EXTEND_I32_U);
  }

  /** Pushes the lower half of a register. */
  get32(register: number): void {
    const { code } = this;
    if (register === FRAME_POINTER) {
      code.localGet(this.frame);
      code.i32Const(Limit.FRAME_STACK);
      code.op(Wasm.I32_ADD);
      return;
    }
    code.localGet(this.#register(register));
    code.op(Wasm.I32_WRAP_I64);
  }

  /** Pops a register's value. */
  set64(register: number): void {
    this.code.localSet(this.#register(register));
  }

  /** Pops the lower half of a register, whose upper half becomes 0. */
  set32(register: number): void {
    this.code.op(Wasm.I64_EXTEND_I32_U);
    this.set64(register);
  }

  /** Pushes a base address; gives the offset that the load or store must add to it. */
  base(register: number, off: number): number {
    const { code } = this;
    if (register === FRAME_POINTER && off >= -Limit.FRAME_STACK) {
      code.localGet(this.frame);
      return Limit.FRAME_STACK + off;
    }
    this.get32(register);
    // A Wasm address is the exact sum of both: only an offset that is not negative may be left to the instruction.
    if (off >= 0) return off;
    code.i32Const(off);
    code.op(Wasm.I32_ADD);
    return 0;
  }

  /** Loads from a fixed address. */
  loadAt(op: MemoryOp, address: number): void {
    this.code.i32Const(0);
    this.code.memory(op, address);
  }

  /** Stores what `push` pushes at a fixed address. */
  storeAt(op: MemoryOp, address: number, push: () => void): void {
    this.code.i32Const(0);
    push();
    this.code.memory(op, address);
  }

  /** Pushes the address of the event's record. */
  pushEvent(): void {
    if (this.isBatch) this.code.localGet(this.event);
    else this.loadAt(Wasm.I32_LOAD, At.EVENT);
  }

  /** Opens the block that `leave` leaves in a batch. */
  openBody(): void {
    this.code.block();
    this.#outer = this.code.depth;
  }

  /** Ends the function, r0 being its result. */
  leave(): void {
    if (this.isBatch) {
      this.code.br(this.code.depth - this.#outer);
      return;
    }
    this.get64(0);
    this.code.op(Wasm.RETURN);
  }

  /** Zeros what lies below the frame's top, rounded up to words. */
  zeroStack(bytes: number): void {
    const { code } = this;
    const size = (bytes + 7) & ~7;
    const start = Limit.FRAME_STACK - size;
    if (size > 128) {
      code.localGet(this.frame);
      code.i32Const(start);
      code.op(Wasm.I32_ADD);
      code.i32Const(0);
      code.i32Const(size);
      code.memoryFill();
      return;
    }
    for (let done = 0; done < size; done += 8) {
      code.localGet(this.frame);
      code.i64Const(0);
      code.memory(Wasm.I64_STORE, start + done);
    }
  }
}
