// Builds BTF blobs for tests, a record per call; ids count from 1 in the order of the calls.

/** A member of a struct or union: name, type id, bit offset, and the size of a bitfield. */
export type MemberSpec = readonly [name: string, type: number, bitOffset: number, bitSize?: number];

const KIND = {
  int: 1,
  ptr: 2,
  array: 3,
  struct: 4,
  union: 5,
  enum: 6,
  fwd: 7,
  typedef: 8,
  volatile: 9,
  const: 10,
  restrict: 11,
  func: 12,
  func_proto: 13,
  var: 14,
  datasec: 15,
  float: 16,
  decl_tag: 17,
  type_tag: 18,
  enum64: 19,
} as const;

export type Kind = keyof typeof KIND;

export class BtfBuilder {
  #strings: number[] = [0];
  #offsets = new Map<string, number>([["", 0]]);
  #words: number[] = [];
  #count = 1;

  string(text: string): number {
    const known = this.#offsets.get(text);
    if (known !== undefined) return known;
    const offset = this.#strings.length;
    this.#offsets.set(text, offset);
    this.#strings.push(...new TextEncoder().encode(text), 0);
    return offset;
  }

  /** Any record at all: `third` is its size or type, `extra` what follows. */
  record(
    kind: number,
    name: string,
    vlen: number,
    third: number,
    extra: readonly number[] = [],
    flag = false,
  ) {
    const info = ((flag ? 0x80000000 : 0) | (kind << 24) | vlen) >>> 0;
    this.#words.push(this.string(name), info, third >>> 0, ...extra.map((word) => word >>> 0));
    return this.#count++;
  }

  int(name: string, size: number, encoding = 0, bits = 8 * size, bitOffset = 0): number {
    return this.record(KIND.int, name, 0, size, [(encoding << 24) | (bitOffset << 16) | bits]);
  }

  /** A pointer, qualifier, typedef, tag, function or prototype without parameters. */
  refer(kind: Kind, type: number, name = ""): number {
    return this.record(KIND[kind], name, kind === "func" ? 1 : 0, type);
  }

  array(type: number, length: number, indexType = type): number {
    return this.record(KIND.array, "", 0, 0, [type, indexType, length]);
  }

  struct(kind: "struct" | "union", name: string, size: number, members: readonly MemberSpec[]): number {
    const flag = members.some((member) => (member[3] ?? 0) > 0);
    const extra = members.flatMap(([member, type, offset, bits = 0]) => [
      this.string(member),
      type,
      flag ? (bits << 24) | offset : offset,
    ]);
    return this.record(KIND[kind], name, members.length, size, extra, flag);
  }

  enum(name: string, size: number, values: readonly (readonly [string, number])[], isSigned = false): number {
    const extra = values.flatMap(([value, number]) => [this.string(value), number]);
    return this.record(KIND.enum, name, values.length, size, extra, isSigned);
  }

  enum64(name: string, values: readonly (readonly [string, bigint])[], isSigned = false): number {
    const extra = values.flatMap(([value, number]) => [
      this.string(value),
      Number(BigInt.asUintN(32, number)),
      Number(BigInt.asUintN(32, number >> 32n)),
    ]);
    return this.record(KIND.enum64, name, values.length, 8, extra, isSigned);
  }

  fwd(name: string, isUnion = false): number {
    return this.record(KIND.fwd, name, 0, 0, [], isUnion);
  }

  proto(result: number, params: readonly (readonly [string, number])[]): number {
    const extra = params.flatMap(([name, type]) => [this.string(name), type]);
    return this.record(KIND.func_proto, "", params.length, result, extra);
  }

  variable(name: string, type: number, linkage = 1): number {
    return this.record(KIND.var, name, 0, type, [linkage]);
  }

  datasec(
    name: string,
    size: number,
    vars: readonly (readonly [type: number, offset: number, size: number])[],
  ) {
    return this.record(KIND.datasec, name, vars.length, size, vars.flat());
  }

  float(name: string, size: number): number {
    return this.record(KIND.float, name, 0, size);
  }

  tag(name: string, type: number, component = -1): number {
    return this.record(KIND.decl_tag, name, 0, type, [component]);
  }

  bytes(): Uint8Array<ArrayBuffer> {
    const typesLength = 4 * this.#words.length;
    const bytes = new Uint8Array(24 + typesLength + this.#strings.length);
    const view = new DataView(bytes.buffer);
    view.setUint16(0, 0xeb9f, true);
    view.setUint8(2, 1);
    for (const [index, word] of [24, 0, typesLength, typesLength, this.#strings.length].entries()) {
      view.setUint32(4 + 4 * index, word, true);
    }
    for (const [index, word] of this.#words.entries()) view.setUint32(24 + 4 * index, word, true);
    bytes.set(this.#strings, 24 + typesLength);
    return bytes;
  }
}
