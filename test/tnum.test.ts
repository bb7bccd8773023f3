// Tracked numbers: every operation contains what its operands' members give (all tnums of four bits, at three
// places of the 64; random ones of all 64), and is as precise as the kernel's.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Tnum } from "../dist/src/verifier/scalars/tnum.js";

const ALL = (1n << 64n) - 1n;
const BITS = 4;
/** Bits 0..3, across the halves, at the top. */
const PLACES = [0, 30, 60];

const wrap = (value: bigint): bigint => BigInt.asUintN(64, value);

/** Every tnum whose unknown and set bits are among the four at `place`. */
function smallTnums(place: number): Tnum[] {
  const found: Tnum[] = [];
  for (let mask = 0; mask < 1 << BITS; mask++) {
    for (let value = 0; value < 1 << BITS; value++) {
      if ((value & mask) === 0) {
        found.push(Tnum.of(BigInt(value) << BigInt(place), BigInt(mask) << BigInt(place)));
      }
    }
  }
  return found;
}

/** All values of a tnum with few unknown bits. */
function members({ value, mask }: Tnum): bigint[] {
  let found = [value];
  for (let bit = 1n; bit <= mask; bit <<= 1n) {
    if ((mask & bit) !== 0n) {
      found = found.flatMap((member) => [member, member | bit]);
    }
  }
  return found;
}

/** The smallest tnum with all of these. */
const hull = (values: readonly bigint[]): Tnum =>
  values.map(Tnum.constant).reduce((all, one) => all.union(one));

const halves = fc.bigInt({ min: 0n, max: ALL });
const edge = fc.constantFrom(0n, 1n, 0x7fffffffn, 0x80000000n, 0xffffffffn, 1n << 32n, 1n << 63n, ALL);
const bits64 = fc.oneof(halves, edge);
/** A tnum of 64 bits and one of its members. */
const withMember = fc.tuple(bits64, bits64, bits64).map(([value, mask, choice]) => ({
  tnum: Tnum.of(value, mask),
  member: (value & ~mask) | (choice & mask),
}));

type Binary = "add" | "sub" | "mul" | "and" | "or" | "xor";
const CONCRETE: Record<Binary, (a: bigint, b: bigint) => bigint> = {
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => a * b,
  and: (a, b) => a & b,
  or: (a, b) => a | b,
  xor: (a, b) => a ^ b,
};

describe("tnum arithmetic", () => {
  for (const op of Object.keys(CONCRETE) as Binary[]) {
    it(`${op} contains the result of every pair of members`, () => {
      for (const place of PLACES) {
        const tnums = smallTnums(place);
        for (const a of tnums) {
          for (const b of tnums) {
            const result = a[op](b);
            for (const x of members(a)) {
              for (const y of members(b)) {
                if (!result.contains(CONCRETE[op](x, y))) {
                  expect.fail(`${a} ${op} ${b} = ${result} lacks ${CONCRETE[op](x, y)}`);
                }
              }
            }
            expect(result.value & result.mask).toBe(0n);
          }
        }
      }
    });

    it(`${op} contains the result of random members of 64 bits`, () => {
      fc.assert(
        fc.property(withMember, withMember, (a, b) =>
          a.tnum[op](b.tnum).contains(CONCRETE[op](a.member, b.member)),
        ),
      );
    });
  }

  for (const op of ["add", "sub", "and", "or", "xor"] as const) {
    it(`${op} is the smallest tnum with all results`, () => {
      const tnums = smallTnums(0);
      for (const a of tnums) {
        for (const b of tnums) {
          const results = members(a).flatMap((x) => members(b).map((y) => wrap(CONCRETE[op](x, y))));
          expect(a[op](b).toString()).toBe(hull(results).toString());
        }
      }
    });
  }

  it("multiplies as the kernel does, merging both continuations of an unknown bit", () => {
    const cases: [Tnum, Tnum, string][] = [
      [Tnum.range(0n, 3n), Tnum.constant(4n), "(0x0; 0xc)"],
      [Tnum.range(0n, 1n), Tnum.constant(5n), "(0x0; 0x5)"],
      [Tnum.of(1n, 2n), Tnum.constant(3n), "(0x1; 0xa)"],
      [Tnum.UNKNOWN, Tnum.constant(8n), "(0x0; 0xfffffffffffffff8)"],
      [Tnum.constant(6n), Tnum.UNKNOWN, "(0x0; 0xfffffffffffffffe)"],
      [Tnum.UNKNOWN, Tnum.constant(1n << 63n), "(0x0; 0x8000000000000000)"],
      [Tnum.UNKNOWN, Tnum.ZERO, "0"],
      [Tnum.constant(ALL), Tnum.constant(ALL), "0x1"],
    ];
    for (const [a, b, product] of cases) {
      expect(`${a.mul(b)}`).toBe(product);
    }
  });

  it("negates as zero minus the value", () => {
    for (const tnum of PLACES.flatMap(smallTnums)) {
      const negative = tnum.neg();
      expect(members(tnum).every((member) => negative.contains(-member))).toBe(true);
    }
  });
});

describe("tnum shifts", () => {
  it("shift every member by every amount", () => {
    fc.assert(
      fc.property(withMember, fc.integer({ min: 0, max: 63 }), ({ tnum, member }, bits) => {
        const amount = BigInt(bits);
        expect(tnum.lshift(bits).equals(Tnum.of(tnum.value << amount, tnum.mask << amount))).toBe(true);
        expect(tnum.rshift(bits).equals(Tnum.of(tnum.value >> amount, tnum.mask >> amount))).toBe(true);
        expect(tnum.lshift(bits).contains(member << amount)).toBe(true);
        expect(tnum.rshift(bits).contains(member >> amount)).toBe(true);
        expect(tnum.arshift(bits, 64).contains(BigInt.asIntN(64, member) >> amount)).toBe(true);
        const low = BigInt.asUintN(32, BigInt.asIntN(32, member) >> (amount & 31n));
        expect(tnum.arshift(bits & 31, 32).contains(low)).toBe(true);
      }),
    );
  });

  it("copy an unknown sign as unknown bits", () => {
    expect(`${Tnum.of(0n, 1n << 63n).arshift(3, 64)}`).toBe("(0x0; 0xf000000000000000)");
    expect(`${Tnum.of(0n, 1n << 31n).arshift(3, 32)}`).toBe("(0x0; 0xf0000000)");
    expect(`${Tnum.constant(1n << 63n).arshift(63, 64)}`).toBe("0xffffffffffffffff");
  });
});

describe("tnum sets", () => {
  it("a range is the smallest prefix with both ends", () => {
    const cases: [bigint, bigint, string][] = [
      [0n, 0n, "0"],
      [0n, 1n, "(0x0; 0x1)"],
      [5n, 6n, "(0x4; 0x3)"],
      [16n, 31n, "(0x10; 0xf)"],
      [0n, 0xffffffffn, "(0x0; 0xffffffff)"],
      [0xffffffffn, 0x100000000n, "(0x0; 0x1ffffffff)"],
      [1n << 62n, (1n << 63n) - 1n, "(0x4000000000000000; 0x3fffffffffffffff)"],
      [0n, 1n << 63n, "(0x0; 0xffffffffffffffff)"],
    ];
    for (const [min, max, text] of cases) {
      expect(`${Tnum.range(min, max)}`).toBe(text);
    }
    fc.assert(
      fc.property(bits64, bits64, bits64, (a, b, c) => {
        const [min, middle, max] = [a, b, c].sort((x, y) => (x < y ? -1 : x > y ? 1 : 0)) as [
          bigint,
          bigint,
          bigint,
        ];
        return Tnum.range(min, max).contains(middle);
      }),
    );
  });

  it("intersection, union, overlap and subset agree with those of the members", () => {
    const tnums = smallTnums(30);
    for (const a of tnums) {
      for (const b of tnums) {
        const inA = members(a);
        const inB = members(b);
        const shared = inA.filter((member) => inB.includes(member));
        expect(a.overlaps(b)).toBe(shared.length > 0);
        expect(a.isSubsetOf(b)).toBe(shared.length === inA.length);
        if (shared.length > 0) {
          expect(members(a.intersect(b))).toEqual(shared);
        }
        expect(a.union(b).equals(hull([...inA, ...inB]))).toBe(true);
      }
    }
  });

  it("the member above a value is the next one, or the greatest", () => {
    for (const place of PLACES) {
      const step = 1n << BigInt(place);
      for (const tnum of smallTnums(place)) {
        const all = members(tnum).sort((x, y) => (x < y ? -1 : 1));
        for (let n = 0n; n < 16n; n++) {
          for (const value of [n * step, n * step + 1n, n * step + step - 1n]) {
            const expected = all.find((member) => member > value) ?? (all.at(-1) as bigint);
            const above = tnum.memberAbove(
              Number(BigInt.asIntN(32, value >> 32n)),
              Number(BigInt.asIntN(32, value)),
            );
            expect(above.value).toBe(expected);
          }
        }
      }
    }
  });

  it("parts keep the bits they are made of", () => {
    fc.assert(
      fc.property(withMember, withMember, (a, b) => {
        const low = a.member & 0xffffffffn;
        for (const bytes of [1, 2, 4, 8]) {
          expect(a.tnum.truncate(bytes).contains(BigInt.asUintN(bytes * 8, a.member))).toBe(true);
        }
        expect(a.tnum.subreg().equals(a.tnum.truncate(4))).toBe(true);
        expect(a.tnum.clearSubreg().contains(a.member - low)).toBe(true);
        const mixed = a.tnum.withSubreg(b.tnum);
        expect(mixed.contains(a.member - low + (b.member & 0xffffffffn))).toBe(true);
        expect(a.tnum.clearSubreg().or(b.tnum.subreg()).equals(mixed)).toBe(true);
      }),
    );
  });

  it("bytes are reversed within the width", () => {
    const tnum = Tnum.of(0x1122334455667700n, 0xffn);
    expect(`${tnum.swapBytes(16)}`).toBe("(0x77; 0xff00)");
    expect(`${tnum.swapBytes(32)}`).toBe("(0x776655; 0xff000000)");
    expect(`${tnum.swapBytes(64)}`).toBe("(0x77665544332211; 0xff00000000000000)");
  });

  it("alignment asks for low bits that are known to be zero", () => {
    const tnum = Tnum.of(0x10n, 0xffffffe0n);
    expect([0, 1, 2, 4, 8, 16, 32].map((bytes) => tnum.isAligned(bytes))).toEqual([
      true,
      true,
      true,
      true,
      true,
      true,
      false,
    ]);
    expect(Tnum.UNKNOWN.isAligned(1)).toBe(true);
    expect(Tnum.UNKNOWN.isAligned(2)).toBe(false);
  });

  it("constants, unknown and the printed form", () => {
    expect(Tnum.constant(-1n).value).toBe(ALL);
    expect(Tnum.constant(-1n).isConstant).toBe(true);
    expect(Tnum.of(0n, 1n << 40n).isConstant).toBe(false);
    expect(Tnum.of(0n, 1n << 40n).isConstant32).toBe(true);
    expect(Tnum.UNKNOWN.isUnknown).toBe(true);
    expect(`${Tnum.of(0n, 0xffn)}`).toBe("(0x0; 0xff)");
    expect(`${Tnum.UNKNOWN}`).toBe("(0x0; 0xffffffffffffffff)");
  });
});
