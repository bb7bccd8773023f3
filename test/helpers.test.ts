// Helpers: what each promises, on every engine; the kernel's print format; helpers of the user's own.

import { describe, expect, it } from "vitest";
import { formatPrint, type PrintMemory } from "../dist/src/helpers/print.js";
import { BpfMap, defineHelper, formatTraceLine, Runtime, type TraceLine } from "../dist/src/index.js";
import { CHECKING_ENGINES, ENGINE_NAMES, prepare, runOnAll, thrown } from "./support/engines.ts";

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString("latin1");
const signed = (value: bigint): bigint => BigInt.asIntN(64, value);

describe("probe_read", () => {
  /** probe_read(stack, size, r1): gives its result and what it read, on every engine. */
  const probe = (helper: number, size: number, address: (runtime: Runtime, buffer: number) => bigint) =>
    ENGINE_NAMES.map((engine) => {
      const runtime = new Runtime();
      const object = runtime.allocateBuffer(12);
      runtime.memory.write(object.address, Buffer.from("hello\0world!"));
      const at = BigInt.asUintN(64, address(runtime, object.address));
      const code =
        `r6 = r1\n*(u64 *)(r10 - 16) = -1\n*(u64 *)(r10 - 8) = -1\nr1 = r10\nr1 += -16\nr2 = ${size}\nr3 = 0x${at.toString(16)} ll\ncall ${helper}\n` +
        "r3 = *(u64 *)(r10 - 16)\n*(u64 *)(r6 + 0) = r3\nr3 = *(u64 *)(r10 - 8)\n*(u64 *)(r6 + 8) = r3\nexit";
      const memory = new Uint8Array(16);
      const result = signed(prepare(engine, code, { runtime }).run(memory));
      return [result, Buffer.from(memory.subarray(0, size + 1)).toString("latin1")];
    });
  const onAll = (expected: [bigint, string]) => ENGINE_NAMES.map(() => expected);

  it("copies from objects of the runtime", () => {
    expect(probe(4, 5, (_, at) => BigInt(at))).toEqual(onAll([0n, "hello\xff"]));
    expect(probe(113, 12, (_, at) => BigInt(at))).toEqual(onAll([0n, "hello\0world!\xff"]));
    expect(probe(4, 0, () => 0n)).toEqual(onAll([0n, "\xff"]));
  });

  it("faults to -EFAULT and zeros where nothing is, all 64 bits counting", () => {
    const faults: ((runtime: Runtime, at: number) => bigint)[] = [
      () => 0n,
      () => 4096n,
      (_, at) => BigInt(at + 10),
      (_, at) => BigInt(at) + (1n << 32n),
      () => 0xffffffff81000000n,
      () => -1n,
    ];
    for (const fault of faults) expect(probe(4, 5, fault)).toEqual(onAll([-14n, "\0\0\0\0\0\xff"]));
  });

  it("no longer reads what was given back", () => {
    expect(
      probe(4, 4, (runtime) => {
        const gone = runtime.allocateBuffer(1 << 20);
        runtime.freeBuffer(gone);
        // What the program takes for itself comes from where the buffer began.
        return BigInt(gone.address + (1 << 19));
      }),
    ).toEqual(onAll([-14n, "\0\0\0\0\xff"]));
  });

  it("copies strings with their NUL, cut to the size", () => {
    expect(probe(45, 10, (_, at) => BigInt(at))).toEqual(onAll([6n, "hello\0\xff\xff\xff\xff\xff"]));
    expect(probe(115, 4, (_, at) => BigInt(at))).toEqual(onAll([4n, "hel\0\xff"]));
    expect(probe(45, 8, (_, at) => BigInt(at + 6))).toEqual(onAll([-14n, "\0\0\0\0\0\0\0\0\xff"]));
    expect(probe(45, 6, (_, at) => BigInt(at + 6))).toEqual(onAll([6n, "world\0\xff"]));
  });
});

describe("get_current_comm", () => {
  it("copies the name, padded with NULs and cut to the size", () => {
    const code = "r6 = r1\nr2 = *(u8 *)(r1 + 0)\ncall 16\nexit";
    for (const [size, expected] of [
      [16, "a task's name\0\0\0"],
      [4, "a t\0"],
      [1, "\0"],
    ] as const) {
      const memory = new Uint8Array(size).fill(size);
      expect(runOnAll(code, memory, { task: { pid: 1, comm: "a task's name" } })).toBe(0n);
      expect(text(memory)).toBe(expected);
    }
  });

  it("keeps 15 bytes of a longer one", () => {
    const memory = new Uint8Array(16).fill(16);
    runOnAll("r2 = *(u8 *)(r1 + 0)\ncall 16\nexit", memory, {
      task: { pid: 1, comm: "abcdefghijklmnopqrs" },
    });
    expect(text(memory)).toBe("abcdefghijklmno\0");
  });
});

describe("get_prandom_u32", () => {
  it("gives the same sequence for the same seed, on every engine, and 32 bits", () => {
    const code = "call 7\nr6 = r0\ncall 7\nr0 <<= 32\nr0 |= r6\nexit";
    const sequences = ENGINE_NAMES.map((engine) => {
      const executable = prepare(engine, code, { runtime: new Runtime({ seed: 42 }) });
      return [executable.run(), executable.run(), executable.run()];
    });
    expect(sequences[1]).toEqual(sequences[0]);
    expect(new Set(sequences[0]).size).toBe(3);
    const other = prepare("wasm", code, { runtime: new Runtime({ seed: 43 }) });
    expect(other.run()).not.toBe(sequences[0][0]);
  });

  it("is spread evenly", () => {
    const executable = prepare("wasm", "call 7\nexit");
    let ones = 0;
    for (let round = 0; round < 2000; round++) {
      for (let value = executable.run(); value !== 0n; value >>= 1n) ones += Number(value & 1n);
    }
    expect(ones / 64_000).toBeGreaterThan(0.49);
    expect(ones / 64_000).toBeLessThan(0.51);
  });
});

describe("the print format", () => {
  const memory: PrintMemory = {
    readString: (address, limit) => (address === 1000n ? "hello, world".slice(0, limit - 1) : undefined),
    readBytes: (address, size) =>
      address === 2000n
        ? Uint8Array.of(192, 168, 1, 200, 0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 1).subarray(0, size)
        : undefined,
  };
  const STRING = 1000n;
  const ADDRESS = 2000n;

  // What Linux 6.18 itself printed for these, through bpf_snprintf.
  it.each<[string, bigint[], string]>([
    ["%d %i %u", [-5n, 7n, -1n], "-5 7 4294967295"],
    ["%ld %llu %lx", [-5n, -1n, 0xabcn], "-5 18446744073709551615 abc"],
    ["%x %X", [0xfffffffffffn, 0xabn], "ffffffff AB"],
    ["%5d|%-5d|%05d", [42n, 42n, -42n], "   42|42   |-0042"],
    ["%+d% d%08x", [5n, 5n, 0xbeefn], "+5 50000beef"],
    ["%c%3c|%-3c|", [97n, 98n, 99n], "a  b|c  |"],
    ["%s, %14s|", [STRING, STRING], "hello, world,   hello, world|"],
    ["%pks", [STRING], "hello, world"],
    ["%s", [5n], ""],
    ["%px", [0x1234n], "0000000000001234"],
    ["%20px|", [0x61n], "                  61|"],
    ["%pI4 %pi4", [ADDRESS, ADDRESS], "192.168.1.200 192.168.001.200"],
    ["%pI6", [ADDRESS], "c0a8:01c8:2001:0db8:0000:0000:0000:0001"],
    ["%pi6", [ADDRESS], "c0a801c820010db80000000000000001"],
    ["%pI4", [5n], "0.0.0.0"],
    ["%pI4x, %d", [ADDRESS, 3n], "192.168.1.200, 3"],
    ["100%% of %d", [3n], "100% of 3"],
    ["tab\there", [], "tab\there"],
  ])("%j prints as the kernel prints it", (format, args, expected) => {
    expect(formatPrint(format, args, memory)).toBe(expected);
  });

  it.each<[string, bigint[]]>([
    ["%o", [1n]],
    ["%#x", [1n]],
    ["%f", [1n]],
    ["%hd", [1n]],
    ["%sx", [STRING]],
    ["%pksx", [STRING]],
    ["%pa", [1n]],
    ["%", [1n]],
    ["%l", [1n]],
    ["%5", [1n]],
    ["%d %d", [1n]],
    ["\x01", []],
    ["%s\xe9", [1n]],
  ])("%j is refused, as the kernel refuses it", (format, args) => {
    expect(formatPrint(format, args, memory)).toBe(-22);
  });

  it("prints what is beyond ASCII as it stands", () => {
    expect(formatPrint("caf\xe9 %d", [1n], memory)).toBe("caf\xe9 1");
  });

  it("runs out of room for strings where the kernel does", () => {
    const long: PrintMemory = { ...memory, readString: (_, limit) => "x".repeat(Math.min(400, limit - 1)) };
    expect(formatPrint("%s%s", [STRING, STRING], long)).toBe("x".repeat(400 + 110));
    expect(formatPrint("%s%s%s", [STRING, STRING, STRING], long)).toBe(-28);
  });
});

describe("trace_printk", () => {
  /** Prints a format with r3.. set by `args`, from the stack. */
  const printing = (format: string, args = ""): string => {
    const bytes = Buffer.from(`${format}\0`.padEnd(32, "\0"), "latin1");
    const stores = Array.from(
      { length: 8 },
      (_, word) => `*(u32 *)(r10 - ${32 - 4 * word}) = 0x${bytes.readUInt32LE(4 * word).toString(16)}`,
    );
    return `${stores.join("\n")}\n${args}\nr1 = r10\nr1 += -32\nr2 = ${format.length + 1}\ncall 6\nexit`;
  };

  it("writes a line with time, CPU and task into the runtime's output, and gives its length", () => {
    for (const engine of ENGINE_NAMES) {
      const runtime = new Runtime();
      const code = printing("len=%d id=%u", "r3 = -7\nr4 = 9");
      const task = { pid: 12, tgid: 12, uid: 0, gid: 0, comm: "curl" };
      expect(prepare(engine, code, { runtime }).run(undefined, { time: 1234567890n, cpu: 2, task })).toBe(
        11n,
      );
      const [line, ...rest] = runtime.trace.read();
      expect([line, rest]).toEqual([{ text: "len=-7 id=9", time: 1234567890n, cpu: 2, task }, []]);
      expect(formatTraceLine(line)).toBe(
        "            curl-12      [002] .....     1.234567: bpf_trace_printk: len=-7 id=9",
      );
    }
  });

  it("prints nothing for a format that the kernel refuses", () => {
    for (const engine of ENGINE_NAMES) {
      const runtime = new Runtime();
      expect(signed(prepare(engine, printing("%f"), { runtime }).run())).toBe(-22n);
      const unterminated = printing("abcd").replace("r2 = 5", "r2 = 4");
      expect(signed(prepare(engine, unterminated, { runtime }).run())).toBe(-22n);
      expect(runtime.trace.read()).toEqual([]);
    }
  });

  it("reaches listeners at once and iterators in order; what nobody takes is dropped at a bound, and counted", async () => {
    const runtime = new Runtime();
    const executable = prepare("wasm", printing("x"), { runtime });
    const heard: TraceLine[] = [];
    const stop = runtime.trace.listen((line) => heard.push(line));
    executable.run();
    stop();
    expect([heard.length, runtime.trace.read().length]).toEqual([1, 0]);
    executable.run();
    executable.run();
    let seen = 0;
    for await (const _ of runtime.trace)
      if (++seen === 3) break;
      else if (seen === 2) setTimeout(() => executable.run(), 1);
    expect(seen).toBe(3);
    for (let line = 0; line < 70_000; line++) executable.run();
    expect(runtime.trace.read().length + runtime.trace.dropped).toBe(70_000);
    expect(runtime.trace.dropped).toBeGreaterThan(0);
  });
});

describe("a helper of the user's own", () => {
  it("gets its arguments as values of JavaScript, and gives r0", () => {
    for (const engine of ENGINE_NAMES) {
      const runtime = new Runtime();
      const seen: unknown[] = [];
      defineHelper(runtime, {
        id: 1000,
        name: "numbers",
        args: ["u32", "i32", "u64", "i64"],
        body: (...values) => {
          seen.push(...values);
          return -3;
        },
      });
      const code = "r1 = -1\nr2 = -2\nr3 = -3\nr4 = -4\ncall 1000\nexit";
      expect(signed(prepare(engine, code, { runtime }).run())).toBe(-3n);
      expect(seen).toEqual([0xffffffff, -2, 0xffff_ffff_ffff_fffdn, -4n]);
    }
  });

  it("reads and writes memory, maps and the context", () => {
    for (const engine of ENGINE_NAMES) {
      const runtime = new Runtime();
      const map = new BpfMap<number, number>(runtime, {
        name: "m",
        type: 2,
        keySize: 4,
        valueSize: 4,
        maxEntries: 2,
        flags: 0,
      });
      defineHelper(runtime, {
        id: 1001,
        name: "copy",
        args: ["mem", "size", "mem_out", "size_or_zero", "ctx"],
        body: (from, size, to, room, context) => {
          to.set(from.subarray(0, room));
          return BigInt(size * 100 + context.size);
        },
      });
      defineHelper(runtime, {
        id: 1002,
        name: "store",
        args: ["map", "map_key", "map_value"],
        body: (target, key, value) => void target.tryUpdateBytes(key.slice(), value.slice()),
      });
      const code =
        "r6 = r1\n*(u32 *)(r10 - 4) = 0x64636261\nr5 = r1\nr3 = r1\nr4 = 3\nr1 = r10\nr1 += -4\nr2 = 4\ncall 1001\nr7 = r0\n" +
        "*(u32 *)(r10 - 8) = 1\n*(u32 *)(r10 - 12) = 55\nr1 = map[fd:0]\nr2 = r10\nr2 += -8\nr3 = r10\nr3 += -12\ncall 1002\nr0 += r7\nexit";
      const memory = new Uint8Array(4);
      expect(prepare(engine, code, { runtime, maps: [map as unknown as BpfMap] }).run(memory)).toBe(404n);
      expect(text(memory)).toBe("abc\0");
      expect(map.get(1)).toBe(55);
    }
  });

  it("has its arguments tested by its signature", () => {
    for (const engine of CHECKING_ENGINES) {
      const runtime = new Runtime();
      defineHelper(runtime, { id: 1001, name: "take", args: ["mem", "size"], body: () => 0 });
      const error = thrown(() => prepare(engine, "r1 = 8\nr2 = 4\ncall 1001\nexit", { runtime }).run());
      expect(error.code).toBe("helper-argument");
    }
  });

  it("ends the run with what it throws as the cause", () => {
    for (const engine of ENGINE_NAMES) {
      const runtime = new Runtime();
      const cause = new Error("no luck");
      defineHelper(runtime, {
        id: 1000,
        name: "throws",
        args: [],
        body: () => {
          throw cause;
        },
      });
      const error = thrown(() => prepare(engine, "r0 = 1\ncall 1000\nexit", { runtime }).run());
      expect([error.code, error.slot, error.cause]).toEqual(["host", 1, cause]);
      expect(error.message).toContain("expected helper throws to return, got Error: no luck");
    }
  });

  it("takes the place of the kernel's for programs loaded from then on", () => {
    for (const engine of ENGINE_NAMES) {
      const runtime = new Runtime();
      const before = prepare(engine, "call 8\nexit", { runtime });
      defineHelper(runtime, { id: 8, name: "get_smp_processor_id", args: [], body: () => 99 });
      const after = prepare(engine, "call 8\nexit", { runtime });
      expect([before.run(), after.run()]).toEqual([0n, 99n]);
      if (!CHECKING_ENGINES.includes(engine)) continue;
      expect(prepare(engine, "r1 = 8\ncallx r1\nexit", { runtime }).run()).toBe(99n);
    }
  });

  it("must have a signature that makes sense", () => {
    const runtime = new Runtime();
    const define = (id: number, args: readonly string[]) => () =>
      defineHelper(runtime, { id, name: "bad", args: args as readonly "u32"[], body: () => 0 });
    expect(define(0, [])).toThrow(/expected an id in 1..2147483647, got 0/);
    expect(define(1, Array(6).fill("u32"))).toThrow(/expected at most 5 arguments, got 6/);
    expect(define(1, ["mem"])).toThrow(/expected a size after argument 1 \(mem\), got nothing/);
    expect(define(1, ["map_key"])).toThrow(/expected a map before argument 1/);
    expect(define(1, ["string"])).toThrow(/expected a kind of argument, got "string"/);
  });
});
