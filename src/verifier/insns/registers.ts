// What any instruction may do with a register as such: read it once it was written, write it unless it is the frame
// pointer, hide that it is a pointer.

import type { Env } from "../env.ts";
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
