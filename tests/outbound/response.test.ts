import { expect, test } from "bun:test";
import type { Outcome } from "../../src/message.ts";
import {
  isPositive,
  isReply,
  isTooManyRecipients,
  outcomeOf,
  TROUBLE,
  troubleOutcome,
} from "../../src/outbound/response.ts";

const REPLIES: [string, Outcome["kind"], string][] = [
  ["250 2.0.0 taken", "delivered", "250 2.0.0 taken"],
  ["250", "delivered", "250"],
  ["251 forwarded", "delivered", "251 forwarded"],
  ["421 4.3.2 closing", "deferred", "421 4.3.2 closing"],
  ["450 busy", "deferred", "450 busy"],
  ["550 5.1.1 unknown", "failed", "550 5.1.1 unknown"],
  ["550-5.1.1 unknown\n550 5.1.1 really", "failed", "550 5.1.1 unknown 5.1.1 really"],
  ["550-a\r\n550-b\r\n550", "failed", "550 a b"],
  ["354 go", "deferred", `${TROUBLE.protocol}: 354 go`],
  ["hello", "deferred", `${TROUBLE.protocol}: hello`],
  ["5500 no", "deferred", `${TROUBLE.protocol}: 5500 no`],
  ["650 no", "deferred", `${TROUBLE.protocol}: 650 no`],
  ["", "deferred", `${TROUBLE.protocol}: `],
  ["550 \u001b[31mred\u0007\tx", "failed", "550  [31mred x"],
];

test.each(REPLIES)("outcomeOf(%j) is %s", (reply, kind, text) => {
  expect(outcomeOf(reply, "mx")).toEqual({ kind, reply: text, host: "mx" });
});

test("outcomeOf() cuts what is too long", () => {
  expect(outcomeOf(`550 ${"x".repeat(100_000)}`, "").reply.length).toBe(500);
});

test("every TROUBLE is a reply with an enhanced code of the same class", () => {
  for (const trouble of Object.values(TROUBLE)) {
    expect(trouble).toMatch(/^([45])\d\d \1\.\d{1,3}\.\d{1,3} \S/);
    expect(isReply(trouble)).toBe(true);
    const kind = trouble.startsWith("5") ? "failed" : "deferred";
    expect(troubleOutcome(trouble, "", "why").kind).toBe(kind);
  }
  expect(troubleOutcome(TROUBLE.noDomain, "", "a\r\nb").reply).toBe(`${TROUBLE.noDomain}: a b`);
});

test("isPositive() wants three digits", () => {
  expect(["250 ok", "250-ok", "250", "2", "25", "2500", "2xx"].map(isPositive)).toEqual([
    true,
    true,
    true,
    false,
    false,
    false,
    false,
  ]);
});

const LIMITS: [string, boolean][] = [
  ["452 4.5.3 too many recipients", true],
  ["452 too many", true],
  ["552 5.5.3 too many recipients", true],
  ["452 4.2.2 mailbox full", false],
  ["452 4.3.1 disk full", false],
  ["552 5.2.2 mailbox full", false],
  ["552 mailbox full", false],
  ["450 4.5.3 later", false],
];

test.each(LIMITS)("isTooManyRecipients(%j) is %p", (reply, expected) => {
  expect(isTooManyRecipients(reply)).toBe(expected);
});
