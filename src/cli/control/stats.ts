// `gw stats`: the counters since the start, or minute by minute, hour by hour, day by day.
import type { ArgsDef } from "citty";
import { oldestOf, readCourse, type Stretch } from "../../admin/history/course.ts";
import type { Counts } from "../../admin/history/summary.ts";
import { prometheusText, statsLines } from "../../admin/metrics.ts";
import type { Stats } from "../../admin/protocol.ts";
import { showMoment } from "../../admin/report/text.ts";
import { COUNTERS, type Counter } from "../../admin/statistics.ts";
import { SPANS, type Span } from "../../store/rows/history-rows.ts";
import { printable } from "../../text/printable.ts";
import { roundDuration, roundSize } from "../../text/units.ts";
import { CliError, command, EXIT, OPTIONS } from "../command.ts";
import { folderOf, PLACE, type PlaceArgs, periodOf, withStore } from "../place.ts";
import type { Terminal } from "../view/terminal.ts";
import { ask, tryAsk } from "./client.ts";

const ARGS = {
  ...PLACE,
  history: {
    type: "boolean",
    description: "a row for each minute, hour (default) or day; gw need not run",
  },
  from: {
    type: "string",
    valueHint: "TIME",
    description: "begin: 7d, 2026-11-22; default 1h of minutes, 1d of hours, 30d of days",
  },
  to: { type: "string", valueHint: "TIME", description: "end; default now" },
  format: {
    type: "enum",
    options: ["lines", "prometheus"],
    valueHint: "lines|prometheus",
    description: "name=value lines (default), or what Prometheus reads",
  },
  json: OPTIONS.json,
} as const satisfies ArgsDef;

/** How far back the history goes if nobody says. */
const BACK: Readonly<Record<Span, string>> = { minute: "1h", hour: "1d", day: "30d" };

/** What the table shows of all that is counted; `--json` has the rest. */
const COLUMNS: readonly (readonly [title: string, counter: Counter])[] = [
  ["received", "mta_received_messages"],
  ["delivered", "mta_sent_recipients"],
  ["clean", "av_messages_clean"],
  ["infected", "av_messages_infected"],
  ["unscanned", "av_messages_unscanned"],
  ["rejected", "mta_receivings_refused_total"],
  ["bytes", "mta_received_bytes"],
];
const NOTHING: Readonly<Counts> = Object.fromEntries(
  Object.keys(COUNTERS).map((name) => [name, 0]),
);

function spanOf(words: readonly string[]): Span {
  const [word = "hour"] = words;
  const span = SPANS.find((each) => each === word);
  if (span !== undefined) return span;
  throw new CliError(`--history: expected one of ${SPANS.join(", ")}; found "${printable(word)}"`);
}

function cellsOf(name: string, counts: Readonly<Counts>): string[] {
  const cells = COLUMNS.map(([title, counter]) => {
    const count = counts[counter] ?? 0;
    return title === "bytes" ? roundSize(count) : String(count);
  });
  return [name, ...cells];
}

// Numbers stand under each other by their last digit.
function drawHistory(terminal: Terminal, span: Span, course: readonly Stretch[]): string {
  const sum: Counts = {};
  const rows = course.map(({ at, summary: { counts } }) => {
    for (const [, counter] of COLUMNS) sum[counter] = (sum[counter] ?? 0) + (counts[counter] ?? 0);
    return cellsOf(span === "day" ? showMoment(at).slice(0, 10) : showMoment(at), counts);
  });
  const head = [span, ...COLUMNS.map(([title]) => title)];
  const all = [head, ...rows, cellsOf("sum", sum)];
  const widths = head.map((_, n) => Math.max(...all.map((row) => row[n]?.length ?? 0)));
  const lines = all.map((row) =>
    row
      .map((cell, n) => (n === 0 ? cell.padEnd(widths[n] ?? 0) : cell.padStart(widths[n] ?? 0)))
      .join("  "),
  );
  return `${[terminal.paint("strong", lines[0] ?? ""), ...lines.slice(1)].join("\n")}\n`;
}

interface HistoryArgs extends PlaceArgs {
  readonly from?: string | undefined;
  readonly to?: string | undefined;
  readonly json?: boolean | undefined;
}

async function showHistory(args: HistoryArgs, span: Span, terminal: Terminal): Promise<void> {
  // What was counted in the present minute is written down first, if the gateway runs.
  await tryAsk(folderOf(args), { verb: "history" });
  const period = periodOf(args, BACK[span]);
  const now = Date.now();
  const oldest = oldestOf(span, now);
  if (period.from < oldest) {
    terminal.err(
      `each ${span} is kept for ${roundDuration(now - oldest)}: older ones are left out\n`,
    );
  }
  await withStore(args, (store) => {
    const course = readCourse(store.history, span, { ...period, now });
    if (!args.json) {
      terminal.out(drawHistory(terminal, span, [...course]));
      return;
    }
    for (const { at, summary } of course) {
      const { counts, peaks } = summary;
      const line = { at, span, counts: { ...NOTHING, ...counts }, peaks };
      terminal.out(`${JSON.stringify(line)}\n`);
    }
  });
}

/** `gw stats` */
export const stats = command(ARGS, async (args, terminal) => {
  if (args.history) {
    if (args.format !== undefined) throw new CliError("--format is for the counters of now only");
    await showHistory(args, spanOf(args._), terminal);
    return EXIT.good;
  }
  if (args._.length > 0 || args.from !== undefined || args.to !== undefined) {
    throw new CliError("minute, hour, day, --from and --to need --history");
  }
  const answer = await ask<Stats>(args, { verb: "stats" });
  if (args.json) terminal.out(`${JSON.stringify(answer)}\n`);
  else if (args.format === "prometheus") terminal.out(prometheusText(answer));
  else terminal.out(statsLines(answer));
  return EXIT.good;
});
