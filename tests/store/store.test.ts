// The store as a whole: what was acknowledged is found again, whatever happens.
import { Database } from "bun:sqlite";
import { afterEach, describe, expect, test } from "bun:test";
import {
  cpSync,
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { StoreFullError } from "../../src/store/disk.ts";
import { Store } from "../../src/store/store.ts";
import { sampleRecord } from "./sample-record.ts";
import {
  cleanUp,
  closeAfter,
  FaultyDisk,
  finishAll,
  KeptLog,
  ManualClock,
  newId,
  openStore,
  sampleBody,
  storedText,
  storeMessage,
  tempFolder,
} from "./samples.ts";

afterEach(cleanUp);

const spool = (dataDir: string) => readdirSync(join(dataDir, "spool"));
const segments = (dataDir: string) => spool(dataDir).filter((name) => name.endsWith(".seg"));

function rowsOf(store: Store, place: "queue" | "quarantine") {
  return place === "queue" ? store.queue : store.vault;
}

describe("commit()", () => {
  test.each([
    ["small, in memory", 5_000, "queue"],
    ["empty", 0, "queue"],
    ["large, in its own file", 700_000, "queue"],
    ["small and quarantined", 5_000, "quarantine"],
    ["large and quarantined", 700_000, "quarantine"],
  ] as const)("keeps a message that is %s", async (_, size, place) => {
    const dataDir = tempFolder();
    const store = await openStore({ dataDir });
    const id = newId();
    const bytes = sampleBody(id, size);
    await storeMessage(store, { id, bytes, place });
    expect(await storedText(store, id)).toBe(Buffer.from(bytes).toString("latin1"));
    expect(rowsOf(store, place).show(id)?.record.size).toBe(size);
    expect(readdirSync(join(dataDir, "quarantine"))).toEqual(place === "quarantine" ? [id] : []);
    await store.close();

    const again = await openStore({ dataDir });
    expect(await storedText(again, id)).toBe(Buffer.from(bytes).toString("latin1"));
    expect(rowsOf(again, place).show(id)?.record.size).toBe(size);
  });

  test("shares flushes between messages that come together", async () => {
    const disk = new FaultyDisk();
    const store = await openStore({ disk });
    await Promise.all(Array.from({ length: 200 }, () => storeMessage(store)));
    expect(store.queue.counts()).toMatchObject({ messages: 200, bytes: 1_000_000 });
    expect(disk.syncs).toBeLessThan(40);
  });

  test("keeps bodies and rows to their own user", async () => {
    const dataDir = tempFolder();
    const store = await openStore({ dataDir });
    const id = await storeMessage(store, { place: "quarantine" });
    await storeMessage(store);
    const mode = (path: string) => (statSync(join(dataDir, path)).mode & 0o777).toString(8);
    expect(["spool", "quarantine", "spool/large"].map(mode)).toEqual(["700", "700", "700"]);
    const files = [`quarantine/${id}`, "gw.db", "gw.db-wal", `spool/${segments(dataDir)[0]}`];
    expect(files.map(mode)).toEqual(["600", "600", "600", "600"]);
  });

  test.each([
    ["no recipients", []],
    ["too many recipients", Array.from({ length: 4097 }, (_, n) => ({ address: `${n}@x.test` }))],
  ])("refuses a record with %s", async (_, recipients) => {
    const store = await openStore();
    await expect(storeMessage(store, { recipients })).rejects.toThrow("1 to 4096 recipients");
  });

  test("refuses a draft that is not finished or is committed twice", async () => {
    const store = await openStore();
    const draft = store.draft(newId());
    const record = sampleRecord(draft.id);
    await expect(store.commit(draft, record, "queue")).rejects.toThrow("is open");
    await draft.finish();
    await store.commit(draft, record, "queue");
    await expect(store.commit(draft, record, "queue")).rejects.toThrow("is taken");
  });

  test.each(["", "../../etc/passwd", "short", "A".repeat(65), "12345678901/"])(
    "draft() refuses %p as a queue id",
    async (id) => {
      const store = await openStore();
      expect(() => store.draft(id)).toThrow("not a queue id");
    },
  );
});

describe("a disk that refuses", () => {
  const faults = [
    ["write", "ENOSPC"],
    ["write", "EIO"],
    ["sync", "EIO"],
    ["create", "EROFS"],
    ["syncFolder", "EIO"],
  ] as const;
  const kinds = [
    ["small", 5_000, "queue"],
    ["large", 700_000, "queue"],
    ["quarantined", 5_000, "quarantine"],
  ] as const;

  for (const [operation, code] of faults) {
    test.each(kinds)(
      `refuses a %s message at ${code} on ${operation}, and recovers`,
      async (...kind) => {
        const [, size, place] = kind;
        const dataDir = tempFolder();
        const disk = new FaultyDisk();
        disk.tornBytes = 100;
        const store = await openStore({ dataDir, disk });
        disk.faults.set(operation, code);
        const refused = newId();
        const attempt = storeMessage(store, {
          id: refused,
          bytes: sampleBody(refused, size),
          place,
        });
        await expect(attempt).rejects.toThrow(StoreFullError);
        disk.faults.clear();
        const kept = await storeMessage(store, { bytes: sampleBody("kept", size), place });
        expect(store.body(refused)).toBeUndefined();
        expect(await storedText(store, kept)).toBe(sampleBody("kept", size).toString());
        await store.close();

        const log = new KeptLog();
        const again = await openStore({ dataDir, log });
        expect(again.body(refused)).toBeUndefined();
        expect(await storedText(again, kept)).toBe(sampleBody("kept", size).toString());
        expect(log.events("error")).toEqual([]);
      },
    );
  }

  test("never finds a refused message again, even if it can't be cut off the segment", async () => {
    const dataDir = tempFolder();
    const disk = new FaultyDisk();
    const store = await openStore({ dataDir, disk });
    const kept = await storeMessage(store);
    disk.faults.set("sync", "EIO").set("truncate", "EIO");
    const refused = newId();
    await storeMessage(store, { id: refused }).catch(() => undefined);
    disk.faults.clear();
    const bytes = segments(dataDir).map((name) => readFileSync(join(dataDir, "spool", name)));
    expect(Buffer.concat(bytes).includes(refused)).toBe(true);
    await store.close();

    const again = await openStore({ dataDir });
    expect(again.queue.list().map(({ id }) => id)).toEqual([kept]);
  });

  test("refuses drafts and commits while space is short, not a moment longer", async () => {
    const disk = new FaultyDisk();
    const clock = new ManualClock();
    const store = await openStore({ disk, clock, freeSpaceMin: 1_000_000 });
    const draft = store.draft(newId());
    await draft.write(sampleBody(draft.id));
    await draft.finish();
    disk.free = 999_999;
    clock.advance(100);
    expect(() => store.draft(newId())).toThrow(StoreFullError);
    await expect(store.commit(draft, sampleRecord(draft.id), "queue")).rejects.toThrow(
      StoreFullError,
    );
    disk.free = 1_000_000;
    clock.advance(100);
    await storeMessage(store);
    expect(store.queue.counts().messages).toBe(1);
  });

  test("stops a large message when space runs out on the way, and leaves no file", async () => {
    const dataDir = tempFolder();
    const disk = new FaultyDisk();
    const clock = new ManualClock();
    const store = await openStore({ dataDir, disk, clock, freeSpaceMin: 1_000 });
    const draft = store.draft(newId());
    const write = async () => {
      for (let count = 0; count < 100; count++) {
        await draft.write(new Uint8Array(100_000));
        if (count === 20) disk.free = 0;
        clock.advance(50);
      }
    };
    await expect(write()).rejects.toThrow(StoreFullError);
    await draft.finish().catch(() => undefined);
    draft.discard();
    while (readdirSync(join(dataDir, "spool/large")).length > 0) await Bun.sleep(1);
    expect(draft.size).toBeLessThan(4_000_000);
  });
});

describe("a file system that is really full", () => {
  // A small tmpfs where mounting is permitted; elsewhere a disk that says the same.
  function smallFolder() {
    const dataDir = tempFolder();
    const mount = Bun.spawnSync(["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", dataDir]);
    return { dataDir, isMounted: mount.exitCode === 0 };
  }

  test("refuses mail, keeps what it has, and takes mail again when there is space", async () => {
    const { dataDir, isMounted } = smallFolder();
    const disk = new FaultyDisk();
    if (!isMounted) disk.faults.set("write", "ENOSPC");
    try {
      const filler = join(dataDir, "filler");
      writeFileSync(filler, new Uint8Array(isMounted ? 1_000_000 : 1));
      const store = await Store.open({
        dataDir,
        disk,
        log: new KeptLog(),
        freeSpaceMin: 0,
        tendIntervalMs: 0,
      });
      const kept: string[] = [];
      const fill = async () => {
        for (let count = 0; count < 1_000; count++) kept.push(await storeMessage(store));
      };
      await expect(fill()).rejects.toThrow(StoreFullError);
      await expect(fill()).rejects.toThrow(StoreFullError);
      rmSync(filler);
      disk.faults.clear();
      kept.push(await storeMessage(store));
      await store.close();
      const again = await Store.open({ dataDir, log: new KeptLog(), freeSpaceMin: 0 });
      expect(again.queue.list().map(({ id }) => id)).toEqual(kept);
      await again.close();
    } finally {
      if (isMounted) Bun.spawnSync(["umount", "-l", dataDir]);
    }
  });
});

describe("a database that refuses", () => {
  test("is followed up later: mail is taken, and its rows come when the lock is gone", async () => {
    const dataDir = tempFolder();
    const store = await openStore({ dataDir });
    const other = new Database(join(dataDir, "gw.db"));
    other.run("BEGIN IMMEDIATE");
    const id = await storeMessage(store);
    expect(store.body(id)).toBeUndefined();
    other.run("ROLLBACK");
    other.close();
    const queued = new Promise<string>((done) =>
      store.listen({ onQueued: ({ record }) => done(record.id), onChanged() {} }),
    );
    expect(await queued).toBe(id);
    expect(await storedText(store, id)).toBe(sampleBody(id).toString());
  });

  test("loses nothing when the process ends before the rows are written", async () => {
    const dataDir = tempFolder();
    const store = await openStore({ dataDir });
    const first = await storeMessage(store);
    const other = new Database(join(dataDir, "gw.db"));
    other.run("BEGIN IMMEDIATE");
    const second = await storeMessage(store);
    await store.close();
    other.run("ROLLBACK");
    other.close();
    const log = new KeptLog();
    const again = await openStore({ dataDir, log });
    expect(again.queue.list().map(({ id }) => id)).toEqual([first, second]);
    expect(log.events("warn")).toEqual(["mail-recovered"]);
  });

  test.each([
    ["not a database", (path: string) => writeFileSync(path, "x".repeat(5_000)), "is damaged"],
    [
      "of a newer gw",
      (path: string) => {
        const db = new Database(path);
        db.run("PRAGMA user_version = 99");
        db.close();
      },
      "use the newer gw",
    ],
  ])("that is %s stops the server with a reason", async (_, spoil, reason) => {
    const dataDir = tempFolder();
    await (await openStore({ dataDir })).close();
    spoil(join(dataDir, "gw.db"));
    await expect(openStore({ dataDir })).rejects.toThrow(reason);
    expect(() => Store.attach(dataDir)).toThrow(reason);
  });
});

describe("a second process", () => {
  test("can't open a data folder that is in use, and can once it is free", async () => {
    const dataDir = tempFolder();
    const store = await openStore({ dataDir });
    await expect(Store.open({ dataDir, log: new KeptLog() })).rejects.toThrow(
      "in use by another gw",
    );
    await store.close();
    await openStore({ dataDir });
  });

  test("attaches: it sees rows, changes them, and the server notices", async () => {
    const dataDir = tempFolder();
    const store = await openStore({ dataDir });
    const id = await storeMessage(store);
    const gone = await storeMessage(store, { place: "quarantine" });
    let changes = 0;
    store.listen({ onQueued() {}, onChanged: () => changes++ });
    await store.tend();
    expect(changes).toBe(0);
    const script = `
      import { Store } from ${JSON.stringify(join(import.meta.dir, "../../src/store/store.ts"))};
      const store = Store.attach(${JSON.stringify(dataDir)});
      console.log(JSON.stringify([store.queue.hold({ ids: "all" }), store.vault.delete(["${gone}"])]));
      await store.close();`;
    const run = Bun.spawnSync([process.execPath, "-e", script]);
    expect(run.stderr.toString() + run.stdout.toString()).toBe(`[1,["${gone}"]]\n`);
    expect(existsSync(join(dataDir, "quarantine", gone))).toBe(false);
    await store.tend();
    expect(changes).toBe(1);
    expect(store.queue.list({ state: "held" }).map((item) => item.id)).toEqual([id]);
  });

  test("an attached store takes no mail, and there must be something to attach to", async () => {
    const dataDir = tempFolder();
    expect(() => Store.attach(dataDir)).toThrow("start the server first");
    await (await openStore({ dataDir })).close();
    const store = closeAfter(Store.attach(dataDir));
    expect(() => store.draft(newId())).toThrow("takes no mail");
  });
});

describe("power loss", () => {
  // The folder as it was at one moment, while the segments go on: what a lost tail of rows is like.
  test("brings back every message whose rows were lost, and none that was done before", async () => {
    const dataDir = tempFolder();
    const store = await openStore({ dataDir, segmentSizeMax: 30_000 });
    await storeMessage(store);
    await finishAll(store);
    const before = [await storeMessage(store), await storeMessage(store, { place: "quarantine" })];
    const later = tempFolder();
    for (const name of ["gw.db", "gw.db-wal"]) cpSync(join(dataDir, name), join(later, name));
    const after: string[] = [];
    for (let count = 0; count < 20; count++) after.push(await storeMessage(store));
    after.push(await storeMessage(store, { bytes: sampleBody("large", 600_000) }));
    const kept = await storeMessage(store, { place: "quarantine" });
    await store.close();
    for (const name of ["spool", "quarantine"]) {
      cpSync(join(dataDir, name), join(later, name), { recursive: true });
    }
    const again = await openStore({ dataDir: later });
    const queued = again.queue.list().map(({ id }) => id);
    expect(queued).toEqual([before[0] ?? "", ...after]);
    const quarantined = again.vault.list().map(({ record }) => record.id);
    expect(quarantined).toEqual([kept, before[1] ?? ""]);
    for (const id of after.slice(0, -1)) {
      expect(await storedText(again, id)).toBe(sampleBody(id).toString());
    }
  });
});
