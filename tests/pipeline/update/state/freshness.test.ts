// The age of signatures is asked for all the time: it grows without a look at the disk, and what
// changes on disk is seen soon, or at once if this gateway changed it.
import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadConfig } from "../../../../src/config/load.ts";
import type { Config } from "../../../../src/config/schema.ts";
import type { FeedSettings } from "../../../../src/config/tables.ts";
import { Freshness, READ_EVERY_MS } from "../../../../src/pipeline/update/state/freshness.ts";
import { FeedRecords } from "../../../../src/update/shelf/record.ts";
import { Shelf } from "../../../../src/update/shelf/shelf.ts";

const START = Date.UTC(2026, 10, 23);
const HOUR = 3_600_000;
let root = "";

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "gw-freshness-"));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function site(names: readonly string[]) {
  const feed = names.map((name) => ({
    ...{ name, type: "files", enabled: true, urls: [], folder: root, root: "" },
    ...{ databases: [], certificates: "", interval: HOUR, age_max: HOUR },
    ...{ licence_key: "", user: "", password: "" },
  })) as unknown as FeedSettings[];
  const state = {
    now: START,
    config: { ...loadConfig(undefined), feed, "server.data_dir": root } as Config,
    licences: [] as string[],
    reads: 0,
  };
  const freshness = new Freshness({
    config: () => state.config,
    clock: { now: () => state.now, steady: () => state.now - START },
    licences: () => {
      state.reads++;
      return state.licences;
    },
  });
  const records = new FeedRecords(new Shelf(root).folder);
  const updated = (name: string, at: number) =>
    records.write(name, { ...records.read(name), triedAt: at, currentAt: at });
  return { state, freshness, updated };
}

test("the age is that of the oldest feed and grows between two looks at the disk", () => {
  const { state, freshness, updated } = site(["a", "b"]);
  updated("a", START - 5_000);
  updated("b", START - 60_000);
  expect(freshness.ageSeconds()).toBe(60);
  state.now += READ_EVERY_MS - 1_000;
  expect(freshness.ageSeconds()).toBe(69);
  expect(freshness.warnings()).toEqual([]);
  expect(state.reads).toBe(1);
});

test("what another process installed is seen within the time, what we installed at once", () => {
  const { state, freshness, updated } = site(["a"]);
  updated("a", START - 60_000);
  expect(freshness.ageSeconds()).toBe(60);
  updated("a", START);
  expect(freshness.ageSeconds()).toBe(60);
  state.now += READ_EVERY_MS;
  expect(freshness.ageSeconds()).toBe(10);
  updated("a", state.now);
  freshness.forget();
  expect(freshness.ageSeconds()).toBe(0);
});

test("warnings tell of old feeds and of licences, and another configuration is read at once", () => {
  const { state, freshness, updated } = site(["a"]);
  state.licences = ["a licence ends"];
  updated("a", START - 2 * HOUR);
  expect(freshness.warnings()).toEqual([
    expect.stringContaining("feed a was last up to date"),
    "a licence ends",
  ]);
  state.config = { ...state.config, feed: [] };
  expect(freshness.warnings()).toEqual(["a licence ends"]);
  expect(freshness.ageSeconds()).toBe(-1);
});

test("a feed that was never fetched has no age", () => {
  const { freshness, updated } = site(["a", "b"]);
  updated("a", START);
  expect(freshness.ageSeconds()).toBe(-1);
});
