// Scalars: whatever an instruction makes of concrete values lies in what it makes of their abstract ones, and
// known operations get the bounds that Linux 6.18 prints.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Scalar, type ScalarParts } from "../dist/src/verifier/scalars/scalar.js";
import { type AluOp, applyAlu, changeByteOrder, forkSign } from "../dist/src/verifier/scalars/scalar-alu.js";
import { refineBranch } from "../dist/src/verifier/scalars/scalar-branch.js";
import { Tnum } from "../dist/src/verifier/scalars/tnum.js";
import {
  ALL,
  ALU_OPS,
  constant,
  expectContains,
  low,
  type Member,
  member,
  RUNS,
  run,
  SHIFTS,
  sample,
  signed,
  signedLow,
  unsigned,
  value64,
} from "./support/scalars.ts";

describe("deduction", () => {
  it("keeps the values that satisfy the bounds it starts from", () => {
    fc.assert(
      fc.property(member, ({ scalar, value }) => {
        expectContains(scalar, value, () => "deduction");
      }),
      RUNS,
    );
  });

  it("keeps them however often it is repeated, and comes to rest", () => {
    fc.assert(
      fc.property(member, ({ scalar, value }) => {
        let now = scalar;
        for (let round = 0; round < 20; round++) {
          const next = Scalar.of(partsOf(now));
          expectContains(next, value, () => `deduction from ${now}`);
          if (next.equals(now)) {
            return;
          }
          now = next;
        }
        expect.fail(`${scalar} is still changing: ${now}`);
      }),
      RUNS,
    );
  });

  const cases: [string, ScalarParts, ScalarParts][] = [
    [
      "a byte's range shows in every view",
      { umax: 255n },
      { umax: 255n, smin: 0n, smax: 255n, u32max: 255, s32min: 0, s32max: 255, tnum: Tnum.of(0n, 0xffn) },
    ],
    [
      "bits alone give all ranges",
      { tnum: Tnum.of(0n, 0xfcn) },
      { umax: 252n, smin: 0n, smax: 252n, u32max: 252, s32min: 0, s32max: 252, tnum: Tnum.of(0n, 0xfcn) },
    ],
    [
      "negative signed values are great unsigned ones",
      { smin: -16n, smax: -1n },
      {
        smin: -16n,
        smax: -1n,
        umin: ALL - 15n,
        s32min: -16,
        s32max: -1,
        u32min: 0xfffffff0,
        tnum: Tnum.of(ALL - 15n, 15n),
      },
    ],
    [
      "an unsigned range that misses the negative piece leaves the other",
      { smin: -10n, smax: 100n, umax: 1n << 60n },
      {
        smin: 0n,
        smax: 100n,
        umax: 100n,
        s32min: 0,
        s32max: 100,
        u32max: 100,
        tnum: Tnum.of(0n, 0x7fn),
      },
    ],
    [
      "a 32-bit range across the sign loses the piece that the unsigned one misses",
      { u32max: 1000, s32min: -10, s32max: 100 },
      {
        u32max: 100,
        s32min: 0,
        s32max: 100,
        smax: (1n << 63n) - (1n << 32n) + 100n,
        umax: ALL - 0xffffff9bn,
        tnum: Tnum.of(0n, (0xffffffffn << 32n) | 0x7fn),
        smin: -(1n << 63n),
      },
    ],
    [
      "one member of the bits in the range is the value",
      { umin: 1n, umax: 20n, tnum: Tnum.of(0n, 0xf0n) },
      {
        umin: 16n,
        umax: 16n,
        smin: 16n,
        smax: 16n,
        u32min: 16,
        u32max: 16,
        s32min: 16,
        s32max: 16,
        tnum: Tnum.constant(16n),
      },
    ],
    [
      "an int32 in 64 bits takes the range of its low half, even a wider one",
      { smax: 5n, umax: 10n },
      { umax: 10n, smin: 0n, smax: 10n, u32max: 10, s32min: 0, s32max: 10, tnum: Tnum.of(0n, 15n) },
    ],
  ];
  for (const [name, given, expected] of cases) {
    it(name, () => {
      expect(`${Scalar.of(given)}`).toBe(`${Scalar.exactly(expected)}`);
    });
  }
});

function partsOf(scalar: Scalar): Required<ScalarParts> {
  const { tnum, umin, umax, smin, smax, u32min, u32max, s32min, s32max } = scalar;
  return { tnum, umin, umax, smin, smax, u32min, u32max, s32min, s32max };
}

describe("arithmetic", () => {
  for (const is64 of [true, false]) {
    for (const op of [...ALU_OPS, ...SHIFTS]) {
      const second: fc.Arbitrary<Member> = SHIFTS.includes(op)
        ? fc.oneof(
            fc
              .bigInt({ min: 0n, max: is64 ? 63n : 31n })
              .map((bits) => ({ scalar: constant(bits), value: bits })),
            member,
          )
        : member;
      it(`${op}${is64 ? "64" : "32"} contains the result of every pair of values`, () => {
        fc.assert(
          fc.property(member, second, (a, b) => {
            const result = applyAlu(op, a.scalar, b.scalar, is64);
            for (const x of sample(a)) {
              for (const y of sample(b)) {
                expectContains(
                  result,
                  run(op, x, y, is64),
                  () => `${a.scalar} ${op} ${b.scalar} (${x}, ${y})`,
                );
              }
            }
          }),
          { numRuns: 600 },
        );
      });
    }
  }

  it("of constants is exact", () => {
    const exact: AluOp[] = ["add", "sub", "mul", "or", "and", "xor", "neg"];
    fc.assert(
      fc.property(value64, value64, fc.boolean(), fc.constantFrom(...exact, ...SHIFTS), (a, b, is64, op) => {
        const amount = SHIFTS.includes(op) ? b % (is64 ? 64n : 32n) : b;
        const result = applyAlu(op, constant(a), constant(amount), is64);
        expect(result.isConstant).toBe(true);
        expect(result.value).toBe(run(op, a, amount, is64));
        expect(result.isBroken).toBe(false);
      }),
      RUNS,
    );
  });

  it("says nothing of divisions and of shifts by what may be too much", () => {
    const byte = Scalar.unsigned(0n, 255n);
    for (const op of ["div", "mod", "sdiv", "smod"] as const) {
      expect(applyAlu(op, byte, constant(3n), false).isUnknown).toBe(true);
    }
    for (const op of SHIFTS) {
      expect(applyAlu(op, byte, constant(64n), true).isUnknown).toBe(true);
      expect(applyAlu(op, byte, constant(32n), false).isUnknown).toBe(true);
      expect(applyAlu(op, byte, Scalar.unsigned(0n, 3n), true).isUnknown).toBe(true);
    }
  });

  const byte = Scalar.unsigned(0n, 255n);
  const int32 = Scalar.UNKNOWN.signExtend(4, 8);
  const cases: [string, Scalar, ScalarParts][] = [
    [
      "r & 0xfc",
      applyAlu("and", Scalar.UNKNOWN, constant(0xfcn), true),
      { umax: 252n, smin: 0n, smax: 252n, u32max: 252, s32min: 0, s32max: 252, tnum: Tnum.of(0n, 0xfcn) },
    ],
    [
      "byte - 10",
      applyAlu("sub", byte, constant(10n), true),
      { smin: -10n, smax: 245n, s32min: -10, s32max: 245 },
    ],
    ["-byte", applyAlu("neg", byte, byte, true), { smin: -255n, smax: 0n, s32min: -255, s32max: 0 }],
    [
      "(byte - 10) << 32",
      applyAlu("lsh", applyAlu("sub", byte, constant(10n), true), constant(32n), true),
      {
        smin: -10n << 32n,
        smax: 245n << 32n,
        umax: 0xffffffffn << 32n,
        s32min: 0,
        s32max: 0,
        u32max: 0,
        tnum: Tnum.of(0n, 0xffffffffn << 32n),
      },
    ],
    [
      "two sums that both wrap keep their range",
      applyAlu("add", Scalar.unsigned(ALL - 3n, ALL), constant(16n), true),
      {
        umin: 12n,
        umax: 15n,
        smin: 12n,
        smax: 15n,
        u32min: 12,
        u32max: 15,
        s32min: 12,
        s32max: 15,
        tnum: Tnum.of(12n, 3n),
      },
    ],
    [
      "a product of negative ranges",
      applyAlu("mul", Scalar.signed(-3n, 2n), constant(-4n), true),
      {
        smin: -8n,
        smax: 12n,
        s32min: -8,
        s32max: 12,
        tnum: Tnum.of(0n, ALL - 3n),
        umax: ALL - 3n,
        u32max: 0xfffffffc,
      },
    ],
    [
      "a sign, 0 or -1",
      applyAlu("arsh", Scalar.UNKNOWN, constant(63n), true),
      { smin: -1n, smax: 0n, s32min: -1, s32max: 0 },
    ],
    [
      "a 32-bit sum of an int32",
      applyAlu("add", int32, constant(1n), false),
      { smin: 0n, smax: 0xffffffffn, umax: 0xffffffffn, tnum: Tnum.of(0n, 0xffffffffn) },
    ],
  ];
  for (const [name, result, expected] of cases) {
    it(`${name} has the kernel's bounds`, () => {
      expect(`${result}`).toBe(`${Scalar.exactly(expected)}`);
    });
  }
});

describe("changes of width", () => {
  it("contain every value they change", () => {
    fc.assert(
      fc.property(member, (a) => {
        const { scalar } = a;
        for (const value of sample(a)) {
          expectContains(scalar.zeroExtend32(), low(value), () => `zero extension of ${scalar}`);
          for (const bytes of [1, 2, 4, 8] as const) {
            const kept = BigInt.asUintN(bytes * 8, value);
            expectContains(scalar.truncate(bytes), kept, () => `${bytes} bytes of ${scalar}`);
          }
          for (const bytes of [1, 2, 4] as const) {
            const extended = BigInt.asIntN(bytes * 8, value);
            expectContains(scalar.signExtend(bytes, 8), extended, () => `sign of ${bytes} of ${scalar}`);
            expectContains(scalar.signExtend(bytes, 4), low(extended), () => `32-bit sign of ${scalar}`);
          }
        }
      }),
      RUNS,
    );
  });

  it("reverse bytes", () => {
    fc.assert(
      fc.property(member, fc.constantFrom(16, 32, 64), (a, bits) => {
        for (const value of sample(a)) {
          const bytes = Array.from({ length: bits / 8 }, (_, i) => (value >> BigInt(8 * i)) & 0xffn);
          const reversed = bytes.reduce((sum, byte) => (sum << 8n) | byte, 0n);
          expectContains(changeByteOrder(a.scalar, bits, true), reversed, () => `reversal of ${a.scalar}`);
          const kept = BigInt.asUintN(bits, value);
          expectContains(changeByteOrder(a.scalar, bits, false), kept, () => `conversion of ${a.scalar}`);
        }
      }),
      RUNS,
    );
  });

  it("a sign-extended byte is -128..127", () => {
    const byte = Scalar.UNKNOWN.signExtend(1, 8);
    expect(`${byte}`).toBe(`${Scalar.exactly({ smin: -128n, smax: 127n, s32min: -128, s32max: 127 })}`);
    expect(Scalar.unsigned(0xf0n, 0xf8n).signExtend(1, 8).smin).toBe(-16n);
    expect(constant(0x80n).signExtend(1, 8).signedValue).toBe(-128n);
    expect(constant(0x80n).signExtend(1, 4).value).toBe(0xffffff80n);
  });
});

describe("a fork by sign", () => {
  it("splits 0 or -1 into the two", () => {
    const sign = applyAlu("arsh", Scalar.UNKNOWN, constant(63n), true);
    expect(forkSign(sign)?.ones.signedValue).toBe(-1n);
    expect(forkSign(sign)?.zero.value).toBe(0n);
    const sign32 = applyAlu("arsh", Scalar.UNKNOWN, constant(31n), false);
    expect(forkSign(sign32)?.ones.tnum.equals(Tnum.constant(0xffffffffn))).toBe(true);
    expect(forkSign(Scalar.signed(-1n, 1n))).toBeUndefined();
    expect(forkSign(constant(0n))).toBeUndefined();
  });

  it("loses no value", () => {
    const signs = fc.oneof(
      member.map(({ scalar, value }) => ({
        scalar: applyAlu("arsh", scalar, constant(63n), true),
        value: unsigned(signed(value) >> 63n),
      })),
      member.map(({ scalar, value }) => ({
        scalar: applyAlu("arsh", scalar, constant(31n), false),
        value: low(signedLow(value) >> 31n),
      })),
    );
    fc.assert(
      fc.property(signs, ({ scalar, value }) => {
        const fork = forkSign(scalar);
        return fork === undefined || (low(value) === 0n ? fork.zero : fork.ones).contains(value);
      }),
      RUNS,
    );
  });
});

describe("comparison of scalars", () => {
  it("a scalar lies within another that has no tighter bound", () => {
    fc.assert(
      fc.property(member, member, ({ scalar: a }, { scalar: b }) => {
        expect(a.isWithin(Scalar.UNKNOWN)).toBe(true);
        expect(a.isWithin(a)).toBe(true);
        expect(a.equals(b)).toBe(a.isWithin(b) && b.isWithin(a));
      }),
      RUNS,
    );
    const byte = Scalar.unsigned(0n, 255n);
    expect(constant(7n).isWithin(byte)).toBe(true);
    expect(Scalar.unsigned(0n, 256n).isWithin(byte)).toBe(false);
    expect(Scalar.of({ tnum: Tnum.of(0n, 0x1fen) }).isWithin(byte)).toBe(false);
  });

  it("whatever lies within another is contained in it", () => {
    fc.assert(
      fc.property(member, member, (a, b) => {
        fc.pre(a.scalar.isWithin(b.scalar));
        return b.scalar.contains(a.value);
      }),
    );
  });

  it("constants have their value in every view", () => {
    fc.assert(
      fc.property(value64, (value) => {
        const scalar = constant(value);
        expect([scalar.umin, scalar.umax, scalar.value]).toEqual([value, value, value]);
        expect([scalar.smin, scalar.smax, scalar.signedValue]).toEqual(Array(3).fill(signed(value)));
        expect([scalar.u32min, scalar.u32max].map(BigInt)).toEqual([low(value), low(value)]);
        expect([scalar.s32min, scalar.s32max].map(BigInt)).toEqual([signedLow(value), signedLow(value)]);
        expect(scalar.equals(Scalar.of({ umin: value, umax: value }))).toBe(true);
      }),
      RUNS,
    );
  });

  it("equal small constants and unknown values are one object", () => {
    expect(constant(-1n)).toBe(constant(ALL));
    expect(Scalar.of({})).toBe(Scalar.UNKNOWN);
    const byte = Scalar.unsigned(0n, 255n);
    expect(byte.zeroExtend32()).toBe(byte);
    expect(refineBranch("ge", byte, constant(0n), false, true).a).toBe(byte);
  });
});
