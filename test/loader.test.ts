// Objects as clang makes them: programs, functions, relocations, licence, line info.

import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { parseBtf } from "../dist/src/btf/btf.js";
import { disassemble } from "../dist/src/isa/disassembler.js";
import { loadObject } from "../dist/src/loader/object.js";
import type { ObjectFile } from "../dist/src/loader/object-file.js";
import { checkProgram } from "../dist/src/loader/validate.js";
import type { Program } from "../dist/src/program.js";
import { judge } from "../dist/src/verifier/verify.js";
import { BtfBuilder } from "./support/btf-builder.ts";
import { kernelBtf } from "./support/kernel-btf.ts";

const object = (name: string): ObjectFile =>
  loadObject(new Uint8Array(readFileSync(new URL(`objects/${name}.o`, import.meta.url))), {
    name: `${name}.o`,
  });

const program = (file: ObjectFile, name: string): Program => {
  const found = file.programs.get(name);
  if (found === undefined) throw new Error(`no program ${name}: ${file.failures.get(name)?.message}`);
  return found;
};

describe.each(["clang14", "clang19"])("an object of %s", (compiler) => {
  const counters = object(`counters.${compiler}`);

  it("gives licence, version and every program with type and attach point", () => {
    expect(counters.license).toBe("Dual MIT/GPL");
    expect(counters.version).toBe(0x60102);
    expect(counters.failures.size).toBe(0);
    const seen = [...counters.programs.values()].map(({ name, type, section, attachTo, isGpl }) => {
      return [name, type, section, attachTo, isGpl];
    });
    expect(seen.sort()).toEqual([
      ["count", "xdp", "xdp", undefined, true],
      ["looped", "xdp", "xdp", undefined, true],
      ["stranger", "unspec", "unheard_of/place", undefined, true],
      ["tail", "tracepoint", "tracepoint/skb/kfree_skb", "skb:kfree_skb", true],
    ]);
    for (const each of counters.programs.values()) checkProgram(each);
  });

  it("gives the maps as they are defined", () => {
    const definitions = [...counters.maps].map(([key, map]) => {
      return [key, map.name, map.type, map.keySize, map.valueSize, map.maxEntries, map.flags];
    });
    expect(definitions.sort()).toEqual([
      [".bss", "counters.bss", 2, 4, 12, 1, 0],
      [".data", "counters.data", 2, 4, 56, 1, 0],
      [".data.custom", ".data.custom", 2, 4, 8, 1, 0],
      [".rodata", "counters.rodata", 2, 4, 43, 1, 128],
      ["events", "events", 4, 4, 4, 0, 0],
      ["first_inner", "first_inner", 2, 4, 8, 4, 0],
      ["flows", "flows", 1, 14, 32, 1024, 1],
      ["jumps", "jumps", 3, 4, 4, 4, 0],
      ["outer", "outer", 12, 4, 4, 3, 0],
      ["records", "records", 27, 0, 0, 8192, 0],
    ]);
    const { flows, outer, first_inner: inner, jumps, records } = Object.fromEntries(counters.maps);
    expect(counters.btf?.typeName(flows?.keyType ?? 0)).toBe("struct flow");
    expect(counters.btf?.typeName(flows?.valueType ?? 0)).toBe("struct totals");
    expect(outer?.innerMap).toMatchObject({ type: 2, keySize: 4, valueSize: 8, maxEntries: 4 });
    expect(outer?.initialSlots).toEqual([{ index: 1, map: inner }]);
    expect(outer?.initialSlots?.[0]?.map).toBe(inner);
    expect(jumps?.initialSlots).toEqual([{ index: 2, program: "tail" }]);
    expect([records?.isPinned, flows?.isPinned]).toEqual([true, undefined]);
  });

  it("gives global data as maps with contents, and variables by name", () => {
    const rodata = counters.maps.get(".rodata");
    expect([rodata?.frozen, counters.maps.get(".data")?.frozen]).toEqual([true, undefined]);
    expect(counters.maps.get(".bss")?.contents).toEqual(new Uint8Array(12));
    const greeting = counters.variables.get("greeting");
    expect(greeting).toMatchObject({ map: rodata, size: 16 });
    const from = greeting?.offset ?? 0;
    expect(new TextDecoder().decode(rodata?.contents?.subarray(from, from + 5))).toBe("hello");
    const types = [...counters.variables].map(([name, { typeId = 0 }]) => [
      name,
      counters.btf?.typeName(typeId),
    ]);
    expect(types.sort()).toEqual([
      ["custom", "volatile __s64"],
      ["greeting", "const volatile char[16]"],
      ["last_port", "volatile __u32"],
      ["sampling", "const volatile __u32"],
      ["seen", "volatile __u64"],
      ["settings", "volatile struct settings"],
      ["tail.format", "const char[9]"],
    ]);
  });

  it("completes the BTF of sections: sizes, and variables sorted by offset", () => {
    for (const [name, size] of [
      [".rodata", 43],
      [".bss", 12],
      [".maps", 160],
    ] as const) {
      const datasec = counters.btf?.findByName(name, "datasec");
      if (datasec?.kind !== "datasec") throw new Error(`no datasec ${name}`);
      expect(datasec.size, name).toBeGreaterThanOrEqual(size);
      const offsets = datasec.vars.map(({ offset }) => offset);
      expect(offsets).toEqual(offsets.toSorted((a, b) => a - b));
      expect(new Set(offsets).size).toBe(offsets.length);
    }
  });

  it("appends every function that a program reaches, once, in the order of the calls", () => {
    const functions = (name: string) => program(counters, name).functions.map((entry) => entry.name);
    expect(functions("count")).toEqual(["count", "score", "add"]);
    expect(functions("looped")).toEqual(["looped", "step", "add", "local_twice", "score"]);
    expect(functions("tail")).toEqual(["tail"]);
  });

  it("points every call and function address at its function", () => {
    const looped = program(counters, "looped");
    const slotOf = Object.fromEntries(looped.functions.map(({ name, slot }) => [name, slot]));
    const targets = looped.decoded.flatMap(({ row, slot, imm }) => {
      if (row.name !== "call_local" && row.name !== "lddw_func") return [];
      return [[looped.functionAt(slot)?.name, row.name, looped.functionAt(slot + 1 + imm)?.name]];
    });
    expect(targets).toEqual([
      ["looped", "lddw_func", "step"],
      ["looped", "call_local", "local_twice"],
      ["looped", "call_local", "score"],
      ["step", "call_local", "add"],
      ["local_twice", "call_local", "add"],
      ["score", "call_local", "add"],
    ]);
    const starts = looped.decoded.flatMap(({ row, slot, imm }) =>
      /call_local|lddw_func/.test(row.name) ? [slot + 1 + imm] : [],
    );
    for (const start of starts) expect(Object.values(slotOf)).toContain(start);
  });

  it("names map and offset of every address of a map or variable, wherever the function went", () => {
    const count = program(counters, "count");
    const uses = count.maps.map(({ slot, map, offset }) => [count.functionAt(slot)?.name, map.name, offset]);
    const offsetOf = (name: string) => counters.variables.get(name)?.offset;
    expect(uses).toEqual(
      expect.arrayContaining([
        ["count", "flows", undefined],
        ["count", "counters.bss", offsetOf("seen")],
        ["count", "counters.data", offsetOf("settings")],
        ["score", "counters.rodata", offsetOf("sampling")],
        ["add", "counters.bss", offsetOf("last_port")],
      ]),
    );
    const loads = count.decoded.filter(({ row }) => /^lddw_map/.test(row.name));
    expect(loads.map(({ slot, next }) => [slot, next])).toEqual(
      count.maps.map(({ slot, offset = 0 }) => [slot, offset]),
    );
    expect(count.maps[0]?.map).toBe(counters.maps.get("flows"));
  });

  it("moves source lines along with the functions", () => {
    const looped = program(counters, "looped");
    const slots = looped.lines.map(({ slot }) => slot);
    expect(slots).toEqual(slots.toSorted((a, b) => a - b));
    for (const { name, slot } of looped.functions) {
      const texts = looped.lines
        .filter((line) => looped.functionAt(line.slot)?.name === name)
        .map(({ text }) => text);
      expect(texts.length, name).toBeGreaterThan(0);
      expect(looped.lineAt(slot)?.file).toMatch(/counters\.bpf\.c$/);
    }
    const add = looped.functions.find(({ name }) => name === "add");
    expect(looped.lineAt(add?.slot ?? 0)?.text).toContain("int add(int a, int b)");
    const types = looped.functions.map((entry) =>
      counters.btf?.type((entry as { typeId?: number }).typeId ?? 0),
    );
    expect(types.map((type) => [type?.kind, type?.name])).toEqual(
      looped.functions.map(({ name }) => ["func", name]),
    );
  });

  it("lets the caller say what type a program or a section has", () => {
    const bytes = new Uint8Array(readFileSync(new URL(`objects/counters.${compiler}.o`, import.meta.url)));
    const { programs } = loadObject(bytes, {
      types: { count: "sched_cls", "unheard_of/place": "socket_filter" },
    });
    const types = [...programs.values()].map(({ name, type }) => [name, type]);
    expect(types.sort()).toEqual([
      ["count", "sched_cls"],
      ["looped", "xdp"],
      ["stranger", "socket_filter"],
      ["tail", "tracepoint"],
    ]);
  });
});

describe.each(["clang14", "clang19"])("what %s makes and this version does not load", (compiler) => {
  const unsupported = object(`unsupported.${compiler}`);

  it("fails for the programs that need it, and for those alone", () => {
    expect([...unsupported.programs.keys()].sort()).toEqual(["calls_kernel", "fine"]);
    const failures = [...unsupported.failures].map(([name, { code, message }]) => [name, code, message]);
    const because = (reason: RegExp) => ["unsupported", expect.stringMatching(reason)];
    expect(failures.sort()).toEqual([
      [
        "follows_pointers",
        ...because(/insn \d+: symbol .*: section \.(data\.rel\.)?ro(data)?: .*without pointers/),
      ],
      ["hidden", ...because(/expected a global function, got a static one/)],
      ["reads_config", ...because(/symbol CONFIG_HZ: .*extern/)],
      ["registered", ...because(/struct_ops/)],
      [
        "relocated",
        ...because(/section raw_tp\/sched_switch, insn \d+: .*CO-RE relocation of kind 0 \(access 0:1\)/),
      ],
      ["relocated_below", ...because(/^program relocated_below: section .text, insn \d+: .*CO-RE/)],
    ]);
  });

  it("keeps the kernel's functions that a program calls by name, until a kernel gives them ids", () => {
    const caller = program(unsupported, "calls_kernel");
    expect(caller.kernelCalls).toEqual([{ slot: 1, name: "kernel_function" }]);
    const call = (insns: Uint8Array): number[] => [...insns.subarray(8, 16)];
    expect(call(caller.insns)).toEqual([0x85, 0x20, 0, 0, 0, 0, 0, 0]);
    const builder = new BtfBuilder();
    const int = builder.int("int", 4, 1);
    builder.refer("func", builder.proto(int, [["a", int]]), "kernel_function");
    const kernel = parseBtf(builder.bytes());
    expect(call(caller.insnsFor(kernel))).toEqual([0x85, 0x20, 0, 0, 3, 0, 0, 0]);
    expect(caller.insnsFor(undefined)).toBe(caller.insns);
    const other = parseBtf(new BtfBuilder().bytes());
    expect(call(caller.insnsFor(other))).toEqual(call(caller.insns));
  });
});

describe.each(["clang14", "clang19"])("the kernel's variables in an object of %s", (compiler) => {
  const loaded = object(`kernel.${compiler}`);
  const judged = (name: string) => judge(program(loaded, name), { kernelBtf });
  const firstLoad = (name: string): number[] => {
    const found = program(loaded, name);
    const at = 8 * found.kernelVariables[0].slot;
    return [...found.insnsFor(kernelBtf).subarray(at, at + 8)];
  };

  it("are kept by name, until a kernel gives them ids", () => {
    expect(loaded.failures.size).toBe(0);
    const { kernelVariables } = program(loaded, "reads_variable");
    expect(kernelVariables).toEqual([{ slot: 0, name: "limit" }]);
    expect(firstLoad("reads_variable")[4]).toBe(kernelBtf.findByName("limit", "var")?.id);
  });

  it("are judged by the kernel's types", () => {
    expect(judged("reads_variable").message).toBe("");
    expect(judged("reads_below").message).toBe("");
    const { message } = judge(program(loaded, "reads_variable"));
    expect(message).toBe("kernel symbol limit is not known: it needs the kernel's BTF");
  });

  it("are null where they are weak and not there, and else a fault", () => {
    expect(firstLoad("asks_whether").slice(1)).toEqual([1, 0, 0, 0, 0, 0, 0]);
    expect(judged("asks_whether").message).toBe("");
    expect(judged("reads_nothing").message).toMatch(/^the kernel has no nowhere\n/);
  });
});

describe.each(["clang14", "clang19"])("maps by struct bpf_map_def of %s", (compiler) => {
  const legacy = object(`legacy.${compiler}`);

  it("load with the types that BPF_ANNOTATE_KV_PAIR gives them", () => {
    const plain = legacy.maps.get("plain");
    expect(plain).toMatchObject({ type: 1, keySize: 4, valueSize: 8, maxEntries: 100, flags: 1 });
    expect(legacy.btf?.typeName(plain?.keyType ?? 0)).toBe("int");
    expect(program(legacy, "uses_plain").maps.map(({ map }) => map)).toEqual([plain]);
  });

  it("fail where they are longer and what is added is not zero", () => {
    expect(legacy.maps.has("pinned")).toBe(false);
    expect(legacy.mapFailures.get("pinned")?.message).toBe(
      "map pinned: expected zeros behind struct bpf_map_def, got 2 at byte 24",
    );
    expect(legacy.failures.get("uses_pinned")?.message).toMatch(/symbol pinned: map pinned: expected zeros/);
  });
});

describe("a Buffer of Node's", () => {
  it("loads like other bytes, and shares no memory with the variables", () => {
    const file = readFileSync(new URL("objects/counters.clang19.o", import.meta.url));
    const copy = Buffer.concat([Buffer.alloc(3), file]).subarray(3);
    const loaded = loadObject(copy, { name: "counters.clang19.o" });
    const expected = object("counters.clang19");
    copy.fill(0);
    expect(loaded.maps.get(".data")?.contents).toEqual(expected.maps.get(".data")?.contents);
    expect(loaded.btf?.bytes).toEqual(expected.btf?.bytes);
    expect(program(loaded, "looped").insns).toEqual(program(expected, "looped").insns);
  });
});

describe("two compilers", () => {
  it("give programs that say the same", () => {
    const text = (compiler: string) => disassemble(program(object(`legacy.${compiler}`), "uses_plain").insns);
    expect(text("clang14").length).toBeGreaterThan(50);
    expect(text("clang14")).toBe(text("clang19"));
  });
});
