// What was decided, written down for whoever asks later: one record for each message with all that
// led to its fate, one for each refused command. `gw why` reads them.

import type { Clock } from "../base/clock.ts";
import type {
  Authentication,
  Client,
  Envelope,
  Outcome,
  ScannedObject,
  Status,
  Verdict,
} from "../message.ts";
import type { ShareDecision } from "../policy/policy.ts";
import type { Reply } from "../reply.ts";
import type { Store } from "../store/store.ts";

/** An object in a record: those of which there is something to say. */
export interface TrailObject {
  readonly path: string;
  readonly type: string;
  readonly status: Status;
  readonly findings: readonly string[];
  readonly notes: readonly string[];
}

/** What became of a message for one group. */
export interface TrailShare {
  readonly group: string;
  readonly recipients: readonly string[];
  readonly status: Status;
  /** The rule that fired, "" if none did. */
  readonly rule: string;
  readonly disposition: ShareDecision["disposition"];
  /** What was done in the end, and the id that the message has there; "" if it is nowhere. */
  readonly place: "queue" | "quarantine" | "refused" | "blocked";
  readonly id: string;
  /** What was done to objects, and what else is to be said of that. */
  readonly treated: readonly {
    readonly object: number;
    readonly action: string;
    /** Left out in records of earlier versions. */
    readonly path?: string;
  }[];
  readonly notes: readonly string[];
  readonly filtered: readonly { readonly filter: string; readonly path: string }[];
  readonly exempted: readonly { readonly exemption: number; readonly path: string }[];
}

/** The record of one message. */
export interface MessageTrail {
  readonly kind: "message";
  /** Queue id that the client was told. */
  readonly id: string;
  readonly client: Client;
  readonly sender: string;
  readonly messageId: string;
  readonly subject: string;
  readonly size: number;
  readonly status: Status;
  readonly signatureSet: string;
  readonly elapsedMs: number;
  readonly objectCount: number;
  readonly objects: readonly TrailObject[];
  readonly shares: readonly TrailShare[];
  /** What the checks of the sender said; left out if there were none. */
  readonly authentication?: Authentication;
  readonly tags?: readonly string[];
  /** Copies beside: `{ place: "backup", id }`. */
  readonly copies: readonly { readonly place: string; readonly id: string }[];
  readonly reply: string;
}

/** The record of a refused command, or of a message that was refused before it was scanned. */
export interface RefusalTrail {
  readonly kind: "refusal";
  readonly client: Client;
  /** "connection", "MAIL", "RCPT", "DATA", "message". */
  readonly stage: string;
  readonly sender: string | undefined;
  readonly recipients: readonly string[];
  readonly reply: string;
  readonly cause: string | undefined;
}

/** What is kept of one decision. */
export type TrailRecord = MessageTrail | RefusalTrail;

/** What intake knows of a message when it is settled. */
export interface Settled {
  readonly id: string;
  readonly client: Client;
  readonly envelope: Envelope;
  readonly messageId: string;
  readonly subject: string;
  readonly size: number;
  readonly verdict: Verdict;
  readonly shares: readonly TrailShare[];
  readonly copies: MessageTrail["copies"];
  readonly reply: Reply;
}

const OBJECTS_MAX = 50;
const NOTES_MAX = 5;
const RECIPIENTS_MAX = 100;
const TEXT_MAX = 500;
// Refusals cost a client nothing: what they may cost us is bounded.
const REFUSALS_PER_SECOND = 50;

/** A reply as it stands on the wire. */
export function lineOf(reply: Reply): string {
  return `${reply.code} ${reply.enhanced} ${reply.text}`;
}

function trailObject(object: ScannedObject): TrailObject {
  const { path, type, status, findings, notes } = object;
  const names = [...new Set(findings.map(({ signature }) => signature))];
  return {
    path: path.slice(0, TEXT_MAX),
    type,
    status,
    findings: names.slice(0, NOTES_MAX),
    notes: notes.slice(0, NOTES_MAX),
  };
}

/** What a trail is written with. */
export interface TrailParts {
  readonly store: Store;
  readonly clock: Clock;
  /** False: nothing is written at all. */
  readonly isKept: boolean;
  /** Told of every message, whether it is written or not. */
  readonly onScanned?: ((settled: Settled) => void) | undefined;
}

/** Writes records behind the mail. */
export class Trail {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #isKept: boolean;
  readonly #onScanned: ((settled: Settled) => void) | undefined;
  #second = 0;
  #refusals = 0;

  constructor(parts: TrailParts) {
    this.#store = parts.store;
    this.#clock = parts.clock;
    this.#isKept = parts.isKept;
    this.#onScanned = parts.onScanned;
  }

  /** Notes what became of a message. */
  message(settled: Settled): void {
    this.#onScanned?.(settled);
    if (!this.#isKept) return;
    const { id, client, envelope, messageId, subject, size, verdict, shares, copies } = settled;
    const isNotable = (one: ScannedObject) => one.status !== "clean" || one.findings.length > 0;
    const record: MessageTrail = {
      kind: "message",
      id,
      client,
      sender: envelope.sender,
      messageId,
      subject,
      size,
      status: verdict.status,
      signatureSet: verdict.signatureSet,
      elapsedMs: Math.round(verdict.elapsedMs),
      objectCount: verdict.objects.length,
      objects: verdict.objects.filter(isNotable).slice(0, OBJECTS_MAX).map(trailObject),
      shares: shares.map((share) => ({
        ...share,
        recipients: share.recipients.slice(0, RECIPIENTS_MAX),
      })),
      ...(envelope.authentication && { authentication: envelope.authentication }),
      ...(envelope.tags && { tags: envelope.tags }),
      copies,
      reply: lineOf(settled.reply),
    };
    const ids = [...shares.map((share) => share.id), ...copies.map((copy) => copy.id)];
    const recipients = envelope.recipients.map(({ address }) => address);
    const words = [id, ...ids, messageId, envelope.sender, client.address, ...recipients];
    this.#write(record, words);
  }

  /** Notes a refusal; of very many in one second only the first ones. */
  refusal(refusal: Omit<RefusalTrail, "kind">): void {
    if (!this.#isKept) return;
    const second = Math.floor(this.#clock.steady() / 1000);
    if (second !== this.#second) {
      this.#second = second;
      this.#refusals = 0;
    }
    if (++this.#refusals > REFUSALS_PER_SECOND) return;
    const recipients = refusal.recipients
      .slice(0, RECIPIENTS_MAX)
      .map((one) => one.slice(0, TEXT_MAX));
    const { client, sender } = refusal;
    this.#write({ kind: "refusal", ...refusal, recipients }, [
      client.address,
      sender ?? "",
      ...recipients,
    ]);
  }

  /** Notes what became of an attempt. */
  outcome(id: string, recipient: string, outcome: Outcome): void {
    if (!this.#isKept) return;
    const { kind, host } = outcome;
    const at = this.#clock.now();
    const reply = outcome.reply.slice(0, TEXT_MAX);
    this.#store.write([{ kind: "outcome", outcome: { id, recipient, at, kind, reply, host } }]);
  }

  #write(record: TrailRecord, words: readonly string[]): void {
    const found = new Set(words.map(trailWord).filter((word) => word !== ""));
    const decision = {
      at: this.#clock.now(),
      decision: JSON.stringify(record),
      words: [...found],
    };
    this.#store.write([{ kind: "decision", decision }]);
  }
}

/** The form in which a word is looked for: addresses and Message-IDs without brackets. */
export function trailWord(text: string): string {
  return text
    .trim()
    .replace(/^<(.*)>$/s, "$1")
    .toLowerCase()
    .slice(0, TEXT_MAX);
}
