// Compiles a print format into what its inverse is made of: pairs the steps that find values in the text
// (scan*.ts) with the stores that put them into fields (store.ts), and keeps account of what the text does
// not tell (coverage.ts). record-inverse.ts runs the result.

import type { FormatField, TracepointFormat } from "../format.ts";
import type { Conversion, PrintFormat } from "../print-format.ts";
import type { SymbolTable } from "../symbols.ts";
import { type Expression, fieldsOf } from "./c-expression.ts";
import { Coverage } from "./coverage.ts";
import { Unprintable } from "./evaluate.ts";
import { compileBytes, memoryOf } from "./inverse-bytes.ts";
import { conversionBits, convert, type NamedValue, type PrintOptions, tableRows } from "./printer.ts";
import {
  CharStep,
  ChoiceStep,
  EndStep,
  hexDigit,
  LiteralStep,
  NumberStep,
  PadEndStep,
  PadStartStep,
  SCAN_BUDGET,
  Scan,
  type Step,
  TextStep,
} from "./scan.ts";
import { BytesStep } from "./scan-bytes.ts";
import { FlagsStep, NameStep, PointerStep, SymbolStep } from "./scan-names.ts";
import {
  type Finding,
  findingsOf,
  fullMask,
  linearSign,
  type Solution,
  type StaticScope,
  solve,
} from "./solve.ts";
import {
  ArithmeticStore,
  BitsStore,
  ConstantStore,
  DynamicTextStore,
  type Guard,
  NonZeroStore,
  NumberStore,
  RemainderStore,
  type Store,
  TextStore,
} from "./store.ts";

/** A store with what decides in which order stores run. */
export interface PlannedStore {
  readonly store: Store;
  readonly field: FormatField;
  /** Bits that it gives for certain: those that give more run later. */
  readonly weight: number;
  /** True when it alone gives the whole field, in every text. */
  readonly whole: boolean;
}

/** A printed number that several fields take part in. */
interface Sum {
  readonly slot: number;
  readonly expression: Expression;
  readonly bits: number;
}

/** Where a part of a print format stands: what follows it, in which branches, and what it adds to. */
export interface Place {
  readonly next: Step;
  readonly guards: readonly Guard[];
  readonly coverage: Coverage;
}

/** More slots than any print format needs; a choice doubles what is in its branches. */
const MAX_SLOTS = 10000;

/** Choices within choices would be tried out over and over without a limit. */
const MAX_TRIALS = 1000;

const NO_RECORD = new DataView(new ArrayBuffer(0));

/** Builds the steps and stores of one print format. */
export class InverseCompiler {
  readonly scope: StaticScope;
  readonly #symbols: SymbolTable | undefined;
  readonly #printFormat: PrintFormat;
  /** How many choices may still be tried out, this compiler's and those of all its trials. */
  readonly #trials: { left: number };
  readonly stores: PlannedStore[] = [];
  readonly #sums: Sum[] = [];
  /** How many slots the steps need. */
  slots = 0;

  /** Builds nothing yet; the options are those of the inverse. */
  constructor(
    format: TracepointFormat,
    printFormat: PrintFormat,
    options: PrintOptions,
    trials = { left: MAX_TRIALS },
  ) {
    this.#trials = trials;
    this.scope = { format, longBits: printFormat.longBits, constants: options.constants };
    this.#symbols = options.symbols;
    this.#printFormat = printFormat;
  }

  /** The first step of the whole print format. */
  compile(coverage: Coverage): Step {
    const pieces = this.#mergeLiterals();
    let next: Step = new EndStep();
    for (const piece of pieces.toReversed()) {
      next =
        typeof piece === "string"
          ? new LiteralStep(piece, next)
          : this.compileConversion(piece, piece.argument, { next, guards: [], coverage });
    }
    for (const sum of this.#sums) this.#compileSum(sum, coverage);
    return next;
  }

  /** Conversions of constants print the same text always: they become part of the text around them. */
  #mergeLiterals(): (string | Conversion)[] {
    const merged: (string | Conversion)[] = [];
    for (const piece of this.#printFormat.pieces) {
      const text = piece.kind === "literal" ? piece.text : this.#literalOf(piece, piece.argument);
      const last = merged.at(-1);
      if (text === undefined) merged.push(piece as Conversion);
      else if (typeof last === "string") merged[merged.length - 1] = last + text;
      else if (text !== "") merged.push(text);
    }
    // The line ends where the print format does; its own line breaks are not part of the text.
    const last = merged.at(-1);
    if (typeof last === "string") merged[merged.length - 1] = last.replace(/\n+$/, "");
    return merged;
  }

  /** What a conversion prints when it prints the same for every record. */
  #literalOf(conversion: Conversion, argument: Expression): string | undefined {
    const parts = [argument, conversion.width, conversion.precision].filter(
      (part) => typeof part === "object",
    );
    if (parts.some((part) => fieldsOf(part).length > 0)) return undefined;
    try {
      return convert(conversion, argument, { ...this.scope, view: NO_RECORD, at: 0, size: 0 }, undefined);
    } catch (error) {
      if (error instanceof Unprintable) return undefined;
      throw error;
    }
  }

  /** A slot of its own for something that a step finds. */
  newSlot(): number {
    return this.slots++;
  }

  /** The step for one conversion of an expression. */
  compileConversion(conversion: Conversion, argument: Expression, place: Place): Step {
    const literal = this.#literalOf(conversion, argument);
    if (literal !== undefined) return literal === "" ? place.next : new LiteralStep(literal, place.next);
    const choice = asChoice(argument);
    if (choice !== undefined && this.slots < MAX_SLOTS) return this.#compileChoice(conversion, choice, place);
    const bytes = compileBytes(this, conversion, argument, place);
    if (bytes !== undefined) return bytes;
    switch (conversion.letter) {
      case "s":
        return this.#compileString(conversion, argument, place);
      case "p":
        return this.#compilePointer(conversion, argument, place);
      case "c": {
        const slot = this.newSlot();
        this.addNumber(slot, argument, 8, place);
        return new CharStep(slot, place.next);
      }
      default:
        return this.#compileNumber(conversion, argument, place);
    }
  }

  #compileChoice(conversion: Conversion, choice: Expression & { kind: "conditional" }, place: Place): Step {
    const slot = this.newSlot();
    const coverages: Coverage[] = [];
    const branches = [choice.whenFalse, choice.whenTrue].map((expression, branch) => {
      const guards = [...place.guards, { slot, branch }];
      const coverage = new Coverage();
      coverages.push(coverage);
      const step = this.compileConversion(conversion, expression, { next: place.next, guards, coverage });
      for (const finding of findingsOf(choice.test, branch === 1, this.scope)) {
        this.#addFinding(finding, guards, coverage);
      }
      return { branch, step, literal: this.#literalOf(conversion, expression), expression };
    });
    place.coverage.addAll(Coverage.ofChoice(coverages, this.#areDistinct(conversion, branches)));
    // Longer literals first, then what has to be read, and nothing at all last.
    const rank = (literal: string | undefined) =>
      literal === undefined ? 1 : literal === "" ? 0 : 1 + literal.length;
    branches.sort((a, b) => rank(b.literal) - rank(a.literal));
    return new ChoiceStep(
      slot,
      branches.map(({ branch, step }) => [branch, step] as const),
    );
  }

  /** True when no text fits both branches of a choice. */
  #areDistinct(
    conversion: Conversion,
    branches: readonly { readonly literal: string | undefined; readonly expression: Expression }[],
  ): boolean {
    const [first, second] = branches as [(typeof branches)[number], (typeof branches)[number]];
    if (first.literal !== undefined && second.literal !== undefined) return first.literal !== second.literal;
    const literal = first.literal ?? second.literal;
    const other = first.literal === undefined ? first.expression : second.expression;
    if (literal === undefined) return false;
    // No flags and no text print alike, and both mean zero.
    if (literal === "" && other.kind === "call" && other.name.startsWith("__print_flags")) return true;
    if (--this.#trials.left < 0) return false;
    const trial = new InverseCompiler(this.scope.format, this.#printFormat, this.#options(), this.#trials);
    const next = new EndStep();
    const step = trial.compileConversion(conversion, other, { next, guards: [], coverage: new Coverage() });
    const scan = new Scan(trial.slots);
    scan.bytes = Uint8Array.from(literal, (char) => char.charCodeAt(0));
    scan.end = literal.length;
    scan.budget = SCAN_BUDGET;
    return !step.match(scan);
  }

  #options(): PrintOptions {
    const { constants } = this.scope;
    return {
      ...(constants === undefined ? {} : { constants }),
      ...(this.#symbols === undefined ? {} : { symbols: this.#symbols }),
    };
  }

  #addFinding(finding: Finding, guards: readonly Guard[], coverage: Coverage): void {
    const { field, offset, size, value, mask } = finding;
    coverage.add(field, offset, mask);
    const store =
      mask === 0n
        ? new NonZeroStore(guards, offset, size, value)
        : new ConstantStore(guards, offset, size, value, mask);
    this.stores.push({ store, field, weight: bitCount(mask), whole: false });
  }

  #compileString(conversion: Conversion, argument: Expression, place: Place): Step {
    if (argument.kind !== "call" || !/^__print_(?:symbolic|flags)(?:_u64)?$/.test(argument.name)) {
      return this.#compileText(conversion, argument, place);
    }
    const { width, flags } = conversion;
    if (typeof width !== "number") return this.#compileNames(argument, place);
    const slot = this.newSlot();
    const left = flags.includes("-");
    const next = left ? new PadEndStep(slot, width, place.next) : place.next;
    return new PadStartStep(slot, left, this.#compileNames(argument, { ...place, next }));
  }

  #compileText(conversion: Conversion, argument: Expression, place: Place): Step {
    const slot = this.newSlot();
    const lengthSlot = this.newSlot();
    const { width, precision, flags } = conversion;
    const memory = memoryOf(argument, this.scope);
    // A string that something else than plain text follows may end in more than one place.
    const sure =
      precision === undefined && (place.next instanceof LiteralStep || place.next instanceof EndStep);
    const fixed = typeof precision === "number" ? precision : Number.POSITIVE_INFINITY;
    let maxLength = fixed;
    if (memory !== undefined && memory.size > 0) {
      const { field } = memory;
      const isExact = sure && memory.isString;
      place.coverage.add(field, field.offset, isExact ? fullMask(field.size) : 0n);
      const whole = isExact && place.guards.length === 0;
      let store: Store;
      if (field.dataLoc === "none") {
        maxLength = Math.min(fixed, field.size);
        store = new TextStore(place.guards, slot, field.offset, field.size);
      } else {
        store = new DynamicTextStore(place.guards, slot, field.offset, field.dataLoc === "rel_loc");
      }
      this.stores.push({ store, field, weight: 8 * field.size, whole });
    }
    if (typeof precision === "object") this.addGuess(lengthSlot, precision, place);
    const shape = { maxLength, width: typeof width === "number" ? width : 0, left: flags.includes("-") };
    return new TextStep(shape, slot, lengthSlot, place.next);
  }

  #compileNames(call: Expression & { kind: "call" }, place: Place): Step {
    const slot = this.newSlot();
    const isFlags = call.name.startsWith("__print_flags");
    const [value, delimiter] = call.args;
    const scope = { ...this.scope, view: NO_RECORD, at: 0, size: 0 };
    const rows = tableRows(call.args.slice(isFlags ? 2 : 1), scope);
    if (value !== undefined) {
      const isSure = rows.every((row) => row.value !== undefined) && areNamesUnique(rows);
      this.#addSolution(slot, solve(value, fullMask(8), this.scope), place, isSure);
    }
    if (!isFlags) return new NameStep(rows, slot, place.next);
    return new FlagsStep(rows, delimiter?.kind === "string" ? delimiter.text : "", slot, place.next);
  }

  #compilePointer(conversion: Conversion, argument: Expression, place: Place): Step {
    const { extension } = conversion;
    const slot = this.newSlot();
    if (/^[SsFfB]/.test(extension)) {
      const solution = solve(argument, fullMask(8), this.scope);
      // Without symbols there is nothing to recover; without the offset in the text only the start.
      if (this.#symbols !== undefined) this.#addSolution(slot, solution, place, /^[SF]/.test(extension));
      return new SymbolStep(this.#symbols, slot, place.next);
    }
    if (extension === "" || /^[Kx]/.test(extension)) {
      this.addNumber(slot, argument, this.scope.longBits, place);
      return new PointerStep(slot, place.next);
    }
    return this.compileUnknown(place);
  }

  /** Text of which nothing can be made. */
  compileUnknown(place: Place): Step {
    const shape = { maxLength: Number.POSITIVE_INFINITY, width: 0, left: false };
    return new TextStep(shape, this.newSlot(), this.newSlot(), place.next);
  }

  #compileNumber(conversion: Conversion, argument: Expression, place: Place): Step {
    const { letter, flags, width } = conversion;
    const slot = this.newSlot();
    const bits = conversionBits(conversion, this.scope.longBits);
    const base = letter === "x" || letter === "X" ? 16 : letter === "o" ? 8 : 10;
    // Dynamic events print the address that they are at as a symbol, whatever their print format says.
    if (argument.kind === "field" && /^__probe_(?:ip|func|ret_ip)$/.test(argument.name)) {
      this.addNumber(slot, argument, bits, place);
      return new SymbolStep(this.#symbols, slot, place.next);
    }
    const filled = flags.includes("0") && !flags.includes("-") && typeof width === "number";
    const runsOn = startsWithDigit(place.next, base);
    // Two numbers without anything between can be told apart only when the first has all its digits.
    const isFixed = runsOn && filled && base === 16 && 4 * width >= this.#printedBits(argument, bits);
    this.addNumber(slot, argument, bits, place, !runsOn || isFixed);
    const shape = {
      base,
      mayBeHex: letter === "i",
      bits,
      width: filled || typeof width !== "number" ? 0 : width,
      left: flags.includes("-"),
      maxDigits: isFixed ? width : 64,
    } as const;
    return new NumberStep(shape, slot, place.next);
  }

  /** Bits that a number can have when it is printed: no more than its field has, unless that has a sign. */
  #printedBits(argument: Expression, bits: number): number {
    const solution = solve(argument, (1n << BigInt(bits)) - 1n, this.scope);
    if (solution === undefined || solution.field.signed || solution.undo !== undefined) return bits;
    return solution.shift === 0 ? solution.mask.toString(2).length : bits;
  }

  /** Connects a number in a slot, of which `bits` are printed, with the field that it tells of. */
  addNumber(slot: number, expression: Expression, bits: number, place: Place, isSure = true): void {
    const solution = solve(expression, (1n << BigInt(bits)) - 1n, this.scope);
    if (solution === undefined && place.guards.length === 0) this.#sums.push({ slot, expression, bits });
    this.#addSolution(slot, solution, place, isSure);
  }

  /** The same for a number that only hints at the field's value, such as a length that was cut off. */
  addGuess(slot: number, expression: Expression, place: Place): void {
    this.#addSolution(slot, solve(expression, fullMask(8), this.scope), place, false);
  }

  #addSolution(slot: number, solution: Solution | undefined, place: Place, isSure: boolean): void {
    if (solution === undefined) return;
    const { field, offset, size, shift, undo, mask, exact } = solution;
    const { guards, coverage } = place;
    const certain = exact && isSure ? mask : 0n;
    coverage.add(field, offset, certain);
    const written = mask === 0n ? fullMask(size) : mask;
    let store: Store;
    if (undo === undefined && shift === 0 && written === fullMask(size)) {
      store = new NumberStore(guards, slot, offset, size);
    } else if (undo === undefined && size <= 4 && Math.abs(shift) < 32) {
      store = new BitsStore(guards, slot, offset, size, shift, Number(BigInt.asIntN(32, written)));
    } else {
      const by = BigInt(Math.abs(shift));
      const move = (value: bigint) => (shift >= 0 ? value << by : BigInt.asUintN(64, value) >> by);
      store = new ArithmeticStore(guards, slot, offset, size, undo ?? move, written);
    }
    const whole = guards.length === 0 && certain === fullMask(field.size) && size === field.size;
    this.stores.push({ store, field, weight: bitCount(certain), whole });
  }

  /** Adds a store of several bytes. */
  addStore(store: Store, field: FormatField, isSure: boolean): void {
    this.stores.push({ store, field, weight: isSure ? 8 * field.size : 0, whole: false });
  }

  /** A sum of which all fields but one are known gives the one. */
  #compileSum({ slot, expression, bits }: Sum, coverage: Coverage): void {
    const { format } = this.scope;
    const unknown = fieldsOf(expression).filter((name) => {
      const field = format.fields.find((candidate) => candidate.name === name);
      return field === undefined || !coverage.isExact(field);
    });
    const [name = ""] = unknown;
    const field = format.fields.find((candidate) => candidate.name === name);
    const sign = linearSign(expression, name);
    if (unknown.length !== 1 || field === undefined || sign === undefined) return;
    if (field.isArray || ![1, 2, 4, 8].includes(field.size)) return;
    coverage.add(field, field.offset, fullMask(Math.min(field.size, bits / 8)));
    const store = new RemainderStore(slot, field, expression, sign, this.scope);
    this.stores.push({ store, field, weight: Number.POSITIVE_INFINITY, whole: true });
  }
}

function bitCount(mask: bigint): number {
  return mask.toString(2).replaceAll("0", "").length;
}

/** Truth values print as 1 and 0: the same as a choice between the two. */
function asChoice(argument: Expression): (Expression & { kind: "conditional" }) | undefined {
  if (argument.kind === "conditional") return argument;
  const isTruth =
    (argument.kind === "unary" && argument.operator === "!") ||
    (argument.kind === "binary" && /^(?:[<>]=?|[=!]=|&&|\|\|)$/.test(argument.operator)) ||
    (argument.kind === "cast" && /^(?:bool|_Bool)$/.test(argument.type));
  if (!isTruth) return undefined;
  const number = (value: bigint): Expression => ({ kind: "number", value, type: { bits: 32, signed: true } });
  const test = argument.kind === "cast" ? argument.operand : argument;
  return { kind: "conditional", test, whenTrue: number(1n), whenFalse: number(0n) };
}

function areNamesUnique(rows: readonly NamedValue[]): boolean {
  const values = new Map<string, bigint | undefined>();
  for (const { name, value } of rows) {
    if (values.has(name) && values.get(name) !== value) return false;
    values.set(name, value);
  }
  return true;
}

/** True when what follows may go on with a digit of the base, and nothing tells where it starts. */
function startsWithDigit(next: Step, base: number): boolean {
  if (next instanceof LiteralStep) {
    const isDigit = (byte: number) => hexDigit(byte) < base;
    // Of hex digits too many are given back until the text fits, which it does in one place only if there
    // is anything in it but digits.
    return isDigit(next.text[0] as number) && (base !== 16 || next.text.every(isDigit));
  }
  return next instanceof NumberStep || next instanceof PointerStep || next instanceof BytesStep;
}
