// What one verification knows: the program and its kind, the state that is being explored, ids that were given out,
// the log. The verifier's parts take it as their first argument; it decides nothing itself.

import type { MapSpec, Program } from "../program.ts";
import type { Code } from "./code.ts";
import { type ProgramTraits, programTraits } from "./contexts/contexts.ts";
import type { ControlFlow } from "./control-flow.ts";
import type { ProgramKind } from "./prototype.ts";
import type { Register } from "./register.ts";
import { reject } from "./rejection.ts";
import { StackLiveness } from "./stack-liveness.ts";
import type { Frame, State, Step } from "./state.ts";

/** What the caller may do: everything, or what CAP_BPF alone allows. */
export type Capabilities = "all" | "bpf";

/** What was learnt about an instruction that the engines use. */
export interface InsnFacts {
  /** The kinds of pointer that an access went through, over all ways. */
  pointerKind: string | undefined;
  seen: boolean;
}

export const MAX_INSNS = 1_000_000;
export const MAX_FRAMES = 8;
export const MAX_STACK = 512;
export const MAX_VAR_OFF = 1 << 29;

export class Env {
  readonly program: Program;
  readonly code: Code;
  readonly kind: ProgramKind;
  readonly traits: ProgramTraits;
  readonly caps: Capabilities;
  readonly flow: ControlFlow;
  readonly stackLiveness: StackLiveness;
  /** Map by the slot of the `lddw` that loads it. */
  readonly mapUses: ReadonlyMap<number, { readonly map: MapSpec; readonly offset: number | undefined }>;
  /** Lines of the log. */
  readonly log: string[] = [];
  readonly facts: (InsnFacts | undefined)[];
  /** Ways that wait to be explored. */
  readonly pending: Pending[] = [];
  state!: State;
  /** The instruction that is looked at, and the one before it on this way. */
  slot = 0;
  previousSlot = -1;
  /** Steps of this instruction, so that what it does to the stack joins them. */
  step: Step | undefined = undefined;
  nextId = 0;
  insnsProcessed = 0;
  jumpsProcessed = 0;
  insnsAtState = 0;
  jumpsAtState = 0;
  totalStates = 0;
  peakStates = 0;
  maxStatesPerInsn = 0;
  /** Deepest stack of each function, in bytes. */
  readonly stackDepth: number[];
  readonly seenCalls: Set<number> = new Set();
  readonly logLevel: number;
  readonly isGpl: boolean;
  /** Every access must be aligned (BPF_F_STRICT_ALIGNMENT). */
  readonly isStrict: boolean;
  /** Kind of the pointer that the instruction's access went through. */
  accessKind: string | undefined = undefined;

  constructor(
    program: Program,
    code: Code,
    kind: ProgramKind,
    flow: ControlFlow,
    options: { readonly caps: Capabilities; readonly logLevel: number; readonly isStrict: boolean },
  ) {
    this.program = program;
    this.code = code;
    this.kind = kind;
    this.traits = programTraits(kind.type);
    this.flow = flow;
    this.caps = options.caps;
    this.logLevel = options.logLevel;
    this.isStrict = options.isStrict;
    this.facts = new Array(code.length);
    this.stackDepth = flow.functions.map(() => 0);
    this.mapUses = new Map(program.maps.map(({ slot, map, offset }) => [slot, { map, offset }]));
    this.isGpl = GPL_COMPATIBLE.has(program.license);
    this.stackLiveness = new StackLiveness(code, flow);
  }

  get frame(): Frame {
    return this.state.frame;
  }

  get registers(): Register[] {
    return this.state.registers;
  }

  /** True when pointers may leak: with CAP_PERFMON. */
  get allowsLeaks(): boolean {
    return this.caps === "all";
  }

  /** A number that no register has as id yet. */
  takeId(): number {
    return ++this.nextId;
  }

  reject(errno: number, message: string): never {
    return reject(this.slot, errno, message);
  }

  register(number: number): Register {
    return this.registers[number];
  }

  setRegister(number: number, register: Register): void {
    this.registers[number] = register;
  }

  write(line: string): void {
    if (this.logLevel > 0) this.log.push(line);
  }
}

/** A way to be explored: a state, and the instruction it goes on with. */
export interface Pending {
  readonly state: State;
  readonly slot: number;
  readonly previousSlot: number;
  readonly logLength: number;
}

/** Licences that make GPL-only helpers available (license_is_gpl_compatible). */
const GPL_COMPATIBLE = new Set([
  "GPL",
  "GPL v2",
  "GPL and additional rights",
  "Dual BSD/GPL",
  "Dual MIT/GPL",
  "Dual MPL/GPL",
]);
