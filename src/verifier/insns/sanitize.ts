// Pointer arithmetic under CAP_BPF alone: the kernel masks offsets so that a CPU which guesses wrong stays inside,
// and refuses what it could not mask (sanitize_ptr_alu in kernel/bpf/verifier.c). Engines need no masks: what is
// kept here is the verdict.

import { type Env, MAX_STACK } from "../env.ts";
import type { Register } from "../register.ts";
import { EACCES, Rejection } from "../rejection.ts";
import type { Scalar } from "../scalars/scalar.ts";
import { checkMapValue } from "./access.ts";

const WHY = "pointer arithmetic with it prohibited for !root";

/** The arithmetic of one instruction: `dst` op= `offset`, where one of both is the pointer. */
interface Move {
  readonly isSum: boolean;
  readonly dst: number;
  /** The other register; -1 for a constant of the instruction. */
  readonly src: number;
  /** The number is in `dst`, the pointer in `src`. */
  readonly isReversed: boolean;
  readonly offset: Scalar;
}

/** How far a pointer may go that way, before the move. */
interface Window {
  readonly limit: bigint;
  readonly toLeft: boolean;
}

/** Before the move; undefined where nothing needs a mask. */
export function openWindow(env: Env, pointer: Register, move: Move): Window | undefined {
  if (env.allowsLeaks || move.src < 0) return undefined;
  const { offset, isSum, dst, src, isReversed } = move;
  if (!offset.isConstant && offset.smin < 0n !== offset.smax < 0n) {
    env.reject(EACCES, `R${isReversed ? dst : src} has unknown scalar with mixed signed bounds, ${WHY}`);
  }
  const isNegative = offset.smin < 0n;
  const toLeft = isSum === isNegative;
  const limit = limitOf(env, pointer, toLeft, move);
  if (!offset.isConstant) env.comparesNumbersExactly = true;
  noteMask(env, move, `${isNegative} ${offset.isConstant} ${isReversed}`, undefined);
  return { limit, toLeft };
}

/** After the move: what the pointer moved is what the mask must leave. */
export function closeWindow(env: Env, moved: Register, window: Window, move: Move): void {
  const limit = limitOf(env, moved, window.toLeft, move);
  const distance = window.limit > limit ? window.limit - limit : limit - window.limit;
  const { offset, isReversed } = move;
  noteMask(env, move, `${offset.smin < 0n} ${offset.isConstant} ${isReversed}`, distance);
}

function limitOf(
  env: Env,
  pointer: Register,
  toLeft: boolean,
  { isSum, dst, src, isReversed }: Move,
): bigint {
  let [max, limit] = [0n, 0n];
  if (pointer.kind === "fp") {
    max = BigInt(MAX_STACK) + (toLeft ? 1n : 0n);
    limit = -(pointer.scalar.signedValue + BigInt(pointer.off));
  } else if (pointer.kind === "map_value") {
    max = BigInt(pointer.map?.valueSize ?? 0);
    limit = (toLeft ? pointer.scalar.smin : pointer.scalar.umax) + BigInt(pointer.off);
  } else {
    env.reject(EACCES, `R${isReversed ? src : dst} has pointer with unsupported alu operation, ${WHY}`);
  }
  if (BigInt.asUintN(32, limit) >= max) {
    env.reject(EACCES, `R${dst} tried to ${isSum ? "add" : "sub"} beyond pointer bounds, ${WHY}`);
  }
  return limit;
}

/** One mask must do for every way that reaches the instruction. */
function noteMask(env: Env, { isSum, dst }: Move, kind: string, limit: bigint | undefined): void {
  if (limit === undefined) return;
  const mask = `${kind} ${limit}`;
  const known = env.masks.get(env.slot);
  env.masks.set(env.slot, mask);
  if (known === undefined || known === mask) return;
  const verb = isSum ? "add" : "sub";
  env.reject(EACCES, `R${dst} tried to ${verb} from different maps, paths or scalars, ${WHY}`);
}

/** Where a pointer ends up must be inside, before anything is loaded through it. */
export function checkMoved(env: Env, dst: number, moved: Register): void {
  if (env.allowsLeaks) return;
  if (moved.kind === "fp") {
    // Of a part that varies these are the bits that are known.
    const off = moved.wholeOffset;
    if (!moved.scalar.isConstant) {
      env.reject(
        EACCES,
        `R${dst} variable stack access prohibited for !root, var_off=${moved.scalar.tnum} off=${off}`,
      );
    }
    if (off < 0 && off >= -MAX_STACK) return;
    env.reject(
      EACCES,
      `R${dst} stack pointer arithmetic goes out of range, prohibited for !root; off=${off}`,
    );
  }
  if (moved.kind !== "map_value") return;
  const before = env.register(dst);
  env.setRegister(dst, moved);
  try {
    checkMapValue(env, dst, moved.off, 1, false);
  } catch (error) {
    if (!(error instanceof Rejection)) throw error;
    env.reject(
      EACCES,
      `${error.message}\nR${dst} pointer arithmetic of map value goes out of range, prohibited for !root`,
    );
  } finally {
    env.setRegister(dst, before);
  }
}
