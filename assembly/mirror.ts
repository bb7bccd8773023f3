// The layout as asc folded it, for the test that compares it with what tsc folded (test/layout.test.ts).

import { Arg, CoreHelper, Exit, PacketOffset } from "./shared/codes";
import {
  At, Bucket, Code, Element, EventRecord, HelperEntry, Limit, MapHeader, Probed, ProbeRegion, ProgramFlag, ProgramRecord, Region,
  Right, SavedFrame, Skb, TaskRecord,
} from "./shared/layout";

const WORDS: StaticArray<i32> = [
  Limit.GUEST_START, Limit.MEMORY, Limit.FRAME_STACK, Limit.FRAMES, Limit.MAY_GOTO, At.RUN_STATE, At.RUN_STATE_END,
  At.REGS, At.R0, At.R1, At.R2, At.R3, At.R4, At.R5, At.R6, At.R10, At.TRAP_SLOT, At.TRAP_DETAIL, At.TRAP_ADDRESS,
  At.EVENT, At.EVENTS_END, At.PROGRAM, At.FRAME, At.STACK_LOW, At.STACK_TOP, At.READ_WINDOW_LOW,
  At.READ_WINDOW_HIGH, At.WRITE_WINDOW_LOW, At.WRITE_WINDOW_HIGH, At.PACKET_START, At.PACKET_END, At.FRAMES,
  At.RANDOM, At.HELPERS, At.HELPER_COUNT, At.PROBE_REGIONS, At.PROBE_COUNT, At.STACK_BASE, At.EXECUTED,
  At.EXIT_STUB, SavedFrame.SIZE, SavedFrame.RETURN, SavedFrame.MAY_GOTO, SavedFrame.REGS, ProgramRecord.SIZE,
  ProgramRecord.CODE, ProgramRecord.SLOTS, ProgramRecord.REGIONS, ProgramRecord.REGION_COUNT, ProgramRecord.FLAGS,
  ProgramRecord.LIMIT_LOW, ProgramRecord.LIMIT_HIGH, ProgramRecord.ZEROED_STACK, ProgramFlag.CHECKED,
  ProgramFlag.ZERO_STACK, ProgramFlag.RAW, ProgramFlag.SKB, ProgramFlag.SPECIAL,
  Code.OP, Code.DST, Code.OFF, Code.IMM, Code.POINTER_HIGH, Region.SIZE, Region.START, Region.END, Region.STRIDE,
  Region.VALUE_SIZE, Region.RIGHTS, Region.MAP, Right.READ, Right.WRITE, Probed.SRC_MASK,
  Probed.SIZE_SHIFT, Probed.SIZE_MASK, Probed.SIGNED, ProbeRegion.SIZE, ProbeRegion.START,
  ProbeRegion.END, EventRecord.SIZE, EventRecord.CONTEXT, EventRecord.CONTEXT_SIZE, EventRecord.TIME,
  EventRecord.TASK, EventRecord.CPU, EventRecord.RESULT, EventRecord.PROGRAM, Skb.SIZE, Skb.DATA, Skb.DATA_END,
  Skb.LINK_HEADER, Skb.NETWORK_HEADER, TaskRecord.SIZE, TaskRecord.PID,
  TaskRecord.TGID, TaskRecord.UID, TaskRecord.GID, TaskRecord.COMM, TaskRecord.COMM_SIZE, HelperEntry.SIZE,
  HelperEntry.ARGS, HelperEntry.CORE, HelperEntry.ID, HelperEntry.ARG_BITS, MapHeader.SIZE, MapHeader.TYPE,
  MapHeader.KEY_SIZE, MapHeader.VALUE_SIZE, MapHeader.MAX_ENTRIES, MapHeader.FLAGS, MapHeader.ID, MapHeader.VALUES,
  MapHeader.STRIDE, MapHeader.COUNT, MapHeader.BUCKETS, MapHeader.BUCKET_MASK, MapHeader.SEED, MapHeader.FREE,
  MapHeader.FRESH, MapHeader.SPARE, MapHeader.ELEMENTS, MapHeader.VALUE_OFFSET, Bucket.SIZE, Bucket.HEAD,
  Bucket.LOCK, Element.NEXT, Element.HASH, Element.KEY, Exit.OK, Exit.READ, Exit.WRITE, Exit.LIMIT, Exit.OPCODE,
  Exit.CALL_DEPTH, Exit.CALL_TARGET, Exit.HELPER_ARGUMENT, Exit.HOST, Arg.NONE, Arg.ANYTHING, Arg.MAP, Arg.MAP_KEY,
  Arg.MAP_VALUE, Arg.MEM_READ, Arg.MEM_WRITE, Arg.SIZE, Arg.SIZE_OR_ZERO, Arg.CONTEXT, CoreHelper.HOST,
  CoreHelper.MAP_LOOKUP_ELEM, CoreHelper.MAP_UPDATE_ELEM, CoreHelper.MAP_DELETE_ELEM, CoreHelper.KTIME_GET_NS,
  CoreHelper.GET_SMP_PROCESSOR_ID, CoreHelper.GET_PRANDOM_U32, CoreHelper.GET_CURRENT_PID_TGID,
  CoreHelper.GET_CURRENT_UID_GID, CoreHelper.GET_CURRENT_COMM, CoreHelper.PROBE_READ, CoreHelper.PROBE_READ_STR,
  PacketOffset.NETWORK, PacketOffset.LINK,
];

/** Word `index` of the list above; -1 past its end. */
export function layoutWord(index: i32): i32 {
  return index < WORDS.length ? unchecked(WORDS[index]) : -1;
}
