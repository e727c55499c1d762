// Threads that do dangerous work under a deadline. A worker that overruns is killed and replaced;
// the job it was at is told so, the jobs that waited behind it go to another worker. Knows nothing
// of what the jobs are.

/** How a job ended. `timeout` and `crash` say nothing about the job's data: the work is undone. */
export type JobEnd<Result> =
  | { readonly kind: "done"; readonly result: Result }
  | { readonly kind: "timeout" }
  | { readonly kind: "crash"; readonly reason: string };

/** What a worker gets, several at a time: the answer to each must carry its ticket. */
export interface WorkerOrder<Job> {
  readonly ticket: number;
  readonly job: Job;
}

/** One answer per order, in order. */
export type WorkerAnswer<Result> =
  | { readonly ticket: number; readonly result: Result }
  | { readonly ticket: number; readonly error: string };

/** What a worker gets between jobs, from `tell`. */
export interface WorkerNews<News> {
  readonly news: News;
}

/**
 * What a worker posts: `"ready"` once, then answers as they come, several at a time, and `"told"`
 * for each news it has taken.
 */
export type WorkerPost<Result> = "ready" | "told" | readonly WorkerAnswer<Result>[];

/** A pool's shape. */
export interface WorkerPoolOptions {
  readonly size: number;
  /** Makes the thread of one slot (0 … size-1); it must post as `WorkerPost` says. */
  readonly spawn: (slot: number) => Worker;
  /** Milliseconds that one job may take. */
  readonly timeoutMs: number;
  /** Called when a worker was killed or died, for the log. */
  readonly onLoss?: (slot: number, reason: string) => void;
}

interface Pending<Job, Result> extends WorkerOrder<Job> {
  readonly resolve: (end: JobEnd<Result>) => void;
}

interface Slot<Job, Result> {
  readonly index: number;
  worker: Worker;
  isReady: boolean;
  /** Ended, and not replaced yet. */
  isLost: boolean;
  /** Jobs posted to the worker; the first is the one it is at. */
  readonly posted: Pending<Job, Result>[];
  /** The last ones of `posted` that are to be sent at the end of this turn. */
  outbox: WorkerOrder<Job>[];
  /** When the first of `posted` began, on the steady clock. */
  beganAt: number;
  losses: number;
  /** Called when the worker has taken the news, in order. */
  readonly listeners: (() => void)[];
}

// Enough to keep a worker busy while its answer travels; few, since they wait if it is killed.
const POSTED_MAX = 8;
const WATCH_INTERVAL_MS = 100;
// A worker that can't start at all must not be respawned for ever in a tight loop.
const RESPAWN_DELAY_MS = 1000;
const QUICK_LOSSES_MAX = 3;
// Starting a thread is not the job's fault: it gets its own allowance.
const START_TIMEOUT_MS = 15_000;

/** Runs jobs on a fixed number of workers. */
export class WorkerPool<Job, Result> {
  readonly #options: WorkerPoolOptions;
  readonly #slots: Slot<Job, Result>[] = [];
  #waiting: Pending<Job, Result>[] = [];
  #watch: ReturnType<typeof setInterval> | undefined;
  #isStopped = false;
  #lastTicket = 0;

  constructor(options: WorkerPoolOptions) {
    this.#options = options;
    for (let index = 0; index < options.size; index++) this.#slots.push(this.#open(index, 0));
    this.#watch = setInterval(() => this.#killOverdue(), WATCH_INTERVAL_MS);
    this.#watch.unref?.();
  }

  /** Jobs that have not ended yet. */
  get pendingCount(): number {
    return this.#slots.reduce((sum, slot) => sum + slot.posted.length, this.#waiting.length);
  }

  /** Resolves when the job has ended, one way or another; never rejects. */
  run(job: Job): Promise<JobEnd<Result>> {
    if (this.#isStopped) return Promise.resolve({ kind: "crash", reason: "stopped" });
    return new Promise((resolve) => {
      this.#waiting.push({ ticket: ++this.#lastTicket, job, resolve });
      this.#dispatch();
    });
  }

  /**
   * Gives every worker news, which it takes between jobs; resolves when all have. Workers that are
   * lost meanwhile count: `spawn` must give their successors what is new.
   */
  async tell<News>(newsOf: (slot: number) => News): Promise<void> {
    if (this.#isStopped) return;
    // One after the other, so that jobs go on meanwhile.
    for (const slot of [...this.#slots]) {
      if (slot.isLost || this.#isStopped) continue;
      await new Promise<void>((resolve) => {
        slot.listeners.push(resolve);
        this.#flush(slot);
        slot.worker.postMessage({ news: newsOf(slot.index) } satisfies WorkerNews<News>);
      });
    }
  }

  /** Ends all threads; jobs under way end as `crash`. */
  stop(): void {
    this.#isStopped = true;
    clearInterval(this.#watch);
    for (const slot of this.#slots) {
      slot.worker.terminate();
      for (const listener of slot.listeners.splice(0)) listener();
      for (const pending of slot.posted.splice(0)) {
        pending.resolve({ kind: "crash", reason: "stopped" });
      }
    }
    for (const pending of this.#waiting.splice(0)) {
      pending.resolve({ kind: "crash", reason: "stopped" });
    }
  }

  #open(index: number, losses: number): Slot<Job, Result> {
    const worker = this.#options.spawn(index);
    const beganAt = performance.now();
    const slot: Slot<Job, Result> = {
      index,
      worker,
      isReady: false,
      isLost: false,
      posted: [],
      outbox: [],
      beganAt,
      losses,
      listeners: [],
    };
    worker.onmessage = (event: MessageEvent<WorkerPost<Result>>) => this.#posted(slot, event.data);
    worker.onerror = (event: ErrorEvent) => {
      event.preventDefault?.();
      this.#lose(slot, event.message || "worker error");
    };
    return slot;
  }

  #posted(slot: Slot<Job, Result>, post: WorkerPost<Result>): void {
    if (post === "ready") {
      if (this.#slots[slot.index] !== slot) return;
      slot.beganAt = performance.now();
      slot.isReady = true;
    } else if (post === "told") {
      slot.beganAt = performance.now();
      slot.listeners.shift()?.();
    } else {
      for (const answer of post) this.#answered(slot, answer);
    }
    this.#dispatch();
  }

  #answered(slot: Slot<Job, Result>, answer: WorkerAnswer<Result>): void {
    if (this.#slots[slot.index] !== slot) return;
    slot.beganAt = performance.now();
    // An answer to anything but the job at hand must never pass as this job's result.
    if (answer.ticket !== slot.posted[0]?.ticket) {
      this.#lose(slot, "answered out of order");
      return;
    }
    slot.losses = 0;
    const pending = slot.posted.shift();
    if (pending === undefined) return;
    if ("error" in answer) pending.resolve({ kind: "crash", reason: answer.error });
    else pending.resolve({ kind: "done", result: answer.result });
  }

  // The least loaded ready worker first, so that short jobs do not queue behind a long one.
  #dispatch(): void {
    while (this.#waiting.length > 0) {
      let best: Slot<Job, Result> | undefined;
      for (const slot of this.#slots) {
        if (!slot.isReady || slot.posted.length >= POSTED_MAX) continue;
        if (best === undefined || slot.posted.length < best.posted.length) best = slot;
      }
      const pending = best && this.#waiting.shift();
      if (best === undefined || pending === undefined) return;
      if (best.posted.length === 0) best.beganAt = performance.now();
      best.posted.push(pending);
      this.#send(best, pending);
    }
  }

  // Waking a thread costs more than the message: what one turn brings is sent together.
  #send(slot: Slot<Job, Result>, { ticket, job }: Pending<Job, Result>): void {
    if (slot.outbox.push({ ticket, job }) > 1) return;
    setImmediate(() => this.#flush(slot));
  }

  #flush(slot: Slot<Job, Result>): void {
    const orders = slot.outbox;
    slot.outbox = [];
    if (this.#slots[slot.index] === slot && orders.length > 0) slot.worker.postMessage(orders);
  }

  #killOverdue(): void {
    const now = performance.now();
    for (const slot of [...this.#slots]) {
      const elapsed = now - slot.beganAt;
      if (!slot.isReady) {
        if (elapsed > START_TIMEOUT_MS && slot.losses <= QUICK_LOSSES_MAX) {
          this.#lose(slot, "did not start");
        }
      } else if (slot.posted.length > 0 && elapsed > this.#options.timeoutMs) {
        slot.posted.shift()?.resolve({ kind: "timeout" });
        this.#lose(slot, `overran ${this.#options.timeoutMs} ms`);
      }
    }
  }

  #lose(slot: Slot<Job, Result>, reason: string): void {
    if (this.#isStopped || this.#slots[slot.index] !== slot) return;
    slot.worker.terminate();
    for (const listener of slot.listeners.splice(0)) listener();
    this.#options.onLoss?.(slot.index, reason);
    // The job it was at may be what broke it, and is not tried again; those behind it are innocent.
    if (!reason.startsWith("overran")) slot.posted.shift()?.resolve({ kind: "crash", reason });
    this.#waiting = [...slot.posted.splice(0), ...this.#waiting];
    slot.isReady = false;
    slot.isLost = true;
    const losses = slot.losses + 1;
    const replace = () => {
      if (!this.#isStopped) this.#slots[slot.index] = this.#open(slot.index, losses);
      this.#dispatch();
    };
    if (losses <= QUICK_LOSSES_MAX) replace();
    else setTimeout(replace, RESPAWN_DELAY_MS);
    // With no worker left to come soon, waiting jobs end: their messages are deferred, not stuck.
    if (losses > QUICK_LOSSES_MAX && this.#slots.every((one) => !one.isReady)) {
      for (const pending of this.#waiting.splice(0)) pending.resolve({ kind: "crash", reason });
    }
  }
}
