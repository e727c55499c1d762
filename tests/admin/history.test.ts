// Counts of minutes become those of hours and days, each moment counted once, whatever happens in
// between.
import { afterEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Collector, reasonOf } from "../../src/admin/history/collector.ts";
import { beginOf, History, KEPT_MS, sumRows } from "../../src/admin/history/history.ts";
import {
  addName,
  addSummary,
  emptySummary,
  NAMES_MAX,
  readSummary,
  sumOf,
  topOf,
  trimSummary,
  writeSummary,
} from "../../src/admin/history/summary.ts";
import { silentLog } from "../../src/base/log.ts";
import { Store } from "../../src/store/store.ts";

const START = new Date(2026, 10, 23, 10, 0, 30).getTime();
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const folders: string[] = [];
const stores: Store[] = [];

afterEach(async () => {
  for (const store of stores.splice(0)) await store.close();
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

async function opened(folder = mkdtempSync(join(tmpdir(), "gw-history-"))) {
  folders.push(folder);
  const time = { at: START };
  const clock = { now: () => time.at, steady: () => time.at };
  const store = await Store.open({ dataDir: folder, log: silentLog, clock, tendIntervalMs: 0 });
  stores.push(store);
  const counts = { mta_received_messages: 0 };
  const collector = new Collector(() => counts);
  const levels = () => ({ sessions: 0, queue: 3, quarantine: 1, signatureAge: 60 });
  const history = new History({ rows: store.history, collector, levels, clock, log: silentLog });
  const mail = (count: number) => {
    counts.mta_received_messages += count;
    for (let one = 0; one < count; one++) {
      collector.note("accepted", { sender: "<a@example.net>", client: "192.0.2.1" });
    }
  };
  return { store, history, time, mail, folder, collector };
}

const received = (rows: Parameters<typeof sumRows>[0]) =>
  sumRows(rows).counts["mta_received_messages"] ?? 0;

test("minutes become hours and hours days, and every stretch of time is counted once", async () => {
  const { store, history, time, mail } = await opened();
  for (let minute = 0; minute < 200; minute++) {
    mail(1);
    time.at += MINUTE;
    history.flush();
  }
  const all = [0, START + 100 * HOUR] as const;
  for (const span of ["minute", "hour", "day"] as const) {
    expect(received(store.history.read(span, ...all))).toBe(200);
  }
  expect(store.history.read("hour", ...all).length).toBeLessThan(30);
  time.at = beginOf("day", time.at) + 40 * HOUR;
  history.flush();
  expect(store.history.read("day", ...all).length).toBeLessThan(4);
  expect(received(store.history.read("day", ...all))).toBe(200);
});

test("a restart in the middle of a minute loses nothing", async () => {
  const first = await opened();
  first.mail(2);
  first.history.stop();
  await first.store.close();
  const second = await opened(first.folder);
  second.mail(3);
  second.history.stop();
  expect(received(second.store.history.read("minute", 0, START + HOUR))).toBe(5);
  expect(second.history.minutesOf("mta_received_messages")).toEqual([5]);
  expect(topOf(second.history.lastHour(), "senders", 5)).toEqual([["a@example.net", 5]]);
});

test("a clock that steps back or far ahead does not make anything count twice", async () => {
  const { store, history, time, mail } = await opened();
  for (const step of [HOUR, -3 * HOUR, 50 * HOUR, -49 * HOUR, HOUR]) {
    mail(1);
    history.flush();
    time.at += step;
  }
  history.flush();
  expect(received(store.history.read("day", 0, START + 1000 * HOUR))).toBe(5);
  expect(received(store.history.read("hour", 0, START + 1000 * HOUR))).toBe(5);
});

test("what is older than its time is thrown away", async () => {
  const { store, history, time, mail } = await opened();
  mail(1);
  history.flush();
  time.at += KEPT_MS.minute + HOUR;
  history.flush();
  history.flush();
  const until = START + HOUR;
  expect(received(store.history.read("hour", 0, until))).toBe(1);
  time.at += KEPT_MS.day;
  history.flush();
  expect(store.history.read("day", 0, until)).toEqual([]);
});

test("a damaged row is an empty one", () => {
  expect(readSummary("{not JSON")).toEqual(emptySummary());
});

test("names are bounded, the frequent ones stay, and the sum is right", () => {
  const summary = emptySummary();
  for (let one = 0; one < 50_000; one++) {
    addName(summary, "senders", `random-${one}@example.net`);
    if (one % 10 === 0) addName(summary, "senders", "busy@example.net");
  }
  expect(summary.tops.senders?.size).toBeLessThanOrEqual(NAMES_MAX.counting);
  expect(topOf(summary, "senders", 1)).toEqual([["busy@example.net", 5_000]]);
  expect(sumOf(summary, "senders")).toBe(55_000);
  trimSummary(summary, 3);
  expect(sumOf(summary, "senders")).toBe(55_000);
  const sum = emptySummary();
  addSummary(sum, summary);
  addSummary(sum, readSummary(writeSummary(summary)));
  expect(sumOf(sum, "senders")).toBe(110_000);
});

test("names that objects have by themselves are names like others", () => {
  const summary = emptySummary();
  for (const name of ["__proto__", "constructor", "toString"]) addName(summary, "senders", name);
  const read = emptySummary();
  addSummary(read, readSummary(writeSummary(summary)));
  expect(topOf(read, "senders", 5).map(([name]) => name)).toEqual([
    "__proto__",
    "constructor",
    "toString",
  ]);
});

test.each([
  ["550 5.7.1 Relaying denied", "550 5.7.1 Relaying denied"],
  ["550 5.1.1 <bob@example.org> unknown", "550 5.1.1 … unknown"],
  ["451 4.3.0 try later, id 0VbljEs3IgL6Of", "451 4.3.0 try later, id …"],
  ["421 4.7.0 192.0.2.17 is busy", "421 4.7.0 … is busy"],
  ["550  5.0.0\r\n x", "550 5.0.0 x"],
])("the reason of %j is %j", (reply, expected) => {
  expect(reasonOf(reply)).toBe(expected);
});
