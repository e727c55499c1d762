// ARJ archives. "ARJ archive format" (technical notes of ARJ 2.6); methods 1 to 3 are LZ77 with
// Huffman codes as LHA's -lh6-, with a smaller window; method 4 has fixed codes.

import { crc32 } from "node:zlib";
import type { Budget } from "../../base/budget.ts";
import { asBuffer } from "../../base/bytes.ts";
import type { Explosion, Extract } from "../../message.ts";
import { Giver } from "./giver.ts";
import { BitReader } from "./stream/bits.ts";
import { decodeLzh } from "./stream/lzh.ts";
import { Output } from "./stream/output.ts";
import { decodeName } from "./tar-header.ts";

const MAGIC = 0xea60;
const HEADER_MAX = 2600;
const FLAG_ENCRYPTED = 1;
const FLAG_VOLUME = 4;
const FLAG_CONTINUED = 8;
const TYPE_FOLDER = 3;
const STORED = 0;
const FASTEST = 4;
const METHOD_MAX = 4;
const EXTENDED_MAX = 16;

interface ArjHeader {
  readonly flags: number;
  readonly method: number;
  readonly type: number;
  readonly packedSize: number;
  readonly size: number;
  readonly crc: number;
  readonly name: string;
  readonly dataStart: number;
}

/** Yields the files of an ARJ archive. */
export function* explodeArj(bytes: Uint8Array, budget: Budget): Generator<Extract, Explosion> {
  const input = asBuffer(bytes);
  const giver = new Giver(budget);
  const found = readHeader(input, 0);
  const main = found === "end" ? undefined : found;
  let at = main?.dataStart ?? 0;
  if (main === undefined) giver.note("damaged", "the header is broken");
  else if ((main.flags & (FLAG_VOLUME | FLAG_CONTINUED)) !== 0) {
    giver.note("unscanned", "one part of an archive in several volumes");
  }
  while (main !== undefined && giver.enter()) {
    const header = readHeader(input, at);
    if (header === "end") {
      yield* giver.giveRest(input, at + 4);
      break;
    }
    if (header === undefined) {
      giver.note("damaged", at >= input.length ? "cut short" : "a header is broken");
      break;
    }
    yield* giveFile(input, header, giver);
    at = header.dataStart + header.packedSize;
  }
  return giver.outcome;
}

// Fixed fields, name, comment, checksum; then extended headers, of which none was ever defined.
function readHeader(input: Buffer, at: number): ArjHeader | "end" | undefined {
  if (at + 4 > input.length || input.readUInt16LE(at) !== MAGIC) return;
  const size = input.readUInt16LE(at + 2);
  if (size === 0) return "end";
  const start = at + 4;
  const end = start + size;
  if (size < 30 || size > HEADER_MAX || end + 6 > input.length) return;
  if (crc32(input.subarray(start, end)) !== input.readUInt32LE(end)) return;
  const nameStart = start + (input[start] as number);
  const nameEnd = input.indexOf(0, nameStart);
  let dataStart = end + 4;
  for (let count = 0; count < EXTENDED_MAX && dataStart + 2 <= input.length; count++) {
    const extended = input.readUInt16LE(dataStart);
    dataStart += 2 + (extended === 0 ? 0 : extended + 4);
    if (extended === 0) break;
  }
  return {
    flags: input[start + 4] as number,
    method: input[start + 5] as number,
    type: input[start + 6] as number,
    packedSize: input.readUInt32LE(start + 12),
    size: input.readUInt32LE(start + 16),
    crc: input.readUInt32LE(start + 20),
    name: decodeName(input.subarray(nameStart, nameEnd < 0 || nameEnd > end ? end : nameEnd)),
    dataStart,
  };
}

function* giveFile(input: Buffer, header: ArjHeader, giver: Giver): Generator<Extract> {
  const { name, method, size } = header;
  if (header.type === TYPE_FOLDER) return;
  if ((header.flags & FLAG_ENCRYPTED) !== 0) return giver.note("protected", "encrypted", name);
  if (method > METHOD_MAX) return giver.note("unscanned", `method ${method} is not known`, name);
  const data = input.subarray(header.dataStart, header.dataStart + header.packedSize);
  if (size > giver.room) return giver.refuse(name);
  const isCut = header.dataStart + header.packedSize > input.length;
  const bytes = method === STORED ? data : unpack(data, method, size);
  if (isCut) giver.note("damaged", "cut short", name);
  else if (bytes.length < size) giver.note("damaged", "broken data", name);
  else if (crc32(bytes) !== header.crc) giver.note("damaged", "checksum does not match", name);
  yield* giver.give(name, bytes);
}

// The size is known and was allowed: never more than that is made.
function unpack(data: Buffer, method: number, size: number): Uint8Array {
  const output = new Output(size);
  const bits = new BitReader(data);
  if (method === FASTEST) decodeFastest(bits, output, size);
  else decodeLzh(bits, output, size);
  return output.made;
}

// Literals behind a zero bit; lengths and distances as a number of ones, then that many bits.
function decodeFastest(bits: BitReader, output: Output, size: number): void {
  while (output.size < size && !bits.isPast) {
    const length = unary(bits, 0, 7);
    if (length === 0) {
      output.push(bits.take(8));
      continue;
    }
    const distance = unary(bits, 9, 13) + 1;
    if (distance > output.size) return;
    output.copy(distance, Math.min(length + 2, size - output.size));
  }
}

function unary(bits: BitReader, from: number, to: number): number {
  let value = 0;
  let width = from;
  for (let power = 1 << from; width < to; power <<= 1) {
    if (bits.take(1) === 0) break;
    value += power;
    width++;
  }
  return width === 0 ? value : value + bits.take(width);
}
