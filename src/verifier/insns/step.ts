// One instruction: which part of the verifier looks at it, and where the program goes on (do_check_insn in
// kernel/bpf/verifier.c).

import { checkCall, leaveFunction } from "../calls/calls.ts";
import { checkNothingHeld } from "../calls/references.ts";
import { accessSize, Class, Mode, Opcode, Wide } from "../code.ts";
import type { Env, Fork } from "../env.ts";
import { symbolRegister } from "../objects/kernel-symbols.ts";
import { Register, type RegisterKind } from "../register.ts";
import { EINVAL } from "../rejection.ts";
import type { State } from "../state.ts";
import { checkLoad, checkStore, checkUnmodified } from "./access.ts";
import { checkAlu } from "./arithmetic.ts";
import { checkAtomic } from "./atomic.ts";
import { checkConditional } from "./branch.ts";
import { checkResult } from "./program-exit.ts";
import { checkReads, checkWrites } from "./registers.ts";

/** The slot that comes next, -1 at the end of a way; further ways. */
export interface StepResult {
  readonly next: number;
  readonly others: readonly Fork[];
  /** The one of these states that enters another round of a loop whose rounds nobody counts. */
  readonly rounds?: State;
}

const NONE: StepResult["others"] = [];

export function step(env: Env): StepResult {
  const { code, slot } = env;
  switch (code.class(slot)) {
    case Class.ALU:
    case Class.ALU64: {
      const fork = checkAlu(env);
      return { next: slot + 1, others: fork === undefined ? NONE : [{ slot, state: fork }] };
    }
    case Class.LDX:
      checkLoad(env);
      checkPointerKind(env);
      return { next: slot + 1, others: NONE };
    case Class.ST:
      checkStore(env);
      checkPointerKind(env);
      return { next: slot + 1, others: NONE };
    case Class.STX:
      if (code.isAtomic(slot)) checkAtomic(env);
      else {
        checkStore(env);
        checkPointerKind(env);
      }
      return { next: slot + 1, others: NONE };
    case Class.LD:
      return { next: checkConstant(env), others: NONE };
    default:
      return jump(env);
  }
}

function jump(env: Env): StepResult {
  const { code, slot } = env;
  const opcode = code.code[slot];
  env.jumpsProcessed++;
  switch (opcode) {
    case Opcode.CALL: {
      const { others = NONE, ...outcome } = checkCall(env);
      return { ...outcome, others };
    }
    case Opcode.JA:
    case Opcode.GOTOL: {
      const distance = opcode === Opcode.JA ? code.imm[slot] : code.off[slot];
      if (code.src[slot] !== 0 || code.dst[slot] !== 0 || distance !== 0) {
        env.reject(EINVAL, "BPF_JA uses reserved fields");
      }
      return { next: code.target(slot), others: NONE };
    }
    case Opcode.EXIT:
      return leave(env);
    case Opcode.MAY_GOTO: {
      if (code.dst[slot] !== 0 || code.imm[slot] !== 0 || code.src[slot] !== 0) {
        env.reject(EINVAL, `invalid may_goto imm ${code.imm[slot]}`);
      }
      const stays = env.state.copy();
      stays.mayGotoDepth++;
      return { next: code.target(slot), others: [{ slot: slot + 1, state: stays }], rounds: stays };
    }
    default: {
      const { next, other } = checkConditional(env);
      return { next, others: other === undefined ? NONE : [other] };
    }
  }
}

function leave(env: Env): StepResult {
  const { code, slot, state } = env;
  if (code.imm[slot] !== 0 || code.src[slot] !== 0 || code.dst[slot] !== 0 || code.off[slot] !== 0) {
    env.reject(EINVAL, "BPF_EXIT uses reserved fields");
  }
  if (state.frames.length > 1) {
    const isCallback = state.frame.callback !== undefined;
    const next = leaveFunction(env);
    return isCallback ? { next, others: NONE, rounds: state } : { next, others: NONE };
  }
  checkNothingHeld(env, "BPF_EXIT instruction in main prog");
  checkResult(env, 0);
  return { next: -1, others: NONE };
}

/** `lddw`, and the classic loads of a packet. */
function checkConstant(env: Env): number {
  const { code, slot } = env;
  const [opcode, dst, src] = [code.code[slot], code.dst[slot], code.src[slot]];
  if (opcode !== Opcode.LDDW) {
    checkPacketLoad(env);
    return slot + 1;
  }
  if (code.off[slot] !== 0) env.reject(EINVAL, "BPF_LD_IMM64 uses reserved fields");
  checkWrites(env, dst);
  env.setRegister(dst, constantRegister(env, src));
  return slot + 2;
}

function constantRegister(env: Env, src: number): Register {
  const { code, slot } = env;
  if (src === Wide.NUMBER) return Register.immediate(code.imm[slot], code.imm[slot + 1]);
  if (src === Wide.SYMBOL) return symbolRegister(env, code.imm[slot]);
  if (src === Wide.FUNCTION) return functionAddress(env, slot + code.imm[slot] + 1);
  const use = env.mapUses.get(slot);
  if (use === undefined) env.reject(EINVAL, `fd ${code.imm[slot]} is not pointing to valid bpf_map`);
  if (use.offset === undefined) return Register.pointer("map_ptr", { map: use.map });
  return Register.pointer("map_value", { map: use.map, off: use.offset });
}

function functionAddress(env: Env, target: number): Register {
  const { globals, flow } = env;
  if (!globals.isKnown) env.reject(EINVAL, "missing btf func_info");
  if (globals.isGlobal(flow.functionAt(target))) env.reject(EINVAL, "callback function not static");
  return Register.pointer("func", { subprogram: target });
}

function checkPacketLoad(env: Env): void {
  const { code, slot } = env;
  const [opcode, dst, src] = [code.code[slot], code.dst[slot], code.src[slot]];
  const mode = code.mode(slot);
  if (!env.traits.ldAbs) {
    env.reject(EINVAL, "BPF_LD_[ABS|IND] instructions not allowed for this program type");
  }
  const isWrong =
    dst !== 0 || code.off[slot] !== 0 || accessSize(opcode) === 8 || (mode === Mode.ABS && src !== 0);
  if (isWrong) env.reject(EINVAL, "BPF_LD_[ABS|IND] uses reserved fields");
  checkReads(env, 6);
  checkNothingHeld(env, "BPF_LD_[ABS|IND]");
  const context = env.register(6);
  if (context.kind !== "ctx") {
    env.reject(EINVAL, "at the time of BPF_LD_ABS|IND R6 != pointer to skb");
  }
  if (mode === Mode.IND) checkReads(env, src);
  checkUnmodified(env, context, 6);
  env.noteWholeContext();
  for (let index = 0; index <= 5; index++) env.setRegister(index, Register.NONE);
  env.setRegister(0, Register.UNKNOWN);
}

/** Pointers whose accesses the kernel rewrites by their kind: an instruction works on one of them, always the same. */
const REWRITTEN: ReadonlySet<RegisterKind> = new Set<RegisterKind>([
  "ctx",
  "sock",
  "sock_common",
  "tcp_sock",
  "xdp_sock",
]);

function checkPointerKind(env: Env): void {
  const { accessKind: kind, pointerKinds, slot } = env;
  if (kind === undefined) return;
  const known = pointerKinds[slot];
  if (known === undefined) pointerKinds[slot] = kind;
  else if (known !== kind && (REWRITTEN.has(known) || REWRITTEN.has(kind))) {
    env.reject(EINVAL, "same insn cannot be used with different pointers");
  }
}
