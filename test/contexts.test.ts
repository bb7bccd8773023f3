// What each program type may do with its context: against the kernel's own answers, offset by offset, and
// rules that need no file.

import { describe, expect, it } from "vitest";
import {
  ATTACH_TYPES,
  type AttachType,
  loadAttachType,
  sectionAttachType,
} from "../dist/src/attach-types.js";
import { PROGRAM_TYPES } from "../dist/src/program-types.js";
import {
  contextFieldAt,
  contextRead,
  contextWrite,
  maySleepAsAsked,
  programTraits,
  returnRange,
  socketRead,
} from "../dist/src/verifier/contexts/contexts.js";
import { readOracle } from "./support/oracles.ts";

const SIZES = [1, 2, 4, 8];

const program = (type: string, attach?: AttachType, isSleepable = false) => ({
  type,
  attachType: attach === undefined ? 0 : ATTACH_TYPES[attach],
  isSleepable,
});
type Program = ReturnType<typeof program>;

/** Loads as offset and value, stores as offset, by size; values that may be returned. */
interface Entry {
  readonly read: Readonly<Record<string, readonly (readonly [number, string])[]>>;
  readonly write: Readonly<Record<string, readonly number[]>>;
  readonly ret_ok: readonly number[];
  readonly ret_unknown_ok: boolean;
}

interface Matrix {
  readonly types: Readonly<Record<string, Entry>>;
}

/** `cgroup_sock:INET4_POST_BIND` as a program; types alone carry the attach type that they must have. */
function programOf(entry: string): Program {
  const [type, attach] = entry.split(":");
  if (attach === undefined) {
    return program(type, type === "sk_lookup" || type === "netfilter" ? type : undefined);
  }
  const name = /^[GS]ETSOCKOPT$/.test(attach) ? attach : attach.replace(/^(IN|E)GRESS$/, "INET_$&");
  return program(type, `cgroup_${name.toLowerCase()}` as AttachType);
}

/** How far the matrix looked, where the kernel permits more than it lists. */
const LOOKED_AT: Readonly<Record<string, number>> = { tracepoint: 96, syscall: 224 };

/** Every load and store that the tables permit, one a line. */
function permitted(each: Program, end: number) {
  const read: string[] = [];
  const write: string[] = [];
  for (const size of SIZES) {
    for (let off = -16; off + size <= end; off++) {
      const load = contextRead(each, off, size);
      const value = load?.value === "btf" ? `trusted_ptr_${load.struct}` : load?.value;
      if (value !== undefined) read.push(`${size} at ${off}: ${value}`);
      if (contextWrite(each, off, size)) write.push(`${size} at ${off}`);
    }
  }
  return { read: read.sort(), write: write.sort() };
}

/** The same of an entry of the matrix. */
const listed = ({ read, write }: Entry) => ({
  read: Object.entries(read)
    .flatMap(([size, list]) => list.map(([off, value]) => `${size} at ${off}: ${value}`))
    .sort(),
  write: Object.entries(write)
    .flatMap(([size, list]) => list.map((off) => `${size} at ${off}`))
    .sort(),
});

const isReturnable = (each: Program, value: number): boolean => {
  const range = returnRange(each);
  return range === undefined || (value >= range.min && value <= range.max);
};

describe("the kernel's matrix of contexts", () => {
  const matrix = readOracle<Matrix>("ctx-access-matrix.json.gz");
  const entries = Object.entries(matrix?.types ?? {});

  it.skipIf(!matrix)("is there, with every program type that can be loaded", () => {
    expect(entries.length).toBeGreaterThanOrEqual(36);
  });

  it.each(entries)("permits %s the same loads and stores", (entry, expected) => {
    expect(permitted(programOf(entry), LOOKED_AT[entry] ?? 9000)).toEqual(listed(expected));
  });

  it.each(entries)("lets %s return the same values", (entry, expected) => {
    const each = programOf(entry);
    const asked = [-3, -2, -1, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 100, 2147483647];
    expect(asked.filter((value) => isReturnable(each, value))).toEqual(expected.ret_ok);
    expect(returnRange(each) === undefined).toBe(expected.ret_unknown_ok);
  });
});

describe("a context", () => {
  it("gives pointers into the packet only to loads of their whole field", () => {
    const access = contextRead(program("xdp"), 0, 4);
    expect(access).toEqual({ field: "data", value: "pkt", fieldSize: 4 });
    expect(contextRead(program("xdp"), 0, 2)).toBeUndefined();
    expect(contextRead(program("xdp"), 0, 8)).toBeUndefined();
    expect(contextWrite(program("xdp"), 0, 4)).toBeUndefined();
  });

  it("tells the size of the field of which a narrow load is a part", () => {
    expect(contextRead(program("sched_cls"), 9, 1)).toEqual({ field: "mark", value: "scalar", fieldSize: 4 });
    expect(contextRead(program("sched_cls"), 10, 4)).toBeUndefined();
  });

  it("has its egress interface only behind a devmap", () => {
    expect(contextRead(program("xdp"), 20, 4)).toBeUndefined();
    expect(contextRead(program("xdp", "xdp_cpumap"), 20, 4)).toBeUndefined();
    expect(contextRead(program("xdp", "xdp_devmap"), 20, 4)?.field).toBe("egress_ifindex");
  });

  it("of a netfilter hook has trusted pointers to the kernel's structs", () => {
    const access = contextRead(program("netfilter", "netfilter"), 8, 8);
    expect(access).toMatchObject({ field: "skb", value: "btf", struct: "sk_buff" });
  });

  it("of a socket starts as that of its creation when no attach type is given", () => {
    expect(contextWrite(program("cgroup_sock"), 16, 4)?.field).toBe("mark");
    expect(contextRead(program("cgroup_sock", "cgroup_inet_sock_release"), 16, 4)?.field).toBe("mark");
    expect(contextRead(program("cgroup_sock", "cgroup_inet4_post_bind"), 16, 4)).toBeUndefined();
  });

  it("of a Unix socket's hook has neither kind of address", () => {
    const unix = program("cgroup_sock_addr", "cgroup_unix_connect");
    expect([4, 8, 40, 44].filter((off) => contextRead(unix, off, 4))).toEqual([]);
    expect(contextRead(unix, 24, 4)?.field).toBe("user_port");
  });

  it("is closed to a program whose attach type its type does not have", () => {
    expect(contextRead(program("cgroup_sock_addr"), 0, 4)).toBeUndefined();
    expect(contextRead(program("sk_lookup"), 8, 4)).toBeUndefined();
  });

  it("ends with the longest record or the last argument that an event can have", () => {
    expect(contextRead(program("tracepoint"), 8184, 8)).toBeDefined();
    expect(contextRead(program("tracepoint"), 8192, 8)).toBeUndefined();
    expect(contextRead(program("tracepoint"), -8, 8)).toBeUndefined();
    expect(contextRead(program("raw_tracepoint"), 96, 8)).toBeUndefined();
    expect(contextRead(program("kprobe"), 164, 8)).toBeUndefined();
  });

  it("names its fields also where they are closed", () => {
    expect(contextFieldAt(program("socket_filter"), 76)).toBe("data");
    expect(contextFieldAt(program("kprobe"), 112)).toBe("rdi");
    expect(contextFieldAt(program("sched_cls"), 181)).toBeUndefined();
  });

  it("described by BTF has no fields here", () => {
    for (const type of ["tracing", "lsm", "struct_ops", "ext"]) {
      expect(contextRead(program(type), 0, 8)).toBeUndefined();
      expect(programTraits(type)).toMatchObject({ contextFromBtf: true, contextName: "", contextSize: 0 });
    }
  });

  it("is never accessible in a size or at an offset that no instruction has", () => {
    const wrong = Object.keys(PROGRAM_TYPES).flatMap((type) =>
      [0, 3, 16, Number.NaN].filter((size) => contextRead(program(type), 0, size)),
    );
    expect(wrong).toEqual([]);
  });
});

describe("a socket pointer", () => {
  const readable = (kind: "sock" | "sock_common" | "tcp_sock" | "xdp_sock", size: number) =>
    Array.from({ length: 140 }, (_, index) => index - 10).filter((off) => socketRead(kind, off, size));

  it("of a full socket reads every field, of a common one not those of full sockets", () => {
    expect(readable("sock", 4)).toEqual(Array.from({ length: 20 }, (_, index) => 4 * index));
    const missing = readable("sock", 4).filter((off) => !socketRead("sock_common", off, 4));
    expect(missing).toEqual([8, 12, 16, 20]);
    expect(readable("sock", 8)).toEqual([]);
  });

  it("reads a port in two bytes, and in four as old programs do", () => {
    expect([48, 49, 50].filter((off) => socketRead("sock", off, 1))).toEqual([48, 49]);
    expect(socketRead("sock", 48, 2)?.fieldSize).toBe(2);
    expect(socketRead("sock", 48, 4)?.fieldSize).toBe(4);
  });

  it("of a TCP socket reads whole fields only", () => {
    expect(readable("tcp_sock", 2)).toEqual([]);
    expect(readable("tcp_sock", 8)).toEqual([80, 88]);
    expect(readable("tcp_sock", 4).slice(-5)).toEqual([76, 96, 100, 104, 108]);
    expect(socketRead("tcp_sock", 76, 4)?.field).toBe("sacked_out");
  });

  it("of an XDP socket has the number of its queue", () => {
    expect(readable("xdp_sock", 4)).toEqual([0]);
  });
});

describe("a result", () => {
  it("is one of two where a session's second half is asked for", () => {
    expect(returnRange(program("kprobe"))).toBeUndefined();
    const range = { min: 0, max: 1, is64: true };
    expect(returnRange(program("kprobe", "trace_kprobe_session"))).toEqual(range);
    expect(returnRange(program("kprobe", "trace_uprobe_session"))).toEqual(range);
  });

  it("of a tracing program depends on where it attaches", () => {
    expect(returnRange(program("tracing", "trace_fentry"))).toMatchObject({ min: 0, max: 0 });
    expect(returnRange(program("tracing", "trace_iter"))).toMatchObject({ min: 0, max: 1 });
    expect(returnRange(program("tracing", "modify_return"))).toBeUndefined();
    expect(returnRange(program("tracing", "trace_raw_tp"))).toBeUndefined();
  });
});

describe("the traits of a program type", () => {
  const having = (trait: "packetRead" | "packetWrite" | "ldAbs" | "privateStack" | "mayBeSleepable") =>
    Object.keys(PROGRAM_TYPES).filter((type) => programTraits(type)[trait]);

  it("are there for every type, and for no other", () => {
    expect(Object.keys(PROGRAM_TYPES).map((type) => typeof programTraits(type).contextSize)).not.toContain(
      "undefined",
    );
    expect(() => programTraits("toString")).toThrow(RangeError);
  });

  it("name the context as BTF does, and measure it", () => {
    const of = (type: string) => [programTraits(type).contextName, programTraits(type).contextSize];
    expect(of("sk_skb")).toEqual(["__sk_buff", 192]);
    expect(of("kprobe")).toEqual(["bpf_user_pt_regs_t", 168]);
    expect(of("xdp")).toEqual(["xdp_md", 24]);
  });

  it("let those write to packets that the kernel lets", () => {
    expect(having("packetRead").filter((type) => !programTraits(type).packetWrite)).toEqual([
      "cgroup_skb",
      "lwt_in",
      "lwt_out",
      "sock_ops",
      "lwt_seg6local",
      "sk_reuseport",
      "flow_dissector",
    ]);
    expect(having("packetWrite").filter((type) => !programTraits(type).packetRead)).toEqual([]);
  });

  it("keep classic loads and stacks apart to the types that have them", () => {
    expect(having("ldAbs")).toEqual(["socket_filter", "sched_cls", "sched_act"]);
    expect(having("privateStack")).toEqual([
      "kprobe",
      "tracepoint",
      "perf_event",
      "raw_tracepoint",
      "tracing",
    ]);
  });

  it("let sleep only what may, and make system calls' programs do so", () => {
    expect(having("mayBeSleepable")).toEqual(["kprobe", "tracing", "struct_ops", "lsm", "syscall"]);
    expect(maySleepAsAsked(program("xdp", undefined, true))).toBe(false);
    expect(maySleepAsAsked(program("xdp"))).toBe(true);
    expect(maySleepAsAsked(program("syscall"))).toBe(false);
    expect(maySleepAsAsked(program("syscall", undefined, true))).toBe(true);
    expect(maySleepAsAsked(program("tracing", "trace_fexit", true))).toBe(true);
    expect(maySleepAsAsked(program("tracing", "trace_raw_tp", true))).toBe(false);
  });
});

describe("attach types", () => {
  it("have the kernel's numbers, without gaps", () => {
    expect(Object.values(ATTACH_TYPES)).toEqual(Array.from({ length: 58 }, (_, index) => index));
    expect(ATTACH_TYPES.netfilter).toBe(45);
    expect(ATTACH_TYPES.trace_uprobe_session).toBe(57);
  });

  it.each([
    ["cgroup/connect4", "cgroup_inet4_connect"],
    ["?cgroup/getsockname_unix", "cgroup_unix_getsockname"],
    ["cgroup_skb/ingress", "cgroup_inet_ingress"],
    ["cgroup_skb/egress", "cgroup_inet_egress"],
    ["sk_skb/stream_verdict", "sk_skb_stream_verdict"],
    ["xdp.frags/devmap", "xdp_devmap"],
    ["xdp", "xdp"],
    ["fentry.s/vfs_read", "trace_fentry"],
    ["kprobe.session/vfs_*", "trace_kprobe_session"],
    ["lsm_cgroup/socket_bind", "lsm_cgroup"],
    ["tcx/egress", "tcx_egress"],
    ["sk_reuseport/migrate", "sk_reuseport_select_or_migrate"],
    ["sk_reuseport", "sk_reuseport_select"],
    ["netfilter", "netfilter"],
    ["tc", undefined],
    ["socket", undefined],
    ["tracepoint/skb/kfree_skb", undefined],
    ["cgroup/skb", undefined],
    ["constructor", undefined],
    ["", undefined],
  ])("asked for by the section %j: %s", (section, expected) => {
    expect(sectionAttachType(section)).toBe(expected);
  });

  it("that a program type is not loaded for are refused", () => {
    expect(loadAttachType("xdp", ATTACH_TYPES.lsm_mac)).toBe(ATTACH_TYPES.lsm_mac);
    expect(loadAttachType("sk_lookup", 0)).toBeUndefined();
    expect(loadAttachType("cgroup_skb", ATTACH_TYPES.cgroup_device)).toBeUndefined();
    expect(loadAttachType("syscall", ATTACH_TYPES.xdp)).toBeUndefined();
  });

  it("that are left out become the usual one where there is a usual one", () => {
    expect(loadAttachType("cgroup_sock", 0)).toBe(ATTACH_TYPES.cgroup_inet_sock_create);
    expect(loadAttachType("sk_reuseport", 0)).toBe(ATTACH_TYPES.sk_reuseport_select);
    expect(loadAttachType("cgroup_sock", 1)).toBeUndefined();
  });
});
