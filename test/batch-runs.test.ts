// Verified programs in batches, on contexts like those of BPF_PROG_TEST_RUN. What fields hold was read from Linux 6.18
// with the same packets.

import { describe, expect, it } from "vitest";
import { Skb } from "../assembly/shared/layout.ts";
import { SKB_ROWS } from "../dist/src/verifier/contexts/skb.js";
import { type Answer, asker, bytes, code, type Line } from "./support/batch-lines.ts";
import { ENGINE_NAMES } from "./support/engines.ts";

const IPV4_HEADER = "4500003200010000400600000a0000010a000002";
/** 64 bytes: a TCP packet to the link layer's broadcast address. */
const IPV4 = `ffffffffffff0011223344550800${IPV4_HEADER}00501f90000000010000000250100200000000006465666768696a6b6c6d`;
const IPV6_ADDRESSES = Array.from({ length: 32 }, (_, index) => bytes(index + 1, 1)).join("");
const IPV6 = `${"00".repeat(12)}86dd6000000000000640${IPV6_ADDRESSES}${"78".repeat(20)}`;
const ZEROS = "00".repeat(64);
const VLAN = `333300000001${"00".repeat(6)}8100000508${"00".repeat(51)}`;
const NOVELL = `${"00".repeat(12)}0001ffff${"00".repeat(40)}`;

const LINK_TYPES = ["sched_cls", "sched_act"];
const NETWORK_TYPES = ["socket_filter", "lwt_in", "lwt_out", "lwt_xmit"];
const SK = ["r6 = *(u64 *)(r1 + 168)", "if r6 != 0 goto is", "r0 = 99", "exit", "is:"].join("\n");

const line = (type: string, text: string, rest: Line = {}): Line => ({
  type,
  insns: code(text),
  license: "GPL",
  data: IPV4,
  ...rest,
});
/** A program that returns a field. */
const load = (offset: number, size: 1 | 2 | 4 | 8 = 4): string =>
  `r0 = *(u${size * 8} *)(r1 + ${offset})\nexit`;

/** A context of 32-bit words at offsets, as hexadecimal. */
function words(size: number, fields: Readonly<Record<number, number>>): string {
  const view = new DataView(new ArrayBuffer(size));
  for (const [offset, value] of Object.entries(fields)) view.setUint32(Number(offset), value, true);
  return Buffer.from(view.buffer).toString("hex");
}

describe.each(ENGINE_NAMES)("a verified program on %s", (engine) => {
  const ask = asker(engine);
  const returned = (type: string, text: string, rest: Line = {}): unknown => {
    const answer = ask(line(type, text, rest));
    return answer.retval ?? answer;
  };

  it("returns 32 bits as a number, the packet and its maps", () => {
    const map = { type: 2, key: 4, value: 8, max: 1 };
    const count = "r1 = map[fd:0][0]+0\nr2 = *(u64 *)(r1 + 0)\nr2 += 1\n*(u64 *)(r1 + 0) = r2\nr0 = -2\nexit";
    expect(ask(line("xdp", count, { id: 1, maps: [map] }))).toEqual({
      id: 1,
      verdict: "accept",
      processed: 6,
      retval: 0xffff_fffe,
      data_out: IPV4,
      maps: [[["00000000", "0100000000000000"]]],
    });
  });

  it("is not run when it is rejected, and the answer says why", () => {
    const answer = ask(line("xdp", "r0 = *(u64 *)(r1 + 0)\nexit"));
    expect(answer).toEqual({
      verdict: "reject",
      message: "invalid bpf_context access off=0 size=8",
      insn: 0,
      processed: 1,
    });
    expect(ask(line("xdp", "r0 = 0"))).toMatchObject({ verdict: "reject", insn: 0 });
  });

  it("is explained where the line asks for it", () => {
    const [plain, explained, accepted] = [false, true, true].map((explain, index) =>
      ask({ ...line("xdp", index < 2 ? "r0 = *(u64 *)(r1 + 0)\nexit" : "r0 = 2\nexit"), explain }),
    );
    expect(plain).not.toHaveProperty("explanation");
    expect(explained).toMatchObject({
      verdict: "reject",
      explanation: { assertion: "context-field", place: { slot: 0 }, register: { name: "r1" } },
    });
    expect(accepted).not.toHaveProperty("explanation");
    expect(ask({ ...line("xdp", "exit"), explain: 1 })).toMatchObject({
      error: "explain: expected true or false, got 1",
    });
  });

  it("may leak pointers or not, as the loader's capabilities say", () => {
    const leak = "r0 = r1\nexit";
    expect(ask(line("socket_filter", leak, { caps: "all" })).verdict).toBe("accept");
    expect(ask(line("socket_filter", leak, { caps: "bpf" }))).toMatchObject({
      verdict: "reject",
      message: expect.stringContaining("leaks addr"),
    });
  });

  it("is judged for where it would be attached, by attach type or by section", () => {
    const context = { ctx: words(72, { 24: 0x1234 }), data: undefined };
    const text = "r0 = *(u32 *)(r1 + 4)\nr0 = 1\nexit";
    const verdicts = [
      "cgroup_inet4_bind",
      "BPF_CGROUP_INET4_CONNECT",
      "cgroup/bind6",
      "cgroup_inet6_bind",
    ].map((attach) => ask(line("cgroup_sock_addr", text, { ...context, attach })).verdict);
    expect(verdicts).toEqual(["accept", "accept", "reject", "reject"]);
  });

  it("finds the stack as zeros where it may read what it did not write", () => {
    const dirty = `r1 = -1\n${Array.from({ length: 64 }, (_, word) => `*(u64 *)(r10 - ${8 * word + 8}) = r1`).join("\n")}`;
    expect(returned("xdp", `${dirty}\nr0 = 0\nexit`)).toBe(0);
    expect(returned("xdp", "r0 = *(u64 *)(r10 - 256)\nexit")).toBe(0);
  });

  it("cannot run without its headers", () => {
    const refused = (type: string, data: string | undefined, ctx?: string): Answer =>
      ask(line(type, "r0 = 1\nexit", { data, ctx }));
    for (const type of ["xdp", "sched_cls", "socket_filter", "cgroup_skb", "flow_dissector"]) {
      expect(refused(type, ZEROS.slice(0, 26)).error, type).toMatch(/^data: .* 14 bytes, got 13$/);
      expect(refused(type, ZEROS.slice(0, 28)).error, type).toBeUndefined();
      expect(refused(type, undefined, "").error, type).toMatch(/^data: .*got none$/);
    }
    expect(refused("sched_cls", IPV4.slice(0, 66)).error).toMatch(/^data: .* 34 bytes, got 33$/);
    expect(refused("sched_cls", IPV4.slice(0, 68)).error).toBeUndefined();
    expect(refused("lwt_in", IPV6.slice(0, 106)).error).toMatch(/^data: .* 54 bytes, got 53$/);
    expect(refused("xdp", IPV4.slice(0, 66)).error).toBeUndefined();
  });
});

describe.each(ENGINE_NAMES)("an __sk_buff on %s", (engine) => {
  const ask = asker(engine);
  const field = (type: string, offset: number, rest: Line = {}): unknown => {
    const answer = ask(line(type, load(offset), rest));
    return answer.retval ?? answer;
  };

  it("has the packet's length from the layer on that the program sees", () => {
    for (const type of LINK_TYPES) expect(field(type, 0), type).toBe(64);
    for (const type of NETWORK_TYPES) expect(field(type, 0), type).toBe(50);
  });

  it.each([
    ["a broadcast, on loopback a group like others", IPV4, 2, 0x0008],
    ["to this host", ZEROS, 0, 0x0400],
    ["IPv6", IPV6, 0, 0xdd86],
    ["a group's", VLAN, 2, 0x0081],
    ["another host's", `02${IPV4.slice(2)}`, 3, 0x0008],
    ["a length in place of a type", NOVELL, 0, 0x0100],
  ])("says what the packet is: %s", (_, data, type, protocol) => {
    for (const name of [...LINK_TYPES, ...NETWORK_TYPES]) {
      expect([field(name, 4, { data }), field(name, 16, { data })], name).toEqual([type, protocol]);
    }
  });

  it("comes in on device 1, with all else zero", () => {
    // mark, queue_mapping, vlan_*, priority, ingress_ifindex, tc_index, cb, hash, napi_id, gso_segs, gso_size
    const zero = [8, 12, 20, 24, 28, 32, 36, 44, 48, 64, 68, 84, 164, 176];
    for (const type of [...LINK_TYPES, ...NETWORK_TYPES]) {
      expect(field(type, 40), type).toBe(1);
      for (const offset of zero) expect(field(type, offset), `${type} ${offset}`).toBe(0);
    }
    expect(field("sched_cls", 160)).toBe(0);
  });

  it("gives parts of its fields, and the control block as it was written", () => {
    const loads = "r0 = *(u8 *)(r1 + 17)\nr2 = *(u16 *)(r1 + 16)\nr2 <<= 8\nr0 |= r2\nexit";
    expect(ask(line("sched_cls", loads, { data: VLAN })).retval).toBe(0x8100);
    const block =
      "r2 = 0x1122334455667788 ll\n*(u64 *)(r1 + 48) = r2\n*(u8 *)(r1 + 50) = 1\nr0 = *(u32 *)(r1 + 48)\nexit";
    expect(ask(line("sched_cls", block)).retval).toBe(0x55017788);
  });

  it("belongs to a socket that knows the packet's addresses", () => {
    const socket = (offset: number, data: string): unknown =>
      ask(line("sched_cls", `${SK}\nr0 = *(u32 *)(r6 + ${offset})\nexit`, { data })).retval;
    expect([4, 24, 52, 72, 76].map((offset) => socket(offset, IPV4))).toEqual([
      2, 0x0100000a, 0x0200000a, 7, 0xffff_ffff,
    ]);
    expect([4, 24, 28, 68].map((offset) => socket(offset, IPV6))).toEqual([10, 0, 0x04030201, 0x201f1e1d]);
    expect(socket(4, ZEROS)).toBe(0);
    const same = (offset: number, value: number, data: string): unknown => {
      const text = `r2 = *(u32 *)(r1 + ${offset})\nr0 = 0\nif w2 != ${value} goto out\nr0 = 1\nout: exit`;
      return ask(line("cgroup_skb", text, { data })).retval;
    };
    expect(same(88, 2, IPV4) && same(92, 0x0200000a, IPV4) && same(96, 0x0100000a, IPV4)).toBe(1);
    expect(same(88, 10, IPV6) && same(100, 0x14131211, IPV6) && same(128, 0x100f0e0d, IPV6)).toBe(1);
  });

  it("points to its packet, which may be changed and comes back", () => {
    const bounds =
      "r2 = *(u32 *)(r1 + 76)\nr3 = *(u32 *)(r1 + 80)\nr4 = r2\nr4 += 2\nr0 = 0\nif r4 > r3 goto out\n";
    const text = `${bounds}r0 = *(u16 *)(r2 + 0)\n*(u8 *)(r2 + 1) = 7\nout: exit`;
    expect(ask(line("sched_cls", text))).toMatchObject({ retval: 0xffff, data_out: `ff07${IPV4.slice(4)}` });
    // Behind a link layer's header that is no longer there.
    const seen = ask(line("lwt_xmit", text));
    expect(seen).toMatchObject({ retval: 0x45, data_out: `${"00".repeat(14)}4507${IPV4.slice(32)}` });
    const size = "r0 = *(u32 *)(r1 + 80)\nr2 = *(u32 *)(r1 + 76)\nr0 -= r2\nexit";
    expect(ask(line("sched_cls", size)).retval).toBe(64);
    const meta = "r0 = *(u32 *)(r1 + 76)\nr2 = *(u32 *)(r1 + 140)\nr0 -= r2\nexit";
    expect(ask(line("sched_cls", meta)).retval).toBe(0);
  });

  const absolute: readonly [offset: number, size: 1 | 2 | 4, link: number, network: number][] = [
    [0, 4, 0xffffffff, 0x45000032],
    [46, 4, 0x50100200, 0x6a6b6c6d],
    [47, 4, 0x10020000, 0],
    [49, 1, 0x00, 0x6d],
    [60, 4, 0x6a6b6c6d, 0],
    [61, 4, 0, 0],
    [2 ** 31 - 1, 4, 0, 0],
    [-1, 1, 0, 0],
    [-4096, 1, 0, 0],
    // from the network layer's header on, and from the link layer's
    [-0x100000, 4, 0x45000032, 0x45000032],
    [-0x100000 + 46, 4, 0x6a6b6c6d, 0x6a6b6c6d],
    [-0x100000 + 47, 4, 0, 0],
    [-0x100000 - 1, 1, 0, 0],
    [-0x200000, 4, 0xffffffff, 0xffffffff],
    [-0x200000 + 12, 2, 0x0800, 0x0800],
    [-0x200000 + 60, 4, 0x6a6b6c6d, 0x6a6b6c6d],
    [-0x200000 + 61, 4, 0, 0],
    [-0x200001, 1, 0, 0],
    [-(2 ** 31), 1, 0, 0],
  ];
  it.each(absolute)("is read at %i, %i bytes, or ends the program with 0", (offset, size, link, network) => {
    const direct = `r6 = r1\nr0 = 7\nr0 = *(u${size * 8} *)skb[${offset}]\nexit`;
    expect(ask(line("sched_cls", direct)).retval).toBe(link);
    expect(ask(line("socket_filter", direct)).retval).toBe(network);
    const indirect = `r6 = r1\nr7 = ${offset}\nr0 = *(u${size * 8} *)skb[r7 + 0]\nexit`;
    expect(ask(line("sched_cls", indirect)).retval).toBe(link);
    expect(ask(line("socket_filter", indirect)).retval).toBe(network);
  });

  it("is read by helpers", () => {
    const bytesAt = (offset: number): Answer =>
      ask(
        line(
          "socket_filter",
          `*(u64 *)(r10 - 8) = -1\nr2 = ${offset}\nr3 = r10\nr3 += -8\nr4 = 4\ncall 26\nr6 = r0\n` +
            "r0 = *(u32 *)(r10 - 8)\nr0 += r6\nexit",
        ),
      );
    expect(bytesAt(0).retval).toBe(0x32000045);
    expect(bytesAt(46).retval).toBe(0x6d6c6b6a);
    expect(bytesAt(47).retval).toBe(2 ** 32 - 14);
    expect(bytesAt(-1).retval).toBe(2 ** 32 - 14);
  });

  it("takes some of its fields from the caller, and gives them back", () => {
    const given = {
      8: 5,
      32: 7,
      36: 3,
      40: 1,
      48: 0x12345678,
      64: 9,
      152: 11,
      164: 65535,
      176: 70001,
      184: 9,
    };
    const ctx = words(192, given);
    for (const [offset, value] of [
      [8, 5],
      [32, 7],
      [36, 3],
      [48, 0x12345678],
      [160, 64],
      [164, 65535],
      [176, 4465],
    ])
      expect(field("sched_cls", offset, { ctx }), `${offset}`).toBe(value);
    const text = "*(u32 *)(r1 + 8) = 99\nr0 = 0\nexit";
    expect(ask(line("sched_cls", text, { ctx }))).toMatchObject({
      retval: 0,
      ctx_out: words(192, { ...given, 8: 99, 160: 64 }),
    });
    expect(field("sched_cls", 8, { ctx: words(16, { 8: 4 }) })).toBe(4);
    expect(field("socket_filter", 8, { ctx: words(200, { 8: 4, 160: 50 }) })).toBe(4);
  });

  it.each([
    ["len", { 0: 1 }],
    ["queue_mapping", { 12: 1 }],
    ["hash", { 68: 1 }],
    ["data_end", { 80: 64 }],
    ["tstamp_type", { 180: 1 }],
    ["a device that is not there", { 40: 99 }],
    ["wire_len below the length", { 160: 63 }],
    ["wire_len", { 160: 65537 }],
    ["gso_segs", { 164: 65536 }],
    ["what follows it", { 192: 1 }],
  ])("takes no other fields: %s", (_, fields) => {
    expect(ask(line("sched_cls", "r0 = 0\nexit", { ctx: words(196, fields) }))).toEqual({
      verdict: "accept",
      processed: 2,
      error: expect.stringMatching(/^ctx: expected /),
    });
  });
});

describe.each(ENGINE_NAMES)("an xdp_md on %s", (engine) => {
  const ask = asker(engine);
  const distance = (from: number, to: number): string =>
    `r0 = *(u32 *)(r1 + ${to})\nr2 = *(u32 *)(r1 + ${from})\nr0 -= r2\nexit`;
  const first =
    "r2 = *(u32 *)(r1 + 0)\nr3 = *(u32 *)(r1 + 4)\nr4 = r2\nr4 += 4\nr0 = 1\nif r4 > r3 goto out\n" +
    "r0 = *(u32 *)(r2 + 0)\nout: exit";
  const extent = (data: number, end: number): string => words(24, { 0: data, 4: end });

  it("points to the whole packet, on queue 0 of device 1", () => {
    expect(ask(line("xdp", distance(0, 4))).retval).toBe(64);
    expect(ask(line("xdp", distance(8, 0))).retval).toBe(0);
    expect(ask(line("xdp", load(12))).retval).toBe(1);
    expect(ask(line("xdp", load(16))).retval).toBe(0);
    expect(ask(line("xdp", first)).retval).toBe(0xffffffff);
  });

  it("may have metadata in front of the packet, and end before it does", () => {
    expect(ask(line("xdp", distance(8, 0), { ctx: extent(8, 64) }))).toMatchObject({
      retval: 8,
      data_out: IPV4,
      ctx_out: extent(8, 64),
    });
    expect(ask(line("xdp", first, { ctx: extent(8, 64) })).retval).toBe(0x55443322);
    expect(ask(line("xdp", distance(0, 4), { ctx: extent(4, 20) }))).toMatchObject({
      retval: 16,
      data_out: IPV4,
      ctx_out: extent(4, 20),
    });
  });

  it.each([
    words(24, { 0: 5, 4: 64 }),
    extent(52, 64),
    extent(8, 4),
    extent(0, 65),
    words(24, { 4: 64, 8: 4 }),
    words(24, { 4: 64, 12: 1, 16: 1 }),
    words(24, { 4: 64, 12: 1, 20: 1 }),
    words(28, { 4: 64, 24: 1 }),
  ])("is nothing else: %s", (ctx) => {
    expect(ask(line("xdp", "r0 = 0\nexit", { ctx })).error).toMatch(/^ctx: expected /);
  });
});

describe.each(ENGINE_NAMES)("other contexts on %s", (engine) => {
  const ask = asker(engine);

  it("are the bytes that are given, with zeros behind them", () => {
    const rest = { data: undefined, ctx: "0011223344556677" };
    expect(ask(line("raw_tracepoint", load(0, 8), rest))).toMatchObject({
      retval: 0x33221100,
      data_out: "0011223344556677",
    });
    expect(ask(line("raw_tracepoint", load(88, 8), rest)).retval).toBe(0);
    expect(ask(line("tracepoint", load(8, 8), { data: rest.ctx })).retval).toBe(0);
    expect(ask(line("kprobe", load(4), rest)).retval).toBe(0x77665544);
    const answer = ask(line("syscall", "*(u32 *)(r1 + 4) = 9\nr0 = 3\nexit", { ...rest, flags: 16 }));
    expect(answer).toMatchObject({ retval: 3, data_out: "0011223309000000" });
    expect(ask(line("kprobe", load(4), { ctx: "00" })).error).toMatch(/^ctx: .*got both$/);
  });

  it("of a flow dissector are a packet and the keys that it fills in", () => {
    const keys =
      "r6 = *(u64 *)(r1 + 144)\nr0 = *(u16 *)(r6 + 10)\nr2 = *(u16 *)(r6 + 0)\nr0 += r2\n" +
      "*(u16 *)(r6 + 2) = 0xffff\n*(u8 *)(r6 + 9) = 6\nexit";
    expect(ask(line("flow_dissector", keys))).toMatchObject({
      retval: 8 + 14,
      data_out: `0e004000${"00".repeat(5)}060800${"00".repeat(44)}`,
    });
  });
});

describe("where the engines look for the packet", () => {
  it("is where __sk_buff has it", () => {
    const fields = SKB_ROWS[0].struct.fields;
    const offset = (name: string) => fields.find((each) => each.name === name)?.offset;
    expect([Skb.DATA, Skb.DATA_END]).toEqual([offset("data"), offset("data_end")]);
    expect(Skb.LINK_HEADER).toBe(SKB_ROWS[0].struct.size);
  });
});
