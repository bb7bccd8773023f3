// The integer types of C as the print formats use them: what a literal, a cast or a promotion gives.
// Sizes are those of a 64-bit kernel (LP64); where `long` is 32 bits wide the caller says so.
// Follows C11 6.3.1 and 6.4.4.1.

import type { Expression } from "./c-expression.ts";

/** An integer type. */
export interface IntType {
  readonly bits: 8 | 16 | 32 | 64;
  readonly signed: boolean;
}

/** `int`, what everything narrower becomes in an expression. */
export const INT: IntType = { bits: 32, signed: true };
/** `unsigned int`. */
export const UNSIGNED: IntType = { bits: 32, signed: false };
/** `long long`. */
export const LONG_64: IntType = { bits: 64, signed: true };
/** `unsigned long long`. */
export const UNSIGNED_64: IntType = { bits: 64, signed: false };

/** What a cast's type is: a number of some width, or a pointer to elements of a type. */
export type CType =
  | { readonly kind: "integer"; readonly type: IntType; readonly isBool: boolean }
  | { readonly kind: "pointer"; readonly element: IntType | undefined };

const BASE_WORDS =
  /^(?:struct|union|enum|unsigned|signed|int|long|short|char|void|const|volatile|bool|_Bool|typeof)\b/;

/** True for text that can only be a type: base types, tags, pointers, and typedefs by their usual names. */
export function isTypeName(type: string): boolean {
  return (
    BASE_WORDS.test(type) ||
    (type.endsWith("*") && /^[A-Za-z_]/.test(type)) ||
    /^(?:__)?(?:[us]|le|be)(?:8|16|32|64)$|^[A-Za-z_]\w*_t$|^u(?:int|short|long|char)$/.test(type)
  );
}

/** Typedefs whose width and sign their names do not tell. */
const TYPEDEFS: Readonly<Record<string, readonly [IntType["bits"] | "long", boolean]>> = {
  bool: [8, false],
  _Bool: [8, false],
  uchar: [8, false],
  ushort: [16, false],
  umode_t: [16, false],
  uint: [32, false],
  dev_t: [32, false],
  gfp_t: [32, false],
  uid_t: [32, false],
  gid_t: [32, false],
  pid_t: [32, true],
  ulong: ["long", false],
  size_t: ["long", false],
  ssize_t: ["long", true],
  ino_t: ["long", false],
  off_t: ["long", true],
  loff_t: [64, true],
  sector_t: [64, false],
  blkcnt_t: [64, false],
  ktime_t: [64, true],
  time64_t: [64, true],
  dma_addr_t: [64, false],
  phys_addr_t: [64, false],
  resource_size_t: [64, false],
  uintptr_t: ["long", false],
};

/** The type that a cast names; undefined when it is no number or pointer that is known. */
export function parseType(text: string, longBits: 32 | 64): CType | undefined {
  const words = text
    .split(/\s+|(?=\*)/)
    .filter((word) => !/^(?:const|volatile|__user|__iomem|__force|)$/.test(word));
  if (words.at(-1) === "*") {
    const inner = parseType(words.slice(0, -1).join(" "), longBits);
    return { kind: "pointer", element: inner?.kind === "integer" ? inner.type : undefined };
  }
  const name = words.join(" ");
  const fixed = /^(?:__)?(u|s|le|be)(8|16|32|64)$/.exec(name) ?? /^(u?)int(8|16|32|64)_t$/.exec(name);
  if (fixed !== null) {
    const signed = fixed[1] === "s" || fixed[1] === "";
    return integer({ bits: Number(fixed[2]) as IntType["bits"], signed });
  }
  const typedef = TYPEDEFS[name];
  if (typedef !== undefined) {
    const bits = typedef[0] === "long" ? longBits : typedef[0];
    return integer({ bits, signed: typedef[1] }, /bool/i.test(name));
  }
  if (words[0] === "enum") return integer(UNSIGNED);
  if (!words.every((word) => /^(?:unsigned|signed|int|long|short|char)$/.test(word)) || words.length === 0) {
    return undefined;
  }
  // Plain `char` is signed where most kernels run; since 6.2 it is not, and print formats cast it anyway.
  const longs = words.filter((word) => word === "long").length;
  const bits = words.includes("char")
    ? 8
    : words.includes("short")
      ? 16
      : longs === 2
        ? 64
        : longs === 1
          ? longBits
          : 32;
  return integer({ bits, signed: !words.includes("unsigned") });
}

function integer(type: IntType, isBool = false): CType {
  return { kind: "integer", type, isBool };
}

/** `value` as a number of the type. */
export function wrap(value: bigint, type: IntType): bigint {
  return type.signed ? BigInt.asIntN(type.bits, value) : BigInt.asUintN(type.bits, value);
}

/** What types narrower than `int` become in an expression. */
export function promote(type: IntType): IntType {
  return type.bits < 32 ? INT : type;
}

/** The common type of two operands. */
export function commonType(left: IntType, right: IntType): IntType {
  const a = promote(left);
  const b = promote(right);
  if (a.bits !== b.bits) return a.bits > b.bits ? a : b;
  return { bits: a.bits, signed: a.signed && b.signed };
}

/** The expression for an integer literal with its suffix: `10`, `0xffUL`, `1ULL`. */
export function literalType(text: string): Expression {
  const digits = text.replace(/[uUlL]+$/, "");
  const suffix = text.slice(digits.length).toLowerCase();
  const value = BigInt(/^0\d/.test(digits) ? octal(digits) : digits);
  const decimal = !/^0/.test(digits);
  let type: IntType = { bits: suffix.includes("l") ? 64 : 32, signed: !suffix.includes("u") };
  const fits = (wanted: IntType) => wrap(value, wanted) === value;
  // The first type that holds the value: unsigned ones too, unless the literal is a plain decimal.
  if (!fits(type) && type.signed && !decimal && fits({ bits: type.bits, signed: false })) {
    type = { bits: type.bits, signed: false };
  }
  if (!fits(type)) type = { bits: 64, signed: type.signed };
  if (!fits(type)) type = UNSIGNED_64;
  return { kind: "number", value: wrap(value, type), type };
}

/** A C octal literal as BigInt() reads it; digits 8 and 9 end it. */
function octal(digits: string): string {
  return `0o${/^0([0-7]+)/.exec(digits)?.[1] ?? "0"}`;
}
