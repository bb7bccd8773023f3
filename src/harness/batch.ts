// The batch harness: one JSON line in, one JSON line out, thousands of programs through one process. For other
// languages' test suites, fuzzers and graders. A line that makes no sense is answered with `error`; the next one
// runs all the same. docs/batch.md describes the format.

import { Bpf } from "../../assembly/shared/codes.ts";
import type { Btf } from "../btf/btf.ts";
import type { EngineName, Executable } from "../engine/engine.ts";
import { selectEngine } from "../engine/engines.ts";
import { atPlace, LoadError, TrapError } from "../errors.ts";
import { loadRaw } from "../loader/raw.ts";
import { checkProgram } from "../loader/validate.ts";
import { BpfMap, MapError } from "../maps/map.ts";
import { Program, type VerifiedProgram } from "../program.ts";
import { Runtime } from "../runtime.ts";
import type { TestInput } from "../test-run/context.ts";
import { hasTestRun, testRun } from "../test-run/test-run.ts";
import type { Explanation } from "../verifier/log/explain.ts";
import { judge } from "../verifier/verify.ts";
import { type BatchLine, type BatchMap, LineError, type Pair, parseLine, readLine } from "./batch-line.ts";
import { toHex } from "./hex.ts";
import { splitLines } from "./lines.ts";

/** One answer; only what applies is there. */
export interface BatchAnswer {
  readonly id?: unknown;
  readonly verdict?: "accept" | "reject" | "unverified";
  /** Why it was rejected; of the verifier's the last line. */
  readonly message?: string;
  /** Slot of the instruction that a rejection is about. */
  readonly insn?: number;
  /** Where the line asks for it: which rule a rejection is about, how it came to it, and what helps. */
  readonly explanation?: Explanation;
  /** Instructions that the verifier looked at, over all ways. */
  readonly processed?: number;
  /** r0: of raw programs all 64 bits as 16 hexadecimal digits, of the others 32 bits as a number. */
  readonly retval?: string | number;
  /** The packet or the memory after the run, hexadecimal. */
  readonly data_out?: string;
  /** The context after the run, where one was given beside a packet. */
  readonly ctx_out?: string;
  /** Per map its entries, key and value hexadecimal; null for a map that the host may not read. */
  readonly maps?: readonly (readonly Pair<string>[] | null)[];
  readonly trap?: { readonly code: string; readonly insn: number; readonly message: string };
  /** What is wrong with the line, or, beside a verdict, why the program could not be run. */
  readonly error?: string;
}

/** Bytes of a line: a program of a million instructions with its memory takes less. */
const MAX_LINE = 1 << 26;

/** Lines that share an address space: what one of them leaves behind cannot pile up. */
const LINES_PER_RUNTIME = 1000;

/** An address space that large maps have made larger than this is not kept for the lines after them. */
const MAX_MEMORY_KEPT = 1 << 26;

/** What programs are told of the time, in nanoseconds: the same line has the same answer at any time. */
const TIME = 1_000_000_000n;

/** Hexadecimal digits of all maps in an answer: the values of a large array are more than JavaScript's heap holds. */
const MAX_DIGITS = 1 << 24;

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** The answer as text. Without its id, and with an error, when that is nested too deep to be written. */
function write(answer: BatchAnswer): string {
  try {
    return JSON.stringify(answer);
  } catch (error) {
    return JSON.stringify({ error: `id: ${messageOf(error)}` });
  }
}

/**
 * The program. Throws a LoadError where it is none, or where a raw one, which no verifier sees, is not well formed; a
 * LineError for a wrong `relo`.
 */
function loadProgram({ type, insns, relo, maps, license, btf, functions }: BatchLine): Program {
  try {
    const program = loadRaw(insns, {
      ...{ name: type, type, license, maps: maps.map(({ spec }) => spec), relo },
      ...(btf === undefined ? {} : { btf }),
      ...(functions === undefined ? {} : { functions }),
    });
    if (type === "raw") atPlace(`program ${type}`, () => checkProgram(program));
    return program;
  } catch (error) {
    if (!(error instanceof LoadError) || error.code !== "bad-relocation") throw error;
    const slot = slotOf(error);
    throw relo.some(([named]) => named === slot) ? new LineError(`relo: ${error.message}`) : error;
  }
}

/** The instruction that a LoadError is about. */
function slotOf({ place }: LoadError): number | undefined {
  const digits = /insn (\d+)$/.exec(place)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

function rejection(error: unknown): BatchAnswer {
  if (!(error instanceof LoadError)) throw error;
  const insn = slotOf(error);
  return { verdict: "reject", message: error.message, ...(insn === undefined ? {} : { insn }) };
}

/** What the verifier says of a program, and, where it accepts, what engines run. */
function verdictOn(
  program: Program,
  { attachType, caps, flags, functions, explain: isExplained }: BatchLine,
  kernelBtf: Btf | undefined,
): Judgement {
  const {
    isAccepted,
    message,
    slot,
    processed,
    program: verified,
    explain,
  } = judge(program, {
    ...{ attachType, caps, flags, assumesStaticFunctions: functions === undefined },
    ...(kernelBtf === undefined ? {} : { kernelBtf }),
  });
  if (isAccepted) return { answer: { verdict: "accept", processed }, verified };
  const reason = message.slice(message.lastIndexOf("\n") + 1);
  const insn = slot < 0 ? {} : { insn: slot };
  const explanation = isExplained ? explain() : undefined;
  const more = explanation === undefined ? {} : { explanation };
  return { answer: { verdict: "reject", message: reason, ...insn, processed, ...more }, verified: undefined };
}

interface Judgement {
  readonly answer: BatchAnswer;
  readonly verified: VerifiedProgram | undefined;
}

function fillMap(map: BpfMap, entries: BatchMap["entries"]): void {
  for (const [index, [key, value]] of entries.entries()) {
    const result = map.tryUpdateBytes(key, value);
    if (result < 0) throw new MapError(`${map.name}.entries[${index}]`, "update", -result);
  }
}

/** Entries of maps, those of a hash sorted by key, so that answers can be compared. */
function dump(maps: readonly BpfMap[]): (Pair<string>[] | null)[] {
  let room = MAX_DIGITS;
  return maps.map((map) => {
    if ((map.spec.flags & Bpf.F_WRONLY) !== 0) return null;
    const entries: Pair<string>[] = [];
    for (const [key, value] of map.entriesBytes()) {
      room -= 2 * (key.length + value.length);
      if (room < 0) throw new LineError(`${map.name}: expected at most ${MAX_DIGITS} digits, got more`);
      entries.push([toHex(key), toHex(value)]);
    }
    return map.typeName === "hash" ? entries.sort(([a], [b]) => (a < b ? -1 : 1)) : entries;
  });
}

/** Runs a raw program, checked. */
function runRaw(executable: Executable, memory: Uint8Array): BatchAnswer {
  const data = (): BatchAnswer => ({ data_out: toHex(memory) });
  try {
    return { retval: executable.run(memory).toString(16).padStart(16, "0"), ...data() };
  } catch (error) {
    if (!(error instanceof TrapError)) throw error;
    return { trap: { code: error.code, insn: error.slot, message: error.message }, ...data() };
  }
}

/** Runs a verified program on its context. */
function runVerified(executable: Executable, input: TestInput): BatchAnswer {
  const { returned, data, context } = testRun(executable, input);
  const ctx = context === undefined ? {} : { ctx_out: toHex(context) };
  return { retval: returned, data_out: toHex(data), ...ctx };
}

/** An address space in which runs can be repeated; what programs print goes nowhere. */
function makeRuntime(): Runtime {
  const runtime = new Runtime({ clock: () => TIME });
  runtime.trace.listen(() => {});
  return runtime;
}

/** Types of a kernel, where they are known. */
interface KernelTypes {
  readonly btf?: Btf | undefined;
}

export class BatchHarness {
  readonly #engine: EngineName | "auto";
  readonly #types: KernelTypes;
  #runtime = makeRuntime();
  #lines = 0;

  /**
   * `types` has the BTF of the kernel that programs are judged for, asked for at the first one. Throws a TypeError when
   * there is no such engine here.
   */
  constructor(engine: EngineName | "auto" = "auto", types: KernelTypes = {}) {
    selectEngine(engine);
    this.#engine = engine;
    this.#types = types;
  }

  /** Answers one line, without a newline at its end. Never throws. */
  answer(text: string): string {
    let id: unknown;
    try {
      const fields = parseLine(text);
      id = fields.id;
      return write({ id, ...this.#judgeAndRun(readLine(fields)) });
    } catch (error) {
      return write({ id, error: messageOf(error) });
    }
  }

  /** Answers all lines of some input, one by one as they come; blank ones are passed over. Throws what `input` throws. */
  async *answers(input: AsyncIterable<Uint8Array>): AsyncGenerator<string, void, undefined> {
    for await (const line of splitLines(input, MAX_LINE)) {
      if (line === undefined) yield write({ error: `line: expected at most ${MAX_LINE} bytes, got more` });
      else if (line.trim() !== "") yield this.answer(line);
    }
  }

  #judgeAndRun(line: BatchLine): BatchAnswer {
    let program: Program;
    try {
      program = loadProgram(line);
    } catch (error) {
      return rejection(error);
    }
    const isRaw = line.type === "raw";
    const { answer, verified }: Judgement = isRaw
      ? { answer: { verdict: "unverified" }, verified: undefined }
      : verdictOn(program, line, this.#types.btf);
    if (line.input === undefined || (verified === undefined && !isRaw)) return answer;
    try {
      return { ...answer, ...this.#run(verified ?? program, line, line.input) };
    } catch (error) {
      return { ...answer, error: messageOf(error) };
    }
  }

  /** Runs a verified program, or a raw one in checked mode. */
  #run(program: VerifiedProgram | Program, line: BatchLine, input: TestInput): BatchAnswer {
    if (line.type !== "raw" && !hasTestRun(line.type)) {
      throw new LineError(`type: expected one whose context can be made here, got ${line.type}`);
    }
    const runtime = this.#nextRuntime();
    const maps: BpfMap[] = [];
    try {
      for (const { spec, entries } of line.maps) {
        const map = new BpfMap(runtime, spec);
        maps.push(map);
        fillMap(map, entries);
      }
      const bindings = new Map(maps.map((map) => [map.spec, map]));
      const limit = line.limit === undefined ? {} : { limit: line.limit };
      const engine = selectEngine(this.#engine);
      const executable =
        program instanceof Program
          ? engine.prepareChecked(runtime, program, bindings, limit)
          : engine.prepare(runtime, program, bindings);
      try {
        const ran =
          program instanceof Program
            ? runRaw(executable, input.data ?? input.ctx ?? new Uint8Array(0))
            : runVerified(executable, input);
        return { ...ran, maps: dump(maps) };
      } finally {
        executable.close();
      }
    } finally {
      for (const map of maps) map.close();
    }
  }

  /** The address space for the next line, its random numbers from the start. */
  #nextRuntime(): Runtime {
    const isLarge = this.#runtime.memory.size > MAX_MEMORY_KEPT;
    if (isLarge || ++this.#lines % LINES_PER_RUNTIME === 0) this.#runtime = makeRuntime();
    this.#runtime.seedRandom(this.#runtime.seed);
    return this.#runtime;
  }
}
