// Encryption of documents: how the programs of Office tell it, and undoing it where the password is
// the one that Excel itself fills in for workbooks that are only write-protected, since Excel then
// opens them without asking, and attackers rely on that. [MS-OFFCRYPTO]

import { createDecipheriv, createHash } from "node:crypto";
import type { Budget } from "../../base/budget.ts";
import { rc4 } from "../../codec/rc4.ts";
import type { CompoundFile } from "./compound-file.ts";

const HEAD_SIZE = 64;
const WORD_MAGICS: readonly number[] = [0xa5ec, 0xa5dc, 0xa697, 0xa699];
const WORD_ENCRYPTED = 0x0100;
const WORD_OBFUSCATED = 0x8000;
const SLIDES_ENCRYPTED = 0xf3d1c4df;
/** Header of a "CryptSession10Container" record. [MS-PPT] 2.3.7 */
const CRYPT_SESSION = Buffer.from([0x0f, 0x00, 0x14, 0x2f]);

/** How `file` is encrypted, "" if it is not. Workbooks tell it in their records, not here. */
export function encryptionOf(file: CompoundFile): string {
  return packageEncryption(file) || wordEncryption(file) || slidesEncryption(file);
}

// [MS-OFFCRYPTO] 2.3.4: the real document lies encrypted in one stream; 2.2: rights management.
function packageEncryption(file: CompoundFile): string {
  const names = file.streams.map((stream) => stream.path);
  if (names.some((name) => /DRMContent$|DRMEncryptedTransform|DRMTransform/.test(name))) {
    return "encrypted by rights management";
  }
  if (!names.some((name) => /(?:^|\/)EncryptedPackage$/i.test(name))) return "";
  const info = file.find("EncryptionInfo");
  const head = info === undefined ? Buffer.alloc(0) : file.read(info, HEAD_SIZE).bytes;
  const version = head.length < 4 ? 0 : head.readUInt16LE(2);
  return `encrypted (ECMA-376${version === 4 ? ", agile" : version === 2 ? ", standard" : ""})`;
}

// [MS-DOC] 2.5.2: FibBase says it in two bits; what stands in the clear is the head itself.
function wordEncryption(file: CompoundFile): string {
  const stream = file.find("WordDocument");
  const head = stream === undefined ? Buffer.alloc(0) : file.read(stream, HEAD_SIZE).bytes;
  if (head.length < 12 || !WORD_MAGICS.includes(head.readUInt16LE(0))) return "";
  const flags = head.readUInt16LE(10);
  if ((flags & WORD_ENCRYPTED) === 0) return "";
  return (flags & WORD_OBFUSCATED) === 0 ? "encrypted (Word, RC4)" : "encrypted (Word, XOR)";
}

// [MS-PPT] 2.3.2: a token in "Current User"; the session record itself, if that one was changed.
function slidesEncryption(file: CompoundFile): string {
  const user = file.find("Current User");
  const head = user === undefined ? Buffer.alloc(0) : file.read(user, HEAD_SIZE).bytes;
  if (head.length >= 16 && head.readUInt32LE(12) === SLIDES_ENCRYPTED) {
    return "encrypted (PowerPoint)";
  }
  const document = file.find("PowerPoint Document");
  if (document === undefined) return "";
  const at = file.read(document).bytes.indexOf(CRYPT_SESSION);
  return at < 0 || file.find("EncryptedSummary") === undefined ? "" : "encrypted (PowerPoint)";
}

/** [MS-XLS] 2.2.10: what Excel tries before it asks. */
const DEFAULT_PASSWORDS = ["VelvetSweatshop"];
/** Office writes 100,000; more would be a way to keep the scanner busy. */
const SPINS_MAX = 200_000;
const SPINS_STANDARD = 50_000;
const INFO_SIZE_MAX = 65_536;
const SEGMENT = 4096;
/** What Office offers; others are left to be protected. */
const HASHES = ["sha1", "sha256", "sha384", "sha512"];
const AES_KEY_SIZES: readonly number[] = [16, 24, 32];

/** Keys of the three uses that one password has. [MS-OFFCRYPTO] 2.3.4.11 to 2.3.4.13 */
const FOR_VERIFIER = Buffer.from("fea7d2763b4b9e79", "hex");
const FOR_VERIFIER_HASH = Buffer.from("d7aa0f6d3061344e", "hex");
const FOR_KEY = Buffer.from("146e0be7abacd0d6", "hex");

/** A document without its encryption, and the password that undid it. */
export interface Opened {
  readonly password: string;
  readonly opened: Buffer;
}

/** The document in an encrypted package, if the default password or another candidate opens it. */
export function openPackage(file: CompoundFile, budget: Budget): Opened | undefined {
  const info = file.find("EncryptionInfo");
  const stored = file.find("EncryptedPackage");
  if (info === undefined || stored === undefined || stored.size > budget.bytesLeft) return;
  const description = file.read(info, INFO_SIZE_MAX).bytes;
  const data = file.read(stored).bytes;
  if (description.length < 8 || data.length < 8) return;
  try {
    const [major, minor] = [description.readUInt16LE(0), description.readUInt16LE(2)];
    const isAgile = major === 4 && minor === 4;
    if (!isAgile && minor !== 2) return;
    const xml = description.toString("utf8", 8);
    return budget.passwords.find((text) => {
      const key = { password: Buffer.from(text, "utf16le"), budget };
      return isAgile ? openAgile(xml, data, key) : openStandard(description, data, key);
    }, DEFAULT_PASSWORDS);
  } catch {
    // Sizes that fit no cipher, or cut short: it stays protected, whatever it is.
    return;
  }
}

// All parts as if they were one.
function digest(algorithm: string, ...parts: readonly Uint8Array[]): Buffer {
  const hash = createHash(algorithm);
  for (const part of parts) hash.update(part);
  return hash.digest();
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

/** One trial. */
interface Key {
  readonly password: Buffer;
  readonly budget: Budget;
}

// [MS-OFFCRYPTO] 2.3.4.7; undefined if the time is over.
function spin(
  algorithm: string,
  salt: Buffer,
  spins: number,
  { password, budget }: Key,
): Buffer | undefined {
  let hash = digest(algorithm, salt, password);
  const counter = Buffer.alloc(4);
  for (let n = 0; n < spins; n++) {
    if (n % 8192 === 0 && budget.isExpired) return;
    counter.writeUInt32LE(n);
    hash = digest(algorithm, counter, hash);
  }
  return hash;
}

// Data that is cut is decrypted up to the last whole block; the caller cuts the filling off.
function decryptAes(data: Buffer, key: Buffer, vector: Buffer | null): Buffer {
  const mode = vector === null ? "ecb" : "cbc";
  const cipher = createDecipheriv(`aes-${key.length * 8}-${mode}`, key, vector);
  cipher.setAutoPadding(false);
  const whole = data.subarray(0, data.length - (data.length % 16));
  return Buffer.concat([cipher.update(whole), cipher.final()]);
}

// [MS-OFFCRYPTO] 2.3.4.10: the description is XML, and its values are attributes of two elements.
function openAgile(xml: string, data: Buffer, trial: Key): Buffer | undefined {
  const dataTag = /<keyData\b[^>]*>/.exec(xml)?.[0] ?? "";
  const keyTag = /<(?:\w+:)?encryptedKey\b[^>]*>/.exec(xml)?.[0] ?? "";
  const text = (tag: string, name: string) =>
    new RegExp(`\\b${name}="([^"]*)"`).exec(tag)?.[1] ?? "";
  const binary = (tag: string, name: string) => Buffer.from(text(tag, name), "base64");
  const hashOf = (tag: string) => text(tag, "hashAlgorithm").toLowerCase().replace("-", "");
  const [algorithm, spins] = [hashOf(keyTag), Number(text(keyTag, "spinCount"))];
  const keySize = Number(text(keyTag, "keyBits")) / 8;
  const isKnown = HASHES.includes(algorithm) && HASHES.includes(hashOf(dataTag));
  if (!isKnown || !AES_KEY_SIZES.includes(keySize) || !(spins <= SPINS_MAX)) return;
  const salt = binary(keyTag, "saltValue");
  const hash = spin(algorithm, salt, spins, trial);
  if (hash === undefined) return;
  const open = (name: string, use: Buffer) => {
    const key = Buffer.alloc(keySize, 0x36);
    digest(algorithm, hash, use).copy(key);
    return decryptAes(binary(keyTag, name), key, salt.subarray(0, 16));
  };
  const verifier = digest(algorithm, open("encryptedVerifierHashInput", FOR_VERIFIER));
  const expected = open("encryptedVerifierHashValue", FOR_VERIFIER_HASH);
  if (!expected.subarray(0, verifier.length).equals(verifier)) return;
  const key = open("encryptedKeyValue", FOR_KEY).subarray(0, keySize);
  const dataSalt = binary(dataTag, "saltValue");
  const pieces: Buffer[] = [];
  for (let at = 8, n = 0; at < data.length; at += SEGMENT, n++) {
    const vector = digest(hashOf(dataTag), dataSalt, u32(n)).subarray(0, 16);
    pieces.push(decryptAes(data.subarray(at, at + SEGMENT), key, vector));
  }
  return Buffer.concat(pieces).subarray(0, data.readUInt32LE(0));
}

/** What "EncryptionHeader" and "EncryptionVerifier" hold. [MS-OFFCRYPTO] 2.3.2 and 2.3.3 */
interface Verifier {
  readonly keySize: number;
  readonly salt: Buffer;
  readonly verifier: Buffer;
  readonly verifierHash: Buffer;
}

// The header has a size, since the name of a provider ends it; its fields have fixed places.
function verifierAt(bytes: Buffer, at: number): Verifier {
  const headerSize = bytes.readUInt32LE(at);
  const start = at + 4 + headerSize + 4;
  return {
    // 0 stands for 40 bits. §2.3.5.1
    keySize: (bytes.readUInt32LE(at + 4 + 16) || 40) / 8,
    salt: bytes.subarray(start, start + 16),
    verifier: bytes.subarray(start + 16, start + 32),
    verifierHash: bytes.subarray(start + 36, start + 68),
  };
}

// [MS-OFFCRYPTO] 2.3.4.5 to 2.3.4.9: AES in ECB mode, keys from SHA-1.
function openStandard(info: Buffer, data: Buffer, trial: Key): Buffer | undefined {
  const { keySize, salt, verifier, verifierHash } = verifierAt(info, 8);
  const spun = AES_KEY_SIZES.includes(keySize) && spin("sha1", salt, SPINS_STANDARD, trial);
  if (!spun) return;
  const hash = digest("sha1", spun, u32(0));
  const half = (filler: number) => {
    const block = Buffer.alloc(64, filler);
    hash.forEach((byte, n) => {
      block[n] = byte ^ filler;
    });
    return digest("sha1", block);
  };
  const key = Buffer.concat([half(0x36), half(0x5c)]).subarray(0, keySize);
  const expected = decryptAes(verifierHash, key, null).subarray(0, 20);
  if (!digest("sha1", decryptAes(verifier, key, null)).equals(expected)) return;
  return decryptAes(data.subarray(8), key, null).subarray(0, data.readUInt32LE(0));
}

const RC4_BLOCK = 1024;
const BOUND_SHEET = 0x0085;
/** [MS-XLS] 2.2.10: records that stay in the clear. */
const CLEAR_RECORDS: readonly number[] = [0x0809, 0x002f, 0x00e1, 0x0138, 0x0194, 0x0195, 0x0196];

/**
 * A workbook's stream decrypted, if the default password or another candidate opens it; `pass` is
 * the content of its FILEPASS record. Obfuscation by XOR stays as it is.
 */
export function openWorkbook(stream: Buffer, pass: Buffer, budget: Budget): Opened | undefined {
  try {
    if (pass.readUInt16LE(0) !== 1) return;
    const found = budget.passwords.find(
      (password) => workbookKeys(pass, Buffer.from(password, "utf16le")),
      DEFAULT_PASSWORDS,
    );
    return found && { password: found.password, opened: decryptRecords(stream, found.opened) };
  } catch {
    // A record too short for what it tells.
    return;
  }
}

// [MS-OFFCRYPTO] 2.3.6 (RC4) and 2.3.5 (RC4 CryptoAPI): one key for each kilobyte of the stream.
function workbookKeys(pass: Buffer, password: Buffer): ((block: number) => Buffer) | undefined {
  const isOld = pass.readUInt16LE(2) === 1;
  const { keySize, salt, verifier, verifierHash } = isOld
    ? {
        keySize: 5,
        salt: pass.subarray(6, 22),
        verifier: pass.subarray(22, 38),
        verifierHash: pass.subarray(38, 54),
      }
    : verifierAt(pass, 10);
  const algorithm = isOld ? "md5" : "sha1";
  let base = digest(algorithm, salt, password);
  if (isOld) {
    const start = digest("md5", password).subarray(0, 5);
    base = digest("md5", ...Array.from({ length: 16 }, () => Buffer.concat([start, salt])));
  }
  const keyOf = (block: number) => {
    const key = digest(algorithm, isOld ? base.subarray(0, 5) : base, u32(block));
    if (isOld) return key;
    // Keys of 40 bits are filled up with zeros.
    return keySize === 5
      ? Buffer.concat([key.subarray(0, 5), Buffer.alloc(11)])
      : key.subarray(0, keySize);
  };
  const clear = rc4(keyOf(0), Buffer.concat([verifier, verifierHash]));
  const hash = digest(algorithm, clear.subarray(0, 16));
  return clear.subarray(16, 16 + hash.length).equals(hash) ? keyOf : undefined;
}

// The key stream runs over heads and clear records, too, as if they were encrypted.
function decryptRecords(stream: Buffer, keyOf: (block: number) => Buffer): Buffer {
  const clear = Buffer.alloc(stream.length);
  for (let at = 0; at < stream.length; at += RC4_BLOCK) {
    rc4(keyOf(at / RC4_BLOCK), stream.subarray(at, at + RC4_BLOCK)).copy(clear, at);
  }
  for (let at = 0; at + 4 <= stream.length; ) {
    const id = stream.readUInt16LE(at);
    const end = at + 4 + stream.readUInt16LE(at + 2);
    // Records' heads are never encrypted, nor is where a sheet begins.
    const clearEnd = CLEAR_RECORDS.includes(id) ? end : at + (id === BOUND_SHEET ? 8 : 4);
    stream.copy(clear, at, at, Math.min(clearEnd, stream.length));
    at = end;
  }
  return clear;
}
