// The terms of a route, on the wire: protocol, login, source address, several hosts.
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Outcome } from "../../src/message.ts";
import { Courier } from "../../src/outbound/courier.ts";
import { type NextHop, type Place, relayTo, type Terms } from "../../src/outbound/route.ts";
import type { CourierSettings } from "../../src/outbound/settings.ts";
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
  expect(outcome).toEqual({
    ...{ kind: "delivered", reply: "250 2.0.0 taken", host: `unix:${path}` },
    success: "delivered",
  });
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

const eight = (...lines: string[]) => ({
  kind: "bytes" as const,
  bytes: Buffer.from(["Subject: a", "MIME-Version: 1.0", ...lines, ""].join("\r\n")),
});
const TEXT = eight("Content-Type: text/plain; charset=utf-8", "", "é is a letter");
const SIGNED = eight("Content-Type: multipart/signed; boundary=b", "", "--b", "", "é", "--b--");
const ONLY_ASCII = eight("", "e");

const EIGHT_BIT: [string, Partial<CourierSettings>, typeof TEXT, string, string][] = [
  ["is converted", {}, TEXT, "delivered 250", "=C3=A9 is a letter"],
  ["is refused by setting", { eightBit: "refuse" }, TEXT, "failed 554", ""],
  ["is sent by setting", { eightBit: "send" }, TEXT, "delivered 250", "é is a letter"],
  ["in a signed part is sent", {}, SIGNED, "delivered 250", "é"],
  [
    "in a signed part is refused by setting",
    { eightBitSigned: "refuse" },
    SIGNED,
    "failed 554",
    "",
  ],
  ["that is ASCII goes as it is", { eightBit: "refuse" }, ONLY_ASCII, "delivered 250", "e"],
];

test.each(EIGHT_BIT)("8-bit mail for a next hop without 8BITMIME %s", async (...row) => {
  const [, settings, body, expected, text] = row;
  courier.close();
  courier = new Courier({ ...SETTINGS, ...settings }, log);
  const server = await start({ extensions: ["PIPELINING", "SIZE 10000"] });
  const envelope = { sender: "a@example.org", isUtf8: false, body: "8bitmime" } as const;
  const outcomes = await courier.deliver(deliveryTo(server, { envelope, body }));
  expect(brief(outcomes)).toEqual([expected]);
  const lines = server.messages[0]?.message.toString().split("\r\n") ?? [];
  if (text !== "") expect(lines).toContain(text);
  expect(server.messages.length).toBe(text === "" ? 0 : 1);
  expect(server.lines.some((line) => line.includes("BODY="))).toBe(false);
});

test("8-bit mail that grows beyond the next hop's size by its conversion fails for that", async () => {
  const server = await start({ extensions: ["SIZE 1500"] });
  const body = eight("Content-Type: text/plain; charset=utf-8", "", "éééé eeee ".repeat(70));
  const outcomes = await courier.deliver(deliveryTo(server, { body }));
  expect(brief(outcomes)).toEqual(["failed 552"]);
});

test("a large file is converted as well", async () => {
  const path = join(folder, "large");
  writeFileSync(path, `Subject: a\r\n\r\n${"some words of a text\r\n".repeat(40_000)}é\r\n`);
  const server = await start({ extensions: [] });
  const body = { kind: "file", path, offset: 0, size: statSync(path).size } as const;
  expect(brief(await courier.deliver(deliveryTo(server, { body })))).toEqual(["delivered 250"]);
  const taken = server.messages[0]?.message.toString() ?? "";
  expect(taken).toContain("Content-Type: text/plain; charset=utf-8");
  expect(taken.slice(-30)).toContain("\r\n=C3=A9\r\n");
  expect(log.events).toContain("converted");
});
