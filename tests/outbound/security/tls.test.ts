// DANE and MTA-STS on the wire: a fake DNS says what the domain wants, a next hop has some
// certificate, and mail arrives encrypted, in clear, or not.
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "bun:test";
import { createHash, X509Certificate } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Answer } from "dns-packet";
import { Courier } from "../../../src/outbound/courier.ts";
import type { KnownPolicy } from "../../../src/outbound/security/sts-policy.ts";
import type { TlsResult } from "../../../src/outbound/security/tls-results.ts";
import type { CourierSettings } from "../../../src/outbound/settings.ts";
import { issueCertificate, makeCertificate } from "../../harness/certificate.ts";
import { addressRecord, FakeDns, mxRecord, RCODE, reply } from "../../harness/fake-dns.ts";
import { type NextHopScript, NextHopServer } from "../../harness/next-hop.ts";
import { deliveryTo, keptLog, SETTINGS } from "../parts.ts";

const HOST = "mx.example.org";
const folder = mkdtempSync(join(tmpdir(), "gw-dane-"));
interface Pair {
  readonly cert: Buffer;
  readonly key: Buffer;
}
let issued: Pair;
let own: Pair;
let authority: string;
let web: Server;
let webReply: { status: number; type: string; body: string };
let webPaths: string[] = [];
let dns: FakeDns;
let hop: NextHopServer;
let courier: Courier | undefined;
let policies: KnownPolicy[] = [];
let tlsResults: TlsResult[] = [];
let log = keptLog();

const pair = (files: { certificate: string; key: string }): Pair => {
  return { cert: readFileSync(files.certificate), key: readFileSync(files.key) };
};

beforeAll(async () => {
  const files = issueCertificate(folder, HOST);
  issued = pair(files);
  authority = readFileSync(files.authority, "utf8");
  own = pair(makeCertificate(folder, "other.example.org"));
  const site = issueCertificate(folder, "mta-sts.example.org");
  authority += readFileSync(site.authority, "utf8");
  web = createServer(pair(site), (request, response) => {
    webPaths.push(request.url ?? "");
    response.writeHead(webReply.status, { "Content-Type": webReply.type });
    response.end(webReply.body);
  });
  await new Promise<void>((resolve) => web.listen(0, "127.0.0.1", resolve));
});
afterAll(() => {
  web.close();
  rmSync(folder, { recursive: true });
});
beforeEach(async () => {
  hop = await NextHopServer.start();
  dns = await FakeDns.start({
    "example.org": [mxRecord("example.org", 10, HOST)],
    [HOST]: [addressRecord(HOST, "127.0.0.1")],
  });
  dns.isSigned = true;
  log = keptLog();
  policies = [];
  tlsResults = [];
  webPaths = [];
});
afterEach(async () => {
  courier?.close();
  await hop.stop();
  await dns.stop();
});

async function send(changes: Partial<CourierSettings>): Promise<string> {
  courier?.close();
  const settings = {
    ...{ ...SETTINGS, tlsCa: authority, mxPort: hop.port, isLoopbackMxAllowed: true },
    ...{ dns: { servers: [dns.endpoint], timeoutMs: 300, rounds: 1 }, isTlsCounted: true },
    ...changes,
  };
  courier = new Courier(settings, log, {
    onPolicy: (policy) => policies.push(policy),
    onTlsResults: (results) => tlsResults.push(...results),
  });
  const nextHop = { kind: "mx", domain: "example.org" } as const;
  const [outcome] = await courier.deliver(deliveryTo(hop, { nextHop }));
  if (outcome?.kind !== "delivered") return outcome?.reply.slice(0, 9) ?? "";
  return hop.messages.at(-1)?.isSecure ? "encrypted" : "in clear";
}

type TlsaParts = { usage: number; selector: number; matchingType: number; certificate: Buffer };

function tlsa(data: TlsaParts): void {
  const name = `_${hop.port}._tcp.${HOST}`;
  dns.zone[name] = [{ name, type: "TLSA", ttl: 60, data } as unknown as Answer];
}

/** A record of a certificate in a PEM file. */
function record(pem: Buffer | string, usage: number, selector = 1, matchingType = 1): TlsaParts {
  const one = new X509Certificate(pem);
  const bytes = selector === 0 ? one.raw : one.publicKey.export({ type: "spki", format: "der" });
  const algorithm = [undefined, "sha256", "sha512"][matchingType];
  const certificate =
    algorithm === undefined ? bytes : createHash(algorithm).update(bytes).digest();
  return { usage, selector, matchingType, certificate };
}

const withTls = (certificate: () => Pair) => (): NextHopScript => ({ certificate: certificate() });
const plain = (): NextHopScript => ({});

const DANE: [string, () => NextHopScript, (() => TlsaParts) | undefined, string][] = [
  ["no record, no TLS", plain, undefined, "in clear"],
  ["no record, TLS", withTls(() => own), undefined, "encrypted"],
  ["3 1 1 of the key", withTls(() => own), () => record(own.cert, 3), "encrypted"],
  ["3 0 2 of the certificate", withTls(() => own), () => record(own.cert, 3, 0, 2), "encrypted"],
  ["3 0 0, all of it", withTls(() => own), () => record(own.cert, 3, 0, 0), "encrypted"],
  ["3 1 1 of another key", withTls(() => own), () => record(issued.cert, 3), "451 4.7.5"],
  ["3 1 1, and no TLS", plain, () => record(own.cert, 3), "451 4.7.5"],
  ["2 1 1 of the issuer", withTls(() => issued), () => record(authority, 2), "encrypted"],
  ["2 1 1 of another issuer", withTls(() => own), () => record(authority, 2), "451 4.7.5"],
  [
    "2 1 1 of the certificate itself",
    withTls(() => issued),
    () => record(issued.cert, 2),
    "451 4.7.5",
  ],
  [
    "1 1 1, which mail does not know, TLS",
    withTls(() => own),
    () => record(own.cert, 1),
    "encrypted",
  ],
  ["1 1 1, which mail does not know, no TLS", plain, () => record(own.cert, 1), "451 4.7.5"],
];

test.each(DANE)("DANE: %s", async (_, script, tlsaOf, expected) => {
  hop.script = script();
  if (tlsaOf !== undefined) tlsa(tlsaOf());
  expect(await send({ tls: "dane" })).toBe(expected);
});

test("DANE: records that nobody signed count for nothing", async () => {
  tlsa(record(own.cert, 3));
  dns.isSigned = false;
  expect(await send({ tls: "dane" })).toBe("in clear");
  expect(dns.questions.some((question) => question.startsWith("TLSA"))).toBe(false);
});

test("DANE: records that are kept from us keep the mail waiting", async () => {
  dns.trick = ({ type, packet }) => (type === "TLSA" ? [reply(packet, RCODE.servfail)] : undefined);
  expect(await send({ tls: "dane" })).toBe("451 4.4.3");
});

test("without DANE nobody asks for records", async () => {
  tlsa(record(own.cert, 3));
  expect(await send({ tls: "opportunistic" })).toBe("in clear");
  expect(dns.questions.some((question) => question.startsWith("TLSA"))).toBe(false);
});

const POLICY = (mode: string, mx: string) =>
  ["version: STSv1", `mode: ${mode}`, `mx: ${mx}`, "max_age: 86400", ""].join("\r\n");

function publish(body: string, more: Partial<typeof webReply> = {}, id = "1"): void {
  const host = "mta-sts.example.org";
  dns.zone[host] = [addressRecord(host, "127.0.0.1")];
  const name = "_mta-sts.example.org";
  dns.zone[name] = [{ name, type: "TXT", ttl: 60, data: [`v=STSv1; id=${id};`] }];
  webReply = { status: 200, type: "text/plain; charset=utf-8", body, ...more };
}

const sts = (known: readonly KnownPolicy[] = []) => ({
  sts: { port: (web.address() as AddressInfo).port, known },
});

const STS: [string, string, Partial<typeof webReply>, () => NextHopScript, string][] = [
  ["enforce, right certificate", POLICY("enforce", HOST), {}, withTls(() => issued), "encrypted"],
  ["enforce, by mask", POLICY("enforce", "*.example.org"), {}, withTls(() => issued), "encrypted"],
  ["enforce, wrong certificate", POLICY("enforce", HOST), {}, withTls(() => own), "451 4.7.5"],
  ["enforce, no TLS", POLICY("enforce", HOST), {}, plain, "451 4.7.5"],
  [
    "enforce, other hosts",
    POLICY("enforce", "mx2.example.org"),
    {},
    withTls(() => issued),
    "451 4.7.5",
  ],
  ["testing, no TLS", POLICY("testing", "mx2.example.org"), {}, plain, "in clear"],
  ["none", "version: STSv1\nmode: none\nmax_age: 86400\n", {}, plain, "in clear"],
  ["not found", POLICY("enforce", HOST), { status: 404 }, plain, "in clear"],
  ["a redirect", POLICY("enforce", HOST), { status: 301 }, plain, "in clear"],
  ["of another type", POLICY("enforce", HOST), { type: "text/html" }, plain, "in clear"],
  ["nonsense", "hello", {}, plain, "in clear"],
  ["endless", "x".repeat(1_000_000), {}, plain, "in clear"],
];

test.each(STS)("MTA-STS: %s", async (...row) => {
  const [, body, more, script, expected] = row;
  publish(body, more);
  hop.script = script();
  expect(await send(sts())).toBe(expected);
  expect(webPaths).toEqual(["/.well-known/mta-sts.txt"]);
});

test("MTA-STS: a policy is kept, and fetched again when its id changes", async () => {
  publish(POLICY("enforce", HOST));
  expect(await send(sts())).toBe("451 4.7.5");
  expect(policies).toMatchObject([{ domain: "example.org", id: "1", policy: { mode: "enforce" } }]);
  const kept = [...policies];
  webReply = { ...webReply, status: 500 };
  expect(await send(sts(kept))).toBe("451 4.7.5");
  expect(webPaths.length).toBe(1);
  // Neither a domain that says nothing any more nor a site that is down ends a policy.
  dns.zone["_mta-sts.example.org"] = [];
  expect(await send(sts(kept))).toBe("451 4.7.5");
  publish(POLICY("none", HOST), { status: 500 }, "2");
  expect(await send(sts(kept))).toBe("451 4.7.5");
  publish(POLICY("none", HOST), {}, "3");
  expect(await send(sts(kept))).toBe("in clear");
  expect(policies.at(-1)).toMatchObject({ id: "3", policy: { mode: "none" } });
});

test("MTA-STS: a policy whose time is up is none", async () => {
  publish(POLICY("enforce", HOST));
  await send(sts());
  dns.zone["_mta-sts.example.org"] = [];
  const old = policies.map((policy) => ({ ...policy, expiresAt: Date.now() - 1 }));
  expect(await send(sts(old))).toBe("in clear");
});

/** What was counted: policy, failure, how often. */
function counted(): string[] {
  courier?.close();
  return tlsResults.map(({ policy, failure, count }) =>
    [policy.kind, failure?.kind ?? "good", count].join(" "),
  );
}

const refusing = (): NextHopScript => ({ starttls: "502 5.5.1 not here" });

const COUNTED: [string, () => NextHopScript, () => Partial<CourierSettings>, string][] = [
  ["no policy, TLS", withTls(() => own), () => ({}), "no-policy-found good 1"],
  ["no policy, no TLS", plain, () => ({}), "no-policy-found starttls-not-supported 1"],
  [
    "no policy, TLS that breaks",
    () => ({ starttls: "220 go\r\n250 what is this" }),
    () => ({}),
    "no-policy-found validation-failure 1",
  ],
  ["DANE, right", withTls(() => own), dane(() => record(own.cert, 3)), "tlsa good 1"],
  [
    "DANE, another key",
    withTls(() => own),
    dane(() => record(issued.cert, 3)),
    "tlsa validation-failure 1",
  ],
  ["DANE, no TLS", refusing, dane(() => record(own.cert, 3)), "tlsa starttls-not-supported 1"],
  [
    "DANE, no record that can be used",
    withTls(() => own),
    dane(() => record(own.cert, 1)),
    "tlsa tlsa-invalid 1",
  ],
  ["enforced, right", withTls(() => issued), policed(POLICY("enforce", HOST)), "sts good 1"],
  [
    "enforced, wrong certificate",
    withTls(() => own),
    policed(POLICY("enforce", HOST)),
    "sts certificate-not-trusted 1",
  ],
  [
    "enforced, another host",
    withTls(() => issued),
    policed(POLICY("enforce", "mx2.example.org")),
    "sts validation-failure 1",
  ],
  ["enforced, no TLS", refusing, policed(POLICY("enforce", HOST)), "sts starttls-not-supported 1"],
  ["tried, right", withTls(() => issued), policed(POLICY("testing", HOST)), "sts good 1"],
  [
    "tried, wrong certificate",
    withTls(() => own),
    policed(POLICY("testing", HOST)),
    "sts certificate-not-trusted 1",
  ],
  ["a policy that is none", withTls(() => own), policed("hello"), "sts sts-policy-invalid 1"],
  [
    "a policy that is not there",
    withTls(() => own),
    policed("", { status: 404 }),
    "sts sts-policy-fetch-error 1",
  ],
];

function dane(made: () => TlsaParts) {
  return () => {
    tlsa(made());
    return { tls: "dane" } as const;
  };
}

function policed(body: string, more: Partial<typeof webReply> = {}) {
  return () => {
    publish(body, more);
    return sts();
  };
}

test.each(COUNTED)("what is counted for reports: %s", async (_, script, changes, expected) => {
  hop.script = script();
  await send(changes());
  expect(counted()).toEqual([expected]);
});

test("sessions that go alike are one result, and only hosts found by MX count", async () => {
  const settings = {
    ...{ ...SETTINGS, mxPort: hop.port, isLoopbackMxAllowed: true, messagesPerSessionMax: 1 },
    ...{ dns: { servers: [dns.endpoint], timeoutMs: 300, rounds: 1 }, isTlsCounted: true },
  };
  const onTlsResults = (results: readonly TlsResult[]) => tlsResults.push(...results);
  courier = new Courier(settings, log, { onPolicy: () => {}, onTlsResults });
  const nextHop = { kind: "mx", domain: "example.org" } as const;
  for (let i = 0; i < 3; i++) await courier.deliver(deliveryTo(hop, { nextHop }));
  await courier.deliver(deliveryTo(hop));
  expect(counted()).toEqual(["no-policy-found starttls-not-supported 3"]);
  expect(tlsResults[0]).toMatchObject({
    domain: "example.org",
    failure: { host: HOST, address: "127.0.0.1", localAddress: "127.0.0.1" },
  });
});

test("DANE comes before MTA-STS", async () => {
  publish(POLICY("enforce", "mx2.example.org"));
  hop.script = { certificate: own };
  tlsa(record(own.cert, 3));
  expect(await send({ tls: "dane", ...sts() })).toBe("encrypted");
  expect(webPaths).toEqual([]);
});
