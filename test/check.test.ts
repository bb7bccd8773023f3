// tracebee check, as its users see it, and the binding to the machine's kernel that is behind --kernel.

import { closeSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { parseBtf } from "../dist/src/btf/btf.js";
import { assembleCode, loadRaw, type MapSpec, type ProgramType } from "../dist/src/index.js";
import { loadBtf } from "../dist/src/kernel/btf.js";
import { KernelError, KernelMap, KernelSession, kernelUnavailable } from "../dist/src/kernel.js";
import { BtfBuilder } from "./support/btf-builder.ts";
import { tracebee } from "./support/cli.ts";
import { scratchFolder } from "./support/scratch-folder.ts";

const { fileOf } = scratchFolder("check");

const OBJECT = "examples/dropmon.bpf.o";
const good = fileOf("good.s", "r0 = 1\nexit\n");
const bad = fileOf("bad.s", "r0 = r3\nexit\n");
const leak = fileOf("leak.s", "r0 = r1\nexit\n");
const broken = fileOf("broken.s", "r0 = 1\n  jump there\nexit\n");

const missing = kernelUnavailable();
if (missing !== undefined) console.log(`skipped: ${missing}`);

/** The findings that --json prints. */
async function findingsOf(...args: string[]): Promise<Record<string, unknown>[]> {
  const { text } = await tracebee(["check", "--json", ...args]);
  return JSON.parse(text);
}

describe("tracebee check", () => {
  it("accepts an object with status 0, and says what it took", async () => {
    const { status, text, stderr } = await tracebee(["check", OBJECT]);
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    expect(text).toMatch(/^count_drop \(tracepoint\): accepted, \d+ instructions processed\n$/);
  });

  it("rejects with status 1, the errno, the message and the instruction", async () => {
    const { status, text } = await tracebee(["check", "--type", "socket_filter", bad]);
    expect(status).toBe(1);
    expect(text).toBe(
      [
        "bad (socket_filter): rejected: EACCES, R3 !read_ok",
        "  at 0: (bf) r0 = r3",
        "    --> bad:1",
        "    1 | r0 = r3",
        "  rule: a register is written before it is read [register-initialized]",
        "  r3: not written",
        "  how it came to this:",
        "    0: (bf) r0 = r3  ; r0 = r3 @ bad:1",
        "        nothing wrote r3 on this way",
        "  remedy: write r3 on every way that leads here",
        "",
      ].join("\n"),
    );
  });

  it("judges several files, and goes on behind one that it cannot read", async () => {
    const { status, text } = await tracebee(["check", "--type", "xdp", good, broken, bad]);
    expect(status).toBe(1);
    expect(text).toContain(`${good}:\ngood (xdp): accepted`);
    expect(text).toContain(`${broken}:\n`);
    expect(text).toContain("not judged: ");
    expect(text).toContain("bad (xdp): rejected");
    expect(text).toMatch(/\n3 programs: 1 accepted, 1 rejected, 1 not judged\n$/);
  });

  it("gives no verdict where Linux has no such type, or where the type is not known", async () => {
    const untyped = fileOf("untyped.s", '.section abc,"ax",@progbits\n.globl f\nf:\nr0 = 1\nexit\n');
    const raw = await tracebee(["check", good]);
    expect(raw.status).toBe(1);
    expect(raw.text).toBe(
      "good (raw): not judged: Linux has no programs of type raw: --type gives one that it has\n",
    );
    const { text } = await tracebee(["check", untyped]);
    expect(text).toBe("f: not judged: the name of section abc says no program type: --type gives one\n");
    expect((await tracebee(["check", "--type", "xdp", untyped])).text).toBe(
      "f (xdp): accepted, 2 instructions processed\n",
    );
  });

  it("says what is wrong with a file, and goes on behind one that is not there", async () => {
    const source = fileOf("program.c", "int f(void) { return 0; }\n");
    const { status, text, stderr } = await tracebee(["check", "nowhere/none.o", source, OBJECT]);
    expect({ status, stderr }).toEqual({ status: 1, stderr: "" });
    expect(text).toMatch(/none\.o: not judged: ENOENT: no such file/);
    expect(text).toMatch(/program\.c: expected an object \(clang .*\), got C source\n/);
    expect(text).toMatch(/\n3 programs: 1 accepted, 0 rejected, 2 not judged\n$/);
  });

  it("says of --kernel-btf, not of the programs, that it holds no types", async () => {
    for (const [file, message] of [
      ["package.json", /^tracebee check: --kernel-btf: package\.json: header: expected magic/],
      [OBJECT, /^tracebee check: --kernel-btf: \S+: expected bare BTF, .*got an ELF file/],
    ] as const) {
      const { status, text, stderr } = await tracebee(["check", "--kernel-btf", file, OBJECT]);
      expect({ status, text }).toEqual({ status: 1, text: "" });
      expect(stderr).toMatch(message);
    }
  });

  it("judges as for a loader with CAP_BPF alone when asked", async () => {
    const statusOf = async (caps: string): Promise<number | undefined> =>
      (await tracebee(["check", "--type", "socket_filter", "--caps", caps, leak])).status;
    expect([await statusOf("all"), await statusOf("bpf")]).toEqual([0, 1]);
  });

  it("gives all that it knows as JSON", async () => {
    const [finding, other] = await findingsOf("--type", "xdp", bad, good);
    expect(finding).toMatchObject({
      file: bad,
      program: "bad",
      type: "xdp",
      verdict: "rejected",
      errno: "EACCES",
      message: "R3 !read_ok",
      slot: 0,
      insn: "0: (bf) r0 = r3",
    });
    expect(other).toMatchObject({ verdict: "accepted", errno: "", message: "", processed: 2 });
  });

  it("refuses arguments that make no sense with status 2", async () => {
    const wrong = [[], [good, "--caps", "some"], [good, "--log-level", "9"], [OBJECT, "--program", "none"]];
    for (const args of wrong) {
      const { status, stderr } = await tracebee(["check", ...args]);
      expect({ args, status }).toEqual({ args, status: 2 });
      expect(stderr).toContain("usage: tracebee check");
    }
  });
});

describe.skipIf(missing !== undefined)("tracebee check --kernel", () => {
  it("puts the kernel's verdict beside ours", async () => {
    const { status, text } = await tracebee(["check", "--kernel", "--type", "socket_filter", bad, good]);
    expect(status).toBe(1);
    expect(text).toContain("  kernel: rejected: EACCES, R3 !read_ok\n");
    expect(text).toContain("  kernel: accepted\n");
    expect(text).toContain("the kernel agrees on 2 of 2\n");
  });

  it("asks the kernel with CAP_BPF alone, too", async () => {
    const [finding] = await findingsOf("--kernel", "--type", "socket_filter", "--caps", "bpf", leak);
    expect(finding.kernel).toMatchObject({ verdict: "rejected", errno: "EACCES" });
  });

  it("shows the kernel's log at the level asked for", async () => {
    const [finding] = await findingsOf("--kernel", "--type", "xdp", "--log-level", "2", good);
    expect((finding.kernel as { log: string }).log).toMatch(/0: \(b7\) r0 = 1[\s\S]*processed 2 insns/);
  });

  it("loads an object's maps and types", async () => {
    const [finding] = await findingsOf("--kernel", OBJECT);
    expect(finding.kernel).toMatchObject({ verdict: "accepted" });
  });
});

describe.skipIf(missing !== undefined)("the kernel's maps", () => {
  const hash: MapSpec = { name: "hash", type: 1, keySize: 4, valueSize: 8, maxEntries: 4, flags: 0 };
  const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);

  it("are read and written", () => {
    const map = new KernelMap(hash);
    const value = bytes(1, 2, 3, 4, 5, 6, 7, 8);
    map.update(bytes(7, 0, 0, 0), value);
    expect(map.lookup(bytes(7, 0, 0, 0))).toEqual(value);
    expect(map.lookup(bytes(8, 0, 0, 0))).toBeUndefined();
    expect([...map.entries()]).toEqual([[bytes(7, 0, 0, 0), value]]);
    expect([map.delete(bytes(7, 0, 0, 0)), map.delete(bytes(7, 0, 0, 0))]).toEqual([true, false]);
    expect([...map.entries()]).toEqual([]);
    map.close();
    map.close();
  });

  it("refuse what the kernel refuses, with its errno", () => {
    expect(() => new KernelMap({ ...hash, valueSize: 0 })).toThrow(KernelError);
    expect(() => new KernelMap({ ...hash, valueSize: 0 })).toThrow("map hash: BPF_MAP_CREATE: EINVAL");
    const map = new KernelMap(hash);
    expect(() => map.update(bytes(1), bytes(1))).toThrow(RangeError);
    expect(() => map.update(bytes(1, 0, 0, 0), new Uint8Array(8), 2n)).not.toThrow(RangeError);
    map.close();
  });

  it("start with the contents of their section, which programs then know", () => {
    const rodata: MapSpec = {
      ...{ name: ".rodata", type: 2, keySize: 4, valueSize: 4, maxEntries: 1 },
      ...{ flags: 128, contents: bytes(5, 0, 0, 0), frozen: true },
    };
    const map = new KernelMap(rodata);
    expect(map.lookup(new Uint8Array(4))).toEqual(bytes(5, 0, 0, 0));
    expect(() => map.update(new Uint8Array(4), new Uint8Array(4))).toThrow("EPERM");
    map.close();
  });

  it("hold maps of the same session", () => {
    const session = new KernelSession();
    const outer: MapSpec = {
      ...{ name: "outer", type: 12, keySize: 4, valueSize: 4, maxEntries: 2, flags: 0 },
      innerMap: hash,
      initialSlots: [{ index: 1, map: hash }],
    };
    const map = session.map(outer);
    expect([map.lookup(bytes(0, 0, 0, 0)), map.lookup(bytes(1, 0, 0, 0))?.length]).toEqual([undefined, 4]);
    session.close();
  });
});

describe.skipIf(missing !== undefined)("a program's types", () => {
  it("are taken by the kernel with symbols of its own among them", () => {
    const types = new BtfBuilder();
    const int = types.int("int", 4, 1);
    // A function with parameters that its declaration does not name, and a variable of no type.
    const prototype = types.proto(int, [["", int]]);
    const func = types.record(12, "some_kfunc", 2, prototype);
    const variable = types.variable("some_symbol", 0, 2);
    types.datasec(".ksyms", 0, [
      [func, 0, 0],
      [variable, 0, 0],
    ]);
    const fd = loadBtf(parseBtf(types.bytes()));
    expect(fd).toBeGreaterThan(2);
    closeSync(fd);
  });

  it("that contradict themselves are refused, with the kernel's reason", () => {
    const types = new BtfBuilder();
    types.struct("struct", "s", 4, [["a", types.int("int", 4), 32]]);
    expect(() => loadBtf(parseBtf(types.bytes()))).toThrow(/BPF_BTF_LOAD: .*EINVAL/);
  });
});

describe.skipIf(missing !== undefined)("programs in the kernel", () => {
  function loadIn(session: KernelSession, type: ProgramType, code: string, maps: readonly MapSpec[] = []) {
    const verdict = session.load(loadRaw(assembleCode(code), { type, license: "GPL", maps }), {
      logLevel: 1,
    });
    if (verdict.program === undefined) throw new Error(verdict.log);
    return verdict.program;
  }

  it("run on a packet, and give it back", () => {
    const session = new KernelSession();
    const program = loadIn(
      session,
      "xdp",
      `r2 = *(u32 *)(r1 + 0)
       r3 = *(u32 *)(r1 + 4)
       r4 = r2
       r4 += 14
       r0 = 1
       if r4 > r3 goto +2
       *(u8 *)(r2 + 0) = 171
       r0 = 2
       exit`,
    );
    const result = program.testRun({ data: new Uint8Array(64), repeat: 3 });
    expect([result.retval, result.data.length, result.data[0], result.data[1]]).toEqual([2, 64, 171, 0]);
    program.close();
    session.close();
  });

  it("run on a context", () => {
    const session = new KernelSession();
    const code = "r0 = *(u32 *)(r1 + 0)\n*(u32 *)(r1 + 4) = r0\nexit";
    const verdict = session.load(loadRaw(assembleCode(code), { type: "syscall", license: "GPL" }), {
      flags: 16,
    });
    const run = verdict.program?.testRun({ ctx: Uint8Array.of(9, 0, 0, 0, 0, 0, 0, 0) });
    const { retval, ctx } = run ?? { retval: -1, ctx: [] };
    expect([retval, ...ctx]).toEqual([9, 9, 0, 0, 0, 9, 0, 0, 0]);
    verdict.program?.close();
    session.close();
  });

  it("leave what they wrote in the maps", () => {
    const session = new KernelSession();
    const counter: MapSpec = { name: "n", type: 2, keySize: 4, valueSize: 8, maxEntries: 1, flags: 0 };
    const program = loadIn(
      session,
      "socket_filter",
      `*(u32 *)(r10 - 4) = 0
       r2 = r10
       r2 += -4
       r1 = map[id:0]
       call 1
       if r0 == 0 goto +2
       r1 = 1
       lock *(u64 *)(r0 + 0) += r1
       r0 = 0
       exit`,
      [counter],
    );
    program.testRun({ data: new Uint8Array(64), repeat: 5 });
    expect(session.map(counter).lookup(new Uint8Array(4))).toEqual(Uint8Array.of(5, 0, 0, 0, 0, 0, 0, 0));
    program.close();
    session.close();
  });

  it("are refused with a log of any length", () => {
    const session = new KernelSession();
    const long = Array.from({ length: 3000 }, (_, index) => `r${(index % 5) + 1} = ${index}`).join("\n");
    const program = loadRaw(assembleCode(`${long}\nr0 = r9\nexit`), { type: "socket_filter" });
    const { isAccepted, errno, message, log } = session.load(program, { logLevel: 2 });
    expect({ isAccepted, errno, message }).toEqual({ isAccepted: false, errno: 13, message: "R9 !read_ok" });
    expect(log.length).toBeGreaterThan(1 << 16);
    expect(log.startsWith("func#0 @0\n")).toBe(true);
    session.close();
  });

  it("have the capabilities back behind a load with CAP_BPF alone", () => {
    const session = new KernelSession();
    const program = loadRaw(assembleCode("r0 = 0\nexit"), { type: "xdp", license: "GPL" });
    expect(session.load(program, { caps: "bpf" })).toMatchObject({ isAccepted: false, errno: 1 });
    const { isAccepted, program: loaded } = session.load(program);
    expect(isAccepted).toBe(true);
    loaded?.close();
    session.close();
  });
});
