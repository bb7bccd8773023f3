// Loads an object for BPF: sections are sorted into kinds, then one step per kind in the order in which they need
// each other. What is wrong with the object as a whole throws; what only some programs need and this version
// cannot load goes to `failures`. Does not look for sense in the programs: checkProgram and the verifier do.

import { type Btf, parseBtf } from "../btf/btf.ts";
import { type BtfExt, EMPTY_BTF_EXT, parseBtfExt } from "../btf/ext.ts";
import { atPlace, LoadError } from "../errors.ts";
import { readElf } from "./elf.ts";
import { FunctionTable } from "./functions.ts";
import { completeDatasecs } from "./global-data.ts";
import { type ImageSection, type ImageSymbol, type ObjectImage, sectionPlace } from "./image.ts";
import { Linker } from "./link.ts";
import { isMapSection, readMaps } from "./map-table.ts";
import type { LoadOptions, ObjectFile } from "./object-file.ts";
import { linkPrograms } from "./programs.ts";

/** The sections of an object by what they are for; debug information and the like are in none of these. */
interface SectionKinds {
  readonly code: ImageSection[];
  /** Map definitions and global data. */
  readonly maps: ImageSection[];
  license?: ImageSection;
  version?: ImageSection;
  btf?: ImageSection;
  btfExt?: ImageSection;
}

function sortSections(image: ObjectImage): SectionKinds {
  const kinds: SectionKinds = { code: [], maps: [] };
  for (const section of image.sections.values()) {
    const { name } = section;
    if (section.isCode) kinds.code.push(section);
    else if (name === "license") kinds.license ??= section;
    else if (name === "version") kinds.version ??= section;
    else if (name === ".BTF") kinds.btf ??= section;
    else if (name === ".BTF.ext") kinds.btfExt ??= section;
    else if (isMapSection(name) && section.size > 0) kinds.maps.push(section);
  }
  return kinds;
}

/** The symbols that each section defines. */
function groupSymbols(image: ObjectImage): (section: number) => readonly ImageSymbol[] {
  const bySection = new Map<number, ImageSymbol[]>();
  for (const symbol of image.symbols) {
    if (symbol.section === undefined) continue;
    const list = bySection.get(symbol.section);
    if (list === undefined) bySection.set(symbol.section, [symbol]);
    else list.push(symbol);
  }
  return (section) => bySection.get(section) ?? [];
}

const decoder = new TextDecoder();
/** Bytes of a licence that the kernel reads. */
const MAX_LICENSE = 128;

function readLicense(section: ImageSection | undefined): string {
  if (section === undefined) return "";
  const bytes = section.bytes.subarray(0, MAX_LICENSE);
  const end = bytes.indexOf(0);
  return decoder.decode(end === -1 ? bytes : bytes.subarray(0, end));
}

function readVersion(section: ImageSection | undefined): { version?: number } {
  if (section === undefined) return {};
  const { bytes } = section;
  if (bytes.length !== 4) {
    const problem = `expected a number of 4 bytes, got ${bytes.length}`;
    throw new LoadError("bad-elf", sectionPlace(section), problem);
  }
  return { version: new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true) };
}

function readBtf(section: ImageSection | undefined, image: ObjectImage): { btf?: Btf } {
  if (section === undefined || section.bytes.length === 0) return {};
  return { btf: atPlace(sectionPlace(section), () => completeDatasecs(parseBtf(section.bytes), image)) };
}

function readBtfExt(section: ImageSection | undefined, btf: Btf | undefined, image: ObjectImage): BtfExt {
  const isMissing = section === undefined || section.bytes.length === 0 || btf === undefined;
  const ext = isMissing
    ? EMPTY_BTF_EXT
    : atPlace(sectionPlace(section), () => parseBtfExt(section.bytes, btf));
  return ext.lines.size > 0 ? ext : { ...ext, lines: image.lines };
}

/** Makes programs and maps of an image; throws and gives what `loadObject` does. */
export function loadImage(image: ObjectImage, options: LoadOptions = {}): ObjectFile {
  const name = options.name ?? "";
  const kinds = sortSections(image);
  const symbolsOf = groupSymbols(image);
  const license = readLicense(kinds.license);
  const version = readVersion(kinds.version);
  const btf = readBtf(kinds.btf, image);
  const ext = readBtfExt(kinds.btfExt, btf.btf, image);
  const functions = new FunctionTable(kinds.code, symbolsOf);
  const maps = readMaps(kinds.maps, { image, symbolsOf, functions, objectName: name, ...btf });
  const linker = new Linker({ image, functions, addresses: maps, ext, license, ...btf });
  const { programs, failures } = linkPrograms(linker, functions, options.types);
  return {
    name,
    license,
    ...version,
    maps: maps.byName,
    mapFailures: maps.failures,
    variables: maps.variables,
    programs,
    failures,
    ...btf,
  };
}

/**
 * Loads an object that clang made for BPF (`clang -target bpf -g -c`): ELF64, little-endian, relocatable.
 * Gives its programs, maps and variables; programs that need what this version does not load (CO-RE
 * relocations, kernel symbols, struct_ops) or that have bad relocations stand in `failures`.
 * Throws a LoadError that names section, symbol or type when the object as a whole cannot be read. Copies
 * nothing of the file that it gives out, except variables: do not write to `bytes` afterwards.
 */
export function loadObject(bytes: Uint8Array, options: LoadOptions = {}): ObjectFile {
  return loadImage(readElf(bytes), options);
}
