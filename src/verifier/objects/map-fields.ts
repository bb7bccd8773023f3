// Fields of map values that are not plain bytes: locks, timers and their kin, which helpers alone may touch, and
// pointers into the kernel (kptrs). Found in the map's BTF by the names of structs and by type tags (btf_parse_fields
// in kernel/bpf/btf.c).

import type { Btf } from "../../btf/btf.ts";
import type { MapSpec } from "../../program.ts";
import { declarationTags, tagKey } from "../btf-types.ts";

export interface MapField {
  /** Struct of the field, or which kind of pointer it is. */
  readonly name: string;
  readonly off: number;
  readonly size: number;
  /** Struct that a kptr points to, and its id in the map's BTF. */
  readonly struct?: string;
  readonly typeId?: number;
  /** Of a list or a tree: the struct of its elements, and where in them they are linked. */
  readonly contains?: { readonly typeId: number; readonly off: number } | undefined;
}

const SPECIAL: ReadonlySet<string> = new Set([
  ...["bpf_spin_lock", "bpf_res_spin_lock", "bpf_timer", "bpf_wq", "bpf_list_head", "bpf_list_node"],
  ...["bpf_rb_root", "bpf_rb_node", "bpf_refcount", "bpf_task_work"],
]);

/** Type tags that make a pointer a kptr, and what it is called here. */
const TAGS: Readonly<Record<string, string>> = {
  kptr_untrusted: "kptr",
  kptr: "kptr_ref",
  percpu_kptr: "kptr_percpu",
};

const fieldsOfMap = new WeakMap<MapSpec, readonly MapField[]>();
const fieldsOfType = new WeakMap<Btf, Map<number, readonly MapField[]>>();

/** The fields of a map's values, in order. */
export function mapFields(map: MapSpec): readonly MapField[] {
  let found = fieldsOfMap.get(map);
  if (found === undefined) {
    const { btf, valueType = 0 } = map;
    found = btf === undefined || valueType === 0 ? [] : structFields(btf, valueType);
    fieldsOfMap.set(map, found);
  }
  return found;
}

/** The same of a type of the program's. */
export function structFields(btf: Btf, typeId: number): readonly MapField[] {
  const known = fieldsOfType.get(btf) ?? new Map<number, readonly MapField[]>();
  fieldsOfType.set(btf, known);
  let found = known.get(typeId);
  if (found === undefined) {
    found = findFields(btf, typeId);
    known.set(typeId, found);
  }
  return found;
}

function findFields(btf: Btf, typeId: number): MapField[] {
  const fields: MapField[] = [];
  let isRefused = false;
  const visit = (id: number, off: number, depth: number, tag?: string): void => {
    const type = btf.resolve(id);
    if (depth > 8) return;
    if (type.kind === "ptr") {
      const target = btf.type(type.type);
      if (target.kind !== "type_tag" || target.isAttribute) return;
      const name = TAGS[target.name];
      const struct = btf.resolve(type.type);
      if (name === undefined || struct.kind !== "struct") isRefused = true;
      else fields.push({ name, off, size: 8, struct: struct.name, typeId: struct.id });
    } else if (type.kind === "struct" && SPECIAL.has(type.name)) {
      const contains = tag === undefined ? undefined : containedBy(btf, tag);
      fields.push({ name: type.name, off, size: type.size, ...(contains && { contains }) });
    } else if (type.kind === "struct") {
      for (const [index, member] of type.members.entries()) {
        const contains = declarationTags(btf, "contains:").get(tagKey(type.id, index))?.at(-1);
        visit(member.type, off + (member.bitOffset >> 3), depth + 1, contains);
      }
    }
  };
  visit(typeId, 0, 0);
  // The kernel refuses types with a tag that it does not know, or on a pointer to what is only declared; loaders then
  // make the map without types.
  return isRefused ? [] : fields;
}

/** `node_data:node`: the struct of the elements, and which of its members links them. */
function containedBy(btf: Btf, tag: string): MapField["contains"] {
  const [struct = "", name = ""] = tag.split(":");
  const type = btf.findByName(struct, "struct");
  const member = type?.kind === "struct" ? type.members.find((each) => each.name === name) : undefined;
  if (type === undefined || member === undefined) return undefined;
  return { typeId: type.id, off: member.bitOffset >> 3 };
}

/** Pointers into the kernel, of whichever kind. */
export const isKptr = ({ name }: MapField): boolean => name.startsWith("kptr");
