// Where a register came from: goes back along the way to a rejection, from instruction to instruction that made the
// value, and notes where a comparison taught something about it, or where it lost its bound.

import { kernelHelperName } from "../../isa/disassembler.ts";
import { Alu, Class, type Code, Opcode } from "../code.ts";
import { offsetOf, slotOf } from "../insns/stack-access.ts";
import { Flag, type Register } from "../register.ts";
import { formatRegister } from "./print-state.ts";
import type { Moment } from "./way.ts";

export type CauseKind =
  | "origin"
  | "copied"
  | "computed"
  | "bound-lost"
  | "stored"
  | "loaded"
  | "passed"
  | "checked"
  | "ended";

/** A step of the way that made the register what it is. */
export interface Step {
  readonly kind: CauseKind;
  readonly slot: number;
  readonly text: string;
  /** The register's value behind it, as the log prints it. */
  readonly state: string;
}

/** What is followed: a register, or a stack slot (by index), of a frame. */
interface Thing {
  readonly frame: number;
  readonly register: number;
  readonly stackSlot: number;
}

const MAX_STEPS = 24;
const U32_LIMIT = 1n << 32n;

const isBounded = ({ kind, scalar }: Register): boolean =>
  kind !== "none" && scalar.smin > -U32_LIMIT && scalar.smax < U32_LIMIT;

/** The stack slot that a load or store goes to; -1 when it is none, or not known. */
function stackSlotOf(code: Code, slot: number, { registers }: Moment, base: number): number {
  const pointer = registers[base];
  if (pointer?.kind !== "fp" || !pointer.scalar.isConstant) return -1;
  return slotOf(pointer.wholeOffset + code.off[slot]);
}

export class CauseFinder {
  readonly #code: Code;
  readonly #moments: readonly Moment[];
  readonly #isWhole: boolean;
  readonly #steps: Step[] = [];
  #thing: Thing = { frame: 0, register: 0, stackSlot: -1 };
  /** False once the value's origin is found. */
  #isOpen = true;

  /** `isWhole`: the first moment is the beginning. */
  constructor(code: Code, moments: readonly Moment[], isWhole: boolean) {
    this.#code = code;
    this.#moments = moments;
    this.#isWhole = isWhole;
  }

  /** The steps that made `register` what the last moment shows, the first one first. */
  find(register: number): Step[] {
    const last = this.#moments.length - 1;
    if (last < 0) return [];
    this.#thing = { frame: this.#moments[last].frame, register, stackSlot: -1 };
    for (let index = last - 1; index >= 0 && this.#isOpen && this.#steps.length < MAX_STEPS; index--) {
      this.#back(this.#moments[index], this.#moments[index + 1]);
    }
    if (this.#isOpen && this.#steps.length < MAX_STEPS) this.#noteEntry();
    return this.#steps.reverse();
  }

  #noteEntry(): void {
    const { register, stackSlot } = this.#thing;
    const first = this.#moments[0];
    // The frame's own address needs no story.
    if (stackSlot < 0 && register === 10) return;
    const held = stackSlot < 0 ? first.registers[register] : undefined;
    if (!this.#isWhole) {
      this.#note(
        "origin",
        first,
        `set before the last ${this.#moments.length} instructions of the way`,
        held,
      );
      return;
    }
    if (held === undefined || held.kind === "none") {
      const what = stackSlot < 0 ? `r${register}` : `fp${offsetOf(stackSlot)}`;
      this.#note("origin", first, `nothing wrote ${what} on this way`, undefined);
    } else
      this.#note(
        "origin",
        first,
        held.kind === "ctx" ? "the context, in r1 at the start" : "set at the start",
        held,
      );
  }

  #note(kind: CauseKind, { slot }: Moment, text: string, after: Register | undefined): void {
    const state =
      after === undefined || after.kind === "none" ? "" : formatRegister(after, this.#thing.frame);
    this.#steps.push({ kind, slot, text, state });
  }

  #follow(register: number, frame = this.#thing.frame): void {
    this.#thing = { frame, register, stackSlot: -1 };
  }

  /** Over one instruction: what it did to the thing that is followed. */
  #back(moment: Moment, next: Moment): void {
    const code = this.#code;
    const { slot } = moment;
    if (this.#crossesCall(moment, next)) return;
    if (moment.frame !== this.#thing.frame || next.frame !== moment.frame) return;
    if (this.#thing.stackSlot >= 0) {
      this.#backOverStore(moment);
      return;
    }
    const { register } = this.#thing;
    const [before, after] = [moment.registers[register], next.registers[register]];
    switch (code.class(slot)) {
      case Class.ALU:
      case Class.ALU64:
        if (code.dst[slot] === register) this.#backOverAlu(moment, before, after);
        break;
      case Class.LDX:
        if (code.dst[slot] === register) this.#backOverLoad(moment, code.src[slot], after);
        break;
      case Class.LD:
        this.#backOverConstant(moment, register, after);
        break;
      case Class.STX:
        if (code.isAtomic(slot) && before !== after)
          this.#end("loaded", moment, "an atomic operation's old value", after);
        break;
      case Class.JMP:
      case Class.JMP32:
        this.#backOverJump(moment, next, before, after);
        break;
      default:
    }
  }

  #end(kind: CauseKind, moment: Moment, text: string, after: Register): void {
    this.#note(kind, moment, text, after);
    this.#isOpen = false;
  }

  /** Arguments come from the caller, results from the function. */
  #crossesCall(moment: Moment, next: Moment): boolean {
    const { frame, register, stackSlot } = this.#thing;
    if (next.frame > moment.frame && frame === next.frame) {
      const value = next.registers[register];
      if (stackSlot >= 0 || register < 1 || register > 5) {
        this.#end("origin", moment, `the function begins here, without a value in r${register}`, value);
      } else this.#goesToCaller(moment, register, value);
      return true;
    }
    if (next.frame < moment.frame && frame === next.frame && stackSlot < 0 && register === 0) {
      this.#note("passed", moment, "returned by the function", next.registers[0]);
      this.#follow(0, moment.frame);
      return true;
    }
    return false;
  }

  /** A local call passes r1 to r5 as they are; a helper gives its callback what it was given itself, or its own. */
  #goesToCaller(moment: Moment, register: number, value: Register): void {
    const isLocal = this.#code.isLocalCall(moment.slot);
    const source = isLocal ? register : [1, 2, 3, 4, 5].find((number) => moment.registers[number] === value);
    if (source === undefined) {
      this.#end("origin", moment, `given to the callback by ${this.#nameCalled(moment.slot)}`, value);
      return;
    }
    this.#note("passed", moment, `passed as argument r${register}`, value);
    this.#follow(source, moment.frame);
  }

  #nameCalled(slot: number): string {
    const code = this.#code;
    if (code.src[slot] === 0) return kernelHelperName(code.imm[slot]) ?? "a helper";
    return code.isLocalCall(slot) ? "a function" : (code.kernelFunction(slot) ?? "a function of the kernel");
  }

  #backOverStore(moment: Moment): void {
    const code = this.#code;
    const { slot } = moment;
    const kind = code.class(slot);
    if (kind !== Class.ST && kind !== Class.STX) return;
    if (stackSlotOf(code, slot, moment, code.dst[slot]) !== this.#thing.stackSlot) return;
    const place = `fp${offsetOf(this.#thing.stackSlot)}`;
    if (kind === Class.ST) {
      this.#note("stored", moment, `a constant stored to ${place}`, undefined);
      this.#isOpen = false;
      return;
    }
    if (code.isAtomic(slot)) {
      this.#note("computed", moment, `an atomic operation on ${place}`, undefined);
      this.#isOpen = false;
      return;
    }
    const src = code.src[slot];
    this.#note("stored", moment, `r${src} stored to ${place}`, moment.registers[src]);
    this.#follow(src);
  }

  #backOverAlu(moment: Moment, before: Register, after: Register): void {
    const code = this.#code;
    const { slot } = moment;
    const [opcode, src] = [code.code[slot], code.src[slot]];
    const usesSource = (opcode & 8) !== 0;
    const isMove = opcode >> 4 === Alu.MOV;
    if (isMove && !usesSource) {
      this.#end("origin", moment, "a constant", after);
      return;
    }
    if (isMove) {
      this.#note("copied", moment, `copied from r${src}`, after);
      this.#follow(src);
      return;
    }
    const operand = usesSource ? moment.registers[src] : undefined;
    const loses = isBounded(before) && !isBounded(after);
    this.#note(loses ? "bound-lost" : "computed", moment, describeSum(before, operand, src, loses), after);
    // Of a pointer plus a number, the number decides where it points; of a number plus a pointer, that one.
    const isIndex = operand?.kind === "scalar" && !operand.scalar.isConstant;
    if (operand !== undefined && (operand.isPointer || (before.isPointer && isIndex))) this.#follow(src);
    else if (operand !== undefined && isBounded(before) && !isBounded(operand)) this.#follow(src);
  }

  #backOverLoad(moment: Moment, base: number, after: Register): void {
    const index = stackSlotOf(this.#code, moment.slot, moment, base);
    const pointer = moment.registers[base];
    if (index < 0) {
      const from = pointer === undefined ? "memory" : formatRegister(pointer, this.#thing.frame);
      this.#end("loaded", moment, `loaded through r${base}, ${from}`, after);
      return;
    }
    this.#note("loaded", moment, `loaded from fp${offsetOf(index)}`, after);
    this.#thing = { frame: pointer.frame, register: -1, stackSlot: index };
  }

  #backOverConstant(moment: Moment, register: number, after: Register): void {
    const code = this.#code;
    if (code.code[moment.slot] === Opcode.LDDW) {
      if (code.dst[moment.slot] === register) this.#end("origin", moment, "loaded as a constant", after);
    } else if (register === 0) this.#end("origin", moment, "bytes of the packet", after);
    else if (register < 6) this.#end("ended", moment, `the load of packet bytes ended r${register}`, after);
  }

  #backOverJump(moment: Moment, next: Moment, before: Register, after: Register): void {
    const code = this.#code;
    const { slot } = moment;
    const { register } = this.#thing;
    if (code.isCall(slot)) {
      const name = this.#nameCalled(slot);
      if (register === 0) this.#end("origin", moment, describeResult(name, after), after);
      else if (register < 6) this.#end("ended", moment, `the call of ${name} ended r${register}`, after);
      else if (before !== after) {
        this.#note("ended", moment, `the call of ${name} ended what r${register} was`, after);
        if (before.kind !== after.kind) this.#isOpen = false;
      }
      return;
    }
    const isOperand =
      code.dst[slot] === register || ((code.code[slot] & 8) !== 0 && code.src[slot] === register);
    if (!code.isConditional(slot) || code.code[slot] === Opcode.MAY_GOTO) return;
    if (!isOperand && before === after) return;
    const taken = next.slot === code.target(slot);
    const result = before === after ? ", which taught nothing about it" : "";
    this.#note("checked", moment, `${taken ? "true" : "false"} on this way${result}`, after);
  }
}

function describeSum(before: Register, operand: Register | undefined, src: number, loses: boolean): string {
  const what = before.isPointer ? "the pointer moved" : "computed";
  const by = operand === undefined ? "" : ` with r${src} = ${formatRegister(operand)}`;
  return `${what}${by}${loses ? "; here it loses its bound" : ""}`;
}

function describeResult(name: string, result: Register): string {
  return `result of ${name}${(result.flags & Flag.MAYBE_NULL) !== 0 ? ", which may be null" : ""}`;
}
