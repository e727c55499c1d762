// Messages that are kept, as rows: in quarantine, as a backup, in the archive. Their bodies lie in
// files of their own, so that deleting one leaves no bytes behind.
import { join } from "node:path";
import type { MessageRecord } from "../../message.ts";
import { errorCode } from "../database.ts";
import type { BodyRow, RowContext } from "../queue-rows.ts";
import { type PackedFile, readPacked } from "../spool/packing.ts";
import { PLACES, type Place } from "../spool/record.ts";
import { LIST_MAX } from "./queue-filter.ts";

/** Where a message can be that is kept. */
export type KeptPlace = Exclude<Place, "queue">;

/** All of them. */
export const KEPT_PLACES = PLACES.filter((place) => place !== "queue") as KeptPlace[];

/** Which messages a listing wants. Texts match anywhere, or as a whole if they have `*` or `?`. */
export interface VaultFilter {
  readonly sender?: string;
  readonly recipient?: string;
  readonly subject?: string;
  readonly messageId?: string;
  /** Name of a signature that matched. */
  readonly signature?: string;
  /** Worst status of the message. */
  readonly status?: string;
  /** SHA-256, hexadecimal, of the message or of an object in it. */
  readonly hash?: string;
  /** Received at this time or later, milliseconds since the epoch. */
  readonly since?: number;
  /** Received before this time. */
  readonly before?: number;
  /** Default: all. */
  readonly places?: readonly KeptPlace[];
  /** Of the archive only copies made on this side of gw. */
  readonly direction?: "incoming" | "outgoing";
  readonly limit?: number;
}

/** A message that is kept. */
export interface KeptMessage {
  readonly place: KeptPlace;
  readonly record: MessageRecord;
  /** Bytes on disk. */
  readonly stored: number;
}

/** A kept message that is not packed yet. */
export interface UnpackedMessage extends KeptMessage {
  readonly sequence: number;
  /** Path of its file, relative to the data folder. */
  readonly file: string;
}

/** What a store of kept mail holds. */
export interface KeptCounts {
  readonly messages: number;
  /** Bytes on disk. */
  readonly bytes: number;
}

interface Row extends BodyRow {
  readonly sequence: number;
  readonly place: number;
  readonly record: string;
  readonly stored: number;
}

// GLOB knows `*` and `?` as people do, and brackets, which addresses and subjects have as they are.
function globOf(text: string | undefined): string | null {
  if (text === undefined) return null;
  const escaped = text.replaceAll("[", "[[]");
  return /[*?]/.test(text) ? escaped : `*${escaped}*`;
}

const field = (path: string) => `coalesce(json_extract(record, '${path}'), '')`;

function matches(path: string, parameter: string): string {
  return `(${parameter} IS NULL OR lower(${field(path)}) GLOB lower(${parameter}))`;
}

function anyMatches(path: string, value: string, parameter: string): string {
  return `(${parameter} IS NULL OR EXISTS (SELECT 1 FROM json_each(record, '${path}')
    WHERE lower(${value}) GLOB lower(${parameter})))`;
}

const LIST = `SELECT * FROM messages WHERE place > 0
  AND (?1 IS NULL OR place IN (SELECT value FROM json_each(?1)))
  AND ${matches("$.envelope.sender", "?2")}
  AND ${anyMatches("$.envelope.recipients", "json_extract(value, '$.address')", "?3")}
  AND ${matches("$.subject", "?4")}
  AND ${matches("$.messageId", "?5")}
  AND ${anyMatches("$.findings", "value", "?6")}
  AND (?7 IS NULL OR ${field("$.status")} = ?7)
  AND (?8 IS NULL OR EXISTS (SELECT 1 FROM object_hashes o
       WHERE o.hash = unhex(?8) AND o.sequence = messages.sequence))
  AND (?9 IS NULL OR json_extract(record, '$.receivedAt') >= ?9)
  AND (?10 IS NULL OR json_extract(record, '$.receivedAt') < ?10)
  AND (?11 IS NULL OR ${field("$.direction")} IN (?11, 'both'))
  ORDER BY sequence DESC LIMIT ?12`;

// A command may look at a message while it is packed: its file is then under another name.
const READ_TRIES = 3;

/** Rows of messages that are kept. */
export class VaultRows {
  readonly #context: RowContext;

  constructor(context: RowContext) {
    this.#context = context;
  }

  /** Messages that match, newest first. */
  list(filter: VaultFilter = {}): KeptMessage[] {
    this.#context.catchUp();
    const { places, since, before, limit, status, hash, direction } = filter;
    return this.#context.db
      .query<Row, (string | number | null)[]>(LIST)
      .all(
        places === undefined ? null : JSON.stringify(places.map((place) => PLACES.indexOf(place))),
        globOf(filter.sender),
        globOf(filter.recipient),
        globOf(filter.subject),
        globOf(filter.messageId),
        globOf(filter.signature),
        status ?? null,
        hash ?? null,
        since ?? null,
        before ?? null,
        direction ?? null,
        Math.min(limit ?? LIST_MAX, LIST_MAX),
      )
      .map(toMessage);
  }

  /** One message, or undefined. */
  show(id: string): KeptMessage | undefined {
    this.#context.catchUp();
    const row = this.#find(id);
    return row === null ? undefined : toMessage(row);
  }

  /** The bytes of one message as it came; undefined if it is not there. */
  async read(id: string): Promise<Uint8Array | undefined> {
    for (let tries = 1; ; tries++) {
      const row = this.#find(id);
      if (row === null) return undefined;
      try {
        return await readPacked(this.#fileOf(row));
      } catch (error) {
        if (errorCode(error) !== "ENOENT" || tries === READ_TRIES) throw error;
      }
    }
  }

  #fileOf({ file, size, stored }: Row): PackedFile {
    return { path: join(this.#context.dataDir, file ?? ""), size, isPacked: stored > 0 };
  }

  /** How much one store holds. */
  counts(place: KeptPlace = "quarantine"): KeptCounts {
    this.#context.catchUp();
    const row = this.#context.db
      .query<KeptCounts, [number]>(
        `SELECT count(*) AS messages,
           coalesce(sum(CASE stored WHEN 0 THEN size ELSE stored END), 0) AS bytes
         FROM messages WHERE place = ? AND place > 0`,
      )
      .get(PLACES.indexOf(place));
    return row ?? { messages: 0, bytes: 0 };
  }

  /** The first messages that came into a store. */
  oldest(place: KeptPlace, limit: number): KeptMessage[] {
    return this.#context.db
      .query<Row, [number, number]>(
        "SELECT * FROM messages WHERE place = ? AND place > 0 ORDER BY sequence LIMIT ?",
      )
      .all(PLACES.indexOf(place), limit)
      .map(toMessage);
  }

  /** Messages that are not packed, longest kept first. */
  unpacked(limit: number): UnpackedMessage[] {
    return this.#context.db
      .query<Row, [number]>(
        "SELECT * FROM messages WHERE place > 0 AND stored = 0 ORDER BY sequence LIMIT ?",
      )
      .all(limit)
      .map((row) => ({ ...toMessage(row), sequence: row.sequence, file: row.file ?? "" }));
  }

  /**
   * Notes that a message lies packed in `file` with `stored` bytes, and what can be looked for in
   * it. False if it is gone; the old file is dropped, or else the new one is the caller's to drop.
   */
  setPacked(
    message: UnpackedMessage,
    packed: { readonly file: string; readonly stored: number; readonly hashes: Iterable<string> },
  ): boolean {
    return this.#context.changeKept((dropFile) => {
      const { db } = this.#context;
      const { changes } = db
        .query("UPDATE messages SET file = ?, stored = ? WHERE sequence = ? AND file = ?")
        .run(packed.file, packed.stored, message.sequence, message.file);
      if (changes === 0) return false;
      const insert = db.query("INSERT OR IGNORE INTO object_hashes VALUES (unhex(?), ?)");
      for (const hash of packed.hashes) insert.run(hash, message.sequence);
      dropFile(message.file);
      return true;
    });
  }

  /** Deletes messages and their bytes; gives those that were there. */
  delete(ids: readonly string[]): string[] {
    return this.#context.changeKept((dropFile) => {
      const { db } = this.#context;
      const remove = db.query<{ sequence: number; file: string | null }, [string]>(
        "DELETE FROM messages WHERE id = ? AND place > 0 RETURNING sequence, file",
      );
      const forget = [
        "DELETE FROM object_hashes WHERE sequence = ?1",
        "INSERT OR IGNORE INTO blanks VALUES (?1)",
      ].map((sql) => db.query(sql));
      const deleted: string[] = [];
      for (const id of ids) {
        const row = remove.get(id);
        if (row === null) continue;
        for (const statement of forget) statement.run(row.sequence);
        dropFile(row.file);
        deleted.push(id);
      }
      return deleted;
    });
  }

  #find(id: string): Row | null {
    return this.#context.db
      .query<Row, [string]>("SELECT * FROM messages WHERE id = ? AND place > 0")
      .get(id);
  }
}

function toMessage(row: Row): KeptMessage {
  return {
    place: PLACES[row.place] as KeptPlace,
    record: JSON.parse(row.record) as MessageRecord,
    stored: row.stored > 0 ? row.stored : row.size,
  };
}
