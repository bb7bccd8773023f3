// Rules about the program as a whole: its instructions, its shape, how long it may be looked at, what it is loaded as.

import { type Rule, rule } from "./rule.ts";

export const PROGRAM_RULES: readonly Rule[] = [
  rule(
    /combined stack size|call stack of/,
    "stack-depth",
    "the frames of a chain of calls fit 512 bytes, and are 8 at most",
    "make local variables smaller, or put them into a per-CPU map",
  ),
  rule(
    /infinite loop/,
    "loop-progress",
    "every loop ends: a round changes something that its condition depends on",
    "count with a bound that is a constant (`for (i = 0; i < 16; i++)`), or use bpf_loop",
  ),
  rule(
    /is too large\. Processed|is too complex/,
    "effort-limit",
    "all ways together take at most a million instructions, and 8192 of them wait at most",
    "make loops shorter or use bpf_loop, and split long functions into global ones, which are verified once",
  ),
  rule(
    /too many subprograms/,
    "function-count",
    "a program has at most 256 functions",
    "let the compiler inline some (`__always_inline`)",
  ),
  rule(
    /__bpf_trap/,
    "variable-initialized",
    "no way leads to where the compiler found behaviour that C does not define",
    "set every variable before it is read: compile with -Wall, and look at its warnings",
  ),
  rule(/unreachable insn/, "code-reachable", "every instruction can be reached", "remove the dead code"),
  rule(
    /jump out of range|not an exit or jmp|into the middle|invalid destination|invalid insn idx|back-edge/,
    "control-flow",
    "jumps stay inside their function, and a function ends with an exit or a jump",
  ),
  rule(
    /unknown opcode|reserved fields|ld_imm64 insn$|LD_IMM64|is invalid$|uses invalid|invalid BPF_|invalid shift|may_goto imm|atomic operand size/,
    "encoding",
    "an instruction is one that the kernel knows, and its unused fields are 0",
  ),
  rule(
    /not pointing to valid bpf_map|invalid map_ptr/,
    "map-known",
    "each map that the program uses is there when it is loaded",
    'declare the map in `SEC(".maps")`, and load all of the object',
  ),
  rule(
    /attach|The function |must provide btf_id|not a typedef/,
    "attach-target",
    "a program is of a type, and attached to a function, tracepoint or hook, that the kernel has for it",
    'check the section\'s name (`SEC("fentry/…")`) against the kernel, and the type of the program',
  ),
  rule(
    /raw program has no context/,
    "program-type",
    "a program has a type, which says what its context is",
    "name the type: a section of libbpf's, or --type",
  ),
  rule(
    /verifier bug|misconfigured verifier/,
    "verifier-internal",
    "a program does not get to where the verifier itself does not know on",
  ),
];
