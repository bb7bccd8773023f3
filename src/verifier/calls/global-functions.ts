// Functions of the program that BTF calls global: each is verified by itself, for any arguments that its prototype
// allows, and a call of one is only checked against the prototype (btf_check_subprog_call, do_check_subprogs and
// merge_callee_effects in kernel/bpf/verifier.c).

import { type Code, PSEUDO_KFUNC_CALL } from "../code.ts";
import type { Env } from "../env.ts";
import type { ControlFlow } from "../explore/control-flow.ts";
import { byteOf, frameOf, slotOf } from "../insns/stack-access.ts";
import { pointerToType } from "../objects/struct-access.ts";
import { checkStructArgument } from "../objects/struct-arguments.ts";
import { KfuncFlag } from "../prototypes/kfunc-table.ts";
import { changesPacket, prototypeFor } from "../prototypes/prototypes.ts";
import { Flag, Register } from "../register.ts";
import { EINVAL, Rejection } from "../rejection.ts";
import { Byte, Frame } from "../state.ts";
import { checkMemoryArgument, checkUnchanged } from "./call-arguments.ts";
import type { FunctionInfo } from "./function-info.ts";
import { type Parameter, PrototypeProblem, readPrototype } from "./function-prototype.ts";
import { kernelFunctions } from "./kfunc.ts";
import { forgetPacket } from "./packet-changes.ts";
import { sleeplessSection } from "./sections.ts";

/** What a function may do that its callers must know of, whatever it calls included. */
interface Effects {
  readonly mightSleep: boolean;
  readonly changesPacket: boolean;
}

/** A program's functions as BTF has them. */
export class GlobalFunctions {
  /** Functions that a verified call leads to. */
  readonly called: Set<number> = new Set();
  readonly #info: FunctionInfo | undefined;
  /** Callbacks may do without BTF. */
  readonly #isAssumed: boolean;
  readonly #prototypes = new Map<number, readonly Parameter[] | PrototypeProblem>();
  #effects: readonly Effects[] | undefined;

  constructor(info: FunctionInfo | undefined, isAssumed: boolean) {
    this.#info = info;
    this.#isAssumed = isAssumed;
  }

  /** BTF says what each function is, or is taken to say that it is static. */
  get isKnown(): boolean {
    return this.#isAssumed || this.#info !== undefined;
  }

  isGlobal(index: number): boolean {
    return this.#info?.[index]?.linkage === "global";
  }

  name(index: number): string {
    return this.#info?.[index]?.name ?? "";
  }

  parameters({ kind, program, kernelBtf }: Env, index: number): readonly Parameter[] | PrototypeProblem {
    const known = this.#prototypes.get(index);
    if (known !== undefined) return known;
    const func = this.#info?.[index];
    if (func === undefined || program.btf === undefined) {
      throw new RangeError(`function ${index}: expected one with a BTF type`);
    }
    const made = readPrototype({ kind, btf: program.btf, kernelBtf }, func);
    this.#prototypes.set(index, made);
    return made;
  }

  effects(env: Env, index: number): Effects {
    this.#effects ??= findEffects(env.code, env.flow, (slot) => effectsOfCall(env, slot));
    return this.#effects[index];
  }
}

const NO_EFFECTS: Effects = { mightSleep: false, changesPacket: false };

/** Of a call of the kernel: a helper's, or a kernel function's. */
function effectsOfCall({ code, kind, caps, kernelBtf }: Env, slot: number): Effects {
  const id = code.imm[slot];
  if (code.src[slot] === PSEUDO_KFUNC_CALL) {
    const flags = (kernelBtf && kernelFunctions(kernelBtf).find(id)?.flags) ?? 0;
    return {
      mightSleep: (flags & KfuncFlag.SLEEPABLE) !== 0,
      changesPacket: (flags & KfuncFlag.CHANGES_PACKET) !== 0,
    };
  }
  return {
    mightSleep: prototypeFor(id, kind, caps)?.mightSleep === true,
    changesPacket: changesPacket(id),
  };
}

/** Of each function what it and all that it calls may do. */
function findEffects(code: Code, flow: ControlFlow, ofCall: (slot: number) => Effects): Effects[] {
  const { functions } = flow;
  const effects: Effects[] = functions.map(() => NO_EFFECTS);
  const join = (index: number, { mightSleep, changesPacket }: Effects): boolean => {
    const old = effects[index];
    effects[index] = {
      mightSleep: old.mightSleep || mightSleep,
      changesPacket: old.changesPacket || changesPacket,
    };
    return effects[index].mightSleep !== old.mightSleep || effects[index].changesPacket !== old.changesPacket;
  };
  for (let changed = true; changed; ) {
    changed = false;
    for (let slot = 0; slot < code.length; slot++) {
      const index = flow.functionAt(slot);
      if (code.isLocalCall(slot) || code.isFunctionLoad(slot)) {
        const callee = flow.functionAt(slot + 1 + code.imm[slot]);
        if (join(index, effects[callee])) changed = true;
      } else if (code.isCall(slot)) {
        if (join(index, ofCall(slot))) changed = true;
      }
      if (code.isWide(slot)) slot++;
    }
  }
  return effects;
}

/** The frame that a global function begins with; rejects a prototype that cannot be verified. */
export function entryFrame(env: Env, index: number): Frame {
  const parameters = env.globals.parameters(env, index);
  if (parameters instanceof PrototypeProblem) env.reject(parameters.errno, parameters.message);
  const frame = new Frame(0, index, -1);
  for (const [number, parameter] of parameters.entries()) {
    frame.registers[number + 1] = entryRegister(env, parameter);
  }
  frame.registers[10] = Register.pointer("fp");
  return frame;
}

function entryRegister(env: Env, parameter: Parameter): Register {
  switch (parameter.kind) {
    case "ctx":
      return Register.pointer("ctx");
    case "dynptr":
      return Register.pointer("dynptr", { flags: Flag.DYNPTR_LOCAL, id: env.takeId() });
    case "mem": {
      const { size, nullable, untrusted } = parameter;
      if (untrusted) return Register.pointer("mem", { flags: Flag.READ_ONLY | Flag.UNTRUSTED });
      if (!nullable) return Register.pointer("mem", { memSize: size });
      return Register.pointer("mem", { flags: Flag.MAYBE_NULL, memSize: size, id: env.takeId() });
    }
    case "btf": {
      const { btf, typeId, trust } = parameter;
      let flags = trust === "untrusted" ? Flag.UNTRUSTED : Flag.TRUSTED;
      if (trust === "trusted_or_null") flags |= Flag.MAYBE_NULL;
      return pointerToType(btf, typeId, flags, env.takeId());
    }
    default:
      return Register.UNKNOWN;
  }
}

/** A call of a global function: what it is given fits its prototype, what it gives is any number. */
export function callGlobal(env: Env, index: number): void {
  const { globals, state } = env;
  const name = `func#${index} ('${globals.name(index)}')`;
  const problem = wrongArguments(env, index);
  if (state.holds("lock")) {
    env.reject(
      EINVAL,
      "global function calls are not allowed while holding a lock,\nuse static function instead",
    );
  }
  const { mightSleep, changesPacket } = globals.effects(env, index);
  if (mightSleep && (!env.maySleep || sleeplessSection(env) !== undefined)) {
    env.reject(
      EINVAL,
      "global functions that may sleep are not allowed in non-sleepable context,\n" +
        "i.e., in a RCU/IRQ/preempt-disabled section, or in\na non-sleepable BPF program context",
    );
  }
  if (problem !== undefined) {
    env.reject(problem.errno, `${problem.message}\nCaller passes invalid args into ${name}`);
  }
  env.log?.write(`Func#${index} ('${globals.name(index)}') is global and assumed valid.\n`);
  if (changesPacket) forgetPacket(env);
  globals.called.add(index);
  for (let number = 1; number <= 5; number++) env.setRegister(number, Register.NONE);
  env.setRegister(0, Register.UNKNOWN);
}

/** Why the arguments do not fit; undefined when they do. */
function wrongArguments(env: Env, index: number): PrototypeProblem | undefined {
  const parameters = env.globals.parameters(env, index);
  if (parameters instanceof PrototypeProblem) return parameters;
  try {
    for (const [position, parameter] of parameters.entries()) checkParameter(env, position, parameter);
    return undefined;
  } catch (error) {
    if (!(error instanceof Rejection)) throw error;
    return new PrototypeProblem(error.errno, error.message);
  }
}

function checkParameter(env: Env, position: number, parameter: Parameter): void {
  const number = position + 1;
  const register = env.register(number);
  switch (parameter.kind) {
    case "scalar":
      if (register.kind !== "scalar") env.reject(EINVAL, `R${number} is not a scalar`);
      return;
    case "ctx":
      checkUnchanged(env, number);
      if (register.kind !== "ctx") env.reject(EINVAL, `arg#${position} expects pointer to ctx`);
      return;
    case "mem":
      if (parameter.untrusted) return;
      checkUnchanged(env, number);
      checkMemoryArgument(env, number, parameter.size);
      if (!parameter.nullable && register.mayBeNull) {
        env.reject(EINVAL, `arg#${position} is expected to be non-NULL`);
      }
      return;
    case "arena":
      if (register.kind !== "scalar") env.reject(EINVAL, `R${number} is not a pointer to arena or scalar.`);
      return;
    case "dynptr":
      return checkDynptr(env, position, register);
    case "btf":
      if (parameter.trust === "untrusted") return;
      if (register.isNull && parameter.trust === "trusted_or_null") return;
      return checkStructArgument(env, number, parameter, parameter.trust === "trusted_or_null");
  }
}

/** A dynptr in the stack, made by a helper before; or one that the function was given itself. */
function checkDynptr(env: Env, position: number, register: Register): void {
  if (register.kind === "dynptr") return;
  if (register.kind !== "fp") {
    env.reject(EINVAL, `arg#${position} expected pointer to stack or const struct bpf_dynptr`);
  }
  const off = register.wholeOffset;
  const frame = frameOf(env, register);
  const isMade =
    register.scalar.isConstant &&
    byteOf(off) === 0 &&
    frame.slot(slotOf(off)).isAll === Byte.DYNPTR &&
    frame.slot(slotOf(off) - 1).isAll === Byte.DYNPTR;
  if (!isMade) env.reject(EINVAL, `Expected an initialized dynptr as arg #${position}`);
}
