// What is done goes from the disk, and not before that is safe.
import { afterEach, expect, test } from "bun:test";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import {
  cleanUp,
  FaultyDisk,
  finishAll,
  KeptLog,
  ManualClock,
  openStore,
  sampleBody,
  storedText,
  storeMessage,
  tempFolder,
} from "./samples.ts";

afterEach(cleanUp);

const segments = (dataDir: string) =>
  readdirSync(join(dataDir, "spool")).filter((name) => name.endsWith(".seg"));

test("unlinks segments, files and bodies whose mail is done", async () => {
  const dataDir = tempFolder();
  const store = await openStore({ dataDir, segmentSizeMax: 20_000 });
  for (let count = 0; count < 8; count++) await storeMessage(store);
  await storeMessage(store, { bytes: sampleBody("large", 600_000) });
  await store.tend();
  expect(segments(dataDir).length).toBe(3);
  await finishAll(store);
  expect(store.queue.counts().messages).toBe(0);
  await store.close();
  const again = await openStore({ dataDir });
  await again.tend();
  expect(segments(dataDir)).toEqual([]);
  expect(readdirSync(join(dataDir, "spool/large"))).toEqual([]);
  expect(again.queue.counts().messages).toBe(0);
});

test("closes an old segment that is not full, so that delivered mail does not lie about", async () => {
  const dataDir = tempFolder();
  const clock = new ManualClock();
  const store = await openStore({ dataDir, clock });
  await storeMessage(store);
  await finishAll(store);
  await store.tend();
  expect(segments(dataDir).length).toBe(1);
  clock.advance(11 * 60_000);
  await store.tend();
  clock.advance(10_000);
  await store.tend();
  expect(segments(dataDir)).toEqual([]);
  const id = await storeMessage(store);
  expect(await storedText(store, id)).toBe(sampleBody(id).toString());
});

test("moves the last messages out of an old segment, then lets it go", async () => {
  const dataDir = tempFolder();
  const clock = new ManualClock();
  const store = await openStore({ dataDir, clock, segmentSizeMax: 50_000 });
  const ids: string[] = [];
  for (let count = 0; count < 10; count++) ids.push(await storeMessage(store));
  const last = ids.pop() ?? "";
  store.queue.delete({ ids });
  clock.advance(11 * 60_000);
  await store.tend();
  expect(readdirSync(join(dataDir, "spool/large"))).toEqual([last]);
  expect(segments(dataDir).length).toBe(1); // An attempt may be reading it.
  expect(await storedText(store, last)).toBe(sampleBody(last).toString());
  clock.advance(11 * 60_000);
  await store.tend();
  expect(segments(dataDir)).toEqual([]);
  expect(await storedText(store, last)).toBe(sampleBody(last).toString());
  await finishAll(store);
  await store.tend();
  expect(readdirSync(join(dataDir, "spool/large"))).toEqual([]);
});

test("a body is never unlinked before the rows that end it are durable", async () => {
  const dataDir = tempFolder();
  const disk = new FaultyDisk();
  const log = new KeptLog();
  const store = await openStore({ dataDir, disk, log });
  const id = await storeMessage(store, { bytes: sampleBody("large", 600_000) });
  await finishAll(store);
  disk.faults.set("sync", "EIO");
  await store.tend();
  expect(log.events("error")).toEqual(["store-upkeep-failed"]);
  expect(existsSync(join(dataDir, "spool/large", id))).toBe(true);
  disk.faults.clear();
  await store.tend();
  expect(existsSync(join(dataDir, "spool/large", id))).toBe(false);
});
