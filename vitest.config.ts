// Tests run on the built files in dist/, which is what users get; `npm test` builds first.

import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts", "examples/**/*.test.ts"],
    testTimeout: 60_000,
    // Two cores: one for the tests of a file, one for the engines' compilers and a second file.
    maxWorkers: 2,
  },
});
