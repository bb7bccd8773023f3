// The four errors of the library, and what each stage says with them. A loader fails (LoadError), a
// verifier rejects (VerifierError, from the verifier), an engine traps (TrapError), and InternalError is a
// bug of ours. A wrong call by the user is a TypeError or a RangeError. Messages read
// "place: expected X, got Y".

/** Why something could not be loaded; `LoadError.code` is one of these. */
export type LoadErrorCode =
  | "truncated" // the bytes end before what they announce
  | "bad-magic" // not a file of the kind that was asked for
  | "bad-elf" // an ELF file that contradicts itself
  | "wrong-machine" // an ELF file for another machine or byte order
  | "bad-btf" // type information that contradicts itself
  | "bad-relocation" // a relocation of unknown kind or to an unknown place
  | "bad-map" // a map definition that no kernel would create
  | "unsupported" // well-formed, but of a kind that this version does not load
  | "unknown-opcode" // a byte that no instruction has
  | "reserved-field" // a field that must be zero (or one of few values) is not
  | "bad-jump" // a jump or call that leaves the program or lands inside a wide instruction
  | "bad-syntax" // assembly text that does not parse
  | "bad-format" // a tracepoint format file that does not parse
  | "bad-trace" // a recorded trace that does not parse
  | "bad-program"; // a program that no engine can run (empty, falls off its end)

/** A loader could not make sense of its input. */
export class LoadError extends Error {
  override readonly name = "LoadError";
  readonly code: LoadErrorCode;
  /** Where in the input: a section, a line and column, an instruction slot. */
  readonly place: string;

  constructor(code: LoadErrorCode, place: string, problem: string, options?: ErrorOptions) {
    super(place === "" ? problem : `${place}: ${problem}`, options);
    this.code = code;
    this.place = place;
  }

  /** The same failure, with an outer place put before its own. */
  within(outer: string): LoadError {
    const inner = this.place === "" ? this.message : this.message.slice(this.place.length + 2);
    const place = this.place === "" ? outer : `${outer}: ${this.place}`;
    return new LoadError(this.code, place, inner, { cause: this.cause ?? this });
  }
}

/** Runs one stage of a loader; a LoadError that leaves it gets the stage's place in front. */
export function atPlace<T>(place: string, stage: () => T): T {
  try {
    return stage();
  } catch (error) {
    throw error instanceof LoadError ? error.within(place) : error;
  }
}

/** What a VerifierError tells. */
export interface RejectionFields {
  /** Name of the program. */
  readonly program: string;
  /** Slot of the instruction that the rejection is about; -1 for the program as a whole. */
  readonly slot: number;
  /** What the kernel's bpf(2) would have failed with, positive. */
  readonly errno: number;
  /** The kernel's words; several lines at times. */
  readonly reason: string;
  /** The whole report as text. */
  readonly explanation: string;
  /** Lines of the report that say more than the reason. */
  readonly details: readonly string[];
}

/**
 * The verifier rejects a program: no engine runs it unchecked. The message says why, for whoever wrote the program: the
 * source line, the rule that it breaks, how the register came to be what it is, and what usually helps.
 */
export class VerifierError extends Error {
  override readonly name = "VerifierError";
  readonly code = "rejected";
  /** Name of the program. */
  readonly program: string;
  /** Slot of the instruction that the rejection is about; -1 for the program as a whole. */
  readonly slot: number;
  /** What the kernel's bpf(2) would have failed with, positive. */
  readonly errno: number;
  /** The kernel's words alone. */
  readonly reason: string;
  /** The report as `formatExplanation` writes it. */
  readonly explanation: string;

  constructor({ program, slot, errno, reason, explanation, details }: RejectionFields) {
    const place = `program ${program}: ${slot < 0 ? "" : `insn ${slot}: `}`;
    super([`${place}${reason}`, ...details.map((line) => `  ${line}`)].join("\n"));
    this.program = program;
    this.slot = slot;
    this.errno = errno;
    this.reason = reason;
    this.explanation = explanation;
  }
}

/** Why an engine stopped a program; `TrapError.code` is one of these. */
export type TrapCode =
  | "read" // a load from memory that the program was not given
  | "write" // a store or an atomic to such memory
  | "limit" // the instruction limit was reached
  | "opcode" // an instruction that the engine has no arm for
  | "call-depth" // more than eight frames of local calls
  | "call-target" // a callx to something that is neither a function nor a helper
  | "helper-argument" // a helper was given an argument that it must not have
  | "host"; // a helper written in JavaScript threw; `cause` is what

/** An engine stopped a program. */
export class TrapError extends Error {
  override readonly name = "TrapError";
  readonly code: TrapCode;
  /** Name of the program. */
  readonly program: string;
  /** Slot of the instruction that trapped. */
  readonly slot: number;
  /** For `read`, `write`, `helper-argument` and `call-target`: the value that was refused. */
  readonly address: bigint | undefined;
  /** Index in its batch of the event that trapped. */
  readonly event: number;

  constructor(
    fields: { code: TrapCode; program: string; slot: number; address?: bigint | undefined; event: number },
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.code = fields.code;
    this.program = fields.program;
    this.slot = fields.slot;
    this.address = fields.address;
    this.event = fields.event;
  }
}

/** A bug of tracebee itself: no input should ever cause one. */
export class InternalError extends Error {
  override readonly name = "InternalError";
  readonly code = "internal";
}
