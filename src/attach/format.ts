// Reads the `format` file that tracefs gives for an event into the layout of the event's record: what a BPF
// program attached to the tracepoint sees as its context. Takes the file's text, gives a TracepointFormat.
// The print format stays text here; print-format.ts takes it apart.
// Follows Documentation/trace/events.rst, "Event formats".

import { LoadError } from "../errors.ts";

/** One field of an event's record. */
export interface FormatField {
  readonly name: string;
  /** The declared C type without the field's name: `char[16]`, `__data_loc char[]`, `struct page *`. */
  readonly type: string;
  /** The type of one element: `type` without array brackets and without `__data_loc`. */
  readonly elementType: string;
  /** Bytes from the start of the record. */
  readonly offset: number;
  /** Bytes; 0 for an array that ends the record and has no length of its own. */
  readonly size: number;
  readonly signed: boolean;
  readonly isArray: boolean;
  /** Elements of an array, 1 for a field that is none; 0 where the length varies from record to record. */
  readonly length: number;
  /** Bytes of one element. */
  readonly elementSize: number;
  /**
   * `none`: the value is in place. Otherwise the field holds `length << 16 | offset`, 32 bits, and the value
   * lies behind the fixed fields: `data_loc` counts the offset from the start of the record, `rel_loc` from
   * the end of the field.
   */
  readonly dataLoc: "none" | "data_loc" | "rel_loc";
}

/** The layout of an event's record, as its `format` file describes it. */
export interface TracepointFormat {
  /** The folder that the event is in, e.g. `skb`; the file itself does not tell. */
  readonly system: string | undefined;
  readonly name: string;
  /** `common_type` of the event's records. */
  readonly id: number;
  /** The event's own fields, in the order of declaration. */
  readonly fields: readonly FormatField[];
  /** The fields that every event has: `common_type`, `common_flags`, `common_preempt_count`, `common_pid`. */
  readonly commonFields: readonly FormatField[];
  /** Bytes of the fixed part: the end of the last field, where values of `data_loc` fields begin. */
  readonly size: number;
  /** What follows `print fmt: `: a C string and the expressions that it prints. */
  readonly printFmt: string;
}

/** The kernel stores no record larger than a sub-buffer, which is 64 KiB at most. */
const MAX_RECORD = 65536;

/** `field:` lines that a record can have at all: every one takes part of it, and a few take none. */
const MAX_FIELDS = 1024;

/** Declared sizes of C types on the kernel's targets; what is not here is told apart by its array length. */
const ELEMENT_SIZES: readonly (readonly [RegExp, number])[] = [
  [/^(?:(?:un)?signed )?char$|^bool$|^_Bool$|^(?:__)?[us]8$|^u?int8_t$/, 1],
  [/\bshort\b|^(?:__)?[us]16$|^u?int16_t$|^__[bl]e16$/, 2],
  [/^(?:unsigned )?int$|^unsigned$|^(?:__)?[us]32$|^u?int32_t$|^__[bl]e32$|^enum /, 4],
  [/\blong\b|^(?:__)?[us]64$|^u?int64_t$|^__[bl]e64$|^cpumask_t$|\*$/, 8],
];

interface Declaration {
  readonly name: string;
  readonly type: string;
  readonly elementType: string;
  readonly isArray: boolean;
  /** The text between the brackets. */
  readonly length: string;
  readonly dataLoc: FormatField["dataLoc"];
}

/** Takes `unsigned char name[32 + 1]` or `__data_loc char[] name` apart. */
function parseDeclaration(text: string): Declaration | undefined {
  const [, location, rest] = /^(?:(__data_loc|__rel_loc)\s+)?(.*)$/s.exec(text) ?? [];
  const match = /^(.*?[\s*\]])([A-Za-z_]\w*)\s*((?:\[[^\]]*\])*)$/s.exec((rest ?? "").trim());
  if (match === null) return undefined;
  const [, before, name, after] = match as unknown as [string, string, string, string];
  const brackets = after !== "" ? after : (/(?:\[[^\]]*\])+\s*$/.exec(before)?.[0] ?? "");
  const elementType = (after !== "" ? before : before.slice(0, before.length - brackets.length)).trim();
  if (elementType === "") return undefined;
  return {
    name,
    type: `${location === undefined ? "" : `${location} `}${elementType}${brackets.trim()}`,
    elementType,
    isArray: brackets !== "" || location !== undefined,
    length: brackets.trim().slice(1, -1).trim(),
    dataLoc: location === "__data_loc" ? "data_loc" : location === "__rel_loc" ? "rel_loc" : "none",
  };
}

/** Bytes of an element: by its type's name, else what the array's size and a plain length give. */
function elementSizeOf(declaration: Declaration, size: number): number {
  if (!declaration.isArray) return size;
  const known = ELEMENT_SIZES.find(([pattern]) => pattern.test(declaration.elementType))?.[1];
  // A pointer or a long of a 32-bit kernel has four bytes: the array's own size then tells.
  const length = /^\d+$/.test(declaration.length) ? Number(declaration.length) : 0;
  if (declaration.dataLoc === "none" && length > 0 && size % length === 0) return size / length;
  return known ?? 1;
}

const FIELD_LINE = /^\s*field:([^;]*);\s*offset:\s*(\d+);\s*size:\s*(\d+);(?:\s*signed:\s*([01]);)?\s*$/;

function parseField(line: string, place: string): FormatField {
  const match = FIELD_LINE.exec(line);
  const declaration = match === null ? undefined : parseDeclaration((match[1] as string).trim());
  if (match === null || declaration === undefined) {
    throw new LoadError(
      "bad-format",
      place,
      `expected "field:TYPE NAME; offset:N; size:N; signed:N;", got ${quote(line)}`,
    );
  }
  const { name, type, elementType, isArray, dataLoc } = declaration;
  const offset = Number(match[2]);
  const size = Number(match[3]);
  if (offset + size > MAX_RECORD) {
    throw new LoadError(
      "bad-format",
      place,
      `expected a field within ${MAX_RECORD} bytes, got one that ends at ${offset + size}`,
    );
  }
  if (dataLoc !== "none" && size !== 4) {
    throw new LoadError("bad-format", place, `expected 4 bytes for the location of ${name}, got ${size}`);
  }
  const elementSize = elementSizeOf(declaration, size);
  const length = !isArray ? 1 : dataLoc !== "none" ? 0 : Math.floor(size / elementSize);
  const signed = match[4] === undefined ? !/unsigned|^__?u\d|^u\d|\*/.test(type) : match[4] === "1";
  return { name, type, elementType, offset, size, signed, isArray, length, elementSize, dataLoc };
}

/** A piece of the input for a message, on one line and not too long. */
export function quote(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 77)}...` : text);
}

/** What the lines of a format file have said so far. */
class FormatReader {
  name: string | undefined;
  id: number | undefined;
  printFmt: string | undefined;
  readonly fields: FormatField[] = [];
  readonly commonFields: FormatField[] = [];

  /** Reads a line before the print format. */
  readLine(line: string, place: string): void {
    if (/^\s*(?:format:\s*)?$/.test(line)) return;
    const name = /^name: (\S+)\s*$/.exec(line)?.[1];
    const id = /^ID: (\d+)\s*$/.exec(line)?.[1];
    if (name !== undefined) {
      this.name = name;
    } else if (id !== undefined) {
      this.id = Number(id);
      if (this.id > 0xffff) {
        throw new LoadError("bad-format", place, `expected an ID of 16 bits, got ${id}`);
      }
    } else {
      const field = parseField(line, place);
      (field.name.startsWith("common_") ? this.commonFields : this.fields).push(field);
      if (this.fields.length > MAX_FIELDS) {
        throw new LoadError("bad-format", place, `expected at most ${MAX_FIELDS} fields, got more`);
      }
    }
  }

  finish(system: string | undefined, place: string): TracepointFormat {
    const { name, id, printFmt, fields, commonFields } = this;
    const missing =
      name === undefined
        ? "name"
        : id === undefined
          ? "ID"
          : printFmt === undefined
            ? "print fmt"
            : undefined;
    if (name === undefined || id === undefined || printFmt === undefined) {
      throw new LoadError("bad-format", place, `expected a line "${missing}: ...", got none`);
    }
    const names = new Set<string>();
    for (const field of fields) {
      // A value in place and one with a location may share a name: the second is `__data_loc_NAME` in C.
      const key = `${field.dataLoc} ${field.name}`;
      if (names.has(key)) {
        throw new LoadError("bad-format", place, `expected one field ${field.name}, got two`);
      }
      names.add(key);
    }
    const size = [...commonFields, ...fields].reduce((end, at) => Math.max(end, at.offset + at.size), 0);
    return { system, name, id, fields, commonFields, size, printFmt };
  }
}

/**
 * Parses the text of a `format` file.
 * `system` is kept as it is given; `place` names the file in messages.
 * Throws a LoadError (`bad-format`) that names the line where the text is no format file.
 */
export function parseFormat(
  text: string,
  options: { readonly system?: string; readonly place?: string } = {},
): TracepointFormat {
  const reader = new FormatReader();
  const file = options.place ?? "format";
  let start = 0;
  for (let lineNumber = 1; start < text.length; lineNumber++) {
    if (text.startsWith("print fmt: ", start)) {
      // The print format may hold line breaks, so it runs to the end of the file.
      reader.printFmt = text.slice(start + 11).trimEnd();
      break;
    }
    const newline = text.indexOf("\n", start);
    const end = newline < 0 ? text.length : newline;
    reader.readLine(text.slice(start, end), `${file}: line ${lineNumber}`);
    start = end + 1;
  }
  return reader.finish(options.system, file);
}
