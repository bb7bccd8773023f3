// Calls of helpers: what each comes down to is decided before anything is written, since a module's imports come first.
// Helpers that say something about the event are loads; lookups in maps that are known are a test of the index, or the
// core's function for keys of that size; the rest of the core's helpers are called in Wasm; JavaScript only where it must.

import { Bpf, CoreHelper, MapType } from "../../../assembly/shared/codes.ts";
import { At, EventRecord, TaskRecord } from "../../../assembly/shared/layout.ts";
import type { HelperRow } from "../../helper-table.ts";
import type { Insn } from "../../isa/insn.ts";
import type { BpfMap } from "../../maps/map.ts";
import type { FunctionType } from "../../wasm/module.ts";
import { ValueType, Wasm } from "../../wasm/opcodes.ts";
import type { FunctionWriter } from "./function-writer.ts";

const I32 = ValueType.I32;
const I64 = ValueType.I64;

/** What a module may import: from the core what assembly/direct.ts exports, from the host two functions. */
export const IMPORTS = {
  callHelper: { module: "core", parameters: [I32], results: [I32] },
  hashLookup4: { module: "core", parameters: [I32, I32], results: [I32] },
  hashLookup8: { module: "core", parameters: [I32, I64], results: [I32] },
  loadProbed: { module: "core", parameters: [I64, I32], results: [I64] },
  mapDelete: { module: "core", parameters: [I32, I32], results: [I32] },
  mapLookup: { module: "core", parameters: [I32, I32], results: [I32] },
  mapUpdate: { module: "core", parameters: [I32, I32, I32, I64], results: [I32] },
  packetAt: { module: "core", parameters: [I32, I32], results: [I32] },
  random: { module: "core", parameters: [], results: [I32] },
  /** Runs the helper with that index; does not return where it threw: the slot says who called it. */
  call: { module: "host", parameters: [I32, I32], results: [] },
  /** Ends the run, with an exit code, at a slot. */
  trap: { module: "host", parameters: [I32, I32], results: [] },
} as const satisfies Record<string, FunctionType & { module: "core" | "host" }>;

export type ImportName = keyof typeof IMPORTS;

/** What a call comes down to, and the imports that it takes. */
export interface CallPlan {
  readonly imports: readonly ImportName[];
  /** True when what is called, or who looks at a trap, must know the event and the program. */
  readonly needsEvent: boolean;
  /** `indexes` are those of the imports. */
  readonly write: (to: FunctionWriter, insn: Insn, indexes: readonly number[]) => void;
}

/** Pushes the address of the running task's record. */
function pushTask(to: FunctionWriter): void {
  to.pushEvent();
  to.code.memory(Wasm.I32_LOAD, EventRecord.TASK);
}

/** A number that lies in the event's record or in its task's. */
function field(pushRecord: (to: FunctionWriter) => void, offset: number, isWord = false): CallPlan {
  return {
    imports: [],
    needsEvent: true,
    write(to) {
      pushRecord(to);
      to.code.memory(isWord ? Wasm.I64_LOAD32_U : Wasm.I64_LOAD, offset);
      to.set64(0);
    },
  };
}

const pushEvent = (to: FunctionWriter): void => to.pushEvent();

const FIELDS: Readonly<Partial<Record<CoreHelper, CallPlan>>> = {
  [CoreHelper.KTIME_GET_NS]: field(pushEvent, EventRecord.TIME),
  [CoreHelper.GET_SMP_PROCESSOR_ID]: field(pushEvent, EventRecord.CPU, true),
  // The lower halves are the first words: pid before tgid, uid before gid.
  [CoreHelper.GET_CURRENT_PID_TGID]: field(pushTask, TaskRecord.PID),
  [CoreHelper.GET_CURRENT_UID_GID]: field(pushTask, TaskRecord.UID),
};

const RANDOM: CallPlan = {
  imports: ["random"],
  needsEvent: false,
  write(to, _, [random]) {
    to.code.call(random);
    to.set32(0);
  },
};

const LOOKUP: CallPlan = {
  imports: ["mapLookup"],
  needsEvent: false,
  write(to, _, [mapLookup]) {
    to.get32(1);
    to.get32(2);
    to.code.call(mapLookup);
    to.set32(0);
  },
};

/** Pops an int, which becomes r0: errors are negative in 64 bits too. */
function setInt(to: FunctionWriter): void {
  to.code.op(Wasm.I64_EXTEND_I32_S);
  to.set64(0);
}

const UPDATE: CallPlan = {
  imports: ["mapUpdate"],
  needsEvent: false,
  write(to, _, [mapUpdate]) {
    for (const register of [1, 2, 3]) to.get32(register);
    to.get64(4);
    to.code.call(mapUpdate);
    setInt(to);
  },
};

const DELETE: CallPlan = {
  imports: ["mapDelete"],
  needsEvent: false,
  write(to, _, [mapDelete]) {
    to.get32(1);
    to.get32(2);
    to.code.call(mapDelete);
    setInt(to);
  },
};

/** An array's value: the index is compared, the address computed. */
function arrayLookup(map: BpfMap): CallPlan {
  const { valuesStart, stride } = map.layout;
  return {
    imports: [],
    needsEvent: false,
    write(to) {
      const { code } = to;
      const index = to.temporary("at", ValueType.I32);
      to.get32(2);
      code.memory(Wasm.I32_LOAD, 0);
      code.localTee(index);
      code.i32Const(stride);
      code.op(Wasm.I32_MUL);
      code.i32Const(valuesStart);
      code.op(Wasm.I32_ADD);
      code.i32Const(0);
      code.localGet(index);
      code.i32Const(map.spec.maxEntries);
      code.op(Wasm.I32_LT_U);
      code.op(Wasm.SELECT);
      to.set32(0);
    },
  };
}

/** A hash's value, for keys of four or eight bytes. */
function hashLookup(map: BpfMap, isLong: boolean): CallPlan {
  return {
    imports: [isLong ? "hashLookup8" : "hashLookup4"],
    needsEvent: false,
    write(to, _, [lookup]) {
      const { code } = to;
      code.i32Const(map.address);
      to.get32(2);
      code.memory(isLong ? Wasm.I64_LOAD : Wasm.I32_LOAD, 0);
      code.call(lookup);
      to.set32(0);
    },
  };
}

function lookup(map: BpfMap | undefined): CallPlan {
  if (map?.spec.type === MapType.ARRAY) return arrayLookup(map);
  const size = map?.spec.keySize;
  if (map !== undefined && (size === 4 || size === 8)) return hashLookup(map, size === 8);
  return LOOKUP;
}

/** Puts the first `count` arguments into the register file. */
function storeArguments(to: FunctionWriter, count: number): void {
  for (let register = 1; register <= count; register++) {
    to.storeAt(Wasm.I64_STORE, At.REGS + register * 8, () => to.get64(register));
  }
}

/** One of the core's helpers by way of the register file. */
function callCore(row: HelperRow): CallPlan {
  return {
    imports: ["callHelper", "trap"],
    needsEvent: true,
    write(to, { slot }, [callHelper, trap]) {
      const { code } = to;
      const exit = to.temporary("at", ValueType.I32);
      storeArguments(to, row.args.length);
      code.i32Const(row.core as number);
      code.call(callHelper);
      code.localTee(exit);
      code.if();
      code.localGet(exit);
      code.i32Const(slot);
      code.call(trap);
      code.end();
      to.loadAt(Wasm.I64_LOAD, At.R0);
      to.set64(0);
    },
  };
}

/** A helper in JavaScript. All registers that may hold arguments go along: those of format strings are not declared. */
function callHost(index: number): CallPlan {
  return {
    imports: ["call"],
    needsEvent: true,
    write(to, { slot }, [call]) {
      const { code } = to;
      storeArguments(to, 5);
      code.i32Const(index);
      code.i32Const(slot);
      code.call(call);
      to.loadAt(Wasm.I64_LOAD, At.R0);
      to.set64(0);
    },
  };
}

/** What a call of `row`, which has that index in the helper table, comes down to; `map` is what every run gives it. */
export function planCall(row: HelperRow, index: number, map: BpfMap | undefined): CallPlan {
  if (row.core === undefined) return callHost(index);
  const isWritable = map !== undefined && (map.spec.flags & Bpf.F_RDONLY_PROG) === 0;
  switch (row.core) {
    case CoreHelper.MAP_LOOKUP_ELEM:
      return lookup(map);
    case CoreHelper.MAP_UPDATE_ELEM:
      return isWritable ? UPDATE : callCore(row);
    case CoreHelper.MAP_DELETE_ELEM:
      return isWritable ? DELETE : callCore(row);
    case CoreHelper.GET_PRANDOM_U32:
      return RANDOM;
    default:
      return FIELDS[row.core] ?? callCore(row);
  }
}
