// Measures the ways to make a message durable, run by hand: `bun tests/bench/storage.ts [seconds]`.
// The figures behind the choice stand in src/store/spool/segment.ts.
import { Database } from "bun:sqlite";
import * as fs from "node:fs";
import { mkdtempSync, rmSync } from "node:fs";
import { open } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { systemClock } from "../../src/base/clock.ts";
import { silentLog } from "../../src/base/log.ts";
import { MessageIds } from "../../src/base/message-id.ts";
import { DEFAULT_BACKOFF } from "../../src/queue/backoff.ts";
import { Queue } from "../../src/queue/queue.ts";
import { Store } from "../../src/store/store.ts";
import { sampleRecord } from "../store/sample-record.ts";

/** One way to store a body: the promise resolves when it is durable. */
interface Way {
  readonly name: string;
  store(id: string, body: Uint8Array): Promise<void>;
  close(): void | Promise<void>;
}

const BODY_SIZE = 5_000;
const fdatasync = promisify(fs.fdatasync);

// Everything that waits while one flush runs shares the next one.
function grouped<T>(flush: (group: T[]) => Promise<void>): (item: T) => Promise<void> {
  let waiting: { item: T; done: () => void }[] = [];
  let isRunning = false;
  const run = async () => {
    isRunning = true;
    while (waiting.length > 0) {
      const group = waiting;
      waiting = [];
      await flush(group.map((entry) => entry.item));
      for (const entry of group) entry.done();
    }
    isRunning = false;
  };
  return (item) =>
    new Promise((done) => {
      waiting.push({ item, done });
      if (!isRunning) queueMicrotask(() => void (isRunning || run()));
    });
}

function filePerMessage(folder: string): Way {
  const syncFolder = grouped<null>(async () => {
    const handle = await open(folder, "r");
    await handle.sync();
    await handle.close();
  });
  return {
    name: "file + fsync, folder fsync shared",
    async store(id, body) {
      const handle = await open(join(folder, id), "wx");
      await handle.write(body);
      await handle.datasync();
      await handle.close();
      await syncFolder(null);
    },
    close() {},
  };
}

function segmentSync(folder: string): Way {
  const file = fs.openSync(join(folder, "1.seg"), "wx");
  const store = grouped<Uint8Array>(async (group) => {
    fs.writeSync(file, Buffer.concat(group));
    await fdatasync(file);
  });
  return {
    name: "segment, write on main thread + fdatasync",
    store: (_id, body) => store(body),
    close: () => fs.closeSync(file),
  };
}

function segmentAsync(folder: string): Way {
  const file = fs.openSync(join(folder, "2.seg"), "wx");
  const write = (bytes: Uint8Array) =>
    new Promise<void>((done, fail) =>
      fs.write(file, bytes, (error) => (error ? fail(error) : done())),
    );
  const store = grouped<Uint8Array>(async (group) => {
    await write(Buffer.concat(group));
    await fdatasync(file);
  });
  return {
    name: "segment, async write + fdatasync",
    store: (_id, body) => store(body),
    close: () => fs.closeSync(file),
  };
}

function sqliteBodies(folder: string): Way {
  const db = new Database(join(folder, "bodies.db"));
  db.run("PRAGMA journal_mode = WAL");
  db.run("PRAGMA synchronous = FULL");
  db.run("CREATE TABLE body (id TEXT PRIMARY KEY, bytes BLOB) WITHOUT ROWID");
  const insert = db.query("INSERT INTO body VALUES (?, ?)");
  const all = db.transaction((group: readonly [string, Uint8Array][]) => {
    for (const [id, bytes] of group) insert.run(id, bytes);
  });
  const store = grouped<[string, Uint8Array]>(async (group) => {
    // The flush blocks the thread here, so that a turn of the loop is given to gather a group.
    await new Promise((done) => setImmediate(done));
    all(group);
  });
  return {
    name: "SQLite bodies, WAL, synchronous=FULL",
    store: (id, body) => store([id, body]),
    close: () => db.close(),
  };
}

// All of it: draft, commit, rows, hand-out, settling, deletion.
async function gwStore(folder: string): Promise<Way> {
  const store = await Store.open({ dataDir: folder, log: silentLog, freeSpaceMin: 0 });
  const ids = new MessageIds(systemClock, Math.random);
  const queue = new Queue({
    store,
    clock: systemClock,
    log: silentLog,
    backoff: () => DEFAULT_BACKOFF,
    random: Math.random,
  });
  queue.onReady(() => {
    for (const job of queue.take(100)) {
      queue.settle(
        job,
        job.recipients.map(() => ({ kind: "delivered", reply: "250 OK", host: "mx" })),
      );
    }
  });
  return {
    name: "gw: commit + rows + take + settle + delete",
    async store(_id, body) {
      const draft = store.draft(ids.next());
      const record = sampleRecord(draft.id, { size: body.length });
      await draft.write(body);
      await draft.finish();
      await store.commit(draft, record, "queue");
    },
    async close() {
      queue.close();
      await store.close();
    },
  };
}

async function measure(way: Way, writers: number, seconds: number) {
  let count = 0;
  let worst = 0;
  const until = performance.now() + seconds * 1000;
  const cpu = process.cpuUsage();
  const thread = process.threadCpuUsage?.();
  const start = performance.now();
  const writer = async (name: number) => {
    const body = new Uint8Array(BODY_SIZE).fill(65 + (name % 26));
    for (let number = 0; performance.now() < until; number++) {
      const begun = performance.now();
      await way.store(`${name}-${number}`, body);
      worst = Math.max(worst, performance.now() - begun);
      count++;
    }
  };
  await Promise.all(Array.from({ length: writers }, (_, name) => writer(name)));
  const elapsed = (performance.now() - start) / 1000;
  const used = process.cpuUsage(cpu);
  const own = thread && process.threadCpuUsage(thread);
  const ms = (usage: NodeJS.CpuUsage) => ((usage.user + usage.system) / 1000 / count).toFixed(3);
  console.log(
    [
      way.name.padEnd(44),
      String(writers).padStart(4),
      (count / elapsed).toFixed(0).padStart(7),
      ms(used).padStart(7),
      (own ? ms(own) : "-").padStart(7),
      worst.toFixed(0).padStart(6),
    ].join(" "),
  );
}

const seconds = Number(process.argv[2] ?? "2");
console.log(`${"way".padEnd(44)} wrtr   msg/s  CPU ms  thread  worst ms`);
for (const writers of [20, 100]) {
  for (const make of [filePerMessage, segmentSync, segmentAsync, sqliteBodies, gwStore]) {
    const folder = mkdtempSync(join(tmpdir(), "gw-bench-"));
    const way = await make(folder);
    await measure(way, writers, seconds);
    await way.close();
    rmSync(folder, { recursive: true });
  }
}
