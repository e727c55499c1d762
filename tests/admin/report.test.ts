// Reports: right sums, nothing of a stranger's name alive in the page, mail at the right time.
import { afterEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { simpleParser } from "mailparser";
import { addName, addTime, emptySummary, writeSummary } from "../../src/admin/history/summary.ts";
import { contentsOf } from "../../src/admin/report/contents.ts";
import { readFigures } from "../../src/admin/report/figures.ts";
import { reportMail } from "../../src/admin/report/mail.ts";
import { reportPage } from "../../src/admin/report/page.ts";
import {
  dueAt,
  periodOf,
  Reporter,
  type ReporterSettings,
} from "../../src/admin/report/reporter.ts";
import { reportText } from "../../src/admin/report/text.ts";
import { silentLog } from "../../src/base/log.ts";
import { MessageIds } from "../../src/base/message-id.ts";
import { readBody } from "../../src/store/disk.ts";
import { Store } from "../../src/store/store.ts";

const local = (...parts: [number, number, number, number?, number?]) =>
  new Date(...parts).getTime();
const NOON = local(2026, 10, 23, 12);
const HOUR = 3_600_000;
const HOSTILE = [
  "<script>alert(1)</script>@evil.example",
  '"><img src=x onerror=alert(1)>',
  "' onload='alert(1)",
  "&lt;b&gt;",
  "\u202egro.elpmaxe@\u0000\u001b[31m",
  "javascript:alert(1)",
];

const cleanups: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function opened() {
  const folder = mkdtempSync(join(tmpdir(), "gw-report-"));
  cleanups.push(() => rmSync(folder, { recursive: true, force: true }));
  const time = { at: NOON };
  const clock = { now: () => time.at, steady: () => time.at };
  const store = await Store.open({
    dataDir: folder,
    log: silentLog,
    clock,
    tendIntervalMs: 0,
    freeSpaceMin: 0,
  });
  cleanups.push(() => store.close());
  return { store, clock, time };
}

function summaryOf(received: number, names: readonly string[] = []): string {
  const summary = emptySummary();
  summary.counts = { mta_received_messages: received, av_messages_infected: 1 };
  for (const name of names) addName(summary, "senders", name);
  addTime(summary, "delivery", 700);
  addTime(summary, "delivery", 10 * 86_400_000);
  return writeSummary(summary);
}

async function filled(names: readonly string[] = []) {
  const { store, ...rest } = await opened();
  for (let hour = 0; hour < 48; hour++) {
    store.history.add("hour", { at: NOON - hour * HOUR, summary: summaryOf(hour, names) });
  }
  const about = { hostname: "gw.example.org", madeAt: NOON };
  const figures = (from: number) => readFigures(store.history, { from, to: NOON + HOUR }, about);
  return { store, figures, ...rest };
}

test("a period has the sum of its stretches, and is compared with the one before", async () => {
  const { figures } = await filled();
  const day = figures(NOON - 23 * HOUR);
  expect(day.span).toBe("hour");
  expect(day.course).toHaveLength(24);
  const [accepted] = contentsOf(day).tiles;
  expect(accepted).toMatchObject({ value: (23 * 24) / 2, before: (47 * 48) / 2 - (23 * 24) / 2 });
  expect(day.course.map(({ summary }) => summary.counts["mta_received_messages"] ?? 0)).toEqual(
    Array.from({ length: 24 }, (_, n) => 23 - n),
  );
});

test("very long periods have a bounded course, and short ones one of minutes", async () => {
  const { figures } = await filled();
  expect(figures(0).course.length).toBeLessThanOrEqual(400);
  expect(figures(NOON).span).toBe("minute");
  expect(figures(NOON - 300 * 24 * HOUR).span).toBe("day");
});

test("the page is one file without script, and whatever strangers call themselves is text in it", async () => {
  const { figures } = await filled(HOSTILE);
  const page = reportPage(figures(NOON - 23 * HOUR));
  expect(page).toContain("default-src 'none'");
  const tags = (page.match(/<[^<>]*>/g) ?? []).join("\n");
  expect(tags).not.toMatch(/<(?:script|img|iframe|link|object|form|a)\b|\son\w+\s*=/i);
  expect(tags).not.toMatch(/\b(?:src|href|xlink:href|style)\s*=/i);
  expect(page).not.toMatch(/@import|url\(/i);
  expect(page).toContain("&lt;script&gt;alert(1)&lt;/script&gt;@evil.example");
  // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what must not be there
  expect(page).not.toMatch(/[\x00-\x09\x0b-\x1f\x7f\u202e]/);
  // Every attribute is closed again: the text between tags has no tag left in it.
  const bare = page.replace(/<style>[\s\S]*<\/style>/, "").replace(/<!?\/?[a-zA-Z][^<>]*>/g, "");
  expect(bare).not.toMatch(/[<>]/);
});

test("an empty history makes an empty report, not a broken one", async () => {
  const { store } = await opened();
  const about = { hostname: "gw.example.org", madeAt: NOON };
  const figures = readFigures(store.history, { from: NOON - HOUR, to: NOON }, about);
  expect(reportText(figures)).toContain("messages accepted              0");
  expect(reportPage(figures)).not.toContain("NaN");
});

test("the text has the figures, and no control characters", async () => {
  const { figures } = await filled(HOSTILE);
  const text = reportText(figures(NOON - 23 * HOUR));
  expect(text).toContain("messages accepted            276");
  expect(text).toContain("longer than 1 d");
  // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what must not be there
  expect(text).not.toMatch(/[\x00-\x09\x0b-\x1f\x7f\u202e]/);
});

test("the mail is well formed, answers to nobody, and has the page attached", async () => {
  const { figures } = await filled(HOSTILE);
  const made = figures(NOON - 23 * HOUR);
  const options = { id: "0VbljEs3IgL6Of", from: "", to: "admin@example.org" };
  const { bytes, record } = reportMail(made, options);
  expect(bytes.toString("latin1")).not.toMatch(/(?<!\r)\n/);
  expect(record.envelope).toMatchObject({
    sender: "",
    recipients: [{ address: "admin@example.org" }],
  });
  const mail = (await simpleParser(bytes)) as {
    readonly headers: ReadonlyMap<string, string>;
    readonly text: string;
    readonly attachments: readonly { readonly content: Buffer }[];
  };
  expect(mail.headers.get("auto-submitted")).toBe("auto-generated");
  expect(mail.text).toContain("messages accepted");
  expect(mail.attachments).toHaveLength(1);
  expect(mail.attachments[0]?.content.toString()).toBe(reportPage(made));
});

test.each([
  ["daily", NOON, local(2026, 10, 23, 6)],
  ["daily", local(2026, 10, 23, 5, 59), local(2026, 10, 22, 6)],
  ["weekly", NOON, local(2026, 10, 23, 6)],
  ["weekly", local(2026, 10, 23, 5), local(2026, 10, 16, 6)],
  ["weekly", local(2026, 10, 29, 12), local(2026, 10, 23, 6)],
] as const)("a %s report at %d was due last at %d", (every, now, due) => {
  expect(dueAt(every, 6, now)).toBe(due);
});

test("a report is about whole days", () => {
  const to = local(2026, 10, 23);
  expect(periodOf("daily", NOON)).toEqual({ from: local(2026, 10, 22), to });
  expect(periodOf("weekly", NOON)).toEqual({ from: local(2026, 10, 16), to });
});

test("a report is sent once when it is due, also after a restart or late", async () => {
  const { store, clock, time } = await opened();
  const ids = new MessageIds(clock, Math.random);
  const parts = { store, ids, hostname: "gw.example.org", clock, log: silentLog };
  let settings: ReporterSettings = { every: "daily", hour: 6, to: "admin@example.org", from: "" };
  const tend = () => new Reporter(parts, () => settings).tend();
  const sent = () => store.queue.counts().messages;
  await tend();
  expect(sent()).toBe(0);
  time.at = NOON + 17 * HOUR;
  await tend();
  expect(sent()).toBe(0);
  time.at = NOON + 18 * HOUR;
  await tend();
  await tend();
  expect(sent()).toBe(1);
  time.at = NOON + 24 * 5 * HOUR;
  await tend();
  await tend();
  expect(sent()).toBe(2);
  settings = { ...settings, to: "" };
  time.at += 48 * HOUR;
  await tend();
  expect(sent()).toBe(2);
  await expect(new Reporter(parts, () => settings).send({ from: 0, to: 1 })).rejects.toThrow(
    "report.to",
  );
  const [item] = store.queue.list({ limit: 1 });
  const body = store.body(item?.id ?? "");
  expect(body === undefined ? "" : Buffer.from(await readBody(body, 1000)).toString()).toContain(
    "Report of the",
  );
});
