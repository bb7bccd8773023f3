// The native compiler against the interpreter: random programs of the instructions it takes leave the same r0 and the same
// memory, with the newer shifts of the processor and without.

import { beforeAll, describe, expect, it } from "vitest";
import { JobFlag } from "../assembly/shared/native.ts";
import { assembleCode, ENGINES, loadRaw, Runtime } from "../dist/src/index.js";
import { vouch } from "../dist/src/verifier/vouch.js";
import { DENSE_ROWS, denseProgram } from "./support/dense-programs.ts";
import { hasBmi2, NativeMachine, NativeProgram, nativeMissing } from "./support/native-runner.ts";
import { CONTEXT_SIZE, generateProgram } from "./support/program-generator.ts";

/** More by TRACEBEE_PROGRAMS, from another seed by TRACEBEE_SEED. */
const PROGRAMS = Number(process.env.TRACEBEE_PROGRAMS ?? 3000);
const SEED = Number(process.env.TRACEBEE_SEED ?? 1);

const missing = nativeMissing();
if (missing !== undefined) console.log(`skipped: ${missing}`);

describe.skipIf(missing !== undefined)("native code", () => {
  const runtime = new Runtime();
  const context = runtime.allocateBuffer(CONTEXT_SIZE);
  let machine: NativeMachine;
  let variants: readonly number[];

  beforeAll(() => {
    machine = new NativeMachine(runtime);
    variants = hasBmi2() ? [0, JobFlag.BMI2] : [0];
  });

  const fill = (seed: number): void => {
    const bytes = Uint8Array.from({ length: CONTEXT_SIZE }, (_, index) => seed + index * 37);
    runtime.memory.write(context.address, bytes);
  };
  const state = (r0: bigint): string =>
    `r0 ${r0}, context ${runtime.memory.read(context.address, CONTEXT_SIZE).join()}`;

  /** Whether the compiler takes it; throws when it takes it and the results differ. */
  function agrees(seed: number, bytes: Uint8Array): boolean {
    const program = loadRaw(bytes, { type: "raw" });
    const executable = ENGINES.wasm.prepare(runtime, vouch(program), new Map());
    fill(seed);
    const expected = state(executable.run(context));
    executable.close();
    for (const flags of variants) {
      const native = machine.compile(program, new Map(), flags);
      if (!(native instanceof NativeProgram)) return false;
      fill(seed);
      const got = state(native.run(context)[0]);
      native.close();
      expect(got, `seed ${seed}, flags ${flags}`).toBe(expected);
    }
    return true;
  }

  const compile = (text: string): NativeProgram => {
    const native = machine.compile(loadRaw(assembleCode(text), { type: "raw" }), new Map(), 0);
    if (!(native instanceof NativeProgram)) throw new Error(`slot ${native} was not taken`);
    return native;
  };

  it("does what the interpreter does with every instruction that it takes", () => {
    const names = new Set<string>();
    for (let seed = SEED; seed < SEED + PROGRAMS; seed++) {
      const program = denseProgram(seed);
      expect(agrees(seed, program.bytes), `seed ${seed}`).toBe(true);
      for (const name of program.names) names.add(name);
    }
    expect(DENSE_ROWS.filter(({ name }) => !names.has(name))).toEqual([]);
    expect(DENSE_ROWS.length).toBeGreaterThan(130);
  });

  it("does what the interpreter does with branches and loops", () => {
    let taken = 0;
    for (let seed = SEED; seed < SEED + PROGRAMS; seed++) {
      const program = generateProgram(seed, true);
      if (program.relo.length === 0 && agrees(seed, program.bytes)) taken++;
    }
    expect(taken / PROGRAMS).toBeGreaterThan(0.04);
  });

  it("leaves a loop of may_goto when the interpreter does", () => {
    expect(agrees(1, assembleCode("r0 = 0\nloop: r0 += 1\nmay_goto end\ngoto loop\nend: exit"))).toBe(true);
  });

  it("runs many events in one call, each on its own context", () => {
    const native = compile(
      "r6 = *(u32 *)(r1 + 0)\nif r6 > 100 goto high\nr0 = r2\nexit\nhigh: r0 = r6\nr0 *= 2\nexit",
    );
    const contexts = [5, 101, 100, 4_000_000_000].map((word, index) => {
      const buffer = runtime.allocateBuffer(4 + index);
      runtime.memory.store32(buffer.address, word);
      return buffer;
    });
    expect(native.run(...contexts)).toEqual([4n, 202n, 6n, 8_000_000_000n]);
    native.close();
    for (const buffer of contexts) runtime.freeBuffer(buffer);
  });

  it("says which instruction it does not take", () => {
    const program = loadRaw(assembleCode("r0 = 0\nr1 = 1 ll\ncall 7\nexit"), { type: "raw" });
    expect(machine.compile(program, new Map(), 0)).toBe(3);
  });
});
