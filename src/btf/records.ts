// Type records of BTF: their layout, one record to a `BtfType`, and what a record may refer to. Knows nothing
// of the blob's header and of other records. Follows Documentation/bpf/btf.rst, "BTF_KIND_*".
//
//   byte  0         4                                   8                 12
//         name_off  info: kind_flag:1 kind:5 vlen:16    size or type id   what the kind adds, 0..12 × vlen bytes
//                         bit 31      24..28 0..15

import {
  BTF_KINDS,
  type BtfKind,
  type BtfLinkage,
  type BtfMember,
  type BtfReference,
  type BtfStruct,
  type BtfType,
} from "./types.ts";

/** Bytes of a record without what its kind adds. */
export const RECORD_SIZE = 12;

/** Bytes that a kind adds to its record: once, or for each of its `vlen` elements. */
const EXTRA: Partial<Record<BtfKind, { readonly once?: number; readonly each?: number }>> = {
  int: { once: 4 },
  array: { once: 12 },
  struct: { each: 12 },
  union: { each: 12 },
  enum: { each: 8 },
  func_proto: { each: 8 },
  var: { once: 4 },
  datasec: { each: 12 },
  decl_tag: { once: 4 },
  enum64: { each: 12 },
};

const EXTRA_ONCE = BTF_KINDS.map((kind) => EXTRA[kind]?.once ?? 0);
const EXTRA_EACH = BTF_KINDS.map((kind) => EXTRA[kind]?.each ?? 0);

/** Kinds whose third word is the id of a type. */
const REFERS: ReadonlySet<BtfKind> = new Set<BtfKind>([
  "ptr",
  "typedef",
  "volatile",
  "const",
  "restrict",
  "func",
  "func_proto",
  "var",
  "decl_tag",
  "type_tag",
]);
const REFERS_BY_NUMBER = BTF_KINDS.map((kind) => REFERS.has(kind));

/** The parts of a record's second word. */
export const kindNumber = (info: number): number => (info >>> 24) & 0x1f;
const elementCount = (info: number): number => info & 0xffff;
const kindFlag = (info: number): boolean => info >>> 31 === 1;

/** Bytes of the whole record with that second word; undefined for a kind that there is not. */
export function recordSize(info: number): number | undefined {
  const kind = kindNumber(info);
  if (kind === 0 || kind >= BTF_KINDS.length) return undefined;
  return RECORD_SIZE + (EXTRA_ONCE[kind] as number) + (EXTRA_EACH[kind] as number) * elementCount(info);
}

/** Where a record is, and in what. */
export interface RecordSource {
  readonly view: DataView;
  /** Byte offset of the record with that id. */
  readonly offsetOf: (id: number) => number;
  readonly string: (offset: number) => string;
}

/** One word of a record that must be smaller than the number of types, or than the length of the strings. */
export type WordCheck = (what: string, value: number) => void;

/** Calls `checkType` with every type id in the record at `at`, and `checkName` with every string offset. */
export function checkRecord(view: DataView, at: number, checkType: WordCheck, checkName: WordCheck): void {
  const word = (index: number): number => view.getUint32(at + 4 * index, true);
  const info = word(1);
  const kind = kindNumber(info);
  checkName("a name", word(0));
  if (REFERS_BY_NUMBER[kind]) checkType("a type", word(2));
  const each = (EXTRA_EACH[kind] as number) / 4;
  const end = 3 + elementCount(info) * each;
  switch (BTF_KINDS[kind]) {
    case "array":
      checkType("an element type", word(3));
      checkType("an index type", word(4));
      break;
    case "struct":
    case "union":
    case "func_proto":
      for (let i = 3; i < end; i += each) {
        checkName("a name", word(i));
        checkType("a type", word(i + 1));
      }
      break;
    case "enum":
    case "enum64":
      for (let i = 3; i < end; i += each) checkName("a name", word(i));
      break;
    case "datasec":
      for (let i = 3; i < end; i += each) checkType("a variable", word(i));
      break;
  }
}

const LINKAGES: readonly BtfLinkage[] = ["static", "global", "extern"];
const linkage = (number: number): BtfLinkage => LINKAGES[number] ?? "extern";

/** One record, word by word. */
class RecordReader {
  readonly base: { readonly id: number; readonly name: string };
  /** kind_flag. */
  readonly flag: boolean;
  /** vlen. */
  readonly count: number;
  readonly #source: RecordSource;
  readonly #at: number;

  constructor(source: RecordSource, id: number) {
    this.#source = source;
    this.#at = source.offsetOf(id);
    this.base = { id, name: this.string(0) };
    this.flag = kindFlag(this.word(1));
    this.count = elementCount(this.word(1));
  }

  word(index: number): number {
    return this.#source.view.getUint32(this.#at + 4 * index, true);
  }

  /** The string whose offset stands in that word. */
  string(index: number): string {
    return this.#source.string(this.word(index));
  }

  /** The elements behind the record, each of `words` words; `make` gets the index of its first. */
  elements<T>(words: number, make: (index: number) => T): T[] {
    return Array.from({ length: this.count }, (_, i) => make(3 + i * words));
  }
}

/** The word that an int adds: `encoding:4 bitOffset:8 (unused:8) bits:8`, from bit 27 down. */
function intEncoding(word: number) {
  const encoding = (word >>> 24) & 15;
  return {
    bits: word & 0xff,
    bitOffset: (word >>> 16) & 0xff,
    isSigned: (encoding & 1) !== 0,
    isChar: (encoding & 2) !== 0,
    isBool: (encoding & 4) !== 0,
  };
}

/** With kind_flag, the upper byte of a member's offset is the size of a bitfield. */
function member(r: RecordReader, at: number): BtfMember {
  const offset = r.word(at + 2);
  const [bitOffset, bitSize] = r.flag ? [offset & 0xffffff, offset >>> 24] : [offset, 0];
  return { name: r.string(at), type: r.word(at + 1), bitOffset, bitSize };
}

function value64(r: RecordReader, at: number): bigint {
  const value = (BigInt(r.word(at + 2)) << 32n) | BigInt(r.word(at + 1));
  return r.flag ? BigInt.asIntN(64, value) : value;
}

type Decode = (r: RecordReader) => BtfType;

const reference =
  (kind: BtfReference["kind"]): Decode =>
  (r) => ({ ...r.base, kind, type: r.word(2) });

const struct =
  (kind: BtfStruct["kind"]): Decode =>
  (r) => ({ ...r.base, kind, size: r.word(2), members: r.elements(3, (at) => member(r, at)) });

/** One row per kind. */
const DECODE: Readonly<Record<BtfKind, Decode>> = {
  void: (r) => ({ ...r.base, kind: "void" }),
  int: (r) => ({ ...r.base, kind: "int", size: r.word(2), ...intEncoding(r.word(3)) }),
  ptr: reference("ptr"),
  array: (r) => ({ ...r.base, kind: "array", type: r.word(3), indexType: r.word(4), length: r.word(5) }),
  struct: struct("struct"),
  union: struct("union"),
  enum: (r) => {
    const value = (bits: number): number => (r.flag ? bits | 0 : bits);
    const values = r.elements(2, (at) => ({ name: r.string(at), value: value(r.word(at + 1)) }));
    return { ...r.base, kind: "enum", size: r.word(2), isSigned: r.flag, values };
  },
  fwd: (r) => ({ ...r.base, kind: "fwd", isUnion: r.flag }),
  typedef: reference("typedef"),
  volatile: reference("volatile"),
  const: reference("const"),
  restrict: reference("restrict"),
  func: (r) => ({ ...r.base, kind: "func", type: r.word(2), linkage: linkage(r.count) }),
  func_proto: (r) => {
    const params = r.elements(2, (at) => ({ name: r.string(at), type: r.word(at + 1) }));
    return { ...r.base, kind: "func_proto", type: r.word(2), params };
  },
  var: (r) => ({ ...r.base, kind: "var", type: r.word(2), linkage: linkage(r.word(3)) }),
  datasec: (r) => {
    const vars = r.elements(3, (at) => ({ type: r.word(at), offset: r.word(at + 1), size: r.word(at + 2) }));
    return { ...r.base, kind: "datasec", size: r.word(2), vars };
  },
  float: (r) => ({ ...r.base, kind: "float", size: r.word(2) }),
  decl_tag: (r) => {
    return { ...r.base, kind: "decl_tag", type: r.word(2), component: r.word(3) | 0, isAttribute: r.flag };
  },
  type_tag: (r) => ({ ...r.base, kind: "type_tag", type: r.word(2), isAttribute: r.flag }),
  enum64: (r) => {
    const values = r.elements(3, (at) => ({ name: r.string(at), value: value64(r, at) }));
    return { ...r.base, kind: "enum64", size: r.word(2), isSigned: r.flag, values };
  },
};

/** Decodes the record of type `id`; its references were checked before. */
export function decodeRecord(source: RecordSource, id: number): BtfType {
  const info = source.view.getUint32(source.offsetOf(id) + 4, true);
  return DECODE[BTF_KINDS[kindNumber(info)] as BtfKind](new RecordReader(source, id));
}
