// The package as its users' tools see it: its types under their compilers' settings, its source maps, its entry points.

import { execFile } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, describe, expect, it } from "vitest";

const folder = mkdtempSync(join(tmpdir(), "tracebee-package-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
mkdirSync(join(folder, "node_modules"));
symlinkSync(resolve("."), join(folder, "node_modules/tracebee"));
writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
writeFileSync(
  join(folder, "user.ts"),
  `import { type Collection, defineHelper, instantiate, load, Runtime, VerifierError, type VerifyOptions } from "tracebee";
import { buildProgram, EXIT } from "tracebee/builder";
import { KernelSession } from "tracebee/kernel";

const runtime = new Runtime({ clock: () => 0n });
defineHelper(runtime, { id: 1000, name: "note", args: ["u64", "mem", "size"], body: (a, b, c) => a + BigInt(b.length + c) });
const verify: VerifyOptions = { caps: "bpf" };
const { program }: Collection = instantiate(runtime, load("r0 = 1\\nexit", { type: "xdp" }), { verify });
export const result: bigint = program.run();
export const reasonOf = (error: unknown): string => (error instanceof VerifierError ? error.reason : "");
// @ts-expect-error a number where a name belongs
instantiate(runtime, load(new Uint8Array(8)), { programs: [1] });
export { buildProgram, EXIT, KernelSession };
`,
);

/** What the compiler says; empty when all is well. */
function compile(...options: string[]): Promise<string> {
  const strict = [
    "--noEmit",
    "--strict",
    "--isolatedModules",
    "--verbatimModuleSyntax",
    "--target",
    "es2022",
  ];
  const bare = ["--lib", "es2022", "--types", "", "--skipLibCheck", "false"];
  const tsc = resolve("node_modules/typescript/bin/tsc");
  return new Promise((done) => {
    const args = [tsc, ...strict, ...bare, ...options, "user.ts"];
    execFile(process.execPath, args, { cwd: folder }, (_, stdout, stderr) => done(stdout + stderr));
  });
}

describe("the package", () => {
  it.each([
    ["node16", "node16"],
    ["bundler", "esnext"],
  ])(
    "has types for strict users without the DOM's and Node's (moduleResolution %s)",
    async (kind, module) => {
      expect(await compile("--moduleResolution", kind, "--module", module)).toBe("");
    },
  );

  it("has its sources in its source maps, since it leaves them out", () => {
    const map = JSON.parse(readFileSync("dist/src/verifier/verify.js.map", "utf8"));
    expect(map.sourcesContent).toEqual([readFileSync("src/verifier/verify.ts", "utf8")]);
  });

  it("has every file that it names", () => {
    const { exports, bin, files } = JSON.parse(readFileSync("package.json", "utf8"));
    const paths = [...Object.values(exports), bin].flatMap((each) =>
      typeof each === "string" ? [each] : Object.values(each as Record<string, string>),
    );
    expect(paths.length).toBeGreaterThan(6);
    expect([...paths, ...files].filter((path) => !existsSync(path))).toEqual([]);
  });
});
