// Runs a generated program on several engines and modes, from the same state, and compares everything that shows: r0,
// the context, both maps, the trap, the instructions counted. All run in one runtime, so that even addresses agree.

import {
  BpfMap,
  type Engine,
  type Executable,
  loadRaw,
  type MapSpec,
  type Program,
  type Runtime,
  TrapError,
} from "../../dist/src/index.js";
import { disassemble } from "../../dist/src/isa/disassembler.js";
import { vouch } from "../../dist/src/verifier/vouch.js";
import { At } from "../../assembly/shared/layout.ts";
import { ARRAY, CONTEXT_SIZE, type GeneratedProgram, HASH } from "./program-generator.js";

const SPECS: readonly MapSpec[] = [
  { name: "hash", type: 1, keySize: 8, valueSize: 16, maxEntries: 8, flags: 0 },
  { name: "array", type: 2, keySize: 4, valueSize: 16, maxEntries: 4, flags: 0 },
];
/** Enough for what the generator makes; wild programs may loop for long. */
const LIMIT = 20_000;

export interface Variant {
  readonly name: string;
  readonly engine: Engine;
  readonly checked: boolean;
}

/** What a run left behind, as one comparable text. */
export interface Outcome {
  readonly variant: string;
  readonly text: string;
}

export class DifferentialRunner {
  readonly runtime: Runtime;
  readonly variants: readonly Variant[];
  #maps: BpfMap[] = [];

  constructor(runtime: Runtime, variants: readonly Variant[]) {
    this.runtime = runtime;
    this.variants = variants;
  }

  /** Maps with the same entries and the same memory before every run. */
  #freshMaps(): BpfMap[] {
    for (const map of this.#maps) map.close();
    this.#maps = SPECS.map((spec) => new BpfMap(this.runtime, spec));
    const [hash, array] = this.#maps;
    for (let index = 0; index < 4; index++) {
      const value = new Uint8Array(16).fill(0x11 * (index + 1));
      hash.tryUpdateBytes(Uint8Array.of(index, 0, 0, 0, 0, 0, 0, 0), value);
      array.tryUpdateBytes(Uint8Array.of(index, 0, 0, 0), value);
    }
    return this.#maps;
  }

  outcome(generated: GeneratedProgram, variant: Variant): Outcome {
    const [hash, array] = this.#freshMaps();
    const program = loadRaw(generated.bytes, { type: "raw", maps: SPECS, relo: generated.relo });
    const bindings = new Map([[SPECS[HASH], hash], [SPECS[ARRAY], array]]);
    this.runtime.seedRandom(generated.seed);
    const context = Uint8Array.from({ length: CONTEXT_SIZE }, (_, index) => (generated.seed >> (index % 4)) + index * 37);
    const executable = this.#prepare(program, bindings, variant);
    const before = this.runtime.memory.loadU64(At.EXECUTED);
    let result: string;
    try {
      result = `r0 ${executable.run(context, { time: 5n, cpu: 3, task: { pid: 7, tgid: 8, uid: 9, gid: 10, comm: "x" } })}`;
    } catch (error) {
      if (!(error instanceof TrapError)) throw error;
      result = `trap ${error.code} at ${error.slot}, ${error.address}`;
    } finally {
      executable.close();
    }
    const executed = variant.checked ? this.runtime.memory.loadU64(At.EXECUTED) - before : 0n;
    const maps = [hash, array].map((map) => [...map.entriesBytes()].map((entry) => entry.join(":")).sort().join(" "));
    return { variant: variant.name, text: [result, `executed ${executed}`, context.join(), ...maps].join("\n") };
  }

  #prepare(program: Program, bindings: Map<MapSpec, BpfMap>, { engine, checked }: Variant): Executable {
    return checked
      ? engine.prepareChecked(this.runtime, program, bindings, { limit: LIMIT })
      : engine.prepare(this.runtime, vouch(program), bindings);
  }

  /** Undefined when all variants agree (unchecked ones run only tame programs), else a report that shows the program. */
  compare(generated: GeneratedProgram): string | undefined {
    const usable = this.variants.filter(({ checked }) => checked || generated.isTame);
    const outcomes = usable.map((variant) => this.outcome(generated, variant));
    const [first] = outcomes;
    const plain = ({ text }: Outcome, variant: Variant): string =>
      variant.checked ? text : text.replace(/executed \d+/, "executed 0");
    for (const [index, outcome] of outcomes.entries()) {
      const both = usable[0].checked && usable[index].checked;
      const a = both ? first.text : first.text.replace(/executed \d+/, "");
      const b = both ? outcome.text : plain(outcome, usable[index]).replace(/executed \d+/, "");
      if (a !== b) return report(generated, first, outcome);
    }
    return undefined;
  }
}

function report(generated: GeneratedProgram, a: Outcome, b: Outcome): string {
  const kind = generated.isTame ? "tame" : "wild";
  return [
    `${a.variant} and ${b.variant} differ; reproduce with generateProgram(${generated.seed}, ${generated.isTame}) (${kind})`,
    disassemble(generated.bytes),
    `${a.variant}:\n${a.text}`,
    `${b.variant}:\n${b.text}`,
  ].join("\n");
}
