import { afterEach, beforeEach, expect, test } from "bun:test";
import { existsSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { rotateKey } from "../../../src/update/publish/root.ts";
import { lockShelf } from "../../../src/update/shelf/lock.ts";
import { mirrorFeed } from "../../../src/update/tuf/mirror.ts";
import { DAY, HeldClock, TestClient, TestFeed, temporaryFolder } from "../../harness/feed.ts";

let folder = "";
let clock = new HeldClock();
let feed: TestFeed;
let copy = "";
let client: TestClient;

beforeEach(async () => {
  folder = temporaryFolder();
  clock = new HeldClock();
  feed = new TestFeed(folder, clock);
  copy = join(folder, "copy");
  const urls = [pathToFileURL(copy).href];
  client = new TestClient(join(folder, "client"), { urls, root: feed.root, clock });
  await feed.release("lists/a.ndb", "one\n".repeat(3000));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const mirror = (root = feed.root) =>
  mirrorFeed(
    { name: "site", urls: [feed.url], root, trustFolder: "", clock },
    {
      folder: copy,
      hasDeltas: true,
      signal: new AbortController().signal,
      progress: () => undefined,
    },
  );

test("a mirror gives what the feed gives, deltas and new keys included", async () => {
  await mirror();
  await client.update();
  clock.time += DAY;
  await feed.release("lists/a.ndb", `${"one\n".repeat(3000)}two\n`);
  const now = clock.now();
  await rotateKey(feed.feed, { role: "timestamp", old: undefined, passphrase: undefined, now });
  await feed.publish();
  expect(await mirror()).toMatchObject({ version: 2, files: 1 });
  expect(statSync(copy).mode & 0o005).toBe(0o005);
  const fetched = await client.update();
  expect(fetched.kind).toBe("fetched");
  expect(fetched.transferred).toBeLessThan(8000);
  expect(await client.text("lists/a.ndb")).toEndWith("two\n");
});

test("a mirror that is up to date costs a look at the timestamp", async () => {
  await mirror();
  expect((await mirror()).transferred).toBeLessThan(1000);
});

test("a file of a mirror that was damaged is fetched anew", async () => {
  await mirror();
  const targets = join(copy, "targets/lists");
  for (const name of readdirSync(targets)) writeFileSync(join(targets, name), "damaged");
  await mirror();
  expect((await client.update()).kind).toBe("fetched");
});

test("a mirror whose roots are gone is made anew", async () => {
  await mirror();
  rmSync(join(copy, "metadata"), { recursive: true });
  await mirror();
  expect((await client.update()).kind).toBe("fetched");
});

test("a mirror made from a file with the root serves those who begin there", async () => {
  await mirror(feed.feed.repository.fileOf("root", 1));
  expect(existsSync(join(copy, "metadata/1.root.json"))).toBe(true);
  expect((await client.update()).kind).toBe("fetched");
});

test("a mirror keeps the release before the newest, and no more", async () => {
  for (const text of ["two", "three", "four"]) {
    await feed.release("lists/a.ndb", `${text}\n`.repeat(3000));
    await mirror();
  }
  expect(readdirSync(join(copy, "targets/lists"))).toHaveLength(2);
});

test("what is not verified does not come into a mirror", async () => {
  await mirror();
  const before = readdirSync(join(copy, "metadata")).sort();
  clock.time += 30 * DAY;
  await expect(mirror()).rejects.toThrow("expired");
  expect(readdirSync(join(copy, "metadata")).sort()).toEqual(before);
});

test("two who mirror into one folder do not meet", async () => {
  const lock = lockShelf(copy);
  await expect(mirror()).rejects.toThrow("another gw is copying a feed here");
  lock.release();
  expect((await mirror()).version).toBe(1);
});
