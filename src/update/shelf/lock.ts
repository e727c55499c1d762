// One update at a time: a command and a gateway, or two commands, must not fetch into each other. The
// same for those who publish a feed.
import { Database } from "bun:sqlite";
import { closeSync, openSync } from "node:fs";
import { join } from "node:path";
import { makeFolder } from "../../base/file/atomic-file.ts";
import { UpdateError } from "../source.ts";

const LOCK = "lock.sqlite";

/** What ends a lock. */
export interface UpdateLock {
  release(): void;
}

const BUSY = "another update is under way (gw serve, or another gw update); try again later";

/**
 * Takes the lock of a shelf, or of another folder. SQLite's, because the system gives it back however
 * the process ends. Throws UpdateError with `busy` if another has it.
 */
export function lockShelf(folder: string, busy = BUSY): UpdateLock {
  let db: Database;
  try {
    makeFolder(folder);
    const path = join(folder, LOCK);
    closeSync(openSync(path, "a", 0o600));
    db = new Database(path, { readwrite: true, create: true });
  } catch (error) {
    const { message } = error as Error;
    throw new UpdateError("full", `${folder} can't be written to: ${message}`, { cause: error });
  }
  try {
    db.run("PRAGMA busy_timeout = 0");
    db.run("BEGIN EXCLUSIVE");
  } catch (error) {
    db.close();
    throw new UpdateError("refused", busy, { cause: error });
  }
  return { release: () => db.close() };
}
