// Maps as programs in C define them: structs in a section `maps` (bpf_map_def), and variables in a section
// `.maps` whose *type* says what the map is like (BTF-defined). Gives every map with its place, or the reason
// why that one cannot be loaded. Follows libbpf's documentation of both, and uapi/linux/bpf.h for the fields.

import type { Btf, BtfMember, BtfStruct, BtfType } from "../btf/btf.ts";
import { atPlace, LoadError } from "../errors.ts";
import type { InitialSlot, MapSpec } from "../program.ts";
import {
  type ImageRelocation,
  type ImageSection,
  type ImageSymbol,
  R_BPF_64_64,
  R_BPF_64_ABS64,
  symbolPlace,
} from "./image.ts";
import { recordAt } from "./spans.ts";

/** A map of an object, or why it is not one that can be made. */
export interface DefinedMap {
  readonly name: string;
  /** Bytes from the start of its section. */
  readonly offset: number;
  readonly map: MapSpec | LoadError;
}

/** Bytes of `struct bpf_map_def`: type, key_size, value_size, max_entries, map_flags. */
const LEGACY_SIZE = 20;
/** A pointer in the section `.maps`. */
const POINTER_SIZE = 8;
/** BPF_MAP_TYPE_RINGBUF, BPF_MAP_TYPE_USER_RINGBUF. */
const RING_BUFFERS: ReadonlySet<number> = new Set([27, 31]);
const PAGE_SIZE = 4096;
/** LIBBPF_PIN_NONE is 0. */
const PIN_BY_NAME = 1;

/** Reads one map: a LoadError `unsupported` concerns this map alone, others the whole object. */
function unlessUnsupported<T>(name: string, make: () => T): T | LoadError {
  try {
    return atPlace(`map ${name}`, make);
  } catch (error) {
    if (error instanceof LoadError && error.code === "unsupported") return error;
    throw error;
  }
}

/**
 * The maps of a section `maps`: one struct per symbol, up to the next one's. Longer structs (iproute2's) are
 * fine as long as what they add is zero; shorter ones lack the flags.
 */
export function legacyMaps(section: ImageSection, symbols: readonly ImageSymbol[], btf?: Btf): DefinedMap[] {
  const sorted = symbols
    .filter(({ type }) => type === "object" || type === "none")
    .sort((a, b) => a.value - b.value);
  return sorted.map((symbol, index) => {
    const next = sorted[index + 1]?.value ?? section.size;
    const bytes = section.bytes.subarray(symbol.value, next);
    return {
      name: symbol.name,
      offset: symbol.value,
      map: unlessUnsupported(symbol.name, () => legacyMap(symbol.name, bytes, btf)),
    };
  });
}

function legacyMap(name: string, bytes: Uint8Array, btf: Btf | undefined): MapSpec {
  if (bytes.length < LEGACY_SIZE - 4 || bytes.length % 4 !== 0) {
    const problem = `expected a struct bpf_map_def of ${LEGACY_SIZE} bytes, got ${bytes.length}`;
    throw new LoadError("bad-map", "", problem);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const word = (index: number): number => (4 * index < bytes.length ? view.getUint32(4 * index, true) : 0);
  const extra = bytes.findIndex((byte, index) => index >= LEGACY_SIZE && byte !== 0);
  if (extra !== -1) {
    const problem = `expected zeros behind struct bpf_map_def, got ${bytes[extra]} at byte ${extra}`;
    throw new LoadError("unsupported", "", problem);
  }
  return {
    name,
    type: word(0),
    keySize: word(1),
    valueSize: word(2),
    maxEntries: word(3),
    flags: word(4),
    ...annotatedTypes(name, btf),
  };
}

/** BPF_ANNOTATE_KV_PAIR: a struct `____btf_map_NAME` with members of the types of key and value. */
function annotatedTypes(name: string, btf: Btf | undefined): Partial<MapSpec> {
  const type = btf?.findByName(`____btf_map_${name}`, "struct");
  if (btf === undefined || type?.kind !== "struct") return {};
  const member = (wanted: string): number => type.members.find((entry) => entry.name === wanted)?.type ?? 0;
  return { btf, keyType: member("key"), valueType: member("value") };
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** A definition while it is being read: what was not given is undefined. */
interface Draft extends Partial<Mutable<MapSpec>> {
  /** What `values` point to, and where they start in the struct. */
  values?: { readonly type: BtfType; readonly offset: number };
}

function bad(expected: string, got: string): LoadError {
  return new LoadError("bad-map", "", `expected ${expected}, got ${got}`);
}

/** The number in a member made by `__uint(name, N)`, `int (*name)[N]`, or `__ulong`, an enum of one value. */
function numberOf(btf: Btf, member: BtfMember): bigint {
  const type = btf.resolve(member.type);
  if (type.kind === "ptr") {
    const target = btf.resolve(type.type);
    if (target.kind === "array") return BigInt(target.length);
  }
  if ((type.kind === "enum" || type.kind === "enum64") && type.values.length === 1) {
    return BigInt((type.values[0] as { value: number | bigint }).value);
  }
  throw bad("a number made by __uint or __ulong", btf.typeName(member.type));
}

/** The type in a member made by `__type(name, T)`, `T *name`. */
function typeOf(btf: Btf, member: BtfMember): number {
  const type = btf.resolve(member.type);
  if (type.kind !== "ptr") throw bad("a type made by __type", btf.typeName(member.type));
  return type.type;
}

/** What the elements of a member made by `__array(values, T)`, `T *values[]`, point to. */
function elementOf(btf: Btf, member: BtfMember): BtfType {
  const type = btf.resolve(member.type);
  const element = type.kind === "array" && type.length === 0 ? btf.resolve(type.type) : undefined;
  if (element?.kind !== "ptr") throw bad("an array made by __array", btf.typeName(member.type));
  return btf.resolve(element.type);
}

function setSize(draft: Draft, field: "keySize" | "valueSize", size: number): void {
  const known = draft[field];
  if (known !== undefined && known !== size) throw bad(`one size, ${known}`, `${size}`);
  draft[field] = size;
}

type ReadMember = (draft: Draft, btf: Btf, member: BtfMember, isInner: boolean) => void;

/** Numbers of 32 bits; array lengths have no more, enumerators may. */
function word(btf: Btf, member: BtfMember): number {
  const value = numberOf(btf, member);
  if (value < 0n || value > 0xffffffffn) throw bad("32 bits", `${value}`);
  return Number(value);
}

/** One row per member that a definition may have. */
const MEMBERS: Readonly<Record<string, ReadMember>> = {
  type(draft, btf, member) {
    draft.type = word(btf, member);
  },
  max_entries(draft, btf, member) {
    draft.maxEntries = word(btf, member);
  },
  map_flags(draft, btf, member) {
    draft.flags = word(btf, member);
  },
  numa_node(draft, btf, member) {
    draft.numaNode = word(btf, member);
  },
  key_size(draft, btf, member) {
    setSize(draft, "keySize", word(btf, member));
  },
  value_size(draft, btf, member) {
    setSize(draft, "valueSize", word(btf, member));
  },
  key(draft, btf, member) {
    draft.keyType = typeOf(btf, member);
    setSize(draft, "keySize", btf.sizeOf(draft.keyType));
  },
  value(draft, btf, member) {
    draft.valueType = typeOf(btf, member);
    setSize(draft, "valueSize", btf.sizeOf(draft.valueType));
  },
  map_extra(draft, btf, member) {
    draft.extra = BigInt.asUintN(64, numberOf(btf, member));
  },
  pinning(draft, btf, member) {
    const pinning = word(btf, member);
    if (pinning > PIN_BY_NAME) throw bad("pinning by name (1) or none (0)", `${pinning}`);
    draft.isPinned = pinning === PIN_BY_NAME;
  },
  values(draft, btf, member, isInner) {
    if (isInner) throw new LoadError("unsupported", "", "expected one level of maps in maps, got two");
    const type = elementOf(btf, member);
    if (type.kind === "struct") {
      draft.innerMap = definition(readMembers(btf, type, true), "inner");
    } else if (type.kind !== "func_proto") {
      throw bad("an array of maps or of functions", btf.typeName(type.id));
    }
    setSize(draft, "valueSize", 4);
    draft.values = { type, offset: member.bitOffset / 8 };
  },
};

function readMembers(btf: Btf, type: BtfStruct, isInner: boolean): Draft {
  const draft: Draft = { btf };
  for (const member of type.members) {
    atPlace(`member ${member.name || "(unnamed)"}`, () => {
      const read = Object.hasOwn(MEMBERS, member.name) ? MEMBERS[member.name] : undefined;
      if (read === undefined) {
        throw new LoadError("unsupported", "", "expected a member that map definitions have, got another");
      }
      read(draft, btf, member, isInner);
    });
  }
  return draft;
}

function definition(draft: Draft, name: string): Mutable<MapSpec> {
  const { values: _, type, ...rest } = draft;
  if (type === undefined) throw bad("a member 'type'", "none");
  const map = { name, type, keySize: 0, valueSize: 0, maxEntries: 0, flags: 0, ...rest };
  if (RING_BUFFERS.has(type)) map.maxEntries = ringBufferSize(map.maxEntries);
  return map;
}

/** A size that the kernel takes for a ring buffer: a power of two of at least a page. As libbpf rounds it. */
function ringBufferSize(wanted: number): number {
  if (wanted === 0 || wanted > 2 ** 31) return wanted;
  return Math.max(PAGE_SIZE, 2 ** Math.ceil(Math.log2(wanted)));
}

/** A BTF-defined map while the others that it may point to are being read. */
interface OpenMap {
  readonly name: string;
  readonly offset: number;
  readonly size: number;
  readonly values: Draft["values"];
  readonly slots: InitialSlot[];
  map: Mutable<MapSpec> | LoadError;
}

function openMaps(section: ImageSection, btf: Btf): OpenMap[] {
  const datasec = btf.findByName(section.name, "datasec");
  if (datasec?.kind !== "datasec") throw bad("BTF of the section", "none");
  // Extern maps are defined in another object.
  const own = datasec.vars.filter(({ type: id }) => {
    const variable = btf.type(id);
    return variable.kind !== "var" || variable.linkage !== "extern";
  });
  return own.map(({ type: id, offset, size }): OpenMap => {
    const { name } = btf.type(id);
    let values: Draft["values"];
    const map = unlessUnsupported(name, () => {
      const draft = readMembers(btf, definingStruct(btf, id), false);
      values = draft.values;
      if (offset + size > section.size)
        throw bad(`it inside ${section.size} bytes`, `${offset}..${offset + size}`);
      return definition(draft, name);
    });
    return { name, offset, size, values, slots: [], map };
  });
}

function definingStruct(btf: Btf, id: number): BtfStruct {
  const variable = btf.type(id);
  const type = variable.kind === "var" ? btf.resolve(variable.type) : variable;
  if (type.kind !== "struct") throw bad("a variable that is a struct", btf.typeName(id));
  return type;
}

/** What a pointer in the section `.maps` leads to. */
export interface MapPointers {
  /** Name of the program whose code starts at that place. */
  programAt(section: number, offset: number): string | undefined;
}

/**
 * The maps of a section `.maps`, with the maps or programs that they hold from the start.
 * Throws a LoadError (`bad-map`, `bad-btf`, `bad-relocation`) for definitions that contradict themselves.
 */
export function btfMaps(section: ImageSection, btf: Btf | undefined, pointers: MapPointers): DefinedMap[] {
  if (btf === undefined) throw bad("BTF in the object", "none");
  const maps = openMaps(section, btf);
  const byOffset = new Map(maps.map((map) => [map.offset, map]));
  for (const relocation of section.relocations) {
    const owner = recordAt(maps, relocation.offset);
    atPlace(`relocation at ${relocation.offset}`, () => {
      if (owner === undefined || relocation.offset >= owner.offset + owner.size) {
        throw badPointer("it inside a map", "one elsewhere");
      }
      if (owner.map instanceof LoadError) return;
      const slot = unlessUnsupported(owner.name, () => {
        return initialSlot(section, relocation, owner, byOffset, pointers);
      });
      if (slot instanceof LoadError) owner.map = slot;
      else owner.slots.push(slot);
    });
  }
  for (const { map, slots } of maps) {
    if (slots.length > 0 && !(map instanceof LoadError)) {
      map.initialSlots = slots.sort((a, b) => a.index - b.index);
    }
  }
  return maps;
}

function badPointer(expected: string, got: string): LoadError {
  return new LoadError("bad-relocation", "", `expected ${expected}, got ${got}`);
}

function initialSlot(
  section: ImageSection,
  relocation: ImageRelocation,
  owner: OpenMap,
  maps: ReadonlyMap<number, OpenMap>,
  pointers: MapPointers,
): InitialSlot {
  const { symbol, type, offset } = relocation;
  if (type !== R_BPF_64_ABS64 && type !== R_BPF_64_64) throw badPointer("R_BPF_64_ABS64", `type ${type}`);
  const { values } = owner;
  if (values === undefined || offset < owner.offset + values.offset) {
    throw badPointer("a pointer in 'values'", "one before");
  }
  const index = (offset - owner.offset - values.offset) / POINTER_SIZE;
  if (!Number.isInteger(index) || offset + POINTER_SIZE > section.bytes.length) {
    throw badPointer("a whole element of 'values'", "a part of one");
  }
  if (symbol.section === undefined) {
    const problem = "expected a map or a program of the object, got an extern one";
    throw new LoadError("unsupported", symbolPlace(symbol), problem);
  }
  const view = new DataView(section.bytes.buffer, section.bytes.byteOffset, section.bytes.byteLength);
  const target = symbol.value + view.getUint32(offset, true);
  if (values.type.kind === "func_proto") {
    const program = pointers.programAt(symbol.section, target);
    if (program !== undefined) return { index, program };
    throw badPointer("a program", `'${symbol.name}'`);
  }
  const found = symbol.section === section.index ? maps.get(target) : undefined;
  if (found === undefined) throw badPointer("a map of this section", `'${symbol.name}'`);
  if (found.map instanceof LoadError) throw found.map;
  return { index, map: found.map };
}
