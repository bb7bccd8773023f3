// What a program must keep to, by name: which rule a rejection's words tell of, and what usually helps. The words are
// the kernel's (verbose() in kernel/bpf/verifier.c), so they serve to find the rule.

/** What the remedies refer to. */
interface RemedyFacts {
  /** `r2`; empty where no register is concerned. */
  readonly register: string;
  /** True where a call, or a load of packet bytes, ended the register or what it pointed to. */
  readonly isEndedByCall: boolean;
}

export interface Assertion {
  /** Name of the rule, for tools. */
  readonly name: string;
  /** What must hold, in a sentence. */
  readonly rule: string;
  readonly remedy: ((facts: RemedyFacts) => string) | undefined;
}

interface Row extends Assertion {
  readonly words: RegExp;
}

const row = (
  words: RegExp,
  name: string,
  rule: string,
  remedy?: string | ((facts: RemedyFacts) => string),
): Row => ({ words, name, rule, remedy: typeof remedy === "string" ? () => remedy : remedy });

const whichCall = (facts: RemedyFacts, otherwise: string): string =>
  facts.isEndedByCall
    ? `the instruction above ended ${facts.register}: keep values in r6 to r9 or on the stack, and make packet pointers anew`
    : otherwise;

/** Tried in order. */
const ROWS: readonly Row[] = [
  row(/!read_ok/, "register-initialized", "a register is written before it is read", (facts) =>
    whichCall(facts, `write ${facts.register} on every way that leads here`),
  ),
  row(
    /invalid mem access '\w*_or_null\w*'|_or_null\w* prohibited|type=\w+_or_null\w* expected/,
    "pointer-not-null",
    "a pointer that may be null is compared with 0 before it is used",
    ({ register }) => `null check: \`if (!p) return 0;\` before the use (\`if ${register} == 0 goto\`)`,
  ),
  row(
    /dynptr/i,
    "dynptr-state",
    "a dynptr is 16 bytes of stack that a helper fills before it is used and that nothing else writes",
    "make it first (bpf_dynptr_from_mem, bpf_dynptr_from_skb, bpf_ringbuf_reserve_dynptr …), and make it once",
  ),
  row(
    /initialized iter_/,
    "iterator-state",
    "an iterator is begun with its _new function, asked with _next and ended with _destroy, once and in this order",
    "call _new before the loop and _destroy behind it on every way, of one variable on the stack",
  ),
  row(
    /invalid access to packet|outside of the packet/,
    "packet-bounds",
    "packet bytes are read only as far as a comparison with data_end proved them to be there",
    "bounds check against data_end: `if (p + size > data_end) return 0;`, of the pointer that is then used and over all the bytes that are used",
  ),
  row(
    /zero-sized read/,
    "size-not-zero",
    "a size that must not be 0 is known to be at least 1",
    "test it before the call: `if (!size) return 0;`",
  ),
  row(
    /(write into|read from) map forbidden|cannot write into|access to the packet is not allowed/,
    "access-right",
    "an object is written only where the program may, and read only where it may",
    "copy the data to the stack or to a map value first",
  ),
  row(
    /BPF_ATOMIC (stores|loads)/,
    "atomic-target",
    "atomic operations work on the stack and on map values",
    "load, compute and store, or keep the counter in a map",
  ),
  row(
    /variable \w+ access|must have zero offset|variable buffer offset|variable trusted/,
    "constant-offset",
    "fields of such an object are reached at constant offsets from the pointer as it came",
    "use the pointer that was given, unchanged, and a constant offset in the load",
  ),
  row(
    /invalid (sock|sock_common|tcp_sock|xdp_sock|flow_keys)\w* access/,
    "object-field",
    "a field of a kernel object is read where the program may read it, with its own size",
    "read a field that the type's description in bpf.h has, as a whole",
  ),
  row(
    /register (fill|spill)/,
    "slot-whole",
    "a pointer is stored and loaded as eight bytes, aligned",
    "store and load it with 64-bit instructions at a multiple of 8",
  ),
  row(/div by zero/, "division", "a constant divisor is not 0", "divide by something else"),
  row(
    /cannot return stack pointer|pointers to stack into stack frame/,
    "frame-lifetime",
    "a frame's memory is not used once its function has ended",
    "let the caller pass the memory",
  ),
  row(
    /progs cannot use|should be sleepable|only use array|progs can/,
    "program-type",
    "a map, or a way to load, goes with the program's type",
    "use another kind of map, or another section for the program",
  ),
  row(
    /unbounded memory access|outside of the allowed memory range|unbounded (min|max) value|is negative, either use|variable-offset|makes \w+ pointer be out of bounds/,
    "index-bounds",
    "what is added to a pointer, and each size, has a lower and an upper bound",
    "bound the number before it is used: as unsigned, `if (i >= N) return 0;`, or `i &= N - 1` with N a power of two",
  ),
  row(
    /invalid access to (map|memory)|direct value offset/,
    "object-bounds",
    "an access stays inside the object: the map's value or key, or the helper's memory",
    "compare offset plus size with the object's size, or make the object larger",
  ),
  row(
    /invalid (indirect )?read from stack/,
    "stack-initialized",
    "stack bytes are written before they are read, by a helper too",
    "initialise the stack: zero the variable or structure, padding included, before it is read or passed on",
  ),
  row(
    /invalid.* stack R|stack type|misaligned stack|stack pointer arithmetic|math between fp pointer/,
    "stack-bounds",
    "the stack is used from fp-512 to fp-1, at offsets that are known",
    "use a constant offset between fp-512 and fp-1; put large data into a map",
  ),
  row(
    /combined stack size|call stack of/,
    "stack-depth",
    "the frames of a chain of calls fit 512 bytes, and are 8 at most",
    "make local variables smaller, or put them into a per-CPU map",
  ),
  row(
    /Unreleased reference|reference leak/,
    "reference-released",
    "what a helper hands out to be given back is given back on every way",
    "release the reference (bpf_sk_release, bpf_ringbuf_submit or bpf_ringbuf_discard, an iterator's _destroy …) on every way to the exit, where it is not null",
  ),
  row(
    /must be referenced|not been acquired|kptr/,
    "reference-held",
    "only what was taken is given back, once, and under the type it was taken as",
    "pass the pointer that the acquiring helper gave, unchanged, and only once",
  ),
  row(
    /infinite loop/,
    "loop-progress",
    "every loop ends: a round changes something that its condition depends on",
    "count with a bound that is a constant (`for (i = 0; i < 16; i++)`), or use bpf_loop",
  ),
  row(
    /is too large\. Processed|is too complex/,
    "effort-limit",
    "all ways together take at most a million instructions",
    "make loops shorter or use bpf_loop, and split long functions into global ones, which are verified once",
  ),
  row(/unreachable insn/, "code-reachable", "every instruction can be reached", "remove the dead code"),
  row(
    /jump out of range|not an exit or jmp|into the middle|invalid destination|invalid insn idx|back-edge/,
    "control-flow",
    "jumps stay inside their function, and a function ends with an exit or a jump",
  ),
  row(
    /unknown opcode|reserved fields|ld_imm64|LD_IMM64|is invalid$|uses invalid|invalid BPF_/,
    "encoding",
    "an instruction is one that the kernel knows, and its unused fields are 0",
  ),
  row(
    /GPL/,
    "licence",
    "some helpers serve only programs under a licence that goes with the GPL",
    'declare it: `char LICENSE[] SEC("license") = "GPL";`',
  ),
  row(
    /need the kernel's BTF/,
    "kernel-types",
    "what a program says of the kernel's types and functions is checked against the kernel's BTF",
    "give the verifier the kernel's BTF: `verify: { kernelBtf: parseBtf(bytes) }`, or --kernel-btf FILE, with what /sys/kernel/btf/vmlinux holds",
  ),
  row(
    /program of type (?!unspec).* expected attach type/,
    "attach-type",
    "programs of some types are loaded for one attach type of theirs",
    'name the section after it (`SEC("cgroup/bind4")`), or give the option `attachType`',
  ),
  row(
    /kernel function/,
    "kfunc-allowed",
    "a kernel function is called that the kernel has, from the program types that it is offered to",
    "compare its name with the kernel's version, and the program's type with those that the function is for",
  ),
  row(
    /raw program has no context/,
    "program-type",
    "a program that is verified has a type, which says what its context is",
    "say it when loading (`load(…, { type })`, --type TYPE), or run it checked: `instantiate(…, { checked: true })`",
  ),
  row(
    /must provide btf_id/,
    "attach-target",
    "programs of this type are loaded for a function of the kernel",
    'name it in the section (`SEC("fentry/do_unlinkat")`) and give the verifier the kernel\'s BTF',
  ),
  row(
    /program of type unspec/,
    "program-type",
    "a program has a type that Linux knows",
    'name its section after one (`SEC("xdp")`), or say it when loading: option `types`, --type TYPE',
  ),
  row(
    /cannot use helper|invalid func|cannot pass map_type/,
    "helper-allowed",
    "a helper is called only from the program types, and with the map types, that it serves",
    "use a helper of this program type, or another section for the program",
  ),
  row(
    /leak|pointer comparison prohibited|partial copy of pointer|prohibited for !root|corrupt spilled/,
    "pointer-kept-secret",
    "with CAP_BPF alone no pointer becomes a number that somebody may see",
    "store the number that the pointer leads to, not the pointer; or load with CAP_PERFMON",
  ),
  row(
    /should have been in|exit the register|R0 not a scalar/,
    "return-range",
    "the result is a number in the range that the program type has a meaning for",
    "return one of the type's constants on every way",
  ),
  row(
    /invalid bpf_context access|modified ctx|negative offset ctx|bpf_context/,
    "context-field",
    "the context is read field by field through the pointer that the program got, with the field's own size",
    "read a field of the type's context structure, without arithmetic on the pointer",
  ),
  row(
    /misaligned/,
    "alignment",
    "accesses are aligned where the kernel demands it",
    "align the field, or copy bytes",
  ),
  row(
    /invalid mem access|type=\w+ expected/,
    "pointer-type",
    "an access, or a helper, gets a pointer of a kind that it takes",
    (facts) =>
      whichCall(
        facts,
        `${facts.register} is not such a pointer here: keep the pointer as it came, without bitwise arithmetic, and test it where it may be null`,
      ),
  ),
  row(
    /same insn cannot be used with different pointers/,
    "one-pointer-kind",
    "an instruction works on one kind of pointer, whatever the way there",
    "read through each pointer in a branch of its own",
  ),
  row(
    /pointer|bitwise operator|subtract/,
    "pointer-arithmetic",
    "of pointers only offsets are added and subtracted, and only where the kind allows it",
    "do the arithmetic on the number, then add it to the pointer",
  ),
  row(
    /frame pointer is read only/,
    "frame-pointer",
    "r10 is never written",
    "copy r10 to another register first",
  ),
  row(
    /lock/,
    "lock-discipline",
    "one lock at a time, no calls while it is held, and unlocked on every way",
    "call bpf_spin_unlock on the same value before anything else is called and on every way to the exit",
  ),
  row(
    /sleep/i,
    "may-sleep",
    "what may sleep is called from programs that may",
    "use a sleepable section (`.s`), or the flag BPF_F_SLEEPABLE where there is no section",
  ),
];

const OTHER: Assertion = {
  name: "other",
  rule: "the kernel's verifier takes the program",
  remedy: undefined,
};

/**
 * The rule that a rejection's message tells of; its last line first. `isFixed`: what the register points to is at a
 * constant offset, so that no bound is missing where it lies outside.
 */
export function findAssertion(message: string, isFixed: boolean): Assertion {
  const lines = message.split("\n");
  if (!isFixed || lines.length === 1) lines.reverse();
  for (const line of lines) {
    const found = ROWS.find(({ words }) => words.test(line));
    if (found !== undefined) return found;
  }
  return OTHER;
}
