// Global variables: the sections .data*, .rodata* and .bss* become array maps with one value, as libbpf does it.
// Also completes the BTF of those sections, in which compilers leave sizes and offsets 0 for the loader to fill
// in from the symbols.

import { Bpf, MapType } from "../../assembly/shared/codes.ts";
import { type Btf, type BtfDatasec, parseBtf } from "../btf/btf.ts";
import { LoadError } from "../errors.ts";
import type { MapSpec } from "../program.ts";
import { type ImageSection, type ImageSymbol, type ObjectImage, sectionPlace } from "./image.ts";
import type { Variable } from "./object-file.ts";

/** Bytes of zeroed variables that an object may ask for in all. */
const MAX_ZEROED = 1 << 26;
/** Characters of a map's name in the kernel, without the NUL (BPF_OBJ_NAME_LEN). */
const MAX_NAME = 15;

const DATA_SECTION = /^\.(data|rodata|bss)(\.|$)/;

/** True for the name of a section that holds global variables. */
export function isDataSection(name: string): boolean {
  return DATA_SECTION.test(name);
}

/**
 * The name that libbpf gives the map of a data section: the start of the object's name and the section's,
 * `my_objec.rodata`; of a section with a name of its own (`.data.foo`) that name alone. 15 characters at most.
 */
export function dataMapName(objectName: string, section: string): string {
  const base = objectName.replace(/^.*\//, "").replace(/\..*$/, "");
  const suffix = section.slice(0, MAX_NAME);
  // Room for seven characters is kept even for `.bss` and `.data`.
  const room = section.lastIndexOf(".") > 0 ? 0 : MAX_NAME - Math.max(7, suffix.length);
  return `${base.slice(0, room)}${suffix}`.replace(/[^A-Za-z0-9_.]/g, "_");
}

/** The offsets of symbols in their sections, by section and name; undefined for a name that several have. */
function symbolOffsets(image: ObjectImage): Map<string, number | undefined> {
  const offsets = new Map<string, number | undefined>();
  for (const { name, section, value } of image.symbols) {
    if (section === undefined) continue;
    const key = `${section} ${name}`;
    offsets.set(key, offsets.has(key) && offsets.get(key) !== value ? undefined : value);
  }
  return offsets;
}

function sectionsByName(image: ObjectImage): Map<string, ImageSection> {
  const byName = new Map<string, ImageSection>();
  for (const section of image.sections.values()) {
    if (!byName.has(section.name)) byName.set(section.name, section);
  }
  return byName;
}

/**
 * The same BTF with sizes of sections and offsets of their variables filled in from the image, the variables
 * of a section sorted by offset: as the kernel wants it. Sections that the image has not are left.
 */
export function completeDatasecs(btf: Btf, image: ObjectImage): Btf {
  const offsets = symbolOffsets(image);
  const sections = sectionsByName(image);
  const bytes = btf.bytes.slice();
  const view = new DataView(bytes.buffer);
  for (let id = 1; id < btf.count; id++) {
    if (btf.kind(id) !== "datasec") continue;
    const type = btf.type(id) as BtfDatasec;
    const section = sections.get(type.name);
    if (section === undefined) continue;
    const vars = type.vars.map((entry) => {
      const { name } = btf.type(entry.type);
      return { ...entry, offset: offsets.get(`${section.index} ${name}`) ?? entry.offset };
    });
    vars.sort((a, b) => a.offset - b.offset);
    let at = btf.recordOffset(id) + 8;
    const put = (value: number): void => {
      view.setUint32(at, value, true);
      at += 4;
    };
    put(section.size);
    for (const { type: variable, offset, size } of vars) {
      put(variable);
      put(offset);
      put(size);
    }
  }
  return parseBtf(bytes);
}

/** Makes the maps of data sections; a section that cannot be one gives the reason instead. */
export class DataMaps {
  readonly #objectName: string;
  readonly #btf: Btf | undefined;
  #zeroedLeft = MAX_ZEROED;

  constructor(objectName: string, btf: Btf | undefined) {
    this.#objectName = objectName;
    this.#btf = btf;
  }

  /** Throws a LoadError (`unsupported`) for a section with pointers in it, or far too large a one. */
  make(section: ImageSection): MapSpec {
    const relocation = section.relocations[0];
    if (relocation !== undefined) {
      const problem = `expected data without pointers, got one to '${relocation.symbol.name}' at ${relocation.offset}`;
      throw new LoadError("unsupported", sectionPlace(section), problem);
    }
    if (section.isZero) this.#zeroedLeft -= section.size;
    if (this.#zeroedLeft < 0) {
      const problem = `expected at most ${MAX_ZEROED} zeroed bytes, got ${section.size}`;
      throw new LoadError("unsupported", sectionPlace(section), problem);
    }
    const isReadOnly = section.name.startsWith(".rodata");
    return {
      name: dataMapName(this.#objectName, section.name),
      type: MapType.ARRAY,
      keySize: 4,
      valueSize: section.size,
      maxEntries: 1,
      flags: isReadOnly ? Bpf.F_RDONLY_PROG : 0,
      contents: section.isZero ? new Uint8Array(section.size) : section.bytes.slice(),
      ...(isReadOnly ? { frozen: true } : {}),
      ...this.#types(section),
    };
  }

  #types(section: ImageSection): Partial<MapSpec> {
    const datasec = this.#btf?.findByName(section.name, "datasec");
    if (this.#btf === undefined || datasec === undefined) return {};
    return { btf: this.#btf, keyType: 0, valueType: datasec.id };
  }
}

/** The variables of a data section, from its BTF or, where there is none, from its symbols. */
export function variablesOf(
  section: ImageSection,
  map: MapSpec,
  btf: Btf | undefined,
  symbols: readonly ImageSymbol[],
): Variable[] {
  const datasec = btf?.findByName(section.name, "datasec") as BtfDatasec | undefined;
  if (btf !== undefined && datasec !== undefined) {
    return datasec.vars.map(({ type: id, offset, size }) => {
      const variable = btf.type(id);
      if (variable.kind !== "var" || offset + size > section.size) {
        const got = `${variable.kind} '${variable.name}' at ${offset}..${offset + size}`;
        const problem = `expected variables inside ${section.size} bytes, got ${got}`;
        throw new LoadError("bad-btf", `section .BTF: type ${datasec.id}`, problem);
      }
      return { name: variable.name, map, offset, size, typeId: variable.type };
    });
  }
  return symbols
    .filter((symbol) => symbol.section === section.index && symbol.type === "object")
    .map(({ name, value, size }) => ({ name, map, offset: value, size }));
}
