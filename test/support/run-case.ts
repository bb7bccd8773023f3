// Runs a case of a data file on an engine and says all that can be seen of it: r0 or the error, memory, maps.

import { MapType } from "../../assembly/shared/codes.ts";
import type { EngineName, Executable } from "../../dist/src/engine/engine.js";
import { ENGINES } from "../../dist/src/engine/engines.js";
import { LoadError, TrapError } from "../../dist/src/errors.js";
import { toHex } from "../../dist/src/harness/hex.js";
import { loadRaw } from "../../dist/src/loader/raw.js";
import { BpfMap } from "../../dist/src/maps/map.js";
import { Runtime } from "../../dist/src/runtime.js";
import { vouch } from "../../dist/src/verifier/vouch.js";
import { type DataCase, programBytes } from "./data-files.ts";
import { CHECKING_ENGINES } from "./engines.ts";

/** Hexadecimal text throughout, so that a difference can be read. */
export interface Outcome {
  /** r0, or undefined where there is an error. */
  readonly result: string | undefined;
  /** As in a data file; without a slot where the case names none. */
  readonly error: string | undefined;
  readonly memory: string;
  /** By name: of an array the values that are not all zeros, of others every entry. */
  readonly maps: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

export type Mode = "checked" | "unchecked";

/** An engine in one of its modes, with an address space for all that it runs. */
export interface Place {
  readonly engine: EngineName;
  readonly mode: Mode;
  readonly runtime: Runtime;
}

export interface RunVariant {
  /** Instead of the case's own program. */
  readonly bytes?: Uint8Array;
  /** Instructions, where the case does not say. */
  readonly limit?: number;
  /** Sees the program when it is ready and has not run. */
  readonly onReady?: (executable: Executable) => void;
}

/** Every engine in every mode that it has. */
export function allPlaces(): Place[] {
  const engines = Object.keys(ENGINES) as EngineName[];
  return engines.flatMap((engine) => {
    const runtime = new Runtime();
    const modes: Mode[] = CHECKING_ENGINES.includes(engine) ? ["checked", "unchecked"] : ["unchecked"];
    return modes.map((mode) => ({ engine, mode, runtime }));
  });
}

/** True for cases that a program that was verified may be: it is well formed and stays within its bounds. */
export function suits({ error, limit, checkedOnly }: DataCase, mode: Mode): boolean {
  return mode === "checked" || (error === undefined && limit === undefined && !checkedOnly);
}

/** What the file promises. */
export function expectedOutcome({ result, error, memoryAfter, maps }: DataCase): Outcome {
  return {
    result: result === undefined ? undefined : hex(result),
    error,
    memory: toHex(memoryAfter),
    maps: Object.fromEntries(maps.map(({ spec, after }) => [spec.name, Object.fromEntries(after)])),
  };
}

const hex = (value: bigint): string => `0x${value.toString(16)}`;

/** Runs a case once, on maps and memory of its own. Throws what is neither a LoadError nor a TrapError. */
export function runCase(dataCase: DataCase, place: Place, variant: RunVariant = {}): Outcome {
  const { runtime } = place;
  const memory = Uint8Array.from(dataCase.memory);
  const maps = dataCase.maps.map(({ spec }) => new BpfMap(runtime, spec));
  try {
    for (const [index, { before }] of dataCase.maps.entries()) fill(maps[index] as BpfMap, before);
    const ended = attempt(dataCase, place, variant, maps, memory);
    const contents = Object.fromEntries(maps.map((map) => [map.name, entriesOf(map)]));
    return { ...ended, memory: toHex(memory), maps: contents };
  } finally {
    for (const map of maps) map.close();
  }
}

function attempt(
  dataCase: DataCase,
  place: Place,
  variant: RunVariant,
  maps: readonly BpfMap[],
  memory: Uint8Array,
): Pick<Outcome, "result" | "error"> {
  let executable: Executable | undefined;
  try {
    executable = prepare(dataCase, place, variant, maps);
    variant.onReady?.(executable);
    return { result: hex(executable.run(memory)), error: undefined };
  } catch (error) {
    return { result: undefined, error: describe(error, dataCase.error?.includes(" at ") ?? true) };
  } finally {
    executable?.close();
  }
}

function prepare(
  dataCase: DataCase,
  { engine: name, mode, runtime }: Place,
  { bytes = programBytes(dataCase), limit }: RunVariant,
  maps: readonly BpfMap[],
): Executable {
  const program = loadRaw(bytes, { type: "raw", maps: maps.map((map) => map.spec) });
  const bindings = new Map(maps.map((map) => [map.spec, map]));
  const engine = ENGINES[name];
  if (mode === "unchecked") return engine.prepare(runtime, vouch(program), bindings);
  const most = dataCase.limit ?? limit;
  return engine.prepareChecked(runtime, program, bindings, most === undefined ? {} : { limit: most });
}

/** An error as data files write it. */
function describe(error: unknown, withSlot: boolean): string {
  if (error instanceof TrapError)
    return withSlot ? `trap ${error.code} at ${error.slot}` : `trap ${error.code}`;
  if (!(error instanceof LoadError)) throw error;
  const slot = withSlot ? /insn (\d+)/.exec(error.place)?.[1] : undefined;
  return slot === undefined ? error.code : `${error.code} at ${slot}`;
}

function fill(map: BpfMap, entries: ReadonlyMap<string, string>): void {
  for (const [key, value] of entries) {
    const result = map.tryUpdateBytes(Buffer.from(key, "hex"), Buffer.from(value, "hex"));
    if (result !== 0) throw new RangeError(`map ${map.name}: expected to store ${key}, got error ${result}`);
  }
}

function entriesOf(map: BpfMap): Record<string, string> {
  const entries = [...map.entriesBytes()].map(([key, value]) => [toHex(key), toHex(value)] as const);
  const isArray = map.spec.type === MapType.ARRAY;
  return Object.fromEntries(entries.filter(([, value]) => !isArray || /[^0]/.test(value)));
}
