import { afterEach, describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { systemDisk } from "../../src/store/disk.ts";
import type { KeptPlace, VaultFilter } from "../../src/store/rows/vault-rows.ts";
import { writePacked } from "../../src/store/spool/packing.ts";
import { Store } from "../../src/store/store.ts";
import {
  cleanUp,
  closeAfter,
  KeptLog,
  ManualClock,
  openStore,
  storeMessage,
  tempFolder,
} from "./samples.ts";

afterEach(cleanUp);

async function twoMessages() {
  const dataDir = tempFolder();
  const store = await openStore({ dataDir });
  const first = await storeMessage(store, {
    place: "quarantine",
    sender: "eve@example.org",
    subject: "Invoice [new]",
    messageId: "<one@example.org>",
    findings: ["Win.Test.A", "Doc.Macro"],
    status: "infected",
    receivedAt: 1_000,
  });
  const second = await storeMessage(store, {
    place: "backup",
    recipients: [{ address: "carol@example.com" }, { address: "dan@example.com" }],
    receivedAt: 2_000,
  });
  await storeMessage(store, { sender: "eve@example.org" });
  return { dataDir, store, first, second };
}

const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");

/** Packs a message as the vault's keeper does. */
async function pack(store: Store, dataDir: string, hashes: readonly string[] = []) {
  for (const message of store.vault.unpacked(10)) {
    const bytes = (await store.vault.read(message.record.id)) ?? new Uint8Array();
    const file = `${message.file}.zst`;
    const stored = await writePacked(systemDisk, join(dataDir, file), bytes);
    store.vault.setPacked(message, { file, stored, hashes });
  }
}

test.each([
  [{}, ["second", "first"]],
  [{ places: ["quarantine"] }, ["first"]],
  [{ places: ["backup", "archive"] }, ["second"]],
  [{ sender: "EVE@" }, ["first"]],
  [{ sender: "*@example.org" }, ["second", "first"]],
  [{ sender: "eve@example.???" }, ["first"]],
  [{ sender: "eve@example.????" }, []],
  [{ recipient: "dan@" }, ["second"]],
  [{ recipient: "d*@example.com" }, ["second"]],
  [{ recipient: "*@example.co" }, []],
  [{ subject: "invoice [new]" }, ["first"]],
  [{ messageId: "one@example" }, ["first"]],
  [{ signature: "macro" }, ["first"]],
  [{ signature: "macro", sender: "nobody" }, []],
  [{ status: "infected" }, ["first"]],
  [{ since: 1_500 }, ["second"]],
  [{ before: 2_000 }, ["first"]],
  [{ direction: "incoming" }, []],
  [{ limit: 1 }, ["second"]],
] as [VaultFilter, string[]][])("list() with %p", async (filter, names) => {
  const { store, ...ids } = await twoMessages();
  const found = store.vault.list(filter).map(({ record }) => record.id);
  expect(found).toEqual(names.map((name) => ids[name as "first"]));
});

test("a hash finds the messages that hold the object", async () => {
  const { store, dataDir, first, second } = await twoMessages();
  await pack(store, dataDir, [sha256("an object")]);
  const find = (hash: string) => store.vault.list({ hash }).map(({ record }) => record.id);
  expect(find(sha256("an object"))).toEqual([second, first]);
  expect(find(sha256("another"))).toEqual([]);
});

test("packing changes neither the bytes nor the rows, and is done once", async () => {
  const { store, dataDir, first } = await twoMessages();
  const before = Buffer.from((await store.vault.read(first)) ?? "").toString();
  const sizes = store.vault.counts("quarantine");
  await pack(store, dataDir);
  await store.tend();
  expect(Buffer.from((await store.vault.read(first)) ?? "").toString()).toBe(before);
  expect(readdirSync(join(dataDir, "quarantine"))).toEqual([`${first}.zst`]);
  expect(statSync(join(dataDir, "quarantine", `${first}.zst`)).mode & 0o777).toBe(0o600);
  expect(store.vault.unpacked(10)).toEqual([]);
  expect(store.vault.counts("quarantine").bytes).toBeLessThan(sizes.bytes);
  expect(store.vault.show(first)?.record.size).toBe(5_000);
});

test("a packed body that is not what its row says is an error", async () => {
  const { store, dataDir, first } = await twoMessages();
  await pack(store, dataDir);
  const path = join(dataDir, "quarantine", `${first}.zst`);
  await writePacked(systemDisk, path, Buffer.alloc(100_000_000));
  await expect(store.vault.read(first)).rejects.toThrow();
  await writePacked(systemDisk, path, Buffer.from("short"));
  await expect(store.vault.read(first)).rejects.toThrow("has 5 bytes, not 5000");
  writeFileSync(path, "no frame");
  await expect(store.vault.read(first)).rejects.toThrow();
  expect(await store.vault.read("unknown00000")).toBeUndefined();
});

test("packed messages are there after a restart, with the database and without", async () => {
  const { store, dataDir, first } = await twoMessages();
  await pack(store, dataDir);
  await store.close();
  const again = await openStore({ dataDir });
  expect((await again.vault.read(first))?.length).toBe(5_000);
  await again.close();
  const log = new KeptLog();
  const { Database } = await import("bun:sqlite");
  const db = new Database(join(dataDir, "gw.db"));
  // As after a power loss that took the rows.
  db.run("DELETE FROM messages; DELETE FROM recipients; UPDATE meta SET value = 0");
  db.close();
  const recovered = await openStore({ dataDir, log });
  expect(log.events("error")).toEqual([]);
  expect((await recovered.vault.read(first))?.length).toBe(5_000);
  expect(recovered.vault.unpacked(10)).toEqual([]);
});

/** All files below a folder that hold `text`. */
function filesWith(folder: string, text: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => readFileSync(path).includes(text));
}

describe("delete()", () => {
  test("leaves no bytes, and can't reach the queue", async () => {
    const { dataDir, store, first, second } = await twoMessages();
    const [{ id: queued } = { id: "" }] = store.queue.list();
    expect(store.vault.delete([first, queued, "unknown00000"])).toEqual([first]);
    await store.tend();
    expect(existsSync(join(dataDir, "quarantine", first))).toBe(false);
    expect(existsSync(join(dataDir, "backup", second))).toBe(true);
    expect(store.vault.counts("backup")).toEqual({ messages: 1, bytes: 5_000 });
    expect(store.queue.counts().messages).toBe(1);
  });

  test.each(["quarantine", "backup", "archive"] as KeptPlace[])(
    "in the server leaves nothing of a message in the %s, and others as they are",
    async (place) => {
      const dataDir = tempFolder();
      const store = await openStore({ dataDir });
      const about = { subject: "secret subject", place, bytes: Buffer.from("secret body") };
      const waiting = await storeMessage(store, {});
      const id = await storeMessage(store, about);
      const behind = await storeMessage(store, {});
      await store.tend();
      expect(filesWith(dataDir, "secret subject").length).toBeGreaterThan(0);
      store.vault.delete([id]);
      await store.close();
      const again = await openStore({ dataDir });
      await again.tend();
      expect(filesWith(dataDir, "secret")).toEqual([]);
      expect(again.queue.list().map((item) => item.id)).toEqual([waiting, behind]);
      await again.close();
      // What was blanked is none of recovery's business either.
      const { Database } = await import("bun:sqlite");
      const db = new Database(join(dataDir, "gw.db"));
      db.run("DELETE FROM messages; DELETE FROM recipients; UPDATE meta SET value = 0");
      db.close();
      const log = new KeptLog();
      const recovered = await openStore({ dataDir, log });
      expect(log.events("error")).toEqual([]);
      expect(recovered.queue.list().map((item) => item.id)).toEqual([waiting, behind]);
      expect(recovered.vault.list()).toEqual([]);
    },
  );

  test("by a command beside the server leaves nothing either", async () => {
    const dataDir = tempFolder();
    const clock = new ManualClock();
    const store = await openStore({ dataDir, clock });
    const about = { subject: "secret subject", place: "quarantine" } as const;
    const id = await storeMessage(store, { ...about, bytes: Buffer.from("secret body") });
    await store.tend();
    const command = closeAfter(Store.attach(dataDir));
    expect(command.vault.delete([id])).toEqual([id]);
    await command.close();
    clock.advance(10_000);
    await store.tend();
    await store.close();
    expect(filesWith(dataDir, "secret")).toEqual([]);
  });
});
