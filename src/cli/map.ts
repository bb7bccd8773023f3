// tracebee map dump: runs a program, then prints its maps as bpftool's `map dump` does.

import type { BpfMap } from "../maps/map.ts";
import { type Command, readArgs, readEngine, UsageError } from "./command.ts";
import { RUN_OPTIONS, RUN_USAGE, readRunInput, runOn } from "./running.ts";
import { toJson } from "./tables.ts";

const USAGE = `usage: tracebee map dump FILE [--name MAP] [-p] [OPTION of run...]

Runs a program as \`tracebee run\` does and prints its maps as JSON: [{"key": …, "value": …}], decoded through BTF
where the object has it. Without --name every map, under its name.

  --name MAP        this map only
  -p, --pretty      over several lines
${RUN_USAGE}`;

const entries = (map: BpfMap): object[] => [...map].map(([key, value]) => ({ key, value }));

export const map: Command = {
  name: "map",
  summary: "run a program and print its maps as JSON",
  usage: USAGE,
  async run(args) {
    const { values, positionals } = readArgs(args, {
      ...RUN_OPTIONS,
      name: { type: "string" },
      pretty: { type: "boolean", short: "p" },
    });
    const [verb, file, extra] = positionals;
    if (verb !== "dump" || file === undefined || extra !== undefined)
      throw new UsageError("expected: dump FILE");
    const { collection } = await runOn(readEngine(values.engine), readRunInput(file, values));
    const wanted = values.name === undefined ? undefined : collection.maps.get(values.name);
    if (values.name !== undefined && wanted === undefined) {
      throw new UsageError(
        `--name: expected ${[...collection.maps.keys()].join(" or ")}, got "${values.name}"`,
      );
    }
    const all = Object.fromEntries([...collection.maps].map(([name, each]) => [name, entries(each)]));
    const output = wanted === undefined ? all : entries(wanted);
    process.stdout.write(`${toJson(output, values.pretty === true ? 2 : undefined)}\n`);
    return 0;
  },
};
