// Values of a BTF type between bytes and JavaScript: keys and values of maps, contexts, global variables. A codec
// is made once for a type and used for any number of values. Layout is what BTF says (offsets are never
// computed here), byte order little-endian. A value that does not fit its type is a wrong call by the user:
// TypeError or RangeError with the path to it, `key.addr[3]: expected 0..255, got 300`.

import { LoadError } from "../errors.ts";
import type { Btf, BtfInt, BtfMember, BtfStruct, BtfType } from "./btf.ts";
import {
  type BitfieldMeaning,
  type BtfValue,
  bitfieldCodec,
  booleanCodec,
  floatCodec,
  integerCodec,
  Mismatch,
  show,
  stringCodec,
  type ValueCodec,
} from "./codec-scalars.ts";

export type { BtfValue } from "./codec-scalars.ts";

/** Reads and writes values of one type. */
export interface Codec {
  /** Bytes of a value. */
  readonly size: number;
  /**
   * The value in the `size` bytes at `at`. Integers and enums up to 32 bits are numbers; wider ones and pointers
   * bigints; bool is a boolean; `char[N]` a string up to its NUL; other arrays are arrays; structs plain
   * objects, anonymous struct and union members being members of the outer one as in C; of a union every
   * member is read. A RangeError when there are fewer bytes.
   */
  decode(bytes: Uint8Array, at?: number): BtfValue;
  /**
   * `size` new bytes that hold the value. Numbers and bigints are both fine where they fit; members that are
   * not given are zero, as is padding; of a union those given are written in the order of declaration.
   * `name` is what error messages call the value.
   * Throws a TypeError for a value of the wrong kind or an unknown member, a RangeError for one out of range.
   */
  encode(value: unknown, name?: string): Uint8Array<ArrayBuffer>;
}

/** Structs, unions and arrays inside each other. */
const MAX_DEPTH = 32;
/** Scalars and bytes in one value; beyond, a codec is refused: a few bytes of BTF could ask for hours. */
const MAX_SCALARS = 1 << 24;
const MAX_SIZE = 1 << 30;
/** Members looked at for one codec, for the same reason. */
const MAX_MEMBERS = 1 << 20;
const POINTER_SIZE = 8;

/**
 * Makes the codec of the type with that id: any that has a size, a variable or a whole section of variables
 * included. Throws a LoadError (`bad-btf`) for a type without values, and where the type information makes
 * no sense: members outside their struct, types inside themselves.
 */
export function codecOf(btf: Btf, typeId: number): Codec {
  const codec = new Compiler(btf).codec(typeId, 0);
  return {
    size: codec.size,
    decode(bytes, at = 0) {
      if (!(at >= 0 && at + codec.size <= bytes.length)) {
        throw new RangeError(`expected ${codec.size} bytes at ${at}, got ${bytes.length} in all`);
      }
      return codec.read(new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), at);
    },
    encode(value, name = "value") {
      const bytes = new Uint8Array(codec.size);
      try {
        codec.write(new DataView(bytes.buffer), 0, value);
      } catch (error) {
        throw error instanceof Mismatch ? wrongValue(error, name) : error;
      }
      return bytes;
    },
  };
}

function wrongValue(mismatch: Mismatch, name: string): Error {
  const message = `${name}${mismatch.path}: expected ${mismatch.expected}, got ${show(mismatch.value)}`;
  return mismatch.isRange ? new RangeError(message) : new TypeError(message);
}

/** A member of a struct, or of an anonymous struct or union in it. */
interface Field {
  readonly name: string;
  /** Bytes from the start of the struct. */
  readonly at: number;
  readonly codec: ValueCodec;
}

class Compiler {
  readonly btf: Btf;
  readonly #made = new Map<number, ValueCodec>();
  #membersLeft = MAX_MEMBERS;

  constructor(btf: Btf) {
    this.btf = btf;
  }

  codec(typeId: number, depth: number): ValueCodec {
    const type = this.btf.resolve(typeId);
    const known = this.#made.get(type.id);
    if (known !== undefined) return known;
    if (depth > MAX_DEPTH)
      throw bad(type, `at most ${MAX_DEPTH} types inside each other`, "more, or a circle");
    const made = this.#make(type, depth);
    if (made.scalars > MAX_SCALARS) throw bad(type, `at most ${MAX_SCALARS} scalars in a value`, "more");
    if (made.size > MAX_SIZE) throw bad(type, `at most ${MAX_SIZE} bytes in a value`, `${made.size}`);
    this.#made.set(type.id, made);
    return made;
  }

  #make(type: BtfType, depth: number): ValueCodec {
    switch (type.kind) {
      case "int":
        return this.#int(type);
      case "enum":
      case "enum64":
        // Compilers that know no signed enums mark all as unsigned: let negative enumerators be written.
        return integerCodec(integerSize(type, 8), { isSigned: type.isSigned, anyPattern: !type.isSigned });
      case "float":
        return floatCodec(integerSize(type, 16));
      case "ptr":
        return integerCodec(POINTER_SIZE, { isSigned: false });
      case "array":
        return this.#array(type.type, type.length, type, depth);
      case "struct":
      case "union":
        return structCodec(type.size, this.#fields(type, 0, type, depth, []));
      case "var":
        return this.codec(type.type, depth + 1);
      case "datasec":
        return structCodec(type.size, this.#variables(type, depth));
      default:
        throw bad(type, "a type that has values", this.btf.typeName(type.id));
    }
  }

  #int(type: BtfInt): ValueCodec {
    const size = integerSize(type, 16);
    if (type.bits !== 8 * size || type.bitOffset !== 0) {
      throw bad(type, `${8 * size} bits outside of structs`, `${type.bits} at bit ${type.bitOffset}`);
    }
    return type.isBool ? booleanCodec(size) : integerCodec(size, type);
  }

  #array(elementId: number, length: number, type: BtfType, depth: number): ValueCodec {
    const element = this.btf.resolve(elementId);
    const isChar = element.kind === "int" && element.name === "char" && element.size === 1 && !element.isBool;
    if (isChar) return stringCodec(length);
    const codec = this.codec(elementId, depth + 1);
    // An element without bytes still costs time and memory.
    if (length * Math.max(1, codec.scalars) > MAX_SCALARS) {
      throw bad(type, `at most ${MAX_SCALARS} scalars in a value`, `${length} elements`);
    }
    return arrayCodec(codec, length);
  }

  /** Adds the members of a struct that starts `baseBits` into `outer`, those of anonymous ones in their place. */
  #fields(type: BtfStruct, baseBits: number, outer: BtfStruct, depth: number, fields: Field[]): Field[] {
    if (depth > MAX_DEPTH)
      throw bad(type, `at most ${MAX_DEPTH} types inside each other`, "more, or a circle");
    this.#membersLeft -= type.members.length;
    if (this.#membersLeft < 0) throw bad(outer, `at most ${MAX_MEMBERS} members`, "more");
    for (const member of type.members) {
      const inner = this.btf.resolve(member.type);
      const bitOffset = baseBits + member.bitOffset;
      if (member.name === "" && (inner.kind === "struct" || inner.kind === "union")) {
        this.#fields(inner, bitOffset, outer, depth + 1, fields);
      } else if (member.name !== "") {
        fields.push(this.#field(member, inner, bitOffset, outer, depth));
      }
    }
    return fields;
  }

  #field(member: BtfMember, type: BtfType, bitOffset: number, outer: BtfStruct, depth: number): Field {
    let { bitSize } = member;
    let start = bitOffset;
    // Old compilers describe a bitfield by an int type of its own that has fewer bits than its bytes.
    if (bitSize === 0 && type.kind === "int" && (type.bits !== 8 * type.size || bitOffset % 8 !== 0)) {
      start += type.bitOffset;
      bitSize = type.bits;
    }
    const codec = bitSize === 0 ? this.codec(type.id, depth + 1) : bitfield(type, start % 8, bitSize);
    const at = Math.floor(start / 8);
    if ((bitSize === 0 && start % 8 !== 0) || at + codec.size > outer.size) {
      const got = `'${member.name}' of ${codec.size} bytes at bit ${start}`;
      throw bad(outer, `members inside its ${outer.size} bytes`, got);
    }
    return { name: member.name, at, codec };
  }

  #variables(type: BtfType & { kind: "datasec" }, depth: number): Field[] {
    return type.vars.map(({ type: id, offset }) => {
      const { name } = this.btf.type(id);
      const codec = this.codec(id, depth + 1);
      if (offset + codec.size > type.size) {
        const got = `'${name}' of ${codec.size} bytes at ${offset}`;
        throw bad(type, `variables inside its ${type.size} bytes`, got);
      }
      return { name, at: offset, codec };
    });
  }
}

function bad(type: BtfType, expected: string, got: string): LoadError {
  return new LoadError("bad-btf", `type ${type.id}`, `expected ${expected}, got ${got}`);
}

function integerSize(type: BtfType & { size: number }, limit: number): number {
  if (type.size >= 1 && type.size <= limit) return type.size;
  throw bad(type, `a size of 1..${limit} bytes`, `${type.size}`);
}

function bitfield(type: BtfType, bitOffset: number, bits: number): ValueCodec {
  let meaning: BitfieldMeaning;
  if (type.kind === "int") meaning = type.isBool ? "boolean" : type.isSigned ? "signed" : "unsigned";
  else if (type.kind === "enum" || type.kind === "enum64") meaning = type.isSigned ? "signed" : "pattern";
  else throw bad(type, "an integer or an enum as a bitfield", type.kind);
  if (bits < 1 || bits > 128) throw bad(type, "a bitfield of 1..128 bits", `${bits}`);
  return bitfieldCodec(bitOffset, bits, meaning);
}

/** Runs `write`; a mismatch in it gets `step` in front of its path. */
function inside(step: string | number, write: () => void): void {
  try {
    write();
  } catch (error) {
    if (error instanceof Mismatch) error.path = `${pathStep(step)}${error.path}`;
    throw error;
  }
}

const pathStep = (step: string | number): string => (typeof step === "number" ? `[${step}]` : `.${step}`);

function arrayCodec(element: ValueCodec, length: number): ValueCodec {
  const { size } = element;
  return {
    size: size * length,
    scalars: element.scalars * length,
    read: (view, at) => Array.from({ length }, (_, index) => element.read(view, at + index * size)),
    write(view, at, value) {
      const isList = Array.isArray(value) || (ArrayBuffer.isView(value) && !(value instanceof DataView));
      if (!isList) throw new Mismatch(`an array of ${length}`, value, false);
      const list = value as ArrayLike<unknown>;
      if (list.length !== length) throw new Mismatch(`an array of ${length}`, value, true);
      for (let i = 0; i < length; i++) inside(i, () => element.write(view, at + i * size, list[i]));
    },
  };
}

function structCodec(size: number, fields: readonly Field[]): ValueCodec {
  const names = new Set(fields.map((field) => field.name));
  const scalars = fields.reduce((sum, field) => sum + field.codec.scalars, 1);
  return {
    size,
    scalars,
    read(view, at) {
      const value: Record<string, BtfValue> = {};
      for (const field of fields) setOwn(value, field.name, field.codec.read(view, at + field.at));
      return value;
    },
    write(view, at, value) {
      if (typeof value !== "object" || value === null || Array.isArray(value) || ArrayBuffer.isView(value)) {
        throw new Mismatch(`an object with ${listed(names)}`, value, false);
      }
      for (const name of Object.keys(value)) {
        if (!names.has(name)) throw new Mismatch(`one of the members ${listed(names)}`, name, false);
      }
      for (const { name, at: offset, codec } of fields) {
        const given = Object.hasOwn(value, name) ? (value as Record<string, unknown>)[name] : undefined;
        if (given !== undefined) inside(name, () => codec.write(view, at + offset, given));
      }
    },
  };
}

const MAX_LISTED = 12;

function listed(names: ReadonlySet<string>): string {
  return [...[...names].slice(0, MAX_LISTED), ...(names.size > MAX_LISTED ? ["..."] : [])].join(", ");
}

/** Assigns a property that is an own one even when it is called `__proto__`. */
function setOwn(target: Record<string, BtfValue>, name: string, value: BtfValue): void {
  if (name !== "__proto__") target[name] = value;
  else Object.defineProperty(target, name, { value, writable: true, enumerable: true, configurable: true });
}

/** The name of an enum's value, of the first enumerator that has it; undefined when none has, or no enum. */
export function enumName(btf: Btf, typeId: number, value: number | bigint): string | undefined {
  const type = btf.resolve(typeId);
  if (type.kind !== "enum" && type.kind !== "enum64") return undefined;
  const wanted = BigInt(value);
  for (const enumerator of type.values) if (BigInt(enumerator.value) === wanted) return enumerator.name;
  return undefined;
}

/** The value of an enum's enumerator of that name; undefined when it has none, or is no enum. */
export function enumValue(btf: Btf, typeId: number, name: string): number | bigint | undefined {
  const type = btf.resolve(typeId);
  if (type.kind !== "enum" && type.kind !== "enum64") return undefined;
  for (const enumerator of type.values) if (enumerator.name === name) return enumerator.value;
  return undefined;
}
