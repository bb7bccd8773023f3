// Type records of BTF: their layout, one record to a `BtfType`, and what a record may refer to. Knows nothing
// of the blob's header and of other records. Follows Documentation/bpf/btf.rst, "BTF_KIND_*".
//
//   byte  0         4                                   8                 12
//         name_off  info: kind_flag:1 kind:5 vlen:16    size or type id   what the kind adds, 0..12 × vlen bytes
//                         bit 31      24..28 0..15

import { BTF_KINDS, type BtfKind, type BtfLinkage, type BtfMember, type BtfType } from "./types.ts";

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

/** Decodes the record of type `id`; its references were checked before. */
export function decodeRecord(source: RecordSource, id: number): BtfType {
  const { view, string } = source;
  const at = source.offsetOf(id);
  const word = (index: number): number => view.getUint32(at + 4 * index, true);
  const info = word(1);
  const kind = BTF_KINDS[kindNumber(info)] as BtfKind;
  const base = { id, name: string(word(0)) };
  const third = word(2);
  const flag = kindFlag(info);
  /** The elements behind the record, each of `words` words. */
  const elements = <T>(words: number, make: (index: number) => T): T[] =>
    Array.from({ length: elementCount(info) }, (_, i) => make(3 + i * words));
  switch (kind) {
    case "void":
      return { ...base, kind };
    case "int":
      return { ...base, kind, size: third, ...intEncoding(word(3)) };
    case "ptr":
    case "typedef":
    case "volatile":
    case "const":
    case "restrict":
      return { ...base, kind, type: third };
    case "array":
      return { ...base, kind, type: word(3), indexType: word(4), length: word(5) };
    case "struct":
    case "union":
      return {
        ...base,
        kind,
        size: third,
        members: elements(3, (i) => member(string(word(i)), word(i + 1), word(i + 2), flag)),
      };
    case "enum": {
      const value = (bits: number): number => (flag ? bits | 0 : bits);
      const values = elements(2, (i) => ({ name: string(word(i)), value: value(word(i + 1)) }));
      return { ...base, kind, size: third, isSigned: flag, values };
    }
    case "enum64": {
      const value = (low: number, high: number): bigint =>
        BigInt[flag ? "asIntN" : "asUintN"](64, (BigInt(high) << 32n) | BigInt(low));
      const values = elements(3, (i) => ({ name: string(word(i)), value: value(word(i + 1), word(i + 2)) }));
      return { ...base, kind, size: third, isSigned: flag, values };
    }
    case "fwd":
      return { ...base, kind, isUnion: flag };
    case "func":
      return { ...base, kind, type: third, linkage: LINKAGES[elementCount(info)] ?? "extern" };
    case "func_proto":
      return {
        ...base,
        kind,
        type: third,
        params: elements(2, (i) => ({ name: string(word(i)), type: word(i + 1) })),
      };
    case "var":
      return { ...base, kind, type: third, linkage: LINKAGES[word(3)] ?? "extern" };
    case "datasec":
      return {
        ...base,
        kind,
        size: third,
        vars: elements(3, (i) => ({ type: word(i), offset: word(i + 1), size: word(i + 2) })),
      };
    case "float":
      return { ...base, kind, size: third };
    case "decl_tag":
      return { ...base, kind, type: third, component: word(3) | 0, isAttribute: flag };
    case "type_tag":
      return { ...base, kind, type: third, isAttribute: flag };
  }
}

/** The word that an int adds: `encoding:4 bitOffset:8 (unused:8) bits:8`, from bit 24 down. */
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
function member(name: string, type: number, offset: number, flag: boolean): BtfMember {
  if (!flag) return { name, type, bitOffset: offset, bitSize: 0 };
  return { name, type, bitOffset: offset & 0xffffff, bitSize: offset >>> 24 };
}
