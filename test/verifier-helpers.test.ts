// What helpers, maps and contexts ask of programs, as some objects of small programs have it (objects/verdicts): our
// verdicts against those of Linux 6.18, which are kept in verdicts.txt, and that file against the running kernel, where
// it is that version.
//
//   TRACEBEE_WRITE_LISTS   1: writes the running kernel's verdicts again

import { readFileSync, writeFileSync } from "node:fs";
import { release } from "node:os";
import { describe, expect, it } from "vitest";
import { ATTACH_TYPES, sectionAttachType, sectionLoadFlags } from "../dist/src/attach-types.js";
import type { Program } from "../dist/src/index.js";
import { KernelSession, kernelUnavailable } from "../dist/src/kernel.js";
import { loadObject } from "../dist/src/loader/object.js";
import { judge } from "../dist/src/verifier/verify.js";
import { kernelBtf } from "./support/kernel-btf.ts";

const FOLDER = new URL("objects/verdicts/", import.meta.url);
const LIST = new URL("verdicts.txt", FOLDER);
const WRITES_LIST = process.env.TRACEBEE_WRITE_LISTS === "1";
const KERNEL = "6.18.";

const missing =
  kernelUnavailable() ?? (release().startsWith(KERNEL) ? undefined : `the kernel is not ${KERNEL}x`);
if (missing !== undefined) console.log(`skipped: ${missing}`);

const objects = ["maps", "kptrs", "helpers", "packets"].map((name) => {
  const bytes = new Uint8Array(readFileSync(new URL(`${name}.o`, FOLDER)));
  return loadObject(bytes, { name });
});
const programs = objects.flatMap((object) => [...object.programs.values()]);

/** Programs of which our verdict is another, by the reason. */
const OTHER_VERDICT: Readonly<Record<string, readonly string[]>> = {};
/** Of which the verdict is the same, and the words are others. */
const OTHER_MESSAGE: Readonly<Record<string, readonly string[]>> = {
  "the kernel says nothing": ["snprintf_odd"],
};

const load = (program: Program) => {
  const name = sectionAttachType(program.section);
  return {
    attachType: name === undefined ? 0 : ATTACH_TYPES[name],
    flags: sectionLoadFlags(program.section),
  };
};

/** The last line; to one of its messages the kernel adds its figures without a new line. */
const lastLine = (message: string): string =>
  (message.trim().split("\n").at(-1) ?? "").replace(/processed \d+ insns .*$/, "");
const line = (name: string, isAccepted: boolean, message: string): string =>
  `${name}: ${isAccepted ? "accepted" : lastLine(message)}`;

/** A session of its own each: a map of programs belongs to the first type that uses it. */
function kernelLine(program: Program): string {
  const session = new KernelSession();
  try {
    const { isAccepted, message, program: loaded } = session.load(program, { ...load(program), logLevel: 1 });
    loaded?.close();
    return line(program.name, isAccepted, message);
  } finally {
    session.close();
  }
}

const kept = (): Map<string, string> =>
  new Map(
    readFileSync(LIST, "utf8")
      .trim()
      .split("\n")
      .map((text) => [text.slice(0, text.indexOf(":")), text]),
  );

describe("the programs of objects/verdicts", () => {
  it.skipIf(missing !== undefined)("get from this kernel the verdicts that are kept", () => {
    const lines = programs.map(kernelLine);
    if (WRITES_LIST) writeFileSync(LIST, `${lines.join("\n")}\n`);
    expect(lines).toEqual([...kept().values()]);
  });

  it("get those verdicts from us, in those words", () => {
    const verdicts = kept();
    const [others, words] = [OTHER_VERDICT, OTHER_MESSAGE].map((table) => Object.values(table).flat());
    const wrong = programs.flatMap((program) => {
      const { name } = program;
      const { isAccepted, message } = judge(program, { ...load(program), kernelBtf });
      const ours = line(name, isAccepted, message);
      const kernels = verdicts.get(name);
      const isSame = isAccepted === (kernels === `${name}: accepted`);
      if (isSame === others.includes(name)) return [`${ours}; kept: ${kernels}`];
      return isSame && (ours === kernels) === words.includes(name) ? [`${ours}; kept: ${kernels}`] : [];
    });
    expect(wrong).toEqual([]);
  });

  it("are many of both kinds, and all that are kept", () => {
    const verdicts = [...kept().values()];
    const accepted = verdicts.filter((text) => text.endsWith(": accepted")).length;
    expect(accepted).toBeGreaterThan(100);
    expect(verdicts.length - accepted).toBeGreaterThan(100);
    expect([...kept().keys()]).toEqual(programs.map(({ name }) => name));
  });
});
