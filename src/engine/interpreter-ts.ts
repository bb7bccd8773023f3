// The engine `ts`: an interpreter in plain TypeScript, for pages whose CSP forbids Wasm and as the yardstick for the
// others. It runs the same prepared code as the Wasm interpreter, out of the same linear memory, through one
// Int32Array: code, registers and data share its bounds and its base, which V8 then looks up once per
// instruction. A register is two int32 halves; BigInt appears only where a 64-bit division needs it (int64.ts).
// Positions are indexes of int32: `pc` of a slot's first word (op, dst, off), the second being imm or src.

import { checkArguments, loadProbed, mayAccess } from "../../assembly/portable/access.ts";
import {
  beginEvents,
  enterEvent,
  enterSpecial,
  finishEvent,
  isNext,
  mayStay,
  packetAt,
  popFrame,
  pushFrame,
} from "../../assembly/portable/frames.ts";
import { callCoreHelper, helperIndex } from "../../assembly/portable/helpers.ts";
import { mapLookup } from "../../assembly/portable/maps/map.ts";
import { Exit } from "../../assembly/shared/codes.ts";
import {
  At,
  Code,
  EventRecord,
  HelperEntry,
  ProgramFlag,
  ProgramRecord,
  Right,
  SavedFrame,
} from "../../assembly/shared/layout.ts";
import { Op } from "../../assembly/shared/opcodes.ts";
import type { GuestMemory } from "../memory.ts";
import type { Runtime } from "../runtime.ts";
import type { Engine } from "./engine.ts";
import { arsh64, div64, lsh64, mod64, mulHigh, rsh64, sdiv64, smod64, swap16, swap32 } from "./int64.ts";
import { interpreterEngine } from "./interpreter.ts";

/** Indexes in an Int32Array over linear memory, as an enum so that they are literals in the loop. */
const enum Word {
  /** int32 per slot of code. */
  WIDTH = 2,
  /** The lower half of r0, r1, r2; the upper one follows. */
  R0 = At.R0 >> 2,
  R1 = At.R1 >> 2,
  R2 = At.R2 >> 2,
  TWO_32 = 0x1_0000_0000,
}

/** The interpreter on one runtime's memory. */
class Interpreter {
  readonly runtime: Runtime;
  readonly memory: GuestMemory;
  /** Instructions of checked runs since At.EXECUTED was last brought up to date. */
  executed = 0;

  constructor(runtime: Runtime) {
    this.runtime = runtime;
    this.memory = runtime.memory;
  }

  /** See Execute in interpreter.ts; the loop is that of assembly/run.ts. */
  readonly execute = (events: number, end: number): number => {
    const { memory } = this;
    let exit: number = Exit.OK;
    beginEvents(memory, end);
    for (
      let event = events;
      event !== end && exit === Exit.OK;
      event = memory.load32(At.EVENT) + EventRecord.SIZE
    ) {
      memory.store32(At.PROGRAM, memory.load32(event + EventRecord.PROGRAM));
      const flags = enterEvent(memory, event);
      exit = this.interpret((flags & ProgramFlag.CHECKED) !== 0);
    }
    memory.storeU64(At.EXECUTED, memory.loadU64(At.EXECUTED) + BigInt(this.executed));
    this.executed = 0;
    return exit;
  };

  /** Index of the running program's first word. */
  codeStart(): number {
    const { i32 } = this.memory;
    return i32[(i32[At.PROGRAM >> 2] + ProgramRecord.CODE) >> 2] >> 2;
  }

  /** Instructions that a checked run of this program may execute. */
  limit(): number {
    const { memory } = this;
    const program = memory.load32(At.PROGRAM);
    const low = memory.load32(program + ProgramRecord.LIMIT_LOW) >>> 0;
    return memory.load32(program + ProgramRecord.LIMIT_HIGH) * Word.TWO_32 + low;
  }

  /** Notes where a run is ending. */
  stop(pc: number, exit: number): number {
    this.memory.store32(At.TRAP_SLOT, (pc - this.codeStart()) / Word.WIDTH);
    return exit;
  }

  /** Notes what trapped, too. */
  fault(pc: number, low: number, high: number, detail: number, exit: number): number {
    const { memory } = this;
    memory.store64(At.TRAP_ADDRESS, low, high);
    memory.store32(At.TRAP_DETAIL, detail);
    return this.stop(pc, exit);
  }

  /** The fault of an access at `base + off`, a register's index and an instruction's offset. */
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

  /** Every way out of the loop: the instructions of checked runs are summed up. */
  leave(fuel: number, exit: number): number {
    this.executed += this.limit() - fuel;
    return exit;
  }

  /** Runs the helper at `index` of the table on the register file. */
  callHelper(index: number, checked: boolean): number {
    const { memory } = this;
    const entry = memory.load32(At.HELPERS) + index * HelperEntry.SIZE;
    if (checked) {
      const refused = checkArguments(memory, memory.load32(entry + HelperEntry.ARGS));
      if (refused !== Exit.OK) return refused;
    }
    const core = memory.load32(entry + HelperEntry.CORE);
    return core !== 0 ? callCoreHelper(memory, core) : this.runtime.helpers.call(index);
  }

  /** map_lookup_elem(r1, r2) by the shortest way: the verifier has looked at the map's flags. */
  lookup(): void {
    const { i32 } = this.memory;
    i32[Word.R0] = mapLookup(this.memory, i32[Word.R1], i32[Word.R2]);
    i32[Word.R0 + 1] = 0;
  }

  /** Ends the event and enters the next one; false when that is for another program, or there is none. */
  nextChecked(): boolean {
    const { memory } = this;
    const next = finishEvent(memory);
    if (!isNext(memory, next)) return false;
    enterEvent(memory, next);
    return true;
  }

  /** The same for verified programs, without a call: they need no register but r1, raw ones r2. */
  nextVerified(): boolean {
    const { i32 } = this.memory;
    const program = i32[At.PROGRAM >> 2];
    const event = i32[At.EVENT >> 2];
    i32[(event + EventRecord.RESULT) >> 2] = i32[Word.R0];
    i32[(event + EventRecord.RESULT + 4) >> 2] = i32[Word.R0 + 1];
    const next = event + EventRecord.SIZE;
    if (next === i32[At.EVENTS_END >> 2] || i32[(next + EventRecord.PROGRAM) >> 2] !== program) return false;
    i32[At.EVENT >> 2] = next;
    i32[Word.R1] = i32[(next + EventRecord.CONTEXT) >> 2];
    i32[Word.R1 + 1] = 0;
    i32[(At.FRAMES + SavedFrame.MAY_GOTO) >> 2] = 0;
    const flags = i32[(program + ProgramRecord.FLAGS) >> 2];
    // As enterSpecial does it, but without a call, which short programs would feel.
    if (flags === ProgramFlag.RAW) {
      const size = i32[(next + EventRecord.CONTEXT_SIZE) >> 2];
      i32[Word.R2] = size;
      i32[Word.R2 + 1] = 0;
      i32[At.PACKET_START >> 2] = i32[Word.R1];
      i32[At.PACKET_END >> 2] = i32[Word.R1] + size;
    } else if ((flags & ProgramFlag.SPECIAL) !== 0) enterSpecial(this.memory, next, flags);
    return true;
  }

  /** A 64-bit atomic add of register `r` at an address that is no multiple of four. */
  addUnaligned(at: number, r: number): void {
    const { memory } = this;
    const { i32 } = memory;
    const low = memory.load32(at);
    const sum = (low + i32[r]) | 0;
    memory.store64(at, sum, memory.load32(at + 4) + i32[r + 1] + (sum >>> 0 < low >>> 0 ? 1 : 0));
  }

  /** As the AssemblyScript interpreter's: runs events until one is for another program or traps. */
  interpret(checked: boolean): number {
    const { memory } = this;
    let { i32 } = memory;
    let fuel = this.limit();
    for (let pc = this.codeStart() | 0; ; pc = (pc + Word.WIDTH) | 0) {
      if (checked) {
        if (fuel === 0) return this.leave(fuel, this.fault(pc, 0, 0, 0, Exit.LIMIT));
        fuel--;
      }
      const w = i32[pc];
      const s = i32[pc + 1];
      const d = Word.R0 + ((w >> 10) & 63);
      switch (w & 0xff) {
        // 64-bit arithmetic
        case Op.ADD64_IMM: {
          const a = i32[d];
          const sum = (a + s) | 0;
          i32[d + 1] = i32[d + 1] + (s >> 31) + (sum >>> 0 < a >>> 0 ? 1 : 0);
          i32[d] = sum;
          continue;
        }
        case Op.ADD64_REG: {
          const r = Word.R0 + (s >> 2);
          const a = i32[d];
          const sum = (a + i32[r]) | 0;
          i32[d + 1] = i32[d + 1] + i32[r + 1] + (sum >>> 0 < a >>> 0 ? 1 : 0);
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
        case Op.SUB64_REG: {
          const r = Word.R0 + (s >> 2);
          const a = i32[d];
          const b = i32[r];
          i32[d + 1] = i32[d + 1] - i32[r + 1] - (a >>> 0 < b >>> 0 ? 1 : 0);
          i32[d] = a - b;
          continue;
        }
        case Op.MUL64_IMM: {
          const a = i32[d];
          const b = s;
          i32[d + 1] = mulHigh(a, b) + Math.imul(i32[d + 1], b) + Math.imul(a, s >> 31);
          i32[d] = Math.imul(a, b);
          continue;
        }
        case Op.MUL64_REG: {
          const r = Word.R0 + (s >> 2);
          const a = i32[d];
          const b = i32[r];
          i32[d + 1] = mulHigh(a, b) + Math.imul(i32[d + 1], b) + Math.imul(a, i32[r + 1]);
          i32[d] = Math.imul(a, b);
          continue;
        }
        case Op.OR64_IMM:
          i32[d + 1] |= s >> 31;
          i32[d] |= s;
          continue;
        case Op.OR64_REG: {
          const r = Word.R0 + (s >> 2);
          i32[d + 1] |= i32[r + 1];
          i32[d] |= i32[r];
          continue;
        }
        case Op.AND64_IMM:
          i32[d + 1] &= s >> 31;
          i32[d] &= s;
          continue;
        case Op.AND64_REG: {
          const r = Word.R0 + (s >> 2);
          i32[d + 1] &= i32[r + 1];
          i32[d] &= i32[r];
          continue;
        }
        case Op.XOR64_IMM:
          i32[d + 1] ^= s >> 31;
          i32[d] ^= s;
          continue;
        case Op.XOR64_REG: {
          const r = Word.R0 + (s >> 2);
          i32[d + 1] ^= i32[r + 1];
          i32[d] ^= i32[r];
          continue;
        }
        case Op.MOV64_IMM:
          i32[d + 1] = s >> 31;
          i32[d] = s;
          continue;
        case Op.MOV64_REG: {
          const r = Word.R0 + (s >> 2);
          i32[d + 1] = i32[r + 1];
          i32[d] = i32[r];
          continue;
        }
        case Op.LSH64_IMM:
          lsh64(i32, d, s);
          continue;
        case Op.LSH64_REG: {
          const r = Word.R0 + (s >> 2);
          lsh64(i32, d, i32[r]);
          continue;
        }
        case Op.RSH64_IMM:
          rsh64(i32, d, s);
          continue;
        case Op.RSH64_REG: {
          const r = Word.R0 + (s >> 2);
          rsh64(i32, d, i32[r]);
          continue;
        }
        case Op.ARSH64_IMM:
          arsh64(i32, d, s);
          continue;
        case Op.ARSH64_REG: {
          const r = Word.R0 + (s >> 2);
          arsh64(i32, d, i32[r]);
          continue;
        }
        case Op.DIV64_IMM:
          div64(i32, d, s, s >> 31);
          continue;
        case Op.DIV64_REG: {
          const r = Word.R0 + (s >> 2);
          div64(i32, d, i32[r], i32[r + 1]);
          continue;
        }
        case Op.MOD64_IMM:
          mod64(i32, d, s, s >> 31);
          continue;
        case Op.MOD64_REG: {
          const r = Word.R0 + (s >> 2);
          mod64(i32, d, i32[r], i32[r + 1]);
          continue;
        }
        case Op.SDIV64_IMM:
          sdiv64(i32, d, s, s >> 31);
          continue;
        case Op.SDIV64_REG: {
          const r = Word.R0 + (s >> 2);
          sdiv64(i32, d, i32[r], i32[r + 1]);
          continue;
        }
        case Op.SMOD64_IMM:
          smod64(i32, d, s, s >> 31);
          continue;
        case Op.SMOD64_REG: {
          const r = Word.R0 + (s >> 2);
          smod64(i32, d, i32[r], i32[r + 1]);
          continue;
        }
        case Op.NEG64: {
          const a = i32[d];
          i32[d + 1] = ~i32[d + 1] + (a === 0 ? 1 : 0);
          i32[d] = -a;
          continue;
        }
        case Op.MOVSX64_B: {
          const r = Word.R0 + (s >> 2);
          const a = (i32[r] << 24) >> 24;
          i32[d + 1] = a >> 31;
          i32[d] = a;
          continue;
        }
        case Op.MOVSX64_H: {
          const r = Word.R0 + (s >> 2);
          const a = (i32[r] << 16) >> 16;
          i32[d + 1] = a >> 31;
          i32[d] = a;
          continue;
        }
        case Op.MOVSX64_W: {
          const r = Word.R0 + (s >> 2);
          const a = i32[r];
          i32[d + 1] = a >> 31;
          i32[d] = a;
          continue;
        }

        // 32-bit arithmetic: the upper half becomes zero
        case Op.ADD32_IMM:
          i32[d] = i32[d] + s;
          i32[d + 1] = 0;
          continue;
        case Op.ADD32_REG: {
          const r = Word.R0 + (s >> 2);
          i32[d] = i32[d] + i32[r];
          i32[d + 1] = 0;
          continue;
        }
        case Op.SUB32_IMM:
          i32[d] = i32[d] - s;
          i32[d + 1] = 0;
          continue;
        case Op.SUB32_REG: {
          const r = Word.R0 + (s >> 2);
          i32[d] = i32[d] - i32[r];
          i32[d + 1] = 0;
          continue;
        }
        case Op.MUL32_IMM:
          i32[d] = Math.imul(i32[d], s);
          i32[d + 1] = 0;
          continue;
        case Op.MUL32_REG: {
          const r = Word.R0 + (s >> 2);
          i32[d] = Math.imul(i32[d], i32[r]);
          i32[d + 1] = 0;
          continue;
        }
        case Op.OR32_IMM:
          i32[d] = i32[d] | s;
          i32[d + 1] = 0;
          continue;
        case Op.OR32_REG: {
          const r = Word.R0 + (s >> 2);
          i32[d] = i32[d] | i32[r];
          i32[d + 1] = 0;
          continue;
        }
        case Op.AND32_IMM:
          i32[d] = i32[d] & s;
          i32[d + 1] = 0;
          continue;
        case Op.AND32_REG: {
          const r = Word.R0 + (s >> 2);
          i32[d] = i32[d] & i32[r];
          i32[d + 1] = 0;
          continue;
        }
        case Op.XOR32_IMM:
          i32[d] = i32[d] ^ s;
          i32[d + 1] = 0;
          continue;
        case Op.XOR32_REG: {
          const r = Word.R0 + (s >> 2);
          i32[d] = i32[d] ^ i32[r];
          i32[d + 1] = 0;
          continue;
        }
        case Op.MOV32_IMM:
          i32[d] = s;
          i32[d + 1] = 0;
          continue;
        case Op.MOV32_REG: {
          const r = Word.R0 + (s >> 2);
          i32[d] = i32[r];
          i32[d + 1] = 0;
          continue;
        }
        case Op.LSH32_IMM:
          i32[d] = i32[d] << s;
          i32[d + 1] = 0;
          continue;
        case Op.LSH32_REG: {
          const r = Word.R0 + (s >> 2);
          i32[d] = i32[d] << i32[r];
          i32[d + 1] = 0;
          continue;
        }
        case Op.RSH32_IMM:
          i32[d] = i32[d] >>> s;
          i32[d + 1] = 0;
          continue;
        case Op.RSH32_REG: {
          const r = Word.R0 + (s >> 2);
          i32[d] = i32[d] >>> i32[r];
          i32[d + 1] = 0;
          continue;
        }
        case Op.ARSH32_IMM:
          i32[d] = i32[d] >> s;
          i32[d + 1] = 0;
          continue;
        case Op.ARSH32_REG: {
          const r = Word.R0 + (s >> 2);
          i32[d] = i32[d] >> i32[r];
          i32[d + 1] = 0;
          continue;
        }
        case Op.DIV32_IMM: {
          const b = s >>> 0;
          i32[d] = b === 0 ? 0 : (i32[d] >>> 0) / b;
          i32[d + 1] = 0;
          continue;
        }
        case Op.DIV32_REG: {
          const r = Word.R0 + (s >> 2);
          const b = i32[r] >>> 0;
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
        case Op.MOD32_REG: {
          const r = Word.R0 + (s >> 2);
          const b = i32[r] >>> 0;
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
        case Op.SDIV32_REG: {
          const r = Word.R0 + (s >> 2);
          const b = i32[r];
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
        case Op.SMOD32_REG: {
          const r = Word.R0 + (s >> 2);
          const b = i32[r];
          if (b !== 0) i32[d] = i32[d] % b;
          i32[d + 1] = 0;
          continue;
        }
        case Op.NEG32:
          i32[d] = -i32[d];
          i32[d + 1] = 0;
          continue;
        case Op.MOVSX32_B: {
          const r = Word.R0 + (s >> 2);
          i32[d] = (i32[r] << 24) >> 24;
          i32[d + 1] = 0;
          continue;
        }
        case Op.MOVSX32_H: {
          const r = Word.R0 + (s >> 2);
          i32[d] = (i32[r] << 16) >> 16;
          i32[d + 1] = 0;
          continue;
        }

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
        case Op.ADDR_SPACE_CAST: {
          const r = Word.R0 + (s >> 2);
          i32[d] = i32[r];
          i32[d + 1] = 0;
          continue;
        }
        case Op.LDDW:
          i32[d] = s;
          i32[d + 1] = i32[pc + Word.WIDTH + 1];
          pc = (pc + Word.WIDTH) | 0;
          continue;

        // jumps on 64-bit comparisons
        case Op.JEQ64_IMM:
          if (i32[d] === s && i32[d + 1] === s >> 31) pc = (pc + ((w >> 16) << 1)) | 0;
          continue;
        case Op.JEQ64_REG: {
          const r = Word.R0 + (s >> 2);
          if (i32[d] === i32[r] && i32[d + 1] === i32[r + 1]) pc = (pc + ((w >> 16) << 1)) | 0;
          continue;
        }
        case Op.JNE64_IMM:
          if (i32[d] !== s || i32[d + 1] !== s >> 31) pc = (pc + ((w >> 16) << 1)) | 0;
          continue;
        case Op.JNE64_REG: {
          const r = Word.R0 + (s >> 2);
          if (i32[d] !== i32[r] || i32[d + 1] !== i32[r + 1]) pc = (pc + ((w >> 16) << 1)) | 0;
          continue;
        }
        case Op.JGT64_IMM: {
          const high = i32[d + 1];
          const other = s >> 31;
          if (high === other ? i32[d] >>> 0 > s >>> 0 : high >>> 0 > other >>> 0)
            pc = (pc + ((w >> 16) << 1)) | 0;
          continue;
        }
        case Op.JGT64_REG: {
          const r = Word.R0 + (s >> 2);
          const high = i32[d + 1];
          const other = i32[r + 1];
          if (high === other ? i32[d] >>> 0 > i32[r] >>> 0 : high >>> 0 > other >>> 0)
            pc = (pc + ((w >> 16) << 1)) | 0;
          continue;
        }
        case Op.JGE64_IMM: {
          const high = i32[d + 1];
          const other = s >> 31;
          if (high === other ? i32[d] >>> 0 >= s >>> 0 : high >>> 0 > other >>> 0)
            pc = (pc + ((w >> 16) << 1)) | 0;
          continue;
        }
        case Op.JGE64_REG: {
          const r = Word.R0 + (s >> 2);
          const high = i32[d + 1];
          const other = i32[r + 1];
          if (high === other ? i32[d] >>> 0 >= i32[r] >>> 0 : high >>> 0 > other >>> 0)
            pc = (pc + ((w >> 16) << 1)) | 0;
          continue;
        }
        case Op.JLT64_IMM: {
          const high = i32[d + 1];
          const other = s >> 31;
          if (high === other ? i32[d] >>> 0 < s >>> 0 : high >>> 0 < other >>> 0)
            pc = (pc + ((w >> 16) << 1)) | 0;
          continue;
        }
        case Op.JLT64_REG: {
          const r = Word.R0 + (s >> 2);
          const high = i32[d + 1];
          const other = i32[r + 1];
          if (high === other ? i32[d] >>> 0 < i32[r] >>> 0 : high >>> 0 < other >>> 0)
            pc = (pc + ((w >> 16) << 1)) | 0;
          continue;
        }
        case Op.JLE64_IMM: {
          const high = i32[d + 1];
          const other = s >> 31;
          if (high === other ? i32[d] >>> 0 <= s >>> 0 : high >>> 0 < other >>> 0)
            pc = (pc + ((w >> 16) << 1)) | 0;
          continue;
        }
        case Op.JLE64_REG: {
          const r = Word.R0 + (s >> 2);
          const high = i32[d + 1];
          const other = i32[r + 1];
          if (high === other ? i32[d] >>> 0 <= i32[r] >>> 0 : high >>> 0 < other >>> 0)
            pc = (pc + ((w >> 16) << 1)) | 0;
          continue;
        }
        case Op.JSGT64_IMM: {
          const high = i32[d + 1];
          const other = s >> 31;
          if (high === other ? i32[d] >>> 0 > s >>> 0 : high > other) pc = (pc + ((w >> 16) << 1)) | 0;
          continue;
        }
        case Op.JSGT64_REG: {
          const r = Word.R0 + (s >> 2);
          const high = i32[d + 1];
          const other = i32[r + 1];
          if (high === other ? i32[d] >>> 0 > i32[r] >>> 0 : high > other) pc = (pc + ((w >> 16) << 1)) | 0;
          continue;
        }
        case Op.JSGE64_IMM: {
          const high = i32[d + 1];
          const other = s >> 31;
          if (high === other ? i32[d] >>> 0 >= s >>> 0 : high > other) pc = (pc + ((w >> 16) << 1)) | 0;
          continue;
        }
        case Op.JSGE64_REG: {
          const r = Word.R0 + (s >> 2);
          const high = i32[d + 1];
          const other = i32[r + 1];
          if (high === other ? i32[d] >>> 0 >= i32[r] >>> 0 : high > other) pc = (pc + ((w >> 16) << 1)) | 0;
          continue;
        }
        case Op.JSLT64_IMM: {
          const high = i32[d + 1];
          const other = s >> 31;
          if (high === other ? i32[d] >>> 0 < s >>> 0 : high < other) pc = (pc + ((w >> 16) << 1)) | 0;
          continue;
        }
        case Op.JSLT64_REG: {
          const r = Word.R0 + (s >> 2);
          const high = i32[d + 1];
          const other = i32[r + 1];
          if (high === other ? i32[d] >>> 0 < i32[r] >>> 0 : high < other) pc = (pc + ((w >> 16) << 1)) | 0;
          continue;
        }
        case Op.JSLE64_IMM: {
          const high = i32[d + 1];
          const other = s >> 31;
          if (high === other ? i32[d] >>> 0 <= s >>> 0 : high < other) pc = (pc + ((w >> 16) << 1)) | 0;
          continue;
        }
        case Op.JSLE64_REG: {
          const r = Word.R0 + (s >> 2);
          const high = i32[d + 1];
          const other = i32[r + 1];
          if (high === other ? i32[d] >>> 0 <= i32[r] >>> 0 : high < other) pc = (pc + ((w >> 16) << 1)) | 0;
          continue;
        }
        case Op.JSET64_IMM:
          if (((i32[d] & s) | (i32[d + 1] & (s >> 31))) !== 0) pc = (pc + ((w >> 16) << 1)) | 0;
          continue;
        case Op.JSET64_REG: {
          const r = Word.R0 + (s >> 2);
          if (((i32[d] & i32[r]) | (i32[d + 1] & i32[r + 1])) !== 0) pc = (pc + ((w >> 16) << 1)) | 0;
          continue;
        }

        // jumps on 32-bit comparisons
        case Op.JEQ32_IMM:
          if (i32[d] === s) pc = (pc + ((w >> 16) << 1)) | 0;
          continue;
        case Op.JEQ32_REG: {
          const r = Word.R0 + (s >> 2);
          if (i32[d] === i32[r]) pc = (pc + ((w >> 16) << 1)) | 0;
          continue;
        }
        case Op.JNE32_IMM:
          if (i32[d] !== s) pc = (pc + ((w >> 16) << 1)) | 0;
          continue;
        case Op.JNE32_REG: {
          const r = Word.R0 + (s >> 2);
          if (i32[d] !== i32[r]) pc = (pc + ((w >> 16) << 1)) | 0;
          continue;
        }
        case Op.JGT32_IMM:
          if (i32[d] >>> 0 > s >>> 0) pc = (pc + ((w >> 16) << 1)) | 0;
          continue;
        case Op.JGT32_REG: {
          const r = Word.R0 + (s >> 2);
          if (i32[d] >>> 0 > i32[r] >>> 0) pc = (pc + ((w >> 16) << 1)) | 0;
          continue;
        }
        case Op.JGE32_IMM:
          if (i32[d] >>> 0 >= s >>> 0) pc = (pc + ((w >> 16) << 1)) | 0;
          continue;
        case Op.JGE32_REG: {
          const r = Word.R0 + (s >> 2);
          if (i32[d] >>> 0 >= i32[r] >>> 0) pc = (pc + ((w >> 16) << 1)) | 0;
          continue;
        }
        case Op.JLT32_IMM:
          if (i32[d] >>> 0 < s >>> 0) pc = (pc + ((w >> 16) << 1)) | 0;
          continue;
        case Op.JLT32_REG: {
          const r = Word.R0 + (s >> 2);
          if (i32[d] >>> 0 < i32[r] >>> 0) pc = (pc + ((w >> 16) << 1)) | 0;
          continue;
        }
        case Op.JLE32_IMM:
          if (i32[d] >>> 0 <= s >>> 0) pc = (pc + ((w >> 16) << 1)) | 0;
          continue;
        case Op.JLE32_REG: {
          const r = Word.R0 + (s >> 2);
          if (i32[d] >>> 0 <= i32[r] >>> 0) pc = (pc + ((w >> 16) << 1)) | 0;
          continue;
        }
        case Op.JSGT32_IMM:
          if (i32[d] > s) pc = (pc + ((w >> 16) << 1)) | 0;
          continue;
        case Op.JSGT32_REG: {
          const r = Word.R0 + (s >> 2);
          if (i32[d] > i32[r]) pc = (pc + ((w >> 16) << 1)) | 0;
          continue;
        }
        case Op.JSGE32_IMM:
          if (i32[d] >= s) pc = (pc + ((w >> 16) << 1)) | 0;
          continue;
        case Op.JSGE32_REG: {
          const r = Word.R0 + (s >> 2);
          if (i32[d] >= i32[r]) pc = (pc + ((w >> 16) << 1)) | 0;
          continue;
        }
        case Op.JSLT32_IMM:
          if (i32[d] < s) pc = (pc + ((w >> 16) << 1)) | 0;
          continue;
        case Op.JSLT32_REG: {
          const r = Word.R0 + (s >> 2);
          if (i32[d] < i32[r]) pc = (pc + ((w >> 16) << 1)) | 0;
          continue;
        }
        case Op.JSLE32_IMM:
          if (i32[d] <= s) pc = (pc + ((w >> 16) << 1)) | 0;
          continue;
        case Op.JSLE32_REG: {
          const r = Word.R0 + (s >> 2);
          if (i32[d] <= i32[r]) pc = (pc + ((w >> 16) << 1)) | 0;
          continue;
        }
        case Op.JSET32_IMM:
          if ((i32[d] & s) !== 0) pc = (pc + ((w >> 16) << 1)) | 0;
          continue;
        case Op.JSET32_REG: {
          const r = Word.R0 + (s >> 2);
          if ((i32[d] & i32[r]) !== 0) pc = (pc + ((w >> 16) << 1)) | 0;
          continue;
        }
        case Op.JA:
          pc = (pc + ((w >> 16) << 1)) | 0;
          continue;
        case Op.JA32:
          pc = (pc + (s << 1)) | 0;
          continue;
        case Op.MAY_GOTO:
          if (!mayStay(memory)) pc = (pc + ((w >> 16) << 1)) | 0;
          continue;

        // memory
        case Op.LDX_B: {
          const r = Word.R0 + (s >> 2);
          if (checked && this.refuses(r, w >> 16, 1, Right.READ)) {
            return this.leave(fuel, this.accessFault(pc, r, w >> 16, 1, Exit.READ));
          }
          const at = (i32[r] + (w >> 16)) | 0;
          i32[d] = (i32[at >> 2] >>> ((at & 3) << 3)) & 0xff;
          i32[d + 1] = 0;
          continue;
        }
        case Op.LDX_H: {
          const r = Word.R0 + (s >> 2);
          if (checked && this.refuses(r, w >> 16, 2, Right.READ)) {
            return this.leave(fuel, this.accessFault(pc, r, w >> 16, 2, Exit.READ));
          }
          const at = (i32[r] + (w >> 16)) | 0;
          i32[d] = (at & 1) === 0 ? (i32[at >> 2] >>> ((at & 2) << 3)) & 0xffff : memory.load16(at);
          i32[d + 1] = 0;
          continue;
        }
        case Op.LDX_W: {
          const r = Word.R0 + (s >> 2);
          if (checked && this.refuses(r, w >> 16, 4, Right.READ)) {
            return this.leave(fuel, this.accessFault(pc, r, w >> 16, 4, Exit.READ));
          }
          const at = (i32[r] + (w >> 16)) | 0;
          i32[d] = (at & 3) === 0 ? i32[at >> 2] : memory.load32(at);
          i32[d + 1] = 0;
          continue;
        }
        case Op.LDX_DW: {
          const r = Word.R0 + (s >> 2);
          if (checked && this.refuses(r, w >> 16, 8, Right.READ)) {
            return this.leave(fuel, this.accessFault(pc, r, w >> 16, 8, Exit.READ));
          }
          const at = (i32[r] + (w >> 16)) | 0;
          const low = (at & 3) === 0 ? i32[at >> 2] : memory.load32(at);
          i32[d + 1] = (at & 3) === 0 ? i32[(at >> 2) + 1] : memory.load32(at + 4);
          i32[d] = low;
          continue;
        }
        case Op.LDXS_B: {
          const r = Word.R0 + (s >> 2);
          if (checked && this.refuses(r, w >> 16, 1, Right.READ)) {
            return this.leave(fuel, this.accessFault(pc, r, w >> 16, 1, Exit.READ));
          }
          const at = (i32[r] + (w >> 16)) | 0;
          const a = (i32[at >> 2] << (24 - ((at & 3) << 3))) >> 24;
          i32[d + 1] = a >> 31;
          i32[d] = a;
          continue;
        }
        case Op.LDXS_H: {
          const r = Word.R0 + (s >> 2);
          if (checked && this.refuses(r, w >> 16, 2, Right.READ)) {
            return this.leave(fuel, this.accessFault(pc, r, w >> 16, 2, Exit.READ));
          }
          const at = (i32[r] + (w >> 16)) | 0;
          const a =
            (at & 1) === 0 ? (i32[at >> 2] << (16 - ((at & 2) << 3))) >> 16 : (memory.load16(at) << 16) >> 16;
          i32[d + 1] = a >> 31;
          i32[d] = a;
          continue;
        }
        case Op.LDXS_W: {
          const r = Word.R0 + (s >> 2);
          if (checked && this.refuses(r, w >> 16, 4, Right.READ)) {
            return this.leave(fuel, this.accessFault(pc, r, w >> 16, 4, Exit.READ));
          }
          const at = (i32[r] + (w >> 16)) | 0;
          const a = (at & 3) === 0 ? i32[at >> 2] : memory.load32(at);
          i32[d + 1] = a >> 31;
          i32[d] = a;
          continue;
        }
        case Op.ST_B: {
          if (checked && this.refuses(d, w >> 16, 1, Right.WRITE)) {
            return this.leave(fuel, this.accessFault(pc, d, w >> 16, 1, Exit.WRITE));
          }
          const at = (i32[d] + (w >> 16)) | 0;
          memory.store8(at, s);
          continue;
        }
        case Op.ST_H: {
          if (checked && this.refuses(d, w >> 16, 2, Right.WRITE)) {
            return this.leave(fuel, this.accessFault(pc, d, w >> 16, 2, Exit.WRITE));
          }
          const at = (i32[d] + (w >> 16)) | 0;
          memory.store16(at, s);
          continue;
        }
        case Op.ST_W: {
          if (checked && this.refuses(d, w >> 16, 4, Right.WRITE)) {
            return this.leave(fuel, this.accessFault(pc, d, w >> 16, 4, Exit.WRITE));
          }
          const at = (i32[d] + (w >> 16)) | 0;
          if ((at & 3) === 0) i32[at >> 2] = s;
          else memory.store32(at, s);
          continue;
        }
        case Op.ST_DW: {
          if (checked && this.refuses(d, w >> 16, 8, Right.WRITE)) {
            return this.leave(fuel, this.accessFault(pc, d, w >> 16, 8, Exit.WRITE));
          }
          const at = (i32[d] + (w >> 16)) | 0;
          if ((at & 3) === 0) {
            i32[at >> 2] = s;
            i32[(at >> 2) + 1] = s >> 31;
          } else memory.store64(at, s, s >> 31);
          continue;
        }
        case Op.STX_B: {
          const r = Word.R0 + (s >> 2);
          if (checked && this.refuses(d, w >> 16, 1, Right.WRITE)) {
            return this.leave(fuel, this.accessFault(pc, d, w >> 16, 1, Exit.WRITE));
          }
          const at = (i32[d] + (w >> 16)) | 0;
          memory.store8(at, i32[r]);
          continue;
        }
        case Op.STX_H: {
          const r = Word.R0 + (s >> 2);
          if (checked && this.refuses(d, w >> 16, 2, Right.WRITE)) {
            return this.leave(fuel, this.accessFault(pc, d, w >> 16, 2, Exit.WRITE));
          }
          const at = (i32[d] + (w >> 16)) | 0;
          memory.store16(at, i32[r]);
          continue;
        }
        case Op.STX_W: {
          const r = Word.R0 + (s >> 2);
          if (checked && this.refuses(d, w >> 16, 4, Right.WRITE)) {
            return this.leave(fuel, this.accessFault(pc, d, w >> 16, 4, Exit.WRITE));
          }
          const at = (i32[d] + (w >> 16)) | 0;
          if ((at & 3) === 0) i32[at >> 2] = i32[r];
          else memory.store32(at, i32[r]);
          continue;
        }
        case Op.STX_DW: {
          const r = Word.R0 + (s >> 2);
          if (checked && this.refuses(d, w >> 16, 8, Right.WRITE)) {
            return this.leave(fuel, this.accessFault(pc, d, w >> 16, 8, Exit.WRITE));
          }
          const at = (i32[d] + (w >> 16)) | 0;
          if ((at & 3) === 0) {
            i32[at >> 2] = i32[r];
            i32[(at >> 2) + 1] = i32[r + 1];
          } else memory.store64(at, i32[r], i32[r + 1]);
          continue;
        }
        case Op.LOAD_ACQ_B: {
          const r = Word.R0 + (s >> 2);
          if (checked && this.refuses(r, w >> 16, 1, Right.READ)) {
            return this.leave(fuel, this.accessFault(pc, r, w >> 16, 1, Exit.READ));
          }
          const at = (i32[r] + (w >> 16)) | 0;
          i32[d] = (i32[at >> 2] >>> ((at & 3) << 3)) & 0xff;
          i32[d + 1] = 0;
          continue;
        }
        case Op.LOAD_ACQ_H: {
          const r = Word.R0 + (s >> 2);
          if (checked && this.refuses(r, w >> 16, 2, Right.READ)) {
            return this.leave(fuel, this.accessFault(pc, r, w >> 16, 2, Exit.READ));
          }
          const at = (i32[r] + (w >> 16)) | 0;
          i32[d] = (at & 1) === 0 ? (i32[at >> 2] >>> ((at & 2) << 3)) & 0xffff : memory.load16(at);
          i32[d + 1] = 0;
          continue;
        }
        case Op.LOAD_ACQ_W: {
          const r = Word.R0 + (s >> 2);
          if (checked && this.refuses(r, w >> 16, 4, Right.READ)) {
            return this.leave(fuel, this.accessFault(pc, r, w >> 16, 4, Exit.READ));
          }
          const at = (i32[r] + (w >> 16)) | 0;
          i32[d] = (at & 3) === 0 ? i32[at >> 2] : memory.load32(at);
          i32[d + 1] = 0;
          continue;
        }
        case Op.LOAD_ACQ_DW: {
          const r = Word.R0 + (s >> 2);
          if (checked && this.refuses(r, w >> 16, 8, Right.READ)) {
            return this.leave(fuel, this.accessFault(pc, r, w >> 16, 8, Exit.READ));
          }
          const at = (i32[r] + (w >> 16)) | 0;
          const low = (at & 3) === 0 ? i32[at >> 2] : memory.load32(at);
          i32[d + 1] = (at & 3) === 0 ? i32[(at >> 2) + 1] : memory.load32(at + 4);
          i32[d] = low;
          continue;
        }
        case Op.STORE_REL_B: {
          const r = Word.R0 + (s >> 2);
          if (checked && this.refuses(d, w >> 16, 1, Right.WRITE)) {
            return this.leave(fuel, this.accessFault(pc, d, w >> 16, 1, Exit.WRITE));
          }
          const at = (i32[d] + (w >> 16)) | 0;
          memory.store8(at, i32[r]);
          continue;
        }
        case Op.STORE_REL_H: {
          const r = Word.R0 + (s >> 2);
          if (checked && this.refuses(d, w >> 16, 2, Right.WRITE)) {
            return this.leave(fuel, this.accessFault(pc, d, w >> 16, 2, Exit.WRITE));
          }
          const at = (i32[d] + (w >> 16)) | 0;
          memory.store16(at, i32[r]);
          continue;
        }
        case Op.STORE_REL_W: {
          const r = Word.R0 + (s >> 2);
          if (checked && this.refuses(d, w >> 16, 4, Right.WRITE)) {
            return this.leave(fuel, this.accessFault(pc, d, w >> 16, 4, Exit.WRITE));
          }
          const at = (i32[d] + (w >> 16)) | 0;
          if ((at & 3) === 0) i32[at >> 2] = i32[r];
          else memory.store32(at, i32[r]);
          continue;
        }
        case Op.STORE_REL_DW: {
          const r = Word.R0 + (s >> 2);
          if (checked && this.refuses(d, w >> 16, 8, Right.WRITE)) {
            return this.leave(fuel, this.accessFault(pc, d, w >> 16, 8, Exit.WRITE));
          }
          const at = (i32[d] + (w >> 16)) | 0;
          if ((at & 3) === 0) {
            i32[at >> 2] = i32[r];
            i32[(at >> 2) + 1] = i32[r + 1];
          } else memory.store64(at, i32[r], i32[r + 1]);
          continue;
        }

        // atomics: one thread owns the memory, so they are plain
        case Op.ATOMIC_ADD32: {
          const r = Word.R0 + (s >> 2);
          if (checked && this.refuses(d, w >> 16, 4, Right.WRITE)) {
            return this.leave(fuel, this.accessFault(pc, d, w >> 16, 4, Exit.WRITE));
          }
          const at = (i32[d] + (w >> 16)) | 0;
          if ((at & 3) === 0) i32[at >> 2] += i32[r];
          else memory.store32(at, memory.load32(at) + i32[r]);
          continue;
        }
        case Op.ATOMIC_OR32: {
          const r = Word.R0 + (s >> 2);
          if (checked && this.refuses(d, w >> 16, 4, Right.WRITE)) {
            return this.leave(fuel, this.accessFault(pc, d, w >> 16, 4, Exit.WRITE));
          }
          const at = (i32[d] + (w >> 16)) | 0;
          const low = memory.load32(at);
          memory.store32(at, low | i32[r]);
          continue;
        }
        case Op.ATOMIC_AND32: {
          const r = Word.R0 + (s >> 2);
          if (checked && this.refuses(d, w >> 16, 4, Right.WRITE)) {
            return this.leave(fuel, this.accessFault(pc, d, w >> 16, 4, Exit.WRITE));
          }
          const at = (i32[d] + (w >> 16)) | 0;
          const low = memory.load32(at);
          memory.store32(at, low & i32[r]);
          continue;
        }
        case Op.ATOMIC_XOR32: {
          const r = Word.R0 + (s >> 2);
          if (checked && this.refuses(d, w >> 16, 4, Right.WRITE)) {
            return this.leave(fuel, this.accessFault(pc, d, w >> 16, 4, Exit.WRITE));
          }
          const at = (i32[d] + (w >> 16)) | 0;
          const low = memory.load32(at);
          memory.store32(at, low ^ i32[r]);
          continue;
        }
        case Op.FETCH_ADD32: {
          const r = Word.R0 + (s >> 2);
          if (checked && this.refuses(d, w >> 16, 4, Right.WRITE)) {
            return this.leave(fuel, this.accessFault(pc, d, w >> 16, 4, Exit.WRITE));
          }
          const at = (i32[d] + (w >> 16)) | 0;
          const low = memory.load32(at);
          memory.store32(at, low + i32[r]);
          i32[r] = low;
          i32[r + 1] = 0;
          continue;
        }
        case Op.FETCH_OR32: {
          const r = Word.R0 + (s >> 2);
          if (checked && this.refuses(d, w >> 16, 4, Right.WRITE)) {
            return this.leave(fuel, this.accessFault(pc, d, w >> 16, 4, Exit.WRITE));
          }
          const at = (i32[d] + (w >> 16)) | 0;
          const low = memory.load32(at);
          memory.store32(at, low | i32[r]);
          i32[r] = low;
          i32[r + 1] = 0;
          continue;
        }
        case Op.FETCH_AND32: {
          const r = Word.R0 + (s >> 2);
          if (checked && this.refuses(d, w >> 16, 4, Right.WRITE)) {
            return this.leave(fuel, this.accessFault(pc, d, w >> 16, 4, Exit.WRITE));
          }
          const at = (i32[d] + (w >> 16)) | 0;
          const low = memory.load32(at);
          memory.store32(at, low & i32[r]);
          i32[r] = low;
          i32[r + 1] = 0;
          continue;
        }
        case Op.FETCH_XOR32: {
          const r = Word.R0 + (s >> 2);
          if (checked && this.refuses(d, w >> 16, 4, Right.WRITE)) {
            return this.leave(fuel, this.accessFault(pc, d, w >> 16, 4, Exit.WRITE));
          }
          const at = (i32[d] + (w >> 16)) | 0;
          const low = memory.load32(at);
          memory.store32(at, low ^ i32[r]);
          i32[r] = low;
          i32[r + 1] = 0;
          continue;
        }
        case Op.XCHG32: {
          const r = Word.R0 + (s >> 2);
          if (checked && this.refuses(d, w >> 16, 4, Right.WRITE)) {
            return this.leave(fuel, this.accessFault(pc, d, w >> 16, 4, Exit.WRITE));
          }
          const at = (i32[d] + (w >> 16)) | 0;
          const low = memory.load32(at);
          memory.store32(at, i32[r]);
          i32[r] = low;
          i32[r + 1] = 0;
          continue;
        }
        case Op.CMPXCHG32: {
          const r = Word.R0 + (s >> 2);
          if (checked && this.refuses(d, w >> 16, 4, Right.WRITE)) {
            return this.leave(fuel, this.accessFault(pc, d, w >> 16, 4, Exit.WRITE));
          }
          const at = (i32[d] + (w >> 16)) | 0;
          const low = memory.load32(at);
          if (low === i32[Word.R0]) memory.store32(at, i32[r]);
          i32[Word.R0] = low;
          i32[Word.R0 + 1] = 0;
          continue;
        }
        case Op.ATOMIC_ADD64: {
          const r = Word.R0 + (s >> 2);
          if (checked && this.refuses(d, w >> 16, 8, Right.WRITE)) {
            return this.leave(fuel, this.accessFault(pc, d, w >> 16, 8, Exit.WRITE));
          }
          const at = (i32[d] + (w >> 16)) | 0;
          if ((at & 3) !== 0) this.addUnaligned(at, r);
          else {
            const low = i32[at >> 2];
            const sum = (low + i32[r]) | 0;
            i32[(at >> 2) + 1] = i32[(at >> 2) + 1] + i32[r + 1] + (sum >>> 0 < low >>> 0 ? 1 : 0);
            i32[at >> 2] = sum;
          }
          continue;
        }
        case Op.ATOMIC_OR64: {
          const r = Word.R0 + (s >> 2);
          if (checked && this.refuses(d, w >> 16, 8, Right.WRITE)) {
            return this.leave(fuel, this.accessFault(pc, d, w >> 16, 8, Exit.WRITE));
          }
          const at = (i32[d] + (w >> 16)) | 0;
          const low = memory.load32(at);
          const high = memory.load32(at + 4);
          memory.store64(at, low | i32[r], high | i32[r + 1]);
          continue;
        }
        case Op.ATOMIC_AND64: {
          const r = Word.R0 + (s >> 2);
          if (checked && this.refuses(d, w >> 16, 8, Right.WRITE)) {
            return this.leave(fuel, this.accessFault(pc, d, w >> 16, 8, Exit.WRITE));
          }
          const at = (i32[d] + (w >> 16)) | 0;
          const low = memory.load32(at);
          const high = memory.load32(at + 4);
          memory.store64(at, low & i32[r], high & i32[r + 1]);
          continue;
        }
        case Op.ATOMIC_XOR64: {
          const r = Word.R0 + (s >> 2);
          if (checked && this.refuses(d, w >> 16, 8, Right.WRITE)) {
            return this.leave(fuel, this.accessFault(pc, d, w >> 16, 8, Exit.WRITE));
          }
          const at = (i32[d] + (w >> 16)) | 0;
          const low = memory.load32(at);
          const high = memory.load32(at + 4);
          memory.store64(at, low ^ i32[r], high ^ i32[r + 1]);
          continue;
        }
        case Op.FETCH_ADD64: {
          const r = Word.R0 + (s >> 2);
          if (checked && this.refuses(d, w >> 16, 8, Right.WRITE)) {
            return this.leave(fuel, this.accessFault(pc, d, w >> 16, 8, Exit.WRITE));
          }
          const at = (i32[d] + (w >> 16)) | 0;
          const low = memory.load32(at);
          const high = memory.load32(at + 4);
          const sum = (low + i32[r]) | 0;
          memory.store64(at, sum, high + i32[r + 1] + (sum >>> 0 < low >>> 0 ? 1 : 0));
          i32[r] = low;
          i32[r + 1] = high;
          continue;
        }
        case Op.FETCH_OR64: {
          const r = Word.R0 + (s >> 2);
          if (checked && this.refuses(d, w >> 16, 8, Right.WRITE)) {
            return this.leave(fuel, this.accessFault(pc, d, w >> 16, 8, Exit.WRITE));
          }
          const at = (i32[d] + (w >> 16)) | 0;
          const low = memory.load32(at);
          const high = memory.load32(at + 4);
          memory.store64(at, low | i32[r], high | i32[r + 1]);
          i32[r] = low;
          i32[r + 1] = high;
          continue;
        }
        case Op.FETCH_AND64: {
          const r = Word.R0 + (s >> 2);
          if (checked && this.refuses(d, w >> 16, 8, Right.WRITE)) {
            return this.leave(fuel, this.accessFault(pc, d, w >> 16, 8, Exit.WRITE));
          }
          const at = (i32[d] + (w >> 16)) | 0;
          const low = memory.load32(at);
          const high = memory.load32(at + 4);
          memory.store64(at, low & i32[r], high & i32[r + 1]);
          i32[r] = low;
          i32[r + 1] = high;
          continue;
        }
        case Op.FETCH_XOR64: {
          const r = Word.R0 + (s >> 2);
          if (checked && this.refuses(d, w >> 16, 8, Right.WRITE)) {
            return this.leave(fuel, this.accessFault(pc, d, w >> 16, 8, Exit.WRITE));
          }
          const at = (i32[d] + (w >> 16)) | 0;
          const low = memory.load32(at);
          const high = memory.load32(at + 4);
          memory.store64(at, low ^ i32[r], high ^ i32[r + 1]);
          i32[r] = low;
          i32[r + 1] = high;
          continue;
        }
        case Op.XCHG64: {
          const r = Word.R0 + (s >> 2);
          if (checked && this.refuses(d, w >> 16, 8, Right.WRITE)) {
            return this.leave(fuel, this.accessFault(pc, d, w >> 16, 8, Exit.WRITE));
          }
          const at = (i32[d] + (w >> 16)) | 0;
          const low = memory.load32(at);
          const high = memory.load32(at + 4);
          memory.store64(at, i32[r], i32[r + 1]);
          i32[r] = low;
          i32[r + 1] = high;
          continue;
        }
        case Op.CMPXCHG64: {
          const r = Word.R0 + (s >> 2);
          if (checked && this.refuses(d, w >> 16, 8, Right.WRITE)) {
            return this.leave(fuel, this.accessFault(pc, d, w >> 16, 8, Exit.WRITE));
          }
          const at = (i32[d] + (w >> 16)) | 0;
          const low = memory.load32(at);
          const high = memory.load32(at + 4);
          if (low === i32[Word.R0] && high === i32[Word.R0 + 1]) memory.store64(at, i32[r], i32[r + 1]);
          i32[Word.R0] = low;
          i32[Word.R0 + 1] = high;
          continue;
        }

        // packets, in network order; past the end the program (or function) returns 0
        case Op.LD_ABS_B: {
          const at = packetAt(memory, s, 1);
          i32[Word.R0] = at === 0 ? 0 : memory.load8(at);
          i32[Word.R0 + 1] = 0;
          if (at === 0) pc = (At.EXIT_STUB >> 2) - Word.WIDTH;
          continue;
        }
        case Op.LD_IND_B: {
          const at = packetAt(memory, (i32[d] + s) | 0, 1);
          i32[Word.R0] = at === 0 ? 0 : memory.load8(at);
          i32[Word.R0 + 1] = 0;
          if (at === 0) pc = (At.EXIT_STUB >> 2) - Word.WIDTH;
          continue;
        }
        case Op.LD_ABS_H: {
          const at = packetAt(memory, s, 2);
          i32[Word.R0] = at === 0 ? 0 : swap16(memory.load16(at));
          i32[Word.R0 + 1] = 0;
          if (at === 0) pc = (At.EXIT_STUB >> 2) - Word.WIDTH;
          continue;
        }
        case Op.LD_IND_H: {
          const at = packetAt(memory, (i32[d] + s) | 0, 2);
          i32[Word.R0] = at === 0 ? 0 : swap16(memory.load16(at));
          i32[Word.R0 + 1] = 0;
          if (at === 0) pc = (At.EXIT_STUB >> 2) - Word.WIDTH;
          continue;
        }
        case Op.LD_ABS_W: {
          const at = packetAt(memory, s, 4);
          i32[Word.R0] = at === 0 ? 0 : swap32(memory.load32(at));
          i32[Word.R0 + 1] = 0;
          if (at === 0) pc = (At.EXIT_STUB >> 2) - Word.WIDTH;
          continue;
        }
        case Op.LD_IND_W: {
          const at = packetAt(memory, (i32[d] + s) | 0, 4);
          i32[Word.R0] = at === 0 ? 0 : swap32(memory.load32(at));
          i32[Word.R0 + 1] = 0;
          if (at === 0) pc = (At.EXIT_STUB >> 2) - Word.WIDTH;
          continue;
        }

        // calls
        case Op.CALL_HELPER: {
          const exit = this.callHelper(s, checked);
          ({ i32 } = memory);
          if (exit !== Exit.OK) return this.leave(fuel, this.stop(pc, exit));
          continue;
        }
        case Op.CALL_LOOKUP:
          this.lookup();
          continue;
        case Op.LDX_PROBED:
          loadProbed(memory, At.REGS + ((w >> 8) & 0xff), w >> 16, s);
          continue;
        case Op.CALL_LOCAL:
          if (!pushFrame(memory, pc)) return this.leave(fuel, this.fault(pc, 0, 0, 0, Exit.CALL_DEPTH));
          pc = (pc + (s << 1)) | 0;
          continue;
        case Op.CALLX: {
          const low = i32[d];
          const high = i32[d + 1];
          if (high === Code.POINTER_HIGH) {
            if (!pushFrame(memory, pc)) return this.leave(fuel, this.fault(pc, 0, 0, 0, Exit.CALL_DEPTH));
            pc = (this.codeStart() + (low - 1) * Word.WIDTH) | 0;
            continue;
          }
          const index = high === 0 ? helperIndex(memory, low) : -1;
          if (index < 0) return this.leave(fuel, this.fault(pc, low, high, 0, Exit.CALL_TARGET));
          const exit = this.callHelper(index, checked);
          ({ i32 } = memory);
          if (exit !== Exit.OK) return this.leave(fuel, this.stop(pc, exit));
          continue;
        }
        case Op.EXIT:
          if (i32[At.FRAME >> 2] !== At.FRAMES) {
            pc = popFrame(memory) | 0;
            continue;
          }
          if (checked) this.leave(fuel, Exit.OK);
          if (!(checked ? this.nextChecked() : this.nextVerified())) return Exit.OK;
          fuel = this.limit();
          pc = (this.codeStart() - Word.WIDTH) | 0;
          continue;

        // fused pairs (fuse.ts): the first slot's operation, then the second's; an access in them is never checked
        case Op.MOV64_REG__ADD64_IMM: {
          const r = Word.R0 + (s >> 2);
          i32[d + 1] = i32[r + 1];
          i32[d] = i32[r];
          pc = (pc + Word.WIDTH) | 0;
          const s2 = i32[pc + 1];
          const a2 = i32[d];
          const sum2 = (a2 + s2) | 0;
          i32[d + 1] = i32[d + 1] + (s2 >> 31) + (sum2 >>> 0 < a2 >>> 0 ? 1 : 0);
          i32[d] = sum2;
          continue;
        }
        case Op.MOV64_REG__ADD64_REG: {
          const r = Word.R0 + (s >> 2);
          i32[d + 1] = i32[r + 1];
          i32[d] = i32[r];
          pc = (pc + Word.WIDTH) | 0;
          const r2 = Word.R0 + (i32[pc + 1] >> 2);
          const a2 = i32[d];
          const sum2 = (a2 + i32[r2]) | 0;
          i32[d + 1] = i32[d + 1] + i32[r2 + 1] + (sum2 >>> 0 < a2 >>> 0 ? 1 : 0);
          i32[d] = sum2;
          continue;
        }
        case Op.MOV64_REG__LSH64_IMM: {
          const r = Word.R0 + (s >> 2);
          i32[d + 1] = i32[r + 1];
          i32[d] = i32[r];
          pc = (pc + Word.WIDTH) | 0;
          const s2 = i32[pc + 1];
          lsh64(i32, d, s2);
          continue;
        }
        case Op.MOV64_REG__RSH64_IMM: {
          const r = Word.R0 + (s >> 2);
          i32[d + 1] = i32[r + 1];
          i32[d] = i32[r];
          pc = (pc + Word.WIDTH) | 0;
          const s2 = i32[pc + 1];
          rsh64(i32, d, s2);
          continue;
        }
        case Op.MOV64_REG__AND64_IMM: {
          const r = Word.R0 + (s >> 2);
          i32[d + 1] = i32[r + 1];
          i32[d] = i32[r];
          pc = (pc + Word.WIDTH) | 0;
          const s2 = i32[pc + 1];
          i32[d + 1] &= s2 >> 31;
          i32[d] &= s2;
          continue;
        }
        case Op.MOV32_REG__AND32_IMM: {
          const r = Word.R0 + (s >> 2);
          i32[d] = i32[r];
          i32[d + 1] = 0;
          pc = (pc + Word.WIDTH) | 0;
          const s2 = i32[pc + 1];
          i32[d] = i32[d] & s2;
          i32[d + 1] = 0;
          continue;
        }
        case Op.MOV32_REG__LSH32_IMM: {
          const r = Word.R0 + (s >> 2);
          i32[d] = i32[r];
          i32[d + 1] = 0;
          pc = (pc + Word.WIDTH) | 0;
          const s2 = i32[pc + 1];
          i32[d] = i32[d] << s2;
          i32[d + 1] = 0;
          continue;
        }
        case Op.MOV32_REG__RSH32_IMM: {
          const r = Word.R0 + (s >> 2);
          i32[d] = i32[r];
          i32[d + 1] = 0;
          pc = (pc + Word.WIDTH) | 0;
          const s2 = i32[pc + 1];
          i32[d] = i32[d] >>> s2;
          i32[d + 1] = 0;
          continue;
        }
        case Op.MOV32_REG__ADD32_IMM: {
          const r = Word.R0 + (s >> 2);
          i32[d] = i32[r];
          i32[d + 1] = 0;
          pc = (pc + Word.WIDTH) | 0;
          const s2 = i32[pc + 1];
          i32[d] = i32[d] + s2;
          i32[d + 1] = 0;
          continue;
        }
        case Op.LSH64_IMM__ARSH64_IMM: {
          lsh64(i32, d, s);
          pc = (pc + Word.WIDTH) | 0;
          const s2 = i32[pc + 1];
          arsh64(i32, d, s2);
          continue;
        }
        case Op.LSH64_IMM__RSH64_IMM: {
          lsh64(i32, d, s);
          pc = (pc + Word.WIDTH) | 0;
          const s2 = i32[pc + 1];
          rsh64(i32, d, s2);
          continue;
        }
        case Op.LSH64_IMM__OR64_REG: {
          lsh64(i32, d, s);
          pc = (pc + Word.WIDTH) | 0;
          const r2 = Word.R0 + (i32[pc + 1] >> 2);
          i32[d + 1] |= i32[r2 + 1];
          i32[d] |= i32[r2];
          continue;
        }
        case Op.LSH32_IMM__OR32_REG: {
          i32[d] = i32[d] << s;
          i32[d + 1] = 0;
          pc = (pc + Word.WIDTH) | 0;
          const r2 = Word.R0 + (i32[pc + 1] >> 2);
          i32[d] = i32[d] | i32[r2];
          i32[d + 1] = 0;
          continue;
        }
        case Op.LDX_B__LSH64_IMM: {
          const r = Word.R0 + (s >> 2);
          const at = (i32[r] + (w >> 16)) | 0;
          i32[d] = (i32[at >> 2] >>> ((at & 3) << 3)) & 0xff;
          i32[d + 1] = 0;
          pc = (pc + Word.WIDTH) | 0;
          const s2 = i32[pc + 1];
          lsh64(i32, d, s2);
          continue;
        }
        case Op.LDX_W__LSH64_IMM: {
          const r = Word.R0 + (s >> 2);
          const at = (i32[r] + (w >> 16)) | 0;
          i32[d] = (at & 3) === 0 ? i32[at >> 2] : memory.load32(at);
          i32[d + 1] = 0;
          pc = (pc + Word.WIDTH) | 0;
          const s2 = i32[pc + 1];
          lsh64(i32, d, s2);
          continue;
        }
        case Op.LDX_B__LSH32_IMM: {
          const r = Word.R0 + (s >> 2);
          const at = (i32[r] + (w >> 16)) | 0;
          i32[d] = (i32[at >> 2] >>> ((at & 3) << 3)) & 0xff;
          i32[d + 1] = 0;
          pc = (pc + Word.WIDTH) | 0;
          const s2 = i32[pc + 1];
          i32[d] = i32[d] << s2;
          i32[d + 1] = 0;
          continue;
        }
        case Op.LDX_H__LSH32_IMM: {
          const r = Word.R0 + (s >> 2);
          const at = (i32[r] + (w >> 16)) | 0;
          i32[d] = (at & 1) === 0 ? (i32[at >> 2] >>> ((at & 2) << 3)) & 0xffff : memory.load16(at);
          i32[d + 1] = 0;
          pc = (pc + Word.WIDTH) | 0;
          const s2 = i32[pc + 1];
          i32[d] = i32[d] << s2;
          i32[d + 1] = 0;
          continue;
        }
        case Op.LDX_B__JEQ32_IMM: {
          const r = Word.R0 + (s >> 2);
          const at = (i32[r] + (w >> 16)) | 0;
          i32[d] = (i32[at >> 2] >>> ((at & 3) << 3)) & 0xff;
          i32[d + 1] = 0;
          pc = (pc + Word.WIDTH) | 0;
          const w2 = i32[pc];
          const s2 = i32[pc + 1];
          if (i32[d] === s2) pc = (pc + ((w2 >> 16) << 1)) | 0;
          continue;
        }
        case Op.LDX_B__JNE32_IMM: {
          const r = Word.R0 + (s >> 2);
          const at = (i32[r] + (w >> 16)) | 0;
          i32[d] = (i32[at >> 2] >>> ((at & 3) << 3)) & 0xff;
          i32[d + 1] = 0;
          pc = (pc + Word.WIDTH) | 0;
          const w2 = i32[pc];
          const s2 = i32[pc + 1];
          if (i32[d] !== s2) pc = (pc + ((w2 >> 16) << 1)) | 0;
          continue;
        }
        case Op.LDX_B__JEQ64_IMM: {
          const r = Word.R0 + (s >> 2);
          const at = (i32[r] + (w >> 16)) | 0;
          i32[d] = (i32[at >> 2] >>> ((at & 3) << 3)) & 0xff;
          i32[d + 1] = 0;
          pc = (pc + Word.WIDTH) | 0;
          const w2 = i32[pc];
          const s2 = i32[pc + 1];
          if (i32[d] === s2 && i32[d + 1] === s2 >> 31) pc = (pc + ((w2 >> 16) << 1)) | 0;
          continue;
        }
        case Op.LDX_B__JNE64_IMM: {
          const r = Word.R0 + (s >> 2);
          const at = (i32[r] + (w >> 16)) | 0;
          i32[d] = (i32[at >> 2] >>> ((at & 3) << 3)) & 0xff;
          i32[d + 1] = 0;
          pc = (pc + Word.WIDTH) | 0;
          const w2 = i32[pc];
          const s2 = i32[pc + 1];
          if (i32[d] !== s2 || i32[d + 1] !== s2 >> 31) pc = (pc + ((w2 >> 16) << 1)) | 0;
          continue;
        }
        case Op.LDX_H__JEQ32_IMM: {
          const r = Word.R0 + (s >> 2);
          const at = (i32[r] + (w >> 16)) | 0;
          i32[d] = (at & 1) === 0 ? (i32[at >> 2] >>> ((at & 2) << 3)) & 0xffff : memory.load16(at);
          i32[d + 1] = 0;
          pc = (pc + Word.WIDTH) | 0;
          const w2 = i32[pc];
          const s2 = i32[pc + 1];
          if (i32[d] === s2) pc = (pc + ((w2 >> 16) << 1)) | 0;
          continue;
        }
        case Op.LDX_H__JNE32_IMM: {
          const r = Word.R0 + (s >> 2);
          const at = (i32[r] + (w >> 16)) | 0;
          i32[d] = (at & 1) === 0 ? (i32[at >> 2] >>> ((at & 2) << 3)) & 0xffff : memory.load16(at);
          i32[d + 1] = 0;
          pc = (pc + Word.WIDTH) | 0;
          const w2 = i32[pc];
          const s2 = i32[pc + 1];
          if (i32[d] !== s2) pc = (pc + ((w2 >> 16) << 1)) | 0;
          continue;
        }
        case Op.LDX_H__JEQ64_IMM: {
          const r = Word.R0 + (s >> 2);
          const at = (i32[r] + (w >> 16)) | 0;
          i32[d] = (at & 1) === 0 ? (i32[at >> 2] >>> ((at & 2) << 3)) & 0xffff : memory.load16(at);
          i32[d + 1] = 0;
          pc = (pc + Word.WIDTH) | 0;
          const w2 = i32[pc];
          const s2 = i32[pc + 1];
          if (i32[d] === s2 && i32[d + 1] === s2 >> 31) pc = (pc + ((w2 >> 16) << 1)) | 0;
          continue;
        }
        case Op.LDX_H__JNE64_IMM: {
          const r = Word.R0 + (s >> 2);
          const at = (i32[r] + (w >> 16)) | 0;
          i32[d] = (at & 1) === 0 ? (i32[at >> 2] >>> ((at & 2) << 3)) & 0xffff : memory.load16(at);
          i32[d + 1] = 0;
          pc = (pc + Word.WIDTH) | 0;
          const w2 = i32[pc];
          const s2 = i32[pc + 1];
          if (i32[d] !== s2 || i32[d + 1] !== s2 >> 31) pc = (pc + ((w2 >> 16) << 1)) | 0;
          continue;
        }
        case Op.LDX_W__JEQ32_IMM: {
          const r = Word.R0 + (s >> 2);
          const at = (i32[r] + (w >> 16)) | 0;
          i32[d] = (at & 3) === 0 ? i32[at >> 2] : memory.load32(at);
          i32[d + 1] = 0;
          pc = (pc + Word.WIDTH) | 0;
          const w2 = i32[pc];
          const s2 = i32[pc + 1];
          if (i32[d] === s2) pc = (pc + ((w2 >> 16) << 1)) | 0;
          continue;
        }
        case Op.LDX_W__JNE32_IMM: {
          const r = Word.R0 + (s >> 2);
          const at = (i32[r] + (w >> 16)) | 0;
          i32[d] = (at & 3) === 0 ? i32[at >> 2] : memory.load32(at);
          i32[d + 1] = 0;
          pc = (pc + Word.WIDTH) | 0;
          const w2 = i32[pc];
          const s2 = i32[pc + 1];
          if (i32[d] !== s2) pc = (pc + ((w2 >> 16) << 1)) | 0;
          continue;
        }
        case Op.LDX_W__JEQ64_IMM: {
          const r = Word.R0 + (s >> 2);
          const at = (i32[r] + (w >> 16)) | 0;
          i32[d] = (at & 3) === 0 ? i32[at >> 2] : memory.load32(at);
          i32[d + 1] = 0;
          pc = (pc + Word.WIDTH) | 0;
          const w2 = i32[pc];
          const s2 = i32[pc + 1];
          if (i32[d] === s2 && i32[d + 1] === s2 >> 31) pc = (pc + ((w2 >> 16) << 1)) | 0;
          continue;
        }
        case Op.LDX_W__JNE64_IMM: {
          const r = Word.R0 + (s >> 2);
          const at = (i32[r] + (w >> 16)) | 0;
          i32[d] = (at & 3) === 0 ? i32[at >> 2] : memory.load32(at);
          i32[d + 1] = 0;
          pc = (pc + Word.WIDTH) | 0;
          const w2 = i32[pc];
          const s2 = i32[pc + 1];
          if (i32[d] !== s2 || i32[d + 1] !== s2 >> 31) pc = (pc + ((w2 >> 16) << 1)) | 0;
          continue;
        }
        case Op.LDX_DW__JEQ64_IMM: {
          const r = Word.R0 + (s >> 2);
          const at = (i32[r] + (w >> 16)) | 0;
          const low = (at & 3) === 0 ? i32[at >> 2] : memory.load32(at);
          i32[d + 1] = (at & 3) === 0 ? i32[(at >> 2) + 1] : memory.load32(at + 4);
          i32[d] = low;
          pc = (pc + Word.WIDTH) | 0;
          const w2 = i32[pc];
          const s2 = i32[pc + 1];
          if (i32[d] === s2 && i32[d + 1] === s2 >> 31) pc = (pc + ((w2 >> 16) << 1)) | 0;
          continue;
        }
        case Op.LDX_DW__JNE64_IMM: {
          const r = Word.R0 + (s >> 2);
          const at = (i32[r] + (w >> 16)) | 0;
          const low = (at & 3) === 0 ? i32[at >> 2] : memory.load32(at);
          i32[d + 1] = (at & 3) === 0 ? i32[(at >> 2) + 1] : memory.load32(at + 4);
          i32[d] = low;
          pc = (pc + Word.WIDTH) | 0;
          const w2 = i32[pc];
          const s2 = i32[pc + 1];
          if (i32[d] !== s2 || i32[d + 1] !== s2 >> 31) pc = (pc + ((w2 >> 16) << 1)) | 0;
          continue;
        }
        case Op.AND32_IMM__JEQ32_IMM: {
          i32[d] = i32[d] & s;
          i32[d + 1] = 0;
          pc = (pc + Word.WIDTH) | 0;
          const w2 = i32[pc];
          const s2 = i32[pc + 1];
          if (i32[d] === s2) pc = (pc + ((w2 >> 16) << 1)) | 0;
          continue;
        }
        case Op.AND32_IMM__JNE32_IMM: {
          i32[d] = i32[d] & s;
          i32[d + 1] = 0;
          pc = (pc + Word.WIDTH) | 0;
          const w2 = i32[pc];
          const s2 = i32[pc + 1];
          if (i32[d] !== s2) pc = (pc + ((w2 >> 16) << 1)) | 0;
          continue;
        }
        case Op.AND64_IMM__JEQ64_IMM: {
          i32[d + 1] &= s >> 31;
          i32[d] &= s;
          pc = (pc + Word.WIDTH) | 0;
          const w2 = i32[pc];
          const s2 = i32[pc + 1];
          if (i32[d] === s2 && i32[d + 1] === s2 >> 31) pc = (pc + ((w2 >> 16) << 1)) | 0;
          continue;
        }
        case Op.AND64_IMM__JNE64_IMM: {
          i32[d + 1] &= s >> 31;
          i32[d] &= s;
          pc = (pc + Word.WIDTH) | 0;
          const w2 = i32[pc];
          const s2 = i32[pc + 1];
          if (i32[d] !== s2 || i32[d + 1] !== s2 >> 31) pc = (pc + ((w2 >> 16) << 1)) | 0;
          continue;
        }
        case Op.ADD64_IMM__JNE64_IMM: {
          const a = i32[d];
          const sum = (a + s) | 0;
          i32[d + 1] = i32[d + 1] + (s >> 31) + (sum >>> 0 < a >>> 0 ? 1 : 0);
          i32[d] = sum;
          pc = (pc + Word.WIDTH) | 0;
          const w2 = i32[pc];
          const s2 = i32[pc + 1];
          if (i32[d] !== s2 || i32[d + 1] !== s2 >> 31) pc = (pc + ((w2 >> 16) << 1)) | 0;
          continue;
        }
        case Op.ADD64_IMM__JNE64_REG: {
          const a = i32[d];
          const sum = (a + s) | 0;
          i32[d + 1] = i32[d + 1] + (s >> 31) + (sum >>> 0 < a >>> 0 ? 1 : 0);
          i32[d] = sum;
          pc = (pc + Word.WIDTH) | 0;
          const w2 = i32[pc];
          const r2 = Word.R0 + (i32[pc + 1] >> 2);
          if (i32[d] !== i32[r2] || i32[d + 1] !== i32[r2 + 1]) pc = (pc + ((w2 >> 16) << 1)) | 0;
          continue;
        }
        case Op.ADD64_IMM__JLT64_REG: {
          const a = i32[d];
          const sum = (a + s) | 0;
          i32[d + 1] = i32[d + 1] + (s >> 31) + (sum >>> 0 < a >>> 0 ? 1 : 0);
          i32[d] = sum;
          pc = (pc + Word.WIDTH) | 0;
          const w2 = i32[pc];
          const r2 = Word.R0 + (i32[pc + 1] >> 2);
          const high2 = i32[d + 1];
          const other2 = i32[r2 + 1];
          if (high2 === other2 ? i32[d] >>> 0 < i32[r2] >>> 0 : high2 >>> 0 < other2 >>> 0)
            pc = (pc + ((w2 >> 16) << 1)) | 0;
          continue;
        }
        case Op.ADD32_IMM__JNE32_IMM: {
          i32[d] = i32[d] + s;
          i32[d + 1] = 0;
          pc = (pc + Word.WIDTH) | 0;
          const w2 = i32[pc];
          const s2 = i32[pc + 1];
          if (i32[d] !== s2) pc = (pc + ((w2 >> 16) << 1)) | 0;
          continue;
        }
        case Op.ADD32_IMM__JNE32_REG: {
          i32[d] = i32[d] + s;
          i32[d + 1] = 0;
          pc = (pc + Word.WIDTH) | 0;
          const w2 = i32[pc];
          const r2 = Word.R0 + (i32[pc + 1] >> 2);
          if (i32[d] !== i32[r2]) pc = (pc + ((w2 >> 16) << 1)) | 0;
          continue;
        }
        case Op.XOR64_REG__MUL64_IMM: {
          const r = Word.R0 + (s >> 2);
          i32[d + 1] ^= i32[r + 1];
          i32[d] ^= i32[r];
          pc = (pc + Word.WIDTH) | 0;
          const s2 = i32[pc + 1];
          const a2 = i32[d];
          const b2 = s2;
          i32[d + 1] = mulHigh(a2, b2) + Math.imul(i32[d + 1], b2) + Math.imul(a2, s2 >> 31);
          i32[d] = Math.imul(a2, b2);
          continue;
        }
        case Op.XOR32_REG__MUL32_IMM: {
          const r = Word.R0 + (s >> 2);
          i32[d] = i32[d] ^ i32[r];
          i32[d + 1] = 0;
          pc = (pc + Word.WIDTH) | 0;
          const s2 = i32[pc + 1];
          i32[d] = Math.imul(i32[d], s2);
          i32[d + 1] = 0;
          continue;
        }
        case Op.MUL64_REG__ADD64_REG: {
          const r = Word.R0 + (s >> 2);
          const a = i32[d];
          const b = i32[r];
          i32[d + 1] = mulHigh(a, b) + Math.imul(i32[d + 1], b) + Math.imul(a, i32[r + 1]);
          i32[d] = Math.imul(a, b);
          pc = (pc + Word.WIDTH) | 0;
          const r2 = Word.R0 + (i32[pc + 1] >> 2);
          const a2 = i32[d];
          const sum2 = (a2 + i32[r2]) | 0;
          i32[d + 1] = i32[d + 1] + i32[r2 + 1] + (sum2 >>> 0 < a2 >>> 0 ? 1 : 0);
          i32[d] = sum2;
          continue;
        }
        case Op.ADD64_REG__LDX_B: {
          const r = Word.R0 + (s >> 2);
          const a = i32[d];
          const sum = (a + i32[r]) | 0;
          i32[d + 1] = i32[d + 1] + i32[r + 1] + (sum >>> 0 < a >>> 0 ? 1 : 0);
          i32[d] = sum;
          pc = (pc + Word.WIDTH) | 0;
          const w2 = i32[pc];
          const d2 = Word.R0 + ((w2 >> 10) & 63);
          const r2 = Word.R0 + (i32[pc + 1] >> 2);
          const at2 = (i32[r2] + (w2 >> 16)) | 0;
          i32[d2] = (i32[at2 >> 2] >>> ((at2 & 3) << 3)) & 0xff;
          i32[d2 + 1] = 0;
          continue;
        }
        case Op.ADD64_REG__LDX_H: {
          const r = Word.R0 + (s >> 2);
          const a = i32[d];
          const sum = (a + i32[r]) | 0;
          i32[d + 1] = i32[d + 1] + i32[r + 1] + (sum >>> 0 < a >>> 0 ? 1 : 0);
          i32[d] = sum;
          pc = (pc + Word.WIDTH) | 0;
          const w2 = i32[pc];
          const d2 = Word.R0 + ((w2 >> 10) & 63);
          const r2 = Word.R0 + (i32[pc + 1] >> 2);
          const at2 = (i32[r2] + (w2 >> 16)) | 0;
          i32[d2] = (at2 & 1) === 0 ? (i32[at2 >> 2] >>> ((at2 & 2) << 3)) & 0xffff : memory.load16(at2);
          i32[d2 + 1] = 0;
          continue;
        }
        case Op.ADD64_REG__LDX_W: {
          const r = Word.R0 + (s >> 2);
          const a = i32[d];
          const sum = (a + i32[r]) | 0;
          i32[d + 1] = i32[d + 1] + i32[r + 1] + (sum >>> 0 < a >>> 0 ? 1 : 0);
          i32[d] = sum;
          pc = (pc + Word.WIDTH) | 0;
          const w2 = i32[pc];
          const d2 = Word.R0 + ((w2 >> 10) & 63);
          const r2 = Word.R0 + (i32[pc + 1] >> 2);
          const at2 = (i32[r2] + (w2 >> 16)) | 0;
          i32[d2] = (at2 & 3) === 0 ? i32[at2 >> 2] : memory.load32(at2);
          i32[d2 + 1] = 0;
          continue;
        }
        case Op.ADD64_REG__LDX_DW: {
          const r = Word.R0 + (s >> 2);
          const a = i32[d];
          const sum = (a + i32[r]) | 0;
          i32[d + 1] = i32[d + 1] + i32[r + 1] + (sum >>> 0 < a >>> 0 ? 1 : 0);
          i32[d] = sum;
          pc = (pc + Word.WIDTH) | 0;
          const w2 = i32[pc];
          const d2 = Word.R0 + ((w2 >> 10) & 63);
          const r2 = Word.R0 + (i32[pc + 1] >> 2);
          const at2 = (i32[r2] + (w2 >> 16)) | 0;
          const low2 = (at2 & 3) === 0 ? i32[at2 >> 2] : memory.load32(at2);
          i32[d2 + 1] = (at2 & 3) === 0 ? i32[(at2 >> 2) + 1] : memory.load32(at2 + 4);
          i32[d2] = low2;
          continue;
        }
        case Op.RSH64_IMM__XOR64_REG: {
          rsh64(i32, d, s);
          pc = (pc + Word.WIDTH) | 0;
          const w2 = i32[pc];
          const d2 = Word.R0 + ((w2 >> 10) & 63);
          const r2 = Word.R0 + (i32[pc + 1] >> 2);
          i32[d2 + 1] ^= i32[r2 + 1];
          i32[d2] ^= i32[r2];
          continue;
        }
        case Op.RSH32_IMM__XOR32_REG: {
          i32[d] = i32[d] >>> s;
          i32[d + 1] = 0;
          pc = (pc + Word.WIDTH) | 0;
          const w2 = i32[pc];
          const d2 = Word.R0 + ((w2 >> 10) & 63);
          const r2 = Word.R0 + (i32[pc + 1] >> 2);
          i32[d2] = i32[d2] ^ i32[r2];
          i32[d2 + 1] = 0;
          continue;
        }
        case Op.LDX_W__LDX_W: {
          const r = Word.R0 + (s >> 2);
          const at = (i32[r] + (w >> 16)) | 0;
          i32[d] = (at & 3) === 0 ? i32[at >> 2] : memory.load32(at);
          i32[d + 1] = 0;
          pc = (pc + Word.WIDTH) | 0;
          const w2 = i32[pc];
          const d2 = Word.R0 + ((w2 >> 10) & 63);
          const r2 = Word.R0 + (i32[pc + 1] >> 2);
          const at2 = (i32[r2] + (w2 >> 16)) | 0;
          i32[d2] = (at2 & 3) === 0 ? i32[at2 >> 2] : memory.load32(at2);
          i32[d2 + 1] = 0;
          continue;
        }
        case Op.LDX_DW__LDX_DW: {
          const r = Word.R0 + (s >> 2);
          const at = (i32[r] + (w >> 16)) | 0;
          const low = (at & 3) === 0 ? i32[at >> 2] : memory.load32(at);
          i32[d + 1] = (at & 3) === 0 ? i32[(at >> 2) + 1] : memory.load32(at + 4);
          i32[d] = low;
          pc = (pc + Word.WIDTH) | 0;
          const w2 = i32[pc];
          const d2 = Word.R0 + ((w2 >> 10) & 63);
          const r2 = Word.R0 + (i32[pc + 1] >> 2);
          const at2 = (i32[r2] + (w2 >> 16)) | 0;
          const low2 = (at2 & 3) === 0 ? i32[at2 >> 2] : memory.load32(at2);
          i32[d2 + 1] = (at2 & 3) === 0 ? i32[(at2 >> 2) + 1] : memory.load32(at2 + 4);
          i32[d2] = low2;
          continue;
        }
        case Op.LDX_B__LDX_B: {
          const r = Word.R0 + (s >> 2);
          const at = (i32[r] + (w >> 16)) | 0;
          i32[d] = (i32[at >> 2] >>> ((at & 3) << 3)) & 0xff;
          i32[d + 1] = 0;
          pc = (pc + Word.WIDTH) | 0;
          const w2 = i32[pc];
          const d2 = Word.R0 + ((w2 >> 10) & 63);
          const r2 = Word.R0 + (i32[pc + 1] >> 2);
          const at2 = (i32[r2] + (w2 >> 16)) | 0;
          i32[d2] = (i32[at2 >> 2] >>> ((at2 & 3) << 3)) & 0xff;
          i32[d2 + 1] = 0;
          continue;
        }
        case Op.LDX_DW__LDX_W: {
          const r = Word.R0 + (s >> 2);
          const at = (i32[r] + (w >> 16)) | 0;
          const low = (at & 3) === 0 ? i32[at >> 2] : memory.load32(at);
          i32[d + 1] = (at & 3) === 0 ? i32[(at >> 2) + 1] : memory.load32(at + 4);
          i32[d] = low;
          pc = (pc + Word.WIDTH) | 0;
          const w2 = i32[pc];
          const d2 = Word.R0 + ((w2 >> 10) & 63);
          const r2 = Word.R0 + (i32[pc + 1] >> 2);
          const at2 = (i32[r2] + (w2 >> 16)) | 0;
          i32[d2] = (at2 & 3) === 0 ? i32[at2 >> 2] : memory.load32(at2);
          i32[d2 + 1] = 0;
          continue;
        }
        case Op.STX_DW__STX_DW: {
          const r = Word.R0 + (s >> 2);
          const at = (i32[d] + (w >> 16)) | 0;
          if ((at & 3) === 0) {
            i32[at >> 2] = i32[r];
            i32[(at >> 2) + 1] = i32[r + 1];
          } else memory.store64(at, i32[r], i32[r + 1]);
          pc = (pc + Word.WIDTH) | 0;
          const w2 = i32[pc];
          const d2 = Word.R0 + ((w2 >> 10) & 63);
          const r2 = Word.R0 + (i32[pc + 1] >> 2);
          const at2 = (i32[d2] + (w2 >> 16)) | 0;
          if ((at2 & 3) === 0) {
            i32[at2 >> 2] = i32[r2];
            i32[(at2 >> 2) + 1] = i32[r2 + 1];
          } else memory.store64(at2, i32[r2], i32[r2 + 1]);
          continue;
        }
        case Op.LDX_DW__STX_DW: {
          const r = Word.R0 + (s >> 2);
          const at = (i32[r] + (w >> 16)) | 0;
          const low = (at & 3) === 0 ? i32[at >> 2] : memory.load32(at);
          i32[d + 1] = (at & 3) === 0 ? i32[(at >> 2) + 1] : memory.load32(at + 4);
          i32[d] = low;
          pc = (pc + Word.WIDTH) | 0;
          const w2 = i32[pc];
          const d2 = Word.R0 + ((w2 >> 10) & 63);
          const r2 = Word.R0 + (i32[pc + 1] >> 2);
          const at2 = (i32[d2] + (w2 >> 16)) | 0;
          if ((at2 & 3) === 0) {
            i32[at2 >> 2] = i32[r2];
            i32[(at2 >> 2) + 1] = i32[r2 + 1];
          } else memory.store64(at2, i32[r2], i32[r2 + 1]);
          continue;
        }
        case Op.LDX_W__STX_W: {
          const r = Word.R0 + (s >> 2);
          const at = (i32[r] + (w >> 16)) | 0;
          i32[d] = (at & 3) === 0 ? i32[at >> 2] : memory.load32(at);
          i32[d + 1] = 0;
          pc = (pc + Word.WIDTH) | 0;
          const w2 = i32[pc];
          const d2 = Word.R0 + ((w2 >> 10) & 63);
          const r2 = Word.R0 + (i32[pc + 1] >> 2);
          const at2 = (i32[d2] + (w2 >> 16)) | 0;
          if ((at2 & 3) === 0) i32[at2 >> 2] = i32[r2];
          else memory.store32(at2, i32[r2]);
          continue;
        }
        case Op.MOV64_REG__MOV64_REG: {
          const r = Word.R0 + (s >> 2);
          i32[d + 1] = i32[r + 1];
          i32[d] = i32[r];
          pc = (pc + Word.WIDTH) | 0;
          const w2 = i32[pc];
          const d2 = Word.R0 + ((w2 >> 10) & 63);
          const r2 = Word.R0 + (i32[pc + 1] >> 2);
          i32[d2 + 1] = i32[r2 + 1];
          i32[d2] = i32[r2];
          continue;
        }
        case Op.MOV64_REG__MOV64_IMM: {
          const r = Word.R0 + (s >> 2);
          i32[d + 1] = i32[r + 1];
          i32[d] = i32[r];
          pc = (pc + Word.WIDTH) | 0;
          const w2 = i32[pc];
          const d2 = Word.R0 + ((w2 >> 10) & 63);
          const s2 = i32[pc + 1];
          i32[d2 + 1] = s2 >> 31;
          i32[d2] = s2;
          continue;
        }
        case Op.MOV64_REG__MOV32_IMM: {
          const r = Word.R0 + (s >> 2);
          i32[d + 1] = i32[r + 1];
          i32[d] = i32[r];
          pc = (pc + Word.WIDTH) | 0;
          const w2 = i32[pc];
          const d2 = Word.R0 + ((w2 >> 10) & 63);
          const s2 = i32[pc + 1];
          i32[d2] = s2;
          i32[d2 + 1] = 0;
          continue;
        }
        case Op.MOV32_IMM__MOV32_IMM: {
          i32[d] = s;
          i32[d + 1] = 0;
          pc = (pc + Word.WIDTH) | 0;
          const w2 = i32[pc];
          const d2 = Word.R0 + ((w2 >> 10) & 63);
          const s2 = i32[pc + 1];
          i32[d2] = s2;
          i32[d2 + 1] = 0;
          continue;
        }
        case Op.MOV32_IMM__STX_W: {
          i32[d] = s;
          i32[d + 1] = 0;
          pc = (pc + Word.WIDTH) | 0;
          const w2 = i32[pc];
          const d2 = Word.R0 + ((w2 >> 10) & 63);
          const r2 = Word.R0 + (i32[pc + 1] >> 2);
          const at2 = (i32[d2] + (w2 >> 16)) | 0;
          if ((at2 & 3) === 0) i32[at2 >> 2] = i32[r2];
          else memory.store32(at2, i32[r2]);
          continue;
        }
        case Op.MOV64_IMM__CALL_HELPER: {
          i32[d + 1] = s >> 31;
          i32[d] = s;
          pc = (pc + Word.WIDTH) | 0;
          const s2 = i32[pc + 1];
          const exit = this.callHelper(s2, checked);
          ({ i32 } = memory);
          if (exit !== Exit.OK) return this.leave(fuel, this.stop(pc, exit));
          continue;
        }
        case Op.MOV32_IMM__CALL_HELPER: {
          i32[d] = s;
          i32[d + 1] = 0;
          pc = (pc + Word.WIDTH) | 0;
          const s2 = i32[pc + 1];
          const exit = this.callHelper(s2, checked);
          ({ i32 } = memory);
          if (exit !== Exit.OK) return this.leave(fuel, this.stop(pc, exit));
          continue;
        }
        case Op.LDDW__CALL_HELPER: {
          i32[d] = s;
          i32[d + 1] = i32[pc + Word.WIDTH + 1];
          pc = (pc + 2 * Word.WIDTH) | 0;
          const s2 = i32[pc + 1];
          const exit = this.callHelper(s2, checked);
          ({ i32 } = memory);
          if (exit !== Exit.OK) return this.leave(fuel, this.stop(pc, exit));
          continue;
        }
        case Op.CALL_HELPER__JEQ64_IMM: {
          const exit = this.callHelper(s, checked);
          ({ i32 } = memory);
          if (exit !== Exit.OK) return this.leave(fuel, this.stop(pc, exit));
          pc = (pc + Word.WIDTH) | 0;
          const w2 = i32[pc];
          const d2 = Word.R0 + ((w2 >> 10) & 63);
          const s2 = i32[pc + 1];
          if (i32[d2] === s2 && i32[d2 + 1] === s2 >> 31) pc = (pc + ((w2 >> 16) << 1)) | 0;
          continue;
        }
        case Op.CALL_HELPER__JNE64_IMM: {
          const exit = this.callHelper(s, checked);
          ({ i32 } = memory);
          if (exit !== Exit.OK) return this.leave(fuel, this.stop(pc, exit));
          pc = (pc + Word.WIDTH) | 0;
          const w2 = i32[pc];
          const d2 = Word.R0 + ((w2 >> 10) & 63);
          const s2 = i32[pc + 1];
          if (i32[d2] !== s2 || i32[d2 + 1] !== s2 >> 31) pc = (pc + ((w2 >> 16) << 1)) | 0;
          continue;
        }
        case Op.JEQ32_IMM__JEQ32_IMM: {
          if (i32[d] === s) {
            pc = (pc + ((w >> 16) << 1)) | 0;
            continue;
          }
          pc = (pc + Word.WIDTH) | 0;
          const w2 = i32[pc];
          const d2 = Word.R0 + ((w2 >> 10) & 63);
          const s2 = i32[pc + 1];
          if (i32[d2] === s2) pc = (pc + ((w2 >> 16) << 1)) | 0;
          continue;
        }
        case Op.JEQ64_IMM__JEQ64_IMM: {
          if (i32[d] === s && i32[d + 1] === s >> 31) {
            pc = (pc + ((w >> 16) << 1)) | 0;
            continue;
          }
          pc = (pc + Word.WIDTH) | 0;
          const w2 = i32[pc];
          const d2 = Word.R0 + ((w2 >> 10) & 63);
          const s2 = i32[pc + 1];
          if (i32[d2] === s2 && i32[d2 + 1] === s2 >> 31) pc = (pc + ((w2 >> 16) << 1)) | 0;
          continue;
        }
        case Op.ADD64_IMM__MOV64_REG: {
          const a = i32[d];
          const sum = (a + s) | 0;
          i32[d + 1] = i32[d + 1] + (s >> 31) + (sum >>> 0 < a >>> 0 ? 1 : 0);
          i32[d] = sum;
          pc = (pc + Word.WIDTH) | 0;
          const w2 = i32[pc];
          const d2 = Word.R0 + ((w2 >> 10) & 63);
          const r2 = Word.R0 + (i32[pc + 1] >> 2);
          i32[d2 + 1] = i32[r2 + 1];
          i32[d2] = i32[r2];
          continue;
        }
        case Op.ADD64_REG__ADD64_REG: {
          const r = Word.R0 + (s >> 2);
          const a = i32[d];
          const sum = (a + i32[r]) | 0;
          i32[d + 1] = i32[d + 1] + i32[r + 1] + (sum >>> 0 < a >>> 0 ? 1 : 0);
          i32[d] = sum;
          pc = (pc + Word.WIDTH) | 0;
          const w2 = i32[pc];
          const d2 = Word.R0 + ((w2 >> 10) & 63);
          const r2 = Word.R0 + (i32[pc + 1] >> 2);
          const a2 = i32[d2];
          const sum2 = (a2 + i32[r2]) | 0;
          i32[d2 + 1] = i32[d2 + 1] + i32[r2 + 1] + (sum2 >>> 0 < a2 >>> 0 ? 1 : 0);
          i32[d2] = sum2;
          continue;
        }
        case Op.ADD64_REG__MOV64_REG: {
          const r = Word.R0 + (s >> 2);
          const a = i32[d];
          const sum = (a + i32[r]) | 0;
          i32[d + 1] = i32[d + 1] + i32[r + 1] + (sum >>> 0 < a >>> 0 ? 1 : 0);
          i32[d] = sum;
          pc = (pc + Word.WIDTH) | 0;
          const w2 = i32[pc];
          const d2 = Word.R0 + ((w2 >> 10) & 63);
          const r2 = Word.R0 + (i32[pc + 1] >> 2);
          i32[d2 + 1] = i32[r2 + 1];
          i32[d2] = i32[r2];
          continue;
        }
        case Op.LDDW__CALL_LOOKUP:
          i32[d] = s;
          i32[d + 1] = i32[pc + Word.WIDTH + 1];
          pc = (pc + 2 * Word.WIDTH) | 0;
          this.lookup();
          continue;
        case Op.CALL_LOOKUP__JEQ64_IMM: {
          this.lookup();
          pc = (pc + Word.WIDTH) | 0;
          const w2 = i32[pc];
          const d2 = Word.R0 + ((w2 >> 10) & 63);
          const s2 = i32[pc + 1];
          if (i32[d2] === s2 && i32[d2 + 1] === s2 >> 31) pc = (pc + ((w2 >> 16) << 1)) | 0;
          continue;
        }
        case Op.CALL_LOOKUP__JNE64_IMM: {
          this.lookup();
          pc = (pc + Word.WIDTH) | 0;
          const w2 = i32[pc];
          const d2 = Word.R0 + ((w2 >> 10) & 63);
          const s2 = i32[pc + 1];
          if (i32[d2] !== s2 || i32[d2 + 1] !== s2 >> 31) pc = (pc + ((w2 >> 16) << 1)) | 0;
          continue;
        }
        case Op.MOV64_IMM__EXIT:
          i32[d + 1] = s >> 31;
          i32[d] = s;
          pc = (pc + Word.WIDTH) | 0;
          pc = (At.EXIT_STUB >> 2) - Word.WIDTH;
          continue;
        case Op.MOV32_IMM__EXIT:
          i32[d] = s;
          i32[d + 1] = 0;
          pc = (pc + Word.WIDTH) | 0;
          pc = (At.EXIT_STUB >> 2) - Word.WIDTH;
          continue;
        case Op.MOV32_IMM__JA: {
          i32[d] = s;
          i32[d + 1] = 0;
          pc = (pc + Word.WIDTH) | 0;
          const w2 = i32[pc];
          pc = (pc + ((w2 >> 16) << 1)) | 0;
          continue;
        }
        case Op.JNE32_IMM__LDX_B: {
          if (i32[d] !== s) {
            pc = (pc + ((w >> 16) << 1)) | 0;
            continue;
          }
          pc = (pc + Word.WIDTH) | 0;
          const w2 = i32[pc];
          const d2 = Word.R0 + ((w2 >> 10) & 63);
          const r2 = Word.R0 + (i32[pc + 1] >> 2);
          const at2 = (i32[r2] + (w2 >> 16)) | 0;
          i32[d2] = (i32[at2 >> 2] >>> ((at2 & 3) << 3)) & 0xff;
          i32[d2 + 1] = 0;
          continue;
        }
        case Op.JEQ64_IMM__JA:
          if (!(i32[d] === s && i32[d + 1] === s >> 31)) pc = (pc + Word.WIDTH) | 0;
          pc = (pc + ((i32[pc] >> 16) << 1)) | 0;
          continue;
        case Op.JEQ32_IMM__JA:
          if (!(i32[d] === s)) pc = (pc + Word.WIDTH) | 0;
          pc = (pc + ((i32[pc] >> 16) << 1)) | 0;
          continue;
        case Op.MOV64_IMM__ATOMIC_ADD64: {
          i32[d + 1] = s >> 31;
          i32[d] = s;
          pc = (pc + Word.WIDTH) | 0;
          const w2 = i32[pc];
          const d2 = Word.R0 + ((w2 >> 10) & 63);
          const r2 = Word.R0 + (i32[pc + 1] >> 2);
          const at = (i32[d2] + (w2 >> 16)) | 0;
          if ((at & 3) !== 0) this.addUnaligned(at, r2);
          else {
            const low = i32[at >> 2];
            const sum = (low + i32[r2]) | 0;
            i32[(at >> 2) + 1] = i32[(at >> 2) + 1] + i32[r2 + 1] + (sum >>> 0 < low >>> 0 ? 1 : 0);
            i32[at >> 2] = sum;
          }
          continue;
        }
        // An arm of its own, so that V8's jump table starts at 0.
        case 0:
          return this.leave(fuel, this.fault(pc, 0, 0, 1, Exit.OPCODE));
        default:
          return this.leave(fuel, this.fault(pc, w & 0xff, 0, 0, Exit.OPCODE));
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
  (runtime) => {
    let interpreter = interpreters.get(runtime);
    if (interpreter === undefined) {
      interpreter = new Interpreter(runtime);
      interpreters.set(runtime, interpreter);
    }
    return interpreter.execute;
  },
);
