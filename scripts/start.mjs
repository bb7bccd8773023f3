// `npm start`: the main job. Counts a million recorded packet drops by location with a BPF program, once per engine.

import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { makeReady, root } from "./ready.mjs";

makeReady();
const args = [
  "run",
  "examples/dropmon.bpf.o",
  "--replay",
  "examples/recordings/kfree_skb.trace",
  "--events",
  "1000000",
];
const { status } = spawnSync(
  process.execPath,
  [join(root, "dist/src/cli/main.js"), ...args, "--engine", "ts,wasm"],
  {
    cwd: root,
    stdio: "inherit",
  },
);
process.exitCode = status ?? 1;
