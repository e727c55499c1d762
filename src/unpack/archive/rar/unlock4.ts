// RAR 3 and 4 archives without their encryption, as unlock5.ts does it for RAR 5. Nothing in them tells
// whether a password is right but the checksums: of a header, or of a file that is unpacked for it.

import { createDecipheriv, createHash } from "node:crypto";
import { crc32 } from "node:zlib";
import type { Passwords } from "../../../base/password/passwords.ts";
import { LibraryArchive } from "../library/library.ts";
import type { Unlocked } from "./unlock5.ts";

const SIGNATURE = Buffer.from("Rar!\x1a\x07\0", "latin1");
const MAIN = 0x73;
const FILE = 0x74;
const END = 0x7b;
const IS_ENCRYPTED = 0x04;
const HAS_SALT = 0x400;
const IS_LARGE = 0x100;
const HEADERS_ENCRYPTED = 0x80;
const HAS_DATA = 0x8000;
const STORED = 0x30;
const SALT_BYTES = 8;
const ROUNDS = 1 << 18;
const SLICES = 16;
const BLOCKS_MAX = 100_000;
const IS_SOLID = 8;
const CHECKS_MAX = 64;
const TRIAL_SIZE_MAX = 4 << 20;

interface Key {
  readonly key: Buffer;
  readonly vector: Buffer;
}

// SHA-1 over the password, the salt and a counter, a quarter of a million times; the vector is made of
// what the hash was on the way.
function derive(password: string, salt: Buffer): Key {
  const unit = Buffer.concat([Buffer.from(password, "utf16le"), salt, Buffer.alloc(3)]);
  const count = ROUNDS / SLICES;
  const chunk = Buffer.alloc(unit.length * count, unit);
  const hash = createHash("sha1");
  const vector = Buffer.alloc(16);
  for (let slice = 0; slice < SLICES; slice++) {
    for (let i = 0; i < count; i++) {
      chunk.writeUIntLE(slice * count + i, (i + 1) * unit.length - 3, 3);
    }
    // The vector's bytes are taken behind the first round of each slice.
    hash.update(chunk.subarray(0, unit.length));
    vector[slice] = hash.copy().digest()[19] as number;
    hash.update(chunk.subarray(unit.length));
  }
  return { key: hash.digest().subarray(0, 16).swap32(), vector };
}

function decrypt({ key, vector }: Key, data: Buffer): Buffer {
  const cipher = createDecipheriv("aes-128-cbc", key, vector).setAutoPadding(false);
  return cipher.update(data.subarray(0, data.length - (data.length % 16)));
}

interface Block {
  readonly head: Buffer;
  readonly data: Buffer;
}

/** Blocks of an archive, with their headers in the clear; undefined if a header is not. */
function blocksOf(input: Buffer, keyOf?: (salt: Buffer) => Key): Block[] | undefined {
  const blocks: Block[] = [];
  let at = SIGNATURE.length;
  for (let count = 0; count < BLOCKS_MAX && at + 7 <= input.length; count++) {
    const isLocked = keyOf !== undefined && count > 0;
    let source = input.subarray(at);
    if (isLocked) {
      const salt = input.subarray(at, at + SALT_BYTES);
      const start = at + SALT_BYTES;
      source = decrypt(keyOf(salt), input.subarray(start, start + 65_536 + 16));
    }
    if (source.length < 7) return blocks;
    const size = source.readUInt16LE(5);
    const head = source.subarray(0, size);
    const isWhole = size >= 7 && head.length === size;
    if (!isWhole || (crc32(head.subarray(2)) & 0xffff) !== head.readUInt16LE(0)) return undefined;
    const flags = head.readUInt16LE(3);
    const hasData = head[2] === FILE || (flags & HAS_DATA) !== 0;
    if (hasData && size < 11) return undefined;
    let dataSize = hasData ? head.readUInt32LE(7) : 0;
    if (head[2] === FILE && size < 32) return undefined;
    if (head[2] === FILE && (flags & IS_LARGE) !== 0) {
      if (size < 40) return undefined;
      dataSize += head.readUInt32LE(32) * 2 ** 32;
    }
    const headEnd = at + (isLocked ? SALT_BYTES + Math.ceil(size / 16) * 16 : size);
    blocks.push({ head, data: input.subarray(headEnd, headEnd + dataSize) });
    if (head[2] === END) break;
    at = headEnd + dataSize;
  }
  return blocks;
}

/** A file's header and data as they are without encryption. */
function clearFile({ head, data }: Block, keyOf: (salt: Buffer) => Key): Block {
  const flags = head.readUInt16LE(3);
  const nameAt = 32 + ((flags & IS_LARGE) !== 0 ? 8 : 0);
  const saltAt = nameAt + head.readUInt16LE(26);
  const hasSalt = (flags & HAS_SALT) !== 0;
  const salt = hasSalt ? head.subarray(saltAt, saltAt + SALT_BYTES) : Buffer.alloc(0);
  const clear = decrypt(keyOf(salt), data);
  const content = head[25] === STORED ? clear.subarray(0, head.readUInt32LE(11)) : clear;
  const rest = hasSalt ? head.subarray(saltAt + SALT_BYTES) : head.subarray(saltAt);
  const made = Buffer.concat([head.subarray(0, saltAt), rest]);
  made.writeUInt16LE(flags & ~(IS_ENCRYPTED | HAS_SALT), 3);
  made.writeUInt32LE(content.length, 7);
  return { head: summed(made), data: content };
}

function summed(head: Buffer): Buffer {
  head.writeUInt16LE(head.length, 5);
  head.writeUInt16LE(crc32(head.subarray(2)) & 0xffff, 0);
  return head;
}

function isLockedFile({ head }: Block): boolean {
  return head[2] === FILE && (head.readUInt16LE(3) & IS_ENCRYPTED) !== 0;
}

function isSolid({ head }: Block): boolean {
  return (head.readUInt16LE(3) & IS_SOLID) !== 0;
}

function joined(blocks: readonly Block[]): Buffer {
  return Buffer.concat([SIGNATURE, ...blocks.flatMap(({ head, data }) => [head, data])]);
}

/** The archive without its encryption; undefined if no candidate opens it, or there is none. */
export function unlock4(input: Buffer, passwords: Passwords): Unlocked | undefined {
  const mainFlags = input.length < 12 ? 0 : input.readUInt16LE(SIGNATURE.length + 3);
  const hasLockedHeaders = (mainFlags & HEADERS_ENCRYPTED) !== 0;
  if (!hasLockedHeaders && blocksOf(input)?.some(isLockedFile) !== true) return;
  const found = passwords.find((password) => tryPassword(input, password, hasLockedHeaders));
  return found && { bytes: found.opened, password: found.password };
}

function tryPassword(
  input: Buffer,
  password: string,
  hasLockedHeaders: boolean,
): Buffer | undefined {
  const keys = new Map<string, Key>();
  const keyOf = (salt: Buffer) => {
    const mark = salt.toString("hex");
    const key = keys.get(mark) ?? derive(password, salt);
    keys.set(mark, key);
    return key;
  };
  const blocks = blocksOf(input, hasLockedHeaders ? keyOf : undefined);
  const [main, ...rest] = blocks ?? [];
  if (main === undefined || main.head[2] !== MAIN) return;
  const head = Buffer.from(main.head);
  head.writeUInt16LE(head.readUInt16LE(3) & ~HEADERS_ENCRYPTED, 3);
  const plainMain = { head: summed(head), data: main.data };
  if (!hasLockedHeaders) {
    // In a solid archive a file is only unpacked behind those before it; the first one always is.
    const sample = rest.filter((one) => isLockedFile(one) && one.head.readUInt32LE(11) > 0)[0];
    if (sample === undefined || sample.data.length > TRIAL_SIZE_MAX) return;
    if (!isIntact(plainMain, clearFile(sample, keyOf))) return;
  }
  let checks = 0;
  // Files may have passwords of their own: what does not fit its checksum stays as it is.
  const opened = (one: Block) => {
    if (!isLockedFile(one)) return one;
    const clear = clearFile(one, keyOf);
    const isChecked = one.data.length <= TRIAL_SIZE_MAX && ++checks <= CHECKS_MAX;
    return isSolid(main) || !isChecked || isIntact(plainMain, clear) ? clear : one;
  };
  return joined([plainMain, ...rest.map(opened)]);
}

function isIntact(main: Block, file: Block): boolean {
  const sum = file.head.readUInt32LE(16);
  if (file.head[25] === STORED) return crc32(file.data) === sum;
  const archive = new LibraryArchive(joined([main, file]));
  if (archive.next() === undefined) return false;
  return crc32(archive.read(16 * TRIAL_SIZE_MAX, () => true).bytes) === sum;
}
