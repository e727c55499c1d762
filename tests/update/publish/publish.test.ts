import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { parseQuorum } from "../../../src/update/publish/init.ts";
import { viewFeed } from "../../../src/update/publish/inspect.ts";
import { findKeys, makeKey } from "../../../src/update/publish/keys.ts";
import { rotateKey } from "../../../src/update/publish/root.ts";
import { parseLifetimes, readSettings } from "../../../src/update/publish/settings.ts";
import { signDraft } from "../../../src/update/publish/sign.ts";
import { keysByRole, type Role } from "../../../src/update/roles.ts";
import {
  DAY,
  HeldClock,
  START,
  TestClient,
  TestFeed,
  temporaryFolder,
} from "../../harness/feed.ts";

let folder = "";
let clock = new HeldClock();
beforeEach(() => {
  folder = temporaryFolder();
  clock = new HeldClock();
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const newFeed = (more: ConstructorParameters<typeof TestFeed>[2] = {}) =>
  new TestFeed(folder, clock, more);
const clientOf = (feed: TestFeed) =>
  new TestClient(mkdtempSync(join(folder, "client-")), {
    urls: [feed.url],
    root: feed.root,
    clock,
  });

/** Moves the keys of a role to where the publisher does not see them. */
function takeOffline(feed: TestFeed, role: Role): string[] {
  const place = join(folder, "offline");
  mkdirSync(place, { recursive: true });
  const names = readdirSync(feed.feed.keysFolder).filter((name) => name.startsWith(role));
  for (const name of names) renameSync(join(feed.feed.keysFolder, name), join(place, name));
  return names.sort().map((name) => join(place, name));
}

const ring = (...paths: string[]) => findKeys(paths, undefined).ring;

test("a feed is published as a release, and as a renewal when nothing has changed", async () => {
  const feed = newFeed();
  expect(await feed.release("a.gws", "a")).toMatchObject({
    versions: { root: 1, targets: 1, snapshot: 1, timestamp: 1 },
    isNewRelease: true,
    files: 1,
    waiting: [],
  });
  clock.time += DAY;
  expect(await feed.publish()).toMatchObject({
    versions: { root: 1, targets: 1, snapshot: 1, timestamp: 2 },
    isNewRelease: false,
  });
});

test("documents are renewed before they expire", async () => {
  const feed = newFeed();
  await feed.release("a.gws", "a");
  clock.time += 61 * DAY;
  expect((await feed.publish()).versions).toMatchObject({ root: 1, targets: 2, snapshot: 2 });
  clock.time = START + 250 * DAY;
  expect((await feed.publish()).versions).toMatchObject({ root: 2, targets: 3 });
  const client = clientOf(feed);
  expect((await client.update()).kind).toBe("fetched");
});

test("what is published is complete by its own root", async () => {
  const feed = newFeed({ quorums: { targets: { keys: 3, threshold: 2 } } });
  await feed.release("a.gws", "a");
  const views = viewFeed(feed.feed.folder);
  expect(views.map(({ role }) => role)).toEqual(["root", "targets", "snapshot", "timestamp"]);
  expect(views.every(({ isEnough }) => isEnough === true)).toBe(true);
});

describe("with the targets keys elsewhere", () => {
  test("a release waits until enough of them have signed its draft", async () => {
    const feed = newFeed({ quorums: { targets: { keys: 3, threshold: 2 } } });
    const [one = "", two = ""] = takeOffline(feed, "targets");
    const first = await feed.release("a.gws", "a");
    expect(first.versions.targets).toBeUndefined();
    expect(first.waiting).toMatchObject([{ role: "targets", missing: 2 }]);
    const draft = first.waiting[0]?.path ?? "";
    signDraft(draft, ring(one));
    expect((await feed.publish()).waiting).toMatchObject([{ missing: 1 }]);
    // The same key again is not another signature.
    signDraft(draft, ring(one));
    expect((await feed.publish()).waiting).toMatchObject([{ missing: 1 }]);
    signDraft(draft, ring(two));
    expect(await feed.publish()).toMatchObject({ versions: { targets: 1 }, waiting: [] });
    expect(existsSync(draft)).toBe(false);
    expect((await clientOf(feed).update()).kind).toBe("fetched");
  });

  test("clients go on with the last release while the next one waits", async () => {
    const feed = newFeed();
    await feed.release("a.gws", "a");
    takeOffline(feed, "targets");
    clock.time += 10 * DAY;
    expect((await feed.release("a.gws", "b")).waiting).toHaveLength(1);
    const client = clientOf(feed);
    await client.update();
    expect(await client.text("a.gws")).toBe("a");
  });

  test("files that change meanwhile make another draft, without signatures", async () => {
    const feed = newFeed();
    const [key = ""] = takeOffline(feed, "targets");
    const { waiting } = await feed.release("a.gws", "a");
    signDraft(waiting[0]?.path ?? "", ring(key));
    expect((await feed.release("a.gws", "b")).waiting).toMatchObject([{ missing: 1 }]);
  });

  test("signatures of strangers are taken off", async () => {
    const feed = newFeed();
    takeOffline(feed, "targets");
    const { waiting } = await feed.release("a.gws", "a");
    const draft = waiting[0]?.path ?? "";
    const stranger = makeKey(join(folder, "stranger"), "targets", undefined);
    signDraft(draft, ring(stranger.path));
    expect(await Bun.file(draft).text()).toContain(stranger.id);
    expect((await feed.publish()).waiting).toMatchObject([{ missing: 1 }]);
    expect(await Bun.file(draft).text()).not.toContain(stranger.id);
  });
});

describe("rotation of keys", () => {
  test.each(["root", "targets", "snapshot", "timestamp"] as const)(
    "clients follow another %s key by themselves",
    async (role) => {
      const feed = newFeed();
      await feed.release("a.gws", "a");
      const client = clientOf(feed);
      await client.update();
      const { old } = await rotateKey(feed.feed, rotation(role));
      expect((await feed.publish()).versions.root).toBe(2);
      // The old key is worth nothing any more.
      rmSync(join(feed.feed.keysFolder, `${role}-${old.slice(0, 8)}.key`));
      await feed.release("a.gws", "b");
      await client.update();
      expect(await client.text("a.gws")).toBe("b");
    },
  );

  test("several at once are one new root", async () => {
    const feed = newFeed();
    await feed.release("a.gws", "a");
    for (const role of ["timestamp", "snapshot", "targets", "root"] as const) {
      await rotateKey(feed.feed, rotation(role));
    }
    expect((await feed.publish()).versions).toMatchObject({ root: 2, targets: 2 });
    expect((await clientOf(feed).update()).kind).toBe("fetched");
  });

  test("a root whose targets nobody has signed yet is not published", async () => {
    const feed = newFeed();
    await feed.release("a.gws", "a");
    await rotateKey(feed.feed, rotation("targets"));
    const [, newKey = ""] = takeOffline(feed, "targets").toSorted(byAge);
    const waiting = await feed.publish();
    expect(waiting.versions).toMatchObject({ root: 1, targets: 1 });
    expect((await clientOf(feed).update()).kind).toBe("fetched");
    signDraft(feed.feed.draftOf("targets"), ring(newKey));
    expect((await feed.publish()).versions).toMatchObject({ root: 2, targets: 2 });
    expect((await clientOf(feed).update()).kind).toBe("fetched");
  });

  test("a role with several keys wants to know which", async () => {
    const feed = newFeed({ quorums: { targets: { keys: 2, threshold: 1 } } });
    await expect(rotateKey(feed.feed, rotation("targets"))).rejects.toThrow("--old");
    const keys = keysByRole(feed.feed.root()).find(({ role }) => role === "targets");
    const old = keys?.ids[1]?.slice(0, 6) ?? "";
    expect((await rotateKey(feed.feed, { ...rotation("targets"), old })).old).toStartWith(old);
    await expect(rotateKey(feed.feed, { ...rotation("targets"), old: "zz" })).rejects.toThrow(
      '"zz" is none of the keys',
    );
  });
});

const rotation = (role: Role) => ({
  role,
  old: undefined,
  passphrase: undefined,
  now: clock.now(),
});
const byAge = (a: string, b: string) => Bun.file(a).lastModified - Bun.file(b).lastModified;

test("what no release needs is removed, what deltas are made from stays", async () => {
  const feed = newFeed({ settings: { deltas: 2 } });
  const text = (n: number) => `${"x".repeat(n)}\n`.repeat(1000) + n;
  for (let n = 1; n <= 6; n++) await feed.release("a.ndb", text(n));
  const targets = join(feed.feed.publicFolder, "targets");
  const names = readdirSync(targets).filter((name) => name.endsWith(".a.ndb"));
  expect(names).toHaveLength(3);
  expect(feed.feed.repository.versionsOf("targets")).toEqual([4, 5, 6]);
  const views = viewFeed(feed.feed.folder);
  expect(views.find(({ role }) => role === "targets")?.deltas).toHaveLength(2);
});

test("two who publish at once do not meet", async () => {
  const feed = newFeed();
  await feed.feed.locked(async () => {
    await expect(feed.publish()).rejects.toThrow("another gw is changing this feed");
  });
  expect((await feed.publish()).versions.targets).toBe(1);
});

test.each([
  ["../a.gws", "can't be a file of a feed"],
  ["/etc/passwd", "can't be a file of a feed"],
  [".hidden", "can't be a file of a feed"],
  ["a b", "can't be a file of a feed"],
  ["a/b/c/d/e", "more than 4 folders deep"],
  [`${"a/".repeat(3)}${"x".repeat(300)}`, "longer than 200"],
])("a file can't be called %s", (name, reason) => {
  expect(() => newFeed().add(name, "x")).toThrow(reason);
});

test.each([
  ["no settings", undefined, "gw feed init"],
  ["text", "hello", "not JSON"],
  ["a list", "null", "no settings of a feed"],
  ["no name", "{}", "is no name for a feed"],
  ["no lifetimes", '{"name":"a","deltas":1}', "root: a lifetime is a time"],
])("settings that are wrong are told with their place: %s", (_name, text, reason) => {
  if (text !== undefined) writeFileSync(join(folder, "feed.json"), text);
  expect(() => readSettings(folder)).toThrow(reason);
  expect(() => readSettings(folder)).toThrow("feed.json");
});

test.each([
  ["3/2", "2/3"],
  ["0/1", "2/3"],
  ["1/21", "at most 20"],
  ["two", "2/3"],
])("a quorum %s is refused", (text, reason) => {
  expect(() => parseQuorum(text)).toThrow(reason);
});

test.each([
  ["roots=1d", '"roots" is no role'],
  ["root=soon", "root: a lifetime"],
  ["root=9999d", "root: a lifetime"],
])("lifetimes %s are refused", (text, reason) => {
  expect(() => parseLifetimes(text)).toThrow(reason);
});
