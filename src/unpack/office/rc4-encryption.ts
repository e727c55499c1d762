// RC4 in documents of the old Office formats: of workbooks, texts and presentations, each of which has
// its own way to cut its streams into blocks. Undone where a candidate password opens it.
// [MS-OFFCRYPTO], [MS-XLS], [MS-DOC], [MS-PPT]

import { createHash } from "node:crypto";
import type { Budget } from "../../base/budget.ts";
import { rc4 } from "../../codec/rc4.ts";
import type { CompoundFile, Stream } from "./compound-file.ts";

/** [MS-XLS] 2.2.10: what Excel tries before it asks. */
export const DEFAULT_PASSWORDS = ["VelvetSweatshop"];

/** A document without its encryption, and the password that undid it. */
export interface Opened {
  readonly password: string;
  readonly opened: Buffer;
}

/** The digest of all parts as if they were one. */
export function digest(algorithm: string, ...parts: readonly Uint8Array[]): Buffer {
  const hash = createHash(algorithm);
  for (const part of parts) hash.update(part);
  return hash.digest();
}

/** A number of four bytes, least significant first. */
export function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

/** What "EncryptionHeader" and "EncryptionVerifier" hold. [MS-OFFCRYPTO] 2.3.2 and 2.3.3 */
export interface Verifier {
  readonly keySize: number;
  readonly salt: Buffer;
  readonly verifier: Buffer;
  readonly verifierHash: Buffer;
}

/** Reads them: the header has a size, since a provider's name ends it, and fields in fixed places. */
export function verifierAt(bytes: Buffer, at: number): Verifier {
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
    const found = findKeys(pass.subarray(2), budget);
    return found && { password: found.password, opened: decryptRecords(stream, found.opened) };
  } catch {
    // A record too short for what it tells.
    return;
  }
}

/** The key of each block of a stream. */
type Keys = (block: number) => Buffer;

// `info`: "EncryptionInfo", from its version on.
function findKeys(info: Buffer, budget: Budget): { password: string; opened: Keys } | undefined {
  const keysOf = (password: string) => rc4Keys(info, Buffer.from(password, "utf16le"));
  return budget.passwords.find(keysOf, DEFAULT_PASSWORDS);
}

// [MS-OFFCRYPTO] 2.3.6 (RC4) and 2.3.5 (RC4 CryptoAPI).
function rc4Keys(info: Buffer, password: Buffer): Keys | undefined {
  const isOld = info.readUInt16LE(0) === 1;
  const { keySize, salt, verifier, verifierHash } = isOld
    ? {
        keySize: 5,
        salt: info.subarray(4, 20),
        verifier: info.subarray(20, 36),
        verifierHash: info.subarray(36, 52),
      }
    : verifierAt(info, 8);
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
function decryptRecords(stream: Buffer, keyOf: Keys): Buffer {
  const clear = decryptBlocks(stream, RC4_BLOCK, keyOf);
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

/** A stream without its encryption. */
export interface OpenedStream {
  readonly stream: Stream;
  readonly bytes: Buffer;
}

/** The streams of a document that a candidate opens, and the password that did. */
export interface OpenedStreams {
  readonly password: string;
  readonly streams: readonly OpenedStream[];
}

const WORD_BLOCK = 512;
/** [MS-DOC] 2.2.6.2: the head of the main stream stays in the clear. */
const WORD_CLEAR = 68;
const WORD_TABLE_1 = 0x0200;

/** The streams of an encrypted Word document, opened; undefined if no candidate does. */
export function openWord(file: CompoundFile, budget: Budget): OpenedStreams | undefined {
  try {
    const main = file.find("WordDocument");
    const head = main === undefined ? Buffer.alloc(0) : file.read(main, WORD_CLEAR).bytes;
    const table = file.find((head.readUInt16LE(10) & WORD_TABLE_1) === 0 ? "0Table" : "1Table");
    if (main === undefined || table === undefined) return;
    const infoSize = head.readUInt32LE(14);
    const keys = findKeys(file.read(table, infoSize).bytes, budget);
    if (keys === undefined) return;
    const data = file.find("Data");
    const places = [
      { stream: main, clear: WORD_CLEAR },
      { stream: table, clear: infoSize },
      ...(data === undefined ? [] : [{ stream: data, clear: 0 }]),
    ];
    const streams = places.map(({ stream, clear }) => {
      const bytes = file.read(stream).bytes;
      const opened = decryptBlocks(bytes, WORD_BLOCK, keys.opened);
      bytes.copy(opened, 0, 0, Math.min(clear, bytes.length));
      return { stream, bytes: opened };
    });
    return { password: keys.password, streams };
  } catch {
    // A head or a table too short for what it tells.
    return;
  }
}

// The key stream runs over what stays in the clear, too, as if it were encrypted.
function decryptBlocks(bytes: Buffer, size: number, keyOf: Keys): Buffer {
  const clear = Buffer.alloc(bytes.length);
  for (let at = 0; at < bytes.length; at += size) {
    rc4(keyOf(at / size), bytes.subarray(at, at + size)).copy(clear, at);
  }
  return clear;
}

const RECORD_HEAD = 8;
const SESSION = Buffer.from([0x0f, 0x00, 0x14, 0x2f]);
const USER_EDIT = 0x0ff5;
const PERSIST_DIRECTORY = 0x1772;
const EDITS_MAX = 1000;
const OBJECTS_MAX = 100_000;

/** The main stream of an encrypted presentation, opened; undefined if no candidate does. */
export function openSlides(file: CompoundFile, budget: Budget): OpenedStreams | undefined {
  try {
    const [stream, user] = [file.find("PowerPoint Document"), file.find("Current User")];
    if (stream === undefined || user === undefined) return;
    const bytes = file.read(stream).bytes;
    const session = bytes.indexOf(SESSION);
    const size = session < 0 ? 0 : bytes.readUInt32LE(session + 4);
    const info = bytes.subarray(session + RECORD_HEAD, session + RECORD_HEAD + size);
    const keys = session < 0 ? undefined : findKeys(info, budget);
    if (keys === undefined) return;
    const opened = Buffer.from(bytes);
    // Objects that lie in each other would take long, and no program writes them.
    let left = 2 * bytes.length;
    for (const { id, at } of persistObjects(bytes, file.read(user).bytes.readUInt32LE(16))) {
      if (left <= 0 || budget.isExpired) break;
      if (at !== session) left -= decryptObject(opened, at, keys.opened(id));
    }
    return { password: keys.password, streams: [{ stream, bytes: opened }] };
  } catch {
    // Places outside of the stream.
    return;
  }
}

// [MS-PPT] 2.3.7: each object is encrypted for itself, with its number as that of the block. How many
// bytes that were.
function decryptObject(bytes: Buffer, at: number, key: Buffer): number {
  const head = rc4(key, bytes.subarray(at, at + RECORD_HEAD));
  if (head.length < RECORD_HEAD) return RECORD_HEAD;
  const end = Math.min(at + RECORD_HEAD + head.readUInt32LE(4), bytes.length);
  rc4(key, bytes.subarray(at, end)).copy(bytes, at);
  return end - at;
}

// [MS-PPT] 2.3.3 to 2.3.5: edits, newest first, each with a directory of the objects it wrote. The
// newest place of an object counts.
function persistObjects(bytes: Buffer, first: number): { id: number; at: number }[] {
  const places = new Map<number, number>();
  let edit = first;
  for (let count = 0; count < EDITS_MAX && edit !== 0; count++) {
    if (bytes.readUInt16LE(edit + 2) !== USER_EDIT) break;
    const directory = bytes.readUInt32LE(edit + RECORD_HEAD + 12);
    const next = bytes.readUInt32LE(edit + RECORD_HEAD + 8);
    if (bytes.readUInt16LE(directory + 2) === PERSIST_DIRECTORY) {
      const end = directory + RECORD_HEAD + bytes.readUInt32LE(directory + 4);
      for (let at = directory + RECORD_HEAD; at + 4 <= end && places.size < OBJECTS_MAX; ) {
        const entry = bytes.readUInt32LE(at);
        const [id, objects] = [entry & 0xf_ffff, entry >>> 20];
        for (let n = 0; n < objects; n++) {
          const place = bytes.readUInt32LE(at + 4 + 4 * n);
          if (!places.has(id + n)) places.set(id + n, place);
        }
        at += 4 + 4 * objects;
      }
    }
    // Older edits stand before newer ones.
    if (next >= edit) break;
    edit = next;
  }
  return [...places].map(([id, at]) => ({ id, at }));
}
