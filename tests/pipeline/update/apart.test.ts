// Updates in a thread of their own, which is the real one.
import { afterEach, beforeEach, expect, setDefaultTimeout, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Log } from "../../../src/base/log.ts";
import { loadConfig } from "../../../src/config/load.ts";
import type { Config } from "../../../src/config/schema.ts";
import { loadCore } from "../../../src/gwdb/core.ts";
import { updateApart } from "../../../src/pipeline/update/apart/apart.ts";
import { embeddedCore } from "../../../src/scan/embedded.ts";
import { lockShelf } from "../../../src/update/shelf/lock.ts";
import { Shelf } from "../../../src/update/shelf/shelf.ts";

setDefaultTimeout(120_000);

let root = "";
let events: string[] = [];
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "gw-apart-"));
  events = [];
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const write = (event: string) => void events.push(event);
const log: Log = { error: write, warn: write, info: write, debug: write };

/** A site with one feed, which is a folder. */
function site(): Config {
  const file = join(root, "gw.toml");
  const folder = join(root, "feed");
  mkdirSync(folder);
  writeFileSync(join(folder, "own.gws"), 'signature T.A\ntext $a "needle-of-a-test"\nend\n');
  writeFileSync(
    file,
    `[server]\ndata_dir = "${root}/data"\n[[feed]]\nname = "own"\ntype = "files"\nfolder = "${folder}"\n`,
  );
  return loadConfig(file);
}

const orderOf = (config: Config, feeds: readonly string[] = ["own"]) => ({
  ...{ config, feeds, arenas: 2 },
  core: loadCore(embeddedCore()),
});

function parts(onSet: Parameters<typeof updateApart>[1]["onSet"] = async () => {}) {
  const stopping = new AbortController();
  return { log, onSet, signal: stopping.signal, stopping };
}

test("updateApart() hands the set over, loaded, and tells what came of each feed", async () => {
  const config = site();
  const taken: unknown[] = [];
  const onSet = async (set: { number: number }, ready: { set: { arenas: readonly unknown[] } }) => {
    taken.push({ number: set.number, arenas: ready.set.arenas.length });
  };
  const report = await updateApart(orderOf(config), parts(onSet));
  expect(report.outcomes).toMatchObject([{ feed: "own", kind: "updated", load: { loaded: 1 } }]);
  expect(taken).toEqual([{ number: 1, arenas: 2 }]);
  expect(events).toEqual(["signatures-installed", "feed-updated"]);
  const again = await updateApart(orderOf(config), parts());
  expect(again.outcomes).toMatchObject([{ feed: "own", kind: "current" }]);
});

test("updateApart() goes on if the gateway can't take the set: it is on disk", async () => {
  const config = site();
  const refuse = async () => {
    throw new RangeError("too little room");
  };
  const report = await updateApart(orderOf(config), parts(refuse));
  expect(report.set?.number).toBe(1);
  expect(events).toContain("signatures-not-taken");
  expect(new Shelf(config["server.data_dir"]).current?.number).toBe(1);
});

test("updateApart() throws what keeps an update from beginning", async () => {
  const config = site();
  const unknown = updateApart(orderOf(config, ["other"]), parts());
  expect(await unknown.catch((error: unknown) => error)).toMatchObject({ kind: "invalid" });
  const lock = lockShelf(new Shelf(config["server.data_dir"]).folder);
  const busy = await updateApart(orderOf(config), parts()).catch((error: unknown) => error);
  lock.release();
  expect(busy).toMatchObject({ name: "UpdateError", kind: "refused" });
});

test("updateApart() leaves off when it is told to; the set in use stays", async () => {
  const { stopping, ...rest } = parts();
  stopping.abort();
  const config = site();
  const report = await updateApart(orderOf(config), rest);
  expect(report.set).toBeUndefined();
  expect(report.outcomes).toMatchObject([{ feed: "own", version: "" }]);
});
