// Decisions as rows: for each message what was seen and done, for each refused command why, and for
// each recipient what became of the attempts. Written behind the mail, found by words, and thrown
// away after a time.
import type { Database } from "bun:sqlite";
import type { RowContext } from "../queue-rows.ts";

/** Decisions that one question is answered with at most. */
export const ANSWERS_MAX = 1000;
/** Rows that one round of house-keeping throws away at most. */
const PURGE_MAX = 5_000;

/** A decision on its way into the rows. Its text is the business of whoever wrote it. */
export interface NewDecision {
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** JSON. */
  readonly decision: string;
  /** What it can be found by, in lower case. */
  readonly words: readonly string[];
}

/** A decision that was found. */
export interface FoundDecision {
  readonly number: number;
  readonly at: number;
  readonly decision: string;
}

/** What became of one attempt for one recipient. */
export interface NewOutcome {
  /** Queue id of the message. */
  readonly id: string;
  readonly recipient: string;
  readonly at: number;
  readonly kind: "delivered" | "deferred" | "failed";
  readonly reply: string;
  readonly host: string;
}

/** Rows of decisions and of what became of them. */
export class DecisionRows {
  readonly #context: RowContext;

  constructor(context: RowContext) {
    this.#context = context;
  }

  /** Decisions that have one of `words`, newest first. */
  find(words: readonly string[], limit: number): FoundDecision[] {
    this.#context.catchUp();
    const marks = words.map(() => "?").join(", ");
    return this.#context.db
      .query<FoundDecision, (string | number)[]>(
        `SELECT * FROM decisions WHERE number IN
           (SELECT number FROM decision_words WHERE word IN (${marks}))
         ORDER BY number DESC LIMIT ?`,
      )
      .all(...words, Math.min(limit, ANSWERS_MAX));
  }

  /** What became of a queued message so far, in order. */
  outcomes(id: string): NewOutcome[] {
    this.#context.catchUp();
    return this.#context.db
      .query<NewOutcome, [string, number]>(
        "SELECT * FROM outcomes WHERE id = ? ORDER BY at LIMIT ?",
      )
      .all(id, ANSWERS_MAX);
  }
}

/** Throws away what is older than `before`, a part of it in each call; gives how much it was. */
export function purgeDecisions(db: Database, before: number): number {
  const last = db
    .query<{ number: number | null }, [number, number]>(
      `SELECT max(number) AS number FROM
         (SELECT number FROM decisions WHERE at < ? ORDER BY number LIMIT ?)`,
    )
    .get(before, PURGE_MAX);
  const old = db.query("SELECT 1 FROM outcomes WHERE at < ? LIMIT 1").get(before);
  const number = last?.number ?? 0;
  if (number === 0 && old === null) return 0;
  const purge = db.transaction(() => {
    db.query("DELETE FROM decision_words WHERE number <= ?").run(number);
    const decisions = db.query("DELETE FROM decisions WHERE number <= ?").run(number).changes;
    const outcomes = db
      .query(
        "DELETE FROM outcomes WHERE rowid IN (SELECT rowid FROM outcomes WHERE at < ? LIMIT ?)",
      )
      .run(before, PURGE_MAX).changes;
    return decisions + outcomes;
  });
  return purge.immediate();
}
