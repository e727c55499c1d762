// Writes encrypted RAR archives whose members are stored as they are.
import { createCipheriv, createHash, pbkdf2Sync } from "node:crypto";
import { crc32 } from "node:zlib";
import type { Stored } from "../build-archives.ts";

const u8 = (...values: readonly number[]) => Buffer.from(values);
const le = (value: number, size: number) => {
  const bytes = Buffer.alloc(size);
  bytes.writeUIntLE(value, 0, size);
  return bytes;
};
const number = (value: number) => (value < 128 ? u8(value) : u8(0x80 | (value & 127), value >> 7));

function sealed(name: string, key: Uint8Array, vector: Uint8Array, data: Uint8Array): Buffer {
  const padded = Buffer.alloc(Math.ceil(data.length / 16) * 16);
  padded.set(data);
  return createCipheriv(name, key, vector).setAutoPadding(false).update(padded);
}

const SALT = Buffer.alloc(16, 3);
const VECTOR = Buffer.alloc(16, 4);

function block5(...fields: readonly Buffer[]): Buffer {
  const body = Buffer.concat(fields);
  const sized = Buffer.concat([number(body.length), body]);
  return Buffer.concat([le(crc32(sized), 4), sized]);
}

/** A RAR 5 archive; its headers are encrypted too if `hasLockedHeaders`. */
export function encryptedRar5(
  files: readonly Stored[],
  password: string,
  hasLockedHeaders = false,
): Buffer {
  const key = pbkdf2Sync(password, SALT, 1 << 5, 32, "sha256");
  const check = Buffer.alloc(8);
  for (const [at, byte] of pbkdf2Sync(password, SALT, (1 << 5) + 32, 32, "sha256").entries()) {
    check[at & 7] = (check[at & 7] as number) ^ byte;
  }
  const checked = Buffer.concat([check, Buffer.alloc(4)]);
  const header = (bytes: Buffer) =>
    hasLockedHeaders ? Buffer.concat([VECTOR, sealed("aes-256-cbc", key, VECTOR, bytes)]) : bytes;
  const pieces: Buffer[] = [Buffer.from("Rar!\x1a\x07\x01\0", "latin1")];
  if (hasLockedHeaders) pieces.push(block5(u8(4, 0, 0, 1, 5), SALT, checked));
  pieces.push(header(block5(u8(1, 0, 0))));
  for (const { name, content } of files) {
    const data = sealed("aes-256-cbc", key, VECTOR, Buffer.from(content));
    const record = Buffer.concat([u8(1, 0, 3, 5), SALT, VECTOR, checked]);
    const extra = Buffer.concat([number(record.length), record]);
    // The checksum is one of those that only the key makes sense of.
    const rest = [u8(4), number(content.length), u8(0), le(1, 4), u8(0, 1), number(name.length)];
    const sizes = [number(extra.length), number(data.length)];
    pieces.push(header(block5(u8(2, 3), ...sizes, ...rest, Buffer.from(name), extra)), data);
  }
  return Buffer.concat([...pieces, header(block5(u8(5, 0, 0)))]);
}

function key4(password: string, salt: Buffer) {
  const hash = createHash("sha1");
  const vector = Buffer.alloc(16);
  for (let round = 0; round < 1 << 18; round++) {
    hash.update(Buffer.from(password, "utf16le")).update(salt).update(le(round, 3));
    if (round % (1 << 14) === 0) vector[round >> 14] = hash.copy().digest()[19] as number;
  }
  return { key: hash.digest().subarray(0, 16).swap32(), vector };
}

function block4(type: number, flags: number, fields: Buffer): Buffer {
  const rest = Buffer.concat([u8(type), le(flags, 2), le(7 + fields.length, 2), fields]);
  return Buffer.concat([le(crc32(rest) & 0xffff, 2), rest]);
}

/** A RAR 3 archive; its headers are encrypted too if `hasLockedHeaders`. */
export function encryptedRar4(
  files: readonly Stored[],
  password: string,
  hasLockedHeaders = false,
): Buffer {
  const salt = SALT.subarray(0, 8);
  const { key, vector } = key4(password, salt);
  const seal = (data: Buffer) => sealed("aes-128-cbc", key, vector, data);
  const header = (bytes: Buffer) => (hasLockedHeaders ? Buffer.concat([salt, seal(bytes)]) : bytes);
  const mainFlags = hasLockedHeaders ? 0x80 : 0;
  const pieces: Buffer[] = [
    Buffer.from("Rar!\x1a\x07\0", "latin1"),
    block4(0x73, mainFlags, Buffer.alloc(6)),
  ];
  for (const { name, content } of files) {
    const data = seal(Buffer.from(content));
    const sizes = [le(data.length, 4), le(content.length, 4), u8(3), le(crc32(content), 4)];
    const rest = [le(0, 4), u8(29, 0x30), le(name.length, 2), le(0o100644, 4), Buffer.from(name)];
    const fields = Buffer.concat([...sizes, ...rest, salt]);
    pieces.push(header(block4(0x74, 0x8404, fields)), data);
  }
  return Buffer.concat([...pieces, header(block4(0x7b, 0x4000, Buffer.alloc(0)))]);
}
