// A message's way out: due -> route -> attempt -> delivered | deferred | failed. A failure that is
// final is reported to the sender (DSN), and only when that report is safe on disk is the recipient
// forgotten.

import { describeError } from "../base/log.ts";
import type { Outcome } from "../message.ts";
import type { Carrier } from "../outbound/carrier.ts";
import { hopKey, type NextHop } from "../outbound/route.ts";
import type { Routes } from "../outbound/routes.ts";
import type { Queue, QueueJob, Undelivered } from "../queue/queue.ts";
import type { RowChange } from "../store/row-writer.ts";
import type { Gate } from "./gate.ts";
import { type Delivered, type ReportParts, Reports, successesOf } from "./reports.ts";
import type { Trail } from "./trail.ts";

/** What delivery works with. */
export interface DeliveryParts extends ReportParts {
  readonly queue: Queue;
  readonly carrier: Carrier;
  /** The routes in force; they change when the configuration is read again. */
  readonly routes: () => Routes;
  readonly gate: Gate;
  readonly trail: Trail;
}

/** Messages that are being attempted at one time. */
const ATTEMPTS_MAX = 400;

/** Takes what is due and sees it through one attempt. */
export class Delivery {
  readonly #parts: DeliveryParts;
  readonly #reports: Reports;
  readonly #attempts = new Set<Promise<void>>();
  #isStopped = false;

  constructor(parts: DeliveryParts) {
    this.#parts = parts;
    this.#reports = new Reports(parts);
  }

  start(): void {
    const { queue, gate } = this.#parts;
    queue.onReady(() => this.#takeDue());
    gate.onResume(() => this.#takeDue());
  }

  /** Takes nothing more; resolves when the attempts under way have ended. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await Promise.all(this.#attempts);
  }

  #takeDue(): void {
    const { queue, gate } = this.#parts;
    while (!this.#isStopped && !gate.isPaused("send") && this.#attempts.size < ATTEMPTS_MAX) {
      const jobs = queue.take(ATTEMPTS_MAX - this.#attempts.size);
      if (jobs.length === 0) return;
      for (const job of jobs) {
        const attempt = this.#attempt(job).finally(() => {
          this.#attempts.delete(attempt);
          this.#takeDue();
        });
        this.#attempts.add(attempt);
      }
    }
  }

  async #attempt(job: QueueJob): Promise<void> {
    const { queue, log } = this.#parts;
    try {
      const outcomes = await this.#carry(job);
      this.#logOutcomes(job, outcomes);
      const ends = job.recipients.map((entry, index) => {
        return { entry, outcome: outcomes[index] as Outcome, isExpired: false };
      });
      // Before the queue forgets it: else a look in between would find it nowhere.
      this.#noteReleased(job, ends);
      const { failed, delayed } = queue.settle(job, outcomes);
      this.#noteReleased(job, failed);
      if (failed.length > 0) await this.#reportFailed(job, failed);
      const delivered = successesOf(job, outcomes);
      if (delayed.length + delivered.length > 0) await this.#reportMore(job, delayed, delivered);
    } catch (error) {
      // Nothing is known of what became of it: the recipients stay in the queue.
      log.error("attempt-failed", { id: job.record.id, cause: describeError(error) });
      const reply = "451 4.3.0 internal error";
      queue.settle(
        job,
        job.recipients.map(() => ({ kind: "deferred", reply, host: "" })),
      );
    }
  }

  /** One attempt for all recipients of a job, one transaction for each next hop. */
  async #carry(job: QueueJob): Promise<Outcome[]> {
    const { carrier, log } = this.#parts;
    const routes = this.#parts.routes();
    const groups = new Map<string, { nextHop: NextHop; indexes: number[] }>();
    job.recipients.forEach(({ address }, index) => {
      const nextHop = routes.nextHop(address);
      const key = hopKey(nextHop);
      const group = groups.get(key);
      if (group) group.indexes.push(index);
      else groups.set(key, { nextHop, indexes: [index] });
    });
    const outcomes = new Array<Outcome>(job.recipients.length);
    const { id, envelope, trace } = job.record;
    const carried = [...groups.values()].map(async ({ nextHop, indexes }) => {
      const recipients = indexes.flatMap((index) => job.recipients[index] ?? []);
      const body = job.body;
      const results = await carrier.deliver({ id, nextHop, envelope, recipients, trace, body });
      results.forEach((outcome, position) => {
        outcomes[indexes[position] ?? -1] = outcome;
      });
      const taken = results.filter(({ kind }) => kind === "delivered");
      if (taken.length === 0) return;
      log.debug("sent", { id, host: taken[0]?.host, size: job.record.size, count: taken.length });
    });
    await Promise.all(carried);
    return outcomes;
  }

  // RFC 5321 §6.1: who takes a message on must deliver it or tell the sender. A report that can't be
  // stored now leaves the recipients in the queue, so that the next attempt reports them.
  async #reportFailed(job: QueueJob, failed: readonly Undelivered[]): Promise<void> {
    const { queue, log } = this.#parts;
    try {
      await this.#reports.failed(job, failed);
      queue.drop(failed);
    } catch (error) {
      log.error("dsn-failed", { id: job.record.id, cause: describeError(error) });
      queue.putBack(failed);
    }
  }

  // What was released from the vault has its outcome told there too.
  #noteReleased(job: QueueJob, ended: readonly Undelivered[]): void {
    if (job.record.releasedFrom === undefined) return;
    const about = { id: job.record.id, at: this.#parts.clock.now() };
    const changes = ended.map(({ entry, outcome, isExpired }): RowChange => {
      const kind = isExpired ? "failed" : outcome.kind;
      const { reply, host } = outcome;
      const recipient = entry.address;
      return { kind: "released", outcome: { ...about, recipient, kind, reply, host } };
    });
    this.#parts.store.write(changes);
  }

  // What no mail depends on: one that can't be stored is lost, and the log says so.
  async #reportMore(
    job: QueueJob,
    delayed: readonly Undelivered[],
    delivered: readonly Delivered[],
  ): Promise<void> {
    const { queue, log } = this.#parts;
    try {
      await this.#reports.delayed(job, delayed, (entry) => queue.expiresAt(entry));
      await this.#reports.delivered(job, delivered);
    } catch (error) {
      log.error("dsn-failed", { id: job.record.id, cause: describeError(error) });
    }
  }

  #logOutcomes(job: QueueJob, outcomes: readonly Outcome[]): void {
    const { log, clock } = this.#parts;
    job.recipients.forEach(({ address }, index) => {
      const outcome = outcomes[index];
      if (outcome === undefined) return;
      this.#parts.trail.outcome(job.record.id, address, outcome);
      const { kind, reply, host } = outcome;
      const age = clock.now() - job.record.receivedAt;
      const fields = { id: job.record.id, recipient: address, host, reply, age };
      if (kind === "delivered") log.info("delivered", fields);
      else log.warn(kind, fields);
    });
  }
}
