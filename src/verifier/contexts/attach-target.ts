// What a program of the types `tracing` and `lsm` attaches to, by the kernel's BTF: a raw tracepoint, a function, a
// hook or an iterator, with the prototype that its context follows (bpf_check_attach_target in kernel/bpf/verifier.c).

import { ATTACH_TYPES } from "../../attach-types.ts";
import type { Btf, BtfFunc, BtfFuncProto, BtfType } from "../../btf/btf.ts";
import { EINVAL, reject } from "../rejection.ts";

export interface AttachTarget {
  readonly btf: Btf;
  /** Id that BPF_PROG_LOAD takes as `attach_btf_id`. */
  readonly id: number;
  /** As the kernel's messages call it. */
  readonly name: string;
  readonly proto: BtfFuncProto;
  /** Parameters that the program does not see: the first one of a tracepoint's. */
  readonly hidden: 0 | 1;
}

/** Names of targets in the kernel's BTF start with these, which users leave out. */
const PREFIXES: Readonly<Record<number, string>> = {
  [ATTACH_TYPES.trace_raw_tp]: "btf_trace_",
  [ATTACH_TYPES.trace_iter]: "bpf_iter_",
  [ATTACH_TYPES.lsm_mac]: "bpf_lsm_",
  [ATTACH_TYPES.lsm_cgroup]: "bpf_lsm_",
};

/** True for programs whose context BTF describes. */
export const hasAttachTarget = (type: string): boolean => type === "tracing" || type === "lsm";

/** The target of that name, with or without its prefix; undefined where the BTF has none. */
export function findAttachTarget(
  btf: Btf,
  attachType: number,
  attachTo: string,
): Pick<AttachTarget, "id"> | undefined {
  const prefix = PREFIXES[attachType] ?? "";
  const kind = attachType === ATTACH_TYPES.trace_raw_tp ? "typedef" : "func";
  return btf.findByName(attachTo.startsWith(prefix) ? attachTo : prefix + attachTo, kind);
}

/** The kernel's function that a program is attached to, as a part of its kind. */
export function attachFunction(
  type: string,
  attachType: number,
  attachTo: string | undefined,
): { readonly attachTo?: string } {
  if (attachTo === undefined || !hasAttachTarget(type)) return {};
  const prefix = attachType === ATTACH_TYPES.trace_raw_tp ? "" : (PREFIXES[attachType] ?? "");
  return { attachTo: attachTo.startsWith(prefix) ? attachTo : prefix + attachTo };
}

/** The target of a program whose context BTF describes, checked; undefined for others, and without the kernel's BTF. */
export function attachTargetOf(
  type: string,
  attachType: number,
  attachTo: string | undefined,
  kernelBtf: Btf | undefined,
): AttachTarget | undefined {
  if (kernelBtf === undefined || !hasAttachTarget(type)) return undefined;
  return readTarget(kernelBtf, attachType, attachTo);
}

function readTarget(btf: Btf, attachType: number, attachTo: string | undefined): AttachTarget {
  const found = attachTo === undefined ? undefined : findAttachTarget(btf, attachType, attachTo);
  if (found === undefined) {
    const what = attachTo === undefined ? "" : `the kernel has no ${attachTo} to attach to\n`;
    reject(-1, EINVAL, `${what}Tracing programs must provide btf_id`);
  }
  const type = btf.type(found.id);
  if (attachType === ATTACH_TYPES.trace_raw_tp) return tracepoint(btf, type);
  const proto = btf.type((type as BtfFunc).type) as BtfFuncProto;
  checkParameters(btf, type.name, proto);
  return { btf, id: type.id, name: type.name, proto, hidden: 0 };
}

function tracepoint(btf: Btf, typedef: BtfType): AttachTarget {
  const name = typedef.name.slice("btf_trace_".length);
  // The template's function has parameter names, which the typedef's prototype has not.
  const template = btf.findByName(`__bpf_trace_${name}`, "func") as BtfFunc | undefined;
  let proto: BtfType;
  if (template !== undefined) proto = btf.type(template.type);
  else {
    const pointer = btf.resolve(typedef.id);
    proto = pointer.kind === "ptr" ? btf.resolve(pointer.type) : pointer;
  }
  if (proto.kind !== "func_proto") reject(-1, EINVAL, `attach_btf_id ${typedef.id} is not a typedef`);
  return { btf, id: typedef.id, name, proto, hidden: 1 };
}

/** MAX_BPF_FUNC_ARGS, and bytes of the largest struct that is passed by value. */
const MAX_PARAMETERS = 12;
const MAX_VALUE = 16;

/** Trampolines take numbers, pointers and small structs only (btf_distill_func_proto). */
function checkParameters(btf: Btf, name: string, { params, type }: BtfFuncProto): void {
  const refuse = (what: string): never => reject(-1, EINVAL, `The function ${name} ${what}`);
  if (params.length > MAX_PARAMETERS) refuse(`has ${params.length} arguments. Too many.`);
  const result = btf.resolve(type);
  const isSmall = ["void", "int", "ptr", "enum", "enum64"].includes(result.kind);
  if (!isSmall) refuse(`return type ${result.kind.toUpperCase()} is unsupported.`);
  for (const [index, param] of params.entries()) {
    if (index === params.length - 1 && param.type === 0) refuse("with variable args is unsupported.");
    const target = btf.resolve(param.type);
    const isStruct = target.kind === "struct";
    if (
      isStruct ? btf.sizeOf(param.type) <= MAX_VALUE : ["int", "ptr", "enum", "enum64"].includes(target.kind)
    )
      continue;
    refuse(`arg${index} type ${target.kind.toUpperCase()} is unsupported.`);
  }
}
