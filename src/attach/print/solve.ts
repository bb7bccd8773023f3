// Turns an expression of a print format round: which field it reads, and what a printed value says of that
// field's bits. Takes the expression, gives a Solution, or nothing where several fields or lossy arithmetic
// are involved. Knows nothing of text; inverse.ts pairs solutions with the steps that find values.

import type { FormatField } from "../format.ts";
import type { Expression } from "./c-expression.ts";
import { parseType } from "./c-types.ts";
import { evaluateInteger, findField, type Scope, Unprintable } from "./evaluate.ts";

/** A field, or an element of one, that an expression reads. */
export interface Target {
  readonly field: FormatField;
  /** Bytes from the record's start, and how many. */
  readonly offset: number;
  readonly size: number;
}

/** How to get from a printed value to a field. */
export interface Solution extends Target {
  /** Left shift of the value; what else has to be undone is in `undo`. */
  readonly shift: number;
  /** Undoes all arithmetic, the shift included; undefined when there is none but the shift. */
  readonly undo: ((value: bigint) => bigint) | undefined;
  /** Bits of the target that the value gives. */
  readonly mask: bigint;
  /** False when the value found is only a good guess (division dropped its remainder, and the like). */
  readonly exact: boolean;
}

/** What an expression is, as far as backwards goes: everything but the record. */
export type StaticScope = Omit<Scope, "view" | "at" | "size">;

const NO_RECORD = new DataView(new ArrayBuffer(0));

/** The value of an expression that reads no field; undefined when it does, or needs what nobody knows. */
export function constantOf(expression: Expression, scope: StaticScope): bigint | undefined {
  try {
    return evaluateInteger(expression, { ...scope, view: NO_RECORD, at: 0, size: 0 });
  } catch (error) {
    if (error instanceof Unprintable) return undefined;
    throw error;
  }
}

/** All bits of so many bytes. */
export function fullMask(size: number): bigint {
  return (1n << BigInt(8 * size)) - 1n;
}

/** The field or element that an expression is without any arithmetic; undefined when it is none. */
export function targetOf(expression: Expression, scope: StaticScope): Target | undefined {
  if (expression.kind === "field") {
    const field = findField(scope.format, expression.name);
    return field === undefined ? undefined : { field, offset: field.offset, size: field.size };
  }
  if (expression.kind === "index") {
    const array = targetOf(expression.array, scope);
    const index = constantOf(expression.index, scope);
    if (array === undefined || index === undefined || array.field.dataLoc !== "none") return undefined;
    const { elementSize, length } = array.field;
    if (index < 0n || index >= BigInt(length)) return undefined;
    return { field: array.field, offset: array.offset + Number(index) * elementSize, size: elementSize };
  }
  return undefined;
}

/** What is left to undo while solve() walks inwards. */
interface State {
  readonly mask: bigint;
  readonly shift: number;
  readonly undo: readonly ((value: bigint) => bigint)[];
  readonly shiftOnly: boolean;
  readonly exact: boolean;
}

/** The bits from the lowest on that are all set: what survives an addition. */
function lowRun(mask: bigint): bigint {
  const firstClear = ~mask & -~mask;
  return firstClear - 1n;
}

function step(state: State, undo: (value: bigint) => bigint, mask: bigint, exact = state.exact): State {
  return { mask, shift: state.shift, undo: [...state.undo, undo], shiftOnly: false, exact };
}

function shifted(state: State, left: number): State {
  const by = BigInt(Math.abs(left));
  const move = (value: bigint) =>
    BigInt.asUintN(64, left >= 0 ? value << by : BigInt.asUintN(64, value) >> by);
  return { ...state, shift: state.shift + left, mask: move(state.mask), undo: [...state.undo, move] };
}

/**
 * Solves `expression == value` for the one field in it, for a value of which `mask` tells the known bits.
 * Undefined when there is no such field, or no way back.
 */
export function solve(expression: Expression, mask: bigint, scope: StaticScope): Solution | undefined {
  return solveFrom(expression, { mask, shift: 0, undo: [], shiftOnly: true, exact: true }, scope);
}

function solveFrom(expression: Expression, state: State, scope: StaticScope): Solution | undefined {
  switch (expression.kind) {
    case "field":
    case "index":
      return finish(expression, state, scope);
    case "cast": {
      const type = parseType(expression.type, scope.longBits);
      const bits = type === undefined ? 64 : type.kind === "pointer" ? scope.longBits : type.type.bits;
      // A cast to bool keeps no bit; nothing is known of types that are not known either.
      if (type === undefined || (type.kind === "integer" && type.isBool)) return undefined;
      return solveFrom(expression.operand, { ...state, mask: BigInt.asUintN(bits, state.mask) }, scope);
    }
    case "unary":
      if (expression.operator === "+") return solveFrom(expression.operand, state, scope);
      if (expression.operator === "~") {
        return solveFrom(
          expression.operand,
          step(state, (value) => ~value, state.mask),
          scope,
        );
      }
      if (expression.operator === "-") {
        return solveFrom(
          expression.operand,
          step(state, (value) => -value, lowRun(state.mask)),
          scope,
        );
      }
      return undefined;
    case "binary":
      return solveBinary(expression, state, scope);
    default:
      return undefined;
  }
}

function solveBinary(
  expression: Expression & { kind: "binary" },
  state: State,
  scope: StaticScope,
): Solution | undefined {
  const { operator, left, right } = expression;
  const constantRight = constantOf(right, scope);
  if (constantRight !== undefined) return undoRight(operator, left, constantRight, state, scope);
  const constantLeft = constantOf(left, scope);
  if (constantLeft === undefined) return undefined;
  if (operator === "-") {
    return solveFrom(
      right,
      step(state, (value) => constantLeft - value, lowRun(state.mask)),
      scope,
    );
  }
  if (operator === "<<" && constantLeft === 1n) {
    // 1 << field: the bit that is set.
    return solveFrom(right, step(state, bitIndex, 0n, false), scope);
  }
  return "+*&|^".includes(operator) ? undoRight(operator, right, constantLeft, state, scope) : undefined;
}

function bitIndex(value: bigint): bigint {
  return BigInt(Math.max(0, BigInt.asUintN(64, value).toString(2).length - 1));
}

/** Undoes `operand operator constant`. */
function undoRight(
  operator: string,
  operand: Expression,
  constant: bigint,
  state: State,
  scope: StaticScope,
): Solution | undefined {
  const { mask } = state;
  switch (operator) {
    case "+":
      return solveFrom(
        operand,
        step(state, (value) => value - constant, lowRun(mask)),
        scope,
      );
    case "-":
      return solveFrom(
        operand,
        step(state, (value) => value + constant, lowRun(mask)),
        scope,
      );
    case "^":
      return solveFrom(
        operand,
        step(state, (value) => value ^ constant, mask),
        scope,
      );
    case "&":
      return solveFrom(operand, { ...state, mask: mask & BigInt.asUintN(64, constant) }, scope);
    case "|":
      return solveFrom(operand, { ...state, mask: mask & ~BigInt.asUintN(64, constant) }, scope);
    case "<<":
    case ">>": {
      if (constant < 0n || constant > 63n) return undefined;
      const by = Number(constant);
      return solveFrom(operand, shifted(state, operator === "<<" ? -by : by), scope);
    }
    case "*": {
      if (constant <= 0n) return undefined;
      const exponent = constant.toString(2).length - 1;
      if (1n << BigInt(exponent) === constant) return solveFrom(operand, shifted(state, -exponent), scope);
      return solveFrom(
        operand,
        step(state, (value) => value / constant, 0n, false),
        scope,
      );
    }
    case "/":
      return solveFrom(
        operand,
        step(state, (value) => value * constant, 0n, false),
        scope,
      );
    default:
      return undefined;
  }
}

function finish(expression: Expression, state: State, scope: StaticScope): Solution | undefined {
  const target = targetOf(expression, scope);
  if (target === undefined || ![1, 2, 4, 8].includes(target.size) || target.field.dataLoc !== "none") {
    return undefined;
  }
  if (target.field.isArray && expression.kind === "field") return undefined;
  const { undo, shiftOnly, shift } = state;
  const apply = undo.length === 0 ? undefined : (value: bigint) => undo.reduce((at, back) => back(at), value);
  return {
    ...target,
    shift,
    undo: shiftOnly ? undefined : apply,
    mask: state.mask & fullMask(target.size),
    exact: state.exact,
  };
}

/** What is known of a target when a condition holds, or does not. */
export interface Finding extends Target {
  readonly value: bigint;
  /** Bits that are known to be those of `value`; 0 when `value` is only one that makes the condition hold. */
  readonly mask: bigint;
}

function isBool(field: FormatField): boolean {
  return /^(?:bool|_Bool)$/.test(field.elementType);
}

/** What it says of fields that a condition is true, or false. */
export function findingsOf(condition: Expression, truth: boolean, scope: StaticScope): Finding[] {
  if (condition.kind === "unary" && condition.operator === "!") {
    return findingsOf(condition.operand, !truth, scope);
  }
  if (condition.kind === "binary") return binaryFindings(condition, truth, scope);
  const solution = solve(condition, fullMask(8), scope);
  return solution === undefined ? [] : truthOf(solution, truth);
}

/** What it says of a field that bits of it are zero, or not all zero. */
function truthOf(solution: Solution, truth: boolean): Finding[] {
  const { field, offset, size, mask, undo, shift } = solution;
  if (undo !== undefined || mask === 0n || (shift !== 0 && truth)) return [];
  const target = { field, offset, size };
  if (!truth) return [{ ...target, value: 0n, mask }];
  const lowest = mask & -mask;
  const sure = lowest === mask || (isBool(field) && mask === fullMask(size));
  return [{ ...target, value: lowest, mask: sure ? mask : 0n }];
}

function binaryFindings(
  condition: Expression & { kind: "binary" },
  truth: boolean,
  scope: StaticScope,
): Finding[] {
  const { operator, left, right } = condition;
  if (operator === "&&" || operator === "||") {
    // All of an and that holds hold, all of an or that does not do not; a constant says nothing.
    if ((operator === "&&") !== truth) {
      if (constantOf(left, scope) !== undefined) return findingsOf(right, truth, scope);
      return constantOf(right, scope) !== undefined ? findingsOf(left, truth, scope) : [];
    }
    return [...findingsOf(left, truth, scope), ...findingsOf(right, truth, scope)];
  }
  if (operator === "==" || operator === "!=") {
    const constant = constantOf(right, scope) ?? constantOf(left, scope);
    const other = constantOf(right, scope) !== undefined ? left : right;
    return constant === undefined ? [] : equalFindings(other, constant, (operator === "==") === truth, scope);
  }
  if (/^[<>]=?$/.test(operator)) return [];
  const solution = solve(condition, fullMask(8), scope);
  return solution === undefined ? [] : truthOf(solution, truth);
}

function equalFindings(operand: Expression, constant: bigint, equal: boolean, scope: StaticScope): Finding[] {
  const solution = solve(operand, fullMask(8), scope);
  if (solution === undefined || !solution.exact) return [];
  const { field, offset, size, mask, undo, shift } = solution;
  const target = { field, offset, size };
  if (equal) {
    const back = undo ?? ((value: bigint) => (shift >= 0 ? value << BigInt(shift) : value >> BigInt(-shift)));
    return [{ ...target, value: back(constant) & mask, mask }];
  }
  // Of what is not 0, or a bool that is not 1, something can be said.
  if (constant === 0n) return truthOf(solution, true);
  return constant === 1n && isBool(field) ? [{ ...target, value: 0n, mask }] : [];
}

/**
 * The sign with which a field adds to an expression of sums and differences; undefined when it takes part
 * in another way, or more than once.
 */
export function linearSign(expression: Expression, name: string): 1n | -1n | undefined {
  switch (expression.kind) {
    case "field":
      return expression.name === name ? 1n : undefined;
    case "cast":
      return linearSign(expression.operand, name);
    case "unary": {
      const sign = linearSign(expression.operand, name);
      return expression.operator === "-" && sign !== undefined ? (sign === 1n ? -1n : 1n) : undefined;
    }
    case "binary": {
      if (expression.operator !== "+" && expression.operator !== "-") return undefined;
      const left = linearSign(expression.left, name);
      const right = linearSign(expression.right, name);
      if ((left === undefined) === (right === undefined)) return undefined;
      if (left !== undefined) return left;
      return (expression.operator === "+") === (right === 1n) ? 1n : -1n;
    }
    default:
      return undefined;
  }
}
