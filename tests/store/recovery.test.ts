// A data folder after kill -9, torn writes, rotten bytes: nothing acknowledged is lost or doubled,
// and nothing damaged goes unsaid.
import { afterEach, describe, expect, test } from "bun:test";
import {
  appendFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import type { Store } from "../../src/store/store.ts";
import {
  cleanUp,
  KeptLog,
  newId,
  openStore,
  sampleBody,
  storedText,
  storeMessage,
  tempFolder,
} from "./samples.ts";

afterEach(cleanUp);

const segmentOf = (dataDir: string) =>
  join(
    dataDir,
    "spool",
    readdirSync(join(dataDir, "spool")).filter((name) => name.endsWith(".seg"))[0] ?? "",
  );

const queued = (store: Store) => store.queue.list().map(({ id }) => id);

/** A data folder with `count` messages in one segment and no rows at all. */
async function withoutRows(count: number) {
  const source = tempFolder();
  const store = await openStore({ dataDir: source });
  const ids: string[] = [];
  for (let number = 0; number < count; number++) ids.push(await storeMessage(store));
  const bytes = readFileSync(segmentOf(source));
  const dataDir = tempFolder();
  await (await openStore({ dataDir })).close();
  const path = join(dataDir, "spool/0000000001.seg");
  writeFileSync(path, bytes);
  return { dataDir, ids, path, bytes };
}

describe("kill -9", () => {
  test("at any moment loses and doubles nothing", async () => {
    const dataDir = tempFolder();
    // By the mark of the line: `+` will be delivered, `*` stays, `-` is delivered.
    const said: Record<string, Set<string>> = { "+": new Set(), "*": new Set(), "-": new Set() };
    for (let round = 0; round < 6; round++) {
      const lines = await linesUntilKilled(dataDir, 40 + round * 130);
      for (const line of lines) said[line.charAt(0)]?.add(line.slice(1));
      const store = await openStore({ dataDir });
      const quarantined = store.vault.list().map(({ record }) => record.id);
      const found = [...queued(store), ...quarantined];
      const there = new Set(found);
      expect(there.size).toBe(found.length);
      expect([...(said["*"] ?? [])].filter((id) => !there.has(id))).toEqual([]);
      expect(found.filter((id) => said["-"]?.has(id))).toEqual([]);
      // A delivery may have been booked in the moment before the child could say so.
      const unsaid = [...(said["+"] ?? [])].filter((id) => !there.has(id) && !said["-"]?.has(id));
      for (const id of unsaid) said["-"]?.add(id);
      expect(unsaid.length).toBeLessThan(50);
      for (const id of found) {
        const text = await storedText(store, id);
        expect(text.replaceAll(`${id} `, "")).toBe("");
      }
      await store.close();
    }
    expect(said["*"]?.size).toBeGreaterThan(300);
    expect(said["-"]?.size).toBeGreaterThan(100);
  }, 30_000);
});

async function linesUntilKilled(dataDir: string, count: number): Promise<string[]> {
  const child = Bun.spawn([process.execPath, join(import.meta.dir, "crash-writer.ts"), dataDir], {
    stdout: "pipe",
    stderr: "inherit",
  });
  let text = "";
  for await (const chunk of child.stdout) {
    text += Buffer.from(chunk).toString();
    if (text.split("\n").length > count) child.kill("SIGKILL");
  }
  await child.exited;
  // The last line may be cut short: then it promised nothing.
  return text.split("\n").slice(0, -1);
}

describe("a segment's end", () => {
  test.each([
    ["half a record", (bytes: Buffer) => bytes.subarray(0, bytes.length - 2_000), 4],
    ["half a header", (bytes: Buffer) => Buffer.concat([bytes, bytes.subarray(32, 50)]), 5],
    ["zeros", (bytes: Buffer) => Buffer.concat([bytes, Buffer.alloc(10_000)]), 5],
    ["noise", (bytes: Buffer) => Buffer.concat([bytes, Buffer.alloc(5_000, "xyz")]), 5],
  ])("that is %s is cut off with a line in the log", async (_, spoil, count) => {
    const { dataDir, ids, path, bytes } = await withoutRows(5);
    writeFileSync(path, spoil(bytes));
    const log = new KeptLog();
    const store = await openStore({ dataDir, log });
    expect(queued(store)).toEqual(ids.slice(0, count));
    expect(log.events("warn")).toEqual(["segment-cut", "mail-recovered"]);
    expect(log.events("error")).toEqual([]);
    expect(statSync(path).size).toBeLessThanOrEqual(bytes.length);
    await storeMessage(store);
    expect(store.queue.counts().messages).toBe(count + 1);
  });

  test("a segment that is empty or has half a header holds nothing", async () => {
    const { dataDir, path } = await withoutRows(1);
    writeFileSync(path, "GWSEG");
    const log = new KeptLog();
    const store = await openStore({ dataDir, log });
    expect([queued(store), log.events("error")]).toEqual([[], []]);
    await store.tend();
    expect(existsSync(path)).toBe(false);
  });
});

describe("damage inside a segment", () => {
  test.each([
    ["the header", 10],
    ["the length", 45],
    ["the body", 3_000],
  ])("to %s of a record costs that record only, and a copy is set aside", async (_, offset) => {
    const { dataDir, ids, path, bytes } = await withoutRows(5);
    const size = (bytes.length - 32) / 5;
    const at = Math.floor(32 + size + (offset === 45 ? 13 : offset));
    bytes[at] = (bytes[at] ?? 0) ^ 0xff;
    writeFileSync(path, bytes);
    const log = new KeptLog();
    const store = await openStore({ dataDir, log });
    const kept = ids.filter((_id, index) => index !== 1);
    expect(queued(store)).toEqual(kept);
    for (const id of kept) expect(await storedText(store, id)).toBe(sampleBody(id).toString());
    expect(log.events("error")).toEqual(["segment-damaged"]);
    const [copy = ""] = readdirSync(join(dataDir, "spool/damaged"));
    const start = Math.floor(32 + size);
    expect(readFileSync(join(dataDir, "spool/damaged", copy))).toEqual(
      bytes.subarray(start, Math.floor(start + size)),
    );
  });

  test("never makes mail of a body that looks like a record", async () => {
    const evil = await withoutRows(1);
    const source = tempFolder();
    const store = await openStore({ dataDir: source });
    await storeMessage(store, { bytes: evil.bytes });
    const next = await storeMessage(store);
    const bytes = readFileSync(segmentOf(source));
    bytes[60] = (bytes[60] ?? 0) ^ 0xff; // Damages the record around the forged one.
    const { dataDir, path } = await withoutRows(1);
    writeFileSync(path, bytes);
    const log = new KeptLog();
    const again = await openStore({ dataDir, log });
    expect(queued(again)).toEqual([next]);
    expect(log.events("error")).toEqual(["segment-damaged"]);
  });

  test("to a segment's own header sets the whole file aside", async () => {
    const { dataDir, path, bytes } = await withoutRows(3);
    bytes[9] = (bytes[9] ?? 0) ^ 0xff;
    writeFileSync(path, bytes);
    const log = new KeptLog();
    const store = await openStore({ dataDir, log });
    expect([queued(store), log.events("error")]).toEqual([[], ["segment-unreadable"]]);
    expect(readFileSync(join(dataDir, "spool/damaged/0000000001.seg"))).toEqual(bytes);
  });
});

describe("files without rows, rows without files", () => {
  test("a body that was never acknowledged is removed", async () => {
    const dataDir = tempFolder();
    await (await openStore({ dataDir })).close();
    for (const folder of ["spool/large", "quarantine"]) {
      writeFileSync(join(dataDir, folder, newId()), "x");
    }
    const log = new KeptLog();
    await openStore({ dataDir, log });
    expect(log.events("warn")).toEqual(["orphans-removed", "orphans-removed"]);
    expect(readdirSync(join(dataDir, "spool/large"))).toEqual([]);
    expect(readdirSync(join(dataDir, "quarantine"))).toEqual([]);
  });

  test("is kept when the database is new: it may be mail", async () => {
    const dataDir = tempFolder();
    const store = await openStore({ dataDir });
    const id = await storeMessage(store);
    const kept = await storeMessage(store, { place: "quarantine" });
    await store.close();
    for (const name of ["gw.db", "gw.db-wal", "gw.db-shm"]) {
      rmSync(join(dataDir, name), { force: true });
    }
    writeFileSync(join(dataDir, "quarantine", "unknown0000"), "x");
    const log = new KeptLog();
    const again = await openStore({ dataDir, log });
    expect(log.events("warn")).toEqual(["database-rebuilt", "orphans-kept", "mail-recovered"]);
    expect(queued(again)).toEqual([id]);
    expect(again.vault.show(kept)?.record.id).toBe(kept);
    expect(existsSync(join(dataDir, "quarantine", "unknown0000"))).toBe(true);
  });

  test("a row whose body is gone is an error in the log", async () => {
    const dataDir = tempFolder();
    const store = await openStore({ dataDir });
    await storeMessage(store);
    const large = await storeMessage(store, { bytes: sampleBody("x", 400_000) });
    await store.close();
    rmSync(segmentOf(dataDir));
    rmSync(join(dataDir, "spool/large", large));
    const log = new KeptLog();
    await openStore({ dataDir, log });
    expect(log.events("error")).toEqual(["body-missing", "body-missing"]);
  });

  test("a foreign file in the spool is left alone", async () => {
    const dataDir = tempFolder();
    await (await openStore({ dataDir })).close();
    appendFileSync(join(dataDir, "spool/notes.txt"), "x");
    const log = new KeptLog();
    await openStore({ dataDir, log });
    expect([log.lines, existsSync(join(dataDir, "spool/notes.txt"))]).toEqual([[], true]);
  });
});
