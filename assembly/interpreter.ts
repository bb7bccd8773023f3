// The hot loop: one switch over prepared code, one line per operation, two copies of it. `interpret<Checked>`
// tests every access and counts instructions; `interpret<Verified>` runs what a verifier has proved. The
// rhythm is always the same: read operands, compute, write, on to the next slot.
//
// Registers lie in linear memory at At.REGS, and prepared code (PROGRAM_*, CODE_*) holds their offsets there, so
// that an operand is one load with a constant offset. RFC 9669 §4 says what the operations mean.

import { Exit, MapType } from "./shared/codes";
import { Op } from "./shared/opcodes";
import { At, Bucket, Code, Element, HelperEntry, MapHeader, ProgramFlag, ProgramRecord, Right } from "./shared/layout";
import { checkArguments, loadProbed, mayAccess } from "./portable/access";
import {
  enterChecked, enterContext, enterSpecial, finishEvent, isNext, mayStay, packetAt, popFrame, pushFrame,
} from "./portable/frames";
import { callCoreHelper, helperIndex } from "./portable/helpers";
import { bucketOf, finish, mix } from "./portable/maps/hash";
import { mapLookup } from "./portable/maps/map";
import { callHost } from "./host";

/** The two modes; only their ids matter. */
export class Checked {}
export class Verified {}

// ---- operands of the slot at pc -------------------------------------------------------------------

@inline function dst64(pc: usize): u64 { return load<u64>(load<u8>(pc, Code.DST), At.REGS); }
@inline function src64(pc: usize): u64 { return load<u64>(load<u32>(pc, Code.IMM), At.REGS); }
@inline function imm64(pc: usize): u64 { return <u64>load<i32>(pc, Code.IMM); }
@inline function dst32(pc: usize): u32 { return load<u32>(load<u8>(pc, Code.DST), At.REGS); }
@inline function src32(pc: usize): u32 { return load<u32>(load<u32>(pc, Code.IMM), At.REGS); }
@inline function imm32(pc: usize): u32 { return load<u32>(pc, Code.IMM); }
@inline function off64(pc: usize): u64 { return <u64>load<i16>(pc, Code.OFF); }
@inline function set64(pc: usize, value: u64): void { store<u64>(load<u8>(pc, Code.DST), value, At.REGS); }
@inline function set32(pc: usize, value: u32): void { set64(pc, value); }
@inline function setSrc(pc: usize, value: u64): void { store<u64>(load<u32>(pc, Code.IMM), value, At.REGS); }
@inline function jump(pc: usize): usize { return pc + (<usize>(<i32>load<i16>(pc, Code.OFF)) << 3); }

// ---- meanings that are more than one operator ------------------------------------------------------

@inline function div<T>(a: T, b: T): T { return b == 0 ? 0 : a / b; }
@inline function mod<T>(a: T, b: T): T { return b == 0 ? a : a % b; }
/** Signed: the smallest number divided by -1 is itself. */
@inline function sdiv<T>(a: T, b: T): T { return b == 0 ? 0 : b == -1 ? <T>0 - a : a / b; }
@inline function smod<T>(a: T, b: T): T { return b == 0 ? a : b == -1 ? 0 : a % b; }
@inline function swap16(value: u64): u64 { return <u64>bswap<u16>(<u16>value); }

// ---- checked access ------------------------------------------------------------------------------------

@inline function isChecked<M>(): bool { return idof<M>() == idof<Checked>(); }
/** True when all of `size` bytes at `at` lie between the two u32 at `bounds`. */
@inline function within(at: u64, size: i32, bounds: usize): bool {
  return at >= load<u32>(bounds) && at + size <= load<u32>(bounds, 4) && at + size > at;
}
/** True when the access is one that the mode lets pass: by the stack and the window in sight, else by search. */
@inline function allowed<M>(at: u64, size: i32, right: i32): bool {
  return (
    !isChecked<M>() ||
    within(at, size, At.STACK_LOW) ||
    within(at, size, right == Right.READ ? At.READ_WINDOW_LOW : At.WRITE_WINDOW_LOW) ||
    (at >> 32 == 0 && mayAccess(mem(), <i32>at, size, right))
  );
}

/** Address of the running program's code. Not kept in a local: every local that the loop holds costs a register. */
@inline function codeStart(): usize { return load<u32>(load<u32>(At.PROGRAM), ProgramRecord.CODE); }

/** Notes where a run is ending. */
function stopAt(pc: usize, exit: i32): i32 {
  store<u32>(At.TRAP_SLOT, <u32>((pc - codeStart()) >> 3));
  return exit;
}

function fault(pc: usize, at: u64, size: i32, exit: i32): i32 {
  store<u64>(At.TRAP_ADDRESS, at);
  store<u32>(At.TRAP_DETAIL, size);
  return stopAt(pc, exit);
}

// ---- calls -----------------------------------------------------------------------------------------------

/** Runs the helper at `index` of the table on the register file. */
function callHelper<M>(index: u32): i32 {
  const entry = load<u32>(At.HELPERS) + index * HelperEntry.SIZE;
  if (isChecked<M>()) {
    const refused = checkArguments(mem(), load<i32>(entry, HelperEntry.ARGS));
    if (refused != Exit.OK) return refused;
  }
  const core = load<i32>(entry, HelperEntry.CORE);
  return core != 0 ? callCoreHelper(mem(), core) : callHost(index);
}

/** map_lookup_elem(r1, r2) without the detour over the map's flags: the verifier has looked at them. Gives r0. */
@inline function lookup(): u64 {
  const value: u64 = mapLookup(mem(), load<i32>(At.R1), load<i32>(At.R2));
  store<u64>(At.R0, value);
  return value;
}

/** The same for hashes with keys of eight bytes: hashLookup's walk in place, since a call would cost as much. */
@inline function lookupInPlace(): void {
  const map = load<i32>(At.R1);
  if (load<i32>(map, MapHeader.TYPE) != MapType.HASH || load<i32>(map, MapHeader.KEY_SIZE) != 8) {
    lookup();
    return;
  }
  const key: u64 = load<u64>(load<u32>(At.R2));
  const hash = mix(mem(), mix(mem(), load<i32>(map, MapHeader.SEED), <i32>key), <i32>(key >> 32));
  let element: usize = load<u32>(bucketOf(mem(), map, finish(mem(), hash)), Bucket.HEAD);
  while (element != 0 && load<u64>(element, Element.KEY) != key) element = load<u32>(element, Element.NEXT);
  store<u64>(At.R0, element == 0 ? 0 : element + Element.KEY + 8);
}

/** Instructions that a checked run of this program may execute. */
@inline function limit(): u64 { return load<u64>(load<u32>(At.PROGRAM), ProgramRecord.LIMIT_LOW); }

/** Every way out of the loop: the instructions of checked runs are summed up. */
@inline function leave<M>(fuel: u64, exit: i32): i32 {
  if (isChecked<M>()) store<u64>(At.EXECUTED, load<u64>(At.EXECUTED) + limit() - fuel);
  return exit;
}

/**
 * `exit`: back to the caller's frame, or on to the next event. Gives the slot before the one to go on with, odd when
 * checked instructions are to be counted anew; 0 when no event is left for this program.
 */
@inline function exitFrame<M>(fuel: u64): usize {
  if (load<i32>(At.FRAME) != At.FRAMES) return popFrame(mem());
  if (isChecked<M>()) leave<M>(fuel, Exit.OK);
  const next = finishEvent(mem());
  if (!isNext(mem(), next)) return 0;
  enterContext(mem(), next);
  if (isChecked<M>()) enterChecked(mem(), next);
  const flags = load<u32>(load<u32>(At.PROGRAM), ProgramRecord.FLAGS);
  if (flags & ProgramFlag.SPECIAL) enterSpecial(mem(), next, flags);
  return codeStart() - (isChecked<M>() ? 7 : 8);
}

/**
 * Runs the program at At.PROGRAM on the event that was entered, and on those after it while they are for the same program.
 * Gives Exit.OK, or why the event at At.EVENT ended the run (with TRAP_* filled).
 */
export function interpret<M>(): i32 {
  let fuel: u64 = isChecked<M>() ? limit() : 0;
  let pc = codeStart();
  for (;; pc += 8) {
    if (isChecked<M>()) {
      if (fuel == 0) {
        return leave<M>(fuel, fault(pc, 0, 0, Exit.LIMIT));
      }
      fuel--;
    }
    const op: u32 = load<u8>(pc);
    switch (op) {

      // 64-bit arithmetic
      case Op.ADD64_IMM: set64(pc, dst64(pc) + imm64(pc)); continue;
      case Op.ADD64_REG: set64(pc, dst64(pc) + src64(pc)); continue;
      case Op.SUB64_IMM: set64(pc, dst64(pc) - imm64(pc)); continue;
      case Op.SUB64_REG: set64(pc, dst64(pc) - src64(pc)); continue;
      case Op.MUL64_IMM: set64(pc, dst64(pc) * imm64(pc)); continue;
      case Op.MUL64_REG: set64(pc, dst64(pc) * src64(pc)); continue;
      case Op.OR64_IMM: set64(pc, dst64(pc) | imm64(pc)); continue;
      case Op.OR64_REG: set64(pc, dst64(pc) | src64(pc)); continue;
      case Op.AND64_IMM: set64(pc, dst64(pc) & imm64(pc)); continue;
      case Op.AND64_REG: set64(pc, dst64(pc) & src64(pc)); continue;
      case Op.XOR64_IMM: set64(pc, dst64(pc) ^ imm64(pc)); continue;
      case Op.XOR64_REG: set64(pc, dst64(pc) ^ src64(pc)); continue;
      case Op.MOV64_IMM: set64(pc, imm64(pc)); continue;
      case Op.MOV64_REG: set64(pc, src64(pc)); continue;
      case Op.NEG64: set64(pc, 0 - dst64(pc)); continue;
      case Op.LSH64_IMM: set64(pc, dst64(pc) << imm64(pc)); continue;
      case Op.RSH64_IMM: set64(pc, dst64(pc) >> imm64(pc)); continue;
      case Op.ARSH64_IMM: set64(pc, <u64>(<i64>dst64(pc) >> <i64>imm64(pc))); continue;
      case Op.DIV64_IMM: set64(pc, div<u64>(dst64(pc), imm64(pc))); continue;
      case Op.MOD64_IMM: set64(pc, mod<u64>(dst64(pc), imm64(pc))); continue;
      case Op.SDIV64_IMM: set64(pc, <u64>sdiv<i64>(dst64(pc), imm64(pc))); continue;
      case Op.SMOD64_IMM: set64(pc, <u64>smod<i64>(dst64(pc), imm64(pc))); continue;
      case Op.LSH64_REG: set64(pc, dst64(pc) << src64(pc)); continue;
      case Op.RSH64_REG: set64(pc, dst64(pc) >> src64(pc)); continue;
      case Op.ARSH64_REG: set64(pc, <u64>(<i64>dst64(pc) >> <i64>src64(pc))); continue;
      case Op.DIV64_REG: set64(pc, div<u64>(dst64(pc), src64(pc))); continue;
      case Op.MOD64_REG: set64(pc, mod<u64>(dst64(pc), src64(pc))); continue;
      case Op.SDIV64_REG: set64(pc, <u64>sdiv<i64>(dst64(pc), src64(pc))); continue;
      case Op.SMOD64_REG: set64(pc, <u64>smod<i64>(dst64(pc), src64(pc))); continue;
      case Op.MOVSX64_B: set64(pc, <u64>(<i8>src64(pc))); continue;
      case Op.MOVSX64_H: set64(pc, <u64>(<i16>src64(pc))); continue;
      case Op.MOVSX64_W: set64(pc, <u64>(<i32>src64(pc))); continue;

      // 32-bit arithmetic
      case Op.ADD32_IMM: set32(pc, dst32(pc) + imm32(pc)); continue;
      case Op.ADD32_REG: set32(pc, dst32(pc) + src32(pc)); continue;
      case Op.SUB32_IMM: set32(pc, dst32(pc) - imm32(pc)); continue;
      case Op.SUB32_REG: set32(pc, dst32(pc) - src32(pc)); continue;
      case Op.MUL32_IMM: set32(pc, dst32(pc) * imm32(pc)); continue;
      case Op.MUL32_REG: set32(pc, dst32(pc) * src32(pc)); continue;
      case Op.OR32_IMM: set32(pc, dst32(pc) | imm32(pc)); continue;
      case Op.OR32_REG: set32(pc, dst32(pc) | src32(pc)); continue;
      case Op.AND32_IMM: set32(pc, dst32(pc) & imm32(pc)); continue;
      case Op.AND32_REG: set32(pc, dst32(pc) & src32(pc)); continue;
      case Op.XOR32_IMM: set32(pc, dst32(pc) ^ imm32(pc)); continue;
      case Op.XOR32_REG: set32(pc, dst32(pc) ^ src32(pc)); continue;
      case Op.MOV32_IMM: set32(pc, imm32(pc)); continue;
      case Op.MOV32_REG: set32(pc, src32(pc)); continue;
      case Op.NEG32: set32(pc, 0 - dst32(pc)); continue;
      case Op.LSH32_IMM: set32(pc, dst32(pc) << imm32(pc)); continue;
      case Op.RSH32_IMM: set32(pc, dst32(pc) >> imm32(pc)); continue;
      case Op.ARSH32_IMM: set32(pc, <u32>(<i32>dst32(pc) >> <i32>imm32(pc))); continue;
      case Op.DIV32_IMM: set32(pc, div<u32>(dst32(pc), imm32(pc))); continue;
      case Op.MOD32_IMM: set32(pc, mod<u32>(dst32(pc), imm32(pc))); continue;
      case Op.SDIV32_IMM: set32(pc, <u32>sdiv<i32>(dst32(pc), imm32(pc))); continue;
      case Op.SMOD32_IMM: set32(pc, <u32>smod<i32>(dst32(pc), imm32(pc))); continue;
      case Op.LSH32_REG: set32(pc, dst32(pc) << src32(pc)); continue;
      case Op.RSH32_REG: set32(pc, dst32(pc) >> src32(pc)); continue;
      case Op.ARSH32_REG: set32(pc, <u32>(<i32>dst32(pc) >> <i32>src32(pc))); continue;
      case Op.DIV32_REG: set32(pc, div<u32>(dst32(pc), src32(pc))); continue;
      case Op.MOD32_REG: set32(pc, mod<u32>(dst32(pc), src32(pc))); continue;
      case Op.SDIV32_REG: set32(pc, <u32>sdiv<i32>(dst32(pc), src32(pc))); continue;
      case Op.SMOD32_REG: set32(pc, <u32>smod<i32>(dst32(pc), src32(pc))); continue;
      case Op.MOVSX32_B: set32(pc, <u32>(<i8>src32(pc))); continue;
      case Op.MOVSX32_H: set32(pc, <u32>(<i16>src32(pc))); continue;

      // byte order, and the cast between address spaces, which here are one
      case Op.LE16: set64(pc, <u64>(<u16>dst64(pc))); continue;
      case Op.LE32: set64(pc, <u64>(<u32>dst64(pc))); continue;
      case Op.LE64: set64(pc, dst64(pc)); continue;
      case Op.SWAP16: set64(pc, swap16(dst64(pc))); continue;
      case Op.SWAP32: set64(pc, <u64>bswap<u32>(<u32>dst64(pc))); continue;
      case Op.SWAP64: set64(pc, bswap<u64>(dst64(pc))); continue;
      case Op.ADDR_SPACE_CAST: set64(pc, <u64>src32(pc)); continue;
      case Op.LDDW: {
        set64(pc, <u64>load<u32>(pc, Code.IMM) | (<u64>load<u32>(pc, 8 + Code.IMM) << 32));
        pc += 8;
        continue;
      }

      // jumps on 64-bit comparisons
      case Op.JEQ64_IMM: if (dst64(pc) == imm64(pc)) pc = jump(pc); continue;
      case Op.JEQ64_REG: if (dst64(pc) == src64(pc)) pc = jump(pc); continue;
      case Op.JNE64_IMM: if (dst64(pc) != imm64(pc)) pc = jump(pc); continue;
      case Op.JNE64_REG: if (dst64(pc) != src64(pc)) pc = jump(pc); continue;
      case Op.JGT64_IMM: if (dst64(pc) > imm64(pc)) pc = jump(pc); continue;
      case Op.JGT64_REG: if (dst64(pc) > src64(pc)) pc = jump(pc); continue;
      case Op.JGE64_IMM: if (dst64(pc) >= imm64(pc)) pc = jump(pc); continue;
      case Op.JGE64_REG: if (dst64(pc) >= src64(pc)) pc = jump(pc); continue;
      case Op.JLT64_IMM: if (dst64(pc) < imm64(pc)) pc = jump(pc); continue;
      case Op.JLT64_REG: if (dst64(pc) < src64(pc)) pc = jump(pc); continue;
      case Op.JLE64_IMM: if (dst64(pc) <= imm64(pc)) pc = jump(pc); continue;
      case Op.JLE64_REG: if (dst64(pc) <= src64(pc)) pc = jump(pc); continue;
      case Op.JSGT64_IMM: if (<i64>dst64(pc) > <i64>imm64(pc)) pc = jump(pc); continue;
      case Op.JSGT64_REG: if (<i64>dst64(pc) > <i64>src64(pc)) pc = jump(pc); continue;
      case Op.JSGE64_IMM: if (<i64>dst64(pc) >= <i64>imm64(pc)) pc = jump(pc); continue;
      case Op.JSGE64_REG: if (<i64>dst64(pc) >= <i64>src64(pc)) pc = jump(pc); continue;
      case Op.JSLT64_IMM: if (<i64>dst64(pc) < <i64>imm64(pc)) pc = jump(pc); continue;
      case Op.JSLT64_REG: if (<i64>dst64(pc) < <i64>src64(pc)) pc = jump(pc); continue;
      case Op.JSLE64_IMM: if (<i64>dst64(pc) <= <i64>imm64(pc)) pc = jump(pc); continue;
      case Op.JSLE64_REG: if (<i64>dst64(pc) <= <i64>src64(pc)) pc = jump(pc); continue;
      case Op.JSET64_IMM: if ((dst64(pc) & imm64(pc)) != 0) pc = jump(pc); continue;
      case Op.JSET64_REG: if ((dst64(pc) & src64(pc)) != 0) pc = jump(pc); continue;

      // jumps on 32-bit comparisons
      case Op.JEQ32_IMM: if (dst32(pc) == imm32(pc)) pc = jump(pc); continue;
      case Op.JEQ32_REG: if (dst32(pc) == src32(pc)) pc = jump(pc); continue;
      case Op.JNE32_IMM: if (dst32(pc) != imm32(pc)) pc = jump(pc); continue;
      case Op.JNE32_REG: if (dst32(pc) != src32(pc)) pc = jump(pc); continue;
      case Op.JGT32_IMM: if (dst32(pc) > imm32(pc)) pc = jump(pc); continue;
      case Op.JGT32_REG: if (dst32(pc) > src32(pc)) pc = jump(pc); continue;
      case Op.JGE32_IMM: if (dst32(pc) >= imm32(pc)) pc = jump(pc); continue;
      case Op.JGE32_REG: if (dst32(pc) >= src32(pc)) pc = jump(pc); continue;
      case Op.JLT32_IMM: if (dst32(pc) < imm32(pc)) pc = jump(pc); continue;
      case Op.JLT32_REG: if (dst32(pc) < src32(pc)) pc = jump(pc); continue;
      case Op.JLE32_IMM: if (dst32(pc) <= imm32(pc)) pc = jump(pc); continue;
      case Op.JLE32_REG: if (dst32(pc) <= src32(pc)) pc = jump(pc); continue;
      case Op.JSGT32_IMM: if (<i32>dst32(pc) > <i32>imm32(pc)) pc = jump(pc); continue;
      case Op.JSGT32_REG: if (<i32>dst32(pc) > <i32>src32(pc)) pc = jump(pc); continue;
      case Op.JSGE32_IMM: if (<i32>dst32(pc) >= <i32>imm32(pc)) pc = jump(pc); continue;
      case Op.JSGE32_REG: if (<i32>dst32(pc) >= <i32>src32(pc)) pc = jump(pc); continue;
      case Op.JSLT32_IMM: if (<i32>dst32(pc) < <i32>imm32(pc)) pc = jump(pc); continue;
      case Op.JSLT32_REG: if (<i32>dst32(pc) < <i32>src32(pc)) pc = jump(pc); continue;
      case Op.JSLE32_IMM: if (<i32>dst32(pc) <= <i32>imm32(pc)) pc = jump(pc); continue;
      case Op.JSLE32_REG: if (<i32>dst32(pc) <= <i32>src32(pc)) pc = jump(pc); continue;
      case Op.JSET32_IMM: if ((dst32(pc) & imm32(pc)) != 0) pc = jump(pc); continue;
      case Op.JSET32_REG: if ((dst32(pc) & src32(pc)) != 0) pc = jump(pc); continue;
      case Op.JA: pc = jump(pc); continue;
      case Op.JA32: pc += <usize>load<i32>(pc, Code.IMM) << 3; continue;
      case Op.MAY_GOTO: {
        if (!mayStay(mem())) pc = jump(pc);
        continue;
      }


      // memory
      case Op.LDX_B: {
        const at = src64(pc) + off64(pc);
        if (!allowed<M>(at, 1, Right.READ)) {
          return leave<M>(fuel, fault(pc, at, 1, Exit.READ));
        }
        set64(pc, <u64>load<u8>(<usize>at));
        continue;
      }
      case Op.LDX_H: {
        const at = src64(pc) + off64(pc);
        if (!allowed<M>(at, 2, Right.READ)) {
          return leave<M>(fuel, fault(pc, at, 2, Exit.READ));
        }
        set64(pc, <u64>load<u16>(<usize>at));
        continue;
      }
      case Op.LDX_W: {
        const at = src64(pc) + off64(pc);
        if (!allowed<M>(at, 4, Right.READ)) {
          return leave<M>(fuel, fault(pc, at, 4, Exit.READ));
        }
        set64(pc, <u64>load<u32>(<usize>at));
        continue;
      }
      case Op.LDX_DW: {
        const at = src64(pc) + off64(pc);
        if (!allowed<M>(at, 8, Right.READ)) {
          return leave<M>(fuel, fault(pc, at, 8, Exit.READ));
        }
        set64(pc, <u64>load<u64>(<usize>at));
        continue;
      }
      case Op.LDXS_B: {
        const at = src64(pc) + off64(pc);
        if (!allowed<M>(at, 1, Right.READ)) {
          return leave<M>(fuel, fault(pc, at, 1, Exit.READ));
        }
        set64(pc, <u64>(<i64>load<i8>(<usize>at)));
        continue;
      }
      case Op.LDXS_H: {
        const at = src64(pc) + off64(pc);
        if (!allowed<M>(at, 2, Right.READ)) {
          return leave<M>(fuel, fault(pc, at, 2, Exit.READ));
        }
        set64(pc, <u64>(<i64>load<i16>(<usize>at)));
        continue;
      }
      case Op.LDXS_W: {
        const at = src64(pc) + off64(pc);
        if (!allowed<M>(at, 4, Right.READ)) {
          return leave<M>(fuel, fault(pc, at, 4, Exit.READ));
        }
        set64(pc, <u64>(<i64>load<i32>(<usize>at)));
        continue;
      }
      case Op.ST_B: {
        const at = dst64(pc) + off64(pc);
        if (!allowed<M>(at, 1, Right.WRITE)) {
          return leave<M>(fuel, fault(pc, at, 1, Exit.WRITE));
        }
        store<u8>(<usize>at, <u8>imm64(pc));
        continue;
      }
      case Op.ST_H: {
        const at = dst64(pc) + off64(pc);
        if (!allowed<M>(at, 2, Right.WRITE)) {
          return leave<M>(fuel, fault(pc, at, 2, Exit.WRITE));
        }
        store<u16>(<usize>at, <u16>imm64(pc));
        continue;
      }
      case Op.ST_W: {
        const at = dst64(pc) + off64(pc);
        if (!allowed<M>(at, 4, Right.WRITE)) {
          return leave<M>(fuel, fault(pc, at, 4, Exit.WRITE));
        }
        store<u32>(<usize>at, <u32>imm64(pc));
        continue;
      }
      case Op.ST_DW: {
        const at = dst64(pc) + off64(pc);
        if (!allowed<M>(at, 8, Right.WRITE)) {
          return leave<M>(fuel, fault(pc, at, 8, Exit.WRITE));
        }
        store<u64>(<usize>at, <u64>imm64(pc));
        continue;
      }
      case Op.STX_B: {
        const at = dst64(pc) + off64(pc);
        if (!allowed<M>(at, 1, Right.WRITE)) {
          return leave<M>(fuel, fault(pc, at, 1, Exit.WRITE));
        }
        store<u8>(<usize>at, <u8>src64(pc));
        continue;
      }
      case Op.STX_H: {
        const at = dst64(pc) + off64(pc);
        if (!allowed<M>(at, 2, Right.WRITE)) {
          return leave<M>(fuel, fault(pc, at, 2, Exit.WRITE));
        }
        store<u16>(<usize>at, <u16>src64(pc));
        continue;
      }
      case Op.STX_W: {
        const at = dst64(pc) + off64(pc);
        if (!allowed<M>(at, 4, Right.WRITE)) {
          return leave<M>(fuel, fault(pc, at, 4, Exit.WRITE));
        }
        store<u32>(<usize>at, <u32>src64(pc));
        continue;
      }
      case Op.STX_DW: {
        const at = dst64(pc) + off64(pc);
        if (!allowed<M>(at, 8, Right.WRITE)) {
          return leave<M>(fuel, fault(pc, at, 8, Exit.WRITE));
        }
        store<u64>(<usize>at, <u64>src64(pc));
        continue;
      }
      case Op.LOAD_ACQ_B: {
        const at = src64(pc) + off64(pc);
        if (!allowed<M>(at, 1, Right.READ)) {
          return leave<M>(fuel, fault(pc, at, 1, Exit.READ));
        }
        set64(pc, <u64>load<u8>(<usize>at));
        continue;
      }
      case Op.LOAD_ACQ_H: {
        const at = src64(pc) + off64(pc);
        if (!allowed<M>(at, 2, Right.READ)) {
          return leave<M>(fuel, fault(pc, at, 2, Exit.READ));
        }
        set64(pc, <u64>load<u16>(<usize>at));
        continue;
      }
      case Op.LOAD_ACQ_W: {
        const at = src64(pc) + off64(pc);
        if (!allowed<M>(at, 4, Right.READ)) {
          return leave<M>(fuel, fault(pc, at, 4, Exit.READ));
        }
        set64(pc, <u64>load<u32>(<usize>at));
        continue;
      }
      case Op.LOAD_ACQ_DW: {
        const at = src64(pc) + off64(pc);
        if (!allowed<M>(at, 8, Right.READ)) {
          return leave<M>(fuel, fault(pc, at, 8, Exit.READ));
        }
        set64(pc, <u64>load<u64>(<usize>at));
        continue;
      }
      case Op.STORE_REL_B: {
        const at = dst64(pc) + off64(pc);
        if (!allowed<M>(at, 1, Right.WRITE)) {
          return leave<M>(fuel, fault(pc, at, 1, Exit.WRITE));
        }
        store<u8>(<usize>at, <u8>src64(pc));
        continue;
      }
      case Op.STORE_REL_H: {
        const at = dst64(pc) + off64(pc);
        if (!allowed<M>(at, 2, Right.WRITE)) {
          return leave<M>(fuel, fault(pc, at, 2, Exit.WRITE));
        }
        store<u16>(<usize>at, <u16>src64(pc));
        continue;
      }
      case Op.STORE_REL_W: {
        const at = dst64(pc) + off64(pc);
        if (!allowed<M>(at, 4, Right.WRITE)) {
          return leave<M>(fuel, fault(pc, at, 4, Exit.WRITE));
        }
        store<u32>(<usize>at, <u32>src64(pc));
        continue;
      }
      case Op.STORE_REL_DW: {
        const at = dst64(pc) + off64(pc);
        if (!allowed<M>(at, 8, Right.WRITE)) {
          return leave<M>(fuel, fault(pc, at, 8, Exit.WRITE));
        }
        store<u64>(<usize>at, <u64>src64(pc));
        continue;
      }

      // 32-bit atomics: one thread owns the memory, so they are plain
      case Op.ATOMIC_ADD32: {
        const at = dst64(pc) + off64(pc);
        if (!allowed<M>(at, 4, Right.WRITE)) {
          return leave<M>(fuel, fault(pc, at, 4, Exit.WRITE));
        }
        store<u32>(<usize>at, load<u32>(<usize>at) + src32(pc));
        continue;
      }
      case Op.ATOMIC_OR32: {
        const at = dst64(pc) + off64(pc);
        if (!allowed<M>(at, 4, Right.WRITE)) {
          return leave<M>(fuel, fault(pc, at, 4, Exit.WRITE));
        }
        store<u32>(<usize>at, load<u32>(<usize>at) | src32(pc));
        continue;
      }
      case Op.ATOMIC_AND32: {
        const at = dst64(pc) + off64(pc);
        if (!allowed<M>(at, 4, Right.WRITE)) {
          return leave<M>(fuel, fault(pc, at, 4, Exit.WRITE));
        }
        store<u32>(<usize>at, load<u32>(<usize>at) & src32(pc));
        continue;
      }
      case Op.ATOMIC_XOR32: {
        const at = dst64(pc) + off64(pc);
        if (!allowed<M>(at, 4, Right.WRITE)) {
          return leave<M>(fuel, fault(pc, at, 4, Exit.WRITE));
        }
        store<u32>(<usize>at, load<u32>(<usize>at) ^ src32(pc));
        continue;
      }
      case Op.FETCH_ADD32: {
        const at = dst64(pc) + off64(pc);
        if (!allowed<M>(at, 4, Right.WRITE)) {
          return leave<M>(fuel, fault(pc, at, 4, Exit.WRITE));
        }
        const old = load<u32>(<usize>at);
        store<u32>(<usize>at, old + src32(pc));
        setSrc(pc, old);
        continue;
      }
      case Op.FETCH_OR32: {
        const at = dst64(pc) + off64(pc);
        if (!allowed<M>(at, 4, Right.WRITE)) {
          return leave<M>(fuel, fault(pc, at, 4, Exit.WRITE));
        }
        const old = load<u32>(<usize>at);
        store<u32>(<usize>at, old | src32(pc));
        setSrc(pc, old);
        continue;
      }
      case Op.FETCH_AND32: {
        const at = dst64(pc) + off64(pc);
        if (!allowed<M>(at, 4, Right.WRITE)) {
          return leave<M>(fuel, fault(pc, at, 4, Exit.WRITE));
        }
        const old = load<u32>(<usize>at);
        store<u32>(<usize>at, old & src32(pc));
        setSrc(pc, old);
        continue;
      }
      case Op.FETCH_XOR32: {
        const at = dst64(pc) + off64(pc);
        if (!allowed<M>(at, 4, Right.WRITE)) {
          return leave<M>(fuel, fault(pc, at, 4, Exit.WRITE));
        }
        const old = load<u32>(<usize>at);
        store<u32>(<usize>at, old ^ src32(pc));
        setSrc(pc, old);
        continue;
      }
      case Op.XCHG32: {
        const at = dst64(pc) + off64(pc);
        if (!allowed<M>(at, 4, Right.WRITE)) {
          return leave<M>(fuel, fault(pc, at, 4, Exit.WRITE));
        }
        const old = load<u32>(<usize>at);
        store<u32>(<usize>at, src32(pc));
        setSrc(pc, old);
        continue;
      }
      case Op.CMPXCHG32: {
        const at = dst64(pc) + off64(pc);
        if (!allowed<M>(at, 4, Right.WRITE)) {
          return leave<M>(fuel, fault(pc, at, 4, Exit.WRITE));
        }
        const old = load<u32>(<usize>at);
        if (old == load<u32>(At.R0)) store<u32>(<usize>at, src32(pc));
        store<u64>(At.R0, old);
        continue;
      }

      // 64-bit atomics: one thread owns the memory, so they are plain
      case Op.ATOMIC_ADD64: {
        const at = dst64(pc) + off64(pc);
        if (!allowed<M>(at, 8, Right.WRITE)) {
          return leave<M>(fuel, fault(pc, at, 8, Exit.WRITE));
        }
        store<u64>(<usize>at, load<u64>(<usize>at) + src64(pc));
        continue;
      }
      case Op.ATOMIC_OR64: {
        const at = dst64(pc) + off64(pc);
        if (!allowed<M>(at, 8, Right.WRITE)) {
          return leave<M>(fuel, fault(pc, at, 8, Exit.WRITE));
        }
        store<u64>(<usize>at, load<u64>(<usize>at) | src64(pc));
        continue;
      }
      case Op.ATOMIC_AND64: {
        const at = dst64(pc) + off64(pc);
        if (!allowed<M>(at, 8, Right.WRITE)) {
          return leave<M>(fuel, fault(pc, at, 8, Exit.WRITE));
        }
        store<u64>(<usize>at, load<u64>(<usize>at) & src64(pc));
        continue;
      }
      case Op.ATOMIC_XOR64: {
        const at = dst64(pc) + off64(pc);
        if (!allowed<M>(at, 8, Right.WRITE)) {
          return leave<M>(fuel, fault(pc, at, 8, Exit.WRITE));
        }
        store<u64>(<usize>at, load<u64>(<usize>at) ^ src64(pc));
        continue;
      }
      case Op.FETCH_ADD64: {
        const at = dst64(pc) + off64(pc);
        if (!allowed<M>(at, 8, Right.WRITE)) {
          return leave<M>(fuel, fault(pc, at, 8, Exit.WRITE));
        }
        const old = load<u64>(<usize>at);
        store<u64>(<usize>at, old + src64(pc));
        setSrc(pc, old);
        continue;
      }
      case Op.FETCH_OR64: {
        const at = dst64(pc) + off64(pc);
        if (!allowed<M>(at, 8, Right.WRITE)) {
          return leave<M>(fuel, fault(pc, at, 8, Exit.WRITE));
        }
        const old = load<u64>(<usize>at);
        store<u64>(<usize>at, old | src64(pc));
        setSrc(pc, old);
        continue;
      }
      case Op.FETCH_AND64: {
        const at = dst64(pc) + off64(pc);
        if (!allowed<M>(at, 8, Right.WRITE)) {
          return leave<M>(fuel, fault(pc, at, 8, Exit.WRITE));
        }
        const old = load<u64>(<usize>at);
        store<u64>(<usize>at, old & src64(pc));
        setSrc(pc, old);
        continue;
      }
      case Op.FETCH_XOR64: {
        const at = dst64(pc) + off64(pc);
        if (!allowed<M>(at, 8, Right.WRITE)) {
          return leave<M>(fuel, fault(pc, at, 8, Exit.WRITE));
        }
        const old = load<u64>(<usize>at);
        store<u64>(<usize>at, old ^ src64(pc));
        setSrc(pc, old);
        continue;
      }
      case Op.XCHG64: {
        const at = dst64(pc) + off64(pc);
        if (!allowed<M>(at, 8, Right.WRITE)) {
          return leave<M>(fuel, fault(pc, at, 8, Exit.WRITE));
        }
        const old = load<u64>(<usize>at);
        store<u64>(<usize>at, src64(pc));
        setSrc(pc, old);
        continue;
      }
      case Op.CMPXCHG64: {
        const at = dst64(pc) + off64(pc);
        if (!allowed<M>(at, 8, Right.WRITE)) {
          return leave<M>(fuel, fault(pc, at, 8, Exit.WRITE));
        }
        const old = load<u64>(<usize>at);
        if (old == load<u64>(At.R0)) store<u64>(<usize>at, src64(pc));
        store<u64>(At.R0, old);
        continue;
      }

      // packets, in network order; past the end the program (or function) returns 0
      case Op.LD_ABS_B: {
        const at: usize = packetAt(mem(), load<i32>(pc, Code.IMM), 1);
        store<u64>(At.R0, at == 0 ? 0 : <u64>load<u8>(at));
        if (at != 0) continue;
        pc = At.EXIT_STUB - 8;
        continue;
      }
      case Op.LD_IND_B: {
        const at: usize = packetAt(mem(), <i32>dst32(pc) + load<i32>(pc, Code.IMM), 1);
        store<u64>(At.R0, at == 0 ? 0 : <u64>load<u8>(at));
        if (at != 0) continue;
        pc = At.EXIT_STUB - 8;
        continue;
      }
      case Op.LD_ABS_H: {
        const at: usize = packetAt(mem(), load<i32>(pc, Code.IMM), 2);
        store<u64>(At.R0, at == 0 ? 0 : <u64>bswap<u16>(load<u16>(at)));
        if (at != 0) continue;
        pc = At.EXIT_STUB - 8;
        continue;
      }
      case Op.LD_IND_H: {
        const at: usize = packetAt(mem(), <i32>dst32(pc) + load<i32>(pc, Code.IMM), 2);
        store<u64>(At.R0, at == 0 ? 0 : <u64>bswap<u16>(load<u16>(at)));
        if (at != 0) continue;
        pc = At.EXIT_STUB - 8;
        continue;
      }
      case Op.LD_ABS_W: {
        const at: usize = packetAt(mem(), load<i32>(pc, Code.IMM), 4);
        store<u64>(At.R0, at == 0 ? 0 : <u64>bswap<u32>(load<u32>(at)));
        if (at != 0) continue;
        pc = At.EXIT_STUB - 8;
        continue;
      }
      case Op.LD_IND_W: {
        const at: usize = packetAt(mem(), <i32>dst32(pc) + load<i32>(pc, Code.IMM), 4);
        store<u64>(At.R0, at == 0 ? 0 : <u64>bswap<u32>(load<u32>(at)));
        if (at != 0) continue;
        pc = At.EXIT_STUB - 8;
        continue;
      }

      // calls
      case Op.CALL_HELPER: {
        const exit = callHelper<M>(imm32(pc));
        if (exit == Exit.OK) continue;
        return leave<M>(fuel, stopAt(pc, exit));
      }
      case Op.CALL_LOOKUP: lookup(); continue;
      case Op.LDX_PROBED: {
        loadProbed(mem(), At.REGS + load<u8>(pc, Code.DST), load<i16>(pc, Code.OFF), load<i32>(pc, Code.IMM));
        continue;
      }
      case Op.CALL_LOCAL: {
        if (!pushFrame(mem(), <i32>pc)) return leave<M>(fuel, fault(pc, 0, 0, Exit.CALL_DEPTH));
        pc += <usize>load<i32>(pc, Code.IMM) << 3;
        continue;
      }
      case Op.CALLX: {
        const target = dst64(pc);
        if (target >> 32 == Code.POINTER_HIGH) {
          if (!pushFrame(mem(), <i32>pc)) return leave<M>(fuel, fault(pc, 0, 0, Exit.CALL_DEPTH));
          pc = codeStart() + (<usize>target << 3) - 8;
          continue;
        }
        const index = target >> 32 == 0 ? helperIndex(mem(), <i32>target) : -1;
        if (index < 0) {
          return leave<M>(fuel, fault(pc, target, 0, Exit.CALL_TARGET));
        }
        const exit = callHelper<M>(index);
        if (exit == Exit.OK) continue;
        return leave<M>(fuel, stopAt(pc, exit));
      }
      case Op.EXIT: {
        pc = exitFrame<M>(fuel);
        if (pc == 0) return Exit.OK;
        if (isChecked<M>() && pc & 1) {
          fuel = limit();
          pc--;
        }
        continue;
      }

      // fused pairs whose second instruction works on the first one's dst
      case Op.MOV64_REG__ADD64_IMM: {
        const v: u64 = src64(pc);
        set64(pc, v + imm64(pc + 8));
        pc += 8;
        continue;
      }
      case Op.MOV64_REG__ADD64_REG: {
        const v: u64 = src64(pc);
        set64(pc, v + src64(pc + 8));
        pc += 8;
        continue;
      }
      case Op.MOV64_REG__LSH64_IMM: {
        const v: u64 = src64(pc);
        set64(pc, v << imm64(pc + 8));
        pc += 8;
        continue;
      }
      case Op.MOV64_REG__RSH64_IMM: {
        const v: u64 = src64(pc);
        set64(pc, v >> imm64(pc + 8));
        pc += 8;
        continue;
      }
      case Op.MOV64_REG__AND64_IMM: {
        const v: u64 = src64(pc);
        set64(pc, v & imm64(pc + 8));
        pc += 8;
        continue;
      }
      case Op.MOV32_REG__AND32_IMM: {
        const v: u64 = <u64>src32(pc);
        set64(pc, <u64>(<u32>v & imm32(pc + 8)));
        pc += 8;
        continue;
      }
      case Op.MOV32_REG__LSH32_IMM: {
        const v: u64 = <u64>src32(pc);
        set64(pc, <u64>(<u32>v << imm32(pc + 8)));
        pc += 8;
        continue;
      }
      case Op.MOV32_REG__RSH32_IMM: {
        const v: u64 = <u64>src32(pc);
        set64(pc, <u64>(<u32>v >> imm32(pc + 8)));
        pc += 8;
        continue;
      }
      case Op.MOV32_REG__ADD32_IMM: {
        const v: u64 = <u64>src32(pc);
        set64(pc, <u64>(<u32>v + imm32(pc + 8)));
        pc += 8;
        continue;
      }
      case Op.LSH64_IMM__ARSH64_IMM: {
        const v: u64 = dst64(pc) << imm64(pc);
        set64(pc, <u64>(<i64>v >> <i64>imm64(pc + 8)));
        pc += 8;
        continue;
      }
      case Op.LSH64_IMM__RSH64_IMM: {
        const v: u64 = dst64(pc) << imm64(pc);
        set64(pc, v >> imm64(pc + 8));
        pc += 8;
        continue;
      }
      case Op.LSH64_IMM__OR64_REG: {
        const v: u64 = dst64(pc) << imm64(pc);
        set64(pc, v | src64(pc + 8));
        pc += 8;
        continue;
      }
      case Op.LSH32_IMM__OR32_REG: {
        const v: u64 = <u64>(dst32(pc) << imm32(pc));
        set64(pc, <u64>(<u32>v | src32(pc + 8)));
        pc += 8;
        continue;
      }
      case Op.LDX_B__LSH64_IMM: {
        const v: u64 = <u64>load<u8>(<usize>(src64(pc) + off64(pc)));
        set64(pc, v << imm64(pc + 8));
        pc += 8;
        continue;
      }
      case Op.LDX_W__LSH64_IMM: {
        const v: u64 = <u64>load<u32>(<usize>(src64(pc) + off64(pc)));
        set64(pc, v << imm64(pc + 8));
        pc += 8;
        continue;
      }
      case Op.LDX_B__LSH32_IMM: {
        const v: u64 = <u64>load<u8>(<usize>(src64(pc) + off64(pc)));
        set64(pc, <u64>(<u32>v << imm32(pc + 8)));
        pc += 8;
        continue;
      }
      case Op.LDX_H__LSH32_IMM: {
        const v: u64 = <u64>load<u16>(<usize>(src64(pc) + off64(pc)));
        set64(pc, <u64>(<u32>v << imm32(pc + 8)));
        pc += 8;
        continue;
      }
      case Op.LDX_B__JEQ32_IMM: {
        const v: u64 = <u64>load<u8>(<usize>(src64(pc) + off64(pc)));
        set64(pc, v);
        pc += 8;
        if (<u32>v == imm32(pc)) pc = jump(pc);
        continue;
      }
      case Op.LDX_B__JNE32_IMM: {
        const v: u64 = <u64>load<u8>(<usize>(src64(pc) + off64(pc)));
        set64(pc, v);
        pc += 8;
        if (<u32>v != imm32(pc)) pc = jump(pc);
        continue;
      }
      case Op.LDX_B__JEQ64_IMM: {
        const v: u64 = <u64>load<u8>(<usize>(src64(pc) + off64(pc)));
        set64(pc, v);
        pc += 8;
        if (v == imm64(pc)) pc = jump(pc);
        continue;
      }
      case Op.LDX_B__JNE64_IMM: {
        const v: u64 = <u64>load<u8>(<usize>(src64(pc) + off64(pc)));
        set64(pc, v);
        pc += 8;
        if (v != imm64(pc)) pc = jump(pc);
        continue;
      }
      case Op.LDX_H__JEQ32_IMM: {
        const v: u64 = <u64>load<u16>(<usize>(src64(pc) + off64(pc)));
        set64(pc, v);
        pc += 8;
        if (<u32>v == imm32(pc)) pc = jump(pc);
        continue;
      }
      case Op.LDX_H__JNE32_IMM: {
        const v: u64 = <u64>load<u16>(<usize>(src64(pc) + off64(pc)));
        set64(pc, v);
        pc += 8;
        if (<u32>v != imm32(pc)) pc = jump(pc);
        continue;
      }
      case Op.LDX_H__JEQ64_IMM: {
        const v: u64 = <u64>load<u16>(<usize>(src64(pc) + off64(pc)));
        set64(pc, v);
        pc += 8;
        if (v == imm64(pc)) pc = jump(pc);
        continue;
      }
      case Op.LDX_H__JNE64_IMM: {
        const v: u64 = <u64>load<u16>(<usize>(src64(pc) + off64(pc)));
        set64(pc, v);
        pc += 8;
        if (v != imm64(pc)) pc = jump(pc);
        continue;
      }
      case Op.LDX_W__JEQ32_IMM: {
        const v: u64 = <u64>load<u32>(<usize>(src64(pc) + off64(pc)));
        set64(pc, v);
        pc += 8;
        if (<u32>v == imm32(pc)) pc = jump(pc);
        continue;
      }
      case Op.LDX_W__JNE32_IMM: {
        const v: u64 = <u64>load<u32>(<usize>(src64(pc) + off64(pc)));
        set64(pc, v);
        pc += 8;
        if (<u32>v != imm32(pc)) pc = jump(pc);
        continue;
      }
      case Op.LDX_W__JEQ64_IMM: {
        const v: u64 = <u64>load<u32>(<usize>(src64(pc) + off64(pc)));
        set64(pc, v);
        pc += 8;
        if (v == imm64(pc)) pc = jump(pc);
        continue;
      }
      case Op.LDX_W__JNE64_IMM: {
        const v: u64 = <u64>load<u32>(<usize>(src64(pc) + off64(pc)));
        set64(pc, v);
        pc += 8;
        if (v != imm64(pc)) pc = jump(pc);
        continue;
      }
      case Op.LDX_DW__JEQ64_IMM: {
        const v: u64 = <u64>load<u64>(<usize>(src64(pc) + off64(pc)));
        set64(pc, v);
        pc += 8;
        if (v == imm64(pc)) pc = jump(pc);
        continue;
      }
      case Op.LDX_DW__JNE64_IMM: {
        const v: u64 = <u64>load<u64>(<usize>(src64(pc) + off64(pc)));
        set64(pc, v);
        pc += 8;
        if (v != imm64(pc)) pc = jump(pc);
        continue;
      }
      case Op.AND32_IMM__JEQ32_IMM: {
        const v: u64 = <u64>(dst32(pc) & imm32(pc));
        set64(pc, v);
        pc += 8;
        if (<u32>v == imm32(pc)) pc = jump(pc);
        continue;
      }
      case Op.AND32_IMM__JNE32_IMM: {
        const v: u64 = <u64>(dst32(pc) & imm32(pc));
        set64(pc, v);
        pc += 8;
        if (<u32>v != imm32(pc)) pc = jump(pc);
        continue;
      }
      case Op.AND64_IMM__JEQ64_IMM: {
        const v: u64 = dst64(pc) & imm64(pc);
        set64(pc, v);
        pc += 8;
        if (v == imm64(pc)) pc = jump(pc);
        continue;
      }
      case Op.AND64_IMM__JNE64_IMM: {
        const v: u64 = dst64(pc) & imm64(pc);
        set64(pc, v);
        pc += 8;
        if (v != imm64(pc)) pc = jump(pc);
        continue;
      }
      case Op.ADD64_IMM__JNE64_IMM: {
        const v: u64 = dst64(pc) + imm64(pc);
        set64(pc, v);
        pc += 8;
        if (v != imm64(pc)) pc = jump(pc);
        continue;
      }
      case Op.ADD64_IMM__JNE64_REG: {
        const v: u64 = dst64(pc) + imm64(pc);
        set64(pc, v);
        pc += 8;
        if (v != src64(pc)) pc = jump(pc);
        continue;
      }
      case Op.ADD64_IMM__JLT64_REG: {
        const v: u64 = dst64(pc) + imm64(pc);
        set64(pc, v);
        pc += 8;
        if (v < src64(pc)) pc = jump(pc);
        continue;
      }
      case Op.ADD32_IMM__JNE32_IMM: {
        const v: u64 = <u64>(dst32(pc) + imm32(pc));
        set64(pc, v);
        pc += 8;
        if (<u32>v != imm32(pc)) pc = jump(pc);
        continue;
      }
      case Op.ADD32_IMM__JNE32_REG: {
        const v: u64 = <u64>(dst32(pc) + imm32(pc));
        set64(pc, v);
        pc += 8;
        if (<u32>v != src32(pc)) pc = jump(pc);
        continue;
      }
      case Op.XOR64_REG__MUL64_IMM: {
        const v: u64 = dst64(pc) ^ src64(pc);
        set64(pc, v * imm64(pc + 8));
        pc += 8;
        continue;
      }
      case Op.XOR32_REG__MUL32_IMM: {
        const v: u64 = <u64>(dst32(pc) ^ src32(pc));
        set64(pc, <u64>(<u32>v * imm32(pc + 8)));
        pc += 8;
        continue;
      }
      case Op.MUL64_REG__ADD64_REG: {
        const v: u64 = dst64(pc) * src64(pc);
        set64(pc, v + src64(pc + 8));
        pc += 8;
        continue;
      }

      // fused pairs of any two
      case Op.ADD64_REG__LDX_B: {
        set64(pc, dst64(pc) + src64(pc));
        pc += 8;
        set64(pc, <u64>load<u8>(<usize>(src64(pc) + off64(pc))));
        continue;
      }
      case Op.ADD64_REG__LDX_H: {
        set64(pc, dst64(pc) + src64(pc));
        pc += 8;
        set64(pc, <u64>load<u16>(<usize>(src64(pc) + off64(pc))));
        continue;
      }
      case Op.ADD64_REG__LDX_W: {
        set64(pc, dst64(pc) + src64(pc));
        pc += 8;
        set64(pc, <u64>load<u32>(<usize>(src64(pc) + off64(pc))));
        continue;
      }
      case Op.ADD64_REG__LDX_DW: {
        set64(pc, dst64(pc) + src64(pc));
        pc += 8;
        set64(pc, <u64>load<u64>(<usize>(src64(pc) + off64(pc))));
        continue;
      }
      case Op.RSH64_IMM__XOR64_REG: {
        set64(pc, dst64(pc) >> imm64(pc));
        pc += 8;
        set64(pc, dst64(pc) ^ src64(pc));
        continue;
      }
      case Op.RSH32_IMM__XOR32_REG: {
        set64(pc, <u64>(dst32(pc) >> imm32(pc)));
        pc += 8;
        set64(pc, <u64>(dst32(pc) ^ src32(pc)));
        continue;
      }
      case Op.LDX_W__LDX_W: {
        set64(pc, <u64>load<u32>(<usize>(src64(pc) + off64(pc))));
        pc += 8;
        set64(pc, <u64>load<u32>(<usize>(src64(pc) + off64(pc))));
        continue;
      }
      case Op.LDX_DW__LDX_DW: {
        set64(pc, <u64>load<u64>(<usize>(src64(pc) + off64(pc))));
        pc += 8;
        set64(pc, <u64>load<u64>(<usize>(src64(pc) + off64(pc))));
        continue;
      }
      case Op.LDX_B__LDX_B: {
        set64(pc, <u64>load<u8>(<usize>(src64(pc) + off64(pc))));
        pc += 8;
        set64(pc, <u64>load<u8>(<usize>(src64(pc) + off64(pc))));
        continue;
      }
      case Op.LDX_DW__LDX_W: {
        set64(pc, <u64>load<u64>(<usize>(src64(pc) + off64(pc))));
        pc += 8;
        set64(pc, <u64>load<u32>(<usize>(src64(pc) + off64(pc))));
        continue;
      }
      case Op.STX_DW__STX_DW: {
        store<u64>(<usize>(dst64(pc) + off64(pc)), <u64>src64(pc));
        pc += 8;
        store<u64>(<usize>(dst64(pc) + off64(pc)), <u64>src64(pc));
        continue;
      }
      case Op.LDX_DW__STX_DW: {
        set64(pc, <u64>load<u64>(<usize>(src64(pc) + off64(pc))));
        pc += 8;
        store<u64>(<usize>(dst64(pc) + off64(pc)), <u64>src64(pc));
        continue;
      }
      case Op.LDX_W__STX_W: {
        set64(pc, <u64>load<u32>(<usize>(src64(pc) + off64(pc))));
        pc += 8;
        store<u32>(<usize>(dst64(pc) + off64(pc)), <u32>src64(pc));
        continue;
      }
      case Op.MOV64_REG__MOV64_REG: {
        set64(pc, src64(pc));
        pc += 8;
        set64(pc, src64(pc));
        continue;
      }
      case Op.MOV64_REG__MOV64_IMM: {
        set64(pc, src64(pc));
        pc += 8;
        set64(pc, imm64(pc));
        continue;
      }
      case Op.MOV64_REG__MOV32_IMM: {
        set64(pc, src64(pc));
        pc += 8;
        set64(pc, <u64>imm32(pc));
        continue;
      }
      case Op.MOV32_IMM__MOV32_IMM: {
        set64(pc, <u64>imm32(pc));
        pc += 8;
        set64(pc, <u64>imm32(pc));
        continue;
      }
      case Op.MOV32_IMM__STX_W: {
        set64(pc, <u64>imm32(pc));
        pc += 8;
        store<u32>(<usize>(dst64(pc) + off64(pc)), <u32>src64(pc));
        continue;
      }
      case Op.MOV64_IMM__CALL_HELPER: {
        set64(pc, imm64(pc));
        pc += 8;
        const exit = callHelper<M>(imm32(pc));
        if (exit == Exit.OK) continue;
        return leave<M>(fuel, stopAt(pc, exit));
      }
      case Op.MOV32_IMM__CALL_HELPER: {
        set64(pc, <u64>imm32(pc));
        pc += 8;
        const exit = callHelper<M>(imm32(pc));
        if (exit == Exit.OK) continue;
        return leave<M>(fuel, stopAt(pc, exit));
      }
      case Op.LDDW__CALL_HELPER: {
        set64(pc, <u64>load<u32>(pc, Code.IMM) | (<u64>load<u32>(pc, 8 + Code.IMM) << 32));
        pc += 16;
        const exit = callHelper<M>(imm32(pc));
        if (exit == Exit.OK) continue;
        return leave<M>(fuel, stopAt(pc, exit));
      }
      case Op.CALL_HELPER__JEQ64_IMM: {
        const exit = callHelper<M>(imm32(pc));
        if (exit != Exit.OK) return leave<M>(fuel, stopAt(pc, exit));
        pc += 8;
        if (dst64(pc) == imm64(pc)) pc = jump(pc);
        continue;
      }
      case Op.CALL_HELPER__JNE64_IMM: {
        const exit = callHelper<M>(imm32(pc));
        if (exit != Exit.OK) return leave<M>(fuel, stopAt(pc, exit));
        pc += 8;
        if (dst64(pc) != imm64(pc)) pc = jump(pc);
        continue;
      }
      case Op.JEQ32_IMM__JEQ32_IMM: {
        if (dst32(pc) == imm32(pc)) {
          pc = jump(pc);
          continue;
        }
        pc += 8;
        if (dst32(pc) == imm32(pc)) pc = jump(pc);
        continue;
      }
      case Op.JEQ64_IMM__JEQ64_IMM: {
        if (dst64(pc) == imm64(pc)) {
          pc = jump(pc);
          continue;
        }
        pc += 8;
        if (dst64(pc) == imm64(pc)) pc = jump(pc);
        continue;
      }
      case Op.ADD64_IMM__MOV64_REG: {
        set64(pc, dst64(pc) + imm64(pc));
        pc += 8;
        set64(pc, src64(pc));
        continue;
      }
      case Op.ADD64_REG__ADD64_REG: {
        set64(pc, dst64(pc) + src64(pc));
        pc += 8;
        set64(pc, dst64(pc) + src64(pc));
        continue;
      }
      case Op.ADD64_REG__MOV64_REG: {
        set64(pc, dst64(pc) + src64(pc));
        pc += 8;
        set64(pc, src64(pc));
        continue;
      }
      case Op.LDDW__CALL_LOOKUP: {
        set64(pc, <u64>load<u32>(pc, Code.IMM) | (<u64>load<u32>(pc, 8 + Code.IMM) << 32));
        pc += 16;
        lookupInPlace();
        continue;
      }
      case Op.CALL_LOOKUP__JEQ64_IMM: {
        const v = lookup();
        pc += 8;
        if (v == imm64(pc)) pc = jump(pc);
        continue;
      }
      case Op.CALL_LOOKUP__JNE64_IMM: {
        const v = lookup();
        pc += 8;
        if (v != imm64(pc)) pc = jump(pc);
        continue;
      }
      case Op.MOV64_IMM__EXIT: {
        set64(pc, imm64(pc));
        pc = exitFrame<M>(fuel);
        if (pc == 0) return Exit.OK;
        continue;
      }
      case Op.MOV32_IMM__EXIT: {
        set64(pc, <u64>imm32(pc));
        pc = exitFrame<M>(fuel);
        if (pc == 0) return Exit.OK;
        continue;
      }
      case Op.MOV32_IMM__JA: {
        set64(pc, <u64>imm32(pc));
        pc = jump(pc + 8);
        continue;
      }
      case Op.JNE32_IMM__LDX_B: {
        if (dst32(pc) != imm32(pc)) {
          pc = jump(pc);
          continue;
        }
        pc += 8;
        set64(pc, <u64>load<u8>(<usize>(src64(pc) + off64(pc))));
        continue;
      }
      case Op.JEQ64_IMM__JA: {
        // Two ways out, not one select: what comes next must be predicted, not waited for.
        if (dst64(pc) == imm64(pc)) {
          pc = jump(pc);
          continue;
        }
        pc = jump(pc + 8);
        continue;
      }
      case Op.JEQ32_IMM__JA: {
        // Two ways out, not one select: what comes next must be predicted, not waited for.
        if (dst32(pc) == imm32(pc)) {
          pc = jump(pc);
          continue;
        }
        pc = jump(pc + 8);
        continue;
      }
      case Op.MOV64_IMM__ATOMIC_ADD64: {
        set64(pc, imm64(pc));
        pc += 8;
        const at = <usize>(dst64(pc) + off64(pc));
        store<u64>(at, load<u64>(at) + src64(pc));
        continue;
      }
      // An arm of its own, so that the table starts at 0: with a gap there, V8 subtracts, and spills for it.
      case 0: return leave<M>(fuel, fault(pc, 0, 1, Exit.OPCODE));
      default:
        return leave<M>(fuel, fault(pc, op, 0, Exit.OPCODE));
    }
  }
}
