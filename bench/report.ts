// What a run of the benches found, and the tables that the terminal and README.md show of it.

export interface ReplayRow {
  readonly engine: string;
  /** `keep`: each line of the trace parsed once, then repeated; `parse`: parsed anew for every event. */
  readonly mode: string;
  readonly elapsedMs: number;
  readonly executionMs: number;
}

/** A program's verification: medians of microseconds here and, where it may be asked, in the machine's own kernel. */
export interface VerificationRow {
  readonly program: string;
  /** Slots. */
  readonly size: number;
  /** Instructions looked at, over all ways. */
  readonly processed: number;
  readonly microseconds: number;
  readonly kernel?: { readonly processed: number; readonly microseconds: number };
}

/** The file bench/results/interpreters.json. */
export interface Report {
  readonly date: string;
  readonly tracebee: string;
  readonly node: string;
  readonly cpu: string;
  readonly system: string;
  readonly rounds: number;
  /** Medians, by row and workload. */
  readonly nsPerEvent: Readonly<Record<string, Readonly<Record<string, number>>>>;
  readonly replayEvents: number;
  readonly replay: readonly ReplayRow[];
  readonly verification?: readonly VerificationRow[];
}

export interface Table {
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** The row that ratios are to; without a C compiler, the fastest engine's. */
export const FLOOR = "C, computed goto";

const count = (value: number): string => Math.round(value).toLocaleString("en-US");

/** Medians of ns per event, with ratios to the C floor where there is one, else to `wasm`. */
export function interpreterTable({ nsPerEvent }: Report): Table {
  const base = FLOOR in nsPerEvent ? FLOOR : "wasm";
  const labels = [FLOOR, ...Object.keys(nsPerEvent).filter((label) => label !== FLOOR)];
  const names = Object.keys(nsPerEvent[base]);
  const rows = labels
    .filter((label) => label in nsPerEvent)
    .map((label) => [
      label,
      ...names.flatMap((name) => {
        const ns = nsPerEvent[label][name];
        return [ns.toFixed(1), (ns / nsPerEvent[base][name]).toFixed(2)];
      }),
    ]);
  return { head: ["ns per event", ...names.flatMap((name) => [name, `÷ ${base.split(",")[0]}`])], rows };
}

export function replayTable({ replay, replayEvents }: Report): Table {
  const rows = replay.map(({ engine, mode, elapsedMs, executionMs }) => [
    engine,
    mode === "parse" ? "every event" : "once, then repeated",
    count((replayEvents / elapsedMs) * 1000),
    ((executionMs / replayEvents) * 1e6).toFixed(1),
    (((elapsedMs - executionMs) / replayEvents) * 1e6).toFixed(1),
  ]);
  return {
    head: ["engine", "lines parsed", "events/s in all", "ns/event in the program", "ns/event beside it"],
    rows,
  };
}

export function verificationTable(rows: readonly VerificationRow[]): Table {
  const rate = (each: { readonly processed: number; readonly microseconds: number }): string =>
    count((each.processed / each.microseconds) * 1e6);
  return {
    head: [
      "verified program",
      "size",
      "processed",
      "ms",
      "processed/s",
      "the kernel: processed",
      "ms",
      "÷ kernel",
    ],
    rows: rows.map((row) => [
      row.program,
      count(row.size),
      count(row.processed),
      (row.microseconds / 1000).toFixed(2),
      rate(row),
      ...(row.kernel === undefined
        ? ["-", "-", "-"]
        : [
            count(row.kernel.processed),
            (row.kernel.microseconds / 1000).toFixed(2),
            (row.microseconds / row.kernel.microseconds).toFixed(2),
          ]),
    ]),
  };
}

function markdown({ head, rows }: Table): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  const isNumeric = head.map((_, column) => rows.every((row) => /^[\d.,]+$/.test(row[column])));
  return [
    line(head),
    `|${isNumeric.map((right) => (right ? "--:" : "---")).join("|")}|`,
    ...rows.map(line),
  ].join("\n");
}

const START = "<!-- figures of bench/results/interpreters.json -->";
const END = "<!-- end of figures -->";

/** README.md with the report's tables in place of those that it had. Throws an Error when it has no place for them. */
export function withFigures(readme: string, report: Report): string {
  const [before, rest] = readme.split(START);
  const after = rest?.split(END)[1];
  if (after === undefined) throw new Error(`README.md: expected ${START} and ${END}`);
  const { cpu, node, rounds, date, verification } = report;
  const text = [
    markdown(interpreterTable(report)),
    `dropmon, ${count(report.replayEvents)} recorded events from the bytes of the trace to the counts in the map:`,
    markdown(replayTable(report)),
    ...(verification === undefined
      ? []
      : [
          "Verification, from the program to the verdict; the kernel's time is that of bpf(2), which compiles as well:",
          markdown(verificationTable(verification)),
        ]),
    `${cpu}, Node ${node}, medians of ${rounds} interleaved rounds, ${date}.`,
  ].join("\n\n");
  return `${before}${START}\n\n${text}\n\n${END}${after}`;
}
