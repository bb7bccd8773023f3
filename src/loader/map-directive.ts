// The directive of our own assembly that declares a map: `.map counts type=hash key=4 value=8 max=1024`. Sizes
// are bytes; what is not given is 0.

import { LoadError } from "../errors.ts";
import { MAP_TYPE_NAMES } from "../map-type-names.ts";
import type { MapSpec } from "../program.ts";

const FIELDS: Readonly<Record<string, "type" | "keySize" | "valueSize" | "maxEntries" | "flags">> = {
  type: "type",
  key: "keySize",
  value: "valueSize",
  max: "maxEntries",
  flags: "flags",
};

/** The number of a map type given by name or number; undefined when there is none. */
function numberIn(field: string, text: string): number | undefined {
  const named = field === "type" ? MAP_TYPE_NAMES.indexOf(text.toLowerCase()) : -1;
  if (named > 0) return named;
  const value = /^(0x[0-9a-f]+|\d+)$/i.test(text) ? Number(text) : Number.NaN;
  return value <= 0xffffffff ? value : undefined;
}

/** Reads what stands behind `.map`. Throws a LoadError (`bad-syntax`) at `place`. */
export function readMapDirective(text: string, place: string): MapSpec {
  const fail = (expected: string, got: string): never => {
    throw new LoadError("bad-syntax", place, `expected ${expected}, got '${got}'`);
  };
  const [name = "", ...settings] = text.trim().split(/[\s,]+/);
  if (!/^[A-Za-z_][\w.]*$/.test(name)) fail("a map's name after .map", name);
  const fields = { type: 0, keySize: 0, valueSize: 0, maxEntries: 0, flags: 0 };
  for (const setting of settings) {
    const [key = "", value = ""] = setting.split("=", 2);
    const field = Object.hasOwn(FIELDS, key) ? FIELDS[key] : undefined;
    if (field === undefined) return fail(`one of ${Object.keys(FIELDS).join("=, ")}=`, setting);
    const number = numberIn(key, value);
    if (number === undefined) return fail(key === "type" ? "a map type" : `a number for ${key}`, value);
    fields[field] = number;
  }
  if (fields.type === 0) fail("type=… for the map", text.trim());
  return { name, ...fields };
}
