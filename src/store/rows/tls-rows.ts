// How encryption towards other domains went, day by day, until their reports have been sent.
import type { RowContext } from "../queue-rows.ts";

/** Sessions of one day that went alike. */
export interface TlsRow {
  /** Days since the epoch, in UTC. */
  readonly day: number;
  readonly domain: string;
  /** As JSON; whoever counts knows its form. */
  readonly result: string;
  readonly count: number;
}

/** One domain's day. */
export type TlsDay = Pick<TlsRow, "day" | "domain">;

// More kinds of results are not counted: whoever invents domains must not fill the disk.
const ROWS_MAX = 50_000;

/** Rows of results. */
export class TlsRows {
  readonly #context: RowContext;

  constructor(context: RowContext) {
    this.#context = context;
  }

  /** Adds to what has been counted. */
  add(rows: readonly TlsRow[]): void {
    this.#context.changeKept(() => {
      const { db } = this.#context;
      const counted = db.query<{ rows: number }, []>("SELECT COUNT(*) AS rows FROM tls_results");
      let room = ROWS_MAX - (counted.get()?.rows ?? 0);
      const grow = db.query(
        "UPDATE tls_results SET count = count + ? WHERE day = ? AND domain = ? AND result = ?",
      );
      const put = db.query("INSERT INTO tls_results VALUES (?, ?, ?, ?)");
      for (const { day, domain, result, count } of rows) {
        if (grow.run(count, day, domain, result).changes > 0 || room <= 0) continue;
        put.run(day, domain, result, count);
        room--;
      }
    });
  }

  /** Up to `max` domains' days before a day, the oldest first. */
  before(day: number, max: number): TlsDay[] {
    return this.#context.db
      .query<TlsDay, [number, number]>(
        `SELECT DISTINCT day, domain FROM tls_results WHERE day < ?
         ORDER BY day, domain LIMIT ?`,
      )
      .all(day, max);
  }

  /** A domain's day. */
  of({ day, domain }: TlsDay): TlsRow[] {
    return this.#context.db
      .query<TlsRow, [number, string]>(
        `SELECT day, domain, result, count FROM tls_results WHERE day = ? AND domain = ?
         ORDER BY result`,
      )
      .all(day, domain);
  }

  /** Forgets a domain's day. */
  drop({ day, domain }: TlsDay): void {
    this.#context.changeKept(() => {
      const drop = this.#context.db.query("DELETE FROM tls_results WHERE day = ? AND domain = ?");
      drop.run(day, domain);
    });
  }
}
