// Catches the LoadError that a test expects.

import { LoadError } from "../../dist/src/errors.js";

/** The LoadError that `run` throws; fails the test when it throws none, or something else. */
export function failure(run: () => unknown): LoadError {
  try {
    run();
  } catch (error) {
    if (error instanceof LoadError) return error;
    throw error;
  }
  throw new Error("expected a LoadError, got none");
}
