// What the core exports: runs of the interpreter, and a mirror of the shared layout for the test that
// compares both sides. Maps and helpers are reached from inside; the host uses the same sources, compiled by tsc.

import "./memory";

export { layoutWord } from "./mirror";
export { run } from "./run";
