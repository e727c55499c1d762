// Encryption of documents: how the programs of Office tell it, and undoing it where the password is
// the one that Excel itself fills in for workbooks that are only write-protected, since Excel then
// opens them without asking, and attackers rely on that. [MS-OFFCRYPTO]

import { createDecipheriv } from "node:crypto";
import type { Budget } from "../../base/budget.ts";
import type { CompoundFile } from "./compound-file.ts";
import { DEFAULT_PASSWORDS, digest, type Opened, u32, verifierAt } from "./rc4-encryption.ts";

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
