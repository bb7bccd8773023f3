// Scalars with concrete values they contain, and what instructions make of such values: the material of the
// tests of the verifier's abstract values.

import fc from "fast-check";
import { expect } from "vitest";
import { Scalar, type ScalarParts } from "../../dist/src/verifier/scalars/scalar.js";
import type { AluOp } from "../../dist/src/verifier/scalars/scalar-alu.js";
import type { JumpOp } from "../../dist/src/verifier/scalars/scalar-branch.js";
import { Tnum } from "../../dist/src/verifier/scalars/tnum.js";

export const ALL = (1n << 64n) - 1n;
export const RUNS = { numRuns: 2000 };

export const unsigned = (value: bigint): bigint => BigInt.asUintN(64, value);
export const signed = (value: bigint): bigint => BigInt.asIntN(64, value);
export const low = (value: bigint): bigint => BigInt.asUintN(32, value);
export const signedLow = (value: bigint): bigint => BigInt.asIntN(32, value);
export const constant = (value: bigint): Scalar => Scalar.constant(value);

/** Values around which ranges and operations have their edges. */
const EDGES = [0n, 1n << 7n, 1n << 8n, 1n << 15n, 1n << 16n, 1n << 31n, 1n << 32n, 1n << 63n];
export const value64 = fc.oneof(
  fc.bigInt({ min: 0n, max: ALL }),
  fc.bigInt({ min: -300n, max: 300n }).map(unsigned),
  fc
    .tuple(fc.constantFrom(...EDGES), fc.bigInt({ min: -3n, max: 3n }))
    .map(([edge, off]) => unsigned(edge + off)),
);

export interface Member {
  readonly scalar: Scalar;
  readonly value: bigint;
}

const larger = (a: bigint, b: bigint): bigint => (a > b ? a : b);
const smaller = (a: bigint, b: bigint): bigint => (a < b ? a : b);

/** Bounds of any subset of the views around a value, deduced; and that value. */
export const member: fc.Arbitrary<Member> = fc
  .tuple(value64, fc.array(value64, { minLength: 8, maxLength: 8 }), value64, fc.integer({ min: 0, max: 63 }))
  .map(([value, ends, mask, views]) => {
    const [a, b, c, d, e, f, g, h] = ends as [bigint, bigint, bigint, bigint, bigint, bigint, bigint, bigint];
    const parts: ScalarParts = {
      ...(views & 1 ? { tnum: Tnum.of(value, mask) } : {}),
      ...(views & 2 ? { umin: smaller(value, a), umax: larger(value, b) } : {}),
      ...(views & 4
        ? { smin: smaller(signed(value), signed(c)), smax: larger(signed(value), signed(d)) }
        : {}),
      ...(views & 8
        ? { u32min: Number(smaller(low(value), low(e))), u32max: Number(larger(low(value), low(f))) }
        : {}),
      ...(views & 16
        ? {
            s32min: Number(smaller(signedLow(value), signedLow(g))),
            s32max: Number(larger(signedLow(value), signedLow(h))),
          }
        : {}),
    };
    return { scalar: views & 32 ? constant(value) : Scalar.of(parts), value };
  });

/** Some values that a scalar contains: the one it was made around, the ends of its ranges, its least bits. */
export function sample({ scalar, value }: Member): bigint[] {
  const { umin, umax, smin, smax, tnum } = scalar;
  const found = [value, umin, umax, smin, smax, tnum.value, tnum.value | tnum.mask, value ^ (1n << 32n)];
  return [...new Set(found.map(unsigned))].filter((one) => scalar.contains(one));
}

function shift64(op: "lsh" | "rsh" | "arsh", a: bigint, bits: bigint): bigint {
  return op === "lsh" ? a << bits : op === "rsh" ? a >> bits : signed(a) >> bits;
}

function shift32(op: "lsh" | "rsh" | "arsh", a: bigint, bits: bigint): bigint {
  return low(op === "lsh" ? a << bits : op === "rsh" ? low(a) >> bits : signedLow(a) >> bits);
}

/** The instruction's result, by RFC 9669. */
export function run(op: AluOp, a: bigint, b: bigint, is64: boolean): bigint {
  const wrap = is64 ? unsigned : low;
  switch (op) {
    case "add":
      return wrap(a + b);
    case "sub":
      return wrap(a - b);
    case "mul":
      return wrap(a * b);
    case "and":
      return wrap(a & b);
    case "or":
      return wrap(a | b);
    case "xor":
      return wrap(a ^ b);
    case "neg":
      return wrap(-a);
    case "div":
      return wrap(b) === 0n ? 0n : wrap(a) / wrap(b);
    case "mod":
      return wrap(b) === 0n ? wrap(a) : wrap(a) % wrap(b);
    case "sdiv":
    case "smod": {
      const sign = is64 ? signed : signedLow;
      const [x, y] = [sign(a), sign(b)];
      return wrap(op === "sdiv" ? (y === 0n ? 0n : x / y) : y === 0n ? x : x % y);
    }
    case "lsh":
    case "rsh":
    case "arsh":
      return is64 ? unsigned(shift64(op, a, b & 63n)) : shift32(op, a, b & 31n);
  }
}

export const ALU_OPS: AluOp[] = [
  "add",
  "sub",
  "mul",
  "div",
  "mod",
  "sdiv",
  "smod",
  "or",
  "and",
  "xor",
  "neg",
];
export const SHIFTS: AluOp[] = ["lsh", "rsh", "arsh"];

/** Whether the jump is taken, by RFC 9669. */
export function jumps(op: JumpOp, left: bigint, right: bigint, is32: boolean): boolean {
  const [a, b] = is32 ? [low(left), low(right)] : [unsigned(left), unsigned(right)];
  const sign = is32 ? signedLow : signed;
  switch (op) {
    case "eq":
      return a === b;
    case "ne":
      return a !== b;
    case "gt":
      return a > b;
    case "ge":
      return a >= b;
    case "lt":
      return a < b;
    case "le":
      return a <= b;
    case "sgt":
      return sign(a) > sign(b);
    case "sge":
      return sign(a) >= sign(b);
    case "slt":
      return sign(a) < sign(b);
    case "sle":
      return sign(a) <= sign(b);
    case "set":
      return (a & b) !== 0n;
  }
}

export const JUMP_OPS: JumpOp[] = ["eq", "ne", "gt", "ge", "lt", "le", "sgt", "sge", "slt", "sle", "set"];

export function expectContains(scalar: Scalar, value: bigint, what: () => string): void {
  if (scalar.isBroken || !scalar.contains(value)) {
    expect.fail(`${what()} gives ${scalar}, without ${unsigned(value)}`);
  }
}
