// Both sides of the Wasm boundary read the same numbers: what asc folded into the built core is what
// assembly/shared says, which is what tsc folds.

import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { readEnums } from "./support/enums.ts";

/** Numbers of the kernel's ABI: nothing lies where they say, and tests of maps and helpers know them by value. */
const ABI = new Set(["MapType", "Bpf", "Errno"]);

const enums = [...readEnums("layout.ts"), ...readEnums("codes.ts")].filter(([name]) => !ABI.has(name));
const values = new Map(
  enums.flatMap(([name, members]) => [...members].map(([member, value]) => [`${name}.${member}`, value])),
);

const mirror = readFileSync(new URL("../assembly/mirror.ts", import.meta.url), "utf8");
const mirrored = [...mirror.slice(mirror.indexOf("WORDS")).matchAll(/\b[A-Z]\w+\.[A-Z]\w*\b/g)].map(
  ([name]) => name,
);

describe("the layout of linear memory", () => {
  it("is all in the core's mirror of it", () => {
    expect(values.size).toBeGreaterThan(100);
    expect(mirrored.filter((name) => name !== "WORDS.length").toSorted()).toEqual(
      [...values.keys()].toSorted(),
    );
  });

  it("is in the built core what it is in assembly/shared", async () => {
    const memory = new WebAssembly.Memory({ initial: 2, maximum: 32767 });
    const core = await WebAssembly.compile(readFileSync(new URL("../dist/engine.wasm", import.meta.url)));
    const imports: Record<string, Record<string, WebAssembly.ImportValue>> = {};
    for (const { module, name, kind } of WebAssembly.Module.imports(core)) {
      imports[module] ??= {};
      imports[module][name] = kind === "memory" ? memory : () => 0;
    }
    const { exports } = await WebAssembly.instantiate(core, imports);
    const layoutWord = exports.layoutWord as (index: number) => number;
    expect(mirrored.map((name, index) => [name, layoutWord(index)])).toEqual(
      mirrored.map((name) => [name, values.get(name)]),
    );
    expect(layoutWord(mirrored.length)).toBe(-1);
  });

  it("has no member of a record past its end", () => {
    for (const [name, members] of enums) {
      const size = members.get("SIZE");
      if (size === undefined || name === "Arg") continue;
      const offsets = [...members].filter(([member]) => !/SIZE$/.test(member) || member === "CONTEXT_SIZE");
      for (const [member, offset] of offsets) expect(offset, `${name}.${member}`).toBeLessThan(size);
    }
  });
});
