import { afterEach, beforeEach, expect, test } from "bun:test";
import { Courier } from "../../src/outbound/courier.ts";
import type { CourierSettings } from "../../src/outbound/settings.ts";
import { addressRecord, FakeDns, mxRecord } from "../harness/fake-dns.ts";
import { NextHopServer } from "../harness/next-hop.ts";
import { brief, deliveryTo, IMPATIENT, keptLog, recipients, SETTINGS } from "./parts.ts";

let server: NextHopServer;
let courier: Courier;
let log = keptLog();

beforeEach(async () => {
  server = await NextHopServer.start();
  log = keptLog();
  courier = new Courier(SETTINGS, log);
});
afterEach(async () => {
  courier.close();
  await server.stop();
});

function use(settings: CourierSettings): void {
  courier.close();
  courier = new Courier(settings, log);
}

function people(count: number) {
  return recipients(...Array.from({ length: count }, (_, i) => `p${i}@example.org`));
}

test("long lists of recipients go in several transactions, answers in their order", async () => {
  server.script = { rcpt: (line) => (/<p\d*7@/.test(line) ? "550 no 7" : "250 ok") };
  const outcomes = await courier.deliver(deliveryTo(server, { recipients: people(250) }));
  expect(server.messages.map(({ rcpts }) => rcpts.length)).toEqual([90, 90, 45]);
  outcomes.forEach(({ kind }, i) => {
    expect(kind).toBe(i % 10 === 7 ? "failed" : "delivered");
  });
});

const LIMITS: [string, string, number[], string][] = [
  ["452 4.5.3", "452 4.5.3 too many", [3, 3, 3, 1], "delivered"],
  ["452", "452 too many", [3, 3, 3, 1], "delivered"],
  ["552 5.5.3", "552 5.5.3 too many", [3, 3, 3, 1], "delivered"],
  ["452 4.2.2", "452 4.2.2 full", [3], "deferred"],
  ["552 5.2.2", "552 5.2.2 full", [3], "failed"],
];

test.each(LIMITS)("recipients beyond the third that get %s", async (_, refusal, sizes, last) => {
  let count = 0;
  server.script = {
    mail: () => {
      count = 0;
      return "250 ok";
    },
    rcpt: () => (++count > 3 ? refusal : "250 ok"),
  };
  const outcomes = await courier.deliver(deliveryTo(server, { recipients: people(10) }));
  expect(server.messages.map(({ rcpts }) => rcpts.length)).toEqual(sizes);
  expect(outcomes.length).toBe(10);
  expect(outcomes.at(-1)?.kind).toBe(last as "delivered");
});

test("a next hop that refuses everybody with 452 is not asked again and again", async () => {
  server.script = { rcpt: "452 4.5.3 too many" };
  const outcomes = await courier.deliver(deliveryTo(server, { recipients: people(3) }));
  expect(brief(outcomes)).toEqual(["deferred 452", "deferred 452", "deferred 452"]);
  expect(server.verbs.filter((verb) => verb === "MAIL").length).toBe(1);
});

test("no recipients, no outcomes", async () => {
  expect(await courier.deliver(deliveryTo(server, { recipients: [] }))).toEqual([]);
  expect(server.sessionCount).toBe(0);
});

test("a domain's MX is found by DNS, and its answers decide between later and never", async () => {
  const dns = await FakeDns.start({
    "good.example": [mxRecord("good.example", 10, "mx.good.example")],
    "mx.good.example": [addressRecord("mx.good.example", "127.0.0.1")],
    "null.example": [mxRecord("null.example", 0, ".")],
  });
  dns.trick = ({ name }) => (name === "silent.example" ? [] : undefined);
  use({
    ...SETTINGS,
    mxPort: server.port,
    isLoopbackMxAllowed: true,
    dns: { servers: [dns.endpoint], timeoutMs: 50, rounds: 1 },
  });
  const to = async (domain: string) =>
    brief(await courier.deliver(deliveryTo(server, { nextHop: { kind: "mx", domain } })));
  expect(await to("good.example")).toEqual(["delivered 250"]);
  expect(await to("null.example")).toEqual(["failed 556"]);
  expect(await to("nowhere.example")).toEqual(["failed 550"]);
  expect(await to("silent.example")).toEqual(["deferred 451"]);
  await dns.stop();
});

test("the courier keeps the time: silence ends by itself, idle sessions close", async () => {
  use({ ...IMPATIENT, sessionIdleMs: 50 });
  server.script = { end: (_, count) => (count === 1 ? "250 ok" : { act: "hang" }) };
  expect(brief(await courier.deliver(deliveryTo(server)))).toEqual(["delivered 250"]);
  expect(brief(await courier.deliver(deliveryTo(server)))).toEqual(["deferred 451"]);
  server.script = {};
  expect(brief(await courier.deliver(deliveryTo(server)))).toEqual(["delivered 250"]);
  while (server.openCount > 0) await new Promise<void>((resolve) => setTimeout(resolve, 5));
  expect(server.verbs.at(-1)).toBe("QUIT");
});

test("a next hop that trickles its reply is not waited for for ever", async () => {
  use(IMPATIENT);
  let timer: ReturnType<typeof setInterval> | undefined;
  const trickle = await Bun.listen({
    hostname: "127.0.0.1",
    port: 0,
    socket: {
      open(socket) {
        timer = setInterval(() => socket.write("220-hello\r\n"), 20);
      },
      data() {},
      close() {
        clearInterval(timer);
      },
    },
  });
  const nextHop = { kind: "host", host: "127.0.0.1", port: trickle.port } as const;
  const outcomes = await courier.deliver(deliveryTo(server, { nextHop }));
  expect(brief(outcomes)).toEqual(["deferred 451"]);
  trickle.stop(true);
});
