// Replay as a stream: chunks of any size, progress on the way, memory that stays as it is however long the trace.

import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import type { ReplayProgress, TraceSource } from "../dist/src/index.js";
import { encode, inChunks, line, Stand, ticks } from "./support/replaying.ts";

/** Lines of both tracepoints, names beyond ASCII among them. */
const TEXT = `# tracer: nop
#
${Array.from({ length: 300 }, (_, value) =>
  line({
    value,
    event: value % 3 === 0 ? "tock" : "tick",
    comm: ["bash", "naïve ☃", "日本語", "a-b [001]"][value % 4] as string,
    pid: 10 + (value % 20),
    cpu: value % 4,
    time: 1_000_000 + 7 * value,
  }),
).join("")}`;

async function replayAll(source: string | TraceSource, events?: number) {
  const stand = new Stand("wasm");
  stand.watch("tick");
  stand.watch("tock");
  const stats = await stand.replay(source, events === undefined ? {} : { events });
  return { seen: stand.seen, stats };
}

/** What of the statistics must not depend on how the trace came. */
function essence({ stats, seen }: Awaited<ReturnType<typeof replayAll>>) {
  const { events, runs, passes, bytes, source } = stats;
  return { seen, events, runs, passes, bytes, source };
}

describe("the chunks of a source", () => {
  it.each([1, 2, 3, 7, 64, 1000])("of %i bytes make no difference", async (size) => {
    const whole = essence(await replayAll(TEXT));
    expect(whole.seen.length).toBe(300);
    expect(new Set(whole.seen.map(({ comm }) => comm)).size).toBe(4);
    expect(essence(await replayAll(inChunks(encode(TEXT), size)))).toEqual(whole);
  });

  it("cut at every single place, in a character or in a line, make no difference", async () => {
    const bytes = encode(TEXT.split("\n").slice(0, 6).join("\n"));
    const whole = essence(await replayAll(inChunks(bytes, bytes.length)));
    expect(whole.seen.length).toBe(4);
    for (let cut = 0; cut <= bytes.length; cut++) {
      const halves = [bytes.subarray(0, cut), bytes.subarray(cut)];
      expect(essence(await replayAll(() => halves)), `cut at ${cut}`).toEqual(whole);
    }
  });

  it("may come late, be Buffers, be empty, and be written over once they were read", async () => {
    const whole = essence(await replayAll(TEXT));
    async function* late() {
      const chunk = Buffer.alloc(50);
      for (const piece of inChunks(encode(TEXT), 50)() as Iterable<Uint8Array>) {
        chunk.set(piece);
        yield chunk.subarray(0, piece.length);
        chunk.fill(0x78);
        yield Buffer.alloc(0);
        await Promise.resolve();
      }
    }
    expect(essence(await replayAll(late))).toEqual(whole);
  });

  it.each([1, 7, 100_000])(
    "may end lines as Windows does, and the last not at all (%i bytes)",
    async (size) => {
      const whole = await replayAll(TEXT);
      const variants = [
        TEXT.replaceAll("\n", "\r\n"),
        TEXT.trimEnd(),
        TEXT.trimEnd().replaceAll("\n", "\r\n"),
      ];
      for (const text of variants) {
        const { seen, stats } = await replayAll(inChunks(encode(text), size));
        expect(seen).toEqual(whole.seen);
        expect(stats.source).toEqual(whole.stats.source);
        expect(stats.bytes).toBe(encode(text).length);
      }
    },
  );

  it("are not looked at past the last event that is wanted", async () => {
    const text = `${ticks(5)}nonsense\n`;
    for (const size of [1, 20, 100_000]) {
      const { seen, stats } = await replayAll(inChunks(encode(text), size), 5);
      expect(seen.map(({ value }) => Number(value))).toEqual([0, 1, 2, 3, 4]);
      expect(stats.source).toMatchObject({ lines: 5, events: 5, malformed: 0 });
    }
  });

  it("are asked for no longer than needed, and the source is told", async () => {
    let given = 0;
    let isEnded = false;
    async function* endless() {
      try {
        for (;;) {
          given++;
          yield encode(ticks(10));
        }
      } finally {
        isEnded = true;
      }
    }
    const { stats } = await replayAll(endless, 95);
    expect(stats).toMatchObject({ events: 95, passes: 1 });
    expect([given, isEnded]).toEqual([10, true]);
  });
});

describe("progress", () => {
  async function reports(text: string, chunk: number, events?: number, keep?: number) {
    const stand = new Stand("wasm");
    stand.attach("tick", "r0 = 0\nexit");
    const seen: ReplayProgress[] = [];
    const stats = await stand.replay(inChunks(encode(text), chunk), {
      onProgress: (progress) => seen.push(progress),
      ...(events === undefined ? {} : { events }),
      ...(keep === undefined ? {} : { keep }),
    });
    return { seen, stats };
  }

  it.each([
    [9000, undefined, undefined],
    [9000, 50_000, undefined],
    [9000, 50_000, 0],
    [4096, 8192, 0],
    [1, 1, undefined],
    [1, 10, undefined],
  ])("of %d lines (%d events wanted, keep %d) grows and ends at the total", async (lines, events, keep) => {
    const { seen, stats } = await reports(ticks(lines), 1000, events, keep);
    expect(stats.events).toBe(events ?? lines);
    expect(seen.length).toBeGreaterThanOrEqual(Math.floor(stats.events / 4096));
    for (const [index, { events: done, bytes }] of seen.entries()) {
      expect(done).toBeGreaterThan(seen[index - 1]?.events ?? 0);
      expect(bytes).toBeGreaterThanOrEqual(seen[index - 1]?.bytes ?? 1);
    }
    expect(seen.at(-1)).toEqual({ events: stats.events, bytes: stats.bytes });
  });

  it("says nothing of a trace without events", async () => {
    expect((await reports("# nothing\n", 100)).seen).toEqual([]);
  });
});

describe("a trace far larger than memory", () => {
  const EVENTS = 1_200_000;
  /** Every event's value and pid is its number. */
  const sum = (events: number): bigint => BigInt(events) * BigInt(events - 1);

  function replayLarge(...args: number[]) {
    const script = fileURLToPath(new URL("support/large-replay.mjs", import.meta.url));
    const output = execFileSync(process.execPath, ["--max-old-space-size=40", script, ...args.map(String)], {
      encoding: "utf8",
      stdio: "pipe",
    });
    return JSON.parse(output);
  }

  it("of as many tasks as events goes through a heap of 40 MB, in the memory that was there", () => {
    const { bytes, ...rest } = replayLarge(EVENTS);
    expect(bytes).toBeGreaterThan(60_000_000);
    expect(rest).toEqual({ events: EVENTS, passes: 1, sum: String(sum(EVENTS)), grown: 0, kept: 0 });
  });

  it("repeats in bounded memory, though it is too large to keep", () => {
    const { grown, kept, ...rest } = replayLarge(EVENTS, EVENTS + 1000);
    expect(rest).toMatchObject({
      events: EVENTS + 1000,
      passes: 2,
      sum: String(sum(EVENTS) + sum(1000)),
    });
    // What may be kept, and the batches' own records; then all of it is given up.
    expect(grown).toBeLessThan(128 << 20);
    expect(kept).toBeLessThan(4096);
  });
});
