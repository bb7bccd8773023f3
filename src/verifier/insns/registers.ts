// What any instruction may do with a register as such: read it once it was written, write it unless it is the frame
// pointer, hide that it is a pointer; and what is left of one that is good for nothing any more.

import type { Env } from "../env.ts";
import { Register } from "../register.ts";
import { EACCES, EINVAL } from "../rejection.ts";

export function checkReads(env: Env, number: number): void {
  if (number > 10) env.reject(EINVAL, `R${number} is invalid`);
  if (env.register(number).kind === "none") env.reject(EACCES, `R${number} !read_ok`);
}

export function checkWrites(env: Env, number: number): void {
  if (number > 10) env.reject(EINVAL, `R${number} is invalid`);
  if (number === 10) env.reject(EACCES, "frame pointer is read only");
}

/** True for a pointer whose value must not become known to the program's user. */
export function isHiddenPointer(env: Env, number: number): boolean {
  return !env.allowsLeaks && env.register(number).isPointer;
}

/** A pointer whose object is gone: a number that must stay secret under CAP_BPF alone. */
export const endedRegister = (env: Env): Register => (env.allowsLeaks ? Register.UNKNOWN : Register.NONE);
