// bpf_trace_printk's format rules: which conversions a program may use, and what they print. Follows what
// the kernel checks before it prints (kernel/bpf/helpers.c) and Documentation/core-api/printk-formats.rst:
// %d %i %u %x %X, with l and ll; %c; %s and %pks and %pus (a string behind a pointer); %p %px %pK %ps %pS %pB
// (pointers, here always as numbers); %pi4 %pI4 %pi6 %pI6 (network addresses); %%.

import { Errno } from "../../assembly/shared/codes.ts";

/** Reads guest memory for `%s` and `%pI4`; undefined when the address faults. */
export interface PrintMemory {
  /** Bytes up to a NUL, at most `limit - 1` of them, as text. */
  readString(address: bigint, limit: number): string | undefined;
  readBytes(address: bigint, size: number): Uint8Array | undefined;
}

interface Conversion {
  readonly flags: string;
  readonly width: number;
  /** `d`, `u`, `x`, `X`, `c`, `s`, or `p` with its suffix. */
  readonly kind: string;
  /** Bytes of the argument. */
  readonly size: 1 | 4 | 8;
}

type Piece = string | Conversion;

/** Room for the arguments of one call, strings included, and for its output. */
const MAX_ARGUMENT_BYTES = 512;
const MAX_OUTPUT = 1024;

const isSpaceOrPunctuation = (char: string | undefined): boolean =>
  char === undefined || /[^A-Za-z0-9]/.test(char);

/** What follows the flags and the width of a conversion; undefined for what the kernel does not take. */
function conversionAt(rest: string): { kind: string; size: 1 | 4 | 8; length: number } | undefined {
  const pointer = /^p(ks|us|[iI][46]|[KxsSB])?/.exec(rest);
  if (pointer !== null) {
    const [text, suffix = ""] = pointer;
    const needsEnd = suffix === "" || suffix === "ks" || suffix === "us";
    if (needsEnd && !isSpaceOrPunctuation(rest[text.length])) return undefined;
    return { kind: `p${suffix}`, size: 8, length: text.length };
  }
  if (rest[0] === "s") return isSpaceOrPunctuation(rest[1]) ? { kind: "s", size: 8, length: 1 } : undefined;
  if (rest[0] === "c") return { kind: "c", size: 1, length: 1 };
  const integer = /^(ll?)?([diuxX])/.exec(rest);
  if (integer === null) return undefined;
  const kind = integer[2] === "i" ? "d" : (integer[2] as string);
  return { kind, size: integer[1] === undefined ? 4 : 8, length: integer[0].length };
}

/** Splits a format; undefined where the kernel refuses it: a bad byte or conversion, or more of them than arguments. */
function parseFormat(format: string, maxConversions: number): Piece[] | undefined {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: what is printable or white space in ASCII
  if (/[^\x09-\x0d\x20-\x7e]/.test(format)) return undefined;
  const pieces: Piece[] = [];
  let at = 0;
  for (let conversions = 0; at < format.length; ) {
    const text = /^[^%]*/.exec(format.slice(at))?.[0] ?? "";
    if (text !== "") pieces.push(text);
    at += text.length;
    if (at === format.length) break;
    if (format[at + 1] === "%") {
      pieces.push("%");
      at += 2;
      continue;
    }
    if (++conversions > maxConversions) return undefined;
    const [modifiers, flags, width] = /^%([0+\- ]*)([1-9][0-9]*)?/.exec(format.slice(at)) as unknown as [
      string,
      string,
      string?,
    ];
    const found = conversionAt(format.slice(at + modifiers.length));
    if (found === undefined) return undefined;
    pieces.push({ flags, width: Number(width ?? 0), kind: found.kind, size: found.size });
    at += modifiers.length + found.length;
    // The kernel takes all letters and digits behind a pointer for part of its conversion.
    if (found.kind[0] === "p") at += (/^[A-Za-z0-9]*/.exec(format.slice(at)) as RegExpExecArray)[0].length;
  }
  return pieces;
}

function pad(text: string, { flags, width }: Conversion, numeric: boolean): string {
  if (flags.includes("-")) return text.padEnd(width);
  if (!numeric || !flags.includes("0")) return text.padStart(width);
  const sign = /^[-+ ]?/.exec(text)?.[0] ?? "";
  return sign + text.slice(sign.length).padStart(width - sign.length, "0");
}

function formatInteger(conversion: Conversion, value: bigint): string {
  const { flags, kind, size } = conversion;
  if (kind === "d") {
    const number = BigInt.asIntN(size * 8, value);
    const plus = flags.includes("+") ? "+" : flags.includes(" ") ? " " : "";
    return pad(number < 0n ? `${number}` : `${plus}${number}`, conversion, true);
  }
  const digits = BigInt.asUintN(size * 8, value).toString(kind === "u" ? 10 : 16);
  return pad(kind === "X" ? digits.toUpperCase() : digits, conversion, true);
}

/** `%pI4` 1.2.3.4, `%pi4` 001.002.003.004, `%pI6` eight groups with colons, `%pi6` without. A fault prints zeros. */
function formatAddress(kind: string, address: bigint, memory: PrintMemory): string {
  const size = kind.endsWith("4") ? 4 : 16;
  const bytes = [...(memory.readBytes(address, size) ?? new Uint8Array(size))];
  const wide = kind[1] === "i";
  if (size === 4) return bytes.map((byte) => (wide ? `${byte}`.padStart(3, "0") : `${byte}`)).join(".");
  const digits = bytes.map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return wide ? digits : (digits.match(/.{4}/g) as string[]).join(":");
}

function formatPointer(conversion: Conversion, value: bigint, memory: PrintMemory): string {
  const { kind } = conversion;
  if (kind[1] === "i" || kind[1] === "I") return pad(formatAddress(kind, value, memory), conversion, false);
  const digits = BigInt.asUintN(64, value).toString(16);
  if (kind === "ps" || kind === "pS" || kind === "pB") return pad(`0x${digits}`, conversion, false);
  return pad(conversion.width === 0 ? digits.padStart(16, "0") : digits, conversion, true);
}

/**
 * The text that a format and its arguments print, or the kernel's errno, negative: -Errno.EINVAL for a format that it
 * refuses, -Errno.ENOSPC when strings and numbers together take more than its 512 bytes.
 */
export function formatPrint(format: string, args: readonly bigint[], memory: PrintMemory): string | number {
  const pieces = parseFormat(format, args.length);
  if (pieces === undefined) return -Errno.EINVAL;
  let next = 0;
  let room = MAX_ARGUMENT_BYTES;
  let text = "";
  for (const piece of pieces) {
    if (typeof piece === "string") {
      text += piece;
      continue;
    }
    const value = args[next++] as bigint;
    if (piece.kind === "s" || piece.kind === "pks" || piece.kind === "pus") {
      if (room <= 0) return -Errno.ENOSPC;
      const string = memory.readString(value, room) ?? "";
      room -= string.length + 1;
      text += pad(string, piece, false);
      continue;
    }
    if (piece.size !== 1) room -= room % 4;
    if (room < piece.size) return -Errno.ENOSPC;
    room -= piece.size;
    if (piece.kind === "c") text += pad(String.fromCharCode(Number(value & 255n)), piece, false);
    else text += piece.kind[0] === "p" ? formatPointer(piece, value, memory) : formatInteger(piece, value);
  }
  return text.slice(0, MAX_OUTPUT - 1);
}
