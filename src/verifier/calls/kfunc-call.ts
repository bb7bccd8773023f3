// The call of a kernel function: whether this program may make it here, what it does to what the program holds, and
// what it leaves in r0 (check_kfunc_call in kernel/bpf/verifier.c).

import type { Env, Fork } from "../env.ts";
import { checkResult } from "../insns/program-exit.ts";
import { sliceFlag } from "../objects/dynptr.ts";
import { givesRcuPointers, splitAtNext } from "../objects/iterator.ts";
import { borrowed, elementOf, giveAway, newObject, withLockId } from "../objects/objects.ts";
import { pointerToType, structPointer } from "../objects/struct-access.ts";
import { KfuncFlag, mayCallKfunc } from "../prototypes/kfunc-table.ts";
import { Flag, Register } from "../register.ts";
import { EACCES, EFAULT, EINVAL } from "../rejection.ts";
import { Scalar } from "../scalars/scalar.ts";
import { CALLBACK_RULES, type CallbackFacts, callBack } from "./callbacks.ts";
import { type CallOutcome, clearCallerSaved } from "./calls.ts";
import { kernelFunctions } from "./kfunc.ts";
import { checkKfuncArguments, KfuncFacts } from "./kfunc-arguments.ts";
import { forgetPacket } from "./packet-changes.ts";
import { checkNothingHeld, releaseReference, takeReference } from "./references.ts";
import { enablePreemption, enterRcu, inRcuSection, leaveRcu, sleeplessSection } from "./sections.ts";

export const mayCallUnderLock = (env: Env): boolean => {
  const { kernelBtf, code, slot } = env;
  const found = kernelBtf && kernelFunctions(kernelBtf).find(code.imm[slot]);
  return found !== undefined && (found.flags & KfuncFlag.UNDER_LOCK) !== 0;
};

/** A call of no function at all: refused once all else is found to be right, where it is not dead code by then. */
export const callsNothing = ({ code, program }: Env, slot: number): boolean =>
  code.imm[slot] === 0 && !program.kernelCalls.some((call) => call.slot === slot);

export function callKernelFunction(env: Env): CallOutcome {
  if (callsNothing(env, env.slot)) return { next: env.slot + 1 };
  const facts = findCalled(env);
  const { name } = facts.called;
  const pointer = env.register(1);
  const others: Fork[] = facts.has(KfuncFlag.TRIES_LOCK) ? [withoutLock(env)] : [];
  checkKfuncArguments(env, facts);
  const rule = CALLBACK_RULES[name];
  if (rule !== undefined) others.push(callBack(env, callbackFacts(facts), rule));
  changeSections(env, facts);
  checkPlace(env, facts);
  if (facts.releases !== 0) release(env, facts);
  if (facts.has(KfuncFlag.LINKS)) giveAway(env, env.register(2).refId);
  if (name === "bpf_throw") return leaveByException(env);
  const isRcu = facts.has(KfuncFlag.ITER_NEXT) && givesRcuPointers(env);
  const result = resultOf(env, facts, isRcu);
  clearCallerSaved(env.frame);
  env.setRegister(0, result);
  if (facts.has(KfuncFlag.CHANGES_PACKET)) forgetPacket(env);
  if (facts.has(KfuncFlag.ITER_NEXT)) {
    const fork = splitAtNext(env, pointer);
    if (fork !== undefined) return { next: env.slot + 1, others: [...others, fork], rounds: fork.state };
  }
  return { next: env.slot + 1, others };
}

const callbackFacts = (facts: KfuncFacts): CallbackFacts => {
  const { map, mapUid, subprogram } = facts;
  const element = elementOf(facts);
  return { map, mapUid, subprogram, element: element && borrowed(element) };
};

/** The way on behind a lock that was not to be had. */
function withoutLock(env: Env): Fork {
  const state = env.state.copy();
  clearCallerSaved(state.frame);
  state.registers[0] = Register.number(Scalar.of({ s32min: -4095, s32max: -1 }));
  return { slot: env.slot + 1, state };
}

function findCalled(env: Env): KfuncFacts {
  const { code, slot, kernelBtf } = env;
  const called = kernelBtf && kernelFunctions(kernelBtf).find(code.imm[slot]);
  if (called === undefined) {
    const name = env.program.kernelCalls.find((call) => call.slot === slot)?.name;
    const missing = kernelBtf === undefined ? ": kernel functions need the kernel's BTF" : "";
    env.reject(EINVAL, `kernel function ${name ?? `#${code.imm[slot]}`} is not known${missing}`);
  }
  const { name } = called;
  if (!mayCallKfunc(name, env.kind)) {
    env.reject(EACCES, `calling kernel function ${name} is not allowed`);
  }
  if (name === "__bpf_trap") {
    env.reject(EFAULT, "unexpected __bpf_trap() due to uninitialized variable?");
  }
  const facts = new KfuncFacts(called);
  if (facts.has(KfuncFlag.SLEEPABLE) && !env.maySleep) {
    env.reject(EACCES, `program must be sleepable to call sleepable kfunc ${name}`);
  }
  return facts;
}

function changeSections(env: Env, { called: { name } }: KfuncFacts): void {
  switch (name) {
    case "bpf_rcu_read_lock":
      checkNotOrdering(env);
      return enterRcu(env, name);
    case "bpf_rcu_read_unlock":
      checkNotOrdering(env);
      return leaveRcu(env, name);
    case "bpf_preempt_disable":
      env.state.preemptDepth++;
      return;
    case "bpf_preempt_enable":
      return enablePreemption(env, name);
  }
}

function checkNotOrdering(env: Env): void {
  if (env.frame.callback?.orders !== true) return;
  env.reject(EACCES, "Calling bpf_rcu_read_{lock,unlock} in unnecessary rbtree callback");
}

/** Functions that sleep, or that need RCU, are not for every place. */
function checkPlace(env: Env, facts: KfuncFacts): void {
  const { name } = facts.called;
  const section = sleeplessSection(env);
  if (facts.has(KfuncFlag.SLEEPABLE) && section !== undefined) {
    env.reject(EACCES, `kernel func ${name} is sleepable within ${section} region`);
  }
  if (facts.has(KfuncFlag.RCU_PROTECTED) && !inRcuSection(env)) {
    env.reject(EACCES, `kernel func ${name} requires RCU critical section protection`);
  }
}

function release(env: Env, facts: KfuncFacts): void {
  const { name, id } = facts.called;
  if (!releaseReference(env, env.register(facts.releases).refId)) {
    env.reject(EINVAL, `kfunc ${name}#${id} reference has not been acquired before`);
  }
}

/** The program ends here, however deep its calls are. */
function leaveByException(env: Env): CallOutcome {
  const index = env.state.frames.findIndex(({ callback }) => callback !== undefined);
  if (index >= 0) {
    const { subprogram } = env.frame;
    env.reject(
      EINVAL,
      `bpf_throw kfunc (insn ${env.slot}) cannot be called from callback subprog ${subprogram}`,
    );
  }
  checkNothingHeld(env, "bpf_throw");
  checkResult(env, 1);
  return { next: -1 };
}

function resultOf(env: Env, facts: KfuncFacts, isRcu: boolean): Register {
  const { called } = facts;
  const { kind, size, targetKind, target } = called.result;
  const special = specialResult(env, facts);
  if (special === undefined) {
    if (kind === "void") return Register.NONE;
    if (kind === "scalar") return facts.has(KfuncFlag.TRIES_LOCK) ? Register.ZERO : Register.UNKNOWN;
  }
  let result = special ?? Register.NONE;
  if (special === undefined && kind === "struct") {
    result = structPointer(env, target, trustOf(facts, isRcu));
  } else if (special === undefined) {
    const memSize = facts.resultSize ?? size ?? 0;
    if (memSize === 0) {
      const what = `pointer type ${targetKind} ${target}`;
      env.reject(EINVAL, `kernel function ${called.name} returns ${what} is not supported`);
    }
    const isReadOnly = facts.resultSize === undefined || facts.isResultReadOnly;
    const flags = isReadOnly ? Flag.READ_ONLY : 0;
    result = Register.pointer("mem", { flags, memSize, refId: facts.refId });
  }
  return owned(env, facts, result);
}

/** A pointer that may be null, or that the program must give back. */
function owned(env: Env, facts: KfuncFacts, result: Register): Register {
  const isNullable = facts.has(KfuncFlag.RET_NULL) && !facts.isOwner;
  let register = result;
  if (isNullable) register = register.with({ flags: register.flags | Flag.MAYBE_NULL, id: env.takeId() });
  if (!facts.has(KfuncFlag.ACQUIRE)) {
    return withLockId(env, facts.root === undefined ? register : borrowed(register));
  }
  const refId = takeReference(env);
  return withLockId(env, register.with(isNullable ? { id: refId, refId } : { refId }));
}

function trustOf(facts: KfuncFacts, isRcu: boolean): Flag {
  if (facts.called.name === "bpf_get_kmem_cache") return Flag.UNTRUSTED;
  if (facts.has(KfuncFlag.RCU_PROTECTED) || isRcu) return Flag.RCU;
  return facts.has(KfuncFlag.ITER_NEXT) ? Flag.TRUSTED : Flag.NONE;
}

/** What functions give whose result their signature does not tell. */
function specialResult(env: Env, facts: KfuncFacts): Register | undefined {
  const { object } = facts;
  switch (facts.called.name) {
    case "bpf_cast_to_kern_ctx":
      return structPointer(env, kernelContext(env), Flag.TRUSTED);
    case "bpf_obj_new_impl":
    case "bpf_percpu_obj_new_impl":
      return newObject(env, facts);
    case "bpf_refcount_acquire_impl":
      return object?.btf && pointerToType(object.btf, object.typeId, Flag.ALLOC);
    case "bpf_rdonly_cast":
      return castResult(env, Number(BigInt.asUintN(32, facts.constant ?? 0n)));
    case "bpf_dynptr_slice":
      return sliceOf(facts, Flag.READ_ONLY);
    case "bpf_dynptr_slice_rdwr":
      if (!env.traits.packetWrite) env.reject(EINVAL, "the prog does not allow writes to packet data");
      return sliceOf(facts, 0);
    case "bpf_session_cookie":
      facts.resultSize = 8;
      return undefined;
    default:
      return facts.has(KfuncFlag.LINKS) ? undefined : elementOf(facts);
  }
}

function sliceOf({ dynptr, constant = 0n }: KfuncFacts, flags: number): Register {
  return Register.pointer("mem", {
    flags: flags | sliceFlag(dynptr?.type ?? "local"),
    memSize: Number(constant),
    dynptrId: dynptr?.id ?? 0,
  });
}

/** The struct of the kernel's own behind a program's context; its BTF has a member for each type of program. */
function kernelContext(env: Env): string {
  const { kernelBtf, kind } = env;
  const contexts = kernelBtf?.findByName("bpf_ctx_convert", "struct");
  const name = `BPF_PROG_TYPE_${kind.type.toUpperCase()}_kern`;
  const member = contexts?.kind === "struct" && contexts.members.find((each) => each.name === name);
  const type = kernelBtf && member ? kernelBtf.type(member.type) : undefined;
  if (type?.kind === "struct") return type.name;
  return env.reject(EINVAL, `kern ctx type id ${type?.id ?? 0} is not a struct`);
}

/** A pointer to whatever the program says: loads through it fault to zero. */
function castResult(env: Env, id: number): Register {
  const btf = env.kernelBtf;
  const type = btf !== undefined && id < btf.count ? btf.resolve(id) : undefined;
  if (btf !== undefined && type?.kind === "struct") return pointerToType(btf, type.id, Flag.UNTRUSTED);
  if (type?.kind === "void") {
    return Register.pointer("mem", { flags: Flag.READ_ONLY | Flag.UNTRUSTED, memSize: 0 });
  }
  return env.reject(EINVAL, "kfunc bpf_rdonly_cast type ID argument must be of a struct or void");
}
