// ftrace text: lines of every dialect with their task, CPU and time, and a stream cut anywhere.

import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseFormat, type TracepointFormat } from "../dist/src/attach/format.js";
import { EventPrinter } from "../dist/src/attach/print/printer.js";
import { type FtraceOptions, FtraceParser, readFtrace } from "../dist/src/attach/sources/ftrace.js";
import { SymbolTable } from "../dist/src/attach/symbols.js";
import { LoadError } from "../dist/src/errors.js";
import { failure } from "./support/failure.ts";
import { COMMON_FIELDS } from "./support/format-text.ts";
import { readOracleBytes } from "./support/oracles.ts";
import { CountingTarget, KeepingTarget, oldFormats, recording } from "./support/traces.ts";

const bytesOf = (text: string) => new TextEncoder().encode(text);

const format = (name: string, id: number, fields: string, printFmt: string, system?: string) =>
  parseFormat(
    `name: ${name}
ID: ${id}
${COMMON_FIELDS}${fields}
print fmt: ${printFmt}
`,
    system === undefined ? {} : { system },
  );

const TICK = format("tick", 300, "\tfield:int n;\toffset:8;\tsize:4;\tsigned:1;\n", '"n=%d", REC->n');
const TWO_LINES = format(
  "two_lines",
  301,
  "\tfield:int n;\toffset:8;\tsize:4;\tsigned:1;\n",
  '"a\\nb=%d\\n", REC->n',
);
const OPEN_FIELDS = ["dfd", "filename", "flags"]
  .map((name, i) => `\tfield:unsigned long ${name};\toffset:${16 + 8 * i};\tsize:8;\tsigned:0;\n`)
  .join("");
const OPEN = format(
  "sys_enter_openat",
  302,
  `\tfield:int __syscall_nr;\toffset:8;\tsize:4;\tsigned:1;\n${OPEN_FIELDS}`,
  '"dfd: 0x%08lx, filename: 0x%08lx, flags: 0x%08lx", ((unsigned long)(REC->dfd)), ((unsigned long)(REC->filename)), ((unsigned long)(REC->flags))',
);
const OPENED = format(
  "sys_exit_openat",
  303,
  "\tfield:int __syscall_nr;\toffset:8;\tsize:4;\tsigned:1;\n\tfield:long ret;\toffset:16;\tsize:8;\tsigned:1;\n",
  '"0x%lx", REC->ret',
);
const FORMATS = [TICK, TWO_LINES, OPEN, OPENED];

/** Reads a text at once; gives what there was. */
function read(text: string | Uint8Array, options: Partial<FtraceOptions> = {}) {
  const target = new KeepingTarget();
  const parser = new FtraceParser({ formats: FORMATS, target, ...options });
  parser.push(typeof text === "string" ? bytesOf(text) : text);
  parser.end();
  return { events: target.events, stats: parser.stats, parser };
}

/** comm, pid, tgid, cpu and time of the only event in a text. */
function headerOf(line: string) {
  const { events } = read(`${line}\n`);
  expect(events.length).toBe(1);
  expect(new DataView(events[0]?.record.buffer as ArrayBuffer).getInt32(8, true)).toBe(7);
  return events[0]?.header.slice(0, 5);
}

describe("a line of ftrace text", () => {
  it.each([
    [
      "with flags",
      "            bash-1234    [001] d..2.  5681.846313: tick: n=7",
      ["bash", 1234, -1, 1, 5681846313000],
    ],
    [
      "without flags",
      "            bash-1234  [001] 5681.846313: tick: n=7",
      ["bash", 1234, -1, 1, 5681846313000],
    ],
    [
      "with TGID",
      "   bash-1234    (   1230) [010] .....    12.000001: tick: n=7",
      ["bash", 1234, 1230, 10, 12000001000],
    ],
    [
      "with a TGID that is not known",
      "  bash-12  (-----) [000] ....  1.5: tick: n=7",
      ["bash", 12, -1, 0, 1500000000],
    ],
    [
      "of trace-cmd",
      "       trace-cmd-4730  [001] 106439.675718: tick:          n=7",
      ["trace-cmd", 4730, -1, 1, 106439675718000],
    ],
    ["in nanoseconds", "  a-1  [000] ..... 106439.675718123: tick: n=7", ["a", 1, -1, 0, 106439675718123]],
    ["of a counting clock", "  a-1  [000] ..... 31415926: tick: n=7", ["a", 1, -1, 0, 31415926]],
    [
      "of an idle CPU",
      "          <idle>-0       [003] d.h1.  1.000000: tick: n=7",
      ["<idle>", 0, -1, 3, 1e9],
    ],
    ["of a lost task", "           <...>-1297  [007]  1.000000: tick: n=7", ["<...>", 1297, -1, 7, 1e9]],
    [
      "with spaces in the name",
      "   rs:main Q:Reg-238   [003] 1.000000: tick: n=7",
      ["rs:main Q:Reg", 238, -1, 3, 1e9],
    ],
    ["with dashes in the name", "  a--b-1-22   [003] 1.000000: tick: n=7", ["a--b-1", 22, -1, 3, 1e9]],
    [
      "with brackets in the name",
      "  x-1 [001] y-22  [003] .... 1.000000: tick: n=7",
      ["x-1 [001] y", 22, -1, 3, 1e9],
    ],
    [
      "with parentheses in the name",
      "  (sd-pam)-22  [003] .... 1.000000: tick: n=7",
      ["(sd-pam)", 22, -1, 3, 1e9],
    ],
    ["of a CPU above 999", "  a-1  [1023] 1.000000: tick: n=7", ["a", 1, -1, 1023, 1e9]],
    ["that ends as on Windows", "  a-1  [000] 1.000000: tick: n=7\r", ["a", 1, -1, 0, 1e9]],
  ])("%s gives task, CPU and time", (_, line, header) => {
    expect(headerOf(line)).toEqual(header);
  });

  it("fills the record's common fields", () => {
    const { events } = read("  a-1234  [000] dNh21.  1.000000: tick: n=-2\n");
    expect(events[0]?.record).toEqual(
      Uint8Array.of(
        300 & 255,
        1,
        0x01 | 0x24 | 0x08,
        0x12,
        1234 & 255,
        1234 >> 8,
        0,
        0,
        254,
        255,
        255,
        255,
        0,
        0,
        0,
        0,
      ),
    );
  });

  it("that a system call printed gives its arguments and its result", () => {
    const { events } = read(
      "  a-1  [000] ..... 1.0: sys_openat(dfd: 0xffffff9c, filename: 7f61a00370b1, flags: 0)\n" +
        "  a-1  [000] ..... 1.0: sys_openat -> 0xfffffffffffffffe\n" +
        "  a-1  [000] 1.0: sys_enter_openat: dfd: 0x00000003, filename: 0x00000004, flags: 0x00000005\n",
    );
    const u64 = (event: number, at: number) =>
      new DataView(events[event]?.record.buffer as ArrayBuffer).getBigUint64(at, true);
    expect(events.map(({ name }) => name)).toEqual([
      "sys_enter_openat",
      "sys_exit_openat",
      "sys_enter_openat",
    ]);
    expect([u64(0, 16), u64(0, 24), u64(0, 32)]).toEqual([0xffffff9cn, 0x7f61a00370b1n, 0n]);
    expect(u64(1, 16)).toBe(0xfffffffffffffffen);
    expect([u64(2, 16), u64(2, 24), u64(2, 32)]).toEqual([3n, 4n, 5n]);
  });

  it("that lists fields, as trace-cmd report -R prints them, gives the same record", () => {
    const raw = format("raw", 304, TICK_FIELDS, '"other %u %p", REC->n, REC->p');
    const [first, second] = read(
      "  a-1  [000] 1.0: raw: n=7 p=0xabc\n  a-1  [000] 1.0: raw: other 7 0000000000000abc\n",
      {
        formats: [raw],
      },
    ).events;
    expect(first?.record).toEqual(second?.record);
    expect(first).toBeDefined();
  });

  it("may go on in the next one where the print format has a line break", () => {
    const { events, stats } = read("  a-1  [000] 1.0: two_lines: a\nb=5\n\n  a-1  [000] 1.0: tick: n=7\n");
    expect(events.map(({ name, record }) => [name, record[8]])).toEqual([
      ["two_lines", 5],
      ["tick", 7],
    ]);
    expect(events.map(({ header }) => header[5])).toEqual([1, 4]);
    expect(stats.lines).toBe(4);
  });
});

const TICK_FIELDS =
  "\tfield:int n;\toffset:8;\tsize:4;\tsigned:1;\n\tfield:void * p;\toffset:16;\tsize:8;\tsigned:0;\n";

describe("lines that are no events", () => {
  it("are passed over: comments, what trace-cmd says first, empty ones", () => {
    const { events, stats } = read(
      "version = 6\nCPU 3 is empty\ncpus=6\n# tracer: nop\n#\n\n  a-1  [000] 1.0: tick: n=7\n##### CPU 1 buffer started ####\n",
    );
    expect(events.length).toBe(1);
    expect(stats).toMatchObject({ lines: 8, malformed: 0, continuations: 0 });
  });

  it("say how many events were lost", () => {
    const { stats } = read("CPU:2 [LOST 10 EVENTS]\nCPU:0 [LOST EVENTS]\nCPU:1 [5 EVENTS DROPPED]\n");
    expect(stats).toMatchObject({ gaps: 3, lost: 15, malformed: 0 });
  });

  it("that follow an event without a format belong to it", () => {
    const { events, stats } = read(
      "  a-1  [000] 1.0: bprint: some\n text\n  a-1  [000] 1.0: <stack trace>\n => one\n => two\n  a-1  [000] 1.0: tick: n=7\n",
    );
    expect(events.length).toBe(1);
    expect(stats.continuations).toBe(3);
    expect([...stats.skipped]).toEqual([
      ["bprint", 1],
      ["(no event)", 1],
    ]);
  });

  it.each([
    [
      "no event at all",
      "nonsense\n",
      'trace: line 2: expected "task-pid [cpu] time: event: text", got "nonsense"',
    ],
    ["no pid", "  a  [000] 1.0: tick: n=7\n", "trace: line 2: expected"],
    ["no time", "  a-1  [000] tick: n=7\n", "trace: line 2: expected"],
    [
      "another text",
      "  a-1  [000] 1.0: tick: m=7\n",
      'expected text as the format of tick prints it, got "m=7"',
    ],
    ["half a line", "  a-1  [000] 1.0: tick: n=", 'expected text as the format of tick prints it, got "n="'],
    [
      "half an event of two lines",
      "  a-1  [000] 1.0: two_lines: a\n",
      "expected text as the format of two_lines prints it",
    ],
  ])("fail with the line's number, or are counted: %s", (_, text, message) => {
    const all = `  a-1  [000] 1.0: tick: n=7\n${text}`;
    const error = failure(() => read(all));
    expect(error.code).toBe("bad-trace");
    expect(error.message).toContain(message);
    const { events, stats } = read(all, { keepGoing: true });
    expect(events.length).toBe(1);
    expect(stats.malformed).toBe(1);
    expect(stats.firstError?.message).toBe(error.message);
  });

  it("fail for events without a format only when asked to", () => {
    const text = "  a-1  [000] 1.0: nobody: x\n  a-1  [000] 1.0: nobody: y\n";
    expect([...read(text).stats.skipped]).toEqual([["nobody", 2]]);
    const error = failure(() => read(text, { unknownEvents: "error", place: "my.trace" }));
    expect(error.message).toBe('my.trace: line 1: expected an event that has a format, got "nobody: x"');
  });

  it("fail when they are longer than any line may be, and are passed over whole", () => {
    const long = "x".repeat(300);
    const text = `  a-1  [000] 1.0: tick: n=7\n${long}\n  a-1  [000] 1.0: tick: n=8\n`;
    expect(failure(() => read(text, { maxLine: 200 })).message).toContain("lines of at most 200 bytes");
    for (const size of [1, 7, 1000]) {
      const target = new KeepingTarget();
      const parser = new FtraceParser({ formats: FORMATS, target, keepGoing: true, maxLine: 200 });
      for (let at = 0; at < text.length; at += size) parser.push(bytesOf(text.slice(at, at + size)));
      parser.end();
      expect(target.events.map(({ record }) => record[8])).toEqual([7, 8]);
      expect(parser.stats).toMatchObject({ lines: 3, malformed: 1 });
    }
  });

  it("count names of their own up to a limit", () => {
    const lines = Array.from({ length: 3000 }, (_, i) => `  a-1  [000] 1.0: event_${i}: x\n`);
    const { skipped } = read(lines.join("")).stats;
    expect(skipped.size).toBe(1025);
    expect(skipped.get("(others)")).toBe(3000 - 1024);
  });
});

describe("the recording", () => {
  const { trace, formats, symbols } = recording();
  const table = () => SymbolTable.parse(symbols);

  it("is read line by line, and every record prints as the line's text", () => {
    const target = new KeepingTarget();
    const parser = new FtraceParser({ formats, target, symbols: table(), unknownEvents: "error" });
    parser.push(trace);
    parser.end();
    const lines = new TextDecoder().decode(trace).trimEnd().split("\n");
    expect(target.events.length).toBe(lines.filter((line) => !line.startsWith("#")).length);
    const known = table();
    const printers = new Map(formats.map((each) => [each.name, new EventPrinter(each, { symbols: known })]));
    for (const { name, record, text, header } of target.events) {
      const view = new DataView(record.buffer);
      expect(printers.get(name)?.print(view, 0, record.length)).toBe(text);
      const [comm, pid, , cpu, , line] = header;
      expect(lines[(line as number) - 1]).toContain(`${comm}-${pid} `);
      expect(lines[(line as number) - 1]).toContain(` [00${cpu}] `);
      expect(view.getInt32(4, true)).toBe(pid);
    }
  });

  it("tells every field of every event but the upper bits of a task's state", () => {
    const parser = new FtraceParser({ formats, target: new CountingTarget(), symbols: table() });
    for (const { name } of formats) {
      expect(parser.inverseOf(name)?.unrecovered).toEqual([]);
      expect(parser.inverseOf(name)?.partial).toEqual(name === "sched_switch" ? ["prev_state"] : []);
    }
    expect(parser.inverseOf("nobody")).toBeUndefined();
  });

  it("names no task but its own, the kernel's, and others by number", () => {
    const script = readFileSync(new URL("../examples/recordings/packets.py", import.meta.url), "utf8");
    const own = [...script.matchAll(/^ {4}\("(.*)", \w+\),$/gm)].map(([, name]) => name);
    const known = new Set([...own, "record.sh", "sh", "cat", "python3", "ip", "tc", "<idle>", "<...>"]);
    const kernel = /^(?:swapper|ksoftirqd|migration|kworker)\/[\w:]+$|^rcu_\w+$|^other-\d+$/;
    for (const { header, text } of read(trace, { formats, symbols: table() }).events) {
      const switched = [...text.matchAll(/(?:prev|next)_comm=(.+?) (?:prev|next)_pid=/g)].map(
        ([, name]) => name,
      );
      for (const name of [header[0] as string, ...switched]) {
        expect(known.has(name as string) || kernel.test(name as string), name).toBe(true);
      }
    }
    expect(own.length).toBeGreaterThan(10);
  });

  it("has at least ten places that drop packets, and 1500 drops", () => {
    const { events } = read(trace, { formats, symbols: table() });
    const places = new Map<bigint, number>();
    for (const { name, record } of events) {
      if (name !== "kfree_skb") continue;
      const location = new DataView(record.buffer).getBigUint64(16, true);
      places.set(location, (places.get(location) ?? 0) + 1);
    }
    expect(places.size).toBeGreaterThanOrEqual(10);
    expect([...places.values()].reduce((sum, count) => sum + count)).toBeGreaterThanOrEqual(1500);
    expect([...places.keys()].every((location) => location > 0xffffffff00000000n)).toBe(true);
  });

  it("is read without symbols too, with places that are zero or invented", () => {
    const locations = (events: KeepingTarget["events"]) =>
      new Set(
        events
          .filter(({ name }) => name === "kfree_skb")
          .map(({ record }) => new DataView(record.buffer).getBigUint64(16, true)),
      );
    expect([...locations(read(trace, { formats }).events)]).toEqual([0n]);
    const known = locations(read(trace, { formats, symbols: table() }).events);
    const invented = locations(read(trace, { formats, symbols: new SymbolTable({ invent: true }) }).events);
    expect(invented.size).toBe(known.size);
  });

  it("gives the same events however it is cut into chunks", () => {
    const part = trace.subarray(0, 12000);
    const whole = read(part, { formats, symbols: table(), keepGoing: true });
    expect(whole.events.length).toBeGreaterThan(50);
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: part.length }), { maxLength: 40 }), (cuts) => {
        const target = new KeepingTarget();
        const parser = new FtraceParser({ formats, target, symbols: table(), keepGoing: true });
        let from = 0;
        for (const to of [...cuts.sort((a, b) => a - b), part.length]) {
          // A chunk is the caller's again as soon as push() returns.
          const chunk = part.slice(from, to);
          parser.push(chunk);
          chunk.fill(0);
          from = to;
        }
        parser.end();
        expect(target.events).toEqual(whole.events);
        expect(parser.stats).toEqual(whole.stats);
      }),
      { numRuns: 40 },
    );
    const target = new KeepingTarget();
    const parser = new FtraceParser({ formats, target, symbols: table(), keepGoing: true });
    for (const byte of part) parser.push(Uint8Array.of(byte));
    parser.end();
    expect(target.events).toEqual(whole.events);
  });

  it("gives a LoadError or counts, whatever is changed in it", () => {
    const part = trace.subarray(0, 6000);
    const change = fc.tuple(
      fc.nat(part.length - 1),
      fc.oneof(fc.nat(255), fc.constantFrom(10, 32, 45, 58, 91, 93)),
    );
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 60 }), fc.boolean(), (changes, keepGoing) => {
        const changed = part.slice();
        for (const [at, byte] of changes) changed[at] = byte;
        try {
          const { stats } = read(changed, { formats, symbols: table(), keepGoing });
          expect(stats.lines).toBe(
            changed.filter((byte) => byte === 10).length + (changed.at(-1) === 10 ? 0 : 1),
          );
        } catch (error) {
          expect(error).toBeInstanceOf(LoadError);
          expect((error as LoadError).place).toMatch(/^trace: line \d+$/);
          expect(keepGoing).toBe(false);
        }
      }),
      { numRuns: 300 },
    );
  });

  it("read many times over takes no more memory than once", () => {
    const target = new CountingTarget();
    const parser = new FtraceParser({ formats, target, symbols: table() });
    const used = () => {
      globalThis.gc?.();
      const { heapUsed, arrayBuffers } = process.memoryUsage();
      return heapUsed + arrayBuffers;
    };
    const readTimes = (times: number) => {
      for (let i = 0; i < times; i++) {
        for (let at = 0; at < trace.length; at += 5000) parser.push(trace.subarray(at, at + 5000));
      }
    };
    readTimes(10);
    const before = used();
    readTimes(100);
    // 60 MB went through; without gc() to call, what waits to be collected counts too.
    expect(used() - before).toBeLessThan(30e6);
    parser.end();
    expect(target.count).toBe(110 * read(trace, { formats, symbols: table() }).events.length);
  });

  it("is read from anything that gives chunks", async () => {
    const chunks = [trace.subarray(0, 1000), trace.subarray(1000, 5000), trace.subarray(5000)];
    async function* later() {
      for (const chunk of chunks) yield chunk;
    }
    for (const source of [chunks, later()]) {
      const target = new CountingTarget();
      await readFtrace(source, new FtraceParser({ formats, target, symbols: table() }));
      expect(target.count).toBeGreaterThan(4000);
    }
  });
});

describe("traces that others made", () => {
  const read44 = (name: string, formats: readonly TracepointFormat[]) => {
    const bytes = readOracleBytes(`traces/${name}`);
    if (bytes === undefined) return undefined;
    return read(bytes, { formats, symbols: new SymbolTable({ invent: true }), keepGoing: true });
  };

  it("are read: ext4 events without a task's name, f2fs events in a later form left out", ({ skip }) => {
    const formats = oldFormats();
    const result = formats && read44("trappy__tests_trace_filesystem.txt", formats);
    if (result === undefined) return skip("no oracles");
    expect(result.stats).toMatchObject({ lines: 69, events: 44, malformed: 0 });
    const { record, header } = result.events[0] as KeepingTarget["events"][number];
    const view = new DataView(record.buffer);
    expect(header).toEqual(["<...>", 1297, -1, 1, 3843734440000, 1]);
    expect(view.getUint32(8, true)).toBe((8 << 20) | 13);
    expect(view.getBigUint64(16, true)).toBe(5898483n);
  });

  it.for([
    ["trappy__doc_trace_stats.report.txt.gz", 760, 757],
    ["trappy__tests_raw_trace.report.txt.gz", 760, 757],
    ["trappy__tests_trace.report.txt.gz", 526, 525],
    ["trappy__tests_trace_idle.report.txt.gz", 44, 43],
    ["trappy__tests_raw_trace.txt", 7, 3],
  ] as const)("are read: %s, as trace-cmd reports it", ([name, lines, count], { skip }) => {
    const formats = oldFormats();
    const result = formats && read44(name, formats);
    if (formats === undefined || result === undefined) return skip("no oracles");
    expect(result.stats).toMatchObject({ lines, events: count, malformed: 0 });
    const printers = new Map(formats.map((each) => [each.name, new EventPrinter(each)]));
    for (const { name: event, record, text } of result.events) {
      if (event === "bprint" || /prev_state=\d/.test(text)) continue;
      expect(printers.get(event)?.print(new DataView(record.buffer), 0, record.length)).toBe(text);
    }
  });
});

describe("examples/dropmon.bpf.c", () => {
  it("reads its context as the recorded format lays it out", () => {
    const source = readFileSync(new URL("../examples/dropmon.bpf.c", import.meta.url), "utf8");
    const body = /struct kfree_skb_record \{([^}]*)\}/.exec(source)?.[1] ?? "";
    const names = [...body.matchAll(/(\w+);/g)].map(([, name]) => name);
    const kfree = recording().formats.find(({ name }) => name === "kfree_skb") as TracepointFormat;
    expect(names).toEqual([...kfree.commonFields, ...kfree.fields].map(({ name }) => name));
  });
});
