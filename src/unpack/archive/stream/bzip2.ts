// bzip2: blocks of up to 900 kB, each sorted (Burrows-Wheeler), moved to front, run-length and Huffman
// coded. There is no official specification; the format is described in J. Tsai's "BZIP2: Format
// Specification" (2016). Each block has a checksum of its own, so what stands before damage is good.

import type { Budget } from "../../../base/budget.ts";
import type { Explosion, Extract } from "../../../message.ts";
import { BitReader } from "./bits.ts";
import { brokenAt, explodeStream, type StreamEnd, wholeAt } from "./open.ts";
import type { Output } from "./output.ts";

const BLOCK_HIGH = 0x314159;
const BLOCK_LOW = 0x265359;
const END_HIGH = 0x177245;
const END_LOW = 0x385090;
const BARE_BLOCK = 0x31;
const BARE_END = 0x17;
const BARE_BLOCK_MAX = 900_000;
const STREAMS_MAX = 100_000;
const GROUP_SYMBOLS = 50;
const CODE_BITS_MAX = 20;
const SELECTORS_MAX = 32_768;

/** Yields the content of a bzip2 file. */
export function explodeBzip2(bytes: Uint8Array, budget: Budget): Generator<Extract, Explosion> {
  return explodeStream(bytes, budget, readBzip2);
}

/** Decodes bzip2 streams; parallel compressors write one for every few hundred kilobytes. */
export function readBzip2(input: Buffer, output: Output, goesOn: () => boolean): StreamEnd {
  let at = 0;
  for (let count = 0; count < STREAMS_MAX && isStream(input, at) && goesOn(); count++) {
    const blockMax = ((input[at + 3] as number) - 0x30) * 100_000;
    const bits = new BitReader(input, at + 4);
    const problem = readBlocks(bits, blockMax, output, goesOn);
    if (problem !== "") return brokenAt(bits.isPast ? "cut short" : problem);
    at = bits.at;
  }
  return at === 0 ? brokenAt("not a bzip2 stream") : wholeAt(at);
}

/** Decodes blocks without headers and checksums, as NSIS writes them: a byte says what follows. */
export function readBareBzip2(input: Buffer, output: Output, goesOn: () => boolean): StreamEnd {
  const bits = new BitReader(input);
  const table = crcTable();
  const sorted = new Int32Array(BARE_BLOCK_MAX);
  while (goesOn()) {
    const mark = bits.take(8);
    if (bits.isPast) return brokenAt("cut short");
    if (mark === BARE_END) return wholeAt(bits.at);
    const origin = bits.take(24);
    const count = mark === BARE_BLOCK ? readSorted(bits, sorted) : -1;
    if (count < 0 || origin >= count) return brokenAt(bits.isPast ? "cut short" : "broken data");
    unsort(sorted.subarray(0, count), origin, output, table);
  }
  return { at: Infinity, status: "unscanned", problem: "time limit reached" };
}

function isStream(input: Buffer, at: number): boolean {
  const level = input[at + 3] ?? 0;
  return input.toString("latin1", at, at + 3) === "BZh" && level >= 0x31 && level <= 0x39;
}

function readBlocks(
  bits: BitReader,
  blockMax: number,
  output: Output,
  goesOn: () => boolean,
): string {
  const table = crcTable();
  const sorted = new Int32Array(blockMax);
  let combined = 0;
  while (goesOn()) {
    const high = bits.take(24);
    const low = bits.take(24);
    const stored = (bits.take(16) << 16) | bits.take(16);
    if (bits.isPast) return "cut short";
    if (high === END_HIGH && low === END_LOW) {
      bits.align();
      return stored === combined ? "" : "checksum does not match";
    }
    if (high !== BLOCK_HIGH || low !== BLOCK_LOW) return "broken data";
    const isRandomised = bits.take(1) === 1;
    const origin = bits.take(24);
    const count = readSorted(bits, sorted);
    if (bits.isPast) return "cut short";
    if (count < 0 || (origin >= count && count > 0)) return "broken data";
    if (isRandomised) return "a randomised block is not supported";
    const crc = unsort(sorted.subarray(0, count), origin, output, table);
    if (crc !== stored) return "checksum does not match";
    combined = ((combined << 1) | (combined >>> 31)) ^ crc;
  }
  return "time limit reached";
}

// Fills `sorted` with the block's bytes; how many, or -1 if it is broken.
function readSorted(bits: BitReader, sorted: Int32Array): number {
  const alphabet = readAlphabet(bits);
  const tableCount = bits.take(3);
  const selectorCount = bits.take(15);
  if (alphabet.length === 0 || tableCount < 2 || tableCount > 6 || selectorCount === 0) return -1;
  const selectors = readSelectors(bits, tableCount, selectorCount);
  if (selectors === undefined) return -1;
  const symbols = alphabet.length + 2;
  const tables: HuffmanTable[] = [];
  for (let i = 0; i < tableCount; i++) {
    const table = readTable(bits, symbols);
    if (table === undefined) return -1;
    tables.push(table);
  }
  return readSymbols(bits, sorted, { alphabet, selectors, tables });
}

// A bit for each sixteen byte values, then one for each value of those that are in use.
function readAlphabet(bits: BitReader): number[] {
  const used = bits.take(16);
  const alphabet: number[] = [];
  for (let group = 0; group < 16; group++) {
    if ((used & (0x8000 >> group)) === 0) continue;
    const values = bits.take(16);
    for (let i = 0; i < 16; i++) if ((values & (0x8000 >> i)) !== 0) alphabet.push(group * 16 + i);
  }
  return alphabet;
}

function readSelectors(bits: BitReader, tableCount: number, count: number): Uint8Array | undefined {
  const order = [0, 1, 2, 3, 4, 5];
  const selectors = new Uint8Array(Math.min(count, SELECTORS_MAX));
  for (let i = 0; i < count; i++) {
    let place = 0;
    while (bits.take(1) === 1) if (++place >= tableCount) return;
    const [table = 0] = order.splice(place, 1);
    order.unshift(table);
    selectors[i] = table;
  }
  return bits.isPast ? undefined : selectors;
}

/** Canonical codes: per length, the largest code and what to subtract to get a symbol's index. */
interface HuffmanTable {
  readonly limits: Int32Array;
  readonly bases: Int32Array;
  readonly symbols: Uint16Array;
  readonly shortest: number;
}

function readTable(bits: BitReader, count: number): HuffmanTable | undefined {
  const lengths = new Uint8Array(count);
  let length = bits.take(5);
  for (let symbol = 0; symbol < count; symbol++) {
    for (;;) {
      if (length < 1 || length > CODE_BITS_MAX) return;
      if (bits.take(1) === 0) break;
      length += bits.take(1) === 0 ? 1 : -1;
    }
    lengths[symbol] = length;
  }
  return canonicalTable(lengths);
}

function canonicalTable(lengths: Uint8Array): HuffmanTable {
  const limits = new Int32Array(CODE_BITS_MAX + 2).fill(-1);
  const bases = new Int32Array(CODE_BITS_MAX + 2);
  const symbols = new Uint16Array(lengths.length);
  let code = 0;
  let index = 0;
  let shortest = 0;
  for (let bits = 1; bits <= CODE_BITS_MAX; bits++) {
    const first = index;
    for (let symbol = 0; symbol < lengths.length; symbol++) {
      if (lengths[symbol] === bits) symbols[index++] = symbol;
    }
    bases[bits] = code - first;
    code += index - first;
    if (index > first) {
      limits[bits] = code - 1;
      if (shortest === 0) shortest = bits;
    }
    code <<= 1;
  }
  return { limits, bases, symbols, shortest };
}

function readSymbol(bits: BitReader, table: HuffmanTable): number {
  let length = table.shortest;
  let code = bits.take(length);
  while (code > (table.limits[length] as number)) {
    if (++length > CODE_BITS_MAX) return -1;
    code = (code << 1) | bits.take(1);
  }
  return table.symbols[code - (table.bases[length] as number)] ?? -1;
}

// Symbols 0 and 1 write the length of a run in bijective base 2; the last one ends the block; the
// others are places in the list of byte values, whose value moves to the front.
function readSymbols(
  bits: BitReader,
  sorted: Int32Array,
  codes: { alphabet: number[]; selectors: Uint8Array; tables: HuffmanTable[] },
): number {
  const { alphabet, selectors, tables } = codes;
  const recent = Uint8Array.from(alphabet);
  const endSymbol = alphabet.length + 1;
  let count = 0;
  let run = 0;
  let weight = 1;
  for (let group = 0; group < selectors.length; group++) {
    const table = tables[selectors[group] as number] as HuffmanTable;
    for (let left = GROUP_SYMBOLS; left > 0; left--) {
      const symbol = readSymbol(bits, table);
      if (symbol < 0 || bits.isPast) return -1;
      if (symbol < 2) {
        run += weight << symbol;
        weight <<= 1;
        if (run > sorted.length) return -1;
        continue;
      }
      if (run > 0) {
        if (count + run > sorted.length) return -1;
        sorted.fill(recent[0] as number, count, count + run);
        count += run;
        run = 0;
      }
      weight = 1;
      if (symbol === endSymbol) return count;
      if (count >= sorted.length) return -1;
      const place = symbol - 1;
      const value = recent[place] as number;
      recent.copyWithin(1, 0, place);
      recent[0] = value;
      sorted[count++] = value;
    }
  }
  return -1;
}

// Undoes the sorting and the first run-length coding (four equal bytes, then a count); returns the
// checksum. The upper 24 bits of each entry become the link to the next one.
function unsort(block: Int32Array, origin: number, output: Output, table: Int32Array): number {
  const starts = new Int32Array(256);
  for (let i = 0; i < block.length; i++) {
    const byte = block[i] as number;
    starts[byte] = (starts[byte] as number) + 1;
  }
  let sum = 0;
  for (let byte = 0; byte < 256; byte++) {
    const count = starts[byte] as number;
    starts[byte] = sum;
    sum += count;
  }
  for (let i = 0; i < block.length; i++) {
    const byte = (block[i] as number) & 0xff;
    const place = starts[byte] as number;
    starts[byte] = place + 1;
    block[place] = (block[place] as number) | (i << 8);
  }
  let crc = -1;
  let link = block.length === 0 ? 0 : (block[origin] as number) >>> 8;
  let previous = -1;
  let equal = 0;
  for (let left = block.length; left > 0; left--) {
    const entry = block[link] as number;
    const byte = entry & 0xff;
    link = entry >>> 8;
    const repeats = equal === 4 ? byte : 1;
    const value = equal === 4 ? previous : byte;
    equal = equal === 4 ? 0 : byte === previous ? equal + 1 : 1;
    for (let i = 0; i < repeats; i++) {
      output.push(value);
      crc = (crc << 8) ^ (table[(crc >>> 24) ^ value] as number);
    }
    previous = equal === 0 ? -1 : byte;
  }
  return ~crc;
}

// CRC-32 with the bits the other way round than everywhere else.
function crcTable(): Int32Array {
  const table = new Int32Array(256);
  for (let index = 0; index < 256; index++) {
    let value = index << 24;
    for (let bit = 0; bit < 8; bit++) value = (value << 1) ^ (value < 0 ? 0x04c1_1db7 : 0);
    table[index] = value;
  }
  return table;
}
