// What the generator of programs for the verifier writes into: instructions with jumps that land later, and a rough
// idea of what each register and stack slot holds. Rough is enough: the verifiers judge, the idea only makes about
// half of the programs acceptable.

import { encode, type Insn, insnRow, makeInsn } from "../../dist/src/index.js";
import type { Random } from "./random.ts";

export type Kind =
  | "none"
  | "scalar"
  | "small"
  | "ctx"
  | "fp"
  | "value"
  | "maybe"
  | "packet"
  | "end"
  | "record";

/** What a register holds, as far as the generator knows. */
export interface Held {
  readonly kind: Kind;
  /** `fp`: bytes from the end of the frame; `value`, `packet`, `record`: bytes that may be accessed from here on. */
  readonly extent: number;
  /** `small`: largest value. */
  readonly max: number;
}

export const NONE: Held = { kind: "none", extent: 0, max: 0 };
export const SCALAR: Held = { kind: "scalar", extent: 0, max: 0 };
export const small = (max: number): Held => ({ kind: "small", extent: 0, max });

/** A stretch of stack that was written. */
export interface Spill {
  readonly off: number;
  readonly size: number;
  readonly held: Held;
}

export interface Shape {
  readonly registers: readonly Held[];
  readonly stack: readonly Spill[];
}

type Operands = Partial<Record<"dst" | "src" | "off" | "imm" | "next", number>>;

export class Emitter {
  readonly random: Random;
  readonly insns: Insn[] = [];
  readonly relo: [slot: number, map: number][] = [];
  registers: Held[] = Array.from({ length: 11 }, () => NONE);
  stack: Spill[] = [];
  slots = 0;

  constructor(random: Random) {
    this.random = random;
  }

  emit(name: string, operands: Operands = {}): number {
    const insn = makeInsn(insnRow(name), operands, this.slots);
    this.insns.push(insn);
    this.slots += insn.row.wide ? 2 : 1;
    return this.insns.length - 1;
  }

  /** Points the jump or call at `index` to `slot`: here, if nothing else is said. */
  land(index: number, slot = this.slots): void {
    const insn = this.insns[index];
    const field = insn.row.operands.has("off") ? "off" : "imm";
    this.insns[index] = { ...insn, [field]: slot - insn.slot - 1 };
  }

  set(register: number, held: Held): void {
    this.registers[register] = held;
  }

  held(register: number): Held {
    return this.registers[register];
  }

  /** A register that holds one of these, or undefined. */
  find(...kinds: Kind[]): number | undefined {
    const found = this.registers.flatMap((held, register) => (kinds.includes(held.kind) ? [register] : []));
    return found.length === 0 ? undefined : this.random.pick(found);
  }

  /** A scalar's register; makes one where there is none. */
  scalar(): number {
    const found = this.find("scalar", "small", "small");
    if (found !== undefined) return found;
    const register = this.target();
    this.emit("mov64_imm", { dst: register, imm: this.random.imm() });
    this.set(register, SCALAR);
    return register;
  }

  /** A register that may be written: seldom one that holds a pointer. */
  target(): number {
    const free = [0, 1, 2, 3, 4, 5, 7, 8, 9].filter((register) =>
      ["none", "scalar", "small"].includes(this.registers[register].kind),
    );
    if (free.length === 0 || this.random.chance(0.1)) return this.random.pick([0, 1, 2, 3, 4, 5, 7, 8, 9]);
    return this.random.pick(free);
  }

  /** A call's end: the argument registers are gone. */
  clobber(result: Held): void {
    for (let register = 1; register <= 5; register++) this.set(register, NONE);
    this.set(0, result);
  }

  wrote(off: number, size: number, held: Held): void {
    this.stack = this.stack.filter((spill) => spill.off + spill.size <= off || off + size <= spill.off);
    this.stack.push({ off, size, held });
  }

  /** True when each of those bytes of the stack was written. */
  isWritten(off: number, size: number): boolean {
    for (let at = off; at < off + size; at++) {
      if (!this.stack.some((spill) => spill.off <= at && at < spill.off + spill.size)) return false;
    }
    return true;
  }

  shape(): Shape {
    return { registers: [...this.registers], stack: [...this.stack] };
  }

  restore(shape: Shape): void {
    this.registers = [...shape.registers];
    this.stack = [...shape.stack];
  }

  /** What is known where two ways meet. */
  join(other: Shape): void {
    this.registers = this.registers.map((held, register) => {
      const { kind, extent, max } = other.registers[register];
      if (held.kind === kind) {
        return { kind, extent: Math.min(extent, held.extent), max: Math.max(max, held.max) };
      }
      const scalars: readonly Kind[] = ["scalar", "small"];
      return scalars.includes(kind) && scalars.includes(held.kind) ? SCALAR : NONE;
    });
    this.stack = this.stack.filter(({ off, size }) =>
      other.stack.some((spill) => spill.off <= off && off + size <= spill.off + spill.size),
    );
  }

  /** Packet pointers lose their meaning when a helper may have moved the packet. */
  forgetPackets(): void {
    const isPacket = ({ kind }: Held): boolean => kind === "packet" || kind === "end";
    this.registers = this.registers.map((held) => (isPacket(held) ? NONE : held));
    this.stack = this.stack.map((spill) => (isPacket(spill.held) ? { ...spill, held: SCALAR } : spill));
  }

  bytes(): Uint8Array {
    return encode(this.insns);
  }
}
