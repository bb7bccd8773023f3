// What loading an object gives: programs ready for a runtime, the maps and variables that they share, and for
// each program that could not be loaded the reason. Plain data.

import type { Btf } from "../btf/btf.ts";
import type { LoadError } from "../errors.ts";
import type { MapSpec, Program } from "../program.ts";
import type { ProgramType } from "../program-types.ts";

/** A global variable: some bytes of the only value of a map. */
export interface Variable {
  readonly name: string;
  readonly map: MapSpec;
  /** Bytes from the start of the value. */
  readonly offset: number;
  /** Bytes. */
  readonly size: number;
  /** Its type in the object's BTF, where there is one. */
  readonly typeId?: number;
}

/** A loaded object. */
export interface ObjectFile {
  /** As given by the caller; empty when not. */
  readonly name: string;
  readonly license: string;
  /** The kernel version that a `version` section asks for. */
  readonly version?: number;
  /** In the order of declaration; maps of global data under the name of their section (`.rodata`). */
  readonly maps: ReadonlyMap<string, MapSpec>;
  /** Global variables by name. */
  readonly variables: ReadonlyMap<string, Variable>;
  /** In the order of sections and functions. */
  readonly programs: ReadonlyMap<string, Program>;
  /** Programs that need what cannot be loaded, by name, and why. */
  readonly failures: ReadonlyMap<string, LoadError>;
  /** Maps that cannot be made, by name, and why: programs that use them are in `failures`. */
  readonly mapFailures: ReadonlyMap<string, LoadError>;
  readonly btf?: Btf;
}

/** What the caller knows of an object. */
export interface LoadOptions {
  /** The object's name, e.g. of its file: maps of global data are called after it. */
  readonly name?: string;
  /** Types of programs by their name or by their section, over what the section's name says. */
  readonly types?: Readonly<Record<string, ProgramType>>;
}
