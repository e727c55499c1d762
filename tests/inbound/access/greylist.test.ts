import { Database } from "bun:sqlite";
import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Greylist, type Triplet } from "../../../src/inbound/access/greylist.ts";
import { GreylistRows } from "../../../src/store/rows/greylist-rows.ts";
import { Store } from "../../../src/store/store.ts";
import { MemoryLog } from "../../harness/inbound.ts";

const HOUR = 3_600_000;
let folder = "";
let store: Store;
let now = 1_000_000_000_000;
const clock = { now: () => now, steady: () => now };

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "gw-greylist-"));
  store = await Store.open({ dataDir: folder, freeSpaceMin: 0, log: new MemoryLog(), clock });
});
afterEach(async () => {
  await store.close();
  rmSync(folder, { recursive: true, force: true });
});

function greylist(passesForClient = 0): Greylist {
  const times = { delayMs: 60_000, windowMs: 24 * HOUR, keepMs: 240 * HOUR };
  return new Greylist(store.greylist, clock, { ...times, passesForClient });
}

const TRIPLET: Triplet = {
  client: "192.0.2.1",
  sender: "a@sender.example",
  recipient: "b@example.org",
};

test("a triplet passes when it comes again after the delay, and is remembered", () => {
  const one = greylist();
  expect(one.isToWait(TRIPLET)).toBe(true);
  now += 59_000;
  expect(one.isToWait(TRIPLET)).toBe(true);
  now += 1000;
  expect(one.isToWait(TRIPLET)).toBe(false);
  now += 239 * HOUR;
  expect(one.isToWait(TRIPLET)).toBe(false);
  now += 239 * HOUR;
  expect(one.isToWait(TRIPLET)).toBe(false);
  now += 240 * HOUR;
  expect(one.isToWait(TRIPLET)).toBe(true);
});

test("who comes again too late starts anew", () => {
  const one = greylist();
  expect(one.isToWait(TRIPLET)).toBe(true);
  now += 24 * HOUR;
  expect(one.isToWait(TRIPLET)).toBe(true);
  now += 60_000;
  expect(one.isToWait(TRIPLET)).toBe(false);
});

test.each<[string, Partial<Triplet>, Partial<Triplet>, boolean]>([
  ["a neighbour's address", {}, { client: "192.0.2.200" }, false],
  ["another network", {}, { client: "192.0.3.1" }, true],
  ["a neighbour's IPv6 address", { client: "2001:db8::1" }, { client: "2001:db8::ff:2" }, false],
  ["another IPv6 network", { client: "2001:db8::1" }, { client: "2001:db8:0:1::1" }, true],
  ["IPv4 written as IPv6", {}, { client: "::ffff:192.0.2.7" }, false],
  [
    "another number in the sender",
    { sender: "b-1@x.example" },
    { sender: "B-22@X.example" },
    false,
  ],
  ["another sender", {}, { sender: "c@sender.example" }, true],
  ["another recipient", {}, { recipient: "c@example.org" }, true],
])("isToWait() knows what %s means", (_, first, second, expected) => {
  const one = greylist();
  one.isToWait({ ...TRIPLET, ...first });
  now += HOUR;
  expect(one.isToWait({ ...TRIPLET, ...second })).toBe(expected);
});

test("a network that passed often enough is known", () => {
  const one = greylist(2);
  for (const recipient of ["b@example.org", "c@example.org"]) {
    expect(one.isToWait({ ...TRIPLET, recipient })).toBe(true);
    now += HOUR;
    expect(one.isToWait({ ...TRIPLET, recipient })).toBe(false);
  }
  const other = { client: "192.0.2.9", sender: "x@y.example", recipient: "d@example.org" };
  expect(one.isToWait(other)).toBe(false);
  now += 241 * HOUR;
  expect(one.isToWait(other)).toBe(true);
});

test("what is older than all that counts is forgotten", () => {
  const one = greylist();
  for (let at = 0; at < 50; at++) one.isToWait({ ...TRIPLET, sender: `s@h${at}.example` });
  expect(store.greylist.count()).toBe(50);
  now += 241 * HOUR;
  one.isToWait(TRIPLET);
  expect(store.greylist.count()).toBe(1);
});

test("rows are bounded; those that never passed go first", () => {
  const rowsMax = 20;
  const rows = new GreylistRows(context(), rowsMax);
  rows.put({ key: "passed", firstAt: 1, lastAt: 1, passes: 1 });
  for (let at = 0; at < 100; at++) rows.put({ key: `k${at}`, firstAt: at, lastAt: at, passes: 0 });
  expect(rows.count()).toBeLessThanOrEqual(rowsMax);
  expect(rows.get("passed")?.passes).toBe(1);
  expect(rows.get("k99")).toBeDefined();
  expect(rows.get("k1")).toBeUndefined();
});

function context() {
  const db = new Database(":memory:");
  db.run(
    "CREATE TABLE greylist (key TEXT PRIMARY KEY, first_at INTEGER, last_at INTEGER, passes INTEGER)",
  );
  const change = <T>(work: (drop: () => void) => T) => work(() => {});
  return { db, dataDir: "", now: () => now, catchUp: () => {}, change, changeKept: change };
}
