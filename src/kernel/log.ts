// What a verifier's log says in the end.

/** Lines behind the message: what the verification took. */
const STATISTICS = /^(processed \d+ insns|verification time|stack depth|max_states_per_insn)/;

/** The last line that is not a statistic: why a program was rejected. Empty for an empty log. */
export function lastMessage(log: string): string {
  const lines = log.trimEnd().split("\n");
  return lines.findLast((line) => line.trim() !== "" && !STATISTICS.test(line)) ?? "";
}
