// The kernel's verifier/*.c as the oracle file has them: programs, the maps that their fix-ups name, and what Linux 6.18
// said and did.

import { inflateSync } from "node:zlib";
import { parseBtf } from "../../dist/src/btf/btf.js";
import type { MapSpec, ProgramType } from "../../dist/src/index.js";
import { loadRaw, Program } from "../../dist/src/index.js";
import { MAP_TYPE_NAMES } from "../../dist/src/map-type-names.js";
import { BtfBuilder } from "./btf-builder.ts";
import { readOracle } from "./oracles.ts";

export interface KernelVerdict {
  readonly verdict?: "ACCEPT" | "REJECT";
  readonly env?: string;
  /** Flags that it was loaded with. */
  readonly pflags?: number;
  readonly log?: string;
  readonly runs?: readonly {
    readonly retval?: number;
    readonly data_out?: string;
    readonly errno?: number;
  }[];
}

export interface SuiteCase {
  readonly src: string;
  readonly idx: number;
  readonly descr: string;
  readonly prog_type_name: ProgramType;
  readonly expected_attach_type: number;
  readonly flags: number;
  /** What a program attaches to, where its type says so. */
  readonly kfunc: string | null;
  readonly insns?: string;
  readonly insns_zb64?: string;
  /** Slots by the map that they load. */
  readonly fixups: Readonly<Record<string, readonly number[]>>;
  /** Where a case has BTF: its types and strings in hexadecimal, and the type of the function at each slot. */
  readonly btf_types?: string;
  readonly btf_strings?: string;
  readonly func_info?: readonly (readonly [slot: number, typeId: number])[];
  readonly retvals: readonly { readonly data: string }[];
  readonly env: string;
  readonly k618: KernelVerdict;
  readonly k618_capbpf?: KernelVerdict;
  readonly final_msg_618?: string;
}

type FixupMap = readonly [type: string, key: number, value: number, max: number, note: string];

export interface Suite {
  readonly fixup_maps: Readonly<Record<string, FixupMap>>;
  readonly cases: readonly SuiteCase[];
}

export const readSuite = (): Suite | undefined => readOracle<Suite>("verifier-cases.json.gz");

export const caseName = ({ src, idx, descr }: SuiteCase): string => `${src}#${idx} ${descr}`;

/** The last line of what the kernel said, figures aside. */
export function finalMessage({ final_msg_618 }: SuiteCase, { log = "" }: KernelVerdict): string {
  const text = final_msg_618 ?? log;
  const lines = text.trim().split("\n");
  return lines.findLast((line) => !/^(processed|verification time|stack depth|mark_)/.test(line)) ?? "";
}

/** Types of the values that hold a lock, a timer or kernel pointers. */
const typedMaps: Readonly<Record<string, Pick<MapSpec, "btf" | "keyType" | "valueType">>> = (() => {
  const types = new BtfBuilder();
  const int = types.int("int", 4, 1);
  const u32 = types.int("unsigned int", 4);
  const u64 = types.int("unsigned long long", 8);
  const pair = (name: string) =>
    types.struct("struct", name, 16, [
      ["a", u64, 0],
      ["b", u64, 64],
    ]);
  const lock = types.struct("struct", "bpf_spin_lock", 4, [["val", u32, 0]]);
  const locked = types.struct("struct", "val", 8, [
    ["cnt", int, 0],
    ["l", lock, 32],
  ]);
  const timed = types.struct("struct", "timer", 16, [["t", pair("bpf_timer"), 0]]);
  const pointer = (struct: number, tag: string) => types.refer("ptr", types.refer("type_tag", struct, tag));
  const counted = pair("prog_test_ref_kfunc");
  const pointers = types.struct("struct", "btf_ptr", 24, [
    ["ptr", pointer(counted, "kptr_untrusted"), 0],
    ["ref_ptr", pointer(counted, "kptr"), 64],
    ["ref_memb_ptr", pointer(pair("prog_test_member"), "kptr"), 128],
  ]);
  const btf = parseBtf(types.bytes());
  const withValue = (valueType: number) => ({ btf, keyType: int, valueType });
  return {
    map_spin_lock: withValue(locked),
    sk_storage_map: withValue(locked),
    map_timer: withValue(timed),
    map_kptr: withValue(pointers),
  };
})();

function makeSpec(name: string, [type, keySize, valueSize, maxEntries, note]: FixupMap): MapSpec {
  const flags = (/RDONLY_PROG/.test(note) ? 128 : 0) | (/WRONLY_PROG/.test(note) ? 256 : 0);
  const spec = {
    name,
    type: MAP_TYPE_NAMES.indexOf(type.toLowerCase()),
    keySize,
    valueSize,
    maxEntries,
    flags,
    ...typedMaps[name],
  };
  if (type !== "ARRAY_OF_MAPS") return spec;
  return { ...spec, innerMap: { name: "inner", type: 2, keySize: 4, valueSize: 4, maxEntries: 1, flags: 0 } };
}

/** The program of a case and its maps, in the order in which `relo` counts them. */
export function loadCase(suite: Suite, each: SuiteCase): { program: Program; maps: readonly MapSpec[] } {
  const { insns, insns_zb64 = "", fixups } = each;
  const bytes =
    insns === undefined ? inflateSync(Buffer.from(insns_zb64, "base64")) : Buffer.from(insns, "hex");
  const maps = Object.keys(fixups).map((name) => makeSpec(name, suite.fixup_maps[name]));
  const relo = Object.values(fixups).flatMap((slots, map) => slots.map((slot) => [slot, map] as const));
  const program = loadRaw(new Uint8Array(bytes), { type: each.prog_type_name, license: "GPL", maps, relo });
  return { program: withFunctions(program, each), maps };
}

/** The program with the functions and types that the case gives it. */
function withFunctions(program: Program, { btf_types, btf_strings, func_info }: SuiteCase): Program {
  if (btf_types === undefined || btf_strings === undefined || func_info === undefined) return program;
  const btf = parseBtf(joinBtf(Buffer.from(btf_types, "hex"), Buffer.from(btf_strings, "hex")));
  const functions = func_info.map(([slot, typeId]) => ({ slot, typeId, name: btf.type(typeId).name }));
  const { name, type, license, insns, maps } = program;
  return new Program({ name, type, license, insns, maps, btf, functions });
}

/** A blob of the types and the strings behind its header. */
function joinBtf(types: Buffer, strings: Buffer): Uint8Array<ArrayBuffer> {
  const header = Buffer.alloc(24);
  header.writeUInt16LE(0xeb9f, 0);
  header.writeUInt8(1, 2);
  for (const [index, word] of [24, 0, types.length, types.length, strings.length].entries()) {
    header.writeUInt32LE(word, 4 + 4 * index);
  }
  return new Uint8Array(Buffer.concat([header, types, strings]));
}
