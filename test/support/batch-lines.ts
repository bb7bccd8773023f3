// Lines of the batch format, written from assembly, and their answers, read.

import { BatchHarness } from "../../dist/src/harness/batch.js";
import { toHex } from "../../dist/src/harness/hex.js";
import { assembleCode, type EngineName } from "../../dist/src/index.js";

export interface Answer {
  readonly id?: unknown;
  readonly verdict?: string;
  readonly message?: string;
  readonly insn?: number;
  readonly processed?: number;
  readonly retval?: string | number;
  readonly data_out?: string;
  readonly ctx_out?: string;
  readonly maps?: readonly (readonly (readonly [string, string])[] | null)[];
  readonly trap?: { readonly code: string; readonly insn: number; readonly message: string };
  readonly error?: string;
}

export type Line = Readonly<Record<string, unknown>>;

/** Assembly as the digits of its instructions. */
export const code = (text: string): string => toHex(assembleCode(text));

/** A line for a raw program given as assembly, with empty memory unless `rest` has some. */
export const rawLine = (text: string, rest: Line = {}): Line => ({
  type: "raw",
  insns: code(text),
  data: "",
  ...rest,
});

/** A number as the digits of its bytes, little-endian. */
export function bytes(value: number, size: number): string {
  const buffer = Buffer.alloc(size);
  buffer.writeUIntLE(value, 0, Math.min(size, 6));
  return buffer.toString("hex");
}

/** Answers lines given as objects, or as the text itself. */
export function asker(engine: EngineName): (line: Line | string) => Answer {
  const harness = new BatchHarness(engine);
  return (line) =>
    JSON.parse(harness.answer(typeof line === "string" ? line : JSON.stringify(line))) as Answer;
}

/** The answers to some input, given in these chunks. */
export async function answersTo(
  engine: EngineName,
  chunks: Iterable<Uint8Array | string>,
): Promise<readonly Answer[]> {
  async function* input() {
    for (const chunk of chunks) yield typeof chunk === "string" ? Buffer.from(chunk) : chunk;
  }
  const answers: Answer[] = [];
  for await (const answer of new BatchHarness(engine).answers(input()))
    answers.push(JSON.parse(answer) as Answer);
  return answers;
}

/** An answer with the addresses in its messages, which differ from one memory to another, made alike. */
export function withoutAddresses(answer: Answer): Answer {
  return JSON.parse(JSON.stringify(answer).replace(/address 0x[0-9a-f]+/g, "address")) as Answer;
}
