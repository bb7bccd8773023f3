// Rules about registers and memory: what is read and written, through which pointers, and how far.

import { nameOf, type Rule, rule, whichCall } from "./rule.ts";

/** Reads of the stack where nothing was written: inside of the frame, unlike those that lead out of it. */
const NEVER_WRITTEN = {
  test(line: string): boolean {
    if (/invalid (?:indirect )?read from stack (?:R\d+ )?(?:var_)?off [-\d(]/.test(line)) return true;
    const [, off, size] = /invalid read from stack R\d+ off=(-\d+) size=(\d+)/.exec(line) ?? [];
    return off !== undefined && Number(off) >= -512 && Number(off) + Number(size) <= 0;
  },
};

export const MEMORY_RULES: readonly Rule[] = [
  rule(/!read_ok/, "register-initialized", "a register is written before it is read", (facts) =>
    whichCall(facts, `write ${nameOf(facts, "it")} on every way that leads here`),
  ),
  rule(
    /invalid mem access '\w*_or_null\w*'|_or_null\w* prohibited|type=\w+_or_null\w* expected|null-check it first/,
    "pointer-not-null",
    "a pointer that may be null is compared with 0 before it is used",
    (facts) => `null check: \`if (!p) return 0;\` before the use (\`if ${nameOf(facts, "p")} == 0 goto\`)`,
  ),
  rule(
    /invalid access to packet|outside of the packet/,
    "packet-bounds",
    "packet bytes are read only as far as a comparison with data_end proved them to be there",
    "bounds check against data_end: `if (p + size > data_end) return 0;`, of the pointer that is then used and over all the bytes that are used",
  ),
  rule(
    /zero-sized read/,
    "size-not-zero",
    "a size that must not be 0 is known to be at least 1",
    "test it before the call: `if (!size) return 0;`",
  ),
  rule(
    /(write into|read from) map forbidden|cannot write into|may write into|access to the packet is not allowed|write to change key|does not allow writes/,
    "access-right",
    "an object is written only where the program may, and read only where it may",
    "copy the data to the stack or to a map value first",
  ),
  rule(
    /BPF_ATOMIC \S+ (?:into )?R|BPF_ATOMIC (?:stores|loads)/,
    "atomic-target",
    "atomic operations work on the stack and on map values",
    "load, compute and store, or keep the counter in a map",
  ),
  rule(
    /invalid bpf_context access|modified ctx|negative offset ctx|bpf_context/,
    "context-field",
    "the context is read field by field through the pointer that the program got, with the field's own size",
    "read a field of the type's context structure, without arithmetic on the pointer",
  ),
  rule(
    /user memory|percpu memory|only read|invalid negative access|invalid variable offset|access beyond|doesn't have (?:field|size)|is not a struct$|direct access to|access is allowed only to|cannot access ptr member|no field/,
    "kernel-object",
    "objects of the kernel are read, not written, through the fields that their BTF describes",
    "read a field that the struct has; user memory with bpf_probe_read_user(), per-CPU data through bpf_per_cpu_ptr() or bpf_this_cpu_ptr()",
  ),
  rule(
    /mixed signed bounds|different maps, paths|unsupported alu operation|beyond pointer bounds|out of range, prohibited for !root/,
    "speculation-safe",
    "with CAP_BPF alone pointer arithmetic is such that a processor's guess cannot lead out of the object",
    "use constant offsets, or bound the number as unsigned on one way only; or load with CAP_PERFMON",
  ),
  rule(
    /leaks addr|leaking pointer|pointer comparison prohibited|partial copy of pointer|prohibited for !root|corrupt spilled|spilled ptr in range/,
    "pointer-kept-secret",
    "with CAP_BPF alone no pointer becomes a number that somebody may see",
    "store the number that the pointer leads to, not the pointer; or load with CAP_PERFMON",
  ),
  rule(
    /variable \S+ access|must have zero offset|variable buffer offset|variable trusted|dereference of modified|negative offset \S+ ptr/,
    "constant-offset",
    "fields of such an object are reached at constant offsets from the pointer as it came",
    "use the pointer that was given, unchanged, and a constant offset in the load",
  ),
  rule(
    /invalid access to flow keys|invalid (?!bpf_context)\S+ access off=/,
    "object-field",
    "a field of a kernel object is read where the program may read it, with its own size",
    "read a field that the type's description in bpf.h has, as a whole",
  ),
  rule(
    /register (fill|spill)/,
    "slot-whole",
    "a pointer is stored and loaded as eight bytes, aligned",
    "store and load it with 64-bit instructions at a multiple of 8",
  ),
  rule(/div by zero/, "division", "a constant divisor is not 0", "divide by something else"),
  rule(
    /cannot return stack pointer|pointers to stack into stack frame/,
    "frame-lifetime",
    "a frame's memory is not used once its function has ended",
    "let the caller pass the memory",
  ),
  rule(
    /unbounded memory access|outside of the allowed memory range|unbounded (min|max) value|is negative, either use|variable-offset|makes \w+ pointer be out of bounds/,
    "index-bounds",
    "what is added to a pointer, and each size, has a lower and an upper bound",
    "bound the number before it is used: as unsigned, `if (i >= N) return 0;`, or `i &= N - 1` with N a power of two",
  ),
  rule(
    /invalid access to (map|memory)|direct value offset|buffer access/,
    "object-bounds",
    "an access stays inside the object: the map's value or key, or the helper's memory",
    "compare offset plus size with the object's size, or make the object larger",
  ),
  rule(
    NEVER_WRITTEN,
    "stack-initialized",
    "stack bytes are written before they are read, by a helper too",
    "initialise the stack: zero the variable or structure, padding included, before it is read or passed on",
  ),
  rule(
    /invalid.* stack R|stack type|misaligned stack|stack pointer arithmetic|math between fp pointer|offset stack pointer/,
    "stack-bounds",
    "the stack is used from fp-512 to fp-1, at offsets that are known",
    "use a constant offset between fp-512 and fp-1; put large data into a map",
  ),
  rule(
    /misaligned (?!expected)/,
    "alignment",
    "accesses are aligned where the kernel demands it",
    "align the field, or copy bytes",
  ),
  rule(
    /invalid mem access/,
    "pointer-type",
    "an access, or a helper, gets a pointer of a kind that it takes",
    (facts) =>
      whichCall(
        facts,
        `${nameOf(facts, "it")} is not such a pointer here: keep the pointer as it came, without bitwise arithmetic, and test it where it may be null`,
      ),
  ),
  rule(
    /same insn cannot be used with different pointers/,
    "one-pointer-kind",
    "an instruction works on one kind of pointer, whatever the way there",
    "read through each pointer in a branch of its own",
  ),
  rule(
    /frame pointer is read only/,
    "frame-pointer",
    "r10 is never written",
    "copy r10 to another register first",
  ),
  rule(
    /pointer to skb/,
    "packet-load",
    "BPF_LD_ABS and BPF_LD_IND find the context in r6",
    "keep the context in r6 until then",
  ),
  rule(
    /pointer arithmetic on \w+ prohibited$/,
    "pointer-arithmetic",
    "of pointers only offsets are added and subtracted, and only where the kind allows it",
    "leave such a pointer as it was given, and use the fields of what it points to",
  ),
  rule(
    /pointer arithmetic|math between|bitwise operator|subtract|pointer offset|of pointer$|pointer \S+ pointer prohibited|pointer operation|arithmetic on/,
    "pointer-arithmetic",
    "of pointers only offsets are added and subtracted, and only where the kind allows it",
    "do the arithmetic on the number, then add it to the pointer",
  ),
];
