// Sessions of one next hop: used again, bounded, opened and closed in time; and what happens while
// it is down.
import { afterEach, beforeEach, expect, test } from "bun:test";
import { systemClock } from "../../src/base/clock.ts";
import { Resolver } from "../../src/dns/resolver.ts";
import type { Outcome } from "../../src/message.ts";
import { Dialer } from "../../src/outbound/dialer.ts";
import { Hop, SessionQuota } from "../../src/outbound/hop.ts";
import { MailHosts } from "../../src/outbound/mail-hosts.ts";
import { TlsPolicy } from "../../src/outbound/security/tls-policy.ts";
import type { Connection } from "../../src/outbound/session/connection.ts";
import type { CourierSettings } from "../../src/outbound/settings.ts";
import { NextHopServer } from "../harness/next-hop.ts";
import { BODY, brief, deliveryTo, keptLog, SETTINGS, TRACE } from "./parts.ts";

let server: NextHopServer;
let now = 0;
let log = keptLog();
const connections = new Set<Connection>();

beforeEach(async () => {
  now = 0;
  log = keptLog();
  server = await NextHopServer.start();
});
afterEach(async () => {
  for (const connection of [...connections]) connection.close();
  await server.stop();
});

function newHop(changes: Partial<CourierSettings> = {}, quota = new SessionQuota(100)): Hop {
  const settings = { ...SETTINGS, ...changes };
  const clock = { now: () => now, steady: () => now };
  const resolver = new Resolver({
    servers: [],
    timeoutMs: 1,
    rounds: 1,
    clock: systemClock,
    hosts: "",
  });
  const hosts = new MailHosts(resolver, { ...settings, random: Math.random });
  const session = { settings, steady: () => performance.now(), log, connections };
  const dialer = new Dialer(hosts, new TlsPolicy(resolver), session, clock);
  return new Hop(deliveryTo(server).nextHop, { settings, dialer, quota, clock, log });
}

function sendMany(hop: Hop, count: number): Promise<Outcome[][]> {
  return Promise.all(Array.from({ length: count }, () => hop.send(deliveryTo(server))));
}

const delivered = (all: readonly Outcome[][]) =>
  all.flat().filter(({ kind }) => kind === "delivered").length;

test("messages one after the other share a session, pipelined and byte for byte", async () => {
  const hop = newHop();
  for (let i = 0; i < 20; i++) expect(delivered(await sendMany(hop, 1))).toBe(1);
  expect(server.sessionCount).toBe(1);
  expect(new Set(server.messages.map(({ message }) => String(message)))).toEqual(
    new Set([TRACE + BODY]),
  );
});

test("many messages share a bounded number of sessions", async () => {
  const hop = newHop({ sessionsPerHostMax: 3 });
  expect(delivered(await sendMany(hop, 60))).toBe(60);
  expect(server.sessionCount).toBe(3);
  expect(server.messages.length).toBe(60);
});

test("a session ends after its share of messages", async () => {
  const hop = newHop({ sessionsPerHostMax: 1, messagesPerSessionMax: 4 });
  expect(delivered(await sendMany(hop, 12))).toBe(12);
  expect(server.sessionCount).toBe(3);
  // The last one is on its way.
  expect(server.verbs.filter((verb) => verb === "QUIT").length).toBeGreaterThanOrEqual(2);
});

test("sweep() closes idle sessions, and not before their time", async () => {
  const hop = newHop({ sessionIdleMs: 1000 });
  await sendMany(hop, 1);
  now = 999;
  hop.sweep(now);
  await sendMany(hop, 1);
  expect(server.sessionCount).toBe(1);
  now = 2000;
  hop.sweep(now);
  await sendMany(hop, 1);
  expect(server.sessionCount).toBe(2);
});

test("a message whose session had ended goes over another one, at once", async () => {
  const hop = newHop();
  await sendMany(hop, 3);
  server.dropAll();
  expect(delivered(await sendMany(hop, 3))).toBe(3);
  expect(server.messages.length).toBe(6);
});

test("a next hop that ends each session after a message still gets them all", async () => {
  server.script = { end: { act: "drop", text: "250 ok\r\n" } };
  const hop = newHop({ sessionsPerHostMax: 2 });
  expect(delivered(await sendMany(hop, 20))).toBe(20);
  expect(server.messages.length).toBe(20);
});

test("a next hop that allows fewer sessions than we do gets all messages over those", async () => {
  server.script = {
    greeting: () =>
      server.openCount > 2 ? { act: "drop", text: "421 too many\r\n" } : "220 hello",
  };
  const hop = newHop({ sessionsPerHostMax: 10 });
  expect(delivered(await sendMany(hop, 100))).toBe(100);
  expect(log.events).toEqual([]);
});

test("a next hop that is down is asked once, and then left alone for a while that grows", async () => {
  server.script = { greeting: "421 busy" };
  const hop = newHop({ downMinMs: 1000, downMaxMs: 3000 });
  const first = await sendMany(hop, 30);
  expect(new Set(first.flatMap(brief))).toEqual(new Set(["deferred 451"]));
  const tries = server.sessionCount;
  await sendMany(hop, 30);
  expect(server.sessionCount).toBe(tries);
  // 1 s, 2 s, then 3 s at most; each time one session probes.
  for (const waitMs of [1000, 2000, 3000, 3000]) {
    now += waitMs - 1;
    await sendMany(hop, 1);
    now += 1;
    await sendMany(hop, 30);
  }
  expect(server.sessionCount).toBe(tries + 4);
  expect(log.events.every((event) => event === "next-hop-down")).toBe(true);
  server.script = {};
  now += 3000;
  expect(delivered(await sendMany(hop, 30))).toBe(30);
});

test("a body that can't be read defers its message only", async () => {
  const hop = newHop();
  const body = { kind: "file", path: "/nonexistent/body", offset: 0, size: 1 } as const;
  const [outcome] = await hop.send(deliveryTo(server, { body }));
  expect(outcome).toMatchObject({ kind: "deferred" });
  expect(outcome?.reply).toStartWith("451 4.3.0");
  expect(delivered(await sendMany(hop, 1))).toBe(1);
  expect(log.events).toEqual(["message-unreadable"]);
});

test("stop() defers what waits and lets go on what is under way", async () => {
  server.script = { extensions: [], mail: () => "250 ok" };
  const hop = newHop({ sessionsPerHostMax: 1 });
  const all = Promise.all([hop.send(deliveryTo(server)), hop.send(deliveryTo(server))]);
  while (server.lines.length < 2) await new Promise<void>((resolve) => setImmediate(resolve));
  hop.stop();
  expect((await all).map(brief)).toEqual([["delivered 250"], ["deferred 451"]]);
  expect(brief(await hop.send(deliveryTo(server)))).toEqual(["deferred 451"]);
});

test("isForgettable() only of a quiet next hop, later if it was down", async () => {
  const hop = newHop({ sessionIdleMs: 1000 });
  await sendMany(hop, 1);
  expect(hop.isForgettable(5000)).toBe(false);
  server.script = { greeting: "421 busy" };
  const down = newHop({ sessionIdleMs: 1000 });
  await sendMany(down, 1);
  expect(down.isForgettable(5000)).toBe(false);
  expect(down.isForgettable(600_001)).toBe(true);
  expect(newHop().isForgettable(60_001)).toBe(true);
});

test("SessionQuota is shared: sessions that others keep idle are given up", async () => {
  const quota = new SessionQuota(2);
  const one = newHop({}, quota);
  const other = newHop({}, quota);
  expect(delivered(await sendMany(one, 10))).toBe(10);
  const waiting = sendMany(other, 10);
  while (quota.isShort) {
    one.sweep(now);
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
  expect(delivered(await waiting)).toBe(10);
  expect(server.openCount).toBeLessThanOrEqual(2);
});

test("a next hop that hangs up after EHLO gets no storm of sessions", async () => {
  const farewell = { act: "drop", text: "250 hello\r\n" } as const;
  server.script = { ehlo: farewell };
  const hop = newHop({ sessionsPerHostMax: 5 });
  const outcomes = await sendMany(hop, 20);
  expect(new Set(outcomes.flatMap(brief))).toEqual(new Set(["deferred 451"]));
  expect(server.sessionCount).toBeLessThanOrEqual(25);
});

test("an unknown next hop gets one session, then some, then as many as go well", async () => {
  let most = 0;
  server.script = {
    end: () => {
      most = Math.max(most, server.openCount);
      return "250 ok";
    },
  };
  const hop = newHop({ sessionsPerHostMax: 12 });
  const early = sendMany(hop, 10);
  while (server.sessionCount === 0) await new Promise<void>((resolve) => setImmediate(resolve));
  expect(server.sessionCount).toBe(1);
  await early;
  expect(most).toBeLessThanOrEqual(7);
  expect(delivered(await sendMany(hop, 400))).toBe(400);
  expect(most).toBeGreaterThan(7);
  expect(server.sessionCount).toBeLessThanOrEqual(12);
});

test("sessions that end in the middle halve their number", async () => {
  const hop = newHop({ sessionsPerHostMax: 12 });
  await sendMany(hop, 300);
  server.script = { data: { act: "drop", text: "421 too busy\r\n" } };
  const bad = await sendMany(hop, 12);
  expect(bad.flat().every(({ kind }) => kind === "deferred")).toBe(true);
  server.script = {};
  const before = server.sessionCount;
  expect(delivered(await sendMany(hop, 60))).toBe(60);
  expect(server.sessionCount - before).toBeLessThanOrEqual(3);
});
