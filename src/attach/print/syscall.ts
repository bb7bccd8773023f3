// How ftrace prints system calls, which is not as the print format of their events says: the name with its
// arguments in parentheses, and the result after an arrow. Gives a PrintFormat for the part that follows
// `sys_NAME(` or `sys_NAME ->`.
// Follows what kernel/trace/trace_syscalls.c prints; documented in Documentation/trace/events.rst only by
// its results.

import type { TracepointFormat } from "../format.ts";
import type { Conversion, Literal, PrintFormat } from "../print-format.ts";

function hexOf(name: string): Conversion {
  return {
    kind: "conversion",
    text: "%lx",
    flags: "",
    width: undefined,
    precision: undefined,
    length: "ll",
    letter: "x",
    extension: "",
    argument: { kind: "field", name },
  };
}

/** The print format of a `sys_enter_NAME` or `sys_exit_NAME` event as ftrace itself prints it. */
export function syscallPrintFormat(format: TracepointFormat): PrintFormat {
  const args = format.fields.filter(({ name }) => name !== "__syscall_nr" && name !== "nr");
  if (format.name.startsWith("sys_exit_")) {
    return { pieces: args.slice(0, 1).map(({ name }) => hexOf(name)), longBits: 64 };
  }
  const pieces: (Literal | Conversion)[] = [];
  for (const [index, { name }] of args.entries()) {
    pieces.push({ kind: "literal", text: `${index === 0 ? "" : ", "}${name}: ` }, hexOf(name));
  }
  return { pieces: [...pieces, { kind: "literal", text: ")" }], longBits: 64 };
}
