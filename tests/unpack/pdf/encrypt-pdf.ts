// Encrypts as the writer of a PDF does: ISO 32000-2 §7.6.4, from the other side than src/.
import { createCipheriv, createHash } from "node:crypto";
import { rc4 } from "../../../src/codec/rc4.ts";

/** How a document is to be encrypted. */
export interface Scheme {
  readonly revision: 2 | 3 | 4 | 5 | 6;
  readonly isAes?: boolean;
  readonly user?: string;
  readonly owner?: string;
  /** More of the encryption dictionary; the usual crypt filters if absent. */
  readonly rest?: string;
}

/** What is needed to put an encrypted document together. */
export interface Lock {
  /** The /Encrypt dictionary. */
  readonly dict: string;
  /** The trailer's /ID. */
  readonly id: string;
  encrypt(num: number, plain: string | Buffer): Buffer;
}

const PAD = Buffer.from("28BF4E5E4E758A4164004E56FFFA01082E2E00B6D0683E802F0CA9FE6453697A", "hex");
const ID = Buffer.from("0123456789abcdef0123456789abcdef", "hex");
const SALTS = [Buffer.from("validate"), Buffer.from("keysalt.")] as const;

const hex = (bytes: Buffer) => `<${bytes.toString("hex")}>`;
const digest = (name: string, ...parts: readonly Buffer[]) =>
  createHash(name).update(Buffer.concat(parts)).digest();
const pad = (password: string) => Buffer.concat([Buffer.from(password), PAD]).subarray(0, 32);

function aes(key: Buffer, plain: Buffer, vector: Buffer, isPadded: boolean): Buffer {
  const cipher = createCipheriv(`aes-${key.length * 8}-cbc`, key, vector);
  cipher.setAutoPadding(isPadded);
  return Buffer.concat([cipher.update(plain), cipher.final()]);
}

// RC4 with the key, and from revision 3 on 19 times more with each byte of it changed.
function wrap(key: Buffer, plain: Buffer, revision: number): Buffer {
  let out = rc4(key, plain);
  for (let n = 1; revision > 2 && n < 20; n++) out = rc4(Buffer.from(key.map((b) => b ^ n)), out);
  return out;
}

function legacy(scheme: Scheme): { key: Buffer; entries: string } {
  const { revision, user = "", owner = user } = scheme;
  const size = revision === 2 ? 5 : 16;
  let ownerKey = digest("md5", pad(owner));
  for (let n = 0; revision > 2 && n < 50; n++) ownerKey = digest("md5", ownerKey);
  const o = wrap(ownerKey.subarray(0, size), pad(user), revision);
  const permissions = Buffer.from([0xfc, 0xff, 0xff, 0xff]);
  const extra = scheme.rest?.includes("/EncryptMetadata false") ? [Buffer.alloc(4, 255)] : [];
  let key = digest("md5", pad(user), o, permissions, ID, ...extra).subarray(0, size);
  for (let n = 0; revision > 2 && n < 50; n++) key = digest("md5", key).subarray(0, size);
  const u =
    revision === 2
      ? rc4(key, PAD)
      : Buffer.concat([wrap(key, digest("md5", PAD, ID), revision), Buffer.alloc(16)]);
  return { key, entries: `/P -4 /O ${hex(o)} /U ${hex(u)}` };
}

// Algorithm 2.B; revision 5 stops after the first hash.
function hash2b(revision: number, password: Buffer, salt: Buffer, extra: Buffer): Buffer {
  let k = digest("sha256", password, salt, extra);
  for (
    let round = 1, last = 255;
    revision === 6 && (round <= 64 || last > round - 1 - 32);
    round++
  ) {
    const k1 = Buffer.concat(Array<Buffer>(64).fill(Buffer.concat([password, k, extra])));
    const e = aes(k.subarray(0, 16), k1, k.subarray(16, 32), false);
    const remainder = Number(BigInt(`0x${e.subarray(0, 16).toString("hex")}`) % 3n);
    k = digest(["sha256", "sha384", "sha512"][remainder] as string, e);
    last = e.at(-1) as number;
  }
  return k.subarray(0, 32);
}

function modern({ revision, user = "", owner = "master" }: Scheme): {
  key: Buffer;
  entries: string;
} {
  const key = digest("sha256", Buffer.from("file key"));
  const none = Buffer.alloc(0);
  const make = (password: string, extra: Buffer) => {
    const bytes = Buffer.from(password);
    const check = hash2b(revision, bytes, SALTS[0], extra);
    const wrapped = aes(hash2b(revision, bytes, SALTS[1], extra), key, Buffer.alloc(16), false);
    return [Buffer.concat([check, ...SALTS]), wrapped] as const;
  };
  const [u, ue] = make(user, none);
  const [o, oe] = make(owner, u);
  const entries = `/P -4 /U ${hex(u)} /UE ${hex(ue)} /O ${hex(o)} /OE ${hex(oe)}`;
  return { key, entries };
}

/** Keys and dictionary for a scheme. */
export function lockOf(scheme: Scheme): Lock {
  const { revision, isAes = revision > 4 } = scheme;
  const { key, entries } = revision > 4 ? modern(scheme) : legacy(scheme);
  const method = revision > 4 ? "AESV3" : isAes ? "AESV2" : "V2";
  const filters = `/CF << /StdCF << /CFM /${method} /AuthEvent /DocOpen >> >>`;
  const rest = scheme.rest ?? "/StmF /StdCF /StrF /StdCF";
  const [version, bits] = { 2: [1, 40], 3: [2, 128], 4: [4, 128], 5: [5, 256], 6: [5, 256] }[
    revision
  ] as [number, number];
  const more = revision >= 4 ? `${filters} ${rest}` : "";
  return {
    dict: `<< /Filter /Standard /V ${version} /R ${revision} /Length ${bits} ${entries} ${more} >>`,
    id: `[${hex(ID)} ${hex(ID)}]`,
    encrypt(num, text) {
      const plain = Buffer.from(text);
      const vector = Buffer.alloc(16, 7);
      if (revision > 4) return Buffer.concat([vector, aes(key, plain, vector, true)]);
      const place = Buffer.from([num & 255, num >> 8, 0, 0, 0]);
      const salt = isAes ? [Buffer.from("sAlT")] : [];
      const own = digest("md5", key, place, ...salt).subarray(0, Math.min(16, key.length + 5));
      return isAes ? Buffer.concat([vector, aes(own, plain, vector, true)]) : rc4(own, plain);
    },
  };
}
