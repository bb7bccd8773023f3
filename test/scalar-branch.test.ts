// Branches on scalars: each way keeps every pair of values that takes it, none is decided wrongly, and known
// comparisons get the bounds that Linux 6.18 prints.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Scalar, type ScalarParts } from "../dist/src/verifier/scalars/scalar.js";
import { branchTaken, refineBranch, refineSelf } from "../dist/src/verifier/scalars/scalar-branch.js";
import { Tnum } from "../dist/src/verifier/scalars/tnum.js";
import {
  ALL,
  constant,
  expectContains,
  JUMP_OPS,
  jumps,
  member,
  RUNS,
  sample,
  value64,
} from "./support/scalars.ts";

describe("branches", () => {
  for (const is32 of [false, true]) {
    for (const op of JUMP_OPS) {
      it(`${op}${is32 ? "32" : "64"} keeps the pairs that go either way and decides none wrongly`, () => {
        fc.assert(
          fc.property(member, member, (a, b) => {
            const decided = branchTaken(op, a.scalar, b.scalar, is32);
            const ways = [false, true].map((taken) => refineBranch(op, a.scalar, b.scalar, is32, taken));
            for (const x of sample(a)) {
              for (const y of sample(b)) {
                const taken = jumps(op, x, y, is32);
                const what = (): string => `${a.scalar} ${op} ${b.scalar} (${x}, ${y})`;
                if (decided !== undefined && decided !== taken) {
                  expect.fail(`${what()} decided wrongly`);
                }
                const way = ways[taken ? 1 : 0] as { a: Scalar; b: Scalar };
                expectContains(way.a, x, what);
                expectContains(way.b, y, what);
              }
            }
          }),
          { numRuns: 600 },
        );
      });
    }
  }

  it("of a register with itself keep its values", () => {
    fc.assert(
      fc.property(member, fc.constantFrom(...JUMP_OPS), fc.boolean(), (a, op, is32) => {
        for (const value of sample(a)) {
          const taken = jumps(op, value, value, is32);
          expectContains(refineSelf(op, a.scalar, is32, taken), value, () => `${a.scalar} ${op} itself`);
        }
      }),
      RUNS,
    );
  });

  it("are decided between constants", () => {
    fc.assert(
      fc.property(value64, value64, fc.constantFrom(...JUMP_OPS), fc.boolean(), (a, b, op, is32) => {
        expect(branchTaken(op, constant(a), constant(b), is32)).toBe(jumps(op, a, b, is32));
      }),
      RUNS,
    );
  });

  it("are decided by bits, ranges and low halves", () => {
    const even = Scalar.of({ tnum: Tnum.of(0n, ALL - 1n) });
    expect(branchTaken("eq", even, constant(7n), false)).toBe(false);
    expect(branchTaken("ne", even, constant(7n), true)).toBe(true);
    expect(branchTaken("set", even, constant(1n), false)).toBe(false);
    expect(branchTaken("set", constant(1n), Scalar.of({ tnum: Tnum.of(1n, 2n) }), false)).toBe(true);
    expect(branchTaken("set", even, Scalar.UNKNOWN, false)).toBeUndefined();
    expect(branchTaken("eq", Scalar.of({ u32max: 5 }), constant(6n), false)).toBe(false);
    expect(branchTaken("gt", Scalar.unsigned(0n, 5n), constant(5n), false)).toBe(false);
    expect(branchTaken("ge", Scalar.unsigned(5n, 9n), constant(5n), false)).toBe(true);
    expect(branchTaken("slt", Scalar.signed(-9n, -1n), constant(0n), false)).toBe(true);
    expect(branchTaken("lt", Scalar.signed(-9n, -1n), constant(0n), false)).toBe(false);
  });

  const cases: [string, Scalar, ScalarParts][] = [
    [
      "r > 10 not taken",
      refineBranch("gt", Scalar.UNKNOWN, constant(10n), false, false).a,
      { umax: 10n, smin: 0n, smax: 10n, u32max: 10, s32min: 0, s32max: 10, tnum: Tnum.of(0n, 15n) },
    ],
    ["r > 10 taken", refineBranch("gt", Scalar.UNKNOWN, constant(10n), false, true).a, { umin: 11n }],
    ["r s> 5 not taken", refineBranch("sgt", Scalar.UNKNOWN, constant(5n), false, false).a, { smax: 5n }],
    ["r == 0 not taken", refineBranch("eq", Scalar.UNKNOWN, constant(0n), false, false).a, { umin: 1n }],
    [
      "byte & 15 not taken",
      refineBranch("set", Scalar.unsigned(0n, 255n), constant(15n), false, false).a,
      { umax: 240n, smin: 0n, smax: 240n, u32max: 240, s32min: 0, s32max: 240, tnum: Tnum.of(0n, 0xf0n) },
    ],
    [
      "r & 4 taken",
      refineBranch("set", Scalar.UNKNOWN, constant(4n), false, true).a,
      {
        umin: 4n,
        smin: 4n - (1n << 63n),
        u32min: 4,
        s32min: 4 - 0x80000000,
        tnum: Tnum.of(4n, ALL - 4n),
      },
    ],
    [
      "w == 7 taken",
      refineBranch("eq", Scalar.UNKNOWN, constant(7n), true, true).a,
      {
        tnum: Tnum.of(7n, 0xffffffffn << 32n),
        umin: 7n,
        umax: (0xffffffffn << 32n) | 7n,
        smin: 7n - (1n << 63n),
        smax: (1n << 63n) - (1n << 32n) + 7n,
        u32min: 7,
        u32max: 7,
        s32min: 7,
        s32max: 7,
      },
    ],
    ["r > r taken", refineSelf("gt", Scalar.UNKNOWN, false, true), { umin: 1n, umax: ALL - 1n }],
  ];
  for (const [name, result, expected] of cases) {
    it(`${name} has the kernel's bounds`, () => {
      expect(`${result}`).toBe(`${Scalar.exactly(expected)}`);
    });
  }

  it("refine both registers", () => {
    const { a, b } = refineBranch("lt", Scalar.unsigned(5n, 100n), Scalar.unsigned(0n, 50n), false, true);
    expect([a.umin, a.umax, b.umin, b.umax]).toEqual([5n, 49n, 6n, 50n]);
    const other = refineBranch("sge", constant(-3n), Scalar.UNKNOWN, true, true);
    expect(other.b.s32max).toBe(-3);
  });

  it("that are dead may show as contradictions, after which the bits are all that is known", () => {
    const eights = Scalar.exactly({
      tnum: Tnum.of(0n, 0x77ffffff8n),
      umin: 1n,
      umax: 0x76403cfa6n,
      smin: 1n,
      smax: 0x76403cfa6n,
      u32min: 1,
      u32max: 0x6403cfa6,
      s32min: 1,
      s32max: 0x6403cfa6,
    });
    const { a } = refineBranch("sge", eights, constant(5n), true, false);
    expect(a.isBroken).toBe(true);
    expect(a.violation).toBe("range bounds violation");
    expect([a.umin, a.umax, a.u32min, a.u32max]).toEqual([1n, 0x700000000n, 1, 0]);
    expect(`${a.withoutRanges()}`).toBe(`${Scalar.exactly({ tnum: Tnum.of(0n, 0x700000000n) })}`);
  });
});
