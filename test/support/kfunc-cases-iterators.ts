// Programs with open-coded iterators, and the verdict of Linux 6.18 on each.

import type { KfuncCase } from "./kfunc-programs.ts";

const START = `
  r1 = r10
  r1 += -8
  r2 = 0
  r3 = 10
  call kfunc#bpf_iter_num_new`;
const NEXT = `
  r1 = r10
  r1 += -8
  call kfunc#bpf_iter_num_next`;
const END = `
  r1 = r10
  r1 += -8
  call kfunc#bpf_iter_num_destroy
  r0 = 0
  exit`;

export const ITERATOR_CASES: readonly KfuncCase[] = [
  { name: "are started and ended", text: `${START}${END}` },
  {
    name: "are asked for elements in a loop without a bound",
    text: `
      ${START}
      r6 = 0
      loop:
      ${NEXT}
      if r0 == 0 goto out
      r1 = *(u32 *)(r0 + 0)
      r6 += r1
      goto loop
      out:
      ${END}`,
  },
  {
    name: "may count beyond what a number can be known to be",
    text: `
      ${START}
      r6 = 0
      loop:
      ${NEXT}
      if r0 == 0 goto out
      r6 += 1
      goto loop
      out:
      ${END}`,
  },
  {
    name: "are lost to a loop whose writes walk into them",
    text: `
      ${START}
      r6 = 0
      loop:
      ${NEXT}
      if r0 == 0 goto out
      r6 += 1
      r1 = r10
      r1 += -64
      r1 += r6
      *(u8 *)(r1 + 0) = 1
      goto loop
      out:
      ${END}`,
    // What indexes memory is known in every round, so that at last a round writes over the iterator.
    message: "expected an initialized iter_num as arg #0",
  },
  {
    name: "are not left open",
    text: `${START}\nr0 = 0\nexit`,
    message: "BPF_EXIT instruction in main prog would lead to reference leak",
  },
  {
    name: "are asked only once they were started",
    text: `${NEXT}\nr0 = 0\nexit`,
    message: "expected an initialized iter_num as arg #0",
  },
  {
    name: "are not started twice",
    text: `${START}${START}${END}`,
    message: "expected uninitialized iter_num as arg #0",
  },
  {
    name: "are not ended twice",
    text: `${START}
      r1 = r10
      r1 += -8
      call kfunc#bpf_iter_num_destroy
      ${END}`,
    message: "expected an initialized iter_num as arg #0",
  },
  {
    name: "lie on the stack",
    text: `
      r6 = 5
      r1 = r6
      r2 = 0
      r3 = 1
      call kfunc#bpf_iter_num_new
      exit`,
    message: "arg#0 expected pointer to an iterator on stack",
  },
  {
    name: "lie at a multiple of eight",
    text: `
      r1 = r10
      r1 += -12
      r2 = 0
      r3 = 1
      call kfunc#bpf_iter_num_new
      exit`,
    message: "expected uninitialized iter_num as arg #0",
  },
  {
    name: "lie at a known place",
    type: "xdp",
    text: `
      call 7
      r0 &= 8
      r1 = r10
      r1 += -32
      r1 += r0
      r2 = 0
      r3 = 1
      call kfunc#bpf_iter_num_new
      exit`,
    message: "expected uninitialized iter_num as arg #0",
  },
  {
    name: "are not read",
    text: `${START}\nr1 = *(u64 *)(r10 - 8)${END}`,
    message: "invalid read from stack off -8+0 size 8",
  },
  {
    name: "are lost when written to",
    text: `${START}\n*(u64 *)(r10 - 8) = 0${END}`,
    message: "expected an initialized iter_num as arg #0",
  },
  {
    name: "are lost when a byte of them is written to",
    text: `${START}\n*(u8 *)(r10 - 4) = 0${END}`,
    message: "expected an initialized iter_num as arg #0",
  },
  {
    name: "are of the type that they were started as",
    text: `
      r1 = r10
      r1 += -16
      r2 = 0
      r3 = 1
      call kfunc#bpf_iter_bits_new
      r1 = r10
      r1 += -16
      call kfunc#bpf_iter_num_next
      exit`,
    message: "expected an initialized iter_num as arg #0",
  },
  {
    name: "give memory that may be null",
    text: `${START}${NEXT}\nr1 = *(u32 *)(r0 + 0)${END}`,
    message: "R0 invalid mem access 'scalar'",
  },
  {
    name: "give memory that is not to be written",
    text: `${START}${NEXT}
      if r0 == 0 goto out
      *(u32 *)(r0 + 0) = 1
      out:${END}`,
    message: "R0 cannot write into rdonly_mem",
  },
  {
    name: "give memory that is as large as an element",
    text: `${START}${NEXT}
      if r0 == 0 goto out
      r1 = *(u64 *)(r0 + 0)
      out:${END}`,
    message: "R0 min value is outside of the allowed memory range",
  },
  {
    name: "take their elements with them",
    text: `${START}${NEXT}
      if r0 == 0 goto out
      r6 = r0
      r1 = r10
      r1 += -8
      call kfunc#bpf_iter_num_destroy
      r0 = *(u32 *)(r6 + 0)
      exit
      out:${END}`,
    message: "R6 invalid mem access 'scalar'",
  },
  {
    name: "nest",
    text: `${START}
      outer:
      ${NEXT}
      if r0 == 0 goto done
      r1 = r10
      r1 += -16
      r2 = 0
      r3 = 4
      call kfunc#bpf_iter_num_new
      inner:
      r1 = r10
      r1 += -16
      call kfunc#bpf_iter_num_next
      if r0 == 0 goto up
      goto inner
      up:
      r1 = r10
      r1 += -16
      call kfunc#bpf_iter_num_destroy
      goto outer
      done:${END}`,
  },
  {
    name: "do not make other loops end",
    text: `${START}${NEXT}
      loop:
      if r0 != 0 goto loop
      ${END}`,
    message: "infinite loop detected at insn 8",
  },
  {
    name: "go into functions of the program",
    text: `${START}
      r1 = r10
      r1 += -8
      call use
      ${END}
      use:
      call kfunc#bpf_iter_num_next
      r0 = 0
      exit`,
  },
  {
    name: "over tasks need RCU where the program may sleep",
    type: "syscall",
    flags: 16,
    text: `
      r1 = r10
      r1 += -24
      r2 = 0
      r3 = 0
      call kfunc#bpf_iter_task_new
      r1 = r10
      r1 += -24
      call kfunc#bpf_iter_task_destroy
      r0 = 0
      exit`,
    message: "kernel func bpf_iter_task_new requires RCU critical section protection",
  },
  {
    name: "over tasks stay in the section of RCU that they were started in",
    type: "syscall",
    flags: 16,
    text: `
      call kfunc#bpf_rcu_read_lock
      r1 = r10
      r1 += -24
      r2 = 0
      r3 = 0
      call kfunc#bpf_iter_task_new
      call kfunc#bpf_rcu_read_unlock
      call kfunc#bpf_rcu_read_lock
      r1 = r10
      r1 += -24
      call kfunc#bpf_iter_task_next
      r1 = r10
      r1 += -24
      call kfunc#bpf_iter_task_destroy
      call kfunc#bpf_rcu_read_unlock
      r0 = 0
      exit`,
    message: "expected an RCU CS when using bpf_iter_task_next",
  },
  {
    name: "over tasks give pointers that functions under RCU take",
    type: "syscall",
    flags: 16,
    text: `
      call kfunc#bpf_rcu_read_lock
      r1 = r10
      r1 += -24
      r2 = 0
      r3 = 0
      call kfunc#bpf_iter_task_new
      loop:
      r1 = r10
      r1 += -24
      call kfunc#bpf_iter_task_next
      if r0 == 0 goto out
      r1 = r0
      call kfunc#bpf_task_acquire
      if r0 == 0 goto loop
      r1 = r0
      call kfunc#bpf_task_release
      goto loop
      out:
      r1 = r10
      r1 += -24
      call kfunc#bpf_iter_task_destroy
      call kfunc#bpf_rcu_read_unlock
      r0 = 0
      exit`,
  },
  {
    name: "over the tasks of a group are for few programs",
    text: `
      r1 = r10
      r1 += -8
      r2 = 0
      r3 = 0
      call kfunc#bpf_iter_css_task_new
      r0 = 0
      exit`,
    message: "css_task_iter is only allowed in bpf_lsm, bpf_iter and sleepable progs",
  },
];
