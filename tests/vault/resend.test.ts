import { describe, expect, test } from "bun:test";
import { simpleParser } from "mailparser";
import { attached, carryingObject, resent } from "../../src/vault/resend.ts";
import { sampleRecord } from "../store/sample-record.ts";

/** What a reader sees of the attachments. */
async function attachmentsOf(bytes: Uint8Array) {
  const parsed = (await simpleParser(bytes)) as {
    readonly attachments?: readonly { readonly content: Buffer; readonly filename?: string }[];
  };
  return parsed.attachments ?? [];
}

const OPTIONS = {
  id: "0Newid00000000",
  hostname: "gw.example.net",
  now: Date.UTC(2026, 10, 22, 12),
  from: "postmaster@example.net",
  recipients: ["bob@example.org", "jürgen@example.org"],
};
const TRACE = "Received: by test\r\n";
const record = sampleRecord("0Oldid00000000", { subject: "Größe \r\nX: y" });

describe("resent()", () => {
  test.each([
    ["a plain message", "From: a\r\nMessage-ID: <old@x>\r\n\r\nbody\r\n"],
    ["a folded one", "Message-ID:\r\n <old@x>\r\nFrom: a\r\n\r\nbody\r\n"],
    ["one in capitals", "MESSAGE-ID : <old@x>\r\nFrom: a\r\n\r\nbody\r\n"],
    ["one with bare line feeds", "Message-ID: <old@x>\nFrom: a\n\nbody\r\n"],
    ["one without", "From: a\r\n\r\nbody\r\n"],
    ["one with two", "Message-ID: <old@x>\r\nMessage-ID: <older@x>\r\n\r\nbody\r\n"],
    ["one without a body", "Message-ID: <old@x>\r\n"],
    ["nothing", ""],
  ])("gives %s one new Message-ID and leaves its body alone", (_, message) => {
    const text = resent(Buffer.from(message), TRACE, OPTIONS).toString();
    const [header = ""] = text.split(/\r?\n\r?\n/);
    const newIds = header.match(/^Message-ID: .*$/gim);
    expect(newIds).toEqual(["Message-ID: <0Newid00000000@gw.example.net>"]);
    expect(header).toMatch(/^Resent-Date: Sun, 22 Nov 2026 12:00:00 \+0000\r\n/);
    expect(header).toContain("Resent-To: <bob@example.org>,\r\n <jürgen@example.org>\r\n");
    expect(header).toContain("Received: by test\r\n");
    const olds = (message.match(/<old\w*@x>/g) ?? []).length;
    expect((header.match(/^Original-Message-ID\s*:/gim) ?? []).length).toBe(olds);
    expect(text.endsWith(message.includes("body") ? "body\r\n" : "")).toBe(true);
  });

  test("keeps every byte that is not ASCII, and a Message-ID in the body", () => {
    const message = Buffer.from("Subject: \xe4\r\n\r\n\xff\xfe\r\nMessage-ID: <b@x>\r\n", "latin1");
    const bytes = resent(message, "", OPTIONS);
    expect(bytes.subarray(-message.length).equals(message)).toBe(true);
  });
});

describe("attached()", () => {
  test.each([
    ["ASCII", "Subject: inner\r\n\r\nhello\r\n", "7bit"],
    ["other bytes", "Subject: inner\r\n\r\nh\xe4llo\r\n", "8bit"],
    ["a boundary of ours", "Subject: inner\r\n\r\n--=_0Newid00000000_0\r\n", "7bit"],
  ])("holds a message of %s as it came", async (_, text, encoding) => {
    const message = Buffer.from(text, "latin1");
    const bytes = attached(message, record, OPTIONS);
    expect(bytes.includes(Buffer.concat([Buffer.from("\r\n\r\n"), message]))).toBe(true);
    expect(bytes.toString("latin1")).toContain(`Content-Transfer-Encoding: ${encoding}`);
    const parsed = await simpleParser(bytes);
    expect(parsed.subject).toBe("Released: Größe \\u{d}\\u{a}X: y");
    expect(await attachmentsOf(bytes)).toHaveLength(1);
  });
});

describe("carryingObject()", () => {
  test.each([
    "a.txt",
    "Größe 文.txt",
    'quo"te\\.txt',
    "new\r\nline.txt",
    `${"long".repeat(99)}.txt`,
  ])("carries %j whole, under a name that is safe in a header", async (name) => {
    const content = Buffer.from(Array.from({ length: 1000 }, (_, n) => n & 255));
    const object = { path: `message › ${name}`, name, bytes: content };
    const bytes = carryingObject(object, record, OPTIONS);
    expect(
      bytes
        .toString("latin1")
        .split("\r\n")
        .every((line) => line.length <= 200),
    ).toBe(true);
    const [found] = await attachmentsOf(bytes);
    expect(found?.content.equals(content)).toBe(true);
    expect(found?.filename?.slice(0, 5)).toBe(name.replace("\r\n", "\\u{d}").slice(0, 5));
  });
});
