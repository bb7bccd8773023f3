// The engine `ts`: an interpreter in plain TypeScript, for pages whose CSP forbids Wasm and as the reference that the
// others are measured against. One switch over decoded code; a register is two int32 halves in the register file
// at REGS, so that core helpers (assembly/portable, compiled by tsc) see the same registers as in Wasm.
// BigInt only where a 64-bit division needs it (int64.ts).
//
// Decoded code is four int32 per slot: op, index of dst, index of src or imm, off. Indexes are those of
// register halves in an Int32Array over linear memory; the upper half follows the lower.

import { Exit } from "../../assembly/shared/codes.ts";
import {
  CODE_DST,
  CODE_IMM,
  CODE_OFF,
  CODE_POINTER_HIGH,
  EVENT,
  EVENTS_END,
  EVENT_CONTEXT,
  EVENT_CONTEXT_SIZE,
  EVENT_PROGRAM,
  EVENT_RESULT,
  EVENT_SIZE,
  EXECUTED,
  FLAG_CHECKED,
  FLAG_RAW,
  FRAME,
  FRAMES,
  FRAME_MAY_GOTO,
  HELPERS,
  HELPER_ARGS,
  HELPER_CORE,
  HELPER_SIZE,
  PROGRAM,
  PROGRAM_FLAGS,
  PROGRAM_LIMIT_HIGH,
  PROGRAM_LIMIT_LOW,
  REGS,
  RIGHT_READ,
  RIGHT_WRITE,
  TRAP_ADDRESS,
  TRAP_DETAIL,
  TRAP_SLOT,
} from "../../assembly/shared/layout.ts";
import { Op } from "../../assembly/shared/opcodes.ts";
import { checkArguments, mayAccess } from "../../assembly/portable/access.ts";
import {
  beginEvents,
  enterEvent,
  enterRaw,
  finishEvent,
  isNext,
  mayStay,
  packetAt,
  popFrame,
  pushFrame,
} from "../../assembly/portable/frames.ts";
import { callCoreHelper, helperIndex } from "../../assembly/portable/helpers.ts";
import { mapLookup } from "../../assembly/portable/maps/map.ts";
import type { GuestMemory } from "../memory.ts";
import type { Program } from "../program.ts";
import type { Runtime } from "../runtime.ts";
import type { Engine } from "./engine.ts";
import { arsh64, div64, lsh64, mod64, mulHigh, rsh64, sdiv64, smod64, swap16, swap32 } from "./int64.ts";
import { interpreterEngine } from "./interpreter.ts";

/** int32 per slot of decoded code. */
const WIDTH = 4;
/**
 * The register file: lower and upper half of r0, of r1, and so on. One for all runtimes, and a constant of this
 * module: that is what lets V8 address it directly, which a view of growing memory does not. Core helpers and frames
 * use the copy in linear memory; `take` and `give` move what they need.
 */
const R = new Int32Array(64);
/** Index of a register's lower half in R. */
const R0 = 0;
const R1 = 2;
const R2 = 4;
const R5 = 10;
const R6 = 12;
const R10 = 20;
/** True while a run is using R: a run inside it (a helper that fires an event) puts the registers back. */
let running = false;
const TWO_32 = 0x1_0000_0000;

/** Jumps carry their distance in int32s of decoded code. */
const isJump = (name: string): boolean => /^j|^may_goto/.test(name);

/** Prepared code in linear memory to decoded code. */
function decodePrepared(memory: GuestMemory, program: Program, code: number): Int32Array {
  // One slot more, an `exit`: where a packet access past the end goes on.
  const decoded = new Int32Array((program.slots + 1) * WIDTH);
  decoded[program.slots * WIDTH] = Op.EXIT;
  for (const { slot, row } of program.decoded) {
    const from = code + slot * 8;
    const to = slot * WIDTH;
    const field = memory.load32(from + CODE_IMM);
    const off = (memory.load16(from + CODE_OFF) << 16) >> 16;
    const readsSrc = row.operands.has("src") && !row.operands.has("imm");
    const isFar = row.name === "gotol" || row.name === "call_local";
    decoded[to] = memory.load8(from);
    decoded[to + 1] = memory.load8(from + CODE_DST) >> 2;
    decoded[to + 2] = readsSrc ? field >> 2 : isFar ? field * WIDTH : field;
    decoded[to + 3] = isJump(row.name) ? off * WIDTH : off;
    if (row.wide) decoded[to + WIDTH + 2] = memory.load32(from + 8 + CODE_IMM);
  }
  return decoded;
}

/** One runtime's interpreter: the programs it has decoded, by the address of their record. */
class Interpreter {
  readonly runtime: Runtime;
  readonly memory: GuestMemory;
  readonly programs = new Map<number, Int32Array>();
  /** Instructions of checked runs since EXECUTED was last brought up to date. */
  executed = 0;

  constructor(runtime: Runtime) {
    this.runtime = runtime;
    this.memory = runtime.memory;
  }

  /** See Execute in interpreter.ts. */
  readonly execute = (events: number, end: number): number => {
    const outer = running ? R.slice(0, R10 + 2) : undefined;
    running = true;
    try {
      return this.runEvents(events, end);
    } finally {
      const { memory } = this;
      memory.storeU64(EXECUTED, memory.loadU64(EXECUTED) + BigInt(this.executed));
      this.executed = 0;
      running = outer !== undefined;
      if (outer !== undefined) R.set(outer);
    }
  };

  runEvents(events: number, end: number): number {
    const { memory } = this;
    beginEvents(memory, end);
    for (let event = events; event !== end; event = memory.load32(EVENT) + EVENT_SIZE) {
      memory.store32(PROGRAM, memory.load32(event + EVENT_PROGRAM));
      const flags = enterEvent(memory, event);
      this.take(R0, R10);
      const exit = this.interpret((flags & FLAG_CHECKED) !== 0);
      if (exit !== Exit.OK) return exit;
    }
    return Exit.OK;
  }

  /** Copies registers `from` to `to` out of linear memory. */
  take(from: number, to: number): void {
    const { i32 } = this.memory;
    for (let index = from; index <= to + 1; index++) R[index] = i32[(REGS >> 2) + index];
  }

  /** Copies registers `from` to `to` into linear memory. */
  give(from: number, to: number): void {
    const { i32 } = this.memory;
    for (let index = from; index <= to + 1; index++) i32[(REGS >> 2) + index] = R[index];
  }

  /** Leaves what trapped in TRAP_*; gives the exit code back. */
  fault(pc: number, low: number, high: number, detail: number, exit: number): number {
    const { memory } = this;
    memory.store32(TRAP_SLOT, pc / WIDTH);
    memory.store32(TRAP_ADDRESS, low);
    memory.store32(TRAP_ADDRESS + 4, high);
    memory.store32(TRAP_DETAIL, detail);
    return exit;
  }

  /** The fault of an access at `base + off`, the register's index and the instruction's offset. */
  accessFault(pc: number, base: number, off: number, size: number, exit: number): number {
    const low = (R[base] + off) | 0;
    return this.fault(pc, low, upperSum(base, off, low), size, exit);
  }

  /** True when a checked program must not touch `size` bytes at `base + off`. */
  refuses(base: number, off: number, size: number, right: number): boolean {
    const low = (R[base] + off) | 0;
    return upperSum(base, off, low) !== 0 || !mayAccess(this.memory, low, size, right);
  }

  /** Runs the helper at `index` of the table. */
  callHelper(index: number, checked: boolean): number {
    const { memory } = this;
    this.give(R1, R5);
    const entry = memory.load32(HELPERS) + index * HELPER_SIZE;
    if (checked) {
      const refused = checkArguments(memory, memory.load32(entry + HELPER_ARGS));
      if (refused !== Exit.OK) return refused;
    }
    const core = memory.load32(entry + HELPER_CORE);
    const exit = core !== 0 ? callCoreHelper(memory, core) : this.runtime.helpers.call(index);
    this.take(R0, R0);
    return exit;
  }

  /** Opens a frame that returns to `pc`; false when there are too many. */
  pushFrame(pc: number): boolean {
    this.give(R6, R10);
    if (!pushFrame(this.memory, pc)) return false;
    this.take(R10, R10);
    return true;
  }

  popFrame(): number {
    const pc = popFrame(this.memory);
    this.take(R6, R10);
    return pc;
  }

  /** Ends the event and enters the next one; false when that is for another program, or there is none. */
  nextChecked(): boolean {
    const { memory } = this;
    this.give(R0, R0);
    const next = finishEvent(memory);
    if (!isNext(memory, next)) return false;
    enterEvent(memory, next);
    this.take(R0, R10);
    return true;
  }

  /** The same for verified programs, by the shortest way: they need no register but r1, raw ones r2. */
  nextVerified(isRaw: boolean): boolean {
    const { i32 } = this.memory;
    const event = i32[EVENT >> 2];
    i32[(event + EVENT_RESULT) >> 2] = R[0];
    i32[(event + EVENT_RESULT + 4) >> 2] = R[1];
    const next = event + EVENT_SIZE;
    if (next === i32[EVENTS_END >> 2] || i32[(next + EVENT_PROGRAM) >> 2] !== i32[PROGRAM >> 2]) return false;
    i32[EVENT >> 2] = next;
    i32[(FRAMES + FRAME_MAY_GOTO) >> 2] = 0;
    R[R1] = i32[(next + EVENT_CONTEXT) >> 2];
    R[R1 + 1] = 0;
    if (isRaw) {
      enterRaw(this.memory, next);
      R[R2] = i32[(next + EVENT_CONTEXT_SIZE) >> 2];
      R[R2 + 1] = 0;
    }
    return true;
  }

  /** map_lookup_elem(r1, r2) by the shortest way. */
  lookup(): void {
    R[0] = mapLookup(this.memory, R[2], R[4]);
    R[1] = 0;
  }

  /** Ends a run at `pc`. */
  stop(pc: number, executed: number, exit: number): number {
    this.memory.store32(TRAP_SLOT, pc / WIDTH);
    return this.leave(executed, exit);
  }

  /** Every way out of the loop of a checked run: its instructions are summed up. */
  leave(executed: number, exit: number): number {
    this.executed += executed;
    return exit;
  }

  /** As the AssemblyScript interpreter's: runs events until one is for another program or traps. */
  interpret(checked: boolean): number {
    const { memory } = this;
    const program = memory.load32(PROGRAM);
    const code = this.programs.get(program) as Int32Array;
    const limit =
      memory.view.getUint32(program + PROGRAM_LIMIT_LOW, true) + memory.load32(program + PROGRAM_LIMIT_HIGH) * TWO_32;
    const isRaw = (memory.load32(program + PROGRAM_FLAGS) & FLAG_RAW) !== 0;
    let { view } = memory;
    let fuel = limit;
    for (let pc = 0; ; pc += WIDTH) {
      if (checked) {
        if (fuel === 0) return this.leave(limit, this.fault(pc, 0, 0, 0, Exit.LIMIT));
        fuel--;
      }
      const d = code[pc + 1];
      const s = code[pc + 2];
      switch (code[pc]) {

        // 64-bit arithmetic
        case Op.ADD64_IMM: {
          const a = R[d];
          const sum = (a + s) | 0;
          R[d + 1] = R[d + 1] + (s >> 31) + (sum >>> 0 < a >>> 0 ? 1 : 0);
          R[d] = sum;
          continue;
        }
        case Op.SUB64_IMM: {
          const a = R[d];
          const b = s;
          R[d + 1] = R[d + 1] - (s >> 31) - (a >>> 0 < b >>> 0 ? 1 : 0);
          R[d] = a - b;
          continue;
        }
        case Op.MUL64_IMM: {
          const a = R[d];
          const b = s;
          R[d + 1] = mulHigh(a, b) + Math.imul(R[d + 1], b) + Math.imul(a, (s >> 31));
          R[d] = Math.imul(a, b);
          continue;
        }
        case Op.OR64_IMM:
          R[d + 1] |= s >> 31;
          R[d] |= s;
          continue;
        case Op.AND64_IMM:
          R[d + 1] &= s >> 31;
          R[d] &= s;
          continue;
        case Op.XOR64_IMM:
          R[d + 1] ^= s >> 31;
          R[d] ^= s;
          continue;
        case Op.DIV64_IMM:
          div64(R, d, s, s >> 31);
          continue;
        case Op.MOD64_IMM:
          mod64(R, d, s, s >> 31);
          continue;
        case Op.SDIV64_IMM:
          sdiv64(R, d, s, s >> 31);
          continue;
        case Op.SMOD64_IMM:
          smod64(R, d, s, s >> 31);
          continue;
        case Op.LSH64_IMM:
          lsh64(R, d, s);
          continue;
        case Op.RSH64_IMM:
          rsh64(R, d, s);
          continue;
        case Op.ARSH64_IMM:
          arsh64(R, d, s);
          continue;
        case Op.MOV64_IMM:
          R[d + 1] = s >> 31;
          R[d] = s;
          continue;
        case Op.ADD64_REG: {
          const a = R[d];
          const sum = (a + R[s]) | 0;
          R[d + 1] = R[d + 1] + R[s + 1] + (sum >>> 0 < a >>> 0 ? 1 : 0);
          R[d] = sum;
          continue;
        }
        case Op.SUB64_REG: {
          const a = R[d];
          const b = R[s];
          R[d + 1] = R[d + 1] - R[s + 1] - (a >>> 0 < b >>> 0 ? 1 : 0);
          R[d] = a - b;
          continue;
        }
        case Op.MUL64_REG: {
          const a = R[d];
          const b = R[s];
          R[d + 1] = mulHigh(a, b) + Math.imul(R[d + 1], b) + Math.imul(a, R[s + 1]);
          R[d] = Math.imul(a, b);
          continue;
        }
        case Op.OR64_REG:
          R[d + 1] |= R[s + 1];
          R[d] |= R[s];
          continue;
        case Op.AND64_REG:
          R[d + 1] &= R[s + 1];
          R[d] &= R[s];
          continue;
        case Op.XOR64_REG:
          R[d + 1] ^= R[s + 1];
          R[d] ^= R[s];
          continue;
        case Op.DIV64_REG:
          div64(R, d, R[s], R[s + 1]);
          continue;
        case Op.MOD64_REG:
          mod64(R, d, R[s], R[s + 1]);
          continue;
        case Op.SDIV64_REG:
          sdiv64(R, d, R[s], R[s + 1]);
          continue;
        case Op.SMOD64_REG:
          smod64(R, d, R[s], R[s + 1]);
          continue;
        case Op.LSH64_REG:
          lsh64(R, d, R[s]);
          continue;
        case Op.RSH64_REG:
          rsh64(R, d, R[s]);
          continue;
        case Op.ARSH64_REG:
          arsh64(R, d, R[s]);
          continue;
        case Op.MOV64_REG:
          R[d + 1] = R[s + 1];
          R[d] = R[s];
          continue;
        case Op.NEG64: {
          const a = R[d];
          R[d + 1] = ~R[d + 1] + (a === 0 ? 1 : 0);
          R[d] = -a;
          continue;
        }
        case Op.MOVSX64_B: {
          const a = (R[s] << 24) >> 24;
          R[d + 1] = a >> 31;
          R[d] = a;
          continue;
        }
        case Op.MOVSX64_H: {
          const a = (R[s] << 16) >> 16;
          R[d + 1] = a >> 31;
          R[d] = a;
          continue;
        }
        case Op.MOVSX64_W: {
          const a = R[s];
          R[d + 1] = a >> 31;
          R[d] = a;
          continue;
        }

        // 32-bit arithmetic: the upper half becomes zero
        case Op.ADD32_IMM:
          R[d] = R[d] + s;
          R[d + 1] = 0;
          continue;
        case Op.SUB32_IMM:
          R[d] = R[d] - s;
          R[d + 1] = 0;
          continue;
        case Op.MUL32_IMM:
          R[d] = Math.imul(R[d], s);
          R[d + 1] = 0;
          continue;
        case Op.OR32_IMM:
          R[d] = R[d] | s;
          R[d + 1] = 0;
          continue;
        case Op.AND32_IMM:
          R[d] = R[d] & s;
          R[d + 1] = 0;
          continue;
        case Op.XOR32_IMM:
          R[d] = R[d] ^ s;
          R[d + 1] = 0;
          continue;
        case Op.LSH32_IMM:
          R[d] = R[d] << s;
          R[d + 1] = 0;
          continue;
        case Op.RSH32_IMM:
          R[d] = R[d] >>> s;
          R[d + 1] = 0;
          continue;
        case Op.ARSH32_IMM:
          R[d] = R[d] >> s;
          R[d + 1] = 0;
          continue;
        case Op.MOV32_IMM:
          R[d] = s;
          R[d + 1] = 0;
          continue;
        case Op.DIV32_IMM: {
          const b = s >>> 0;
          R[d] = b === 0 ? 0 : (R[d] >>> 0) / b;
          R[d + 1] = 0;
          continue;
        }
        case Op.MOD32_IMM: {
          const b = s >>> 0;
          if (b !== 0) R[d] = (R[d] >>> 0) % b;
          R[d + 1] = 0;
          continue;
        }
        case Op.SDIV32_IMM: {
          const b = s;
          R[d] = b === 0 ? 0 : R[d] / b;
          R[d + 1] = 0;
          continue;
        }
        case Op.SMOD32_IMM: {
          const b = s;
          if (b !== 0) R[d] = R[d] % b;
          R[d + 1] = 0;
          continue;
        }
        case Op.ADD32_REG:
          R[d] = R[d] + R[s];
          R[d + 1] = 0;
          continue;
        case Op.SUB32_REG:
          R[d] = R[d] - R[s];
          R[d + 1] = 0;
          continue;
        case Op.MUL32_REG:
          R[d] = Math.imul(R[d], R[s]);
          R[d + 1] = 0;
          continue;
        case Op.OR32_REG:
          R[d] = R[d] | R[s];
          R[d + 1] = 0;
          continue;
        case Op.AND32_REG:
          R[d] = R[d] & R[s];
          R[d + 1] = 0;
          continue;
        case Op.XOR32_REG:
          R[d] = R[d] ^ R[s];
          R[d + 1] = 0;
          continue;
        case Op.LSH32_REG:
          R[d] = R[d] << R[s];
          R[d + 1] = 0;
          continue;
        case Op.RSH32_REG:
          R[d] = R[d] >>> R[s];
          R[d + 1] = 0;
          continue;
        case Op.ARSH32_REG:
          R[d] = R[d] >> R[s];
          R[d + 1] = 0;
          continue;
        case Op.MOV32_REG:
          R[d] = R[s];
          R[d + 1] = 0;
          continue;
        case Op.DIV32_REG: {
          const b = R[s] >>> 0;
          R[d] = b === 0 ? 0 : (R[d] >>> 0) / b;
          R[d + 1] = 0;
          continue;
        }
        case Op.MOD32_REG: {
          const b = R[s] >>> 0;
          if (b !== 0) R[d] = (R[d] >>> 0) % b;
          R[d + 1] = 0;
          continue;
        }
        case Op.SDIV32_REG: {
          const b = R[s];
          R[d] = b === 0 ? 0 : R[d] / b;
          R[d + 1] = 0;
          continue;
        }
        case Op.SMOD32_REG: {
          const b = R[s];
          if (b !== 0) R[d] = R[d] % b;
          R[d + 1] = 0;
          continue;
        }
        case Op.NEG32:
          R[d] = -R[d];
          R[d + 1] = 0;
          continue;
        case Op.MOVSX32_B:
          R[d] = (R[s] << 24) >> 24;
          R[d + 1] = 0;
          continue;
        case Op.MOVSX32_H:
          R[d] = (R[s] << 16) >> 16;
          R[d + 1] = 0;
          continue;

        // byte order, and the cast between address spaces, which here are one
        case Op.LE16:
          R[d] &= 0xffff;
          R[d + 1] = 0;
          continue;
        case Op.LE32:
          R[d + 1] = 0;
          continue;
        case Op.LE64:
          continue;
        case Op.SWAP16:
          R[d] = swap16(R[d]);
          R[d + 1] = 0;
          continue;
        case Op.SWAP32:
          R[d] = swap32(R[d]);
          R[d + 1] = 0;
          continue;
        case Op.SWAP64: {
          const a = swap32(R[d]);
          R[d] = swap32(R[d + 1]);
          R[d + 1] = a;
          continue;
        }
        case Op.ADDR_SPACE_CAST:
          R[d] = R[s];
          R[d + 1] = 0;
          continue;
        case Op.LDDW:
          R[d] = s;
          R[d + 1] = code[pc + WIDTH + 2];
          pc += WIDTH;
          continue;

        // jumps on 64-bit comparisons
        case Op.JEQ64_IMM:
          if (R[d] === s && R[d + 1] === (s >> 31)) pc += code[pc + 3];
          continue;
        case Op.JNE64_IMM:
          if (R[d] !== s || R[d + 1] !== (s >> 31)) pc += code[pc + 3];
          continue;
        case Op.JGT64_IMM: {
          const a = R[d + 1];
          const b = s >> 31;
          if (a === b ? R[d] >>> 0 > s >>> 0 : a >>> 0 > b >>> 0) pc += code[pc + 3];
          continue;
        }
        case Op.JGE64_IMM: {
          const a = R[d + 1];
          const b = s >> 31;
          if (a === b ? R[d] >>> 0 >= s >>> 0 : a >>> 0 > b >>> 0) pc += code[pc + 3];
          continue;
        }
        case Op.JLT64_IMM: {
          const a = R[d + 1];
          const b = s >> 31;
          if (a === b ? R[d] >>> 0 < s >>> 0 : a >>> 0 < b >>> 0) pc += code[pc + 3];
          continue;
        }
        case Op.JLE64_IMM: {
          const a = R[d + 1];
          const b = s >> 31;
          if (a === b ? R[d] >>> 0 <= s >>> 0 : a >>> 0 < b >>> 0) pc += code[pc + 3];
          continue;
        }
        case Op.JSGT64_IMM: {
          const a = R[d + 1];
          const b = s >> 31;
          if (a === b ? R[d] >>> 0 > s >>> 0 : a > b) pc += code[pc + 3];
          continue;
        }
        case Op.JSGE64_IMM: {
          const a = R[d + 1];
          const b = s >> 31;
          if (a === b ? R[d] >>> 0 >= s >>> 0 : a > b) pc += code[pc + 3];
          continue;
        }
        case Op.JSLT64_IMM: {
          const a = R[d + 1];
          const b = s >> 31;
          if (a === b ? R[d] >>> 0 < s >>> 0 : a < b) pc += code[pc + 3];
          continue;
        }
        case Op.JSLE64_IMM: {
          const a = R[d + 1];
          const b = s >> 31;
          if (a === b ? R[d] >>> 0 <= s >>> 0 : a < b) pc += code[pc + 3];
          continue;
        }
        case Op.JSET64_IMM:
          if (((R[d] & s) | (R[d + 1] & (s >> 31))) !== 0) pc += code[pc + 3];
          continue;
        case Op.JEQ64_REG:
          if (R[d] === R[s] && R[d + 1] === R[s + 1]) pc += code[pc + 3];
          continue;
        case Op.JNE64_REG:
          if (R[d] !== R[s] || R[d + 1] !== R[s + 1]) pc += code[pc + 3];
          continue;
        case Op.JGT64_REG: {
          const a = R[d + 1];
          const b = R[s + 1];
          if (a === b ? R[d] >>> 0 > R[s] >>> 0 : a >>> 0 > b >>> 0) pc += code[pc + 3];
          continue;
        }
        case Op.JGE64_REG: {
          const a = R[d + 1];
          const b = R[s + 1];
          if (a === b ? R[d] >>> 0 >= R[s] >>> 0 : a >>> 0 > b >>> 0) pc += code[pc + 3];
          continue;
        }
        case Op.JLT64_REG: {
          const a = R[d + 1];
          const b = R[s + 1];
          if (a === b ? R[d] >>> 0 < R[s] >>> 0 : a >>> 0 < b >>> 0) pc += code[pc + 3];
          continue;
        }
        case Op.JLE64_REG: {
          const a = R[d + 1];
          const b = R[s + 1];
          if (a === b ? R[d] >>> 0 <= R[s] >>> 0 : a >>> 0 < b >>> 0) pc += code[pc + 3];
          continue;
        }
        case Op.JSGT64_REG: {
          const a = R[d + 1];
          const b = R[s + 1];
          if (a === b ? R[d] >>> 0 > R[s] >>> 0 : a > b) pc += code[pc + 3];
          continue;
        }
        case Op.JSGE64_REG: {
          const a = R[d + 1];
          const b = R[s + 1];
          if (a === b ? R[d] >>> 0 >= R[s] >>> 0 : a > b) pc += code[pc + 3];
          continue;
        }
        case Op.JSLT64_REG: {
          const a = R[d + 1];
          const b = R[s + 1];
          if (a === b ? R[d] >>> 0 < R[s] >>> 0 : a < b) pc += code[pc + 3];
          continue;
        }
        case Op.JSLE64_REG: {
          const a = R[d + 1];
          const b = R[s + 1];
          if (a === b ? R[d] >>> 0 <= R[s] >>> 0 : a < b) pc += code[pc + 3];
          continue;
        }
        case Op.JSET64_REG:
          if (((R[d] & R[s]) | (R[d + 1] & R[s + 1])) !== 0) pc += code[pc + 3];
          continue;

        // jumps on 32-bit comparisons
        case Op.JEQ32_IMM:
          if (R[d] === s) pc += code[pc + 3];
          continue;
        case Op.JNE32_IMM:
          if (R[d] !== s) pc += code[pc + 3];
          continue;
        case Op.JGT32_IMM:
          if (R[d] >>> 0 > s >>> 0) pc += code[pc + 3];
          continue;
        case Op.JGE32_IMM:
          if (R[d] >>> 0 >= s >>> 0) pc += code[pc + 3];
          continue;
        case Op.JLT32_IMM:
          if (R[d] >>> 0 < s >>> 0) pc += code[pc + 3];
          continue;
        case Op.JLE32_IMM:
          if (R[d] >>> 0 <= s >>> 0) pc += code[pc + 3];
          continue;
        case Op.JSGT32_IMM:
          if (R[d] > s) pc += code[pc + 3];
          continue;
        case Op.JSGE32_IMM:
          if (R[d] >= s) pc += code[pc + 3];
          continue;
        case Op.JSLT32_IMM:
          if (R[d] < s) pc += code[pc + 3];
          continue;
        case Op.JSLE32_IMM:
          if (R[d] <= s) pc += code[pc + 3];
          continue;
        case Op.JSET32_IMM:
          if ((R[d] & s) !== 0) pc += code[pc + 3];
          continue;
        case Op.JEQ32_REG:
          if (R[d] === R[s]) pc += code[pc + 3];
          continue;
        case Op.JNE32_REG:
          if (R[d] !== R[s]) pc += code[pc + 3];
          continue;
        case Op.JGT32_REG:
          if (R[d] >>> 0 > R[s] >>> 0) pc += code[pc + 3];
          continue;
        case Op.JGE32_REG:
          if (R[d] >>> 0 >= R[s] >>> 0) pc += code[pc + 3];
          continue;
        case Op.JLT32_REG:
          if (R[d] >>> 0 < R[s] >>> 0) pc += code[pc + 3];
          continue;
        case Op.JLE32_REG:
          if (R[d] >>> 0 <= R[s] >>> 0) pc += code[pc + 3];
          continue;
        case Op.JSGT32_REG:
          if (R[d] > R[s]) pc += code[pc + 3];
          continue;
        case Op.JSGE32_REG:
          if (R[d] >= R[s]) pc += code[pc + 3];
          continue;
        case Op.JSLT32_REG:
          if (R[d] < R[s]) pc += code[pc + 3];
          continue;
        case Op.JSLE32_REG:
          if (R[d] <= R[s]) pc += code[pc + 3];
          continue;
        case Op.JSET32_REG:
          if ((R[d] & R[s]) !== 0) pc += code[pc + 3];
          continue;
        case Op.JA:
          pc += code[pc + 3];
          continue;
        case Op.JA32:
          pc += s;
          continue;
        case Op.MAY_GOTO:
          if (!mayStay(memory)) pc += code[pc + 3];
          continue;

        // memory
        case Op.LDX_B: {
          const off = code[pc + 3];
          if (checked && this.refuses(s, off, 1, RIGHT_READ)) {
            return this.leave(limit - fuel, this.accessFault(pc, s, off, 1, Exit.READ));
          }
          const at = (R[s] + off) | 0;
          R[d] = view.getUint8(at);
          R[d + 1] = 0;
          continue;
        }
        case Op.LDX_H: {
          const off = code[pc + 3];
          if (checked && this.refuses(s, off, 2, RIGHT_READ)) {
            return this.leave(limit - fuel, this.accessFault(pc, s, off, 2, Exit.READ));
          }
          const at = (R[s] + off) | 0;
          R[d] = view.getUint16(at, true);
          R[d + 1] = 0;
          continue;
        }
        case Op.LDX_W: {
          const off = code[pc + 3];
          if (checked && this.refuses(s, off, 4, RIGHT_READ)) {
            return this.leave(limit - fuel, this.accessFault(pc, s, off, 4, Exit.READ));
          }
          const at = (R[s] + off) | 0;
          R[d] = view.getInt32(at, true);
          R[d + 1] = 0;
          continue;
        }
        case Op.LDX_DW: {
          const off = code[pc + 3];
          if (checked && this.refuses(s, off, 8, RIGHT_READ)) {
            return this.leave(limit - fuel, this.accessFault(pc, s, off, 8, Exit.READ));
          }
          const at = (R[s] + off) | 0;
          const low = view.getInt32(at, true);
          R[d + 1] = view.getInt32(at + 4, true);
          R[d] = low;
          continue;
        }
        case Op.LOAD_ACQ_B: {
          const off = code[pc + 3];
          if (checked && this.refuses(s, off, 1, RIGHT_READ)) {
            return this.leave(limit - fuel, this.accessFault(pc, s, off, 1, Exit.READ));
          }
          const at = (R[s] + off) | 0;
          R[d] = view.getUint8(at);
          R[d + 1] = 0;
          continue;
        }
        case Op.LOAD_ACQ_H: {
          const off = code[pc + 3];
          if (checked && this.refuses(s, off, 2, RIGHT_READ)) {
            return this.leave(limit - fuel, this.accessFault(pc, s, off, 2, Exit.READ));
          }
          const at = (R[s] + off) | 0;
          R[d] = view.getUint16(at, true);
          R[d + 1] = 0;
          continue;
        }
        case Op.LOAD_ACQ_W: {
          const off = code[pc + 3];
          if (checked && this.refuses(s, off, 4, RIGHT_READ)) {
            return this.leave(limit - fuel, this.accessFault(pc, s, off, 4, Exit.READ));
          }
          const at = (R[s] + off) | 0;
          R[d] = view.getInt32(at, true);
          R[d + 1] = 0;
          continue;
        }
        case Op.LOAD_ACQ_DW: {
          const off = code[pc + 3];
          if (checked && this.refuses(s, off, 8, RIGHT_READ)) {
            return this.leave(limit - fuel, this.accessFault(pc, s, off, 8, Exit.READ));
          }
          const at = (R[s] + off) | 0;
          const low = view.getInt32(at, true);
          R[d + 1] = view.getInt32(at + 4, true);
          R[d] = low;
          continue;
        }
        case Op.LDXS_B: {
          const off = code[pc + 3];
          if (checked && this.refuses(s, off, 1, RIGHT_READ)) {
            return this.leave(limit - fuel, this.accessFault(pc, s, off, 1, Exit.READ));
          }
          const at = (R[s] + off) | 0;
          const a = view.getInt8(at);
          R[d + 1] = a >> 31;
          R[d] = a;
          continue;
        }
        case Op.LDXS_H: {
          const off = code[pc + 3];
          if (checked && this.refuses(s, off, 2, RIGHT_READ)) {
            return this.leave(limit - fuel, this.accessFault(pc, s, off, 2, Exit.READ));
          }
          const at = (R[s] + off) | 0;
          const a = view.getInt16(at, true);
          R[d + 1] = a >> 31;
          R[d] = a;
          continue;
        }
        case Op.LDXS_W: {
          const off = code[pc + 3];
          if (checked && this.refuses(s, off, 4, RIGHT_READ)) {
            return this.leave(limit - fuel, this.accessFault(pc, s, off, 4, Exit.READ));
          }
          const at = (R[s] + off) | 0;
          const a = view.getInt32(at, true);
          R[d + 1] = a >> 31;
          R[d] = a;
          continue;
        }
        case Op.ST_B: {
          const off = code[pc + 3];
          if (checked && this.refuses(d, off, 1, RIGHT_WRITE)) {
            return this.leave(limit - fuel, this.accessFault(pc, d, off, 1, Exit.WRITE));
          }
          const at = (R[d] + off) | 0;
          view.setInt8(at, s);
          continue;
        }
        case Op.ST_H: {
          const off = code[pc + 3];
          if (checked && this.refuses(d, off, 2, RIGHT_WRITE)) {
            return this.leave(limit - fuel, this.accessFault(pc, d, off, 2, Exit.WRITE));
          }
          const at = (R[d] + off) | 0;
          view.setInt16(at, s, true);
          continue;
        }
        case Op.ST_W: {
          const off = code[pc + 3];
          if (checked && this.refuses(d, off, 4, RIGHT_WRITE)) {
            return this.leave(limit - fuel, this.accessFault(pc, d, off, 4, Exit.WRITE));
          }
          const at = (R[d] + off) | 0;
          view.setInt32(at, s, true);
          continue;
        }
        case Op.ST_DW: {
          const off = code[pc + 3];
          if (checked && this.refuses(d, off, 8, RIGHT_WRITE)) {
            return this.leave(limit - fuel, this.accessFault(pc, d, off, 8, Exit.WRITE));
          }
          const at = (R[d] + off) | 0;
          view.setInt32(at, s, true);
          view.setInt32(at + 4, s >> 31, true);
          continue;
        }
        case Op.STX_B: {
          const off = code[pc + 3];
          if (checked && this.refuses(d, off, 1, RIGHT_WRITE)) {
            return this.leave(limit - fuel, this.accessFault(pc, d, off, 1, Exit.WRITE));
          }
          const at = (R[d] + off) | 0;
          view.setInt8(at, R[s]);
          continue;
        }
        case Op.STX_H: {
          const off = code[pc + 3];
          if (checked && this.refuses(d, off, 2, RIGHT_WRITE)) {
            return this.leave(limit - fuel, this.accessFault(pc, d, off, 2, Exit.WRITE));
          }
          const at = (R[d] + off) | 0;
          view.setInt16(at, R[s], true);
          continue;
        }
        case Op.STX_W: {
          const off = code[pc + 3];
          if (checked && this.refuses(d, off, 4, RIGHT_WRITE)) {
            return this.leave(limit - fuel, this.accessFault(pc, d, off, 4, Exit.WRITE));
          }
          const at = (R[d] + off) | 0;
          view.setInt32(at, R[s], true);
          continue;
        }
        case Op.STX_DW: {
          const off = code[pc + 3];
          if (checked && this.refuses(d, off, 8, RIGHT_WRITE)) {
            return this.leave(limit - fuel, this.accessFault(pc, d, off, 8, Exit.WRITE));
          }
          const at = (R[d] + off) | 0;
          const high = R[s + 1];
          view.setInt32(at, R[s], true);
          view.setInt32(at + 4, high, true);
          continue;
        }
        case Op.STORE_REL_B: {
          const off = code[pc + 3];
          if (checked && this.refuses(d, off, 1, RIGHT_WRITE)) {
            return this.leave(limit - fuel, this.accessFault(pc, d, off, 1, Exit.WRITE));
          }
          const at = (R[d] + off) | 0;
          view.setInt8(at, R[s]);
          continue;
        }
        case Op.STORE_REL_H: {
          const off = code[pc + 3];
          if (checked && this.refuses(d, off, 2, RIGHT_WRITE)) {
            return this.leave(limit - fuel, this.accessFault(pc, d, off, 2, Exit.WRITE));
          }
          const at = (R[d] + off) | 0;
          view.setInt16(at, R[s], true);
          continue;
        }
        case Op.STORE_REL_W: {
          const off = code[pc + 3];
          if (checked && this.refuses(d, off, 4, RIGHT_WRITE)) {
            return this.leave(limit - fuel, this.accessFault(pc, d, off, 4, Exit.WRITE));
          }
          const at = (R[d] + off) | 0;
          view.setInt32(at, R[s], true);
          continue;
        }
        case Op.STORE_REL_DW: {
          const off = code[pc + 3];
          if (checked && this.refuses(d, off, 8, RIGHT_WRITE)) {
            return this.leave(limit - fuel, this.accessFault(pc, d, off, 8, Exit.WRITE));
          }
          const at = (R[d] + off) | 0;
          const high = R[s + 1];
          view.setInt32(at, R[s], true);
          view.setInt32(at + 4, high, true);
          continue;
        }

        // atomics: one thread owns the memory, so they are plain
        case Op.ATOMIC_ADD32: {
          const off = code[pc + 3];
          if (checked && this.refuses(d, off, 4, RIGHT_WRITE)) {
            return this.leave(limit - fuel, this.accessFault(pc, d, off, 4, Exit.WRITE));
          }
          const at = (R[d] + off) | 0;
          view.setInt32(at, view.getInt32(at, true) + R[s], true);
          continue;
        }
        case Op.FETCH_ADD32: {
          const off = code[pc + 3];
          if (checked && this.refuses(d, off, 4, RIGHT_WRITE)) {
            return this.leave(limit - fuel, this.accessFault(pc, d, off, 4, Exit.WRITE));
          }
          const at = (R[d] + off) | 0;
          const old = view.getInt32(at, true);
          view.setInt32(at, old + R[s], true);
          R[s] = old;
          R[s + 1] = 0;
          continue;
        }
        case Op.ATOMIC_OR32: {
          const off = code[pc + 3];
          if (checked && this.refuses(d, off, 4, RIGHT_WRITE)) {
            return this.leave(limit - fuel, this.accessFault(pc, d, off, 4, Exit.WRITE));
          }
          const at = (R[d] + off) | 0;
          view.setInt32(at, view.getInt32(at, true) | R[s], true);
          continue;
        }
        case Op.FETCH_OR32: {
          const off = code[pc + 3];
          if (checked && this.refuses(d, off, 4, RIGHT_WRITE)) {
            return this.leave(limit - fuel, this.accessFault(pc, d, off, 4, Exit.WRITE));
          }
          const at = (R[d] + off) | 0;
          const old = view.getInt32(at, true);
          view.setInt32(at, old | R[s], true);
          R[s] = old;
          R[s + 1] = 0;
          continue;
        }
        case Op.ATOMIC_AND32: {
          const off = code[pc + 3];
          if (checked && this.refuses(d, off, 4, RIGHT_WRITE)) {
            return this.leave(limit - fuel, this.accessFault(pc, d, off, 4, Exit.WRITE));
          }
          const at = (R[d] + off) | 0;
          view.setInt32(at, view.getInt32(at, true) & R[s], true);
          continue;
        }
        case Op.FETCH_AND32: {
          const off = code[pc + 3];
          if (checked && this.refuses(d, off, 4, RIGHT_WRITE)) {
            return this.leave(limit - fuel, this.accessFault(pc, d, off, 4, Exit.WRITE));
          }
          const at = (R[d] + off) | 0;
          const old = view.getInt32(at, true);
          view.setInt32(at, old & R[s], true);
          R[s] = old;
          R[s + 1] = 0;
          continue;
        }
        case Op.ATOMIC_XOR32: {
          const off = code[pc + 3];
          if (checked && this.refuses(d, off, 4, RIGHT_WRITE)) {
            return this.leave(limit - fuel, this.accessFault(pc, d, off, 4, Exit.WRITE));
          }
          const at = (R[d] + off) | 0;
          view.setInt32(at, view.getInt32(at, true) ^ R[s], true);
          continue;
        }
        case Op.FETCH_XOR32: {
          const off = code[pc + 3];
          if (checked && this.refuses(d, off, 4, RIGHT_WRITE)) {
            return this.leave(limit - fuel, this.accessFault(pc, d, off, 4, Exit.WRITE));
          }
          const at = (R[d] + off) | 0;
          const old = view.getInt32(at, true);
          view.setInt32(at, old ^ R[s], true);
          R[s] = old;
          R[s + 1] = 0;
          continue;
        }
        case Op.XCHG32: {
          const off = code[pc + 3];
          if (checked && this.refuses(d, off, 4, RIGHT_WRITE)) {
            return this.leave(limit - fuel, this.accessFault(pc, d, off, 4, Exit.WRITE));
          }
          const at = (R[d] + off) | 0;
          const old = view.getInt32(at, true);
          view.setInt32(at, R[s], true);
          R[s] = old;
          R[s + 1] = 0;
          continue;
        }
        case Op.CMPXCHG32: {
          const off = code[pc + 3];
          if (checked && this.refuses(d, off, 4, RIGHT_WRITE)) {
            return this.leave(limit - fuel, this.accessFault(pc, d, off, 4, Exit.WRITE));
          }
          const at = (R[d] + off) | 0;
          const old = view.getInt32(at, true);
          if (old === R[0]) view.setInt32(at, R[s], true);
          R[0] = old;
          R[1] = 0;
          continue;
        }
        case Op.ATOMIC_ADD64: {
          const off = code[pc + 3];
          if (checked && this.refuses(d, off, 8, RIGHT_WRITE)) {
            return this.leave(limit - fuel, this.accessFault(pc, d, off, 8, Exit.WRITE));
          }
          const at = (R[d] + off) | 0;
          const low = view.getInt32(at, true);
          const high = view.getInt32(at + 4, true);
          const sum = (low + R[s]) | 0;
          view.setInt32(at + 4, high + R[s + 1] + (sum >>> 0 < low >>> 0 ? 1 : 0), true);
          view.setInt32(at, sum, true);
          continue;
        }
        case Op.FETCH_ADD64: {
          const off = code[pc + 3];
          if (checked && this.refuses(d, off, 8, RIGHT_WRITE)) {
            return this.leave(limit - fuel, this.accessFault(pc, d, off, 8, Exit.WRITE));
          }
          const at = (R[d] + off) | 0;
          const low = view.getInt32(at, true);
          const high = view.getInt32(at + 4, true);
          const sum = (low + R[s]) | 0;
          view.setInt32(at + 4, high + R[s + 1] + (sum >>> 0 < low >>> 0 ? 1 : 0), true);
          view.setInt32(at, sum, true);
          R[s + 1] = high;
          R[s] = low;
          continue;
        }
        case Op.ATOMIC_OR64: {
          const off = code[pc + 3];
          if (checked && this.refuses(d, off, 8, RIGHT_WRITE)) {
            return this.leave(limit - fuel, this.accessFault(pc, d, off, 8, Exit.WRITE));
          }
          const at = (R[d] + off) | 0;
          const low = view.getInt32(at, true);
          const high = view.getInt32(at + 4, true);
          view.setInt32(at + 4, high | R[s + 1], true);
          view.setInt32(at, low | R[s], true);
          continue;
        }
        case Op.FETCH_OR64: {
          const off = code[pc + 3];
          if (checked && this.refuses(d, off, 8, RIGHT_WRITE)) {
            return this.leave(limit - fuel, this.accessFault(pc, d, off, 8, Exit.WRITE));
          }
          const at = (R[d] + off) | 0;
          const low = view.getInt32(at, true);
          const high = view.getInt32(at + 4, true);
          view.setInt32(at + 4, high | R[s + 1], true);
          view.setInt32(at, low | R[s], true);
          R[s + 1] = high;
          R[s] = low;
          continue;
        }
        case Op.ATOMIC_AND64: {
          const off = code[pc + 3];
          if (checked && this.refuses(d, off, 8, RIGHT_WRITE)) {
            return this.leave(limit - fuel, this.accessFault(pc, d, off, 8, Exit.WRITE));
          }
          const at = (R[d] + off) | 0;
          const low = view.getInt32(at, true);
          const high = view.getInt32(at + 4, true);
          view.setInt32(at + 4, high & R[s + 1], true);
          view.setInt32(at, low & R[s], true);
          continue;
        }
        case Op.FETCH_AND64: {
          const off = code[pc + 3];
          if (checked && this.refuses(d, off, 8, RIGHT_WRITE)) {
            return this.leave(limit - fuel, this.accessFault(pc, d, off, 8, Exit.WRITE));
          }
          const at = (R[d] + off) | 0;
          const low = view.getInt32(at, true);
          const high = view.getInt32(at + 4, true);
          view.setInt32(at + 4, high & R[s + 1], true);
          view.setInt32(at, low & R[s], true);
          R[s + 1] = high;
          R[s] = low;
          continue;
        }
        case Op.ATOMIC_XOR64: {
          const off = code[pc + 3];
          if (checked && this.refuses(d, off, 8, RIGHT_WRITE)) {
            return this.leave(limit - fuel, this.accessFault(pc, d, off, 8, Exit.WRITE));
          }
          const at = (R[d] + off) | 0;
          const low = view.getInt32(at, true);
          const high = view.getInt32(at + 4, true);
          view.setInt32(at + 4, high ^ R[s + 1], true);
          view.setInt32(at, low ^ R[s], true);
          continue;
        }
        case Op.FETCH_XOR64: {
          const off = code[pc + 3];
          if (checked && this.refuses(d, off, 8, RIGHT_WRITE)) {
            return this.leave(limit - fuel, this.accessFault(pc, d, off, 8, Exit.WRITE));
          }
          const at = (R[d] + off) | 0;
          const low = view.getInt32(at, true);
          const high = view.getInt32(at + 4, true);
          view.setInt32(at + 4, high ^ R[s + 1], true);
          view.setInt32(at, low ^ R[s], true);
          R[s + 1] = high;
          R[s] = low;
          continue;
        }
        case Op.XCHG64: {
          const off = code[pc + 3];
          if (checked && this.refuses(d, off, 8, RIGHT_WRITE)) {
            return this.leave(limit - fuel, this.accessFault(pc, d, off, 8, Exit.WRITE));
          }
          const at = (R[d] + off) | 0;
          const low = view.getInt32(at, true);
          const high = view.getInt32(at + 4, true);
          view.setInt32(at + 4, R[s + 1], true);
          view.setInt32(at, R[s], true);
          R[s + 1] = high;
          R[s] = low;
          continue;
        }
        case Op.CMPXCHG64: {
          const off = code[pc + 3];
          if (checked && this.refuses(d, off, 8, RIGHT_WRITE)) {
            return this.leave(limit - fuel, this.accessFault(pc, d, off, 8, Exit.WRITE));
          }
          const at = (R[d] + off) | 0;
          const low = view.getInt32(at, true);
          const high = view.getInt32(at + 4, true);
          if (low === R[0] && high === R[1]) {
            view.setInt32(at + 4, R[s + 1], true);
            view.setInt32(at, R[s], true);
          }
          R[1] = high;
          R[0] = low;
          continue;
        }

        // packets, in network order; past the end the program (or function) returns 0
        case Op.LD_ABS_B: {
          const at = packetAt(memory, s, 1);
          R[0] = at === 0 ? 0 : view.getUint8(at);
          R[1] = 0;
          if (at === 0) pc = code.length - 2 * WIDTH;
          continue;
        }
        case Op.LD_IND_B: {
          const at = packetAt(memory, (R[d] + s) | 0, 1);
          R[0] = at === 0 ? 0 : view.getUint8(at);
          R[1] = 0;
          if (at === 0) pc = code.length - 2 * WIDTH;
          continue;
        }
        case Op.LD_ABS_H: {
          const at = packetAt(memory, s, 2);
          R[0] = at === 0 ? 0 : view.getUint16(at);
          R[1] = 0;
          if (at === 0) pc = code.length - 2 * WIDTH;
          continue;
        }
        case Op.LD_IND_H: {
          const at = packetAt(memory, (R[d] + s) | 0, 2);
          R[0] = at === 0 ? 0 : view.getUint16(at);
          R[1] = 0;
          if (at === 0) pc = code.length - 2 * WIDTH;
          continue;
        }
        case Op.LD_ABS_W: {
          const at = packetAt(memory, s, 4);
          R[0] = at === 0 ? 0 : view.getInt32(at);
          R[1] = 0;
          if (at === 0) pc = code.length - 2 * WIDTH;
          continue;
        }
        case Op.LD_IND_W: {
          const at = packetAt(memory, (R[d] + s) | 0, 4);
          R[0] = at === 0 ? 0 : view.getInt32(at);
          R[1] = 0;
          if (at === 0) pc = code.length - 2 * WIDTH;
          continue;
        }

        // calls
        case Op.CALL_HELPER: {
          const exit = this.callHelper(s, checked);
          ({ view } = memory);
          if (exit === Exit.OK) continue;
          return this.stop(pc, limit - fuel, exit);
        }
        case Op.CALL_LOOKUP:
          this.lookup();
          continue;
        case Op.CALL_LOCAL:
          if (!this.pushFrame(pc)) return this.leave(limit - fuel, this.fault(pc, 0, 0, 0, Exit.CALL_DEPTH));
          pc += s;
          continue;
        case Op.CALLX: {
          if (R[d + 1] === CODE_POINTER_HIGH) {
            const target = R[d];
            if (!this.pushFrame(pc)) return this.leave(limit - fuel, this.fault(pc, 0, 0, 0, Exit.CALL_DEPTH));
            pc = (target - 1) * WIDTH;
            continue;
          }
          const index = R[d + 1] === 0 ? helperIndex(memory, R[d]) : -1;
          if (index < 0) {
            return this.leave(limit - fuel, this.fault(pc, R[d], R[d + 1], 0, Exit.CALL_TARGET));
          }
          const exit = this.callHelper(index, checked);
          ({ view } = memory);
          if (exit === Exit.OK) continue;
          return this.stop(pc, limit - fuel, exit);
        }
        case Op.EXIT:
          if (memory.load32(FRAME) !== FRAMES) {
            pc = this.popFrame();
            continue;
          }
          if (checked) this.leave(limit - fuel, Exit.OK);
          if (!(checked ? this.nextChecked() : this.nextVerified(isRaw))) return Exit.OK;
          fuel = limit;
          pc = -WIDTH;
          continue;
        // fused pairs (fuse.ts): the first slot's operation, then the second's
        case Op.MOV64_REG__ADD64_IMM: {
          R[d + 1] = R[s + 1];
          R[d] = R[s];
          pc += WIDTH;
          const s2 = code[pc + 2];
          const ad2 = R[d];
          const sumd2 = (ad2 + s2) | 0;
          R[d + 1] = R[d + 1] + (s2 >> 31) + (sumd2 >>> 0 < ad2 >>> 0 ? 1 : 0);
          R[d] = sumd2;
          continue;
        }
        case Op.MOV64_REG__ADD64_REG: {
          R[d + 1] = R[s + 1];
          R[d] = R[s];
          pc += WIDTH;
          const s2 = code[pc + 2];
          const ad2 = R[d];
          const sumd2 = (ad2 + R[s2]) | 0;
          R[d + 1] = R[d + 1] + R[s2 + 1] + (sumd2 >>> 0 < ad2 >>> 0 ? 1 : 0);
          R[d] = sumd2;
          continue;
        }
        case Op.MOV64_REG__LSH64_IMM: {
          R[d + 1] = R[s + 1];
          R[d] = R[s];
          pc += WIDTH;
          const s2 = code[pc + 2];
          lsh64(R, d, s2);
          continue;
        }
        case Op.MOV64_REG__RSH64_IMM: {
          R[d + 1] = R[s + 1];
          R[d] = R[s];
          pc += WIDTH;
          const s2 = code[pc + 2];
          rsh64(R, d, s2);
          continue;
        }
        case Op.MOV64_REG__AND64_IMM: {
          R[d + 1] = R[s + 1];
          R[d] = R[s];
          pc += WIDTH;
          const s2 = code[pc + 2];
          R[d + 1] &= s2 >> 31;
          R[d] &= s2;
          continue;
        }
        case Op.MOV32_REG__AND32_IMM: {
          R[d] = R[s];
          R[d + 1] = 0;
          pc += WIDTH;
          const s2 = code[pc + 2];
          R[d] = R[d] & s2;
          R[d + 1] = 0;
          continue;
        }
        case Op.MOV32_REG__LSH32_IMM: {
          R[d] = R[s];
          R[d + 1] = 0;
          pc += WIDTH;
          const s2 = code[pc + 2];
          R[d] = R[d] << s2;
          R[d + 1] = 0;
          continue;
        }
        case Op.MOV32_REG__RSH32_IMM: {
          R[d] = R[s];
          R[d + 1] = 0;
          pc += WIDTH;
          const s2 = code[pc + 2];
          R[d] = R[d] >>> s2;
          R[d + 1] = 0;
          continue;
        }
        case Op.MOV32_REG__ADD32_IMM: {
          R[d] = R[s];
          R[d + 1] = 0;
          pc += WIDTH;
          const s2 = code[pc + 2];
          R[d] = R[d] + s2;
          R[d + 1] = 0;
          continue;
        }
        case Op.LSH64_IMM__ARSH64_IMM: {
          lsh64(R, d, s);
          pc += WIDTH;
          const s2 = code[pc + 2];
          arsh64(R, d, s2);
          continue;
        }
        case Op.LSH64_IMM__RSH64_IMM: {
          lsh64(R, d, s);
          pc += WIDTH;
          const s2 = code[pc + 2];
          rsh64(R, d, s2);
          continue;
        }
        case Op.LSH64_IMM__OR64_REG: {
          lsh64(R, d, s);
          pc += WIDTH;
          const s2 = code[pc + 2];
          R[d + 1] |= R[s2 + 1];
          R[d] |= R[s2];
          continue;
        }
        case Op.LSH32_IMM__OR32_REG: {
          R[d] = R[d] << s;
          R[d + 1] = 0;
          pc += WIDTH;
          const s2 = code[pc + 2];
          R[d] = R[d] | R[s2];
          R[d + 1] = 0;
          continue;
        }
        case Op.LDX_B__LSH64_IMM: {
          R[d] = view.getUint8((R[s] + code[pc + 3]) | 0);
          R[d + 1] = 0;
          pc += WIDTH;
          const s2 = code[pc + 2];
          lsh64(R, d, s2);
          continue;
        }
        case Op.LDX_W__LSH64_IMM: {
          R[d] = view.getInt32((R[s] + code[pc + 3]) | 0, true);
          R[d + 1] = 0;
          pc += WIDTH;
          const s2 = code[pc + 2];
          lsh64(R, d, s2);
          continue;
        }
        case Op.LDX_B__LSH32_IMM: {
          R[d] = view.getUint8((R[s] + code[pc + 3]) | 0);
          R[d + 1] = 0;
          pc += WIDTH;
          const s2 = code[pc + 2];
          R[d] = R[d] << s2;
          R[d + 1] = 0;
          continue;
        }
        case Op.LDX_H__LSH32_IMM: {
          R[d] = view.getUint16((R[s] + code[pc + 3]) | 0, true);
          R[d + 1] = 0;
          pc += WIDTH;
          const s2 = code[pc + 2];
          R[d] = R[d] << s2;
          R[d + 1] = 0;
          continue;
        }
        case Op.LDX_B__JEQ32_IMM: {
          R[d] = view.getUint8((R[s] + code[pc + 3]) | 0);
          R[d + 1] = 0;
          pc += WIDTH;
          const s2 = code[pc + 2];
          if (R[d] === s2) pc += code[pc + 3];
          continue;
        }
        case Op.LDX_B__JNE32_IMM: {
          R[d] = view.getUint8((R[s] + code[pc + 3]) | 0);
          R[d + 1] = 0;
          pc += WIDTH;
          const s2 = code[pc + 2];
          if (R[d] !== s2) pc += code[pc + 3];
          continue;
        }
        case Op.LDX_B__JEQ64_IMM: {
          R[d] = view.getUint8((R[s] + code[pc + 3]) | 0);
          R[d + 1] = 0;
          pc += WIDTH;
          const s2 = code[pc + 2];
          if (R[d] === s2 && R[d + 1] === (s2 >> 31)) pc += code[pc + 3];
          continue;
        }
        case Op.LDX_B__JNE64_IMM: {
          R[d] = view.getUint8((R[s] + code[pc + 3]) | 0);
          R[d + 1] = 0;
          pc += WIDTH;
          const s2 = code[pc + 2];
          if (R[d] !== s2 || R[d + 1] !== (s2 >> 31)) pc += code[pc + 3];
          continue;
        }
        case Op.LDX_H__JEQ32_IMM: {
          R[d] = view.getUint16((R[s] + code[pc + 3]) | 0, true);
          R[d + 1] = 0;
          pc += WIDTH;
          const s2 = code[pc + 2];
          if (R[d] === s2) pc += code[pc + 3];
          continue;
        }
        case Op.LDX_H__JNE32_IMM: {
          R[d] = view.getUint16((R[s] + code[pc + 3]) | 0, true);
          R[d + 1] = 0;
          pc += WIDTH;
          const s2 = code[pc + 2];
          if (R[d] !== s2) pc += code[pc + 3];
          continue;
        }
        case Op.LDX_H__JEQ64_IMM: {
          R[d] = view.getUint16((R[s] + code[pc + 3]) | 0, true);
          R[d + 1] = 0;
          pc += WIDTH;
          const s2 = code[pc + 2];
          if (R[d] === s2 && R[d + 1] === (s2 >> 31)) pc += code[pc + 3];
          continue;
        }
        case Op.LDX_H__JNE64_IMM: {
          R[d] = view.getUint16((R[s] + code[pc + 3]) | 0, true);
          R[d + 1] = 0;
          pc += WIDTH;
          const s2 = code[pc + 2];
          if (R[d] !== s2 || R[d + 1] !== (s2 >> 31)) pc += code[pc + 3];
          continue;
        }
        case Op.LDX_W__JEQ32_IMM: {
          R[d] = view.getInt32((R[s] + code[pc + 3]) | 0, true);
          R[d + 1] = 0;
          pc += WIDTH;
          const s2 = code[pc + 2];
          if (R[d] === s2) pc += code[pc + 3];
          continue;
        }
        case Op.LDX_W__JNE32_IMM: {
          R[d] = view.getInt32((R[s] + code[pc + 3]) | 0, true);
          R[d + 1] = 0;
          pc += WIDTH;
          const s2 = code[pc + 2];
          if (R[d] !== s2) pc += code[pc + 3];
          continue;
        }
        case Op.LDX_W__JEQ64_IMM: {
          R[d] = view.getInt32((R[s] + code[pc + 3]) | 0, true);
          R[d + 1] = 0;
          pc += WIDTH;
          const s2 = code[pc + 2];
          if (R[d] === s2 && R[d + 1] === (s2 >> 31)) pc += code[pc + 3];
          continue;
        }
        case Op.LDX_W__JNE64_IMM: {
          R[d] = view.getInt32((R[s] + code[pc + 3]) | 0, true);
          R[d + 1] = 0;
          pc += WIDTH;
          const s2 = code[pc + 2];
          if (R[d] !== s2 || R[d + 1] !== (s2 >> 31)) pc += code[pc + 3];
          continue;
        }
        case Op.LDX_DW__JEQ64_IMM: {
          const atd = (R[s] + code[pc + 3]) | 0;
          const lowd = view.getInt32(atd, true);
          R[d + 1] = view.getInt32(atd + 4, true);
          R[d] = lowd;
          pc += WIDTH;
          const s2 = code[pc + 2];
          if (R[d] === s2 && R[d + 1] === (s2 >> 31)) pc += code[pc + 3];
          continue;
        }
        case Op.LDX_DW__JNE64_IMM: {
          const atd = (R[s] + code[pc + 3]) | 0;
          const lowd = view.getInt32(atd, true);
          R[d + 1] = view.getInt32(atd + 4, true);
          R[d] = lowd;
          pc += WIDTH;
          const s2 = code[pc + 2];
          if (R[d] !== s2 || R[d + 1] !== (s2 >> 31)) pc += code[pc + 3];
          continue;
        }
        case Op.AND32_IMM__JEQ32_IMM: {
          R[d] = R[d] & s;
          R[d + 1] = 0;
          pc += WIDTH;
          const s2 = code[pc + 2];
          if (R[d] === s2) pc += code[pc + 3];
          continue;
        }
        case Op.AND32_IMM__JNE32_IMM: {
          R[d] = R[d] & s;
          R[d + 1] = 0;
          pc += WIDTH;
          const s2 = code[pc + 2];
          if (R[d] !== s2) pc += code[pc + 3];
          continue;
        }
        case Op.AND64_IMM__JEQ64_IMM: {
          R[d + 1] &= s >> 31;
          R[d] &= s;
          pc += WIDTH;
          const s2 = code[pc + 2];
          if (R[d] === s2 && R[d + 1] === (s2 >> 31)) pc += code[pc + 3];
          continue;
        }
        case Op.AND64_IMM__JNE64_IMM: {
          R[d + 1] &= s >> 31;
          R[d] &= s;
          pc += WIDTH;
          const s2 = code[pc + 2];
          if (R[d] !== s2 || R[d + 1] !== (s2 >> 31)) pc += code[pc + 3];
          continue;
        }
        case Op.ADD64_IMM__JNE64_IMM: {
          const ad = R[d];
          const sumd = (ad + s) | 0;
          R[d + 1] = R[d + 1] + (s >> 31) + (sumd >>> 0 < ad >>> 0 ? 1 : 0);
          R[d] = sumd;
          pc += WIDTH;
          const s2 = code[pc + 2];
          if (R[d] !== s2 || R[d + 1] !== (s2 >> 31)) pc += code[pc + 3];
          continue;
        }
        case Op.ADD64_IMM__JNE64_REG: {
          const ad = R[d];
          const sumd = (ad + s) | 0;
          R[d + 1] = R[d + 1] + (s >> 31) + (sumd >>> 0 < ad >>> 0 ? 1 : 0);
          R[d] = sumd;
          pc += WIDTH;
          const s2 = code[pc + 2];
          if (R[d] !== R[s2] || R[d + 1] !== R[s2 + 1]) pc += code[pc + 3];
          continue;
        }
        case Op.ADD64_IMM__JLT64_REG: {
          const ad = R[d];
          const sumd = (ad + s) | 0;
          R[d + 1] = R[d + 1] + (s >> 31) + (sumd >>> 0 < ad >>> 0 ? 1 : 0);
          R[d] = sumd;
          pc += WIDTH;
          const s2 = code[pc + 2];
          if (R[d + 1] === R[s2 + 1] ? R[d] >>> 0 < R[s2] >>> 0 : R[d + 1] >>> 0 < R[s2 + 1] >>> 0) pc += code[pc + 3];
          continue;
        }
        case Op.ADD32_IMM__JNE32_IMM: {
          R[d] = R[d] + s;
          R[d + 1] = 0;
          pc += WIDTH;
          const s2 = code[pc + 2];
          if (R[d] !== s2) pc += code[pc + 3];
          continue;
        }
        case Op.ADD32_IMM__JNE32_REG: {
          R[d] = R[d] + s;
          R[d + 1] = 0;
          pc += WIDTH;
          const s2 = code[pc + 2];
          if (R[d] !== R[s2]) pc += code[pc + 3];
          continue;
        }
        case Op.XOR64_REG__MUL64_IMM: {
          R[d + 1] ^= R[s + 1];
          R[d] ^= R[s];
          pc += WIDTH;
          const s2 = code[pc + 2];
          const ad2 = R[d];
          const bd2 = s2;
          R[d + 1] = mulHigh(ad2, bd2) + Math.imul(R[d + 1], bd2) + Math.imul(ad2, (s2 >> 31));
          R[d] = Math.imul(ad2, bd2);
          continue;
        }
        case Op.XOR32_REG__MUL32_IMM: {
          R[d] = R[d] ^ R[s];
          R[d + 1] = 0;
          pc += WIDTH;
          const s2 = code[pc + 2];
          R[d] = Math.imul(R[d], s2);
          R[d + 1] = 0;
          continue;
        }
        case Op.MUL64_REG__ADD64_REG: {
          const ad = R[d];
          const bd = R[s];
          R[d + 1] = mulHigh(ad, bd) + Math.imul(R[d + 1], bd) + Math.imul(ad, R[s + 1]);
          R[d] = Math.imul(ad, bd);
          pc += WIDTH;
          const s2 = code[pc + 2];
          const ad2 = R[d];
          const sumd2 = (ad2 + R[s2]) | 0;
          R[d + 1] = R[d + 1] + R[s2 + 1] + (sumd2 >>> 0 < ad2 >>> 0 ? 1 : 0);
          R[d] = sumd2;
          continue;
        }
        case Op.ADD64_REG__LDX_B: {
          const ad = R[d];
          const sumd = (ad + R[s]) | 0;
          R[d + 1] = R[d + 1] + R[s + 1] + (sumd >>> 0 < ad >>> 0 ? 1 : 0);
          R[d] = sumd;
          pc += WIDTH;
          const d2 = code[pc + 1];
          const s2 = code[pc + 2];
          R[d2] = view.getUint8((R[s2] + code[pc + 3]) | 0);
          R[d2 + 1] = 0;
          continue;
        }
        case Op.ADD64_REG__LDX_H: {
          const ad = R[d];
          const sumd = (ad + R[s]) | 0;
          R[d + 1] = R[d + 1] + R[s + 1] + (sumd >>> 0 < ad >>> 0 ? 1 : 0);
          R[d] = sumd;
          pc += WIDTH;
          const d2 = code[pc + 1];
          const s2 = code[pc + 2];
          R[d2] = view.getUint16((R[s2] + code[pc + 3]) | 0, true);
          R[d2 + 1] = 0;
          continue;
        }
        case Op.ADD64_REG__LDX_W: {
          const ad = R[d];
          const sumd = (ad + R[s]) | 0;
          R[d + 1] = R[d + 1] + R[s + 1] + (sumd >>> 0 < ad >>> 0 ? 1 : 0);
          R[d] = sumd;
          pc += WIDTH;
          const d2 = code[pc + 1];
          const s2 = code[pc + 2];
          R[d2] = view.getInt32((R[s2] + code[pc + 3]) | 0, true);
          R[d2 + 1] = 0;
          continue;
        }
        case Op.ADD64_REG__LDX_DW: {
          const ad = R[d];
          const sumd = (ad + R[s]) | 0;
          R[d + 1] = R[d + 1] + R[s + 1] + (sumd >>> 0 < ad >>> 0 ? 1 : 0);
          R[d] = sumd;
          pc += WIDTH;
          const d2 = code[pc + 1];
          const s2 = code[pc + 2];
          const atd2 = (R[s2] + code[pc + 3]) | 0;
          const lowd2 = view.getInt32(atd2, true);
          R[d2 + 1] = view.getInt32(atd2 + 4, true);
          R[d2] = lowd2;
          continue;
        }
        case Op.RSH64_IMM__XOR64_REG: {
          rsh64(R, d, s);
          pc += WIDTH;
          const d2 = code[pc + 1];
          const s2 = code[pc + 2];
          R[d2 + 1] ^= R[s2 + 1];
          R[d2] ^= R[s2];
          continue;
        }
        case Op.RSH32_IMM__XOR32_REG: {
          R[d] = R[d] >>> s;
          R[d + 1] = 0;
          pc += WIDTH;
          const d2 = code[pc + 1];
          const s2 = code[pc + 2];
          R[d2] = R[d2] ^ R[s2];
          R[d2 + 1] = 0;
          continue;
        }
        case Op.LDX_W__LDX_W: {
          R[d] = view.getInt32((R[s] + code[pc + 3]) | 0, true);
          R[d + 1] = 0;
          pc += WIDTH;
          const d2 = code[pc + 1];
          const s2 = code[pc + 2];
          R[d2] = view.getInt32((R[s2] + code[pc + 3]) | 0, true);
          R[d2 + 1] = 0;
          continue;
        }
        case Op.LDX_DW__LDX_DW: {
          const atd = (R[s] + code[pc + 3]) | 0;
          const lowd = view.getInt32(atd, true);
          R[d + 1] = view.getInt32(atd + 4, true);
          R[d] = lowd;
          pc += WIDTH;
          const d2 = code[pc + 1];
          const s2 = code[pc + 2];
          const atd2 = (R[s2] + code[pc + 3]) | 0;
          const lowd2 = view.getInt32(atd2, true);
          R[d2 + 1] = view.getInt32(atd2 + 4, true);
          R[d2] = lowd2;
          continue;
        }
        case Op.LDX_B__LDX_B: {
          R[d] = view.getUint8((R[s] + code[pc + 3]) | 0);
          R[d + 1] = 0;
          pc += WIDTH;
          const d2 = code[pc + 1];
          const s2 = code[pc + 2];
          R[d2] = view.getUint8((R[s2] + code[pc + 3]) | 0);
          R[d2 + 1] = 0;
          continue;
        }
        case Op.LDX_DW__LDX_W: {
          const atd = (R[s] + code[pc + 3]) | 0;
          const lowd = view.getInt32(atd, true);
          R[d + 1] = view.getInt32(atd + 4, true);
          R[d] = lowd;
          pc += WIDTH;
          const d2 = code[pc + 1];
          const s2 = code[pc + 2];
          R[d2] = view.getInt32((R[s2] + code[pc + 3]) | 0, true);
          R[d2 + 1] = 0;
          continue;
        }
        case Op.STX_DW__STX_DW: {
          const tod = (R[d] + code[pc + 3]) | 0;
          view.setInt32(tod, R[s], true);
          view.setInt32(tod + 4, R[s + 1], true);
          pc += WIDTH;
          const d2 = code[pc + 1];
          const s2 = code[pc + 2];
          const tod2 = (R[d2] + code[pc + 3]) | 0;
          view.setInt32(tod2, R[s2], true);
          view.setInt32(tod2 + 4, R[s2 + 1], true);
          continue;
        }
        case Op.LDX_DW__STX_DW: {
          const atd = (R[s] + code[pc + 3]) | 0;
          const lowd = view.getInt32(atd, true);
          R[d + 1] = view.getInt32(atd + 4, true);
          R[d] = lowd;
          pc += WIDTH;
          const d2 = code[pc + 1];
          const s2 = code[pc + 2];
          const tod2 = (R[d2] + code[pc + 3]) | 0;
          view.setInt32(tod2, R[s2], true);
          view.setInt32(tod2 + 4, R[s2 + 1], true);
          continue;
        }
        case Op.LDX_W__STX_W: {
          R[d] = view.getInt32((R[s] + code[pc + 3]) | 0, true);
          R[d + 1] = 0;
          pc += WIDTH;
          const d2 = code[pc + 1];
          const s2 = code[pc + 2];
          view.setInt32((R[d2] + code[pc + 3]) | 0, R[s2], true);
          continue;
        }
        case Op.MOV64_REG__MOV64_REG: {
          R[d + 1] = R[s + 1];
          R[d] = R[s];
          pc += WIDTH;
          const d2 = code[pc + 1];
          const s2 = code[pc + 2];
          R[d2 + 1] = R[s2 + 1];
          R[d2] = R[s2];
          continue;
        }
        case Op.MOV64_REG__MOV64_IMM: {
          R[d + 1] = R[s + 1];
          R[d] = R[s];
          pc += WIDTH;
          const d2 = code[pc + 1];
          const s2 = code[pc + 2];
          R[d2 + 1] = s2 >> 31;
          R[d2] = s2;
          continue;
        }
        case Op.MOV64_REG__MOV32_IMM: {
          R[d + 1] = R[s + 1];
          R[d] = R[s];
          pc += WIDTH;
          const d2 = code[pc + 1];
          const s2 = code[pc + 2];
          R[d2] = s2;
          R[d2 + 1] = 0;
          continue;
        }
        case Op.MOV32_IMM__MOV32_IMM: {
          R[d] = s;
          R[d + 1] = 0;
          pc += WIDTH;
          const d2 = code[pc + 1];
          const s2 = code[pc + 2];
          R[d2] = s2;
          R[d2 + 1] = 0;
          continue;
        }
        case Op.MOV32_IMM__STX_W: {
          R[d] = s;
          R[d + 1] = 0;
          pc += WIDTH;
          const d2 = code[pc + 1];
          const s2 = code[pc + 2];
          view.setInt32((R[d2] + code[pc + 3]) | 0, R[s2], true);
          continue;
        }
        case Op.MOV64_IMM__CALL_HELPER: {
          R[d + 1] = s >> 31;
          R[d] = s;
          pc += WIDTH;
          const exit = this.callHelper(code[pc + 2], checked);
          ({ view } = memory);
          if (exit !== Exit.OK) return this.stop(pc, limit - fuel, exit);
          continue;
        }
        case Op.MOV32_IMM__CALL_HELPER: {
          R[d] = s;
          R[d + 1] = 0;
          pc += WIDTH;
          const exit = this.callHelper(code[pc + 2], checked);
          ({ view } = memory);
          if (exit !== Exit.OK) return this.stop(pc, limit - fuel, exit);
          continue;
        }
        case Op.LDDW__CALL_HELPER: {
          R[d] = s;
          R[d + 1] = code[pc + WIDTH + 2];
          pc += 2 * WIDTH;
          const exit = this.callHelper(code[pc + 2], checked);
          ({ view } = memory);
          if (exit !== Exit.OK) return this.stop(pc, limit - fuel, exit);
          continue;
        }
        case Op.CALL_HELPER__JEQ64_IMM: {
          const exit = this.callHelper(s, checked);
          ({ view } = memory);
          if (exit !== Exit.OK) return this.stop(pc, limit - fuel, exit);
          pc += WIDTH;
          const d2 = code[pc + 1];
          const s2 = code[pc + 2];
          if (R[d2] === s2 && R[d2 + 1] === (s2 >> 31)) pc += code[pc + 3];
          continue;
        }
        case Op.CALL_HELPER__JNE64_IMM: {
          const exit = this.callHelper(s, checked);
          ({ view } = memory);
          if (exit !== Exit.OK) return this.stop(pc, limit - fuel, exit);
          pc += WIDTH;
          const d2 = code[pc + 1];
          const s2 = code[pc + 2];
          if (R[d2] !== s2 || R[d2 + 1] !== (s2 >> 31)) pc += code[pc + 3];
          continue;
        }
        case Op.JEQ32_IMM__JEQ32_IMM: {
          if (R[d] === s) {
            pc += code[pc + 3];
            continue;
          }
          pc += WIDTH;
          const d2 = code[pc + 1];
          const s2 = code[pc + 2];
          if (R[d2] === s2) pc += code[pc + 3];
          continue;
        }
        case Op.JEQ64_IMM__JEQ64_IMM: {
          if (R[d] === s && R[d + 1] === (s >> 31)) {
            pc += code[pc + 3];
            continue;
          }
          pc += WIDTH;
          const d2 = code[pc + 1];
          const s2 = code[pc + 2];
          if (R[d2] === s2 && R[d2 + 1] === (s2 >> 31)) pc += code[pc + 3];
          continue;
        }
        case Op.ADD64_IMM__MOV64_REG: {
          const ad = R[d];
          const sumd = (ad + s) | 0;
          R[d + 1] = R[d + 1] + (s >> 31) + (sumd >>> 0 < ad >>> 0 ? 1 : 0);
          R[d] = sumd;
          pc += WIDTH;
          const d2 = code[pc + 1];
          const s2 = code[pc + 2];
          R[d2 + 1] = R[s2 + 1];
          R[d2] = R[s2];
          continue;
        }
        case Op.ADD64_REG__ADD64_REG: {
          const ad = R[d];
          const sumd = (ad + R[s]) | 0;
          R[d + 1] = R[d + 1] + R[s + 1] + (sumd >>> 0 < ad >>> 0 ? 1 : 0);
          R[d] = sumd;
          pc += WIDTH;
          const d2 = code[pc + 1];
          const s2 = code[pc + 2];
          const ad2 = R[d2];
          const sumd2 = (ad2 + R[s2]) | 0;
          R[d2 + 1] = R[d2 + 1] + R[s2 + 1] + (sumd2 >>> 0 < ad2 >>> 0 ? 1 : 0);
          R[d2] = sumd2;
          continue;
        }
        case Op.ADD64_REG__MOV64_REG: {
          const ad = R[d];
          const sumd = (ad + R[s]) | 0;
          R[d + 1] = R[d + 1] + R[s + 1] + (sumd >>> 0 < ad >>> 0 ? 1 : 0);
          R[d] = sumd;
          pc += WIDTH;
          const d2 = code[pc + 1];
          const s2 = code[pc + 2];
          R[d2 + 1] = R[s2 + 1];
          R[d2] = R[s2];
          continue;
        }
        case Op.LDDW__CALL_LOOKUP:
          R[d] = s;
          R[d + 1] = code[pc + WIDTH + 2];
          pc += 2 * WIDTH;
          this.lookup();
          continue;
        case Op.CALL_LOOKUP__JEQ64_IMM: {
          this.lookup();
          pc += WIDTH;
          const d2 = code[pc + 1];
          const s2 = code[pc + 2];
          if (R[d2] === s2 && R[d2 + 1] === (s2 >> 31)) pc += code[pc + 3];
          continue;
        }
        case Op.CALL_LOOKUP__JNE64_IMM: {
          this.lookup();
          pc += WIDTH;
          const d2 = code[pc + 1];
          const s2 = code[pc + 2];
          if (R[d2] !== s2 || R[d2 + 1] !== (s2 >> 31)) pc += code[pc + 3];
          continue;
        }
        case Op.MOV64_IMM__EXIT:
          R[d + 1] = s >> 31;
          R[d] = s;
          pc += WIDTH;
          pc = code.length - 2 * WIDTH;
          continue;
        case Op.MOV32_IMM__EXIT:
          R[d] = s;
          R[d + 1] = 0;
          pc += WIDTH;
          pc = code.length - 2 * WIDTH;
          continue;
        case Op.MOV32_IMM__JA:
          R[d] = s;
          R[d + 1] = 0;
          pc += WIDTH;
          pc += code[pc + 3];
          continue;
        case Op.JNE32_IMM__LDX_B: {
          if (R[d] !== s) {
            pc += code[pc + 3];
            continue;
          }
          pc += WIDTH;
          const d2 = code[pc + 1];
          const s2 = code[pc + 2];
          R[d2] = view.getUint8((R[s2] + code[pc + 3]) | 0);
          R[d2 + 1] = 0;
          continue;
        }
        default:
          return this.leave(limit - fuel, this.fault(pc, code[pc], 0, 0, Exit.OPCODE));
      }
    }
  }
}

/** Upper half of a 64-bit register plus a sign-extended offset, given the lower half of the sum. */
function upperSum(base: number, off: number, low: number): number {
  return (R[base + 1] + (off >> 31) + (low >>> 0 < R[base] >>> 0 ? 1 : 0)) | 0;
}

const interpreters = new WeakMap<Runtime, Interpreter>();

export const tsEngine: Engine = interpreterEngine(
  "ts",
  () => undefined,
  (runtime, program, prepared) => {
    let interpreter = interpreters.get(runtime);
    if (interpreter === undefined) {
      interpreter = new Interpreter(runtime);
      interpreters.set(runtime, interpreter);
    }
    interpreter.programs.set(prepared.record, decodePrepared(runtime.memory, program, prepared.code));
    return interpreter.execute;
  },
);
