// Every statistic of version 5.5 is in `gw stats`, and is moved by mail of that kind: over SMTP,
// against the compiled binary. What each name counts stands in src/admin/statistics.ts.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { join } from "node:path";
import { tryAsk } from "../../src/cli/control/client.ts";
import { LineClient } from "../harness/line-client.ts";
import { type SendingGateway, startSendingGateway } from "../harness/sending-gateway.ts";

const KB = 1024;
const MESSAGE_MAX = 256 * KB;
const SESSION_MAX = 400 * KB;
const MESSAGES_MAX = 3;
const LINE = `${"a line of mail ".repeat(5)}\r\n`;
const TRIES_MAX = 50;

let gateway: SendingGateway;

type Stats = Readonly<Record<string, number>>;

async function stats(): Promise<Stats> {
  const said = await tryAsk<Stats>(join(gateway.folder, "data"), { verb: "stats" });
  if (said === undefined) throw new Error("the gateway does not answer");
  return said;
}

/** Waits until the statistics are as wanted; gives them, or the last ones. */
async function once(isTrue: (now: Stats) => boolean): Promise<Stats> {
  let now = await stats();
  for (let left = TRIES_MAX; left > 0 && !isTrue(now); left--) {
    await Bun.sleep(50);
    now = await stats();
  }
  return now;
}

async function greeted(): Promise<LineClient> {
  const client = await LineClient.connect(gateway.port);
  await client.expect("220");
  await client.command("EHLO client.example", "250");
  return client;
}

/** Gives a message over as far as it is taken; the reply that decides. */
async function hand(client: LineClient, to: string, body = "text\r\n"): Promise<string> {
  for (const line of ["MAIL FROM:<a@from.example>", `RCPT TO:<${to}>`, "DATA"]) {
    const { last, code } = await client.command(line);
    if (code >= 400) return last;
  }
  return (await client.command(`Subject: a\r\n\r\n${body}.`)).last;
}

async function sendOne(to: string, body?: string): Promise<string> {
  const client = await greeted();
  const reply = await hand(client, to, body);
  client.close();
  return reply;
}

beforeAll(async () => {
  gateway = await startSendingGateway({
    hops: {
      "from.example": {},
      "good.example": {},
      "small.example": { extensions: ["SIZE 100", "8BITMIME"] },
      "old.example": { extensions: ["SIZE"] },
      "full.example": { rcpt: "550 5.1.1 no such user" },
      "busy.example": { end: "451 4.3.0 later" },
      "slow.example": { end: { act: "hang" } },
    },
    routes: { "old.example": 'eight_bit = "refuse"' },
    settings: {
      "inbound.relay_domains": ["*.example"],
      "inbound.relay_networks": [],
      "inbound.message_size_max": "256KB",
      "inbound.session_size_max": "400KB",
      "inbound.messages_per_session_max": MESSAGES_MAX,
      "inbound.hops_max": 10,
      "inbound.sessions_per_address_max": 4,
    },
  });
});

afterAll(() => gateway.stop());

test("the times are there and go on", async () => {
  const now = await stats();
  expect(now["time_initialized"]).toBeGreaterThan(1_700_000_000);
  expect(String(now["time_initialized_iso"])).toMatch(/^\d{4}-\d\d-\d\dT/);
  const later = await once(({ time_processing: seconds = 0 }) => seconds > 0);
  expect(later["time_processing"]).toBeGreaterThan(0);
});

test("a message that passes is counted on both sides, with its bytes and recipients", async () => {
  const before = await stats();
  expect(await sendOne("b@good.example", LINE)).toStartWith("250 ");
  const now = await once((each) => each["mta_sent_messages"] === 1);
  const moved = (name: string) => (now[name] ?? 0) - (before[name] ?? 0);
  for (const side of ["received", "sent"]) {
    expect([side, moved(`mta_${side}_messages`)]).toEqual([side, 1]);
    expect([side, moved(`mta_${side}_recipients`)]).toEqual([side, 1]);
    expect(moved(`mta_${side}_bytes`)).toBeGreaterThan(LINE.length);
  }
  expect(moved("mta_outgoing_connections_total")).toBe(1);
  expect(moved("mta_incoming_connections_total")).toBe(1);
  expect(now["mta_outgoing_connections_maximum"]).toBe(1);
});

test("sessions are counted while they are open, and the most of them", async () => {
  const clients = [await greeted(), await greeted(), await greeted()];
  const now = await stats();
  expect(now["mta_incoming_connections_current"]).toBe(3);
  expect(now["mta_incoming_connections_maximum"]).toBeGreaterThanOrEqual(3);
  clients.push(await greeted());
  const refused = await LineClient.connect(gateway.port);
  await refused.expect("421");
  expect((await stats())["mta_incoming_connections_errors"]).toBeGreaterThan(0);
  for (const client of [...clients, refused]) client.close();
  const after = await once((each) => each["mta_incoming_connections_current"] === 0);
  expect(after["mta_incoming_connections_current"]).toBe(0);
});

const big = (size: number) => LINE.repeat(Math.ceil(size / LINE.length));

test.each<[string, string, () => Promise<string>]>([
  [
    "mta_receivings_refused_for_message_size_limit",
    "552 5.3.4",
    () => sendOne("b@good.example", big(MESSAGE_MAX + KB)),
  ],
  [
    "mta_receivings_refused_for_session_size_limit",
    "421 4.7.0",
    async () => {
      const client = await greeted();
      let last = "";
      for (let left = MESSAGES_MAX; left > 0 && !last.startsWith("4"); left--) {
        last = await hand(client, "b@good.example", big(SESSION_MAX / 1.8));
      }
      client.close();
      return last;
    },
  ],
  [
    "mta_receivings_refused_for_messages_per_session_limit",
    "421 4.7.0",
    async () => {
      const client = await greeted();
      let last = "";
      for (let left = MESSAGES_MAX + 1; left > 0; left--)
        last = await hand(client, "b@good.example");
      client.close();
      return last;
    },
  ],
  [
    "mta_receivings_refused_for_hops_limit",
    "554 5.4.6",
    async () => {
      const client = await greeted();
      const { last } = await (async () => {
        await client.command("MAIL FROM:<a@from.example>", "250");
        await client.command("RCPT TO:<b@good.example>", "250");
        await client.command("DATA", "354");
        const trace = "Received: from a by b; Mon, 1 Jan 2024 00:00:00 +0000\r\n".repeat(12);
        return client.command(`${trace}Subject: a\r\n\r\ntext\r\n.`);
      })();
      client.close();
      return last;
    },
  ],
  ["mta_receivings_refused_for_relay", "550 5.7.1", () => sendOne("b@elsewhere.test")],
  ["mta_malformed_messages", "550 5.6.0", () => sendOne("b@good.example", "a bare \r in it\r\n")],
])("%s is moved by a message that gets %s", async (name, reply, send) => {
  const before = await stats();
  expect(await send()).toStartWith(reply);
  const now = await once((each) => (each[name] ?? 0) > (before[name] ?? 0));
  expect(now[name]).toBe((before[name] ?? 0) + 1);
  const total = "mta_receivings_refused_total";
  expect(now[total] ?? 0).toBeGreaterThan(before[total] ?? 0);
});

test.each<[string, string, string]>([
  ["mta_sendings_failed_for_message_size_limit", "b@small.example", big(KB)],
  ["mta_sendings_failed_for_8bitmime", "b@old.example", "caf\u00e9\r\n"],
  ["mta_sendings_failed_total", "b@full.example", LINE],
])("%s is moved by mail to %s, and its sender gets a report", async (name, to, body) => {
  const before = await stats();
  expect(await sendOne(to, body)).toStartWith("250 ");
  const now = await once(
    (each) =>
      (each[name] ?? 0) > (before[name] ?? 0) &&
      (each["mta_dsn_generated"] ?? 0) > (before["mta_dsn_generated"] ?? 0),
  );
  for (const each of new Set([name, "mta_sendings_failed_total", "mta_dsn_generated"])) {
    expect([each, now[each]]).toEqual([each, (before[each] ?? 0) + 1]);
  }
});

test("mail that waits, and a connection that is open, are counted as long as they are", async () => {
  expect(await sendOne("b@slow.example")).toStartWith("250 ");
  const now = await once((each) => (each["mta_outgoing_connections_current"] ?? 0) > 0);
  expect(now["mta_outgoing_connections_current"]).toBeGreaterThan(0);
  expect(now["mta_stored_messages_current"]).toBeGreaterThan(0);
});

test("a next hop that refuses for now, and one that is not there", async () => {
  const before = await stats();
  await sendOne("b@busy.example");
  const now = await once((each) => (each["mta_sendings_deferred"] ?? 0) > 0);
  expect(now["mta_sendings_deferred"]).toBeGreaterThan(before["mta_sendings_deferred"] ?? 0);
  await gateway.hop("good.example").stop();
  await sendOne("b@good.example");
  const name = "mta_outgoing_connections_errors";
  const after = await once((each) => (each[name] ?? 0) > (before[name] ?? 0));
  expect(after[name]).toBeGreaterThan(before[name] ?? 0);
});

test("messages that are being scanned are counted while they are", async () => {
  const name = "antiviral_checking_sessions_current";
  let seen = 0;
  for (let left = TRIES_MAX; left > 0 && seen === 0; left--) {
    let isSent = false;
    const body = big(MESSAGE_MAX - 4 * KB);
    const sent = sendOne("b@busy.example", body).then(() => {
      isSent = true;
    });
    while (!isSent && seen === 0) seen = (await stats())[name] ?? 0;
    await sent;
  }
  expect(seen).toBeGreaterThan(0);
  expect((await once((each) => each[name] === 0))[name]).toBe(0);
});

test("gw stats prints every name that version 5.5 had", async () => {
  const { stdout } = await gateway.gateway.command("stats");
  const names = new Set(stdout.split("\n").map((line) => line.split("=")[0]));
  const connections = ["total", "current", "maximum", "errors"];
  const refusals = ["message_size", "session_size", "hops", "messages_per_session"];
  const wanted = [
    ...["time_initialized", "time_initialized_iso", "time_processing"],
    ...["received", "sent"].flatMap((side) =>
      ["messages", "bytes", "recipients"].map((what) => `mta_${side}_${what}`),
    ),
    ...["mta_stored_messages_current", "mta_malformed_messages", "mta_dsn_generated"],
    ...connections.map((what) => `mta_incoming_connections_${what}`),
    ...connections.map((what) => `mta_outgoing_connections_${what}`),
    ...["mta_receivings_refused_total", "mta_sendings_failed_total"],
    ...refusals.map((what) => `mta_receivings_refused_for_${what}_limit`),
    ...["mta_sendings_failed_for_message_size_limit", "mta_sendings_failed_for_8bitmime"],
    "antiviral_checking_sessions_current",
  ];
  expect(wanted.filter((name) => !names.has(name))).toEqual([]);
});
