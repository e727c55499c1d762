import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { BundleError, HEAD } from "../../../src/update/bundle/format.ts";
import { viewBundle } from "../../../src/update/bundle/inspect.ts";
import { Bundle } from "../../../src/update/bundle/read.ts";
import { writeBundle } from "../../../src/update/bundle/write.ts";
import { mirrorFeed } from "../../../src/update/tuf/mirror.ts";
import { DAY, HeldClock, TestClient, TestFeed, temporaryFolder } from "../../harness/feed.ts";

let folder = "";
let clock = new HeldClock();
let feed: TestFeed;
/** The air-gapped host. */
let client: TestClient;

beforeEach(async () => {
  folder = temporaryFolder();
  clock = new HeldClock();
  feed = new TestFeed(folder, clock);
  client = new TestClient(join(folder, "client"), { urls: [], root: feed.root, clock });
  feed.add("lists/b.ndb", "B:0:*:00");
  await feed.release("a.gws", "one");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const path = () => join(folder, "feeds.gwb");

/** Fetches the feed on one host, and packs it. */
async function exported(to = path()): Promise<string> {
  const copy = mkdtempSync(join(folder, "copy-"));
  const settings = { name: "site", urls: [feed.url], root: feed.root, trustFolder: "", clock };
  const { signal } = new AbortController();
  await mirrorFeed(settings, { folder: copy, hasDeltas: false, signal, progress: () => undefined });
  await writeBundle(to, [{ name: "site", folder: copy }], clock.now());
  return to;
}

/** Unpacks a bundle on the other host, and updates from it. */
async function imported(from = path(), lateness = 0) {
  const place = mkdtempSync(join(folder, "import-"));
  const bundle = await Bundle.open(from);
  try {
    await bundle.extract("site", place);
  } finally {
    await bundle.close();
  }
  return await client.update({ urls: [pathToFileURL(place).href], lateness });
}

test("what was exported on one host is in use on another", async () => {
  await exported();
  expect(await imported()).toMatchObject({ kind: "fetched", version: "1" });
  expect(await client.text("lists/b.ndb")).toBe("B:0:*:00");
  expect((await imported()).kind).toBe("unchanged");
});

test("an older bundle is refused, and the newer files stay", async () => {
  const old = await exported(join(folder, "old.gwb"));
  clock.time += DAY;
  await feed.release("a.gws", "two");
  await exported();
  await imported();
  await expect(imported(old)).rejects.toThrow("version 1 is less than current version 2");
  expect(await client.text("a.gws")).toBe("two");
});

test("a bundle that has expired is refused, unless the administrator says for how long", async () => {
  await exported();
  clock.time += 60 * DAY;
  await expect(imported()).rejects.toThrow("timestamp.json is expired");
  await expect(imported(path(), 30 * DAY)).rejects.toThrow("timestamp.json is expired");
  expect((await imported(path(), 60 * DAY)).kind).toBe("fetched");
  // Only the time was set aside: an older one is still refused.
  clock.time -= 60 * DAY;
  await feed.release("a.gws", "two");
  await imported(await exported(join(folder, "new.gwb")));
  await expect(imported(path(), 60 * DAY)).rejects.toThrow("less than current version");
});

test("a site that is a year and several keys behind is brought up by one bundle", async () => {
  await exported();
  await imported();
  for (let month = 0; month < 14; month++) {
    clock.time += 30 * DAY;
    await feed.release("a.gws", `month ${month}`);
  }
  await exported();
  await imported();
  expect(await client.text("a.gws")).toBe("month 13");
});

test("a bundle of another feed is refused, whatever name it gives itself", async () => {
  feed = new TestFeed(join(folder, "evil"), clock);
  await feed.release("a.gws", "evil");
  await exported();
  await expect(imported()).rejects.toThrow("not the one that is configured");
});

test("the same feed makes the same bundle", async () => {
  const one = readFileSync(await exported());
  expect(readFileSync(await exported()).equals(one)).toBe(true);
});

test("inspect tells what is inside without any trust", async () => {
  const view = await viewBundle(await exported());
  expect(view.feeds).toMatchObject([{ name: "site", files: 6 }]);
  expect(view.feeds[0]?.documents.map(({ role }) => role)).toEqual([
    "root",
    "targets",
    "snapshot",
    "timestamp",
  ]);
});

describe("a bundle is refused that", () => {
  type Change = (bytes: Buffer) => Buffer | string;
  const headEnd = (bytes: Buffer) => bytes.indexOf("\n", HEAD.length) + 1;
  const index = (change: (index: { feeds: Json[] }) => unknown): Change => {
    return (bytes) => {
      const end = headEnd(bytes);
      const value = JSON.parse(bytes.toString("utf8", HEAD.length, end));
      change(value);
      return Buffer.concat([Buffer.from(`${HEAD}${JSON.stringify(value)}\n`), bytes.subarray(end)]);
    };
  };
  // biome-ignore lint/suspicious/noExplicitAny: forged on purpose, in any shape
  type Json = any;
  const file = (change: (file: Json) => unknown) => index(({ feeds }) => change(feeds[0].files[0]));
  const rows: [string, Change, string][] = [
    ["is empty", () => "", "not a bundle"],
    ["is something else", () => "PK\x03\x04".repeat(100), "not a bundle"],
    ["ends in its list", (bytes) => bytes.subarray(0, 100), "list of files is cut off"],
    ["has no list", () => `${HEAD}hello\n`, "list of files is damaged"],
    ["has a list of something else", () => `${HEAD}[]\n`, "list of files is damaged"],
    ["is cut off", (bytes) => bytes.subarray(0, -5), "cut off: 5 bytes are missing"],
    ["has more at its end", (bytes) => Buffer.concat([bytes, bytes]), "bytes too many"],
    ["is damaged", (bytes) => flip(bytes, bytes.length - 3), "damaged"],
    ["climbs out", file((each) => (each.path = "metadata/../../x")), "where none may be"],
    ["names a root", file((each) => (each.path = "/etc/passwd")), "where none may be"],
    ["has hidden files", file((each) => (each.path = "targets/.x")), "where none may be"],
    ["has other folders", file((each) => (each.path = "keys/x")), "where none may be"],
    ["has numbers for names", file((each) => (each.path = 7)), "where none may be"],
    ["has a file twice", file((each) => (each.path = "metadata/timestamp.json")), "twice"],
    ["has negative sizes", file((each) => (each.size = -1)), "no size or hash"],
    ["has sizes beyond all", file((each) => (each.size = 2 ** 60)), "no size or hash"],
    ["says more than it has", file((each) => (each.size += 9)), "9 bytes are missing"],
    ["has no hashes", file((each) => (each.sha256 = "x")), "no size or hash"],
    ["has a feed twice", index(({ feeds }) => feeds.push({ ...feeds[0], files: [] })), "twice"],
    ["climbs by a feed's name", index(({ feeds }) => (feeds[0].name = "..")), "no name"],
    ["has a feed of nothing", index(({ feeds }) => feeds.push(null)), "no name"],
    ["has many feeds", index((all) => (all.feeds = Array(65).fill({}))), "damaged"],
  ];
  const flip = (bytes: Buffer, at: number) => {
    const changed = Buffer.from(bytes);
    changed.writeUInt8(changed.readUInt8(at) ^ 1, at);
    return changed;
  };

  test.each(rows)("%s", async (_name, change, reason) => {
    await exported();
    writeFileSync(path(), change(readFileSync(path())));
    const failure = imported();
    await expect(failure).rejects.toBeInstanceOf(BundleError);
    await expect(failure).rejects.toThrow(reason);
    expect(client.previous).toBeUndefined();
  });

  test("is a folder", async () => {
    mkdirSync(path());
    await expect(imported()).rejects.toThrow();
  });
});
