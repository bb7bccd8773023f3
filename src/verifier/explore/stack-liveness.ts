// Which stack slots are still read behind an instruction, whatever the way there. Learnt as ways are explored: every
// read and every whole write of a slot is noted at its instruction, per chain of calls. A kept state is compared
// with another only after all that follows it was explored, so what is noted by then is all there is to read.

import { type Code, Opcode } from "../code.ts";
import type { State } from "../state.ts";
import type { ControlFlow } from "./control-flow.ts";

/** Slots of a frame: 64, as two words of bits. */
const WORDS = 2;

/** What is known of one frame's slots within one function of one chain of calls. */
class FrameMarks {
  readonly start: number;
  readonly length: number;
  readonly reads: Uint32Array;
  /** Slots that every visit of the instruction has written. */
  readonly writes: Uint32Array;
  readonly wasVisited: Uint8Array;
  readonly live: Uint32Array;
  isStale = false;

  constructor(start: number, end: number) {
    this.start = start;
    this.length = end - start;
    this.reads = new Uint32Array(this.length * WORDS);
    this.writes = new Uint32Array(this.length * WORDS);
    this.wasVisited = new Uint8Array(this.length);
    this.live = new Uint32Array(this.length * WORDS);
  }
}

/** The chain of calls that leads to a frame, and per frame what happens to its slots here. */
class Instance {
  readonly functionStart: number;
  readonly functionEnd: number;
  readonly frames: (FrameMarks | undefined)[] = [];
  /** Those that are called from here, by call site and function. */
  readonly callees = new Map<number, Instance>();

  constructor(functionStart: number, functionEnd: number) {
    this.functionStart = functionStart;
    this.functionEnd = functionEnd;
  }

  frame(number: number): FrameMarks {
    this.frames[number] ??= new FrameMarks(this.functionStart, this.functionEnd);
    return this.frames[number];
  }
}

export class StackLiveness {
  readonly #code: Code;
  readonly #flow: ControlFlow;
  /** Chains of one function each: a program's own, global functions, callbacks that run later. */
  readonly #roots: (Instance | undefined)[] = [];
  /** Reads and writes of the instruction that runs now, per frame: [reads low, high, writes low, high]. */
  #current: (Uint32Array | undefined)[] = [];
  #isEmpty = true;

  constructor(code: Code, flow: ControlFlow) {
    this.#code = code;
    this.#flow = flow;
  }

  #instance(state: State, depth: number): Instance {
    const { frames } = state;
    const root = frames[0].subprogram;
    this.#roots[root] ??= this.#make(root);
    let instance = this.#roots[root];
    for (let index = 1; index <= depth; index++) {
      const { callSite, subprogram } = frames[index];
      const key = callSite * this.#flow.functions.length + subprogram;
      let callee = instance.callees.get(key);
      if (callee === undefined) {
        callee = this.#make(subprogram);
        instance.callees.set(key, callee);
      }
      instance = callee;
    }
    return instance;
  }

  #make(subprogram: number): Instance {
    const { functions } = this.#flow;
    return new Instance(functions[subprogram], functions[subprogram + 1] ?? this.#code.length);
  }

  markRead(frame: number, slot: number): void {
    this.#mark(frame, slot, 0);
  }

  /** All eight bytes were written, at a known place. */
  markWritten(frame: number, slot: number): void {
    this.#mark(frame, slot, WORDS);
  }

  #mark(frame: number, slot: number, base: number): void {
    this.#current[frame] ??= new Uint32Array(2 * WORDS);
    this.#current[frame][base + (slot >> 5)] |= 1 << (slot & 31);
    this.#isEmpty = false;
  }

  /** Takes what the instruction at `slot` did into the account of its place. */
  commit(state: State, slot: number): void {
    const depth = state.frames.length - 1;
    if (this.#isEmpty && depth === 0) {
      const marks = this.#instance(state, 0).frames[0];
      if (marks === undefined) return;
    }
    const instance = this.#instance(state, depth);
    const at = slot - instance.functionStart;
    for (let number = 0; number <= depth; number++) {
      const now = this.#current[number];
      if (now === undefined && instance.frames[number] === undefined) continue;
      const marks = instance.frame(number);
      for (let word = 0; word < WORDS; word++) {
        const index = at * WORDS + word;
        const reads = marks.reads[index] | (now?.[word] ?? 0);
        const written = now?.[WORDS + word] ?? 0;
        const writes = (marks.wasVisited[at] ? marks.writes[index] & written : written) >>> 0;
        if (reads >>> 0 !== marks.reads[index] || writes !== marks.writes[index]) marks.isStale = true;
        marks.reads[index] = reads;
        marks.writes[index] = writes;
        if (now !== undefined && now[word] !== 0) this.#readByCalls(state, number, word, now[word]);
      }
      marks.wasVisited[at] = 1;
      now?.fill(0);
    }
    this.#isEmpty = true;
  }

  /** What a function reads of an outer frame is read at the calls that lead to it, too. */
  #readByCalls(state: State, number: number, word: number, bits: number): void {
    for (let depth = number; depth < state.frames.length - 1; depth++) {
      const marks = this.#instance(state, depth).frame(number);
      const index = (state.frames[depth + 1].callSite - marks.start) * WORDS + word;
      const reads = (marks.reads[index] | bits) >>> 0;
      if (reads === marks.reads[index]) continue;
      marks.reads[index] = reads;
      marks.isStale = true;
    }
  }

  /** True when slot `index` of frame `number` may be read on a way on from `slot`, where `state` is. */
  isLive(state: State, slot: number, number: number, index: number): boolean {
    for (let depth = state.frames.length - 1; depth >= number; depth--) {
      const at = depth === state.frames.length - 1 ? slot : state.frames[depth + 1].callSite + 1;
      const marks = this.#instance(state, depth).frames[number];
      if (marks === undefined) continue;
      if (marks.isStale) this.#update(marks);
      const offset = at - marks.start;
      if (offset < 0 || offset >= marks.length) return true;
      if ((marks.live[offset * WORDS + (index >> 5)] & (1 << (index & 31))) !== 0) return true;
    }
    return false;
  }

  #update(marks: FrameMarks): void {
    const { start, length, reads, writes, live } = marks;
    for (let changed = true; changed; ) {
      changed = false;
      for (let at = length - 1; at >= 0; at--) {
        for (let word = 0; word < WORDS; word++) {
          const index = at * WORDS + word;
          const after = this.#after(marks, start + at, word);
          const before = ((after & ~writes[index]) | reads[index]) >>> 0;
          if (before === live[index]) continue;
          live[index] = before;
          changed = true;
        }
      }
    }
    marks.isStale = false;
  }

  #after({ start, length, live }: FrameMarks, slot: number, word: number): number {
    const code = this.#code;
    const at = (target: number): number =>
      target >= start && target < start + length ? live[(target - start) * WORDS + word] : 0;
    if (code.isConditional(slot)) return at(slot + 1) | at(code.target(slot));
    if (code.isJumpAlways(slot)) return at(code.target(slot));
    if (code.code[slot] === Opcode.EXIT) return 0;
    return at(slot + (code.isWide(slot) ? 2 : 1));
  }
}
