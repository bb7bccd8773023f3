// One instruction: which part of the verifier looks at it, and where the program goes on (do_check_insn in
// kernel/bpf/verifier.c).

import { checkCall, leaveFunction } from "../calls/calls.ts";
import { checkNothingHeld } from "../calls/references.ts";
import { Class, Opcode } from "../code.ts";
import type { Env, Fork } from "../env.ts";
import { symbolRegister } from "../objects/kernel-symbols.ts";
import { Register, typeName } from "../register.ts";
import { EACCES, EINVAL } from "../rejection.ts";
import type { State } from "../state.ts";
import { checkAccess, checkLoad, checkStore, checkUnmodified, sizeOf } from "./access.ts";
import { checkAlu } from "./arithmetic.ts";
import { checkConditional } from "./branch.ts";
import { checkResult } from "./program-exit.ts";
import { checkReads, checkWrites, isHiddenPointer } from "./registers.ts";

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
      if ((code.code[slot] & 0xe0) === 0xc0) checkAtomic(env);
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
  if (src === 0) {
    return Register.immediate(code.imm[slot], code.imm[slot + 1]);
  }
  if (src === 3) return symbolRegister(env, code.imm[slot]);
  if (src === 4) return functionAddress(env, slot + code.imm[slot] + 1);
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
  const mode = opcode & 0xe0;
  if (!env.traits.ldAbs) {
    env.reject(EINVAL, "BPF_LD_[ABS|IND] instructions not allowed for this program type");
  }
  const isWrong = dst !== 0 || code.off[slot] !== 0 || sizeOf(opcode) === 8 || (mode === 0x20 && src !== 0);
  if (isWrong) env.reject(EINVAL, "BPF_LD_[ABS|IND] uses reserved fields");
  checkReads(env, 6);
  checkNothingHeld(env, "BPF_LD_[ABS|IND]");
  const context = env.register(6);
  if (context.kind !== "ctx") {
    env.reject(EINVAL, "at the time of BPF_LD_ABS|IND R6 != pointer to skb");
  }
  if (mode === 0x40) checkReads(env, src);
  checkUnmodified(env, context, 6);
  env.noteWholeContext();
  for (let index = 0; index <= 5; index++) env.setRegister(index, Register.NONE);
  env.setRegister(0, Register.UNKNOWN);
}

const ATOMIC_OPS = new Set([0x00, 0x01, 0x40, 0x41, 0x50, 0x51, 0xa0, 0xa1, 0xe1, 0xf1]);
const NO_ATOMICS = new Set([
  "ctx",
  "pkt",
  "pkt_meta",
  "flow_keys",
  "sock",
  "sock_common",
  "tcp_sock",
  "xdp_sock",
]);

function checkAtomic(env: Env): void {
  const { code, slot } = env;
  const { opcode, dst, src, off, imm } = code.fields(slot);
  const size = sizeOf(opcode);
  if (imm === 0x100 || imm === 0x110) return checkOrdered(env, imm === 0x100, size);
  if (!ATOMIC_OPS.has(imm)) {
    env.reject(EINVAL, `BPF_ATOMIC uses invalid atomic opcode ${hex(imm)}`);
  }
  if (size < 4) env.reject(EINVAL, "invalid atomic operand size");
  checkReads(env, src);
  checkReads(env, dst);
  const isExchange = imm === 0xf1;
  if (isExchange) {
    checkReads(env, 0);
    if (isHiddenPointer(env, 0)) env.reject(EACCES, "R0 leaks addr into mem");
  }
  if (isHiddenPointer(env, src)) env.reject(EACCES, `R${src} leaks addr into mem`);
  checkAtomicKind(env, dst);
  const result = (imm & 1) === 0 ? -1 : isExchange ? 0 : src;
  if (result >= 0) {
    checkWrites(env, result);
    // Overwritten before anything is looked at: it cannot be the pointer as well.
    env.setRegister(result, Register.UNKNOWN);
  }
  const access = { number: dst, off, size, stored: undefined, isSigned: false, isStrict: true };
  checkAccess(env, { ...access, dst: -1 });
  if (result >= 0) checkAccess(env, { ...access, dst: result });
  checkAccess(env, { ...access, dst: -1, stored: { number: -1, imm: undefined } });
}

const hex = (value: number): string => (value >>> 0).toString(16).padStart(2, "0");

function checkAtomicKind(env: Env, number: number): void {
  const register = env.register(number);
  if (!NO_ATOMICS.has(register.kind)) return;
  env.reject(EACCES, `BPF_ATOMIC stores into R${number} ${typeName(register)} is not allowed`);
}

/** A load-acquire or a store-release: as a load or a store, where atomics may be. */
function checkOrdered(env: Env, isLoad: boolean, size: number): void {
  const { code, slot } = env;
  const [dst, src, off] = [code.dst[slot], code.src[slot], code.off[slot]];
  checkReads(env, isLoad ? src : dst);
  if (isLoad) checkWrites(env, dst);
  else checkReads(env, src);
  const pointer = isLoad ? src : dst;
  const register = env.register(pointer);
  if (NO_ATOMICS.has(register.kind)) {
    env.reject(
      EACCES,
      `BPF_ATOMIC ${isLoad ? "loads from" : "stores into"} R${pointer} ${typeName(register)} is not allowed`,
    );
  }
  const access = { number: pointer, off, size, isSigned: false, isStrict: true };
  if (isLoad) checkAccess(env, { ...access, dst, stored: undefined });
  else checkAccess(env, { ...access, dst: -1, stored: { number: src, imm: undefined } });
}

/** Pointers whose accesses the kernel rewrites by their kind: an instruction works on one of them, always the same. */
const REWRITTEN = new Set(["ctx", "sock", "sock_common", "tcp_sock", "xdp_sock"]);

function checkPointerKind(env: Env): void {
  const { accessKind: kind, pointerKinds, slot } = env;
  if (kind === undefined) return;
  const known = pointerKinds[slot];
  if (known === undefined) pointerKinds[slot] = kind;
  else if (known !== kind && (REWRITTEN.has(known) || REWRITTEN.has(kind))) {
    env.reject(EINVAL, "same insn cannot be used with different pointers");
  }
}
