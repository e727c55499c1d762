// Writes rows behind the mail: changes queue up in order and go into one transaction every few
// milliseconds, since it is the transaction that costs, not the row (at 1,300 msg/s: 0.2 ms of main
// thread per message with a transaction per commit, under 0.1 ms so). While the database refuses (disk full, a command's transaction) they are kept and
// tried again, so that no outcome is lost while the process lives.
import type { Database, SQLQueryBindings, Statement } from "bun:sqlite";
import { describeError, type Log } from "../base/log.ts";
import type { MessageRecord, Recipient } from "../message.ts";
import { errorCode, RECIPIENTS_MAX } from "./database.ts";
import type { NewDecision, NewOutcome } from "./rows/decision-rows.ts";
import { PLACES, type Place } from "./spool/record.ts";
import type { Location } from "./spool/segment.ts";

/** Changes kept in memory at most before the store takes no more mail and hands out no more work. */
export const PENDING_MAX = 20_000;
/** How long changes gather. Nothing waits for them: mail is durable in its segment by then. */
const GATHER_MS = 10;
/** Changes of one transaction at most. */
const TRANSACTION_MAX = 2_000;
const RETRY_MS = 20;
const RETRY_MAX_MS = 1_000;
// Refusals that pass: anything else is an error in the change itself.
const FULL = /^SQLITE_(FULL|IOERR)/;
const TEMPORARY = /^SQLITE_(BUSY|LOCKED|FULL|IOERR|READONLY|CANTOPEN|NOMEM|PROTOCOL)/;

/** A message as its row is written. */
export interface NewMessage {
  readonly sequence: number;
  readonly place: Place;
  readonly record: MessageRecord;
  /** `record` as JSON. */
  readonly json: string;
  readonly location: Location;
  readonly size: number;
  /** When it comes due, milliseconds since the epoch. */
  readonly queuedAt: number;
}

/** One change of rows. */
export type RowChange =
  | { readonly kind: "insert"; readonly message: NewMessage }
  /** No message has this number or a lower one that is not inserted by now. */
  | { readonly kind: "skip"; readonly sequence: number }
  /** A recipient is done; the message's row goes with its last one. */
  | { readonly kind: "remove"; readonly number: number }
  | {
      readonly kind: "defer";
      readonly number: number;
      readonly nextAt: number;
      readonly reply: string;
      readonly host: string;
      readonly isWarned: boolean;
    }
  /** Put off without having been tried. */
  | { readonly kind: "postpone"; readonly number: number; readonly nextAt: number }
  | { readonly kind: "decision"; readonly decision: NewDecision }
  | { readonly kind: "outcome"; readonly outcome: NewOutcome }
  /** What became of a message that was released from the vault. */
  | { readonly kind: "released"; readonly outcome: NewOutcome }
  /** An exemption has let a message through. */
  | { readonly kind: "exempted"; readonly number: number; readonly at: number };

interface Batch {
  readonly changes: readonly RowChange[];
  readonly done: (() => void) | undefined;
}

type Run = Statement<unknown, SQLQueryBindings[]>;

/** The statements that insert a message, shared with recovery. */
export class RowInserter {
  readonly #message: Run;
  readonly #recipient: Run;
  readonly #highest: Run;

  constructor(db: Database) {
    this.#message = db.prepare("INSERT INTO messages VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0)");
    this.#recipient = db.prepare(
      "INSERT INTO recipients VALUES (?, ?, ?, 0, 0, ?, ?, 0, '', '', '')",
    );
    this.#highest = db.prepare(
      "UPDATE meta SET value = max(value, ?) WHERE key = 'highest_sequence'",
    );
  }

  /** Inserts rows; must run inside a transaction, and in order of sequence. */
  insert(message: NewMessage): void {
    const { sequence, record, location, queuedAt } = message;
    const isInSegment = "segment" in location;
    this.#message.run(
      sequence,
      record.id,
      PLACES.indexOf(message.place),
      message.json,
      isInSegment ? location.segment : null,
      isInSegment ? location.start : 0,
      message.size,
      isInSegment ? null : location.file,
    );
    if (message.place === "queue") {
      this.insertRecipients(sequence, record.envelope.recipients, queuedAt);
    }
  }

  /** Inserts a message's recipients, due at once. */
  insertRecipients(sequence: number, recipients: readonly Recipient[], queuedAt: number): void {
    let number = sequence * RECIPIENTS_MAX;
    for (const { address, notify, orcpt } of recipients) {
      const wishes = notify || orcpt ? JSON.stringify({ notify, orcpt }) : null;
      this.#recipient.run(number++, address, wishes, queuedAt, queuedAt);
    }
  }

  /** Notes that all sequence numbers up to `sequence` have been dealt with. */
  raiseHighest(sequence: number): void {
    this.#highest.run(sequence);
  }
}

/** The statements that note decisions and what became of them. */
class TrailInserter {
  readonly #decision: Statement<{ number: number }, [number, string]>;
  readonly #word: Run;
  readonly #outcome: Run;
  readonly #released: Run;
  readonly #exempted: Run;

  constructor(db: Database) {
    this.#decision = db.prepare(
      "INSERT INTO decisions (at, decision) VALUES (?, ?) RETURNING number",
    );
    this.#word = db.prepare("INSERT OR IGNORE INTO decision_words VALUES (?, ?)");
    this.#outcome = db.prepare("INSERT INTO outcomes VALUES (?, ?, ?, ?, ?, ?)");
    this.#released = db.prepare(
      "INSERT OR REPLACE INTO release_outcomes VALUES (?, ?, ?, ?, ?, ?)",
    );
    this.#exempted = db.prepare(
      "UPDATE exemptions SET uses = uses + 1, used_at = ? WHERE number = ?",
    );
  }

  decision({ at, decision, words }: NewDecision): void {
    const number = this.#decision.get(at, decision)?.number ?? 0;
    for (const word of words) this.#word.run(word, number);
  }

  outcome({ id, recipient, at, kind, reply, host }: NewOutcome): void {
    this.#outcome.run(id, recipient, at, kind, reply, host);
  }

  released({ id, recipient, at, kind, reply, host }: NewOutcome): void {
    this.#released.run(id, recipient, at, kind, reply, host);
  }

  exempted(number: number, at: number): void {
    this.#exempted.run(at, number);
  }
}

/** What a writer tells its store. */
export interface RowWriterOptions {
  readonly db: Database;
  readonly log: Log;
  /** Own files of messages whose rows are gone; to be unlinked once that is durable. */
  readonly onFilesDone: (files: readonly string[]) => void;
  /** The database has no room: something must give way before the next try. */
  readonly onFull: () => void;
}

/** The order of row changes. */
export class RowWriter {
  readonly #options: RowWriterOptions;
  readonly #inserter: RowInserter;
  readonly #trail: TrailInserter;
  readonly #begin: Run;
  readonly #commit: Run;
  readonly #remove: Run;
  readonly #removeMessage: Statement<{ file: string | null }, [number]>;
  readonly #defer: Run;
  readonly #postpone: Run;
  #batches: Batch[] = [];
  #pending = 0;
  #gathering: ReturnType<typeof setTimeout> | undefined;
  #retryMs = RETRY_MS;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: RowWriterOptions) {
    const { db } = options;
    this.#options = options;
    this.#inserter = new RowInserter(db);
    this.#trail = new TrailInserter(db);
    this.#begin = db.prepare("BEGIN IMMEDIATE");
    this.#commit = db.prepare("COMMIT");
    this.#remove = db.prepare("DELETE FROM recipients WHERE number = ?");
    this.#removeMessage = db.prepare(
      `DELETE FROM messages WHERE sequence = ?1 AND place = 0 AND NOT EXISTS (
         SELECT 1 FROM recipients WHERE number BETWEEN ?1 * ${RECIPIENTS_MAX}
                                            AND ?1 * ${RECIPIENTS_MAX} + ${RECIPIENTS_MAX - 1})
       RETURNING file`,
    );
    this.#defer = db.prepare(
      `UPDATE recipients SET attempts = attempts + 1, next_at = ?, last_reply = ?, last_host = ?,
         warned = max(warned, ?) WHERE number = ?`,
    );
    this.#postpone = db.prepare("UPDATE recipients SET next_at = ? WHERE number = ?");
  }

  /** Changes that the database does not have yet. */
  get pending(): number {
    return this.#pending;
  }

  /** Whether the database has refused for so long that nothing more may be begun. */
  get isStalled(): boolean {
    return this.#pending >= PENDING_MAX;
  }

  /** Takes changes, to be written soon; `done` is called once they are. */
  submit(changes: readonly RowChange[], done?: () => void): void {
    this.#batches.push({ changes, done });
    this.#pending += changes.length;
    this.#gathering ??= setTimeout(() => this.flushUnlessRefused(), GATHER_MS);
  }

  /** Writes what is pending, unless the database has refused just now and a retry is set. */
  flushUnlessRefused(): void {
    if (this.#timer === undefined) this.flush();
  }

  /** Writes what is pending now; false if the database refuses. */
  flush(): boolean {
    clearTimeout(this.#gathering);
    this.#gathering = undefined;
    while (this.#batches.length > 0) {
      const batches = this.#firstBatches();
      try {
        this.#write(batches);
      } catch (error) {
        if (TEMPORARY.test(errorCode(error))) {
          this.#retryLater(error);
          return false;
        }
        this.#writeSingly(batches, error);
      }
      this.#finish(batches);
    }
    return true;
  }

  /** Tries the last time; what cannot be written is found again in the segments or done twice. */
  close(): void {
    clearTimeout(this.#timer);
    if (!this.flush()) this.#options.log.error("rows-lost-at-close", { changes: this.#pending });
    clearTimeout(this.#timer);
  }

  #firstBatches(): readonly Batch[] {
    let changes = 0;
    let count = 0;
    for (const batch of this.#batches) {
      changes += batch.changes.length;
      if (count > 0 && changes > TRANSACTION_MAX) break;
      count++;
    }
    return this.#batches.slice(0, count);
  }

  #finish(batches: readonly Batch[]): void {
    this.#batches = this.#batches.slice(batches.length);
    for (const { changes } of batches) this.#pending -= changes.length;
    this.#retryMs = RETRY_MS;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    for (const { done } of batches) done?.();
  }

  #retryLater(error: unknown): void {
    const { log, onFull } = this.#options;
    if (FULL.test(errorCode(error))) onFull();
    // A command that holds the lock for some milliseconds is ordinary; longer is worth a line.
    if (this.#retryMs >= RETRY_MAX_MS) {
      log.error("rows-delayed", { changes: this.#pending, cause: describeError(error) });
    }
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.flush();
    }, this.#retryMs);
    this.#timer.unref?.();
    this.#retryMs = Math.min(this.#retryMs * 2, RETRY_MAX_MS);
  }

  #write(batches: readonly Batch[]): void {
    const touched = new Set<number>();
    const files: string[] = [];
    let highest = 0;
    this.#begin.run();
    try {
      for (const { changes } of batches) {
        for (const change of changes) highest = Math.max(highest, this.#apply(change, touched));
      }
      if (highest > 0) this.#inserter.raiseHighest(highest);
      for (const sequence of touched) {
        for (const { file } of this.#removeMessage.all(sequence)) {
          if (file !== null) files.push(file);
        }
      }
      this.#commit.run();
    } catch (error) {
      this.#rollBack();
      throw error;
    }
    if (files.length > 0) this.#options.onFilesDone(files);
  }

  // Gives the sequence number that is dealt with by the change, or 0.
  #apply(change: RowChange, touched: Set<number>): number {
    switch (change.kind) {
      case "insert":
        this.#inserter.insert(change.message);
        return change.message.sequence;
      case "skip":
        return change.sequence;
      case "remove":
        this.#remove.run(change.number);
        touched.add(Math.floor(change.number / RECIPIENTS_MAX));
        return 0;
      case "defer": {
        const { nextAt, reply, host, isWarned, number } = change;
        this.#defer.run(nextAt, reply, host, isWarned ? 1 : 0, number);
        return 0;
      }
      case "postpone":
        this.#postpone.run(change.nextAt, change.number);
        return 0;
      case "decision":
        this.#trail.decision(change.decision);
        return 0;
      case "outcome":
        this.#trail.outcome(change.outcome);
        return 0;
      case "released":
        this.#trail.released(change.outcome);
        return 0;
      case "exempted":
        this.#trail.exempted(change.number, change.at);
        return 0;
      default:
        return change satisfies never;
    }
  }

  // One bad change must not hold up all others for ever: it alone is given up, loudly.
  #writeSingly(batches: readonly Batch[], first: unknown): void {
    const { log } = this.#options;
    log.error("rows-refused", { cause: describeError(first) });
    for (const { changes } of batches) {
      for (const change of changes) {
        try {
          this.#write([{ changes: [change], done: undefined }]);
        } catch (error) {
          const id = change.kind === "insert" ? change.message.record.id : undefined;
          log.error("row-given-up", { id, kind: change.kind, cause: describeError(error) });
        }
      }
    }
  }

  #rollBack(): void {
    try {
      this.#options.db.run("ROLLBACK");
    } catch {
      // SQLite has rolled back by itself, as it does when the disk is full.
    }
  }
}
