// Writes 7z archives by methods that the library does not have.
import { createCipheriv, createHash } from "node:crypto";
import { deflateRawSync, zstdCompressSync } from "node:zlib";
import { LZMA_PROPERTIES, lzmaStream } from "../../../harness/pack/lzma.ts";
import { build7z, type Stored } from "../build-archives.ts";

const CYCLES = 6;
const SALT = Buffer.from("salt");
const VECTOR = Buffer.alloc(16, 5);

/** Encrypted with AES, and else stored as it is. */
export function encrypted7z(files: readonly Stored[], password: string, cycles = CYCLES): Buffer {
  const properties = [cycles | 0xc0, ((SALT.length - 1) << 4) | 15, ...SALT, ...VECTOR];
  const coder = [0x24, 0x06, 0xf1, 0x07, 0x01, properties.length, ...properties];
  return build7z(files, coder, (content) => {
    const hash = createHash("sha256");
    for (let round = 0; round < 2 ** CYCLES; round++) {
      const counter = Buffer.alloc(8);
      counter.writeUInt32LE(round);
      hash.update(SALT).update(Buffer.from(password, "utf16le")).update(counter);
    }
    const cipher = createCipheriv("aes-256-cbc", hash.digest(), VECTOR).setAutoPadding(false);
    const padded = Buffer.alloc(Math.ceil(content.length / 16) * 16);
    content.copy(padded);
    return cipher.update(padded);
  });
}

/** Packed with Zstandard. */
export function packed7z(files: readonly Stored[]): Buffer {
  return build7z(files, [0x04, 0x04, 0xf7, 0x11, 0x01], (content) => zstdCompressSync(content));
}

/** Packed with LZMA. */
export function lzma7z(files: readonly Stored[]): Buffer {
  const coder = [0x23, 0x03, 0x01, 0x01, LZMA_PROPERTIES.length, ...LZMA_PROPERTIES];
  return build7z(files, coder, (content) => lzmaStream(content));
}

/** Packed with Deflate64. */
export function deflated7z(files: readonly Stored[]): Buffer {
  return build7z(files, [0x03, 0x04, 0x01, 0x09], (content) =>
    deflateRawSync(content, { level: 0 }),
  );
}
