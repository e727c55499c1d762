// Which address, and with or without TLS.
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../src/base/clock.ts";
import type { Resolver } from "../../src/dns/resolver.ts";
import { type Dialed, Dialer } from "../../src/outbound/dialer.ts";
import type { Located, MailHosts, Target } from "../../src/outbound/mail-hosts.ts";
import { TlsPolicy } from "../../src/outbound/security/tls-policy.ts";
import type { Connection } from "../../src/outbound/session/connection.ts";
import { Payload } from "../../src/outbound/session/payload.ts";
import type { CourierSettings } from "../../src/outbound/settings.ts";
import { makeCertificate } from "../harness/certificate.ts";
import { type NextHopScript, NextHopServer } from "../harness/next-hop.ts";
import { BODY, deliveryTo, IMPATIENT, keptLog, SETTINGS, TRACE } from "./parts.ts";

const HOP = { kind: "mx", domain: "example.org" } as const;
const folder = mkdtempSync(join(tmpdir(), "gw-dialer-"));
const connections = new Set<Connection>();
let certificate: { cert: Buffer; key: Buffer };
let first: NextHopServer;
let second: NextHopServer;
let log = keptLog();
let timer: ReturnType<typeof setInterval>;

beforeAll(() => {
  const files = makeCertificate(folder, "localhost");
  certificate = { cert: readFileSync(files.certificate), key: readFileSync(files.key) };
});
afterAll(() => rmSync(folder, { recursive: true }));
beforeEach(async () => {
  first = await NextHopServer.start();
  second = await NextHopServer.start();
  log = keptLog();
  timer = setInterval(() => {
    for (const connection of connections) connection.checkDeadline(performance.now());
  }, 10);
});
afterEach(async () => {
  clearInterval(timer);
  for (const connection of [...connections]) connection.close();
  await first.stop();
  await second.stop();
});

function targetOf(hop: NextHopServer, host = "localhost"): Target {
  return { host, address: "127.0.0.1", port: hop.port };
}

function dialer(
  targets: readonly Target[],
  settings: CourierSettings,
  steady?: () => number,
): Dialer {
  const located: Located = { kind: "found", targets };
  const hosts = { locate: () => Promise.resolve(located) } as unknown as MailHosts;
  const clock = steady ? { now: steady, steady } : systemClock;
  const policy = new TlsPolicy({} as Resolver);
  const session = { settings, steady: () => performance.now(), log, connections };
  return new Dialer(hosts, policy, session, clock);
}

function portOf(dialed: Dialed): number {
  if (dialed.kind === "none") throw new Error(dialed.outcome.reply);
  return dialed.session.target.port;
}

const REFUSALS: [string, NextHopScript][] = [
  ["refuses the session", { greeting: "554 no" }],
  ["is busy", { greeting: "421 busy" }],
  ["never takes mail", { greeting: "521 no mail here" }],
  ["hangs up", { greeting: { act: "drop" } }],
  ["is silent", { greeting: { act: "hang" } }],
  ["knows no HELO", { ehlo: "500 no", helo: "500 no" }],
];

test.each(REFUSALS)("the next address is tried if the first one %s", async (_, script) => {
  first.script = script;
  const one = dialer([targetOf(first), targetOf(second)], IMPATIENT);
  expect(portOf(await one.dial(HOP))).toBe(second.port);
});

test("an address that did not answer comes last for a minute", async () => {
  let now = 0;
  const targets = [targetOf(first), targetOf(second)];
  const one = dialer(targets, SETTINGS, () => now);
  first.script = { greeting: "421 busy" };
  expect(portOf(await one.dial(HOP))).toBe(second.port);
  first.script = {};
  expect(portOf(await one.dial(HOP))).toBe(second.port);
  expect(first.sessionCount).toBe(1);
  now += 60_001;
  expect(portOf(await one.dial(HOP))).toBe(first.port);
});

test("hosts that never take mail fail the message only if all of them say so", async () => {
  first.script = { greeting: "521 no" };
  second.script = { greeting: "521 no" };
  const targets = [targetOf(first), targetOf(second)];
  const failed = { kind: "none", outcome: { kind: "failed" } };
  const deferred = { kind: "none", outcome: { kind: "deferred" } };
  expect(await dialer(targets, SETTINGS).dial(HOP)).toMatchObject(failed);
  second.script = { greeting: "421 busy" };
  expect(await dialer(targets, SETTINGS).dial(HOP)).toMatchObject(deferred);
  expect(await dialer([...targets].reverse(), SETTINGS).dial(HOP)).toMatchObject(deferred);
});

async function send(one: Dialer): Promise<string> {
  const dialed = await one.dial(HOP);
  if (dialed.kind === "none") return dialed.outcome.reply.slice(0, 9);
  const delivery = deliveryTo(first);
  const payload = Payload.open(delivery.trace, delivery.body);
  const attempt = await dialed.session.transact(delivery, payload);
  payload.close();
  dialed.session.quit();
  if (attempt.kind === "stale" || attempt.outcomes[0]?.kind !== "delivered") return "not sent";
  const taken = first.messages.at(-1);
  if (taken?.message.toString() !== TRACE + BODY) return "changed";
  return taken.isSecure ? "encrypted" : "in clear";
}

const TLS: [string, Partial<CourierSettings>, (() => NextHopScript) | NextHopScript, string][] = [
  ["off, offered", { tls: "off" }, () => ({ certificate }), "in clear"],
  ["opportunistic, offered", {}, () => ({ certificate }), "encrypted"],
  ["opportunistic, not offered", {}, {}, "in clear"],
  ["opportunistic, refused", {}, { starttls: "454 not now" }, "in clear"],
  [
    "opportunistic, nonsense instead of TLS",
    {},
    { starttls: "220 go\r\n250 what is this" },
    "in clear",
  ],
  ["opportunistic, hanging up", {}, { starttls: { act: "drop", text: "220 go\r\n" } }, "in clear"],
  [
    "opportunistic, silence",
    IMPATIENT,
    { starttls: { act: "hang", text: "220 go\r\n" } },
    "in clear",
  ],
  ["required, not offered", { tls: "required" }, {}, "451 4.7.5"],
  ["required, refused", { tls: "required" }, { starttls: "454 not now" }, "451 4.7.5"],
  ["required, unknown issuer", { tls: "required" }, () => ({ certificate }), "451 4.7.5"],
];

test.each(TLS)("TLS %s", async (_, changes, script, expected) => {
  first.script = typeof script === "function" ? script() : script;
  const one = dialer([targetOf(first)], { ...SETTINGS, ...changes });
  expect(await send(one)).toBe(expected);
});

test("TLS required, with a certificate for the host or for another one", async () => {
  first.script = { certificate };
  const settings = { ...SETTINGS, tls: "required", tlsCa: String(certificate.cert) } as const;
  expect(await send(dialer([targetOf(first)], settings))).toBe("encrypted");
  expect(await send(dialer([targetOf(first, "mx.example.org")], settings))).toBe("451 4.7.5");
});

test("TLS that failed is not tried again for a while, and is logged", async () => {
  first.script = { starttls: { act: "drop", text: "220 go\r\n" } };
  const one = dialer([targetOf(first)], SETTINGS);
  expect(await send(one)).toBe("in clear");
  expect(await send(one)).toBe("in clear");
  expect(first.verbs.filter((verb) => verb === "STARTTLS").length).toBe(1);
  expect(log.events).toEqual(["tls-failed"]);
});

test("replies that were sent before TLS are not believed", async () => {
  first.script = { starttls: "220 go\r\n250-evil\r\n250 SIZE 1", certificate };
  expect(await send(dialer([targetOf(first)], SETTINGS))).not.toBe("not sent");
});
