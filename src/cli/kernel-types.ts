// The types of the kernel that programs are judged for: of a file that the user names, or of this machine's kernel
// where that tells. A file that the user names is read at once, so that what is wrong with it is said of it and not of
// the programs; this machine's types when they are first needed.

import { readFileSync } from "node:fs";
import { type Btf, parseBtf } from "../btf/btf.ts";
import { atPlace, LoadError } from "../errors.ts";
import { isElf } from "../loader/elf.ts";
import { UsageError } from "./command.ts";

const OWN_KERNEL = "/sys/kernel/btf/vmlinux";

export class KernelTypes {
  readonly #file: string | undefined;
  #isRead = false;
  #btf: Btf | undefined;

  /**
   * `file`: a blob of BTF. Without one this machine's kernel is asked. Throws a UsageError for a file that cannot be
   * read, a LoadError for one that holds something else.
   */
  constructor(file: string | undefined) {
    this.#file = file;
    if (file !== undefined) this.#btf = this.#read();
    this.#isRead = file !== undefined;
  }

  /** Undefined where no file was given and this machine tells nothing of its kernel. */
  get btf(): Btf | undefined {
    if (!this.#isRead) this.#btf = this.#read();
    this.#isRead = true;
    return this.#btf;
  }

  #read(): Btf | undefined {
    const file = this.#file ?? OWN_KERNEL;
    let bytes: Uint8Array;
    try {
      bytes = new Uint8Array(readFileSync(file));
    } catch (error) {
      if (this.#file === undefined) return undefined;
      throw new UsageError(`--kernel-btf: ${(error as Error).message}`);
    }
    return atPlace(this.#file === undefined ? file : `--kernel-btf: ${file}`, () => {
      if (!isElf(bytes)) return parseBtf(bytes);
      const problem = `expected bare BTF, as ${OWN_KERNEL} has it, got an ELF file (llvm-objcopy --dump-section .BTF=FILE takes it out)`;
      throw new LoadError("bad-magic", "", problem);
    });
  }
}
