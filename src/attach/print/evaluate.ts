// Gives the value that an expression of a print format has for one record: a number with its C type, a
// stretch of the record, or text. Used to print records, and for the rare fields that are recovered by
// arithmetic; not on any hot path, so numbers are bigints throughout.
// An expression that needs more than the record (a kernel variable, a function) throws Unprintable.

import type { FormatField, TracepointFormat } from "../format.ts";
import type { Expression } from "./c-expression.ts";
import { commonType, INT, type IntType, LONG_64, parseType, promote, UNSIGNED_64, wrap } from "./c-types.ts";

/** What an expression is worth. */
export type Value =
  | { readonly kind: "integer"; readonly value: bigint; readonly type: IntType }
  /** `size` bytes of the record from `at`, as elements of a type where one is known. */
  | { readonly kind: "memory"; readonly at: number; readonly size: number; readonly element: IntType }
  | { readonly kind: "text"; readonly text: string };

/** A record, and what its expressions may need besides it. */
export interface Scope {
  readonly format: TracepointFormat;
  readonly longBits: 32 | 64;
  readonly view: DataView;
  /** Where the record starts in `view`, and its bytes. */
  readonly at: number;
  readonly size: number;
  /** Values of the kernel's enumerators and macros by name, where the caller knows them. */
  readonly constants: ReadonlyMap<string, bigint> | undefined;
}

/** Thrown at an expression whose value the record alone does not give; never leaves src/attach. */
export class Unprintable extends Error {}

const BYTE: IntType = { bits: 8, signed: false };

/** The field that `REC->name`, or `__get_str(name)` with `located`, means. */
export function findField(format: TracepointFormat, name: string, located = false): FormatField | undefined {
  const named = format.fields.filter((field) => field.name === name);
  return (
    named.find((field) => (field.dataLoc !== "none") === located) ??
    named[0] ??
    format.commonFields.find((field) => field.name === name)
  );
}

/** The type of one element of a field, by its size and sign. */
export function fieldType(field: FormatField): IntType | undefined {
  const bits = field.elementSize * 8;
  if (bits !== 8 && bits !== 16 && bits !== 32 && bits !== 64) return undefined;
  return { bits, signed: field.signed };
}

/** Reads an integer of the record; Unprintable when it lies outside. */
export function readInteger(scope: Scope, at: number, type: IntType): bigint {
  const { view } = scope;
  if (at < scope.at || at + type.bits / 8 > scope.at + scope.size) {
    throw new Unprintable("a value outside the record");
  }
  switch (type.bits) {
    case 8:
      return BigInt(type.signed ? view.getInt8(at) : view.getUint8(at));
    case 16:
      return BigInt(type.signed ? view.getInt16(at, true) : view.getUint16(at, true));
    case 32:
      return BigInt(type.signed ? view.getInt32(at, true) : view.getUint32(at, true));
    default:
      return type.signed ? view.getBigInt64(at, true) : view.getBigUint64(at, true);
  }
}

/** The stretch of the record that a field's value is in. */
function memoryOf(scope: Scope, field: FormatField): Value & { kind: "memory" } {
  const element = fieldType(field) ?? BYTE;
  const start = scope.at + field.offset;
  const recordEnd = scope.at + scope.size;
  if (field.dataLoc === "none") {
    const size = field.size === 0 ? Math.max(0, recordEnd - start) : field.size;
    return { kind: "memory", at: start, size: Math.min(size, Math.max(0, recordEnd - start)), element };
  }
  const location = Number(readInteger(scope, start, { bits: 32, signed: false }));
  const base = field.dataLoc === "data_loc" ? scope.at : start + 4;
  const at = base + (location & 0xffff);
  const size = location >>> 16;
  if (at + size > recordEnd) throw new Unprintable("a value outside the record");
  return { kind: "memory", at, size, element };
}

/** The value of an expression for the scope's record. */
export function evaluate(expression: Expression, scope: Scope): Value {
  switch (expression.kind) {
    case "number":
      return { kind: "integer", value: expression.value, type: expression.type };
    case "string":
      return { kind: "text", text: expression.text };
    case "field":
      return evaluateField(expression.name, scope);
    case "index":
      return evaluateIndex(expression, scope);
    case "cast":
      return evaluateCast(expression, scope);
    case "unary":
      return evaluateUnary(expression, scope);
    case "binary":
      return evaluateBinary(expression, scope);
    case "conditional":
      return evaluate(isTrue(expression.test, scope) ? expression.whenTrue : expression.whenFalse, scope);
    case "call":
      return evaluateCall(expression, scope);
    case "sizeof":
      return evaluateSizeof(expression.type, scope);
    case "name": {
      const value = scope.constants?.get(expression.name);
      if (value === undefined) throw new Unprintable(`the value of ${expression.name}`);
      return { kind: "integer", value, type: fitting(value) };
    }
    default:
      throw new Unprintable(expression.kind === "unknown" ? expression.text : "a list");
  }
}

/** The type of a constant of which only the value is known. */
function fitting(value: bigint): IntType {
  if (wrap(value, INT) === value) return INT;
  return value < 0n ? LONG_64 : UNSIGNED_64;
}

/** The number that an expression gives; Unprintable when it gives none. */
export function evaluateInteger(expression: Expression, scope: Scope): bigint {
  const value = evaluate(expression, scope);
  if (value.kind !== "integer") throw new Unprintable("a number");
  return value.value;
}

function isTrue(expression: Expression, scope: Scope): boolean {
  const value = evaluate(expression, scope);
  return value.kind !== "integer" || value.value !== 0n;
}

function evaluateField(name: string, scope: Scope): Value {
  const field = findField(scope.format, name);
  if (field === undefined) throw new Unprintable(`the field ${name}`);
  if (field.isArray) return memoryOf(scope, field);
  const type = fieldType(field);
  if (type === undefined) return memoryOf(scope, field);
  return { kind: "integer", value: readInteger(scope, scope.at + field.offset, type), type };
}

function evaluateIndex(expression: Expression & { kind: "index" }, scope: Scope): Value {
  const array = evaluate(expression.array, scope);
  const index = Number(evaluateInteger(expression.index, scope));
  if (array.kind !== "memory") throw new Unprintable("an element of what is no array");
  const at = array.at + index * (array.element.bits / 8);
  if (index < 0 || at + array.element.bits / 8 > array.at + array.size) {
    throw new Unprintable("an element outside its array");
  }
  return { kind: "integer", value: readInteger(scope, at, array.element), type: array.element };
}

function evaluateCast(expression: Expression & { kind: "cast" }, scope: Scope): Value {
  const value = evaluate(expression.operand, scope);
  const type = parseType(expression.type, scope.longBits);
  if (type === undefined) throw new Unprintable(`a value of type ${expression.type}`);
  if (value.kind === "text") return value;
  if (value.kind === "memory") {
    // A pointer into the record, read as elements of another type.
    return type.kind === "pointer" ? { ...value, element: type.element ?? BYTE } : value;
  }
  if (type.kind === "pointer") return integer(value.value, { bits: scope.longBits, signed: false });
  return integer(type.isBool ? (value.value === 0n ? 0n : 1n) : value.value, type.type);
}

function integer(value: bigint, type: IntType): Value {
  return { kind: "integer", value: wrap(value, type), type };
}

function evaluateUnary(expression: Expression & { kind: "unary" }, scope: Scope): Value {
  const { operator, operand } = expression;
  if (operator === "&") {
    const field = operand.kind === "field" ? findField(scope.format, operand.name) : undefined;
    if (field === undefined) throw new Unprintable("an address");
    return memoryOf(scope, field);
  }
  if (operator === "!") return integer(isTrue(operand, scope) ? 0n : 1n, INT);
  const value = evaluate(operand, scope);
  if (operator === "*") {
    if (value.kind !== "memory") throw new Unprintable("what a pointer leads to");
    return integer(readInteger(scope, value.at, value.element), value.element);
  }
  if (value.kind !== "integer") throw new Unprintable("arithmetic with what is no number");
  const type = promote(value.type);
  return integer(operator === "-" ? -value.value : operator === "~" ? ~value.value : value.value, type);
}

function evaluateBinary(expression: Expression & { kind: "binary" }, scope: Scope): Value {
  const { operator, left, right } = expression;
  if (operator === "&&") return integer(isTrue(left, scope) && isTrue(right, scope) ? 1n : 0n, INT);
  if (operator === "||") return integer(isTrue(left, scope) || isTrue(right, scope) ? 1n : 0n, INT);
  const a = evaluate(left, scope);
  const b = evaluate(right, scope);
  if (a.kind !== "integer" || b.kind !== "integer")
    throw new Unprintable("arithmetic with what is no number");
  return applyBinary(operator, a.value, a.type, b.value, b.type);
}

/** What a binary operator gives for two typed numbers. */
function applyBinary(
  operator: string,
  left: bigint,
  leftType: IntType,
  right: bigint,
  rightType: IntType,
): Value {
  if (operator === "<<" || operator === ">>") {
    const type = promote(leftType);
    const shift = BigInt.asUintN(type.bits === 64 ? 6 : 5, right);
    return integer(operator === "<<" ? left << shift : wrap(left, type) >> shift, type);
  }
  const type = commonType(leftType, rightType);
  const a = wrap(left, type);
  const b = wrap(right, type);
  const truth = (condition: boolean) => integer(condition ? 1n : 0n, INT);
  switch (operator) {
    case "+":
      return integer(a + b, type);
    case "-":
      return integer(a - b, type);
    case "*":
      return integer(a * b, type);
    case "/":
    case "%":
      if (b === 0n) throw new Unprintable("a division by zero");
      return integer(operator === "/" ? a / b : a % b, type);
    case "&":
      return integer(a & b, type);
    case "|":
      return integer(a | b, type);
    case "^":
      return integer(a ^ b, type);
    case "==":
      return truth(a === b);
    case "!=":
      return truth(a !== b);
    case "<":
      return truth(a < b);
    case ">":
      return truth(a > b);
    case "<=":
      return truth(a <= b);
    default:
      return truth(a >= b);
  }
}

/** Functions of the kernel that only reorder bytes or hint the compiler, by name. */
const PURE_CALLS: Readonly<Record<string, (value: bigint) => bigint>> = {
  __fswab16: (value) => swap(value, 2),
  __fswab32: (value) => swap(value, 4),
  __fswab64: (value) => swap(value, 8),
  __builtin_bswap16: (value) => swap(value, 2),
  __builtin_bswap32: (value) => swap(value, 4),
  __builtin_bswap64: (value) => swap(value, 8),
  __builtin_constant_p: () => 0n,
  __builtin_expect: (value) => value,
};

function swap(value: bigint, bytes: number): bigint {
  let result = 0n;
  for (let i = 0; i < bytes; i++) result = (result << 8n) | ((value >> BigInt(8 * i)) & 255n);
  return result;
}

function evaluateCall(expression: Expression & { kind: "call" }, scope: Scope): Value {
  const { name, args } = expression;
  const [first] = args;
  if (/^__get_(?:rel_)?(?:str|sockaddr|bitmask|cpumask|dynamic_array(?:_len)?)$/.test(name)) {
    const field = first?.kind === "field" ? findField(scope.format, first.name, true) : undefined;
    if (field === undefined) throw new Unprintable(`the field of ${name}`);
    const memory = memoryOf(scope, field);
    if (!name.endsWith("_len")) return memory;
    return { kind: "integer", value: BigInt(memory.size), type: INT };
  }
  const pure = PURE_CALLS[name];
  if (pure === undefined || first === undefined) throw new Unprintable(`${name}()`);
  if (name === "__builtin_constant_p") return { kind: "integer", value: 0n, type: INT };
  return { kind: "integer", value: pure(evaluateInteger(first, scope)), type: LONG_64 };
}

function evaluateSizeof(text: string, scope: Scope): Value {
  const type = parseType(text, scope.longBits);
  if (type === undefined) throw new Unprintable(`the size of ${text}`);
  const bits = type.kind === "pointer" ? scope.longBits : type.type.bits;
  return integer(BigInt(bits / 8), { bits: scope.longBits, signed: false });
}
