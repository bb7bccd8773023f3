// The kernel's own sample programs for BPF: tools/testing/selftests/bpf/progs of Debian's linux-source-6.1, compiled
// here. Sources, headers and objects are kept in a folder for temporary files; what is there is not made again.

import { execFile, execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { basename, join } from "node:path";
import { KERNEL_TYPES } from "./live-kernel.ts";

const TARBALL = "/usr/src/linux-source-6.1.tar.xz";
const SELFTESTS = "tools/testing/selftests/bpf";
const BPFTOOL = "/usr/sbin/bpftool";
const HELPERS = "/usr/include/bpf/bpf_helpers.h";
const SYSTEM_HEADERS = "/usr/include/x86_64-linux-gnu";

/** One that does not end in this time (ms) counts as one that does not compile. */
const COMPILE_LIMIT = 120_000;

const hashOf = (...parts: readonly (string | Uint8Array)[]): string => {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part).update("\0");
  return hash.digest("hex").slice(0, 16);
};

/** What is missing to compile the samples with that compiler; undefined when nothing is. */
export function selftestsMissing(compiler: string): string | undefined {
  const needed: readonly (readonly [path: string, what: string])[] = [
    [TARBALL, "linux-source-6.1"],
    [`/usr/bin/${compiler}`, compiler],
    [BPFTOOL, "bpftool"],
    [HELPERS, "libbpf-dev"],
    [SYSTEM_HEADERS, "libc6-dev"],
    [KERNEL_TYPES, "a kernel with BTF"],
  ];
  return needed.find(([path]) => !existsSync(path))?.[1];
}

/** A folder that is made once: whoever is interrupted in it leaves nothing behind that looks whole. */
function folderOnce(path: string, make: (unfinished: string) => void): string {
  if (existsSync(path)) return path;
  const unfinished = `${path}.${process.pid}`;
  mkdirSync(unfinished, { recursive: true });
  make(unfinished);
  renameSync(unfinished, path);
  return path;
}

/** Sources and headers, with the header of the running kernel's types. */
function unpackSources(): string {
  const { size, mtimeMs } = statSync(TARBALL);
  const types = readFileSync(KERNEL_TYPES);
  const key = hashOf(`${size} ${mtimeMs}`, types);
  return folderOnce(join(tmpdir(), `tracebee-selftests-${key}`), (folder) => {
    const wanted = [`*/${SELFTESTS}/*.h`, `*/${SELFTESTS}/progs/*`, "*/tools/include/uapi/*"];
    const strip = ["--strip-components=1", "--wildcards"];
    execFileSync("tar", ["-xJf", TARBALL, "-C", folder, ...strip, ...wanted]);
    const dump = ["btf", "dump", "file", KERNEL_TYPES, "format", "c"];
    writeFileSync(join(folder, "vmlinux.h"), execFileSync(BPFTOOL, dump, { maxBuffer: 1 << 26 }));
  });
}

/** As the selftests' own Makefile compiles them. */
function flagsFor(compiler: string, folder: string): readonly string[] {
  const own = execFileSync(compiler, ["-print-resource-dir"], { encoding: "utf8" }).trim();
  const headers = [folder, join(folder, SELFTESTS), join(folder, "tools/include/uapi")];
  return [
    ...["-target", "bpf", "-mcpu=v3", "-g", "-O2", "-D__TARGET_ARCH_x86", "-mlittle-endian"],
    ...headers.map((path) => `-I${path}`),
    ...["-idirafter", join(own, "include"), "-idirafter", SYSTEM_HEADERS],
    ...["-Wno-everything", "-fdebug-compilation-dir=."],
  ];
}

/** Makes an object, or a file that says why there is none. */
function compileOne(
  compiler: string,
  flags: readonly string[],
  source: string,
  object: string,
): Promise<void> {
  const unfinished = `${object}.${process.pid}`;
  return new Promise((resolve) => {
    const args = [...flags, "-c", source, "-o", unfinished];
    execFile(compiler, args, { timeout: COMPILE_LIMIT, maxBuffer: 1 << 26 }, (error, _, stderr) => {
      if (error === null) renameSync(unfinished, object);
      else writeFileSync(`${object}.failure`, stderr || String(error));
      resolve();
    });
  });
}

/** Compiles every sample that is not there yet. Gives the objects by the names of their sources, sorted. */
export async function compileSelftests(compiler: string): Promise<ReadonlyMap<string, string>> {
  const folder = unpackSources();
  const flags = flagsFor(compiler, folder);
  const version = execFileSync(compiler, ["--version"]);
  const objects = join(folder, `objects-${hashOf(version, flags.join(" "))}`);
  mkdirSync(objects, { recursive: true });
  const progs = join(folder, SELFTESTS, "progs");
  const sources = readdirSync(progs)
    .filter((name) => name.endsWith(".c"))
    .sort();
  const objectOf = (source: string): string => join(objects, `${basename(source, ".c")}.o`);
  const left = sources.filter((source) => {
    const object = objectOf(source);
    return !existsSync(object) && !existsSync(`${object}.failure`);
  });
  const work = async (): Promise<void> => {
    for (let source = left.pop(); source !== undefined; source = left.pop()) {
      await compileOne(compiler, flags, join(progs, source), objectOf(source));
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, work));
  const made = sources.filter((source) => existsSync(objectOf(source)));
  return new Map(made.map((source) => [basename(source, ".c"), objectOf(source)]));
}
