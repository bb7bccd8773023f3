// An object brought to life in a runtime: its maps made (or taken from elsewhere, to share them), its programs made
// ready on an engine, its global variables within reach.

import { Errno } from "../../assembly/shared/codes.ts";
import type { LoadError } from "../errors.ts";
import type { ObjectFile, Variable } from "../loader/object-file.ts";
import { type Codec, codecOf } from "../maps/codec.ts";
import { BpfMap, MapError } from "../maps/map.ts";
import { checkMapSpec } from "../maps/map-types.ts";
import type { MapSpec, Program } from "../program.ts";
import type { Runtime } from "../runtime.ts";
import { type VerifyOptions, verify } from "../verifier/verify.ts";
import type { CheckedOptions, EngineName, Executable } from "./engine.ts";
import { selectEngine } from "./engines.ts";

export interface InstantiateOptions {
  /** Default `auto`. */
  readonly engine?: EngineName | "auto";
  /**
   * Runs programs that nobody has verified: every access is tested at run time, and `limit` instructions end a run.
   * Default: programs are verified, and run without tests.
   */
  readonly checked?: boolean | CheckedOptions;
  /** How programs are verified; what is left out follows from their sections and the runtime. */
  readonly verify?: VerifyOptions;
  /** Maps to use instead of making those of these names: of the same runtime, with the same type and sizes. */
  readonly maps?: Readonly<Record<string, BpfMap>>;
  /** Values of global variables, constants included, before anything runs; not of maps that are given. */
  readonly variables?: Readonly<Record<string, unknown>>;
  /** Names of the programs to make ready; default: all that could be loaded. */
  readonly programs?: readonly string[];
}

/** A global variable of a running object. */
export interface VariableHandle {
  readonly variable: Variable;
  /** Decoded through BTF; without BTF as maps decode values of that size. A TypeError once its map is closed. */
  get(): unknown;
  /**
   * Throws a MapError (EPERM) for a constant, a TypeError or RangeError for a value that does not fit, a TypeError once
   * its map is closed.
   */
  set(value: unknown): void;
}

/** Maps, programs and variables of one object in one runtime. */
export interface Collection {
  readonly runtime: Runtime;
  readonly object: ObjectFile;
  readonly maps: ReadonlyMap<string, BpfMap>;
  readonly programs: ReadonlyMap<string, Executable>;
  readonly variables: ReadonlyMap<string, VariableHandle>;
  /** The only program of the object; a TypeError when there is none or several. */
  readonly program: Executable;
  /** Closes all programs, and lets go of all maps; does nothing the second time. */
  close(): void;
}

function checkShared(runtime: Runtime, spec: MapSpec, map: BpfMap): void {
  if (map.runtime !== runtime) {
    throw new TypeError(`map ${spec.name}: expected a map of the same runtime, got one of another`);
  }
  for (const field of ["type", "keySize", "valueSize", "maxEntries"] as const) {
    if (map.spec[field] !== spec[field]) {
      throw new TypeError(`map ${spec.name}: expected ${field} = ${spec[field]}, got ${map.spec[field]}`);
    }
  }
}

/** The map's spec with the given variables written into its contents. */
function withVariables(
  spec: MapSpec,
  object: ObjectFile,
  values: Readonly<Record<string, unknown>>,
): MapSpec {
  const variables = [...object.variables.values()].filter(
    (variable) => variable.map === spec && Object.hasOwn(values, variable.name),
  );
  if (variables.length === 0) return spec;
  const contents = new Uint8Array(spec.contents ?? new Uint8Array(spec.valueSize));
  for (const variable of variables) {
    contents.set(encodeVariable(variable, values[variable.name]), variable.offset);
  }
  return { ...spec, contents };
}

function variableCodec({ map, typeId, size }: Variable): Codec<unknown> {
  return codecOf(map.btf, typeId, size);
}

/** The bytes of a variable's value, exactly as many as it has. */
function encodeVariable(variable: Variable, value: unknown): Uint8Array {
  const { name, size } = variable;
  const bytes = variableCodec(variable).encode(value, name);
  if (bytes.length !== size) throw new RangeError(`${name}: expected ${size} bytes, got ${bytes.length}`);
  return bytes;
}

function variableHandle(variable: Variable, map: BpfMap): VariableHandle {
  const { memory } = map.runtime;
  const at = map.layout.valuesStart + variable.offset;
  return {
    variable,
    get() {
      map.checkOpen();
      return variableCodec(variable).decode(memory.read(at, variable.size));
    },
    set(value) {
      map.checkOpen();
      if (map.isFrozen) {
        const problem = `variable ${variable.name} is constant once it is instantiated (option variables sets it)`;
        throw new MapError(map.name, problem, Errno.EPERM);
      }
      memory.write(at, encodeVariable(variable, value));
    },
  };
}

/** Names that a message lists at most. */
const MAX_NAMES = 16;

/** What there is to choose from, in brackets; nothing where there is nothing. */
function namesOf(things: ReadonlyMap<string, unknown>): string {
  const names = [...things.keys()].slice(0, MAX_NAMES);
  if (names.length < things.size) names.push("…");
  return names.length === 0 ? "" : ` (${names.join(", ")})`;
}

/** Throws a TypeError for what the object does not have, and for values that would go into a map that is given. */
function checkNames(
  object: ObjectFile,
  values: Readonly<Record<string, unknown>>,
  shared: Readonly<Record<string, BpfMap>>,
): void {
  for (const name of Object.keys(shared)) {
    if (!object.maps.has(name))
      throw new TypeError(`maps: expected a map of the object${namesOf(object.maps)}, got "${name}"`);
  }
  for (const name of Object.keys(values)) {
    const variable = object.variables.get(name);
    if (variable === undefined)
      throw new TypeError(
        `variables: expected a variable of the object${namesOf(object.variables)}, got "${name}"`,
      );
    if (Object.keys(shared).some((map) => object.maps.get(map) === variable.map)) {
      throw new TypeError(`variables: expected "${name}" in a map that is made here, got a map for it`);
    }
  }
}

/** The chosen programs; throws the LoadError of one that could not be loaded. */
function choosePrograms(object: ObjectFile, names: Iterable<string>): Program[] {
  return [...new Set(names)].map((name) => {
    const program = object.programs.get(name);
    if (program !== undefined) return program;
    const expected = `a program of the object${namesOf(object.programs)}`;
    throw object.failures.get(name) ?? new TypeError(`programs: expected ${expected}, got "${name}"`);
  });
}

/** True for a map of a type, and with sizes, that there are here. */
function canBeMade(spec: MapSpec): boolean {
  try {
    checkMapSpec(spec);
    return true;
  } catch {
    return false;
  }
}

/**
 * A new map. Where it cannot be made, the RangeError names the programs that do without it, for the option `programs`.
 */
function makeMap(runtime: Runtime, spec: MapSpec, declared: MapSpec, chosen: readonly Program[]): BpfMap {
  try {
    return new BpfMap(runtime, spec);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    const others = chosen.filter(({ maps }) => maps.every(({ map }) => map !== declared && canBeMade(map)));
    if (others.length === 0) throw error;
    const names = others.map(({ name }) => name).join(", ");
    throw new RangeError(`${error.message}; programs that do without it: ${names}`, { cause: error });
  }
}

/** The program over the maps that there are, whose specs may say more than the object's: values of constants. */
function withMaps(program: Program, maps: ReadonlyMap<MapSpec, BpfMap>): Program {
  const uses = program.maps.map((use) => ({ ...use, map: maps.get(use.map)?.spec ?? use.map }));
  return program.with({ maps: uses });
}

/** Verifies a program and makes it ready, or makes it ready to run checked. */
function prepareProgram(
  runtime: Runtime,
  program: Program,
  maps: ReadonlyMap<MapSpec, BpfMap>,
  { engine: name = "auto", checked = false, verify: options }: InstantiateOptions,
): Executable {
  const engine = selectEngine(name);
  const bound = withMaps(program, maps);
  const bindings = new Map([...maps.values()].map((map) => [map.spec, map]));
  if (checked !== false) {
    return engine.prepareChecked(runtime, bound, bindings, checked === true ? {} : checked);
  }
  const verified = verify(bound, { helpers: runtime.helpers.defined, ...options });
  return engine.prepare(runtime, verified, bindings);
}

/**
 * Makes an object's maps and programs. Throws a VerifierError for a program that is not safe, the LoadError of a program
 * that could not be loaded when `programs` names it, a RangeError for a map that cannot be made, a TypeError for names
 * that the object does not have.
 */
export function instantiate(
  runtime: Runtime,
  object: ObjectFile,
  options: InstantiateOptions = {},
): Collection {
  selectEngine(options.engine ?? "auto");
  const { variables: values = {}, maps: shared = {} } = options;
  checkNames(object, values, shared);
  const chosen = choosePrograms(object, options.programs ?? object.programs.keys());
  const bindings = new Map<MapSpec, BpfMap>();
  const maps = new Map<string, BpfMap>();
  const programs = new Map<string, Executable>();
  let isOpen = true;
  const close = () => {
    if (!isOpen) return;
    isOpen = false;
    for (const executable of programs.values()) executable.close();
    for (const map of maps.values()) map.close();
  };
  try {
    const used = new Set(chosen.flatMap((program) => program.maps.map((use) => use.map)));
    for (const [name, spec] of object.maps) {
      const given = Object.hasOwn(shared, name) ? shared[name] : undefined;
      // A map of a type that this version lacks is no obstacle to programs that do not use it.
      if (options.programs !== undefined && given === undefined && !used.has(spec)) continue;
      if (given !== undefined) checkShared(runtime, spec, given);
      const map = given?.hold() ?? makeMap(runtime, withVariables(spec, object, values), spec, chosen);
      bindings.set(spec, map);
      maps.set(name, map);
    }
    for (const program of chosen) {
      programs.set(program.name, prepareProgram(runtime, program, bindings, options));
    }
  } catch (error) {
    close();
    throw error;
  }
  const variables = new Map<string, VariableHandle>();
  for (const [name, variable] of object.variables) {
    const map = bindings.get(variable.map);
    if (map !== undefined) variables.set(name, variableHandle(variable, map));
  }
  return {
    runtime,
    object,
    maps,
    programs,
    variables,
    get program() {
      const [only, ...others] = programs.values();
      if (only === undefined || others.length > 0) {
        const place = object.name === "" ? "object" : `object ${object.name}`;
        throw new TypeError(`${place}: expected one program, got ${programs.size}${namesOf(programs)}`);
      }
      return only;
    },
    close,
  };
}

/** The LoadErrors of everything that could not be loaded, programs and maps. */
export function failuresOf(object: ObjectFile): LoadError[] {
  return [...object.failures.values(), ...object.mapFailures.values()];
}
