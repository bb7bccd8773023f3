// Tracepoints: records laid out by the event's format, programs that run on them, links, and events fired from
// inside programs.

import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import {
  defineHelper,
  type Executable,
  type FieldValue,
  InternalError,
  LoadError,
  loadRaw,
  parseFormat,
  type RecordedEvent,
  Runtime,
  type Tracepoint,
  TracepointTable,
  TrapError,
} from "../dist/src/index.js";
import { ENGINE_NAMES, prepare, thrown } from "./support/engines.ts";
import { COMMON_FIELDS } from "./support/format-text.ts";

const KFREE_SKB = readFileSync("examples/recordings/events/skb/kfree_skb/format", "utf8");

/** An event with every kind of field. */
const PROBE = `name: probe
ID: 777
${COMMON_FIELDS}	field:u8 small;	offset:8;	size:1;	signed:0;
	field:s16 middle;	offset:10;	size:2;	signed:1;
	field:int large;	offset:12;	size:4;	signed:1;
	field:u64 huge;	offset:16;	size:8;	signed:0;
	field:char comm[8];	offset:24;	size:8;	signed:0;
	field:u16 ports[3];	offset:32;	size:6;	signed:0;
	field:bool flag;	offset:38;	size:1;	signed:0;
	field:__data_loc char[] text;	offset:40;	size:4;	signed:0;
	field:__rel_loc u32[] list;	offset:44;	size:4;	signed:0;

print fmt: "%d", REC->large
`;

function defineProbe(runtime = new Runtime()): Tracepoint {
  return new TracepointTable(runtime).define(PROBE, "test");
}

/** The record that firing these fields makes. */
function recordOf(fields: Record<string, FieldValue>): Buffer {
  const tracepoint = defineProbe();
  let record: Uint8Array | undefined;
  tracepoint.enable((event) => {
    record = event.record;
  });
  tracepoint.fire(fields, { task: { pid: 0x1234, comm: "x" } });
  return Buffer.from(record as Uint8Array);
}

describe("records of fired events", () => {
  it("hold every field at its offset, in little endian, and zero elsewhere", () => {
    const record = recordOf({
      small: 0xfe,
      middle: -2,
      large: -3,
      huge: 0xfedc_ba98_7654_3210n,
      comm: "bash",
      ports: [80, 443, 65535],
      flag: true,
    });
    expect(record.toString("hex")).toBe(
      `${"0903"}${"0000"}${"34120000"}${"fe00"}${"feff"}${"fdffffff"}${"1032547698badcfe"}` +
        `${"6261736800000000"}${"5000bb01ffff"}${"0100"}${"00000000"}${"00000000"}`,
    );
  });

  it("place text and lists of varying length behind the fixed part", () => {
    const record = recordOf({ text: "hello", list: [1, 0xffff_ffff] });
    const word = record.readUInt32LE(40);
    expect([word >>> 16, word & 0xffff]).toEqual([6, 48]);
    expect(record.toString("latin1", 48, 54)).toBe("hello\0");
    const relative = record.readUInt32LE(44);
    const start = 48 + (relative & 0xffff);
    expect(relative >>> 16).toBe(8);
    expect(start).toBe(54);
    expect([record.readUInt32LE(start), record.readUInt32LE(start + 4)]).toEqual([1, 0xffff_ffff]);
    expect(record.length % 8).toBe(0);
    expect(recordOf({ text: "" }).readUInt32LE(40)).toBe((1 << 16) | 48);
    expect(recordOf({ text: new Uint8Array([1, 2, 3]) }).readUInt32LE(40)).toBe((3 << 16) | 48);
  });

  it("stay within their memory, as large as they may be", () => {
    const runtime = new Runtime();
    const table = new TracepointTable(runtime);
    const vast = PROBE.replace(
      "field:u8 small;	offset:8;	size:1;",
      "field:u8 small[9000];	offset:48;	size:9000;",
    );
    for (const [format, fields, size] of [
      // To the last byte of what the kernel stores, from an odd place on.
      [PROBE, { text: "12", list: new Uint8Array(8192 - 48 - 3) }, 8192],
      // A format may declare more than that.
      [vast, { small: new Uint8Array(9000).fill(7) }, 9048],
    ] as const) {
      const tracepoint = table.define(format, `test${size}`);
      const sizes: number[] = [];
      tracepoint.enable(({ record }) => sizes.push(record.length));
      tracepoint.fire({});
      // Whatever the heap gives next lies behind the record.
      const after = Array.from({ length: 4 }, () => runtime.allocateBuffer(64));
      for (const { address } of after) runtime.memory.fill(address, 0xee, 64);
      tracepoint.fire(fields);
      expect(sizes[1]).toBe(size);
      for (const { address } of after) {
        expect(runtime.memory.read(address, 64).every((byte) => byte === 0xee)).toBe(true);
      }
    }
  });

  it("leave nothing of the event before", () => {
    const tracepoint = defineProbe();
    const records: string[] = [];
    tracepoint.enable(({ record }) => records.push(Buffer.from(record).toString("hex")));
    tracepoint.fire({ small: 1 });
    tracepoint.fire({ huge: -1n, comm: "12345678", text: "a long text that fills more", list: [1, 2, 3] });
    tracepoint.fire({ small: 1 });
    expect(records[2]).toBe(records[0]);
  });

  it.each<[Record<string, FieldValue>, new (message: string) => Error, RegExp]>([
    [{ smal: 1 }, TypeError, /probe: expected one of its fields, got "smal"/],
    [{ small: 256 }, RangeError, /probe\.small: expected a number of 8 bits, got 256/],
    [{ small: -129 }, RangeError, /8 bits/],
    [{ huge: 1n << 64n }, RangeError, /64 bits/],
    [{ small: 1.5 }, TypeError, /whole number/],
    [{ small: "1" }, TypeError, /whole number, got "1"/],
    [{ comm: 7 }, TypeError, /expected text, bytes or a list, got 7/],
    [{ comm: new Uint8Array(9) }, RangeError, /probe\.comm: expected at most 8 bytes, got 9/],
    [{ ports: [1, 65536, 2] }, RangeError, /probe\.ports\[1\]/],
    [{ ports: [1, 2, 3, 4] }, RangeError, /at most 6 bytes, got 8/],
    [{ text: "x".repeat(8192) }, RangeError, /at most 8192 bytes/],
  ])("refuse what does not fit (%#)", (fields, kind, message) => {
    const tracepoint = defineProbe();
    tracepoint.enable(() => {});
    const error = thrown(() => tracepoint.fire(fields));
    expect(error).toBeInstanceOf(kind);
    expect(error.message).toMatch(message);
    // The next one is none the worse for it.
    expect(tracepoint.fire({ small: 1 })).toBe(1);
  });
});

describe.each(ENGINE_NAMES)("programs at tracepoints (%s)", (engine) => {
  it("read the record, the time, the CPU and the task", () => {
    const runtime = new Runtime();
    const tracepoint = defineProbe(runtime);
    const seen: bigint[][] = [];
    defineHelper(runtime, {
      id: 6000,
      name: "show",
      args: ["u64", "u64", "u64", "u64"],
      body: (...values) => void seen.push(values),
    });
    const code =
      "r9 = r1\ncall 5\nr6 = r0\ncall 8\nr7 = r0\ncall 14\nr4 = r0\nr3 = r7\nr2 = r6\nr1 = *(u64 *)(r9 + 16)\ncall 6000\nr0 = 1\nexit";
    tracepoint.attach(prepare(engine, code, { runtime }));
    tracepoint.fire({ huge: 5 }, { time: 123n, cpu: 3, task: { pid: 9, tgid: 8, comm: "t" } });
    tracepoint.fire({ huge: -1 }, { time: 124n });
    expect(seen).toEqual([
      [5n, 123n, 3n, (8n << 32n) | 9n],
      [(1n << 64n) - 1n, 124n, 0n, 0n],
    ]);
  });

  it("run in the order of attaching until detached; the verdict is what all agree on", () => {
    const runtime = new Runtime();
    const tracepoint = defineProbe(runtime);
    const order: number[] = [];
    defineHelper(runtime, { id: 6000, name: "mark", args: ["u32"], body: (who) => void order.push(who) });
    const program = (who: number, r0: number) =>
      prepare(engine, `r1 = ${who}\ncall 6000\nr0 = ${r0}\nexit`, { runtime });
    const links = [program(1, 7), program(2, 3), program(3, 0)].map((each) => tracepoint.attach(each));
    const fire = () => {
      order.length = 0;
      return tracepoint.fire({});
    };
    // The kernel starts from 1 and ands the results.
    expect([fire(), order.join()]).toEqual([0, "1,2,3"]);
    links[2].detach();
    expect([fire(), order.join()]).toEqual([1, "1,2"]);
    links[0].detach();
    links[0].detach();
    expect([fire(), order.join()]).toEqual([1, "2"]);
    expect(links.map(({ isAttached }) => isAttached)).toEqual([false, true, false]);
    const again = tracepoint.attach(links[0].program);
    expect([fire(), order.join()]).toEqual([1, "2,1"]);
    links[1][Symbol.dispose]();
    again.detach();
    expect(tracepoint.isActive).toBe(false);
    expect([fire(), order.join()]).toEqual([1, ""]);
  });

  it("may be attached twice; each link takes off its own", () => {
    const runtime = new Runtime();
    const tracepoint = defineProbe(runtime);
    let runs = 0;
    defineHelper(runtime, { id: 6000, name: "count", args: [], body: () => void runs++ });
    const program = prepare(engine, "call 6000\nexit", { runtime });
    const links = [tracepoint.attach(program), tracepoint.attach(program)];
    tracepoint.fire({});
    expect(runs).toBe(2);
    links[0].detach();
    tracepoint.fire({});
    expect(runs).toBe(3);
  });

  it("attached twice keep their order when the second link goes", () => {
    const runtime = new Runtime();
    const tracepoint = defineProbe(runtime);
    const order: number[] = [];
    defineHelper(runtime, { id: 6000, name: "mark", args: ["u32"], body: (who) => void order.push(who) });
    const [first, second] = [1, 2].map((who) =>
      prepare(engine, `r1 = ${who}\ncall 6000\nr0 = 1\nexit`, { runtime }),
    ) as [Executable, Executable];
    const links = [first, second, first].map((program) => tracepoint.attach(program));
    links[2]?.detach();
    tracepoint.fire({});
    expect(order).toEqual([1, 2]);
    expect(tracepoint.programs).toEqual([first, second]);
  });

  it("come off when the table closes: their links then leave others alone", () => {
    const runtime = new Runtime();
    const table = new TracepointTable(runtime);
    const tracepoint = table.define(PROBE, "test");
    const old = tracepoint.attach(prepare(engine, "r0 = 1\nexit", { runtime }));
    table.close();
    expect([old.isAttached, tracepoint.programs]).toEqual([false, []]);
    const next = tracepoint.attach(prepare(engine, "r0 = 3\nexit", { runtime }));
    old.detach();
    expect(tracepoint.programs).toEqual([next.program]);
  });

  it("that are closed are not attached", () => {
    const runtime = new Runtime();
    const tracepoint = defineProbe(runtime);
    const program = prepare(engine, "r0 = 1\nexit", { runtime });
    program.close();
    expect(() => tracepoint.attach(program)).toThrow(/expected an open program, got test, which is closed/);
    expect(tracepoint.isActive).toBe(false);
  });

  it("may detach themselves and others while they run", () => {
    const runtime = new Runtime();
    const tracepoint = defineProbe(runtime);
    const order: string[] = [];
    const links = new Map<string, { detach(): void }>();
    defineHelper(runtime, {
      id: 6000,
      name: "detach",
      args: ["u32"],
      body(who) {
        order.push(String(who));
        for (const link of links.values()) link.detach();
      },
    });
    for (const who of ["1", "2"]) {
      links.set(who, tracepoint.attach(prepare(engine, `r1 = ${who}\ncall 6000\nr0 = 1\nexit`, { runtime })));
    }
    tracepoint.fire({});
    tracepoint.fire({});
    expect(order).toEqual(["1", "2"]);
  });

  it("may fire events of their own, the same one included", () => {
    const runtime = new Runtime();
    const table = new TracepointTable(runtime);
    const outer = table.define(PROBE, "test");
    const sizes: number[] = [];
    defineHelper(runtime, {
      id: 6000,
      name: "fire",
      args: ["u64"],
      body(depth) {
        sizes.push(Number(depth));
        if (depth < 4n) outer.fire({ huge: depth + 1n, text: "x".repeat(Number(depth)) });
      },
    });
    // After the inner event, the outer's record must still be there.
    const code =
      "r6 = r1\nr1 = *(u64 *)(r6 + 16)\nr7 = r1\ncall 6000\nr1 = *(u64 *)(r6 + 16)\nr0 = 1\nif r1 == r7 goto out\nr0 = 0\nout: exit";
    outer.attach(prepare(engine, code, { runtime }));
    expect(outer.fire({ huge: 0n })).toBe(1);
    expect(sizes).toEqual([0, 1, 2, 3, 4]);
    const { used } = runtime.heap;
    for (let round = 0; round < 50; round++) outer.fire({ huge: 0n });
    expect(runtime.heap.used).toBe(used);
  });

  it("that trap end the firing with their trap; the tracepoint lives on", () => {
    const runtime = new Runtime();
    const tracepoint = defineProbe(runtime);
    let isBad = true;
    const body = () => {
      if (isBad) throw new Error("bad");
      return 0;
    };
    defineHelper(runtime, { id: 6000, name: "may_throw", args: [], body });
    const code = "r0 = 0\ncall 6000\nr0 = 1\nexit";
    tracepoint.attach(prepare(engine, code, { runtime }));
    const error = thrown(() => tracepoint.fire({}));
    expect(error).toBeInstanceOf(TrapError);
    expect(error).toMatchObject({ slot: 1, code: "host" });
    isBad = false;
    expect(tracepoint.fire({})).toBe(1);
  });

  it("must be of the tracepoint's runtime", () => {
    expect(() => defineProbe().attach(prepare(engine, "r0 = 0\nexit"))).toThrow(/same runtime/);
  });
});

describe("listeners", () => {
  it("get a copy of every event with its time, CPU and task, until they stop", () => {
    const tracepoint = defineProbe();
    const events: RecordedEvent[] = [];
    expect(tracepoint.isActive).toBe(false);
    const stop = tracepoint.enable((event) => events.push(event));
    expect(tracepoint.isActive).toBe(true);
    const task = { pid: 4, comm: "four" };
    tracepoint.fire({ small: 1 }, { time: 5n, cpu: 2, task });
    tracepoint.fire({ small: 2 });
    stop();
    stop();
    expect(tracepoint.isActive).toBe(false);
    tracepoint.fire({ small: 3 });
    expect(events.map(({ record }) => record[8])).toEqual([1, 2]);
    expect(events[0]).toMatchObject({ time: 5n, cpu: 2, task, tracepoint });
  });
});

describe("with nothing attached", () => {
  it("firing looks at nothing and takes nothing", () => {
    const runtime = new Runtime({ clock: () => expect.fail("the clock was read") });
    const tracepoint = defineProbe(runtime);
    const { used } = runtime.heap;
    const untouched = new Proxy(
      {},
      {
        get: () => expect.fail("a field was read"),
        ownKeys: () => expect.fail("fields were listed"),
      },
    );
    const fire = () => {
      for (let event = 0; event < 1000; event++) expect(tracepoint.fire(untouched, untouched)).toBe(1);
    };
    fire();
    expect(runtime.heap.used).toBe(used);
    // Nor when something was attached and has gone; the record of its events is not touched any more.
    const program = prepare("wasm", "r0 = 0\nexit", { runtime });
    const stop = tracepoint.enable(() => {});
    const link = tracepoint.attach(program);
    expect(tracepoint.fire({ large: 0x1234_5678 })).toBe(0);
    link.detach();
    stop();
    const memory = runtime.memory.read(0, runtime.memory.size);
    fire();
    expect(Buffer.compare(memory, runtime.memory.u8)).toBe(0);
  });
});

describe("a runtime's tracepoints", () => {
  it("are found by system:name, which a program's section names", () => {
    const runtime = new Runtime();
    const table = new TracepointTable(runtime);
    const tracepoint = table.define(KFREE_SKB, "skb");
    expect(table.get("skb:kfree_skb")).toBe(tracepoint);
    expect(table.has("skb:kfree_skb")).toBe(true);
    expect([...table]).toEqual([tracepoint]);
    const program = loadRaw(new Uint8Array([0xb7, 0, 0, 0, 0, 0, 0, 0, 0x95, 0, 0, 0, 0, 0, 0, 0]), {
      name: "drops",
      type: "tracepoint",
    });
    expect(program.attachTo).toBeUndefined();
    expect(() => table.attach(prepare("ts", "r0 = 0\nexit", { runtime }))).toThrow(/names a tracepoint/);
  });

  it("refuse doubles, unknown names and formats that are none", () => {
    const table = new TracepointTable(new Runtime());
    expect(() => table.get("skb:kfree_skb")).toThrow(/expected one of none, got "skb:kfree_skb"/);
    table.define(KFREE_SKB, "skb");
    expect(() => table.define(KFREE_SKB, "skb")).toThrow(TypeError);
    table.define(KFREE_SKB, "other");
    expect(() => table.get("skb:x")).toThrow(/skb:kfree_skb, other:kfree_skb/);
    for (const text of ["", "name: x", "not a format", PROBE.replace("offset:8;", "offset:x;")]) {
      const error = thrown(() => table.define(text, "bad"));
      expect(error).toBeInstanceOf(LoadError);
      expect(error).not.toBeInstanceOf(InternalError);
    }
  });

  it("give back what firing took when the table closes", () => {
    const runtime = new Runtime();
    const table = new TracepointTable(runtime);
    const { used } = runtime.heap;
    const tracepoint = table.define(parseFormat(PROBE, { system: "test" }));
    tracepoint.enable(() => {});
    tracepoint.fire({ small: 1 });
    expect(runtime.heap.used).toBeGreaterThan(used);
    table.close();
    expect(runtime.heap.used).toBe(used);
    expect([...table]).toEqual([]);
    expect(tracepoint.isActive).toBe(false);
  });
});
