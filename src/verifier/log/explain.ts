// A rejection for people: which instruction and source line, which register and what was known of it, the rule that
// it breaks, the way that led there, and what usually helps. Plain data; formatExplanation makes text of it.

import type { Program, SourceLine } from "../../program.ts";
import { Class, Code } from "../code.ts";
import type { Rejection } from "../rejection.ts";
import type { State } from "../state.ts";
import { findAssertion } from "./assertions.ts";
import { CauseFinder, type CauseKind, type Step } from "./cause.ts";
import { formatSlotInsn } from "./print-insn.ts";
import { formatFrame, formatRegister } from "./print-state.ts";
import type { Moment } from "./way.ts";

/** A place in the program. */
export interface Place {
  readonly slot: number;
  /** The instruction as the log prints it, without its slot. */
  readonly insn: string;
  /** Function that it is part of. */
  readonly function: string;
  /** Where its source is known. */
  readonly source?: SourceLine;
}

interface Cause extends Place {
  readonly kind: CauseKind;
  readonly text: string;
  /** The register behind the instruction. */
  readonly state: string;
}

export interface Explanation {
  readonly program: string;
  /** The kernel's words; several lines at times. */
  readonly message: string;
  readonly errno: number;
  /** Undefined where it is about the program as a whole. */
  readonly place?: Place;
  readonly assertion: string;
  readonly rule: string;
  readonly register?: { readonly name: string; readonly state: string };
  /** All that was known before the instruction, as the log prints it. */
  readonly state: string;
  /** How the register came to be what it is, the first step first. */
  readonly causes: readonly Cause[];
  readonly remedy?: string;
}

/** What the explorer knew when it said no. */
interface Evidence {
  readonly rejection: Rejection;
  /** All that was known before the instruction; empty when nothing was explored. */
  readonly state: string;
  readonly moments: readonly Moment[];
  /** The moments go back to where the program, or the function, begins. */
  readonly isWhole: boolean;
}

/** A state as an explanation shows it. */
export const describeState = (state: State | undefined): string =>
  state === undefined ? "" : formatFrame(state, state.frame).trimStart();

/** True where a register is to blame, so that the way that made it matters. */
export const hasCulprit = (program: Program, { slot, message }: Rejection): boolean =>
  slot >= 0 && slot < program.slots && culprit(new Code(program), slot, message) >= 0;

export function explain(program: Program, { rejection, state, moments, isWhole }: Evidence): Explanation {
  const code = new Code(program);
  const { message, errno, slot } = rejection;
  const last = moments.at(-1);
  const way = last?.slot === slot ? moments : [];
  const number = way.length > 0 ? culprit(code, slot, message) : -1;
  const steps = number < 0 ? referenceSteps(message, code) : new CauseFinder(code, way, isWhole).find(number);
  const held = way.at(-1)?.registers[number];
  const assertion = findAssertion(message, held?.isPointer === true && held.scalar.isConstant);
  const remedy = assertion.remedy?.({
    register: number < 0 ? "" : `r${number}`,
    isEndedByCall: steps.some(({ kind }) => kind === "ended"),
  });
  return {
    program: program.name,
    message,
    errno,
    ...(slot >= 0 && slot < code.length ? { place: placeOf(program, code, slot) } : {}),
    assertion: assertion.name,
    rule: assertion.rule,
    ...(held === undefined ? {} : { register: { name: `r${number}`, state: describe(held, last) } }),
    state,
    causes: steps.map((step) => ({ ...placeOf(program, code, step.slot), ...step })),
    ...(remedy === undefined ? {} : { remedy }),
  };
}

function describe(held: Moment["registers"][number], last: Moment | undefined): string {
  return held.kind === "none" ? "not written" : formatRegister(held, last?.frame);
}

function placeOf(program: Program, code: Code, slot: number): Place {
  const source = program.lineAt(slot);
  return {
    slot,
    insn: insnText(program, code, slot),
    function: program.functionAt(slot)?.name ?? program.name,
    ...(source === undefined ? {} : { source }),
  };
}

/** Calls of kernel functions by the name that the object gives: their ids are the kernel's business. */
function insnText(program: Program, code: Code, slot: number): string {
  const text = formatSlotInsn(code, slot);
  const called = program.kernelCalls.find((call) => call.slot === slot);
  return called === undefined ? text : text.replace(/kfunc#\d+/, called.name);
}

/** The register that the message names, or that the instruction goes through; -1: none. */
function culprit(code: Code, slot: number, message: string): number {
  for (const line of message.split("\n").reverse()) {
    const named = /\bR(\d+)\b/.exec(line);
    if (named !== null && Number(named[1]) <= 10) return Number(named[1]);
  }
  const argument = code.isCall(slot) ? argumentOf(message) : -1;
  if (argument > 0) return argument;
  if (/reference|lock|infinite loop|too large|too complex/.test(message)) return -1;
  const kind = code.class(slot);
  if (kind === Class.LDX) return code.src[slot] <= 10 ? code.src[slot] : -1;
  if (kind === Class.ST || kind === Class.STX) return code.dst[slot] <= 10 ? code.dst[slot] : -1;
  return -1;
}

/** Some messages count arguments from 0, others from 1. */
function argumentOf(message: string): number {
  const counted = /\bargs?#(\d)|\barg #(\d)|trusted arg(\d)/.exec(message)?.slice(1).find(Boolean);
  const named = /helper arg(\d)|\barg (\d) is/.exec(message)?.slice(1).find(Boolean);
  const number = counted !== undefined ? Number(counted) + 1 : Number(named ?? -1);
  return number <= 5 ? number : -1;
}

/** Where what was not given back was taken. */
function referenceSteps(message: string, code: Code): Step[] {
  return [...message.matchAll(/Unreleased reference id=(\d+) alloc_insn=(\d+)/g)]
    .map(([, id, slot]) => ({ id, slot: Number(slot) }))
    .filter(({ slot }) => slot < code.length)
    .map(({ id, slot }) => ({ kind: "origin", slot, text: `reference ${id} is taken here`, state: "" }));
}

const lineOf = ({ file, line }: SourceLine): string => `${file.slice(file.lastIndexOf("/") + 1)}:${line}`;

/** The source line, and a caret below its column. */
function sourceLines(source: SourceLine): string[] {
  const text = source.text.replace(/\s+$/, "");
  const lead = text.length - text.trimStart().length;
  const shown = text.slice(lead);
  const column = Math.max(0, Math.min(source.column - 1 - lead, shown.length));
  const margin = `${source.line}`;
  // Tabs stay, so that the caret stands where the reader's editor puts the column.
  const indent = shown.slice(0, column).replace(/[^\t]/g, " ");
  return [
    `  --> ${lineOf(source)}${source.column > 0 ? `:${source.column}` : ""}`,
    `  ${margin} | ${shown}`,
    ...(source.column > 0 ? [`  ${" ".repeat(margin.length)} | ${indent}^`] : []),
  ];
}

function causeLines(cause: Cause): string[] {
  const place = cause.source === undefined ? "" : `  ; ${cause.source.text.trim()} @ ${lineOf(cause.source)}`;
  const state = cause.state === "" ? "" : ` → ${cause.state}`;
  return [`  ${cause.slot}: ${cause.insn}${place}`, `      ${cause.text}${state}`];
}

/** What the report says beside the kernel's message: source line, rule, register, way and remedy, in lines. */
export function explanationLines({
  place,
  register,
  causes,
  remedy,
  rule,
  assertion,
}: Explanation): string[] {
  return [
    ...(place?.source === undefined ? [] : sourceLines(place.source)),
    `rule: ${rule} [${assertion}]`,
    ...(register === undefined ? [] : [`${register.name}: ${register.state}`]),
    ...(causes.length === 0 ? [] : ["how it came to this:", ...causes.flatMap(causeLines)]),
    ...(remedy === undefined ? [] : [`remedy: ${remedy}`]),
  ];
}

/** The report as text, several lines, without a line end at its end. */
export function formatExplanation(report: Explanation): string {
  const { place } = report;
  const where = place === undefined ? "" : ` at ${place.slot}: ${place.insn}, in ${place.function}`;
  return [
    `${report.program} is rejected${where}`,
    ...report.message.split("\n").map((line) => `  ${line}`),
    ...explanationLines(report),
  ].join("\n");
}
