// Loads programs written as assembly: bare instructions, texts with sections and our directives `.map` and
// `.license`, and what `clang -S -target bpf` prints, BTF included. Gives the same kind of object that an ELF
// file does; the lines of the text are the programs' source lines unless .BTF.ext knows better.

import type { BtfLineInfo } from "../btf/ext.ts";
import { LoadError } from "../errors.ts";
import { type AssembledSection, assemble, type SymbolReference } from "../isa/assembler.ts";
import { SLOT_SIZE } from "../isa/insn.ts";
import type { MapSpec } from "../program.ts";
import { type ProgramType, sectionMeaning } from "../program-types.ts";
import { type AssemblyParts, readAssemblyText, type TextDataSection } from "./assembly-text.ts";
import type { DataReference } from "./data-directives.ts";
import {
  type ImageRelocation,
  type ImageSection,
  type ImageSymbol,
  type ObjectImage,
  R_BPF_64_32,
  R_BPF_64_64,
  R_BPF_64_ABS32,
  R_BPF_64_ABS64,
} from "./image.ts";
import { loadImage } from "./object.ts";
import type { ObjectFile } from "./object-file.ts";

/** What a text of assembly may need besides itself. */
export interface AssemblyOptions {
  /** Name of the object, and of the program of a text that names neither sections nor functions. */
  readonly name?: string;
  /** Type of programs in sections whose name says nothing. Default: `raw` in a text without sections. */
  readonly type?: ProgramType;
  /** Types of programs by their name or by their section, over all else. */
  readonly types?: Readonly<Record<string, ProgramType>>;
  /** Used when the text names no licence. */
  readonly license?: string;
  /** Maps that the text may load by these names, besides its own. */
  readonly maps?: Readonly<Record<string, MapSpec>>;
}

/** Labels that compilers make for themselves. */
const isTemporary = (label: string): boolean => /^(\.L|LBB\d)/.test(label);

type Reference = SymbolReference | DataReference;

const RELOCATION_TYPES: Readonly<Record<Reference["kind"], number>> = {
  wide: R_BPF_64_64,
  call: R_BPF_64_32,
  data64: R_BPF_64_ABS64,
  data32: R_BPF_64_ABS32,
};

/** A section of the text. */
interface TextSection extends Omit<TextDataSection, "references"> {
  readonly references: readonly Reference[];
  readonly isCode: boolean;
  /** For code: the line of each slot, 0 for the second of a wide instruction. */
  readonly lines: readonly number[];
}

/** What the caller gives besides the text. */
interface Surroundings {
  /** Name of a program that has none in the text. */
  readonly programName: string | undefined;
  readonly license: string | undefined;
  readonly maps: ReadonlyMap<string, MapSpec>;
  /** How lines are printed: the text's name, and the lines themselves. */
  readonly file: string;
  readonly sourceLines: readonly string[];
}

class ImageBuilder {
  readonly #parts: AssemblyParts;
  readonly #sections: readonly TextSection[];
  readonly #symbols = new Map<string, ImageSymbol>();
  /** Programs that no label stands for. */
  readonly #programs: ImageSymbol[] = [];
  /** Byte offset of every label, temporary ones included. */
  readonly #offsets = new Map<string, number>();
  /** Labels that code of other sections refers to. */
  readonly #referred: ReadonlySet<string>;

  constructor(parts: AssemblyParts, code: readonly AssembledSection[]) {
    this.#parts = parts;
    const data = parts.data.map((section) => ({ ...section, isCode: false, lines: [] }));
    this.#sections = [...code.map((section) => ({ ...section, isCode: true })), ...data];
    this.#referred = new Set(code.flatMap(({ references }) => references.map(({ symbol }) => symbol)));
  }

  build({ programName, license, maps, file, sourceLines }: Surroundings): ObjectImage {
    for (const [position, section] of this.#sections.entries()) {
      if (section.isCode) this.#defineCode(position + 1, section, programName);
      else this.#defineData(position + 1, section);
    }
    const sections = this.#sections.map((section, position) => this.#section(position + 1, section));
    if (license !== undefined && !sections.some(({ name }) => name === "license")) {
      sections.push(plainSection(sections.length + 1, "license", new TextEncoder().encode(license)));
    }
    const lines = this.#sections.map(({ name, lines }): [string, BtfLineInfo[]] => {
      return [name, lineInfo(lines, file, sourceLines)];
    });
    return {
      sections: new Map(sections.map((section) => [section.index, section])),
      symbols: [...this.#symbols.values(), ...this.#programs],
      declaredMaps: maps,
      lines: new Map(lines),
    };
  }

  #define(index: number, name: string, value: number, type: ImageSymbol["type"], size: number): void {
    const isGlobal = this.#parts.attributes.get(name)?.isGlobal ?? false;
    if (this.#symbols.has(name)) {
      throw new LoadError("bad-syntax", `label ${name}`, "expected it in one section, got it in two");
    }
    this.#symbols.set(name, { name, type, isGlobal, section: index, value, size });
  }

  /** Labels that are typed as functions, visible elsewhere or used from elsewhere are functions. */
  #defineCode(index: number, section: TextSection, programName: string | undefined): void {
    let hasFunction = false;
    for (const [name, value] of section.labels) {
      this.#offsets.set(name, value);
      const attributes = this.#parts.attributes.get(name);
      const isFunction =
        attributes?.type === "func" || attributes?.isGlobal === true || this.#referred.has(name);
      hasFunction ||= isFunction;
      if (isFunction || !isTemporary(name)) this.#define(index, name, value, isFunction ? "func" : "none", 0);
    }
    if (hasFunction) return;
    // Code without a function of its own is one: called as the caller says, as its first label, as its section.
    const label = [...section.labels].find(([name, value]) => value === 0 && !isTemporary(name))?.[0];
    const { hasSections } = this.#parts;
    const name = (hasSections ? label : (programName ?? label)) ?? (hasSections ? section.name : "program");
    this.#programs.push({ name, type: "func", isGlobal: true, section: index, value: 0, size: 0 });
  }

  /** A variable is as large as its directive says, or reaches to the next label. */
  #defineData(index: number, { bytes, labels }: TextSection): void {
    const sorted = [...labels].sort((a, b) => a[1] - b[1]);
    for (const [position, [name, value]] of sorted.entries()) {
      this.#offsets.set(name, value);
      const next = sorted[position + 1]?.[1] ?? bytes.length;
      const size = this.#parts.attributes.get(name)?.size ?? 0;
      const type = isTemporary(name) ? "none" : "object";
      this.#define(index, name, value, type, size === 0 ? next - value : size);
    }
  }

  #section(index: number, section: TextSection): ImageSection {
    const { name, isCode, bytes, references } = section;
    const isZero = /^\.bss(\.|$)/.test(name);
    const isBtf = name === ".BTF" || name === ".BTF.ext";
    if (isBtf) this.#patch(section);
    return {
      index,
      name,
      isCode,
      isZero,
      bytes: isZero ? bytes.subarray(0, 0) : bytes,
      size: bytes.length,
      relocations: isBtf ? [] : references.map((reference) => this.#relocation(reference)),
    };
  }

  #relocation({ offset, kind, symbol: name }: Reference): ImageRelocation {
    const extern = { name, type: "none", isGlobal: true, section: undefined, value: 0, size: 0 } as const;
    return { offset, type: RELOCATION_TYPES[kind], symbol: this.#symbols.get(name) ?? extern };
  }

  /** BTF holds offsets in sections where the text names labels; extern symbols are 0. */
  #patch({ bytes, references }: TextSection): void {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    for (const reference of references) {
      const addend = "addend" in reference ? reference.addend : 0;
      view.setUint32(reference.offset, (this.#offsets.get(reference.symbol) ?? 0) + addend, true);
    }
  }
}

function plainSection(index: number, name: string, bytes: Uint8Array): ImageSection {
  return { index, name, isCode: false, isZero: false, bytes, size: bytes.length, relocations: [] };
}

/** The text's own lines as line information; columns stay unknown. */
function lineInfo(lines: readonly number[], file: string, source: readonly string[]): BtfLineInfo[] {
  return lines.flatMap((line, slot) => {
    return line === 0
      ? []
      : [{ offset: slot * SLOT_SIZE, file, line, column: 0, text: source[line - 1] ?? "" }];
  });
}

/**
 * Loads a text of assembly. Throws a LoadError: `bad-syntax` or `bad-jump` with line and column, and what
 * `loadObject` throws; programs that cannot be loaded stand in `failures`.
 */
export function loadAssembly(text: string, options: AssemblyOptions = {}): ObjectFile {
  const { name = "", type, maps = {} } = options;
  const parts = readAssemblyText(text);
  const { sections } = assemble(parts.code);
  const declared = new Map<string, MapSpec>([...Object.entries(maps), ...parts.maps]);
  const image = new ImageBuilder(parts, sections).build({
    programName: options.name,
    license: parts.license ?? options.license,
    maps: declared,
    file: name,
    sourceLines: text.split(/\r?\n/),
  });
  const fallback = type ?? (parts.hasSections ? undefined : "raw");
  const types: Record<string, ProgramType> = {};
  for (const section of sections) {
    if (fallback !== undefined && sectionMeaning(section.name) === undefined) types[section.name] = fallback;
  }
  return loadImage(image, { name, types: { ...types, ...options.types } });
}
