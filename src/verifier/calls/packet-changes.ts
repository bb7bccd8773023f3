// What is left of the pointers into a packet once its bytes may have moved (clear_all_pkt_pointers in
// kernel/bpf/verifier.c).

import type { Env } from "../env.ts";
import { endedRegister } from "../insns/registers.ts";
import { isPacketSlice } from "../objects/dynptr.ts";

/** The packet may have moved. */
export function forgetPacket(env: Env): void {
  env.state.mapRegisters((register) => {
    const isPacket = register.isPacket || register.kind === "pkt_end" || isPacketSlice(register);
    return isPacket ? endedRegister(env) : register;
  });
}
