import { Database } from "bun:sqlite";
import { afterEach, expect, test } from "bun:test";
import { statSync } from "node:fs";
import { join } from "node:path";
import {
  attachDatabase,
  DataFolderError,
  errorCode,
  lockFolder,
  openDatabase,
} from "../../src/store/database.ts";
import { cleanUp, tempFolder } from "./samples.ts";

afterEach(cleanUp);

test("openDatabase() makes the schema once and finds it again", () => {
  const folder = tempFolder();
  const first = openDatabase(folder);
  expect(first.isNew).toBe(true);
  first.db.run("UPDATE meta SET value = 5");
  first.db.close();
  const second = openDatabase(folder);
  expect(second.isNew).toBe(false);
  expect(second.db.query("SELECT * FROM meta").all()).toEqual([
    { key: "highest_sequence", value: 5 },
  ]);
  second.db.close();
  expect(statSync(join(folder, "gw.db")).mode & 0o777).toBe(0o600);
});

test("commands' changes are durable at once, the server's follow the segments", () => {
  const folder = tempFolder();
  const { db } = openDatabase(folder);
  const attached = attachDatabase(folder);
  const mode = (one: Database) => one.query("PRAGMA synchronous").values()[0]?.[0];
  expect([mode(db), mode(attached)]).toEqual([1, 2]);
  attached.close();
  db.close();
});

test("attachDatabase() refuses an older schema, which only a server upgrades", () => {
  const folder = tempFolder();
  new Database(join(folder, "gw.db")).close();
  const db = new Database(join(folder, "gw.db"));
  db.run("CREATE TABLE x (y)");
  db.close();
  expect(() => attachDatabase(folder)).toThrow("start the server to upgrade it");
});

test("lockFolder() lets in one at a time", () => {
  const folder = tempFolder();
  const lock = lockFolder(folder);
  expect(() => lockFolder(folder)).toThrow(DataFolderError);
  lock.release();
  lockFolder(folder).release();
});

test("a killed process leaves no lock behind", async () => {
  const folder = tempFolder();
  const script = `
    import { lockFolder } from ${JSON.stringify(join(import.meta.dir, "../../src/store/database.ts"))};
    globalThis.lock = lockFolder(${JSON.stringify(folder)});
    console.log("locked");
    setInterval(() => {}, 1000);`;
  const child = Bun.spawn([process.execPath, "-e", script], { stdout: "pipe" });
  try {
    await child.stdout.getReader().read();
    expect(() => lockFolder(folder)).toThrow("in use by another gw server");
  } finally {
    child.kill("SIGKILL");
    await child.exited;
  }
  lockFolder(folder).release();
});

test("errorCode() gives SQLite's name, and nothing for other errors", () => {
  const full = Object.assign(new Error("disk full"), { code: "SQLITE_FULL" });
  expect([full, new Error("other"), "text"].map(errorCode)).toEqual(["SQLITE_FULL", "", ""]);
});
