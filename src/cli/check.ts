// tracebee check: whether Linux would load the programs of some files, and why not.

import { basename } from "node:path";
import { sectionAttachType, sectionLoad } from "../attach-types.ts";
import { LoadError } from "../errors.ts";
import { formatLine } from "../isa/disassembler.ts";
import { KernelSession, kernelUnavailable } from "../kernel/bpf.ts";
import { errnoName, KernelError } from "../kernel/syscall.ts";
import type { ObjectFile } from "../loader/object-file.ts";
import type { Program, SourceLine } from "../program.ts";
import type { ProgramType } from "../program-types.ts";
import { type Explanation, explanationLines } from "../verifier/log/explain.ts";
import { judge, type Verdict } from "../verifier/verify.ts";
import { type Command, readArgs, UsageError } from "./command.ts";
import { choosePrograms, loadFile, readProgramType } from "./input.ts";
import { KernelTypes } from "./kernel-types.ts";
import { formatCount, toJson } from "./tables.ts";

const USAGE = `usage: tracebee check FILE... [OPTION...]

Says of every program of the files (ELF objects, texts of assembly, bare instructions) whether Linux would load it,
and why not. Exit status: 0 all are accepted, 1 some are not, 2 wrong usage.

  --program NAME    this program only; default: all of each file
  --type TYPE       program type, where the file does not say
  --caps all|bpf    what the loader may do: everything (the default), or what CAP_BPF alone allows
  --log-level N     the log of the verifier: 1 the way to a rejection, 2 every instruction, 4 figures; add them up
  --kernel-btf FILE types of the kernel that the programs are for; default: this machine's
  --kernel          the verdict of this machine's own kernel too (needs leave to call bpf(2), and the package koffi)
  --json            everything as JSON, one list
`;

/** The last bits of log levels: 1 and 2 exclude each other, 4 adds the figures. */
const MAX_LOG_LEVEL = 7;

interface CheckOptions {
  readonly caps: "all" | "bpf";
  readonly logLevel: number;
  readonly kernel: boolean;
  readonly kernelTypes: KernelTypes;
}

/** What one verifier says. */
interface Opinion {
  readonly verdict: "accepted" | "rejected" | "unknown";
  /** Name of the errno; empty when accepted. */
  readonly errno: string;
  readonly message: string;
  readonly log?: string;
}

/** All that is said of one program. */
interface Finding extends Opinion {
  readonly file: string;
  readonly program: string;
  readonly section: string;
  readonly type: string;
  readonly attachType: string | undefined;
  /** The instruction that a rejection is about, and the line that it comes from. */
  readonly slot: number | undefined;
  readonly insn: string | undefined;
  readonly source: SourceLine | undefined;
  /** Which rule is broken, how it came to that, and what usually helps. */
  readonly explanation: Explanation | undefined;
  readonly processed: number;
  readonly states: number;
  readonly peakStates: number;
  readonly maxStatesPerInsn: number;
  readonly kernel: Opinion | undefined;
}

function insnAt(program: Program, slot: number): string | undefined {
  try {
    const insn = program.decoded.find((each) => each.slot === slot);
    return insn && formatLine(insn).trim();
  } catch (error) {
    // Bytes that are no instruction are what some rejections are about.
    if (error instanceof LoadError) return undefined;
    throw error;
  }
}

function withLog(opinion: Opinion, log: string | readonly string[] | undefined): Opinion {
  const text = typeof log === "string" ? log : (log ?? []).join("\n");
  return text === "" ? opinion : { ...opinion, log: text };
}

function opinionOf(verdict: Verdict): Opinion {
  const { isAccepted, message, errno } = verdict;
  const opinion: Opinion = {
    verdict: isAccepted ? "accepted" : "rejected",
    errno: isAccepted ? "" : errnoName(errno),
    message,
  };
  return withLog(opinion, (verdict as { readonly log?: string | readonly string[] }).log);
}

/** The machine's kernel's; `unknown` where it was not asked because it refuses a map of the program. */
function kernelOpinion(
  session: KernelSession,
  program: Program,
  { caps, logLevel, kernelTypes }: CheckOptions,
): Opinion {
  try {
    const types = kernelTypes.btf;
    const verdict = session.load(program, {
      ...sectionLoad(program),
      caps,
      logLevel: logLevel || 1,
      ...(types === undefined ? {} : { kernelBtf: types }),
    });
    verdict.program?.close();
    const { isAccepted, errno, message, log } = verdict;
    const name = isAccepted ? "" : errnoName(errno);
    const opinion: Opinion = { verdict: isAccepted ? "accepted" : "rejected", errno: name, message };
    return logLevel === 0 ? opinion : withLog(opinion, log);
  } catch (error) {
    if (error instanceof KernelError)
      return { verdict: "unknown", errno: error.code, message: error.message };
    if (error instanceof RangeError) return { verdict: "unknown", errno: "", message: error.message };
    throw error;
  }
}

/** Why there is no verdict on programs of that type; undefined where there is one. */
function whyNotJudged(program: Program): string | undefined {
  if (program.type === "raw") return "Linux has no programs of type raw: --type gives one that it has";
  if (program.type !== "unspec") return undefined;
  return `the name of section ${program.section} says no program type: --type gives one`;
}

function checkProgram(
  file: string,
  program: Program,
  options: CheckOptions,
  session: KernelSession | undefined,
): Finding {
  const reason = whyNotJudged(program);
  if (reason !== undefined) return unjudged(file, program, reason);
  const { caps, logLevel } = options;
  const kernelBtf = options.kernelTypes.btf;
  const verdict = judge(program, {
    caps,
    logLevel,
    ...(kernelBtf === undefined ? {} : { kernelBtf }),
  });
  const slot = verdict.isAccepted || verdict.slot < 0 ? undefined : verdict.slot;
  const { processed, states, peakStates, maxStatesPerInsn } = verdict;
  return {
    file,
    program: program.name,
    section: program.section,
    type: program.type,
    attachType: sectionAttachType(program.section),
    ...opinionOf(verdict),
    slot,
    insn: slot === undefined ? undefined : insnAt(program, slot),
    source: slot === undefined ? undefined : program.lineAt(slot),
    explanation: verdict.explain(),
    processed,
    states,
    peakStates,
    maxStatesPerInsn,
    kernel: session && kernelOpinion(session, program, options),
  };
}

/** A program that no verifier has seen. */
function unjudged(
  file: string,
  { name, section, type }: { readonly name: string; readonly section: string; readonly type: string },
  message: string,
): Finding {
  return {
    file,
    program: name,
    section,
    type,
    attachType: undefined,
    verdict: "unknown",
    errno: "",
    message,
    slot: undefined,
    insn: undefined,
    source: undefined,
    explanation: undefined,
    processed: 0,
    states: 0,
    peakStates: 0,
    maxStatesPerInsn: 0,
    kernel: undefined,
  };
}

/** A program that the loader could not make. */
const failureFinding = (file: string, name: string, { message }: Error): Finding =>
  unjudged(file, { name, section: "", type: "unspec" }, message);

/** What Node throws for a file that is not there or may not be read. */
const isFileProblem = (error: unknown): error is Error =>
  error instanceof Error && "syscall" in error && "path" in error;

/** The findings of a file; a file that does not load is one, so that the next ones are judged. */
function checkFile(
  file: string,
  type: ProgramType | undefined,
  only: string | undefined,
  options: CheckOptions,
): Finding[] {
  try {
    return checkObject(file, loadFile(file, type), only, options);
  } catch (error) {
    if (!(error instanceof LoadError) && !isFileProblem(error)) throw error;
    return [failureFinding(file, basename(file), error)];
  }
}

function checkObject(
  file: string,
  object: ObjectFile,
  only: string | undefined,
  options: CheckOptions,
): Finding[] {
  const failures = only === undefined ? [...object.failures] : [];
  const failed = failures.map(([name, failure]) => failureFinding(file, name, failure));
  // Programs of one object share its maps; those of the next one have others.
  const session = options.kernel ? new KernelSession() : undefined;
  try {
    const programs = choosePrograms(object, only);
    return [...programs.map((program) => checkProgram(file, program, options, session)), ...failed];
  } finally {
    session?.close();
  }
}

const WORDS = { accepted: "accepted", rejected: "rejected", unknown: "not judged" } as const;

function describe({ verdict, errno, message }: Opinion): string {
  const [last = ""] = message.split("\n").slice(-1);
  const reason = [errno, last].filter((part) => part !== "").join(", ");
  return verdict === "accepted" ? WORDS.accepted : `${WORDS[verdict]}: ${reason || "no reason given"}`;
}

function indent(text: string, margin = "    "): string {
  return text.replace(/^/gm, margin).trimEnd();
}

/** A program's line, and below it what explains the verdict. */
function report(finding: Finding): string {
  const { program, type, attachType, verdict, insn, explanation, log, kernel, processed } = finding;
  const kind = attachType === undefined || attachType === type ? type : `${type}, ${attachType}`;
  const lines = [`${program}${type === "unspec" ? "" : ` (${kind})`}: ${describe(finding)}`];
  if (verdict === "accepted") lines[0] += `, ${formatCount(processed)} instructions processed`;
  const earlier = finding.message.split("\n").slice(0, -1);
  for (const line of earlier) lines.push(`  ${line}`);
  if (insn !== undefined) lines.push(`  at ${insn}`);
  if (explanation !== undefined) lines.push(indent(explanationLines(explanation).join("\n"), "  "));
  if (log !== undefined) lines.push(indent(log));
  if (kernel !== undefined) {
    lines.push(`  kernel: ${describe(kernel)}`);
    if (kernel.log !== undefined) lines.push(indent(kernel.log));
  }
  return lines.map((line) => `${line}\n`).join("");
}

function summary(findings: readonly Finding[]): string {
  const count = (wanted: Finding["verdict"]): number =>
    findings.filter(({ verdict }) => verdict === wanted).length;
  const parts = [`${count("accepted")} accepted`, `${count("rejected")} rejected`];
  if (count("unknown") > 0) parts.push(`${count("unknown")} not judged`);
  const judged = findings.filter(({ kernel }) => kernel !== undefined && kernel.verdict !== "unknown");
  const same = judged.filter(({ verdict, kernel }) => verdict === kernel?.verdict);
  if (judged.length > 0) parts.push(`the kernel agrees on ${same.length} of ${judged.length}`);
  return `${findings.length} programs: ${parts.join(", ")}\n`;
}

function readOptions(values: {
  readonly caps?: string | undefined;
  readonly "log-level"?: string | undefined;
  readonly kernel?: boolean | undefined;
  readonly "kernel-btf"?: string | undefined;
}): CheckOptions {
  const { caps = "all", "log-level": level = "0", kernel = false } = values;
  if (caps !== "all" && caps !== "bpf") throw new UsageError(`--caps: expected all or bpf, got "${caps}"`);
  const logLevel = /^\d$/.test(level) ? Number(level) : -1;
  if (logLevel < 0 || logLevel > MAX_LOG_LEVEL) {
    throw new UsageError(`--log-level: expected 0 to ${MAX_LOG_LEVEL}, got "${level}"`);
  }
  return { caps, logLevel, kernel, kernelTypes: new KernelTypes(values["kernel-btf"]) };
}

export const check: Command = {
  name: "check",
  summary: "say whether Linux would load a program, and why not",
  usage: USAGE,
  run(args) {
    const { values, positionals } = readArgs(args, {
      program: { type: "string" },
      type: { type: "string" },
      caps: { type: "string" },
      "log-level": { type: "string" },
      kernel: { type: "boolean" },
      "kernel-btf": { type: "string" },
      json: { type: "boolean" },
    });
    if (positionals.length === 0) throw new UsageError("expected a file, got none");
    const options = readOptions(values);
    const type = readProgramType(values.type);
    const missing = options.kernel ? kernelUnavailable() : undefined;
    if (missing !== undefined) throw new UsageError(`--kernel: ${missing}`);
    const findings: Finding[] = [];
    for (const file of positionals) {
      const own = checkFile(file, type, values.program, options);
      findings.push(...own);
      if (values.json === true) continue;
      if (positionals.length > 1) process.stdout.write(`${file}:\n`);
      process.stdout.write(own.map(report).join(""));
    }
    if (values.json === true) process.stdout.write(`${toJson(findings, 2)}\n`);
    else if (findings.length > 1) process.stdout.write(summary(findings));
    return findings.every(({ verdict }) => verdict === "accepted") ? 0 : 1;
  },
};
