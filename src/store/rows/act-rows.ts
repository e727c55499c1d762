// Who did what with kept mail, as rows: a command beside the server has no way into its log, so it
// leaves a row, and the server tells of it.
import type { RowContext } from "../queue-rows.ts";

/** Acts that one round tells of. */
const TOLD_MAX = 500;
/** Acts of one message that are shown. */
const SHOWN_MAX = 200;

/** What somebody did with a kept message. */
export interface NewAct {
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** Id of the kept message. */
  readonly entry: string;
  readonly verb: "extract" | "release" | "delete";
  /** Name and number of the user who typed it. */
  readonly who: string;
  readonly reason: string;
  /** Which object, to whom. */
  readonly detail: string;
}

interface Row {
  readonly number: number;
  readonly at: number;
  readonly entry: string;
  readonly act: string;
}

/** Rows of acts. They outlive the messages that they are about. */
export class ActRows {
  readonly #context: RowContext;

  constructor(context: RowContext) {
    this.#context = context;
  }

  /** Notes acts, all of them or none. */
  add(acts: readonly NewAct[]): void {
    this.#context.changeKept(() => {
      const insert = this.#context.db.query(
        "INSERT INTO vault_acts (at, entry, act, told) VALUES (?, ?, ?, 0)",
      );
      for (const { at, entry, ...act } of acts) insert.run(at, entry, JSON.stringify(act));
    });
  }

  /** What was done with one message, oldest first. */
  of(entry: string): NewAct[] {
    return this.#context.db
      .query<Row, [string, number]>(
        "SELECT * FROM vault_acts WHERE entry = ? ORDER BY number DESC LIMIT ?",
      )
      .all(entry, SHOWN_MAX)
      .reverse()
      .map(toAct);
  }

  /** Gives each act that the log does not have to `tell`, and notes that it has it now. */
  tell(tell: (act: NewAct) => void): void {
    const { db } = this.#context;
    const rows = db
      .query<Row, [number]>("SELECT * FROM vault_acts WHERE told = 0 ORDER BY number LIMIT ?")
      .all(TOLD_MAX);
    if (rows.length === 0) return;
    // Told twice is better than never.
    for (const row of rows) tell(toAct(row));
    this.#context.changeKept(() => {
      const told = db.query("UPDATE vault_acts SET told = 1 WHERE number = ?");
      for (const { number } of rows) told.run(number);
    });
  }

  /** Throws away what was done before `before`. */
  purge(before: number): void {
    this.#context.changeKept(() => {
      this.#context.db
        .query(
          `DELETE FROM vault_acts WHERE number IN
             (SELECT number FROM vault_acts WHERE told = 1 AND at < ? ORDER BY number LIMIT ?)`,
        )
        .run(before, TOLD_MAX);
    });
  }
}

function toAct({ at, entry, act }: Row): NewAct {
  return { at, entry, ...(JSON.parse(act) as Omit<NewAct, "at" | "entry">) };
}
