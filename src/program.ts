// A program as the loader gives it and the engines take it: instructions, the maps they use, licence, and
// what is known of its source. Plain data, bound to no runtime; loading the same program twice shares it.

import type { Btf } from "./btf/btf.ts";
import { LoadError } from "./errors.ts";
import { decode, type Insn, SLOT_SIZE } from "./isa/insn.ts";
import type { ProgramType } from "./program-types.ts";

/** What a map must be like when it is created: the fields of the kernel's `bpf_attr` for BPF_MAP_CREATE. */
export interface MapSpec {
  readonly name: string;
  /** `enum bpf_map_type`. */
  readonly type: number;
  /** Bytes. */
  readonly keySize: number;
  readonly valueSize: number;
  readonly maxEntries: number;
  /** BPF_F_*. */
  readonly flags: number;
  /** For sections of global data: the bytes of the map's only value. */
  readonly contents?: Uint8Array;
  /** True when nobody may write once it is filled (`.rodata`). */
  readonly frozen?: boolean;
  /** Types of key and value in `btf`; 0 or missing when not known. */
  readonly btf?: Btf;
  readonly keyType?: number;
  readonly valueType?: number;
  /** What the maps in a map of maps must be like. */
  readonly innerMap?: MapSpec;
  /** The `values` of its definition, where they are given. */
  readonly initialSlots?: readonly InitialSlot[];
  /** LIBBPF_PIN_BY_NAME: users share the map by its name. */
  readonly isPinned?: boolean;
  /** `map_extra`: hash functions of a bloom filter, address of an arena. */
  readonly extra?: bigint;
  readonly numaNode?: number;
}

/** What a slot of an array of maps, or of a program array, holds from the start. */
export interface InitialSlot {
  readonly index: number;
  /** One of the object's maps. */
  readonly map?: MapSpec;
  /** Name of one of the object's programs. */
  readonly program?: string;
}

/** An `lddw` that loads a map's address, or the address of byte `offset` of its first value. */
export interface ProgramMapUse {
  readonly slot: number;
  readonly map: MapSpec;
  readonly offset?: number;
}

/** A call of a kernel function that the object names; its id is the kernel's to say, and 0 until then. */
export interface KernelCall {
  readonly slot: number;
  readonly name: string;
}

/** An `lddw` of the address of a kernel's variable or function that the object names, as `kernelCalls` are named. */
export interface KernelVariable {
  readonly slot: number;
  readonly name: string;
  /** Where the kernel has none of that name, its address is 0. */
  readonly isWeak?: true;
}

/** A function inside a program; the first is its entry. */
export interface ProgramFunction {
  readonly slot: number;
  readonly name: string;
  /** Id of its `func` in the program's BTF. */
  readonly typeId?: number;
  /** True when other objects may call it: a verifier looks at it on its own. */
  readonly isGlobal?: boolean;
}

/** Where an instruction comes from. */
export interface SourceLine {
  /** First slot that the line covers. */
  readonly slot: number;
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** The line itself, as written. */
  readonly text: string;
}

export interface ProgramInit {
  readonly name: string;
  readonly type: ProgramType;
  /** Instruction bytes, a multiple of eight, little-endian. */
  readonly insns: Uint8Array;
  readonly license?: string;
  /** ELF section, where there is one. */
  readonly section?: string;
  /** The attach point that the section names, e.g. `skb:kfree_skb`. */
  readonly attachTo?: string;
  readonly maps?: readonly ProgramMapUse[];
  readonly kernelCalls?: readonly KernelCall[];
  readonly kernelVariables?: readonly KernelVariable[];
  readonly functions?: readonly ProgramFunction[];
  /** Sorted by slot. */
  readonly lines?: readonly SourceLine[];
  readonly btf?: Btf;
}

/** The largest program that the kernel loads for anyone, in slots (BPF_COMPLEXITY_LIMIT_INSNS). */
export const MAX_SLOTS = 1_000_000;

export class Program {
  readonly name: string;
  readonly type: ProgramType;
  readonly insns: Uint8Array;
  readonly license: string;
  readonly section: string;
  readonly attachTo: string | undefined;
  readonly maps: readonly ProgramMapUse[];
  readonly kernelCalls: readonly KernelCall[];
  readonly kernelVariables: readonly KernelVariable[];
  readonly functions: readonly ProgramFunction[];
  readonly lines: readonly SourceLine[];
  readonly btf: Btf | undefined;
  #decoded: readonly Insn[] | undefined;

  /** Throws a LoadError when the bytes are no program: empty, cut short, or too many. */
  constructor(init: ProgramInit) {
    this.name = init.name;
    this.type = init.type;
    this.insns = init.insns;
    this.license = init.license ?? "";
    this.section = init.section ?? "";
    this.attachTo = init.attachTo;
    this.maps = init.maps ?? [];
    this.kernelCalls = init.kernelCalls ?? [];
    this.kernelVariables = init.kernelVariables ?? [];
    this.functions = init.functions ?? [{ slot: 0, name: init.name }];
    this.lines = init.lines ?? [];
    this.btf = init.btf;
    const place = `program ${this.name}`;
    if (this.insns.length === 0) throw new LoadError("bad-program", place, "expected instructions, got none");
    if (this.insns.length % SLOT_SIZE !== 0) {
      throw new LoadError(
        "truncated",
        place,
        `expected a multiple of ${SLOT_SIZE} bytes, got ${this.insns.length}`,
      );
    }
    if (this.slots > MAX_SLOTS) {
      throw new LoadError(
        "bad-program",
        place,
        `expected at most ${MAX_SLOTS} instructions, got ${this.slots}`,
      );
    }
  }

  /** Slots; a wide instruction takes two. */
  get slots(): number {
    return this.insns.length / SLOT_SIZE;
  }

  /** The decoded instructions; a LoadError where one is not valid. */
  get decoded(): readonly Insn[] {
    this.#decoded ??= decode(this.insns);
    return this.#decoded;
  }

  /** The instructions with the ids that a kernel gives to what they name of it; 0: it has none such. */
  insnsFor(kernel: Btf | undefined): Uint8Array {
    const { kernelCalls, kernelVariables } = this;
    if (kernel === undefined || kernelCalls.length + kernelVariables.length === 0) return this.insns;
    const bytes = Uint8Array.from(this.insns);
    const view = new DataView(bytes.buffer);
    for (const { slot, name } of kernelCalls) {
      view.setInt32(slot * SLOT_SIZE + 4, kernel.findByName(name, "func")?.id ?? 0, true);
    }
    for (const { slot, name, isWeak } of kernelVariables) {
      const id = (kernel.findByName(name, "var") ?? kernel.findByName(name, "func"))?.id ?? 0;
      view.setInt32(slot * SLOT_SIZE + 4, id, true);
      // Nothing's address is the number 0.
      if (id === 0 && isWeak === true)
        view.setUint8(slot * SLOT_SIZE + 1, this.insns[slot * SLOT_SIZE + 1] & 15);
    }
    return bytes;
  }

  /** The source line that the instruction at `slot` comes from, where line info is there. */
  lineAt(slot: number): SourceLine | undefined {
    const { lines } = this;
    let [low, high] = [0, lines.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((lines[middle] as SourceLine).slot <= slot) low = middle + 1;
      else high = middle;
    }
    return lines[low - 1];
  }

  /** The same program with changes. */
  with(changes: Partial<ProgramInit>): Program {
    const { attachTo, btf } = this;
    return new Program({
      ...{
        name: this.name,
        type: this.type,
        insns: this.insns,
        license: this.license,
        section: this.section,
      },
      ...{ maps: this.maps, functions: this.functions, lines: this.lines },
      ...{ kernelCalls: this.kernelCalls, kernelVariables: this.kernelVariables },
      ...(attachTo === undefined ? {} : { attachTo }),
      ...(btf === undefined ? {} : { btf }),
      ...changes,
    });
  }

  /** The function that the instruction at `slot` is part of. */
  functionAt(slot: number): ProgramFunction | undefined {
    return this.functions.findLast((entry) => entry.slot <= slot);
  }

  /** True for licences that may use GPL-only helpers: the kernel's `license_is_gpl_compatible`. */
  get isGpl(): boolean {
    return GPL_COMPATIBLE.has(this.license);
  }
}

const GPL_COMPATIBLE = new Set([
  "GPL",
  "GPL v2",
  "GPL and additional rights",
  "Dual BSD/GPL",
  "Dual MIT/GPL",
  "Dual MPL/GPL",
]);

/** How runs go on behind an instruction: bits of `Proof.jumps`. */
export const enum JumpWays {
  /** With the next one. */
  FALLS_THROUGH = 1,
  /** Somewhere else. */
  JUMPS = 2,
}

/** What the verifier found out beside "safe": what engines may rely on, and what they must see to. */
export interface Proof {
  /** Bytes of context that a run must be given at least: more than that no run accesses. */
  readonly contextSize: number;
  /** By slot: 1 where some run may come. The rest is dead. */
  readonly reached: Uint8Array;
  /** By slot that is reached: the ways in which runs go on from there. */
  readonly jumps: Uint8Array;
  /** By slot of a load, a store or an atomic: the kind of pointer that it goes through (`stack`, `pkt`, `map_value` …). */
  readonly pointerKinds: readonly (string | undefined)[];
  /** Slots of the loads through pointers to kernel objects that may be gone: those fault to 0. */
  readonly probedLoads: ReadonlySet<number>;
  /** By slot of a call: the map that it is given, where it is the same in every run. */
  readonly callMaps: ReadonlyMap<number, MapSpec>;
  /** First slot of each function, in order. */
  readonly functions: readonly number[];
  /** By function: bytes of stack that a call of it takes. */
  readonly stackDepth: readonly number[];
  /** By function: how far down from its frame's top a run may read bytes before it wrote them. They must be zero. */
  readonly unwrittenStack: readonly number[];
}

declare const verified: unique symbol;

/** A program that was proved safe: engines run it without tests of their own. Only the verifier makes one. */
export interface VerifiedProgram {
  /** As engines run it: what is no instruction, and cannot be reached, is `exit`. */
  readonly program: Program;
  readonly proof: Proof;
  readonly [verified]: true;
}
