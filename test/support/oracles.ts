// Test data that nobody here wrote, found through TRACEBEE_ORACLES (default: the folder `shared` beside the project).

import { existsSync, readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";

const FOLDER = process.env.TRACEBEE_ORACLES ?? new URL("../../../shared", import.meta.url).pathname;

/** The JSON in a file of `oracles/`; undefined, and said so, where there is none. */
export function readOracle<T>(name: string): T | undefined {
  const path = `${FOLDER}/oracles/${name}`;
  if (!existsSync(path)) {
    console.log(`skipped: no ${name} (set TRACEBEE_ORACLES to the folder that has oracles/)`);
    return undefined;
  }
  const bytes = readFileSync(path);
  return JSON.parse((name.endsWith(".gz") ? gunzipSync(bytes) : bytes).toString("utf8")) as T;
}
