// What becomes of a program once it is accepted, and what was learnt of it (the fix-up passes at the end of bpf_check
// in kernel/bpf/verifier.c). The program stays what it was, but for bytes that are no instruction and that no run reaches.

import { decodeAt, encode, isFault, makeInsn, SLOT_SIZE, slotCount } from "../isa/insn.ts";
import { insnRow } from "../isa/table.ts";
import type { MapSpec, Program, Proof, VerifiedProgram } from "../program.ts";
import type { Env } from "./env.ts";

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
