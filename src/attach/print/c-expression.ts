// Parses the C expressions that a print format prints into a small tree. Takes tokens, gives Expression;
// what no print format needs to be understood for (statement expressions, compound literals) becomes an
// `unknown` node that keeps the text. Meaning is given elsewhere: evaluate.ts forwards, solve.ts backwards.
// Follows C11 6.5 for precedence, and the helpers of include/trace/trace_events.h for the calls.

import { LoadError } from "../../errors.ts";
import { quote } from "../format.ts";
import { type CToken, tokenizeC } from "./c-lexer.ts";
import { type IntType, isTypeName, literalType } from "./c-types.ts";

/** Operators with one operand; all stand before it. */
export type UnaryOperator = "-" | "+" | "~" | "!" | "*" | "&";

/** A C expression of a print format. */
export type Expression =
  | { readonly kind: "number"; readonly value: bigint; readonly type: IntType }
  | { readonly kind: "string"; readonly text: string }
  /** A name that is no field: an enumerator, a variable of the kernel. */
  | { readonly kind: "name"; readonly name: string }
  /** `REC->name`. */
  | { readonly kind: "field"; readonly name: string }
  | { readonly kind: "index"; readonly array: Expression; readonly index: Expression }
  | { readonly kind: "cast"; readonly type: string; readonly operand: Expression }
  | { readonly kind: "unary"; readonly operator: UnaryOperator; readonly operand: Expression }
  | {
      readonly kind: "binary";
      readonly operator: string;
      readonly left: Expression;
      readonly right: Expression;
    }
  | {
      readonly kind: "conditional";
      readonly test: Expression;
      readonly whenTrue: Expression;
      readonly whenFalse: Expression;
    }
  | { readonly kind: "call"; readonly name: string; readonly args: readonly Expression[] }
  /** `{ value, "name" }`. */
  | { readonly kind: "list"; readonly items: readonly Expression[] }
  | { readonly kind: "sizeof"; readonly type: string }
  | { readonly kind: "unknown"; readonly text: string };

const PRECEDENCE: Readonly<Record<string, number>> = {
  "||": 1,
  "&&": 2,
  "|": 3,
  "^": 4,
  "&": 5,
  "==": 6,
  "!=": 6,
  "<": 7,
  ">": 7,
  "<=": 7,
  ">=": 7,
  "<<": 8,
  ">>": 8,
  "+": 9,
  "-": 9,
  "*": 10,
  "/": 10,
  "%": 10,
};

const CLOSING: Readonly<Record<string, string>> = { "(": ")", "[": "]", "{": "}" };

/** Deeper nesting than any print format has; keeps hostile input off the call stack's end. */
const MAX_DEPTH = 100;

/** The same for the tree, which chains of operators make deep without any nesting. */
const MAX_TREE_DEPTH = 400;

/** Reads expressions off the C text that follows a print format's string. */
export class ExpressionParser {
  readonly #text: string;
  readonly #place: string;
  readonly #tokens: readonly CToken[];
  #next = 0;
  #depth = 0;

  /** Starts at character `start` of `text`; a LoadError (`bad-format`) at what is no C token. */
  constructor(text: string, start: number, place: string) {
    this.#text = text;
    this.#place = place;
    this.#tokens = tokenizeC(text, start, place);
  }

  /** `, expression` until the end. */
  parseArguments(): Expression[] {
    const args: Expression[] = [];
    while (this.#peek().kind !== "end") {
      this.#expect(",");
      const argument = this.#conditional();
      if (depthOf(argument) > MAX_TREE_DEPTH) {
        throw this.#unexpected(`at most ${MAX_TREE_DEPTH} operators in a row`);
      }
      args.push(argument);
    }
    return args;
  }

  #peek(ahead = 0): CToken {
    return this.#tokens[Math.min(this.#next + ahead, this.#tokens.length - 1)] as CToken;
  }

  #isOperator(text: string, ahead = 0): boolean {
    const token = this.#peek(ahead);
    return token.kind === "operator" && token.text === text;
  }

  #take(): CToken {
    const token = this.#peek();
    if (token.kind !== "end") this.#next++;
    return token;
  }

  #accept(text: string): boolean {
    if (!this.#isOperator(text)) return false;
    this.#next++;
    return true;
  }

  #expect(text: string): void {
    if (!this.#accept(text)) throw this.#unexpected(`"${text}"`);
  }

  #unexpected(wanted: string): LoadError {
    const { at, kind } = this.#peek();
    const got = kind === "end" ? "the end" : quote(this.#text.slice(at, at + 20));
    return new LoadError(
      "bad-format",
      this.#place,
      `expected ${wanted} at character ${at + 1} of the print format, got ${got}`,
    );
  }

  #conditional(): Expression {
    if (++this.#depth > MAX_DEPTH) throw this.#unexpected(`at most ${MAX_DEPTH} nested expressions`);
    const test = this.#binary(1);
    let result = test;
    if (this.#accept("?")) {
      const whenTrue = this.#conditional();
      this.#expect(":");
      const whenFalse = this.#conditional();
      result = { kind: "conditional", test, whenTrue, whenFalse };
    }
    this.#depth--;
    return result;
  }

  #binary(least: number): Expression {
    let left = this.#unary();
    for (;;) {
      const { kind, text: operator } = this.#peek();
      const precedence = kind === "operator" ? (PRECEDENCE[operator] ?? 0) : 0;
      if (precedence < least) return left;
      this.#next++;
      left = { kind: "binary", operator, left, right: this.#binary(precedence + 1) };
    }
  }

  #unary(): Expression {
    if (++this.#depth > MAX_DEPTH) throw this.#unexpected(`at most ${MAX_DEPTH} nested expressions`);
    const { kind, text } = this.#peek();
    let result: Expression;
    if (kind === "operator" && "-+~!*&".includes(text)) {
      this.#next++;
      result = { kind: "unary", operator: text as UnaryOperator, operand: this.#unary() };
    } else if (kind === "name" && (text === "sizeof" || text === "typeof")) {
      this.#next++;
      result = { kind: "sizeof", type: this.#skipBrackets().slice(1, -1).trim() };
    } else {
      result = this.#castOrPostfix();
    }
    this.#depth--;
    return result;
  }

  #castOrPostfix(): Expression {
    const type = this.#castType();
    if (type === undefined) return this.#postfix(this.#primary());
    if (!this.#isOperator("{")) return { kind: "cast", type, operand: this.#unary() };
    const text = this.#skipBrackets();
    return this.#postfix({ kind: "unknown", text: `(${type})${text}` });
  }

  /** Takes `(type)` when it is a cast that stands next; the type's tokens, joined by spaces. */
  #castType(): string | undefined {
    if (!this.#isOperator("(")) return undefined;
    let ahead = 1;
    const words: string[] = [];
    if (this.#peek(1).text === "typeof" && this.#isOperator("(", 2)) {
      const end = this.#closing(2);
      words.push(this.#text.slice(this.#peek(1).at, this.#peek(end).at + 1));
      ahead = end + 1;
    }
    while (this.#peek(ahead).kind === "name" || this.#isOperator("*", ahead)) {
      words.push(this.#peek(ahead).text);
      ahead++;
    }
    if (words.length === 0 || !this.#isOperator(")", ahead)) return undefined;
    const type = words.join(" ");
    // `(name)` alone is a type when an operand follows it that no operator separates.
    const after = this.#peek(ahead + 1);
    const operand =
      after.kind !== "operator" ? after.kind !== "end" : after.text === "(" || after.text === "{";
    if (!isTypeName(type) && !(words.length === 1 && operand)) return undefined;
    this.#next += ahead + 1;
    return type;
  }

  #primary(): Expression {
    const token = this.#peek();
    if (token.kind === "number") {
      this.#next++;
      return literalType(token.text);
    }
    if (token.kind === "string") return this.#string();
    if (token.kind === "character") {
      this.#next++;
      const value = BigInt(token.text.charCodeAt(0));
      return { kind: "number", value, type: { bits: 32, signed: true } };
    }
    if (token.kind === "name") {
      this.#next++;
      if (token.text === "REC" && this.#accept("->")) return this.#fieldName();
      if (this.#isOperator("(")) return this.#call(token.text);
      return { kind: "name", name: token.text };
    }
    if (this.#isOperator("(") && this.#isOperator("{", 1)) {
      return { kind: "unknown", text: this.#skipBrackets() };
    }
    if (this.#accept("(")) {
      const inside = this.#conditional();
      this.#expect(")");
      return inside;
    }
    if (this.#accept("{")) return { kind: "list", items: this.#list("}") };
    throw this.#unexpected("an expression");
  }

  /** Adjacent strings are one. */
  #string(): Expression {
    let text = "";
    while (this.#peek().kind === "string") text += this.#take().text;
    return { kind: "string", text };
  }

  #fieldName(): Expression {
    const token = this.#peek();
    if (token.kind !== "name") throw this.#unexpected("the name of a field");
    this.#next++;
    return { kind: "field", name: token.text };
  }

  #call(name: string): Expression {
    const start = this.#next;
    this.#next++;
    // The argument of these is a field's name, which is no expression of its own.
    if (/^__get_/.test(name)) {
      const field = this.#fieldName();
      this.#expect(")");
      return { kind: "call", name, args: [field] };
    }
    if (name.startsWith("__builtin_types") || name.startsWith("__builtin_offsetof")) {
      this.#next = start;
      return { kind: "unknown", text: `${name}${this.#skipBrackets()}` };
    }
    return { kind: "call", name, args: this.#list(")") };
  }

  #list(closing: string): Expression[] {
    const items: Expression[] = [];
    while (!this.#accept(closing)) {
      if (items.length > 0) {
        this.#expect(",");
        // A trailing comma ends an initialiser.
        if (this.#accept(closing)) break;
      }
      items.push(this.#conditional());
    }
    return items;
  }

  #postfix(start: Expression): Expression {
    let result = start;
    for (;;) {
      if (this.#accept("[")) {
        const index = this.#conditional();
        this.#expect("]");
        result = { kind: "index", array: result, index };
      } else if (this.#accept("->")) {
        // `(REC)->field`; nothing else that a pointer leads to is in the record.
        const field = this.#fieldName() as Expression & { kind: "field" };
        const record = result.kind === "name" && result.name === "REC";
        result = record ? field : { kind: "unknown", text: `->${field.name}` };
      } else if (this.#accept(".")) {
        result = { kind: "unknown", text: `.${this.#take().text}` };
      } else {
        return result;
      }
    }
  }

  /** How many tokens ahead the bracket closes that stands `ahead` of the next token. */
  #closing(ahead: number): number {
    const open: string[] = [];
    for (let at = ahead; ; at++) {
      const { kind, text } = this.#peek(at);
      if (kind === "end") {
        this.#next += at;
        throw this.#unexpected(`"${open.at(-1) ?? ")"}"`);
      }
      if (kind !== "operator") continue;
      if (CLOSING[text] !== undefined) open.push(CLOSING[text]);
      else if (text === open.at(-1)) open.pop();
      if (open.length === 0) return at;
    }
  }

  /** Takes everything up to the bracket that closes the one that stands next; its text, brackets included. */
  #skipBrackets(): string {
    const start = this.#peek().at;
    if (CLOSING[this.#peek().text] === undefined) throw this.#unexpected('"("');
    this.#next += this.#closing(0) + 1;
    return this.#text.slice(start, (this.#tokens[this.#next - 1] as CToken).at + 1);
  }
}

/** The parts that an expression is directly made of. */
function partsOf(expression: Expression): readonly Expression[] {
  switch (expression.kind) {
    case "index":
      return [expression.array, expression.index];
    case "cast":
    case "unary":
      return [expression.operand];
    case "binary":
      return [expression.left, expression.right];
    case "conditional":
      return [expression.test, expression.whenTrue, expression.whenFalse];
    case "call":
      return expression.args;
    case "list":
      return expression.items;
    default:
      return [];
  }
}

/** Levels of the tree; without recursion, as nobody knows yet how deep it is. */
function depthOf(expression: Expression): number {
  let level: readonly Expression[] = [expression];
  let depth = 0;
  for (; level.length > 0; depth++) level = level.flatMap(partsOf);
  return depth;
}

/** The names of the fields that an expression reads, as often as it does. */
export function fieldsOf(expression: Expression): string[] {
  if (expression.kind === "field") return [expression.name];
  return partsOf(expression).flatMap(fieldsOf);
}
