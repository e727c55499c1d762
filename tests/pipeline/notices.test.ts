// Notices as they leave: into the queue of a real store, paced, and remembered across a restart.
import { afterEach, expect, test } from "bun:test";
import { MessageIds } from "../../src/base/message-id.ts";
import type { Disposition } from "../../src/message.ts";
import { Notices, type ToldMessage } from "../../src/pipeline/notice/notices.ts";
import type { NoticeSettings } from "../../src/pipeline/notice/settings.ts";
import { Texts } from "../../src/pipeline/policy/texts.ts";
import type { TreatedDecision } from "../../src/pipeline/policy/treatment.ts";
import type { TrailShare } from "../../src/pipeline/trail.ts";
import { readBody } from "../../src/store/disk.ts";
import type { Store } from "../../src/store/store.ts";
import { group } from "../policy/samples.ts";
import { sampleRecord } from "../store/sample-record.ts";
import { cleanUp, KeptLog, ManualClock, openStore, tempFolder } from "../store/samples.ts";
import { look, mailWith } from "../treat/orders.ts";

afterEach(cleanUp);

const mail = mailWith({ name: "a.exe", bytes: "bad-content-here" });
const clock = new ManualClock();
const log = new KeptLog();
let count = 0;

function noticesOf(store: Store, more: Partial<NoticeSettings> = {}): Notices {
  const ids = new MessageIds(clock, Math.random);
  return new Notices(
    { store, ids, texts: new Texts(log), hostname: "mx.here.example", log, clock },
    {
      texts: group().rules,
      ...{ admin: "admin@here.example", from: "", perHourMax: 3 },
      isLocal: (address) => address.endsWith("@here.example"),
      isInside: ({ address }) => address.startsWith("10."),
      ...more,
    },
  );
}

const ALL = {
  notify_admin: ["infected"],
  notify_sender: ["infected"],
  notify_recipients: ["infected"],
} as const;

function message(client: string, rules = {}): ToldMessage {
  const record = sampleRecord(`0Test${String(count++).padStart(8, "0")}`);
  const recipients = [{ address: "bob@here.example" }, { address: "eve@out.example" }];
  const envelope = { ...record.envelope, sender: "alice@here.example", recipients };
  const decision: TreatedDecision = {
    ...{
      group: group({ ...ALL, ...rules }),
      recipients,
      exempted: [],
      filtered: [],
      treatments: [],
    },
    ...{
      disposition: { kind: "quarantine", reason: "infected: Test" },
      rule: "",
      status: "infected",
    },
    ...{ isBackedUp: false, done: [], notes: [] },
  };
  return {
    body: { kind: "bytes", bytes: mail },
    record: { ...record, client: { ...record.client, address: client }, envelope },
    ...{ verdict: look(mail), decisions: [decision] },
  };
}

const shareOf = (kind: Disposition["kind"]): TrailShare =>
  ({
    disposition: { kind, reason: "r" },
    place: "quarantine",
    id: "0Kept",
    treated: [],
  }) as unknown as TrailShare;

async function tell(
  notices: Notices,
  about: ToldMessage,
  kind: Disposition["kind"] = "quarantine",
) {
  const send = await notices.prepare(about);
  await send?.({ shares: [shareOf(kind)], copies: [] });
}

async function queued(store: Store): Promise<{ to: string; text: string }[]> {
  // A listing waits for rows that are on their way.
  store.queue.list();
  const { messages } = store.queue.due(clock.now() + 1e9, 1000, () => false);
  return await Promise.all(
    messages.map(async ({ record, body }) => ({
      to: record.envelope.recipients[0]?.address ?? "",
      text: Buffer.from(await readBody(body, 1 << 20)).toString("latin1"),
    })),
  );
}

const receivers = async (store: Store) => (await queued(store)).map(({ to }) => to).sort();
const ADMIN = "admin@here.example";

test("each addressee gets one notice, from the null sender; nobody outside does", async () => {
  const store = await openStore({ clock });
  await tell(noticesOf(store), message("10.0.0.1"));
  expect(await receivers(store)).toEqual([ADMIN, "alice@here.example", "bob@here.example"]);
  for (const { text } of await queued(store)) {
    expect(text).toContain("\r\nAuto-Submitted: auto-generated\r\n");
    expect(text).toContain("mx.here.example");
  }
});

test("a sender whose mail came from outside is never told, whoever it claims to be", async () => {
  const store = await openStore({ clock });
  await tell(noticesOf(store), message("192.0.2.9"));
  expect(await receivers(store)).toEqual([ADMIN, "bob@here.example"]);
});

test.each([
  ["reject", [ADMIN, "bob@here.example"]],
  ["defer", []],
] as const)(
  "when the message is met with %s the sender learns it in the session",
  async (kind, to) => {
    const store = await openStore({ clock });
    await tell(noticesOf(store), message("10.0.0.1"), kind);
    expect(await receivers(store)).toEqual([...to]);
  },
);

test("the text is that of the group's language, and tells what was done and what is kept", async () => {
  const store = await openStore({ clock });
  const about = message("192.0.2.9", { language: "de", notify_recipients: [] });
  const object = about.verdict.objects.find(({ status }) => status === "infected")?.id ?? 0;
  const share = { ...shareOf("deliver"), place: "queue", treated: [{ object, action: "remove" }] };
  const send = await noticesOf(store).prepare(about);
  await send?.({ shares: [share as TrailShare], copies: [{ place: "backup", id: "0Backup" }] });
  const [notice] = await queued(store);
  expect(notice?.to).toBe(ADMIN);
  expect(notice?.text).toMatch(/Absender:[\s\S]*0Backup[\s\S]*remove/);
});

test("nothing is sent about a status that no rule wants told", async () => {
  const store = await openStore({ clock });
  const rules = { notify_admin: ["damaged"], notify_sender: [], notify_recipients: [] };
  expect(await noticesOf(store).prepare(message("10.0.0.1", rules))).toBeUndefined();
  const nobody = noticesOf(store, { admin: "" });
  await tell(nobody, message("10.0.0.1", { notify_sender: [], notify_recipients: [] }));
  expect(await queued(store)).toEqual([]);
});

test("what is too much for an hour comes in one digest, also after a restart", async () => {
  const dataDir = tempFolder();
  const store = await openStore({ dataDir, clock });
  const notices = noticesOf(store);
  const only = { notify_sender: [], notify_recipients: [] };
  for (let n = 0; n < 8; n++) await tell(notices, message("10.0.0.1", only));
  expect((await queued(store)).length).toBe(3);
  notices.stop();
  const again = noticesOf(store);
  await again.tend();
  expect((await queued(store)).length).toBe(3);
  clock.advance(3_600_000);
  await again.tend();
  const all = await queued(store);
  expect(all.length).toBe(4);
  expect(all.filter(({ text }) => text.includes("Subject: [gw] 5 more notices")).length).toBe(1);
  clock.advance(3_600_000);
  await again.tend();
  expect(store.notices.load()).toEqual([]);
});
