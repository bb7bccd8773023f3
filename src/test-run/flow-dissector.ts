// The context of a flow dissector in a test run: an `__sk_buff` of which only the packet and the keys to fill in are
// there. Follows Linux 6.18, net/bpf/test_run.c (bpf_prog_test_run_flow_dissector) and net/core/flow_dissector.c.

import { Skb } from "../../assembly/shared/layout.ts";
import type { Runtime } from "../runtime.ts";
import { FLOW_KEYS_SIZE } from "../verifier/contexts/contexts.ts";
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
} from "./context.ts";

const at = fieldOffsets(SKB_ROWS[0].struct);

/** `struct bpf_flow_keys`: where the network header and the transport header start, the protocol, the caller's flags. */
const KEYS = { networkOffset: 0, transportOffset: 2, protocol: 10, flags: 48 };

/** Makes the context of a packet; `ctx` is a `bpf_flow_keys` that only gives the flags. */
export function makeFlowDissector(runtime: Runtime, { data, ctx }: TestInput): TestContext {
  const packet = expectPacket(data, ETHERNET_HEADER);
  const given = fitContext(ctx ?? new Uint8Array(0), FLOW_KEYS_SIZE);
  expectZero(given, 0, KEYS.flags);
  expectZero(given, KEYS.flags + 4, FLOW_KEYS_SIZE);
  const blocks = new Blocks(runtime);
  const buffer = blocks.allocate(Skb.SIZE);
  const start = blocks.place(packet, 0, 0);
  const keys = blocks.allocate(FLOW_KEYS_SIZE).address;
  const { memory } = runtime;
  memory.write(keys, given);
  memory.store16(keys + KEYS.networkOffset, ETHERNET_HEADER);
  memory.store16(keys + KEYS.transportOffset, ETHERNET_HEADER);
  memory.write(keys + KEYS.protocol, packet.subarray(12, 14));
  memory.store32(buffer.address + at("data"), start);
  memory.store32(buffer.address + at("data_end"), start + packet.length);
  memory.store32(buffer.address + at("flow_keys"), keys);

  return {
    buffer,
    free: () => blocks.free(),
    readData() {
      for (const offset of [KEYS.networkOffset, KEYS.transportOffset]) {
        const found = Math.max(ETHERNET_HEADER, Math.min(memory.load16(keys + offset), packet.length));
        memory.store16(keys + offset, found);
      }
      return memory.read(keys, FLOW_KEYS_SIZE);
    },
    readContext: () => undefined,
  };
}
