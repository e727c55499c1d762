import { afterEach, expect, test } from "bun:test";
import { SURPLUS_RECIPIENTS_MAX } from "../../src/inbound/limits/guard.ts";
import {
  startInbound,
  TEST_SETTINGS,
  type TestInbound,
  type TestInboundOptions,
} from "../harness/inbound.ts";
import { LineClient } from "../harness/line-client.ts";

const inbounds: TestInbound[] = [];
const clients: LineClient[] = [];

afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  for (const { listener } of inbounds.splice(0)) await listener.stop(0);
});

async function start(options: TestInboundOptions = {}): Promise<TestInbound> {
  const inbound = await startInbound(options);
  inbounds.push(inbound);
  return inbound;
}

async function connect(port: number, greeting = "220"): Promise<LineClient> {
  const client = await LineClient.connect(port);
  clients.push(client);
  await client.expect(greeting);
  return client;
}

async function untilData(client: LineClient): Promise<void> {
  await client.command("EHLO client.example.net", "250");
  await client.command("MAIL FROM:<a@example.net>", "250");
  await client.command("RCPT TO:<b@example.org>", "250");
  await client.command("DATA", "354");
}

async function until(isDone: () => boolean): Promise<void> {
  for (let turn = 0; !isDone(); turn++) {
    if (turn > 10_000) throw new Error("waited in vain");
    await new Promise((resolve) => setImmediate(resolve));
  }
}

function clockOf() {
  const time = { at: 0 };
  return { time, clock: { now: () => Date.now(), steady: () => time.at } };
}

test("sessions beyond the limit of an address hear 421 until one ends", async () => {
  const { port, listener, log } = await start({ settings: { sessionsPerAddressMax: 2 } });
  const first = await connect(port);
  await connect(port);
  const refused = await connect(port, "421 Too many sessions");
  await refused.closed();
  expect(log.lines.at(-1)?.event).toBe("session-refused");
  await first.command("QUIT", "221");
  first.close();
  await until(() => listener.sessions === 1);
  await connect(port);
});

test("relay networks are held to the limit of all sessions only", async () => {
  const relayNetworks = ["127.0.0.0/8"];
  const settings = { sessionsPerAddressMax: 1, sessionsMax: 2, relayNetworks };
  const { port } = await start({ settings });
  await connect(port);
  await connect(port);
  await connect(port, "421 Too many sessions");
});

test("half a line before the greeting is talking too soon as well", async () => {
  const { port } = await start({ settings: { greetingDelayMs: 50 } });
  const client = await LineClient.connect(port, "127.0.0.1", "EHL");
  clients.push(client);
  await client.expect("554");
  await client.closed();
});

test("the greeting waits as long as it is told to, and comes", async () => {
  const { port } = await start({ settings: { greetingDelayMs: 20 } });
  await connect(port);
});

test("a client that only sends NOOP is sent away", async () => {
  const { port } = await start();
  const client = await connect(port);
  client.send("NOOP\r\n".repeat(TEST_SETTINGS.idleCommandsMax + 1));
  for (let at = 0; at < TEST_SETTINGS.idleCommandsMax; at++) await client.expect("250");
  await client.expect("421 4.7.0 Too many commands");
  await client.closed();
});

test("an accepted message makes the count of such commands start anew", async () => {
  const { port } = await start();
  const client = await connect(port);
  for (let round = 0; round < 2; round++) {
    client.send("NOOP\r\n".repeat(TEST_SETTINGS.idleCommandsMax - 2));
    for (let at = 0; at < TEST_SETTINGS.idleCommandsMax - 2; at++) await client.expect("250");
    await untilData(client);
    await client.command(".", "250 2.0.0");
  }
});

test("recipients beyond the limit are no errors, but there is an end to them", async () => {
  const { port } = await start({ settings: { recipientsMax: 1 } });
  const client = await connect(port);
  await client.command("EHLO client.example.net", "250");
  await client.command("MAIL FROM:<a@example.net>", "250");
  await client.command("RCPT TO:<b@example.org>", "250");
  client.send("RCPT TO:<c@example.org>\r\n".repeat(SURPLUS_RECIPIENTS_MAX + 1));
  for (let at = 0; at <= SURPLUS_RECIPIENTS_MAX; at++) await client.expect("452 4.5.3");
  await client.expect("421");
});

test("sweep() ends a session without commands after the idle timeout, and no sooner", async () => {
  const { time, clock } = clockOf();
  const { port, listener } = await start({ clock, settings: { idleTimeoutMs: 60_000 } });
  const client = await connect(port);
  // Half a command is no command: bytes sent one by one do not hold the place.
  client.send("NO");
  time.at = 60_000;
  listener.sweep();
  await client.command("OP", "250");
  time.at = 120_001;
  listener.sweep();
  await client.expect("421 4.4.2 Idle");
  await client.closed();
});

test("sweep() ends messages and sessions that last too long", async () => {
  const { time, clock } = clockOf();
  const { port, listener, intake } = await start({ clock, settings: { idleTimeoutMs: 1e9 } });
  const sending = await connect(port);
  const waiting = await connect(port);
  await untilData(sending);
  sending.send("half a message");
  time.at = TEST_SETTINGS.sessionTimeMaxMs;
  listener.sweep();
  await waiting.command("NOOP", "250");
  time.at++;
  listener.sweep();
  await sending.expect("421 4.4.2 Session takes too long");
  await waiting.expect("421 4.4.2 Session takes too long");
  await until(() => intake.aborted === 1);
});

test("a connection that breaks in mid-message leaves nothing behind", async () => {
  const { port, intake, log, listener } = await start();
  const client = await connect(port);
  await untilData(client);
  client.send("half a mess");
  client.close();
  await until(() => intake.aborted === 1 && listener.sessions === 0);
  expect(intake.messages).toEqual([]);
  await until(() => log.lines.some(({ event }) => event === "aborted"));
});

test("a large message is taken no faster than the pipeline takes it", async () => {
  let waiting = 0;
  let most = 0;
  const { port, intake } = await start({
    settings: { messageSizeMax: 20_000_000 },
    script: {
      onWrite: async (chunk) => {
        waiting += chunk.length;
        most = Math.max(most, waiting);
        await new Promise((resolve) => setImmediate(resolve));
        waiting -= chunk.length;
      },
    },
  });
  const client = await connect(port);
  await untilData(client);
  const body = `${"0123456789".repeat(7)}\r\n`.repeat(50_000);
  client.send(body);
  await client.command(".", "250 2.0.0");
  expect(intake.messages[0]?.body.toString()).toBe(body);
  expect(most).toBeLessThan(1_000_000);
});

test("a rate of sessions turns further ones away, with its name in the log", async () => {
  const rates = [
    { name: "few", of: "sessions", per: "network", max: 2, withinMs: 60_000 },
  ] as const;
  const { port, log } = await start({ settings: { rates } });
  await connect(port);
  await connect(port);
  const refused = await connect(port, "421 Too many sessions lately");
  await refused.closed();
  const cause = 'rate "few": 2 sessions per network within 60s';
  expect(log.lines.at(-1)).toMatchObject({ event: "session-refused", fields: { cause } });
});

test("messages that are on their way in take room from others until they are done", async () => {
  const { port, intake, log } = await start({ settings: { pendingSizeMax: 1000 } });
  const announced = await connect(port);
  await announced.command("EHLO x", "250");
  await announced.command("MAIL FROM:<a@example.net> SIZE=900", "250");
  await announced.command("RCPT TO:<b@example.org>", "250");
  await announced.command("DATA", "354");
  const other = await connect(port);
  await other.command("EHLO x", "250");
  await other.command("MAIL FROM:<a@example.net> SIZE=200", "250");
  await other.command("RCPT TO:<b@example.org>", "250");
  await other.command("DATA", "452 4.3.1 Too much is on its way in");
  expect(log.lines.at(-1)).toMatchObject({ event: "refused" });
  // What was not announced is counted as it comes.
  await other.command("RSET", "250");
  await untilData(other);
  await other.command(`${"x".repeat(300)}\r\n.`, "452 4.3.1");
  await announced.command(".", "250");
  await untilData(other);
  await other.command(`${"x".repeat(300)}\r\n.`, "250");
  expect(intake.messages).toHaveLength(2);
});
