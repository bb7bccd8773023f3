// A program's BTF as the kernel takes it. Compilers leave to the loader what only it knows: where variables lie in
// their sections, and that extern ones are somebody's. Follows Documentation/bpf/btf.rst.

import type { Btf } from "../btf/btf.ts";
import { BpfCall } from "./attr.ts";
import { KernelError, pinnedBytes } from "./syscall.ts";

/** Bytes of a record's head, and where in it its third word is. */
const RECORD_SIZE = 12;
const SIZE_AT = 8;
const SECTION_VARIABLE_SIZE = 12;
const MAX_ALIGNMENT = 8;
const PARAMETER_SIZE = 8;
/** The section of the kernel's functions and variables that a program uses: the compiler gives it no size. */
const KERNEL_SYMBOLS = ".ksyms";
const KIND_STRUCT = 4;
const KIND_AT = 7;
const INT_BYTES = 4;
const LOG_SIZE = 1 << 16;

/** Variables of a section one behind the other where the compiler gave them no places, as all of them are at 0. */
function placeVariables(btf: Btf, id: number, view: DataView): void {
  const section = btf.type(id);
  if (section.kind !== "datasec" || section.name === KERNEL_SYMBOLS) return;
  const at = btf.recordOffset(id);
  const isPlaced = section.vars.length < 2 || section.vars.some(({ offset }) => offset !== 0);
  let end = 0;
  for (const [index, { offset, size }] of section.vars.entries()) {
    const place = isPlaced ? offset : Math.ceil(end / MAX_ALIGNMENT) * MAX_ALIGNMENT;
    view.setUint32(at + RECORD_SIZE + index * SECTION_VARIABLE_SIZE + 4, place, true);
    end = place + size;
  }
  view.setUint32(at + SIZE_AT, Math.max(section.size, end), true);
}

/** Makes extern variables and functions global: the kernel knows no others in a program's BTF. */
function settleLinkage(btf: Btf, id: number, view: DataView): void {
  const type = btf.type(id);
  const at = btf.recordOffset(id);
  if (type.kind === "var" && type.linkage === "extern") view.setUint32(at + RECORD_SIZE, 1, true);
  if (type.kind !== "func" || type.linkage !== "extern") return;
  view.setUint16(at + 4, 1, true);
  nameParameters(btf, type.type, view.getUint32(at, true), view);
}

/** Declarations may leave out names that the kernel asks for: any name will do. */
function nameParameters(btf: Btf, prototype: number, name: number, view: DataView): void {
  const type = btf.type(prototype);
  if (type.kind !== "func_proto") return;
  for (const [index, parameter] of type.params.entries()) {
    const at = btf.recordOffset(prototype) + RECORD_SIZE + index * PARAMETER_SIZE;
    if (parameter.type !== 0 && parameter.name === "") view.setUint32(at, name, true);
  }
}

/** The section of the kernel's symbols becomes an unnamed struct of as many numbers: nobody asks for its type. */
function settleKernelSymbols(btf: Btf, id: number, int: number, view: DataView): void {
  const section = btf.type(id);
  if (section.kind !== "datasec" || section.name !== KERNEL_SYMBOLS) return;
  const at = btf.recordOffset(id);
  view.setUint32(at, 0, true);
  view.setUint8(at + KIND_AT, KIND_STRUCT);
  view.setUint32(at + SIZE_AT, section.vars.length * INT_BYTES, true);
  for (const [index, { type }] of section.vars.entries()) {
    const member = at + RECORD_SIZE + index * SECTION_VARIABLE_SIZE;
    for (const [word, value] of [0, int, index * INT_BYTES * 8].entries())
      view.setUint32(member + word * 4, value, true);
    // A symbol of no type, or of a function's, is somewhere all the same.
    if (btf.type(type).kind === "var") view.setUint32(btf.recordOffset(type) + SIZE_AT, int, true);
  }
}

/** A number of four bytes; 0 where the program has none. */
function findInt(btf: Btf): number {
  for (let id = 1; id < btf.count; id++) {
    const type = btf.type(id);
    if (type.kind === "int" && type.size === INT_BYTES) return id;
  }
  return 0;
}

/** The blob with sections laid out and linkage settled; types keep their ids. */
export function kernelBtfBytes(btf: Btf): Uint8Array<ArrayBuffer> {
  const bytes = pinnedBytes(btf.bytes);
  const view = new DataView(bytes.buffer);
  const int = findInt(btf);
  for (let id = 1; id < btf.count; id++) {
    if (int !== 0) settleKernelSymbols(btf, id, int, view);
    placeVariables(btf, id, view);
    settleLinkage(btf, id, view);
  }
  return bytes;
}

/** Loads it. Gives a file descriptor, the caller's to close; throws a KernelError with the last line of the log. */
export function loadBtf(btf: Btf): number {
  const bytes = kernelBtfBytes(btf);
  const fd = new BpfCall("BPF_BTF_LOAD", { btf: bytes, btf_size: bytes.length }).try();
  if (fd >= 0) return fd;
  const log = pinnedBytes(LOG_SIZE);
  const call = new BpfCall("BPF_BTF_LOAD", {
    btf: bytes,
    btf_size: bytes.length,
    btf_log_buf: log,
    btf_log_size: log.length,
    btf_log_level: 1,
  });
  call.try();
  const lines = new TextDecoder()
    .decode(log.subarray(0, log.indexOf(0)))
    .trimEnd()
    .split("\n");
  throw new KernelError(`BPF_BTF_LOAD: ${lines.at(-1)}`, -fd);
}
