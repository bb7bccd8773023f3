// The house rules that a machine can check: which way imports run, what runs in a browser, how long files are.

import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize, sep } from "node:path";
import { describe, expect, it } from "vitest";

const ROOT = new URL("..", import.meta.url).pathname;

/** Folders and files of src, each importing only from layers above it, and types from its own. */
const LAYERS: readonly (readonly string[])[] = [
  ["assembly", "errors.ts"],
  ["isa", "btf", "wasm", "memory.ts", "map-type-names.ts", "program-types.ts", "attach-types.ts"],
  ["heap.ts", "task.ts", "program.ts"],
  ["trace-output.ts", "print-conversions.ts"],
  ["runtime.ts"],
  ["event-batch.ts", "loader", "verifier", "maps"],
  ["helpers"],
  ["engine", "kernel"],
  ["attach", "test-run"],
  ["index.ts", "builder.ts", "kernel.ts"],
  ["harness"],
  ["cli"],
];
/** The runtime has a table of helpers, whose bodies are given the runtime: the two files are one part. */
const SAME_PART: Readonly<Record<string, string>> = { "helper-table.ts": "runtime.ts" };
/**
 * What may use Node and packages: the command line, and the binding to the machine's own kernel, which is there in Node
 * only and has a subpath of the package to itself (`tracebee/kernel`).
 */
const NODE_ONLY: readonly string[] = ["cli", "kernel", "kernel.ts"];
const layerOf = (part: string): number => LAYERS.findIndex((layer) => layer.includes(part));

/** One flat table or one switch, plainly better in one piece. */
const LONG_FILES = new Set(["src/engine/interpreter-ts.ts", "assembly/interpreter.ts"]);
const MAX_LINES = 500;

const files = (folder: string, ending: string): string[] =>
  readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(ending))
    .map((name) => `${folder}/${name.split(sep).join("/")}`);
const read = (file: string): string => readFileSync(join(ROOT, file), "utf8");

interface Import {
  readonly from: string;
  readonly to: string;
  readonly isType: boolean;
}

/** Folder, or file beside the folders, that a path lies in. */
const partOf = (path: string): string => {
  const [first, second] = path.split("/");
  const part = first === "src" ? second : first;
  return SAME_PART[part] ?? part;
};

function importsOf(file: string): Import[] {
  const pattern = /^(?:import|export)\s+(type\s)?(?:[^;"]*?\sfrom\s+)?"([^"]+)";/gm;
  return [...read(file).matchAll(pattern)].map(([, type, target]) => {
    const to = target.startsWith(".") ? normalize(join(dirname(file), target)) : target;
    return { from: file, to, isType: type !== undefined };
  });
}

const sources = files("src", ".ts").filter((file) => !file.endsWith("core-bytes.ts"));
const imports = sources.flatMap(importsOf);
const isLocal = ({ to }: Import): boolean => /^(src|assembly)\//.test(to);

describe("imports", () => {
  it("are found: the rules below look at something", () => {
    expect(imports.filter(isLocal).length).toBeGreaterThan(200);
    expect(imports).toContainEqual({
      from: "src/engine/prepare.ts",
      to: "src/loader/validate.ts",
      isType: false,
    });
  });

  it("come from a layer that is known", () => {
    const parts = new Set(imports.filter(isLocal).flatMap(({ from, to }) => [partOf(from), partOf(to)]));
    expect([...parts].filter((part) => layerOf(part) === -1)).toEqual([]);
  });

  it("run one way", () => {
    const wrong = imports.filter(isLocal).filter(({ from, to, isType }) => {
      const [own, other] = [partOf(from), partOf(to)];
      return own !== other && (isType ? layerOf(other) > layerOf(own) : layerOf(other) >= layerOf(own));
    });
    expect(wrong.map(({ from, to }) => `${from} imports ${to}`)).toEqual([]);
  });

  it("of packages and of Node are the command line's and the kernel binding's alone", () => {
    const foreign = imports.filter((each) => !isLocal(each) && !NODE_ONLY.includes(partOf(each.from)));
    expect(foreign.map(({ from, to }) => `${from} imports ${to}`)).toEqual([]);
  });

  it("lead from what runs in browsers to nothing that needs Node", () => {
    const reached = new Set<string>();
    const follow = (file: string): void => {
      if (reached.has(file)) return;
      reached.add(file);
      for (const { from, to, isType } of imports) if (from === file && !isType) follow(to);
    };
    for (const entry of ["src/index.ts", "src/builder.ts"]) follow(entry);
    expect(reached.size).toBeGreaterThan(50);
    expect([...reached].filter((file) => NODE_ONLY.includes(partOf(file)))).toEqual([]);
  });

  it("of AssemblyScript are what both compilers read", () => {
    const inside = imports.filter(({ to }) => to.startsWith("assembly/"));
    expect(inside.filter(({ to }) => !/^assembly\/(shared|portable)\//.test(to))).toEqual([]);
    const shared = files("assembly/shared", ".ts").filter((file) => importsOf(file).length > 0);
    expect(shared).toEqual([]);
  });
});

describe("the checkers", () => {
  const check = (tool: string, args: readonly string[]) => {
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      [join(ROOT, "node_modules", tool), ...args],
      { cwd: ROOT, encoding: "utf8" },
    );
    return { status, output: status === 0 ? "" : `${stdout}${stderr}` };
  };

  it("find no fault in the style", () => {
    const args = ["check", "--error-on-warnings", "."];
    expect(check("@biomejs/biome/bin/biome", args)).toEqual({ status: 0, output: "" });
  });

  it("find no fault in the types of the tests", () => {
    expect(check("typescript/bin/tsc", ["-p", "test"])).toEqual({ status: 0, output: "" });
  });
});

describe("the library", () => {
  it("prints nothing and asks nothing of Node", () => {
    const forbidden = /\bconsole\.|\bprocess\.|\brequire\(|\bBuffer\.|__dirname|\bsetImmediate\b/;
    const found = sources.filter(
      (file) => !NODE_ONLY.includes(partOf(file)) && forbidden.test(withoutComments(read(file))),
    );
    expect(found).toEqual([]);
  });

  it("has no file that is longer than one can read", () => {
    const all = [
      ...sources,
      ...files("assembly", ".ts"),
      ...files("test", ".ts"),
      ...files("bench", ".ts"),
      ...files("scripts", ".mjs"),
    ];
    const long = all.filter((file) => !LONG_FILES.has(file) && read(file).split("\n").length - 1 > MAX_LINES);
    expect(long).toEqual([]);
  });

  it("has a head in every file that says what it is for", () => {
    const all = [...sources, ...files("assembly", ".ts"), ...files("test", ".ts"), ...files("bench", ".ts")];
    const headless = all.filter((file) => !/^(#!.*\n)?(\/\/|\/\*\*) ?\S/.test(read(file)));
    expect(headless).toEqual([]);
  });

  it("has nothing left to do", () => {
    const marks = /\b(TODO|FIXME|XXX|HACK)\b/;
    const all = [...sources, ...files("assembly", ".ts")];
    expect(all.filter((file) => marks.test(read(file)))).toEqual([]);
  });
});

/** Comments may speak of what code must not use. */
function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, "").replace(/(^|\s)\/\/.*$/gm, "");
}
