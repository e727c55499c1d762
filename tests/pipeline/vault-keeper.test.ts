import { afterEach, describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { loadConfig } from "../../src/config/load.ts";
import type { Config } from "../../src/config/schema.ts";
import type { Inspector } from "../../src/pipeline/inspection/inspector.ts";
import type { InspectJob } from "../../src/pipeline/inspection/job.ts";
import { VaultKeeper } from "../../src/pipeline/vault/keeper.ts";
import { sampleRecord } from "../store/sample-record.ts";
import {
  cleanUp,
  FaultyDisk,
  KeptLog,
  ManualClock,
  newId,
  openStore,
  storedText,
  storeMessage,
  tempFolder,
} from "../store/samples.ts";

afterEach(cleanUp);

const OBJECT = createHash("sha256").update("an object").digest("hex");

async function newKeeper(settings: Partial<Config> = {}) {
  const dataDir = tempFolder();
  const clock = new ManualClock();
  const disk = new FaultyDisk();
  const log = new KeptLog();
  const store = await openStore({ dataDir, clock, disk, freeSpaceMin: 1 });
  const jobs: InspectJob[] = [];
  const inspector = {
    inspect: async (job: InspectJob) => {
      jobs.push(job);
      return { verdict: { objects: [{ hash: OBJECT }, {}] } };
    },
  } as unknown as Inspector;
  const config = loadConfig(undefined, settings);
  const keeper = new VaultKeeper({ store, inspector, dataDir, clock, log }, config);
  return { dataDir, clock, disk, log, store, jobs, keeper };
}

type Kept = Awaited<ReturnType<typeof newKeeper>>;

async function ask({ store }: Kept) {
  const entry = await storeMessage(store, { place: "quarantine" });
  const id = newId();
  const record = { ...sampleRecord(id, { size: 8 }), releasedFrom: entry };
  const about = { kind: "message", object: "", isChecked: true, at: 1, who: "x", reason: "" };
  await store.releases.ask(entry, { ...about, kind: "message", record }, Buffer.from("the body"));
  const state = () => store.releases.of(entry)[0]?.state;
  return { entry, id, state };
}

describe("a release that is asked for", () => {
  test("comes into the queue once, with a file of its own, and its stray file is gone", async () => {
    const kept = await newKeeper();
    const { id, state } = await ask(kept);
    await kept.keeper.tend();
    await kept.keeper.tend();
    await kept.store.tend();
    expect(state()).toBe("waiting");
    expect(kept.store.queue.list().map((item) => item.id)).toEqual([id]);
    expect(await storedText(kept.store, id)).toBe("the body");
    expect(readdirSync(join(kept.dataDir, "spool/large"))).toEqual([id]);
    expect(readdirSync(join(kept.dataDir, "spool/released"))).toEqual([]);
  });

  test("waits while the disk is full", async () => {
    const kept = await newKeeper();
    const { state } = await ask(kept);
    kept.disk.free = 0;
    kept.clock.advance(1_000);
    await kept.keeper.tend();
    expect(state()).toBe("asked");
    kept.disk.free = Number.MAX_SAFE_INTEGER;
    kept.clock.advance(1_000);
    await kept.keeper.tend();
    expect(state()).toBe("waiting");
  });

  test("is given up when its bytes are gone, and the log says so", async () => {
    const kept = await newKeeper();
    const { id, state, entry } = await ask(kept);
    rmSync(join(kept.dataDir, "spool/released", id));
    await kept.keeper.tend();
    expect(state()).toBe("failed");
    expect(kept.store.releases.of(entry)[0]?.cause).toContain("ENOENT");
    expect(kept.log.events("error")).toEqual(["not-released"]);
  });

  test("is not taken twice when only the note of it was lost", async () => {
    const kept = await newKeeper();
    const { id, state } = await ask(kept);
    await storeMessage(kept.store, { id });
    await kept.keeper.tend();
    expect(state()).toBe("waiting");
    expect(kept.store.queue.counts().messages).toBe(1);
  });
});

describe("a new message", () => {
  test("is packed, and found by the hashes of its objects", async () => {
    const kept = await newKeeper();
    const id = await storeMessage(kept.store, { place: "backup" });
    await kept.keeper.tend();
    expect(kept.jobs).toMatchObject([{ isScanned: false, isHashed: true, isMessage: true }]);
    await kept.store.tend();
    expect(readdirSync(join(kept.dataDir, "backup"))).toEqual([`${id}.zst`]);
    const bytes = (await kept.store.vault.read(id)) ?? new Uint8Array();
    for (const hash of [OBJECT, createHash("sha256").update(bytes).digest("hex")]) {
      expect(kept.store.vault.list({ hash }).map(({ record }) => record.id)).toEqual([id]);
    }
  });

  test("that can't be packed stays as it is and holds up nobody", async () => {
    const kept = await newKeeper();
    const broken = await storeMessage(kept.store, { place: "backup" });
    const sound = await storeMessage(kept.store, { place: "backup" });
    writeFileSync(join(kept.dataDir, "backup", broken), "cut short");
    await kept.keeper.tend();
    await kept.keeper.tend();
    await kept.store.tend();
    expect(kept.log.events("warn")).toEqual(["not-packed"]);
    expect(readdirSync(join(kept.dataDir, "backup")).sort()).toEqual([broken, `${sound}.zst`]);
  });
});

test("old mail goes by itself, each store by its own limits, and nobody is named for it", async () => {
  const kept = await newKeeper({ "vault.quarantine_keep": 1_000, "vault.backup_size_max": 1 });
  const receivedAt = kept.clock.now();
  const old = await storeMessage(kept.store, { place: "quarantine", receivedAt });
  const archived = await storeMessage(kept.store, { place: "archive", receivedAt });
  await storeMessage(kept.store, { place: "backup", receivedAt });
  kept.clock.advance(2_000);
  const recent = await storeMessage(kept.store, {
    place: "quarantine",
    receivedAt: kept.clock.now(),
  });
  await kept.keeper.tend();
  await kept.store.tend();
  const left = kept.store.vault.list().map(({ record }) => record.id);
  expect(left).toEqual([recent, archived]);
  expect(existsSync(join(kept.dataDir, "quarantine", old))).toBe(false);
  expect(kept.store.acts.of(old)).toEqual([]);
  expect(kept.log.events("info")).toEqual(["vault-purged", "vault-purged"]);
});

test("files that an interrupted command left are removed at the start", async () => {
  const kept = await newKeeper();
  const { id } = await ask(kept);
  const folder = join(kept.dataDir, "spool/released");
  writeFileSync(join(folder, "0Stray0000000"), "x");
  kept.clock.advance(Date.now() - kept.clock.now() + 2 * 60 * 60_000);
  kept.keeper.start();
  await kept.keeper.stop();
  expect(readdirSync(folder)).toEqual([id]);
});
