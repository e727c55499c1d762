// `gw stats --history`: every stretch of time in one row, with right sums, from a gateway that runs or not.
import { afterEach, beforeEach, expect, test } from "bun:test";
import { oldestOf, readCourse } from "../../src/admin/history/course.ts";
import { beginOf } from "../../src/admin/history/history.ts";
import { emptySummary, writeSummary } from "../../src/admin/history/summary.ts";
import { COUNTERS } from "../../src/admin/statistics.ts";
import { silentLog } from "../../src/base/log.ts";
import type { Span } from "../../src/store/rows/history-rows.ts";
import { Store } from "../../src/store/store.ts";
import { folderWith, gw } from "./mail-folder.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
// Nothing here depends on what time it is: all is told with --from and --to.
const NOON = new Date(new Date().setHours(12, 0, 0, 0) - 24 * HOUR).setHours(12, 0, 0, 0);
const time = (ms: number) => new Date(ms).toISOString();

let mail: Awaited<ReturnType<typeof folderWith>>;

beforeEach(async () => {
  mail = await folderWith([]);
});
afterEach(() => mail.remove());

function summaryOf(counts: Record<string, number>): string {
  return writeSummary({ ...emptySummary(), counts });
}

async function keep(rows: readonly (readonly [Span, number, Record<string, number>])[]) {
  const store = await Store.open({ dataDir: mail.data, log: silentLog, freeSpaceMin: 0 });
  for (const [span, at, counts] of rows) {
    store.history.add(span, { at, summary: summaryOf(counts) });
  }
  await store.close();
}

const stats = (...args: string[]) => gw("stats", ...args, "--data", mail.data);
const from = (ms: number) => ["--from", time(ms), "--to", time(NOON + 2 * HOUR)];

test("the table has a row for each hour, and a sum", async () => {
  await keep([
    ["hour", NOON - HOUR, { mta_received_messages: 2, mta_received_bytes: 2048 }],
    ["minute", NOON, { mta_received_messages: 3, av_messages_infected: 1 }],
    ["minute", NOON + MINUTE, { mta_received_messages: 4, mta_receivings_refused_total: 9 }],
  ]);
  const { code, out } = await stats("--history", ...from(NOON - HOUR));
  expect(code).toBe(0);
  const rows = out
    .trimEnd()
    .split("\n")
    .map((line) => line.split(/ {2,}/));
  expect(rows[0]?.join(" ")).toBe(
    "hour received delivered clean infected unscanned rejected bytes",
  );
  expect(rows.slice(1).map((row) => row.slice(1))).toEqual([
    ["2", "0", "0", "0", "0", "0", "2.0 KB"],
    ["7", "0", "0", "1", "0", "9", "0 B"],
    ["9", "0", "0", "1", "0", "9", "2.0 KB"],
  ]);
  expect(
    new Set(
      out
        .trimEnd()
        .split("\n")
        .map((line) => line.length),
    ).size,
  ).toBe(1);
});

test.each([
  ["minute", 3],
  ["hour", 2],
  ["day", 1],
] as const)("--history %s --json has %d lines with all counters", async (span, count) => {
  await keep([
    ["minute", NOON, { mta_received_messages: 1 }],
    ["minute", NOON + MINUTE, { mta_received_messages: 1 }],
    ["minute", NOON + HOUR, { mta_received_messages: 1 }],
  ]);
  const { out } = await stats("--history", span, "--json", ...from(NOON));
  const lines = out
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(lines).toHaveLength(count);
  expect(lines[0]).toMatchObject({ at: beginOf(span, NOON), span, peaks: { queue: 0 } });
  for (const { counts } of lines) expect(Object.keys(counts)).toEqual(Object.keys(COUNTERS));
  const sum = lines.reduce((all, { counts }) => all + counts.mta_received_messages, 0);
  expect(sum).toBe(3);
});

test("what is no longer kept is said to be missing", async () => {
  const { code, out, err } = await stats("--history", "minute", "--from", "30d");
  expect(code).toBe(0);
  expect(err).toBe("each minute is kept for 2d: older ones are left out\n");
  expect(out.split("\n")).toHaveLength(3);
});

test.each([
  [["--history", "week"], 'expected one of minute, hour, day; found "week"'],
  [["hour"], "need --history"],
  [["--from", "1d"], "need --history"],
  [["--history", "--format", "prometheus"], "--format is for the counters of now only"],
  [["--history", "--from", "2026-11-02", "--to", "2026-11-01"], "--from must be before --to"],
  [["--history", "--from", "soon"], "is no time"],
  [["--history", "hour", "day"], 'unexpected argument "day"'],
])("gw stats %j is refused with what is wrong", async (args, message) => {
  await expect(stats(...args)).rejects.toThrow(message);
});

test("readCourse() asks for parts that join, however many rows there are", () => {
  const now = NOON + 5 * DAY;
  for (const span of ["minute", "hour", "day"] as const) {
    const asked: [number, number][] = [];
    const read = (_: Span, begin: number, end: number) => {
      asked.push([begin, end]);
      return [{ at: begin, summary: summaryOf({ av_objects: 1 }) }];
    };
    const course = [...readCourse({ read }, span, { from: 0, to: now, now })];
    expect(asked[0]?.[0]).toBe(oldestOf(span, now));
    expect(asked.at(-1)?.[1]).toBe(now);
    expect(asked.slice(1).map(([begin]) => begin)).toEqual(
      asked.slice(0, -1).map(([, end]) => end),
    );
    expect(asked.length).toBeLessThan(70);
    expect(course.length).toBe(asked.length);
  }
});
