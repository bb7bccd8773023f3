// What a program may do with its context, with its result and with packets: takes a program's type and attach
// type, gives answers from the tables beside it. Says nothing of contexts that BTF describes (tracing.ts).

import { ATTACH_TYPES, loadAttachType } from "../../attach-types.ts";
import type { ProgramKind } from "../prototypes/prototype.ts";
import { CGROUP_ROWS } from "./cgroup.ts";
import {
  type ContextAccess,
  type ContextField,
  type ContextRow,
  type ContextStruct,
  fieldOfAccess,
} from "./field.ts";
import { NETWORK_ROWS } from "./network.ts";
import { RETURN_ROWS } from "./returns.ts";
import { SKB_ROWS } from "./skb.ts";
import { SOCK_ROWS, SOCKET_FIELDS, type SocketKind } from "./sock.ts";
import { TRACING_ROWS } from "./tracing.ts";
import { TRAITS, type TraitFlags } from "./traits.ts";

export type { ContextAccess, ContextValue } from "./field.ts";
export type { SocketKind } from "./sock.ts";

/** What a program type may do, and what its context is called. */
export interface ProgramTraits extends TraitFlags {
  /** C name of what r1 points to, e.g. `__sk_buff`; empty where BTF tells. */
  readonly contextName: string;
  /** One more than the last byte that may be accessed; 0 where BTF tells. */
  readonly contextSize: number;
  /** Its context holds addresses, of a packet or a socket. */
  readonly contextPoints: boolean;
  /** Its context has pointers into a packet. */
  readonly packetRead: boolean;
}

/** A context row, worked out: the fields that can be loaded and stored. */
interface Layout {
  /** Numbers of its attach types; any when missing. */
  readonly attach: ReadonlySet<number> | undefined;
  readonly struct: ContextStruct;
  readonly loads: readonly ContextField[];
  readonly stores: readonly ContextField[];
}

function layOut({ attach, struct, only, without = [], stores = {} }: ContextRow): Layout {
  const { fields } = struct;
  return {
    attach: attach && new Set(attach.map((name) => ATTACH_TYPES[name])),
    struct,
    loads: fields.filter(({ name }) => !without.includes(name) && (only?.includes(name) ?? true)),
    stores: fields.flatMap((each) =>
      Object.hasOwn(stores, each.name) ? { ...each, loads: stores[each.name] } : [],
    ),
  };
}

const LAYOUTS = new Map<string, Layout[]>();
for (const row of [...SKB_ROWS, ...NETWORK_ROWS, ...SOCK_ROWS, ...CGROUP_ROWS, ...TRACING_ROWS]) {
  const layout = layOut(row);
  for (const type of row.types) LAYOUTS.set(type, [...(LAYOUTS.get(type) ?? []), layout]);
}

function layoutOf({ type, attachType }: ProgramKind): Layout | undefined {
  const effective = loadAttachType(type, attachType);
  if (effective === undefined) return undefined;
  return LAYOUTS.get(type)?.find(({ attach }) => attach?.has(effective) ?? true);
}

/**
 * What a load of `size` bytes at `off` gives, or undefined when the kernel says "invalid bpf_context access".
 * A sign-extending load is allowed of scalars only.
 */
export function contextRead(program: ProgramKind, off: number, size: number): ContextAccess | undefined {
  return fieldOfAccess(layoutOf(program)?.loads ?? [], off, size)?.access;
}

/** The field that a store of `size` bytes at `off` changes, or undefined when it must not be made. */
export function contextWrite(program: ProgramKind, off: number, size: number): ContextAccess | undefined {
  return fieldOfAccess(layoutOf(program)?.stores ?? [], off, size)?.access;
}

/** Name of the field that a byte belongs to, whether or not this program may access it; for messages. */
export function contextFieldAt(program: ProgramKind, off: number): string | undefined {
  const fields = layoutOf(program)?.struct.fields ?? [];
  return fields.find(({ offset, bytes }) => off >= offset && off < offset + bytes)?.name;
}

/** What a load through a pointer to a socket gives, always a scalar; no store may be made. */
export function socketRead(kind: SocketKind, off: number, size: number): ContextAccess | undefined {
  return fieldOfAccess(SOCKET_FIELDS[kind], off, size)?.access;
}

/** Bytes behind a `flow_keys` pointer: the struct `bpf_flow_keys`, which may be read and written anywhere. */
export const FLOW_KEYS_SIZE = 56;

/**
 * Range that r0, taken as a signed number of 64 bits, must lie in whole at exit; undefined when every
 * value will do. A register that is not known to lie in it is refused.
 */
export function returnRange(
  program: ProgramKind,
): { readonly min: number; readonly max: number; readonly is64: true } | undefined {
  const row = RETURN_ROWS.find(
    ({ types, attach }) =>
      types.some((type) => type === program.type) &&
      (attach?.some((name) => ATTACH_TYPES[name] === program.attachType) ?? true),
  );
  return row && { min: row.min, max: row.max, is64: true };
}

const PROGRAM_TRAITS = new Map(
  [...TRAITS].map(([type, flags]): [string, ProgramTraits] => {
    const layouts = LAYOUTS.get(type) ?? [];
    const struct = layouts[0]?.struct;
    return [
      type,
      {
        ...flags,
        contextName: struct?.name ?? "",
        contextSize: struct?.size ?? 0,
        contextPoints: layouts.some((layout) =>
          layout.struct.fields.some(({ access }) => access.value !== "scalar"),
        ),
        packetRead: layouts.some(({ loads }) => loads.some(({ access }) => access.value === "pkt")),
      },
    ];
  }),
);

/** What programs of a type may do. RangeError for a type that PROGRAM_TYPES has not. */
export function programTraits(type: string): ProgramTraits {
  const traits = PROGRAM_TRAITS.get(type);
  if (!traits) throw new RangeError(`program type: expected a name of PROGRAM_TYPES, got ${type}`);
  return traits;
}

/** Attach types of `tracing` that never sleep. */
const NEVER_SLEEPS = new Set<number>([ATTACH_TYPES.trace_raw_tp]);

/** Whether the kernel takes BPF_F_SLEEPABLE, or its absence, for such a program. */
export function maySleepAsAsked({ type, attachType, isSleepable }: ProgramKind): boolean {
  const { mayBeSleepable, mustBeSleepable } = programTraits(type);
  if (!isSleepable) return !mustBeSleepable;
  return mayBeSleepable && !(type === "tracing" && NEVER_SLEEPS.has(attachType));
}
