// The runtime: linear memory and its heap, runs inside runs, clocks and random numbers, what closing gives back.

import { describe, expect, it } from "vitest";
import { At, Limit, ProbeRegion } from "../assembly/shared/layout.ts";
import { Heap } from "../dist/src/heap.js";
import { BpfMap, defineHelper, EventBatch, type Executable, Runtime } from "../dist/src/index.js";
import { GuestMemory } from "../dist/src/memory.js";
import { ENGINE_NAMES, prepare, thrown } from "./support/engines.ts";
import { Random } from "./support/random.ts";

interface Owned {
  readonly start: number;
  readonly size: number;
  readonly visible: boolean;
  readonly mark: number;
}

/** The ranges that probe reads may read, as linear memory lists them. */
function probeRanges(memory: GuestMemory): [number, number][] {
  const table = memory.load32(At.PROBE_REGIONS);
  return Array.from({ length: memory.load32(At.PROBE_COUNT) }, (_, index) => {
    const at = table + index * ProbeRegion.SIZE;
    return [memory.load32(at + ProbeRegion.START), memory.load32(at + ProbeRegion.END)];
  });
}

describe("heap", () => {
  it("gives zeroed blocks at multiples of 16 that never overlap, through thousands of takes and returns", () => {
    const memory = new GuestMemory();
    const heap = new Heap(memory);
    const random = new Random(7);
    const owned: Owned[] = [];
    for (let step = 0; step < 20_000; step++) {
      if (owned.length > 0 && random.below(100) < (owned.length > 150 ? 60 : 45)) {
        const [block] = owned.splice(random.below(owned.length), 1);
        expect(memory.u8.subarray(block.start, block.start + block.size).every((b) => b === block.mark)).toBe(
          true,
        );
        heap.free(block.start);
        continue;
      }
      const size = random.below(8) === 0 ? random.below(5000) : random.below(100);
      const visible = random.below(3) === 0;
      const start = heap.allocate(size, visible);
      expect(start % 16).toBe(0);
      expect(start).toBeGreaterThanOrEqual(Limit.GUEST_START);
      expect(memory.u8.subarray(start, start + size).every((byte) => byte === 0)).toBe(true);
      const mark = 1 + (step % 255);
      memory.fill(start, mark, size);
      owned.push({ start, size, visible, mark });
    }
    // Every block still holds its own mark: none was given out twice.
    for (const { start, size, mark } of owned)
      expect(memory.u8.subarray(start, start + size).every((byte) => byte === mark)).toBe(true);
    const expected = owned
      .filter(({ visible, size }) => visible && size > 0)
      .map(({ start, size }) => [start, start + size])
      .sort(([a], [b]) => a - b);
    expect(probeRanges(memory)).toEqual(expected);
  });

  it("is empty when everything came back, and uses the same memory again", () => {
    const memory = new GuestMemory();
    const heap = new Heap(memory);
    const random = new Random(11);
    let reached = 0;
    for (let round = 0; round < 50; round++) {
      const blocks = Array.from({ length: 300 }, () => heap.allocate(random.below(4000)));
      while (blocks.length > 0) heap.free(blocks.splice(random.below(blocks.length), 1)[0]);
      expect(heap.used).toBe(0);
      const all = heap.allocate(300 * 4000);
      reached = Math.max(reached, all);
      heap.free(all);
    }
    expect(reached).toBeLessThan(Limit.GUEST_START + 2 * 300 * 4000);
  });

  it("grows memory, keeps what was in it, and says when the limit is reached", () => {
    const memory = new GuestMemory();
    const heap = new Heap(memory);
    const first = heap.allocate(1000);
    memory.fill(first, 0xab, 1000);
    const before = memory.size;
    const large = heap.allocate(before);
    expect(memory.size).toBeGreaterThan(before);
    memory.store32(large + before - 4, 0x12345678);
    expect(memory.load32(large + before - 4)).toBe(0x12345678);
    expect(memory.read(first, 1000).every((byte) => byte === 0xab)).toBe(true);
    const used = heap.used;
    expect(() => heap.allocate(Limit.MEMORY)).toThrow(RangeError);
    expect(() => heap.allocate(-1)).toThrow(RangeError);
    expect(() => heap.allocate(0.5)).toThrow(RangeError);
    expect(() => heap.allocate(Number.POSITIVE_INFINITY)).toThrow(RangeError);
    expect(heap.used).toBe(used);
  });

  it("refuses to free what it did not give", () => {
    const heap = new Heap(new GuestMemory());
    const block = heap.allocate(64);
    expect(() => heap.free(block + 16)).toThrow("no block");
    heap.free(block);
    expect(() => heap.free(block)).toThrow("no block");
  });

  it("works without WebAssembly", () => {
    const { WebAssembly: wasm } = globalThis;
    try {
      (globalThis as { WebAssembly?: unknown }).WebAssembly = undefined;
      const memory = new GuestMemory();
      const heap = new Heap(memory);
      const block = heap.allocate(100);
      memory.storeU64(block, 0x1122334455667788n);
      heap.allocate(memory.size);
      expect(memory.loadU64(block)).toBe(0x1122334455667788n);
      expect(() => memory.wasm).toThrow(TypeError);
      expect(prepare("ts", "r0 = 6\nr0 *= 7\nexit").run()).toBe(42n);
      expect(() => prepare("wasm", "r0 = 0\nexit")).toThrow(/WebAssembly/);
    } finally {
      (globalThis as { WebAssembly?: unknown }).WebAssembly = wasm;
    }
  });
});

describe("what closing gives back", () => {
  it.each(ENGINE_NAMES)("programs, maps and batches come and go without leaving anything (%s)", (engine) => {
    const runtime = new Runtime();
    const once = () => {
      const map = new BpfMap(runtime, {
        name: "counts",
        type: 1,
        keySize: 4,
        valueSize: 8,
        maxEntries: 64,
        flags: 0,
      });
      const program = prepare(engine, "r1 = map[fd:0]\nr0 = 0\nexit", { runtime, maps: [map] });
      const batch = new EventBatch(runtime, 100);
      batch.add(0, 0, 0, 0, batch.task({ pid: 1, comm: "once" }));
      program.runBatch(batch);
      program.run(new Uint8Array(200));
      batch.free();
      // The map outlives its maker for as long as a program uses it.
      map.close();
      expect(program.run()).toBe(0n);
      program.close();
      program.close();
    };
    once();
    const { used } = runtime.heap;
    const { size } = runtime.memory;
    for (let round = 0; round < 500; round++) once();
    expect(runtime.heap.used).toBe(used);
    expect(runtime.memory.size).toBe(size);
  });

  it.each(ENGINE_NAMES)("a closed program does not run (%s)", (engine) => {
    const program = prepare(engine, "r0 = 1\nexit");
    program.close();
    expect(() => program.run()).toThrow("expected an open program");
  });

  it.each(ENGINE_NAMES)("a program closed while it runs ends its run first (%s)", (engine) => {
    const runtime = new Runtime();
    let program: Executable | undefined;
    let taken = 0;
    defineHelper(runtime, {
      name: "close_me",
      id: 5001,
      args: [],
      body: () => {
        program?.close();
        // Were the code free already, this would overwrite it.
        for (let block = 0; block < 50; block++) {
          const { address, size } = runtime.allocateBuffer(64);
          runtime.memory.fill(address, 0xff, size);
          taken++;
        }
        return 5n;
      },
    });
    program = prepare(engine, "call 5001\nr0 += 37\nexit", { runtime });
    expect(program.run()).toBe(42n);
    expect(taken).toBe(50);
    expect(thrown(() => program?.run()).message).toContain("expected an open program");
  });
});

describe("runs inside runs", () => {
  it.each(ENGINE_NAMES)("keep their registers, stacks and events apart (%s)", (engine) => {
    const runtime = new Runtime();
    const seen: [bigint, bigint][] = [];
    let inner: Executable | undefined;
    defineHelper(runtime, {
      name: "nested",
      id: 5002,
      args: ["u32"],
      body: (depth) => (inner as Executable).run(new Uint8Array(8), { cpu: depth + 1 }),
    });
    // Every depth leaves a mark on its own stack, and counts up to ten.
    inner = prepare(
      engine,
      "call 8\nr6 = r0\n*(u64 *)(r10 - 8) = r6\nif r6 == 10 goto out\nr1 = r6\ncall 5002\n" +
        "r7 = *(u64 *)(r10 - 8)\nif r7 != r6 goto bad\nr0 += r7\nexit\nout: r0 = r6\nexit\nbad: r0 = -1\nexit",
      { runtime },
    );
    seen.push([inner.run(new Uint8Array(8)), 55n]);
    seen.push([inner.run(new Uint8Array(8), { cpu: 4 }), 49n]);
    for (const [got, wanted] of seen) expect(got).toBe(wanted);
  });

  it.each(ENGINE_NAMES)(
    "end with an error before the stacks do, and leave the runtime whole (%s)",
    (engine) => {
      const runtime = new Runtime();
      let self: Executable | undefined;
      defineHelper(runtime, {
        name: "forever",
        id: 5003,
        args: [],
        body: () => (self as Executable).run(),
      });
      self = prepare(engine, "call 5003\nexit", { runtime });
      const { used } = runtime.heap;
      expect(() => self?.run()).toThrow(/runs inside each other/);
      expect(runtime.heap.used).toBe(used);
      expect(prepare(engine, "r0 = 3\nexit", { runtime }).run()).toBe(3n);
    },
  );

  it.each(ENGINE_NAMES)("see memory that a helper made grow (%s)", (engine) => {
    const runtime = new Runtime();
    defineHelper(runtime, {
      name: "grow",
      id: 5004,
      args: [],
      body: () => {
        runtime.allocateBuffer(runtime.memory.size);
      },
    });
    const program = prepare(
      engine,
      "r6 = r1\n*(u64 *)(r10 - 8) = 7\ncall 5004\nr0 = *(u64 *)(r10 - 8)\n*(u64 *)(r6 + 0) = r0\nexit",
      { runtime },
    );
    const memory = new Uint8Array(8);
    expect(program.run(memory)).toBe(7n);
    expect(memory[0]).toBe(7);
  });
});

describe("repeatable runs", () => {
  const draw = "call 7\nr6 = r0\ncall 7\nr0 <<= 32\nr0 |= r6\nexit";

  it("draws the same random numbers from the same seed, on every engine", () => {
    const drawn = ENGINE_NAMES.map((engine) => {
      const program = prepare(engine, draw, { runtime: new Runtime({ seed: 5 }) });
      return [program.run(), program.run()];
    });
    for (const pair of drawn) expect(pair).toEqual(drawn[0]);
    expect(drawn[0][0]).not.toBe(drawn[0][1]);
    const other = prepare("ts", draw, { runtime: new Runtime({ seed: 6 }) });
    expect(other.run()).not.toBe(drawn[0][0]);
  });

  it.each(ENGINE_NAMES)("takes the time from the clock it was given, or from the event (%s)", (engine) => {
    let now = 1000n;
    const runtime = new Runtime({ clock: () => now++ });
    const program = prepare(engine, "call 5\nr6 = r0\ncall 5\nr0 -= r6\nr0 <<= 32\nr0 |= r6\nexit", {
      runtime,
    });
    // One event happens at one time.
    expect(program.run()).toBe(1000n);
    expect(program.run()).toBe(1001n);
    expect(program.run(new Uint8Array(0), { time: 77n })).toBe(77n);
    expect(program.run(new Uint8Array(0), { time: 0n })).toBe(0n);
  });

  it("has a clock that never goes back", () => {
    const runtime = new Runtime();
    let last = runtime.clock();
    for (let step = 0; step < 1000; step++) {
      const now = runtime.clock();
      expect(now >= last).toBe(true);
      last = now;
    }
  });
});

describe("event batches", () => {
  it("know how many events and tasks fit", () => {
    const runtime = new Runtime();
    const batch = new EventBatch(runtime, 2);
    const a = batch.task({ pid: 1, comm: "a" });
    expect(batch.task({ pid: 1, comm: "a" })).toBe(a);
    expect(batch.task({ pid: 1, comm: "b" })).not.toBe(a);
    expect(() => batch.task({ pid: 2, comm: "b" })).toThrow(RangeError);
    batch.add(0, 0);
    batch.add(0, 0);
    expect(batch.isFull).toBe(true);
    expect(() => batch.add(0, 0)).toThrow(RangeError);
    batch.clear();
    expect(batch.count).toBe(0);
    expect(batch.task({ pid: 3, comm: "c" })).toBe(a);
  });

  it.each(ENGINE_NAMES)("carry each event's context, time, CPU and task, and its r0 back (%s)", (engine) => {
    const runtime = new Runtime();
    const program = prepare(
      engine,
      // context[0] * 1000000 + cpu * 10000 + pid * 100 + time
      "r6 = *(u8 *)(r1 + 0)\nr6 *= 1000000\ncall 8\nr0 *= 10000\nr6 += r0\ncall 14\nr0 <<= 32\nr0 >>= 32\nr0 *= 100\n" +
        "r6 += r0\ncall 5\nr0 += r6\nexit",
      { runtime },
    );
    const batch = new EventBatch(runtime, 5000);
    const context = runtime.allocateBuffer(5000);
    for (let event = 0; event < 5000; event++) {
      runtime.memory.store8(context.address + event, event & 0xff);
      const task = batch.task({ pid: event % 90, tgid: 7, comm: "worker" });
      batch.add(context.address + event, 1, 1 + (event % 99), event % 64, task);
    }
    expect(program.runBatch(batch)).toEqual({ completed: 5000 });
    for (let event = 0; event < 5000; event++) {
      const expected =
        (event & 0xff) * 1_000_000 + (event % 64) * 10_000 + (event % 90) * 100 + 1 + (event % 99);
      expect(batch.result(event)).toBe(BigInt(expected));
    }
  });
});
