// The built encoder: its exports, and the bytes of one call of a constructor.

import { readFileSync } from "node:fs";

/** Where the tests let it write: code, then what it keeps of labels and jumps. */
export const CODE = 0x10000;
export const WORK = 0x40000;
export const MEMORY_END = 0x100000;

/** What the module exports besides its forms. */
export interface Encoder {
  readonly memory: WebAssembly.Memory;
  begin(from: number, to: number, labels: number, work: number, workEnd: number): void;
  bind(label: number): void;
  jmp(label: number): void;
  jcc(condition: number, label: number): void;
  call(label: number): void;
  leaLabel(dst: number, label: number): void;
  nop(bytes: number): void;
  finish(): number;
  position(): number;
  labelPosition(label: number): number;
  reg(register: number): bigint;
  at(base: number, disp: number): bigint;
  atIndex(base: number, index: number, scale: number, disp: number): bigint;
}

/** The constructor of a form, by its name. */
export function formOf(encoder: Encoder, name: string): (...operands: (number | bigint)[]) => void {
  return (encoder as unknown as Record<string, (...operands: (number | bigint)[]) => void>)[name];
}

const ROOT = new URL("../..", import.meta.url);

/** The text of the encoder's forms. */
export const FORMS_SOURCE = readFileSync(new URL("assembly/x64/encoder.ts", ROOT), "utf8");

/** The encoder in a memory of its own. */
export function makeEncoder(): Encoder {
  const module = new WebAssembly.Module(readFileSync(new URL("build/x64-encoder.wasm", ROOT)));
  const encoder = new WebAssembly.Instance(module).exports as unknown as Encoder;
  encoder.memory.grow(MEMORY_END / 0x10000 - encoder.memory.buffer.byteLength / 0x10000);
  return encoder;
}

/** Bytes `from .. to` of the code that was emitted last. */
export function codeBytes(encoder: Encoder, from = 0, to = encoder.position()): Uint8Array {
  return new Uint8Array(encoder.memory.buffer).slice(CODE + from, CODE + to);
}

/** The bytes of what `emit` emits. */
export function bytesOf(encoder: Encoder, emit: () => void): Uint8Array {
  encoder.begin(CODE, WORK, 0, WORK, WORK);
  emit();
  return codeBytes(encoder);
}
