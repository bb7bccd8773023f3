// Helpers of the user's own: a declared signature, from which checked runs test the arguments and the body gets
// them as JavaScript values. A helper with the id of one of the kernel's takes its place in that runtime.

import { Arg } from "../../assembly/shared/codes.ts";
import { At, EventRecord, MapHeader } from "../../assembly/shared/layout.ts";
import type { HelperRow } from "../helper-table.ts";
import { type BpfMap, mapAt } from "../maps/map.ts";
import type { GuestBuffer, Runtime } from "../runtime.ts";

/**
 * Kinds of arguments. `mem` and `mem_out` are memory whose size is the next argument, `size` (not zero) or
 * `size_or_zero`; `map_key` and `map_value` have the sizes of the `map` before them.
 */
export type HelperArg =
  | "u32"
  | "i32"
  | "u64"
  | "i64"
  | "mem"
  | "mem_out"
  | "size"
  | "size_or_zero"
  | "map"
  | "map_key"
  | "map_value"
  | "ctx";

/** What the body gets for an argument. Views of guest memory (`mem` …) are valid during the call only. */
export interface HelperArgValue {
  u32: number;
  i32: number;
  u64: bigint;
  i64: bigint;
  mem: Uint8Array;
  mem_out: Uint8Array;
  size: number;
  size_or_zero: number;
  map: BpfMap;
  map_key: Uint8Array;
  map_value: Uint8Array;
  ctx: GuestBuffer;
}

type ArgValues<Args extends readonly HelperArg[]> = { [Index in keyof Args]: HelperArgValue[Args[Index]] };

export interface HelperDefinition<Args extends readonly HelperArg[]> {
  /** Any positive 32-bit number: what `call` names. */
  readonly id: number;
  readonly name: string;
  /** At most five. */
  readonly args: Args;
  readonly gplOnly?: boolean;
  /** What it returns becomes r0, sign-extended; nothing is 0. What it throws ends the run as a trap with that cause. */
  // biome-ignore lint/suspicious/noConfusingVoidType: a body that returns nothing is what most people write
  readonly body: (...args: ArgValues<Args>) => bigint | number | undefined | void;
}

const CLASSES: Readonly<Record<HelperArg, Arg>> = {
  u32: Arg.ANYTHING,
  i32: Arg.ANYTHING,
  u64: Arg.ANYTHING,
  i64: Arg.ANYTHING,
  mem: Arg.MEM_READ,
  mem_out: Arg.MEM_WRITE,
  size: Arg.SIZE,
  size_or_zero: Arg.SIZE_OR_ZERO,
  map: Arg.MAP,
  map_key: Arg.MAP_KEY,
  map_value: Arg.MAP_VALUE,
  ctx: Arg.CONTEXT,
};

/** The value of the argument in register `register` (an address), of kind `kind`. */
function readArg(
  runtime: Runtime,
  kind: HelperArg,
  register: number,
  map: number,
): HelperArgValue[HelperArg] {
  const { memory } = runtime;
  const low = memory.load32(register);
  const view = (size: number): Uint8Array => memory.u8.subarray(low, low + size);
  switch (kind) {
    case "u32":
    case "size":
    case "size_or_zero":
      return low >>> 0;
    case "i32":
      return low;
    case "u64":
      return memory.loadU64(register);
    case "i64":
      return BigInt.asIntN(64, memory.loadU64(register));
    case "mem":
    case "mem_out":
      return view(memory.load32(register + 8));
    case "map":
      return mapAt(runtime, low);
    case "map_key":
      return view(memory.load32(map + MapHeader.KEY_SIZE));
    case "map_value":
      return view(memory.load32(map + MapHeader.VALUE_SIZE));
    case "ctx":
      return { address: low, size: memory.load32(memory.load32(At.EVENT) + EventRecord.CONTEXT_SIZE) };
  }
}

function checkSignature(id: number, name: string, args: readonly HelperArg[]): void {
  const place = `helper ${name}`;
  if (!Number.isInteger(id) || id < 1 || id > 0x7fffffff) {
    throw new RangeError(`${place}: expected an id in 1..2147483647, got ${id}`);
  }
  if (args.length > 5) throw new RangeError(`${place}: expected at most 5 arguments, got ${args.length}`);
  for (const [index, kind] of args.entries()) {
    const next = args[index + 1];
    if (!Object.hasOwn(CLASSES, kind))
      throw new TypeError(`${place}: expected a kind of argument, got "${kind}"`);
    if ((kind === "mem" || kind === "mem_out") && next !== "size" && next !== "size_or_zero") {
      throw new TypeError(
        `${place}: expected a size after argument ${index + 1} (${kind}), got ${next ?? "nothing"}`,
      );
    }
    if ((kind === "map_key" || kind === "map_value") && !args.slice(0, index).includes("map")) {
      throw new TypeError(`${place}: expected a map before argument ${index + 1} (${kind})`);
    }
  }
}

/**
 * Adds a helper to a runtime, for programs loaded from then on. Throws a TypeError or RangeError for a signature that
 * makes no sense.
 */
export function defineHelper<const Args extends readonly HelperArg[]>(
  runtime: Runtime,
  definition: HelperDefinition<Args>,
): void {
  const { id, name, args, body } = definition;
  checkSignature(id, name, args);
  const row: HelperRow = {
    id,
    name,
    args: args.map((kind) => CLASSES[kind]),
    returns: "integer",
    ...(definition.gplOnly === true ? { gplOnly: true } : {}),
    body(from) {
      let map = 0;
      const values = args.map((kind, index) => {
        const register = At.R1 + index * 8;
        if (kind === "map") map = from.memory.load32(register);
        return readArg(from, kind, register, map);
      });
      return (body as unknown as (...values: unknown[]) => bigint | number | undefined)(...values) ?? 0;
    },
  };
  runtime.helpers.define(row);
}
