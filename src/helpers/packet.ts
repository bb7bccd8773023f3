// Helpers about packets: bytes out of one, and the checksum that the Internet's protocols share (RFC 1071).
// Semantics of Linux 6.18, net/core/filter.c.

import { Errno } from "../../assembly/shared/codes.ts";
import { At } from "../../assembly/shared/layout.ts";
import type { Runtime } from "../runtime.ts";

const TWO_32 = 0x1_0000_0000;

/** bpf_skb_load_bytes(skb, offset, to, len): 0, or zeros and -EFAULT where the packet does not reach. */
export function skbLoadBytes({ memory }: Runtime): number {
  const offset = memory.load32(At.R2) >>> 0;
  const to = memory.load32(At.R3);
  const size = memory.load32(At.R4) >>> 0;
  const start = memory.load32(At.PACKET_START);
  if (offset + size > memory.load32(At.PACKET_END) - start) {
    memory.fill(to, 0, size);
    return -Errno.EFAULT;
  }
  memory.copy(to, start + offset, size);
  return 0;
}

/** A sum brought back to 32 bits, what overflows added at the low end: 0 only for 0. */
function fold(sum: number): number {
  let folded = sum;
  while (folded >= TWO_32) folded = (folded % TWO_32) + Math.floor(folded / TWO_32);
  return folded;
}

/** The sum of some bytes as 32-bit words, little-endian, the last one filled up with zeros. */
function sumWords({ memory }: Runtime, at: number, size: number): number {
  let sum = 0;
  let done = 0;
  for (; done + 4 <= size; done += 4) sum = fold(sum + (memory.load32(at + done) >>> 0));
  for (let shift = 0; done < size; done++, shift += 8) {
    sum = fold(sum + memory.load8(at + done) * 2 ** shift);
  }
  return sum;
}

/**
 * bpf_csum_diff(from, from_size, to, to_size, seed): the checksum `seed` with `from` taken out and `to` put in, as 16
 * bits that are not complemented.
 */
export function csumDiff(runtime: Runtime): number {
  const { memory } = runtime;
  const fromSize = memory.load32(At.R2) >>> 0;
  const toSize = memory.load32(At.R4) >>> 0;
  const added = sumWords(runtime, memory.load32(At.R3), toSize);
  const taken = sumWords(runtime, memory.load32(At.R1), fromSize);
  let sum = memory.load32(At.R5) >>> 0;
  if (toSize > 0) sum = fold(sum + added);
  // Without `to` the kernel complements the seed and the result, which is not the same for sums of 0.
  if (fromSize > 0) sum = toSize > 0 ? fold(sum + (~taken >>> 0)) : ~fold((~sum >>> 0) + taken) >>> 0;
  const halves = (sum & 0xffff) + (sum >>> 16);
  return (halves & 0xffff) + (halves >>> 16);
}
