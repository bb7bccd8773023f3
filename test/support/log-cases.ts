// Programs and what Linux 6.18 writes about them at a log level; times are left out, and so are the lines that tell of
// the liveness of stack slots.

import type { ProgramType } from "../../dist/src/index.js";

export interface LogCase {
  readonly name: string;
  readonly level: number;
  readonly type: ProgramType;
  /** Assembly; `map` stands for the array `counts`, 4 values of 48 bytes. */
  readonly text: string;
  readonly log: string;
}

export const LOG_CASES: readonly LogCase[] = [
  {
    name: "a number that nobody wrote",
    level: 1,
    type: "socket_filter",
    text: `
r0 = r2
exit
`,
    log: `0: R1=ctx() R10=fp0
0: (bf) r0 = r2
R2 !read_ok
processed 1 insns (limit 1000000) max_states_per_insn 0 total_states 0 peak_states 0 mark_read 0
`,
  },
  {
    name: "a packet byte behind the end",
    level: 1,
    type: "xdp",
    text: `
r2 = *(u32 *)(r1 +0)
r3 = *(u32 *)(r1 +4)
r4 = r2
r4 += 14
if r4 > r3 goto +2
r0 = *(u8 *)(r2 +14)
exit
r0 = 0
exit
`,
    log: `0: R1=ctx() R10=fp0
0: (61) r2 = *(u32 *)(r1 +0)          ; R1=ctx() R2=pkt(r=0)
1: (61) r3 = *(u32 *)(r1 +4)          ; R1=ctx() R3=pkt_end()
2: (bf) r4 = r2                       ; R2=pkt(r=0) R4=pkt(r=0)
3: (07) r4 += 14                      ; R4=pkt(off=14,r=0)
4: (2d) if r4 > r3 goto pc+2          ; R3=pkt_end() R4=pkt(off=14,r=14)
5: (71) r0 = *(u8 *)(r2 +14)
invalid access to packet, off=14 size=1, R2(id=0,off=14,r=14)
R2 offset is outside of the packet
processed 6 insns (limit 1000000) max_states_per_insn 0 total_states 0 peak_states 0 mark_read 0
`,
  },
  {
    name: "a map value that may be null",
    level: 1,
    type: "socket_filter",
    text: `
*(u32 *)(r10 -4) = 9
r2 = r10
r2 += -4
r1 = map
call 1
r0 = *(u64 *)(r0 +0)
exit
`,
    log: `0: R1=ctx() R10=fp0
0: (62) *(u32 *)(r10 -4) = 9          ; R10=fp0 fp-8=mmmm????
1: (bf) r2 = r10                      ; R2=fp0 R10=fp0
2: (07) r2 += -4                      ; R2=fp-4
3: (18) r1 = 0x0                      ; R1=map_ptr(map=counts,ks=4,vs=48)
5: (85) call bpf_map_lookup_elem#1    ; R0=map_value_or_null(id=1,map=counts,ks=4,vs=48)
6: (79) r0 = *(u64 *)(r0 +0)
R0 invalid mem access 'map_value_or_null'
processed 6 insns (limit 1000000) max_states_per_insn 0 total_states 0 peak_states 0 mark_read 0
`,
  },
  {
    name: "an index without a bound",
    level: 1,
    type: "socket_filter",
    text: `
*(u32 *)(r10 -4) = 0
r2 = r10
r2 += -4
r1 = map
call 1
if r0 == 0x0 goto +4
r1 = *(u32 *)(r0 +0)
r1 <<= 2
r0 += r1
r0 = *(u32 *)(r0 +0)
r0 = 0
exit
`,
    log: `0: R1=ctx() R10=fp0
0: (62) *(u32 *)(r10 -4) = 0          ; R10=fp0 fp-8=0000????
1: (bf) r2 = r10                      ; R2=fp0 R10=fp0
2: (07) r2 += -4                      ; R2=fp-4
3: (18) r1 = 0x0                      ; R1=map_ptr(map=counts,ks=4,vs=48)
5: (85) call bpf_map_lookup_elem#1    ; R0=map_value(map=counts,ks=4,vs=48)
6: (15) if r0 == 0x0 goto pc+4        ; R0=map_value(map=counts,ks=4,vs=48)
7: (61) r1 = *(u32 *)(r0 +0)          ; R0=map_value(map=counts,ks=4,vs=48) R1=scalar(smin=0,smax=umax=0xffffffff,var_off=(0x0; 0xffffffff))
8: (67) r1 <<= 2                      ; R1=scalar(smin=0,smax=umax=0x3fffffffc,smax32=0x7ffffffc,umax32=0xfffffffc,var_off=(0x0; 0x3fffffffc))
9: (0f) r0 += r1                      ; R0=map_value(map=counts,ks=4,vs=48,smin=0,smax=umax=0x3fffffffc,smax32=0x7ffffffc,umax32=0xfffffffc,var_off=(0x0; 0x3fffffffc)) R1=scalar(smin=0,smax=umax=0x3fffffffc,smax32=0x7ffffffc,umax32=0xfffffffc,var_off=(0x0; 0x3fffffffc))
10: (61) r0 = *(u32 *)(r0 +0)
R0 unbounded memory access, make sure to bounds check any such access
processed 10 insns (limit 1000000) max_states_per_insn 0 total_states 0 peak_states 0 mark_read 0
`,
  },
  {
    name: "a loop that goes nowhere",
    level: 1,
    type: "socket_filter",
    text: `
r0 = 0
r1 = 0
r2 = 0
if r1 == 0x0 goto -2
exit
`,
    log: `0: R1=ctx() R10=fp0
0: (b7) r0 = 0                        ; R0=0
1: (b7) r1 = 0                        ; R1=0
2: (b7) r2 = 0                        ; R2=0
3: (15) if r1 == 0x0 goto pc-2        ; R1=0
2: (b7) r2 = 0                        ; R2=0
3: (15) if r1 == 0x0 goto pc-2        ; R1=0
2: (b7) r2 = 0                        ; R2=0
3: (15) if r1 == 0x0 goto pc-2        ; R1=0
2: (b7) r2 = 0
infinite loop detected at insn 3
cur state: R0=0 R1=0 R2=0 R10=fp0
old state: R0=0 R1=P0 R2=0 R10=fp0
processed 10 insns (limit 1000000) max_states_per_insn 0 total_states 1 peak_states 1 mark_read 0
`,
  },
  {
    name: "a call, and a result of the wrong kind",
    level: 1,
    type: "socket_filter",
    text: `
r1 = 7
call pc+2
r0 = *(u8 *)(r0 +0)
exit
*(u64 *)(r10 -8) = r1
r0 = *(u64 *)(r10 -8)
exit
`,
    log: `0: R1=ctx() R10=fp0
0: (b7) r1 = 7                        ; R1=7
1: (85) call pc+2
caller:
 R10=fp0
callee:
 frame1: R1=7 R10=fp0
4: frame1: R1=7 R10=fp0
4: (7b) *(u64 *)(r10 -8) = r1         ; frame1: R1=7 R10=fp0 fp-8=7
5: (79) r0 = *(u64 *)(r10 -8)         ; frame1: R0=7 R10=fp0 fp-8=7
6: (95) exit
returning from callee:
 frame1: R0=7 R1=7 R10=fp0 fp-8=7
to caller at 2:
 R0=7 R10=fp0
2: (71) r0 = *(u8 *)(r0 +0)
R0 invalid mem access 'scalar'
processed 6 insns (limit 1000000) max_states_per_insn 0 total_states 0 peak_states 0 mark_read 0
`,
  },
  {
    name: "a socket that is not given back",
    level: 1,
    type: "sched_cls",
    text: `
r2 = 0
*(u64 *)(r10 -8) = r2
*(u64 *)(r10 -16) = r2
*(u64 *)(r10 -24) = r2
*(u64 *)(r10 -32) = r2
*(u32 *)(r10 -36) = r2
r2 = r10
r2 += -36
r3 = 36
r4 = 0
r5 = 0
call 84
r0 = 0
exit
`,
    log: `0: R1=ctx() R10=fp0
0: (b7) r2 = 0                        ; R2=0
1: (7b) *(u64 *)(r10 -8) = r2         ; R2=0 R10=fp0 fp-8=0
2: (7b) *(u64 *)(r10 -16) = r2        ; R2=0 R10=fp0 fp-16=0
3: (7b) *(u64 *)(r10 -24) = r2        ; R2=0 R10=fp0 fp-24=0
4: (7b) *(u64 *)(r10 -32) = r2        ; R2=0 R10=fp0 fp-32=0
5: (63) *(u32 *)(r10 -36) = r2        ; R2=0 R10=fp0 fp-40=0000????
6: (bf) r2 = r10                      ; R2=fp0 R10=fp0
7: (07) r2 += -36                     ; R2=fp-36
8: (b7) r3 = 36                       ; R3=36
9: (b7) r4 = 0                        ; R4=0
10: (b7) r5 = 0                       ; R5=0
11: (85) call bpf_sk_lookup_tcp#84    ; R0=sock_or_null(id=2,ref_obj_id=2) refs=2
12: (b7) r0 = 0                       ; R0=0 refs=2
13: (95) exit
Unreleased reference id=2 alloc_insn=11
BPF_EXIT instruction in main prog would lead to reference leak
processed 14 insns (limit 1000000) max_states_per_insn 0 total_states 0 peak_states 0 mark_read 0
`,
  },
  {
    name: "the state after a branch that was given up",
    level: 1,
    type: "socket_filter",
    text: `
call 7
r6 = r0
if r6 s> 0x64 goto +2
r0 = 0
exit
w7 = w6
r7 &= 255
r7 ^= -1
*(u16 *)(r10 -16) = r7
r1 = *(u8 *)(r7 +0)
exit
`,
    log: `0: R1=ctx() R10=fp0
0: (85) call bpf_get_prandom_u32#7    ; R0=scalar()
1: (bf) r6 = r0                       ; R0=scalar(id=1) R6=scalar(id=1)
2: (65) if r6 s> 0x64 goto pc+2 5: R0=scalar(id=1,smin=umin=101,umax=0x7fffffffffffffff,var_off=(0x0; 0x7fffffffffffffff)) R6=scalar(id=1,smin=umin=101,umax=0x7fffffffffffffff,var_off=(0x0; 0x7fffffffffffffff)) R10=fp0
5: (bc) w7 = w6                       ; R6=scalar(id=1,smin=umin=101,umax=0x7fffffffffffffff,var_off=(0x0; 0x7fffffffffffffff)) R7=scalar(smin=0,smax=umax=0xffffffff,var_off=(0x0; 0xffffffff))
6: (57) r7 &= 255                     ; R7=scalar(smin=smin32=0,smax=umax=smax32=umax32=255,var_off=(0x0; 0xff))
7: (a7) r7 ^= -1                      ; R7=scalar(smin=smin32=-256,smax=smax32=-1,umin=0xffffffffffffff00,umin32=0xffffff00,var_off=(0xffffffffffffff00; 0xff))
8: (6b) *(u16 *)(r10 -16) = r7        ; R7=scalar(smin=smin32=-256,smax=smax32=-1,umin=0xffffffffffffff00,umin32=0xffffff00,var_off=(0xffffffffffffff00; 0xff)) R10=fp0 fp-16=??????scalar(smin=smin32=-256,smax=smax32=-1,umin=0xffffffffffffff00,umin32=0xffffff00,var_off=(0xffffffffffffff00; 0xff))
9: (71) r1 = *(u8 *)(r7 +0)
R7 invalid mem access 'scalar'
processed 10 insns (limit 1000000) max_states_per_insn 0 total_states 0 peak_states 0 mark_read 0
`,
  },
  {
    name: "everything of an accepted program",
    level: 2,
    type: "socket_filter",
    text: `
call 7
r1 = r0
if r1 > 0x7 goto +4
r2 = r10
r2 += -16
r2 += r1
*(u8 *)(r2 +0) = 1
r0 = 0
exit
`,
    log: `func#0 @0
Live regs before insn:
      0: .......... (85) call bpf_get_prandom_u32#7
      1: 0......... (bf) r1 = r0
      2: .1........ (25) if r1 > 0x7 goto pc+4
      3: .1........ (bf) r2 = r10
      4: .12....... (07) r2 += -16
      5: .12....... (0f) r2 += r1
      6: ..2....... (72) *(u8 *)(r2 +0) = 1
      7: .......... (b7) r0 = 0
      8: 0......... (95) exit
0: R1=ctx() R10=fp0
0: (85) call bpf_get_prandom_u32#7    ; R0=scalar()
1: (bf) r1 = r0                       ; R0=scalar(id=1) R1=scalar(id=1)
2: (25) if r1 > 0x7 goto pc+4         ; R1=scalar(id=1,smin=smin32=0,smax=umax=smax32=umax32=7,var_off=(0x0; 0x7))
3: (bf) r2 = r10                      ; R2=fp0 R10=fp0
4: (07) r2 += -16                     ; R2=fp-16
5: (0f) r2 += r1
mark_precise: frame0: last_idx 5 first_idx 0 subseq_idx -1 
mark_precise: frame0: regs=r1 stack= before 4: (07) r2 += -16
mark_precise: frame0: regs=r1 stack= before 3: (bf) r2 = r10
mark_precise: frame0: regs=r1 stack= before 2: (25) if r1 > 0x7 goto pc+4
mark_precise: frame0: regs=r1 stack= before 1: (bf) r1 = r0
mark_precise: frame0: regs=r0 stack= before 0: (85) call bpf_get_prandom_u32#7
6: R1=scalar(id=1,smin=smin32=0,smax=umax=smax32=umax32=7,var_off=(0x0; 0x7)) R2=fp(off=-16,smin=smin32=0,smax=umax=smax32=umax32=7,var_off=(0x0; 0x7))
6: (72) *(u8 *)(r2 +0) = 1            ; R2=fp(off=-16,smin=smin32=0,smax=umax=smax32=umax32=7,var_off=(0x0; 0x7)) fp-16=mmmmmmmm
7: (b7) r0 = 0                        ; R0=0
8: (95) exit

from 2 to 7: safe
processed 10 insns (limit 1000000) max_states_per_insn 0 total_states 1 peak_states 1 mark_read 0
`,
  },
  {
    name: "a loop and where its ways meet",
    level: 2,
    type: "xdp",
    text: `
r0 = 0
r1 = 0
r1 += 1
r0 += r1
if r1 < 0x2 goto -3
if r0 == 0x3 goto +1
r0 = 1
exit
`,
    log: `func#0 @0
Live regs before insn:
      0: .......... (b7) r0 = 0
      1: 0......... (b7) r1 = 0
  1   2: 01........ (07) r1 += 1
  1   3: 01........ (0f) r0 += r1
  1   4: 01........ (a5) if r1 < 0x2 goto pc-3
      5: 0......... (15) if r0 == 0x3 goto pc+1
      6: .......... (b7) r0 = 1
      7: 0......... (95) exit
0: R1=ctx() R10=fp0
0: (b7) r0 = 0                        ; R0=0
1: (b7) r1 = 0                        ; R1=0
2: (07) r1 += 1                       ; R1=1
3: (0f) r0 += r1                      ; R0=1 R1=1
4: (a5) if r1 < 0x2 goto pc-3
mark_precise: frame0: last_idx 4 first_idx 0 subseq_idx -1 
mark_precise: frame0: regs=r1 stack= before 3: (0f) r0 += r1
mark_precise: frame0: regs=r1 stack= before 2: (07) r1 += 1
mark_precise: frame0: regs=r1 stack= before 1: (b7) r1 = 0
4: R1=1
2: (07) r1 += 1                       ; R1=2
3: (0f) r0 += r1                      ; R0=3 R1=2
4: (a5) if r1 < 0x2 goto pc-3
mark_precise: frame0: last_idx 4 first_idx 0 subseq_idx -1 
mark_precise: frame0: regs=r1 stack= before 3: (0f) r0 += r1
mark_precise: frame0: regs=r1 stack= before 2: (07) r1 += 1
mark_precise: frame0: regs=r1 stack= before 4: (a5) if r1 < 0x2 goto pc-3
mark_precise: frame0: regs=r1 stack= before 3: (0f) r0 += r1
mark_precise: frame0: regs=r1 stack= before 2: (07) r1 += 1
mark_precise: frame0: regs=r1 stack= before 1: (b7) r1 = 0
4: R1=2
5: (15) if r0 == 0x3 goto pc+1
mark_precise: frame0: last_idx 5 first_idx 5 subseq_idx -1 
mark_precise: frame0: parent state regs=r0 stack=:  R0=P3 R1=2 R10=fp0
mark_precise: frame0: last_idx 4 first_idx 0 subseq_idx 5 
mark_precise: frame0: regs=r0 stack= before 4: (a5) if r1 < 0x2 goto pc-3
mark_precise: frame0: regs=r0 stack= before 3: (0f) r0 += r1
mark_precise: frame0: regs=r0,r1 stack= before 2: (07) r1 += 1
mark_precise: frame0: regs=r0,r1 stack= before 4: (a5) if r1 < 0x2 goto pc-3
mark_precise: frame0: regs=r0,r1 stack= before 3: (0f) r0 += r1
mark_precise: frame0: regs=r0,r1 stack= before 2: (07) r1 += 1
mark_precise: frame0: regs=r0,r1 stack= before 1: (b7) r1 = 0
mark_precise: frame0: regs=r0 stack= before 0: (b7) r0 = 0
5: R0=3
7: (95) exit
processed 10 insns (limit 1000000) max_states_per_insn 0 total_states 1 peak_states 1 mark_read 0
`,
  },
  {
    name: "the figures of an accepted program",
    level: 5,
    type: "socket_filter",
    text: `
*(u64 *)(r10 -24) = 0
r1 = r10
call pc+1
exit
*(u32 *)(r10 -40) = 1
r0 = *(u64 *)(r1 -24)
exit
`,
    log: `verification time N usec
stack depth 24+40
processed 7 insns (limit 1000000) max_states_per_insn 0 total_states 0 peak_states 0 mark_read 0
`,
  },
  {
    name: "a broken instruction",
    level: 2,
    type: "socket_filter",
    text: `
r0 = 0
if r0 == 0x0 goto +0
call 4000
exit
`,
    log: `func#0 @0
Live regs before insn:
      0: .12345.... (b7) r0 = 0
      1: 012345.... (15) if r0 == 0x0 goto pc+0
      2: .12345.... (85) call unknown#4000
      3: 0......... (95) exit
0: R1=ctx() R10=fp0
0: (b7) r0 = 0                        ; R0=0
1: (15) if r0 == 0x0 goto pc+0
mark_precise: frame0: last_idx 1 first_idx 0 subseq_idx -1 
mark_precise: frame0: regs=r0 stack= before 0: (b7) r0 = 0
1: R0=0
2: (85) call unknown#4000
invalid func unknown#4000
processed 3 insns (limit 1000000) max_states_per_insn 0 total_states 0 peak_states 0 mark_read 0
`,
  },
  {
    name: "nothing but the figures of a rejection",
    level: 4,
    type: "socket_filter",
    text: `
r0 = *(u64 *)(r10 -8)
r1 = *(u8 *)(r0 +0)
exit
`,
    log: `R0 invalid mem access 'scalar'
verification time N usec
stack depth 8
processed 2 insns (limit 1000000) max_states_per_insn 0 total_states 0 peak_states 0 mark_read 0
`,
  },
];
