// Writes LZMA streams of literals alone: nothing gets smaller, but every bit goes through the range
// coder as a real encoder's does. LZMA specification of the LZMA SDK.

import { crc32 } from "node:zlib";

/** lc 3, lp 0, pb 2, as all encoders have it. */
const PROPERTIES = 0x5d;
const DICTIONARY_BITS = 16;
const TOP = 2 ** 24;
const PROBABILITY_BITS = 11;
const MOVE_BITS = 5;
const HALF = 1 << (PROBABILITY_BITS - 1);
const LITERALS_PER_CONTEXT = 0x300;
const LITERAL_CONTEXT_BITS = 3;
const POSITION_STATES = 4;

/** Properties and size of the dictionary, as .lzma files, zip and 7z have them. */
export const LZMA_PROPERTIES = Buffer.from([PROPERTIES, 0, 0, 2 ** (DICTIONARY_BITS - 16), 0]);

class RangeEncoder {
  readonly #bytes: number[] = [];
  #low = 0;
  #range = 0xffff_ffff;
  #cache = 0;
  #held = 1;

  /** A bit whose probability stands in `table`, and is learnt from. */
  bit(table: Uint16Array, index: number, bit: number): void {
    const probability = table[index] as number;
    const bound = (this.#range >>> PROBABILITY_BITS) * probability;
    if (bit === 0) {
      this.#range = bound;
      table[index] = probability + (((1 << PROBABILITY_BITS) - probability) >> MOVE_BITS);
    } else {
      this.#low += bound;
      this.#range -= bound;
      table[index] = probability - (probability >> MOVE_BITS);
    }
    this.#normalize();
  }

  /** `count` ones, each as likely as a zero. */
  ones(count: number): void {
    for (let i = 0; i < count; i++) {
      this.#range >>>= 1;
      this.#low += this.#range;
      this.#normalize();
    }
  }

  end(): Buffer {
    for (let i = 0; i < 5; i++) this.#shift();
    return Buffer.from(this.#bytes);
  }

  #normalize(): void {
    while (this.#range < TOP) {
      this.#range = (this.#range * 256) % 2 ** 32;
      this.#shift();
    }
  }

  // A carry may still run through the bytes that are held back.
  #shift(): void {
    if (this.#low < 0xff00_0000 || this.#low >= 2 ** 32) {
      const carry = this.#low >= 2 ** 32 ? 1 : 0;
      for (; this.#held > 0; this.#held--) {
        this.#bytes.push((this.#cache + carry) & 255);
        this.#cache = 255;
      }
      this.#cache = Math.floor(this.#low / TOP) & 255;
    }
    this.#held++;
    this.#low = (this.#low % TOP) * 256;
  }
}

const probabilities = (count: number) => new Uint16Array(count).fill(HALF);

/** The bare stream; with `isMarked` it says itself where it ends. */
export function lzmaStream(content: Uint8Array, isMarked = false): Buffer {
  const encoder = new RangeEncoder();
  const isMatch = probabilities(POSITION_STATES);
  const literals = probabilities(LITERALS_PER_CONTEXT << LITERAL_CONTEXT_BITS);
  let before = 0;
  content.forEach((byte, at) => {
    encoder.bit(isMatch, at % POSITION_STATES, 0);
    const context = (before >> (8 - LITERAL_CONTEXT_BITS)) * LITERALS_PER_CONTEXT;
    let symbol = 1;
    for (let place = 7; place >= 0; place--) {
      const bit = (byte >> place) & 1;
      encoder.bit(literals, context + symbol, bit);
      symbol = (symbol << 1) | bit;
    }
    before = byte;
  });
  if (isMarked) putEnd(encoder, isMatch, content.length % POSITION_STATES);
  return encoder.end();
}

// A match of the shortest length at the largest distance there is. All but `isMatch` are first uses.
function putEnd(encoder: RangeEncoder, isMatch: Uint16Array, position: number): void {
  const tree = (bits: readonly number[]) => {
    const table = probabilities(1 << bits.length);
    let symbol = 1;
    for (const bit of bits) {
      encoder.bit(table, symbol, bit);
      symbol = (symbol << 1) | bit;
    }
  };
  encoder.bit(isMatch, position, 1);
  // No repeated distance; the length is one of the first eight, and the first of them.
  encoder.bit(probabilities(1), 0, 0);
  encoder.bit(probabilities(1), 0, 0);
  tree([0, 0, 0]);
  // The last slot of distances, its direct bits, and the four that have probabilities.
  tree([1, 1, 1, 1, 1, 1]);
  encoder.ones(26);
  tree([1, 1, 1, 1]);
}

/** An .lzma file. */
export function lzmaFile(content: Uint8Array): Buffer {
  const size = Buffer.alloc(8);
  size.writeBigUInt64LE(BigInt(content.length));
  return Buffer.concat([LZMA_PROPERTIES, size, lzmaStream(content)]);
}

/** A lzip file of one member. */
export function lzipFile(content: Uint8Array): Buffer {
  const head = Buffer.from(`LZIP\x01${String.fromCharCode(DICTIONARY_BITS)}`, "latin1");
  const stream = lzmaStream(content, true);
  const end = Buffer.alloc(20);
  end.writeUInt32LE(crc32(content), 0);
  end.writeUInt32LE(content.length, 4);
  end.writeUInt32LE(head.length + stream.length + end.length, 12);
  return Buffer.concat([head, stream, end]);
}

/** What a zip holds for method 14, with an end mark. APPNOTE 6.3.10 §5.8.8. */
export function lzmaMember(content: Uint8Array): Buffer {
  const head = Buffer.from([9, 20, LZMA_PROPERTIES.length, 0]);
  return Buffer.concat([head, LZMA_PROPERTIES, lzmaStream(content, true)]);
}
