// Helpers that may move a packet's bytes, and what is then left of the pointers into it.

import type { Env } from "../env.ts";
import { isPacketSlice } from "../objects/dynptr.ts";
import { Register } from "../register.ts";

/** They may move the packet: pointers into it are good for nothing behind them. */
export const CHANGES_PACKET: ReadonlySet<string> = new Set([
  ...[
    "skb_vlan_push",
    "skb_vlan_pop",
    "skb_store_bytes",
    "skb_change_proto",
    "skb_change_head",
    "skb_change_tail",
  ],
  ...["skb_pull_data", "clone_redirect", "l3_csum_replace", "l4_csum_replace"],
  ...["skb_adjust_room", "lwt_push_encap", "lwt_seg6_store_bytes", "lwt_seg6_adjust_srh"],
  ...["lwt_seg6_action", "xdp_adjust_meta", "xdp_adjust_head", "xdp_adjust_tail"],
  ...["msg_pull_data", "msg_push_data", "msg_pop_data"],
  ...["store_hdr_opt", "tail_call"],
]);

/** The packet may have moved. */
export function forgetPacket(env: Env): void {
  env.state.mapRegisters((register) => {
    const isPacket = register.isPacket || register.kind === "pkt_end" || isPacketSlice(register);
    if (!isPacket) return register;
    return env.allowsLeaks ? Register.UNKNOWN : Register.NONE;
  });
}
