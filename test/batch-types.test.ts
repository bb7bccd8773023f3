// What a line of the batch format says of types: of its maps' values, of its functions, of maps inside of maps.

import { describe, expect, it } from "vitest";
import { toHex } from "../dist/src/harness/hex.js";
import { asker, code, type Line } from "./support/batch-lines.ts";
import { BtfBuilder } from "./support/btf-builder.ts";
import { ENGINE_NAMES } from "./support/engines.ts";

describe("types on a line", () => {
  const types = new BtfBuilder();
  const int = types.int("int", 4, 1);
  const lock = types.struct("struct", "bpf_spin_lock", 4, [["val", int, 0]]);
  const guarded = types.struct("struct", "guarded", 8, [
    ["lock", lock, 0],
    ["count", int, 32],
  ]);
  const proto = types.proto(int, []);
  const main = types.refer("func", proto, "main");
  const STATIC_FUNC = 12;
  const callback = types.record(STATIC_FUNC, "each_round", 0, proto);
  const btf = toHex(types.bytes());
  const ask = asker(ENGINE_NAMES[0]);

  /** r1 the first map, r2 its key 0. */
  const LOAD = `${code("*(u32 *)(r10 - 4) = 0\nr2 = r10\nr2 += -4")}18110000000000000000000000000000`;
  const LOCKS =
    LOAD +
    code(`
    call map_lookup_elem
    if r0 == 0 goto out
    r6 = r0
    r1 = r6
    call spin_lock
    r1 = r6
    call spin_unlock
  out:
    r0 = 0
    exit`);
  const LOOPS = code(`
    r1 = 4
    r2 = each_round ll
    r3 = 0
    r4 = 0
    call loop
    r0 = 0
    exit
  each_round:
    r0 = 0
    exit`);
  const line = (insns: string, rest: Line) => ({ type: "sched_cls", license: "GPL", insns, ...rest });
  const map = { type: 2, key: 4, value: 8, max: 1 };

  it("say where a map's values have locks", () => {
    expect(ask(line(LOCKS, { maps: [map] }))).toMatchObject({ verdict: "reject" });
    const typed = { ...map, key_type: int, value_type: guarded };
    expect(ask(line(LOCKS, { maps: [typed], btf }))).toMatchObject({ verdict: "accept" });
  });

  it("are asked of functions only where the line has some", () => {
    expect(ask(line(LOOPS, {}))).toMatchObject({ verdict: "accept" });
    const functions = [
      [0, main],
      [8, callback],
    ];
    expect(ask(line(LOOPS, { btf, func_info: functions }))).toMatchObject({ verdict: "accept" });
    const elsewhere = [functions[0], [9, callback]];
    expect(ask(line(LOOPS, { btf, func_info: elsewhere })).message).toBe(
      "func_info BTF section doesn't match subprog layout in BPF program",
    );
  });

  it("that are none are errors, with their place", () => {
    expect(ask(line(LOOPS, { btf: "9feb" })).error).toMatch(/^btf: /);
    expect(ask(line(LOOPS, { btf, func_info: [[0, 99]] })).error).toMatch(/^func_info\[0\]: type: expected /);
    const typed = { ...map, value_type: 99 };
    expect(ask(line(LOCKS, { maps: [typed], btf })).error).toBe(
      "maps[0].value_type: expected a type of btf, got 99",
    );
  });

  it("of an inner map are inside of the outer one", () => {
    const outer = { type: 12, key: 4, value: 4, max: 1, inner: { type: 2, key: 4, value: 8, max: 3 } };
    const insns =
      LOAD +
      code(`
      call map_lookup_elem
      if r0 == 0 goto out
      r1 = r0
      r2 = r10
      r2 += -4
      call map_lookup_elem
      if r0 == 0 goto out
      r1 = *(u64 *)(r0 + 0)
      r0 = 0
      exit
    out:
      r0 = 1
      exit`);
    expect(ask(line(insns, { maps: [outer] }))).toMatchObject({ verdict: "accept" });
    const narrow = { ...outer, inner: { ...outer.inner, value: 4 } };
    expect(ask(line(insns, { maps: [narrow] })).message).toContain("R0");
    expect(ask(line(insns, { maps: [{ ...outer, inner: 3 }] })).error).toBe(
      "maps[0].inner: expected an object, got 3",
    );
  });
});
