/// <reference lib="esnext.disposable" preserve="true" />
// The tie between a program and the place where it runs. Detaching is final; `using` detaches at the end of its
// block.

import type { Executable } from "../engine/engine.ts";

export interface Link {
  readonly program: Executable;
  /** What it is attached to, e.g. `skb:kfree_skb`. */
  readonly target: string;
  readonly isAttached: boolean;
  /** Takes the program off; does nothing the second time. The program itself stays open. */
  detach(): void;
  [Symbol.dispose](): void;
}

/** A link that `remove` undoes. */
export function makeLink(program: Executable, target: string, remove: () => void): Link {
  let isAttached = true;
  const detach = () => {
    if (!isAttached) return;
    isAttached = false;
    remove();
  };
  return {
    program,
    target,
    get isAttached() {
      return isAttached;
    },
    detach,
    [Symbol.dispose]: detach,
  };
}
