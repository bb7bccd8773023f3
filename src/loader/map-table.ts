// Every map of an object, by its name and by the place that addresses in code refer to; and its variables. A map
// that this version cannot make is kept as the reason, for the programs that use it.

import type { Btf } from "../btf/btf.ts";
import { atPlace, LoadError } from "../errors.ts";
import { SLOT_SIZE } from "../isa/insn.ts";
import type { MapSpec } from "../program.ts";
import type { FunctionTable } from "./functions.ts";
import { DataMaps, isDataSection, variablesOf } from "./global-data.ts";
import { type ImageSection, type ImageSymbol, type ObjectImage, sectionPlace } from "./image.ts";
import type { AddressTable, MapAddress } from "./link.ts";
import { btfMaps, type DefinedMap, legacyMaps } from "./map-definitions.ts";
import type { Variable } from "./object-file.ts";

/** `maps`, or `maps/NAME`: definitions by struct bpf_map_def. */
const isLegacy = (name: string): boolean => /^maps(\/|$)/.test(name);

/** True for the name of a section that holds definitions of maps, or variables, which are in maps. */
export function isMapSection(name: string): boolean {
  return name === ".maps" || isLegacy(name) || isDataSection(name);
}

/** What reading maps needs of the rest of the object. */
export interface MapContext {
  readonly image: ObjectImage;
  readonly symbolsOf: (section: number) => readonly ImageSymbol[];
  readonly functions: FunctionTable;
  readonly objectName: string;
  readonly btf?: Btf;
}

/** The maps and variables of one object. */
export class MapTable implements AddressTable {
  readonly byName = new Map<string, MapSpec>();
  readonly failures = new Map<string, LoadError>();
  readonly variables = new Map<string, Variable>();
  /** By section: the map at each offset, or the one map that the section's bytes are the value of. */
  readonly #defined = new Map<number, Map<number, MapSpec | LoadError>>();
  readonly #data = new Map<number, MapSpec | LoadError>();
  readonly #sections: ObjectImage["sections"];

  constructor(image: ObjectImage) {
    this.#sections = image.sections;
    for (const [name, map] of image.declaredMaps) this.#name(name, map);
  }

  #name(name: string, map: MapSpec): void {
    if (this.byName.has(name))
      throw new LoadError("bad-map", `map ${name}`, "expected it once, got it twice");
    this.byName.set(name, map);
  }

  define(section: ImageSection, defined: readonly DefinedMap[]): void {
    const places = new Map<number, MapSpec | LoadError>();
    this.#defined.set(section.index, places);
    for (const { name, offset, map } of defined) {
      if (places.has(offset)) throw new LoadError("bad-map", `map ${name}`, "expected a place of its own");
      places.set(offset, map);
      if (map instanceof LoadError) this.failures.set(name, map);
      else this.#name(name, map);
    }
  }

  defineData(section: ImageSection, dataMaps: DataMaps, symbols: readonly ImageSymbol[], btf?: Btf): void {
    try {
      const map = dataMaps.make(section);
      this.#data.set(section.index, map);
      this.#name(section.name, map);
      for (const variable of variablesOf(section, map, btf, symbols)) {
        if (!this.variables.has(variable.name)) this.variables.set(variable.name, variable);
      }
    } catch (error) {
      if (!(error instanceof LoadError) || error.code !== "unsupported") throw error;
      this.#data.set(section.index, error);
      this.failures.set(section.name, error);
    }
  }

  mapAt(section: number, offset: number): MapAddress {
    const data = this.#data.get(section);
    const map = data ?? this.#defined.get(section)?.get(offset);
    if (map instanceof LoadError) throw map;
    if (map === undefined) {
      const name = this.#sections.get(section)?.name ?? "";
      throw new LoadError(
        "bad-relocation",
        "",
        `expected a map or a variable, got byte ${offset} of section ${name}`,
      );
    }
    if (data === undefined) return { map };
    if (offset < 0 || offset > map.valueSize) {
      throw new LoadError("bad-relocation", "", `expected an offset in 0..${map.valueSize}, got ${offset}`);
    }
    return { map, offset };
  }
}

/** Reads the maps of these sections, in order. Throws a LoadError for definitions that contradict themselves. */
export function readMaps(sections: readonly ImageSection[], context: MapContext): MapTable {
  const { image, symbolsOf, functions, objectName, btf } = context;
  const table = new MapTable(image);
  const dataMaps = new DataMaps(objectName, btf);
  const programAt = (section: number, offset: number): string | undefined =>
    functions.programAt(section, offset / SLOT_SIZE);
  const names = new Set<string>();
  for (const section of sections) {
    if (names.has(section.name)) {
      throw new LoadError("bad-elf", sectionPlace(section), "expected one section of that name, got two");
    }
    names.add(section.name);
    const symbols = symbolsOf(section.index);
    atPlace(sectionPlace(section), () => {
      if (section.name === ".maps") table.define(section, btfMaps(section, btf, { programAt }));
      else if (isLegacy(section.name)) table.define(section, legacyMaps(section, symbols, btf));
      else table.defineData(section, dataMaps, symbols, btf);
    });
  }
  return table;
}
