// Random well-formed programs for the differential tests. `tame` ones touch only what they may (their stack after they
// filled it, their context, values of maps behind a null check), so that they also run unchecked; wild ones
// dereference whatever is in a register and run into traps. Both are straight out of the instruction table: a new
// row is generated without a change here.
//
//   r6 context   r10 stack, 64 bytes in use   r9 loop counters   the other registers hold anything

import { encode, INSN_ROWS, type Insn, type InsnRow, insnRow, makeInsn } from "../../dist/src/index.js";
import { Random } from "./random.js";

/** Bytes of context, and of stack that a frame fills and uses. */
export const CONTEXT_SIZE = 64;
const STACK_USED = 64;

/** The maps of every generated program, by the index that relocations name: hash 8 -> 16 x 8, array 4 -> 16 x 4. */
export const HASH = 0;
export const ARRAY = 1;

export interface GeneratedProgram {
  readonly seed: number;
  readonly bytes: Uint8Array;
  /** Slots of the `lddw`s that load a map, and which. */
  readonly relo: readonly (readonly [slot: number, map: number])[];
  readonly isTame: boolean;
  readonly hasLoop: boolean;
  readonly hasMapCall: boolean;
  readonly hasAccess: boolean;
  /** A `callx`, which only checked programs may have. */
  readonly hasIndirectCall: boolean;
}

const row = (name: string): InsnRow => insnRow(name);
const rows = (pattern: RegExp): InsnRow[] => INSN_ROWS.filter(({ name }) => pattern.test(name));

const ALU_ROWS = [
  ...rows(/^(add|sub|mul|div|sdiv|mod|smod|or|and|xor|lsh|rsh|arsh|mov)(32|64)_(imm|reg)$/),
  ...rows(/^(neg|movsx|le|be|bswap|addr_space)/),
];
const JUMP_ROWS = rows(/^j\w+(32|64)_(imm|reg)$/);
const LOAD_ROWS = rows(/^(ldxs?|load_acquire_)(b|h|w|dw)$/);
const STORE_ROWS = rows(/^(stx?|store_release_)(b|h|w|dw)$/);
const ATOMIC_ROWS = rows(/^(atomic_|fetch_|xchg|cmpxchg)/);
const PACKET_ROWS = rows(/^ld(abs|ind)/);
/** Registers that hold data; r6, r9 and r10 have their jobs. */
const DATA = [0, 1, 2, 3, 4, 5, 7, 8];
/** Helpers without arguments: ktime is left out, its value is the run's. */
const PLAIN_HELPERS = [7, 8, 14, 15];

const isJump = (name: string): boolean => /^j|^gotol$|^may_goto$/.test(name);
const isMemory = (which: InsnRow): boolean =>
  LOAD_ROWS.includes(which) || STORE_ROWS.includes(which) || ATOMIC_ROWS.includes(which);

const accessSize = ({ name }: InsnRow): number => {
  if (/64$|dw$/.test(name)) return 8;
  if (/32$|w$/.test(name)) return 4;
  return /h$/.test(name) ? 2 : 1;
};

class Generator {
  readonly random: Random;
  readonly insns: Insn[] = [];
  readonly relo: [number, number][] = [];
  readonly isTame: boolean;
  readonly focus: readonly string[];
  #slots = 0;
  /** Slots of calls that wait for the function at the end. */
  #calls: number[] = [];
  #loops = 0;
  hasLoop = false;
  hasMapCall = false;
  hasAccess = false;
  hasIndirectCall = false;
  #inFunction = false;

  constructor(random: Random, isTame: boolean, focus: readonly string[]) {
    this.random = random;
    this.isTame = isTame;
    this.focus = focus;
  }

  emit(
    which: InsnRow | string,
    operands: Partial<Record<"dst" | "src" | "off" | "imm" | "next", number>> = {},
  ): number {
    const insn = makeInsn(typeof which === "string" ? row(which) : which, operands, this.#slots);
    this.insns.push(insn);
    this.#slots += insn.row.wide ? 2 : 1;
    return this.insns.length - 1;
  }

  /** Points the jump at `index` here. */
  land(index: number): void {
    const insn = this.insns[index];
    const distance = this.#slots - insn.slot - 1;
    const field = insn.row.operands.has("off") ? "off" : "imm";
    this.insns[index] = { ...insn, [field]: distance };
  }

  /** Fills the frame's stack and the registers that a frame may read. */
  frame(): void {
    for (let at = 8; at <= STACK_USED; at += 8)
      this.emit("stdw", { dst: 10, off: -at, imm: this.random.imm() });
  }

  program(): void {
    this.emit("mov64_reg", { dst: 6, src: 1 });
    this.frame();
    for (const dst of DATA) this.constant(dst);
    this.emit("mov64_imm", { dst: 9, imm: 0 });
    const statements = this.random.between(3, 12);
    const focusAt = this.random.between(0, statements - 1);
    for (let index = 0; index < statements; index++) {
      if (index === focusAt && this.focus.length > 0) this.focusSequence();
      this.statement(2);
    }
    this.fold();
    this.emit("exit");
    this.functions();
  }

  /**
   * The rows in focus, side by side. What they need stands before them, what shows their effect behind them: a jump of
   * theirs goes past a marker or two, an `exit` is jumped over half of the time.
   */
  focusSequence(): void {
    const { random, focus } = this;
    const jumps: number[] = [];
    const dst = random.pick(DATA);
    const imm = random.imm();
    const over = focus.includes("exit")
      ? this.emit("jset64_imm", { dst: random.pick(DATA), imm: 1 })
      : undefined;
    // A jump is taken as often as not when its operands are nearly the same.
    for (const each of [dst, random.pick(DATA)]) {
      if (random.chance(0.7)) this.emit("lddw", { dst: each, imm, next: random.pick([0, -1, 1, imm >> 31]) });
    }
    const at = -random.between(1, STACK_USED / 8) * 8;
    this.emit("stdw", { dst: 10, off: at, imm });
    if (focus.includes("lookup")) this.lookupArguments(focus[0] !== "lddw");
    for (const name of focus) {
      const which = name === "lookup" ? row("call_helper") : row(name);
      const shared = random.chance(0.7) ? dst : random.pick(DATA);
      if (name === "lookup") this.emit(which, { imm: 1 });
      else if (name === "lddw" && focus.includes("lookup")) this.mapAddress(1);
      else if (name === "exit") this.emit(which);
      else if (isJump(name)) {
        const afterLookup = focus[0] === "lookup";
        const operands = this.jumpOperands(which);
        if (operands.dst !== undefined) operands.dst = afterLookup ? 0 : shared;
        if (operands.imm !== undefined)
          operands.imm = afterLookup ? 0 : random.chance(0.7) ? imm : operands.imm;
        jumps.push(this.emit(which, operands));
      } else if (LOAD_ROWS.includes(which) && random.chance(0.7))
        this.emit(which, { dst: shared, src: 10, off: at });
      else if (which.operands.has("dst") && !isMemory(which)) this.plain(which, shared);
      else this.row(which);
    }
    // Each jump lands behind a marker of its own: of two in a row, either may be the one that is wrong.
    for (const jump of jumps) {
      this.emit("xor64_imm", { dst: 7, imm: random.bits() | 1 });
      this.land(jump);
    }
    if (over !== undefined) this.land(over);
    if (focus.includes("lookup")) this.useValue();
  }

  /** r1 a map, r2 a key of it; with `gap` the map comes first, so that the call does not follow its `lddw`. */
  lookupArguments(gap: boolean): void {
    if (gap) this.mapAddress(1);
    this.emit("stdw", { dst: 10, off: -8, imm: this.random.between(0, 6) });
    this.emit("mov64_reg", { dst: 2, src: 10 });
    this.emit("add64_imm", { dst: 2, imm: -8 });
  }

  /** Reads the value that r0 may point to; the address itself is forgotten, it says nothing about the program. */
  useValue(): void {
    const none = this.emit("jeq64_imm", { dst: 0, imm: 0 });
    this.emit("ldxdw", { dst: 7, src: 0, off: this.random.between(0, 8) });
    this.land(none);
    this.emit("mov64_imm", { dst: 0, imm: 3 });
  }

  /** r0 becomes a mix of all data registers. */
  fold(): void {
    for (const src of DATA.slice(1))
      this.emit(this.random.chance(0.5) ? "xor64_reg" : "add64_reg", { dst: 0, src });
  }

  functions(): void {
    if (this.#calls.length === 0) return;
    for (const call of this.#calls) this.land(call);
    this.#inFunction = true;
    this.frame();
    this.emit("mov64_imm", { dst: 0, imm: this.random.imm() });
    for (const dst of [7, 8]) this.constant(dst);
    for (let count = this.random.between(1, 4); count > 0; count--) this.statement(0);
    this.emit("exit");
  }

  constant(dst: number): void {
    const kind = this.random.between(0, 2);
    if (kind === 0) this.emit("lddw", { dst, imm: this.random.imm(), next: this.random.imm() });
    else this.emit(kind === 1 ? "mov64_imm" : "mov32_imm", { dst, imm: this.random.imm() });
  }

  statement(depth: number): void {
    const { random } = this;
    const kind = random.between(0, 19);
    if (kind < 6) this.row(random.pick(ALU_ROWS));
    else if (kind < 8) this.row(random.pick(LOAD_ROWS));
    else if (kind < 10) this.row(random.pick(STORE_ROWS));
    else if (kind < 11) this.row(random.pick(ATOMIC_ROWS));
    else if (kind < 13) this.branch(depth);
    else if (kind < 15) this.loop(depth);
    else if (kind < 18) this.mapCall();
    else if (kind < 19) this.call();
    else this.row(random.pick(PACKET_ROWS));
  }

  /** One instruction of any kind, its operands such that it makes sense. */
  row(which: InsnRow): void {
    const { random } = this;
    const { name } = which;
    if (isJump(name)) this.branchOn(which);
    else if (LOAD_ROWS.includes(which)) this.load(which);
    else if (STORE_ROWS.includes(which) || ATOMIC_ROWS.includes(which)) this.store(which);
    else if (name === "call_helper") this.emit(which, { imm: random.pick(PLAIN_HELPERS) });
    else if (name === "call_local") this.localCall();
    else if (name === "callx") this.indirectCall();
    else if (name === "exit") this.earlyExit();
    else if (name.startsWith("lddw_func")) this.emit(which, { dst: random.pick(DATA), imm: 0 });
    else if (name.startsWith("lddw_map")) this.mapAddress(random.pick(DATA), which);
    else this.plain(which);
  }

  plain(which: InsnRow, dst?: number): void {
    const { random } = this;
    const operands: Record<string, number> = {};
    for (const field of which.operands) {
      if (field === "dst") operands.dst = dst ?? random.pick(DATA);
      else if (field === "src") operands.src = random.pick(DATA);
      else if (field === "imm" || field === "next") operands[field] = random.imm();
    }
    // Offsets into the packet are mostly inside it.
    if (which.group === "packet" && random.chance(0.9)) {
      operands.imm = random.between(0, CONTEXT_SIZE - 4);
      if (which.operands.has("src")) this.emit("mov64_imm", { dst: operands.src, imm: 0 });
    }
    this.emit(which, operands);
  }

  /** Base register and offset of an access of `size` bytes. */
  place(size: number, isStore: boolean): { base: number; off: number } {
    const { random } = this;
    this.hasAccess = true;
    if (!this.isTame && random.chance(0.15))
      return { base: random.pick([...DATA, 6, 10]), off: random.between(-600, 600) };
    if (this.#inFunction || random.chance(0.5)) return { base: 10, off: -random.between(size, STACK_USED) };
    return {
      base: 6,
      off: isStore ? random.between(0, CONTEXT_SIZE - size) : random.between(0, CONTEXT_SIZE - size),
    };
  }

  load(which: InsnRow): void {
    const { base, off } = this.place(accessSize(which), false);
    this.emit(which, { dst: this.random.pick(DATA), src: base, off });
  }

  store(which: InsnRow, base?: number, limit?: number): void {
    const { random } = this;
    const size = accessSize(which);
    const place =
      base === undefined ? this.place(size, true) : { base, off: random.between(0, (limit ?? size) - size) };
    const operands: Record<string, number> = { dst: place.base, off: place.off };
    if (which.operands.has("src")) operands.src = random.pick(DATA);
    if (which.operands.has("imm")) operands.imm = random.imm();
    this.emit(which, operands);
  }

  jumpOperands(which: InsnRow): Record<string, number> {
    const operands: Record<string, number> = {};
    if (which.operands.has("dst")) operands.dst = this.random.pick(DATA);
    if (which.operands.has("src")) operands.src = this.random.pick(DATA);
    if (/_imm$/.test(which.name)) operands.imm = this.random.imm();
    return operands;
  }

  branch(depth: number): void {
    const which = this.random.pick(JUMP_ROWS);
    const jump = this.emit(which, this.jumpOperands(which));
    this.statements(depth);
    if (this.random.chance(0.5)) {
      const over = this.emit(this.random.chance(0.8) ? "ja" : "gotol");
      this.land(jump);
      this.statements(depth);
      this.land(over);
    } else this.land(jump);
  }

  /** A jump over one instruction that shows whether it was taken; half of the time its operands are nearly the same. */
  branchOn(which: InsnRow): void {
    const { random } = this;
    const operands = this.jumpOperands(which);
    const imm = operands.imm ?? random.imm();
    for (const register of [operands.dst, operands.src]) {
      if (register === undefined || random.chance(0.5)) continue;
      this.emit("lddw", { dst: register, imm, next: random.pick([0, -1, 1, imm >> 31]) });
    }
    const jump = this.emit(which, operands);
    this.emit("xor64_imm", { dst: this.random.pick(DATA), imm: this.random.bits() | 1 });
    this.land(jump);
  }

  statements(depth: number): void {
    if (depth === 0) this.row(this.random.pick(ALU_ROWS));
    else for (let count = this.random.between(1, 3); count > 0; count--) this.statement(depth - 1);
  }

  /** The counter lives in r9, eight bits per nesting. */
  loop(depth: number): void {
    if (depth === 0 || this.#loops === 2) {
      this.row(this.random.pick(ALU_ROWS));
      return;
    }
    this.hasLoop = true;
    const one = 1 << (8 * this.#loops++);
    const rounds = this.random.between(1, 5);
    this.emit("add64_imm", { dst: 9, imm: rounds * one });
    const start = this.#slots;
    const leave = this.random.chance(0.2) ? this.emit("may_goto") : undefined;
    this.statements(depth - 1);
    this.emit("sub64_imm", { dst: 9, imm: one });
    const mask = one * 255;
    const back = this.emit("jset64_imm", { dst: 9, imm: mask | 0 });
    this.insns[back] = { ...this.insns[back], off: start - this.insns[back].slot - 1 };
    if (leave !== undefined) {
      this.land(leave);
      this.emit("and64_imm", { dst: 9, imm: ~mask });
    }
    this.#loops--;
  }

  mapAddress(
    dst: number,
    which = row(this.random.pick(["lddw_map_fd", "lddw_map_idx"])),
    map = this.random.between(0, 1),
  ): void {
    const index = this.emit(which, { dst });
    this.relo.push([this.insns[index].slot, which.name.endsWith("value") ? ARRAY : map]);
  }

  /** A key on the stack (often one that exists), the call, and something done with a value that was found. */
  mapCall(): void {
    const { random } = this;
    this.hasMapCall = true;
    const map = random.between(0, 1);
    const helper = random.between(1, 3);
    const mapFirst = random.chance(0.3);
    if (mapFirst) this.mapAddress(1, undefined, map);
    this.emit("stdw", { dst: 10, off: -8, imm: random.between(0, 6) });
    this.emit("mov64_reg", { dst: 2, src: 10 });
    this.emit("add64_imm", { dst: 2, imm: -8 });
    if (helper === 2) {
      this.emit("mov64_reg", { dst: 3, src: 10 });
      this.emit("add64_imm", { dst: 3, imm: -32 });
      this.emit("mov64_imm", { dst: 4, imm: random.between(0, 3) });
    }
    if (!mapFirst) this.mapAddress(1, undefined, map);
    this.emit("call_helper", { imm: helper });
    if (helper === 1) {
      const none = this.emit(random.pick(["jeq64_imm", "jeq64_imm", "jeq32_imm"]), { dst: 0, imm: 0 });
      if (random.chance(0.5))
        this.store(
          random.pick([...STORE_ROWS, ...ATOMIC_ROWS].filter(({ name }) => !/^cmpxchg/.test(name))),
          0,
          16,
        );
      else this.emit(row("ldxdw"), { dst: random.pick(DATA), src: 0, off: random.between(0, 8) });
      this.land(none);
    }
    this.afterCall();
    // What a lookup gave is an address, which says nothing about the program.
    if (helper === 1) this.emit("mov64_imm", { dst: 0, imm: random.imm() });
  }

  call(): void {
    const kind = this.random.between(0, 2);
    if (kind === 0 || this.#inFunction) this.emit("call_helper", { imm: this.random.pick(PLAIN_HELPERS) });
    else if (kind === 1) this.localCall();
    else this.indirectCall();
  }

  localCall(): void {
    if (this.#inFunction) this.emit("call_helper", { imm: 8 });
    else {
      this.#calls.push(this.emit("call_local"));
      this.afterCall();
    }
  }

  /** Arguments are gone after a call of a function: what is left in their registers depends on the engine. */
  afterCall(): void {
    for (const dst of [1, 2, 3, 4, 5]) this.constant(dst);
  }

  indirectCall(): void {
    this.hasIndirectCall = true;
    if (!this.#inFunction && this.random.chance(0.5)) {
      this.#calls.push(this.emit("lddw_func", { dst: 8 }));
      this.emit("callx", { dst: 8 });
      this.afterCall();
      this.emit("mov64_imm", { dst: 8, imm: 1 });
      return;
    }
    this.emit("mov64_imm", {
      dst: 7,
      imm: this.isTame ? this.random.pick(PLAIN_HELPERS) : this.random.pick([7, 8, 14, 15, 0, 999]),
    });
    this.emit("callx", { dst: 7 });
  }

  earlyExit(): void {
    const over = this.emit("jset64_imm", { dst: this.random.pick(DATA), imm: 1 });
    this.emit("mov64_imm", { dst: 0, imm: this.random.imm() });
    this.emit("exit");
    this.land(over);
  }

  result(seed: number): GeneratedProgram {
    const { relo, isTame, hasLoop, hasMapCall, hasAccess, hasIndirectCall } = this;
    const bytes = encode(this.insns);
    return { seed, bytes, relo, isTame, hasLoop, hasMapCall, hasAccess, hasIndirectCall };
  }
}

/**
 * The program of a seed. The rows named by `focus` stand in it side by side, in that order; `lookup` there is a call of
 * map_lookup_elem.
 */
export function generateProgram(
  seed: number,
  isTame: boolean,
  focus: readonly string[] = [],
): GeneratedProgram {
  const generator = new Generator(new Random(seed), isTame, focus);
  generator.program();
  return generator.result(seed);
}
