// Programs that call kernel functions, by name: their ids are those of a small BTF that is made here, or of the running
// kernel's. One text is judged with both, and by that kernel.

import { type Btf, parseBtf } from "../../dist/src/btf/btf.js";
import { assembleCode, loadRaw, type MapSpec, Program } from "../../dist/src/index.js";
import type { KernelSession } from "../../dist/src/kernel.js";
import type { ProgramType } from "../../dist/src/program-types.js";
import { judge } from "../../dist/src/verifier/verify.js";
import { BtfBuilder } from "./btf-builder.ts";
import { liveBtf } from "./live-kernel.ts";

/** A program's BTF, and the ids in it of its first function and of all others. */
export interface OwnTypes {
  readonly btf: Btf;
  readonly main: number;
  readonly callback: number;
}

/** A program and what becomes of it. */
export interface KfuncCase {
  readonly name: string;
  readonly text: string;
  /** Default: sched_cls. */
  readonly type?: ProgramType;
  /** BPF_F_*. */
  readonly flags?: number;
  readonly attachType?: number;
  readonly maps?: readonly MapSpec[];
  readonly license?: string;
  /** Types of the program's own. */
  readonly own?: OwnTypes;
  /** Last line of the reason; missing: accepted. */
  readonly message?: string | RegExp;
}

/** Struct names with their sizes; the first member of some is another struct. */
const STRUCTS: Readonly<Record<string, readonly [size: number, first?: string]>> = {
  __sk_buff: [192],
  xdp_md: [24],
  sk_buff: [232],
  bpf_dynptr: [16],
  bpf_iter_num: [8],
  bpf_iter_bits: [16],
  bpf_iter_task: [24],
  bpf_iter_css_task: [8],
  cgroup_subsys_state: [64],
  task_struct: [4096],
  cgroup: [512],
  cpumask: [8],
  bpf_cpumask: [16, "cpumask"],
  bpf_map: [256],
  bpf_wq: [16],
  bpf_res_spin_lock: [8],
  bpf_sock_tuple: [36],
  bpf_ct_opts: [16],
  nf_conn: [200],
  nf_conn___init: [200],
  bpf_list_head: [16],
  bpf_list_node: [24],
  bpf_rb_root: [16],
  bpf_rb_node: [32],
};

/** Signatures in the manner of C, one a line; `struct` is left out. */
const FUNCTIONS = `
  void bpf_rcu_read_lock()
  void bpf_rcu_read_unlock()
  void bpf_preempt_disable()
  void bpf_preempt_enable()
  void bpf_local_irq_save(u64* flags__irq_flag)
  void bpf_local_irq_restore(u64* flags__irq_flag)
  void bpf_throw(u64 cookie)
  void __bpf_trap()
  void* bpf_rdonly_cast(void* obj__ign, u32 btf_id__k)
  void* bpf_cast_to_kern_ctx(void* obj)
  int bpf_iter_num_new(bpf_iter_num* it, int start, int end)
  int* bpf_iter_num_next(bpf_iter_num* it)
  void bpf_iter_num_destroy(bpf_iter_num* it)
  int bpf_iter_bits_new(bpf_iter_bits* it, u64* unsafe_ptr__ign, u32 nr_words)
  int* bpf_iter_bits_next(bpf_iter_bits* it)
  void bpf_iter_bits_destroy(bpf_iter_bits* it)
  int bpf_iter_task_new(bpf_iter_task* it, task_struct* task__nullable, u32 flags)
  task_struct* bpf_iter_task_next(bpf_iter_task* it)
  void bpf_iter_task_destroy(bpf_iter_task* it)
  int bpf_iter_css_task_new(bpf_iter_css_task* it, cgroup_subsys_state* css, u32 flags)
  int bpf_dynptr_from_skb(__sk_buff* s, u64 flags, bpf_dynptr* ptr__uninit)
  int bpf_dynptr_from_xdp(xdp_md* x, u64 flags, bpf_dynptr* ptr__uninit)
  void* bpf_dynptr_slice(bpf_dynptr* p, u32 offset, void* buffer__opt, u32 buffer__szk)
  void* bpf_dynptr_slice_rdwr(bpf_dynptr* p, u32 offset, void* buffer__opt, u32 buffer__szk)
  int bpf_dynptr_adjust(bpf_dynptr* p, u32 start, u32 end)
  int bpf_dynptr_is_null(bpf_dynptr* p)
  int bpf_dynptr_is_rdonly(bpf_dynptr* p)
  u32 bpf_dynptr_size(bpf_dynptr* p)
  int bpf_dynptr_clone(bpf_dynptr* p, bpf_dynptr* clone__uninit)
  int bpf_dynptr_copy(bpf_dynptr* dst_ptr, u32 dst_off, bpf_dynptr* src_ptr, u32 src_off, u32 size)
  task_struct* bpf_task_acquire(task_struct* p)
  void bpf_task_release(task_struct* p)
  task_struct* bpf_task_from_pid(int pid)
  int bpf_task_under_cgroup(task_struct* task, cgroup* ancestor)
  cgroup* bpf_cgroup_from_id(u64 cgid)
  void bpf_cgroup_release(cgroup* cgrp)
  bpf_cpumask* bpf_cpumask_create()
  void bpf_cpumask_release(bpf_cpumask* cpumask)
  u32 bpf_cpumask_first(cpumask* cpumask)
  int bpf_cpumask_populate(cpumask* cpumask, void* src, u64 src__sz)
  nf_conn___init* bpf_skb_ct_alloc(__sk_buff* skb_ctx, bpf_sock_tuple* bpf_tuple, u32 tuple__sz, bpf_ct_opts* opts, u32 opts__sz)
  nf_conn* bpf_skb_ct_lookup(__sk_buff* skb_ctx, bpf_sock_tuple* bpf_tuple, u32 tuple__sz, bpf_ct_opts* opts, u32 opts__sz)
  void bpf_ct_release(nf_conn* nfct)
  nf_conn* bpf_ct_insert_entry(nf_conn___init* nfct_i)
  int bpf_ct_change_timeout(nf_conn* nfct, u32 timeout)
  u64 bpf_map_sum_elem_count(bpf_map* map)
  int bpf_strlen(char* s__ign)
  int bpf_copy_from_user_str(void* dst, u32 dst__sz, void* unsafe_ptr__ign, u64 flags)
  int bpf_wq_init(bpf_wq* wq, void* p__map, u32 flags)
  int bpf_wq_start(bpf_wq* wq, u32 flags)
  int bpf_res_spin_lock(bpf_res_spin_lock* lock)
  void bpf_res_spin_unlock(bpf_res_spin_lock* lock)
  int bpf_wq_set_callback_impl(bpf_wq* wq, callback* callback_fn, u32 flags, void* aux__prog)
  void* bpf_obj_new_impl(u64 local_type_id__k, void* meta__ign)
  void bpf_obj_drop_impl(void* p__alloc, void* meta__ign)
  void* bpf_refcount_acquire_impl(void* p__refcounted_kptr, void* meta__ign)
  int bpf_list_push_front_impl(bpf_list_head* head, bpf_list_node* node, void* meta__ign, u64 off)
  bpf_list_node* bpf_list_pop_front(bpf_list_head* head)
  bpf_list_node* bpf_list_front(bpf_list_head* head)
  int bpf_rbtree_add_impl(bpf_rb_root* root, bpf_rb_node* node, callback* less, void* meta__ign, u64 off)
  bpf_rb_node* bpf_rbtree_first(bpf_rb_root* root)
  bpf_rb_node* bpf_rbtree_remove(bpf_rb_root* root, bpf_rb_node* node)
  void bpf_xdp_metadata_rx_timestamp(xdp_md* ctx, u64* timestamp)
  void bpf_fentry_test1(int a)
  int bpf_xdp_pull_data(xdp_md* x, u32 len)
`;

function buildKernelBtf(): Btf {
  const builder = new BtfBuilder();
  const ids = new Map<string, number>([["void", 0]]);
  const number = (name: string, size: number, encoding = 0) =>
    ids.set(name, builder.int(name, size, encoding));
  number("int", 4, 1);
  number("char", 1, 1);
  number("u32", 4);
  number("u64", 8);
  const idOf = (name: string): number => {
    const known = ids.get(name);
    if (known === undefined) throw new RangeError(`no type ${name}`);
    return known;
  };
  for (const [name, [size, first]] of Object.entries(STRUCTS)) {
    // Most are no structs of numbers: a pointer in one makes it the kernel's.
    const isPlain = ["bpf_sock_tuple", "bpf_ct_opts"].includes(name);
    const pointer = builder.refer("ptr", 0);
    const member = first === undefined ? (isPlain ? idOf("u32") : pointer) : idOf(first);
    ids.set(name, builder.struct("struct", name, size, [["first", member, 0]]));
  }
  ids.set("callback", builder.proto(idOf("int"), []));
  const contexts = [["BPF_PROG_TYPE_SCHED_CLS_kern", idOf("sk_buff"), 0]] as const;
  builder.struct("struct", "bpf_ctx_convert", 232, contexts);
  const typeOf = (text: string): number =>
    text.endsWith("*") ? builder.refer("ptr", idOf(text.slice(0, -1))) : idOf(text);
  for (const line of FUNCTIONS.trim().split("\n")) {
    const [, result = "", name = "", list = ""] = /^\s*(\S+) (\w+)\((.*)\)$/.exec(line) ?? [];
    const params = list === "" ? [] : list.split(", ").map((each) => each.split(" ") as [string, string]);
    const specs = params.map(([type, param]) => [param, typeOf(type)] as const);
    const proto = builder.proto(typeOf(result), specs);
    builder.refer("func", proto, name);
  }
  return parseBtf(builder.bytes());
}

export const SMALL_BTF = buildKernelBtf();

/** The text with ids in the place of `kfunc#NAME` and `type#NAME`. */
export function withIds(btf: Btf, text: string): string {
  const id = (kind: "func" | "struct", what: string): number => {
    const found = btf.findByName(what, kind);
    if (found === undefined) throw new RangeError(`no ${kind} ${what}`);
    return found.id;
  };
  return text
    .replace(/kfunc#([a-z_]\w*)/g, (_, what: string) => `kfunc#${id("func", what)}`)
    .replace(/type#(\w+)/g, (_, what: string) => `${id("struct", what)}`);
}

export function programWith(btf: Btf, { name, text, type, maps, license, own }: KfuncCase): Program {
  const plain = loadRaw(assembleCode(withIds(btf, text)), {
    name: name.replace(/\W/g, "_"),
    type: type ?? "sched_cls",
    license: license ?? "GPL",
    ...(maps && { maps }),
  });
  return own === undefined ? plain : withTypes(plain, own);
}

/** The program with types of its own, those of its functions among them; all but the first are static. */
function withTypes(plain: Program, { btf, main, callback }: OwnTypes): Program {
  const targets = plain.decoded
    .filter(({ row }) => row.name === "lddw_func")
    .map(({ slot, imm }) => slot + imm + 1);
  const functions = [
    { slot: 0, name: "main", typeId: main, isGlobal: true },
    ...[...new Set(targets)]
      .sort((a, b) => a - b)
      .map((slot) => ({ slot, name: "callback", typeId: callback, isGlobal: false })),
  ];
  const { name, type, insns, license, maps } = plain;
  return new Program({ name, type, insns, license, maps, functions, btf });
}

/** The last line; of an endless loop the one before both states, which the kernel prints and we do not. */
function lastLine(text: string): string {
  const lines = text.trimEnd().split("\n");
  return lines.findLast((line) => line.startsWith("infinite loop detected")) ?? lines.at(-1) ?? "";
}

/** "accepted", or the last line of the reason. */
export function ourVerdict(btf: Btf, each: KfuncCase): string {
  const { flags = 0, attachType = 0 } = each;
  const verdict = judge(programWith(btf, each), { kernelBtf: btf, flags, attachType });
  return verdict.isAccepted ? "accepted" : lastLine(verdict.message);
}

export function kernelVerdict(session: KernelSession, each: KfuncCase): string {
  const program = programWith(liveBtf(), each);
  const { flags = 0, attachType = 0 } = each;
  const verdict = session.load(program, { logLevel: 1, flags, attachType });
  verdict.program?.close();
  if (verdict.isAccepted) return "accepted";
  return verdict.message.startsWith("old state:") ? lastLine(verdict.log) : verdict.message;
}
