// A small kernel: BTF of the structs, tracepoints, iterators and variables that tests name, so that what they say does
// not depend on a machine. Layouts are made up where nothing rests on them.

import { type Btf, parseBtf } from "../../dist/src/btf/btf.js";
import { BtfBuilder } from "./btf-builder.ts";

function build(): Btf {
  const types = new BtfBuilder();
  const int = types.int("int", 4, 1);
  const u8 = types.int("unsigned char", 1);
  const u32 = types.int("unsigned int", 4);
  const u64 = types.int("unsigned long long", 8);
  const toVoid = types.refer("ptr", 0);
  const toInt = types.refer("ptr", int);
  const to = (struct: number, tag?: string) =>
    types.refer("ptr", tag === undefined ? struct : types.refer("type_tag", struct, tag));

  const member = types.struct("struct", "prog_test_member", 8, [["c", int, 32]]);
  // The pointer to itself comes right behind it.
  const counted = member + 1;
  types.struct("struct", "prog_test_ref_kfunc", 32, [
    ["a", int, 0],
    ["b", int, 32],
    ["memb", member, 64],
    ["next", counted + 1, 128],
    ["cnt", u32, 192],
  ]);
  types.refer("ptr", counted);

  const ops = types.struct("struct", "bpf_map_ops", 8, [["map_alloc", toVoid, 0]]);
  const map = types.struct("struct", "bpf_map", 64, [
    ["sha", types.array(u8, 32), 0],
    ["ops", to(ops), 256],
    ["max_entries", u32, 320],
  ]);
  types.struct("struct", "bpf_array", 72, [
    ["map", map, 0],
    ["elem_size", u32, 512],
  ]);

  const common = types.struct("struct", "sock_common", 16, [["skc_family", u32, 0]]);
  const sock = types.struct("struct", "sock", 32, [
    ["__sk_common", common, 0],
    ["sk_mark", u32, 128],
  ]);
  types.struct("struct", "tcp_sock", 48, [
    ["inet_conn", sock, 0],
    ["tcp_header_len", u32, 256],
  ]);
  const socket = types.struct("struct", "socket", 16, [["sk", to(sock), 64]]);
  types.struct("struct", "socket__safe_trusted_or_null", 8, [["sk", to(sock), 0]]);

  const percpu = types.struct("struct", "counters", 8, [["hits", u64, 0]]);
  const either = types.struct("union", "", 8, [
    ["sibling", to(socket), 0],
    ["value", u64, 0],
  ]);
  const css = types.struct("struct", "css_set", 8, [["refcount", u32, 0]]);
  // task_struct refers to itself: its id is known before it is made.
  const task = 64;
  const toTask = types.refer("ptr", task);
  const tagged = to(css, "rcu");
  const perCpuPointer = to(percpu, "percpu");
  const userPointer = to(css, "user");
  const comm = types.array(u8, 16);
  const names = types.array(to(css), 2);
  const grid = types.array(types.array(css, 2), 2);
  const toSocket = to(socket);
  const flexible = types.array(u32, 0);
  while (types.fwd("filler") < task - 1);
  const made = types.struct("struct", "task_struct", 160, [
    ["pid", int, 0],
    ["comm", comm, 64],
    ["parent", toTask, 192],
    ["group_leader", toTask, 256],
    ["cgroups", tagged, 320],
    ["stats", perCpuPointer, 384],
    ["name", userPointer, 448],
    ["", either, 512],
    ["names", names, 576],
    ["grid", grid, 704],
    ["stack", toVoid, 960],
    ["socket", toSocket, 1024],
    ["tail", flexible, 1280],
  ]);
  if (made !== task) throw new Error(`task_struct: expected type ${task}, got ${made}`);
  types.struct("struct", "task_struct__safe_rcu", 8, [["group_leader", toTask, 0]]);
  const flags = types.struct("struct", "flags", 8, [
    ["low", u32, 0, 3],
    ["high", u32, 3, 13],
    ["rest", u32, 32],
  ]);

  const file = types.struct("struct", "seq_file", 8, [["count", u64, 0]]);
  const meta = types.struct("struct", "bpf_iter_meta", 24, [
    ["seq", to(file), 0],
    ["session_id", u64, 64],
    ["seq_num", u64, 128],
  ]);
  types.struct("struct", "bpf_iter_meta__safe_trusted", 8, [["seq", to(file), 0]]);
  const iterator = types.proto(int, [
    ["meta", to(meta)],
    ["task", toTask],
  ]);
  types.refer("func", iterator, "bpf_iter_task");
  types.refer(
    "typedef",
    to(
      types.proto(0, [
        ["", toVoid],
        ["", int],
        ["", toTask],
        ["", toInt],
        ["", to(toTask)],
      ]),
    ),
    "btf_trace_sched_thing",
  );
  types.refer(
    "func",
    types.proto(0, [
      ["__data", toVoid],
      ["task__nullable", toTask],
    ]),
    "__bpf_trace_odd_thing",
  );
  types.refer(
    "typedef",
    to(
      types.proto(0, [
        ["", toVoid],
        ["", toTask],
      ]),
    ),
    "btf_trace_odd_thing",
  );
  const work = types.proto(int, [
    ["socket", to(socket)],
    ["how", int],
  ]);
  types.refer("func", work, "do_work");
  types.refer("func", types.proto(0, [["task", toTask]]), "bpf_lsm_task_thing");
  types.refer("func", types.proto(int, [["task", toTask]]), "bpf_lsm_task_check");

  const counters = types.variable("counters", percpu);
  const ticks = types.variable("ticks", u32);
  types.datasec(".data..percpu", 16, [
    [counters, 0, 8],
    [ticks, 8, 4],
  ]);
  types.variable("mode", flags);
  types.variable("limit", u64);
  types.variable("init_task", task);
  return parseBtf(types.bytes());
}

/** Immutable, and the same for all tests. */
export const kernelBtf: Btf = build();
