// What docs/guide.md shows, run: each of its blocks stands here, word for word.

import { readFileSync } from "node:fs";
import { defineHelper, EventBatch, instantiate, judge, load, Runtime, testRun } from "tracebee";
import { expect, test } from "vitest";

const object = load(readFileSync("examples/udp.bpf.o"), { name: "udp" });

/** An Ethernet frame with an IPv4 header and a UDP one. */
function udpPacket(port: number): Uint8Array {
  const packet = new Uint8Array(60);
  packet.set([0x08, 0x00, 0x45], 12);
  packet[23] = 17;
  new DataView(packet.buffer).setUint16(36, port);
  return packet;
}

test("drops what goes to the blocked port, and counts it", () => {
  const { program, maps } = instantiate(new Runtime(), object, {
    programs: ["filter"],
    variables: { blocked_port: 5353 },
  });

  expect(testRun(program, { data: udpPacket(5353) }).returned).toBe(1);
  expect(testRun(program, { data: udpPacket(53) }).returned).toBe(2);

  expect(maps.get("verdicts")?.get(1)).toBe(1n);
});

test("careless is rejected, for the packet's bounds", () => {
  const careless = object.programs.get("careless");
  if (careless === undefined) throw new Error("expected a program");

  const verdict = judge(careless);

  expect(verdict.isAccepted).toBe(false);
  expect(verdict.message).toContain("R1 offset is outside of the packet");
  expect(verdict.explain()?.assertion).toBe("packet-bounds");
  expect(verdict.explain()?.place?.source?.line).toBe(74);
});

test("counts a million events by process", () => {
  const runtime = new Runtime({ clock: () => 0n, seed: 1 });
  const text = `
    .map pids type=hash key=4 value=8 max=64
    r6 = *(u32 *)(r1 + 8)
    call get_current_pid_tgid
    *(u32 *)(r10 - 4) = r0
    *(u64 *)(r10 - 16) = r6
    r1 = pids ll
    r2 = r10
    r2 += -4
    r3 = r10
    r3 += -16
    r4 = 0
    call map_update_elem
    r0 = r6
    exit`;
  const { program, maps, close } = instantiate(runtime, load(text, { type: "tracepoint", license: "GPL" }));

  const record = runtime.allocateBuffer(24);
  const batch = new EventBatch(runtime, 10_000);
  for (let round = 0; round < 100; round++) {
    runtime.memory.store32(record.address + 8, round);
    batch.clear();
    while (!batch.isFull) {
      const task = batch.task({ pid: batch.count % 10, comm: "worker" });
      batch.add(record.address, record.size, batch.count, 0, task);
    }
    const { trap } = program.runBatch(batch);
    if (trap !== undefined) throw trap;
  }

  expect(batch.verdict(0)).toBe(99);
  expect(maps.get("pids")?.get(7)).toBe(99n);
  close();
  batch.free();
  runtime.freeBuffer(record);
});

test("calls a helper of the user's own", () => {
  const runtime = new Runtime();
  const notes: string[] = [];
  defineHelper(runtime, {
    id: 1000,
    name: "note",
    args: ["mem", "size"],
    body: (bytes) => void notes.push(new TextDecoder().decode(bytes)),
  });

  const text = `
    r1 = 0x6968
    *(u16 *)(r10 - 2) = r1
    r1 = r10
    r1 += -2
    r2 = 2
    call 1000
    r0 = 0
    exit`;
  const { program } = instantiate(runtime, load(text, { type: "syscall" }));

  program.run();
  expect(notes).toEqual(["hi"]);
});

test("shares a map between two collections, on two engines", () => {
  const runtime = new Runtime();
  const first = instantiate(runtime, object, { programs: ["filter"], engine: "wasm" });
  const verdicts = first.maps.get("verdicts");
  if (verdicts === undefined) throw new Error("expected a map");
  const second = instantiate(runtime, object, { programs: ["filter"], engine: "ts", maps: { verdicts } });

  testRun(first.program, { data: udpPacket(53) });
  testRun(second.program, { data: udpPacket(53) });

  expect([...verdicts].filter(([, packets]) => packets !== 0n)).toEqual([[1, 2n]]);
});
