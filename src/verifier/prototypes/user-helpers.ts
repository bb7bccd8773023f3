// Helpers that a user defined, as the verifier sees them: their declared signature in the terms of the kernel's.

import { Arg } from "../../../assembly/shared/codes.ts";
import type { HelperRow } from "../../helper-table.ts";
import type { ArgType, HelperPrototype } from "./prototype.ts";

/** A user's helpers by id; one with the id of a kernel helper takes its place. */
export type UserHelpers = ReadonlyMap<number, HelperRow>;

const ARGUMENTS: Readonly<Record<Exclude<Arg, Arg.NONE>, ArgType>> = {
  [Arg.ANYTHING]: { kind: "anything" },
  [Arg.MAP]: { kind: "const_map_ptr" },
  [Arg.MAP_KEY]: { kind: "map_key" },
  [Arg.MAP_VALUE]: { kind: "map_value" },
  [Arg.MEM_READ]: { kind: "mem" },
  // Nothing makes a body fill all of it: so it is not `uninit`.
  [Arg.MEM_WRITE]: { kind: "mem", write: true },
  [Arg.SIZE]: { kind: "const_size" },
  [Arg.SIZE_OR_ZERO]: { kind: "const_size_or_zero" },
  [Arg.CONTEXT]: { kind: "ctx" },
};

/** The prototype of a user's helper, with a name that no kernel helper has; programs of every type may call it. */
export function userPrototype({ id, name, args, gplOnly = false }: HelperRow): HelperPrototype {
  return {
    id,
    name: `own:${name}`,
    args: args.map((arg) => ARGUMENTS[arg as Exclude<Arg, Arg.NONE>]),
    returns: { kind: "integer" },
    gplOnly,
    packetAccess: true,
    mightSleep: false,
    changesMap: false,
    changesPacket: false,
  };
}
