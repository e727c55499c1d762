// Who was greylisted, as rows: hashes of clients, senders and recipients, never the addresses.
import type { RowContext } from "../queue-rows.ts";

/** Rows at most: a flood of invented senders must not fill the disk. */
export const GREYLIST_ROWS_MAX = 500_000;
// Deleted at once when there are too many, the longest unused first.
const DROPPED_AT_ONCE = 5000;

/** One triplet, or one client's network. Times in milliseconds since the epoch. */
export interface GreylistRow {
  readonly key: string;
  readonly firstAt: number;
  readonly lastAt: number;
  /** How often it passed. */
  readonly passes: number;
}

/** Rows of greylisting. */
export class GreylistRows {
  readonly #context: RowContext;
  readonly #rowsMax: number;
  #count: number | undefined;

  constructor(context: RowContext, rowsMax = GREYLIST_ROWS_MAX) {
    this.#context = context;
    this.#rowsMax = rowsMax;
  }

  get(key: string): GreylistRow | undefined {
    const query =
      "SELECT key, first_at AS firstAt, last_at AS lastAt, passes FROM greylist WHERE key = ?";
    return this.#context.db.query<GreylistRow, [string]>(query).get(key) ?? undefined;
  }

  put({ key, firstAt, lastAt, passes }: GreylistRow): void {
    const { db } = this.#context;
    this.#count ??= this.count();
    this.#context.changeKept(() => {
      const { changes } = db
        .query("UPDATE greylist SET first_at = ?, last_at = ?, passes = ? WHERE key = ?")
        .run(firstAt, lastAt, passes, key);
      if (changes > 0) return;
      db.query("INSERT INTO greylist VALUES (?, ?, ?, ?)").run(key, firstAt, lastAt, passes);
      this.#count = (this.#count ?? 0) + 1;
    });
    if (this.#count > this.#rowsMax) {
      // Those that never passed go first: they are what a flood is made of.
      this.#drop("key IN (SELECT key FROM greylist ORDER BY passes > 0, last_at LIMIT ?)", [
        Math.min(DROPPED_AT_ONCE, Math.ceil(this.#rowsMax / 10)),
      ]);
    }
  }

  count(): number {
    const row = this.#context.db
      .query<{ count: number }, []>("SELECT count(*) AS count FROM greylist")
      .get();
    return row?.count ?? 0;
  }

  /** Forgets what was last seen before that moment. */
  dropBefore(at: number): void {
    this.#drop("last_at < ?", [at]);
  }

  #drop(where: string, values: readonly number[]): void {
    this.#context.changeKept(() => {
      this.#context.db.query(`DELETE FROM greylist WHERE ${where}`).run(...values);
    });
    this.#count = this.count();
  }
}
