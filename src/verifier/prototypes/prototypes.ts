// The prototype of every helper (Linux 6.18, ids 1 to 211) as a given program sees it. The rows are in one table
// per family beside this one; which program has which row is in allowed-helpers.ts.

import { HELPER_NAMES } from "../../isa/helper-names.ts";
import type { ProgramType } from "../../program-types.ts";
import { ALLOWED_HELPERS } from "./allowed-helpers.ts";
import { CORE_PROTOTYPES } from "./core.ts";
import type { PrototypeRow } from "./notation.ts";
import { PACKET_PROTOTYPES } from "./packet.ts";
import type { Capabilities, HelperPrototype, ProgramKind } from "./prototype.ts";
import { SOCKET_PROTOTYPES } from "./socket.ts";
import { TRACING_PROTOTYPES } from "./tracing.ts";

/** Every row of every table. */
export const PROTOTYPE_ROWS: readonly PrototypeRow[] = [
  ...CORE_PROTOTYPES,
  ...TRACING_PROTOTYPES,
  ...PACKET_PROTOTYPES,
  ...SOCKET_PROTOTYPES,
];

const BY_NAME: ReadonlyMap<string, HelperPrototype> = new Map(
  PROTOTYPE_ROWS.map(({ variant, prototype }) => [
    variant === "" ? prototype.name : `${prototype.name}@${variant}`,
    prototype,
  ]),
);

/** A helper that some group of a type names: the groups' conditions, in the type's order. */
interface Candidate {
  readonly prototype: HelperPrototype;
  readonly needsPerfmon: boolean;
  readonly when: ((program: ProgramKind) => boolean) | undefined;
}

/** Candidates of each type by helper id, built on first use. */
const candidatesOfType = new Map<string, ReadonlyMap<number, readonly Candidate[]>>();

function candidatesOf(type: string): ReadonlyMap<number, readonly Candidate[]> {
  const known = candidatesOfType.get(type);
  if (known !== undefined) return known;
  const byId = new Map<number, Candidate[]>();
  for (const { helpers, perfmon, when } of ALLOWED_HELPERS[type as ProgramType] ?? []) {
    for (const name of helpers) {
      const prototype = BY_NAME.get(name);
      if (prototype === undefined) throw new RangeError(`helper group: no prototype ${name}`);
      const candidates = byId.get(prototype.id) ?? [];
      byId.set(prototype.id, [...candidates, { prototype, needsPerfmon: perfmon === true, when }]);
    }
  }
  candidatesOfType.set(type, byId);
  return byId;
}

/**
 * The prototype of helper `id` as that program sees it, or undefined when it may not call it. A program that
 * extends another asks with the kind of its target.
 */
export function prototypeFor(
  id: number,
  program: ProgramKind,
  caps: Capabilities,
): HelperPrototype | undefined {
  const found = candidatesOf(program.type)
    .get(id)
    ?.find(({ when }) => when === undefined || when(program));
  return found === undefined || (found.needsPerfmon && caps === "bpf") ? undefined : found.prototype;
}

const CHANGES_PACKET: ReadonlySet<number> = new Set(
  PROTOTYPE_ROWS.filter(({ prototype }) => prototype.changesPacket).map(({ prototype }) => prototype.id),
);

/** Whether helper `id` may move the packet's bytes, whether or not the program may call it. */
export const changesPacket = (id: number): boolean => CHANGES_PACKET.has(id);

/** Name of helper `id` without `bpf_`, whether or not the program may call it; undefined when there is none. */
export function knownHelper(id: number): string | undefined {
  return id > 0 ? HELPER_NAMES[id] : undefined;
}
