// Test data that nobody here wrote, found through TRACEBEE_ORACLES (default: the folder `shared` beside the project).

import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";

export const ORACLES =
  process.env.TRACEBEE_ORACLES ?? fileURLToPath(new URL("../../../shared", import.meta.url));

/** The bytes of a file of `oracles/`, unpacked; undefined, and said so, where there is none. */
export function readOracleBytes(name: string): Uint8Array | undefined {
  const path = `${ORACLES}/oracles/${name}`;
  if (!existsSync(path)) {
    console.log(`skipped: no ${name} (set TRACEBEE_ORACLES to the folder that has oracles/)`);
    return undefined;
  }
  const bytes = readFileSync(path);
  return new Uint8Array(name.endsWith(".gz") ? gunzipSync(bytes) : bytes);
}

/** The JSON in such a file. */
export function readOracle<T>(name: string): T | undefined {
  const bytes = readOracleBytes(name);
  return bytes && (JSON.parse(new TextDecoder().decode(bytes)) as T);
}
