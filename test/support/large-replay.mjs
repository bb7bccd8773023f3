// A child process of test/replay-stream.test.ts: replays a trace that is made while it is read, every event by a task
// of its own, and says how much linear memory that took. Run it with a small heap, to see that nothing piles up.
//
//   node --max-old-space-size=40 test/support/large-replay.mjs EVENTS [WANTED]

import {
  assembleCode,
  BpfMap,
  ENGINES,
  loadRaw,
  Runtime,
  replayTrace,
  TracepointTable,
} from "../../dist/src/index.js";

const FORMAT = `name: tick
ID: 900
format:
	field:unsigned short common_type;	offset:0;	size:2;	signed:0;
	field:int common_pid;	offset:4;	size:4;	signed:1;

	field:u64 value;	offset:8;	size:8;	signed:0;

print fmt: "value=%llu", REC->value
`;

const events = Number(process.argv[2]);
const wanted = process.argv[3] === undefined ? {} : { events: Number(process.argv[3]) };
const runtime = new Runtime();
const tracepoints = new TracepointTable(runtime);
const tick = tracepoints.define(FORMAT, "test");
const sums = new BpfMap(runtime, {
  name: "sums",
  type: 2,
  keySize: 4,
  valueSize: 8,
  maxEntries: 1,
  flags: 0,
});
// Adds the value of the record and the pid of the task.
const code = `
  r6 = *(u64 *)(r1 + 8)
  call get_current_pid_tgid
  r0 <<= 32
  r0 >>= 32
  r6 += r0
  r1 = map[fd:0][0]+0
  lock *(u64 *)(r1 + 0) += r6
  r0 = 0
  exit`;
const program = loadRaw(assembleCode(code), { name: "sum", type: "raw", maps: [sums.spec] });
tick.attach(ENGINES.wasm.prepareChecked(runtime, program, new Map([[sums.spec, sums]])));

function* lines() {
  const encoder = new TextEncoder();
  for (let first = 0; first < events; first += 1000) {
    let text = "";
    for (let event = first; event < Math.min(events, first + 1000); event++) {
      const time = `${Math.floor(event / 1e6)}.${String(event % 1e6).padStart(6, "0")}`;
      text += `        w${event}-${event} [000] d..2. ${time}: tick: value=${event}\n`;
    }
    yield encoder.encode(text);
  }
}

const before = { used: runtime.heap.used, size: runtime.memory.size };
const stats = await replayTrace(lines, tracepoints, wanted);
console.log(
  JSON.stringify({
    events: stats.events,
    passes: stats.passes,
    bytes: stats.bytes,
    sum: String(sums.get(0)),
    grown: runtime.memory.size - before.size,
    kept: runtime.heap.used - before.used,
  }),
);
