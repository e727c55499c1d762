// The queue as rows: what is due, what became of it, and the verbs an administrator has. Used by
// the server and, on an attached store, by commands in another process.
import type { Database } from "bun:sqlite";
import { join } from "node:path";
import type { Body, MessageRecord, Recipient } from "../message.ts";
import { RECIPIENTS_MAX } from "./database.ts";
import { LIST, type ListValues, listValues, type QueueFilter } from "./rows/queue-filter.ts";
import { segmentPath } from "./spool/segment.ts";

const LISTED_RECIPIENTS_MAX = 20;

/** One recipient of one queued message. */
export interface QueueEntry extends Recipient {
  /** Identifies the entry; never used again for another one. */
  readonly number: number;
  readonly state: "queued" | "held";
  /** Attempts so far. */
  readonly attempts: number;
  /** Milliseconds since the epoch. */
  readonly queuedAt: number;
  readonly nextAttemptAt: number;
  /** Whether the sender has been told of the delay. */
  readonly isWarned: boolean;
  /** Outcome of the last attempt, "" before the first. */
  readonly lastReply: string;
  readonly lastHost: string;
  /** The next hop that an administrator chose, "" if none. */
  readonly route: string;
}

/** A queued message with some of its recipients. */
export interface QueuedMessage {
  readonly sequence: number;
  readonly record: MessageRecord;
  readonly body: Body;
  readonly recipients: readonly QueueEntry[];
}

/** What is due, as far as it was looked at. */
export interface DueWork {
  readonly messages: readonly QueuedMessage[];
  /** Rows looked at. */
  readonly rows: number;
}

/** A queued message as commands list it. */
export interface QueueItem {
  readonly id: string;
  readonly receivedAt: number;
  readonly sender: string;
  readonly subject: string;
  readonly size: number;
  readonly recipientCount: number;
  /** How many recipients are in which state; those that have been tried are deferred. */
  readonly states: Readonly<Record<"queued" | "deferred" | "held", number>>;
  /** The first ones only; `show` gives all. */
  readonly recipients: readonly QueueEntry[];
}

/** Whom a verb is about: these messages, of each only the recipients that contain a text. */
export interface QueueSelection {
  readonly ids: readonly string[] | "all";
  /** Matches anywhere, without regard to case. */
  readonly recipient?: string;
}

/** Totals of the queue. */
export interface QueueCounts {
  readonly messages: number;
  readonly bytes: number;
  readonly recipients: number;
  readonly held: number;
  /** Recipients that have been tried at least once. */
  readonly deferred: number;
}

/** What the rows need of their store. */
export interface RowContext {
  readonly db: Database;
  readonly dataDir: string;
  readonly now: () => number;
  /** Writes rows that are on their way, before rows are looked at. */
  readonly catchUp: () => void;
  /**
   * Runs a verb's changes in one transaction. `work` calls `dropFile` for the own file of each
   * message it deletes; the files are unlinked once that is durable.
   */
  readonly change: <T>(work: (dropFile: (file: string | null) => void) => T) => T;
  /** The same for changes that are nothing to the queue. */
  readonly changeKept: <T>(work: (dropFile: (file: string | null) => void) => T) => T;
}

/** Where a body is, as columns. */
export interface BodyRow {
  readonly segment: number | null;
  readonly start: number;
  readonly size: number;
  readonly file: string | null;
}

interface MessageRow extends BodyRow {
  readonly sequence: number;
  readonly id: string;
  readonly record: string;
}

interface RecipientRow {
  readonly number: number;
  readonly address: string;
  readonly wishes: string | null;
  readonly state: number;
  readonly attempts: number;
  readonly queued_at: number;
  readonly next_at: number;
  readonly warned: number;
  readonly last_reply: string;
  readonly last_host: string;
  readonly route: string;
}

// All recipients of one message, given its sequence number twice.
const OF_SEQUENCE = `number BETWEEN ? * ${RECIPIENTS_MAX}
  AND ? * ${RECIPIENTS_MAX} + ${RECIPIENTS_MAX - 1}`;

// Those whose address contains a text, all if that is NULL.
const CONTAINS = "AND instr(lower(address), lower(coalesce(?, ''))) > 0";

const COUNTS = `SELECT
  (SELECT count(*) FROM messages WHERE place = 0) AS messages,
  (SELECT coalesce(sum(size), 0) FROM messages WHERE place = 0) AS bytes,
  count(*) AS recipients,
  coalesce(sum(state = 1), 0) AS held,
  coalesce(sum(attempts > 0), 0) AS deferred
  FROM recipients`;

function toEntry(row: RecipientRow): QueueEntry {
  const wishes = row.wishes === null ? {} : (JSON.parse(row.wishes) as Omit<Recipient, "address">);
  return {
    number: row.number,
    address: row.address,
    ...wishes,
    state: row.state === 0 ? "queued" : "held",
    attempts: row.attempts,
    queuedAt: row.queued_at,
    nextAttemptAt: row.next_at,
    isWarned: row.warned !== 0,
    lastReply: row.last_reply,
    lastHost: row.last_host,
    route: row.route,
  };
}

/** The entries of a message that has just been queued, as its rows have them. */
export function newEntries(
  sequence: number,
  recipients: readonly Recipient[],
  queuedAt: number,
): QueueEntry[] {
  return recipients.map((recipient, position) => ({
    ...recipient,
    number: sequence * RECIPIENTS_MAX + position,
    state: "queued",
    attempts: 0,
    queuedAt,
    nextAttemptAt: queuedAt,
    isWarned: false,
    lastReply: "",
    lastHost: "",
    route: "",
  }));
}

/** Body of a message's row. */
export function bodyOf(row: BodyRow, dataDir: string): Body {
  const path =
    row.segment === null ? join(dataDir, row.file ?? "") : segmentPath(dataDir, row.segment);
  return { kind: "file", path, offset: row.start, size: row.size };
}

/** Rows of messages on their way out. */
export class QueueRows {
  readonly #context: RowContext;

  constructor(context: RowContext) {
    this.#context = context;
  }

  /**
   * Messages with recipients that are due, longest due first, without those that are known to be
   * at work. `limit` rows of recipients are looked at; `rows` says how many there were.
   */
  due(now: number, limit: number, isKnown: (number: number) => boolean): DueWork {
    const { db, dataDir } = this.#context;
    const rows = db
      .query<RecipientRow, [number, number]>(
        "SELECT * FROM recipients WHERE state = 0 AND next_at <= ? ORDER BY next_at LIMIT ?",
      )
      .all(now, limit);
    const entries = new Map<number, QueueEntry[]>();
    for (const row of rows) {
      if (isKnown(row.number)) continue;
      const sequence = Math.floor(row.number / RECIPIENTS_MAX);
      const list = entries.get(sequence);
      if (list) list.push(toEntry(row));
      else entries.set(sequence, [toEntry(row)]);
    }
    const find = db.query<MessageRow, [number]>("SELECT * FROM messages WHERE sequence = ?");
    const due: QueuedMessage[] = [];
    for (const [sequence, recipients] of entries) {
      const row = find.get(sequence);
      if (row === null) continue; // A command deleted it between the two queries.
      const record = JSON.parse(row.record) as MessageRecord;
      due.push({ sequence, record, body: bodyOf(row, dataDir), recipients });
    }
    return { messages: due, rows: rows.length };
  }

  /** When the next recipient comes due that is not due at `now`; Infinity if none does. */
  nextDueAfter(now: number): number {
    const row = this.#context.db
      .query<{ at: number | null }, [number]>(
        "SELECT min(next_at) AS at FROM recipients WHERE state = 0 AND next_at > ?",
      )
      .get(now);
    return row?.at ?? Number.POSITIVE_INFINITY;
  }

  /** Messages that match, oldest first. */
  list(filter: QueueFilter = {}): QueueItem[] {
    this.#context.catchUp();
    return this.#context.db
      .query<MessageRow, ListValues>(LIST)
      .all(...listValues(filter))
      .map((row) => this.#item(row, LISTED_RECIPIENTS_MAX));
  }

  /** One message with all recipients and its record, or undefined. */
  show(id: string): (QueueItem & { readonly record: MessageRecord }) | undefined {
    this.#context.catchUp();
    const row = this.#find(id);
    if (row === null) return undefined;
    return { ...this.#item(row, RECIPIENTS_MAX), record: JSON.parse(row.record) as MessageRecord };
  }

  counts(): QueueCounts {
    this.#context.catchUp();
    const row = this.#context.db.query<QueueCounts, []>(COUNTS).get();
    return row ?? { messages: 0, bytes: 0, recipients: 0, held: 0, deferred: 0 };
  }

  /** Makes recipients due now; held ones stay held. Gives how many there were, as do all verbs. */
  retry(selection: QueueSelection): number {
    return this.#update(selection, "next_at = ? WHERE state = 0", [this.#context.now()]);
  }

  /** Keeps recipients from being tried until they are released. An attempt under way goes on. */
  hold(selection: QueueSelection): number {
    return this.#update(selection, "state = 1 WHERE state = 0", []);
  }

  /** Ends a hold; the recipients are due at once. */
  release(selection: QueueSelection): number {
    return this.#update(selection, "state = 0, next_at = ? WHERE state = 1", [this.#context.now()]);
  }

  /** Sends recipients another way from now on, at once; "" is the way of the routes again. */
  reroute(selection: QueueSelection, route: string): number {
    const values = [route, this.#context.now()];
    return this.#update(selection, "route = ?, next_at = ? WHERE 1", values);
  }

  /** Deletes recipients without a report to anyone, and messages with their last one. */
  delete({ ids, recipient }: QueueSelection): number {
    return this.#context.change((dropFile) => {
      const { db } = this.#context;
      const recipients = db.query(`DELETE FROM recipients WHERE ${OF_SEQUENCE} ${CONTAINS}`);
      const message = db.query<BodyRow, [number]>(
        `DELETE FROM messages WHERE sequence = ?1 AND NOT EXISTS (SELECT 1 FROM recipients
           WHERE number BETWEEN ?1 * ${RECIPIENTS_MAX}
                            AND ?1 * ${RECIPIENTS_MAX} + ${RECIPIENTS_MAX - 1})
         RETURNING segment, start, size, file`,
      );
      let count = 0;
      for (const sequence of this.#sequences(ids)) {
        count += recipients.run(sequence, sequence, recipient ?? null).changes;
        dropFile(message.get(sequence)?.file ?? null);
      }
      return count;
    });
  }

  #update(
    { ids, recipient = null }: { ids: readonly string[] | "all"; recipient?: string | null },
    change: string,
    values: readonly (string | number)[],
  ): number {
    return this.#context.change(() => {
      const { db } = this.#context;
      if (ids === "all") {
        return db.query(`UPDATE recipients SET ${change} ${CONTAINS}`).run(...values, recipient)
          .changes;
      }
      const update = db.query(`UPDATE recipients SET ${change} AND ${OF_SEQUENCE} ${CONTAINS}`);
      let count = 0;
      for (const sequence of this.#sequences(ids)) {
        count += update.run(...values, sequence, sequence, recipient).changes;
      }
      return count;
    });
  }

  #sequences(ids: readonly string[] | "all"): number[] {
    if (ids === "all") {
      return this.#context.db
        .query<{ sequence: number }, []>("SELECT sequence FROM messages WHERE place = 0")
        .all()
        .map(({ sequence }) => sequence);
    }
    const found = new Set<number>();
    for (const id of ids) {
      const row = this.#find(id);
      if (row !== null) found.add(row.sequence);
    }
    return [...found];
  }

  #find(id: string): MessageRow | null {
    return this.#context.db
      .query<MessageRow, [string]>("SELECT * FROM messages WHERE id = ? AND place = 0")
      .get(id);
  }

  #item(row: MessageRow, recipientMax: number): QueueItem {
    const record = JSON.parse(row.record) as MessageRecord;
    const { db } = this.#context;
    const recipients = db
      .query<RecipientRow, [number, number, number]>(
        `SELECT * FROM recipients WHERE ${OF_SEQUENCE} ORDER BY number LIMIT ?`,
      )
      .all(row.sequence, row.sequence, recipientMax);
    const states = db
      .query<Record<"queued" | "deferred" | "held", number>, [number, number]>(
        `SELECT coalesce(sum(state = 0 AND attempts = 0), 0) AS queued,
                coalesce(sum(state = 0 AND attempts > 0), 0) AS deferred,
                coalesce(sum(state = 1), 0) AS held FROM recipients WHERE ${OF_SEQUENCE}`,
      )
      .get(row.sequence, row.sequence) ?? { queued: 0, deferred: 0, held: 0 };
    return {
      id: row.id,
      receivedAt: record.receivedAt,
      sender: record.envelope.sender,
      subject: record.subject,
      size: row.size,
      recipientCount: states.queued + states.deferred + states.held,
      states,
      recipients: recipients.map(toEntry),
    };
  }
}
