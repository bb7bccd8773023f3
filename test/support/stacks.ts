// What a run finds in stack that it did not write: in the kernel whatever an earlier one left there.

import { At } from "../../assembly/shared/layout.ts";
import type { Runtime, VerifiedProgram } from "../../dist/src/index.js";
import type { Random } from "./random.ts";

/** Bytes of stack that a run may use: eight frames. */
const RUN_STACK = 4096;

/** Contents of a stack, bytes whose sums and signs differ. */
export const randomStack = (random: Random): Uint8Array =>
  Uint8Array.from({ length: RUN_STACK }, () => random.below(256));

/** Gives the next run, which is inside no other, a stack that something else has used. */
export function fillStack({ memory }: Runtime, bytes: Uint8Array): void {
  memory.write(memory.load32(At.STACK_BASE), bytes);
}

/** The program as engines run it that are told that it reads no stack that it did not write: what they zeroed stays. */
export function withoutZeroing({ program, proof }: VerifiedProgram): VerifiedProgram {
  return { program, proof: { ...proof, unwrittenStack: [] } } as unknown as VerifiedProgram;
}
