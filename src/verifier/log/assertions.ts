// What a program must keep to, by name: which rule a rejection's words tell of, and what usually helps. The words are
// the kernel's (verbose() in kernel/bpf/verifier.c), so they serve to find the rule.

import type { Assertion, Rule } from "./rule.ts";
import { CALL_RULES } from "./rules-calls.ts";
import { MEMORY_RULES } from "./rules-memory.ts";
import { PROGRAM_RULES } from "./rules-program.ts";

/** Tried in order. */
const RULES: readonly Rule[] = [...PROGRAM_RULES, ...MEMORY_RULES, ...CALL_RULES];

const OTHER: Assertion = {
  name: "other",
  rule: "the kernel's verifier takes the program",
  remedy: undefined,
};

/** Names of all rules. */
export const ASSERTION_NAMES: readonly string[] = [...new Set(RULES.map(({ name }) => name))].sort();

/**
 * The rule that a rejection's message tells of; its last line first. `isFixed`: what the register points to is at a
 * constant offset, so that no bound is missing where it lies outside.
 */
export function findAssertion(message: string, isFixed: boolean): Assertion {
  const lines = message.split("\n");
  if (!isFixed || lines.length === 1) lines.reverse();
  for (const line of lines) {
    const found = RULES.find(({ words }) => words.test(line));
    if (found !== undefined) return found;
  }
  return OTHER;
}
