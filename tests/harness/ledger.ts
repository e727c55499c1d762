// Keeps book of messages: what was handed over, what the gateway said to it, what came out at the
// next hop. From that it tells what was lost, doubled, damaged or should never have come.
import type { SendOutcome } from "./generator.ts";
import type { SinkMessage } from "./sink.ts";

/** What became of handing a message over. "unknown": the connection broke before the reply. */
export type Fate = "sending" | "accepted" | "refused" | "unsent" | "unknown";

/** One arrival at the next hop that was answered with 250. */
export interface Delivery {
  readonly recipient: string;
  /** When the next hop had it, ms on the steady clock. */
  readonly at: number;
  /** Which start of the gateway it came from. */
  readonly start: number;
  /** The message's bytes are the last bytes of what arrived. */
  readonly isIntact: boolean;
}

/** A message in the book. */
export interface LedgerEntry {
  readonly messageId: string;
  readonly recipients: readonly string[];
  readonly isInfected: boolean;
  fate: Fate;
  /** The gateway's last word, for reports. */
  reply: string;
  readonly deliveries: Delivery[];
}

interface KeptEntry extends LedgerEntry {
  readonly hash: number | bigint;
  readonly size: number;
}

const MESSAGE_ID = Buffer.from("\r\nMessage-ID: <");
const ANGLE = 0x3e;

/** The Message-ID of a message made by `composeMail()`, without brackets; "" if it has none. */
export function messageIdOf(bytes: Buffer): string {
  const at = bytes.indexOf(MESSAGE_ID);
  if (at < 0) return "";
  const start = at + MESSAGE_ID.length;
  return bytes.toString("latin1", start, bytes.indexOf(ANGLE, start));
}

/** The book. */
export class Ledger {
  readonly #entries = new Map<string, KeptEntry>();
  /** Messages that arrived but were never sent. */
  readonly strangers: string[] = [];
  #missing = 0;

  /** Recipients of accepted messages that nothing has come for yet. */
  get missingCount(): number {
    return this.#missing;
  }

  get entries(): readonly LedgerEntry[] {
    return [...this.#entries.values()];
  }

  /** Notes a message before it is sent. `bytes` is the message without dot-stuffing. */
  open(
    message: Pick<LedgerEntry, "messageId" | "recipients" | "isInfected">,
    bytes: Buffer,
  ): LedgerEntry {
    const entry: KeptEntry = {
      ...message,
      fate: "sending",
      reply: "",
      deliveries: [],
      hash: Bun.hash(bytes),
      size: bytes.length,
    };
    this.#entries.set(message.messageId, entry);
    return entry;
  }

  /** Notes how handing over ended. */
  settle(entry: LedgerEntry, outcome: SendOutcome): void {
    if (outcome.kind === "lost") {
      // Before the message's own stage nothing can have been accepted. RFC 5321 §4.1.1.4.
      entry.fate = outcome.stage === "message" ? "unknown" : "unsent";
      entry.reply = `connection lost at ${outcome.stage}`;
      return;
    }
    entry.reply = outcome.text;
    entry.fate = outcome.stage === "message" && outcome.code === 250 ? "accepted" : "refused";
    if (entry.fate === "accepted" && !entry.isInfected) {
      this.#missing += entry.recipients.length - this.#reached(entry).size;
    }
  }

  /** Notes that the next hop has a message; call it when the 250 is given. */
  deliver(message: SinkMessage, start: number): void {
    const messageId = messageIdOf(message.bytes);
    const entry = this.#entries.get(messageId);
    if (entry === undefined) {
      this.strangers.push(messageId === "" ? `from <${message.sender}>` : messageId);
      return;
    }
    const reached = this.#reached(entry);
    const isIntact =
      message.bytes.length >= entry.size &&
      Bun.hash(message.bytes.subarray(message.bytes.length - entry.size)) === entry.hash;
    for (const recipient of message.recipients) {
      const isFirst = !reached.has(recipient) && entry.recipients.includes(recipient);
      if (isFirst && entry.fate === "accepted" && !entry.isInfected) this.#missing--;
      reached.add(recipient);
      entry.deliveries.push({ recipient, at: performance.now(), start, isIntact });
    }
  }

  /** Accepted messages, each with the recipients that got nothing. */
  lost(): string[] {
    return [...this.#entries.values()].flatMap((entry) => {
      if (entry.fate !== "accepted" || entry.isInfected) return [];
      const reached = this.#reached(entry);
      const left = entry.recipients.filter((one) => !reached.has(one));
      return left.map((one) => `${entry.messageId} to ${one} (${entry.reply})`);
    });
  }

  /** What came and should not have: refused, never wholly sent, infected. */
  unwanted(): string[] {
    return this.entries.flatMap((entry) => {
      const isForbidden = entry.isInfected || entry.fate === "refused" || entry.fate === "unsent";
      if (!isForbidden || entry.deliveries.length === 0) return [];
      const what = entry.isInfected ? "infected" : entry.fate;
      return [`${entry.messageId} (${what}: ${entry.reply})`];
    });
  }

  /** Deliveries whose bytes are not those that were sent, or that went to a stranger. */
  damaged(): string[] {
    return this.entries.flatMap((entry) =>
      entry.deliveries
        .filter((one) => !one.isIntact || !entry.recipients.includes(one.recipient))
        .map((one) => `${entry.messageId} to ${one.recipient}`),
    );
  }

  /**
   * Every repeated delivery, with the one before it. A slow next hop may give its 250 to a process
   * that is gone, after the next one has delivered already: what counts is the order of starts.
   */
  doubles(): { readonly messageId: string; readonly first: Delivery; readonly again: Delivery }[] {
    return this.entries.flatMap((entry) => {
      const latest = new Map<string, Delivery>();
      const inOrder = entry.deliveries.toSorted((a, b) => a.start - b.start || a.at - b.at);
      return inOrder.flatMap((again) => {
        const first = latest.get(again.recipient);
        latest.set(again.recipient, again);
        return first === undefined ? [] : [{ messageId: entry.messageId, first, again }];
      });
    });
  }

  /** How many messages had which fate. */
  fates(): Readonly<Record<Fate, number>> {
    const counts = { sending: 0, accepted: 0, refused: 0, unsent: 0, unknown: 0 };
    for (const entry of this.#entries.values()) counts[entry.fate]++;
    return counts;
  }

  #reached(entry: LedgerEntry): Set<string> {
    return new Set(entry.deliveries.map((one) => one.recipient));
  }
}
