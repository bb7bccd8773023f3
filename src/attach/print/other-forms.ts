// Forms in which traces show events otherwise than their print formats say: system calls, which ftrace prints
// as calls, and the plain list of fields of `trace-cmd report -R`. Gives them as PrintFormats, so that
// they are read by the same means.
// Follows the output of kernel/trace/trace_syscalls.c and trace-cmd-report(1).

import type { FormatField, TracepointFormat } from "../format.ts";
import type { Conversion, Literal, PrintFormat } from "../print-format.ts";

function literal(text: string): Literal {
  return { kind: "literal", text };
}

function conversion(letter: string, name: string): Conversion {
  return {
    kind: "conversion",
    text: `%${letter}`,
    flags: "",
    width: undefined,
    precision: undefined,
    length: letter === "s" ? "" : "ll",
    letter,
    extension: "",
    argument: { kind: "field", name },
  };
}

/**
 * What follows `sys_NAME(` or `sys_NAME ->` for a `sys_enter_NAME` or `sys_exit_NAME` event:
 * `dfd: 0xffffff9c, flags: 80000)` or ` 0x3`.
 */
export function syscallPrintFormat(format: TracepointFormat): PrintFormat {
  const args = format.fields.filter(({ name }) => name !== "__syscall_nr" && name !== "nr");
  if (format.name.startsWith("sys_exit_")) {
    return { pieces: args.slice(0, 1).map(({ name }) => conversion("x", name)), longBits: 64 };
  }
  const pieces = args.flatMap(({ name }, index) => [
    literal(`${index === 0 ? "" : ", "}${name}: `),
    conversion("x", name),
  ]);
  return { pieces: [...pieces, literal(")")], longBits: 64 };
}

/** All fields in order, `prev_comm=ls prev_pid=4734`; undefined for events with fields of another kind. */
export function fieldsPrintFormat(format: TracepointFormat): PrintFormat | undefined {
  const letterOf = (field: FormatField) =>
    !field.isArray ? "i" : field.elementSize === 1 && field.elementType.endsWith("char") ? "s" : undefined;
  const pieces: (Literal | Conversion)[] = [];
  for (const [index, field] of format.fields.entries()) {
    const letter = letterOf(field);
    if (letter === undefined) return undefined;
    pieces.push(literal(`${index === 0 ? "" : " "}${field.name}=`), conversion(letter, field.name));
  }
  return { pieces, longBits: 64 };
}
