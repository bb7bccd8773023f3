// Objects that others made, where this machine has them: Debian's golang-github-cilium-ebpf-dev (the loader tests of
// cilium/ebpf) and libbpf-tools (CO-RE objects inside executables). Read in place, never copied.

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { loadObject } from "../dist/src/loader/object.js";
import type { ObjectFile } from "../dist/src/loader/object-file.js";
import { checkProgram } from "../dist/src/loader/validate.js";
import { failure } from "./support/failure.ts";

const CILIUM = "/usr/share/gocode/src/github.com/cilium/ebpf";
const TOOLS = "/usr/sbin";

function needs(path: string, what: string): boolean {
  const present = existsSync(path);
  if (!present) console.log(`skipped: ${what} is not installed`);
  return present;
}

const read = (path: string): Uint8Array => new Uint8Array(readFileSync(path));

function filesIn(folder: string, pattern: RegExp): string[] {
  return existsSync(folder) ? readdirSync(folder).filter((name) => pattern.test(name)) : [];
}

const hasCilium = needs(CILIUM, "golang-github-cilium-ebpf-dev");

describe.skipIf(!hasCilium)("the test objects of cilium/ebpf", () => {
  const object = (name: string): ObjectFile =>
    loadObject(read(join(CILIUM, "testdata", `${name}-el.elf`)), { name });

  it.each(filesIn(join(CILIUM, "testdata"), /-el\.elf$/))("load: %s", (name) => {
    const { programs, failures } = loadObject(read(join(CILIUM, "testdata", name)));
    for (const program of programs.values()) checkProgram(program);
    for (const error of failures.values()) expect(error.code).toBe("unsupported");
  });

  it.each(filesIn(join(CILIUM, "testdata"), /-eb\.elf$/))(
    "are refused when they are big-endian: %s",
    (name) => {
      expect(failure(() => loadObject(read(join(CILIUM, "testdata", name)))).code).toBe("wrong-machine");
    },
  );

  it("have their programs and maps, whatever compiler made them", () => {
    for (const compiler of ["clang-7", "clang-9", "clang-14"]) {
      const { programs, maps, license } = object(`loader-${compiler}`);
      expect(license, compiler).toBe("MIT");
      const names = ["xdp_prog", "no_relocation", "data_sections", "anon_const"];
      expect([...programs.keys()], compiler).toEqual(expect.arrayContaining(names));
      const reached = programs.get("xdp_prog")?.functions.map(({ name }) => name);
      expect(reached?.slice(-3), compiler).toEqual(["global_fn", "global_fn2", "global_fn3"]);
      expect(maps.get("hash_map"), compiler).toMatchObject({
        type: 1,
        keySize: 4,
        valueSize: 8,
        maxEntries: 1,
        flags: 1,
      });
      expect(maps.get("hash_map2"), compiler).toMatchObject({
        type: 1,
        keySize: 4,
        valueSize: 8,
        maxEntries: 2,
      });
    }
  });

  it("say which maps and programs are in a map from the start", () => {
    const { maps } = object("btf_map_init");
    expect(maps.get("prog_array_init")?.initialSlots).toEqual([{ index: 1, program: "tail_1" }]);
    expect(maps.get("outer_map_init")?.initialSlots).toEqual([{ index: 1, map: maps.get("inner_map") }]);
  });

  it("keep maps apart that are static, and so have no symbol", () => {
    const { programs } = object("invalid_map_static");
    expect(programs.get("xdp_prog")?.maps.map(({ map }) => map.name)).toEqual(["hash_map"]);
  });

  it("fail for the programs that use a map of iproute2's", () => {
    expect(object("iproute2_map_compat").mapFailures.size).toBe(1);
  });
});

/** The objects for BPF inside an executable, found by their header; their section headers end them. */
function* embedded(bytes: Uint8Array): Generator<Uint8Array> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = bytes.indexOf(0x7f, 1); at !== -1; at = bytes.indexOf(0x7f, at + 1)) {
    const isElf = at + 64 <= bytes.length && view.getUint32(at, true) === 0x464c457f;
    if (!isElf || view.getUint16(at + 18, true) !== 247) continue;
    yield bytes.subarray(at, at + view.getUint32(at + 40, true) + 64 * view.getUint16(at + 60, true));
  }
}

const hasTools = needs(join(TOOLS, "opensnoop"), "libbpf-tools");

describe.skipIf(!hasTools)("the objects in libbpf-tools", () => {
  it("load but for the programs that have CO-RE relocations", () => {
    let objects = 0;
    let programs = 0;
    const files = readdirSync(TOOLS, { withFileTypes: true }).filter((entry) => entry.isFile());
    for (const { name } of files) {
      for (const bytes of embedded(read(join(TOOLS, name)))) {
        const file = loadObject(bytes, { name });
        objects++;
        for (const program of file.programs.values()) {
          expect(program.type, `${name}: ${program.name}`).not.toBe("unspec");
          checkProgram(program);
          programs++;
        }
        for (const error of file.failures.values()) expect(error.message, name).toMatch(/CO-RE relocation/);
      }
    }
    expect(objects).toBeGreaterThan(40);
    expect(programs).toBeGreaterThan(50);
  });
});
