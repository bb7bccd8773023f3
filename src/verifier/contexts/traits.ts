// What a program type may do besides its helpers: packet access, classic loads, locks, sleeping, stack of its
// own. One row of words per type. Follows Linux 6.18, kernel/bpf/verifier.c.

import type { ProgramType } from "../../program-types.ts";

/** The words of a row. */
type Trait =
  /** Has pointers into a packet that it may store through. */
  | "packetWrite"
  /** May pass packet pointers to helpers that are marked for it. */
  | "packetHelpers"
  /** May pass packet pointers to every helper. */
  | "anyPacketHelper"
  /** May use LD_ABS and LD_IND. */
  | "ldAbs"
  /** Runs where it may interrupt anything: no locks, timers, work queues, lists or trees in its maps. */
  | "isTracing"
  /** May not use maps with a spin lock. */
  | "noSpinLock"
  | "mayBeSleepable"
  | "mustBeSleepable"
  /**
   * Frames that are too large together get a stack apart: 512 bytes are each one's limit, not their sum's.
   * Iterators (`tracing` at `trace_iter`) have none.
   */
  | "privateStack"
  /** Its context's fields come from the BTF of what it attaches to. */
  | "contextFromBtf";

const READS_PACKET: readonly Trait[] = ["packetHelpers"];
const WRITES_PACKET: readonly Trait[] = ["packetHelpers", "packetWrite"];
const TRACES: readonly Trait[] = ["isTracing", "noSpinLock", "privateStack"];

const ROWS: Readonly<Record<ProgramType, readonly Trait[]>> = {
  raw: [],
  unspec: [],
  socket_filter: ["ldAbs", "noSpinLock"],
  // Sleepable ones are uprobes.
  kprobe: [...TRACES, "mayBeSleepable"],
  sched_cls: [...WRITES_PACKET, "ldAbs"],
  sched_act: [...WRITES_PACKET, "ldAbs"],
  tracepoint: TRACES,
  xdp: WRITES_PACKET,
  perf_event: TRACES,
  cgroup_skb: READS_PACKET,
  cgroup_sock: [],
  lwt_in: READS_PACKET,
  lwt_out: READS_PACKET,
  lwt_xmit: WRITES_PACKET,
  // Reads headers through skb_data, but passes them to no helper.
  sock_ops: [],
  sk_skb: WRITES_PACKET,
  cgroup_device: [],
  sk_msg: WRITES_PACKET,
  raw_tracepoint: TRACES,
  cgroup_sock_addr: [],
  lwt_seg6local: READS_PACKET,
  lirc_mode2: [],
  sk_reuseport: READS_PACKET,
  flow_dissector: READS_PACKET,
  cgroup_sysctl: [],
  raw_tracepoint_writable: ["isTracing", "noSpinLock"],
  cgroup_sockopt: ["packetHelpers", "anyPacketHelper", "packetWrite"],
  tracing: ["contextFromBtf", "mayBeSleepable", "privateStack"],
  struct_ops: ["contextFromBtf", "mayBeSleepable"],
  ext: ["contextFromBtf"],
  lsm: ["contextFromBtf", "mayBeSleepable"],
  sk_lookup: [],
  syscall: ["mayBeSleepable", "mustBeSleepable"],
  netfilter: [],
};

/** A row, word by word. */
export type TraitFlags = Readonly<Record<Trait, boolean>>;

export const TRAITS: ReadonlyMap<string, TraitFlags> = new Map(
  Object.entries(ROWS).map(([type, traits]) => {
    const has = (trait: Trait): boolean => traits.includes(trait);
    const flags: TraitFlags = {
      packetWrite: has("packetWrite"),
      packetHelpers: has("packetHelpers"),
      anyPacketHelper: has("anyPacketHelper"),
      ldAbs: has("ldAbs"),
      isTracing: has("isTracing"),
      noSpinLock: has("noSpinLock"),
      mayBeSleepable: has("mayBeSleepable"),
      mustBeSleepable: has("mustBeSleepable"),
      privateStack: has("privateStack"),
      contextFromBtf: has("contextFromBtf"),
    };
    return [type, flags];
  }),
);
