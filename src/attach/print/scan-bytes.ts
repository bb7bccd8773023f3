// Steps for what a print format prints of several bytes: hex dumps, arrays, network addresses, UUIDs,
// bitmaps. Part of the run of steps that scan.ts describes. Each notation is a reader that gives the bytes;
// a step uses it to find where the text ends, and storing the record uses it again for the bytes.

import { uuidBytes } from "./printf.ts";
import { endOfWord, hexDigit, isHexPrefix, type Scan, Step } from "./scan.ts";

/** Bytes that a reader found; reused, so that a reader makes no garbage. */
export class ByteSink {
  bytes: Uint8Array<ArrayBuffer> = new Uint8Array(64);
  length = 0;

  push(byte: number): void {
    if (this.length === this.bytes.length) {
      const larger = new Uint8Array(2 * this.length);
      larger.set(this.bytes);
      this.bytes = larger;
    }
    this.bytes[this.length++] = byte;
  }
}

/** Reads bytes from the text at `at` into the sink; gives where it ends, -1 when it does not stand there. */
export type BytesReader = (text: Uint8Array, at: number, end: number, sink: ByteSink) => number;

/** Two hex digits as a byte; -1 when there are none. */
function hexPair(text: Uint8Array, at: number, end: number): number {
  if (at + 1 >= end) return -1;
  const high = hexDigit(text[at] as number);
  const low = hexDigit(text[at + 1] as number);
  return high > 15 || low > 15 ? -1 : high * 16 + low;
}

/** Pairs of hex digits with a separator; as many as there are, or exactly `count`. */
export function readHexPairs(separator: number, count: number | undefined): BytesReader {
  return (text, start, end, sink) => {
    let at = start;
    while (count === undefined || sink.length < count) {
      const skip = sink.length > 0 && separator >= 0 ? 1 : 0;
      if (skip === 1 && text[at] !== separator) break;
      const byte = hexPair(text, at + skip, end);
      if (byte < 0) break;
      sink.push(byte);
      at += skip + 2;
    }
    return count !== undefined && sink.length !== count ? -1 : at;
  };
}

/** `%pMR`: six bytes, the last first. */
export function reversed(reader: BytesReader): BytesReader {
  return (text, start, end, sink) => {
    const at = reader(text, start, end, sink);
    sink.bytes.subarray(0, sink.length).reverse();
    return at;
  };
}

/** A decimal number up to `most`; the sink gets nothing. Gives [value, end], value -1 when there is none. */
function decimal(text: Uint8Array, start: number, end: number, most: number): [number, number] {
  let value = 0;
  let at = start;
  while (at < end && value <= most) {
    const digit = (text[at] as number) - 0x30;
    if (digit < 0 || digit > 9) break;
    value = value * 10 + digit;
    at++;
  }
  return at === start || value > most ? [-1, at] : [value, at];
}

/** `%pI4`: four numbers with dots between. */
export const readIp4: BytesReader = (text, start, end, sink) => {
  let at = start;
  for (let i = 0; i < 4; i++) {
    if (i > 0 && text[at++] !== 0x2e) return -1;
    const [value, to] = decimal(text, at, end, 255);
    if (value < 0) return -1;
    sink.push(value);
    at = to;
  }
  return at;
};

/** `%pI6` and `%pI6c`: eight groups, of which one run may be `::`, and which may end in an IPv4 address. */
export const readIp6: BytesReader = (text, start, end, sink) => {
  const base = sink.length;
  const isGap = (at: number) => at + 1 < end && text[at] === 0x3a && text[at + 1] === 0x3a;
  let at = start;
  let gap = -1;
  if (isGap(at)) {
    gap = 0;
    at += 2;
  }
  while (sink.length - base < 16) {
    const after = readGroup(text, at, end, sink);
    if (after < 0) break;
    at = after;
    if (sink.length - base === 16) break;
    if (isGap(at) && gap < 0) {
      gap = sink.length - base;
      at += 2;
    } else if (at + 1 < end && text[at] === 0x3a && hexDigit(text[at + 1] as number) < 16) {
      at++;
    } else {
      break;
    }
  }
  const found = sink.length - base;
  if (found > 16 || (found === 16) !== gap < 0) return -1;
  if (gap >= 0) insertZeros(sink, base + gap, 16 - found);
  return at;
};

/** One group of an IPv6 address, or the IPv4 address that ends it. */
function readGroup(text: Uint8Array, start: number, end: number, sink: ByteSink): number {
  let value = 0;
  let at = start;
  while (at < end && at - start < 4 && hexDigit(text[at] as number) < 16) {
    value = value * 16 + hexDigit(text[at++] as number);
  }
  if (at === start) return -1;
  if (text[at] === 0x2e) {
    const before = sink.length;
    const to = readIp4(text, start, end, sink);
    if (to >= 0) return to;
    sink.length = before;
  }
  sink.push(value >> 8);
  sink.push(value & 255);
  return at;
}

function insertZeros(sink: ByteSink, at: number, count: number): void {
  const tail = sink.length - at;
  for (let i = 0; i < count; i++) sink.push(0);
  sink.bytes.copyWithin(at + count, at, at + tail);
  sink.bytes.fill(0, at, at + count);
}

const AF_INET = 2;
const AF_INET6 = 10;

/** `%pISpc`: an address with its port, as a sockaddr_in or a sockaddr_in6 of `size` bytes. */
export function readSockaddr(size: number): BytesReader {
  return (text, start, end, sink) => {
    const invalid = endOfWord(text, start, end, "(invalid address)");
    if (invalid >= 0) {
      for (let i = 0; i < size; i++) sink.push(0);
      return invalid;
    }
    const six = text[start] === 0x5b;
    const address = new ByteSink();
    let at = six ? readIp6(text, start + 1, end, address) : readIp4(text, start, end, address);
    if (at < 0 && !six) {
      address.length = 0;
      at = readIp6(text, start, end, address);
    }
    if (at < 0 || (six && text[at++] !== 0x5d)) return -1;
    const family = address.length === 4 ? AF_INET : AF_INET6;
    let port = 0;
    if (text[at] === 0x3a) {
      const [value, to] = decimal(text, at + 1, end, 65535);
      if (value >= 0) {
        port = value;
        at = to;
      }
    }
    const head = family === AF_INET ? [] : [0, 0, 0, 0];
    const found = [family, 0, port >> 8, port & 255, ...head, ...address.bytes.subarray(0, address.length)];
    for (let i = 0; i < size; i++) sink.push(found[i] ?? 0);
    return at;
  };
}

/** `%pU`: 32 hex digits in groups of 8, 4, 4, 4 and 12. */
export function readUuid(extension: string): BytesReader {
  return (text, start, end, sink) => {
    let at = start;
    const hex = new Uint8Array(16);
    for (let i = 0; i < 16; i++) {
      if ((i === 4 || i === 6 || i === 8 || i === 10) && text[at++] !== 0x2d) return -1;
      const byte = hexPair(text, at, end);
      if (byte < 0) return -1;
      hex[i] = byte;
      at += 2;
    }
    for (const byte of uuidBytes(hex, extension)) sink.push(byte);
    return at;
  };
}

/** `__print_array`: `{0x1,0x2}`, elements of `size` bytes. */
export function readArray(size: number): BytesReader {
  return (text, start, end, sink) => {
    let at = start;
    if (text[at++] !== 0x7b) return -1;
    while (at < end && text[at] !== 0x7d) {
      if (sink.length > 0 && text[at++] !== 0x2c) return -1;
      if (!isHexPrefix(text, at, end)) return -1;
      let value = 0n;
      for (at += 2; at < end && hexDigit(text[at] as number) < 16; at++) {
        value = BigInt.asUintN(64, (value << 4n) | BigInt(hexDigit(text[at] as number)));
      }
      for (let i = 0; i < size; i++) sink.push(Number((value >> BigInt(8 * i)) & 255n));
    }
    return at < end ? at + 1 : -1;
  };
}

/** `%*pb`: hex digits with a comma between words of 32 bits, as the bytes of longs. */
export const readBitmap: BytesReader = (text, start, end, sink) => {
  let at = start;
  const digits: number[] = [];
  for (; at < end; at++) {
    const digit = hexDigit(text[at] as number);
    if (digit < 16) digits.push(digit);
    else if (text[at] !== 0x2c || at + 1 >= end || hexDigit(text[at + 1] as number) > 15) break;
  }
  if (digits.length === 0) return -1;
  digits.reverse();
  const size = Math.ceil(digits.length / 16) * 8;
  for (let i = 0; i < size; i++) sink.push((digits[2 * i] ?? 0) | ((digits[2 * i + 1] ?? 0) << 4));
  return at;
};

/** `%*pbl`: ranges of bits, `0-3,7`, as a bitmap of `size` bytes. */
export function readBitmapList(size: number): BytesReader {
  return (text, start, end, sink) => {
    const base = sink.length;
    for (let i = 0; i < size; i++) sink.push(0);
    let at = start;
    for (let [first, to] = decimal(text, at, end, 8 * size - 1); first >= 0; ) {
      let last = first;
      if (text[to] === 0x2d) [last, to] = decimal(text, to + 1, end, 8 * size - 1);
      if (last < first) return -1;
      for (let bit = first; bit <= last; bit++) {
        const byte = base + (bit >> 3);
        sink.bytes[byte] = (sink.bytes[byte] as number) | (1 << (bit & 7));
      }
      at = to;
      if (text[at] !== 0x2c) break;
      [first, to] = decimal(text, at + 1, end, 8 * size - 1);
    }
    return at;
  };
}

/** What a reader reads: start and end of the text into a slot, how many bytes it gives into another. */
export class BytesStep extends Step {
  readonly #reader: BytesReader;
  readonly #slot: number;
  readonly #countSlot: number;
  readonly #next: Step;
  readonly #sink = new ByteSink();

  constructor(reader: BytesReader, slot: number, countSlot: number, next: Step) {
    super();
    this.#reader = reader;
    this.#slot = slot;
    this.#countSlot = countSlot;
    this.#next = next;
  }

  match(scan: Scan): boolean {
    this.#sink.length = 0;
    const start = scan.at;
    const to = this.#reader(scan.bytes, start, scan.end, this.#sink);
    if (to < 0 || to > scan.end) return false;
    scan.low[this.#slot] = start;
    scan.high[this.#slot] = to;
    scan.low[this.#countSlot] = this.#sink.length;
    scan.high[this.#countSlot] = 0;
    scan.at = to;
    return this.#next.match(scan);
  }
}
