// The public API: re-exports only. Everything here runs in Node and in browsers; nothing happens at import time.

export type { FormatField, TracepointFormat } from "./attach/format.ts";
export { parseFormat } from "./attach/format.ts";
export type { Link } from "./attach/link.ts";
export type { FieldValue } from "./attach/record.ts";
export type { ReplayOptions, ReplayProgress, ReplayStats, TraceSource } from "./attach/replay.ts";
export { replayTrace } from "./attach/replay.ts";
export type { FtraceOptions, FtraceStats } from "./attach/sources/ftrace.ts";
export { FtraceParser, readFtrace } from "./attach/sources/ftrace.ts";
export { SymbolTable } from "./attach/symbols.ts";
export type { RecordTarget, TraceEvent } from "./attach/trace-event.ts";
export type { EventOptions, RecordedEvent, Tracepoint } from "./attach/tracepoint.ts";
export { TracepointTable } from "./attach/tracepoint.ts";
export type { Btf } from "./btf/btf.ts";
export { parseBtf } from "./btf/btf.ts";
export type { Collection, InstantiateOptions, VariableHandle } from "./engine/collection.ts";
export { failuresOf, instantiate } from "./engine/collection.ts";
export type {
  BatchResult,
  CheckedOptions,
  Engine,
  EngineName,
  Executable,
  MapBindings,
  RunOptions,
} from "./engine/engine.ts";
export { ENGINES, selectEngine } from "./engine/engines.ts";
export type { LoadErrorCode, TrapCode } from "./errors.ts";
export { InternalError, LoadError, TrapError, VerifierError } from "./errors.ts";
export { EventBatch } from "./event-batch.ts";
export type { HelperArg, HelperArgValue, HelperDefinition } from "./helpers/define.ts";
export { defineHelper } from "./helpers/define.ts";
export type { AssembleOptions, Assembly } from "./isa/assembler.ts";
export { assemble, assembleCode } from "./isa/assembler.ts";
export type { DisassembleOptions } from "./isa/disassembler.ts";
export { disassemble, formatInsn, formatLine } from "./isa/disassembler.ts";
export type { EncodingFault, Insn } from "./isa/insn.ts";
export { decode, decodeAt, encode, isFault, makeInsn } from "./isa/insn.ts";
export type { InsnRow } from "./isa/table.ts";
export { INSN_ROWS, insnRow } from "./isa/table.ts";
export type { AnyLoadOptions } from "./loader/load.ts";
export { load } from "./loader/load.ts";
export type { ObjectFile, Variable } from "./loader/object-file.ts";
export { loadRaw } from "./loader/raw.ts";
export { BpfMap, MapError } from "./maps/map.ts";
export type {
  MapSpec,
  ProgramInit,
  ProgramMapUse,
  Proof,
  SourceLine,
  VerifiedProgram,
} from "./program.ts";
export { Program } from "./program.ts";
export type { ProgramType } from "./program-types.ts";
export type { GuestBuffer, RuntimeOptions } from "./runtime.ts";
export { Runtime } from "./runtime.ts";
export type { Task, TracedTask } from "./task.ts";
export type { TestInput } from "./test-run/context.ts";
export { TestInputError } from "./test-run/context.ts";
export type { TestResult, TestRunOptions } from "./test-run/test-run.ts";
export { hasTestRun, testRun } from "./test-run/test-run.ts";
export type { TraceLine, TraceListener } from "./trace-output.ts";
export { formatTraceLine } from "./trace-output.ts";
export type { Explanation } from "./verifier/log/explain.ts";
export { formatExplanation } from "./verifier/log/explain.ts";
export type { Verdict, VerifyOptions } from "./verifier/verify.ts";
export { judge, verify } from "./verifier/verify.ts";
