// Documents encrypted here, with Excel's default password and with others.
import { describe, expect, test } from "bun:test";
import { createCipheriv } from "node:crypto";
import { explodeOle2 } from "../../../src/unpack/office/ole2.ts";
import { budgetOf, budgetWith, drain, textOf } from "../../harness/extracts.ts";
import { buildCompound } from "./build-compound.ts";
import { biff, buildWorkbook, formulaCell, stringToken, u16, u32, wide } from "./build-office.ts";
import { hash, header, rc4, rc4Info, SALT } from "./encrypt-rc4.ts";

const DEFAULT = "VelvetSweatshop";
const PLAIN = Buffer.from("the document inside ".repeat(500));

function aes(data: Buffer, key: Buffer, vector: Buffer | null): Buffer {
  const cipher = createCipheriv(`aes-${key.length * 8}-${vector ? "cbc" : "ecb"}`, key, vector);
  const padded = Buffer.alloc(Math.ceil(data.length / 16) * 16);
  data.copy(padded);
  return cipher.setAutoPadding(false).update(padded);
}

function spun(name: string, password: string, spins: number): Buffer {
  let value = hash(name, SALT, wide(password));
  for (let n = 0; n < spins; n++) value = hash(name, u32(n), value);
  return value;
}

const sized = (data: Buffer) => Buffer.concat([u32(PLAIN.length), u32(0), data]);

function agile(password: string, spins = 50): Buffer {
  const base = spun("sha512", password, spins);
  const key = Buffer.alloc(32, 7);
  const seal = (use: string, data: Buffer) =>
    aes(data, hash("sha512", base, Buffer.from(use, "hex")).subarray(0, 32), SALT).toString(
      "base64",
    );
  const verifier = Buffer.alloc(16, 3);
  const common = `saltSize="16" blockSize="16" keyBits="256" hashSize="64" cipherAlgorithm="AES"
    cipherChaining="ChainingModeCBC" hashAlgorithm="SHA512" saltValue="${SALT.toString("base64")}"`;
  const xml = `<?xml version="1.0"?><encryption><keyData ${common}/><keyEncryptors><keyEncryptor>
    <p:encryptedKey spinCount="${spins}" ${common}
    encryptedVerifierHashInput="${seal("fea7d2763b4b9e79", verifier)}"
    encryptedVerifierHashValue="${seal("d7aa0f6d3061344e", hash("sha512", verifier))}"
    encryptedKeyValue="${seal("146e0be7abacd0d6", key)}"/></keyEncryptor></keyEncryptors></encryption>`;
  const pieces = [];
  for (let n = 0; n * 4096 < PLAIN.length; n++) {
    const vector = hash("sha512", SALT, u32(n)).subarray(0, 16);
    pieces.push(aes(PLAIN.subarray(n * 4096, (n + 1) * 4096), key, vector));
  }
  return buildCompound({
    EncryptionInfo: Buffer.concat([u16(4), u16(4), u32(0x40), Buffer.from(xml)]),
    EncryptedPackage: sized(Buffer.concat(pieces)),
  });
}

function standard(password: string): Buffer {
  const last = hash("sha1", spun("sha1", password, 50_000), u32(0));
  const block = Buffer.alloc(64, 0x36).map((byte, n) => byte ^ (last[n] ?? 0));
  const key = hash("sha1", block).subarray(0, 16);
  const verifier = Buffer.alloc(16, 3);
  const info = [
    ...[u16(3), u16(2), header(128), u32(16), SALT, aes(verifier, key, null), u32(20)],
    aes(hash("sha1", verifier), key, null),
  ];
  return buildCompound({
    EncryptionInfo: Buffer.concat(info),
    EncryptedPackage: sized(aes(PLAIN, key, null)),
  });
}

/** A workbook whose records are encrypted; `bits` of 0 is the oldest kind. */
function workbook(password: string, bits: number): Buffer {
  const { info, keyOf } = rc4Info(password, bits);
  const pass = biff(0x002f, u16(1), info);
  const filler = biff(0x00fc, Buffer.alloc(3000, "x"));
  const cell = formulaCell(0, 0, stringToken("payload"));
  const clear = buildWorkbook([{ name: "M", records: [cell] }], [pass, filler]);
  const stream = Buffer.from(clear);
  for (let at = 0; at < clear.length; at += 1024) {
    rc4(keyOf(at / 1024), clear.subarray(at, at + 1024)).copy(stream, at);
  }
  for (let at = 0; at + 4 <= clear.length; ) {
    const id = clear.readUInt16LE(at);
    const end = at + 4 + clear.readUInt16LE(at + 2);
    clear.copy(stream, at, at, id === 0x0809 || id === 0x002f ? end : at + (id === 0x85 ? 8 : 4));
    at = end;
  }
  return buildCompound({ Workbook: stream });
}

const explode = (bytes: Uint8Array, limits = {}) => drain(explodeOle2(bytes, budgetOf(limits)));
const textIn = (bytes: Uint8Array, name: string) => {
  const found = explode(bytes).extracts.find((extract) => extract.name === name);
  return found && textOf(found.bytes);
};

describe("explodeOle2() with Excel's default password", () => {
  test.each([
    ["agile", agile],
    ["standard", standard],
  ])("opens a package of the %s kind", (_, build) => {
    const bytes = build(DEFAULT);
    expect(textIn(bytes, "decrypted document")).toBe(textOf(PLAIN));
    expect(explode(bytes).status).toBe("clean");
  });

  test.each([
    ["128-bit RC4", 128],
    ["40-bit RC4", 40],
    ["the oldest RC4", 0],
  ])("opens a workbook with %s", (_, bits) => {
    const bytes = workbook(DEFAULT, bits);
    expect(textIn(bytes, "xlm/M")).toContain('A1="payload"');
    expect(textIn(bytes, "decrypted workbook")).toContain("x".repeat(3000));
    expect(explode(bytes).status).toBe("clean");
  });

  test.each([
    ["an agile package", agile("the4nother")],
    ["a standard package", standard("the4nother")],
    ["a workbook", workbook("the4nother", 128)],
    ["an old workbook", workbook("the4nother", 0)],
  ])("opens %s with a word of the message", (_, bytes) => {
    const found = drain(explodeOle2(bytes, budgetWith("Kennwort: the4nother")));
    expect(found).toMatchObject({
      status: "clean",
      note: 'opened with the password "the4nother"',
    });
    expect(found.extracts.map(({ name }) => name).join()).toContain("decrypted");
  });

  test.each([
    ["an agile package", agile("another"), "encrypted (ECMA-376, agile)"],
    ["one that takes too many rounds", agile(DEFAULT, 200_001), "encrypted (ECMA-376, agile)"],
    ["a standard package", standard("another"), "encrypted (ECMA-376, standard)"],
    ["a workbook", workbook("another", 128), "encrypted (Excel, RC4)"],
    ["an old workbook", workbook("another", 0), "encrypted (Excel, RC4)"],
  ])("leaves %s protected that it does not open", (_, bytes, note) => {
    const { status, note: told, extracts } = explode(bytes);
    expect([status, told]).toEqual(["protected", note]);
    expect(extracts.map(({ name }) => name).join()).not.toContain("decrypted");
  });

  test("leaves a description that makes no sense protected", () => {
    const bytes = buildCompound({
      EncryptionInfo: Buffer.concat([u16(3), u16(2), u32(0), u32(0xffff)]),
      EncryptedPackage: Buffer.alloc(100),
    });
    expect(explode(bytes).status).toBe("protected");
  });
});
