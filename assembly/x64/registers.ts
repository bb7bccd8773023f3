// Which native register holds which BPF register, and operands of prepared code in those terms. The kernel's choice:
// arguments of a call are where the C convention wants them, r6 to r10 are what a callee saves.
//
//     r0 rax   r1 rdi   r2 rsi   r3 rdx   r4 rcx   r5 r8   r6 rbx   r7 r13   r8 r14   r9 r15   r10 rbp
//     r12 base of the runtime's memory     r9, r10, r11 scratch

import { Code } from "../shared/layout";
import { Reg } from "../shared/native";
import { atIndex, Rm } from "./emit";

export const BASE: i32 = Reg.R12;
export const SCRATCH: i32 = Reg.R10;
export const SCRATCH2: i32 = Reg.R11;
export const SCRATCH3: i32 = Reg.R9;

const NATIVE: StaticArray<i32> = [
  Reg.RAX, Reg.RDI, Reg.RSI, Reg.RDX, Reg.RCX, Reg.R8, Reg.RBX, Reg.R13, Reg.R14, Reg.R15, Reg.RBP,
];

/** The register that holds BPF register `bpf`. */
export function native(bpf: i32): i32 { return unchecked(NATIVE[bpf]); }

// Prepared code has eight times the numbers of registers.
@inline export function dst(pc: usize): i32 { return native(load<u8>(pc, Code.DST) >> 3); }
@inline export function src(pc: usize): i32 { return native(load<i32>(pc, Code.IMM) >> 3); }
@inline export function imm(pc: usize): i32 { return load<i32>(pc, Code.IMM); }
@inline export function off(pc: usize): i32 { return load<i16>(pc, Code.OFF); }

/** Memory at the guest address in `register`, off bytes further. */
@inline export function guest(register: i32, pc: usize): Rm { return atIndex(BASE, register, 0, off(pc)); }
