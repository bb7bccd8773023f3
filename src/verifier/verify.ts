// verify(): the one door to a VerifiedProgram. Linux 6.18's verdict on a program, with its reasons.

import { loadAttachType, ProgramFlags, sectionLoad } from "../attach-types.ts";
import type { Btf } from "../btf/btf.ts";
import { VerifierError } from "../errors.ts";
import type { Program, VerifiedProgram } from "../program.ts";
import { callTable } from "./calls/call-table.ts";
import { checkFunctionInfo } from "./calls/function-info.ts";
import { GlobalFunctions } from "./calls/global-functions.ts";
import { checkKernelCalls, kernelFunctions } from "./calls/kfunc.ts";
import { Code } from "./code.ts";
import { attachFunction, attachTargetOf } from "./contexts/attach-target.ts";
import { checkAttachType, checkKind } from "./contexts/load-checks.ts";
import { Env } from "./env.ts";
import { ControlFlow, checkFunctions, findFunctions } from "./explore/control-flow.ts";
import { entryState, exploreGlobals, exploreMain } from "./explore/entries.ts";
import { checkDepth } from "./explore/stack-depth.ts";
import { checkFixUps, finalDepths, roundUp, verified } from "./fix-up.ts";
import { checkOpcodes } from "./insns/opcodes.ts";
import {
  describeState,
  type Explanation,
  explain,
  explanationLines,
  formatExplanation,
  hasCulprit,
} from "./log/explain.ts";
import { LogBuffer, LogLevel } from "./log/log.ts";
import { Trace, writeEnd } from "./log/trace.ts";
import { Way } from "./log/way.ts";
import type { Observer } from "./observe.ts";
import { ProgramHelpers } from "./prototypes/program-helpers.ts";
import type { Capabilities, ProgramKind } from "./prototypes/prototype.ts";
import type { UserHelpers } from "./prototypes/user-helpers.ts";
import { Rejection } from "./rejection.ts";

export interface VerifyOptions {
  /** `enum bpf_attach_type`; default: what the program's section says, 0 where it says nothing. */
  readonly attachType?: number;
  /** Everything (the default), or what CAP_BPF alone allows: no pointer leaks. */
  readonly caps?: Capabilities;
  /** BPF_F_STRICT_ALIGNMENT and its kin; default: what the program's section says, sleepable for type syscall. */
  readonly flags?: number;
  /** BPF_LOG_*, added up. 0: no log; 1: the way to a rejection; 2: every instruction; 4: figures of the effort. */
  readonly logLevel?: number;
  /** Helpers of the user's own, by id: `runtime.helpers.defined`. */
  readonly helpers?: UserHelpers;
  /**
   * Takes functions without BTF for static ones, so that they may be called back; the kernel wants BTF for that. For
   * programs of which only the instructions are there.
   */
  readonly assumesStaticFunctions?: boolean;
  /** The kernel's own BTF (`/sys/kernel/btf/vmlinux`), for programs that name its types or functions. */
  readonly kernelBtf?: Btf;
  /** CPUs that the machine may have, where that is known: a CPU's number is below it. Default: any. */
  readonly cpus?: number;
  /** What a program of type `tracing` or `lsm` attaches to; the program's own `attachTo` when missing. */
  readonly attachTo?: string;
}

export interface Verdict {
  readonly isAccepted: boolean;
  /** Why not, in the kernel's words; empty when accepted. */
  readonly message: string;
  /** Slot that the message is about; -1 for the program as a whole. */
  readonly slot: number;
  readonly errno: number;
  /** Instructions looked at, over all ways. */
  readonly processed: number;
  readonly states: number;
  readonly peakStates: number;
  readonly maxStatesPerInsn: number;
  readonly program: VerifiedProgram | undefined;
  /** The log as the kernel writes it, at the level that was asked for. */
  readonly log: string;
  /** Why not, for people: the program is looked at once more for it. Undefined when it is accepted. */
  explain(): Explanation | undefined;
}

/** Judges a program as Linux 6.18 would. Throws nothing but what the program's own bytes make impossible to read. */
export function judge(program: Program, options: VerifyOptions = {}): Verdict {
  const began = performance.now();
  const { logLevel = 0 } = options;
  const log = logLevel > 0 ? new LogBuffer(logLevel) : undefined;
  const isTraced = (logLevel & (LogLevel.WAY | LogLevel.ALL)) !== 0;
  const run = explore(program, options, log, (env) =>
    log !== undefined && isTraced ? new Trace(env, log) : undefined,
  );
  if (log !== undefined) writeEnd(log, run, (performance.now() - began) * 1000);
  return verdict(program, options, run, log);
}

/**
 * Proves a program safe as Linux 6.18 would. Engines run what this gives without tests of their own. Throws a
 * VerifierError with the kernel's reason and its explanation, for which it is looked at once more; `judge` gives
 * verdict, log and figures instead.
 */
export function verify(program: Program, options: VerifyOptions = {}): VerifiedProgram {
  const found = judge(program, options);
  if (found.program !== undefined) return found.program;
  const { slot, errno, message: reason } = found;
  const report = found.explain();
  throw new VerifierError({
    program: program.name,
    slot,
    errno,
    reason,
    explanation: report === undefined ? reason : formatExplanation(report),
    details: report === undefined ? [] : explanationLines(report),
  });
}

interface Run {
  /** Undefined when the program's shape alone was enough to reject it. */
  readonly env: Env | undefined;
  /** First slots of those that were found. */
  readonly functions: readonly number[];
  /** Bytes of stack of each function that is left in the end. */
  readonly depths: readonly number[];
  readonly error: Rejection | undefined;
}

/** All that is checked, seen by an observer. */
function explore(
  program: Program,
  options: VerifyOptions,
  log: LogBuffer | undefined,
  observe: (env: Env) => Observer | undefined,
): Run {
  const load = sectionLoad(program);
  const { attachType = load.attachType, flags = load.flags } = options;
  const { caps = "all", kernelBtf, cpus, attachTo = program.attachTo } = options;
  const kind: ProgramKind = {
    type: program.type,
    attachType: loadAttachType(program.type, attachType) ?? attachType,
    isSleepable: (flags & ProgramFlags.SLEEPABLE) !== 0,
    ...attachFunction(program.type, attachType, attachTo),
  };
  let env: Env | undefined;
  const found = new Set<number>();
  let functions: readonly number[] | undefined;
  let depths: readonly number[] | undefined;
  let error: Rejection | undefined;
  try {
    checkAttachType(program.type, attachType);
    const code = new Code(program, kernelBtf);
    const kernel = kernelBtf && kernelFunctions(kernelBtf);
    checkKernelCalls(code, kernel, program.isGpl);
    functions = findFunctions(code, found);
    checkFunctions(code, functions);
    const info = checkFunctionInfo(program, code, functions);
    const globals = new GlobalFunctions(info, options.assumesStaticFunctions === true);
    checkOpcodes(program, code, kernelBtf);
    checkKind(program, kind);
    const helpers = new ProgramHelpers(kind, caps, options.helpers ?? NO_HELPERS);
    const flow = new ControlFlow(code, functions, callTable(code, helpers, kernel));
    const target = attachTargetOf(program.type, attachType, attachTo, kernelBtf);
    env = new Env(program, code, kind, flow, { caps, log, flags, helpers, kernelBtf, cpus, globals, target });
    env.state = entryState();
    env.observer = observe(env);
    exploreMain(env);
    exploreGlobals(env);
    checkDepth(env);
    depths = finalDepths(env);
    checkFixUps(env);
  } catch (thrown) {
    if (!(thrown instanceof Rejection)) throw thrown;
    error = thrown;
  }
  functions ??= found.size > 0 ? [...found] : [0];
  depths ??= env?.stackDepth.map(roundUp) ?? functions.map(() => 0);
  return { env, functions, depths, error };
}

/** Looks at the program again where a register is to blame, and this time remembers the way. */
function explainRejection(
  program: Program,
  options: VerifyOptions,
  rejection: Rejection,
  state: string,
): Explanation {
  let way: Way | undefined;
  if (hasCulprit(program, rejection)) {
    explore(program, options, undefined, (seen) => {
      way = new Way(seen);
      return way;
    });
  }
  return explain(program, { rejection, state, moments: way?.moments ?? [], isWhole: way?.isWhole !== false });
}

function verdict(
  program: Program,
  options: VerifyOptions,
  { env, error }: Run,
  log: LogBuffer | undefined,
): Verdict {
  // As text: the state itself would keep all states before it alive.
  const state = error === undefined ? "" : describeState(env?.state);
  return {
    isAccepted: error === undefined,
    message: error?.message ?? "",
    slot: error?.slot ?? -1,
    errno: error?.errno ?? 0,
    processed: env?.insnsProcessed ?? 0,
    states: env?.totalStates ?? 0,
    peakStates: env?.peakStates ?? 0,
    maxStatesPerInsn: env?.maxStatesPerInsn ?? 0,
    program: error === undefined && env !== undefined ? verified(env) : undefined,
    log: log?.toString() ?? "",
    explain: () => (error === undefined ? undefined : explainRejection(program, options, error, state)),
  };
}

const NO_HELPERS: UserHelpers = new Map();
