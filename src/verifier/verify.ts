// verify(): the one door to a VerifiedProgram. Linux 6.18's verdict on a program, with its reasons.

import { loadAttachType, sectionLoad } from "../attach-types.ts";
import type { Btf } from "../btf/btf.ts";
import { VerifierError } from "../errors.ts";
import { INSN_ROWS } from "../isa/table.ts";
import type { MapSpec, Program, VerifiedProgram } from "../program.ts";
import { callbackKind } from "./calls/calls.ts";
import { checkFunctionInfo } from "./calls/function-info.ts";
import { PrototypeProblem } from "./calls/function-prototype.ts";
import { entryFrame, GlobalFunctions } from "./calls/global-functions.ts";
import { checkKernelCalls, kernelFunctions, kfuncCallback } from "./calls/kfunc.ts";
import { Code, Opcode, PSEUDO_KFUNC_CALL } from "./code.ts";
import { attachFunction, attachTargetOf, hasAttachTarget } from "./contexts/attach-target.ts";
import { maySleepAsAsked, programTraits } from "./contexts/contexts.ts";
import { type Capabilities, Env, MAX_FRAMES, MAX_STACK, MAX_VAR_OFF, ProgramFlags } from "./env.ts";
import { ControlFlow, checkFunctions, findFunctions } from "./explore/control-flow.ts";
import { Explorer } from "./explore/explore.ts";
import { checkFixUps, finalDepths, roundUp, verified } from "./fix-up.ts";
import { describeState, type Explanation, explain, formatExplanation, hasCulprit } from "./log/explain.ts";
import { LogBuffer, LogLevel } from "./log/log.ts";
import { Trace, writeEnd } from "./log/trace.ts";
import { Way } from "./log/way.ts";
import { checkSymbol } from "./objects/kernel-symbols.ts";
import { mapFields } from "./objects/map-fields.ts";
import type { Observer } from "./observe.ts";
import type { ProgramKind } from "./prototypes/prototype.ts";
import { prototypeFor } from "./prototypes/prototypes.ts";
import type { UserHelpers } from "./prototypes/user-helpers.ts";
import { Register } from "./register.ts";
import { E2BIG, EACCES, EBADF, EINVAL, ENOTSUPP, Rejection, reject } from "./rejection.ts";
import { Frame, State } from "./state.ts";

export interface VerifyOptions {
  /** `enum bpf_attach_type`; default: what the program's section says, 0 where it says nothing. */
  readonly attachType?: number;
  /** Everything (the default), or what CAP_BPF alone allows: no pointer leaks. */
  readonly caps?: Capabilities;
  /** BPF_F_STRICT_ALIGNMENT and its kin; default: what the program's section says. */
  readonly flags?: number;
  /** BPF_LOG_*, added up. 0: no log; 1: the way to a rejection; 2: every instruction; 4: figures of the effort. */
  readonly logLevel?: number;
  /** Helpers of the user's own, by id: `runtime.helpers.defined`. */
  readonly helpers?: UserHelpers;
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
 * VerifierError with the kernel's reason; `judge` gives verdict, log and figures instead.
 */
export function verify(program: Program, options: VerifyOptions = {}): VerifiedProgram {
  const found = judge(program, options);
  if (found.program !== undefined) return found.program;
  throw new VerifierError(program.name, found.slot, found.errno, found.message, () => {
    const explanation = found.explain();
    return explanation === undefined ? found.message : formatExplanation(explanation);
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
  const load = sectionLoad(program.section);
  const { attachType = load.attachType, flags = load.flags } = options;
  const { caps = "all", helpers = NO_HELPERS, kernelBtf, cpus, attachTo = program.attachTo } = options;
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
    functions = findFunctions(
      code,
      program.functions.map(({ slot }) => slot),
      found,
    );
    checkFunctions(code, functions);
    const globals = new GlobalFunctions(checkFunctionInfo(program, code, functions));
    checkOpcodes(program, code, kernelBtf);
    checkKind(program, kind);
    const flow = new ControlFlow(code, functions, {
      callback: (slot) => {
        const [src, id] = [code.src[slot], code.imm[slot]];
        if (src === PSEUDO_KFUNC_CALL) return kfuncCallback(kernel?.find(id));
        return src === 0 && !helpers.has(id) ? callbackKind(id) : "none";
      },
      arguments: (slot) => {
        const [src, id] = [code.src[slot], code.imm[slot]];
        if (src === PSEUDO_KFUNC_CALL) return kernel?.find(id)?.params.length;
        return src === 0 ? (helpers.get(id) ?? prototypeFor(id, kind, caps))?.args.length : undefined;
      },
    });
    const isTraced = kernelBtf !== undefined && hasAttachTarget(program.type);
    const target = isTraced ? attachTargetOf(kernelBtf, attachType, attachTo) : undefined;
    env = new Env(program, code, kind, flow, { caps, log, flags, helpers, kernelBtf, cpus, globals, target });
    env.state = entryState();
    env.observer = observe(env);
    noteMain(env);
    new Explorer(env).explore(env.state, 0);
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

/** r1 is the context, r10 the end of the stack. */
function entryState(): State {
  const frame = new Frame(0, 0, -1);
  frame.registers[1] = Register.pointer("ctx");
  frame.registers[10] = Register.pointer("fp");
  return new State([frame]);
}

const NO_HELPERS: UserHelpers = new Map();
/** A program's own prototype decides nothing, but the kernel says what is wrong with it. */
function noteMain(env: Env): void {
  const { globals, log } = env;
  if (log === undefined || !globals.isGlobal(0)) return;
  const parameters = globals.parameters(env, 0);
  if (parameters instanceof PrototypeProblem) log.write(`${parameters.message}\n`);
}

/** Each global function that a verified one calls, by itself. */
function exploreGlobals(env: Env): void {
  const { globals, flow, log } = env;
  const verified = new Set<number>();
  for (let isDone = false; !isDone; ) {
    isDone = true;
    for (const [index, start] of flow.functions.entries()) {
      if (!globals.called.has(index) || verified.has(index)) continue;
      verified.add(index);
      isDone = false;
      env.slot = start;
      log?.write(`Validating ${globals.name(index)}() func#${index}...\n`);
      env.state = new State([entryFrame(env, index)]);
      env.observer?.begins();
      new Explorer(env).explore(env.state, start);
      log?.write(`Func#${index} ('${globals.name(index)}') is safe for any args that match its prototype\n`);
    }
  }
}

/** The kernel loads each type for some attach types only; of a few, for none unless BTF says where. */
function checkAttachType(type: string, attachType: number): void {
  if (type === "raw")
    reject(-1, EINVAL, "a raw program has no context that is known: it can only run checked");
  if (type === "unspec" || loadAttachType(type, attachType) === undefined) {
    reject(-1, EINVAL, `a program of type ${type} cannot have the expected attach type ${attachType}`);
  }
}

/** The program's type goes with how it was asked to run, and with its maps. */
function checkKind(program: Program, kind: ProgramKind): void {
  if (!maySleepAsAsked(kind)) {
    if (kind.type === "syscall") reject(-1, EINVAL, "Syscall programs can only be sleepable");
    const types = "fentry/fexit/fmod_ret, lsm, iter, uprobe, and struct_ops";
    reject(-1, EINVAL, `Only ${types} programs can be sleepable`);
  }
  const traits = programTraits(kind.type);
  for (const map of new Set(program.maps.map((use) => use.map))) {
    const fields = new Set(mapFields(map).map(({ name }) => name));
    if (traits.noSpinLock && fields.has("bpf_spin_lock")) {
      const who = kind.type === "socket_filter" ? "socket filter" : "tracing";
      reject(-1, EINVAL, `${who} progs cannot use bpf_spin_lock yet`);
    }
    if (traits.isTracing && fields.has("bpf_timer")) {
      reject(-1, EINVAL, "tracing progs cannot use bpf_timer yet");
    }
    if (kind.isSleepable && !SLEEPABLE_MAPS.has(map.type)) {
      reject(-1, EINVAL, "Sleepable programs can only use array, hash, ringbuf and local storage maps");
    }
  }
}

/** Hash, array, per-CPU and LRU forms, maps of maps, ring buffers, local storage, queues, arena. */
const SLEEPABLE_MAPS = new Set([1, 2, 5, 6, 9, 10, 11, 12, 13, 22, 23, 24, 27, 28, 29, 31, 32, 33]);

/** Each instruction is one, before any is explored (resolve_pseudo_ldimm64). */
function checkOpcodes(program: Program, code: Code, kernelBtf: Btf | undefined): void {
  const uses = new Map(program.maps.map((use) => [use.slot, use]));
  for (let slot = 0; slot < code.length; slot++) {
    const opcode = code.code[slot];
    const mode = opcode & 0xe0;
    if ((opcode & 7) === 1 && ((mode !== 0x60 && mode !== 0x80) || code.imm[slot] !== 0)) {
      reject(slot, EINVAL, "BPF_LDX uses reserved fields");
    }
    if (opcode === Opcode.LDDW) {
      checkWide(code, slot);
      if (code.src[slot] === 3) checkSymbol(slot, program, kernelBtf, code.imm[slot]);
      const use = uses.get(slot);
      const needsMap = [1, 2, 5, 6].includes(code.src[slot]);
      if (needsMap && use === undefined) {
        reject(slot, EBADF, `fd ${code.imm[slot]} is not pointing to valid bpf_map`);
      }
      if (use?.offset !== undefined) checkDirectValue(slot, use.map, use.offset);
      slot++;
    } else if (!KNOWN_OPCODES.has(opcode)) {
      reject(slot, EINVAL, `unknown opcode ${opcode.toString(16).padStart(2, "0")}`);
    }
  }
}

/** The address of a byte of a map's value: of an array's only one. */
function checkDirectValue(slot: number, { type, maxEntries, valueSize }: MapSpec, offset: number): void {
  const off = offset >>> 0;
  if (off >= MAX_VAR_OFF) reject(slot, EINVAL, `direct value offset of ${off} is not allowed`);
  if (type !== ARRAY) reject(slot, EINVAL, "no direct value access support for this map type");
  if (maxEntries === 1 && off < valueSize) return;
  const errno = maxEntries === 1 ? EINVAL : ENOTSUPP;
  reject(slot, errno, `invalid access to map value pointer, value_size=${valueSize} off=${off}`);
}
const ARRAY = 2;

function checkWide(code: Code, slot: number): void {
  const next = slot + 1;
  const isBroken =
    next >= code.length ||
    code.code[next] !== 0 ||
    code.dst[next] !== 0 ||
    code.src[next] !== 0 ||
    code.off[next] !== 0;
  if (isBroken) reject(slot, EINVAL, "invalid bpf_ld_imm64 insn");
  const src = code.src[slot];
  const isWrong = src > 6 || ((src === 1 || src === 5) && code.imm[next] !== 0);
  if (isWrong) reject(slot, EINVAL, "unrecognized bpf_ld_imm64 insn");
}

/** What the kernel's table of opcodes has: all instructions but the one that is an extension here. */
const KNOWN_OPCODES: ReadonlySet<number> = new Set(
  INSN_ROWS.map(({ code }) => code).filter((code) => code !== Opcode.CALLX),
);

/** All frames of the deepest chain of calls fit the stack. */
function checkDepth(env: Env): void {
  const calls = env.flow.functions.map((_, index) => callsOf(env, index));
  // As for a kernel that compiles programs, where a frame without a stack takes none.
  const round = (bytes: number): number => (bytes + 15) & ~15;
  /** Places in chains that were looked at: another chain to the same place fares the same. */
  const seen = new Set<string>();
  const visit = (index: number, depth: number, frames: number): void => {
    const own = round(env.stackDepth[index]) + (env.traits.privateStack ? 0 : depth);
    if (own > MAX_STACK) {
      reject(-1, EACCES, `combined stack size of ${frames} calls is ${own}. Too large`);
    }
    const place = `${index} ${own} ${frames}`;
    if (seen.has(place)) return;
    seen.add(place);
    for (const [target, slot] of calls[index]) {
      if (frames >= MAX_FRAMES) reject(slot, E2BIG, `the call stack of ${frames} frames is too deep !`);
      visit(target, own, frames + 1);
    }
  };
  for (const index of [0, ...env.asyncFunctions].sort((a, b) => a - b)) visit(index, 0, 1);
}

/** The functions that a function calls, or gives to a helper to run on top of it, each with the first place of it. */
function callsOf({ code, flow, asyncFunctions }: Env, index: number): ReadonlyMap<number, number> {
  const { functions } = flow;
  const targets = new Map<number, number>();
  for (let slot = functions[index]; slot < (functions[index + 1] ?? code.length); slot++) {
    if (!code.isLocalCall(slot) && !code.isFunctionLoad(slot)) continue;
    const target = flow.functionAt(slot + 1 + code.imm[slot]);
    if (!code.isLocalCall(slot) && asyncFunctions.has(target)) continue;
    if (!targets.has(target)) targets.set(target, slot);
  }
  return targets;
}
