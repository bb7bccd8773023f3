// The kernel's conversions, forwards: numbers, strings and what `%p` has extensions for, as text with one
// char per byte. Knows nothing of records or expressions.
// Follows Documentation/core-api/printk-formats.rst; where C and the kernel differ, the kernel.

/** What a conversion says of its number or string, with widths worked out. */
export interface Spec {
  readonly flags: string;
  /** 0 when not given. */
  readonly width: number;
  /** -1 when not given. */
  readonly precision: number;
}

/** Text padded with spaces to the width, on the left unless `-` is given. */
export function pad(text: string, spec: Spec): string {
  return spec.flags.includes("-") ? text.padEnd(spec.width) : text.padStart(spec.width);
}

/** `%s`: at most `precision` characters. */
export function formatText(text: string, spec: Spec): string {
  return pad(spec.precision >= 0 ? text.slice(0, spec.precision) : text, spec);
}

/** `%d`, `%u`, `%x`, `%X` and `%o` for a number that already has the conversion's width and sign. */
export function formatNumber(value: bigint, letter: string, spec: Spec): string {
  const { flags } = spec;
  const base = letter === "x" || letter === "X" ? 16 : letter === "o" ? 8 : 10;
  const magnitude = value < 0n ? -value : value;
  const digits = letter === "X" ? magnitude.toString(16).toUpperCase() : magnitude.toString(base);
  const signed = letter === "d" || letter === "i";
  const sign = value < 0n ? "-" : !signed ? "" : flags.includes("+") ? "+" : flags.includes(" ") ? " " : "";
  // Unlike C, the kernel prints 0x before a zero.
  const prefix = !flags.includes("#")
    ? ""
    : base === 16
      ? `0${letter}`
      : base === 8 && value !== 0n
        ? "0"
        : "";
  const atLeast = digits.padStart(spec.precision, "0");
  if (flags.includes("0") && !flags.includes("-")) {
    return `${sign}${prefix}${atLeast.padStart(spec.width - sign.length - prefix.length, "0")}`;
  }
  return pad(`${sign}${prefix}${atLeast}`, spec);
}

/** `%p` of a kernel that hashes pointers: all digits, no prefix. */
export function formatPointer(value: bigint, longBits: 32 | 64): string {
  return BigInt.asUintN(longBits, value)
    .toString(16)
    .padStart(longBits / 4, "0");
}

function hexByte(byte: number): string {
  return byte.toString(16).padStart(2, "0");
}

/** Bytes as two hex digits each, with something between. */
export function formatHex(bytes: Uint8Array, separator: string): string {
  return Array.from(bytes, hexByte).join(separator);
}

/** `%pM` and its relatives: six bytes. */
export function formatMac(bytes: Uint8Array, extension: string): string {
  const order = extension.includes("R") ? bytes.toReversed() : bytes;
  return formatHex(order, extension[0] === "m" ? "" : extension.includes("F") ? "-" : ":");
}

/** `%pI4` and `%pi4` (three digits each). */
export function formatIp4(bytes: Uint8Array, padded = false): string {
  return Array.from(bytes, (byte) => (padded ? String(byte).padStart(3, "0") : String(byte))).join(".");
}

/** `%pI6` and `%pi6` (no colons): all digits. */
export function formatIp6Full(bytes: Uint8Array, separator: string): string {
  return Array.from({ length: 8 }, (_, i) => formatHex(bytes.subarray(2 * i, 2 * i + 2), "")).join(separator);
}

/** `%pI6c`: the longest run of zeros as `::`, and dotted where the end is an IPv4 address. */
export function formatIp6(bytes: Uint8Array): string {
  const groups = Array.from(
    { length: 8 },
    (_, i) => ((bytes[2 * i] as number) << 8) | (bytes[2 * i + 1] as number),
  );
  const mapped = groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff;
  const isatap = ((groups[4] as number) | 0x0200) === 0x0200 && groups[5] === 0x5efe;
  const dotted = mapped || isatap;
  const shown = dotted ? groups.slice(0, 6) : groups;
  const [start, length] = longestZeros(shown);
  const hex = (from: number, to: number) =>
    shown
      .slice(from, to)
      .map((group) => group.toString(16))
      .join(":");
  const head = length > 0 ? `${hex(0, start)}::${hex(start + length, shown.length)}` : hex(0, shown.length);
  if (!dotted) return head;
  return `${head}${head.endsWith(":") ? "" : ":"}${formatIp4(bytes.subarray(12))}`;
}

/** Start and length of the longest run of two zeros or more; the first of equals; length 0 when none. */
function longestZeros(groups: readonly number[]): [number, number] {
  let best: [number, number] = [0, 1];
  for (let start = 0; start < groups.length; start++) {
    let end = start;
    while (end < groups.length && groups[end] === 0) end++;
    if (end - start > best[1]) best = [start, end - start];
  }
  return best[1] > 1 ? best : [0, 0];
}

const AF_INET = 2;
const AF_INET6 = 10;

/** `%pIS` of a sockaddr_in or sockaddr_in6: `p` adds the port, `c` shortens. */
export function formatSockaddr(bytes: Uint8Array, extension: string): string {
  const family = (bytes[0] as number) | ((bytes[1] as number) << 8);
  const port = extension.includes("p") ? `:${((bytes[2] as number) << 8) | (bytes[3] as number)}` : "";
  if (family === AF_INET) return `${formatIp4(bytes.subarray(4, 8))}${port}`;
  if (family !== AF_INET6 || bytes.length < 24) return "(invalid address)";
  const address = bytes.subarray(8, 24);
  const text = extension.includes("c") ? formatIp6(address) : formatIp6Full(address, ":");
  return port === "" ? text : `[${text}]${port}`;
}

/** Where each printed byte of a little-endian UUID comes from. */
const GUID_ORDER = [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15];

/** `%pU`, `%pUb`, `%pUB` (capitals), `%pUl` and `%pUL` (little-endian). */
export function formatUuid(bytes: Uint8Array, extension: string): string {
  const little = /[lL]/.test(extension.slice(1));
  const order = little ? GUID_ORDER : bytes.keys();
  const hex = Array.from(order, (from) => hexByte(bytes[from] as number)).join("");
  const text = hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
  return /[BL]/.test(extension.slice(1)) ? text.toUpperCase() : text;
}

/** The bytes that the text of a UUID stands for, in the record's order. */
export function uuidBytes(hex: Uint8Array, extension: string): Uint8Array {
  if (!/[lL]/.test(extension.slice(1))) return hex;
  const bytes = new Uint8Array(16);
  for (const [at, from] of GUID_ORDER.entries()) bytes[from] = hex[at] as number;
  return bytes;
}

/** `%*pb`: a bitmap of so many bits as hex, a comma between words of 32. */
export function formatBitmap(bytes: Uint8Array, bits: number): string {
  let text = "";
  for (let word = Math.ceil(bits / 32) - 1; word >= 0; word--) {
    let value = 0;
    for (let i = 3; i >= 0; i--) value = value * 256 + (bytes[word * 4 + i] ?? 0);
    const left = Math.min(32, bits - word * 32);
    if (left < 32) value %= 2 ** left;
    text += `${text === "" ? "" : ","}${value.toString(16).padStart(Math.ceil(left / 4), "0")}`;
  }
  return text;
}

/** `%*pbl`: a bitmap of so many bits as ranges, `0-3,7`. */
export function formatBitmapList(bytes: Uint8Array, bits: number): string {
  const ranges: string[] = [];
  const isSet = (bit: number) => bit < bits && (((bytes[bit >> 3] ?? 0) >> (bit & 7)) & 1) === 1;
  for (let bit = 0; bit < bits; bit++) {
    if (!isSet(bit)) continue;
    const start = bit;
    while (isSet(bit + 1)) bit++;
    ranges.push(start === bit ? `${start}` : `${start}-${bit}`);
  }
  return ranges.join(",");
}
