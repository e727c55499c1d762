// The schedule: nobody is forgotten, nobody is handed out twice.
import { afterEach, describe, expect, test } from "bun:test";
import type { Outcome } from "../../src/message.ts";
import { DEFAULT_BACKOFF } from "../../src/queue/backoff.ts";
import { Queue, type QueueJob } from "../../src/queue/queue.ts";
import type { Store } from "../../src/store/store.ts";
import {
  cleanUp,
  KeptLog,
  ManualClock,
  openStore,
  type SampleOptions,
  storeMessage,
  tempFolder,
} from "../store/samples.ts";

afterEach(cleanUp);

const MINUTE = 60_000;
const delivered: Outcome = { kind: "delivered", reply: "250 2.0.0 OK", host: "mx.example.net" };
const deferred: Outcome = { kind: "deferred", reply: "451 4.3.0 later", host: "mx.example.net" };
const failed: Outcome = { kind: "failed", reply: "550 5.1.1 unknown", host: "mx.example.net" };

async function setUp(options: { dataDir?: string; backoff?: object } = {}) {
  const clock = new ManualClock();
  const log = new KeptLog();
  const { dataDir = tempFolder() } = options;
  const store = await openStore({ dataDir, clock, log });
  const delays = { ...DEFAULT_BACKOFF, ...options.backoff };
  const backoff = () => delays;
  const queue = new Queue({ store, clock, log, backoff, random: () => 0.5 });
  return { clock, store, queue, dataDir, log };
}

/** Waits until the rows say what has been settled. */
const written = (store: Store) => new Promise<void>((done) => store.write([], done));

const settleAll = (queue: Queue, jobs: readonly QueueJob[], outcome: Outcome) =>
  jobs.map((job) =>
    queue.settle(
      job,
      job.recipients.map(() => outcome),
    ),
  );

const threeRecipients: SampleOptions = {
  recipients: ["x", "y", "z"].map((name) => ({ address: `${name}@example.net` })),
};

describe("take()", () => {
  test("hands out what was committed, once, with its body and envelope", async () => {
    const { store, queue } = await setUp();
    const id = await storeMessage(store, {
      recipients: [{ address: "x@example.net", notify: ["never"], orcpt: "rfc822;y@example.org" }],
    });
    const [job] = queue.take(10);
    expect(job?.record.id).toBe(id);
    expect(job?.body).toEqual(store.body(id) as never);
    expect(job?.recipients).toMatchObject([
      { address: "x@example.net", notify: ["never"], orcpt: "rfc822;y@example.org", attempts: 0 },
    ]);
    expect(queue.inFlight).toBe(1);
    expect(queue.take(10)).toEqual([]);
  });

  test("finds in the rows what was queued before the start", async () => {
    const first = await setUp();
    const ids = [await storeMessage(first.store), await storeMessage(first.store, threeRecipients)];
    await first.store.close();
    const { queue } = await setUp({ dataDir: first.dataDir });
    expect(queue.take(1).map(({ record }) => record.id)).toEqual([ids[0] ?? ""]);
    const [second] = queue.take(10);
    expect(second?.recipients.length).toBe(3);
    expect(queue.take(10)).toEqual([]);
  });

  test("hands out each of 5,000 recipients once, whatever the window", async () => {
    const { store, queue } = await setUp();
    const recipients = Array.from({ length: 5 }, (_, n) => ({ address: `${n}@example.net` }));
    await Promise.all(Array.from({ length: 1_000 }, () => storeMessage(store, { recipients })));
    const seen = new Set<number>();
    let count = 0;
    for (let jobs = queue.take(7); jobs.length > 0; jobs = queue.take(7)) {
      for (const job of jobs) {
        for (const { number } of job.recipients) seen.add(number);
        count += job.recipients.length;
      }
      settleAll(queue, jobs, delivered);
      if (count % 3 === 0) await written(store);
    }
    await written(store);
    expect([count, seen.size, queue.inFlight]).toEqual([5_000, 5_000, 0]);
    expect(store.queue.counts().messages).toBe(0);
  });

  test("does not double a message whose notice comes while rows are being read", async () => {
    const { store, queue } = await setUp();
    const taken: string[] = [];
    queue.onReady(() => {
      for (const job of queue.take(100)) taken.push(job.record.id);
    });
    const ids = await Promise.all(Array.from({ length: 50 }, () => storeMessage(store)));
    await written(store);
    expect(taken.sort()).toEqual(ids.sort());
    queue.close();
  });

  test("gives nothing after close()", async () => {
    const { store, queue } = await setUp();
    await storeMessage(store);
    queue.close();
    expect(queue.take(10)).toEqual([]);
  });
});

describe("settle()", () => {
  test("books each recipient by itself", async () => {
    const { store, queue, clock } = await setUp();
    const id = await storeMessage(store, threeRecipients);
    const [job] = queue.take(1) as [QueueJob];
    const settlement = queue.settle(job, [delivered, deferred, failed]);
    expect(settlement.failed.map(({ entry }) => entry.address)).toEqual(["z@example.net"]);
    expect(settlement.delayed).toEqual([]);
    await written(store);
    // The failed one stays until its report is durable, and is not tried meanwhile.
    const left = store.queue.show(id)?.recipients.map(({ address }) => address);
    expect(left).toEqual(["y@example.net", "z@example.net"]);
    clock.advance(1);
    expect(queue.take(1)).toEqual([]);
    queue.drop(settlement.failed);
    await written(store);
    expect(store.queue.show(id)?.recipients).toMatchObject([
      {
        address: "y@example.net",
        attempts: 1,
        nextAttemptAt: clock.now() - 1 + 5 * MINUTE,
        lastReply: "451 4.3.0 later",
        lastHost: "mx.example.net",
      },
    ]);
    clock.advance(5 * MINUTE);
    const [again] = queue.take(1) as [QueueJob];
    expect(again.recipients.map(({ address, attempts }) => [address, attempts])).toEqual([
      ["y@example.net", 1],
    ]);
    queue.settle(again, [delivered]);
    await written(store);
    expect(store.queue.show(id)).toBeUndefined();
    expect(store.body(id)).toBeUndefined();
  });

  test("keeps failed recipients over a crash, so that their report is not lost", async () => {
    const first = await setUp();
    await storeMessage(first.store);
    const [job] = first.queue.take(1) as [QueueJob];
    first.queue.settle(job, [failed]);
    await first.store.close();
    const { queue } = await setUp({ dataDir: first.dataDir });
    expect(queue.take(1).length).toBe(1);
  });

  test("putBack() tries failed recipients again later", async () => {
    const { store, queue, clock } = await setUp();
    await storeMessage(store);
    const [settlement] = settleAll(queue, queue.take(1), failed);
    queue.putBack(settlement?.failed ?? []);
    await written(store);
    expect(queue.take(1)).toEqual([]);
    clock.advance(5 * MINUTE);
    expect(queue.take(1)[0]?.recipients[0]?.lastReply).toBe("550 5.1.1 unknown");
  });

  test("turns a deferral into a failure when the time is up", async () => {
    const { store, queue, clock } = await setUp({ backoff: { lifetimeMs: 7 * MINUTE } });
    await storeMessage(store);
    expect(settleAll(queue, queue.take(1), deferred)[0]?.failed).toEqual([]);
    await written(store);
    clock.advance(5 * MINUTE);
    settleAll(queue, queue.take(1), deferred);
    await written(store);
    clock.advance(2 * MINUTE);
    const [last] = settleAll(queue, queue.take(1), deferred);
    expect(last?.failed).toMatchObject([{ isExpired: true, outcome: { kind: "deferred" } }]);
  });

  test("tells once that a message is late", async () => {
    const { store, queue, clock } = await setUp({ backoff: { delayWarningMs: 4 * MINUTE } });
    await storeMessage(store);
    const late: number[] = [];
    for (let attempt = 0; attempt < 4; attempt++) {
      const [settlement] = settleAll(queue, queue.take(1), deferred);
      late.push(settlement?.delayed.length ?? -1);
      await written(store);
      clock.advance(60 * MINUTE);
    }
    expect(late).toEqual([0, 1, 0, 0]);
  });

  test("refuses outcomes that do not match the job", async () => {
    const { store, queue } = await setUp();
    await storeMessage(store);
    const [job] = queue.take(1) as [QueueJob];
    expect(() => queue.settle(job, [])).toThrow("0 outcomes for 1 recipients");
  });
});

describe("onReady()", () => {
  test("calls for new mail, and for old mail when it is due again", async () => {
    const { store, queue, clock } = await setUp();
    let calls = 0;
    const ready = () =>
      new Promise<void>((done) =>
        queue.onReady(() => {
          calls++;
          done();
        }),
      );
    const first = ready();
    await storeMessage(store);
    await first;
    settleAll(queue, queue.take(1), deferred);
    await written(store);
    expect(queue.take(1)).toEqual([]);
    const before = calls;
    queue.wake();
    await null;
    expect(calls).toBe(before);
    clock.advance(5 * MINUTE);
    queue.wake();
    await null;
    expect(calls).toBe(before + 1);
    expect(queue.take(1).length).toBe(1);
    queue.close();
  });
});

describe("verbs while the queue runs", () => {
  test("hold() and delete() take messages out of the window, release() and retry() put them in", async () => {
    const { store, queue, clock } = await setUp();
    const held = await storeMessage(store);
    const deleted = await storeMessage(store);
    const other = await storeMessage(store);
    expect(store.queue.hold({ ids: [held] })).toBe(1);
    expect(store.queue.delete({ ids: [deleted, "unknown"] })).toBe(1);
    const jobs = queue.take(10);
    expect(jobs.map(({ record }) => record.id)).toEqual([other]);
    settleAll(queue, jobs, deferred);
    await written(store);
    store.queue.release({ ids: [held] });
    expect(queue.take(10).map(({ record }) => record.id)).toEqual([held]);
    expect(queue.take(10)).toEqual([]);
    store.queue.retry({ ids: [other] });
    expect(queue.take(10).map(({ record }) => record.id)).toEqual([other]);
    clock.advance(1);
    expect(queue.take(10)).toEqual([]);
  });

  test("a message deleted during its attempt is gone, whatever the outcome", async () => {
    const { store, queue } = await setUp();
    const id = await storeMessage(store, threeRecipients);
    const [job] = queue.take(1) as [QueueJob];
    store.queue.delete({ ids: [id] });
    const next = await storeMessage(store);
    const { failed: lost } = queue.settle(job, [delivered, deferred, failed]);
    queue.drop(lost);
    await written(store);
    expect(store.queue.list().map((item) => item.id)).toEqual([next]);
    expect(queue.take(10).map(({ record }) => record.id)).toEqual([next]);
  });

  test("a hold during an attempt outlasts it", async () => {
    const { store, queue, clock } = await setUp();
    const id = await storeMessage(store);
    const jobs = queue.take(1);
    store.queue.hold({ ids: "all" });
    settleAll(queue, jobs, deferred);
    await written(store);
    clock.advance(60 * MINUTE);
    expect(queue.take(1)).toEqual([]);
    expect(store.queue.show(id)?.recipients).toMatchObject([{ state: "held", attempts: 1 }]);
  });
});

describe("order", () => {
  test("senders take turns, whoever has more waiting", async () => {
    const { store, queue } = await setUp();
    const from = (sender: string) => storeMessage(store, { sender });
    const many: string[] = [];
    for (let i = 0; i < 4; i++) many.push(await from("Many@example.org"));
    const few = [await from("few@example.org"), await from("")];
    many.push(await from("many@EXAMPLE.org"));
    expect(queue.take(10).map(({ record }) => record.id)).toEqual([
      ...[many[0], ...few, many[1], many[2], many[3], many[4]].flatMap((id) => id ?? []),
    ]);
  });

  test("a sender who has nothing in a full window gets in all the same", async () => {
    const { store, queue } = await setUp();
    await Promise.all(
      Array.from({ length: 1_200 }, () => storeMessage(store, { sender: "many@example.org" })),
    );
    const id = await storeMessage(store, { sender: "few@example.org" });
    expect(queue.take(2).map(({ record }) => record.id)).toContain(id);
  });

  test("postpone() puts off what was not begun, without counting an attempt", async () => {
    const { store, queue, clock } = await setUp();
    const id = await storeMessage(store);
    queue.postpone(queue.take(1), clock.now() + MINUTE);
    await written(store);
    expect([queue.inFlight, queue.take(1)]).toEqual([0, []]);
    clock.advance(MINUTE);
    expect(queue.take(1)[0]).toMatchObject({ record: { id }, recipients: [{ attempts: 0 }] });
  });

  test("what was handed out and not begun is called back by a verb", async () => {
    const { store, queue } = await setUp();
    const held = await storeMessage(store);
    const other = await storeMessage(store);
    let jobs = queue.take(10);
    queue.onRecall(() => jobs.splice(0));
    store.queue.hold({ ids: [held] });
    expect(jobs).toEqual([]);
    jobs = queue.take(10);
    expect(jobs.map(({ record }) => record.id)).toEqual([other]);
  });
});
