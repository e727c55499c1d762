// Releases from the vault, as rows. A command asks for one and leaves its bytes in a file; the
// server takes them into its queue, and what becomes of them there comes back to the rows.
import { readdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import type { MessageRecord } from "../../message.ts";
import { systemDisk } from "../disk.ts";
import type { RowContext } from "../queue-rows.ts";
import { RELEASED } from "../recovery.ts";
import type { NewOutcome } from "./decision-rows.ts";

/** A release that is asked for. */
export interface NewRelease {
  /** What is sent: the message as it came, within another message, or one object of it. */
  readonly kind: "message" | "attached" | "object";
  /** Path of that object, "" if there is none. */
  readonly object: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly who: string;
  readonly reason: string;
  /** Whether it was scanned again just before. */
  readonly isChecked: boolean;
  /** The message that goes into the queue; its id is the queue id. */
  readonly record: MessageRecord;
}

/** How far a release has come. */
export type ReleaseState = "asked" | "waiting" | "delivered" | "failed" | "withdrawn";

/** A release as it is shown. */
export interface Release extends Omit<NewRelease, "record"> {
  /** Queue id. */
  readonly id: string;
  readonly recipients: readonly string[];
  readonly state: ReleaseState;
  /** The last outcome for each recipient that was tried. */
  readonly outcomes: readonly Omit<NewOutcome, "id">[];
  /** Why it was given up before it came into the queue. */
  readonly cause?: string;
}

interface Row {
  readonly id: string;
  readonly entry: string;
  readonly state: number;
  readonly release: string;
}

const ASKED = 0;
const TAKEN = 1;
const GIVEN_UP = 2;
/** Releases of one message that are shown. */
const RELEASES_MAX = 100;

/** Rows of releases. */
export class ReleaseRows {
  readonly #context: RowContext;

  constructor(context: RowContext) {
    this.#context = context;
  }

  /** Asks for a release of `entry`: once this resolves the server sends `bytes`, now or later. */
  async ask(entry: string, release: NewRelease, bytes: Uint8Array): Promise<void> {
    const { dataDir } = this.#context;
    const file = await systemDisk.create(this.#pathOf(release.record.id));
    try {
      await systemDisk.write(file, bytes, 0);
      await systemDisk.sync(file);
    } finally {
      await systemDisk.close(file);
    }
    await systemDisk.syncFolder(join(dataDir, RELEASED));
    this.#context.changeKept(() => {
      this.#context.db
        .query("INSERT INTO releases VALUES (?, ?, ?, ?)")
        .run(release.record.id, entry, ASKED, JSON.stringify(release));
    });
  }

  /** Releases that wait to be taken into the queue, oldest first. */
  asked(limit: number): { readonly entry: string; readonly release: NewRelease }[] {
    return this.#context.db
      .query<Row, [number]>("SELECT * FROM releases WHERE state = 0 ORDER BY id LIMIT ?")
      .all(limit)
      .map(({ entry, release }) => ({ entry, release: JSON.parse(release) as NewRelease }));
  }

  /** The bytes that a release sends. */
  bytesOf(id: string): Promise<Uint8Array> {
    return Bun.file(this.#pathOf(id)).bytes();
  }

  /** Removes files older than `before` that a command left behind when it was interrupted. */
  removeStray(before: number): void {
    const { db, dataDir } = this.#context;
    const row = db.query("SELECT 1 FROM releases WHERE id = ? AND state = 0");
    for (const name of readdirSync(join(dataDir, RELEASED))) {
      const path = this.#pathOf(name);
      const stat = statSync(path, { throwIfNoEntry: false });
      if (stat !== undefined && stat.mtimeMs < before && row.get(name) === null) {
        rmSync(path, { force: true });
      }
    }
  }

  /** Whether a release has come into the queue, whatever its own row says. */
  isQueued(id: string): boolean {
    this.#context.catchUp();
    const row = this.#context.db
      .query<unknown, [string]>(
        `SELECT 1 FROM messages WHERE id = ?1
         UNION ALL SELECT 1 FROM release_outcomes WHERE id = ?1 LIMIT 1`,
      )
      .get(id);
    return row !== null;
  }

  /** Notes that a release is in the queue, or with a `cause` that it never will be. */
  settle(id: string, cause?: string): void {
    this.#context.changeKept((dropFile) => {
      dropFile(`${RELEASED}/${id}`);
      const { db } = this.#context;
      const change = "UPDATE releases SET state = ?, release = json_set(release, '$.cause', ?)";
      if (cause === undefined)
        db.query("UPDATE releases SET state = ? WHERE id = ?").run(TAKEN, id);
      else db.query(`${change} WHERE id = ?`).run(GIVEN_UP, cause, id);
    });
  }

  /** All releases of a kept message, oldest first. */
  of(entry: string): Release[] {
    this.#context.catchUp();
    return this.#context.db
      .query<Row, [string, number]>(
        "SELECT * FROM releases WHERE entry = ? ORDER BY id DESC LIMIT ?",
      )
      .all(entry, RELEASES_MAX)
      .reverse()
      .map((row) => this.#shown(row));
  }

  /** Forgets the releases of messages that are deleted; what is in the queue goes on its way. */
  forget(entries: readonly string[]): void {
    this.#context.changeKept(() => {
      const { db } = this.#context;
      const outcomes = db.query(
        "DELETE FROM release_outcomes WHERE id IN (SELECT id FROM releases WHERE entry = ?)",
      );
      const releases = db.query("DELETE FROM releases WHERE entry = ? AND state > 0");
      for (const entry of entries) {
        outcomes.run(entry);
        releases.run(entry);
      }
    });
  }

  #pathOf(id: string): string {
    return join(this.#context.dataDir, RELEASED, id);
  }

  #shown({ id, state, release }: Row): Release {
    const { record, ...about } = JSON.parse(release) as NewRelease & { readonly cause?: string };
    const recipients = record.envelope.recipients.map(({ address }) => address);
    const outcomes = this.#context.db
      .query<Omit<NewOutcome, "id">, [string]>(
        "SELECT recipient, at, kind, reply, host FROM release_outcomes WHERE id = ? ORDER BY at",
      )
      .all(id);
    const shown = { ...about, id, recipients, outcomes };
    return { ...shown, state: this.#stateOf(state, shown) };
  }

  #stateOf(
    state: number,
    { id, recipients, outcomes }: Pick<Release, "id" | "recipients" | "outcomes">,
  ): ReleaseState {
    if (state === ASKED) return "asked";
    if (state === GIVEN_UP) return "failed";
    const isInQueue = this.#context.db
      .query<unknown, [string]>("SELECT 1 FROM messages WHERE id = ? AND place = 0")
      .get(id);
    // A failed recipient stays in the queue until its report is safe.
    const ended = new Set(
      outcomes.filter(({ kind }) => kind !== "deferred").map(({ recipient }) => recipient),
    );
    const isOver = recipients.every((address) => ended.has(address));
    if (isInQueue !== null && !isOver) return "waiting";
    if (outcomes.some(({ kind }) => kind === "failed")) return "failed";
    return isOver ? "delivered" : "withdrawn";
  }
}
