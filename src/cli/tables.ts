// Text for people: tables, numbers, a progress bar. JSON for programs.

import type { SymbolTable } from "../attach/symbols.ts";
import type { BpfMap } from "../maps/map.ts";

/** Node's own styleText is younger than the oldest Node that we run on. */
const bold = (text: string): string =>
  process.stdout.isTTY && !process.env.NO_COLOR ? `\x1b[1m${text}\x1b[22m` : text;

/** A table with a rule under its head; columns whose cells are all numbers are right-aligned. */
export function formatTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => row[column].length)),
  );
  const isNumeric = head.map((_, column) => rows.every((row) => /^[-\d.,]+(x| ?%)?$|^-?$/.test(row[column])));
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, column) =>
        isNumeric[column] ? cell.padStart(widths[column]) : cell.padEnd(widths[column]),
      )
      .join("  ")
      .trimEnd();
  const rule = widths.map((width) => "─".repeat(width)).join("  ");
  return `${[line(head), rule, ...rows.map(line)].join("\n")}\n`;
}

/** 1234567 as `1,234,567`. */
export function formatCount(value: number | bigint): string {
  return value.toString().replace(/\B(?=(\d{3})+$)/g, ",");
}

/** A value of a map or a program as JSON; numbers too large for JavaScript's stay exact. */
export function toJson(value: unknown, indent?: number): string {
  const digits: string[] = [];
  const text = JSON.stringify(
    value,
    (_, item: unknown) => {
      if (typeof item === "bigint") {
        if (item >= BigInt(Number.MIN_SAFE_INTEGER) && item <= BigInt(Number.MAX_SAFE_INTEGER))
          return Number(item);
        digits.push(item.toString());
        return `\u0000${digits.length - 1}`;
      }
      return item instanceof Uint8Array
        ? [...item].map((byte) => `0x${byte.toString(16).padStart(2, "0")}`)
        : item;
    },
    indent,
  );
  return text.replace(/"\\u0000(\d+)"/g, (_, index: string) => digits[Number(index)]);
}

/** A key or value in a table's cell; an address that the symbols know is shown as its symbol. */
function formatCell(value: unknown, symbols: SymbolTable | undefined): string {
  if (typeof value === "bigint" && value >= 0xffff_0000_0000_0000n) {
    return symbols?.describe(value, true) ?? `0x${value.toString(16)}`;
  }
  if (typeof value === "bigint" || typeof value === "number") return value.toString();
  return typeof value === "string" ? value : toJson(value);
}

/** Rows of a map's table; the rest is counted. */
const MAX_ROWS = 40;

/** A map's entries, the largest values first where values are numbers. */
export function formatMap(map: BpfMap, symbols: SymbolTable | undefined): string {
  const entries = [...map];
  const isCount = entries.every(([, value]) => typeof value === "bigint" || typeof value === "number");
  if (isCount && map.typeName === "hash")
    entries.sort(([, a], [, b]) => ((a as bigint) < (b as bigint) ? 1 : -1));
  const shown = entries.slice(0, MAX_ROWS);
  const total = isCount ? entries.reduce((sum, [, value]) => sum + BigInt(value as bigint | number), 0n) : 0n;
  const rows = shown.map(([key, value]) => {
    const cells = [
      formatCell(key, symbols),
      isCount ? formatCount(value as bigint) : formatCell(value, symbols),
    ];
    if (isCount && total > 0n)
      cells.push(`${((Number(value as bigint) * 100) / Number(total)).toFixed(1)} %`);
    return cells;
  });
  const head = ["key", "value", ...(isCount && total > 0n ? ["share"] : [])];
  const title = bold(`map ${map.name}`);
  const count = `${map.typeName}, ${entries.length} of ${formatCount(map.spec.maxEntries)} entries`;
  const rest = entries.length > shown.length ? `… ${entries.length - shown.length} more\n` : "";
  return `${title} (${count})\n${rows.length === 0 ? "" : formatTable(head, rows)}${rest}`;
}

/** A bar on standard error that says how far and how fast; a line at every quarter where that is no terminal. */
export class ProgressBar {
  readonly #label: string;
  readonly #total: number;
  readonly #started = performance.now();
  #drawn = 0;
  #quarters = 0;

  /** `total` 0: not known. */
  constructor(label: string, total: number) {
    this.#label = label;
    this.#total = total;
  }

  update(done: number): void {
    const now = performance.now();
    if (process.stderr.isTTY) {
      if (now - this.#drawn < 50 && done !== this.#total) return;
      this.#drawn = now;
      process.stderr.write(`\r\x1b[K${this.#text(done, now)}`);
      return;
    }
    const quarters = this.#total === 0 ? 0 : Math.floor((4 * done) / this.#total);
    if (quarters === this.#quarters) return;
    this.#quarters = quarters;
    process.stderr.write(`${this.#text(done, now)}\n`);
  }

  #text(done: number, now: number): string {
    const rate = formatCount(Math.round(done / Math.max(0.001, (now - this.#started) / 1000)));
    const filled = this.#total === 0 ? 0 : Math.round((30 * Math.min(done, this.#total)) / this.#total);
    const bar = `${"█".repeat(filled)}${"░".repeat(30 - filled)}`;
    return `${this.#label.padEnd(6)} ${bar} ${formatCount(done)} events, ${rate}/s`;
  }

  /** Wipes the bar. */
  end(): void {
    if (process.stderr.isTTY) process.stderr.write("\r\x1b[K");
  }
}
