// Programs that hand all kinds of registers to kernel functions, and the verdict of Linux 6.18 on each.

import type { KfuncCase } from "./kfunc-programs.ts";

const HASH = { name: "counts", type: 1, keySize: 4, valueSize: 8, maxEntries: 4, flags: 0 };
const END = `
  r0 = 0
  exit`;
/** A referenced task in r6, or the end of the program. */
const TASK = `
  r1 = 1
  call kfunc#bpf_task_from_pid
  if r0 == 0 goto out
  r6 = r0`;
const RELEASE = `
  r1 = r6
  call kfunc#bpf_task_release`;
const objects = (name: string, text: string, message?: string): KfuncCase => ({
  name,
  type: "syscall",
  flags: 16,
  text: `${text}\nout:${END}`,
  ...(message !== undefined && { message }),
});

const CONNECTION = `
  r6 = r1
  *(u64 *)(r10 - 48) = 0
  *(u64 *)(r10 - 40) = 0
  *(u64 *)(r10 - 32) = 0
  *(u64 *)(r10 - 24) = 0
  *(u64 *)(r10 - 16) = 0
  *(u64 *)(r10 - 8) = 0
  r2 = r10
  r2 += -48
  r3 = 12
  r4 = r10
  r4 += -16
  r5 = 16
  call kfunc#bpf_skb_ct_alloc`;

const CALLS: readonly KfuncCase[] = [
  {
    name: "a function that is none",
    text: `call kfunc#1${END}`,
    message: "kernel btf_id 1 is not a function",
  },
  {
    name: "a function that nobody may call",
    text: `call kfunc#bpf_fentry_test1${END}`,
    message: "calling kernel function bpf_fentry_test1 is not allowed",
  },
  {
    name: "a function that other programs may call",
    type: "socket_filter",
    text: `r1 = 1\ncall kfunc#bpf_task_from_pid${END}`,
    message: "calling kernel function bpf_task_from_pid is not allowed",
  },
  {
    name: "a function from a program without the licence",
    license: "Proprietary",
    text: `call kfunc#bpf_rcu_read_lock${END}`,
    message: "cannot call kernel function from non-GPL compatible program",
  },
  {
    name: "a function of a device that the program is not bound to",
    type: "xdp",
    text: `call kfunc#bpf_xdp_metadata_rx_timestamp${END}`,
    message: "metadata kfuncs require device-bound program",
  },
  {
    name: "a function of a module that was not named",
    text: `call kfunc#1@1${END}`,
    message: "failed to find BTF for kernel function",
  },
  {
    name: "what marks a compiler's trap",
    text: `call kfunc#__bpf_trap${END}`,
    message: "unexpected __bpf_trap() due to uninitialized variable?",
  },
  {
    name: "a function that leaves r1 to r5 to nobody",
    text: `r3 = 1\ncall kfunc#bpf_rcu_read_lock\ncall kfunc#bpf_rcu_read_unlock\nr0 = r3\nexit`,
    message: "R3 !read_ok",
  },
  {
    name: "a function without a result",
    text: "call kfunc#bpf_rcu_read_lock\ncall kfunc#bpf_rcu_read_unlock\nexit",
    message: "R0 !read_ok",
  },
  {
    name: "bpf_throw, behind which nothing runs",
    text: "r1 = 0\ncall kfunc#bpf_throw\nr0 = r9\nexit",
  },
];

const OBJECTS: readonly KfuncCase[] = [
  objects("a task that is given back", TASK + RELEASE),
  objects("a task that is kept", TASK, "BPF_EXIT instruction in main prog would lead to reference leak"),
  objects(
    "a task that may be null",
    `
      r1 = 1
      call kfunc#bpf_task_from_pid
      r1 = r0
      call kfunc#bpf_task_release`,
    "Possibly NULL pointer passed to trusted arg0",
  ),
  objects(
    "a task that is given back twice",
    TASK + RELEASE + RELEASE,
    "arg#0 pointer type STRUCT task_struct must point to scalar, or struct with scalar",
  ),
  objects(
    "a task that is taken once more",
    `${TASK}
      r1 = r6
      call kfunc#bpf_task_acquire
      if r0 == 0 goto give
      r1 = r0
      call kfunc#bpf_task_release
      give:${RELEASE}`,
  ),
  objects(
    "a task from its middle",
    `${TASK}
      r1 = r6
      r1 += 8
      call kfunc#bpf_task_release`,
    "R1 must have zero offset when passed to release func or trusted arg to kfunc",
  ),
  objects(
    "a task where a control group is wanted",
    `${TASK}
      r1 = r6
      call kfunc#bpf_cgroup_release`,
    "kernel function bpf_cgroup_release args#0 expected pointer to STRUCT cgroup but R1 has a pointer to STRUCT task_struct",
  ),
  objects(
    "a task without a reference where one is given back",
    `
      r1 = 0
      r2 = type#task_struct
      call kfunc#bpf_rdonly_cast
      r1 = r0
      call kfunc#bpf_task_release`,
    "R1 must be referenced or trusted",
  ),
  objects(
    "a task without a reference where RCU would do",
    `
      r1 = 0
      r2 = type#task_struct
      call kfunc#bpf_rdonly_cast
      r1 = r0
      call kfunc#bpf_task_acquire`,
    "R1 must be a rcu pointer",
  ),
  objects(
    "memory where a task is wanted",
    `
      r1 = r10
      r1 += -8
      call kfunc#bpf_task_acquire`,
    "arg#0 pointer type STRUCT task_struct must point to scalar, or struct with scalar",
  ),
  objects(
    "a number where a task is wanted",
    `
      r1 = 5
      call kfunc#bpf_task_acquire`,
    "arg#0 pointer type STRUCT task_struct must point to scalar, or struct with scalar",
  ),
  objects(
    "a mask where what it begins with is wanted",
    `
      call kfunc#bpf_cpumask_create
      if r0 == 0 goto out
      r6 = r0
      r1 = r0
      call kfunc#bpf_cpumask_first
      r1 = r6
      call kfunc#bpf_cpumask_release`,
  ),
  objects(
    "a task and a control group",
    `${TASK}
      r1 = 1
      call kfunc#bpf_cgroup_from_id
      if r0 == 0 goto give
      r7 = r0
      r1 = r6
      r2 = r7
      call kfunc#bpf_task_under_cgroup
      r1 = r7
      call kfunc#bpf_cgroup_release
      give:${RELEASE}`,
  ),
  objects(
    "a pointer where a number is wanted",
    "r1 = r10\ncall kfunc#bpf_task_from_pid",
    "R1 is not a scalar",
  ),
  objects(
    "a task to a section that it outlives",
    `${TASK}
      r1 = r6
      call kfunc#bpf_throw`,
    "R1 is not a scalar",
  ),
  objects(
    "a type that is not known before the program runs",
    `
      call 7
      r2 = r0
      r1 = 0
      call kfunc#bpf_rdonly_cast`,
    "R2 must be a known constant",
  ),
  objects(
    "a type that is no struct",
    `
      r1 = 0
      r2 = 1
      call kfunc#bpf_rdonly_cast`,
    "kfunc bpf_rdonly_cast type ID argument must be of a struct or void",
  ),
];

const MEMORY: readonly KfuncCase[] = [
  {
    name: "memory of a size",
    text: `${CONNECTION}
      if r0 == 0 goto out
      r1 = r0
      call kfunc#bpf_ct_insert_entry
      if r0 == 0 goto out
      r1 = r0
      call kfunc#bpf_ct_release
      out:${END}`,
  },
  {
    name: "memory that is smaller than it should be",
    text: CONNECTION.replace("r5 = 16", "r5 = 24") + END,
    message: "arg#3 arg#4 memory, len pair leads to invalid memory access",
  },
  {
    name: "memory of a size that may be negative",
    text: CONNECTION.replace("r5 = 16", "r5 = -1") + END,
    message: "arg#3 arg#4 memory, len pair leads to invalid memory access",
  },
  {
    name: "memory that nobody wrote, for the whole of a program that may read it",
    text: CONNECTION.replace("*(u64 *)(r10 - 8) = 0", "") + END,
    message: "BPF_EXIT instruction in main prog would lead to reference leak",
  },
  {
    name: "what is not ready where it must be",
    text: `${CONNECTION}
      if r0 == 0 goto out
      r1 = r0
      call kfunc#bpf_ct_release
      out:${END}`,
    message:
      "kernel function bpf_ct_release args#0 expected pointer to STRUCT nf_conn but R1 has a pointer to STRUCT nf_conn___init",
  },
  {
    name: "a number instead of the context",
    text: CONNECTION.replace("r6 = r1", "r1 = 0") + END,
    message: "arg#0 expected pointer to ctx, but got scalar",
  },
  {
    name: "the context of another place",
    text: CONNECTION.replace("r6 = r1", "r1 += 4") + END,
    message: "dereference of modified ctx ptr R1 off=4 disallowed",
  },
  {
    name: "a map",
    maps: [HASH],
    text: `r1 = map[fd:0]\ncall kfunc#bpf_map_sum_elem_count${END}`,
  },
  {
    name: "the context as the kernel has it",
    text: "call kfunc#bpf_cast_to_kern_ctx\nr0 = 0\nexit",
  },
  {
    name: "anything where nothing is looked at",
    text: `call kfunc#bpf_strlen${END}`,
  },
];

export const ARGUMENT_CASES: readonly KfuncCase[] = [...CALLS, ...OBJECTS, ...MEMORY];
