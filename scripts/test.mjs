// `npm test`: builds, runs every test, and ends in one line: `N passed, N failed`, with `, N skipped` when some were.

import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makeReady, root } from "./ready.mjs";

makeReady();
const folder = mkdtempSync(join(tmpdir(), "tracebee-test-"));
const report = join(folder, "report.json");
const { status } = spawnSync(
  process.execPath,
  [
    join(root, "node_modules/vitest/vitest.mjs"),
    "run",
    "--reporter=default",
    "--reporter=json",
    `--outputFile.json=${report}`,
    ...process.argv.slice(2),
  ],
  { cwd: root, stdio: "inherit" },
);
let failed = status === 0 ? 0 : 1;
let summary = "0 passed, 1 failed";
try {
  const { numPassedTests, numFailedTests, numPendingTests, numTodoTests, testResults } = JSON.parse(
    readFileSync(report, "utf8"),
  );
  // A file that does not load has no test that could fail.
  const brokenFiles = testResults.filter(
    ({ status, assertionResults }) => status === "failed" && assertionResults.length === 0,
  );
  failed = Math.max(failed, numFailedTests + brokenFiles.length);
  const skipped = numPendingTests + numTodoTests;
  summary = `${numPassedTests} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`;
} catch {
  // No report: vitest itself did not run, and has said why.
}
rmSync(folder, { recursive: true, force: true });
console.log(summary);
process.exitCode = failed > 0 ? 1 : 0;
