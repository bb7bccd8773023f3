// tracebee/kernel: the machine's own Linux behind the library's types. Node only, needs the optional package koffi and
// leave to call bpf(2); nothing happens at import time.

export type {
  KernelLoadOptions,
  KernelVerdict,
  TestRunOptions,
  TestRunResult,
} from "./kernel/bpf.ts";
export { KernelProgram, KernelSession, kernelUnavailable } from "./kernel/bpf.ts";
export { KernelMap, possibleCpus } from "./kernel/map.ts";
export { KernelError, KernelUnavailable } from "./kernel/syscall.ts";
