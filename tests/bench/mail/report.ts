// Turns the runs of all cells into a table of medians, ratios within the run, and a word on each
// target. Nothing is compared across runs: the machine's speed drifts.
import type { CellResult } from "./cell.ts";
import type { ColdScan } from "./cold-scan.ts";
import { LOAD_TITLES, type Load } from "./mail-set.ts";
import { median } from "./median.ts";
import type { SystemName } from "./systems.ts";

/** Medians of all runs of one cell. */
export interface CellSummary {
  readonly system: SystemName;
  readonly load: Load;
  readonly sessions: number;
  readonly runs: number;
  readonly messages: number;
  readonly lost: number;
  readonly perSecond: number;
  readonly megabytesPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly cpuPerThousand: number;
  readonly rss: number;
  readonly pss: number;
  readonly flushesPerMessage: number | undefined;
}

/** What was promised, and what came out. */
export interface TargetResult {
  readonly target: string;
  readonly outcome: "met" | "missed" | "not measured";
  readonly detail: string;
}

const MEGABYTE = 1e6;

/** One summary per cell, in the order in which the cells first came. */
export function summarise(results: readonly CellResult[]): CellSummary[] {
  const cells = Map.groupBy(results, (one) => `${one.load} ${one.sessions} ${one.system}`);
  return [...cells.values()].flatMap((runs) => {
    const [first] = runs;
    if (first === undefined) return [];
    const of = (key: "perSecond" | "megabytesPerSecond" | "p50Ms" | "p99Ms" | "cpuPerThousand") =>
      median(runs.map((run) => run[key]));
    const flushes = runs.flatMap((run) => run.flushesPerMessage ?? []);
    return {
      system: first.system,
      load: first.load,
      sessions: first.sessions,
      runs: runs.length,
      messages: first.messages,
      lost: runs.reduce((sum, run) => sum + run.messages - run.delivered, 0),
      perSecond: of("perSecond"),
      megabytesPerSecond: of("megabytesPerSecond"),
      p50Ms: of("p50Ms"),
      p99Ms: of("p99Ms"),
      cpuPerThousand: of("cpuPerThousand"),
      // The highest peak of all runs: a median would hide the bad day.
      rss: Math.max(...runs.map((run) => run.rss)),
      pss: Math.max(...runs.map((run) => run.pss)),
      flushesPerMessage: flushes.length === 0 ? undefined : median(flushes),
    };
  });
}

// The ratio of each round, then their median: rounds are minutes apart, the systems of one are not.
function ratio(
  results: readonly CellResult[],
  cell: { readonly load: Load; readonly sessions: number },
  peer: SystemName,
): number | undefined {
  const runs = (name: SystemName) =>
    results.filter(
      (one) => one.system === name && one.load === cell.load && one.sessions === cell.sessions,
    );
  const theirs = runs(peer);
  const ratios = runs("gw").flatMap((run, round) => {
    const other = theirs[round];
    return other === undefined ? [] : run.perSecond / other.perSecond;
  });
  return ratios.length === 0 ? undefined : median(ratios);
}

const megabytes = (bytes: number) => String(Math.round(bytes / MEGABYTE));
const times = (value: number | undefined) => (value === undefined ? "" : `${value.toFixed(2)}×`);

function markdown(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}

/** The table of medians, in Markdown. */
export function resultTable(results: readonly CellResult[]): string {
  const head = ["mail", "sessions", "system", "runs × messages", "msg/s", "MB/s", "gw is"];
  const costs = [
    "DATA→250 p50 / p99 ms",
    "CPU s per 1,000",
    "peak PSS / RSS MB",
    "flushes per msg",
  ];
  const rows = summarise(results).map((one) => [
    LOAD_TITLES[one.load],
    String(one.sessions),
    one.system,
    `${one.runs} × ${one.messages}${one.lost === 0 ? "" : ` (${one.lost} LOST)`}`,
    one.perSecond.toFixed(one.perSecond < 20 ? 1 : 0),
    one.megabytesPerSecond.toFixed(1),
    one.system === "gw" ? "" : times(ratio(results, one, one.system)),
    `${one.p50Ms.toFixed(0)} / ${one.p99Ms.toFixed(0)}`,
    one.cpuPerThousand.toFixed(1),
    `${megabytes(one.pss)} / ${megabytes(one.rss)}`,
    one.flushesPerMessage?.toFixed(2) ?? "",
  ]);
  return markdown([...head, ...costs], rows);
}

/** The cold scans, in Markdown. */
export function coldScanTable(scans: readonly ColdScan[]): string {
  const rows = scans.map((one) => [
    one.command,
    String(one.runs),
    one.medianMs.toFixed(0),
    one.maxMs.toFixed(0),
    one.signatures,
  ]);
  return markdown(["command", "runs", "median ms", "longest ms", "signatures"], rows);
}

function speedTarget(
  results: readonly CellResult[],
  target: { readonly load: Load; readonly peer: SystemName; readonly factor: number },
): TargetResult {
  const sessions = [...new Set(results.map((one) => one.sessions))];
  const found = sessions.flatMap((count) => {
    const value = ratio(results, { load: target.load, sessions: count }, target.peer);
    return value === undefined ? [] : [{ count, value }];
  });
  const isMet = found.every(({ value }) => value >= target.factor);
  return {
    target: `${LOAD_TITLES[target.load]}: at least ${target.factor} × ${target.peer}`,
    outcome: found.length === 0 ? "not measured" : isMet ? "met" : "missed",
    detail: found.map(({ count, value }) => `${times(value)} at ${count} sessions`).join(", "),
  };
}

/** 100 sessions may not cost a whole message of memory each: bodies go to disk as they come. */
const LARGE_MAIL_PSS_MAX = 100 * 5 * MEGABYTE;

function memoryTarget(results: readonly CellResult[]): TargetResult {
  const peaks = results
    .filter((one) => one.system === "gw" && one.load === "5m" && one.sessions === 100)
    .map((one) => one.pss);
  const peak = Math.max(...peaks);
  return {
    target: `5 MB at 100 sessions: peak memory below ${megabytes(LARGE_MAIL_PSS_MAX)} MB`,
    outcome: peaks.length === 0 ? "not measured" : peak < LARGE_MAIL_PSS_MAX ? "met" : "missed",
    detail: peaks.length === 0 ? "" : `${megabytes(peak)} MB`,
  };
}

function lossTarget(results: readonly CellResult[]): TargetResult {
  const ours = results.filter((one) => one.system === "gw");
  const lost = ours.reduce((sum, one) => sum + one.messages - one.delivered, 0);
  const refused = ours.flatMap((one) => Object.entries(one.refusals));
  const isMet = lost === 0 && refused.length === 0;
  return {
    target: "every message accepted, and delivered once",
    outcome: ours.length === 0 ? "not measured" : isMet ? "met" : "missed",
    detail: [
      ...(lost === 0 ? [] : [`${lost} lost`]),
      ...refused.map(([text, count]) => `${count} × ${text}`),
    ].join(", "),
  };
}

/** All targets of gw, each with what this run says about it. */
export function checkTargets(
  results: readonly CellResult[],
  scans: readonly ColdScan[],
): TargetResult[] {
  const [ours, theirs] = ["gw scan", "clamscan"].map((name) =>
    scans.find((one) => one.command === name),
  );
  const isMeasured = ours !== undefined && theirs !== undefined;
  return [
    speedTarget(results, { load: "5k", peer: "postfix", factor: 2 }),
    speedTarget(results, { load: "mix", peer: "postfix+clamd", factor: 5 }),
    memoryTarget(results),
    lossTarget(results),
    {
      target: "cold scan of a 10 KB mail: not slower than clamscan",
      outcome: !isMeasured ? "not measured" : ours.medianMs <= theirs.medianMs ? "met" : "missed",
      detail: isMeasured
        ? `${ours.medianMs.toFixed(0)} against ${theirs.medianMs.toFixed(0)} ms`
        : "",
    },
  ];
}

/** The targets, in Markdown. */
export function targetTable(targets: readonly TargetResult[]): string {
  return markdown(
    ["target", "outcome", "measured"],
    targets.map((one) => [one.target, one.outcome, one.detail]),
  );
}
