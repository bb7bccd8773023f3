// The running kernel as tests ask it: whether they may, and its own types.

import { existsSync, readFileSync } from "node:fs";
import { type Btf, parseBtf } from "../../dist/src/btf/btf.js";
import { kernelUnavailable } from "../../dist/src/kernel.js";

/** Where the kernel shows its BTF. */
export const KERNEL_TYPES = "/sys/kernel/btf/vmlinux";

/** Why there is no BTF of the running kernel. */
export const noLiveBtf: string | undefined = existsSync(KERNEL_TYPES) ? undefined : `no ${KERNEL_TYPES}`;

/** Why the running kernel cannot be asked, with its types at hand. */
export const noLiveKernel: string | undefined = kernelUnavailable() ?? noLiveBtf;

let live: Btf | undefined;
/** The running kernel's BTF. */
export function liveBtf(): Btf {
  live ??= parseBtf(new Uint8Array(readFileSync(KERNEL_TYPES)));
  return live;
}
