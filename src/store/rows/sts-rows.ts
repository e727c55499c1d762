// MTA-STS policies of other domains, kept over restarts: who stands between could otherwise have
// them forgotten. RFC 8461 §10.2.
import type { RowContext } from "../queue-rows.ts";

/** A policy as it is kept. */
export interface StsRow {
  readonly domain: string;
  readonly id: string;
  /** As JSON. */
  readonly policy: string;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
}

/** Rows of policies. */
export class StsRows {
  readonly #context: RowContext;

  constructor(context: RowContext) {
    this.#context = context;
  }

  /** Those that hold still, up to `max` that hold longest. */
  all(max: number): StsRow[] {
    return this.#context.db
      .query<StsRow, [number, number]>(
        `SELECT domain, id, policy, expires_at AS expiresAt FROM sts_policies
         WHERE expires_at > ? ORDER BY expires_at DESC LIMIT ?`,
      )
      .all(this.#context.now(), max);
  }

  /** Keeps a policy in place of the domain's last one; those whose time is up go. */
  put({ domain, id, policy, expiresAt }: StsRow): void {
    this.#context.changeKept(() => {
      const { db } = this.#context;
      db.query("DELETE FROM sts_policies WHERE expires_at <= ?").run(this.#context.now());
      const put = db.query("INSERT OR REPLACE INTO sts_policies VALUES (?, ?, ?, ?)");
      put.run(domain, id, policy, expiresAt);
    });
  }
}
