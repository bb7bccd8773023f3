// Assembly text to bytes: pseudo-C (as clang's `-S`, bpftool and the kernel's logs print it) and mnemonics
// (as the conformance files write it), line by line and mixed at will, with labels and sections. Gives code and
// what in it still needs a symbol from elsewhere; it knows neither data, maps nor program types, which
// are the loader's part (loader/assembly.ts).
//
//   start:                        ; a label
//   r6 = *(u64 *)(r1 +8)          ; pseudo-C
//   jeq %r6, 0, out               ; mnemonic
//   3: (85) call bpf_ktime_get_ns#5   a line of a listing: slot and opcode byte in front
//   out: exit

import { LoadError } from "../errors.ts";
import { HELPER_NAMES } from "./helper-names.ts";
import { encode, type Insn, makeInsn, SLOT_SIZE } from "./insn.ts";
import { placeOf, type Token, tokenize } from "./lexer.ts";
import { insnRow } from "./table.ts";
import { type Match, matchInsn, type NameOperand } from "./templates.ts";

/** An instruction that waits for the value of a symbol: a `lddw` or a local call. */
export interface SymbolReference {
  /** Byte offset of the instruction in its section. */
  readonly offset: number;
  readonly kind: "wide" | "call";
  readonly symbol: string;
  readonly line: number;
  readonly column: number;
}

export interface AssembledSection {
  readonly name: string;
  readonly bytes: Uint8Array;
  /** Label to byte offset, in order of appearance. */
  readonly labels: ReadonlyMap<string, number>;
  readonly references: readonly SymbolReference[];
  /** The source line of each slot, from 1; 0 for the second slot of a wide instruction. */
  readonly lines: readonly number[];
}

export interface Assembly {
  readonly sections: readonly AssembledSection[];
  /** Names declared by `.globl`. */
  readonly globals: ReadonlySet<string>;
}

export interface AssembleOptions {
  /** Name of the section before the first `.section`; default `.text`. */
  readonly section?: string;
  /** The id of a helper's name, with or without `bpf_`; default: the kernel's. */
  readonly helperId?: (name: string) => number | undefined;
}

/** The kernel's id of a helper, by its name with or without the `bpf_` prefix. */
export function kernelHelperId(name: string): number | undefined {
  const id = HELPER_NAMES.indexOf(name.replace(/^bpf_/, ""));
  return id > 0 ? id : undefined;
}

const IGNORED_DIRECTIVES = new Set(
  ".file .loc .type .size .ident .weak .local .hidden .protected .addrsig .addrsig_sym .p2align .align .balign .set".split(
    " ",
  ),
);

/** Directives that say nothing about instructions: places in the source, symbol attributes. */
export function isIgnoredDirective(name: string): boolean {
  return IGNORED_DIRECTIVES.has(name) || name.startsWith(".cfi_");
}

/** What listings put in front of an instruction: `12: (b7) `, `12: `, or `(b7) `. */
const LISTING_PREFIX = /^\s*(?:\d+:\s*)?(?:\(([0-9a-f]{2})\))?/;

interface PendingInsn {
  readonly match: Match;
  readonly slot: number;
  readonly line: number;
}

/** Code of one section while it is being read. */
class CodeSection {
  readonly insns: PendingInsn[] = [];
  readonly lines: number[] = [];

  add(match: Match, line: number): void {
    this.insns.push({ match, slot: this.lines.length, line });
    this.lines.push(line);
    if (match.row.wide) this.lines.push(0);
  }

  /** Slot of the first `exit`: what jumps to an undefined label named `exit` mean. */
  get exitSlot(): number | undefined {
    return this.insns.find((pending) => pending.match.row.name === "exit")?.slot;
  }
}

interface OpenSection {
  readonly name: string;
  readonly code: CodeSection;
  /** Label to byte offset. */
  readonly labels: Map<string, number>;
}

class Assembler {
  readonly options: AssembleOptions;
  readonly sections = new Map<string, OpenSection>();
  readonly globals = new Set<string>();
  readonly labelNames: ReadonlySet<string>;
  readonly lines: readonly string[];
  current: OpenSection;

  constructor(text: string, options: AssembleOptions) {
    this.options = options;
    this.lines = text.split(/\r?\n/);
    const labels = this.lines.map((line) => /^\s*(?:\d+:)?\s*([A-Za-z_.$][\w.$]*):/.exec(line)?.[1]);
    this.labelNames = new Set(labels.filter((name) => name !== undefined));
    this.current = this.open(options.section ?? ".text");
  }

  open(name: string): OpenSection {
    const known = this.sections.get(name);
    if (known !== undefined) return known;
    const made = { name, code: new CodeSection(), labels: new Map<string, number>() };
    this.sections.set(name, made);
    return made;
  }

  run(): Assembly {
    for (const [index, text] of this.lines.entries()) this.line(text, index + 1);
    const kept = [...this.sections.values()].filter(({ code }) => code.insns.length > 0);
    kept.sort((a, b) => a.code.insns[0].line - b.code.insns[0].line);
    return { sections: kept.map((section) => this.close(section)), globals: this.globals };
  }

  line(text: string, line: number): void {
    const prefix = LISTING_PREFIX.exec(text);
    const code = prefix?.[1] === undefined ? undefined : Number.parseInt(prefix[1], 16);
    let tokens = tokenize(
      text.replace(LISTING_PREFIX, (found) => " ".repeat(found.length)),
      line,
    );
    const at = (index: number): string => tokens[index]?.text ?? "";
    while (tokens[0]?.kind === "name" && at(1) === ":") {
      this.defineLabel(tokens[0], line);
      tokens = tokens.slice(2);
    }
    const first = tokens[0] as Token;
    if (first.kind === "end") return;
    if (first.text.startsWith(".")) {
      this.directive(first, tokens.slice(1), line);
      return;
    }
    const helperId = this.options.helperId ?? kernelHelperId;
    const match = matchInsn(tokens, line, { isLabel: (name) => this.labelNames.has(name), helperId }, code);
    this.current.code.add(match, line);
  }

  defineLabel(token: Token, line: number): void {
    const { labels, code } = this.current;
    for (const section of this.sections.values()) {
      if (section.labels.has(token.text)) {
        throw new LoadError(
          "bad-syntax",
          placeOf(line, token.column),
          `expected a new label, got '${token.text}' again`,
        );
      }
    }
    labels.set(token.text, code.lines.length * SLOT_SIZE);
  }

  directive(name: Token, args: readonly Token[], line: number): void {
    if (name.text === ".text") this.current = this.open(".text");
    else if (name.text === ".section") this.current = this.open(sectionName(args));
    else if (name.text === ".globl" || name.text === ".global") this.globals.add((args[0] as Token).text);
    else if (!isIgnoredDirective(name.text)) {
      const problem = `expected a directive of code, got '${name.text}'`;
      throw new LoadError("bad-syntax", placeOf(line, name.column), problem);
    }
  }

  close(section: OpenSection): AssembledSection {
    const { name, code, labels } = section;
    const references: SymbolReference[] = [];
    const insns = code.insns.map((pending) => this.resolve(section, pending, references));
    return { name, bytes: encode(insns), labels, references, lines: code.lines };
  }

  /** Puts the value of a named operand in place, or notes that it is needed from elsewhere. */
  resolve(section: OpenSection, pending: PendingInsn, references: SymbolReference[]): Insn {
    const { match, slot, line } = pending;
    const { row, operands, name } = match;
    if (name === undefined) return makeInsn(row, operands, slot);
    const place = placeOf(line, name.column);
    const here = section.labels.get(name.name);
    const target =
      here !== undefined ? here / SLOT_SIZE : name.name === "exit" ? section.code.exitSlot : undefined;
    const refer = (kind: SymbolReference["kind"]): void => {
      const { column } = name;
      references.push({ offset: slot * SLOT_SIZE, kind, symbol: name.name, line, column });
    };
    if (target !== undefined) return resolveHere(match, name, slot, target, place);
    if (name.letter === "Q" || name.letter === "P") {
      refer("wide");
      return makeInsn(insnRow("lddw"), { ...operands, imm: 0, next: 0 }, slot);
    }
    if (name.letter === "H" || name.letter === "F") {
      refer("call");
      return makeInsn(insnRow("call_local"), { imm: -1 }, slot);
    }
    throw new LoadError("bad-syntax", place, `expected a label of this section, got '${name.name}'`);
  }
}

/** A name that is a label of the same section: jumps, calls and function addresses are relative. */
function resolveHere(match: Match, name: NameOperand, slot: number, target: number, place: string): Insn {
  const { row, operands } = match;
  const distance = target - slot - 1;
  if (name.letter === "J") {
    if (distance < -0x8000 || distance > 0x7fff) {
      const problem = `expected '${name.name}' within 32767 slots, got a distance of ${distance} (gotol reaches further)`;
      throw new LoadError("bad-jump", place, problem);
    }
    return makeInsn(row, { ...operands, off: distance }, slot);
  }
  if (name.letter === "Q") return makeInsn(insnRow("lddw_func"), { ...operands, imm: distance }, slot);
  return makeInsn(row, { ...operands, imm: distance }, slot);
}

/** `.section tracepoint/skb/kfree_skb,"ax",@progbits`: everything up to the first comma. */
function sectionName(args: readonly Token[]): string {
  const comma = args.findIndex((token) => token.text === ",");
  const parts = args.slice(0, comma === -1 ? args.length - 1 : comma).map((token) => token.text);
  return parts.join("").replace(/^"|"$/g, "");
}

/**
 * Assembles a text of any number of sections.
 * Throws a LoadError (`bad-syntax`, `bad-jump`) that names line and column.
 */
export function assemble(text: string, options: AssembleOptions = {}): Assembly {
  return new Assembler(text, options).run();
}

/**
 * Assembles one stretch of code that needs nothing from elsewhere, to instruction bytes.
 * Throws a LoadError as `assemble` does, and when the text has data, several sections or unknown names.
 */
export function assembleCode(text: string, options: AssembleOptions = {}): Uint8Array {
  const { sections } = assemble(text, options);
  if (sections.length === 0) return new Uint8Array(0);
  const [section, extra] = sections as [AssembledSection, AssembledSection?];
  if (extra !== undefined) {
    throw new LoadError("bad-syntax", `section ${extra.name}`, "expected one section of code");
  }
  const unknown = section.references[0];
  if (unknown !== undefined) {
    const place = placeOf(unknown.line, unknown.column);
    const expected = unknown.kind === "call" ? "a helper or a function" : "a number or a label";
    throw new LoadError("bad-syntax", place, `expected ${expected}, got '${unknown.symbol}'`);
  }
  return section.bytes;
}
