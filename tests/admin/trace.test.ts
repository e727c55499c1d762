// Who watches sees what was asked for, with what went before it, and no secrets.
import { afterEach, expect, test } from "bun:test";
import { Watch } from "../../src/admin/trace/watch.ts";
import type { TraceLine } from "../../src/admin/trace/watcher.ts";
import { shownCommand } from "../../src/inbound/watch/dialog.ts";
import { startInbound, type TestInbound } from "../harness/inbound.ts";
import { LineClient } from "../harness/line-client.ts";

const clock = { now: () => 1_000, steady: () => 0 };

interface Watched {
  readonly watch: Watch;
  readonly lines: TraceLine[];
  readonly end: () => void;
}

function watching(wish: Partial<Record<"ip" | "from" | "to", string>>): Watched {
  const watch = new Watch(clock);
  const lines: TraceLine[] = [];
  const end = watch.prepare({ ip: "", from: "", to: "", ...wish })((line) => lines.push(line));
  return { watch, lines, end };
}

const say = (watch: Watch, text: string, client = "192.0.2.1", side: "C" | "S" = "C") =>
  watch.said({ client, port: 7, side, text });

const shown = (lines: readonly TraceLine[]) =>
  lines.map((line) =>
    line.kind === "dialog" ? line.text : line.kind === "event" ? line.event : "lost",
  );

const DIALOG = ["EHLO x", "MAIL FROM:<a@example.net>", "RCPT TO:<b@example.org>", "DATA"];

test.each([
  [{}, 4],
  [{ ip: "192.0.2.0/24" }, 4],
  [{ ip: "192.0.2.1" }, 4],
  [{ ip: "198.51.100.1" }, 0],
  [{ from: "A@example.net" }, 4],
  [{ from: "*@example.net", to: "b@*" }, 4],
  [{ to: "example.org" }, 4],
  [{ from: "<>" }, 0],
  [{ from: "*@example.net", to: "c@*" }, 0],
  [{ ip: "198.51.100.1", to: "b@*" }, 0],
])("a watcher that wants %j sees %d lines", (wish, count) => {
  const { watch, lines } = watching(wish);
  for (const text of DIALOG) say(watch, text);
  expect(shown(lines)).toEqual(DIALOG.slice(0, count));
});

test("what becomes of a message is shown to whoever wants its client, and to nobody else", () => {
  const one = watching({ ip: "192.0.2.1" });
  const begun = { id: "M1", session: "192.0.2.1 7", client: "192.0.2.1" };
  one.watch.note("begun", { ...begun, sender: "<a@example.net>", recipients: "b@example.org" });
  one.watch.note("scanned", { id: "M1", status: "clean" });
  one.watch.note("split", { id: "M1", copy: "M2" });
  one.watch.note("delivered", { id: "M2", recipient: "b@example.org" });
  one.watch.note("delivered", { id: "M3", recipient: "b@example.org" });
  one.watch.note("reloaded", {});
  expect(shown(one.lines)).toEqual(["scanned", "split", "delivered"]);
  expect(one.lines.every((line) => line.kind === "event" && line.session === "192.0.2.1 7")).toBe(
    true,
  );
});

test("of a message for several only the wanted recipient's outcome is shown", () => {
  const { watch, lines } = watching({ to: "b@example.org" });
  const about = { id: "M1", session: "s", client: "192.0.2.1", sender: "<a@example.net>" };
  watch.note("begun", { ...about, recipients: "b@example.org,c@example.org" });
  watch.note("delivered", { id: "M1", recipient: "c@example.org" });
  watch.note("delivered", { id: "M1", recipient: "b@example.org" });
  watch.note("refused", {
    client: "192.0.2.1",
    sender: "<x@y.example>",
    recipients: "RCPT TO:<b@example.org>",
  });
  expect(shown(lines)).toEqual(["delivered", "refused"]);
});

test("nothing is remembered when nobody watches any more", () => {
  const { watch, lines, end } = watching({});
  end();
  expect(watch.isHeard).toBe(false);
  watch.note("begun", { id: "M1", session: "s", client: "192.0.2.1" });
  say(watch, "NOOP");
  expect(lines).toEqual([]);
});

test("watchers, and what they may ask for, are bounded", () => {
  const watch = new Watch(clock);
  const all = { ip: "", from: "", to: "" };
  expect(() => watch.prepare({ ...all, ip: "example.org" })).toThrow("not a network");
  expect(() => watch.prepare({ ...all, to: "x".repeat(400) })).toThrow("characters at most");
  for (let count = 0; count < 10; count++) watch.prepare(all)(() => {});
  expect(() => watch.prepare(all)).toThrow("10 watch already");
});

test("lines that are kept back are bounded", () => {
  const { watch, lines } = watching({ to: "b@example.org" });
  for (let count = 0; count < 10_000; count++) say(watch, `NOOP ${count}`);
  say(watch, "MAIL FROM:<a@example.net>");
  say(watch, "RCPT TO:<b@example.org>");
  expect(lines.length).toBeLessThan(100);
  expect(shown(lines).at(-1)).toBe("RCPT TO:<b@example.org>");
});

test.each([
  ["AUTH PLAIN AGFsaWNlAHNlY3JldA==", "AUTH PLAIN (not shown)"],
  ["auth  login dXNlcg==", "auth  login (not shown)"],
  ["AUTH\tPLAIN AGFsaWNlAHNlY3JldA==", "AUTH\tPLAIN (not shown)"],
  [" AUTH PLAIN AGFsaWNl", "AUTH PLAIN (not shown)"],
  ["c2VjcmV0", "(8 characters that are no command, not shown)"],
  ["/* secured */", "(13 characters that are no command, not shown)"],
  ["RCPT TO:<b@example.org>", "RCPT TO:<b@example.org>"],
])("of %j is shown %j", (line, expected) => {
  expect(shownCommand(line)).toBe(expected);
});

let inbound: TestInbound | undefined;
afterEach(async () => {
  await inbound?.listener.stop(0);
  inbound = undefined;
});

test("a session is heard line by line, without the message", async () => {
  const { watch, lines } = watching({});
  inbound = await startInbound({ dialog: watch });
  const client = await LineClient.connect(inbound.port);
  await client.expect("220");
  await client.command("EHLO client.example.net", "250");
  await client.command("MAIL FROM:<a@example.net>", "250");
  await client.command("RCPT TO:<b@example.org>", "250");
  await client.command("DATA", "354");
  await client.command("Subject: secret\r\n\r\nnobody shall see this\r\n.", "250");
  const text = shown(lines).join("\n");
  expect(text).toContain("EHLO client.example.net");
  expect(text).toContain("354 ");
  expect(text).not.toContain("secret");
  expect(text).not.toContain("nobody");
  const sessions = new Set(lines.map((line) => (line.kind === "dialog" ? line.session : "")));
  expect([...sessions]).toEqual([expect.stringMatching(/^127\.0\.0\.1 \d+$/)]);
});
