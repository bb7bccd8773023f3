// Objects that a program makes of its own types, and the lists and trees that it keeps them in: who owns an object,
// and which lock guards what holds it (check_special_kfunc and process_kf_arg_ptr_to_graph_node in
// kernel/bpf/verifier.c).

import type { Btf } from "../../btf/btf.ts";
import { isInteger } from "../btf-types.ts";
import type { KfuncFacts } from "../calls/kfunc-arguments.ts";
import { checkGuarded } from "../calls/locks.ts";
import type { Env } from "../env.ts";
import { Flag, type Register } from "../register.ts";
import { EINVAL } from "../rejection.ts";
import { fieldAt, fieldsOf, mayHoldLock } from "./field-arguments.ts";
import { structFields } from "./map-fields.ts";
import { pointerToType } from "./struct-access.ts";

/** The kernel's allocator of per-CPU objects goes no further. */
const MAX_PERCPU_SIZE = 512;

/** A pointer that the program owns, or borrows; nothing else about it matters. */
const isOwn = ({ kind, flags }: Register, more = 0): boolean =>
  kind === "btf" && flags === (Flag.ALLOC | more);

/** What bpf_obj_new gives. */
export function newObject(env: Env, { constant = 0n, called }: KfuncFacts): Register {
  const isPerCpu = called.name === "bpf_percpu_obj_new_impl";
  if (constant > 0xffffffffn) {
    env.reject(EINVAL, "local type ID argument must be in range [0, U32_MAX]");
  }
  const { btf } = env.program;
  const id = Number(constant);
  const both = "bpf_obj_new/bpf_percpu_obj_new";
  if (btf === undefined) env.reject(EINVAL, `${both} requires prog BTF`);
  const type = id < btf.count ? btf.type(id) : undefined;
  if (type?.kind !== "struct") env.reject(EINVAL, `${both} type ID argument must be of a struct`);
  if (isPerCpu) checkPerCpu(env, btf, id, type.size);
  return pointerToType(btf, id, Flag.ALLOC | (isPerCpu ? Flag.PERCPU : 0));
}

function checkPerCpu(env: Env, btf: Btf, id: number, size: number): void {
  if (size > MAX_PERCPU_SIZE) {
    env.reject(EINVAL, `bpf_percpu_obj_new type size (${size}) is greater than ${MAX_PERCPU_SIZE}`);
  }
  const type = btf.type(id);
  if (type.kind === "struct" && !type.members.every((member) => isInteger(btf.resolve(member.type)))) {
    env.reject(EINVAL, "bpf_percpu_obj_new type ID argument must be of a struct of scalars");
  }
}

/** The object that a call gives back to the kernel. */
export function checkDropped(
  env: Env,
  { called: { name } }: KfuncFacts,
  register: Register,
  index: number,
): void {
  if (isOwn(register)) {
    if (name !== "bpf_obj_drop_impl") env.reject(EINVAL, `arg#${index} expected for bpf_obj_drop_impl()`);
  } else if (isOwn(register, Flag.PERCPU)) {
    if (name !== "bpf_percpu_obj_drop_impl") {
      env.reject(EINVAL, `arg#${index} expected for bpf_percpu_obj_drop_impl()`);
    }
  } else env.reject(EINVAL, `arg#${index} expected pointer to allocated object`);
  checkReferenced(env, register);
}

function checkReferenced(env: Env, register: Register): void {
  if (register.refId === 0) env.reject(EINVAL, "allocated object must be referenced");
}

/** The object that one more reference is taken of. */
export function checkCounted(env: Env, facts: KfuncFacts, register: Register, index: number): void {
  const isObject = register.kind === "btf" && (register.flags & Flag.ALLOC) !== 0;
  if (!isObject) env.reject(EINVAL, `arg#${index} is neither owning or non-owning ref`);
  if (!fieldsOf(register).some(({ name }) => name === "bpf_refcount")) {
    env.reject(EINVAL, `arg#${index} doesn't point to a type with bpf_refcount field`);
  }
  facts.isOwner = (register.flags & Flag.NON_OWN_REF) === 0;
  facts.object = register;
}

type RootKind = "bpf_list_head" | "bpf_rb_root";
type NodeKind = "bpf_list_node" | "bpf_rb_node";

/** The list or tree of a call, whose lock must be held. */
export function checkRoot(env: Env, facts: KfuncFacts, number: number, kind: RootKind): void {
  const register = env.register(number);
  if (register.kind !== "map_value" && !isOwn(register)) {
    env.reject(EINVAL, `arg#${number - 1} expected pointer to map value or allocated object`);
  }
  if (register.kind === "btf") checkReferenced(env, register);
  facts.root = fieldAt(env, register, number, kind);
  facts.rootBtf = register.map?.btf ?? register.btf;
  checkGuarded(env, register, kind);
}

/** The object that goes into a list or a tree, or that is in it, by the place where it is linked. */
export function checkNode(env: Env, facts: KfuncFacts, number: number, kind: NodeKind): void {
  const register = env.register(number);
  const { name } = facts.called;
  if (kind === "bpf_list_node" || name === "bpf_rbtree_add_impl") {
    if (!isOwn(register)) env.reject(EINVAL, `arg#${number - 1} expected pointer to allocated object`);
    checkReferenced(env, register);
  } else {
    if ((register.flags & Flag.NON_OWN_REF) === 0 && register.refId === 0) {
      env.reject(EINVAL, `${name} can only take non-owning or refcounted bpf_rb_node pointer`);
    }
    if (isOrdering(env)) env.reject(EINVAL, `${name} not allowed in rbtree cb`);
  }
  fieldAt(env, register, number, kind);
  const { root, rootBtf } = facts;
  const contained = root?.contains;
  if (root === undefined || contained === undefined || rootBtf === undefined) {
    env.reject(EINVAL, `${kind} not found at offset=${register.wholeOffset}`);
  }
  const wanted = rootBtf.type(contained.typeId).name;
  const off = register.wholeOffset;
  if (register.btf !== rootBtf || register.typeId !== contained.typeId) {
    env.reject(
      EINVAL,
      `operation on ${root.name} expects arg#1 ${kind} at offset=${contained.off} in struct ${wanted}, but arg is at offset=${off} in struct ${register.struct}`,
    );
  }
  if (off !== contained.off) {
    env.reject(
      EINVAL,
      `arg#1 offset=${off}, but expected ${kind} at offset=${contained.off} in struct ${wanted}`,
    );
  }
}

/** In the function that says which of two nodes comes first. */
const isOrdering = ({ state }: Env): boolean => state.frame.callback?.orders === true;

/** A pointer to the linked member of an element. */
export function elementOf({ root, rootBtf }: KfuncFacts): Register | undefined {
  if (root?.contains === undefined || rootBtf === undefined) return undefined;
  const { typeId, off } = root.contains;
  return pointerToType(rootBtf, typeId, Flag.ALLOC).with({ off });
}

/** The element as long as the lock is held: it belongs to what it is linked in. */
export function borrowed(register: Register): Register {
  const { btf, typeId, flags } = register;
  const isCounted =
    btf !== undefined && structFields(btf, typeId).some(({ name }) => name === "bpf_refcount");
  return register.with({ flags: flags | Flag.NON_OWN_REF | (isCounted ? Flag.RCU : 0), refId: 0 });
}

/** The object is the list's or the tree's now; the program keeps what it knows of it until it unlocks. */
export function giveAway(env: Env, refId: number): void {
  const { state } = env;
  state.mapRegisters((held) => (held.refId === refId && refId !== 0 ? borrowed(held) : held));
  state.references = state.references.filter(({ id }) => id !== refId);
}

/** Objects with locks are told apart by their ids. */
export const withLockId = (env: Env, register: Register): Register =>
  register.id === 0 && mayHoldLock(register) ? register.with({ id: env.takeId() }) : register;
