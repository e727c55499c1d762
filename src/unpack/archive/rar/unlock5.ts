// RAR 5 archives without their encryption: headers and files are decrypted with a candidate password,
// and written anew as an archive that is not encrypted, which the library can open. "RAR 5.0 archive
// format", encryption header and file encryption record.

import { createDecipheriv, pbkdf2Sync } from "node:crypto";
import { crc32 } from "node:zlib";
import type { Passwords } from "../../../base/password/passwords.ts";

/** An archive without its encryption, and the password that undid it. */
export interface Unlocked {
  readonly bytes: Buffer;
  readonly password: string;
}

const SIGNATURE = Buffer.from("Rar!\x1a\x07\x01\0", "latin1");
const MAIN = 1;
const FILE = 2;
const ENCRYPTION = 4;
const END = 5;
const BLOCKS_MAX = 100_000;
const HEADER_SIZE_MAX = 2 << 20;
/** 2^n rounds; programs take 2^15. */
const ROUNDS_LOG_MAX = 18;
const CHECK_ROUNDS = 32;
const HAS_CHECK = 1;
const IS_TWEAKED = 2;

/** Numbers have seven bits in each byte, least first. */
class Fields {
  readonly bytes: Buffer;
  at: number;

  constructor(bytes: Buffer, at = 0) {
    this.bytes = bytes;
    this.at = at;
  }

  number(): number {
    let value = 0;
    for (let scale = 1; scale < 2 ** 50; scale *= 128) {
      const byte = this.bytes[this.at++] ?? 0;
      value += (byte & 127) * scale;
      if (byte < 128) break;
    }
    return value;
  }

  take(size: number): Buffer {
    this.at += size;
    return this.bytes.subarray(this.at - size, this.at);
  }
}

/** What a password is tried with. */
interface Lock {
  readonly flags: number;
  readonly rounds: number;
  readonly salt: Buffer;
  readonly vector: Buffer;
  readonly check: Buffer;
}

// The record in a file's header has a vector of its own; headers have theirs in front of them.
function readLock(fields: Fields, hasVector: boolean): Lock | undefined {
  if (fields.number() !== 0) return;
  const flags = fields.number();
  const roundsLog = fields.take(1)[0] ?? 255;
  if (roundsLog > ROUNDS_LOG_MAX) return;
  const salt = fields.take(16);
  const vector = hasVector ? fields.take(16) : Buffer.alloc(0);
  const check = (flags & HAS_CHECK) !== 0 ? fields.take(12).subarray(0, 8) : Buffer.alloc(0);
  if (salt.length < 16 || (hasVector && vector.length < 16)) return;
  return { flags, rounds: 2 ** roundsLog, salt, vector, check };
}

function isRight(password: string, { rounds, salt, check }: Lock): boolean {
  if (check.length < 8) return false;
  const long = pbkdf2Sync(password, salt, rounds + CHECK_ROUNDS, 32, "sha256");
  const folded = Buffer.alloc(8);
  for (const [at, byte] of long.entries()) folded[at & 7] = (folded[at & 7] as number) ^ byte;
  return folded.equals(check);
}

function decrypt(key: Buffer, vector: Buffer, data: Buffer): Buffer {
  const cipher = createDecipheriv("aes-256-cbc", key, vector).setAutoPadding(false);
  return cipher.update(data.subarray(0, data.length - (data.length % 16)));
}

function numberBytes(value: number): Buffer {
  const bytes: number[] = [];
  let left = value;
  while (left > 127) {
    bytes.push((left % 128) | 128);
    left = Math.floor(left / 128);
  }
  return Buffer.from([...bytes, left]);
}

function block(...fields: readonly Buffer[]): Buffer {
  const body = Buffer.concat(fields);
  const sized = Buffer.concat([numberBytes(body.length), body]);
  const sum = Buffer.alloc(4);
  sum.writeUInt32LE(crc32(sized));
  return Buffer.concat([sum, sized]);
}

/** The archive without its encryption; undefined if no candidate opens it, or there is none. */
export function unlock5(input: Buffer, passwords: Passwords): Unlocked | undefined {
  const unlocking = new Unlocking(input, passwords);
  return unlocking.run();
}

class Unlocking {
  readonly #input: Buffer;
  readonly #passwords: Passwords;
  readonly #keys = new Map<string, Buffer>();
  readonly #pieces: Buffer[] = [SIGNATURE];
  #password: string | undefined;
  #headerLock: Lock | undefined;

  constructor(input: Buffer, passwords: Passwords) {
    this.#input = input;
    this.#passwords = passwords;
  }

  run(): Unlocked | undefined {
    let at: number | undefined = SIGNATURE.length;
    for (
      let count = 0;
      count < BLOCKS_MAX && at !== undefined && at < this.#input.length;
      count++
    ) {
      at = this.#block(at);
    }
    if (this.#password === undefined) return;
    return { bytes: Buffer.concat(this.#pieces), password: this.#password };
  }

  /** Writes the block at `start` anew; where the next one begins, undefined at the end. */
  #block(start: number): number | undefined {
    const found = this.#header(start);
    if (found === undefined) return;
    const fields = new Fields(found.body);
    const type = fields.number();
    const flags = fields.number();
    const extraSize = (flags & 1) !== 0 ? fields.number() : 0;
    const dataSize = (flags & 2) !== 0 ? fields.number() : 0;
    const next = found.end + dataSize;
    if (type === ENCRYPTION) {
      this.#headerLock = readLock(fields, false);
      const isOpen = this.#headerLock !== undefined && this.#keyOf(this.#headerLock) !== undefined;
      return isOpen ? next : undefined;
    }
    if (type === END) {
      this.#pieces.push(block(Buffer.from([END, 0, 0])));
      return undefined;
    }
    const rest = found.body.subarray(fields.at, found.body.length - extraSize);
    if (type === MAIN) this.#pieces.push(block(Buffer.from([MAIN, 0]), rest));
    if (type === FILE) {
      const extra = new Fields(found.body, found.body.length - extraSize);
      const data = this.#input.subarray(found.end, next);
      if (!this.#file(rest, extra, data)) this.#pieces.push(block(found.body), data);
    }
    return next;
  }

  // A header's own fields, without checksum and size; and where it ends in the archive.
  #header(start: number): { body: Buffer; end: number } | undefined {
    const lock = this.#headerLock;
    const key = lock && this.#keyOf(lock);
    const vector = this.#input.subarray(start, start + 16);
    if (key !== undefined && vector.length < 16) return;
    const source =
      key === undefined
        ? this.#input.subarray(start, start + HEADER_SIZE_MAX)
        : decrypt(key, vector, this.#input.subarray(start + 16, start + 16 + HEADER_SIZE_MAX));
    const fields = new Fields(source, 4);
    const size = fields.number();
    const bodyEnd = fields.at + size;
    if (size < 2 || bodyEnd > source.length) return;
    if (crc32(source.subarray(4, bodyEnd)) !== source.readUInt32LE(0)) return;
    const taken = key === undefined ? bodyEnd : 16 + Math.ceil(bodyEnd / 16) * 16;
    return { body: source.subarray(fields.at, bodyEnd), end: start + taken };
  }

  /** Writes a file anew; false if it has a password of its own. */
  #file(rest: Buffer, extra: Fields, data: Buffer): boolean {
    const lock = encryptionRecord(extra);
    if (lock === undefined) {
      this.#pieces.push(block(Buffer.from([FILE, 2]), numberBytes(data.length), rest), data);
      return true;
    }
    const key = this.#keyOf(lock);
    if (key === undefined) return false;
    const clear = decrypt(key, lock.vector, data);
    const { head, isStored, size } = withoutSum(rest, (lock.flags & IS_TWEAKED) !== 0);
    // What is only stored was filled up to whole blocks.
    const content = isStored ? clear.subarray(0, size) : clear.subarray(0, packedEnd(clear));
    this.#pieces.push(block(Buffer.from([FILE, 2]), numberBytes(content.length), head), content);
    return true;
  }

  #keyOf(lock: Lock): Buffer | undefined {
    const mark = `${lock.rounds} ${lock.salt.toString("hex")}`;
    const known = this.#keys.get(mark);
    if (known !== undefined) return known;
    // All files of an archive have one password as a rule.
    const again = this.#password;
    if (again === undefined || !isRight(again, lock)) {
      if (again !== undefined) return undefined;
      const found = this.#passwords.find((password) => isRight(password, lock) || undefined);
      if (found === undefined) return undefined;
      this.#password = found.password;
    }
    const key = pbkdf2Sync(this.#password ?? "", lock.salt, lock.rounds, 32, "sha256");
    this.#keys.set(mark, key);
    return key;
  }
}

// The extra area holds records of a size and a type; type 1 is about encryption.
function encryptionRecord(extra: Fields): Lock | undefined {
  for (let count = 0; count < 32 && extra.at < extra.bytes.length; count++) {
    const size = extra.number();
    const end = extra.at + size;
    if (extra.number() === 1) return readLock(extra, true);
    extra.at = end;
  }
  return;
}

// Compressed data are blocks: flags, a checksum, a size in one to three bytes. What fills the last one
// up to a whole block of the cipher would be taken for more of them.
function packedEnd(data: Buffer): number {
  let at = 0;
  for (let count = 0; count < BLOCKS_MAX && at + 3 <= data.length; count++) {
    const flags = data[at] as number;
    const sizeBytes = ((flags >> 3) & 3) + 1;
    if (sizeBytes > 3 || at + 2 + sizeBytes > data.length) break;
    const next = at + 2 + sizeBytes + data.readUIntLE(at + 2, sizeBytes);
    if (next > data.length) break;
    at = next;
    if ((flags & 0x40) !== 0) return at;
  }
  return data.length;
}

// Fields of a file: flags, size, attributes, time, checksum, method … A checksum that was made with
// the key is of no use without it.
function withoutSum(rest: Buffer, isTweaked: boolean) {
  const fields = new Fields(rest);
  const flags = fields.number();
  const size = fields.number();
  fields.number();
  if ((flags & 2) !== 0) fields.at += 4;
  const sumAt = fields.at;
  const hasSum = (flags & 4) !== 0;
  if (hasSum) fields.at += 4;
  const isStored = ((fields.number() >> 7) & 7) === 0;
  if (!hasSum || !isTweaked) return { head: rest, isStored, size };
  const first = numberBytes(flags & ~4);
  const before = rest.subarray(numberBytes(flags).length, sumAt);
  const head = Buffer.concat([first, before, rest.subarray(sumAt + 4)]);
  return { head, isStored, size };
}
