// The formats of bpf_trace_printk and bpf_snprintf: which conversions a program may use. Follows what the kernel checks
// before it prints (bpf_bprintf_prepare in kernel/bpf/helpers.c): %d %i %u %x %X, with l and ll; %c; %s and %pks and
// %pus (a string behind a pointer); %p %px %pK %ps %pS %pB (pointers); %pi4 %pI4 %pi6 %pI6 (network addresses); %%.

/** One conversion of a format. */
export interface Conversion {
  readonly flags: string;
  readonly width: number;
  /** `d`, `u`, `x`, `X`, `c`, `s`, or `p` with its suffix. */
  readonly kind: string;
  /** Bytes of the argument. */
  readonly size: 1 | 4 | 8;
}

/** Text as it stands, or a conversion. */
export type Piece = string | Conversion;

/** In ASCII: what is beyond it ends no conversion. */
const isSpaceOrPunctuation = (char: string | undefined): boolean =>
  char === undefined || (char < "\x80" && /[^A-Za-z0-9]/.test(char));

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
export function parseFormat(format: string, maxConversions: number): Piece[] | undefined {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: what is neither printable nor white space in ASCII
  if (/[\x00-\x08\x0e-\x1f\x7f]/.test(format)) return undefined;
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
