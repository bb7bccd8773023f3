// A copy of the built library whose interpreter tells of each instruction before it runs it, and whose verifier can be
// made to follow every way to its end, and to make mistakes. Made in a folder of its own; the project's files stay as
// they are.

import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import type * as tracebee from "../../dist/src/index.js";
import type { Program, VerifiedProgram } from "../../dist/src/program.js";
import type * as testRuns from "../../dist/src/test-run/test-run.js";
import type { Env } from "../../dist/src/verifier/env.js";
import type { Observer } from "../../dist/src/verifier/observe.js";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** What the copy looks at as it runs. */
export interface Switch {
  /** False: no way is dropped because a kept state covers it. */
  prunes: boolean;
  /** Instructions that a verification may look at. */
  budget: number;
  /** Name of the mistake that the verifier makes; empty: none. */
  fault: string;
  /** Told of each instruction by its slot, before it runs. */
  watch: ((slot: number) => void) | undefined;
}

export interface Watched {
  readonly control: Switch;
  readonly library: typeof tracebee;
  readonly testRun: (typeof testRuns)["testRun"];
  /** Verifies, seen by an observer; undefined where the program is not accepted. */
  verify(
    program: Program,
    flags: number,
    observe: (env: Env) => Observer,
  ): { readonly env: Env; readonly program: VerifiedProgram } | undefined;
  /** Removes the copy's folder. */
  remove(): void;
}

interface Fault {
  readonly file: string;
  readonly at: string;
  readonly statement: string;
}

const fault = (file: string, at: string, statement: string): Fault => ({
  file: `dist/src/verifier/${file}`,
  at: `${at} {`,
  statement,
});
const applyAlu = (statement: string): Fault =>
  fault("scalars/scalar-alu.js", "function applyAlu(op, dst, src, is64)", statement);

/** Mistakes that can be made, each a statement at the beginning of a function. */
const FAULTS: Readonly<Record<string, Fault>> = {
  "xor is or": applyAlu('if (op === "xor") op = "or";'),
  "32 bits are added as 64": applyAlu('if (op === "add") is64 = true;'),
  "a signed shift is an unsigned one": applyAlu('if (op === "arsh") op = "rsh";'),
  "a remainder is a number": applyAlu('if (op === "mod") return src;'),
  "up to is below": fault(
    "scalars/scalar-branch.js",
    "function refine(condition, first, second, is32)",
    'if (condition === "le") condition = "lt";',
  ),
  "the lower half decides": fault(
    "scalars/scalar-branch.js",
    "function refine(condition, first, second, is32)",
    "is32 = false;",
  ),
  "a sign is not extended": fault(
    "scalars/scalar.js",
    "signExtend(bytes, to)",
    "return this.truncate(bytes);",
  ),
  "nothing is precise": fault("explore/precision.js", "function markPrecise(env, register)", "return false;"),
  "marks are not propagated": fault(
    "explore/precision.js",
    "function propagatePrecision(env, kept, state, slot)",
    "return false;",
  ),
  "marks do not go back": fault(
    "explore/precision.js",
    "function markIn(state, wanted, notes)",
    "wanted.clear(); return false;",
  ),
  "every number is within every other": fault("scalars/scalar.js", "isWithin(old)", "return true;"),
};
export const FAULT_NAMES: readonly string[] = Object.keys(FAULTS);

/** Where the copy keeps its switch. */
const SWITCH_FILE = "dist/src/verifier/switch.js";

/** The line that brings the switch into another file of the copy. */
const importInto = (path: string): string =>
  `import { SWITCH } from "./${relative(dirname(path), SWITCH_FILE)}";\n`;

/** Builds the copy. */
export async function makeWatched(): Promise<Watched> {
  const folder = mkdtempSync(join(tmpdir(), "tracebee-watched-"));
  cpSync(join(ROOT, "dist"), join(folder, "dist"), { recursive: true });
  cpSync(join(ROOT, "package.json"), join(folder, "package.json"));
  for (const name of ["node_modules", "src", "assembly"]) symlinkSync(join(ROOT, name), join(folder, name));
  const state = 'export const SWITCH = { prunes: true, budget: 1e6, fault: "", watch: undefined };\n';
  writeFileSync(join(folder, SWITCH_FILE), state);

  const patched = new Set<string>();
  const patch = (path: string, from: string, to: (found: string) => string): void => {
    const file = join(folder, path);
    const text = readFileSync(file, "utf8");
    const parts = text.split(from);
    if (parts.length !== 2) throw new Error(`${path}: expected one "${from}", got ${parts.length - 1}`);
    writeFileSync(file, `${patched.has(path) ? "" : importInto(path)}${parts.join(to(from))}`);
    patched.add(path);
  };
  const begin = (path: string, header: string, statement: string): void =>
    patch(path, header, (found) => `${found} ${statement}\n`);
  begin("dist/src/engine/fuse.js", "function fusedOp(view, at, next, second) {", "return undefined;");
  patch("dist/src/engine/interpreter-ts.js", "switch (w & 0xff) {", (found) => {
    return `if (SWITCH.watch !== undefined) SWITCH.watch((pc - this.codeStart()) / 2);\n${found}`;
  });
  patch("dist/src/verifier/verify.js", "\nfunction explore(", () => "\nexport function explore(");
  const explorer = "dist/src/verifier/explore/explore.js";
  patch(explorer, "flow.prunePoints[slot] === 1", (found) => `SWITCH.prunes && ${found}`);
  patch(explorer, "env.insnsProcessed > MAX_INSNS", () => "env.insnsProcessed > SWITCH.budget");
  for (const [name, { file, at, statement }] of Object.entries(FAULTS)) {
    begin(file, at, `if (SWITCH.fault === ${JSON.stringify(name)}) { ${statement} }`);
  }

  const load = (path: string) => import(pathToFileURL(join(folder, path)).href);
  const { explore } = await load("dist/src/verifier/verify.js");
  const { verified } = await load("dist/src/verifier/fix-up.js");
  return {
    control: (await load(SWITCH_FILE)).SWITCH,
    library: await load("dist/src/index.js"),
    testRun: (await load("dist/src/test-run/test-run.js")).testRun,
    verify(program, flags, observe) {
      const { env, error } = explore(program, { flags }, undefined, observe);
      return error === undefined ? { env, program: verified(env) } : undefined;
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
