// Compressed files: chains of them, and ones that ask for a window of gigabytes.
import { deflateRawSync, gzipSync, zstdCompressSync } from "node:zlib";
import { build7z } from "../../unpack/archive/build-archives.ts";
import { BZIP2 } from "../../unpack/archive/compressed.ts";
import { type Bomb, GIB, gzipOf, MIB, nested, zerosDeflated } from "./bomb.ts";

// Header byte 0 names the whole file's dictionary: 40 is 4 GiB less one.
function xzWithWindow(): Buffer {
  const header = Buffer.concat([Buffer.from([2, 0, 0x21, 1, 40]), Buffer.alloc(3)]);
  const sum = Buffer.alloc(4);
  sum.writeUInt32LE(Bun.hash.crc32(header));
  const flags = Buffer.from([0, 1]);
  const flagSum = Buffer.alloc(4);
  flagSum.writeUInt32LE(Bun.hash.crc32(flags));
  // An LZMA2 chunk that is not compressed, then one that would be.
  const data = Buffer.from([1, 0, 0, 0x61, 0xff, 0xff, 0xff, 0xff, 0xff, 0x5d, 0, 0, 0, 0, 0]);
  return Buffer.concat([
    Buffer.from("fd377a585a00", "hex"),
    flags,
    flagSum,
    header,
    sum,
    data,
    Buffer.alloc(4096),
  ]);
}

// RFC 8878 §3.1.1.1.2: the largest window that can be written, 3.75 TB; then blocks of one byte
// repeated 128 KiB times.
function zstdOfRepeats(count: number, window: number): Buffer {
  const block = Buffer.from([
    ((((1 << 17) - 0) << 3) | 2) & 255,
    (((1 << 20) | 2) >> 8) & 255,
    (1 << 20) >> 16,
    0x41,
  ]);
  const blocks = Buffer.alloc(count * 4, block);
  blocks[(count - 1) * 4] = (blocks[(count - 1) * 4] as number) | 1;
  return Buffer.concat([Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0, window]), blocks]);
}

// LZMA's old header: any dictionary, an unknown size, and data that is one literal over and over.
function lzmaWithWindow(): Buffer {
  const header = Buffer.from([0x5d, 0xff, 0xff, 0xff, 0xff, ...Buffer.alloc(8, 0xff)]);
  return Buffer.concat([header, Buffer.alloc(MIB)]);
}

/** Streams of one file each. */
export const STREAM_BOMBS: readonly Bomb[] = [
  { name: "gzip, zeros", wouldBe: "10 GB", build: () => gzipOf(zerosDeflated(10 * GIB), 10 * GIB) },
  {
    name: "gzip of gzip of gzip, zeros",
    wouldBe: "60 GB",
    build: () => gzipSync(gzipSync(gzipOf(zerosDeflated(60 * GIB), 60 * GIB))),
  },
  {
    name: "gzip in gzip, 500 deep",
    wouldBe: "500 objects",
    build: () => nested(500, Buffer.from("x"), (inner) => gzipSync(inner)),
  },
  {
    name: "gzip, 300,000 members",
    wouldBe: "one file in pieces",
    build: () => Buffer.alloc(300_000 * 21, gzipSync("a")),
  },
  { name: "xz, window of 4 GB", wouldBe: "4 GB of memory", build: xzWithWindow },
  { name: "lzma, window of 4 GB, no size", wouldBe: "no end", build: lzmaWithWindow },
  {
    name: "7z, LZMA with a window of 4 GB",
    wouldBe: "4 GB of memory",
    build: () =>
      build7z(
        [{ name: "a", content: "x".repeat(9000) }],
        [0x23, 3, 1, 1, 5, 0x5d, 0xff, 0xff, 0xff, 0xff],
        () => Buffer.alloc(9000),
      ),
  },
  {
    name: "zstd, window of 3.75 TB",
    wouldBe: "3.75 TB of memory",
    build: () => zstdOfRepeats(4, 0xff),
  },
  { name: "zstd, repeated bytes", wouldBe: "26 GB", build: () => zstdOfRepeats(200_000, 0x58) },
  {
    name: "zstd in zstd, zeros",
    wouldBe: "26 GB",
    build: () => zstdCompressSync(zstdOfRepeats(200_000, 0x58)),
  },
  {
    name: "bzip2, 200,000 streams",
    wouldBe: "one file in pieces",
    build: () => Buffer.alloc(BZIP2.length * 100_000, BZIP2),
  },
  {
    name: "deflate of deflate, in a zip of gzips",
    wouldBe: "1 TB",
    build: () => gzipSync(gzipOf(deflateRawSync(gzipOf(zerosDeflated(2 * GIB), 0)), 0)),
  },
];
