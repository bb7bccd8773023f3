// The lines of the log's second level that tell how precision was traced back: which numbers were wanted before each
// instruction, and what was marked in the states on the way (mark_precise in kernel/bpf/verifier.c's verbose lines).

import type { Env } from "../env.ts";
import { offsetOf } from "../insns/stack-access.ts";
import type { PrecisionNotes, WantedNumbers } from "../observe.ts";
import type { State } from "../state.ts";
import type { LogBuffer } from "./log.ts";
import { formatSlotInsn } from "./print-insn.ts";
import { formatFrame } from "./print-state.ts";

function formatWanted(wanted: WantedNumbers, frame: number): string {
  const registers = wanted.registers[frame] ?? 0;
  const names: string[] = [];
  for (let register = 0; register < 11; register++)
    if ((registers & (1 << register)) !== 0) names.push(`r${register}`);
  const slots = [...(wanted.stack[frame] ?? [])].sort((a, b) => a - b).map(offsetOf);
  return `regs=${names.join(",")} stack=${slots.join(",")}`;
}

export class PrecisionTrace implements PrecisionNotes {
  readonly #env: Env;
  readonly #log: LogBuffer;
  /** Texts of instructions, by slot. */
  readonly #texts: string[] = [];

  constructor(env: Env, log: LogBuffer) {
    this.#env = env;
    this.#log = log;
  }

  propagates(wanted: WantedNumbers): void {
    for (let frame = wanted.frame; frame >= 0; frame--) {
      const registers = wanted.registers[frame] ?? 0;
      const names: string[] = [];
      for (let index = 0; index < 10; index++) if ((registers & (1 << index)) !== 0) names.push(`r${index}`);
      for (const index of wanted.stack[frame] ?? []) names.push(`fp${offsetOf(index)}`);
      if (names.length > 0) this.#log.write(`frame ${frame}: propagating ${names.join(",")}\n`);
    }
  }

  begins(wanted: WantedNumbers, last: number, first: number, later: number): void {
    this.#log.write(
      `mark_precise: frame${wanted.frame}: last_idx ${last} first_idx ${first} subseq_idx ${later} \n`,
    );
  }

  goesBack(wanted: WantedNumbers, slot: number): void {
    // The second half of a wide instruction.
    if (this.#env.code.code[slot] === 0) return;
    this.#texts[slot] ??= formatSlotInsn(this.#env.code, slot);
    const text = this.#texts[slot];
    const { frame } = wanted;
    this.#log.write(`mark_precise: frame${frame}: ${formatWanted(wanted, frame)} before ${slot}: ${text}\n`);
  }

  marks(state: State, frame: number, wanted: WantedNumbers): void {
    const text = formatFrame(state, state.frames[frame]);
    this.#log.write(`mark_precise: frame${frame}: parent state ${formatWanted(wanted, frame)}: ${text}\n`);
  }
}
