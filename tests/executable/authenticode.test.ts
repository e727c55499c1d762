import { expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { authenticodeDigest, peChecksum } from "../../src/executable/pe/digest.ts";
import { type PeFile, parsePe } from "../../src/executable/pe/pe-file.ts";
import { buildSignature, certificateEntry } from "../harness/der.ts";
import { buildPe } from "../harness/pe-builder.ts";

const SERIAL = Buffer.from("00a1b2c3", "hex");
const DIGEST = Buffer.alloc(20, 7);
const signature = { subject: "Own \u00fc", serial: SERIAL, digest: DIGEST };

function signed(...messages: readonly Uint8Array[]): PeFile {
  const file = parsePe(
    buildPe({ certificates: Buffer.concat(messages.map((one) => certificateEntry(one))) }),
  );
  if (file === undefined) throw new Error("not a program");
  return file;
}

test("a signature tells its signer's certificate and the digest that was signed", () => {
  const [found] = signed(buildSignature(signature)).signatures;
  expect(found).toMatchObject({
    digest: DIGEST,
    digestAlgorithm: "1.3.14.3.2.26",
    signer: {
      version: 3,
      serial: SERIAL,
      algorithm: "1.2.840.113549.1.1.11",
      issuer: "/C=DE/CN=Issuer",
      subject: "/CN=Own \\xC3\\xBC/1.2.3.4=x",
      notBefore: Date.UTC(2020, 0, 2, 3, 4, 5) / 1000,
      notAfter: Date.UTC(2051, 0, 2, 3, 4, 5) / 1000,
    },
  });
});

test("a second signature stands in an entry of its own or in the first one", () => {
  const other = buildSignature({ ...signature, subject: "Other" });
  const beside = signed(buildSignature(signature), other).signatures;
  const inside = signed(buildSignature({ ...signature, nested: other })).signatures;
  for (const found of [beside, inside]) {
    expect(found.map(({ signer }) => signer.subject.slice(0, 7))).toEqual(["/CN=Own", "/CN=Oth"]);
  }
});

test("signatures that hold themselves end, and broken ones are none", () => {
  let message = buildSignature(signature);
  for (let depth = 0; depth < 40; depth++)
    message = buildSignature({ ...signature, nested: message });
  expect(signed(message).signatures.length).toBeLessThanOrEqual(16);
  const whole = buildSignature(signature);
  for (let size = 0; size < whole.length; size += 3) {
    expect(signed(whole.subarray(0, size)).signatures.length).toBeLessThanOrEqual(1);
  }
});

test("the signed digest leaves out the checksum and the signatures", () => {
  const plain = buildPe();
  const file = signed(buildSignature(signature));
  const { bytes } = file.reader;
  // The directory entry that was filled in is left out as well.
  const kept = Buffer.concat([
    ...[plain.subarray(0, 0xd8), plain.subarray(0xdc, 0x118), plain.subarray(0x120)],
  ]);
  expect(authenticodeDigest(file, "sha1")).toBe(createHash("sha1").update(kept).digest("hex"));
  bytes.writeUInt32LE(0x12345678, 0xd8);
  expect(authenticodeDigest(file, "sha1")).toBe(createHash("sha1").update(kept).digest("hex"));
});

test("the checksum does not count itself", () => {
  const file = signed();
  const before = peChecksum(file);
  file.reader.bytes.writeUInt32LE(before, 0xd8);
  expect(peChecksum(file)).toBe(before);
  file.reader.bytes.writeUInt8(1, 0x500);
  expect(peChecksum(file)).toBe(before + 1);
});
