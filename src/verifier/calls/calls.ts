// Calls: of helpers, of the program's functions, and what a helper calls back. What a call leaves in r0, which
// references it takes and gives back (check_helper_call and check_func_call in kernel/bpf/verifier.c).

import { parseFormat } from "../../print-conversions.ts";
import type { MapSpec } from "../../program.ts";
import { PROGRAM_TYPES, type ProgramType } from "../../program-types.ts";
import { PSEUDO_CALL, PSEUDO_KFUNC_CALL } from "../code.ts";
import { type Env, type Fork, MAX_FRAMES, NO_CALLBACK } from "../env.ts";
import type { CallbackKind } from "../explore/control-flow.ts";
import { markPrecise } from "../explore/precision.ts";
import { outOfRange } from "../insns/program-exit.ts";
import { releaseDynptr } from "../objects/dynptr.ts";
import { isLock } from "../objects/field-arguments.ts";
import { perCpuObject } from "../objects/kernel-symbols.ts";
import { mapFields } from "../objects/map-fields.ts";
import { structPointer } from "../objects/struct-access.ts";
import { hookAllows } from "../prototypes/allowed-helpers.ts";
import type { HelperPrototype } from "../prototypes/prototype.ts";
import { knownHelper } from "../prototypes/prototypes.ts";
import { Flag, Register, typeName } from "../register.ts";
import { E2BIG, EACCES, EINVAL, ENOTSUPP, reject } from "../rejection.ts";
import { Scalar } from "../scalars/scalar.ts";
import { Frame, type State } from "../state.ts";
import { CallFacts, checkArgument } from "./call-arguments.ts";
import { CALLBACK_RULES, callBack, callbackKind } from "./callbacks.ts";
import { callGlobal } from "./global-functions.ts";
import { callKernelFunction, mayCallUnderLock } from "./kfunc-call.ts";
import { changeLock } from "./locks.ts";
import { checkMapChange, checkMapFunction, hasEveryKey, holdsSockets } from "./map-functions.ts";
import { forgetPacket } from "./packet-changes.ts";
import { checkNothingHeld, releaseReference, takeReference } from "./references.ts";
import { sleeplessSection } from "./sections.ts";

/** Errors that a helper gives instead of a length lie above this, negated. */
const MAX_ERRNO = 4095n;

/** Whether helper `id` calls a function of the program, at once or later. */
export const helperCallback = (id: number): CallbackKind => callbackKind(knownHelper(id) ?? "");

/** What comes after a call: the next slot, and other ways on, such as one into a callback. */
export interface CallOutcome {
  readonly next: number;
  readonly others?: readonly Fork[];
  /** See StepResult. */
  readonly rounds?: State;
}

export function checkCall(env: Env): CallOutcome {
  const { code, slot } = env;
  const src = code.src[slot];
  const isReserved =
    (src !== 0 && src !== PSEUDO_CALL && src !== PSEUDO_KFUNC_CALL) ||
    (src !== PSEUDO_KFUNC_CALL && code.off[slot] !== 0) ||
    code.dst[slot] !== 0;
  if (isReserved) env.reject(EINVAL, "BPF_CALL uses reserved fields");
  if (env.state.holds("lock")) {
    const name = knownHelper(code.imm[slot]);
    const isForbidden =
      (src === 0 && name !== "spin_unlock") || (src === PSEUDO_KFUNC_CALL && !mayCallUnderLock(env));
    if (isForbidden) {
      env.reject(EINVAL, "function calls are not allowed while holding a lock");
    }
  }
  if (src === PSEUDO_CALL) return { next: callFunction(env) };
  if (src === PSEUDO_KFUNC_CALL) return callKernelFunction(env);
  return callHelper(env);
}

function callFunction(env: Env): number {
  const { state, code, slot } = env;
  const target = slot + 1 + code.imm[slot];
  const index = env.flow.functionAt(target);
  if (env.globals.isGlobal(index)) {
    callGlobal(env, index);
    return slot + 1;
  }
  if (state.frames.length >= MAX_FRAMES) {
    env.reject(E2BIG, `the call stack of ${state.frames.length + 1} frames is too deep`);
  }
  const caller = state.frame;
  const callee = new Frame(state.frames.length, index, slot);
  for (let index = 1; index <= 5; index++) callee.registers[index] = caller.registers[index];
  callee.registers[10] = Register.pointer("fp", { frame: callee.number });
  clearCallerSaved(caller);
  state.frames.push(callee);
  return target;
}

export function clearCallerSaved(frame: Frame): void {
  for (let index = 0; index <= 5; index++) frame.registers[index] = Register.NONE;
}

/** The end of a function: back to its caller. Gives the slot that goes on. */
export function leaveFunction(env: Env): number {
  const { state } = env;
  const callee = state.frame;
  const result = callee.registers[0];
  if (result.kind === "fp") env.reject(EINVAL, "cannot return stack pointer to the caller");
  const caller = state.frames[state.frames.length - 2];
  const { callback } = callee;
  if (callback !== undefined) {
    if (result.kind !== "scalar") env.reject(EACCES, "R0 not a scalar value");
    markPrecise(env, 0);
    if (result.scalar.smin < callback.min || result.scalar.smax > callback.max) {
      env.reject(
        EINVAL,
        outOfRange(
          result,
          "At callback return the register R0 has",
          Number(callback.min),
          Number(callback.max),
        ),
      );
    }
  } else caller.registers[0] = result;
  state.frames.pop();
  return callback === undefined ? callee.callSite + 1 : callee.callSite;
}

function findPrototype(env: Env): HelperPrototype {
  const id = env.code.imm[env.slot];
  const prototype = env.helpers.prototype(id);
  if (prototype === undefined) {
    const name = knownHelper(id);
    if (name === undefined) env.reject(EINVAL, `invalid func unknown#${id}`);
    env.reject(EINVAL, `program of this type cannot use helper bpf_${name}#${id}`);
  }
  if (prototype.gplOnly && !env.program.isGpl) {
    env.reject(EINVAL, "cannot call GPL-restricted function from non-GPL compatible program");
  }
  if (prototype.hooks !== undefined && !hookAllows(prototype.hooks, env.kind)) {
    env.reject(EINVAL, "helper call is not allowed in probe");
  }
  if (prototype.mightSleep && !env.maySleep) {
    env.reject(EINVAL, "helper call might sleep in a non-sleepable prog");
  }
  const section = sleeplessSection(env);
  if (prototype.mightSleep && section !== undefined) {
    env.reject(EINVAL, `sleepable helper bpf_${prototype.name}#${id} in ${section} region`);
  }
  return prototype;
}

function callHelper(env: Env): CallOutcome {
  const prototype = findPrototype(env);
  const { name, id } = prototype;
  const facts = new CallFacts(prototype);
  for (let index = 0; index < prototype.args.length; index++) checkArgument(env, facts, index);
  if (facts.map !== undefined) checkMapChange(env, facts.map, prototype);
  if (facts.releases !== 0) release(env, facts);
  const outcome = callSpecial(env, facts, name);
  clearCallerSaved(env.frame);
  setResult(env, facts);
  if (facts.map !== undefined) {
    noteCallMap(env, facts.map);
    if (!env.helpers.hasOwn(id)) checkMapFunction(env, facts.map, prototype);
  }
  if (changesPacket(facts)) forgetPacket(env);
  return outcome ?? { next: env.slot + 1 };
}

function release(env: Env, { prototype, releases }: CallFacts): void {
  const { name, id, args } = prototype;
  const register = env.register(releases);
  if (register.isNull) return;
  if (args[releases - 1].kind === "dynptr") return releaseDynptr(env, register);
  if (!releaseReference(env, register.refId)) {
    env.reject(EINVAL, `func bpf_${name}#${id} reference has not been acquired before`);
  }
}

/** A dynptr of a packet may have to move it to write to it. */
function changesPacket({ prototype, dynptr }: CallFacts): boolean {
  const isPacket = dynptr?.type === "skb" || dynptr?.type === "skb_meta";
  return prototype.changesPacket || (prototype.name === "dynptr_write" && isPacket);
}

/** Helpers that do more than their prototype says. */
function callSpecial(env: Env, facts: CallFacts, name: string): CallOutcome | undefined {
  switch (name) {
    case "tail_call":
      checkNothingHeld(env, "tail_call");
      // A constant index becomes a jump of its own.
      if (env.register(3).isConstant && env.register(3).scalar.value < BigInt(facts.map?.maxEntries ?? 0)) {
        markPrecise(env, 3);
      }
      return undefined;
    case "get_local_storage":
      if (!env.register(2).isNull) env.reject(EINVAL, "get_local_storage() doesn't support non-zero flags");
      return undefined;
    case "snprintf":
      checkFormat(env);
      return undefined;
    case "get_func_ip":
      checkFunctionAddress(env);
      return undefined;
    case "spin_lock":
    case "spin_unlock":
      changeLock(env, 1, { takes: name === "spin_lock", type: "bpf_spin" });
      return undefined;
    case "dynptr_from_mem":
      checkDynptrMemory(env);
      return undefined;
    case "loop":
      return callLoop(env, facts);
    default:
      return CALLBACK_RULES[name] === undefined ? undefined : callFunctionBack(env, facts);
  }
}

/** The format of bpf_snprintf is known, so that it is held against the arguments before it ever prints. */
function checkFormat(env: Env): void {
  const [{ map, wholeOffset }, size] = [env.register(3), env.register(5)];
  const bytes = size.scalar.tnum.value;
  if (bytes % 8n !== 0n) env.reject(EINVAL, `R5 has to be a multiple of 8, for numbers of 8 bytes`);
  const text = map?.contents?.subarray(wholeOffset) ?? new Uint8Array();
  const format = String.fromCharCode(...text.subarray(0, text.indexOf(0)));
  if (parseFormat(format, Number(bytes / 8n)) === undefined) env.reject(EINVAL, "Invalid format string");
}

/** Only where a function is probed is there one. */
function checkFunctionAddress(env: Env): void {
  const { type } = env.kind;
  if (type === "kprobe" || type === "tracing") return;
  const number = PROGRAM_TYPES[type as ProgramType];
  env.reject(ENOTSUPP, `func bpf_get_func_ip#173 not supported for program type ${number}`);
}

function noteCallMap({ callMaps, slot }: Env, map: MapSpec): void {
  const isSame = !callMaps.has(slot) || callMaps.get(slot) === map;
  callMaps.set(slot, isSame ? map : undefined);
}

/** Under CAP_BPF alone a tail call's index is masked, so it must know its map. */
export function checkTailCalls(env: Env): void {
  if (env.allowsLeaks) return;
  for (const [slot, map] of env.callMaps) {
    const isTailCall = knownHelper(env.code.imm[slot]) === "tail_call";
    if (isTailCall && map === undefined) reject(slot, EINVAL, "tail_call abusing map_ptr");
  }
}

function checkDynptrMemory(env: Env): void {
  const memory = env.register(1);
  if (memory.kind === "map_value" && memory.flags === 0) return;
  env.reject(EACCES, `Unsupported reg type ${typeName(memory)} for bpf_dynptr_from_mem data`);
}

function callLoop(env: Env, facts: CallFacts): CallOutcome {
  noteLoopCallback(env, facts);
  markPrecise(env, 1);
  const times = env.register(1).scalar.umax;
  if (BigInt(env.frame.callbackDepth) < times) {
    return callFunctionBack(env, facts);
  }
  env.frame.callbackDepth = 0;
  if (env.log?.isDetailed) env.log.write(`frame${env.frame.number} bpf_loop iteration limit reached\n`);
  return { next: env.slot + 1 };
}

/** Without flags, and with one function to call, the loop becomes one of instructions. */
function noteLoopCallback(env: Env, { subprogram }: CallFacts): void {
  const { loopCallbacks, slot } = env;
  const known = loopCallbacks.get(slot);
  if (known === NO_CALLBACK) return;
  const hasFlags = !env.register(4).isNull;
  if (!hasFlags) markPrecise(env, 4);
  const isSame = known === undefined || known === subprogram;
  loopCallbacks.set(slot, isSame && !hasFlags ? subprogram : NO_CALLBACK);
}

/** The way on without the callback, and one through it. */
function callFunctionBack(env: Env, facts: CallFacts): CallOutcome {
  const rule = CALLBACK_RULES[facts.prototype.name];
  return { next: env.slot + 1, others: [callBack(env, facts, rule)] };
}

/** r0 behind the call. */
function setResult(env: Env, facts: CallFacts): void {
  const { prototype, map } = facts;
  const { returns, name } = prototype;
  if (returns.kind === "void") return;
  if (returns.kind === "integer") {
    env.setRegister(0, Register.number(integerResult(env, facts)));
    return;
  }
  let result = pointerResult(env, facts);
  if (result.mayBeNull) result = result.with({ id: env.takeId() });
  const isNew =
    returns.reference === "new" || (name === "map_lookup_elem" && map !== undefined && holdsSockets(map));
  if (returns.kind === "dynptr_mem") {
    result = result.with({ dynptrId: facts.dynptr?.id ?? 0, refId: facts.dynptr?.refId ?? 0 });
  } else if (returns.reference === "argument") result = result.with({ refId: facts.refId });
  else if (isNew) {
    const id = takeReference(env);
    result = result.with({ id, refId: id });
  }
  env.setRegister(0, result);
}

function pointerResult(env: Env, facts: CallFacts): Register {
  const { map, prototype } = facts;
  const { returns, name } = prototype;
  let flags = returns.nullable === true ? Flag.MAYBE_NULL : 0;
  switch (returns.kind) {
    case "map_value": {
      if (map === undefined) env.reject(EINVAL, "kernel subsystem misconfigured verifier");
      const isThere = name === "map_lookup_elem" && hasEveryKey(map) && facts.key !== undefined;
      if (isThere && (facts.key as number) < map.maxEntries) flags &= ~Flag.MAYBE_NULL;
      const hasLock = mapFields(map).some(isLock);
      const id = (flags & Flag.MAYBE_NULL) === 0 && hasLock ? env.takeId() : 0;
      return Register.pointer("map_value", { flags, map, mapUid: facts.mapUid, id });
    }
    case "socket":
      return Register.pointer("sock", { flags });
    case "tcp_sock":
      return Register.pointer("tcp_sock", { flags });
    case "sock_common":
      return Register.pointer("sock_common", { flags });
    case "ringbuf_mem":
      return Register.pointer("mem", { flags: flags | Flag.RINGBUF, memSize: facts.memSize });
    case "mem_or_btf_id":
      return perCpuObject(env, facts.perCpu, flags);
    case "dynptr_mem":
      return Register.pointer("mem", { flags, memSize: facts.memSize });
    default:
      flags |= returns.trusted === true ? Flag.TRUSTED : 0;
      return structPointer(env, facts.kptr?.struct ?? returns.struct ?? "", flags);
  }
}

/** A number that a helper gives: of some it is known how large it can be. */
function integerResult({ cpus }: Env, { prototype: { returns }, maxSize }: CallFacts): Scalar {
  if (returns.range === "cpu" && cpus !== undefined) return Scalar.signed(0n, BigInt(cpus - 1));
  if (returns.range === "length" && maxSize !== undefined) return Scalar.signed(-MAX_ERRNO, maxSize);
  return Scalar.UNKNOWN;
}
