// What bpf_trace_printk's conversions print (Documentation/core-api/printk-formats.rst); which of them a program may
// use is print-conversions.ts. Pointers are always numbers here.

import { Errno } from "../../assembly/shared/codes.ts";
import { type Conversion, parseFormat } from "../print-conversions.ts";

/** Reads guest memory for `%s` and `%pI4`; undefined when the address faults. */
export interface PrintMemory {
  /** Bytes up to a NUL, at most `limit - 1` of them, as text. */
  readString(address: bigint, limit: number): string | undefined;
  readBytes(address: bigint, size: number): Uint8Array | undefined;
}

/** Room for the arguments of one call, strings included, and for its output. */
const MAX_ARGUMENT_BYTES = 512;
const MAX_OUTPUT = 1024;

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
