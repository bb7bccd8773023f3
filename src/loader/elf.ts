// Reads ELF objects for BPF as clang writes them: ELF64, little-endian, EM_BPF, ET_REL. Gives an ObjectImage;
// contents of sections are views of the file, nothing is copied, and nothing is allocated by a size that a
// header merely claims. Follows the System V ABI, "Object Files", and its 64-bit extension.

import { plainBytes } from "../btf/bytes.ts";
import { atPlace, LoadError } from "../errors.ts";
import {
  checkInside,
  type ImageRelocation,
  type ImageSection,
  type ImageSymbol,
  type ObjectImage,
  type SymbolType,
} from "./image.ts";

/** The first four bytes of every ELF file. */
const ELF_MAGIC: readonly number[] = [0x7f, 0x45, 0x4c, 0x46];

const HEADER_SIZE = 64;
const SECTION_HEADER_SIZE = 64;
const SYMBOL_SIZE = 24;
const RELOCATION_SIZE = 16;

const ELFCLASS64 = 2;
const ELFDATA2LSB = 1;
const ET_REL = 1;
const EM_BPF = 247;

const SHT_NULL = 0;
const SHT_PROGBITS = 1;
const SHT_SYMTAB = 2;
const SHT_STRTAB = 3;
const SHT_RELA = 4;
const SHT_NOBITS = 8;
const SHT_REL = 9;

const SHF_ALLOC = 2;
const SHF_EXECINSTR = 4;

const SHN_UNDEF = 0;
/** A binding: extern symbols of it may be missing. */
const STB_WEAK = 2;
const SHN_LORESERVE = 0xff00;
const SHN_XINDEX = 0xffff;

/** Section header fields, as far as they are used; sizes and offsets in bytes. */
interface SectionHeader {
  readonly index: number;
  readonly nameOffset: number;
  readonly type: number;
  readonly flags: number;
  readonly offset: number;
  readonly size: number;
  readonly link: number;
  readonly info: number;
  readonly entrySize: number;
}

/** Bytes of the longest name of a section or symbol; mangled names are long, but not that long. */
const MAX_NAME = 4096;

const decoder = new TextDecoder();

class ElfReader {
  readonly bytes: Uint8Array;
  readonly view: DataView;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  u16(at: number): number {
    return this.view.getUint16(at, true);
  }

  u32(at: number): number {
    return this.view.getUint32(at, true);
  }

  /** Exact up to 2^53; what is larger is out of every range that it is compared with. */
  u64(at: number): number {
    return this.u32(at) + this.u32(at + 4) * 2 ** 32;
  }

  /** Throws a LoadError unless the file has `size` bytes at `offset`. */
  need(place: string, offset: number, size: number): void {
    if (offset + size > this.bytes.length) {
      const problem = `expected ${size} bytes at ${offset}, got a file of ${this.bytes.length}`;
      throw new LoadError("truncated", place, problem);
    }
  }

  contents(header: SectionHeader, place: string): Uint8Array {
    if (header.type === SHT_NOBITS) return new Uint8Array(0);
    this.need(place, header.offset, header.size);
    return this.bytes.subarray(header.offset, header.offset + header.size);
  }
}

/** Whether the bytes start as an ELF file does. */
export function isElf(bytes: Uint8Array): boolean {
  return ELF_MAGIC.every((byte, index) => bytes[index] === byte);
}

function checkHeader(reader: ElfReader): void {
  const { bytes } = reader;
  if (!isElf(bytes)) throw new LoadError("bad-magic", "header", "expected an ELF file, got other bytes");
  reader.need("header", 0, HEADER_SIZE);
  const expect = (code: "wrong-machine" | "unsupported", what: string, wanted: number, got: number): void => {
    if (got !== wanted) throw new LoadError(code, "header", `expected ${what} ${wanted}, got ${got}`);
  };
  expect("wrong-machine", "64-bit ELF, class", ELFCLASS64, bytes[4] as number);
  expect("wrong-machine", "little-endian ELF, data encoding", ELFDATA2LSB, bytes[5] as number);
  expect("wrong-machine", "machine EM_BPF,", EM_BPF, reader.u16(18));
  expect("unsupported", "a relocatable object, type", ET_REL, reader.u16(16));
}

function readSectionHeaders(reader: ElfReader): SectionHeader[] {
  const start = reader.u64(40);
  const entrySize = reader.u16(58);
  let count = reader.u16(60);
  if (start === 0) return [];
  if (entrySize !== SECTION_HEADER_SIZE) {
    const problem = `expected section headers of ${SECTION_HEADER_SIZE} bytes, got ${entrySize}`;
    throw new LoadError("bad-elf", "header", problem);
  }
  // With 0xff00 sections and more, their number stands in the first one's size.
  reader.need("section headers", start, SECTION_HEADER_SIZE);
  if (count === 0) count = reader.u64(start + 32);
  reader.need("section headers", start, count * SECTION_HEADER_SIZE);
  const headers = Array.from({ length: count }, (_, index): SectionHeader => {
    const at = start + index * SECTION_HEADER_SIZE;
    return {
      index,
      nameOffset: reader.u32(at),
      type: reader.u32(at + 4),
      flags: reader.u64(at + 8),
      offset: reader.u64(at + 24),
      size: reader.u64(at + 32),
      link: reader.u32(at + 40),
      info: reader.u32(at + 44),
      entrySize: reader.u64(at + 56),
    };
  });
  checkApart(reader, headers);
  return headers;
}

/** Sections that share bytes would let a small file ask for any amount of work. */
function checkApart(reader: ElfReader, headers: readonly SectionHeader[]): void {
  let total = 0;
  for (const { type, size } of headers) if (type !== SHT_NULL && type !== SHT_NOBITS) total += size;
  if (total > reader.bytes.length) {
    const problem = `expected sections of together at most ${reader.bytes.length} bytes, the file's size, got ${total}`;
    throw new LoadError("bad-elf", "section headers", problem);
  }
}

/** Reads strings of the string table that a header stands for. */
function stringTable(reader: ElfReader, header: SectionHeader | undefined, place: string) {
  if (header === undefined || header.type !== SHT_STRTAB) {
    throw new LoadError("bad-elf", place, "expected a link to a string table, got another section");
  }
  const table = reader.contents(header, `section ${header.index}`);
  return (offset: number, user: string): string => {
    const bytes = table.subarray(offset, offset + MAX_NAME + 1);
    const end = bytes.indexOf(0);
    if (end === -1) {
      const problem = `expected a name of at most ${MAX_NAME} bytes in ${table.length} bytes of strings, got none at ${offset}`;
      throw new LoadError("bad-elf", user, problem);
    }
    return decoder.decode(bytes.subarray(0, end));
  };
}

function sectionNames(reader: ElfReader, headers: readonly SectionHeader[]): string[] {
  if (headers.length === 0) return [];
  const inHeader = reader.u16(62);
  const index = inHeader === SHN_XINDEX ? (headers[0] as SectionHeader).link : inHeader;
  const name = stringTable(reader, headers[index], "header");
  return headers.map((header) => name(header.nameOffset, `section ${header.index}`));
}

const SYMBOL_TYPES: readonly SymbolType[] = ["none", "object", "func", "section", "file"];

function readSymbols(reader: ElfReader, headers: readonly SectionHeader[], names: readonly string[]) {
  const table = headers.find((header) => header.type === SHT_SYMTAB);
  if (table === undefined) return [];
  const place = `section ${names[table.index]}`;
  checkEntries(table, SYMBOL_SIZE, place);
  const name = stringTable(reader, headers[table.link], place);
  reader.need(place, table.offset, table.size);
  return Array.from({ length: table.size / SYMBOL_SIZE }, (_, index): ImageSymbol => {
    const at = table.offset + index * SYMBOL_SIZE;
    const info = reader.bytes[at + 4] as number;
    const type = SYMBOL_TYPES[info & 15] ?? "other";
    const sectionIndex = reader.u16(at + 6);
    const own = name(reader.u32(at), `symbol ${index}`);
    return {
      name: type === "section" ? (names[sectionIndex] ?? own) : own,
      type,
      isGlobal: info >> 4 !== 0,
      ...(info >> 4 === STB_WEAK ? { isWeak: true } : {}),
      section: sectionIndex === SHN_UNDEF ? undefined : sectionIndex,
      value: reader.u64(at + 8),
      size: reader.u64(at + 16),
    };
  });
}

function checkEntries(header: SectionHeader, entrySize: number, place: string): void {
  if (header.entrySize !== entrySize || header.size % entrySize !== 0) {
    const problem = `expected entries of ${entrySize} bytes, got ${header.entrySize} in ${header.size}`;
    throw new LoadError("bad-elf", place, problem);
  }
}

function readRelocations(
  reader: ElfReader,
  header: SectionHeader,
  place: string,
  symbols: readonly ImageSymbol[],
): ImageRelocation[] {
  if (header.type === SHT_RELA) {
    throw new LoadError("unsupported", place, "expected relocations without addends (REL), got RELA");
  }
  checkEntries(header, RELOCATION_SIZE, place);
  reader.need(place, header.offset, header.size);
  return Array.from({ length: header.size / RELOCATION_SIZE }, (_, index) => {
    const at = header.offset + index * RELOCATION_SIZE;
    const symbol = symbols[reader.u32(at + 12)];
    if (symbol === undefined) {
      const problem = `expected a symbol below ${symbols.length}, got ${reader.u32(at + 12)}`;
      throw new LoadError("bad-relocation", `${place}, relocation ${index}`, problem);
    }
    return { offset: reader.u64(at), type: reader.u32(at + 8), symbol };
  });
}

/**
 * Reads an object for BPF. The image keeps views of `bytes`.
 * Throws a LoadError: `bad-magic`, `wrong-machine` (another machine, 32-bit, big-endian), `truncated`, `bad-elf`,
 * `bad-relocation`, or `unsupported` (a file that is no relocatable object; relocations with addends).
 */
export function readElf(bytes: Uint8Array): ObjectImage {
  const reader = new ElfReader(plainBytes(bytes));
  checkHeader(reader);
  const headers = readSectionHeaders(reader);
  const names = sectionNames(reader, headers);
  const symbols = atPlace("symbol table", () => readSymbols(reader, headers, names));
  const relocations = new Map<number, ImageRelocation[]>();
  for (const header of headers) {
    if (header.type !== SHT_REL && header.type !== SHT_RELA) continue;
    const target = headers[header.info];
    if (target === undefined || (target.flags & SHF_ALLOC) === 0) continue;
    const place = `section ${names[header.index]}`;
    if (relocations.has(target.index)) {
      throw new LoadError("bad-elf", place, "expected one section of relocations for a section, got another");
    }
    relocations.set(target.index, readRelocations(reader, header, place, symbols));
  }
  const sections = new Map<number, ImageSection>();
  for (const header of headers) {
    const isZero = header.type === SHT_NOBITS;
    if (header.type !== SHT_PROGBITS && !isZero) continue;
    const { index, size } = header;
    const name = names[index] as string;
    sections.set(index, {
      index,
      name,
      isCode: (header.flags & SHF_EXECINSTR) !== 0 && !isZero,
      isZero,
      bytes: reader.contents(header, `section ${name}`),
      size,
      relocations: relocations.get(index) ?? [],
    });
  }
  for (const symbol of symbols) checkSymbol(symbol, sections);
  return { sections, symbols, declaredMaps: new Map(), lines: new Map() };
}

function checkSymbol(symbol: ImageSymbol, sections: ReadonlyMap<number, ImageSection>): void {
  if (symbol.section === undefined || symbol.section >= SHN_LORESERVE) return;
  const section = sections.get(symbol.section);
  if (section !== undefined) checkInside(symbol, section);
}
