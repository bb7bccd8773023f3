// What one verification knows: the program and its kind, the state that is being explored, ids that were given out,
// the log. The verifier's parts take it as their first argument; it decides nothing itself.

import { ProgramFlags } from "../attach-types.ts";
import type { Btf } from "../btf/btf.ts";
import type { MapSpec, Program, ProgramMapUse } from "../program.ts";
import type { GlobalFunctions } from "./calls/global-functions.ts";
import type { Code } from "./code.ts";
import type { AttachTarget } from "./contexts/attach-target.ts";
import { type ProgramTraits, programTraits } from "./contexts/contexts.ts";
import type { ControlFlow } from "./explore/control-flow.ts";
import { StackLiveness } from "./explore/stack-liveness.ts";
import type { LogBuffer } from "./log/log.ts";
import type { Observer } from "./observe.ts";
import type { ProgramHelpers } from "./prototypes/program-helpers.ts";
import type { Capabilities, ProgramKind } from "./prototypes/prototype.ts";
import type { Register, RegisterKind } from "./register.ts";
import { reject } from "./rejection.ts";
import type { Frame, State, Step } from "./state.ts";

export const MAX_INSNS = 1_000_000;
export const MAX_FRAMES = 8;
export const MAX_STACK = 512;
export const MAX_VAR_OFF = 1 << 29;

/** No one function that a loop calls back. */
export const NO_CALLBACK = -1;

/** How a program is looked at. */
interface EnvOptions {
  readonly caps: Capabilities;
  readonly log: LogBuffer | undefined;
  /** ProgramFlags, added up. */
  readonly flags: number;
  readonly helpers: ProgramHelpers;
  /** Types and functions of the kernel that the program is for; without it nothing of the kernel's can be named. */
  readonly kernelBtf: Btf | undefined;
  readonly globals: GlobalFunctions;
  /** CPUs of the machine that the program is for, where that is known. */
  readonly cpus: number | undefined;
  /** What a program whose context BTF describes is attached to. */
  readonly target: AttachTarget | undefined;
}

export class Env {
  // ---- what is looked at, and how ----

  readonly program: Program;
  readonly code: Code;
  readonly kind: ProgramKind;
  readonly traits: ProgramTraits;
  readonly caps: Capabilities;
  readonly helpers: ProgramHelpers;
  readonly kernelBtf: Btf | undefined;
  readonly globals: GlobalFunctions;
  readonly cpus: number | undefined;
  readonly target: AttachTarget | undefined;
  readonly flow: ControlFlow;
  /** Map by the slot of the `lddw` that loads it. */
  readonly mapUses: ReadonlyMap<number, ProgramMapUse>;
  /** Every access must be aligned (BPF_F_STRICT_ALIGNMENT). */
  readonly isStrict: boolean;
  /** A state is kept at each place where one may be: for tests of what follows from that. */
  readonly keepsEveryState: boolean;
  /** Where the kernel's log is written; undefined when nobody reads it. */
  readonly log: LogBuffer | undefined;
  /** Sees each instruction before and after it is looked at. */
  observer: Observer | undefined = undefined;

  // ---- where the exploration is ----

  state!: State;
  /** The instruction that is looked at, and the one before it on this way. */
  slot = 0;
  previousSlot = -1;
  /** Steps of this instruction, so that what it does to the stack joins them. */
  step: Step | undefined = undefined;
  /** Kind of the pointer that the instruction's access went through. */
  accessKind: RegisterKind | undefined = undefined;
  /** Ways that wait to be explored. */
  readonly pending: Pending[] = [];
  nextId = 0;

  // ---- the effort, as the kernel counts it ----

  insnsProcessed = 0;
  jumpsProcessed = 0;
  /** Both when a state was kept last. */
  insnsAtState = 0;
  jumpsAtState = 0;
  totalStates = 0;
  /** States that are kept now; those of functions that were verified before count on. */
  keptStates = 0;
  peakStates = 0;
  maxStatesPerInsn = 0;

  // ---- what was found, for comparing states and for later checks ----

  readonly stackLiveness: StackLiveness;
  /** How each instruction's arithmetic on a pointer would be masked, under CAP_BPF alone. */
  readonly masks = new Map<number, string>();
  /** Numbers decide about masks: no kept state covers another by being wider. */
  comparesNumbersExactly = false;
  /** Functions that run later, on stacks of their own. */
  readonly asyncFunctions = new Set<number>();

  // ---- what was found, for the engines (Proof of program.ts) ----

  /** By slot: 1 once a way came there, and the JumpWays on which ways went on. */
  readonly reached: Uint8Array;
  readonly jumps: Uint8Array;
  /** Kind of the pointer that each access went through first. */
  readonly pointerKinds: (RegisterKind | undefined)[];
  /** Loads through pointers to what may be gone. */
  readonly probedLoads = new Set<number>();
  /** The map that a call was given, by slot; undefined once there were several. */
  readonly callMaps = new Map<number, MapSpec | undefined>();
  /** The function that each bpf_loop calls back, by slot; NO_CALLBACK where it varies, or where flags are given. */
  readonly loopCallbacks = new Map<number, number>();
  /** Bytes of context that were accessed, from its start on. */
  contextSize = 0;
  /** Deepest stack of each function, in bytes. */
  readonly stackDepth: number[];
  /** How far down from the frame's top each function may read stack that it did not write. */
  readonly unwrittenStack: number[];

  constructor(program: Program, code: Code, kind: ProgramKind, flow: ControlFlow, options: EnvOptions) {
    this.program = program;
    this.code = code;
    this.kind = kind;
    this.traits = programTraits(kind.type);
    this.caps = options.caps;
    this.helpers = options.helpers;
    this.kernelBtf = options.kernelBtf;
    this.globals = options.globals;
    this.cpus = options.cpus;
    this.target = options.target;
    this.flow = flow;
    this.mapUses = new Map(program.maps.map((use) => [use.slot, use]));
    this.isStrict = (options.flags & ProgramFlags.STRICT_ALIGNMENT) !== 0;
    this.keepsEveryState = (options.flags & ProgramFlags.TEST_STATE_FREQ) !== 0;
    this.log = options.log;
    this.stackLiveness = new StackLiveness(code, flow);
    this.reached = new Uint8Array(code.length);
    this.jumps = new Uint8Array(code.length);
    this.pointerKinds = new Array(code.length);
    this.stackDepth = flow.functions.map(() => 0);
    this.unwrittenStack = flow.functions.map(() => 0);
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

  /** True where the program may sleep, were it not for what it holds. */
  get maySleep(): boolean {
    return this.kind.isSleepable || this.state.isSleepable;
  }

  /** A number that no register has as id yet. */
  takeId(): number {
    return ++this.nextId;
  }

  /** A run may find byte `off` (negative, from the frame's end) of a frame as it was before the function began. */
  noteUnwritten(frame: Frame, off: number): void {
    const depth = this.unwrittenStack;
    if (depth[frame.subprogram] < -off) depth[frame.subprogram] = -off;
  }

  /** A helper or an instruction gets the context, and may follow the addresses in it. */
  noteWholeContext(): void {
    if (this.traits.contextPoints) this.contextSize = this.traits.contextSize;
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
}

/** Another way on from an instruction. */
export interface Fork {
  readonly slot: number;
  readonly state: State;
  /** It begins anew, as the program did: nothing of the way here is its own. */
  readonly isEntry?: true;
}

/** A way to be explored: a state, and the instruction it goes on with. */
interface Pending {
  readonly state: State;
  readonly slot: number;
  readonly previousSlot: number;
  /** Where an observer's notes are taken up again. */
  readonly position: number;
}
