// Encrypted ZIP entries, opened with candidate passwords: the traditional encryption (APPNOTE.TXT
// 6.3.10 §6.1), and AES as WinZip does it (AE-1 and AE-2). The "strong encryption" of §7 is met too
// rarely to be opened.

import { createCipheriv, createHmac, pbkdf2Sync } from "node:crypto";
import { ZIP_HEAD_SIZE, ZipKeys } from "../../codec/zip-crypto.ts";
import type { EntryHeader } from "./directory.ts";

const ENCRYPTED_FLAG = 1;
const DESCRIPTOR_FLAG = 8;
const STRONG_FLAG = 0x40;
/** The method of an entry that says in a field of its own which one it really has. */
export const AES = 99;

/** Whether a header says that the entry's data is encrypted. */
export function isEncrypted(header: EntryHeader): boolean {
  return (header.flags & ENCRYPTED_FLAG) !== 0 || header.method === AES;
}

/** An entry's data without its encryption. */
export interface Decrypted {
  readonly bytes: Buffer;
  readonly method: number;
  /** Whether the encryption itself proved the data: their checksum may be missing then. */
  readonly isProven: boolean;
}

/** Tries one password; undefined if it is certainly wrong. */
export type Trial = (password: string) => Decrypted | undefined;

/** How to try passwords on an entry whose encrypted data is `data`; undefined if there is no way. */
export function trialFor(header: EntryHeader, data: Buffer): Trial | undefined {
  if (header.method === AES) return aesTrial(header, data);
  const isStrong = (header.flags & STRONG_FLAG) !== 0;
  if (isStrong || data.length < ZIP_HEAD_SIZE) return;
  return traditionalTrial(header, data);
}

/** A password in the encodings that programs use for it. */
function encodings(password: string): Buffer[] {
  const utf8 = Buffer.from(password);
  return utf8.length === password.length ? [utf8] : [utf8, Buffer.from(password, "latin1")];
}

function traditionalTrial(header: EntryHeader, data: Buffer): Trial {
  // §6.1.6: the last byte of the head is known; 1 of 256 wrong passwords passes, and is found out
  // when the data is unpacked.
  const checks = [header.crc >>> 24];
  if ((header.flags & DESCRIPTOR_FLAG) !== 0) checks.push(header.time >> 8);
  return (password) => {
    for (const bytes of encodings(password)) {
      const keys = new ZipKeys(bytes);
      let last = 0;
      for (let at = 0; at < ZIP_HEAD_SIZE; at++) last = keys.decrypt(data[at] as number);
      if (!checks.includes(last)) continue;
      const clear = Buffer.alloc(data.length - ZIP_HEAD_SIZE);
      for (let at = 0; at < clear.length; at++)
        clear[at] = keys.decrypt(data[at + ZIP_HEAD_SIZE] ?? 0);
      return { bytes: clear, method: header.method, isProven: false };
    }
    return undefined;
  };
}

const AES_FIELD = 0x9901;
const AES_ROUNDS = 1000;
const AES_CHECK_BYTES = 2;
const AES_PROOF_BYTES = 10;

function aesTrial(header: EntryHeader, data: Buffer): Trial | undefined {
  const field = aesField(header.extra);
  if (field === undefined) return;
  const { keySize, method } = field;
  const saltSize = keySize / 2;
  const start = saltSize + AES_CHECK_BYTES;
  if (data.length < start + AES_PROOF_BYTES) return;
  const salt = data.subarray(0, saltSize);
  const proof = data.subarray(data.length - AES_PROOF_BYTES);
  const secret = data.subarray(start, data.length - AES_PROOF_BYTES);
  return (password) => {
    for (const bytes of encodings(password)) {
      const size = 2 * keySize + AES_CHECK_BYTES;
      const keys = pbkdf2Sync(bytes, salt, AES_ROUNDS, size, "sha1");
      if (!keys.subarray(2 * keySize).equals(data.subarray(saltSize, start))) continue;
      const hmac = createHmac("sha1", keys.subarray(keySize, 2 * keySize))
        .update(secret)
        .digest();
      if (!hmac.subarray(0, AES_PROOF_BYTES).equals(proof)) continue;
      return { bytes: counted(keys.subarray(0, keySize), secret), method, isProven: true };
    }
    return undefined;
  };
}

function aesField(extra: Buffer): { keySize: number; method: number } | undefined {
  for (let at = 0; at + 11 <= extra.length; at += 4 + extra.readUInt16LE(at + 2)) {
    if (extra.readUInt16LE(at) !== AES_FIELD) continue;
    const strength = extra[at + 8] as number;
    if (strength < 1 || strength > 3) return;
    return { keySize: 8 + 8 * strength, method: extra.readUInt16LE(at + 9) };
  }
  return;
}

const BLOCK = 16;
const BLOCKS_AT_ONCE = 4096;

// Counter mode with a counter that runs the other way round than everybody else's.
function counted(key: Buffer, input: Buffer): Buffer {
  const cipher = createCipheriv(`aes-${key.length * 8}-ecb`, key, null);
  cipher.setAutoPadding(false);
  const clear = Buffer.from(input);
  const counters = Buffer.alloc(BLOCKS_AT_ONCE * BLOCK);
  let counter = 1;
  for (let at = 0; at < clear.length; at += counters.length) {
    for (let block = 0; block < BLOCKS_AT_ONCE; block++) {
      counters.writeUInt32LE(counter++, block * BLOCK);
    }
    const stream = cipher.update(counters);
    const end = Math.min(clear.length, at + counters.length);
    for (let i = at; i < end; i++) clear[i] = (clear[i] as number) ^ (stream[i - at] as number);
  }
  return clear;
}
