// Structural checks behind a magic number: which kind of ZIP, whether "MZ" is a program, whether
// "BM" is a picture. Each looks at a bounded number of bytes and never throws on hostile input.

import { constants, inflateRawSync } from "node:zlib";
import { isTextual } from "./text-type.ts";

const ZIP_WALK_MAX = 24;
const ZIP_NAME_MAX = 64;
const ZIP_LOCAL_BYTES = 30;
const ZIP_CENTRAL_BYTES = 46;
const ZIP_END_BYTES = 22;
const ZIP_LOCATOR_BYTES = 20;
const ZIP_TAIL = 1024;
const TAR_BLOCK = 512;
// Deflate's tables take up to some 300 bytes, the first partial length is 512 or more; one byte makes
// a thousand at most.
const PGP_PROBE_BYTES = 500;
const PGP_PROBE_MADE_MAX = 1 << 20;
// RFC 9580 §5: what a compressed packet can hold: signatures before a file, the file, more of itself.
const PGP_INNER_TAGS: ReadonlySet<number> = new Set([
  ...[0x88, 0x89, 0x90, 0xa3, 0xac, 0xad, 0xae, 0xaf, 0xc2, 0xc4, 0xc8, 0xcb],
]);
// The reach of the whole check, wherever it starts.
const ZIP_REACH = 65_536;

/** What a ZIP file can turn out to be. */
export const ZIP_TYPES = ["zip", "ooxml", "odf", "jar", "apk", "epub"] as const;

/** One of `ZIP_TYPES`. */
export type ZipType = (typeof ZIP_TYPES)[number];

/** Latin-1 text of `length` bytes at `at`, less where the object ends. */
export function textAt(bytes: Uint8Array, at: number, length: number): string {
  if (at < 0 || at >= bytes.length) return "";
  const end = Math.min(bytes.length - at, length);
  return Buffer.from(bytes.buffer, bytes.byteOffset + at, end).toString("latin1");
}

/** Whether `magic` (Latin-1) stands at `at`. */
export function hasMagic(bytes: Uint8Array, magic: string, at: number): boolean {
  if (at < 0 || at + magic.length > bytes.length) return false;
  for (let i = 0; i < magic.length; i++) {
    if (bytes[at + i] !== magic.charCodeAt(i)) return false;
  }
  return true;
}

function u16(bytes: Uint8Array, at: number): number {
  return (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8);
}

/** The 32-bit little-endian number at `at`; bytes that are not there count as 0. */
export function u32(bytes: Uint8Array, at: number): number {
  return u16(bytes, at) + u16(bytes, at + 2) * 0x1_0000;
}

/** The kind of a ZIP file, from its member names. Office and readers go by the central directory. */
export function zipType(bytes: Uint8Array): ZipType {
  return byLocalHeaders(bytes) ?? byCentralDirectory(bytes) ?? "zip";
}

function byMemberName(name: string): ZipType | undefined {
  if (name === "[Content_Types].xml" || name === "_rels/.rels") return "ooxml";
  if (/^(?:word|xl|ppt|docProps)[/\\]/.test(name)) return "ooxml";
  if (name === "AndroidManifest.xml" || name === "classes.dex") return "apk";
  if (/^META-INF\/(?:MANIFEST\.MF)?$/i.test(name)) return "jar";
  return;
}

// ODF 1.3 part 2 §3.3: the first member, stored, is `mimetype`.
function byMimetype(bytes: Uint8Array, at: number): ZipType {
  const media = textAt(bytes, at, 48);
  if (media.startsWith("application/epub")) return "epub";
  return /^application\/vnd\.(?:oasis|sun)\./.test(media) ? "odf" : "zip";
}

function byLocalHeaders(bytes: Uint8Array): ZipType | undefined {
  let at = hasMagic(bytes, "PK00", 0) ? 4 : 0;
  for (let n = 0; n < ZIP_WALK_MAX && at < ZIP_REACH; n++) {
    if (!hasMagic(bytes, "PK\x03\x04", at)) return;
    const nameLength = u16(bytes, at + 26);
    const name = textAt(bytes, at + ZIP_LOCAL_BYTES, Math.min(nameLength, ZIP_NAME_MAX));
    const dataAt = at + ZIP_LOCAL_BYTES + nameLength + u16(bytes, at + 28);
    if (n === 0 && name === "mimetype") return byMimetype(bytes, dataAt);
    const type = byMemberName(name);
    if (type !== undefined) return type;
    at = dataAt + u32(bytes, at + 18);
  }
  return;
}

function byCentralDirectory(bytes: Uint8Array): ZipType | undefined {
  const endAt = zipEnd(bytes, ZIP_TAIL);
  if (endAt < 0) return;
  // Counted back from the end record: the stored offset is wrong when something stands before.
  let at = endAt - u32(bytes, endAt + 12);
  const reach = at + ZIP_REACH;
  for (let n = 0; n < ZIP_WALK_MAX && at < reach; n++) {
    if (!hasMagic(bytes, "PK\x01\x02", at)) return;
    const nameLength = u16(bytes, at + 28);
    const name = textAt(bytes, at + ZIP_CENTRAL_BYTES, Math.min(nameLength, ZIP_NAME_MAX));
    const type = byMemberName(name);
    if (type !== undefined) return type;
    at += ZIP_CENTRAL_BYTES + nameLength + u16(bytes, at + 30) + u16(bytes, at + 32);
  }
  return;
}

/**
 * Where a ZIP's end record stands within the last `reach` bytes, -1 if there is none. Readers go by
 * the end, so it counts whatever the object begins with.
 */
export function zipEnd(bytes: Uint8Array, reach: number): number {
  const from = Math.max(0, bytes.length - reach);
  if (reach === ZIP_END_BYTES && !hasMagic(bytes, "PK\x05\x06", from)) return -1;
  const at = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).indexOf("PK\x05\x06", from);
  if (at < 0 || at + ZIP_END_BYTES > bytes.length) return -1;
  // All ones stand for numbers in the records of ZIP64, right before it. APPNOTE 6.3.10 §4.3.15.
  if (hasMagic(bytes, "PK\x06\x07", at - ZIP_LOCATOR_BYTES)) return at;
  // Its directory lies before it; the words alone, in a text about ZIP, do not count.
  return u16(bytes, at + 8) > 0 && u32(bytes, at + 12) <= at ? at : -1;
}

/** A DOS or Windows program; undefined for text that begins with these letters. */
export function programType(bytes: Uint8Array): "pe" | "dosexe" | undefined {
  if (hasMagic(bytes, "PE\0\0", u32(bytes, 0x3c))) return "pe";
  return isTextual(bytes) ? undefined : "dosexe";
}

/** CA FE BA BE begins Java classes and Mach-O universal files: class versions start at 45. */
export function cafebabeType(bytes: Uint8Array): "class" | "macho" {
  const count = ((bytes[4] ?? 0) << 24) | ((bytes[5] ?? 0) << 16) | u16Big(bytes, 6);
  return count > 0 && count < 43 ? "macho" : "class";
}

function u16Big(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
}

/** The kind of RIFF file. */
export function riffType(bytes: Uint8Array): "webp" | "riff" | undefined {
  if (hasMagic(bytes, "WEBP", 8)) return "webp";
  return isTextual(bytes) ? undefined : "riff";
}

/** A bitmap's header size is one of a few. */
export function bmpType(bytes: Uint8Array): "bmp" | undefined {
  const headerSize = u32(bytes, 14);
  return headerSize === 12 || (headerSize >= 40 && headerSize <= 124) ? "bmp" : undefined;
}

/** Flash: a version that exists, and a length that is no text. */
export function swfType(bytes: Uint8Array): "swf" | undefined {
  const version = bytes[3] ?? 0;
  return version > 0 && version < 64 && bytes.length > 8 && (bytes[7] ?? 0) < 8 ? "swf" : undefined;
}

/** LZMA alone has no magic number: properties, a dictionary size, and an honest length. */
export function lzmaType(bytes: Uint8Array): "lzma" | undefined {
  if (bytes.length < 14 || bytes[13] !== 0) return;
  const dictionary = u32(bytes, 1);
  // All ones is the largest of all, which 7-Zip takes too.
  const isLargest = dictionary === 0xffff_ffff;
  if (dictionary < 4096 || (!isLargest && (dictionary & 0xfff) !== 0)) return;
  const isUnknown = u32(bytes, 5) === 0xffff_ffff && u32(bytes, 9) === 0xffff_ffff;
  return isUnknown || u32(bytes, 9) < 256 ? "lzma" : undefined;
}

/** ARJ: the size of its main header is bounded. */
export function arjType(bytes: Uint8Array): "arj" | undefined {
  const size = u16(bytes, 2);
  return size >= 30 && size <= 2600 && bytes[10] === 2 ? "arj" : undefined;
}

/** DER or BER of a PKCS #7 object, as S/MIME carries it. RFC 8551 §3. */
export function pkcs7Type(bytes: Uint8Array): "smime" | undefined {
  const first = bytes[1] ?? 0;
  const idAt = first > 0x80 ? 2 + (first & 0x0f) : 2;
  // The types of RFC 5652, and those that came later (compressed, authenticated and enveloped).
  const isKnown =
    hasMagic(bytes, "\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07", idAt) ||
    hasMagic(bytes, "\x06\x0b\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x01", idAt);
  return isKnown ? "smime" : undefined;
}

/** An OpenPGP packet that begins an encrypted or signed message. RFC 9580 §4.2. */
export function pgpType(bytes: Uint8Array): "pgp" | undefined {
  // A version 3 session key packet (RFC 9580 §5.1): tag 1, then its length, version and key id.
  const [tag = 0, first = 0] = bytes;
  const versionAt = tag === 0xc1 ? (first < 192 ? 2 : 3) : tag === 0x85 ? 3 : 2;
  const algorithm = bytes[versionAt + 9] ?? 0;
  const isKnown = (algorithm >= 1 && algorithm <= 3) || (algorithm >= 16 && algorithm <= 18);
  return bytes[versionAt] === 3 && isKnown ? "pgp" : undefined;
}

/**
 * OpenPGP without a public key: encrypted with a password, signed, compressed, or a bare file. RFC
 * 9580 §5.
 */
export function pgpBareType(bytes: Uint8Array): "pgp" | undefined {
  const [tag = 0, first = 0, second = 0, third = 0] = bytes;
  switch (tag) {
    // A symmetric session key: version 4 to 6, a cipher; version 4 with its string-to-key method.
    case 0x8c:
    case 0xc3:
      return second >= 4 && second <= 6 && first >= 4 && first < 64 && third <= 13
        ? "pgp"
        : undefined;
    // A one-pass signature: 13 bytes, version 3, for a document or text.
    case 0x90:
    case 0xc4:
      return first === 13 && second === 3 && third <= 1 ? "pgp" : undefined;
    // Compressed data of open length.
    case 0xa3:
      return isPgpCompressed(bytes, 1) ? "pgp" : undefined;
    // The same with a length, which may be the first one of several.
    case 0xc8:
      return isPgpCompressed(bytes, 1 + lengthBytes(first)) ? "pgp" : undefined;
    // A file: what kind, the length of its name, the name, a date.
    case 0xac:
    case 0xad:
      return isPgpLiteral(bytes, tag === 0xac ? 2 : 3) ? "pgp" : undefined;
    case 0xcb:
      return isPgpLiteral(bytes, 1 + lengthBytes(first)) ? "pgp" : undefined;
    default:
      return;
  }
}

// RFC 9580 §4.2.1: partial lengths have one byte as well.
function lengthBytes(first: number): number {
  return first < 192 || (first >= 224 && first < 255) ? 1 : first < 224 ? 2 : 5;
}

// RFC 9580 §5.6. zlib and bzip2 tell themselves; what deflate holds must begin as a packet does.
function isPgpCompressed(bytes: Uint8Array, at: number): boolean {
  if (hasMagic(bytes, "\x02\x78", at) || hasMagic(bytes, "\x03BZh", at)) return true;
  if (bytes[at] !== 1) return false;
  try {
    const head = bytes.subarray(at + 1, at + 1 + PGP_PROBE_BYTES);
    const options = { finishFlush: constants.Z_SYNC_FLUSH, maxOutputLength: PGP_PROBE_MADE_MAX };
    return PGP_INNER_TAGS.has(inflateRawSync(head, options)[0] ?? 0);
  } catch {
    // No deflate stream, and so no packet.
    return false;
  }
}

// RFC 9580 §5.9: binary, text, UTF-8 or MIME; the name is as a file's name is.
function isPgpLiteral(bytes: Uint8Array, at: number): boolean {
  const kind = bytes[at] ?? 0;
  if (kind !== 0x62 && kind !== 0x74 && kind !== 0x75 && kind !== 0x6d) return false;
  const nameAt = at + 2;
  const length = bytes[at + 1] ?? 0;
  if (nameAt + length + 4 > bytes.length) return false;
  return bytes.subarray(nameAt, nameAt + length).every((byte) => byte >= 0x20 && byte !== 0x7f);
}

/** Old tar files have no magic number, but a checksum over their first block. */
export function isTar(bytes: Uint8Array): boolean {
  if (bytes.length < TAR_BLOCK) return false;
  if (hasMagic(bytes, "ustar", 257)) return true;
  // The checksum field ends in NUL, space, or both; this spares most objects the rest.
  if (bytes[155] !== 0 && bytes[155] !== 0x20) return false;
  const field = textAt(bytes, 148, 8);
  if (!/^[ 0]*[0-7]{3,6}[\0 ]/.test(field)) return false;
  // POSIX.1 ustar: the sum counts the checksum field as spaces.
  let sum = 8 * 0x20;
  for (let i = 0; i < TAR_BLOCK; i++) {
    if (i < 148 || i >= 156) sum += bytes[i] as number;
  }
  return sum === Number.parseInt(field, 8);
}
