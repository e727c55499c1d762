// Deflate64, which the program that comes with Windows writes for large files: deflate with a window
// of 64 KB and longer matches. RFC 1951 has all of the format but its last codes.

import type { Output } from "../archive/stream/output.ts";
import { LowBitReader, LowCode } from "./low-bits.ts";

/** How a decoder ended; `at` is the position behind the last byte that was used. */
export interface CoderEnd {
  readonly at: number;
  readonly end: "whole" | "truncated" | "corrupt";
}

const WINDOW = 65_536;
const BLOCKS_MAX = 10_000_000;
const CHECK_EVERY = 256;
// §3.2.5, and what is different here: code 285 has 16 more bits, and there are 32 distances.
const LENGTHS = [
  ...[3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99],
  ...[115, 131, 163, 195, 227, 3],
];
const LENGTH_BITS = [
  ...[0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 16],
];
const END_OF_BLOCK = 256;
const ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

interface Codes {
  readonly literals: LowCode;
  readonly distances: LowCode;
}

/** Decodes the stream at the start of `input`. Throws OutputFullError beyond the output's limit. */
export function decodeDeflate64(
  input: Uint8Array,
  output: Output,
  goesOn: () => boolean,
): CoderEnd {
  const bits = new LowBitReader(input);
  for (let count = 0; count < BLOCKS_MAX; count++) {
    if (count % CHECK_EVERY === 0 && !goesOn()) break;
    const isLast = bits.take(1) === 1;
    const type = bits.take(2);
    const isGood = type === 0 ? copyStored(bits, input, output) : readBlock(bits, type, output);
    if (bits.isPast) return { at: input.length, end: "truncated" };
    if (!isGood) return { at: bits.at, end: "corrupt" };
    if (isLast) return { at: bits.at, end: "whole" };
  }
  return { at: bits.at, end: "truncated" };
}

function copyStored(bits: LowBitReader, input: Uint8Array, output: Output): boolean {
  bits.align();
  const size = bits.take(16);
  if ((size ^ 0xffff) !== bits.take(16)) return false;
  const start = bits.at;
  output.append(input.subarray(start, start + size));
  for (let left = size; left > 0 && !bits.isPast; left--) bits.take(8);
  return true;
}

function readBlock(bits: LowBitReader, type: number, output: Output): boolean {
  const codes = type === 1 ? fixedCodes() : type === 2 ? readCodes(bits) : undefined;
  if (codes === undefined) return false;
  while (!bits.isPast) {
    const symbol = codes.literals.read(bits);
    if (symbol < 0) return false;
    if (symbol < END_OF_BLOCK) {
      output.push(symbol);
      continue;
    }
    if (symbol === END_OF_BLOCK) return true;
    const base = LENGTHS[symbol - END_OF_BLOCK - 1];
    if (base === undefined) return false;
    const length = base + bits.take(LENGTH_BITS[symbol - END_OF_BLOCK - 1] as number);
    const slot = codes.distances.read(bits);
    if (slot < 0) return false;
    const extra = slot < 4 ? 0 : (slot >> 1) - 1;
    const distance = (slot < 4 ? slot : (2 | (slot & 1)) << extra) + bits.take(extra) + 1;
    if (distance > output.size || distance > WINDOW) return false;
    output.copy(distance, length);
  }
  return true;
}

// §3.2.6
function fixedCodes(): Codes | undefined {
  const lengths = new Uint8Array(288);
  lengths.fill(8, 0, 144).fill(9, 144, 256).fill(7, 256, 280).fill(8, 280);
  return codesOf(lengths, new Uint8Array(32).fill(5));
}

// §3.2.7
function readCodes(bits: LowBitReader): Codes | undefined {
  const literalCount = bits.take(5) + 257;
  const distanceCount = bits.take(5) + 1;
  const orderCount = bits.take(4) + 4;
  const small = new Uint8Array(19);
  for (let i = 0; i < orderCount; i++) small[ORDER[i] as number] = bits.take(3);
  const code = LowCode.canonical(small);
  if (code === undefined) return;
  const lengths = new Uint8Array(literalCount + distanceCount);
  for (let at = 0; at < lengths.length; ) {
    const symbol = code.read(bits);
    if (symbol < 0 || bits.isPast) return;
    if (symbol < 16) {
      lengths[at++] = symbol;
      continue;
    }
    const value = symbol === 16 ? lengths[at - 1] : 0;
    const count =
      symbol === 16 ? 3 + bits.take(2) : symbol === 17 ? 3 + bits.take(3) : 11 + bits.take(7);
    if (value === undefined || at + count > lengths.length) return;
    lengths.fill(value, at, at + count);
    at += count;
  }
  return codesOf(lengths.subarray(0, literalCount), lengths.subarray(literalCount));
}

function codesOf(literalLengths: Uint8Array, distanceLengths: Uint8Array): Codes | undefined {
  const literals = LowCode.canonical(literalLengths);
  const distances = LowCode.canonical(distanceLengths);
  return literals === undefined || distances === undefined ? undefined : { literals, distances };
}
