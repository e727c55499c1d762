// Exemptions as rows: what is let through although something was seen in it. Every decision reads
// them anew, so that one added by a command beside the server counts at once.
import type { RowContext } from "../queue-rows.ts";

/** Exemptions there may be; each is looked at for every message in which something was seen. */
export const EXEMPTIONS_MAX = 10_000;

/** One exemption. All that it names must be so; it names a hash or a signature at least. */
export interface NewExemption {
  /** SHA-256 of an object, hexadecimal: it and all that is inside it pass. */
  readonly hash?: string;
  /** Name of a signature whose match does not count. */
  readonly signature?: string;
  /** Mask of envelope senders it is for. */
  readonly sender?: string;
  /** Name of the group it is for. */
  readonly group?: string;
  /** When it ends, milliseconds since the epoch; it has to. */
  readonly expiresAt: number;
  /** Who answers for it, and why it is. */
  readonly owner: string;
  readonly reason: string;
  readonly createdAt: number;
}

/** An exemption that is stored. */
export interface Exemption extends NewExemption {
  readonly number: number;
}

/** An exemption as commands list it. */
export interface ExemptionItem extends Exemption {
  /** Messages that it has let through, and when the last one was (0: none). */
  readonly uses: number;
  readonly usedAt: number;
}

interface Row {
  readonly number: number;
  readonly exemption: string;
  readonly uses: number;
  readonly used_at: number;
}

/** Rows of exemptions. */
export class ExemptionRows {
  readonly #context: RowContext;

  constructor(context: RowContext) {
    this.#context = context;
  }

  /** Stores one; gives its number. Throws RangeError if there are too many. */
  add(exemption: NewExemption): number {
    return this.#context.change(() => {
      const { db } = this.#context;
      const count = db.query<{ n: number }, []>("SELECT count(*) AS n FROM exemptions").get();
      if ((count?.n ?? 0) >= EXEMPTIONS_MAX) {
        throw new RangeError(`there are ${EXEMPTIONS_MAX} exemptions: remove some first`);
      }
      const row = db
        .query<{ number: number }, [string]>(
          "INSERT INTO exemptions (exemption, uses, used_at) VALUES (?, 0, 0) RETURNING number",
        )
        .get(JSON.stringify(exemption));
      return row?.number ?? 0;
    });
  }

  /** All of them, oldest first. */
  list(): ExemptionItem[] {
    return this.#context.db
      .query<Row, []>("SELECT * FROM exemptions ORDER BY number")
      .all()
      .map(({ number, exemption, uses, used_at }) => {
        return { number, ...(JSON.parse(exemption) as NewExemption), uses, usedAt: used_at };
      });
  }

  /** Those that hold at the moment `now`. */
  active(now: number): Exemption[] {
    return this.#context.db
      .query<Row, [number]>(
        "SELECT * FROM exemptions WHERE json_extract(exemption, '$.expiresAt') > ?",
      )
      .all(now)
      .map(({ number, exemption }) => ({ number, ...(JSON.parse(exemption) as NewExemption) }));
  }

  /** Removes one; false if there is none of that number. */
  remove(number: number): boolean {
    return this.#context.change(
      () =>
        this.#context.db.query("DELETE FROM exemptions WHERE number = ?").run(number).changes > 0,
    );
  }
}
