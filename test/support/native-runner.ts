// Machine code of the compiler (assembly/x64/compiler.ts) in this process: pages that are written and then made executable,
// never both, called through koffi.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { EventRecord, ProgramRecord } from "../../assembly/shared/layout.ts";
import { Emitted, Job, JobFlag } from "../../assembly/shared/native.ts";
import type { MapBindings } from "../../dist/src/engine/engine.js";
import { prepareProgram } from "../../dist/src/engine/prepare.js";
import type { GuestBuffer, Program, Runtime } from "../../dist/src/index.js";

type Call = (...values: (number | bigint | Uint8Array)[]) => number | bigint;

interface Koffi {
  load(path: null): { func(prototype: string): Call };
  proto(prototype: string): unknown;
  call(address: bigint, type: unknown, ...values: (number | bigint)[]): void;
  address(value: Uint8Array): bigint;
}

interface CompilerExports {
  readonly memory: WebAssembly.Memory;
  compile(job: number): number;
  position(): number;
}

const PROT_READ = 1;
const PROT_WRITE = 2;
const PROT_EXEC = 4;
const MAP_PRIVATE_ANONYMOUS = 0x22;
const PAGE = 4096;

/** Why no machine code can run here, or undefined. */
export function nativeMissing(): string | undefined {
  if (process.platform !== "linux" || process.arch !== "x64") return "this is no Linux on x86-64";
  try {
    createRequire(import.meta.url)("koffi");
    return undefined;
  } catch {
    return "koffi is not installed";
  }
}

/** True when the processor has BMI2. */
export function hasBmi2(): boolean {
  return /^flags\s*:.*\bbmi2\b/m.test(readFileSync("/proc/cpuinfo", "utf8"));
}

const MOST_EVENTS = 16;

/** Where the job and its parts lie in the compiler's memory. */
const JOB = 0x8000;
const CODE = 0x10000;

/** A program as a native function. */
export class NativeProgram {
  readonly #machine: NativeMachine;
  readonly #at: bigint;
  readonly size: number;

  constructor(machine: NativeMachine, code: Uint8Array) {
    this.#machine = machine;
    this.size = code.length;
    this.#at = machine.makeExecutable(code);
  }

  /** Runs it on an event for each context (MOST_EVENTS at most); gives what r0 was at the end of each. */
  run(...contexts: readonly GuestBuffer[]): bigint[] {
    return this.#machine.run(this.#at, contexts);
  }

  close(): void {
    this.#machine.unmap(this.#at, this.size);
  }
}

/** The compiler, and what it takes to run its code on the memory of one runtime. */
export class NativeMachine {
  readonly runtime: Runtime;
  readonly #koffi = createRequire(import.meta.url)("koffi") as Koffi;
  readonly #mmap: Call;
  readonly #mprotect: Call;
  readonly #munmap: Call;
  readonly #memcpy: Call;
  readonly #type: unknown;
  readonly #compiler: CompilerExports;
  readonly #events: GuestBuffer;

  constructor(runtime: Runtime) {
    this.runtime = runtime;
    const library = this.#koffi.load(null);
    this.#mmap = library.func("int64_t mmap(int64_t, int64_t, int, int, int, int64_t)");
    this.#mprotect = library.func("int mprotect(int64_t, int64_t, int)");
    this.#munmap = library.func("int munmap(int64_t, int64_t)");
    this.#memcpy = library.func("int64_t memcpy(int64_t, uint8_t *, int64_t)");
    this.#type = this.#koffi.proto("void (int64_t, uint32_t, uint32_t)");
    const module = new WebAssembly.Module(readFileSync(new URL("../../build/x64.wasm", import.meta.url)));
    this.#compiler = new WebAssembly.Instance(module).exports as unknown as CompilerExports;
    this.#events = runtime.allocateBuffer(MOST_EVENTS * EventRecord.SIZE);
  }

  /** Compiles a program; the number of the slot that the compiler does not take where there is one. */
  compile(program: Program, maps: MapBindings, flags: number): NativeProgram | number {
    // The code of checked programs has no fused pairs.
    const prepared = prepareProgram(this.runtime, program, maps, { limit: 1 });
    try {
      const { memory } = this.runtime;
      const slots = memory.load32(prepared.record + ProgramRecord.SLOTS);
      return this.#compile(memory.read(prepared.code, slots * 8), slots, flags | JobFlag.RAW);
    } finally {
      prepared.release();
    }
  }

  #compile(prepared: Uint8Array, slots: number, flags: number): NativeProgram | number {
    const { memory } = this.#compiler;
    const out = CODE + prepared.length;
    const work = out + slots * 128 + PAGE;
    const end = work + slots * 160 + PAGE;
    const missing = Math.ceil((end - memory.buffer.byteLength) / 0x10000);
    if (missing > 0) memory.grow(missing);
    new Uint8Array(memory.buffer).set(prepared, CODE);
    const job = new DataView(memory.buffer, JOB, Job.SIZE);
    for (const [field, value] of [
      [Job.CODE, CODE],
      [Job.SLOTS, slots],
      [Job.FLAGS, flags],
      [Job.OUT, out],
      [Job.OUT_END, work],
      [Job.WORK, work],
      [Job.WORK_END, end],
    ]) {
      job.setUint32(field, value, true);
    }
    const exit = this.#compiler.compile(JOB);
    if ((exit & 0xff) === Emitted.UNSUPPORTED) return exit >>> 8;
    if (exit !== Emitted.OK) throw new Error(`the compiler gave ${exit}`);
    return new NativeProgram(this, new Uint8Array(memory.buffer, out, this.#compiler.position()).slice());
  }

  makeExecutable(code: Uint8Array): bigint {
    const at = BigInt(this.#mmap(0, code.length, PROT_READ | PROT_WRITE, MAP_PRIVATE_ANONYMOUS, -1, 0));
    if (at === -1n) throw new Error("mmap failed");
    this.#memcpy(at, code, code.length);
    if (this.#mprotect(at, code.length, PROT_READ | PROT_EXEC) !== 0) throw new Error("mprotect failed");
    return at;
  }

  unmap(at: bigint, size: number): void {
    if (this.#munmap(at, size) !== 0) throw new Error("munmap failed");
  }

  run(at: bigint, contexts: readonly GuestBuffer[]): bigint[] {
    const { memory } = this.runtime;
    const first = this.#events.address;
    const events = contexts.map((_, index) => first + index * EventRecord.SIZE);
    for (const [index, event] of events.entries()) {
      memory.store32(event + EventRecord.CONTEXT, contexts[index].address);
      memory.store32(event + EventRecord.CONTEXT_SIZE, contexts[index].size);
    }
    const base = this.#koffi.address(new Uint8Array(memory.wasm.buffer));
    const run = this.runtime.beginRun();
    this.#koffi.call(at, this.#type, base, first, first + events.length * EventRecord.SIZE);
    this.runtime.endRun(run);
    return events.map((event) => memory.loadU64(event + EventRecord.RESULT));
  }
}
