// What becomes of a program once it is accepted, and what was learnt of it (the fix-up passes at the end of bpf_check
// in kernel/bpf/verifier.c). The program stays what it was, but for bytes that are no instruction and that no run reaches.

import { decodeAt, encode, isFault, makeInsn, SLOT_SIZE, slotCount } from "../isa/insn.ts";
import { insnRow } from "../isa/table.ts";
import type { MapSpec, Program, Proof, VerifiedProgram } from "../program.ts";
import { checkTailCalls } from "./calls/calls.ts";
import { callsNothing } from "./calls/kfunc-call.ts";
import { Opcode, PSEUDO_KFUNC_CALL } from "./code.ts";
import { type Env, NO_CALLBACK } from "./env.ts";
import { EINVAL, reject } from "./rejection.ts";

/** What a loop of instructions keeps: three registers. */
const LOOP_STACK = 24;
/** What a function's may_gotos keep: rounds that are left, and when they began. */
const MAY_GOTO_STACK = 16;

/**
 * Bytes of stack of the functions that are left when dead code is removed. A bpf_loop that becomes instructions keeps
 * its registers there, and may_goto its clock.
 */
export function finalDepths(env: Env): number[] {
  const { flow, code, reached, stackDepth, loopCallbacks } = env;
  const { functions } = flow;
  const loops = new Set<number>();
  for (const [slot, callback] of loopCallbacks)
    if (callback !== NO_CALLBACK) loops.add(flow.functionAt(slot));
  return functions.flatMap((start, index) => {
    const end = functions[index + 1] ?? code.length;
    if (!reached.subarray(start, end).includes(1)) return [];
    const loop = loops.has(index) ? LOOP_STACK : 0;
    return [roundUp(stackDepth[index]) + loop + (keepsMayGoto(env, start, end) ? MAY_GOTO_STACK : 0)];
  });
}

/** A may_goto is left between `start` and `end`: one that has two ways on, and does not just lead to what comes next. */
function keepsMayGoto({ code, reached }: Env, start: number, end: number): boolean {
  let following = -1;
  for (let slot = end - 1; slot >= start; slot--) {
    if (reached[slot] === 0) continue;
    if (code.code[slot] === Opcode.MAY_GOTO) {
      const target = code.target(slot);
      const hasTwoWays = reached[slot + 1] === 1 && reached[target] === 1;
      if (hasTwoWays && (target <= slot || target > following)) return true;
    }
    following = slot;
  }
  return false;
}

/** Stack is counted in slots of eight bytes. */
export const roundUp = (bytes: number): number => (bytes + 7) & ~7;

/** What is found to be wrong only when all is explored. */
export function checkFixUps(env: Env): void {
  const { code, reached } = env;
  for (let slot = 0; slot < code.length; slot++) {
    const isKfunc = code.isCall(slot) && code.src[slot] === PSEUDO_KFUNC_CALL;
    if (reached[slot] === 1 && isKfunc && callsNothing(env, slot)) {
      reject(slot, EINVAL, "invalid kernel function call not eliminated in verifier pass");
    }
  }
  checkTailCalls(env);
}

const EXIT = encode([makeInsn(insnRow("exit"), {})]);

/** The proof of a program that was explored to its end. */
export function verified(env: Env): VerifiedProgram {
  const callMaps = new Map<number, MapSpec>();
  for (const [slot, map] of env.callMaps) if (map !== undefined) callMaps.set(slot, map);
  const proof: Proof = {
    contextSize: env.contextSize,
    reached: env.reached,
    jumps: env.jumps,
    pointerKinds: env.pointerKinds,
    probedLoads: env.probedLoads,
    callMaps,
    functions: env.flow.functions,
    stackDepth: env.stackDepth,
    unwrittenStack: env.unwrittenStack,
  };
  return { program: withoutDeadBytes(env.program, env.reached), proof } as VerifiedProgram;
}

/** Linux looks at dead code no further than its opcodes and jumps: it may be what no engine decodes. */
function withoutDeadBytes(program: Program, reached: Uint8Array): Program {
  const dead = new Set<number>();
  for (let slot = 0; slot < program.slots; ) {
    const insn = decodeAt(program.insns, slot);
    if (isFault(insn) && reached[slot] === 0) dead.add(slot);
    slot += isFault(insn) ? 1 : slotCount(insn);
  }
  if (dead.size === 0) return program;
  const insns = program.insns.slice();
  for (const slot of dead) insns.set(EXIT, slot * SLOT_SIZE);
  return program.with({ insns, maps: program.maps.filter(({ slot }) => !dead.has(slot)) });
}
