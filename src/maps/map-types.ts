// The creation table: per map type its number, name, the checks that the kernel makes of a definition, and how
// its header and memory are laid out. A new map type is a row here and a data plane in
// assembly/portable/maps/.

import { Bpf, MapType } from "../../assembly/shared/codes.ts";
import { Bucket, Element, MapHeader } from "../../assembly/shared/layout.ts";
import { MAP_TYPE_NAMES } from "../map-type-names.ts";
import type { MapSpec } from "../program.ts";
import type { Runtime } from "../runtime.ts";

/** What a type's `layOut` gives back: the blocks to free with the map, and where its values lie for checked access. */
export interface MapLayout {
  readonly blocks: readonly number[];
  readonly valuesStart: number;
  readonly valuesEnd: number;
  readonly stride: number;
}

export interface MapTypeRow {
  readonly type: MapType;
  /** Creation flags that the type takes. */
  readonly flags: number;
  /** What is wrong with the definition beyond what all types share, or undefined. */
  readonly check: (spec: MapSpec) => string | undefined;
  /** Takes memory and fills the header's fields after MAP_ID; throws a RangeError when there is too little memory. */
  readonly layOut: (runtime: Runtime, header: number, spec: MapSpec) => MapLayout;
}

const ACCESS_FLAGS = Bpf.F_RDONLY | Bpf.F_WRONLY | Bpf.F_RDONLY_PROG | Bpf.F_WRONLY_PROG;
const INT_MAX = 0x7fffffff;
/** The kernel takes an element from kmalloc, whose largest piece this is (x86-64). */
const KMALLOC_MAX = 4 << 20;

const round8 = (bytes: number): number => Math.ceil(bytes / 8) * 8;

function layOutArray(runtime: Runtime, header: number, spec: MapSpec): MapLayout {
  const { memory, heap } = runtime;
  const stride = round8(spec.valueSize);
  const values = heap.allocate(stride * spec.maxEntries, true);
  memory.store32(header + MapHeader.VALUES, values);
  memory.store32(header + MapHeader.STRIDE, stride);
  return { blocks: [values], valuesStart: values, valuesEnd: values + stride * spec.maxEntries, stride };
}

/** One element more than `max_entries`: the spare, so that a full map can still replace a value. */
function layOutHash(runtime: Runtime, header: number, spec: MapSpec): MapLayout {
  const { memory, heap } = runtime;
  const valueOffset = Element.KEY + round8(spec.keySize);
  const stride = valueOffset + round8(spec.valueSize);
  const bucketCount = 2 ** Math.ceil(Math.log2(spec.maxEntries));
  const buckets = heap.allocate(bucketCount * Bucket.SIZE);
  let elements: number;
  try {
    elements = heap.allocate(stride * (spec.maxEntries + 1), true);
  } catch (error) {
    heap.free(buckets);
    throw error;
  }
  memory.store32(header + MapHeader.VALUES, elements);
  memory.store32(header + MapHeader.STRIDE, stride);
  memory.store32(header + MapHeader.BUCKETS, buckets);
  memory.store32(header + MapHeader.BUCKET_MASK, bucketCount - 1);
  memory.store32(header + MapHeader.SEED, (spec.flags & Bpf.F_ZERO_SEED) !== 0 ? 0 : runtime.seed);
  memory.store32(header + MapHeader.SPARE, elements + stride * spec.maxEntries);
  memory.store32(header + MapHeader.ELEMENTS, elements);
  memory.store32(header + MapHeader.VALUE_OFFSET, valueOffset);
  const valuesEnd = elements + stride * (spec.maxEntries + 1) + valueOffset;
  return { blocks: [buckets, elements], valuesStart: elements + valueOffset, valuesEnd, stride };
}

const ROWS: readonly MapTypeRow[] = [
  {
    type: MapType.HASH,
    flags: Bpf.F_NO_PREALLOC | Bpf.F_NUMA_NODE | Bpf.F_ZERO_SEED | ACCESS_FLAGS,
    check: (spec) =>
      spec.keySize + spec.valueSize >= KMALLOC_MAX
        ? `expected key and value below ${KMALLOC_MAX} bytes together`
        : undefined,
    layOut: layOutHash,
  },
  {
    type: MapType.ARRAY,
    flags: Bpf.F_NUMA_NODE | Bpf.F_MMAPABLE | Bpf.F_INNER_MAP | ACCESS_FLAGS,
    check: (spec) => (spec.keySize !== 4 ? `expected a key of 4 bytes, got ${spec.keySize}` : undefined),
    layOut: layOutArray,
  },
];

/** The row for `spec`, whose fields are such that a map can be made; a RangeError that names the field otherwise. */
export function checkMapSpec(spec: MapSpec): MapTypeRow {
  const place = `map ${spec.name}`;
  const row = ROWS.find(({ type }) => type === spec.type);
  if (row === undefined) {
    const known = ROWS.map(({ type }) => `${type} (${MAP_TYPE_NAMES[type]})`).join(" or ");
    const name = MAP_TYPE_NAMES[spec.type] ?? "no type of the kernel";
    throw new RangeError(`${place}: expected type ${known}, got ${spec.type} (${name})`);
  }
  for (const field of ["keySize", "valueSize", "maxEntries"] as const) {
    const value = spec[field];
    const limit = field === "maxEntries" ? 0xffffffff : INT_MAX;
    if (!Number.isInteger(value) || value < 1 || value > limit) {
      throw new RangeError(`${place}: expected ${field} in 1..${limit}, got ${value}`);
    }
  }
  if ((spec.flags & ~row.flags) !== 0) {
    throw new RangeError(
      `${place}: expected flags within 0x${row.flags.toString(16)}, got 0x${(spec.flags >>> 0).toString(16)}`,
    );
  }
  for (const both of [Bpf.F_RDONLY | Bpf.F_WRONLY, Bpf.F_RDONLY_PROG | Bpf.F_WRONLY_PROG]) {
    if ((spec.flags & both) === both)
      throw new RangeError(`${place}: expected read-only or write-only, got both`);
  }
  const problem = row.check(spec);
  if (problem !== undefined) throw new RangeError(`${place}: ${problem}`);
  return row;
}
