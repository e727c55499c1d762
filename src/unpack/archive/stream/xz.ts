// Files around LZMA: xz ("The .xz File Format" 1.2.1), lzip (RFC draft diaz-lzip) and the headers of
// the old LZMA utilities. Streams that follow each other are one file.

import { createHash } from "node:crypto";
import { crc32 } from "node:zlib";
import type { Budget } from "../../../base/budget.ts";
import type { Explosion, Extract } from "../../../message.ts";
import { crc64 } from "./crc64.ts";
import { unfilter } from "./filter.ts";
import { decodeLzma2, LzmaDecoder, lzmaProperties } from "./lzma.ts";
import { brokenAt, explodeStream, type StreamEnd, wholeAt } from "./open.ts";
import type { Output } from "./output.ts";

const XZ_MAGIC = "\xfd7zXZ\0";
const LZMA2 = 0x21;
const STREAMS_MAX = 10_000;
const BLOCKS_MAX = 100_000;
// §2.1.1.2: sizes of checks by their number.
const CHECK_SIZES = [0, 4, 4, 4, 8, 8, 8, 16, 16, 16, 32, 32, 32, 64, 64, 64];
const CRC32 = 1;
const CRC64 = 4;
const SHA256 = 10;

/** Yields the content of an xz file. */
export function explodeXz(bytes: Uint8Array, budget: Budget): Generator<Extract, Explosion> {
  return explodeStream(bytes, budget, readXz);
}

/** Yields the content of an lzip file. */
export function explodeLzip(bytes: Uint8Array, budget: Budget): Generator<Extract, Explosion> {
  return explodeStream(bytes, budget, readLzip);
}

/** Yields the content of a file of the old LZMA utilities. */
export function explodeLzma(bytes: Uint8Array, budget: Budget): Generator<Extract, Explosion> {
  return explodeStream(bytes, budget, readLzma);
}

/** Decodes xz streams. */
export function readXz(input: Buffer, output: Output, goesOn: () => boolean): StreamEnd {
  let at = 0;
  for (let count = 0; count < STREAMS_MAX && isMagic(input, at, XZ_MAGIC); count++) {
    const end = readXzStream(input, at, output, goesOn);
    if (end.status !== "clean") return end;
    at = end.at;
    // §2.2: padding between streams comes in fours.
    while (at + 4 <= input.length && input.readUInt32LE(at) === 0) at += 4;
  }
  return at === 0 ? brokenAt("not an xz stream") : wholeAt(at);
}

function isMagic(input: Buffer, at: number, magic: string): boolean {
  return input.toString("latin1", at, at + magic.length) === magic;
}

function readXzStream(
  input: Buffer,
  start: number,
  output: Output,
  goesOn: () => boolean,
): StreamEnd {
  const check = (input[start + 7] ?? 0) & 15;
  let at = start + 12;
  for (let count = 0; count < BLOCKS_MAX && goesOn(); count++) {
    const first = input[at];
    if (first === undefined) return brokenAt("cut short");
    if (first === 0) return indexEnd(input, at);
    const block = readXzBlock(input, at, { check, output, goesOn });
    if (block.status !== "clean") return block;
    at = block.at;
  }
  return { at: Infinity, status: "unscanned", problem: "too many blocks" };
}

// §4: the index repeats sizes; only its end is wanted, which the footer (§2.1.2) tells.
function indexEnd(input: Buffer, start: number): StreamEnd {
  const number = readNumber(input, start + 1);
  let at = number.at;
  for (let left = Math.min(number.value, BLOCKS_MAX) * 2; left > 0; left--) {
    at = readNumber(input, at).at;
  }
  at = start + Math.ceil((at - start) / 4) * 4 + 4;
  if (at + 12 > input.length) return brokenAt("cut short");
  if (!isMagic(input, at + 10, "YZ")) return brokenAt("the index is broken");
  return wholeAt(at + 12);
}

// §1.2: seven bits at a time, least first.
function readNumber(input: Buffer, start: number): { value: number; at: number } {
  let value = 0;
  let at = start;
  for (let scale = 1; at < start + 9; scale *= 128) {
    const byte = input[at++] ?? 0;
    value += (byte & 127) * scale;
    if (byte < 128) break;
  }
  return { value, at };
}

interface XzFilter {
  readonly id: number;
  readonly properties: Uint8Array;
}

// §3.1: undefined if the header is broken.
function readFilters(input: Buffer, start: number, end: number): XzFilter[] | undefined {
  if (end > input.length || crc32(input.subarray(start, end - 4)) !== input.readUInt32LE(end - 4)) {
    return;
  }
  const flags = input[start + 1] ?? 0;
  let at = start + 2;
  if ((flags & 0x40) !== 0) at = readNumber(input, at).at;
  if ((flags & 0x80) !== 0) at = readNumber(input, at).at;
  const filters: XzFilter[] = [];
  for (let count = (flags & 3) + 1; count > 0; count--) {
    const id = readNumber(input, at);
    const size = readNumber(input, id.at);
    at = size.at + size.value;
    if (at > end) return;
    filters.push({ id: id.value, properties: input.subarray(size.at, at) });
  }
  return filters;
}

function readXzBlock(
  input: Buffer,
  start: number,
  stream: { check: number; output: Output; goesOn: () => boolean },
): StreamEnd {
  const { check, output, goesOn } = stream;
  const dataStart = start + ((input[start] ?? 0) + 1) * 4;
  const filters = readFilters(input, start, dataStart);
  if (filters === undefined) return brokenAt("a block header is broken");
  if (filters.pop()?.id !== LZMA2) {
    return { at: Infinity, status: "unscanned", problem: "an unknown xz filter" };
  }
  const sizeBefore = output.size;
  const found = decodeLzma2(input, dataStart, output, goesOn);
  const made = output.made.subarray(sizeBefore);
  for (const { id, properties } of filters.reverse()) {
    if (!unfilter(made, id, properties)) {
      return { at: Infinity, status: "unscanned", problem: `xz filter ${id} is not supported` };
    }
  }
  if (found.problem !== "") return brokenAt(found.problem);
  const checkStart = dataStart + Math.ceil((found.at - dataStart) / 4) * 4;
  const checkEnd = checkStart + (CHECK_SIZES[check] ?? 0);
  if (checkEnd > input.length) return brokenAt("cut short");
  const isGood = isIntact(made, check, input.subarray(checkStart, checkEnd));
  return isGood ? wholeAt(checkEnd) : brokenAt("checksum does not match");
}

// §3.4. Checks of reserved numbers cannot be verified, and nothing is wrong with that.
function isIntact(bytes: Uint8Array, check: number, stored: Buffer): boolean {
  if (check === CRC32) return crc32(bytes) === stored.readUInt32LE(0);
  if (check === CRC64) return crc64(bytes) === stored.readBigUInt64LE(0);
  if (check === SHA256) return createHash("sha256").update(bytes).digest().equals(stored);
  return true;
}

const LZIP_PROPERTIES = { lc: 3, lp: 0, pb: 2 };
const LZIP_TRAILER_BYTES = 20;

function readLzip(input: Buffer, output: Output, goesOn: () => boolean): StreamEnd {
  let at = 0;
  for (let count = 0; count < STREAMS_MAX && isMagic(input, at, "LZIP"); count++) {
    if (!goesOn()) break;
    const sizeBefore = output.size;
    const decoder = new LzmaDecoder(output);
    decoder.reset(LZIP_PROPERTIES);
    const found = decoder.decode(input, at + 6, input.length, Infinity);
    if (found.problem !== "") return brokenAt(found.problem);
    at = found.at + LZIP_TRAILER_BYTES;
    if (at > input.length) return brokenAt("cut short");
    if (crc32(output.made.subarray(sizeBefore)) !== input.readUInt32LE(found.at)) {
      return brokenAt("checksum does not match");
    }
  }
  return at === 0 ? brokenAt("not an lzip stream") : wholeAt(at);
}

// Properties, dictionary size, size of the content (all ones: there is an end mark).
const LZMA_HEADER_BYTES = 13;

function readLzma(input: Buffer, output: Output): StreamEnd {
  const properties = lzmaProperties(input[0] ?? 255);
  if (properties === undefined || input.length < LZMA_HEADER_BYTES) {
    return brokenAt("not an LZMA stream");
  }
  const declared = input.readBigUInt64LE(5);
  const size = declared >= 1n << 48n ? Infinity : Number(declared);
  const decoder = new LzmaDecoder(output);
  decoder.reset(properties);
  const found = decoder.decode(input, LZMA_HEADER_BYTES, input.length, size);
  if (found.problem !== "") return brokenAt(found.problem);
  return wholeAt(size === Infinity ? found.at : decoder.skipEndMark());
}
