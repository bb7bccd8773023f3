// Replay of recorded traces through attached programs: what they count and see, how traces repeat, what ends a replay.

import { describe, expect, it } from "vitest";
import {
  defineHelper,
  type Executable,
  LoadError,
  type ReplayProgress,
  replayTrace,
  TrapError,
} from "../dist/src/index.js";
import { CHECKING_ENGINES, ENGINE_NAMES } from "./support/engines.ts";
import { dropMonitor, encode, inChunks, line, Stand, ticks } from "./support/replaying.ts";
import { recording } from "./support/traces.ts";

/** The places of all drops in the recording, in order, as a plain search finds them. */
const LOCATIONS = [
  ...new TextDecoder().decode(recording().trace).matchAll(/: kfree_skb: .* location=(\S+) reason: /g),
].map(([, location]) => location as string);

/** How often each place comes among the first `events` drops of the recording repeated without end. */
function expectedDrops(events: number): Map<string, number> {
  const counts = new Map<string, number>();
  for (let event = 0; event < events; event++) {
    const location = LOCATIONS[event % LOCATIONS.length] as string;
    counts.set(location, (counts.get(location) ?? 0) + 1);
  }
  return counts;
}

const sorted = (counts: Map<string, number>) => [...counts].sort(([a], [b]) => (a < b ? -1 : 1));

/** The error that a promise ends in. */
async function rejection(promise: Promise<unknown>): Promise<Error> {
  try {
    await promise;
  } catch (error) {
    return error as Error;
  }
  throw new Error("expected an error, got none");
}

describe.each(ENGINE_NAMES)("the recording of dropped packets (%s)", (engine) => {
  it("counts the drops of each place", async () => {
    const { tracepoints, symbols, trace, drops } = dropMonitor(engine);
    const stats = await replayTrace(inChunks(trace, 65536), tracepoints, { symbols });
    expect(LOCATIONS.length).toBe(1991);
    expect(sorted(drops())).toEqual(sorted(expectedDrops(1991)));
    expect(stats).toMatchObject({ events: 1991, runs: 1991, passes: 1, bytes: trace.length });
    // Events without a program are not even looked up: their tracepoints are defined, and idle.
    expect(Object.fromEntries(stats.source.skipped)).toEqual({
      net_dev_queue: 1606,
      netif_receive_skb: 800,
      sched_switch: 223,
    });
  });

  it.each([1, 1990, 1991, 1992, 5000, 100_000])("runs exactly %i events, repeating it", async (events) => {
    for (const keep of [undefined, 0]) {
      const { tracepoints, symbols, trace, drops } = dropMonitor(engine);
      const options = { events, symbols, ...(keep === undefined ? {} : { keep }) };
      const stats = await replayTrace(inChunks(trace, 50_000), tracepoints, options);
      const passes = Math.ceil(events / 1991);
      expect(stats).toMatchObject({ events, runs: events, passes });
      expect(sorted(drops())).toEqual(sorted(expectedDrops(events)));
    }
  });

  it("reads the trace once when it keeps it, else once in every pass", async () => {
    const { tracepoints, symbols, trace } = dropMonitor(engine);
    const bytes = async (keep: number) =>
      (await replayTrace(inChunks(trace, trace.length), tracepoints, { events: 19_910, symbols, keep }))
        .bytes;
    expect(await bytes(64 << 20)).toBe(trace.length);
    expect(await bytes(0)).toBe(10 * trace.length);
  });

  it("gives back all memory, and stops counting when the program is detached", async () => {
    const { runtime, tracepoints, symbols, trace, drops, link } = dropMonitor(engine);
    const { used } = runtime.heap;
    for (const keep of [0, 1 << 20, 64 << 20]) {
      await replayTrace(inChunks(trace, 4096), tracepoints, { events: 5000, symbols, keep });
      expect(runtime.heap.used).toBe(used);
    }
    expect(sorted(drops())).toEqual(
      sorted(new Map([...expectedDrops(5000)].map(([location, count]) => [location, 3 * count]))),
    );
    link.detach();
    expect(await rejection(replayTrace(inChunks(trace, 4096), tracepoints, { symbols }))).toBeInstanceOf(
      TypeError,
    );
    expect(runtime.heap.used).toBe(used);
  });
});

describe.each(ENGINE_NAMES)("programs in a replay (%s)", (engine) => {
  it("see the value, time, CPU and task of each line", async () => {
    const stand = new Stand(engine);
    stand.watch("tick");
    const lines = [
      { value: 5, comm: "bash", pid: 77, tgid: 70, cpu: 3, time: 1_000_001 },
      { value: 6, comm: "kworker/u8:1-ev", pid: 9, cpu: 0, time: 1_000_002 },
      { value: 7, comm: "odd [001] 1.0: ", pid: 4194304, tgid: 4194303, cpu: 127, time: 1_000_003 },
      { value: 8, comm: "bash", pid: 77, tgid: 71, cpu: 2, time: 9_999_999_999 },
      { value: 0xffff_ffff_ffff_ffffn, comm: "<idle>", pid: 0, cpu: 1, time: 9_999_999_999 },
    ];
    await stand.replay(lines.map(line).join(""));
    expect(stand.seen).toEqual(
      lines.map(({ value, comm, pid, tgid = pid, cpu, time }) => ({
        who: 0,
        value: BigInt(value),
        time: BigInt(time) * 1000n,
        cpu,
        pid,
        tgid,
        comm,
      })),
    );
  });

  it("see each task's own name, however many tasks share a pid's lower bits", async () => {
    const stand = new Stand(engine);
    stand.watch("tick");
    // Pids 64 apart, and names that change under a pid, as execve changes them.
    const tasks = Array.from({ length: 9000 }, (_, event) => ({
      pid: 1 + 64 * (event % 3),
      comm: `t${event % 7}`,
    }));
    await stand.replay(tasks.map((task) => line(task)).join(""), { events: 9000 * 2 });
    expect(stand.seen.map(({ pid, comm }) => ({ pid, comm }))).toEqual([...tasks, ...tasks]);
  });

  it("see a name byte for byte, even where the kernel cut a character in two", async () => {
    const stand = new Stand(engine);
    stand.watch("tick");
    const [start, end] = line({ comm: "NAME" }).split("NAME") as [string, string];
    const names = ["caf\u00c3", "caf\u00c2", "\u00ff\u00fe", "na\u00c3\u00afve"];
    const bytes = names.flatMap((name) => [
      ...encode(start),
      ...Array.from(name, (char) => char.charCodeAt(0)),
      ...encode(end),
    ]);
    await stand.replay(inChunks(Uint8Array.from(bytes), 1000));
    expect(stand.seen.map(({ comm }) => comm)).toEqual(names);
  });

  it("at several tracepoints see the events in the order of the trace", async () => {
    const stand = new Stand(engine);
    const first = stand.watch("tick");
    const only = stand.watch("tock");
    const second = stand.watch("tick");
    const isTock = (value: number) => value % 5 === 0 || value % 7 === 3;
    const count = 9999;
    const text = Array.from({ length: count }, (_, value) =>
      line({ value, event: isTock(value) ? "tock" : "tick", time: 1_000_000 + value }),
    ).join("");
    const expected = Array.from({ length: count }, (_, value) =>
      isTock(value) ? [[value, only]] : [first, second].map((who) => [value, who]),
    ).flat();
    const stats = await stand.replay(text);
    expect(stand.seen.map(({ who, value }) => [Number(value), who])).toEqual(expected);
    expect(stats).toMatchObject({ events: count, runs: expected.length });
  });

  it("see every event whole when the replay ends in the middle of the trace", async () => {
    const stand = new Stand(engine);
    const programs = [stand.watch("tick"), stand.watch("tick"), stand.watch("tick")];
    // Three programs an event, so that no number of events fills a batch of a power of two to the brim.
    const stats = await stand.replay(ticks(2000), { events: 4500 });
    const values = Array.from({ length: 4500 }, (_, event) => event % 2000);
    expect(stand.seen.map(({ who, value }) => [Number(value), who])).toEqual(
      values.flatMap((value) => programs.map((who) => [value, who])),
    );
    expect(stats).toMatchObject({ events: 4500, runs: 13_500, passes: 3 });
  });

  it("may close each other: what runs ends its batch, and the next one fails", async () => {
    const stand = new Stand(engine);
    const values: bigint[] = [];
    let victim: Executable | undefined;
    defineHelper(stand.runtime, {
      id: 6002,
      name: "close_victim",
      args: [],
      body: () => {
        victim?.close();
        // Once its memory is free, this overwrites it.
        const { address, size } = stand.runtime.allocateBuffer(32);
        stand.runtime.memory.fill(address, 0xff, size);
      },
    });
    defineHelper(stand.runtime, {
      id: 6003,
      name: "note",
      args: ["u64"],
      body: (value) => void values.push(value),
    });
    stand.attach("tick", "r6 = *(u64 *)(r1 + 8)\nif r6 < 10 goto out\ncall 6002\nout: r0 = 0\nexit");
    victim = stand.attach("tick", "r1 = *(u64 *)(r1 + 8)\ncall 6003\nr0 = 0\nexit");
    const error = await rejection(stand.replay(ticks(5000)));
    expect(error.message).toBe("replay: expected open programs, got test, which is closed");
    // 4096 records in a batch, two for each event.
    expect(values).toEqual(Array.from({ length: 2048 }, (_, value) => BigInt(value)));
  });

  it("run as they were attached when it began, whoever detaches them meanwhile", async () => {
    const stand = new Stand(engine);
    stand.watch("tick");
    const link = stand.tracepoints
      .get("test:tick")
      .attach(stand.tracepoints.get("test:tick").programs[0] as never);
    await stand.replay(ticks(10_000), { events: 15_000, onProgress: () => link.detach() });
    expect(stand.seen.length).toBe(30_000);
    expect(link.isAttached).toBe(false);
    await stand.replay(ticks(10));
    expect(stand.seen.length).toBe(30_010);
  });
});

describe("time in a replay", () => {
  /** Times that programs see, in microseconds, however much of the trace is kept. */
  async function times(text: string, events: number, keep: number): Promise<number[]> {
    const stand = new Stand("wasm");
    stand.watch("tick");
    await stand.replay(text, { events, keep });
    return stand.seen.map(({ time }) => Number(time) / 1000);
  }

  it("goes on from pass to pass, by as much whether the trace is kept or read anew", async () => {
    const text = ticks(9000, 10);
    const kept = await times(text, 40_000, 64 << 20);
    expect(kept.length).toBe(40_000);
    expect(kept.findIndex((time, event) => time !== 1_000_000 + event * 10)).toBe(-1);
    expect(await times(text, 40_000, 0)).toEqual(kept);
    // Room for two blocks of the three: what was kept is dropped on the way.
    expect(await times(text, 40_000, 2 << 20)).toEqual(kept);
  });

  it("never goes back, for a single event and for lines out of order", async () => {
    const single = await times(line({ time: 5 }), 4, 0);
    expect(single).toEqual([5, 5, 5, 5]);
    expect(await times(line({ time: 5 }), 4, 64 << 20)).toEqual(single);
    const order = [30, 10, 40, 20];
    const mixed = order.map((time) => line({ time })).join("");
    for (const keep of [0, 64 << 20]) {
      const seen = await times(mixed, 12, keep);
      expect(seen.slice(0, 4)).toEqual(order);
      const passes = [0, 4, 8].map((from) => seen.slice(from, from + 4));
      const [first, second, third] = passes as [number[], number[], number[]];
      expect(Math.min(...second)).toBeGreaterThan(Math.max(...first));
      expect(Math.min(...third)).toBeGreaterThan(Math.max(...second));
    }
  });

  it("may start at 0, which is a time like another", async () => {
    expect(await times(line({ time: 0 }) + line({ time: 1 }), 2, 0)).toEqual([0, 1]);
  });
});

describe("a replay ends with an error", () => {
  const TRAP_AT_VALUE_3 =
    "r1 = *(u64 *)(r1 + 8)\nr0 = 0\nif r1 != 3 goto out\nr0 = *(u64 *)(r0 + 0)\nout: exit";

  it("when nothing is attached, and when programs are of two engines", async () => {
    const stand = new Stand("ts");
    const nothing = await rejection(stand.replay(ticks(1)));
    expect(nothing).toBeInstanceOf(TypeError);
    expect(nothing.message).toBe("replay: expected a program attached to a tracepoint, got none");
    stand.watch("tick");
    stand.attach("tock", "r0 = 0\nexit", "wasm");
    const { used } = stand.runtime.heap;
    const mixed = await rejection(stand.replay(ticks(1)));
    expect(mixed).toBeInstanceOf(TypeError);
    expect(mixed.message).toBe("replay: expected programs of one engine, got ts and wasm");
    expect(stand.seen).toEqual([]);
    expect(stand.runtime.heap.used).toBe(used);
  });

  it.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY])("when %d events are wanted", async (events) => {
    const stand = new Stand("wasm");
    stand.watch("tick");
    const error = await rejection(stand.replay(ticks(3), { events }));
    expect(error).toBeInstanceOf(RangeError);
    expect(error.message).toBe(`replay: expected at least 1 event, got ${events}`);
    expect(stand.seen).toEqual([]);
  });

  it.each(["", "# tracer: nop\n", line({ event: "tock" })])(
    "when events are wanted and there are none (%#)",
    async (text) => {
      const stand = new Stand("wasm");
      stand.watch("tick");
      const { used } = stand.runtime.heap;
      const error = await rejection(stand.replay(text, { events: 10, place: "empty.trace" }));
      expect(error).toBeInstanceOf(TypeError);
      expect(error.message).toBe("empty.trace: expected events of attached tracepoints, got none");
      expect(stand.runtime.heap.used).toBe(used);
      // Nobody asked for more than there is: then it is none.
      expect(await stand.replay(text)).toMatchObject({ events: 0, runs: 0, passes: 1 });
    },
  );

  it("when the source has no more for a second pass", async () => {
    const stand = new Stand("wasm");
    stand.watch("tick");
    const once = [encode(ticks(5))].values();
    const error = await rejection(stand.replay(() => once, { events: 6, keep: 0 }));
    expect(error.message).toBe("trace: expected events of attached tracepoints, got none");
    expect(stand.seen.length).toBe(5);
  });

  it.each(CHECKING_ENGINES)(
    "when a program traps: those before it have run, those after have not (%s)",
    async (engine) => {
      const stand = new Stand(engine);
      stand.watch("tick");
      stand.attach("tick", TRAP_AT_VALUE_3);
      stand.watch("tick");
      const { used } = stand.runtime.heap;
      const reports: ReplayProgress[] = [];
      const error = await rejection(
        stand.replay(ticks(10), { events: 20, onProgress: (progress) => reports.push(progress) }),
      );
      expect(error).toBeInstanceOf(TrapError);
      expect(error).toMatchObject({ code: "read", program: "test", slot: 3 });
      expect(stand.seen.map(({ who, value }) => [Number(value), who])).toEqual(
        [0, 1, 2]
          .flatMap((value) => [
            [value, 0],
            [value, 1],
          ])
          .concat([[3, 0]]),
      );
      expect(reports).toEqual([]);
      expect(stand.runtime.heap.used).toBe(used);
      // The tracepoint is none the worse for it.
      expect(await stand.replay(ticks(3))).toMatchObject({ events: 3, runs: 9 });
    },
  );

  it("when a line is none, which it names", async () => {
    const stand = new Stand("wasm");
    stand.watch("tick");
    const { used } = stand.runtime.heap;
    const text = `${ticks(2)}nonsense\n${ticks(2)}`;
    const error = await rejection(stand.replay(text, { place: "broken.trace" }));
    expect(error).toBeInstanceOf(LoadError);
    expect(error).toMatchObject({ code: "bad-trace", place: "broken.trace: line 3" });
    expect(error.message).toMatch(/^broken\.trace: line 3: expected "task-pid .*", got "nonsense"$/);
    expect(stand.runtime.heap.used).toBe(used);
    // The same in the second pass as in the first; and with nobody to say where, in "trace".
    const value = await rejection(stand.replay(ticks(2).replace("value=1", "value=x")));
    expect(value.message).toMatch(
      /^trace: line 2: expected text as the format of tick prints it, got "value=x"$/,
    );
  });

  it("not for a bad line with keepGoing, which counts it", async () => {
    const stand = new Stand("wasm");
    stand.watch("tick");
    const text = `${ticks(2)}nonsense\n${line({ value: 2 })}worse\n`;
    const stats = await stand.replay(text, { keepGoing: true });
    expect(stats).toMatchObject({ events: 3, source: { events: 3, malformed: 2, lines: 5 } });
    expect(stats.source.firstError?.place).toBe("trace: line 3");
    expect(stand.seen.map(({ value }) => value)).toEqual([0n, 1n, 2n]);
  });

  it("when a program was closed before, or is closed on the way", async () => {
    const stand = new Stand("wasm");
    const program = stand.attach("tick", "r0 = 0\nexit");
    const { used } = stand.runtime.heap;
    const close = () => program.close();
    const error = await rejection(stand.replay(ticks(9000), { onProgress: close }));
    expect(error).toBeInstanceOf(TypeError);
    expect(error.message).toBe("replay: expected open programs, got test, which is closed");
    expect(await rejection(stand.replay(ticks(1)))).toEqual(error);
    expect(stand.runtime.heap.used).toBeLessThan(used);
    expect(() => stand.tracepoints.get("test:tick").attach(program)).toThrow(/expected an open program/);
  });

  it("when source or progress callback throw, with just that error", async () => {
    const stand = new Stand("wasm");
    stand.watch("tick");
    const { used } = stand.runtime.heap;
    const failure = new Error("the disk is gone");
    async function* breaking() {
      yield encode(ticks(5000));
      throw failure;
    }
    expect(await rejection(stand.replay(breaking))).toBe(failure);
    const onProgress = () => {
      throw failure;
    };
    expect(await rejection(stand.replay(ticks(5000), { onProgress }))).toBe(failure);
    expect(stand.runtime.heap.used).toBe(used);
  });
});
