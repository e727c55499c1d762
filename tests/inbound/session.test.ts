import { expect, test } from "bun:test";
import { Readable } from "node:stream";
import { Load } from "../../src/inbound/limits/load.ts";
import { Rates } from "../../src/inbound/limits/rates.ts";
import { RelayRules } from "../../src/inbound/relay.ts";
import { Session } from "../../src/inbound/session.ts";
import type { Client } from "../../src/message.ts";
import { REPLIES, SmtpError } from "../../src/reply.ts";
import { MemoryIntake, MemoryLog, type Script, TEST_SETTINGS } from "../harness/inbound.ts";

const CLIENT: Client = {
  address: "203.0.113.9",
  port: 4711,
  helo: "client.example.net",
  protocol: "ESMTP",
};

function sessionOf(script: Script = {}) {
  const intake = new MemoryIntake(script);
  const log = new MemoryLog();
  const parts = {
    settings: TEST_SETTINGS,
    rates: new Rates(),
    load: new Load(),
    relay: new RelayRules(TEST_SETTINGS),
    intake,
    log,
    clock: { now: () => 0, steady: () => 0 },
  };
  return { session: new Session(parts, () => CLIENT), intake, log };
}

function begun(script: Script = {}) {
  const all = sessionOf(script);
  expect(all.session.mail("MAIL FROM:<a@example.net>").code).toBe(250);
  expect(all.session.rcpt("RCPT TO:<b@example.org>")).toMatchObject({ code: 250 });
  return all;
}

const bodyOf = (text: string) => Readable.from([Buffer.from(text)], { objectMode: false });

/** What is logged but for the beginnings of messages, which only debugging is told of. */
const factsOf = (log: MemoryLog) => log.lines.filter(({ level }) => level !== "debug");

test("a message that is accepted makes one log line that tells all of it", async () => {
  const { session, log } = begun();
  expect(session.begin()).toBeUndefined();
  expect(await session.receive(bodyOf("x\r\n"))).toEqual({
    code: 250,
    enhanced: "2.0.0",
    text: "OK: queued as M1",
  });
  expect(factsOf(log)).toEqual([
    {
      level: "info",
      event: "accepted",
      fields: {
        id: "M1",
        client: "203.0.113.9",
        helo: "client.example.net",
        sender: "<a@example.net>",
        recipients: "b@example.org",
        size: 3,
        count: 1,
        reply: "250 2.0.0 OK: queued as M1",
      },
    },
  ]);
});

test("a message that the pipeline refuses makes one log line with the private cause", async () => {
  const refusal = new SmtpError(REPLIES.malware, "Some.Signature");
  const { session, log, intake } = begun({
    onFinish: () => {
      throw refusal;
    },
  });
  session.begin();
  expect(await session.receive(bodyOf("x\r\n"))).toEqual(REPLIES.malware);
  expect(factsOf(log)).toHaveLength(1);
  expect(factsOf(log)[0]).toMatchObject({
    level: "info",
    event: "refused",
    fields: { id: "M1", size: 3, reply: "554 5.7.1 Message refused: harmful content" },
  });
  expect(factsOf(log)[0]?.fields["cause"]).toBe("Some.Signature");
  expect(intake.messages).toEqual([]);
});

test("what is no SmtpError is 451 4.3.0 for the client, and a stack in the log", async () => {
  const { session, log } = begun({
    onFinish: () => {
      throw new TypeError("undefined is not\r\na function");
    },
  });
  session.begin();
  expect(await session.receive(bodyOf("x\r\n"))).toEqual(REPLIES.localError);
  expect(factsOf(log)[0]).toMatchObject({ level: "error", event: "refused" });
  expect(factsOf(log)[0]?.fields["stack"]).toContain("session.test.ts");
});

test("a refusal at DATA is answered instead of 354, and the envelope stays", async () => {
  let isFull = true;
  const { session, intake } = begun({
    onBegin: () => {
      if (isFull) throw new SmtpError(REPLIES.storageFull);
    },
  });
  expect(session.begin()).toEqual(REPLIES.storageFull);
  isFull = false;
  expect(session.begin()).toBeUndefined();
  await session.receive(bodyOf("x\r\n"));
  expect(intake.messages[0]?.envelope.sender).toBe("a@example.net");
});

test("reset() aborts a message that was begun, and forgets its envelope", () => {
  const { session, intake } = begun();
  session.begin();
  session.reset();
  expect(intake.aborted).toBe(1);
  expect(session.begin()?.code).toBe(503);
});

test("reset() leaves alone a message that is being received", async () => {
  const { session, intake } = begun();
  session.begin();
  const received = session.receive(bodyOf("x\r\n"));
  session.reset();
  expect((await received).code).toBe(250);
  expect(intake.aborted).toBe(0);
});

test("a client that leaves in mid-message is logged, and nothing is kept", async () => {
  const { session, log, intake } = begun();
  session.begin();
  const stream = new Readable({ read() {} });
  const received = session.receive(stream);
  stream.destroy();
  await received;
  expect(factsOf(log)[0]).toMatchObject({ event: "aborted", fields: { id: "M1" } });
  expect(intake).toMatchObject({ aborted: 1, messages: [] });
});

test("a refused recipient makes one log line", () => {
  const { session, log } = begun();
  expect(session.rcpt("RCPT TO:<c@elsewhere.example>")).toEqual(REPLIES.relayDenied);
  expect(factsOf(log)).toHaveLength(1);
  expect(factsOf(log)[0]?.fields).toMatchObject({
    sender: "<a@example.net>",
    recipients: "RCPT TO:<c@elsewhere.example>",
    reply: "550 5.7.1 Relaying denied",
  });
});

test("a MAIL that was refused leaves no parameter behind", async () => {
  const { session, intake } = sessionOf();
  expect(session.mail("MAIL FROM:<a b@example.net> SMTPUTF8 RET=HDRS").code).toBe(553);
  session.mail("mail from:<a@example.net>");
  await session.rcpt("rcpt to:<b@example.org>");
  session.begin();
  await session.receive(bodyOf(""));
  const { envelope } = intake.messages[0] ?? {};
  expect(envelope).toEqual({
    sender: "a@example.net",
    recipients: [{ address: "b@example.org" }],
    isUtf8: false,
    body: "7bit",
  });
});

test("a log line lists ten recipients at most", async () => {
  const { session, log } = begun();
  for (let at = 0; at < 20; at++) await session.rcpt(`RCPT TO:<r${at}@example.org>`);
  session.begin();
  await session.receive(bodyOf(""));
  expect(String(factsOf(log)[0]?.fields["recipients"])).toEndWith("r8@example.org and 11 more");
});
