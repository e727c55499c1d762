import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readMailHeader } from "../../src/cli/view/mail-header.ts";
import type { Body } from "../../src/message.ts";

const folder = mkdtempSync(join(tmpdir(), "gw-header-"));
afterAll(() => rmSync(folder, { recursive: true }));

const bytes = (...lines: string[]): Body => ({
  kind: "bytes",
  bytes: Buffer.from(lines.join("\r\n")),
});

describe("readMailHeader()", () => {
  test("decodes From, To, Subject and Date", async () => {
    const mail = bytes(
      "From: =?utf-8?q?J=C3=BCrgen?= <j@example.org>",
      "To: a@example.org, B <b@example.org>",
      "Subject: =?iso-8859-1?b?R3L832U=?=",
      "Date: Sun, 22 Nov 2026 10:00:00 +0200",
      "",
      "Subject: of the body",
    );
    expect(await readMailHeader(mail)).toEqual([
      ["From", '"Jürgen" <j@example.org>'],
      ["To", 'a@example.org, "B" <b@example.org>'],
      ["Subject", "Grüße"],
      ["Date", "Sun, 22 Nov 2026 08:00:00 GMT"],
    ]);
  });

  test("shows fields as they stand where there is nothing to decode", async () => {
    const mail = bytes(
      'from : "Alice A." <a@example.org>',
      "TO: b@example.org,",
      "\tC <c@example.org>",
      "Subject: plain",
      "Date: Sun, 22 Nov 2026 10:00:00 +0200",
      "",
      "From: body",
    );
    expect(await readMailHeader(mail)).toEqual([
      ["From", '"Alice A." <a@example.org>'],
      ["To", "b@example.org, C <c@example.org>"],
      ["Subject", "plain"],
      ["Date", "Sun, 22 Nov 2026 08:00:00 GMT"],
    ]);
  });

  test("reads a mail inside a larger file and looks at no more than its header", async () => {
    const path = join(folder, "segment");
    const mail = `Subject: here\n\n${"x".repeat(200_000)}`;
    writeFileSync(path, `before${mail}after`);
    const body: Body = { kind: "file", path, offset: 6, size: mail.length };
    expect(await readMailHeader(body)).toEqual([["Subject", "here"]]);
  });

  test("makes control characters of encoded words harmless and cuts long values", async () => {
    const evil = Buffer.from("\u001b[31mred\u202e").toString("base64");
    const shown = await readMailHeader(
      bytes(`Subject: =?utf-8?b?${evil}?=`, `To: ${"a".repeat(5000)}@example.org`, "", ""),
    );
    expect(shown.map(([, value]) => value).join("")).not.toMatch(/[\p{Cc}\p{Cf}]/u);
    for (const [, value] of shown) expect(value.length).toBeLessThanOrEqual(200);
  });

  test.each([[""], ["no header at all"], ["\r\n\r\n"], [`X: ${"y".repeat(100_000)}`]])(
    "of %p gives nothing",
    async (text) => {
      expect(await readMailHeader(bytes(text))).toEqual([]);
    },
  );
});
