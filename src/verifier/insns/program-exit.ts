// The number that a program ends with: what the kernel makes of it must be something it knows (check_return_code in
// kernel/bpf/verifier.c).

import { returnRange } from "../contexts/contexts.ts";
import { hookReturnRange } from "../contexts/traced-context.ts";
import type { Env } from "../env.ts";
import { markPrecise } from "../explore/precision.ts";
import { type Register, typeName } from "../register.ts";
import { EACCES, EINVAL } from "../rejection.ts";
import { checkReads, isHiddenPointer } from "./registers.ts";

/** What the program ends with: r0, or what it hands to bpf_throw. */
export function checkResult(env: Env, number: number): void {
  const { callback, subprogram } = env.frame;
  const isMain = subprogram === 0;
  const hook = env.target && isMain ? hookReturnRange(env.kind, env.target) : undefined;
  if (hook === "anything") return;
  checkReads(env, number);
  if (isHiddenPointer(env, number)) env.reject(EACCES, `R${number} leaks addr as return value`);
  const register = env.register(number);
  if (callback === undefined && !isMain) {
    if (register.kind === "scalar") return;
    const type = typeName(register);
    env.reject(EINVAL, `At subprogram exit the register R${number} is not a scalar value (${type})`);
  }
  const range = callback ?? hook ?? returnRange(env.kind);
  if (range === undefined) return;
  const when = callback === undefined ? "At program exit" : "At async callback return";
  if (register.kind !== "scalar") {
    env.reject(EINVAL, `${when} the register R${number} is not a known value (${typeName(register)})`);
  }
  markPrecise(env, number);
  const { scalar } = register;
  const isWide = "asyncEntry" in range || range.is64;
  const [smin, smax] = isWide ? [scalar.smin, scalar.smax] : [BigInt(scalar.s32min), BigInt(scalar.s32max)];
  if (smin >= BigInt(range.min) && smax <= BigInt(range.max)) return;
  const [min, max] = [Number(range.min), Number(range.max)];
  env.reject(EINVAL, outOfRange(register, `${when} the register R${number} has`, min, max));
}

/** The kernel's words for a number outside of what it must be in. */
export function outOfRange({ scalar }: Register, what: string, min: number, max: number): string {
  let text = what;
  const isUnknown = scalar.smin === -(1n << 63n) && scalar.smax === (1n << 63n) - 1n;
  if (scalar.smin > -(1n << 63n)) text += ` smin=${scalar.smin}`;
  if (scalar.smax < (1n << 63n) - 1n) text += ` smax=${scalar.smax}`;
  if (isUnknown) text += " unknown scalar value";
  return `${text} should have been in [${min}, ${max}]`;
}
