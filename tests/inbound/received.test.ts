import { expect, test } from "bun:test";
import { receivedField, type Trace } from "../../src/inbound/received.ts";

const TRACE: Trace = {
  client: {
    address: "192.0.2.1",
    port: 4711,
    helo: "client.example.net",
    protocol: "ESMTPS",
    tls: "TLSv1.3 TLS_AES_256_GCM_SHA384",
  },
  envelope: {
    sender: "a@example.net",
    recipients: [{ address: "b@example.org" }],
    isUtf8: false,
    body: "7bit",
  },
  hostname: "gw.example.org",
  id: "0abc",
  at: Date.UTC(2026, 10, 2, 3, 4, 5),
};

const withHelo = (helo: string) => receivedField({ ...TRACE, client: { ...TRACE.client, helo } });
const withRecipients = (...addresses: string[]) =>
  receivedField({
    ...TRACE,
    envelope: { ...TRACE.envelope, recipients: addresses.map((address) => ({ address })) },
  });

test("receivedField() is the trace field of RFC 5321 §4.4, folded", () => {
  expect(receivedField(TRACE)).toBe(
    "Received: from client.example.net ([192.0.2.1]) by gw.example.org with ESMTPS\r\n" +
      "\t(TLSv1.3 TLS_AES_256_GCM_SHA384) id 0abc for <b@example.org>; Mon, 02 Nov\r\n" +
      "\t2026 03:04:05 +0000\r\n",
  );
});

test("receivedField() writes an IPv6 client as an address literal", () => {
  const client = { ...TRACE.client, address: "2001:db8::1" };
  expect(receivedField({ ...TRACE, client })).toContain("([IPv6:2001:db8::1])");
});

test.each([
  "a\r\nX-Evil: yes",
  "a\r\n\r\nbody",
  "a) by evil.example; (",
  "a\0b",
  "ü.example",
  "x".repeat(2000),
  `${"y ".repeat(100)}`,
])("receivedField() stays one field whatever HELO says: %p", (helo) => {
  const field = withHelo(helo);
  const lines = field.split("\r\n");
  expect(lines.pop()).toBe("");
  expect(lines.slice(1).every((line) => line.startsWith("\t"))).toBe(true);
  expect(field).toMatch(/^[\t\r\n -~]+$/);
  expect(field.match(/[()]/g)).toHaveLength(4);
  expect(field.match(/;/g)).toHaveLength(1);
  expect(Math.max(...lines.map((line) => line.length))).toBeLessThan(300);
});

test("receivedField() names an unknown client unknown", () => {
  expect(withHelo("")).toStartWith("Received: from unknown ([192.0.2.1])");
});

test("receivedField() names a recipient only if there is no other", () => {
  expect(withRecipients("b@example.org")).toContain("for <b@example.org>;");
  expect(withRecipients("b@example.org", "c@example.org")).not.toContain("for ");
  expect(withRecipients("b@example.org", "c@example.org")).not.toContain("@");
});

test.each(['"a b"@example.org', '"a;b"@example.org', "имя@example.org"])(
  "receivedField() leaves out a recipient that could break it: %s",
  (address) => {
    expect(withRecipients(address)).not.toContain("for ");
  },
);

test("receivedField() shows an international recipient under SMTPUTF8", () => {
  const recipients = [{ address: "имя@example.org" }];
  const envelope = { ...TRACE.envelope, isUtf8: true, recipients };
  expect(receivedField({ ...TRACE, envelope })).toContain("for <имя@example.org>;");
});

test("no line that can be folded is longer than 78 characters", () => {
  const field = withHelo(`${"abcdefghi.".repeat(6)}example.net`);
  for (const line of field.split("\r\n")) expect(line.length).toBeLessThanOrEqual(100);
  expect(
    receivedField(TRACE)
      .split("\r\n")
      .every((line) => line.length <= 78),
  ).toBe(true);
});
