// The context of a program that BTF describes: eight bytes for each argument of what it is attached to, the result
// behind them where the program runs at the function's end (btf_ctx_access in kernel/bpf/btf.c). The range of that
// result, and of what the program may return.

import { ATTACH_TYPES } from "../../attach-types.ts";
import type { Btf, BtfFuncProto, BtfReference } from "../../btf/btf.ts";
import { isInteger, isStruct, kindName, nameOf } from "../btf-types.ts";
import type { Env } from "../env.ts";
import type { Access } from "../insns/access.ts";
import { pointerToType } from "../objects/struct-access.ts";
import { tagFlag } from "../objects/struct-walk.ts";
import type { ProgramKind } from "../prototypes/prototype.ts";
import { Flag, Register } from "../register.ts";
import { EACCES } from "../rejection.ts";
import { Scalar } from "../scalars/scalar.ts";
import type { AttachTarget } from "./attach-target.ts";
import { ITERATOR_ARGUMENTS } from "./iterator-arguments.ts";
import { tracepointArgument } from "./raw-tracepoints.ts";

const WORD = 8;
/** Bytes of the longest context: MAX_BPF_FUNC_ARGS words. */
const CONTEXT_SIZE = 12 * WORD;

/** A load from the context. */
export function loadTraced(env: Env, target: AttachTarget, access: Access): Register {
  const { off, size } = access;
  const isOutside = off < 0 || off >= CONTEXT_SIZE || access.stored !== undefined || off % size !== 0;
  const found = isOutside ? "" : argumentAt(env, target, off, size);
  if (typeof found !== "string") return found;
  const place = `invalid bpf_context access off=${off} size=${size}`;
  env.reject(EACCES, found === "" ? place : `${found}\n${place}`);
}

/** What the context holds there, or the kernel's words for why it holds nothing. */
function argumentAt(env: Env, target: AttachTarget, off: number, size: number): Register | string {
  const { btf, name, proto, hidden } = target;
  if (off % WORD !== 0) return `func '${name}' offset ${off} is not multiple of ${WORD}`;
  const params = proto.params.slice(hidden);
  const index = hidden === 1 ? off / WORD : argumentIndex(btf, params, off);
  const missing = `func '${name}' doesn't have ${index + 1}-th argument`;
  if (index > params.length) return missing;
  const isResult = index === params.length;
  if (isResult && !hasResult(env.kind)) return missing;
  const type = btf.resolve(isResult ? proto.type : params[index].type);
  if (isResult && env.kind.attachType === ATTACH_TYPES.modify_return && type.kind !== "int") {
    return `ret type ${kindName(type)} not allowed for fmod_ret`;
  }
  if (isInteger(type) || isStruct(type)) {
    return isResult && env.kind.attachType === ATTACH_TYPES.lsm_mac ? hookResult(target) : Register.UNKNOWN;
  }
  if (type.kind !== "ptr") {
    const what = `arg${index} '${nameOf(type)}' has type ${kindName(type)}`;
    return `func '${name}' ${what}. Only pointer access is allowed`;
  }
  if (size !== WORD) return `func '${name}' size ${size} must be ${WORD}`;
  return pointerArgument(env, target, index, type as BtfReference, isResult ? "" : params[index].name);
}

/** Structs that are passed by value take as many words as they need. */
function argumentIndex(btf: Btf, params: BtfFuncProto["params"], off: number): number {
  let end = 0;
  for (const [index, { type }] of params.entries()) {
    end += Math.ceil(btf.sizeOf(type) / WORD) * WORD;
    if (off < end) return index;
  }
  return params.length + (off - end) / WORD;
}

const AT_THE_END: ReadonlySet<number> = new Set([
  ...[ATTACH_TYPES.trace_fexit, ATTACH_TYPES.modify_return, ATTACH_TYPES.lsm_mac, ATTACH_TYPES.lsm_cgroup],
]);
const hasResult = ({ attachType }: ProgramKind): boolean => AT_THE_END.has(attachType);

function pointerArgument(
  env: Env,
  { btf, name }: AttachTarget,
  index: number,
  { type: pointee }: BtfReference,
  parameter: string,
): Register | string {
  const { attachType } = env.kind;
  const own = attachType === ATTACH_TYPES.trace_iter ? ITERATOR_ARGUMENTS[name]?.[index] : undefined;
  if (own?.kind === "buf") {
    return Register.pointer("buf", { flags: own.flags, id: env.takeId(), memSize: own.size });
  }
  const type = btf.resolve(pointee);
  if (!isStruct(type)) {
    if (type.kind === "void" || type.kind === "int") return Register.UNKNOWN;
    return `func '${name}' arg${index} type ${kindName(type)} is not a struct`;
  }
  let flags = own?.flags ?? (isTrusting(env.kind, name) ? Flag.TRUSTED : 0);
  if (own === undefined) {
    if (parameter.endsWith("__nullable")) flags |= Flag.MAYBE_NULL;
    if (attachType === ATTACH_TYPES.trace_raw_tp) {
      const known = tracepointArgument(name, index);
      if (known === "error") return Register.UNKNOWN;
      if (known === "nullable") flags |= Flag.MAYBE_NULL;
    }
    flags |= tagFlag(btf, pointee) & (Flag.USER | Flag.PERCPU);
  }
  // The kernel says so of arguments that it works out from their types.
  if (own === undefined) {
    const what = `btf_id ${type.id} type ${kindName(type)} '${type.name || "(anon)"}'`;
    env.log?.write(`func '${name}' arg${index} has ${what}\n`);
  }
  return pointerToType(btf, type.id, flags, (flags & Flag.MAYBE_NULL) === 0 ? 0 : env.takeId());
}

/** Hooks whose object is being made or taken apart. */
const UNTRUSTED_HOOKS: ReadonlySet<string> = new Set([
  ...["bpf_lsm_bpf_map_free", "bpf_lsm_bpf_prog_free", "bpf_lsm_file_alloc_security"],
  ...["bpf_lsm_file_free_security", "bpf_lsm_sk_alloc_security", "bpf_lsm_sk_free_security"],
  "bpf_lsm_task_free",
]);

/** Whoever calls such programs holds on to what it gives them. */
function isTrusting({ type, attachType }: ProgramKind, name: string): boolean {
  if (type === "lsm") return !UNTRUSTED_HOOKS.has(name);
  return attachType === ATTACH_TYPES.trace_raw_tp || attachType === ATTACH_TYPES.trace_iter;
}

/** Hooks that say yes or no instead of giving an error. */
const BOOLEAN_HOOKS: ReadonlySet<string> = new Set([
  "bpf_lsm_audit_rule_known",
  "bpf_lsm_inode_xattr_skipcap",
]);
const MAX_ERRNO = 4095;

interface Range {
  readonly min: number;
  readonly max: number;
}

/** What a hook of LSM gives; undefined where it gives nothing. */
function hookRange({ name, proto }: AttachTarget): Range | undefined {
  if (proto.type === 0) return undefined;
  return BOOLEAN_HOOKS.has(name) ? { min: 0, max: 1 } : { min: -MAX_ERRNO, max: 0 };
}

function hookResult(target: AttachTarget): Register {
  const range = hookRange(target);
  if (range === undefined) return Register.UNKNOWN;
  return Register.number(Scalar.signed(BigInt(range.min), BigInt(range.max)));
}

/**
 * What a program of LSM may return: "anything" at the end of a hook that has no result, even nothing. Undefined for
 * programs that other rules are for.
 */
export function hookReturnRange(
  { type, attachType }: ProgramKind,
  target: AttachTarget,
): (Range & { readonly is64: boolean }) | "anything" | undefined {
  if (type !== "lsm") return undefined;
  if (attachType === ATTACH_TYPES.lsm_cgroup) {
    return target.proto.type === 0 ? { min: 1, max: 1, is64: true } : undefined;
  }
  const range = hookRange(target);
  return range === undefined ? "anything" : { ...range, is64: false };
}
