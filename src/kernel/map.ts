// Maps of the machine's kernel, made from the specs that the library's own maps are made from.

import { closeSync, readFileSync } from "node:fs";
import type { MapSpec } from "../program.ts";
import { BpfCall, type BpfCommand } from "./attr.ts";
import { KernelError, pinnedBytes } from "./syscall.ts";

const PERF_EVENT_ARRAY = 4;
/** percpu_hash, percpu_array, lru_percpu_hash, percpu_cgroup_storage. */
const PER_CPU: ReadonlySet<number> = new Set([5, 6, 10, 21]);
const ENOENT = 2;

/** CPUs that the kernel makes room for: the last of a list such as `0-3`, and one. */
export function possibleCpus(): number {
  const list = readFileSync("/sys/devices/system/cpu/possible", "utf8").trim();
  return Number(/\d+$/.exec(list)?.[0] ?? 0) + 1;
}

/** Gives the file descriptor of a spec's BTF, where it has one that the kernel takes. */
export type BtfLookup = (spec: MapSpec) => number | undefined;

/** A map of the kernel. Whoever makes it closes it. */
export class KernelMap {
  readonly spec: MapSpec;
  readonly fd: number;
  /** Bytes of a value as bpf(2) passes it: all CPUs' values in per-CPU maps, each on eight bytes. */
  readonly valueBytes: number;
  #isOpen = true;

  /** Throws a KernelError where the kernel refuses the definition. */
  constructor(spec: MapSpec, btfOf: BtfLookup = () => undefined) {
    this.spec = spec;
    const perCpu = PER_CPU.has(spec.type);
    this.valueBytes = perCpu ? Math.ceil(spec.valueSize / 8) * 8 * possibleCpus() : spec.valueSize;
    this.fd = createMap(spec, btfOf);
    try {
      if (spec.contents !== undefined && spec.contents.length > 0)
        this.update(new Uint8Array(4), spec.contents);
      if (spec.frozen === true) new BpfCall("BPF_MAP_FREEZE", { map_fd: this.fd }).run();
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** Sets an entry. `flags`: BPF_ANY 0, BPF_NOEXIST 1, BPF_EXIST 2. Throws a KernelError. */
  update(key: Uint8Array, value: Uint8Array, flags = 0n): void {
    this.#expect("value", value, this.valueBytes);
    this.#element("BPF_MAP_UPDATE_ELEM", { key: this.#key(key), value: pinnedBytes(value), flags });
  }

  /** The value of a key; undefined where there is none. */
  lookup(key: Uint8Array): Uint8Array | undefined {
    const value = pinnedBytes(this.valueBytes);
    return this.#element("BPF_MAP_LOOKUP_ELEM", { key: this.#key(key), value }) ? value : undefined;
  }

  /** Removes an entry; false where there was none. */
  delete(key: Uint8Array): boolean {
    return this.#element("BPF_MAP_DELETE_ELEM", { key: this.#key(key) });
  }

  /** The key behind `key`, or the first one; undefined behind the last. */
  nextKey(key?: Uint8Array): Uint8Array | undefined {
    const next = pinnedBytes(this.spec.keySize);
    const found = this.#element("BPF_MAP_GET_NEXT_KEY", { key: key && this.#key(key), value: next });
    return found ? next : undefined;
  }

  /** All entries, in the kernel's order. */
  *entries(): Generator<[key: Uint8Array, value: Uint8Array]> {
    for (let key = this.nextKey(); key !== undefined; key = this.nextKey(key)) {
      const value = this.lookup(key);
      if (value !== undefined) yield [key, value];
    }
  }

  /** Gives it back; a second time does nothing. */
  close(): void {
    if (this.#isOpen) closeSync(this.fd);
    this.#isOpen = false;
  }

  #key(key: Uint8Array): Uint8Array {
    this.#expect("key", key, this.spec.keySize);
    return pinnedBytes(key);
  }

  #expect(what: string, bytes: Uint8Array, size: number): void {
    if (bytes.length === size) return;
    throw new RangeError(`map ${this.spec.name}: expected a ${what} of ${size} bytes, got ${bytes.length}`);
  }

  /** False for ENOENT; throws a KernelError for any other errno. */
  #element(
    command: Extract<BpfCommand, `BPF_MAP_${string}_ELEM` | "BPF_MAP_GET_NEXT_KEY">,
    fields: { key?: Uint8Array | undefined; value?: Uint8Array; flags?: bigint },
  ): boolean {
    const result = new BpfCall(command, { map_fd: this.fd, ...fields }).try();
    if (result >= 0) return true;
    if (result === -ENOENT) return false;
    throw new KernelError(`map ${this.spec.name}: ${command}`, -result);
  }
}

function createMap(spec: MapSpec, btfOf: BtfLookup): number {
  const place = `map ${spec.name}: BPF_MAP_CREATE`;
  const inner = spec.innerMap && new KernelMap(spec.innerMap, btfOf);
  const create = (types: object): number =>
    new BpfCall("BPF_MAP_CREATE", {
      map_type: spec.type,
      key_size: spec.keySize,
      value_size: spec.valueSize,
      // A slot per CPU is what a definition means that leaves it out.
      max_entries: spec.type === PERF_EVENT_ARRAY && spec.maxEntries === 0 ? possibleCpus() : spec.maxEntries,
      map_flags: spec.flags,
      inner_map_fd: inner?.fd,
      numa_node: spec.numaNode,
      map_name: spec.name,
      map_extra: spec.extra,
      ...types,
    }).try();
  try {
    const btf = btfOf(spec);
    let fd = -1;
    if (btf !== undefined) {
      fd = create({ btf_fd: btf, btf_key_type_id: spec.keyType, btf_value_type_id: spec.valueType });
    }
    // Kinds of map that take no types say so by refusing them.
    if (fd < 0) fd = create({});
    if (fd < 0) throw new KernelError(place, -fd);
    return fd;
  } finally {
    inner?.close();
  }
}

/** Puts the maps that an array or hash of maps holds from the start in their slots. */
export function fillSlots(map: KernelMap, mapOf: (spec: MapSpec) => KernelMap): void {
  const { spec } = map;
  for (const { index, map: held } of spec.initialSlots ?? []) {
    if (held === undefined) continue;
    const key = new Uint8Array(spec.keySize);
    new DataView(key.buffer).setUint32(0, index, true);
    const value = new Uint8Array(4);
    new DataView(value.buffer).setUint32(0, mapOf(held).fd, true);
    map.update(key, value, 0n);
  }
}
