// One row per helper of the kernel that programs can call here: id, name, argument classes, result, and
// either the core function that runs it (assembly/portable/helpers.ts) or a body. Names, ids and classes
// are those of uapi/linux/bpf.h and of the kernel's prototypes; helpers that have no row do not exist here.

import { Arg, CoreHelper } from "../../assembly/shared/codes.ts";
import type { HelperRow } from "../helper-table.ts";
import { csumDiff, skbLoadBytes } from "./packet.ts";
import { tracePrintk } from "./trace-printk.ts";

const ANYTHING = Arg.ANYTHING;
const MAP = Arg.MAP;
const MAP_KEY = Arg.MAP_KEY;
const MAP_VALUE = Arg.MAP_VALUE;
const MEM_READ = Arg.MEM_READ;
const MEM_WRITE = Arg.MEM_WRITE;
const SIZE = Arg.SIZE;
const SIZE_OR_ZERO = Arg.SIZE_OR_ZERO;
const CONTEXT = Arg.CONTEXT;

const PROBE_READ = { args: [MEM_WRITE, SIZE_OR_ZERO, ANYTHING], returns: "integer", gplOnly: true } as const;
const CLOCK = { args: [], returns: "integer", core: CoreHelper.KTIME_GET_NS, readsTime: true } as const;

// biome-ignore format: one row per line
const ROWS: readonly HelperRow[] = [
  { id: 1, name: "map_lookup_elem", args: [MAP, MAP_KEY], returns: "map_value_or_null", core: CoreHelper.MAP_LOOKUP_ELEM },
  { id: 2, name: "map_update_elem", args: [MAP, MAP_KEY, MAP_VALUE, ANYTHING], returns: "integer", core: CoreHelper.MAP_UPDATE_ELEM },
  { id: 3, name: "map_delete_elem", args: [MAP, MAP_KEY], returns: "integer", core: CoreHelper.MAP_DELETE_ELEM },
  { id: 4, name: "probe_read", ...PROBE_READ, core: CoreHelper.PROBE_READ },
  { id: 5, name: "ktime_get_ns", ...CLOCK },
  { id: 6, name: "trace_printk", args: [MEM_READ, SIZE, ANYTHING, ANYTHING, ANYTHING], returns: "integer", gplOnly: true, readsTime: true, body: tracePrintk },
  { id: 7, name: "get_prandom_u32", args: [], returns: "integer", core: CoreHelper.GET_PRANDOM_U32 },
  { id: 8, name: "get_smp_processor_id", args: [], returns: "integer", core: CoreHelper.GET_SMP_PROCESSOR_ID },
  { id: 14, name: "get_current_pid_tgid", args: [], returns: "integer", core: CoreHelper.GET_CURRENT_PID_TGID },
  { id: 15, name: "get_current_uid_gid", args: [], returns: "integer", core: CoreHelper.GET_CURRENT_UID_GID },
  { id: 16, name: "get_current_comm", args: [MEM_WRITE, SIZE], returns: "integer", core: CoreHelper.GET_CURRENT_COMM },
  { id: 26, name: "skb_load_bytes", args: [CONTEXT, ANYTHING, MEM_WRITE, SIZE], returns: "integer", readsPacket: true, body: skbLoadBytes },
  { id: 28, name: "csum_diff", args: [MEM_READ, SIZE_OR_ZERO, MEM_READ, SIZE_OR_ZERO, ANYTHING], returns: "integer", body: csumDiff },
  { id: 45, name: "probe_read_str", ...PROBE_READ, core: CoreHelper.PROBE_READ_STR },
  { id: 112, name: "probe_read_user", ...PROBE_READ, core: CoreHelper.PROBE_READ },
  { id: 113, name: "probe_read_kernel", ...PROBE_READ, core: CoreHelper.PROBE_READ },
  { id: 114, name: "probe_read_user_str", ...PROBE_READ, core: CoreHelper.PROBE_READ_STR },
  { id: 115, name: "probe_read_kernel_str", ...PROBE_READ, core: CoreHelper.PROBE_READ_STR },
  { id: 125, name: "ktime_get_boot_ns", ...CLOCK },
  { id: 160, name: "ktime_get_coarse_ns", ...CLOCK },
  { id: 208, name: "ktime_get_tai_ns", ...CLOCK },
];

const BY_ID = new Map(ROWS.map((row) => [row.id, row]));

/** Every row, by id. */
export const HELPER_ROWS: ReadonlyMap<number, HelperRow> = BY_ID;
