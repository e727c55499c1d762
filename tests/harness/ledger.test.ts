import { expect, test } from "bun:test";
import type { SendOutcome, Stage } from "./generator.ts";
import { Ledger, messageIdOf } from "./ledger.ts";
import { composeMail } from "./sample-mail.ts";

const replied = (code: number, stage: Stage = "message"): SendOutcome => ({
  kind: "replied",
  stage,
  code,
  text: String(code),
  dataMs: 0,
});
const RECIPIENTS = ["b@example.org", "c@example.org"];

function opened(ledger: Ledger, messageId: string, isInfected = false) {
  const bytes = composeMail({ messageId, text: "text" });
  return { bytes, entry: ledger.open({ messageId, recipients: RECIPIENTS, isInfected }, bytes) };
}

function arrive(ledger: Ledger, bytes: Buffer, recipients: readonly string[], start = 0) {
  const traced = Buffer.concat([Buffer.from("Received: x\r\n"), bytes]);
  ledger.deliver({ connection: 1, sender: "", recipients, bytes: traced }, start);
}

test("messageIdOf() finds the field below others", () => {
  expect(messageIdOf(composeMail({ messageId: "a@b", text: "" }))).toBe("a@b");
  expect(messageIdOf(Buffer.from("Subject: none\r\n\r\n"))).toBe("");
});

test("an accepted message is lost until each recipient has it", () => {
  const ledger = new Ledger();
  const { entry, bytes } = opened(ledger, "one@x");
  arrive(ledger, bytes, ["b@example.org"]);
  ledger.settle(entry, replied(250));
  expect(ledger.missingCount).toBe(1);
  expect(ledger.lost()).toEqual(["one@x to c@example.org (250)"]);
  arrive(ledger, bytes, ["c@example.org"]);
  expect(ledger.missingCount).toBe(0);
  expect([ledger.lost(), ledger.doubles(), ledger.damaged(), ledger.unwanted()]).toEqual([
    [],
    [],
    [],
    [],
  ]);
});

const FATES: readonly (readonly [string, SendOutcome, string])[] = [
  ["a refusal", replied(554), "refused"],
  ["a refusal of a recipient", replied(250, "rcpt"), "refused"],
  ["a connection lost before the end", { kind: "lost", stage: "data" }, "unsent"],
];

test.each(FATES)("what comes after %s is unwanted", (_what, outcome, fate) => {
  const ledger = new Ledger();
  const { entry, bytes } = opened(ledger, "two@x");
  ledger.settle(entry, outcome);
  expect(entry.fate).toBe(fate as typeof entry.fate);
  expect(ledger.unwanted()).toEqual([]);
  arrive(ledger, bytes, RECIPIENTS);
  expect(ledger.unwanted()).toHaveLength(1);
  expect(ledger.missingCount).toBe(0);
});

test("infected mail is unwanted even if it was accepted, and never missed", () => {
  const ledger = new Ledger();
  const { entry, bytes } = opened(ledger, "three@x", true);
  ledger.settle(entry, replied(250));
  expect([ledger.missingCount, ledger.lost()]).toEqual([0, []]);
  arrive(ledger, bytes, RECIPIENTS);
  expect(ledger.unwanted()).toHaveLength(1);
});

test("a reply that was never heard is no reason to complain", () => {
  const ledger = new Ledger();
  const { entry, bytes } = opened(ledger, "four@x");
  ledger.settle(entry, { kind: "lost", stage: "message" });
  arrive(ledger, bytes, RECIPIENTS);
  expect([ledger.lost(), ledger.unwanted(), ledger.damaged()]).toEqual([[], [], []]);
});

test("doubles name both deliveries, damage and strangers are told", () => {
  const ledger = new Ledger();
  const { entry, bytes } = opened(ledger, "five@x");
  ledger.settle(entry, replied(250));
  arrive(ledger, bytes, RECIPIENTS, 1);
  arrive(ledger, bytes, ["b@example.org"], 2);
  expect(ledger.doubles()).toMatchObject([
    { messageId: "five@x", first: { start: 1 }, again: { start: 2 } },
  ]);
  arrive(ledger, Buffer.concat([bytes, Buffer.from("more")]), ["z@example.org"]);
  expect(ledger.damaged()).toEqual(["five@x to z@example.org"]);
  arrive(ledger, composeMail({ messageId: "never@x", text: "" }), RECIPIENTS);
  expect(ledger.strangers).toEqual(["never@x"]);
});
