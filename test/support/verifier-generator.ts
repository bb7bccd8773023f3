// Random programs for judging verifiers against each other: structured, so that a good part is acceptable, and close to
// the edge of what is. They keep pointers, bounds, spills and references over branches, loops and calls; now and
// then a step is left out or a bound is off by one.
//
//   r6 the context, mostly   r10 the stack   the other registers hold anything

import { Program, type ProgramType, parseBtf } from "../../dist/src/index.js";
import { BtfBuilder } from "./btf-builder.ts";
import { Random } from "./random.ts";
import { type Held, NONE, SCALAR, small } from "./verifier-emitter.ts";
import {
  ARRAY,
  GENERATOR_MAPS,
  HASH,
  insnNames,
  RING,
  Statements,
  VALUE_SIZE,
} from "./verifier-statements.ts";

export interface GeneratedCase {
  readonly seed: number;
  readonly type: ProgramType;
  readonly bytes: Uint8Array;
  readonly relo: readonly (readonly [slot: number, map: number])[];
}

/** Types of the functions of all programs: one prototype, `int main(void)`, and `static int sub(void)`. */
const TYPES = (() => {
  const builder = new BtfBuilder();
  const prototype = builder.refer("func_proto", builder.int("int", 4, 1));
  const main = builder.record(12, "main", 1, prototype);
  const sub = builder.record(12, "sub", 0, prototype);
  return { btf: parseBtf(builder.bytes()), main, sub };
})();

/** Slots where functions start, as calls and function pointers say. */
function functionSlots(bytes: Uint8Array): number[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const starts = new Set([0]);
  for (let slot = 0; 8 * slot < bytes.length; slot++) {
    const [opcode, registers] = bytes.subarray(8 * slot);
    const src = registers >> 4;
    const isFunction = (opcode === 0x85 && src === 1) || (opcode === 0x18 && src === 4);
    if (isFunction) starts.add(slot + 1 + view.getInt32(8 * slot + 4, true));
    if (opcode === 0x18) slot++;
  }
  return [...starts].sort((a, b) => a - b);
}

/** As both verifiers take it. */
export function programOf({ type, bytes, relo }: Pick<GeneratedCase, "type" | "bytes" | "relo">): Program {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const maps = relo.map(([slot, map]) => {
    const isValue = bytes[8 * slot + 1] >> 4 === 2;
    return {
      slot,
      map: GENERATOR_MAPS[map],
      ...(isValue ? { offset: view.getInt32(8 * slot + 12, true) } : {}),
    };
  });
  const functions = functionSlots(bytes).map((slot) => ({
    slot,
    name: slot === 0 ? "main" : `sub_${slot}`,
    typeId: slot === 0 ? TYPES.main : TYPES.sub,
  }));
  return new Program({
    name: "generated",
    type,
    insns: bytes,
    license: "GPL",
    maps,
    functions,
    btf: TYPES.btf,
  });
}

const RECORD_SIZE = 24;
/** Loops that `may_goto` ends: their verification is long. */
const MAY_GOTO = 0.02;
const JUMPS_IMM = insnNames(/^j\w+(32|64)_imm$/);
const JUMPS_REG = insnNames(/^j\w+(32|64)_reg$/);

class Generator extends Statements {
  #budget = this.random.between(4, 26);
  #functions: { readonly calls: number[]; readonly args: readonly Held[]; readonly isCallback: boolean }[] =
    [];
  #depth = 0;

  program(): void {
    this.set(1, { ...NONE, kind: "ctx" });
    this.set(10, { ...NONE, kind: "fp" });
    this.emit("mov64_reg", { dst: 6, src: 1 });
    this.set(6, this.held(1));
    this.block(this.#budget);
    this.leave();
    for (let index = 0; index < this.#functions.length; index++) this.function(index);
  }

  function(index: number): void {
    const { calls, args, isCallback } = this.#functions[index];
    for (const call of calls) this.land(call);
    this.registers = Array.from({ length: 11 }, () => NONE);
    this.stack = [];
    for (const [at, held] of args.entries()) this.set(at + 1, held);
    this.set(10, { ...NONE, kind: "fp" });
    this.#depth = 3;
    this.block(this.random.between(1, 6));
    if (isCallback) this.emit("mov64_imm", { dst: 0, imm: this.random.pick([0, 0, 0, 0, 0, 1, 1, 1, 1, 2]) });
    else this.constantResult();
    this.emit("exit");
  }

  constantResult(): void {
    if (this.held(0).kind === "scalar" || this.held(0).kind === "small") return;
    if (!this.slip()) this.emit("mov64_imm", { dst: 0, imm: this.random.between(0, 2) });
  }

  leave(): void {
    const scalar = this.find("scalar", "small");
    if (scalar !== undefined && this.random.chance(0.7)) this.emit("mov64_reg", { dst: 0, src: scalar });
    else if (!this.slip()) this.emit("mov64_imm", { dst: 0, imm: this.random.between(0, 2) });
    this.emit("exit");
  }

  block(count: number): void {
    for (let left = count; left > 0; left--) this.statement();
  }

  statement(): void {
    const { random } = this;
    const deep = this.#depth > 2;
    const choices: readonly (readonly [weight: number, make: () => void])[] = [
      [5, () => this.arithmetic()],
      [3, () => this.bound()],
      [3, () => this.contextField()],
      [4, () => this.spill()],
      [4, () => this.fill()],
      [4, () => this.access()],
      [3, () => this.pointerArithmetic()],
      [4, () => this.lookup()],
      [2, () => this.mapWrite()],
      [2, () => this.directValue()],
      [this.row.packet === undefined ? 0 : 4, () => this.packet()],
      [2, () => this.helper()],
      [this.isRunnable ? 0 : 1, () => this.ringbuf()],
      [1, () => this.copyPointer()],
      [1, () => this.variableStack()],
      [deep ? 0 : 5, () => this.branch()],
      [deep ? 0 : 2, () => this.loop()],
      [this.#functions.length > 2 ? 0 : 1, () => this.localCall()],
      [this.#functions.length > 2 || this.isRunnable ? 0 : 1, () => this.callback()],
      [1, () => this.nullCheck()],
    ];
    const total = choices.reduce((sum, [weight]) => sum + weight, 0);
    let at = random.below(total);
    for (const [weight, make] of choices) {
      at -= weight;
      if (at < 0) {
        make();
        return;
      }
    }
  }

  lookup(): void {
    const { random } = this;
    const map = random.pick([ARRAY, ARRAY, HASH]);
    this.stackArgument(2, map === ARRAY ? 4 : 8);
    this.mapAddress(1, map);
    this.emit("call_helper", { imm: 1 });
    this.clobber({ kind: "maybe", extent: VALUE_SIZE, max: 0 });
    if (random.chance(0.3)) {
      const copy = random.pick([7, 8, 9]);
      this.emit("mov64_reg", { dst: copy, src: 0 });
      this.set(copy, this.held(0));
    }
    if (random.chance(0.85)) this.nullCheck();
  }

  nullCheck(): void {
    const { random } = this;
    const pointer = this.find("maybe");
    if (pointer === undefined) return;
    const { extent } = this.held(pointer);
    if (random.chance(0.7)) {
      const jump = this.emit(random.chance(0.9) ? "jne64_imm" : "jne32_imm", { dst: pointer, imm: 0 });
      this.earlyExit();
      this.land(jump);
    } else {
      const jump = this.emit("jeq64_imm", { dst: pointer, imm: 0 });
      const before = this.shape();
      this.set(pointer, { kind: "value", extent, max: 0 });
      this.#nested(() => this.block(random.between(1, 3)));
      this.land(jump);
      this.join(before);
      return;
    }
    // Every copy is known with it.
    this.registers = this.registers.map((held) =>
      held.kind === "maybe" ? { ...held, kind: "value" } : held,
    );
    this.stack = this.stack.map((spill) =>
      spill.held.kind === "maybe" ? { ...spill, held: { ...spill.held, kind: "value" } } : spill,
    );
  }

  #nested(make: () => void): void {
    this.#depth++;
    make();
    this.#depth--;
  }

  /** Reserves a record, mostly writes to it, mostly gives it back. */
  ringbuf(): void {
    const { random } = this;
    this.mapAddress(1, RING);
    this.emit("mov64_imm", { dst: 2, imm: RECORD_SIZE });
    this.emit("mov64_imm", { dst: 3, imm: 0 });
    this.emit("call_helper", { imm: 131 });
    this.clobber(NONE);
    const jump = this.emit("jeq64_imm", { dst: 0, imm: 0 });
    const before = this.shape();
    const keep = random.pick([7, 8, 9]);
    this.emit("mov64_reg", { dst: keep, src: 0 });
    this.set(keep, { kind: "record", extent: RECORD_SIZE, max: 0 });
    if (random.chance(0.5)) this.access();
    if (random.chance(0.3)) this.arithmetic();
    if (!this.slip()) {
      this.emit("mov64_reg", { dst: 1, src: keep });
      this.emit("mov64_imm", { dst: 2, imm: 0 });
      this.emit("call_helper", { imm: random.pick([132, 133]) });
      this.clobber(NONE);
    }
    // Copies and spills of the record are gone with it.
    this.registers = this.registers.map((held) => (held.kind === "record" ? NONE : held));
    this.land(jump);
    this.join({
      registers: before.registers.map((held, at) => (at === 0 ? SCALAR : held)),
      stack: before.stack,
    });
  }

  branch(): void {
    const { random } = this;
    const dst = this.scalar();
    const jump = random.chance(0.65)
      ? this.emit(random.pick(JUMPS_IMM), {
          dst,
          imm: random.chance(0.5) ? random.between(-2, 40) : random.imm(),
        })
      : this.emit(random.pick(JUMPS_REG), { dst, src: this.scalar() });
    const before = this.shape();
    this.#nested(() => this.block(random.between(1, 3)));
    if (random.chance(0.15)) {
      this.leave();
      this.land(jump);
      this.restore(before);
      return;
    }
    if (random.chance(0.5)) {
      const over = this.emit(random.chance(0.9) ? "ja" : "gotol");
      const then = this.shape();
      this.land(jump);
      this.restore(before);
      this.#nested(() => this.block(random.between(1, 3)));
      this.land(over);
      this.join(then);
      return;
    }
    this.land(jump);
    this.join(before);
  }

  /** Counts a register, or a stack slot, up or down a few times. */
  loop(): void {
    const { random } = this;
    const counter = random.pick([7, 8, 9]);
    const rounds = random.between(1, 9);
    const isDown = random.chance(0.4);
    const inStack = random.chance(0.2);
    const limited = random.chance(MAY_GOTO)
      ? undefined
      : random.pick(["jlt64_imm", "jne64_imm", "jslt64_imm"]);
    this.emit("mov64_imm", { dst: counter, imm: isDown ? rounds : 0 });
    this.set(counter, NONE);
    const start = this.slots;
    const mayLeave = limited === undefined ? this.emit("may_goto") : undefined;
    if (inStack) this.emit("stxdw", { dst: 10, src: counter, off: -80 });
    const before = this.shape();
    this.#nested(() => this.block(random.between(1, 3)));
    this.join(before);
    if (inStack) this.emit("ldxdw", { dst: counter, src: 10, off: -80 });
    // A body that took the counter for something else makes a loop of unknown length.
    this.emit("add64_imm", { dst: counter, imm: isDown ? -1 : 1 });
    if (limited === undefined) {
      const back = this.emit("ja");
      this.land(back, start);
      this.land(mayLeave as number);
    } else {
      const back = isDown
        ? this.emit("jne64_imm", { dst: counter, imm: 0 })
        : this.emit(limited, { dst: counter, imm: rounds });
      this.land(back, start);
    }
    this.set(counter, small(9));
  }

  /** A new function, or one more call of the last one. */
  localCall(): void {
    const { random } = this;
    const count = random.between(0, 3);
    const args: Held[] = [];
    for (let register = 1; register <= count; register++) {
      const source = this.find("ctx", "value", "packet", "fp", "scalar", "small");
      if (source === undefined || source < register) break;
      this.emit("mov64_reg", { dst: register, src: source });
      // A caller's stack is written through its own pointer: the callee's idea of it is empty.
      args.push(this.held(source).kind === "fp" ? { kind: "value", extent: 0, max: 0 } : this.held(source));
      this.set(register, this.held(source));
    }
    const call = this.emit("call_local");
    this.#functions.push({ calls: [call], args, isCallback: false });
    this.clobber(SCALAR);
  }

  /** bpf_loop over a function, or bpf_for_each_map_elem. */
  callback(): void {
    const { random } = this;
    const isLoop = random.chance(0.6);
    if (isLoop) {
      const count = this.find("small");
      if (count !== undefined && random.chance(0.5)) this.emit("mov64_reg", { dst: 1, src: count });
      else this.emit("mov64_imm", { dst: 1, imm: random.between(0, 20) });
    } else this.mapAddress(1, random.pick([ARRAY, HASH]));
    const call = this.emit("lddw_func", { dst: 2 });
    const shared = random.chance(0.5);
    if (shared) {
      this.emit("stdw", { dst: 10, off: -16, imm: 0 });
      this.wrote(-16, 8, SCALAR);
      this.emit("mov64_reg", { dst: 3, src: 10 });
      this.emit("add64_imm", { dst: 3, imm: -16 });
    } else this.emit("mov64_imm", { dst: 3, imm: 0 });
    this.emit("mov64_imm", { dst: 4, imm: 0 });
    this.emit("call_helper", { imm: isLoop ? 181 : 164 });
    const context: Held = shared ? { kind: "value", extent: 8, max: 0 } : NONE;
    const args = isLoop
      ? [SCALAR, context]
      : [NONE, NONE, { kind: "value", extent: VALUE_SIZE, max: 0 } as Held];
    this.#functions.push({ calls: [call], args, isCallback: true });
    this.clobber(SCALAR);
  }

  result(seed: number): GeneratedCase {
    return { seed, type: this.row.type, bytes: this.bytes(), relo: this.relo };
  }
}

/** The program of a seed, of any type or of this one; `isRunnable`: of what our engines can run. */
export function generateCase(seed: number, type?: ProgramType, isRunnable = false): GeneratedCase {
  const generator = new Generator(new Random(seed), type, isRunnable);
  generator.program();
  return generator.result(seed);
}
