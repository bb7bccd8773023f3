// Programs with dynptrs, made by kernel functions or by helpers, and the verdict of Linux 6.18 on each.

import type { KfuncCase } from "./kfunc-programs.ts";

const RING = { name: "ring", type: 27, keySize: 0, valueSize: 0, maxEntries: 4096, flags: 0 };
const ARRAY = { name: "values", type: 2, keySize: 4, valueSize: 64, maxEntries: 1, flags: 0 };

/** A dynptr of the packet at fp-16. */
const FROM_SKB = `
  r6 = r1
  r2 = 0
  r3 = r10
  r3 += -16
  call kfunc#bpf_dynptr_from_skb`;
const END = `
  r0 = 0
  exit`;
/** A slice of eight bytes of it in r0, with a buffer at fp-32. */
const SLICE = `
  r1 = r10
  r1 += -16
  r2 = 0
  r3 = r10
  r3 += -32
  r4 = 8
  call kfunc#bpf_dynptr_slice`;
const SLICE_RDWR = SLICE.replace("bpf_dynptr_slice", "bpf_dynptr_slice_rdwr");
/** A record of the ring buffer at fp-16. */
const RESERVE = `
  r1 = map[fd:0]
  r2 = 8
  r3 = 0
  r4 = r10
  r4 += -16
  call 198`;
const SUBMIT = `
  r1 = r10
  r1 += -16
  r2 = 0
  call 199`;
const DATA = `
  r1 = r10
  r1 += -16
  r2 = 0
  r3 = 8
  call 203`;
const CLONE = `
  r1 = r10
  r1 += -16
  r2 = r10
  r2 += -32
  call kfunc#bpf_dynptr_clone`;
const withRing = (name: string, text: string, message?: string): KfuncCase => ({
  name,
  text,
  maps: [RING],
  ...(message !== undefined && { message }),
});
/** A dynptr of the first 8 bytes of an array's value at fp-16. */
const FROM_MEM = `
  *(u32 *)(r10 - 20) = 0
  r2 = r10
  r2 += -20
  r1 = map[fd:0]
  call 1
  if r0 == 0 goto none
  r1 = r0
  r2 = 8
  r3 = 0
  r4 = r10
  r4 += -16
  call 197`;
const fromMemory = (name: string, text: string, message?: string): KfuncCase => ({
  name,
  text: `${FROM_MEM}${text}\nnone:${END}`,
  maps: [ARRAY],
  ...(message !== undefined && { message }),
});

const PACKETS: readonly KfuncCase[] = [
  { name: "of a packet are made and forgotten", text: `${FROM_SKB}${END}` },
  {
    name: "of a packet come from the context",
    text: `
      r1 = 0
      r2 = 0
      r3 = r10
      r3 += -16
      call kfunc#bpf_dynptr_from_skb${END}`,
    message: "Possibly NULL pointer passed to trusted arg0",
  },
  {
    name: "of an XDP packet are for XDP",
    text: FROM_SKB.replace("skb", "xdp") + END,
    message: "calling kernel function bpf_dynptr_from_xdp is not allowed",
  },
  { name: "of an XDP packet are made", type: "xdp", text: FROM_SKB.replace("skb", "xdp") + END },
  {
    name: "are read by slices that may be null",
    text: `${FROM_SKB}${SLICE}\nr1 = *(u64 *)(r0 + 0)${END}`,
    message: "R0 invalid mem access 'rdonly_mem_or_null'",
  },
  {
    name: "are read by slices",
    text: `${FROM_SKB}${SLICE}\nif r0 == 0 goto out\nr1 = *(u64 *)(r0 + 0)\nout:${END}`,
  },
  {
    name: "are not written by slices for reading",
    text: `${FROM_SKB}${SLICE}\nif r0 == 0 goto out\n*(u64 *)(r0 + 0) = 1\nout:${END}`,
    message: "R0 cannot write into rdonly_mem",
  },
  {
    name: "are written by slices for writing",
    text: `${FROM_SKB}${SLICE_RDWR}\nif r0 == 0 goto out\n*(u64 *)(r0 + 0) = 1\nout:${END}`,
  },
  {
    name: "are written where packets may be written",
    type: "socket_filter",
    text: `${FROM_SKB}${SLICE_RDWR}${END}`,
    message: "the prog does not allow writes to packet data",
  },
  {
    name: "are not read beyond a slice",
    text: `${FROM_SKB}${SLICE}\nif r0 == 0 goto out\nr1 = *(u64 *)(r0 + 1)\nout:${END}`,
    message: "R0 min value is outside of the allowed memory range",
  },
  {
    name: "lose their slices when the packet moves",
    text: `${FROM_SKB}${SLICE}
      if r0 == 0 goto out
      r7 = r0
      r1 = r6
      r2 = 0
      call 39
      r1 = *(u64 *)(r7 + 0)
      out:${END}`,
    message: "R7 invalid mem access 'scalar'",
  },
  {
    name: "lose their slices when they are written to",
    text: `${FROM_SKB}${SLICE}
      if r0 == 0 goto out
      r7 = r0
      *(u64 *)(r10 - 40) = 0
      r1 = r10
      r1 += -16
      r2 = 0
      r3 = r10
      r3 += -40
      r4 = 8
      r5 = 0
      call 202
      r1 = *(u64 *)(r7 + 0)
      out:${END}`,
    message: "R7 invalid mem access 'scalar'",
  },
  {
    name: "keep their slices while the packet stays",
    text: `${FROM_SKB}${SLICE}
      if r0 == 0 goto out
      r7 = r0
      call 7
      r1 = *(u64 *)(r7 + 0)
      out:${END}`,
  },
  {
    name: "give slices of a known size",
    text: `${FROM_SKB}
      call 7
      r4 = r0
      r4 &= 7
      r1 = r10
      r1 += -16
      r2 = 0
      r3 = r10
      r3 += -32
      call kfunc#bpf_dynptr_slice${END}`,
    message: "R4 must be a known constant",
  },
  {
    name: "give slices without a buffer",
    text: `${FROM_SKB}
      r1 = r10
      r1 += -16
      r2 = 0
      r3 = 0
      r4 = 8
      call kfunc#bpf_dynptr_slice
      if r0 == 0 goto out
      r1 = *(u64 *)(r0 + 0)
      out:${END}`,
  },
  {
    name: "give slices with a buffer of their size",
    text: `${FROM_SKB}
      r1 = r10
      r1 += -16
      r2 = 0
      r3 = r10
      r3 += -8
      r4 = 16
      call kfunc#bpf_dynptr_slice${END}`,
    message: "arg#2 arg#3 memory, len pair leads to invalid memory access",
  },
  {
    name: "give slices with a buffer elsewhere than in themselves",
    text: `${FROM_SKB}
      r1 = r10
      r1 += -16
      r2 = 0
      r3 = r10
      r3 += -16
      r4 = 8
      call kfunc#bpf_dynptr_slice${END}`,
    message: "arg#2 arg#3 memory, len pair leads to invalid memory access",
  },
  {
    name: "are asked only once they are there",
    text: `
      r1 = r10
      r1 += -16
      call kfunc#bpf_dynptr_size${END}`,
    message: "Expected an initialized dynptr as arg #0",
  },
  {
    name: "are asked by all that only read them",
    text: `${FROM_SKB}
      r1 = r10
      r1 += -16
      call kfunc#bpf_dynptr_size
      r1 = r10
      r1 += -16
      call kfunc#bpf_dynptr_is_null
      r1 = r10
      r1 += -16
      call kfunc#bpf_dynptr_is_rdonly
      r1 = r10
      r1 += -16
      r2 = 1
      r3 = 2
      call kfunc#bpf_dynptr_adjust${END}`,
  },
  {
    name: "are cloned",
    text: `${FROM_SKB}${CLONE}
      r1 = r10
      r1 += -32
      call kfunc#bpf_dynptr_size${END}`,
  },
  {
    name: "are cloned from what is one",
    text: CLONE + END,
    message: "Expected an initialized dynptr as arg #0",
  },
  {
    name: "are copied",
    text: `${FROM_SKB}${CLONE}
      r1 = r10
      r1 += -16
      r2 = 0
      r3 = r10
      r3 += -32
      r4 = 0
      r5 = 4
      call kfunc#bpf_dynptr_copy${END}`,
  },
  {
    name: "are no pointers to their second half",
    text: `${FROM_SKB}
      r1 = r10
      r1 += -8
      call kfunc#bpf_dynptr_size${END}`,
    message: "Expected an initialized dynptr as arg #0",
  },
  {
    name: "lie at a multiple of eight",
    text: FROM_SKB.replace("-16", "-20") + END,
    message: "Dynptr has to be an uninitialized dynptr",
  },
  {
    name: "lie on the stack",
    text: `
      r6 = r1
      r2 = 0
      r3 = 5
      call kfunc#bpf_dynptr_from_skb${END}`,
    message: "arg#2 expected pointer to stack or const struct bpf_dynptr",
  },
  {
    name: "are made over others that hold nothing",
    text: `${FROM_SKB}
      r1 = r6
      r2 = 0
      r3 = r10
      r3 += -16
      call kfunc#bpf_dynptr_from_skb
      r1 = r10
      r1 += -16
      call kfunc#bpf_dynptr_size${END}`,
  },
  {
    name: "end where another one begins in them",
    text: `${FROM_SKB}
      r1 = r6
      r2 = 0
      r3 = r10
      r3 += -24
      call kfunc#bpf_dynptr_from_skb
      r1 = r10
      r1 += -16
      call kfunc#bpf_dynptr_size${END}`,
    message: "Expected an initialized dynptr as arg #0",
  },
  {
    name: "of a packet keep their slices when they end",
    text: `${FROM_SKB}${SLICE}
      if r0 == 0 goto out
      *(u64 *)(r10 - 16) = 0
      r1 = *(u64 *)(r0 + 0)
      out:${END}`,
  },
];

const RECORDS: readonly KfuncCase[] = [
  withRing("of a record are submitted", `${RESERVE}${SUBMIT}${END}`),
  withRing(
    "of a record are given back",
    RESERVE + END,
    "BPF_EXIT instruction in main prog would lead to reference leak",
  ),
  withRing(
    "of a record are given back once",
    `${RESERVE}${SUBMIT}${SUBMIT}${END}`,
    "arg 1 is an unacquired reference",
  ),
  withRing(
    "of a record are not overwritten",
    `${RESERVE}\n*(u8 *)(r10 - 3) = 0${SUBMIT}${END}`,
    "cannot overwrite referenced dynptr",
  ),
  withRing(
    "of a record are not overwritten by another",
    `${RESERVE}${RESERVE}${SUBMIT}${END}`,
    "cannot overwrite referenced dynptr",
  ),
  withRing(
    "of a record take their clones with them",
    `${RESERVE}${CLONE}${SUBMIT}
      r1 = r10
      r1 += -32
      call kfunc#bpf_dynptr_size${END}`,
    "Expected an initialized dynptr as arg #0",
  ),
  withRing(
    "of a record may be given back by a clone",
    `${RESERVE}${CLONE}
      r1 = r10
      r1 += -32
      r2 = 0
      call 200${END}`,
  ),
  withRing(
    "of a record take their slices with them",
    `${RESERVE}${DATA}
      r6 = r0
      ${SUBMIT}
      if r6 == 0 goto out
      r1 = *(u64 *)(r6 + 0)
      out:${END}`,
    "R6 invalid mem access 'scalar'",
  ),
  withRing(
    "of a record are written through their data",
    `${RESERVE}${DATA}
      if r0 == 0 goto out
      *(u64 *)(r0 + 0) = 7
      out:${SUBMIT}${END}`,
  ),
  {
    name: "of a packet are no records",
    text: `${FROM_SKB}${SUBMIT}${END}`,
    message: "arg 1 is an unacquired reference",
  },
];

const MEMORY: readonly KfuncCase[] = [
  fromMemory("of memory are made of map values", ""),
  fromMemory(
    "of memory lose their data when they end",
    `${DATA}
      if r0 == 0 goto none
      *(u8 *)(r10 - 1) = 0
      r1 = *(u64 *)(r0 + 0)`,
    "R0 invalid mem access 'scalar'",
  ),
  fromMemory(
    "of memory are not filled by helpers",
    `
      r1 = r10
      r1 += -16
      r2 = 16
      call 16`,
    "potential write to dynptr at off=-16 disallowed",
  ),
  fromMemory(
    "of memory are not of the stack",
    `
      *(u64 *)(r10 - 40) = 0
      r1 = r10
      r1 += -40
      r2 = 8
      r3 = 0
      r4 = r10
      r4 += -16
      call 197`,
    "Unsupported reg type fp for bpf_dynptr_from_mem data",
  ),
  fromMemory(
    "of memory are read by a helper",
    `
      r1 = r10
      r1 += -32
      r2 = 8
      r3 = r10
      r3 += -16
      r4 = 0
      r5 = 0
      call 201
      r1 = *(u64 *)(r10 - 32)`,
  ),
  {
    name: "are handed to functions of the program",
    text: `${FROM_SKB}
      r1 = r10
      r1 += -16
      call use
      ${END}
      use:
      call kfunc#bpf_dynptr_size
      exit`,
  },
];

export const DYNPTR_CASES: readonly KfuncCase[] = [...PACKETS, ...RECORDS, ...MEMORY];
