// What every engine promises beyond single instructions: what a run starts from, what a checked run may touch, how a run
// is stopped, batches, runs inside runs.

import { describe, expect, it } from "vitest";
import { At } from "../assembly/shared/layout.ts";
import {
  assembleCode,
  BpfMap,
  defineHelper,
  ENGINES,
  EventBatch,
  LoadError,
  loadRaw,
  type MapSpec,
  Program,
  Runtime,
  selectEngine,
  TrapError,
} from "../dist/src/index.js";
import { vouch } from "../dist/src/verifier/vouch.js";
import { CHECKING_ENGINES, ENGINE_NAMES, prepare, runOnAll, thrown } from "./support/engines.ts";

const HASH: MapSpec = { name: "hash", type: 1, keySize: 8, valueSize: 12, maxEntries: 4, flags: 0 };
const ARRAY: MapSpec = { name: "array", type: 2, keySize: 4, valueSize: 12, maxEntries: 3, flags: 0 };

const bytes = (...values: number[]): Uint8Array<ArrayBuffer> => Uint8Array.from(values);

describe("a run", () => {
  it("starts with the context in r1, its length in r2, zeros elsewhere and on the stack", () => {
    const others = "r0 |= r3\nr0 |= r4\nr0 |= r5\nr0 |= r6\nr0 |= r7\nr0 |= r8\nr0 |= r9\n";
    const stack = Array.from(
      { length: 64 },
      (_, slot) => `r3 = *(u64 *)(r10 - ${8 * (slot + 1)})\nr0 |= r3\n`,
    ).join("");
    expect(runOnAll(`${others}${stack}exit`)).toBe(0n);
    expect(runOnAll("r0 = *(u32 *)(r1 + 4)\nr0 <<= 32\nr0 |= r2\nexit", bytes(0, 0, 0, 0, 5, 6, 7, 8))).toBe(
      0x0807060500000008n,
    );
  });

  it("starts anew each time: neither registers nor stack remember the last run", () => {
    for (const engine of CHECKING_ENGINES) {
      const executable = prepare(
        engine,
        "r0 = r7\nr3 = *(u64 *)(r10 - 8)\nr0 += r3\n*(u64 *)(r10 - 8) = 7\nr7 = 9\nexit",
      );
      expect([executable.run(), executable.run()]).toEqual([0n, 0n]);
    }
  });

  it("copies the caller's memory in and, with what the program wrote, out again", () => {
    const memory = bytes(1, 2, 3, 4);
    runOnAll("r3 = *(u8 *)(r1 + 0)\nr3 += 10\n*(u8 *)(r1 + 3) = r3\nexit", memory);
    expect([...memory]).toEqual([1, 2, 3, 11]);
  });

  it("keeps what the program wrote before it trapped", () => {
    for (const engine of CHECKING_ENGINES) {
      const memory = bytes(0, 0);
      expect(() => prepare(engine, "*(u8 *)(r1 + 1) = 5\nr0 = *(u8 *)(r1 + 2)\nexit").run(memory)).toThrow(
        TrapError,
      );
      expect([...memory]).toEqual([0, 5]);
    }
  });

  it("uses a guest buffer where it lies", () => {
    for (const engine of ENGINE_NAMES) {
      const runtime = new Runtime();
      const buffer = runtime.allocateBuffer(8);
      const executable = prepare(engine, "*(u32 *)(r1 + 4) = 77\nr0 = r1\nexit", { runtime });
      expect(executable.run(buffer)).toBe(BigInt(buffer.address));
      expect(runtime.memory.load32(buffer.address + 4)).toBe(77);
    }
  });

  it("gives time, CPU and task to the helpers that ask for them", () => {
    const text = (id: number): string => `call ${id}\nexit`;
    const options = {
      time: 123456789012345n,
      cpu: 3,
      task: { pid: 11, tgid: 22, uid: 33, gid: 44, comm: "curl" },
    };
    expect(runOnAll(text(5), undefined, options)).toBe(123456789012345n);
    expect(runOnAll(text(8), undefined, options)).toBe(3n);
    expect(runOnAll(text(14), undefined, options)).toBe((22n << 32n) | 11n);
    expect(runOnAll(text(15), undefined, options)).toBe((44n << 32n) | 33n);
  });

  it("takes the time from the runtime's clock, once per run", () => {
    for (const engine of ENGINE_NAMES) {
      let now = 100n;
      const runtime = new Runtime({ clock: () => ++now });
      const executable = prepare(engine, "call 5\nr6 = r0\ncall 5\nr0 -= r6\nr0 <<= 32\nr0 |= r6\nexit", {
        runtime,
      });
      expect([executable.run(), executable.run()]).toEqual([101n, 102n]);
    }
  });
});

describe("a checked run", () => {
  const trapOf = (
    engine: (typeof CHECKING_ENGINES)[number],
    text: string,
    memory = new Uint8Array(16),
    maps: BpfMap[] = [],
  ) => {
    const runtime = maps[0]?.runtime ?? new Runtime();
    return thrown(() => prepare(engine, text, { runtime, maps }).run(memory)) as unknown as TrapError;
  };

  it.each<[string, string, string, number]>([
    ["null", "r0 = *(u8 *)(r0 + 0)\nexit", "read", 0],
    ["page zero, where the core keeps its state", `r3 = ${At.REGS}\n*(u64 *)(r3 + 0) = 1\nexit`, "write", 1],
    ["the byte after the context", "r0 = *(u8 *)(r1 + 16)\nexit", "read", 0],
    ["the byte before it", "*(u8 *)(r1 - 1) = 1\nexit", "write", 0],
    ["a word that hangs over its end", "r0 = *(u64 *)(r1 + 12)\nexit", "read", 0],
    ["the byte above the stack", "r0 = *(u8 *)(r10 + 0)\nexit", "read", 0],
    ["the byte below it", "*(u8 *)(r10 - 513) = 1\nexit", "write", 0],
    ["an address beyond 32 bits", "r3 = 1\nr3 <<= 32\nr3 += r1\nr0 = *(u8 *)(r3 + 0)\nexit", "read", 3],
    ["an address that wraps around 2^64", "r3 = -4\nr0 = *(u64 *)(r3 + 0)\nexit", "read", 1],
    ["the end of the address space", "w3 = -1\nr0 = *(u64 *)(r3 + 0)\nexit", "read", 1],
    ["an atomic outside", "r3 = 1\nlock *(u64 *)(r1 + 16) += r3\nexit", "write", 1],
  ])("stops at %s", (_, text, code, slot) => {
    for (const engine of CHECKING_ENGINES) {
      const error = trapOf(engine, text);
      expect(error).toBeInstanceOf(TrapError);
      expect([error.code, error.slot]).toEqual([code, slot]);
      expect(error.message).toMatch(
        new RegExp(
          `^program test: insn ${slot} \\(.+\\): expected \\d+ ${code === "read" ? "readable" : "writable"} bytes, got address 0x`,
        ),
      );
    }
  });

  it("says which address was refused", () => {
    for (const engine of CHECKING_ENGINES) {
      const error = trapOf(engine, "r3 = 0x1234567890 ll\nr0 = *(u16 *)(r3 + 6)\nexit");
      expect([error.address, error.slot]).toEqual([0x1234567896n, 2]);
      expect(error.message).toContain("expected 2 readable bytes, got address 0x1234567896");
    }
  });

  it("may touch all of a caller's frame from a local call, and nothing below its own", () => {
    const callee = (access: string): string =>
      `r1 = r10\nr1 += -8\ncall f\nr0 = *(u64 *)(r10 - 8)\nexit\nf:\n${access}\nexit`;
    expect(runOnAll(callee("*(u64 *)(r1 + 0) = 5"))).toBe(5n);
    for (const engine of CHECKING_ENGINES)
      expect(trapOf(engine, callee("*(u8 *)(r10 - 513) = 5")).code).toBe("write");
  });

  it("may touch a map's values byte for byte, and not what lies between them", () => {
    for (const engine of CHECKING_ENGINES) {
      for (const spec of [HASH, ARRAY]) {
        const runtime = new Runtime();
        const map = new BpfMap(runtime, spec);
        map.tryUpdateBytes(new Uint8Array(spec.keySize), new Uint8Array(12).fill(1));
        const lookup = (access: string): string =>
          `*(u64 *)(r10 - 8) = 0\nr2 = r10\nr2 += -8\nr1 = map[fd:0]\ncall 1\nif r0 == 0 goto out\n${access}\nr0 = 1\nout: exit`;
        const run = (access: string) => prepare(engine, lookup(access), { runtime, maps: [map] });
        expect(run("*(u32 *)(r0 + 8) = 9").run()).toBe(1n);
        expect(map.lookupBytes(new Uint8Array(spec.keySize))?.[8]).toBe(9);
        for (const access of ["*(u32 *)(r0 + 12) = 9", "*(u64 *)(r0 + 8) = 9", "*(u8 *)(r0 - 1) = 9"]) {
          expect((thrown(() => run(access).run()) as unknown as TrapError).code).toBe("write");
        }
      }
    }
  });

  it("may not write what programs may only read, nor read what they may only write", () => {
    const text = (access: string) =>
      `*(u32 *)(r10 - 4) = 0\nr2 = r10\nr2 += -4\nr1 = map[fd:0]\ncall 1\nif r0 == 0 goto out\n${access}\nout: exit`;
    for (const engine of CHECKING_ENGINES) {
      const runtime = new Runtime();
      const readOnly = new BpfMap(runtime, { ...ARRAY, flags: 128 });
      expect(trapOf(engine, text("*(u8 *)(r0 + 0) = 1"), undefined, [readOnly]).code).toBe("write");
      const update =
        "*(u64 *)(r10 - 16) = 0\n*(u64 *)(r10 - 24) = 0\nr2 = r10\nr2 += -16\nr3 = r10\nr3 += -24\nr4 = 0\nr1 = map[fd:0]\ncall 2\nexit";
      expect(trapOf(engine, update, undefined, [readOnly]).code).toBe("helper-argument");
    }
  });

  it("may give helpers only memory, maps and sizes that they may have", () => {
    const call = "call 1\nexit";
    const cases: [string, number][] = [
      [`r1 = 0\nr2 = r10\nr2 += -8\n${call}`, 1],
      [`r1 = map[fd:0]\nr1 += 8\nr2 = r10\nr2 += -8\n${call}`, 1],
      [`r1 = map[fd:0]\nr2 = r10\n${call}`, 2],
      [`r1 = map[fd:0]\nr2 = 64\n${call}`, 2],
      ["r1 = r10\nr1 += -16\nr2 = 17\ncall 16\nexit", 1],
      ["r1 = r10\nr1 += -16\nr2 = 0\ncall 16\nexit", 2],
      ["r1 = r10\nr1 += -16\nr2 = -1\ncall 16\nexit", 2],
    ];
    for (const engine of CHECKING_ENGINES) {
      for (const [text, argument] of cases) {
        const map = new BpfMap(new Runtime(), HASH);
        const error = trapOf(engine, text, undefined, [map]);
        expect(error.code).toBe("helper-argument");
        expect(error.message).toContain(`expected a valid argument ${argument}`);
      }
    }
  });

  it("may not use a map that the program was not given", () => {
    for (const engine of CHECKING_ENGINES) {
      const runtime = new Runtime();
      const other = new BpfMap(runtime, { ...HASH, name: "other" });
      const map = new BpfMap(runtime, HASH);
      const text = `r3 = map[fd:0]\nr1 = ${other.address}\nr2 = r10\nr2 += -8\ncall 1\nexit`;
      expect(trapOf(engine, text, undefined, [map]).code).toBe("helper-argument");
    }
  });

  it("stops exactly at the instruction after its limit", () => {
    for (const engine of CHECKING_ENGINES) {
      const text = "r0 = 0\nr0 += 1\nr0 += 1\nexit";
      expect(prepare(engine, text, { limit: 4 }).run()).toBe(2n);
      const error = thrown(() => prepare(engine, text, { limit: 3 }).run());
      expect([error.code, error.slot]).toEqual(["limit", 3]);
      expect(error.message).toContain("expected at most 3 instructions, got more");
    }
  });

  it("stops an endless loop, at every engine's same instruction", () => {
    const slots = CHECKING_ENGINES.map((engine) => {
      const error = thrown(() =>
        prepare(engine, "again: r0 += 1\nr3 = r0\nif r3 != 0 goto again\nexit", { limit: 100_000 }).run(),
      );
      expect(error.code).toBe("limit");
      return error.slot;
    });
    expect(new Set(slots).size).toBe(1);
  });

  it("counts every run anew in a batch", () => {
    for (const engine of CHECKING_ENGINES) {
      const runtime = new Runtime();
      const executable = prepare(engine, "r0 = 1\nexit", { runtime, limit: 2 });
      const batch = new EventBatch(runtime, 50);
      for (let event = 0; event < 50; event++) batch.add(0, 0);
      const before = runtime.memory.loadU64(At.EXECUTED);
      expect(executable.runBatch(batch)).toEqual({ completed: 50 });
      expect(runtime.memory.loadU64(At.EXECUTED) - before).toBe(100n);
    }
  });

  it("refuses limits that are none", () => {
    for (const limit of [0, -1, 1.5, Number.NaN, 2 ** 60])
      expect(() => prepare("ts", "exit", { limit })).toThrow(RangeError);
  });

  it("allows eight frames and not nine", () => {
    const nested = (depth: number): string =>
      `r1 = 0\ncall f\nexit\nf: r1 += 1\nr0 = r1\nif r1 == ${depth} goto out\ncall f\nout: exit`;
    expect(runOnAll(nested(7))).toBe(7n);
    for (const engine of CHECKING_ENGINES) expect(trapOf(engine, nested(8)).code).toBe("call-depth");
  });
});

describe("an engine", () => {
  it("refuses what it cannot run, and says where", () => {
    const refused: [string, string, RegExp][] = [
      [
        "call 65\nexit",
        "unsupported",
        /insn 0: expected a helper of this runtime, got bpf_xdp_adjust_tail#65/,
      ],
      ["call kfunc#5\nexit", "unsupported", /insn 0/],
      ["r1 = btf[id:5][fd:0]\nexit", "unsupported", /insn 0: expected no BTF variable/],
      ["r0 = 0", "bad-program", /insn 0/],
      ["goto pc+7\nexit", "bad-jump", /insn 0/],
      ["goto pc+1\nr1 = 5 ll\nexit", "bad-jump", /insn 0/],
    ];
    for (const engine of CHECKING_ENGINES) {
      for (const [text, code, message] of refused) {
        const error = thrown(() => prepare(engine, text));
        expect(error).toBeInstanceOf(LoadError);
        expect(error.code).toBe(code);
        expect(error.message).toMatch(message);
      }
    }
  });

  it("is chosen by name, by `auto`, and never put in another's place", () => {
    expect(selectEngine("auto").name).toBe("wasm");
    expect(selectEngine("ts").name).toBe("ts");
    expect(() => selectEngine("fast" as "ts")).toThrow(/expected auto, ts, wasm or jit, got "fast"/);
  });

  it("frees what a closed program held, and runs it no more", () => {
    for (const engine of ENGINE_NAMES) {
      const runtime = new Runtime();
      const map = new BpfMap(runtime, HASH);
      const run = () => {
        const executable = prepare(engine, "r1 = map[fd:0]\nr0 = 0\nexit", { runtime, maps: [map] });
        executable.run(new Uint8Array(1000));
        executable.close();
        executable.close();
        return executable;
      };
      run();
      const used = runtime.heap.used;
      for (let round = 0; round < 100; round++) run();
      expect(runtime.heap.used).toBe(used);
      expect(() => run().run()).toThrow(/expected an open program, got a closed one/);
    }
  });

  it("keeps a map alive that its creator has closed, as long as a program holds it", () => {
    for (const engine of ENGINE_NAMES) {
      const runtime = new Runtime();
      const map = new BpfMap(runtime, ARRAY);
      const text =
        "*(u32 *)(r10 - 4) = 1\nr2 = r10\nr2 += -4\nr1 = map[fd:0]\ncall 1\nr6 = *(u8 *)(r0 + 0)\nr6 += 1\n*(u8 *)(r0 + 0) = r6\nr0 = r6\nexit";
      const executable = prepare(engine, text, { runtime, maps: [map] });
      map.close();
      new BpfMap(runtime, { ...ARRAY, name: "next" });
      expect([executable.run(), executable.run()]).toEqual([1n, 2n]);
    }
  });
});

describe("a batch", () => {
  it("runs every event with its own context, time, CPU and task, and stores its r0", () => {
    for (const engine of ENGINE_NAMES) {
      const runtime = new Runtime();
      const text =
        "r6 = *(u32 *)(r1 + 0)\ncall 5\nr7 = r0\ncall 8\nr8 = r0\ncall 14\nr0 <<= 32\nr0 >>= 32\nr0 *= 1000\nr0 += r8\nr0 *= 1000\nr0 += r7\nr0 *= 1000\nr0 += r6\nexit";
      const executable = prepare(engine, text, { runtime });
      const buffer = runtime.allocateBuffer(400);
      const batch = new EventBatch(runtime, 100);
      for (let event = 0; event < 100; event++) {
        runtime.memory.store32(buffer.address + event * 4, event);
        const task = batch.task({ pid: 100 + event, comm: "t" });
        batch.add(buffer.address + event * 4, 4, 500 + event, event % 8, task);
      }
      expect(executable.runBatch(batch)).toEqual({ completed: 100 });
      for (const event of [0, 1, 57, 99]) {
        const expected = ((100 + event) * 1000 + (event % 8)) * 1_000_000 + (500 + event) * 1000 + event;
        expect(batch.result(event)).toBe(BigInt(expected));
        expect(batch.verdict(event)).toBe(expected % 2 ** 32);
      }
    }
  });

  it("stops at the first trap: results before it stand, the error names the event", () => {
    for (const engine of CHECKING_ENGINES) {
      const runtime = new Runtime();
      const executable = prepare(
        engine,
        "r0 = *(u8 *)(r1 + 0)\nif r0 != 42 goto out\nr0 = *(u8 *)(r1 + 1)\nout: exit",
        { runtime },
      );
      const buffer = runtime.allocateBuffer(5000);
      const batch = new EventBatch(runtime, 5000);
      for (let event = 0; event < 5000; event++) {
        runtime.memory.store8(buffer.address + event, event === 3000 ? 42 : 7);
        batch.add(buffer.address + event, 1);
      }
      const { completed, trap } = executable.runBatch(batch);
      expect(completed).toBe(3000);
      expect([trap?.code, trap?.slot, trap?.event]).toEqual(["read", 2, 3000]);
      expect([batch.result(0), batch.result(2999)]).toEqual([7n, 7n]);
      expect(executable.run(bytes(9))).toBe(9n);
    }
  });

  it("may go over several programs, in the order of the events", () => {
    for (const engine of ENGINE_NAMES) {
      const runtime = new Runtime();
      const map = new BpfMap<number, number>(runtime, { ...ARRAY, valueSize: 4 });
      // Each appends its digit to a number in the map: the order shows.
      const append = (digit: number): string =>
        `*(u32 *)(r10 - 4) = 0\nr2 = r10\nr2 += -4\nr1 = map[fd:0]\ncall 1\nif r0 == 0 goto out\nr6 = *(u32 *)(r0 + 0)\nr6 *= 10\nr6 += ${digit}\n*(u32 *)(r0 + 0) = r6\nr0 = ${digit}\nout: exit`;
      const programs = [1, 2, 3].map((digit) =>
        prepare(engine, append(digit), { runtime, maps: [map as BpfMap] }),
      );
      const batch = new EventBatch(runtime, 8);
      for (const which of [0, 2, 1, 1, 0]) batch.add(0, 0, 0, 0, undefined, programs[which].record);
      expect(programs[0].runEvents(batch)).toEqual({ completed: 5 });
      expect(map.get(0)).toBe(13221);
      expect([0, 1, 2, 3, 4].map((event) => batch.verdict(event))).toEqual([1, 3, 2, 2, 1]);
    }
  });

  it("blames the program that trapped, not the one that started it", () => {
    for (const engine of CHECKING_ENGINES) {
      const runtime = new Runtime();
      const good = prepare(engine, "r0 = 1\nexit", { runtime });
      const bad = ENGINES[engine].prepareChecked(
        runtime,
        new Program({ name: "culprit", type: "raw", insns: assembleCode("r0 = *(u8 *)(r0 + 0)\nexit") }),
        new Map(),
      );
      const batch = new EventBatch(runtime, 2);
      batch.add(0, 0, 0, 0, undefined, good.record);
      batch.add(0, 0, 0, 0, undefined, bad.record);
      const { completed, trap } = good.runEvents(batch);
      expect([completed, trap?.program, trap?.event]).toEqual([1, "culprit", 1]);
    }
  });

  it("refuses more events than it has room for", () => {
    const batch = new EventBatch(new Runtime(), 1);
    batch.add(0, 0);
    expect(() => batch.add(0, 0)).toThrow(/expected at most 1 events, got one more/);
  });
});

describe("a run inside a run", () => {
  it("leaves the outer one's registers, stack and place as they were", () => {
    for (const outer of ENGINE_NAMES) {
      for (const inner of ENGINE_NAMES) {
        const runtime = new Runtime();
        const nested = prepare(
          inner,
          "r6 = 1\nr7 = 2\nr8 = 3\nr9 = 4\n*(u64 *)(r10 - 8) = 5\ncall f\nexit\nf: r6 = 9\nr0 = 77\nexit",
          { runtime },
        );
        defineHelper(runtime, { id: 5000, name: "fire", args: ["u32"], body: () => nested.run() });
        const text =
          "r6 = 10\nr7 = 20\nr8 = 30\nr9 = 40\n*(u64 *)(r10 - 8) = 50\nr1 = 1\ncall f\nexit\n" +
          "f: r6 = 1\n*(u64 *)(r10 - 8) = 2\ncall 5000\nr3 = *(u64 *)(r10 - 8)\nr0 += r3\nr0 += r6\nexit";
        const check = text.replace(
          "call f\nexit\n",
          "call f\nr0 += r6\nr0 += r7\nr0 += r8\nr0 += r9\nr1 = *(u64 *)(r10 - 8)\nr0 += r1\nexit\n",
        );
        expect(prepare(outer, check, { runtime }).run()).toBe(77n + 2n + 1n + 100n + 50n);
      }
    }
  });

  it("may be one of the same program", () => {
    for (const engine of ENGINE_NAMES) {
      const runtime = new Runtime();
      let depth = 0;
      defineHelper(runtime, {
        id: 5000,
        name: "again",
        args: [],
        body: (): bigint => (++depth < 5 ? executable.run(bytes(depth)) : 0n),
      });
      const executable = prepare(engine, "r6 = *(u8 *)(r1 + 0)\ncall 5000\nr0 *= 10\nr0 += r6\nexit", {
        runtime,
      });
      expect(executable.run(bytes(9))).toBe(43219n);
      depth = 10;
      expect(executable.run(bytes(3))).toBe(3n);
    }
  });

  it("ends at a depth that the stack has room for", () => {
    for (const engine of ENGINE_NAMES) {
      const runtime = new Runtime();
      defineHelper(runtime, { id: 5000, name: "forever", args: [], body: (): bigint => executable.run() });
      const executable = prepare(engine, "call 5000\nexit", { runtime });
      const error = thrown(() => executable.run());
      expect(error.code).toBe("host");
      let cause = error as unknown as Error;
      while (cause.cause !== undefined) cause = cause.cause as Error;
      expect(cause.message).toMatch(/expected at most 16 runs inside each other/);
      expect(prepare(engine, "r0 = 4\nexit", { runtime }).run()).toBe(4n);
    }
  });
});

describe("an unchecked run", () => {
  it("does what the checked one does, fused pairs and all", () => {
    const text =
      "r0 = 0\nr3 = 5\nagain: r0 += r3\nr3 += -1\nif r3 != 0 goto again\nr4 = r0\nr4 <<= 8\nr4 |= r0\nr0 = r4\nexit";
    for (const engine of ENGINE_NAMES) {
      const program = loadRaw(assembleCode(text), { type: "raw" });
      const unchecked = ENGINES[engine].prepare(new Runtime(), vouch(program), new Map());
      expect(unchecked.run()).toBe(prepare(engine, text).run());
    }
  });
});
