// What is remembered of those who get notices, as rows: how many went out, and what waits for a
// digest. Their text is the business of whoever wrote it.
import type { RowContext } from "../queue-rows.ts";

/** Receivers that are remembered; more are not paced, and so get nothing. */
export const RECEIVERS_MAX = 10_000;

/** One receiver. */
export interface NoticeRow {
  readonly receiver: string;
  /** JSON; "" forgets the receiver. */
  readonly state: string;
}

/** Rows of receivers. */
export class NoticeRows {
  readonly #context: RowContext;

  constructor(context: RowContext) {
    this.#context = context;
  }

  /** All receivers. */
  load(): NoticeRow[] {
    return this.#context.db
      .query<NoticeRow, [number]>("SELECT receiver, state FROM notices LIMIT ?")
      .all(RECEIVERS_MAX);
  }

  /** Writes what changed, in one transaction. */
  save(rows: readonly NoticeRow[]): void {
    this.#context.change(() => {
      const { db } = this.#context;
      const put = db.query("INSERT OR REPLACE INTO notices VALUES (?, ?)");
      const drop = db.query("DELETE FROM notices WHERE receiver = ?");
      for (const { receiver, state } of rows) {
        if (state === "") drop.run(receiver);
        else put.run(receiver, state);
      }
    });
  }
}
