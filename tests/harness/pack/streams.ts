// Writes xz, LZ4 and compress files in which everything stands as it was: their blocks for data that
// does not shrink, and codes for single bytes.

import { crc32 } from "node:zlib";

const CHUNK_BYTES = 65_536;
const LZMA2 = 0x21;
const LZ4_BLOCK_BYTES = 60_000;

const u32 = (value: number) => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value >>> 0);
  return bytes;
};
const padded = (bytes: Buffer, to: number) =>
  Buffer.concat([bytes, Buffer.alloc((to - (bytes.length % to)) % to)]);
const summed = (bytes: Buffer) => Buffer.concat([bytes, u32(crc32(bytes))]);

// Seven bits in a byte, the lowest first.
function xzNumber(value: number): number[] {
  return value < 128 ? [value] : [(value & 127) | 128, ...xzNumber(Math.floor(value / 128))];
}

/** LZMA2 of chunks that are not compressed. */
export function lzma2(content: Uint8Array): Buffer {
  const pieces: Buffer[] = [];
  for (let at = 0; at < content.length; at += CHUNK_BYTES) {
    const chunk = content.subarray(at, at + CHUNK_BYTES);
    const last = chunk.length - 1;
    // 1 starts with an empty dictionary, 2 goes on.
    pieces.push(Buffer.from([at === 0 ? 1 : 2, last >> 8, last & 255]), Buffer.from(chunk));
  }
  return Buffer.concat([...pieces, Buffer.from([0])]);
}

/** An xz file of one block. ".xz file format" 1.2.1. */
export function xz(content: Uint8Array): Buffer {
  const flags = Buffer.from([0, 1]);
  const blockHead = summed(Buffer.from([2, 0, LZMA2, 1, 12, 0, 0, 0]));
  const data = lzma2(content);
  const unpadded = blockHead.length + data.length + 4;
  const index = summed(
    padded(Buffer.from([0, 1, ...xzNumber(unpadded), ...xzNumber(content.length)]), 4),
  );
  const tail = Buffer.concat([u32(index.length / 4 - 1), flags]);
  return Buffer.concat([
    Buffer.from("\xfd7zXZ\0", "latin1"),
    summed(flags),
    ...[blockHead, padded(data, 4), u32(crc32(content)), index],
    ...[u32(crc32(tail)), tail, Buffer.from("YZ")],
  ]);
}

const longLength = (value: number) => [
  ...Array<number>(Math.floor(value / 255)).fill(255),
  value % 255,
];

/** An LZ4 frame of blocks that are one run of literals each. */
export function lz4(content: Uint8Array): Buffer {
  const pieces: Buffer[] = [Buffer.from([0x04, 0x22, 0x4d, 0x18, 0x60, 0x40, 0x82])];
  for (let at = 0; at < content.length; at += LZ4_BLOCK_BYTES) {
    const literals = content.subarray(at, at + LZ4_BLOCK_BYTES);
    const { length } = literals;
    const head = length < 15 ? [length << 4] : [0xf0, ...longLength(length - 15)];
    pieces.push(u32(head.length + length), Buffer.from(head), Buffer.from(literals));
  }
  return Buffer.concat([...pieces, u32(0)]);
}

const LZW_WIDTH = 9;
const LZW_CLEAR = 256;
/** Fewer than make the codes wider. */
const LZW_CODES_MAX = 200;

/** A file of Unix compress: codes of nine bits, with the table cleared before it fills. */
export function compress(content: Uint8Array): Buffer {
  const pieces: Buffer[] = [Buffer.from([0x1f, 0x9d, 0x90])];
  for (let at = 0; at < content.length; at += LZW_CODES_MAX) {
    const codes = [...content.subarray(at, at + LZW_CODES_MAX)];
    const isLast = at + LZW_CODES_MAX >= content.length;
    pieces.push(nineBits(isLast ? codes : [...codes, LZW_CLEAR]));
  }
  return Buffer.concat(pieces);
}

// Codes go in groups of eight, nine bytes: what a group lacks at a clearing is zeros.
function nineBits(codes: readonly number[]): Buffer {
  const isCleared = codes.at(-1) === LZW_CLEAR;
  const groups = Math.ceil(codes.length / 8) * LZW_WIDTH;
  const bytes = Buffer.alloc(isCleared ? groups : Math.ceil((codes.length * LZW_WIDTH) / 8));
  for (const [index, code] of codes.entries()) {
    for (let place = 0; place < LZW_WIDTH; place++) {
      if (((code >> place) & 1) === 0) continue;
      const bit = index * LZW_WIDTH + place;
      bytes[bit >> 3] = (bytes[bit >> 3] as number) | (1 << (bit & 7));
    }
  }
  return bytes;
}
