// The notation of the prototype tables: one word per argument class, and `proto`, which makes a row. A name may
// end in `@variant` where a helper has several prototypes; which program sees which is in allowed-helpers.ts.

import { MAP_TYPES, type MapTypeName } from "../../map-type-names.ts";
import type { ArgType, HelperPrototype, HookRule, ReturnType } from "./prototype.ts";

export const ANY: ArgType = { kind: "anything" };
export const CTX: ArgType = { kind: "ctx" };
export const CTX_OR_NULL: ArgType = { kind: "ctx", nullable: true };

export const MAP: ArgType = { kind: "const_map_ptr" };
export const KEY: ArgType = { kind: "map_key" };
export const VALUE: ArgType = { kind: "map_value" };
export const VALUE_OUT: ArgType = { kind: "map_value", uninit: true, write: true };
export const VALUE_OR_NULL: ArgType = { kind: "map_value", nullable: true };

/** Memory whose size is the next argument: read, filled, or read and changed. */
export const MEM_IN: ArgType = { kind: "mem", readOnly: true };
export const MEM_IN_OR_NULL: ArgType = { kind: "mem", readOnly: true, nullable: true };
export const MEM_OUT: ArgType = { kind: "mem", uninit: true, write: true };
export const MEM_INOUT: ArgType = { kind: "mem", write: true };
export const MEM_INOUT_OR_NULL: ArgType = { kind: "mem", write: true, nullable: true };
export const SIZE: ArgType = { kind: "const_size" };
export const SIZE_OR_ZERO: ArgType = { kind: "const_size_or_zero" };
export const ALLOC_SIZE: ArgType = { kind: "const_alloc_size_or_zero" };

/** Memory of a size that the helper fixes. */
export const fixedIn = (size: number): ArgType => ({ kind: "mem", size, readOnly: true });
export const NUMBER_OUT: ArgType = { kind: "mem", size: 8, uninit: true, write: true, aligned: true };
export const U32_INOUT: ArgType = { kind: "mem", size: 4, write: true, aligned: true };

export const STRING: ArgType = { kind: "const_str" };
export const FUNC: ArgType = { kind: "func" };
export const STACK_OR_NULL: ArgType = { kind: "stack", nullable: true };
export const PERCPU: ArgType = { kind: "percpu_btf_id" };
export const SPIN_LOCK: ArgType = { kind: "spin_lock" };
export const TIMER: ArgType = { kind: "timer" };

export const SOCK_COMMON: ArgType = { kind: "sock_common" };
export const SOCKET_ARG_OR_NULL: ArgType = { kind: "socket", nullable: true };
/** A socket of the packet helpers, or a trusted `struct sock_common` and what contains one. */
export const SOCK: ArgType = { kind: "btf_id_sock_common" };
export const SOCK_OR_NULL: ArgType = { kind: "btf_id_sock_common", nullable: true };
export const SOCK_RELEASE: ArgType = { kind: "btf_id_sock_common", release: true };
export const btf = (struct: string): ArgType => ({ kind: "btf_id", struct });
export const btfOrNull = (struct: string): ArgType => ({ kind: "btf_id", struct, nullable: true });

export const KPTR_DEST: ArgType = { kind: "kptr_xchg_dest" };
/** The struct is the one that the destination's field is declared with. */
export const KPTR_OR_NULL_RELEASE: ArgType = { kind: "btf_id", nullable: true, release: true };

export const RECORD_RELEASE: ArgType = { kind: "ringbuf_mem", release: true };
/** The helper leaves the dynptr itself as it was, so that a callback's constant one will do. */
export const DYNPTR: ArgType = { kind: "dynptr", readOnly: true };
export const LOCAL_DYNPTR_OUT: ArgType = { kind: "dynptr", dynptr: "local", uninit: true, write: true };
export const RINGBUF_DYNPTR_OUT: ArgType = { kind: "dynptr", dynptr: "ringbuf", uninit: true, write: true };
export const RINGBUF_DYNPTR_RELEASE: ArgType = { kind: "dynptr", dynptr: "ringbuf", release: true };

export const INT: ReturnType = { kind: "integer" };
export const CPU: ReturnType = { kind: "integer", range: "cpu" };
export const LENGTH: ReturnType = { kind: "integer", range: "length" };
export const VOID: ReturnType = { kind: "void" };
export const MAP_VALUE: ReturnType = { kind: "map_value" };
export const MAP_VALUE_OR_NULL: ReturnType = { kind: "map_value", nullable: true };
export const SOCKET_OR_NULL: ReturnType = { kind: "socket", nullable: true };
export const NEW_SOCKET_OR_NULL: ReturnType = { ...SOCKET_OR_NULL, reference: "new" };
export const SAME_SOCKET_OR_NULL: ReturnType = { ...SOCKET_OR_NULL, reference: "argument" };
export const NEW_SOCK_COMMON_OR_NULL: ReturnType = { kind: "sock_common", nullable: true, reference: "new" };
export const SAME_TCP_SOCK_OR_NULL: ReturnType = { kind: "tcp_sock", nullable: true, reference: "argument" };
export const RECORD_OR_NULL: ReturnType = { kind: "ringbuf_mem", nullable: true, reference: "new" };
export const DYNPTR_MEM_OR_NULL: ReturnType = { kind: "dynptr_mem", nullable: true };
export const PERCPU_MEM: ReturnType = { kind: "mem_or_btf_id", readOnly: true };
export const PERCPU_MEM_OR_NULL: ReturnType = { kind: "mem_or_btf_id", readOnly: true, nullable: true };
export const KPTR_OR_NULL: ReturnType = { kind: "btf_id", nullable: true, reference: "new" };
export const toBtf = (struct: string): ReturnType => ({ kind: "btf_id", struct });
export const toTrustedBtf = (struct: string): ReturnType => ({ kind: "btf_id", struct, trusted: true });
export const toBtfOrNull = (struct: string): ReturnType => ({ kind: "btf_id", struct, nullable: true });
/** The argument, as the struct that it is part of. */
export const castTo = (struct: string): ReturnType => ({ ...toBtfOrNull(struct), reference: "argument" });

/** What a row says beyond the signature; nothing when left out. */
interface RowOptions {
  readonly gpl?: true;
  readonly packet?: true;
  readonly sleeps?: true;
  readonly hooks?: HookRule;
  readonly maps?: readonly MapTypeName[];
  readonly changesMap?: true;
  readonly changesPacket?: true;
}

/** A row of a table: the prototype, and the variant's name ("" where the helper has one prototype). */
export interface PrototypeRow {
  readonly variant: string;
  readonly prototype: HelperPrototype;
}

export function proto(
  id: number,
  nameAndVariant: string,
  args: readonly ArgType[],
  returns: ReturnType,
  options: RowOptions = {},
): PrototypeRow {
  const [name, variant = ""] = nameAndVariant.split("@");
  const prototype: HelperPrototype = {
    id,
    name,
    args,
    returns,
    gplOnly: options.gpl === true,
    packetAccess: options.packet === true,
    mightSleep: options.sleeps === true,
    changesMap: options.changesMap === true,
    changesPacket: options.changesPacket === true,
    ...(options.hooks && { hooks: options.hooks }),
    ...(options.maps && { mapTypes: options.maps.map((type) => MAP_TYPES[type]) }),
  };
  return { variant, prototype };
}
