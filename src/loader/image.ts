// An object before it is linked, whatever it was read from: sections, symbols, relocations. The ELF reader and
// the assembly reader both give one; `object.ts` makes programs and maps of it. Names are those of the ELF
// specification, relocation numbers those of Documentation/bpf/llvm_reloc.rst.

import type { BtfLineInfo } from "../btf/ext.ts";
import { LoadError } from "../errors.ts";
import type { MapSpec } from "../program.ts";

/** Relocation of the imm of a `lddw`. */
export const R_BPF_64_64 = 1;
/** Relocation of eight bytes of data. */
export const R_BPF_64_ABS64 = 2;
/** Relocation of four bytes of data. R_BPF_64_NODYLD32 (4) is the same for .BTF, where loaders need none. */
export const R_BPF_64_ABS32 = 3;
/** Relocation of the imm of a `call`. */
export const R_BPF_64_32 = 10;

/** A symbol's type; `none` is STT_NOTYPE, `other` whatever the rest of the list does not name. */
export type SymbolType = "none" | "object" | "func" | "section" | "file" | "other";

/** A name for a place in a section, or for one in another object. */
export interface ImageSymbol {
  /** Of a section symbol: the section's name. */
  readonly name: string;
  readonly type: SymbolType;
  /** Visible to other objects: STB_GLOBAL or STB_WEAK. */
  readonly isGlobal: boolean;
  /** An extern one that may be missing. */
  readonly isWeak?: true;
  /** Index in `ObjectImage.sections` of the section that defines it; undefined for an extern symbol. */
  readonly section: number | undefined;
  /** Bytes from the start of the section. */
  readonly value: number;
  /** Bytes; 0 when not known. */
  readonly size: number;
}

/** A place in a section that depends on where a symbol ends up. */
export interface ImageRelocation {
  /** Bytes from the start of the section. */
  readonly offset: number;
  /** R_BPF_*. */
  readonly type: number;
  readonly symbol: ImageSymbol;
}

/** A section with contents. */
export interface ImageSection {
  readonly index: number;
  readonly name: string;
  /** True for one that holds instructions. */
  readonly isCode: boolean;
  /** True for one that takes no bytes in the file and is zero. */
  readonly isZero: boolean;
  /** Empty when `isZero`. */
  readonly bytes: Uint8Array;
  /** Bytes. */
  readonly size: number;
  /** Of sections that are part of a program; of others (debug, BTF) empty. */
  readonly relocations: readonly ImageRelocation[];
}

/** An object before it is linked. */
export interface ObjectImage {
  /** By index; sections that hold none of the above (symbol tables, relocations) are missing. */
  readonly sections: ReadonlyMap<number, ImageSection>;
  readonly symbols: readonly ImageSymbol[];
  /** Maps that stand in no section: what undefined symbols of these names mean. */
  readonly declaredMaps: ReadonlyMap<string, MapSpec>;
  /** Source lines by section name, used where .BTF.ext has none. */
  readonly lines: ReadonlyMap<string, readonly BtfLineInfo[]>;
}

/** How messages name a section. */
export const sectionPlace = (section: ImageSection): string => `section ${section.name}`;

/** How messages name a symbol. */
export const symbolPlace = (symbol: ImageSymbol): string => `symbol ${symbol.name || "(unnamed)"}`;

/** Throws a LoadError when the symbol does not lie inside its section. */
export function checkInside(symbol: ImageSymbol, section: ImageSection): void {
  if (symbol.value + symbol.size > section.size) {
    const got = `${symbol.value}..${symbol.value + symbol.size}`;
    const problem = `expected it inside the ${section.size} bytes of section ${section.name}, got ${got}`;
    throw new LoadError("bad-elf", symbolPlace(symbol), problem);
  }
}
