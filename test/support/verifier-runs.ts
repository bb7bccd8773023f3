// Runs of a generated program: in the machine's kernel and on our engines, from the same packet and the same map
// contents, as text that can be compared. What depends on more than that (the time, random numbers, what the stack
// held before, where things lie) is found by running it on engines whose world differs in just these.

import {
  BpfMap,
  ENGINES,
  type EngineName,
  LoadError,
  type MapSpec,
  type Program,
  Runtime,
} from "../../dist/src/index.js";
import type { KernelProgram, KernelSession } from "../../dist/src/kernel.js";
import type { VerifiedProgram } from "../../dist/src/program.js";
import { testRun } from "../../dist/src/test-run/test-run.js";
import { judge } from "../../dist/src/verifier/verify.js";
import { ENGINE_NAMES } from "./engines.ts";
import { Random } from "./random.ts";
import { fillStack, randomStack, withoutZeroing } from "./stacks.ts";
import { ARRAY, GENERATOR_MAPS, GLOBAL, HASH, RING, VALUE_SIZE } from "./verifier-statements.ts";

/** 64 bytes of Ethernet, IPv4 and TCP. */
const PACKET = Buffer.from(
  "ffffffffffff00112233445508004500003200010000400600000a0000010a00000200501f90000000010000000250100200" +
    "000000006465666768696a6b6c6d",
  "hex",
);

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

/** Keys are small numbers, in as many bytes as the map's keys have. */
function keyOf({ keySize }: MapSpec, number: number): Uint8Array {
  const key = new Uint8Array(keySize);
  key[0] = number;
  return key;
}

const filled = (byte: number): Uint8Array => new Uint8Array(VALUE_SIZE).fill(byte);

/** What maps hold before each run; the hash nothing else. */
const CONTENTS: readonly (readonly [map: number, key: number, value: Uint8Array])[] = [
  ...[0, 1, 2, 3].map((key) => [ARRAY, key, filled(key + 1)] as const),
  [HASH, 0, filled(0x10)],
  [HASH, 1, filled(0x11)],
  [GLOBAL, 0, filled(0x40)],
];

interface AnyMap {
  set(key: Uint8Array, value: Uint8Array): void;
  remove(key: Uint8Array): void;
  entries(): (readonly [key: Uint8Array, value: Uint8Array])[];
}

function reset(maps: ReadonlyMap<number, AnyMap>): void {
  const hash = maps.get(HASH);
  for (const [key] of hash?.entries() ?? []) hash?.remove(key);
  for (const [map, key, value] of CONTENTS) maps.get(map)?.set(keyOf(GENERATOR_MAPS[map], key), value);
}

/** All that can be seen of a run. */
function describeRun(returned: number, data: Uint8Array, maps: ReadonlyMap<number, AnyMap>): string {
  const contents = [...maps.values()].map((map) =>
    map
      .entries()
      .map(([key, value]) => `${hex(key)}=${hex(value)}`)
      .sort()
      .join(),
  );
  return [returned, hex(data), ...contents].join(" ");
}

/** The maps that a program names, in one order for all sides. */
const mapsOf = (program: Program): number[] =>
  [ARRAY, HASH, GLOBAL].filter((map) => program.maps.some((use) => use.map === GENERATOR_MAPS[map]));

export function runInKernel(session: KernelSession, loaded: KernelProgram, program: Program): string {
  const maps = new Map(
    mapsOf(program).map((index) => {
      const map = session.map(GENERATOR_MAPS[index]);
      const any: AnyMap = {
        set: (key, value) => map.update(key, value),
        remove: (key) => map.delete(key),
        entries: () => [...map.entries()],
      };
      return [index, any] as const;
    }),
  );
  reset(maps);
  const { retval, data } = loaded.testRun({ data: PACKET });
  return describeRun(retval, data, maps);
}

/** One runtime with the generator's maps, and what the stack holds before a run. */
class World {
  readonly runtime: Runtime;
  readonly stack: Uint8Array;
  readonly #maps: ReadonlyMap<number, BpfMap>;
  readonly #seed: number;

  constructor(seed: number) {
    const random = new Random(seed);
    const time = BigInt(random.bits()) * 1_000_003n;
    this.runtime = new Runtime({ clock: () => time, seed: random.bits() });
    this.#seed = random.bits();
    this.stack = randomStack(random);
    // Nothing lies where it lies in another world.
    this.runtime.allocateBuffer(16 * random.between(1, 4000));
    this.#maps = new Map(
      [ARRAY, HASH, GLOBAL].map((index) => [index, new BpfMap(this.runtime, GENERATOR_MAPS[index])]),
    );
  }

  /** Throws a LoadError for what the engine has not. */
  run(engine: EngineName, verified: VerifiedProgram, cpu = 0): string {
    const maps = new Map(
      mapsOf(verified.program).map((index) => {
        const map = this.#maps.get(index) as BpfMap;
        const any: AnyMap = {
          set: (key, value) => void map.tryUpdateBytes(key, value),
          remove: (key) => void map.tryDeleteBytes(key),
          entries: () => [...map.entriesBytes()],
        };
        return [index, any] as const;
      }),
    );
    reset(maps);
    this.runtime.seedRandom(this.#seed);
    const bindings = new Map([...this.#maps.values()].map((map) => [map.spec, map]));
    const executable = ENGINES[engine].prepare(this.runtime, withoutZeroing(verified), bindings);
    try {
      fillStack(this.runtime, this.stack);
      const { returned, data } = testRun(executable, { data: PACKET }, { cpu });
      return describeRun(returned, data, maps);
    } finally {
      executable.close();
    }
  }
}

/**
 * `missing`: an engine lacks a helper or a kind of map; `varies`: the result depends on more than its inputs; `leaks`:
 * it is another one, but the program makes numbers of addresses, which are others in the kernel.
 */
export type RunOutcome =
  | "same"
  | "missing"
  | "varies"
  | "leaks"
  | { readonly ours: string; readonly kernel: string };

/** True when an address may decide what a program gives: whoever must not learn addresses may not load it. */
const leaksAddresses = (program: Program): boolean => !judge(program, { caps: "bpf" }).isAccepted;

const CPU_HELPER = 8;
const MAY_GOTO = 0xe5;

/** True when `test` holds for one of the instructions. */
function hasInsn({ insns }: Program, test: (opcode: number, imm: number) => boolean): boolean {
  for (let at = 0; at < insns.length; at += 8) if (test(insns[at], insns[at + 4])) return true;
  return false;
}

const callsCpu = (program: Program): boolean =>
  hasInsn(program, (opcode, imm) => opcode === 0x85 && imm === CPU_HELPER);

/** Worlds for every program, and more of them where a result is another one. */
const [FEW, MANY] = [2, 48];

export class RunComparison {
  readonly #worlds = Array.from({ length: FEW }, (_, seed) => new World(seed));

  /** Runs a program on every engine, and says whether all did what the kernel does. */
  compare(session: KernelSession, loaded: KernelProgram, verified: VerifiedProgram): RunOutcome {
    const { program } = verified;
    if (program.maps.some(({ map }) => map === GENERATOR_MAPS[RING])) return "missing";
    const results = this.#results(verified);
    if (results === undefined) return "missing";
    const [first, ...others] = results.inWorlds;
    if (others.some((result) => result !== first)) return "varies";
    const odd = results.onEngines.find((result) => result !== first);
    if (odd !== undefined) return leaksAddresses(program) ? "leaks" : { ours: first, kernel: odd };
    const kernel = runInKernel(session, loaded, program);
    if (kernel === first) return "same";
    // The kernel's run was on either CPU; how often its may_goto goes on is a matter of time.
    if (callsCpu(program) && this.#worlds[0].run(ENGINE_NAMES[0], verified, 1) === kernel) return "same";
    if (hasInsn(program, (opcode) => opcode === MAY_GOTO) || this.#varies(verified, first)) return "varies";
    return leaksAddresses(program) ? "leaks" : { ours: first, kernel };
  }

  /** A second look at what few worlds did not show, such as the odd random number. */
  #varies(verified: VerifiedProgram, result: string): boolean {
    while (this.#worlds.length < MANY) this.#worlds.push(new World(this.#worlds.length));
    return this.#worlds.some((world) => world.run(ENGINE_NAMES[0], verified) !== result);
  }

  #results(
    verified: VerifiedProgram,
  ): { readonly inWorlds: readonly string[]; readonly onEngines: readonly string[] } | undefined {
    try {
      const inWorlds = this.#worlds.slice(0, FEW).map((world) => world.run(ENGINE_NAMES[0], verified));
      const onEngines = ENGINE_NAMES.slice(1).map((engine) => this.#worlds[0].run(engine, verified));
      return { inWorlds, onEngines };
    } catch (error) {
      if (error instanceof LoadError && error.code === "unsupported") return undefined;
      throw error;
    }
  }
}
