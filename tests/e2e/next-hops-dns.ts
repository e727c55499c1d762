// The part of next-hops.ts that is about DNS: hosts found by MX are at port 25, which no test may
// have, so the sending side runs in this process with another one.
import { createHash, X509Certificate } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Answer } from "dns-packet";
import type { Log } from "../../src/base/log.ts";
import { Courier } from "../../src/outbound/courier.ts";
import { COURIER_DEFAULTS } from "../../src/outbound/settings.ts";
import { makeCertificate } from "../harness/certificate.ts";
import { addressRecord, FakeDns, mxRecord, RCODE, reply, type Zone } from "../harness/fake-dns.ts";
import { Findings } from "../harness/findings.ts";
import { NextHopServer } from "../harness/next-hop.ts";

interface Case {
  readonly zone: (port: number, hash: Buffer) => Zone;
  readonly isSigned?: boolean;
  /** Types of questions that end in SERVFAIL. */
  readonly fails?: string;
  readonly expected: string;
}

const A = "127.0.0.1";
const MX: Zone = {
  "d.example": [mxRecord("d.example", 10, "mx.d.example")],
  "mx.d.example": [addressRecord("mx.d.example", A)],
};
const cname = (name: string, data: string): Answer => ({ name, type: "CNAME", ttl: 60, data });
const tlsa = (port: number, certificate: Buffer): Zone => {
  const name = `_${port}._tcp.mx.d.example`;
  const data = { usage: 3, selector: 1, matchingType: 1, certificate };
  return { ...MX, [name]: [{ name, type: "TLSA", ttl: 60, data } as unknown as Answer] };
};

const CASES: Readonly<Record<string, Case>> = {
  MX: { zone: () => MX, expected: "delivered 250" },
  "MX by an IPv6 address": {
    zone: () => ({ ...MX, "mx.d.example": [addressRecord("mx.d.example", "::1")] }),
    expected: "deferred 451 4.4.1",
  },
  "two MX, the first does not answer": {
    zone: () => ({
      ...MX,
      "d.example": [mxRecord("d.example", 5, "mx1.d.example"), ...(MX["d.example"] ?? [])],
      "mx1.d.example": [addressRecord("mx1.d.example", "127.0.0.77")],
    }),
    expected: "delivered 250",
  },
  "null MX": {
    zone: () => ({ "d.example": [mxRecord("d.example", 0, ".")] }),
    expected: "failed 556 5.1.10",
  },
  "no MX, an address": {
    zone: () => ({ "d.example": [addressRecord("d.example", A)] }),
    expected: "delivered 250",
  },
  "no MX, no address": { zone: () => ({ "d.example": [] }), expected: "failed 550 5.4.4" },
  "an alias of a domain with MX": {
    zone: () => ({
      "d.example": [cname("d.example", "e.example")],
      "e.example": [mxRecord("e.example", 10, "mx.d.example")],
      "mx.d.example": MX["mx.d.example"] ?? [],
    }),
    expected: "delivered 250",
  },
  "no such domain": { zone: () => ({}), expected: "failed 550 5.1.2" },
  "SERVFAIL for MX": { zone: () => MX, fails: "MX", expected: "deferred 451 4.4.3" },
  "SERVFAIL for the address": { zone: () => MX, fails: "A", expected: "deferred 451 4.4.3" },
  "DANE, right": { zone: tlsa, isSigned: true, expected: "delivered 250 encrypted" },
  "DANE, wrong": {
    zone: (port) => tlsa(port, Buffer.alloc(32, 1)),
    isSigned: true,
    expected: "deferred 451 4.7.5",
  },
  "DANE, wrong and not signed": {
    zone: (port) => tlsa(port, Buffer.alloc(32, 1)),
    expected: "delivered 250 encrypted",
  },
  "DANE, SERVFAIL": { zone: tlsa, isSigned: true, fails: "TLSA", expected: "deferred 451 4.4.3" },
};

const SILENT: Log = { error() {}, warn() {}, info() {}, debug() {} };

async function attempt(one: Case, pair: { cert: Buffer; key: Buffer }): Promise<string> {
  const isTls = one.expected.includes("encrypted") || one.isSigned === true;
  const hop = await NextHopServer.start(isTls ? { certificate: pair } : {});
  const key = new X509Certificate(pair.cert).publicKey.export({ type: "spki", format: "der" });
  const dns = await FakeDns.start(one.zone(hop.port, createHash("sha256").update(key).digest()));
  dns.isSigned = one.isSigned === true;
  dns.trick = ({ type, packet }) =>
    type === one.fails ? [reply(packet, RCODE.servfail)] : undefined;
  const settings = {
    ...COURIER_DEFAULTS,
    ...({ hostname: "gw.test", tls: "dane", mxPort: hop.port, isLoopbackMxAllowed: true } as const),
    dns: { servers: [dns.endpoint], timeoutMs: 500, rounds: 1 },
  };
  const courier = new Courier(settings, SILENT);
  const [outcome] = await courier.deliver({
    ...{ id: "1", nextHop: { kind: "mx", domain: "d.example" }, trace: "" },
    envelope: { sender: "a@from.example", isUtf8: false, body: "7bit" },
    recipients: [{ address: "x@d.example" }],
    body: { kind: "bytes", bytes: Buffer.from("Subject: a\r\n\r\nb\r\n") },
  });
  courier.close();
  await hop.stop();
  await dns.stop();
  const isSecure = hop.messages[0]?.isSecure === true;
  const reason = outcome?.kind === "delivered" ? "250" : (outcome?.reply ?? "");
  const words = reason.split(" ").slice(0, outcome?.kind === "delivered" ? 1 : 2);
  return [outcome?.kind, ...words, ...(isSecure ? ["encrypted"] : [])].join(" ");
}

/** Runs all cases and prints what came of each; the exit code is 1 if one is wrong. */
export async function dnsCases(): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), "gw-next-hops-dns-"));
  const files = makeCertificate(folder, "other.example");
  const pair = { cert: readFileSync(files.certificate), key: readFileSync(files.key) };
  rmSync(folder, { recursive: true });
  const findings = new Findings();
  const wrong: string[] = [];
  for (const [name, one] of Object.entries(CASES)) {
    const came = await attempt(one, pair);
    findings.row(name, came);
    if (came !== one.expected) wrong.push(`${name}: ${came} instead of ${one.expected}`);
  }
  findings.mustBeNone("cases that are not as they should be", wrong);
  return findings.print("what DNS says: what became of the mail");
}
