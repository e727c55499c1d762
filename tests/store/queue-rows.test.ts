import { afterEach, describe, expect, test } from "bun:test";
import type { QueueFilter } from "../../src/store/rows/queue-filter.ts";
import { cleanUp, ManualClock, openStore, storeMessage } from "./samples.ts";

afterEach(cleanUp);

async function threeMessages() {
  const clock = new ManualClock();
  const store = await openStore({ clock });
  const plain = await storeMessage(store, { sender: "Alice@example.org", subject: "one" });
  const held = await storeMessage(store, { sender: "bob@example.org" });
  const many = await storeMessage(store, {
    sender: "",
    recipients: Array.from({ length: 30 }, (_, n) => ({ address: `user${n}@example.com` })),
  });
  store.queue.hold({ ids: [held] });
  const [{ number } = { number: 0 }] = store.queue.show(plain)?.recipients ?? [];
  await new Promise<void>((done) =>
    store.write(
      [{ kind: "defer", number, nextAt: 1e15, reply: "451 later", host: "mx", isWarned: true }],
      done,
    ),
  );
  return { store, clock, plain, held, many };
}

describe("list()", () => {
  test.each([
    [{}, ["plain", "held", "many"]],
    [{ sender: "alice@" }, ["plain"]],
    [{ sender: "EXAMPLE.ORG" }, ["plain", "held"]],
    [{ recipient: "User29@" }, ["many"]],
    [{ recipient: "%" }, []],
    [{ sender: "' OR 1 --" }, []],
    [{ state: "queued" }, ["plain", "many"]],
    [{ state: "held" }, ["held"]],
    [{ state: "deferred" }, ["plain"]],
    [{ limit: 2 }, ["plain", "held"]],
    [{ sender: "bob", state: "queued" }, []],
  ] as [QueueFilter, string[]][])("%p", async (filter, names) => {
    const { store, ...ids } = await threeMessages();
    const found = store.queue.list(filter).map(({ id }) => id);
    expect(found).toEqual(names.map((name) => ids[name as "plain"]));
  });

  test("gives the first recipients only, show() all", async () => {
    const { store, many } = await threeMessages();
    const item = store.queue.list().find(({ id }) => id === many);
    expect([item?.recipientCount, item?.recipients.length]).toEqual([30, 20]);
    expect(store.queue.show(many)?.recipients.length).toBe(30);
  });
});

test("show() tells what happened to a recipient; an unknown id is undefined", async () => {
  const { store, plain } = await threeMessages();
  expect(store.queue.show(plain)).toMatchObject({
    sender: "Alice@example.org",
    subject: "one",
    size: 5_000,
    recipients: [
      { attempts: 1, nextAttemptAt: 1e15, lastReply: "451 later", lastHost: "mx", isWarned: true },
    ],
  });
  expect(store.queue.show("unknown00000")).toBeUndefined();
});

test("counts() adds up", async () => {
  const { store } = await threeMessages();
  expect(store.queue.counts()).toEqual({
    messages: 3,
    bytes: 15_000,
    recipients: 32,
    held: 1,
    deferred: 1,
  });
});

test("due() gives what is queued and due, nextDueAfter() when more comes", async () => {
  const { store, clock, many } = await threeMessages();
  const due = (known: (n: number) => boolean) =>
    store.queue
      .due(clock.now(), 100, known)
      .messages.map(({ record, recipients }) => [record.id, recipients.length]);
  expect(due(() => false)).toEqual([[many, 30]]);
  expect(due((number) => number % 2 === 0)).toEqual([[many, 15]]);
  expect(due(() => true)).toEqual([]);
  expect(store.queue.nextDueAfter(clock.now())).toBe(1e15);
  expect(store.queue.nextDueAfter(1e15)).toBe(Number.POSITIVE_INFINITY);
});

test("retry(), hold(), release() and delete() touch those named, or all, and say how many", async () => {
  const { store, clock, plain, held, many } = await threeMessages();
  const next = (id: string) => store.queue.show(id)?.recipients[0]?.nextAttemptAt;
  clock.advance(1_000);
  expect(store.queue.retry({ ids: [plain, plain, "unknown00000"] })).toBe(1);
  expect([next(plain), next(held)]).toEqual([clock.now(), clock.now() - 1_000]);
  clock.advance(1_000);
  expect(store.queue.retry({ ids: "all" })).toBe(31);
  expect([next(plain), next(held)]).toEqual([clock.now(), clock.now() - 2_000]);
  expect(store.queue.release({ ids: [plain, held] })).toBe(1);
  expect([store.queue.counts().held, next(held)]).toEqual([0, clock.now()]);
  expect(store.queue.hold({ ids: "all" })).toBe(32);
  expect(store.queue.counts().held).toBe(32);
  expect(store.queue.delete({ ids: [many] })).toBe(30);
  expect(store.queue.delete({ ids: "all" })).toBe(2);
  expect(store.queue.counts()).toEqual({
    messages: 0,
    bytes: 0,
    recipients: 0,
    held: 0,
    deferred: 0,
  });
});
