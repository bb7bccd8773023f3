// The shape of a program: its functions, what can follow what, where two ways may meet again (so that states are
// worth keeping there), which registers are still read behind an instruction. Looks at no values. The order of the
// search, and so which fault is named first, is the kernel's (check_subprogs and check_cfg in kernel/bpf/verifier.c).

import { Alu, Atomic, Class, type Code, Opcode } from "../code.ts";
import { E2BIG, EINVAL, reject } from "../rejection.ts";
import { findLoops } from "./loops.ts";

/** What is known of each slot before anything is explored. */
export class ControlFlow {
  /** First slot of each function, ascending; the first is the entry. */
  readonly functions: readonly number[];
  /** 1 where states are kept and compared. */
  readonly prunePoints: Uint8Array;
  /** 1 where a way's steps must be noted. */
  readonly jumpPoints: Uint8Array;
  /** 1 where a state must be kept at every visit. */
  readonly checkpoints: Uint8Array;
  /** 1 where a helper calls back a function of the program. */
  readonly callsBack: Uint8Array;
  /** 1 where an iterator is asked for its next element. */
  readonly iterates: Uint8Array;
  /** Registers that are read before they are written, as bits, at each slot. */
  readonly liveRegisters: Uint16Array;
  /** Number of the loop that each slot is part of; 0: none. */
  readonly loops: Uint32Array;
  /** Up to this number, loops are made of jumps; behind it, of a helper that calls back. */
  readonly jumpLoops: number;

  constructor(code: Code, functions: readonly number[], calls: CallTable) {
    this.functions = functions;
    this.prunePoints = new Uint8Array(code.length + 1);
    this.jumpPoints = new Uint8Array(code.length + 1);
    this.checkpoints = new Uint8Array(code.length + 1);
    this.callsBack = new Uint8Array(code.length + 1);
    this.iterates = new Uint8Array(code.length + 1);
    search(code, this, (slot) => calls.callback(slot));
    this.liveRegisters = findLiveRegisters(code, calls);
    const { loops, jumpLoops } = findLoops(code, this.callsBack);
    this.loops = loops;
    this.jumpLoops = jumpLoops;
  }

  /** Index of the function that a slot lies in. */
  functionAt(slot: number): number {
    let index = this.functions.length - 1;
    while (this.functions[index] > slot) index--;
    return index;
  }
}

/** What is known of the helper that an instruction calls. */
export interface CallTable {
  callback(slot: number): CallbackKind;
  /** How many arguments it takes; undefined where that is not known. */
  arguments(slot: number): number | undefined;
}

/**
 * Whether a call hands a function of the program to the kernel, which calls it at once or later; or takes the next
 * element of an iterator.
 */
export type CallbackKind = "none" | "sync" | "async" | "iterates";

/**
 * The functions of a program: where local calls and function addresses lead. Rejects what leads nowhere; `found` has
 * those before it then.
 */
export function findFunctions(code: Code, found: Set<number>): number[] {
  found.add(0);
  for (let slot = 0; slot < code.length; slot++) {
    const isCall = code.isLocalCall(slot);
    if (!isCall && !code.isFunctionLoad(slot)) {
      if (code.isWide(slot)) slot++;
      continue;
    }
    const target = slot + code.imm[slot] + 1;
    if (target < 0 || target >= code.length) reject(slot, EINVAL, "call to invalid destination");
    found.add(target);
    if (found.size > 256) reject(slot, E2BIG, "too many subprograms");
    if (!isCall) slot++;
  }
  return [...found].sort((a, b) => a - b);
}

/** Jumps stay inside their function, and no function runs off its end. */
export function checkFunctions(code: Code, functions: readonly number[]): void {
  for (const [index, start] of functions.entries()) {
    const end = functions[index + 1] ?? code.length;
    for (let slot = start; slot < end; slot++) {
      if (code.isConditional(slot) || code.isJumpAlways(slot)) {
        const target = code.target(slot);
        if (target < start || target >= end) {
          reject(slot, EINVAL, `jump out of range from insn ${slot} to ${target}`);
        }
      }
      if (slot === end - 1) {
        const isEnd = code.code[slot] === Opcode.EXIT || code.isJumpAlways(slot);
        if (!isEnd) reject(slot, EINVAL, "last insn is not an exit or jmp");
      }
    }
  }
}

const enum Mark {
  NEW = 0,
  DISCOVERED = 1,
  EXPLORED = 2,
}

/** Depth first, as far as calls lead; then anything that was not reached is a fault. */
function search(code: Code, flow: ControlFlow, isCallback: (slot: number) => CallbackKind): void {
  const marks = new Uint8Array(code.length);
  /** Slots on the way, each with how many of its successors were taken. */
  const path: number[] = [];
  const taken = new Uint8Array(code.length);
  const successors = (slot: number): readonly (readonly [target: number, isBranch: boolean])[] =>
    successorsOf(code, flow, isCallback, slot);
  const visitFrom = (start: number): void => {
    if (marks[start] !== Mark.NEW) return;
    marks[start] = Mark.DISCOVERED;
    path.push(start);
    while (path.length > 0) {
      const slot = path[path.length - 1];
      const next = successors(slot)[taken[slot]++];
      if (next === undefined) {
        marks[slot] = Mark.EXPLORED;
        path.pop();
        continue;
      }
      const [target, isBranch] = next;
      if (target < 0 || target >= code.length) {
        reject(slot, EINVAL, `jump out of range from insn ${slot} to ${target}`);
      }
      if (isBranch) {
        flow.prunePoints[target] = 1;
        flow.jumpPoints[target] = 1;
      }
      if (marks[target] !== Mark.NEW) continue;
      marks[target] = Mark.DISCOVERED;
      path.push(target);
    }
  };
  visitFrom(0);
  for (let slot = 0; slot < code.length; slot++) {
    if (marks[slot] !== Mark.EXPLORED) reject(slot, EINVAL, `unreachable insn ${slot}`);
    if (code.isWide(slot)) {
      if (marks[slot + 1] !== Mark.NEW) {
        reject(slot, EINVAL, `jump into the middle of ldimm64 insn ${slot}`);
      }
      slot++;
    }
  }
}

/** What may run after a slot; marks on the way where states are worth keeping. */
function successorsOf(
  code: Code,
  flow: ControlFlow,
  isCallback: (slot: number) => CallbackKind,
  slot: number,
): readonly (readonly [target: number, isBranch: boolean])[] {
  const { prunePoints, jumpPoints, checkpoints } = flow;
  const kind = code.class(slot);
  if (code.isFunctionLoad(slot)) {
    prunePoints[slot + 2] = jumpPoints[slot + 2] = 1;
    prunePoints[slot] = 1;
    return [
      [slot + 2, false],
      [slot + code.imm[slot] + 1, true],
    ];
  }
  if (kind !== Class.JMP && kind !== Class.JMP32) return [[slot + (code.isWide(slot) ? 2 : 1), false]];
  if (code.code[slot] === Opcode.EXIT) return [];
  if (code.isCall(slot)) {
    const callback = isCallback(slot);
    if (callback === "async") prunePoints[slot] = 1;
    if (callback === "iterates") flow.iterates[slot] = flow.checkpoints[slot] = prunePoints[slot] = 1;
    if (callback === "sync") {
      flow.callsBack[slot] = checkpoints[slot] = prunePoints[slot] = jumpPoints[slot] = 1;
    }
    prunePoints[slot + 1] = jumpPoints[slot + 1] = 1;
    if (!code.isLocalCall(slot)) return [[slot + 1, false]];
    prunePoints[slot] = 1;
    return [
      [slot + 1, false],
      [slot + code.imm[slot] + 1, true],
    ];
  }
  if (code.isJumpAlways(slot)) {
    const target = code.target(slot);
    prunePoints[target] = jumpPoints[target] = 1;
    return [[target, false]];
  }
  prunePoints[slot] = 1;
  if (code.code[slot] === Opcode.MAY_GOTO) checkpoints[slot] = 1;
  return [
    [slot + 1, false],
    [code.target(slot), true],
  ];
}

const ALL = 0xffff;
const CALLER_SAVED = 0x3f;

/** Bits of the registers that an instruction reads and writes; all are read where it is not known. */
function readsAndWrites(code: Code, slot: number, calls: CallTable): { reads: number; writes: number } {
  const [opcode, dst, src] = [code.code[slot], 1 << code.dst[slot], 1 << code.src[slot]];
  const usesSource = (opcode & 8) !== 0;
  switch (opcode & 7) {
    case Class.LD:
      return opcode === Opcode.LDDW ? { reads: 0, writes: dst } : { reads: ALL, writes: 0 };
    case Class.LDX:
      return { reads: src, writes: dst };
    case Class.ST:
      return { reads: dst, writes: 0 };
    case Class.STX:
      return code.isAtomic(slot) ? atomicEffect(code.imm[slot], dst, src) : { reads: dst | src, writes: 0 };
    case Class.ALU:
    case Class.ALU64: {
      const op = opcode >> 4;
      if (op === Alu.END) return { reads: dst, writes: dst };
      if (op === Alu.MOV) return { reads: usesSource ? src : 0, writes: dst };
      return { reads: usesSource ? dst | src : dst, writes: dst };
    }
    default:
      if (opcode === Opcode.JA || opcode === Opcode.GOTOL || opcode === Opcode.MAY_GOTO) {
        return { reads: 0, writes: 0 };
      }
      if (opcode === Opcode.EXIT) return { reads: 1, writes: 0 };
      if (opcode === Opcode.CALL) {
        const count = calls.arguments(slot) ?? 5;
        return { reads: ((1 << count) - 1) << 1, writes: CALLER_SAVED };
      }
      return { reads: usesSource ? dst | src : dst, writes: 0 };
  }
}

function atomicEffect(imm: number, dst: number, src: number): { reads: number; writes: number } {
  if (imm === Atomic.CMPXCHG) return { reads: dst | src | 1, writes: 1 };
  if (imm === Atomic.LOAD_ACQUIRE) return { reads: src, writes: dst };
  if (imm === Atomic.STORE_RELEASE) return { reads: dst | src, writes: 0 };
  return { reads: dst | src, writes: (imm & Atomic.FETCH) !== 0 ? src : 0 };
}

function findLiveRegisters(code: Code, calls: CallTable): Uint16Array {
  const live = new Uint16Array(code.length + 2);
  for (let changed = true; changed; ) {
    changed = false;
    for (let slot = code.length - 1; slot >= 0; slot--) {
      const opcode = code.code[slot];
      let after = 0;
      if (code.isConditional(slot)) after = live[slot + 1] | live[code.target(slot)];
      else if (code.isJumpAlways(slot)) after = live[code.target(slot)];
      else if (opcode !== Opcode.EXIT) after = live[slot + (code.isWide(slot) ? 2 : 1)];
      const { reads, writes } = readsAndWrites(code, slot, calls);
      const before = (after & ~writes) | reads;
      if (before === live[slot]) continue;
      live[slot] = before;
      changed = true;
    }
  }
  return live;
}
