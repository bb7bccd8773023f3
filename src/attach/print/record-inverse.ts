// The inverse of an event's print format: takes the text that ftrace printed for an event, gives the event's
// record, as a BPF program attached to the tracepoint sees it. Says which fields the text does not tell.
// `%p` gives the pointer as printed, hashed or not; `%pS` needs symbols; a string ends at the first place
// where the text that follows it in the print format fits.

import type { FormatField, TracepointFormat } from "../format.ts";
import { type PrintFormat, parsePrintFormat } from "../print-format.ts";
import { Coverage } from "./coverage.ts";
import { InverseCompiler, type PlannedStore } from "./inverse.ts";
import type { PrintOptions } from "./printer.ts";
import { SCAN_BUDGET, Scan, type Step } from "./scan.ts";
import { DynamicStore, type Store } from "./store.ts";

/** A record's fixed part and what is behind it are as long as the kernel lets them be. */
const MAX_RECORD = 65536;

/** The inverse of an event's print format: text in, record out. */
export class RecordInverse {
  readonly format: TracepointFormat;
  /** Fields that the text says nothing of; they are zero in every record. */
  readonly unrecovered: readonly string[];
  /** Fields that the text gives in part: some bits, a rounded number, whether it is zero, some texts only. */
  readonly partial: readonly string[];
  /** Line breaks that the text has inside. */
  readonly newlines: number;
  /** Spaces that every text starts with. */
  readonly leadingSpaces: number;
  /** Bytes of the record that `match` found, a multiple of eight as in perf's buffers. */
  size = 0;
  readonly #first: Step;
  readonly #stores: readonly Store[];
  readonly #dynamic: readonly DynamicStore[];
  readonly #scan: Scan;
  readonly #typeOffset: number;

  /**
   * Compiles the inverse; a LoadError (`bad-format`) where the print format does not parse.
   * `printFormat` replaces the format's own, for events that ftrace prints in another way.
   */
  constructor(format: TracepointFormat, options: PrintOptions & { readonly printFormat?: PrintFormat } = {}) {
    this.format = format;
    const printFormat = options.printFormat ?? parsePrintFormat(format);
    const compiler = new InverseCompiler(format, printFormat, options);
    const coverage = new Coverage();
    this.#first = compiler.compile(coverage);
    ({ unrecovered: this.unrecovered, partial: this.partial } = coverage.report(format));
    this.#stores = orderStores(compiler.stores);
    const dynamic = this.#stores.filter((store) => store instanceof DynamicStore);
    this.#dynamic = dynamic.toSorted((a, b) => a.fieldOffset - b.fieldOffset);
    this.#scan = new Scan(compiler.slots);
    this.newlines = countNewlines(printFormat);
    const [first] = printFormat.pieces;
    this.leadingSpaces = first?.kind === "literal" ? (/^ */.exec(first.text)?.[0].length ?? 0) : 0;
    this.#typeOffset = commonOffset(format, "common_type", 2);
  }

  /** Where the text ended that `match` read last: at a line break, or where it was told to end. */
  get textEnd(): number {
    return this.#scan.at;
  }

  /**
   * Reads the text at `from`, which ends at `to` or at a line break before it; false when it is none that
   * the print format prints. Afterwards `size` is the record's, and `store` writes it, as long as `bytes`
   * stays as it is.
   */
  match(bytes: Uint8Array, from: number, to: number): boolean {
    const scan = this.#scan;
    scan.bytes = bytes;
    scan.at = from;
    scan.end = to;
    scan.budget = SCAN_BUDGET;
    scan.unknownFrom = -1;
    if (!this.#first.match(scan)) return false;
    let end = this.format.size;
    for (const store of this.#dynamic) if (store.isActive(scan)) end = store.reserve(scan, end);
    this.size = (end + 7) & ~7;
    return this.size <= MAX_RECORD;
  }

  /** A symbol of the text that did not match because no table has it. */
  get unknownSymbol(): string | undefined {
    const { bytes, unknownFrom, unknownTo } = this.#scan;
    return unknownFrom < 0 ? undefined : new TextDecoder().decode(bytes.subarray(unknownFrom, unknownTo));
  }

  /**
   * Writes the record that `match` found to `size` bytes at `at` of `bytes`, which `view` shows too: all
   * fields, zeros between them, and `common_type`; the other common fields are left zero.
   */
  store(bytes: Uint8Array, view: DataView, at: number): void {
    const scan = this.#scan;
    // Eight bytes at a time: records are small, and a call of fill() costs more than that.
    for (let i = 0; i < this.size; i += 8) view.setFloat64(at + i, 0, true);
    if (this.#typeOffset >= 0) view.setUint16(at + this.#typeOffset, this.format.id, true);
    const stores = this.#stores;
    for (let i = 0; i < stores.length; i++) {
      const store = stores[i] as Store;
      if (!store.isGuarded || store.isActive(scan)) store.store(scan, view, bytes, at);
    }
  }
}

/** Where a common field of so many bytes is; -1 when the format has none. */
export function commonOffset(format: TracepointFormat, name: string, size: number): number {
  return format.commonFields.find((field) => field.name === name && field.size === size)?.offset ?? -1;
}

/** What gives a field best comes last; what cannot change the outcome is left out. */
function orderStores(planned: readonly PlannedStore[]): Store[] {
  const whole = new Map<FormatField, Store>();
  for (const { store, field, whole: isWhole } of planned) {
    // A value behind the fixed fields is there once, however often it is printed.
    if (isWhole || (store instanceof DynamicStore && !store.isGuarded)) whole.set(field, store);
  }
  return planned
    .filter(({ store, field }) => !whole.has(field) || whole.get(field) === store)
    .toSorted((a, b) => a.weight - b.weight)
    .map(({ store }) => store);
}

function countNewlines(printFormat: PrintFormat): number {
  const text = printFormat.pieces.map((piece) => (piece.kind === "literal" ? piece.text : "%")).join("");
  return text.replace(/\n+$/, "").split("\n").length - 1;
}
