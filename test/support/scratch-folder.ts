// A folder for a test file's own files, which is gone when its tests have run.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";

export interface ScratchFolder {
  readonly folder: string;
  /** Makes a file with this in it; its path. */
  fileOf(name: string, content: string | Uint8Array): string;
}

export function scratchFolder(purpose: string): ScratchFolder {
  const folder = mkdtempSync(join(tmpdir(), `tracebee-${purpose}-`));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const fileOf = (name: string, content: string | Uint8Array): string => {
    const path = join(folder, name);
    writeFileSync(path, content);
    return path;
  };
  return { folder, fileOf };
}
