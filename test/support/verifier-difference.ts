// Two verdicts on one program, ours and the running kernel's: whether and how they differ, and the smallest program
// that still shows the difference.

import { disassemble, type Program } from "../../dist/src/index.js";
import { type KernelSession, possibleCpus } from "../../dist/src/kernel.js";
import { judge } from "../../dist/src/verifier/verify.js";
import { type GeneratedCase, programOf } from "./verifier-generator.ts";

export type Caps = "all" | "bpf";

export interface Verdicts {
  readonly ours: boolean;
  readonly kernel: boolean;
  /** Last lines; empty when accepted. */
  readonly ourMessage: string;
  readonly kernelMessage: string;
  /** An error of ours that is no verdict. */
  readonly crash: string | undefined;
}

/**
 * What the kernel rejects for other reasons than safety: limits of its own, and what it calls bugs of its verifier, such
 * as the address of a function that it took out because nothing calls it.
 */
const LIMITS = /^E2BIG|too complex|^verifier bug/;
const E2BIG = 7;

/** The last line; of an endless loop the one before both states, which say nothing shorter. */
function lastLine(text: string): string {
  const lines = text.trimEnd().split("\n");
  const loop = lines.slice(-6).findLast((line) => line.startsWith("infinite loop detected"));
  return loop ?? lines.at(-1) ?? "";
}

export function judgeBoth(session: KernelSession, program: Program, caps: Caps = "all"): Verdicts {
  let ours = false;
  let ourMessage = "";
  let crash: string | undefined;
  try {
    const verdict = judge(program, { caps, cpus: possibleCpus() });
    ours = verdict.isAccepted;
    ourMessage = verdict.errno === E2BIG ? "E2BIG" : lastLine(verdict.message);
  } catch (error) {
    crash = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  }
  let verdict = session.load(program, { caps });
  verdict.program?.close();
  // The log slows the kernel: it is asked for where there is something in it that is worth the time.
  if (verdict.errno === E2BIG) return { ours, kernel: false, ourMessage, kernelMessage: "E2BIG", crash };
  if (!verdict.isAccepted) {
    verdict = session.load(program, { caps, logLevel: 1 });
    verdict.program?.close();
  }
  const isLoop = verdict.message.startsWith("old state:");
  const message = isLoop ? "infinite loop detected at insn 0" : verdict.message;
  const kernelMessage = verdict.isAccepted ? "" : message || `errno ${verdict.errno}`;
  return { ours, kernel: verdict.isAccepted, ourMessage, kernelMessage, crash };
}

export type Difference = "crash" | "unsafe" | "limit" | "strict" | "message" | "none";

/** `unsafe`: we accept what the kernel rejects; `strict`: the other way round; `message`: other words for one verdict. */
export function differenceOf({ ours, kernel, ourMessage, kernelMessage, crash }: Verdicts): Difference {
  if (crash !== undefined) return "crash";
  if (ours && !kernel) return LIMITS.test(kernelMessage) ? "limit" : "unsafe";
  if (!ours && kernel) return "strict";
  return shapeOf(ourMessage) === shapeOf(kernelMessage) ? "none" : "message";
}

/** A message without its numbers and registers: what groups differences. */
export function shapeOf(message: string): string {
  return message
    .replace(/\bR\d+\b/g, "R#")
    .replace(/\br\d+\b/g, "r#")
    .replace(/0x[0-9a-f]+/g, "#")
    .replace(/-?\d+/g, "#");
}

/** Differences of one kind, with messages of one shape on both sides. */
export function groupOf(verdicts: Verdicts): string {
  const { ourMessage, kernelMessage, crash } = verdicts;
  return [
    differenceOf(verdicts),
    shapeOf(crash ?? ourMessage) || "accepted",
    shapeOf(kernelMessage) || "accepted",
  ].join(" | ");
}

const SLOT = 8;
const JA = 0x05;
const LDDW = 0x18;
/** `goto +0`, which both verifiers walk through. */
const NOP = Uint8Array.of(JA, 0, 0, 0, 0, 0, 0, 0);
type Code = Pick<GeneratedCase, "type" | "bytes" | "relo">;

/** Slots that hold instructions: the second half of a wide one does not count. */
function insnSlots(bytes: Uint8Array): number[] {
  const slots: number[] = [];
  for (let slot = 0; slot < bytes.length / SLOT; slot++) {
    slots.push(slot);
    if (bytes[slot * SLOT] === LDDW) slot++;
  }
  return slots;
}

function withNops(code: Code, slots: readonly number[]): Code {
  const bytes = Uint8Array.from(code.bytes);
  for (const slot of slots) {
    if (code.bytes[slot * SLOT] === LDDW) bytes.set(NOP, (slot + 1) * SLOT);
    bytes.set(NOP, slot * SLOT);
  }
  return { ...code, bytes, relo: code.relo.filter(([slot]) => !slots.includes(slot)) };
}

const isNop = (bytes: Uint8Array, slot: number): boolean =>
  NOP.every((byte, at) => bytes[slot * SLOT + at] === byte);

/** Where a slot's jump, call or function load leads, and the field that says so. */
function targetOf(view: DataView, slot: number): { target: number; field: "off" | "imm" } | undefined {
  const at = slot * SLOT;
  const opcode = view.getUint8(at);
  const kind = opcode & 7;
  const src = view.getUint8(at + 1) >> 4;
  const isFunction = (opcode === 0x85 && src === 1) || (opcode === LDDW && src === 4);
  if (isFunction || opcode === 0x06) return { target: slot + 1 + view.getInt32(at + 4, true), field: "imm" };
  const isJump = (kind === 5 || kind === 6) && ![0x85, 0x95].includes(opcode);
  return isJump ? { target: slot + 1 + view.getInt16(at + 2, true), field: "off" } : undefined;
}

/** Takes the no-operations out and points jumps anew. */
function withoutNops(code: Code): Code {
  const { bytes, relo } = code;
  const heads = new Set(insnSlots(bytes));
  const isKept = (slot: number): boolean => !(heads.has(slot) && isNop(bytes, slot));
  const places: number[] = [];
  let next = 0;
  for (let slot = 0; slot <= bytes.length / SLOT; slot++) {
    places.push(next);
    if (slot < bytes.length / SLOT && isKept(slot)) next++;
  }
  const out = new Uint8Array(next * SLOT);
  const view = new DataView(out.buffer);
  const source = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let slot = 0; slot < bytes.length / SLOT; slot++) {
    if (!isKept(slot)) continue;
    const place = places[slot];
    out.set(bytes.subarray(slot * SLOT, (slot + 1) * SLOT), place * SLOT);
    const jump = heads.has(slot) ? targetOf(source, slot) : undefined;
    if (jump === undefined) continue;
    const distance = (places[jump.target] ?? next) - place - 1;
    if (jump.field === "imm") view.setInt32(place * SLOT + 4, distance, true);
    else view.setInt16(place * SLOT + 2, distance, true);
  }
  return { ...code, bytes: out, relo: relo.map(([slot, map]) => [places[slot], map] as const) };
}

/** Some differences are programs that take seconds to judge: what was found by then will do. */
const MINIMISE_MS = 10_000;

/** The smallest program found that `holds` is still true of. */
export function minimise(code: Code, test: (code: Code) => boolean): Code {
  const deadline = performance.now() + MINIMISE_MS;
  const holds = (each: Code): boolean => performance.now() < deadline && test(each);
  let best = code;
  for (let round = 0; round < 4; round++) {
    const before = best.bytes.length;
    const slots = insnSlots(best.bytes);
    for (let size = Math.ceil(slots.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
      for (let at = 0; at < slots.length; at += size) {
        const chosen = slots.slice(at, at + size).filter((slot) => !isNop(best.bytes, slot));
        if (chosen.length === 0) continue;
        const smaller = withNops(best, chosen);
        if (holds(smaller)) best = smaller;
      }
    }
    const short = withoutNops(best);
    if (short.bytes.length === best.bytes.length || !holds(short)) break;
    best = short;
    if (best.bytes.length === before) break;
  }
  return best;
}

/** A program that holds the same difference in fewer instructions. */
export function minimiseDifference(session: KernelSession, generated: GeneratedCase, caps: Caps): Code {
  const wanted = groupOf(judgeBoth(session, programOf(generated), caps));
  return minimise(generated, (code) => groupOf(judgeBoth(session, programOf(code), caps)) === wanted);
}

/** What one needs to look into a difference. */
export function showDifference(code: Code, verdicts: Verdicts, seed: number): string {
  const { ourMessage, kernelMessage, crash } = verdicts;
  return [
    `seed ${seed}, ${code.type}${code.relo.length > 0 ? `, maps ${JSON.stringify(code.relo)}` : ""}`,
    disassemble(code.bytes).trimEnd(),
    `  ours:   ${crash ?? (ourMessage || "accepted")}`,
    `  kernel: ${kernelMessage || "accepted"}`,
    `  insns:  ${Buffer.from(code.bytes).toString("hex")}`,
  ].join("\n");
}
