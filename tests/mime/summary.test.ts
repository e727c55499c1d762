import { expect, test } from "bun:test";
import { summarise } from "../../src/mime/summary.ts";
import { mailOf } from "../harness/extracts.ts";

test("summarise() reads Message-ID, Subject and hops", () => {
  const mail = mailOf(
    "Received: from a",
    "\tby b",
    "RECEIVED: from c",
    "X-Received: no",
    "Message-ID: <1@example.org>",
    "Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=",
    " folded",
    "Subject: the second",
    "",
    "Received: in the body",
  );
  expect(summarise(mail)).toEqual({
    messageId: "<1@example.org>",
    subject: "Grüße folded",
    hops: 2,
  });
});

test.each([
  ["nothing", "", ""],
  ["no subject", "A: b\r\n\r\n", ""],
  ["LF line ends", "Subject: x\n\nSubject: y\n", "x"],
  ["no body", "Subject: x", "x"],
  ["control characters", "Subject: =?utf-8?q?a=0D=0Ab=1B[0m?=\r\n\r\n", "ab[0m"],
  [
    "a long subject",
    `Subject: ${"x".repeat(500)}\r\n\r\n`,
    `${"x".repeat(120)}…${"x".repeat(79)}…`.slice(0, 200),
  ],
])("summarise() of a message with %s", (_, text, subject) => {
  const summary = summarise(Buffer.from(text));
  expect(summary.subject.length).toBeLessThanOrEqual(200);
  if (subject.length < 100) expect(summary.subject).toBe(subject);
});

test("summarise() counts the hops of a loop", () => {
  const loop = `${"Received: from a by b\r\n".repeat(120)}\r\n`;
  expect(summarise(Buffer.from(loop)).hops).toBe(120);
});
