// Messages that are kept, as rows: in quarantine, as a backup, in the archive. Their bodies lie in
// files of their own, so that deleting one leaves no bytes behind.
import type { Body, MessageRecord, Recipient } from "../message.ts";
import { RECIPIENTS_MAX } from "./database.ts";
import { type BodyRow, bodyOf, LIST_MAX, type RowContext } from "./queue-rows.ts";
import { RowInserter } from "./row-writer.ts";
import { PLACES, type Place } from "./spool/record.ts";

/** Which messages a listing wants; texts match anywhere, without regard to case. */
export interface QuarantineFilter {
  readonly sender?: string;
  readonly recipient?: string;
  readonly subject?: string;
  /** Name of a signature that matched, or a part of it. */
  readonly signature?: string;
  /** Received at this time or later, milliseconds since the epoch. */
  readonly since?: number;
  /** Received before this time. */
  readonly before?: number;
  /** Default: the quarantine. */
  readonly place?: KeptPlace;
  readonly limit?: number;
}

/** Where a message can be that is kept. */
export type KeptPlace = Exclude<Place, "queue">;

/** A message that is kept. */
export interface QuarantinedMessage {
  readonly place: KeptPlace;
  readonly record: MessageRecord;
  readonly body: Body;
}

interface Row extends BodyRow {
  readonly sequence: number;
  readonly place: number;
  readonly record: string;
}

function matches(path: string, parameter: string): string {
  return `(${parameter} IS NULL OR
    instr(lower(json_extract(record, '${path}')), lower(${parameter})) > 0)`;
}

function anyMatches(path: string, field: string, parameter: string): string {
  return `(${parameter} IS NULL OR EXISTS (SELECT 1 FROM json_each(record, '${path}')
    WHERE instr(lower(${field}), lower(${parameter})) > 0))`;
}

const LIST = `SELECT * FROM messages WHERE place = ?8
  AND ${matches("$.envelope.sender", "?1")}
  AND ${anyMatches("$.envelope.recipients", "json_extract(value, '$.address')", "?2")}
  AND ${matches("$.subject", "?3")}
  AND ${anyMatches("$.findings", "value", "?4")}
  AND (?5 IS NULL OR json_extract(record, '$.receivedAt') >= ?5)
  AND (?6 IS NULL OR json_extract(record, '$.receivedAt') < ?6)
  ORDER BY sequence DESC LIMIT ?7`;

type ListParameters = [
  ...texts: [string | null, string | null, string | null, string | null],
  since: number | null,
  before: number | null,
  limit: number,
  place: number,
];

/** Rows of messages that are kept. */
export class QuarantineRows {
  readonly #context: RowContext;

  constructor(context: RowContext) {
    this.#context = context;
  }

  /** Messages that match, newest first. */
  list(filter: QuarantineFilter = {}): QuarantinedMessage[] {
    this.#context.catchUp();
    return this.#context.db
      .query<Row, ListParameters>(LIST)
      .all(
        filter.sender ?? null,
        filter.recipient ?? null,
        filter.subject ?? null,
        filter.signature ?? null,
        filter.since ?? null,
        filter.before ?? null,
        Math.min(filter.limit ?? LIST_MAX, LIST_MAX),
        PLACES.indexOf(filter.place ?? "quarantine"),
      )
      .map((row) => this.#message(row));
  }

  /** One message, or undefined. */
  show(id: string): QuarantinedMessage | undefined {
    this.#context.catchUp();
    const row = this.#find(id);
    return row === null ? undefined : this.#message(row);
  }

  counts(place: KeptPlace = "quarantine"): { readonly messages: number; readonly bytes: number } {
    this.#context.catchUp();
    const row = this.#context.db
      .query<{ messages: number; bytes: number }, [number]>(
        `SELECT count(*) AS messages, coalesce(sum(size), 0) AS bytes
         FROM messages WHERE place = ?`,
      )
      .get(PLACES.indexOf(place));
    return row ?? { messages: 0, bytes: 0 };
  }

  /**
   * Moves a message to the queue, due at once, for its own recipients or for `recipients` instead.
   * False if there is none. The body stays where it is until it is delivered.
   */
  release(id: string, recipients?: readonly Recipient[]): boolean {
    return this.#context.change(() => {
      const row = this.#find(id);
      if (row === null) return false;
      const record = JSON.parse(row.record) as MessageRecord;
      const envelope = { ...record.envelope, recipients: recipients ?? record.envelope.recipients };
      const count = envelope.recipients.length;
      if (count === 0 || count > RECIPIENTS_MAX) {
        throw new RangeError(`a message has 1 to ${RECIPIENTS_MAX} recipients, not ${count}`);
      }
      const { db, now } = this.#context;
      db.query("UPDATE messages SET place = 0, record = ? WHERE sequence = ?").run(
        JSON.stringify({ ...record, envelope }),
        row.sequence,
      );
      new RowInserter(db).insertRecipients(row.sequence, envelope.recipients, now());
      return true;
    });
  }

  /** Deletes messages and their bytes; gives how many there were. */
  delete(ids: readonly string[]): number {
    return this.#context.change((dropFile) => {
      const remove = this.#context.db.query<{ file: string | null }, [string]>(
        "DELETE FROM messages WHERE id = ? AND place > 0 RETURNING file",
      );
      let count = 0;
      for (const id of ids) {
        const row = remove.get(id);
        if (row === null) continue;
        dropFile(row.file);
        count++;
      }
      return count;
    });
  }

  #find(id: string): Row | null {
    return this.#context.db
      .query<Row, [string]>("SELECT * FROM messages WHERE id = ? AND place > 0")
      .get(id);
  }

  #message(row: Row): QuarantinedMessage {
    return {
      place: PLACES[row.place] as KeptPlace,
      record: JSON.parse(row.record) as MessageRecord,
      body: bodyOf(row, this.#context.dataDir),
    };
  }
}
