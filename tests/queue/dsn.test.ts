// Reports as a sender's software reads them.
import { describe, expect, test } from "bun:test";
import type { Envelope, MessageRecord, Recipient } from "../../src/message.ts";
import { composeDsn, type DsnOptions, type DsnRecipient, wantsDsn } from "../../src/queue/dsn.ts";
import { sampleRecord } from "../store/sample-record.ts";

const original = Buffer.from("Subject: hi\r\nFrom: <a@example.org>\r\n\r\nthe body\r\n");
const NOW = Date.UTC(2026, 0, 3, 4, 5, 6);

const recordWith = (envelope: Partial<Envelope> = {}): MessageRecord => {
  const record = sampleRecord("0VbjixCgCVTWHK", { size: original.length });
  return { ...record, envelope: { ...record.envelope, ...envelope } };
};

const failed = (parts: Partial<DsnRecipient> & { to?: Partial<Recipient> } = {}): DsnRecipient => {
  const { to, ...rest } = parts;
  return {
    recipient: { address: "b@example.net", ...to },
    action: "failed",
    reply: "550 5.1.1 User unknown",
    host: "mx.example.net",
    ...rest,
  };
};

function compose(options: Partial<DsnOptions> = {}) {
  const dsn = composeDsn({
    id: "0VbjixCgCVTWHZ",
    hostname: "gw.example.org",
    now: NOW,
    record: recordWith(),
    original,
    recipients: [failed()],
    isGenuine: true,
    ...options,
  });
  if (dsn === undefined) throw new Error("no report");
  return { ...dsn, text: Buffer.from(dsn.bytes).toString() };
}

describe("wantsDsn()", () => {
  test.each([
    ["a@b", undefined, "failed delayed", "failed"],
    ["a@b", ["never"], "", ""],
    ["a@b", ["failure"], "failed", "failed"],
    ["a@b", ["delay"], "delayed", ""],
    ["a@b", ["success", "failure"], "failed relayed delivered", "failed"],
    ["", undefined, "", ""],
    ["", ["success", "failure", "delay"], "", ""],
  ] as [string, Recipient["notify"], string, string][])(
    "from <%s>, NOTIFY %p",
    (sender, notify, genuine, doubtful) => {
      const record = recordWith({ sender });
      const recipient: Recipient = { address: "b@c", ...(notify && { notify }) };
      const actions = ["failed", "delayed", "relayed", "delivered"] as const;
      const wanted = (isGenuine: boolean) =>
        actions.filter((action) => wantsDsn(record, recipient, action, isGenuine)).join(" ");
      expect([wanted(true), wanted(false)]).toEqual([genuine, doubtful]);
    },
  );

  test("composeDsn() gives nothing when nobody wants to hear", () => {
    const recipients = [failed({ to: { notify: ["never"] } })];
    const about = { id: "x", hostname: "h", now: NOW, record: recordWith(), original };
    const options = { ...about, isGenuine: true };
    expect(composeDsn({ ...options, recipients })).toBeUndefined();
    expect(composeDsn({ ...options, recipients: [] })).toBeUndefined();
  });
});

test("a report goes from nobody to the sender and does not ask to be answered", () => {
  const { envelope, text, subject, messageId } = compose();
  expect(envelope).toEqual({
    sender: "",
    recipients: [{ address: "a@example.org" }],
    isUtf8: false,
    body: "7bit",
  });
  expect(text).toContain("Auto-Submitted: auto-replied\r\n");
  expect(text).toContain("To: <a@example.org>\r\n");
  expect(text).toContain("Date: Sat, 03 Jan 2026 04:05:06 +0000\r\n");
  expect(text).toContain("References: <0VbjixCgCVTWHK@example.org>\r\n");
  expect([subject, messageId]).toEqual([
    "Undelivered mail returned to sender",
    "<0VbjixCgCVTWHZ@gw.example.org>",
  ]);
});

test("a report has text for people, fields for machines, and the header of the original", () => {
  const { text } = compose();
  const boundary =
    /^Content-Type: multipart\/report; report-type=delivery-status;\r\n\tboundary="(.+)"/m;
  const parts = text.split(`--${boundary.exec(text)?.[1]}`);
  expect(parts.length).toBe(5);
  expect(parts[4]).toBe("--\r\n");
  expect(parts[1]).toContain("<b@example.net>");
  expect(parts[1]).toContain("mx.example.net said: 550 5.1.1 User unknown");
  expect(parts[2]?.split("\r\n")).toEqual([
    "",
    "Content-Type: message/delivery-status",
    "Content-Transfer-Encoding: 7bit",
    "",
    "Reporting-MTA: dns; gw.example.org",
    "Arrival-Date: Fri, 02 Jan 2026 03:04:05 +0000",
    "",
    "Final-Recipient: rfc822; b@example.net",
    "Action: failed",
    "Status: 5.1.1",
    "Remote-MTA: dns; mx.example.net",
    "Diagnostic-Code: smtp; 550 5.1.1 User unknown",
    "Last-Attempt-Date: Sat, 03 Jan 2026 04:05:06 +0000",
    "",
    "",
  ]);
  expect(parts[3]).toStartWith("\r\nContent-Type: text/rfc822-headers\r\n");
  expect(parts[3]).toContain("Received: from client.example.org by gw\r\nSubject: hi\r\n");
  expect(parts[3]).not.toContain("the body");
});

describe("what is returned of the original", () => {
  test.each([
    ["full", {}, "message/rfc822", true],
    ["hdrs", {}, "text/rfc822-headers", false],
    ["full", { action: "delayed" }, "text/rfc822-headers", false],
  ] as const)("RET=%s, %p", (ret, parts, type, hasBody) => {
    const { text } = compose({ record: recordWith({ ret }), recipients: [failed(parts)] });
    expect([text.includes(`Content-Type: ${type}\r\n`), text.includes("the body")]).toEqual([
      true,
      hasBody,
    ]);
  });

  test("is the header alone if only a part of the body is at hand", () => {
    const { text } = compose({
      record: { ...recordWith({ ret: "full" }), size: original.length + 1 },
    });
    expect(text).not.toContain("the body");
  });

  test("is cut at a line's end if the header is endless", () => {
    const header = Buffer.from(`X: ${"y".repeat(100)}\r\n`.repeat(2_000));
    const { text, bytes } = compose({ original: header });
    expect(bytes.length).toBeLessThan(70_000);
    expect(text).toMatch(/X: y{100}\r\n\r\n--gw-/);
  });

  test("is labelled 8bit if it is", () => {
    const { envelope, text } = compose({
      original: Buffer.from("Subject: \xfc\r\n\r\n", "latin1"),
    });
    expect(envelope.body).toBe("8bitmime");
    expect(text).toMatch(/rfc822-headers\r\nContent-Transfer-Encoding: 8bit/);
  });

  test("never ends a part of the report", () => {
    const { text } = compose({ original: Buffer.from("X: --gw-0VbjixCgCVTWHZ-0\r\n\r\n") });
    expect(text).toContain('boundary="gw-0VbjixCgCVTWHZ-1"');
  });
});

describe("fields", () => {
  test.each([
    ["failed", "550 no code", "5.0.0"],
    ["failed", "552-5.2.2 full", "5.2.2"],
    ["failed", "450 4.2.2 full", "5.0.0"],
    ["delayed", "450 4.2.2 full", "4.2.2"],
    ["delayed", "no route to host", "4.0.0"],
    ["relayed", "250 2.1.5 ok", "2.1.5"],
  ] as const)("status of %s after %p is %s", (action, reply, status) => {
    const recipients = [failed({ action, reply, to: { notify: ["failure", "delay", "success"] } })];
    expect(compose({ recipients }).text).toContain(`Status: ${status}\r\n`);
  });

  test("say that time was up, until when gw tries, and what was asked for", () => {
    const { text } = compose({
      record: recordWith({ envid: "QQ=314" }),
      recipients: [
        failed({ isExpired: true, reply: "451 4.3.0 later" }),
        failed({
          action: "delayed",
          retryUntil: NOW,
          reply: "no route",
          host: "",
          to: { orcpt: "rfc822;Bob+2Bx@example.net" },
        }),
      ],
    });
    expect(text).toContain("Status: 4.4.7\r\n");
    expect(text).toContain("Original-Envelope-Id: QQ=314\r\n");
    expect(text).toContain("Original-Recipient: rfc822; Bob+x@example.net\r\n");
    expect(text).toContain("Will-Retry-Until: Sat, 03 Jan 2026 04:05:06 +0000\r\n");
    expect(text).toContain("Diagnostic-Code: x-gw; no route\r\n");
    expect(text.match(/^Action: /gm)?.length).toBe(2);
  });

  test.each([
    ["reply", { reply: "550 x\r\nBcc: evil@example.org\r\n\r\n--gw" }],
    ["host", { host: "mx\nAction: relayed" }],
    ["address", { to: { address: "b@c>\r\nX: y" } }],
    ["orcpt", { to: { orcpt: "rfc822;b+0D+0AX: y" } }],
  ])("can't be forged by the %s", (_, parts) => {
    const { text } = compose({ recipients: [failed(parts)] });
    expect(text).not.toMatch(/^(?:Bcc|X|Action: relayed)/m);
    expect(text.replaceAll("\r\n", "")).not.toMatch(/[\r\n]/);
  });

  test("are folded: no line is longer than a mail may have", () => {
    const { text } = compose({
      recipients: [
        failed({ reply: `550 ${"word ".repeat(400)}` }),
        failed({ reply: "x".repeat(5_000) }),
      ],
    });
    const longest = Math.max(...text.split("\r\n").map(({ length }) => length));
    expect(longest).toBeLessThan(998);
  });

  test("carry addresses beyond ASCII as RFC 6533 wants", () => {
    const { text, envelope } = compose({
      record: recordWith({ isUtf8: true, sender: "jürgen@example.org" }),
      recipients: [failed({ to: { address: "zoë@example.net" } })],
    });
    expect(text).toContain("Final-Recipient: utf-8; zoë@example.net\r\n");
    expect(text).toContain("Content-Type: message/global-delivery-status\r\n");
    expect(text).toContain("Content-Type: message/global-headers\r\n");
    expect(text).toContain("To: <jürgen@example.org>\r\n");
    expect([envelope.isUtf8, envelope.body]).toEqual([true, "8bitmime"]);
  });
});
