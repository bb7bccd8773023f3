// Functions that BTF calls global: each is judged by itself for whatever its prototype allows, and calls of it by the
// prototype alone. Verdicts and messages are Linux 6.18's; where bpf(2) is allowed, the running kernel is asked again.

import { afterAll, describe, expect, it } from "vitest";
import { KernelSession, kernelUnavailable } from "../dist/src/kernel.js";
import { judge } from "../dist/src/verifier/verify.js";
import { SMALL_BTF, withIds } from "./support/kfunc-programs.ts";
import { liveBtf, noLiveKernel } from "./support/live-kernel.ts";
import { type Declaration, type TypedText, typedProgram } from "./support/typed-program.ts";

interface Case extends TypedText {
  readonly name: string;
  /** The last line of what is said against it; "" when it is accepted. */
  readonly message: string;
}

/** A main program that loads a number into r2 and calls `f` with what `call` prepares, and f's text. */
const calls = (prepare: string, f: string): string =>
  `main:\n  r6 = r1\n  ${prepare}\n  call f\n  r0 = 0\n  exit\nf:\n  ${f}\n  exit\n`;

const takes = (...params: [string, ...string[]][]): Record<string, Declaration> => ({
  main: { params: [["struct __sk_buff *"]] },
  f: { params },
});

const INVALID = "Caller passes invalid args into func#1 ('f')";
const STACK = "r1 = 0\n  *(u64 *)(r10 - 8) = r1\n  r1 = r10\n  r1 += -8";

const ARGUMENTS: readonly Case[] = [
  {
    name: "a number is any number",
    text: calls("r1 = 5", "r0 = r1\n  if r0 == 5 goto +1\n  r0 = *(u8 *)(r0 + 0)"),
    functions: takes(["int"]),
    message: "R0 invalid mem access 'scalar'",
  },
  {
    name: "a pointer is no number",
    text: calls("r1 = r10", "r0 = r1"),
    functions: takes(["u64"]),
    message: INVALID,
  },
  {
    name: "the context is one by its struct's name",
    text: calls("r1 = r6", "r0 = *(u32 *)(r1 + 0)"),
    functions: takes(["struct __sk_buff *"]),
    message: "",
  },
  {
    name: "the context has a second name",
    text: calls("r1 = r6", "r0 = *(u32 *)(r1 + 0)"),
    functions: takes(["struct sk_buff *"]),
    message: "",
  },
  {
    name: "a number is no context",
    text: calls("r1 = 0", "r0 = *(u32 *)(r1 + 0)"),
    functions: takes(["struct __sk_buff *"]),
    message: INVALID,
  },
  {
    name: "a moved context is none",
    text: calls("r1 = r6\n  r1 += 8", "r0 = *(u32 *)(r1 + 0)"),
    functions: takes(["struct __sk_buff *"]),
    message: INVALID,
  },
  {
    name: "the struct of registers is a probe's context",
    type: "kprobe",
    text: calls("r1 = r6", "r0 = *(u64 *)(r1 + 0)"),
    functions: takes(["struct pt_regs *"]),
    message: "",
  },
  {
    name: "the typedef of registers is a probe's context",
    type: "kprobe",
    text: calls("r1 = r6", "r0 = *(u64 *)(r1 + 0)"),
    functions: takes(["regs_t *"]),
    message: "",
  },
  {
    name: "elsewhere the struct of registers is memory",
    text: calls(STACK, "r0 = *(u32 *)(r1 + 0)"),
    functions: takes(["struct pt_regs *"]),
    message: "R1 invalid mem access 'mem_or_null'",
  },
  {
    name: "memory may be null",
    text: calls(STACK, "r0 = *(u32 *)(r1 + 0)"),
    functions: takes(["int *"]),
    message: "R1 invalid mem access 'mem_or_null'",
  },
  {
    name: "memory is as large as its type",
    text: calls(STACK, "r0 = 0\n  if r1 == 0 goto +1\n  r0 = *(u32 *)(r1 + 4)"),
    functions: takes(["int *"]),
    message: "R1 min value is outside of the allowed memory range",
  },
  {
    name: "memory may be written",
    text: calls(STACK, "r0 = 0\n  if r1 == 0 goto +1\n  *(u32 *)(r1 + 0) = r0"),
    functions: takes(["int *"]),
    message: "",
  },
  {
    name: "memory of a call must be as large",
    text: calls(STACK, "r0 = 0"),
    functions: takes(["int[4] *"]),
    message: INVALID,
  },
  {
    name: "stack that nobody wrote is memory",
    text: calls("r1 = r10\n  r1 += -16", "r0 = 0"),
    functions: takes(["int[4] *"]),
    message: "",
  },
  {
    name: "null will do for memory",
    text: calls("r1 = 0", "r0 = 0"),
    functions: takes(["struct large *"]),
    message: "",
  },
  {
    name: "the context is no memory",
    text: calls("r1 = r6", "r0 = 0"),
    functions: takes(["int *"]),
    message: INVALID,
  },
  {
    name: "what points nowhere has no size",
    text: calls("r1 = 0", "r0 = 0"),
    functions: takes(["void *"]),
    message: INVALID,
  },
  {
    name: "what is only declared has no size",
    text: calls("r1 = 0", "r0 = 0"),
    functions: takes(["struct declared *"]),
    message: INVALID,
  },
  {
    name: "a pointer to a pointer is memory",
    text: calls(STACK, "r0 = 0\n  if r1 == 0 goto +2\n  r1 = *(u64 *)(r1 + 0)\n  r0 = *(u8 *)(r1 + 0)"),
    functions: takes(["int * *"]),
    message: "R1 invalid mem access 'scalar'",
  },
  {
    name: "fractions are not passed",
    text: calls("r1 = 0", "r0 = 0"),
    functions: takes(["float"]),
    message: INVALID,
  },
  {
    name: "six are too many",
    text: calls("r1 = 0", "r0 = 0"),
    functions: takes(["int"], ["int"], ["int"], ["int"], ["int"], ["int"]),
    message: INVALID,
  },
];

const TAGS: readonly Case[] = [
  {
    name: "nonnull: memory that is there",
    text: calls(STACK, "r0 = *(u32 *)(r1 + 0)"),
    functions: takes(["int *", "nonnull"]),
    message: "",
  },
  {
    name: "ctx: anything that it may be",
    text: calls("r1 = r6", "r0 = *(u32 *)(r1 + 0)"),
    functions: takes(["void *", "ctx"]),
    message: "",
  },
  {
    name: "ctx: of another struct",
    text: calls("r1 = r6", "r0 = 0"),
    functions: takes(["struct pt_regs *", "ctx"]),
    message: INVALID,
  },
  {
    name: "ctx: of a struct without a name",
    text: calls("r1 = r6", "r0 = 0"),
    functions: takes(["struct *", "ctx"]),
    message: INVALID,
  },
  {
    name: "ctx: words of a raw tracepoint",
    type: "raw_tracepoint",
    text: calls("r1 = r6", "r0 = *(u64 *)(r1 + 8)"),
    functions: takes(["u64 *", "ctx"]),
    message: "",
  },
  {
    name: "ctx and another",
    text: calls("r1 = r6", "r0 = 0"),
    functions: takes(["void *", "ctx", "nonnull"]),
    message: INVALID,
  },
  {
    name: "nullable alone",
    text: calls("r1 = 0", "r0 = 0"),
    functions: takes(["int *", "nullable"]),
    message: INVALID,
  },
  {
    name: "one that nobody knows",
    text: calls("r1 = 0", "r0 = 0"),
    functions: takes(["int *", "odd"]),
    message: INVALID,
  },
  {
    name: "on a number",
    text: calls("r1 = 0", "r0 = 0"),
    functions: takes(["int", "nonnull"]),
    message: INVALID,
  },
  {
    name: "untrusted: any address, read where it can be",
    text: calls("r1 = 77", "r1 += r1\n  r0 = *(u32 *)(r1 + 4000)"),
    functions: takes(["int *", "untrusted"]),
    message: "R1 pointer += pointer prohibited",
  },
  {
    name: "untrusted: at any distance",
    text: calls("r1 = 77\n  r2 = *(u32 *)(r6 + 0)", "r1 += r2\n  r0 = *(u8 *)(r1 + 4000)"),
    functions: takes(["char *", "untrusted"], ["int"]),
    message: "",
  },
  {
    name: "untrusted: not to be written",
    text: calls("r1 = 77", "r0 = 0\n  *(u32 *)(r1 + 0) = r0"),
    functions: takes(["int *", "untrusted"]),
    message: "R1 cannot write into rdonly_untrusted_mem",
  },
  {
    name: "arena: a number",
    text: calls("r1 = 77", "r0 = r1"),
    functions: takes(["int *", "arena"]),
    message: "",
  },
  {
    name: "arena: no other pointer",
    text: calls("r1 = r6", "r0 = r1"),
    functions: takes(["int *", "arena"]),
    message: INVALID,
  },
];

const CALLER = "main:\n  r6 = r1\n  r1 = 1\n  call f\n  r0 = 0\n  exit\n";

const EFFECTS: readonly Case[] = [
  {
    name: "a result is any number",
    text: "main:\n  r1 = 1\n  call f\n  r1 = r10\n  r1 += r0\n  r0 = 0\n  exit\nf:\n  r0 = 1\n  exit\n",
    functions: takes(["int"]),
    message: "math between fp pointer and register with unbounded min value is not allowed",
  },
  {
    name: "no result, no call",
    text: `${CALLER}f:\n  r0 = r1\n  exit\n`,
    functions: { ...takes(), f: { returns: "void", params: [["int"]] } },
    message: INVALID,
  },
  {
    name: "a pointer as the result, no call",
    text: `${CALLER}f:\n  r0 = r1\n  exit\n`,
    functions: { ...takes(), f: { returns: "int *", params: [["int"]] } },
    message: INVALID,
  },
  {
    name: "a pointer in r0 at the end is no result",
    text: calls("r1 = r6", "r0 = r1"),
    functions: takes(["struct __sk_buff *"]),
    message: "At subprogram exit the register R0 is not a scalar value (ctx)",
  },
  {
    name: "an enumerator is a result",
    text: `${CALLER}f:\n  r0 = r1\n  exit\n`,
    functions: { ...takes(), f: { returns: "choice", params: [["choice"]] } },
    message: "",
  },
  {
    name: "what is called last is judged as well",
    text: `${CALLER}f:\n  call g\n  exit\ng:\n  r0 = r7\n  exit\n`,
    functions: { ...takes(["int"]), g: {} },
    message: "R7 !read_ok",
  },
  {
    name: "what is never called is not judged",
    text: "main:\n  r0 = 0\n  if r0 == 0 goto +1\n  call f\n  exit\nf:\n  r0 = r7\n  exit\n",
    message: "",
  },
  {
    name: "static functions are followed",
    text: "main:\n  r1 = 1\n  call f\n  if r0 == 1 goto +1\n  r0 = r7\n  exit\nf:\n  r0 = r1\n  exit\n",
    functions: { ...takes(), f: { isStatic: true, params: [["int"]] } },
    message: "",
  },
  {
    name: "a packet may have moved behind a function that moves it",
    type: "sched_cls",
    text:
      "main:\n  r6 = r1\n  r7 = *(u32 *)(r1 + 76)\n  r8 = *(u32 *)(r1 + 80)\n  r2 = r7\n  r2 += 4\n  r0 = 0\n" +
      "  if r2 > r8 goto +3\n  call f\n  r0 = *(u32 *)(r7 + 0)\n  r0 = 0\n  exit\n" +
      "f:\n  call g\n  exit\ng:\n  r2 = 0\n  call bpf_skb_pull_data\n  exit\n",
    functions: {
      ...takes(["struct __sk_buff *"]),
      g: { isStatic: true, params: [["struct __sk_buff *"]] },
    },
    message: "R7 invalid mem access 'scalar'",
  },
  {
    name: "and has not behind one that does not",
    type: "sched_cls",
    text:
      "main:\n  r6 = r1\n  r7 = *(u32 *)(r1 + 76)\n  r8 = *(u32 *)(r1 + 80)\n  r2 = r7\n  r2 += 4\n  r0 = 0\n" +
      "  if r2 > r8 goto +3\n  call f\n  r0 = *(u32 *)(r7 + 0)\n  r0 = 0\n  exit\n" +
      "f:\n  r2 = 3\n  call bpf_skb_change_type\n  exit\n",
    functions: takes(["struct __sk_buff *"]),
    message: "",
  },
  {
    name: "a function that may sleep is for programs that may",
    type: "kprobe",
    text: `${CALLER}f:\n  r1 = r10\n  r1 += -8\n  r2 = 8\n  r3 = 0\n  call bpf_copy_from_user\n  exit\n`,
    functions: takes(["int"]),
    message: "a non-sleepable BPF program context",
  },
  {
    name: "a helper calls back static functions only",
    text: "main:\n  r1 = 4\n  r2 = subprog[f]\n  r3 = 0\n  r4 = 0\n  call bpf_loop\n  r0 = 0\n  exit\nf:\n  r0 = 0\n  exit\n",
    message: "callback function not static",
  },
  {
    name: "frames of global functions count for the stack's depth",
    text:
      "main:\n  r1 = 0\n  *(u64 *)(r10 - 304) = r1\n  call f\n  r0 = 0\n  exit\n" +
      "f:\n  r1 = 0\n  *(u64 *)(r10 - 304) = r1\n  r0 = 0\n  exit\n",
    message: "combined stack size of 2 calls is 608. Too large",
  },
  {
    name: "eight frames are the most",
    text:
      "main:\n  call f1\n  exit\n" +
      [1, 2, 3, 4, 5, 6, 7].map((n) => `f${n}:\n  call f${n + 1}\n  exit\n`).join("") +
      "f8:\n  r0 = 0\n  exit\n",
    message: "the call stack of 8 frames is too deep !",
  },
  {
    name: "a number that decides is precise at a function's start",
    text: calls(
      "r1 = *(u32 *)(r6 + 0)",
      "r2 = r10\n  r3 = 0\n  *(u64 *)(r10 - 8) = r3\n  if r1 > 7 goto +4\n  r2 += -8\n  r2 += r1\n  r0 = *(u8 *)(r2 + 0)\n  goto +1\n  r0 = 0",
    ),
    functions: takes(["u64"]),
    message: "",
  },
];

const SLEEPABLE = 16; // BPF_F_SLEEPABLE
const SLEEPS =
  "f:\n  r1 = r10\n  r1 += -8\n  r2 = 8\n  r3 = 0\n  call bpf_copy_from_user\n  r0 = 0\n  exit\n";

/** Main programs that hold something across the call of `f`, which calls a function of the kernel. */
const KERNEL_CALLS: readonly (Case & { readonly flags?: number })[] = [
  {
    name: "a packet may have moved behind a function that calls one of the kernel's that moves it",
    type: "xdp",
    text:
      "main:\n  r6 = r1\n  r7 = *(u32 *)(r1 + 0)\n  r8 = *(u32 *)(r1 + 4)\n  r2 = r7\n  r2 += 4\n  r0 = 2\n" +
      "  if r2 > r8 goto +3\n  call f\n  r0 = *(u32 *)(r7 + 0)\n  r0 = 2\n  exit\n" +
      "f:\n  r2 = 0\n  call kfunc#bpf_xdp_pull_data\n  r0 = 0\n  exit\n",
    functions: { f: { params: [["void *", "ctx"]] } },
    message: "R7 invalid mem access 'scalar'",
  },
  {
    name: "a function that calls one of the kernel's that sleeps is for programs that may",
    type: "xdp",
    text: `${CALLER}f:\n  r1 = r10\n  r1 += -8\n  r2 = 8\n  r3 = 0\n  r4 = 0\n  call kfunc#bpf_copy_from_user_str\n  r0 = 0\n  exit\n`,
    functions: { f: { params: [["int"]] } },
    message: "a non-sleepable BPF program context",
  },
  {
    name: "and not for sections of RCU, even of those",
    type: "syscall",
    flags: SLEEPABLE,
    text: `main:\n  call kfunc#bpf_rcu_read_lock\n  r1 = 1\n  call f\n  call kfunc#bpf_rcu_read_unlock\n  r0 = 0\n  exit\n${SLEEPS}`,
    functions: { f: { params: [["int"]] } },
    message: "a non-sleepable BPF program context",
  },
  {
    name: "but for the rest of such a program",
    type: "syscall",
    flags: SLEEPABLE,
    text: `main:\n  call kfunc#bpf_rcu_read_lock\n  call kfunc#bpf_rcu_read_unlock\n  r1 = 1\n  call f\n  r0 = 0\n  exit\n${SLEEPS}`,
    functions: { f: { params: [["int"]] } },
    message: "",
  },
];

const lastLine = (text: string): string => text.slice(text.lastIndexOf("\n") + 1);
const CASES = [...ARGUMENTS, ...TAGS, ...EFFECTS];

function judgeCase(each: Case): { isAccepted: boolean; message: string } {
  const { isAccepted, message } = judge(typedProgram(each));
  return { isAccepted, message: lastLine(message) };
}

describe("global functions", () => {
  it.each(CASES.map((each) => [each.name, each] as const))("%s", (_, each) => {
    expect(judgeCase(each)).toEqual({ isAccepted: each.message === "", message: each.message });
  });

  it.each(KERNEL_CALLS.map((each) => [each.name, each] as const))("%s", (_, each) => {
    const program = typedProgram({ ...each, text: withIds(SMALL_BTF, each.text) });
    const { isAccepted, message } = judge(program, { kernelBtf: SMALL_BTF, flags: each.flags ?? 0 });
    expect([isAccepted, lastLine(message)]).toEqual([each.message === "", each.message]);
  });

  it("say in the log what is assumed, and what was found to hold", () => {
    const program = typedProgram({
      text: `${CALLER}f:\n  r0 = r1\n  exit\n`,
      functions: takes(["int"]),
    });
    const { log } = judge(program, { logLevel: 2 });
    expect(log).toContain("\nFunc#1 ('f') is global and assumed valid.\n");
    expect(log).toContain("\nValidating f() func#1...\n5: R1=scalar() R10=fp0\n");
    expect(log).toContain("\nFunc#1 ('f') is safe for any args that match its prototype\n");
  });

  it("are told why a prototype cannot be understood", () => {
    const why = (functions: Record<string, Declaration>): string =>
      judge(typedProgram({ text: calls("r1 = 0", "r0 = 0"), functions })).message.split("\n")[0];
    expect(why(takes(["void *"]))).toBe("arg#0 reference type('UNKNOWN ') size cannot be determined: -22");
    expect(why(takes(["int *", "odd"]))).toBe("arg#0 has unsupported set of tags");
    expect(why(takes(["float"]))).toBe("Arg#0 type FLOAT in f() is not supported yet.");
    expect(why(takes(["struct pt_regs *", "ctx"]))).toBe("arg#0 should be `struct __sk_buff *`");
  });
});

const missing = kernelUnavailable();
if (missing !== undefined) console.log(`skipped: ${missing}`);

describe.skipIf(missing !== undefined)("the running kernel on global functions", () => {
  const session = missing === undefined ? new KernelSession() : undefined;
  afterAll(() => session?.close());

  it.each(CASES.map((each) => [each.name, each] as const))("%s", (_, each) => {
    const verdict = session?.load(typedProgram(each), { logLevel: 1 });
    verdict?.program?.close();
    expect({ isAccepted: verdict?.isAccepted, message: verdict?.message }).toEqual({
      isAccepted: each.message === "",
      message: each.message,
    });
  });

  const kernelCalls = KERNEL_CALLS.map((each) => [each.name, each] as const);
  it.skipIf(noLiveKernel !== undefined).each(kernelCalls)("%s", (_, each) => {
    const [kernelBtf, flags] = [liveBtf(), each.flags ?? 0];
    const program = typedProgram({ ...each, text: withIds(kernelBtf, each.text) });
    const verdict = session?.load(program, { kernelBtf, flags, logLevel: 1 });
    verdict?.program?.close();
    expect([verdict?.isAccepted, verdict?.message]).toEqual([each.message === "", each.message]);
  });
});
