// Programs made in TypeScript out of builder items (isa/builder.ts): the way from there to a Program.

import { buildCode, type Item } from "../isa/builder.ts";
import { type MapSpec, Program } from "../program.ts";
import { type ProgramType, sectionMeaning } from "../program-types.ts";

export interface BuildOptions {
  /** Default `program`. */
  readonly name?: string;
  /** Its type; or `section`, which names type and attach point as in C. One of them must be there. */
  readonly type?: ProgramType;
  readonly section?: string;
  readonly license?: string;
}

/**
 * Builds a program; `LD_MAP` takes the specs of its maps. Throws a LoadError for labels that do not resolve, a
 * TypeError when neither type nor section says what it is.
 */
export function buildProgram(options: BuildOptions, items: readonly Item<MapSpec>[]): Program {
  const { name = "program", section } = options;
  const meaning = section === undefined ? undefined : sectionMeaning(section);
  const type = options.type ?? meaning?.type;
  if (type === undefined) {
    const got = section === undefined ? "neither" : `"${section}", which names no type`;
    throw new TypeError(`program ${name}: expected a type or a section, got ${got}`);
  }
  const { bytes, maps } = buildCode(items);
  return new Program({
    name,
    type,
    insns: bytes,
    license: options.license ?? "",
    maps: maps.map(({ slot, map, offset }) => (offset === undefined ? { slot, map } : { slot, map, offset })),
    ...(section === undefined ? {} : { section }),
    ...(meaning?.attachTo === undefined ? {} : { attachTo: meaning.attachTo }),
  });
}
