// LZH: blocks with Huffman codes of their own for literals and lengths, and for the number of bits
// of a distance; the code lengths are themselves Huffman coded. Haruhiko Okumura's ar002 is where
// LHA and ARJ have it from.

import type { BitReader } from "./bits.ts";
import type { Output } from "./output.ts";

const LITERALS = 256;
const MATCH_MIN = 3;
const CODES = LITERALS + 256 - MATCH_MIN + 1 + 1;
const CODE_COUNT_BITS = 9;
const LENGTH_CODES = 19;
const DISTANCE_CODES = 17;
const SMALL_COUNT_BITS = 5;
const LENGTH_MAX = 16;
const SKIP_AT = 3;

/** Decodes until `size` bytes are made, or the data breaks. */
export function decodeLzh(bits: BitReader, output: Output, size: number): void {
  while (output.size < size && !bits.isPast) {
    let left = bits.take(16);
    const lengths = readSmallTable(bits, LENGTH_CODES, SKIP_AT);
    const codes = lengths && readCodeTable(bits, lengths);
    const distances = readSmallTable(bits, DISTANCE_CODES, -1);
    if (codes === undefined || distances === undefined || left === 0) return;
    for (; left > 0 && output.size < size; left--) {
      const symbol = codes.read(bits);
      if (symbol < 0 || bits.isPast) return;
      if (symbol < LITERALS) {
        output.push(symbol);
        continue;
      }
      const width = distances.read(bits);
      if (width < 0) return;
      const distance = (width < 2 ? width : (1 << (width - 1)) + bits.take(width - 1)) + 1;
      if (distance > output.size) return;
      output.copy(distance, Math.min(symbol - LITERALS + MATCH_MIN, size - output.size));
    }
  }
}

/** A Huffman code, read bit by bit along its lengths. */
class Code {
  readonly #symbols: Int32Array;
  readonly #counts = new Int32Array(LENGTH_MAX + 1);
  /** The only symbol there is, which takes no bits. */
  readonly #only: number;

  constructor(lengths: Uint8Array, only = -1) {
    this.#only = only;
    this.#symbols = new Int32Array(lengths.length);
    for (const length of lengths) this.#counts[length] = (this.#counts[length] ?? 0) + 1;
    this.#counts[0] = 0;
    const next = new Int32Array(LENGTH_MAX + 2);
    for (let i = 1; i <= LENGTH_MAX; i++) {
      next[i + 1] = (next[i] as number) + (this.#counts[i] as number);
    }
    lengths.forEach((length, symbol) => {
      if (length === 0) return;
      const place = next[length] as number;
      this.#symbols[place] = symbol;
      next[length] = place + 1;
    });
  }

  /** The next symbol, -1 if the bits are none. */
  read(bits: BitReader): number {
    if (this.#only >= 0) return this.#only;
    let code = 0;
    let first = 0;
    let index = 0;
    for (let length = 1; length <= LENGTH_MAX; length++) {
      code |= bits.take(1);
      const count = this.#counts[length] as number;
      if (code - first < count) return this.#symbols[index + code - first] ?? -1;
      index += count;
      first = (first + count) << 1;
      code <<= 1;
    }
    return -1;
  }
}

// Lengths in three bits, seven and more in unary; behind the third one, some zeros may be skipped.
function readSmallTable(bits: BitReader, size: number, skipAt: number): Code | undefined {
  const count = bits.take(SMALL_COUNT_BITS);
  const lengths = new Uint8Array(size);
  if (count === 0) return new Code(lengths, bits.take(SMALL_COUNT_BITS));
  if (count > size) return;
  for (let symbol = 0; symbol < count; ) {
    let length = bits.take(3);
    if (length === 7) while (length <= LENGTH_MAX && bits.take(1) === 1) length++;
    if (length > LENGTH_MAX) return;
    lengths[symbol++] = length;
    if (symbol === skipAt) symbol += bits.take(2);
  }
  return new Code(lengths);
}

// Symbols 0 to 2 are runs of zeros; the others a length, plus two.
function readCodeTable(bits: BitReader, lengthCode: Code): Code | undefined {
  const count = bits.take(CODE_COUNT_BITS);
  const lengths = new Uint8Array(CODES);
  if (count === 0) return new Code(lengths, bits.take(CODE_COUNT_BITS));
  if (count > CODES) return;
  for (let symbol = 0; symbol < count; ) {
    const found = lengthCode.read(bits);
    if (found < 0 || bits.isPast) return;
    if (found === 0) symbol++;
    else if (found === 1) symbol += bits.take(4) + 3;
    else if (found === 2) symbol += bits.take(CODE_COUNT_BITS) + 20;
    else lengths[symbol++] = found - 2;
  }
  return new Code(lengths);
}
