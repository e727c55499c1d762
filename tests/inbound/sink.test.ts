import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Sink, type SunkMessage } from "../../src/inbound/sink.ts";
import { MemoryLog } from "../harness/inbound.ts";
import { LineClient } from "../harness/line-client.ts";

let folder = "";

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "gw-sink-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function deliver(port: number, recipients: readonly string[], body: string): Promise<void> {
  const client = await LineClient.connect(port);
  await client.expect("220");
  await client.command("EHLO client.example.net", "250");
  await client.command("MAIL FROM:<a@example.net>", "250");
  for (const recipient of recipients) await client.command(`RCPT TO:<${recipient}>`, "250");
  await client.command("DATA", "354");
  await client.command(`${body}\r\n.`, "250 2.0.0 OK: queued as ");
  await client.command("QUIT", "221");
  client.close();
}

test("a sink writes what it takes, for any recipient, into files", async () => {
  const log = new MemoryLog();
  const target = join(folder, "deep/er");
  const sink = await Sink.start({ address: "127.0.0.1:0", folder: target, log });
  await deliver(
    sink.port,
    ["b@anywhere.example", "c@elsewhere.example"],
    "Subject: x\r\n\r\nhello",
  );
  await deliver(sink.port, ["d@anywhere.example"], "second");
  const names = readdirSync(target).sort();
  expect(names).toHaveLength(2);
  const text = readFileSync(join(target, names[0] ?? ""), "latin1");
  expect(text).toStartWith(
    "Return-Path: <a@example.net>\r\n" +
      "Delivered-To: b@anywhere.example\r\nDelivered-To: c@elsewhere.example\r\n" +
      "Received: from client.example.net ([127.0.0.1]) by localhost",
  );
  expect(text).toEndWith("\r\nSubject: x\r\n\r\nhello\r\n");
  expect(sink.count).toBe(2);
  const events = log.lines.filter(({ level }) => level !== "debug").map(({ event }) => event);
  expect(events).toEqual(["accepted", "accepted"]);
  await sink.stop(0);
});

test("a sink without a folder only counts and tells", async () => {
  const messages: SunkMessage[] = [];
  const onMessage = (message: SunkMessage) => messages.push(message);
  const sink = await Sink.start({ address: "127.0.0.1:0", onMessage });
  await deliver(sink.port, ["b@anywhere.example"], "hello");
  expect(sink.count).toBe(1);
  expect(messages[0]?.envelope).toMatchObject({
    sender: "a@example.net",
    recipients: [{ address: "b@anywhere.example" }],
  });
  expect(Buffer.from(messages[0]?.bytes ?? []).toString()).toEndWith("\r\nhello\r\n");
  await sink.stop(0);
});

test("a folder that cannot be made is an error", async () => {
  await expect(Sink.start({ address: "127.0.0.1:0", folder: "/dev/null/x" })).rejects.toThrow();
});
