// tracebee run: an object, a text or bare instructions, on a trace or on some memory, on one engine or several.

import { failuresOf } from "../engine/collection.ts";
import { toHex } from "../harness/hex.ts";
import { formatTraceLine } from "../trace-output.ts";
import { type Command, expectFile, readArgs, readEngines } from "./command.ts";
import { type Outcome, RUN_OPTIONS, RUN_USAGE, type RunInput, readRunInput, runOn } from "./running.ts";
import { formatCount, formatMap, formatTable, ProgressBar, toJson } from "./tables.ts";

const USAGE = `usage: tracebee run FILE [OPTION...]

Runs a program: an ELF object, a text of assembly, or bare instructions. Prints what it prints, then its result
and its maps; with several engines (--engine ts,wasm or all) also a comparison.

${RUN_USAGE}  --json            results, maps and timings as JSON
`;

/** What a run prints as JSON. */
function toReport({ engine, stats, result, collection }: Outcome): object {
  const maps = Object.fromEntries(
    [...collection.maps].map(([name, map]) => [name, [...map].map(([key, value]) => ({ key, value }))]),
  );
  if (stats !== undefined) {
    const { events, runs, passes, bytes, elapsedMs, executionMs, source } = stats;
    const { lines, malformed, lost } = source;
    return {
      engine,
      events,
      runs,
      passes,
      bytes,
      elapsedMs,
      executionMs,
      source: { lines, malformed, lost },
      maps,
    };
  }
  const { retval = 0n, data = new Uint8Array(0), nanoseconds = 0 } = result ?? {};
  return { engine, retval: `0x${retval.toString(16)}`, data: toHex(data), nanoseconds, maps };
}

function printResult({ stats, result, engine }: Outcome, input: RunInput): void {
  const { stdout } = process;
  if (result !== undefined) {
    const duration = `${Math.round(result.nanoseconds)}ns`;
    stdout.write(`Return value: ${result.retval}, duration (average): ${duration}\n`);
    if (input.data !== undefined && input.data.length > 0) stdout.write(`Data: ${toHex(result.data)}\n`);
    return;
  }
  if (stats === undefined) return;
  const { source } = stats;
  const passed = stats.passes === 1 ? "" : `, ${stats.passes} passes`;
  stdout.write(
    `${engine}: ${formatCount(stats.events)} events in ${stats.elapsedMs.toFixed(0)} ms${passed}\n`,
  );
  if (source.malformed > 0)
    stdout.write(`${formatCount(source.malformed)} lines could not be read: ${source.firstError?.message}\n`);
  if (source.lost > 0)
    stdout.write(`${formatCount(source.lost)} events were lost when the trace was recorded\n`);
}

/** Engines side by side: in all, and in the program alone; ratios to `ts`, or to the first. */
function comparison(outcomes: readonly Outcome[]): string {
  const perEvent = ({ stats }: Outcome): number => ((stats?.executionMs ?? 0) * 1e6) / (stats?.runs ?? 1);
  const base = outcomes.find(({ engine }) => engine === "ts") ?? outcomes[0];
  const rows = outcomes.map((outcome) => {
    const { engine, stats } = outcome;
    const rate = ((stats?.events ?? 0) * 1000) / (stats?.elapsedMs ?? 1);
    const ratio = perEvent(base) / perEvent(outcome);
    return [engine, formatCount(Math.round(rate)), perEvent(outcome).toFixed(1), `${ratio.toFixed(2)}x`];
  });
  return formatTable(["engine", "events/s", "ns/event in the program", `speed, ${base.engine} = 1`], rows);
}

/** True when both engines left the same in every map. */
function mapsAgree(a: Outcome, b: Outcome): boolean {
  const text = ({ collection }: Outcome): string =>
    toJson(
      [...collection.maps].map(([name, map]) => [
        name,
        [...map.entriesBytes()].map((entry) => toJson(entry)).sort(),
      ]),
    );
  return text(a) === text(b);
}

export const run: Command = {
  name: "run",
  summary: "run a program on a recorded trace or on some memory",
  usage: USAGE,
  async run(args) {
    const { values, positionals } = readArgs(args, { ...RUN_OPTIONS, json: { type: "boolean" } });
    const input = readRunInput(expectFile(positionals, "a program"), values);
    const engines = readEngines(values.engine, input.checked !== undefined);
    const { stdout } = process;
    const json = values.json === true;
    for (const failure of failuresOf(input.object))
      process.stderr.write(`tracebee run: left out: ${failure.message}\n`);
    const outcomes: Outcome[] = [];
    for (const engine of engines) {
      const bar = new ProgressBar(engine, input.events ?? 0);
      // Every engine prints the same lines: once is enough.
      const isFirst = outcomes.length === 0;
      const outcome = await runOn(engine, input, {
        onProgress: ({ events }) => bar.update(events),
        ...(json || !isFirst ? {} : { onTrace: (line) => void stdout.write(`${formatTraceLine(line)}\n`) }),
      });
      bar.end();
      outcomes.push(outcome);
      if (!json) printResult(outcome, input);
    }
    const [first] = outcomes;
    if (json) stdout.write(`${toJson(outcomes.length === 1 ? toReport(first) : outcomes.map(toReport))}\n`);
    else {
      for (const map of first.collection.maps.values())
        stdout.write(`\n${formatMap(map, input.trace?.symbols)}`);
      if (outcomes.length > 1 && first.stats !== undefined) stdout.write(`\n${comparison(outcomes)}`);
    }
    const different = outcomes.find((outcome) => !mapsAgree(first, outcome));
    if (different === undefined) return 0;
    process.stderr.write(
      `tracebee run: expected the same maps on ${first.engine} and ${different.engine}, got others\n`,
    );
    return 1;
  },
};
