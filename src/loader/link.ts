// Makes programs of functions: each program is its own function followed by every function that it reaches, once,
// in the order in which libbpf appends them (depth first, by place of the call); calls, function pointers, map
// and variable addresses then get their final values, and lines, functions and map uses their new slots.
// Follows Documentation/bpf/llvm_reloc.rst for what a relocation's place holds.

import type { Btf, BtfType } from "../btf/btf.ts";
import type { BtfCoreRelocation, BtfExt, BtfFuncInfo, BtfLineInfo } from "../btf/ext.ts";
import { atPlace, LoadError } from "../errors.ts";
import { readSlot, SLOT_SIZE } from "../isa/insn.ts";
import { insnRow, LDDW_CODE } from "../isa/table.ts";
import {
  type KernelCall,
  type KernelVariable,
  MAX_SLOTS,
  type MapSpec,
  Program,
  type ProgramFunction,
  type ProgramMapUse,
  type SourceLine,
} from "../program.ts";
import type { ProgramType } from "../program-types.ts";
import type { CodeFunction, EntryPoint, FunctionTable } from "./functions.ts";
import {
  type ImageRelocation,
  type ImageSection,
  type ImageSymbol,
  type ObjectImage,
  R_BPF_64_32,
  R_BPF_64_64,
  sectionPlace,
  symbolPlace,
} from "./image.ts";
import { recordsWithin, sortRecords } from "./spans.ts";

const CALL_CODE = insnRow("call_local").code;
const SRC_CALL_LOCAL = insnRow("call_local").fixed.src;
const SRC_CALL_KERNEL = insnRow("call_kfunc").fixed.src as number;
const SRC_MAP = insnRow("lddw_map_fd").fixed.src;
const SRC_MAP_VALUE = insnRow("lddw_map_value").fixed.src;
const SRC_KERNEL_VARIABLE = insnRow("lddw_btf_id").fixed.src as number;
const SRC_FUNCTION = insnRow("lddw_func").fixed.src;
/** Pseudo sources of a `lddw` that name something outside of the program; relocations should have made them. */
const SRC_OUTSIDE: ReadonlySet<number> = new Set(
  ["lddw_map_fd", "lddw_map_value", "lddw_map_idx", "lddw_map_idx_value"].map(
    (name) => insnRow(name).fixed.src,
  ),
);

/** Slots of all programs of an object together: several programs may share one large function. */
const MAX_LINKED_SLOTS = 4 * MAX_SLOTS;

/** An instruction that holds the distance to a function. */
interface FunctionUse {
  /** Slots from the start of the function that has it. */
  readonly at: number;
  readonly target: CodeFunction;
  /** Slots from the start of the target; not 0 for a function inside another, which has no symbol. */
  readonly into: number;
}

/** One function's code with everything in it looked up. Slots count from its start. */
interface ResolvedFunction {
  readonly code: CodeFunction;
  readonly uses: readonly FunctionUse[];
  readonly maps: readonly ProgramMapUse[];
  readonly kernelCalls: readonly KernelCall[];
  readonly kernelVariables: readonly KernelVariable[];
  /** Functions without a symbol of their own: places in this one that it calls. */
  readonly inner: readonly ProgramFunction[];
}

/** A function at its place in a program. */
interface PlacedFunction extends ResolvedFunction {
  /** First slot in the program. */
  readonly slot: number;
}

/** A map, or for a variable the map that it is in and its offset in the map's value. */
export interface MapAddress {
  readonly map: MapSpec;
  readonly offset?: number;
}

/** What addresses in sections without code mean. */
export interface AddressTable {
  /** Throws a LoadError when neither a map nor a variable is at that offset of that section. */
  mapAt(section: number, offset: number): MapAddress;
}

/** The parts of an object that linking needs. */
export interface LinkInput {
  readonly image: ObjectImage;
  readonly functions: FunctionTable;
  readonly addresses: AddressTable;
  readonly ext: BtfExt;
  readonly btf?: Btf;
  readonly license: string;
}

/** What .BTF.ext says of the sections of one name, sorted by offset. */
interface SectionRecords {
  readonly functions: readonly BtfFuncInfo[];
  readonly lines: readonly BtfLineInfo[];
  readonly core: readonly BtfCoreRelocation[];
}

const insnPlace = (section: ImageSection, slot: number): string => `${sectionPlace(section)}, insn ${slot}`;

/** Links the programs of one object; what they share is looked up once. */
export class Linker {
  readonly #input: LinkInput;
  readonly #records = new Map<string, SectionRecords>();
  readonly #relocations = new Map<ImageSection, ReadonlyMap<number, ImageRelocation>>();
  readonly #resolved = new Map<CodeFunction, ResolvedFunction | LoadError>();
  readonly #linked = new Set<CodeFunction>();
  #slotsLeft = MAX_LINKED_SLOTS;

  constructor(input: LinkInput) {
    this.#input = input;
  }

  /**
   * The program that starts with that function.
   * Throws a LoadError: `bad-relocation`, `unsupported` (CO-RE, extern symbols, data with pointers), or what is
   * wrong with a map that it uses.
   */
  link(entry: EntryPoint, type: ProgramType, attachTo?: string): Program {
    const placed = this.#place(entry.code);
    const { btf, license } = this.#input;
    return new Program({
      name: entry.name,
      type,
      insns: emit(placed),
      license,
      section: entry.code.section.name,
      ...(attachTo === undefined ? {} : { attachTo }),
      maps: placed.flatMap(({ slot, maps }) => maps.map((use) => ({ ...use, slot: use.slot + slot }))),
      kernelCalls: placed.flatMap(({ slot, kernelCalls }) =>
        kernelCalls.map((call) => ({ ...call, slot: call.slot + slot })),
      ),
      kernelVariables: placed.flatMap(({ slot, kernelVariables }) =>
        kernelVariables.map((variable) => ({ ...variable, slot: variable.slot + slot })),
      ),
      functions: placed.flatMap((fn) => this.#functionsOf(fn, fn.slot === 0 ? entry.name : fn.code.name)),
      lines: placed.flatMap((fn) => this.#linesOf(fn)),
      ...(btf === undefined ? {} : { btf }),
    });
  }

  /** True for a function that is part of a program linked so far. */
  isLinked(code: CodeFunction): boolean {
    return this.#linked.has(code);
  }

  /** The functions that `main` reaches, itself first, at their slots. */
  #place(main: CodeFunction): PlacedFunction[] {
    const placed: PlacedFunction[] = [];
    const known = new Set<CodeFunction>();
    let slot = 0;
    const append = (code: CodeFunction): PlacedFunction => {
      const fn = { ...this.#resolve(code), slot };
      known.add(code);
      placed.push(fn);
      const slots = code.end - code.start;
      slot += slots;
      this.#slotsLeft -= slots;
      if (slot > MAX_SLOTS || this.#slotsLeft < 0) {
        const limit = slot > MAX_SLOTS ? `${MAX_SLOTS} instructions` : `${MAX_LINKED_SLOTS} in all programs`;
        const problem = `expected at most ${limit}, got more with '${code.name}'`;
        throw new LoadError("bad-program", "", problem);
      }
      return fn;
    };
    /** Functions whose calls are being followed, and how far. */
    const open = [{ fn: append(main), next: 0 }];
    for (let top = open.at(-1); top !== undefined; top = open.at(-1)) {
      const use = top.fn.uses[top.next++];
      if (use === undefined) open.pop();
      else if (!known.has(use.target)) open.push({ fn: append(use.target), next: 0 });
    }
    for (const { code } of placed) this.#linked.add(code);
    return placed;
  }

  #recordsOf({ name }: ImageSection): SectionRecords {
    const known = this.#records.get(name);
    if (known !== undefined) return known;
    const { functions, lines, relocations } = this.#input.ext;
    const records = {
      functions: sortRecords(functions.get(name) ?? []),
      lines: sortRecords(lines.get(name) ?? []),
      core: sortRecords(relocations.get(name) ?? []),
    };
    this.#records.set(name, records);
    return records;
  }

  /** The relocations of a section by offset. */
  #relocationsOf(section: ImageSection): ReadonlyMap<number, ImageRelocation> {
    let byOffset = this.#relocations.get(section);
    if (byOffset === undefined) {
      byOffset = new Map(section.relocations.map((relocation) => [relocation.offset, relocation]));
      this.#relocations.set(section, byOffset);
    }
    return byOffset;
  }

  /** Looks up what a function refers to, once for all programs; fails each time when it cannot. */
  #resolve(code: CodeFunction): ResolvedFunction {
    let resolved = this.#resolved.get(code);
    if (resolved === undefined) {
      try {
        checkNoCoreRelocation(code, this.#recordsOf(code.section).core);
        resolved = new FunctionReader(this.#input, code, this.#relocationsOf(code.section)).read();
      } catch (error) {
        if (!(error instanceof LoadError)) throw error;
        resolved = error;
      }
      this.#resolved.set(code, resolved);
    }
    if (resolved instanceof LoadError) throw resolved;
    return resolved;
  }

  #functionsOf({ code, slot, inner }: PlacedFunction, name: string): ProgramFunction[] {
    const { functions } = this.#recordsOf(code.section);
    const at = code.start * SLOT_SIZE;
    const info = recordsWithin(functions, at, at + 1)[0];
    const { isGlobal } = code;
    const own = { slot, name, isGlobal, ...(info === undefined ? {} : { typeId: info.type }) };
    return [own, ...inner.map((entry) => ({ ...entry, slot: entry.slot + slot }))];
  }

  #linesOf({ code, slot }: PlacedFunction): SourceLine[] {
    const { lines } = this.#recordsOf(code.section);
    const own = recordsWithin(lines, code.start * SLOT_SIZE, code.end * SLOT_SIZE);
    return own.map(({ offset, file, line, column, text }) => {
      return { slot: Math.floor(offset / SLOT_SIZE) - code.start + slot, file, line, column, text };
    });
  }
}

function checkNoCoreRelocation(code: CodeFunction, core: readonly BtfCoreRelocation[]): void {
  const first = recordsWithin(core, code.start * SLOT_SIZE, code.end * SLOT_SIZE)[0];
  if (first === undefined) return;
  const expected = "offsets that the compiler wrote (no vmlinux.h, preserve_access_index or BPF_CORE_READ)";
  const problem = `expected ${expected}, got a CO-RE relocation of kind ${first.kind} (access ${first.access})`;
  throw new LoadError("unsupported", insnPlace(code.section, Math.floor(first.offset / SLOT_SIZE)), problem);
}

/** The bytes of a program: its functions one after the other, distances between them and map loads set. */
function emit(placed: readonly PlacedFunction[]): Uint8Array {
  const slots = placed.reduce((sum, { code }) => sum + code.end - code.start, 0);
  const bytes = new Uint8Array(slots * SLOT_SIZE);
  const view = new DataView(bytes.buffer);
  const slotOf = new Map(placed.map(({ code, slot }) => [code, slot]));
  const setSource = (slot: number, src: number): void => {
    const at = slot * SLOT_SIZE + 1;
    bytes[at] = ((bytes[at] as number) & 15) | (src << 4);
  };
  const setImm = (slot: number, imm: number): void => view.setInt32(slot * SLOT_SIZE + 4, imm, true);
  for (const { code, slot: base, uses, maps, kernelCalls, kernelVariables } of placed) {
    const { section, start, end } = code;
    bytes.set(section.bytes.subarray(start * SLOT_SIZE, end * SLOT_SIZE), base * SLOT_SIZE);
    for (const { at, target, into } of uses) {
      const slot = base + at;
      setImm(slot, (slotOf.get(target) as number) + into - slot - 1);
      if (bytes[slot * SLOT_SIZE] !== LDDW_CODE) continue;
      setSource(slot, SRC_FUNCTION);
      setImm(slot + 1, 0);
    }
    for (const { slot: at } of kernelCalls) {
      setSource(base + at, SRC_CALL_KERNEL);
      setImm(base + at, 0);
    }
    for (const { slot: at } of kernelVariables) {
      setSource(base + at, SRC_KERNEL_VARIABLE);
      setImm(base + at, 0);
      setImm(base + at + 1, 0);
    }
    for (const { slot: at, offset } of maps) {
      setSource(base + at, offset === undefined ? SRC_MAP : SRC_MAP_VALUE);
      setImm(base + at, 0);
      setImm(base + at + 1, offset ?? 0);
    }
  }
  return bytes;
}

/** Walks the instructions of one function and looks up what they refer to. */
class FunctionReader {
  readonly #input: LinkInput;
  readonly #code: CodeFunction;
  readonly #relocations: ReadonlyMap<number, ImageRelocation>;
  readonly #uses: FunctionUse[] = [];
  readonly #maps: ProgramMapUse[] = [];
  readonly #kernelCalls: KernelCall[] = [];
  readonly #kernelVariables: KernelVariable[] = [];
  readonly #inner = new Map<number, ProgramFunction>();

  constructor(input: LinkInput, code: CodeFunction, relocations: ReadonlyMap<number, ImageRelocation>) {
    this.#input = input;
    this.#code = code;
    this.#relocations = relocations;
  }

  read(): ResolvedFunction {
    const { section, start, end } = this.#code;
    for (let slot = start; slot < end; slot++) {
      const opcode = section.bytes[slot * SLOT_SIZE];
      const relocation = this.#relocations.get(slot * SLOT_SIZE);
      const isWide = opcode === LDDW_CODE && slot + 1 < end;
      if (isWide || opcode === CALL_CODE || relocation !== undefined) {
        atPlace(insnPlace(section, slot), () => {
          if (isWide) this.#wide(slot, relocation);
          else if (opcode === CALL_CODE) this.#call(slot, relocation);
          else throw badRelocation("it at a lddw or a call", "another instruction");
        });
      }
      if (isWide) slot++;
    }
    const inner = [...this.#inner.values()].sort((a, b) => a.slot - b.slot);
    const [uses, maps] = [this.#uses, this.#maps];
    const [kernelCalls, kernelVariables] = [this.#kernelCalls, this.#kernelVariables];
    return { code: this.#code, uses, maps, kernelCalls, kernelVariables, inner };
  }

  #wide(slot: number, relocation: ImageRelocation | undefined): void {
    const { section, start } = this.#code;
    const { src, imm } = readSlot(section.bytes, slot);
    if (this.#relocations.has((slot + 1) * SLOT_SIZE)) {
      throw badRelocation("it at the first slot of a lddw", "the second");
    }
    if (relocation === undefined) {
      if (src === SRC_FUNCTION) this.#useFunction(slot, section.index, slot + 1 + imm);
      else if (SRC_OUTSIDE.has(src)) throw badRelocation("one for a lddw that loads a map", "none");
      return;
    }
    const { symbol, type } = relocation;
    if (type !== R_BPF_64_64) throw badRelocation("R_BPF_64_64 at a lddw", `type ${type}`);
    if (symbol.section === undefined && isKernelVariable(this.#input.btf, symbol.name)) {
      const { name, isWeak } = symbol;
      this.#kernelVariables.push({ slot: slot - start, name, ...(isWeak === true ? { isWeak } : {}) });
      return;
    }
    const target = this.#sectionOf(symbol);
    if ("isCode" in target) {
      const address = symbol.value + imm;
      if (target.isCode) {
        this.#useFunction(slot, target.index, address / SLOT_SIZE);
      } else {
        const found = atPlace(symbolPlace(symbol), () => this.#input.addresses.mapAt(target.index, address));
        this.#maps.push({ slot: slot - start, ...found });
      }
    } else {
      this.#maps.push({ slot: slot - start, map: target });
    }
  }

  #call(slot: number, relocation: ImageRelocation | undefined): void {
    const { section } = this.#code;
    const { src, imm } = readSlot(section.bytes, slot);
    if (relocation === undefined) {
      if (src === SRC_CALL_LOCAL) this.#useFunction(slot, section.index, slot + 1 + imm);
      return;
    }
    const { symbol, type } = relocation;
    if (type !== R_BPF_64_32) throw badRelocation("R_BPF_64_32 at a call", `type ${type}`);
    if (symbol.section === undefined && isKernelFunction(this.#input.btf, symbol.name)) {
      this.#kernelCalls.push({ slot: slot - this.#code.start, name: symbol.name });
      return;
    }
    const target = this.#sectionOf(symbol);
    if (!("isCode" in target) || !target.isCode || src !== SRC_CALL_LOCAL) {
      throw badRelocation("a local call of a function", `one of '${symbol.name}'`);
    }
    // The imm adds to the symbol; GNU as (2.40) repeats the value of a function's symbol there, in bytes.
    const addend = symbol.type === "func" && imm + 1 === symbol.value ? 0 : imm + 1;
    this.#useFunction(slot, target.index, symbol.value / SLOT_SIZE + addend);
  }

  /** The section that defines a symbol, or the declared map that it stands for. */
  #sectionOf(symbol: ImageSymbol): ImageSection | MapSpec {
    const { sections, declaredMaps } = this.#input.image;
    if (symbol.section === undefined) {
      const declared = declaredMaps.get(symbol.name);
      if (declared !== undefined) return declared;
      const problem =
        "expected a symbol of the object, got an extern one that only a kernel knows: __kconfig, or __ksym without its type (a `const volatile` variable can stand in for it)";
      throw new LoadError("unsupported", symbolPlace(symbol), problem);
    }
    const section = sections.get(symbol.section);
    if (section === undefined) throw badRelocation("a symbol in a section", `'${symbol.name}' in none`);
    return section;
  }

  /** Notes that the instruction at `slot` needs the distance to slot `target` of that section. */
  #useFunction(slot: number, section: number, target: number): void {
    const code = this.#code;
    const at = slot - code.start;
    const found = this.#input.functions.startingAt(section, target);
    if (found !== undefined) {
      this.#uses.push({ at, target: found, into: 0 });
      return;
    }
    const into = target - code.start;
    const isInside = section === code.section.index && target >= code.start && target < code.end;
    if (!isInside || !Number.isInteger(into)) {
      const name = this.#input.image.sections.get(section)?.name ?? "";
      throw badRelocation("the start of a function", `slot ${target} of section ${name}`);
    }
    // A function without a symbol, as in bare assembly: it moves along with this one.
    const name = this.#input.functions.labelAt(section, target) ?? `${code.name}+${into}`;
    this.#inner.set(into, { slot: into, name });
    this.#uses.push({ at, target: code, into });
  }
}

/** What the object declares under that name as the kernel's (`__ksym`). */
function kernelSymbol(btf: Btf | undefined, name: string): BtfType | undefined {
  const section = btf?.findByName(".ksyms", "datasec");
  if (btf === undefined || section?.kind !== "datasec") return undefined;
  return section.vars.map(({ type }) => btf.type(type)).find((declared) => declared.name === name);
}

const isKernelFunction = (btf: Btf | undefined, name: string): boolean =>
  kernelSymbol(btf, name)?.kind === "func";

/** A variable with a type, or a function whose address is wanted; addresses without a type no BTF knows. */
function isKernelVariable(btf: Btf | undefined, name: string): boolean {
  const declared = kernelSymbol(btf, name);
  if (btf === undefined || declared === undefined) return false;
  return declared.kind === "func" || (declared.kind === "var" && btf.resolve(declared.type).kind !== "void");
}

function badRelocation(expected: string, got: string): LoadError {
  return new LoadError("bad-relocation", "relocation", `expected ${expected}, got ${got}`);
}
