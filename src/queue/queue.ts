// The schedule of delivery: which recipients are due, who has been handed out, what became of them.
// Rows are the truth; here is only a window on what is due, so that a queue of any length takes the
// same memory. Delivery itself is elsewhere.
import type { Clock } from "../base/clock.ts";
import { describeError, type Log } from "../base/log.ts";
import type { Body, MessageRecord, Outcome } from "../message.ts";
import type { QueuedMessage, QueueEntry } from "../store/queue-rows.ts";
import type { RowChange } from "../store/row-writer.ts";
import type { Store } from "../store/store.ts";
import { type BackoffOptions, nextAttemptAt } from "./backoff.ts";
import { FairOrder } from "./fair-order.ts";

/** Recipients kept in memory that are due and not handed out. */
const WINDOW_MAX = 1_000;
/** The same for mail that just came of senders who have nothing in the window. */
const WINDOW_OTHERS_MAX = 2_000;
const READ_RETRY_MS = 1_000;
/** Timers beyond this wrap around; a look now and then does no harm. */
const TIMER_MAX_MS = 60_000;
const REPLY_MAX = 1_000;

/** What a queue is made of. */
export interface QueueOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
  /** The delays for a recipient. */
  readonly backoff: (address: string) => BackoffOptions;
  /** Numbers in [0, 1). */
  readonly random: () => number;
}

/** One message with the recipients that are to be tried now. */
export interface QueueJob {
  readonly record: MessageRecord;
  readonly body: Body;
  readonly recipients: readonly QueueEntry[];
}

/** A recipient that will not be tried again, or is late. */
export interface Undelivered {
  readonly entry: QueueEntry;
  readonly outcome: Outcome;
  /** It failed because its time was up: RFC 3463 X.4.7. */
  readonly isExpired: boolean;
}

/** What the sender may have to be told after an attempt. */
export interface Settlement {
  /** Their rows stay until `drop`, which is called once the report on them is committed. */
  readonly failed: readonly Undelivered[];
  /** Deferred for so long that the sender is to be warned; this is said once. */
  readonly delayed: readonly Undelivered[];
}

/** Hands out due work and books what became of it. */
export class Queue {
  readonly #options: QueueOptions;
  readonly #ready = new FairOrder<QueuedMessage>();
  #readyCount = 0;
  // Recipients in the window, and those handed out whose outcome is not in the rows yet. Nobody who
  // is in here is taken in a second time: that would be mail delivered twice.
  readonly #known = new Set<number>();
  /** Rows must be read again from this time on; 0 is at once. */
  #readAt = 0;
  #onReady: (() => void) | undefined;
  #onRecall: (() => readonly QueueJob[]) | undefined;
  #isNotified = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #timerAt = Number.POSITIVE_INFINITY;
  #isClosed = false;

  constructor(options: QueueOptions) {
    this.#options = options;
    options.store.listen({
      onQueued: (message) => this.#add(message),
      onChanged: () => this.#forget(),
    });
  }

  /** Recipients handed out and not settled in the rows. */
  get inFlight(): number {
    return this.#known.size - this.#readyCount;
  }

  /** Calls `callback` whenever something may be due; also once soon, for what is due already. */
  onReady(callback: () => void): void {
    this.#onReady = callback;
    this.#wakeAt(this.#options.clock.now());
  }

  /**
   * Calls `callback` when messages may have been held, deleted or rerouted: it gives back the jobs
   * that have not been begun, which are then forgotten, and come anew if they are still due.
   */
  onRecall(callback: () => readonly QueueJob[]): void {
    this.#onRecall = callback;
  }

  /** Up to `max` messages with their due recipients. Each must be given to `settle`. */
  take(max: number): QueueJob[] {
    if (this.#isClosed || this.#options.store.isStalled) return [];
    if (this.#ready.size < max) this.#read();
    const jobs: QueueJob[] = [];
    while (jobs.length < max) {
      const job = this.#ready.shift();
      if (job === undefined) break;
      this.#readyCount -= job.recipients.length;
      jobs.push(job);
    }
    return jobs;
  }

  /**
   * Books one outcome per recipient of `job`, in its order. Rows are written behind; until then the
   * recipients are not handed out again.
   */
  settle(job: QueueJob, outcomes: readonly Outcome[]): Settlement {
    if (outcomes.length !== job.recipients.length) {
      throw new RangeError(`${outcomes.length} outcomes for ${job.recipients.length} recipients`);
    }
    const failed: Undelivered[] = [];
    const delayed: Undelivered[] = [];
    const changes: RowChange[] = [];
    job.recipients.forEach((entry, index) => {
      const outcome = outcomes[index] as Outcome;
      if (outcome.kind === "delivered") {
        changes.push({ kind: "remove", number: entry.number });
      } else if (outcome.kind === "failed") {
        failed.push({ entry, outcome, isExpired: false });
      } else {
        const deferred = this.#defer(entry, outcome);
        if (deferred === undefined) failed.push({ entry, outcome, isExpired: true });
        else changes.push(deferred);
        if (deferred?.isWarned && !entry.isWarned) {
          delayed.push({ entry, outcome, isExpired: false });
        }
      }
    });
    this.#write(changes);
    return { failed, delayed };
  }

  /** Ends failed recipients: once the report on them is durable, or if none is due. */
  drop(failed: readonly Undelivered[]): void {
    this.#write(failed.map(({ entry }) => ({ kind: "remove", number: entry.number })));
  }

  /** Puts failed recipients back, when their report could not be stored. */
  putBack(failed: readonly Undelivered[]): void {
    const { clock, backoff } = this.#options;
    const now = clock.now();
    this.#write(
      failed.map(({ entry, outcome }) =>
        defer(entry, outcome, now + backoff(entry.address).delayMinMs, false),
      ),
    );
  }

  /** Puts off what was handed out and not begun; it does not count as an attempt. */
  postpone(jobs: readonly QueueJob[], nextAt: number): void {
    this.#write(
      jobs.flatMap(({ recipients }) =>
        recipients.map(({ number }) => ({ kind: "postpone", number, nextAt }) as const),
      ),
    );
  }

  /** Until when a recipient is tried. */
  expiresAt({ address, queuedAt }: QueueEntry): number {
    return queuedAt + this.#options.backoff(address).lifetimeMs;
  }

  /** Looks for due work now; the timer does the same. */
  wake(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#isClosed) return;
    if (this.#hasWork()) this.#notify();
    else this.#wakeAt(this.#readAt);
  }

  /** Hands out nothing more. Outcomes may still be settled. */
  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
  }

  #defer(entry: QueueEntry, outcome: Outcome) {
    const now = this.#options.clock.now();
    const { queuedAt, attempts } = entry;
    const backoff = this.#options.backoff(entry.address);
    const nextAt = nextAttemptAt(
      backoff,
      { attempts: attempts + 1, reply: outcome.reply, queuedAt, now },
      this.#options.random,
    );
    if (nextAt === undefined) return undefined;
    const { delayWarningMs } = backoff;
    const isLate = delayWarningMs > 0 && now - queuedAt >= delayWarningMs;
    return defer(entry, outcome, nextAt, isLate);
  }

  #write(changes: readonly RowChange[]): void {
    if (changes.length === 0) return;
    this.#options.store.write(changes, () => {
      for (const change of changes) {
        switch (change.kind) {
          case "remove":
            this.#known.delete(change.number);
            break;
          case "defer":
          case "postpone":
            this.#known.delete(change.number);
            this.#readAt = Math.min(this.#readAt, change.nextAt);
            break;
          default:
            break;
        }
      }
      this.wake();
    });
  }

  // A message that just came in needs no reading, unless the window is full: then its rows do.
  #add(message: QueuedMessage): void {
    const max = this.#ready.has(orderKey(message)) ? WINDOW_MAX : WINDOW_OTHERS_MAX;
    if (this.#readyCount < max) this.#admit(message);
    else this.#readAt = 0;
    this.#notify();
  }

  #admit(message: QueuedMessage): void {
    const { recipients } = message;
    if (recipients.some(({ number }) => this.#known.has(number))) return;
    for (const { number } of recipients) this.#known.add(number);
    this.#readyCount += recipients.length;
    this.#ready.push(orderKey(message), message);
  }

  // What is in the window may have been held or deleted. What has been begun is left alone.
  #forget(): void {
    const jobs = [...this.#ready.clear(), ...(this.#onRecall?.() ?? [])];
    for (const { recipients } of jobs) {
      for (const { number } of recipients) this.#known.delete(number);
    }
    this.#readyCount = 0;
    this.#readAgain();
    // Rows that are on their way now would not be found.
    this.#options.store.write([], () => this.#readAgain());
  }

  #readAgain(): void {
    this.#readAt = 0;
    this.#notify();
  }

  #read(): void {
    const { store, clock, log } = this.#options;
    const now = clock.now();
    if (this.#readAt > now) return;
    try {
      // Rows come longest due first; those that are known may all be among the first.
      const limit = this.#known.size + WINDOW_MAX;
      const due = store.queue.due(now, limit, (number) => this.#known.has(number));
      for (const message of due.messages) this.#admit(message);
      this.#readAt = due.rows < limit ? store.queue.nextDueAfter(now) : 0;
    } catch (error) {
      // The rows are there still; a later look finds them.
      log.error("queue-read-failed", { cause: describeError(error) });
      this.#readAt = now + READ_RETRY_MS;
    }
    this.#wakeAt(this.#readAt);
  }

  #hasWork(): boolean {
    return this.#ready.size > 0 || this.#readAt <= this.#options.clock.now();
  }

  // Later in this turn, once for all that comes in it: never while rows are being booked.
  #notify(): void {
    if (this.#isNotified || this.#onReady === undefined) return;
    this.#isNotified = true;
    queueMicrotask(() => {
      this.#isNotified = false;
      if (!this.#isClosed) this.#onReady?.();
    });
  }

  #wakeAt(at: number): void {
    if (this.#isClosed || this.#onReady === undefined || at === Number.POSITIVE_INFINITY) return;
    if (this.#timer !== undefined && at >= this.#timerAt) return;
    clearTimeout(this.#timer);
    const delay = Math.min(Math.max(at - this.#options.clock.now(), 0), TIMER_MAX_MS);
    this.#timerAt = at;
    this.#timer = setTimeout(() => this.wake(), delay);
    this.#timer.unref?.();
  }
}

// Senders take turns; without regard to case, which few mean anything by.
function orderKey({ record }: QueuedMessage): string {
  return record.envelope.sender.toLowerCase();
}

function defer(entry: QueueEntry, outcome: Outcome, nextAt: number, isWarned: boolean) {
  const { number } = entry;
  const reply = outcome.reply.slice(0, REPLY_MAX);
  return { kind: "defer", number, nextAt, reply, host: outcome.host, isWarned } as const;
}
