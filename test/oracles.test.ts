// Suites that nobody here wrote: bpf_conformance's data files and the kernel's own tests of its interpreter and JITs
// (lib/test_bpf.c), on every engine. They are read from where TRACEBEE_ORACLES says, and skipped where they are not.

import { existsSync } from "node:fs";
import { join } from "node:path";
import { inflateSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { ENGINES, type EngineName, loadRaw, Runtime } from "../dist/src/index.js";
import { type DataCase, placeOfCase, programBytes, readDataFiles } from "./support/data-files.ts";
import { CHECKING_ENGINES } from "./support/engines.ts";
import { ORACLES, readOracle } from "./support/oracles.ts";
import { allPlaces, expectedOutcome, runCase, suits } from "./support/run-case.ts";

const engines = CHECKING_ENGINES;

/** A case of bpf_conformance as its own assembler made it. */
interface AssembledCase {
  readonly name: string;
  readonly code: string;
}

/** A case of lib/test_bpf.c. */
interface KernelCase {
  readonly descr: string;
  readonly kind: "classic" | "ebpf";
  readonly no_data: number;
  readonly large_mem: number;
  readonly insns?: string;
  readonly insns_zb64?: string;
  readonly tests: readonly { readonly data_size: number; readonly result: number }[];
}

const hasFiles = existsSync(join(ORACLES, "conformance"));
const assembled = readOracle<AssembledCase[]>("conformance-cases.json");
const kernel = readOracle<{ readonly tests: readonly KernelCase[] }>("test-bpf-cases.json.gz");

describe.skipIf(!hasFiles)("bpf_conformance", () => {
  const files = hasFiles ? readDataFiles(join(ORACLES, "conformance")) : new Map<string, DataCase[]>();
  const cases = [...files.values()].flat();

  it("is there", () => {
    expect(cases.length).toBeGreaterThan(200);
  });

  it.each(allPlaces())("gives the stated results on engine $engine, $mode", (place) => {
    // A `callx` is for checked programs, so an engine without that mode has none.
    const mayCallIndirectly = CHECKING_ENGINES.includes(place.engine);
    const suitable = cases.filter(
      (dataCase) => suits(dataCase, place.mode) && (mayCallIndirectly || !dataCase.file.includes("callx")),
    );
    const outcomes = suitable.map((dataCase) => runCase(dataCase, place));
    const results = suitable.map((dataCase, index) => [placeOfCase(dataCase), outcomes[index]]);
    // These files say nothing about the memory after the run.
    const expected = suitable.map((dataCase, index) => {
      return [placeOfCase(dataCase), { ...expectedOutcome(dataCase), memory: outcomes[index].memory }];
    });
    expect(results).toEqual(expected);
  });

  it.skipIf(assembled === undefined)("is assembled as its own assembler does", () => {
    const codes = new Map(assembled?.map(({ name, code }) => [name, code]));
    const ours = cases.map((each) => [each.file, Buffer.from(programBytes(each)).toString("hex")]);
    expect(ours).toEqual(cases.map(({ file }) => [file, codes.get(file)]));
  });
});

/** 32 bits of r0 for each of a case's runs. */
function runKernelCase(runtime: Runtime, engine: EngineName, each: KernelCase): number[] {
  const bytes =
    each.insns === undefined
      ? inflateSync(Buffer.from(each.insns_zb64 as string, "base64"))
      : Buffer.from(each.insns, "hex");
  const program = loadRaw(bytes, { name: each.descr, type: "raw" });
  const executable = ENGINES[engine].prepareChecked(runtime, program, new Map());
  try {
    return each.tests.map(({ data_size }) => {
      const memory = new Uint8Array(each.large_mem === 1 ? data_size : 0);
      return Number(BigInt.asUintN(32, executable.run(memory)));
    });
  } finally {
    executable.close();
  }
}

describe.skipIf(kernel === undefined)("the extended programs of lib/test_bpf.c", () => {
  const cases = kernel?.tests.filter(({ kind }) => kind === "ebpf") ?? [];

  it.each(engines)("give the stated results on engine %s", { timeout: 120_000 }, (engine) => {
    expect(cases.length).toBeGreaterThan(700);
    const runtime = new Runtime();
    const wrong = cases.flatMap((each) => {
      const expected = each.tests.map(({ result }) => result);
      const actual = runKernelCase(runtime, engine, each);
      return actual.join() === expected.join() ? [] : [{ descr: each.descr, expected, actual }];
    });
    expect(wrong).toEqual([]);
  });
});
