// A Wasm module: an imported memory, imported and own functions, exports. Follows the WebAssembly core specification, 5.5:
// a header, then sections in the order of their numbers, each with its size in front.

import { ByteWriter } from "./bytes.ts";
import type { CodeWriter } from "./code.ts";
import type { ValueType } from "./opcodes.ts";

/** Parameters and results of a function. */
export interface FunctionType {
  readonly parameters: readonly ValueType[];
  readonly results: readonly ValueType[];
}

const enum Section {
  TYPE = 1,
  IMPORT = 2,
  FUNCTION = 3,
  EXPORT = 7,
  CODE = 10,
}

const enum Kind {
  FUNCTION = 0,
  MEMORY = 2,
}

const FUNCTION_TYPE = 0x60;
/** Limits of a memory: a minimum alone. */
const MINIMUM_ONLY = 0;
const HEADER = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0];

interface Import {
  readonly module: string;
  readonly name: string;
}

interface ImportedFunction extends Import {
  readonly type: number;
}

export class ModuleWriter {
  readonly #types: FunctionType[] = [];
  readonly #typeIndexes = new Map<string, number>();
  readonly #imports: ImportedFunction[] = [];
  readonly #functions: { readonly type: number; code: CodeWriter | undefined }[] = [];
  readonly #exports: { readonly name: string; readonly index: number }[] = [];
  #memory: Import | undefined;

  #typeIndex(type: FunctionType): number {
    const key = `${type.parameters.join()}:${type.results.join()}`;
    const known = this.#typeIndexes.get(key);
    if (known !== undefined) return known;
    const index = this.#types.push(type) - 1;
    this.#typeIndexes.set(key, index);
    return index;
  }

  /** The memory, of any size. */
  importMemory(module: string, name: string): void {
    this.#memory = { module, name };
  }

  /** An imported function's index; all of them come before the first `declare`. */
  importFunction(module: string, name: string, type: FunctionType): number {
    if (this.#functions.length > 0) throw new RangeError("module: expected imports before functions");
    return this.#imports.push({ module, name, type: this.#typeIndex(type) }) - 1;
  }

  /** A function of the module, whose body comes by `define`; its index. */
  declare(type: FunctionType): number {
    return this.#imports.length + this.#functions.push({ type: this.#typeIndex(type), code: undefined }) - 1;
  }

  define(index: number, code: CodeWriter): void {
    this.#functions[index - this.#imports.length].code = code;
  }

  exportFunction(name: string, index: number): void {
    this.#exports.push({ name, index });
  }

  /** The module's bytes. Throws a RangeError when a declared function has no body. */
  finish(): Uint8Array<ArrayBuffer> {
    const module = new ByteWriter(1024);
    for (const byte of HEADER) module.u8(byte);
    section(module, Section.TYPE, this.#types, (out, { parameters, results }) => {
      out.u8(FUNCTION_TYPE);
      for (const list of [parameters, results]) {
        out.u32(list.length);
        for (const type of list) out.u8(type);
      }
    });
    const memory: readonly Import[] = this.#memory === undefined ? [] : [this.#memory];
    section(module, Section.IMPORT, [...memory, ...this.#imports], (out, each) => {
      out.name(each.module);
      out.name(each.name);
      if (each === this.#memory) {
        out.u8(Kind.MEMORY);
        out.u8(MINIMUM_ONLY);
        out.u32(0);
      } else {
        out.u8(Kind.FUNCTION);
        out.u32((each as ImportedFunction).type);
      }
    });
    section(module, Section.FUNCTION, this.#functions, (out, { type }) => out.u32(type));
    section(module, Section.EXPORT, this.#exports, (out, { name, index }) => {
      out.name(name);
      out.u8(Kind.FUNCTION);
      out.u32(index);
    });
    section(module, Section.CODE, this.#functions, (out, { code }, index) => {
      if (code === undefined) throw new RangeError(`module: expected a body of function ${index}, got none`);
      const body = code.finish();
      out.u32(body.length);
      out.append(body);
    });
    return module.bytes;
  }
}

/** A section of a list; none where the list is empty. */
function section<T>(
  module: ByteWriter,
  id: Section,
  items: readonly T[],
  write: (out: ByteWriter, item: T, index: number) => void,
): void {
  if (items.length === 0) return;
  const content = new ByteWriter(256);
  content.u32(items.length);
  for (const [index, item] of items.entries()) write(content, item, index);
  module.u8(id);
  module.u32(content.length);
  module.append(content.bytes);
}
