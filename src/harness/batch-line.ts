// Reads a line of the batch format (docs/batch.md): JSON text in, fields of the right kinds and sizes out, or a
// LineError that names the field. Makes nothing and runs nothing.

import { ATTACH_TYPES, type AttachType, sectionAttachType } from "../attach-types.ts";
import { type Btf, parseBtf } from "../btf/btf.ts";
import { LoadError } from "../errors.ts";
import { SLOT_SIZE } from "../isa/insn.ts";
import type { MapSpec, ProgramFunction } from "../program.ts";
import { PROGRAM_TYPES, type ProgramType } from "../program-types.ts";
import type { TestInput } from "../test-run/context.ts";
import { seesPacket } from "../test-run/test-run.ts";
import { fromHex } from "./hex.ts";

export type Pair<T> = readonly [T, T];

/** A line, every field of the right kind. */
export interface BatchLine {
  readonly type: ProgramType;
  readonly insns: Uint8Array;
  /** Slots of `lddw` instructions, each with the index of its map. */
  readonly relo: readonly Pair<number>[];
  readonly maps: readonly BatchMap[];
  readonly btf: Btf | undefined;
  /** The types of the program's functions in `btf`; undefined where the line says nothing of them. */
  readonly functions: readonly ProgramFunction[] | undefined;
  readonly license: string;
  /** `enum bpf_attach_type`. */
  readonly attachType: number;
  readonly flags: number;
  readonly caps: "all" | "bpf";
  /** A rejection is explained as well. */
  readonly explain: boolean;
  /** Missing when the program is only to be judged. */
  readonly input: TestInput | undefined;
  readonly limit: number | undefined;
}

/** A map and the keys and values that it starts with. */
export interface BatchMap {
  readonly spec: MapSpec;
  readonly entries: readonly Pair<Uint8Array>[];
}

/** A wrong line; its message becomes the answer's `error`. */
export class LineError extends Error {}

export type Fields = Readonly<Record<string, unknown>>;

const U32_MAX = 0xffff_ffff;

/** A value in a message. */
function show(value: unknown): string {
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object" && value !== null) return "an object";
  const text = JSON.stringify(value) ?? "nothing";
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}

function wrong(place: string, expected: string, value: unknown): LineError {
  return new LineError(`${place}: expected ${expected}, got ${show(value)}`);
}

function expectFields(value: unknown, place: string): Fields {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Fields;
  throw wrong(place, "an object", value);
}

/** A list, empty where there is none. */
function expectList(value: unknown, place: string): readonly unknown[] {
  if (value === undefined) return [];
  if (Array.isArray(value)) return value;
  throw wrong(place, "a list", value);
}

function expectPair(value: unknown, place: string): Pair<unknown> {
  if (Array.isArray(value) && value.length === 2) return [value[0], value[1]];
  throw wrong(place, "a list of two", value);
}

function expectString(value: unknown, place: string): string {
  if (typeof value === "string") return value;
  throw wrong(place, "a string", value);
}

function expectNumber(value: unknown, place: string, low = 0, high = Number.MAX_SAFE_INTEGER): number {
  if (Number.isInteger(value) && (value as number) >= low && (value as number) <= high)
    return value as number;
  throw wrong(place, `a whole number in ${low}..${high}`, value);
}

function expectHex(value: unknown, place: string): Uint8Array {
  const bytes = typeof value === "string" ? fromHex(value) : undefined;
  if (bytes === undefined) throw wrong(place, "hexadecimal digits in pairs", value);
  return bytes;
}

function expectBytes(value: unknown, place: string, size: number): Uint8Array {
  const bytes = expectHex(value, place);
  if (bytes.length === size) return bytes;
  throw new LineError(`${place}: expected ${size} bytes, got ${bytes.length}`);
}

/** A map, and its inner map where it has one. Types are ids in `btf`. */
function readSpec(value: unknown, name: string, btf: Btf | undefined): MapSpec {
  const fields = expectFields(value, name);
  const number = (field: string, fallback?: number): number =>
    expectNumber(fields[field] ?? fallback, `${name}.${field}`, 0, U32_MAX);
  const typeId = (field: string): number => {
    const id = number(field, 0);
    if (id < (btf?.count ?? 1)) return id;
    throw wrong(`${name}.${field}`, "a type of btf", id);
  };
  const [keyType, valueType] = [typeId("key_type"), typeId("value_type")];
  return {
    name,
    type: number("type"),
    keySize: number("key"),
    valueSize: number("value"),
    maxEntries: number("max"),
    flags: number("flags", 0),
    ...(btf === undefined || valueType === 0 ? {} : { btf, keyType, valueType }),
    ...(fields.inner === undefined ? {} : { innerMap: readSpec(fields.inner, `${name}.inner`, btf) }),
  };
}

function readMap(value: unknown, index: number, btf: Btf | undefined): BatchMap {
  const name = `maps[${index}]`;
  const spec = readSpec(value, name, btf);
  const fields = expectFields(value, name);
  const entries = expectList(fields.entries, `${name}.entries`).map((entry, at): Pair<Uint8Array> => {
    const place = `${name}.entries[${at}]`;
    const [key, content] = expectPair(entry, place);
    return [
      expectBytes(key, `${place}: key`, spec.keySize),
      expectBytes(content, `${place}: value`, spec.valueSize),
    ];
  });
  return { spec, entries };
}

function readInsns(value: unknown): Uint8Array {
  const insns = expectHex(value, "insns");
  if (insns.length % SLOT_SIZE === 0) return insns;
  throw new LineError(`insns: expected a multiple of ${SLOT_SIZE} bytes, got ${insns.length}`);
}

function readRelo(value: unknown, mapCount: number): Pair<number>[] {
  return expectList(value, "relo").map((item, index) => {
    const place = `relo[${index}]`;
    const [slot, map] = expectPair(item, place);
    if (mapCount === 0) throw wrong(place, "maps on the line", undefined);
    return [expectNumber(slot, `${place}: insn`), expectNumber(map, `${place}: map`, 0, mapCount - 1)];
  });
}

/** Types of the program and its maps. */
function readBtf(value: unknown): Btf | undefined {
  if (value === undefined) return undefined;
  try {
    return parseBtf(expectHex(value, "btf"));
  } catch (error) {
    if (!(error instanceof LoadError)) throw error;
    throw new LineError(`btf: ${error.message}`);
  }
}

function readFunctions(value: unknown, btf: Btf | undefined): ProgramFunction[] | undefined {
  if (value === undefined) return undefined;
  return expectList(value, "func_info").map((item, index) => {
    const place = `func_info[${index}]`;
    const [slot, id] = expectPair(item, place);
    const typeId = expectNumber(id, `${place}: type`, 1, (btf?.count ?? 1) - 1);
    return { slot: expectNumber(slot, `${place}: insn`), typeId, name: btf?.type(typeId).name ?? "" };
  });
}

function readInput({ data, ctx }: Fields, type: ProgramType): TestInput | undefined {
  if (data === undefined && ctx === undefined) return undefined;
  if (data !== undefined && ctx !== undefined && !seesPacket(type)) {
    throw new LineError(`ctx: expected data or ctx for ${type}, got both`);
  }
  return {
    data: data === undefined ? undefined : expectHex(data, "data"),
    ctx: ctx === undefined ? undefined : expectHex(ctx, "ctx"),
  };
}

/** The number of an attach type: by its kernel name, or by a section name that asks for it; 0 for any other place. */
function readAttach(value: unknown): number {
  if (value === undefined) return 0;
  const text = expectString(value, "attach");
  const name = text.toLowerCase().replace(/^bpf_/, "");
  const type = Object.hasOwn(ATTACH_TYPES, name) ? (name as AttachType) : sectionAttachType(text);
  return type === undefined ? 0 : ATTACH_TYPES[type];
}

function readCaps(value: unknown): "all" | "bpf" {
  if (value === undefined) return "all";
  if (value === "all" || value === "bpf") return value;
  throw wrong("caps", '"all" or "bpf"', value);
}

function expectBoolean(value: unknown, name: string): boolean {
  if (typeof value === "boolean") return value;
  throw wrong(name, "true or false", value);
}

/** The fields of a line. Throws a LineError for what is not JSON, or no object. */
export function parseLine(text: string): Fields {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new LineError(`line: expected JSON, got ${error instanceof Error ? error.message : error}`);
  }
  return expectFields(value, "line");
}

/** Reads all fields but the id, which may be anything. Fields that the format does not know are passed over. */
export function readLine(fields: Fields): BatchLine {
  const { type, license, limit, attach, flags, caps, explain = false } = fields;
  if (typeof type !== "string" || !Object.hasOwn(PROGRAM_TYPES, type)) {
    throw wrong("type", "a program type", type);
  }
  const btf = readBtf(fields.btf);
  const maps = expectList(fields.maps, "maps").map((map, index) => readMap(map, index, btf));
  return {
    type: type as ProgramType,
    insns: readInsns(fields.insns),
    relo: readRelo(fields.relo, maps.length),
    maps,
    btf,
    functions: readFunctions(fields.func_info, btf),
    license: license === undefined ? "" : expectString(license, "license"),
    attachType: readAttach(attach),
    flags: flags === undefined ? 0 : expectNumber(flags, "flags", 0, U32_MAX),
    caps: readCaps(caps),
    explain: expectBoolean(explain, "explain"),
    input: readInput(fields, type as ProgramType),
    limit: limit === undefined ? undefined : expectNumber(limit, "limit", 1),
  };
}
