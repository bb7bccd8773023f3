// What the core exports: runs of the interpreter, what compiled programs call, and a mirror of the shared layout for
// the test that compares both sides. The host reaches maps and helpers by the same sources, compiled by tsc.

import "./memory";

export {
  callHelper, hashLookup4, hashLookup8, loadProbed, mapDelete, mapLookup, mapUpdate, packetAt, random,
} from "./direct";
export { layoutWord } from "./mirror";
export { run } from "./run";
