// Matches a line's tokens against the text templates of the instruction table. A match gives the row and
// its operands; names (labels, maps, helpers) stay names until the whole text is read. A line that no
// template takes is explained by the template that came furthest.

import { LoadError } from "../errors.ts";
import { placeOf, type Token, tokenize } from "./lexer.ts";
import { type Field, INSN_ROWS, type InsnRow, OPERAND_FIELD } from "./table.ts";

/** An operand that is a name: resolved when all labels are known. */
export interface NameOperand {
  readonly name: string;
  /** The template's letter: what kind of thing the name must be. */
  readonly letter: string;
  readonly column: number;
}

export interface Match {
  readonly row: InsnRow;
  readonly operands: Partial<Record<Field, number>>;
  readonly name?: NameOperand;
}

/** What the matcher must know of the text around a line. */
export interface MatchContext {
  readonly isLabel: (name: string) => boolean;
  readonly helperId: (name: string) => number | undefined;
}

interface Template {
  readonly row: InsnRow;
  readonly tokens: readonly Token[];
}

/** Templates by the text of their first token, or under "" when they start with an operand. */
const TEMPLATES = new Map<string, Template[]>();
for (const row of INSN_ROWS) {
  for (const text of new Set([...row.pseudoC, ...row.mnemonic])) {
    const tokens = tokenize(text, 0);
    const first = tokens[0] as Token;
    const key = first.kind === "name" || first.text === "*" ? first.text : "";
    const list = TEMPLATES.get(key) ?? [];
    list.push({ row, tokens });
    TEMPLATES.set(key, list);
  }
}

/** The state of one attempt: where it reads, what it has found, why it stopped. */
class Attempt {
  at = 0;
  operands: Partial<Record<Field, number>> = {};
  name: NameOperand | undefined;
  expected = "";
  readonly tokens: readonly Token[];
  readonly row: InsnRow;
  readonly context: MatchContext;

  constructor(tokens: readonly Token[], row: InsnRow, context: MatchContext) {
    this.tokens = tokens;
    this.row = row;
    this.context = context;
  }

  get token(): Token {
    return this.tokens[this.at] as Token;
  }

  fail(expected: string): false {
    this.expected = expected;
    return false;
  }

  accept(text: string): boolean {
    if (this.token.text !== text) return false;
    this.at++;
    return true;
  }

  /** Records an operand; a second mention of the same field must agree with the first. */
  put(field: Field, value: number): boolean {
    const known = this.operands[field];
    if (known !== undefined && known !== value) {
      this.at--;
      return this.fail("the same operand again");
    }
    this.operands[field] = value;
    return true;
  }

  /** Signs and digits, or nothing; leaves the position alone when there is no number. */
  number(): bigint | undefined {
    let at = this.at;
    let negative = false;
    for (; this.tokens[at]?.text === "-" || this.tokens[at]?.text === "+"; at++) {
      if (this.tokens[at]?.text === "-") negative = !negative;
    }
    const token = this.tokens[at] as Token;
    if (token.kind !== "number") return undefined;
    this.at = at + 1;
    const value = BigInt(token.text);
    return negative ? -value : value;
  }

  takeName(letter: string): boolean {
    const { text, column } = this.token;
    this.name = { name: text, letter, column };
    this.at++;
    return true;
  }
}

function register(attempt: Attempt, letter: string): boolean {
  const { kind, text } = attempt.token;
  const wanted = letter === "d" || letter === "s" ? "w" : "r";
  if (kind !== "register") return attempt.fail(wanted === "r" ? "a register" : "a 32-bit register (w0..w10)");
  const bare = text.replace("%", "").replace("fp", "r10");
  if (bare[0] !== wanted) return attempt.fail(`a register ${wanted}0..${wanted}10`);
  attempt.at++;
  return attempt.put(OPERAND_FIELD[letter] as Field, Number(bare.slice(1)));
}

const INT32 = "a 32-bit immediate (-2147483648..2147483647, or 0x0..0xffffffff)";

/** A 32-bit immediate; hexadecimal, and everything of a 32-bit operation, may be given as a bit pattern. */
function immediate(attempt: Attempt, field: Field): boolean {
  const start = attempt.at;
  const value = attempt.number();
  if (value === undefined) return attempt.fail("a number");
  const digits = attempt.tokens[attempt.at - 1]?.text ?? "";
  const asPattern = /^0x/i.test(digits) || /32/.test(attempt.row.name) || field === "next";
  if (value < -0x80000000n || value > (asPattern ? 0xffffffffn : 0x7fffffffn)) {
    attempt.at = start;
    return attempt.fail(INT32);
  }
  return attempt.put(field, Number(BigInt.asIntN(32, value)));
}

function offset(attempt: Attempt): boolean {
  const next = attempt.token.text;
  if (next === ")" || next === "]") return attempt.put("off", 0);
  const start = attempt.at;
  const value = attempt.number();
  if (value === undefined || value < -0x8000n || value > 0x7fffn) {
    attempt.at = start;
    return attempt.fail("an offset (-32768..32767)");
  }
  return attempt.put("off", Number(value));
}

/** `pc+3`, `+3`, or a label. */
function target(attempt: Attempt, letter: string): boolean {
  const field = OPERAND_FIELD[letter] as Field;
  const start = attempt.at;
  // `call -5` is a helper with that id; a function's distance has `pc` or `local` in front.
  const isNamed = attempt.accept("pc") || attempt.tokens[start - 1]?.text === "local" || letter !== "F";
  const relative = attempt.token.text === "+" || attempt.token.text === "-";
  const value = relative && isNamed ? attempt.number() : undefined;
  if (value !== undefined) {
    const limit = field === "off" ? 0x8000n : 0x80000000n;
    if (value >= -limit && value < limit) return attempt.put(field, Number(value));
    attempt.at = start;
    return attempt.fail(`a distance of at most ${limit - 1n} slots`);
  }
  attempt.at = start;
  if (
    attempt.token.kind === "name" &&
    (letter === "J" || letter === "L" || attempt.context.isLabel(attempt.token.text))
  ) {
    return attempt.takeName(letter);
  }
  return attempt.fail(letter === "J" || letter === "L" ? "a label or a distance (pc+3, +3)" : "a function");
}

/** `5`, `bpf_ktime_get_ns#5`, `bpf_ktime_get_ns`. */
function helper(attempt: Attempt): boolean {
  const { kind, text } = attempt.token;
  if (kind === "number" || text === "-") return immediate(attempt, "imm");
  if (kind !== "name" || text === "pc" || text === "kfunc" || text === "local")
    return attempt.fail("a helper or a function");
  if (attempt.tokens[attempt.at + 1]?.text === "#") {
    attempt.at += 2;
    return immediate(attempt, "imm");
  }
  if (attempt.context.isLabel(text)) return attempt.fail("a helper");
  const id = attempt.context.helperId(text);
  if (id === undefined) return attempt.takeName("H");
  attempt.at++;
  return attempt.put("imm", id);
}

/** `kfunc#12345`, with `@2` for the third entry of the fd array. */
function kfunc(attempt: Attempt): boolean {
  if (!attempt.accept("kfunc") || !attempt.accept("#")) return attempt.fail("kfunc#ID");
  if (!immediate(attempt, "imm")) return false;
  if (attempt.token.text !== "@") return attempt.put("off", 0);
  attempt.at++;
  return offset(attempt);
}

/** A 64-bit immediate, or the name of a map, a function or a variable. */
function wide(attempt: Attempt): boolean {
  if (attempt.token.kind === "name") return attempt.takeName("Q");
  const start = attempt.at;
  const value = attempt.number();
  if (value === undefined || value < -(1n << 63n) || value >= 1n << 64n) {
    attempt.at = start;
    return attempt.fail("a 64-bit number or a name");
  }
  return (
    attempt.put("imm", Number(BigInt.asIntN(32, value))) &&
    attempt.put("next", Number(BigInt.asIntN(32, value >> 32n)))
  );
}

function operand(attempt: Attempt, letter: string): boolean {
  switch (letter) {
    case "D":
    case "S":
    case "d":
    case "s":
      return register(attempt, letter);
    case "I":
    case "X":
      return immediate(attempt, "imm");
    case "N":
      return immediate(attempt, "next");
    case "O":
      return offset(attempt);
    case "J":
    case "L":
    case "F":
    case "P":
      return target(attempt, letter);
    case "H":
      return helper(attempt);
    case "K":
      return kfunc(attempt);
    default:
      return wide(attempt);
  }
}

/** Literal tokens compare as text, registers by number (`%r0` is `r0`), numbers by value. */
function literal(attempt: Attempt, wanted: Token): boolean {
  const { token } = attempt;
  const same =
    token.kind === wanted.kind &&
    (token.text === wanted.text ||
      (token.kind === "register" && token.text.replace("%", "") === wanted.text) ||
      (token.kind === "number" && Number(token.text) === Number(wanted.text)));
  if (!same) return attempt.fail(wanted.kind === "end" ? wanted.text : `'${wanted.text}'`);
  attempt.at++;
  return true;
}

function tryTemplate(template: Template, tokens: readonly Token[], context: MatchContext): Match | Attempt {
  const attempt = new Attempt(tokens, template.row, context);
  for (const wanted of template.tokens) {
    const good =
      wanted.kind === "operand" ? operand(attempt, wanted.text[1] as string) : literal(attempt, wanted);
    if (!good) return attempt;
  }
  const { row } = template;
  return attempt.name === undefined
    ? { row, operands: attempt.operands }
    : { row, operands: attempt.operands, name: attempt.name };
}

/**
 * The instruction that `tokens` stand for. `code` is the opcode byte when the line names it, `(b7) r0 = 1`:
 * then only rows with that byte count. Throws a LoadError (`bad-syntax`) that says what was expected where.
 */
export function matchInsn(
  tokens: readonly Token[],
  line: number,
  context: MatchContext,
  code?: number,
): Match {
  const first = tokens[0] as Token;
  const candidates = [...(TEMPLATES.get(first.text) ?? []), ...(TEMPLATES.get("") ?? [])];
  let furthest: Attempt | undefined;
  for (const template of candidates) {
    if (code !== undefined && template.row.code !== code) continue;
    const result = tryTemplate(template, tokens, context);
    if (!(result instanceof Attempt)) return result;
    if (furthest === undefined || result.at > furthest.at) furthest = result;
  }
  const token = furthest === undefined || furthest.at === 0 ? first : furthest.token;
  const expected = furthest === undefined || furthest.at === 0 ? "an instruction" : furthest.expected;
  const got = token.kind === "end" ? token.text : `'${token.text}'`;
  throw new LoadError("bad-syntax", placeOf(line, token.column), `expected ${expected}, got ${got}`);
}
