// Fields of map values that are not plain bytes: locks, timers and their kin, which helpers alone may touch, and
// pointers into the kernel (kptrs). Found in the map's BTF by the names of structs and by type tags (btf_parse_fields
// in kernel/bpf/btf.c).

import type { MapSpec } from "../program.ts";

export interface MapField {
  /** Struct of the field, or which kind of pointer it is. */
  readonly name: string;
  readonly off: number;
  readonly size: number;
  /** Struct that a kptr points to, and its id in the map's BTF. */
  readonly struct?: string;
  readonly typeId?: number;
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

const known = new WeakMap<MapSpec, readonly MapField[]>();

/** The fields of a map's values, in order. */
export function mapFields(map: MapSpec): readonly MapField[] {
  const found = known.get(map) ?? findFields(map);
  known.set(map, found);
  return found;
}

function findFields({ btf, valueType }: MapSpec): MapField[] {
  const fields: MapField[] = [];
  if (btf === undefined || valueType === undefined || valueType === 0) return fields;
  let isRefused = false;
  const visit = (id: number, off: number, depth: number): void => {
    const type = btf.resolve(id);
    if (depth > 8) return;
    if (type.kind === "ptr") {
      const target = btf.type(type.type);
      if (target.kind !== "type_tag" || target.isAttribute) return;
      const name = TAGS[target.name];
      const struct = btf.resolve(type.type);
      if (name === undefined || struct.kind !== "struct") isRefused = true;
      else fields.push({ name, off, size: 8, struct: struct.name, typeId: struct.id });
    } else if (type.kind === "struct") {
      if (SPECIAL.has(type.name)) fields.push({ name: type.name, off, size: type.size });
      else for (const member of type.members) visit(member.type, off + (member.bitOffset >> 3), depth + 1);
    }
  };
  visit(valueType, 0, 0);
  // The kernel refuses types with a tag that it does not know, or on a pointer to what is only declared; loaders then
  // make the map without types.
  return isRefused ? [] : fields;
}

/** The offset of the field of that name; undefined when there is none. */
export function fieldOffset(map: MapSpec, name: string): number | undefined {
  return mapFields(map).find((field) => field.name === name)?.off;
}

/** Pointers into the kernel, of whichever kind. */
export const isKptr = ({ name }: MapField): boolean => name.startsWith("kptr");
