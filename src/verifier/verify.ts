// verify(): the one door to a VerifiedProgram. Linux 6.18's verdict on a program, with its reasons.

import type { Program, VerifiedProgram } from "../program.ts";
import { callbackKind } from "./calls.ts";
import { Code, Opcode } from "./code.ts";
import { ControlFlow, checkFunctions, findFunctions } from "./control-flow.ts";
import { type Capabilities, Env } from "./env.ts";
import { Explorer } from "./explore.ts";
import type { ProgramKind } from "./prototype.ts";
import { Register } from "./register.ts";
import { EINVAL, Rejection, reject } from "./rejection.ts";
import { Frame, State } from "./state.ts";

export interface VerifyOptions {
  /** `enum bpf_attach_type`; 0 where the type needs none. */
  readonly attachType?: number;
  /** Everything (the default), or what CAP_BPF alone allows: no pointer leaks. */
  readonly caps?: Capabilities;
  /** BPF_F_STRICT_ALIGNMENT and its kin. */
  readonly flags?: number;
  /** 0: no log; 1: the way to a rejection; 2: every instruction. */
  readonly logLevel?: number;
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
}

const STRICT_ALIGNMENT = 1;
const SLEEPABLE = 1 << 4;

/** Judges a program as Linux 6.18 would. Throws nothing but what the program's own bytes make impossible to read. */
export function judge(program: Program, options: VerifyOptions = {}): Verdict {
  const { attachType = 0, caps = "all", flags = 0, logLevel = 0 } = options;
  const kind: ProgramKind = { type: program.type, attachType, isSleepable: (flags & SLEEPABLE) !== 0 };
  let env: Env | undefined;
  try {
    const code = new Code(program);
    const functions = findFunctions(
      code,
      program.functions.map(({ slot }) => slot),
      true,
    );
    checkFunctions(code, functions);
    checkOpcodes(program, code);
    const flow = new ControlFlow(code, functions, (slot) =>
      code.src[slot] === 0 ? callbackKind(code.imm[slot]) : "none",
    );
    env = new Env(program, code, kind, flow, { caps, logLevel, isStrict: (flags & STRICT_ALIGNMENT) !== 0 });
    new Explorer(env).explore(entryState(), 0);
    checkDepth(env);
    return verdict(env, { program: { program } as VerifiedProgram });
  } catch (error) {
    if (!(error instanceof Rejection)) throw error;
    return verdict(env, { error });
  }
}

function verdict(
  env: Env | undefined,
  { error, program }: { readonly error?: Rejection; readonly program?: VerifiedProgram },
): Verdict {
  return {
    isAccepted: error === undefined,
    message: error?.message ?? "",
    slot: error?.slot ?? -1,
    errno: error?.errno ?? 0,
    processed: env?.insnsProcessed ?? 0,
    states: env?.totalStates ?? 0,
    peakStates: env?.peakStates ?? 0,
    maxStatesPerInsn: env?.maxStatesPerInsn ?? 0,
    program,
  };
}

/** r1 is the context, r10 the end of the stack. */
function entryState(): State {
  const frame = new Frame(0, 0, -1);
  frame.registers[1] = Register.pointer("ctx");
  frame.registers[10] = Register.pointer("fp");
  return new State([frame]);
}

/** Each instruction is one, before any is explored (resolve_pseudo_ldimm64). */
function checkOpcodes(program: Program, code: Code): void {
  const uses = new Map(program.maps.map((use) => [use.slot, use]));
  for (let slot = 0; slot < code.length; slot++) {
    const opcode = code.code[slot];
    const mode = opcode & 0xe0;
    if ((opcode & 7) === 1 && ((mode !== 0x60 && mode !== 0x80) || code.imm[slot] !== 0)) {
      reject(slot, EINVAL, "BPF_LDX uses reserved fields");
    }
    if (opcode === Opcode.LDDW) {
      checkWide(code, slot);
      const use = uses.get(slot);
      const needsMap = [1, 2, 5, 6].includes(code.src[slot]);
      if (needsMap && use === undefined) {
        reject(slot, 9, `fd ${code.imm[slot]} is not pointing to valid bpf_map`);
      }
      if (use?.offset !== undefined && use.map.type !== 2) {
        reject(slot, EINVAL, "direct value access on this map type is not supported");
      }
      if (use?.offset !== undefined && use.offset >= use.map.valueSize) {
        reject(
          slot,
          EINVAL,
          `invalid access to map value pointer, value_size=${use.map.valueSize} off=${use.offset}`,
        );
      }
      slot++;
    } else if (!KNOWN_OPCODES.has(opcode)) {
      reject(slot, EINVAL, `unknown opcode ${opcode.toString(16).padStart(2, "0")}`);
    }
  }
}

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

/** `public_insntable`: what the kernel's table of opcodes has. */
const KNOWN_OPCODES: ReadonlySet<number> = new Set(
  (function* opcodes(): Generator<number> {
    for (const kind of [4, 7]) {
      for (let op = 0; op <= 0xc0; op += 0x10) {
        if (op === 0x80) yield op | kind;
        else yield* [op | kind, op | kind | 8];
      }
    }
    yield* [0xd4, 0xdc, 0xd7];
    for (const kind of [5, 6]) {
      for (let op = 0x10; op <= 0xd0; op += 0x10)
        if (op !== 0x80 && op !== 0x90) yield* [op | kind, op | kind | 8];
    }
    yield* [0x05, 0x06, 0x85, 0x95, 0xe5];
    for (const size of [0x00, 0x08, 0x10, 0x18]) yield* [0x61 | size, 0x62 | size, 0x63 | size];
    yield* [0x81, 0x89, 0x91, 0xc3, 0xdb, 0xcb, 0xd3, 0x18];
    for (const size of [0x00, 0x08, 0x10]) yield* [0x20 | size, 0x40 | size];
  })(),
);

/** All frames of the deepest chain of calls fit the stack. */
function checkDepth(env: Env): void {
  const { functions } = env.flow;
  const calls = functions.map((start, index) => {
    const end = functions[index + 1] ?? env.code.length;
    const targets = new Map<number, number>();
    for (let slot = start; slot < end; slot++) {
      if (env.code.isLocalCall(slot)) targets.set(slot, env.flow.functionAt(slot + 1 + env.code.imm[slot]));
    }
    return targets;
  });
  const round = (bytes: number): number => Math.max(32, (bytes + 31) & ~31);
  const visit = (index: number, depth: number, path: readonly number[]): void => {
    const own = env.traits.privateStack ? round(env.stackDepth[index]) : depth + round(env.stackDepth[index]);
    if (own > 512) {
      reject(-1, 13, `combined stack size of ${path.length + 1} calls is ${own}. Too large`);
    }
    for (const [slot, target] of calls[index]) {
      if (path.length + 1 >= 8) reject(slot, 7, `the call stack of ${path.length + 2} frames is too deep`);
      if (path.includes(target) || target === index) reject(slot, EINVAL, "recursive call");
      visit(target, own, [...path, index]);
    }
  };
  visit(0, 0, []);
}
