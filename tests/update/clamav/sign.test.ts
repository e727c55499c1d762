import { describe, expect, test } from "bun:test";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { checkSign, readRoots, SignError } from "../../../src/update/clamav/sign.ts";

const CORPUS = process.env["GW_CORPUS"] ?? "../shared/corpus";
const INPUT = `${CORPUS}/gpl-optional/clamav-unit-tests/unit_tests/input`;
const hasCorpus = existsSync(INPUT);
/** The roots of the samples end in March 2027. */
const NOW = Date.UTC(2026, 10, 23);

const BAD: readonly (readonly [string, RegExp])[] = [
  ["", /no .sign file/],
  ["#clamsign-2.0\n230::pkcs7-pem:AAAA\n", /no .sign file/],
  ["#clamsign-1.0\n", /holds no signature/],
  ["#clamsign-1.0\n230::pgp:AAAA\n", /unknown kind/],
  ["#clamsign-1.0\n230::pkcs7-pem:AAAA\n", /malformed/],
  ["#clamsign-1.0\n230::pkcs7-pem:MIID\n", /malformed/],
  ["#clamsign-1.0\n230::pkcs7-pem:MIIDA===\n", /malformed/],
];

test.each(BAD)("checkSign() refuses %j", (text, expected) => {
  const check = () => checkSign(text, Buffer.from("x"), [], NOW);
  expect(check).toThrow(SignError);
  expect(check).toThrow(expected);
});

test("readRoots() wants certificates, and of each name one", () => {
  const folder = mkdtempSync(join(tmpdir(), "gw-roots-"));
  try {
    expect(() => readRoots(folder)).toThrow(/holds no certificates/);
    writeFileSync(join(folder, "a.pem"), "nothing");
    expect(() => readRoots(folder)).toThrow(/a.pem is no certificate/);
    if (!hasCorpus) return;
    const root = readFileSync(`${INPUT}/signing/verify/clamav-test.crt`);
    writeFileSync(join(folder, "a.pem"), root);
    expect(readRoots(folder).length).toBe(1);
    writeFileSync(join(folder, "b.crt"), root);
    expect(() => readRoots(folder)).toThrow(/two certificates of one name/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

describe.skipIf(!hasCorpus)("checkSign() on the samples of ClamAV", () => {
  const roots = hasCorpus ? readRoots(`${INPUT}/signing/verify`) : [];
  const files = `${INPUT}/freshclam_testfiles`;
  const signOf = (name: string) => readFileSync(`${files}/${name}.sign`, "latin1");
  const NAMES = ["test-1.cvd", "test-2.cvd", "test-3.cvd", "test-2.cdiff", "test-3.cdiff"];

  test.each(NAMES)("accepts %s", (name) => {
    checkSign(signOf(name), readFileSync(`${files}/${name}`), roots, NOW);
  });

  test("refuses another file, no roots, and certificates out of their time", () => {
    const [bytes, sign] = [readFileSync(`${files}/test-1.cvd`), signOf("test-1.cvd")];
    expect(() => checkSign(signOf("test-2.cvd"), bytes, roots, NOW)).toThrow(/of another file/);
    expect(() => checkSign(sign, bytes, [], NOW)).toThrow(/does not lead to one that is trusted/);
    expect(() => checkSign(sign, bytes, roots, Date.UTC(2028, 0))).toThrow(/Root CA expired on/);
    expect(() => checkSign(sign, bytes, roots, Date.UTC(2024, 0))).toThrow(/is not valid yet/);
  });

  test("refuses a .sign file with any byte flipped, but for the level in front", () => {
    const bytes = readFileSync(`${files}/test-2.cdiff`);
    const sign = signOf("test-2.cdiff");
    const level = sign.indexOf("\n") + 1;
    const accepted: number[] = [];
    for (let at = 0; at < sign.trimEnd().length; at++) {
      if (at >= level && at < level + 3) continue;
      const flipped = String.fromCharCode(sign.charCodeAt(at) ^ (1 << (at % 7)));
      try {
        checkSign(sign.slice(0, at) + flipped + sign.slice(at + 1), bytes, roots, NOW);
        accepted.push(at);
      } catch (error) {
        if (!(error instanceof SignError)) throw error;
      }
    }
    expect(accepted).toEqual([]);
  });
});
