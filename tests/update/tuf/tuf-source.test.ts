import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DAY, HeldClock, TestClient, TestFeed, temporaryFolder } from "../../harness/feed.ts";

let folder = "";
let clock = new HeldClock();
let feed: TestFeed;
let client: TestClient;

const signatures = (count: number) =>
  Array.from({ length: count }, (_, n) => `Site.${n}:0:*:${(n * 7919).toString(16)}ffff`);

beforeEach(() => {
  folder = temporaryFolder();
  clock = new HeldClock();
  feed = new TestFeed(folder, clock);
  client = new TestClient(join(folder, "client"), { urls: [feed.url], root: feed.root, clock });
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test("a first update brings all files", async () => {
  feed.add("lists/a.ndb", "A:0:*:00");
  await feed.release("b.gws", "b");
  const fetched = await client.update();
  expect(fetched).toMatchObject({
    kind: "fetched",
    version: "1",
    files: ["b.gws", "lists/a.ndb"],
  });
  expect(await client.text("lists/a.ndb")).toBe("A:0:*:00");
});

test("a second update finds nothing new, also when documents were only signed anew", async () => {
  await feed.release("b.gws", "b");
  await client.update();
  expect(await client.update()).toMatchObject({ kind: "unchanged", transferred: 0 });
  clock.time += DAY;
  await feed.publish();
  const again = await client.update();
  expect(again.kind).toBe("unchanged");
  expect(again.transferred).toBeGreaterThan(0);
});

test("a file that changed a little is made by a delta, one that did not is kept", async () => {
  feed.add("same.ndb", signatures(2000).join("\n"));
  await feed.release("list.ndb", signatures(5000).join("\n"));
  await client.update();
  const more = signatures(5000).toSpliced(77, 0, "Site.New:0:*:aabbccdd").join("\n");
  await feed.release("list.ndb", more);
  const fetched = await client.update();
  expect(fetched).toMatchObject({ kind: "fetched", version: "2" });
  expect(fetched.transferred).toBeLessThan(2500);
  expect(await client.text("list.ndb")).toBe(more);
});

test("a client that missed releases takes one delta over all of them", async () => {
  await feed.release("list.ndb", signatures(5000).join("\n"));
  await client.update();
  for (const count of [5001, 5002, 5003]) {
    await feed.release("list.ndb", signatures(count).join("\n"));
  }
  const fetched = await client.update();
  expect(fetched.transferred).toBeLessThan(3500);
  expect(await client.text("list.ndb")).toBe(signatures(5003).join("\n"));
});

test("a file that is no longer offered is gone", async () => {
  feed.add("a.gws", "a");
  await feed.release("b.gws", "b");
  await client.update();
  feed.feed.removeFile("a.gws");
  await feed.publish();
  expect(await client.update()).toMatchObject({ kind: "fetched", files: ["b.gws"] });
});

test("a release that the installation refused is not fetched again", async () => {
  await feed.release("b.gws", "b");
  await client.update();
  client.previous = undefined;
  expect((await client.update()).kind).toBe("unchanged");
});

describe("the clock", () => {
  test("documents that have expired are refused with what may be the matter", async () => {
    await feed.release("b.gws", "b");
    clock.time += 8 * DAY;
    await expect(client.update()).rejects.toThrow(/expired.*operator.*now is 2026-01-09/);
  });

  test("documents that have expired count for as long as the administrator says", async () => {
    await feed.release("b.gws", "b");
    clock.time += 30 * DAY;
    await expect(client.update({ lateness: 20 * DAY })).rejects.toThrow("expired");
    expect((await client.update({ lateness: 25 * DAY })).kind).toBe("fetched");
  });

  test("a clock that is behind what the feed was signed at is noticed", async () => {
    await feed.release("b.gws", "b");
    clock.time -= 3 * DAY;
    await expect(client.update()).rejects.toThrow("the clock of this host is wrong");
  });

  test("a clock that went back behind the last update is noticed", async () => {
    await feed.release("b.gws", "b");
    clock.time += 3 * DAY;
    await client.update();
    clock.time -= 2 * DAY;
    await expect(client.update()).rejects.toThrow("an update ran at 2026-01-04");
  });
});

test("another anchor begins anew", async () => {
  await feed.release("b.gws", "b");
  await client.update();
  const other = new TestFeed(join(folder, "other"), clock);
  await other.release("c.gws", "c");
  await expect(client.update({ urls: [other.url] })).rejects.toThrow("signed by 0/1");
  const fetched = await client.update({ urls: [other.url], root: other.root });
  expect(fetched).toMatchObject({ kind: "fetched", files: ["c.gws"] });
});

test("the anchor may be a file", async () => {
  await feed.release("b.gws", "b");
  const root = feed.feed.repository.fileOf("root", 1);
  expect((await client.update({ root })).kind).toBe("fetched");
});

test.each([
  ["sha256:abc", "64 hexadecimal digits"],
  [`sha256:${"00".repeat(32)}`, "not the one that is configured"],
  ["/nowhere/root.json", "can't be read (ENOENT)"],
])("an anchor %s is refused", async (root, reason) => {
  await feed.release("b.gws", "b");
  await expect(client.update({ root })).rejects.toThrow(reason);
});

describe("a place that can't be written to", () => {
  test("is told, and the files in use stay", async () => {
    await feed.release("b.gws", "b");
    await client.update();
    await feed.release("b.gws", "c");
    // A file where a folder should be made: no right can help, also root has none.
    writeFileSync(join(client.trustFolder, "work"), "");
    const taken = join(folder, "taken");
    writeFileSync(taken, "");
    const failure = client.update({ trustFolder: join(taken, "trust") });
    await expect(failure).rejects.toMatchObject({ kind: "full" });
    expect(await client.text("b.gws")).toBe("b");
    expect((await client.update()).kind).toBe("fetched");
  });
});

test("an update that was stopped leaves the trusted documents whole, and the next one goes on", async () => {
  await feed.release("b.gws", "b");
  const stopped = AbortSignal.abort();
  await expect(client.update({}, stopped)).rejects.toThrow();
  expect((await client.update()).kind).toBe("fetched");
});

test("what a crash left of the working copy is of no consequence", async () => {
  await feed.release("b.gws", "b");
  await client.update();
  mkdirSync(join(client.trustFolder, "work"));
  writeFileSync(join(client.trustFolder, "work", "timestamp.json"), "garbage");
  await feed.release("b.gws", "c");
  await client.update();
  expect(await client.text("b.gws")).toBe("c");
});

test("damaged documents are fetched anew; a damaged root begins with the anchor", async () => {
  await feed.release("b.gws", "b");
  await client.update();
  for (const role of ["timestamp", "snapshot", "targets", "root"]) {
    writeFileSync(join(client.trustFolder, `${role}.json`), "{}");
    await feed.release("b.gws", role);
    await client.update();
    expect(await client.text("b.gws")).toBe(role);
  }
});
