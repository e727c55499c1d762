import { expect, test } from "bun:test";
import { silentLog } from "../../../src/base/log.ts";
import { loadConfig } from "../../../src/config/load.ts";
import type { Verdict } from "../../../src/message.ts";
import { Rescan } from "../../../src/pipeline/update/rescan/rescan.ts";
import type { ReleaseEnd } from "../../../src/pipeline/vault/release.ts";
import type { VaultItem } from "../../../src/vault/vault.ts";

const NOW = Date.UTC(2026, 10, 23);

function item(id: string, store: VaultItem["store"], status: VaultItem["status"]): VaultItem {
  return {
    ...{ id, store, status, receivedAt: NOW - 1000, sender: "a@example.net" },
    ...{ recipients: ["b@example.org", "c@example.org"], subject: "an offer", messageId: "" },
    ...{ size: 1, stored: 1, state: "kept" },
    findings: status === "clean" ? [] : ["Old.Name"],
  };
}

function verdictOf(status: Verdict["status"]): Verdict {
  const finding = { signature: "New.Name", offset: 0, severity: "infected" };
  const objects = status === "clean" ? [] : [{ findings: [finding] }];
  return { status, objects, elapsedMs: 0, signatureSet: "" } as unknown as Verdict;
}

/** A vault in which today's signatures see each message as `now` says. */
function rescan(
  items: readonly VaultItem[],
  now: Readonly<Record<string, Verdict["status"]>>,
  more: Parameters<typeof loadConfig>[1] = {},
) {
  const told: { event: string; lines: readonly string[] }[] = [];
  const released: string[] = [];
  const asked: unknown[] = [];
  const config = loadConfig(undefined, more);
  const work = new Rescan({
    vault: {
      list: (filter) => {
        asked.push(filter);
        return [...items];
      },
      read: async (id) => (id in now ? Buffer.from(id) : undefined),
    },
    inspector: {
      ...{ pendingCount: 0, workers: 1 },
      inspect: async ({ body }) => {
        const id = body.kind === "bytes" ? Buffer.from(body.bytes).toString() : "";
        return { verdict: verdictOf(now[id] ?? "unscanned"), summary: {} as never };
      },
    },
    config: () => config,
    log: silentLog,
    clock: { now: () => NOW, steady: () => 0 },
    tell: async (event, lines) => {
      told.push({ event, lines });
    },
    release: async (id): Promise<ReleaseEnd> => {
      released.push(id);
      return { kind: "released", queueId: "q" };
    },
  });
  return { work, told, released, asked };
}

const ITEMS = [
  item("new", "archive", "clean"),
  item("same", "quarantine", "infected"),
  item("gone", "quarantine", "infected"),
  item("unsure", "quarantine", "suspicious"),
  item("copy", "backup", "infected"),
  item("deleted", "quarantine", "infected"),
];
const SEEN: Readonly<Record<string, Verdict["status"]>> = {
  ...{ new: "infected", same: "infected", gone: "clean" },
  ...{ unsure: "unscanned", copy: "clean" },
};

test("a re-scan tells what is found now, and what is found no more", async () => {
  const { work, told, released, asked } = rescan(ITEMS, SEEN);
  const result = await work.run();
  expect(result).toMatchObject({ scanned: 5, withdrawn: ["gone"] });
  expect(asked).toEqual([{ since: NOW - 3 * 86_400_000, limit: 5000 }]);
  expect(released).toEqual([]);
  expect(told[0]?.event).toBe("after the update: 1 new finds, 1 withdrawn");
  expect(told[0]?.lines).toEqual([
    "Found now, and not when they came:",
    'archive new: New.Name; 2026-11-22 23:59 UTC, <a@example.net> to b@example.org and 1 more, "an offer"',
    "Found when they came, and not now:",
    'quarantine gone: Old.Name is found no more, it is still kept; gw vault release delivers it; 2026-11-22 23:59 UTC, <a@example.net> to b@example.org and 1 more, "an offer"',
  ]);
});

test("a re-scan releases what is found no more, if the site wants that", async () => {
  const { work, told, released } = rescan(ITEMS, SEEN, { "update.withdrawn": "release" });
  await work.run();
  expect(released).toEqual(["gone"]);
  expect(told[0]?.lines.at(-1)).toContain("it is released");
});

test("a re-scan says nothing when nothing has changed, and is not made for 0s", async () => {
  const same = rescan([item("same", "quarantine", "infected")], { same: "infected" });
  await same.work.run();
  expect(same.told).toEqual([]);
  const off = rescan(ITEMS, SEEN, { "update.rescan_age": 0 });
  expect(await off.work.run()).toMatchObject({ scanned: 0 });
  expect(off.asked).toEqual([]);
});
