// The workloads of the interpreter benches: a program, the contexts of a batch, and what the sum of all r0 must be before
// anything is timed. Contexts are made by a formula, the same on every machine.

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { load, type MapSpec, type Program } from "../src/index.ts";

export interface Workload {
  readonly name: string;
  readonly program: Program;
  /** Contexts of one batch, side by side. */
  readonly contexts: Uint8Array;
  readonly events: number;
  /** Bytes of one context. */
  readonly contextSize: number;
  readonly map?: MapSpec;
  /** The same in JavaScript as one would write it: the floor. Gives the sum of the batch's results. */
  readonly native: () => bigint;
}

const at = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url));

function onlyProgram(path: string): Program {
  const [program] = load(new Uint8Array(readFileSync(at(path)))).programs.values();
  return program;
}

type Fill = (bytes: Uint8Array, view: DataView, index: number) => void;

function makeContexts(events: number, size: number, fill: Fill): Uint8Array {
  const contexts = new Uint8Array(events * size);
  for (let index = 0; index < events; index++) {
    const bytes = contexts.subarray(index * size, (index + 1) * size);
    fill(bytes, new DataView(bytes.buffer, bytes.byteOffset, size), index);
  }
  return contexts;
}

// ---- alu: one run, a loop of arithmetic ----------------------------------------------------------

function nativeAlu(): bigint {
  let a = 1n;
  let b = 0x9e3779b97f4a7c15n;
  let c = 7;
  const mask = 0xffff_ffff_ffff_ffffn;
  for (let i = 0; i < 75000; i++) {
    a = ((a + b) * 31n) & mask;
    a ^= a >> 17n;
    c = (c + Number(a & 0xffffffffn)) | 0;
    c = (c << 5) | (c >>> 27);
    b ^= BigInt(c >>> 0);
  }
  return (a + BigInt(c >>> 0)) & mask;
}

// ---- filter: a record's fields -------------------------------------------------------------------

const fillRecord: Fill = (bytes, view, index) => {
  view.setUint32(8, 60 + (index % 1440), true);
  view.setUint16(16, 8, true);
  view.setUint32(20, 2 + (index % 50), true);
  bytes.set(new TextEncoder().encode(index % 4 === 0 ? "eth0" : "eth5"), 24);
};

function nativeFilter(contexts: Uint8Array, size: number): bigint {
  const view = new DataView(contexts.buffer);
  let passed = 0;
  for (let at = 0; at < contexts.length; at += size) {
    const length = view.getUint32(at + 8, true);
    const protocol = view.getUint16(at + 16, true);
    if (length < 60 || length > 1500 || (protocol !== 8 && protocol !== 0xdd86)) continue;
    if (contexts[at + 18] > 4 || (contexts[at + 19] & 8) !== 0) continue;
    if ((view.getUint32(at + 12, true) & 0xff00) === 0x4200) continue;
    if ((view.getUint32(at + 20, true) - 2) >>> 0 > 100) continue;
    if (view.getUint32(at + 24, true) === 0x35687465 && contexts[at + 28] === 0) passed++;
  }
  return BigInt(passed);
}

// ---- flow: a packet's five-tuple -----------------------------------------------------------------

const fillPacket: Fill = (bytes, view, index) => {
  const isIpv6 = index % 5 === 4;
  const isTagged = index % 3 === 0 && !isIpv6;
  let at = 12;
  if (isTagged) {
    view.setUint16(at, 0x8100);
    at += 4;
  }
  view.setUint16(at, isIpv6 ? 0x86dd : 0x0800);
  at += 2;
  if (isIpv6) {
    bytes[at] = 0x60;
    bytes[at + 6] = index % 2 === 0 ? 0 : 6;
    for (let byte = 0; byte < 32; byte++) bytes[at + 8 + byte] = index * 7 + byte;
    bytes[at + 40] = 6;
    view.setUint16(at + (index % 2 === 0 ? 48 : 40), 1000 + index);
    return;
  }
  const words = 5 + (index % 2);
  bytes[at] = 0x40 | words;
  bytes[at + 9] = index % 2 === 0 ? 17 : 6;
  view.setUint32(at + 12, 0x0a000001 + index);
  view.setUint32(at + 16, 0x0a000002);
  view.setUint16(at + words * 4, 1000 + index);
  view.setUint16(at + words * 4 + 2, 443);
};

const mix = (hash: number, word: number): number => {
  const product = Math.imul(hash ^ word, 0x9e3779b1);
  return product ^ (product >>> 15);
};

function nativeFlow(contexts: Uint8Array, size: number): bigint {
  let sum = 0n;
  for (let start = 0; start < contexts.length; start += size) {
    sum += BigInt(dissect(new DataView(contexts.buffer, start, size)) >>> 0);
  }
  return sum;
}

function dissect(packet: DataView): number {
  const length = packet.byteLength;
  let type = packet.getUint16(12);
  let at = 14;
  for (let tags = 0; tags < 2 && (type === 0x8100 || type === 0x88a8); tags++) {
    type = packet.getUint16(at + 2);
    at += 4;
  }
  let protocol = 0;
  const source = [0, 0, 0, 0];
  const destination = [0, 0, 0, 0];
  if (type === 0x0800) {
    const size = (packet.getUint8(at) & 15) * 4;
    if (size < 20 || (packet.getUint16(at + 6) & 0x1fff) !== 0) return 0;
    protocol = packet.getUint8(at + 9);
    source[0] = packet.getUint32(at + 12, true);
    destination[0] = packet.getUint32(at + 16, true);
    at += size;
  } else if (type === 0x86dd) {
    protocol = packet.getUint8(at + 6);
    for (let word = 0; word < 4; word++) {
      source[word] = packet.getUint32(at + 8 + 4 * word, true);
      destination[word] = packet.getUint32(at + 24 + 4 * word, true);
    }
    at += 40;
    for (let headers = 0; headers < 4 && (protocol === 0 || protocol === 43 || protocol === 60); headers++) {
      protocol = packet.getUint8(at);
      at += (packet.getUint8(at + 1) + 1) * 8;
    }
  } else return 0;
  let ports = 0;
  if ((protocol === 6 || protocol === 17) && at + 4 <= length) {
    ports = (packet.getUint16(at, true) << 16) | packet.getUint16(at + 2, true);
  }
  let hash = 0;
  for (let word = 0; word < 4; word++) hash = mix(mix(hash, source[word]), destination[word]);
  return mix(mix(hash, ports), protocol);
}

// ---- dropmon: a hash map's counts ----------------------------------------------------------------

const location = (index: number): bigint => 0xffffffff81000000n + BigInt((index * 7) % 26) * 0x1234n;

const fillDrop: Fill = (_, view, index) => view.setBigUint64(16, location(index), true);

function nativeDropmon(contexts: Uint8Array, size: number, counts: Map<bigint, number>): bigint {
  const view = new DataView(contexts.buffer);
  for (let at = 0; at < contexts.length; at += size) {
    const key = view.getBigUint64(at + 16, true);
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return 0n;
}

/** All workloads, in the order of the report. */
export function makeWorkloads(): Workload[] {
  const dropmon = onlyProgram("examples/dropmon.bpf.o");
  const records = makeContexts(1024, 40, fillRecord);
  const packets = makeContexts(1024, 128, fillPacket);
  const drops = makeContexts(1024, 40, fillDrop);
  const counts = new Map<bigint, number>();
  return [
    {
      name: "alu",
      program: onlyProgram("bench/programs/alu.bpf.o"),
      contexts: new Uint8Array(8),
      events: 1,
      contextSize: 8,
      native: nativeAlu,
    },
    {
      name: "filter",
      program: onlyProgram("bench/programs/filter.bpf.o"),
      contexts: records,
      events: 1024,
      contextSize: 40,
      native: () => nativeFilter(records, 40),
    },
    {
      name: "flow",
      program: onlyProgram("bench/programs/flow.bpf.o"),
      contexts: packets,
      events: 1024,
      contextSize: 128,
      native: () => nativeFlow(packets, 128),
    },
    {
      name: "dropmon",
      program: dropmon,
      contexts: drops,
      events: 1024,
      contextSize: 40,
      map: dropmon.maps[0].map,
      native: () => nativeDropmon(drops, 40, counts),
    },
  ];
}
