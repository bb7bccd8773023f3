// The command line as its users see it, each time as a process of its own: what it prints where, and the status that
// it ends with: 0 done, 1 the input was refused or trapped, 2 wrong usage.

import { once } from "node:events";
import { closeSync, existsSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { assembleCode, load } from "../dist/src/index.js";
import { type Answer, rawLine } from "./support/batch-lines.ts";
import { eachOf, end, PACKAGE, start, tracebee } from "./support/cli.ts";
import { CHECKING_ENGINES, ENGINE_NAMES } from "./support/engines.ts";
import { scratchFolder } from "./support/scratch-folder.ts";

const OBJECT = "examples/dropmon.bpf.o";
/** An object with several programs. */
const COUNTERS = "test/objects/counters.clang19.o";
const TRACE = "examples/recordings/kfree_skb.trace";
const SYMBOLS = "examples/recordings/kfree_skb.symbols";
const COMMANDS = ["run", "check", "map", "asm", "dis", "bench", "batch", "conformance"];

const { folder, fileOf } = scratchFolder("cli");

const SUM = "r0 = *(u8 *)(r1 + 0)\nr3 = *(u8 *)(r1 + 1)\nr0 += r3\n*(u8 *)(r1 + 0) = r0\nexit\n";
const sum = fileOf("sum.s", SUM);
const broken = fileOf("broken.s", "r0 = 1\n  jump there\nexit\n");
const empty = fileOf("empty.s", "");
const cut = fileOf("cut.bin", assembleCode(SUM).subarray(0, 12));
const cutObject = fileOf("cut.o", readFileSync(OBJECT).subarray(0, 500));
const missing = join(folder, "missing");
const typed = fileOf("typed.s", "r0 = 0\nexit\n");

/** Drops by location as the trace itself says, up to a number of events; the trace is read anew when it ends. */
function countsInTrace(events?: number): Map<string, number> {
  const locations = [...readFileSync(TRACE, "utf8").matchAll(/: kfree_skb: .*? location=(\S+)/g)].map(
    (match) => match[1],
  );
  const counts = new Map<string, number>();
  for (let event = 0; event < (events ?? locations.length); event++) {
    const location = locations[event % locations.length] as string;
    counts.set(location, (counts.get(location) ?? 0) + 1);
  }
  return counts;
}

/** The addresses of functions, from the file beside the trace. */
const addresses = new Map(
  readFileSync(SYMBOLS, "utf8")
    .trim()
    .split("\n")
    .map((line) => line.split(" "))
    .map(([address, , name]) => [name as string, BigInt(`0x${address}`)]),
);

/** `name+0x12/0x34` as an address in decimal. */
function addressOf(location: string): string {
  const [name, offset] = location.split(/[+/]/) as [string, string];
  return ((addresses.get(name) as bigint) + BigInt(offset)).toString();
}

/** Counts by address, as JSON with 64-bit numbers has them: JSON.parse alone would round these. */
function countsInJson(json: string): Map<string, number> {
  return new Map(
    [...json.matchAll(/"key":\s*(\d+),\s*"value":\s*(\d+)/g)].map(([, key, value]) => [
      key as string,
      Number(value),
    ]),
  );
}

const byAddress = (counts: Map<string, number>) =>
  new Map([...counts].map(([name, count]) => [addressOf(name), count]));

/** Expects a refusal: nothing on standard output, one message, and the status. */
async function expectRefusal(args: readonly string[], status: number, message: RegExp, input = "") {
  const { text, stderr, ...ended } = await tracebee(args, input);
  expect(stderr).toMatch(message);
  expect(stderr).not.toMatch(/^ {4}at /m);
  expect({ text, status: ended.status }).toEqual({ text: "", status });
}

describe("tracebee", () => {
  it("tells its commands, its version, and what each command takes", async () => {
    const help = await tracebee(["--help"]);
    expect(help).toMatchObject({ status: 0, stderr: "" });
    for (const name of COMMANDS) expect(help.text).toMatch(new RegExp(`^  ${name} `, "m"));
    expect(await tracebee(["--version"])).toMatchObject({
      status: 0,
      stderr: "",
      text: `tracebee ${PACKAGE.version}\n`,
    });
    await eachOf(COMMANDS, async (name) => {
      const usage = await tracebee([name, "--help"]);
      expect(usage).toMatchObject({ status: 0, stderr: "" });
      expect(usage.text).toContain(`usage: tracebee ${name} `);
    });
  });

  const misused: readonly [args: string[], message: RegExp][] = [
    [[], /^tracebee: .*\n\nusage: /],
    [["fly"], /^tracebee: expected a command, got "fly"\n\ntracebee: /],
    [
      ["run"],
      /^tracebee run: expected a program, got none\n\nusage: tracebee run .*\n.*--help tells more\.\n$/,
    ],
    [["run", sum, "--events", "5"], /--events: expected --replay with it/],
    [["run", sum, "--keep-going"], /--keep-going: expected --replay with it/],
    [["run", OBJECT, "--replay", TRACE, "--repeat", "5"], /--repeat: expected --data with it/],
    [["run", COUNTERS, "--data", "00"], /--program: expected .* or .*, got none/],
    [["run", sum, "--type", "xdp"], /--data: expected a packet for sum \(xdp\), got none/],
    [["run", sum, broken], /got ".*broken\.s" too/],
    [["run", sum, "--fast"], /--fast/],
    [["run", sum, "--engine", "warp"], /--engine: expected auto, ts, wasm, jit, got "warp"/],
    [["run", sum, "--data", "123"], /--data: expected hexadecimal digits in pairs, got "123"/],
    [["run", sum, "--data", "00", "--replay", TRACE], /--replay or --data, got both/],
    [["run", OBJECT, "--program", "other"], /--program: expected count_drop, got "other"/],
    [["run", OBJECT, "--replay", TRACE, "--events", "many"], /--events: expected a whole number.*got "many"/],
    [["run", OBJECT, "--replay", TRACE, "--formats", folder], /--formats: .* got none at /],
    [["map", "show", OBJECT], /expected: dump FILE/],
    [["map", "dump", OBJECT, "--replay", TRACE, "--name", "other"], /--name: expected drops, got "other"/],
    [["dis", OBJECT, "--dialect", "intel"], /--dialect: .*got "intel"/],
    [["batch", "lines.jsonl"], /expected no file, got "lines\.jsonl"/],
    [["conformance", "00", "11"], /got "11" too/],
  ];
  it("ends with 2, and says how it is used, when it is used wrongly", async () => {
    await eachOf(misused, ([args, message]) => expectRefusal(args, 2, message));
  });

  const refused: readonly [args: string[], message: RegExp][] = [
    [["run", missing], /^tracebee run: .*missing'\n$/],
    [["run", folder], /^tracebee run: .*: expected a file, got a folder\n$/],
    [["asm", folder], /^tracebee asm: .*: expected a file, got a folder\n$/],
    [["run", empty], /empty\.s: expected a program, got none\n$/],
    [["run", broken], /broken\.s: line 2, column 3: expected an instruction, got 'jump'\n$/],
    [["asm", sum, "-o", join(missing, "out")], /missing/],
    [["dis", cut], /cut\.bin: .*got 12 other bytes\n$/],
    [["dis", cutObject], /cut\.o: /],
    [["bench", broken], /^tracebee bench: .*broken\.s: line 2, column 3: [^\n]*\n$/],
    [["bench", sum, "--data", "00", "--rounds", "1"], /insn 1 \(/],
    [["run", sum, "--data", "0000", "--limit", "3"], /expected at most 3 instructions/],
    [["run", sum, "--replay", TRACE], /expected a section that names a tracepoint, got "\.text"/],
    [["run", typed, "--type", "sk_msg"], /expected a type that Linux runs by itself .*, got sk_msg/],
    [["run", OBJECT, "--replay", missing], /missing'\n$/],
    [["run", OBJECT, "--replay", folder], /: expected a file, got a folder\n$/],
    [
      ["run", OBJECT, "--replay", "package.json", "--formats", "examples/recordings/events"],
      /package\.json: line 1: /,
    ],
    [["run", OBJECT, "--replay", TRACE, "--symbols", "package.json"], /package\.json: line 1: /],
    [["run", OBJECT, "--replay", TRACE, "--set", "other=1"], /got "other"/],
  ];
  it("ends with 1, and names the place, when the input is not what it should be", async () => {
    await eachOf(refused, ([args, message]) => expectRefusal(args, 1, message));
  });
});

describe("tracebee run", () => {
  it.each(ENGINE_NAMES)("counts the drops of a trace as the trace itself says (%s)", async (engine) => {
    const { status, text, stderr } = await tracebee([
      "run",
      OBJECT,
      "--engine",
      engine,
      "--replay",
      TRACE,
      "--json",
    ]);
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    expect(countsInJson(text)).toEqual(byAddress(countsInTrace()));
    const events = [...countsInTrace().values()].reduce((sum, count) => sum + count, 0);
    expect(JSON.parse(text)).toMatchObject({
      engine,
      events,
      runs: events,
      passes: 1,
      bytes: readFileSync(TRACE).length,
      source: { malformed: 0, lost: 0 },
    });
  });

  it("stops after a number of events, in the first pass or a later one", async () => {
    for (const events of [1000, 5000]) {
      const args = ["run", OBJECT, "--replay", TRACE, "--events", `${events}`, "--json"];
      const { text } = await tracebee(args);
      expect(countsInJson(text)).toEqual(byAddress(countsInTrace(events)));
      expect(JSON.parse(text)).toMatchObject({ events, runs: events });
    }
  });

  it("prints drops by location as a table, and compares engines", async () => {
    const { status, text } = await tracebee(["run", OBJECT, "--engine", "ts,wasm", "--replay", TRACE]);
    expect(status).toBe(0);
    const rows = [...text.matchAll(/^(\S+\+0x\S+) +([\d,]+) +[\d.]+ %$/gm)];
    expect(new Map(rows.map(([, name, count]) => [name, Number(count)]))).toEqual(countsInTrace());
    for (const engine of ["ts", "wasm"]) {
      expect(text).toMatch(new RegExp(`^${engine}: 1,991 events in \\d+ ms$`, "m"));
      expect(text).toMatch(new RegExp(`^${engine} +[\\d,]+ +[\\d.]+ +[\\d.]+x$`, "m"));
    }
  });

  it("runs a text, or its bytes, on some memory", async () => {
    const bytes = fileOf("sum.bin", assembleCode(SUM));
    const memory = fileOf("memory", Uint8Array.of(0x20, 0x02, 0xff));
    const expected = { retval: "0x22", data: "2202ff", maps: {} };
    for (const [file, data] of [
      [sum, "2002ff"],
      [bytes, `@${memory}`],
    ] as const) {
      const { status, text, stderr } = await tracebee([
        "run",
        file,
        "--engine",
        "all",
        "--data",
        data,
        "--json",
      ]);
      expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
      const reports = JSON.parse(text) as { engine: string }[];
      expect(reports.map(({ engine }) => engine)).toEqual(CHECKING_ENGINES);
      // Each engine starts from the memory that it was given, not from what another left.
      for (const report of reports) expect(report).toMatchObject(expected);
    }
    const { text } = await tracebee(["run", sum, "--data", "2002ff", "--repeat", "2"]);
    expect(text).toMatch(/^Return value: 36, duration \(average\): \d+ns\nData: 2402ff\n$/);
  });

  it("prints what the program prints, but not into JSON", async () => {
    const text = "r1 = 0x0a6968\n*(u64 *)(r10 - 8) = r1\nr1 = r10\nr1 += -8\nr2 = 4\ncall 6\nr0 = 0\nexit\n";
    const file = fileOf("hi.s", text);
    const printed = await tracebee(["run", file, "--engine", "ts,wasm"]);
    expect(printed.text.match(/bpf_trace_printk: hi\n/g)).toHaveLength(1);
    const json = await tracebee(["run", file, "--json"]);
    expect(JSON.parse(json.text)).toMatchObject({ retval: "0x0" });
  });

  it("keeps going over lines that cannot be read when told to, and counts them", async () => {
    const lines = readFileSync(TRACE, "utf8").split("\n");
    const bad = fileOf("bad.trace", ["what is this", ...lines, ""].join("\n"));
    const args = [
      "run",
      OBJECT,
      "--replay",
      bad,
      "--formats",
      "examples/recordings/events",
      "--symbols",
      SYMBOLS,
      "--json",
    ];
    await expectRefusal(args, 1, /bad\.trace: line 1: /);
    const { text } = await tracebee([...args, "--keep-going"]);
    expect(JSON.parse(text)).toMatchObject({ source: { malformed: 1 } });
    expect(countsInJson(text)).toEqual(byAddress(countsInTrace()));
  });
});

describe("tracebee asm and dis", () => {
  it("give an object's instructions back, through either dialect", async () => {
    const [program] = load(new Uint8Array(readFileSync(OBJECT))).programs.values();
    for (const dialect of ["pseudo-c", "mnemonic"]) {
      const { status, text, stderr } = await tracebee(["dis", OBJECT, "--dialect", dialect]);
      expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
      expect(text).toMatch(/^count_drop:\n; u64 location = \(u64\)record->location;\n/);
      const assembled = await tracebee(["asm", fileOf(`${dialect}.s`, text)]);
      expect(assembled).toMatchObject({ status: 0, stderr: "" });
      expect(new Uint8Array(assembled.stdout)).toEqual(program?.insns);
    }
  });

  it("write bytes to a file, or digits, an instruction a line", async () => {
    const out = join(folder, "out.bin");
    expect(await tracebee(["asm", sum, "-o", out])).toMatchObject({ status: 0, text: "", stderr: "" });
    expect(new Uint8Array(readFileSync(out))).toEqual(assembleCode(SUM));
    const { text } = await tracebee(["asm", sum, "--hex"]);
    expect(text).toMatch(/^([0-9a-f]{16}\n){5}$/);
    expect(Buffer.from(text.replaceAll("\n", ""), "hex")).toEqual(readFileSync(out));
    const listing = await tracebee(["dis", out]);
    expect(listing.text).toContain("   2: (0f) r0 += r3\n");
  });
});

describe("tracebee map dump", () => {
  it("prints the maps after a run, one or all, on one line or several", async () => {
    const args = ["map", "dump", OBJECT, "--replay", TRACE];
    const one = await tracebee([...args, "--name", "drops"]);
    expect(one).toMatchObject({ status: 0, stderr: "" });
    expect(one.text).toMatch(/^\[\{"key":\d+,"value":\d+\},[^\n]*\}\]\n$/);
    expect(countsInJson(one.text)).toEqual(byAddress(countsInTrace()));
    const all = await tracebee([...args, "-p", "--engine", "ts"]);
    expect(all.text).toMatch(/^\{\n {2}"drops": \[\n {4}\{\n {6}"key": /);
    expect(countsInJson(all.text)).toEqual(byAddress(countsInTrace()));
  });
});

describe("tracebee bench", () => {
  it("measures every engine, each round, and prints medians or all of them", async () => {
    const json = await tracebee(["bench", sum, "--data=2002", "--repeat", "100", "--rounds=2", "--json"]);
    expect(json).toMatchObject({ status: 0, stderr: "" });
    const measured = JSON.parse(json.text) as { engine: string; nsPerRun: number }[];
    expect(measured.map(({ engine }) => engine)).toEqual([...CHECKING_ENGINES, ...CHECKING_ENGINES]);
    for (const { nsPerRun } of measured) expect(nsPerRun).toBeGreaterThan(0);
    const table = await tracebee(["bench", OBJECT, "--replay", TRACE, "--engine", "wasm", "--rounds", "1"]);
    expect(table.text).toMatch(/^engine +ns\/run .*\n─[─ ]+\nwasm +[\d.]+ +1\.00x +[\d,]+\n$/);
  });
});

describe("tracebee conformance", () => {
  const hex = (text: string) => Buffer.from(assembleCode(text)).toString("hex");

  it.each(CHECKING_ENGINES)(
    "prints r0 of the program on its standard input, in hexadecimal (%s)",
    async (engine) => {
      const cases: readonly [program: string, memory: string[], r0: string][] = [
        [hex(SUM), ["2002ff"], "22"],
        [hex("r0 = r2\nexit").replace(/../g, "$& "), ["AA bb\tcc"], "3"],
        [`${hex("r0 = -1\nexit").toUpperCase()}\n`, [], "ffffffffffffffff"],
      ];
      await eachOf(cases, async ([program, memory, r0]) => {
        const ended = await tracebee(["conformance", ...memory, "--engine", engine], program);
        expect(ended).toMatchObject({ status: 0, text: `${r0}\n`, stderr: "" });
      });
    },
  );

  it("ends with 1 and says why when there is no r0", async () => {
    const cases: readonly [program: string, memory: string, message: RegExp][] = [
      [hex(SUM), "20", /insn 1 \(.*\): expected 1 readable bytes/],
      ["ff00000000000000", "", /insn 0: .*unknown opcode 0xff/],
      [hex("r0 = 0"), "", /insn 0: .*exit/],
      ["", "", /expected instructions, got none/],
      ["exit", "", /program: expected hexadecimal digits/],
      [hex("exit"), "0", /memory: expected hexadecimal digits/],
    ];
    await eachOf(cases, ([program, memory, message]) =>
      expectRefusal(["conformance", memory], 1, message, program),
    );
  });
});

describe("tracebee batch", () => {
  it.each(CHECKING_ENGINES)(
    "answers each line as soon as it is there, whatever the lines are (%s)",
    async (engine) => {
      const child = start(["batch", "--engine", engine]);
      const ended = end(child);
      child.stdin?.write(`${JSON.stringify(rawLine("r0 = 1\nexit", { id: "first" }))}\n`);
      // The input goes on only when the first answer is here: a harness that waits for its end never gets there.
      const [first] = (await once(child.stdout as NodeJS.EventEmitter, "data")) as [Buffer];
      expect(JSON.parse(first.toString())).toMatchObject({ id: "first", retval: "0000000000000001" });
      const large = "5a".repeat(2_000_000);
      const lines = [
        "",
        "{bad",
        "  ",
        JSON.stringify(rawLine("r0 = r2\nexit", { id: "large", data: large })),
      ];
      child.stdin?.end(`${lines.join("\r\n")}\n${JSON.stringify(rawLine("r0 = 3\nexit", { id: "last" }))}`);
      const { status, stdout, stderr } = await ended;
      expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
      const answers = stdout
        .toString("utf8")
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line) as Answer);
      expect(answers.slice(1)).toEqual([
        { error: expect.stringContaining("expected JSON") },
        {
          id: "large",
          verdict: "unverified",
          retval: (2_000_000).toString(16).padStart(16, "0"),
          data_out: large,
          maps: [],
        },
        { id: "last", verdict: "unverified", retval: "0000000000000003", data_out: "", maps: [] },
      ]);
    },
  );
});

describe("an output that takes no more", () => {
  it("is no error when its reader has seen enough", async () => {
    const big = fileOf("big.s", ".map big type=array key=4 value=8 max=200000\nr1 = big ll\nr0 = 0\nexit\n");
    const lines = `${JSON.stringify(rawLine("exit", { data: "00".repeat(5000) }))}\n`.repeat(2000);
    for (const [args, input] of [
      [["map", "dump", big], ""],
      [["batch"], lines],
    ] as const) {
      const child = start(args);
      child.stdin?.on("error", () => {});
      child.stdin?.end(input);
      child.stdout?.once("data", () => child.stdout?.destroy());
      const { status, stderr } = await end(child);
      expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    }
  });

  it.skipIf(!existsSync("/dev/full"))("is one when the disk is full", async () => {
    const full = openSync("/dev/full", "w");
    const child = start(["asm", sum], full);
    closeSync(full);
    const { status, stderr } = await end(child);
    expect({ status, stderr }).toEqual({
      status: 1,
      stderr: expect.stringMatching(/^tracebee: standard output: ENOSPC[^\n]*\n$/),
    });
  });
});
