// The main thread's end of the sending side: hands deliveries to the worker and gets outcomes back.
// Whatever happens to the worker, every delivery ends with outcomes; in doubt they are "deferred".
import { describeError, type Log } from "../base/log.ts";
import { workerUrl } from "../base/worker-url.ts";
import { parseServers } from "../dns/resolver.ts";
import type { Outcome } from "../message.ts";
import { forAll, TROUBLE, troubleOutcome } from "./response.ts";
import { hopKey, type NextHop, type TlsMode } from "./route.ts";
import type { KnownPolicy } from "./security/sts-policy.ts";
import type { TlsResult } from "./security/tls-results.ts";
import {
  COURIER_DEFAULTS,
  type CourierSettings,
  type Delivery,
  type NumberedDelivery,
  type Order,
  type Report,
} from "./settings.ts";

/** How mail is sent on. Times in milliseconds. */
export interface CarrierOptions {
  /** Name given in EHLO. */
  readonly hostname: string;
  readonly log: Log;
  readonly sessionsPerHostMax?: number;
  readonly connectTimeoutMs?: number;
  /** For the greeting, the reply to a command and to the end of data. */
  readonly replyTimeoutMs?: number;
  readonly tls?: TlsMode;
  /** `ADDRESS` or `ADDRESS:PORT`; empty: those of /etc/resolv.conf. */
  readonly dnsServers?: readonly string[];
  readonly dnsTimeoutMs?: number;
  /** Anything else that has a default. */
  readonly settings?: Partial<Omit<CourierSettings, "hostname">>;
  /** An MTA-STS policy is new, and should be given back in `settings.sts` at the next start. */
  readonly onPolicy?: (policy: KnownPolicy) => void;
  /** How encryption went, if `settings.isTlsCounted`. */
  readonly onTlsResults?: (results: readonly TlsResult[]) => void;
  /** Makes the thread; for tests. */
  readonly spawn?: () => Worker;
}

// A worker that dies at once must not be started in a tight loop.
const RESTART_DELAY_MS = 1000;
const START_TIMEOUT_MS = 15_000;
// Deliveries that are under way or wait for a session; each holds a message's envelope.
const IN_FLIGHT_MAX = 10_000;
// So many per session keep it busy while outcomes and new deliveries travel between the threads.
const IN_FLIGHT_PER_SESSION = 2;

interface Pending {
  readonly recipientCount: number;
  readonly hopKey: string;
  readonly resolve: (outcomes: Outcome[]) => void;
}

/** Sends mail on, in a thread of its own. */
export class Carrier {
  readonly #options: CarrierOptions;
  readonly #settings: CourierSettings;
  readonly #pending = new Map<number, Pending>();
  readonly #inFlightByHop = new Map<string, number>();
  #outbox: NumberedDelivery[] = [];
  #worker: Worker | undefined;
  #lastNumber = 0;
  #isStopped = false;
  #onIdle: (() => void) | undefined;

  private constructor(options: CarrierOptions) {
    this.#options = options;
    this.#settings = settingsOf(options);
  }

  /** Starts the thread; rejects if it does not come up, or a DNS server is no address. */
  static async start(options: CarrierOptions): Promise<Carrier> {
    const carrier = new Carrier(options);
    await carrier.#start();
    return carrier;
  }

  /** Deliveries that have not ended. */
  get inFlight(): number {
    return this.#pending.size;
  }

  /** How many more deliveries for a next hop are of use now; more than that only wait. */
  capacity(nextHop: NextHop): number {
    const own = nextHop.kind === "relay" ? nextHop.terms.sessionsMax : undefined;
    const perHop = (own ?? this.#settings.sessionsPerHostMax) * IN_FLIGHT_PER_SESSION;
    const used = this.#inFlightByHop.get(hopKey(nextHop)) ?? 0;
    return Math.max(0, Math.min(perHop - used, IN_FLIGHT_MAX - this.#pending.size));
  }

  /** One outcome per recipient, in order. Never rejects: trouble is a "deferred" outcome. */
  deliver(delivery: Delivery): Promise<Outcome[]> {
    const recipientCount = delivery.recipients.length;
    if (this.#isStopped || this.#pending.size >= IN_FLIGHT_MAX) {
      const trouble = this.#isStopped ? TROUBLE.shuttingDown : TROUBLE.tooMuch;
      return Promise.resolve(forAll(recipientCount, troubleOutcome(trouble, "")));
    }
    if (this.#worker === undefined) {
      return Promise.resolve(forAll(recipientCount, troubleOutcome(TROUBLE.local, "")));
    }
    return new Promise((resolve) => {
      const number = ++this.#lastNumber;
      const key = hopKey(delivery.nextHop);
      this.#pending.set(number, { recipientCount, hopKey: key, resolve });
      this.#inFlightByHop.set(key, (this.#inFlightByHop.get(key) ?? 0) + 1);
      if (this.#outbox.length === 0) setImmediate(() => this.#flush());
      this.#outbox.push({ number, delivery: cloneable(delivery) });
    });
  }

  /** Ends the thread: messages under way get `graceMs`, everything else is deferred. */
  async stop(graceMs: number): Promise<void> {
    this.#flush();
    this.#isStopped = true;
    this.#post({ kind: "stop" });
    if (this.#pending.size > 0) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, graceMs);
        this.#onIdle = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    this.#worker?.terminate();
    this.#worker = undefined;
    this.#deferAll(TROUBLE.shuttingDown);
  }

  #start(): Promise<void> {
    return new Promise((resolve, reject) => {
      const worker = this.#options.spawn?.() ?? new Worker(workerUrl("outbound/carrier-worker.ts"));
      let isReady = false;
      const lose = (reason: string) => {
        clearTimeout(timer);
        if (!isReady) {
          isReady = true;
          worker.terminate();
          reject(new Error(`the sending thread did not start: ${reason}`));
        } else this.#lost(worker, reason);
      };
      const timer = setTimeout(() => lose("no answer"), START_TIMEOUT_MS);
      worker.onmessage = ({ data: report }: MessageEvent<Report>) => {
        if (report.isReady && !isReady) {
          clearTimeout(timer);
          isReady = true;
          this.#worker = worker;
          resolve();
        }
        if (this.#worker === worker) this.#read(report);
      };
      worker.onerror = (event: ErrorEvent) => {
        event.preventDefault?.();
        lose(event.message || "worker error");
      };
      worker.addEventListener("close", () => lose("the thread ended"));
      worker.postMessage({ kind: "start", settings: this.#settings } satisfies Order);
    });
  }

  #read({ ends = [], logs = [], policies = [], tlsResults }: Report): void {
    if (tlsResults !== undefined) this.#options.onTlsResults?.(tlsResults);
    for (const policy of policies) this.#options.onPolicy?.(policy);
    for (const { level, event, fields } of logs) this.#options.log[level](event, fields);
    for (const { number, outcomes } of ends) this.#end(number, [...outcomes]);
  }

  #end(number: number, outcomes: Outcome[]): void {
    const pending = this.#pending.get(number);
    if (pending === undefined) return;
    this.#pending.delete(number);
    const left = (this.#inFlightByHop.get(pending.hopKey) ?? 1) - 1;
    if (left === 0) this.#inFlightByHop.delete(pending.hopKey);
    else this.#inFlightByHop.set(pending.hopKey, left);
    const isWhole = outcomes.length === pending.recipientCount;
    const local = troubleOutcome(TROUBLE.local, "");
    pending.resolve(isWhole ? outcomes : forAll(pending.recipientCount, local));
    if (this.#pending.size === 0) this.#onIdle?.();
  }

  #flush(): void {
    const deliveries = this.#outbox;
    if (deliveries.length === 0) return;
    this.#outbox = [];
    this.#post({ kind: "deliver", deliveries });
  }

  #post(order: Order): void {
    try {
      this.#worker?.postMessage(order);
    } catch (error) {
      // Something in it can't be cloned. That is a bug, and mail must not be lost for it.
      this.#options.log.error("carrier-order-lost", { cause: describeError(error) });
      if (order.kind !== "deliver") return;
      for (const { number } of order.deliveries) this.#end(number, []);
    }
  }

  #lost(worker: Worker, reason: string): void {
    if (this.#isStopped || this.#worker !== worker) return;
    this.#worker = undefined;
    worker.terminate();
    const { log } = this.#options;
    log.error("carrier-lost", { cause: reason, deferred: this.#pending.size });
    this.#outbox = [];
    this.#deferAll(TROUBLE.local);
    const restart = () => {
      if (this.#isStopped) return;
      this.#start().then(
        () => log.info("carrier-restarted"),
        (error: unknown) => {
          log.error("carrier-not-restarted", { cause: describeError(error) });
          setTimeout(restart, RESTART_DELAY_MS);
        },
      );
    };
    setTimeout(restart, RESTART_DELAY_MS);
  }

  #deferAll(trouble: string): void {
    const outcome = troubleOutcome(trouble, "");
    for (const [number, { recipientCount }] of [...this.#pending]) {
      this.#end(number, forAll(recipientCount, outcome));
    }
  }
}

// Only what the worker needs is copied to it: an envelope may list thousands of recipients.
function cloneable(delivery: Delivery): Delivery {
  const { sender, isUtf8, body, ret, envid } = delivery.envelope;
  const parameters = { ...(ret && { ret }), ...(envid !== undefined && { envid }) };
  return { ...delivery, envelope: { sender, isUtf8, body, ...parameters } };
}

function settingsOf(options: CarrierOptions): CourierSettings {
  const defaults = { ...COURIER_DEFAULTS, ...options.settings };
  const { connectTimeoutMs: connectMs, replyTimeoutMs: replyMs, dnsTimeoutMs } = options;
  const timeoutMs = dnsTimeoutMs ?? defaults.dns.timeoutMs;
  const servers = options.dnsServers && parseServers(options.dnsServers);
  return {
    ...defaults,
    hostname: options.hostname,
    sessionsPerHostMax: options.sessionsPerHostMax ?? defaults.sessionsPerHostMax,
    tls: options.tls ?? defaults.tls,
    dns: { ...defaults.dns, timeoutMs, ...(servers && { servers }) },
    timeouts: {
      ...defaults.timeouts,
      ...(connectMs !== undefined && { connectMs }),
      ...(replyMs !== undefined && {
        greetingMs: replyMs,
        commandMs: replyMs,
        dataEndMs: Math.max(replyMs, defaults.timeouts.dataEndMs),
      }),
    },
  };
}
