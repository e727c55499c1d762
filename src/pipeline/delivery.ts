// A message's way out: due -> route -> attempt -> delivered | deferred | failed. A failure that is
// final is reported to the sender (DSN), and only when that report is safe on disk is the recipient
// forgotten.

import { describeError } from "../base/log.ts";
import type { Outcome } from "../message.ts";
import type { Carrier } from "../outbound/carrier.ts";
import { hopKey, type NextHop, relayTo } from "../outbound/route.ts";
import type { Routes } from "../outbound/routes.ts";
import type { Queue, QueueJob, Undelivered } from "../queue/queue.ts";
import type { QueueEntry } from "../store/queue-rows.ts";
import type { RowChange } from "../store/row-writer.ts";
import { parsePlace } from "../text/mail-route.ts";
import type { Gate } from "./gate.ts";
import { Lanes, type Shipment } from "./lanes.ts";
import { type Delivered, type ReportParts, Reports, successesOf } from "./reports.ts";
import { TLS_REPORT_TAG } from "./tls/tls-mail.ts";
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

/** How long what waits for a destination that does not move is put off. */
const POSTPONE_MS = 60_000;
const LOOK_MS = 1_000;

/** Takes what is due and sees it through one attempt. */
export class Delivery {
  readonly #parts: DeliveryParts;
  readonly #reports: Reports;
  readonly #lanes: Lanes;
  #timer: ReturnType<typeof setInterval> | undefined;
  #isStopped = false;

  constructor(parts: DeliveryParts) {
    this.#parts = parts;
    this.#reports = new Reports(parts);
    this.#lanes = new Lanes({
      capacity: (nextHop) => parts.carrier.capacity(nextHop),
      run: (shipment) => this.#attempt(shipment),
      steady: () => parts.clock.steady(),
    });
  }

  start(): void {
    const { queue, gate } = this.#parts;
    queue.onReady(() => this.#takeDue());
    queue.onRecall(() => this.#lanes.clear());
    gate.onResume(() => this.#takeDue());
    this.#timer = setInterval(() => this.#putOff(), LOOK_MS);
    this.#timer.unref?.();
  }

  /** Takes nothing more; resolves when the attempts under way have ended. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    clearInterval(this.#timer);
    await this.#lanes.settled();
  }

  #takeDue(): void {
    const { queue, gate } = this.#parts;
    const lanes = this.#lanes;
    if (this.#isStopped || gate.isPaused("send")) return;
    while (lanes.room > 0) {
      const jobs = queue.take(lanes.room);
      if (jobs.length === 0) break;
      this.#postpone(jobs.flatMap((job) => this.#sort(job)));
    }
    lanes.pump(() => this.#takeDue());
  }

  // Recipients of one message may go different ways; each way is an attempt of its own. Gives those
  // whose destination does not move.
  #sort(job: QueueJob): QueueJob[] {
    const routes = this.#parts.routes();
    const shipments = new Map<string, { nextHop: NextHop; recipients: QueueEntry[] }>();
    for (const entry of job.recipients) {
      const chosen = entry.route === "" ? undefined : parsePlace(entry.route);
      const nextHop = chosen ?? wayOf(job, routes.nextHop(entry.address));
      const key = hopKey(nextHop);
      const shipment = shipments.get(key);
      if (shipment) shipment.recipients.push(entry);
      else shipments.set(key, { nextHop, recipients: [entry] });
    }
    return [...shipments].flatMap(([key, { nextHop, recipients }]) => {
      const share = { ...job, recipients };
      return this.#lanes.add(key, { nextHop, job: share }) ? [] : [share];
    });
  }

  #putOff(): void {
    const jobs = this.#lanes.takeStuck();
    this.#postpone(jobs);
    if (jobs.length > 0) this.#takeDue();
  }

  #postpone(jobs: readonly QueueJob[]): void {
    if (jobs.length === 0) return;
    const { queue, clock, log } = this.#parts;
    log.warn("put-off", { count: jobs.length, waitMs: POSTPONE_MS });
    queue.postpone(jobs, clock.now() + POSTPONE_MS);
  }

  async #attempt({ job, nextHop }: Shipment): Promise<void> {
    const { queue, log } = this.#parts;
    try {
      const outcomes = await this.#carry(job, nextHop);
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

  async #carry({ record, body, recipients }: QueueJob, nextHop: NextHop): Promise<Outcome[]> {
    const { carrier, log } = this.#parts;
    const { id, envelope, trace, size } = record;
    const outcomes = await carrier.deliver({ id, nextHop, envelope, recipients, trace, body });
    const taken = outcomes.filter(({ kind }) => kind === "delivered");
    if (taken.length > 0)
      log.debug("sent", { id, host: taken[0]?.host, size, count: taken.length });
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

// RFC 8460 §3: what tells a domain that encryption failed must not wait for it to work.
function wayOf({ record }: QueueJob, nextHop: NextHop): NextHop {
  const isReport = record.envelope.tags?.includes(TLS_REPORT_TAG) === true;
  if (!isReport || nextHop.kind !== "mx") return nextHop;
  return relayTo({ places: [nextHop], isBalanced: false, terms: { tls: "lenient" } });
}
