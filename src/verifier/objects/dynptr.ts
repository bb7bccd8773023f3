// Dynptrs: which call makes, takes, clones or gives back one, what becomes of its slices, and that nothing writes to
// one whose reference is still held (process_dynptr_func in kernel/bpf/verifier.c).

import { releaseReference, takeReference } from "../calls/references.ts";
import type { Env } from "../env.ts";
import { endedRegister } from "../insns/registers.ts";
import { frameOf } from "../insns/stack-access.ts";
import { Flag, type Register } from "../register.ts";
import { EINVAL } from "../rejection.ts";
import { Byte, type Frame, StackSlot } from "../state.ts";
import { claimSlots, type DynptrObject, type DynptrType, placeOf } from "./stack-object.ts";

/** Slots of a dynptr. */
const SLOTS = 2;

/** What a call wants of an argument that is a dynptr. */
export interface DynptrUse {
  /** The call makes it. */
  readonly isNew: boolean;
  /** Of that type; of any when missing. */
  readonly type?: DynptrType | undefined;
  /** The call leaves it as it is. */
  readonly isReadOnly?: boolean | undefined;
  /** It becomes another handle on what this one has. */
  readonly cloned?: DynptrObject | undefined;
}

/** A slice's flag by the type of its dynptr. */
const SLICE_FLAGS: Readonly<Record<DynptrType, Flag>> = {
  local: Flag.DYNPTR_LOCAL,
  ringbuf: Flag.DYNPTR_RINGBUF,
  skb: Flag.DYNPTR_SKB,
  xdp: Flag.DYNPTR_XDP,
  skb_meta: Flag.DYNPTR_SKB_META,
};

/** All flags that tell a slice's dynptr. */
export const SLICE_MASK = Object.values(SLICE_FLAGS).reduce((mask, flag) => mask | flag, 0);
const PACKET_SLICES = Flag.DYNPTR_SKB | Flag.DYNPTR_XDP | Flag.DYNPTR_SKB_META;

export const sliceFlag = (type: DynptrType): Flag => SLICE_FLAGS[type];

/** Memory that a dynptr of a packet was asked for: it goes when the packet moves. */
export const isPacketSlice = ({ kind, flags }: Register): boolean =>
  kind === "mem" && (flags & PACKET_SLICES) !== 0;

/** Whether a dynptr of that type holds a reference. */
const isCounted = (type: DynptrType): boolean => type === "ringbuf";

/** A dynptr argument of a call. Gives what it is, after the call where it makes it. */
export function checkDynptr(env: Env, number: number, use: DynptrUse): DynptrObject {
  const register = env.register(number);
  if (register.kind !== "fp" && register.kind !== "dynptr") {
    env.reject(EINVAL, `arg#${number - 1} expected pointer to stack or const struct bpf_dynptr`);
  }
  if (use.isNew) return makeDynptr(env, register, number, use);
  if (register.kind === "dynptr" && use.isReadOnly !== true) {
    env.reject(EINVAL, "cannot pass pointer to const bpf_dynptr, the helper mutates it");
  }
  const found = findDynptr(env, register);
  if (typeof found === "string") {
    env.reject(EINVAL, `${found}Expected an initialized dynptr as arg #${number - 1}`);
  }
  if (use.type !== undefined && found.type !== use.type) {
    env.reject(EINVAL, `Expected a dynptr of type ${use.type} as arg #${number - 1}`);
  }
  if (register.kind === "fp") markRead(env, register);
  return found;
}

/** The dynptr that a register points to; else why there is none, as lines to put before the reason. */
function findDynptr(env: Env, register: Register): DynptrObject | string {
  if (register.kind === "dynptr") {
    return { kind: "dynptr", type: "local", id: register.id, refId: 0, isFirst: true };
  }
  const frame = frameOf(env, register);
  const place = placeOf(frame, register, "dynptr", SLOTS);
  if (place.problem !== undefined) return `${place.problem}\n`;
  if (place.slot < 0) return "";
  const first = frame.slot(place.slot);
  const isWhole =
    first.isAll === Byte.DYNPTR && frame.slot(place.slot - 1).isAll === Byte.DYNPTR && first.object;
  if (!isWhole || first.object?.kind !== "dynptr" || !first.object.isFirst) return "";
  return first.object;
}

function markRead(env: Env, register: Register): void {
  const frame = frameOf(env, register);
  const { slot } = placeOf(frame, register, "dynptr", SLOTS);
  for (let index = 0; slot !== undefined && index < SLOTS; index++) {
    env.stackLiveness.markRead(frame.number, slot - index);
  }
}

function makeDynptr(env: Env, register: Register, number: number, use: DynptrUse): DynptrObject {
  const frame = frameOf(env, register);
  const before = register.kind === "fp" ? placeOf(frame, register, "dynptr", SLOTS) : { problem: "" };
  if (before.problem !== undefined) {
    const lines = [before.problem, "Dynptr has to be an uninitialized dynptr"];
    env.reject(EINVAL, lines.filter((line) => line !== "").join("\n"));
  }
  const slot = claimSlots(env, number, "dynptr", SLOTS);
  const type = use.type ?? "local";
  const id = env.takeId();
  const refId = use.cloned?.refId ?? (isCounted(type) ? takeReference(env) : 0);
  const object: DynptrObject = { kind: "dynptr", type, id, refId, isFirst: true };
  frame.setSlot(slot, StackSlot.holding(Byte.DYNPTR, object));
  frame.setSlot(slot - 1, StackSlot.holding(Byte.DYNPTR, { ...object, isFirst: false }));
  for (let index = 0; index < SLOTS; index++) env.stackLiveness.markWritten(frame.number, slot - index);
  return object;
}

/** A store to part of a dynptr ends it; one that holds a reference must not end so. */
export function overwriteDynptr(env: Env, frame: Frame, index: number): void {
  const { object } = frame.slot(index);
  if (object?.kind !== "dynptr") return;
  if (isCounted(object.type)) env.reject(EINVAL, "cannot overwrite referenced dynptr");
  const first = object.isFirst ? index : index + 1;
  forgetDynptr(frame, first);
  env.state.mapRegisters((register) => {
    // Slices that are marked with their type are not followed by it.
    const isSlice = register.kind === "mem" && (register.flags & ~Flag.MAYBE_NULL) === 0;
    return isSlice && register.dynptrId === object.id ? endedRegister(env) : register;
  });
}

function forgetDynptr(frame: Frame, first: number): void {
  for (let index = 0; index < SLOTS; index++) frame.stack[first - index] = StackSlot.INVALID;
}

/** An argument that a helper gives back holds a reference. */
export function checkReleasable(env: Env, number: number): void {
  const register = env.register(number);
  if (register.kind !== "fp") env.reject(EINVAL, "cannot release unowned const bpf_dynptr");
  const frame = frameOf(env, register);
  const { slot, problem } = placeOf(frame, register, "dynptr", SLOTS);
  const object = slot === undefined ? undefined : frame.slot(slot).object;
  if (object === undefined || object.refId === 0) {
    const reason = `arg ${number} is an unacquired reference`;
    env.reject(EINVAL, problem === undefined ? reason : `${problem}\n${reason}`);
  }
}

/** Gives a dynptr back: with it go its clones and all of their slices. */
export function releaseDynptr(env: Env, register: Register): void {
  const frame = frameOf(env, register);
  const { slot = -1 } = placeOf(frame, register, "dynptr", SLOTS);
  const { object } = frame.slot(slot);
  if (object?.kind !== "dynptr") return;
  releaseReference(env, object.refId);
  for (let index = 1; index < frame.stack.length; index++) {
    const other = frame.stack[index].object;
    const isClone = other?.kind === "dynptr" && other.isFirst && other.refId === object.refId;
    if (isClone) forgetDynptr(frame, index);
  }
}
