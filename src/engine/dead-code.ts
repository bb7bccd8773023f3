// Code that no way through a verified program reaches. Linux does not look at it beyond its opcodes and jumps, so it may
// be what no engine decodes; as Linux does, something harmless is put in its place.

import { decodeAt, encode, isFault, makeInsn, SLOT_SIZE, slotCount } from "../isa/insn.ts";
import { insnRow } from "../isa/table.ts";
import { Program, type VerifiedProgram } from "../program.ts";

const EXIT = encode([makeInsn(insnRow("exit"), {})]);

/** The program with an `exit` for each instruction that cannot be decoded: verified, it has no such one that runs. */
export function withoutDeadCode({ program }: VerifiedProgram): Program {
  const dead = new Set<number>();
  for (let slot = 0; slot < program.slots; ) {
    const insn = decodeAt(program.insns, slot);
    if (isFault(insn)) dead.add(slot);
    slot += isFault(insn) ? 1 : slotCount(insn);
  }
  if (dead.size === 0) return program;
  const insns = program.insns.slice();
  for (const slot of dead) insns.set(EXIT, slot * SLOT_SIZE);
  const maps = program.maps.filter(({ slot }) => !dead.has(slot));
  const { attachTo, btf } = program;
  return new Program({
    ...{ name: program.name, type: program.type, license: program.license, section: program.section },
    ...{ functions: program.functions, lines: program.lines, insns, maps },
    ...(attachTo === undefined ? {} : { attachTo }),
    ...(btf === undefined ? {} : { btf }),
  });
}
