// Copies of both interpreters in which any one operation's arm can be made to do something else: the dispatch of the
// copy looks its operation up in a table first. Made in a folder of their own; the project's files stay as they are.

import { execFileSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { Limit } from "../../assembly/shared/layout.ts";
import type * as tracebee from "../../dist/src/index.js";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
/** Where the copy of the core keeps its table, and behind it its budget: in page 0, past everything else. */
const TABLE = 16384;
const BUDGET = TABLE + 256;
/** Instructions that an engine runs with a fault before it gives up: an arm that does nothing may loop for ever. */
const FAULTY_BUDGET = 5_000_000;
const SOUND_BUDGET = 0x7fff_ffff;

export interface FaultyEngines {
  /** The copy's own library: its Runtime must be used with its engines. */
  readonly library: typeof tracebee;
  /** Where the copies of further modules are. */
  readonly folder: string;
  /** From now on operation `op` does what `instead` does, on the engine of that name; itself: whole again. */
  plant(engine: "ts" | "wasm", runtime: tracebee.Runtime, op: number, instead: number): void;
  /** Gives a new runtime its table: every operation does what it should. */
  reset(runtime: tracebee.Runtime): void;
}

/** Replaces the only occurrence of a text; an Error when there is none or there are several. */
function replaceOnce(text: string, from: string, to: string): string {
  const parts = text.split(from);
  if (parts.length !== 2) throw new Error(`expected one "${from}", got ${parts.length - 1}`);
  return parts.join(to);
}

function patch(file: string, from: string, to: string): void {
  writeFileSync(file, replaceOnce(readFileSync(file, "utf8"), from, to));
}

/** Builds the copies: some ten seconds, most of them asc's. */
export async function makeFaultyEngines(): Promise<FaultyEngines> {
  if (BUDGET + 4 > Limit.GUEST_START / 2) throw new Error("the table must fit below the core's own data");
  const folder = mkdtempSync(join(tmpdir(), "tracebee-faults-"));
  cpSync(join(ROOT, "dist"), join(folder, "dist"), { recursive: true });
  cpSync(join(ROOT, "assembly"), join(folder, "assembly"), { recursive: true });
  for (const name of ["asconfig.json", "package.json"]) cpSync(join(ROOT, name), join(folder, name));
  for (const name of ["node_modules", "src"]) symlinkSync(join(ROOT, name), join(folder, name));

  patch(
    join(folder, "assembly/interpreter.ts"),
    "const op: u32 = load<u8>(pc);",
    `const left = load<i32>(${BUDGET}) - 1; if (left < 0) unreachable(); store<i32>(${BUDGET}, left);
     const op: u32 = load<u8>(load<u8>(pc), ${TABLE});`,
  );
  execFileSync(
    process.execPath,
    [join(ROOT, "node_modules/assemblyscript/bin/asc.js"), "assembly/index.ts", "--target", "release"],
    {
      cwd: folder,
      stdio: "pipe",
    },
  );
  const core = readFileSync(join(folder, "build/core.wasm")).toString("base64");
  writeFileSync(
    join(folder, "dist/src/engine/core-bytes.js"),
    `export const CORE_WASM_BASE64 = "${core}";\n`,
  );

  const interpreter = join(folder, "dist/src/engine/interpreter-ts.js");
  patch(interpreter, "switch (w & 0xff) {", "switch (faulty(w & 0xff)) {");
  const faults = `export const FAULTS = { table: new Uint8Array(256), budget: 0 };
    function faulty(op) {
      if (--FAULTS.budget < 0) throw new Error("out of budget");
      return FAULTS.table[op];
    }`;
  writeFileSync(interpreter, `${faults}\n${readFileSync(interpreter, "utf8")}`);

  const url = (path: string): string => pathToFileURL(join(folder, path)).href;
  const library = (await import(url("dist/src/index.js"))) as typeof tracebee;
  const { FAULTS } = (await import(url("dist/src/engine/interpreter-ts.js"))) as {
    FAULTS: { readonly table: Uint8Array; budget: number };
  };
  return {
    library,
    folder,
    plant(engine, runtime, op, instead) {
      if (engine === "ts") {
        FAULTS.table[op] = instead;
        FAULTS.budget = FAULTY_BUDGET;
      } else {
        runtime.memory.store8(TABLE + op, instead);
        runtime.memory.store32(BUDGET, FAULTY_BUDGET);
      }
    },
    reset(runtime) {
      FAULTS.budget = SOUND_BUDGET;
      runtime.memory.store32(BUDGET, SOUND_BUDGET);
      for (let op = 0; op < 256; op++) {
        FAULTS.table[op] = op;
        runtime.memory.store8(TABLE + op, op);
      }
    },
  };
}
