// Reads conformance data files: bpf_conformance's format and what test/conformance/README.md adds to it. Gives the
// cases of a file, one per row where a case has a table, and assembles their programs. Runs nothing.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { MapType } from "../../assembly/shared/codes.ts";
import { fromHex, toHex } from "../../dist/src/harness/hex.js";
import { assembleCode } from "../../dist/src/isa/assembler.js";
import { readMapDirective } from "../../dist/src/loader/map-directive.js";
import type { MapSpec } from "../../dist/src/program.js";

/** A map of a case; keys and values are hexadecimal text. */
export interface DataMap {
  readonly spec: MapSpec;
  readonly before: ReadonlyMap<string, string>;
  /** As in `before`: of an array only the values that are not all zeros. */
  readonly after: ReadonlyMap<string, string>;
}

/** One program with the state before and after it. */
export interface DataCase {
  readonly file: string;
  /** What is written behind `-- case`; empty for the only case of a file. */
  readonly title: string;
  /** Line of the case, or of the row of its table that this is. */
  readonly line: number;
  /** Assembly, its lines numbered as in the file. */
  readonly asm: string | undefined;
  readonly raw: Uint8Array | undefined;
  readonly memory: Uint8Array;
  readonly memoryAfter: Uint8Array;
  /** r0, unsigned; undefined when an error is expected. */
  readonly result: bigint | undefined;
  /** `CODE`, `trap CODE`, each perhaps with ` at SLOT`. */
  readonly error: string | undefined;
  readonly limit: number | undefined;
  readonly maps: readonly DataMap[];
  /** True when it means nothing to a program that was verified. */
  readonly checkedOnly: boolean;
}

/** Something between two headers. */
interface Section {
  readonly name: string;
  /** What follows the name in the header. */
  readonly args: string;
  readonly line: number;
  readonly body: readonly string[];
}

/** Longer names first: a header belongs to the first that it starts with. */
const NAMES = [
  "mem after",
  "mem",
  "map",
  "asm",
  "raw",
  "result",
  "error",
  "limit",
  "table",
  "checked",
  "case",
];
/** Sections of bpf_conformance that say nothing about a run here. */
const IGNORED = ["no register offset", "c"];
/** Sections that stand for themselves: what their header says is all. */
const WITHOUT_BODY = ["checked", "case"];
const REPEATED = ["map"];
const WIDTHS: Readonly<Record<string, number>> = { ".byte": 1, ".short": 2, ".long": 4, ".quad": 8 };

const withoutComment = (text: string): string => text.replace(/#.*/, "").trim();

/** Takes a file apart; whatever is wrong with it is told with its line. */
class DataFile {
  readonly file: string;
  readonly lines: readonly string[];

  constructor(file: string, text: string) {
    this.file = file;
    this.lines = text.split(/\r?\n/);
  }

  fail(line: number, problem: string): never {
    throw new SyntaxError(`${this.file}:${line}: ${problem}`);
  }

  cases(): DataCase[] {
    const groups: { title: string; line: number; sections: Section[] }[] = [];
    for (const section of this.sections()) {
      if (section.name === "case") groups.push({ title: section.args, line: section.line, sections: [] });
      else if (groups.length === 0) groups.push({ title: "", line: section.line, sections: [section] });
      else groups.at(-1)?.sections.push(section);
    }
    if (groups.length === 0) this.fail(1, "expected a case, got none");
    for (const [index, { title, line }] of groups.entries()) {
      const first = groups.findIndex((group) => group.title === title);
      if (first !== index) this.fail(line, `expected a new title, got '${title}' again`);
    }
    return groups.flatMap(({ title, line, sections }) => {
      const table = sections.find(({ name }) => name === "table");
      const others = sections.filter((section) => section !== table);
      if (table === undefined) return [new CaseReader(this, title, line, others).read()];
      return this.rows(table).map(([at, row]) => new CaseReader(this, title, at, others, row).read());
    });
  }

  sections(): Section[] {
    const sections: (Section & { body: string[] })[] = [];
    for (const [index, text] of this.lines.entries()) {
      const header = /^--\s+(.*)$/.exec(text)?.[1];
      if (header !== undefined) sections.push({ ...this.header(header.trim(), index + 1), body: [] });
      else if (sections.length > 0) sections.at(-1)?.body.push(text);
      else if (withoutComment(text) !== "") this.fail(index + 1, "expected a section in front of the text");
    }
    for (const { name, line, body } of sections) {
      const extra = WITHOUT_BODY.includes(name) ? body.findIndex((text) => withoutComment(text) !== "") : -1;
      if (extra !== -1)
        this.fail(line + 1 + extra, `expected nothing but a header, got text below -- ${name}`);
    }
    return sections.filter(({ name }) => !IGNORED.includes(name));
  }

  header(text: string, line: number): { name: string; args: string; line: number } {
    const name = [...NAMES, ...IGNORED].find((known) => text === known || text.startsWith(`${known} `));
    if (name === undefined) this.fail(line, `expected a known section, got -- ${text}`);
    return { name, args: withoutComment(text.slice(name.length)), line };
  }

  /** The rows of a table: the line of each, and its cells by column. */
  rows({ args, line, body }: Section): [number, Map<string, string>][] {
    const separator = /\s\|\s/.test(args) ? /\s\|\s/ : /\s+/;
    const columns = args.split(separator).map((column) => column.trim());
    const rows: [number, Map<string, string>][] = [];
    for (const [index, text] of body.entries()) {
      const row = withoutComment(text);
      if (row === "") continue;
      const cells = (columns.length === 1 ? [row] : row.split(separator)).map((cell) => cell.trim());
      const at = line + 1 + index;
      if (cells.length !== columns.length)
        this.fail(at, `expected ${columns.length} cells, got ${cells.length}`);
      rows.push([at, new Map(columns.map((column, position) => [column, cells[position] as string]))]);
    }
    if (rows.length === 0) this.fail(line, "expected rows below -- table, got none");
    return rows;
  }
}

/** Makes one case of its sections and of a row of its table. */
class CaseReader {
  readonly source: DataFile;
  readonly title: string;
  readonly line: number;
  readonly sections: readonly Section[];
  readonly row: ReadonlyMap<string, string>;
  readonly used = new Set<string>();

  constructor(
    source: DataFile,
    title: string,
    line: number,
    sections: readonly Section[],
    row: ReadonlyMap<string, string> = new Map(),
  ) {
    this.source = source;
    this.title = title;
    this.line = line;
    this.sections = sections;
    this.row = row;
    const seen = new Set<string>();
    for (const { name, line: at } of sections) {
      if (seen.has(name) && !REPEATED.includes(name))
        source.fail(at, `expected -- ${name} once in a case, got it again`);
      seen.add(name);
    }
  }

  read(): DataCase {
    const { source, title, line } = this;
    const asm = this.section("asm");
    const memory = this.memory("mem") ?? new Uint8Array(0);
    const limit = this.word("limit");
    const read: DataCase = {
      ...{ file: source.file, title, line, memory },
      asm: asm === undefined ? undefined : "\n".repeat(asm.line) + this.repeated(asm).join("\n"),
      raw: this.raw(),
      memoryAfter: this.memory("mem after") ?? memory,
      result: this.result(),
      error: this.word("error"),
      limit: limit === undefined ? undefined : Number(limit),
      maps: this.maps(),
      checkedOnly: this.section("checked") !== undefined,
    };
    if (read.asm === undefined && read.raw === undefined)
      source.fail(line, "expected -- asm or -- raw, got neither");
    if ((read.result === undefined) === (read.error === undefined)) {
      source.fail(line, "expected either -- result or -- error");
    }
    if (read.memory.length !== read.memoryAfter.length)
      source.fail(line, "expected as much memory after as before");
    for (const column of this.row.keys()) {
      if (!this.used.has(column))
        source.fail(line, `expected a use of the table's column ${column}, got none`);
    }
    return read;
  }

  section(name: string): Section | undefined {
    return this.sections.find((section) => section.name === name);
  }

  /** The lines of a section with the row's cells in place of `$column`. */
  text({ line, body }: Section): string[] {
    return body.map((text, index) => this.filled(text, line + 1 + index));
  }

  /** The lines between `.rept N` and `.endr` N times, as the GNU assembler takes them. */
  repeated(section: Section): string[] {
    const lines: string[] = [];
    let block: { count: number; start: number } | undefined;
    for (const [index, text] of this.text(section).entries()) {
      const count = /^\s*\.rept\s+(\d+)\s*$/.exec(text)?.[1];
      if (count !== undefined && block === undefined) block = { count: Number(count), start: lines.length };
      else if (text.trim() === ".endr" && block !== undefined) {
        const repeated = lines.splice(block.start);
        for (let round = 0; round < block.count; round++) lines.push(...repeated);
        block = undefined;
      } else if (/^\s*\.(rept|endr)\b/.test(text)) {
        this.source.fail(section.line + 1 + index, "expected .rept N and .endr in turn");
      } else lines.push(text);
    }
    if (block !== undefined) this.source.fail(section.line, "expected an .endr for each .rept");
    return lines;
  }

  filled(text: string, line: number): string {
    return text.replace(/\$([a-z]\w*)/g, (_, column: string) => {
      const cell = this.row.get(column);
      if (cell === undefined) this.source.fail(line, `expected a column of the case's table, got $${column}`);
      this.used.add(column);
      return cell;
    });
  }

  /** What a section says in its header or below it, where that is one line. */
  word(name: string): string | undefined {
    const section = this.section(name);
    if (section === undefined) return undefined;
    const words = [this.filled(section.args, section.line), ...this.text(section).map(withoutComment)];
    const [word, extra] = words.filter((text) => text !== "");
    if (word === undefined || extra !== undefined)
      this.source.fail(section.line, `expected one line for -- ${name}`);
    return word;
  }

  /** A column called `result` needs no section. */
  result(): bigint | undefined {
    const cell = this.row.get("result");
    if (cell !== undefined && this.section("result") === undefined) {
      this.used.add("result");
      return BigInt.asUintN(64, this.number(cell, this.line));
    }
    const word = this.word("result");
    return word === undefined
      ? undefined
      : BigInt.asUintN(64, this.number(word, this.section("result")?.line ?? 0));
  }

  number(text: string, line: number): bigint {
    const [, sign, digits] = /^(-?)(0x[0-9a-f]+|\d+)$/i.exec(text.trim()) ?? [];
    if (digits === undefined) this.source.fail(line, `expected a number, got '${text.trim()}'`);
    const value = sign === "-" ? -BigInt(digits) : BigInt(digits);
    if (value >= 1n << 64n || value < -(1n << 63n)) this.source.fail(line, `expected 64 bits, got ${text}`);
    return value;
  }

  memory(name: string): Uint8Array | undefined {
    const section = this.section(name);
    if (section === undefined) return undefined;
    const lines = this.text(section).map((text, index) => this.bytes(text, section.line + 1 + index));
    return Uint8Array.from(lines.flatMap((bytes) => [...bytes]));
  }

  /** Pairs of hexadecimal digits, or numbers behind `.byte`, `.short`, `.long` or `.quad`. */
  bytes(text: string, line: number): Uint8Array {
    const plain = withoutComment(text);
    const width = WIDTHS[plain.split(/\s/)[0] as string];
    if (width === undefined) {
      return fromHex(plain) ?? this.source.fail(line, `expected pairs of hexadecimal digits, got '${plain}'`);
    }
    const numbers = plain.replace(/^\S+/, "").split(",");
    return Uint8Array.from(numbers.flatMap((number) => littleEndian(this.number(number, line), width)));
  }

  raw(): Uint8Array | undefined {
    const section = this.section("raw");
    if (section === undefined) return undefined;
    const words = this.text(section).flatMap((text, index) => {
      const numbers = withoutComment(text).split(/\s+/).filter(Boolean);
      return numbers.map((word) => this.number(word.replace(/^(0x)?/i, "0x"), section.line + 1 + index));
    });
    return Uint8Array.from(words.flatMap((word) => littleEndian(word, 8)));
  }

  maps(): DataMap[] {
    const sections = this.sections.filter(({ name }) => name === "map");
    const afters = new Map<string, Section>();
    for (const section of sections) {
      const [, name] = /^(\S+) after$/.exec(section.args) ?? [];
      if (name !== undefined) afters.set(name, section);
    }
    const defined = sections.filter(({ args }) => !/^\S+ after$/.test(args));
    const maps = defined.map((section) => {
      const spec = this.spec(section);
      const before = this.entries(section, spec);
      const after = afters.get(spec.name);
      afters.delete(spec.name);
      return { spec, before, after: after === undefined ? before : this.entries(after, spec) };
    });
    for (const { line, args } of afters.values())
      this.source.fail(line, `expected a map of the case, got ${args}`);
    return maps;
  }

  spec({ args, line }: Section): MapSpec {
    try {
      return readMapDirective(this.filled(args, line), `${this.source.file}:${line}`);
    } catch (error) {
      throw new SyntaxError((error as Error).message, { cause: error });
    }
  }

  /** `KEY = VALUE` lines, both sides as in memory. */
  entries(section: Section, { type, keySize, valueSize }: MapSpec): Map<string, string> {
    const entries = new Map<string, string>();
    for (const [index, text] of this.text(section).entries()) {
      if (withoutComment(text) === "") continue;
      const line = section.line + 1 + index;
      const sides = withoutComment(text).split("=");
      if (sides.length !== 2) this.source.fail(line, "expected KEY = VALUE");
      const [key, value] = sides.map((side) => this.bytes(side, line)) as [Uint8Array, Uint8Array];
      if (key.length !== keySize || value.length !== valueSize) {
        this.source.fail(
          line,
          `expected ${keySize} = ${valueSize} bytes, got ${key.length} = ${value.length}`,
        );
      }
      const isZero = value.every((byte) => byte === 0);
      if (!isZero || type !== MapType.ARRAY) entries.set(toHex(key), toHex(value));
    }
    return entries;
  }
}

function littleEndian(value: bigint, width: number): number[] {
  return Array.from({ length: width }, (_, index) => Number((value >> BigInt(8 * index)) & 255n));
}

/** The cases of a file's text. Throws a SyntaxError that names file and line. */
export function parseDataFile(file: string, text: string): DataCase[] {
  return new DataFile(file, text).cases();
}

/** The cases of every data file in a folder, by file name. */
export function readDataFiles(folder: string): Map<string, DataCase[]> {
  const names = readdirSync(folder)
    .filter((name) => name.endsWith(".data"))
    .toSorted();
  return new Map(names.map((name) => [name, parseDataFile(name, readFileSync(join(folder, name), "utf8"))]));
}

/** What was assembled before: cases run in several places, and rows of a table often share a program. */
const assembled = new Map<string, Uint8Array>();

function assembleOnce(text: string): Uint8Array {
  const bytes = assembled.get(text) ?? assembleCode(text);
  assembled.set(text, bytes);
  return bytes;
}

/**
 * The instruction bytes of a case. Throws a LoadError for assembly that is none, a SyntaxError where the
 * bytes of `-- raw` are others than those of `-- asm`.
 */
export function programBytes({ file, line, asm, raw }: DataCase): Uint8Array {
  const bytes = asm === undefined ? (raw as Uint8Array) : assembleOnce(asm);
  if (raw !== undefined && toHex(raw) !== toHex(bytes)) {
    throw new SyntaxError(`${file}:${line}: expected -- raw to be ${toHex(bytes)}, got ${toHex(raw)}`);
  }
  return bytes;
}

/** What a failure of a case is called: `file:line title`. */
export function placeOfCase({ file, line, title }: DataCase): string {
  return `${file}:${line}${title === "" ? "" : ` ${title}`}`;
}
