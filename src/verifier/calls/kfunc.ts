// Kernel functions as a program's calls name them: by the id of a function in the kernel's BTF. Gives their signatures,
// with the class of every argument that its type and the end of its name tell (get_kfunc_ptr_arg_type in
// kernel/bpf/verifier.c), and refuses calls that no program may have.

import type { Btf } from "../../btf/btf.ts";
import { isInteger, isStruct, kindName, nameOf, sizeOf } from "../btf-types.ts";
import { type Code, PSEUDO_KFUNC_CALL } from "../code.ts";
import type { CallbackKind } from "../explore/control-flow.ts";
import { KfuncFlag, kfuncFlags } from "../prototypes/kfunc-table.ts";
import { EINVAL, ENOTSUPP, EPROTO, reject } from "../rejection.ts";
import { callbackKind } from "./callbacks.ts";

/** What an argument is, as far as the signature alone decides. */
type KfuncArgKind =
  /** Not looked at. */
  | "ignored"
  | "scalar"
  | "alloc"
  | "refcounted"
  | "dynptr"
  | "iter"
  | "list_head"
  | "list_node"
  | "rb_root"
  | "rb_node"
  | "const_str"
  | "map"
  | "workqueue"
  | "task_work"
  | "irq_flag"
  | "res_spin_lock"
  | "callback"
  /** The register decides: a pointer of the kernel's, or memory. */
  | "pointer"
  /** No type that a call can be checked against. */
  | "unknown";

/** One parameter. */
export interface KfuncParam {
  readonly name: string;
  readonly kind: KfuncArgKind;
  /** Name of the struct or type that it points to, and its kind as messages have it (`STRUCT`). */
  readonly target: string;
  readonly targetKind: string;
  /** Bytes of what it points to; undefined where there is no telling. */
  readonly size: number | undefined;
  /** It points to a struct or union. */
  readonly isStruct: boolean;
  /** It points to numbers alone: memory of the program's will do. */
  readonly isPlain: boolean;
  readonly isVoid: boolean;
  /** `__nullable`. */
  readonly isNullable: boolean;
  /** `__opt`: null goes without a look at its size. */
  readonly isOptional: boolean;
  /** `__uninit`. */
  readonly isUninitialized: boolean;
  /** `__k`: must be one number. `rdonly_buf_size` and `rdwr_buf_size`: one number, the size of the result. */
  readonly constant: "no" | "value" | "read-only size" | "size";
  /** The next parameter is its size: `__sz`, or `__szk`, which must be one number. */
  readonly sized: "no" | "size" | "constant";
}

/** What a function returns. */
interface KfuncResult {
  readonly kind: "void" | "scalar" | "struct" | "memory";
  /** Struct, or the name of the type. */
  readonly target: string;
  readonly targetKind: string;
  readonly size: number | undefined;
}

export interface KernelFunction {
  readonly id: number;
  readonly name: string;
  /** KfuncFlags, added up. */
  readonly flags: number;
  readonly params: readonly KfuncParam[];
  readonly result: KfuncResult;
}

/** Structs whose pointers are arguments of their own class. */
const STRUCT_KINDS: Readonly<Record<string, KfuncArgKind>> = {
  bpf_dynptr: "dynptr",
  bpf_list_head: "list_head",
  bpf_list_node: "list_node",
  bpf_rb_root: "rb_root",
  bpf_rb_node: "rb_node",
  bpf_wq: "workqueue",
  bpf_task_work: "task_work",
  bpf_res_spin_lock: "res_spin_lock",
};

/** Ends of names, with their class; they go before what the type says. */
const SUFFIX_KINDS: readonly (readonly [suffix: string, kind: KfuncArgKind])[] = [
  ["__alloc", "alloc"],
  ["__refcounted_kptr", "refcounted"],
];
const LATE_SUFFIX_KINDS: readonly (readonly [suffix: string, kind: KfuncArgKind])[] = [
  ["__str", "const_str"],
  ["__map", "map"],
  ["__irq_flag", "irq_flag"],
];

/** Functions of network devices' metadata: for programs that are bound to a device, which none is here. */
const DEVICE_BOUND = /^bpf_xdp_metadata_rx_/;
/** Structs may nest this deep in memory that a program hands over. */
const MAX_NESTING = 3;

export class KernelFunctions {
  readonly #btf: Btf;
  readonly #known = new Map<number, KernelFunction | undefined>();

  constructor(btf: Btf) {
    this.#btf = btf;
  }

  /** The function with that id; undefined where the id is not a function's. */
  find(id: number): KernelFunction | undefined {
    if (this.#known.has(id)) return this.#known.get(id);
    const found = this.#read(id);
    this.#known.set(id, found);
    return found;
  }

  #read(id: number): KernelFunction | undefined {
    const btf = this.#btf;
    if (id <= 0 || id >= btf.count) return undefined;
    const type = btf.type(id);
    if (type.kind !== "func") return undefined;
    const proto = btf.type(type.type);
    if (proto.kind !== "func_proto") return undefined;
    const flags = kfuncFlags(type.name) ?? 0;
    const params = proto.params.map((param, index) => {
      const next = proto.params[index + 1];
      const sized = next === undefined || !isInteger(btf.resolve(next.type)) ? "no" : sizeSuffix(next.name);
      return readParam(btf, param.name, param.type, { index, sized, flags });
    });
    return { id, name: type.name, flags, params, result: readResult(btf, proto.type) };
  }
}

const sizeSuffix = (name: string): KfuncParam["sized"] =>
  name.endsWith("__sz") ? "size" : name.endsWith("__szk") ? "constant" : "no";

const known = new WeakMap<Btf, KernelFunctions>();

/** The functions of a kernel. */
export function kernelFunctions(btf: Btf): KernelFunctions {
  let functions = known.get(btf);
  if (functions === undefined) {
    functions = new KernelFunctions(btf);
    known.set(btf, functions);
  }
  return functions;
}

/** A struct of numbers, and of arrays and structs of them. */
function isPlainStruct(btf: Btf, id: number, depth: number): boolean {
  const type = btf.resolve(id);
  if (!isStruct(type)) return false;
  return type.members.every((member) => {
    const inner = btf.resolve(member.type);
    if (isStruct(inner)) return depth < MAX_NESTING && isPlainStruct(btf, member.type, depth + 1);
    if (inner.kind === "array") return inner.length > 0 && isInteger(btf.resolve(inner.type));
    return isInteger(inner);
  });
}

interface Place {
  readonly index: number;
  readonly sized: KfuncParam["sized"];
  /** KfuncFlags of the function. */
  readonly flags: number;
}

function readParam(btf: Btf, name: string, typeId: number, place: Place): KfuncParam {
  const type = btf.resolve(typeId);
  const targetId = type.kind === "ptr" ? type.type : 0;
  const target = btf.resolve(targetId);
  return {
    name,
    kind: paramKind(btf, name, typeId, place),
    target: nameOf(target),
    targetKind: kindName(type.kind === "ptr" ? target : type),
    size: type.kind === "ptr" ? sizeOf(btf, targetId) : undefined,
    isStruct: isStruct(target),
    isPlain: isInteger(target) || isPlainStruct(btf, targetId, 0),
    isVoid: target.kind === "void",
    isNullable: name.endsWith("__nullable"),
    isOptional: name.endsWith("__opt"),
    isUninitialized: name.endsWith("__uninit"),
    constant: constantOf(name),
    sized: place.sized,
  };
}

function constantOf(name: string): KfuncParam["constant"] {
  if (name.endsWith("__k")) return "value";
  if (name === "rdonly_buf_size") return "read-only size";
  return name === "rdwr_buf_size" ? "size" : "no";
}

function paramKind(btf: Btf, name: string, typeId: number, { index, flags }: Place): KfuncArgKind {
  if (name.endsWith("__ign") || name.endsWith("__prog")) return "ignored";
  const type = btf.resolve(typeId);
  if (isInteger(type)) return "scalar";
  if (type.kind !== "ptr") return "unknown";
  const early = SUFFIX_KINDS.find(([suffix]) => name.endsWith(suffix));
  if (early !== undefined) return early[1];
  const target = btf.resolve(type.type);
  const isIterator = (flags & ITERATES) !== 0 ? index === 0 : name.endsWith("__iter");
  if (target.kind === "struct" && target.name !== "bpf_dynptr" && isIterator) return "iter";
  const byStruct = target.kind === "struct" ? STRUCT_KINDS[target.name] : undefined;
  if (byStruct !== undefined) return byStruct;
  const late = LATE_SUFFIX_KINDS.find(([suffix]) => name.endsWith(suffix));
  if (late !== undefined) return late[1];
  return target.kind === "func_proto" ? "callback" : "pointer";
}

const ITERATES = KfuncFlag.ITER_NEW | KfuncFlag.ITER_NEXT | KfuncFlag.ITER_DESTROY;

function readResult(btf: Btf, typeId: number): KfuncResult {
  const type = btf.resolve(typeId);
  const none = { target: "", targetKind: "", size: undefined };
  if (type.kind === "void") return { kind: "void", ...none };
  if (type.kind !== "ptr") return { kind: "scalar", ...none };
  const target = btf.resolve(type.type);
  // What may point to anything is no more than a number.
  if (target.kind === "void") return { kind: "scalar", ...none };
  return {
    kind: isStruct(target) ? "struct" : "memory",
    target: target.name,
    targetKind: kindName(target),
    size: sizeOf(btf, type.type),
  };
}

/** Each call of a kernel function names one, whether or not the program gets there (add_kfunc_call). */
export function checkKernelCalls(code: Code, functions: KernelFunctions | undefined, isGpl: boolean): void {
  for (let slot = 0; slot < code.length; slot++) {
    if (code.isWide(slot)) {
      slot++;
      continue;
    }
    if (!code.isCall(slot) || code.src[slot] !== PSEUDO_KFUNC_CALL) continue;
    const id = code.imm[slot];
    const isUnknown = id === 0 && code.off[slot] === 0;
    if (functions === undefined) {
      if (isUnknown) continue;
      const message = `kernel function #${id} is not known: kernel functions need the kernel's BTF`;
      reject(slot, ENOTSUPP, message);
    }
    if (!isGpl) reject(slot, EINVAL, "cannot call kernel function from non-GPL compatible program");
    // Whoever comes there is rejected.
    if (isUnknown) continue;
    if (code.off[slot] !== 0) refuseModule(slot, code.off[slot]);
    const found = functions.find(id);
    if (found === undefined) reject(slot, EINVAL, `kernel btf_id ${id >>> 0} is not a function`);
    if (DEVICE_BOUND.test(found.name)) {
      reject(slot, EINVAL, "metadata kfuncs require device-bound program");
    }
  }
}

/** A function of a module: which one a load without an array of descriptors cannot say. */
function refuseModule(slot: number, off: number): never {
  const lines =
    off < 0
      ? ["negative offset disallowed for kernel module function call"]
      : ["kfunc offset > 0 without fd_array is invalid"];
  reject(slot, off < 0 ? EINVAL : EPROTO, [...lines, "failed to find BTF for kernel function"].join("\n"));
}

/** Whether a kernel function calls back, or takes an iterator's next element. */
export function kfuncCallback(found: KernelFunction | undefined): CallbackKind {
  if (found === undefined) return "none";
  if ((found.flags & KfuncFlag.ITER_NEXT) !== 0) return "iterates";
  return callbackKind(found.name);
}
