// The `__sk_buff` of a test run, for every program type that has one: a packet that came in on the loopback
// device. Follows Linux 6.18, net/bpf/test_run.c (bpf_prog_test_run_skb) and net/ethernet/eth.c.

import { Skb } from "../../assembly/shared/layout.ts";
import type { ProgramType } from "../program-types.ts";
import type { Runtime } from "../runtime.ts";
import { SKB_ROWS } from "../verifier/contexts/skb.ts";
import {
  Blocks,
  ETHERNET_HEADER,
  expectPacket,
  expectZero,
  fieldOffsets,
  fitContext,
  type TestContext,
  type TestInput,
  TestInputError,
} from "./context.ts";

/** Types whose packets start at the link layer's header; the others see them from the network layer's on. */
const SEES_LINK_LAYER: ReadonlySet<ProgramType> = new Set<ProgramType>(["sched_cls", "sched_act"]);

/** `__sk_buff` in all, which is a little more than what programs may access. */
const SIZE = Skb.LINK_HEADER;
const at = fieldOffsets(SKB_ROWS[0].struct);

/** Room around the packet, as network drivers leave it (NET_SKB_PAD; the tail is what the kernel keeps there). */
const HEADROOM = 64;
const TAILROOM = 320;

const enum Ethertype {
  IPV4 = 0x0800,
  IPV6 = 0x86dd,
  /** Smaller ones are lengths. */
  FIRST = 0x0600,
  // what the kernel says of packets with a length in its place
  RAW_802_3 = 0x0001,
  LLC_802_2 = 0x0004,
}

/** Header sizes, without options, and address families. */
const IPV4 = { header: 20, source: 12, destination: 16, addressSize: 4, family: 2 } as const;
const IPV6 = { header: 40, source: 8, destination: 24, addressSize: 16, family: 10 } as const;
type IpLayout = typeof IPV4 | typeof IPV6;

/** PACKET_HOST and its kin: whom the link layer's address means. Loopback's is all zeros. */
const enum PacketType {
  HOST = 0,
  MULTICAST = 2,
  OTHERHOST = 3,
}

/** GSO_LEGACY_MAX_SIZE and GSO_MAX_SEGS. */
const LONGEST_WIRE = 65536;
const MOST_SEGMENTS = 65535;

/** `struct bpf_sock` of the socket that a test run's packets belong to. */
const SOCKET = {
  size: 80,
  family: 4,
  sourceV4: 24,
  sourceV6: 28,
  destinationV4: 52,
  destinationV6: 56,
  state: 72,
  queue: 76,
};
const TCP_CLOSE = 7;

const read16 = (bytes: Uint8Array, offset: number): number => (bytes[offset] << 8) | bytes[offset + 1];

function ethertypeOf(packet: Uint8Array): number {
  const type = read16(packet, 12);
  if (type >= Ethertype.FIRST) return type;
  const isNovell = packet.length >= ETHERNET_HEADER + 2 && read16(packet, ETHERNET_HEADER) === 0xffff;
  return isNovell ? Ethertype.RAW_802_3 : Ethertype.LLC_802_2;
}

function packetTypeOf(packet: Uint8Array): PacketType {
  if (packet.subarray(0, 6).every((byte) => byte === 0)) return PacketType.HOST;
  return (packet[0] & 1) === 1 ? PacketType.MULTICAST : PacketType.OTHERHOST;
}

/** How the network layer's header is read, where it is one that sockets know. */
function ipLayoutOf(ethertype: number): IpLayout | undefined {
  if (ethertype === Ethertype.IPV4) return IPV4;
  return ethertype === Ethertype.IPV6 ? IPV6 : undefined;
}

/** What the caller's context sets; undefined where there is none. */
function readFields(ctx: Uint8Array | undefined, length: number): DataView | undefined {
  if (ctx === undefined) return undefined;
  const bytes = fitContext(ctx, SIZE);
  const free = ["mark", "priority", "ingress_ifindex", "ifindex"].map((name) => [at(name), 4]);
  free.push([at("cb"), 20], [at("tstamp"), 16], [at("gso_size"), 4], [at("hwtstamp"), 8]);
  let from = 0;
  for (const [start, size] of free) {
    expectZero(bytes, from, start);
    from = start + size;
  }
  const view = new DataView(bytes.buffer);
  const expect = (name: string, expected: string, isGood: (value: number) => boolean): void => {
    const value = view.getUint32(at(name), true);
    if (!isGood(value)) throw new TestInputError(`ctx: expected ${name} ${expected}, got ${value}`);
  };
  expect("ifindex", "0 or 1", (value) => value <= 1);
  expect("wire_len", `0 or ${length}..${LONGEST_WIRE}`, (value) => {
    return value === 0 || (value >= length && value <= LONGEST_WIRE);
  });
  expect("gso_segs", `0..${MOST_SEGMENTS}`, (value) => value <= MOST_SEGMENTS);
  return view;
}

/** The socket, as a `bpf_sock`, and the same in the context's own fields. */
function fillSocket(
  view: DataView,
  socket: DataView,
  packet: Uint8Array,
  layout: IpLayout | undefined,
): void {
  socket.setUint32(SOCKET.state, TCP_CLOSE, true);
  socket.setInt32(SOCKET.queue, -1, true);
  if (layout === undefined) return;
  const isV4 = layout === IPV4;
  socket.setUint32(SOCKET.family, layout.family, true);
  view.setUint32(at("family"), layout.family, true);
  const copy = (from: number, field: string, socketField: number): void => {
    for (let index = 0; index < layout.addressSize; index++) {
      const byte = packet[ETHERNET_HEADER + from + index];
      view.setUint8(at(field) + index, byte);
      socket.setUint8(socketField + index, byte);
    }
  };
  copy(layout.source, isV4 ? "local_ip4" : "local_ip6", isV4 ? SOCKET.sourceV4 : SOCKET.sourceV6);
  copy(
    layout.destination,
    isV4 ? "remote_ip4" : "remote_ip6",
    isV4 ? SOCKET.destinationV4 : SOCKET.destinationV6,
  );
}

/** Fields that the kernel takes from the caller's context, and gives back. Of `gso_size` it gives back what was given. */
const EXCHANGED: readonly (readonly [name: string, bytes: number])[] = [
  ["mark", 4],
  ["priority", 4],
  ["ingress_ifindex", 4],
  ["ifindex", 4],
  ["cb", 20],
  ["tstamp", 8],
  ["wire_len", 4],
  ["gso_segs", 4],
  ["hwtstamp", 8],
];

/**
 * Makes the `__sk_buff` of a packet, or throws a TestInputError where the kernel gives EINVAL: the packet is too short
 * for its headers, or the context sets what it may not.
 */
export function makeSkb(runtime: Runtime, type: ProgramType, { data, ctx }: TestInput): TestContext {
  const packet = expectPacket(data, ETHERNET_HEADER);
  const ethertype = ethertypeOf(packet);
  const layout = ipLayoutOf(ethertype);
  expectPacket(data, ETHERNET_HEADER + (layout?.header ?? 0));
  const pulled = SEES_LINK_LAYER.has(type) ? 0 : ETHERNET_HEADER;
  const length = packet.length - pulled;
  const given = readFields(ctx, length);

  const blocks = new Blocks(runtime);
  const buffer = blocks.allocate(Skb.SIZE);
  const link = blocks.place(packet, HEADROOM, TAILROOM);
  const sock = blocks.allocate(SOCKET.size);
  const { memory } = runtime;
  const { address } = buffer;
  const view = new DataView(memory.u8.buffer, address, Skb.SIZE);
  const set = (name: string, value: number): void => view.setUint32(at(name), value, true);
  if (given !== undefined) {
    memory.write(address, new Uint8Array(given.buffer));
    if (given.getUint32(at("wire_len"), true) === 0) set("wire_len", length);
    set("gso_size", given.getUint16(at("gso_size"), true));
  }
  set("len", length);
  set("pkt_type", packetTypeOf(packet));
  // The kernel's is big-endian, in the lower half of the field.
  view.setUint16(at("protocol"), ethertype);
  set("ifindex", 1);
  set("data", link + pulled);
  set("data_meta", link + pulled);
  set("data_end", link + packet.length);
  view.setUint32(at("sk"), sock.address, true);
  fillSocket(view, new DataView(memory.u8.buffer, sock.address, SOCKET.size), packet, layout);
  view.setUint32(Skb.LINK_HEADER, link, true);
  view.setUint32(Skb.NETWORK_HEADER, link + ETHERNET_HEADER, true);

  return {
    buffer,
    free: () => blocks.free(),
    readData() {
      const start = memory.load32(address + Skb.DATA);
      const seen = memory.read(start, memory.load32(address + Skb.DATA_END) - start);
      // The kernel puts a header of zeros where it took the link layer's off.
      const bytes = new Uint8Array(pulled + seen.length);
      bytes.set(seen, pulled);
      return bytes;
    },
    readContext() {
      if (ctx === undefined) return undefined;
      const bytes = fitContext(ctx, SIZE);
      for (const [name, size] of EXCHANGED) bytes.set(memory.read(address + at(name), size), at(name));
      return bytes;
    },
  };
}
