// Which functions of a program have a BTF type, and whether what BTF says of them fits the instructions
// (check_btf_func and check_abnormal_return in kernel/bpf/verifier.c).

import type { Btf, BtfFunc, BtfFuncProto, BtfType } from "../../btf/btf.ts";
import type { Program } from "../../program.ts";
import { type Code, Opcode } from "../code.ts";
import { knownHelper } from "../prototypes/prototypes.ts";
import { EINVAL, reject } from "../rejection.ts";

/** BTF functions by the index of the program's functions. */
export type FunctionInfo = readonly BtfFunc[];

/** What BTF says of each function; undefined for programs that come without it. Rejects what does not fit. */
export function checkFunctionInfo(
  program: Program,
  code: Code,
  functions: readonly number[],
): FunctionInfo | undefined {
  const { btf } = program;
  const info = btf && readFunctionInfo(program, btf);
  if (btf === undefined || info === undefined) {
    checkWithoutInfo(code, functions);
    return undefined;
  }
  if (info.length !== functions.length) {
    reject(-1, EINVAL, "number of funcs in func_info doesn't match number of subprogs");
  }
  for (const [index, start] of functions.entries()) {
    if (program.functions[index].slot !== start) {
      reject(-1, EINVAL, "func_info BTF section doesn't match subprog layout in BPF program");
    }
    if (index === 0 || returnsNumber(btf, info[index])) continue;
    const { hasPacketLoad, hasTailCall } = lookThrough(code, start, functions[index + 1] ?? code.length);
    if (hasPacketLoad) reject(-1, EINVAL, "LD_ABS is only allowed in functions that return 'int'.");
    if (hasTailCall) reject(-1, EINVAL, "tail_call is only allowed in functions that return 'int'.");
  }
  return info;
}

/** The types of a program's functions, where each of them has one. */
function readFunctionInfo({ functions }: Program, btf: Btf): FunctionInfo | undefined {
  const info: BtfFunc[] = [];
  for (const [index, { slot, typeId }] of functions.entries()) {
    if (typeId === undefined || typeId === 0) return undefined;
    const previous = functions[index - 1]?.slot;
    if (previous === undefined && slot !== 0) {
      reject(-1, EINVAL, `nonzero insn_off ${slot} for the first func info record`);
    }
    if (previous !== undefined && slot <= previous) {
      const message = `same or smaller insn offset (${slot}) than previous func info record (${previous})`;
      reject(-1, EINVAL, message);
    }
    const type: BtfType | undefined = typeId < btf.count ? btf.type(typeId) : undefined;
    if (type?.kind !== "func") reject(-1, EINVAL, `invalid type id ${typeId} in func info`);
    info.push(type);
  }
  return info;
}

function returnsNumber(btf: Btf, func: BtfFunc): boolean {
  const result = btf.resolve((btf.type(func.type) as BtfFuncProto).type);
  return (result.kind === "int" && result.size <= 8) || result.kind === "enum" || result.kind === "enum64";
}

function checkWithoutInfo(code: Code, functions: readonly number[]): void {
  for (const [index, start] of functions.entries()) {
    if (index === 0) continue;
    const { hasPacketLoad, hasTailCall } = lookThrough(code, start, functions[index + 1] ?? code.length);
    if (hasPacketLoad) reject(-1, EINVAL, "LD_ABS is not allowed in subprogs without BTF");
    if (hasTailCall) reject(-1, EINVAL, "tail_call is not allowed in subprogs without BTF");
  }
}

function lookThrough(
  code: Code,
  start: number,
  end: number,
): { readonly hasPacketLoad: boolean; readonly hasTailCall: boolean } {
  let [hasPacketLoad, hasTailCall] = [false, false];
  for (let slot = start; slot < end; slot++) {
    const opcode = code.code[slot];
    if ((opcode & 7) === 0 && opcode !== Opcode.LDDW && opcode !== 0) hasPacketLoad = true;
    if (opcode === Opcode.CALL && code.src[slot] === 0 && knownHelper(code.imm[slot]) === "tail_call") {
      hasTailCall = true;
    }
  }
  return { hasPacketLoad, hasTailCall };
}
