// Every step of the dialogue, refused, silent, cut off and nonsensical.
import { afterEach, beforeEach, expect, test } from "bun:test";
import { systemClock } from "../../../src/base/clock.ts";
import type { Connection } from "../../../src/outbound/session/connection.ts";
import { openSession } from "../../../src/outbound/session/opening.ts";
import { Payload } from "../../../src/outbound/session/payload.ts";
import type { Attempt, Session } from "../../../src/outbound/session/session.ts";
import type { CourierSettings, Delivery } from "../../../src/outbound/settings.ts";
import { type NextHopScript, NextHopServer } from "../../harness/next-hop.ts";
import {
  BODY,
  brief,
  deliveryTo,
  IMPATIENT,
  IN_CLEAR,
  keptLog,
  recipients,
  SETTINGS,
  TRACE,
} from "../parts.ts";

let hop: NextHopServer;
let log = keptLog();
const connections = new Set<Connection>();
const sweep = () => {
  for (const connection of connections) connection.checkDeadline(performance.now());
};
let timer: ReturnType<typeof setInterval>;

beforeEach(async () => {
  hop = await NextHopServer.start();
  log = keptLog();
  timer = setInterval(sweep, 10);
});
afterEach(async () => {
  clearInterval(timer);
  for (const connection of [...connections]) connection.close();
  await hop.stop();
});

function open(settings: CourierSettings = SETTINGS) {
  const target = { host: "127.0.0.1", address: "127.0.0.1", port: hop.port };
  const context = { settings, steady: () => systemClock.steady(), log, connections };
  return openSession(target, IN_CLEAR, context);
}

async function session(settings?: CourierSettings): Promise<Session> {
  const opening = await open(settings);
  if (opening.kind !== "open") throw new Error(opening.outcome.reply);
  return opening.session;
}

async function transact(one: Session, changes: Partial<Delivery> = {}): Promise<Attempt> {
  const delivery = deliveryTo(hop, changes);
  const payload = Payload.open(delivery.trace, delivery.body);
  try {
    return await one.transact(delivery, payload);
  } finally {
    payload.close();
  }
}

function outcomesOf(attempt: Attempt): string[] {
  return attempt.kind === "stale" ? ["stale"] : brief(attempt.outcomes);
}

const THREE = { recipients: recipients("a@x.example", "b@x.example", "c@x.example") };
const hang = { act: "hang" } as const;
const drop = { act: "drop" } as const;
const reset = { act: "reset" } as const;

test("a message arrives byte for byte, with trace, envelope and dots as they should be", async () => {
  const attempt = await transact(await session());
  expect(attempt).toEqual({
    kind: "answered",
    outcomes: [
      {
        ...{ kind: "delivered", reply: "250 2.0.0 taken", host: "[127.0.0.1]" },
        success: "relayed",
      },
    ],
  });
  const [taken] = hop.messages;
  expect(taken?.message.toString()).toBe(TRACE + BODY);
  expect(taken?.raw.toString()).toBe(TRACE + BODY.replace("\r\n.one", "\r\n..one"));
  expect(hop.lines).toEqual([
    "EHLO gw.test",
    "MAIL FROM:<from@example.org>",
    "RCPT TO:<to@example.org>",
    "DATA",
  ]);
});

test("local parts in quotes go on as they came, angle brackets and all", async () => {
  const [odd, plain] = ['"<a>\\"@b"@x.example', "c@x.example"];
  const envelope = { sender: '"<script>"@example.org', isUtf8: false, body: "7bit" } as const;
  const attempt = await transact(await session(), {
    envelope,
    recipients: recipients(odd, "<b>@x.example", plain),
  });
  expect(outcomesOf(attempt)).toEqual(["delivered 250", "failed 553", "delivered 250"]);
  expect(hop.lines.slice(1, 4)).toEqual([
    'MAIL FROM:<"<script>"@example.org>',
    `RCPT TO:<${odd}>`,
    `RCPT TO:<${plain}>`,
  ]);
});

const REFUSED: [string, NextHopScript, string][] = [
  ["greeting 554", { greeting: "554 no service for you" }, "deferred 451"],
  ["greeting 421", { greeting: "421 busy" }, "deferred 451"],
  ["greeting 521", { greeting: "521 host takes no mail" }, "failed 521"],
  ["greeting 556", { greeting: "556-no\r\n556 mail here\r\n" }, "failed 556"],
  ["greeting nonsense", { greeting: "hello" }, "deferred 451"],
  ["greeting 250", { greeting: "250 ok" }, "deferred 451"],
  ["greeting then the end", { greeting: { act: "drop", text: "554 no\r\n" } }, "deferred 451"],
  ["no greeting", { greeting: hang }, "deferred 451"],
  ["hanging up at once", { greeting: drop }, "deferred 451"],
  ["a reset at once", { greeting: reset }, "deferred 451"],
  ["half a greeting", { greeting: { act: "hang", text: "22" } }, "deferred 451"],
  ["EHLO and HELO refused", { ehlo: "502 what?", helo: "550 no" }, "deferred 451"],
  ["EHLO 421", { ehlo: "421 not now" }, "deferred 451"],
  ["silence after EHLO", { ehlo: hang }, "deferred 451"],
  [
    "EHLO's reply never ends",
    { ehlo: { act: "hang", text: "250-a\r\n".repeat(20) } },
    "deferred 451",
  ],
  [
    "EHLO's reply is endless",
    { ehlo: { act: "hang", text: `250-${"x".repeat(200_000)}` } },
    "deferred 451",
  ],
  ["hanging up after EHLO", { ehlo: drop }, "deferred 451"],
];

test.each(REFUSED)("openSession(): %s", async (_, script, expected) => {
  hop.script = script;
  const opening = await open(IMPATIENT);
  if (opening.kind === "open") throw new Error("open");
  expect(brief([opening.outcome])).toEqual([expected]);
  expect(connections.size).toBe(0);
});

test("openSession() says that nobody listens", async () => {
  const { port } = hop;
  await hop.stop();
  const target = { host: "mx.example", address: "127.0.0.1", port };
  const context = { settings: SETTINGS, steady: () => 0, log, connections };
  const opening = await openSession(target, IN_CLEAR, context);
  expect(opening).toMatchObject({
    kind: "refused",
    isTlsTrouble: false,
    outcome: { kind: "deferred", host: "mx.example [127.0.0.1]" },
  });
  hop = await NextHopServer.start();
});

// Without PIPELINING one command follows the other, with it all go at once: the same must come out.
const TRANSACTIONS: [string, NextHopScript, string | string[]][] = [
  ["all goes well", {}, "delivered 250"],
  ["only HELO is known", { ehlo: "502 what?" }, "delivered 250"],
  ["MAIL 4yz", { mail: "451 later", rcpt: "503 no", data: "503 no" }, "deferred 451"],
  ["MAIL 5yz", { mail: "550 no", rcpt: "503 no", data: "503 no" }, "failed 550"],
  ["MAIL 421", { mail: "421 closing" }, "deferred 421"],
  ["MAIL 5yz and the end", { mail: { act: "drop", text: "550 no\r\n" } }, "failed 550"],
  ["MAIL nonsense", { mail: "what?", rcpt: "what?", data: "what?" }, "deferred 451"],
  ["silence after MAIL", { mail: hang }, "deferred 451"],
  ["hanging up after MAIL", { mail: drop }, "deferred 451"],
  ["a reset after MAIL", { mail: reset }, "deferred 451"],
  ["RCPT 4yz", { rcpt: "450 greylisted" }, "deferred 450"],
  ["RCPT 5yz", { rcpt: "550 unknown" }, "failed 550"],
  ["RCPT 5yz and 354", { rcpt: "550 unknown", data: "354 go" }, "failed 550"],
  ["RCPT 421", { rcpt: "421 closing" }, ["deferred 421", "deferred 421", "deferred 421"]],
  [
    "RCPT mixed",
    { rcpt: (_, count) => ["250 ok", "450 later", "550 no"][(count - 1) % 3] ?? "" },
    ["delivered 250", "deferred 450", "failed 550"],
  ],
  [
    "RCPT mixed, then the message refused",
    { rcpt: (_, count) => ["250 ok", "450 later", "550 no"][(count - 1) % 3] ?? "", end: "554 no" },
    ["failed 554", "deferred 450", "failed 550"],
  ],
  [
    "RCPT 5yz, then the end",
    { rcpt: (_, count) => (count === 1 ? "550 no" : { act: "drop" }) },
    ["failed 550", "deferred 451", "deferred 451"],
  ],
  [
    "RCPT 5yz, then 421",
    { rcpt: (_, count) => (count === 1 ? "550 no" : { act: "drop", text: "421 bye\r\n" }) },
    ["failed 550", "deferred 421", "deferred 421"],
  ],
  [
    "RCPT 5yz for all and the end",
    { rcpt: (_, n) => (n < 3 ? "550 no" : { act: "drop", text: "550 no\r\n" }) },
    "failed 550",
  ],
  ["RCPT nonsense", { rcpt: "hm" }, "deferred 451"],
  ["silence after RCPT", { rcpt: hang }, "deferred 451"],
  ["DATA 4yz", { data: "451 later" }, "deferred 451"],
  ["DATA 5yz", { data: "554 no" }, "failed 554"],
  ["DATA 5yz and the end", { data: { act: "drop", text: "554 no\r\n" } }, "failed 554"],
  ["DATA 250", { data: "250 ok" }, "deferred 451"],
  ["silence after DATA", { data: hang }, "deferred 451"],
  ["hanging up after DATA", { data: drop }, "deferred 451"],
  ["the message 4yz", { end: "451 later" }, "deferred 451"],
  ["the message 5yz", { end: "554 5.7.1 spam" }, "failed 554"],
  ["the message 5yz and the end", { end: { act: "drop", text: "554 no\r\n" } }, "failed 554"],
  ["the message 421", { end: "421 closing" }, "deferred 421"],
  ["the message nonsense", { end: "thanks" }, "deferred 451"],
  ["the message 2 and nothing", { end: "2" }, "deferred 451"],
  ["the message 354", { end: "354 more" }, "deferred 451"],
  ["silence after the message", { end: hang }, "deferred 451"],
  ["hanging up after the message", { end: drop }, "deferred 451"],
  ["a reset after the message", { end: reset }, "deferred 451"],
  ["half a reply", { end: { act: "drop", text: "250 2.0.0 ta" } }, "deferred 451"],
  ["half a refusal", { end: { act: "drop", text: "550 5.7.1 no" } }, "deferred 451"],
  ["a reply in pieces", { end: "250-2.0.0 one\r\n250-two\r\n250 three\r\n" }, "delivered 250"],
];

test.each(
  TRANSACTIONS.flatMap(([name, script, expected]) => [
    [`${name} (pipelined)`, { extensions: ["PIPELINING"], ...script }, expected] as const,
    [`${name} (one by one)`, { extensions: [], ...script }, expected] as const,
  ]),
)("transact(): %s", async (_, script, expected) => {
  hop.script = script;
  const one = await session(IMPATIENT);
  const attempt = await transact(one, THREE);
  const all = typeof expected === "string" ? [expected, expected, expected] : [...expected];
  expect(outcomesOf(attempt)).toEqual(all);
});

test("a session goes on after a refusal, and is clean then", async () => {
  const cases: NextHopScript[] = [
    { rcpt: "550 no" },
    { rcpt: "550 no", data: "354 go" },
    { data: "451 later" },
    { end: "554 no" },
    { mail: "451 no", rcpt: "503 no", data: "503 no" },
  ];
  for (const extensions of [["PIPELINING"], []]) {
    const one = await session();
    for (const script of cases) {
      hop.script = { ...script, extensions };
      await transact(one);
      hop.script = { extensions };
      const mails = hop.messages.length;
      expect(outcomesOf(await transact(one))).toEqual(["delivered 250"]);
      expect(hop.messages.slice(mails).map(({ rcpts }) => rcpts.length)).toEqual([1]);
    }
  }
  expect(hop.sessionCount).toBe(2);
});

test("a session that hung up between two messages is stale, and nothing is said of the message", async () => {
  const silent = await session();
  await transact(silent);
  hop.dropAll();
  expect(await transact(silent)).toEqual({ kind: "stale" });
  expect(silent.isOpen).toBe(false);
  hop.script = {
    mail: (_, count) => (count === 1 ? "250 ok" : { act: "drop", text: "421 idle\r\n" }),
  };
  const polite = await session();
  await transact(polite);
  expect(await transact(polite)).toEqual({ kind: "stale" });
  expect(hop.messages.length).toBe(2);
});

test("a reply that nobody asked for ends the session instead of answering the next message", async () => {
  hop.script = { end: "250 2.0.0 taken\r\n250 2.0.0 and again\r\n250 2.0.0 and again\r\n" };
  const one = await session();
  expect(outcomesOf(await transact(one))).toEqual(["delivered 250"]);
  expect(outcomesOf(await transact(one))).not.toEqual(["delivered 250"]);
});

test("a lost connection after the final dot is logged: the message may be there twice", async () => {
  hop.script = { end: drop };
  await transact(await session());
  expect(log.events).toEqual(["maybe-duplicate"]);
  hop.script = { data: drop };
  await transact(await session());
  expect(log.events).toEqual(["maybe-duplicate"]);
});

const EXTENSIONS: [string, string[], Partial<Delivery>, string[]][] = [
  [
    "nothing is offered",
    [],
    {
      envelope: { sender: "a@b.example", isUtf8: false, body: "8bitmime", ret: "full", envid: "x" },
      recipients: [{ address: "c@d.example", notify: ["never"] }],
    },
    ["MAIL FROM:<a@b.example>", "RCPT TO:<c@d.example>"],
  ],
  [
    "8BITMIME",
    ["8BITMIME"],
    { envelope: { sender: "", isUtf8: false, body: "8bitmime" } },
    ["MAIL FROM:<> BODY=8BITMIME", "RCPT TO:<to@example.org>"],
  ],
  [
    "SIZE",
    ["SIZE 1000"],
    {},
    [`MAIL FROM:<from@example.org> SIZE=${TRACE.length + BODY.length}`, "RCPT TO:<to@example.org>"],
  ],
  [
    "DSN",
    ["DSN"],
    {
      envelope: { sender: "a@b.example", isUtf8: false, body: "7bit", ret: "hdrs", envid: "a+b c" },
      recipients: [
        { address: "c@d.example", notify: ["failure", "delay"], orcpt: "rfc822;e+2Bf@g.example" },
      ],
    },
    [
      "MAIL FROM:<a@b.example> RET=HDRS ENVID=a+2Bb+20c",
      "RCPT TO:<c@d.example> NOTIFY=FAILURE,DELAY ORCPT=rfc822;e+2Bf@g.example",
    ],
  ],
  ["DSN without wishes", ["DSN"], {}, ["MAIL FROM:<from@example.org>", "RCPT TO:<to@example.org>"]],
  [
    "an ORCPT that would forge a command",
    ["DSN"],
    { recipients: [{ address: "c@d.example", orcpt: "rfc822;a\r\nRCPT TO:<x@y.example>" }] },
    ["MAIL FROM:<from@example.org>", "RCPT TO:<c@d.example>"],
  ],
  [
    "SMTPUTF8 for an address",
    ["SMTPUTF8"],
    { recipients: recipients("ä@d.example") },
    ["MAIL FROM:<from@example.org> SMTPUTF8", "RCPT TO:<ä@d.example>"],
  ],
  [
    "SMTPUTF8 for headers",
    ["SMTPUTF8"],
    { envelope: { sender: "a@b.example", isUtf8: true, body: "8bitmime" } },
    ["MAIL FROM:<a@b.example> SMTPUTF8", "RCPT TO:<to@example.org>"],
  ],
  [
    "SMTPUTF8 asked for without need",
    [],
    { envelope: { sender: "a@b.example", isUtf8: true, body: "7bit" } },
    ["MAIL FROM:<a@b.example>", "RCPT TO:<to@example.org>"],
  ],
];

test.each(EXTENSIONS)("parameters: %s", async (_, extensions, changes, commands) => {
  hop.script = { extensions };
  expect(outcomesOf(await transact(await session(), changes))).toEqual(["delivered 250"]);
  expect(hop.lines.slice(1, 3)).toEqual(commands);
});

test("each recipient has its own DSN wishes", async () => {
  hop.script = { extensions: ["DSN", "PIPELINING"] };
  await transact(await session(), {
    recipients: [
      { address: "a@x.example", notify: ["success"] },
      { address: "b@x.example" },
      { address: "c@x.example", notify: ["never"] },
    ],
  });
  expect(hop.lines.slice(2, 5)).toEqual([
    "RCPT TO:<a@x.example> NOTIFY=SUCCESS",
    "RCPT TO:<b@x.example>",
    "RCPT TO:<c@x.example> NOTIFY=NEVER",
  ]);
});

const utf8Body = { kind: "bytes", bytes: Buffer.from("Subject: ä\r\n\r\nx\r\n") } as const;
const OBSTACLES: [string, string[], Partial<Delivery>, string][] = [
  [
    "an internationalized sender",
    [],
    { envelope: { sender: "ä@b.example", isUtf8: true, body: "7bit" } },
    "failed 553",
  ],
  ["an internationalized recipient", [], { recipients: recipients("ä@b.example") }, "failed 553"],
  [
    "internationalized headers",
    [],
    { envelope: { sender: "a@b.example", isUtf8: true, body: "7bit" }, body: utf8Body },
    "failed 553",
  ],
  [
    "a message that is too large",
    ["SIZE 200"],
    { body: { kind: "bytes", bytes: Buffer.alloc(200, "x") } },
    "failed 552",
  ],
  [
    "a sender that is a command",
    [],
    { envelope: { sender: "a@b.example>\r\nRSET", isUtf8: false, body: "7bit" } },
    "failed 553",
  ],
  [
    "a recipient that is a command",
    [],
    { recipients: recipients("a@b.example>\r\nRCPT TO:<c@d.example") },
    "failed 553",
  ],
];

test.each(OBSTACLES)(
  "%s is not tried, and the session stays open",
  async (_, extensions, changes, expected) => {
    hop.script = { extensions };
    const one = await session();
    expect(outcomesOf(await transact(one, changes))).toEqual([expected]);
    expect(hop.verbs).toEqual(["EHLO"]);
    expect(outcomesOf(await transact(one))).toEqual(["delivered 250"]);
  },
);

test("a bad recipient fails alone", async () => {
  const attempt = await transact(await session(), {
    recipients: recipients("a@x.example", "b>@x.example", "c@x.example"),
  });
  expect(outcomesOf(attempt)).toEqual(["delivered 250", "failed 553", "delivered 250"]);
  expect(hop.messages[0]?.rcpts).toEqual(["RCPT TO:<a@x.example>", "RCPT TO:<c@x.example>"]);
});

test("a refusal in the middle of a large message counts, and no dot follows", async () => {
  const body = { kind: "bytes", bytes: Buffer.alloc(8_000_000, "x\r\n") } as const;
  for (const answer of ["552 too much", { act: "drop", text: "552 too much\r\n" }] as const) {
    hop.script = { midway: { after: 100_000, answer } };
    const one = await session(IMPATIENT);
    expect(outcomesOf(await transact(one, { body }))).toEqual(["failed 552"]);
    expect(one.isOpen).toBe(false);
  }
  expect(hop.messages).toEqual([]);
});

test("a next hop that takes nothing more of a message is left", async () => {
  const body = { kind: "bytes", bytes: Buffer.alloc(30_000_000, "x\r\n") } as const;
  hop.script = { readDelayMs: 100_000 };
  const opening = await session({ ...IMPATIENT, timeouts: { ...IMPATIENT.timeouts } });
  expect(outcomesOf(await transact(opening, { body }))).toEqual(["deferred 451"]);
});

test("quit() says goodbye", async () => {
  const one = await session();
  const ended = new Promise<void>((resolve) => one.onEnd(resolve));
  one.quit();
  await ended;
  expect(one.isOpen).toBe(false);
  expect(hop.verbs).toEqual(["EHLO", "QUIT"]);
});
