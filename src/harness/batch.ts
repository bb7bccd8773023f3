// The batch harness: one JSON line in, one JSON line out, thousands of programs through one process. For other
// languages' test suites, fuzzers and graders. A line that makes no sense is answered with `error`; the next one
// runs all the same. docs/batch.md describes the format.

import type { EngineName } from "../engine/engine.ts";
import { selectEngine } from "../engine/engines.ts";
import { LoadError, TrapError } from "../errors.ts";
import { loadRaw } from "../loader/raw.ts";
import { checkProgram } from "../loader/validate.ts";
import { BpfMap, MapError } from "../maps/map.ts";
import type { MapSpec, Program } from "../program.ts";
import { PROGRAM_TYPES, type ProgramType } from "../program-types.ts";
import { Runtime } from "../runtime.ts";
import { fromHex, toHex } from "./hex.ts";

/** One answer; only what applies is there. */
export interface BatchAnswer {
  readonly id?: unknown;
  readonly verdict?: "accept" | "reject" | "unverified";
  readonly message?: string;
  /** Slot of the instruction that a rejection is about. */
  readonly insn?: number;
  /** r0: of raw programs all 64 bits as 16 hexadecimal digits. */
  readonly retval?: string;
  /** The memory after the run, hexadecimal. */
  readonly data_out?: string;
  /** Per map its entries, key and value hexadecimal. */
  readonly maps?: readonly (readonly (readonly [string, string])[])[];
  readonly trap?: { readonly code: string; readonly insn: number; readonly message: string };
  /** What was wrong with the line. */
  readonly error?: string;
}

/** A wrong line; its message becomes the answer's `error`. */
class LineError extends Error {}

type Fields = Readonly<Record<string, unknown>>;

function expectArray(value: unknown, place: string): readonly unknown[] {
  if (value === undefined) return [];
  if (!Array.isArray(value)) throw new LineError(`${place}: expected a list, got ${JSON.stringify(value)}`);
  return value;
}

function expectHex(value: unknown, place: string): Uint8Array {
  const bytes = typeof value === "string" ? fromHex(value) : undefined;
  if (bytes === undefined)
    throw new LineError(`${place}: expected hexadecimal digits in pairs, got ${JSON.stringify(value)}`);
  return bytes;
}

function expectInteger(value: unknown, place: string, fallback?: number): number {
  if (value === undefined && fallback !== undefined) return fallback;
  if (!Number.isSafeInteger(value))
    throw new LineError(`${place}: expected a whole number, got ${JSON.stringify(value)}`);
  return value as number;
}

function expectFields(value: unknown, place: string): Fields {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new LineError(`${place}: expected an object, got ${JSON.stringify(value)?.slice(0, 60)}`);
  }
  return value as Fields;
}

function readSpec(value: unknown, index: number): MapSpec {
  const place = `maps[${index}]`;
  const fields = expectFields(value, place);
  return {
    name: place,
    type: expectInteger(fields.type, `${place}.type`),
    keySize: expectInteger(fields.key, `${place}.key`),
    valueSize: expectInteger(fields.value, `${place}.value`),
    maxEntries: expectInteger(fields.max, `${place}.max`),
    flags: expectInteger(fields.flags, `${place}.flags`, 0),
  };
}

function fillMap(map: BpfMap, entries: unknown): void {
  for (const [index, entry] of expectArray(entries, `${map.name}.entries`).entries()) {
    const place = `${map.name}.entries[${index}]`;
    const [key, value] = expectArray(entry, place);
    const result = map.tryUpdateBytes(expectHex(key, place), expectHex(value, place));
    if (result < 0) throw new MapError(place, "update", -result);
  }
}

function readProgram(fields: Fields, specs: readonly MapSpec[]): Program {
  const { type, license = "" } = fields;
  if (typeof type !== "string" || !Object.hasOwn(PROGRAM_TYPES, type)) {
    throw new LineError(`type: expected a program type, got ${JSON.stringify(type)}`);
  }
  if (typeof license !== "string")
    throw new LineError(`license: expected a string, got ${JSON.stringify(license)}`);
  const relo = expectArray(fields.relo, "relo").map((pair, index) => {
    const [slot, map] = expectArray(pair, `relo[${index}]`);
    return [expectInteger(slot, `relo[${index}]`), expectInteger(map, `relo[${index}]`)] as const;
  });
  const insns = expectHex(fields.insns, "insns");
  return loadRaw(insns, {
    name: String(fields.id ?? "program"),
    type: type as ProgramType,
    license,
    maps: specs,
    relo,
  });
}

/** What is known without running: the program is well formed, or why not. */
function judge(program: Program): BatchAnswer {
  try {
    checkProgram(program);
    return { verdict: "unverified" };
  } catch (error) {
    if (!(error instanceof LoadError)) throw error;
    const insn = /insn (\d+)/.exec(error.place)?.[1];
    return {
      verdict: "reject",
      message: error.message,
      ...(insn === undefined ? {} : { insn: Number(insn) }),
    };
  }
}

export class BatchHarness {
  readonly #engine: EngineName | "auto";
  #runtime = new Runtime();
  #lines = 0;

  /** Throws a TypeError when there is no such engine here. */
  constructor(engine: EngineName | "auto" = "auto") {
    selectEngine(engine);
    this.#engine = engine;
  }

  /** Answers one line, without a newline at its end. Never throws. */
  answer(line: string): string {
    let id: unknown;
    try {
      const fields = expectFields(parseJson(line), "line");
      id = fields.id;
      return JSON.stringify({ ...(id === undefined ? {} : { id }), ...this.#run(fields) });
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      return JSON.stringify({ ...(id === undefined ? {} : { id }), error: message });
    }
  }

  #run(fields: Fields): BatchAnswer {
    // Every thousand lines a new address space: what one line leaves behind cannot pile up.
    if (++this.#lines % 1000 === 0) this.#runtime = new Runtime();
    const runtime = this.#runtime;
    runtime.seedRandom(runtime.seed);
    const specs = expectArray(fields.maps, "maps").map(readSpec);
    const program = readProgram(fields, specs);
    const verdict = judge(program);
    const { data, ctx } = fields;
    if (verdict.verdict === "reject" || (data === undefined && ctx === undefined)) return verdict;
    if (program.type !== "raw") {
      throw new LineError(
        `type: expected raw for a run, got ${program.type}, whose context this version does not make`,
      );
    }
    const memory = expectHex(data ?? ctx, data === undefined ? "ctx" : "data");
    const maps: BpfMap[] = [];
    try {
      for (const [index, spec] of specs.entries()) {
        const map = new BpfMap(runtime, spec);
        maps.push(map);
        fillMap(map, expectFields((fields.maps as unknown[])[index], spec.name).entries);
      }
      const limit = fields.limit === undefined ? {} : { limit: expectInteger(fields.limit, "limit") };
      return { ...verdict, ...this.#execute(program, memory, maps, limit) };
    } finally {
      for (const map of maps) map.close();
    }
  }

  #execute(
    program: Program,
    memory: Uint8Array,
    maps: readonly BpfMap[],
    limit: { limit?: number },
  ): BatchAnswer {
    const bindings = new Map(maps.map((map) => [map.spec, map]));
    const executable = selectEngine(this.#engine).prepareChecked(this.#runtime, program, bindings, limit);
    try {
      const retval = executable.run(memory).toString(16).padStart(16, "0");
      return { retval, data_out: toHex(memory), maps: maps.map(dump) };
    } catch (error) {
      if (!(error instanceof TrapError)) throw error;
      const trap = { code: error.code, insn: error.slot, message: error.message };
      return { trap, data_out: toHex(memory), maps: maps.map(dump) };
    } finally {
      executable.close();
    }
  }
}

function parseJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch (error) {
    throw new LineError(`line: expected JSON, got ${error instanceof Error ? error.message : error}`);
  }
}

/** Entries of a map by key, so that answers can be compared. */
function dump(map: BpfMap): [string, string][] {
  const entries = [...map.entriesBytes()].map(([key, value]): [string, string] => [toHex(key), toHex(value)]);
  return map.typeName === "hash" ? entries.sort(([a], [b]) => (a < b ? -1 : 1)) : entries;
}
