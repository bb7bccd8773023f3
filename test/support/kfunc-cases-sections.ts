// Programs with sections of RCU, without preemption and without interrupts, and the verdict of Linux 6.18 on each.

import type { KfuncCase } from "./kfunc-programs.ts";

const END = `
  r0 = 0
  exit`;
const SAVE = `
  r1 = r10
  r1 += -8
  call kfunc#bpf_local_irq_save`;
const SAVE_MORE = SAVE.replace("-8", "-16");
const RESTORE = SAVE.replace("save", "restore");
const RESTORE_MORE = SAVE_MORE.replace("save", "restore");
const LOCK = "\ncall kfunc#bpf_rcu_read_lock";
const UNLOCK = "\ncall kfunc#bpf_rcu_read_unlock";
const DISABLE = "\ncall kfunc#bpf_preempt_disable";
const ENABLE = "\ncall kfunc#bpf_preempt_enable";
/** A helper and a kernel function that may sleep. */
const HELPER_SLEEPS = `
  r1 = r10
  r1 += -24
  r2 = 8
  r3 = 0
  call 148`;
const KFUNC_SLEEPS = `
  r1 = r10
  r1 += -24
  r2 = 8
  r3 = 0
  r4 = 0
  *(u64 *)(r10 - 24) = 0
  call kfunc#bpf_copy_from_user_str`;
const sleeping = (name: string, text: string, message?: string): KfuncCase => ({
  name,
  type: "syscall",
  flags: 16,
  text: text + END,
  ...(message !== undefined && { message }),
});

export const SECTION_CASES: readonly KfuncCase[] = [
  { name: "of RCU", text: LOCK + UNLOCK + END },
  {
    name: "of RCU within each other",
    text: LOCK + LOCK + UNLOCK + UNLOCK + END,
    message: "nested rcu read lock (kernel function bpf_rcu_read_lock)",
  },
  { name: "of RCU behind each other", text: LOCK + UNLOCK + LOCK + UNLOCK + END },
  {
    name: "of RCU that are left open",
    text: LOCK + UNLOCK + LOCK + END,
    message: "BPF_EXIT instruction in main prog cannot be used inside bpf_rcu_read_lock-ed region",
  },
  {
    name: "of RCU that were never entered",
    text: UNLOCK + END,
    message: "unmatched rcu read unlock (kernel function bpf_rcu_read_unlock)",
  },
  { name: "without preemption", text: DISABLE + DISABLE + ENABLE + ENABLE + END },
  {
    name: "without preemption that are left open",
    text: DISABLE + END,
    message: "BPF_EXIT instruction in main prog cannot be used inside bpf_preempt_disable-ed region",
  },
  {
    name: "without preemption that were never entered",
    text: ENABLE + END,
    message: "unmatched attempt to enable preemption (kernel function bpf_preempt_enable)",
  },
  { name: "without interrupts", text: SAVE + SAVE_MORE + RESTORE_MORE + RESTORE + END },
  {
    name: "without interrupts that are left open",
    text: SAVE + END,
    message: "BPF_EXIT instruction in main prog cannot be used inside bpf_local_irq_save-ed region",
  },
  {
    name: "without interrupts that are left in another order",
    text: SAVE + SAVE_MORE + RESTORE + RESTORE_MORE + END,
    message: "cannot restore irq state out of order, expected id=2 acquired at insn_idx=5",
  },
  {
    name: "without interrupts that were never entered",
    text: RESTORE + END,
    message: "expected an initialized irq flag as arg#0",
  },
  {
    name: "without interrupts entered twice into one flag",
    text: SAVE + SAVE + END,
    message: "expected uninitialized irq flag as arg#0",
  },
  {
    name: "without interrupts whose flag was overwritten",
    text: `${SAVE}\n*(u8 *)(r10 - 8) = 0${RESTORE}${END}`,
    message: "expected an initialized irq flag as arg#0",
  },
  {
    name: "without interrupts whose flag is read",
    text: `${SAVE}\nr1 = *(u64 *)(r10 - 8)${RESTORE}${END}`,
    message: "invalid read from stack off -8+0 size 8",
  },
  {
    name: "without interrupts whose flag lies elsewhere",
    text: `r1 = 0\ncall kfunc#bpf_local_irq_save${END}`,
    message: "arg#0 doesn't point to an irq flag on stack",
  },
  {
    name: "entered in a function and left by its caller",
    text: `
      r1 = r10
      r1 += -8
      call save
      ${RESTORE}${END}
      save:
      call kfunc#bpf_local_irq_save
      r0 = 0
      exit`,
  },
  {
    name: "that are open on some ways only",
    text: `
      call 7
      if r0 == 0 goto out
      call kfunc#bpf_rcu_read_lock
      out:${END}`,
    message: "BPF_EXIT instruction in main prog cannot be used inside bpf_rcu_read_lock-ed region",
  },
  sleeping("around nothing that sleeps", LOCK + UNLOCK + HELPER_SLEEPS + KFUNC_SLEEPS),
  sleeping(
    "of RCU around a helper that sleeps",
    LOCK + HELPER_SLEEPS,
    "sleepable helper bpf_copy_from_user#148 in rcu_read_lock region",
  ),
  sleeping(
    "without preemption around a helper that sleeps",
    DISABLE + HELPER_SLEEPS,
    "sleepable helper bpf_copy_from_user#148 in non-preemptible region",
  ),
  sleeping(
    "without interrupts around a helper that sleeps",
    SAVE + HELPER_SLEEPS,
    "sleepable helper bpf_copy_from_user#148 in IRQ-disabled region",
  ),
  sleeping(
    "of RCU around a function that sleeps",
    LOCK + KFUNC_SLEEPS,
    "kernel func bpf_copy_from_user_str is sleepable within rcu_read_lock region",
  ),
  sleeping(
    "without preemption around a function that sleeps",
    DISABLE + KFUNC_SLEEPS,
    "kernel func bpf_copy_from_user_str is sleepable within non-preemptible region",
  ),
  sleeping(
    "without interrupts around a function that sleeps",
    SAVE + KFUNC_SLEEPS,
    "kernel func bpf_copy_from_user_str is sleepable within IRQ-disabled region",
  ),
  {
    name: "in programs that do not sleep at all",
    text: KFUNC_SLEEPS + END,
    message: "program must be sleepable to call sleepable kfunc bpf_copy_from_user_str",
  },
  {
    name: "that bpf_throw would leave open",
    text: `${LOCK}\nr1 = 0\ncall kfunc#bpf_throw${END}`,
    message: "bpf_throw cannot be used inside bpf_rcu_read_lock-ed region",
  },
];
