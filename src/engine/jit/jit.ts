// The engine `jit`: a verified program becomes a Wasm module of its own, on the runtime's memory, which the browser's or
// Node's own compiler turns into machine code. It runs no programs in checked mode.

import { Exit } from "../../../assembly/shared/codes.ts";
import { At, EventRecord, ProgramRecord } from "../../../assembly/shared/layout.ts";
import { atPlace, LoadError } from "../../errors.ts";
import { checkProgram } from "../../loader/validate.ts";
import type { Program, VerifiedProgram } from "../../program.ts";
import type { Runtime } from "../../runtime.ts";
import { coreOf, wasmUnavailable } from "../core.ts";
import type { Engine, MapBindings } from "../engine.ts";
import { type Execute, RecordExecutable } from "../executable.ts";
import {
  boundMaps,
  helperIndex,
  helperRow,
  type ReadyProgram,
  readsTime,
  verifiedFlags,
  wideValue,
} from "../prepare.ts";
import { type CallPlan, planCall } from "./calls.ts";
import { BATCH_EXPORT, type CompiledProgram, compileProgram } from "./compile.ts";

/** Runs events from one address to another; gives the address of the first that is another program's, or the end. */
type RunBatch = (events: number, end: number) => number;

/** What leaves a program's Wasm when its run must end; the exit code is in the host that threw it. */
const STOPPED = new Error("a run has ended");

/** The compiled programs of one runtime, and what they call. */
class JitHost {
  readonly #runtime: Runtime;
  readonly #batches = new Map<number, RunBatch>();
  /** Why the run that threw STOPPED did so. */
  #exit = Exit.OK;
  readonly #imports: WebAssembly.Imports;

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
    this.#imports = {
      env: { memory: runtime.memory.wasm as WebAssembly.Memory },
      core: coreOf(runtime) as unknown as WebAssembly.ModuleImports,
      host: {
        call: (index: number, slot: number) => {
          const exit = runtime.helpers.call(index);
          if (exit !== Exit.OK) this.#stop(exit, slot);
        },
        trap: (exit: number, slot: number) => this.#stop(exit, slot),
      },
    };
  }

  #stop(exit: number, slot: number): never {
    this.#runtime.memory.store32(At.TRAP_SLOT, slot);
    this.#exit = exit;
    throw STOPPED;
  }

  add(record: number, { bytes }: CompiledProgram): void {
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes), this.#imports);
    this.#batches.set(record, exports[BATCH_EXPORT] as RunBatch);
  }

  delete(record: number): void {
    this.#batches.delete(record);
  }

  /** Runs the events whose records lie from `events` to `end`, stretch by stretch of the same program. */
  readonly execute: Execute = (events, end) => {
    const { memory } = this.#runtime;
    try {
      for (let at = events; at !== end; ) {
        const run = this.#batches.get(memory.load32(at + EventRecord.PROGRAM)) as RunBatch;
        at = run(at, end);
      }
      return Exit.OK;
    } catch (error) {
      if (error !== STOPPED) throw error;
      return this.#exit;
    }
  };
}

const hosts = new WeakMap<Runtime, JitHost>();

function hostOf(runtime: Runtime): JitHost {
  const host = hosts.get(runtime) ?? new JitHost(runtime);
  hosts.set(runtime, host);
  return host;
}

/** What every call comes down to, by slot. */
function planCalls(
  runtime: Runtime,
  { program, proof }: VerifiedProgram,
  maps: MapBindings,
): Map<number, CallPlan> {
  const plans = new Map<number, CallPlan>();
  for (const insn of program.decoded) {
    const row = insn.row.name === "call_helper" ? helperRow(runtime, insn.imm) : undefined;
    if (insn.row.name !== "call_helper") continue;
    const index = helperIndex(runtime, insn);
    const spec = proof.callMaps.get(insn.slot);
    const map = spec === undefined ? undefined : maps.get(spec);
    if (row !== undefined) plans.set(insn.slot, planCall(row, index, map));
  }
  return plans;
}

/** The module of a program whose record lies at `record`. */
export function compileVerified(
  runtime: Runtime,
  verified: VerifiedProgram,
  maps: MapBindings,
  record: number,
): CompiledProgram {
  const { program, proof } = verified;
  const uses = new Map(program.maps.map((use) => [use.slot, use]));
  return compileProgram({
    program,
    proof,
    record,
    flags: verifiedFlags(runtime, program),
    calls: planCalls(runtime, verified, maps),
    wideValue: (insn) => wideValue(insn, uses.get(insn.slot), maps),
  });
}

function ready(runtime: Runtime, verified: VerifiedProgram, maps: MapBindings, host: JitHost): ReadyProgram {
  const { program } = verified;
  checkProgram(program);
  const held = boundMaps(runtime, program, maps);
  const { heap, memory } = runtime;
  const record = heap.allocate(ProgramRecord.SIZE, true);
  try {
    memory.store32(record + ProgramRecord.FLAGS, verifiedFlags(runtime, program));
    host.add(record, compileVerified(runtime, verified, maps, record));
  } catch (error) {
    heap.free(record);
    throw error;
  }
  for (const map of held) map.hold();
  const release = () => {
    host.delete(record);
    heap.free(record);
    for (const map of held) map.close();
  };
  return { record, readsTime: readsTime(runtime, program), release };
}

function refuseChecked(program: Program): never {
  throw new LoadError(
    "unsupported",
    `program ${program.name}`,
    "expected a verified program (the engine jit has no checked mode: take wasm or ts), got one to run checked",
  );
}

export const jitEngine: Engine = {
  name: "jit",
  runsChecked: false,
  unavailable: wasmUnavailable,
  prepare(runtime, verified, maps) {
    const { program, proof } = verified;
    const host = hostOf(runtime);
    return atPlace(
      `program ${program.name}`,
      () =>
        new RecordExecutable("jit", runtime, ready(runtime, verified, maps, host), host.execute, program, {
          proof,
        }),
    );
  },
  prepareChecked: (_, program) => refuseChecked(program),
};
