// Loads whatever holds programs: an ELF object, a text of assembly, or bare instruction bytes. Tells them apart by
// what they start with; each kind has a loader of its own for callers who know what they have.

import { LoadError } from "../errors.ts";
import { SLOT_SIZE } from "../isa/insn.ts";
import type { MapSpec } from "../program.ts";
import type { ProgramType } from "../program-types.ts";
import { loadAssembly } from "./assembly.ts";
import { isElf } from "./elf.ts";
import { loadObject } from "./object.ts";
import type { LoadOptions, ObjectFile } from "./object-file.ts";
import { loadRaw } from "./raw.ts";

/** What is known of the input from elsewhere; each kind uses its part. */
export interface AnyLoadOptions extends LoadOptions {
  /** Type of programs that come without one: assembly and bare bytes; default `raw`. */
  readonly type?: ProgramType;
  /** Licence of assembly that names none, and of bare bytes. */
  readonly license?: string;
  /** Maps that assembly may load by these names, and bare bytes by their index. */
  readonly maps?: Readonly<Record<string, MapSpec>>;
}

/**
 * Loads a program or several: the bytes of an ELF object or of instructions, or a text of assembly. Bare bytes
 * make one program called `name`, or `program`.
 * Throws a LoadError when the input is none of these or contradicts itself; see `loadObject`.
 */
export function load(input: Uint8Array | string, options: AnyLoadOptions = {}): ObjectFile {
  if (typeof input === "string") return loadAssembly(input, options);
  if (isElf(input)) return loadObject(input, options);
  if (input.length === 0 || input.length % SLOT_SIZE !== 0) {
    const expected = `an ELF object, or instructions of ${SLOT_SIZE} bytes each`;
    throw new LoadError(
      "bad-magic",
      options.name ?? "",
      `expected ${expected}, got ${input.length} other bytes`,
    );
  }
  const { name = "program", type = "raw", license = "", maps = {} } = options;
  const program = loadRaw(input, { name, type, license, maps: Object.values(maps) });
  return {
    name,
    license,
    maps: new Map<string, MapSpec>(Object.entries(maps)),
    variables: new Map(),
    programs: new Map([[name, program]]),
    failures: new Map(),
    mapFailures: new Map(),
  };
}
