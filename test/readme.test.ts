// README.md is true where a machine can tell: its example is the file that runs as a test, its figures are those of the
// last benchmark run, the files and commands that it names are there.

import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { type Report, withFigures } from "../dist/bench/report.js";
import * as tracebee from "../dist/src/index.js";

const read = (path: string): string => readFileSync(new URL(`../${path}`, import.meta.url), "utf8");
const readme = read("README.md");
const guide = read("docs/guide.md");

describe("docs/guide.md", () => {
  it("shows code that runs as a test", () => {
    const blocks = [...guide.matchAll(/^```ts\n([\s\S]*?)^```/gm)].map(([, code]) => code);
    expect(blocks.length).toBeGreaterThan(4);
    const file = read("examples/guide.test.ts");
    expect(blocks.filter((code) => !file.includes(code))).toEqual([]);
  });

  it("names what the library exports", () => {
    const names = [...guide.matchAll(/(?<![.\w])`(?:new )?([A-Z][a-z]\w+|\w+(?=\())[(`]/g)].map(
      ([, name]) => name,
    );
    const own = names.filter((name) => name !== "TypeError" && name !== "RangeError");
    expect(own.length).toBeGreaterThan(8);
    expect(own.filter((name) => !(name in tracebee))).toEqual([]);
  });
});

describe("README.md", () => {
  it("shows an example of about twenty lines that runs as a test", () => {
    const code = /^```ts\n([\s\S]*?)^```/m.exec(readme)?.[1] ?? "";
    const file = read("examples/dropmon.test.ts");
    expect(code).toBe(file.slice(file.indexOf("import ")));
    expect(code.split("\n").filter((line) => line !== "").length).toBeLessThanOrEqual(20);
  });

  it("quotes the figures of the last benchmark run", () => {
    const report = JSON.parse(read("bench/results/interpreters.json")) as Report;
    expect(withFigures(readme, report)).toBe(readme);
  });

  it("names files that are there", () => {
    const links = [...readme.matchAll(/\]\(([^)#]+)\)/g)].map(([, path]) => path);
    const paths = [...readme.matchAll(/`((?:src|assembly|test|examples|bench|docs|\.ci)\/[\w./-]*)`/g)];
    const named = [...links.filter((link) => !link.startsWith("http")), ...paths.map(([, path]) => path)];
    expect(named.length).toBeGreaterThan(10);
    expect(named.filter((path) => !existsSync(new URL(`../${path}`, import.meta.url)))).toEqual([]);
  });

  it("names what the library exports", () => {
    const api = readme.slice(readme.indexOf("## API"), readme.indexOf("Bad input ends"));
    const names = [...api.matchAll(/^\| `(?:new )?(\w+)[(`]/gm)].map(([, name]) => name);
    const exported = names.filter((name) => name !== "executable" && name !== "tracebee");
    expect(exported.length).toBeGreaterThan(5);
    expect(exported.filter((name) => !(name in tracebee))).toEqual([]);
  });
});
