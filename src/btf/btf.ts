// BPF Type Format: one blob of types and their names. `parseBtf` checks the header and, in one pass, that every
// record fits and every reference stays inside; records are decoded when they are asked for. It does not judge
// whether the types make sense as C (a member beyond its struct). Follows Documentation/bpf/btf.rst.

import { LoadError } from "../errors.ts";
import { plainBytes } from "./bytes.ts";
import { printType } from "./print.ts";
import {
  checkRecord,
  decodeRecord,
  kindNumber,
  RECORD_SIZE,
  type RecordSource,
  recordSize,
} from "./records.ts";
import { BTF_KINDS, type BtfKind, type BtfType } from "./types.ts";

export type * from "./types.ts";

const MAGIC = 0xeb9f;
/** Bytes of the header that every version has. */
const HEADER_SIZE = 24;
const POINTER_SIZE = 8;
/** Types inside each other, as the kernel counts them (MAX_RESOLVE_DEPTH), with room to spare. */
const MAX_DEPTH = 64;

/** Bytes of a string that are looked at: longer ones (source lines of generated code) are cut. */
const MAX_STRING = 4096;

const VOID: BtfType = { kind: "void", id: 0, name: "void" };
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** The type information of one object or kernel. Made by `parseBtf`; immutable, and shared freely. */
export class Btf {
  /** The blob as it was given: what BPF_BTF_LOAD takes. Not to be written. */
  readonly bytes: Uint8Array;
  /** Number of types, `void` included: ids are 0..count - 1. */
  readonly count: number;
  readonly #source: RecordSource;
  readonly #offsets: Uint32Array;
  readonly #types: (BtfType | undefined)[] = [];
  readonly #strings: Uint8Array;
  /** First id of each name; the next one with the same name is in `#nextSameName`. */
  #firstOfName: Map<string, number> | undefined;
  #nextSameName: Uint32Array | undefined;
  #offsetOfString: Map<string, number> | undefined;
  /** Answers of `findByName`, 0 for none. */
  readonly #found = new Map<string, number>();

  /** Takes the tables of `parseBtf`, which has checked them: byte offset of each record, and the strings. */
  constructor(bytes: Uint8Array, offsets: Uint32Array, strings: Uint8Array) {
    this.bytes = bytes;
    this.count = offsets.length;
    this.#offsets = offsets;
    this.#strings = strings;
    this.#source = {
      view: new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength),
      offsetOf: (id) => offsets[id] as number,
      string: (offset) => this.string(offset),
    };
  }

  /** The type with that id; a RangeError when there is none. */
  type(id: number): BtfType {
    const known = this.#types[id];
    if (known !== undefined) return known;
    if (id === 0) return VOID;
    this.recordOffset(id);
    const type = decodeRecord(this.#source, id);
    this.#types[id] = type;
    return type;
  }

  /** The kind of the type with that id, without decoding it. */
  kind(id: number): BtfKind {
    if (id === 0) return "void";
    return BTF_KINDS[kindNumber(this.#source.view.getUint32(this.recordOffset(id) + 4, true))] as BtfKind;
  }

  /** Where in `bytes` the record of that type starts; a RangeError for an id that has none. */
  recordOffset(id: number): number {
    if (!Number.isInteger(id) || id < 1 || id >= this.count) {
      throw new RangeError(`btf: expected a type id in 0..${this.count - 1}, got ${id}`);
    }
    return this.#offsets[id] as number;
  }

  /**
   * The string at that offset, as UTF-8, up to its NUL or to 4096 bytes.
   * A RangeError when the offset is not inside.
   */
  string(offset: number): string {
    const strings = this.#strings;
    if (!(offset >= 0 && offset < strings.length)) {
      throw new RangeError(`btf: expected a string offset in 0..${strings.length - 1}, got ${offset}`);
    }
    if (strings[offset] === 0) return "";
    const bytes = strings.subarray(offset, offset + MAX_STRING);
    const end = bytes.indexOf(0);
    return decoder.decode(end === -1 ? bytes : bytes.subarray(0, end));
  }

  /** Where a string begins among the strings; undefined where it is none of them. */
  stringOffset(text: string): number | undefined {
    if (this.#offsetOfString === undefined) {
      this.#offsetOfString = new Map();
      for (let at = 0; at < this.#strings.length; ) {
        const end = this.#strings.indexOf(0, at);
        const string = decoder.decode(this.#strings.subarray(at, end));
        if (!this.#offsetOfString.has(string)) this.#offsetOfString.set(string, at);
        at = end + 1;
      }
    }
    return this.#offsetOfString.get(text);
  }

  /** Bytes of the string section: every string offset is below. */
  get stringsLength(): number {
    return this.#strings.length;
  }

  /** The first type of that name, or the first of that name and kind. */
  findByName(name: string, kind?: BtfKind): BtfType | undefined {
    const key = `${kind ?? ""} ${name}`;
    let id = this.#found.get(key);
    if (id === undefined) {
      id = this.idsByName(name).find((each) => kind === undefined || this.kind(each) === kind) ?? 0;
      this.#found.set(key, id);
    }
    return id === 0 ? undefined : this.type(id);
  }

  /** The ids of all types of that name, in ascending order. */
  idsByName(name: string): number[] {
    this.#firstOfName ??= this.#indexNames();
    const next = this.#nextSameName as Uint32Array;
    const ids: number[] = [];
    for (let id = this.#firstOfName.get(name) ?? 0; id !== 0; id = next[id] as number) ids.push(id);
    return ids;
  }

  #indexNames(): Map<string, number> {
    const first = new Map<string, number>();
    this.#nextSameName = new Uint32Array(this.count);
    const { view } = this.#source;
    for (let id = this.count - 1; id > 0; id--) {
      const nameOffset = view.getUint32(this.#offsets[id] as number, true);
      if (nameOffset === 0) continue;
      const name = this.string(nameOffset);
      this.#nextSameName[id] = first.get(name) ?? 0;
      first.set(name, id);
    }
    return first;
  }

  /**
   * The type without its names and qualifiers: follows typedef, const, volatile, restrict and type_tag.
   * Throws a LoadError (`bad-btf`) when they lead in a circle.
   */
  resolve(id: number): BtfType {
    let type = this.type(id);
    for (let depth = 0; depth < MAX_DEPTH; depth++) {
      switch (type.kind) {
        case "typedef":
        case "const":
        case "volatile":
        case "restrict":
        case "type_tag":
          type = this.type(type.type);
          break;
        default:
          return type;
      }
    }
    throw tooDeep(id);
  }

  /**
   * Bytes of a value of that type (of a variable: of its type). Pointers have 8.
   * Throws a LoadError (`bad-btf`) for a type that has no values: void, fwd, func, func_proto, decl_tag.
   */
  sizeOf(id: number): number {
    let factor = 1;
    let type = this.resolve(id);
    for (let depth = 0; depth < MAX_DEPTH; depth++) {
      switch (type.kind) {
        case "ptr":
          return factor * POINTER_SIZE;
        case "array":
          factor *= type.length;
          type = this.resolve(type.type);
          break;
        case "var":
          type = this.resolve(type.type);
          break;
        case "void":
        case "fwd":
        case "func":
        case "func_proto":
        case "decl_tag": {
          const problem = `expected a type that has a size, got ${this.typeName(type.id)}`;
          throw new LoadError("bad-btf", `type ${id}`, problem);
        }
        default:
          return factor * (type as { size: number }).size;
      }
    }
    throw tooDeep(id);
  }

  /**
   * The type as C writes it, without a name for the value: `struct foo *`, `char[16]`, `int (*)(void *)`.
   * Anonymous structs are `struct {...}`; what is nested too deep or in a circle is cut off as `...`.
   */
  typeName(id: number): string {
    return printType(this, id);
  }
}

function tooDeep(id: number): LoadError {
  const problem = `expected types at most ${MAX_DEPTH} deep inside each other, got more, or a circle`;
  return new LoadError("bad-btf", `type ${id}`, problem);
}

interface Header {
  /** Byte offsets in the blob. */
  readonly types: number;
  readonly typesEnd: number;
  readonly strings: number;
  readonly stringsEnd: number;
}

function readHeader(bytes: Uint8Array, view: DataView): Header {
  if (bytes.length < HEADER_SIZE) {
    throw new LoadError("truncated", "header", `expected ${HEADER_SIZE} bytes, got ${bytes.length}`);
  }
  const magic = view.getUint16(0, true);
  if (magic === ((MAGIC & 0xff) << 8) + (MAGIC >> 8)) {
    throw new LoadError("unsupported", "header", "expected little-endian BTF, got big-endian");
  }
  if (magic !== MAGIC) {
    const got = `0x${magic.toString(16)}`;
    throw new LoadError("bad-magic", "header", `expected magic 0x${MAGIC.toString(16)}, got ${got}`);
  }
  const version = bytes[2] as number;
  if (version !== 1) throw new LoadError("unsupported", "header", `expected version 1, got ${version}`);
  const headerLength = view.getUint32(4, true);
  if (headerLength < HEADER_SIZE || headerLength > bytes.length) {
    const problem = `expected hdr_len in ${HEADER_SIZE}..${bytes.length}, got ${headerLength}`;
    throw new LoadError("bad-btf", "header", problem);
  }
  const section = (what: string, offset: number, length: number): [number, number] => {
    const start = headerLength + offset;
    if (start + length > bytes.length) {
      const problem = `expected ${what} inside ${bytes.length} bytes, got ${start}..${start + length}`;
      throw new LoadError("truncated", "header", problem);
    }
    return [start, start + length];
  };
  const [types, typesEnd] = section("types", view.getUint32(8, true), view.getUint32(12, true));
  const [strings, stringsEnd] = section("strings", view.getUint32(16, true), view.getUint32(20, true));
  if (types < stringsEnd && strings < typesEnd) {
    throw new LoadError("bad-btf", "header", "expected types and strings apart, got an overlap");
  }
  return { types, typesEnd, strings, stringsEnd };
}

/** Byte offset of every record, by id; index 0 (`void`) has none. */
function indexRecords(view: DataView, header: Header): Uint32Array {
  const offsets = new Uint32Array(1 + Math.floor((header.typesEnd - header.types) / RECORD_SIZE));
  let count = 1;
  for (let at = header.types; at < header.typesEnd; count++) {
    const left = header.typesEnd - at;
    if (left < RECORD_SIZE) {
      throw new LoadError("truncated", `type ${count}`, `expected ${RECORD_SIZE} bytes, got ${left}`);
    }
    const info = view.getUint32(at + 4, true);
    const size = recordSize(info);
    if (size === undefined) {
      const problem = `expected a kind in 1..${BTF_KINDS.length - 1}, got ${kindNumber(info)}`;
      throw new LoadError("bad-btf", `type ${count}`, problem);
    }
    if (left < size) throw new LoadError("truncated", `type ${count}`, `expected ${size} bytes, got ${left}`);
    offsets[count] = at;
    at += size;
  }
  return offsets.slice(0, count);
}

function checkStrings(strings: Uint8Array): void {
  if (strings.length === 0 || strings[0] !== 0 || strings[strings.length - 1] !== 0) {
    const got = strings.length === 0 ? "none" : "other bytes there";
    throw new LoadError("bad-btf", "strings", `expected NUL as first and last byte, got ${got}`);
  }
}

/**
 * Reads a blob of BTF, little-endian, with header. It is kept, not copied: do not write to it afterwards.
 * Throws a LoadError (`bad-magic`, `truncated`, `bad-btf`, `unsupported` for big-endian) that names the type
 * id. Afterwards every type id and string offset in it is known to be in range.
 */
export function parseBtf(blob: Uint8Array): Btf {
  const bytes = plainBytes(blob);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const header = readHeader(bytes, view);
  const strings = bytes.subarray(header.strings, header.stringsEnd);
  checkStrings(strings);
  const offsets = indexRecords(view, header);
  const count = offsets.length;
  let id = 1;
  const fail = (what: string, limit: number, got: number): never => {
    throw new LoadError("bad-btf", `type ${id}`, `expected ${what} below ${limit}, got ${got}`);
  };
  const checkType = (what: string, type: number): void => {
    if (type >= count) fail(`${what} id`, count, type);
  };
  const checkName = (what: string, offset: number): void => {
    if (offset >= strings.length) fail(`${what} offset`, strings.length, offset);
  };
  for (; id < count; id++) checkRecord(view, offsets[id] as number, checkType, checkName);
  return new Btf(bytes, offsets, strings);
}
