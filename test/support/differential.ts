// Runs a generated program on several engines and modes, from the same state, and compares everything that shows: r0,
// the context, both maps, the trap, the instructions counted. All run in one runtime, so that even addresses agree.

import { At, Bucket, MapHeader } from "../../assembly/shared/layout.ts";
import type {
  BpfMap,
  Engine,
  Executable,
  GuestBuffer,
  MapSpec,
  Program,
  Runtime,
} from "../../dist/src/index.js";
import * as tracebee from "../../dist/src/index.js";
import { vouch } from "../../dist/src/verifier/vouch.js";
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

/** What a run left behind. */
export interface Outcome {
  readonly variant: string;
  /** r0 or the trap, the context, both maps, as one comparable text. */
  readonly text: string;
  /** Instructions, where they were counted. */
  readonly executed: bigint | undefined;
}

export class DifferentialRunner {
  readonly runtime: Runtime;
  readonly variants: readonly Variant[];
  readonly #library: typeof tracebee;
  #maps: BpfMap[] = [];
  #context: GuestBuffer | undefined;
  #memory: [address: number, bytes: Uint8Array][] = [];

  /** `library` is the one that the runtime and the engines are of: the project's, or a copy of it. */
  constructor(runtime: Runtime, variants: readonly Variant[], library: typeof tracebee = tracebee) {
    this.runtime = runtime;
    this.variants = variants;
    this.#library = library;
  }

  /** Makes the maps with their entries, and notes the memory that they and the context lie in. */
  #makeState(): void {
    const { memory } = this.runtime;
    this.#maps = SPECS.map((spec) => new this.#library.BpfMap(this.runtime, spec));
    this.#context = this.runtime.allocateBuffer(CONTEXT_SIZE);
    const [hash, array] = this.#maps;
    for (let index = 0; index < 4; index++) {
      const value = new Uint8Array(16).fill(0x11 * (index + 1));
      hash.tryUpdateBytes(Uint8Array.of(index, 0, 0, 0, 0, 0, 0, 0), value);
      array.tryUpdateBytes(Uint8Array.of(index, 0, 0, 0), value);
    }
    const blocks: [address: number, size: number][] = this.#maps.map((map) => [map.address, MapHeader.SIZE]);
    blocks.push([hash.layout.blocks[0], 8 * Bucket.SIZE], [hash.layout.blocks[1], 9 * hash.layout.stride]);
    blocks.push([array.layout.blocks[0], 4 * array.layout.stride]);
    this.#memory = blocks.map(([address, size]) => [address, memory.read(address, size)]);
  }

  /** The same maps and the same memory before every run, at the same addresses. */
  #freshState(seed: number): void {
    const { runtime } = this;
    if (this.#maps.length === 0) this.#makeState();
    for (const [address, bytes] of this.#memory) runtime.memory.write(address, bytes);
    const context = Uint8Array.from(
      { length: CONTEXT_SIZE },
      (_, index) => (seed >> (index % 4)) + index * 37,
    );
    runtime.memory.write((this.#context as GuestBuffer).address, context);
    runtime.seedRandom(seed);
  }

  outcome(generated: GeneratedProgram, variant: Variant): Outcome {
    this.#freshState(generated.seed);
    const [hash, array] = this.#maps;
    const context = this.#context as GuestBuffer;
    const program = this.#library.loadRaw(generated.bytes, {
      type: "raw",
      maps: SPECS,
      relo: generated.relo,
    });
    const bindings = new Map([
      [SPECS[HASH], hash],
      [SPECS[ARRAY], array],
    ]);
    const executable = this.#prepare(program, bindings, variant);
    const { memory } = this.runtime;
    const before = memory.loadU64(At.EXECUTED);
    let result: string;
    try {
      result = `r0 ${executable.run(context, { time: 5n, cpu: 3, task: { pid: 7, tgid: 8, uid: 9, gid: 10, comm: "x" } })}`;
    } catch (error) {
      if (!(error instanceof this.#library.TrapError)) throw error;
      result = `trap ${error.code} at ${error.slot}, ${error.address}`;
    } finally {
      executable.close();
    }
    const executed = variant.checked ? memory.loadU64(At.EXECUTED) - before : undefined;
    const maps = [hash, array].map((map) =>
      [...map.entriesBytes()]
        .map((entry) => entry.join(":"))
        .sort()
        .join(" "),
    );
    const text = [result, memory.read(context.address, CONTEXT_SIZE).join(), ...maps].join("\n");
    return { variant: variant.name, text, executed };
  }

  #prepare(program: Program, bindings: Map<MapSpec, BpfMap>, { engine, checked }: Variant): Executable {
    return checked
      ? engine.prepareChecked(this.runtime, program, bindings, { limit: LIMIT })
      : engine.prepare(this.runtime, vouch(program), bindings);
  }

  /**
   * Undefined when all that can run it agree (unchecked variants run only tame programs, the engine jit no `callx`), else
   * a report that shows the program.
   */
  compare(generated: GeneratedProgram): string | undefined {
    const usable = this.variants.filter(({ checked, engine }) => {
      return checked || (generated.isTame && !(generated.hasIndirectCall && engine.name === "jit"));
    });
    const outcomes = usable.map((variant) => this.outcome(generated, variant));
    const [first] = outcomes;
    const other = outcomes.find(({ text, executed }) => {
      return text !== first.text || (executed ?? first.executed) !== (first.executed ?? executed);
    });
    return other === undefined ? undefined : report(generated, first, other);
  }
}

function report(generated: GeneratedProgram, a: Outcome, b: Outcome): string {
  const kind = generated.isTame ? "tame" : "wild";
  return [
    `${a.variant} and ${b.variant} differ; reproduce with generateProgram(${generated.seed}, ${generated.isTame}) (${kind})`,
    tracebee.disassemble(generated.bytes),
    `${a.variant}, ${a.executed} executed:\n${a.text}`,
    `${b.variant}, ${b.executed} executed:\n${b.text}`,
  ].join("\n");
}
