// Objects brought to life in a runtime: programs, maps made or shared, variables by name, and what closing gives back.

import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import {
  BpfMap,
  type Collection,
  failuresOf,
  type InstantiateOptions,
  instantiate,
  LoadError,
  load,
  MapError,
  type ObjectFile,
  Runtime,
  TracepointTable,
  TrapError,
} from "../dist/src/index.js";
import { dataMapName } from "../dist/src/loader/global-data.js";
import { CHECKING_ENGINES, ENGINE_NAMES, thrown } from "./support/engines.ts";
import { recording } from "./support/traces.ts";

const COUNTERS = load(new Uint8Array(readFileSync(new URL("objects/counters.clang19.o", import.meta.url))), {
  name: "counters",
});

/** The xdp program `count`: returns `settings.level + greeting[1]` and counts in `seen`. */
const count = (options: InstantiateOptions = {}, runtime = new Runtime()): Collection =>
  instantiate(runtime, COUNTERS, { programs: ["count"], ...options });

/** Two programs that share a map and a counter, and one that cannot be loaded. */
const PAIR = `
  .map totals type=hash key=4 value=8 max=16
  .section tracepoint/test/tick
  .globl add_one
  .globl report
  add_one:
    r6 = counter ll
    r1 = 1
    lock *(u64 *)(r6 + 0) += r1
    r1 = *(u64 *)(r6 + 0)
    *(u64 *)(r10 - 16) = r1
    *(u32 *)(r10 - 4) = 7
    r1 = totals ll
    r2 = r10
    r2 += -4
    r3 = r10
    r3 += -16
    r4 = 0
    call map_update_elem
    r0 = 0
    exit
  report:
    *(u32 *)(r10 - 4) = 7
    r1 = totals ll
    r2 = r10
    r2 += -4
    call map_lookup_elem
    if r0 == 0 goto none
    r0 = *(u64 *)(r0 + 0)
  none:
    exit
  .section xdp
  .globl constant
  constant:
    r1 = limit ll
    r0 = *(u32 *)(r1 + 0)
    exit
  .globl broken
  broken:
    call nobody_knows
    exit
  .data
  counter: .quad 40
  .section .rodata
  limit: .long 100
  odd: .byte 1, 2, 3`;

const pair = (): ObjectFile => load(PAIR, { name: "pair.s" });

/** One program that reads a constant, and one that writes it. */
const OVERWRITING = `
  .section xdp
  .globl constant
  constant:
    r1 = limit ll
    r0 = *(u32 *)(r1 + 0)
    exit
  .globl overwrite
  overwrite:
    r1 = limit ll
    *(u32 *)(r1 + 0) = 5
    r0 = 0
    exit
  .section .rodata
  limit: .long 100`;

const run = (collection: Collection, name: string): bigint => {
  const program = collection.programs.get(name);
  if (program === undefined) throw new Error(`no program ${name}`);
  return program.run(new Uint8Array(16));
};

const get = (collection: Collection, name: string): unknown => collection.variables.get(name)?.get();
const set = (collection: Collection, name: string, value: unknown): void =>
  collection.variables.get(name)?.set(value);

describe.each(ENGINE_NAMES)("variables (%s)", (engine) => {
  it("are read and written by name, through their types, while programs use them", () => {
    const collection = count({ engine });
    expect(get(collection, "settings")).toMatchObject({
      level: 5,
      bias: -3,
      strict: true,
      ratio: 2.5,
      raw: 0x5566_7788_1122_3344n,
      table: [
        [1, 2, 3],
        [4, 5, 6],
      ],
    });
    expect([get(collection, "seen"), get(collection, "greeting")]).toEqual([0n, "hello"]);
    expect(run(collection, "count")).toBe(BigInt(5 + "e".charCodeAt(0)));
    run(collection, "count");
    expect(get(collection, "seen")).toBe(2n);
    set(collection, "seen", 1000);
    set(collection, "settings", { level: 2 });
    expect(run(collection, "count")).toBe(BigInt(2 + "e".charCodeAt(0)));
    expect(get(collection, "seen")).toBe(1001n);
    // A neighbour in the same map is as it was.
    expect(get(collection, "last_port")).toBe(0);
  });

  it("have the values that the caller gives before anything runs, constants included", () => {
    const variables = { seen: 7n, greeting: "jumbo", sampling: 3, settings: { level: 1 } };
    const collection = count({ engine, variables });
    expect(get(collection, "greeting")).toBe("jumbo");
    expect(get(collection, "sampling")).toBe(3);
    expect(run(collection, "count")).toBe(BigInt(1 + "u".charCodeAt(0)));
    expect(get(collection, "seen")).toBe(8n);
    // The object is as it was: the next collection starts from what the compiler wrote.
    const next = count({ engine });
    expect([get(next, "greeting"), get(next, "seen")]).toEqual(["hello", 0n]);
  });

  it.runIf(CHECKING_ENGINES.includes(engine))(
    "that are constants are written neither by the host nor by a program",
    () => {
      const object = load(OVERWRITING, { name: "pair.s" });
      const options = { engine, variables: { limit: 9 } };
      expect(thrown(() => instantiate(new Runtime(), object, options))).toMatchObject({
        name: "VerifierError",
        reason: "write into map forbidden, value_size=4 off=0 size=4",
      });
      const collection = instantiate(new Runtime(), object, { ...options, checked: true });
      const error = thrown(() => set(collection, "limit", 5));
      const message =
        "map pair.rodata: variable limit is constant once it is instantiated (option variables sets it): EPERM";
      expect(error).toBeInstanceOf(MapError);
      expect(error).toMatchObject({ code: "EPERM", message });
      expect(thrown(() => collection.maps.get(".rodata")?.set(0, 7))).toMatchObject({
        code: "EPERM",
      });
      expect(collection.maps.get(".rodata")?.isFrozen).toBe(true);
      expect(thrown(() => run(collection, "overwrite"))).toMatchObject({ name: "TrapError", code: "write" });
      expect([run(collection, "constant"), get(collection, "limit")]).toEqual([9n, 9]);
    },
  );
});

describe("variables", () => {
  it("without type information are numbers or bytes, by their size", () => {
    const collection = instantiate(new Runtime(), pair(), { variables: { counter: 5, limit: 0xffff_ffff } });
    expect([get(collection, "counter"), get(collection, "limit")]).toEqual([5n, 0xffff_ffff]);
    expect(get(collection, "odd")).toEqual(Uint8Array.of(1, 2, 3));
    set(collection, "counter", -1n);
    expect(get(collection, "counter")).toBe(0xffff_ffff_ffff_ffffn);
  });

  it.each<[string, unknown, new (message: string) => Error, RegExp]>([
    ["seen", -1, RangeError, /^seen: expected /],
    ["seen", "many", TypeError, /^seen: expected /],
    ["settings", { colour: 1 }, TypeError, /^settings.*colour/],
    [
      "settings",
      {
        table: [
          [1, 2, 70_000],
          [0, 0, 0],
        ],
      },
      RangeError,
      /^settings\.table\[0\]\[2\]: /,
    ],
    ["greeting", "much too long for sixteen", RangeError, /^greeting: /],
  ])("refuse a value that does not fit: %s", (name, value, kind, message) => {
    const runtime = new Runtime();
    count({}, runtime).close();
    const { used } = runtime.heap;
    const before = thrown(() => count({ variables: { [name]: value } }, runtime));
    expect(before).toBeInstanceOf(kind);
    expect(before.message).toMatch(message);
    expect(runtime.heap.used).toBe(used);
    // What is a constant is refused as such, whatever the value.
    if (name === "greeting") return;
    const collection = count({}, runtime);
    const old = get(collection, name);
    expect(thrown(() => set(collection, name, value)).message).toBe(before.message);
    expect(get(collection, name)).toEqual(old);
  });

  it("without type information refuse bytes of another number", () => {
    for (const bytes of [new Uint8Array(2), new Uint8Array(4)]) {
      const error = thrown(() => instantiate(new Runtime(), pair(), { variables: { odd: bytes } }));
      expect(error).toBeInstanceOf(RangeError);
      expect(error.message).toBe(`odd: expected 3 bytes, got ${bytes.length}`);
    }
  });
});

describe.each(ENGINE_NAMES)("programs of one object (%s)", (engine) => {
  it("share its maps and variables", () => {
    const collection = instantiate(new Runtime(), pair(), { engine });
    expect([...collection.programs.keys()]).toEqual(["add_one", "report", "constant"]);
    expect(run(collection, "report")).toBe(0n);
    for (let round = 0; round < 3; round++) run(collection, "add_one");
    expect(run(collection, "report")).toBe(43n);
    expect([...(collection.maps.get("totals") ?? [])]).toEqual([[7, 43n]]);
    expect(get(collection, "counter")).toBe(43n);
    for (const program of collection.programs.values()) expect(program.engine).toBe(engine);
  });

  it("attach to the tracepoints that their sections name, and come off again", () => {
    const runtime = new Runtime();
    const tracepoints = new TracepointTable(runtime);
    const [format] = recording().formats;
    const tick = tracepoints.define({
      ...(format as NonNullable<typeof format>),
      system: "test",
      name: "tick",
    });
    const collection = instantiate(runtime, pair(), { engine, programs: ["add_one", "report"] });
    const links = [...collection.programs.values()].map((program) => tracepoints.attach(program));
    // The first gives 0, so all of them together do.
    expect(tick.fire({})).toBe(0);
    links[0]?.detach();
    expect(tick.fire({})).toBe(41 & 1);
    links[1]?.detach();
    expect(tick.isActive).toBe(false);
    tick.fire({});
    expect(get(collection, "counter")).toBe(41n);
    // Closed programs do not run, attached or not.
    const link = tracepoints.attach(collection.programs.get("add_one") as never);
    collection.close();
    expect(thrown(() => tick.fire({})).message).toBe(
      "program add_one: expected an open program, got a closed one",
    );
    link.detach();
    expect(tick.fire({})).toBe(1);
  });

  it.runIf(CHECKING_ENGINES.includes(engine))("stop at the limit that they are given", () => {
    const looping = load("again: goto again\nexit");
    const collection = instantiate(new Runtime(), looping, { engine, checked: { limit: 1000 } });
    const error = thrown(() => collection.program.run());
    expect(error).toBeInstanceOf(TrapError);
    expect(error).toMatchObject({ code: "limit" });
    expect(() => instantiate(new Runtime(), looping, { engine, checked: { limit: 0 } })).toThrow(RangeError);
  });
});

describe("the program of a collection", () => {
  it("is the only one, and asked for by name where there are more", () => {
    const one = count();
    expect(one.program).toBe(one.programs.get("count"));
    const several = instantiate(new Runtime(), pair());
    expect(() => several.program).toThrow(
      /^object pair\.s: expected one program, got 3 \(add_one, report, constant\)$/,
    );
    const none = instantiate(new Runtime(), pair(), { programs: [] });
    expect(() => none.program).toThrow(/^object pair\.s: expected one program, got 0$/);
  });

  it("is made once, however often it is named", () => {
    const runtime = new Runtime();
    const once = count({ programs: ["count"] }, runtime);
    const { used } = runtime.heap;
    const twice = count({ programs: ["count", "count"] }, runtime);
    expect([...twice.programs.keys()]).toEqual(["count"]);
    once.close();
    expect(runtime.heap.used).toBe(used);
  });
});

describe("maps", () => {
  it("may be shared with another collection, and live until the last one closes", () => {
    const runtime = new Runtime();
    const first = instantiate(runtime, pair());
    const totals = first.maps.get("totals") as BpfMap;
    const second = instantiate(runtime, pair(), { maps: { totals } });
    expect(second.maps.get("totals")).toBe(totals);
    run(first, "add_one");
    expect(run(second, "report")).toBe(41n);
    // Variables are each collection's own.
    expect([get(first, "counter"), get(second, "counter")]).toEqual([41n, 40n]);
    first.close();
    first.close();
    expect(run(second, "report")).toBe(41n);
    expect(totals.get(7)).toBe(41n);
    second.close();
    expect(() => totals.get(7)).toThrow(/^map totals: expected an open map, got a closed one$/);
  });

  it("may share variables too, by sharing the map that they are in", () => {
    const runtime = new Runtime();
    const first = instantiate(runtime, pair());
    const data = first.maps.get(".data") as BpfMap;
    const second = instantiate(runtime, pair(), { maps: { ".data": data } });
    run(first, "add_one");
    run(second, "add_one");
    expect([get(first, "counter"), get(second, "counter")]).toEqual([42n, 42n]);
    const error = thrown(() =>
      instantiate(runtime, pair(), { maps: { ".data": data }, variables: { counter: 0 } }),
    );
    expect(error).toBeInstanceOf(TypeError);
    expect(error.message).toBe('variables: expected "counter" in a map that is made here, got a map for it');
  });

  it("that the caller made stay open when the collection closes, however often", () => {
    const runtime = new Runtime();
    const object = pair();
    const totals = new BpfMap<number, bigint>(runtime, object.maps.get("totals") as never);
    const collection = instantiate(runtime, object, { maps: { totals: totals as BpfMap } });
    run(collection, "add_one");
    for (let round = 0; round < 3; round++) collection.close();
    expect(totals.get(7)).toBe(41n);
    totals.close();
    expect(() => totals.set(1, 1n)).toThrow(/expected an open map/);
    expect(() => instantiate(runtime, object, { maps: { totals: totals as BpfMap } })).toThrow(
      /expected an open map/,
    );
  });

  it.each<[string, Partial<BpfMap["spec"]>, RegExp]>([
    ["type", { type: 2 }, /^map totals: expected type = 1, got 2$/],
    ["value size", { valueSize: 16 }, /^map totals: expected valueSize = 8, got 16$/],
    ["key size", { keySize: 8 }, /^map totals: expected keySize = 4, got 8$/],
    ["number of entries", { maxEntries: 17 }, /^map totals: expected maxEntries = 16, got 17$/],
  ])("given with another %s are refused, and nothing stays behind", (_, change, message) => {
    const runtime = new Runtime();
    const object = pair();
    instantiate(runtime, object).close();
    const totals = new BpfMap(runtime, { ...(object.maps.get("totals") as BpfMap["spec"]), ...change });
    const { used } = runtime.heap;
    const error = thrown(() => instantiate(runtime, object, { maps: { totals } }));
    expect(error).toBeInstanceOf(TypeError);
    expect(error.message).toMatch(message);
    expect(runtime.heap.used).toBe(used);
  });

  it("of another runtime are refused: their addresses mean nothing here", () => {
    const object = pair();
    const totals = new BpfMap(new Runtime(), object.maps.get("totals") as never);
    expect(() => instantiate(new Runtime(), object, { maps: { totals } })).toThrow(
      /^map totals: expected a map of the same runtime, got one of another$/,
    );
  });

  it("may be called as something that every JavaScript object has", () => {
    const object = load(".map constructor type=array key=4 value=8 max=1\nr1 = constructor ll\nr0 = 0\nexit");
    const collection = instantiate(new Runtime(), object, { maps: {}, checked: true });
    expect(collection.maps.get("constructor")?.get(0)).toBe(0n);
    expect(collection.program.run()).toBe(0n);
  });

  it("of kinds that cannot be made are no obstacle to programs that do without", () => {
    const error = thrown(() => instantiate(new Runtime(), COUNTERS));
    expect(error).toBeInstanceOf(RangeError);
    expect(error.message).toMatch(
      /^map \w+: expected type 1 \(hash\) or 2 \(array\), got \d+ .*; programs that do without it: .*\bcount\b/,
    );
    expect([...count().maps.keys()].sort()).toEqual([".bss", ".data", ".rodata", "flows"]);
  });
});

describe("names that the object does not have", () => {
  it.each<[InstantiateOptions, string]>([
    [
      { programs: ["nobody"] },
      'programs: expected a program of the object (add_one, report, constant), got "nobody"',
    ],
    [
      { programs: ["toString"] },
      'programs: expected a program of the object (add_one, report, constant), got "toString"',
    ],
    [
      { variables: { nothing: 1 } },
      'variables: expected a variable of the object (counter, limit, odd), got "nothing"',
    ],
    [
      { maps: { nowhere: undefined as never } },
      'maps: expected a map of the object (totals, .data, .rodata), got "nowhere"',
    ],
    [{ engine: "warp" as never }, 'engine: expected auto, ts, wasm or jit, got "warp"'],
  ])("are refused (%#)", (options, message) => {
    const runtime = new Runtime();
    const { used } = runtime.heap;
    const error = thrown(() => instantiate(runtime, pair(), options));
    expect(error).toBeInstanceOf(TypeError);
    expect(error.message).toBe(message);
    expect(runtime.heap.used).toBe(used);
  });

  it("give the reason when it is a program that could not be loaded", () => {
    const object = pair();
    const [failure] = failuresOf(object);
    expect(failuresOf(object).length).toBe(1);
    expect(failure).toBeInstanceOf(LoadError);
    expect(thrown(() => instantiate(new Runtime(), object, { programs: ["broken"] }))).toBe(failure);
  });
});

describe.each(ENGINE_NAMES)("closing (%s)", (engine) => {
  it("gives back all memory, time after time", () => {
    const runtime = new Runtime();
    const once = () => {
      const collection = instantiate(runtime, pair(), { engine, variables: { counter: 1 } });
      run(collection, "add_one");
      const other = count({ engine }, runtime);
      run(other, "count");
      collection.close();
      other.close();
      other.close();
      return collection;
    };
    const collection = once();
    const { used } = runtime.heap;
    const { size } = runtime.memory;
    for (let round = 0; round < 200; round++) once();
    expect([runtime.heap.used, runtime.memory.size]).toEqual([used, size]);
    // What is closed touches nothing: that memory is somebody else's.
    expect(() => run(collection, "report")).toThrow(/expected an open program/);
    expect(() => get(collection, "counter")).toThrow(/^map pair\.data: expected an open map/);
    expect(() => set(collection, "counter", 1)).toThrow(/^map pair\.data: expected an open map/);
    for (const map of collection.maps.values()) {
      expect(() => [...map]).toThrow(/expected an open map/);
      expect(() => map.hold()).toThrow(/expected an open map/);
    }
  });

  it("is done for what was made, when making the rest fails", () => {
    const runtime = new Runtime();
    const bad = [
      // A map that cannot be made, after one that can.
      ".map good type=array key=4 value=4096 max=100\n.map bad type=array key=8 value=8 max=1\nr1 = good ll\nr1 = bad ll\nr0 = 0\nexit",
      // A program that no engine takes, after one that they do.
      ".map m type=array key=4 value=8 max=9\n.section xdp\n.globl a\n.globl b\na: r1 = m ll\nr0 = 0\nexit\nb: r1 = m ll\ncall get_numa_node_id\nexit",
      // A program that is not safe, after one that is.
      ".map m type=array key=4 value=8 max=9\n.section xdp\n.globl a\n.globl b\na: r1 = m ll\nr0 = 0\nexit\nb: r1 = m ll\nexit",
    ];
    for (const text of bad) {
      const object = load(text);
      const { used } = runtime.heap;
      const error = thrown(() => instantiate(runtime, object, { engine }));
      expect(error.message).toMatch(
        /map bad: expected a key of 4 bytes|expected a helper of this runtime|R0 !read_ok/,
      );
      expect(runtime.heap.used).toBe(used);
    }
  });
});

describe("maps of global data", () => {
  it("are found by the section, and called after the object as the kernel sees them", () => {
    const { maps } = count();
    expect(maps.get(".bss")?.name).toBe(dataMapName("counters", ".bss"));
    expect(maps.get(".rodata")?.typeName).toBe("array");
  });
});
