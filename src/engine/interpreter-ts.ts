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
  EVENT_PROGRAM,
  EVENT_RESULT,
  EVENT_SIZE,
  EXECUTED,
  FLAG_CHECKED,
  FRAME_MAY_GOTO,
  FRAME_SIZE,
  FRAMES,
  HELPER_ARGS,
  HELPER_CORE,
  HELPER_SIZE,
  HELPERS,
  MAX_FRAMES,
  MAY_GOTO_LIMIT,
  PROGRAM_FLAGS,
  PROGRAM_LIMIT_HIGH,
  PROGRAM_LIMIT_LOW,
  REG_R0,
  REGS,
  RIGHT_READ,
  RIGHT_WRITE,
  TRAP_ADDRESS,
  TRAP_DETAIL,
  TRAP_EVENT,
  TRAP_SLOT,
} from "../../assembly/shared/layout.ts";
import { Op } from "../../assembly/shared/opcodes.ts";
import { checkArguments, mayAccess } from "../../assembly/portable/access.ts";
import { enterProgram, packetAt, popFrame, pushFrame } from "../../assembly/portable/frames.ts";
import { callCoreHelper, helperIndex } from "../../assembly/portable/helpers.ts";
import type { GuestMemory } from "../memory.ts";
import type { Program } from "../program.ts";
import type { Runtime } from "../runtime.ts";
import type { Engine } from "./engine.ts";
import { arsh64, div64, lsh64, mod64, mulHigh, rsh64, sdiv64, smod64, swap16, swap32 } from "./int64.ts";
import { interpreterEngine } from "./interpreter.ts";

/** int32 per slot of decoded code. */
const WIDTH = 4;
/** Index of r0's lower half. */
const R0 = REG_R0 >> 2;
const LAST_FRAME = FRAMES + (MAX_FRAMES - 1) * FRAME_SIZE;
const TWO_32 = 0x1_0000_0000;

/** Jumps carry their distance in int32s of decoded code. */
const isJump = (name: string): boolean => /^j|^may_goto/.test(name);

/** Prepared code in linear memory to decoded code. */
function decodePrepared(memory: GuestMemory, program: Program, code: number): Int32Array {
  const decoded = new Int32Array(program.slots * WIDTH);
  for (const { slot, row } of program.decoded) {
    const from = code + slot * 8;
    const to = slot * WIDTH;
    const field = memory.load32(from + CODE_IMM);
    const off = (memory.load16(from + CODE_OFF) << 16) >> 16;
    const readsSrc = row.operands.has("src") && !row.operands.has("imm");
    const isFar = row.name === "gotol" || row.name === "call_local";
    decoded[to] = memory.load8(from);
    decoded[to + 1] = (REGS + memory.load8(from + CODE_DST)) >> 2;
    decoded[to + 2] = readsSrc ? (REGS + field) >> 2 : isFar ? field * WIDTH : field;
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

  constructor(runtime: Runtime) {
    this.runtime = runtime;
    this.memory = runtime.memory;
  }

  /** See Execute in interpreter.ts. */
  readonly execute = (events: number, count: number): number => {
    const { memory } = this;
    let event = events;
    for (let index = 0; index < count; index++) {
      const program = memory.load32(event + EVENT_PROGRAM);
      enterProgram(memory, event, program, memory.load32(program + PROGRAM_FLAGS));
      const exit = this.interpret(program);
      if (exit !== Exit.OK) {
        memory.store32(TRAP_EVENT, index);
        return exit;
      }
      memory.store32(event + EVENT_RESULT, memory.i32[R0]);
      memory.store32(event + EVENT_RESULT + 4, memory.i32[R0 + 1]);
      event += EVENT_SIZE;
    }
    memory.store32(TRAP_EVENT, count);
    return Exit.OK;
  };

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
    const { i32 } = this.memory;
    const low = (i32[base] + off) | 0;
    return this.fault(pc, low, upperSum(i32, base, off, low), size, exit);
  }

  /** True when a checked program must not touch `size` bytes at `base + off`. */
  refuses(base: number, off: number, size: number, right: number): boolean {
    const { i32 } = this.memory;
    const low = (i32[base] + off) | 0;
    return upperSum(i32, base, off, low) !== 0 || !mayAccess(this.memory, low, size, right);
  }

  /** Runs the helper at `index` of the table on the register file. */
  callHelper(index: number, checked: boolean): number {
    const { memory } = this;
    const entry = memory.load32(HELPERS) + index * HELPER_SIZE;
    if (checked) {
      const refused = checkArguments(memory, memory.load32(entry + HELPER_ARGS));
      if (refused !== Exit.OK) return refused;
    }
    const core = memory.load32(entry + HELPER_CORE);
    return core !== 0 ? callCoreHelper(memory, core) : this.runtime.helpers.call(index);
  }

  /** Every way out of the loop of a checked run: its instructions are summed up. */
  leave(executed: number, exit: number): number {
    const { memory } = this;
    memory.storeU64(EXECUTED, memory.loadU64(EXECUTED) + BigInt(executed));
    return exit;
  }

  /** Runs the program whose record is at `program` on the register file until it exits. */
  interpret(program: number): number {
    const { memory } = this;
    const code = this.programs.get(program) as Int32Array;
    const flags = memory.load32(program + PROGRAM_FLAGS);
    const checked = (flags & FLAG_CHECKED) !== 0;
    const limit =
      memory.view.getUint32(program + PROGRAM_LIMIT_LOW, true) + memory.load32(program + PROGRAM_LIMIT_HIGH) * TWO_32;
    let { i32, view } = memory;
    let fuel = limit;
    let frame = FRAMES;
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
          const a = i32[d];
          const sum = (a + s) | 0;
          i32[d + 1] = i32[d + 1] + (s >> 31) + (sum >>> 0 < a >>> 0 ? 1 : 0);
          i32[d] = sum;
          continue;
        }
        case Op.SUB64_IMM: {
          const a = i32[d];
          const b = s;
          i32[d + 1] = i32[d + 1] - (s >> 31) - (a >>> 0 < b >>> 0 ? 1 : 0);
          i32[d] = a - b;
          continue;
        }
        case Op.MUL64_IMM: {
          const a = i32[d];
          const b = s;
          i32[d + 1] = mulHigh(a, b) + Math.imul(i32[d + 1], b) + Math.imul(a, (s >> 31));
          i32[d] = Math.imul(a, b);
          continue;
        }
        case Op.OR64_IMM:
          i32[d + 1] |= s >> 31;
          i32[d] |= s;
          continue;
        case Op.AND64_IMM:
          i32[d + 1] &= s >> 31;
          i32[d] &= s;
          continue;
        case Op.XOR64_IMM:
          i32[d + 1] ^= s >> 31;
          i32[d] ^= s;
          continue;
        case Op.DIV64_IMM:
          div64(i32, d, s, s >> 31);
          continue;
        case Op.MOD64_IMM:
          mod64(i32, d, s, s >> 31);
          continue;
        case Op.SDIV64_IMM:
          sdiv64(i32, d, s, s >> 31);
          continue;
        case Op.SMOD64_IMM:
          smod64(i32, d, s, s >> 31);
          continue;
        case Op.LSH64_IMM:
          lsh64(i32, d, s);
          continue;
        case Op.RSH64_IMM:
          rsh64(i32, d, s);
          continue;
        case Op.ARSH64_IMM:
          arsh64(i32, d, s);
          continue;
        case Op.MOV64_IMM:
          i32[d + 1] = s >> 31;
          i32[d] = s;
          continue;
        case Op.ADD64_REG: {
          const a = i32[d];
          const sum = (a + i32[s]) | 0;
          i32[d + 1] = i32[d + 1] + i32[s + 1] + (sum >>> 0 < a >>> 0 ? 1 : 0);
          i32[d] = sum;
          continue;
        }
        case Op.SUB64_REG: {
          const a = i32[d];
          const b = i32[s];
          i32[d + 1] = i32[d + 1] - i32[s + 1] - (a >>> 0 < b >>> 0 ? 1 : 0);
          i32[d] = a - b;
          continue;
        }
        case Op.MUL64_REG: {
          const a = i32[d];
          const b = i32[s];
          i32[d + 1] = mulHigh(a, b) + Math.imul(i32[d + 1], b) + Math.imul(a, i32[s + 1]);
          i32[d] = Math.imul(a, b);
          continue;
        }
        case Op.OR64_REG:
          i32[d + 1] |= i32[s + 1];
          i32[d] |= i32[s];
          continue;
        case Op.AND64_REG:
          i32[d + 1] &= i32[s + 1];
          i32[d] &= i32[s];
          continue;
        case Op.XOR64_REG:
          i32[d + 1] ^= i32[s + 1];
          i32[d] ^= i32[s];
          continue;
        case Op.DIV64_REG:
          div64(i32, d, i32[s], i32[s + 1]);
          continue;
        case Op.MOD64_REG:
          mod64(i32, d, i32[s], i32[s + 1]);
          continue;
        case Op.SDIV64_REG:
          sdiv64(i32, d, i32[s], i32[s + 1]);
          continue;
        case Op.SMOD64_REG:
          smod64(i32, d, i32[s], i32[s + 1]);
          continue;
        case Op.LSH64_REG:
          lsh64(i32, d, i32[s]);
          continue;
        case Op.RSH64_REG:
          rsh64(i32, d, i32[s]);
          continue;
        case Op.ARSH64_REG:
          arsh64(i32, d, i32[s]);
          continue;
        case Op.MOV64_REG:
          i32[d + 1] = i32[s + 1];
          i32[d] = i32[s];
          continue;
        case Op.NEG64: {
          const a = i32[d];
          i32[d + 1] = ~i32[d + 1] + (a === 0 ? 1 : 0);
          i32[d] = -a;
          continue;
        }
        case Op.MOVSX64_B: {
          const a = (i32[s] << 24) >> 24;
          i32[d + 1] = a >> 31;
          i32[d] = a;
          continue;
        }
        case Op.MOVSX64_H: {
          const a = (i32[s] << 16) >> 16;
          i32[d + 1] = a >> 31;
          i32[d] = a;
          continue;
        }
        case Op.MOVSX64_W: {
          const a = i32[s];
          i32[d + 1] = a >> 31;
          i32[d] = a;
          continue;
        }

        // 32-bit arithmetic: the upper half becomes zero
        case Op.ADD32_IMM:
          i32[d] = i32[d] + s;
          i32[d + 1] = 0;
          continue;
        case Op.SUB32_IMM:
          i32[d] = i32[d] - s;
          i32[d + 1] = 0;
          continue;
        case Op.MUL32_IMM:
          i32[d] = Math.imul(i32[d], s);
          i32[d + 1] = 0;
          continue;
        case Op.OR32_IMM:
          i32[d] = i32[d] | s;
          i32[d + 1] = 0;
          continue;
        case Op.AND32_IMM:
          i32[d] = i32[d] & s;
          i32[d + 1] = 0;
          continue;
        case Op.XOR32_IMM:
          i32[d] = i32[d] ^ s;
          i32[d + 1] = 0;
          continue;
        case Op.LSH32_IMM:
          i32[d] = i32[d] << s;
          i32[d + 1] = 0;
          continue;
        case Op.RSH32_IMM:
          i32[d] = i32[d] >>> s;
          i32[d + 1] = 0;
          continue;
        case Op.ARSH32_IMM:
          i32[d] = i32[d] >> s;
          i32[d + 1] = 0;
          continue;
        case Op.MOV32_IMM:
          i32[d] = s;
          i32[d + 1] = 0;
          continue;
        case Op.DIV32_IMM: {
          const b = s >>> 0;
          i32[d] = b === 0 ? 0 : (i32[d] >>> 0) / b;
          i32[d + 1] = 0;
          continue;
        }
        case Op.MOD32_IMM: {
          const b = s >>> 0;
          if (b !== 0) i32[d] = (i32[d] >>> 0) % b;
          i32[d + 1] = 0;
          continue;
        }
        case Op.SDIV32_IMM: {
          const b = s;
          i32[d] = b === 0 ? 0 : i32[d] / b;
          i32[d + 1] = 0;
          continue;
        }
        case Op.SMOD32_IMM: {
          const b = s;
          if (b !== 0) i32[d] = i32[d] % b;
          i32[d + 1] = 0;
          continue;
        }
        case Op.ADD32_REG:
          i32[d] = i32[d] + i32[s];
          i32[d + 1] = 0;
          continue;
        case Op.SUB32_REG:
          i32[d] = i32[d] - i32[s];
          i32[d + 1] = 0;
          continue;
        case Op.MUL32_REG:
          i32[d] = Math.imul(i32[d], i32[s]);
          i32[d + 1] = 0;
          continue;
        case Op.OR32_REG:
          i32[d] = i32[d] | i32[s];
          i32[d + 1] = 0;
          continue;
        case Op.AND32_REG:
          i32[d] = i32[d] & i32[s];
          i32[d + 1] = 0;
          continue;
        case Op.XOR32_REG:
          i32[d] = i32[d] ^ i32[s];
          i32[d + 1] = 0;
          continue;
        case Op.LSH32_REG:
          i32[d] = i32[d] << i32[s];
          i32[d + 1] = 0;
          continue;
        case Op.RSH32_REG:
          i32[d] = i32[d] >>> i32[s];
          i32[d + 1] = 0;
          continue;
        case Op.ARSH32_REG:
          i32[d] = i32[d] >> i32[s];
          i32[d + 1] = 0;
          continue;
        case Op.MOV32_REG:
          i32[d] = i32[s];
          i32[d + 1] = 0;
          continue;
        case Op.DIV32_REG: {
          const b = i32[s] >>> 0;
          i32[d] = b === 0 ? 0 : (i32[d] >>> 0) / b;
          i32[d + 1] = 0;
          continue;
        }
        case Op.MOD32_REG: {
          const b = i32[s] >>> 0;
          if (b !== 0) i32[d] = (i32[d] >>> 0) % b;
          i32[d + 1] = 0;
          continue;
        }
        case Op.SDIV32_REG: {
          const b = i32[s];
          i32[d] = b === 0 ? 0 : i32[d] / b;
          i32[d + 1] = 0;
          continue;
        }
        case Op.SMOD32_REG: {
          const b = i32[s];
          if (b !== 0) i32[d] = i32[d] % b;
          i32[d + 1] = 0;
          continue;
        }
        case Op.NEG32:
          i32[d] = -i32[d];
          i32[d + 1] = 0;
          continue;
        case Op.MOVSX32_B:
          i32[d] = (i32[s] << 24) >> 24;
          i32[d + 1] = 0;
          continue;
        case Op.MOVSX32_H:
          i32[d] = (i32[s] << 16) >> 16;
          i32[d + 1] = 0;
          continue;

        // byte order, and the cast between address spaces, which here are one
        case Op.LE16:
          i32[d] &= 0xffff;
          i32[d + 1] = 0;
          continue;
        case Op.LE32:
          i32[d + 1] = 0;
          continue;
        case Op.LE64:
          continue;
        case Op.SWAP16:
          i32[d] = swap16(i32[d]);
          i32[d + 1] = 0;
          continue;
        case Op.SWAP32:
          i32[d] = swap32(i32[d]);
          i32[d + 1] = 0;
          continue;
        case Op.SWAP64: {
          const a = swap32(i32[d]);
          i32[d] = swap32(i32[d + 1]);
          i32[d + 1] = a;
          continue;
        }
        case Op.ADDR_SPACE_CAST:
          i32[d] = i32[s];
          i32[d + 1] = 0;
          continue;
        case Op.LDDW:
          i32[d] = s;
          i32[d + 1] = code[pc + WIDTH + 2];
          pc += WIDTH;
          continue;

        // jumps on 64-bit comparisons
        case Op.JEQ64_IMM:
          if (i32[d] === s && i32[d + 1] === (s >> 31)) pc += code[pc + 3];
          continue;
        case Op.JNE64_IMM:
          if (i32[d] !== s || i32[d + 1] !== (s >> 31)) pc += code[pc + 3];
          continue;
        case Op.JGT64_IMM: {
          const a = i32[d + 1];
          const b = s >> 31;
          if (a === b ? i32[d] >>> 0 > s >>> 0 : a >>> 0 > b >>> 0) pc += code[pc + 3];
          continue;
        }
        case Op.JGE64_IMM: {
          const a = i32[d + 1];
          const b = s >> 31;
          if (a === b ? i32[d] >>> 0 >= s >>> 0 : a >>> 0 > b >>> 0) pc += code[pc + 3];
          continue;
        }
        case Op.JLT64_IMM: {
          const a = i32[d + 1];
          const b = s >> 31;
          if (a === b ? i32[d] >>> 0 < s >>> 0 : a >>> 0 < b >>> 0) pc += code[pc + 3];
          continue;
        }
        case Op.JLE64_IMM: {
          const a = i32[d + 1];
          const b = s >> 31;
          if (a === b ? i32[d] >>> 0 <= s >>> 0 : a >>> 0 < b >>> 0) pc += code[pc + 3];
          continue;
        }
        case Op.JSGT64_IMM: {
          const a = i32[d + 1];
          const b = s >> 31;
          if (a === b ? i32[d] >>> 0 > s >>> 0 : a > b) pc += code[pc + 3];
          continue;
        }
        case Op.JSGE64_IMM: {
          const a = i32[d + 1];
          const b = s >> 31;
          if (a === b ? i32[d] >>> 0 >= s >>> 0 : a > b) pc += code[pc + 3];
          continue;
        }
        case Op.JSLT64_IMM: {
          const a = i32[d + 1];
          const b = s >> 31;
          if (a === b ? i32[d] >>> 0 < s >>> 0 : a < b) pc += code[pc + 3];
          continue;
        }
        case Op.JSLE64_IMM: {
          const a = i32[d + 1];
          const b = s >> 31;
          if (a === b ? i32[d] >>> 0 <= s >>> 0 : a < b) pc += code[pc + 3];
          continue;
        }
        case Op.JSET64_IMM:
          if (((i32[d] & s) | (i32[d + 1] & (s >> 31))) !== 0) pc += code[pc + 3];
          continue;
        case Op.JEQ64_REG:
          if (i32[d] === i32[s] && i32[d + 1] === i32[s + 1]) pc += code[pc + 3];
          continue;
        case Op.JNE64_REG:
          if (i32[d] !== i32[s] || i32[d + 1] !== i32[s + 1]) pc += code[pc + 3];
          continue;
        case Op.JGT64_REG: {
          const a = i32[d + 1];
          const b = i32[s + 1];
          if (a === b ? i32[d] >>> 0 > i32[s] >>> 0 : a >>> 0 > b >>> 0) pc += code[pc + 3];
          continue;
        }
        case Op.JGE64_REG: {
          const a = i32[d + 1];
          const b = i32[s + 1];
          if (a === b ? i32[d] >>> 0 >= i32[s] >>> 0 : a >>> 0 > b >>> 0) pc += code[pc + 3];
          continue;
        }
        case Op.JLT64_REG: {
          const a = i32[d + 1];
          const b = i32[s + 1];
          if (a === b ? i32[d] >>> 0 < i32[s] >>> 0 : a >>> 0 < b >>> 0) pc += code[pc + 3];
          continue;
        }
        case Op.JLE64_REG: {
          const a = i32[d + 1];
          const b = i32[s + 1];
          if (a === b ? i32[d] >>> 0 <= i32[s] >>> 0 : a >>> 0 < b >>> 0) pc += code[pc + 3];
          continue;
        }
        case Op.JSGT64_REG: {
          const a = i32[d + 1];
          const b = i32[s + 1];
          if (a === b ? i32[d] >>> 0 > i32[s] >>> 0 : a > b) pc += code[pc + 3];
          continue;
        }
        case Op.JSGE64_REG: {
          const a = i32[d + 1];
          const b = i32[s + 1];
          if (a === b ? i32[d] >>> 0 >= i32[s] >>> 0 : a > b) pc += code[pc + 3];
          continue;
        }
        case Op.JSLT64_REG: {
          const a = i32[d + 1];
          const b = i32[s + 1];
          if (a === b ? i32[d] >>> 0 < i32[s] >>> 0 : a < b) pc += code[pc + 3];
          continue;
        }
        case Op.JSLE64_REG: {
          const a = i32[d + 1];
          const b = i32[s + 1];
          if (a === b ? i32[d] >>> 0 <= i32[s] >>> 0 : a < b) pc += code[pc + 3];
          continue;
        }
        case Op.JSET64_REG:
          if (((i32[d] & i32[s]) | (i32[d + 1] & i32[s + 1])) !== 0) pc += code[pc + 3];
          continue;

        // jumps on 32-bit comparisons
        case Op.JEQ32_IMM:
          if (i32[d] === s) pc += code[pc + 3];
          continue;
        case Op.JNE32_IMM:
          if (i32[d] !== s) pc += code[pc + 3];
          continue;
        case Op.JGT32_IMM:
          if (i32[d] >>> 0 > s >>> 0) pc += code[pc + 3];
          continue;
        case Op.JGE32_IMM:
          if (i32[d] >>> 0 >= s >>> 0) pc += code[pc + 3];
          continue;
        case Op.JLT32_IMM:
          if (i32[d] >>> 0 < s >>> 0) pc += code[pc + 3];
          continue;
        case Op.JLE32_IMM:
          if (i32[d] >>> 0 <= s >>> 0) pc += code[pc + 3];
          continue;
        case Op.JSGT32_IMM:
          if (i32[d] > s) pc += code[pc + 3];
          continue;
        case Op.JSGE32_IMM:
          if (i32[d] >= s) pc += code[pc + 3];
          continue;
        case Op.JSLT32_IMM:
          if (i32[d] < s) pc += code[pc + 3];
          continue;
        case Op.JSLE32_IMM:
          if (i32[d] <= s) pc += code[pc + 3];
          continue;
        case Op.JSET32_IMM:
          if ((i32[d] & s) !== 0) pc += code[pc + 3];
          continue;
        case Op.JEQ32_REG:
          if (i32[d] === i32[s]) pc += code[pc + 3];
          continue;
        case Op.JNE32_REG:
          if (i32[d] !== i32[s]) pc += code[pc + 3];
          continue;
        case Op.JGT32_REG:
          if (i32[d] >>> 0 > i32[s] >>> 0) pc += code[pc + 3];
          continue;
        case Op.JGE32_REG:
          if (i32[d] >>> 0 >= i32[s] >>> 0) pc += code[pc + 3];
          continue;
        case Op.JLT32_REG:
          if (i32[d] >>> 0 < i32[s] >>> 0) pc += code[pc + 3];
          continue;
        case Op.JLE32_REG:
          if (i32[d] >>> 0 <= i32[s] >>> 0) pc += code[pc + 3];
          continue;
        case Op.JSGT32_REG:
          if (i32[d] > i32[s]) pc += code[pc + 3];
          continue;
        case Op.JSGE32_REG:
          if (i32[d] >= i32[s]) pc += code[pc + 3];
          continue;
        case Op.JSLT32_REG:
          if (i32[d] < i32[s]) pc += code[pc + 3];
          continue;
        case Op.JSLE32_REG:
          if (i32[d] <= i32[s]) pc += code[pc + 3];
          continue;
        case Op.JSET32_REG:
          if ((i32[d] & i32[s]) !== 0) pc += code[pc + 3];
          continue;
        case Op.JA:
          pc += code[pc + 3];
          continue;
        case Op.JA32:
          pc += s;
          continue;
        case Op.MAY_GOTO: {
          const loops = memory.load32(frame + FRAME_MAY_GOTO);
          if (loops === MAY_GOTO_LIMIT) pc += code[pc + 3];
          else memory.store32(frame + FRAME_MAY_GOTO, loops + 1);
          continue;
        }

        // memory
        case Op.LDX_B: {
          const off = code[pc + 3];
          if (checked && this.refuses(s, off, 1, RIGHT_READ)) {
            return this.leave(limit - fuel, this.accessFault(pc, s, off, 1, Exit.READ));
          }
          const at = (i32[s] + off) | 0;
          i32[d] = view.getUint8(at);
          i32[d + 1] = 0;
          continue;
        }
        case Op.LDX_H: {
          const off = code[pc + 3];
          if (checked && this.refuses(s, off, 2, RIGHT_READ)) {
            return this.leave(limit - fuel, this.accessFault(pc, s, off, 2, Exit.READ));
          }
          const at = (i32[s] + off) | 0;
          i32[d] = view.getUint16(at, true);
          i32[d + 1] = 0;
          continue;
        }
        case Op.LDX_W: {
          const off = code[pc + 3];
          if (checked && this.refuses(s, off, 4, RIGHT_READ)) {
            return this.leave(limit - fuel, this.accessFault(pc, s, off, 4, Exit.READ));
          }
          const at = (i32[s] + off) | 0;
          i32[d] = view.getInt32(at, true);
          i32[d + 1] = 0;
          continue;
        }
        case Op.LDX_DW: {
          const off = code[pc + 3];
          if (checked && this.refuses(s, off, 8, RIGHT_READ)) {
            return this.leave(limit - fuel, this.accessFault(pc, s, off, 8, Exit.READ));
          }
          const at = (i32[s] + off) | 0;
          const low = view.getInt32(at, true);
          i32[d + 1] = view.getInt32(at + 4, true);
          i32[d] = low;
          continue;
        }
        case Op.LOAD_ACQ_B: {
          const off = code[pc + 3];
          if (checked && this.refuses(s, off, 1, RIGHT_READ)) {
            return this.leave(limit - fuel, this.accessFault(pc, s, off, 1, Exit.READ));
          }
          const at = (i32[s] + off) | 0;
          i32[d] = view.getUint8(at);
          i32[d + 1] = 0;
          continue;
        }
        case Op.LOAD_ACQ_H: {
          const off = code[pc + 3];
          if (checked && this.refuses(s, off, 2, RIGHT_READ)) {
            return this.leave(limit - fuel, this.accessFault(pc, s, off, 2, Exit.READ));
          }
          const at = (i32[s] + off) | 0;
          i32[d] = view.getUint16(at, true);
          i32[d + 1] = 0;
          continue;
        }
        case Op.LOAD_ACQ_W: {
          const off = code[pc + 3];
          if (checked && this.refuses(s, off, 4, RIGHT_READ)) {
            return this.leave(limit - fuel, this.accessFault(pc, s, off, 4, Exit.READ));
          }
          const at = (i32[s] + off) | 0;
          i32[d] = view.getInt32(at, true);
          i32[d + 1] = 0;
          continue;
        }
        case Op.LOAD_ACQ_DW: {
          const off = code[pc + 3];
          if (checked && this.refuses(s, off, 8, RIGHT_READ)) {
            return this.leave(limit - fuel, this.accessFault(pc, s, off, 8, Exit.READ));
          }
          const at = (i32[s] + off) | 0;
          const low = view.getInt32(at, true);
          i32[d + 1] = view.getInt32(at + 4, true);
          i32[d] = low;
          continue;
        }
        case Op.LDXS_B: {
          const off = code[pc + 3];
          if (checked && this.refuses(s, off, 1, RIGHT_READ)) {
            return this.leave(limit - fuel, this.accessFault(pc, s, off, 1, Exit.READ));
          }
          const at = (i32[s] + off) | 0;
          const a = view.getInt8(at);
          i32[d + 1] = a >> 31;
          i32[d] = a;
          continue;
        }
        case Op.LDXS_H: {
          const off = code[pc + 3];
          if (checked && this.refuses(s, off, 2, RIGHT_READ)) {
            return this.leave(limit - fuel, this.accessFault(pc, s, off, 2, Exit.READ));
          }
          const at = (i32[s] + off) | 0;
          const a = view.getInt16(at, true);
          i32[d + 1] = a >> 31;
          i32[d] = a;
          continue;
        }
        case Op.LDXS_W: {
          const off = code[pc + 3];
          if (checked && this.refuses(s, off, 4, RIGHT_READ)) {
            return this.leave(limit - fuel, this.accessFault(pc, s, off, 4, Exit.READ));
          }
          const at = (i32[s] + off) | 0;
          const a = view.getInt32(at, true);
          i32[d + 1] = a >> 31;
          i32[d] = a;
          continue;
        }
        case Op.ST_B: {
          const off = code[pc + 3];
          if (checked && this.refuses(d, off, 1, RIGHT_WRITE)) {
            return this.leave(limit - fuel, this.accessFault(pc, d, off, 1, Exit.WRITE));
          }
          const at = (i32[d] + off) | 0;
          view.setInt8(at, s);
          continue;
        }
        case Op.ST_H: {
          const off = code[pc + 3];
          if (checked && this.refuses(d, off, 2, RIGHT_WRITE)) {
            return this.leave(limit - fuel, this.accessFault(pc, d, off, 2, Exit.WRITE));
          }
          const at = (i32[d] + off) | 0;
          view.setInt16(at, s, true);
          continue;
        }
        case Op.ST_W: {
          const off = code[pc + 3];
          if (checked && this.refuses(d, off, 4, RIGHT_WRITE)) {
            return this.leave(limit - fuel, this.accessFault(pc, d, off, 4, Exit.WRITE));
          }
          const at = (i32[d] + off) | 0;
          view.setInt32(at, s, true);
          continue;
        }
        case Op.ST_DW: {
          const off = code[pc + 3];
          if (checked && this.refuses(d, off, 8, RIGHT_WRITE)) {
            return this.leave(limit - fuel, this.accessFault(pc, d, off, 8, Exit.WRITE));
          }
          const at = (i32[d] + off) | 0;
          view.setInt32(at, s, true);
          view.setInt32(at + 4, s >> 31, true);
          continue;
        }
        case Op.STX_B: {
          const off = code[pc + 3];
          if (checked && this.refuses(d, off, 1, RIGHT_WRITE)) {
            return this.leave(limit - fuel, this.accessFault(pc, d, off, 1, Exit.WRITE));
          }
          const at = (i32[d] + off) | 0;
          view.setInt8(at, i32[s]);
          continue;
        }
        case Op.STX_H: {
          const off = code[pc + 3];
          if (checked && this.refuses(d, off, 2, RIGHT_WRITE)) {
            return this.leave(limit - fuel, this.accessFault(pc, d, off, 2, Exit.WRITE));
          }
          const at = (i32[d] + off) | 0;
          view.setInt16(at, i32[s], true);
          continue;
        }
        case Op.STX_W: {
          const off = code[pc + 3];
          if (checked && this.refuses(d, off, 4, RIGHT_WRITE)) {
            return this.leave(limit - fuel, this.accessFault(pc, d, off, 4, Exit.WRITE));
          }
          const at = (i32[d] + off) | 0;
          view.setInt32(at, i32[s], true);
          continue;
        }
        case Op.STX_DW: {
          const off = code[pc + 3];
          if (checked && this.refuses(d, off, 8, RIGHT_WRITE)) {
            return this.leave(limit - fuel, this.accessFault(pc, d, off, 8, Exit.WRITE));
          }
          const at = (i32[d] + off) | 0;
          const high = i32[s + 1];
          view.setInt32(at, i32[s], true);
          view.setInt32(at + 4, high, true);
          continue;
        }
        case Op.STORE_REL_B: {
          const off = code[pc + 3];
          if (checked && this.refuses(d, off, 1, RIGHT_WRITE)) {
            return this.leave(limit - fuel, this.accessFault(pc, d, off, 1, Exit.WRITE));
          }
          const at = (i32[d] + off) | 0;
          view.setInt8(at, i32[s]);
          continue;
        }
        case Op.STORE_REL_H: {
          const off = code[pc + 3];
          if (checked && this.refuses(d, off, 2, RIGHT_WRITE)) {
            return this.leave(limit - fuel, this.accessFault(pc, d, off, 2, Exit.WRITE));
          }
          const at = (i32[d] + off) | 0;
          view.setInt16(at, i32[s], true);
          continue;
        }
        case Op.STORE_REL_W: {
          const off = code[pc + 3];
          if (checked && this.refuses(d, off, 4, RIGHT_WRITE)) {
            return this.leave(limit - fuel, this.accessFault(pc, d, off, 4, Exit.WRITE));
          }
          const at = (i32[d] + off) | 0;
          view.setInt32(at, i32[s], true);
          continue;
        }
        case Op.STORE_REL_DW: {
          const off = code[pc + 3];
          if (checked && this.refuses(d, off, 8, RIGHT_WRITE)) {
            return this.leave(limit - fuel, this.accessFault(pc, d, off, 8, Exit.WRITE));
          }
          const at = (i32[d] + off) | 0;
          const high = i32[s + 1];
          view.setInt32(at, i32[s], true);
          view.setInt32(at + 4, high, true);
          continue;
        }

        // atomics: one thread owns the memory, so they are plain
        case Op.ATOMIC_ADD32: {
          const off = code[pc + 3];
          if (checked && this.refuses(d, off, 4, RIGHT_WRITE)) {
            return this.leave(limit - fuel, this.accessFault(pc, d, off, 4, Exit.WRITE));
          }
          const at = (i32[d] + off) | 0;
          view.setInt32(at, view.getInt32(at, true) + i32[s], true);
          continue;
        }
        case Op.FETCH_ADD32: {
          const off = code[pc + 3];
          if (checked && this.refuses(d, off, 4, RIGHT_WRITE)) {
            return this.leave(limit - fuel, this.accessFault(pc, d, off, 4, Exit.WRITE));
          }
          const at = (i32[d] + off) | 0;
          const old = view.getInt32(at, true);
          view.setInt32(at, old + i32[s], true);
          i32[s] = old;
          i32[s + 1] = 0;
          continue;
        }
        case Op.ATOMIC_OR32: {
          const off = code[pc + 3];
          if (checked && this.refuses(d, off, 4, RIGHT_WRITE)) {
            return this.leave(limit - fuel, this.accessFault(pc, d, off, 4, Exit.WRITE));
          }
          const at = (i32[d] + off) | 0;
          view.setInt32(at, view.getInt32(at, true) | i32[s], true);
          continue;
        }
        case Op.FETCH_OR32: {
          const off = code[pc + 3];
          if (checked && this.refuses(d, off, 4, RIGHT_WRITE)) {
            return this.leave(limit - fuel, this.accessFault(pc, d, off, 4, Exit.WRITE));
          }
          const at = (i32[d] + off) | 0;
          const old = view.getInt32(at, true);
          view.setInt32(at, old | i32[s], true);
          i32[s] = old;
          i32[s + 1] = 0;
          continue;
        }
        case Op.ATOMIC_AND32: {
          const off = code[pc + 3];
          if (checked && this.refuses(d, off, 4, RIGHT_WRITE)) {
            return this.leave(limit - fuel, this.accessFault(pc, d, off, 4, Exit.WRITE));
          }
          const at = (i32[d] + off) | 0;
          view.setInt32(at, view.getInt32(at, true) & i32[s], true);
          continue;
        }
        case Op.FETCH_AND32: {
          const off = code[pc + 3];
          if (checked && this.refuses(d, off, 4, RIGHT_WRITE)) {
            return this.leave(limit - fuel, this.accessFault(pc, d, off, 4, Exit.WRITE));
          }
          const at = (i32[d] + off) | 0;
          const old = view.getInt32(at, true);
          view.setInt32(at, old & i32[s], true);
          i32[s] = old;
          i32[s + 1] = 0;
          continue;
        }
        case Op.ATOMIC_XOR32: {
          const off = code[pc + 3];
          if (checked && this.refuses(d, off, 4, RIGHT_WRITE)) {
            return this.leave(limit - fuel, this.accessFault(pc, d, off, 4, Exit.WRITE));
          }
          const at = (i32[d] + off) | 0;
          view.setInt32(at, view.getInt32(at, true) ^ i32[s], true);
          continue;
        }
        case Op.FETCH_XOR32: {
          const off = code[pc + 3];
          if (checked && this.refuses(d, off, 4, RIGHT_WRITE)) {
            return this.leave(limit - fuel, this.accessFault(pc, d, off, 4, Exit.WRITE));
          }
          const at = (i32[d] + off) | 0;
          const old = view.getInt32(at, true);
          view.setInt32(at, old ^ i32[s], true);
          i32[s] = old;
          i32[s + 1] = 0;
          continue;
        }
        case Op.XCHG32: {
          const off = code[pc + 3];
          if (checked && this.refuses(d, off, 4, RIGHT_WRITE)) {
            return this.leave(limit - fuel, this.accessFault(pc, d, off, 4, Exit.WRITE));
          }
          const at = (i32[d] + off) | 0;
          const old = view.getInt32(at, true);
          view.setInt32(at, i32[s], true);
          i32[s] = old;
          i32[s + 1] = 0;
          continue;
        }
        case Op.CMPXCHG32: {
          const off = code[pc + 3];
          if (checked && this.refuses(d, off, 4, RIGHT_WRITE)) {
            return this.leave(limit - fuel, this.accessFault(pc, d, off, 4, Exit.WRITE));
          }
          const at = (i32[d] + off) | 0;
          const old = view.getInt32(at, true);
          if (old === i32[R0]) view.setInt32(at, i32[s], true);
          i32[R0] = old;
          i32[R0 + 1] = 0;
          continue;
        }
        case Op.ATOMIC_ADD64: {
          const off = code[pc + 3];
          if (checked && this.refuses(d, off, 8, RIGHT_WRITE)) {
            return this.leave(limit - fuel, this.accessFault(pc, d, off, 8, Exit.WRITE));
          }
          const at = (i32[d] + off) | 0;
          const low = view.getInt32(at, true);
          const high = view.getInt32(at + 4, true);
          const sum = (low + i32[s]) | 0;
          view.setInt32(at + 4, high + i32[s + 1] + (sum >>> 0 < low >>> 0 ? 1 : 0), true);
          view.setInt32(at, sum, true);
          continue;
        }
        case Op.FETCH_ADD64: {
          const off = code[pc + 3];
          if (checked && this.refuses(d, off, 8, RIGHT_WRITE)) {
            return this.leave(limit - fuel, this.accessFault(pc, d, off, 8, Exit.WRITE));
          }
          const at = (i32[d] + off) | 0;
          const low = view.getInt32(at, true);
          const high = view.getInt32(at + 4, true);
          const sum = (low + i32[s]) | 0;
          view.setInt32(at + 4, high + i32[s + 1] + (sum >>> 0 < low >>> 0 ? 1 : 0), true);
          view.setInt32(at, sum, true);
          i32[s + 1] = high;
          i32[s] = low;
          continue;
        }
        case Op.ATOMIC_OR64: {
          const off = code[pc + 3];
          if (checked && this.refuses(d, off, 8, RIGHT_WRITE)) {
            return this.leave(limit - fuel, this.accessFault(pc, d, off, 8, Exit.WRITE));
          }
          const at = (i32[d] + off) | 0;
          const low = view.getInt32(at, true);
          const high = view.getInt32(at + 4, true);
          view.setInt32(at + 4, high | i32[s + 1], true);
          view.setInt32(at, low | i32[s], true);
          continue;
        }
        case Op.FETCH_OR64: {
          const off = code[pc + 3];
          if (checked && this.refuses(d, off, 8, RIGHT_WRITE)) {
            return this.leave(limit - fuel, this.accessFault(pc, d, off, 8, Exit.WRITE));
          }
          const at = (i32[d] + off) | 0;
          const low = view.getInt32(at, true);
          const high = view.getInt32(at + 4, true);
          view.setInt32(at + 4, high | i32[s + 1], true);
          view.setInt32(at, low | i32[s], true);
          i32[s + 1] = high;
          i32[s] = low;
          continue;
        }
        case Op.ATOMIC_AND64: {
          const off = code[pc + 3];
          if (checked && this.refuses(d, off, 8, RIGHT_WRITE)) {
            return this.leave(limit - fuel, this.accessFault(pc, d, off, 8, Exit.WRITE));
          }
          const at = (i32[d] + off) | 0;
          const low = view.getInt32(at, true);
          const high = view.getInt32(at + 4, true);
          view.setInt32(at + 4, high & i32[s + 1], true);
          view.setInt32(at, low & i32[s], true);
          continue;
        }
        case Op.FETCH_AND64: {
          const off = code[pc + 3];
          if (checked && this.refuses(d, off, 8, RIGHT_WRITE)) {
            return this.leave(limit - fuel, this.accessFault(pc, d, off, 8, Exit.WRITE));
          }
          const at = (i32[d] + off) | 0;
          const low = view.getInt32(at, true);
          const high = view.getInt32(at + 4, true);
          view.setInt32(at + 4, high & i32[s + 1], true);
          view.setInt32(at, low & i32[s], true);
          i32[s + 1] = high;
          i32[s] = low;
          continue;
        }
        case Op.ATOMIC_XOR64: {
          const off = code[pc + 3];
          if (checked && this.refuses(d, off, 8, RIGHT_WRITE)) {
            return this.leave(limit - fuel, this.accessFault(pc, d, off, 8, Exit.WRITE));
          }
          const at = (i32[d] + off) | 0;
          const low = view.getInt32(at, true);
          const high = view.getInt32(at + 4, true);
          view.setInt32(at + 4, high ^ i32[s + 1], true);
          view.setInt32(at, low ^ i32[s], true);
          continue;
        }
        case Op.FETCH_XOR64: {
          const off = code[pc + 3];
          if (checked && this.refuses(d, off, 8, RIGHT_WRITE)) {
            return this.leave(limit - fuel, this.accessFault(pc, d, off, 8, Exit.WRITE));
          }
          const at = (i32[d] + off) | 0;
          const low = view.getInt32(at, true);
          const high = view.getInt32(at + 4, true);
          view.setInt32(at + 4, high ^ i32[s + 1], true);
          view.setInt32(at, low ^ i32[s], true);
          i32[s + 1] = high;
          i32[s] = low;
          continue;
        }
        case Op.XCHG64: {
          const off = code[pc + 3];
          if (checked && this.refuses(d, off, 8, RIGHT_WRITE)) {
            return this.leave(limit - fuel, this.accessFault(pc, d, off, 8, Exit.WRITE));
          }
          const at = (i32[d] + off) | 0;
          const low = view.getInt32(at, true);
          const high = view.getInt32(at + 4, true);
          view.setInt32(at + 4, i32[s + 1], true);
          view.setInt32(at, i32[s], true);
          i32[s + 1] = high;
          i32[s] = low;
          continue;
        }
        case Op.CMPXCHG64: {
          const off = code[pc + 3];
          if (checked && this.refuses(d, off, 8, RIGHT_WRITE)) {
            return this.leave(limit - fuel, this.accessFault(pc, d, off, 8, Exit.WRITE));
          }
          const at = (i32[d] + off) | 0;
          const low = view.getInt32(at, true);
          const high = view.getInt32(at + 4, true);
          if (low === i32[R0] && high === i32[R0 + 1]) {
            view.setInt32(at + 4, i32[s + 1], true);
            view.setInt32(at, i32[s], true);
          }
          i32[R0 + 1] = high;
          i32[R0] = low;
          continue;
        }

        // packets, in network order; past the end the program (or function) returns 0
        case Op.LD_ABS_B: {
          const at = packetAt(memory, s, 1);
          i32[R0] = at === 0 ? 0 : view.getUint8(at);
          i32[R0 + 1] = 0;
          if (at !== 0) continue;
          if (frame === FRAMES) return checked ? this.leave(limit - fuel, Exit.OK) : Exit.OK;
          frame -= FRAME_SIZE;
          pc = popFrame(memory, frame);
          continue;
        }
        case Op.LD_IND_B: {
          const at = packetAt(memory, (i32[d] + s) | 0, 1);
          i32[R0] = at === 0 ? 0 : view.getUint8(at);
          i32[R0 + 1] = 0;
          if (at !== 0) continue;
          if (frame === FRAMES) return checked ? this.leave(limit - fuel, Exit.OK) : Exit.OK;
          frame -= FRAME_SIZE;
          pc = popFrame(memory, frame);
          continue;
        }
        case Op.LD_ABS_H: {
          const at = packetAt(memory, s, 2);
          i32[R0] = at === 0 ? 0 : view.getUint16(at);
          i32[R0 + 1] = 0;
          if (at !== 0) continue;
          if (frame === FRAMES) return checked ? this.leave(limit - fuel, Exit.OK) : Exit.OK;
          frame -= FRAME_SIZE;
          pc = popFrame(memory, frame);
          continue;
        }
        case Op.LD_IND_H: {
          const at = packetAt(memory, (i32[d] + s) | 0, 2);
          i32[R0] = at === 0 ? 0 : view.getUint16(at);
          i32[R0 + 1] = 0;
          if (at !== 0) continue;
          if (frame === FRAMES) return checked ? this.leave(limit - fuel, Exit.OK) : Exit.OK;
          frame -= FRAME_SIZE;
          pc = popFrame(memory, frame);
          continue;
        }
        case Op.LD_ABS_W: {
          const at = packetAt(memory, s, 4);
          i32[R0] = at === 0 ? 0 : view.getInt32(at);
          i32[R0 + 1] = 0;
          if (at !== 0) continue;
          if (frame === FRAMES) return checked ? this.leave(limit - fuel, Exit.OK) : Exit.OK;
          frame -= FRAME_SIZE;
          pc = popFrame(memory, frame);
          continue;
        }
        case Op.LD_IND_W: {
          const at = packetAt(memory, (i32[d] + s) | 0, 4);
          i32[R0] = at === 0 ? 0 : view.getInt32(at);
          i32[R0 + 1] = 0;
          if (at !== 0) continue;
          if (frame === FRAMES) return checked ? this.leave(limit - fuel, Exit.OK) : Exit.OK;
          frame -= FRAME_SIZE;
          pc = popFrame(memory, frame);
          continue;
        }

        // calls
        case Op.CALL_HELPER: {
          const exit = this.callHelper(s, checked);
          ({ i32, view } = memory);
          if (exit === Exit.OK) continue;
          memory.store32(TRAP_SLOT, pc / WIDTH);
          return this.leave(limit - fuel, exit);
        }
        case Op.CALL_LOCAL:
          if (frame === LAST_FRAME) return this.leave(limit - fuel, this.fault(pc, 0, 0, 0, Exit.CALL_DEPTH));
          pushFrame(memory, frame, pc, flags);
          frame += FRAME_SIZE;
          pc += s;
          continue;
        case Op.CALLX: {
          if (i32[d + 1] === CODE_POINTER_HIGH) {
            if (frame === LAST_FRAME) return this.leave(limit - fuel, this.fault(pc, 0, 0, 0, Exit.CALL_DEPTH));
            const target = i32[d];
            pushFrame(memory, frame, pc, flags);
            frame += FRAME_SIZE;
            pc = (target - 1) * WIDTH;
            continue;
          }
          const index = i32[d + 1] === 0 ? helperIndex(memory, i32[d]) : -1;
          if (index < 0) {
            return this.leave(limit - fuel, this.fault(pc, i32[d], i32[d + 1], 0, Exit.CALL_TARGET));
          }
          const exit = this.callHelper(index, checked);
          ({ i32, view } = memory);
          if (exit === Exit.OK) continue;
          memory.store32(TRAP_SLOT, pc / WIDTH);
          return this.leave(limit - fuel, exit);
        }
        case Op.EXIT:
          if (frame === FRAMES) return checked ? this.leave(limit - fuel, Exit.OK) : Exit.OK;
          frame -= FRAME_SIZE;
          pc = popFrame(memory, frame);
          continue;
        default:
          return this.leave(limit - fuel, this.fault(pc, code[pc], 0, 0, Exit.OPCODE));
      }
    }
  }
}

/** Upper half of a 64-bit register plus a sign-extended offset, given the lower half of the sum. */
function upperSum(i32: Int32Array, base: number, off: number, low: number): number {
  return (i32[base + 1] + (off >> 31) + (low >>> 0 < i32[base] >>> 0 ? 1 : 0)) | 0;
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
