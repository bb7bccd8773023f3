// Builds ELF objects for BPF for tests: sections, symbols and relocations as given, good or bad.

export interface SectionSpec {
  readonly name: string;
  readonly bytes?: Uint8Array;
  /** Default 1, SHT_PROGBITS; 8 is SHT_NOBITS. */
  readonly type?: number;
  /** SHF_*; default 2 (alloc), 6 with `code`. */
  readonly flags?: number;
  readonly code?: boolean;
  /** What the header says; default the length of `bytes`. */
  readonly size?: number;
}

export interface SymbolSpec {
  readonly name: string;
  /** 0 none, 1 object, 2 func, 3 section. */
  readonly type?: number;
  readonly global?: boolean;
  /** Name of a section; undefined for an extern symbol. */
  readonly section?: string;
  readonly value?: number;
  readonly size?: number;
}

export interface RelocationSpec {
  readonly section: string;
  readonly offset: number;
  readonly type: number;
  /** Name of a symbol. */
  readonly symbol: string;
}

export interface ElfSpec {
  readonly sections: readonly SectionSpec[];
  readonly symbols?: readonly SymbolSpec[];
  readonly relocations?: readonly RelocationSpec[];
}

/** A table of strings and the offsets of those put in. */
function stringTable(strings: readonly string[]): { bytes: Uint8Array; at: (text: string) => number } {
  const text = ["", ...new Set(strings)];
  const bytes = new TextEncoder().encode(text.map((entry) => `${entry}\0`).join(""));
  const offsets = new Map<string, number>();
  let offset = 0;
  for (const entry of text) {
    offsets.set(entry, offset);
    offset += entry.length + 1;
  }
  return { bytes, at: (entry) => offsets.get(entry) as number };
}

interface Header {
  readonly name: string;
  readonly type: number;
  readonly flags: number;
  readonly bytes: Uint8Array;
  readonly size: number;
  readonly link: number;
  readonly info: number;
  readonly entry: number;
}

function symbolTable(
  symbols: readonly SymbolSpec[],
  indexOf: (section: string) => number,
  at: (text: string) => number,
) {
  const bytes = new Uint8Array(24 * (symbols.length + 1));
  const view = new DataView(bytes.buffer);
  for (const [position, symbol] of symbols.entries()) {
    const start = 24 * (position + 1);
    view.setUint32(start, at(symbol.name), true);
    view.setUint8(start + 4, ((symbol.global ?? true) ? 16 : 0) | (symbol.type ?? 2));
    view.setUint16(start + 6, symbol.section === undefined ? 0 : indexOf(symbol.section), true);
    view.setBigUint64(start + 8, BigInt(symbol.value ?? 0), true);
    view.setBigUint64(start + 16, BigInt(symbol.size ?? 0), true);
  }
  return bytes;
}

function relocationTable(relocations: readonly RelocationSpec[], symbols: readonly SymbolSpec[]): Uint8Array {
  const bytes = new Uint8Array(16 * relocations.length);
  const view = new DataView(bytes.buffer);
  for (const [position, { offset, type, symbol }] of relocations.entries()) {
    view.setBigUint64(16 * position, BigInt(offset), true);
    view.setUint32(16 * position + 8, type, true);
    view.setUint32(16 * position + 12, symbols.findIndex(({ name }) => name === symbol) + 1, true);
  }
  return bytes;
}

function allHeaders({ sections, symbols = [], relocations = [] }: ElfSpec): Header[] {
  const own = sections.map((section): Header => {
    const bytes = section.bytes ?? new Uint8Array(0);
    const { name, type = 1, flags = section.code ? 6 : 2, size = bytes.length } = section;
    return { name, type, flags, bytes, size, link: 0, info: 0, entry: 0 };
  });
  const indexOf = (name: string): number => own.findIndex((header) => header.name === name) + 1;
  const symtab = own.length + 1;
  const related = [...new Set(relocations.map(({ section }) => section))];
  const names = [...own.map(({ name }) => name), ...symbols.map(({ name }) => name)];
  const extra = [".symtab", ".strtab", ...related.map((name) => `.rel${name}`)];
  const strings = stringTable([...names, ...extra]);
  const made = (name: string, type: number, bytes: Uint8Array, link: number, info: number, entry: number) => {
    return { name, type, flags: 0, bytes, size: bytes.length, link, info, entry };
  };
  return [
    ...own,
    made(".symtab", 2, symbolTable(symbols, indexOf, strings.at), symtab + 1, 1, 24),
    made(".strtab", 3, strings.bytes, 0, 0, 0),
    ...related.map((name) => {
      const list = relocations.filter(({ section }) => section === name);
      return made(`.rel${name}`, 9, relocationTable(list, symbols), symtab, indexOf(name), 16);
    }),
  ];
}

/** The file: header, contents of the sections, section headers. */
export function buildElf(spec: ElfSpec): Uint8Array<ArrayBuffer> {
  const headers = allHeaders(spec);
  const strtab = headers.findIndex(({ name }) => name === ".strtab");
  // One table serves sections and symbols.
  const names = new TextDecoder("latin1").decode((headers[strtab] as Header).bytes);
  const nameAt = (name: string): number => (name === "" ? 0 : names.indexOf(`\0${name}\0`) + 1);
  const contents = headers.reduce((sum, { bytes }) => sum + Math.ceil(bytes.length / 8) * 8, 64);
  const file = new Uint8Array(contents + 64 * (headers.length + 1));
  const view = new DataView(file.buffer);
  file.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  view.setUint16(16, 1, true);
  view.setUint16(18, 247, true);
  view.setUint32(20, 1, true);
  view.setBigUint64(40, BigInt(contents), true);
  view.setUint16(52, 64, true);
  view.setUint16(58, 64, true);
  view.setUint16(60, headers.length + 1, true);
  view.setUint16(62, strtab + 1, true);
  let offset = 64;
  for (const [position, header] of headers.entries()) {
    const at = contents + 64 * (position + 1);
    file.set(header.bytes, offset);
    view.setUint32(at, nameAt(header.name), true);
    view.setUint32(at + 4, header.type, true);
    view.setBigUint64(at + 8, BigInt(header.flags), true);
    view.setBigUint64(at + 24, BigInt(offset), true);
    view.setBigUint64(at + 32, BigInt(header.size), true);
    view.setUint32(at + 40, header.link, true);
    view.setUint32(at + 44, header.info, true);
    view.setBigUint64(at + 56, BigInt(header.entry), true);
    offset += Math.ceil(header.bytes.length / 8) * 8;
  }
  return file;
}
