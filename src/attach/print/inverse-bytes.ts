// The part of the inverse that deals with fields of several bytes: which notation a conversion prints them
// in, and where they go. Called by inverse.ts for each conversion; declines those that print a number or
// plain text.

import type { FormatField } from "../format.ts";
import type { Conversion } from "../print-format.ts";
import type { Expression } from "./c-expression.ts";
import { parseType } from "./c-types.ts";
import { findField } from "./evaluate.ts";
import type { InverseCompiler, Place } from "./inverse.ts";
import type { Step } from "./scan.ts";
import {
  type BytesReader,
  BytesStep,
  readArray,
  readBitmap,
  readBitmapList,
  readHexPairs,
  readIp4,
  readIp6,
  readSockaddr,
  readUuid,
  reversed,
} from "./scan-bytes.ts";
import { constantOf, fullMask, type StaticScope } from "./solve.ts";
import { BytesStore, DynamicBytesStore } from "./store.ts";

/** A field that is a stretch of bytes. */
export interface MemoryField {
  readonly field: FormatField;
  /** Bytes of the field itself: its value, or its location when it is behind the fixed fields. */
  readonly size: number;
  /** True when it holds a string that ends in a zero and nothing else. */
  readonly isString: boolean;
}

/** The field whose bytes an expression stands for; undefined when it stands for none. */
export function memoryOf(expression: Expression, scope: StaticScope): MemoryField | undefined {
  const { format } = scope;
  switch (expression.kind) {
    case "cast": {
      const isPointer = parseType(expression.type, scope.longBits)?.kind === "pointer";
      return isPointer ? memoryOf(expression.operand, scope) : undefined;
    }
    case "call": {
      const [name] = expression.args;
      const field = name?.kind === "field" ? findField(format, name.name, true) : undefined;
      if (field === undefined || !/^__get_/.test(expression.name) || expression.name.endsWith("_len"))
        return undefined;
      const isString = /^__get_(?:rel_)?str$/.test(expression.name);
      return field.dataLoc === "none" ? undefined : { field, size: field.size, isString };
    }
    case "field": {
      const field = findField(format, expression.name);
      if (field === undefined || !field.isArray) return undefined;
      return { field, size: field.size, isString: field.elementSize === 1 };
    }
    case "unary": {
      const { operator, operand } = expression;
      const field =
        operator === "&" && operand.kind === "field" ? findField(format, operand.name) : undefined;
      return field === undefined ? undefined : { field, size: field.size, isString: false };
    }
    default:
      return undefined;
  }
}

/** How a conversion prints bytes. */
interface Notation {
  readonly reader: BytesReader;
  readonly memory: Expression;
  /** Bytes that are always printed; undefined where it depends. */
  readonly size: number | undefined;
  /** How many elements, or bytes, or bits, are printed, and what one of them takes. */
  readonly count?: Expression;
  readonly elementSize?: number;
  /** False when not all of the bytes can be told from the text. */
  readonly isSure: boolean;
}

const SPACE = 0x20;

/** The step for a conversion that prints bytes; undefined when it prints something else. */
export function compileBytes(
  compiler: InverseCompiler,
  conversion: Conversion,
  argument: Expression,
  place: Place,
): Step | undefined {
  const notation =
    conversion.letter === "s" && argument.kind === "call"
      ? callNotation(argument, compiler.scope)
      : conversion.letter === "p"
        ? pointerNotation(conversion, argument, compiler.scope)
        : undefined;
  if (notation === undefined) return undefined;
  const slot = compiler.newSlot();
  const countSlot = compiler.newSlot();
  const memory = memoryOf(notation.memory, compiler.scope);
  if (memory !== undefined) addBytes(compiler, notation, memory, slot, place);
  // The number of elements is what the text shows; it may have been printed elsewhere as well.
  if (notation.count !== undefined && notation.elementSize === 1) {
    compiler.addGuess(countSlot, notation.count, place);
  }
  return new BytesStep(notation.reader, slot, countSlot, place.next);
}

function addBytes(
  compiler: InverseCompiler,
  notation: Notation,
  { field }: MemoryField,
  slot: number,
  { guards, coverage }: Place,
): void {
  const { reader, size, isSure } = notation;
  if (field.dataLoc !== "none") {
    coverage.add(field, field.offset, isSure ? fullMask(field.size) : 0n);
    const store = new DynamicBytesStore(guards, slot, reader, field.offset, field.dataLoc === "rel_loc");
    compiler.addStore(store, field, isSure);
    return;
  }
  const isWhole = isSure && size === field.size;
  coverage.add(field, field.offset, isWhole ? fullMask(field.size) : 0n);
  compiler.addStore(new BytesStore(guards, slot, reader, field.offset, field.size), field, isWhole);
}

/** The notations of the helpers that give `%s` its text. */
function callNotation(call: Expression & { kind: "call" }, scope: StaticScope): Notation | undefined {
  const [memory, count, element] = call.args;
  if (/^__get_(?:rel_)?(?:bitmask|cpumask)$/.test(call.name)) {
    return { reader: readBitmap, memory: call, size: undefined, isSure: true };
  }
  if (memory === undefined || count === undefined) return undefined;
  if (call.name === "__print_hex" || call.name === "__print_hex_str") {
    const size = Number(constantOf(count, scope) ?? -1);
    const separator = call.name === "__print_hex" ? SPACE : -1;
    const fixed = size >= 0 ? size : undefined;
    return {
      reader: readHexPairs(separator, fixed),
      memory,
      size: fixed,
      count,
      elementSize: 1,
      isSure: fixed !== undefined,
    };
  }
  const elementSize = element === undefined ? undefined : Number(constantOf(element, scope) ?? 0);
  if (call.name !== "__print_array" || elementSize === undefined || ![1, 2, 4, 8].includes(elementSize)) {
    return undefined;
  }
  const length = constantOf(count, scope);
  const size = length === undefined ? undefined : Number(length) * elementSize;
  // As many elements as there are: then the text has all of them.
  const isAll = [...(count.kind === "binary" ? [count.left] : [])].some(
    (part) => part.kind === "call" && part.name.endsWith("_len"),
  );
  return { reader: readArray(elementSize), memory, size, isSure: isAll || size !== undefined };
}

/** The notations of `%p`'s extensions. */
function pointerNotation(
  { extension, width }: Conversion,
  memory: Expression,
  scope: StaticScope,
): Notation | undefined {
  const field = memoryOf(memory, scope)?.field;
  const separator = { C: 0x3a, D: 0x2d, N: -1 }[extension[1] ?? ""] ?? SPACE;
  const constant = typeof width === "object" ? constantOf(width, scope) : undefined;
  const fixedWidth =
    typeof width === "number" ? width : constant === undefined ? undefined : Number(constant);
  if (/^[Mm]/.test(extension)) {
    const pairs = readHexPairs(extension[0] === "m" ? -1 : extension.includes("F") ? 0x2d : 0x3a, 6);
    return { reader: extension.includes("R") ? reversed(pairs) : pairs, memory, size: 6, isSure: true };
  }
  if (/^[Ii]4/.test(extension)) return { reader: readIp4, memory, size: 4, isSure: true };
  if (/^I6/.test(extension)) return { reader: readIp6, memory, size: 16, isSure: true };
  if (/^i6/.test(extension)) return { reader: readHexPairs(-1, 16), memory, size: 16, isSure: true };
  if (/^IS/.test(extension)) {
    // Flow label and scope of an IPv6 address are not printed.
    const size = field === undefined || field.dataLoc !== "none" ? 28 : field.size;
    return { reader: readSockaddr(size), memory, size, isSure: false };
  }
  if (/^U/.test(extension)) return { reader: readUuid(extension), memory, size: 16, isSure: true };
  if (/^h/.test(extension)) {
    const reader = readHexPairs(separator, fixedWidth);
    const count = typeof width === "object" ? { count: width, elementSize: 1 } : {};
    return { reader, memory, size: fixedWidth, ...count, isSure: fixedWidth !== undefined };
  }
  if (/^bl/.test(extension) && field !== undefined && field.dataLoc === "none") {
    return {
      reader: readBitmapList(field.size),
      memory,
      size: field.size,
      isSure: fixedWidth === 8 * field.size,
    };
  }
  return /^b/.test(extension) ? { reader: readBitmap, memory, size: undefined, isSure: false } : undefined;
}
