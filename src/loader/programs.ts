// Links every program of an object and sorts them into those that load and those that do not.

import { atPlace, LoadError } from "../errors.ts";
import type { Program } from "../program.ts";
import { type ProgramType, sectionMeaning } from "../program-types.ts";
import type { EntryPoint, FunctionTable } from "./functions.ts";
import type { Linker } from "./link.ts";
import type { LoadOptions } from "./object-file.ts";

type Types = NonNullable<LoadOptions["types"]>;

/** The type that the caller gives the program or its section, else the one that the section's name means. */
function typeOf(entry: EntryPoint, types: Types): { type: ProgramType; attachTo: string | undefined } {
  const section = entry.code.section.name;
  const meaning = sectionMeaning(section);
  const given = [entry.name, section].find((key) => Object.hasOwn(types, key));
  const type = given === undefined ? meaning?.type : types[given];
  return { type: type ?? "unspec", attachTo: meaning?.attachTo };
}

/** Programs by name, and for those that cannot be loaded the reasons. */
export interface LinkedPrograms {
  readonly programs: Map<string, Program>;
  readonly failures: Map<string, LoadError>;
}

/** Links the programs of an object. Throws a LoadError (`bad-elf`) only when two have the same name. */
export function linkPrograms(linker: Linker, functions: FunctionTable, types: Types = {}): LinkedPrograms {
  const programs = new Map<string, Program>();
  const failures = new Map<string, LoadError>();
  const attempt = (name: string, link: () => Program): void => {
    if (programs.has(name) || failures.has(name)) {
      throw new LoadError("bad-elf", `program ${name}`, "expected one program of that name, got two");
    }
    try {
      programs.set(name, atPlace(`program ${name}`, link));
    } catch (error) {
      if (!(error instanceof LoadError)) throw error;
      failures.set(name, error);
    }
  };
  for (const entry of functions.entries) {
    const { type, attachTo } = typeOf(entry, types);
    attempt(entry.name, () => {
      if (type !== "struct_ops") return linker.link(entry, type, attachTo);
      throw new LoadError(
        "unsupported",
        "",
        "expected a program that runs on its own, got one of struct_ops",
      );
    });
  }
  for (const code of functions.hidden) {
    if (linker.isLinked(code)) continue;
    attempt(code.name, () => {
      throw new LoadError("unsupported", "", "expected a global function, got a static one");
    });
  }
  return { programs, failures };
}
