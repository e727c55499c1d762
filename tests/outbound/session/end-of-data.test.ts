// The ends of data that smuggling is made of, in a body on its way out: the next hop gets one message
// whatever stands in it, and no bare CR or LF, so that no reading of it ends early. RFC 5321 §2.3.8.
import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Body } from "../../../src/message.ts";
import { Courier } from "../../../src/outbound/courier.ts";
import { CHUNK_SIZE } from "../../../src/outbound/session/payload.ts";
import { NextHopServer } from "../../harness/next-hop.ts";
import { brief, deliveryTo, keptLog, SETTINGS } from "../parts.ts";

const folder = mkdtempSync(join(tmpdir(), "gw-end-of-data-"));
let hop: NextHopServer;
let courier: Courier;

beforeEach(async () => {
  hop = await NextHopServer.start();
  courier = new Courier(SETTINGS, keptLog());
});
afterEach(async () => {
  courier.close();
  await hop.stop();
  rmSync(join(folder, "body"), { force: true });
});

const ENDS = [
  ...["\r\n.\r\n", "\n.\n", "\n.\r\n", "\r\n.\n", "\r.\r", "\r.\r\n", "\r\n.\r", "\n.\r"],
  ...["\r\n\0.\r\n", "\r\n.\0\r\n", "\r\r\n.\r\r\n", "\n\n.\n\n", "\r\n..\r\n", "\r\n. \r\n"],
  ...["\r\n.\r\n.\r\n", "\n.\r\n.\n", "\r", "\n", "."],
];
const NEXT = "MAIL FROM:<evil@example.org>\r\nRCPT TO:<victim@example.org>\r\nDATA\r\nx";
const BARE = /\r(?!\n)|(?<!\r)\n/;

const FORMS: [string, (text: string) => Body][] = [
  ["in memory", (text) => ({ kind: "bytes", bytes: Buffer.from(text) })],
  [
    "in a file, over the end of a chunk",
    (text) => {
      const path = join(folder, "body");
      // Between the lines of this there is room for the end at each place of a chunk's end.
      const before = `${"x".repeat(CHUNK_SIZE - 200)}\r\n`.slice(-(CHUNK_SIZE - 100 - text.length));
      writeFileSync(path, `${before}${text}${"\r\ny".repeat(1000)}`);
      const size = before.length + Buffer.byteLength(text) + 3000;
      return { kind: "file", path, offset: 0, size };
    },
  ],
  ["to be put into 7 bits", (text) => ({ kind: "bytes", bytes: Buffer.from(`${text}\r\né`) })],
];

for (const [form, bodyOf] of FORMS) {
  test.each(ENDS)(`a body ${form} with %j is one message`, async (end) => {
    if (form.includes("7 bits")) hop.script = { extensions: ["PIPELINING"] };
    const body = bodyOf(`Subject: a\r\n\r\nbefore${end}${NEXT}${end}`);
    expect(brief(await courier.deliver(deliveryTo(hop, { body })))).toEqual(["delivered 250"]);
    expect(hop.messages.length).toBe(1);
    const raw = hop.messages[0]?.raw.toString("latin1") ?? "";
    expect(BARE.test(raw)).toBe(false);
    expect(raw.includes("\r\n.\r\n")).toBe(false);
    expect(hop.verbs).toEqual(["EHLO", "MAIL", "RCPT", "DATA"]);
    // The session is in step: the next message goes over it.
    expect(brief(await courier.deliver(deliveryTo(hop)))).toEqual(["delivered 250"]);
    expect(hop.sessionCount).toBe(1);
  });
}
