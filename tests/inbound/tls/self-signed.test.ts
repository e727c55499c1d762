// Certificates that a host signs for itself, as another implementation of X.509 reads them.
import { describe, expect, test } from "bun:test";
import { createPrivateKey, X509Certificate } from "node:crypto";
import { derOf } from "../../../src/codec/ber.ts";
import { makeSelfSigned } from "../../../src/inbound/tls/self-signed.ts";

const DAY_MS = 86_400_000;
const NOW = Date.UTC(2026, 0, 31, 12, 0, 0);

describe("makeSelfSigned()", () => {
  const LONG = `${"a".repeat(60)}.${"b".repeat(60)}.example.org`;
  test.each([
    ["a name", "mx1.example.org", NOW, "CN=mx1.example.org"],
    ["a name too long for a subject", LONG, NOW, "CN=gw"],
    ["days behind 2049", "mx1.example.org", Date.UTC(2049, 11, 31), "CN=mx1.example.org"],
    ["days behind 2050", "mx1.example.org", Date.UTC(2060, 1, 29), "CN=mx1.example.org"],
  ])("makes what others can read, with %s", (_, name, now, subject) => {
    const made = makeSelfSigned(name, now);
    const certificate = new X509Certificate(made.certificate);
    expect(certificate.subject).toBe(subject);
    expect(certificate.issuer).toBe(subject);
    expect(certificate.subjectAltName).toBe(`DNS:${name}`);
    expect(certificate.checkHost(name)).toBe(name);
    expect(certificate.ca).toBe(false);
    expect(Date.parse(certificate.validFrom)).toBe(now - DAY_MS);
    expect(Date.parse(certificate.validTo)).toBe(made.expiresAt);
    expect(made.expiresAt).toBeGreaterThan(now + 365 * DAY_MS);
    expect(certificate.verify(certificate.publicKey)).toBe(true);
    expect(certificate.checkPrivateKey(createPrivateKey(made.key))).toBe(true);
  });

  test("never makes the same key or number twice", () => {
    const [one, two] = [makeSelfSigned("a.test", NOW), makeSelfSigned("a.test", NOW)];
    expect(one.key).not.toBe(two.key);
    const serials = [one, two].map((each) => new X509Certificate(each.certificate).serialNumber);
    expect(serials[0]).not.toBe(serials[1]);
    expect(serials[0]).toHaveLength(32);
  });
});

test.each([
  [0, "0400"],
  [1, "0401"],
  [127, "047f"],
  [128, "048180"],
  [255, "0481ff"],
  [256, "04820100"],
  [65_536, "0483010000"],
])("derOf() writes a length of %d in as few bytes as can be", (length, head) => {
  const made = derOf(0x04, Buffer.alloc(length));
  expect(made.subarray(0, made.length - length).toString("hex")).toBe(head);
});
