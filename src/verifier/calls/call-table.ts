// What is known of a program's calls before any is explored: which call back, and how many arguments they take.

import { type Code, PSEUDO_KFUNC_CALL } from "../code.ts";
import type { CallTable } from "../explore/control-flow.ts";
import type { ProgramHelpers } from "../prototypes/program-helpers.ts";
import { helperCallback } from "./calls.ts";
import { type KernelFunctions, kfuncCallback } from "./kfunc.ts";

export function callTable(
  { src, imm }: Code,
  helpers: ProgramHelpers,
  kernel: KernelFunctions | undefined,
): CallTable {
  return {
    callback: (slot) => {
      const id = imm[slot];
      if (src[slot] === PSEUDO_KFUNC_CALL) return kfuncCallback(kernel?.find(id));
      return src[slot] === 0 && !helpers.hasOwn(id) ? helperCallback(id) : "none";
    },
    arguments: (slot) => {
      const id = imm[slot];
      if (src[slot] === PSEUDO_KFUNC_CALL) return kernel?.find(id)?.params.length;
      return src[slot] === 0 ? helpers.prototype(id)?.args.length : undefined;
    },
  };
}
