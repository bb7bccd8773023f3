// Programs for a kernel's BTF: a load of each word of each context, and random walks from a context's pointers through
// the structs that they lead to.

import { ATTACH_TYPES } from "../../dist/src/attach-types.js";
import type { Btf, BtfFuncProto, BtfType } from "../../dist/src/btf/btf.js";
import { load, type Program } from "../../dist/src/index.js";
import { Random } from "./random.ts";

export interface ContextTarget {
  readonly attachTo: string;
  readonly attachType: number;
  readonly isSleepable?: true;
  /** Arguments that programs see. */
  readonly words: number;
}

const RAW = ATTACH_TYPES.trace_raw_tp;
const ITERATOR = ATTACH_TYPES.trace_iter;

const build = (text: string): Program =>
  [...load(text, { type: "tracing", license: "GPL" }).programs.values()][0];

/** The parameters of a raw tracepoint or of an iterator. */
function parametersOf(btf: Btf, attachTo: string, attachType: number): readonly { readonly type: number }[] {
  const isRaw = attachType === RAW;
  const name = `${isRaw ? "btf_trace_" : "bpf_iter_"}${attachTo}`;
  let type: BtfType | undefined = btf.findByName(name, isRaw ? "typedef" : "func");
  if (type === undefined) return [];
  type = btf.resolve(type.kind === "func" ? type.type : type.id);
  if (type.kind === "ptr") type = btf.resolve(type.type);
  return (type as BtfFuncProto).params.slice(isRaw ? 1 : 0);
}

/** All raw tracepoints and iterators of a kernel. */
export function contextTargets(btf: Btf): ContextTarget[] {
  const targets: ContextTarget[] = [];
  for (let id = 1; id < btf.count; id++) {
    const kind = btf.kind(id);
    if (kind !== "typedef" && kind !== "struct") continue;
    const { name } = btf.type(id);
    const isRaw = kind === "typedef";
    const prefix = isRaw ? "btf_trace_" : "bpf_iter__";
    if (!name.startsWith(prefix) || name.includes("__safe_")) continue;
    const attachTo = name.slice(prefix.length);
    const attachType = isRaw ? RAW : ITERATOR;
    const words = parametersOf(btf, attachTo, attachType).length;
    if (words > 0) targets.push({ attachTo, attachType, words });
  }
  return targets;
}

export const contextProgram = (off: number): Program => build(`r6 = *(u64 *)(r1 + ${off})\nr0 = 0\nexit`);

/** Where walks begin: tracepoint or iterator, and the arguments that point to structs. */
const STARTS: readonly (readonly [attachTo: string, attachType: number, args: readonly number[]])[] = [
  ["sched_switch", RAW, [1, 2]],
  ["sched_process_exec", RAW, [0, 2]],
  ["kfree_skb", RAW, [0, 3]],
  ["inet_sock_set_state", RAW, [0]],
  ["block_rq_complete", RAW, [0]],
  ["mm_page_alloc", RAW, [0]],
  ["task", ITERATOR, [0, 1]],
  ["task_file", ITERATOR, [1, 3]],
  ["task_vma", ITERATOR, [1, 2]],
  ["bpf_map", ITERATOR, [1]],
  ["cgroup", ITERATOR, [1]],
  ["tcp", ITERATOR, [1]],
];

const HELPERS = [
  "task_pt_regs",
  "sock_from_file",
  "skc_to_tcp_sock",
  "skc_to_udp6_sock",
  "get_socket_cookie",
];
const WIDTHS = ["u8", "u16", "u32", "u64"];
/** Loads of a walk at most. */
const MAX_DEPTH = 4;

/** A walk that a seed names: the program, and how it is loaded. */
export interface Walk {
  readonly program: Program;
  readonly attachTo: string;
  readonly attachType: number;
  readonly flags: number;
}

export function randomWalk(btf: Btf, seed: number): Walk {
  const random = new Random(seed);
  const [attachTo, attachType, args] = random.pick(STARTS);
  const first = random.pick(args);
  const lines = [`r6 = *(u64 *)(r1 + ${first * 8})`];
  let struct = structBehind(btf, parametersOf(btf, attachTo, attachType)[first]?.type ?? 0);
  let from = 6;
  const depth = random.between(1, MAX_DEPTH);
  for (let step = 0; step < depth; step++) {
    if (random.chance(0.85)) lines.push(`if r${from} == 0 goto out`);
    if (random.chance(0.02)) lines.push(`r${from} += ${random.below(64)}`);
    const found = random.chance(0.85) ? randomMember(btf, struct, random) : undefined;
    const off = found?.off ?? random.below(1000) * 4;
    const width = found?.width ?? random.pick(WIDTHS);
    struct = found?.next;
    if (random.chance(0.02)) lines.push(`*(${width} *)(r${from} + ${off}) = 1`);
    else lines.push(`r${Math.min(from + 1, 8)} = *(${width} *)(r${from} + ${off})`);
    from = Math.min(from + 1, 8);
  }
  if (random.chance(0.5)) {
    const use = `r1 = r${from}\ncall bpf_${random.pick(HELPERS)}`;
    lines.push(`if r${from} == 0 goto out`, use);
  }
  const program = build(`${lines.join("\n")}\nout:\nr0 = 0\nexit`);
  const isSleepable = attachType === ITERATOR && random.chance(0.3);
  return { program, attachTo, attachType, flags: isSleepable ? 16 : 0 };
}

function structBehind(btf: Btf, id: number): BtfType | undefined {
  const pointer = btf.resolve(id);
  const target = pointer.kind === "ptr" ? btf.resolve(pointer.type) : undefined;
  return target?.kind === "struct" || target?.kind === "union" ? target : undefined;
}

/** Some member, down to where it is no struct and no array any more. */
function randomMember(
  btf: Btf,
  struct: BtfType | undefined,
  random: Random,
): { readonly off: number; readonly width: string; readonly next: BtfType | undefined } | undefined {
  let type = struct;
  let off = 0;
  while (type?.kind === "struct" || type?.kind === "union" || type?.kind === "array") {
    if (type.kind === "array") type = btf.resolve(type.type);
    else if (type.members.length === 0) return undefined;
    else {
      const member = random.pick(type.members);
      off += member.bitOffset >> 3;
      type = btf.resolve(member.type);
    }
  }
  if (type === undefined || off > 32_000) return undefined;
  if (type.kind === "ptr") return { off, width: "u64", next: structBehind(btf, type.id) };
  const size = "size" in type ? type.size : 8;
  return { off, width: WIDTHS[Math.log2(size)] ?? "u64", next: undefined };
}

/** Of a log, what it says of registers and why it stopped: no figures, no addresses, no table of live registers. */
export function registersOf(log: string): string {
  return log
    .split("\n")
    .filter((line) => /^(\d+: [(R]|R\d|[a-z])/.test(line))
    .filter((line) => !/^(0: R1|processed|verification|stack depth|mark_precise|from|func#|mark_)/.test(line))
    .map((line) => line.replace(/\s+;/, " ;"))
    .join("\n");
}
