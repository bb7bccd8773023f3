// .BTF.ext: what a compiler knows of single instructions. Function information, source lines and CO-RE
// relocations, by the ELF section that they are about. Offsets stay byte offsets in that section; the
// loader turns them into slots of a program. Follows Documentation/bpf/btf.rst, ".BTF.ext section".
//
//   header   magic version flags hdr_len  func_info: off len  line_info: off len  [core_relo: off len]
//   part     rec_size { sec_name_off num_info record[num_info] }…

import { atPlace, LoadError } from "../errors.ts";
import type { Btf } from "./btf.ts";

/** An instruction that starts a function. */
export interface BtfFuncInfo {
  /** Bytes from the start of the section. */
  readonly offset: number;
  /** Id of a `func`. */
  readonly type: number;
}

/** An instruction that starts the code of a source line. */
export interface BtfLineInfo {
  /** Bytes from the start of the section. */
  readonly offset: number;
  readonly file: string;
  /** From 1. */
  readonly line: number;
  /** From 1; 0 when not known. */
  readonly column: number;
  /** The line as written. */
  readonly text: string;
}

/** An instruction that depends on the kernel's types (CO-RE). */
export interface BtfCoreRelocation {
  /** Bytes from the start of the section. */
  readonly offset: number;
  /** The type that the access starts from, in the object's own BTF. */
  readonly type: number;
  /** Indices of members and elements, or of an enumerator: `0:1:2`. */
  readonly access: string;
  /** `enum bpf_core_relo_kind`. */
  readonly kind: number;
}

/** The contents of .BTF.ext, by section name. */
export interface BtfExt {
  readonly functions: ReadonlyMap<string, readonly BtfFuncInfo[]>;
  readonly lines: ReadonlyMap<string, readonly BtfLineInfo[]>;
  readonly relocations: ReadonlyMap<string, readonly BtfCoreRelocation[]>;
}

/** A section without records. */
export const EMPTY_BTF_EXT: BtfExt = { functions: new Map(), lines: new Map(), relocations: new Map() };

const MAGIC = 0xeb9f;
const HEADER_SIZE = 24;
/** Bytes of the header when it has the core_relo part. */
const HEADER_WITH_RELOCATIONS = 32;

class Reader {
  readonly view: DataView;
  readonly btf: Btf;
  /** Files and lines come again and again. */
  readonly #strings = new Map<number, string>();

  constructor(bytes: Uint8Array, btf: Btf) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.btf = btf;
  }

  word(at: number): number {
    return this.view.getUint32(at, true);
  }

  string(offset: number): string {
    const known = this.#strings.get(offset);
    if (known !== undefined) return known;
    if (offset >= this.btf.stringsLength) {
      const problem = `expected a string offset below ${this.btf.stringsLength}, got ${offset}`;
      throw new LoadError("bad-btf", "", problem);
    }
    const string = this.btf.string(offset);
    this.#strings.set(offset, string);
    return string;
  }

  type(id: number): number {
    if (id < this.btf.count) return id;
    throw new LoadError("bad-btf", "", `expected a type id below ${this.btf.count}, got ${id}`);
  }
}

/** One part: `length` bytes at `start`, records of at least `least` bytes, each read by `read`. */
function readPart<T>(
  reader: Reader,
  start: number,
  length: number,
  least: number,
  read: (at: number) => T,
): Map<string, T[]> {
  const sections = new Map<string, T[]>();
  if (length === 0) return sections;
  const end = start + length;
  if (end > reader.view.byteLength) {
    const problem = `expected it inside ${reader.view.byteLength} bytes, got ${start}..${end}`;
    throw new LoadError("truncated", "", problem);
  }
  const need = (at: number, size: number): void => {
    if (at + size > end) throw new LoadError("truncated", "", `expected ${size} bytes, got ${end - at}`);
  };
  need(start, 4);
  const recordSize = reader.word(start);
  if (recordSize < least || recordSize % 4 !== 0) {
    const problem = `expected records of ${least} bytes or more, a multiple of 4, got ${recordSize}`;
    throw new LoadError("bad-btf", "", problem);
  }
  for (let at = start + 4; at < end; ) {
    need(at, 8);
    const name = reader.string(reader.word(at));
    const count = reader.word(at + 4);
    at += 8;
    need(at, count * recordSize);
    const records = sections.get(name) ?? [];
    sections.set(name, records);
    for (let i = 0; i < count; i++, at += recordSize) {
      records.push(atPlace(`section ${name}, record ${i}`, () => read(at)));
    }
  }
  return sections;
}

function checkHeader(bytes: Uint8Array, reader: Reader): number {
  if (bytes.length < HEADER_SIZE) {
    throw new LoadError("truncated", "header", `expected ${HEADER_SIZE} bytes, got ${bytes.length}`);
  }
  const magic = reader.view.getUint16(0, true);
  if (magic !== MAGIC) {
    throw new LoadError("bad-magic", "header", `expected magic 0xeb9f, got 0x${magic.toString(16)}`);
  }
  if (bytes[2] !== 1) throw new LoadError("unsupported", "header", `expected version 1, got ${bytes[2]}`);
  const headerLength = reader.word(4);
  if (headerLength < HEADER_SIZE || headerLength > bytes.length) {
    const problem = `expected hdr_len in ${HEADER_SIZE}..${bytes.length}, got ${headerLength}`;
    throw new LoadError("bad-btf", "header", problem);
  }
  return headerLength;
}

/**
 * Reads the bytes of a .BTF.ext section; names and types are those of `btf`, the same object's .BTF.
 * Throws a LoadError (`bad-magic`, `truncated`, `bad-btf`, `unsupported`) naming part, section and record.
 */
export function parseBtfExt(bytes: Uint8Array, btf: Btf): BtfExt {
  const reader = new Reader(bytes, btf);
  const headerLength = checkHeader(bytes, reader);
  const part = <T>(
    name: string,
    headerAt: number,
    least: number,
    read: (at: number) => T,
  ): Map<string, T[]> =>
    atPlace(name, () => {
      const start = headerLength + reader.word(headerAt);
      return readPart(reader, start, reader.word(headerAt + 4), least, read);
    });
  return {
    functions: part("func_info", 8, 8, (at) => ({
      offset: reader.word(at),
      type: reader.type(reader.word(at + 4)),
    })),
    lines: part("line_info", 16, 16, (at) => ({
      offset: reader.word(at),
      file: reader.string(reader.word(at + 4)),
      text: reader.string(reader.word(at + 8)),
      // Line and column share a word: 22 and 10 bits.
      line: reader.word(at + 12) >>> 10,
      column: reader.word(at + 12) & 0x3ff,
    })),
    relocations:
      headerLength < HEADER_WITH_RELOCATIONS
        ? new Map()
        : part("core_relo", 24, 16, (at) => ({
            offset: reader.word(at),
            type: reader.type(reader.word(at + 4)),
            access: reader.string(reader.word(at + 8)),
            kind: reader.word(at + 12),
          })),
  };
}
