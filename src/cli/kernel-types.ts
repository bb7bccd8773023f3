// The types of the kernel that programs are judged for: of a file that the user names, or of this machine's kernel
// where that tells. Read once, when they are first needed.

import { readFileSync } from "node:fs";
import { type Btf, parseBtf } from "../btf/btf.ts";
import { atPlace } from "../errors.ts";
import { UsageError } from "./command.ts";

const OWN_KERNEL = "/sys/kernel/btf/vmlinux";

export class KernelTypes {
  readonly #file: string | undefined;
  #isRead = false;
  #btf: Btf | undefined;

  /** `file`: a blob of BTF. Without one this machine's kernel is asked. */
  constructor(file: string | undefined) {
    this.#file = file;
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
    return atPlace(file, () => parseBtf(bytes));
  }
}
