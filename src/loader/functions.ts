// The functions of an object: which stretch of which section of code each one is, and which of them are
// programs. Functions are what FUNC symbols say; objects without any (old compilers, bare assembly) have one
// function per global label, or one that is the whole section. Looks at no instruction.

import { LoadError } from "../errors.ts";
import { SLOT_SIZE } from "../isa/insn.ts";
import { checkInside, type ImageSection, type ImageSymbol, sectionPlace, symbolPlace } from "./image.ts";

/** Some slots of a section of code. Functions of a section do not overlap. */
export interface CodeFunction {
  readonly name: string;
  readonly section: ImageSection;
  /** First slot in the section. */
  readonly start: number;
  /** Slot behind the last. */
  readonly end: number;
  readonly isGlobal: boolean;
}

/** A function that is run on its own, under each of its global names. */
export interface EntryPoint {
  readonly name: string;
  readonly code: CodeFunction;
}

/** `.text`, where functions stand that are called by programs, and what -ffunction-sections makes of it. */
const isText = (section: ImageSection): boolean => /^\.text(\.|$)/.test(section.name);

/** Every function of an object by its place, and which of them are programs. */
export class FunctionTable {
  /** Programs, in the order of sections and addresses. */
  readonly entries: readonly EntryPoint[];
  /** Functions in sections of programs where all functions are static: programs that cannot be named, or called ones. */
  readonly hidden: readonly CodeFunction[];
  readonly #byStart = new Map<number, Map<number, CodeFunction>>();
  readonly #labels = new Map<number, Map<number, string>>();
  readonly #programNames: ReadonlyMap<CodeFunction, string>;

  /** `symbolsOf` gives the symbols that a section defines. */
  constructor(code: readonly ImageSection[], symbolsOf: (section: number) => readonly ImageSymbol[]) {
    const entries = code.map((section) => this.#add(section, symbolsOf(section.index)));
    const own = code.map((section, index) => (isText(section) ? [] : (entries[index] as EntryPoint[])));
    // Without programs elsewhere, the global functions in .text are the programs.
    this.entries = (own.some((list) => list.length > 0) ? own : entries).flat();
    this.#programNames = new Map(this.entries.map(({ code, name }) => [code, name]));
    this.hidden = code
      .filter((section, index) => !isText(section) && entries[index]?.length === 0)
      .flatMap((section) => [...(this.#byStart.get(section.index)?.values() ?? [])]);
  }

  /** The function that starts at that slot of that section. */
  startingAt(section: number, slot: number): CodeFunction | undefined {
    return this.#byStart.get(section)?.get(slot);
  }

  /** The name of the program that starts at that slot of that section. */
  programAt(section: number, slot: number): string | undefined {
    const code = this.startingAt(section, slot);
    return code === undefined ? undefined : this.#programNames.get(code);
  }

  /** The name of a label at that slot of that section. */
  labelAt(section: number, slot: number): string | undefined {
    return this.#labels.get(section)?.get(slot);
  }

  /** Takes a section's functions; gives those that may be run on their own. */
  #add(section: ImageSection, symbols: readonly ImageSymbol[]): EntryPoint[] {
    if (section.size === 0) return [];
    if (section.size % SLOT_SIZE !== 0) {
      const problem = `expected a multiple of ${SLOT_SIZE} bytes, got ${section.size}`;
      throw new LoadError("truncated", sectionPlace(section), problem);
    }
    const labels = symbols.filter(({ type }) => type === "none");
    const slotNames = labels.map(({ name, value }): [number, string] => [value / SLOT_SIZE, name]);
    this.#labels.set(section.index, new Map(slotNames.reverse()));
    let starts = symbols.filter(({ type }) => type === "func");
    if (starts.length === 0) starts = labels.filter(({ isGlobal }) => isGlobal);
    if (starts.length === 0) starts = [wholeSection(section)];
    return this.#addFunctions(
      section,
      [...starts].sort((a, b) => a.value - b.value),
    );
  }

  #addFunctions(section: ImageSection, sorted: readonly ImageSymbol[]): EntryPoint[] {
    const byStart = new Map<number, CodeFunction>();
    const entries: EntryPoint[] = [];
    for (let first = 0; first < sorted.length; ) {
      const { value } = sorted[first] as ImageSymbol;
      let behind = first;
      while (sorted[behind]?.value === value) behind++;
      // Several names for one function: aliases.
      const names = sorted.slice(first, behind);
      const code = makeFunction(section, names, sorted[behind]);
      byStart.set(code.start, code);
      for (const { name, isGlobal } of names) if (isGlobal) entries.push({ name, code });
      first = behind;
    }
    this.#byStart.set(section.index, byStart);
    return entries;
  }
}

function wholeSection(section: ImageSection): ImageSymbol {
  const { index, name, size } = section;
  return { name, type: "func", isGlobal: true, section: index, value: 0, size };
}

/** The function with these names, all of one value, in front of the symbol `next`. */
function makeFunction(
  section: ImageSection,
  names: readonly ImageSymbol[],
  next?: ImageSymbol,
): CodeFunction {
  const symbol = names.find(({ isGlobal }) => isGlobal) ?? (names[0] as ImageSymbol);
  for (const alias of names) checkInside(alias, section);
  const size = names.reduce((largest, alias) => Math.max(largest, alias.size), 0);
  const limit = next?.value ?? section.size;
  const end = size === 0 ? limit : symbol.value + size;
  const problem = (expected: string, got: string): LoadError =>
    new LoadError("bad-elf", symbolPlace(symbol), `expected ${expected}, got ${got}`);
  if (symbol.value % SLOT_SIZE !== 0 || end % SLOT_SIZE !== 0) {
    throw problem(`a function of whole slots of ${SLOT_SIZE} bytes`, `${symbol.value}..${end}`);
  }
  if (end > limit) throw problem(`a function that ends at ${limit} or before`, `${symbol.value}..${end}`);
  const start = symbol.value / SLOT_SIZE;
  if (end / SLOT_SIZE === start) throw problem("a function with instructions", "an empty one");
  return { name: symbol.name, section, start, end: end / SLOT_SIZE, isGlobal: symbol.isGlobal };
}
