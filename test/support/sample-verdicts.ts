// Our verdicts and the running kernel's on the programs of an object that was compiled for Linux.

import { readFileSync } from "node:fs";
import { ATTACH_TYPES, sectionAttachType, sectionLoadFlags } from "../../dist/src/attach-types.js";
import type { Btf } from "../../dist/src/btf/btf.js";
import { LoadError } from "../../dist/src/errors.js";
import { loadRaw, type MapSpec, type ProgramType } from "../../dist/src/index.js";
import { KernelError, KernelSession } from "../../dist/src/kernel.js";
import { loadObject } from "../../dist/src/loader/object.js";
import type { ObjectFile } from "../../dist/src/loader/object-file.js";
import { Program, type ProgramMapUse } from "../../dist/src/program.js";
import { judge } from "../../dist/src/verifier/verify.js";
import { liveBtf } from "./live-kernel.ts";

/** A program and what both say to it. */
export interface Outcome {
  /** Object and program. */
  readonly name: string;
  /** "accepted", or why not. */
  readonly ours: string;
  readonly kernel: string;
  readonly isSame: boolean;
  /** Why the kernel cannot judge it here; undefined when it can. */
  readonly notJudged: string | undefined;
}

/** Sections whose programs the selftests load with a type that the name does not say. */
const SECTIONS_OF_TYPE: Partial<Record<ProgramType, readonly string[]>> = {
  sched_cls: [
    ...["t", "tc_vlan_push", "cls_test", "cgroup_id_logger", "decap", "encap_ipip_none", "encap_sit_none"],
    ...["encap_gre_none", "encap_gre_mpls", "encap_gre_eth", "encap_udp_none", "encap_udp_mpls"],
    ...["encap_udp_eth", "encap_vxlan_eth", "encap_ip6tnl_none", "encap_ip6gre_none", "encap_ip6gre_mpls"],
    ...["encap_ip6gre_eth", "encap_ip6udp_none", "encap_ip6udp_mpls", "encap_ip6udp_eth"],
    "encap_ip6vxlan_eth",
  ],
  xdp: [
    ...["x", "redirect_to_111", "redirect_to_222", "redirect_map_0", "redirect_map_1", "redirect_map_2"],
    ...["xdp_drop_vlan_4011", "xdp_vlan_change", "xdp_vlan_remove_outer", "xdp_vlan_remove_outer2"],
  ],
  sk_skb: ["sk_skb1", "sk_skb2", "sk_skb3"],
  sk_msg: ["sk_msg1", "sk_msg2", "sk_msg3", "sk_msg4", "sk_msg5"],
  lwt_xmit: ["encap_gre", "encap_gre6"],
  lwt_seg6local: ["encap_srh", "add_egr_x", "pop_egr", "inspect_t"],
  tracepoint: ["dummy_tracepoint"],
};

const types: Readonly<Record<string, ProgramType>> = Object.fromEntries(
  Object.entries(SECTIONS_OF_TYPE).flatMap(([type, sections]) =>
    sections.map((section) => [section, type as ProgramType]),
  ),
);

/** The object; undefined when the loader takes none of it. */
export function loadSample(name: string, path: string): ObjectFile | undefined {
  try {
    return loadObject(new Uint8Array(readFileSync(path)), { name, types });
  } catch (error) {
    if (error instanceof LoadError) return undefined;
    throw error;
  }
}

/** True of objects with CO-RE relocations, extern symbols or struct_ops. */
export const needsKernel = ({ failures }: ObjectFile): boolean =>
  [...failures.values()].some(({ message }) => /CO-RE|extern|struct_ops/.test(message));

const PAGE = 4096;
const [ARRAY, ARRAY_OF_MAPS, HASH_OF_MAPS, RINGBUF, USER_RINGBUF] = [2, 12, 13, 27, 31];
const ONE_NUMBER: MapSpec = { name: "inner", type: 2, keySize: 4, valueSize: 4, maxEntries: 1, flags: 0 };

/** What the selftests' own loaders add to definitions: sizes, and what maps of maps hold. */
function completeMap(map: MapSpec): MapSpec {
  if (map.type === ARRAY_OF_MAPS || map.type === HASH_OF_MAPS) {
    return {
      ...map,
      maxEntries: map.maxEntries || 1,
      valueSize: map.valueSize || 4,
      innerMap: map.innerMap ?? ONE_NUMBER,
    };
  }
  if (map.maxEntries !== 0) return map;
  if (map.type === RINGBUF || map.type === USER_RINGBUF) return { ...map, maxEntries: PAGE };
  return map.type === ARRAY ? { ...map, maxEntries: 1 } : map;
}

const withMaps = (program: Program, maps: readonly ProgramMapUse[]): Program => {
  const { attachTo, btf, ...rest } = program;
  return new Program({ ...rest, maps, ...(attachTo && { attachTo }), ...(btf && { btf }) });
};

/** Types that are loaded for something to attach to: the least program of them says nothing. */
const ATTACHED_TYPES: ReadonlySet<ProgramType> = new Set(["tracing", "lsm"]);
/** Kernels with CONFIG_KALLSYMS_ALL alone tell where their variables are. */
const HIDDEN_VARIABLE = /failed to find the address for kernel symbol/;
const [EPERM, E2BIG] = [1, 7];

const lastLine = (isAccepted: boolean, message: string): string =>
  isAccepted ? "accepted" : message.trim().split("\n").at(-1) || "rejected";

/** Judges objects with the kernel's own types at hand. */
export class SampleJudge {
  readonly #kernelBtf: Btf = liveBtf();
  /** By type: whether the kernel loads the least program of it. */
  readonly #knownTypes = new Map<string, boolean>();

  /** What both say to each program of the object that has a type. */
  judgeObject(name: string, object: ObjectFile): Outcome[] {
    const maps = new Map([...object.maps.values()].map((map) => [map, completeMap(map)]));
    const session = new KernelSession();
    try {
      const typed = [...object.programs.values()].filter(({ type }) => type !== "unspec");
      return typed.map((program) => {
        const uses = program.maps.map((use) => ({ ...use, map: maps.get(use.map) ?? use.map }));
        return this.#judge(session, `${name}/${program.name}`, withMaps(program, uses));
      });
    } finally {
      session.close();
    }
  }

  #judge(session: KernelSession, name: string, program: Program): Outcome {
    const attachName = sectionAttachType(program.section);
    const load = {
      attachType: attachName === undefined ? 0 : ATTACH_TYPES[attachName],
      flags: sectionLoadFlags(program.section),
    };
    const own = judge(program, { ...load, kernelBtf: this.#kernelBtf });
    const found = { name, ours: lastLine(own.isAccepted, own.message) };
    const notJudged = (cause: string): Outcome => ({ ...found, kernel: "", isSame: false, notJudged: cause });
    if (program.type === "ext") return notJudged("ext needs what it is attached to");
    try {
      const asked = { ...load, kernelBtf: this.#kernelBtf };
      let verdict = session.load(program, asked);
      verdict.program?.close();
      if (verdict.errno === EPERM) return notJudged(`${program.type} is not permitted`);
      if (!verdict.isAccepted && !this.#knows(session, program.type, load.attachType)) {
        return notJudged(`${program.type} is not in this kernel`);
      }
      // The log of a program that is too large takes long, and says no more.
      const hasReason = !verdict.isAccepted && verdict.errno !== E2BIG;
      if (hasReason) verdict = session.load(program, { ...asked, logLevel: 1 });
      const { isAccepted, errno, message } = verdict;
      if (HIDDEN_VARIABLE.test(message)) return notJudged("the kernel hides its variables");
      const kernel = isAccepted ? "accepted" : `${lastLine(false, message)} (errno ${errno})`;
      return { ...found, kernel, isSame: isAccepted === own.isAccepted, notJudged: undefined };
    } catch (error) {
      if (!(error instanceof KernelError)) throw error;
      return notJudged(error.message);
    }
  }

  #knows(session: KernelSession, type: ProgramType, attachType: number): boolean {
    if (ATTACHED_TYPES.has(type)) return true;
    let known = this.#knownTypes.get(type);
    if (known === undefined) {
      // r0 = 1; exit
      const insns = Uint8Array.of(0xb7, 0, 0, 0, 1, 0, 0, 0, 0x95, 0, 0, 0, 0, 0, 0, 0);
      const { isAccepted, program } = session.load(loadRaw(insns, { type, license: "GPL" }), { attachType });
      program?.close();
      known = isAccepted;
      this.#knownTypes.set(type, known);
    }
    return known;
  }
}
