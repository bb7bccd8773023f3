// Takes a text of assembly apart: data sections become bytes here, with alignment, symbol attributes and our own
// directives; sections of code stay text, line numbers unchanged, for isa/assembler.ts. Sections are code by
// their flags, and where none are given by their name. Follows the GNU assembler's directives as clang's `-S`
// output uses them.

import { LoadError } from "../errors.ts";
import { isIgnoredDirective } from "../isa/assembler.ts";
import { placeOf, type Token, tokenize, unquote } from "../isa/lexer.ts";
import type { MapSpec } from "../program.ts";
import { type DataReference, DataSection } from "./data-directives.ts";
import { isDataSection } from "./global-data.ts";
import { readMapDirective } from "./map-directive.ts";

/** What directives say of a symbol. */
export interface SymbolAttributes {
  isGlobal: boolean;
  type: "none" | "func" | "object";
  /** Bytes, where it is given as a number. */
  size: number;
}

/** A section of data while it is being read. */
interface OpenData {
  readonly name: string;
  readonly data: DataSection;
  /** Label to byte offset. */
  readonly labels: Map<string, number>;
}

/** A finished section of data. */
export interface TextDataSection {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly labels: ReadonlyMap<string, number>;
  readonly references: readonly DataReference[];
}

/** A text taken apart. */
export interface AssemblyParts {
  /** The text with all lines blank that are not code. */
  readonly code: string;
  readonly data: readonly TextDataSection[];
  readonly attributes: ReadonlyMap<string, SymbolAttributes>;
  readonly maps: ReadonlyMap<string, MapSpec>;
  readonly license: string | undefined;
  /** True when the text names at least one section of code. */
  readonly hasSections: boolean;
}

const SECTION = /^\s*\.section\s+("[^"]*"|[^\s,]+)\s*(?:,\s*"([^"]*)")?/;
const SHORT_SECTION = /^\s*(\.(?:text|data|bss|rodata))\s*(?:[#;/].*)?$/;
const DIRECTIVE = /^\s*\.(\w+)(.*)$/;
const COMMENT = /#|;|\/\//;
const DATA_NAME = /^(\.maps|maps(\/.*)?|license|version|\.BTF(\.ext)?)$/;
const MAX_ALIGNMENT = 4096;

function withoutComment(text: string): string {
  const start = text.search(COMMENT);
  return (start === -1 ? text : text.slice(0, start)).trim();
}

function isDataName(name: string): boolean {
  return DATA_NAME.test(name) || isDataSection(name);
}

class TextReader {
  readonly code: string[] = [];
  readonly data = new Map<string, OpenData>();
  readonly attributes = new Map<string, SymbolAttributes>();
  readonly maps = new Map<string, MapSpec>();
  license: string | undefined;
  hasSections = false;
  /** The data section that lines go to; `code` and `skip` for lines of code and of debug information. */
  current: OpenData | "code" | "skip" = "code";

  line(text: string, line: number): void {
    const section = SECTION.exec(text) ?? SHORT_SECTION.exec(text);
    if (section !== null) {
      const isCode = this.open((section[1] as string).replace(/^"|"$/g, ""), section[2]);
      this.code.push(isCode ? text : "");
      return;
    }
    if (this.current === "skip") {
      this.code.push("");
      return;
    }
    const directive = DIRECTIVE.exec(text);
    if (directive !== null && this.attribute(directive[1] as string, directive[2] as string, line)) {
      this.code.push("");
    } else if (this.current === "code") {
      this.code.push(text);
    } else {
      this.code.push("");
      this.dataLine(this.current, text, line);
    }
  }

  /** Makes a section the current one; true when it is code. */
  open(name: string, flags: string | undefined): boolean {
    const isCode = flags === undefined ? !isDataName(name) : flags.includes("x");
    if (name.startsWith(".debug")) this.current = "skip";
    else if (isCode) this.current = "code";
    else this.current = this.dataSection(name);
    if (isCode) this.hasSections = true;
    return isCode;
  }

  dataSection(name: string): OpenData {
    const known = this.data.get(name);
    if (known !== undefined) return known;
    const made = { name, data: new DataSection(), labels: new Map<string, number>() };
    this.data.set(name, made);
    return made;
  }

  symbol(name: string): SymbolAttributes {
    const known = this.attributes.get(name);
    if (known !== undefined) return known;
    const made: SymbolAttributes = { isGlobal: false, type: "none", size: 0 };
    this.attributes.set(name, made);
    return made;
  }

  /** Takes a directive that speaks of symbols, or one of our own; false for others. */
  attribute(name: string, rest: string, line: number): boolean {
    const args = withoutComment(rest)
      .split(",")
      .map((arg) => arg.trim());
    const [first = "", second = ""] = args;
    switch (name) {
      case "globl":
      case "global":
      case "weak":
        this.symbol(first).isGlobal = true;
        return true;
      case "type":
        if (second === "@function") this.symbol(first).type = "func";
        else if (second === "@object") this.symbol(first).type = "object";
        return true;
      case "size":
        if (/^\d+$/.test(second)) this.symbol(first).size = Number(second);
        return true;
      case "comm":
      case "lcomm":
        this.common(args, line);
        return true;
      case "map": {
        const map = readMapDirective(withoutComment(rest), placeOf(line, 1));
        if (this.maps.has(map.name)) {
          throw new LoadError("bad-syntax", placeOf(line, 1), `expected a new map, got '${map.name}' again`);
        }
        this.maps.set(map.name, map);
        return true;
      }
      case "license":
        this.license = this.quoted(rest.trim(), line);
        return true;
      default:
        return false;
    }
  }

  quoted(text: string, line: number): string {
    const literal = /^"(?:[^"\\]|\\.)*"/.exec(text)?.[0];
    if (literal !== undefined) return new TextDecoder().decode(unquote(literal));
    throw new LoadError("bad-syntax", placeOf(line, 1), `expected a quoted licence, got '${text}'`);
  }

  /** `.comm NAME,SIZE,ALIGNMENT`: zeroed bytes in .bss. */
  common([name = "", size = "", alignment = "1"]: readonly string[], line: number): void {
    const bss = this.dataSection(".bss");
    const boundary = Number(alignment);
    if (Number.isInteger(boundary) && boundary >= 1 && boundary <= MAX_ALIGNMENT) bss.data.align(boundary);
    this.defineLabel(bss, name, placeOf(line, 1));
    this.dataLine(bss, `.zero ${size}`, line);
    const attributes = this.symbol(name);
    attributes.type = "object";
    attributes.size = Number(size);
  }

  defineLabel(section: OpenData, name: string, place: string): void {
    for (const { labels } of this.data.values()) {
      if (labels.has(name)) {
        throw new LoadError("bad-syntax", place, `expected a new label, got '${name}' again`);
      }
    }
    section.labels.set(name, section.data.length);
  }

  dataLine(section: OpenData, text: string, line: number): void {
    let tokens = tokenize(text, line);
    const at = (index: number): string => tokens[index]?.text ?? "";
    while (tokens[0]?.kind === "name" && at(1) === ":") {
      this.defineLabel(section, at(0), placeOf(line, tokens[0].column));
      tokens = tokens.slice(2);
    }
    const first = tokens[0] as Token;
    if (first.kind === "end") return;
    if (section.data.directive(first, tokens.slice(1), line)) return;
    if (!isIgnoredDirective(first.text)) {
      const problem = `expected data in section ${section.name}, got '${first.text}'`;
      throw new LoadError("bad-syntax", placeOf(line, first.column), problem);
    }
  }
}

/** Takes a text apart. Throws a LoadError (`bad-syntax`) that names line and column. */
export function readAssemblyText(text: string): AssemblyParts {
  const reader = new TextReader();
  for (const [index, line] of text.split(/\r?\n/).entries()) reader.line(line, index + 1);
  const { attributes, maps, license, hasSections } = reader;
  const data = [...reader.data.values()].map(({ name, data: bytes, labels }) => {
    return { name, labels, ...bytes.finish(labels) };
  });
  return { code: reader.code.join("\n"), data, attributes, maps, license, hasSections };
}
