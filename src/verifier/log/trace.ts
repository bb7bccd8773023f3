// Writes the verification down as the kernel's log has it: each instruction with the registers and stack slots that
// it touched, whole states where ways part and meet, and figures at the end (do_check and print_insn_state in
// kernel/bpf/verifier.c).

import type { SourceLine } from "../../program.ts";
import { Alu, Atomic, accessSize, Class, Opcode, PSEUDO_KFUNC_CALL } from "../code.ts";
import { type Env, MAX_INSNS } from "../env.ts";
import type { LoopVisit } from "../explore/loop-visits.ts";
import { slotOf } from "../insns/stack-access.ts";
import type { Observer } from "../observe.ts";
import type { Register } from "../register.ts";
import type { Rejection } from "../rejection.ts";
import type { Frame, StackSlot, State } from "../state.ts";
import { type LogBuffer, LogLevel } from "./log.ts";
import { formatSlotInsn } from "./print-insn.ts";
import { formatFrame, type Selection } from "./print-state.ts";
import { writeFunctions, writeLiveRegisters } from "./trace-head.ts";
import { PrecisionTrace } from "./trace-precision.ts";

/** Column that states begin at, and what longer lines are rounded up to. */
const STATE_COLUMN = 40;
const COLUMN_STEP = 8;

const CALLER_SAVED = 0x3f;
const ALL_REGISTERS = 0x7ff;

/** What was touched since it was printed last. */
class Touched implements Selection {
  registers = ALL_REGISTERS;
  areAllSlots = true;
  readonly slots: Set<number> = new Set();

  hasRegister(number: number): boolean {
    return (this.registers & (1 << number)) !== 0;
  }

  hasSlot(index: number): boolean {
    return this.areAllSlots || this.slots.has(index);
  }

  get isEmpty(): boolean {
    return this.registers === 0 && !this.areAllSlots && this.slots.size === 0;
  }

  touchAll(): void {
    this.registers = ALL_REGISTERS;
    this.areAllSlots = true;
  }

  clear(): void {
    this.registers = 0;
    this.areAllSlots = false;
    this.slots.clear();
  }
}

export class Trace implements Observer {
  readonly #env: Env;
  readonly #log: LogBuffer;
  readonly #touched = new Touched();
  readonly precision: PrecisionTrace | undefined;
  #line: SourceLine | undefined = undefined;
  /** Lines of instructions, by slot. */
  readonly #lines: (string | undefined)[] = [];
  /** Behind the last instruction's line, and how long that line is. */
  #insnEnd = 0;
  #insnLength = 0;
  /** The state is one that the lines above did not lead to. */
  #isNewWay = false;
  /** The frame that the instruction began in, and its stack where a call may fill it. */
  #frame: Frame;
  #stack: readonly StackSlot[] | undefined = undefined;
  #hasOpenSize = false;

  constructor(env: Env, log: LogBuffer) {
    this.#env = env;
    this.#log = log;
    this.precision = log.isDetailed ? new PrecisionTrace(env, log) : undefined;
    this.#frame = env.frame;
    if (!log.isDetailed) return;
    writeFunctions(log, env.flow.functions);
    writeLiveRegisters(env, log);
  }

  get position(): number {
    return this.#insnEnd;
  }

  begins(): void {
    this.#touched.touchAll();
    this.#line = undefined;
    this.#isNewWay = false;
    this.#insnEnd = 0;
    this.#frame = this.#env.frame;
  }

  before(): void {
    const { slot, code, state } = this.#env;
    const log = this.#log;
    if (log.isDetailed && this.#isNewWay) {
      log.write(`\n${this.#describeWay()}:`);
      this.#writeFrame(state, state.frame);
      this.#isNewWay = false;
    }
    if (!this.#touched.isEmpty) this.#writeTouched();
    this.#writeSource(slot);
    this.#lines[slot] ??= `${slot}: ${formatSlotInsn(code, slot)}\n`;
    const line = this.#lines[slot];
    log.write(line);
    this.#insnLength = line.length;
    this.#insnEnd = log.position;
    this.#frame = state.frame;
    this.#stack = code.isCall(slot) ? state.frame.stack.slice() : undefined;
    this.#hasOpenSize = code.isCall(slot) && hasOpenSize(state.registers);
    if (code.isCall(slot)) this.#touchObjects();
    else this.#touchStack();
  }

  after(next: number, parts: boolean): void {
    const { code, slot, state, flow } = this.#env;
    this.#touchRegisters();
    if (code.isConditional(slot) && code.code[slot] !== Opcode.MAY_GOTO) this.#writeTouched();
    else if (code.isLocalCall(slot) && state.frame !== this.#frame) this.#writeCall();
    else if (code.code[slot] === Opcode.EXIT && next >= 0) this.#writeReturn(next);
    else if (flow.callsBack[slot] === 1 && parts) this.#touched.touchAll();
    else if (this.#stack !== undefined && !code.isLocalCall(slot)) this.#touchFilled(this.#stack);
  }

  covered(): void {
    const text = this.#isNewWay ? `\n${this.#describeWay()}` : `${this.#env.slot}`;
    this.#log.write(`${text}: safe\n`);
  }

  loops(kept: State): void {
    const { slot, state } = this.#env;
    this.#writeSource(slot);
    this.#log.write(`infinite loop detected at insn ${slot}\ncur state:`);
    this.#writeFrame(state, state.frame);
    this.#log.write("old state:");
    this.#writeFrame(kept, kept.frame);
    this.#log.hasReason = true;
  }

  loop(event: "enter" | "backedge" | "exit", { chain }: LoopVisit): void {
    const loop = chain[chain.length - 1];
    // The kernel knows no loop of a callback's rounds.
    if (this.#log.isDetailed && loop <= this.#env.flow.jumpLoops)
      this.#log.write(`SCC ${event} (${chain})\n`);
  }

  resume(position: number): void {
    if (!this.#log.isDetailed) this.#log.reset(position);
    this.#touched.touchAll();
    this.#isNewWay = true;
  }

  #describeWay(): string {
    const { previousSlot, slot } = this.#env;
    return `from ${previousSlot} to ${slot}`;
  }

  #writeFrame(state: State, frame: Frame): void {
    this.#log.write(`${formatFrame(state, frame)}\n`);
  }

  /** Behind the instruction's line, unless something else was written since. */
  #writeTouched(): void {
    const log = this.#log;
    const { slot, state } = this.#env;
    if (this.#insnEnd > 0 && this.#insnEnd === log.position) {
      const least = Math.max(this.#insnLength + COLUMN_STEP / 2, STATE_COLUMN);
      const column = Math.ceil(least / COLUMN_STEP) * COLUMN_STEP;
      log.reset(this.#insnEnd - 1);
      log.write(`${" ".repeat(column - this.#insnLength - 1)};`);
    } else log.write(`${slot}:`);
    log.write(`${formatFrame(state, state.frame, this.#touched)}\n`);
    this.#touched.clear();
  }

  #writeSource(slot: number): void {
    const line = this.#env.program.lineAt(slot);
    const previous = this.#line;
    if (line === undefined || line === previous) return;
    if (previous !== undefined && line.file === previous.file && line.line === previous.line) return;
    const file = line.file.slice(line.file.lastIndexOf("/") + 1);
    this.#log.write(`; ${line.text.trimStart()} @ ${file}:${line.line}\n`);
    this.#line = line;
  }

  #writeCall(): void {
    const { state } = this.#env;
    this.#log.write("caller:\n");
    this.#writeFrame(state, this.#frame);
    this.#log.write("callee:\n");
    this.#writeFrame(state, state.frame);
    this.#touched.touchAll();
  }

  #writeReturn(next: number): void {
    const { state } = this.#env;
    this.#log.write("returning from callee:\n");
    this.#writeFrame(state, this.#frame);
    this.#log.write(`to caller at ${next}:\n`);
    this.#writeFrame(state, state.frame);
    this.#isNewWay = true;
  }

  /** Registers that the kernel looks up or sets: operands and results. */
  #touchRegisters(): void {
    const { code, slot } = this.#env;
    const [opcode, imm] = [code.code[slot], code.imm[slot]];
    const [dst, src] = [1 << code.dst[slot], 1 << code.src[slot]];
    const usesSource = (opcode & 8) !== 0;
    const touched = this.#touched;
    switch (opcode & 7) {
      case Class.LD:
        touched.registers |= opcode === Opcode.LDDW ? dst : CALLER_SAVED | (1 << 6);
        break;
      case Class.ST:
        touched.registers |= dst;
        break;
      case Class.LDX:
      case Class.STX:
        touched.registers |= dst | src | (code.isAtomic(slot) && imm === Atomic.CMPXCHG ? 1 : 0);
        break;
      case Class.ALU:
      case Class.ALU64:
        touched.registers |= usesSource && opcode >> 4 !== Alu.END ? dst | src : dst;
        break;
      default:
        if (code.isCall(slot)) touched.registers |= CALLER_SAVED;
        else if (code.isConditional(slot) && opcode !== Opcode.MAY_GOTO) {
          touched.registers |= usesSource ? dst | src : dst;
        }
    }
  }

  /** Stack slots that a store may reach, or a load does. */
  #touchStack(): void {
    const { code, slot, registers } = this.#env;
    const opcode = code.code[slot];
    const kind = opcode & 7;
    const isLoad = kind === Class.LDX || code.isLoadAcquire(slot);
    if (!isLoad && kind !== Class.ST && kind !== Class.STX) return;
    const pointer = registers[isLoad ? code.src[slot] : code.dst[slot]];
    if (pointer?.kind !== "fp") return;
    const { scalar } = pointer;
    const size = accessSize(opcode);
    const base = pointer.off + code.off[slot];
    if (scalar.isConstant) this.#touchBytes(base + Number(scalar.signedValue), size);
    else if (!isLoad && scalar.smin >= -512n && scalar.smax <= 512n) {
      const low = base + Number(scalar.smin);
      this.#touchBytes(low, base + Number(scalar.smax) - low + size);
    }
  }

  /** Dynptrs and iterators that a call is given. */
  #touchObjects(): void {
    const { registers, state } = this.#env;
    for (const { kind, off, scalar, frame } of registers.slice(1, 6)) {
      if (kind !== "fp" || !scalar.isConstant) continue;
      const first = slotOf(off + Number(scalar.signedValue));
      const object = state.frames[frame].stack[first]?.object;
      if (object?.kind !== "dynptr" && object?.kind !== "iter") continue;
      for (let index = first; index >= 0; index--) {
        if (state.frames[frame].stack[index]?.object?.kind !== object.kind) break;
        this.#touched.slots.add(index);
        if (object.kind === "dynptr" && index < first) break;
      }
    }
  }

  #touchBytes(off: number, size: number): void {
    for (let at = off; at < off + size; at++) this.#touched.slots.add(slotOf(at));
  }

  /**
   * Stack slots that a helper filled; of those that it may have filled, as far as a size is unknown, none. Pointers that
   * it ended were not filled.
   */
  #touchFilled(before: readonly StackSlot[]): void {
    if (this.#hasOpenSize) return;
    const { code, slot: at } = this.#env;
    const isHelper = code.src[at] !== PSEUDO_KFUNC_CALL;
    const fills =
      isHelper && this.#env.helpers.prototype(code.imm[at])?.args.some(({ uninit }) => uninit === true);
    const { stack } = this.#frame;
    for (const [index, slot] of stack.entries()) {
      // Only what need not be initialised before is told apart, and objects.
      if (fills !== true && slot.object === before[index]?.object) continue;
      const isNew = slot !== before[index] && !(before[index] === undefined && slot.bytes === 0);
      if (isNew && slot.register.kind === "none") this.#touched.slots.add(index);
    }
  }
}

/** A pointer to the stack goes with a size that is not one number. */
function hasOpenSize(registers: readonly Register[]): boolean {
  return [1, 2, 3, 4].some((number) => {
    const size = registers[number + 1];
    return registers[number].kind === "fp" && size.kind === "scalar" && !size.isConstant;
  });
}

/** The lines that end a log: why not, and what it took (print_verification_stats). */
export function writeEnd(
  log: LogBuffer,
  run: {
    readonly env: Env | undefined;
    readonly functions: readonly number[];
    readonly depths: readonly number[];
    readonly error: Rejection | undefined;
  },
  microseconds: number,
): void {
  const { env, functions, depths, error } = run;
  if (env === undefined && log.isDetailed) writeFunctions(log, functions);
  if (error !== undefined && !log.hasReason) log.write(`${error.message}\n`);
  if ((log.level & LogLevel.STATS) !== 0) {
    log.write(`verification time ${Math.round(microseconds)} usec\n`);
    log.write(`stack depth ${depths.join("+")}\n`);
  }
  log.write(
    `processed ${env?.insnsProcessed ?? 0} insns (limit ${MAX_INSNS}) ` +
      `max_states_per_insn ${env?.maxStatesPerInsn ?? 0} total_states ${env?.totalStates ?? 0} ` +
      `peak_states ${env?.peakStates ?? 0} mark_read 0\n`,
  );
}
