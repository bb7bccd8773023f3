// The bpf_conformance plugin's job: a program and some memory as hexadecimal text, r0 as the answer. r1 is the
// memory's address, r2 its length. See https://github.com/Alan-Jowett/bpf_conformance.

import type { EngineName } from "../engine/engine.ts";
import { selectEngine } from "../engine/engines.ts";
import { loadRaw } from "../loader/raw.ts";
import { Runtime } from "../runtime.ts";
import { fromHex } from "./hex.ts";

/**
 * Runs a case; gives r0 as hexadecimal digits. Throws a TypeError for text that is not hexadecimal, a LoadError for a
 * program that is none, a TrapError when it traps.
 */
export function runConformanceCase(
  programHex: string,
  memoryHex: string,
  engine: EngineName | "auto" = "auto",
): string {
  const insns = fromHex(programHex);
  const memory = fromHex(memoryHex);
  if (insns === undefined) throw new TypeError("program: expected hexadecimal digits in pairs");
  if (memory === undefined) throw new TypeError("memory: expected hexadecimal digits in pairs");
  const program = loadRaw(insns, { name: "stdin", type: "raw" });
  const executable = selectEngine(engine).prepareChecked(new Runtime(), program, new Map());
  return executable.run(memory).toString(16);
}
