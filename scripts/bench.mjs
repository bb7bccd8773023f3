// `npm run bench`: the benny suites; figures go to bench/results/.

import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { makeReady, root } from "./ready.mjs";

makeReady();
const { status } = spawnSync(process.execPath, [join(root, "dist/bench/main.js")], {
  cwd: root,
  stdio: "inherit",
});
process.exitCode = status ?? 1;
