// What the kernel's BTF decides: contexts of programs that attach to its functions, walks through its structs, its
// variables, fields of maps. Judged with a small kernel (support/kernel-btf.ts), and where bpf(2) is allowed beside the
// running kernel, with that one's types.

import { afterAll, describe, expect, it } from "vitest";
import { ATTACH_TYPES, type AttachType } from "../dist/src/attach-types.js";
import type { Btf } from "../dist/src/btf/btf.js";
import { load, type MapSpec } from "../dist/src/index.js";
import { KernelSession } from "../dist/src/kernel.js";
import { judge, type VerifyOptions } from "../dist/src/verifier/verify.js";
import { kernelBtf } from "./support/kernel-btf.ts";
import { liveBtf, noLiveKernel } from "./support/live-kernel.ts";
import { type Declaration, typedProgram } from "./support/typed-program.ts";
import { contextProgram, contextTargets, randomWalk, registersOf } from "./support/walks.ts";

const lastLine = (text: string): string => text.slice(text.lastIndexOf("\n") + 1);

interface Options {
  readonly type?: "tracing" | "lsm" | "raw_tracepoint" | "socket_filter";
  readonly attach?: AttachType;
  readonly to?: string;
  readonly isSleepable?: true;
  readonly maps?: Readonly<Record<string, MapSpec>>;
  readonly license?: string;
  readonly caps?: "all" | "bpf";
}

/** Why a program is rejected; "" when it is not. Attached to the tracepoint `sched_thing` unless it says otherwise. */
function reason(text: string, options: Options = {}): string {
  const {
    type = "tracing",
    attach = "trace_raw_tp",
    to = "sched_thing",
    maps = {},
    license = "GPL",
  } = options;
  const [program] = load(text, { type, maps, license }).programs.values();
  const verdict = judge(program, {
    attachType: type === "tracing" || type === "lsm" ? ATTACH_TYPES[attach] : 0,
    attachTo: to,
    kernelBtf,
    flags: options.isSleepable ? 16 : 0,
    caps: options.caps ?? "all",
  });
  return lastLine(verdict.message);
}

const END = "\nr0 = 0\nexit";
/** The task that the tracepoint's second argument is, in r6. */
const TASK = "r6 = *(u64 *)(r1 + 8)\n";

describe("contexts that BTF describes", () => {
  it("are eight bytes for each argument", () => {
    expect(reason(`r2 = *(u64 *)(r1 + 0)${END}`)).toBe("");
    expect(reason(`r2 = *(u8 *)(r1 + 0)${END}`)).toBe("");
    expect(reason(`r2 = *(u64 *)(r1 + 16)${END}`)).toBe("");
    expect(reason(`r2 = *(u64 *)(r1 + 40)${END}`)).toBe("invalid bpf_context access off=40 size=8");
    expect(reason(`r2 = *(u32 *)(r1 + 4)${END}`)).toBe("invalid bpf_context access off=4 size=4");
    expect(reason(`r2 = *(u32 *)(r1 + 8)${END}`)).toBe("invalid bpf_context access off=8 size=4");
    expect(reason(`*(u64 *)(r1 + 0) = 1${END}`)).toBe("invalid bpf_context access off=0 size=8");
  });

  it("hold numbers, pointers to structs, and pointers that nobody may follow", () => {
    expect(reason(`${TASK}r0 = *(u32 *)(r6 + 0)${END}`)).toBe("");
    expect(reason(`r6 = *(u64 *)(r1 + 0)\nr0 = *(u32 *)(r6 + 0)${END}`)).toBe(
      "R6 invalid mem access 'scalar'",
    );
    expect(reason(`r6 = *(u64 *)(r1 + 16)\nr0 = *(u32 *)(r6 + 0)${END}`)).toBe(
      "R6 invalid mem access 'scalar'",
    );
    expect(reason(`r6 = *(u64 *)(r1 + 24)${END}`)).toBe("invalid bpf_context access off=24 size=8");
  });

  it("hold pointers that may be null where the parameter's name says so", () => {
    const text = `r6 = *(u64 *)(r1 + 0)\nr0 = *(u32 *)(r6 + 0)${END}`;
    expect(reason(text, { to: "odd_thing" })).toBe("R6 invalid mem access 'trusted_ptr_or_null_'");
    const checked = `r6 = *(u64 *)(r1 + 0)\nif r6 == 0 goto +1\nr0 = *(u32 *)(r6 + 0)${END}`;
    expect(reason(checked, { to: "odd_thing" })).toBe("");
  });

  it("of iterators are null at the end", () => {
    const options: Options = { attach: "trace_iter", to: "task" };
    expect(reason(`${TASK}r0 = *(u32 *)(r6 + 0)${END}`, options)).toBe(
      "R6 invalid mem access 'trusted_ptr_or_null_'",
    );
    expect(reason(`r6 = *(u64 *)(r1 + 0)\nr6 = *(u64 *)(r6 + 0)\nr0 = *(u64 *)(r6 + 0)${END}`, options)).toBe(
      "",
    );
    expect(reason("r0 = 2\nexit", options)).toBe(
      "At program exit the register R0 has smin=2 smax=2 should have been in [0, 1]",
    );
  });

  it("of functions end with the result, for programs that run behind them", () => {
    const result = `r2 = *(u64 *)(r1 + 16)${END}`;
    expect(reason(result, { attach: "trace_fexit", to: "do_work" })).toBe("");
    expect(reason(result, { attach: "modify_return", to: "do_work" })).toBe("");
    expect(reason(result, { attach: "trace_fentry", to: "do_work" })).toBe(
      "invalid bpf_context access off=16 size=8",
    );
    expect(reason("r0 = 1\nexit", { attach: "trace_fentry", to: "do_work" })).toBe(
      "At program exit the register R0 has smin=1 smax=1 should have been in [0, 0]",
    );
    expect(reason("r0 = 1\nexit", { attach: "modify_return", to: "do_work" })).toBe("");
  });

  it("of functions are not trusted, and nor is what is read through them", () => {
    const options: Options = { attach: "trace_fentry", to: "do_work" };
    const socket = "r1 = *(u64 *)(r1 + 0)\nr1 = *(u64 *)(r1 + 8)\n";
    expect(reason(`${socket}r0 = *(u32 *)(r1 + 16)${END}`, options)).toBe("");
  });

  it("of LSM hooks leave the result to the hook", () => {
    const check: Options = { type: "lsm", attach: "lsm_mac", to: "task_check" };
    expect(reason("r0 = 0\nexit", check)).toBe("");
    expect(reason("r0 = -4095\nexit", check)).toBe("");
    expect(reason("r0 = 1\nexit", check)).toMatch(/should have been in \[-4095, 0\]$/);
    expect(reason("r0 = *(u64 *)(r1 + 8)\nexit", check)).toBe("");
    const nothing: Options = { type: "lsm", attach: "lsm_mac", to: "task_thing" };
    expect(reason("exit", nothing)).toBe("");
    expect(reason("r0 = 7\nexit", nothing)).toBe("");
  });

  it("need something to attach to", () => {
    expect(reason("r0 = 0\nexit", { to: "nothing_at_all" })).toBe("Tracing programs must provide btf_id");
  });
});

describe("walks through structs", () => {
  it("reach numbers, alone and in arrays, but not beyond them", () => {
    expect(reason(`${TASK}r0 = *(u64 *)(r6 + 8)${END}`)).toBe("");
    expect(reason(`${TASK}r0 = *(u64 *)(r6 + 20)${END}`)).toBe(
      "access beyond the end of member comm (mend:24) in struct task_struct with off 20 size 8",
    );
    expect(reason(`${TASK}r0 = *(u32 *)(r6 + 4)${END}`)).toBe(
      "struct task_struct doesn't have field at offset 4",
    );
    expect(reason(`${TASK}r0 = *(u32 *)(r6 + 96)${END}`)).toBe("");
  });

  it("end where the struct does, unless that ends with an array of any length", () => {
    expect(reason(`${TASK}r0 = *(u32 *)(r6 + 4000)${END}`)).toBe("");
    const socket = `${TASK}r6 = *(u64 *)(r6 + 128)\n`;
    expect(reason(`${socket}r0 = *(u64 *)(r6 + 12)${END}`)).toBe(
      "access beyond struct socket at off 12 size 8",
    );
  });

  it("read pointers whole", () => {
    expect(reason(`${TASK}r0 = *(u32 *)(r6 + 24)${END}`)).toBe(
      "cannot access ptr member parent with moff 24 in struct task_struct with off 24 size 4",
    );
    expect(reason(`${TASK}r0 = *(u64 *)(r6 + 80)\nr0 = *(u32 *)(r0 + 0)${END}`)).toBe("");
    expect(reason(`${TASK}r0 = *(u64 *)(r6 + 84)${END}`)).toBe(
      "cannot access ptr member names with moff 80 in struct task_struct with off 84 size 8",
    );
  });

  it("know what the kernel's tags say of a pointer", () => {
    const through = (off: number): string =>
      reason(`${TASK}r0 = *(u64 *)(r6 + ${off})\nr0 = *(u32 *)(r0 + 0)${END}`);
    expect(through(40)).toBe("R0 invalid mem access 'rcu_ptr_or_null_'");
    expect(through(48)).toBe("R0 is ptr_counters access percpu memory: off=0");
    expect(through(56)).toBe("R0 is ptr_css_set access user memory: off=0");
  });

  it("read through other pointers where they can, and write through none", () => {
    const other = `${TASK}r7 = *(u64 *)(r6 + 120)\n`;
    expect(reason(`${other}r7 += 100000\nr0 = *(u32 *)(r7 + 8)${END}`)).toBe("");
    expect(reason(`${other}*(u32 *)(r7 + 8) = 0${END}`)).toBe("R7 cannot write into rdonly_untrusted_mem");
    expect(reason(`${TASK}*(u32 *)(r6 + 0) = 0${END}`)).toBe("only read is supported");
  });

  it("go from a fixed place", () => {
    expect(reason(`${TASK}r0 = *(u32 *)(r6 - 4)${END}`)).toBe(
      "R6 is ptr_task_struct invalid negative access: off=-4",
    );
    expect(reason(`${TASK}r2 = *(u64 *)(r1 + 0)\nr2 &= 8\nr6 += r2\nr0 = *(u32 *)(r6 + 0)${END}`)).toBe(
      "R6 is ptr_task_struct invalid variable offset: off=0, var_off=(0x0; 0x8)",
    );
  });

  it("are for those who may see pointers, and for the GPL's", () => {
    const text = `r6 = *(u64 *)(r1 + 8)\nr0 = *(u32 *)(r6 + 0)${END}`;
    expect(reason(text, { caps: "bpf" })).toMatch(
      /'struct task_struct' access is allowed only to CAP_PERFMON/,
    );
    expect(reason(text, { license: "MIT" })).toBe(
      "Cannot access kernel 'struct task_struct' from non-GPL compatible program",
    );
  });

  it("trust what the kernel lists, and nothing that was found in a union", () => {
    const storage: MapSpec = {
      name: "tasks",
      type: 29,
      keySize: 4,
      valueSize: 8,
      maxEntries: 0,
      flags: 1,
    };
    const store = (find: string): string => {
      const call = "r1 = tasks ll\nr2 = r7\nr3 = 0\nr4 = 1\ncall bpf_task_storage_get";
      return reason(`${TASK}r7 = ${find}\n${call}${END}`, { maps: { tasks: storage } });
    };
    expect(store("r6")).toBe("");
    expect(store("*(u64 *)(r6 + 32)")).toBe("");
    // No list says so of this one, but helpers take what they always took.
    expect(store("*(u64 *)(r6 + 24)")).toBe("");
    expect(store("*(u64 *)(r6 + 64)")).toBe("R2 type=untrusted_ptr_ expected=ptr_, trusted_ptr_, rcu_ptr_");
    expect(store("*(u64 *)(r6 + 128)")).toBe("R2 is of type socket but task_struct is expected");
    expect(store("*(u64 *)(r1 + 0)")).toBe("R2 type=scalar expected=ptr_, trusted_ptr_, rcu_ptr_");
  });
});

describe("the kernel's variables", () => {
  const idOf = (name: string): number =>
    (kernelBtf.findByName(name, "var") ?? kernelBtf.findByName(name))?.id ?? 0;
  const raw = (text: string): string => reason(text, { type: "raw_tracepoint" });
  const symbol = (name: string): string => `r1 = btf[id:${idOf(name)}][fd:0]\n`;

  it("are memory, or structs", () => {
    expect(raw(`${symbol("limit")}r0 = *(u64 *)(r1 + 0)${END}`)).toBe("");
    expect(raw(`${symbol("limit")}r0 = *(u64 *)(r1 + 8)${END}`)).toMatch(
      /outside of the allowed memory range$/,
    );
    expect(raw(`${symbol("limit")}*(u64 *)(r1 + 0) = 1${END}`)).toBe("R1 cannot write into rdonly_mem");
    expect(raw(`${symbol("init_task")}r0 = *(u32 *)(r1 + 0)${END}`)).toBe("");
  });

  it("have bits that are read with all of the bytes that they lie in", () => {
    expect(raw(`${symbol("mode")}r0 = *(u32 *)(r1 + 0)${END}`)).toBe("");
    expect(raw(`${symbol("mode")}r0 = *(u8 *)(r1 + 0)${END}`)).toBe("");
    expect(raw(`${symbol("mode")}r0 = *(u8 *)(r1 + 1)${END}`)).toBe(
      "struct flags doesn't have field at offset 1",
    );
  });

  it("of each CPU are reached through helpers", () => {
    const access = "r0 = *(u64 *)(r0 + 0)";
    expect(raw(`${symbol("counters")}r0 = *(u64 *)(r1 + 0)${END}`)).toBe(
      "R1 is ptr_counters access percpu memory: off=0",
    );
    expect(raw(`${symbol("counters")}call bpf_this_cpu_ptr\n${access}${END}`)).toBe("");
    expect(raw(`${symbol("counters")}r2 = 0\ncall bpf_per_cpu_ptr\n${access}${END}`)).toBe(
      "R0 invalid mem access 'ptr_or_null_'",
    );
    expect(raw(`${symbol("ticks")}call bpf_this_cpu_ptr\nr0 = *(u32 *)(r0 + 0)${END}`)).toBe("");
    expect(raw(`${symbol("ticks")}call bpf_this_cpu_ptr\n${access}${END}`)).toMatch(/memory range$/);
    expect(raw(`${symbol("limit")}call bpf_this_cpu_ptr${END}`)).toBe(
      "R1 type=rdonly_mem expected=percpu_ptr_, percpu_rcu_ptr_, percpu_trusted_ptr_",
    );
  });

  it("are variables and functions, nothing else", () => {
    expect(raw(`r1 = btf[id:${idOf("task_struct")}][fd:0]${END}`)).toBe(
      `pseudo btf_id ${idOf("task_struct")} in ldimm64 isn't KIND_VAR or KIND_FUNC`,
    );
    expect(raw(`r1 = btf[id:99999][fd:0]${END}`)).toBe("ldimm64 insn specifies invalid btf_id 99999.");
  });
});

describe("fields of maps", () => {
  const numbers: MapSpec = { name: "numbers", type: 2, keySize: 4, valueSize: 8, maxEntries: 4, flags: 0 };
  const read = (access: string): string =>
    reason(`r1 = numbers ll\n${access}${END}`, { type: "socket_filter", maps: { numbers } });

  it("are read, and not written", () => {
    expect(read("r0 = *(u32 *)(r1 + 40)")).toBe("");
    expect(read("r0 = *(u32 *)(r1 + 64)")).toBe("");
    expect(read("r0 = *(u64 *)(r1 + 32)\nr0 = *(u64 *)(r0 + 0)")).toBe("");
    expect(read("r0 = *(u32 *)(r1 + 33)")).toBe(
      "cannot access ptr member ops with moff 32 in struct bpf_map with off 33 size 4",
    );
    expect(read("r0 = *(u32 *)(r1 - 4)")).toBe("R1 is bpf_array invalid negative access: off=-4");
    expect(read("*(u32 *)(r1 + 40) = 1")).toBe("only read from bpf_array is supported");
  });
});

describe("parameters with the kernel's structs", () => {
  const why = (prepare: string, body: string, ...f: [string, ...string[]]): string => {
    const functions: Record<string, Declaration> = { main: { params: [["u64 *"]] }, f: { params: [f] } };
    const text = `main:\n  r6 = r1\n  ${prepare}\n  call f\n  r0 = 0\n  exit\nf:\n  ${body}\n  exit\n`;
    const program = typedProgram({ type: "tracing", text, functions, attachTo: "sched_thing" });
    const options: VerifyOptions = { attachType: ATTACH_TYPES.trace_raw_tp, kernelBtf };
    return judge(program, options).message.split("\n")[0];
  };
  const READ = "r0 = *(u32 *)(r1 + 0)";

  it("are trusted where they are said to be", () => {
    expect(why("r1 = *(u64 *)(r6 + 8)", READ, "struct task_struct *", "trusted")).toBe("");
    expect(why("r1 = 0", READ, "struct task_struct *", "trusted")).toBe(
      "R1 type=scalar expected=ptr_, trusted_ptr_, rcu_ptr_",
    );
    expect(why("r1 = 0", READ, "struct task_struct *", "trusted", "nullable")).toBe(
      "R1 invalid mem access 'trusted_ptr_or_null_'",
    );
    expect(why("r1 = 0", "r0 = 0", "struct task_struct *", "trusted", "nullable")).toBe("");
    expect(
      why("r1 = *(u64 *)(r6 + 8)\nr1 = *(u64 *)(r1 + 128)", READ, "struct task_struct *", "trusted"),
    ).toBe("R1 is of type socket but task_struct is expected");
  });

  it("may be anything where they are not trusted", () => {
    expect(why("r1 = 5", READ, "struct task_struct *", "untrusted")).toBe("");
    expect(why("r1 = 5", "r0 = *(u32 *)(r1 + 4)", "struct task_struct *", "untrusted")).toBe(
      "struct task_struct doesn't have field at offset 4",
    );
  });

  it("are those that the kernel has", () => {
    expect(why("r1 = 0", "r0 = 0", "struct nobody *", "trusted")).toMatch(/nobody/);
  });
});

if (noLiveKernel !== undefined) console.log(`skipped: ${noLiveKernel}`);

const WALKS = Number(process.env.TRACEBEE_PROGRAMS ?? 1000);
const SEED = Number(process.env.TRACEBEE_SEED ?? 1);

describe.skipIf(noLiveKernel !== undefined)("the running kernel, judged beside with its own types", () => {
  const session = noLiveKernel === undefined ? new KernelSession() : undefined;
  const running = noLiveKernel === undefined ? liveBtf() : undefined;
  afterAll(() => session?.close());

  /** Verdict, last message and what every instruction left in its registers, of the kernel and of us. */
  function both(program: Parameters<KernelSession["load"]>[0], options: Omit<VerifyOptions, "kernelBtf">) {
    const all = { ...options, kernelBtf: running as Btf, logLevel: 2 };
    const theirs = session?.load(program, all);
    theirs?.program?.close();
    const ours = judge(program, all);
    return [
      `${theirs?.isAccepted} ${theirs?.message}\n${registersOf(theirs?.log ?? "")}`,
      `${ours.isAccepted} ${lastLine(ours.message)}\n${registersOf(ours.log)}`,
    ];
  }

  it("has the same contexts for all its raw tracepoints and iterators", { timeout: 120_000 }, () => {
    const targets = contextTargets(running as Btf);
    expect(targets.length).toBeGreaterThan(100);
    const wrong = targets.flatMap(({ attachTo, attachType, words }) =>
      Array.from({ length: words + 1 }, (_, index) => index * 8).flatMap((off) => {
        const [theirs, ours] = both(contextProgram(off), { attachTo, attachType });
        return theirs === ours ? [] : [`${attachTo} at ${off}: ${ours}, not ${theirs}`];
      }),
    );
    expect(wrong).toEqual([]);
  });

  it("finds the same on random walks through its structs", { timeout: 60_000 + 50 * WALKS }, () => {
    const wrong = Array.from({ length: WALKS }, (_, index) => SEED + index).flatMap((seed) => {
      const { program, ...options } = randomWalk(running as Btf, seed);
      const [theirs, ours] = both(program, options);
      return theirs === ours ? [] : [`seed ${seed}: ${ours}, not ${theirs}`];
    });
    expect(wrong.slice(0, 5)).toEqual([]);
  });
});
