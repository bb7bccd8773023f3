// verify() and judge(): what their users see of them. What they accept and reject is tested against the kernel
// (verifier-cases, verifier-fuzz, verifier-kernel).

import { describe, expect, it } from "vitest";
import {
  assembleCode,
  BpfMap,
  ENGINES,
  judge,
  loadRaw,
  Runtime,
  VerifierError,
  verify,
} from "../dist/src/index.js";
import { ENGINE_NAMES } from "./support/engines.js";

const program = (text: string, type: "xdp" | "tracepoint" = "tracepoint") =>
  loadRaw(assembleCode(text), { name: "test", type, license: "GPL" });

describe("verify", () => {
  it.each(ENGINE_NAMES)("gives what engine %s runs without checks", (engine) => {
    const executable = ENGINES[engine].prepare(
      new Runtime(),
      verify(program("r0 = 7\nr0 *= 6\nexit")),
      new Map(),
    );
    expect(executable.run(new Uint8Array(8))).toBe(42n);
  });

  it("throws a VerifierError that names program, instruction and reason, as the kernel words it", () => {
    const run = () => verify(program("r0 = 0\nr1 = *(u64 *)(r2 + 0)\nexit"));
    expect(run).toThrow(VerifierError);
    expect(run).toThrow("program test: insn 1: R2 !read_ok");
    try {
      run();
    } catch (error) {
      expect(error).toMatchObject({ code: "rejected", program: "test", slot: 1, errno: 13 });
      expect(error).toMatchObject({ reason: "R2 !read_ok" });
    }
  });

  it("takes programs of type syscall for sleepable where neither a section nor flags say so", () => {
    const syscall = program("r0 = 0\nexit").with({ type: "syscall" });
    expect(judge(syscall).isAccepted).toBe(true);
    expect(judge(syscall, { flags: 0 }).message).toBe("Syscall programs can only be sleepable");
  });

  it("says in the error's message what the kernel does not: the rule, the way and the remedy", () => {
    const run = () => verify(program("r0 = 0\nr1 = *(u64 *)(r2 + 0)\nexit"));
    expect(run).toThrow(/\n {2}rule: a register is written before it is read \[register-initialized\]\n/);
    expect(run).toThrow(/\n {2}how it came to this:\n/);
    expect(run).toThrow(/\n {2}remedy: write r2 on every way that leads here$/);
  });

  it("is stricter for those who have CAP_BPF alone: pointers must not leak", () => {
    const leak = program("r0 = r10\nexit");
    expect(verify(leak).program).toBe(leak);
    expect(() => verify(leak, { caps: "bpf" })).toThrow("R0 leaks addr as return value");
  });

  it("knows the maps of the program", () => {
    const map = { name: "counts", type: 2, keySize: 4, valueSize: 8, maxEntries: 4, flags: 0 };
    const text = (key: number) => `
      *(u32 *)(r10 - 8) = ${key}
      r2 = r10
      r2 += -8
      r1 = map[fd:0]
      call 1
      r1 = 5
      *(u64 *)(r0 + 0) = r1
      r0 = 0
      exit`;
    const load = (key: number) =>
      loadRaw(assembleCode(text(key)), { name: "test", type: "tracepoint", license: "GPL", maps: [map] });
    // A constant key of an array is always there; any other may not be.
    const runtime = new Runtime();
    const counts = new BpfMap<number, bigint>(runtime, map);
    const verified = verify(load(3));
    ENGINES.ts.prepare(runtime, verified, new Map([[map, counts]])).run();
    expect(counts.get(3)).toBe(5n);
    expect(() => verify(load(4))).toThrow("R0 invalid mem access 'map_value_or_null'");
  });
});

describe("judge", () => {
  it("gives the verdict with its figures", () => {
    expect(judge(program("r0 = 0\nif r1 == 0 goto +1\nr0 = 1\nexit"))).toMatchObject({
      isAccepted: true,
      message: "",
      errno: 0,
      processed: 5,
    });
  });

  it.each([
    ["an endless loop", "a: goto a\nexit", "unreachable insn 1"],
    ["a loop that changes nothing", "r0 = 0\na: if r0 == 0 goto a\nexit", "infinite loop detected at insn 1"],
    ["dead code", "r0 = 0\nexit\nr0 = 1\nexit", "unreachable insn 2"],
    [
      "a write before the stack",
      "*(u64 *)(r10 - 520) = 0\nr0 = 0\nexit",
      "invalid write to stack R10 off=-520 size=8",
    ],
    ["a division by zero", "r0 = 1\nr0 /= 0\nexit", "div by zero"],
    [
      "a helper of other types",
      "call 44\nexit",
      "program of this type cannot use helper bpf_xdp_adjust_head#44",
    ],
  ])("rejects %s", (_, text, message) => {
    const verdict = judge(program(text));
    expect(verdict.isAccepted).toBe(false);
    expect(verdict.message.split("\n").at(-1)).toBe(message);
    expect(verdict.program).toBeUndefined();
  });

  it("says what a rejected program lacks", () => {
    const explanation = judge(program("r2 = *(u32 *)(r1 + 0)\nr0 = *(u8 *)(r2 + 0)\nexit", "xdp")).explain();
    expect(explanation).toBeDefined();
    expect(JSON.stringify(explanation)).toContain("data_end");
  });
});
