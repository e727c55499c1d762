// The terms of a route, on the wire: protocol, login, source address, several hosts.
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Outcome } from "../../src/message.ts";
import { Courier } from "../../src/outbound/courier.ts";
import { type NextHop, type Place, relayTo, type Terms } from "../../src/outbound/route.ts";
import { makeCertificate } from "../harness/certificate.ts";
import { type NextHopScript, NextHopServer } from "../harness/next-hop.ts";
import { BODY, brief, deliveryTo, keptLog, recipients, SETTINGS, TRACE } from "./parts.ts";

const folder = mkdtempSync(join(tmpdir(), "gw-terms-"));
const LOGIN = { user: "gw@example.org", password: "s3cret +=" };
let certificate: { cert: Buffer; key: Buffer };
const servers: NextHopServer[] = [];
let courier: Courier;
let log = keptLog();

beforeAll(() => {
  const files = makeCertificate(folder, "localhost");
  certificate = { cert: readFileSync(files.certificate), key: readFileSync(files.key) };
});
beforeEach(() => {
  log = keptLog();
  courier = new Courier({ ...SETTINGS, tlsCa: String(certificate.cert) }, log);
});
afterEach(async () => {
  courier.close();
  for (const server of servers.splice(0)) await server.stop();
});
afterAll(() => rmSync(folder, { recursive: true }));

async function start(script: NextHopScript, host?: string): Promise<NextHopServer> {
  const server = await NextHopServer.start(script, host);
  servers.push(server);
  return server;
}

const at = ({ port }: NextHopServer): Place => ({ kind: "host", host: "localhost", port });

function relay(places: readonly Place[], terms: Terms = {}, isBalanced = false): NextHop {
  return relayTo({ places, isBalanced, terms });
}

function deliver(
  server: NextHopServer,
  nextHop: NextHop,
  to = recipients("to@example.org"),
): Promise<Outcome[]> {
  return courier.deliver(deliveryTo(server, { nextHop, recipients: to }));
}

const LOGINS: [string, () => NextHopScript, Terms, string, string][] = [
  ["goes well over TLS", () => ({ certificate, login: LOGIN }), {}, "delivered 250", LOGIN.user],
  ["is not tried in clear", () => ({ login: LOGIN }), {}, "deferred 451 4.7.11", "AUTH"],
  ["is not tried where none is offered", () => ({ certificate }), {}, "deferred 451 4.7.0", "AUTH"],
  [
    "that is refused defers",
    () => ({ certificate, login: { ...LOGIN, password: "new" } }),
    {},
    "deferred 451 4.7.8",
    "MAIL",
  ],
  [
    "goes well with TLS from the first byte",
    () => ({ certificate, login: LOGIN, isImplicitTls: true }),
    { protocol: "smtps", tls: "required" },
    "delivered 250",
    LOGIN.user,
  ],
  [
    "keeps to LOGIN where PLAIN is not known",
    () => ({
      certificate,
      login: LOGIN,
      ehlo: (_, count) =>
        count === 1 ? "250-next-hop.test\r\n250 STARTTLS" : "250-next-hop.test\r\n250 AUTH LOGIN",
    }),
    {},
    "delivered 250",
    LOGIN.user,
  ],
  [
    "never falls back to clear text",
    () => ({ starttls: "454 not now", login: LOGIN }),
    {},
    "deferred 451 4.7.11",
    "AUTH",
  ],
];

test.each(LOGINS)("a login %s", async (...row) => {
  const [, script, terms, expected, shown] = row;
  const server = await start(script());
  const [outcome] = await deliver(server, relay([at(server)], { ...terms, login: LOGIN }));
  expect(`${outcome?.kind} ${outcome?.reply}`).toStartWith(expected);
  if (outcome?.kind === "delivered") expect(server.messages[0]?.user).toBe(shown);
  else expect(server.verbs).not.toContain(shown);
});

test("LMTP gives each recipient its own outcome", async () => {
  const server = await start({
    rcpt: (line) => (line.includes("<b@") ? "550 5.1.1 unknown" : "250 ok"),
    end: (line) => (line.includes("<c@") ? "452 4.2.2 full" : "250 2.0.0 kept"),
  });
  const people = recipients("a@x.example", "b@x.example", "c@x.example", "d@x.example");
  const outcomes = await deliver(server, relay([at(server)], { protocol: "lmtp" }), people);
  expect(brief(outcomes)).toEqual(["delivered 250", "failed 550", "deferred 452", "delivered 250"]);
  expect(server.verbs[0]).toBe("LHLO");
  const again = await deliver(server, relay([at(server)], { protocol: "lmtp" }), people);
  expect(again).toEqual(outcomes);
  expect(server.sessionCount).toBe(1);
});

test("LMTP that hangs up between its replies settles those that had one", async () => {
  const server = await start({
    end: (_, count) => (count === 1 ? "250 2.0.0 kept" : { act: "drop" }),
  });
  const people = recipients("a@x.example", "b@x.example");
  const outcomes = await deliver(server, relay([at(server)], { protocol: "lmtp" }), people);
  expect(brief(outcomes)).toEqual(["delivered 250", "deferred 451"]);
  expect(log.events).toContain("maybe-duplicate");
});

test("a unix socket takes mail, and a login without TLS", async () => {
  const path = join(folder, "lmtp");
  const server = await start({ login: LOGIN }, path);
  const terms: Terms = { protocol: "lmtp", login: LOGIN };
  const [outcome] = await deliver(server, relay([{ kind: "socket", path }], terms));
  expect(outcome).toEqual({ kind: "delivered", reply: "250 2.0.0 taken", host: `unix:${path}` });
  expect(server.messages[0]?.message.toString()).toBe(TRACE + BODY);
});

test("a unix socket that is not there defers", async () => {
  const server = await start({});
  const path = join(folder, "nobody");
  const [outcome] = await deliver(server, relay([{ kind: "socket", path }]));
  expect(outcome?.kind).toBe("deferred");
  expect(outcome?.host).toBe(`unix:${path}`);
});

test("the next host is tried when the first can't be reached", async () => {
  const gone = await NextHopServer.start();
  const places = [at(gone)];
  await gone.stop();
  const server = await start({});
  const hop = relay([...places, at(server)]);
  expect(brief(await deliver(server, hop))).toEqual(["delivered 250"]);
});

test("hosts that are alike are all used", async () => {
  const alike = [await start({}), await start({}), await start({})];
  const hop = relay(alike.map(at), { sessionsMax: 1 }, true);
  for (let i = 0; i < 60; i++) {
    await deliver(alike[0] as NextHopServer, hop);
    for (const each of alike) each.dropAll();
  }
  for (const each of alike) expect(each.messages.length).toBeGreaterThan(0);
});

test("a session leaves from the route's address of the next hop's family", async () => {
  const server = await start({});
  const hop = relay([{ kind: "host", host: "127.0.0.1", port: server.port }], {
    localAddresses: ["::1", "127.0.0.9"],
  });
  expect(brief(await deliver(server, hop))).toEqual(["delivered 250"]);
  expect(server.messages[0]?.clientAddress).toBe("127.0.0.9");
});

test("a route's own limit of sessions holds", async () => {
  const server = await start({});
  const hop = relay([at(server)], { sessionsMax: 2 });
  const work = Array.from({ length: 20 }, () => deliver(server, hop));
  const outcomes = (await Promise.all(work)).flat();
  expect(outcomes.every(({ kind }) => kind === "delivered")).toBe(true);
  expect(server.sessionCount).toBe(2);
});
