// The `xdp_md` of a test run: a packet on queue 0 of the loopback device. Follows Linux 6.18, net/bpf/test_run.c
// (bpf_prog_test_run_xdp).

import type { Runtime } from "../runtime.ts";
import { NETWORK_ROWS } from "../verifier/contexts/network.ts";
import {
  Blocks,
  ETHERNET_HEADER,
  expectPacket,
  fieldOffsets,
  fitContext,
  type TestContext,
  type TestInput,
  TestInputError,
} from "./context.ts";

const XDP = NETWORK_ROWS[0].struct;
const at = fieldOffsets(XDP);

/** XDP_PACKET_HEADROOM, and what the kernel keeps behind a packet. */
const HEADROOM = 256;
const TAILROOM = 320;

/** Most bytes of metadata: what a frame's own record leaves of the headroom. They come in words. */
const LONGEST_METADATA = 216;

const LOOPBACK = 1;

/**
 * How the caller's `xdp_md` cuts up what was given: metadata up to `data`, from there to `data_end` what the program
 * sees of the packet. `data_meta` is 0.
 */
function readExtent(ctx: Uint8Array | undefined, size: number): { metadata: number; end: number } {
  if (ctx === undefined) return { metadata: 0, end: size };
  const view = new DataView(fitContext(ctx, XDP.size).buffer);
  const expect = (name: string, expected: string, isGood: (value: number) => boolean): number => {
    const value = view.getUint32(at(name), true);
    if (!isGood(value)) throw new TestInputError(`ctx: expected ${name} ${expected}, got ${value}`);
    return value;
  };
  expect("data_meta", "0", (value) => value === 0);
  expect("ingress_ifindex", "0 or 1", (value) => value <= LOOPBACK);
  expect("rx_queue_index", "0", (value) => value === 0);
  expect("egress_ifindex", "0", (value) => value === 0);
  const most = Math.min(LONGEST_METADATA, size - ETHERNET_HEADER);
  const isMetadata = (value: number): boolean => value <= most && value % 4 === 0;
  const metadata = expect("data", `a multiple of 4 up to ${most}`, isMetadata);
  const isEnd = (value: number): boolean => value >= metadata && value <= size;
  return { metadata, end: expect("data_end", `${metadata}..${size}`, isEnd) };
}

/** Makes the `xdp_md` of a packet, or throws a TestInputError where the kernel gives EINVAL. */
export function makeXdp(runtime: Runtime, { data, ctx }: TestInput): TestContext {
  const packet = expectPacket(data, ETHERNET_HEADER);
  const { metadata, end } = readExtent(ctx, packet.length);
  const blocks = new Blocks(runtime);
  const buffer = blocks.allocate(XDP.size);
  const start = blocks.place(packet, HEADROOM - metadata, TAILROOM);
  const { memory } = runtime;
  const field = (name: string): number => buffer.address + at(name);
  memory.store32(field("data_meta"), start);
  memory.store32(field("data"), start + metadata);
  memory.store32(field("data_end"), start + end);
  memory.store32(field("ingress_ifindex"), LOOPBACK);

  return {
    buffer,
    free: () => blocks.free(),
    readData() {
      const from = memory.load32(field("data_meta"));
      return memory.read(from, memory.load32(field("data_end")) + packet.length - end - from);
    },
    readContext() {
      if (ctx === undefined) return undefined;
      const bytes = fitContext(ctx, XDP.size);
      const view = new DataView(bytes.buffer);
      const from = memory.load32(field("data_meta"));
      for (const name of ["data_meta", "data", "data_end"]) {
        view.setUint32(at(name), memory.load32(field(name)) - from, true);
      }
      return bytes;
    },
  };
}
