// bpf(2) and capset(2) of the machine's own Linux, called through koffi: an optional dependency, loaded when the first
// call is made. Node only. Numbers and structures follow uapi/linux/bpf.h and uapi/linux/capability.h.

import { createRequire } from "node:module";
import { getSystemErrorName } from "node:util";

/** The kernel refused a call; `code` is its errno by name, e.g. `EPERM`. */
export class KernelError extends Error {
  override readonly name = "KernelError";
  readonly code: string;
  readonly errno: number;

  constructor(call: string, errno: number) {
    const code = errnoName(errno);
    super(`${call}: ${code}`);
    this.code = code;
    this.errno = errno;
  }
}

/** What a call needs is not on this machine; `code` is `unavailable`. */
export class KernelUnavailable extends Error {
  override readonly name = "KernelUnavailable";
  readonly code = "unavailable";
}

/** ENOTSUPP is the kernel's own: no C library names it. */
const ENOTSUPP = 524;

/** The name of an errno, e.g. `EACCES`. */
export function errnoName(errno: number): string {
  if (errno === ENOTSUPP) return "ENOTSUPP";
  try {
    return getSystemErrorName(-errno);
  } catch {
    return `errno ${errno}`;
  }
}

/** System call numbers by `process.arch`; koffi's calling convention is the C library's. */
const NUMBERS: Readonly<Record<string, { bpf: number; capget: number; capset: number }>> = {
  x64: { bpf: 321, capget: 125, capset: 126 },
  arm64: { bpf: 280, capget: 90, capset: 91 },
  riscv64: { bpf: 280, capget: 90, capset: 91 },
};

type SystemCall = (number: number, first: number | bigint, second: number | bigint, third: number) => number;

interface Koffi {
  load(path: null): { func(prototype: string): SystemCall };
  errno(): number;
  address(value: Uint8Array): bigint;
}

interface Machine {
  readonly koffi: Koffi;
  readonly call: SystemCall;
  readonly numbers: { readonly bpf: number; readonly capget: number; readonly capset: number };
}

let machine: Machine | undefined;

/** Throws KernelUnavailable where this is no Linux, or koffi is not installed. */
function theMachine(): Machine {
  machine ??= findMachine();
  return machine;
}

function findMachine(): Machine {
  const numbers = NUMBERS[process.arch];
  if (process.platform !== "linux" || numbers === undefined) {
    throw new KernelUnavailable(
      `kernel: expected Linux on x64, arm64 or riscv64, got ${process.platform} on ${process.arch}`,
    );
  }
  let koffi: Koffi;
  try {
    koffi = createRequire(import.meta.url)("koffi") as Koffi;
  } catch (error) {
    const reason = error instanceof Error ? error.message.split("\n")[0] : String(error);
    throw new KernelUnavailable(`kernel: expected the optional package koffi, got: ${reason}`, {
      cause: error,
    });
  }
  // The process itself has the C library's `syscall`, whichever C library it is.
  const call = koffi.load(null).func("int64_t syscall(int64_t, int64_t, int64_t, int64_t)");
  return { koffi, call, numbers };
}

/** A call's result, or its errno as a negative number. */
function invoke(number: number, first: number | bigint, second: number | bigint, third: number): number {
  const { koffi, call } = theMachine();
  const result = call(number, first, second, third);
  return result === -1 ? -koffi.errno() : Number(result);
}

/**
 * Bytes that the kernel may be given the address of. They lie in a buffer of their own outside of the engine's
 * heap, so that they stay where they are for as long as somebody holds the array.
 */
export function pinnedBytes(content: number | ArrayLike<number>): Uint8Array<ArrayBuffer> {
  const length = typeof content === "number" ? content : content.length;
  // One byte at least: an empty buffer has no address.
  const bytes = new Uint8Array(new ArrayBuffer(Math.max(1, length)), 0, length);
  if (typeof content !== "number") bytes.set(content);
  return bytes;
}

/** Where pinned bytes lie in the memory of this process. */
export function addressOf(bytes: Uint8Array): bigint {
  return theMachine().koffi.address(bytes);
}

/** Calls bpf(2). Gives its result, mostly a file descriptor, or a negative errno. */
export function bpf(command: number, attr: Uint8Array): number {
  const { numbers } = theMachine();
  return invoke(numbers.bpf, command, addressOf(attr), attr.length);
}

/** `_LINUX_CAPABILITY_VERSION_3`: two words of 32 capabilities. */
const CAPABILITY_VERSION = 0x20080522;
/** Two records of effective, permitted, inheritable; the second is for capabilities from 32 on. */
const CAPABILITY_BYTES = 24;
const CAP_BPF = 39;

/**
 * Runs `action` with CAP_BPF as the only capability in effect, then takes back what this thread had. Only the calling
 * thread is concerned. Throws a KernelError where the thread may not (it has no CAP_BPF itself).
 */
export function withCapBpfOnly<T>(action: () => T): T {
  const { numbers } = theMachine();
  const header = pinnedBytes(8);
  new DataView(header.buffer).setUint32(0, CAPABILITY_VERSION, true);
  const own = pinnedBytes(CAPABILITY_BYTES);
  const change = (call: "capget" | "capset", data: Uint8Array): void => {
    const result = invoke(numbers[call], addressOf(header), addressOf(data), 0);
    if (result < 0) throw new KernelError(call, -result);
  };
  change("capget", own);
  const only = pinnedBytes(own);
  const view = new DataView(only.buffer);
  view.setUint32(0, 0, true);
  view.setUint32(12, 1 << (CAP_BPF - 32), true);
  change("capset", only);
  try {
    return action();
  } finally {
    change("capset", own);
  }
}
