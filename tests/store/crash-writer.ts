// Run as a child by recovery.test.ts and killed: takes and delivers mail until then, and says what
// it has promised: `+id` (to be delivered) or `*id` (to stay) after a commit, `-id` once the rows say
// that the message is delivered.
import { writeSync } from "node:fs";
import { systemClock } from "../../src/base/clock.ts";
import { silentLog } from "../../src/base/log.ts";
import { MessageIds } from "../../src/base/message-id.ts";
import { DEFAULT_BACKOFF } from "../../src/queue/backoff.ts";
import { Queue } from "../../src/queue/queue.ts";
import { Store } from "../../src/store/store.ts";
import { sampleRecord } from "./sample-record.ts";

const WRITERS = 20;
const SIZES = [100, 5_000, 5_000, 20_000, 300_000];

const [, , dataDir = ""] = process.argv;
const store = await Store.open({
  dataDir,
  log: silentLog,
  freeSpaceMin: 0,
  segmentSizeMax: 200_000,
  tendIntervalMs: 20,
});
const ids = new MessageIds(systemClock, Math.random);
const queue = new Queue({
  store,
  clock: systemClock,
  log: silentLog,
  backoff: () => DEFAULT_BACKOFF,
  random: Math.random,
});

// Every second message is delivered, the others are deferred and stay.
queue.onReady(() => {
  for (const job of queue.take(10)) {
    const { id } = job.record;
    const isDelivered = Number(job.record.subject) % 2 === 0;
    const outcome = { kind: isDelivered ? "delivered" : "deferred", reply: "", host: "" } as const;
    queue.settle(
      job,
      job.recipients.map(() => outcome),
    );
    if (isDelivered) store.write([], () => writeSync(1, `-${id}\n`));
  }
});

async function writeMail(writer: number): Promise<void> {
  for (let count = writer; ; count++) {
    const draft = store.draft(ids.next());
    const size = SIZES[count % SIZES.length] ?? 0;
    await draft.write(Buffer.from(`${draft.id} `.repeat(size / 15)));
    await draft.finish();
    const record = sampleRecord(draft.id, { subject: String(count) });
    const place = count % 7 === 0 ? "quarantine" : "queue";
    await store.commit(draft, record, place);
    const isDelivered = place === "queue" && count % 2 === 0;
    writeSync(1, `${isDelivered ? "+" : "*"}${draft.id}\n`);
  }
}

await Promise.all(Array.from({ length: WRITERS }, (_, writer) => writeMail(writer)));
