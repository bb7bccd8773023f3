// Rules about calls: who may call what, with which arguments, in which sections, and what must be given back.

import { nameOf, type Rule, rule, whichCall } from "./rule.ts";

export const CALL_RULES: readonly Rule[] = [
  rule(
    /GPL-restricted|non-GPL compatible/,
    "licence",
    "some helpers, functions and structs serve only programs under a licence that goes with the GPL",
    'declare it: `char LICENSE[] SEC("license") = "GPL";`',
  ),
  rule(
    /is not known|not eliminated|is not a function$|failed to find (?:BTF|the address)|invalid btf_id|KIND_VAR|resolve the size|fd_array|negative offset disallowed|kern ctx type|kernel has no (?!.* to attach)/,
    "kernel-symbol",
    "the functions, variables and types of the kernel that a program names are there in the kernel that it is for",
    "check the name against the kernel's BTF (`bpftool btf dump file /sys/kernel/btf/vmlinux`); declare what may be missing `__weak` and test it with bpf_ksym_exists()",
  ),
  rule(
    /cannot use helper|invalid func|kernel function .* is not allowed|returns .* is not supported|device-bound|not supported for program type|not allowed in probe|instructions not allowed for this program|does not allow writes/,
    "helper-allowed",
    "a helper or function is called only from the program types that it serves",
    "use a helper of this program type, or another section for the program",
  ),
  rule(
    /sleep|css_task_iter|preempt-disabled section/i,
    "may-sleep",
    "what may sleep is called from programs that may, and not where a lock, RCU or a disabled preemption forbids it",
    "use a sleepable section (`.s`), and call it outside of locked sections",
  ),
  rule(
    /the register R\d+ (?:has|is not)|R0 not a scalar|should have been in|exit the register|At callback return/,
    "return-range",
    "the result is a number in the range that the program type, or the caller of the callback, has a meaning for",
    "return one of the allowed constants on every way",
  ),
  rule(
    /would lead to reference leak|Unreleased reference|reference leak/,
    "reference-released",
    "what a helper hands out to be given back is given back on every way",
    "release the reference (bpf_sk_release, bpf_ringbuf_submit or bpf_ringbuf_discard, bpf_obj_drop …) on every way to the exit, where it is not null",
  ),
  rule(
    /cannot be used inside .*-ed region/,
    "section-closed",
    "a section that a lock, RCU, preemption or interrupts opened is closed before the function ends or calls away",
    "close the section on every way that leads here",
  ),
  rule(
    /rbtree c(?:b|allback)|callback subprog|callback function not static|rbtree cb/,
    "callback-function",
    "a callback is a static function of the program, and does only what is allowed while its caller waits",
    "make it `static`, and do the work before or behind the call",
  ),
  rule(
    /rcu read (?:un)?lock|RCU critical section|RCU CS|must be a rcu pointer/,
    "rcu-section",
    "what RCU guards is used between bpf_rcu_read_lock and bpf_rcu_read_unlock, which come in pairs",
    "call bpf_rcu_read_lock() before the pointer is read, and bpf_rcu_read_unlock() behind its last use on every way",
  ),
  rule(
    /enable preemption/,
    "preempt-section",
    "preemption is enabled as often as it was disabled",
    "call bpf_preempt_enable() once for each bpf_preempt_disable(), on every way",
  ),
  rule(
    /irq flag|restore irq state/,
    "irq-section",
    "interrupts are restored from the flag on the stack that they were saved to, the last saved first",
    "declare `unsigned long flags;`, save to it once, and restore in the reverse order with the function of the same kind",
  ),
  rule(
    /map_uid|has to have BTF in order|has no valid|doesn't have constant offset|doesn't point to 'struct|cannot be accessed directly by load\/store|isn't map pointer/,
    "map-field",
    "a lock, timer, work queue or kernel pointer is used at its own place in a map's value, whose type BTF describes",
    "declare the field in the struct of `__type(value, struct …)`, pass `&value->field`, with the map that the value came from",
  ),
  rule(
    /kptr (?:access|cannot|in map|isn't|has)|referenced kptr|valid kptr|to kptr|bpf_kptr_xchg/,
    "kptr-field",
    "a kernel pointer in a map's value is loaded and stored whole, with its own type; counted ones go through bpf_kptr_xchg",
    "use `bpf_kptr_xchg(&value->ptr, new)` for a `__kptr` field, and release what it returns where that is not null",
  ),
  rule(
    /_unlock |Locking two|can't spin_|holding a lock|AA deadlock|held lock|must be held/,
    "lock-discipline",
    "locks are taken in order, on known places, with no other calls while one is held, and given back on every way",
    "unlock the same value before anything else is called and on every way to the exit",
  ),
  rule(
    /must be referenced|not been acquired|unacquired reference|more than one arg with ref_obj_id/,
    "reference-held",
    "only what was taken is given back, once, and under the type it was taken as",
    "pass the pointer that the acquiring function gave, unchanged, and only once",
  ),
  rule(
    /dynptr/i,
    "dynptr-state",
    "a dynptr is made once, on the stack, by a function that makes one, and then only passed to functions that take one",
    "declare `struct bpf_dynptr ptr;`, make it with bpf_dynptr_from_… or bpf_ringbuf_reserve_dynptr, pass its address, and do not copy or overwrite it",
  ),
  rule(
    /initialized \S+ as arg|iterator|cannot pass in|has to be at a constant offset/,
    "iterator-state",
    "an iterator on the stack is made, asked for elements until there are none, and destroyed, in this order",
    "use bpf_for_each() or bpf_for(), which do all of it; or call the …_destroy function on every way",
  ),
  rule(
    /allocated object|owning ref|non-owning|bpf_refcount|rb_node|not found at offset|at offset=|local type ID|obj_(?:new|drop)|requires prog BTF|type ID argument must be of a struct$|^arg#\d+ expected for bpf_/,
    "owned-object",
    "an object of the program's own comes from bpf_obj_new, is linked by its own node into the list or tree it was declared for, and is dropped once",
    "use the macros of bpf_experimental.h with the struct and the field that `__contains(…)` names, and check what bpf_obj_new returns",
  ),
  rule(
    /known constant|constant address|readonly map|zero-terminated|const string|Invalid format|multiple of 8|non-zero flags|type ID argument/,
    "constant-argument",
    "this argument is known when the program is loaded: a constant, or a string in read-only data",
    'pass a literal, or a string as `static const char fmt[] = "…";`',
  ),
  rule(
    /arena|address space/,
    "arena-pointer",
    "memory of an arena is reached through pointers of its own, in programs that use one map of type arena",
    "declare the pointer with `__arena`, and let the program refer to its arena map",
  ),
  rule(
    /cannot pass map_type|not allowed for map|progs cannot use|only use array|access not supported|no direct value access|arg_type for sockmap|abusing map_ptr/,
    "map-type",
    "a helper, or a type of program, works with certain types of map",
    "use a map of a type that the helper and the program serve",
  ),
  rule(
    /^arg#\d+ (?:has unsupported|type isn't|names struct|reference type)|^Arg#\d+ type|Function .* args$|func.info|subprogs|static function instead|functions that return 'int'|only allowed in functions|^Global function|pointer tag|combination of tags|combined with any other tags|size cannot be determined/i,
    "function-prototype",
    "functions are described by BTF, and a global one has at most five arguments of types that can be taken for granted",
    "compile with -g; make the function static, or let its arguments be numbers, the context, or pointers to structs of known size",
  ),
  rule(
    /Possibly NULL pointer|to be non-NULL/,
    "pointer-not-null",
    "a pointer that may be null is compared with 0 before it is used",
    (facts) => `null check: \`if (!p) return 0;\` before the call (\`if ${nameOf(facts, "p")} == 0 goto\`)`,
  ),
  rule(
    /^(?:kernel function .* )?args?#?\d+ |invalid args|is not a scalar$|Unrecognized arg|pointer to ctx|pointer to func|Helper has invalid|expects refcounted/,
    "argument-type",
    "each argument is of the type that the declaration of the called function has",
    (facts) =>
      `pass ${facts.register === "" ? "a value" : `in ${facts.register} a value`} of the declared type, as the function that made it gave it`,
  ),
  rule(
    /type=\S* expected|expected=|is of type .* expected/,
    "pointer-type",
    "an access, or a helper, gets a pointer of a kind that it takes",
    (facts) =>
      whichCall(
        facts,
        `${nameOf(facts, "it")} is not such a pointer here: keep the pointer as it came, without bitwise arithmetic, and test it where it may be null`,
      ),
  ),
];
