// PDF's standard security handler, ISO 32000-2 §7.6.4: tries passwords, and if one opens the
// document, decrypts its strings and streams. Revisions 2 to 6: RC4 and AES, 40 to 256 bits.

import { createHash } from "node:crypto";
import { rc4 } from "../../codec/rc4.ts";
import { aesDecrypt, aesEncryptRaw, aesRaw, NO_VECTOR } from "./cipher.ts";
import { type Dict, Name, type Value } from "./syntax.ts";

/** What is encrypted in one way: /StmF, /StrF and /EFF may each name another. */
export type Purpose = "stream" | "string" | "file";

type Method = "none" | "rc4" | "aes" | "aes256" | "unknown";

// §7.6.4.3.2: what passwords are filled up with.
const PADDING = Buffer.from(
  "28bf4e5e4e758a4164004e56fffa01082e2e00b6d0683e802f0ca9fe6453697a",
  "hex",
);
const AES_SALT = Buffer.from("sAlT", "latin1");
const HASH_ROUNDS_MIN = 64;
// Each further round ends the loop with a chance of 1 in 8 or more; 256 would be a miracle.
const HASH_ROUNDS_MAX = 512;

/** The values of an encryption dictionary, with references resolved and nothing decrypted. */
export type Lookup = (key: string) => Value;

function md5(...parts: readonly Uint8Array[]): Buffer {
  const hash = createHash("md5");
  for (const part of parts) hash.update(part);
  return hash.digest();
}

function bytesOf(value: Value): Buffer {
  return Buffer.isBuffer(value) ? value : Buffer.alloc(0);
}

function numberOf(value: Value, fallback: number): number {
  return typeof value === "number" ? value : fallback;
}

/** A document's encryption. Nothing can be decrypted until `open` has been true. */
export class Security {
  readonly #revision: number;
  readonly #methods: Readonly<Record<Purpose, Method>>;
  readonly #filters: ReadonlyMap<string, Method>;
  readonly #keySize: number;
  readonly #lookup: Lookup;
  readonly #id: Buffer;
  readonly #hasPlainMetadata: boolean;
  #key: Buffer | undefined;

  /** `id` is the first element of the trailer's /ID. */
  constructor(lookup: Lookup, id: Buffer) {
    this.#lookup = lookup;
    this.#id = id;
    const version = numberOf(lookup("V"), 0);
    this.#revision = numberOf(lookup("R"), 0);
    const filters = version >= 4 ? cryptFilters(lookup("CF")) : new Map<string, Method>();
    this.#filters = filters;
    const chosen = (key: string, fallback: Method): Method => {
      const name = lookup(key);
      if (!(name instanceof Name)) return fallback;
      return name.text === "Identity" ? "none" : (filters.get(name.text) ?? "unknown");
    };
    const stream = version >= 4 ? chosen("StmF", "none") : "rc4";
    this.#methods =
      version >= 4
        ? { stream, string: chosen("StrF", "none"), file: chosen("EFF", stream) }
        : { stream, string: "rc4", file: "rc4" };
    // Length is in bits; some writers of version 4 put bytes there.
    const bits = version === 1 || this.#revision === 2 ? 40 : numberOf(lookup("Length"), 40);
    const usual = version >= 4 ? 128 : bits;
    this.#keySize = Math.max(5, Math.min(16, Math.floor(usual / 8)));
    this.#hasPlainMetadata = version >= 4 && lookup("EncryptMetadata") === false;
  }

  /** Tries a password as the reader's and as the owner's. */
  open(password: Buffer): boolean {
    const handler = this.#lookup("Filter");
    if (!(handler instanceof Name) || handler.text !== "Standard") return false;
    if (this.#revision >= 2 && this.#revision <= 4) this.#key = this.#openLegacy(password);
    else if (this.#revision === 5 || this.#revision === 6) this.#key = this.#open256(password);
    return this.#key !== undefined;
  }

  get isOpen(): boolean {
    return this.#key !== undefined;
  }

  /** Whether metadata streams are left as they are. */
  get hasPlainMetadata(): boolean {
    return this.#hasPlainMetadata;
  }

  /**
   * The plain bytes of a string or stream of object `num gen`; undefined if they can't be had.
   * `filter` is the crypt filter a stream names for itself.
   */
  decrypt(input: Buffer, what: Purpose, owner: Owner, filter?: string): Buffer | undefined {
    const method = this.#method(what, filter);
    if (method === "none") return input;
    if (this.#key === undefined || method === "unknown") return;
    if (method === "aes256") {
      return this.#key.length === 32 ? aesDecrypt(this.#key, input) : undefined;
    }
    const key = this.#objectKey(this.#key, owner, method === "aes");
    return method === "aes" ? aesDecrypt(key, input) : rc4(key, input);
  }

  #method(what: Purpose, filter: string | undefined): Method {
    if (filter === undefined) return this.#methods[what];
    return filter === "Identity" ? "none" : (this.#filters.get(filter) ?? "unknown");
  }

  // Algorithm 1.
  #objectKey(key: Buffer, { num, gen }: Owner, isAes: boolean): Buffer {
    const place = Buffer.from([num, num >> 8, num >> 16, gen, gen >> 8]);
    const hash = isAes ? md5(key, place, AES_SALT) : md5(key, place);
    return hash.subarray(0, Math.min(16, key.length + 5));
  }

  #openLegacy(password: Buffer): Buffer | undefined {
    return this.#openAsUser(padded(password)) ?? this.#openAsUser(this.#userPassword(password));
  }

  // Algorithms 2, 4, 5 and 6.
  #openAsUser(password: Buffer): Buffer | undefined {
    const user = bytesOf(this.#lookup("U"));
    if (user.length < 16) return;
    const isOld = this.#revision === 2;
    const permissions = Buffer.alloc(4);
    permissions.writeInt32LE(numberOf(this.#lookup("P"), 0) | 0);
    const owner = bytesOf(this.#lookup("O")).subarray(0, 32);
    const parts = [password, owner, permissions, this.#id];
    if (this.#revision >= 4 && this.#hasPlainMetadata) parts.push(Buffer.alloc(4, 0xff));
    let key = md5(...parts).subarray(0, this.#keySize);
    if (isOld) return rc4(key, PADDING).equals(user.subarray(0, 32)) ? key : undefined;
    for (let round = 0; round < 50; round++) key = md5(key).subarray(0, this.#keySize);
    let check = md5(PADDING, this.#id);
    for (let round = 0; round < 20; round++) check = rc4(xored(key, round), check);
    return check.equals(user.subarray(0, 16)) ? key : undefined;
  }

  // Algorithm 7: the owner's password opens the reader's, which stands encrypted in /O.
  #userPassword(password: Buffer): Buffer {
    let key = md5(padded(password));
    const isOld = this.#revision === 2;
    for (let round = 0; round < (isOld ? 0 : 50); round++) key = md5(key);
    key = key.subarray(0, this.#keySize);
    let user = bytesOf(this.#lookup("O")).subarray(0, 32);
    if (isOld) return rc4(key, user);
    for (let round = 19; round >= 0; round--) user = rc4(xored(key, round), user);
    return user;
  }

  // Algorithm 2.A. U and O are a hash of 32 bytes and two salts of 8.
  #open256(password: Buffer): Buffer | undefined {
    const user = bytesOf(this.#lookup("U")).subarray(0, 48);
    const owner = bytesOf(this.#lookup("O")).subarray(0, 48);
    const short = password.subarray(0, 127);
    const none = Buffer.alloc(0);
    for (const [stored, wrapped, extra] of [
      [user, bytesOf(this.#lookup("UE")), none],
      [owner, bytesOf(this.#lookup("OE")), user],
    ] as const) {
      if (stored.length < 48 || wrapped.length < 32) continue;
      const check = this.#hash(short, stored.subarray(32, 40), extra);
      if (!check.equals(stored.subarray(0, 32))) continue;
      const key = this.#hash(short, stored.subarray(40, 48), extra);
      return aesRaw(key, NO_VECTOR, wrapped.subarray(0, 32));
    }
    return undefined;
  }

  // Revision 5 hashes once; revision 6 by Algorithm 2.B.
  #hash(password: Buffer, salt: Buffer, extra: Buffer): Buffer {
    let hash = createHash("sha256").update(password).update(salt).update(extra).digest();
    if (this.#revision === 5) return hash;
    for (let round = 0; round < HASH_ROUNDS_MAX; round++) {
      const unit = Buffer.concat([password, hash, extra]);
      const repeated = Buffer.alloc(unit.length * 64, unit);
      const made = aesEncryptRaw(hash.subarray(0, 16), hash.subarray(16, 32), repeated);
      // The first 16 bytes as a number modulo 3, which their sum has as well (256 = 1 mod 3).
      let sum = 0;
      for (let at = 0; at < 16; at++) sum += made[at] as number;
      const next = ["sha256", "sha384", "sha512"][sum % 3] as string;
      hash = createHash(next).update(made).digest();
      const last = made[made.length - 1] as number;
      if (round >= HASH_ROUNDS_MIN - 1 && last <= round + 1 - 32) break;
    }
    return hash.subarray(0, 32);
  }
}

/** The object a string or stream belongs to: its number is part of the key. */
export interface Owner {
  readonly num: number;
  readonly gen: number;
}

function padded(password: Buffer): Buffer {
  return Buffer.concat([password, PADDING]).subarray(0, 32);
}

function xored(key: Buffer, value: number): Buffer {
  return Buffer.from(key.map((byte) => byte ^ value));
}

// §7.6.6, table 25.
function cryptFilters(value: Value): Map<string, Method> {
  const methods = new Map<string, Method>();
  if (!(value instanceof Map)) return methods;
  for (const [name, filter] of value) {
    if (filter instanceof Map) methods.set(name, methodOf(filter));
  }
  return methods;
}

function methodOf(filter: Dict): Method {
  const method = filter.get("CFM");
  switch (method instanceof Name ? method.text : "None") {
    case "V2":
      return "rc4";
    case "AESV2":
      return "aes";
    case "AESV3":
      return "aes256";
    default:
      // Among them None, by which a handler of its own decrypts.
      return "unknown";
  }
}
