// Fields of map values that helpers alone may touch: locks, timers and their kin, found by the names of their structs
// in the map's BTF (btf_parse_fields in kernel/bpf/btf.c).

import type { MapSpec } from "../program.ts";

export interface MapField {
  readonly name: string;
  readonly off: number;
  readonly size: number;
}

const SPECIAL: ReadonlySet<string> = new Set([
  ...["bpf_spin_lock", "bpf_res_spin_lock", "bpf_timer", "bpf_wq", "bpf_list_head", "bpf_list_node"],
  ...["bpf_rb_root", "bpf_rb_node", "bpf_refcount", "bpf_task_work"],
]);

const known = new WeakMap<MapSpec, readonly MapField[]>();

/** The fields of a map's values, in order. */
export function mapField(map: MapSpec): readonly MapField[] {
  const found = known.get(map) ?? findFields(map);
  known.set(map, found);
  return found;
}

function findFields({ btf, valueType }: MapSpec): MapField[] {
  const fields: MapField[] = [];
  if (btf === undefined || valueType === undefined || valueType === 0) return fields;
  const visit = (id: number, off: number, depth: number): void => {
    const type = btf.resolve(id);
    if (depth > 8) return;
    if (type.kind === "struct") {
      if (SPECIAL.has(type.name)) {
        fields.push({ name: type.name, off, size: type.size });
        return;
      }
      for (const member of type.members) visit(member.type, off + (member.bitOffset >> 3), depth + 1);
    }
  };
  visit(valueType, 0, 0);
  return fields;
}

/** The offset of the field of that name; undefined when there is none. */
export function fieldOffset(map: MapSpec, name: string): number | undefined {
  return mapField(map).find((field) => field.name === name)?.off;
}
