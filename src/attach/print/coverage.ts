// Keeps account of how much of a record's fields a text gives back: which bits for certain, and which fields
// at least by a guess. Sequences add up; of a choice only what every branch gives is certain.

import type { FormatField, TracepointFormat } from "../format.ts";
import { fullMask } from "./solve.ts";

/** What is known of one field. */
interface Known {
  /** Bits of the field that are certain, over all its bytes. */
  exact: bigint;
}

/** Bits of fields that a part of a print format gives back. */
export class Coverage {
  readonly #known = new Map<FormatField, Known>();

  /** Notes that `size` bytes at `offset` in the record have the bits of `mask` for certain. */
  add(field: FormatField, offset: number, mask: bigint): void {
    const known = this.#known.get(field) ?? { exact: 0n };
    known.exact |= mask << BigInt(8 * (offset - field.offset));
    this.#known.set(field, known);
  }

  /** Notes everything that another part gives as well. */
  addAll(other: Coverage): void {
    for (const [field, { exact }] of other.#known) this.add(field, field.offset, exact);
  }

  /** What a choice gives of which these are the branches; nothing is certain if they cannot be told apart. */
  static ofChoice(branches: readonly Coverage[], distinct: boolean): Coverage {
    const result = new Coverage();
    const fields = new Set(branches.flatMap((branch) => [...branch.#known.keys()]));
    for (const field of fields) {
      const common = branches.reduce(
        (mask, branch) => mask & (branch.#known.get(field)?.exact ?? 0n),
        distinct ? fullMask(Math.max(field.size, 1)) : 0n,
      );
      result.add(field, field.offset, common);
    }
    return result;
  }

  /** True when every bit of the field is certain. */
  isExact(field: FormatField): boolean {
    const mask = fullMask(field.size);
    return ((this.#known.get(field)?.exact ?? 0n) & mask) === mask && field.size > 0;
  }

  /** Names of the fields that the text gives nothing of, and of those that it gives in part. */
  report(format: TracepointFormat): { unrecovered: string[]; partial: string[] } {
    const unrecovered = format.fields.filter((field) => !this.#known.has(field));
    const partial = format.fields.filter((field) => this.#known.has(field) && !this.isExact(field));
    return { unrecovered: unrecovered.map(({ name }) => name), partial: partial.map(({ name }) => name) };
  }
}
