// Ed25519 keys and the files they are kept in. A secret may be sealed under a passphrase: scrypt
// makes each guess cost 128 MB of memory, which the PBKDF2 of PEM files does not.
// A key file is a line of JSON, so that a mistake in one can be told with its field.
import {
  createCipheriv,
  createDecipheriv,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  scryptSync,
  sign,
  verify,
} from "node:crypto";

/** What is wrong with a key file; the message does not name the file. */
export class KeyError extends Error {
  override readonly name = "KeyError";
}

/** A key pair in memory. */
export interface SigningKey {
  /** 32 bytes, as 64 hexadecimal digits. */
  readonly publicHex: string;
  readonly privateKey: KeyObject;
}

const SEED_SIZE = 32;
const PUBLIC_SIZE = 32;
const KEY_FILE_SIZE_MAX = 16 * 1024;
/** scrypt (RFC 7914 §2): N·r·128 bytes of memory; also the most that a key file may ask for. */
const SCRYPT = { N: 2 ** 17, r: 8, p: 1 } as const;
const SCRYPT_MEMORY_MAX = 256 * 2 ** 20;
const CIPHER = "aes-256-gcm";
const NONCE_SIZE = 12;
const TAG_SIZE = 16;
const SALT_SIZE = 16;

/** RFC 8410 §7: what stands before the 32 bytes of a private key in PKCS#8. */
const PKCS8_HEAD = Buffer.from("302e020100300506032b657004220420", "hex");
/** RFC 8410 §4: what stands before the 32 bytes of a public key. */
const SPKI_HEAD = Buffer.from("302a300506032b6570032100", "hex");

function fromSeed(seed: Uint8Array): SigningKey {
  const der = Buffer.concat([PKCS8_HEAD, seed]);
  const privateKey = createPrivateKey({ key: der, format: "der", type: "pkcs8" });
  const spki = createPublicKey(privateKey).export({ format: "der", type: "spki" });
  return { privateKey, publicHex: spki.subarray(SPKI_HEAD.length).toString("hex") };
}

function seedOf({ privateKey }: SigningKey): Buffer {
  return privateKey.export({ format: "der", type: "pkcs8" }).subarray(-SEED_SIZE);
}

/** A new key from the system's randomness. */
export function generateKey(): SigningKey {
  const { privateKey } = generateKeyPairSync("ed25519");
  return fromSeed(privateKey.export({ format: "der", type: "pkcs8" }).subarray(-SEED_SIZE));
}

/** Signs bytes; 64 bytes as hexadecimal digits. */
export function signHex(bytes: Uint8Array, { privateKey }: SigningKey): string {
  return sign(null, bytes, privateKey).toString("hex");
}

/** Whether the signature is that key's over these bytes; false for anything that is no signature. */
export function isSignedBy(bytes: Uint8Array, signatureHex: string, publicHex: string): boolean {
  try {
    const der = Buffer.concat([SPKI_HEAD, Buffer.from(publicHex, "hex")]);
    const key = createPublicKey({ key: der, format: "der", type: "spki" });
    return verify(null, bytes, key, Buffer.from(signatureHex, "hex"));
  } catch {
    // Digits that are no key: nothing is signed by it.
    return false;
  }
}

/** Fields of a key file, of which nothing is known yet. */
interface KeyFile {
  readonly gwKey: unknown;
  readonly public?: unknown;
  readonly seed?: unknown;
  readonly sealed?: unknown;
}

interface Sealed {
  readonly salt: string;
  readonly nonce: string;
  readonly data: string;
}

function lock(passphrase: string, salt: Buffer): Buffer {
  const options = { ...SCRYPT, maxmem: SCRYPT_MEMORY_MAX };
  return scryptSync(passphrase.normalize("NFC"), salt, 32, options);
}

function seal(seed: Uint8Array, passphrase: string): Sealed {
  const salt = randomBytes(SALT_SIZE);
  const nonce = randomBytes(NONCE_SIZE);
  const cipher = createCipheriv(CIPHER, lock(passphrase, salt), nonce);
  const data = Buffer.concat([cipher.update(seed), cipher.final(), cipher.getAuthTag()]);
  return {
    salt: salt.toString("hex"),
    nonce: nonce.toString("hex"),
    data: data.toString("hex"),
  };
}

function unseal({ salt, nonce, data }: Sealed, passphrase: string): Buffer {
  const bytes = Buffer.from(data, "hex");
  const key = lock(passphrase, Buffer.from(salt, "hex"));
  const decipher = createDecipheriv(CIPHER, key, Buffer.from(nonce, "hex"));
  decipher.setAuthTag(bytes.subarray(SEED_SIZE));
  try {
    return Buffer.concat([decipher.update(bytes.subarray(0, SEED_SIZE)), decipher.final()]);
  } catch (error) {
    throw new KeyError("the passphrase is wrong", { cause: error });
  }
}

/** The text of a key file; sealed if there is a passphrase. */
export function writeKey(key: SigningKey, passphrase: string | undefined): string {
  const seed = seedOf(key);
  const secret =
    passphrase === undefined
      ? { seed: seed.toString("hex") }
      : { sealed: seal(seed, passphrase), kdf: "scrypt" };
  return `${JSON.stringify({ gwKey: 1, type: "ed25519", public: key.publicHex, ...secret })}\n`;
}

const isHex = (value: unknown, bytes: number): value is string =>
  typeof value === "string" && value.length === bytes * 2 && /^[0-9a-f]+$/.test(value);

function isSealed(value: unknown): value is Sealed {
  if (typeof value !== "object" || value === null) return false;
  const { salt, nonce, data } = value as Partial<Record<keyof Sealed, unknown>>;
  const isWhole = isHex(data, SEED_SIZE + TAG_SIZE);
  return isHex(salt, SALT_SIZE) && isHex(nonce, NONCE_SIZE) && isWhole;
}

/** What a key file says without being opened: its public half, and whether it is sealed. */
export interface KeyLabel {
  readonly publicHex: string;
  readonly isSealed: boolean;
}

/** The label of a key file. Throws KeyError. */
export function readKeyLabel(text: string): KeyLabel {
  const { public: publicHex, seed } = parseKeyFile(text);
  if (!isHex(publicHex, PUBLIC_SIZE)) throw new KeyError('"public" is no key');
  return { publicHex, isSealed: seed === undefined };
}

/**
 * The key in the text of a key file. `passphrase` is called only for a key that is sealed; undefined
 * means that there is none. Throws KeyError.
 */
export function readKey(text: string, passphrase: () => string | undefined): SigningKey {
  const fields = parseKeyFile(text);
  const key = fromSeed(seedIn(fields, passphrase));
  if (key.publicHex !== fields.public) {
    throw new KeyError('"public" is not the public half of the secret in this file');
  }
  return key;
}

function parseKeyFile(text: string): KeyFile {
  if (text.length > KEY_FILE_SIZE_MAX) throw new KeyError("too large for a key file");
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new KeyError("not a key file of gw: it is not JSON", { cause: error });
  }
  const fields = typeof value === "object" && value !== null ? value : {};
  if (!("gwKey" in fields)) throw new KeyError('not a key file of gw: "gwKey" is missing');
  if (fields.gwKey !== 1) throw new KeyError("a key file of a newer gw");
  return fields;
}

function seedIn({ seed, sealed }: KeyFile, passphrase: () => string | undefined): Uint8Array {
  if (isHex(seed, SEED_SIZE)) return Buffer.from(seed, "hex");
  if (!isSealed(sealed)) throw new KeyError('neither "seed" nor "sealed" holds a secret');
  const given = passphrase();
  if (given === undefined) throw new KeyError("the key is sealed: a passphrase is needed");
  return unseal(sealed, given);
}
