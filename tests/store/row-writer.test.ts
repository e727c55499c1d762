import { Database } from "bun:sqlite";
import { afterEach, expect, test } from "bun:test";
import { join } from "node:path";
import { openDatabase } from "../../src/store/database.ts";
import {
  type NewMessage,
  PENDING_MAX,
  type RowChange,
  RowWriter,
} from "../../src/store/row-writer.ts";
import { sampleRecord } from "./sample-record.ts";
import { cleanUp, KeptLog, newId, tempFolder } from "./samples.ts";

afterEach(cleanUp);

function newWriter() {
  const dataDir = tempFolder();
  const { db } = openDatabase(dataDir);
  const log = new KeptLog();
  const files: string[] = [];
  const writer = new RowWriter({
    db,
    log,
    onFull: () => {},
    onFilesDone: (done) => files.push(...done),
  });
  const count = (table: string) => db.query(`SELECT count(*) FROM ${table}`).values()[0]?.[0];
  const highest = () => db.query("SELECT value FROM meta").values()[0]?.[0];
  return { dataDir, db, log, files, writer, count, highest };
}

function insert(sequence: number, parts: Partial<NewMessage> = {}): RowChange {
  const record = sampleRecord(newId(), { recipients: [{ address: "x@y" }, { address: "z@y" }] });
  const message: NewMessage = {
    sequence,
    place: "queue",
    record,
    json: JSON.stringify(record),
    location: { file: `spool/large/${record.id}` },
    size: 10,
    queuedAt: 0,
    ...parts,
  };
  return { kind: "insert", message };
}

const remove = (number: number): RowChange => ({ kind: "remove", number });

test("a message's row goes with its last recipient, and its file is given on", () => {
  const { writer, count, highest, files } = newWriter();
  writer.submit([insert(5), { kind: "skip", sequence: 9 }]);
  writer.flush();
  expect([count("messages"), count("recipients"), highest()]).toEqual([1, 2, 9]);
  writer.submit([remove(5 * 4096)]);
  writer.flush();
  expect([count("messages"), count("recipients"), files]).toEqual([1, 1, []]);
  writer.submit([remove(5 * 4096 + 1), remove(77 * 4096)]);
  writer.flush();
  expect([count("messages"), count("recipients"), files.length]).toEqual([0, 0, 1]);
});

test("changes are written in one go by themselves, and done is called then", async () => {
  const { writer, count } = newWriter();
  const done = new Promise<void>((resolve) => writer.submit([insert(1)], resolve));
  writer.submit([insert(2)]);
  expect([count("messages"), writer.pending]).toEqual([0, 2]);
  await done;
  expect([count("messages"), writer.pending]).toEqual([2, 0]);
});

test("a locked database is tried again, in order and without a loss", async () => {
  const { dataDir, writer, count } = newWriter();
  const other = new Database(join(dataDir, "gw.db"));
  other.run("BEGIN IMMEDIATE");
  const order: number[] = [];
  writer.submit([insert(1)], () => order.push(1));
  expect(writer.flush()).toBe(false);
  const done = new Promise<void>((resolve) => writer.submit([remove(4096)], resolve));
  expect([order, writer.pending]).toEqual([[], 2]);
  other.run("ROLLBACK");
  other.close();
  await done;
  expect([order, count("recipients"), writer.pending]).toEqual([[1], 1, 0]);
});

test("a long refusal is logged, and stalls the store when too much waits", () => {
  const { dataDir, writer, log } = newWriter();
  const other = new Database(join(dataDir, "gw.db"));
  other.run("BEGIN IMMEDIATE");
  writer.submit(Array.from({ length: PENDING_MAX }, (_, n) => remove(n)));
  for (let round = 0; round < 8; round++) writer.flush();
  expect(writer.isStalled).toBe(true);
  expect(log.events("error")).toContain("rows-delayed");
  other.run("ROLLBACK");
  other.close();
  writer.flush();
  expect([writer.isStalled, writer.pending]).toEqual([false, 0]);
});

test("one bad change is given up loudly, the others are written", () => {
  const { writer, count, log, highest } = newWriter();
  const same = insert(3);
  writer.submit([insert(1), same, same, insert(4)]);
  expect(writer.flush()).toBe(true);
  expect([count("messages"), highest()]).toEqual([3, 4]);
  expect(log.events("error")).toEqual(["rows-refused", "row-given-up"]);
});

test("close() writes what it can and says what it can't", () => {
  const { dataDir, writer, log } = newWriter();
  const other = new Database(join(dataDir, "gw.db"));
  other.run("BEGIN IMMEDIATE");
  writer.submit([insert(1)]);
  writer.close();
  expect(log.events("error")).toContain("rows-lost-at-close");
  other.run("ROLLBACK");
  other.close();
});
