import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, renameSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CertificateWatch, loadCertificate } from "../../../src/inbound/tls/certificate.ts";
import { makeCertificate, type TestCertificate } from "../../harness/certificate.ts";

let folder = "";
let good: TestCertificate;
let other: TestCertificate;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "gw-certificate-"));
  good = makeCertificate(folder, "good.example.org");
  other = makeCertificate(folder, "other.example.org");
  writeFileSync(join(folder, "rubbish"), "-----BEGIN RUBBISH-----\n");
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("loadCertificate() reads both files and tells the day it ends", () => {
  const { cert, key, expiresAt } = loadCertificate(good);
  expect(cert.toString()).toContain("BEGIN CERTIFICATE");
  expect(key.toString()).toContain("PRIVATE KEY");
  expect((expiresAt - Date.now()) / 86_400_000).toBeCloseTo(30, 0);
});

test("loadCertificate() names the file and the reason", () => {
  const missing = join(folder, "missing.pem");
  const rubbish = join(folder, "rubbish");
  const load = (files: Partial<TestCertificate>) => () => loadCertificate({ ...good, ...files });
  expect(load({ certificate: missing })).toThrow(`cannot read the TLS certificate ${missing}`);
  expect(load({ key: missing })).toThrow(`cannot read the TLS key ${missing}`);
  expect(load({ certificate: rubbish })).toThrow(`${rubbish} holds no certificate in PEM`);
  expect(load({ key: rubbish })).toThrow(`${rubbish} holds no private key in PEM`);
  expect(load({ key: other.key })).toThrow(`${other.key} does not belong to ${good.certificate}`);
});

test("CertificateWatch tells of each change once", () => {
  const certificate = join(folder, "watched.pem");
  writeFileSync(certificate, "one");
  const watch = new CertificateWatch({ certificate, key: good.key });
  expect(watch.hasChanged()).toBe(false);
  utimesSync(certificate, 1, 1);
  expect(watch.hasChanged()).toBe(true);
  expect(watch.hasChanged()).toBe(false);
  rmSync(certificate);
  expect(watch.hasChanged()).toBe(true);
  writeFileSync(`${certificate}.new`, "two");
  renameSync(`${certificate}.new`, certificate);
  expect(watch.hasChanged()).toBe(true);
});
