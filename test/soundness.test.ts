// What the verifier thinks possible contains all that happens. Accepted programs run on an interpreter that is watched
// at each instruction: its registers and its stack must lie inside of one of the states that the verifier had there.
//
// Where every way is followed to its end, all registers must. Where kept states cover others, they must do so at each
// place that states are kept at, but for numbers that nothing rests on: that such a number may be any is what pruning
// means.

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { BpfMap, MapSpec, Runtime } from "../dist/src/index.js";
import type { Program, VerifiedProgram } from "../dist/src/program.js";
import type { Env } from "../dist/src/verifier/env.js";
import type { Observer } from "../dist/src/verifier/observe.js";
import type { State } from "../dist/src/verifier/state.js";
import { Random } from "./support/random.ts";
import { findUnimagined, type Imagined, type Real, type Strictness } from "./support/shadow.ts";
import { generateCase, programOf } from "./support/verifier-generator.ts";
import { ARRAY, GENERATOR_MAPS, GLOBAL, HASH } from "./support/verifier-statements.ts";
import { FAULT_NAMES, makeWatched, type Watched } from "./support/watched.ts";

const SCALE = Number(process.env.TRACEBEE_FUZZ_SCALE ?? 1);
const PROGRAMS = 400 * SCALE;
const RUNS = 4;
/** Instructions of a verification that follows every way, and of a run: the rest is more of the same. */
const BUDGET = 4000;
const STEPS = 4000;
/** BPF_F_TEST_STATE_FREQ: a state is kept wherever one may be. */
const KEEPS_ALL = 8;
/** Programs that are tried before a fault counts as not found. */
const ATTEMPTS = 3000;

class TooLong extends Error {}

/** What a verification had at each slot. */
interface Seen {
  readonly env: Env;
  readonly program: VerifiedProgram;
  readonly bySlot: ReadonlyMap<number, readonly Imagined[]>;
  readonly strictness: Strictness;
}

let watched: Watched;

beforeAll(async () => {
  watched = await makeWatched();
}, 60_000);

afterAll(() => watched.remove());

function add<T>(bySlot: Map<number, T[]>, slot: number, value: T): void {
  const known = bySlot.get(slot);
  if (known === undefined) bySlot.set(slot, [value]);
  else known.push(value);
}

const IDLE = { position: 0, begins() {}, after() {}, covered() {}, loops() {}, resume() {} };

/** Every way to its end, every state. */
function lookAtAll(program: Program): Seen | undefined {
  const bySlot = new Map<number, Imagined[]>();
  Object.assign(watched.control, { prunes: false, budget: BUDGET });
  const found = watched.verify(program, 0, (env): Observer => {
    const before = (): void => {
      const frames = env.state.frames.map(({ registers, stack }) => ({
        registers: registers.slice(),
        stack: stack.slice(),
      }));
      add(bySlot, env.slot, { frames });
    };
    return { ...IDLE, before };
  });
  return found && { ...found, bySlot, strictness: "all" };
}

/** As programs are verified, and the states that were kept, with all that was marked in the end. */
function lookAtKept(program: Program): Seen | undefined {
  const bySlot = new Map<number, State[]>();
  Object.assign(watched.control, { prunes: true, budget: 50_000 });
  const found = watched.verify(program, KEEPS_ALL, (): Observer => {
    return { ...IDLE, before() {}, keeps: (kept) => add(bySlot, kept.slot, kept) };
  });
  return found && { ...found, bySlot, strictness: "precise" };
}

/** One address space of the copy, with the generator's maps. */
class Place {
  readonly runtime: Runtime;
  readonly maps: ReadonlyMap<MapSpec, BpfMap>;
  readonly #random: Random;

  constructor(seed: number) {
    const { library } = watched;
    this.#random = new Random(seed);
    this.runtime = new library.Runtime({ clock: () => 123_456_789_000n, seed });
    this.maps = new Map(
      [ARRAY, HASH, GLOBAL].map((index) => {
        const spec = GENERATOR_MAPS[index];
        return [spec, new library.BpfMap(this.runtime, spec)];
      }),
    );
  }

  #bytes(length: number): Uint8Array {
    const random = this.#random;
    const isSmall = random.chance(0.5);
    return Uint8Array.from({ length }, () => (isSmall ? random.below(4) : random.below(256)));
  }

  #fill(): void {
    for (const [{ keySize, valueSize, maxEntries }, map] of this.maps) {
      for (let number = 0; number < maxEntries; number++) {
        const key = new Uint8Array(keySize);
        key[0] = number;
        if (map.spec.type === 1 && this.#random.chance(0.5)) map.tryDeleteBytes(key);
        else map.tryUpdateBytes(key, this.#bytes(valueSize));
      }
    }
  }

  /** Runs once on data of its own, or as far as STEPS. What was not imagined, as text. */
  run(seen: Seen): string | undefined {
    const { library, testRun, control } = watched;
    this.#fill();
    const shadow = new Shadow(this, seen);
    const executable = library.ENGINES.ts.prepare(this.runtime, seen.program, this.maps);
    control.watch = (slot) => shadow.step(slot);
    const data = this.#bytes(this.#random.between(14, 90));
    try {
      testRun(executable, { data: Uint8Array.of(...data.subarray(0, 12), 9, 9, ...data.subarray(14)) });
    } catch (error) {
      if (!(error instanceof TooLong)) throw error;
    } finally {
      control.watch = undefined;
      executable.close();
    }
    return shadow.finding;
  }
}

const REGISTERS = 4096;

class Shadow implements Real {
  readonly #place: Place;
  readonly #seen: Seen;
  readonly tops: number[] = [];
  registers: bigint[] = [];
  context = 0;
  packet = { start: 0, end: 0 };
  finding: string | undefined = undefined;
  #steps = 0;

  constructor(place: Place, seen: Seen) {
    this.#place = place;
    this.#seen = seen;
  }

  step(slot: number): void {
    const { env, bySlot, strictness } = this.#seen;
    this.registers = Array.from({ length: 11 }, (_, index) => this.read(REGISTERS + 8 * index, 8));
    const top = Number(this.registers[10]);
    if (this.#steps++ === 0) this.#begin();
    // Stacks of inner frames lie below.
    while (this.tops.length > 0 && (this.tops.at(-1) as number) < top) this.tops.pop();
    if (this.tops.at(-1) !== top) this.tops.push(top);
    const isJudged = strictness === "all" || env.flow.prunePoints[slot] === 1;
    const reasons: string[] = [];
    const isIn = (each: Imagined): boolean => {
      const reason = this.#whyNot(each, slot);
      if (reason !== undefined) reasons.push(reason);
      return reason === undefined;
    };
    if (isJudged && !(bySlot.get(slot) ?? []).some(isIn)) {
      const values = this.registers.map((value, index) => `r${index}=${value.toString(16)}`);
      this.finding = `insn ${slot}, frames ${this.tops.length}: ${values.join(" ")}\n  not ${[...new Set(reasons)].join("; ")}`;
      throw new TooLong();
    }
    if (this.#steps > STEPS) throw new TooLong();
  }

  #begin(): void {
    this.context = Number(this.registers[1]);
    const at = this.#seen.env.program.type === "xdp" ? 0 : 76;
    this.packet = {
      start: Number(this.read(this.context + at, 4)),
      end: Number(this.read(this.context + at + 4, 4)),
    };
  }

  #whyNot(imagined: Imagined, slot: number): string | undefined {
    const { env, strictness } = this.#seen;
    const live = strictness === "all" ? 0x3ff : env.flow.liveRegisters[slot];
    return findUnimagined(imagined, this, strictness, live, (frame, index) => {
      return strictness === "all" || env.stackLiveness.isLive(imagined as State, slot, frame, index);
    });
  }

  header(map: MapSpec): number {
    return this.#place.maps.get(map)?.address ?? 0;
  }

  values(map: MapSpec): readonly number[] {
    const layout = this.#place.maps.get(map)?.layout;
    if (layout === undefined) return [];
    const count = (layout.valuesEnd - layout.valuesStart) / layout.stride;
    return Array.from({ length: Math.ceil(count) }, (_, index) => layout.valuesStart + index * layout.stride);
  }

  read(address: number, size: number): bigint {
    const { u8 } = this.#place.runtime.memory;
    let value = 0n;
    for (let at = size - 1; at >= 0; at--) value = (value << 8n) | BigInt(u8[address + at]);
    return value;
  }
}

interface Count {
  runs: number;
  readonly wrong: string[];
}

/** Looks at a program and runs it; counts what ran. */
function examine(
  seed: number,
  look: (program: Program) => Seen | undefined,
  place: Place,
  count: Count,
): void {
  const { name, type, insns, license, maps, functions } = programOf(generateCase(seed, undefined, true));
  const program = new watched.library.Program({ name, type, insns, license, maps, functions });
  const seen = look(program);
  if (seen === undefined) return;
  for (let run = 0; run < RUNS; run++) {
    count.runs++;
    const finding = place.run(seen);
    if (finding === undefined) continue;
    count.wrong.push(
      `seed ${seed}, ${program.type}: ${finding}\n${watched.library.disassemble(program.insns)}`,
    );
    return;
  }
}

const LOOKS = [
  ["where every way is followed", lookAtAll],
  ["where states are kept", lookAtKept],
] as const;

describe("what really happens", () => {
  it.each(LOOKS)("is among what the verifier thinks possible %s", { timeout: 600_000 * SCALE }, (_, look) => {
    const count: Count = { runs: 0, wrong: [] };
    const place = new Place(1);
    for (let seed = 1; seed <= PROGRAMS; seed++) examine(seed, look, place, count);
    console.log(`${count.runs} runs watched of ${PROGRAMS} programs`);
    expect(count.wrong.slice(0, 3)).toEqual([]);
    expect(count.runs).toBeGreaterThan(0.4 * RUNS * PROGRAMS);
  });

  it.each(FAULT_NAMES)("is not where the verifier makes a mistake: %s", { timeout: 600_000 }, (name) => {
    watched.control.fault = name;
    try {
      const count: Count = { runs: 0, wrong: [] };
      for (let seed = 1; seed <= ATTEMPTS && count.wrong.length === 0; seed++) {
        const place = new Place(seed);
        for (const [, look] of LOOKS) examine(seed, look, place, count);
      }
      expect(count.wrong.length).toBeGreaterThan(0);
    } finally {
      watched.control.fault = "";
    }
  });
});
