// Everything that looks on while the gateway works: counters, their history, and those who watch.
// All of it hears the log's events; nothing of it is on the road of a message.
import type { Clock } from "../base/clock.ts";
import { type Log, observedLog } from "../base/log.ts";
import type { MessageIds } from "../base/message-id.ts";
import type { Config } from "../config/schema.ts";
import { TlsReporter } from "../pipeline/tls/tls-reporter.ts";
import type { Store } from "../store/store.ts";
import { Collector } from "./history/collector.ts";
import { History } from "./history/history.ts";
import { topOf } from "./history/summary.ts";
import { type Activity, LiveAnswer, type Request, type Stats, type Status } from "./protocol.ts";
import { Reporter } from "./report/reporter.ts";
import { type Counter, Statistics } from "./statistics.ts";
import { Watch } from "./trace/watch.ts";
import type { TraceLine } from "./trace/watcher.ts";

/** What the observation asks of the gateway. */
export interface Observed {
  readonly store: Store;
  readonly ids: MessageIds;
  readonly hostname: string;
  readonly config: () => Config;
  readonly status: () => Status;
  /** Seconds since the signatures were last known to be up to date; -1 if that is not known. */
  readonly signatureAge: () => number;
}

const SHOWN_MAX = 10;

/** What is asked here. */
export type Question = Extract<Request, { verb: "trace" | "activity" | "history" | "report" }>;

/** The observers of one gateway. */
export class Observation {
  readonly watch: Watch;
  /** The gateway's log, with observers. */
  readonly log: Log;
  readonly #statistics = new Statistics();
  readonly #collector: Collector;
  readonly #clock: Clock;
  readonly #startedAt: number;
  #observed: Observed | undefined;
  #history: History | undefined;
  #reporter: Reporter | undefined;

  constructor(log: Log, clock: Clock) {
    this.watch = new Watch(clock);
    this.#clock = clock;
    this.#startedAt = clock.now();
    this.#collector = new Collector(() => this.#statistics.counts);
    this.log = observedLog(log, [this.#statistics, this.#collector, this.watch]);
  }

  /** Begins to write the history, and to send the reports that are due. */
  start(observed: Observed): void {
    this.#observed = observed;
    const { log } = this;
    const { store, ids, hostname } = observed;
    const [clock, collector] = [this.#clock, this.#collector];
    const levels = () => {
      const { sessions, queue, quarantine } = observed.status();
      const signatureAge = observed.signatureAge();
      return { sessions, queue: queue.messages, quarantine: quarantine.messages, signatureAge };
    };
    const settings = () => {
      const config = observed.config();
      return {
        every: config["report.mail"],
        hour: config["report.hour"],
        to: config["report.to"] || config["notice.admin"] || config["server.postmaster"],
        from: config["notice.from"],
      };
    };
    const reporter = new Reporter({ store, ids, hostname, clock, log }, settings);
    const { config } = observed;
    const tls = new TlsReporter({ store, ids, hostname, config, clock, log });
    const onMinute = () => {
      void reporter.tend();
      void tls.tend();
    };
    const rows = store.history;
    this.#history = new History({ rows, levels, log, clock, collector, onMinute });
    this.#history.start();
    this.#reporter = reporter;
  }

  /** Writes down what was counted. */
  stop(): void {
    this.#history?.stop();
    this.#history = undefined;
  }

  /** Counters since the start. */
  get counts(): Readonly<Record<Counter, number>> {
    return this.#statistics.counts;
  }

  /** Counters since the start, and what is true now. */
  stats(now: Status): Stats {
    const startedAt = this.#startedAt;
    return {
      time_initialized: Math.floor(startedAt / 1000),
      time_initialized_iso: new Date(startedAt).toISOString(),
      time_processing: Math.floor((this.#clock.now() - startedAt) / 1000),
      ...this.#statistics.counts,
      ...this.#statistics.levels,
      mta_incoming_connections_current: now.sessions,
      mta_outgoing_recipients_current: now.sending,
      mta_stored_messages_current: now.queue.messages,
      mta_stored_recipients_current: now.queue.recipients,
      antiviral_checking_sessions_current: now.scanning,
      quarantine_messages_current: now.quarantine.messages,
      quarantine_bytes_current: now.quarantine.bytes,
      signatures_current: now.signatures.count,
      signatures_age_seconds: this.#observed?.signatureAge() ?? -1,
    };
  }

  /** Answers those who look on. */
  answer(question: Question): unknown {
    switch (question.verb) {
      case "trace": {
        const { ip, from, to } = question;
        // What is wrong with the wish is said before anything goes on.
        const begin = this.watch.prepare({ ip, from, to });
        const lost = (count: number): TraceLine => ({ kind: "lost", at: this.#clock.now(), count });
        return new LiveAnswer(begin, lost);
      }
      case "activity":
        return this.#activity();
      case "history":
        this.#history?.flush();
        return {};
      case "report":
        this.#history?.flush();
        return this.#reporter?.send(question);
      default:
        return question satisfies never;
    }
  }

  #activity(): Activity {
    const status = this.#observed?.status();
    const history = this.#history;
    if (status === undefined || history === undefined) throw new Error("gw is still starting");
    const sum = history.lastHour();
    return {
      at: this.#clock.now(),
      status,
      stats: this.stats(status),
      minutes: history.minutesOf("mta_received_messages"),
      signatures: topOf(sum, "signatures", SHOWN_MAX),
      refusals: topOf(sum, "refusals", SHOWN_MAX),
      hosts: topOf(sum, "hosts", SHOWN_MAX),
      senders: topOf(sum, "senders", SHOWN_MAX),
    };
  }
}
