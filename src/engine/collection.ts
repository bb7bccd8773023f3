// An object brought to life in a runtime: its maps made (or taken from elsewhere, to share them), its programs made
// ready on an engine, its global variables within reach.

import { codecOf } from "../btf/codec.ts";
import type { LoadError } from "../errors.ts";
import type { ObjectFile, Variable } from "../loader/object-file.ts";
import { BpfMap, MapError } from "../maps/map.ts";
import type { MapSpec } from "../program.ts";
import type { Runtime } from "../runtime.ts";
import type { CheckedOptions, EngineName, Executable } from "./engine.ts";
import { selectEngine } from "./engines.ts";

export interface InstantiateOptions extends CheckedOptions {
  /** Default `auto`. */
  readonly engine?: EngineName | "auto";
  /** Maps to use instead of making those of these names; they must have the same type and sizes. */
  readonly maps?: Readonly<Record<string, BpfMap>>;
  /** Values of global variables, constants included, before anything runs. */
  readonly variables?: Readonly<Record<string, unknown>>;
  /** Names of the programs to make ready; default: all that could be loaded. */
  readonly programs?: readonly string[];
}

/** A global variable of a running object. */
export interface VariableHandle {
  readonly variable: Variable;
  /** Decoded through BTF; without BTF as maps decode values of that size. */
  get(): unknown;
  /** Throws a MapError (EPERM) for a constant, a TypeError or RangeError for a value that does not fit. */
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
  /** Closes all programs, and lets go of all maps that it made. */
  close(): void;
}

function checkShared(spec: MapSpec, map: BpfMap): void {
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
    contents.set(variableCodec(variable).encode(values[variable.name], variable.name), variable.offset);
  }
  return { ...spec, contents };
}

function variableCodec({ map, typeId, size, name }: Variable) {
  if (map.btf === undefined || typeId === undefined) {
    throw new TypeError(`variable ${name}: expected type information in the object, got none`);
  }
  const codec = codecOf(map.btf, typeId);
  if (codec.size !== size) throw new TypeError(`variable ${name}: expected ${codec.size} bytes, got ${size}`);
  return codec;
}

function variableHandle(variable: Variable, map: BpfMap): VariableHandle {
  const { memory } = map.runtime;
  const at = map.layout.valuesStart + variable.offset;
  return {
    variable,
    get: () => variableCodec(variable).decode(memory.read(at, variable.size)),
    set(value) {
      if (map.isFrozen) throw new MapError(map.name, `variable ${variable.name}`, 1);
      memory.write(at, variableCodec(variable).encode(value, variable.name));
    },
  };
}

/**
 * Makes an object's maps and programs. Programs run checked: every access is tested, `limit` instructions end a run.
 * Throws the LoadError of a program that could not be loaded when `programs` names it, a RangeError for a map that
 * cannot be made, a TypeError for names that the object does not have.
 */
export function instantiate(
  runtime: Runtime,
  object: ObjectFile,
  options: InstantiateOptions = {},
): Collection {
  const engine = selectEngine(options.engine ?? "auto");
  const { variables: values = {}, maps: shared = {} } = options;
  for (const name of Object.keys(values)) {
    if (!object.variables.has(name))
      throw new TypeError(`variables: expected a variable of the object, got "${name}"`);
  }
  for (const name of Object.keys(shared)) {
    if (!object.maps.has(name)) throw new TypeError(`maps: expected a map of the object, got "${name}"`);
  }
  const wanted = options.programs ?? [...object.programs.keys()];
  const chosen = wanted.map((name) => {
    const program = object.programs.get(name);
    if (program !== undefined) return program;
    throw (
      object.failures.get(name) ?? new TypeError(`programs: expected a program of the object, got "${name}"`)
    );
  });

  const bindings = new Map<MapSpec, BpfMap>();
  const maps = new Map<string, BpfMap>();
  const programs = new Map<string, Executable>();
  const close = () => {
    for (const executable of programs.values()) executable.close();
    for (const map of maps.values()) map.close();
  };
  try {
    const used = new Set(chosen.flatMap((program) => program.maps.map((use) => use.map)));
    for (const [name, spec] of object.maps) {
      const given = shared[name];
      // A map of a type that this version lacks is no obstacle to programs that do not use it.
      if (options.programs !== undefined && given === undefined && !used.has(spec)) continue;
      if (given !== undefined) checkShared(spec, given);
      const map = given?.hold() ?? new BpfMap(runtime, withVariables(spec, object, values));
      bindings.set(spec, map);
      maps.set(name, map);
    }
    for (const program of chosen) {
      programs.set(program.name, engine.prepareChecked(runtime, program, bindings, options));
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
        throw new TypeError(`object ${object.name}: expected one program, got ${programs.size}`);
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
