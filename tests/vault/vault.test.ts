import { afterEach, describe, expect, test } from "bun:test";
import { type By, Vault } from "../../src/vault/vault.ts";
import { sampleRecord } from "../store/sample-record.ts";
import { cleanUp, newId, openStore, storeMessage } from "../store/samples.ts";

afterEach(cleanUp);

const BY: By = { at: 5_000, who: "eve (uid 1)", reason: "a test" };

const PURGE = { now: BY.at, by: BY };

async function newVault(count = 2) {
  const store = await openStore();
  const ids: string[] = [];
  for (let number = 0; number < count; number++) {
    const receivedAt = 1_000 * (number + 1);
    ids.push(
      await storeMessage(store, { place: "quarantine", receivedAt, findings: ["Test.Sig"] }),
    );
  }
  return { store, ids, vault: new Vault(store) };
}

test("list() and show() give what JSON can hold", async () => {
  const { vault, ids } = await newVault();
  const [newest] = vault.list();
  expect(JSON.parse(JSON.stringify(newest))).toMatchObject({
    id: ids[1] ?? "",
    store: "quarantine",
    receivedAt: 2_000,
    sender: "a@example.org",
    recipients: ["b@example.net"],
    subject: "a subject",
    size: 5_000,
    stored: 5_000,
    status: "clean",
    findings: ["Test.Sig"],
    state: "kept",
  });
  expect(vault.show(ids[0] ?? "")).toMatchObject({ id: ids[0], releases: [], acts: [] });
  expect(vault.show("unknown00000")).toBeUndefined();
  expect(vault.list({ signature: "other" })).toEqual([]);
  expect((await vault.read(ids[0] ?? ""))?.length).toBe(5_000);
});

test("delete() says what went, and who did it is known afterwards", async () => {
  const { vault, ids, store } = await newVault();
  expect(vault.delete([ids[0] ?? "", "unknown00000"], BY)).toEqual({
    done: [ids[0] ?? ""],
    missing: ["unknown00000"],
  });
  expect(vault.counts()).toEqual({ messages: 1, bytes: 5_000 });
  expect(store.acts.of(ids[0] ?? "")).toMatchObject([{ ...BY, verb: "delete" }]);
  const told: string[] = [];
  store.acts.tell(({ entry }) => told.push(entry));
  store.acts.tell(({ entry }) => told.push(entry));
  expect(told).toEqual([ids[0] ?? ""]);
});

describe("purge()", () => {
  const keep = { place: "quarantine", keepMs: 0, sizeMax: 0 } as const;

  test("without limits lets nothing go", async () => {
    const { vault } = await newVault(4);
    expect(vault.purge(keep, PURGE)).toEqual({ messages: 0, bytes: 0 });
  });

  test("lets go what is older, and only that", async () => {
    const { vault, ids } = await newVault(4);
    expect(vault.purge({ ...keep, keepMs: 2_000 }, PURGE)).toEqual({ messages: 2, bytes: 10_000 });
    expect(vault.purge({ ...keep, keepMs: 2_000 }, PURGE).messages).toBe(0);
    expect(vault.list().map(({ id }) => id)).toEqual([ids[3] ?? "", ids[2] ?? ""]);
  });

  test("lets go the oldest ones of what is too much", async () => {
    const { vault, ids } = await newVault(4);
    expect(vault.purge({ ...keep, sizeMax: 12_000 }, PURGE)).toEqual({
      messages: 2,
      bytes: 10_000,
    });
    expect(vault.list().map(({ id }) => id)).toEqual([ids[3] ?? "", ids[2] ?? ""]);
    expect(vault.purge({ ...keep, place: "backup", sizeMax: 1 }, PURGE).messages).toBe(0);
  });
});

describe("a release", () => {
  const outcome = { at: 1, host: "mx.example", reply: "250 2.0.0 OK" };

  async function released(recipients: readonly string[]) {
    const parts = await newVault(1);
    const { store, ids, vault } = parts;
    const entry = ids[0] ?? "";
    const id = newId();
    const record = {
      ...sampleRecord(id, { recipients: recipients.map((address) => ({ address })), size: 2 }),
      releasedFrom: entry,
    };
    const about = { kind: "message", object: "", isChecked: true } as const;
    await store.releases.ask(entry, { ...about, ...BY, record }, Buffer.from("hi"));
    const state = () => vault.show(entry)?.state;
    const take = async () => {
      const draft = store.draft(id);
      await draft.write(await store.releases.bytesOf(id));
      await draft.finish();
      await store.commitAll([{ draft, record, place: "queue", hasOwnFile: true }]);
      store.releases.settle(id);
    };
    const end = (recipient: string, kind: "delivered" | "deferred" | "failed") => {
      store.write([{ kind: "released", outcome: { ...outcome, id, recipient, kind } }]);
    };
    return { ...parts, entry, id, state, take, end };
  }

  test("goes from asked over waiting to delivered when all recipients have it", async () => {
    const { state, take, end, store, id } = await released(["a@x.example", "b@x.example"]);
    expect(state()).toBe("asked");
    expect(store.releases.isQueued(id)).toBe(false);
    await take();
    expect([state(), store.releases.isQueued(id)]).toEqual(["waiting", true]);
    end("a@x.example", "delivered");
    end("b@x.example", "deferred");
    expect(state()).toBe("waiting");
    end("b@x.example", "delivered");
    expect(state()).toBe("delivered");
  });

  test("that failed for one recipient has failed, and the message stays", async () => {
    const { state, take, end, vault, entry } = await released(["a@x.example", "b@x.example"]);
    await take();
    end("a@x.example", "delivered");
    end("b@x.example", "failed");
    expect(state()).toBe("failed");
    expect((await vault.read(entry))?.length).toBe(5_000);
  });

  test("that was deleted from the queue is withdrawn", async () => {
    const { state, take, store, id } = await released(["a@x.example"]);
    await take();
    store.queue.delete({ ids: [id] });
    expect(state()).toBe("withdrawn");
  });

  test("that can't be taken is given up with its cause", async () => {
    const { vault, entry, store, id } = await released(["a@x.example"]);
    store.releases.settle(id, "no such file");
    expect(vault.show(entry)?.releases).toMatchObject([{ state: "failed", cause: "no such file" }]);
    expect(store.releases.asked(10)).toEqual([]);
  });
});
