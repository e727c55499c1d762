import { afterEach, expect, test } from "bun:test";
import { Quarantine } from "../../src/vault/quarantine.ts";
import { cleanUp, openStore, storeMessage } from "../store/samples.ts";

afterEach(cleanUp);

async function newQuarantine(count = 2) {
  const store = await openStore();
  const ids: string[] = [];
  for (let number = 0; number < count; number++) {
    const receivedAt = 1_000 * (number + 1);
    ids.push(
      await storeMessage(store, { place: "quarantine", receivedAt, findings: ["Test.Sig"] }),
    );
  }
  return { store, ids, quarantine: new Quarantine(store.quarantine) };
}

test("list() and show() give what JSON can hold", async () => {
  const { quarantine, ids, store } = await newQuarantine();
  const [newest] = quarantine.list();
  expect(JSON.parse(JSON.stringify(newest))).toEqual({
    id: ids[1] ?? "",
    receivedAt: 2_000,
    sender: "a@example.org",
    recipients: ["b@example.net"],
    subject: "a subject",
    size: 5_000,
    status: "clean",
    findings: ["Test.Sig"],
  });
  const shown = quarantine.show(ids[0] ?? "");
  expect(shown?.body).toEqual(store.body(ids[0] ?? "") as never);
  expect(quarantine.show("unknown00000")).toBeUndefined();
  expect(quarantine.list({ signature: "other" })).toEqual([]);
});

test("release() says what went and what was not there", async () => {
  const { quarantine, ids, store } = await newQuarantine();
  const [first = "", second = ""] = ids;
  expect(quarantine.release([first, first, "unknown00000"])).toEqual({
    done: [first],
    missing: ["unknown00000"],
  });
  quarantine.release([second], ["admin@example.org"]);
  const recipients = store.queue.list().map((item) => item.recipients[0]?.address);
  expect(recipients).toEqual(["b@example.net", "admin@example.org"]);
});

test("delete() says what went", async () => {
  const { quarantine, ids } = await newQuarantine();
  expect(quarantine.delete([ids[0] ?? "", "unknown00000"])).toEqual({
    done: [ids[0] ?? ""],
    missing: ["unknown00000"],
  });
  expect(quarantine.counts()).toEqual({ messages: 1, bytes: 5_000 });
});

test("purge() lets go what is older, and only that", async () => {
  const { quarantine, ids } = await newQuarantine(4);
  expect(quarantine.purge(3_000)).toBe(2);
  expect(quarantine.purge(3_000)).toBe(0);
  expect(quarantine.list().map(({ id }) => id)).toEqual([ids[3] ?? "", ids[2] ?? ""]);
});
