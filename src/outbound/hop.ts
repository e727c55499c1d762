// One next hop: its sessions, and the messages that wait for one. Sessions are opened as messages
// come, used again, and closed when idle. A next hop that can't be reached is left alone for a while
// that grows; then one message probes it.
import type { Clock } from "../base/clock.ts";
import { describeError, type Log } from "../base/log.ts";
import type { Outcome } from "../message.ts";
import type { Dialer } from "./dialer.ts";
import { forAll, TROUBLE, troubleOutcome } from "./response.ts";
import type { NextHop } from "./route.ts";
import { Payload } from "./session/payload.ts";
import type { Attempt, Session } from "./session/session.ts";
import type { CourierSettings, Delivery } from "./settings.ts";

/** What all next hops share. */
export interface HopContext {
  readonly settings: CourierSettings;
  readonly dialer: Dialer;
  readonly quota: SessionQuota;
  readonly clock: Clock;
  readonly log: Log;
}

interface Job {
  readonly delivery: Delivery;
  readonly resolve: (outcomes: Outcome[]) => void;
  /** Sessions that ended before the message was begun. */
  staleCount: number;
}

interface Idle {
  readonly session: Session;
  readonly since: number;
}

// A next hop may close idle sessions faster than we notice, but not for ever.
const STALE_MAX = 5;
/** Sessions that a next hop gets once the first one stands. */
const SESSIONS_FIRST = 5;
// A next hop that showed that it has too many sessions gets no more of them for this long.
const SESSION_LIMIT_MS = 30_000;
// What a busy host says, or does without a word, in the middle of a session. RFC 5321 §3.8.
const OVERLOADED = /^(?:421|451 4\.4\.2)\b/;
// Without sessions and messages for this long, a next hop is forgotten, its failures as well.
const FORGET_AFTER_MS = 600_000;

/** Sessions of all next hops together; those that get none are told when one is given back. */
export class SessionQuota {
  readonly #max: number;
  readonly #starved = new Set<() => void>();
  #used = 0;

  constructor(max: number) {
    this.#max = max;
  }

  /** False if there is none; `onFree` is then called once when there may be one. */
  take(onFree: () => void): boolean {
    if (this.#used >= this.#max) {
      this.#starved.add(onFree);
      return false;
    }
    this.#used++;
    return true;
  }

  give(): void {
    this.#used--;
    // Not every one of them still wants it; who takes it ends the loop.
    for (const next of [...this.#starved]) {
      if (this.#used >= this.#max) return;
      this.#starved.delete(next);
      next();
    }
  }

  /** Somebody waits: sessions should not be kept idle. */
  get isShort(): boolean {
    return this.#starved.size > 0;
  }
}

/** The messages and sessions of one next hop. */
export class Hop {
  readonly #hop: NextHop;
  readonly #context: HopContext;
  readonly #waiting: Job[] = [];
  readonly #pumpLater = () => this.#pump();
  #idle: Idle[] = [];
  /** Open sessions, busy and idle ones. */
  #sessionCount = 0;
  #openingCount = 0;
  readonly #sessionsMax: number;
  /** Grows with what goes well, falls with what does not; its whole part counts. */
  #sessionLimit: number;
  #growsFrom = 0;
  /** Openings that failed since the last one that did not, and until when none is tried. */
  #failureCount = 0;
  #downUntil = 0;
  #downOutcome: Outcome | undefined;
  /** There has been a session. */
  #isKnown = false;
  #lastUsedAt: number;
  #isStopped = false;

  constructor(hop: NextHop, context: HopContext) {
    this.#hop = hop;
    this.#context = context;
    const own = hop.kind === "relay" ? hop.terms.sessionsMax : undefined;
    this.#sessionsMax = own ?? context.settings.sessionsPerHostMax;
    this.#sessionLimit = Math.min(SESSIONS_FIRST, this.#sessionsMax);
    this.#lastUsedAt = context.clock.steady();
  }

  /** Sends a message; resolves with one outcome per recipient. */
  send(delivery: Delivery): Promise<Outcome[]> {
    return new Promise((resolve) => {
      const job = { delivery, resolve, staleCount: 0 };
      this.#lastUsedAt = this.#context.clock.steady();
      if (this.#isStopped) {
        finish(job, troubleOutcome(TROUBLE.shuttingDown, ""));
      } else if (this.#downOutcome !== undefined && this.#isDown()) {
        finish(job, this.#downOutcome);
      } else {
        this.#waiting.push(job);
        this.#pump();
      }
    });
  }

  /** True if there is nothing to remember about it. */
  isForgettable(now: number): boolean {
    const isQuiet = this.#sessionCount + this.#openingCount + this.#waiting.length === 0;
    const afterMs = this.#failureCount > 0 ? FORGET_AFTER_MS : this.#context.settings.sessionIdleMs;
    return isQuiet && now - this.#lastUsedAt > afterMs;
  }

  /** Closes sessions that have been idle for long enough. */
  sweep(now: number): void {
    if (this.#idle.length === 0) return;
    const idleMs = this.#context.quota.isShort ? 0 : this.#context.settings.sessionIdleMs;
    const isOver = ({ since }: Idle) => now - since >= idleMs;
    const over = this.#idle.filter(isOver);
    this.#idle = this.#idle.filter((one) => !isOver(one));
    for (const { session } of over) session.quit();
  }

  /** What has not been begun is deferred; what is under way goes on. */
  stop(): void {
    this.#isStopped = true;
    this.#endWaiting(troubleOutcome(TROUBLE.shuttingDown, ""));
    for (const { session } of this.#idle.splice(0)) session.quit();
  }

  #isDown(): boolean {
    return this.#sessionCount === 0 && this.#context.clock.steady() < this.#downUntil;
  }

  #pump(): void {
    while (this.#waiting.length > 0) {
      const idle = this.#idle.pop();
      if (idle === undefined) break;
      // One that has ended takes itself off the count, see #adopt().
      if (idle.session.isOpen) this.#use(idle.session);
    }
    const room = this.#limit() - this.#sessionCount - this.#openingCount;
    const wanted = Math.min(this.#waiting.length - this.#openingCount, room);
    for (let i = 0; i < wanted; i++) {
      if (!this.#context.quota.take(this.#pumpLater)) break;
      void this.#open();
    }
  }

  // A next hop that failed, or was never met, is asked by one session first: the probe.
  #limit(): number {
    if (this.#sessionCount === 0 && (this.#failureCount > 0 || !this.#isKnown)) return 1;
    return Math.floor(this.#sessionLimit);
  }

  // One more session for as many messages as there are sessions, half as many after a bad end.
  #learn(outcomes: readonly Outcome[]): void {
    const now = this.#context.clock.steady();
    if (outcomes.every(({ kind, reply }) => kind === "deferred" && OVERLOADED.test(reply))) {
      this.#shrink(this.#sessionLimit / 2);
    } else if (now >= this.#growsFrom) {
      this.#sessionLimit = Math.min(this.#sessionsMax, this.#sessionLimit + 1 / this.#sessionLimit);
    }
  }

  #shrink(limit: number): void {
    this.#sessionLimit = Math.max(1, limit);
    this.#growsFrom = this.#context.clock.steady() + SESSION_LIMIT_MS;
  }

  async #open(): Promise<void> {
    this.#openingCount++;
    const dialed = await this.#context.dialer.dial(this.#hop);
    this.#openingCount--;
    if (dialed.kind === "session" && dialed.session.isOpen) {
      this.#adopt(dialed.session);
      return;
    }
    this.#context.quota.give();
    // One that greets and hangs up at once counts as down: it must not be called in a tight loop.
    const lost = troubleOutcome(TROUBLE.lostConnection, "", "session ended as it began");
    this.#openFailed(dialed.kind === "none" ? dialed.outcome : lost);
  }

  #adopt(session: Session): void {
    const { log } = this.#context;
    const about = { sessions: ++this.#sessionCount };
    this.#failureCount = 0;
    this.#isKnown = true;
    log.debug("connection-opened", about);
    session.onEnd(() => {
      this.#sessionCount--;
      log.debug("connection-closed", about);
      this.#context.quota.give();
      this.#pump();
    });
    if (this.#waiting.length > 0 && session.isOpen) this.#use(session);
    else this.#rest(session);
    this.#pump();
  }

  #openFailed(outcome: Outcome): void {
    const { clock, settings, log } = this.#context;
    const now = clock.steady();
    log.debug("connection-failed", { cause: outcome.kind });
    if (this.#sessionCount + this.#openingCount > 0) {
      // Others got through: it is the number that the next hop does not like.
      this.#shrink(this.#sessionCount + this.#openingCount);
      this.#pump();
      return;
    }
    if (outcome.kind === "deferred") {
      const waitMs = Math.min(settings.downMinMs * 2 ** this.#failureCount, settings.downMaxMs);
      this.#failureCount = Math.min(this.#failureCount + 1, 30);
      this.#downUntil = now + waitMs;
      this.#downOutcome = outcome;
      const { host, reply } = outcome;
      log.warn("next-hop-down", { host, cause: reply, waitMs, waiting: this.#waiting.length });
    }
    this.#endWaiting(outcome);
  }

  #endWaiting(outcome: Outcome): void {
    for (const job of this.#waiting.splice(0)) finish(job, outcome);
  }

  #use(session: Session): void {
    const job = this.#waiting.shift();
    if (job === undefined) {
      this.#rest(session);
      return;
    }
    void this.#run(session, job);
  }

  async #run(session: Session, job: Job): Promise<void> {
    const attempt = await this.#transact(session, job.delivery);
    this.#lastUsedAt = this.#context.clock.steady();
    if (attempt.kind === "answered") {
      this.#learn(attempt.outcomes);
      job.resolve(attempt.outcomes);
    } else if (++job.staleCount > STALE_MAX) {
      finish(job, troubleOutcome(TROUBLE.lostConnection, "", "session ended again and again"));
    } else if (this.#isStopped) {
      finish(job, troubleOutcome(TROUBLE.shuttingDown, ""));
    } else {
      this.#waiting.unshift(job);
    }
    if (session.isOpen) this.#next(session);
    // The next hop may take more sessions by now.
    this.#pump();
  }

  async #transact(session: Session, delivery: Delivery): Promise<Attempt> {
    let payload: Payload | undefined;
    try {
      payload = Payload.open(delivery.trace, delivery.body);
      return await session.transact(delivery, payload);
    } catch (error) {
      // The body can't be read, or something in here is broken: neither is the recipient's fault.
      const cause = describeError(error);
      this.#context.log.error("message-unreadable", { id: delivery.id, cause });
      const outcome = troubleOutcome(TROUBLE.local, "");
      return { kind: "answered", outcomes: forAll(delivery.recipients.length, outcome) };
    } finally {
      payload?.close();
    }
  }

  #next(session: Session): void {
    const { messagesPerSessionMax } = this.#context.settings;
    if (session.transactionCount >= messagesPerSessionMax || this.#isStopped) {
      session.quit();
    } else if (this.#waiting.length > 0) {
      this.#use(session);
    } else {
      this.#rest(session);
    }
  }

  #rest(session: Session): void {
    if (this.#isStopped || this.#context.quota.isShort) session.quit();
    else this.#idle.push({ session, since: this.#context.clock.steady() });
  }
}

function finish(job: Job, outcome: Outcome): void {
  job.resolve(forAll(job.delivery.recipients.length, outcome));
}
