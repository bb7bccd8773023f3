// What lies at an offset of a struct, by its BTF: a number, a pointer to another struct, a struct inside. Takes and
// gives types and offsets, knows nothing of registers (btf_struct_walk and its callers in kernel/bpf/btf.c).

import type { Btf, BtfMember, BtfStruct, BtfType } from "../../btf/btf.ts";
import { hasSize, isStruct } from "../btf-types.ts";
import { Flag } from "../register.ts";
import { EACCES, EFAULT, EINVAL } from "../rejection.ts";

/** What an access of a struct meets. */
export type Place =
  | { readonly kind: "number" }
  /** A pointer to a struct; `flags` of the pointer's type (Flag), and the field that it was read from. */
  | { readonly kind: "pointer"; readonly typeId: number; readonly flags: number; readonly field: string }
  /** A pointer to anything else: its target may be read where it can be, with nothing known of it. */
  | { readonly kind: "other_pointer" }
  | Fault;

interface Fault {
  readonly kind: "fault";
  readonly errno: number;
  readonly message: string;
}

/** A struct that begins at the offset that was asked for. */
interface Inner {
  readonly kind: "struct";
  readonly typeId: number;
}

/** What a walk has met on its way: pointers found in a union are not to be trusted. */
interface Walk {
  readonly btf: Btf;
  readonly size: number;
  flags: number;
}

const NUMBER: Place = { kind: "number" };
const fault = (errno: number, message: string): Fault => ({ kind: "fault", errno, message });

/** What the kernel calls structs and members without a name here. */
const nameOf = ({ name }: { readonly name: string }): string => (name === "" ? "(anon)" : name);

/** What an access of `size` bytes at `off` of that struct meets. */
export function placeAt(btf: Btf, typeId: number, off: number, size: number): Place {
  const walk: Walk = { btf, size, flags: 0 };
  let [id, at] = [typeId, off];
  for (;;) {
    const found = step(walk, id, at);
    if (found.kind !== "struct") return found;
    id = found.typeId;
    at = 0;
  }
}

/**
 * True when a pointer to byte `off` of a struct is one to the struct `wanted` as well: it begins there. `note` is told
 * what ended the search.
 */
export function containsStruct(
  btf: Btf,
  typeId: number,
  off: number,
  wanted: { readonly btf: Btf; readonly typeId: number },
  isStrict: boolean,
  note?: (problem: string) => void,
): boolean {
  const isSame = (id: number): boolean => btf === wanted.btf && id === wanted.typeId;
  if (off === 0 && isSame(typeId)) return true;
  if (isStrict) return false;
  const walk: Walk = { btf, size: 1, flags: 0 };
  let found = step(walk, typeId, off);
  while (found.kind === "struct" && !isSame(found.typeId)) found = step(walk, found.typeId, 0);
  if (found.kind === "fault") note?.(found.message);
  return found.kind === "struct";
}

function step(walk: Walk, typeId: number, offset: number): Place | Inner {
  const { btf, size } = walk;
  let type = btf.resolve(typeId);
  let off = offset;
  for (;;) {
    if (!isStruct(type)) return fault(EINVAL, `Type '${nameOf(type)}' is not a struct`);
    const { members } = type;
    if (type.kind === "union" && members.length !== 1) walk.flags |= Flag.UNTRUSTED;
    if (off + size > type.size) {
      const element = flexibleElement(btf, type, off);
      if (element?.kind === "int") return NUMBER;
      if (element === undefined || !isStruct(element)) {
        return fault(EACCES, `access beyond struct ${nameOf(type)} at off ${off} size ${size}`);
      }
      off = (off - lastOffset(type)) % element.size;
      type = element;
      continue;
    }
    const next = memberAt(walk, type, off);
    if ("kind" in next) return next;
    type = next.type;
    off = next.off;
  }
}

const byteOffset = ({ bitOffset }: BtfMember): number => bitOffset >> 3;
const lastOffset = ({ members }: BtfStruct): number => byteOffset(members[members.length - 1]);

/** Elements of the array without a length that a struct ends with, where the offset lies in it. */
function flexibleElement(btf: Btf, { members }: BtfStruct, off: number): BtfType | undefined {
  const last = members.at(-1);
  if (last === undefined || off < byteOffset(last)) return undefined;
  const type = btf.resolve(last.type);
  return type.kind === "array" && type.length === 0 ? btf.resolve(type.type) : undefined;
}

/** A struct inside of the walked one, and the offset in it. */
interface Deeper {
  readonly type: BtfType;
  readonly off: number;
}

function memberAt(walk: Walk, struct: BtfStruct, off: number): Place | Inner | Deeper {
  const { size } = walk;
  for (const member of struct.members) {
    const start = byteOffset(member);
    if (off + size <= start) break;
    if (member.bitSize !== 0) {
      const end = (member.bitOffset + member.bitSize + 7) >> 3;
      if (off <= start && end <= off + size) return NUMBER;
      continue;
    }
    if (off < start) break;
    const found = inMember(walk, struct, member, off);
    if (found !== undefined) return found;
  }
  return fault(EINVAL, `struct ${nameOf(struct)} doesn't have field at offset ${off}`);
}

/** What of a member lies there; undefined when it ends before. */
function inMember(
  walk: Walk,
  struct: BtfStruct,
  member: BtfMember,
  off: number,
): Place | Inner | Deeper | undefined {
  const { btf, size } = walk;
  let [id, start] = [member.type, byteOffset(member)];
  let type = btf.resolve(id);
  if (!hasSize(btf, type)) return fault(EFAULT, `field ${nameOf(member)} doesn't have size`);
  const end = start + btf.sizeOf(id);
  if (off >= end) return undefined;
  while (type.kind === "array") {
    id = type.type;
    type = btf.resolve(id);
    // The innermost element: arrays of arrays are one long array.
    if (type.kind !== "array") {
      const each = btf.sizeOf(id);
      start += Math.floor((off - start) / each) * each;
    }
  }
  if (isStruct(type)) {
    return off === start ? { kind: "struct", typeId: type.id } : { type, off: off - start };
  }
  if (type.kind === "ptr") {
    if (size !== 8 || off !== start) {
      return fault(
        EACCES,
        `cannot access ptr member ${nameOf(member)} with moff ${start} in struct ${nameOf(struct)} with off ${off} size ${size}`,
      );
    }
    const target = btf.resolve(type.type);
    if (!isStruct(target)) return { kind: "other_pointer" };
    const flags = walk.flags | tagFlag(btf, type.type);
    return { kind: "pointer", typeId: target.id, flags, field: member.name };
  }
  // A number may be read with others of its array, and across members of a union.
  if (off + size > end && (walk.flags & Flag.UNTRUSTED) === 0) {
    return fault(
      EACCES,
      `access beyond the end of member ${nameOf(member)} (mend:${end}) in struct ${nameOf(struct)} with off ${off} size ${size}`,
    );
  }
  return NUMBER;
}

const TAG_FLAGS: Readonly<Record<string, Flag>> = { user: Flag.USER, percpu: Flag.PERCPU, rcu: Flag.RCU };

/** What a type tag says of the memory that a pointer leads to. */
export function tagFlag(btf: Btf, id: number): number {
  const type = btf.type(id);
  return type.kind === "type_tag" && !type.isAttribute ? (TAG_FLAGS[type.name] ?? 0) : 0;
}
