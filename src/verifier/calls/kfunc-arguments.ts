// The arguments of a kernel function's call: each register against the class of its parameter (check_kfunc_args in
// kernel/bpf/verifier.c).

import { ATTACH_TYPES } from "../../attach-types.ts";
import type { Btf } from "../../btf/btf.ts";
import type { MapSpec } from "../../program.ts";
import type { Env } from "../env.ts";
import { markPrecise } from "../explore/precision.ts";
import { checkDynptr, type DynptrUse } from "../objects/dynptr.ts";
import { checkField } from "../objects/field-arguments.ts";
import { checkIterator } from "../objects/iterator.ts";
import type { MapField } from "../objects/map-fields.ts";
import { checkCounted, checkDropped, checkNode, checkRoot } from "../objects/objects.ts";
import type { DynptrObject, DynptrType } from "../objects/stack-object.ts";
import { structPointer } from "../objects/struct-access.ts";
import { isNamedStruct } from "../objects/struct-arguments.ts";
import { areStages, isProjection } from "../objects/struct-names.ts";
import { KfuncFlag } from "../prototypes/kfunc-table.ts";
import { Flag, isTrusted, Register, type RegisterKind, TRUST, typeName } from "../register.ts";
import { EACCES, EINVAL, Rejection } from "../rejection.ts";
import { checkOffset, checkReadWriteMemory, checkSizedMemory, checkString } from "./call-arguments.ts";
import type { KernelFunction, KfuncParam } from "./kfunc.ts";
import { changeLock } from "./locks.ts";
import { checkIrqFlag } from "./sections.ts";

/** What the arguments of a call say together. */
export class KfuncFacts {
  readonly called: KernelFunction;
  /** The reference that an argument holds, and the register that is given back. */
  refId = 0;
  releases = 0;
  /** The one argument that must be a single number. */
  constant: bigint | undefined = undefined;
  /** The dynptr that was there before the call. */
  dynptr: DynptrObject | undefined = undefined;
  map: MapSpec | undefined = undefined;
  mapUid = 0;
  subprogram = -1;
  /** The list or tree, and the BTF of what it holds. */
  root: MapField | undefined = undefined;
  rootBtf: Btf | undefined = undefined;
  /** The object that is counted, and whether the program owns it. */
  object: Register | undefined = undefined;
  isOwner = false;
  /** Size of the memory that is returned. */
  resultSize: number | undefined = undefined;
  isResultReadOnly = false;

  constructor(called: KernelFunction) {
    this.called = called;
  }

  has(flag: KfuncFlag): boolean {
    return (this.called.flags & flag) !== 0;
  }

  /** Every pointer must be one that is known to be good. */
  get needsTrust(): boolean {
    return this.has(KfuncFlag.TRUSTED_ARGS) || this.has(KfuncFlag.RELEASE);
  }
}

export function checkKfuncArguments(env: Env, facts: KfuncFacts): void {
  const { params, name } = facts.called;
  if (params.length > 5) env.reject(EINVAL, `Function ${name} has ${params.length} > 5 args`);
  for (let index = 0; index < params.length; index++) {
    const param = params[index];
    if (param.kind === "ignored") continue;
    if (param.kind === "scalar") checkNumber(env, facts, param, index + 1);
    else if (param.kind === "unknown") {
      env.reject(EINVAL, `Unrecognized arg#${index} type ${param.targetKind}`);
    } else if (checkPointer(env, facts, param, index)) index++;
  }
  if (facts.has(KfuncFlag.RELEASE) && facts.releases === 0) {
    env.reject(EINVAL, `release kernel function ${name} expects refcounted PTR_TO_BTF_ID`);
  }
}

function checkNumber(env: Env, facts: KfuncFacts, { constant }: KfuncParam, number: number): void {
  const register = env.register(number);
  if (register.kind !== "scalar") env.reject(EINVAL, `R${number} is not a scalar`);
  if (constant === "no") return;
  if (!register.scalar.isConstant) {
    const what = constant === "value" ? "must be a known constant" : "is not a const";
    env.reject(EINVAL, `R${number} ${what}`);
  }
  markPrecise(env, number);
  if (constant === "value") facts.constant = register.scalar.value;
  else {
    facts.resultSize = Number(register.scalar.value);
    facts.isResultReadOnly = constant === "read-only size";
  }
}

/** True when the next argument was looked at as well. */
function checkPointer(env: Env, facts: KfuncFacts, param: KfuncParam, index: number): boolean {
  const number = index + 1;
  const register = env.register(number);
  const isNullable = register.isNull || register.mayBeNull;
  if ((facts.needsTrust || facts.has(KfuncFlag.RCU)) && isNullable && !param.isNullable) {
    env.reject(EACCES, `Possibly NULL pointer passed to trusted arg${index}`);
  }
  if (register.refId !== 0) {
    facts.refId = register.refId;
    if (facts.has(KfuncFlag.RELEASE)) facts.releases = number;
  }
  const isContext = facts.called.name === "bpf_cast_to_kern_ctx" || isContextParam(env, param);
  if (!isContext && param.isNullable && register.isNull) return false;
  const kind = isContext ? "ctx" : param.kind;
  const isStructPointer = kind === "pointer" && (register.kind === "btf" || STRUCT_OF.has(register.kind));
  const isObject = isStructPointer || kind === "alloc" || kind === "map";
  if (isStructPointer && !param.isStruct) {
    const { targetKind, target } = param;
    const what = `pointer type ${targetKind} ${target} is not supported`;
    env.reject(EINVAL, `kernel function ${facts.called.name} args#${index} ${what}`);
  }
  if (kind === "map") checkMap(env, facts, register, number);
  if (kind === "pointer" && !isStructPointer) checkPlain(env, param, number);
  if (isObject) checkTrust(env, facts, register, number);
  if (register.kind === "none") {
    env.reject(EACCES, `variable ? access var_off=${Register.UNKNOWN.scalar.tnum} disallowed`);
  }
  const releases = facts.has(KfuncFlag.RELEASE) && register.refId !== 0;
  checkOffset(env, register, number, releases ? { kind: "btf_id", release: true } : { kind: "btf_id" });
  if (isStructPointer || kind === "map") return checkStruct(env, facts, param, index);
  if (kind === "pointer") return checkMemory(env, facts, param, index);
  checkClass(env, facts, param, kind, index);
  return false;
}

function checkClass(
  env: Env,
  facts: KfuncFacts,
  param: KfuncParam,
  kind: KfuncParam["kind"] | "ctx",
  index: number,
): void {
  const number = index + 1;
  const register = env.register(number);
  const { name } = facts.called;
  switch (kind) {
    case "ctx":
      if (register.kind === "ctx") return;
      return env.reject(EINVAL, `arg#${index} expected pointer to ctx, but got ${typeName(register)}`);
    case "dynptr":
      return checkDynptrArgument(env, facts, param, number);
    case "iter":
      return checkIteratorArgument(env, facts, param, number);
    case "callback":
      if (register.kind !== "func") env.reject(EINVAL, `arg${index} expected pointer to func`);
      facts.subprogram = register.subprogram;
      return;
    case "const_str":
      if (register.kind !== "map_value") env.reject(EINVAL, `arg#${index} doesn't point to a const string`);
      return checkString(env, register, number);
    case "workqueue":
    case "task_work":
      if (register.kind !== "map_value") env.reject(EINVAL, `arg#${index} doesn't point to a map value`);
      checkField(env, register, number, kind === "workqueue" ? "bpf_wq" : "bpf_task_work");
      facts.map = register.map;
      facts.mapUid = register.mapUid;
      return;
    case "irq_flag":
      return checkIrqFlag(env, number, {
        saves: name === "bpf_local_irq_save" || name === "bpf_res_spin_lock_irqsave",
        by: name.startsWith("bpf_res_") ? "lock" : "native",
      });
    case "alloc":
      return checkDropped(env, facts, register, index);
    case "refcounted":
      return checkCounted(env, facts, register, index);
    case "list_head":
      return checkRoot(env, facts, number, "bpf_list_head");
    case "rb_root":
      return checkRoot(env, facts, number, "bpf_rb_root");
    case "list_node":
      return checkNode(env, facts, number, "bpf_list_node");
    case "rb_node":
      return checkNode(env, facts, number, "bpf_rb_node");
    case "res_spin_lock":
      if (register.kind !== "map_value" && !(register.kind === "btf" && register.flags === Flag.ALLOC)) {
        env.reject(EINVAL, `arg#${index} doesn't point to map value or allocated object`);
      }
      return changeLock(env, number, {
        takes: name === "bpf_res_spin_lock" || name === "bpf_res_spin_lock_irqsave",
        type: name.includes("irq") ? "bpf_res_spin_irq" : "bpf_res_spin",
      });
  }
}

/** A struct that stands for the program's context, by the name that programs know it by. */
function isContextParam({ traits }: Env, { target, isStruct }: KfuncParam): boolean {
  if (!isStruct || traits.contextName === "") return false;
  return target === traits.contextName || isProjection(traits.contextName, target);
}

/** Structs that registers of other kinds point to. */
const STRUCT_OF: ReadonlyMap<RegisterKind, string> = new Map<RegisterKind, string>([
  ["sock", "sock"],
  ["sock_common", "sock_common"],
  ["tcp_sock", "tcp_sock"],
  ["map_ptr", "bpf_map"],
]);

const isUnsafe = ({ flags }: Register): boolean => (flags & ~TRUST) !== 0;

function isGood(register: Register): boolean {
  if (register.refId !== 0) return true;
  return STRUCT_OF.has(register.kind) ? !isUnsafe(register) : isTrusted(register);
}

function checkTrust(env: Env, facts: KfuncFacts, register: Register, number: number): void {
  const mayBeRcu = facts.has(KfuncFlag.RCU);
  if ((!facts.needsTrust && !mayBeRcu) || isGood(register)) return;
  if (!mayBeRcu) env.reject(EINVAL, `R${number} must be referenced or trusted`);
  if ((register.flags & Flag.RCU) === 0) env.reject(EINVAL, `R${number} must be a rcu pointer`);
}

function checkMap(env: Env, facts: KfuncFacts, { map, mapUid }: Register, number: number): void {
  if (map === undefined) env.reject(EINVAL, `pointer in R${number} isn't map pointer`);
  if (facts.map !== undefined && (facts.map !== map || facts.mapUid !== mapUid)) {
    const isTask = facts.called.params.some(({ kind }) => kind === "task_work");
    const [what, first] = isTask ? ["bpf_task_work", 2] : ["workqueue", 1];
    env.reject(
      EINVAL,
      `${what} pointer in R${first} map_uid=${facts.mapUid} doesn't match map pointer in R${first + 1} map_uid=${mapUid}`,
    );
  }
  facts.map = map;
  facts.mapUid = mapUid;
}

/** A pointer into the kernel: to the struct of the parameter, or to one that begins with it. */
function checkStruct(env: Env, facts: KfuncFacts, param: KfuncParam, index: number): false {
  const register = env.register(index + 1);
  const isRcu = (register.flags & Flag.RCU) !== 0;
  const isStruct =
    STRUCT_OF.has(register.kind) || (register.kind === "btf" && (!isUnsafe(register) || isRcu));
  if (!isStruct) {
    const expected = typeName({ kind: register.kind, flags: register.flags & TRUST });
    env.reject(EINVAL, `arg#${index} is ${typeName(register)} expected ${expected} or socket`);
  }
  const wanted = param.kind === "map" ? "bpf_map" : param.target;
  const held = STRUCT_OF.get(register.kind) ?? register.struct;
  const isStrict = facts.has(KfuncFlag.RELEASE) && register.refId !== 0;
  const pointer =
    register.kind === "btf" ? register : structPointer(env, held, 0).with({ off: register.off });
  const isSame = isNamedStruct(env, pointer, wanted, isStrict || areStages(held, wanted));
  if (isSame || isProjection(wanted, held)) return false;
  env.reject(
    EINVAL,
    `kernel function ${facts.called.name} args#${index} expected pointer to STRUCT ${wanted} but R${index + 1} has a pointer to STRUCT ${held}`,
  );
}

/** Whether a register's size parameter is one: a number in its place. */
const isSized = (env: Env, { sized }: KfuncParam, number: number): boolean =>
  sized !== "no" && env.register(number + 1).kind === "scalar";

/** Memory of the program's may be taken for numbers, and for nothing else. */
function checkPlain(env: Env, param: KfuncParam, number: number): void {
  const hasSize = isSized(env, param, number);
  if (param.isPlain || (hasSize && param.isVoid)) return;
  const { targetKind, target } = param;
  const what = hasSize ? "void, scalar" : "scalar";
  env.reject(
    EINVAL,
    `arg#${number - 1} pointer type ${targetKind} ${target} must point to ${what}, or struct with scalar`,
  );
}

/** Memory that the function may read and write; true when it is as large as the next argument says. */
function checkMemory(env: Env, facts: KfuncFacts, param: KfuncParam, index: number): boolean {
  const number = index + 1;
  const register = env.register(number);
  if (!isSized(env, param, number)) {
    if (register.isNull) return false;
    checkReadWriteMemory(env, number, param.size ?? 0);
    return false;
  }
  if (!register.isNull || !param.isOptional) {
    const pair = `arg#${index} arg#${index + 1} memory, len pair leads to invalid memory access`;
    try {
      checkSizedMemory(env, number + 1, false);
      checkSizedMemory(env, number + 1, true);
    } catch (error) {
      if (error instanceof Rejection) env.reject(error.errno, `${error.message}\n${pair}`);
      throw error;
    }
  }
  if (param.sized === "constant") {
    const { scalar } = env.register(number + 1);
    if (!scalar.isConstant) env.reject(EINVAL, `R${number + 1} must be a known constant`);
    facts.constant = scalar.value;
  }
  return true;
}

/** Functions that make a dynptr of one type. */
const MAKES: Readonly<Record<string, DynptrType>> = {
  bpf_dynptr_from_skb: "skb",
  bpf_dynptr_from_xdp: "xdp",
  bpf_dynptr_from_skb_meta: "skb_meta",
};

function checkDynptrArgument(env: Env, facts: KfuncFacts, param: KfuncParam, number: number): void {
  const isNew = param.isUninitialized;
  const { name } = facts.called;
  const cloned = name === "bpf_dynptr_clone" && isNew ? facts.dynptr : undefined;
  const use: DynptrUse = { isNew, isReadOnly: true, type: MAKES[name] ?? cloned?.type, cloned };
  const found = checkDynptr(env, number, use);
  if (!isNew) facts.dynptr = found;
}

function checkIteratorArgument(env: Env, facts: KfuncFacts, param: KfuncParam, number: number): void {
  const { name } = facts.called;
  if (name === "bpf_iter_css_task_new" && !mayIterateCssTasks(env)) {
    env.reject(EINVAL, "css_task_iter is only allowed in bpf_lsm, bpf_iter and sleepable progs");
  }
  const does = facts.has(KfuncFlag.ITER_NEW)
    ? "new"
    : facts.has(KfuncFlag.ITER_NEXT)
      ? "next"
      : facts.has(KfuncFlag.ITER_DESTROY)
        ? "destroy"
        : "use";
  const slots = (param.size ?? 8) >> 3;
  const needsRcu = facts.has(KfuncFlag.RCU_PROTECTED);
  const refId = checkIterator(env, number, { struct: param.target, slots, does, needsRcu, name });
  if (does !== "new") facts.refId = refId;
}

function mayIterateCssTasks({ kind, maySleep }: Env): boolean {
  return (
    kind.type === "lsm" ||
    (kind.type === "tracing" && kind.attachType === ATTACH_TYPES.trace_iter) ||
    maySleep
  );
}
