// What several parts of the verifier ask of BTF types: which count as numbers, what has a size, what the kernel calls
// them, and the tags of declarations.

import type { Btf, BtfStruct, BtfType } from "../btf/btf.ts";

export const isStruct = (type: BtfType): type is BtfStruct => type.kind === "struct" || type.kind === "union";

/** An integer or an enumeration: what messages call a scalar. */
export const isInteger = ({ kind }: BtfType): boolean =>
  kind === "int" || kind === "enum" || kind === "enum64";

/** The kind as messages have it (`STRUCT`). */
export const kindName = ({ kind }: BtfType): string => (kind === "void" ? "UNKNOWN" : kind.toUpperCase());

/** The name as messages have it: `void` has none. */
export const nameOf = ({ kind, name }: BtfType): string => (kind === "void" ? "" : name);

const SIZELESS: ReadonlySet<string> = new Set(["void", "fwd", "func", "func_proto", "decl_tag"]);

/** Functions and what is only declared have no size, nor have arrays of them. */
export function hasSize(btf: Btf, type: BtfType): boolean {
  let element = type;
  while (element.kind === "array") element = btf.resolve(element.type);
  return !SIZELESS.has(element.kind);
}

/** Bytes of a type; undefined for those that have none. */
export const sizeOf = (btf: Btf, id: number): number | undefined =>
  hasSize(btf, btf.resolve(id)) ? btf.sizeOf(id) : undefined;

const knownTags = new WeakMap<Btf, Map<string, DeclarationTags>>();

/** Tags by what they are on (`tagKey`). */
type DeclarationTags = ReadonlyMap<string, readonly string[]>;

/** A member of a struct, or a parameter of a function. */
export const tagKey = (typeId: number, index: number): string => `${typeId} ${index}`;

/** The tags of declarations that begin with `prefix`, without it. */
export function declarationTags(btf: Btf, prefix: string): DeclarationTags {
  const known = knownTags.get(btf) ?? new Map<string, DeclarationTags>();
  knownTags.set(btf, known);
  let tags = known.get(prefix);
  if (tags === undefined) {
    tags = findTags(btf, prefix);
    known.set(prefix, tags);
  }
  return tags;
}

function findTags(btf: Btf, prefix: string): DeclarationTags {
  const tags = new Map<string, string[]>();
  for (let id = 1; id < btf.count; id++) {
    if (btf.kind(id) !== "decl_tag") continue;
    const tag = btf.type(id);
    if (tag.kind !== "decl_tag" || !tag.name.startsWith(prefix)) continue;
    const key = tagKey(tag.type, tag.component);
    tags.set(key, [...(tags.get(key) ?? []), tag.name.slice(prefix.length)]);
  }
  return tags;
}
