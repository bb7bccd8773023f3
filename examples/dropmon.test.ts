// A test of dropmon.bpf.o as its authors would write it: README.md shows this file.

import { readFileSync } from "node:fs";
import { instantiate, load, Runtime, TracepointTable } from "tracebee";
import { expect, test } from "vitest";

test("counts drops by the place that dropped", () => {
  const runtime = new Runtime();
  const { program, maps } = instantiate(runtime, load(readFileSync("examples/dropmon.bpf.o")));

  const tracepoints = new TracepointTable(runtime);
  const format = readFileSync("examples/recordings/events/skb/kfree_skb/format", "utf8");
  const kfreeSkb = tracepoints.define(format, "skb");
  tracepoints.attach(program);

  kfreeSkb.fire({ location: 0xffffffff81a2b3c4n });
  kfreeSkb.fire({ location: 0xffffffff81a2b3c4n });
  kfreeSkb.fire({ location: 0xffffffff81000000n });

  expect(maps.get("drops")?.get(0xffffffff81a2b3c4n)).toBe(2n);
  expect(maps.get("drops")?.get(0xffffffff81000000n)).toBe(1n);
});
