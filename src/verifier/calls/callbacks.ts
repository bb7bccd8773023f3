// Functions of the program that a call hands to the kernel: what they are called with, and how they must end. Those
// that run during the call come back to it; those that run later start from nothing but their arguments
// (push_callback_call in kernel/bpf/verifier.c).

import { type Env, type Fork, MAX_FRAMES } from "../env.ts";
import type { CallbackKind } from "../explore/control-flow.ts";
import { structPointer } from "../objects/struct-access.ts";
import { Register } from "../register.ts";
import { E2BIG } from "../rejection.ts";
import { Frame, State } from "../state.ts";
import type { CallFacts } from "./call-arguments.ts";

/** What is known of the call when its callback's arguments are set: the map, the function. */
export type CallbackFacts = Pick<CallFacts, "map" | "mapUid" | "subprogram"> & {
  /** A node of the tree whose order is asked for. */
  readonly element?: Register | undefined;
};

/** Sets a callback's arguments from the caller's registers. */
type CallbackArguments = (
  env: Env,
  facts: CallbackFacts,
  caller: readonly Register[],
  callee: Register[],
) => void;

/** How the kernel calls a function back. */
export interface CallbackRule {
  readonly setArguments: CallbackArguments;
  /** What it may return. */
  readonly min: bigint;
  readonly max: bigint;
  /** It runs later, on a stack of its own. */
  readonly isAsync?: true;
  /** It may sleep, whatever the program may. */
  readonly sleeps?: true;
  /** It orders the nodes of a tree. */
  readonly orders?: true;
}

const forEachArguments: CallbackArguments = (_, { map, mapUid }, caller, callee) => {
  callee[1] = caller[1];
  callee[2] = Register.pointer("map_key", { map, mapUid });
  callee[3] = Register.pointer("map_value", { map, mapUid });
  callee[4] = caller[3];
};

const loopArguments: CallbackArguments = (_, __, caller, callee) => {
  callee[1] = Register.UNKNOWN;
  callee[2] = caller[3];
};

const vmaArguments: CallbackArguments = (env, _, caller, callee) => {
  callee[1] = caller[1];
  callee[2] = structPointer(env, "vm_area_struct", 0);
  callee[3] = caller[4];
};

const recordArguments: CallbackArguments = (env, _, caller, callee) => {
  callee[1] = Register.pointer("dynptr", { id: env.takeId() });
  callee[2] = caller[3];
};

/** The map that argument `number` of the call is, or lies in, with a key and a value of it. */
const elementArguments =
  (number: number): CallbackArguments =>
  (_, __, caller, callee) => {
    const { map } = caller[number];
    callee[1] = Register.pointer("map_ptr", { map });
    callee[2] = Register.pointer("map_key", { map });
    callee[3] = Register.pointer("map_value", { map });
  };

/** Two nodes of the tree, which stay its own. */
const orderArguments: CallbackArguments = (_, { element = Register.NONE }, __, callee) => {
  callee[1] = element;
  callee[2] = element;
};

const ANY_INT = { min: -(1n << 31n), max: (1n << 31n) - 1n };
const NO_RESULT = { min: 0n, max: 0n };
const YES_OR_NO = { min: 0n, max: 1n };
const TASK_RULE: CallbackRule = {
  setArguments: elementArguments(3),
  ...ANY_INT,
  isAsync: true,
  sleeps: true,
};

/** By the name of the helper or kernel function. */
export const CALLBACK_RULES: Readonly<Record<string, CallbackRule>> = {
  for_each_map_elem: { setArguments: forEachArguments, ...YES_OR_NO },
  loop: { setArguments: loopArguments, ...YES_OR_NO },
  find_vma: { setArguments: vmaArguments, ...YES_OR_NO },
  user_ringbuf_drain: { setArguments: recordArguments, ...YES_OR_NO },
  timer_set_callback: { setArguments: elementArguments(1), ...NO_RESULT, isAsync: true },
  bpf_rbtree_add_impl: { setArguments: orderArguments, ...YES_OR_NO, orders: true },
  bpf_task_work_schedule_signal_impl: TASK_RULE,
  bpf_task_work_schedule_resume_impl: TASK_RULE,
  bpf_wq_set_callback_impl: {
    setArguments: elementArguments(1),
    ...NO_RESULT,
    isAsync: true,
    sleeps: true,
  },
};

/** Whether a helper or kernel function calls a function of the program, at once or later. */
export function callbackKind(name: string): CallbackKind {
  const rule = CALLBACK_RULES[name];
  return rule === undefined ? "none" : rule.isAsync === true ? "async" : "sync";
}

/** The way through a callback. */
export function callBack(env: Env, facts: CallbackFacts, rule: CallbackRule): Fork {
  return rule.isAsync === true ? startAsync(env, facts, rule) : enterCallback(env, facts, rule);
}

/** Comes back to the call that it is made by. */
function enterCallback(env: Env, facts: CallbackFacts, rule: CallbackRule): Fork {
  const { setArguments, min, max, orders = false } = rule;
  const state = env.state.copy();
  const caller = state.frame;
  if (state.frames.length >= MAX_FRAMES) {
    env.reject(E2BIG, `the call stack of ${state.frames.length + 1} frames is too deep`);
  }
  const target = facts.subprogram;
  const callee = new Frame(state.frames.length, env.flow.functionAt(target), env.slot);
  callee.callback = { helper: env.code.imm[env.slot], min, max, asyncEntry: 0, orders };
  setArguments(env, facts, caller.registers, callee.registers);
  callee.registers[10] = Register.pointer("fp", { frame: callee.number });
  caller.callbackDepth++;
  state.callbackUnrollDepth++;
  state.frames.push(callee);
  return { slot: target, state };
}

/** Whatever the program holds now, it does not hold then. */
function startAsync(env: Env, facts: CallbackFacts, { setArguments, min, max, sleeps }: CallbackRule): Fork {
  const target = facts.subprogram;
  const index = env.flow.functionAt(target);
  env.asyncFunctions.add(index);
  const frame = new Frame(0, index, -1);
  const asyncEntry = (env.frame.callback?.asyncEntry ?? 0) + 1;
  frame.callback = { helper: env.code.imm[env.slot], min, max, asyncEntry };
  setArguments(env, facts, env.registers, frame.registers);
  frame.registers[10] = Register.pointer("fp");
  const state = new State([frame]);
  state.firstSlot = target;
  state.isSleepable = sleeps === true;
  return { slot: target, state, isEntry: true };
}
