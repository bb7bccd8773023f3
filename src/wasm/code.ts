// The body of one Wasm function: locals and instructions. One method per instruction that has immediates, `op` for those
// that have none. Follows the WebAssembly core specification, 5.4; what is written is not validated here.

import { ByteWriter } from "./bytes.ts";
import { EMPTY_BLOCK, type MemoryOp, type PlainOp, Prefixed, type ValueType, Wasm } from "./opcodes.ts";

export class CodeWriter {
  readonly #code = new ByteWriter(256);
  readonly #locals: ValueType[] = [];
  readonly #parameters: number;
  #depth = 0;

  /** `parameters` is how many the function has: its locals count on from there. */
  constructor(parameters: number) {
    this.#parameters = parameters;
  }

  /** Blocks that are open: a label's depth is counted from the innermost one. */
  get depth(): number {
    return this.#depth;
  }

  /** A new local, zero at first; gives its index. */
  local(type: ValueType): number {
    return this.#parameters + this.#locals.push(type) - 1;
  }

  op(op: PlainOp): void {
    this.#code.u8(op);
  }

  block(): void {
    this.#open(Wasm.BLOCK, EMPTY_BLOCK);
  }

  loop(): void {
    this.#open(Wasm.LOOP, EMPTY_BLOCK);
  }

  /** `if`: with a type, both sides leave one value of it. */
  if(type?: ValueType): void {
    this.#open(Wasm.IF, type ?? EMPTY_BLOCK);
  }

  #open(op: Wasm, type: number): void {
    this.#code.u8(op);
    this.#code.u8(type);
    this.#depth++;
  }

  /** Closes the innermost block. */
  end(): void {
    this.#code.u8(Wasm.END);
    this.#depth--;
  }

  /** To the block or loop that is `label` blocks out from the innermost one. */
  br(label: number): void {
    this.#code.u8(Wasm.BR);
    this.#code.u32(label);
  }

  brIf(label: number): void {
    this.#code.u8(Wasm.BR_IF);
    this.#code.u32(label);
  }

  /** To one of `labels` by the i32 on the stack; to the last one from there on. */
  brTable(labels: readonly number[]): void {
    this.#code.u8(Wasm.BR_TABLE);
    this.#code.u32(labels.length - 1);
    for (const label of labels) this.#code.u32(label);
  }

  call(functionIndex: number): void {
    this.#code.u8(Wasm.CALL);
    this.#code.u32(functionIndex);
  }

  localGet(local: number): void {
    this.#code.u8(Wasm.LOCAL_GET);
    this.#code.u32(local);
  }

  localSet(local: number): void {
    this.#code.u8(Wasm.LOCAL_SET);
    this.#code.u32(local);
  }

  localTee(local: number): void {
    this.#code.u8(Wasm.LOCAL_TEE);
    this.#code.u32(local);
  }

  i32Const(value: number): void {
    this.#code.u8(Wasm.I32_CONST);
    this.#code.s32(value);
  }

  /** A constant by its halves; without `high` the sign of `low` goes on. */
  i64Const(low: number, high = low >> 31): void {
    this.#code.u8(Wasm.I64_CONST);
    this.#code.s64(low, high);
  }

  /** A load or store at the i32 address on the stack plus `offset` (unsigned); nothing is known of its alignment. */
  memory(op: MemoryOp, offset: number): void {
    this.#code.u8(op);
    this.#code.u32(0);
    this.#code.u32(offset);
  }

  /** `memory.fill`: address, byte and size are on the stack. */
  memoryFill(): void {
    this.#code.u8(Wasm.PREFIX);
    this.#code.u32(Prefixed.MEMORY_FILL);
    this.#code.u8(0);
  }

  /** The body as a module holds it, without its size in front: locals, instructions, `end`. */
  finish(): Uint8Array {
    const body = new ByteWriter(this.#code.length + 32);
    const runs: [count: number, type: ValueType][] = [];
    for (const type of this.#locals) {
      const last = runs.at(-1);
      if (last !== undefined && last[1] === type) last[0]++;
      else runs.push([1, type]);
    }
    body.u32(runs.length);
    for (const [count, type] of runs) {
      body.u32(count);
      body.u8(type);
    }
    body.append(this.#code.bytes);
    body.u8(Wasm.END);
    return body.bytes;
  }
}
