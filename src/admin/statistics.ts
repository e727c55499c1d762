// Counters of a running gateway, under the names that the statistics of version 5.5 had where it had
// them. They are read off the log's events: whatever is counted has been said there, in one place.

import type { LogFields, LogObserver } from "../base/log.ts";
import { REPLIES, type Reply, textOf } from "../reply.ts";

/** Every counter, with what it counts. The names are what scripts and dashboards hold on to. */
export const COUNTERS = {
  mta_incoming_connections_total: "SMTP sessions begun",
  mta_incoming_connections_errors: "SMTP sessions that were refused, broke or had to be ended",
  mta_outgoing_connections_total: "SMTP connections to next hops begun",
  mta_outgoing_connections_errors: "SMTP connections to next hops that did not come about",
  mta_received_messages: "messages accepted",
  mta_received_bytes: "bytes of the messages accepted",
  mta_received_recipients: "recipients of the messages accepted",
  mta_receivings_refused_total: "messages, recipients and commands refused",
  mta_receivings_refused_for_message_size_limit: "of those, for a message that was too large",
  mta_receivings_refused_for_session_size_limit: "of those, for too much in one session",
  mta_receivings_refused_for_messages_per_session_limit: "of those, for too many in one session",
  mta_receivings_refused_for_hops_limit: "of those, for too many hops",
  mta_receivings_refused_for_relay: "of those, for relaying that is not allowed",
  mta_receivings_deferred: "of those, for the time being (4xx)",
  mta_malformed_messages: "messages refused for bare line endings or NUL",
  mta_sent_messages: "transactions in which a next hop took a message",
  mta_sent_bytes: "bytes of those messages",
  mta_sent_recipients: "recipients for whom a next hop took a message",
  mta_sendings_deferred: "attempts for a recipient that are to be made again",
  mta_sendings_failed_total: "recipients given up",
  mta_sendings_failed_for_message_size_limit: "of those, for a next hop that takes no such size",
  mta_sendings_failed_for_8bitmime: "of those, for a next hop that takes only 7-bit mail",
  mta_sendings_converted: "messages put into 7 bits for a next hop",
  mta_dsn_generated: "delivery status notifications made",
  av_messages_clean: "shares of messages found clean",
  av_messages_disinfected: "shares of messages found disinfected",
  av_messages_filtered: "shares of messages with a filtered object",
  av_messages_protected: "shares of messages with an object that could not be opened",
  av_messages_damaged: "shares of messages with a damaged object",
  av_messages_unscanned: "shares of messages not wholly scanned",
  av_messages_suspicious: "shares of messages found suspicious",
  av_messages_infected: "shares of messages found infected",
  av_messages_bypassed: "shares of messages of groups that are not checked",
  av_objects: "objects scanned",
} as const;

/** What goes up and down, or is the most since the start. */
export const LEVELS_NOW = {
  mta_incoming_connections_maximum: "most SMTP sessions at the same time since the start",
  mta_outgoing_connections_current: "SMTP connections to next hops now",
  mta_outgoing_connections_maximum: "most of these at the same time since the start",
} as const;

/** Name of a counter. */
export type Counter = keyof typeof COUNTERS;

// Events that count by themselves.
const PLAIN: Readonly<Record<string, Counter>> = {
  "session-begun": "mta_incoming_connections_total",
  "session-refused": "mta_incoming_connections_errors",
  "session-ended": "mta_incoming_connections_errors",
  "session-failed": "mta_incoming_connections_errors",
  "connection-opened": "mta_outgoing_connections_total",
  "connection-failed": "mta_outgoing_connections_errors",
  accepted: "mta_received_messages",
  refused: "mta_receivings_refused_total",
  sent: "mta_sent_messages",
  delivered: "mta_sent_recipients",
  deferred: "mta_sendings_deferred",
  failed: "mta_sendings_failed_total",
  converted: "mta_sendings_converted",
  dsn: "mta_dsn_generated",
  bypassed: "av_messages_bypassed",
};

const lineOf = (reply: Reply) => `${reply.code} ${textOf(reply)}`;

const SESSION_LIMITS: Readonly<Record<string, Counter>> = {
  [lineOf(REPLIES.sessionTooBig)]: "mta_receivings_refused_for_session_size_limit",
  [lineOf(REPLIES.tooManyMessages)]: "mta_receivings_refused_for_messages_per_session_limit",
};

const STATUS_PREFIX = "av_messages_";

function isCounter(name: string): name is Counter {
  return Object.hasOwn(COUNTERS, name);
}

function numberOf(value: LogFields[string]): number {
  return typeof value === "number" ? value : 0;
}

/** The counters since the start. */
export class Statistics implements LogObserver {
  readonly #counts: Record<Counter, number>;
  #incomingMaximum = 0;
  #outgoing = 0;
  #outgoingMaximum = 0;

  constructor() {
    const names = Object.keys(COUNTERS).filter(isCounter);
    this.#counts = Object.fromEntries(names.map((name) => [name, 0])) as Record<Counter, number>;
  }

  /** All counters, in their order. */
  get counts(): Readonly<Record<Counter, number>> {
    return this.#counts;
  }

  /** What is true now, or was the most. */
  get levels(): Readonly<Record<keyof typeof LEVELS_NOW, number>> {
    return {
      mta_incoming_connections_maximum: this.#incomingMaximum,
      mta_outgoing_connections_current: this.#outgoing,
      mta_outgoing_connections_maximum: this.#outgoingMaximum,
    };
  }

  #add(name: Counter, count = 1): void {
    this.#counts[name] += count;
  }

  /** Counts an event. */
  note(event: string, fields: LogFields): void {
    const plain = PLAIN[event];
    if (plain !== undefined) this.#add(plain);
    switch (event) {
      case "session-begun":
        this.#incomingMaximum = Math.max(this.#incomingMaximum, numberOf(fields["sessions"]));
        break;
      case "connection-opened":
        this.#outgoing++;
        this.#outgoingMaximum = Math.max(this.#outgoingMaximum, this.#outgoing);
        break;
      case "connection-closed":
        this.#outgoing = Math.max(0, this.#outgoing - 1);
        break;
      case "carrier-lost":
        // Its thread has gone, and all connections with it.
        this.#outgoing = 0;
        break;
      case "accepted":
        this.#add("mta_received_bytes", numberOf(fields["size"]));
        this.#add("mta_received_recipients", numberOf(fields["count"]));
        break;
      case "session-ended":
        this.#sessionEnded(String(fields["reply"] ?? ""));
        break;
      case "refused":
        this.#refused(String(fields["reply"] ?? ""));
        break;
      case "sent":
        this.#add("mta_sent_bytes", numberOf(fields["size"]));
        break;
      case "failed":
        this.#sendingFailed(String(fields["reply"] ?? ""));
        break;
      case "scanned":
        this.#add("av_objects", numberOf(fields["objects"]));
        this.#scanned(`${STATUS_PREFIX}${String(fields["status"])}`);
        break;
      default:
        break;
    }
  }

  #scanned(name: string): void {
    if (isCounter(name)) this.#add(name);
  }

  // By the words that the sending side has for them.
  #sendingFailed(reply: string): void {
    if (reply.startsWith("552 5.3.4")) this.#add("mta_sendings_failed_for_message_size_limit");
    else if (reply.startsWith("554 5.6.3")) this.#add("mta_sendings_failed_for_8bitmime");
  }

  // What a session may hold is over when its next message comes: that one is refused, and the session
  // ends with it.
  #sessionEnded(reply: string): void {
    const limit = SESSION_LIMITS[reply];
    if (limit === undefined) return;
    this.#add("mta_receivings_refused_total");
    this.#add("mta_receivings_deferred");
    this.#add(limit);
  }

  // By reply code and enhanced code, as REPLIES has them.
  #refused(reply: string): void {
    if (reply.startsWith("4")) this.#add("mta_receivings_deferred");
    if (reply.startsWith("552 5.3.4")) this.#add("mta_receivings_refused_for_message_size_limit");
    else if (reply.startsWith("554 5.4.6")) this.#add("mta_receivings_refused_for_hops_limit");
    else if (reply.startsWith("550 5.7.1 Relaying")) this.#add("mta_receivings_refused_for_relay");
    else if (reply.startsWith("550 5.6.0")) this.#add("mta_malformed_messages");
  }
}
