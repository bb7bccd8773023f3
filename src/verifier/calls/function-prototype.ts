// What a function of the program may be given, by its BTF prototype and the tags on its parameters. Takes types and
// names, knows nothing of registers (btf_prepare_func_args in kernel/bpf/btf.c).

import { ATTACH_TYPES } from "../../attach-types.ts";
import type { Btf, BtfFunc, BtfFuncProto, BtfReference, BtfType } from "../../btf/btf.ts";
import { declarationTags, isInteger, isStruct, kindName, nameOf, sizeOf, tagKey } from "../btf-types.ts";
import { programTraits } from "../contexts/contexts.ts";
import { projectionOf } from "../objects/struct-names.ts";
import type { ProgramKind } from "../prototypes/prototype.ts";
import { EFAULT, EINVAL, EOPNOTSUPP } from "../rejection.ts";

/** A parameter as the verifier takes it. */
export type Parameter =
  | { readonly kind: "scalar" | "ctx" | "dynptr" | "arena" }
  /** Memory of a known size, or null; of `size` 0 and untrusted where any address will do. */
  | { readonly kind: "mem"; readonly size: number; readonly nullable: boolean; readonly untrusted: boolean }
  | { readonly kind: "btf"; readonly btf: Btf; readonly typeId: number; readonly trust: Trust };

/** What may be relied on of a pointer to a kernel's struct. */
type Trust = "trusted" | "trusted_or_null" | "untrusted";

/** What cannot be understood of a prototype, in the kernel's words. */
export class PrototypeProblem {
  readonly errno: number;
  readonly message: string;

  constructor(errno: number, message: string) {
    this.errno = errno;
    this.message = message;
  }
}

/** What decides how a prototype is read. */
interface PrototypeContext {
  readonly kind: ProgramKind;
  readonly btf: Btf;
  readonly kernelBtf: Btf | undefined;
}

const MAX_PARAMETERS = 5;
type Tag = "ctx" | "trusted" | "untrusted" | "nonnull" | "nullable" | "arena";
const TAGS: ReadonlySet<string> = new Set([
  ...["ctx", "trusted", "untrusted", "nonnull", "nullable", "arena"],
]);

/** The type behind one pointer or qualifier. */
const targetOf = (btf: Btf, type: BtfType): BtfType => btf.type((type as BtfReference).type);

/** The parameters of a global function; the first fault where it has one. */
export function readPrototype(
  context: PrototypeContext,
  func: BtfFunc,
): readonly Parameter[] | PrototypeProblem {
  const { btf } = context;
  const proto = btf.type(func.type) as BtfFuncProto;
  const { params } = proto;
  const fault = (text: string): PrototypeProblem => new PrototypeProblem(EINVAL, text);
  if (params.length > MAX_PARAMETERS) {
    return fault(
      `Global function ${func.name}() with ${params.length} > ${MAX_PARAMETERS} args. Buggy compiler.`,
    );
  }
  if (!isInteger(btf.resolve(proto.type))) {
    return fault(`Global function ${func.name}() doesn't return scalar. Only those are supported.`);
  }
  const read: Parameter[] = [];
  for (const [index, { type }] of params.entries()) {
    const tags = readTags(btf, func, index);
    if (tags instanceof PrototypeProblem) return tags;
    const parameter = readParameter(context, func, index, btf.resolve(type), tags);
    if (parameter instanceof PrototypeProblem) return parameter;
    read.push(parameter);
  }
  return read;
}

function readTags(btf: Btf, func: BtfFunc, index: number): ReadonlySet<Tag> | PrototypeProblem {
  const tags = declarationTags(btf, "arg:").get(tagKey(func.id, index)) ?? [];
  if (tags.every((tag) => TAGS.has(tag))) return new Set(tags as Tag[]);
  return new PrototypeProblem(EOPNOTSUPP, `arg#${index} has unsupported set of tags`);
}

const INVALID_TAGS = "has invalid combination of tags";

function readParameter(
  context: PrototypeContext,
  func: BtfFunc,
  index: number,
  type: BtfType,
  tags: ReadonlySet<Tag>,
): Parameter | PrototypeProblem {
  const fault = (text: string): PrototypeProblem => new PrototypeProblem(EINVAL, `arg#${index} ${text}`);
  if (type.kind !== "ptr") {
    if (tags.size > 0) return fault("has pointer tag, but is not a pointer type");
    if (isInteger(type)) return { kind: "scalar" };
    return new PrototypeProblem(
      EINVAL,
      `Arg#${index} type ${kindName(type)} in ${func.name}() is not supported yet.`,
    );
  }
  const { btf, kind } = context;
  const hasOnly = (tag: Tag): boolean => tags.size === 1 && tags.has(tag);
  if (tags.has("ctx") || isContextPointer(context, type)) {
    if (tags.size > 0 && !hasOnly("ctx")) return fault(INVALID_TAGS);
    const problem = tags.has("ctx") ? wrongContext(btf, type, kind) : undefined;
    return problem === undefined ? { kind: "ctx" } : fault(problem);
  }
  if (isDynptr(btf, type)) return tags.size > 0 ? fault(INVALID_TAGS) : { kind: "dynptr" };
  if (tags.has("trusted")) {
    if (tags.has("nonnull")) return fault(INVALID_TAGS);
    return kernelStruct(context, index, type, tags.has("nullable") ? "trusted_or_null" : "trusted");
  }
  if (tags.has("untrusted")) {
    if (!hasOnly("untrusted")) return fault("untrusted cannot be combined with any other tags");
    const target = btf.resolve(type.type);
    const isPlain = target.kind === "void" || isInteger(target) || target.kind === "float";
    if (isPlain) return { kind: "mem", size: 0, nullable: false, untrusted: true };
    return kernelStruct(context, index, type, "untrusted");
  }
  if (tags.has("arena")) {
    return hasOnly("arena") ? { kind: "arena" } : fault("arena cannot be combined with any other tags");
  }
  if (tags.has("nullable")) return fault(INVALID_TAGS);
  const size = sizeOf(btf, type.type);
  if (size === undefined) {
    const target = btf.resolve(type.type);
    const what = `'${kindName(target)} ${nameOf(target)}'`;
    return fault(`reference type(${what}) size cannot be determined: -22`);
  }
  return { kind: "mem", size, nullable: !tags.has("nonnull"), untrusted: false };
}

function isDynptr(btf: Btf, { type }: BtfReference): boolean {
  const target = btf.resolve(type);
  return target.kind === "struct" && (target.name === "bpf_dynptr" || target.name === "bpf_dynptr_kern");
}

/** A pointer to a struct that the kernel has under the same name. */
function kernelStruct(
  { btf, kernelBtf }: PrototypeContext,
  index: number,
  { type }: BtfReference,
  trust: Trust,
): Parameter | PrototypeProblem {
  const target = btf.resolve(type);
  const isNamed = isStruct(target) && target.name !== "";
  if (!isNamed) return new PrototypeProblem(EINVAL, `arg#${index} type isn't a struct`);
  if (kernelBtf === undefined) {
    return new PrototypeProblem(EFAULT, `arg#${index} names struct ${target.name}: needs the kernel's BTF`);
  }
  const found = kernelBtf.findByName(target.name.replace(/___.*$/, ""), target.kind);
  if (found !== undefined) return { kind: "btf", btf: kernelBtf, typeId: found.id, trust };
  const message = `arg#${index} reference type('STRUCT ${target.name}') doesn't have a kernel type`;
  return new PrototypeProblem(EINVAL, message);
}

/** What a typedef is called before it is followed, and qualifiers left out. */
function unqualified(btf: Btf, id: number): BtfType {
  let type = btf.type(id);
  while (["const", "volatile", "restrict", "type_tag"].includes(type.kind)) type = targetOf(btf, type);
  return type;
}

const REGISTERS_TYPEDEF = "bpf_user_pt_regs_t";
const isRegistersTypedef = (btf: Btf, id: number): boolean => {
  const type = unqualified(btf, id);
  return type.kind === "typedef" && type.name === REGISTERS_TYPEDEF;
};

/** The struct that a program type's context is, under all names that it may have. */
function contextNames(kind: ProgramKind): readonly string[] {
  const { contextName } = programTraits(kind.type);
  if (contextName === REGISTERS_TYPEDEF) return ["pt_regs"];
  const other = projectionOf(contextName);
  return other === undefined ? [contextName] : [contextName, other];
}

/** A pointer to what the program's context is called (btf_is_prog_ctx_type). */
function isContextPointer({ btf, kind }: PrototypeContext, { type }: BtfReference): boolean {
  if (kind.type === "kprobe" && isRegistersTypedef(btf, type)) return true;
  const target = btf.resolve(type);
  return target.kind === "struct" && contextNames(kind).includes(target.name);
}

/** Why a parameter that is tagged as the context cannot be it (btf_validate_prog_ctx_type). */
function wrongContext(btf: Btf, { type }: BtfReference, kind: ProgramKind): string | undefined {
  const hasRegisters = kind.type === "kprobe" || kind.type === "perf_event";
  if (hasRegisters && isRegistersTypedef(btf, type)) return undefined;
  const target = btf.resolve(type);
  if (target.kind === "void") return undefined;
  if (target.name === "") return "type doesn't have a name";
  if (isOtherContext(target, kind)) return undefined;
  const [name] = contextNames(kind);
  if (!hasStructContext(kind, name)) return "should be void pointer";
  return target.kind === "struct" && target.name === name ? undefined : `should be \`struct ${name} *\``;
}

const hasStructContext = ({ type }: ProgramKind, name: string): boolean =>
  name !== "" && !["tracepoint", "syscall", "lirc_mode2"].includes(type);

/** Forms of a context that some program types take beside their own. */
function isOtherContext(target: BtfType, { type, attachType }: ProgramKind): boolean {
  const isStruct = target.kind === "struct";
  const isWord = target.kind === "int" && target.size === 8;
  switch (type) {
    case "kprobe":
    case "perf_event":
      return isStruct && target.name === "pt_regs";
    case "raw_tracepoint":
    case "raw_tracepoint_writable":
    case "lsm":
    case "struct_ops":
      return isWord;
    case "tracing":
      if (attachType === ATTACH_TYPES.trace_iter) return isStruct && target.name.startsWith("bpf_iter__");
      if (attachType === ATTACH_TYPES.trace_raw_tp) {
        return isWord || (isStruct && target.name === "bpf_raw_tracepoint_args");
      }
      return isWord;
    case "tracepoint":
    case "syscall":
    case "ext":
      return true;
    default:
      return false;
  }
}
