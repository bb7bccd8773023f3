// One child process of the replay bench: a million recorded drops through examples/dropmon.bpf.o on one engine, from
// the bytes of the trace to the counts in the map. `parse` reads the trace anew for every event; `keep` parses it once.
//
//   node dist/bench/replay.js ts|wasm parse|keep EVENTS

import { createReadStream, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import {
  type EngineName,
  instantiate,
  load,
  parseFormat,
  Runtime,
  replayTrace,
  SymbolTable,
  TracepointTable,
} from "../src/index.ts";

const example = (path: string): string => fileURLToPath(new URL(`../../examples/${path}`, import.meta.url));

const [engine = "wasm", mode = "keep", count = "1000000"] = process.argv.slice(2);
const events = Number(count);
const runtime = new Runtime();
const collection = instantiate(runtime, load(new Uint8Array(readFileSync(example("dropmon.bpf.o")))), {
  engine: engine as EngineName,
});
const tracepoints = new TracepointTable(runtime);
const format = readFileSync(example("recordings/events/skb/kfree_skb/format"), "utf8");
tracepoints.define(parseFormat(format, { system: "skb" }));
tracepoints.attach(collection.program);
const stats = await replayTrace(() => createReadStream(example("recordings/kfree_skb.trace")), tracepoints, {
  events,
  symbols: SymbolTable.parse(readFileSync(example("recordings/kfree_skb.symbols"), "utf8")),
  ...(mode === "parse" ? { keep: 0 } : {}),
});
let drops = 0n;
for (const [, count] of collection.maps.get("drops") ?? []) drops += count as bigint;
if (drops !== BigInt(events)) throw new Error(`expected ${events} drops, got ${drops}`);
console.log(
  JSON.stringify({ elapsedMs: stats.elapsedMs, executionMs: stats.executionMs, events: stats.events }),
);
