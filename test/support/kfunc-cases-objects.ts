// Programs with objects, lists, trees, locks, timers and work queues of their own, and the verdict of Linux 6.18 on
// each.

import { parseBtf } from "../../dist/src/btf/btf.js";
import { BtfBuilder } from "./btf-builder.ts";
import type { KfuncCase, OwnTypes } from "./kfunc-programs.ts";

/** Offsets in a node, and in the value of the map. */
const NODE = { key: 0, list: 8, tree: 32, count: 64, size: 72 };
const VALUE = { lock: 0, list: 8, tree: 24, timer: 40, queue: 56, size: 72 };

function makeTypes() {
  const types = new BtfBuilder();
  const int = types.int("int", 4, 1);
  const u64 = types.int("unsigned long", 8);
  const special = (name: string, words: number): number =>
    types.struct("struct", name, 8 * words, [["opaque", types.array(u64, words, int), 0]]);
  const lock = types.struct("struct", "bpf_spin_lock", 4, [["val", int, 0]]);
  const resilient = types.struct("struct", "bpf_res_spin_lock", 8, [["val", u64, 0]]);
  const count = types.struct("struct", "bpf_refcount", 4, [["val", int, 0]]);
  const [head, link] = [special("bpf_list_head", 2), special("bpf_list_node", 3)];
  const [root, branch] = [special("bpf_rb_root", 2), special("bpf_rb_node", 4)];
  const [timer, queue] = [special("bpf_timer", 2), special("bpf_wq", 2)];
  const node = types.struct("struct", "node", NODE.size, [
    ["key", u64, 8 * NODE.key],
    ["list", link, 8 * NODE.list],
    ["tree", branch, 8 * NODE.tree],
    ["count", count, 8 * NODE.count],
  ]);
  const plain = types.struct("struct", "plain", 16, [
    ["first", u64, 0],
    ["second", u64, 64],
  ]);
  const value = types.struct("struct", "value", VALUE.size, [
    ["lock", lock, 8 * VALUE.lock],
    ["list", head, 8 * VALUE.list],
    ["tree", root, 8 * VALUE.tree],
    ["timer", timer, 8 * VALUE.timer],
    ["queue", queue, 8 * VALUE.queue],
  ]);
  types.tag("contains:node:list", value, 1);
  types.tag("contains:node:tree", value, 2);
  const other = types.struct("struct", "other", 16, [
    ["lock", resilient, 0],
    ["number", u64, 64],
  ]);
  const context = types.refer("ptr", 0);
  const main = types.record(12, "main", 1, types.proto(int, [["ctx", context]]));
  const three = types.proto(
    int,
    ["a", "b", "c"].map((name) => [name, context] as const),
  );
  const callback = types.record(12, "callback", 0, three);
  const btf = parseBtf(types.bytes());
  return { own: { btf, main, callback } satisfies OwnTypes, int, node, plain, value, other };
}

const { own, int, node, plain, value, other } = makeTypes();
const map = (name: string, valueType: number, valueSize: number) => ({
  ...{ name, type: 2, keySize: 4, valueSize, maxEntries: 1, flags: 0 },
  ...{ btf: own.btf, keyType: int, valueType },
});
const MAPS = [map("values", value, VALUE.size), map("others", other, 16)];

const END = `
  r0 = 0
  exit`;
/** The value of the map in r6, or the end. */
const lookUp = (index: number): string => `
  *(u32 *)(r10 - 4) = 0
  r2 = r10
  r2 += -4
  r1 = map[fd:${index}]
  call 1
  if r0 == 0 goto out
  r6 = r0`;
const VALUE_IN_R6 = lookUp(0);
/** A new object in r7, or the end. */
const create = (type: number): string => `
  r1 = ${type}
  r2 = 0
  call kfunc#bpf_obj_new_impl
  if r0 == 0 goto out
  r7 = r0`;
const NEW = create(node);
const drop = (register = "r7"): string => `
  r1 = ${register}
  r2 = 0
  call kfunc#bpf_obj_drop_impl`;
const LOCK = `
  r1 = r6
  call 93`;
const UNLOCK = `
  r1 = r6
  call 94`;
const place = (number: number, base: string, off: number): string => `
  r${number} = ${base}
  r${number} += ${off}`;
const HEAD = place(1, "r6", VALUE.list);
const ROOT = place(1, "r6", VALUE.tree);
const PUSH = `${HEAD}${place(2, "r7", NODE.list)}
  r3 = 0
  r4 = 0
  call kfunc#bpf_list_push_front_impl`;
const POP = `${HEAD}
  call kfunc#bpf_list_pop_front`;
const ADD = `${ROOT}${place(2, "r7", NODE.tree)}
  r3 = subprog[less]
  r4 = 0
  r5 = 0
  call kfunc#bpf_rbtree_add_impl`;
const LESS = `
  less:
  r3 = *(u64 *)(r1 - ${NODE.tree})
  r4 = *(u64 *)(r2 - ${NODE.tree})
  r0 = 0
  if r3 < r4 goto yes
  exit
  yes:
  r0 = 1
  exit`;

const each = (name: string, text: string, message?: string, functions = ""): KfuncCase => ({
  name,
  own,
  maps: MAPS,
  text: `${text}\nout:${END}${functions}`,
  ...(message !== undefined && { message }),
});
const LEAK = "BPF_EXIT instruction in main prog would lead to reference leak";

const OBJECTS: readonly KfuncCase[] = [
  each("are made and given back", NEW + drop()),
  each("are given back", NEW, LEAK),
  each("are given back once", NEW + drop() + drop(), "R1 must be referenced or trusted"),
  each(
    "may not have been made",
    `
      r1 = ${node}
      r2 = 0
      call kfunc#bpf_obj_new_impl
      r7 = r0
      ${drop()}`,
    "Possibly NULL pointer passed to trusted arg0",
  ),
  each("are written and read", `${NEW}\n*(u64 *)(r7 + 0) = 7\nr1 = *(u64 *)(r7 + 0)${drop()}`),
  each(
    "are not touched where they are linked",
    `${NEW}\n*(u64 *)(r7 + ${NODE.list}) = 0${drop()}`,
    "direct access to bpf_list_node is disallowed",
  ),
  each("of numbers are touched everywhere", `${create(plain)}\n*(u64 *)(r7 + 8) = 7${drop()}`),
  each("are of a struct", create(int), "bpf_obj_new/bpf_percpu_obj_new type ID argument must be of a struct"),
  each(
    "are given back from their start",
    `${NEW}\nr7 += 8${drop()}`,
    "R1 must have zero offset when passed to release func or trusted arg to kfunc",
  ),
  each(
    "are counted",
    `${NEW}
      r1 = r7
      r2 = 0
      call kfunc#bpf_refcount_acquire_impl
      r8 = r0
      ${drop()}${drop("r8")}`,
  ),
];

const LISTS: readonly KfuncCase[] = [
  each("are put into a list under its lock", VALUE_IN_R6 + NEW + LOCK + PUSH + UNLOCK),
  each(
    "are not put into a list without its lock",
    VALUE_IN_R6 + NEW + PUSH,
    "bpf_spin_lock at off=0 must be held for bpf_list_head",
  ),
  each(
    "are the list's once they are in it",
    VALUE_IN_R6 + NEW + LOCK + PUSH + UNLOCK + drop(),
    "R1 must be referenced or trusted",
  ),
  each(
    "are read in the list while its lock is held",
    `${VALUE_IN_R6}${NEW}${LOCK}${PUSH}\nr1 = *(u64 *)(r7 + 0)${UNLOCK}`,
  ),
  each(
    "are not read in the list behind its lock",
    `${VALUE_IN_R6}${NEW}${LOCK}${PUSH}${UNLOCK}\nr1 = *(u64 *)(r7 + 0)`,
    "R7 invalid mem access 'scalar'",
  ),
  each(
    "are taken out of a list",
    `${VALUE_IN_R6}${LOCK}${POP}
      r7 = r0
      ${UNLOCK}
      if r7 == 0 goto out
      r7 += -${NODE.list}
      ${drop()}`,
  ),
  each("that were taken out of a list are given back", `${VALUE_IN_R6}${LOCK}${POP}${UNLOCK}`, LEAK),
  each(
    "are looked at in a list",
    `${VALUE_IN_R6}${LOCK}${HEAD}
      call kfunc#bpf_list_front
      if r0 == 0 goto none
      r1 = *(u64 *)(r0 - ${NODE.list})
      none:${UNLOCK}`,
  ),
  each(
    "go into a list by the right member",
    VALUE_IN_R6 + NEW + LOCK + PUSH.replace(`r2 += ${NODE.list}`, `r2 += ${NODE.tree}`) + UNLOCK,
    `bpf_list_node not found at offset=${NODE.tree}`,
  ),
  each(
    "go into a list that is one",
    VALUE_IN_R6 + NEW + LOCK + PUSH.replace(`r1 += ${VALUE.list}`, `r1 += ${VALUE.tree}`) + UNLOCK,
    `bpf_list_head not found at offset=${VALUE.tree}`,
  ),
  each(
    "are not made under a lock",
    `${VALUE_IN_R6}${LOCK}${NEW}${UNLOCK}`,
    "function calls are not allowed while holding a lock",
  ),
];

const TREES: readonly KfuncCase[] = [
  each("are put into a tree", VALUE_IN_R6 + NEW + LOCK + ADD + UNLOCK, undefined, LESS),
  each(
    "are ordered by true or false",
    VALUE_IN_R6 + NEW + LOCK + ADD + UNLOCK,
    "At callback return the register R0 has smin=2 smax=2 should have been in [0, 1]",
    LESS.replace("r0 = 1", "r0 = 2"),
  ),
  each(
    "are taken out of a tree",
    `${VALUE_IN_R6}${LOCK}${ROOT}
      call kfunc#bpf_rbtree_first
      if r0 == 0 goto none
      r2 = r0
      ${ROOT}
      call kfunc#bpf_rbtree_remove
      r7 = r0
      ${UNLOCK}
      if r7 == 0 goto out
      r7 += -${NODE.tree}
      ${drop()}
      goto out
      none:${UNLOCK}`,
  ),
  each(
    "that were found in a tree stay there behind its lock",
    `${VALUE_IN_R6}${LOCK}${ROOT}
      call kfunc#bpf_rbtree_first
      r7 = r0
      ${UNLOCK}
      if r7 == 0 goto out
      r1 = *(u64 *)(r7 - ${NODE.tree})`,
    "R7 invalid mem access 'scalar'",
  ),
];

const TIMER = place(1, "r6", VALUE.timer);
const QUEUE = place(1, "r6", VALUE.queue);
const LATER = `
  later:
  r0 = 0
  exit`;
const SET_TIMER = `${TIMER}
  r2 = subprog[later]
  call 170`;
const SET_WORK = `${QUEUE}
  r2 = subprog[later]
  r3 = 0
  r4 = 0
  call kfunc#bpf_wq_set_callback_impl`;
const LATENT: readonly KfuncCase[] = [
  each(
    "with a timer start it",
    `${VALUE_IN_R6}${TIMER}
      r2 = map[fd:0]
      r3 = 0
      call 169
      ${SET_TIMER}
      ${TIMER}
      r2 = 0
      r3 = 0
      call 171`,
    undefined,
    LATER,
  ),
  each(
    "with a timer end its function with zero",
    VALUE_IN_R6 + SET_TIMER,
    "At async callback return the register R0 has smin=1 smax=1 should have been in [0, 0]",
    LATER.replace("r0 = 0", "r0 = 1"),
  ),
  each(
    "with a timer have nothing of their caller's in its function",
    VALUE_IN_R6 + SET_TIMER,
    "R6 !read_ok",
    LATER.replace("r0 = 0", "r0 = r6"),
  ),
  each(
    "with a timer see map, key and value in its function",
    VALUE_IN_R6 + SET_TIMER,
    undefined,
    LATER.replace("r0 = 0", "r4 = *(u32 *)(r2 + 0)\nr3 += 4\nr0 = 0"),
  ),
  each(
    "with a timer do not sleep in its function",
    VALUE_IN_R6 + SET_TIMER,
    "program must be sleepable to call sleepable kfunc bpf_copy_from_user_str",
    LATER.replace("r0 = 0", "r1 = r10\nr1 += -8\nr2 = 8\nr3 = 0\nr4 = 0\ncall kfunc#bpf_copy_from_user_str"),
  ),
  each(
    "with a timer may start it again from its function",
    VALUE_IN_R6 + SET_TIMER,
    undefined,
    LATER.replace("r0 = 0", `r1 = r3\nr1 += ${VALUE.timer}\nr2 = subprog[later]\ncall 170\nr0 = 0`),
  ),
  each(
    "with a timer hold their lock in its function for no longer than that",
    VALUE_IN_R6 + SET_TIMER,
    "BPF_EXIT instruction in main prog cannot be used inside bpf_spin_lock-ed region",
    LATER.replace("r0 = 0", "r1 = r3\ncall 93\nr0 = 0"),
  ),
  each(
    "with a work queue start it",
    `${VALUE_IN_R6}${QUEUE}
      r2 = map[fd:0]
      r3 = 0
      call kfunc#bpf_wq_init
      ${SET_WORK}
      ${QUEUE}
      r2 = 0
      call kfunc#bpf_wq_start`,
    undefined,
    LATER,
  ),
  each(
    "with a work queue may sleep in its function",
    VALUE_IN_R6 + SET_WORK,
    undefined,
    LATER.replace(
      "r0 = 0",
      "r1 = r10\nr1 += -8\nr2 = 8\nr3 = 0\nr4 = 0\ncall kfunc#bpf_copy_from_user_str\nr0 = 0",
    ),
  ),
  each(
    "with a work queue point to it",
    `${VALUE_IN_R6}
      r1 = r6
      r2 = 0
      call kfunc#bpf_wq_start`,
    `off 0 doesn't point to 'struct bpf_wq' that is at ${VALUE.queue}`,
  ),
];

const LOCKS: readonly KfuncCase[] = [
  each(
    "with a lock take it once",
    VALUE_IN_R6 + LOCK + LOCK,
    "function calls are not allowed while holding a lock",
  ),
];

export const OBJECT_CASES: readonly KfuncCase[] = [...OBJECTS, ...LISTS, ...TREES, ...LATENT, ...LOCKS];
