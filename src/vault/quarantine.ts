// The quarantine as an administrator works with it: find, look, release, delete, let old mail go.
// All results are plain values that go to the terminal or out as JSON.
import type { Body, MessageRecord, Recipient, Status } from "../message.ts";
import type {
  KeptPlace,
  QuarantinedMessage,
  QuarantineFilter,
  QuarantineRows,
} from "../store/quarantine-rows.ts";

const PURGE_STEP = 1_000;

/** A quarantined message in a listing. */
export interface QuarantineItem {
  readonly id: string;
  /** Milliseconds since the epoch. */
  readonly receivedAt: number;
  readonly sender: string;
  readonly recipients: readonly string[];
  readonly subject: string;
  readonly size: number;
  readonly status: Status;
  readonly findings: readonly string[];
}

/** A kept message with all that is known of it; `body` says where its bytes are. */
export interface QuarantineDetails extends QuarantineItem {
  readonly place: KeptPlace;
  readonly record: MessageRecord;
  readonly body: Body;
}

/** What became of the ids of a request. */
export interface QuarantineResult {
  readonly done: readonly string[];
  /** Not in quarantine: never were, or are gone already. */
  readonly missing: readonly string[];
}

/** Verbs over quarantined messages. */
export class Quarantine {
  readonly #rows: QuarantineRows;

  constructor(rows: QuarantineRows) {
    this.#rows = rows;
  }

  /** Messages that match, newest first. */
  list(filter: QuarantineFilter = {}): QuarantineItem[] {
    return this.#rows.list(filter).map(toItem);
  }

  /** One message, or undefined. */
  show(id: string): QuarantineDetails | undefined {
    const message = this.#rows.show(id);
    return message && { ...toItem(message), ...message };
  }

  /** Puts messages into the queue, for their own recipients or for `addresses` instead. */
  release(ids: readonly string[], addresses?: readonly string[]): QuarantineResult {
    const recipients = addresses?.map((address): Recipient => ({ address }));
    return eachId(ids, (id) => this.#rows.release(id, recipients));
  }

  /** Deletes messages; of their bodies no bytes are left. */
  delete(ids: readonly string[]): QuarantineResult {
    return eachId(ids, (id) => this.#rows.delete([id]) > 0);
  }

  /** Deletes what was received before `before` (milliseconds since the epoch); gives how many. */
  purge(before: number): number {
    let count = 0;
    for (;;) {
      const old = this.#rows.list({ before, limit: PURGE_STEP });
      const deleted = this.#rows.delete(old.map(({ record }) => record.id));
      count += deleted;
      // Stops as well when nothing can be deleted, so that it cannot go round for ever.
      if (old.length < PURGE_STEP || deleted === 0) return count;
    }
  }

  /** How many messages there are, and their bytes. */
  counts(place?: KeptPlace): { readonly messages: number; readonly bytes: number } {
    return this.#rows.counts(place);
  }
}

function eachId(ids: readonly string[], work: (id: string) => boolean): QuarantineResult {
  const done: string[] = [];
  const missing: string[] = [];
  for (const id of new Set(ids)) (work(id) ? done : missing).push(id);
  return { done, missing };
}

function toItem({ record }: QuarantinedMessage): QuarantineItem {
  const { id, receivedAt, envelope, subject, size, status, findings } = record;
  const recipients = envelope.recipients.map(({ address }) => address);
  return { id, receivedAt, sender: envelope.sender, recipients, subject, size, status, findings };
}
