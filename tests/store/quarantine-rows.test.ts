import { afterEach, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { QuarantineFilter } from "../../src/store/quarantine-rows.ts";
import { cleanUp, openStore, storeMessage, tempFolder } from "./samples.ts";

afterEach(cleanUp);

async function twoMessages() {
  const dataDir = tempFolder();
  const store = await openStore({ dataDir });
  const first = await storeMessage(store, {
    place: "quarantine",
    sender: "eve@example.org",
    subject: "Invoice",
    findings: ["Win.Test.A", "Doc.Macro"],
    receivedAt: 1_000,
  });
  const second = await storeMessage(store, {
    place: "quarantine",
    recipients: [{ address: "carol@example.com" }, { address: "dan@example.com" }],
    receivedAt: 2_000,
  });
  await storeMessage(store, { sender: "eve@example.org" });
  return { dataDir, store, first, second };
}

test.each([
  [{}, ["second", "first"]],
  [{ sender: "EVE@" }, ["first"]],
  [{ recipient: "dan@" }, ["second"]],
  [{ subject: "invoice" }, ["first"]],
  [{ signature: "macro" }, ["first"]],
  [{ signature: "macro", sender: "nobody" }, []],
  [{ since: 1_500 }, ["second"]],
  [{ before: 2_000 }, ["first"]],
  [{ limit: 1 }, ["second"]],
] as [QuarantineFilter, string[]][])("list() with %p", async (filter, names) => {
  const { store, ...ids } = await twoMessages();
  const found = store.quarantine.list(filter).map(({ record }) => record.id);
  expect(found).toEqual(names.map((name) => ids[name as "first"]));
});

test("delete() leaves no bytes, and can't reach the queue", async () => {
  const { dataDir, store, first, second } = await twoMessages();
  const [{ id: queued } = { id: "" }] = store.queue.list();
  const path = (id: string) => join(dataDir, "quarantine", id);
  expect(existsSync(path(first))).toBe(true);
  expect(store.quarantine.delete([first, queued, "unknown00000"])).toBe(1);
  await store.tend();
  expect([existsSync(path(first)), existsSync(path(second))]).toEqual([false, true]);
  expect(store.quarantine.counts()).toEqual({ messages: 1, bytes: 5_000 });
  expect(store.queue.counts().messages).toBe(1);
});

test("release() moves rows in one step, once, and keeps the body until it is delivered", async () => {
  const { dataDir, store, second } = await twoMessages();
  expect(store.quarantine.release(second)).toBe(true);
  expect(store.quarantine.release(second)).toBe(false);
  expect(store.quarantine.show(second)).toBeUndefined();
  expect(store.queue.show(second)?.recipients.map(({ address }) => address)).toEqual([
    "carol@example.com",
    "dan@example.com",
  ]);
  await store.tend();
  expect(existsSync(join(dataDir, "quarantine", second))).toBe(true);
  store.queue.delete([second]);
  await store.tend();
  expect(existsSync(join(dataDir, "quarantine", second))).toBe(false);
});

test("release() to others changes the envelope, and refuses to have none", async () => {
  const { store, second } = await twoMessages();
  expect(() => store.quarantine.release(second, [])).toThrow("1 to 4096 recipients");
  expect(store.quarantine.show(second)).toBeDefined();
  store.quarantine.release(second, [{ address: "admin@example.org" }]);
  expect(store.queue.show(second)?.record.envelope.recipients).toEqual([
    { address: "admin@example.org" },
  ]);
});
