// The sending side, as it runs in the worker: sorts deliveries by next hop, cuts long lists of
// recipients, and keeps the time for all sessions.
import { type Clock, systemClock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import { Resolver } from "../dns/resolver.ts";
import type { Outcome } from "../message.ts";
import { Dialer } from "./dialer.ts";
import { Hop, type HopContext, SessionQuota } from "./hop.ts";
import { MailHosts } from "./mail-hosts.ts";
import { isTooManyRecipients } from "./response.ts";
import { hopKey } from "./route.ts";
import { Sts } from "./security/sts.ts";
import type { KnownPolicy } from "./security/sts-policy.ts";
import { TlsPolicy } from "./security/tls-policy.ts";
import { type TlsResult, TlsResults } from "./security/tls-results.ts";
import type { Connection } from "./session/connection.ts";
import type { CourierSettings, Delivery } from "./settings.ts";

/** RFC 5321 §4.5.3.1.8: every host takes at least this many recipients at one time. */
const RECIPIENTS_PER_TRANSACTION_MAX = 100;
// A next hop that takes one recipient per transaction is followed that far; the rest waits.
const TRANSACTIONS_MAX = 100;
const SWEEPS_PER_TIMEOUT = 4;
const SWEEP_MIN_MS = 10;
const SWEEP_MAX_MS = 250;

const TLS_POST_MS = 5_000;

/** Who hears of what is learnt beside the mail. */
export interface Told {
  readonly onPolicy: (policy: KnownPolicy) => void;
  readonly onTlsResults: (results: readonly TlsResult[]) => void;
}

const NOBODY: Told = { onPolicy: () => {}, onTlsResults: () => {} };

/** Sends deliveries. */
export class Courier {
  readonly #hops = new Map<string, Hop>();
  readonly #connections = new Set<Connection>();
  readonly #context: HopContext;
  readonly #sweeper: ReturnType<typeof setInterval>;
  readonly #tlsResults: TlsResults | undefined;
  #tlsPostedAt = 0;

  constructor(
    settings: CourierSettings,
    log: Log,
    told: Told = NOBODY,
    clock: Clock = systemClock,
  ) {
    const { onPolicy, onTlsResults } = told;
    this.#tlsResults = settings.isTlsCounted ? new TlsResults(onTlsResults) : undefined;
    const resolver = new Resolver({ ...settings.dns, clock });
    const hosts = new MailHosts(resolver, { ...settings, random: Math.random });
    const connections = this.#connections;
    const counted = this.#tlsResults && { tlsResults: this.#tlsResults };
    const session = { settings, steady: () => clock.steady(), log, connections, ...counted };
    const { sts, tlsCa } = settings;
    const ca = tlsCa === undefined ? {} : { ca: tlsCa };
    const asked = sts && new Sts({ resolver, clock, log, onPolicy, ...sts, ...ca });
    const dialer = new Dialer(hosts, new TlsPolicy(resolver, asked), session, clock);
    const quota = new SessionQuota(settings.sessionsMax);
    this.#context = { settings, dialer, quota, clock, log };
    const shortest = Math.min(...Object.values(settings.timeouts), settings.sessionIdleMs);
    const sweepMs = Math.max(SWEEP_MIN_MS, Math.min(shortest / SWEEPS_PER_TIMEOUT, SWEEP_MAX_MS));
    this.#sweeper = setInterval(() => this.#sweep(), sweepMs);
    this.#sweeper.unref?.();
  }

  /** One outcome per recipient, in order; never rejects. */
  async deliver(delivery: Delivery): Promise<Outcome[]> {
    const { recipients } = delivery;
    if (recipients.length === 0) return [];
    const hop = this.#hop(delivery);
    const first = recipients.slice(0, RECIPIENTS_PER_TRANSACTION_MAX);
    const isShort = first.length === recipients.length;
    const results = await hop.send(isShort ? delivery : { ...delivery, recipients: first });
    const left = leftOver(results);
    if (isShort && left.length === 0) return results;
    const later = recipients.slice(first.length).map((_, index) => first.length + index);
    return this.#deliverRest(delivery, results, [...left, ...later]);
  }

  /** Ends what has not been begun; messages under way go on. */
  stop(): void {
    for (const hop of this.#hops.values()) hop.stop();
    this.#tlsResults?.flush();
  }

  /** Ends everything at once. */
  close(): void {
    this.stop();
    clearInterval(this.#sweeper);
    for (const connection of [...this.#connections]) connection.close();
  }

  // RFC 5321 §4.5.3.1.10: recipients that were too many for one transaction go into the next.
  async #deliverRest(
    delivery: Delivery,
    results: readonly Outcome[],
    rest: readonly number[],
  ): Promise<Outcome[]> {
    const outcomes = [...results];
    let left = [...rest];
    for (let i = 0; left.length > 0; i++) {
      const part = left.slice(0, RECIPIENTS_PER_TRANSACTION_MAX);
      const recipients = part.flatMap((index) => delivery.recipients[index] ?? []);
      const answers = await this.#hop(delivery).send({ ...delivery, recipients });
      for (const [position, index] of part.entries()) {
        const outcome = answers[position];
        if (outcome !== undefined) outcomes[index] = outcome;
      }
      const again = i < TRANSACTIONS_MAX ? leftOver(answers) : [];
      left = [...again.flatMap((position) => part[position] ?? []), ...left.slice(part.length)];
    }
    return outcomes;
  }

  #hop(delivery: Delivery): Hop {
    const key = hopKey(delivery.nextHop);
    let hop = this.#hops.get(key);
    if (hop === undefined) {
      hop = new Hop(delivery.nextHop, this.#context);
      this.#hops.set(key, hop);
    }
    return hop;
  }

  #sweep(): void {
    const now = this.#context.clock.steady();
    for (const connection of this.#connections) connection.checkDeadline(now);
    for (const [key, hop] of this.#hops) {
      hop.sweep(now);
      if (hop.isForgettable(now)) this.#hops.delete(key);
    }
    if (now - this.#tlsPostedAt < TLS_POST_MS) return;
    this.#tlsPostedAt = now;
    this.#tlsResults?.flush();
  }
}

// Recipients refused for their number only, while others of the same message were taken: each
// further transaction settles at least one.
function leftOver(outcomes: readonly Outcome[]): number[] {
  if (!outcomes.some(({ kind }) => kind === "delivered")) return [];
  return outcomes.flatMap(({ reply }, index) => (isTooManyRecipients(reply) ? [index] : []));
}
