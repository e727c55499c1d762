// The SQLite database `gw.db`: rows of messages and recipients, never bodies. It follows the
// segments, so that nothing on the hot path waits for it to be durable. Also the lock that keeps a
// second server out of the data folder.
import { Database } from "bun:sqlite";
import { closeSync, existsSync, openSync } from "node:fs";
import { join } from "node:path";

/** Recipients of one message at most: a recipient's number is `sequence * RECIPIENTS_MAX + n`. */
export const RECIPIENTS_MAX = 4096;

const DATABASE = "gw.db";
const LOCK = "lock.db";
const COMMAND_WAIT_MS = 10_000;

// Step N brings a database of schema version N to N + 1. Steps are never edited, only added.
const MIGRATIONS: readonly string[] = [
  `CREATE TABLE meta (key TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
   INSERT INTO meta VALUES ('highest_sequence', 0);

   -- place: 0 queue, 1 quarantine. The body is in a segment, or else in a file of its own.
   CREATE TABLE messages (
     sequence INTEGER PRIMARY KEY,
     id TEXT NOT NULL UNIQUE,
     place INTEGER NOT NULL,
     record TEXT NOT NULL,
     segment INTEGER,
     start INTEGER NOT NULL,
     size INTEGER NOT NULL,
     file TEXT
   );
   CREATE INDEX messages_by_segment ON messages (segment, size) WHERE segment IS NOT NULL;
   CREATE INDEX messages_quarantined ON messages (sequence) WHERE place = 1;

   -- number: message's sequence * 4096 + position. state: 0 queued, 1 held. Times in ms.
   CREATE TABLE recipients (
     number INTEGER PRIMARY KEY,
     address TEXT NOT NULL,
     wishes TEXT,
     state INTEGER NOT NULL,
     attempts INTEGER NOT NULL,
     queued_at INTEGER NOT NULL,
     next_at INTEGER NOT NULL,
     warned INTEGER NOT NULL,
     last_reply TEXT NOT NULL,
     last_host TEXT NOT NULL
   );
   CREATE INDEX recipients_due ON recipients (next_at) WHERE state = 0;`,

  // What is kept has more places now: 2 backup, 3 archive. Decisions are found by words: addresses,
  // queue ids, the Message-ID, the client's address.
  `DROP INDEX messages_quarantined;
   CREATE INDEX messages_kept ON messages (place, sequence) WHERE place > 0;

   -- Numbers are not used again: the log and decisions name them.
   CREATE TABLE exemptions (
     number INTEGER PRIMARY KEY AUTOINCREMENT,
     exemption TEXT NOT NULL,
     uses INTEGER NOT NULL,
     used_at INTEGER NOT NULL
   );

   CREATE TABLE decisions (
     number INTEGER PRIMARY KEY,
     at INTEGER NOT NULL,
     decision TEXT NOT NULL
   );
   CREATE TABLE decision_words (
     word TEXT NOT NULL,
     number INTEGER NOT NULL,
     PRIMARY KEY (word, number)
   ) WITHOUT ROWID;
   CREATE INDEX decision_words_by_number ON decision_words (number);

   -- id: queue id of the message.
   CREATE TABLE outcomes (
     id TEXT NOT NULL,
     recipient TEXT NOT NULL,
     at INTEGER NOT NULL,
     kind TEXT NOT NULL,
     reply TEXT NOT NULL,
     host TEXT NOT NULL
   );
   CREATE INDEX outcomes_by_id ON outcomes (id, at);
   CREATE INDEX outcomes_by_time ON outcomes (at);`,

  // Those who got notices, and what waits for their digest, as JSON.
  `CREATE TABLE notices (
     receiver TEXT PRIMARY KEY,
     state TEXT NOT NULL
   ) WITHOUT ROWID;`,

  // The vault. stored: bytes of a kept body's file once it is packed, 0 before.
  `ALTER TABLE messages ADD COLUMN stored INTEGER NOT NULL DEFAULT 0;
   DROP INDEX messages_kept;
   CREATE INDEX messages_kept ON messages (place, sequence, stored, size) WHERE place > 0;
   CREATE INDEX messages_unpacked ON messages (sequence) WHERE place > 0 AND stored = 0;

   -- SHA-256 of a kept message and of each object in it.
   CREATE TABLE object_hashes (
     hash BLOB NOT NULL,
     sequence INTEGER NOT NULL,
     PRIMARY KEY (hash, sequence)
   ) WITHOUT ROWID;
   CREATE INDEX object_hashes_by_sequence ON object_hashes (sequence);

   -- id: queue id of what is released, entry: id of what is kept. state: 0 asked for, 1 taken into
   -- the queue, 2 given up.
   CREATE TABLE releases (
     id TEXT PRIMARY KEY,
     entry TEXT NOT NULL,
     state INTEGER NOT NULL,
     release TEXT NOT NULL
   ) WITHOUT ROWID;
   CREATE INDEX releases_by_entry ON releases (entry);
   CREATE INDEX releases_asked ON releases (id) WHERE state = 0;
   CREATE TABLE release_outcomes (
     id TEXT NOT NULL,
     recipient TEXT NOT NULL,
     at INTEGER NOT NULL,
     kind TEXT NOT NULL,
     reply TEXT NOT NULL,
     host TEXT NOT NULL,
     PRIMARY KEY (id, recipient)
   ) WITHOUT ROWID;

   -- Who did what with a kept message; told: whether the server's log has it.
   CREATE TABLE vault_acts (
     number INTEGER PRIMARY KEY AUTOINCREMENT,
     at INTEGER NOT NULL,
     entry TEXT NOT NULL,
     act TEXT NOT NULL,
     told INTEGER NOT NULL
   );
   CREATE INDEX vault_acts_by_entry ON vault_acts (entry);
   CREATE INDEX vault_acts_untold ON vault_acts (number) WHERE told = 0;

   -- Records of deleted messages that are to be blanked where they stand in a segment.
   CREATE TABLE blanks (sequence INTEGER PRIMARY KEY);`,

  // The next hop that an administrator chose for a recipient, "" for none.
  `ALTER TABLE recipients ADD COLUMN route TEXT NOT NULL DEFAULT '';`,

  // MTA-STS policies, as JSON.
  `CREATE TABLE sts_policies (
     domain TEXT PRIMARY KEY,
     id TEXT NOT NULL,
     policy TEXT NOT NULL,
     expires_at INTEGER NOT NULL
   ) WITHOUT ROWID;`,
  // Greylisting: hashes of triplets and of clients' networks. Times in ms.
  `CREATE TABLE greylist (
     key TEXT PRIMARY KEY,
     first_at INTEGER NOT NULL,
     last_at INTEGER NOT NULL,
     passes INTEGER NOT NULL
   ) WITHOUT ROWID;
   CREATE INDEX greylist_by_age ON greylist (passes > 0, last_at);`,
  // Statistics. span: 0 minute, 1 hour, 2 day; at: its begin; closed: it is part of a longer one.
  `CREATE TABLE history (
     number INTEGER PRIMARY KEY,
     span INTEGER NOT NULL,
     at INTEGER NOT NULL,
     closed INTEGER NOT NULL,
     summary TEXT NOT NULL
   );
   CREATE INDEX history_by_time ON history (span, at);
   CREATE INDEX history_open ON history (span, at) WHERE closed = 0;`,
  // Encryption with other domains' hosts, by day (UTC, since the epoch); result: JSON.
  `CREATE TABLE tls_results (
     day INTEGER NOT NULL,
     domain TEXT NOT NULL,
     result TEXT NOT NULL,
     count INTEGER NOT NULL,
     PRIMARY KEY (day, domain, result)
   ) WITHOUT ROWID;`,
];

/** The data folder cannot be used: another server has it, or its database is not ours to read. */
export class DataFolderError extends Error {
  override readonly name = "DataFolderError";
}

/** A server's hold on its data folder, as long as this is referenced; it dies with the process. */
export interface FolderLock {
  release(): void;
}

/** Takes the data folder for this process. Throws DataFolderError if another one has it. */
export function lockFolder(dataDir: string): FolderLock {
  const db = new Database(privateFile(join(dataDir, LOCK)), { readwrite: true, create: true });
  try {
    db.run("PRAGMA busy_timeout = 0");
    db.run("BEGIN EXCLUSIVE");
  } catch (error) {
    db.close();
    throw new DataFolderError(`${dataDir} is in use by another gw server`, { cause: error });
  }
  return { release: () => db.close() };
}

// SQLite would create its files readable by all; its -wal and -shm take over this file's mode.
function privateFile(path: string): string {
  closeSync(openSync(path, "a", 0o600));
  return path;
}

function userVersion(db: Database): number {
  const row = db.query<{ user_version: number }, []>("PRAGMA user_version").get();
  return row?.user_version ?? 0;
}

/** Opens the server's database, creating or upgrading it. Only under the folder's lock. */
export function openDatabase(dataDir: string): { db: Database; isNew: boolean } {
  const db = new Database(privateFile(join(dataDir, DATABASE)), { readwrite: true, create: true });
  try {
    db.run("PRAGMA busy_timeout = 10000");
    db.run("PRAGMA journal_mode = WAL");
    db.run("PRAGMA synchronous = NORMAL");
    // What is deleted from the vault leaves no bytes behind, in a page's free space neither.
    db.run("PRAGMA secure_delete = ON");
    const found = userVersion(db);
    if (found > MIGRATIONS.length) throw wrongVersion(dataDir, found);
    for (let version = found; version < MIGRATIONS.length; version++) {
      const step = MIGRATIONS[version] ?? "";
      db.transaction(() => {
        db.run(step);
        db.run(`PRAGMA user_version = ${version + 1}`);
      })();
    }
    // From here on the main thread never waits for a command's transaction; writes come again.
    db.run("PRAGMA busy_timeout = 0");
    return { db, isNew: found === 0 };
  } catch (error) {
    db.close();
    throw explain(dataDir, error);
  }
}

/** Opens the database beside a running server, for commands: their changes are durable at once. */
export function attachDatabase(dataDir: string): Database {
  const path = join(dataDir, DATABASE);
  if (!existsSync(path)) {
    throw new DataFolderError(`${dataDir} holds no mail yet: start the server first`);
  }
  const db = new Database(path, { readwrite: true, create: false });
  try {
    db.run(`PRAGMA busy_timeout = ${COMMAND_WAIT_MS}`);
    db.run("PRAGMA synchronous = FULL");
    db.run("PRAGMA secure_delete = ON");
    const found = userVersion(db);
    if (found !== MIGRATIONS.length) throw wrongVersion(dataDir, found);
    return db;
  } catch (error) {
    db.close();
    throw explain(dataDir, error);
  }
}

/** Throws if the folder's database is of a later gw than this one; nothing is changed in it. */
export function refuseNewer(dataDir: string): void {
  const path = join(dataDir, DATABASE);
  if (!existsSync(path)) return;
  const db = new Database(path, { readonly: true });
  try {
    const found = userVersion(db);
    if (found > MIGRATIONS.length) throw wrongVersion(dataDir, found);
  } finally {
    db.close();
  }
}

function wrongVersion(dataDir: string, found: number): DataFolderError {
  const remedy = found > MIGRATIONS.length ? "use the newer gw" : "start the server to upgrade it";
  return new DataFolderError(
    `${join(dataDir, DATABASE)} has schema ${found}, this gw wants ${MIGRATIONS.length}: ${remedy}`,
  );
}

function explain(dataDir: string, error: unknown): unknown {
  const code = errorCode(error);
  if (code !== "SQLITE_NOTADB" && !code.startsWith("SQLITE_CORRUPT")) return error;
  return new DataFolderError(
    `${join(dataDir, DATABASE)} is damaged: move it away and start the server, ` +
      "which finds the queue again in spool/ (mail may be delivered twice)",
    { cause: error },
  );
}

/** SQLite's name for an error, "" if it is none of SQLite's. */
export function errorCode(error: unknown): string {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return typeof code === "string" ? code : "";
}

/** Path of the write-ahead log, which the store flushes off the main thread. */
export function walPath(dataDir: string): string {
  return join(dataDir, `${DATABASE}-wal`);
}
