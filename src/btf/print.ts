// A type as C source writes it, for messages and listings. Declarators read inside out: a pointer or an array
// grows the declarator, until a type with a name of its own stands in front of it.

import type { Btf } from "./btf.ts";
import type { BtfFuncProto, BtfType } from "./types.ts";

/** Types looked at for one name, those of parameters included; the rest is printed as `...`. */
const MAX_TYPES = 200;

interface Budget {
  left: number;
}

/** What a type that ends a declarator is called, or undefined for one that does not. */
function baseName(type: BtfType): string | undefined {
  switch (type.kind) {
    case "void":
    case "int":
    case "float":
    case "typedef":
      return type.name;
    case "struct":
    case "union":
      return `${type.kind} ${type.name === "" ? "{...}" : type.name}`;
    case "enum":
    case "enum64":
      return `enum ${type.name === "" ? "{...}" : type.name}`;
    case "fwd":
      return `${type.isUnion ? "union" : "struct"} ${type.name}`;
    case "datasec":
      return `section ${type.name}`;
    case "decl_tag":
      return `__attribute__((btf_decl_tag(${JSON.stringify(type.name)})))`;
    default:
      return undefined;
  }
}

/** Brackets and parameter lists bind tighter than `*`. */
function grouped(declarator: string): string {
  return declarator.startsWith("*") ? `(${declarator})` : declarator;
}

function joined(before: string, after: string): string {
  return before === "" || after === "" || /^[[)]/.test(after) ? before + after : `${before} ${after}`;
}

function parameters(btf: Btf, proto: BtfFuncProto, budget: Budget): string {
  if (proto.params.length === 0) return "void";
  const printed: string[] = [];
  for (const { name, type } of proto.params) {
    if (budget.left <= 0) return [...printed, "..."].join(", ");
    printed.push(type === 0 && name === "" ? "..." : declare(btf, type, "", budget));
  }
  return printed.join(", ");
}

function declare(btf: Btf, id: number, name: string, budget: Budget): string {
  let declarator = name;
  /** Qualifiers seen since the last declarator part: they belong to what comes next. */
  let qualifiers = "";
  for (let next = id; budget.left-- > 0; ) {
    const type = btf.type(next);
    const base = baseName(type);
    if (base !== undefined) return joined(joined(qualifiers, base), declarator);
    next = (type as { type: number }).type;
    switch (type.kind) {
      case "const":
      case "volatile":
      case "restrict":
        qualifiers = joined(qualifiers, type.kind);
        break;
      case "ptr":
        declarator = `*${joined(qualifiers, declarator)}`;
        qualifiers = "";
        break;
      case "type_tag":
        declarator = joined(`__attribute__((btf_type_tag(${JSON.stringify(type.name)})))`, declarator);
        break;
      case "array":
        declarator = `${grouped(declarator)}[${type.length}]`;
        break;
      case "func_proto":
        declarator = `${grouped(declarator)}(${parameters(btf, type, budget)})`;
        break;
      case "func":
      case "var":
        declarator = type.name;
        break;
    }
  }
  return joined("...", declarator);
}

/** See `Btf.typeName`. */
export function printType(btf: Btf, id: number): string {
  return declare(btf, id, "", { left: MAX_TYPES });
}
