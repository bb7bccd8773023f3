// A rule that a program must keep to, and how rows of rules are written.

/** What the remedies refer to. */
export interface RemedyFacts {
  /** `r2`; empty where no register is concerned. */
  readonly register: string;
  /** True where a call, or a load of packet bytes, ended the register or what it pointed to. */
  readonly isEndedByCall: boolean;
}

export interface Assertion {
  /** Name of the rule, for tools: it stays what it is. */
  readonly name: string;
  /** What must hold, in a sentence. */
  readonly rule: string;
  readonly remedy: ((facts: RemedyFacts) => string) | undefined;
}

/** A pattern, or what else tells a line of a message. */
export interface Words {
  test(line: string): boolean;
}

/** A rule with the words of the messages that tell of it. */
export interface Rule extends Assertion {
  readonly words: Words;
}

export const rule = (
  words: Words,
  name: string,
  text: string,
  remedy?: string | ((facts: RemedyFacts) => string),
): Rule => ({ words, name, rule: text, remedy: typeof remedy === "string" ? () => remedy : remedy });

/** The register by its name, or what it may be taken for. */
export const nameOf = ({ register }: RemedyFacts, otherwise: string): string =>
  register === "" ? otherwise : register;

/** Calls end r0 to r5; the others only where what they point to is gone. */
export const whichCall = (facts: RemedyFacts, otherwise: string): string => {
  const { register, isEndedByCall } = facts;
  if (!isEndedByCall) return otherwise;
  return /^r[6-9]$/.test(register)
    ? `the call above gave back or moved what ${register} pointed to: use it before that call, or get the pointer anew behind it`
    : `the instruction above ended ${register}: keep values in r6 to r9 or on the stack, and make packet pointers anew`;
};
