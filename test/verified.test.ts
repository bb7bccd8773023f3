// What may run: verified programs without tests at run time, others checked and only when asked. What the proof says, and
// what engines make of it.

import { describe, expect, it } from "vitest";
import {
  defineHelper,
  EventBatch,
  type InstantiateOptions,
  instantiate,
  load,
  Runtime,
  TracepointTable,
  testRun,
  VerifierError,
  verify,
} from "../dist/src/index.js";
import { CHECKING_ENGINES, ENGINE_NAMES, thrown } from "./support/engines.ts";
import { COMMON_FIELDS } from "./support/format-text.ts";
import { kernelBtf } from "./support/kernel-btf.ts";

const only = (text: string, type?: "xdp" | "tracepoint" | "raw_tracepoint" | "syscall") => {
  const { programs } = load(text, type === undefined ? {} : { type });
  const [program] = programs.values();
  if (program === undefined) throw new Error("no program");
  return program;
};

const FORMAT = `name: tick
ID: 7
${COMMON_FIELDS}\tfield:u64 count;\toffset:8;\tsize:8;\tsigned:0;

print fmt: "%llu", REC->count
`;

describe.each(ENGINE_NAMES)("programs (%s)", (engine) => {
  const make = (text: string, options: InstantiateOptions = {}, runtime = new Runtime()) =>
    instantiate(runtime, load(text), { engine, ...options });

  it("that are not safe are rejected, with an explanation", () => {
    const text = ".section xdp\nr2 = *(u32 *)(r1 + 0)\nr0 = *(u8 *)(r2 + 0)\nexit";
    const error = thrown(() => make(text)) as unknown as VerifierError;
    expect(error).toBeInstanceOf(VerifierError);
    expect(error).toMatchObject({ code: "rejected", slot: 1, errno: 13 });
    expect(error.explanation).toContain("remedy: bounds check against data_end");
  });

  it.runIf(CHECKING_ENGINES.includes(engine))("that are not safe run checked when asked", () => {
    const text = ".section tracepoint/test/tick\nr0 = *(u64 *)(r1 + 3)\nexit";
    expect(thrown(() => make(text))).toBeInstanceOf(VerifierError);
    const { program } = make(text, { checked: true });
    expect(program.run(Uint8Array.from({ length: 11 }, (_, index) => index))).toBe(0x0a09080706050403n);
    expect(thrown(() => program.run(new Uint8Array(10)))).toMatchObject({ name: "TrapError", code: "read" });
  });

  it("are judged as their sections say", () => {
    const device = ".section xdp/devmap\nr0 = *(u32 *)(r1 + 20)\nexit";
    expect(thrown(() => make(device.replace("/devmap", "")))).toBeInstanceOf(VerifierError);
    make(device).close();
  });

  it("get a context of at least the size that they were proved to read", () => {
    const { program, runtime } = make(".section raw_tracepoint/tick\nr0 = *(u64 *)(r1 + 16)\nexit");
    expect(program.contextSize).toBe(24);
    const context = new Uint8Array(24).fill(1, 16);
    expect(program.run(context)).toBe(0x0101010101010101n);
    expect(thrown(() => program.run(context.subarray(0, 23)))).toMatchObject({
      name: "RangeError",
      message: "program raw_tracepoint/tick: expected a context of at least 24 bytes, got 23",
    });
    const batch = new EventBatch(runtime, 2);
    const long = runtime.allocateBuffer(24);
    batch.add(long.address, 24);
    batch.add(long.address, 16);
    expect(thrown(() => program.runBatch(batch)).message).toBe(
      "event 1: program raw_tracepoint/tick: expected a context of at least 24 bytes, got 16",
    );
    batch.clear();
    batch.add(long.address, 24);
    expect(program.runBatch(batch)).toEqual({ completed: 1 });
  });

  it("are not attached where records are shorter than what they read", () => {
    const runtime = new Runtime();
    const table = new TracepointTable(runtime);
    const tick = table.define(FORMAT, "test");
    const reading = (off: number) =>
      make(`.section tracepoint/test/tick\nr0 = *(u32 *)(r1 + ${off})\nexit`, {}, runtime).program;
    tick.attach(reading(12));
    expect(thrown(() => tick.attach(reading(16))).message).toBe(
      "test:tick: expected a program that reads at most the 16 bytes of its fields, got tracepoint/test/tick, which reads 20",
    );
  });

  it("get no addresses from the caller's bytes, but a context that is made for them", () => {
    const text = `.section xdp
      r2 = *(u32 *)(r1 + 4)
      r3 = *(u32 *)(r1 + 0)
      r0 = r3
      r0 += 14
      if r0 > r2 goto short
      r0 = *(u8 *)(r3 + 13)
      *(u8 *)(r3 + 0) = 9
      exit
    short:
      r0 = 1
      exit`;
    const { program } = make(text);
    expect(thrown(() => program.run(new Uint8Array(24)))).toBeInstanceOf(TypeError);
    const packet = new Uint8Array(20).fill(2, 13);
    const result = testRun(program, { data: packet }, { repeat: 3 });
    expect(result).toMatchObject({ returned: 2, context: undefined });
    expect([...result.data.subarray(0, 2)]).toEqual([9, 0]);
    expect(result.duration).toBeGreaterThan(0);
  });

  it("find zeros in stack that nobody wrote, whoever used it before", () => {
    const runtime = new Runtime();
    const dirty = make(".section syscall\n*(u64 *)(r10 - 24) = -1\nr0 = 0\nexit", {}, runtime).program;
    const reader = make(".section syscall\nr0 = *(u64 *)(r10 - 24)\nexit", {}, runtime).program;
    const callee = `.section syscall
      .globl entry
      entry:
        *(u64 *)(r10 - 8) = -1
        call inner
        exit
      inner:
        r0 = *(u64 *)(r10 - 8)
        exit`;
    const caller = make(callee, {}, runtime).program;
    for (let round = 0; round < 2; round++) {
      dirty.run();
      expect([reader.run(), caller.run()]).toEqual([0n, 0n]);
    }
  });

  it("see the values of constants that were set before they were verified", () => {
    const text = `.section syscall
        r1 = limit ll
        r1 = *(u32 *)(r1 + 0)
        if r1 == 7 goto bad
        r0 = r1
        exit
      bad:
        r0 = *(u64 *)(r1 + 0)
        exit
      .section .rodata
      limit: .long 7`;
    expect(thrown(() => make(text)).message).toContain("R1 invalid mem access 'scalar'");
    const runtime = new Runtime();
    const nine = make(text, { variables: { limit: 9 } }, runtime);
    expect(nine.program.run()).toBe(9n);
    // A map that is shared brings its own values along.
    const shared = nine.maps.get(".rodata");
    if (shared === undefined) throw new Error("no map");
    expect(make(text, { maps: { ".rodata": shared } }, runtime).program.run()).toBe(9n);
  });

  it.skipIf(CHECKING_ENGINES.includes(engine))("do not run checked where the engine cannot", () => {
    const runtime = new Runtime();
    const { used } = runtime.heap;
    const error = thrown(() => make("r0 = r2\nexit", { checked: true }, runtime));
    expect(error).toMatchObject({ name: "LoadError", code: "unsupported" });
    expect(error.message).toContain("no checked mode: take wasm or ts");
    expect(runtime.heap.used).toBe(used);
  });

  it.runIf(CHECKING_ENGINES.includes(engine))("of type raw run checked, or not at all", () => {
    expect(thrown(() => make("r0 = r2\nexit")).message).toContain("it can only run checked");
    expect(make("r0 = r2\nexit", { checked: true }).program.run(new Uint8Array(5))).toBe(5n);
  });

  it("call the helpers that a user defined by their declared signature", () => {
    const runtime = new Runtime();
    const seen: unknown[] = [];
    defineHelper(runtime, {
      id: 70_000,
      name: "note",
      args: ["mem", "size", "i32"],
      body(bytes, size, code) {
        seen.push([...bytes], size, code);
        return code * 2;
      },
    });
    const text = (size: number, value: string): string => `.section syscall
      *(u32 *)(r10 - 4) = 0x01020304
      r1 = r10
      r1 += -4
      r2 = ${size}
      r3 = ${value}
      call 70000
      exit`;
    expect(make(text(4, "-3"), {}, runtime).program.run()).toBe(0xffff_ffff_ffff_fffan);
    expect(seen).toEqual([[4, 3, 2, 1], 4, -3]);
    expect(thrown(() => make(text(5, "1"), {}, runtime)).message).toContain(
      "invalid read from stack R1 off=-4 size=5",
    );
    expect(thrown(() => make(text(4, "1"))).message).toContain("invalid func unknown#70000");
  });
});

describe.each(ENGINE_NAMES)("loads from kernel objects (%s)", (engine) => {
  const runtime = new Runtime();
  /** A task, of whose 160 bytes only the first 24 can be read; the parent is what lies at 24. */
  const task = runtime.allocateBuffer(32);
  const { memory } = runtime;

  /** Runs one load of the task that a tracepoint's second argument is. */
  function run(insn: string, address: bigint): bigint {
    const text = `.section tp_btf/sched_thing\nr6 = *(u64 *)(r1 + 8)\nr0 = 7\n${insn}\nexit`;
    const { program } = instantiate(runtime, load(text, { license: "GPL" }), {
      engine,
      verify: { kernelBtf },
    });
    const context = new Uint8Array(40);
    new DataView(context.buffer).setBigUint64(8, address, true);
    const result = program.run(context);
    program.close();
    return result;
  }

  it("are what is there, with its sign where that is asked for", () => {
    memory.fill(task.address, 0xf1, 32);
    const at = BigInt(task.address);
    expect(run("r0 = *(u32 *)(r6 + 0)", at)).toBe(0xf1f1f1f1n);
    expect(run("r0 = *(s32 *)(r6 + 0)", at)).toBe(0xffff_ffff_f1f1_f1f1n);
    expect(run("r0 = *(u8 *)(r6 + 9)", at)).toBe(0xf1n);
    expect(run("r0 = *(s8 *)(r6 + 9)", at)).toBe(0xffff_ffff_ffff_fff1n);
    expect(run("r0 = *(u16 *)(r6 + 9)", at)).toBe(0xf1f1n);
    expect(run("r0 = *(s16 *)(r6 + 9)", at)).toBe(0xffff_ffff_ffff_f1f1n);
    expect(run("r0 = *(u64 *)(r6 + 24)", at)).toBe(0xf1f1_f1f1_f1f1_f1f1n);
  });

  it("are zero where nothing is, and go on", () => {
    for (const address of [
      0n,
      8n,
      0x1_0000_0000n + BigInt(task.address),
      (1n << 64n) - 4n,
      0xffff_8000_0000_0000n,
    ]) {
      expect(run("r0 = *(u32 *)(r6 + 0)\nr0 += 1", address), `${address}`).toBe(1n);
    }
    // The object ends in the middle of what is read; the sum of address and offset has more than 32 bits.
    expect(run("r0 = *(u64 *)(r6 + 24)", BigInt(task.address + 4))).toBe(0n);
    expect(run("r0 = *(u64 *)(r6 + 120)", 0xffff_fff0n)).toBe(0n);
    // What lies at the parent, read through a pointer that is no address here.
    memory.fill(task.address, 0xf1, 32);
    expect(run("r6 = *(u64 *)(r6 + 24)\nr0 = *(u32 *)(r6 + 0)", BigInt(task.address))).toBe(0n);
  });
});

describe("a proof", () => {
  it("tells dead code from what runs, and which ways jumps go", () => {
    const { program, proof } = verify(
      only(
        `r0 = 1
         if r0 == 1 goto end
         r0 = 2
       end:
         r1 = *(u64 *)(r1 + 0)
         if r1 > 5 goto other
         exit
       other:
         r0 = 3
         exit`,
        "raw_tracepoint",
      ),
    );
    expect([...proof.reached]).toEqual([1, 1, 0, 1, 1, 1, 1, 1]);
    expect([proof.jumps[1], proof.jumps[4]]).toEqual([2, 3]);
    expect(proof.pointerKinds[3]).toBe("ctx");
    expect(proof.contextSize).toBe(8);
    expect(program.slots).toBe(8);
  });

  it("names the map that a call is given, where it is always the same", () => {
    const { proof } = verify(
      only(
        `.map one type=array key=4 value=8 max=4
         .map two type=array key=4 value=8 max=4
         .section syscall
         r6 = *(u64 *)(r1 + 0)
         *(u32 *)(r10 - 4) = 1
         r2 = r10
         r2 += -4
         r1 = one ll
         call map_lookup_elem
         r1 = one ll
         if r6 == 0 goto lookup
         r1 = two ll
       lookup:
         r2 = r10
         r2 += -4
         call map_lookup_elem
         r0 = 0
         exit`,
      ),
    );
    expect([...proof.callMaps.values()].map(({ name }) => name)).toEqual(["one"]);
  });

  it("gives each function's stack, and how deep it is read unwritten", () => {
    const { proof } = verify(
      only(
        `.section syscall
         .globl entry
         entry:
           *(u64 *)(r10 - 16) = 1
           call inner
           r0 = *(u64 *)(r10 - 16)
           exit
         inner:
           r0 = *(u32 *)(r10 - 28)
           exit`,
      ),
    );
    expect(proof.functions).toEqual([0, 4]);
    expect(proof.stackDepth).toEqual([16, 28]);
    expect(proof.unwrittenStack).toEqual([0, 28]);
  });
});
