// What every engine is: something that makes an Executable of a program, its maps and a runtime. All engines
// promise the same: r1 is the context (of raw programs r2 its length), r10 the top of 512 zeroed or verified
// bytes of stack, every other register 0; the same r0, memory, maps and output for the same input.

import type { TrapError } from "../errors.ts";
import type { EventBatch } from "../event-batch.ts";
import type { BpfMap } from "../maps/map.ts";
import type { MapSpec, Program, VerifiedProgram } from "../program.ts";
import type { GuestBuffer, Runtime } from "../runtime.ts";
import type { Task } from "../task.ts";

export type EngineName = "ts" | "wasm" | "jit";

/** The maps that a program's `lddw` instructions mean. */
export type MapBindings = ReadonlyMap<MapSpec, BpfMap>;

export interface CheckedOptions {
  /** Instructions after which a run traps (a whole number up to 2^53 - 1); default 100 million. */
  readonly limit?: number;
}

export interface RunOptions {
  /** Nanoseconds; default: the runtime's clock. */
  readonly time?: bigint;
  readonly cpu?: number;
  readonly task?: Task;
}

/** How far a batch came. */
export interface BatchResult {
  /** Events that ran to their end; their results stand in the batch. */
  readonly completed: number;
  /** Why the next one did not. */
  readonly trap?: TrapError;
}

/** A program ready to run in one runtime on one engine. */
export interface Executable {
  readonly engine: EngineName;
  readonly program: Program;
  readonly runtime: Runtime;
  /** Address of its record, for batches over several programs. */
  readonly record: number;
  /** Bytes of context that every event must have: the most that it was proved to access; 0 in checked mode. */
  readonly contextSize: number;
  /** False once it is closed: from then on it does not run. */
  readonly isOpen: boolean;
  /**
   * Runs once. Bytes given as context are copied in and, after the run, back, so that the caller sees what the
   * program wrote; a GuestBuffer is used where it is. Gives r0, unsigned. Throws a TrapError, a RangeError for a context
   * that is too short, and a TypeError for bytes where a verified program's context holds addresses (`testRun` makes one).
   */
  run(context?: Uint8Array | GuestBuffer, options?: RunOptions): bigint;
  /**
   * Runs once for every event of a batch, in order, in one crossing; stops at the first trap. Throws a RangeError, before
   * any runs, when a context is too short.
   */
  runBatch(batch: EventBatch): BatchResult;
  /**
   * The same for a batch whose events name their programs (`record`), all of this engine and runtime, in order and in
   * one crossing. Events without a time get one only if this program asks for it.
   */
  runEvents(batch: EventBatch): BatchResult;
  /** Frees its memory and lets go of its maps. */
  close(): void;
}

export interface Engine {
  readonly name: EngineName;
  /** True when it has a checked mode; without one `prepareChecked` refuses every program. */
  readonly runsChecked: boolean;
  /** Why this engine cannot run here, or undefined when it can. */
  unavailable(): string | undefined;
  /**
   * Makes a verified program ready: nothing is tested at run time. Throws a LoadError for a program that this
   * engine refuses.
   */
  prepare(runtime: Runtime, program: VerifiedProgram, maps: MapBindings): Executable;
  /**
   * Makes any program ready in checked mode: every access is tested against its context, its stack and its maps'
   * values, and an instruction limit stops it. Throws a LoadError as `prepare` does, and on an engine without that mode.
   */
  prepareChecked(runtime: Runtime, program: Program, maps: MapBindings, options?: CheckedOptions): Executable;
}
