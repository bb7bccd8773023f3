/// <reference lib="esnext.disposable" preserve="true" />
// The machine's own kernel as a judge and an engine: loads programs with their maps and BTF, gives its verdict and
// log, and runs what it accepted on given data (BPF_PROG_TEST_RUN). Attaches nothing.

import { closeSync } from "node:fs";
import type { Btf } from "../btf/btf.ts";
import type { MapSpec, Program } from "../program.ts";
import { PROGRAM_TYPES, type ProgramType } from "../program-types.ts";
import { findAttachTarget, hasAttachTarget } from "../verifier/contexts/attach-target.ts";
import { BpfCall } from "./attr.ts";
import { loadBtf } from "./btf.ts";
import { functionInfo, lineInfo } from "./info.ts";
import { encodeMapLoads } from "./insns.ts";
import { lastMessage } from "./log.ts";
import { fillSlots, KernelMap } from "./map.ts";
import { KernelError, KernelUnavailable, pinnedBytes, withCapBpfOnly } from "./syscall.ts";

export interface KernelLoadOptions {
  /** `enum bpf_attach_type`; 0 where the type needs none. */
  readonly attachType?: number;
  /** The kernel's BTF, where `tracing` and `lsm` programs find what they attach to, and all the functions they call by
   * name; and what they attach to, if not `attachTo`. */
  readonly kernelBtf?: Btf;
  readonly attachTo?: string;
  /** BPF_F_*: strict alignment 1, sleepable 16 … */
  readonly flags?: number;
  /** What the caller may do: everything that this process may (the default), or CAP_BPF alone. */
  readonly caps?: "all" | "bpf";
  /** 1: the way to a rejection; 2: every instruction; 4: statistics. 0 (the default): no log, and no message. */
  readonly logLevel?: number;
}

/** What the kernel says to a program. */
export interface KernelVerdict {
  readonly isAccepted: boolean;
  /** 0 when accepted. */
  readonly errno: number;
  /** The line of the log that says why not; empty when accepted, and at log level 0. */
  readonly message: string;
  readonly log: string;
  /** The loaded program, the caller's to close. */
  readonly program: KernelProgram | undefined;
}

export interface TestRunOptions {
  /** The packet, where the type has one. */
  readonly data?: Uint8Array;
  /** Room for the packet that comes back; default: its size and 4096 bytes. */
  readonly dataRoom?: number;
  readonly ctx?: Uint8Array;
  /** Rounds; default 1, or what the type takes. */
  readonly repeat?: number;
}

export interface TestRunResult {
  readonly retval: number;
  /** Mean of the rounds. */
  readonly nanoseconds: number;
  readonly data: Uint8Array;
  readonly ctx: Uint8Array;
}

const FIRST_LOG_SIZE = 1 << 16;
/** Of a longer log the end is kept, which has the reason; the kernel itself would go to a GiB. */
const MAX_LOG_SIZE = 1 << 26;
const ENOSPC = 28;
const EAGAIN = 11;
/** The kernel gives way to signals; libbpf tries as often. */
const ATTEMPTS = 5;
const EXTRA_ROOM = 4096;

/** Types that the kernel runs once, on a context that it writes back where it came from. */
const RUN_IN_PLACE: ReadonlySet<ProgramType> = new Set([
  "syscall",
  "raw_tracepoint",
  "raw_tracepoint_writable",
]);

/** A program that the kernel has accepted. */
export class KernelProgram {
  readonly name: string;
  readonly type: ProgramType;
  readonly fd: number;
  #isOpen = true;

  constructor({ name, type }: Program, fd: number) {
    this.name = name;
    this.type = type;
    this.fd = fd;
  }

  /** Runs it. Throws a KernelError, e.g. ENOTSUPP for types that the kernel cannot run this way. */
  testRun(options: TestRunOptions = {}): TestRunResult {
    const { data, ctx } = options;
    const isInPlace = RUN_IN_PLACE.has(this.type);
    const dataOut = data && pinnedBytes(options.dataRoom ?? data.length + EXTRA_ROOM);
    const ctxIn = ctx && pinnedBytes(ctx);
    const ctxOut = isInPlace ? undefined : ctx && pinnedBytes(ctx.length);
    const call = new BpfCall("BPF_PROG_TEST_RUN", {
      prog_fd: this.fd,
      data_in: data && pinnedBytes(data),
      data_size_in: data?.length,
      data_out: dataOut,
      data_size_out: dataOut?.length,
      ctx_in: ctxIn,
      ctx_size_in: ctx?.length,
      ctx_out: ctxOut,
      ctx_size_out: ctxOut?.length,
      repeat: options.repeat ?? (isInPlace ? 0 : 1),
    });
    const result = call.try();
    if (result < 0) throw new KernelError(`program ${this.name}: BPF_PROG_TEST_RUN`, -result);
    return {
      retval: call.read("retval"),
      nanoseconds: call.read("duration"),
      data: dataOut?.subarray(0, call.read("data_size_out")) ?? new Uint8Array(0),
      ctx: ctxOut?.subarray(0, call.read("ctx_size_out")) ?? ctxIn ?? new Uint8Array(0),
    };
  }

  /** Gives it back; a second time does nothing. */
  close(): void {
    if (this.#isOpen) closeSync(this.fd);
    this.#isOpen = false;
  }
}

/** Programs of the kernel and the maps and types that they share, as those of one object do. Close it when done. */
export class KernelSession {
  readonly #maps = new Map<MapSpec, KernelMap>();
  readonly #btfs = new Map<Btf, number | KernelError>();

  /** The kernel's map of a spec, made when it is first asked for. Throws a KernelError. */
  map(spec: MapSpec): KernelMap {
    const known = this.#maps.get(spec);
    if (known !== undefined) return known;
    const map = new KernelMap(spec, (each) => {
      const hasTypes = (each.keyType ?? 0) !== 0 || (each.valueType ?? 0) !== 0;
      return hasTypes ? this.#btf(each.btf) : undefined;
    });
    this.#maps.set(spec, map);
    fillSlots(map, (held) => this.map(held));
    return map;
  }

  /** The file descriptor of that BTF; undefined without one, and where the kernel does not take it. */
  #btf(btf: Btf | undefined): number | undefined {
    if (btf === undefined) return undefined;
    let fd = this.#btfs.get(btf);
    if (fd === undefined) {
      try {
        fd = loadBtf(btf);
      } catch (error) {
        if (!(error instanceof KernelError)) throw error;
        fd = error;
      }
      this.#btfs.set(btf, fd);
    }
    return typeof fd === "number" ? fd : undefined;
  }

  /**
   * The kernel's verdict on a program. Throws a KernelError where its maps cannot be made, a RangeError for a type
   * that only tracebee has.
   */
  load(program: Program, options: KernelLoadOptions = {}): KernelVerdict {
    const type = PROGRAM_TYPES[program.type];
    if (type < 0) throw new RangeError(`expected a program type of the kernel, got ${program.type}`);
    const insns = encodeMapLoads(program, (spec) => this.map(spec).fd, options.kernelBtf);
    const fields = {
      prog_type: type,
      insn_cnt: program.slots,
      insns: pinnedBytes(insns),
      license: pinnedBytes(new TextEncoder().encode(`${program.license}\0`)),
      prog_flags: options.flags ?? 0,
      prog_name: program.name,
      expected_attach_type: options.attachType ?? 0,
      attach_btf_id: attachId(program, options),
      ...this.#typeInfo(program),
    };
    const load = () => loadWithLog(fields, options.logLevel ?? 0);
    const { fd, log } = options.caps === "bpf" ? withCapBpfOnly(load) : load();
    const isAccepted = fd >= 0;
    return {
      isAccepted,
      errno: isAccepted ? 0 : -fd,
      message: isAccepted ? "" : lastMessage(log),
      log,
      program: isAccepted ? new KernelProgram(program, fd) : undefined,
    };
  }

  /** Which function is which, as far as the program's BTF says so, and its source lines for the log. */
  #typeInfo(program: Program): object {
    const functions = functionInfo(program);
    if (functions === undefined || program.btf === undefined) return {};
    const fd = this.#btf(program.btf);
    return fd === undefined ? {} : { prog_btf_fd: fd, ...functions, ...lineInfo(program, program.btf) };
  }

  close(): void {
    for (const map of this.#maps.values()) map.close();
    for (const fd of this.#btfs.values()) if (typeof fd === "number") closeSync(fd);
    this.#maps.clear();
    this.#btfs.clear();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

function attachId({ type, attachTo }: Program, options: KernelLoadOptions): number | undefined {
  const { kernelBtf, attachType = 0 } = options;
  const name = options.attachTo ?? attachTo;
  if (kernelBtf === undefined || name === undefined || !hasAttachTarget(type)) return undefined;
  return findAttachTarget(kernelBtf, attachType, name)?.id;
}

/** Loads with a log that is as large as it must be: the kernel says how large, or, before 6.4, is asked again. */
function loadWithLog(fields: object, logLevel: number): { readonly fd: number; readonly log: string } {
  let size = logLevel === 0 ? 0 : FIRST_LOG_SIZE;
  for (;;) {
    const buffer = size === 0 ? undefined : pinnedBytes(size);
    const [fd, wanted] = attemptLoad({ ...fields, log_level: logLevel, log_size: size, log_buf: buffer });
    const log = buffer === undefined ? "" : textOf(buffer);
    if (fd !== -ENOSPC || buffer === undefined) return { fd, log };
    // The errno says only that the log was cut: the verdict is that of a load without one.
    if (size === MAX_LOG_SIZE) return { fd: attemptLoad(fields)[0], log };
    size = Math.min(MAX_LOG_SIZE, Math.max(wanted, 4 * size));
  }
}

/** A file descriptor or a negative errno, and the size that the log would have. */
function attemptLoad(fields: object): readonly [fd: number, logSize: number] {
  for (let attempt = 1; ; attempt++) {
    const call = new BpfCall("BPF_PROG_LOAD", fields);
    const fd = call.try();
    if (fd !== -EAGAIN || attempt === ATTEMPTS) return [fd, call.read("log_true_size")];
  }
}

function textOf(buffer: Uint8Array): string {
  const end = buffer.indexOf(0);
  return new TextDecoder().decode(end === -1 ? buffer : buffer.subarray(0, end));
}

/** Why the machine's kernel cannot be asked; undefined when it can. */
export function kernelUnavailable(): string | undefined {
  // r0 = 0; exit
  const insns = pinnedBytes([0xb7, 0, 0, 0, 0, 0, 0, 0, 0x95, 0, 0, 0, 0, 0, 0, 0]);
  try {
    const license = pinnedBytes([0x47, 0x50, 0x4c, 0]);
    const type = PROGRAM_TYPES.socket_filter;
    closeSync(new BpfCall("BPF_PROG_LOAD", { prog_type: type, insn_cnt: 2, insns, license }).run());
    return undefined;
  } catch (error) {
    if (error instanceof KernelError || error instanceof KernelUnavailable) return error.message;
    throw error;
  }
}
