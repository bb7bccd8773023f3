// Reading what commands work on: programs from files of any kind, traces with what belongs to them.

import { createReadStream, existsSync, readdirSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { parseFormat, type TracepointFormat } from "../attach/format.ts";
import type { TraceSource } from "../attach/replay.ts";
import { SymbolTable } from "../attach/symbols.ts";
import { atPlace, LoadError } from "../errors.ts";
import { isElf } from "../loader/elf.ts";
import { load } from "../loader/load.ts";
import type { ObjectFile } from "../loader/object-file.ts";
import type { Program } from "../program.ts";
import { PROGRAM_TYPES, type ProgramType } from "../program-types.ts";
import { expectNoFolder, readBytes, UsageError } from "./command.ts";

/** A program type's name. */
export function readProgramType(text: string | undefined): ProgramType | undefined {
  if (text === undefined || Object.hasOwn(PROGRAM_TYPES, text)) return text as ProgramType | undefined;
  throw new UsageError(`--type: expected a program type (xdp, tracepoint, raw …), got "${text}"`);
}

/** Bytes that are text through and through: assembly, then, rather than instructions. */
function isText(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte >= 0x20 || byte === 9 || byte === 10 || byte === 13);
}

/** The object with a type for those of its programs whose section names say none. */
function withType(object: ObjectFile, type: ProgramType | undefined): ObjectFile {
  if (type === undefined) return object;
  const programs = [...object.programs].map(([name, program]): [string, Program] => [
    name,
    program.type === "unspec" ? program.with({ type }) : program,
  ]);
  return { ...object, programs: new Map(programs) };
}

/**
 * Loads an object, a text of assembly or bare instructions. The file's name stands before what is wrong with it, also
 * when there is no program in it.
 */
export function loadFile(file: string, type?: ProgramType): ObjectFile {
  const bytes = readBytes(file);
  const name = basename(file).replace(/\.(bpf\.)?(o|s|asm|bin)$/, "");
  const isAssembly = !isElf(bytes) && isText(bytes);
  const input = isAssembly ? bytes.toString("utf8") : new Uint8Array(bytes);
  const place = isAssembly && !/\.(s|asm)$/.test(file) ? `${file}, taken for assembly` : file;
  if (isAssembly && /\.c$/.test(file)) {
    const problem = "expected an object (clang -target bpf -g -O2 -c makes one), got C source";
    throw new LoadError("bad-magic", file, problem);
  }
  const given = type === undefined ? {} : { type };
  const object = withType(
    atPlace(place, () => load(input, { name, ...given })),
    type,
  );
  if (object.programs.size > 0) return object;
  const [failure] = object.failures.values();
  throw failure?.within(file) ?? new LoadError("bad-program", file, "expected a program, got none");
}

/** The programs of an object, or the one of that name. Throws why that one could not be loaded, or a UsageError. */
export function choosePrograms(object: ObjectFile, name: string | undefined): Program[] {
  if (name === undefined) return [...object.programs.values()];
  const program = object.programs.get(name);
  if (program !== undefined) return [program];
  const known = [...object.programs.keys()].join(" or ");
  throw object.failures.get(name) ?? new UsageError(`--program: expected ${known}, got "${name}"`);
}

/** A trace and what it needs to be read. */
export interface TraceInput {
  readonly file: string;
  /** Bytes. */
  readonly size: number;
  readonly source: TraceSource;
  readonly formats: readonly TracepointFormat[];
  readonly symbols: SymbolTable | undefined;
}

/** The format files below a folder laid out as tracefs lays out `events`: SYSTEM/EVENT/format. */
function readFormats(folder: string): TracepointFormat[] {
  const formats: TracepointFormat[] = [];
  for (const system of readdirSync(folder, { withFileTypes: true })) {
    if (!system.isDirectory()) continue;
    for (const event of readdirSync(join(folder, system.name), { withFileTypes: true })) {
      const place = join(folder, system.name, event.name, "format");
      if (!event.isDirectory() || !existsSync(place)) continue;
      formats.push(parseFormat(readBytes(place).toString("utf8"), { system: system.name, place }));
    }
  }
  return formats;
}

/**
 * Opens a trace. Formats are looked for in `formats`, or in the folder `events` beside the trace; symbols in
 * `symbols`, or in the file of the trace's name with the ending `.symbols`, where there is one.
 */
export function openTrace(file: string, formats?: string, symbols?: string): TraceInput {
  expectNoFolder(file);
  const folder = formats ?? join(dirname(file), "events");
  const known = existsSync(folder) ? readFormats(folder) : [];
  if (known.length === 0) {
    throw new UsageError(`--formats: expected a folder of SYSTEM/EVENT/format files, got none at ${folder}`);
  }
  const beside = file.replace(/(\.[^./]+)?$/, ".symbols");
  const table = symbols ?? (existsSync(beside) ? beside : undefined);
  return {
    file,
    size: statSync(file).size,
    source: () => createReadStream(file, { highWaterMark: 1 << 18 }),
    formats: known,
    symbols:
      table === undefined
        ? undefined
        : SymbolTable.parse(readBytes(table).toString("utf8"), { place: table }),
  };
}
