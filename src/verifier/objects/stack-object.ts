// What lies on the stack and belongs to the kernel: dynptrs, open-coded iterators, saved states of interrupts. A
// program hands their addresses to calls and may not look inside; a store to one ends it. Here is what they are and
// where they may lie (stack_slot_obj_get_spi in kernel/bpf/verifier.c).

import type { Env } from "../env.ts";
import { checkAccess } from "../insns/access.ts";
import { frameOf, slotOf, UNKNOWN_VALUE } from "../insns/stack-access.ts";
import type { Register } from "../register.ts";
import type { Frame } from "../state.ts";

/** What a dynptr points to (`enum bpf_dynptr_type`), by the kernel's names. */
export type DynptrType = "local" | "ringbuf" | "skb" | "xdp" | "skb_meta";

/** One of a dynptr's two slots. */
export interface DynptrObject {
  readonly kind: "dynptr";
  readonly type: DynptrType;
  /** Of this dynptr alone: its slices have it. */
  readonly id: number;
  /** Reference that its clones share; 0: none. */
  readonly refId: number;
  /** The slot with the lower address. */
  readonly isFirst: boolean;
}

/** One of an iterator's slots. */
export interface IteratorObject {
  readonly kind: "iter";
  /** Its struct, such as `bpf_iter_num`. */
  readonly struct: string;
  /** Reference, in the slot with the lowest address; 0 in the others. */
  readonly refId: number;
  /** There may be a next element. */
  readonly isActive: boolean;
  /** How many elements were taken on the way here. */
  readonly depth: number;
  /** What it gives is kept by RCU ("rcu"), was so until the section was left ("stale"), or needs no RCU. */
  readonly guard: "none" | "rcu" | "stale";
}

/** A saved state of interrupts. */
export interface IrqFlagObject {
  readonly kind: "irq_flag";
  readonly refId: number;
  /** Who saved it, and must restore it. */
  readonly savedBy: "native" | "lock";
}

export type StackObject = DynptrObject | IteratorObject | IrqFlagObject;

/** Where an object is: the slot with its lowest address; or why there cannot be one. */
type ObjectPlace =
  | { readonly slot: number; readonly problem?: undefined }
  /** The stack is not that deep yet. */
  | { readonly slot: -1; readonly problem?: undefined }
  | { readonly slot?: undefined; readonly problem: string };

/** The place of an object of that many slots that a stack pointer is the address of. */
export function placeOf(
  frame: Frame,
  pointer: Register,
  kind: StackObject["kind"],
  slots: number,
): ObjectPlace {
  if (!pointer.scalar.isConstant) return { problem: `${kind} has to be at a constant offset` };
  const at = pointer.wholeOffset;
  const slot = slotOf(at);
  if (at % 8 !== 0 || slot + 1 < slots) {
    return { problem: `cannot pass in ${kind} at an offset=${at}` };
  }
  return { slot: slot < frame.stack.length ? slot : -1 };
}

/** The program may write to the slots of an object that a call makes there; gives the one with the lowest address. */
export function claimSlots(env: Env, number: number, kind: StackObject["kind"], slots: number): number {
  const stored = UNKNOWN_VALUE;
  for (let at = 0; at < slots * 8; at += 8) {
    checkAccess(env, { number, off: at, size: 8, dst: -1, stored, isSigned: false });
  }
  const pointer = env.register(number);
  return placeOf(frameOf(env, pointer), pointer, kind, slots).slot ?? 0;
}
