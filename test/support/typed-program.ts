// Programs of several functions written as text, each function with a type of the program's BTF.

import { parseBtf } from "../../dist/src/btf/btf.js";
import { load, Program, type ProgramType } from "../../dist/src/index.js";
import { BtfBuilder } from "./btf-builder.ts";

/** Parameters and results that a function may be declared with: names of types that `makeTypes` has. */
export interface Declaration {
  readonly returns?: string;
  readonly params?: readonly (readonly [type: string, ...tags: string[]])[];
  readonly isStatic?: true;
}

export interface TypedText {
  readonly type?: ProgramType;
  /** A label before each function; the first is the program. */
  readonly text: string;
  /** By label; a function without one takes nothing, gives an int and is global. */
  readonly functions?: Readonly<Record<string, Declaration>>;
  readonly attachTo?: string;
}

/** The types by name, made in a BTF of their own. */
function makeTypes(types: BtfBuilder): ReadonlyMap<string, number> {
  const ids = new Map<string, number>([["void", 0]]);
  const put = (name: string, id: number): number => {
    ids.set(name, id);
    return id;
  };
  const pointer = (name: string, id: number): number => put(`${name} *`, types.refer("ptr", id));
  const int = put("int", types.int("int", 4, 1));
  const char = put("char", types.int("char", 1, 1));
  const u64 = put("u64", types.int("unsigned long", 8));
  put("choice", types.enum("choice", 4, [["NONE", 0]]));
  put("float", types.float("float", 4));
  const struct = (name: string, size: number): number =>
    put(`struct ${name}`, types.struct("struct", name, size, size >= 4 ? [["first", int, 0]] : []));
  for (const name of ["__sk_buff", "sk_buff", "pt_regs", "bpf_dynptr", "task_struct", "nobody"]) {
    pointer(`struct ${name}`, struct(name, 4));
  }
  pointer("struct", types.struct("struct", "", 4, [["first", int, 0]]));
  pointer("struct large", struct("large", 600));
  pointer("struct declared", types.fwd("declared"));
  pointer("regs_t", types.refer("typedef", ids.get("struct pt_regs") ?? 0, "bpf_user_pt_regs_t"));
  pointer("int *", pointer("int", int));
  pointer("const int", types.refer("const", int));
  pointer("char", char);
  pointer("u64", u64);
  pointer("void", 0);
  pointer("int[4]", types.array(int, 4));
  pointer("function", types.proto(int, []));
  return ids;
}

/** The program, with function information for each of its functions. */
export function typedProgram({ type = "socket_filter", text, functions = {}, attachTo }: TypedText): Program {
  const object = load(text, { type, license: "GPL" });
  const [plain] = object.programs.values();
  const types = new BtfBuilder();
  const ids = makeTypes(types);
  const idOf = (name: string): number => {
    const id = ids.get(name);
    if (id === undefined) throw new Error(`no type ${name}`);
    return id;
  };
  const made = plain.functions.map(({ slot, name }) => {
    const { returns = "int", params = [], isStatic } = functions[name] ?? {};
    const proto = types.proto(
      idOf(returns),
      params.map(([param], index) => [`p${index}`, idOf(param)]),
    );
    const typeId = types.record(12, name, isStatic ? 0 : 1, proto);
    for (const [index, [, ...tags]] of params.entries()) {
      for (const tag of tags) types.tag(`arg:${tag}`, typeId, index);
    }
    return { slot, name, typeId };
  });
  const { name, insns, license, maps, lines } = plain;
  const btf = parseBtf(types.bytes());
  const target = attachTo === undefined ? {} : { attachTo };
  return new Program({ name, type, insns, license, maps, lines, btf, functions: made, ...target });
}
