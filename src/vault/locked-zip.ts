// An object on its way out of the vault: in a ZIP archive with a password that everybody knows, so
// that no program opens it, and no scanner takes it away, by accident.
import { crc32, deflateRawSync } from "node:zlib";
import { ZIP_HEAD_SIZE, ZipKeys } from "../codec/zip-crypto.ts";

/** The password of whoever exchanges samples of malware. */
export const ZIP_PASSWORD = "infected";

const LOCAL = 0x04034b50;
const CENTRAL = 0x02014b50;
const END = 0x06054b50;
const VERSION = 20;
const FLAG_ENCRYPTED = 1;
const FLAG_UTF8 = 0x800;
const DEFLATED = 8;
/** Sizes have 32 bits in an archive without extensions. */
const SIZE_MAX = 0xffff_ffff;
const REGULAR_FILE = 0o100600;
const UNIX = 3;

/** What goes into the archive. */
export interface LockedFile {
  readonly name: string;
  readonly bytes: Uint8Array;
  /** Milliseconds since the epoch; archives have it in local time, two seconds exact. */
  readonly at: number;
  /** Twelve random bytes. */
  readonly salt: Uint8Array;
}

function dosTime(at: number): number {
  const date = new Date(at);
  const year = Math.min(Math.max(date.getFullYear(), 1980), 2107);
  const day = ((year - 1980) << 9) | ((date.getMonth() + 1) << 5) | date.getDate();
  const time = (date.getHours() << 11) | (date.getMinutes() << 5) | (date.getSeconds() >> 1);
  return ((day << 16) | time) >>> 0;
}

// APPNOTE.TXT 6.3.10 §6.1.6: the last byte of the head is the checksum's highest.
function encrypt(packed: Uint8Array, crc: number, salt: Uint8Array): Buffer {
  const keys = new ZipKeys(Buffer.from(ZIP_PASSWORD));
  const secret = Buffer.alloc(ZIP_HEAD_SIZE + packed.length);
  const head = Buffer.alloc(ZIP_HEAD_SIZE);
  head.set(salt.subarray(0, ZIP_HEAD_SIZE - 1));
  head[ZIP_HEAD_SIZE - 1] = crc >>> 24;
  for (let at = 0; at < ZIP_HEAD_SIZE; at++) secret[at] = keys.encrypt(head[at] ?? 0);
  for (let at = 0; at < packed.length; at++) {
    secret[ZIP_HEAD_SIZE + at] = keys.encrypt(packed[at] ?? 0);
  }
  return secret;
}

/** A ZIP archive with one encrypted member. Throws RangeError for what is too large for one. */
export function lockedZip({ name, bytes, at, salt }: LockedFile): Buffer {
  if (bytes.length > SIZE_MAX) throw new RangeError("too large for a zip archive");
  const crc = crc32(bytes);
  const secret = encrypt(deflateRawSync(bytes), crc, salt);
  const nameBytes = Buffer.from(name.toWellFormed());
  // What the local and the central header have in common, from "version needed" on.
  const shared = Buffer.alloc(26);
  shared.writeUInt16LE(VERSION, 0);
  shared.writeUInt16LE(FLAG_ENCRYPTED | FLAG_UTF8, 2);
  shared.writeUInt16LE(DEFLATED, 4);
  shared.writeUInt32LE(dosTime(at), 6);
  shared.writeUInt32LE(crc, 10);
  shared.writeUInt32LE(secret.length, 14);
  shared.writeUInt32LE(bytes.length, 18);
  shared.writeUInt16LE(nameBytes.length, 22);
  const local = Buffer.concat([word(LOCAL), shared, nameBytes, secret]);
  const central = Buffer.alloc(46);
  central.writeUInt32LE(CENTRAL, 0);
  central.writeUInt16LE((UNIX << 8) | VERSION, 4);
  shared.copy(central, 6);
  central.writeUInt32LE(REGULAR_FILE * 0x1_0000, 38);
  const end = Buffer.alloc(22);
  end.writeUInt32LE(END, 0);
  end.writeUInt16LE(1, 8);
  end.writeUInt16LE(1, 10);
  end.writeUInt32LE(central.length + nameBytes.length, 12);
  end.writeUInt32LE(local.length, 16);
  return Buffer.concat([local, central, nameBytes, end]);
}

function word(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}
