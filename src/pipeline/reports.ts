// Delivery reports on their way to the senders: each is a message of our own, stored before the
// recipients it is about are forgotten.

import type { Clock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import type { MessageIds } from "../base/message-id.ts";
import type { MessageRecord, Outcome } from "../message.ts";
import { composeDsn, type Dsn, type DsnRecipient, RETURNED_SIZE_MAX } from "../queue/dsn.ts";
import type { QueueJob, Undelivered } from "../queue/queue.ts";
import { readBody } from "../store/disk.ts";
import type { QueueEntry } from "../store/queue-rows.ts";
import type { Store } from "../store/store.ts";
import type { Template } from "../template/parse.ts";

/** What reports are made with. */
export interface ReportParts {
  readonly store: Store;
  readonly ids: MessageIds;
  readonly hostname: string;
  /** Template of the text for people. */
  readonly reportTemplate: () => Template;
  /**
   * Whether it is certain enough that the envelope sender sent it: others are told of failures only,
   * so that a forged sender gets as little as can be.
   */
  readonly isGenuine: (record: MessageRecord) => boolean;
  readonly log: Log;
  readonly clock: Clock;
}

/** A recipient that was handed on, with the outcome. */
export interface Delivered {
  readonly entry: QueueEntry;
  readonly outcome: Extract<Outcome, { kind: "delivered" }>;
}

/** Those of a job that may want a report of success. RFC 3461 §5.2.2, §5.2.3. */
export function successesOf(job: QueueJob, outcomes: readonly Outcome[]): Delivered[] {
  return job.recipients.flatMap((entry, index) => {
    const outcome = outcomes[index];
    if (outcome?.kind !== "delivered" || outcome.success === undefined) return [];
    return entry.notify?.includes("success") ? [{ entry, outcome }] : [];
  });
}

/** Makes reports. */
export class Reports {
  readonly #parts: ReportParts;

  constructor(parts: ReportParts) {
    this.#parts = parts;
  }

  /** Resolves when the report is safe on disk, or none is wanted; rejects if it can't be stored. */
  async failed(job: QueueJob, failed: readonly Undelivered[]): Promise<void> {
    await this.#report(
      job,
      failed.map(({ entry, outcome: { reply, host }, isExpired }) => {
        return { recipient: entry, action: "failed", reply, host, isExpired };
      }),
    );
  }

  /** Tells of recipients that are late; `retryUntil` says how long each is tried. */
  async delayed(
    job: QueueJob,
    delayed: readonly Undelivered[],
    retryUntil: (entry: QueueEntry) => number,
  ): Promise<void> {
    await this.#report(
      job,
      delayed.map(({ entry, outcome: { reply, host } }) => {
        const until = retryUntil(entry);
        return { recipient: entry, action: "delayed", reply, host, retryUntil: until };
      }),
    );
  }

  /** Tells of recipients that were handed on to a host that tells nothing itself. */
  async delivered(job: QueueJob, delivered: readonly Delivered[]): Promise<void> {
    await this.#report(
      job,
      delivered.map(({ entry, outcome: { reply, host, success = "relayed" } }) => {
        return { recipient: entry, action: success, reply, host };
      }),
    );
  }

  async #report(job: QueueJob, recipients: readonly DsnRecipient[]): Promise<void> {
    const { store, ids, hostname, clock, log } = this.#parts;
    const { record } = job;
    if (record.envelope.sender === "" || recipients.length === 0) return;
    const now = clock.now();
    const id = ids.next();
    const dsn = composeDsn({
      ...{ id, hostname, now, record, recipients },
      original: await readBody(job.body, RETURNED_SIZE_MAX),
      isGenuine: this.#parts.isGenuine(record),
      template: this.#parts.reportTemplate(),
    });
    if (dsn === undefined) return;
    const draft = store.draft(id);
    await draft.write(dsn.bytes);
    await draft.finish();
    await store.commit(draft, reportRecord(id, dsn, now), "queue");
    const recipient = record.envelope.sender;
    log.info("dsn", { id, about: record.id, recipient, action: dsn.action });
  }
}

function reportRecord(id: string, dsn: Dsn, now: number): MessageRecord {
  return {
    id,
    receivedAt: now,
    client: { address: "", port: 0, helo: "", protocol: "local" },
    envelope: dsn.envelope,
    trace: "",
    size: dsn.bytes.length,
    messageId: dsn.messageId,
    subject: dsn.subject,
    status: "clean",
    findings: [],
  };
}
