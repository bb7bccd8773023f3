// The helpers that one program may call: those of the kernel that its type has, and the user's own, each in the place
// of the kernel's with its id.

import type { Capabilities, HelperPrototype, ProgramKind } from "./prototype.ts";
import { prototypeFor } from "./prototypes.ts";
import { type UserHelpers, userPrototype } from "./user-helpers.ts";

export class ProgramHelpers {
  readonly #kind: ProgramKind;
  readonly #caps: Capabilities;
  readonly #own: UserHelpers;

  constructor(kind: ProgramKind, caps: Capabilities, own: UserHelpers) {
    this.#kind = kind;
    this.#caps = caps;
    this.#own = own;
  }

  /** The prototype of helper `id` as the program sees it; undefined when it may not call it. */
  prototype(id: number): HelperPrototype | undefined {
    const own = this.#own.get(id);
    return own === undefined ? prototypeFor(id, this.#kind, this.#caps) : userPrototype(own);
  }

  /** The user's own stands in the place of helper `id`. */
  hasOwn(id: number): boolean {
    return this.#own.has(id);
  }
}
