// What the verifier knows of a helper: classes of arguments and of the return value, as `struct bpf_func_proto`
// (linux/bpf.h) tells them apart. The table is in prototypes.ts; which program may call what, beside it.

import type { DynptrType } from "../objects/stack-object.ts";

/** `enum bpf_arg_type`, without its flags. */
export type ArgKind =
  | "anything"
  | "const_map_ptr"
  | "map_key"
  | "map_value"
  | "mem"
  | "const_size"
  | "const_size_or_zero"
  | "const_alloc_size_or_zero"
  | "ctx"
  | "spin_lock"
  | "sock_common"
  | "btf_id_sock_common"
  | "socket"
  | "btf_id"
  | "ringbuf_mem"
  | "percpu_btf_id"
  | "func"
  | "stack"
  | "const_str"
  | "timer"
  | "kptr_xchg_dest"
  | "dynptr";

/** One argument: its kind and the kernel's flags on it. */
export interface ArgType {
  readonly kind: ArgKind;
  /** PTR_MAYBE_NULL. */
  readonly nullable?: true;
  /** MEM_UNINIT: the helper fills it, so it need not be initialised. */
  readonly uninit?: true;
  /** MEM_WRITE: the helper writes to it. */
  readonly write?: true;
  /** MEM_RDONLY: memory that the program may only read will do. */
  readonly readOnly?: true;
  /** Bytes of MEM_FIXED_SIZE memory. */
  readonly size?: number;
  /** MEM_ALIGNED. */
  readonly aligned?: true;
  /** OBJ_RELEASE: the helper takes the reference. */
  readonly release?: true;
  /** Struct of a `btf_id`. */
  readonly struct?: string;
  /** DYNPTR_TYPE_*: any when missing. */
  readonly dynptr?: DynptrType;
}

/** `enum bpf_return_type`, without its flags. */
type ReturnKind =
  | "integer"
  | "void"
  | "map_value"
  | "socket"
  | "tcp_sock"
  | "sock_common"
  | "ringbuf_mem"
  | "dynptr_mem"
  | "mem_or_btf_id"
  | "btf_id";

export interface ReturnType {
  readonly kind: ReturnKind;
  readonly nullable?: true;
  /** PTR_TRUSTED. */
  readonly trusted?: true;
  /** MEM_RDONLY. */
  readonly readOnly?: true;
  readonly struct?: string;
  /** A new reference, which the program must give back; or that of the argument, which is the same object. */
  readonly reference?: "new" | "argument";
  /** An integer that is a CPU's number; or how much of the memory was filled, or an error. */
  readonly range?: "cpu" | "length";
}

/**
 * Hooks from which alone a helper may be called, though the type has it: elsewhere "helper call is not allowed in
 * probe". What each means is `hookAllows` of allowed-helpers.ts.
 */
export type HookRule = "d_path" | "sleepable_lsm" | "outside_sk_storage";

/** A helper's signature as one program type sees it. */
export interface HelperPrototype {
  readonly id: number;
  /** Without `bpf_`. */
  readonly name: string;
  readonly args: readonly ArgType[];
  readonly returns: ReturnType;
  /** Only programs with a GPL-compatible licence. */
  readonly gplOnly: boolean;
  /** It may be given pointers into the packet where it takes memory (`pkt_access`). */
  readonly packetAccess: boolean;
  readonly mightSleep: boolean;
  /** It writes to the map that it is given. */
  readonly changesMap: boolean;
  /** It may move the packet's bytes: pointers into them are good for nothing behind the call. */
  readonly changesPacket: boolean;
  /** Map types that it works on (`enum bpf_map_type`); any when missing. */
  readonly mapTypes?: readonly number[];
  /** Any hook when missing. */
  readonly hooks?: HookRule;
}

/** What the loader of a program may do: everything, or what CAP_BPF without CAP_PERFMON allows. */
export type Capabilities = "all" | "bpf";

/** What decides which helpers and contexts a program has. */
export interface ProgramKind {
  /** A name of PROGRAM_TYPES. */
  readonly type: string;
  /** `enum bpf_attach_type`; 0 where it says nothing. */
  readonly attachType: number;
  readonly isSleepable: boolean;
  /** The kernel function of a tracing or lsm program's attach point (`bpf_iter_tcp`), where it is known. */
  readonly attachTo?: string;
}
