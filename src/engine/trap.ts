// Exit codes of the core and of the TypeScript interpreter, turned into errors: the one place where that
// happens.

import { Exit } from "../../assembly/shared/codes.ts";
import { At } from "../../assembly/shared/layout.ts";
import { type TrapCode, TrapError } from "../errors.ts";
import { formatInsn } from "../isa/disassembler.ts";
import type { Program } from "../program.ts";
import type { Runtime } from "../runtime.ts";

const CODES: Readonly<Record<number, TrapCode>> = {
  [Exit.READ]: "read",
  [Exit.WRITE]: "write",
  [Exit.LIMIT]: "limit",
  [Exit.OPCODE]: "opcode",
  [Exit.CALL_DEPTH]: "call-depth",
  [Exit.CALL_TARGET]: "call-target",
  [Exit.HELPER_ARGUMENT]: "helper-argument",
  [Exit.HOST]: "host",
};

interface Circumstances {
  readonly address: bigint;
  readonly detail: number;
  readonly limit: number;
  /** What a helper threw, and its name. */
  readonly thrown: unknown;
  readonly thrower: string;
}

const hex = (value: bigint): string => `0x${value.toString(16)}`;

function describe(code: TrapCode, { address, detail, limit, thrown, thrower }: Circumstances): string {
  switch (code) {
    case "read":
      return `expected ${detail} readable bytes, got address ${hex(address)}`;
    case "write":
      return `expected ${detail} writable bytes, got address ${hex(address)}`;
    case "limit":
      return `expected at most ${limit} instructions, got more`;
    case "opcode":
      return `expected an operation of this engine, got ${hex(address)}`;
    case "call-depth":
      return "expected at most 8 frames, got one more";
    case "call-target":
      return `expected a function or a helper, got ${hex(address)}`;
    case "helper-argument":
      return `expected a valid argument ${detail}, got ${hex(address)}`;
    case "host":
      return `expected ${thrower} to return, got ${String(thrown)}`;
  }
}

/** The error for the run of event `event` that just ended with `exit`; reads the TRAP_* fields that it left. */
export function trapError(
  runtime: Runtime,
  program: Program,
  exit: number,
  limit: number,
  event: number,
): TrapError {
  const { memory } = runtime;
  const code = CODES[exit & 0xff] as TrapCode;
  const slot = memory.load32(At.TRAP_SLOT);
  const value = memory.loadU64(At.TRAP_ADDRESS);
  const hasAddress =
    code === "read" || code === "write" || code === "helper-argument" || code === "call-target";
  const thrown = code === "host" ? runtime.helpers.takeThrown() : undefined;
  const insn = program.decoded.find((candidate) => candidate.slot === slot);
  const text = insn === undefined ? "" : ` (${formatInsn(insn)})`;
  const line = program.lineAt(slot);
  const place = line === undefined || line.file === "" ? `line ${line?.line}` : `${line.file}:${line.line}`;
  const source = line === undefined ? "" : `\n  ${place}: ${line.text.trim()}`;
  const helper = insn && runtime.helpers.defined.get(insn.imm)?.name;
  const thrower = helper === undefined ? "the helper" : `helper ${helper}`;
  const detail = memory.load32(At.TRAP_DETAIL);
  const problem = describe(code, { address: value, detail, limit, thrown, thrower });
  const fields = { code, program: program.name, slot, event };
  return new TrapError(
    hasAddress ? { ...fields, address: value } : fields,
    `program ${program.name}: insn ${slot}${text}: ${problem}${source}`,
    thrown === undefined ? undefined : { cause: thrown },
  );
}
