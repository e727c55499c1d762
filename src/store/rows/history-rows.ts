// The history of statistics as rows: one text for each stretch of time, short ones added up to long
// ones. What stands in them is the business of whoever wrote them. Several rows may be about the same
// stretch (a restart in the middle of it): they add up.
import type { RowContext } from "../queue-rows.ts";

/** Lengths of stretches. */
export const SPANS = ["minute", "hour", "day"] as const;
export type Span = (typeof SPANS)[number];

/** Rows that one question is answered with at most. */
export const HISTORY_ROWS_MAX = 20_000;

/** One stretch. */
export interface HistoryRow {
  /** Its begin, milliseconds since the epoch. */
  readonly at: number;
  readonly summary: string;
}

/** A row that is to be added up. */
export interface OpenRow extends HistoryRow {
  readonly number: number;
}

/** Rows of statistics. */
export class HistoryRows {
  readonly #context: RowContext;

  constructor(context: RowContext) {
    this.#context = context;
  }

  /** Adds a stretch; those that it is the sum of are in no later sum. */
  add(span: Span, row: HistoryRow, parts: readonly OpenRow[] = []): void {
    this.#context.changeKept(() => {
      const { db } = this.#context;
      db.query("INSERT INTO history (span, at, closed, summary) VALUES (?, ?, 0, ?)").run(
        SPANS.indexOf(span),
        row.at,
        row.summary,
      );
      const close = db.query("UPDATE history SET closed = 1 WHERE number = ?");
      for (const { number } of parts) close.run(number);
    });
  }

  /** Stretches that begin before `until` and are in no sum yet, the oldest first. */
  open(span: Span, until: number, limit: number): OpenRow[] {
    return this.#context.db
      .query<OpenRow, [number, number, number]>(
        `SELECT number, at, summary FROM history
         WHERE closed = 0 AND span = ? AND at < ? ORDER BY at LIMIT ?`,
      )
      .all(SPANS.indexOf(span), until, limit);
  }

  /** All of `[from, to)`, each moment once: stretches of this length, and shorter ones not in them. */
  read(span: Span, from: number, to: number): HistoryRow[] {
    const length = SPANS.indexOf(span);
    return this.#context.db
      .query<HistoryRow, number[]>(
        `SELECT at, summary FROM history
         WHERE at >= ? AND at < ? AND (span = ? OR (span < ? AND closed = 0))
         ORDER BY at DESC LIMIT ?`,
      )
      .all(from, to, length, length, HISTORY_ROWS_MAX)
      .reverse();
  }

  /** Throws away what is in a sum and older, and the very old whether it is or not. */
  purge(span: Span, before: number): void {
    this.#context.changeKept(() => {
      this.#context.db
        .query("DELETE FROM history WHERE span = ? AND at < ? AND (closed = 1 OR span = ?)")
        .run(SPANS.indexOf(span), before, SPANS.indexOf("day"));
    });
  }

  /** When something was last done, 0 if never. */
  doneAt(what: string): number {
    const row = this.#context.db
      .query<{ value: number }, [string]>("SELECT value FROM meta WHERE key = ?")
      .get(`done ${what}`);
    return row?.value ?? 0;
  }

  /** Notes when something was done. */
  done(what: string, at: number): void {
    this.#context.changeKept(() => {
      this.#context.db
        .query("INSERT OR REPLACE INTO meta VALUES (?, ?)")
        .run(`done ${what}`, Math.round(at));
    });
  }
}
